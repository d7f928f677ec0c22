/*
 * test_buddy_types.c - migratetypes and stealing, the atomic reserve, isolation and misuse, on a zone of the test's own.
 *
 * Idea.       As test_buddy.c: a zone of 1024 frames and two pageblocks that nothing else sees.
 * Layout.     PZ_OPEN() borrows an order-10 block (buddy_fixture.h); at the end all of it must have merged again.
 * Invariants. F1 to F7 of mm/buddy.c, between random operations.
 * Locking.    The private zone's lock, inside private_alloc() and private_free().
 * Failure.    As every test's; without an order-10 block the case is skipped.
 * Next:       test_pcp.c.
 */
#include "buddy_fixture.h"

#include <kernel/errno.h>
#include <kernel/string.h>
#include <mm/vmalloc.h>

/* ---- types ---- */

static const enum migratetype fallback_order[3][2] = {
	[MT_UNMOVABLE] = {MT_RECLAIMABLE, MT_MOVABLE},
	[MT_MOVABLE] = {MT_RECLAIMABLE, MT_UNMOVABLE},
	[MT_RECLAIMABLE] = {MT_UNMOVABLE, MT_MOVABLE},
};

/*
 * Makes an order-9 block that the caller holds a pageblock of `type` in which frame 0 stays allocated; the piece of
 * order o behind it, at frame 2^o, becomes free if bit o of free_orders is set, else a block in use.
 */
static void carve(struct page *block, enum migratetype type, unsigned free_orders)
{
	unsigned long flags = block->flags & ~PG_ORDER_MASK;

	lock_and(set_type, block, type);
	block->flags = flags;
	for (unsigned o = 0; o < PAGEBLOCK_ORDER; o++) {
		if (free_orders >> o & 1)
			private_free(zone, block + (1u << o), o);
		else
			block[1u << o].flags = flags | (unsigned long)o << PG_ORDER_SHIFT;
	}
}

/* The pageblock is MOVABLE again, and what carve() kept is free. */
static void uncarve(struct page *block, unsigned free_orders)
{
	lock_and(set_type, block, MT_MOVABLE);
	for (unsigned o = 0; o < PAGEBLOCK_ORDER; o++)
		if (!(free_orders >> o & 1))
			private_free(zone, block + (1u << o), o);
	private_free(zone, block, 0);
}

enum { ALL_ORDERS = (1 << PAGEBLOCK_ORDER) - 1 };

static struct page *lower, *upper; /* the two pageblocks, as order-9 blocks in use */

static void take_pageblocks(struct ktest *t)
{
	lower = private_alloc(zone, PAGEBLOCK_ORDER, MT_MOVABLE, 0);
	upper = private_alloc(zone, PAGEBLOCK_ORDER, MT_MOVABLE, 0);
	EXPECT_EQ(frame(lower), 0);
	EXPECT_EQ(frame(upper), PAGEBLOCK_PAGES);
}

KTEST(buddy, the_fallback_order_is_linuxs)
{
	PZ_OPEN();
	for (unsigned want = 0; want < 3; want++) {
		struct page *page;

		take_pageblocks(t);
		carve(lower, fallback_order[want][1], ALL_ORDERS);
		carve(upper, fallback_order[want][0], ALL_ORDERS);
		page = private_alloc(zone, 3, (enum migratetype)want, 0);
		EXPECT_TRUE(page >= upper);
		EXPECT_EQ(pageblock_type(upper), want);
		EXPECT_EQ(pageblock_type(lower), fallback_order[want][1]);
		EXPECT_NULL(private_check(&pz));
		private_free(zone, page, 3);
		uncarve(lower, ALL_ORDERS);
		uncarve(upper, ALL_ORDERS);
		expect_whole(t, &pz);
	}
	PZ_CLOSE();
}

KTEST(buddy, stealing_begins_with_the_largest_block)
{
	struct page *page;

	PZ_OPEN();
	take_pageblocks(t);
	carve(lower, MT_MOVABLE, 0x3f);		 /* orders 0 to 5 free */
	carve(upper, MT_MOVABLE, 0x3f | BIT(7)); /* and one of order 7 */
	page = private_alloc(zone, 0, MT_UNMOVABLE, 0);
	EXPECT_TRUE(page >= upper);
	EXPECT_NULL(private_check(&pz));
	private_free(zone, page, 0);
	uncarve(lower, 0x3f);
	uncarve(upper, 0x3f | BIT(7));
	PZ_CLOSE();
}

