/*
 * test_buddy.c - split and merge, on a zone of the test's own.
 *
 * Idea.       A zone of 1024 frames and two pageblocks in which nothing happens but what the test does: lists and
 *             counts can be foretold exactly, and a bitmap of frames catches every overlap.
 * Layout.     PZ_OPEN() borrows an order-10 block (zone_fixture.h); at the end all of it must have merged again.
 * Invariants. F1 to F7 of mm/buddy.c, between random operations.
 * Locking.    The private zone's lock, inside private_alloc() and private_free().
 * Failure.    As every test's; without an order-10 block the case is skipped.
 * Next:       test_buddy_types.c.
 */
#include "buddy_fixture.h"

#include <kernel/errno.h>
#include <kernel/string.h>
#include <mm/vmalloc.h>

/* ---- split and merge ---- */

KTEST(buddy, a_split_takes_the_lowest_part_and_lists_the_upper_halves)
{
	PZ_OPEN();
	for (unsigned order = 0; order < NR_ORDERS; order++) {
		struct page *page = private_alloc(zone, order, MT_MOVABLE, 0);

		EXPECT_EQ(page, pz.page);
		EXPECT_EQ(page_state(page), PAGE_ALLOCATED);
		EXPECT_EQ(page_order(page), order);
		EXPECT_EQ(page->refcount, 0);
		for (unsigned o = 0; o < NR_ORDERS; o++) {
			EXPECT_EQ(nr_free(o), o >= order && o < MAX_ORDER);
			if (nr_free(o))
				EXPECT_EQ(list_first_entry(&zone->free_area[o].list[MT_MOVABLE], struct page,
							   lru),
					  pz.page + (1u << o));
		}
		EXPECT_EQ(zone->free_pages, PRIVATE_FRAMES - (1u << order));
		EXPECT_NULL(private_check(&pz));
		private_free(zone, page, order);
		expect_whole(t, &pz);
	}
	PZ_CLOSE();
}

KTEST(buddy, one_order_after_another_comes_in_ascending_frames)
{
	PZ_OPEN();
	for (unsigned order = 0; order < NR_ORDERS; order++) {
		unsigned n = 0;

		for (; (pages[n] = private_alloc(zone, order, MT_UNMOVABLE, 0)) != NULL; n++)
			EXPECT_EQ(frame(pages[n]), n << order);
		EXPECT_EQ(n, PRIVATE_FRAMES >> order);
		EXPECT_EQ(zone->free_pages, 0);
		shuffle_pages(pages, n);
		free_all(n, order);
		EXPECT_EQ(nr_free(MAX_ORDER), 1);
	}
	PZ_CLOSE();
}

KTEST(buddy, random_orders_and_types_never_overlap_and_merge_again)
{
	static u8 owner[PRIVATE_FRAMES];
	unsigned live = 0, used = 0;

	PZ_OPEN();
	memset(owner, 0, sizeof(owner));
	for (unsigned step = 0; step < 1500; step++) {
		unsigned order = test_rand_below(4) ? test_rand_below(4) : test_rand_below(NR_ORDERS);
		struct page *page =
			test_rand_below(100) < 55
				? private_alloc(zone, order, (enum migratetype)test_rand_below(3), 0)
				: NULL;

		if (page) {
			EXPECT_TRUE(IS_ALIGNED(frame(page), 1u << order) && frame(page) < PRIVATE_FRAMES);
			for (unsigned i = 0; i < 1u << order; i++)
				EXPECT_EQ(owner[frame(page) + i]++, 0);
			order_of[live] = (u8)order;
			pages[live++] = page;
			used += 1u << order;
		} else if (live) {
			unsigned k = test_rand_below(live);

			for (unsigned i = 0; i < 1u << order_of[k]; i++)
				EXPECT_EQ(owner[frame(pages[k]) + i]--, 1);
			private_free(zone, pages[k], order_of[k]);
			used -= 1u << order_of[k];
			pages[k] = pages[--live];
			order_of[k] = order_of[live];
		}
		EXPECT_EQ(zone->free_pages, PRIVATE_FRAMES - used);
		if (step % 8 == 0)
			EXPECT_NULL(private_check(&pz));
	}
	while (live) {
		live--;
		private_free(zone, pages[live], order_of[live]);
	}
	PZ_CLOSE();
}

