/*
 * test_exhaust.c - all of memory is taken, given back and taken again.
 *
 * Idea.       What a request can have does not depend on what was there before: caches, lists of CPUs, boosts and reserves
 *             give way. So the same requests get the same number of blocks each time, and all that is left is below the marks.
 * Layout.     held: the blocks
 * Invariants. The runner compares free pages and checks every layer after each case.
 * Locking.    None. Other CPUs are idle.
 * Failure.    Machines of more than 1 GiB of free memory are not taken as a whole.
 * Next:       test_reclaim.c.
 */
#include "scratch.h"
#include "zone_fixture.h"

#include <kernel/string.h>
#include <mm/check.h>
#include <mm/kmalloc.h>
#include <mm/vmalloc.h>

enum { TIMES = 3 };

static LIST_HEAD(held);

#define NEEDS_WHOLE_MEMORY()                                            \
	do {                                                            \
		if (too_much_memory() || fault_armed(&fail_page_alloc)) \
			SKIP("it would touch all of more than 1 GiB");  \
		mm_settle();                                            \
	} while (0)

/* Pages that ordinary requests must leave in the zones that GFP_KERNEL may use. */
static unsigned long kept_pages(void)
{
	unsigned long kept = 0;
	struct zone *zone;

	for_each_populated_zone (zone)
		kept += zone->type > ZONE_NORMAL
				? zone->free_pages
				: min(zone->wmark[WMARK_MIN] + zone->lowmem_reserve[ZONE_NORMAL] +
					      zone->highatomic_pages + 1,
				      zone->free_pages);
	return kept;
}

/* The last refill of a CPU's list passes the mark by less than what it moves, so the count is exact to that. */
static bool as_many(unsigned long a, unsigned long b, unsigned order)
{
	unsigned long slack = 0;
	struct zone *zone;

	for_each_populated_zone (zone)
		slack += PCP_REFILL_MAX;
	return max(a, b) - min(a, b) <= DIV_ROUND_UP(slack, 1UL << order);
}

static void expect_same_each_time(struct ktest *t, gfp_t gfp, unsigned order)
{
	unsigned long count[TIMES], left[TIMES];
	struct snapshot before;

	snapshot_take(&before);
	for (unsigned i = 0; i < TIMES; i++) {
		count[i] = hold_blocks(&held, gfp | __GFP_NOWARN, order, ~0UL);
		left[i] = nr_free_pages() - min(kept_pages(), nr_free_pages());
		release_blocks(&held, order);
	}
	for (unsigned i = 1; i < TIMES; i++)
		EXPECT_MSG(as_many(count[i], count[0], order),
			   "gfp 0x%x order %u: %lu blocks at first, %lu when taken again", gfp, order,
			   count[0], count[i]);
	for (unsigned i = 0; i < TIMES && order == 0; i++)
		EXPECT_MSG(left[i] == 0, "gfp 0x%x: NULL while %lu pages above the marks are free", gfp,
			   left[i]);
	expect_snapshot(t, &before);
}

KTEST(exhaust, pages_are_found_as_many_each_time)
{
	NEEDS_WHOLE_MEMORY();
	expect_same_each_time(t, GFP_KERNEL, 0);
	expect_same_each_time(t, GFP_KERNEL | __GFP_NORETRY, 0);
}

KTEST(exhaust, blocks_are_found_as_many_each_time)
{
	NEEDS_WHOLE_MEMORY();
	expect_same_each_time(t, GFP_KERNEL | __GFP_NORETRY, 3);
	expect_same_each_time(t, GFP_KERNEL, 3);
	expect_same_each_time(t, GFP_KERNEL, MAX_ORDER);
}

/* Requests of all types take from each other's pageblocks, which boosts the marks. */
KTEST(exhaust, types_that_steal_from_each_other_find_as_many)
{
	static const gfp_t types[] = {GFP_KERNEL, GFP_KERNEL | __GFP_MOVABLE, GFP_KERNEL | __GFP_RECLAIMABLE};
	unsigned long count[TIMES];

	NEEDS_WHOLE_MEMORY();
	for (unsigned i = 0; i < TIMES; i++) {
		count[i] = 0;
		for (unsigned long n = 0; n < 3000; n++)
			count[i] += hold_blocks(&held, types[n % 3] | __GFP_NOWARN, 0, 1 + n % 64);
		for (unsigned k = 0; k < ARRAY_SIZE(types); k++)
			count[i] += hold_blocks(&held, types[k] | __GFP_NOWARN, 0, ~0UL);
		EXPECT_LE(nr_free_pages(), kept_pages());
		release_blocks(&held, 0);
	}
	for (unsigned i = 1; i < TIMES; i++)
		EXPECT_TRUE(as_many(count[i], count[0], 0));
}

