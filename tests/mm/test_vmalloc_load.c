/*
 * test_vmalloc_load.c - many areas: the loads of Linux's lib/test_vmalloc.c, with what they must leave behind.
 *
 * Idea.       Each load allocates and frees in its own pattern: equal sizes, random sizes, a window full of small areas,
 *             alignments. Areas keep their contents and their alignment, and the window is afterwards as it was.
 * Layout.     area[]: areas that live together
 * Invariants. The runner compares free pages and checks the window after each case.
 * Locking.    None.
 * Failure.    Loads take fewer areas where memory is short.
 * Next:       test_kmap.c.
 */
#include "scratch.h"

#include <kernel/string.h>
#include <kernel/test.h>
#include <kernel/work.h>
#include <mm/check.h>
#include <mm/internal.h>
#include <mm/kmalloc.h>
#include <mm/vmalloc.h>

enum { AREAS = 3000 };

static void *area[AREAS];

static unsigned long used_bytes(void)
{
	unsigned long total, used, largest, ranges;

	vmalloc_totals(&total, &used, &largest, &ranges);
	return used;
}

/* So many areas of so many pages leave most of memory alone. */
static unsigned areas_of(unsigned long pages, unsigned most)
{
	return (unsigned)min(nr_free_pages() / 4 / pages, (unsigned long)min(most, (unsigned)AREAS));
}

static void free_areas(unsigned nr)
{
	for (unsigned i = 0; i < nr; i++)
		vfree(area[i]);
}

/* First and last word of an area name it. */
static void name_area(void *p, size_t size, unsigned long id)
{
	*(u64 *)p = id;
	*(u64 *)((char *)p + size - sizeof(u64)) = ~id;
}

static bool has_name(const void *p, size_t size, unsigned long id)
{
	return *(const u64 *)p == id && *(const u64 *)((const char *)p + size - sizeof(u64)) == ~id;
}

#define EXPECT_WINDOW_AS_BEFORE(used)               \
	do {                                        \
		vm_unmap_aliases();                 \
		EXPECT_EQ(used_bytes(), used);      \
		EXPECT_EQ(vmalloc_lazy_pages(), 0); \
	} while (0)

KTEST(vmalloc_load, areas_of_one_size_come_and_go)
{
	const unsigned pages[] = {1, 3, 16};
	unsigned long used;

	vm_unmap_aliases();
	used = used_bytes();
	for (unsigned k = 0; k < ARRAY_SIZE(pages); k++)
		for (unsigned i = 0; i < 1000; i++) {
			size_t size = pages[k] * PAGE_SIZE;
			void *p = vmalloc(size);

			ASSERT_NOT_NULL(p);
			name_area(p, size, i);
			EXPECT_TRUE(has_name(p, size, i));
			vfree(p);
		}
	EXPECT_WINDOW_AS_BEFORE(used);
}

/* Holes of one page everywhere, each filled by the next request of its size. */
KTEST(vmalloc_load, every_second_area_is_replaced_in_its_place)
{
	unsigned nr = areas_of(2, AREAS);
	unsigned long used;

	vm_unmap_aliases();
	used = used_bytes();
	for (unsigned i = 0; i < nr; i++) {
		area[i] = vmalloc(PAGE_SIZE);
		ASSERT_NOT_NULL(area[i]);
		name_area(area[i], PAGE_SIZE, i);
	}
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < nr; i += 2)
			vfree(area[i]);
		for (unsigned i = 0; i < nr; i += 2) {
			area[i] = vmalloc(PAGE_SIZE);
			ASSERT_NOT_NULL(area[i]);
			name_area(area[i], PAGE_SIZE, i);
		}
	}
	for (unsigned i = 0; i < nr; i++)
		EXPECT_TRUE(has_name(area[i], PAGE_SIZE, i));
	free_areas(nr);
	EXPECT_WINDOW_AS_BEFORE(used);
}

KTEST(vmalloc_load, large_areas_find_room_beside_many_small_ones)
{
	unsigned nr = areas_of(1, AREAS);
	unsigned long used;

	vm_unmap_aliases();
	used = used_bytes();
	for (unsigned i = 0; i < nr; i++) {
		area[i] = vmalloc(PAGE_SIZE);
		ASSERT_NOT_NULL(area[i]);
	}
	for (unsigned i = 0; i < 20; i++) {
		void *one = vmalloc(100 * PAGE_SIZE), *two = vmalloc(PAGE_SIZE);

		ASSERT_NOT_NULL(one);
		ASSERT_NOT_NULL(two);
		name_area(one, 100 * PAGE_SIZE, i);
		name_area(two, PAGE_SIZE, ~(unsigned long)i);
		EXPECT_TRUE(has_name(one, 100 * PAGE_SIZE, i));
		vfree(two);
		vfree(one);
	}
	free_areas(nr);
	EXPECT_WINDOW_AS_BEFORE(used);
}

