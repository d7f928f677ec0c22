#ifndef MM_PERCPU_MAP_H
#define MM_PERCPU_MAP_H

/* The map of one chunk of per-CPU memory: which units are in use, and where the runs of free ones are. */

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

/* Free units of a part of the chunk: those at its start, those at its end, and the longest run in it. */
struct chunk_run {
	u16 head, tail, longest;
};

struct chunk {
	unsigned long start; /* offset in the window, bytes */
	unsigned units, used;
	bool dense; /* [0, used) is in use, all else is free; the tree is not kept */
	u16 nr;	    /* allocations */
	unsigned long in_use[CHUNK_WORDS];
	unsigned long first[CHUNK_WORDS]; /* units that start an allocation */
	struct chunk_run
		node[2 *
		     CHUNK_WORDS]; /* 1: the whole; children of i: 2i, 2i + 1; the last half: one word each */
};

/* c is all zero. All units are free. start and size are multiples of a unit. */
void chunk_init(struct chunk *c, unsigned long start, size_t size);
/* The longest run of free units. */
static inline unsigned chunk_longest(const struct chunk *c)
{
	return c->dense ? c->units - c->used : c->node[1].longest;
}
/*
 * Takes the lowest place for so many units at a multiple of align in the window. After `tries` runs that are long enough,
 * but not where they are aligned, only runs count that hold the units wherever they begin. False: nothing was found.
 */
bool chunk_alloc(struct chunk *c, unsigned units, size_t align, unsigned tries, unsigned long *offset);
/* Units that hold `units` at a multiple of align, wherever they begin. */
static inline unsigned chunk_units_for(unsigned units, size_t align)
{
	return units + (unsigned)(align >> UNIT_SHIFT) - 1;
}
/* An offset at which nothing was allocated is a BUG. */
unsigned chunk_free(struct chunk *c, unsigned long offset);
/* NULL, or which of C1 and C5 does not hold. */
const char *chunk_check(const struct chunk *c);

/* percpu.c, by slot of the window: the published chunk or NULL; a bit if the slot is taken. */
extern struct chunk *percpu_chunks[MAX_CHUNKS];
extern unsigned long percpu_claimed[DIV_ROUND_UP(MAX_CHUNKS, 64)];
/* percpu.c: the longest free run of each chunk, as a tree. */
extern u16 percpu_best[2 * MAX_CHUNKS];
/* Nodes and words that all calls have looked at or written, for tests that count steps. Changed under percpu_lock. */
extern unsigned long percpu_steps;

#endif
