/*
 * test_sort.c - sorting in place.
 *
 * Idea.       Keys are drawn from a small and a large set; the result is in order and holds each element as often as before.
 *             The comparisons are counted: n log n, whatever the order of the input.
 * Layout.     elements of three words, the last a serial number
 * Invariants. None.
 * Locking.    None.
 * Failure.    EXPECT lines.
 * Next:       test_string.c.
 */
#include <kernel/bits.h>
#include <kernel/sort.h>
#include <kernel/string.h>
#include <kernel/test.h>

enum { ELEMENTS = 1024 };

struct element {
	u64 key, copy, serial;
};

static struct element element[ELEMENTS];
static unsigned char seen[ELEMENTS];
static unsigned long compared;

static int by_key(const void *a, const void *b, const void *priv)
{
	const struct element *x = a, *y = b;

	compared += *(const unsigned *)priv;
	return (x->key > y->key) - (x->key < y->key);
}

static void expect_sorted(struct ktest *t, unsigned n)
{
	const unsigned one = 1;

	memset(seen, 0, sizeof(seen));
	compared = 0;
	sort_r(element, n, sizeof(element[0]), by_key, &one);
	for (unsigned i = 0; i < n; i++) {
		EXPECT_TRUE(!i || element[i - 1].key <= element[i].key);
		EXPECT_EQ(element[i].copy, ~element[i].key);
		ASSERT_TRUE(element[i].serial < n);
		seen[element[i].serial]++;
	}
	for (unsigned i = 0; i < n; i++)
		EXPECT_EQ(seen[i], 1);
	EXPECT_LE(compared, 4UL * n * order_base_2(max(n, 2u)));
}

static void set(unsigned i, u64 key)
{
	element[i] = (struct element){key, ~key, i};
}

KTEST(sort, random_keys_end_in_order)
{
	for (unsigned round = 0; round < 40; round++) {
		unsigned n = round < 8 ? round : test_rand_below(200), below = 1 + test_rand_below(300);

		for (unsigned i = 0; i < n; i++)
			set(i, round % 2 ? test_rand_below(below) : (u64)test_rand() << 32 | test_rand());
		expect_sorted(t, n);
	}
}

KTEST(sort, no_order_of_the_input_takes_more_than_n_log_n_steps)
{
	for (unsigned shape = 0; shape < 4; shape++) {
		for (unsigned i = 0; i < ELEMENTS; i++)
			set(i, shape == 0   ? i
			       : shape == 1 ? ELEMENTS - i
			       : shape == 2 ? 7
					    : i % 2 * ELEMENTS + i);
		expect_sorted(t, ELEMENTS);
	}
}

KTEST(sort, what_lies_behind_the_elements_stays)
{
	for (unsigned i = 0; i < 10; i++)
		set(i, 10 - i);
	expect_sorted(t, 9);
	EXPECT_EQ(element[9].key, 1);
	EXPECT_EQ(element[9].serial, 9);
}
