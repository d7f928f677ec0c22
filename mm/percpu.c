/*
 * percpu.c - memory of which every CPU has a copy, at one offset.
 *
 * Idea.       Each CPU has a window of addresses for its copies. The same offset in every window is the
 *             same variable. A per-CPU pointer is an address in the template (__percpu_start + offset),
 *             so static and dynamic variables are accessed alike: add percpu_offset[cpu].
 * Layout.     Window of a CPU, PERCPU_STRIDE bytes:
 *
 *              | template copy | chunk 0 | chunk 1 | chunk 2 | ... | slots of kmap.c |
 *
 *             Template copy and chunk 0 are mapped at boot, from memblock, on the CPU's node. A further
 *             chunk is mapped whole, with pages for every possible CPU, and unmapped when it is empty.
 *             Chunk i > 0 has slot i of the window. A chunk's map has one bit for each 8-byte unit and
 *             serves all CPUs (percpu_map.c). percpu_best[] is a tree over the chunks by their longest
 *             free run.
 * Search.     An allocation takes the lowest chunk with a free run that is long enough, and the lowest
 *             such run in it. A run of sufficient length may still hold no aligned place. After
 *             CHUNK_TRIES chunks, and RUN_TRIES runs in each, only runs count that hold an aligned
 *             place wherever they begin: 3 units aligned to 4 need a run of 6. So a search takes a few
 *             steps for each level of the two trees, however many allocations there are. If no such run
 *             exists and the window has no slot for a further chunk, every run is tried.
 * Invariants. C1  a unit that starts an allocation is in use, as is each unit behind it up to the next
 *                 start or free unit; used counts the units in use, nr the allocations
 *             C2  a chunk's pages are mapped in the windows of all possible CPUs
 *             C3  a chunk other than 0 that is published holds an allocation, or is being filled or
 *                 emptied
 *             C4  between operations a slot is claimed if and only if its chunk is published
 *             C5  each node of a chunk's tree describes the free runs of its units; a chunk that is
 *                 dense has no tree, and its free units are one run at its end
 *             C6  percpu_best[] has the longest free run of each published chunk, 0 for a slot without;
 *                 a parent has the larger one of its two children
 * Locking.    percpu_lock protects the maps and percpu_best[]. A slot is claimed under the lock; its
 *             chunk is then mapped or unmapped without it.
 * Failure.    NULL if a page is missing for a CPU (the pages mapped so far are freed) or if the window
 *             is full.
 * Source.     Linux mm/percpu.c (chunk slots by free size, contig_hint).
 * Next:       percpu_map.c.
 */
#include <arch/san.h>
#include <kernel/failure.h>
#include <mm/percpu.h>

#include "percpu_map.h"

#include <mm/check.h>
#include <mm/check_walk.h>
#include <mm/internal.h>
#include <mm/memblock.h>
#include <mm/numa.h>
#include <mm/page_alloc.h>
#include <mm/pgtable.h>
#include <mm/slab.h>
#include <mm/tlb.h>

#include <kernel/bits.h>
#include <kernel/bug.h>
#include <kernel/fault.h>
#include <kernel/printk.h>
#include <kernel/sections.h>
#include <kernel/spinlock.h>
#include <kernel/string.h>

enum {
	CHUNK_PAGES = CHUNK_SIZE >> PAGE_SHIFT,
	/* Bytes of chunk 0, which serves boot until the page allocator works. */
	FIRST_ROOM = 32 << 10,
	CHUNK_TRIES = 4,
	RUN_TRIES = 4,
	/* more than a chunk has runs */
	ALL_TRIES = CHUNK_UNITS,
};
static_assert(sizeof(struct chunk) <= PAGE_SIZE, "a chunk's map takes one page");
static_assert((MAX_CHUNKS & (MAX_CHUNKS - 1)) == 0, "percpu_best[] is a full tree");

