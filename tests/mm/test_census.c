/*
 * test_census.c - the census finds a frame that is nowhere, or in two places, and a count that is not true.
 *
 * Idea.       As test_check.c: one thing at a time is broken, must be named under its number, and is put right again. What
 *             no other check sees comes first: counts that were taken on trust, a page without a trace.
 * Layout.     counts; frames; users; counters.
 * Invariants. Between two EXPECT_BROKEN lines everything is as it was.
 * Locking.    None: main loop. The checks are called alone, so that what is wrong is named by this one.
 * Failure.    A case that needs per-CPU lists is skipped while page debugging goes round them.
 * Next:       mm/census.c.
 */
#include "../../mm/pt_internal.h"
#include "../../mm/slab_internal.h"
#include "../../mm/vmap.h"
#include "expect_broken.h"
#include "zone_fixture.h"

#include <mm/kmalloc.h>
#include <mm/memblock.h>

#define CENSUS_SAYS(part) EXPECT_BROKEN(check_says("census"), part)

static struct zone *zone_in_use(void)
{
	struct page *page = alloc_page(GFP_KERNEL);
	struct zone *zone = page ? page_zone(page) : NULL;

	if (page)
		__free_page(page);
	return zone;
}

/* ---- counts ---- */

KTEST(census, every_count_of_a_zone_is_recounted)
{
	struct zone *zone = zone_in_use();

	ASSERT_NOT_NULL(zone);
	mm_settle(); /* empties per-CPU lists: nothing is added or taken from here on */
	zone->nr_isolated_blocks += 5;
	CENSUS_SAYS("census.C6: nr_isolated_blocks");
	zone->nr_isolated_blocks -= 5;
	zone->highatomic_pages += 512;
	CENSUS_SAYS("census.C6: highatomic_pages");
	zone->highatomic_pages -= 512;
	zone->managed -= 7;
	CENSUS_SAYS("census.C5: managed");
	zone->managed += 7;
	zone->free_area[0].nr_free++;
	CENSUS_SAYS("census.C5: nr_free");
	zone->free_area[0].nr_free--;
	zone->listed_pages--;
	CENSUS_SAYS("census.C5: listed_pages");
	zone->listed_pages++;
	zone->isolated_pages++;
	CENSUS_SAYS("census.C5: isolated_pages");
	zone->isolated_pages--;
	zone->free_pages++;
	CENSUS_SAYS("census.C5: free_pages");
	zone->free_pages--;
	zone->unopened[1]++;
	CENSUS_SAYS("census.C5: ");
	zone->unopened[1]--;
	EXPECT_NULL(check_says("census"));
}

KTEST(census, a_pageblock_of_another_type_is_missed_in_the_counts)
{
	struct page *page = alloc_pages(GFP_KERNEL | __GFP_NOWARN, MAX_ORDER);
	u8 saved;

	if (!page)
		SKIP("no free block of order 10");
	saved = page->block_type;
	page->block_type = MT_HIGHATOMIC;
	CENSUS_SAYS("census.C6: highatomic_pages");
	page->block_type = MT_ISOLATE;
	CENSUS_SAYS("census.C6: nr_isolated_blocks");
	page->block_type = NR_MIGRATETYPES;
	CENSUS_SAYS("census.C6: the pageblock");
	page->block_type = saved;
	EXPECT_NULL(check_says("census"));
	__free_pages(page, MAX_ORDER);
}

/* ---- frames ---- */

KTEST(census, an_allocated_page_without_a_trace_is_named)
{
	struct page *page = alloc_page(GFP_KERNEL);
	unsigned long flags;
	char name[32];

	ASSERT_NOT_NULL(page);
	snprintf(name, sizeof(name), "census.C1: pfn 0x%lx is in no block", page_to_pfn(page));
	flags = page->flags;
	page->flags = 0;
	page->refcount = 0;
	CENSUS_SAYS(name);
	page->flags = flags;
	page->refcount = 1;
	EXPECT_NULL(check_says("census"));
	__free_page(page);
}

