/*
 * smp.c - CPUs as threads: start, interrupt, stop.
 *
 * Idea.       A CPU is started as a thread, interrupted by SIGUSR1, and stopped by SIGUSR2, which the interrupt flag does
 *             not hold back. The handler of SIGUSR2 records the position and never returns.
 * Layout.     cpu_thread[id] -> thread, stacks (guard | stack | guard | fault stack), the position where it was stopped.
 *             The boot CPU's stacks are part of the image. The stacks of other CPUs are memory of the process outside the
 *             window: system calls and signal delivery need them mapped at any time.
 * Invariants. The entry of a CPU is complete before its thread runs. host_cpus holds the bits of exactly the CPUs whose
 *             threads were started.
 * Locking.    The starting CPU writes an entry first, then the CPU itself. host_lock() protects data that all CPUs of the
 *             process share; interrupts are off while it is held.
 * Failure.    No memory or no thread: -errno. In a panic a stopped CPU may hold a lock for ever, so host_lock() gives up
 *             after LOCK_TRIES.
 * Next:       kernel/base/smp.c.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "host_internal.h"
#include <arch/cpu.h>
#include <arch/irq.h>
#include <arch/smp.h>
#include <arch_impl/stack.h>
#include <kernel/smp.h>

enum {
	RELAX_ROUNDS = 64, /* rounds of a wait before the processor is yielded to another thread */
	STOP_TRIES = 1000, /* one millisecond each */
	LOCK_TRIES = 1000, /* in a panic only */
};

__thread unsigned host_cpu_id;
_Atomic unsigned long host_cpus;

static struct cpu_thread {
	pthread_t thread;
	void (*entry)(void *arg);
	void *arg;
	struct host_stacks *stacks;
	struct arch_stopped where;
	_Atomic bool stopped;
} cpu_thread[HOST_MAX_CPUS];

static _Atomic bool stopping;

/* ---- waiting ---- */

void host_cpu_relax(void)
{
	static __thread unsigned rounds;

	if (++rounds % RELAX_ROUNDS == 0) {
		host_let_interrupts_in();
		sched_yield();
	} else {
		__asm__ volatile("pause" ::: "memory");
	}
}

void host_lock(_Atomic bool *lock)
{
	unsigned tries = 0;

	while (atomic_exchange_explicit(lock, true, memory_order_acquire)) {
		if (atomic_load_explicit(&stopping, memory_order_relaxed) && ++tries > LOCK_TRIES)
			return;
		sched_yield();
	}
}

void host_unlock(_Atomic bool *lock)
{
	atomic_store_explicit(lock, false, memory_order_release);
}

/* ---- start ---- */

static void *run(void *ctx)
{
	struct cpu_thread *c = ctx;

	host_cpu_id = (unsigned)(c - cpu_thread);
	host_trap_init_cpu(c->stacks);
	c->entry(c->arg);
	return NULL;
}

int host_cpu_run(unsigned cpu, struct host_stacks *stacks, void (*entry)(void *arg), void *arg)
{
	struct cpu_thread *c = &cpu_thread[cpu];
	pthread_attr_t attr;
	int err;

	c->entry = entry;
	c->arg = arg;
	c->stacks = stacks;
	err = pthread_attr_init(&attr);
	if (err)
		return -err;
	err = pthread_attr_setstack(&attr, stacks->boot, sizeof(stacks->boot));
	if (!err)
		err = pthread_create(&c->thread, &attr, run, c);
	pthread_attr_destroy(&attr);
	if (!err)
		atomic_fetch_or(&host_cpus, 1UL << cpu);
	return -err;
}

void host_cpu_join(unsigned cpu)
{
	pthread_join(cpu_thread[cpu].thread, NULL);
}

size_t arch_cpu_stack_bytes(unsigned n)
{
	(void)n;
	return 0;
}

paddr_t arch_start_page_limit(void)
{
	return 0;
}

int arch_cpu_start(unsigned cpu, const struct arch_cpu_memory *mem, void (*entry)(void *arg), void *arg)
{
	struct host_stacks *stacks;
	int err = -ENOMEM;

	(void)mem;
	if (cpu >= HOST_MAX_CPUS)
		return -ENODEV;
	stacks = mmap(NULL, sizeof(*stacks), PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
	if (stacks == MAP_FAILED)
		return -ENOMEM;
	if (!mprotect(stacks->boot_guard, sizeof(stacks->boot_guard), PROT_NONE) &&
	    !mprotect(stacks->fault_guard, sizeof(stacks->fault_guard), PROT_NONE))
		err = host_cpu_run(cpu, stacks, entry, arg);
	if (err)
		munmap(stacks, sizeof(*stacks));
	return err;
}

/* Returns the stacks of a CPU that was started, else NULL. */
struct host_stacks *host_cpu_stacks(unsigned cpu)
{
	return cpu < HOST_MAX_CPUS && atomic_load(&host_cpus) >> cpu & 1 ? cpu_thread[cpu].stacks : NULL;
}

/* ---- interrupts ---- */

void arch_ipi_send(const struct cpumask *cpus)
{
	unsigned cpu;

	for_each_cpu (cpu, cpus)
		if (cpu < HOST_MAX_CPUS)
			pthread_kill(cpu_thread[cpu].thread, SIGUSR1);
}

/* ---- stop ---- */

static const char *masked(const ucontext_t *uc)
{
	if (arch_in_interrupt())
		return "an interrupt being handled";
	if (!host_irq.on)
		return host_irq.pending ? "interrupts off and one pending" : "interrupts off";
	return sigismember(&uc->uc_sigmask, SIGUSR1) ? "its signals blocked" : NULL;
}

void host_on_stop(int sig, siginfo_t *info, void *ctx)
{
	const ucontext_t *uc = ctx;
	struct cpu_thread *c = &cpu_thread[arch_cpu_id()];

	(void)sig;
	(void)info;
	c->where = (struct arch_stopped){.pc = (unsigned long)uc->uc_mcontext.gregs[REG_RIP],
					 .fp = (unsigned long)uc->uc_mcontext.gregs[REG_RBP],
					 .masked = masked(uc)};
	atomic_store_explicit(&c->stopped, true, memory_order_release);
	for (;;)
		pause();
}

void arch_cpus_stop(void)
{
	const struct timespec ms = {.tv_nsec = 1000000};
	unsigned long others = atomic_load(&host_cpus) & ~(1UL << arch_cpu_id());

	if (!others)
		return;
	atomic_store(&stopping, true);
	for (unsigned cpu = 0; cpu < HOST_MAX_CPUS; cpu++)
		if (others >> cpu & 1)
			pthread_kill(cpu_thread[cpu].thread, SIGUSR2);
	for (unsigned cpu = 0, tries = 0; cpu < HOST_MAX_CPUS && tries < STOP_TRIES; tries++) {
		if (others >> cpu & 1 &&
		    !atomic_load_explicit(&cpu_thread[cpu].stopped, memory_order_acquire))
			nanosleep(&ms, NULL);
		else
			cpu++;
	}
}

bool arch_cpu_stopped(unsigned cpu, struct arch_stopped *where)
{
	const struct cpu_thread *c;

	if (cpu >= HOST_MAX_CPUS)
		return false;
	c = &cpu_thread[cpu];
	if (!atomic_load_explicit(&c->stopped, memory_order_acquire))
		return false;
	*where = c->where;
	return true;
}