static struct spinlock percpu_lock = SPINLOCK_INIT("percpu_lock", LOCK_PERCPU);
/* The variables up to nr_pages are protected by percpu_lock. */
static struct chunk first_chunk;
struct chunk *percpu_chunks[MAX_CHUNKS];
/*
 * Longest free run: node 1 covers all chunks, the children of i are 2i and 2i + 1, the last half has
 * one node for each chunk.
 */
u16 percpu_best[2 * MAX_CHUNKS];
unsigned long percpu_claimed[DIV_ROUND_UP(MAX_CHUNKS, 64)];
static unsigned long nr_pages;

/* End of chunk 0 in the window. Chunk i > 0 begins (i - 1) * CHUNK_SIZE bytes behind it. */
static unsigned long first_end;

static vaddr_t window(unsigned cpu)
{
	return PERCPU_BASE + cpu * PERCPU_STRIDE;
}

static unsigned long chunk_start(unsigned slot)
{
	return first_end + (slot - 1) * CHUNK_SIZE;
}

/*
 * window_close() marks [offset, offset + size) of every CPU's window as inaccessible for sanitizers;
 * window_open() marks it as accessible (arch/san.h).
 */
static void window_close(unsigned long offset, size_t size)
{
	unsigned cpu;

	for_each_possible_cpu (cpu)
		san_free((void *)(window(cpu) + offset), size);
}

static void window_open(unsigned long offset, size_t size)
{
	unsigned cpu;

	for_each_possible_cpu (cpu)
		san_reveal((void *)(window(cpu) + offset), size);
}

/* ---- the tree of chunks ---- */

/*
 * Stores the longest run of the slot's chunk in its leaf, and derives the parents up to the first that
 * does not change.
 */
static void best_update(unsigned slot)
{
	unsigned i = MAX_CHUNKS + slot;
	u16 longest = (u16)(percpu_chunks[slot] ? chunk_longest(percpu_chunks[slot]) : 0);

	while (i && percpu_best[i] != longest) {
		percpu_best[i] = longest;
		longest = max(longest, percpu_best[i ^ 1]);
		i /= 2;
		percpu_steps++;
	}
}

/*
 * Returns the first slot at or above `from` whose chunk has a free run of at least `units`; MAX_CHUNKS
 * if there is none. Starts at the leaf of `from`. While the node's run is too short, it goes to the
 * next subtree on the right: from a right child (odd index) first up to a left child, then to its
 * sibling i + 1. Then it descends to the leftmost leaf that fits.
 */
static unsigned best_next(unsigned from, unsigned units)
{
	unsigned i = MAX_CHUNKS + from;

	if (from >= MAX_CHUNKS)
		return MAX_CHUNKS;
	for (; percpu_best[i] < units; i++) {
		for (; i & 1; i /= 2) {
			if (i == 1)
				return MAX_CHUNKS;
			percpu_steps++;
		}
		percpu_steps++;
	}
	while (i < MAX_CHUNKS) {
		i *= 2;
		i += percpu_best[i] < units;
		percpu_steps++;
	}
	return i - MAX_CHUNKS;
}

/* ---- chunks ---- */

/*
 * Unmaps one CPU's pages of the chunk at `start`. Queues the frames for percpu_unmap_all(), which frees
 * them after the flush.
 */
static void percpu_unmap(unsigned cpu, unsigned long start, struct list_head *frames)
{
	vaddr_t va = window(cpu) + start;

	for (unsigned i = 0; i < CHUNK_PAGES; i++) {
		struct pt_query q = pt_lookup(va + i * PAGE_SIZE);

		if (q.mapped)
			list_add(&phys_to_page(q.pa)->lru, frames);
	}
	pt_unmap(va, CHUNK_SIZE);
}

