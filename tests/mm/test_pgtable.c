/*
 * test_pgtable.c - the walker on a scratch range, the direct map, the image.
 *
 * Idea.       What pgtable.c says is compared with what was asked of it (an array per page as oracle), with
 *             memblock, and with what the CPU does when the address is touched (arch_probe).
 * Layout.     direct map; image; leaves; requests that must fail; random sequences; tables.
 * Invariants. Each case leaves its scratch range unmapped; frames that it takes go back.
 * Locking.    None: main loop.
 * Failure.    A case that needs more memory or larger leaves than there are is skipped.
 * Next:       test_tlb.c.
 */
#include "scratch.h"

#include <arch/cpu.h>
#include <arch/stack.h>
#include <kernel/errno.h>
#include <kernel/sections.h>
#include <kernel/string.h>
#include <kernel/test.h>
#include <kernel/work.h>
#include <mm/memblock.h>
#include <mm/page_alloc.h>

enum { WINDOW_PAGES = 2048 };

/* ---- the direct map ---- */

static paddr_t direct_map_end(void)
{
	return direct_map_end_pfn << PAGE_SHIFT;
}

KTEST(pgtable, direct_map_translates_every_sampled_page_to_itself)
{
	for (unsigned i = 0; i < 4000; i++) {
		const struct memblock_region *r =
			&memblock.memory.region[test_rand_below(memblock.memory.cnt)];
		paddr_t pa = r->start + ((u64)test_rand() << 20 | test_rand()) % (r->end - r->start);
		struct pt_query q = pt_lookup((vaddr_t)phys_to_virt(pa));

		if (pa >= direct_map_end())
			continue;
		ASSERT_TRUE(q.mapped);
		ASSERT_EQ(q.pa, pa);
	}
}

KTEST(pgtable, direct_map_ends_exactly_at_range_borders)
{
	const struct memblock_type *ram = &memblock.memory;

	for (unsigned i = 0; i < ram->cnt && ram->region[i].start < direct_map_end(); i++) {
		paddr_t start = ram->region[i].start, end = min(ram->region[i].end, direct_map_end());

		EXPECT_EQ(pt_lookup((vaddr_t)phys_to_virt(start)).pa, start);
		EXPECT_EQ(pt_lookup((vaddr_t)phys_to_virt(end - 1)).pa, end - 1);
		EXPECT_EQ(arch_probe((vaddr_t)phys_to_virt(start), ARCH_READ), 0);
		EXPECT_EQ(arch_probe((vaddr_t)phys_to_virt(end - 1), ARCH_READ), 0);
		if (i + 1 == ram->cnt || ram->region[i + 1].start != end)
			EXPECT_EQ(arch_probe((vaddr_t)phys_to_virt(end), ARCH_READ), -EFAULT);
		if (start && (i == 0 || ram->region[i - 1].end != start))
			EXPECT_EQ(arch_probe((vaddr_t)phys_to_virt(start - 1), ARCH_READ), -EFAULT);
	}
}

KTEST(pgtable, direct_map_counts_every_page_once)
{
	unsigned long pages = 0, counted = 0;

	for (unsigned i = 0; i < memblock.memory.cnt; i++) {
		const struct memblock_region *r = &memblock.memory.region[i];

		if (r->start < direct_map_end())
			pages += (min(r->end, direct_map_end()) - r->start) >> PAGE_SHIFT;
	}
	for (unsigned level = 0; level < ARCH_PT_MAX_LEVELS; level++)
		counted += direct_map_pages[level];
	EXPECT_EQ(counted, pages);
}

KTEST(pgtable, direct_map_uses_large_leaves_where_they_fit)
{
	if (!direct_map_pages[1] && direct_map_pages[0])
		SKIP("the direct map was asked for in small leaves");
	for (unsigned i = 0; i < memblock.memory.cnt; i++) {
		const struct memblock_region *r = &memblock.memory.region[i];
		paddr_t end = min(r->end, direct_map_end());

		for (unsigned level = 1; level < arch_pt_levels(); level++) {
			paddr_t at = ALIGN_UP(max(r->start, PAGE_ALIGN_UP(image_to_phys(__image_end))),
					      PT_LEVEL_SIZE(level));

			if (arch_pt_leaf_ok(level) && at < end && end - at >= PT_LEVEL_SIZE(level))
				EXPECT_GE(pt_lookup((vaddr_t)phys_to_virt(at)).level, level);
		}
	}
}

/* ---- the image ---- */

static vaddr_t direct(const void *image_address)
{
	return (vaddr_t)phys_to_virt(image_to_phys(image_address));
}

KTEST(pgtable, text_and_rodata_cannot_be_written_under_either_address)
{
	const vaddr_t readonly[] = {(vaddr_t)__text_start, (vaddr_t)__text_end - 1, (vaddr_t)__rodata_start,
				    (vaddr_t)__rodata_end - 1};

	for (unsigned i = 0; i < ARRAY_SIZE(readonly); i++) {
		EXPECT_EQ(arch_probe(readonly[i], ARCH_READ), 0);
		EXPECT_EQ(arch_probe(readonly[i], ARCH_WRITE), -EFAULT);
		EXPECT_EQ(arch_probe(direct((void *)readonly[i]), ARCH_READ), 0);
		EXPECT_EQ(arch_probe(direct((void *)readonly[i]), ARCH_WRITE), -EFAULT);
	}
	EXPECT_EQ(arch_probe((vaddr_t)__data_start, ARCH_WRITE), 0);
	EXPECT_EQ(arch_probe(direct(__data_start), ARCH_WRITE), 0);
	EXPECT_EQ(arch_probe((vaddr_t)__bss_end - 1, ARCH_WRITE), 0);
}

