/*
 * test_memblock_rules.c - what Linux's simulator of memblock checks (tools/testing/memblock), as rules of ours.
 *
 * Idea.       Each case builds a memblock of a few ranges and says what one operation makes of them: every way in which a
 *             range can lie to another one, every way in which an allocation can miss its place.
 * Layout.     mb: a memblock over short arrays. Addresses are pages from 0 on; nothing is ever read there.
 * Invariants. B1 to B4 of mm/memblock.c after each step.
 * Locking.    None.
 * Failure.    As every test's.
 * Next:       test_memblock_grow.c.
 */
#include <mm/memblock.h>

#include <arch/layout.h>
#include <kernel/bits.h>
#include <kernel/errno.h>
#include <kernel/string.h>
#include <kernel/test.h>

enum { REGIONS = 16 };

static struct memblock_region memory_regions[REGIONS], reserved_regions[REGIONS];
static struct memblock mb;

struct span {
	unsigned from, to; /* pages */
};

static paddr_t pa(unsigned page)
{
	return (paddr_t)page << PAGE_SHIFT;
}

static void start(void)
{
	mb = (struct memblock){
		.memory = {memory_regions, 0, REGIONS, "memory", 0},
		.reserved = {reserved_regions, 0, REGIONS, "reserved", 0},
	};
}

static void expect_regions(struct ktest *t, const struct memblock_type *type, const struct span *want,
			   unsigned nr)
{
	EXPECT_NULL(memblock_check(&mb));
	EXPECT_EQ(type->cnt, nr);
	for (unsigned i = 0; i < nr && i < type->cnt; i++) {
		EXPECT_EQ(type->region[i].start, pa(want[i].from));
		EXPECT_EQ(type->region[i].end, pa(want[i].to));
	}
}
#define EXPECT_REGIONS(type, ...)                                  \
	do {                                                       \
		const struct span want_[] = {__VA_ARGS__};         \
		expect_regions(t, type, want_, ARRAY_SIZE(want_)); \
	} while (0)

/* ---- two ranges ---- */

/* Where the second range lies to the first, [20, 40), and what both together are. */
static const struct {
	struct span second, both[2];
	unsigned nr;
} pairs[] = {
	{{5, 15}, {{5, 15}, {20, 40}}, 2},   /* below */
	{{50, 60}, {{20, 40}, {50, 60}}, 2}, /* above */
	{{10, 20}, {{10, 40}}, 1},	     /* touches the start */
	{{40, 45}, {{20, 45}}, 1},	     /* touches the end */
	{{10, 30}, {{10, 40}}, 1},	     /* overlaps the start */
	{{30, 50}, {{20, 50}}, 1},	     /* overlaps the end */
	{{25, 35}, {{20, 40}}, 1},	     /* inside */
	{{20, 40}, {{20, 40}}, 1},	     /* the same */
	{{10, 50}, {{10, 50}}, 1},	     /* around it */
	{{20, 30}, {{20, 40}}, 1},	     /* inside, from its start */
	{{30, 40}, {{20, 40}}, 1},	     /* inside, to its end */
};

KTEST(memblock, two_ranges_are_one_where_they_touch_or_overlap)
{
	for (unsigned i = 0; i < ARRAY_SIZE(pairs); i++)
		for (unsigned order = 0; order < 2; order++) {
			const struct span first = order ? pairs[i].second : (struct span){20, 40};
			const struct span second = order ? (struct span){20, 40} : pairs[i].second;

			start();
			EXPECT_EQ(memblock_add(&mb, pa(first.from), pa(first.to), 0), 0);
			EXPECT_EQ(memblock_add(&mb, pa(second.from), pa(second.to), 0), 0);
			expect_regions(t, &mb.memory, pairs[i].both, pairs[i].nr);
			EXPECT_EQ(mb.reserved.cnt, 0);

			start();
			EXPECT_EQ(memblock_reserve(&mb, pa(first.from), pa(first.to), "r"), 0);
			EXPECT_EQ(memblock_reserve(&mb, pa(second.from), pa(second.to), "r"), 0);
			expect_regions(t, &mb.reserved, pairs[i].both, pairs[i].nr);
			EXPECT_EQ(mb.memory.cnt, 0);
		}
}

