/*
 * test_page.c - frames, blocks and the opening of sections.
 *
 * Idea.       Opening a section must be invisible in every count: what was promised for it before is what it lists. The
 *             map of memblock says which frames are free, reserved or absent; each one's struct page has to agree.
 * Layout.     Sections that nobody has opened yet are found and opened one by one; where none is left, the case is
 *             skipped.
 * Invariants. S1 to S3 of mm/page.c.
 * Locking.    None: main loop.
 * Failure.    As every test's.
 * Next:       test_zone.c.
 */
#include "zone_fixture.h"

#include <arch/irq.h>
#include <kernel/sections.h>
#include <kernel/string.h>
#include <kernel/work.h>
#include <mm/check.h>

/* ---- blocks of a range ---- */

struct cut {
	pfn_t pfn[256];
	u8 order[256];
	unsigned nr;
};
static struct cut cut;

static void note_block(pfn_t pfn, unsigned order, void *ctx)
{
	struct cut *c = ctx;

	if (c->nr < ARRAY_SIZE(c->pfn)) {
		c->pfn[c->nr] = pfn;
		c->order[c->nr] = (u8)order;
	}
	c->nr++;
}

KTEST(page, ranges_are_cut_as_in_the_worked_examples)
{
	static const struct {
		u16 pfn;
		u8 order;
	} low[] = {{1, 0},    {2, 1},	 {4, 2},    {8, 3},    {0x10, 4}, {0x20, 5},
		   {0x40, 6}, {0x80, 4}, {0x90, 3}, {0x98, 2}, {0x9c, 1}, {0x9e, 0}},
	  mid[] = {{0x100, 8}, {0x200, 9}, {0x400, 10}, {0x800, 7}, {0x880, 6}, {0x8c0, 5}};
	unsigned large = 0;

	cut.nr = 0;
	page_for_each_block(1, 0x9f, note_block, &cut);
	ASSERT_EQ(cut.nr, ARRAY_SIZE(low));
	for (unsigned i = 0; i < cut.nr; i++)
		EXPECT_TRUE(cut.pfn[i] == low[i].pfn && cut.order[i] == low[i].order);
	cut.nr = 0;
	page_for_each_block(0x100, 0x8e0, note_block, &cut);
	ASSERT_EQ(cut.nr, ARRAY_SIZE(mid));
	for (unsigned i = 0; i < cut.nr; i++)
		EXPECT_TRUE(cut.pfn[i] == mid[i].pfn && cut.order[i] == mid[i].order);
	cut.nr = 0;
	page_for_each_block(0x3c5, 0x1fffd, note_block, &cut);
	EXPECT_EQ(cut.nr, 140);
	for (unsigned i = 0; i < cut.nr; i++)
		large += cut.order[i] == MAX_ORDER;
	EXPECT_EQ(large, 126);
}

KTEST(page, blocks_tile_their_range_and_cannot_be_larger)
{
	for (unsigned round = 0; round < 300; round++) {
		pfn_t pfn = (pfn_t)test_rand() << test_rand_below(20), end = pfn + test_rand_below(100000);

		cut.nr = 0;
		page_for_each_block(pfn, end, note_block, &cut);
		for (unsigned i = 0; i < cut.nr; i++) {
			unsigned order = cut.order[i];

			EXPECT_EQ(cut.pfn[i], pfn);
			EXPECT_TRUE(IS_ALIGNED(pfn, 1UL << order));
			EXPECT_TRUE(order == MAX_ORDER || !IS_ALIGNED(pfn, 2UL << order) ||
				    end - pfn < 2UL << order);
			pfn += 1UL << order;
		}
		EXPECT_EQ(pfn, end);
	}
}

/* ---- frames ---- */

