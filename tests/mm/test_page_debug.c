/*
 * test_page_debug.c - poison, zeroing and owners: the hooks themselves, and the allocator with the options on.
 *
 * Idea.       The hooks are two functions of a block, so they can be called on a block in use with any option set. Cases
 *             about every free page need a boot with the option; elsewhere they are skipped, naming it.
 * Layout.     with_options(): sets the four options for the length of a statement
 * Invariants. D1 and D2 of mm/page_debug.c.
 * Locking.    None.
 * Failure.    As every test's.
 * Next:       test_kmap.c.
 */
#include "zone_fixture.h"

#include <kernel/string.h>
#include <mm/check.h>

enum { POISON = 1, ON_ALLOC = 2, ON_FREE = 4 };

static void set_options(unsigned which)
{
	opt_page_poison = which & POISON;
	opt_init_on_alloc = which & ON_ALLOC;
	opt_init_on_free = which & ON_FREE;
	page_debugging = which || opt_page_owner;
}

static unsigned options(void)
{
	return (opt_page_poison ? POISON : 0) | (opt_init_on_alloc ? ON_ALLOC : 0) |
	       (opt_init_on_free ? ON_FREE : 0);
}

/* Whether every byte of the block is `byte`. */
static bool filled_with(const struct page *page, unsigned order, u8 byte)
{
	const u8 *p = page_address(page);

	for (size_t i = 0; i < PAGE_SIZE << order; i++)
		if (p[i] != byte)
			return false;
	return true;
}

KTEST(page_debug, the_hooks_leave_what_their_options_promise)
{
	unsigned before = options();

	for (unsigned which = 0; which < 8; which++) {
		for (unsigned order = 0; order < 5; order++) {
			struct page *page = alloc_pages(GFP_KERNEL, order);

			ASSERT_NOT_NULL(page);
			memset(page_address(page), 0x33, PAGE_SIZE << order);
			set_options(which);
			page_prepare_free(page, order, 0);
			EXPECT_TRUE(filled_with(page, order,
						which & POISON	  ? PAGE_POISON
						: which & ON_FREE ? 0
								  : 0x33));
			EXPECT_EQ(page_prepare_new(page, GFP_KERNEL, order, 0), page);
			if (which & ON_ALLOC)
				EXPECT_TRUE(filled_with(page, order, 0));
			if (which & POISON) {
				memset(page_address(page), PAGE_POISON, PAGE_SIZE << order);
				page_prepare_new(page, GFP_KERNEL | __GFP_ZERO, order, 0);
				EXPECT_TRUE(filled_with(page, order, 0));
			}
			set_options(before);
			__free_pages(page, order);
		}
	}
}

KTEST(page_debug, any_option_keeps_the_lists_off)
{
	LIST_HEAD(held);
	struct zone *zone;

	if (!page_debug_enabled())
		SKIP("needs page_owner=on");
	EXPECT_EQ(hold_blocks(&held, GFP_KERNEL, 0, 100), 100);
	release_blocks(&held, 0);
	for_each_populated_zone (zone)
		EXPECT_EQ(pcp_count(zone, arch_cpu_id()), 0);
}

/* D1 over everything that is listed. Shows page_debug.D1. */
KTEST(page_debug, every_free_page_is_poisoned)
{
	struct zone *zone;

	if (!opt_page_poison)
		SKIP("needs page_poison=on");
	free_pages_exact(alloc_pages_exact(5 * PAGE_SIZE, GFP_KERNEL), 5 * PAGE_SIZE);
	free_pages_trimmed(alloc_pages_trimmed(NUMA_NO_NODE, GFP_KERNEL, 9), 9);
	mm_settle();
	for_each_populated_zone (zone) {
		for (unsigned o = 0; o < NR_ORDERS; o++) {
			for (unsigned type = 0; type < NR_MIGRATETYPES; type++) {
				struct page *page;
				unsigned some = 0;

				list_for_each_entry (page, &zone->free_area[o].list[type], lru) {
					if (!page_address(page) || some++ == 20)
						break;
					page_mark_live(page, o);
					EXPECT_TRUE(filled_with(page, min(o, 5u), PAGE_POISON));
					page_mark_free(page, o);
				}
			}
		}
	}
}