KTEST(memblock, a_range_closes_the_gap_between_two)
{
	start();
	memblock_add(&mb, pa(10), pa(20), 0);
	memblock_add(&mb, pa(30), pa(40), 0);
	EXPECT_EQ(memblock_add(&mb, pa(20), pa(30), 0), 0);
	EXPECT_REGIONS(&mb.memory, {10, 40});
	memblock_reserve(&mb, pa(10), pa(20), "r");
	memblock_reserve(&mb, pa(30), pa(40), "r");
	EXPECT_EQ(memblock_reserve(&mb, pa(15), pa(35), "r"), 0);
	EXPECT_REGIONS(&mb.reserved, {10, 40});
}

KTEST(memblock, a_range_over_many_joins_them_all)
{
	start();
	for (unsigned i = 0; i < 8; i++)
		memblock_add(&mb, pa(10 + 10 * i), pa(14 + 10 * i), 0);
	EXPECT_EQ(mb.memory.cnt, 8);
	EXPECT_EQ(memblock_add(&mb, pa(12), pa(82), 0), 0);
	EXPECT_REGIONS(&mb.memory, {10, 84});
}

KTEST(memblock, ranges_of_two_nodes_touch_and_stay_two)
{
	start();
	memblock_add(&mb, pa(10), pa(20), 0);
	memblock_add(&mb, pa(20), pa(30), 1);
	EXPECT_REGIONS(&mb.memory, {10, 20}, {20, 30});
	EXPECT_EQ(memblock_nid(&mb, pa(19)), 0);
	EXPECT_EQ(memblock_nid(&mb, pa(20)), 1);
	/* What is there keeps its node; the rest is the new range's. */
	EXPECT_EQ(memblock_add(&mb, pa(5), pa(35), 1), 0);
	EXPECT_REGIONS(&mb.memory, {5, 10}, {10, 20}, {20, 35});
	EXPECT_EQ(memblock_nid(&mb, pa(5)), 1);
	EXPECT_EQ(memblock_nid(&mb, pa(10)), 0);
	EXPECT_EQ(memblock_nid(&mb, pa(34)), 1);
}

/* What is left of [20, 40) without the second range. */
static const struct {
	struct span second, left[2];
	unsigned nr;
} cuts[] = {
	{{5, 15}, {{20, 40}}, 1},	     /* below */
	{{5, 20}, {{20, 40}}, 1},	     /* touches the start */
	{{50, 60}, {{20, 40}}, 1},	     /* above */
	{{40, 60}, {{20, 40}}, 1},	     /* touches the end */
	{{10, 30}, {{30, 40}}, 1},	     /* overlaps the start */
	{{30, 50}, {{20, 30}}, 1},	     /* overlaps the end */
	{{25, 35}, {{20, 25}, {35, 40}}, 2}, /* inside */
	{{20, 40}, {{0, 0}}, 0},	     /* the same */
	{{10, 50}, {{0, 0}}, 0},	     /* around it */
	{{20, 30}, {{30, 40}}, 1},	     /* from its start */
	{{30, 40}, {{20, 30}}, 1},	     /* to its end */
};

KTEST(memblock, what_is_removed_is_cut_out_and_no_more)
{
	for (unsigned i = 0; i < ARRAY_SIZE(cuts); i++) {
		const struct span s = cuts[i].second;

		start();
		memblock_add(&mb, pa(20), pa(40), 0);
		memblock_reserve(&mb, pa(20), pa(40), "r");
		EXPECT_EQ(memblock_remove(&mb, pa(s.from), pa(s.to)), 0);
		expect_regions(t, &mb.memory, cuts[i].left, cuts[i].nr);
		EXPECT_REGIONS(&mb.reserved, {20, 40});

		start();
		memblock_add(&mb, pa(20), pa(40), 0);
		memblock_reserve(&mb, pa(20), pa(40), "r");
		EXPECT_EQ(memblock_free(&mb, pa(s.from), pa(s.to)), 0);
		expect_regions(t, &mb.reserved, cuts[i].left, cuts[i].nr);
		EXPECT_REGIONS(&mb.memory, {20, 40});
	}
}

KTEST(memblock, removing_between_two_cuts_both)
{
	start();
	memblock_add(&mb, pa(10), pa(20), 0);
	memblock_add(&mb, pa(30), pa(40), 0);
	memblock_add(&mb, pa(50), pa(60), 0);
	EXPECT_EQ(memblock_remove(&mb, pa(15), pa(55)), 0);
	EXPECT_REGIONS(&mb.memory, {10, 15}, {55, 60});
	EXPECT_EQ(memblock_remove(&mb, 0, ~0UL), 0);
	EXPECT_EQ(mb.memory.cnt, 0);
	EXPECT_EQ(memblock_remove(&mb, pa(15), pa(55)), 0); /* nothing is there */
}