KTEST(pgtable, nothing_but_text_can_be_executed)
{
	void *page = (void *)get_zeroed_page(GFP_KERNEL);

	ASSERT_NOT_NULL(page);
	EXPECT_EQ(arch_probe((vaddr_t)__rodata_start, ARCH_EXEC), -EFAULT);
	EXPECT_EQ(arch_probe((vaddr_t)__data_start, ARCH_EXEC), -EFAULT);
	EXPECT_EQ(arch_probe((vaddr_t)__bss_start, ARCH_EXEC), -EFAULT);
	EXPECT_EQ(arch_probe((vaddr_t)page, ARCH_EXEC), -EFAULT);
	EXPECT_EQ(arch_probe(direct(__text_start), ARCH_EXEC), -EFAULT);
	free_page((unsigned long)page);
}

struct wx_count {
	unsigned long writable_executable, executable;
};

static bool count_wx(vaddr_t start, vaddr_t last, pte_t e, unsigned level, void *ctx)
{
	struct wx_count *n = ctx;
	pt_prot_t prot = arch_pte_prot(e, level);

	if (prot & PT_EXEC) {
		n->executable += last - start + 1;
		if (prot & PT_WRITE)
			n->writable_executable += last - start + 1;
	}
	return true;
}

KTEST(pgtable, executable_bytes_are_those_of_text)
{
	struct wx_count n = {0};

	pt_for_each_range(0, ~0UL, count_wx, &n);
	EXPECT_EQ(n.writable_executable, 0);
	EXPECT_EQ(n.executable, (unsigned long)(__text_end - __text_start));
}

KTEST(pgtable, guard_pages_below_the_stacks_fault)
{
	vaddr_t guard[16];
	unsigned nr = arch_guard_pages(guard, ARRAY_SIZE(guard));

	ASSERT_TRUE(nr > 0);
	for (unsigned i = 0; i < min(nr, (unsigned)ARRAY_SIZE(guard)); i++) {
		EXPECT_EQ(arch_probe(guard[i], ARCH_READ), -EFAULT);
		EXPECT_EQ(arch_probe(guard[i] + PAGE_SIZE - 1, ARCH_WRITE), -EFAULT);
		EXPECT_EQ(arch_probe(guard[i] + PAGE_SIZE, ARCH_READ), 0);
	}
}

KTEST(pgtable, low_addresses_are_not_mapped)
{
	EXPECT_EQ(arch_probe(0, ARCH_READ), -EFAULT);
	EXPECT_FALSE(pt_lookup(image_to_phys(__text_start)).mapped);
	EXPECT_EQ(arch_probe(image_to_phys(__text_start), ARCH_READ), -EFAULT);
}

/* ---- leaves ---- */

KTEST(pgtable, small_leaf_maps_reads_and_unmaps)
{
	struct page *page = alloc_page(GFP_KERNEL);
	struct scratch s;

	ASSERT_NOT_NULL(page);
	NEED_SCRATCH(&s, PAGE_SIZE, PAGE_SIZE);
	EXPECT_EQ(pt_map(s.va, page_to_phys(page), PAGE_SIZE, PT_RW, 0, GFP_KERNEL), 0);
	poke(s.va + 8, 0x1234);
	EXPECT_EQ(peek((vaddr_t)page_address(page) + 8), 0x1234);
	EXPECT_EQ(pt_lookup(s.va + 123).pa, page_to_phys(page) + 123);
	EXPECT_EQ(pt_lookup(s.va).size, PAGE_SIZE);
	EXPECT_FALSE(pt_lookup(s.va + PAGE_SIZE).mapped);
	pt_unmap(s.va, PAGE_SIZE);
	tlb_flush_page(s.va);
	EXPECT_EQ(arch_probe(s.va, ARCH_READ), -EFAULT);
	scratch_put(&s);
	__free_page(page);
}

KTEST(pgtable, large_leaf_maps_a_whole_block)
{
	struct page *block;
	struct scratch s;

	NEED_SCRATCH(&s, PT_LEVEL_SIZE(1), PT_LEVEL_SIZE(1));
	block = alloc_pages(GFP_KERNEL, HUGE_ORDER);
	if (!block) {
		scratch_put(&s);
		SKIP("no block of order %u", HUGE_ORDER);
	}
	EXPECT_EQ(pt_map(s.va, page_to_phys(block), PT_LEVEL_SIZE(1), PT_RW, 2, GFP_KERNEL), 0);
	EXPECT_EQ(pt_lookup(s.va).level, 1);
	for (unsigned i = 0; i < 1u << HUGE_ORDER; i += 37) {
		poke(s.va + i * PAGE_SIZE, i);
		EXPECT_EQ(peek((vaddr_t)page_address(block) + i * PAGE_SIZE), i);
		EXPECT_EQ(pt_lookup(s.va + i * PAGE_SIZE + 5).pa, page_to_phys(block) + i * PAGE_SIZE + 5);
	}
	scratch_put(&s);
	__free_pages(block, HUGE_ORDER);
}