KTEST(page_debug, every_new_page_is_zero)
{
	if (!opt_init_on_alloc)
		SKIP("needs init_on_alloc=on");
	for (unsigned i = 0; i < 40; i++) {
		unsigned order = test_rand_below(5);
		struct page *page = alloc_pages(GFP_KERNEL, order);

		ASSERT_NOT_NULL(page);
		EXPECT_TRUE(filled_with(page, order, 0));
		memset(page_address(page), 0x44, PAGE_SIZE << order);
		__free_pages(page, order);
	}
}

KTEST(page_debug, every_freed_page_is_cleared)
{
	if (!opt_init_on_free || opt_page_poison)
		SKIP("needs init_on_free=on without page_poison=on");
	for (unsigned i = 0; i < 40; i++) {
		unsigned order = test_rand_below(5);
		struct page *page = alloc_pages(GFP_KERNEL, order);

		ASSERT_NOT_NULL(page);
		memset(page_address(page), 0x44, PAGE_SIZE << order);
		__free_pages(page, order);
		EXPECT_TRUE(filled_with(page, order, 0));
	}
}

KTEST(page_debug, owners_are_unknown_while_nobody_asks)
{
	struct page *page = alloc_page(GFP_KERNEL);

	ASSERT_NOT_NULL(page);
	if (!opt_page_owner) {
		EXPECT_NULL(page_ext(page));
		EXPECT_EQ(page_owner_caller(page), 0);
	}
	__free_page(page);
}

static bool called_from_here(unsigned long caller)
{
	unsigned long offset, size;
	const char *name = ksym_lookup(caller, &offset, &size);

	return name && strstr(name, "page_debug");
}

/* Shows page_debug.D2. */
KTEST(page_debug, a_block_names_its_owner_and_its_pieces_do_too)
{
	if (!opt_page_owner)
		SKIP("needs page_owner=on");
	for (unsigned order = 0; order < 6; order++) {
		struct page *page = alloc_pages(GFP_KERNEL, order);
		const struct page_ext *ext;

		ASSERT_NOT_NULL(page);
		ext = page_ext(page);
		ASSERT_NOT_NULL(ext);
		EXPECT_TRUE(called_from_here(ext->alloc_caller));
		EXPECT_EQ(page_owner_caller(page), ext->alloc_caller);
		EXPECT_EQ(ext->order, order);
		EXPECT_EQ(ext->gfp & GFP_KERNEL, GFP_KERNEL);
		split_page(page, order);
		for (unsigned i = 0; i < 1u << order; i++) {
			EXPECT_EQ(page_owner_caller(page + i), ext->alloc_caller);
			EXPECT_EQ(page_ext(page + i)->gfp, ext->gfp);
			EXPECT_EQ(page_ext(page + i)->order, 0);
			__free_page(page + i);
			EXPECT_TRUE(called_from_here(page_ext(page + i)->free_caller));
		}
	}
}

KTEST(page_debug, trimmed_pieces_have_the_blocks_owner)
{
	struct page *page;

	if (!opt_page_owner)
		SKIP("needs page_owner=on");
	page = alloc_pages_trimmed(NUMA_NO_NODE, GFP_KERNEL, 13);
	ASSERT_NOT_NULL(page);
	EXPECT_NE(page_owner_caller(page), 0);
	EXPECT_EQ(page_owner_caller(page + 8), page_owner_caller(page));
	EXPECT_EQ(page_owner_caller(page + 12), page_owner_caller(page));
	EXPECT_EQ(page_ext(page + 8)->order, 2);
	free_pages_trimmed(page, 13);
}

/* ---- what is found at the next allocation ---- */

static void spoil(size_t at, u8 first, u8 second)
{
	struct page *page = alloc_pages(GFP_KERNEL, 2);
	u8 *p = page_address(page);

	set_options(POISON);
	page_prepare_free(page, 2, 0);
	p[at] ^= first;
	p[at + 1] ^= second;
	page_prepare_new(page, GFP_KERNEL, 2, 0);
}

KTEST_PANIC(page_debug, a_flipped_bit_is_told_from_a_write, "page poison: single bit error")
{
	spoil(PAGE_SIZE + 77, 0x10, 0);
}

KTEST_PANIC(page_debug, a_write_of_one_byte_is_corruption, "page poison: memory corruption")
{
	spoil(0, 0x11, 0);
}

KTEST_PANIC(page_debug, two_flipped_bits_are_corruption, "bytes 0x3ffe to 0x3fff are not 0xaa")
{
	spoil(4 * PAGE_SIZE - 2, 0x01, 0x80);
}
