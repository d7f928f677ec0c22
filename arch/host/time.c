/*
 * time.c - the process's monotonic clock, the alarm of an idle CPU, and a test's tick.
 *
 * Idea.       A cycle is a nanosecond. The alarm needs no timer: an idle CPU waits in ppoll(), whose time limit
 *             it is. A tick is a timer of the thread with a signal of its own, SIGALRM: a timer that is set
 *             again takes back what it has sent, and an interrupt of another CPU that had merged with it would
 *             be lost. The clock says whether an interrupt is a tick.
 * Layout.     ns since arch_time_init() = clock - start
 * Invariants. None.
 * Locking.    None: the clock belongs to everybody, the alarm to the CPU.
 * Failure.    No timer: the process says so and ends.
 * Next:       cpu.c.
 */
#include <signal.h>
#include <time.h>
#include <unistd.h>

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

/* ---- the tick ---- */

static __thread struct {
	void (*fn)(void *ctx);
	void *ctx;
	u64 ns, at;
	timer_t timer;
} tick;

/* Once, so that a tick that takes its time leaves some to what it interrupts. */
static void tick_arm(u64 ns)
{
	const struct itimerspec in = {
		.it_value = {.tv_sec = (time_t)(ns / NS_PER_SEC), .tv_nsec = (long)(ns % NS_PER_SEC)}};

	tick.at = arch_time_ns() + ns;
	if (timer_settime(tick.timer, 0, &in, NULL))
		host_die("strata: the tick's timer is refused\n");
}

void host_tick(void)
{
	if (likely(!tick.fn) || arch_time_ns() < tick.at)
		return;
	tick.fn(tick.ctx);
	if (tick.fn) /* it may have taken itself back */
		tick_arm(tick.ns);
}

void arch_time_tick(u64 ns, void (*fn)(void *ctx), void *ctx)
{
	unsigned long flags = arch_irq_save();
	struct sigevent to_us = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGALRM};

	if (tick.fn)
		timer_delete(tick.timer);
	tick.fn = fn;
	tick.ctx = ctx;
	tick.ns = ns;
	if (fn) {
		to_us._sigev_un._tid = gettid();
		if (timer_create(CLOCK_MONOTONIC, &to_us, &tick.timer))
			host_die("strata: no timer for the tick\n");
		tick_arm(ns);
	}
	arch_irq_restore(flags);
}

/* ---- idle ---- */

void arch_time_wake_at(u64 ns)
{
	wake_ns = ns;
}

/* Signals are blocked until ppoll() opens them again: none is lost between the last look and the sleep. */
void arch_idle(void)
{
	sigset_t all, before;

	host_let_interrupts_in();
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