KTEST(buddy, movable_requests_take_the_smallest_block_where_they_may_not_take_all)
{
	PZ_OPEN();
	for (unsigned order = 0; order < 4; order++) {
		struct page *page;

		take_pageblocks(t);
		carve(lower, MT_UNMOVABLE,
		      BIT(0) | BIT(2) | BIT(3)); /* the largest is below pageblock_order / 2 */
		page = private_alloc(zone, order, MT_MOVABLE, 0);
		EXPECT_EQ(frame(page), order == 0 ? 1 : order <= 2 ? 4 : 8);
		EXPECT_EQ(pageblock_type(lower), MT_UNMOVABLE);
		EXPECT_EQ(page_type(page), MT_UNMOVABLE); /* it will go back to its pageblock's list */
		EXPECT_NULL(private_check(&pz));
		private_free(zone, page, order);
		uncarve(lower, BIT(0) | BIT(2) | BIT(3));
		private_free(zone, upper, PAGEBLOCK_ORDER);
		expect_whole(t, &pz);
	}
	PZ_CLOSE();
}

/* free_orders of a MOVABLE pageblock, what the block of order 8 is if it is in use: does UNMOVABLE take it over? */
static void expect_conversion(struct ktest *t, unsigned free_orders, enum migratetype in_use, bool converted)
{
	struct page *page;

	take_pageblocks(t);
	carve(lower, MT_MOVABLE, free_orders);
	if (!(free_orders >> 8 & 1))
		lower[256].flags = (lower[256].flags & ~PG_TYPE_MASK) | (unsigned long)in_use
										<< PG_TYPE_SHIFT;
	page = private_alloc(zone, 0, MT_UNMOVABLE, 0);
	EXPECT_TRUE(page && page < upper);
	EXPECT_EQ(pageblock_type(lower), converted ? MT_UNMOVABLE : MT_MOVABLE);
	for (unsigned o = 0; o < PAGEBLOCK_ORDER; o++) /* all that is free in it has gone over either way */
		EXPECT_TRUE(list_empty(&zone->free_area[o].list[MT_MOVABLE]));
	EXPECT_NULL(private_check(&pz));
	private_free(zone, page, 0);
	uncarve(lower, free_orders);
	private_free(zone, upper, PAGEBLOCK_ORDER);
	expect_whole(t, &pz);
}

KTEST(buddy, half_a_pageblock_decides_its_type)
{
	PZ_OPEN();
	expect_conversion(t, BIT(8), MT_MOVABLE, true); /* 256 free */
	expect_conversion(t, 0xff, MT_MOVABLE, false);	/* 255 free, the others movable */
	expect_conversion(t, 0xff, MT_UNMOVABLE, true); /* 255 free, 256 of the wanted kind */
	expect_conversion(t, 0x01, MT_UNMOVABLE, true); /* 1 free, 256 of the wanted kind */
	expect_conversion(t, 0x01, MT_MOVABLE, false);
	PZ_CLOSE();
}

KTEST(buddy, movable_takes_a_pageblock_over_when_enough_of_it_is_movable)
{
	PZ_OPEN();
	for (unsigned movable = 0; movable < 2; movable++) {
		unsigned free_orders = BIT(7) | BIT(6); /* 192 free, one of them large enough to take all */
		struct page *page;

		take_pageblocks(t);
		carve(lower, MT_RECLAIMABLE, free_orders);
		if (!movable) /* 64 frames less are movable: 255 instead of 320 - 1, with 192 free */
			for (unsigned o = 0; o < PAGEBLOCK_ORDER; o++)
				lower[1u << o].flags &= ~(free_orders >> o & 1 ? 0 : PG_TYPE_MASK);
		page = private_alloc(zone, 0, MT_MOVABLE, 0);
		EXPECT_TRUE(page && page < upper);
		EXPECT_EQ(pageblock_type(lower), movable ? MT_MOVABLE : MT_RECLAIMABLE);
		EXPECT_NULL(private_check(&pz));
		private_free(zone, page, 0);
		uncarve(lower, free_orders);
		private_free(zone, upper, PAGEBLOCK_ORDER);
		expect_whole(t, &pz);
	}
	PZ_CLOSE();
}

