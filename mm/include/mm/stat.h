#ifndef MM_STAT_H
#define MM_STAT_H

/*
 * What the page layers look like, for the shell and for tests: snapshots, each taken under the lock that protects it,
 * to be printed without one. A section that is not opened yet counts as exactly the blocks that opening would list.
 * Context: main loop.
 */

#include <arch/pt.h>
#include <mm/page.h>

/* Pages, unless the name says otherwise. */
struct mem_stat {
	unsigned long total, free, available;
	unsigned long slab_reclaimable, slab_unreclaimable;
	unsigned long page_tables, percpu;
	unsigned long kernel_stack_bytes;
	unsigned long vmalloc_total_bytes, vmalloc_used;
	unsigned long direct_map[ARCH_PT_MAX_LEVELS]; /* by level of the leaves */
};
void mem_stat(struct mem_stat *m);

struct zone_stat {
	int nid;
	enum zone_type type;
	const char *name;
	pfn_t start_pfn;
	unsigned long spanned, present, managed, free;
	unsigned long boost, min, low, high; /* the marks include the boost */
	unsigned long protection[NR_ZONES];
	unsigned long blocks[NR_ORDERS]; /* free ones, of all types */
};
/* Zone n, counted over all nodes and zone kinds whether they have memory or not; false: there is none. */
bool zone_stat(unsigned n, struct zone_stat *z);

struct pcp_stat {
	unsigned long count, high, batch; /* pages */
};
void pcp_stat(const struct zone_stat *z, unsigned cpu, struct pcp_stat *p);

struct type_stat {
	unsigned long free[NR_MIGRATETYPES][NR_ORDERS]; /* blocks */
	unsigned cut[NR_MIGRATETYPES]; /* bit n: there are more blocks of order n than were counted */
	unsigned long pageblocks[NR_MIGRATETYPES];
};
void type_stat(const struct zone_stat *z, struct type_stat *t);
const char *migratetype_name(enum migratetype type);

enum { FRAME_MAX_FLAGS = 16 };
struct frame_stat {
	pfn_t pfn;
	int nid;	  /* NUMA_NO_NODE: no RAM */
	const char *zone; /* NULL: no RAM */
	const char *flag[FRAME_MAX_FLAGS];
	unsigned nr_flags;
	bool in_block; /* the page allocator's: head, order and refcount are its block's */
	unsigned refcount, order;
	pfn_t head;
	bool free;
	int cpu; /* the CPU whose list holds the block; -1: no list does */
	enum migratetype type;
	char owner[96]; /* who has it, and who allocated it if page_owner=on; empty: nobody knows */
};
/* Any frame number: opened, not yet opened, reserved, or no RAM at all. */
void frame_stat(pfn_t pfn, struct frame_stat *f);

#endif