KTEST(page, a_frame_has_one_page_one_address_and_back)
{
	for (unsigned i = 0; i < 50; i++) {
		struct page *page = alloc_pages(GFP_KERNEL, test_rand_below(4));
		void *addr;

		ASSERT_NOT_NULL(page);
		addr = page_address(page);
		EXPECT_EQ(pfn_to_page(page_to_pfn(page)), page);
		EXPECT_EQ(page_to_phys(page), page_to_pfn(page) << PAGE_SHIFT);
		EXPECT_EQ(phys_to_page(page_to_phys(page)), page);
		EXPECT_EQ(virt_to_phys(addr), page_to_phys(page));
		EXPECT_EQ(virt_to_page((char *)addr + PAGE_SIZE - 1), page);
		EXPECT_TRUE(pfn_valid(page_to_pfn(page)));
		EXPECT_TRUE(virt_addr_valid(addr));
		EXPECT_EQ(page_zone(page), zone_of_pfn(page_to_pfn(page)));
		EXPECT_EQ(page_to_nid(page), page_zone(page)->nid);
		__free_pages(page, page_order(page));
	}
}

/* What a page inside a block was before does not matter: larger blocks are asked first. */
KTEST(page, a_stale_head_inside_a_block_is_not_seen)
{
	struct page *page = alloc_pages(GFP_KERNEL, 3);

	ASSERT_NOT_NULL(page);
	page[4].flags = (page->flags & ~PG_ORDER_MASK) | 2UL << PG_ORDER_SHIFT;
	page[7].flags = (page->flags & ~(PG_ORDER_MASK | PG_STATE_MASK)) | PAGE_BUDDY;
	for (unsigned i = 0; i < 8; i++)
		EXPECT_EQ(page_head(page + i), page);
	page[4].flags = page[7].flags = 0;
	__free_pages(page, 3);
}

KTEST(page, addresses_outside_the_direct_map_are_not_valid)
{
	EXPECT_FALSE(virt_addr_valid(NULL));
	EXPECT_FALSE(virt_addr_valid(__text_start));
	EXPECT_FALSE(virt_addr_valid((void *)DIRECT_MAP_BASE - 1));
	EXPECT_FALSE(virt_addr_valid(phys_to_virt(direct_map_end_pfn << PAGE_SHIFT)));
	EXPECT_FALSE(virt_addr_valid((void *)VMEMMAP_BASE));
	EXPECT_FALSE(virt_addr_valid((void *)~0UL));
}

KTEST(page, frames_beyond_memory_have_no_page)
{
	pfn_t end = memblock_end(&memblock) >> PAGE_SHIFT;

	EXPECT_FALSE(pfn_valid(section_count() * SECTION_PAGES));
	EXPECT_FALSE(section_open_pfn(section_count() * SECTION_PAGES));
	EXPECT_FALSE(section_is_open(section_count()));
	EXPECT_FALSE(pfn_valid(~0UL >> PAGE_SHIFT));
	EXPECT_FALSE(section_open_pfn(~0UL >> PAGE_SHIFT));
	EXPECT_EQ(section_count(), DIV_ROUND_UP(end, SECTION_PAGES));
}

KTEST(page, holes_between_sections_are_never_opened)
{
	unsigned holes = 0;

	for (unsigned i = 1; i < memblock.memory.cnt; i++) {
		unsigned long nr = DIV_ROUND_UP(memblock.memory.region[i - 1].end, 1UL << SECTION_SHIFT);

		if (nr >= memblock.memory.region[i].start >> SECTION_SHIFT)
			continue;
		holes++;
		EXPECT_FALSE(section_open_pfn(nr * SECTION_PAGES));
		EXPECT_FALSE(pfn_valid(nr * SECTION_PAGES));
	}
	if (!holes)
		SKIP("RAM has no hole of a whole section");
}

/* A frame of which one byte is reserved is nobody's: a loader may put its information anywhere inside. */
static bool frame_is_reserved(pfn_t pfn)
{
	for (unsigned i = 0; i < memblock.reserved.cnt; i++) {
		const struct memblock_region *r = &memblock.reserved.region[i];

		if (r->start < (pfn + 1) << PAGE_SHIFT && r->end > pfn << PAGE_SHIFT)
			return true;
	}
	return false;
}

