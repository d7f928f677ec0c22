#ifndef ARCH_TLB_H
#define ARCH_TLB_H

#include <arch/layout.h>
#include <arch/types.h>

/* Flush on this CPU only. va must be canonical. The full flush includes global entries and paging-structure caches. */
static inline void arch_tlb_flush_page_local(vaddr_t va);
void arch_tlb_flush_all_local(void);

/*
 * Frames [pfn, pfn + 2^order) return to the buddy. All translations to them must have been flushed. A port that can observe
 * its TLB reports a missing flush; on the others this function is empty.
 */
static inline void arch_tlb_frames_freed(pfn_t pfn, unsigned order);

/*
 * Between lazy = true and lazy = false this CPU sleeps, and a CPU that changes an entry does not wait for it. The sleeping
 * CPU uses no old translation and flushes before the sleep ends. A port that tracks TLB contents records the state; on the
 * others this function is empty. Context: interrupts off.
 */
static inline void arch_tlb_lazy(bool lazy);

/*
 * ARCH_TLB_BROADCAST: 1 if one CPU's instruction flushes all CPUs' TLBs without an IPI, else 0. With broadcast:
 *   begin             before the first flush: every walker sees the entries that were written before
 *   range, all        start a flush. last_level: only leaves have changed, no table above them
 *   end               waits until no CPU uses a flushed translation
 * ARCH_TLB_FLUSH_CEILING: number of pages above which one full flush is cheaper than a flush for each page.
 */
static inline void arch_tlb_bcast_begin(void);
static inline void arch_tlb_bcast_range(vaddr_t start, vaddr_t end, bool last_level);
static inline void arch_tlb_bcast_all(void);
static inline void arch_tlb_bcast_end(void);

#include <arch_impl/tlb.h>

#if !ARCH_TLB_BROADCAST
static inline void arch_tlb_bcast_begin(void)
{
}
static inline void arch_tlb_bcast_range(vaddr_t start, vaddr_t end, bool last_level)
{
	(void)start;
	(void)end;
	(void)last_level;
}
static inline void arch_tlb_bcast_all(void)
{
}
static inline void arch_tlb_bcast_end(void)
{
}
#endif
#endif
