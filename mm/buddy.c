/*
 * buddy.c - free lists by order and migratetype; split and merge. Knows one zone and nothing above it.
 *
 * Idea.       A free block of 2^n pages is naturally aligned. Its buddy is the block whose frame number
 *             differs in bit n only. A free merges the block with its buddy as long as the buddy is
 *             free, too. An allocation splits the smallest block that fits and keeps its lowest part.
 *             Lists by migratetype keep movable and unmovable pages in different pageblocks, so whole
 *             pageblocks can become free again.
 * Layout.     zone->free_area[order].list[type], linked by page->lru of each block's first page. Frame
 *             5 is freed while the blocks at 4 (order 0) and 6 (order 1) are free and the block at 0 is
 *             not:
 *
 *              order   block      buddy                    result
 *                0     5          5 ^ 1 = 4, free          4..5, order 1
 *                1     4..5       4 ^ 2 = 6, free          4..7, order 2
 *                2     4..7       4 ^ 4 = 0, not free      4..7 is listed with order 2
 *
 *             An allocation of order 0 from the block 4..7 lists 6..7 (order 1) and 5 (order 0) and
 *             returns 4.
 * Invariants. F1  a listed block: state BUDDY, its order and type in flags, refcount 0, aligned, inside
 *                 the zone
 *             F2  every other page of a free or allocated block is interior (flags 0, except for a
 *                 slab's own tails)
 *             F3  no two free buddies of one order that may merge
 *             F4  nr_free is the number of blocks on the lists
 *             F5  listed_pages = sum of nr_free << order; free_pages = listed + unopened - isolated
 *             F6  blocks of pageblock size and above lie on the list of their pageblocks' type
 *             F7  nr_isolated_blocks and highatomic_pages count the pageblocks of those types
 * Locking.    The caller holds zone->lock with IRQs off. The work for each order is constant, so the
 *             cost does not depend on block size. Other CPUs read flags without the lock. A page's
 *             state, order and type are reliable for its owner and for the holder of the lock; another
 *             reader learns from state BUDDY only that the page was free.
 * Failure.    NULL if no list has a block. A block that is free already, or has another order or state,
 *             is a BUG.
 * Source.     Linux mm/page_alloc.c (__free_one_page, __rmqueue, steal_suitable_fallback,
 *             reserve_highatomic_pageblock), mm/page_isolation.c. Only a block's first struct page is
 *             written.
 * Next:       pcp.c.
 */
#include <arch/tlb.h>
#include <kernel/bug.h>
#include <kernel/errno.h>
#include <mm/check_walk.h>
#include <mm/internal.h>

/* Limit of zone->boost: this part, of 10000, of the high mark. */
enum { WATERMARK_BOOST_FACTOR = 15000 };

void buddy_zone_init(struct zone *zone)
{
	for (unsigned o = 0; o < NR_ORDERS; o++)
		for (unsigned t = 0; t < NR_MIGRATETYPES; t++)
			list_init(&zone->free_area[o].list[t]);
}

/* ---- lists ---- */

/* Returns whether pageblocks of this type may merge with neighbours of another type. */
static bool type_mergeable(enum migratetype type)
{
	return type < MT_PCPTYPES;
}

/* Flags of a free block's first page, without the type. */
static __always_inline unsigned long free_mark(const struct zone *zone, unsigned order)
{
	return PAGE_BUDDY | (unsigned long)order << PG_ORDER_SHIFT | zone_page_flags(zone);
}

/*
 * Lists a block. area and mark belong to the block's order; loops over orders step them along instead
 * of computing them again.
 */
static __always_inline void area_add(struct free_area *area, struct page *page, unsigned long mark,
				     enum migratetype type, bool to_tail)
{
	struct list_head *head = &area->list[type];

	WRITE_ONCE(page->flags, mark | (unsigned long)type << PG_TYPE_SHIFT);
	if (to_tail)
		list_add_tail(&page->lru, head);
	else
		list_add(&page->lru, head);
	UPDATE_ONCE(area->nr_free, +=, 1);
}

/* Takes a block off its list. Its first page is interior afterwards. */
static __always_inline void area_remove(struct free_area *area, struct page *page)
{
	list_unlink(&page->lru);
	UPDATE_ONCE(area->nr_free, -=, 1);
	WRITE_ONCE(page->flags, 0);
}

