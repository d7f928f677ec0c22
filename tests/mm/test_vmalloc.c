/*
 * test_vmalloc.c - ranges of addresses, the frames behind them, and the order in which both go back.
 *
 * Idea.       Addresses are compared with a plain sorted array that takes the lowest gap; contents with tags
 *             that name area and page, written through one mapping and read through the other.
 * Layout.     ranges; contents; guards; lazy freeing; sizes and kinds; vmap; interrupts; failure; misuse.
 * Invariants. The runner compares free pages and runs vmap_check after every case.
 * Locking.    None: main loop.
 * Failure.    Cases scale to the memory there is, or are skipped.
 * Next:       test_percpu.c.
 */
#include "scratch.h"

#include <arch/cpu.h>
#include <arch/irq.h>
#include <arch/san.h>
#include <kernel/errno.h>
#include <kernel/fault.h>
#include <kernel/percpu.h>
#include <kernel/string.h>
#include <kernel/test.h>
#include <kernel/work.h>
#include <mm/check.h>
#include <mm/internal.h>
#include <mm/page_alloc.h>
#include <mm/vmap.h>

/* Pages that a case may take: a part of what is free, at most `most`. */
static unsigned budget(unsigned most)
{
	return (unsigned)min((unsigned long)most, nr_free_pages() / 4);
}

/* A case that needs more addresses than a small vmalloc= gives. */
#define NEED_WINDOW(bytes)                                                         \
	do {                                                                       \
		if (vmap_end - vmap_start < (bytes))                               \
			SKIP("the window is smaller than %lu MiB", (bytes) >> 20); \
	} while (0)

/* ---- ranges ---- */

enum { ORACLE_MAX = 1024 };

struct range {
	vaddr_t start, end;
	bool lazy;
};

/* What is taken of the window, in order of address. */
static struct range taken[ORACLE_MAX];
static unsigned nr_taken;

static void oracle_insert(struct range r)
{
	unsigned i = nr_taken++;

	for (; i && taken[i - 1].start > r.start; i--)
		taken[i] = taken[i - 1];
	taken[i] = r;
}

static void oracle_remove(unsigned i)
{
	memmove(&taken[i], &taken[i + 1], (--nr_taken - i) * sizeof(taken[0]));
}

static bool oracle_add(const struct vmalloc_info *info, void *ctx)
{
	oracle_insert((struct range){info->start, info->end, info->lazy});
	return nr_taken < ORACLE_MAX / 2;
}

static vaddr_t oracle_lowest(size_t size, size_t align)
{
	vaddr_t at = ALIGN_UP(vmap_start, align);

	for (unsigned i = 0; i < nr_taken; i++) {
		if (taken[i].start >= at && taken[i].start - at >= size)
			break;
		at = max(at, ALIGN_UP(taken[i].end, align));
	}
	return at;
}

static void oracle_purged(void)
{
	for (unsigned i = nr_taken; i-- > 0;)
		if (taken[i].lazy)
			oracle_remove(i);
}

/* May purge by itself, above the limit. */
static void range_free(unsigned i)
{
	vunmap((void *)taken[i].start);
	taken[i].lazy = true;
	if (!vmalloc_lazy_pages())
		oracle_purged();
}

static bool range_is_ours(unsigned i)
{
	return i < nr_taken && !taken[i].lazy && vmap_find(taken[i].start)->vm.caller == (vaddr_t)range_free;
}

/* Address space only, so that thousands of areas of any size cost nothing. */
KTEST(vmalloc, every_range_is_the_lowest_that_fits)
{
	unsigned foreign;
	size_t cached;

	NEED_WINDOW(GIB(1));
	cached = vmap_set_cached_size(0); /* as on one CPU */
	nr_taken = 0;
	vm_unmap_aliases();
	vmalloc_for_each(oracle_add, NULL);
	foreign = nr_taken;
	for (unsigned n = 0; n < 3000; n++) {
		size_t size = (1 + test_rand_below(1u << test_rand_below(12))) * PAGE_SIZE;
		size_t align = PAGE_SIZE << (test_rand_below(3) ? 0 : test_rand_below(11));
		struct vmap_area *a;

		if (nr_taken == ORACLE_MAX - 1 || (nr_taken > foreign && test_rand_below(5) < 2)) {
			unsigned i = test_rand_below(nr_taken);

			if (range_is_ours(i))
				range_free(i);
			if (test_rand_below(20) == 0 || nr_taken == ORACLE_MAX - 1) {
				vm_unmap_aliases();
				oracle_purged();
			}
			continue;
		}
		a = vmap_alloc(size, align, VM_MAP, (vaddr_t)range_free, GFP_KERNEL);
		ASSERT_NOT_NULL(a);
		EXPECT_EQ(a->start, oracle_lowest(size, align));
		EXPECT_EQ(a->end - a->start, size);
		oracle_insert((struct range){a->start, a->end, false});
		if (n % 100 == 0)
			EXPECT_NULL(vmap_check());
	}
	for (unsigned i = nr_taken; i-- > 0;)
		if (range_is_ours(i))
			range_free(i);
	vm_unmap_aliases();
	oracle_purged();
	EXPECT_EQ(nr_taken, foreign);
	vmap_set_cached_size(cached);
}

KTEST(vmalloc, ranges_are_aligned_as_asked)
{
	struct vmap_area *a[200];

	NEED_WINDOW(GIB(4));
	for (unsigned i = 0; i < ARRAY_SIZE(a); i++) {
		size_t align = PAGE_SIZE << test_rand_below(31 - PAGE_SHIFT); /* up to 1 GiB */

		a[i] = vmap_alloc((1 + test_rand_below(10)) * PAGE_SIZE, align, VM_MAP, 0, GFP_KERNEL);
		ASSERT_NOT_NULL(a[i]);
		EXPECT_EQ(a[i]->start & (align - 1), 0);
	}
	EXPECT_NULL(vmap_check());
	for (unsigned i = 0; i < ARRAY_SIZE(a); i++)
		vunmap((void *)a[i]->start);
}

KTEST(vmalloc, the_same_requests_give_the_same_addresses)
{
	void *first[50], *again[50];

	vm_unmap_aliases();
	for (unsigned round = 0; round < 2; round++) {
		void **p = round ? again : first;

		for (unsigned i = 0; i < 50; i++)
			p[i] = vmalloc((1 + i % 7) * PAGE_SIZE);
		for (unsigned i = 0; i < 50; i++)
			vfree(p[(i * 17) % 50]);
		vm_unmap_aliases();
	}
	for (unsigned i = 0; i < 50; i++)
		EXPECT_EQ((vaddr_t)first[i], (vaddr_t)again[i]);
}

