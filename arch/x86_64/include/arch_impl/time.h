#ifndef ARCH_IMPL_TIME_H
#define ARCH_IMPL_TIME_H

#define ARCH_CYCLES_UNIT "ticks"
#define ARCH_BENCH_CYCLES 0UL

static inline u64 arch_cycles(void)
{
	u32 lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi)::"memory");
	return (u64)hi << 32 | lo;
}

#endif
