/*
 * test_pcp.c - the per-CPU page lists: order, limits, types, conservation, and interrupts in the middle.
 *
 * Idea.       The lists must be invisible but for speed: no page is lost or handed out twice, none is counted twice, and
 *             never more than `high` pages wait there. That is checked around everything that moves pages through them.
 * Layout.     The real lists of this CPU, of the zone that ordinary requests use and of DMA.
 * Invariants. P1 and P2 of mm/pcp.c.
 * Locking.    None: main loop of one CPU.
 * Failure.    With page debugging on the lists are off and most cases are skipped.
 * Next:       test_page_alloc.c.
 */
#include "zone_fixture.h"

#include <arch/irq.h>
#include <kernel/string.h>
#include <mm/check.h>

enum { MOST = 4096 };
static struct page *pages[MOST];
static u8 order_of[MOST];

static struct pcp *pcp_of(const struct zone *zone)
{
	return this_cpu(pcp_zone[zone->id]);
}

static unsigned long on_lists(const struct zone *zone)
{
	return pcp_count(zone, arch_cpu_id());
}

/* The zone that a plain request goes to first. */
static struct zone *plain_zone(void)
{
	struct zone *const *z = nodes[numa_node_id()].fallback.zone;

	while (*z && (*z)->type > ZONE_NORMAL)
		z++;
	return *z;
}

static void free_one_by_one(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		__free_page(pages[i]);
}

#define NEEDS_LISTS()                                                       \
	do {                                                                \
		if (page_debug_enabled())                                   \
			SKIP("page debugging keeps the per-CPU lists off"); \
	} while (0)

KTEST(pcp, the_page_freed_last_is_allocated_first)
{
	NEEDS_LISTS();
	for (unsigned order = 0; order <= PCP_MAX_ORDER; order++) {
		struct page *a, *b;

		mm_settle();
		a = alloc_pages(GFP_KERNEL, order);
		b = alloc_pages(GFP_KERNEL, order);
		ASSERT_TRUE(a && b);
		__free_pages(a, order);
		__free_pages(b, order);
		/* On a small list the stack may have let the older one go, never the newer. */
		if (on_lists(page_zone(b)) && page_zone(b)->high >= 2u << order)
			EXPECT_EQ(page_state(b), PAGE_PCP);
		if (page_state(b) == PAGE_PCP && page_type(b) == MT_UNMOVABLE) {
			EXPECT_EQ(alloc_pages(GFP_KERNEL, order), b);
			__free_pages(b, order);
		}
	}
}

/* However many come back: the last ones freed, as many as a flush moves, are still there, the newest on top. */
KTEST(pcp, the_warmest_pages_survive_every_flush)
{
	struct zone *zone = plain_zone();
	unsigned n = min(2 * zone->high + 10, (unsigned)MOST), got = 0;
	unsigned warm = min(min(zone->batch, (unsigned)PCP_REFILL_MAX), 8u);

	NEEDS_LISTS();
	mm_settle();
	while (got < n && (pages[got] = alloc_page(GFP_KERNEL | __GFP_THISNODE)) != NULL) {
		if (page_zone(pages[got]) != zone || page_type(pages[got]) != MT_UNMOVABLE) {
			__free_page(pages[got]);
			break;
		}
		got++;
	}
	for (unsigned i = 0; i < got; i++) {
		__free_page(pages[i]);
		EXPECT_LE(on_lists(zone), zone->high);
		if (i < warm)
			continue;
		for (unsigned k = 0; k < warm; k++)
			EXPECT_EQ(alloc_page(GFP_KERNEL), pages[i - k]);
		for (unsigned k = warm; k-- > 0;)
			__free_page(pages[i - k]);
	}
}

/* Single pages until neither the list nor blocks below `order` of its type could serve the next one. */
static unsigned use_up_small_blocks(struct zone *zone, unsigned order)
{
	unsigned n = 0;

	while (n < MOST) {
		bool small = pcp_of(zone)->row[MT_UNMOVABLE][0]->avail;

		for (unsigned o = 0; o < order; o++)
			small |= !list_empty(&zone->free_area[o].list[MT_UNMOVABLE]);
		if (!small)
			break;
		pages[n] = alloc_page(GFP_KERNEL);
		if (!pages[n] || page_zone(pages[n++]) != zone)
			break;
	}
	return n;
}