KTEST(vmalloc_load, areas_of_random_sizes_keep_their_contents)
{
	static size_t size[100];
	unsigned long used;

	vm_unmap_aliases();
	used = used_bytes();
	memset(area, 0, sizeof(area));
	for (unsigned n = 0; n < 2000; n++) {
		unsigned i = test_rand_below(ARRAY_SIZE(size));

		if (area[i]) {
			EXPECT_TRUE(has_name(area[i], size[i], i));
			vfree(area[i]);
			area[i] = NULL;
			continue;
		}
		size[i] = 16 + test_rand_below((unsigned)(10 * PAGE_SIZE));
		area[i] = vmalloc(ALIGN_UP(size[i], 8UL));
		size[i] = ALIGN_UP(size[i], 8UL);
		ASSERT_NOT_NULL(area[i]);
		name_area(area[i], size[i], i);
	}
	free_areas(ARRAY_SIZE(size));
	EXPECT_WINDOW_AS_BEFORE(used);
}

/* ---- alignment ---- */

static void *aligned(size_t size, size_t align)
{
	return __vmalloc_node(size, align, GFP_KERNEL | __GFP_NOWARN, NUMA_NO_NODE, aligned);
}

KTEST(vmalloc_load, areas_lie_at_the_alignment_asked_for)
{
	unsigned long total, used, largest, ranges;
	unsigned nr = 0;

	vm_unmap_aliases();
	vmalloc_totals(&total, &used, &largest, &ranges);
	for (size_t align = 1; align <= min(MIB(64), largest / 16); align *= 2, nr++) {
		area[nr] = aligned(5 * PAGE_SIZE, align);
		ASSERT_NOT_NULL(area[nr]);
		EXPECT_TRUE(IS_ALIGNED((vaddr_t)area[nr], max(align, PAGE_SIZE)));
		EXPECT_EQ(find_vm_area(area[nr])->caller, (unsigned long)aligned);
		name_area(area[nr], 5 * PAGE_SIZE, nr);
	}
	for (unsigned i = 0; i < nr; i++)
		EXPECT_TRUE(has_name(area[i], 5 * PAGE_SIZE, i));
	free_areas(nr);
	EXPECT_WINDOW_AS_BEFORE(used);
}

KTEST(vmalloc_load, random_sizes_and_alignments_go_together)
{
	unsigned long total, used, largest, ranges;

	vm_unmap_aliases();
	vmalloc_totals(&total, &used, &largest, &ranges);
	memset(area, 0, sizeof(area));
	for (unsigned n = 0; n < 1000; n++) {
		unsigned i = test_rand_below(40);
		size_t align = min(PAGE_SIZE << test_rand_below(12), BIT(ilog2(largest / 256)));
		size_t size =
			PAGE_SIZE * (1 + test_rand_below(min(30u, (unsigned)(largest / 256 / PAGE_SIZE))));

		vfree(area[i]);
		area[i] = aligned(size, align);
		ASSERT_NOT_NULL(area[i]);
		EXPECT_TRUE(IS_ALIGNED((vaddr_t)area[i], align));
		name_area(area[i], size, n);
		EXPECT_TRUE(has_name(area[i], size, n));
	}
	free_areas(40);
	EXPECT_WINDOW_AS_BEFORE(used);
}

/* Each power of two up to the word's size: the larger ones have no place in the window, and say so. */
KTEST(vmalloc_load, alignments_beyond_the_window_are_refused)
{
	unsigned long total, used, largest, ranges;

	vmalloc_totals(&total, &used, &largest, &ranges);
	for (unsigned bit = 0; bit < 64; bit++) {
		void *p = aligned(PAGE_SIZE, BIT(bit));

		if (BIT(bit) * 2 <= largest && bit < 63)
			EXPECT_NOT_NULL(p);
		if (bit == 63 || BIT(bit) > total)
			EXPECT_NULL(p);
		EXPECT_TRUE(IS_ALIGNED((vaddr_t)p, BIT(bit)));
		vfree(p);
	}
	EXPECT_NULL(aligned(0, PAGE_SIZE));
	EXPECT_NULL(aligned(~0UL, MIB(2)));
}

KTEST(vmalloc_load, node_zero_bytes_and_caller_are_as_asked)
{
	struct page *page;
	u8 *p, bad = 0;
	int nid = numa_node_id();

	for (unsigned round = 0; round < 2; round++) {
		p = __vmalloc_node(3 * PAGE_SIZE, MIB(2), GFP_KERNEL | __GFP_ZERO, nid, aligned);
		ASSERT_NOT_NULL(p);
		for (size_t i = 0; i < 3 * PAGE_SIZE; i++)
			bad |= p[i];
		EXPECT_EQ(bad, 0);
		page = vmalloc_to_page(p);
		if (node_zone(nid, ZONE_NORMAL)->managed > 4096)
			EXPECT_EQ(page_to_nid(page), nid);
		memset(p, 0xee, 3 * PAGE_SIZE);
		vfree(p);
	}
}

