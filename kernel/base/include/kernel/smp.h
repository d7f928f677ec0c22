#ifndef KERNEL_SMP_H
#define KERNEL_SMP_H

/* Other CPUs: starting them, asking them for something now, giving them something to do, holding them still. */

#include <kernel/cpumask.h>
#include <kernel/types.h>
#include <stdatomic.h>

/* Sets aside the page that other CPUs start from, if the port needs one. Context: boot, while there is only memblock. */
void smp_prepare(void);
/* Starts the possible CPUs. One that does not come up is reported and left out. Context: boot, interrupts on. */
void smp_init(void);

/*
 * Runs fn(ctx) in interrupt context on each online CPU of the set, the caller's own included, and returns when all are
 * done: how many other CPUs were asked. They run it side by side, in no order. fn takes no longer than going through
 * what its own CPU keeps; it may take locks of rank LOCK_CACHE_NODE and above, and waits for nobody.
 * Context: interrupts on, so no lock of rank >= LOCK_CACHE_NODE held. A waiting CPU serves other CPUs' calls.
 */
unsigned smp_call(const struct cpumask *cpus, void (*fn)(void *ctx), void *ctx);
/*
 * Without waiting, and without the caller's own CPU: fn runs on the others while this one goes on. ctx stays valid until
 * smp_call_wait() has returned. A CPU has one call under way: the next one waits for it first.
 */
unsigned smp_call_start(const struct cpumask *cpus, void (*fn)(void *ctx), void *ctx);
void smp_call_wait(void);
/* How long a wait was between two looks at the clock: a second at most, and nothing where the clock has gone back. */
u64 smp_waited(u64 looked, u64 now);
/* The same on every online CPU. */
unsigned smp_call_all(void (*fn)(void *ctx), void *ctx);
/* What arch_ipi_send() makes a CPU call. Context: interrupt. */
void smp_ipi(void);
/* Every interrupt calls it before anything else. Context: interrupts off. */
void smp_irq_enter(void);

/* Work for another CPU's main loop. The structure is the caller's and stays valid until smp_wait() has returned. */
struct smp_task {
	void (*fn)(void *ctx);
	void *ctx;
	_Atomic bool done;
};
/* 0, -ENODEV: not another online CPU, or -EBUSY: it has a task already. Context: main loop. */
int smp_start(unsigned cpu, struct smp_task *task);
/* Passes quiet points until the task is done. Context: main loop. */
void smp_wait(struct smp_task *task);

/*
 * From hold to release every other CPU stays at a quiet point (it still answers calls), so that structures of all CPUs
 * can be looked at. Calls nest. Context: main loop, no lock held; itself a quiet point while another CPU holds.
 */
void smp_hold(void);
void smp_release(void);
/* Waits until every other CPU without a task has nothing left to do: its deferred work is done. */
void smp_settle(void);

/* For quiet_point(): waits while another CPU holds. */
void smp_rest(void);
/* Sleeps until an interrupt or wake_ns (0: no limit). Context: main loop, interrupts off, nothing to do. */
void smp_idle(u64 wake_ns);
/* An interrupt for this CPU, so that it looks at its queue. Context: any. */
void smp_wake(unsigned cpu);

#endif
