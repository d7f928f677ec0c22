/*
 * test_page_alloc.c - where each flag permits a block to lie, where requests stop, and that all memory comes back.
 *
 * Idea.       Exhaustion is tried on the DMA zone alone, which is small on every machine: there the levels at which each
 *             kind of request stops can be foretold to the page. Everything ends with every zone as it was.
 * Layout.     held: blocks linked by page->lru; pages[]: those that come back in random order
 * Invariants. A1 to A3 of mm/page_alloc.c.
 * Locking.    None: main loop.
 * Failure.    As every test's; without a DMA zone of 4 MiB the exhaustion cases are skipped.
 * Next:       test_page_runs.c, test_page_misuse.c.
 */
#include "expect_broken.h"
#include "zone_fixture.h"

#include <arch/irq.h>
#include <arch/time.h>
#include <kernel/smp.h>
#include <kernel/string.h>
#include <kernel/work.h>
#include <mm/check.h>
#include <mm/slab.h>

enum { MOST = SMALL_ZONE_MOST };
static struct page *pages[MOST];
static u8 order_of[MOST];

static void shuffle(unsigned n)
{
	for (; n > 1; n--) {
		unsigned k = test_rand_below(n);
		struct page *p = pages[k];
		u8 order = order_of[k];

		pages[k] = pages[n - 1];
		order_of[k] = order_of[n - 1];
		pages[n - 1] = p;
		order_of[n - 1] = order;
	}
}

static unsigned random_order(void)
{
	return test_rand_below(3) ? test_rand_below(4) : test_rand_below(8);
}

/* ---- placement ---- */

KTEST(page_alloc, the_zone_bits_choose_the_highest_zone)
{
	static const struct {
		gfp_t gfp;
		enum zone_type zone;
	} table[] = {
		{0, ZONE_NORMAL},
		{__GFP_DMA, ZONE_DMA},
		{__GFP_DMA32, ZONE_DMA32},
		{__GFP_HIGHMEM, ZONE_HIGHMEM},
		{__GFP_MOVABLE, ZONE_NORMAL},
		{__GFP_MOVABLE | __GFP_HIGHMEM, ZONE_MOVABLE},
		{__GFP_MOVABLE | __GFP_DMA, ZONE_DMA},
		{__GFP_MOVABLE | __GFP_DMA32, ZONE_DMA32},
		{__GFP_RECLAIMABLE | __GFP_DMA32, ZONE_DMA32},
		{GFP_KERNEL, ZONE_NORMAL},
		{GFP_ATOMIC, ZONE_NORMAL},
		{GFP_HIGHUSER, ZONE_HIGHMEM},
		{GFP_HIGHUSER_MOVABLE, ZONE_MOVABLE},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(table); i++)
		EXPECT_EQ(gfp_zone(table[i].gfp), table[i].zone);
	EXPECT_EQ(gfp_migratetype(GFP_KERNEL), MT_UNMOVABLE);
	EXPECT_EQ(gfp_migratetype(GFP_HIGHUSER_MOVABLE), MT_MOVABLE);
	EXPECT_EQ(gfp_migratetype(__GFP_RECLAIMABLE), MT_RECLAIMABLE);
}

/* Shows page_alloc.A3. */
KTEST(page_alloc, every_block_lies_within_what_its_flags_permit)
{
	const paddr_t dma_end = zone_border(0, ZONE_DMA32) << PAGE_SHIFT,
		      dma32_end = zone_border(0, ZONE_NORMAL) << PAGE_SHIFT;
	const struct {
		gfp_t gfp;
		paddr_t end;
	} limits[] = {{GFP_KERNEL | __GFP_DMA, dma_end},
		      {GFP_KERNEL | __GFP_DMA32, dma32_end},
		      {GFP_KERNEL, ~0UL},
		      {GFP_ATOMIC | __GFP_DMA, dma_end},
		      {GFP_HIGHUSER_MOVABLE, ~0UL}};

	for (unsigned i = 0; i < ARRAY_SIZE(limits); i++) {
		for (unsigned order = 0; order < NR_ORDERS; order++) {
			struct page *page = alloc_pages(limits[i].gfp | __GFP_NOWARN, order);

			if (!page)
				continue;
			EXPECT_LE(page_to_phys(page) + (PAGE_SIZE << order), limits[i].end);
			EXPECT_LE(page_zone(page)->type, gfp_zone(limits[i].gfp));
			if (!(limits[i].gfp & __GFP_HIGHMEM))
				EXPECT_NOT_NULL(page_address(page));
			__free_pages(page, order);
		}
	}
}

