#ifndef MM_INTERNAL_H
#define MM_INTERNAL_H

/*
 * Internal declarations of zones, sections and per-CPU page lists, for the files of mm/ and the tests
 * that mirror them.
 */

#include <arch/san.h>
#include <kernel/fault.h>
#include <kernel/printk.h>
#include <kernel/spinlock.h>
#include <mm/init.h>
#include <mm/memblock.h>
#include <mm/numa.h>
#include <mm/page_alloc.h>

/* ---- a CPU's window of addresses ---- */

/* The last KMAP_SLOTS pages are the slots of kmap.c. percpu.c uses the window below. */
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
	 * ---- protected by zone->lock ----
	 * Zone choice, watermark checks and the main loop read the counts without the lock. They may
	 * decide on stale values; the code that then takes the lock checks again.
	 */
	struct spinlock lock;
	unsigned long free_pages;	/* on the lists (isolated blocks excluded), plus unopened blocks */
	unsigned long listed_pages;	/* on the lists, isolated ones included */
	unsigned long isolated_pages;	/* on the MT_ISOLATE lists */
	unsigned long highatomic_pages; /* in pageblocks of type MT_HIGHATOMIC */
	unsigned nr_isolated_blocks;	/* pageblocks of type MT_ISOLATE */
	unsigned long boost;		/* added to every watermark, in pages */
	struct free_area free_area[NR_ORDERS];
	/* Blocks that opening the zone's remaining sections will list. */
	unsigned long unopened[NR_ORDERS];
	unsigned long open_cursor; /* no unopened section of this zone lies below it */

	/* ---- fixed after zone_init(), except for the last group ---- */
	unsigned id; /* node * 8 + type: page_zone_id() */
	int nid;
	enum zone_type type;
	const char *name;
	pfn_t start_pfn, end_pfn; /* end - start = spanned */
	unsigned long present, managed;
	unsigned long wmark[NR_WMARKS];
	unsigned long lowmem_reserve[NR_ZONES];
	/* A request has preferred this zone: the main loop keeps sections open in advance. */
	bool in_use;
	unsigned batch, high; /* sizes of each CPU's lists, in pages */
	bool wake;	      /* set below low: the main loop reclaims */
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

/*
 * Computes the zones' limits from the machine's, the direct map's end and movablecore=. page_init()
 * then asks for the borders.
 */
void zone_limits_init(const struct boot_info *bi);
/* Returns the first frame that a zone of that type can have on the node, 0 if it has no border. */
pfn_t zone_border(int nid, enum zone_type type);
/*
 * Computes watermarks and lowmem reserves of nr zones, 8 for each node, from their managed pages (Linux
 * mm/page_alloc.c).
 */
void zone_compute_watermarks(struct zone *table, unsigned nr);
/*
 * Computes batch and high of each CPU's lists from managed pages and the low mark (zone_batchsize,
 * zone_highsize).
 */
void zone_compute_pcp(struct zone *zone, unsigned cpus);
/*
 * Returns min_free_kbytes, the sum of all min marks, for lowmem_kb KiB of usable memory below HighMem.
 */
unsigned long zone_min_free_kbytes(unsigned long lowmem_kb);
/* Returns the zone whose limits and node contain pfn, NULL if there is no memory. */
struct zone *zone_of_pfn(pfn_t pfn);
/* Returns whether all memory of [start, end) belongs to the zone. */
bool zone_has_all(const struct zone *zone, pfn_t start, pfn_t end);
/* Checks Z1 to Z6. Returns NULL, or the invariant that is broken. */
const char *zone_check(void);

/* ---- sections of the page array (page.c) ---- */

