/*
 * time.c - the process's monotonic clock, the alarm of an idle CPU, and a test's tick.
 *
 * Idea.       A cycle is a nanosecond. The alarm needs no timer: it is the timeout of ppoll(), in which an idle CPU
 *             waits. A tick is a timer of the thread with its own signal, SIGALRM. It does not share the interrupt's
 *             signal: setting a timer again withdraws a signal that it has sent, and an interrupt of another CPU that had
 *             merged with that signal would be lost. The clock tells whether an interrupt is a tick.
 * Layout.     ns since arch_time_init() = clock - start
 * Locking.    None: the clock is read-only, the alarm is per CPU.
 * Failure.    If no timer can be created, the process prints a message and ends.
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

/* One shot: the next tick counts from the end of this one, so a slow tick leaves time for the interrupted code. */
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
	if (tick.fn) /* the function may have stopped the tick */
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

/* Signals are blocked until ppoll() unblocks them, so none is lost between the test of `pending` and the sleep. */
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
