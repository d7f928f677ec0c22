/*
 * test_a64.c - what only this port has: the CPU's own walks, hardware flags, contiguous groups, TLBI by range, stacks.
 *
 * Idea.       AT S1E1R asks the MMU for a translation and gets an answer instead of a fault: a second opinion on every
 *             entry that the walker in mm/ reads.
 * Layout.     Translation, descriptors, TLBI, exceptions.
 * Invariants. Every case leaves the tables as they were.
 * Locking.    None: main loop.
 * Failure.    EXPECT lines.
 * Source.     Arm ARM C5.5 (AT), D17.2.104 (PAR_EL1), D8.4.5 (hardware management of flags).
 * Next:       test_a64_dev.c.
 */
#include "../../mm/scratch.h"
#include "arch/aarch64/a64_internal.h"
#include <arch/cpu.h>
#include <arch/irq.h>
#include <arch/tlb.h>
#include <arch_impl/stack.h>
#include <arch_impl/sysreg.h>
#include <kernel/bits.h>
#include <kernel/errno.h>
#include <kernel/sections.h>
#include <kernel/test.h>
#include <mm/internal.h>
#include <mm/memblock.h>
#include <mm/vmalloc.h>

/* ---- translation ---- */

static void expect_same_walk(struct ktest *t, vaddr_t va)
{
	struct pt_query q = pt_lookup(va);
	u64 read = a64_ask_mmu(va, false), write = a64_ask_mmu(va, true), attr;

	EXPECT_MSG(q.mapped == !(read & A64_PAR_FAULT), "va 0x%016lx: mapped %d, PAR 0x%lx", va, q.mapped,
		   read);
	if (!q.mapped)
		return;
	EXPECT_MSG((q.pa & A64_PAR_PA) == (read & A64_PAR_PA), "va 0x%016lx: pa 0x%lx, PAR 0x%lx", va, q.pa,
		   read);
	EXPECT_MSG(!!(q.prot & PT_WRITE) == !(write & A64_PAR_FAULT), "va 0x%016lx: prot %u, PAR 0x%lx", va,
		   q.prot, write);
	attr = A64_MAIR >> 8 * ((q.entry.bits & A64_PTE_ATTR) >> A64_PTE_ATTR_SHIFT) & 0xff;
	EXPECT_MSG(read >> A64_PAR_ATTR_SHIFT == attr, "va 0x%016lx: attributes 0x%lx, PAR 0x%lx", va, attr,
		   read);
}

static vaddr_t random_in(vaddr_t start, u64 size)
{
	return start + ((u64)test_rand() << 32 | test_rand()) % size;
}

KTEST(a64, the_mmu_walks_as_the_walker_does)
{
	const struct memblock_type *ram = &memblock.memory;
	void *area = vmalloc(64 * PAGE_SIZE);

	ASSERT_NOT_NULL(area);
	for (unsigned n = 0; n < 200; n++) {
		const struct memblock_region *r = &ram->region[test_rand_below((u32)ram->cnt)];

		expect_same_walk(t, random_in(DIRECT_MAP_BASE + r->start, r->end - r->start));
		expect_same_walk(t, random_in((vaddr_t)__image_start, (u64)(__image_end - __image_start)));
		expect_same_walk(t, random_in((vaddr_t)area, 65 * PAGE_SIZE));
		expect_same_walk(t, random_in(PERCPU_BASE, 64 * PERCPU_STRIDE));
		expect_same_walk(
			t, random_in(VMEMMAP_BASE + (r->start >> PAGE_SHIFT) * sizeof(struct page), MIB(4)));
		expect_same_walk(t, random_in(DEVICE_BASE, 64 * PAGE_SIZE));
		expect_same_walk(t, random_in(arch_kernel_start(), -arch_kernel_start()));
		expect_same_walk(t, random_in(0, 1UL << a64_layout.va_bits));
		/* The direct map's address without its upper bits. */
		expect_same_walk(t, random_in(r->start, r->end - r->start));
	}
	vfree(area);
}

