#ifndef MM_STAT_H
#define MM_STAT_H

/*
 * Snapshots of the page layers, for the shell and for tests. Each is taken under the lock that protects
 * the data and printed without it. The memory of an unopened section counts as the blocks that opening
 * will list. Context: main loop.
 */

#include <arch/pt.h>
#include <mm/page.h>

/* In pages, unless the name has another unit. */
struct mem_stat {
	unsigned long total, free, available;
	unsigned long slab_reclaimable, slab_unreclaimable;
	unsigned long page_tables, percpu;
	unsigned long kernel_stack_bytes;
	unsigned long vmalloc_total_bytes, vmalloc_used;
	unsigned long direct_map[ARCH_PT_MAX_LEVELS]; /* by level of their leaves */
};
/* Fills *m with sums of the whole system. */
void mem_stat(struct mem_stat *m);

struct zone_stat {
	int nid;
	enum zone_type type;
	const char *name;
	pfn_t start_pfn;
	unsigned long spanned, present, managed, free;
	unsigned long boost, min, low, high; /* min, low and high include the boost */
	unsigned long protection[NR_ZONES];
	unsigned long blocks[NR_ORDERS]; /* free blocks of all types */
};
/*
 * Fills *z for zone number n: n / NR_ZONES is the node, n % NR_ZONES the zone type. A zone without
 * memory has present 0. Returns false if there is no such node.
 */
bool zone_stat(unsigned n, struct zone_stat *z);

struct pcp_stat {
	unsigned long count, high, batch; /* pages */
};
/* Fills *p with the page lists of one CPU for the zone. */
void pcp_stat(const struct zone_stat *z, unsigned cpu, struct pcp_stat *p);

struct type_stat {
	unsigned long free[NR_MIGRATETYPES][NR_ORDERS]; /* blocks */
	unsigned cut[NR_MIGRATETYPES]; /* bit n: the list of order n is longer than was counted */
	unsigned long pageblocks[NR_MIGRATETYPES];
};
/* Fills *t with the zone's blocks and pageblocks by migratetype. */
void type_stat(const struct zone_stat *z, struct type_stat *t);
/* Returns the name in /proc/pagetypeinfo, such as "Movable". */
const char *migratetype_name(enum migratetype type);

enum { FRAME_MAX_FLAGS = 16 };
struct frame_stat {
	pfn_t pfn;
	int nid;	  /* NUMA_NO_NODE if the frame is no RAM */
	const char *zone; /* NULL if the frame is no RAM */
	const char *flag[FRAME_MAX_FLAGS];
	unsigned nr_flags;
	/*
	 * The frame is in a block of the page allocator: head, order and refcount are those of the
	 * block.
	 */
	bool in_block;
	unsigned refcount, order;
	pfn_t head;
	bool free;
	int cpu; /* CPU whose list holds the block, -1 if none */
	enum migratetype type;
	/* The user, and the allocating caller with page_owner=on; empty if unknown. */
	char owner[96];
};
/* Fills *f for any frame number: opened, unopened, reserved, or no RAM. */
void frame_stat(pfn_t pfn, struct frame_stat *f);

#endif
