/*
 * zone_fixture.c - what the tests of the page layers share.
 *
 * Idea.       buddy.c knows one zone and finds it by the id in page->flags. So frames that are taken from the real
 *             allocator and given another id make a zone of their own, with the same code working on it.
 * Layout.     see zone_fixture.h
 * Invariants. After private_zone_close() the real allocator has its block back as it gave it.
 * Locking.    The private zone's own lock.
 * Failure.    No order-10 block: the test is skipped.
 * Next:       test_buddy.c.
 */
#include "zone_fixture.h"

#include <kernel/string.h>
#include <mm/check.h>

enum { PRIVATE_ID = (1 << ZONE_ID_BITS) - 16 }; /* a node that no machine has */

/* ---- pictures ---- */

struct zone_snapshot zone_snapshot(const struct zone *zone)
{
	struct zone_snapshot s = {.free = zone->free_pages};

	for (unsigned o = 0; o < NR_ORDERS; o++)
		s.blocks[o] = zone->free_area[o].nr_free + zone->unopened[o];
	return s;
}

void snapshot_take(struct snapshot *s)
{
	mm_settle();
	memset(s, 0, sizeof(*s));
	for (unsigned id = 0; id < min(nr_zone_ids, (unsigned)SNAPSHOT_ZONES); id++)
		s->zone[id] = zone_snapshot(zone_by_id(id));
}

void expect_snapshot(struct ktest *t, const struct snapshot *s)
{
	struct snapshot now;

	snapshot_take(&now);
	for (unsigned id = 0; id < SNAPSHOT_ZONES; id++) {
		const struct zone_snapshot *a = &s->zone[id], *b = &now.zone[id];

		EXPECT_EQ(a->free, b->free);
		for (unsigned o = 0; o < NR_ORDERS; o++)
			EXPECT_MSG(a->blocks[o] == b->blocks[o],
				   "zone %u order %u: %lu blocks before, %lu now", id, o, a->blocks[o],
				   b->blocks[o]);
	}
}

/* ---- pages held ---- */

u64 log_position(void)
{
	char line[LOG_LINE_SIZE];
	u64 pos = 0;

	while (log_next_line(&pos, line))
		;
	return pos;
}

unsigned log_lines_with(u64 pos, const char *text)
{
	char line[LOG_LINE_SIZE];
	unsigned n = 0;

	while (log_next_line(&pos, line))
		n += strstr(line, text) != NULL;
	return n;
}

void shuffle_pages(struct page **pages, unsigned n)
{
	for (; n > 1; n--) {
		unsigned k = test_rand_below(n);
		struct page *p = pages[k];

		pages[k] = pages[n - 1];
		pages[n - 1] = p;
	}
}

unsigned long hold_blocks(struct list_head *held, gfp_t gfp, unsigned order, unsigned long most)
{
	unsigned long n;

	for (n = 0; n < most; n++) {
		struct page *page = alloc_pages(gfp, order);

		if (!page)
			break;
		list_add_tail(&page->lru, held);
	}
	return n;
}

void release_blocks(struct list_head *held, unsigned order)
{
	while (!list_empty(held)) {
		struct page *page = list_first_entry(held, struct page, lru);

		list_del(&page->lru);
		__free_pages(page, order);
	}
}

struct zone *small_zone(void)
{
	struct zone *zone = node_zone(numa_node_id(), ZONE_DMA);

	return zone->managed >= 1024 && zone->managed <= SMALL_ZONE_MOST ? zone : NULL;
}

bool node_has_low_memory(int nid)
{
	unsigned long managed = 0;

	for (unsigned type = 0; type <= ZONE_NORMAL; type++)
		managed += node_zone(nid, (enum zone_type)type)->managed;
	return managed >= 64;
}

/* ---- a zone of the test's own ---- */

