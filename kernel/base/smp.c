/*
 * smp.c - the other CPUs: cross-CPU calls, tasks, stopping at a quiescent point.
 *
 * Idea.       Every CPU runs a main loop that passes quiescent points (quiet_point(): no lock, nothing half done). Three
 *             services:
 *               smp_call      run a short function now, in interrupt context
 *               smp_start     run a task soon, from the main loop
 *               smp_hold      stop at the next quiescent point, still answering calls, until smp_release()
 * Layout.     smp_request[cpu]  the one call that this CPU has made and that is not yet completed by all
 *             smp_mailbox[cpu]  one bit for each CPU whose call this CPU has to run
 *             cpu_state[cpu]    task, park state (`rest`), start handshake
 *
 *             CPU 2 calls f on CPUs 0 and 1: smp_request[2] = { f, ctx, owed 2 }; bit 2 set in smp_mailbox[0] and [1]; an
 *             IPI to each. CPU 0 takes bit 2, runs f(ctx) and decrements smp_request[2].owed; CPU 1 likewise. CPU 2 waits
 *             for owed == 0.
 *
 * Invariants. I1  smp_request[c].owed is at least the number of mailboxes with bit c; request c does not change before
 *                 owed is 0. The caller that changes a mailbox word from 0 sends the IPI. It serves all bits that are set
 *                 until it is taken. No port loses an IPI
 *             I2  `rest` is REST_NOT from the end of a quiescent point or an idle sleep to the next one
 *             I3  between smp_hold() and smp_release() `rest` of every other CPU is not REST_NOT. A CPU that resumes stores
 *                 REST_NOT, then reads smp_holder; the holder stores smp_holder, then reads `rest`. All four are sequentially
 *                 consistent, so at least one side sees the other's store
 *             I4  a CPU is online if and only if it has started; CPU 0 has
 *             I5  while the other CPUs are held, none of them has a call under way or one to run
 *             I6  the task of a CPU is NULL or not yet done
 * Locking.    None. The caller writes its request and then sets the bits (release); a CPU that takes a bit (acquire) reads
 *             the request. Calls of different CPUs proceed concurrently. mm/tlb.c argues why CPUs cannot wait for each
 *             other in a circle.
 * Failure.    A CPU that does not answer a call within ANSWER_TIMEOUT_S is a panic.
 * Source.     Linux kernel/smp.c (smp_call_function_many), kernel/stop_machine.c.
 * Next:       mm/tlb.c, the first caller. kernel/smp_start.c starts the CPUs, kernel/cpu_check.c checks the
 *             invariants.
 */
#include "smp_internal.h"

#include <kernel/bug.h>
#include <kernel/errno.h>
#include <kernel/percpu.h>
#include <kernel/printk.h>
#include <kernel/spinlock.h>
#include <kernel/work.h>

#include <arch/cpu.h>
#include <arch/irq.h>
#include <arch/smp.h>
#include <arch/time.h>

enum {
	ANSWER_TIMEOUT_S = 120, /* an emulated CPU may not be scheduled for long */
	LOOK_ROUNDS = 1 << 14,	/* rounds between two reads of the clock */
};
#define ROUNDS_MAX (1UL << 31)
#define NS_PER_S 1000000000UL
#define LEAP_NS NS_PER_S

struct cpu_state cpu_state[NR_CPUS];

/* ---- calls ---- */

struct smp_request smp_request[NR_CPUS];
struct smp_mailbox smp_mailbox[NR_CPUS];

/* One interrupt serves all calls in the mailbox. An interrupt that finds the mailbox empty only wakes the CPU. */
void smp_ipi(void)
{
	struct smp_mailbox *box = &smp_mailbox[arch_cpu_id()];

	for (unsigned word = 0; word < ARRAY_SIZE(box->from); word++) {
		unsigned long callers;

		if (!atomic_load_explicit(&box->from[word], memory_order_relaxed))
			continue;
		callers = atomic_exchange_explicit(&box->from[word], 0, memory_order_acquire);
		for (; callers; callers &= callers - 1) {
			struct smp_request *c = &smp_request[word * 64 + (unsigned)__builtin_ctzl(callers)];

			c->fn(c->ctx);
			atomic_fetch_sub_explicit(&c->owed, 1, memory_order_release);
		}
	}
}

