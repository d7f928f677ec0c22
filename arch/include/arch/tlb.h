#ifndef ARCH_TLB_H
#define ARCH_TLB_H

#include <arch/layout.h>
#include <mm/types.h>

/* This CPU only. va must be canonical. "all" includes global entries and paging-structure caches. */
static inline void arch_tlb_flush_page_local(vaddr_t va);
void arch_tlb_flush_all_local(void);

/*
 * Frames pfn to pfn + 2^order - 1 go back to the buddy: all translations to them must have been flushed. A port that
 * can know says when one was not; on the others this is nothing.
 */
static inline void arch_tlb_frames_freed(pfn_t pfn, unsigned order);

/*
 * From true to false this CPU sleeps, and whoever changes an entry does not wait for it: its old translations are not
 * used, and a flush comes before the end. A port that keeps books on them has to know; on the others this is nothing.
 * Context: interrupts off.
 */
static inline void arch_tlb_lazy(bool lazy);

/*
 * ARCH_TLB_BROADCAST: 1 where one CPU's flush reaches all others, without asking them; else 0. There:
 *   begin             before the first flush: entries that were written are what every walker finds from now on
 *   range, all        ask for a flush. last_level: no table above the leaves has changed
 *   end               returns when no CPU uses what was flushed
 * ARCH_TLB_FLUSH_CEILING: pages; above it one full flush is cheaper than one for each.
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
