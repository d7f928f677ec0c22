/*
 * time.c - the time-stamp counter as clock; as alarm the 8254's channel 0, or on other CPUs than the first the APIC's timer.
 *
 * Idea.       The TSC counts; its rate is what CPUID says, or else is measured once against channel 2 of the
 *             8254 in about a millisecond.
 * Layout.     ns = (tsc - tsc_start) * mult >> 32
 * Invariants. A reading of the 8254 counts only if the TSC says that it was quick: an emulator may be descheduled.
 * Locking.    Interrupts off around the alarm.
 * Failure.    A counter that does not move gives a rate of 1 GHz, so that time at least goes on.
 * Next:       ../alarm.c, which says when the alarm is to come.
 */

#include "x86_internal.h"
#include <arch/alarm.h>
#include <arch/time.h>
#include <kernel/bits.h>
#include <kernel/percpu.h>

enum {
	PIT_HZ = 1193182,
	PIT_CH0 = 0x40,
	PIT_CH2 = 0x42,
	PIT_MODE = 0x43,
	PIT_CH0_ONESHOT = 0x30, /* mode 0, both bytes: the output rises when the count ends */
	PIT_CH2_ONESHOT = 0xb0,
	PIT_CH2_LATCH = 0x80,
	PIT_MAX = 0xffff, /* 55 ms */
	PORT_GATE2 = 0x61,

	CALIBRATE_TICKS = PIT_HZ / 1000,
	CALIBRATE_TRIES = 64,
	SAMPLE_TRIES = 4,

	LEAF_TSC = 0x15,
	LEAF_HYPERVISOR_TSC = 0x40000010, /* KVM and VMware: kHz in EAX */
};
#define NS_PER_SEC 1000000000UL

static u64 tsc_start, tsc_hz, tsc_mult;

static DEFINE_PER_CPU(bool, x86_soon); /* the next interrupt of the timer is to come at once */

struct sample {
	u64 tsc;
	unsigned count; /* counts down */
};

/* The count of channel 2 and the TSC at the same moment: the quickest of a few readings. */
static struct sample pit_sample(void)
{
	struct sample best = {};
	u64 best_width = ~0UL;

	for (unsigned i = 0; i < SAMPLE_TRIES; i++) {
		u64 before = arch_cycles(), width;
		unsigned count;

		x86_outb(PIT_MODE, PIT_CH2_LATCH);
		count = x86_inb(PIT_CH2);
		count |= (unsigned)x86_inb(PIT_CH2) << 8;
		width = arch_cycles() - before;
		if (width < best_width) {
			best_width = width;
			best = (struct sample){before + width / 2, count};
		}
	}
	return best;
}

static u64 tsc_measure(void)
{
	struct sample start, end;

	x86_outb(PORT_GATE2, (u8)((x86_inb(PORT_GATE2) & ~2) | 1)); /* gate on, speaker off */
	x86_outb(PIT_MODE, PIT_CH2_ONESHOT);
	x86_outb(PIT_CH2, PIT_MAX & 0xff);
	x86_outb(PIT_CH2, PIT_MAX >> 8);
	start = pit_sample();
	for (unsigned n = 0; n < 1 << 16; n++) {
		end = pit_sample();
		if (start.count - end.count >= CALIBRATE_TICKS)
			return (end.tsc - start.tsc) * PIT_HZ / (start.count - end.count);
	}
	return NS_PER_SEC;
}

/* Crystal rate times ratio (Intel SDM vol. 2, CPUID leaf 15H), or what a hypervisor says; 0: not told. */
static u64 tsc_told(void)
{
	struct cpuid c;

	if (x86_cpuid(0, 0).eax >= LEAF_TSC) {
		c = x86_cpuid(LEAF_TSC, 0);
		if (c.eax && c.ebx && c.ecx)
			return (u64)c.ecx * c.ebx / c.eax;
	}
	if (x86_cpuid(1, 0).ecx >> 31 && x86_cpuid(0x40000000, 0).eax >= LEAF_HYPERVISOR_TSC)
		return (u64)x86_cpuid(LEAF_HYPERVISOR_TSC, 0).eax * 1000;
	return 0;
}

void arch_time_init(void)
{
	tsc_hz = tsc_told();
	if (!tsc_hz)
		tsc_hz = tsc_measure();
	tsc_mult = (NS_PER_SEC << 32) / tsc_hz;
	tsc_start = arch_cycles();
}

u64 arch_time_ns(void)
{
	return (u64)((unsigned __int128)(arch_cycles() - tsc_start) * tsc_mult >> 32);
}

u64 arch_cycles_hz(void)
{
	return tsc_hz;
}

static void pit_arm(u64 ns)
{
	u64 ticks =
		min(ns / 1000 * PIT_HZ / 1000000 + 1, (u64)PIT_MAX); /* a far moment takes several rounds */

	x86_outb(PIT_MODE, PIT_CH0_ONESHOT);
	x86_outb(PIT_CH0, (u8)ticks);
	x86_outb(PIT_CH0, (u8)(ticks >> 8));
}

static void pit_stop(void)
{
	x86_outb(PIT_MODE, PIT_CH0_ONESHOT); /* stops until a count is written */
}

void arch_timer_set(u64 ns)
{
	bool boot_cpu = arch_cpu_id() == 0;

	if (this_cpu(x86_soon))
		ns = 0;
	if (ns == ARCH_TIMER_NEVER)
		boot_cpu ? pit_stop() : x86_apic_timer_stop();
	else
		boot_cpu ? pit_arm(ns) : x86_apic_timer_arm(ns);
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