/* Shows page_alloc.A1. */
KTEST(page_alloc, a_block_is_aligned_and_says_what_it_is)
{
	static const gfp_t gfps[] = {GFP_KERNEL,
				     GFP_ATOMIC,
				     GFP_NOWAIT,
				     GFP_KERNEL | __GFP_MOVABLE,
				     GFP_KERNEL | __GFP_RECLAIMABLE,
				     GFP_KERNEL | __GFP_THISNODE};

	for (unsigned i = 0; i < ARRAY_SIZE(gfps); i++) {
		for (unsigned order = 0; order < NR_ORDERS; order++) {
			struct page *page = alloc_pages(gfps[i] | __GFP_NOWARN, order);

			if (!page)
				continue;
			EXPECT_TRUE(IS_ALIGNED(page_to_pfn(page), 1UL << order));
			EXPECT_EQ(page_state(page), PAGE_ALLOCATED);
			EXPECT_EQ(page_order(page), order);
			EXPECT_EQ(page->refcount, 1);
			EXPECT_EQ(page->flags & PG_FLAG_MASK, 0);
			EXPECT_EQ(page_zone(page), zone_of_pfn(page_to_pfn(page)));
			EXPECT_EQ(page_head(page + (1UL << order) - 1), page);
			__free_pages(page, order);
		}
	}
}

KTEST(page_alloc, orders_beyond_the_largest_are_refused)
{
	EXPECT_NULL(alloc_pages(GFP_KERNEL | __GFP_NOWARN, MAX_ORDER + 1));
	EXPECT_NULL(alloc_pages(GFP_ATOMIC | __GFP_NOWARN, 31));
	EXPECT_NULL(alloc_pages(GFP_KERNEL | __GFP_NOWARN, ~0u));
	EXPECT_NULL(alloc_pages_exact((PAGE_SIZE << MAX_ORDER) + 1, GFP_KERNEL));
	EXPECT_NULL(alloc_pages_trimmed(NUMA_NO_NODE, GFP_KERNEL, (1UL << MAX_ORDER) + 1));
}

KTEST(page_alloc, thisnode_stays_on_its_node)
{
	for (unsigned nid = 0; nid < nr_nodes; nid++) {
		struct page *page = alloc_pages_node((int)nid, GFP_KERNEL | __GFP_THISNODE | __GFP_NOWARN, 1);

		EXPECT_EQ(page != NULL, node_has_low_memory((int)nid));
		if (!page)
			continue;
		EXPECT_EQ(page_to_nid(page), (int)nid);
		__free_pages(page, 1);
	}
}

KTEST(page_alloc, a_trimmed_block_comes_from_the_node_asked_for)
{
	for (unsigned nid = 0; nid < nr_nodes; nid++) {
		unsigned long nr = 5;
		struct page *page =
			alloc_pages_trimmed((int)nid, GFP_KERNEL | __GFP_THISNODE | __GFP_NOWARN, nr);

		EXPECT_EQ(page != NULL, node_has_low_memory((int)nid));
		if (!page)
			continue;
		EXPECT_EQ(page_to_nid(page), (int)nid);
		free_pages_trimmed(page, nr);
	}
}

/* ---- contents ---- */

KTEST(page_alloc, zeroed_blocks_are_zero_in_every_byte)
{
	for (unsigned order = 0; order < NR_ORDERS; order++) {
		for (unsigned times = 0; times < 2; times++) {
			struct page *page = alloc_pages(GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN, order);
			unsigned long *word, set = 0;

			if (!page)
				break;
			word = page_address(page);
			for (size_t i = 0; i < (PAGE_SIZE << order) / sizeof(*word); i++)
				set |= word[i];
			EXPECT_EQ(set, 0);
			memset(word, 0x5a, PAGE_SIZE << order); /* what the next one is likely to find */
			__free_pages(page, order);
		}
	}
}

KTEST(page_alloc, live_blocks_keep_what_was_written_to_them)
{
	struct snapshot before;
	unsigned live = 0;

	snapshot_take(&before);
	for (unsigned step = 0; step < 3000; step++) {
		if (live < 400 && test_rand_below(100) < 55) {
			unsigned order = random_order();
			struct page *page = alloc_pages(GFP_KERNEL | __GFP_NOWARN, order);

			if (!page)
				continue;
			for (unsigned i = 0; i < 1u << order; i++) {
				unsigned long *word = page_address(page + i);

				word[0] = word[PAGE_SIZE / 8 - 1] = page_to_pfn(page) << 8 | order;
			}
			pages[live] = page;
			order_of[live++] = (u8)order;
		} else if (live) {
			unsigned k = test_rand_below(live);

			for (unsigned i = 0; i < 1u << order_of[k]; i++) {
				const unsigned long *word = page_address(pages[k] + i),
						    tag = page_to_pfn(pages[k]) << 8 | order_of[k];

				EXPECT_TRUE(word[0] == tag && word[PAGE_SIZE / 8 - 1] == tag);
			}
			__free_pages(pages[k], order_of[k]);
			pages[k] = pages[--live];
			order_of[k] = order_of[live];
		}
		if (step % 500 == 0)
			quiet_point();
	}
	while (live) {
		live--;
		__free_pages(pages[live], order_of[live]);
	}
	expect_snapshot(t, &before);
}