KTEST(buddy, every_second_page_free_is_many_pages_and_no_pair)
{
	unsigned n;

	PZ_OPEN();
	n = take_all(0, MT_MOVABLE);
	EXPECT_EQ(n, PRIVATE_FRAMES);
	for (unsigned i = 0; i < n; i += 2)
		private_free(zone, pages[i], 0);
	EXPECT_EQ(nr_free(0), PRIVATE_FRAMES / 2);
	EXPECT_EQ(zone->free_pages, PRIVATE_FRAMES / 2);
	EXPECT_NULL(private_alloc(zone, 1, MT_MOVABLE, 0));
	EXPECT_NULL(private_check(&pz));
	for (unsigned i = 1; i < n; i += 2)
		private_free(zone, pages[i], 0);
	PZ_CLOSE();
}

KTEST(buddy, an_empty_zone_says_no_and_stays_as_it_is)
{
	PZ_OPEN();
	pages[0] = private_alloc(zone, MAX_ORDER, MT_MOVABLE, 0);
	for (unsigned order = 0; order < NR_ORDERS; order++)
		for (unsigned type = 0; type < MT_PCPTYPES; type++)
			EXPECT_NULL(private_alloc(zone, order, (enum migratetype)type,
						  BUDDY_HIGHATOMIC | BUDDY_OOM));
	EXPECT_EQ(zone->free_pages, 0);
	EXPECT_NULL(private_check(&pz));
	private_free(zone, pages[0], MAX_ORDER);
	PZ_CLOSE();
}

KTEST(buddy, page_head_is_exact_for_every_frame)
{
	static u16 head_of[PRIVATE_FRAMES];
	unsigned live = 0;

	PZ_OPEN();
	for (unsigned round = 0; round < 12; round++) {
		for (unsigned i = 0; i < 40; i++) {
			unsigned order = test_rand_below(8);

			pages[live] = private_alloc(zone, order, MT_MOVABLE, 0);
			if (!pages[live])
				break;
			order_of[live++] = (u8)order;
		}
		for (unsigned i = 0; i < 20 && live; i++) {
			unsigned k = test_rand_below(live);

			private_free(zone, pages[k], order_of[k]);
			pages[k] = pages[--live];
			order_of[k] = order_of[live];
		}
		memset(head_of, 0xff, sizeof(head_of));
		for (unsigned i = 0; i < live; i++)
			for (unsigned f = 0; f < 1u << order_of[i]; f++)
				head_of[frame(pages[i]) + f] = (u16)frame(pages[i]);
		for (unsigned f = 0; f < PRIVATE_FRAMES; f++) {
			struct page *head = page_head(pz.page + f);

			if (!EXPECT_NOT_NULL(head))
				continue;
			EXPECT_TRUE(frame(head) <= f && f < frame(head) + (1u << page_order(head)));
			if (head_of[f] != 0xffff)
				EXPECT_EQ(frame(head), head_of[f]);
			else
				EXPECT_EQ(page_state(head), PAGE_BUDDY);
		}
	}
	while (live) {
		live--;
		private_free(zone, pages[live], order_of[live]);
	}
	PZ_CLOSE();
}

