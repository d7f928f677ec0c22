/*
 * test_memblock.c - memblock against a table of pages, and this machine's memblock against its memory map.
 *
 * Idea.       A small universe of pages with one entry each for node and owner: every operation is done on both sides,
 *             then the arrays must say what the table says and nothing may be left unmerged.
 * Layout.     small: a memblock of its own over tiny arrays; node_of[], owner_of[]: the oracle
 * Invariants. B1 to B4 of mm/memblock.c.
 * Locking.    None.
 * Failure.    As every test's.
 * Next:       test_memblock_rules.c.
 */
#include <mm/memblock.h>

#include <arch/layout.h>
#include <kernel/bits.h>
#include <kernel/errno.h>
#include <kernel/string.h>
#include <kernel/test.h>
#include <mm/memmap.h>
#include <mm/page.h>
#include <mm/page_alloc.h>

enum { PAGES = 200, REGIONS = 128, ABSENT = -2 };

static struct memblock_region memory_regions[REGIONS], reserved_regions[REGIONS];
static struct memblock small;
static int node_of[PAGES];	    /* ABSENT: no memory */
static const char *owner_of[PAGES]; /* NULL: not reserved */
static const char *const owners[] = {"ann", "bob", "cyd"};

static void start_small(unsigned max_regions)
{
	small = (struct memblock){
		.memory = {.region = memory_regions, .max = max_regions, .what = "memory"},
		.reserved = {.region = reserved_regions, .max = max_regions, .what = "reserved"},
	};
	for (unsigned i = 0; i < PAGES; i++) {
		node_of[i] = ABSENT;
		owner_of[i] = NULL;
	}
}

static paddr_t page_pa(unsigned i)
{
	return (paddr_t)i << PAGE_SHIFT;
}

static void random_range(unsigned *from, unsigned *to)
{
	*from = test_rand_below(PAGES);
	*to = *from + test_rand_below(min(PAGES - *from, 40u) + 1);
}

static void do_add(struct ktest *t, unsigned from, unsigned to, int nid)
{
	EXPECT_EQ(memblock_add(&small, page_pa(from), page_pa(to), nid), 0);
	for (; from < to; from++)
		if (node_of[from] == ABSENT)
			node_of[from] = nid;
}

static void do_remove(struct ktest *t, unsigned from, unsigned to)
{
	EXPECT_EQ(memblock_remove(&small, page_pa(from), page_pa(to)), 0);
	for (; from < to; from++)
		node_of[from] = ABSENT;
}

static void do_reserve(struct ktest *t, unsigned from, unsigned to, const char *owner)
{
	EXPECT_EQ(memblock_reserve(&small, page_pa(from), page_pa(to), owner), 0);
	for (; from < to; from++)
		if (!owner_of[from])
			owner_of[from] = owner;
}

static void do_free(struct ktest *t, unsigned from, unsigned to)
{
	EXPECT_EQ(memblock_free(&small, page_pa(from), page_pa(to)), 0);
	for (; from < to; from++)
		owner_of[from] = NULL;
}

static void do_set_node(struct ktest *t, unsigned from, unsigned to, int nid)
{
	EXPECT_EQ(memblock_set_node(&small, page_pa(from), page_pa(to), nid), 0);
	for (; from < to; from++)
		if (node_of[from] != ABSENT)
			node_of[from] = nid;
}