/* A border in the lower pageblock: what a fallback takes of it is lists, never the type that both zones read. */
KTEST(buddy, a_pageblock_that_zones_share_keeps_its_type)
{
	static struct zone other;

	PZ_OPEN();
	private_zone_divide(&pz, &other, 256);
	private_free(zone, pz.page, 8);
	pages[0] = private_alloc(zone, 0, MT_UNMOVABLE, 0);
	EXPECT_NOT_NULL(pages[0]);
	EXPECT_EQ(pageblock_type(pz.page), MT_MOVABLE);
	if (pages[0]) {
		unsigned long irq = spin_lock_irqsave(&zone->lock);

		EXPECT_FALSE(buddy_reserve_highatomic(zone, pages[0]));
		spin_unlock_irqrestore(&zone->lock, irq);
		private_free(zone, pages[0], 0);
	}
	EXPECT_NULL(private_check(&pz));
	EXPECT_EQ(zone->free_pages, 256);
	pz.page->flags = 0;
	private_zone_divide(&pz, &other, PRIVATE_FRAMES);
	private_free(zone, pz.page, MAX_ORDER);
	PZ_CLOSE();
}

KTEST(buddy, a_stolen_order_10_block_changes_both_pageblocks)
{
	struct page *page;

	PZ_OPEN();
	page = private_alloc(zone, 0, MT_RECLAIMABLE, 0);
	EXPECT_EQ(pageblock_type(pz.page), MT_RECLAIMABLE);
	EXPECT_EQ(pageblock_type(pz.page + PAGEBLOCK_PAGES), MT_RECLAIMABLE);
	EXPECT_EQ(page_type(page), MT_RECLAIMABLE);
	EXPECT_NULL(private_check(&pz));
	private_free(zone, page, 0);
	PZ_CLOSE();
}

KTEST(buddy, nofragment_takes_whole_pageblocks_only)
{
	struct page *page;

	PZ_OPEN();
	take_pageblocks(t);
	carve(lower, MT_UNMOVABLE, ALL_ORDERS);
	EXPECT_NULL(private_alloc(zone, 0, MT_MOVABLE, BUDDY_NOFRAGMENT));
	EXPECT_EQ(pageblock_type(lower), MT_UNMOVABLE);
	upper->block_type = MT_RECLAIMABLE;
	private_free(zone, upper, PAGEBLOCK_ORDER);
	page = private_alloc(zone, 0, MT_MOVABLE, BUDDY_NOFRAGMENT);
	EXPECT_EQ(page, upper);
	EXPECT_EQ(pageblock_type(upper), MT_MOVABLE);
	EXPECT_NULL(private_check(&pz));
	private_free(zone, page, 0);
	uncarve(lower, ALL_ORDERS);
	PZ_CLOSE();
}

KTEST(buddy, nobody_steals_from_a_type_that_stands_apart)
{
	static const enum migratetype apart[] = {MT_HIGHATOMIC, MT_CMA, MT_ISOLATE};

	PZ_OPEN();
	for (unsigned i = 0; i < ARRAY_SIZE(apart); i++) {
		take_pageblocks(t);
		carve(lower, apart[i], ALL_ORDERS);
		for (unsigned type = 0; type < MT_PCPTYPES; type++)
			EXPECT_NULL(private_alloc(zone, 0, (enum migratetype)type, 0));
		EXPECT_EQ(pageblock_type(lower), apart[i]);
		EXPECT_NULL(private_check(&pz));
		uncarve(lower, ALL_ORDERS);
		private_free(zone, upper, PAGEBLOCK_ORDER);
		expect_whole(t, &pz);
	}
	PZ_CLOSE();
}