static void zone_start(struct zone *zone, unsigned id, pfn_t start, pfn_t end)
{
	*zone = (struct zone){.id = id,
			      .nid = memblock_nid(&memblock, start << PAGE_SHIFT),
			      .name = "test",
			      .start_pfn = start,
			      .end_pfn = end,
			      .present = end - start,
			      .managed = end - start};
	spin_init(&zone->lock, "test zone", LOCK_ZONE, 0);
	buddy_zone_init(zone);
}

bool private_zone_open(struct private_zone *pz)
{
	struct page *page = alloc_pages(GFP_KERNEL | __GFP_NOWARN, MAX_ORDER);
	pfn_t pfn;

	if (!page)
		return false;
	pz->page = page;
	pz->flags = page->flags;
	for (unsigned i = 0; i < 2; i++) {
		pz->block_type[i] = page[i * PAGEBLOCK_PAGES].block_type;
		page[i * PAGEBLOCK_PAGES].block_type = MT_MOVABLE;
	}
	page->flags = 0;
	page->refcount = 0;
	pfn = page_to_pfn(page);
	zone_start(&pz->zone, PRIVATE_ID, pfn, pfn + PRIVATE_FRAMES);
	private_free(&pz->zone, page, MAX_ORDER);
	return true;
}

void private_zone_close(struct private_zone *pz)
{
	for (unsigned i = 0; i < PRIVATE_FRAMES; i++) {
		pz->page[i].flags = 0;
		pz->page[i].refcount = 0;
	}
	for (unsigned i = 0; i < 2; i++)
		pz->page[i * PAGEBLOCK_PAGES].block_type = pz->block_type[i];
	pz->page->flags = pz->flags;
	pz->page->refcount = 1;
	__free_pages(pz->page, MAX_ORDER);
}

void private_zone_divide(struct private_zone *pz, struct zone *upper, unsigned from)
{
	pfn_t pfn = page_to_pfn(pz->page);

	pz->page->flags = 0;
	zone_start(&pz->zone, PRIVATE_ID, pfn, pfn + from);
	zone_start(upper, PRIVATE_ID + 1, pfn + from, pfn + PRIVATE_FRAMES);
}

struct page *private_alloc(struct zone *zone, unsigned order, enum migratetype type, unsigned flags)
{
	unsigned long irq = spin_lock_irqsave(&zone->lock);
	struct page *page = buddy_alloc(zone, order, type, flags);

	spin_unlock_irqrestore(&zone->lock, irq);
	return page;
}

void private_free(struct zone *zone, struct page *page, unsigned order)
{
	unsigned long irq = spin_lock_irqsave(&zone->lock);

	buddy_free(zone, page, order, pageblock_type(page), false);
	spin_unlock_irqrestore(&zone->lock, irq);
}

const char *private_check(struct private_zone *pz)
{
	unsigned long irq = spin_lock_irqsave(&pz->zone.lock), highatomic = 0;
	const char *what = buddy_check_zone(&pz->zone);
	unsigned isolated = 0;

	spin_unlock_irqrestore(&pz->zone.lock, irq);
	for (unsigned i = 0; i < 2; i++) {
		isolated += pz->page[i * PAGEBLOCK_PAGES].block_type == MT_ISOLATE;
		highatomic += pz->page[i * PAGEBLOCK_PAGES].block_type == MT_HIGHATOMIC ? PAGEBLOCK_PAGES : 0;
	}
	if (!what && (isolated != pz->zone.nr_isolated_blocks || highatomic != pz->zone.highatomic_pages))
		return "buddy.F7: pageblocks of a type are miscounted";
	return what;
}

void expect_whole(struct ktest *t, struct private_zone *pz)
{
	EXPECT_NULL(private_check(pz));
	EXPECT_EQ(pz->zone.free_pages, PRIVATE_FRAMES);
	EXPECT_EQ(pz->zone.free_area[MAX_ORDER].nr_free, 1);
	for (unsigned i = 1; i < PRIVATE_FRAMES; i++)
		EXPECT_EQ(page_state(pz->page + i), PAGE_INTERIOR);
}
