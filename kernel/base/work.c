/*
 * work.c - deferred work that runs at quiescent points.
 *
 * Idea.       There are no threads. Work that an allocator defers (reap, purge, open, reclaim) waits until its CPU is
 *             between two operations and holds no lock. There it may call anything, in bounded steps.
 * Layout.     work_queue[cpu] -> work -> work -> NULL, in the order of registration; a request only sets `pending`.
 * Invariants. I1  a work is on exactly one queue, for ever, and its step runs only on that CPU, never nested
 *             I2  a request made before a quiescent point begins is served in it
 *             I3  at a quiescent point the CPU holds no lock and is not in an interrupt
 *             I4  a queue has `nr` works, each of its CPU, with the step that it was registered with
 * Locking.    None. A queue is changed by its own CPU only. `pending` is atomic: any context sets it with release, and the
 *             owner takes it with acquire, so the step sees the requester's earlier stores.
 * Failure.    A quiescent point with a lock held, or in an interrupt, is a BUG.
 * Next:       rcu.c.
 */
#include "smp_internal.h"
#include "work_internal.h"

#include <kernel/bug.h>
#include <kernel/printk.h>
#include <kernel/smp.h>
#include <kernel/spinlock.h>

#include <arch/irq.h>
#include <arch/time.h>

struct work_queue work_queue[NR_CPUS];

void work_register(struct work *w)
{
	struct work **link = &work_queue[arch_cpu_id()].first;

	w->cpu = arch_cpu_id();
	w->registered = w->step;

	while (*link) {
		BUG_ON(*link == w, "work %s is registered twice", w->name);
		link = &(*link)->next;
	}
	w->next = NULL;
	w->due_ns = w->period_ns ? arch_time_ns() + w->period_ns : 0;
	*link = w;
	work_queue[w->cpu].nr++;
}

void work_request(struct work *w)
{
	/* Sequentially consistent: the CPU either sees the request before it sleeps or is woken by the interrupt. */
	if (!atomic_exchange(&w->pending, true) && w->cpu != arch_cpu_id())
		smp_wake(w->cpu);
}

static bool work_is_due(const struct work *w, u64 now)
{
	return w->period_ns && now >= w->due_ns;
}

static void work_run_queue(struct work_queue *q)
{
	u64 now = arch_time_ns();

	for (struct work *w = q->first; w; w = w->next) {
		bool asked = atomic_exchange_explicit(&w->pending, false, memory_order_acquire);

		if (!asked && !work_is_due(w, now))
			continue;
		if (w->step())
			work_request(w);
		if (w->period_ns)
			w->due_ns = arch_time_ns() + w->period_ns;
	}
}

void quiet_point(void)
{
	struct work_queue *q = &work_queue[arch_cpu_id()];

	BUG_ON(this_cpu(lock_depth), "quiet point with %u locks held", this_cpu(lock_depth));
	BUG_ON(arch_in_interrupt(), "quiet point in an interrupt");
	/* A step that waits (synchronize_rcu) calls this function again. It reports a quiescent state, but steps do not nest. */
	if (q->running) {
		smp_rest();
		rcu_quiet();
		return;
	}
	smp_rest();
	q->running = true;
	rcu_quiet();
	work_run_queue(q);
	q->running = false;
}

bool quiet_idle(u64 *wake_ns)
{
	u64 now = arch_time_ns(), wake = 0;

	for (const struct work *w = work_queue[arch_cpu_id()].first; w; w = w->next) {
		if (atomic_load_explicit(&w->pending, memory_order_relaxed) || work_is_due(w, now))
			return false;
		if (w->period_ns && (!wake || w->due_ns < wake))
			wake = w->due_ns;
	}
	*wake_ns = wake;
	return !rcu_pending();
}

void quiet_drain(void)
{
	u64 wake_ns;

	do
		quiet_point();
	while (!quiet_idle(&wake_ns));
}
