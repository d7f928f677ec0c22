#ifndef KERNEL_WORK_H
#define KERNEL_WORK_H

/*
 * Deferred work. There are no threads: work runs at quiet points, which the main loop and everything long
 * (tests, stress, bench, shell output) pass between operations. At a quiet point the CPU holds no lock, no
 * per-CPU pointer and no RCU reader; it is the RCU quiescent state.
 */

#include <kernel/types.h>
#include <stdatomic.h>

struct work {
	const char *name;
	/* A bounded step. Returns true while more is to do (it is called again at the next quiet point). */
	bool (*step)(void);
	u64 period_ns; /* 0: only when asked; else becomes due again by itself this long after its last end */
	/* the queue's own */
	_Atomic bool pending;
	u64 due_ns; /* periodic work: the next time by itself */
	struct work *next;
	unsigned cpu;		  /* whose queue it is on */
	bool (*registered)(void); /* step as it was then: for the check */
};

/* Once, before the first request: from now on w runs on this CPU. Context: boot or main loop. */
void work_register(struct work *w);
/* Context: any, also interrupts. */
void work_request(struct work *w);
/* Runs each due work once. Context: main loop, no lock held. */
void quiet_point(void);
/* quiet_point() until nothing that was asked for is left; periodic work that is not due does not count. */
void quiet_drain(void);
/*
 * Whether this CPU may sleep: nothing is pending or due, no callback waits. *wake_ns: when the next periodic
 * work is due, 0 for never. Context: interrupts off, so that a request cannot slip in before the sleep.
 */
bool quiet_idle(u64 *wake_ns);

/*
 * Free something after every CPU passed a quiet point. The callback runs at a quiet point.
 * Context: any. head must stay untouched until func is called.
 */
struct rcu_head {
	struct rcu_head *next;
	void (*func)(struct rcu_head *head);
};
void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head));
/* Context: main loop only; counts as a quiet point. */
void synchronize_rcu(void);
/* An idle CPU is quiescent: no reader runs from enter to exit. Context: main loop, around arch_idle(). */
void rcu_idle_enter(void);
void rcu_idle_exit(void);
/* For quiet_point(): reports this CPU's quiet state and runs a bounded number of callbacks whose time has
 * come. */
void rcu_quiet(void);
/* Callbacks of this CPU that have not run. */
u64 rcu_pending(void);
/*
 * Gives this CPU's callbacks a bounded number of chances to run. Quiet for grace periods, but no quiet point: it may be in
 * the middle of an operation, no deferred work runs and no other CPU's hold is waited for. Context: main loop.
 */
void rcu_help(unsigned rounds);
/* Calls fn for each callback that has not run yet. Context: the other CPUs are held. For checks. */
void rcu_for_each(void (*fn)(struct rcu_head *head, void *ctx), void *ctx);
/* Waits until every callback that was queued before, on any CPU, has run. Passes quiet points. Context: main loop only. */
void rcu_barrier(void);

#endif
