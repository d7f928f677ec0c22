/*
 * test_check_fixed.c - what boot has fixed is found changed; links of free lists are looked at before they are followed.
 *
 * Idea.       Most of memblock, zones and sections can't be recomputed once boot is over. Each owner keeps a print of it
 *             (check_print()), and one changed word is enough for its check to say so.
 * Layout.     memblock; zones; sections; free lists.
 * Invariants. Behind each EXPECT_BROKEN line everything is as it was.
 * Locking.    None: main loop.
 * Failure.    The case of free lists is skipped without a free block of order 10.
 * Next:       mm/check_walk.c.
 */
#include "expect_broken.h"
#include "zone_fixture.h"

#include <mm/check_walk.h>
#include <mm/memblock.h>

KTEST(check_fixed, a_print_differs_when_a_bit_or_the_order_does)
{
	unsigned char bytes[19] = {1, 2, 3};
	const u64 print = check_print(bytes, sizeof(bytes), 0);

	for (unsigned bit = 0; bit < 8 * sizeof(bytes); bit++) {
		bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
		EXPECT_NE(check_print(bytes, sizeof(bytes), 0), print);
		bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
	}
	EXPECT_EQ(check_print(bytes, sizeof(bytes), 0), print);
	EXPECT_NE(check_print(bytes, sizeof(bytes), 1), print);
	EXPECT_NE(check_print(bytes, sizeof(bytes) - 1, 0), print);
}

KTEST(check_fixed, memblock_that_changes_after_boot_is_named)
{
	struct memblock_region *r = &memblock.reserved.region[0], *m = &memblock.memory.region[0];

	EXPECT_BROKEN_BY("memblock", r->name, "another name", "memblock.B5: ");
	EXPECT_BROKEN_BY("memblock", r->nid, broken + 1, "memblock.B5: ");
	EXPECT_BROKEN_BY("memblock", m->end, broken - PAGE_SIZE, "memblock.B5: ");
	EXPECT_BROKEN_BY("memblock", memblock.handed_over, false, "memblock.B5: ");
	EXPECT_NULL(check_says("memblock"));
}

KTEST(check_fixed, a_zone_that_changes_after_boot_is_named)
{
	struct zone *zone = zone_table;

	while (!zone->present)
		zone++;
	EXPECT_BROKEN_BY("zone", zone->id, broken + 1, "zone.Z6: ");
	EXPECT_BROKEN_BY("zone", zone->type, ZONE_MOVABLE, "zone.Z6: ");
	EXPECT_BROKEN_BY("zone", zone->name, "another name", "zone.Z6: ");
	EXPECT_BROKEN_BY("zone", zone->end_pfn, broken + 1, "zone.Z6: ");
	EXPECT_BROKEN_BY("zone", zone->lowmem_reserve[NR_ZONES - 1], broken + 1, "zone.Z6: ");
	EXPECT_BROKEN_BY("zone", zone->batch, broken + 1, "zone.Z6: ");
	EXPECT_BROKEN_BY("zone", zone->high, broken + 1, "zone.Z6: ");
	EXPECT_BROKEN_BY("zone", zone->lock.cpu, 0, "zone.Z6: ");
	EXPECT_NULL(check_says("zone"));
}

/* The table of sections that are not whole, which memblock has given. */
static struct section_info *section_table(void)
{
	for (unsigned i = 0; i < memblock.reserved.cnt; i++)
		if (strcmp(memblock.reserved.region[i].name, "section table") == 0)
			return phys_to_virt(memblock.reserved.region[i].start);
	return NULL;
}

KTEST(check_fixed, sections_that_change_after_boot_are_named)
{
	struct section_info *info = section_table();
	struct zone *zone = zone_table;

	while (!zone->present)
		zone++;
	ASSERT_NOT_NULL(info);
	EXPECT_BROKEN_BY("page", info->array, broken + PAGE_SIZE, "page.S5: ");
	EXPECT_BROKEN_BY("page", info->hi, broken - 1, "page.S5: ");
	EXPECT_BROKEN_BY("page", zone->open_cursor, ~0UL, "page.S4: ");
	EXPECT_NULL(check_says("page"));
}

KTEST(check_fixed, a_free_list_is_not_followed_where_it_is_damaged)
{
	struct list_head *head, *page;
	struct private_zone pz;

	if (!private_zone_open(&pz))
		SKIP("no free block of order 10");
	head = &pz.zone.free_area[MAX_ORDER].list[MT_MOVABLE];
	page = head->next;
	head->next = LIST_POISON_NEXT;
	EXPECT_BROKEN(private_check(&pz), "buddy.F1: ");
	head->next = page;
	head->prev = NULL;
	EXPECT_BROKEN(private_check(&pz), "buddy.F1: a free list's links are damaged");
	head->prev = page;
	page->next = page; /* a ring without the head */
	EXPECT_BROKEN(private_check(&pz), "buddy.F1: a free list's links are damaged");
	page->next = head;
	expect_whole(t, &pz);
	private_zone_close(&pz);
}
