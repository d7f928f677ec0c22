#ifndef MM_TLB_H
#define MM_TLB_H

/*
 * TLB flushes for kernel addresses on every CPU that may hold the translation. Memory is unmapped in
 * the order: entry cleared, TLBs flushed everywhere, frame freed, address reused. When a flush returns,
 * no CPU uses an old translation of the range. Ranges are whole pages.
 *
 * Context, unless stated otherwise: interrupts on, so no lock of rank >= LOCK_CACHE_NODE held. The
 * functions may wait for other CPUs.
 */

#include <arch/tlb.h>
#include <mm/types.h>

/* Pages, and ranges of a batch. Above either, the batch becomes one full flush. */
enum { TLB_FLUSH_CEILING = ARCH_TLB_FLUSH_CEILING, TLB_BATCH_RANGES = 33 };

/* Flush a page, [start, end), or everything on all CPUs. */
void tlb_flush_page(vaddr_t va);
void tlb_flush_range(vaddr_t start, vaddr_t end);
void tlb_flush_all(void);
/* Flushes a page on this CPU only, for per-CPU mappings. Context: any. */
void tlb_flush_page_local(vaddr_t va);
/* Ranges that one shootdown flushes, in any order. */
struct tlb_batch {
	/* If pages exceed the ceiling, everything is flushed. */
	unsigned nr, pages;
	/*
	 * Set if more than leaves changed: page tables will be freed (the batch has an address below
	 * each), or leaves of another size follow, and no TLB may hold leaves of two sizes for one
	 * address. Then cached tables are flushed as well. Sleeping CPUs are called, too: they use no
	 * translation, but may walk tables speculatively.
	 */
	bool tables;
	struct tlb_range {
		vaddr_t start, end;
	} range[TLB_BATCH_RANGES];
};
static inline void tlb_batch_init(struct tlb_batch *b)
{
	/* The ranges are not cleared: they are many bytes, and nr bounds them. */
	b->nr = b->pages = 0;
	b->tables = false;
}
/* Returns whether everything will be flushed, so no further range is needed. */
static inline bool tlb_batch_full(const struct tlb_batch *b)
{
	return b->pages > TLB_FLUSH_CEILING;
}
/* Adds [start, end), or everything, to the batch. Context: any. */
void tlb_batch_add(struct tlb_batch *b, vaddr_t start, vaddr_t end);
void tlb_batch_add_all(struct tlb_batch *b);
/* Flushes the batch on all CPUs with one call and empties it. An empty batch does nothing. */
void tlb_batch_flush(struct tlb_batch *b);

/*
 * Between enter and exit this CPU uses no translation that can change, so shootdowns mark it instead of
 * calling it. tlb_lazy_exit() flushes everything if it was marked. Context: interrupts off.
 */
void tlb_lazy_enter(void);
void tlb_lazy_exit(void);

struct tlb_stats {
	/* Flushes that this CPU began, by kind. full also counts those at the end of a sleep. */
	u64 page, range, full;
	/* Other CPUs that got a call, and sleeping CPUs that were marked instead. */
	u64 ipi_sent, deferred;
	/* Calls of other CPUs that this CPU served. */
	u64 ipi_received;
};
/* Copies the counters of the CPU. They may change meanwhile. */
void tlb_stats(unsigned cpu, struct tlb_stats *out);

#endif
