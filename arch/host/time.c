/*
 * time.c - the process's monotonic clock, and the alarm of an idle CPU.
 *
 * Idea.       A cycle is a nanosecond. The alarm needs no timer: an idle CPU waits in ppoll(), whose time limit it is.
 * Layout.     ns since arch_time_init() = clock - start
 * Invariants. None.
 * Locking.    None: the clock belongs to everybody, the alarm to the CPU.
 * Failure.    None.
 * Next:       cpu.c.
 */
#include <signal.h>
#include <time.h>

#include "host_internal.h"
#include <arch/cpu.h>
#include <arch/irq.h>
#include <arch/time.h>
#include <kernel/types.h>

#define NS_PER_SEC 1000000000UL

static u64 start;
static __thread u64 wake_ns;

u64 host_clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (u64)now.tv_sec * NS_PER_SEC + (u64)now.tv_nsec;
}

void arch_time_init(void)
{
	start = host_clock_ns();
}

u64 arch_time_ns(void)
{
	return start ? host_clock_ns() - start : 0;
}

u64 arch_cycles_hz(void)
{
	return NS_PER_SEC;
}

void arch_time_wake_at(u64 ns)
{
	wake_ns = ns;
}

/* Signals are blocked until ppoll() opens them again: none is lost between the last look and the sleep. */
void arch_idle(void)
{
	sigset_t all, before;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	if (!host_irq.pending) {
		u64 now = arch_time_ns();

		if (!wake_ns)
			host_console_wait(~0UL, &before);
		else if (wake_ns > now)
			host_console_wait(wake_ns - now, &before);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	arch_irq_enable();
}
