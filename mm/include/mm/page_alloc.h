#ifndef MM_PAGE_ALLOC_H
#define MM_PAGE_ALLOC_H

/*
 * The page allocator: per-CPU lists over one buddy system a zone, zones tried along the node's zonelist.
 * Follows Linux 6.1's mm/page_alloc.c, with the departures that the heads of buddy.c and page_alloc.c state.
 */

#include <kernel/percpu.h>
#include <mm/gfp.h>
#include <mm/page.h>

/*
 * Allocate 2^order contiguous pages, naturally aligned; alloc_pages: from the local node, alloc_pages_interleave: from the
 * next in turn, as _node with NUMA_INTERLEAVE: for what all nodes use alike. Where that one has nothing: from another.
 * Context: any. gfp without __GFP_DIRECT_RECLAIM never waits.   Locks: may take zone->lock.
 * Returns: first page with refcount 1, or NULL. An order above MAX_ORDER is NULL with one warning.
 */
struct page *alloc_pages(gfp_t gfp, unsigned order);
struct page *alloc_pages_node(int nid, gfp_t gfp, unsigned order);
struct page *alloc_pages_interleave(gfp_t gfp, unsigned order);
#define alloc_page(gfp) alloc_pages(gfp, 0)

/*
 * Give a block back. order must be the one that it was allocated with (or 0 for each page after split_page):
 * anything else, a second free, or a page inside a block is a BUG. Context: any.
 */
void __free_pages(struct page *page, unsigned order);
#define __free_page(page) __free_pages(page, 0)

/* The same by direct-map address; never HighMem. Returns 0 on failure. free_pages(0, n) is fine. */
unsigned long __get_free_pages(gfp_t gfp, unsigned order);
unsigned long get_zeroed_page(gfp_t gfp);
void free_pages(unsigned long addr, unsigned order);
#define free_page(addr) free_pages(addr, 0)

/* ceil(size / page) pages, the tail of the power of two given back. Freed with the same size. 4 MiB at most.
 */
void *alloc_pages_exact(size_t size, gfp_t gfp);
void free_pages_exact(void *p, size_t size);
/* nr_pages pages from one block, the rest given back: the block's pieces keep their own heads. Used by large
 * kmalloc. */
struct page *alloc_pages_trimmed(int nid, gfp_t gfp, unsigned long nr_pages);
void free_pages_trimmed(struct page *page, unsigned long nr_pages);

/* An allocated block of that order becomes 2^order single pages, each with refcount 1, freed one by one. */
void split_page(struct page *page, unsigned order);

/*
 * Up to nr single pages into array (all slots are written). Returns how many it got: fewer than nr is normal
 * under pressure, 0 only when not one page can be had.
 */
unsigned long alloc_pages_bulk(int nid, gfp_t gfp, unsigned long nr, struct page **array);
void free_pages_bulk(struct page **array, unsigned long nr);

/* Empty every CPU's lists into the buddy. Context: main loop. */
void drain_all_pages(void);

/* log2 of the pages that size bytes take; size != 0. */
static inline unsigned get_order(size_t size)
{
	return order_base_2((size + PAGE_SIZE - 1) >> PAGE_SHIFT);
}

/* Sums over all zones, unopened sections included; pages. */
unsigned long nr_free_pages(void);
unsigned long totalram_pages(void);
/* Change of a zone-independent counter that meminfo shows. Context: any. */
enum mm_counter {
	MM_SLAB_RECLAIMABLE,
	MM_SLAB_UNRECLAIMABLE,
	MM_PAGETABLE,
	MM_VMALLOC,
	MM_KERNEL_STACK,
	NR_MM_COUNTERS
};
DECLARE_PER_CPU(long, mm_counters[NR_MM_COUNTERS]);
static inline void mm_counter_add(enum mm_counter c, long pages)
{
	this_cpu_add(mm_counters[c], pages);
}
unsigned long mm_counter_read(enum mm_counter c);

/*
 * Something that can give memory back when the page allocator runs dry. Called from direct reclaim and from
 * the main loop, in the order vmalloc purge, pcp drain, slab reap, shrinkers. Returns pages that went back to
 * the buddy. Must not allocate and only try-locks.
 */
struct shrinker {
	const char *name;
	unsigned long (*count)(void);		 /* objects that could go */
	unsigned long (*scan)(unsigned long nr); /* frees up to nr objects; returns pages given back */
	struct list_head link;
};
void register_shrinker(struct shrinker *s);
void unregister_shrinker(struct shrinker *s);

/* page_poison=, init_on_alloc=, init_on_free=, page_owner= (read-mostly; set while the command line is
 * parsed). */
extern bool opt_page_poison, opt_init_on_alloc, opt_init_on_free, opt_page_owner;
enum { PAGE_POISON = 0xaa };

/* Owner of an allocated block's first page when page_owner=on: caller address and gfp, else 0. */
unsigned long page_owner_caller(const struct page *head);
void page_set_owner(struct page *head, unsigned long caller, gfp_t gfp);

/* The attribute of fault injection that fails allocations of pages (<kernel/fault.h>). */
extern struct fault_attr fail_page_alloc;

#endif
