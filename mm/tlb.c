/*
 * tlb.c - flushes of kernel translations on every CPU that may hold them.
 *
 * Idea.       A CPU may use a translation long after its entry has changed. So whoever takes a mapping away
 *             obeys one order - entry cleared, TLBs flushed everywhere, frame freed, address reused - and the
 *             middle step is here. Few pages are flushed one by one; above TLB_FLUSH_CEILING dropping
 *             everything is cheaper than as many single flushes and the misses that follow.
 * Layout.     per-CPU: struct tlb_stats, counted by the CPU that flushes its own TLB
 * Invariants. T1  when a call returns, no CPU uses a translation of the range that was stale when it was made
 * Locking.    None while one CPU runs: its own flush is every CPU's. Counters are plain: only their owner
 *             writes.
 * Failure.    A flush cannot fail.
 * Next:       vmap.c, which puts flushes off and does many at once.
 */
#include <mm/tlb.h>

#include <arch/layout.h>
#include <arch/tlb.h>
#include <kernel/percpu.h>

static DEFINE_PER_CPU(struct tlb_stats, tlb_counts);

void tlb_flush_page_local(vaddr_t va)
{
	arch_tlb_flush_page_local(va);
	this_cpu(tlb_counts).page++;
}

void tlb_flush_page(vaddr_t va)
{
	tlb_flush_page_local(va);
}

void tlb_flush_all(void)
{
	arch_tlb_flush_all_local();
	this_cpu(tlb_counts).full++;
}

void tlb_flush_range(vaddr_t start, vaddr_t end)
{
	if (start >= end)
		return;
	if (end - start > TLB_FLUSH_CEILING * PAGE_SIZE) {
		tlb_flush_all();
		return;
	}
	for (vaddr_t va = start; va < end; va += PAGE_SIZE)
		arch_tlb_flush_page_local(va);
	this_cpu(tlb_counts).range++;
}

void tlb_stats(unsigned cpu, struct tlb_stats *out)
{
	*out = per_cpu(tlb_counts, cpu);
}