KTEST(page_alloc, a_compound_block_is_marked_until_it_is_freed)
{
	for (unsigned order = 0; order < 6; order++) {
		struct page *page = alloc_pages(GFP_KERNEL | __GFP_COMP, order);

		ASSERT_NOT_NULL(page);
		EXPECT_EQ(page->flags & PG_FLAG_MASK, PG_comp);
		EXPECT_EQ(page_head(page + (1UL << order) - 1), page);
		__free_pages(page, order);
		EXPECT_EQ(page->flags & PG_FLAG_MASK, 0);
	}
}

/* ---- running out of the small zone ---- */

static LIST_HEAD(held);

#define NEEDS_SMALL_ZONE(z)                                                    \
	struct zone *z = small_zone();                                         \
	do {                                                                   \
		if (!z)                                                        \
			SKIP("no DMA zone of 1024 to 4096 pages (zone_dma=)"); \
		mm_settle();                                                   \
	} while (0)

/* Until not even a zone without a boost lets one more through. */
static unsigned long exhaust(struct list_head *list, gfp_t gfp, unsigned order)
{
	unsigned long n, sum = 0;

	while ((n = hold_blocks(list, gfp | SMALL_GFP, order, ~0UL)) != 0) {
		sum += n;
		quiet_drain();
	}
	return sum;
}

static void expect_level(struct ktest *t, gfp_t gfp, unsigned long level)
{
	struct zone *small = small_zone();
	struct snapshot before;
	struct page *page;

	snapshot_take(&before);
	EXPECT_GT(exhaust(&held, gfp, 0), 0);
	EXPECT_EQ(small->free_pages + pcp_count(small, arch_cpu_id()), level);
	/* One page comes back: the same request succeeds, once. */
	page = list_last_entry(&held, struct page, lru);
	list_del(&page->lru);
	__free_page(page);
	page = alloc_page(gfp | SMALL_GFP);
	EXPECT_NOT_NULL(page);
	EXPECT_NULL(alloc_page(gfp | SMALL_GFP));
	if (page)
		list_add(&page->lru, &held);
	release_blocks(&held, 0);
	expect_snapshot(t, &before);
}

KTEST(page_alloc, ordinary_requests_leave_the_min_mark)
{
	NEEDS_SMALL_ZONE(small);
	expect_level(t, GFP_NOWAIT, small->wmark[WMARK_MIN]);
	expect_level(t, GFP_KERNEL, small->wmark[WMARK_MIN]);
	expect_level(t, GFP_KERNEL | __GFP_NORETRY, small->wmark[WMARK_MIN]);
	expect_level(t, GFP_KERNEL | __GFP_MOVABLE, small->wmark[WMARK_MIN]);
}

KTEST(page_alloc, atomic_requests_leave_three_eighths_of_it)
{
	unsigned long half, least;
	NEEDS_SMALL_ZONE(small);

	least = small->wmark[WMARK_MIN];
	half = least - least / 2;
	expect_level(t, GFP_ATOMIC, half - half / 4);
	expect_level(t, GFP_KERNEL | __GFP_HIGH, half);
	expect_level(t, GFP_ATOMIC | __GFP_NOMEMALLOC, half);
}

KTEST(page_alloc, one_page_for_an_atomic_request_takes_no_notice_of_a_boost)
{
	struct page *page;
	NEEDS_SMALL_ZONE(small);

	small->boost = 4 * small->free_pages; /* no reserve is deep enough for that */
	EXPECT_NULL(alloc_page(SMALL_GFP | GFP_NOWAIT));
	EXPECT_NULL(alloc_pages(SMALL_GFP | GFP_ATOMIC, 1)); /* two pages do */
	page = alloc_page(SMALL_GFP | GFP_ATOMIC);
	small->boost = 0;
	if (EXPECT_NOT_NULL(page))
		__free_page(page);
	EXPECT_NOT_NULL(page = alloc_page(SMALL_GFP | GFP_NOWAIT));
	__free_page(page);
	quiet_drain();
}