static void list_block(struct zone *zone, struct page *page, unsigned order, enum migratetype type)
{
	area_add(&zone->free_area[order], page, free_mark(zone, order), type, false);
}

static void unlist_block(struct zone *zone, struct page *page)
{
	area_remove(&zone->free_area[page_order(page)], page);
}

static __always_inline void account(struct zone *zone, enum migratetype type, long pages)
{
	UPDATE_ONCE(zone->listed_pages, +=, (unsigned long)pages);
	if (unlikely(type == MT_ISOLATE))
		UPDATE_ONCE(zone->isolated_pages, +=, (unsigned long)pages);
	else
		UPDATE_ONCE(zone->free_pages, +=, (unsigned long)pages);
}

/* ---- free ---- */

/* The array is aligned, so XOR on the pointer equals XOR on the frame number. */
static __always_inline struct page *buddy_of(struct page *page, unsigned order)
{
	return (struct page *)((unsigned long)page ^ sizeof(struct page) << order);
}

/* Returns the lower one of a block and its buddy: the first page of the block that both form. */
static __always_inline struct page *lower_of(struct page *page, unsigned order)
{
	return (struct page *)((unsigned long)page & ~(sizeof(struct page) << order));
}

/*
 * Returns whether `buddy` is the first page of a free block of this order that may merge with a block
 * of `type`. From pageblock size on, only mergeable types merge, so an isolated, CMA or highatomic
 * pageblock can change its type alone. If the page is not free, its owner may change its flags
 * meanwhile. It cannot become free, because that needs the lock.
 */
static __always_inline bool mergeable(const struct page *buddy, unsigned long mark, unsigned order,
				      enum migratetype type)
{
	return (READ_ONCE(buddy->flags) & ~PG_TYPE_MASK) == mark &&
	       (likely(order < PAGEBLOCK_ORDER) ||
		(type_mergeable(page_type(buddy)) && type_mergeable(type)));
}

void buddy_free(struct zone *zone, struct page *page, unsigned order, enum migratetype type, bool to_tail)
{
	struct free_area *area = &zone->free_area[order];
	unsigned long mark = free_mark(zone, order);

	lock_assert_held(&zone->lock);
	BUG_ON(page_state(page) == PAGE_BUDDY, "buddy_free: pfn 0x%lx order %u is free already",
	       page_to_pfn(page), order);
	arch_tlb_frames_freed(page_to_pfn(page), order);
	account(zone, type, 1L << order);
	WRITE_ONCE(page->flags, 0);
	for (; order < MAX_ORDER; order++, area++, mark += BIT(PG_ORDER_SHIFT)) {
		struct page *buddy = buddy_of(page, order);

		if (!mergeable(buddy, mark, order, type))
			break;
		area_remove(area, buddy);
		page = lower_of(page, order);
	}
	/*
	 * If the next merge would be followed by another one, the block should be allocated last, so it
	 * goes to the tail. This holds if the block that this one and its missing buddy would form has
	 * a free buddy already (Linux: buddy_merge_likely).
	 */
	if (order < MAX_ORDER - 1)
		to_tail |= mergeable(buddy_of(lower_of(page, order), order + 1), mark + BIT(PG_ORDER_SHIFT),
				     order + 1, type);
	area_add(area, page, mark, type, to_tail);
}

/*
 * Frees [page, page + nr), which lie in one pageblock and are on no list, as the largest aligned
 * blocks.
 */
static void free_run(struct zone *zone, struct page *page, unsigned nr)
{
	enum migratetype type = pageblock_type(page);

	while (nr) {
		unsigned order = min((unsigned)__builtin_ctzl(page_to_pfn(page)), ilog2(nr));

		buddy_free(zone, page, order, type, false);
		page += 1UL << order;
		nr -= 1u << order;
	}
}

static __always_inline void check_returned(const struct page *page, unsigned long state_and_order)
{
	BUG_ON((page->flags & (PG_STATE_MASK | PG_ORDER_MASK)) != state_and_order,
	       "buddy: pfn 0x%lx comes back as state and order 0x%lx, its flags are 0x%lx", page_to_pfn(page),
	       state_and_order, page->flags);
}