/* What a frame is in an open section, from memblock alone. */
static void expect_frame(struct ktest *t, pfn_t pfn)
{
	bool ram = memblock_is_memory(&memblock, pfn << PAGE_SHIFT), reserved = frame_is_reserved(pfn);
	const struct page *head;

	if (!pfn_valid(pfn)) {
		EXPECT_FALSE(ram);
		return;
	}
	head = page_head(pfn_to_page(pfn));
	if (!ram || reserved) {
		EXPECT_NULL(head);
		EXPECT_EQ(pfn_to_page(pfn)->flags, 0);
	} else if (EXPECT_NOT_NULL(head)) {
		EXPECT_TRUE(page_to_pfn(head) <= pfn && pfn < page_to_pfn(head) + (1UL << page_order(head)));
		EXPECT_EQ(page_zone(head), zone_of_pfn(pfn));
		EXPECT_NE(page_state(head), PAGE_INTERIOR);
	}
}

/* Shows page.S1. */
KTEST(page, every_frame_of_the_first_section_is_what_memblock_says)
{
	pfn_t first = ALIGN_DOWN(memblock.memory.region[0].start >> PAGE_SHIFT, (pfn_t)SECTION_PAGES);

	EXPECT_TRUE(section_open_pfn(first));
	mm_settle();
	for (pfn_t pfn = first; pfn < min(first + SECTION_PAGES, memblock_end(&memblock) >> PAGE_SHIFT);
	     pfn++)
		expect_frame(t, pfn);
}

KTEST(page, sampled_frames_of_all_open_sections_are_what_memblock_says)
{
	mm_settle();
	for (unsigned long nr = 0; nr < section_count(); nr++)
		for (unsigned i = 0; i < 64 && section_is_open(nr); i++)
			expect_frame(t, nr * SECTION_PAGES + test_rand_below(SECTION_PAGES));
}

KTEST(page, heads_lead_from_one_to_the_next_through_a_section)
{
	mm_settle();
	for (unsigned long nr = 0, done = 0; nr < section_count() && done < 4; nr++) {
		pfn_t pfn = nr * SECTION_PAGES, end = pfn + SECTION_PAGES;

		if (!section_is_open(nr))
			continue;
		done++;
		while (pfn < end) {
			const struct page *page = pfn_to_page(pfn);

			if (!pfn_valid(pfn) || page_state(page) == PAGE_INTERIOR) {
				if (pfn_valid(pfn)) /* only what no block covers is passed by single steps */
					EXPECT_NULL(page_head(page));
				pfn++;
				continue;
			}
			EXPECT_EQ(page_head(page), page);
			EXPECT_EQ(page_head(page + (1UL << page_order(page)) - 1), page);
			pfn += 1UL << page_order(page);
		}
		EXPECT_EQ(pfn, end);
	}
}

KTEST(page, a_dump_names_the_block_that_a_page_is_inside_of)
{
	struct page *page = alloc_pages(GFP_KERNEL, 2);
	u64 pos;

	ASSERT_NOT_NULL(page);
	pos = log_position();
	page_dump(page, "a test");
	EXPECT_EQ(log_lines_with(pos, "a test"), 1);
	EXPECT_EQ(log_lines_with(pos, "inside the"), 0);
	page_dump(page + 3, "a test");
	EXPECT_EQ(log_lines_with(pos, "inside the allocated block of order 2"), 1);
	__free_pages(page, 2);
}

/* ---- sections ---- */

/* One free piece of RAM in one zone: what a section with no oddities is. */
static bool is_whole(unsigned long nr)
{
	paddr_t lo = (paddr_t)nr << SECTION_SHIFT, hi = lo + (1UL << SECTION_SHIFT), cursor = lo, start, end;
	struct zone *zone;
	int nid;

	if (!memblock_next_free(&memblock, &cursor, &start, &end, &nid) || start > lo || end < hi)
		return false;
	for_each_populated_zone (zone)
		if (zone->start_pfn < hi >> PAGE_SHIFT && zone->end_pfn > lo >> PAGE_SHIFT &&
		    (zone->start_pfn > lo >> PAGE_SHIFT || zone->end_pfn < hi >> PAGE_SHIFT))
			return false;
	return true;
}

/* A section that nobody has opened; -1: none. */
static long unopened_section(bool whole)
{
	for (unsigned long nr = 0; nr < section_count(); nr++)
		if (!section_is_open(nr) && memblock_is_memory(&memblock, (paddr_t)nr << SECTION_SHIFT) &&
		    (!whole || is_whole(nr)))
			return (long)nr;
	return -1;
}