/* Every bit of a first page's flags but its type's says something. */
KTEST(census, every_flag_of_a_block_is_looked_at)
{
	struct page *page = alloc_pages(GFP_KERNEL, 1);

	ASSERT_NOT_NULL(page);
	for (unsigned bit = 0; bit < 64; bit++) {
		const unsigned long flag = 1UL << bit;

		if (flag & (PG_TYPE_MASK | PG_comp | PG_user_shell | PG_hwpoison))
			continue;
		page->flags ^= flag;
		EXPECT_MSG(check_says("census") != NULL, "bit %u of the flags", bit);
		page->flags ^= flag;
	}
	page->refcount = 0;
	CENSUS_SAYS("census.C2: ");
	page->refcount = 1;
	page->mapcount = 1;
	CENSUS_SAYS("census.C2: ");
	page->mapcount = 0;
	page[1].flags = PAGE_ALLOCATED;
	CENSUS_SAYS("census.C3: ");
	page[1].flags = 0;
	page[1].refcount = 1;
	CENSUS_SAYS("census.C3: ");
	page[1].refcount = 0;
	EXPECT_NULL(check_says("census"));
	__free_pages(page, 1);
}

/* A struct page of memory that memblock has taken: in an opened section, not a whole section's own. */
static struct page *reserved_page(void)
{
	for (unsigned i = 0; i < memblock.reserved.cnt; i++) {
		const struct memblock_region *r = &memblock.reserved.region[i];
		pfn_t pfn = r->start >> PAGE_SHIFT;

		if (memblock_is_memory(&memblock, r->start) && pfn_valid(pfn))
			return pfn_to_page(pfn);
	}
	return NULL;
}

KTEST(census, a_reserved_frame_is_in_no_block)
{
	struct page *page = reserved_page();

	ASSERT_NOT_NULL(page);
	page->refcount = 1;
	CENSUS_SAYS("census.C1: ");
	page->refcount = 0;
	page->flags = PAGE_ALLOCATED | (unsigned long)zone_of_pfn(page_to_pfn(page))->id << PG_ZONE_SHIFT;
	page->refcount = 1;
	CENSUS_SAYS("census.C2: ");
	page->flags = 0;
	page->refcount = 0;
	EXPECT_NULL(check_says("census"));
}

KTEST(census, a_hole_has_no_block)
{
	for (unsigned i = 0; i + 1 < memblock.memory.cnt; i++) {
		pfn_t pfn = memblock.memory.region[i].end >> PAGE_SHIFT;

		if (memblock.memory.region[i + 1].start >> PAGE_SHIFT == pfn || !pfn_valid(pfn))
			continue;
		pfn_to_page(pfn)->flags = PAGE_ALLOCATED;
		CENSUS_SAYS("census.C8: ");
		pfn_to_page(pfn)->flags = 0;
		EXPECT_NULL(check_says("census"));
		return;
	}
	SKIP("no hole in an opened section");
}

KTEST(census, a_record_of_another_order_is_named)
{
	struct page *page = alloc_page(GFP_KERNEL);
	struct page_ext *ext;

	ASSERT_NOT_NULL(page);
	ext = page_ext(page);
	if (ext) {
		ext->order++;
		CENSUS_SAYS("census.C9: ");
		ext->order--;
	}
	EXPECT_NULL(check_says("census"));
	__free_page(page);
	if (!ext)
		SKIP("page_owner=off");
}

/* ---- users ---- */