/* Every region says what the table says, and the table has nothing more. */
static void expect_oracle(struct ktest *t)
{
	unsigned memory = 0, reserved = 0, want_memory = 0, want_reserved = 0;

	EXPECT_NULL(memblock_check(&small));
	for (unsigned i = 0; i < small.memory.cnt; i++) {
		const struct memblock_region *r = &small.memory.region[i];

		for (paddr_t pa = r->start; pa < r->end; pa += PAGE_SIZE, memory++)
			EXPECT_EQ(node_of[pa >> PAGE_SHIFT], r->nid);
	}
	for (unsigned i = 0; i < small.reserved.cnt; i++) {
		const struct memblock_region *r = &small.reserved.region[i];

		for (paddr_t pa = r->start; pa < r->end; pa += PAGE_SIZE, reserved++)
			EXPECT_EQ(owner_of[pa >> PAGE_SHIFT], r->name);
	}
	for (unsigned i = 0; i < PAGES; i++) {
		want_memory += node_of[i] != ABSENT;
		want_reserved += owner_of[i] != NULL;
		EXPECT_EQ(memblock_is_memory(&small, page_pa(i) + PAGE_SIZE / 2), node_of[i] != ABSENT);
		EXPECT_EQ(memblock_reserved_name(&small, page_pa(i)), owner_of[i]);
	}
	EXPECT_EQ(memory, want_memory);
	EXPECT_EQ(reserved, want_reserved);
}

/* The free ranges are the pages with memory and without an owner, in order. */
static void expect_free_ranges(struct ktest *t)
{
	paddr_t cursor = 0, start, end;
	unsigned at = 0;
	int nid;

	while (memblock_next_free(&small, &cursor, &start, &end, &nid)) {
		EXPECT_LT(start, end);
		for (; at < start >> PAGE_SHIFT; at++)
			EXPECT_TRUE(node_of[at] == ABSENT || owner_of[at]);
		for (; at < end >> PAGE_SHIFT; at++)
			EXPECT_TRUE(node_of[at] == nid && !owner_of[at]);
	}
	for (; at < PAGES; at++)
		EXPECT_TRUE(node_of[at] == ABSENT || owner_of[at]);
}

static void random_step(struct ktest *t)
{
	unsigned from, to;

	random_range(&from, &to);
	switch (test_rand_below(7)) {
	case 0:
	case 1:
		do_add(t, from, to, (int)test_rand_below(3) - 1);
		break;
	case 2:
		do_remove(t, from, to);
		break;
	case 3:
	case 4:
		do_reserve(t, from, to, owners[test_rand_below(ARRAY_SIZE(owners))]);
		break;
	case 5:
		do_free(t, from, to);
		break;
	default:
		do_set_node(t, from, to, (int)test_rand_below(2));
	}
}

/* Shows memblock.B3. */
KTEST(memblock, random_operations_follow_a_table_of_pages)
{
	for (unsigned round = 0; round < 6; round++) {
		start_small(REGIONS);
		for (unsigned i = 0; i < 60; i++) {
			random_step(t);
			expect_oracle(t);
			expect_free_ranges(t);
		}
	}
}

KTEST(memblock, add_then_remove_restores_the_array)
{
	start_small(REGIONS);
	for (unsigned i = 0; i < 10; i++) {
		struct memblock_region before[REGIONS];
		unsigned cnt, from, to;

		do_add(t, 20 * i, 20 * i + 7, 0);
		cnt = small.memory.cnt;
		memcpy(before, memory_regions, cnt * sizeof(*before));
		from = 20 * i + 8; /* in the gap: it touches nothing */
		to = from + 1 + test_rand_below(10);
		EXPECT_EQ(memblock_add(&small, page_pa(from), page_pa(to), 0), 0);
		EXPECT_EQ(memblock_remove(&small, page_pa(from), page_pa(to)), 0);
		EXPECT_EQ(small.memory.cnt, cnt);
		EXPECT_EQ(memcmp(before, memory_regions, cnt * sizeof(*before)), 0);
	}
}

