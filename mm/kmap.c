/*
 * kmap.c - short-lived mappings of frames that the direct map does not cover.
 *
 * Idea.       Each CPU owns KMAP_SLOTS page slots of virtual addresses and uses them as a stack. A
 *             mapping writes the next slot's entry. An unmapping clears it and flushes that one page on
 *             this CPU only. So neither a lock nor another CPU is involved.
 * Layout.     The slots are the last KMAP_SLOTS pages of each CPU's window at PERCPU_BASE.
 * Invariants. K1  slots [0, depth) are mapped, the others are not, in this CPU's TLB as well
 * Locking.    Only the owner CPU uses its slots. An interrupt may nest, because it unmaps before it
 *             returns.
 * Failure.    A seventeenth level, or an unmapping out of order, is a BUG. The page tables exist from
 *             boot on.
 * Source.     Linux mm/highmem.c (kmap_local_page).
 * Next:       kernel/base/work.c.
 */
#include <kernel/bug.h>
#include <kernel/percpu.h>
#include <mm/check.h>
#include <mm/internal.h>
#include <mm/pgtable.h>
#include <mm/tlb.h>

DEFINE_PER_CPU(unsigned, kmap_depth);

static vaddr_t kmap_slot(unsigned cpu, unsigned i)
{
	return PERCPU_BASE + (cpu + 1UL) * PERCPU_STRIDE - (KMAP_SLOTS - i) * PAGE_SIZE;
}

void kmap_init(void)
{
	unsigned cpu;

	if (memblock_end(&memblock) >> PAGE_SHIFT <= direct_map_end_pfn)
		return;
	for_each_possible_cpu (cpu)
		if (pt_populate(kmap_slot(cpu, 0), KMAP_SLOTS * PAGE_SIZE, 0, GFP_KERNEL))
			panic("kmap: no tables for CPU %u's slots\n", cpu);
}

void *kmap_local_page(struct page *page)
{
	void *addr = page_address(page);
	unsigned i;

	if (likely(addr))
		return addr;
	i = this_cpu(kmap_depth)++;
	BUG_ON(i >= KMAP_SLOTS, "kmap_local_page: more than %u mappings on CPU %u", KMAP_SLOTS,
	       arch_cpu_id());
	addr = (void *)kmap_slot(arch_cpu_id(), i);
	arch_pte_write(pt_slot((vaddr_t)addr, 0), arch_pte_leaf(page_to_phys(page), PT_RW | PT_LOCAL, 0));
	arch_pt_sync();
	return addr;
}

void kunmap_local(const void *addr)
{
	vaddr_t va = (vaddr_t)addr & PAGE_MASK;

	if (va - DIRECT_MAP_BASE < direct_map_end_pfn << PAGE_SHIFT)
		return;
	BUG_ON(!this_cpu(kmap_depth) || va != kmap_slot(arch_cpu_id(), this_cpu(kmap_depth) - 1),
	       "kunmap_local: 0x%016lx is not the last mapping of CPU %u", va, arch_cpu_id());
	arch_pte_clear(pt_slot(va, 0));
	tlb_flush_page_local(va);
	this_cpu(kmap_depth)--;
}

static const char *kmap_check(void)
{
	unsigned cpu;

	for_each_online_cpu (cpu)
		if (per_cpu(kmap_depth, cpu))
			return "kmap.K1: a mapping is left between operations";
	return NULL;
}
MM_CHECK("kmap", kmap_check);