u64 smp_waited(u64 looked, u64 now)
{
	return now > looked ? min(now - looked, LEAP_NS) : 0;
}

bool smp_patience_ends(struct patience *p, unsigned seconds)
{
	u64 now = arch_time_ns();

	if (p->looked)
		p->waited += smp_waited(p->looked, now);
	p->looked = now;
	return p->waited > seconds * NS_PER_S;
}

static void next_round(u64 *round, const char *what, unsigned cpu)
{
	if (++*round == ROUNDS_MAX)
		panic("%s: CPU %u does not answer", what, cpu);
	arch_cpu_relax();
}

/* For the panic message: returns the first CPU whose mailbox still holds the caller's bit, NR_CPUS if none does. */
static unsigned who_owes(unsigned caller)
{
	unsigned cpu = 0;

	while (cpu < NR_CPUS && !(atomic_load(&smp_mailbox[cpu].from[caller / 64]) >> caller % 64 & 1))
		cpu++;
	return cpu;
}

static __cold __noreturn void no_answer(unsigned me)
{
	unsigned cpu = who_owes(me);

	if (cpu == NR_CPUS)
		panic("smp_call of %pS: a CPU has started the call and not finished it",
		      (void *)smp_request[me].fn);
	panic("smp_call of %pS: CPU %u does not answer", (void *)smp_request[me].fn, cpu);
}

void smp_call_wait(void)
{
	unsigned me = arch_cpu_id();
	struct patience patience = {};

	for (u64 round = 1; atomic_load_explicit(&smp_request[me].owed, memory_order_acquire); round++) {
		if (round % LOOK_ROUNDS == 0 && smp_patience_ends(&patience, ANSWER_TIMEOUT_S))
			no_answer(me);
		arch_cpu_relax();
	}
}

unsigned smp_call_start(const struct cpumask *cpus, void (*fn)(void *ctx), void *ctx)
{
	unsigned me = arch_cpu_id(), cpu, nr = 0;
	struct cpumask others = {}, to_wake = {};

	lock_debug_wait();
	for_each_cpu (cpu, cpus) {
		if (cpu == me || !cpumask_test(&cpu_online_mask, cpu))
			continue;
		cpumask_set(&others, cpu);
		nr++;
	}
	/* No other CPU is online, or none is in the set. During boot this is always so. */
	if (!nr)
		return 0;
	BUG_ON(arch_irq_disabled(), "smp_call of %pS with interrupts off", (void *)fn);
	smp_call_wait();
	smp_request[me].fn = fn;
	smp_request[me].ctx = ctx;
	atomic_store_explicit(&smp_request[me].owed, nr, memory_order_relaxed);
	for_each_cpu (cpu, &others) {
		_Atomic unsigned long *from = &smp_mailbox[cpu].from[me / 64];

		if (!atomic_fetch_or_explicit(from, 1UL << me % 64, memory_order_acq_rel))
			cpumask_set(&to_wake, cpu);
	}
	arch_ipi_send(&to_wake);
	return nr;
}

unsigned smp_call(const struct cpumask *cpus, void (*fn)(void *ctx), void *ctx)
{
	unsigned nr = smp_call_start(cpus, fn, ctx);

	if (cpumask_test(cpus, arch_cpu_id())) {
		unsigned long flags = arch_irq_save();

		fn(ctx);
		arch_irq_restore(flags);
	}
	if (nr)
		smp_call_wait();
	return nr;
}

unsigned smp_call_all(void (*fn)(void *ctx), void *ctx)
{
	return smp_call(&cpu_online_mask, fn, ctx);
}

void smp_wake(unsigned cpu)
{
	struct cpumask one = {};

	cpumask_set(&one, cpu);
	arch_ipi_send(&one);
}

/* ---- stopping ---- */

_Atomic int smp_holder = -1;
static unsigned hold_depth; /* accessed by the holder only */

static bool held_by_another(void)
{
	int cpu = atomic_load(&smp_holder);

	return cpu >= 0 && cpu != (int)arch_cpu_id();
}

static void rest_begin(enum rest kind)
{
	atomic_store(&cpu_state[arch_cpu_id()].rest, kind);
}

/*
 * Reports a quiescent state in each round, so grace periods do not wait for this CPU. Interrupt handlers between two rounds
 * may be RCU readers, so the CPU is not marked idle.
 */
