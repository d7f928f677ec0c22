#ifndef SMP_INTERNAL_H
#define SMP_INTERNAL_H

/* Private to smp.c, smp_start.c, cpu_check.c and the tests that damage these structures. */

#include <kernel/smp.h>

#include <arch/layout.h>

enum start { START_WAITING, START_DONE, START_GIVEN_UP };
enum rest { REST_NOT, REST_PARKED, REST_IDLE };

struct cpu_state {
	_Atomic(struct smp_task *) task;
	_Atomic unsigned rest;
	/* One compare-and-exchange decides: the CPU came up, or the starter gave up. */
	_Atomic unsigned start;
} __aligned(CACHE_LINE);

/* The one call that a CPU has made and that is not yet completed by all CPUs. */
struct smp_request {
	void (*fn)(void *ctx);
	void *ctx;
	_Atomic unsigned owed; /* CPUs that have not completed the call */
} __aligned(CACHE_LINE);

/* One bit for each CPU whose call this CPU has to run. */
struct smp_mailbox {
	_Atomic unsigned long from[NR_CPUS / 64];
} __aligned(CACHE_LINE);

/* Indexed by CPU. */
extern struct cpu_state cpu_state[NR_CPUS];
extern struct smp_request smp_request[NR_CPUS];
extern struct smp_mailbox smp_mailbox[NR_CPUS];

extern _Atomic int smp_holder; /* -1: no CPU holds */

/*
 * A wait for another CPU, with a timeout. Between two reads of the clock at most one second counts, so a virtual machine
 * that was paused does not time out. A clock that goes back counts as 0.
 */
struct patience {
	u64 looked, waited;
};
/* Reads the clock. True if the wait has lasted longer than `seconds`. */
bool smp_patience_ends(struct patience *p, unsigned seconds);

/* Runs tasks and deferred work, and sleeps in between. */
void smp_main_loop(void) __noreturn;

#endif
