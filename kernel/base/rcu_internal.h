#ifndef RCU_INTERNAL_H
#define RCU_INTERNAL_H

/* The inside of rcu.c, for the tests that damage it. */

#include <kernel/cpumask.h>
#include <kernel/work.h>

#define RCU_IDLE (~0UL)

struct rcu_list {
	struct rcu_head *first;
	struct rcu_head **last; /* the last one's link; says nothing while first is NULL */
};

struct rcu_cpu {
	_Atomic u64 seen;
	struct rcu_list fresh, waiting, ready;
	u64 wait_seq;	    /* period that `waiting` waits for */
	_Atomic u64 queued; /* callbacks ever queued, and ever run */
	_Atomic u64 done;
} __aligned(64);

extern struct rcu_cpu rcu_cpu[NR_CPUS];
extern _Atomic u64 rcu_seq; /* the last period begun */

#endif