/* Unmaps a chunk for all CPUs: clears the entries, flushes the TLBs once, then frees the frames. */
static void percpu_unmap_all(unsigned long start)
{
	struct page *page, *tmp;
	struct tlb_batch batch;
	LIST_HEAD(frames);
	unsigned cpu;

	tlb_batch_init(&batch);
	for_each_possible_cpu (cpu) {
		percpu_unmap(cpu, start, &frames);
		tlb_batch_add(&batch, window(cpu) + start, window(cpu) + start + CHUNK_SIZE);
	}
	if (list_empty(&frames))
		return;
	tlb_batch_flush(&batch);
	list_for_each_entry_safe (page, tmp, &frames, lru)
		__free_page(page);
}

/*
 * Allocates one CPU's pages of a chunk on its node and maps them. Returns false, with nothing mapped,
 * if memory is short.
 */
static bool percpu_map(unsigned cpu, unsigned long start)
{
	struct page *pages[CHUNK_PAGES];
	unsigned long got = alloc_pages_bulk(cpu_to_node_map[cpu], GFP_KERNEL, CHUNK_PAGES, pages);

	if (got == CHUNK_PAGES &&
	    pt_map_pages(window(cpu) + start, pages, CHUNK_PAGES, PT_RW, 0, GFP_KERNEL) == 0)
		return true;
	/*
	 * pt_map_pages() may have mapped some of the pages before it failed: flush before they are
	 * freed.
	 */
	if (got == CHUNK_PAGES)
		tlb_flush_range(window(cpu) + start, window(cpu) + start + CHUNK_SIZE);
	free_pages_bulk(pages, got);
	return false;
}

/* Maps a chunk for all possible CPUs, or for none. */
static bool percpu_map_all(unsigned long start)
{
	unsigned cpu;

	for_each_possible_cpu (cpu)
		if (!percpu_map(cpu, start)) {
			percpu_unmap_all(start);
			return false;
		}
	return true;
}

/* Claims the lowest free slot of the window for a new chunk. Returns 0 if there is none. */
static unsigned percpu_claim(void)
{
	unsigned slot;

	spin_lock(&percpu_lock);
	for (slot = 1; slot < MAX_CHUNKS && bitmap_test(percpu_claimed, slot); slot++)
		;
	if (slot < MAX_CHUNKS && chunk_start(slot) + CHUNK_SIZE <= PERCPU_SIZE)
		bitmap_set(percpu_claimed, slot);
	else
		slot = 0;
	spin_unlock(&percpu_lock);
	return slot;
}

/* Publishes chunk c in its slot. If c is NULL, releases the slot. */
static void percpu_publish(unsigned slot, struct chunk *c)
{
	long pages = (long)CHUNK_PAGES * cpumask_weight(&cpu_possible_mask);

	spin_lock(&percpu_lock);
	percpu_chunks[slot] = c;
	best_update(slot);
	if (c)
		UPDATE_ONCE(nr_pages, +=, (unsigned long)pages);
	else
		bitmap_clear(percpu_claimed, slot);
	spin_unlock(&percpu_lock);
}

/*
 * Maps a new chunk and allocates from it before it is published, so no free finds it empty and removes
 * it.
 */
static bool percpu_grow(unsigned units, unsigned long align, unsigned long *offset)
{
	unsigned slot = percpu_claim();
	struct chunk *c;

	if (!slot) {
		failure_note("the per-CPU window is full");
		return false;
	}
	c = (struct chunk *)get_zeroed_page(GFP_KERNEL);
	if (!c)
		goto err_slot;
	if (!percpu_map_all(chunk_start(slot)))
		goto err_map;
	chunk_init(c, chunk_start(slot), CHUNK_SIZE);
	window_close(chunk_start(slot), CHUNK_SIZE);
	BUG_ON(!chunk_alloc(c, units, align, 1, offset), "an empty chunk has no room for %u units", units);
	percpu_publish(slot, c);
	return true;

err_map:
	free_page((unsigned long)c);
err_slot:
	percpu_publish(slot, NULL);
	return false;
}

/* Unmaps a chunk that is no longer published, frees its map and releases the slot. */
static void percpu_shrink(unsigned slot, struct chunk *c)
{
	/* The addresses are unmapped now, so an access faults without the sanitizer's mark. */
	window_open(c->start, CHUNK_SIZE);
	percpu_unmap_all(c->start);
	free_page((unsigned long)c);
	percpu_publish(slot, NULL);
}