KTEST(memblock, a_range_up_to_the_last_address_does_not_wrap)
{
	start();
	EXPECT_EQ(memblock_add(&mb, ~0UL - PAGE_SIZE + 1, ~0UL, 0), 0);
	EXPECT_EQ(memblock_reserve(&mb, ~0UL - 10, ~0UL, "r"), 0);
	EXPECT_EQ(mb.memory.cnt, 1);
	EXPECT_EQ(memblock_end(&mb), ~0UL);
	EXPECT_TRUE(memblock_overlaps_region(&mb.memory, ~0UL - 1, ~0UL));
	EXPECT_EQ(memblock_remove(&mb, ~0UL - 10, ~0UL), 0);
	EXPECT_EQ(memblock_free(&mb, 0, ~0UL), 0);
	EXPECT_EQ(memblock_end(&mb), ~0UL - 10);
	EXPECT_EQ(mb.reserved.cnt, 0);
}

/* ---- trimming and overlaps ---- */

KTEST(memblock, trimming_shrinks_regions_to_whole_multiples)
{
	start();
	memblock_add(&mb, pa(16), pa(32), 0);	    /* aligned: stays */
	memblock_add(&mb, pa(40), pa(60), 0);	    /* loses both ends */
	memblock_add(&mb, pa(64), pa(70), 0);	    /* loses its end, which is all */
	memblock_add(&mb, pa(81), pa(95), 0);	    /* has no whole multiple */
	memblock_add(&mb, pa(97), pa(128), 0);	    /* loses its start */
	memblock_reserve(&mb, pa(41), pa(43), "r"); /* reservations are left alone */
	memblock_trim_memory(&mb, PAGE_SIZE);
	EXPECT_EQ(mb.memory.cnt, 5);
	memblock_trim_memory(&mb, 16 * PAGE_SIZE);
	EXPECT_REGIONS(&mb.memory, {16, 32}, {112, 128});
	EXPECT_REGIONS(&mb.reserved, {41, 43});
	memblock_trim_memory(&mb, 1024 * PAGE_SIZE);
	EXPECT_EQ(mb.memory.cnt, 0);
}

KTEST(memblock, trimming_keeps_a_part_in_the_middle)
{
	start();
	memblock_add(&mb, pa(10), pa(50), 3);
	memblock_trim_memory(&mb, 16 * PAGE_SIZE);
	EXPECT_REGIONS(&mb.memory, {16, 48});
	EXPECT_EQ(memblock_nid(&mb, pa(16)), 3);
	/* The next multiple of the last page's start lies above all addresses. */
	start();
	memblock_add(&mb, ~0UL - PAGE_SIZE + 1, ~0UL, 0);
	memblock_trim_memory(&mb, GIB(1));
	EXPECT_EQ(mb.memory.cnt, 0);
}

KTEST(memblock, a_range_overlaps_a_region_by_a_byte_and_not_by_a_border)
{
	start();
	EXPECT_FALSE(memblock_overlaps_region(&mb.memory, 0, ~0UL));
	memblock_add(&mb, pa(20), pa(40), 0);
	memblock_add(&mb, pa(60), pa(80), 0);
	for (unsigned from = 0; from < 100; from++)
		for (unsigned to = 0; to < 100; to += 3) {
			bool want = from < to && ((from < 40 && to > 20) || (from < 80 && to > 60));

			EXPECT_EQ(memblock_overlaps_region(&mb.memory, pa(from), pa(to)), want);
		}
	EXPECT_TRUE(memblock_overlaps_region(&mb.memory, pa(40) - 1, pa(40)));
	EXPECT_FALSE(memblock_overlaps_region(&mb.memory, pa(40), pa(40) + 1));
	EXPECT_TRUE(memblock_overlaps_region(&mb.memory, 0, pa(20) + 1));
	EXPECT_FALSE(memblock_overlaps_region(&mb.reserved, pa(20), pa(40)));
}

/* ---- allocations, in both directions ---- */

static paddr_t alloc(unsigned pages, unsigned align, unsigned lo, unsigned hi, int nid, unsigned flags)
{
	paddr_t at = memblock_alloc_flags(&mb, pages * PAGE_SIZE, align * PAGE_SIZE, pa(lo), pa(hi), nid, "a",
					  flags);

	return at >> PAGE_SHIFT;
}