KTEST(vmalloc, freed_ranges_join_into_what_was_there_before)
{
	unsigned long total, used, largest, ranges, used2, largest2, ranges2;
	unsigned char order[64];
	void *p[64];

	vm_unmap_aliases();
	vmalloc_totals(&total, &used, &largest, &ranges);
	for (unsigned i = 0; i < 64; i++) {
		p[i] = vmalloc((1 + test_rand_below(8)) * PAGE_SIZE);
		ASSERT_NOT_NULL(p[i]);
		order[i] = (unsigned char)i;
	}
	for (unsigned i = 63; i > 0; i--) {
		unsigned j = test_rand_below(i + 1);
		unsigned char o = order[i];

		order[i] = order[j];
		order[j] = o;
	}
	for (unsigned i = 0; i < 64; i++) {
		vfree(p[order[i]]);
		if (i % 5 == 0) {
			vm_unmap_aliases();
			EXPECT_NULL(vmap_check());
		}
	}
	vm_unmap_aliases();
	vmalloc_totals(&total, &used2, &largest2, &ranges2);
	EXPECT_EQ(used2, used);
	EXPECT_EQ(largest2, largest);
	EXPECT_EQ(ranges2, ranges);
}

KTEST(vmalloc, holes_of_exact_size_are_filled)
{
	void *p[60], *q;

	for (unsigned i = 0; i < 60; i++) {
		p[i] = vmalloc(3 * PAGE_SIZE);
		ASSERT_NOT_NULL(p[i]);
	}
	for (unsigned i = 1; i < 60; i += 2)
		vfree(p[i]);
	vm_unmap_aliases();
	for (unsigned i = 1; i < 60; i += 2) {
		q = vmalloc(3 * PAGE_SIZE);
		EXPECT_EQ((vaddr_t)q, (vaddr_t)p[i]);
		p[i] = q;
	}
	for (unsigned i = 0; i < 60; i++)
		vfree(p[i]);
}

/* ---- what a CPU keeps ---- */

static vaddr_t held[ORACLE_MAX];

/* All that is free, the largest range first. */
static unsigned take_all_ranges(void)
{
	unsigned long total, used, largest, ranges;
	unsigned nr = 0;

	for (; nr < ARRAY_SIZE(held); nr++) {
		struct vmap_area *a;

		vmalloc_totals(&total, &used, &largest, &ranges);
		a = largest ? vmap_alloc(largest, PAGE_SIZE, VM_MAP, 0, GFP_KERNEL) : NULL;
		if (!a)
			break;
		held[nr] = a->start;
	}
	return nr;
}

static void give_ranges_back(unsigned nr)
{
	while (nr)
		vunmap((void *)held[--nr]);
}

enum { STRIPE = 1u << (PAGE_SHIFT + PT_INDEX_BITS) };

/* A window in which CPUs keep ranges for themselves, and CPUs to be apart from. */
#define NEED_SHARDS()                                                                          \
	do {                                                                                   \
		if (cpumask_weight(&cpu_possible_mask) == 1)                                   \
			SKIP("one CPU has all ranges in common");                              \
		NEED_WINDOW(GIB(1) + cpumask_weight(&cpu_possible_mask) * 8 * (size_t)STRIPE); \
	} while (0)

KTEST(vmalloc, short_areas_lie_in_stripes_of_the_cpu_and_long_ones_where_there_is_room)
{
	unsigned nr = cpumask_weight(&cpu_possible_mask), mine;
	struct vmap_area *a, *more[300];

	NEED_SHARDS();
	vm_unmap_aliases();
	a = vmap_alloc(2 * PAGE_SIZE, PAGE_SIZE, VM_MAP, 0, GFP_KERNEL);
	ASSERT_NOT_NULL(a);
	mine = a->start / STRIPE % 256 % nr; /* 256 stripes are a round (vmap.c) */
	vunmap((void *)a->start);
	for (unsigned i = 0; i < ARRAY_SIZE(more); i++) {
		size_t size = (1 + test_rand_below(128)) * PAGE_SIZE;

		ASSERT_NOT_NULL(more[i] = vmap_alloc(size, PAGE_SIZE, VM_MAP, 0, GFP_KERNEL));
		EXPECT_EQ(more[i]->start / STRIPE % 256 % nr, mine);
		EXPECT_EQ((more[i]->end - 1) / STRIPE, more[i]->start / STRIPE);
	}
	EXPECT_NULL(vmap_check());
	ASSERT_NOT_NULL(a = vmap_alloc(3UL * STRIPE, PAGE_SIZE, VM_MAP, 0, GFP_KERNEL));
	EXPECT_EQ(vmap_find(a->start)->end, a->end);
	EXPECT_EQ(vmap_find(a->end - 1)->start, a->start);
	vunmap((void *)a->start);
	for (unsigned i = 0; i < ARRAY_SIZE(more); i++)
		vunmap((void *)more[i]->start);
}

static unsigned long free_ranges(void)
{
	unsigned long total, used, largest, ranges;

	vmalloc_totals(&total, &used, &largest, &ranges);
	return ranges;
}

/* Many stripes' worth are given back, and few of them kept; then none. */
KTEST(vmalloc, a_cpu_keeps_few_stripes_and_gives_up_all_of_them_when_asked)
{
	enum { AREAS = 160, PAGES = 128 }; /* four fill a stripe */
	unsigned long before, limit;
	struct vmap_area *a[AREAS];
	size_t kept;

	NEED_SHARDS();
	vm_unmap_aliases();
	before = free_ranges();
	for (unsigned i = 0; i < AREAS; i++)
		ASSERT_NOT_NULL(a[i] = vmap_alloc(PAGES * PAGE_SIZE, PAGE_SIZE, VM_MAP, 0, GFP_KERNEL));
	limit = vmalloc_set_lazy_limit(0); /* each vunmap() purges */
	for (unsigned i = 0; i < AREAS; i++)
		vunmap((void *)a[i]->start);
	vmalloc_set_lazy_limit(limit);
	EXPECT_EQ(vmalloc_lazy_pages(), 0);
	kept = vmap_kept_bytes(arch_cpu_id());
	EXPECT_GT(kept, 0);
	EXPECT_LE(kept, 8UL * STRIPE);
	EXPECT_NULL(vmap_check());
	vmap_drain();
	EXPECT_EQ(vmap_kept_bytes(arch_cpu_id()), 0);
	EXPECT_EQ(free_ranges(), before);
	EXPECT_NULL(vmap_check());
	ASSERT_NOT_NULL(a[0] = vmap_alloc(PAGE_SIZE, PAGE_SIZE, VM_MAP, 0, GFP_KERNEL));
	vmap_drain();
	limit = vmalloc_set_lazy_limit(0);
	vunmap((void *)a[0]->start); /* what comes back after a drain stays in common */
	vmalloc_set_lazy_limit(limit);
	EXPECT_EQ(vmap_kept_bytes(arch_cpu_id()), 0);
}

