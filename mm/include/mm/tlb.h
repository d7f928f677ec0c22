#ifndef MM_TLB_H
#define MM_TLB_H

/*
 * TLB flushes for kernel addresses on every CPU that may hold the translation. The order of leaving is: entry
 * cleared, TLBs flushed everywhere, frame freed, address reused; this layer owns that rule. When a flush returns, no
 * CPU uses an old translation of the range. Context of all that do not say otherwise: interrupts on, so no lock of rank
 * >= LOCK_CACHE_NODE held (they may wait for other CPUs).
 */

#include <arch/tlb.h>
#include <mm/types.h>

/* Pages, and ranges of a batch: above either, one full flush. */
enum { TLB_FLUSH_CEILING = ARCH_TLB_FLUSH_CEILING, TLB_BATCH_RANGES = 33 };

void tlb_flush_page(vaddr_t va);
void tlb_flush_range(vaddr_t start, vaddr_t end);
void tlb_flush_all(void);
/* This CPU only: for per-CPU mappings. Context: any. */
void tlb_flush_page_local(vaddr_t va);
/* Ranges that one shootdown flushes, in any order. */
struct tlb_batch {
	unsigned nr, pages; /* pages above the ceiling: everything is flushed */
	/*
	 * More than leaves has changed: page tables will be freed (an address below each is in the batch), or leaves of another
	 * size come next, which no TLB may hold side by side. Then what walkers keep of tables is dropped as well, and
	 * sleeping CPUs are asked, too: they use no translation, but walk ahead.
	 */
	bool tables;
	struct tlb_range {
		vaddr_t start, end;
	} range[TLB_BATCH_RANGES];
};
static inline void tlb_batch_init(struct tlb_batch *b)
{
	b->nr = b->pages = 0; /* not the ranges: they are many bytes */
	b->tables = false;
}
/* Everything will be flushed: more need not be added. */
static inline bool tlb_batch_full(const struct tlb_batch *b)
{
	return b->pages > TLB_FLUSH_CEILING;
}
/* Whole pages. Context: any. */
void tlb_batch_add(struct tlb_batch *b, vaddr_t start, vaddr_t end);
void tlb_batch_add_all(struct tlb_batch *b);
/* Empties the batch. An empty one costs nothing. */
void tlb_batch_flush(struct tlb_batch *b);

/*
 * From enter to exit this CPU touches no address whose translation can change, so nobody asks it to flush; exit makes up
 * for what was not asked. Context: interrupts off.
 */
void tlb_lazy_enter(void);
void tlb_lazy_exit(void);

struct tlb_stats {
	u64 page, range, full;	/* that this CPU began; full also those that it made up for after a sleep */
	u64 ipi_sent, deferred; /* other CPUs that it asked, and that it did not have to ask */
	u64 ipi_received;
};
void tlb_stats(unsigned cpu, struct tlb_stats *out);

#endif