KTEST(pgtable, largest_leaf_translates_with_its_offset)
{
	const struct memblock_type *ram = &memblock.memory;
	struct scratch s;
	paddr_t pa = 0;

	if (!arch_pt_leaf_ok(2))
		SKIP("no leaves at level 2");
	for (unsigned i = 0; i < ram->cnt && !pa; i++) {
		paddr_t at = ALIGN_UP(ram->region[i].start, PT_LEVEL_SIZE(2));

		if (at && at < ram->region[i].end && ram->region[i].end - at >= PT_LEVEL_SIZE(2))
			pa = at;
	}
	if (!pa)
		SKIP("no aligned gigabyte of RAM");
	NEED_SCRATCH(&s, PT_LEVEL_SIZE(2), PT_LEVEL_SIZE(2));
	EXPECT_EQ(pt_map(s.va, pa, PT_LEVEL_SIZE(2), PT_READ, 2, GFP_KERNEL), 0);
	EXPECT_EQ(pt_lookup(s.va + 0x12345678).pa, pa + 0x12345678);
	EXPECT_EQ(pt_lookup(s.va).level, 2);
	EXPECT_EQ(arch_probe(s.va + PT_LEVEL_SIZE(2) - 1, ARCH_READ), 0);
	EXPECT_EQ(arch_probe(s.va, ARCH_WRITE), -EFAULT);
	scratch_put(&s);
}

KTEST(pgtable, unaligned_range_gets_small_leaves_at_its_ends_only)
{
	struct scratch s;
	vaddr_t from;
	size_t size = 2 * PT_LEVEL_SIZE(1) + 8 * PAGE_SIZE;

	NEED_SCRATCH(&s, 4 * PT_LEVEL_SIZE(1), PT_LEVEL_SIZE(1));
	from = s.va + PT_LEVEL_SIZE(1) - 4 * PAGE_SIZE;
	/* Never touched: the frames are nobody's. */
	EXPECT_EQ(pt_map(from, PT_LEVEL_SIZE(1) - 4 * PAGE_SIZE, size, PT_READ, 2, GFP_KERNEL), 0);
	EXPECT_EQ(pt_lookup(from).level, 0);
	EXPECT_EQ(pt_lookup(from + 4 * PAGE_SIZE).level, 1);
	EXPECT_EQ(pt_lookup(from + 4 * PAGE_SIZE + PT_LEVEL_SIZE(1)).level, 1);
	EXPECT_EQ(pt_lookup(from + size - PAGE_SIZE).level, 0);
	EXPECT_FALSE(pt_lookup(from + size).mapped);
	EXPECT_EQ(pt_mapped_bytes(s.va, s.size), size);
	scratch_put(&s);
}

KTEST(pgtable, different_alignment_of_frame_and_address_forbids_large_leaves)
{
	struct scratch s;

	NEED_SCRATCH(&s, 2 * PT_LEVEL_SIZE(1), PT_LEVEL_SIZE(1));
	EXPECT_EQ(pt_map(s.va, PAGE_SIZE, 2 * PT_LEVEL_SIZE(1), PT_READ, 2, GFP_KERNEL), 0);
	EXPECT_EQ(pt_lookup(s.va).level, 0);
	EXPECT_EQ(pt_lookup(s.va + PT_LEVEL_SIZE(1)).level, 0);
	EXPECT_EQ(pt_lookup(s.va + PT_LEVEL_SIZE(1)).pa, PT_LEVEL_SIZE(1) + PAGE_SIZE);
	scratch_put(&s);
}

KTEST(pgtable, hardware_never_writes_a_kernel_leaf)
{
	struct page *page = alloc_page(GFP_KERNEL);
	struct scratch s;
	pte_t before;

	ASSERT_NOT_NULL(page);
	NEED_SCRATCH(&s, PAGE_SIZE, PAGE_SIZE);
	EXPECT_EQ(pt_map(s.va, page_to_phys(page), PAGE_SIZE, PT_RW, 0, GFP_KERNEL), 0);
	before = pt_lookup(s.va).entry;
	peek(s.va);
	poke(s.va, 1);
	EXPECT_EQ(pt_lookup(s.va).entry.bits, before.bits);
	scratch_put(&s);
	__free_page(page);
}

KTEST(pgtable, memory_type_survives_a_change_of_protection)
{
	const pt_prot_t types[] = {0, PT_UNCACHED, PT_DEVICE};
	struct page *page = alloc_page(GFP_KERNEL);
	struct scratch s;

	ASSERT_NOT_NULL(page);
	NEED_SCRATCH(&s, PAGE_SIZE, PAGE_SIZE);
	for (unsigned i = 0; i < ARRAY_SIZE(types); i++) {
		EXPECT_EQ(pt_map(s.va, page_to_phys(page), PAGE_SIZE, PT_RW | types[i], 0, GFP_KERNEL), 0);
		EXPECT_EQ(pt_lookup(s.va).prot, PT_RW | types[i]);
		EXPECT_EQ(pt_protect(s.va, PAGE_SIZE, PT_READ), 0);
		EXPECT_EQ(pt_lookup(s.va).prot, PT_READ | types[i]);
		pt_unmap(s.va, PAGE_SIZE);
		tlb_flush_page(s.va);
	}
	scratch_put(&s);
	__free_page(page);
}

