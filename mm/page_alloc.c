/*
 * page_alloc.c - alloc_pages(): per-CPU lists first, then zones along the node's zonelist.
 *
 * Idea.       The fast path is one pop or push on this CPU's stack. Watermarks, fallback to other
 *             zones, opening sections, reserves, reclaim, zeroing and debugging are in the slow path,
 *             where pages leave or enter the buddy.
 * Layout.     The order in which a request tries its sources:
 *
 *              alloc_pages    1 pcp stack of the preferred local zone           pop
 *                             2 the same zone, if it stays above its low mark   refill of the stack from the buddy
 *                             3 zones of the list, low marks                    each: lists, then opening a section
 *                             4 wake reclaim; zones of the list, min marks      with the reserves that gfp permits
 *                             5 if gfp may block: reclaim and 4 again           up to RECLAIM_ROUNDS times
 *                             6 __GFP_NOFAIL: no marks, waits for other CPUs    then panic
 *              __free_pages   1 pcp stack: push                                 2 flush of the stack to the buddy
 *
 * Invariants. A1  an allocated block has state ALLOCATED, its order, and refcount 1
 *             A2  a block is freed with the order that it was allocated with: one compare on every free
 *             A3  a request's zone lies at or below its gfp zone; the mark plus lowmem_reserve stays
 *                 free
 * Locking.    The fast paths take no lock. The slow paths take zone->lock around buddy calls and call
 *             nothing else with it held. A reference needs no lock: get_page() requires that the caller
 *             holds one, so no CPU takes a reference to a free page. So an allocation stores refcount 1
 *             plainly, and a free that reads 1 (acquire; pairs with the release of a put on another
 *             CPU) is the only owner.
 * Failure.    NULL, nothing has changed, one report a second unless __GFP_NOWARN. A request reclaims at
 *             most RECLAIM_ROUNDS times. __GFP_NOFAIL then waits for pages that other CPUs hold, for at
 *             least nofail_wait_ns (1 s) and RECLAIM_ROUNDS attempts, and panics if none comes.
 * Source.     Linux mm/page_alloc.c 6.1 (get_page_from_freelist, __alloc_pages_slowpath).
 *             There is no page cache, so reclaim frees vmalloc's lazy areas, pcp
 *             lists, slabs, shrinkers' objects and RCU callbacks.
 * Next:       vmstat.c, reclaim.c, page_debug.c; then slab.c.
 */
#include <arch/cpu.h>
#include <arch/time.h>
#include <kernel/failure.h>
#include <kernel/bug.h>
#include <kernel/cmdline.h>
#include <kernel/errno.h>
#include <mm/check.h>
#include <mm/internal.h>

bool page_alloc_ready;
FAULT_ATTR(fail_page_alloc);

static int set_fail_page_alloc(const char *value)
{
	return fault_attr_parse(value, &fail_page_alloc);
}
CMDLINE_OPT("fail_page_alloc", FAULT_ATTR_EXPECTED, set_fail_page_alloc);

/* Last step of an allocation: sets the reference, and lets the sanitizer accept accesses. */
static __always_inline void give_out(struct page *page, unsigned order)
{
	page->refcount = 1;
	page_mark_live(page, order);
}

/* First step of a free: drops the reference, and lets the sanitizer refuse accesses. */
static __always_inline void take_back(struct page *page, unsigned order)
{
	page->refcount = 0;
	page_mark_free(page, order);
}

/* Flags that must be clear when a block is freed: their user clears them. */
#define PG_CHECK_AT_FREE (PG_FLAG_MASK & ~PG_comp)

/* ---- taking pages from one zone ---- */

/* Allocates a block from the zone's lists; up to order 3 through a refill of this CPU's stack. */
static __always_inline struct page *take_listed(struct zone *zone, unsigned order, enum migratetype type,
						unsigned buddy_flags)
{
	unsigned long irq = arch_irq_save();
	struct page *page;

	if (order <= PCP_MAX_ORDER) {
		page = pcp_refill(zone, order, type, buddy_flags);
		if (page)
			UPDATE_ONCE(page->flags, ^=, PAGE_PCP ^ PAGE_ALLOCATED);
	} else {
		spin_lock(&zone->lock);
		page = buddy_alloc(zone, order, type, buddy_flags);
		spin_unlock(&zone->lock);
	}
	arch_irq_restore(irq);
	return page;
}