static unsigned long unopened_pages(const struct zone *zone)
{
	unsigned long pages = 0;

	for (unsigned o = 0; o < NR_ORDERS; o++)
		pages += zone->unopened[o] << o;
	return pages;
}

/* Shows page.S3. */
KTEST(page, opening_a_section_changes_no_count)
{
	struct snapshot before;
	struct zone *zone;
	unsigned long listed, unopened;
	long nr;

	snapshot_take(&before);
	nr = unopened_section(false);
	if (nr < 0)
		SKIP("every section with memory is open");
	zone = zone_of_pfn((pfn_t)nr * SECTION_PAGES);
	listed = zone->listed_pages;
	unopened = unopened_pages(zone);
	EXPECT_FALSE(pfn_valid((pfn_t)nr * SECTION_PAGES));
	EXPECT_TRUE(section_open_pfn((pfn_t)nr * SECTION_PAGES + test_rand_below(SECTION_PAGES)));
	EXPECT_TRUE(section_is_open((unsigned long)nr));
	EXPECT_EQ(zone->listed_pages - listed, unopened - unopened_pages(zone));
	EXPECT_GT(zone->listed_pages, listed);
	listed = zone->listed_pages;
	EXPECT_TRUE(section_open_pfn((pfn_t)nr * SECTION_PAGES)); /* once more: nothing happens */
	EXPECT_EQ(zone->listed_pages, listed);
	expect_snapshot(t, &before);
	mm_settle();
	for (unsigned i = 0; i < 3000; i++)
		expect_frame(t, (pfn_t)nr * SECTION_PAGES + 1024 + test_rand_below(SECTION_PAGES - 1024));
}

static void count_block(pfn_t pfn, unsigned order, void *ctx)
{
	unsigned long *count = ctx;

	count[order]++;
}

KTEST(page, a_whole_section_lists_its_blocks_behind_its_own_array)
{
	unsigned long meta = (SECTION_PAGES * sizeof(struct page)) >> PAGE_SHIFT, blocks[NR_ORDERS],
		      want[NR_ORDERS] = {0};
	struct zone *zone;
	pfn_t pfn;
	long nr;

	mm_settle();
	nr = unopened_section(true);
	if (nr < 0)
		SKIP("every whole section is open");
	if (opt_page_owner)
		meta = DIV_ROUND_UP(SECTION_PAGES * (sizeof(struct page) + sizeof(struct page_ext)),
				    PAGE_SIZE);
	pfn = (pfn_t)nr * SECTION_PAGES;
	zone = zone_of_pfn(pfn);
	for (unsigned o = 0; o < NR_ORDERS; o++)
		blocks[o] = zone->free_area[o].nr_free;
	EXPECT_TRUE(section_open_pfn(pfn));
	page_for_each_block(meta, SECTION_PAGES, count_block, want);
	EXPECT_EQ(want[MAX_ORDER], (SECTION_PAGES >> MAX_ORDER) - 1); /* with 4 KiB pages 31 */
	if (!opt_page_owner)
		EXPECT_EQ(want[9], 1);
	for (unsigned o = 0; o < NR_ORDERS; o++)
		EXPECT_EQ(zone->free_area[o].nr_free - blocks[o], want[o]);
	EXPECT_EQ(zone->isolated_pages, 0);
	for (unsigned i = 0; i < SECTION_PAGES; i++) {
		const struct page *page = pfn_to_page(pfn + i), *head = page_head(page);

		if (!EXPECT_NOT_NULL(head))
			continue;
		if (i < meta) { /* for ever in use by the array itself */
			EXPECT_TRUE(page_state(head) == PAGE_ALLOCATED && (head->flags & PG_reserved) &&
				    head->refcount == 1 && page_type(head) == MT_MOVABLE);
			continue;
		}
		EXPECT_EQ(page_state(head), PAGE_BUDDY);
		EXPECT_EQ(page_type(head), MT_MOVABLE);
		if (head != page)
			EXPECT_EQ(page->flags | page->refcount, 0);
		if (i % PAGEBLOCK_PAGES == 0)
			EXPECT_EQ(page->block_type, MT_MOVABLE);
	}
}