KTEST(a64, the_lower_half_is_closed)
{
	EXPECT_TRUE(a64_read(tcr_el1) & A64_TCR_EPD0);
	EXPECT_TRUE(a64_read(sctlr_el1) & A64_SCTLR_WXN);
	/* The identity map is still there, for CPUs that start, and answers nobody. */
	EXPECT_TRUE(a64_ask_mmu(KERNEL_LOAD, false) & A64_PAR_FAULT);
	EXPECT_EQ(arch_probe(KERNEL_LOAD, ARCH_READ), -EFAULT);
}

KTEST(a64, output_addresses_of_52_bits_survive_a_descriptor)
{
	static const u8 bits[] = {32, 36, 40, 42, 44, 48, 52}; /* PARange */
	unsigned range;

	for (unsigned bit = PAGE_SHIFT; bit < 52; bit++) {
		paddr_t pa = 1UL << bit;

		if (pa >= arch_phys_limit())
			break;
		EXPECT_EQ(arch_pte_paddr(arch_pte_leaf(pa, PT_RW, 0), 0), pa);
		EXPECT_EQ(arch_pte_paddr(arch_pte_table(pa), 1), pa);
	}
	range = min(a64_id_field(id_aa64mmfr0_el1, 0), PAGE_SHIFT == 16 || a64_has_lpa2 ? 6U : 5U);
	EXPECT_EQ(arch_phys_limit(), 1UL << bits[range]);
}

/* ---- descriptors ---- */

KTEST(a64, a_descriptor_has_the_bits_of_the_manual)
{
	const u64 always =
		A64_PTE_VALID | A64_PTE_TABLE | A64_PTE_AF | A64_PTE_UXN | (a64_has_lpa2 ? 0 : A64_PTE_INNER);

	EXPECT_EQ(arch_pte_leaf(0, PT_RW, 0).bits, always | A64_PTE_PXN | a64_pte_dbm);
	EXPECT_EQ(arch_pte_leaf(0, PT_READ, 0).bits, always | A64_PTE_PXN | A64_PTE_RDONLY);
	EXPECT_EQ(arch_pte_leaf(0, PT_RX, 0).bits, always | A64_PTE_RDONLY);
	EXPECT_EQ(arch_pte_leaf(0, PT_RW | PT_DEVICE, 0).bits, always | A64_PTE_PXN | a64_pte_dbm | 3 << 2);
	EXPECT_NE(arch_pte_attributes(arch_pte_contig(arch_pte_leaf(0, PT_RW, 0)), 0),
		  arch_pte_attributes(arch_pte_leaf(0, PT_RW, 0), 0));
	EXPECT_EQ(arch_pte_attributes(arch_pte_leaf(PAGE_SIZE, PT_RW, 0), 0),
		  arch_pte_attributes(arch_pte_leaf(0, PT_RW, 0), 0));
	EXPECT_EQ(arch_pte_leaf(0, PT_RW, 1).bits, (always & ~A64_PTE_TABLE) | A64_PTE_PXN | a64_pte_dbm);
}

/* A clean page that nobody has touched: with hardware flags the CPU marks it, else each access faults. */
KTEST(a64, the_cpu_sets_access_flag_and_dirty_state_where_it_can)
{
	const bool sets_af = a64_read(tcr_el1) & A64_TCR_HA, sets_dirty = a64_read(tcr_el1) & A64_TCR_HD;
	struct page *frame = alloc_page(GFP_KERNEL | __GFP_ZERO);
	struct scratch s;
	pte_t *slot, leaf;

	ASSERT_TRUE(frame && scratch_get(&s, PAGE_SIZE, PAGE_SIZE) &&
		    !pt_populate(s.va, PAGE_SIZE, 0, GFP_KERNEL));
	slot = pt_slot(s.va, 0);
	leaf = arch_pte_leaf(page_to_phys(frame), PT_RW, 0);
	leaf.bits = (leaf.bits & ~A64_PTE_AF) | A64_PTE_RDONLY | A64_PTE_DBM;
	arch_pte_write(slot, leaf);
	arch_pt_sync();

	EXPECT_EQ(arch_probe(s.va, ARCH_READ), sets_af ? 0 : -EFAULT);
	EXPECT_EQ(!!(arch_pte_read(slot).bits & A64_PTE_AF), sets_af);
	EXPECT_TRUE(arch_pte_read(slot).bits & A64_PTE_RDONLY);
	EXPECT_EQ(arch_probe(s.va, ARCH_WRITE), sets_dirty ? 0 : -EFAULT);
	EXPECT_EQ(!(arch_pte_read(slot).bits & A64_PTE_RDONLY), sets_dirty);
	EXPECT_EQ(arch_pte_prot(arch_pte_read(slot), 0), PT_RW);
	scratch_put(&s);
	tlb_flush_page(s.va);
	__free_page(frame);
}