/* A block on an ordinary list in a pageblock that became a reserve meanwhile: it goes alone. */
KTEST(buddy, a_reserved_pageblock_is_not_taken_over)
{
	struct page *page;

	PZ_OPEN();
	take_pageblocks(t);
	carve(lower, MT_MOVABLE, ALL_ORDERS);
	lock_and(pageblock_set_type, lower, MT_HIGHATOMIC);
	page = private_alloc(zone, 0, MT_UNMOVABLE, 0);
	EXPECT_TRUE(page && page < upper);
	EXPECT_EQ(pageblock_type(lower), MT_HIGHATOMIC);
	EXPECT_EQ(page_type(page), MT_HIGHATOMIC);
	EXPECT_FALSE(list_empty(&zone->free_area[0].list[MT_MOVABLE]));
	EXPECT_NULL(private_check(&pz));
	private_free(zone, page, 0);
	uncarve(lower, ALL_ORDERS);
	private_free(zone, upper, PAGEBLOCK_ORDER);
	PZ_CLOSE();
}

KTEST(buddy, a_fallback_boosts_the_watermarks_up_to_a_bound)
{
	static const unsigned long highs[] = {0, 100, 1000};

	PZ_OPEN();
	for (unsigned i = 0; i < ARRAY_SIZE(highs); i++) {
		unsigned long most = max(highs[i] * 3 / 2, PAGEBLOCK_PAGES);

		zone->wmark[WMARK_HIGH] = highs[i];
		zone->managed = 4 * PAGEBLOCK_PAGES; /* boosting is for zones of some size */
		for (unsigned n = 1; n < 6; n++) {
			struct page *page;

			take_pageblocks(t);
			carve(lower, MT_MOVABLE, 0xff);
			page = private_alloc(zone, 0, MT_UNMOVABLE, 0);
			EXPECT_EQ(zone->boost, highs[i] ? min(n * PAGEBLOCK_PAGES, most) : 0);
			EXPECT_EQ(zone->wake, highs[i] != 0);
			private_free(zone, page, 0);
			uncarve(lower, 0xff);
			private_free(zone, upper, PAGEBLOCK_ORDER);
		}
		zone->boost = 0;
		zone->wake = false;
	}
	zone->managed = 4 * PAGEBLOCK_PAGES - 1; /* a boost would be most of it */
	take_pageblocks(t);
	carve(lower, MT_MOVABLE, 0xff);
	pages[0] = private_alloc(zone, 0, MT_UNMOVABLE, 0);
	EXPECT_EQ(zone->boost, 0);
	private_free(zone, pages[0], 0);
	uncarve(lower, 0xff);
	private_free(zone, upper, PAGEBLOCK_ORDER);
	zone->managed = PRIVATE_FRAMES;
	PZ_CLOSE();
}

/* ---- the reserve for high-order atomic requests ---- */

static bool reserve(struct page *page)
{
	unsigned long irq = spin_lock_irqsave(&zone->lock);
	bool done = buddy_reserve_highatomic(zone, page);

	spin_unlock_irqrestore(&zone->lock, irq);
	return done;
}

static bool unreserve(enum migratetype to, bool last_too)
{
	unsigned long irq = spin_lock_irqsave(&zone->lock);
	bool done = buddy_unreserve_highatomic(zone, to, last_too);

	spin_unlock_irqrestore(&zone->lock, irq);
	return done;
}

KTEST(buddy, the_atomic_reserve_is_a_pageblock_that_only_its_users_get)
{
	struct page *page, *other, *atomic;

	PZ_OPEN();
	page = private_alloc(zone, 2, MT_MOVABLE, 0);
	EXPECT_TRUE(reserve(page));
	EXPECT_FALSE(reserve(page)); /* it is one already */
	EXPECT_EQ(zone->highatomic_pages, PAGEBLOCK_PAGES);
	EXPECT_EQ(zone->free_pages, PRIVATE_FRAMES - 4);
	EXPECT_NULL(private_check(&pz));
	other = private_alloc(zone, PAGEBLOCK_ORDER, MT_MOVABLE, 0);
	EXPECT_EQ(frame(other), PAGEBLOCK_PAGES);
	for (unsigned order = 0; order < PAGEBLOCK_ORDER; order++) {
		EXPECT_NULL(private_alloc(zone, order, MT_UNMOVABLE, 0));
		atomic = private_alloc(zone, order, MT_UNMOVABLE, order ? BUDDY_HIGHATOMIC : BUDDY_OOM);
		EXPECT_TRUE(atomic && atomic < other);
		EXPECT_EQ(page_type(atomic), MT_HIGHATOMIC);
		private_free(zone, atomic, order);
		EXPECT_NULL(private_check(&pz));
	}
	private_free(zone, page, 2);
	private_free(zone, other, PAGEBLOCK_ORDER);
	EXPECT_EQ(nr_free(PAGEBLOCK_ORDER), 2); /* the reserve does not merge with the rest */
	EXPECT_FALSE(unreserve(MT_MOVABLE, false));
	EXPECT_TRUE(unreserve(MT_MOVABLE, true));
	EXPECT_FALSE(unreserve(MT_MOVABLE, true));
	EXPECT_EQ(zone->highatomic_pages, 0);
	PZ_CLOSE();
}

