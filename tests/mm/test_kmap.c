/*
 * test_kmap.c - short-lived mappings of frames without an address.
 *
 * Idea.       Every machine can have HighMem for the length of a test: with direct_map_end_pfn lowered to a block of our
 *             own, its frames have no address, and only kmap reaches them. What they hold is compared through the direct
 *             map afterwards.
 * Layout.     block: 32 frames; slots: the last 16 pages of CPU 0's per-CPU window
 * Invariants. K1 of mm/kmap.c.
 * Locking.    None: this CPU only; nothing is allocated while the direct map is short.
 * Failure.    As every test's.
 * Next:       test_percpu.c.
 */
#include "zone_fixture.h"

#include <arch/irq.h>
#include <kernel/string.h>
#include <mm/check.h>
#include <mm/pgtable.h>

enum { ORDER = 5, FRAMES = 1 << ORDER, SLOTS = 16 };

static struct page *block;
static pfn_t real_end;

/* From here to highmem_end() the block's frames have no address. */
static bool highmem_begin(void)
{
	vaddr_t slots = PERCPU_BASE + (arch_cpu_id() + 1UL) * PERCPU_STRIDE - SLOTS * PAGE_SIZE;

	if (pt_populate(slots, SLOTS * PAGE_SIZE, 0, GFP_KERNEL))
		return false;
	block = alloc_pages(GFP_KERNEL, ORDER);
	if (!block)
		return false;
	real_end = direct_map_end_pfn;
	direct_map_end_pfn = page_to_pfn(block);
	return true;
}

static void highmem_end(void)
{
	direct_map_end_pfn = real_end;
	__free_pages(block, ORDER);
}

KTEST(kmap, frames_of_the_direct_map_give_their_address)
{
	struct page *page = alloc_pages(GFP_KERNEL, 2);
	void *addr[40];

	ASSERT_NOT_NULL(page);
	for (unsigned i = 0; i < ARRAY_SIZE(addr); i++) { /* no slot is used: any depth, any order */
		addr[i] = kmap_local_page(page + i % 4);
		EXPECT_EQ(addr[i], page_address(page + i % 4));
	}
	for (unsigned i = 0; i < ARRAY_SIZE(addr); i++)
		kunmap_local(addr[i]);
	__free_pages(page, 2);
}

KTEST(kmap, a_mapping_shows_the_frame_and_goes_away)
{
	unsigned long *p, wrong = 0;
	int gone = 0;

	ASSERT_TRUE(highmem_begin());
	for (unsigned i = 0; i < FRAMES; i++) {
		wrong += page_address(block + i) != NULL;
		p = kmap_local_page(block + i);
		for (unsigned w = 0; w < PAGE_SIZE / sizeof(*p); w++)
			p[w] = i * 1000 + w;
		kunmap_local((char *)p + 17); /* any address in the page will do */
		gone += arch_probe((vaddr_t)p, ARCH_READ) != 0;
	}
	for (unsigned i = FRAMES; i-- > 0;) { /* one slot, other frames: no stale translation */
		p = kmap_local_page(block + i);
		wrong += p[i] != i * 1000 + i;
		kunmap_local(p);
	}
	direct_map_end_pfn = real_end;
	EXPECT_EQ(wrong, 0);
	EXPECT_EQ(gone, FRAMES);
	for (unsigned i = 0; i < FRAMES; i++)
		for (unsigned w = 0; w < PAGE_SIZE / sizeof(*p); w += 37)
			EXPECT_EQ(((unsigned long *)page_address(block + i))[w], i * 1000 + w);
	highmem_end();
}

static void note_check(const char *name, const char *what, void *ctx)
{
	(void)name;
	*(const char **)ctx = what;
}

KTEST(kmap, the_check_names_a_mapping_that_is_left)
{
	const char *what = "nothing";
	unsigned checks, found;
	void *p;

	ASSERT_TRUE(highmem_begin());
	p = kmap_local_page(block);
	direct_map_end_pfn = real_end; /* the other checks look at the machine as it is */
	found = mm_check_all(&checks, note_check, &what);
	direct_map_end_pfn = page_to_pfn(block);
	kunmap_local(p);
	highmem_end();
	EXPECT_EQ(found, 1);
	EXPECT_NOT_NULL(strstr(what, "kmap.K1: "));
}