void buddy_free_many(struct zone *zone, struct page **pages, unsigned nr, unsigned order,
		     enum page_state state)
{
	const unsigned long want = state | (unsigned long)order << PG_ORDER_SHIFT;
	const long block = 1L << order;

	while (nr) {
		struct page *first = pages[0], *page = first;
		unsigned n = 0;
		long step;

		/* No neighbour follows. */
		if (nr == 1 || (pages[1] != first + block && pages[1] != first - block)) {
			check_returned(first, want);
			buddy_free(zone, first, order, pageblock_type(first), false);
			pages++;
			nr--;
			continue;
		}
		step = pages[1] - first;
		do {
			check_returned(page, want);
			WRITE_ONCE(page->flags, 0);
			page += step;
		} while (++n < nr && pages[n] == page && pageblock_page(page) == pageblock_page(first));
		free_run(zone, step < 0 ? page - step : first, n << order);
		pages += n;
		nr -= n;
	}
}

/* ---- allocate ---- */

/* Flags of an allocated block's first page. */
static __always_inline unsigned long allocated_flags(const struct zone *zone, unsigned order,
						     enum migratetype type)
{
	return PAGE_ALLOCATED | (unsigned long)order << PG_ORDER_SHIFT |
	       (unsigned long)type << PG_TYPE_SHIFT | zone_page_flags(zone);
}

static struct page *first_block(struct zone *zone, unsigned order, enum migratetype type)
{
	struct list_head *head = &zone->free_area[order].list[type];

	return list_empty(head) ? NULL : list_first_entry(head, struct page, lru);
}

/*
 * Splits the smallest block of the type that is large enough: lists its upper halves, returns the
 * lowest part.
 */
static __always_inline struct page *smallest_fit(struct zone *zone, unsigned order, enum migratetype type)
{
	struct free_area *area = &zone->free_area[order];
	unsigned long mark;
	struct page *page;
	unsigned o = order;

	while (o < NR_ORDERS && list_empty(&area->list[type]))
		o++, area++;
	if (o == NR_ORDERS)
		return NULL;
	page = list_first_entry(&area->list[type], struct page, lru);
	area_remove(area, page);
	for (mark = free_mark(zone, o); o > order;) {
		o--, area--, mark -= BIT(PG_ORDER_SHIFT);
		area_add(area, page + (1UL << o), mark, type, false);
	}
	account(zone, type, -(1L << order));
	return page;
}

/* ---- pageblock types and stealing ---- */

/*
 * Returns whether the pageblock belongs to this zone alone. If zones share it, its type must not
 * change: one byte cannot be right for both zones.
 */
static bool pageblock_own(const struct zone *zone, const struct page *page)
{
	pfn_t start = ALIGN_DOWN(page_to_pfn(page), PAGEBLOCK_PAGES);

	return zone_has_all(zone, start, start + PAGEBLOCK_PAGES);
}

void pageblock_set_type(struct zone *zone, struct page *page, enum migratetype type)
{
	struct page *first = pageblock_page(page);
	enum migratetype was = (enum migratetype)first->block_type;

	zone->nr_isolated_blocks += (type == MT_ISOLATE) - (was == MT_ISOLATE);
	if (was == MT_HIGHATOMIC)
		UPDATE_ONCE(zone->highatomic_pages, -=, PAGEBLOCK_PAGES);
	if (type == MT_HIGHATOMIC)
		UPDATE_ONCE(zone->highatomic_pages, +=, PAGEBLOCK_PAGES);
	first->block_type = (u8)type;
}

static void move_free_block(struct zone *zone, struct page *page, enum migratetype type)
{
	unsigned order = page_order(page);
	enum migratetype was = page_type(page);

	account(zone, was, -(1L << order));
	unlist_block(zone, page);
	account(zone, type, 1L << order);
	list_block(zone, page, order, type);
}

