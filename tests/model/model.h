#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

/*
 * Operations on all allocators as a string of bytes, and a naive model that knows what each of them must have
 * answered. Any bytes are a valid sequence: a fuzzer, a random test and the replay of a saved input run the same.
 */

#include <kernel/types.h>

enum { MODEL_FAILURE_SIZE = 256 };

/* What a run did; the counts of several runs add up. */
struct model_counts {
	u64 ops, allocs, refused, injected, checks;
};

/*
 * Runs the sequence, gives everything back, and checks that all is as before. Returns NULL, or what was wrong: its text
 * stays until the next run. counts may be NULL. Context: main loop; one run at a time.
 */
const char *model_run(const u8 *bytes, size_t len, struct model_counts *counts);

#endif
