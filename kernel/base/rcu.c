/*
 * rcu.c - free something after every reader that could see it has gone.
 *
 * Idea.       Readers mark nothing: a reader never spans a quiet point. A grace period has a number; each CPU
 *             notes the highest number it saw at a quiet point, and a period is over when every running CPU
 *             has noted it.
 * Layout.     rcu_seq: the last period begun.
 *             Per CPU: seen, and callbacks   fresh -> waiting (for period wait_seq) -> ready
 * Invariants. I1  `seen` of a CPU is at most rcu_seq, or RCU_IDLE while it sleeps
 *             I2  callbacks of one CPU run in the order in which they were queued
 *             I3  a callback of period n runs only after every online CPU was at a quiet point, or idle, at a
 *                 time when rcu_seq was already n, that is after the callback was queued
 *             I4  the three lists of a CPU hold queued - done callbacks; `last` is the link of the last one
 * Locking.    None. `fresh` is touched with IRQs off by its CPU, the rest at its quiet points. rcu_seq and
 *             seen are atomic and sequentially consistent: I3 compares stores to different variables by
 *             different CPUs.
 * Failure.    None: heads live in the objects, nothing is allocated.
 * Next:       ktest.c, or mm/memblock.c for the order of the boot.
 */
#include "rcu_internal.h"

#include <kernel/cpumask.h>
#include <kernel/printk.h>
#include <mm/check.h>
#include <mm/check_walk.h>

#include <arch/cpu.h>
#include <arch/irq.h>

enum { RCU_BATCH = 64 }; /* callbacks a quiet point runs at most */

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

/* Every online CPU has been quiet since period seq began. */
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
		head->func(head); /* head is gone now; func may queue more, but not wait */
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
	/* Begun before the state is noted: on one CPU the period is over within this call. */
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
	full_barrier(); /* a reader from here on: nothing that it looks at may be read before it says so */
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

void rcu_for_each(void (*fn)(struct rcu_head *head, void *ctx), void *ctx)
{
	unsigned cpu;

	for_each_possible_cpu (cpu) {
		struct rcu_cpu *c = &rcu_cpu[cpu];
		const struct rcu_list *const lists[] = {&c->ready, &c->waiting, &c->fresh};
		u64 left = atomic_load(&c->queued) - atomic_load(&c->done);

		for (unsigned i = 0; i < ARRAY_SIZE(lists); i++)
			for (struct rcu_head *head = lists[i]->first;
			     head && left && check_object(head, sizeof(*head), sizeof(long));
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

/* ---- check ---- */

/* Adds the list's callbacks to *nr, which stays at most `most`. */
static bool list_is_sound(const struct rcu_list *list, u64 most, u64 *nr)
{
	struct rcu_head *const *link = &list->first;

	for (; *link; link = &(*link)->next)
		if (++*nr > most || !check_object(*link, sizeof(**link), sizeof(long)) ||
		    !check_function((*link)->func))
			return false;
	return !list->first || list->last == link;
}

static char wrong[96];

static const char *complain(const char *what, unsigned cpu)
{
	snprintf(wrong, sizeof(wrong), "%s: CPU %u", what, cpu);
	return wrong;
}

static const char *rcu_check(void)
{
	const u64 seq = atomic_load(&rcu_seq);

	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++) {
		const struct rcu_cpu *c = &rcu_cpu[cpu];
		u64 seen = atomic_load(&c->seen), done = atomic_load(&c->done);
		u64 pending = atomic_load(&c->queued) - done, nr = 0;

		if ((seen > seq && seen != RCU_IDLE) || (c->waiting.first && c->wait_seq > seq))
			return complain("rcu.I1: it has seen, or waits for, a period that has not begun",
					cpu);
		if (!list_is_sound(&c->ready, pending, &nr) || !list_is_sound(&c->waiting, pending, &nr) ||
		    !list_is_sound(&c->fresh, pending, &nr) || nr != pending)
			return complain("rcu.I4: its lists are not those of its pending callbacks", cpu);
	}
	return NULL;
}
MM_CHECK("rcu", rcu_check);
