/*
 * test_page_runs.c - requests for many pages: which lists they take from and free to; pieces of blocks.
 *
 * Idea.       alloc_pages_bulk() and free_pages_bulk() work on the zone under one lock and leave the CPU's lists alone:
 *             the zone's count of free pages moves by exactly what is asked for.
 * Layout.     test_page_alloc.c has what every allocation promises.
 * Invariants. None of its own.
 * Locking.    Interrupts are off and the other CPUs held while a count is compared.
 * Failure.    As every test's.
 * Next:       test_page_misuse.c.
 */
#include "zone_fixture.h"

#include <arch/irq.h>
#include <kernel/smp.h>
#include <kernel/string.h>
#include <mm/check.h>

enum { BULK_LEAST = 4 }; /* fewer pages come from the CPU's lists */

static struct page *pages[64];

/* Whether a bulk of nr pages moves the zones' count by nr, and its free moves it back. Context: the other CPUs are held. */
static bool bulk_is_exact(struct ktest *t, unsigned nr)
{
	unsigned long irq = arch_irq_save(), free = nr_free_pages(), allocated, freed, got;

	got = alloc_pages_bulk(NUMA_NO_NODE, GFP_KERNEL, nr, pages);
	allocated = free - nr_free_pages();
	free_pages_bulk(pages, got);
	freed = nr_free_pages();
	arch_irq_restore(irq);
	EXPECT_EQ(got, nr);
	return allocated == nr && freed == free;
}

enum { TRIES = 16 };

/*
 * The blocks at the head of the lists may yield all pages but the last one to three. These come from the CPU's list then, and
 * its refill takes more. So one exact try of several is enough: a path through the CPU's lists is never exact.
 */
KTEST(page_alloc, a_bulk_of_four_or_more_bypasses_the_cpus_lists)
{
	static const unsigned sizes[] = {BULK_LEAST, BULK_LEAST + 1, 16, 64};

	if (page_debug_enabled())
		SKIP("debugged pages are freed one by one");
	if (!node_has_low_memory((int)numa_node_id()))
		SKIP("the CPU's node has no memory: its pages come one by one");
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct page *held[TRIES];
		unsigned nr_held = 0;
		bool exact = false;

		while (nr_held < TRIES && !exact) {
			mm_settle();
			smp_hold(); /* an idle CPU that reaps would change the count */
			exact = bulk_is_exact(t, sizes[i]);
			smp_release();
			held[nr_held] = alloc_page(GFP_KERNEL); /* the next try finds other blocks */
			if (!EXPECT_NOT_NULL(held[nr_held]))
				break;
			nr_held++;
		}
		while (nr_held)
			__free_page(held[--nr_held]);
		EXPECT_MSG(exact, "a bulk of %u pages was never exact", sizes[i]);
	}
}

/* Position of the page in the list of its order and type, from 1 on, or 0. */
static unsigned position(const struct page *page, unsigned order)
{
	struct zone *zone = page_zone(page);
	unsigned long irq = spin_lock_irqsave(&zone->lock);
	unsigned at = 0, found = 0;
	struct page *p;

	list_for_each_entry (p, &zone->free_area[order].list[pageblock_type(page)], lru) {
		at++;
		if (p == page)
			found = at;
	}
	spin_unlock_irqrestore(&zone->lock, irq);
	return found;
}

/* Interleaving never takes a run from the local zone's blocks: a whole block is cut. */
KTEST(page_alloc, pages_cut_off_a_block_go_to_the_tail_of_their_list)
{
	struct page *first, *second = NULL;
	unsigned before, behind;

	mm_settle();
	first = alloc_pages_trimmed(NUMA_INTERLEAVE, GFP_KERNEL, 7);
	ASSERT_NOT_NULL(first);
	for (unsigned i = 0; i < nr_nodes; i++) { /* until it is the same zone's turn */
		second = alloc_pages_trimmed(NUMA_INTERLEAVE, GFP_KERNEL, 7);
		if (!second || page_zone(second) == page_zone(first))
			break;
		free_pages_trimmed(second, 7);
		second = NULL;
	}
	if (!EXPECT_NOT_NULL(second)) {
		free_pages_trimmed(first, 7);
		return;
	}
	before = position(first + 7, 0);
	behind = position(second + 7, 0);
	EXPECT_TRUE(before && behind > before);
	free_pages_trimmed(first, 7);
	free_pages_trimmed(second, 7);
}

