/*
 * percpu.c - memory that every CPU has a copy of, at one offset.
 *
 * Idea.       A CPU's copies lie in a window of addresses of its own; the same offset in every window is the
 *             same variable. A per-CPU pointer is the address in the template that the offset would have, so
 *             static and dynamic variables are reached alike: add percpu_offset[cpu].
 * Layout.     window of a CPU (PERCPU_STRIDE):  | template copy | chunk 0 | chunk 1 | chunk 2 | ... | slots of kmap.c |
 *             Template copy and chunk 0 are mapped at boot from memblock, on the CPU's node. Further chunks
 *             come and go whole, with pages for every possible CPU. A chunk is a map of 8-byte units, one for
 *             all CPUs.
 * Invariants. C1  a unit that starts an allocation is in use; used counts the units in use
 *             C2  a chunk's pages are mapped in the windows of all possible CPUs
 *             C3  a chunk other than 0 that is published holds an allocation, or is being filled or emptied
 *             C4  between operations a slot is claimed if and only if its chunk is published
 * Locking.    percpu_lock for the maps. A slot of the window is claimed under it and filled or emptied
 *             without it.
 * Failure.    NULL: a page is missing for some CPU (what was mapped is taken back), or the window is full.
 * Next:       page.c, the array of page frames.
 */
#include <kernel/failure.h>
#include <kernel/percpu.h>

#include <mm/check.h>
#include <mm/internal.h>
#include <mm/memblock.h>
#include <mm/numa.h>
#include <mm/page_alloc.h>
#include <mm/pgtable.h>
#include <mm/tlb.h>

#include <kernel/bits.h>
#include <kernel/bug.h>
#include <kernel/fault.h>
#include <kernel/printk.h>
#include <kernel/sections.h>
#include <kernel/spinlock.h>
#include <kernel/string.h>

enum {
	UNIT_SHIFT = 3,
	CHUNK_SIZE = 64 << 10,
	CHUNK_PAGES = CHUNK_SIZE >> PAGE_SHIFT,
	CHUNK_UNITS = CHUNK_SIZE >> UNIT_SHIFT,
	FIRST_ROOM = 32 << 10, /* chunk 0: what boot needs until the page allocator is up */
	MAX_CHUNKS = PERCPU_STRIDE / CHUNK_SIZE,
};

struct chunk {
	unsigned long start; /* offset in the window, bytes */
	unsigned units, used;
	unsigned long in_use[CHUNK_UNITS / 64];
	unsigned long first[CHUNK_UNITS / 64]; /* units that start an allocation */
};
static_assert(sizeof(struct chunk) <= PAGE_SIZE, "a chunk's map takes one page");

unsigned long percpu_offset[NR_CPUS];

static struct spinlock percpu_lock = SPINLOCK_INIT("percpu_lock", LOCK_PERCPU);
/* percpu_lock: */
static struct chunk first_chunk;
static struct chunk *chunks[MAX_CHUNKS];
static unsigned long claimed[DIV_ROUND_UP(MAX_CHUNKS, 64)];
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

/* ---- the map of one chunk ---- */

/* First unit in [unit, end) whose bit is `set`, or end. */
static unsigned next_unit(const unsigned long *map, unsigned unit, unsigned end, bool set)
{
	while (unit < end) {
		unsigned long word = (set ? map[unit / 64] : ~map[unit / 64]) >> (unit % 64);

		if (word)
			return min(unit + (unsigned)__builtin_ctzl(word), end);
		unit = ALIGN_DOWN(unit, 64u) + 64;
	}
	return end;
}

/* Lowest run of free units; align counts in the window. False: none. */
static bool chunk_find(const struct chunk *c, unsigned units, unsigned long align, unsigned *found)
{
	unsigned unit = 0;

	for (;;) {
		unsigned long offset;
		unsigned busy;

		unit = next_unit(c->in_use, unit, c->units, false);
		offset = ALIGN_UP(c->start + ((unsigned long)unit << UNIT_SHIFT), align);
		unit = (unsigned)((offset - c->start) >> UNIT_SHIFT);
		if (unit >= c->units || units > c->units - unit)
			return false;
		busy = next_unit(c->in_use, unit, unit + units, true);
		if (busy == unit + units) {
			*found = unit;
			return true;
		}
		unit = busy;
	}
}

static bool chunk_alloc(struct chunk *c, unsigned units, unsigned long align, unsigned long *offset)
{
	unsigned unit;

	if (c->units - c->used < units || !chunk_find(c, units, align, &unit))
		return false;
	for (unsigned i = unit; i < unit + units; i++)
		bitmap_set(c->in_use, i);
	bitmap_set(c->first, unit);
	c->used += units;
	*offset = c->start + ((unsigned long)unit << UNIT_SHIFT);
	return true;
}