/* What a block takes counts before it is taken: a large one that would go below the low mark wakes the main loop. */
KTEST(page_alloc, a_block_that_reaches_below_the_low_mark_wakes_the_main_loop)
{
	struct page *page;
	NEEDS_SMALL_ZONE(small);

	EXPECT_FALSE(small->wake);
	small->boost = small->free_pages - small->wmark[WMARK_LOW] - small->highatomic_pages -
		       small->lowmem_reserve[ZONE_DMA] - 12;
	page = alloc_pages(SMALL_GFP | GFP_NOWAIT, 3);
	EXPECT_FALSE(small->wake); /* 12 pages above it, 8 are taken */
	if (page)
		__free_pages(page, 3);
	mm_settle();
	small->boost = small->free_pages - small->wmark[WMARK_LOW] - small->highatomic_pages -
		       small->lowmem_reserve[ZONE_DMA] - 4;
	page = alloc_pages(SMALL_GFP | GFP_NOWAIT, 3);
	EXPECT_TRUE(small->wake);
	if (page)
		__free_pages(page, 3);
	small->boost = 0;
	quiet_drain();
}

KTEST(page_alloc, what_the_reserves_answer_is_no_failure)
{
	struct page *page;
	NEEDS_SMALL_ZONE(small);
	u64 pos;

	if (small->wmark[WMARK_MIN] < 8)
		SKIP("the small zone's share of the reserves is a few pages");
	exhaust(&held, GFP_NOWAIT, 0);
	pos = log_position();
	failure_report_due_ns = 0;
	page = alloc_page(GFP_ATOMIC | __GFP_DMA | __GFP_THISNODE); /* with a report, if it failed */
	EXPECT_EQ(log_lines_with(pos, "page allocation failure"), 0);
	if (EXPECT_NOT_NULL(page))
		__free_page(page);
	EXPECT_GT(small->free_pages, 0);
	release_blocks(&held, 0);
}

KTEST(page_alloc, a_failure_is_reported_in_kilobytes)
{
	const struct zone *dma = node_zone(numa_node_id(), ZONE_DMA); /* THISNODE asks there */
	const gfp_t gfp = GFP_NOWAIT | __GFP_DMA | __GFP_THISNODE;
	char words[64];
	u64 pos;

	if (!dma->present || dma->present > MIB(64) >> PAGE_SHIFT)
		SKIP("no small DMA zone");
	hold_blocks(&held, gfp | __GFP_NOWARN, 3, dma->present);
	pos = log_position();
	failure_report_due_ns = 0; /* another case's failure may have been the last one of this second */
	EXPECT_NULL(alloc_pages(gfp & ~__GFP_NOWARN, 3));
	EXPECT_EQ(log_lines_with(pos, "page allocation failure: order:3"), 1);
	snprintf(words, sizeof(words), "present:%lukB managed:%lukB", dma->present * (PAGE_SIZE / 1024),
		 dma->managed * (PAGE_SIZE / 1024));
	EXPECT_EQ(log_lines_with(pos, words), 1);
	failure_report_due_ns = ~0UL;
	EXPECT_NULL(alloc_pages(gfp & ~__GFP_NOWARN, 3));
	EXPECT_EQ(log_lines_with(pos, "page allocation failure: order:3"), 1);
	failure_report_due_ns = 0;
	release_blocks(&held, 3);
}

/* Both rules subtract the atomic reserve: the short one of the local zone, and that of the zonelist. */
KTEST(page_alloc, an_ordinary_request_leaves_the_atomic_reserve_alone)
{
	unsigned long saved[SNAPSHOT_ZONES];
	struct zone *z;
	struct page *page;

	mm_settle();
	for_each_populated_zone (z) {
		saved[z->id] = z->highatomic_pages;
		z->highatomic_pages = z->free_pages;
	}
	for (unsigned order = 0; order <= PCP_MAX_ORDER + 1; order++) {
		page = alloc_pages(GFP_NOWAIT | __GFP_NOMEMALLOC | __GFP_NOWARN, order);
		EXPECT_NULL(page);
		if (page)
			__free_pages(page, order);
	}
	for_each_populated_zone (z)
		z->highatomic_pages = saved[z->id];
}

/* Free pages are above the low mark, yet not by the reserve. */
KTEST(page_alloc, the_atomic_reserve_is_no_free_memory_beyond_the_low_mark)
{
	unsigned long reserve[SNAPSHOT_ZONES], marks[SNAPSHOT_ZONES][NR_WMARKS];
	struct zone *z;
	struct page *page;

	mm_settle();
	for_each_populated_zone (z) {
		reserve[z->id] = z->highatomic_pages;
		memcpy(marks[z->id], z->wmark, sizeof(z->wmark));
		z->highatomic_pages = z->free_pages / 3;
		for (unsigned i = 0; i < NR_WMARKS; i++)
			z->wmark[i] = z->free_pages - z->free_pages / 3;
	}
	for (unsigned order = 0; order <= PCP_MAX_ORDER + 1; order++) {
		page = alloc_pages(GFP_NOWAIT | __GFP_NOMEMALLOC | __GFP_NOWARN, order);
		EXPECT_NULL(page);
		if (page)
			__free_pages(page, order);
	}
	for_each_populated_zone (z) {
		z->highatomic_pages = reserve[z->id];
		memcpy(z->wmark, marks[z->id], sizeof(z->wmark));
	}
}