/* Describes an odd section: one that is not free RAM of one zone throughout (page.c). */
struct section_info {
	unsigned long nr;
	pfn_t lo, hi; /* frames that have a struct page: whole order-10 blocks */
	/*
	 * Physical address of their array, aligned to its size if large; 0 if it lies on several nodes.
	 */
	paddr_t array;
	paddr_t ext;   /* page_owner's array, 0 without */
	int nid;       /* a node that has memory in the section */
	bool one_node; /* nid is the only node with memory in it */
	bool large;    /* the array is mapped by one large leaf */
	bool placed;   /* the array's memory is reserved */
};

/*
 * Opens one unopened section of the zone: maps and clears its page array, and lists its free blocks.
 * Returns false if none is left. Context: any, no zone->lock held.
 */
bool section_open_for(struct zone *zone);
/*
 * sections_opened() returns the number of sections opened so far. section_wait(opened) waits until no
 * CPU is opening a section and returns whether the number is different from `opened`. If it is, the
 * caller looks at the free lists again. An interrupt does not wait: it may have interrupted the opener.
 */
unsigned sections_opened(void);
bool section_wait(unsigned opened);
/*
 * Between these two calls section_wait() waits on other CPUs. An opener calls the first one before it
 * claims a section.
 */
void section_opening_begin(void);
void section_opening_end(bool opened);
/* Opens the section of pfn. Returns false if it has no memory. For tests and the shell. */
bool section_open_pfn(pfn_t pfn);
bool section_is_open(unsigned long nr);
/* Returns the first opened section at or above nr, `end` if there is none below it. */
unsigned long section_next_open(unsigned long nr, unsigned long end);
/*
 * Returns whether the section is free RAM of one zone throughout (before opening), so its first frames
 * hold its page array.
 */
bool section_is_whole(unsigned long nr);
/*
 * Returns whether the frame holds part of its own section's page array. memblock has no reservation for
 * it.
 */
bool section_meta_page(pfn_t pfn);
/*
 * Marks the block's memory as accessible, or as inaccessible, for sanitizers (arch/san.h). HighMem has
 * no address to mark.
 */
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
/* Number of sections below the end of memory. */
unsigned long section_count(void);
/*
 * Calls fn for each of the largest naturally aligned blocks that [pfn, end) is cut into, in ascending
 * order.
 */
void page_for_each_block(pfn_t pfn, pfn_t end, void (*fn)(pfn_t pfn, unsigned order, void *ctx), void *ctx);
/*
 * Calls fn for each free block of the unopened section nr that lies in the zone, ascending, cut as by
 * page_for_each_block(). Opening lists these blocks; the unopened counts are counts of them.
 */
void section_for_each_block(unsigned long nr, const struct zone *zone,
			    void (*fn)(pfn_t pfn, unsigned order, void *ctx), void *ctx);
/*
 * Returns whether the leaf [va, va + size) for pa belongs in the page array: of an open section, or
 * mapped at boot.
 */
bool section_array_owns(vaddr_t va, paddr_t pa, size_t size);
/* Bytes of the page array that must be mapped now. */
size_t section_array_bytes(void);
/* Adds the zone's memory to zone->managed, present and unopened[]. */
void section_account(struct zone *zone);

static inline struct page *pageblock_page(const struct page *page)
{
	return (struct page *)((unsigned long)page & ~(PAGEBLOCK_PAGES * sizeof(struct page) - 1));
}

/* Side record of a block with page_owner=on. */
struct page_ext {
	unsigned long alloc_caller, free_caller;
	u32 gfp;
	u32 order;
};
/* Returns the frame's record; NULL if page_owner is off or the frame is not in the direct map. */
struct page_ext *page_ext(const struct page *page);

/* ---- buddy.c: one zone, zone->lock held ---- */

/* Flags that every free head of the zone has besides state, order and type. */
static inline unsigned long zone_page_flags(const struct zone *zone)
{
	return (unsigned long)zone->id << PG_ZONE_SHIFT;
}

/* Initialises the zone's free lists. */
void buddy_zone_init(struct zone *zone);
/*
 * Frees a block and merges it as far as possible. type is its pageblock's type. The page's state must
 * not be BUDDY.
 */