/* What one CPU keeps is no loss to a request that finds nothing else. */
KTEST(vmalloc, ranges_that_cpus_keep_are_drained_before_a_request_fails)
{
	struct vmap_area *a, *b;
	unsigned nr;

	NEED_SHARDS();
	vm_unmap_aliases();
	ASSERT_NOT_NULL(a = vmap_alloc(PAGE_SIZE, PAGE_SIZE, VM_MAP, 0, GFP_KERNEL));
	EXPECT_GT(vmap_kept_bytes(arch_cpu_id()), 0);
	nr = take_all_ranges();
	EXPECT_EQ(free_ranges(), 0);
	b = vmap_alloc(PAGE_SIZE, PAGE_SIZE, VM_MAP, 0, GFP_KERNEL);
	EXPECT_NULL(b);
	give_ranges_back(nr);
	vunmap((void *)a->start);
	vm_unmap_aliases();
	EXPECT_NULL(vmap_check());
}

/* Holes that a drain has left in the common tree are used again: the window in use does not creep upwards. */
KTEST(vmalloc, drains_do_not_make_the_areas_wander)
{
	void *kept[60];
	vaddr_t highest = 0;

	NEED_WINDOW(MIB(4));
	for (unsigned i = 0; i < ARRAY_SIZE(kept); i++) {
		void *p;

		ASSERT_NOT_NULL(kept[i] = vmalloc(PAGE_SIZE));
		ASSERT_NOT_NULL(p = vmalloc(PAGE_SIZE));
		vfree(p);
		vm_unmap_aliases();
		highest = max(highest, (vaddr_t)kept[i]);
	}
	EXPECT_LT(highest - (vaddr_t)kept[0], 2UL * STRIPE * cpumask_weight(&cpu_possible_mask));
	for (unsigned i = 0; i < ARRAY_SIZE(kept); i++)
		vfree(kept[i]);
}

KTEST(vmalloc, window_lies_in_the_region_at_a_whole_gigabyte)
{
	EXPECT_GE(vmap_start, VMALLOC_START);
	EXPECT_LE(vmap_end, VMALLOC_END);
	EXPECT_LT(vmap_start, vmap_end);
	EXPECT_EQ((vmap_start - VMALLOC_START) & (GIB(1) - 1), 0);
}

KTEST(vmalloc, a_full_window_fails_and_recovers)
{
	unsigned nr;
	void *p;

	nr = take_all_ranges();
	EXPECT_NULL(vmalloc_gfp(PAGE_SIZE, GFP_KERNEL | __GFP_NOWARN, NUMA_NO_NODE, 0, 0));
	EXPECT_NULL(vmap_check());
	give_ranges_back(nr);
	p = vmalloc(PAGE_SIZE); /* the lazy ranges are purged for it */
	EXPECT_NOT_NULL(p);
	vfree(p);
}

KTEST(vmalloc, lazy_ranges_are_purged_when_addresses_run_out)
{
	void *p = vmalloc(4 * PAGE_SIZE), *q;
	unsigned nr;

	ASSERT_NOT_NULL(p);
	nr = take_all_ranges();
	vfree(p);
	q = vmalloc(4 * PAGE_SIZE);
	EXPECT_EQ((vaddr_t)q, (vaddr_t)p);
	vfree(q);
	give_ranges_back(nr);
}

/* ---- contents ---- */

static u64 tag(unsigned area, unsigned page)
{
	return 0x7a6b000000000000UL | (u64)area << 24 | page;
}

static void tag_area(void *p, unsigned area, unsigned pages)
{
	san_reveal(p, pages * PAGE_SIZE); /* the area's last page is mapped as a whole */
	for (unsigned i = 0; i < pages; i++) {
		poke((vaddr_t)p + i * PAGE_SIZE, tag(area, i));
		poke((vaddr_t)p + (i + 1) * PAGE_SIZE - 8, tag(area, i));
	}
}

/* Through the frames, so that the translation is checked as well. */
static bool tags_intact(struct ktest *t, void *p, unsigned area, unsigned pages)
{
	for (unsigned i = 0; i < pages; i++) {
		struct page *page = vmalloc_to_page((char *)p + i * PAGE_SIZE);
		u64 *m;
		bool ok;

		if (!EXPECT_NOT_NULL(page))
			return false;
		m = kmap_local_page(page);
		ok = m[0] == tag(area, i) && m[PAGE_SIZE / 8 - 1] == tag(area, i);
		kunmap_local(m);
		if (!EXPECT_MSG(ok, "area %u page %u has changed", area, i))
			return false;
	}
	return true;
}

KTEST(vmalloc, random_areas_keep_their_contents)
{
	enum { SLOTS = 40 };
	static struct {
		void *p;
		unsigned pages, id;
	} slot[SLOTS];
	unsigned most = max(budget(4000) / SLOTS, 1u), id = 0;

	for (unsigned n = 0; n < 1500; n++) {
		unsigned i = test_rand_below(SLOTS);

		if (slot[i].p) {
			if (!tags_intact(t, slot[i].p, slot[i].id, slot[i].pages))
				break;
			vfree(slot[i].p);
			slot[i].p = NULL;
		} else {
			slot[i].pages = 1 + test_rand_below(most);
			slot[i].id = id++;
			slot[i].p = vmalloc(slot[i].pages * PAGE_SIZE - test_rand_below((u32)PAGE_SIZE));
			if (slot[i].p)
				tag_area(slot[i].p, slot[i].id, slot[i].pages);
		}
		if (n % 200 == 0)
			EXPECT_NULL(vmap_check());
	}
	for (unsigned i = 0; i < SLOTS; i++) {
		if (slot[i].p)
			tags_intact(t, slot[i].p, slot[i].id, slot[i].pages);
		vfree(slot[i].p);
		slot[i].p = NULL;
	}
}

