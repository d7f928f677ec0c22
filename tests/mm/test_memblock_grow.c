/*
 * test_memblock_grow.c - memblock's arrays when they are full.
 *
 * Idea.       A memblock of its own gets real memory, pages of the buddy's, to grow into. Ranges at made-up addresses fill
 *             its arrays; nothing is ever read there.
 * Layout.     mb: arrays of FEW regions; pool: the pages
 * Invariants. B1 to B4 of mm/memblock.c after each step.
 * Locking.    None.
 * Failure.    As every test's.
 * Next:       test_numa.c.
 */
#include <mm/memblock.h>

#include <arch/layout.h>
#include <kernel/bits.h>
#include <kernel/errno.h>
#include <kernel/string.h>
#include <kernel/test.h>
#include <mm/page_alloc.h>

enum { FEW = 8, POOL_ORDER = 6, RANGES = 700 };

/* Made-up addresses: above every machine's memory. */
#define FAR (1UL << 60)

static struct memblock_region memory_regions[FEW], reserved_regions[FEW];
static struct memblock mb;
static struct page *pool;
static paddr_t pool_start, pool_end;

static void start_fixed(void)
{
	mb = (struct memblock){
		.memory = {memory_regions, 0, FEW, "few of memory", 0},
		.reserved = {reserved_regions, 0, FEW, "few of reserved", 0},
	};
}

static bool start_growing(void)
{
	start_fixed();
	pool = alloc_pages(GFP_KERNEL, POOL_ORDER);
	if (!pool)
		return false;
	pool_start = page_to_phys(pool);
	pool_end = pool_start + (PAGE_SIZE << POOL_ORDER);
	mb.may_grow = true;
	return memblock_add(&mb, pool_start, pool_end, 0) == 0;
}

static void finish(void)
{
	__free_pages(pool, POOL_ORDER);
}

static paddr_t far_page(unsigned i)
{
	return FAR + (paddr_t)i * PAGE_SIZE;
}

KTEST(memblock, a_full_array_takes_what_extends_a_region)
{
	start_fixed();
	for (unsigned i = 0; i < FEW; i++) {
		EXPECT_EQ(memblock_add(&mb, far_page(10 * i), far_page(10 * i + 4), 0), 0);
		EXPECT_EQ(memblock_reserve(&mb, far_page(10 * i), far_page(10 * i + 4), "r"), 0);
	}
	EXPECT_EQ(mb.memory.cnt, FEW);
	EXPECT_EQ(memblock_add(&mb, far_page(4), far_page(5), 0), 0);	/* behind a region */
	EXPECT_EQ(memblock_add(&mb, far_page(19), far_page(20), 0), 0); /* in front of one */
	EXPECT_EQ(memblock_add(&mb, far_page(32), far_page(36), 0), 0); /* over an end */
	EXPECT_EQ(memblock_reserve(&mb, far_page(4), far_page(5), "r"), 0);
	EXPECT_EQ(mb.memory.cnt, FEW);
	EXPECT_EQ(mb.reserved.cnt, FEW);
	EXPECT_NULL(memblock_check(&mb));
	EXPECT_TRUE(memblock_is_memory(&mb, far_page(4)) && memblock_is_memory(&mb, far_page(19)) &&
		    memblock_is_memory(&mb, far_page(35)));
	EXPECT_EQ(memblock_add(&mb, far_page(7), far_page(8), 0), -ENOSPC);	  /* a region of its own */
	EXPECT_EQ(memblock_add(&mb, far_page(5), far_page(6), 1), -ENOSPC);	  /* another node */
	EXPECT_EQ(memblock_reserve(&mb, far_page(5), far_page(6), "s"), -ENOSPC); /* another name */
	EXPECT_EQ(memblock_add(&mb, far_page(5), far_page(10), 0), 0);		  /* from one to the next */
	EXPECT_EQ(mb.memory.cnt, FEW - 1);
	/* All eight at once, and in the end they are one. */
	EXPECT_EQ(memblock_add(&mb, far_page(0), far_page(90), 0), 0);
	EXPECT_EQ(mb.memory.cnt, 1);
	EXPECT_NULL(memblock_check(&mb));
}

KTEST(memblock, a_gap_that_joins_pays_for_no_later_one)
{
	start_fixed();
	for (unsigned i = 0; i < FEW; i++)
		memblock_add(&mb, far_page(10 * i), far_page(10 * i + 4), i < 2 ? 0 : 1);
	/* The gap of node 0's two closes first, and its place is the next gap's; for the last one there is none. */
	EXPECT_EQ(memblock_add(&mb, far_page(4), far_page(30), 0), 0);
	EXPECT_NULL(memblock_check(&mb));
	EXPECT_EQ(memblock_end(&mb), far_page(10 * (FEW - 1) + 4));
	EXPECT_EQ(memblock_nid(&mb, far_page(25)), 0);
	EXPECT_EQ(memblock_nid(&mb, far_page(20)), 1);
}

