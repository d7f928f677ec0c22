/*
 * time.c - the clock (TSC) and the alarm: channel 0 of the 8254, or the APIC's timer.
 *
 * Idea.       The TSC is the clock; clock.c finds its rate. The 8254, if present, is the alarm of CPU 0. The other CPUs,
 *             and CPU 0 of a machine without an 8254, use the timer of their APIC.
 * Layout.     ns = (tsc - tsc_start) * mult >> 32
 * Locking.    Interrupts are off while the alarm is accessed.
 * Failure.    If a CPU's TSC is behind CPU 0's value at its start, the time is 0 instead of a huge number. Without any
 *             timer there is no alarm.
 * Next:       arch/common/alarm.c, which computes the time of the next alarm.
 */

#include "x86_internal.h"
#include <arch/alarm.h>
#include <arch/time.h>
#include <kernel/bits.h>
#include <kernel/percpu.h>

enum {
	PIT_HZ = 1193182,
	PIT_CH0 = 0x40,
	PIT_MODE = 0x43,
	PIT_CH0_ONESHOT = 0x30, /* mode 0, both bytes: the output rises when the count ends */
	PIT_MAX = 0xffff,	/* 55 ms */
};
#define NS_PER_SEC 1000000000UL

static u64 tsc_start, tsc_hz, tsc_mult;

static DEFINE_PER_CPU(bool, x86_soon); /* program the timer to interrupt at once, for x86_test_irq() */

void arch_time_init(void)
{
	tsc_hz = x86_tsc_rate();
	tsc_mult = (NS_PER_SEC << 32) / tsc_hz;
	tsc_start = arch_cycles();
}

u64 arch_time_ns(void)
{
	u64 ticks = arch_cycles() - tsc_start;

	return (s64)ticks < 0 ? 0 : (u64)((unsigned __int128)ticks * tsc_mult >> 32);
}

u64 arch_cycles_hz(void)
{
	return tsc_hz;
}

static void pit_arm(u64 ns)
{
	/* A later alarm takes several interrupts. */
	u64 ticks = min(ns / 1000 * PIT_HZ / 1000000 + 1, (u64)PIT_MAX);

	x86_outb(PIT_MODE, PIT_CH0_ONESHOT);
	x86_outb(PIT_CH0, (u8)ticks);
	x86_outb(PIT_CH0, (u8)(ticks >> 8));
}

static void pit_stop(void)
{
	x86_outb(PIT_MODE, PIT_CH0_ONESHOT); /* a mode write stops the channel until a count is written */
}

void arch_timer_set(u64 ns)
{
	bool pit = arch_cpu_id() == 0 && x86_has_pit;

	if (this_cpu(x86_soon))
		ns = 0;
	if (ns == ARCH_TIMER_NEVER)
		pit ? pit_stop() : x86_apic_timer_stop();
	else
		pit ? pit_arm(ns) : x86_apic_timer_arm(ns);
}

void x86_timer_irq(void)
{
	if (this_cpu(x86_soon)) {
		this_cpu(x86_soon) = false;
		x86_test_irq();
	}
	arch_alarm_irq();
}

void x86_timer_soon(void)
{
	this_cpu(x86_soon) = true;
	arch_timer_set(0);
}
