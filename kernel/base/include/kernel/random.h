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

/* Spreads every bit of x over the whole word (splitmix64's finaliser): a generator's state from a seed. */
static inline u64 mix64(u64 x)
{
	x += 0x9e3779b97f4a7c15UL;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9UL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebUL;
	return x ^ x >> 31;
}

/* After cmdline_init(): fixes the seed and prints it. */
void random_init(void);
/* `seed=`, or taken from the cycle counter at boot; printed, so that any run can be repeated. */
u64 boot_seed(void);

#endif