KTEST(page, a_whole_section_has_blocks_for_its_own_node_only)
{
	unsigned whole = 0;

	if (nr_nodes == 1)
		SKIP("there is one node");
	for (unsigned long nr = 0; nr < section_count(); nr++) {
		int own = memblock_nid(&memblock, (paddr_t)nr << SECTION_SHIFT);

		whole += is_whole(nr);
		for (unsigned nid = 0; is_whole(nr) && nid < nr_nodes; nid++) {
			struct zone zone = {.nid = (int)nid, .end_pfn = section_count() * SECTION_PAGES};
			unsigned long blocks[NR_ORDERS] = {0};

			section_for_each_block(nr, &zone, count_block, blocks);
			EXPECT_EQ(blocks[MAX_ORDER] != 0, (int)nid == own);
		}
	}
	if (!whole)
		SKIP("no section is whole");
}

/* A zone that begins with the second of two: the search starts at the first and opens the second alone. */
KTEST(page, whole_sections_outside_a_zone_are_not_opened_for_it)
{
	for (unsigned long nr = 0; nr + 1 < section_count(); nr++) {
		struct zone zone = {.nid = memblock_nid(&memblock, (paddr_t)(nr + 1) << SECTION_SHIFT),
				    .start_pfn = (nr + 1) * SECTION_PAGES,
				    .end_pfn = (nr + 2) * SECTION_PAGES,
				    .open_cursor = nr};

		if (!is_whole(nr) || !is_whole(nr + 1) || section_is_open(nr) || section_is_open(nr + 1))
			continue;
		EXPECT_TRUE(section_open_for(&zone));
		EXPECT_TRUE(section_is_open(nr + 1));
		EXPECT_FALSE(section_is_open(nr));
		EXPECT_FALSE(section_open_for(&zone));
		EXPECT_FALSE(section_is_open(nr));
		return;
	}
	SKIP("no two neighbours are whole and unopened");
}

/* The sum over all sections, opened or not, against memblock: nothing is forgotten, nothing is counted twice. */
KTEST(page, managed_pages_are_free_memory_less_the_arrays_of_whole_sections)
{
	unsigned long meta = (SECTION_PAGES * sizeof(struct page)) >> PAGE_SHIFT, free = 0, whole = 0;
	paddr_t cursor = 0, start, end;
	int nid;

	if (opt_page_owner)
		meta = DIV_ROUND_UP(SECTION_PAGES * (sizeof(struct page) + sizeof(struct page_ext)),
				    PAGE_SIZE);
	while (memblock_next_free(&memblock, &cursor, &start, &end, &nid))
		if (PAGE_ALIGN_UP(start) < (end & PAGE_MASK))
			free += ((end & PAGE_MASK) - PAGE_ALIGN_UP(start)) >> PAGE_SHIFT;
	for (unsigned long nr = 0; nr < section_count(); nr++)
		whole += is_whole(nr);
	EXPECT_EQ(totalram_pages(), free - whole * meta);
}

/* At the borders of the words that hold a bit a section. */
KTEST(page, sections_at_the_end_of_a_word_open_like_all_others)
{
	for (unsigned long nr = 63; nr < min(section_count(), 320ul); nr += 63) {
		if (!memblock_is_memory(&memblock, (paddr_t)nr << SECTION_SHIFT))
			continue;
		EXPECT_TRUE(section_open_pfn(nr * SECTION_PAGES));
		EXPECT_TRUE(section_is_open(nr));
	}
}

KTEST(page, the_main_loop_opens_sections_ahead_of_demand)
{
	const unsigned long ahead = MIB(32) >> PAGE_SHIFT;
	LIST_HEAD(held);
	struct zone *zone;
	struct page *page;
	unsigned n = 0;

	mm_settle();
	if (unopened_section(true) < 0)
		SKIP("every whole section is open");
	page = alloc_page(GFP_KERNEL);
	ASSERT_NOT_NULL(page);
	zone = page_zone(page);
	__free_page(page);
	while (zone->listed_pages >= ahead && n < 2048) {
		page = alloc_pages(GFP_KERNEL | __GFP_NOWARN, MAX_ORDER);
		if (!page)
			break;
		list_add(&page->lru, &held);
		n++;
	}
	if (unopened_pages(zone)) {
		quiet_drain();
		EXPECT_GE(zone->listed_pages, min(ahead, zone->free_pages));
	}
	release_blocks(&held, MAX_ORDER);
}