KTEST(pcp, one_refill_is_handed_out_in_ascending_frames)
{
	struct zone *zone = plain_zone();
	struct page *run[PCP_REFILL_MAX];
	unsigned batch = min(zone->batch, (unsigned)PCP_REFILL_MAX), held, got = 0;
	u64 refills;

	NEEDS_LISTS();
	mm_settle();
	held = use_up_small_blocks(zone, 5);
	refills = pcp_of(zone)->refills;
	while (got < batch && (run[got] = alloc_page(GFP_KERNEL)) != NULL)
		got++;
	EXPECT_EQ(pcp_of(zone)->refills, refills + 1);
	for (unsigned i = 1; i < got; i++)
		EXPECT_EQ(page_to_pfn(run[i]), page_to_pfn(run[0]) + i);
	free_pages_bulk(run, got);
	free_pages_bulk(pages, held);
}

KTEST(pcp, the_zone_is_asked_once_a_batch)
{
	struct zone *zone = plain_zone();
	unsigned batch = min(zone->batch, (unsigned)PCP_REFILL_MAX), n = min(40 * batch, 1000u), held, end;
	u64 refills, flushes;

	NEEDS_LISTS();
	mm_settle();
	held = end = use_up_small_blocks(zone, 5); /* a refill from many small blocks may be a smaller one */
	n = min(n, MOST - held);
	refills = pcp_of(zone)->refills;
	flushes = pcp_of(zone)->flushes;
	while (end < held + n && (pages[end] = alloc_page(GFP_KERNEL)) != NULL &&
	       page_zone(pages[end]) == zone)
		end++;
	EXPECT_EQ(end, held + n);
	EXPECT_LE(pcp_of(zone)->refills - refills, n / batch + 1);
	free_one_by_one(end);
	EXPECT_LE(pcp_of(zone)->flushes - flushes, end / batch + 1);
}

KTEST(pcp, waiting_pages_are_neither_free_nor_allocated)
{
	NEEDS_LISTS();
	for (unsigned order = 0; order <= PCP_MAX_ORDER; order++) {
		struct page *page = alloc_pages(GFP_KERNEL, order);
		struct zone *zone;
		unsigned long allocated;

		ASSERT_NOT_NULL(page);
		zone = page_zone(page);
		allocated = zone_allocated_pages(zone);
		for (unsigned i = 0; i < 100; i++) {
			__free_pages(page, order);
			EXPECT_EQ(zone_allocated_pages(zone), allocated - (1u << order));
			page = alloc_pages(GFP_KERNEL, order);
			EXPECT_EQ(zone_allocated_pages(zone), allocated);
		}
		EXPECT_EQ(zone->managed,
			  zone->free_pages + zone->isolated_pages + on_lists(zone) + allocated);
		__free_pages(page, order);
		mm_settle();
		EXPECT_EQ(zone_allocated_pages(zone), allocated - (1u << order));
	}
}

KTEST(pcp, random_use_stays_within_high_and_loses_nothing)
{
	static const gfp_t gfps[] = {GFP_KERNEL, GFP_KERNEL | __GFP_MOVABLE, GFP_KERNEL | __GFP_RECLAIMABLE,
				     GFP_ATOMIC, SMALL_GFP | GFP_KERNEL};
	struct snapshot before;
	unsigned live = 0;

	snapshot_take(&before);
	for (unsigned step = 0; step < 6000; step++) {
		if (test_rand_below(100) < (step / 1000 % 2 ? 35 : 60) && live < 1500) {
			unsigned order = test_rand_below(PCP_ORDERS);
			struct page *page =
				alloc_pages(gfps[test_rand_below(ARRAY_SIZE(gfps))] | __GFP_NOWARN, order);

			if (!page)
				continue;
			EXPECT_EQ(page->refcount, 1);
			EXPECT_EQ(page->flags & (PG_STATE_MASK | PG_ORDER_MASK),
				  PAGE_ALLOCATED | (unsigned long)order << PG_ORDER_SHIFT);
			pages[live] = page;
			order_of[live++] = (u8)order;
		} else if (live) {
			unsigned k = test_rand_below(live);
			struct zone *zone = page_zone(pages[k]);

			__free_pages(pages[k], order_of[k]);
			EXPECT_LE(on_lists(zone), zone->high);
			pages[k] = pages[--live];
			order_of[k] = order_of[live];
		}
		if (step % 64 == 0)
			EXPECT_NULL(pcp_check());
	}
	while (live) {
		live--;
		__free_pages(pages[live], order_of[live]);
	}
	expect_snapshot(t, &before);
}