KTEST(vmalloc, frames_are_distinct_and_marked)
{
	enum { NR = 64 };
	char *p = vmalloc(NR * PAGE_SIZE);

	ASSERT_NOT_NULL(p);
	for (unsigned i = 0; i < NR; i++) {
		struct page *page = vmalloc_to_page(p + i * PAGE_SIZE + 77);

		EXPECT_EQ(page_state(page), PAGE_ALLOCATED);
		EXPECT_TRUE(page->flags & PG_vmalloc);
		EXPECT_EQ((vaddr_t)find_vm_area(p)->pages[i], (vaddr_t)page);
		for (unsigned j = 0; j < i; j++)
			EXPECT_NE((vaddr_t)vmalloc_to_page(p + j * PAGE_SIZE), (vaddr_t)page);
	}
	vfree(p);
}

KTEST(vmalloc, vzalloc_clears_frames_that_were_dirty)
{
	const unsigned nr = 50;
	char *p = vmalloc(nr * PAGE_SIZE), *q;

	ASSERT_NOT_NULL(p);
	memset(p, 0xee, nr * PAGE_SIZE);
	vfree(p);
	vm_unmap_aliases();
	q = vzalloc(nr * PAGE_SIZE);
	ASSERT_NOT_NULL(q);
	for (unsigned i = 0; i < nr * PAGE_SIZE; i += 8)
		if (!EXPECT_EQ(*(u64 *)(q + i), 0))
			break;
	vfree(q);
}

/* ---- guard pages ---- */

KTEST(vmalloc, the_page_behind_an_area_faults)
{
	for (unsigned pages = 1; pages < 600; pages = pages * 3 + 1) {
		char *p = vmalloc(pages * PAGE_SIZE), *q = vmalloc(PAGE_SIZE);
		char *end = p + pages * PAGE_SIZE;

		ASSERT_NOT_NULL(p);
		ASSERT_NOT_NULL(q);
		EXPECT_EQ(arch_probe((vaddr_t)end - 1, ARCH_WRITE), 0);
		EXPECT_EQ(arch_probe((vaddr_t)end, ARCH_READ), -EFAULT);
		EXPECT_EQ(arch_probe((vaddr_t)end + PAGE_SIZE - 1, ARCH_WRITE), -EFAULT);
		EXPECT_EQ(arch_probe((vaddr_t)p, ARCH_EXEC), -EFAULT);
		EXPECT_EQ(find_vm_area(p)->size, (pages + 1) * PAGE_SIZE);
		vfree(p);
		vfree(q);
	}
}

KTEST(vmalloc, bytes_up_to_the_page_end_are_usable)
{
	char *p = vmalloc(5 * PAGE_SIZE + 1);

	ASSERT_NOT_NULL(p);
	EXPECT_EQ(arch_probe((vaddr_t)p + 6 * PAGE_SIZE - 1, ARCH_WRITE), 0);
	EXPECT_EQ(arch_probe((vaddr_t)p + 6 * PAGE_SIZE, ARCH_READ), -EFAULT);
	vfree(p);
}

/* ---- lazy freeing ---- */

KTEST(vmalloc, a_freed_area_is_unmapped_at_once_and_unusable_after_the_purge)
{
	char *p = vmalloc(10 * PAGE_SIZE);

	ASSERT_NOT_NULL(p);
	memset(p, 1, 10 * PAGE_SIZE);
	vfree(p);
	EXPECT_NULL(vmalloc_to_page(p));
	EXPECT_NULL(find_vm_area(p));
	vm_unmap_aliases();
	for (unsigned i = 0; i < 10; i++)
		EXPECT_EQ(arch_probe((vaddr_t)p + i * PAGE_SIZE, ARCH_READ), -EFAULT);
}

/* Shows vmalloc.M1. */
KTEST(vmalloc, frames_stay_allocated_until_the_flush)
{
	enum { NR = 16 };
	struct page *frame[NR];
	struct tlb_stats before, after;
	char *p;

	vm_unmap_aliases();
	p = vmalloc(NR * PAGE_SIZE);
	ASSERT_NOT_NULL(p);
	for (unsigned i = 0; i < NR; i++)
		frame[i] = vmalloc_to_page(p + i * PAGE_SIZE);
	vfree(p);
	EXPECT_GE(vmalloc_lazy_pages(), NR + 1);
	for (unsigned i = 0; i < NR; i++)
		EXPECT_EQ(page_state(frame[i]), PAGE_ALLOCATED);
	tlb_stats(arch_cpu_id(), &before);
	EXPECT_EQ(vm_unmap_aliases(), NR);
	tlb_stats(arch_cpu_id(), &after);
	EXPECT_EQ(after.range + after.full - before.range - before.full, 1);
	for (unsigned i = 0; i < NR; i++)
		EXPECT_NE(page_state(frame[i]), PAGE_ALLOCATED);
	EXPECT_EQ(vmalloc_lazy_pages(), 0);
}

KTEST(vmalloc, one_flush_serves_many_areas)
{
	unsigned long limit = vmalloc_set_lazy_limit(~0UL);
	struct tlb_stats before, after;
	void *p[30];

	vm_unmap_aliases();
	for (unsigned i = 0; i < 30; i++)
		p[i] = vmalloc(PAGE_SIZE);
	tlb_stats(arch_cpu_id(), &before);
	for (unsigned i = 0; i < 30; i++)
		vfree(p[i]);
	vm_unmap_aliases();
	tlb_stats(arch_cpu_id(), &after);
	EXPECT_EQ(after.page + after.range + after.full - before.page - before.range - before.full, 1);
	EXPECT_EQ(vm_unmap_aliases(), 0); /* nothing is left, nothing is flushed */
	tlb_stats(arch_cpu_id(), &before);
	EXPECT_EQ(after.page + after.range + after.full, before.page + before.range + before.full);
	vmalloc_set_lazy_limit(limit);
}