/* ---- interface ---- */

/* Allocates from the first chunks, in ascending order, that have a free run of at least `run` units. */
static bool alloc_from(unsigned run, unsigned units, size_t align, unsigned chunk_tries, unsigned run_tries,
		       unsigned long *offset)
{
	for (unsigned slot = best_next(0, run); slot < MAX_CHUNKS && chunk_tries;
	     slot = best_next(slot + 1, run), chunk_tries--) {
		if (chunk_alloc(percpu_chunks[slot], units, align, run_tries, offset)) {
			best_update(slot);
			return true;
		}
	}
	return false;
}

static bool percpu_alloc_offset(unsigned units, size_t align, unsigned long *offset)
{
	bool found;

	spin_lock(&percpu_lock);
	found = alloc_from(units, units, align, CHUNK_TRIES, RUN_TRIES, offset) ||
		alloc_from(chunk_units_for(units, align), units, align, 1, 0, offset);
	spin_unlock(&percpu_lock);
	if (found || percpu_grow(units, align, offset))
		return true;
	spin_lock(&percpu_lock);
	found = alloc_from(units, units, align, MAX_CHUNKS, ALL_TRIES, offset);
	spin_unlock(&percpu_lock);
	return found;
}

void *alloc_percpu_size(size_t size, size_t align)
{
	unsigned long offset;
	unsigned cpu;

	BUG_ON(!is_pow2(align) || align > PAGE_SIZE, "per-CPU alignment %zu", align);
	if (size == 0 || size > CHUNK_SIZE) {
		pr_warn_once("percpu: size %zu of request by %pS is 0 or exceeds a chunk\n", size,
			     (void *)CALLER);
		failure_note("the size is 0 or exceeds a per-CPU chunk");
		return NULL;
	}
	/* failslab covers per-CPU allocations too: they are objects of a kind. */
	if (fault_hits(&failslab, true, size))
		return NULL;
	if (!percpu_alloc_offset((unsigned)DIV_ROUND_UP(size, 1UL << UNIT_SHIFT),
				 max(align, 1UL << UNIT_SHIFT), &offset))
		return NULL;
	window_open(offset, size);
	for_each_possible_cpu (cpu)
		memset((void *)(window(cpu) + offset), 0, size);
	return __percpu_start + offset;
}

void free_percpu(void *ptr)
{
	unsigned long offset = (unsigned long)ptr - (unsigned long)__percpu_start, slot = 0;
	struct chunk *c = NULL;
	bool empty;

	if (!ptr)
		return;
	if (offset >= first_end)
		slot = (offset - first_end) / CHUNK_SIZE + 1;
	spin_lock(&percpu_lock);
	if (slot < MAX_CHUNKS)
		c = percpu_chunks[slot];
	BUG_ON(!c || offset < c->start, "%p is not a per-CPU pointer", ptr);
	window_close(offset, (size_t)chunk_free(c, offset) << UNIT_SHIFT);
	empty = slot > 0 && c->used == 0;
	if (empty) {
		percpu_chunks[slot] = NULL;
		UPDATE_ONCE(nr_pages, -=, CHUNK_PAGES * cpumask_weight(&cpu_possible_mask));
	}
	best_update((unsigned)slot);
	spin_unlock(&percpu_lock);
	if (empty)
		percpu_shrink((unsigned)slot, c);
}

unsigned long percpu_pages(void)
{
	return READ_ONCE(nr_pages);
}

unsigned long percpu_used_bytes(void)
{
	unsigned long units = 0;

	spin_lock(&percpu_lock);
	for (unsigned i = 0; i < MAX_CHUNKS; i++)
		units += percpu_chunks[i] ? percpu_chunks[i]->used : 0;
	spin_unlock(&percpu_lock);
	return units << UNIT_SHIFT;
}