KTEST(memblock, an_allocation_ends_at_the_top_or_begins_at_the_bottom)
{
	start();
	memblock_add(&mb, pa(10), pa(100), 0);
	EXPECT_EQ(alloc(5, 1, 0, 200, NUMA_NO_NODE, 0), 95);
	EXPECT_EQ(alloc(5, 1, 0, 200, NUMA_NO_NODE, MEMBLOCK_BOTTOM_UP), 10);
	/* Touching allocations of one name are one region. */
	EXPECT_EQ(alloc(5, 1, 0, 200, NUMA_NO_NODE, 0), 90);
	EXPECT_EQ(alloc(5, 1, 0, 200, NUMA_NO_NODE, MEMBLOCK_BOTTOM_UP), 15);
	EXPECT_REGIONS(&mb.reserved, {10, 20}, {90, 100});
}

KTEST(memblock, limits_that_are_no_multiples_are_rounded_inwards)
{
	start();
	memblock_add(&mb, pa(1), pa(128), 0);
	EXPECT_EQ(alloc(4, 8, 33, 63, NUMA_NO_NODE, 0), 56);
	EXPECT_EQ(alloc(4, 8, 33, 63, NUMA_NO_NODE, MEMBLOCK_BOTTOM_UP), 40);
	/* A window of just the size, and of one page less. */
	EXPECT_EQ(alloc(8, 1, 70, 78, NUMA_NO_NODE, 0), 70);
	EXPECT_EQ(alloc(8, 1, 80, 87, NUMA_NO_NODE, 0), 0);
	EXPECT_EQ(alloc(8, 1, 80, 87, NUMA_NO_NODE, MEMBLOCK_BOTTOM_UP), 0);
	/* An alignment that the window does not have. */
	EXPECT_EQ(alloc(1, 32, 97, 127, NUMA_NO_NODE, 0), 0);
	EXPECT_EQ(alloc(1, 1, 60, 50, NUMA_NO_NODE, 0), 0);
}

KTEST(memblock, an_allocation_fits_between_reservations)
{
	for (unsigned up = 0; up < 2; up++) {
		start();
		memblock_add(&mb, pa(10), pa(100), 0);
		memblock_reserve(&mb, pa(10), pa(30), "low");
		memblock_reserve(&mb, pa(34), pa(60), "mid");
		memblock_reserve(&mb, pa(64), pa(100), "top");
		EXPECT_EQ(alloc(5, 1, 0, 200, NUMA_NO_NODE, up), 0);
		EXPECT_EQ(alloc(4, 1, 0, 200, NUMA_NO_NODE, up), up ? 30 : 60);
		EXPECT_EQ(alloc(4, 1, 0, 200, NUMA_NO_NODE, up), up ? 60 : 30);
		EXPECT_EQ(alloc(1, 1, 0, 200, NUMA_NO_NODE, up), 0);
		EXPECT_NULL(memblock_check(&mb));
	}
}

KTEST(memblock, memory_that_is_all_reserved_gives_nothing)
{
	for (unsigned up = 0; up < 2; up++) {
		start();
		EXPECT_EQ(alloc(1, 1, 0, 200, NUMA_NO_NODE, up), 0); /* there is no memory at all */
		memblock_add(&mb, pa(10), pa(20), 0);
		EXPECT_EQ(alloc(11, 1, 0, 200, NUMA_NO_NODE, up), 0); /* more than there is */
		EXPECT_EQ(alloc(10, 1, 0, 200, NUMA_NO_NODE, up), 10);
		EXPECT_EQ(alloc(1, 1, 0, 200, NUMA_NO_NODE, up), 0);
		EXPECT_REGIONS(&mb.reserved, {10, 20});
	}
}

KTEST(memblock, an_allocation_does_not_span_a_hole)
{
	for (unsigned up = 0; up < 2; up++) {
		start();
		memblock_add(&mb, pa(10), pa(20), 0);
		memblock_add(&mb, pa(21), pa(31), 0);
		EXPECT_EQ(alloc(11, 1, 0, 200, NUMA_NO_NODE, up), 0);
		EXPECT_EQ(alloc(10, 1, 0, 200, NUMA_NO_NODE, up), up ? 10 : 21);
	}
}

/* ---- allocations on a node: [10, 20) is node 0's, [20, 40) node 1's, [50, 60) node 2's ---- */

