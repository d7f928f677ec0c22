#ifndef TESTS_BENCH_MIXED_H
#define TESTS_BENCH_MIXED_H

/*
 * The mixed workload, as all who run it must run it: MIXED_STEPS times a slot is chosen at random and freed if it is
 * occupied, else filled with an object of a random size.
 */

#include <kernel/random.h>

enum { MIXED_SLOTS = 20000, MIXED_STEPS = 400000 };
/* The generator alone is timed so often, and the cheapest is subtracted: one that was disturbed would make the work cheap. */
enum { MIXED_GENERATOR_PASSES = 5 };
#define MIXED_SEED 0x9e3779b97f4a7c15UL

/* What the sequence must give, whoever runs it. */
enum {
	MIXED_ALLOCS = 205018,
	MIXED_FREES = 194982,
	MIXED_LIVE_BYTES = 27532922,
	MIXED_ALL_BYTES = 566009148,
};
#define MIXED_LAST_STATE 0x0e59f2f2d0ebf371UL

static inline u32 mixed_slot(u64 *state)
{
	return xorshift64(state) % MIXED_SLOTS;
}

static inline u32 mixed_size(u64 *state)
{
	u32 c = xorshift64(state) % 100, r = xorshift64(state);

	if (c < 50)
		return 1 + r % 128;
	if (c < 80)
		return 129 + r % 896;
	if (c < 95)
		return 1025 + r % 7168;
	return 8193 + r % 57344;
}

#endif