/* Marks the zone as in use. Reads first: a store would take the cache line from the other CPUs. */
static __always_inline void zone_use(struct zone *zone)
{
	if (unlikely(!READ_ONCE(zone->in_use)))
		WRITE_ONCE(zone->in_use, true);
}

/* Allocates from the zone: this CPU's stack, the zone's lists, then a section that is opened for it. */
static struct page *take_from_zone(struct zone *zone, unsigned order, enum migratetype type,
				   unsigned alloc_flags)
{
	unsigned buddy_flags = (alloc_flags & ALLOC_NOFRAGMENT ? BUDDY_NOFRAGMENT : 0) |
			       (alloc_flags & ALLOC_HIGHATOMIC ? BUDDY_HIGHATOMIC : 0) |
			       (alloc_flags & (ALLOC_OOM | ALLOC_NON_BLOCK) ? BUDDY_OOM : 0);
	struct page *page;

	zone_use(zone);
	for (;;) {
		unsigned opened = sections_opened();

		page = take_listed(zone, order, type, buddy_flags);
		if (page)
			break;
		if (!section_open_for(zone) && !section_wait(opened))
			return NULL;
	}
	reclaim_after_take(zone);
	if (unlikely((alloc_flags & ALLOC_HIGHATOMIC) && order)) {
		unsigned long irq = spin_lock_irqsave(&zone->lock);

		buddy_reserve_highatomic(zone, page);
		spin_unlock_irqrestore(&zone->lock, irq);
	}
	return page;
}

struct request {
	gfp_t gfp;
	unsigned order;
	enum zone_type highest;
	enum migratetype type;
	const struct zonelist *list;
	struct zone *preferred;
};

/*
 * Tries the zones of the list in order. With ALLOC_NOFRAGMENT it tries local zones without mixing types
 * first, then again with mixing.
 */
static struct page *get_from_zonelist(const struct request *rq, unsigned alloc_flags)
{
	for (unsigned pass = 0; pass < 2; pass++) {
		for (unsigned i = 0; rq->list->zone[i]; i++) {
			struct zone *zone = rq->list->zone[i];
			unsigned long boost = READ_ONCE(zone->boost);
			unsigned long mark = zone->wmark[alloc_flags & ALLOC_WMARK_MASK] + boost;
			struct page *page;

			if (zone->type > rq->highest || !zone->managed)
				continue;
			/* Mixing types in local memory is better than remote memory. */
			if ((alloc_flags & ALLOC_NOFRAGMENT) && zone->nid != rq->preferred->nid)
				break;
			if (!(alloc_flags & ALLOC_NO_WATERMARKS) &&
			    !zone_watermark_ok(zone, rq->order, mark, rq->highest, alloc_flags,
					       READ_ONCE(zone->free_pages))) {
				/* An order-0 atomic request at the min mark may ignore the boost. */
				if (rq->order || !(alloc_flags & ALLOC_MIN_RESERVE) ||
				    !zone_watermark_ok(zone, 0, mark - boost, rq->highest, alloc_flags,
						       READ_ONCE(zone->free_pages)))
					continue;
			}
			page = take_from_zone(zone, rq->order, rq->type, alloc_flags);
			if (page) {
				vmstat_count_numa(rq->preferred, zone, 1);
				return page;
			}
		}
		if (!(alloc_flags & ALLOC_NOFRAGMENT))
			break;
		alloc_flags &= ~(unsigned)ALLOC_NOFRAGMENT;
	}
	return NULL;
}

unsigned alloc_flags_nofragment(const struct zone *preferred)
{
	return preferred->type == ZONE_NORMAL && node_zone(preferred->nid, ZONE_DMA32)->present
		       ? ALLOC_NOFRAGMENT
		       : 0;
}

/* ---- the slow path ---- */

/* Marks and reserves of a request that found all zones below their low marks. */
static unsigned slow_alloc_flags(const struct request *rq)
{
	unsigned flags = WMARK_MIN | ALLOC_KSWAPD;

	if (rq->gfp & __GFP_HIGH)
		flags |= ALLOC_MIN_RESERVE;
	if (!gfp_may_block(rq->gfp) && !(rq->gfp & __GFP_NOMEMALLOC)) {
		flags |= ALLOC_NON_BLOCK;
		if (rq->order && (rq->gfp & __GFP_HIGH))
			flags |= ALLOC_HIGHATOMIC;
	}
	if ((rq->gfp & __GFP_MEMALLOC) && !(rq->gfp & __GFP_NOMEMALLOC))
		flags |= ALLOC_NO_WATERMARKS;
	return flags;
}