/* Calls fn for each block of the zone that begins in page's pageblock, going from head to head. */
static void for_each_head(struct zone *zone, struct page *page,
			  void (*fn)(struct zone *, struct page *, void *), void *ctx)
{
	pfn_t pfn = max(page_to_pfn(pageblock_page(page)), zone->start_pfn);
	pfn_t end = min(ALIGN_DOWN(page_to_pfn(page), PAGEBLOCK_PAGES) + PAGEBLOCK_PAGES, zone->end_pfn);

	while (pfn < end) {
		struct page *p = pfn_to_page(pfn);

		if (page_state(p) == PAGE_INTERIOR) { /* a hole or a reservation */
			pfn++;
			continue;
		}
		pfn += 1UL << page_order(p);
		if (page_zone_id(p) == zone->id)
			fn(zone, p, ctx);
	}
}

struct move_state {
	enum migratetype type;
	unsigned long moved, movable;
};

static void move_head(struct zone *zone, struct page *page, void *ctx)
{
	struct move_state *state = ctx;

	if (page_state(page) == PAGE_BUDDY) {
		state->moved += 1UL << page_order(page);
		move_free_block(zone, page, state->type);
	} else if (page_state(page) == PAGE_ALLOCATED && page_type(page) == MT_MOVABLE &&
		   !(page->flags & PG_reserved)) {
		state->movable += 1UL << page_order(page);
	}
}

unsigned long buddy_move_block(struct zone *zone, struct page *page, enum migratetype type)
{
	struct move_state state = {.type = type};

	for_each_head(zone, page, move_head, &state);
	return state.moved;
}

/* Frees a whole free pageblock again under its new type, which lets it merge. */
static void remerge(struct zone *zone, struct page *page, enum migratetype type)
{
	struct page *head = page_head(pageblock_page(page));
	unsigned order;

	if (!head || page_state(head) != PAGE_BUDDY || page_order(head) < PAGEBLOCK_ORDER)
		return;
	order = page_order(head);
	account(zone, type, -(1L << order));
	unlist_block(zone, head);
	buddy_free(zone, head, order, type, false);
}

unsigned long buddy_boost_most(const struct zone *zone)
{
	return max(zone->wmark[WMARK_HIGH] * WATERMARK_BOOST_FACTOR / 10000, PAGEBLOCK_PAGES);
}

static void boost_watermark(struct zone *zone)
{
	if (!zone->wmark[WMARK_HIGH] || zone->managed < 4 * PAGEBLOCK_PAGES)
		return;
	WRITE_ONCE(zone->boost, min(READ_ONCE(zone->boost) + PAGEBLOCK_PAGES, buddy_boost_most(zone)));
	/* Set after the boost: see page_work_step(). */
	__atomic_store_n(&zone->wake, true, __ATOMIC_RELEASE);
}

/*
 * Moves a block of another type to the lists of `want`. A block of pageblock size or more changes the
 * type of its pageblocks. For a smaller one, if `whole` is true, all free blocks of the pageblock move.
 * The pageblock changes its type if at least half of its pages are free or were allocated for a
 * compatible type (Linux: steal_suitable_fallback).
 */
static void steal_block(struct zone *zone, struct page *page, unsigned order, enum migratetype want,
			bool whole)
{
	enum migratetype was = pageblock_type(page);
	struct move_state state = {.type = want};
	unsigned long alike = 0;

	if (order >= PAGEBLOCK_ORDER) {
		for (unsigned long i = 0; i < 1UL << order; i += PAGEBLOCK_PAGES)
			pageblock_set_type(zone, page + i, want);
		move_free_block(zone, page, want);
		return;
	}
	if (!type_mergeable(was)) {
		move_free_block(zone, page, want);
		return;
	}
	boost_watermark(zone);
	if (!whole || !pageblock_own(zone, page)) {
		move_free_block(zone, page, want);
		return;
	}
	for_each_head(zone, page, move_head, &state);
	if (want == MT_MOVABLE)
		alike = state.movable;
	else if (was == MT_MOVABLE)
		alike = PAGEBLOCK_PAGES - state.moved - state.movable;
	if (state.moved + alike >= PAGEBLOCK_PAGES / 2)
		pageblock_set_type(zone, page, want);
}

static const enum migratetype fallbacks[MT_PCPTYPES][2] = {
	[MT_UNMOVABLE] = {MT_RECLAIMABLE, MT_MOVABLE},
	[MT_MOVABLE] = {MT_RECLAIMABLE, MT_UNMOVABLE},
	[MT_RECLAIMABLE] = {MT_UNMOVABLE, MT_MOVABLE},
};

