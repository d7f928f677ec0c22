/*
 * clock.c - the rate of the TSC: reported by the CPU or a hypervisor, or measured against another clock.
 *
 * Idea.       A reported rate is exact and takes no time, so it is used first. Otherwise the TSC is measured for about a
 *             millisecond against a clock of known rate: channel 2 of the 8254, the HPET, the ACPI power management timer.
 *             The CPU's nominal frequency comes last. A reference clock is a rate, a mask and a read function, so one loop
 *             measures against each of them.
 * Layout.     struct reference
 * Invariants. C1  a reading counts only if the TSC shows that it was quick: an emulator may be descheduled
 *             C2  a clock that does not move ends the measurement after STILL_MAX readings
 * Locking.    None: one CPU, at boot.
 * Failure.    If no source gives the rate, 1 GHz is assumed, with a warning. The log names the source of the rate.
 * Source.     Linux arch/x86/kernel/tsc.c (native_calibrate_tsc, pit_hpet_ptimer_calibrate_cpu), pvclock.c.
 * Next:       time.c.
 */

#include "x86_internal.h"
#include <arch/layout.h>
#include <arch/time.h>
#include <kernel/bits.h>
#include <kernel/printk.h>

enum {
	PIT_HZ = 1193182,
	PIT_CH2 = 0x42,
	PIT_MODE = 0x43,
	PIT_CH2_ONESHOT = 0xb0,
	PIT_CH2_LATCH = 0x80,
	PIT_MAX = 0xffff, /* 55 ms */
	PORT_GATE2 = 0x61,

	PM_TIMER_HZ = 3579545,

	HPET_CAPABILITIES = 0, /* the upper half is the period in femtoseconds */
	HPET_CONFIG = 0x10,
	HPET_ENABLE = 1,
	HPET_COUNTER = 0xf0,
	HPET_PERIOD_MAX = 100000000,

	SAMPLE_TRIES = 4,
	STILL_MAX = 1024,
	SAMPLES_MAX = 1 << 16,

	LEAF_TSC = 0x15,
	LEAF_FREQUENCY = 0x16, /* nominal, in MHz */
	LEAF_KVM_FEATURES = 0x40000001,
	KVM_CLOCKSOURCE2 = 1 << 3,
	LEAF_HYPERVISOR_TSC = 0x40000010, /* KVM and VMware: EAX is the rate in kHz */
};
#define NS_PER_SEC 1000000000UL
#define FS_PER_SEC 1000000000000000UL
#define MSR_KVM_SYSTEM_TIME 0x4b564d01

struct x86_clocks x86_clocks;
bool x86_has_pit;

static const char *source;

/* ---- reported rates ---- */

/* Crystal frequency times ratio (Intel SDM vol. 2, CPUID leaf 15H). Returns 0 if the CPU does not report them. */
static u64 cpu_tells(void)
{
	struct cpuid c;

	if (x86_cpuid(0, 0).eax < LEAF_TSC)
		return 0;
	c = x86_cpuid(LEAF_TSC, 0);
	return c.eax && c.ebx && c.ecx ? (u64)c.ecx * c.ebx / c.eax : 0;
}

static u64 cpu_tells_nominal(void)
{
	return x86_cpuid(0, 0).eax < LEAF_FREQUENCY
		       ? 0
		       : (u64)(x86_cpuid(LEAF_FREQUENCY, 0).eax & 0xffff) * 1000000;
}

static bool under_hypervisor(void)
{
	return x86_cpuid(1, 0).ecx >> 31;
}

static u64 hypervisor_tells(void)
{
	if (!under_hypervisor() || x86_cpuid(0x40000000, 0).eax < LEAF_HYPERVISOR_TSC)
		return 0;
	return (u64)x86_cpuid(LEAF_HYPERVISOR_TSC, 0).eax * 1000;
}

u64 x86_pvclock_hz(u32 mul, s8 shift)
{
	u64 hz = mul ? (NS_PER_SEC << 32) / mul : 0;

	return shift < 0 ? hz << -shift : hz >> shift;
}

/* KVM's clock page holds the factor from TSC ticks to nanoseconds (Linux Documentation/virt/kvm/x86/msr.rst). */
static u64 kvm_tells(void)
{
	static struct {
		u32 version, pad;
		u64 tsc, ns;
		u32 mul;
		s8 shift;
		u8 flags, pad2[2];
	} page __aligned(64);
	struct cpuid c;
	u64 hz;

	if (!under_hypervisor())
		return 0;
	c = x86_cpuid(0x40000000, 0);
	if (c.ebx != 0x4b4d564b || c.ecx != 0x564b4d56 || c.edx != 0x4d || /* "KVMKVMKVM" */
	    !(x86_cpuid(LEAF_KVM_FEATURES, 0).eax & KVM_CLOCKSOURCE2))
		return 0;
	x86_wrmsr(MSR_KVM_SYSTEM_TIME, ((u64)&page - KERNEL_VMA) | 1);
	__asm__ volatile("" ::: "memory");
	hz = x86_pvclock_hz(page.mul, page.shift);
	x86_wrmsr(MSR_KVM_SYSTEM_TIME, 0);
	return hz;
}

