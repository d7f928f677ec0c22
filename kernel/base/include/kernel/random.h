#ifndef KERNEL_RANDOM_H
#define KERNEL_RANDOM_H

#include <kernel/types.h>

/* xorshift64; returns the upper half of the new state. */
static inline u32 xorshift64(u64 *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return (u32)(*s >> 32);
}

/* Spreads every bit of x over the whole word (splitmix64's finaliser). Turns a seed into a generator's state. */
static inline u64 mix64(u64 x)
{
	x += 0x9e3779b97f4a7c15UL;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9UL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebUL;
	return x ^ x >> 31;
}

/* Fixes the seed and prints it. Call it after cmdline_init(). */
void random_init(void);
/* The value of `seed=`, else a value from the cycle counter at boot. It is printed, so any run can be repeated. */
u64 boot_seed(void);

#endif
