#ifndef KERNEL_SMP_H
#define KERNEL_SMP_H

/* Other CPUs: start them, call a function on them, give them tasks, stop them. */

#include <kernel/cpumask.h>
#include <kernel/types.h>
#include <stdatomic.h>

/* Allocates the page that other CPUs start at, if the port needs one. Context: boot, memblock is the only allocator. */
void smp_prepare(void);
/* Starts the possible CPUs. A CPU that does not come up is reported and left out. Context: boot, interrupts on. */
void smp_init(void);

/*
 * Runs fn(ctx) in interrupt context on each online CPU of the set, the caller's included, and returns when all have
 * finished. Returns the number of other CPUs. They run fn concurrently. fn may take as long as a walk over its own CPU's
 * structures. It may take locks of rank LOCK_CACHE_NODE and above and must not wait for another CPU.
 * Context: interrupts on, so no lock of rank >= LOCK_CACHE_NODE held. While a CPU waits here it serves other CPUs' calls.
 */
unsigned smp_call(const struct cpumask *cpus, void (*fn)(void *ctx), void *ctx);
/*
 * smp_call() without the wait and without the caller's CPU: fn runs on the others while this CPU continues. ctx must remain
 * valid until smp_call_wait() returns. A CPU can have one call under way; the next call waits for it first.
 */
unsigned smp_call_start(const struct cpumask *cpus, void (*fn)(void *ctx), void *ctx);
void smp_call_wait(void);
/* Waiting time between two reads of the clock: at most one second, and 0 if the clock went back. */
u64 smp_waited(u64 looked, u64 now);
/* smp_call() on every online CPU. */
unsigned smp_call_all(void (*fn)(void *ctx), void *ctx);
/* Runs the calls in this CPU's mailbox; the handler of arch_ipi_send()'s interrupt calls it. Context: interrupt. */
void smp_ipi(void);
/* Every interrupt handler calls it first. Context: interrupts off. */
void smp_irq_enter(void);

/* A task for another CPU's main loop. The caller owns the structure, which must remain valid until smp_wait() returns. */
struct smp_task {
	void (*fn)(void *ctx);
	void *ctx;
	_Atomic bool done;
};
/* Starts a task. 0; -ENODEV: not another online CPU; -EBUSY: the CPU has a task already. Context: main loop. */
int smp_start(unsigned cpu, struct smp_task *task);
/* Waits until the task is done and passes quiescent points meanwhile. Context: main loop. */
void smp_wait(struct smp_task *task);

/*
 * smp_hold() stops all other CPUs at quiescent points until smp_release(), so the caller may read structures of all CPUs.
 * Stopped CPUs still answer calls. Calls nest. While another CPU holds, the caller parks first. Context: main loop, no lock
 * held.
 */
void smp_hold(void);
void smp_release(void);
/* Waits until each other CPU that runs no task is parked or idle: its deferred work is done. */
void smp_settle(void);

/*
 * Functions of a higher layer that run before a CPU sleeps, and when it wakes up, before any interrupt handler. Section
 * `sleep_hooks` collects pointers to the records. Context: interrupts off.
 */
struct smp_sleep_hook {
	void (*enter)(void);
	void (*exit)(void);
};
#define SMP_SLEEP_HOOK(name_, enter_, exit_)                                     \
	static const struct smp_sleep_hook sleep_hook_##name_ = {enter_, exit_}; \
	static const struct smp_sleep_hook *const sleep_hook_ptr_##name_         \
		__attribute__((section("sleep_hooks"), used)) = &sleep_hook_##name_
extern const struct smp_sleep_hook *const __start_sleep_hooks[], *const __stop_sleep_hooks[];
#define for_each_sleep_hook(h) \
	for (const struct smp_sleep_hook *const *h = __start_sleep_hooks; h < __stop_sleep_hooks; h++)

/* For quiet_point(): parks while another CPU holds. */
void smp_rest(void);
/* Sleeps until an interrupt or wake_ns (0: no limit). Context: main loop, interrupts off, nothing to do. */
void smp_idle(u64 wake_ns);
/* Sends an interrupt to a CPU, so that it tests its queue. Context: any. */
void smp_wake(unsigned cpu);

#endif