KTEST(page_alloc, reclaimers_may_take_the_last_page)
{
	NEEDS_SMALL_ZONE(small);
	expect_level(t, GFP_KERNEL | __GFP_MEMALLOC, 0);
	expect_level(t, GFP_KERNEL | __GFP_MEMALLOC | __GFP_NOMEMALLOC, small->wmark[WMARK_MIN]);
}

KTEST(page_alloc, an_exhausted_zone_falls_back_only_if_permitted)
{
	struct page *page;
	NEEDS_SMALL_ZONE(small);

	if (!node_zone(small->nid, ZONE_DMA32)->managed && !node_zone(small->nid, ZONE_NORMAL)->managed)
		SKIP("no other zone");
	exhaust(&held, GFP_KERNEL | __GFP_MEMALLOC, 0);
	EXPECT_EQ(small->free_pages, 0);
	EXPECT_NULL(alloc_page(GFP_KERNEL | __GFP_DMA | __GFP_NOWARN));
	page = alloc_page(GFP_KERNEL); /* others do not need it */
	if (EXPECT_NOT_NULL(page)) {
		EXPECT_NE(page_zone(page), small);
		__free_page(page);
	}
	release_blocks(&held, 0);
}

/* The strongest single test: whatever the order of the frees, everything merges again. */
KTEST(page_alloc, all_single_pages_in_random_order_merge_into_the_same_blocks)
{
	struct snapshot before;
	unsigned n = 0;
	NEEDS_SMALL_ZONE(small);

	snapshot_take(&before);
	while (n < MOST && (pages[n] = alloc_page(SMALL_GFP | GFP_KERNEL | __GFP_MEMALLOC)) != NULL)
		n++;
	EXPECT_EQ(small->free_pages, 0);
	shuffle(n);
	for (unsigned i = 0; i < n; i++)
		__free_page(pages[i]);
	expect_snapshot(t, &before);
}

KTEST(page_alloc, all_random_blocks_merge_into_the_same_blocks)
{
	static const gfp_t types[] = {0, __GFP_MOVABLE, __GFP_RECLAIMABLE};
	struct snapshot before;
	unsigned n = 0;
	NEEDS_SMALL_ZONE(small);

	snapshot_take(&before);
	while (n < MOST) {
		unsigned order = random_order();

		do {
			order_of[n] = (u8)order;
			pages[n] = alloc_pages(
				SMALL_GFP | GFP_KERNEL | __GFP_MEMALLOC | types[test_rand_below(3)], order);
		} while (!pages[n] && order--);
		if (!pages[n])
			break;
		n++;
	}
	EXPECT_EQ(small->free_pages, 0);
	shuffle(n);
	while (n) {
		n--;
		__free_pages(pages[n], order_of[n]);
	}
	expect_snapshot(t, &before);
}

KTEST(page_alloc, every_second_page_free_has_no_pair)
{
	unsigned long free = 0;
	struct snapshot before;
	unsigned n = 0;
	NEEDS_SMALL_ZONE(small);

	snapshot_take(&before);
	while (n < MOST && (pages[n] = alloc_page(SMALL_GFP | GFP_KERNEL | __GFP_MEMALLOC)) != NULL)
		n++;
	for (unsigned i = 0; i < n; i++) {
		if (page_to_pfn(pages[i]) % 2)
			continue;
		__free_page(pages[i]);
		free++;
	}
	drain_all_pages();
	EXPECT_EQ(small->free_pages, free);
	EXPECT_EQ(small->free_area[0].nr_free, free);
	EXPECT_NULL(alloc_pages(SMALL_GFP | GFP_KERNEL | __GFP_MEMALLOC, 1));
	for (unsigned i = 0; i < n; i++)
		if (page_to_pfn(pages[i]) % 2)
			__free_page(pages[i]);
	expect_snapshot(t, &before);
}