KTEST(memblock, empty_and_reversed_ranges_change_nothing)
{
	start_small(REGIONS);
	do_add(t, 10, 100, 0);
	do_reserve(t, 20, 60, owners[0]);
	for (unsigned i = 0; i < 120; i++) {
		unsigned to = test_rand_below(i + 1);

		EXPECT_EQ(memblock_add(&small, page_pa(i), page_pa(to), 1), 0);
		EXPECT_EQ(memblock_remove(&small, page_pa(i), page_pa(to)), 0);
		EXPECT_EQ(memblock_reserve(&small, page_pa(i), page_pa(to), owners[1]), 0);
		EXPECT_EQ(memblock_free(&small, page_pa(i), page_pa(to)), 0);
		EXPECT_EQ(memblock_set_node(&small, page_pa(i), page_pa(to), 1), 0);
	}
	expect_oracle(t);
	EXPECT_EQ(small.memory.cnt, 1);
	EXPECT_EQ(small.reserved.cnt, 1);
}

KTEST(memblock, the_highest_addresses_are_no_special_case)
{
	start_small(REGIONS);
	EXPECT_EQ(memblock_add(&small, ~0UL - 16 * PAGE_SIZE + 1, ~0UL, 0), 0);
	EXPECT_EQ(memblock_end(&small), ~0UL);
	EXPECT_EQ(memblock_alloc_range(&small, PAGE_SIZE, PAGE_SIZE, 0, ~0UL, NUMA_NO_NODE, owners[0]),
		  ~0UL - 2 * PAGE_SIZE + 1);
	EXPECT_EQ(memblock_alloc_range(&small, PAGE_SIZE, GIB(1), 0, ~0UL, NUMA_NO_NODE, owners[0]), 0);
	EXPECT_EQ(memblock_set_node(&small, 0, ~0UL, 3), 0);
	EXPECT_EQ(small.memory.cnt, 1);
	EXPECT_EQ(small.memory.region[0].nid, 3);
	EXPECT_EQ(memblock_remove(&small, 0, ~0UL), 0);
	EXPECT_EQ(small.memory.cnt, 0);
	EXPECT_EQ(memblock_end(&small), 0);
}

KTEST(memblock, touching_regions_merge_only_when_they_agree)
{
	start_small(REGIONS);
	for (unsigned i = 0; i < 8; i++) {
		do_add(t, 4 * i, 4 * i + 4, i / 4 ? 1 : 0);
		do_reserve(t, 4 * i, 4 * i + 4, owners[i / 4]);
	}
	expect_oracle(t);
	EXPECT_EQ(small.memory.cnt, 2);
	EXPECT_EQ(small.reserved.cnt, 2);
	do_set_node(t, 0, 32, 1);
	EXPECT_EQ(small.memory.cnt, 1);
}

KTEST(memblock, a_full_array_refuses_and_stays_as_it_was)
{
	struct memblock_region before[8];

	for (unsigned round = 0; round < 40; round++) {
		unsigned from, to;

		start_small(8);
		for (unsigned i = 0; i < 8; i++) {
			do_add(t, 16 * i + 4, 16 * i + 8, 0);
			do_reserve(t, 16 * i + 4, 16 * i + 8, owners[0]);
		}
		memcpy(before, memory_regions, sizeof(before));
		do
			random_range(&from, &to);
		while (from == to);
		if (memblock_add(&small, page_pa(from), page_pa(to), 1)) {
			EXPECT_EQ(memcmp(before, memory_regions, sizeof(before)), 0);
		} else { /* all of it was there */
			for (; from < to; from++)
				EXPECT_NE(node_of[from], ABSENT);
		}
		EXPECT_EQ(memblock_set_node(&small, page_pa(5), page_pa(6), 1), -ENOSPC);
		EXPECT_EQ(memblock_remove(&small, page_pa(5), page_pa(6)), -ENOSPC);
		EXPECT_EQ(memblock_set_node(&small, page_pa(4), page_pa(7), 1), -ENOSPC);
		EXPECT_EQ(memblock_remove(&small, page_pa(6), page_pa(8)), -ENOSPC);
		/* What cuts no region needs no room. */
		EXPECT_EQ(memblock_remove(&small, 0, page_pa(4)), 0);
		expect_oracle(t);
		/* An allocation that cannot be recorded is none. */
		EXPECT_EQ(
			memblock_alloc_range(&small, PAGE_SIZE, PAGE_SIZE, 0, ~0UL, NUMA_NO_NODE, owners[1]),
			0);
	}
}

