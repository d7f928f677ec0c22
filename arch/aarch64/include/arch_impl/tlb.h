#ifndef ARCH_IMPL_TLB_H
#define ARCH_IMPL_TLB_H

/*
 * TLBI reaches all CPUs of the Inner Shareable domain (Arm ARM D8.13). DSB ISHST before it: walkers see the entries that
 * were written. DSB ISH after it: all CPUs have completed the flush and the accesses that used an old translation. ISB:
 * this CPU discards instructions that it fetched before.
 *
 * The operand holds bits [55:12] of the address with every granule. Kernel entries are global, so the forms for all ASIDs
 * (VAA) are used. The last-level forms keep cached table entries.
 */
#define ARCH_TLB_BROADCAST 1
#define ARCH_TLB_FLUSH_CEILING 512 /* Linux: MAX_TLBI_OPS, the entries of a table with 4 KiB pages */

extern bool a64_has_tlb_range; /* FEAT_TLBIRANGE */
extern bool a64_has_lpa2;      /* TCR.DS: TLBI by range then counts in units of 64 KiB */

#define A64_TLBI_VA(va) ((va) >> 12 & 0xfffffffffffUL)

/* All CPUs share the tables, and any CPU may walk them speculatively: a local flush must reach all TLBs (D8.14). */
static inline void arch_tlb_flush_page_local(vaddr_t va)
{
	__asm__ volatile("dsb ishst; tlbi vaae1is, %0; dsb ish; isb" ::"r"(A64_TLBI_VA(va)) : "memory");
}

static inline void arch_tlb_bcast_begin(void)
{
	__asm__ volatile("dsb ishst" ::: "memory");
}

static inline void arch_tlb_bcast_page(vaddr_t va, bool last_level)
{
	if (last_level)
		__asm__ volatile("tlbi vaale1is, %0" ::"r"(A64_TLBI_VA(va)) : "memory");
	else
		__asm__ volatile("tlbi vaae1is, %0" ::"r"(A64_TLBI_VA(va)) : "memory");
}

void a64_tlb_bcast_long_range(vaddr_t start, vaddr_t end, bool last_level);

static inline void arch_tlb_bcast_range(vaddr_t start, vaddr_t end, bool last_level)
{
	if (end - start > PAGE_SIZE && a64_has_tlb_range) {
		a64_tlb_bcast_long_range(start, end, last_level);
		return;
	}
	for (vaddr_t va = start; va < end; va += PAGE_SIZE)
		arch_tlb_bcast_page(va, last_level);
}

static inline void arch_tlb_bcast_all(void)
{
	__asm__ volatile("tlbi vmalle1is" ::: "memory");
}

static inline void arch_tlb_bcast_end(void)
{
	__asm__ volatile("dsb ish; isb" ::: "memory");
}

/* The kernel cannot observe the contents of the TLB. */
static inline void arch_tlb_frames_freed(pfn_t pfn, unsigned order)
{
	(void)pfn;
	(void)order;
}

static inline void arch_tlb_lazy(bool lazy)
{
	(void)lazy;
}

#endif
