#ifndef MM_INTERNAL_H
#define MM_INTERNAL_H

/* Shared by the files of mm/ and the tests that mirror them: the inside of zones, sections and per-CPU page
 * lists. */

#include <arch/san.h>
#include <kernel/fault.h>
#include <kernel/printk.h>
#include <kernel/spinlock.h>
#include <mm/memblock.h>
#include <mm/numa.h>
#include <mm/page_alloc.h>

/* ---- a CPU's window of addresses ---- */

/* At its end are the slots of kmap.c; percpu.c has what lies below. */
enum { KMAP_SLOTS = 16 };
#define PERCPU_SIZE (PERCPU_STRIDE - KMAP_SLOTS * PAGE_SIZE)

/* ---- zones ---- */

struct free_area {
	struct list_head list[NR_MIGRATETYPES];
	unsigned long nr_free; /* blocks on all the lists */
};

enum watermark { WMARK_MIN, WMARK_LOW, WMARK_HIGH, NR_WMARKS };

struct pcp;

struct zone {
	/*
	 * ---- zone->lock ----
	 * Placement, watermarks and the main loop look at the counts without it: what they decide may be a little wrong,
	 * and the locked part that follows finds out.
	 */
	struct spinlock lock;
	unsigned long free_pages;	/* on the lists (isolated blocks excluded) and unopened */
	unsigned long listed_pages;	/* on the lists, isolated ones included */
	unsigned long isolated_pages;	/* on the MT_ISOLATE lists */
	unsigned long highatomic_pages; /* in pageblocks of type MT_HIGHATOMIC */
	unsigned nr_isolated_blocks;	/* pageblocks of type MT_ISOLATE */
	unsigned long boost;		/* added to every watermark, in pages */
	struct free_area free_area[NR_ORDERS];
	unsigned long unopened[NR_ORDERS]; /* blocks that opening the remaining sections will list */
	unsigned long open_cursor;	   /* no unopened section of this zone lies below it */

	/* ---- fixed after zone_init(), but for the watermarks ---- */
	unsigned id; /* node * 8 + type: page_zone_id() */
	int nid;
	enum zone_type type;
	const char *name;
	pfn_t start_pfn, end_pfn; /* end - start = spanned */
	unsigned long present, managed;
	unsigned long wmark[NR_WMARKS];
	unsigned long lowmem_reserve[NR_ZONES];
	bool in_use;	      /* somebody allocates here: keep sections open in advance */
	unsigned batch, high; /* of each CPU's lists, pages */
	bool wake;	      /* below low: the main loop should reclaim */
};

/* Indexed by zone id; absent zones have present == 0. */
extern struct zone *zone_table;
extern const char *const zone_names[NR_ZONES];
extern unsigned nr_zone_ids; /* nr_nodes * 8 */

static inline struct zone *zone_by_id(unsigned id)
{
	return &zone_table[id];
}

static inline struct zone *page_zone(const struct page *head)
{
	return zone_by_id(page_zone_id(head));
}

static inline struct zone *node_zone(int nid, enum zone_type type)
{
	return zone_by_id((unsigned)nid << ZONES_PER_NODE_SHIFT | type);
}

/* In ascending order of node, then zone. */
#define for_each_zone(z) for (z = zone_table; z < zone_table + nr_zone_ids; z++)
#define for_each_populated_zone(z) \
	for_each_zone (z)          \
		if (z->present)

/* Limits of the zones, from the machine's, the direct map's end and movablecore=; page_init() asks for the borders. */
void zone_limits_init(const struct boot_info *bi);
/* First frame that a zone of that kind can have on the node, 0 if it has no border of its own. */
pfn_t zone_border(int nid, enum zone_type type);
/* Spans, counts, zonelists, watermarks: memblock hands over, the buddy owns every free page from here on. */
void zone_init(void);
/* Watermarks and lowmem reserves from the managed pages of a table of zones, 8 a node (Linux mm/page_alloc.c). */
void zone_compute_watermarks(struct zone *table, unsigned nr);
/* batch and high of each of so many CPUs' lists, from managed and the low mark (zone_batchsize, zone_highsize). */
void zone_compute_pcp(struct zone *zone, unsigned cpus);
unsigned long zone_min_free_kbytes(unsigned long lowmem_kb);
/* The zone that pfn lies in by the limits, or NULL. */
struct zone *zone_of_pfn(pfn_t pfn);
/* Whether all the memory of [start, end) is the zone's. */
bool zone_has_all(const struct zone *zone, pfn_t start, pfn_t end);
const char *zone_check(void);