KTEST(buddy, the_atomic_reserve_is_bounded)
{
	struct page *low, *high, *page;

	PZ_OPEN();
	page = private_alloc(zone, MAX_ORDER, MT_MOVABLE, 0);
	EXPECT_FALSE(reserve(page)); /* both pageblocks would have to change */
	private_free(zone, page, MAX_ORDER);
	low = private_alloc(zone, PAGEBLOCK_ORDER, MT_MOVABLE, 0);
	high = private_alloc(zone, PAGEBLOCK_ORDER, MT_MOVABLE, 0);
	zone->managed = 0; /* so that the bound is one pageblock */
	EXPECT_TRUE(reserve(low));
	EXPECT_FALSE(reserve(high));
	EXPECT_EQ(pageblock_type(high), MT_MOVABLE);
	zone->managed = 100; /* one page more: a second block may begin below the bound */
	EXPECT_TRUE(reserve(high));
	EXPECT_EQ(zone->highatomic_pages, 2 * PAGEBLOCK_PAGES);
	private_free(zone, low, PAGEBLOCK_ORDER);
	private_free(zone, high, PAGEBLOCK_ORDER);
	EXPECT_NULL(private_check(&pz));
	EXPECT_EQ(nr_free(PAGEBLOCK_ORDER), 2); /* apart, so that each can be given back alone */
	EXPECT_TRUE(unreserve(MT_UNMOVABLE, false));
	EXPECT_EQ(zone->highatomic_pages, PAGEBLOCK_PAGES);
	EXPECT_NULL(private_check(&pz));
	EXPECT_FALSE(unreserve(MT_UNMOVABLE, false));
	EXPECT_TRUE(unreserve(MT_MOVABLE, true));
	zone->managed = PRIVATE_FRAMES;
	PZ_CLOSE();
}

/* ---- isolation ---- */

static int isolate(struct page *page)
{
	unsigned long irq = spin_lock_irqsave(&zone->lock);
	int err = buddy_isolate(zone, page);

	spin_unlock_irqrestore(&zone->lock, irq);
	return err;
}

static void unisolate(struct page *page)
{
	lock_and(buddy_unisolate, page, MT_MOVABLE);
}

KTEST(buddy, the_atomic_reserve_is_given_up_for_a_single_page)
{
	struct list_head *list = &zone->free_area[0].list[MT_MOVABLE];
	unsigned long irq;

	PZ_OPEN();
	take_all(0, MT_MOVABLE);
	pageblock_set_type(zone, pz.page, MT_HIGHATOMIC);
	private_free(zone, pages[7], 0);
	EXPECT_TRUE(list_empty(list));
	irq = spin_lock_irqsave(&zone->lock);
	EXPECT_TRUE(buddy_unreserve_highatomic(zone, MT_MOVABLE, true));
	spin_unlock_irqrestore(&zone->lock, irq);
	EXPECT_EQ(list_first_entry(list, struct page, lru), pages[7]);
	EXPECT_EQ(pageblock_type(pz.page), MT_MOVABLE);
	EXPECT_NULL(private_check(&pz));
	for (unsigned i = 0; i < PRIVATE_FRAMES; i++)
		if (i != 7)
			private_free(zone, pages[i], 0);
	PZ_CLOSE();
}

