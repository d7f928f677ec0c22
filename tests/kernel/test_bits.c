/*
 * test_bits.c - searching bitmaps.
 *
 * Idea.       The answer is looked for bit by bit as well.
 * Layout.     Two maps of a few words.
 * Invariants. None.
 * Locking.    None.
 * Failure.    EXPECT lines.
 * Next:       tests/kernel/test_string.c.
 */
#include <kernel/bits.h>
#include <kernel/test.h>

enum { BITS = 320 };

static unsigned long next_by_bit(const unsigned long *map, const unsigned long *but, unsigned long from)
{
	while (from < BITS && (!bitmap_test(map, from) || bitmap_test(but, from)))
		from++;
	return from;
}

KTEST(bits, the_next_bit_of_one_map_that_another_lacks)
{
	for (unsigned round = 0; round < 200; round++) {
		unsigned long map[BITS / 64] = {}, but[BITS / 64] = {};
		unsigned dense = 1 + test_rand_below(200);

		for (unsigned bit = 0; bit < BITS; bit++) {
			if (!test_rand_below(dense))
				bitmap_set(map, bit);
			if (test_rand_below(2))
				bitmap_set(but, bit);
		}
		for (unsigned long from = 0; from <= BITS; from++) {
			unsigned long next = next_by_bit(map, but, from);

			EXPECT_EQ(bitmap_next_without(map, but, from, BITS), next);
			EXPECT_EQ(bitmap_next_without(map, but, from, from), from);
			if (next < BITS) /* an end that comes before it, in its word */
				EXPECT_EQ(bitmap_next_without(map, but, from, next), next);
		}
	}
}