KTEST(vmalloc, lazy_pages_are_purged_above_the_limit)
{
	u64 before = vmalloc_lazy_purges();
	unsigned cpus = cpumask_weight(&cpu_possible_mask);
	unsigned long limit = min(fls64(cpus) * MIB(32) >> PAGE_SHIFT, totalram_pages() / 64);

	for (unsigned long freed = 0; freed <= 3 * limit; freed += 9) {
		void *p = vmalloc(8 * PAGE_SIZE);

		ASSERT_NOT_NULL(p);
		vfree(p);
		EXPECT_LE(vmalloc_lazy_pages(), limit + 9);
	}
	EXPECT_GE(vmalloc_lazy_purges() - before, 2);
}

/* vfree() on another CPU may be between the two: the addresses and frames are still in use. */
KTEST(vmalloc, an_area_whose_entries_still_stand_waits_for_the_next_purge)
{
	void *p = vmalloc(PAGE_SIZE);
	struct vmap_area *a;
	unsigned long lazy;

	ASSERT_NOT_NULL(p);
	vm_unmap_aliases();
	lazy = vmap_lazy_pages();
	a = vmap_retire((vaddr_t)p, VM_ALLOC);
	ASSERT_NOT_NULL(a);
	EXPECT_EQ(vm_unmap_aliases(), 0);
	EXPECT_EQ(vmap_lazy_pages(), lazy + 2); /* the page, and the guard behind it */
	EXPECT_TRUE(pt_lookup((vaddr_t)p).mapped);
	pt_unmap((vaddr_t)p, PAGE_SIZE);
	atomic_store(&a->cleared, true);
	EXPECT_EQ(vm_unmap_aliases(), 1);
	EXPECT_EQ(vmap_lazy_pages(), lazy);
}

/* A purge frees arrays of pages, and an array may be an area. Lazy areas wait for the end of the purge that runs. */
KTEST(vmalloc, a_purge_inside_a_purge_frees_nothing)
{
	unsigned long *turn = this_cpu_ptr(&purge_turn), lazy;
	void *p = vmalloc(PAGE_SIZE);

	ASSERT_NOT_NULL(p);
	vm_unmap_aliases();
	vfree(p);
	lazy = vmap_lazy_pages();
	__atomic_fetch_add(turn, 1, __ATOMIC_RELEASE);
	EXPECT_EQ(vm_unmap_aliases(), 0);
	EXPECT_EQ(vmap_lazy_pages(), lazy);
	__atomic_fetch_add(turn, 1, __ATOMIC_RELEASE);
	EXPECT_EQ(vm_unmap_aliases(), 1);
}

KTEST(vmalloc, counters_follow_areas_and_purges)
{
	unsigned long total, used, used2, largest, ranges;
	char *p;

	vm_unmap_aliases();
	vmalloc_totals(&total, &used, &largest, &ranges);
	p = vmalloc(20 * PAGE_SIZE);
	vmalloc_totals(&total, &used2, &largest, &ranges);
	EXPECT_EQ(used2 - used, 20 * PAGE_SIZE);
	EXPECT_EQ(total, vmap_end - vmap_start);
	vfree(p);
	vmalloc_totals(&total, &used2, &largest, &ranges);
	EXPECT_EQ(used2 - used, 20 * PAGE_SIZE); /* lazy frames are still taken */
	vm_unmap_aliases();
	vmalloc_totals(&total, &used2, &largest, &ranges);
	EXPECT_EQ(used2, used);
}

struct seen {
	struct ktest *t;
	vaddr_t at, want[3];
	unsigned busy, lazy, found;
};

static bool see(const struct vmalloc_info *info, void *ctx)
{
	struct seen *s = ctx;
	struct ktest *t = s->t;

	if (info->lazy) {
		s->lazy++;
	} else {
		s->busy++;
		EXPECT_EQ(s->lazy, 0);
		EXPECT_GE(info->start, s->at);
		s->at = info->end;
	}
	EXPECT_LT(info->start, info->end);
	for (unsigned i = 0; i < 3; i++)
		if (info->start == s->want[i] && info->lazy == (i == 1) &&
		    info->end - info->start == (info->pages + 1) * PAGE_SIZE)
			s->found |= 1u << i;
	return true;
}

KTEST(vmalloc, snapshot_shows_busy_areas_in_order_then_lazy_ones)
{
	unsigned long limit = vmalloc_set_lazy_limit(~0UL);
	struct seen s = {.t = t};
	void *p[3], *more[40];

	vm_unmap_aliases();
	for (unsigned i = 0; i < 3; i++) {
		p[i] = vmalloc((i + 1) * PAGE_SIZE);
		s.want[i] = (vaddr_t)p[i];
	}
	for (unsigned i = 0; i < 40; i++)
		more[i] = vmalloc(PAGE_SIZE);
	vfree(p[1]);
	for (unsigned i = 0; i < 20; i++)
		vfree(more[i]);
	vmalloc_for_each(see, &s);
	EXPECT_EQ(s.lazy, 21);
	EXPECT_GE(s.busy, 22);
	EXPECT_EQ(s.found, 7);
	for (unsigned i = 20; i < 40; i++)
		vfree(more[i]);
	vfree(p[0]);
	vfree(p[2]);
	vmalloc_set_lazy_limit(limit);
}

/* ---- sizes and kinds ---- */

KTEST(vmalloc, sizes_that_cannot_be_are_refused)
{
	const size_t absurd[] = {0, ~0UL, ~0UL - PAGE_SIZE, 1UL << 62, totalram_pages() << PAGE_SHIFT};

	for (unsigned i = 0; i < ARRAY_SIZE(absurd); i++) {
		EXPECT_NULL(vmalloc_gfp(absurd[i], GFP_KERNEL | __GFP_NOWARN, NUMA_NO_NODE, 0, 0));
		EXPECT_NULL(vmalloc_gfp(absurd[i], GFP_KERNEL | __GFP_NOWARN, NUMA_NO_NODE, VM_HUGE, 0));
	}
	EXPECT_NULL(vmap_check());
}

KTEST(vmalloc, a_long_page_array_is_an_area_itself)
{
	const unsigned pages = budget(1500);
	struct vm_struct *vm;
	char *p;

	if (pages < PAGE_SIZE / sizeof(void *) + 1)
		SKIP("too little memory");
	p = vmalloc(pages * PAGE_SIZE);
	ASSERT_NOT_NULL(p);
	vm = find_vm_area(p);
	EXPECT_TRUE(is_vmalloc_addr(vm->pages));
	EXPECT_EQ(vm->nr_pages, pages);
	tag_area(p, 9, pages);
	tags_intact(t, p, 9, pages);
	vfree(p);
	vm_unmap_aliases();
	EXPECT_EQ(vmalloc_lazy_pages(), 0); /* the array as well */
}