KTEST(memblock, one_free_place_in_the_array_is_not_two)
{
	start_small(8);
	for (unsigned i = 0; i < 7; i++) {
		do_add(t, 16 * i + 4, 16 * i + 12, 0);
		do_reserve(t, 16 * i + 4, 16 * i + 12, owners[0]);
	}
	memory_regions[8].start = reserved_regions[8].start = 42; /* behind the array's end */
	EXPECT_EQ(memblock_remove(&small, page_pa(6), page_pa(10)), -ENOSPC);
	EXPECT_EQ(memblock_free(&small, page_pa(6), page_pa(10)), -ENOSPC);
	EXPECT_EQ(memblock_set_node(&small, page_pa(6), page_pa(10), 1), -ENOSPC);
	EXPECT_EQ(memblock_add(&small, page_pa(0), page_pa(PAGES), 1), -ENOSPC);
	expect_oracle(t);
	do_add(t, 120, 130, 0);
	EXPECT_EQ(small.memory.cnt, 8);
	EXPECT_EQ(memory_regions[8].start, 42);
	EXPECT_EQ(reserved_regions[8].start, 42);
	expect_oracle(t);
}

/* The highest aligned place by looking at every page. */
static paddr_t highest_fit(unsigned pages, unsigned align, unsigned lo, unsigned hi, int nid)
{
	for (unsigned at = PAGES; at-- > 1;) {
		unsigned n = 0;

		if (at % align || at < lo || at + pages > hi || at + pages > PAGES)
			continue;
		while (n < pages && node_of[at + n] != ABSENT && !owner_of[at + n] &&
		       node_of[at + n] == node_of[at] && (nid == NUMA_NO_NODE || node_of[at] == nid))
			n++;
		if (n == pages)
			return page_pa(at);
	}
	return 0;
}

KTEST(memblock, what_a_removed_region_leaves_behind_counts_for_nothing)
{
	start_small(3);
	for (unsigned i = 0; i < 3; i++)
		EXPECT_EQ(memblock_add(&small, page_pa(20 * i), page_pa(20 * i + 10), 0), 0);
	EXPECT_EQ(memblock_remove(&small, page_pa(40), page_pa(50)), 0);
	EXPECT_EQ(memblock_remove(&small, page_pa(25), page_pa(60)), 0); /* one cut, and one place for it */
	EXPECT_EQ(small.memory.cnt, 2);
	EXPECT_EQ(small.memory.region[1].end, page_pa(25));
}

KTEST(memblock, all_that_the_loader_names_is_reserved)
{
	struct boot_info *bi = alloc_pages_exact(sizeof(*bi), GFP_KERNEL | __GFP_ZERO);
	static const unsigned taken[] = {3, 5, 7, 9, 11, 13, 15};

	ASSERT_NOT_NULL(bi);
	bi->info_start = page_pa(3);
	bi->info_end = page_pa(4);
	bi->fdt_start = page_pa(15);
	bi->fdt_end = page_pa(16);
	bi->nr_modules = 3;
	bi->nr_reserved = 2;
	for (unsigned i = 0; i < 3; i++) {
		bi->module[i].start = page_pa(5 + 2 * i);
		bi->module[i].end = page_pa(6 + 2 * i);
	}
	for (unsigned i = 0; i < 2; i++) {
		bi->reserved[i].start = page_pa(11 + 2 * i);
		bi->reserved[i].end = page_pa(12 + 2 * i);
	}
	start_small(REGIONS);
	memblock_reserve_boot(&small, bi);
	free_pages_exact(bi, sizeof(*bi));
	EXPECT_EQ(small.reserved.cnt, ARRAY_SIZE(taken));
	for (unsigned i = 0; i < ARRAY_SIZE(taken); i++) {
		EXPECT_EQ(small.reserved.region[i].start, page_pa(taken[i]));
		EXPECT_EQ(small.reserved.region[i].end, page_pa(taken[i] + 1));
	}
	EXPECT_STREQ(small.reserved.region[0].name, "boot information");
	EXPECT_STREQ(small.reserved.region[1].name, "boot module");
	EXPECT_STREQ(small.reserved.region[5].name, "firmware");
	EXPECT_STREQ(small.reserved.region[6].name, "device tree");
}

