/*
 * test_ktest.c - the runner: which cases a pattern selects, and that a failed expectation is a failure.
 *
 * Idea.       A test framework that cannot fail proves nothing: expectations fail here on a record of their
 *             own.
 * Layout.     Records that are in no section.
 * Invariants. Names are unique and sorted, so a result is found by its name.
 * Locking.    None.
 * Failure.    The inner failures print diagnostics that belong to a passing case.
 * Next:       tests/mm.
 */
#include <kernel/bits.h>
#include <kernel/random.h>
#include <kernel/string.h>
#include <kernel/test.h>

KTEST(ktest, cases_are_sorted_and_their_names_are_unique)
{
	const struct ktest *before = ktest_nth(0), *c;
	unsigned n;

	for (n = 1; (c = ktest_nth(n)); n++) {
		int order = strcmp(before->suite, c->suite);

		if (!order)
			order = strcmp(before->name, c->name);
		EXPECT_MSG(order < 0, "%s.%s, %s.%s", before->suite, before->name, c->suite, c->name);
		EXPECT_NULL(strchr(c->name, '#'));
		before = c;
	}
	EXPECT_EQ(n, __stop_ktests - __start_ktests);
}

KTEST(ktest, a_panic_case_is_selected_by_its_exact_name_only)
{
	struct ktest plain = {.suite = "suite", .name = "case"};
	struct ktest fatal = {.suite = "suite", .name = "case", .panic_pattern = "BUG"};

	EXPECT_TRUE(ktest_selected(&plain, "*"));
	EXPECT_TRUE(ktest_selected(&plain, "suite.*"));
	EXPECT_TRUE(ktest_selected(&plain, "suite.case"));
	EXPECT_FALSE(ktest_selected(&plain, "suite"));
	EXPECT_FALSE(ktest_selected(&fatal, "*"));
	EXPECT_FALSE(ktest_selected(&fatal, "suite.*"));
	EXPECT_TRUE(ktest_selected(&fatal, "suite.case"));
}

/* Expectations that fail, on a record of their own; what they print are diagnostics of this case. */
static void fail_twice_then_stop(struct ktest *t)
{
	EXPECT_EQ(1 + 1, 3);
	EXPECT_STREQ("a", "b");
	EXPECT_TRUE(t->checks == 2);
	ASSERT_TRUE(t->failures == 0);
	EXPECT_TRUE(false);
}

KTEST(ktest, a_failed_expectation_counts_and_assert_leaves)
{
	struct ktest inner = {.suite = "inner", .name = "inner"};

	fail_twice_then_stop(&inner);
	EXPECT_EQ(inner.failures, 3);
	EXPECT_EQ(inner.checks, 4);
}

KTEST(ktest, random_numbers_stay_below_their_bound_and_reach_everything)
{
	unsigned seen = 0;

	for (int i = 0; i < 2000; i++) {
		u32 v = test_rand_below(10);

		EXPECT_LT(v, 10);
		seen |= 1U << v;
	}
	EXPECT_EQ(seen, 0x3ff);
	EXPECT_EQ(test_rand_below(1), 0);
}

KTEST(ktest, mixed_seeds_differ_in_about_half_their_bits)
{
	for (u64 seed = 0; seed < 200; seed++) {
		unsigned bits = hweight64(mix64(seed) ^ mix64(seed + 1));

		EXPECT_GT(bits, 8);
		EXPECT_LT(bits, 56);
	}
}

/* Shows ktest.I1. */
KTEST(ktest, random_numbers_depend_on_the_cases_name_only)
{
	struct ktest one = {.suite = "ktest", .name = "one"}, same = {.suite = "other", .name = "one"},
		     two = {.suite = "ktest", .name = "two"};
	u32 drawn[8], again[8], other[8];

	ktest_seed(&one);
	for (unsigned i = 0; i < ARRAY_SIZE(drawn); i++)
		drawn[i] = test_rand();
	ktest_seed(&two);
	for (unsigned i = 0; i < ARRAY_SIZE(other); i++)
		other[i] = test_rand();
	ktest_seed(&same);
	for (unsigned i = 0; i < ARRAY_SIZE(again); i++)
		again[i] = test_rand();
	EXPECT_EQ(memcmp(drawn, again, sizeof(drawn)), 0);
	EXPECT_NE(memcmp(drawn, other, sizeof(drawn)), 0);
	ktest_seed(t);
}