/* Group by group: all of its entries say so, one behind the other, or none does. */
static unsigned long expect_whole_groups(struct ktest *t, vaddr_t start, vaddr_t end)
{
	unsigned long groups = 0;

	for (vaddr_t va = start; va < end;) {
		struct pt_query q = pt_lookup(va);
		u64 size = q.size * arch_pt_contig_entries(q.level);
		vaddr_t first = ALIGN_DOWN(va, size);

		if (!q.mapped || !(q.entry.bits & A64_PTE_CONT)) {
			va = ALIGN_DOWN(va, q.size) + q.size;
			continue;
		}
		for (unsigned i = 0; i < arch_pt_contig_entries(q.level); i++) {
			struct pt_query other = pt_lookup(first + i * q.size);

			if (!EXPECT_MSG((other.entry.bits & A64_PTE_CONT) && other.level == q.level &&
						other.prot == q.prot &&
						other.pa == ALIGN_DOWN(q.pa, size) + i * q.size,
					"entry %u of the group at 0x%016lx", i, first))
				return groups;
		}
		EXPECT_EQ(ALIGN_DOWN(q.pa, q.size) & (size - 1), va & (size - 1) & ~(q.size - 1));
		groups++;
		va = first + size;
	}
	return groups;
}

KTEST(a64, contiguous_groups_are_whole)
{
	const struct memblock_type *ram = &memblock.memory;
	unsigned long groups = expect_whole_groups(t, (vaddr_t)__image_start, (vaddr_t)__image_end);

	for (unsigned i = 0; i < ram->cnt && i < 64; i++) {
		paddr_t end = min(min(ram->region[i].end, ram->region[i].start + GIB(4)),
				  direct_map_end_pfn << PAGE_SHIFT);

		if (ram->region[i].start < end)
			groups += expect_whole_groups(t, DIRECT_MAP_BASE + ram->region[i].start,
						      DIRECT_MAP_BASE + end);
	}
	EXPECT_GT(groups, 0);
}

/* A group is aligned in both address spaces: elsewhere the same leaves make none, and at the borders only what is whole. */
KTEST(a64, contiguous_groups_are_aligned_in_both_address_spaces)
{
	const unsigned group = arch_pt_contig_entries(0);
	const size_t size = group * PAGE_SIZE;
	struct scratch s;

	NEED_SCRATCH(&s, 4 * size, size);
	for (unsigned shift = 0; shift < 2; shift++) {
		/* From one page before a border to one behind the second next one. */
		vaddr_t va = s.va + size - PAGE_SIZE;
		paddr_t pa = ALIGN_UP(KERNEL_LOAD, size) + size - PAGE_SIZE + shift * PAGE_SIZE;

		ASSERT_EQ(pt_map(va, pa, 2 * size + 2 * PAGE_SIZE, PT_READ | PT_PERMANENT, 0, GFP_KERNEL), 0);
		for (unsigned i = 0; i < 2 * group + 2; i++)
			EXPECT_EQ(!!(pt_lookup(va + i * PAGE_SIZE).entry.bits & A64_PTE_CONT),
				  !shift && i > 0 && i < 2 * group + 1);
		pt_unmap(va, 2 * size + 2 * PAGE_SIZE);
		tlb_flush_all();
	}
	scratch_put(&s);
}

/* What comes and goes is never part of a group: it could not be changed alone. */
KTEST(a64, areas_have_no_contiguous_groups)
{
	char *p = vmalloc(256 * PAGE_SIZE);

	ASSERT_NOT_NULL(p);
	for (unsigned i = 0; i < 256; i++)
		EXPECT_FALSE(pt_lookup((vaddr_t)p + i * PAGE_SIZE).entry.bits & A64_PTE_CONT);
	vfree(p);
}

/* ---- TLBI ---- */