KTEST(buddy, merges_stop_at_a_zone_border)
{
	static const unsigned borders[] = {1, 8, 24, 100, 512, 1000, 1023};
	static struct zone upper;

	PZ_OPEN();
	for (unsigned b = 0; b < ARRAY_SIZE(borders); b++) {
		unsigned long irq, lower_free = borders[b], upper_free = PRIVATE_FRAMES - borders[b];

		private_zone_divide(&pz, &upper, borders[b]);
		for (unsigned i = 0; i < PRIVATE_FRAMES; i++)
			pages[i] = pz.page + i;
		shuffle_pages(pages, PRIVATE_FRAMES);
		for (unsigned i = 0; i < PRIVATE_FRAMES; i++)
			private_free(frame(pages[i]) < borders[b] ? zone : &upper, pages[i], 0);
		EXPECT_EQ(zone->free_pages, lower_free);
		EXPECT_EQ(upper.free_pages, upper_free);
		EXPECT_NULL(private_check(&pz));
		irq = spin_lock_irqsave(&upper.lock);
		EXPECT_NULL(buddy_check_zone(&upper));
		spin_unlock_irqrestore(&upper.lock, irq);
		/* As few blocks as the borders allow: one for each bit of the two sizes. */
		for (unsigned o = 0; o < MAX_ORDER; o++) {
			EXPECT_EQ(nr_free(o), lower_free >> o & 1);
			EXPECT_EQ(upper.free_area[o].nr_free, upper_free >> o & 1);
		}
		for (unsigned i = 0; i < PRIVATE_FRAMES; i++)
			pz.page[i].flags = 0;
	}
	private_zone_divide(&pz, &upper, PRIVATE_FRAMES);
	private_free(zone, pz.page, MAX_ORDER);
	PZ_CLOSE();
}

KTEST(buddy, freed_last_is_used_first_unless_it_will_soon_merge)
{
	struct list_head *list = &zone->free_area[0].list[MT_MOVABLE];

	PZ_OPEN();
	take_all(0, MT_MOVABLE);
	/* No block of order 1 stands beside these: last in, first out. */
	private_free(zone, pages[0], 0);
	private_free(zone, pages[4], 0);
	private_free(zone, pages[8], 0);
	EXPECT_EQ(list_first_entry(list, struct page, lru), pages[8]);
	/* 16 and 17 are free as a pair: 18 waits for 19 to make four of it, so it is to be used last. */
	private_free(zone, pages[16], 0);
	private_free(zone, pages[17], 0);
	private_free(zone, pages[18], 0);
	EXPECT_EQ(list_last_entry(list, struct page, lru), pages[18]);
	EXPECT_EQ(list_first_entry(list, struct page, lru), pages[8]);
	EXPECT_NULL(private_check(&pz));
	for (unsigned i = 0; i < PRIVATE_FRAMES; i++)
		if (i != 0 && i != 4 && i != 8 && (i < 16 || i > 18))
			private_free(zone, pages[i], 0);
	PZ_CLOSE();
}

KTEST(buddy, a_run_freed_in_bulk_is_used_first)
{
	unsigned long irq;

	PZ_OPEN();
	take_all(0, MT_MOVABLE);
	private_free(zone, pages[8], 0);
	private_free(zone, pages[9], 0);
	irq = spin_lock_irqsave(&zone->lock);
	buddy_free_many(zone, &pages[16], 2, 0, PAGE_ALLOCATED);
	spin_unlock_irqrestore(&zone->lock, irq);
	EXPECT_EQ(list_first_entry(&zone->free_area[1].list[MT_MOVABLE], struct page, lru), pages[16]);
	for (unsigned i = 0; i < PRIVATE_FRAMES; i++)
		if (i != 8 && i != 9 && i != 16 && i != 17)
			private_free(zone, pages[i], 0);
	PZ_CLOSE();
}

/* Blocks of types that never merge as whole pageblocks merge below that size like all others. */
KTEST(buddy, inside_a_reserved_pageblock_blocks_wait_for_their_buddies_too)
{
	struct list_head *list = &zone->free_area[PAGEBLOCK_ORDER - 2].list[MT_HIGHATOMIC];
	const unsigned order = PAGEBLOCK_ORDER - 2;

	PZ_OPEN();
	take_all(order, MT_MOVABLE); /* four in each pageblock */
	pageblock_set_type(zone, pz.page, MT_HIGHATOMIC);
	pageblock_set_type(zone, pz.page + PAGEBLOCK_PAGES, MT_HIGHATOMIC);
	private_free(zone, pages[4], order);
	private_free(zone, pages[2], order);
	private_free(zone, pages[3], order);
	private_free(zone, pages[0], order); /* waits for 1, then all four are one: used last */
	EXPECT_EQ(list_first_entry(list, struct page, lru), pages[4]);
	EXPECT_EQ(list_last_entry(list, struct page, lru), pages[0]);
	pageblock_set_type(zone, pz.page, MT_MOVABLE);
	pageblock_set_type(zone, pz.page + PAGEBLOCK_PAGES, MT_MOVABLE);
	buddy_move_block(zone, pz.page, MT_MOVABLE);
	buddy_move_block(zone, pz.page + PAGEBLOCK_PAGES, MT_MOVABLE);
	for (unsigned i = 0; i < 8; i++)
		if (i == 1 || i > 4)
			private_free(zone, pages[i], order);
	PZ_CLOSE();
}