/* Pages that wait on a per-CPU list are found before a request that may wait gives up. */
KTEST(page_alloc, a_request_that_may_wait_drains_the_lists_first)
{
	unsigned long on_list;
	struct page *page;
	NEEDS_SMALL_ZONE(small);

	if (page_debug_enabled())
		SKIP("page debugging keeps the per-CPU lists off");
	exhaust(&held, GFP_KERNEL, 0);
	/* Two buddies wait on the list, and are not free as a pair until it is drained. */
	list_for_each_entry (page, &held, lru) {
		struct page *next = list_entry(page->lru.next, struct page, lru);

		if (&next->lru != &held && page_to_pfn(page) % 2 == 0 && next == page + 1) {
			list_del(&page->lru);
			list_del(&next->lru);
			__free_page(page);
			__free_page(next);
			break;
		}
	}
	on_list = pcp_count(small, arch_cpu_id());
	if (on_list == 2) {
		EXPECT_NULL(alloc_pages(SMALL_GFP | GFP_NOWAIT, 1));
		page = alloc_pages(SMALL_GFP | GFP_KERNEL, 1);
		if (EXPECT_NOT_NULL(page))
			__free_pages(page, 1);
	}
	release_blocks(&held, 0);
	EXPECT_EQ(on_list, 2);
}

/* A block of at least this order: it may have merged. */
static bool has_free_highatomic(const struct zone *z, unsigned order)
{
	for (; order < NR_ORDERS; order++)
		if (!list_empty(&z->free_area[order].list[MT_HIGHATOMIC]))
			return true;
	return false;
}

/* High-order atomic requests get a pageblock set aside, which others reach last and reclaim gives back. */
KTEST(page_alloc, a_high_order_atomic_request_reserves_its_pageblock)
{
	struct page *atomic, *page;
	struct snapshot before;
	bool freed = false;
	LIST_HEAD(pairs);
	LIST_HEAD(rest);
	NEEDS_SMALL_ZONE(small);

	snapshot_take(&before);
	exhaust(&held, GFP_NOWAIT, 3);
	exhaust(&pairs, GFP_NOWAIT, 1);
	atomic = alloc_pages(SMALL_GFP | GFP_ATOMIC, 1);
	if (!atomic) {
		release_blocks(&pairs, 1);
		release_blocks(&held, 3);
		SKIP("the min mark of this zone is too small for an order-1 block below it");
	}
	EXPECT_EQ(small->highatomic_pages, PAGEBLOCK_PAGES);
	EXPECT_EQ(pageblock_type(atomic), MT_HIGHATOMIC);
	/* A page of it that is freed goes back to the reserve, not to everybody. */
	list_for_each_entry (page, &held, lru) {
		if (pageblock_type(page) == MT_HIGHATOMIC) {
			list_del(&page->lru);
			__free_pages(page, 3);
			freed = true;
			break;
		}
	}
	mm_settle();
	if (freed) /* a pageblock that is mostly a hole has none */
		EXPECT_TRUE(has_free_highatomic(small, 3));
	/* Requests that may not wait reach it when all else is gone ... */
	exhaust(&rest, GFP_NOWAIT, 0);
	EXPECT_LE(small->free_pages, small->wmark[WMARK_MIN]);
	release_blocks(&rest, 0);
	mm_settle();
	/* ... one that may wait has it given back. */
	exhaust(&rest, GFP_KERNEL, 0);
	EXPECT_EQ(small->highatomic_pages, 0);
	EXPECT_LE(small->free_pages, small->wmark[WMARK_MIN]); /* below, if the atomic request went there */
	release_blocks(&rest, 0);
	__free_pages(atomic, 1);
	release_blocks(&pairs, 1);
	release_blocks(&held, 3);
	expect_snapshot(t, &before);
}

KTEST(page_alloc, bulk_pages_are_distinct_single_and_all_there)
{
	struct snapshot before;

	snapshot_take(&before);
	for (unsigned i = 0; i < 12; i++) {
		static const unsigned sizes[] = {0, 1, 2, 3, 4, 5, 31, 64, 65, 512, 513, 900};
		unsigned long nr = sizes[i], allocated = 0, now = 0, got;
		gfp_t gfp = GFP_KERNEL | (i % 2 ? __GFP_ZERO : 0) | (i % 3 ? 0 : __GFP_MOVABLE);
		struct zone *z;

		for_each_populated_zone (z)
			allocated += zone_allocated_pages(z);
		got = alloc_pages_bulk(i % 4 ? NUMA_NO_NODE : numa_node_id(), gfp, nr, pages);
		EXPECT_EQ(got, nr);
		for_each_populated_zone (z)
			now += zone_allocated_pages(z);
		EXPECT_EQ(now - allocated, got);
		for (unsigned long k = 0; k < got; k++) {
			unsigned long *word = page_address(pages[k]);

			EXPECT_TRUE(pages[k]->refcount == 1 && page_state(pages[k]) == PAGE_ALLOCATED &&
				    page_order(pages[k]) == 0);
			if (gfp & __GFP_ZERO)
				EXPECT_EQ(word[k % 512], 0);
			for (unsigned w = 0; w < 512; w += 73)
				word[w] = k;
		}
		for (unsigned long k = 0; k < got; k++)
			for (unsigned w = 0; w < 512; w += 73)
				EXPECT_EQ(((unsigned long *)page_address(pages[k]))[w], k);
		if (i % 2)
			shuffle((unsigned)got);
		if (got > 7) /* a shared page among them stays */
			get_page(pages[7]);
		free_pages_bulk(pages, got);
		if (got > 7) {
			EXPECT_EQ(pages[7]->refcount, 1);
			put_page(pages[7]);
		}
	}
	expect_snapshot(t, &before);
}

