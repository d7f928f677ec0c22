/* Snapshots: what they say together is true together. */
#include <mm/stat.h>

#include "../../mm/internal.h"

#include <kernel/sections.h>
#include <kernel/string.h>
#include <kernel/test.h>
#include <mm/memmap.h>

/* Shows stat.I1. */
KTEST(stat, free_pages_are_the_sum_of_the_blocks)
{
	struct zone_stat z;
	struct type_stat types;

	for (unsigned n = 0; zone_stat(n, &z); n++) {
		unsigned long pages = 0;

		type_stat(&z, &types);
		for (unsigned o = 0; o < NR_ORDERS; o++) {
			unsigned long blocks = 0;

			for (unsigned type = 0; type < NR_MIGRATETYPES; type++)
				blocks += types.free[type][o];
			EXPECT_EQ(blocks, z.blocks[o]);
			pages += z.blocks[o] << o;
		}
		EXPECT_EQ(pages, z.free);
	}
}

KTEST(stat, every_managed_page_is_free_listed_or_allocated)
{
	struct zone_stat z;

	for (unsigned n = 0; zone_stat(n, &z); n++) {
		struct pcp_stat p;

		if (!z.present)
			continue;
		pcp_stat(&z, 0, &p);
		EXPECT_EQ(z.managed, z.free + p.count + zone_allocated_pages(node_zone(z.nid, z.type)));
	}
}

KTEST(stat, above_all_memory_there_is_nothing)
{
	paddr_t end = memblock_end(&memblock);
	struct frame_stat f;
	struct mem_stat m;

	for (unsigned i = 0; i < memmap_nr; i++)
		end = max(end, memmap[i].end);
	frame_stat(PAGE_ALIGN_UP(end) >> PAGE_SHIFT, &f);
	EXPECT_EQ(f.nid, NUMA_NO_NODE);
	EXPECT_STREQ(f.owner, "");
	mem_stat(&m);
	EXPECT_GT(m.kernel_stack_bytes, 0);
}

/* Linux's formula: what is free or can be had back, less the reserves, less what slabs need to work with. */
KTEST(stat, available_is_linuxs_estimate)
{
	unsigned long keep = 0, low = 0, have;
	struct zone_stat z;
	struct mem_stat m;

	mem_stat(&m);
	for (unsigned n = 0; zone_stat(n, &z); n++) {
		unsigned long most = 0;

		if (!z.present)
			continue;
		for (unsigned j = node_zone(z.nid, z.type)->type; j < NR_ZONES; j++)
			most = max(most, z.protection[j]);
		keep += min(most + z.high, z.managed);
		low += z.low - z.boost;
	}
	have = m.free + m.slab_reclaimable;
	keep += min(m.slab_reclaimable / 2, low);
	EXPECT_EQ(m.available, have > keep ? have - keep : 0);
}

/* Steps from block to block through an opened section and counts the free ones; the zone's count must be the same. */
KTEST(stat, frames_add_up_to_the_zone)
{
	struct zone_stat z;

	for (unsigned n = 0; zone_stat(n, &z); n++) {
		unsigned long free = 0;

		if (!z.present || z.spanned > 1UL << 18)
			continue;
		for (pfn_t pfn = z.start_pfn; pfn < z.start_pfn + z.spanned;) {
			struct frame_stat f;

			frame_stat(pfn, &f);
			if (f.free && !strcmp(f.flag[f.nr_flags - 1], "pcp"))
				f.free = false;
			if (f.free && f.nid == z.nid) /* spans of nodes overlap where they alternate */
				free += 1UL << f.order;
			pfn += f.in_block ? 1UL << f.order : 1;
		}
		EXPECT_EQ(free, z.free);
	}
}

KTEST(stat, frame_zero_and_the_image_are_not_free)
{
	struct frame_stat f;

	frame_stat(0, &f);
	EXPECT_FALSE(f.free);
	frame_stat(image_to_phys(__text_start) >> PAGE_SHIFT, &f);
	EXPECT_FALSE(f.free);
	EXPECT_STREQ(f.owner, "kernel text");
}

KTEST(stat, a_page_on_a_cpus_list_is_free_and_says_so)
{
	struct page *page = alloc_page(GFP_KERNEL);
	struct frame_stat f;

	ASSERT_NOT_NULL(page);
	frame_stat(page_to_pfn(page), &f);
	EXPECT_FALSE(f.free);
	__free_page(page);
	if (page_state(page) != PAGE_PCP)
		SKIP("page debugging goes round the lists");
	frame_stat(page_to_pfn(page), &f);
	EXPECT_TRUE(f.free);
	EXPECT_STREQ(f.flag[f.nr_flags - 1], "pcp");
}

/*
 * The first frames of a section that nobody has needed yet are set aside for its own array; behind them is free memory.
 * Shows stat.I2.
 */
KTEST(stat, frames_of_an_unopened_section_are_what_opening_will_make_of_them)
{
	struct frame_stat f;
	unsigned long nr = section_count();
	bool found = false;

	while (!found && nr-- > 0) {
		pfn_t pfn = nr * SECTION_PAGES;

		frame_stat(pfn, &f);
		found = f.zone && !section_is_open(nr) && !f.free;
	}
	if (!found)
		SKIP("no unopened section");
	EXPECT_STREQ(f.flag[f.nr_flags - 1], "unopened");
	frame_stat((nr + 1) * SECTION_PAGES - 1, &f);
	EXPECT_TRUE(f.free);
	EXPECT_STREQ(f.flag[f.nr_flags - 1], "unopened");
	EXPECT_FALSE(section_is_open(nr)); /* looking opens nothing */
}