/* One of the blocks held whose buddy is among them as well, and in the same zone. */
static struct page *half_of_a_pair(struct list_head *held)
{
	struct page *a, *b;

	list_for_each_entry (a, held, lru)
		list_for_each_entry (b, held, lru)
			if (page_to_pfn(b) == (page_to_pfn(a) ^ PRIVATE_FRAMES) &&
			    page_zone(a) == page_zone(b))
				return a;
	return NULL;
}

/* Cuts a block of order 10 that its owner holds in two, and frees the first half. */
static void free_first_half(struct page *page)
{
	page->flags -= BIT(PG_ORDER_SHIFT);
	page[PAGEBLOCK_PAGES].flags = page->flags;
	page[PAGEBLOCK_PAGES].refcount = 1;
	page->refcount = 0;
	page_prepare_free(page, PAGEBLOCK_ORDER, (unsigned long)free_first_half);
	private_free(page_zone(page), page, PAGEBLOCK_ORDER);
}

KTEST(buddy, half_of_the_largest_block_waits_for_no_larger_one)
{
	struct page *page, *buddy, *other;
	LIST_HEAD(held);

	hold_blocks(&held, GFP_KERNEL | __GFP_NOWARN, MAX_ORDER, 12);
	page = half_of_a_pair(&held);
	if (!page || held.next->next->next == &held) {
		release_blocks(&held, MAX_ORDER);
		SKIP("no two neighbours of order 10 and a third block");
	}
	buddy = pfn_to_page(page_to_pfn(page) ^ PRIVATE_FRAMES);
	list_del(&page->lru);
	list_del(&buddy->lru);
	list_for_each_entry (other, &held, lru)
		if (page_zone(other) == page_zone(page) && pageblock_type(other) == pageblock_type(page))
			break;
	if (&other->lru != &held) {
		struct list_head *list =
			&page_zone(page)->free_area[PAGEBLOCK_ORDER].list[pageblock_type(page)];

		list_del(&other->lru);
		free_first_half(other);
		__free_pages(buddy, MAX_ORDER);
		free_first_half(page);
		EXPECT_EQ(list_first_entry(list, struct page, lru), page);
		__free_pages(other + PAGEBLOCK_PAGES, PAGEBLOCK_ORDER);
		__free_pages(page + PAGEBLOCK_PAGES, PAGEBLOCK_ORDER);
	} else {
		__free_pages(buddy, MAX_ORDER);
		__free_pages(page, MAX_ORDER);
	}
	release_blocks(&held, MAX_ORDER);
}

KTEST(buddy, fresh_memory_goes_to_the_tail)
{
	unsigned long irq;

	PZ_OPEN();
	take_all(3, MT_MOVABLE);
	for (unsigned i = 0; i < PRIVATE_FRAMES / 8; i += 2) {
		irq = spin_lock_irqsave(&zone->lock);
		buddy_free(zone, pages[i], 3, MT_MOVABLE, true);
		spin_unlock_irqrestore(&zone->lock, irq);
	}
	for (unsigned i = 0; i < PRIVATE_FRAMES / 8; i += 2) /* first in, first out */
		EXPECT_EQ(private_alloc(zone, 3, MT_MOVABLE, 0), pages[i]);
	free_all(PRIVATE_FRAMES / 8, 3);
	PZ_CLOSE();
}

