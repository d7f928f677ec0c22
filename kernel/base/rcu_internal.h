#ifndef RCU_INTERNAL_H
#define RCU_INTERNAL_H

/* Private to rcu.c and to the tests that damage its structures. */

#include <kernel/cpumask.h>
#include <kernel/work.h>

#define RCU_IDLE (~0UL)

struct rcu_list {
	struct rcu_head *first;
	struct rcu_head **last; /* link of the last element; undefined while first is NULL */
};

struct rcu_cpu {
	_Atomic u64 seen;
	struct rcu_list fresh, waiting, ready;
	u64 wait_seq;	    /* grace period that `waiting` waits for */
	_Atomic u64 queued; /* number of callbacks queued so far */
	_Atomic u64 done;   /* number of callbacks run so far */
} __aligned(64);

extern struct rcu_cpu rcu_cpu[NR_CPUS];
extern _Atomic u64 rcu_seq; /* the last period begun */

#endif