static void print_zone_state(const struct zone *zone)
{
	const unsigned long kb = PAGE_SIZE >> 10;
	char line[256];
	size_t at = 0;

	pr_err("Node %d %s free:%lukB boost:%lukB min:%lukB low:%lukB high:%lukB reserved_highatomic:%lukB "
	       "present:%lukB "
	       "managed:%lukB\n",
	       zone->nid, zone->name, zone->free_pages * kb, zone->boost * kb, zone->wmark[WMARK_MIN] * kb,
	       zone->wmark[WMARK_LOW] * kb, zone->wmark[WMARK_HIGH] * kb, zone->highatomic_pages * kb,
	       zone->present * kb, zone->managed * kb);
	for (unsigned o = 0; o < NR_ORDERS; o++)
		at += (size_t)scnprintf(line + at, sizeof(line) - at, "%lu*%lukB ",
					zone->free_area[o].nr_free + zone->unopened[o], kb << o);
	pr_err("Node %d %s: %s= %lukB\n", zone->nid, zone->name, line, zone->free_pages * kb);
}

static void report_failure(const struct request *rq, unsigned long caller)
{
	struct zone *zone;

	pr_warn("page allocation failure: order:%u, mode:0x%x, by %pS\n", rq->order, rq->gfp, (void *)caller);
	for_each_populated_zone (zone)
		print_zone_state(zone);
}

u64 failure_report_due_ns;

/* Limits reports to one a second, since failures come in series. */
static bool report_is_due(gfp_t gfp)
{
	u64 now = arch_time_ns();

	if ((gfp & __GFP_NOWARN) || now < READ_ONCE(failure_report_due_ns))
		return false;
	WRITE_ONCE(failure_report_due_ns, now + 1000000000);
	return true;
}

enum {
	RECLAIM_ROUNDS = 16, /* Linux: MAX_RECLAIM_RETRIES */
	NOFAIL_PAUSE_NS = 100000,
};
u64 nofail_wait_ns = 1000000000;

bool unreserve_highatomic_zones(enum migratetype to, bool progress)
{
	struct zone *zone;
	bool gave = false;

	for_each_populated_zone (zone) {
		unsigned long most =
			progress ? 1 : DIV_ROUND_UP(READ_ONCE(zone->highatomic_pages), PAGEBLOCK_PAGES);

		for (unsigned long i = 0; i < most; i++) {
			unsigned long irq = spin_lock_irqsave(&zone->lock);
			bool one = buddy_unreserve_highatomic(zone, to, !progress);

			spin_unlock_irqrestore(&zone->lock, irq);
			if (!one)
				break;
			gave = true;
		}
	}
	return gave;
}

/*
 * Reclaims and tries again. The rounds are counted because other CPUs free and allocate meanwhile:
 * progress of reclaim is no progress of this request.
 */
static struct page *alloc_reclaiming(const struct request *rq, unsigned alloc_flags)
{
	struct page *page = NULL;

	for (unsigned round = 0; !page && round < RECLAIM_ROUNDS; round++) {
		bool progress = reclaim_direct(), gave;

		page = get_from_zonelist(rq, alloc_flags);
		if (page || (rq->gfp & __GFP_NORETRY))
			break;
		gave = unreserve_highatomic_zones(rq->type, progress);
		if (!progress && !gave)
			break;
		page = get_from_zonelist(rq, alloc_flags);
		if (rq->order > COSTLY_ORDER && !(rq->gfp & __GFP_NOFAIL))
			break;
	}
	return page;
}

/*
 * Tries without marks. Other CPUs may soon free pages that they hold, so the request waits for a
 * bounded time.
 */
static struct page *alloc_nofail(const struct request *rq, unsigned alloc_flags)
{
	u64 now = arch_time_ns();
	const u64 end = now + nofail_wait_ns;

	for (unsigned round = 0;; round++) {
		struct page *page = get_from_zonelist(rq, alloc_flags | ALLOC_NO_WATERMARKS);
		/*
		 * Both conditions: if a virtual machine is paused, the clock jumps but no attempt is
		 * made.
		 */
		bool over = now >= end && round >= RECLAIM_ROUNDS;
		u64 pause_end = now + NOFAIL_PAUSE_NS;

		if (page || over || !reclaim_allowed(rq->gfp) || cpumask_weight(&cpu_online_mask) < 2)
			return page;
		do
			arch_cpu_relax();
		while ((now = arch_time_ns()) < pause_end);
		reclaim_direct();
	}
}

