#ifndef MM_PERCPU_MAP_H
#define MM_PERCPU_MAP_H

/* The map of one chunk of per-CPU memory: which units are in use, and the runs of free units. */

#include <arch/layout.h>
#include <kernel/bits.h>
#include <kernel/types.h>

enum {
	UNIT_SHIFT = 3,
	CHUNK_SIZE = 64 << 10,
	CHUNK_UNITS = CHUNK_SIZE >> UNIT_SHIFT,
	CHUNK_WORDS = CHUNK_UNITS / 64,
	MAX_CHUNKS = PERCPU_STRIDE / CHUNK_SIZE,
};

/*
 * Free units of a part of the chunk: the number at its start, the number at its end, and the longest
 * run in it.
 */
struct chunk_run {
	u16 head, tail, longest;
};

struct chunk {
	/* offset in the window, bytes */
	unsigned long start;
	unsigned units, used;
	/* units [0, used) are in use, all others are free, and node[] is not maintained */
	bool dense;
	u16 nr; /* allocations */
	unsigned long in_use[CHUNK_WORDS];
	/* bits of the units that start an allocation */
	unsigned long first[CHUNK_WORDS];
	/*
	 * Node 1 covers the whole chunk, the children of i are 2i and 2i + 1, the last half has one
	 * node for each word.
	 */
	struct chunk_run node[2 * CHUNK_WORDS];
};

/* Initialises a zeroed chunk with all units free. start and size are bytes, multiples of a unit. */
void chunk_init(struct chunk *c, unsigned long start, size_t size);
/* Returns the length of the longest free run, in units. */
static inline unsigned chunk_longest(const struct chunk *c)
{
	return c->dense ? c->units - c->used : c->node[1].longest;
}
/*
 * Allocates the lowest `units` free units whose offset in the window is a multiple of align (bytes).
 * Tries at most `tries` runs that are long enough. After that only runs of chunk_units_for() units
 * count. Returns false if nothing was found.
 */
bool chunk_alloc(struct chunk *c, unsigned units, size_t align, unsigned tries, unsigned long *offset);
/* Length of a free run that holds `units` units at a multiple of align wherever it begins. */
static inline unsigned chunk_units_for(unsigned units, size_t align)
{
	return units + (unsigned)(align >> UNIT_SHIFT) - 1;
}
/* Frees the allocation at offset and returns its units. BUG if no allocation starts there. */
unsigned chunk_free(struct chunk *c, unsigned long offset);
/* Checks C1 and C5. Returns NULL, or the invariant that is broken. */
const char *chunk_check(const struct chunk *c);

/*
 * In percpu.c, by slot of the window: the published chunk or NULL; a bit that is set if the slot is
 * claimed.
 */
extern struct chunk *percpu_chunks[MAX_CHUNKS];
extern unsigned long percpu_claimed[DIV_ROUND_UP(MAX_CHUNKS, 64)];
/* In percpu.c: a tree with the longest free run of each chunk. */
extern u16 percpu_best[2 * MAX_CHUNKS];
/*
 * Nodes and words that all calls have read or written; tests count steps with it. Changed under
 * percpu_lock.
 */
extern unsigned long percpu_steps;

#endif
