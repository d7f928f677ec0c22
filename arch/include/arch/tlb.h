#ifndef ARCH_TLB_H
#define ARCH_TLB_H

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

/* Ports whose TLBI reaches every CPU define ARCH_TLB_BROADCAST and arch_tlb_flush_range_bcast(start, end,
 * last_level). */

#include <arch_impl/tlb.h>
#endif