KTEST(buddy, an_isolated_pageblock_is_not_free_and_comes_back)
{
	PZ_OPEN();
	for (unsigned half = 0; half < 2; half++) {
		struct page *block = pz.page + half * PAGEBLOCK_PAGES, *other;

		EXPECT_EQ(isolate(block + test_rand_below(PAGEBLOCK_PAGES)), 0);
		EXPECT_EQ(isolate(block), -EBUSY);
		EXPECT_EQ(zone->free_pages, PAGEBLOCK_PAGES);
		EXPECT_EQ(zone->isolated_pages, PAGEBLOCK_PAGES);
		EXPECT_NULL(private_check(&pz));
		other = private_alloc(zone, PAGEBLOCK_ORDER, MT_MOVABLE, 0);
		EXPECT_NE(other, block);
		EXPECT_NULL(private_alloc(zone, 0, MT_UNMOVABLE, BUDDY_HIGHATOMIC | BUDDY_OOM));
		private_free(zone, other, PAGEBLOCK_ORDER);
		EXPECT_EQ(nr_free(PAGEBLOCK_ORDER), 2);
		unisolate(block);
		expect_whole(t, &pz);
	}
	PZ_CLOSE();
}

KTEST(buddy, pages_freed_into_an_isolated_pageblock_stay_there)
{
	unsigned n;

	PZ_OPEN();
	n = take_all(1, MT_MOVABLE);
	shuffle_pages(pages, n);
	EXPECT_EQ(isolate(pz.page), 0); /* all in use, all movable */
	for (unsigned i = 0; i < n; i++) {
		private_free(zone, pages[i], 1);
		if (i % 16 == 0)
			EXPECT_NULL(private_check(&pz));
	}
	EXPECT_EQ(zone->isolated_pages, PAGEBLOCK_PAGES);
	EXPECT_EQ(zone->free_pages, PAGEBLOCK_PAGES);
	unisolate(pz.page);
	PZ_CLOSE();
}

KTEST(buddy, what_cannot_move_cannot_be_isolated)
{
	struct page *page;

	PZ_OPEN();
	page = private_alloc(zone, 0, MT_UNMOVABLE, 0); /* both pageblocks are UNMOVABLE now */
	EXPECT_EQ(isolate(page + 7), -EBUSY);
	EXPECT_EQ(isolate(page + PAGEBLOCK_PAGES), 0);
	unisolate(page + PAGEBLOCK_PAGES);
	private_free(zone, page, 0);
	lock_and(set_type, pz.page, MT_MOVABLE);
	expect_whole(t, &pz);

	page = private_alloc(zone, 3, MT_MOVABLE, 0);
	page->flags |= PG_reserved;
	EXPECT_EQ(isolate(page), -EBUSY);
	page->flags ^= PG_reserved ^ PG_slab;
	EXPECT_EQ(isolate(page), -EBUSY);
	page->flags &= ~PG_slab;
	EXPECT_EQ(isolate(page), 0);
	unisolate(page);
	private_free(zone, page, 3);
	expect_whole(t, &pz);

	/* A block in use over both pageblocks, and frames that no block covers. */
	page = private_alloc(zone, MAX_ORDER, MT_MOVABLE, 0);
	EXPECT_EQ(isolate(page), -EBUSY);
	EXPECT_EQ(isolate(page + PAGEBLOCK_PAGES), -EBUSY);
	private_free(zone, page, MAX_ORDER);
	page = private_alloc(zone, 0, MT_MOVABLE, 0);
	page->flags = 0;
	EXPECT_EQ(isolate(page), -EBUSY);
	private_free(zone, page, 0);
	PZ_CLOSE();
}

KTEST(buddy, isolated_neighbours_come_back_one_by_one)
{
	PZ_OPEN();
	take_pageblocks(t);
	EXPECT_EQ(isolate(lower), 0);
	EXPECT_EQ(isolate(upper), 0);
	private_free(zone, upper, PAGEBLOCK_ORDER);
	private_free(zone, lower, PAGEBLOCK_ORDER);
	EXPECT_EQ(zone->isolated_pages, PRIVATE_FRAMES);
	EXPECT_EQ(zone->free_pages, 0);
	unisolate(lower);
	EXPECT_EQ(zone->isolated_pages, PAGEBLOCK_PAGES);
	EXPECT_EQ(zone->free_pages, PAGEBLOCK_PAGES);
	EXPECT_EQ(pageblock_type(upper), MT_ISOLATE);
	EXPECT_NULL(private_check(&pz));
	EXPECT_EQ(private_alloc(zone, 0, MT_MOVABLE, 0), lower);
	private_free(zone, lower, 0);
	unisolate(upper);
	PZ_CLOSE();
}

