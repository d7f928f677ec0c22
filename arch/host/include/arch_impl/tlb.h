#ifndef ARCH_IMPL_TLB_H
#define ARCH_IMPL_TLB_H

#define ARCH_TLB_BROADCAST 0
#define ARCH_TLB_FLUSH_CEILING 33 /* Linux arch/x86/mm/tlb.c (tlb_single_page_flush_ceiling) */

void host_tlb_flush_page(vaddr_t va);
void host_tlb_check_freed(pfn_t pfn, unsigned order);

static inline void arch_tlb_flush_page_local(vaddr_t va)
{
	host_tlb_flush_page(va);
}

/* BUG if a translation to one of the frames has not been flushed. */
static inline void arch_tlb_frames_freed(pfn_t pfn, unsigned order)
{
	host_tlb_check_freed(pfn, order);
}

void host_tlb_lazy(bool lazy);

static inline void arch_tlb_lazy(bool lazy)
{
	host_tlb_lazy(lazy);
}

#endif
