#ifndef ARCH_IMPL_TLB_H
#define ARCH_IMPL_TLB_H

/*
 * TLBI reaches all CPUs of the Inner Shareable domain (Arm ARM D8.13). DSB ISHST before it: the entries written are what
 * walkers find from now on. DSB ISH after it: all CPUs are done, and accesses that used an old translation as well. ISB:
 * this CPU drops what it has fetched ahead.
 *
 * The operand has bits [55:12] of the address, whatever the granule. Kernel entries are global, so the forms for every
 * ASID are used (VAA). The last-level forms keep what walkers hold of the tables above.
 */
#define ARCH_TLB_BROADCAST 1
#define ARCH_TLB_FLUSH_CEILING 512 /* Linux: MAX_TLBI_OPS, as many as a table of 4 KiB has entries */

extern bool a64_has_tlb_range; /* FEAT_TLBIRANGE */
extern bool a64_has_lpa2;      /* TCR.DS: TLBI by range counts in 64 KiB then */

#define A64_TLBI_VA(va) ((va) >> 12 & 0xfffffffffffUL)

/* All CPUs share the tables, and any may walk them ahead of its program: what one drops must go from all (D8.14). */
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

/* What the TLB holds is not to be seen from here. */
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