static void start_nodes(void)
{
	start();
	memblock_add(&mb, pa(10), pa(20), 0);
	memblock_add(&mb, pa(20), pa(40), 1);
	memblock_add(&mb, pa(50), pa(60), 2);
}

KTEST(memblock, a_nodes_memory_comes_first)
{
	start_nodes();
	EXPECT_EQ(alloc(4, 1, 0, 200, 1, 0), 36);
	EXPECT_EQ(alloc(4, 1, 0, 200, 1, MEMBLOCK_BOTTOM_UP), 20);
	EXPECT_EQ(alloc(4, 1, 0, 200, 0, MEMBLOCK_EXACT_NID), 16);
	EXPECT_EQ(alloc(4, 1, 0, 200, 2, MEMBLOCK_EXACT_NID | MEMBLOCK_BOTTOM_UP), 50);
}

KTEST(memblock, other_nodes_help_unless_the_node_is_exact)
{
	for (unsigned up = 0; up < 2; up++) {
		start_nodes();
		EXPECT_EQ(alloc(15, 1, 0, 200, 2, MEMBLOCK_EXACT_NID | up), 0); /* more than it has */
		EXPECT_EQ(alloc(4, 1, 0, 45, 2, MEMBLOCK_EXACT_NID | up), 0);	/* outside of the limits */
		EXPECT_EQ(alloc(4, 1, 0, 200, 5, MEMBLOCK_EXACT_NID | up), 0);	/* no such node */
		EXPECT_EQ(mb.reserved.cnt, 0);
		EXPECT_EQ(alloc(15, 1, 0, 200, 2, up), up ? 20 : 25);
		EXPECT_EQ(alloc(4, 1, 0, 45, 2, up), up ? 10 : 21);
		EXPECT_EQ(alloc(4, 1, 0, 200, 5, up), up ? 14 : 56);
		EXPECT_NULL(memblock_check(&mb));
	}
}

KTEST(memblock, limits_that_split_a_node_leave_its_part_inside)
{
	for (unsigned up = 0; up < 2; up++) {
		start_nodes();
		EXPECT_EQ(alloc(4, 1, 25, 35, 1, MEMBLOCK_EXACT_NID | up), up ? 25 : 31);
		EXPECT_EQ(alloc(4, 1, 0, 24, 1, MEMBLOCK_EXACT_NID | up), 20);
		EXPECT_EQ(alloc(4, 1, 0, 24, 1, MEMBLOCK_EXACT_NID | up), 0);
		/* Two nodes touch: an allocation lies in one of them. */
		EXPECT_EQ(alloc(12, 1, 12, 24, NUMA_NO_NODE, up), 0);
	}
}

KTEST(memblock, a_node_that_is_full_is_passed_over)
{
	start_nodes();
	memblock_reserve(&mb, pa(20), pa(40), "all of node 1");
	EXPECT_EQ(alloc(4, 1, 0, 200, 1, MEMBLOCK_EXACT_NID), 0);
	EXPECT_EQ(alloc(4, 1, 0, 200, 1, 0), 56);
	EXPECT_EQ(alloc(4, 1, 0, 200, 1, MEMBLOCK_BOTTOM_UP), 10);
	memblock_free(&mb, pa(30), pa(33)); /* three pages are not four */
	EXPECT_EQ(alloc(4, 1, 0, 200, 1, MEMBLOCK_EXACT_NID), 0);
	EXPECT_EQ(alloc(3, 1, 0, 200, 1, MEMBLOCK_EXACT_NID), 30);
}

/* ---- what the search from below remembers ---- */

/* The lowest place by looking at each page. */
static unsigned lowest_fit(unsigned pages, unsigned align, unsigned lo, unsigned hi, int nid)
{
	for (unsigned at = max(lo, 1u); at + pages <= hi; at++) {
		bool fits = at % align == 0;

		for (unsigned i = at; fits && i < at + pages; i++)
			fits = memblock_is_memory(&mb, pa(i)) && !memblock_reserved_name(&mb, pa(i)) &&
			       memblock_nid(&mb, pa(i)) == memblock_nid(&mb, pa(at)) &&
			       (nid == NUMA_NO_NODE || memblock_nid(&mb, pa(i)) == nid);
		if (fits)
			return at;
	}
	return 0;
}

