#ifndef ARCH_IMPL_TIME_H
#define ARCH_IMPL_TIME_H

#define ARCH_CYCLES_UNIT "ns"
#define ARCH_BENCH_CYCLES 2000000UL /* long enough that part of a row runs undisturbed on a busy machine */

u64 host_clock_ns(void); /* monotonic, from an arbitrary start */

static inline u64 arch_cycles(void)
{
	return host_clock_ns();
}

#endif