/* ---- boot ---- */

void percpu_init(void)
{
	size_t fixed = (size_t)(__percpu_end - __percpu_start), first_start;
	unsigned cpu;

	first_end = PAGE_ALIGN_UP(fixed + FIRST_ROOM);
	first_start = ALIGN_UP(fixed, 1UL << UNIT_SHIFT);
	chunk_init(&first_chunk, first_start, first_end - first_start);
	percpu_chunks[0] = &first_chunk;
	best_update(0);
	bitmap_set(percpu_claimed, 0);
	for_each_possible_cpu (cpu) {
		void *area = memblock_alloc_or_panic(first_end, PAGE_SIZE,
						     numa_memory_node(cpu_to_node_map[cpu]), "percpu");

		if (pt_map(window(cpu), virt_to_phys(area), first_end, PT_RW, 0, GFP_NOWAIT))
			panic("percpu: window of CPU %u is mapped already\n", cpu);
		nr_pages += first_end >> PAGE_SHIFT;
		memcpy(area, __percpu_start, fixed);
		percpu_offset[cpu] = window(cpu) - (unsigned long)__percpu_start;
	}
	window_close(first_start, first_end - first_start);
	cpu = arch_cpu_id();
	arch_percpu_set(percpu_offset[cpu]);
	pr_info("percpu: %u CPUs, %zu bytes of variables, %lu KiB each\n", cpumask_weight(&cpu_possible_mask),
		fixed, first_end >> 10);
}

/* ---- check ---- */

static bool chunk_mapped(const struct chunk *c)
{
	const unsigned long end = c->start + ((unsigned long)c->units << UNIT_SHIFT);
	unsigned cpu;

	for_each_possible_cpu (cpu)
		for (unsigned long off = c->start; off < end; off += PAGE_SIZE)
			if (!pt_lookup(window(cpu) + off).mapped)
				return false;
	return true;
}

/*
 * Returns whether the chunk of slot i lies where it must and has the slot's start and size. Its other
 * members can then be read.
 */
static bool chunk_is_one(unsigned i)
{
	const struct chunk *c = percpu_chunks[i];
	const bool own_page = i && check_object(c, sizeof(*c), PAGE_SIZE);

	if (c != (i ? c : &first_chunk) || (i && !own_page))
		return false;
	return i ? c->start == chunk_start(i) && c->units == CHUNK_UNITS
		 : c->units <= CHUNK_UNITS && c->start + ((size_t)c->units << UNIT_SHIFT) == first_end;
}

static const char *check_slot(unsigned i)
{
	const struct chunk *c = percpu_chunks[i];
	const char *what;

	if (bitmap_test(percpu_claimed, i) != (c != NULL))
		return "percpu.C4: a slot without a chunk is taken, or one with a chunk is free";
	if (c && !chunk_is_one(i))
		return "percpu.C4: a slot's chunk is no chunk, or belongs to another slot";
	what = c ? chunk_check(c) : NULL;
	if (what)
		return what;
	if (i > 0 && c && c->used == 0)
		return "percpu.C3: an empty chunk was kept";
	if (c && !chunk_mapped(c))
		return "percpu.C2: a page of a chunk is not mapped";
	if (percpu_best[MAX_CHUNKS + i] != (c ? chunk_longest(c) : 0))
		return "percpu.C6: percpu_best[] differs from a chunk's longest free run";
	if (i && percpu_best[i] != max(percpu_best[2 * i], percpu_best[2 * i + 1]))
		return "percpu.C6: a node of percpu_best[] is not the larger one of its children";
	return NULL;
}

static const char *percpu_check(void)
{
	const char *what = NULL;

	if (!spin_is_free(&percpu_lock, LOCK_PERCPU, 0))
		return "percpu.C4: percpu_lock is not a free lock of its rank";
	for (unsigned i = 0; i < MAX_CHUNKS && !what; i++)
		what = check_slot(i);
	return what;
}
MM_CHECK("percpu", percpu_check);