/*
 * Returns whether a request of type `want` that takes a block of this order may take its whole
 * pageblock.
 */
static bool may_steal_whole(unsigned order, enum migratetype want)
{
	return order >= PAGEBLOCK_ORDER / 2 || want == MT_RECLAIMABLE || want == MT_UNMOVABLE;
}

static struct page *fallback_block(struct zone *zone, unsigned order, enum migratetype want)
{
	for (unsigned i = 0; i < 2; i++) {
		struct page *page = first_block(zone, order, fallbacks[want][i]);

		if (page)
			return page;
	}
	return NULL;
}

/*
 * Moves memory of another type to the lists of `want`. Takes the largest block first: its pageblock
 * probably has the most free memory. A movable request that may not take the whole pageblock takes the
 * smallest sufficient block instead. Returns false if there is none.
 */
static bool steal_fallback(struct zone *zone, unsigned order, enum migratetype want, unsigned flags)
{
	int lowest = (int)order;

	if (want >= MT_PCPTYPES)
		return false;
	if ((flags & BUDDY_NOFRAGMENT) && order < PAGEBLOCK_ORDER)
		lowest = PAGEBLOCK_ORDER;
	for (int o = MAX_ORDER; o >= lowest; o--) {
		struct page *page = fallback_block(zone, (unsigned)o, want);
		bool whole = may_steal_whole((unsigned)o, want);

		if (!page)
			continue;
		if (!whole && want == MT_MOVABLE) {
			for (unsigned up = order; up < (unsigned)o; up++) {
				struct page *smaller = fallback_block(zone, up, want);

				if (smaller) {
					page = smaller;
					o = (int)up;
					break;
				}
			}
		}
		steal_block(zone, page, (unsigned)o, want, whole);
		return true;
	}
	return false;
}

/*
 * Slow part of buddy_alloc(): tries the highatomic reserve if allowed, the lists of `type`, blocks of
 * other types, then the reserve as the last resort.
 */
static __noinline struct page *alloc_elsewhere(struct zone *zone, unsigned order, enum migratetype type,
					       unsigned flags)
{
	struct page *page = NULL;

	if (flags & BUDDY_HIGHATOMIC)
		page = smallest_fit(zone, order, MT_HIGHATOMIC);
	if (!page)
		page = smallest_fit(zone, order, type);
	while (!page && steal_fallback(zone, order, type, flags))
		page = smallest_fit(zone, order, type);
	if (!page && (flags & BUDDY_OOM))
		page = smallest_fit(zone, order, MT_HIGHATOMIC);
	return page;
}

struct page *buddy_alloc(struct zone *zone, unsigned order, enum migratetype type, unsigned flags)
{
	struct page *page = NULL;

	lock_assert_held(&zone->lock);
	if (likely(!(flags & BUDDY_HIGHATOMIC)))
		page = smallest_fit(zone, order, type);
	if (unlikely(!page))
		page = alloc_elsewhere(zone, order, type, flags);
	if (likely(page))
		WRITE_ONCE(page->flags, allocated_flags(zone, order, pageblock_type(page)));
	return page;
}

/*
 * Lists [page, page + nr), the tail of a block that was taken off its list, as aligned blocks. They
 * have no free buddy.
 */
static void relist_tail(struct zone *zone, struct page *page, unsigned long nr, enum migratetype type)
{
	while (nr) {
		unsigned order = min((unsigned)__builtin_ctzl(page_to_pfn(page)), ilog2(nr));

		list_block(zone, page, order, type);
		page += 1UL << order;
		nr -= 1UL << order;
	}
}

unsigned buddy_alloc_many(struct zone *zone, unsigned order, enum migratetype type, unsigned nr,
			  struct page **out, unsigned flags, enum page_state state)
{
	/* Pages taken at once lie in one pageblock, so they have one type. */
	const unsigned most = max(order, (unsigned)PAGEBLOCK_ORDER);
	unsigned got = 0;