KTEST(vmalloc, huge_areas_use_large_leaves_and_contiguous_frames)
{
	const size_t leaf = PT_LEVEL_SIZE(1);
	struct vm_struct *vm;
	char *p;

	NEED_WINDOW(MIB(16));
	if (!vmalloc_has_huge() || nr_free_pages() < 4 * PAGEBLOCK_PAGES)
		SKIP("no blocks for large leaves");
	p = vmalloc_huge(leaf + 5, GFP_KERNEL | __GFP_NOWARN);
	ASSERT_NOT_NULL(p);
	vm = find_vm_area(p);
	if (vm->page_level == 0) {
		vfree(p);
		SKIP("no blocks for large leaves");
	}
	EXPECT_EQ((vaddr_t)p & (leaf - 1), 0);
	EXPECT_EQ(vm->nr_pages, 2 * leaf >> PAGE_SHIFT);
	EXPECT_EQ(pt_lookup((vaddr_t)p + leaf).level, 1);
	for (unsigned i = 0; i < vm->nr_pages; i++)
		if (!EXPECT_EQ((vaddr_t)vmalloc_to_page(p + i * PAGE_SIZE), (vaddr_t)vm->pages[i]) ||
		    !EXPECT_EQ(page_to_pfn(vm->pages[i]),
			       page_to_pfn(vm->pages[ALIGN_DOWN(i, (unsigned)PT_ENTRIES)]) + i % PT_ENTRIES))
			break;
	tag_area(p, 3, vm->nr_pages);
	tags_intact(t, p, 3, vm->nr_pages);
	EXPECT_EQ(arch_probe((vaddr_t)p + 2 * leaf, ARCH_READ), -EFAULT);
	vfree(p);
	vm_unmap_aliases();
	EXPECT_EQ(arch_probe((vaddr_t)p, ARCH_READ), -EFAULT);
}

KTEST(vmalloc, huge_areas_replace_tables_of_small_ones)
{
	const size_t leaf = PT_LEVEL_SIZE(1);
	struct scratch s;
	char *p;

	NEED_WINDOW(MIB(16));
	if (!vmalloc_has_huge() || nr_free_pages() < 4 * PAGEBLOCK_PAGES)
		SKIP("no blocks for large leaves");
	NEED_SCRATCH(&s, 2 * leaf, leaf);
	EXPECT_EQ(pt_populate(s.va, 2 * leaf, 0, GFP_KERNEL), 0);
	scratch_put(&s);
	p = vmalloc_huge(leaf, GFP_KERNEL | __GFP_NOWARN);
	ASSERT_NOT_NULL(p);
	if (find_vm_area(p)->page_level)
		EXPECT_EQ(pt_lookup((vaddr_t)p).level, 1);
	tag_area(p, 4, (unsigned)(leaf >> PAGE_SHIFT));
	tags_intact(t, p, 4, (unsigned)(leaf >> PAGE_SHIFT));
	vfree(p);
}

KTEST(vmalloc, huge_falls_back_to_pages_below_a_leaf)
{
	char *p = vmalloc_huge(min(PT_LEVEL_SIZE(1), PAGE_SIZE << PAGEBLOCK_ORDER) / 2, GFP_KERNEL);

	ASSERT_NOT_NULL(p);
	EXPECT_EQ(find_vm_area(p)->page_level, 0);
	vfree(p);
}

KTEST(vmalloc, vmalloc_32_takes_frames_below_4g)
{
	const unsigned nr = budget(600);
	char *p = vmalloc_32(nr * PAGE_SIZE);

	ASSERT_NOT_NULL(p);
	for (unsigned i = 0; i < nr; i++)
		EXPECT_LT(page_to_pfn(vmalloc_to_page(p + i * PAGE_SIZE)), zone_border(0, ZONE_NORMAL));
	vfree(p);
}

KTEST(vmalloc, vmalloc_node_takes_frames_of_the_node)
{
	for (int nid = 0; nid < (int)nr_nodes; nid++) {
		char *p;

		if (nodes[nid].managed < 1000)
			continue;
		p = vmalloc_node(8 * PAGE_SIZE, nid);
		ASSERT_NOT_NULL(p);
		for (unsigned i = 0; i < 8; i++)
			EXPECT_EQ(page_to_nid(vmalloc_to_page(p + i * PAGE_SIZE)), nid);
		vfree(p);
	}
}

KTEST(vmalloc, areas_are_found_by_every_address_in_them)
{
	char *p = vmalloc(3 * PAGE_SIZE);
	struct vm_struct *vm = find_vm_area(p);

	ASSERT_NOT_NULL(vm);
	EXPECT_EQ((vaddr_t)vm->addr, (vaddr_t)p);
	EXPECT_EQ((vaddr_t)find_vm_area(p + 3 * PAGE_SIZE - 1), (vaddr_t)vm);
	EXPECT_EQ((vaddr_t)find_vm_area(p + 4 * PAGE_SIZE - 1), (vaddr_t)vm); /* the guard page */
	EXPECT_NE((vaddr_t)find_vm_area(p + 4 * PAGE_SIZE), (vaddr_t)vm);
	EXPECT_NULL(find_vm_area(&vm));
	EXPECT_TRUE(is_vmalloc_addr(p));
	EXPECT_FALSE(is_vmalloc_addr(phys_to_virt(0)));
	vfree(p);
	vfree(NULL);
	vunmap(NULL);
}

/* ---- vmap ---- */

KTEST(vmalloc, vmap_shows_the_given_pages_in_order)
{
	struct page *pages[9];
	char *p;

	for (unsigned i = 0; i < 8; i++) {
		pages[i] = alloc_page(GFP_KERNEL);
		ASSERT_NOT_NULL(pages[i]);
	}
	pages[8] = pages[0]; /* the same page twice is fine */
	p = vmap(pages, 9, 0, PT_RW);
	ASSERT_NOT_NULL(p);
	for (unsigned i = 0; i < 8; i++)
		poke((vaddr_t)page_address(pages[i]), tag(5, i));
	for (unsigned i = 0; i < 8; i++)
		EXPECT_EQ(peek((vaddr_t)p + i * PAGE_SIZE), tag(5, i));
	poke((vaddr_t)p, 7);
	EXPECT_EQ(peek((vaddr_t)p + 8 * PAGE_SIZE), 7);
	EXPECT_EQ(arch_probe((vaddr_t)p + 9 * PAGE_SIZE, ARCH_READ), -EFAULT);
	vunmap(p);
	vm_unmap_aliases();
	EXPECT_EQ(arch_probe((vaddr_t)p, ARCH_READ), -EFAULT);
	for (unsigned i = 0; i < 8; i++) {
		EXPECT_EQ(page_state(pages[i]), PAGE_ALLOCATED);
		EXPECT_EQ(pages[i]->refcount, 1);
		__free_page(pages[i]);
	}
}