/* Shows pcp.P3. */
KTEST(pcp, draining_moves_exactly_what_was_there)
{
	struct zone *zone = plain_zone();
	unsigned long waiting, free;
	struct snapshot before;
	unsigned n;

	NEEDS_LISTS();
	snapshot_take(&before);
	for (n = 0; n < 300; n++) {
		order_of[n] = (u8)test_rand_below(PCP_ORDERS);
		pages[n] = alloc_pages(GFP_KERNEL | (test_rand_below(2) ? __GFP_MOVABLE : 0), order_of[n]);
		if (!pages[n])
			break;
	}
	while (n--)
		__free_pages(pages[n], order_of[n]);
	waiting = on_lists(zone);
	free = zone->free_pages;
	EXPECT_GT(waiting, 0);
	EXPECT_EQ(pcp_drain_local(zone), waiting);
	EXPECT_EQ(on_lists(zone), 0);
	EXPECT_EQ(zone->free_pages, free + waiting);
	EXPECT_EQ(pcp_drain_local(zone), 0);
	EXPECT_NULL(pcp_check());
	expect_snapshot(t, &before);
}

KTEST(pcp, large_blocks_pass_by)
{
	for (unsigned order = PCP_MAX_ORDER + 1; order < NR_ORDERS; order++) {
		struct page *page = alloc_pages(GFP_KERNEL | __GFP_NOWARN, order);
		unsigned long waiting, free;
		struct zone *zone;

		if (!page)
			break;
		zone = page_zone(page);
		waiting = on_lists(zone);
		free = zone->free_pages;
		__free_pages(page, order);
		EXPECT_EQ(on_lists(zone), waiting);
		EXPECT_EQ(zone->free_pages, free + (1UL << order));
	}
}

KTEST(pcp, a_block_waits_on_the_list_of_its_pageblocks_type)
{
	static const gfp_t gfps[] = {GFP_KERNEL, GFP_KERNEL | __GFP_MOVABLE, GFP_KERNEL | __GFP_RECLAIMABLE};

	NEEDS_LISTS();
	for (unsigned i = 0; i < ARRAY_SIZE(gfps); i++) {
		for (unsigned order = 0; order < PCP_ORDERS; order++) {
			struct page *page = alloc_pages(gfps[i], order);
			const struct pcpu_stack *s;

			ASSERT_NOT_NULL(page);
			EXPECT_EQ(page_type(page), pageblock_type(page));
			s = pcp_of(page_zone(page))->row[page_type(page)][order];
			__free_pages(page, order);
			if (page_state(page) == PAGE_PCP)
				EXPECT_EQ(s->entry[s->avail - 1], page);
		}
	}
}

/* The lists cannot know that a pageblock was isolated; the way out of them must. */
KTEST(pcp, waiting_pages_of_an_isolated_pageblock_are_flushed_into_isolation)
{
	struct page *block = alloc_pages(GFP_KERNEL | __GFP_MOVABLE | __GFP_NOWARN, PAGEBLOCK_ORDER);
	struct zone *zone;
	unsigned long irq;
	int err;

	NEEDS_LISTS();
	if (!block)
		SKIP("no order-9 block");
	zone = page_zone(block);
	EXPECT_EQ(pageblock_type(block), MT_MOVABLE);
	split_page(block, PAGEBLOCK_ORDER);
	for (unsigned i = 0; i < 8; i++)
		__free_page(block + 3 * i);
	irq = spin_lock_irqsave(&zone->lock);
	err = buddy_isolate(zone, block);
	spin_unlock_irqrestore(&zone->lock, irq);
	ASSERT_EQ(err, 0);
	for (unsigned i = 0; i < PAGEBLOCK_PAGES; i++)
		if (i % 3 || i >= 24)
			__free_page(block + i);
	mm_settle();
	EXPECT_EQ(zone->isolated_pages, PAGEBLOCK_PAGES);
	irq = spin_lock_irqsave(&zone->lock);
	EXPECT_NULL(buddy_check_zone(zone));
	buddy_unisolate(zone, block, MT_MOVABLE);
	EXPECT_EQ(zone->isolated_pages, 0);
	spin_unlock_irqrestore(&zone->lock, irq);
}