KTEST(pgtable, protection_decides_what_the_cpu_allows)
{
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	struct scratch s;

	ASSERT_NOT_NULL(page);
	NEED_SCRATCH(&s, PAGE_SIZE, PAGE_SIZE);
	EXPECT_EQ(pt_map(s.va, page_to_phys(page), PAGE_SIZE, PT_READ, 0, GFP_KERNEL), 0);
	EXPECT_EQ(arch_probe(s.va, ARCH_READ), 0);
	EXPECT_EQ(arch_probe(s.va, ARCH_WRITE), -EFAULT);
	EXPECT_EQ(arch_probe(s.va, ARCH_EXEC), -EFAULT);
	EXPECT_EQ(pt_protect(s.va, PAGE_SIZE, PT_RW), 0);
	tlb_flush_page(s.va);
	EXPECT_EQ(arch_probe(s.va, ARCH_WRITE), 0);
	EXPECT_EQ(arch_probe(s.va, ARCH_EXEC), -EFAULT);
	scratch_put(&s);
	__free_page(page);
}

/* ---- requests that must fail ---- */

KTEST(pgtable, mapping_over_a_mapping_changes_nothing)
{
	struct scratch s;

	NEED_SCRATCH(&s, 16 * PAGE_SIZE, PAGE_SIZE);
	EXPECT_EQ(pt_map(s.va + 9 * PAGE_SIZE, 5 * PAGE_SIZE, PAGE_SIZE, PT_READ, 0, GFP_KERNEL), 0);
	EXPECT_EQ(pt_map(s.va, 256 * PAGE_SIZE, 16 * PAGE_SIZE, PT_READ, 0, GFP_KERNEL), -EEXIST);
	EXPECT_EQ(pt_lookup(s.va + 9 * PAGE_SIZE).pa, 5 * PAGE_SIZE);
	EXPECT_EQ(pt_mapped_bytes(s.va, s.size), PAGE_SIZE);
	scratch_put(&s);
}

KTEST(pgtable, mapping_pages_over_a_mapping_changes_nothing)
{
	struct page *pages[8];
	struct scratch s;

	for (unsigned i = 0; i < 8; i++)
		pages[i] = pfn_to_page(16 + i);
	NEED_SCRATCH(&s, 8 * PAGE_SIZE, PAGE_SIZE);
	EXPECT_EQ(pt_map(s.va + 7 * PAGE_SIZE, 5 * PAGE_SIZE, PAGE_SIZE, PT_READ, 0, GFP_KERNEL), 0);
	EXPECT_EQ(pt_map_pages(s.va, pages, 8, PT_READ, 0, GFP_KERNEL), -EEXIST);
	EXPECT_EQ(pt_lookup(s.va + 7 * PAGE_SIZE).pa, 5 * PAGE_SIZE);
	EXPECT_EQ(pt_mapped_bytes(s.va, s.size), PAGE_SIZE);
	scratch_put(&s);
}

KTEST(pgtable, nothing_can_be_mapped_inside_a_large_leaf)
{
	struct scratch s;

	NEED_SCRATCH(&s, PT_LEVEL_SIZE(1), PT_LEVEL_SIZE(1));
	EXPECT_EQ(pt_map(s.va, 0, PT_LEVEL_SIZE(1), PT_READ, 1, GFP_KERNEL), 0);
	EXPECT_EQ(pt_map(s.va + PAGE_SIZE, 5 * PAGE_SIZE, PAGE_SIZE, PT_READ, 0, GFP_KERNEL), -EEXIST);
	EXPECT_EQ(pt_lookup(s.va + PAGE_SIZE).pa, PAGE_SIZE);
	EXPECT_NULL(pt_slot(s.va, 0));
	scratch_put(&s);
}

KTEST(pgtable, protect_refuses_part_of_a_leaf_and_changes_nothing)
{
	struct scratch s;

	NEED_SCRATCH(&s, 2 * PT_LEVEL_SIZE(1), PT_LEVEL_SIZE(1));
	EXPECT_EQ(pt_map(s.va, 0, 2 * PT_LEVEL_SIZE(1), PT_READ, 1, GFP_KERNEL), 0);
	EXPECT_EQ(pt_protect(s.va, PT_LEVEL_SIZE(1) + PAGE_SIZE, PT_RW), -EINVAL);
	EXPECT_EQ(pt_protect(s.va + PAGE_SIZE, PT_LEVEL_SIZE(1), PT_RW), -EINVAL);
	EXPECT_EQ(pt_lookup(s.va).prot, PT_READ);
	EXPECT_EQ(pt_lookup(s.va + PT_LEVEL_SIZE(1)).prot, PT_READ);
	EXPECT_EQ(pt_protect(s.va, PT_LEVEL_SIZE(1), PT_RW), 0);
	EXPECT_EQ(pt_lookup(s.va).prot, PT_RW);
	EXPECT_EQ(pt_lookup(s.va + PT_LEVEL_SIZE(1)).prot, PT_READ);
	scratch_put(&s);
}