/* ---- sections of the page array (page.c) ---- */

/* A section that is not one piece of free RAM in one zone: what its part of the page array looks like. */
struct section_info {
	unsigned long nr;
	pfn_t lo, hi;  /* frames that have a struct page; whole order-10 blocks */
	paddr_t array; /* their array; aligned to its size if large; 0: in pieces, mapped at boot */
	paddr_t ext;   /* page_owner's array, 0 without */
	int nid;       /* a node that has memory in it */
	bool one_node; /* the only one */
	bool large;    /* mapped by one large leaf */
	bool placed;   /* the array's memory is set aside */
};

void page_init(const struct boot_info *bi);
/*
 * Opens one unopened section of the zone: maps and clears its page array and lists its free blocks.
 * Context: any, no zone->lock held. Cannot fail; false: none is left.
 */
bool section_open_for(struct zone *zone);
/*
 * How many sections were ever opened; and: waits until nobody is opening one, then says whether more have been opened
 * than that. Who found the lists empty before looks again. Interrupts do not wait: they may have hit the opener.
 */
unsigned sections_opened(void);
bool section_wait(unsigned opened);
/* Between the two calls section_wait() waits on other CPUs. The first one comes before the claim of a section. */
void section_opening_begin(void);
void section_opening_end(bool opened);
/* Opens the section of pfn if it has memory. For tests and the shell. */
bool section_open_pfn(pfn_t pfn);
bool section_is_open(unsigned long nr);
/* The first section from nr on that is opened, or `end`. */
unsigned long section_next_open(unsigned long nr, unsigned long end);
/* Whether nothing of the section is reserved, so that its own first frames hold its page array. */
bool section_is_whole(unsigned long nr);
/* The frame holds part of its own section's page array, which boot has not taken from memblock. */
bool section_meta_page(pfn_t pfn);
/* The block's memory may be used, must not be touched (arch/san.h). HighMem has no address to mark. */
static __always_inline void page_mark_live(const struct page *page, unsigned order)
{
	if (page_address(page))
		san_alloc(page_address(page), PAGE_SIZE << order);
}
static __always_inline void page_mark_free(const struct page *page, unsigned order)
{
	if (page_address(page))
		san_free(page_address(page), PAGE_SIZE << order);
}
unsigned long section_count(void);
/* Cuts [pfn, end) into the largest naturally aligned blocks, ascending. */
void page_for_each_block(pfn_t pfn, pfn_t end, void (*fn)(pfn_t pfn, unsigned order, void *ctx), void *ctx);
/*
 * Calls fn for each block that the free memory of [start, end) makes inside the zone, largest aligned blocks
 * first come first served, as memblock's hand-over does. Used by opening and by the counts of what is
 * unopened.
 */
void section_for_each_block(unsigned long nr, const struct zone *zone,
			    void (*fn)(pfn_t pfn, unsigned order, void *ctx), void *ctx);
/* Whether the leaf at va belongs to the page array: an opened section's, or one of those that boot mapped. */
bool section_array_owns(vaddr_t va, paddr_t pa, size_t size);
/* Bytes of the page array that are to be mapped. */
size_t section_array_bytes(void);
/* Adds to zone->managed, present, unopened[] what its sections hold. */
void section_account(struct zone *zone);

static inline struct page *pageblock_page(const struct page *page)
{
	return (struct page *)((unsigned long)page & ~(PAGEBLOCK_PAGES * sizeof(struct page) - 1));
}

/* Side record of a frame when page_owner=on. */
struct page_ext {
	unsigned long alloc_caller, free_caller;
	u32 gfp;
	u32 order;
};
struct page_ext *page_ext(const struct page *page); /* NULL: off, or the frame has none */

/* ---- buddy.c: one zone, zone->lock held ---- */

/* What every free head in the zone carries besides state, order and type. */
static inline unsigned long zone_page_flags(const struct zone *zone)
{
	return (unsigned long)zone->id << PG_ZONE_SHIFT;
}