/* Fills *rq. Returns false if the list has no zone for gfp. */
static bool fill_request(struct request *rq, int nid, gfp_t gfp, unsigned order)
{
	const struct node *n = &nodes[nid];

	*rq = (struct request){
		.gfp = gfp, .order = order, .highest = gfp_zone(gfp), .type = gfp_migratetype(gfp)};
	BUG_ON(rq->type >= MT_PCPTYPES, "gfp 0x%x is movable and reclaimable at once", gfp);
	rq->list = gfp & __GFP_THISNODE ? &n->thisnode : &n->fallback;
	for (unsigned i = 0; rq->list->zone[i] && !rq->preferred; i++)
		if (rq->list->zone[i]->type <= rq->highest)
			rq->preferred = rq->list->zone[i];
	return rq->preferred != NULL;
}

/* Sources 3 to 6 of the head. Reports a failure. */
static __noinline struct page *alloc_checked(int nid, gfp_t gfp, unsigned order, unsigned long caller)
{
	unsigned alloc_flags;
	struct request rq;
	struct page *page;

	if (!fill_request(&rq, nid, gfp, order)) {
		failure_note("the node has no memory in the zones of the request");
		return NULL;
	}
	page = get_from_zonelist(&rq, WMARK_LOW | alloc_flags_nofragment(rq.preferred));
	if (likely(page))
		return page;
	if (gfp & __GFP_KSWAPD_RECLAIM)
		reclaim_wake(rq.list->zone);
	alloc_flags = slow_alloc_flags(&rq);
	page = get_from_zonelist(&rq, alloc_flags);
	if (!page && reclaim_allowed(gfp))
		page = alloc_reclaiming(&rq, alloc_flags);
	if (!page && (gfp & __GFP_NOFAIL)) {
		page = alloc_nofail(&rq, alloc_flags);
		if (!page) {
			report_failure(&rq, caller);
			panic("out of memory: order %u with __GFP_NOFAIL, requested by %pS\n", order,
			      (void *)caller);
		}
	}
	if (!page)
		failure_note(order ? "no free block of pages" : "no free page");
	if (!page && report_is_due(gfp))
		report_failure(&rq, caller);
	return page;
}

/*
 * Returns the preferred local zone for gfp if taking `pages` leaves it above the low mark, with boost,
 * highatomic and lowmem reserves included; else NULL. Marks the zone as in use.
 */
static __always_inline struct zone *zone_at_home(gfp_t gfp, unsigned long pages)
{
	struct zone *zone = this_cpu(pcp_alloc_zone[gfp & GFP_PLACE_MASK]);

	if (unlikely(!zone) ||
	    unlikely(READ_ONCE(zone->free_pages) <= zone->wmark[WMARK_LOW] + READ_ONCE(zone->boost) +
							    READ_ONCE(zone->highatomic_pages) +
							    zone->lowmem_reserve[gfp_zone(gfp)] + pages))
		return NULL;
	zone_use(zone);
	return zone;
}

/* Source 2 of the head: most requests that miss the fast path succeed here. */
static __always_inline struct page *alloc_at_home(gfp_t gfp, unsigned order)
{
	struct zone *zone = zone_at_home(gfp, 1UL << order);
	struct page *page;

	if (unlikely(!zone))
		return NULL;
	page = take_listed(zone, order, gfp_migratetype(gfp), BUDDY_NOFRAGMENT);
	if (likely(page)) {
		reclaim_after_take(zone);
		this_cpu_add(numa_hit_fast, 1);
	}
	return page;
}

static __noinline struct page *alloc_slow(int nid, gfp_t gfp, unsigned order, unsigned long caller)
{
	struct page *page;

	if (unlikely(order > MAX_ORDER)) {
		pr_warn_once("alloc_pages: order %u of request by %pS exceeds %u\n", order, (void *)caller,
			     MAX_ORDER);
		failure_note("the request exceeds the largest block");
		return NULL;
	}
	page = nid == NUMA_NO_NODE ? alloc_at_home(gfp, order) : NULL;
	/*
	 * While failures are injected there is no preferred zone, so every request reaches
	 * fault_hits().
	 */
	if (unlikely(!page)) {
		if (fault_hits(&fail_page_alloc, !(gfp & __GFP_NOFAIL), PAGE_SIZE << order))
			return NULL;
		page = alloc_checked(nid == NUMA_NO_NODE ? numa_node_id() : nid, gfp, order, caller);
		if (unlikely(!page))
			return NULL;
	}
	give_out(page, order);
	if (unlikely(page_debug_enabled() || (gfp & (__GFP_ZERO | __GFP_COMP))))
		return page_prepare_new(page, gfp, order, caller);
	return page;
}