void buddy_free(struct zone *zone, struct page *page, unsigned order, enum migratetype type, bool to_tail);
/*
 * Frees nr blocks of one order, each to the list of its pageblock's type. If neighbours in pages[] are
 * buddies, they are merged before they enter a list: runs of ascending or descending frames cost a few
 * instructions a page. A block with another state or order is a BUG.
 */
void buddy_free_many(struct zone *zone, struct page **pages, unsigned nr, unsigned order,
		     enum page_state state);
/* Permissions of a request beyond the lists of its own type. */
enum {
	BUDDY_NOFRAGMENT = 1, /* take whole pageblocks of other types only */
	BUDDY_HIGHATOMIC = 2, /* may use the reserve for high-order atomic requests */
	BUDDY_OOM = 4,	      /* may use that reserve as the last resort */
};
/*
 * Allocates a block: state ALLOCATED, refcount 0. NULL if the zone's lists have none. Takes blocks of
 * other types if needed. Does not open sections.
 */
struct page *buddy_alloc(struct zone *zone, unsigned order, enum migratetype type, unsigned flags);
/*
 * Allocates up to nr blocks of one order into out[], ascending where the lists allow, cut from the
 * smallest free blocks. They get `state` and refcount 0. Returns their number. At most BUDDY_MANY_CUTS
 * free blocks are cut, which bounds the time.
 */
enum { BUDDY_MANY_CUTS = 12 };
unsigned buddy_alloc_many(struct zone *zone, unsigned order, enum migratetype type, unsigned nr,
			  struct page **out, unsigned flags, enum page_state state);
/*
 * Allocates nr contiguous pages from the lists of `type`, or returns NULL if no listed block is that
 * large. The rest of the block is freed. The pages form blocks with heads of their own, as
 * free_pages_trimmed() leaves them, with refcount 0.
 */
struct page *buddy_alloc_run(struct zone *zone, unsigned long nr, enum migratetype type);
/* Returns the migratetype of page's pageblock. */
static inline enum migratetype pageblock_type(const struct page *page)
{
	return (enum migratetype)pageblock_page(page)->block_type;
}
/* Sets the type of page's pageblock; its free blocks stay where they are. */
void pageblock_set_type(struct zone *zone, struct page *page, enum migratetype type);
/* Moves the pageblock's free blocks to the lists of `type`. Returns the pages moved. */
unsigned long buddy_move_block(struct zone *zone, struct page *page, enum migratetype type);
/*
 * buddy_reserve_highatomic() turns page's pageblock into a reserve for high-order atomic requests. Returns
 * false if the reserve has reached 1/100 of the zone plus a pageblock, or if the pageblock cannot change its
 * type. buddy_unreserve_highatomic() gives one reserved pageblock the type `to`, the last one only if
 * last_too. Returns false if there is none.
 */
bool buddy_reserve_highatomic(struct zone *zone, struct page *page);
bool buddy_unreserve_highatomic(struct zone *zone, enum migratetype to, bool last_too);
/*
 * Isolates page's pageblock: its free blocks cannot be allocated. Returns 0; -EBUSY if it is isolated
 * already, or is neither free nor movable.
 */
int buddy_isolate(struct zone *zone, struct page *page);
/* Ends the isolation: the pageblock gets `type`, and its free blocks can be allocated. */
void buddy_unisolate(struct zone *zone, struct page *page, enum migratetype type);
/* Limit of zone->boost, in pages. */
unsigned long buddy_boost_most(const struct zone *zone);
/* Checks F1 to F6 in the zone. Returns NULL, or the invariant that is broken. */
const char *buddy_check_zone(struct zone *zone);
/* Calls fn for each block on the zone's lists; stops at a damaged link. */
void buddy_for_each_listed(const struct zone *zone, frame_fn fn, void *ctx);

/* ---- pcp.c ---- */