/* A frame that the page array calls a slab's, a table, an area's, though no such user has it. */
KTEST(census, a_frame_that_its_user_does_not_know_is_named)
{
	static const unsigned long uses[] = {PG_slab, PG_table, PG_vmalloc};
	struct page *page = alloc_page(GFP_KERNEL);
	char name[32];

	ASSERT_NOT_NULL(page);
	snprintf(name, sizeof(name), "census.C4: pfn 0x%lx: ", page_to_pfn(page));
	for (unsigned i = 0; i < ARRAY_SIZE(uses); i++) {
		page->flags |= uses[i];
		CENSUS_SAYS(name);
		page->flags &= ~uses[i];
	}
	page->flags |= PG_kmalloc;
	page->private = 0;
	CENSUS_SAYS("census.C2: ");
	page->private = 1;
	CENSUS_SAYS("census.C7: ");
	page->flags &= ~PG_kmalloc;
	EXPECT_NULL(check_says("census"));
	__free_page(page);
}

KTEST(census, a_block_that_left_its_list_is_named)
{
	struct page *page = alloc_pages(GFP_KERNEL | __GFP_NOWARN, MAX_ORDER);
	struct zone *zone;
	unsigned long irq;
	char name[32];

	if (!page)
		SKIP("no free block of order 10");
	zone = page_zone(page);
	__free_pages(page, MAX_ORDER);
	if (page_state(page) != PAGE_BUDDY || page_order(page) != MAX_ORDER)
		SKIP("the block is not the buddy's");
	snprintf(name, sizeof(name), "census.C4: pfn 0x%lx: buddy", page_to_pfn(page));
	irq = spin_lock_irqsave(&zone->lock);
	list_unlink(&page->lru); /* its state and the counts stay */
	spin_unlock_irqrestore(&zone->lock, irq);
	CENSUS_SAYS(name);
	irq = spin_lock_irqsave(&zone->lock);
	list_add(&page->lru, &zone->free_area[MAX_ORDER].list[page_type(page)]);
	spin_unlock_irqrestore(&zone->lock, irq);
	EXPECT_NULL(check_says("census"));
}

KTEST(census, a_block_twice_on_a_cpus_list_is_named)
{
	struct page *one = alloc_page(GFP_KERNEL), *two = alloc_page(GFP_KERNEL);
	struct pcpu_stack *stack;
	char name[32];
	void *saved;

	ASSERT_TRUE(one && two);
	__free_page(one);
	__free_page(two);
	if (page_state(one) != PAGE_PCP || page_state(two) != PAGE_PCP)
		SKIP("page debugging goes round the lists");
	stack = this_cpu(pcp_zone[page_zone_id(two)])->row[page_type(two)][0];
	saved = stack->entry[stack->avail - 1];
	EXPECT_EQ((unsigned long)saved, (unsigned long)two);
	snprintf(name, sizeof(name), "census.C4: pfn 0x%lx: pcp", page_to_pfn(min(one, two)));
	stack->entry[stack->avail - 1] = one;
	CENSUS_SAYS(name);
	stack->entry[stack->avail - 1] = saved;
	EXPECT_NULL(check_says("census"));
}

KTEST(census, an_area_that_names_a_page_of_another_is_named)
{
	void *p = vmalloc(PAGE_SIZE), *q = vmalloc(PAGE_SIZE);
	struct vmap_area *a = vmap_find((vaddr_t)p);
	struct page *saved;

	ASSERT_TRUE(p && q && a);
	saved = a->vm.pages[0];
	a->vm.pages[0] = vmap_find((vaddr_t)q)->vm.pages[0];
	CENSUS_SAYS(": vmalloc");
	a->vm.pages[0] = saved;
	EXPECT_NULL(check_says("census"));
	vfree(p);
	vfree(q);
}

/* ---- counters ---- */

KTEST(census, every_counter_of_pages_is_recounted)
{
	static const enum mm_counter counters[] = {MM_SLAB_RECLAIMABLE, MM_SLAB_UNRECLAIMABLE, MM_VMALLOC,
						   MM_KERNEL_STACK};

	for (unsigned i = 0; i < ARRAY_SIZE(counters); i++) {
		mm_counter_add(counters[i], 1);
		CENSUS_SAYS("census.C7: ");
		mm_counter_add(counters[i], -1);
	}
	EXPECT_NULL(check_says("census"));
}