KTEST(vmalloc, vmap_obeys_protection_and_is_never_executable)
{
	struct page *page = alloc_page(GFP_KERNEL);
	char *p;

	ASSERT_NOT_NULL(page);
	p = vmap(&page, 1, 0, PT_READ | PT_EXEC);
	ASSERT_NOT_NULL(p);
	EXPECT_EQ(arch_probe((vaddr_t)p, ARCH_READ), 0);
	EXPECT_EQ(arch_probe((vaddr_t)p, ARCH_WRITE), -EFAULT);
	EXPECT_EQ(pt_lookup((vaddr_t)p).prot, PT_READ);
	vunmap(p);
	EXPECT_NULL(vmap(&page, 0, 0, PT_RW));
	EXPECT_NULL(vmap(&page, ~0u, 0, PT_RW));
	vm_unmap_aliases(); /* vunmap leaves the flush for later, and the frame is ours to free */
	__free_page(page);
}

/* ---- interrupts ---- */

struct irq_frees {
	void *p[6];
	unsigned nr;
	bool ran;
};

static void free_in_interrupt(void *ctx)
{
	struct irq_frees *f = ctx;

	for (unsigned i = 0; i < f->nr; i++)
		vfree(f->p[i]);
	f->ran = true;
}

KTEST(vmalloc, vfree_in_an_interrupt_waits_for_a_quiet_point)
{
	struct irq_frees f = {.nr = 6};

	for (unsigned i = 0; i < f.nr; i++) {
		f.p[i] = vmalloc((i + 1) * PAGE_SIZE);
		ASSERT_NOT_NULL(f.p[i]);
	}
	arch_irq_test_raise(free_in_interrupt, &f);
	while (!READ_ONCE(f.ran))
		arch_cpu_relax();
	for (unsigned i = 0; i < f.nr; i++)
		EXPECT_NOT_NULL(find_vm_area(f.p[i]));
	quiet_drain();
	for (unsigned i = 0; i < f.nr; i++)
		EXPECT_NULL(find_vm_area(f.p[i]));
}

/* ---- failure ---- */

KTEST(vmalloc, injected_failures_fail_and_leave_nothing)
{
	unsigned failed = 0;

	fault_attr_parse("3", &fail_vmalloc);
	for (unsigned i = 0; i < 30; i++) {
		void *p = vmalloc(5 * PAGE_SIZE);

		failed += !p;
		vfree(p);
	}
	fault_attr_parse("0", &fail_vmalloc);
	EXPECT_EQ(failed, 10);
}

/* Takes all memory; what could not be completed must not be held. */
KTEST(vmalloc, running_out_of_memory_gives_everything_back)
{
	const size_t piece = (totalram_pages() << PAGE_SHIFT) / 20;
	void *p[32];
	unsigned nr = 0;

	if (totalram_pages() > GIB(1) >> PAGE_SHIFT)
		SKIP("it would touch all of more than 1 GiB");
	NEED_WINDOW(2 * (totalram_pages() << PAGE_SHIFT));
	if (totalram_pages() << PAGE_SHIFT > GIB(4))
		SKIP("taking all memory opens every section: too much for an emulator beyond 4 GiB");
	while (nr < ARRAY_SIZE(p) &&
	       (p[nr] = vmalloc_gfp(piece, GFP_KERNEL | __GFP_NOWARN, NUMA_NO_NODE, 0, 0)) != NULL)
		nr++;
	EXPECT_LT(nr, ARRAY_SIZE(p));
	EXPECT_GE(nr, 10);
	EXPECT_NULL(vmap_check());
	while (nr)
		vfree(p[--nr]);
}

KTEST(vmalloc, without_memory_requests_fail_and_leave_nothing)
{
	const gfp_t gfp = GFP_KERNEL | __GFP_NOWARN;
	struct list_head memory;
	unsigned long lazy, ranges, ranges2, total, used, used2, largest, largest2;
	void *kept = vmalloc(PAGE_SIZE);

	if (too_much_memory()) {
		vfree(kept);
		SKIP("it would touch all of more than 1 GiB");
	}
	take_all_memory(&memory);
	vm_unmap_aliases();
	lazy = vmalloc_lazy_pages();
	vmalloc_totals(&total, &used, &largest, &ranges);
	EXPECT_NULL(vmalloc_gfp(PAGE_SIZE, gfp, NUMA_NO_NODE, 0, 0));
	EXPECT_NULL(vmalloc_gfp(100 * PAGE_SIZE, gfp, NUMA_NO_NODE, 0, 0));
	EXPECT_NULL(vmalloc_gfp(700 * PAGE_SIZE, gfp, NUMA_NO_NODE, 0, 0));
	EXPECT_NULL(vmalloc_gfp(PT_LEVEL_SIZE(1), gfp, NUMA_NO_NODE, VM_HUGE, 0));
	EXPECT_EQ(vmalloc_lazy_pages(), lazy);
	vmalloc_totals(&total, &used2, &largest2, &ranges2);
	EXPECT_EQ(used2, used);
	EXPECT_EQ(largest2, largest);
	EXPECT_EQ(ranges2, ranges);
	EXPECT_NULL(vmap_check());
	vfree(kept); /* needs no memory */
	EXPECT_EQ(vm_unmap_aliases(), 1);
	give_memory_back(&memory);
}

