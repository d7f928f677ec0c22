/*
 * test_page_misuse.c - the report of each misuse of the page allocator.
 *
 * Idea.       Each case makes one mistake, and its boot must end in a BUG that names it.
 * Layout.     One KTEST_PANIC a mistake.
 * Invariants. A2 of mm/page_alloc.c.
 * Failure.    As every test's.
 * Next:       test_reclaim.c.
 */
#include "zone_fixture.h"

#include <mm/slab.h>

static struct page *pages[64];

KTEST_PANIC(page_alloc, a_second_free_is_a_bug, "already free")
{
	struct page *page = alloc_page(GFP_KERNEL);

	__free_page(page);
	__free_page(page);
}

KTEST_PANIC(page_alloc, a_second_free_of_a_large_block_is_a_bug, "__free_pages: pfn")
{
	struct page *page = alloc_pages(GFP_KERNEL, 6);

	__free_pages(page, 6);
	__free_pages(page, 6);
}

KTEST_PANIC(page_alloc, a_second_free_in_bulk_is_a_bug, "__free_pages: pfn")
{
	unsigned long n = alloc_pages_bulk(NUMA_NO_NODE, GFP_KERNEL, 64, pages);

	pages[n - 1] = pages[5];
	free_pages_bulk(pages, n);
}

/* Shows page_alloc.A2. */
KTEST_PANIC(page_alloc, a_wrong_order_is_a_bug, "allocated with another order")
{
	__free_pages(alloc_pages(GFP_KERNEL, 2), 1);
}

KTEST_PANIC(page_alloc, a_larger_order_is_a_bug, "allocated with another order")
{
	__free_pages(alloc_pages(GFP_KERNEL, 4), 5);
}

KTEST_PANIC(page_alloc, a_page_inside_a_block_is_not_freed, "not the first page of an allocated block")
{
	__free_page(alloc_pages(GFP_KERNEL, 3) + 5);
}

KTEST_PANIC(page_alloc, a_reserved_frame_is_not_freed, "__free_pages: pfn")
{
	section_open_pfn(0);
	__free_page(phys_to_page(image_to_phys((void *)alloc_pages)));
}

KTEST_PANIC(page_alloc, a_page_that_became_reserved_is_not_freed, "a reserved page")
{
	struct page *page = alloc_page(GFP_KERNEL);

	page->flags |= PG_reserved;
	__free_page(page);
}

KTEST_PANIC(page_alloc, a_page_without_a_reference_is_not_freed, "without a reference")
{
	struct page *page = alloc_page(GFP_KERNEL);

	page->refcount = 0;
	__free_page(page);
}

KTEST_PANIC(page_alloc, a_slabs_page_is_not_freed, "in use by a slab")
{
	struct kmem_cache *cache = kmem_cache_create("test-page-of-slab", 64, 0, 0, NULL);

	__free_page(virt_to_page(kmem_cache_alloc(cache, GFP_KERNEL)));
}

KTEST_PANIC(page_alloc, a_put_too_many_is_a_bug, "already free")
{
	struct page *page = alloc_page(GFP_KERNEL);

	get_page(page);
	put_page(page);
	put_page(page);
	put_page(page);
}

KTEST_PANIC(page_alloc, two_zones_in_one_request_are_a_bug, "names more than one zone")
{
	alloc_page(GFP_KERNEL | __GFP_DMA | __GFP_DMA32);
}

KTEST_PANIC(page_alloc, movable_and_reclaimable_at_once_is_a_bug, "movable and reclaimable at once")
{
	alloc_page(GFP_KERNEL | __GFP_MOVABLE | __GFP_RECLAIMABLE);
}

KTEST_PANIC(page_alloc, highmem_has_no_address, "HighMem has no address")
{
	__get_free_pages(GFP_HIGHUSER, 0);
}

KTEST_PANIC(page_alloc, a_split_of_another_order_is_a_bug, "is no allocated block of order")
{
	split_page(alloc_pages(GFP_KERNEL, 3), 2);
}

KTEST_PANIC(page_alloc, an_address_outside_the_direct_map_is_not_freed, "is no page of the direct map")
{
	free_pages((unsigned long)pages, 0);
}

KTEST_PANIC(page_alloc, an_address_inside_a_page_is_not_freed, "is no page of the direct map")
{
	free_pages(__get_free_pages(GFP_KERNEL, 0) + 8, 0);
}