static void chunk_free(struct chunk *c, unsigned long offset)
{
	unsigned unit = (unsigned)((offset - c->start) >> UNIT_SHIFT);

	BUG_ON(!IS_ALIGNED(offset, 1UL << UNIT_SHIFT) || !bitmap_test(c->first, unit),
	       "per-CPU offset 0x%lx: not an allocation", offset);
	bitmap_clear(c->first, unit);
	do {
		bitmap_clear(c->in_use, unit);
		c->used--;
		unit++;
	} while (unit < c->units && bitmap_test(c->in_use, unit) && !bitmap_test(c->first, unit));
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
	slot = next_unit(claimed, 1, MAX_CHUNKS, false);
	if (slot < MAX_CHUNKS && chunk_start(slot) + CHUNK_SIZE <= PERCPU_SIZE)
		bitmap_set(claimed, slot);
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
	chunks[slot] = c;
	if (c)
		UPDATE_ONCE(nr_pages, +=, (unsigned long)pages);
	else
		bitmap_clear(claimed, slot);
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
	c->start = chunk_start(slot);
	c->units = CHUNK_UNITS;
	BUG_ON(!chunk_alloc(c, units, align, offset), "an empty chunk has no room for %u units", units);
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
	percpu_unmap_all(c->start);
	free_page((unsigned long)c);
	percpu_publish(slot, NULL);
}

/* ---- interface ---- */

static bool percpu_alloc_offset(unsigned units, unsigned long align, unsigned long *offset)
{
	bool found = false;

	spin_lock(&percpu_lock);
	for (unsigned i = 0; i < MAX_CHUNKS && !found; i++)
		found = chunks[i] && chunk_alloc(chunks[i], units, align, offset);
	spin_unlock(&percpu_lock);
	return found || percpu_grow(units, align, offset);
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
	for_each_possible_cpu (cpu)
		memset((void *)(window(cpu) + offset), 0, size);
	return __percpu_start + offset;
}

void free_percpu(void *ptr)
{
	unsigned long offset = (unsigned long)ptr - (unsigned long)__percpu_start;
	struct chunk *c = NULL;
	unsigned slot = 0;
	bool empty;

	if (!ptr)
		return;
	if (offset >= first_end)
		slot = (unsigned)((offset - first_end) / CHUNK_SIZE) + 1;
	spin_lock(&percpu_lock);
	if (slot < MAX_CHUNKS)
		c = chunks[slot];
	BUG_ON(!c || offset < c->start, "%p is not a per-CPU pointer", ptr);
	chunk_free(c, offset);
	empty = slot > 0 && c->used == 0;
	if (empty) {
		chunks[slot] = NULL;
		UPDATE_ONCE(nr_pages, -=, CHUNK_PAGES * cpumask_weight(&cpu_possible_mask));
	}
	spin_unlock(&percpu_lock);
	if (empty)
		percpu_shrink(slot, c);
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
		units += chunks[i] ? chunks[i]->used : 0;
	spin_unlock(&percpu_lock);
	return units << UNIT_SHIFT;
}

/* ---- boot ---- */

void percpu_init(void)
{
	size_t fixed = (size_t)(__percpu_end - __percpu_start);
	unsigned cpu;

	first_end = PAGE_ALIGN_UP(fixed + FIRST_ROOM);
	first_chunk.start = ALIGN_UP(fixed, 1UL << UNIT_SHIFT);
	first_chunk.units = (unsigned)((first_end - first_chunk.start) >> UNIT_SHIFT);
	BUG_ON(first_chunk.units > CHUNK_UNITS, "chunk 0 has %u units", first_chunk.units);
	chunks[0] = &first_chunk;
	bitmap_set(claimed, 0);
	for_each_possible_cpu (cpu) {
		void *area = memblock_alloc_or_panic(first_end, PAGE_SIZE,
						     numa_memory_node(cpu_to_node_map[cpu]), "percpu");

		if (pt_map(window(cpu), virt_to_phys(area), first_end, PT_RW, 0, GFP_NOWAIT))
			panic("percpu: window of CPU %u is mapped already\n", cpu);
		nr_pages += first_end >> PAGE_SHIFT;
		memcpy(area, __percpu_start, fixed);
		percpu_offset[cpu] = window(cpu) - (unsigned long)__percpu_start;
	}
	cpu = arch_cpu_id();
	arch_percpu_set(percpu_offset[cpu]);
	pr_info("percpu: %u CPUs, %zu bytes of variables, %lu KiB each\n", cpumask_weight(&cpu_possible_mask),
		fixed, first_end >> 10);
}

/* ---- check ---- */

static const char *chunk_check(const struct chunk *c)
{
	unsigned used = 0, cpu;

	for (unsigned i = 0; i < ARRAY_SIZE(c->in_use); i++) {
		if (c->first[i] & ~c->in_use[i])
			return "C1 an allocation starts at a free unit";
		used += hweight64(c->in_use[i]);
	}
	if (used != c->used)
		return "C1 units in use are miscounted";
	for_each_possible_cpu (cpu)
		for (unsigned long off = c->start; off < c->start + ((unsigned long)c->units << UNIT_SHIFT);
		     off += PAGE_SIZE)
			if (!pt_lookup(window(cpu) + off).mapped)
				return "C2 a page of a chunk is not mapped";
	return NULL;
}

static const char *percpu_check(void)
{
	for (unsigned i = 0; i < MAX_CHUNKS; i++) {
		const char *what = chunks[i] ? chunk_check(chunks[i]) : NULL;

		if (what)
			return what;
		if (i > 0 && chunks[i] && chunks[i]->used == 0)
			return "C3 an empty chunk was kept";
		if (bitmap_test(claimed, i) != (chunks[i] != NULL))
			return "C4 a slot without a chunk is taken, or one with a chunk is free";
	}
	return NULL;
}
MM_CHECK("percpu", percpu_check);