KTEST(pcp, stacks_lend_each_other_their_room)
{
	struct zone *zone = plain_zone();
	struct pcp *pcp = pcp_of(zone);
	unsigned n = 0;

	NEEDS_LISTS();
	mm_settle();
	/* One stack takes all of high ... */
	while (n < min(2 * zone->high, (unsigned)MOST) && (pages[n] = alloc_page(GFP_KERNEL)) != NULL)
		n++;
	free_one_by_one(n);
	EXPECT_GE(pcp->row[MT_UNMOVABLE][0]->limit, min((unsigned)zone->high, n) * 3 / 4);
	EXPECT_NULL(pcp_check());
	mm_settle();
	/* ... and gives it up for others when it stands empty. */
	for (unsigned order = 1; order < PCP_ORDERS; order++) {
		unsigned want = zone->high >> order, got = 0;

		if (!want) /* a zone so small that its lists hold no block of this order */
			break;
		while (got < want && (pages[got] = alloc_pages(GFP_KERNEL, order)) != NULL)
			got++;
		for (unsigned i = 0; i < got; i++)
			__free_pages(pages[i], order);
		EXPECT_GE(pcp->row[MT_UNMOVABLE][order]->limit << order, zone->high / 2);
		EXPECT_NULL(pcp_check());
		mm_settle();
	}
}

/* All room is another stack's: the first page that comes back takes a batch of it at most. */
KTEST(pcp, a_stack_takes_no_more_room_than_a_batch)
{
	struct zone *zone = plain_zone();
	struct pcpu_stack *s, *other;
	struct page *page;
	unsigned room, given;
	struct pcp *pcp;
	unsigned long irq;

	mm_settle();
	page = alloc_page(GFP_KERNEL);
	ASSERT_NOT_NULL(page);
	mm_settle();
	irq = arch_irq_save();
	pcp = pcp_of(zone);
	s = pcp_row(pcp, page->flags);
	other = pcp->row[MT_MOVABLE][0];
	if (s == &pcp_nostack || s == other || page_zone(page) != zone || s->avail) {
		arch_irq_restore(irq);
		__free_page(page);
		SKIP("no unmovable page of the zone, or the lists are off");
	}
	other->limit += s->limit + pcp->spare;
	s->limit = pcp->spare = 0;
	room = other->limit;
	__free_page(page);
	given = s->limit;
	EXPECT_EQ(s->avail, 1);
	EXPECT_EQ(pcp->spare, 0);
	EXPECT_EQ(room - other->limit, given);
	arch_irq_restore(irq);
	EXPECT_TRUE(given && given <= (unsigned)pcp->batch);
}

/* When other lists hold all of high, a refill brings what its caller takes and nothing to keep. */
KTEST(pcp, a_refill_finds_no_room_when_other_lists_are_full)
{
	struct zone *zone = plain_zone();
	struct page *page[PCP_ORDERS];
	unsigned n = 0;

	NEEDS_LISTS();
	mm_settle();
	while (n < min(2 * zone->high, (unsigned)MOST) &&
	       (pages[n] = alloc_page(GFP_KERNEL | __GFP_MOVABLE)) != NULL)
		n++;
	mm_settle();
	free_one_by_one(n);
	EXPECT_NULL(pcp_check());
	for (unsigned order = 0; order < PCP_ORDERS; order++) {
		page[order] = alloc_pages(GFP_KERNEL, order);
		EXPECT_NOT_NULL(page[order]);
		EXPECT_LE(on_lists(zone), zone->high);
		EXPECT_NULL(pcp_check());
	}
	for (unsigned order = 0; order < PCP_ORDERS; order++)
		__free_pages(page[order], order);
}

KTEST(pcp, each_zone_has_lists_of_its_own)
{
	struct zone *dma = small_zone(), *plain = plain_zone();
	struct page *page;

	NEEDS_LISTS();
	if (!dma || dma == plain)
		SKIP("only one zone");
	mm_settle();
	page = alloc_page(SMALL_GFP | GFP_KERNEL);
	ASSERT_NOT_NULL(page);
	EXPECT_EQ(page_zone(page), dma);
	__free_page(page);
	EXPECT_EQ(on_lists(plain), 0);
	EXPECT_EQ(alloc_page(SMALL_GFP | GFP_KERNEL), page);
	__free_page(page);
}

KTEST(pcp, the_check_names_a_page_that_does_not_wait)
{
	struct pcp *pcp = pcp_of(plain_zone());
	struct pcpu_stack *s = pcp->row[MT_UNMOVABLE][0];
	unsigned long irq;
	struct page *page;

	NEEDS_LISTS();
	__free_page(alloc_page(GFP_KERNEL));
	irq = arch_irq_save();
	if (s->avail) {
		page = s->entry[s->avail - 1];
		page->refcount = 1;
		EXPECT_NOT_NULL(pcp_check());
		page->refcount = 0;
		page->flags += BIT(PG_ORDER_SHIFT);
		EXPECT_NOT_NULL(pcp_check());
		page->flags -= BIT(PG_ORDER_SHIFT);
		page->flags ^= PAGE_PCP ^ PAGE_ALLOCATED;
		EXPECT_NOT_NULL(pcp_check());
		page->flags ^= PAGE_PCP ^ PAGE_ALLOCATED;
		s->limit++;
		EXPECT_NOT_NULL(pcp_check());
		s->limit--;
	}
	EXPECT_NULL(pcp_check());
	arch_irq_restore(irq);
}