/* ---- types of a zone before other zones ---- */

enum { MIXED_ORDER = PAGEBLOCK_ORDER - 1 };

/* Frees every second block: no two of them are buddies. */
static void free_every_second(struct list_head *held)
{
	LIST_HEAD(freed);
	struct page *page, *next;

	list_for_each_entry_safe (page, next, held, lru)
		if (!(page_to_pfn(page) & 1UL << MIXED_ORDER))
			list_move(&page->lru, &freed);
	release_blocks(&freed, MIXED_ORDER);
}

/* Only Normal has another rule: DMA32 comes before the mixing of types there. */
KTEST(page_alloc, a_zone_mixes_types_before_a_lower_zone_is_asked)
{
	LIST_HEAD(held);
	LIST_HEAD(single);
	struct page *page = alloc_page(GFP_KERNEL);
	struct zone *home;
	unsigned long elsewhere = 0;

	ASSERT_NOT_NULL(page);
	home = page_zone(page);
	__free_page(page);
	if (home->type != ZONE_DMA32 || home->managed > GIB(1) >> PAGE_SHIFT ||
	    home->managed < 16 * PAGEBLOCK_PAGES || nr_nodes > 1)
		SKIP("needs one node whose highest zone is DMA32 with 16 pageblocks to 1 GiB");
	mm_settle();
	hold_blocks(&held, GFP_NOWAIT | __GFP_MOVABLE | __GFP_NOWARN, MIXED_ORDER, ~0UL);
	free_every_second(&held);
	mm_settle();
	for (unsigned i = 0; i < 4 * PAGEBLOCK_PAGES && !elsewhere; i++) {
		page = alloc_page(GFP_KERNEL);
		if (!EXPECT_NOT_NULL(page))
			break;
		elsewhere += page_zone(page) != home;
		list_add(&page->lru, &single);
	}
	EXPECT_EQ(elsewhere, 0);
	release_blocks(&single, 0);
	release_blocks(&held, MIXED_ORDER);
}

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
	struct zone *dma32 = node_zone(0, ZONE_DMA32);
	unsigned long present = dma32->present;
	struct zone zone = {.nid = 0};

	for (unsigned with = 0; with < 2; with++) {
		dma32->present = with;
		for (zone.type = 0; zone.type < NR_ZONES; zone.type++)
			EXPECT_EQ(alloc_flags_nofragment(&zone),
				  zone.type == ZONE_NORMAL && with ? ALLOC_NOFRAGMENT : 0);
	}
	dma32->present = present;
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
	struct page *page[RESERVED] = {NULL};
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

KTEST_PANIC(page_alloc, a_bad_free_is_reported_with_a_dump_of_the_page, "refcount 0: already free")
{
	struct page *page = alloc_pages(GFP_KERNEL, PCP_MAX_ORDER + 1);

	__free_pages(page, PCP_MAX_ORDER + 1);
	__free_pages(page, PCP_MAX_ORDER + 1);
}

/* ---- pieces of blocks ---- */

KTEST(page_alloc, a_split_block_keeps_its_heads_references)
{
	struct page *page = alloc_pages(GFP_KERNEL, 2);

	ASSERT_NOT_NULL(page);
	get_page(page);
	get_page(page);
	split_page(page, 2);
	EXPECT_EQ(page->refcount, 3);
	for (unsigned i = 1; i < 4; i++) {
		EXPECT_EQ(page[i].refcount, 1);
		__free_page(page + i);
	}
	put_page(page);
	put_page(page);
	EXPECT_EQ(page_state(page), PAGE_ALLOCATED);
	__free_page(page);
}