KTEST(kmap, mappings_nest_sixteen_deep)
{
	unsigned long *p[SLOTS], wrong = 0;

	ASSERT_TRUE(highmem_begin());
	for (unsigned round = 0; round < 20; round++) {
		unsigned depth = 1 + test_rand_below(SLOTS);

		for (unsigned i = 0; i < depth; i++) {
			p[i] = kmap_local_page(block + (round + i) % FRAMES);
			*p[i] = round << 8 | i;
		}
		for (unsigned i = 0; i < depth; i++)
			for (unsigned k = 0; k < i; k++)
				wrong += p[i] == p[k];
		for (unsigned i = depth; i-- > 0;) {
			wrong += *p[i] != (round << 8 | i);
			kunmap_local(p[i]);
		}
	}
	highmem_end();
	EXPECT_EQ(wrong, 0);
}

static void map_in_interrupt(void *ctx)
{
	unsigned long *p = kmap_local_page(block + 1), *q = kmap_local_page(block + 2);

	*p = 1111;
	*q = 2222;
	kunmap_local(q);
	kunmap_local(p);
}

KTEST(kmap, an_interrupt_may_nest_its_own)
{
	unsigned long *p, seen;

	ASSERT_TRUE(highmem_begin());
	p = kmap_local_page(block);
	*p = 42;
	arch_irq_test_raise(map_in_interrupt, NULL);
	seen = *p;
	kunmap_local(p);
	direct_map_end_pfn = real_end;
	EXPECT_EQ(seen, 42);
	EXPECT_EQ(*(unsigned long *)page_address(block + 1), 1111);
	EXPECT_EQ(*(unsigned long *)page_address(block + 2), 2222);
	highmem_end();
}

KTEST(kmap, blocks_without_an_address_are_zeroed_all_the_same)
{
	ASSERT_TRUE(highmem_begin());
	direct_map_end_pfn = real_end;
	memset(page_address(block), 0x77, PAGE_SIZE << ORDER);
	direct_map_end_pfn = page_to_pfn(block) + 3; /* the border goes through the block */
	page_clear_block(block + 3, 0);
	page_clear_block(block + 4, 2);
	direct_map_end_pfn = real_end;
	for (unsigned i = 0; i < FRAMES; i++) {
		const u8 *p = page_address(block + i);

		EXPECT_EQ(p[0], i >= 3 && i < 8 ? 0 : 0x77);
		EXPECT_EQ(p[PAGE_SIZE - 1], p[0]);
	}
	highmem_end();
}

KTEST(kmap, real_highmem_is_written_and_read)
{
	LIST_HEAD(held);
	struct page *page;
	unsigned long n;

	if (!node_zone(numa_node_id(), ZONE_HIGHMEM)->managed &&
	    !node_zone(numa_node_id(), ZONE_MOVABLE)->managed)
		SKIP("no HighMem; directmap=512M");
	n = hold_blocks(&held, GFP_HIGHUSER | __GFP_ZERO | __GFP_NOWARN, 0, 300);
	list_for_each_entry (page, &held, lru) {
		unsigned long *p = kmap_local_page(page);

		EXPECT_EQ(p[page_to_pfn(page) % 512], 0);
		*p = page_to_pfn(page);
		kunmap_local(p);
	}
	list_for_each_entry (page, &held, lru) {
		unsigned long *p = kmap_local_page(page);

		EXPECT_EQ(*p, page_to_pfn(page));
		kunmap_local(p);
	}
	EXPECT_EQ(n, 300);
	release_blocks(&held, 0);
}

KTEST_PANIC(kmap, an_unmap_out_of_order_is_a_bug, "is not the last mapping of CPU")
{
	void *first;

	if (!highmem_begin())
		return;
	first = kmap_local_page(block);
	kmap_local_page(block + 1);
	kunmap_local(first);
}

KTEST_PANIC(kmap, an_unmap_of_nothing_is_a_bug, "is not the last mapping of CPU")
{
	kunmap_local((void *)(PERCPU_BASE + PERCPU_STRIDE - SLOTS * PAGE_SIZE));
}

KTEST_PANIC(kmap, a_seventeenth_mapping_is_a_bug, "more than 16 mappings")
{
	if (!highmem_begin())
		return;
	for (unsigned i = 0; i <= SLOTS; i++)
		kmap_local_page(block + i);
}
