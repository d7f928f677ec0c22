#ifndef KERNEL_RANDOM_H
#define KERNEL_RANDOM_H

#include <kernel/types.h>

/* The generator of peers.md's workloads: xorshift64, upper half of the new state. */
static inline u32 xorshift64(u64 *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return (u32)(*s >> 32);
}

/* `seed=`, or taken from the cycle counter at boot; printed, so that any run can be repeated. */
u64 boot_seed(void);

#endif