void buddy_zone_init(struct zone *zone);
/* Give a block back: merges as far as it goes. type: the pageblock's. The page's state must not be BUDDY. */
void buddy_free(struct zone *zone, struct page *page, unsigned order, enum migratetype type, bool to_tail);
/*
 * Gives nr blocks of one order back, each with its own pageblock's type. Neighbours in pages[] that are buddies are
 * merged before they touch a list: runs of ascending or descending frames cost a few instructions a page.
 * A block that has another state or order is a BUG.
 */
void buddy_free_many(struct zone *zone, struct page **pages, unsigned nr, unsigned order,
		     enum page_state state);
/* What a request may do beyond the lists of its own type. */
enum {
	BUDDY_NOFRAGMENT = 1, /* steal whole pageblocks only */
	BUDDY_HIGHATOMIC = 2, /* may use the reserve of high-order atomic requests */
	BUDDY_OOM = 4,	      /* ... as the last resort */
};
/* A block with state ALLOCATED, refcount 0, or NULL. Steals from other types; never opens sections. */
struct page *buddy_alloc(struct zone *zone, unsigned order, enum migratetype type, unsigned flags);
/*
 * Up to nr blocks of one order, ascending where the lists allow, cut from the smallest that there are. They have the
 * given state, refcount 0. Returns how many: no more than come out of BUDDY_MANY_CUTS blocks, which bounds the time.
 */
enum { BUDDY_MANY_CUTS = 12 };
unsigned buddy_alloc_many(struct zone *zone, unsigned order, enum migratetype type, unsigned nr,
			  struct page **out, unsigned flags, enum page_state state);
/*
 * nr pages in a row from the lists of the type, NULL if those have no block that large. What the block has too much
 * goes back; the pieces have heads of their own, as of free_pages_trimmed(), and no reference yet.
 */
struct page *buddy_alloc_run(struct zone *zone, unsigned long nr, enum migratetype type);
/* Pageblock types. */
static inline enum migratetype pageblock_type(const struct page *page)
{
	return (enum migratetype)pageblock_page(page)->block_type;
}
void pageblock_set_type(struct zone *zone, struct page *page, enum migratetype type);
/* Moves the pageblock's free blocks to the list of type; returns pages moved. */
unsigned long buddy_move_block(struct zone *zone, struct page *page, enum migratetype type);
bool buddy_reserve_highatomic(struct zone *zone, struct page *page);
bool buddy_unreserve_highatomic(struct zone *zone, enum migratetype to, bool last_too);
/* 0, or -EBUSY: isolated already, or not free and not movable. */
int buddy_isolate(struct zone *zone, struct page *page);
void buddy_unisolate(struct zone *zone, struct page *page, enum migratetype type);
/* What a boost of the zone's marks grows to. */
unsigned long buddy_boost_most(const struct zone *zone);
const char *buddy_check_zone(struct zone *zone);
/* Calls fn for each block on the zone's lists, as far as the lists are sound. */
void buddy_for_each_listed(const struct zone *zone, frame_fn fn, void *ctx);

/* ---- pcp.c ---- */

enum {
	PCP_MAX_ORDER = 3,
	PCP_ORDERS = PCP_MAX_ORDER + 1,
	PCP_REFILL_MAX =
		31, /* pages that one refill or flush moves at most: bounds the latency of one call */
	PCP_HIGH_MAX = 1024, /* pages; capacity of the stacks */
};

/* One CPU's lists of one zone. */
struct pcp {
	u32 batch, high;      /* pages */
	u32 spare;	      /* pages of high not granted to any stack: high - sum(limit << order) */
	u32 owner;	      /* whose they are: for the check */
	u64 refills, flushes; /* batches moved: none where there are no lists */
	/* By pageblock type and order, as the two stand in page->flags. What has no list of its own leads to one that
	 * is always empty and full. */
	struct pcpu_stack *row[8][16];
};

/* The list that a block with these flags goes to. */
static inline struct pcpu_stack *pcp_row(struct pcp *pcp, unsigned long flags)
{
	static_assert(PG_TYPE_SHIFT == PG_ORDER_SHIFT + 4, "order and type are one index");
	return (&pcp->row[0][0])[flags >> PG_ORDER_SHIFT & 127];
}

