#ifndef ARCH_IMPL_TLB_H
#define ARCH_IMPL_TLB_H

#define ARCH_TLB_BROADCAST 0
#define ARCH_TLB_FLUSH_CEILING 33 /* Linux arch/x86/mm/tlb.c (tlb_single_page_flush_ceiling) */

/* INVLPG flushes the page's entry, even a global one, and all paging-structure caches (SDM vol. 3, 4.10.4.1). */
static inline void arch_tlb_flush_page_local(vaddr_t va)
{
	__asm__ volatile("invlpg (%0)" ::"r"(va) : "memory");
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
