#ifndef ARCH_IMPL_TIME_H
#define ARCH_IMPL_TIME_H

#define ARCH_CYCLES_UNIT "ns"
#define ARCH_BENCH_CYCLES 2000000UL /* on a busy machine some chunk of a row should run undisturbed */

u64 host_clock_ns(void); /* monotonic, from an unknown start */

static inline u64 arch_cycles(void)
{
	return host_clock_ns();
}

#endif