	lock_assert_held(&zone->lock);
	for (unsigned cuts = 0; got < nr && cuts < BUDDY_MANY_CUTS; cuts++) {
		struct page *page = NULL;
		unsigned o, take;
		unsigned long mark;

		for (o = order; o < NR_ORDERS && !(page = first_block(zone, o, type)); o++)
			;
		if (!page) {
			if (steal_fallback(zone, order, type, flags))
				continue;
			break;
		}
		take = min(nr - got, 1u << (min(o, most) - order));
		unlist_block(zone, page);
		relist_tail(zone, page + ((unsigned long)take << order),
			    (1UL << o) - ((unsigned long)take << order), type);
		account(zone, type, -((long)take << order));
		mark = (allocated_flags(zone, order, pageblock_type(page)) & ~PG_STATE_MASK) | state;
		for (; take; take--, page += 1UL << order) {
			WRITE_ONCE(page->flags, mark);
			out[got++] = page;
		}
	}
	return got;
}

struct page *buddy_alloc_run(struct zone *zone, unsigned long nr, enum migratetype type)
{
	struct free_area *area;
	struct page *page;
	unsigned order;

	lock_assert_held(&zone->lock);
	for (order = order_base_2(nr), area = &zone->free_area[order]; list_empty(&area->list[type]);
	     order++, area++)
		if (order == MAX_ORDER)
			return NULL;
	page = list_first_entry(&area->list[type], struct page, lru);
	area_remove(area, page);
	relist_tail(zone, page + nr, (1UL << order) - nr, type);
	account(zone, type, -(long)nr);
	type = pageblock_type(page);
	/* From large to small, so the pieces are aligned. */
	for (unsigned long at = 0; at < nr; at += 1UL << order) {
		order = ilog2(nr - at);
		WRITE_ONCE(page[at].flags, allocated_flags(zone, order, type));
	}
	return page;
}

/* ---- the reserve for high-order atomic requests ---- */

bool buddy_reserve_highatomic(struct zone *zone, struct page *page)
{
	enum migratetype was = pageblock_type(page);

	lock_assert_held(&zone->lock);
	if (zone->highatomic_pages >= zone->managed / 100 + PAGEBLOCK_PAGES || !type_mergeable(was) ||
	    page_order(page) > PAGEBLOCK_ORDER || !pageblock_own(zone, page))
		return false;
	pageblock_set_type(zone, page, MT_HIGHATOMIC);
	buddy_move_block(zone, page, MT_HIGHATOMIC);
	return true;
}

bool buddy_unreserve_highatomic(struct zone *zone, enum migratetype to, bool last_too)
{
	lock_assert_held(&zone->lock);
	if (!zone->highatomic_pages || (!last_too && zone->highatomic_pages <= PAGEBLOCK_PAGES))
		return false;
	for (unsigned o = 0; o < NR_ORDERS; o++) {
		struct page *page = first_block(zone, o, MT_HIGHATOMIC);

		if (!page)
			continue;
		if (pageblock_type(page) == MT_HIGHATOMIC)
			pageblock_set_type(zone, page, to);
		buddy_move_block(zone, page, to);
		remerge(zone, page, to);
		return true;
	}
	return false;
}

/* ---- isolation ---- */

/*
 * Adds the pages of a block that is free or movable. Holes and reservations belong to no such block, so
 * they are not added.
 */
static void sum_movable(struct zone *zone, struct page *page, void *ctx)
{
	unsigned long *movable = ctx;

	if (page_state(page) != PAGE_ALLOCATED ||
	    (page_type(page) == MT_MOVABLE && !(page->flags & (PG_reserved | PG_slab))))
		*movable += 1UL << page_order(page);
}

int buddy_isolate(struct zone *zone, struct page *page)
{
	struct page *first = pageblock_page(page), *head = page_head(first);
	unsigned long movable = 0;

	lock_assert_held(&zone->lock);
	if (pageblock_type(page) == MT_ISOLATE)
		return -EBUSY;
	/*
	 * A free block that is larger than the pageblock is split into pageblocks first. An allocated
	 * one also belongs to the neighbours.
	 */
	if (head && page_order(head) > PAGEBLOCK_ORDER) {
		unsigned order = page_order(head);
		enum migratetype type = page_type(head);

		if (page_state(head) != PAGE_BUDDY)
			return -EBUSY;

		unlist_block(zone, head);
		for (unsigned long i = 0; i < 1UL << order; i += PAGEBLOCK_PAGES)
			list_block(zone, head + i, PAGEBLOCK_ORDER, type);
	}
	for_each_head(zone, page, sum_movable, &movable);
	if (movable != PAGEBLOCK_PAGES)
		return -EBUSY;
	pageblock_set_type(zone, page, MT_ISOLATE);
	buddy_move_block(zone, page, MT_ISOLATE);
	return 0;
}