/* The list that a request with these placement bits starts at: local node, preferred zone. */
DECLARE_PER_CPU(struct pcpu_stack *, pcp_alloc_stack[GFP_PLACE_MASK + 1][PCP_ORDERS]);
/* The zone that those lists belong to; NULL: none on this node, or no lists. */
DECLARE_PER_CPU(struct zone *, pcp_alloc_zone[GFP_PLACE_MASK + 1]);
/* The lists of each zone id on this CPU. */
DECLARE_PER_CPU(struct pcp *, pcp_zone[MAX_NODES << ZONES_PER_NODE_SHIFT]);

extern struct pcpu_stack pcp_nostack; /* avail = limit = 0 */

/* Empty lists for every zone and CPU: pages pass straight through. */
void pcp_early_init(void);
/* The real lists. They stay off when page debugging is on. */
void pcp_init(void);
/* Every CPU's lists go off while fail_page_alloc is armed, else on. Context: main loop. */
void pcp_update_bypass(void);
/*
 * One block, of state PCP, for a request that found its list empty; refills the list on the way.
 * IRQs off. flags as buddy_alloc. NULL: the zone's lists have nothing.
 */
struct page *pcp_refill(struct zone *zone, unsigned order, enum migratetype type, unsigned flags);
/* A block whose list is full. IRQs off. page has state PCP and refcount 0. */
void pcp_free_slow(struct zone *zone, struct page *page, unsigned order);
/* This CPU's lists of the zone (NULL: all zones) into the buddy. Returns pages moved. Any IRQ state. */
unsigned long pcp_drain_local(struct zone *zone);
unsigned long pcp_count(const struct zone *zone, unsigned cpu); /* pages */
/* The CPU whose list holds the block, -1 if none does. Context: main loop; stops the other CPUs for the search. */
int pcp_holder(const struct zone *zone, const struct page *head);
const char *pcp_check(void);
/* Calls fn for each block on the CPUs' lists of the zone, as far as they are sound. */
void pcp_for_each_listed(const struct zone *zone, frame_fn fn, void *ctx);

/* ---- page_alloc.c ---- */

enum alloc_flags {
	ALLOC_WMARK_MASK = 3, /* enum watermark */
	ALLOC_NO_WATERMARKS = 4,
	ALLOC_OOM = 8,
	ALLOC_NON_BLOCK = 0x10,
	ALLOC_MIN_RESERVE = 0x20,
	ALLOC_NOFRAGMENT = 0x100,
	ALLOC_HIGHATOMIC = 0x200,
	ALLOC_KSWAPD = 0x800,
};
extern u64 failure_report_due_ns; /* no failed request is reported before; a test sets it to 0 */
extern u64
	nofail_wait_ns; /* how long a request that must not fail waits for other CPUs; a test shortens it */
/* The check of Linux's __zone_watermark_ok; free is zone->free_pages or a what-if. */
bool zone_watermark_ok(const struct zone *zone, unsigned order, unsigned long mark, enum zone_type highest,
		       unsigned alloc_flags, unsigned long free);
/*
 * ALLOC_NOFRAGMENT for a request that starts in zone Normal of a node with memory in DMA32, else 0: such a request takes
 * pages of DMA32 before it mixes migratetypes in a pageblock of Normal (Linux's alloc_flags_nofragment()).
 */
unsigned alloc_flags_nofragment(const struct zone *preferred);
/*
 * Turns reserved pageblocks of every zone into ordinary ones of type `to`: after progress of reclaim one a zone, of those
 * that are not its last, else all. Returns whether it found one. Context: any; takes each zone.lock.
 */
