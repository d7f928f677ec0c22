/*
 * rcu.c - frees objects after every reader that could see them has finished.
 *
 * Idea.       Readers mark nothing: a reader never spans a quiescent point. Each grace period has a number. Each CPU
 *             records the highest number that it saw at a quiescent point. A period is over when every online CPU has
 *             recorded it.
 * Layout.     rcu_seq: the last period begun.
 *             Per CPU: seen, and callbacks   fresh -> waiting (for period wait_seq) -> ready
 *
 *             Two CPUs, rcu_seq 7; CPU 0 queues a callback (fresh) and passes a quiescent point:
 *
 *               CPU 0   fresh becomes waiting, rcu_seq = wait_seq = 8, seen = 8
 *               CPU 1   passes a quiescent point: seen = 8
 *               CPU 0   passes a quiescent point: all seen >= 8, waiting becomes ready, the callback runs
 *
 * Invariants. I1  `seen` of a CPU is at most rcu_seq, or RCU_IDLE while it sleeps
 *             I2  callbacks of one CPU run in the order in which they were queued
 *             I3  a callback of period n runs only after every online CPU was at a quiescent point, or idle, at a
 *                 time when rcu_seq was already n, that is after the callback was queued
 *             I4  the three lists of a CPU hold queued - done callbacks; `last` is the link of the last one
 * Locking.    None. A CPU accesses its `fresh` with IRQs off, and its other lists at its quiescent points. rcu_seq and seen
 *             are atomic and sequentially consistent, because I3 compares stores to different variables by different CPUs.
 * Failure.    No memory is allocated: the list link lies in the object.
 * Next:       smp.c, or mm/memblock.c for the order of the boot.
 */
#include "rcu_internal.h"

#include <kernel/cpumask.h>
#include <kernel/printk.h>

#include <arch/cpu.h>
#include <arch/irq.h>

enum { RCU_BATCH = 64 }; /* most callbacks that one quiescent point runs */

struct rcu_cpu rcu_cpu[NR_CPUS];
_Atomic u64 rcu_seq;

static void rcu_list_append(struct rcu_list *list, struct rcu_list *more)
{
	if (!more->first)
		return;
	*(list->first ? list->last : &list->first) = more->first;
	list->last = more->last;
	more->first = NULL;
}

void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head))
{
	struct rcu_list one = {.first = head, .last = &head->next};
	unsigned long flags = arch_irq_save();
	struct rcu_cpu *c = &rcu_cpu[arch_cpu_id()];

	head->next = NULL;
	head->func = func;
	rcu_list_append(&c->fresh, &one);
	atomic_fetch_add(&c->queued, 1);
	arch_irq_restore(flags);
}

u64 rcu_pending(void)
{
	const struct rcu_cpu *c = &rcu_cpu[arch_cpu_id()];

	return atomic_load(&c->queued) - atomic_load(&c->done);
}

/* Whether every online CPU has been quiescent since period seq began. */
static bool rcu_period_over(u64 seq)
{
	unsigned cpu;

	for_each_online_cpu (cpu)
		if (atomic_load(&rcu_cpu[cpu].seen) < seq)
			return false;
	return true;
}

static void rcu_run_ready(struct rcu_cpu *c)
{
	for (unsigned n = 0; n < RCU_BATCH && c->ready.first; n++) {
		struct rcu_head *head = c->ready.first;

		c->ready.first = head->next;
		head->func(head); /* frees head; func may queue further callbacks but must not wait */
		atomic_fetch_add(&c->done, 1);
	}
}

void rcu_quiet(void)
{
	struct rcu_cpu *c = &rcu_cpu[arch_cpu_id()];

	if (!c->waiting.first && c->fresh.first) {
		unsigned long flags = arch_irq_save();

		rcu_list_append(&c->waiting, &c->fresh);
		arch_irq_restore(flags);
		c->wait_seq = atomic_fetch_add(&rcu_seq, 1) + 1;
	}
	/* The period has begun above, so with one CPU it is over at the end of this call. */
	atomic_store(&c->seen, atomic_load(&rcu_seq));
	if (c->waiting.first && rcu_period_over(c->wait_seq))
		rcu_list_append(&c->ready, &c->waiting);
	rcu_run_ready(c);
}

void rcu_idle_enter(void)
{
	atomic_store(&rcu_cpu[arch_cpu_id()].seen, RCU_IDLE);
}

void rcu_idle_exit(void)
{
	atomic_store(&rcu_cpu[arch_cpu_id()].seen, atomic_load(&rcu_seq));
	full_barrier(); /* a reader may start now: its loads must come after the store of `seen` */
}

void synchronize_rcu(void)
{
	u64 seq = atomic_fetch_add(&rcu_seq, 1) + 1;

	for (;;) {
		quiet_point();
		if (rcu_period_over(seq))
			return;
		arch_cpu_relax();
	}
}

void rcu_help(unsigned rounds)
{
	while (rcu_pending() && rounds--) {
		rcu_quiet();
		arch_cpu_relax();
	}
}

/* A list that a check walks may be damaged: a probe reads it. */
static bool can_read(const struct rcu_head *head)
{
	struct rcu_head copy;

	return head && (unsigned long)head % __alignof__(*head) == 0 &&
	       arch_probe_read(&copy, (unsigned long)head, sizeof(copy)) == sizeof(copy);
}

void rcu_for_each(void (*fn)(struct rcu_head *head, void *ctx), void *ctx)
{
	unsigned cpu;

	for_each_possible_cpu (cpu) {
		struct rcu_cpu *c = &rcu_cpu[cpu];
		const struct rcu_list *const lists[] = {&c->ready, &c->waiting, &c->fresh};
		u64 left = atomic_load(&c->queued) - atomic_load(&c->done);

		for (unsigned i = 0; i < ARRAY_SIZE(lists); i++)
			for (struct rcu_head *head = lists[i]->first; left && can_read(head);
			     head = head->next) {
				left--;
				fn(head, ctx);
			}
	}
}

void rcu_barrier(void)
{
	unsigned cpu;

	for_each_online_cpu (cpu) {
		u64 target = atomic_load(&rcu_cpu[cpu].queued);

		while (atomic_load(&rcu_cpu[cpu].done) < target) {
			quiet_point();
			arch_cpu_relax();
		}
	}
}
