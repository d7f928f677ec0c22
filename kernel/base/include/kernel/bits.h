#ifndef KERNEL_BITS_H
#define KERNEL_BITS_H

/* Bit arithmetic and sizes. All alignments are powers of two. */

#include <kernel/types.h>

#define BIT(n) (1UL << (n))

#define KIB(n) ((unsigned long)(n) << 10)
#define MIB(n) ((unsigned long)(n) << 20)
#define GIB(n) ((unsigned long)(n) << 30)
#define TIB(n) ((unsigned long)(n) << 40)

#define ALIGN_DOWN(x, a) ((x) & ~((__typeof__(x))(a)-1))
#define ALIGN_UP(x, a) ALIGN_DOWN((x) + ((__typeof__(x))(a)-1), a)
#define IS_ALIGNED(x, a) (((x) & ((__typeof__(x))(a)-1)) == 0)
#define DIV_ROUND_UP(n, d) (((n) + (d)-1) / (d))

static inline bool is_pow2(unsigned long x)
{
	return x && !(x & (x - 1));
}

/* Position of the highest set bit; x != 0. */
static inline unsigned ilog2(unsigned long x)
{
	return 63 - (unsigned)__builtin_clzl(x);
}

/* Linux's fls(): 1 + position of the highest set bit, 0 for 0. */
static inline unsigned fls64(unsigned long x)
{
	return x ? ilog2(x) + 1 : 0;
}

/* Smallest n with 2^n >= x; x != 0. */
static inline unsigned order_base_2(unsigned long x)
{
	return x > 1 ? ilog2(x - 1) + 1 : 0;
}

/* Number of set bits, by halves. The compiler's builtin is a library call if the CPU may lack an instruction for it. */
static inline unsigned hweight64(unsigned long x)
{
	x -= x >> 1 & 0x5555555555555555UL;
	x = (x & 0x3333333333333333UL) + (x >> 2 & 0x3333333333333333UL);
	return (unsigned)((((x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fUL) * 0x0101010101010101UL) >> 56);
}

static inline bool bitmap_test(const unsigned long *map, unsigned long bit)
{
	return map[bit / 64] >> (bit % 64) & 1;
}

/*
 * First bit at or above `from` that is set in `map` and clear in `but`; `end` if there is none below end. Other CPUs may
 * set bits of `but` meanwhile.
 */
static inline unsigned long bitmap_next_without(const unsigned long *map, const unsigned long *but,
						unsigned long from, unsigned long end)
{
	while (from < end) {
		unsigned long word = map[from / 64] & ~READ_ONCE(but[from / 64]) & ~0UL << from % 64;

		if (word)
			return min((from & ~63UL) + (unsigned long)__builtin_ctzl(word), end);
		from = (from | 63) + 1;
	}
	return end;
}

static inline void bitmap_set(unsigned long *map, unsigned long bit)
{
	map[bit / 64] |= BIT(bit % 64);
}

static inline void bitmap_clear(unsigned long *map, unsigned long bit)
{
	map[bit / 64] &= ~BIT(bit % 64);
}

#endif
