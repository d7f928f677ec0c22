#ifndef MM_TLB_H
#define MM_TLB_H

/*
 * TLB flushes for kernel addresses on every CPU that may hold the translation. The order of leaving is: entry
 * cleared, TLBs flushed everywhere, frame freed, address reused; this layer owns that rule. Context:
 * interrupts on, no lock of rank >= LOCK_TLB held (they may wait for other CPUs).
 */

#include <mm/types.h>

enum { TLB_FLUSH_CEILING = 33 }; /* pages; above it one full flush (Linux arch/x86/mm/tlb.c) */

void tlb_flush_page(vaddr_t va);
void tlb_flush_range(vaddr_t start, vaddr_t end);
void tlb_flush_all(void);
/* This CPU only: for per-CPU mappings. Context: any. */
void tlb_flush_page_local(vaddr_t va);

struct tlb_stats {
	u64 page, range, full, ipi_sent, ipi_received;
};
void tlb_stats(unsigned cpu, struct tlb_stats *out);

#endif