/* One page of each 2 MiB is taken: there is much memory and no large block. */
KTEST(vmalloc, a_huge_request_that_must_not_fail_takes_small_pages)
{
	struct page *page, *tmp;
	struct list_head memory, spread;
	void *p;

	if (too_much_memory())
		SKIP("it would touch all of more than 1 GiB");
	if (!vmalloc_has_huge())
		SKIP("no blocks for large leaves");
	NEED_WINDOW(MIB(16));
	take_all_memory(&memory);
	list_init(&spread);
	list_for_each_entry_safe (page, tmp, &memory, lru)
		if (page_to_pfn(page) % PT_ENTRIES == 0)
			list_move(&page->lru, &spread);
	give_memory_back(&memory);
	p = vmalloc_huge(PT_LEVEL_SIZE(1), GFP_KERNEL | __GFP_NOFAIL);
	give_memory_back(&spread);
	ASSERT_NOT_NULL(p);
	EXPECT_EQ(find_vm_area(p)->page_level, 0);
	vfree(p);
}

/* ---- reports ---- */

KTEST(vmalloc, description_names_the_area_that_an_address_misses)
{
	char *p = vmalloc(2 * PAGE_SIZE);
	char text[200];

	ASSERT_NOT_NULL(p);
	vmalloc_describe((vaddr_t)p + 2 * PAGE_SIZE + 12, text, sizeof(text));
	EXPECT_NOT_NULL(strstr(text, "guard page of area"));
	EXPECT_NOT_NULL(strstr(text, "12 bytes past its end"));
	vmalloc_describe((vaddr_t)p + 5, text, sizeof(text));
	EXPECT_NOT_NULL(strstr(text, "at offset 5"));
	vfree(p);
	vmalloc_describe((vaddr_t)p + 8, text, sizeof(text));
	EXPECT_NOT_NULL(strstr(text, "in freed area"));
	vm_unmap_aliases();
	vmalloc_describe(vmap_end - 8, text, sizeof(text));
	EXPECT_NOT_NULL(strstr(text, "in no area"));
	vmalloc_describe(0, text, sizeof(text));
	EXPECT_NOT_NULL(strstr(text, "outside"));
}

KTEST(vmalloc, description_measures_to_the_nearest_area)
{
	char *p[12], text[200];
	unsigned gap = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(p); i++)
		ASSERT_NOT_NULL(p[i] = vmalloc(64 * PAGE_SIZE));
	for (unsigned i = 1; i + 1 < ARRAY_SIZE(p) && !gap; i++)
		if (p[i] == p[i - 1] + 65 * PAGE_SIZE && p[i + 1] == p[i] + 65 * PAGE_SIZE)
			gap = i;
	if (EXPECT_NE(gap, 0)) { /* three in a row: the middle one makes a hole */
		vfree(p[gap]);
		vm_unmap_aliases();
		vmalloc_describe((vaddr_t)p[gap + 1] - 9, text, sizeof(text));
		EXPECT_NOT_NULL(strstr(text, "in no area, 9 bytes below"));
		vmalloc_describe((vaddr_t)p[gap] + 9, text, sizeof(text));
		EXPECT_NOT_NULL(strstr(text, "in no area, 9 bytes above"));
	}
	for (unsigned i = 0; i < ARRAY_SIZE(p); i++)
		if (!gap || i != gap)
			vfree(p[i]);
}

static bool stop_after(const struct vmalloc_info *info, void *ctx)
{
	unsigned *left = ctx;

	(void)info;
	return --*left > 0;
}

KTEST(vmalloc, a_walk_of_areas_ends_when_it_is_told_to)
{
	char *busy = vmalloc(PAGE_SIZE), *lazy = vmalloc(PAGE_SIZE), *last = vmalloc(PAGE_SIZE);
	unsigned left = ~0u, all;

	ASSERT_TRUE(busy && lazy && last);
	vm_unmap_aliases();
	vfree(lazy);
	vfree(last);
	vmalloc_for_each(stop_after, &left);
	all = ~0u - left; /* two of them lazy, which come last */
	EXPECT_GE(all, 3);
	left = 1;
	vmalloc_for_each(stop_after, &left);
	EXPECT_EQ(left, 0); /* a further call would have made it wrap */
	left = all - 1;
	vmalloc_for_each(stop_after, &left);
	EXPECT_EQ(left, 0);
	vfree(busy);
}

KTEST(vmalloc, every_area_has_a_guard_page_whatever_was_asked_for)
{
	struct page *page = alloc_page(GFP_KERNEL);
	char *p;

	ASSERT_NOT_NULL(page);
	p = vmap(&page, 1, VM_NO_GUARD, PT_RW);
	ASSERT_NOT_NULL(p);
	EXPECT_TRUE(pt_lookup((vaddr_t)p).mapped);
	EXPECT_FALSE(pt_lookup((vaddr_t)p + PAGE_SIZE).mapped);
	EXPECT_EQ(vmap_find((vaddr_t)p)->end, (vaddr_t)p + 2 * PAGE_SIZE);
	vunmap(p);
	__free_page(page);
	EXPECT_NULL(vmalloc(0));
	EXPECT_NULL(vmalloc(-PAGE_SIZE));
}

KTEST_PANIC(vmalloc, freeing_an_interior_pointer_is_a_bug, "not the start of an area: in area")
{
	vfree((char *)vmalloc(3 * PAGE_SIZE) + PAGE_SIZE);
}

KTEST_PANIC(vmalloc, double_free_is_a_bug, "not the start of an area: in freed area")
{
	void *p = vmalloc(PAGE_SIZE);

	vfree(p);
	vfree(p);
}

KTEST_PANIC(vmalloc, freeing_a_direct_map_address_is_a_bug, "outside of the vmalloc window")
{
	vfree((void *)get_zeroed_page(GFP_KERNEL));
}

KTEST_PANIC(vmalloc, vunmap_of_an_allocated_area_is_a_bug, "area was made by vmalloc")
{
	vunmap(vmalloc(PAGE_SIZE));
}

KTEST_PANIC(vmalloc, vfree_of_mapped_pages_is_a_bug, "area was made by vmap")
{
	struct page *page = alloc_page(GFP_KERNEL);

	vfree(vmap(&page, 1, 0, PT_RW));
}

static void free_twice(void *ctx)
{
	vfree(*(void **)ctx);
	vfree(*(void **)ctx);
}

KTEST_PANIC(vmalloc, double_free_in_an_interrupt_is_a_bug, "vfree from an interrupt")
{
	void *p = vmalloc(PAGE_SIZE);

	arch_irq_test_raise(free_twice, &p);
	quiet_drain();
}

KTEST_PANIC(vmalloc, running_into_the_guard_page_is_reported_with_the_area, "guard page of area")
{
	memset(vmalloc(PAGE_SIZE), 0, 2 * PAGE_SIZE);
}