KTEST(pgtable, no_memory_for_a_table_leaves_nothing_mapped)
{
	const unsigned pages = PT_ENTRIES + 200; /* of the second table on, there is none */
	struct list_head memory;
	struct scratch s;

	if (too_much_memory())
		SKIP("it would touch all of more than 1 GiB");
	NEED_SCRATCH(&s, 3 * PT_LEVEL_SIZE(1), 4 * PT_LEVEL_SIZE(1));
	EXPECT_EQ(pt_populate(s.va, PAGE_SIZE, 0, GFP_KERNEL), 0);
	take_all_memory(&memory);
	EXPECT_EQ(pt_map(s.va, 0, pages * PAGE_SIZE, PT_READ, 0, GFP_NOWAIT | __GFP_NOWARN), -ENOMEM);
	EXPECT_EQ(pt_mapped_bytes(s.va, s.size), 0);
	EXPECT_EQ(pt_populate(s.va, s.size, 0, GFP_NOWAIT | __GFP_NOWARN), -ENOMEM);
	EXPECT_EQ(pt_map(s.va, 0, PT_ENTRIES * PAGE_SIZE, PT_READ, 0, GFP_NOWAIT | __GFP_NOWARN), 0);
	give_memory_back(&memory);
	pt_unmap(s.va, PT_ENTRIES * PAGE_SIZE); /* frame 0 is nobody's to map */
	EXPECT_NULL(pt_check());
	scratch_put(&s);
}

KTEST_PANIC(pgtable, unmapping_part_of_a_leaf_is_a_bug, " of a leaf of 0x")
{
	struct scratch s;

	NEED_SCRATCH(&s, PT_LEVEL_SIZE(1), PT_LEVEL_SIZE(1));
	EXPECT_EQ(pt_map(s.va, 0, PT_LEVEL_SIZE(1), PT_READ, 1, GFP_KERNEL), 0);
	pt_unmap(s.va + PAGE_SIZE, PAGE_SIZE);
}

KTEST_PANIC(pgtable, writable_and_executable_is_a_bug, "writable and executable")
{
	struct scratch s;

	NEED_SCRATCH(&s, PAGE_SIZE, PAGE_SIZE);
	pt_map(s.va, 0, PAGE_SIZE, PT_RW | PT_EXEC, 0, GFP_KERNEL);
}

KTEST_PANIC(pgtable, unaligned_range_is_a_bug, "unaligned range")
{
	struct scratch s;

	NEED_SCRATCH(&s, PAGE_SIZE, PAGE_SIZE);
	pt_map(s.va + 8, 0, PAGE_SIZE, PT_READ, 0, GFP_KERNEL);
}

/* ---- random sequences against an oracle ---- */

struct oracle {
	paddr_t pa[WINDOW_PAGES];
	pt_prot_t prot[WINDOW_PAGES]; /* 0: absent */
};
static struct oracle oracle;

static bool oracle_agrees(struct ktest *t, const struct scratch *s)
{
	size_t mapped = 0;

	for (unsigned i = 0; i < WINDOW_PAGES; i++) {
		struct pt_query q = pt_lookup(s->va + i * PAGE_SIZE);

		if (q.mapped != (oracle.prot[i] != 0) ||
		    (q.mapped && (q.pa != oracle.pa[i] || q.prot != oracle.prot[i])))
			return EXPECT_MSG(false, "page %u: pa 0x%lx prot %u, expected 0x%lx %u", i, q.pa,
					  q.prot, oracle.pa[i], oracle.prot[i]);
		mapped += oracle.prot[i] ? PAGE_SIZE : 0;
	}
	return EXPECT_EQ(pt_mapped_bytes(s->va, s->size), mapped);
}

static bool oracle_absent(unsigned from, unsigned nr)
{
	for (unsigned i = from; i < from + nr; i++)
		if (oracle.prot[i])
			return false;
	return true;
}

/* Frames are never touched, so any will do. */
static void random_map(struct ktest *t, const struct scratch *s, unsigned from, unsigned nr)
{
	paddr_t pa = (paddr_t)test_rand_below(1 << 20) << PAGE_SHIFT;
	pt_prot_t prot = test_rand_below(2) ? PT_RW : PT_READ;
	int err = pt_map(s->va + from * PAGE_SIZE, pa, nr * PAGE_SIZE, prot, 0, GFP_KERNEL);

	EXPECT_EQ(err, oracle_absent(from, nr) ? 0 : -EEXIST);
	for (unsigned i = 0; !err && i < nr; i++) {
		oracle.pa[from + i] = pa + i * PAGE_SIZE;
		oracle.prot[from + i] = prot;
	}
}