/* All of it together: what is counted must stay true. */
KTEST(buddy, random_types_reserves_and_isolation_keep_the_counts)
{
	unsigned live = 0;

	PZ_OPEN();
	for (unsigned step = 0; step < 1200; step++) {
		unsigned what = test_rand_below(100), order = test_rand_below(6);
		struct page *any = pz.page + test_rand_below(PRIVATE_FRAMES);

		if (what < 45 && live < ARRAY_SIZE(pages)) {
			pages[live] = private_alloc(zone, order, (enum migratetype)test_rand_below(3),
						    test_rand_below(8));
			order_of[live] = (u8)order;
			live += pages[live] != NULL;
		} else if (what < 90 && live) {
			unsigned k = test_rand_below(live);

			private_free(zone, pages[k], order_of[k]);
			pages[k] = pages[--live];
			order_of[k] = order_of[live];
		} else if (what < 92 && live) {
			reserve(pages[test_rand_below(live)]);
		} else if (what < 94) {
			unreserve((enum migratetype)test_rand_below(3), test_rand_below(2));
		} else if (pageblock_type(any) == MT_ISOLATE) {
			unisolate(any);
		} else if (what < 98) {
			isolate(any);
		}
		EXPECT_NULL(private_check(&pz));
	}
	while (live) {
		live--;
		private_free(zone, pages[live], order_of[live]);
	}
	for (unsigned i = 0; i < 2; i++)
		if (pageblock_type(pz.page + i * PAGEBLOCK_PAGES) == MT_ISOLATE)
			unisolate(pz.page + i * PAGEBLOCK_PAGES);
	while (unreserve(MT_MOVABLE, true))
		;
	PZ_CLOSE();
}

/* ---- misuse ---- */

KTEST(buddy, the_reserve_takes_nothing_from_other_types)
{
	struct page *page;
	unsigned long irq;

	if (!private_zone_open(&pz))
		SKIP("no free block of order 10");
	EXPECT_NULL(private_alloc(&pz.zone, 0, MT_HIGHATOMIC, 0));
	expect_whole(t, &pz);
	page = private_alloc(&pz.zone, PAGEBLOCK_ORDER, MT_MOVABLE, 0);
	ASSERT_NOT_NULL(page);
	pageblock_set_type(&pz.zone, page, MT_HIGHATOMIC);
	/* A reserve of which nothing is free has nothing to give back. */
	irq = spin_lock_irqsave(&pz.zone.lock);
	EXPECT_FALSE(buddy_unreserve_highatomic(&pz.zone, MT_MOVABLE, true));
	spin_unlock_irqrestore(&pz.zone.lock, irq);
	EXPECT_EQ(pz.zone.highatomic_pages, PAGEBLOCK_PAGES);
	pageblock_set_type(&pz.zone, page, MT_MOVABLE);
	private_free(&pz.zone, page, PAGEBLOCK_ORDER);
	expect_whole(t, &pz);
	private_zone_close(&pz);
}

KTEST_PANIC(buddy, a_free_block_is_not_freed_again, "is free already")
{
	if (private_zone_open(&pz))
		private_free(zone, pz.page, MAX_ORDER);
}

KTEST_PANIC(buddy, a_block_of_another_order_does_not_come_back_in_bulk, "comes back as state")
{
	unsigned long irq;

	if (!private_zone_open(&pz))
		return;
	pages[0] = private_alloc(zone, 2, MT_MOVABLE, 0);
	irq = spin_lock_irqsave(&zone->lock);
	buddy_free_many(zone, pages, 1, 1, PAGE_ALLOCATED);
	spin_unlock_irqrestore(&zone->lock, irq);
}

KTEST_PANIC(buddy, what_is_not_isolated_cannot_be_unisolated, "is not isolated")
{
	if (private_zone_open(&pz))
		unisolate(pz.page);
}
