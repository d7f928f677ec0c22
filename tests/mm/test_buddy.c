/*
 * test_buddy.c - split and merge, types and stealing, the atomic reserve and isolation, on a zone of the test's own.
 *
 * Idea.       A zone of 1024 frames and two pageblocks in which nothing happens but what the test does: lists and
 *             counts can be foretold exactly, and a bitmap of frames catches every overlap.
 * Layout.     PZ_OPEN() borrows an order-10 block (zone_fixture.h); at the end all of it must have merged again.
 * Invariants. F1 to F7 of mm/buddy.c, between random operations.
 * Locking.    The private zone's lock, inside private_alloc() and private_free().
 * Failure.    As every test's; without an order-10 block the case is skipped.
 * Next:       test_pcp.c.
 */
#include "zone_fixture.h"

#include <kernel/errno.h>
#include <kernel/string.h>
#include <mm/vmalloc.h>

static struct private_zone pz;
static struct zone *const zone = &pz.zone;
static struct page *pages[PRIVATE_FRAMES + 1]; /* and the NULL that ends take_all() */
static u8 order_of[PRIVATE_FRAMES];

#define PZ_OPEN()                                  \
	do {                                       \
		if (!private_zone_open(&pz))       \
			SKIP("no order-10 block"); \
	} while (0)
/* Everything has been given back. */
#define PZ_CLOSE()                       \
	do {                             \
		expect_whole(t, &pz);    \
		private_zone_close(&pz); \
	} while (0)

static unsigned frame(const struct page *page)
{
	return (unsigned)(page - pz.page);
}

static unsigned long nr_free(unsigned order)
{
	return zone->free_area[order].nr_free;
}

/* Cuts the whole zone into blocks of one order, in pages[] by ascending frame. */
static unsigned take_all(unsigned order, enum migratetype type)
{
	unsigned n = 0;

	while ((pages[n] = private_alloc(zone, order, type, 0)) != NULL)
		n++;
	for (unsigned i = 1; i < n; i++) /* insertion sort of what is nearly sorted */
		for (unsigned k = i; k && pages[k] < pages[k - 1]; k--) {
			struct page *p = pages[k];

			pages[k] = pages[k - 1];
			pages[k - 1] = p;
		}
	return n;
}

static void shuffle(unsigned n)
{
	for (; n > 1; n--) {
		unsigned k = test_rand_below(n);
		struct page *p = pages[k];

		pages[k] = pages[n - 1];
		pages[n - 1] = p;
	}
}

static void free_all(unsigned n, unsigned order)
{
	for (unsigned i = 0; i < n; i++)
		private_free(zone, pages[i], order);
}

static void lock_and(void (*fn)(struct zone *, struct page *, enum migratetype), struct page *page,
		     enum migratetype type)
{
	unsigned long irq = spin_lock_irqsave(&zone->lock);

	fn(zone, page, type);
	spin_unlock_irqrestore(&zone->lock, irq);
}

static void set_type(struct zone *z, struct page *page, enum migratetype type)
{
	pageblock_set_type(z, page, type);
	buddy_move_block(z, page, type);
}

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
		shuffle(n);
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
		shuffle(PRIVATE_FRAMES);
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
			shuffle(n);
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
		shuffle(got);
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
		shuffle(got);
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
	shuffle(n);
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
