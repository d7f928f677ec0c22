/*
 * percpu.c - memory that every CPU has a copy of, at one offset.
 *
 * Idea.       A CPU's copies lie in a window of addresses of its own; the same offset in every window is the
 *             same variable. A per-CPU pointer is the address in the template that the offset would have, so
 *             static and dynamic variables are reached alike: add percpu_offset[cpu].
 * Layout.     window of a CPU (PERCPU_STRIDE):  | template copy | chunk 0 | chunk 1 | chunk 2 | ... | slots of kmap.c |
 *             Template copy and chunk 0 are mapped at boot from memblock, on the CPU's node. Further chunks
 *             come and go whole, with pages for every possible CPU. A chunk is a map of 8-byte units, one for
 *             all CPUs (percpu_map.c). percpu_best[] is a tree over the chunks by their longest free run.
 * Search.     The lowest chunk with a run that is long enough, and in it the lowest run. A run that is long enough may have no
 *             place at the alignment: after CHUNK_TRIES chunks, and RUN_TRIES runs in each, only longer runs count, which
 *             have one wherever they begin. A search is then a few steps for each level of two trees, however many
 *             allocations there are. Only when the window has no room for a further chunk, all runs are tried.
 * Invariants. C1  a unit that starts an allocation is in use, as is each unit behind it up to the next start or free unit;
 *                 used counts the units in use, nr the allocations
 *             C2  a chunk's pages are mapped in the windows of all possible CPUs
 *             C3  a chunk other than 0 that is published holds an allocation, or is being filled or emptied
 *             C4  between operations a slot is claimed if and only if its chunk is published
 *             C5  each node of a chunk's tree describes the free runs of its units; a chunk that is dense has no tree, and
 *                 its free units are one run at its end
 *             C6  percpu_best[] has the longest free run of each published chunk, 0 for a slot without; a parent has the larger one
 *                 of its two children
 * Locking.    percpu_lock for the maps. A slot of the window is claimed under it and filled or emptied
 *             without it.
 * Failure.    NULL: a page is missing for some CPU (what was mapped is taken back), or the window is full.
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
	FIRST_ROOM = 32 << 10, /* chunk 0: what boot needs until the page allocator is up */
	CHUNK_TRIES = 4,
	RUN_TRIES = 4,
	ALL_TRIES = CHUNK_UNITS, /* more than there are runs */
};
static_assert(sizeof(struct chunk) <= PAGE_SIZE, "a chunk's map takes one page");
static_assert((MAX_CHUNKS & (MAX_CHUNKS - 1)) == 0, "percpu_best[] is a full tree");


static struct spinlock percpu_lock = SPINLOCK_INIT("percpu_lock", LOCK_PERCPU);
/* percpu_lock: */
static struct chunk first_chunk;
struct chunk *percpu_chunks[MAX_CHUNKS];
u16 percpu_best[2 * MAX_CHUNKS]; /* 1: of all; children of i: 2i, 2i + 1; the last half: one chunk each */
unsigned long percpu_claimed[DIV_ROUND_UP(MAX_CHUNKS, 64)];
static unsigned long nr_pages;

static unsigned long
	first_end; /* end of chunk 0 in the window; chunk i > 0 follows at multiples of CHUNK_SIZE */

static vaddr_t window(unsigned cpu)
{
	return PERCPU_BASE + cpu * PERCPU_STRIDE;
}

static unsigned long chunk_start(unsigned slot)
{
	return first_end + (slot - 1) * CHUNK_SIZE;
}

/* Marks [offset, offset + size) of every CPU's window for sanitizers: no access is right, or every one is (arch/san.h). */
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

/* The first slot at or above `from` whose chunk has a run of so many units, or MAX_CHUNKS. */
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

/* Takes what one CPU has mapped of the chunk at `start` out of its tables; frames are queued for percpu_unmap_all(). */
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

/* Entries, TLBs, frames, in this order: one flush for the chunks of all CPUs. */
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

static bool percpu_map(unsigned cpu, unsigned long start)
{
	struct page *pages[CHUNK_PAGES];
	unsigned long got = alloc_pages_bulk(cpu_to_node_map[cpu], GFP_KERNEL, CHUNK_PAGES, pages);

	if (got == CHUNK_PAGES &&
	    pt_map_pages(window(cpu) + start, pages, CHUNK_PAGES, PT_RW, 0, GFP_KERNEL) == 0)
		return true;
	if (got == CHUNK_PAGES) /* a part of them may have been mapped for a moment */
		tlb_flush_range(window(cpu) + start, window(cpu) + start + CHUNK_SIZE);
	free_pages_bulk(pages, got);
	return false;
}

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

/* A slot of the window for a new chunk; 0: all are taken. */
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

/* The chunk's fate is decided: published, or its slot is free again. */
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

/* A new chunk with one allocation in it already, so that nobody finds it empty and takes it away. */
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

/* An unlinked chunk's pages and its slot go back. */
static void percpu_shrink(unsigned slot, struct chunk *c)
{
	window_open(c->start, CHUNK_SIZE); /* the addresses have no owner: an access faults */
	percpu_unmap_all(c->start);
	free_page((unsigned long)c);
	percpu_publish(slot, NULL);
}

/* ---- interface ---- */

/* From one of the chunks that have a run of `run` units, in ascending order. */
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
	if (fault_hits(&failslab, true, size)) /* objects, if of a kind of their own */
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

/* Where a slot's map is and what it says of itself: its other members can be looked at then. */
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
		return "percpu.C4: a slot's chunk is none, or another slot's";
	what = c ? chunk_check(c) : NULL;
	if (what)
		return what;
	if (i > 0 && c && c->used == 0)
		return "percpu.C3: an empty chunk was kept";
	if (c && !chunk_mapped(c))
		return "percpu.C2: a page of a chunk is not mapped";
	if (percpu_best[MAX_CHUNKS + i] != (c ? chunk_longest(c) : 0))
		return "percpu.C6: a chunk's longest free run is not what percpu_best[] says";
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
