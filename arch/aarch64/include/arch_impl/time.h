#ifndef ARCH_IMPL_TIME_H
#define ARCH_IMPL_TIME_H

#define ARCH_CYCLES_UNIT "ticks"
#define ARCH_BENCH_CYCLES 0UL

extern bool a64_has_cycles; /* the PMU's cycle counter runs */

/*
 * Reads the cycle counter: one tick is one instruction under -icount shift=0. Without a PMU it reads the timer's counter,
 * which is far coarser.
 */
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