KTEST(pcp, the_empty_stack_gives_and_takes_nothing)
{
	EXPECT_NULL(arch_stack_pop(&pcp_nostack));
	EXPECT_FALSE(arch_stack_push(&pcp_nostack, pages));
	EXPECT_EQ(pcp_nostack.avail, 0);
}

/* ---- interrupts ---- */

struct thief {
	struct page *page[64];
	unsigned nr, order;
};

/* What an interrupt does to the lists between two instructions: takes a block, gives one back, or both. */
static void interfere(unsigned long pc, void *ctx)
{
	struct thief *thief = ctx;

	if (thief->nr < ARRAY_SIZE(thief->page) && test_rand_below(2)) {
		struct page *page = alloc_pages(GFP_ATOMIC | __GFP_NOWARN, thief->order);

		if (page)
			thief->page[thief->nr++] = page;
	}
	if (thief->nr && test_rand_below(2))
		__free_pages(thief->page[--thief->nr], thief->order);
}

struct victim {
	struct page *page[24];
	unsigned nr, order;
};

static void use_lists(void *ctx)
{
	struct victim *v = ctx;

	v->nr = 0;
	for (unsigned step = 0; step < 40; step++) {
		if (step % 5 < 3 && v->nr < ARRAY_SIZE(v->page)) {
			v->page[v->nr] = alloc_pages(GFP_KERNEL | __GFP_NOWARN, v->order);
			v->nr += v->page[v->nr] != NULL;
		} else if (v->nr) {
			__free_pages(v->page[--v->nr], v->order);
		}
	}
}

KTEST(pcp, an_interrupt_at_any_instruction_gets_other_pages)
{
	static struct thief thief;
	static struct victim victim;

	NEEDS_LISTS();
	if (!arch_has_single_step())
		SKIP("no single steps");
	for (unsigned round = 0; round < 12; round++) {
		struct zone *zone = plain_zone();
		unsigned long allocated;

		thief.nr = 0;
		thief.order = victim.order = round % PCP_ORDERS;
		allocated = zone_allocated_pages(zone);
		EXPECT_GT(arch_single_step(use_lists, &victim, interfere, &thief), 0);
		EXPECT_NULL(pcp_check());
		EXPECT_EQ(zone_allocated_pages(zone),
			  allocated + ((unsigned long)(thief.nr + victim.nr) << victim.order));
		for (unsigned i = 0; i < victim.nr; i++)
			for (unsigned k = 0; k < thief.nr; k++)
				EXPECT_NE(victim.page[i], thief.page[k]);
		while (victim.nr)
			__free_pages(victim.page[--victim.nr], victim.order);
		while (thief.nr)
			__free_pages(thief.page[--thief.nr], thief.order);
	}
}

static void empty_the_lists(void *ctx)
{
	struct thief *thief = ctx;

	while (thief->nr < ARRAY_SIZE(thief->page) &&
	       (thief->page[thief->nr] = alloc_pages(GFP_ATOMIC, thief->order)) != NULL)
		thief->nr++;
}

static void fill_the_lists(void *ctx)
{
	struct thief *thief = ctx;

	while (thief->nr)
		__free_pages(thief->page[--thief->nr], thief->order);
}

KTEST(pcp, interrupts_refill_and_flush_the_same_lists)
{
	static struct thief thief;
	struct snapshot before;

	snapshot_take(&before);
	for (unsigned round = 0; round < 24; round++) {
		struct page *page;

		thief.order = round % PCP_ORDERS;
		arch_irq_test_raise(empty_the_lists, &thief);
		EXPECT_EQ(thief.nr, ARRAY_SIZE(thief.page));
		page = alloc_pages(GFP_KERNEL, thief.order);
		ASSERT_NOT_NULL(page);
		for (unsigned i = 0; i < thief.nr; i++)
			EXPECT_NE(page, thief.page[i]);
		arch_irq_test_raise(fill_the_lists, &thief);
		EXPECT_EQ(thief.nr, 0);
		__free_pages(page, thief.order);
		EXPECT_NULL(pcp_check());
	}
	expect_snapshot(t, &before);
}