KTEST(memblock, allocations_take_the_highest_place_that_fits)
{
	for (unsigned round = 0; round < 12; round++) {
		start_small(REGIONS);
		do_add(t, 0, 60, 0); /* page 0 is memory, and still never an answer */
		do_add(t, 70 + test_rand_below(8), 130, 0);
		do_add(t, 130 + test_rand_below(8), PAGES, 1);
		for (unsigned i = 0; i < 30; i++) {
			unsigned pages = 1 + test_rand_below(9), align = 1u << test_rand_below(5);
			unsigned lo = test_rand_below(60),
				 hi = test_rand_below(3) ? PAGES : PAGES - test_rand_below(120);
			int nid = (int)test_rand_below(4) - 1; /* none, 0, 1, and one that has no memory */
			paddr_t want = highest_fit(pages, align, lo, hi, nid), got;

			if (!want)
				want = highest_fit(pages, align, lo, hi, NUMA_NO_NODE);
			got = memblock_alloc_range(&small, pages * PAGE_SIZE, align * PAGE_SIZE, page_pa(lo),
						   page_pa(hi), nid, owners[i % 3]);
			EXPECT_EQ(got, want);
			for (unsigned k = 0; got && k < pages; k++) {
				EXPECT_NULL(owner_of[(got >> PAGE_SHIFT) + k]);
				owner_of[(got >> PAGE_SHIFT) + k] = owners[i % 3];
			}
			expect_oracle(t);
			if (!test_rand_below(4)) {
				unsigned from, to;

				random_range(&from, &to);
				do_free(t, from, to);
			}
		}
	}
}

KTEST(memblock, an_allocation_takes_its_size_and_leaves_the_padding)
{
	start_small(REGIONS);
	do_add(t, 1, PAGES, 0);
	EXPECT_EQ(memblock_alloc_range(&small, 100, 64, 0, page_pa(PAGES), 0, owners[0]),
		  page_pa(PAGES) - 128);
	EXPECT_EQ(memblock_alloc_range(&small, 8, 8, 0, page_pa(PAGES), 0, owners[1]), page_pa(PAGES) - 8);
	EXPECT_EQ(memblock_alloc_range(&small, 0, 8, 0, page_pa(PAGES), 0, owners[1]), 0);
	EXPECT_NULL(memblock_check(&small));
	/* Page 0 is never handed out, not even a part of it. */
	start_small(REGIONS);
	do_add(t, 0, 1, 0);
	EXPECT_EQ(memblock_alloc_range(&small, 64, 64, 0, page_pa(PAGES), 0, owners[0]), 0);
}

/* Shows memblock.B4. */
KTEST(memblock, all_free_pages_can_be_allocated_and_no_more)
{
	unsigned want = 0, got = 0;

	start_small(REGIONS);
	for (unsigned i = 0; i < 25; i++)
		random_step(t);
	for (unsigned i = 1; i < PAGES; i++)
		want += node_of[i] != ABSENT && !owner_of[i];
	while (memblock_alloc_range(&small, PAGE_SIZE, PAGE_SIZE, 0, ~0UL, NUMA_NO_NODE, "last"))
		got++;
	EXPECT_EQ(got, want);
	EXPECT_NULL(memblock_check(&small));
}

/* ---- this machine's ---- */