/* ---- the interface: allocation ---- */

/* Source 1 of the head, else alloc_slow(). */
static __always_inline struct page *alloc_local(gfp_t gfp, unsigned order)
{
	struct page *page;

	if (likely(order <= PCP_MAX_ORDER)) {
		page = arch_stack_pop(this_cpu(pcp_alloc_stack[gfp & GFP_PLACE_MASK][order]));
		if (likely(page)) {
			UPDATE_ONCE(page->flags, ^=, PAGE_PCP ^ PAGE_ALLOCATED);
			give_out(page, order);
			this_cpu_add(numa_hit_fast, 1);
			if (unlikely(gfp & (__GFP_ZERO | __GFP_COMP)))
				return page_prepare_new(page, gfp, order, 0);
			return page;
		}
	}
	return alloc_slow(NUMA_NO_NODE, gfp, order, CALLER);
}

struct page *alloc_pages(gfp_t gfp, unsigned order)
{
	return alloc_local(gfp, order);
}

/* Allocates from another node, or from all nodes in turn. */
static __noinline struct page *alloc_remote(int nid, gfp_t gfp, unsigned order, unsigned long caller)
{
	if (nid == NUMA_INTERLEAVE)
		return alloc_pages_interleave(gfp, order);
	BUG_ON((unsigned)nid >= nr_nodes, "alloc_pages_node: there is no node %d", nid);
	return alloc_slow(nid, gfp, order, caller);
}

struct page *alloc_pages_node(int nid, gfp_t gfp, unsigned order)
{
	if (likely(nid == NUMA_NO_NODE || nid == numa_node_id()))
		return alloc_local(gfp, order);
	return alloc_remote(nid, gfp, order, CALLER);
}

struct page *alloc_pages_interleave(gfp_t gfp, unsigned order)
{
	int nid = numa_interleave_node();
	struct page *page = alloc_pages_node(nid, gfp, order);

	if (likely(page) && page_to_nid(page) == nid)
		vmstat_count_interleave(nid);
	return page;
}

unsigned long __get_free_pages(gfp_t gfp, unsigned order)
{
	struct page *page;

	BUG_ON(gfp & __GFP_HIGHMEM, "__get_free_pages: HighMem has no address (gfp 0x%x)", gfp);
	page = alloc_pages(gfp, order);
	return page ? (unsigned long)page_address(page) : 0;
}

unsigned long get_zeroed_page(gfp_t gfp)
{
	return __get_free_pages(gfp | __GFP_ZERO, 0);
}

void split_page(struct page *page, unsigned order)
{
	unsigned long head = page->flags & ~(PG_ORDER_MASK | PG_comp);

	BUG_ON((page->flags & (PG_STATE_MASK | PG_ORDER_MASK)) !=
		       (PAGE_ALLOCATED | (unsigned long)order << PG_ORDER_SHIFT),
	       "split_page: pfn 0x%lx is no allocated block of order %u (flags 0x%lx)", page_to_pfn(page),
	       order, page->flags);
	for (unsigned long i = 0; i < 1UL << order; i++) {
		WRITE_ONCE(page[i].flags, head);
		/* The first page keeps the references of the block. */
		if (i)
			page[i].refcount = 1;
		page_copy_owner(page + i, page);
	}
}

/* Splits an allocated block. Its first `keep` pages become allocated blocks; the rest is freed. */
static void trim_block(struct page *page, unsigned order, unsigned long keep)
{
	unsigned long flags = page->flags & ~PG_ORDER_MASK, total = 1UL << order;
	struct zone *zone = page_zone(page);

	/* From large to small, so the pieces are aligned: 13 pages become 8 + 4 + 1. */
	for (unsigned long at = 0; at < keep;) {
		unsigned o = ilog2(keep - at);

		WRITE_ONCE(page[at].flags, flags | (unsigned long)o << PG_ORDER_SHIFT);
		page[at].refcount = 1;
		page_copy_owner(page + at, page);
		at += 1UL << o;
	}
	/* From small to large, so the pieces are aligned: behind 13 of 16 pages come 13 (order 0) and 14 (order 1). */
	for (unsigned long at = keep; at < total;) {
		unsigned o = (unsigned)__builtin_ctzl(at);
		unsigned long irq;

		if (unlikely(page_debug_enabled()))
			page_prepare_free(page + at, o, CALLER);
		page_mark_free(page + at, o);
		irq = spin_lock_irqsave(&zone->lock);
		buddy_free(zone, page + at, o, pageblock_type(page + at), true);
		spin_unlock_irqrestore(&zone->lock, irq);
		at += 1UL << o;
	}
}

