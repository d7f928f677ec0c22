/*
 * bench_colour.c - what colours are for: a walk over the same field of many objects.
 *
 * Idea.       The first object of every slab without a colour starts its page, so the same field of all of them falls
 *             on the same few sets of the cache, and a walk over more slabs than a set has ways misses at each step.
 *             With C colours the first objects lie on C sets, and C times as many slabs fit.
 * Layout.     colour.SIZE.on/off.SLABS: one step of a walk over the first word of the first object of so many slabs.
 *             SIZE is that of the objects: 600 has 7 colours, 3000 has 34 (slabs of one and of two pages).
 *             The words are a ring in random order, so that each load waits for the one before.
 * Invariants. on and off differ in the cache's number of colours and in nothing else.
 * Locking.    None.
 * Failure.    Too little memory: the row is skipped.
 * Next:       tools/bench-colour, which counts the misses as well.
 */
#include "../../mm/slab_internal.h"

#include <kernel/bench.h>

enum { MAX_SLABS = 512, STEPS = 4096 };

/* What the walk reads of an object, and how all of them are found again. */
struct walked {
	struct walked *next;
	struct walked *allocated_before;
};

static __noinline bool colour_walk(const void *arg, unsigned steps)
{
	const struct walked *at = arg;

	while (steps--)
		at = at->next;
	return at;
}

/* One object after another, until nr of them are the first of their slabs. Returns the last one. */
static struct walked *fill_slabs(struct kmem_cache *s, struct walked **first, unsigned nr)
{
	struct walked *last = NULL, *w;
	unsigned found = 0;

	while (found < nr && (w = kmem_cache_alloc(s, GFP_KERNEL | __GFP_NOWARN)) != NULL) {
		w->allocated_before = last;
		last = w;
		if (w == slab_object(s, slab_head(s, w), 0))
			first[found++] = w;
	}
	if (found < nr)
		first[0] = NULL;
	return last;
}

static void free_all(struct kmem_cache *s, struct walked *last)
{
	while (last) {
		struct walked *before = last->allocated_before;

		kmem_cache_free(s, last);
		last = before;
	}
}

static void walk_slabs(struct bench_run *b, struct kmem_cache *s, unsigned nr)
{
	static struct walked *first[MAX_SLABS];
	static u32 index[MAX_SLABS];
	struct walked *last = fill_slabs(s, first, nr);

	if (first[0]) {
		bench_fill_index(index, nr, BENCH_RANDOM);
		for (unsigned i = 0; i < nr; i++)
			first[index[i]]->next = first[index[(i + 1) % nr]];
		bench_pair(b, colour_walk, first[0], STEPS);
	} else {
		bench_skip_failed(b, "an allocation");
	}
	free_all(s, last);
}

static void colour_rows(struct bench_run *b, unsigned size, bool on)
{
	const bool saved = slab_colouring;
	struct kmem_cache *s;

	slab_colouring = on;
	s = kmem_cache_create("bench", size, 0, 0, NULL);
	slab_colouring = saved;
	for (unsigned nr = 4; nr <= MAX_SLABS; nr *= 2) {
		bench_row(b, "%u.%s.%u", size, on ? "on" : "off", nr);
		if (!bench_wants(b, ""))
			continue;
		if (s)
			walk_slabs(b, s, nr);
		else
			bench_skip_failed(b, "kmem_cache_create");
	}
	kmem_cache_destroy(s);
}

BENCH(colour, walk)
{
	static const unsigned sizes[] = {600, 3000};

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		colour_rows(b, sizes[i], false);
		colour_rows(b, sizes[i], true);
	}
}
