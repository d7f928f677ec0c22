#ifndef WORK_INTERNAL_H
#define WORK_INTERNAL_H

/* The inside of work.c, for the tests that damage it. */

#include <kernel/cpumask.h>
#include <kernel/work.h>

struct work_queue {
	struct work *first;
	unsigned nr;  /* works on the queue */
	bool running; /* inside a step */
};

extern struct work_queue work_queue[NR_CPUS];

#endif
