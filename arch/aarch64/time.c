/*
 * time.c - the generic timer as clock and alarm, the PMU's cycle counter for benchmarks.
 *
 * Idea.       The virtual counter is the same on all CPUs, and a register holds its rate. Each CPU has its own comparator.
 *             The counter is coarse (16 ns in QEMU), so benchmarks read the PMU's cycle counter, which each CPU starts.
 * Layout.     ns = (count - count_start) * count_mult >> 32; counts = ns * ns_mult >> 32
 * Locking.    None: a CPU programs only its own timer.
 * Failure.    If firmware left CNTFRQ 0, QEMU's rate of 62.5 MHz is assumed, with a warning. Without a PMU, cycles are
 *             counts of the timer.
 * Source.     Arm ARM D11 (generic timer), D12 (PMU).
 * Next:       arch/common/alarm.c, which computes the time of the next alarm.
 */

#include "a64_internal.h"
#include <arch/alarm.h>
#include <arch/irq.h>
#include <arch/time.h>
#include <arch_impl/sysreg.h>
#include <kernel/bits.h>
#include <kernel/printk.h>

enum {
	CTL_ENABLE = 1 << 0,
	PMCR_ENABLE = 1 << 0,
	PMCR_LONG_CYCLES = 1 << 6, /* 64-bit cycle counter */
	PMU_CYCLES = 31,	   /* bit of the cycle counter in the counter masks */
	PMUVER_SHIFT = 8,	   /* in ID_AA64DFR0_EL1 */
	PMUVER_OTHER = 15,	   /* a PMU that does not follow the architecture */

	FALLBACK_HZ = 62500000,
	MEASURE_NS = 100000,
};
#define NS_PER_SEC 1000000000UL
#define ALARM_MAX_NS (3600 * NS_PER_SEC) /* a later alarm takes several interrupts */

bool a64_has_cycles;

static u64 count_start, count_hz, count_mult, ns_mult;

/*
 * The ISB keeps the counter from being read before earlier loads. Otherwise a time stamp that another CPU has stored could
 * be later than the time that this CPU reads after it.
 */
static u64 count_now(void)
{
	a64_isb();
	return a64_read(cntvct_el0);
}

void a64_time_init_cpu(void)
{
	unsigned pmu = a64_id_field(id_aa64dfr0_el1, PMUVER_SHIFT);

	a64_write(cntv_ctl_el0, 0);
	if (!pmu || pmu == PMUVER_OTHER)
		return;
	a64_write(pmccfiltr_el0, 0); /* count at EL1, too */
	a64_write(pmcntenset_el0, BIT(PMU_CYCLES));
	a64_write(pmcr_el0, a64_read(pmcr_el0) | PMCR_LONG_CYCLES | PMCR_ENABLE);
	a64_isb();
	a64_has_cycles = true;
}

void arch_time_init(void)
{
	bool told;

	count_hz = a64_read(cntfrq_el0);
	told = count_hz != 0;
	if (!told)
		count_hz = FALLBACK_HZ;
	count_mult = (NS_PER_SEC << 32) / count_hz;
	ns_mult = (count_hz << 32) / NS_PER_SEC;
	count_start = count_now();
	if (!told)
		pr_warn("time: firmware does not say how fast the timer counts, taken as %d Hz\n",
			FALLBACK_HZ);
}

u64 arch_time_ns(void)
{
	return (u64)((unsigned __int128)(count_now() - count_start) * count_mult >> 32);
}

/* Cycles and time of one moment. An emulator may be descheduled between the reads, so the quickest of four is used. */
struct sample {
	u64 cycles, count;
};

static struct sample sample(void)
{
	struct sample best = {};
	u64 best_width = ~0UL;

	for (unsigned i = 0; i < 4; i++) {
		u64 before = count_now(), cycles = arch_cycles(), width = count_now() - before;

		if (width < best_width) {
			best_width = width;
			best = (struct sample){cycles, before + width / 2};
		}
	}
	return best;
}

/* No register holds the PMU's rate: the first call measures it. */
u64 arch_cycles_hz(void)
{
	static u64 hz;
	u64 ready = arch_time_ns() + MEASURE_NS;
	struct sample start, end;

	if (!a64_has_cycles)
		return count_hz;
	if (hz)
		return hz;
	start = sample();
	while (arch_time_ns() < ready)
		arch_cpu_relax();
	end = sample();
	hz = (end.cycles - start.cycles) * count_hz / max(end.count - start.count, 1UL);
	return hz;
}

void arch_timer_set(u64 ns)
{
	if (ns == ARCH_TIMER_NEVER) {
		a64_write(cntv_ctl_el0, 0);
	} else {
		ns = min(ns, ALARM_MAX_NS);
		a64_write(cntv_cval_el0, count_now() + (u64)((unsigned __int128)ns * ns_mult >> 32) + 1);
		a64_write(cntv_ctl_el0, CTL_ENABLE);
	}
	a64_isb(); /* the timer's line drops before the handler ends the interrupt */
}

void a64_timer_irq(void)
{
	arch_alarm_irq();
}