KTEST(memblock, this_machines_memory_is_the_maps_ram_in_whole_pages)
{
	unsigned long in_map = 0, in_memblock = 0;

	EXPECT_NULL(memblock_check(&memblock));
	for (unsigned i = 0; i < memmap_nr; i++) {
		paddr_t start = PAGE_ALIGN_UP(memmap[i].start), end = memmap[i].end & PAGE_MASK;

		if (memmap[i].type != MEM_USABLE || start >= end)
			continue;
		in_map += end - start;
		EXPECT_TRUE(memblock_is_memory(&memblock, start) && memblock_is_memory(&memblock, end - 1));
	}
	for (unsigned i = 0; i < memblock.memory.cnt; i++) {
		const struct memblock_region *r = &memblock.memory.region[i];

		EXPECT_TRUE(IS_ALIGNED(r->start | r->end, PAGE_SIZE));
		EXPECT_NE(r->nid, NUMA_NO_NODE);
		in_memblock += r->end - r->start;
	}
	EXPECT_EQ(in_memblock, in_map);
}

KTEST(memblock, every_reservation_has_a_name)
{
	for (unsigned i = 0; i < memblock.reserved.cnt; i++)
		EXPECT_NOT_NULL(memblock.reserved.region[i].name);
	EXPECT_STREQ(memblock_reserved_name(&memblock, 0), "firmware low memory");
	EXPECT_STREQ(memblock_reserved_name(&memblock, image_to_phys((void *)memblock_add)), "kernel text");
	EXPECT_STREQ(memblock_reserved_name(&memblock, image_to_phys(owners)), "kernel rodata");
	EXPECT_STREQ(memblock_reserved_name(&memblock, image_to_phys(&memblock)), "kernel data");
	EXPECT_STREQ(memblock_reserved_name(&memblock, image_to_phys(&small)), "kernel bss");
	EXPECT_NULL(memblock_reserved_name(&memblock, ~0UL));
}

/* The first 16 MiB are all that old devices can reach. */
KTEST(memblock, boot_takes_its_memory_from_16_mib_upwards)
{
	paddr_t lowest = ~0UL;

	if (!memblock_is_memory(&memblock, MIB(16)) || !memblock_is_memory(&memblock, MIB(24)))
		SKIP("no memory behind the first 16 MiB");
	for (unsigned i = 0; i < memblock.reserved.cnt; i++)
		if (strcmp(memblock.reserved.region[i].name, "section maps") == 0)
			lowest = min(lowest, memblock.reserved.region[i].start);
	EXPECT_GE(lowest, MIB(16));
	EXPECT_LT(lowest, MIB(256));
}

KTEST_PANIC(memblock, nothing_is_added_after_the_hand_over, "memblock_add after the hand-over")
{
	memblock_add(&memblock, 0, PAGE_SIZE, 0);
}

KTEST_PANIC(memblock, nothing_is_removed_after_the_hand_over, "memblock_remove after the hand-over")
{
	memblock_remove(&memblock, MIB(1), MIB(2));
}

KTEST_PANIC(memblock, nothing_is_reserved_after_the_hand_over, "memblock_reserve after the hand-over")
{
	memblock_reserve(&memblock, MIB(1), MIB(2), "test");
}

KTEST_PANIC(memblock, nothing_is_freed_after_the_hand_over, "memblock_free after the hand-over")
{
	memblock_free(&memblock, MIB(1), MIB(2));
}

KTEST_PANIC(memblock, nothing_is_allocated_after_the_hand_over, "memblock allocation after the hand-over")
{
	memblock_alloc_range(&memblock, PAGE_SIZE, PAGE_SIZE, 0, ~0UL, NUMA_NO_NODE, "late");
}

KTEST_PANIC(memblock, an_odd_alignment_is_a_bug, "is not a power of two")
{
	start_small(REGIONS);
	memblock_alloc_range(&small, PAGE_SIZE, 24, 0, ~0UL, NUMA_NO_NODE, owners[0]);
}
