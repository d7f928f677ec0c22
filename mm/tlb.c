/*
 * tlb.c - flushes of kernel translations on every CPU that may hold them.
 *
 * Idea.       A CPU may use a translation long after its entry has changed. So whoever takes a mapping away
 *             obeys one order - entry cleared, TLBs flushed everywhere, frame freed, address reused - and the
 *             middle step is here. Few pages are flushed one by one; above TLB_FLUSH_CEILING dropping
 *             everything is cheaper than as many single flushes and the misses that follow.
 *             Other CPUs are asked to flush by a call, and the caller waits until they have.
 * Layout.     per-CPU: struct tlb_stats, counted by the CPU that flushes its own TLB
 * Invariants. T1  when a call returns, no CPU uses a translation of the range that was stale when it was made
 * Locking.    None of its own: smp_call() lets one shootdown run at a time. Counters are plain: only their owner
 *             writes, from interrupts as well, with interrupts off.
 * Failure.    A flush cannot fail.
 * Next:       vmap.c, which puts flushes off and does many at once.
 */
#include <mm/tlb.h>

#include <arch/cpu.h>
#include <arch/irq.h>
#include <arch/layout.h>
#include <arch/tlb.h>
#include <kernel/percpu.h>
#include <kernel/smp.h>

static DEFINE_PER_CPU(struct tlb_stats, tlb_counts);

struct flush {
	vaddr_t start, end;
	unsigned from; /* the CPU that asks */
};

static void flush_pages(void *ctx)
{
	const struct flush *f = ctx;

	for (vaddr_t va = f->start; va < f->end; va += PAGE_SIZE)
		arch_tlb_flush_page_local(va);
	this_cpu(tlb_counts).ipi_received += f->from != arch_cpu_id();
}

static void flush_all(void *ctx)
{
	const struct flush *f = ctx;

	arch_tlb_flush_all_local();
	this_cpu(tlb_counts).ipi_received += f->from != arch_cpu_id();
}

static void everywhere(void (*fn)(void *ctx), vaddr_t start, vaddr_t end)
{
	struct flush f = {start, end, arch_cpu_id()};
	unsigned asked = smp_call_all(fn, &f);
	unsigned long flags = arch_irq_save();

	this_cpu(tlb_counts).ipi_sent += asked;
	arch_irq_restore(flags);
}

void tlb_flush_page_local(vaddr_t va)
{
	arch_tlb_flush_page_local(va);
	this_cpu(tlb_counts).page++;
}

void tlb_flush_page(vaddr_t va)
{
	everywhere(flush_pages, va, va + PAGE_SIZE);
	this_cpu(tlb_counts).page++;
}

void tlb_flush_all(void)
{
	everywhere(flush_all, 0, 0);
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
	everywhere(flush_pages, start, end);
	this_cpu(tlb_counts).range++;
}

void tlb_stats(unsigned cpu, struct tlb_stats *out)
{
	*out = per_cpu(tlb_counts, cpu);
}