KTEST(pgtable, random_map_unmap_protect_agrees_with_an_array)
{
	struct scratch s;

	memset(&oracle, 0, sizeof(oracle));
	NEED_SCRATCH(&s, WINDOW_PAGES * PAGE_SIZE, PAGE_SIZE);
	for (unsigned n = 0; n < 3000; n++) {
		unsigned from = test_rand_below(WINDOW_PAGES), op = test_rand_below(4);
		unsigned nr = 1 + test_rand_below(min(WINDOW_PAGES - from, 1u << test_rand_below(11)));
		vaddr_t va = s.va + from * PAGE_SIZE;

		if (op < 2) {
			random_map(t, &s, from, nr);
		} else if (op == 2) {
			pt_unmap(va, nr * PAGE_SIZE);
			memset(&oracle.prot[from], 0, nr * sizeof(oracle.prot[0]));
		} else {
			pt_prot_t prot = test_rand_below(2) ? PT_RW : PT_READ;

			EXPECT_EQ(pt_protect(va, nr * PAGE_SIZE, prot), 0);
			for (unsigned i = from; i < from + nr; i++)
				oracle.prot[i] = oracle.prot[i] ? prot : 0;
		}
		if (n % 100 == 99 && !oracle_agrees(t, &s))
			break;
	}
	scratch_put(&s);
}

struct run_check {
	struct ktest *t;
	const struct scratch *s;
	vaddr_t at;
	pt_prot_t before; /* of the run that ended at `at` */
	size_t bytes;
};

static bool check_run(vaddr_t start, vaddr_t last, pte_t e, unsigned level, void *ctx)
{
	struct run_check *r = ctx;
	struct ktest *t = r->t;
	unsigned from = (unsigned)((start - r->s->va) >> PAGE_SHIFT),
		 to = (unsigned)((last - r->s->va) >> PAGE_SHIFT);
	pt_prot_t prot = arch_pte_prot(e, level);

	EXPECT_GE(start, r->at);
	if (start == r->at)
		EXPECT_NE(prot, r->before); /* else the run was not maximal */
	for (unsigned i = from; i <= to; i++)
		if (!EXPECT_EQ(oracle.prot[i], prot))
			return false;
	r->at = last + 1;
	r->before = prot;
	r->bytes += last + 1 - start;
	return true;
}

KTEST(pgtable, ranges_are_maximal_and_complete)
{
	struct scratch s;
	struct run_check r = {.t = t, .s = &s};

	memset(&oracle, 0, sizeof(oracle));
	NEED_SCRATCH(&s, WINDOW_PAGES * PAGE_SIZE, PAGE_SIZE);
	for (unsigned n = 0; n < 200; n++) {
		unsigned from = test_rand_below(WINDOW_PAGES - 8), nr = 1 + test_rand_below(8);

		if (oracle_absent(from, nr))
			random_map(t, &s, from, nr);
	}
	r.at = s.va;
	pt_for_each_range(s.va, s.va + s.size - 1, check_run, &r);
	EXPECT_EQ(r.bytes, pt_mapped_bytes(s.va, s.size));
	scratch_put(&s);
}

static bool stop_at_first(vaddr_t start, vaddr_t last, pte_t e, unsigned level, void *ctx)
{
	vaddr_t *seen = ctx;

	(void)e;
	(void)level;
	seen[0] = start;
	seen[1] = last;
	seen[2]++;
	return false;
}

KTEST(pgtable, a_walk_of_ranges_ends_when_it_is_told_to)
{
	vaddr_t seen[3] = {0};
	struct scratch s;

	NEED_SCRATCH(&s, 8 * PAGE_SIZE, PAGE_SIZE);
	EXPECT_EQ(pt_map(s.va, 0, 3 * PAGE_SIZE, PT_READ, 0, GFP_KERNEL), 0);
	EXPECT_EQ(pt_map(s.va + 5 * PAGE_SIZE, 0, 3 * PAGE_SIZE, PT_READ, 0, GFP_KERNEL), 0);
	pt_for_each_range(s.va, s.va + s.size - 1, stop_at_first, seen);
	EXPECT_EQ(seen[0], s.va);
	EXPECT_EQ(seen[1], s.va + 3 * PAGE_SIZE - 1);
	EXPECT_EQ(seen[2], 1);
	/* A run that reaches the end of what was asked for is cut there. */
	pt_for_each_range(s.va + 4 * PAGE_SIZE, s.va + 7 * PAGE_SIZE - 1, stop_at_first, seen);
	EXPECT_EQ(seen[0], s.va + 5 * PAGE_SIZE);
	EXPECT_EQ(seen[1], s.va + 7 * PAGE_SIZE - 1);
	EXPECT_EQ(seen[2], 2);
	scratch_put(&s);
}

KTEST(pgtable, scattered_pages_appear_in_order)
{
	enum { NR = 1200 }; /* more than two tables */
	struct page **pages = (struct page **)alloc_pages_exact(NR * sizeof(*pages), GFP_KERNEL);
	unsigned long got;
	struct scratch s;

	ASSERT_NOT_NULL(pages);
	got = alloc_pages_bulk(NUMA_NO_NODE, GFP_KERNEL, NR, pages);
	for (unsigned long i = got; i > 1; i--) { /* shuffled */
		unsigned long j = test_rand_below((u32)i);
		struct page *p = pages[j];

		pages[j] = pages[i - 1];
		pages[i - 1] = p;
	}
	NEED_SCRATCH(&s, NR * PAGE_SIZE, PAGE_SIZE);
	EXPECT_EQ(pt_map_pages(s.va, pages, got, PT_RW, 0, GFP_KERNEL), 0);
	for (unsigned long i = 0; i < got; i++)
		poke(s.va + i * PAGE_SIZE, i);
	for (unsigned long i = 0; i < got; i++)
		if (!EXPECT_EQ(peek((vaddr_t)page_address(pages[i])), i))
			break;
	scratch_put(&s);
	free_pages_bulk(pages, got);
	free_pages_exact(pages, NR * sizeof(*pages));
}