static void change_something(void)
{
	unsigned from = 1 + test_rand_below(110), to = from + 1 + test_rand_below(9);

	switch (test_rand_below(12)) {
	case 0:
		memblock_free(&mb, pa(from), pa(to));
		break;
	case 1:
		memblock_add(&mb, pa(from), pa(to), 1);
		break;
	case 2:
		memblock_remove(&mb, pa(from), pa(to));
		break;
	case 3:
		memblock_set_node(&mb, pa(from), pa(to), 1);
		break;
	default:
		break;
	}
}

KTEST(memblock, the_lowest_place_is_found_whatever_was_asked_before)
{
	for (unsigned round = 0; round < 20; round++) {
		start_nodes();
		memblock_add(&mb, pa(60), pa(120), (int)test_rand_below(3));
		for (unsigned i = 0; i < 40; i++) {
			unsigned pages = 1 + test_rand_below(4), align = 1u << test_rand_below(3),
				 lo = test_rand_below(3) * 15, hi = 120 - test_rand_below(3) * 20;
			int nid = (int)test_rand_below(4) - 1;
			unsigned want = lowest_fit(pages, align, lo, hi, nid);

			if (mb.reserved.cnt + 2 >= REGIONS || mb.memory.cnt + 2 >= REGIONS)
				break;
			EXPECT_EQ(alloc(pages, align, lo, hi, nid, MEMBLOCK_BOTTOM_UP | MEMBLOCK_EXACT_NID),
				  want);
			change_something();
			EXPECT_NULL(memblock_check(&mb));
		}
	}
}

KTEST(memblock, the_rover_keeps_the_smallest_request_and_its_place)
{
	const struct memblock_rover *r = &mb.rover[MAX_NODES];
	unsigned at;

	start_nodes();
	at = alloc(2, 1, 0, 200, NUMA_NO_NODE, MEMBLOCK_BOTTOM_UP);
	EXPECT_TRUE(r->size == pa(2) && r->at == pa(at));
	at = alloc(2, 1, 0, 200, NUMA_NO_NODE, MEMBLOCK_BOTTOM_UP); /* again: the search goes on from there */
	EXPECT_TRUE(r->size == pa(2) && r->at == pa(at));
	alloc(3, 1, 0, 200, NUMA_NO_NODE, MEMBLOCK_BOTTOM_UP); /* a larger one says nothing of 2 pages */
	EXPECT_TRUE(r->size == pa(2) && r->at == pa(at));
	at = alloc(1, 1, 0, 200, NUMA_NO_NODE, MEMBLOCK_BOTTOM_UP);
	EXPECT_TRUE(r->size == pa(1) && r->at == pa(at));
}

KTEST(memblock, a_node_id_out_of_range_gets_nothing_and_changes_nothing)
{
	unsigned flags = MEMBLOCK_BOTTOM_UP | MEMBLOCK_EXACT_NID, at;

	start_nodes();
	at = lowest_fit(1, 1, 0, 200, NUMA_NO_NODE);
	EXPECT_EQ(alloc(1, 1, 0, 200, MAX_NODES, flags), 0);
	EXPECT_EQ(alloc(1, 1, 0, 200, MAX_NODES, MEMBLOCK_EXACT_NID), 0);
	EXPECT_EQ(mb.rover[MAX_NODES].size, 0);
	EXPECT_EQ(alloc(1, 1, 0, 200, NUMA_NO_NODE, flags), at);
}

KTEST(memblock, a_shortage_is_described_in_kilobytes)
{
	char text[128], want[128];

	start_nodes();
	memblock_remove(&mb, 0, ~0UL);
	memblock_free(&mb, 0, ~0UL);
	memblock_add(&mb, MIB(1), MIB(3), 0);
	memblock_add(&mb, MIB(8), MIB(8) + KIB(512), 0);
	memblock_reserve(&mb, MIB(1), MIB(1) + KIB(256), "test");
	memblock_describe_free(&mb, ~0UL, text, sizeof(text));
	snprintf(want, sizeof(want), "2304 KiB of 2560 KiB are free below 0x%lx", ~0UL);
	EXPECT_STREQ(text, want);
	memblock_describe_free(&mb, MIB(2), text, sizeof(text)); /* in the middle of a free range */
	EXPECT_STREQ(text, "768 KiB of 2560 KiB are free below 0x200000");
	memblock_describe_free(&mb, MIB(1), text, sizeof(text));
	EXPECT_STREQ(text, "0 KiB of 2560 KiB are free below 0x100000");
}