KTEST_PANIC(vmalloc_load, an_alignment_that_is_no_power_of_two_is_a_bug, "__vmalloc_node: alignment")
{
	aligned(PAGE_SIZE, 3 * PAGE_SIZE);
}

/* ---- pages that are mapped ---- */

KTEST(vmalloc_load, one_page_is_mapped_many_times)
{
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO), *pages[8];
	u8 *v;

	ASSERT_NOT_NULL(page);
	for (unsigned i = 0; i < ARRAY_SIZE(pages); i++)
		pages[i] = page;
	v = vmap(pages, ARRAY_SIZE(pages), 0, PT_RW);
	ASSERT_NOT_NULL(v);
	v[0] = 42;
	for (unsigned i = 0; i < ARRAY_SIZE(pages); i++)
		EXPECT_EQ(v[i * PAGE_SIZE], 42);
	EXPECT_NULL(vmalloc_to_page(v + 8 * PAGE_SIZE));
	vunmap(v);
	vm_unmap_aliases();
	EXPECT_EQ(*(u8 *)page_address(page), 42);
	__free_page(page);
	EXPECT_NULL(vmap(pages, 0, 0, PT_RW));
}

KTEST(vmalloc_load, runs_of_pages_are_mapped_and_unmapped_many_times)
{
	struct page *pages[100];
	unsigned long used;

	vm_unmap_aliases();
	used = used_bytes();
	ASSERT_EQ(alloc_pages_bulk(NUMA_NO_NODE, GFP_KERNEL, ARRAY_SIZE(pages), pages), ARRAY_SIZE(pages));
	for (unsigned n = 0; n < 200; n++) {
		unsigned nr = 1 + test_rand_below(ARRAY_SIZE(pages));
		u64 *v = vmap(pages, nr, VM_MAP, PT_RW);

		ASSERT_NOT_NULL(v);
		name_area(v, nr * PAGE_SIZE, n);
		EXPECT_EQ(*(u64 *)page_address(pages[0]), nr == 1 && PAGE_SIZE == 8 ? ~(u64)n : n);
		EXPECT_EQ(((u64 *)page_address(pages[nr - 1]))[PAGE_SIZE / 8 - 1], ~(u64)n);
		vunmap(v);
	}
	vm_unmap_aliases();
	free_pages_bulk(pages, ARRAY_SIZE(pages));
	EXPECT_WINDOW_AS_BEFORE(used);
}

/* ---- areas that wait for a grace period ---- */

struct late_area {
	struct rcu_head head;
	u64 filler[100];
};

static unsigned late_freed;

static void free_late(struct rcu_head *head)
{
	kvfree(container_of(head, struct late_area, head));
	late_freed++;
}

/* Linux's kvfree_rcu() with a head: objects and areas alike are freed after the grace period, all of them. */
KTEST(vmalloc_load, areas_and_objects_are_freed_after_a_grace_period)
{
	unsigned nr = areas_of(4, 500);
	unsigned long used;

	vm_unmap_aliases();
	used = used_bytes();
	late_freed = 0;
	for (unsigned i = 0; i < nr; i++) {
		size_t size = i % 2 ? sizeof(struct late_area) : sizeof(struct late_area) + 2 * PAGE_SIZE;
		struct late_area *a = i % 2 ? kmalloc(size, GFP_KERNEL) : vmalloc(size);

		ASSERT_NOT_NULL(a);
		a->filler[0] = a->filler[99] = 0x0a;
		call_rcu(&a->head, free_late);
	}
	rcu_barrier();
	EXPECT_EQ(late_freed, nr);
	EXPECT_WINDOW_AS_BEFORE(used);
}

/* Large areas and small ones in turn: the window is used again, not used up. */
KTEST(vmalloc_load, large_and_small_areas_in_turn_use_the_same_addresses)
{
	const size_t size = min(MIB(4), nr_free_pages() / 8 * PAGE_SIZE);
	vaddr_t lowest = ~0UL, highest = 0;

	vm_unmap_aliases();
	for (unsigned i = 0; i < 200; i++) {
		char *one = vmalloc(size), *two = vmalloc(PAGE_SIZE * (1 + i % 7));

		ASSERT_NOT_NULL(one);
		ASSERT_NOT_NULL(two);
		lowest = min(lowest, (vaddr_t)one);
		highest = max(highest, (vaddr_t)one + size);
		vfree(one);
		vfree(two);
	}
	EXPECT_LE(highest - lowest, MIB(512) + (cpumask_weight(&cpu_possible_mask) * MIB(256)));
}
