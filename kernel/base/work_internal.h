#ifndef WORK_INTERNAL_H
#define WORK_INTERNAL_H

/* Private to work.c and to the tests that damage its structures. */

#include <kernel/cpumask.h>
#include <kernel/work.h>

struct work_queue {
	struct work *first;
	unsigned nr;  /* works on the queue */
	bool running; /* a step is running */
};

extern struct work_queue work_queue[NR_CPUS];

#endif