void buddy_unisolate(struct zone *zone, struct page *page, enum migratetype type)
{
	lock_assert_held(&zone->lock);
	BUG_ON(pageblock_type(page) != MT_ISOLATE, "buddy_unisolate: pageblock of pfn 0x%lx is not isolated",
	       page_to_pfn(page));
	pageblock_set_type(zone, page, type);
	buddy_move_block(zone, page, type);
	remerge(zone, page, type);
}

/* ---- check ---- */

static const char *check_block(struct zone *zone, struct page *page, unsigned order, enum migratetype type)
{
	pfn_t pfn = page_to_pfn(page);
	struct page *buddy = buddy_of(page, order);

	if (page->flags != (free_mark(zone, order) | (unsigned long)type << PG_TYPE_SHIFT) || page->refcount)
		return "buddy.F1: a listed block's first page has wrong flags or a reference";
	if (!IS_ALIGNED(pfn, 1UL << order) || pfn < zone->start_pfn || pfn + (1UL << order) > zone->end_pfn)
		return "buddy.F1: a listed block is not aligned or leaves the zone";
	/* Offsets at which heads of smaller blocks would lie. */
	for (unsigned long i = 1; i < 1UL << order; i <<= 1)
		if (page_state(page + i) != PAGE_INTERIOR)
			return "buddy.F2: a page inside a free block is no interior";
	if (page_head(page + (1UL << order) - 1) != page)
		return "buddy.F2: a free block's last page belongs to another block";
	if (order < MAX_ORDER && mergeable(buddy, free_mark(zone, order), order, type))
		return "buddy.F3: two free buddies are not merged";
	if (order >= PAGEBLOCK_ORDER && pageblock_type(page) != type &&
	    !(type_mergeable(pageblock_type(page)) && type_mergeable(type)))
		return "buddy.F6: a free pageblock is on the list of another type";
	return NULL;
}

void buddy_for_each_listed(const struct zone *zone, frame_fn fn, void *ctx)
{
	for (unsigned o = 0; o < NR_ORDERS; o++)
		for (unsigned t = 0; t < NR_MIGRATETYPES; t++) {
			struct check_walk w;
			struct page *page;

			check_for_each_entry (page, &w, &zone->free_area[o].list[t], zone->managed >> o, lru)
				if (check_page(page))
					fn(page_to_pfn(page), o, ctx);
		}
}

const char *buddy_check_zone(struct zone *zone)
{
	unsigned long listed = 0, isolated = 0, unopened = 0;

	lock_assert_held(&zone->lock);
	for (unsigned o = 0; o < NR_ORDERS; o++) {
		unsigned long blocks = 0;

		unopened += zone->unopened[o] << o;
		for (unsigned t = 0; t < NR_MIGRATETYPES; t++) {
			struct check_walk w;
			struct page *page;

			check_for_each_entry (page, &w, &zone->free_area[o].list[t], zone->present >> o,
					      lru) {
				const char *what = !check_page(page)
							   ? "buddy.F1: a list leads to no struct page"
							   : check_block(zone, page, o, (enum migratetype)t);

				if (what)
					return what;
				if (++blocks > zone->free_area[o].nr_free)
					return "buddy.F4: a list is longer than nr_free";
				if (t == MT_ISOLATE)
					isolated += 1UL << o;
			}
			if (w.wrong)
				return "buddy.F1: a free list's links are damaged";
		}
		if (blocks != zone->free_area[o].nr_free)
			return "buddy.F4: nr_free is not the length of the lists";
		listed += blocks << o;
	}
	if (listed != zone->listed_pages || isolated != zone->isolated_pages)
		return "buddy.F5: listed or isolated pages are miscounted";
	if (zone->free_pages != listed + unopened - isolated)
		return "buddy.F5: free_pages is not listed + unopened - isolated";
	return NULL;
}
