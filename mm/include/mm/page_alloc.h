#ifndef MM_PAGE_ALLOC_H
#define MM_PAGE_ALLOC_H

/*
 * The page allocator: per-CPU lists in front of one buddy system for each zone, zones tried in the
 * order of the node's zonelist. Follows Linux 6.1's mm/page_alloc.c; the heads of buddy.c and
 * page_alloc.c state the differences.
 */

#include <kernel/percpu.h>
#include <mm/gfp.h>
#include <mm/page.h>

/*
 * Allocate 2^order contiguous pages, naturally aligned, and return the first one with refcount 1. If
 * the chosen node has no memory left, pages of another node are used, unless gfp has __GFP_THISNODE.
 *
 *  alloc_pages              from the local node
 *  alloc_pages_node         from node nid; NUMA_NO_NODE means the local node, NUMA_INTERLEAVE the next one in turn
 *  alloc_pages_interleave   from the next node in turn: for tables that all nodes use alike
 *
 * Return NULL if no memory is left; also, with one warning, if order is above MAX_ORDER. Context: any.
 * A request without __GFP_DIRECT_RECLAIM never waits. Locks: may take zone->lock.
 */
struct page *alloc_pages(gfp_t gfp, unsigned order);
struct page *alloc_pages_node(int nid, gfp_t gfp, unsigned order);
struct page *alloc_pages_interleave(gfp_t gfp, unsigned order);
#define alloc_page(gfp) alloc_pages(gfp, 0)

/*
 * Drops a reference; the last one frees the block. order is the order of its allocation, or 0 for each
 * page after split_page(). A wrong order, a second free, or a page inside a block is a BUG. Context:
 * any.
 */
void __free_pages(struct page *page, unsigned order);
#define __free_page(page) __free_pages(page, 0)

/*
 * The same by direct-map address; never HighMem. __get_free_pages() and get_zeroed_page() return 0 on
 * failure; free_pages(0, order) does nothing.
 */
unsigned long __get_free_pages(gfp_t gfp, unsigned order);
unsigned long get_zeroed_page(gfp_t gfp);
void free_pages(unsigned long addr, unsigned order);
#define free_page(addr) free_pages(addr, 0)

/*
 * Allocates ceil(size / PAGE_SIZE) contiguous pages; the rest of the power of two is freed. size is at
 * most PAGE_SIZE << MAX_ORDER. Returns NULL on failure or if size is 0.
 */
void *alloc_pages_exact(size_t size, gfp_t gfp);
/* Frees the pages of alloc_pages_exact(size). */
void free_pages_exact(void *p, size_t size);
/*
 * Allocates nr_pages contiguous pages from one block and frees the rest of it. The run consists of
 * blocks from large to small, one for each set bit of nr_pages. NULL on failure. Freed by
 * free_pages_trimmed() with the same nr_pages. Used by large kmalloc.
 */
struct page *alloc_pages_trimmed(int nid, gfp_t gfp, unsigned long nr_pages);
void free_pages_trimmed(struct page *page, unsigned long nr_pages);

/*
 * Splits an allocated block into 2^order single pages with refcount 1 each; they are freed one by one.
 */
void split_page(struct page *page, unsigned order);

/*
 * Allocates up to nr single pages into array. Returns their number, fewer than nr if memory is short.
 * nid as for alloc_pages_node(). Context: any.
 */
unsigned long alloc_pages_bulk(int nid, gfp_t gfp, unsigned long nr, struct page **array);
/* Drops a reference of each of nr single pages. */
void free_pages_bulk(struct page **array, unsigned long nr);

/* Empties the page lists of all CPUs into the buddy. Waits for other CPUs. Context: main loop. */
void drain_all_pages(void);

/* Returns the smallest order whose block holds size bytes; size != 0. */
static inline unsigned get_order(size_t size)
{
	return order_base_2((size + PAGE_SIZE - 1) >> PAGE_SHIFT);
}

/* Sums over all zones, in pages; unopened sections count as free. */
unsigned long nr_free_pages(void);
unsigned long totalram_pages(void);
/*
 * Counters of meminfo, in pages. mm_counter_add() changes this CPU's part; mm_counter_read() sums all
 * CPUs. Context: any.
 */
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
/* Returns the sum of all CPUs' parts. */
unsigned long mm_counter_read(enum mm_counter c);

/*
 * A cache that can free memory when the page allocator runs short. Reclaim calls the registered
 * shrinkers (reclaim.c): vmalloc's for its lazy areas, the slab allocator's, then all others. The
 * functions must not allocate. They run in the main loop with no lock held and interrupts on, so they
 * may take locks of their layer and call other CPUs.
 */
enum shrinker_rank { SHRINKER_REST, SHRINKER_SLABS, SHRINKER_LAZY_AREAS };
struct shrinker {
	enum shrinker_rank rank;
	const char *name;
	/* Objects that could be freed; 0: scan is not called. NULL: unknown before a scan, so scan is always called. */
	unsigned long (*count)(void);
	unsigned long (*scan)(unsigned long nr); /* nr is a hint; returns pages freed */
	struct list_head link;
};
/*
 * Adds a shrinker to the list, or removes it. Shrinkers of a higher rank run first; of one rank, in the order of
 * registration. Context: main loop or boot.
 */
void register_shrinker(struct shrinker *s);
void unregister_shrinker(struct shrinker *s);

/*
 * page_poison=, init_on_alloc=, init_on_free= and page_owner=; set while the command line is parsed,
 * read-only afterwards.
 */
extern bool opt_page_poison, opt_init_on_alloc, opt_init_on_free, opt_page_owner;
enum { PAGE_POISON = 0xaa };

/*
 * Returns the address of the block's allocating caller with page_owner=on, else 0. page_set_owner()
 * stores it with gfp.
 */
unsigned long page_owner_caller(const struct page *head);
void page_set_owner(struct page *head, unsigned long caller, gfp_t gfp);

/* The attribute of fault injection that fails allocations of pages (<kernel/fault.h>). */
extern struct fault_attr fail_page_alloc;

#endif
