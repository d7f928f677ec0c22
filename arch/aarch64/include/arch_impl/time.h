#ifndef ARCH_IMPL_TIME_H
#define ARCH_IMPL_TIME_H

#define ARCH_CYCLES_UNIT "ticks"
#define ARCH_BENCH_CYCLES 0UL

extern bool a64_has_cycles; /* the PMU's cycle counter runs */

/* The cycle counter: one instruction under -icount shift=0. The timer's counter, where there is no PMU, is far coarser. */
static inline u64 arch_cycles(void)
{
	u64 v;

	if (likely(a64_has_cycles))
		__asm__ volatile("mrs %0, pmccntr_el0" : "=r"(v)::"memory");
	else
		__asm__ volatile("mrs %0, cntvct_el0" : "=r"(v)::"memory");
	return v;
}

#endif
