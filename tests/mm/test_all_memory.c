/*
 * test_all_memory.c - every frame that is handed out is usable memory, and handed out once.
 *
 * Idea.       Takes all that each zone has, in the largest blocks first, and holds every block against the sanitised map
 *             and the reservations, which know nothing of zones, sections and lists. Then all goes back, and everything
 *             is as before.
 * Layout.     held[order]: the blocks, linked by page->lru; s_mem of every frame of a block marks it
 * Invariants. No frame is in two blocks; every block lies in one usable range, in its zone, outside of reservations.
 * Locking.    None. Other CPUs may hold what they hold.
 * Failure.    As every test's.
 * Next:       -
 */
#include "zone_fixture.h"

#include <kernel/string.h>
#include <mm/check.h>
#include <mm/memmap.h>

/*
 * Opening a section takes 2 MiB for its part of the page array, so a machine of more than 8 GiB is not taken as a whole:
 * the zones share what this many sections hold, each at least one section. With free pages being written to, less.
 */
enum { SECTIONS_MOST = 64, PAGES_MOST_WRITTEN = 16384 };

static struct list_head held[NR_ORDERS];
static char mark;

/* What the zone may give, when `taken` pages have been taken of those before it. */
static unsigned long zone_share(const struct zone *zone, unsigned long taken)
{
	unsigned long kept = 0; /* for the zones behind it */
	const struct zone *z;

	if (opt_page_poison || opt_init_on_alloc || opt_init_on_free)
		return PAGES_MOST_WRITTEN;
	for_each_populated_zone (z)
		kept += z > zone ? SECTION_PAGES : 0;
	kept += taken;
	return max(SECTIONS_MOST * SECTION_PAGES - min(kept, SECTIONS_MOST * SECTION_PAGES), SECTION_PAGES);
}

/* All frames of [pfn, end) are in one usable entry of the map. */
static bool usable(pfn_t pfn, pfn_t end)
{
	for (unsigned i = 0; i < memmap_nr; i++)
		if (memmap[i].type == MEM_USABLE && PAGE_ALIGN_UP(memmap[i].start) <= pfn << PAGE_SHIFT &&
		    end << PAGE_SHIFT <= memmap[i].end)
			return true;
	return false;
}

static bool reserved(pfn_t pfn, pfn_t end)
{
	for (unsigned i = 0; i < memblock.reserved.cnt; i++)
		if (memblock.reserved.region[i].start < end << PAGE_SHIFT &&
		    memblock.reserved.region[i].end > pfn << PAGE_SHIFT)
			return true;
	return false;
}

static void expect_good_block(struct ktest *t, struct page *page, unsigned order, int nid,
			      enum zone_type kind)
{
	pfn_t pfn = page_to_pfn(page), end = pfn + (1UL << order);
	const struct zone *zone = page_zone(page);
	unsigned long twice = 0;

	EXPECT_MSG(usable(pfn, end), "pfn 0x%lx order %u is not usable memory", pfn, order);
	EXPECT_MSG(!reserved(pfn, end), "pfn 0x%lx order %u is reserved", pfn, order);
	EXPECT_MSG(zone->nid == nid && zone->type <= kind, "pfn 0x%lx is of node %d zone %s", pfn, zone->nid,
		   zone->name);
	EXPECT_MSG(zone == zone_of_pfn(pfn) && zone == zone_of_pfn(end - 1),
		   "pfn 0x%lx order %u leaves zone %s", pfn, order, zone->name);
	for (unsigned long i = 0; i < 1UL << order; i++) {
		twice += page[i].s_mem == &mark;
		page[i].s_mem = &mark;
	}
	EXPECT_MSG(!twice, "pfn 0x%lx order %u: %lu frames were handed out twice", pfn, order, twice);
}

/* What the zone has, up to the share; all of it or not. */
static unsigned long take_zone(struct ktest *t, struct zone *zone, gfp_t gfp, unsigned long taken)
{
	const unsigned long free = zone->free_pages, share = zone_share(zone, taken);
	unsigned long got = 0;

	for (unsigned order = NR_ORDERS; order-- > 0;) {
		struct page *page;

		while (got < share && (page = alloc_pages_node(zone->nid, gfp, order)) != NULL) {
			list_add_tail(&page->lru, &held[order]);
			expect_good_block(t, page, order, zone->nid, zone->type);
			got += 1UL << order;
			if (t->failures > 20)
				return got;
		}
	}
	if (got < share) {
		EXPECT_EQ(zone->free_pages, 0);
		EXPECT_GE(got, free);
	}
	return got;
}

static void give_back(void)
{
	for (unsigned order = 0; order < NR_ORDERS; order++)
		while (!list_empty(&held[order])) {
			struct page *page = list_first_entry(&held[order], struct page, lru);

			list_del(&page->lru);
			for (unsigned long i = 0; i < 1UL << order; i++)
				page[i].s_mem = NULL;
			__free_pages(page, order);
		}
}

KTEST(all_memory, is_usable_handed_out_once_and_comes_back)
{
	static const gfp_t kinds[NR_ZONES] = {
		[ZONE_DMA] = __GFP_DMA | __GFP_MOVABLE,
		[ZONE_DMA32] = __GFP_DMA32 | __GFP_MOVABLE,
		[ZONE_NORMAL] = __GFP_MOVABLE,
		[ZONE_HIGHMEM] = __GFP_HIGHMEM,
		[ZONE_MOVABLE] = __GFP_HIGHMEM | __GFP_MOVABLE,
	};
	static struct snapshot before;
	unsigned long taken = 0;
	struct zone *zone;

	if (fault_armed(&fail_page_alloc))
		SKIP("allocations are made to fail");
	snapshot_take(&before);
	for (unsigned order = 0; order < NR_ORDERS; order++)
		list_init(&held[order]);
	/* In ascending order, so that a request that may fall back to a lower zone finds that one empty. */
	for_each_populated_zone (zone)
		taken += take_zone(t, zone,
				   kinds[zone->type] | __GFP_THISNODE | __GFP_MEMALLOC | __GFP_NOWARN, taken);
	give_back();
	expect_snapshot(t, &before);
}