/* Goes through the pieces of a trimmed run, from large to small: one piece for each set bit of nr. */
#define for_each_piece(at, o, nr) \
	for (unsigned long at = 0, o; at < (nr) && ((o = ilog2((nr)-at)), true); at += 1UL << o)

/* Allocates a run from the preferred local zone under one lock; NULL if that needs the slow path. */
static struct page *alloc_run_at_home(gfp_t gfp, unsigned long nr_pages)
{
	struct zone *zone = zone_at_home(gfp, nr_pages);
	struct page *page;
	unsigned long irq;

	if (unlikely(!zone))
		return NULL;
	irq = spin_lock_irqsave(&zone->lock);
	page = buddy_alloc_run(zone, nr_pages, gfp_migratetype(gfp));
	spin_unlock_irqrestore(&zone->lock, irq);
	if (unlikely(!page))
		return NULL;
	for_each_piece(at, o, nr_pages) give_out(page + at, (unsigned)o);
	reclaim_after_take(zone);
	this_cpu_add(numa_hit_fast, 1);
	return page;
}

struct page *alloc_pages_trimmed(int nid, gfp_t gfp, unsigned long nr_pages)
{
	unsigned order = nr_pages ? order_base_2(nr_pages) : 0;
	struct page *page = NULL;

	if (!nr_pages || order > MAX_ORDER)
		return NULL;
	if (likely(nid == NUMA_NO_NODE || nid == numa_node_id()))
		page = alloc_run_at_home(gfp, nr_pages);
	if (unlikely(!page)) {
		page = alloc_pages_node(nid, gfp & ~__GFP_ZERO, order);
		if (!page)
			return NULL;
		if (nr_pages != 1UL << order)
			trim_block(page, order, nr_pages);
	}
	if (gfp & __GFP_ZERO)
		for_each_piece(at, o, nr_pages) page_clear_block(page + at, (unsigned)o);
	return page;
}

/*
 * Returns whether the block is allocated with this order, has one reference and no flag that must be
 * clear.
 */
static bool sole_owner(const struct page *page, unsigned order)
{
	return (page->flags & (PG_STATE_MASK | PG_ORDER_MASK | PG_CHECK_AT_FREE)) ==
		       (PAGE_ALLOCATED | (unsigned long)order << PG_ORDER_SHIFT) &&
	       __atomic_load_n(&page->refcount, __ATOMIC_ACQUIRE) == 1;
}

void free_pages_trimmed(struct page *page, unsigned long nr_pages)
{
	struct zone *zone = page_zone(page);
	bool plain = !page_debug_enabled();
	unsigned long irq;

	for_each_piece(at, o, nr_pages) plain = plain && sole_owner(page + at, (unsigned)o);
	if (unlikely(!plain)) {
		for_each_piece(at, o, nr_pages) __free_pages(page + at, (unsigned)o);
		return;
	}
	/*
	 * From small to large, so each piece merges with the free pages behind it: of 13 pages, 12 with
	 * 13..15, then 8..11, then 0..7.
	 */
	irq = spin_lock_irqsave(&zone->lock);
	for (unsigned long rest = nr_pages; rest; rest &= rest - 1) {
		struct page *piece = page + (rest & (rest - 1));

		take_back(piece, (unsigned)__builtin_ctzl(rest));
		buddy_free(zone, piece, (unsigned)__builtin_ctzl(rest), pageblock_type(piece), false);
	}
	spin_unlock_irqrestore(&zone->lock, irq);
}

void *alloc_pages_exact(size_t size, gfp_t gfp)
{
	unsigned long nr = DIV_ROUND_UP(size, PAGE_SIZE);
	struct page *page;

	BUG_ON(gfp & (__GFP_COMP | __GFP_HIGHMEM), "alloc_pages_exact: gfp 0x%x has COMP or HIGHMEM", gfp);
	if (!size || nr > 1UL << MAX_ORDER)
		return NULL;
	page = alloc_pages_trimmed(NUMA_NO_NODE, gfp, nr);
	if (!page)
		return NULL;
	/* Single pages: each can be freed by itself. */
	for (unsigned long at = 0; at < nr;) {
		unsigned o = page_order(page + at);

		split_page(page + at, o);
		at += 1UL << o;
	}
	return page_address(page);
}

