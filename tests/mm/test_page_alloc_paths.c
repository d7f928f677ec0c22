/*
 * test_page_alloc_paths.c - which pages each path of the page allocator takes, and on which lists it puts them.
 *
 * Idea.       Several paths answer the same request with the same number of pages: the fast path and the slow one, a bulk and
 *             single calls. A wrong path still returns pages, so these cases look at counts and lists of a zone.
 * Invariants. A3 of mm/page_alloc.c.
 * Locking.    None: main loop.
 * Failure.    As every test's.
 * Next:       test_reclaim.c.
 */
#include "zone_fixture.h"

#include <mm/check.h>

enum { BULK = 64 };

/* The zone that GFP_KERNEL starts in on this CPU's node, or NULL. */
static struct zone *kernel_zone(void)
{
	for (enum zone_type type = ZONE_NORMAL + 1; type-- > 0;) {
		struct zone *z = node_zone(numa_node_id(), type);

		if (z->managed)
			return z;
	}
	return NULL;
}

KTEST(page_alloc, only_normal_beside_dma32_spills_before_it_mixes_types)
{
	struct zone *z;

	for_each_populated_zone (z)
		EXPECT_EQ(alloc_flags_nofragment(z) == ALLOC_NOFRAGMENT,
			  z->type == ZONE_NORMAL && node_zone(z->nid, ZONE_DMA32)->present != 0);
	for_each_populated_zone (z)
		EXPECT_EQ(alloc_flags_nofragment(z) & ~(unsigned)ALLOC_NOFRAGMENT, 0);
}

/* No path gives pages of the highatomic reserve to a request without a right to it. */
KTEST(page_alloc, pages_counted_as_highatomic_are_not_allocated)
{
	unsigned long saved[SNAPSHOT_ZONES];
	struct page *page;
	struct zone *z;
	unsigned n = 0;

	mm_settle();
	for_each_populated_zone (z) {
		saved[n++] = z->highatomic_pages;
		z->highatomic_pages = z->free_pages;
	}
	page = alloc_pages(__GFP_KSWAPD_RECLAIM | __GFP_NOWARN | __GFP_NOMEMALLOC, PCP_MAX_ORDER + 1);
	n = 0;
	for_each_populated_zone (z)
		z->highatomic_pages = saved[n++];
	EXPECT_NULL(page);
	if (page)
		__free_pages(page, PCP_MAX_ORDER + 1);
}

enum { RESERVED = 3 };

/* Makes the pageblocks of the pages the zone's reserve, as far as its bound permits, and frees them into it. */
static void reserve_and_free(struct zone *z, struct page *const page[RESERVED])
{
	unsigned long irq = spin_lock_irqsave(&z->lock);

	for (unsigned i = 0; i < RESERVED; i++)
		buddy_reserve_highatomic(z, page[i]);
	spin_unlock_irqrestore(&z->lock, irq);
	for (unsigned i = 0; i < RESERVED; i++)
		__free_pages(page[i], PAGEBLOCK_ORDER);
}

KTEST(page_alloc, progress_of_reclaim_unreserves_one_pageblock_a_zone)
{
	const gfp_t gfp = GFP_KERNEL | __GFP_THISNODE | __GFP_NOWARN;
	struct zone *z = kernel_zone();
	struct page *page[RESERVED];
	unsigned n = 0;

	if (!z || z->managed / 100 < (RESERVED - 1) * PAGEBLOCK_PAGES)
		SKIP("a hundredth of the zone, the bound of a reserve, is less than three pageblocks");
	mm_settle();
	while (n < RESERVED && (page[n] = alloc_pages_node(z->nid, gfp, PAGEBLOCK_ORDER)) != NULL &&
	       page_zone(page[n]) == z && page_order(page[n]) == PAGEBLOCK_ORDER)
		n++;
	ASSERT_EQ(n, RESERVED);
	reserve_and_free(z, page);
	EXPECT_EQ(z->highatomic_pages, RESERVED * PAGEBLOCK_PAGES);
	EXPECT_TRUE(unreserve_highatomic_zones(MT_UNMOVABLE, true));
	EXPECT_EQ(z->highatomic_pages, 2 * PAGEBLOCK_PAGES);
	EXPECT_TRUE(unreserve_highatomic_zones(MT_UNMOVABLE, true));
	EXPECT_EQ(z->highatomic_pages, PAGEBLOCK_PAGES);
	EXPECT_FALSE(unreserve_highatomic_zones(MT_UNMOVABLE, true)); /* the last one stays */
	EXPECT_TRUE(unreserve_highatomic_zones(MT_UNMOVABLE, false));
	EXPECT_EQ(z->highatomic_pages, 0);
}

/* A bulk of single pages goes to the buddy under one lock; per-CPU lists stay as they are. */
KTEST(page_alloc, bulk_frees_pass_the_per_cpu_lists_by)
{
	struct page *page[BULK];
	unsigned long got, on_lists, on_lists_after, in_zone = 0;
	struct zone *z;

	mm_settle();
	got = alloc_pages_bulk(NUMA_NO_NODE, GFP_KERNEL, BULK, page);
	ASSERT_EQ(got, BULK);
	z = page_zone(page[0]);
	for (unsigned i = 0; i < BULK; i++)
		in_zone += page_zone(page[i]) == z;
	on_lists = pcp_count(z, arch_cpu_id());
	free_pages_bulk(page, BULK);
	on_lists_after = pcp_count(z, arch_cpu_id());
	if (in_zone == BULK && !page_debug_enabled())
		EXPECT_EQ(on_lists_after, on_lists);
}

KTEST_PANIC(page_alloc, a_bad_free_is_reported_with_a_dump_of_the_page, "refcount 0: already free")
{
	struct page *page = alloc_pages(GFP_KERNEL, PCP_MAX_ORDER + 1);

	__free_pages(page, PCP_MAX_ORDER + 1);
	__free_pages(page, PCP_MAX_ORDER + 1);
}