KTEST(memblock, full_arrays_move_to_where_there_is_room)
{
	if (!start_growing())
		SKIP("no 64 pages in one piece");
	for (unsigned i = 0; i < RANGES; i++) {
		EXPECT_EQ(memblock_reserve(&mb, far_page(10 * i), far_page(10 * i + 1), "r"), 0);
		EXPECT_EQ(memblock_add(&mb, far_page(10 * i), far_page(10 * i + 4), 0), 0);
	}
	EXPECT_NULL(memblock_check(&mb));
	EXPECT_EQ(mb.memory.cnt, RANGES + 1);
	for (unsigned i = 0; i < RANGES; i++) {
		EXPECT_TRUE(memblock_is_memory(&mb, far_page(10 * i + 3)));
		EXPECT_STREQ(memblock_reserved_name(&mb, far_page(10 * i)), "r");
		EXPECT_NULL(memblock_reserved_name(&mb, far_page(10 * i + 1)));
	}
	/* Both arrays lie in the pool, are reserved by name, and nothing else of the pool is. */
	EXPECT_STREQ(memblock_reserved_name(&mb, virt_to_phys(mb.memory.region)), "few of memory");
	EXPECT_STREQ(memblock_reserved_name(&mb, virt_to_phys(mb.reserved.region)), "few of reserved");
	EXPECT_EQ(mb.reserved.cnt, RANGES + 2);
	EXPECT_EQ(memory_regions[0].end, pool_end); /* where it began is left behind */
	finish();
}

KTEST(memblock, an_array_does_not_grow_into_what_is_being_reserved)
{
	if (!start_growing())
		SKIP("no 64 pages in one piece");
	for (unsigned i = 0; i < FEW; i++)
		EXPECT_EQ(memblock_reserve(&mb, far_page(10 * i), far_page(10 * i + 1), "r"), 0);
	/* The array is full. All of the pool but its last two pages is to be taken now. */
	EXPECT_EQ(memblock_reserve(&mb, pool_start, pool_end - 2 * PAGE_SIZE, "taken"), 0);
	EXPECT_STREQ(memblock_reserved_name(&mb, pool_start), "taken");
	EXPECT_EQ(virt_to_phys(mb.reserved.region), pool_end - 2 * PAGE_SIZE);
	EXPECT_NULL(memblock_check(&mb));
	finish();
}

KTEST(memblock, an_allocation_and_the_grown_array_lie_apart)
{
	for (unsigned up = 0; up < 2; up++) {
		paddr_t at;

		if (!start_growing())
			SKIP("no 64 pages in one piece");
		for (unsigned i = 0; i < FEW; i++)
			memblock_reserve(&mb, far_page(10 * i), far_page(10 * i + 1), "r");
		at = memblock_alloc_flags(&mb, 3 * PAGE_SIZE, PAGE_SIZE, 0, pool_end, 0, "block", up);
		EXPECT_TRUE(at >= pool_start && at + 3 * PAGE_SIZE <= pool_end);
		EXPECT_STREQ(memblock_reserved_name(&mb, at), "block");
		EXPECT_STREQ(memblock_reserved_name(&mb, at + 2 * PAGE_SIZE), "block");
		EXPECT_STREQ(memblock_reserved_name(&mb, virt_to_phys(mb.reserved.region)),
			     "few of reserved");
		EXPECT_EQ(mb.reserved.cnt, FEW + 2);
		EXPECT_NULL(memblock_check(&mb));
		finish();
	}
}

KTEST(memblock, a_full_array_without_memory_refuses_and_stays)
{
	if (!start_growing())
		SKIP("no 64 pages in one piece");
	EXPECT_EQ(memblock_reserve(&mb, pool_start, pool_end, "all"), 0);
	for (unsigned i = 1; i < FEW; i++)
		EXPECT_EQ(memblock_reserve(&mb, far_page(10 * i), far_page(10 * i + 1), "r"), 0);
	EXPECT_EQ(memblock_reserve(&mb, far_page(5), far_page(6), "r"), -ENOSPC);
	EXPECT_EQ(memblock_free(&mb, pool_start + PAGE_SIZE, pool_start + 2 * PAGE_SIZE), -ENOSPC);
	EXPECT_EQ(mb.reserved.region, reserved_regions);
	EXPECT_EQ(mb.reserved.cnt, FEW);
	EXPECT_NULL(memblock_check(&mb));
	EXPECT_EQ(memblock_free(&mb, pool_start, pool_end), 0); /* with memory it can */
	EXPECT_EQ(memblock_reserve(&mb, far_page(5), far_page(6), "r"), 0);
	finish();
}

KTEST(memblock, there_is_room_to_split_after_the_hand_over)
{
	EXPECT_GE(memblock.reserved.max - memblock.reserved.cnt, 4u);
	if (!start_growing())
		SKIP("no 64 pages in one piece");
	for (unsigned i = 0; i < FEW; i++)
		memblock_reserve(&mb, far_page(10 * i), far_page(10 * i + 4), "r");
	EXPECT_TRUE(memblock_keep_room(&mb));
	mb.handed_over = true;
	for (unsigned i = 0; i < 4; i++)
		EXPECT_EQ(memblock_forget(&mb, far_page(10 * i + 1), far_page(10 * i + 2)), 0);
	EXPECT_NULL(memblock_check(&mb));
	finish();
}