void free_pages_exact(void *p, size_t size)
{
	struct page *page = virt_to_page(p);

	for (unsigned long i = 0; i < DIV_ROUND_UP(size, PAGE_SIZE); i++)
		__free_page(page + i);
}

/* ---- the interface: free ---- */

static __cold __noreturn void bad_free(struct page *page, unsigned order, unsigned long caller)
{
	const char *what = "not the first page of an allocated block";

	if (page_state(page) == PAGE_BUDDY || page_state(page) == PAGE_PCP)
		what = "already free";
	else if (page->flags & PG_reserved)
		what = "a reserved page";
	else if (page->flags & PG_slab)
		what = "in use by a slab";
	else if (page_state(page) == PAGE_ALLOCATED && page_order(page) != order)
		what = "allocated with another order";
	else if (page_state(page) == PAGE_ALLOCATED && !page->refcount)
		what = "allocated, but without a reference";
	page_dump(page, what);
	BUG("__free_pages: pfn 0x%lx order %u: %s (zone %s, node %d, order %u, refcount %u), freed by %pS",
	    page_to_pfn(page), order, what, page_zone(page)->name, page_to_nid(page), page_order(page),
	    page->refcount, (void *)caller);
}

static __noinline void free_slow(struct page *page, unsigned order, unsigned long caller)
{
	struct zone *zone = page_zone(page);
	unsigned long irq;

	if (unlikely(page_debug_enabled())) {
		page_mark_live(page, order);
		page_prepare_free(page, order, caller);
		page_mark_free(page, order);
	}
	irq = arch_irq_save();
	if (order <= PCP_MAX_ORDER) {
		pcp_free_slow(zone, page, order);
	} else {
		spin_lock(&zone->lock);
		buddy_free(zone, page, order, pageblock_type(page), false);
		spin_unlock(&zone->lock);
	}
	arch_irq_restore(irq);
}

/*
 * Handles a block with unexpected flags. A hwpoison page is withdrawn when its owner frees it. Any
 * other page is a BUG.
 */
static void free_odd(struct page *page, unsigned order, unsigned long caller)
{
	if (!(page->flags & PG_hwpoison))
		bad_free(page, order, caller);
	UPDATE_ONCE(page->flags, |=, PG_reserved);
	pr_warn("page: pfn 0x%lx: hwpoison page retired\n", page_to_pfn(page));
}

/* Drops one of several references; frees the block if it was the last one. */
static void free_shared(struct page *page, unsigned order, unsigned long caller)
{
	if (!page->refcount)
		bad_free(page, order, caller);
	if (__atomic_sub_fetch(&page->refcount, 1, __ATOMIC_ACQ_REL) == 0) {
		page->refcount = 1;
		__free_pages(page, order);
	}
}

/*
 * Reasons to leave the fast path. One out-of-line call for all of them lets the compiler omit the stack
 * frame.
 */
enum free_miss { FREE_ODD, FREE_SHARED, FREE_NO_ROOM };

static __noinline void free_missed(struct page *page, unsigned order, unsigned long caller,
				   enum free_miss why)
{
	if (why == FREE_NO_ROOM)
		free_slow(page, order, caller);
	else if (why == FREE_SHARED)
		free_shared(page, order, caller);
	else
		free_odd(page, order, caller);
}

void __free_pages(struct page *page, unsigned order)
{
	unsigned long flags = page->flags;
	enum free_miss why = FREE_ODD;

	if (unlikely((flags & (PG_STATE_MASK | PG_ORDER_MASK | PG_CHECK_AT_FREE)) !=
		     (PAGE_ALLOCATED | (unsigned long)order << PG_ORDER_SHIFT)))
		goto missed;
	why = FREE_SHARED;
	if (unlikely(__atomic_load_n(&page->refcount, __ATOMIC_ACQUIRE) != 1))
		goto missed;
	take_back(page, order);
	flags = (flags & ~PG_comp) ^ (PAGE_PCP ^ PAGE_ALLOCATED);
	WRITE_ONCE(page->flags, flags);
	why = FREE_NO_ROOM;
	if (likely(arch_stack_push(pcp_row(this_cpu(pcp_zone[flags_zone_id(flags)]), flags), page)))
		return;
missed:
	free_missed(page, order, CALLER, why);
}

void put_page(struct page *page)
{
	__free_pages(page, page_order(page));
}