static void wait_quietly(void)
{
	rcu_idle_exit();
	arch_cpu_relax();
}

static void rest_end(void)
{
	_Atomic unsigned *rest = &cpu_state[arch_cpu_id()].rest;

	for (;;) {
		atomic_store(rest, REST_NOT);
		if (likely(!held_by_another()))
			break;
		rest_begin(REST_PARKED);
		while (held_by_another())
			wait_quietly();
	}
}

void smp_rest(void)
{
	if (likely(!held_by_another()))
		return;
	rest_begin(REST_PARKED);
	rest_end();
}

/*
 * A sleeping CPU is no RCU reader and uses no translation that may change, so grace periods and shootdowns do not wait
 * for it. wake_up() ends this state before the first interrupt handler runs, or after the sleep.
 */
static DEFINE_PER_CPU(bool, asleep);

static void wake_up(void)
{
	if (likely(!this_cpu(asleep)))
		return;
	this_cpu(asleep) = false;
	for_each_sleep_hook(hook)(*hook)->exit();
	rcu_idle_exit();
}

void smp_irq_enter(void)
{
	wake_up();
}

void smp_idle(u64 wake_ns)
{
	unsigned long flags;

	arch_time_wake_at(wake_ns);
	rest_begin(REST_IDLE);
	rcu_idle_enter();
	for_each_sleep_hook(hook)(*hook)->enter();
	this_cpu(asleep) = true;
	arch_idle();
	flags = arch_irq_save();
	wake_up();
	arch_irq_restore(flags);
	rest_end();
}

void smp_hold(void)
{
	int nobody = -1, me = (int)arch_cpu_id();
	unsigned cpu;
	u64 round = 0;

	BUG_ON(this_cpu(lock_depth) || arch_in_interrupt(), "smp_hold: lock held or in an interrupt");
	if (atomic_load(&smp_holder) == me) {
		hold_depth++;
		return;
	}
	while (!atomic_compare_exchange_strong(&smp_holder, &nobody, me)) {
		smp_rest();
		nobody = -1;
	}
	hold_depth = 1;
	/* A CPU that is still running may wait for a grace period before it parks, so report quiescent states meanwhile. */
	for_each_online_cpu (cpu)
		while (cpu != (unsigned)me && atomic_load(&cpu_state[cpu].rest) == REST_NOT) {
			rcu_idle_exit();
			next_round(&round, "smp_hold", cpu);
		}
}

void smp_release(void)
{
	BUG_ON(atomic_load(&smp_holder) != (int)arch_cpu_id(), "smp_release: CPU %d holds",
	       atomic_load(&smp_holder));
	if (--hold_depth == 0)
		atomic_store(&smp_holder, -1);
}

void smp_settle(void)
{
	unsigned cpu;

	for_each_online_cpu (cpu) {
		struct cpu_state *c = &cpu_state[cpu];

		while (cpu != arch_cpu_id() && !atomic_load(&c->task) && atomic_load(&c->rest) == REST_NOT) {
			quiet_point();
			arch_cpu_relax();
		}
	}
}

/* ---- tasks ---- */

int smp_start(unsigned cpu, struct smp_task *task)
{
	struct smp_task *none = NULL;

	if (cpu >= NR_CPUS || cpu == arch_cpu_id() || !cpumask_test(&cpu_online_mask, cpu))
		return -ENODEV;
	atomic_store_explicit(&task->done, false, memory_order_relaxed);
	if (!atomic_compare_exchange_strong(&cpu_state[cpu].task, &none, task))
		return -EBUSY;
	smp_wake(cpu);
	return 0;
}

void smp_wait(struct smp_task *task)
{
	while (!atomic_load_explicit(&task->done, memory_order_acquire)) {
		quiet_point();
		arch_cpu_relax();
	}
}

void smp_main_loop(void)
{
	struct cpu_state *c = &cpu_state[arch_cpu_id()];

	for (;;) {
		struct smp_task *task = atomic_load(&c->task);
		u64 wake_ns;

		quiet_point();
		if (task) {
			task->fn(task->ctx);
			atomic_store(&c->task, NULL);
			atomic_store_explicit(&task->done, true, memory_order_release);
			continue;
		}
		arch_irq_disable();
		if (!atomic_load(&c->task) && quiet_idle(&wake_ns))
			smp_idle(wake_ns);
		else
			arch_irq_enable();
	}
}