KTEST(buddy, many_at_once_merge_as_one_by_one)
{
	PZ_OPEN();
	for (unsigned order = 0; order <= PCP_MAX_ORDER; order++) {
		unsigned n = take_all(order, MT_MOVABLE), done = 0;

		if (order != 1)
			shuffle_pages(pages, n);
		while (done < n) {
			unsigned part = min(n - done, 1 + test_rand_below(70));
			unsigned long irq = spin_lock_irqsave(&zone->lock);

			buddy_free_many(zone, pages + done, part, order, PAGE_ALLOCATED);
			spin_unlock_irqrestore(&zone->lock, irq);
			done += part;
			EXPECT_EQ(zone->free_pages, (unsigned long)done << order);
			EXPECT_NULL(private_check(&pz));
		}
		expect_whole(t, &pz);
	}
	PZ_CLOSE();
}

/* The array of one block ends where the memory ends that may be read. */
KTEST(buddy, bulk_reads_no_further_than_its_blocks)
{
	struct page **array = vmalloc(PAGE_SIZE), **last = array + PAGE_SIZE / sizeof(*array) - 1;
	unsigned long irq;

	ASSERT_NOT_NULL(array);
	if (!private_zone_open(&pz)) {
		vfree(array);
		SKIP("no order-10 block");
	}
	*last = private_alloc(zone, 3, MT_MOVABLE, 0);
	irq = spin_lock_irqsave(&zone->lock);
	buddy_free_many(zone, last, 1, 3, PAGE_ALLOCATED);
	spin_unlock_irqrestore(&zone->lock, irq);
	PZ_CLOSE();
	vfree(array);
}

KTEST(buddy, single_pages_are_cut_in_bulk_without_loss)
{
	static bool seen[PRIVATE_FRAMES];

	PZ_OPEN();
	for (unsigned round = 0; round < 6; round++) {
		unsigned got = 0;

		memset(seen, 0, sizeof(seen));
		for (;;) {
			unsigned want = 1 + test_rand_below(100), n;
			unsigned long irq = spin_lock_irqsave(&zone->lock);

			n = buddy_alloc_many(zone, 0, (enum migratetype)(round % 3), want, pages + got, 0,
					     PAGE_ALLOCATED);
			spin_unlock_irqrestore(&zone->lock, irq);
			EXPECT_NULL(private_check(&pz));
			for (unsigned i = got; i < got + n; i++) {
				EXPECT_FALSE(seen[frame(pages[i])]);
				seen[frame(pages[i])] = true;
				EXPECT_EQ(pages[i]->flags & (PG_STATE_MASK | PG_ORDER_MASK), PAGE_ALLOCATED);
				if (i > got && !round)
					EXPECT_EQ(frame(pages[i]), frame(pages[i - 1]) + 1);
			}
			got += n;
			EXPECT_EQ(zone->free_pages, PRIVATE_FRAMES - got);
			if (n < want)
				break;
		}
		EXPECT_EQ(got, PRIVATE_FRAMES);
		shuffle_pages(pages, got);
		free_all(got, 0);
	}
	PZ_CLOSE();
}

KTEST(buddy, blocks_of_each_order_are_cut_in_bulk)
{
	PZ_OPEN();
	for (unsigned order = 0; order <= PCP_MAX_ORDER; order++) {
		unsigned got = 0, n;

		do {
			unsigned long irq = spin_lock_irqsave(&zone->lock);

			n = buddy_alloc_many(zone, order, MT_MOVABLE, 1 + test_rand_below(40), pages + got, 0,
					     PAGE_PCP);
			spin_unlock_irqrestore(&zone->lock, irq);
			EXPECT_NULL(private_check(&pz));
			for (unsigned i = got; i < got + n; i++)
				EXPECT_EQ(pages[i]->flags & (PG_STATE_MASK | PG_ORDER_MASK),
					  PAGE_PCP | (unsigned long)order << PG_ORDER_SHIFT);
			for (unsigned i = got + 1; i < got + n; i++)
				EXPECT_EQ(frame(pages[i]), frame(pages[i - 1]) + (1u << order));
			got += n;
		} while (n);
		EXPECT_EQ(got, PRIVATE_FRAMES >> order);
		shuffle_pages(pages, got);
		free_all(got, order);
		expect_whole(t, &pz);
	}
	PZ_CLOSE();
}