void free_pages(unsigned long addr, unsigned order)
{
	if (!addr)
		return;
	BUG_ON(!virt_addr_valid((void *)addr) || !IS_ALIGNED(addr, PAGE_SIZE),
	       "free_pages: 0x%016lx is no page of the direct map", addr);
	__free_pages(virt_to_page((void *)addr), order);
}

/* ---- bulk ---- */

/* Smaller requests use the per-CPU list. BULK_FREE pages are freed under one lock. */
enum { BULK_MIN = 4, BULK_FREE = 64 };

/*
 * Allocates up to nr pages of the preferred local zone under one lock. Returns their number; 0 if that
 * needs the slow path.
 */
static unsigned long bulk_at_home(gfp_t gfp, unsigned long nr, struct page **array)
{
	struct zone *zone = zone_at_home(gfp, nr);
	unsigned long irq, got = 0;

	if (unlikely(!zone))
		return 0;
	do {
		irq = spin_lock_irqsave(&zone->lock);
		got = buddy_alloc_many(zone, 0, gfp_migratetype(gfp), (unsigned)nr, array, BUDDY_NOFRAGMENT,
				       PAGE_ALLOCATED);
		spin_unlock_irqrestore(&zone->lock, irq);
	} while (!got && section_open_for(zone));
	for (unsigned long i = 0; i < got; i++)
		give_out(array[i], 0);
	for (unsigned long i = 0; i < got && (gfp & __GFP_ZERO); i++)
		page_clear_block(array[i], 0);
	this_cpu_add(numa_hit_fast, (long)got);
	reclaim_after_take(zone);
	return got;
}

unsigned long alloc_pages_bulk(int nid, gfp_t gfp, unsigned long nr, struct page **array)
{
	unsigned long got = 0, more = nr;

	BUG_ON(nid != NUMA_NO_NODE && nid != NUMA_INTERLEAVE && (unsigned)nid >= nr_nodes,
	       "alloc_pages_bulk: there is no node %d", nid);
	if (nid != NUMA_NO_NODE && nid != numa_node_id())
		more = 0;
	while (more && nr - got >= BULK_MIN) {
		more = bulk_at_home(gfp, min(nr - got, PAGEBLOCK_PAGES), array + got);
		got += more;
	}
	while (got < nr && (array[got] = alloc_pages_node(nid, gfp, 0)) != NULL)
		got++;
	return got;
}

/*
 * Drops the reference of the first page, and of those that follow, up to the first that is shared, is
 * not a single page or belongs to another zone. Returns their number.
 */
static unsigned bulk_take(struct page **array, unsigned long nr)
{
	const unsigned long ignore = PG_TYPE_MASK | PG_comp;
	unsigned long want = PAGE_ALLOCATED | (array[0]->flags & (~0UL << PG_ZONE_SHIFT & ~PG_FLAG_MASK));
	unsigned n = 0;

	for (; n < nr && (array[n]->flags & ~ignore) == want; n++) {
		if (unlikely(__atomic_load_n(&array[n]->refcount, __ATOMIC_ACQUIRE) != 1))
			break;
		take_back(array[n], 0);
	}
	return n;
}

void free_pages_bulk(struct page **array, unsigned long nr)
{
	while (nr) {
		unsigned n = page_debug_enabled() || nr < BULK_MIN
				     ? 0
				     : bulk_take(array, min(nr, (unsigned long)BULK_FREE));

		if (likely(n)) {
			struct zone *zone = page_zone(array[0]);
			unsigned long irq = spin_lock_irqsave(&zone->lock);

			buddy_free_many(zone, array, n, 0, PAGE_ALLOCATED);
			spin_unlock_irqrestore(&zone->lock, irq);
		} else { /* shared, bad or too few */
			__free_page(array[0]);
			n = 1;
		}
		array += n;
		nr -= n;
	}
}

/* ---- boot and check ---- */

void page_alloc_init(void)
{
	pcp_early_init();
	reclaim_init();
	page_alloc_ready = true;
}

static const char *page_alloc_check(void)
{
	struct zone *zone;

	for_each_populated_zone (zone) {
		unsigned long irq = spin_lock_irqsave(&zone->lock);
		const char *what = buddy_check_zone(zone);

		spin_unlock_irqrestore(&zone->lock, irq);
		if (what)
			return what;
	}
	return NULL;
}
MM_CHECK_RANKED("buddy", page_alloc_check, CHECK_RANK_LISTS);
