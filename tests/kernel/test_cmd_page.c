/* page, alloc, free: every frame has an answer, and only what was handed out can be freed. */
#include "cmd_check.h"

#include <kernel/errno.h>
#include <kernel/sections.h>
#include <kernel/string.h>

#include <mm/internal.h>
#include <mm/kmalloc.h>
#include <mm/stat.h>

/* An order-n block from the shell; its PFN. */
static u64 shell_alloc(unsigned order)
{
	return ask("alloc %u -j", order) ? ANSWER_NONE : answer_value("pfn");
}

KTEST(cmd_page, alloc_gives_a_block_that_free_takes_back)
{
	for (unsigned order = 0; order <= MAX_ORDER && nr_free_pages() >> order >= 8; order++) {
		u64 pfn = shell_alloc(order);
		struct page *page = pfn_to_page(pfn);

		ASSERT_TRUE(pfn != ANSWER_NONE);
		EXPECT_EQ(answer_value("order"), order);
		EXPECT_EQ(answer_value("pa"), pfn << PAGE_SHIFT);
		EXPECT_EQ(page_state(page), PAGE_ALLOCATED);
		EXPECT_EQ(page_order(page), order);
		EXPECT_EQ(ask("free %lu %u", pfn, order), 0);
		EXPECT_NE(page_state(page), PAGE_ALLOCATED);
	}
}

KTEST(cmd_page, alloc_in_a_zone_gives_that_zone)
{
	struct zone_stat z;

	for (unsigned n = 0; zone_stat(n, &z); n++) {
		char lower[16];

		if (!z.present || z.nid)
			continue;
		strlcpy(lower, z.name, sizeof(lower));
		for (char *c = lower; *c; c++)
			*c |= *c >= 'A' && *c <= 'Z' ? 0x20 : 0;
		ASSERT_EQ(ask("alloc 1 zone=%s node=0 -j", lower), 0);
		EXPECT_GE(answer_value("pfn"), z.start_pfn);
		EXPECT_LT(answer_value("pfn"), z.start_pfn + z.spanned);
		EXPECT_TRUE(answer_says(z.name));
		EXPECT_EQ(ask("free %lu 1", answer_value("pfn")), 0);
	}
}

KTEST(cmd_page, of_an_option_given_twice_the_last_counts)
{
	const char *zone, *other = NULL;
	struct zone *z;

	ASSERT_EQ(ask("alloc 0 -j"), 0);
	zone = page_zone(pfn_to_page(answer_value("pfn")))->name;
	EXPECT_EQ(ask("free %lu 0", answer_value("pfn")), 0);
	for_each_populated_zone (z)
		if (strcmp(z->name, zone) && strcmp(z->name, "HighMem"))
			other = z->name;
	if (!other)
		SKIP("one zone");
	ASSERT_EQ(ask("alloc 0 zone=%s zone=%s -j", other, zone), 0);
	EXPECT_TRUE(answer_says(zone));
	EXPECT_EQ(ask("free %lu 0", answer_value("pfn")), 0);
}

KTEST(cmd_page, alloc_zero_clears)
{
	u64 pfn = shell_alloc(0);

	ASSERT_TRUE(pfn != ANSWER_NONE);
	memset(page_address(pfn_to_page(pfn)), 0xff, PAGE_SIZE);
	ASSERT_EQ(ask("free %lu 0", pfn), 0);
	ASSERT_EQ(ask("alloc 0 zero -j"), 0);
	pfn = answer_value("pfn");
	for (size_t i = 0; i < PAGE_SIZE; i += 8)
		EXPECT_EQ(*(u64 *)((char *)page_address(pfn_to_page(pfn)) + i), 0);
	EXPECT_EQ(ask("free %lu 0", pfn), 0);
}

KTEST(cmd_page, alloc_refuses_what_cannot_be)
{
	EXPECT_REFUSED(ERANGE, "0 to 10", "alloc 11");
	EXPECT_REFUSED(ERANGE, "ORDER", "alloc 0xffffffffffffffff");
	EXPECT_REFUSED(EINVAL, "ORDER", "alloc -1");
	EXPECT_REFUSED(EINVAL, "ORDER", "alloc x");
	EXPECT_REFUSED(EINVAL, "expected decimal", "alloc 1K");
	EXPECT_REFUSED(EINVAL, "expected decimal", "alloc 0 node=0K");
	EXPECT_REFUSED(EINVAL, "missing", "alloc");
	EXPECT_REFUSED(EINVAL, "expected DMA", "alloc 0 zone=High");
	EXPECT_REFUSED(EINVAL, "expected DMA", "alloc 0 zone=");
	EXPECT_REFUSED(ERANGE, "node", "alloc 0 node=64");
	EXPECT_REFUSED(EINVAL, "unknown option", "alloc 0 zeros");
}

KTEST(cmd_page, alloc_in_a_zone_without_memory_says_so)
{
	bool present[NR_ZONES] = {false};
	struct zone_stat z;

	for (unsigned n = 0; zone_stat(n, &z); n++)
		present[z.type] |= z.present != 0;
	for (unsigned type = 0; type < NR_ZONES; type++)
		if (!present[type])
			EXPECT_REFUSED(ENODEV, "has no memory", "alloc 0 zone=%s", zone_names[type]);
}

KTEST(cmd_page, alloc_finds_the_node_that_has_the_zone)
{
	struct zone *zone;

	for_each_populated_zone (zone) {
		u64 pfn;

		if (zone->free_pages < zone->wmark[WMARK_HIGH] + 1024)
			continue;
		EXPECT_EQ(ask("alloc 0 zone=%s -j", zone->name), 0);
		pfn = answer_value("pfn");
		if (!EXPECT_TRUE(pfn != ANSWER_NONE))
			continue;
		EXPECT_EQ(page_zone(pfn_to_page(pfn))->type, zone->type);
		EXPECT_EQ(ask("free %lu 0", pfn), 0);
	}
}