static void alloc_largest(void *ctx)
{
	struct page **page = ctx;

	*page = alloc_pages(GFP_ATOMIC | __GFP_NOWARN, MAX_ORDER);
}

KTEST(page, an_interrupt_that_finds_the_lists_empty_opens_a_section)
{
	struct page *page = NULL;
	LIST_HEAD(held);
	struct zone *zone;
	unsigned long unopened;

	mm_settle();
	if (unopened_section(true) < 0)
		SKIP("every whole section is open");
	page = alloc_page(GFP_KERNEL);
	ASSERT_NOT_NULL(page);
	zone = page_zone(page);
	__free_page(page);
	for (unsigned n = 0; zone->free_area[MAX_ORDER].nr_free && n < 4096; n++) {
		page = alloc_pages(GFP_KERNEL | __GFP_NOWARN, MAX_ORDER);
		if (!page)
			break;
		list_add(&page->lru, &held);
	}
	unopened = unopened_pages(zone);
	page = NULL;
	arch_irq_test_raise(alloc_largest, &page);
	if (unopened >= SECTION_PAGES) {
		EXPECT_NOT_NULL(page);
		EXPECT_LT(unopened_pages(zone), unopened);
	}
	if (page)
		__free_pages(page, MAX_ORDER);
	release_blocks(&held, MAX_ORDER);
}

/* ---- references ---- */

KTEST(page, the_last_reference_frees)
{
	for (unsigned order = 0; order < 6; order++) {
		struct page *page = alloc_pages(GFP_KERNEL, order);
		unsigned long allocated;

		ASSERT_NOT_NULL(page);
		allocated = zone_allocated_pages(page_zone(page));
		get_page(page);
		get_page(page);
		EXPECT_EQ(page->refcount, 3);
		put_page(page);
		__free_pages(page, order);
		EXPECT_EQ(page->refcount, 1);
		EXPECT_EQ(page_state(page), PAGE_ALLOCATED);
		EXPECT_EQ(zone_allocated_pages(page_zone(page)), allocated);
		put_page(page);
		EXPECT_NE(page_state(page), PAGE_ALLOCATED);
	}
}

KTEST_PANIC(page, a_free_page_cannot_be_shared, "has no reference to share")
{
	struct page *page = alloc_page(GFP_KERNEL);

	__free_page(page);
	get_page(page);
}

/* What page_dump() says about a page. */
static bool dump_says(const struct page *page, const char *what)
{
	char line[LOG_LINE_SIZE];
	bool found = false;
	u64 pos = 0;

	while (log_next_line(&pos, line))
		;
	page_dump(page, "a test");
	while (log_next_line(&pos, line))
		found |= strstr(line, what) != NULL;
	return found;
}

KTEST(page, a_dump_says_what_a_frame_is)
{
	struct page *page = alloc_pages(GFP_KERNEL, 2);

	ASSERT_NOT_NULL(page);
	EXPECT_TRUE(dump_says(page, "(allocated order 2 zone"));
	EXPECT_TRUE(dump_says(page, "refcount 1: a test"));
	EXPECT_TRUE(dump_says(page + 3, "inside the allocated block of order 2"));
	EXPECT_EQ(dump_says(page + 3, "allocated by ktest_page_a_dump"), opt_page_owner);
	page->flags |= PG_hwpoison;
	EXPECT_TRUE(dump_says(page, "hwpoison"));
	page->flags &= ~PG_hwpoison;
	__free_pages(page, 2);
	/* Of a frame beyond all memory there is nothing that could be read. */
	EXPECT_TRUE(
		dump_says(pfn_to_page(section_count() * SECTION_PAGES + 5), "has no struct page (a test)"));
}

KTEST_PANIC(page, memory_that_was_never_reserved_is_not_adopted, "is not reserved memory")
{
	adopt_reserved_page(page_to_phys(alloc_page(GFP_KERNEL)));
}
