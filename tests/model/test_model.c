/*
 * test_model.c - random operations on all allocators are answered as the model says.
 *
 * Idea.       The bytes that a fuzzer would choose come from the test's generator, so that every port runs them, on every
 *             machine of the matrix.
 * Layout.     Rounds of BYTES random bytes each.
 * Invariants. A seed repeats a run.
 * Locking.    None.
 * Failure.    What the model says.
 * Next:       tests/fuzz/fuzz_ops.c.
 */
#include "model.h"

#include <kernel/test.h>

enum { ROUNDS = 4, BYTES = 4096 };

KTEST(model, random_operations_are_answered_as_it_says)
{
	static u8 bytes[BYTES];
	struct model_counts counts = {};

	for (unsigned round = 0; round < ROUNDS; round++) {
		const char *failed;

		for (unsigned i = 0; i < BYTES; i++)
			bytes[i] = (u8)test_rand();
		failed = model_run(bytes, BYTES, &counts);
		EXPECT_MSG(!failed, "round %u: %s", round, failed);
	}
	/* Whatever the seed, a good part of the bytes are operations, and some of them meet an injected failure. */
	EXPECT_GT(counts.ops, ROUNDS * BYTES / 8);
	EXPECT_GT(counts.allocs, counts.refused);
	EXPECT_GT(counts.injected, 0);
}

KTEST(model, no_bytes_are_no_operations)
{
	struct model_counts counts = {};

	EXPECT_NULL(model_run(NULL, 0, &counts));
	EXPECT_EQ(counts.ops, 0);
}
