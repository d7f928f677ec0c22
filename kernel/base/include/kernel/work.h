#ifndef KERNEL_WORK_H
#define KERNEL_WORK_H

/*
 * Deferred work. There are no threads. Work runs at quiescent points: quiet_point() is called between operations by the
 * main loop and by everything that takes long (tests, stress, bench, shell output). At a quiescent point the CPU holds no
 * lock, no per-CPU pointer and no reference to an RCU-protected object.
 */

#include <kernel/types.h>
#include <stdatomic.h>

struct work {
	const char *name;
	/* A bounded step. Returns true if more work remains; it then runs again at the next quiescent point. */
	bool (*step)(void);
	u64 period_ns; /* 0: runs on request only; else also this long after the end of its last step */
	/* Private to work.c. */
	_Atomic bool pending;
	u64 due_ns; /* next periodic run */
	struct work *next;
	unsigned cpu;		  /* the CPU of its queue */
	bool (*registered)(void); /* step at registration, for the check */
};

/* Adds w to this CPU's queue, for ever. Call it once, before the first request. Context: boot or main loop. */
void work_register(struct work *w);
/* Makes w run at its CPU's next quiescent point. Context: any, also interrupts. */
void work_request(struct work *w);
/* A quiescent point: reports it to RCU and runs each due work once. Context: main loop, no lock held. */
void quiet_point(void);
/* Calls quiet_point() until no requested work remains. Periodic work that is not due does not count. */
void quiet_drain(void);
/*
 * Whether this CPU may sleep: no work is pending or due, no RCU callback waits. *wake_ns: when the next periodic work is
 * due, 0 for never. Context: interrupts off, so that no request can come between this test and the sleep.
 */
bool quiet_idle(u64 *wake_ns);

/*
 * RCU: calls func(head) at a quiescent point after every CPU has passed one. The memory of head must not change before.
 * Context: any.
 */
struct rcu_head {
	struct rcu_head *next;
	void (*func)(struct rcu_head *head);
};
void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head));
/* Waits until every CPU has passed a quiescent point. Context: main loop; counts as a quiescent point. */
void synchronize_rcu(void);
/* Between enter and exit this CPU is quiescent: no reader runs. Context: main loop, around arch_idle(). */
void rcu_idle_enter(void);
void rcu_idle_exit(void);
/* For quiet_point(): reports this CPU's quiescent state and runs some of the callbacks whose grace period is over. */
void rcu_quiet(void);
/* Number of this CPU's callbacks that have not run. */
u64 rcu_pending(void);
/*
 * Lets this CPU's callbacks run, in a bounded number of rounds. It reports a quiescent state to RCU but is no quiescent
 * point: the caller may be in the middle of an operation, no deferred work runs, and it does not park for a stopping CPU.
 * Context: main loop.
 */
void rcu_help(unsigned rounds);
/* For checks: calls fn for each callback that has not run. Context: all other CPUs are stopped. */
void rcu_for_each(void (*fn)(struct rcu_head *head, void *ctx), void *ctx);
/* Waits until all callbacks queued so far, on any CPU, have run. Passes quiescent points. Context: main loop. */
void rcu_barrier(void);

#endif