/* ---- measured rates ---- */

/* A clock that counts upwards modulo mask + 1. */
struct reference {
	const char *name;
	u64 hz, mask;
	u64 (*read)(void);
};

struct sample {
	u64 tsc, count;
};

/* Clock and TSC of one moment: the quickest of SAMPLE_TRIES readings. */
static struct sample sample(const struct reference *r)
{
	struct sample best = {};
	u64 best_width = ~0UL;

	for (unsigned i = 0; i < SAMPLE_TRIES; i++) {
		u64 before = arch_cycles(), count = r->read(), width = arch_cycles() - before;

		if (width < best_width) {
			best_width = width;
			best = (struct sample){before + width / 2, count};
		}
	}
	return best;
}

/* Measures for a millisecond. Returns 0 if the clock does not move. */
static u64 measure(const struct reference *r)
{
	struct sample start = sample(r), end;

	for (unsigned n = 0; n < SAMPLES_MAX; n++) {
		u64 counted;

		end = sample(r);
		counted = (end.count - start.count) & r->mask;
		if (!counted && n == STILL_MAX)
			return 0;
		/* The product does not overflow if the loop took less than a minute. */
		if (counted >= r->hz / 1000)
			return (end.tsc - start.tsc) * r->hz / counted;
	}
	return 0;
}

static u64 pit_read(void)
{
	unsigned count;

	x86_outb(PIT_MODE, PIT_CH2_LATCH);
	count = x86_inb(PIT_CH2);
	count |= (unsigned)x86_inb(PIT_CH2) << 8;
	return PIT_MAX - count;
}

static void pit_start(void)
{
	x86_outb(PORT_GATE2, (u8)((x86_inb(PORT_GATE2) & ~2) | 1)); /* gate on, speaker off */
	x86_outb(PIT_MODE, PIT_CH2_ONESHOT);
	x86_outb(PIT_CH2, PIT_MAX & 0xff);
	x86_outb(PIT_CH2, PIT_MAX >> 8);
}

static bool pit_moves(void)
{
	u64 first;

	pit_start();
	first = pit_read();
	for (unsigned n = 0; n < STILL_MAX; n++)
		if (pit_read() != first)
			return true;
	return false;
}

static u64 against_pit(void)
{
	static const struct reference pit = {"the 8254", PIT_HZ, PIT_MAX, pit_read};

	if (!x86_has_pit)
		return 0;
	pit_start();
	return measure(&pit);
}

/* The HPET must lie below EARLY_MAP_END: only the early tables exist at this time. */
static volatile u32 *hpet_register(unsigned offset)
{
	return (volatile u32 *)(DIRECT_MAP_BASE + x86_clocks.hpet + offset);
}

static u64 hpet_read(void)
{
	return *hpet_register(HPET_COUNTER);
}

static u64 against_hpet(void)
{
	struct reference hpet = {"the HPET", 0, 0xffffffff, hpet_read};
	u32 period;

	if (!x86_clocks.hpet || x86_clocks.hpet >= EARLY_MAP_END)
		return 0;
	period = *hpet_register(HPET_CAPABILITIES + 4);
	if (!period || period > HPET_PERIOD_MAX)
		return 0;
	hpet.hz = FS_PER_SEC / period;
	*hpet_register(HPET_CONFIG) |= HPET_ENABLE;
	return measure(&hpet);
}

static u64 pm_timer_read(void)
{
	return x86_inl(x86_clocks.pm_timer);
}

static u64 against_pm_timer(void)
{
	static const struct reference pm_timer = {"the ACPI timer", PM_TIMER_HZ, 0xffffff, pm_timer_read};

	return x86_clocks.pm_timer ? measure(&pm_timer) : 0;
}

u64 x86_tsc_rate(void)
{
	static const struct {
		u64 (*rate)(void);
		const char *name;
	} sources[] = {
		{cpu_tells, "CPUID leaf 15H says"},
		{hypervisor_tells, "the hypervisor says"},
		{kvm_tells, "KVM's clock page says"},
		{against_pit, "measured against the 8254"},
		{against_hpet, "measured against the HPET"},
		{against_pm_timer, "measured against the ACPI timer"},
		{cpu_tells_nominal, "CPUID leaf 16H says, nominally"},
	};
	u64 hz;

	x86_has_pit = pit_moves();
	for (unsigned i = 0; i < ARRAY_SIZE(sources); i++) {
		hz = sources[i].rate();
		if (hz) {
			source = sources[i].name;
			return hz;
		}
	}
	return NS_PER_SEC;
}

void x86_clock_report(void)
{
	unsigned long khz = arch_cycles_hz() / 1000;

	if (!source)
		pr_warn("time: no clock to measure the TSC against, taken as 1 GHz: every time is wrong\n");
	else
		pr_info("time: TSC of %lu kHz, %s\n", khz, source);
	if (!x86_has_pit)
		pr_warn("time: no 8254, %s\n",
			x86_apic_present() ? "the APIC's timer wakes CPU 0"
					   : "and no APIC: nothing wakes CPU 0 when time has passed");
}
