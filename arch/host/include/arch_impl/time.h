#ifndef ARCH_IMPL_TIME_H
#define ARCH_IMPL_TIME_H

u64 host_clock_ns(void); /* monotonic, from an unknown start */

static inline u64 arch_cycles(void)
{
	return host_clock_ns();
}

#endif