enum { LEAVES_LOOKED_AT = 2000 }; /* of a range */

static bool expect_equal_leaves(vaddr_t start, vaddr_t last, pte_t e, unsigned level, void *ctx)
{
	struct ktest *t = ctx;
	vaddr_t va = start;

	for (unsigned n = 0; n < LEAVES_LOOKED_AT; n++) {
		struct pt_query q = pt_lookup(va);

		if (!EXPECT_MSG(q.mapped && q.level == level &&
					arch_pte_attributes(q.entry, level) == arch_pte_attributes(e, level),
				"0x%016lx in 0x%016lx-0x%016lx: entry 0x%lx, level %u", va, start, last,
				(unsigned long)q.entry.bits, q.level))
			return false;
		va = (va | (q.size - 1)) + 1;
		if (va > last || va == 0)
			break;
	}
	return true;
}

KTEST(pgtable, ranges_are_of_leaves_with_equal_attributes)
{
	pt_for_each_range(DIRECT_MAP_BASE, DIRECT_MAP_BASE + direct_map_end() - 1, expect_equal_leaves, t);
	pt_for_each_range((vaddr_t)__image_start, (vaddr_t)__image_end - 1, expect_equal_leaves, t);
}

KTEST(pgtable, trace_ends_where_lookup_says)
{
	for (unsigned n = 0; n < 500; n++) {
		vaddr_t va = (vaddr_t)test_rand() << 32 | test_rand();
		struct pt_step step[ARCH_PT_MAX_LEVELS];
		struct pt_query q;
		unsigned nr;

		if (n % 2)
			va = (vaddr_t)phys_to_virt(va % direct_map_end());
		q = pt_lookup(va);
		nr = pt_trace(va, step);
		ASSERT_EQ(nr, arch_pt_levels() - q.level);
		ASSERT_EQ(step[0].table, arch_pt_covers(va) ? arch_pt_root() : 0);
		ASSERT_EQ(step[nr - 1].entry.bits, q.entry.bits);
		for (unsigned i = 0; i < nr; i++)
			ASSERT_EQ(step[i].index, PT_INDEX(va, step[i].level));
		for (unsigned i = 1; i < nr; i++)
			ASSERT_EQ(step[i].table, arch_pte_paddr(step[i - 1].entry, step[i - 1].level));
	}
}

/* ---- tables ---- */

KTEST(pgtable, populated_range_needs_no_more_tables)
{
	struct scratch s;
	unsigned long before, tables;

	NEED_SCRATCH(&s, 4 * PT_LEVEL_SIZE(1), 4 * PT_LEVEL_SIZE(1));
	before = mm_counter_read(MM_PAGETABLE);
	EXPECT_EQ(pt_populate(s.va + PAGE_SIZE, 3 * PT_LEVEL_SIZE(1), 0, GFP_KERNEL), 0);
	tables = mm_counter_read(MM_PAGETABLE);
	EXPECT_GE(tables - before, 4);
	for (size_t off = PAGE_SIZE; off <= 3 * PT_LEVEL_SIZE(1); off += PAGE_SIZE)
		EXPECT_NOT_NULL(pt_slot(s.va + off, 0));
	EXPECT_EQ(pt_populate(s.va + PAGE_SIZE, 3 * PT_LEVEL_SIZE(1), 0, GFP_KERNEL), 0);
	EXPECT_EQ(pt_map(s.va + PAGE_SIZE, 0, 3 * PT_LEVEL_SIZE(1), PT_READ, 0, GFP_KERNEL), 0);
	EXPECT_EQ(mm_counter_read(MM_PAGETABLE), tables);
	scratch_put(&s);
}

KTEST(pgtable, slot_writes_are_what_a_walk_finds)
{
	struct scratch s;

	NEED_SCRATCH(&s, PT_LEVEL_SIZE(1), PT_LEVEL_SIZE(1));
	EXPECT_EQ(pt_populate(s.va, PAGE_SIZE, 0, GFP_KERNEL), 0);
	arch_pte_write(pt_slot(s.va + 7 * PAGE_SIZE, 0), arch_pte_leaf(7 * PAGE_SIZE, PT_READ, 0));
	EXPECT_EQ(pt_lookup(s.va + 7 * PAGE_SIZE + 9).pa, 7 * PAGE_SIZE + 9);
	scratch_put(&s);
}