enum {
	PCP_MAX_ORDER = 3,
	PCP_ORDERS = PCP_MAX_ORDER + 1,
	/* Most pages that one refill or flush moves. It bounds the time of one call. */
	PCP_REFILL_MAX = 31,
	PCP_HIGH_MAX = 1024, /* pages; capacity of one CPU's stacks */
};

/* One CPU's lists of one zone. */
struct pcp {
	u32 batch, high;      /* pages */
	u32 spare;	      /* pages of high that no stack's limit contains: high - sum(limit << order) */
	u32 owner;	      /* its CPU and zone, for the check */
	u64 refills, flushes; /* batches moved */
	/*
	 * Stacks by order and pageblock type, in the bits' order in page->flags. A combination without
	 * a stack points to pcp_nostack, which is always empty and full.
	 */
	struct pcpu_stack *row[8][16];
};

/* Returns the stack for a block with these flags. */
static inline struct pcpu_stack *pcp_row(struct pcp *pcp, unsigned long flags)
{
	static_assert(PG_TYPE_SHIFT == PG_ORDER_SHIFT + 4, "order and type are one index");
	return (&pcp->row[0][0])[flags >> PG_ORDER_SHIFT & 127];
}

/* The stack that a request with these placement bits tries first: local node, preferred zone. */
DECLARE_PER_CPU(struct pcpu_stack *, pcp_alloc_stack[GFP_PLACE_MASK + 1][PCP_ORDERS]);
/* The zone of these stacks; NULL if the node has none or the lists are off. */
DECLARE_PER_CPU(struct zone *, pcp_alloc_zone[GFP_PLACE_MASK + 1]);
/* This CPU's lists, by zone id. */
DECLARE_PER_CPU(struct pcp *, pcp_zone[MAX_NODES << ZONES_PER_NODE_SHIFT]);

/* avail and limit are always 0 */
extern struct pcpu_stack pcp_nostack;

/* Gives every zone and CPU empty lists of limit 0, so all pages go to the buddy. */
void pcp_early_init(void);
/*
 * Disables the lists of all CPUs while fail_page_alloc is armed, else enables them. Context: main loop.
 */
void pcp_update_bypass(void);
/*
 * Allocates a block (state PCP, refcount 0) for a request that found its stack empty, and refills the
 * stack. flags as for buddy_alloc(). NULL if the zone's lists have none. Context: IRQs off.
 */
struct page *pcp_refill(struct zone *zone, unsigned order, enum migratetype type, unsigned flags);
/* Frees a block whose stack is full. page has state PCP and refcount 0. Context: IRQs off. */
void pcp_free_slow(struct zone *zone, struct page *page, unsigned order);
/*
 * Frees this CPU's lists of the zone (NULL: of all zones) to the buddy. Returns pages moved. Context:
 * any.
 */
unsigned long pcp_drain_local(struct zone *zone);
/* Pages on the CPU's lists of the zone. */
unsigned long pcp_count(const struct zone *zone, unsigned cpu);
/*
 * Returns the CPU whose list holds the block, -1 if none. Stops the other CPUs for the search. Context:
 * main loop.
 */
int pcp_holder(const struct zone *zone, const struct page *head);
/* Checks P1 to P4. Returns NULL, or the invariant that is broken. Context: the other CPUs are held. */
const char *pcp_check(void);
/* Calls fn for each block on the CPUs' lists of the zone; skips a damaged stack. */
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
/* No failed request is reported before this time. Tests set it to 0. */
extern u64 failure_report_due_ns;
/* Time for which a request that must not fail waits for other CPUs. Tests shorten it. */
extern u64 nofail_wait_ns;
/*
 * Returns whether a request of `order` may take a block: the rule of Linux's __zone_watermark_ok().
 * free is zone->free_pages or an assumed value. Example: mark 724, lowmem_reserve[highest] 0: with 724
 * free pages a request of order 0 fails, with 725 it succeeds.
 */