KTEST(page_alloc, bulk_stops_where_single_requests_stop)
{
	unsigned long got, least;
	struct snapshot before;
	NEEDS_SMALL_ZONE(small);

	snapshot_take(&before);
	got = alloc_pages_bulk(numa_node_id(), SMALL_GFP | GFP_NOWAIT, MOST, pages);
	least = small->wmark[WMARK_MIN] + small->boost;
	EXPECT_LE(small->free_pages, least);
	EXPECT_GE(small->free_pages + pcp_count(small, arch_cpu_id()), small->wmark[WMARK_MIN]);
	EXPECT_LT(got, MOST);
	EXPECT_NULL(pages[got]);
	free_pages_bulk(pages, got);
	expect_snapshot(t, &before);
}

KTEST(page_alloc, addresses_work_as_pages_do)
{
	for (unsigned order = 0; order < 5; order++) {
		unsigned long addr = __get_free_pages(GFP_KERNEL, order);

		ASSERT_TRUE(addr);
		EXPECT_EQ(page_order(virt_to_page((void *)addr)), order);
		EXPECT_TRUE(IS_ALIGNED(addr, PAGE_SIZE << order));
		free_pages(addr, order);
		addr = get_zeroed_page(GFP_KERNEL);
		ASSERT_TRUE(addr);
		EXPECT_EQ(*(unsigned long *)(addr + 8 * test_rand_below(512)), 0);
		free_page(addr);
	}
	free_pages(0, 3);
}

static unsigned long ticks;

static void alloc_in_tick(void *ctx)
{
	struct page *page = alloc_page(GFP_ATOMIC | __GFP_THISNODE);

	(void)ctx;
	if (page) {
		__free_page(page);
		ticks++;
	}
}

/*
 * A counter that is read, changed and written loses what an interrupt counts in between.
 * Shows vmstat.V1.
 */
KTEST(page_alloc, what_interrupts_allocate_is_counted_as_well)
{
	int nid = numa_node_id();
	unsigned long before, n = 0;
	u64 limit = arch_time_ns() + 3000000000UL;

	if (!node_has_low_memory(nid))
		SKIP("this CPU's node has no memory");
	mm_settle();
	smp_settle();
	ticks = 0;
	before = numa_stat_read(nid, NUMA_HIT);
	arch_time_tick(20000, alloc_in_tick, NULL);
	while (READ_ONCE(ticks) < 2000 && arch_time_ns() < limit) {
		struct page *page = alloc_page(GFP_KERNEL | __GFP_THISNODE);

		if (!page)
			break;
		__free_page(page);
		n++;
	}
	arch_time_tick(0, NULL, NULL);
	EXPECT_GT(n, 0);
	EXPECT_EQ(numa_stat_read(nid, NUMA_HIT) - before, n + ticks);
}

KTEST(page_alloc, sizes_have_the_smallest_order_that_holds_them)
{
	EXPECT_EQ(get_order(1), 0);
	EXPECT_EQ(get_order(PAGE_SIZE), 0);
	EXPECT_EQ(get_order(PAGE_SIZE + 1), 1);
	EXPECT_EQ(get_order(2 * PAGE_SIZE + 1), 2);
	EXPECT_EQ(get_order(PAGE_SIZE << MAX_ORDER), MAX_ORDER);
	EXPECT_EQ(get_order((PAGE_SIZE << MAX_ORDER) + 1), MAX_ORDER + 1);
}

KTEST(page_alloc, totals_move_by_what_is_allocated)
{
	unsigned long total = totalram_pages();

	for (unsigned order = PCP_MAX_ORDER + 1; order < NR_ORDERS; order++) {
		unsigned long free = nr_free_pages();
		struct page *page = alloc_pages(GFP_KERNEL | __GFP_NOWARN, order);

		if (!page)
			break;
		EXPECT_EQ(nr_free_pages(), free - (1UL << order));
		__free_pages(page, order);
		EXPECT_EQ(nr_free_pages(), free);
		EXPECT_EQ(totalram_pages(), total);
	}
}

