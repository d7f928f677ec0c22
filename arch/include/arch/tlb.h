#ifndef ARCH_TLB_H
#define ARCH_TLB_H

#include <mm/types.h>

/* This CPU only. va must be canonical. "all" includes global entries and paging-structure caches. */
static inline void arch_tlb_flush_page_local(vaddr_t va);
void arch_tlb_flush_all_local(void);

/* Ports whose TLBI reaches every CPU define ARCH_TLB_BROADCAST and arch_tlb_flush_range_bcast(start, end,
 * last_level). */

#include <arch_impl/tlb.h>
#endif