bool unreserve_highatomic_zones(enum migratetype to, bool progress);
/* By the four zone bits of gfp, three bits an entry (Linux GFP_ZONE_TABLE); 7: no valid combination. */
#define GFP_ZONE_ENTRY(bits, zone) ((u64)((zone) ^ 7) << (bits)*3)
#define GFP_ZONE_TABLE                                                                                      \
	(GFP_ZONE_ENTRY(0, ZONE_NORMAL) | GFP_ZONE_ENTRY(__GFP_DMA, ZONE_DMA) |                             \
	 GFP_ZONE_ENTRY(__GFP_DMA32, ZONE_DMA32) | GFP_ZONE_ENTRY(__GFP_HIGHMEM, ZONE_HIGHMEM) |            \
	 GFP_ZONE_ENTRY(__GFP_MOVABLE, ZONE_NORMAL) | GFP_ZONE_ENTRY(__GFP_MOVABLE | __GFP_DMA, ZONE_DMA) | \
	 GFP_ZONE_ENTRY(__GFP_MOVABLE | __GFP_DMA32, ZONE_DMA32) |                                          \
	 GFP_ZONE_ENTRY(__GFP_MOVABLE | __GFP_HIGHMEM, ZONE_MOVABLE))
static inline enum zone_type gfp_zone(gfp_t gfp)
{
	unsigned zone = (unsigned)(GFP_ZONE_TABLE >> (gfp & GFP_ZONEMASK) * 3 & 7) ^ 7;

	BUG_ON(zone == 7, "gfp 0x%x names more than one zone", gfp);
	return (enum zone_type)zone;
}
static inline enum migratetype gfp_migratetype(gfp_t gfp)
{
	return (enum migratetype)((gfp & (__GFP_MOVABLE | __GFP_RECLAIMABLE)) >> 3);
}
void page_alloc_init(void);
/* Pages that the buddy handed out and nobody gave back, per zone: managed - free - pcp - isolated. */
unsigned long zone_allocated_pages(const struct zone *zone);
/* True once alloc_pages() works. */
extern bool page_alloc_ready;

/* ---- page_debug.c ---- */

/* page_poison=, init_on_*= or page_owner= is on: per-CPU lists stay off, so that every block passes the hooks. */
extern bool page_debugging;
static inline bool page_debug_enabled(void)
{
	return page_debugging;
}
/* A block on its way out, refcount set: poison check, zeroing, owner, __GFP_COMP. Returns page. */
struct page *page_prepare_new(struct page *page, gfp_t gfp, unsigned order, unsigned long caller);
/* A block on its way in, not yet free. */
void page_prepare_free(struct page *page, unsigned order, unsigned long caller);
void page_clear_block(struct page *page, unsigned order);
/* page, a block of its own now, was part of from's: the same owner. */
void page_copy_owner(struct page *page, const struct page *from);

/* ---- reclaim.c ---- */

void reclaim_init(void);
DECLARE_PER_CPU(bool, reclaiming); /* this CPU is in the middle of it */
/* The caller may wait, holds no lock, and is not reclaiming already. */
bool reclaim_allowed(gfp_t gfp);
/* Asks every layer once. Returns whether more pages are free than before. */
bool reclaim_direct(void);
/* The zones of the list (NULL ends it) are short: the main loop shall reclaim. */
void reclaim_wake(struct zone *const *list);
/* What the main loop keeps on the lists of a zone in use, ahead of demand. */
#define OPEN_AHEAD_PAGES (MIB(32) >> PAGE_SHIFT)
/* Pages have left the zone's lists: the main loop shall open a section ahead, or work a boost off. Context: any. */
void reclaim_look(const struct zone *zone);
static inline void reclaim_after_take(const struct zone *zone)
{
	if (unlikely(READ_ONCE(zone->wake) || READ_ONCE(zone->listed_pages) < OPEN_AHEAD_PAGES ||
		     !READ_ONCE(zone->free_area[MAX_ORDER].nr_free)))
		reclaim_look(zone);
}

/* ---- vmstat.c ---- */

enum numa_stat {
	NUMA_HIT,
	NUMA_MISS,
	NUMA_FOREIGN,
	NUMA_INTERLEAVE_HIT,
	NUMA_LOCAL,
	NUMA_OTHER,
	NR_NUMA_STATS
};
u64 numa_stat_read(int nid, enum numa_stat s);
DECLARE_PER_CPU(long, numa_hit_fast);
/* An allocation that was to be from node nid by turns, and is. */
void vmstat_count_interleave(int nid);
void vmstat_count_numa(const struct zone *preferred, const struct zone *got, unsigned long pages);

/* kmap.c: the tables behind every CPU's slots, where there is HighMem. */
void kmap_init(void);

#endif