/* A bad frame is withdrawn when its owner gives it back; then the test makes it good again. */
KTEST(page_alloc, a_bad_frame_is_not_handed_out_again)
{
	struct page *page = alloc_pages(GFP_KERNEL, 2);
	LIST_HEAD(some);

	ASSERT_NOT_NULL(page);
	page->flags |= PG_hwpoison;
	__free_pages(page, 2);
	EXPECT_EQ(page_state(page), PAGE_ALLOCATED);
	EXPECT_EQ(hold_blocks(&some, GFP_KERNEL, 2, 100), 100);
	EXPECT_TRUE(page->flags & PG_hwpoison);
	EXPECT_NULL(check_says("census"));
	release_blocks(&some, 2);
	page->flags &= ~(PG_hwpoison | PG_reserved);
	__free_pages(page, 2);
}

KTEST(page_alloc, what_a_full_node_is_asked_for_another_one_gives)
{
	u64 miss, foreign, hit, interleaved;
	struct page *page;
	LIST_HEAD(taken);
	int full = -1;

	for (unsigned nid = 0; nid < nr_nodes; nid++)
		if (nodes[nid].has_memory && (int)nid != numa_node_id())
			full = (int)nid;
	if (full < 0 || nodes[full].managed > MIB(256) >> PAGE_SHIFT)
		SKIP("no second node with up to 256 MiB");
	while ((page = alloc_pages_node(full, GFP_NOWAIT | __GFP_THISNODE | __GFP_NOWARN, 0)) != NULL)
		list_add(&page->lru, &taken);
	foreign = numa_stat_read(full, NUMA_FOREIGN);
	hit = numa_stat_read(full, NUMA_HIT);
	page = alloc_pages_node(full, GFP_NOWAIT | __GFP_NOWARN, 0);
	ASSERT_NOT_NULL(page);
	EXPECT_NE(page_to_nid(page), full);
	miss = numa_stat_read(page_to_nid(page), NUMA_MISS);
	EXPECT_EQ(numa_stat_read(full, NUMA_FOREIGN), foreign + 1);
	EXPECT_EQ(numa_stat_read(full, NUMA_HIT), hit);
	list_add(&page->lru, &taken);
	page = alloc_pages_node(full, GFP_NOWAIT | __GFP_NOWARN, 0);
	ASSERT_NOT_NULL(page);
	EXPECT_EQ(numa_stat_read(page_to_nid(page), NUMA_MISS), miss + 1);
	interleaved = numa_stat_read(full, NUMA_INTERLEAVE_HIT);
	for (unsigned i = 0; i < nr_nodes; i++) { /* each gets its turn, the full one too */
		struct page *by_turn = alloc_pages_interleave(GFP_NOWAIT | __GFP_NOWARN, 0);

		if (by_turn)
			list_add(&by_turn->lru, &taken);
	}
	EXPECT_EQ(numa_stat_read(full, NUMA_INTERLEAVE_HIT), interleaved);
	EXPECT_GT(numa_stat_read(full, NUMA_FOREIGN), foreign + 2);
	list_add(&page->lru, &taken);
	release_blocks(&taken, 0);
}

KTEST_PANIC(page_alloc, a_request_that_must_not_fail_ends_the_kernel,
	    "out of memory: order 0 with __GFP_NOFAIL")
{
	if (small_zone())
		exhaust(&held, GFP_KERNEL | __GFP_MEMALLOC, 0);
	alloc_page(SMALL_GFP | GFP_KERNEL | __GFP_NOFAIL);
}

KTEST(page_alloc, injected_failures_come_at_the_interval_asked_for)
{
	struct fault_attr saved = fail_page_alloc;
	unsigned failed = 0;

	EXPECT_EQ(fault_attr_parse("3,100,0,2", &fail_page_alloc), 0);
	mm_update_bypass();
	for (unsigned i = 1; i <= 12; i++) {
		struct page *page = alloc_pages(GFP_KERNEL, PCP_MAX_ORDER + 1);

		EXPECT_EQ(page == NULL, i % 3 == 0 && failed < 2);
		failed += !page;
		if (page)
			__free_pages(page, PCP_MAX_ORDER + 1);
	}
	EXPECT_EQ(failed, 2);
	fail_page_alloc = saved;
	mm_update_bypass();
}

KTEST(page_alloc, nofail_requests_are_never_made_to_fail)
{
	struct fault_attr saved = fail_page_alloc;
	struct page *page;

	EXPECT_EQ(fault_attr_parse("1", &fail_page_alloc), 0);
	mm_update_bypass();
	page = alloc_pages(GFP_KERNEL | __GFP_NOFAIL, PCP_MAX_ORDER + 1);
	EXPECT_NULL(alloc_pages(GFP_KERNEL, PCP_MAX_ORDER + 1));
	fail_page_alloc = saved;
	mm_update_bypass();
	ASSERT_NOT_NULL(page);
	__free_pages(page, PCP_MAX_ORDER + 1);
}