KTEST(pgtable, reclaim_frees_every_empty_table_of_the_range)
{
	struct tlb_stats counts, after;
	unsigned long before, freed;
	struct scratch s;

	NEED_SCRATCH(&s, 2 * PT_LEVEL_SIZE(2), PT_LEVEL_SIZE(2));
	/* Tables that reach out of the range, which begins wherever the seed has put the window, are there before. */
	EXPECT_EQ(pt_populate(s.va, PAGE_SIZE, 0, GFP_KERNEL), 0);
	EXPECT_EQ(pt_populate(s.va + s.size - PAGE_SIZE, PAGE_SIZE, 0, GFP_KERNEL), 0);
	pt_reclaim(s.va, s.size);
	before = mm_counter_read(MM_PAGETABLE);
	for (size_t off = 0; off < s.size; off += 100 * PT_LEVEL_SIZE(1))
		EXPECT_EQ(pt_map(s.va + off, 0, PAGE_SIZE, PT_READ, 0, GFP_KERNEL), 0);
	EXPECT_GT(mm_counter_read(MM_PAGETABLE), before);
	EXPECT_EQ(pt_reclaim(s.va, s.size), 0); /* none is empty */
	pt_unmap(s.va, s.size);
	tlb_flush_range(s.va, s.va + s.size);
	freed = mm_counter_read(MM_PAGETABLE) - before;
	tlb_stats(arch_cpu_id(), &counts);
	EXPECT_EQ(pt_reclaim(s.va, s.size), freed);
	tlb_stats(arch_cpu_id(), &after);
	/* All were dropped from the paging-structure caches, by one flush. */
	EXPECT_EQ(after.page + after.range + after.full, counts.page + counts.range + counts.full + 1);
	EXPECT_EQ(mm_counter_read(MM_PAGETABLE), before);
	EXPECT_NULL(pt_slot(s.va, 0));
	EXPECT_EQ(pt_map(s.va, 3 * PAGE_SIZE, PAGE_SIZE, PT_READ, 0, GFP_KERNEL), 0);
	EXPECT_EQ(pt_lookup(s.va).pa, 3 * PAGE_SIZE);
	scratch_put(&s);
}

KTEST(pgtable, reclaim_keeps_tables_that_reach_out_of_the_range)
{
	struct scratch s;

	NEED_SCRATCH(&s, 3 * PT_LEVEL_SIZE(1), 4 * PT_LEVEL_SIZE(1));
	EXPECT_EQ(pt_populate(s.va, 3 * PT_LEVEL_SIZE(1), 0, GFP_KERNEL), 0);
	EXPECT_EQ(pt_reclaim(s.va + PAGE_SIZE, 2 * PT_LEVEL_SIZE(1)), 1);
	EXPECT_NOT_NULL(pt_slot(s.va, 0));
	EXPECT_NULL(pt_slot(s.va + PT_LEVEL_SIZE(1), 0));
	EXPECT_NOT_NULL(pt_slot(s.va + 2 * PT_LEVEL_SIZE(1), 0));
	EXPECT_EQ(pt_populate(s.va, 3 * PT_LEVEL_SIZE(1), 0, GFP_KERNEL), 0);
	for (unsigned i = 0; i < 2; i++) { /* parts of two tables, the whole of none */
		EXPECT_EQ(pt_reclaim(s.va + i * PT_LEVEL_SIZE(1) + PAGE_SIZE, PT_LEVEL_SIZE(1)), 0);
		EXPECT_NOT_NULL(pt_slot(s.va + i * PT_LEVEL_SIZE(1), 0));
	}
	scratch_put(&s);
}

KTEST(pgtable, large_leaf_takes_the_place_of_a_reclaimed_table)
{
	struct page *block = alloc_pages(GFP_KERNEL, HUGE_ORDER);
	struct page *small;
	struct scratch s;

	if (!block)
		SKIP("no block of order %u", HUGE_ORDER);
	small = alloc_page(GFP_KERNEL);
	ASSERT_NOT_NULL(small);
	NEED_SCRATCH(&s, PT_LEVEL_SIZE(1), PT_LEVEL_SIZE(1));
	EXPECT_EQ(pt_map(s.va, page_to_phys(small), PAGE_SIZE, PT_RW, 0, GFP_KERNEL), 0);
	poke(s.va, 1); /* the table is in the paging-structure caches now */
	pt_unmap(s.va, PAGE_SIZE);
	tlb_flush_page(s.va);
	EXPECT_EQ(pt_map(s.va, page_to_phys(block), PT_LEVEL_SIZE(1), PT_RW, 1, GFP_KERNEL), -EEXIST);
	EXPECT_EQ(pt_reclaim(s.va, s.size), 1);
	EXPECT_EQ(pt_map(s.va, page_to_phys(block), PT_LEVEL_SIZE(1), PT_RW, 1, GFP_KERNEL), 0);
	poke(s.va, 0x77);
	EXPECT_EQ(peek((vaddr_t)page_address(block)), 0x77);
	scratch_put(&s);
	__free_page(small);
	__free_pages(block, HUGE_ORDER);
}

KTEST(pgtable, table_pages_are_marked_and_counted)
{
	struct scratch s;
	struct pt_step step[ARCH_PT_MAX_LEVELS];
	const struct page *table;
	unsigned nr;

	NEED_SCRATCH(&s, PT_LEVEL_SIZE(1), PT_LEVEL_SIZE(1));
	EXPECT_EQ(pt_populate(s.va, PAGE_SIZE, 0, GFP_KERNEL), 0);
	nr = pt_trace(s.va, step);
	table = phys_to_page(step[nr - 1].table);
	EXPECT_EQ(step[nr - 1].level, 0);
	EXPECT_TRUE(table->flags & PG_table);
	scratch_put(&s);
	quiet_drain();
}