KTEST(page_alloc, a_split_block_is_freed_page_by_page)
{
	struct snapshot before;

	snapshot_take(&before);
	for (unsigned order = 0; order <= 6; order++) {
		unsigned n = 1u << order;
		struct page *page = alloc_pages(GFP_KERNEL | __GFP_COMP, order);

		ASSERT_NOT_NULL(page);
		split_page(page, order);
		for (unsigned i = 0; i < n; i++) {
			EXPECT_EQ(page[i].refcount, 1);
			EXPECT_EQ(page_order(page + i), 0);
			EXPECT_EQ(page_head(page + i), page + i);
			EXPECT_EQ(page[i].flags & PG_FLAG_MASK, 0);
			pages[i] = page + i;
		}
		shuffle_pages(pages, n);
		while (n--)
			__free_page(pages[n]);
	}
	expect_snapshot(t, &before);
}

KTEST(page_alloc, exact_sizes_take_no_page_too_many)
{
	struct snapshot before;

	snapshot_take(&before);
	for (unsigned i = 0; i < 60; i++) {
		size_t size = 1 + (i < 20 ? i * PAGE_SIZE / 3 : test_rand_below(MIB(1)));
		unsigned long nr = DIV_ROUND_UP(size, PAGE_SIZE), allocated = 0, now = 0;
		struct zone *z;
		char *p;

		for_each_populated_zone (z)
			allocated += zone_allocated_pages(z);
		p = alloc_pages_exact(size, GFP_KERNEL | __GFP_ZERO);
		ASSERT_NOT_NULL(p);
		for_each_populated_zone (z)
			now += zone_allocated_pages(z);
		EXPECT_EQ(now - allocated, nr);
		EXPECT_TRUE(IS_ALIGNED((unsigned long)p, PAGE_SIZE << order_base_2(nr)));
		for (size_t at = 0; at < nr * PAGE_SIZE; at += 512)
			EXPECT_EQ(p[at], 0);
		for (unsigned long k = 0; k < nr; k++)
			EXPECT_TRUE(virt_to_page(p)[k].refcount == 1 && page_order(virt_to_page(p) + k) == 0);
		memset(p, 0xee, size);
		free_pages_exact(p, size);
	}
	expect_snapshot(t, &before);
}

KTEST(page_alloc, trimmed_blocks_keep_their_pieces_in_order)
{
	struct snapshot before;

	snapshot_take(&before);
	for (unsigned i = 0; i < 80; i++) {
		unsigned long nr = 1 + (i < 40 ? i : test_rand_below(600)), at = 0, allocated = 0, now = 0;
		struct page *page;
		struct zone *z;

		for_each_populated_zone (z)
			allocated += zone_allocated_pages(z);
		page = alloc_pages_trimmed(NUMA_NO_NODE, GFP_KERNEL | __GFP_NOWARN, nr);
		if (!page)
			continue;
		for_each_populated_zone (z)
			now += zone_allocated_pages(z);
		EXPECT_EQ(now - allocated, nr);
		while (at < nr) { /* one piece for each bit of nr, the largest first */
			EXPECT_EQ(page_state(page + at), PAGE_ALLOCATED);
			EXPECT_EQ(page_order(page + at), ilog2(nr - at));
			EXPECT_EQ(page[at].refcount, 1);
			at += 1UL << page_order(page + at);
		}
		free_pages_trimmed(page, nr);
	}
	EXPECT_NULL(alloc_pages_trimmed(NUMA_NO_NODE, GFP_KERNEL, 0));
	EXPECT_NULL(alloc_pages_exact(0, GFP_KERNEL));
	expect_snapshot(t, &before);
}