bool zone_watermark_ok(const struct zone *zone, unsigned order, unsigned long mark, enum zone_type highest,
		       unsigned alloc_flags, unsigned long free);
/*
 * ALLOC_NOFRAGMENT for a request that starts in zone Normal of a node with memory in DMA32, else 0. Such a
 * request takes pages of DMA32 before it mixes migratetypes in a pageblock of Normal (Linux's
 * alloc_flags_nofragment()).
 */
unsigned alloc_flags_nofragment(const struct zone *preferred);
/*
 * Returns highatomic pageblocks of every zone to ordinary use with type `to`. If reclaim made progress, one
 * for each zone, but not its last one; else all of them. Returns whether it found one. Context: any; takes
 * each zone's lock.
 */
bool unreserve_highatomic_zones(enum migratetype to, bool progress);
/*
 * Zone by the four zone bits of gfp, three bits for each entry (Linux GFP_ZONE_TABLE); 7: an invalid
 * combination.
 */
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
/* Enables alloc_pages(). Context: boot, called by zone_init(). */
void page_alloc_init(void);
/* Pages that the buddy has allocated to users: managed - free - pcp - isolated. */
unsigned long zone_allocated_pages(const struct zone *zone);
/* True once alloc_pages() works. */
extern bool page_alloc_ready;

/* ---- page_debug.c ---- */

/*
 * page_poison=, init_on_*= or page_owner= is on: per-CPU lists stay off, so every block passes the
 * hooks.
 */
extern bool page_debugging;
static inline bool page_debug_enabled(void)
{
	return page_debugging;
}
/*
 * Prepares a block that is being allocated, refcount set: poison check, zeroing, owner, __GFP_COMP.
 * Returns page.
 */
struct page *page_prepare_new(struct page *page, gfp_t gfp, unsigned order, unsigned long caller);
/* Prepares a block that is being freed, before it is free: poison, zeroing, owner. */
void page_prepare_free(struct page *page, unsigned order, unsigned long caller);
/* Zeroes the block, HighMem included. */
void page_clear_block(struct page *page, unsigned order);
/* Copies from's owner record to page, which was part of from's block until now. */
void page_copy_owner(struct page *page, const struct page *from);

/* ---- reclaim.c ---- */

/* Registers the deferred work of reclaim. Context: boot. */
void reclaim_init(void);
DECLARE_PER_CPU(bool, reclaiming); /* this CPU is reclaiming */
/*
 * Returns whether the caller may reclaim: its gfp lets it wait, it holds no lock, and it is not
 * reclaiming already.
 */
bool reclaim_allowed(gfp_t gfp);
/* Frees the layers' caches once. Returns whether more pages are free than before. */
bool reclaim_direct(void);
/*
 * Sets `wake` of the zones in the list (NULL ends it), which are short of pages: the main loop
 * reclaims.
 */
void reclaim_wake(struct zone *const *list);
/* Listed pages that the main loop keeps in a zone in use, ahead of demand. */
#define OPEN_AHEAD_PAGES (MIB(32) >> PAGE_SHIFT)
/*
 * Notes that pages left the zone's lists, so the main loop opens a section ahead or reduces a boost.
 * Context: any.
 */
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
/* Returns a counter of numastat for node nid: the sum over all CPUs. */
u64 numa_stat_read(int nid, enum numa_stat s);
DECLARE_PER_CPU(long, numa_hit_fast);
/* Counts an interleaved allocation that got memory of the node nid that was its turn. */
void vmstat_count_interleave(int nid);
/* Counts an allocation in numastat: hit, miss and foreign by node, local or other by CPU. */
void vmstat_count_numa(const struct zone *preferred, const struct zone *got, unsigned long pages);

/* kmap.c: builds the page tables behind every CPU's slots, if there is HighMem. Context: boot. */
void kmap_init(void);

#endif
