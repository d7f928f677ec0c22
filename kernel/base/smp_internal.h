#ifndef SMP_INTERNAL_H
#define SMP_INTERNAL_H

/* The inside of smp.c, for the tests that damage it. */

#include <kernel/smp.h>

#include <arch/layout.h>

enum start { START_WAITING, START_DONE, START_GIVEN_UP };
enum rest { REST_NOT, REST_PARKED, REST_IDLE };

struct cpu_state {
	_Atomic(struct smp_task *) task;
	_Atomic unsigned rest;
	_Atomic unsigned start; /* the new CPU and the one that waits for it agree by one exchange */
} __aligned(CACHE_LINE);

/* The one call that a CPU has made and that is not answered by all yet. */
struct smp_request {
	void (*fn)(void *ctx);
	void *ctx;
	_Atomic unsigned owed; /* answers that are missing */
} __aligned(CACHE_LINE);

/* A bit for each CPU whose call this one has to answer. */
struct smp_mailbox {
	_Atomic unsigned long from[NR_CPUS / 64];
} __aligned(CACHE_LINE);

/* By CPU. */
extern struct cpu_state cpu_state[NR_CPUS];
extern struct smp_request smp_request[NR_CPUS];
extern struct smp_mailbox smp_mailbox[NR_CPUS];

#endif