KTEST(buddy, a_run_takes_its_pages_and_no_more)
{
	PZ_OPEN();
	for (unsigned round = 0; round < 120; round++) {
		unsigned long nr = round < 40 ? round + 1 : 1 + test_rand_below(PRIVATE_FRAMES), irq, at = 0;
		struct page *page;

		irq = spin_lock_irqsave(&zone->lock);
		page = buddy_alloc_run(zone, nr, MT_MOVABLE);
		spin_unlock_irqrestore(&zone->lock, irq);
		EXPECT_EQ(page, pz.page);
		EXPECT_EQ(zone->free_pages, PRIVATE_FRAMES - nr);
		EXPECT_NULL(private_check(&pz));
		while (at < nr) {
			EXPECT_EQ(page_state(page + at), PAGE_ALLOCATED);
			EXPECT_EQ(page_order(page + at), ilog2(nr - at));
			EXPECT_EQ(page_head(page + at + (1ul << page_order(page + at)) - 1), page + at);
			at += 1UL << page_order(page + at);
		}
		for (at = 0; at < nr;) {
			unsigned order = page_order(page + at);

			private_free(zone, page + at, order);
			at += 1UL << order;
		}
		expect_whole(t, &pz);
	}
	pages[0] = private_alloc(zone, 0, MT_MOVABLE, 0);
	for (unsigned long nr = PRIVATE_FRAMES / 2 + 1; nr <= PRIVATE_FRAMES; nr += 73) {
		unsigned long irq = spin_lock_irqsave(&zone->lock);

		EXPECT_NULL(buddy_alloc_run(zone, nr, MT_MOVABLE));
		EXPECT_NULL(buddy_alloc_run(zone, 1, MT_RECLAIMABLE)); /* nothing is stolen for it */
		spin_unlock_irqrestore(&zone->lock, irq);
	}
	private_free(zone, pages[0], 0);
	PZ_CLOSE();
}

/* An order-10 block on the list of one type, made of two pageblocks of which the lower has another. */
static void merge_two_types(struct ktest *t)
{
	struct page *a = private_alloc(zone, PAGEBLOCK_ORDER, MT_MOVABLE, 0);
	struct page *b = private_alloc(zone, PAGEBLOCK_ORDER, MT_MOVABLE, 0);

	EXPECT_TRUE(a && b == a + PAGEBLOCK_PAGES);
	a->block_type = MT_RECLAIMABLE;
	private_free(zone, a, PAGEBLOCK_ORDER);
	private_free(zone, b, PAGEBLOCK_ORDER);
	EXPECT_EQ(nr_free(MAX_ORDER), 1);
	EXPECT_EQ(page_type(a), MT_MOVABLE);
}

KTEST(buddy, a_block_says_its_pageblocks_type_not_its_lists)
{
	unsigned long irq;
	struct page *page;
	unsigned n;

	PZ_OPEN();
	merge_two_types(t);
	page = private_alloc(zone, 3, MT_MOVABLE, 0);
	EXPECT_EQ(page_type(page), MT_RECLAIMABLE);
	private_free(zone, page, 3);
	lock_and(pageblock_set_type, pz.page, MT_MOVABLE);
	expect_whole(t, &pz);

	merge_two_types(t);
	irq = spin_lock_irqsave(&zone->lock);
	n = buddy_alloc_many(zone, 0, MT_MOVABLE, PRIVATE_FRAMES, pages, 0, PAGE_ALLOCATED);
	spin_unlock_irqrestore(&zone->lock, irq);
	EXPECT_EQ(n, PRIVATE_FRAMES);
	for (unsigned i = 0; i < n; i++)
		EXPECT_EQ(page_type(pages[i]), pageblock_type(pages[i]));
	free_all(n, 0);
	lock_and(pageblock_set_type, pz.page, MT_MOVABLE);
	expect_whole(t, &pz);

	merge_two_types(t);
	irq = spin_lock_irqsave(&zone->lock);
	page = buddy_alloc_run(zone, 5, MT_MOVABLE);
	spin_unlock_irqrestore(&zone->lock, irq);
	ASSERT_NOT_NULL(page);
	EXPECT_EQ(page_type(page), MT_RECLAIMABLE);
	private_free(zone, page, 2);
	private_free(zone, page + 4, 0);
	lock_and(pageblock_set_type, pz.page, MT_MOVABLE);
	PZ_CLOSE();
}
