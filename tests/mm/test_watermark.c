/*
 * test_watermark.c - zone_watermark_ok(): at how many free pages each kind of request stops.
 *
 * Idea.       The rule reads a zone of the test's own, which has marks, one block and no memory. Each number of free pages
 *             is tried, so the level is exact.
 * Layout.     zone, block
 * Invariants. The rule of Linux's __zone_watermark_ok().
 * Failure.    As every test's.
 * Next:       test_buddy.c.
 */
#include "zone_fixture.h"

#include <kernel/string.h>

static struct zone zone; /* of no memory: what the check looks at */
static struct list_head block;

static void zone_with_block(int order, enum migratetype type)
{
	memset(&zone, 0, sizeof(zone));
	buddy_zone_init(&zone);
	if (order >= 0) {
		list_add(&block, &zone.free_area[order].list[type]);
		zone.free_area[order].nr_free = 1;
	}
}

/* The largest number of free pages at which the request still fails. */
static long stops_at(unsigned order, unsigned long mark, enum zone_type highest, unsigned flags)
{
	long stop = -1;

	for (unsigned long free = 0; free < 3000; free++)
		if (!zone_watermark_ok(&zone, order, mark, highest, flags, free))
			stop = (long)free;
	return stop;
}

/* Shows page_alloc.A3. */
KTEST(zone, free_pages_must_exceed_mark_and_reserve)
{
	zone_with_block(-1, MT_MOVABLE);
	zone.lowmem_reserve[ZONE_NORMAL] = 500;
	for (unsigned long mark = 0; mark < 300; mark += 23) {
		EXPECT_EQ(stops_at(0, mark, ZONE_DMA, 0), mark);
		EXPECT_EQ(stops_at(0, mark, ZONE_NORMAL, 0), mark + 500);
	}
	zone.highatomic_pages = 512;
	EXPECT_EQ(stops_at(0, 100, ZONE_DMA, 0), 612);
	EXPECT_EQ(stops_at(0, 100, ZONE_DMA, ALLOC_NON_BLOCK), 100);
	EXPECT_EQ(stops_at(0, 100, ZONE_DMA, ALLOC_HIGHATOMIC), 100);
}

KTEST(zone, reserve_rights_lower_the_mark_in_linuxs_order)
{
	static const struct {
		unsigned flags;
		long stop; /* with a mark of 1000 */
	} table[] = {
		{0, 1000},
		{ALLOC_KSWAPD, 1000},
		{ALLOC_NON_BLOCK, 1000},
		{ALLOC_MIN_RESERVE, 500},
		{ALLOC_MIN_RESERVE | ALLOC_NON_BLOCK, 375},
		{ALLOC_OOM, 500},
		{ALLOC_MIN_RESERVE | ALLOC_OOM, 250},
		{ALLOC_MIN_RESERVE | ALLOC_NON_BLOCK | ALLOC_OOM, 188},
	};

	zone_with_block(-1, MT_MOVABLE);
	for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
		EXPECT_EQ(stops_at(0, 1000, ZONE_DMA, table[i].flags), table[i].stop);
		zone.lowmem_reserve[ZONE_DMA32] = 77; /* nobody has a right to this */
		EXPECT_EQ(stops_at(0, 1000, ZONE_DMA32, table[i].flags), table[i].stop + 77);
	}
	EXPECT_EQ(stops_at(0, 1, ZONE_DMA, ALLOC_MIN_RESERVE), 1); /* 1 - 1 / 2 */
}

KTEST(zone, a_block_of_the_order_must_exist)
{
	for (unsigned order = 1; order < NR_ORDERS; order++) {
		for (unsigned have = 0; have < NR_ORDERS; have++) {
			zone_with_block((int)have, (enum migratetype)(have % 3));
			if (have < order)
				EXPECT_EQ(stops_at(order, 100, ZONE_DMA, 0), 2999); /* never */
			else
				EXPECT_EQ(stops_at(order, 100, ZONE_DMA, 0), 100 + (1L << order) - 1);
		}
	}
	zone_with_block(-1, MT_MOVABLE);
	zone.unopened[MAX_ORDER] = 1; /* what opening would list counts */
	EXPECT_EQ(stops_at(3, 100, ZONE_DMA, 0), 107);
	/* The counter says order-10 is there, but only in the reserve or in isolation. */
	zone_with_block(MAX_ORDER, MT_HIGHATOMIC);
	EXPECT_EQ(stops_at(3, 100, ZONE_DMA, ALLOC_NON_BLOCK), 2999);
	EXPECT_EQ(stops_at(3, 100, ZONE_DMA, ALLOC_HIGHATOMIC), 107);
	EXPECT_EQ(stops_at(3, 100, ZONE_DMA, ALLOC_OOM), 57);
	zone_with_block(MAX_ORDER, MT_ISOLATE);
	EXPECT_EQ(stops_at(3, 100, ZONE_DMA, ALLOC_HIGHATOMIC | ALLOC_OOM), 2999);
}

KTEST(zone, less_than_nothing_is_not_much)
{
	zone_with_block(MAX_ORDER, MT_MOVABLE);
	zone.highatomic_pages = 5000;
	for (unsigned long free = 0; free < 1023; free++) {
		EXPECT_FALSE(zone_watermark_ok(&zone, MAX_ORDER, 0, ZONE_DMA, 0, free));
		EXPECT_FALSE(zone_watermark_ok(&zone, 0, 0, ZONE_DMA, 0, free));
	}
	EXPECT_FALSE(zone_watermark_ok(&zone, 0, 0, ZONE_DMA, ALLOC_MIN_RESERVE, 0));
}