KTEST(exhaust, large_blocks_then_the_last_pages_all_come_back)
{
	struct snapshot before;
	LIST_HEAD(large);

	NEEDS_WHOLE_MEMORY();
	snapshot_take(&before);
	hold_blocks(&large, GFP_KERNEL | __GFP_NOWARN, MAX_ORDER, ~0UL);
	EXPECT_GT(hold_blocks(&held, GFP_ATOMIC | __GFP_NOWARN, 0, ~0UL), 0);
	EXPECT_NULL(alloc_page(GFP_KERNEL | __GFP_NOWARN));
	release_blocks(&held, 0);
	release_blocks(&large, MAX_ORDER);
	expect_snapshot(t, &before);
}

/* A request for higher zones leaves a lower zone what that zone's own requests need. */
KTEST(exhaust, a_lower_zone_keeps_its_reserve_for_its_own)
{
	struct page *page;

	NEEDS_WHOLE_MEMORY();
	if (!small_zone() || !small_zone()->lowmem_reserve[ZONE_NORMAL])
		SKIP("no DMA zone with a reserve");
	hold_blocks(&held, GFP_KERNEL | __GFP_NOWARN | __GFP_NORETRY, 0, ~0UL);
	page = alloc_page(GFP_DMA | GFP_KERNEL | __GFP_NOWARN);
	if (EXPECT_NOT_NULL(page)) {
		EXPECT_EQ(page_zone(page)->type, ZONE_DMA);
		__free_page(page);
	}
	release_blocks(&held, 0);
}

/* kmalloc and vmalloc ask their node first, and go on to others when it is full. */
KTEST(exhaust, objects_and_areas_of_a_full_node_come_from_another)
{
	int full = numa_node_id(), other = -1;
	struct node *n;
	void *p;

	NEEDS_WHOLE_MEMORY();
	for_each_node (n)
		if (n->nid != full && node_has_low_memory(n->nid) && n->managed > 4096)
			other = n->nid;
	if (other < 0 || !node_has_low_memory(full))
		SKIP("needs two nodes with memory");
	hold_blocks(&held, GFP_KERNEL | __GFP_THISNODE | __GFP_NOWARN, 0, ~0UL);
	p = kmalloc_node(3000, GFP_KERNEL, full);
	EXPECT_NOT_NULL(p);
	kfree(p);
	p = vmalloc_node(MIB(1), full);
	if (EXPECT_NOT_NULL(p))
		EXPECT_NE(page_to_nid(vmalloc_to_page((char *)p + MIB(1) - 1)), full);
	vfree(p);
	release_blocks(&held, 0);
}

KTEST(exhaust, a_bulk_request_beyond_memory_leaves_nothing)
{
	enum { MOST = 4096 };
	void **objs;
	const unsigned size = MIB(1);
	unsigned long least = totalram_pages() / (size / PAGE_SIZE) + 1;
	struct kmem_cache *s;

	NEEDS_WHOLE_MEMORY();
	if (least > MOST)
		SKIP("more memory than so many objects");
	objs = vmalloc(MOST * sizeof(*objs));
	ASSERT_NOT_NULL(objs);
	s = kmem_cache_create("bulk", size, 0, 0, NULL);
	ASSERT_NOT_NULL(s);
	EXPECT_EQ(kmem_cache_alloc_bulk(s, GFP_KERNEL | __GFP_NOWARN, least, objs), 0);
	EXPECT_EQ(kmem_cache_alloc_bulk(s, GFP_KERNEL | __GFP_NOWARN, 4, objs), 4);
	kmem_cache_free_bulk(s, 4, objs);
	EXPECT_EQ(kmem_cache_destroy(s), 0);
	vfree(objs);
}