KTEST(cmd_page, free_with_a_wrong_order_changes_nothing)
{
	u64 pfn = shell_alloc(2);

	ASSERT_TRUE(pfn != ANSWER_NONE);
	EXPECT_REFUSED(EINVAL, "wrong order", "free %lu 1", pfn);
	EXPECT_REFUSED(EINVAL, "wrong order", "free %lu 3", pfn);
	EXPECT_EQ(page_state(pfn_to_page(pfn)), PAGE_ALLOCATED);
	EXPECT_EQ(ask("free %lu 2", pfn), 0);
}

KTEST(cmd_page, free_twice_is_named)
{
	u64 pfn = shell_alloc(3);

	ASSERT_TRUE(pfn != ANSWER_NONE);
	ASSERT_EQ(ask("free %lu 3", pfn), 0);
	EXPECT_REFUSED(EINVAL, "double free", "free %lu 3", pfn);
}

KTEST(cmd_page, free_inside_a_block_names_the_block)
{
	u64 pfn = shell_alloc(2);

	ASSERT_TRUE(pfn != ANSWER_NONE);
	EXPECT_REFUSED(EINVAL, "inside the pages at pfn 0x", "free %lu 0", pfn + 1);
	EXPECT_EQ(ask("free %lu 2", pfn), 0);
}

KTEST(cmd_page, free_of_foreign_frames_is_refused)
{
	EXPECT_REFUSED(EPERM, "not an allocation", "free pa:0x%lx 0", image_to_phys(__text_start));
	EXPECT_REFUSED(EPERM, "pfn 0x0 is not an allocation", "free 0 0");
	EXPECT_REFUSED(EFAULT, "nothing is mapped", "free 0x%lx 0", VMALLOC_END - PAGE_SIZE);
}

KTEST(cmd_page, a_frame_has_three_names)
{
	struct page *page = alloc_pages(GFP_KERNEL, 0);
	pfn_t pfn = page_to_pfn(page);

	ASSERT_NOT_NULL(page);
	ASSERT_EQ(ask("page %lu -j", pfn), 0);
	EXPECT_EQ(answer_value("pfn"), pfn);
	ASSERT_EQ(ask("page pa:0x%lx -j", (pfn << PAGE_SHIFT) + 123), 0);
	EXPECT_EQ(answer_value("pfn"), pfn);
	ASSERT_EQ(ask("page 0x%lx -j", (unsigned long)page_address(page) + 5), 0);
	EXPECT_EQ(answer_value("pfn"), pfn);
	__free_page(page);
}

KTEST(cmd_page, page_tells_order_and_owner_of_a_block)
{
	u64 pfn = shell_alloc(4);

	ASSERT_TRUE(pfn != ANSWER_NONE);
	for (unsigned i = 0; i < 16; i += 5) {
		ASSERT_EQ(ask("page %lu -j", pfn + i), 0);
		EXPECT_EQ(answer_value("order"), 4);
		EXPECT_EQ(answer_value("refcount"), 1);
		EXPECT_TRUE(answer_says("\"shell\""));
	}
	ASSERT_EQ(ask("free %lu 4", pfn), 0);
	drain_all_pages();
	ASSERT_EQ(ask("page %lu -j", pfn), 0);
	EXPECT_TRUE(answer_says("\"buddy\""));
	EXPECT_EQ(answer_value("refcount"), 0);
	EXPECT_TRUE(answer_says("\"owner\":null"));
}

KTEST(cmd_page, page_of_an_object_names_its_cache)
{
	void *p = kmalloc(100, GFP_KERNEL);

	ASSERT_NOT_NULL(p);
	ASSERT_EQ(ask("page 0x%lx -j", (unsigned long)p), 0);
	EXPECT_TRUE(answer_says("\"owner\":\"slab kmalloc-128"));
	EXPECT_TRUE(answer_says("\"slab\""));
	kfree(p);
}

KTEST(cmd_page, page_of_a_reserved_frame_names_the_reservation)
{
	ASSERT_EQ(ask("page pa:0x%lx -j", image_to_phys(__text_start)), 0);
	EXPECT_TRUE(answer_says("\"reserved\""));
	EXPECT_TRUE(answer_says("\"owner\":\"kernel text\""));
}

KTEST(cmd_page, page_answers_where_there_is_no_memory)
{
	ASSERT_EQ(ask("page 0 -j"), 0);
	EXPECT_TRUE(answer_is_object());
	EXPECT_TRUE(answer_says("\"zone\":null"));
	ASSERT_EQ(ask("page %lu -j", memblock_end(&memblock) >> PAGE_SHIFT), 0);
	EXPECT_TRUE(answer_says("\"nopage\""));
	EXPECT_REFUSED(ERANGE, "beyond", "page 0x7fffffffffffffff");
	EXPECT_REFUSED(ERANGE, "beyond", "page pa:0xffffffffffffffff");
	EXPECT_REFUSED(EINVAL, "PFN", "page nothing");
}

/* Shows stat.I2. */
KTEST(cmd_page, a_question_opens_no_section)
{
	for (unsigned long nr = 0; nr < section_count(); nr++) {
		pfn_t pfn = nr * SECTION_PAGES + SECTION_PAGES / 2;

		if (section_is_open(nr) || !zone_of_pfn(pfn))
			continue;
		ASSERT_EQ(ask("page %lu -j", pfn), 0);
		EXPECT_TRUE(answer_says("\"unopened\""));
		EXPECT_TRUE(answer_says("\"buddy\""));
		EXPECT_FALSE(section_is_open(nr));
		return;
	}
	SKIP("every section with memory is open");
}