enum { RANGE_MOST = 515 };

/*
 * Pages [from, to) of s lose their old frame, and each must be flushed. Entries change without a break on purpose: what
 * shows the old frame afterwards is a translation that was not flushed.
 */
static void expect_range_flushed(struct ktest *t, struct scratch *s, struct page **old, struct page **fresh,
				 unsigned from, unsigned to)
{
	unsigned wrong = 0;

	for (unsigned i = 0; i < RANGE_MOST; i++) {
		arch_pte_write(pt_slot(s->va + i * PAGE_SIZE, 0),
			       arch_pte_leaf(page_to_phys(*old), PT_RW, 0));
		arch_pt_sync();
	}
	tlb_flush_all();
	for (unsigned i = from; i < to; i++)
		peek(s->va + i * PAGE_SIZE);
	for (unsigned i = from; i < to; i++)
		arch_pte_write(pt_slot(s->va + i * PAGE_SIZE, 0),
			       arch_pte_leaf(page_to_phys(*fresh), PT_RW, 0));
	arch_tlb_bcast_begin();
	arch_tlb_bcast_range(s->va + from * PAGE_SIZE, s->va + to * PAGE_SIZE, true);
	arch_tlb_bcast_end();
	for (unsigned i = from; i < to; i++)
		wrong += peek(s->va + i * PAGE_SIZE) != 2;
	EXPECT_MSG(wrong == 0, "[%u, %u): %u pages show the old frame", from, to, wrong);
}

KTEST(a64, tlbi_by_range_covers_every_page_of_it)
{
	static const unsigned length[] = {1,  2,  3,  15, 16,  17,  31,	 33, 63,
					  64, 65, 66, 67, 127, 130, 500, 512};
	struct page *old = alloc_page(GFP_KERNEL), *fresh = alloc_page(GFP_KERNEL);
	struct scratch s;

	ASSERT_TRUE(old && fresh && scratch_get(&s, RANGE_MOST * PAGE_SIZE, PAGE_SIZE) &&
		    !pt_populate(s.va, RANGE_MOST * PAGE_SIZE, 0, GFP_KERNEL));
	poke((vaddr_t)page_address(old), 1);
	poke((vaddr_t)page_address(fresh), 2);
	for (unsigned i = 0; i < ARRAY_SIZE(length); i++)
		for (unsigned from = 0; from < 3; from++)
			expect_range_flushed(t, &s, &old, &fresh, from, from + length[i]);
	scratch_put(&s);
	tlb_flush_all();
	__free_page(old);
	__free_page(fresh);
}

/* ---- exceptions ---- */

KTEST(a64, the_kernel_runs_on_sp_el0)
{
	struct arch_stack_info s = {};
	vaddr_t here = (vaddr_t)__builtin_frame_address(0);

	EXPECT_EQ(a64_read(spsel), 0);
	ASSERT_TRUE(arch_stack_info(0, &s));
	EXPECT_TRUE(here >= s.start && here < s.end);
	EXPECT_EQ(a64_read(currentel), 1 << 2);
}

static void where_am_i(void *ctx)
{
	*(vaddr_t *)ctx = (vaddr_t)__builtin_frame_address(0);
}

KTEST(a64, exceptions_have_a_stack_of_their_own)
{
	struct arch_stack_info s = {};
	vaddr_t there = 0;

	arch_irq_test_raise(where_am_i, &there);
	ASSERT_TRUE(arch_stack_info(1, &s));
	EXPECT_TRUE(there >= s.start && there < s.end);
}

KTEST_PANIC(a64, panic_undefined_instruction, "undefined instruction, taken on the boot stack")
{
	__asm__ volatile("udf #0");
}

KTEST_PANIC(a64, panic_breakpoint, "breakpoint, taken on the boot stack")
{
	__asm__ volatile("brk #1");
}

/* In an exception whose stack has run over. */
static void overflow_there(void *ctx)
{
	(void)ctx;
	__asm__ volatile("mov sp, %0; brk #0" ::"r"((vaddr_t)a64_stacks.exc) : "memory");
}

KTEST_PANIC(a64, panic_exception_stack_overflow, "double fault, handled on the overflow stack")
{
	arch_irq_test_raise(overflow_there, NULL);
}
