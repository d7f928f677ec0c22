/*
 * census.c - checks that every page frame of every opened section is in exactly one place, and that all
 * counts agree.
 *
 * Idea.       Two sides know the place of a frame. The page array tells the use of each block. The
 *             users know the blocks that they hold: free lists, per-CPU stacks, slab lists, areas, page
 *             tables. The census walks both sides and computes sums for each place: blocks, pages, and
 *             a fingerprint, the sum of mix64() over the blocks. If a block is missing, listed twice or
 *             in two places, the sums differ. Then the census halves the range of frames until one
 *             frame is left, and names it.
 * Layout.     The walk goes from head to head through the memory of each zone:
 *
 *             | reserved: no block | buddy o2 | pcp o0 | allocated o1, slab | allocated o0, table | ...
 *
 *             place          struct page                        user that must agree
 *             reserved       all zero, or PG_reserved           memblock; a whole section's own page array
 *             buddy          state BUDDY                        zone->free_area
 *             pcp            state PCP                          the stacks of pcp.c
 *             slab           ALLOCATED, PG_slab                 lists of the caches' nodes, slabs that wait for RCU
 *             table          ALLOCATED, PG_table                the walk from the root, tables that wait for RCU
 *             vmalloc        ALLOCATED, PG_vmalloc              pages[] of busy and lazy areas
 *             kmalloc        ALLOCATED, PG_kmalloc              its own `private`; counted by MM_SLAB_UNRECLAIMABLE
 *             other          ALLOCATED                          the caller of alloc_pages(); page_owner names it
 *             poisoned       ALLOCATED, PG_hwpoison, PG_reserved: freed by its owner and withdrawn
 *
 * Invariants. C1  each frame of RAM is part of one block, or reserved and its struct page is blank
 *             C2  a block is aligned and of one zone's memory, and no frame of it is reserved; its zone
 *                 id is that zone's; it has one use at most and an existing type; flags and references
 *                 of the first page fit the state
 *             C3  every other page of a block is blank: flags 0 (a slab's tail: PG_slab and its node),
 *                 no reference
 *             C4  page array and users agree about each place
 *             C5  nr_free, listed, isolated and free pages, pcp counts and managed of each zone and
 *                 node equal the sums of the walk; blocks of unopened sections are added from
 *                 `unopened` (page.S2)
 *             C6  nr_isolated_blocks and highatomic_pages count the pageblocks of those types; no
 *                 pageblock has an unknown type
 *             C7  the MM_* counters equal the sums
 *             C8  frames in holes between memory have blank struct pages
 *             C9  page_owner=on: an allocated block's record has its order
 * Locking.    The other CPUs are held, so the census takes no zone's lock.
 * Failure.    A message that names the frame. Walks read the page array, whose mapping pgtable.c's
 *             check has accepted.
 * Next:       check.c.
 */
#include "internal.h"
#include "pt_internal.h"
#include "slab_internal.h"
#include "vmap.h"

#include <mm/check.h>
#include <mm/check_walk.h>

#include <kernel/random.h>

enum place { BUDDY, PCP, SLAB, TABLE, VMALLOC, NR_CLAIMED, KMALLOC = NR_CLAIMED, OTHER, POISONED, NR_PLACES };

/* The sums of one side, page array or users, for one place. */
struct sum {
	unsigned long blocks, pages;
	u64 print;
};

/* The counts of the walk in one zone. */
struct zone_sum {
	unsigned long free[NR_ORDERS], isolated, pcp, allocated;
	unsigned long isolated_blocks, highatomic_pages;
};

struct census {
	pfn_t lo, hi; /* blocks that begin outside of [lo, hi) are not added */
	struct sum seen[NR_PLACES], claimed[NR_CLAIMED];
	struct zone_sum zone; /* of the zone that is being walked */
	unsigned long kmalloc_pages;
};

static struct census census;
static char wrong[160];

#define WRONG(fmt, ...) (snprintf(wrong, sizeof(wrong), fmt, ##__VA_ARGS__), false)

static void sum_add(struct sum *s, pfn_t pfn, unsigned order)
{
	if (pfn < census.lo || pfn >= census.hi)
		return;
	s->blocks++;
	s->pages += 1UL << order;
	s->print += mix64(pfn << PG_ORDER_SHIFT | order);
}

/* ---- one frame ---- */

/* Returns whether the struct page is blank. `private`, list and slab fields may hold old values. */
static bool blank(const struct page *page)
{
	return !page->flags && !page->refcount && !page->mapcount;
}

static bool tail_sound(const struct page *head, const struct page *page)
{
	if (!(head->flags & PG_slab))
		return blank(page);
	return page->flags == PG_slab && page->slab_node == head->slab_node && !page->refcount &&
	       !page->mapcount;
}

/* C3 of one block. The quick check skips it. */
static bool tails_sound(const struct page *head, unsigned order)
{
	for (unsigned long i = 1; i < 1UL << order && !mm_checks_quick; i++)
		if (!tail_sound(head, head + i))
			return WRONG("census.C3: pfn 0x%lx, inside the block of order %u at 0x%lx, is not "
				     "blank: flags 0x%lx "
				     "refcount %u",
				     page_to_pfn(head) + i, order, page_to_pfn(head), head[i].flags,
				     head[i].refcount);
	return true;
}

#define USES (PG_slab | PG_table | PG_vmalloc | PG_kmalloc | PG_user_shell)
#define KNOWN_FLAGS (USES | PG_reserved | PG_comp | PG_hwpoison)

/* C2 of an allocated block: at most one use, known flags, and the references that the use permits. */
static bool use_sound(const struct page *page)
{
	unsigned long uses = page->flags & USES;

	if (page->flags & PG_FLAG_MASK & ~KNOWN_FLAGS || (uses & (uses - 1)) ||
	    (uses && (page->flags & PG_reserved)))
		return false;
	if (page->flags & (PG_slab | PG_table | PG_vmalloc | PG_kmalloc) & ~PG_vmalloc)
		return page->refcount == 1;
	return page->refcount >= 1;
}

/* C2: the members of the first page are consistent. */
static bool head_sound(const struct zone *zone, const struct page *page)
{
	bool allocated = page_state(page) == PAGE_ALLOCATED;

	return page_zone_id(page) == zone->id && page_type(page) < NR_MIGRATETYPES && !page->mapcount &&
	       (allocated ? use_sound(page) : !(page->flags & PG_FLAG_MASK) && !page->refcount);
}

static enum place place_of(const struct page *page)
{
	if (page_state(page) != PAGE_ALLOCATED)
		return page_state(page) == PAGE_BUDDY ? BUDDY : PCP;
	if (page->flags & PG_reserved)
		return POISONED;
	return page->flags & PG_slab	  ? SLAB
	       : page->flags & PG_table	  ? TABLE
	       : page->flags & PG_vmalloc ? VMALLOC
	       : page->flags & PG_kmalloc ? KMALLOC
					  : OTHER;
}

/* C9, and the number of pages of a large kmalloc, which its first block has. */
static bool allocated_sound(const struct page *page, unsigned order)
{
	const struct page_ext *ext = page_ext(page);

	if (ext && ext->order != order && !(page->flags & PG_reserved))
		return WRONG("census.C9: pfn 0x%lx: its owner's record has order %u, the block %u",
			     page_to_pfn(page), ext->order, order);
	if (page->flags & PG_kmalloc) {
		if (!page->private || page->private > 1UL << MAX_ORDER || ilog2(page->private) != order)
			return WRONG("census.C2: pfn 0x%lx: a large kmalloc of %lu pages begins with a block "
				     "of order %u",
				     page_to_pfn(page), page->private, order);
		census.kmalloc_pages += page->private;
	}
	return true;
}

static void count_block(const struct page *page, enum place place, unsigned order)
{
	struct zone_sum *z = &census.zone;

	sum_add(&census.seen[place], page_to_pfn(page), order);
	if (place == BUDDY) {
		z->free[order]++;
		if (page_type(page) == MT_ISOLATE)
			z->isolated += 1UL << order;
	} else {
		*(place == PCP ? &z->pcp : &z->allocated) += 1UL << order;
	}
}

/* ---- a run of frames ---- */

/* Checks and counts the block that begins at pfn. *r is the first reservation that ends above it. */
static bool take_block(const struct zone *zone, pfn_t pfn, pfn_t end, const struct memblock_region *r)
{
	const struct page *page = pfn_to_page(pfn);
	unsigned order = page_order(page);
	enum place place;

	if (order > MAX_ORDER || !IS_ALIGNED(pfn, 1UL << min(order, (unsigned)MAX_ORDER)) ||
	    end - pfn < 1UL << order || !head_sound(zone, page))
		return WRONG("census.C2: pfn 0x%lx: no sound block of zone %s, node %d: flags 0x%lx refcount "
			     "%u, end of its "
			     "memory 0x%lx",
			     pfn, zone->name, zone->nid, page->flags, page->refcount, end);
	if (r < memblock.reserved.region + memblock.reserved.cnt && r->start < (pfn + (1UL << order))
										       << PAGE_SHIFT)
		return WRONG("census.C2: pfn 0x%lx: a block of order %u over reserved memory (%s)", pfn,
			     order, r->name);
	if (!tails_sound(page, order))
		return false;
	/* The page array of a whole section was never managed. */
	if (page_state(page) == PAGE_ALLOCATED && (page->flags & PG_reserved) &&
	    !(page->flags & PG_hwpoison) && section_meta_page(pfn))
		return true;
	if ((page->flags & PG_reserved) && !(page->flags & PG_hwpoison))
		return WRONG("census.C2: pfn 0x%lx: reserved, and neither bad nor page array", pfn);
	place = place_of(page);
	if (page_state(page) == PAGE_ALLOCATED && !allocated_sound(page, order))
		return false;
	count_block(page, place, order);
	return true;
}

static bool walk_frames(const struct zone *zone, pfn_t pfn, pfn_t end)
{
	const struct memblock_region *past = memblock.reserved.region + memblock.reserved.cnt;
	const struct memblock_region *r = memblock_reserved_from(&memblock, pfn << PAGE_SHIFT);

	while (pfn < end) {
		const struct page *page = pfn_to_page(pfn);

		while (r < past && r->end <= pfn << PAGE_SHIFT)
			r++;
		if (page_state(page) != PAGE_INTERIOR) {
			if (!take_block(zone, pfn, end, r))
				return false;
			pfn += 1UL << page_order(page);
			continue;
		}
		if (r == past || r->start >= (pfn + 1) << PAGE_SHIFT)
			return WRONG("census.C1: pfn 0x%lx is in no block and not reserved: flags 0x%lx "
				     "refcount %u",
				     pfn, page->flags, page->refcount);
		if (!blank(page))
			return WRONG("census.C1: pfn 0x%lx is reserved (%s), but not blank: flags 0x%lx "
				     "refcount %u",
				     pfn, r->name, page->flags, page->refcount);
		pfn = mm_checks_quick ? max(pfn + 1, min(r->end >> PAGE_SHIFT, end)) : pfn + 1;
	}
	return true;
}

/* C6. A pageblock of type ISOLATE or HIGHATOMIC belongs to one zone as a whole. */
static bool walk_pageblocks(const struct zone *zone, pfn_t pfn, pfn_t end)
{
	for (pfn = ALIGN_UP(pfn, PAGEBLOCK_PAGES); pfn < end; pfn += PAGEBLOCK_PAGES) {
		unsigned type = pfn_to_page(pfn)->block_type;

		if (type >= NR_MIGRATETYPES || type == MT_CMA)
			return WRONG("census.C6: the pageblock at pfn 0x%lx has type %u", pfn, type);
		if (type != MT_ISOLATE && type != MT_HIGHATOMIC)
			continue;
		if (end - pfn < PAGEBLOCK_PAGES)
			return WRONG("census.C6: the pageblock at pfn 0x%lx has type %u and is not zone %s's "
				     "alone",
				     pfn, type, zone->name);
		if (type == MT_ISOLATE)
			census.zone.isolated_blocks++;
		else
			census.zone.highatomic_pages += PAGEBLOCK_PAGES;
	}
	return true;
}

/* ---- zones ---- */

/* Calls fn for each run of the zone's memory in an opened section, until it returns false. */
static bool each_run(const struct zone *zone, bool (*fn)(const struct zone *zone, pfn_t start, pfn_t end))
{
	for (unsigned i = 0; i < memblock.memory.cnt; i++) {
		const struct memblock_region *m = &memblock.memory.region[i];
		pfn_t start = max(m->start >> PAGE_SHIFT, zone->start_pfn);
		pfn_t end = min(m->end >> PAGE_SHIFT, zone->end_pfn);
		unsigned long past = DIV_ROUND_UP(end, SECTION_PAGES), nr = start / SECTION_PAGES;

		if (m->nid != zone->nid || start >= end)
			continue;
		while ((nr = section_next_open(nr, past)) < past) {
			if (!fn(zone, max(start, nr * SECTION_PAGES), min(end, (nr + 1) * SECTION_PAGES)))
				return false;
			nr++;
		}
	}
	return true;
}

static bool equal(const struct zone *zone, const char *what, unsigned long counted, unsigned long is)
{
	return counted == is || WRONG("%s: zone %s, node %d: counted as %lu, there are %lu", what, zone->name,
				      zone->nid, counted, is);
}

/* C5, C6 */
static bool zone_counts_sound(const struct zone *zone)
{
	const struct zone_sum *z = &census.zone;
	unsigned long listed = 0, unopened = 0, pcp = 0;
	unsigned cpu;

	for (unsigned o = 0; o < NR_ORDERS; o++) {
		if (!equal(zone, "census.C5: nr_free", zone->free_area[o].nr_free, z->free[o]))
			return false;
		listed += z->free[o] << o;
		unopened += zone->unopened[o] << o;
	}
	for_each_possible_cpu (cpu)
		pcp += pcp_count(zone, cpu);
	return equal(zone, "census.C5: listed_pages", zone->listed_pages, listed) &&
	       equal(zone, "census.C5: isolated_pages", zone->isolated_pages, z->isolated) &&
	       equal(zone, "census.C5: free_pages", zone->free_pages, listed + unopened - z->isolated) &&
	       equal(zone, "census.C5: pages on per-CPU lists", pcp, z->pcp) &&
	       equal(zone, "census.C5: managed", zone->managed, listed + unopened + z->pcp + z->allocated) &&
	       equal(zone, "census.C6: nr_isolated_blocks", zone->nr_isolated_blocks, z->isolated_blocks) &&
	       equal(zone, "census.C6: highatomic_pages", zone->highatomic_pages, z->highatomic_pages);
}

static bool walk_zones(bool compare)
{
	const struct zone *zone;

	for_each_populated_zone (zone) {
		census.zone = (struct zone_sum){};
		if (!each_run(zone, walk_frames) || !each_run(zone, walk_pageblocks) ||
		    (compare && !zone_counts_sound(zone)))
			return false;
	}
	return true;
}

/* C8: frames between the ranges of memory, if they have struct pages. */
static bool holes_blank(void)
{
	pfn_t at = 0;

	if (mm_checks_quick)
		return true;
	for (unsigned i = 0; i <= memblock.memory.cnt; i++) {
		bool last = i == memblock.memory.cnt;
		pfn_t end = last ? section_count() * SECTION_PAGES
				 : memblock.memory.region[i].start >> PAGE_SHIFT;
		unsigned long past = DIV_ROUND_UP(end, SECTION_PAGES), nr = at / SECTION_PAGES;

		for (; (nr = section_next_open(nr, past)) < past; nr++)
			for (pfn_t pfn = max(at, nr * SECTION_PAGES);
			     pfn < min(end, (nr + 1) * SECTION_PAGES); pfn++)
				if (pfn_valid(pfn) && !blank(pfn_to_page(pfn)))
					return WRONG("census.C8: pfn 0x%lx is no memory, its struct page is "
						     "not blank",
						     pfn);
		at = last ? end : memblock.memory.region[i].end >> PAGE_SHIFT;
	}
	return true;
}

/* ---- users ---- */

static void claim(pfn_t pfn, unsigned order, void *place)
{
	sum_add(place, pfn, order);
}

static void claim_all(void)
{
	const struct zone *zone;

	for_each_populated_zone (zone) {
		buddy_for_each_listed(zone, claim, &census.claimed[BUDDY]);
		pcp_for_each_listed(zone, claim, &census.claimed[PCP]);
	}
	slab_for_each_block(claim, &census.claimed[SLAB]);
	pt_for_each_table(claim, &census.claimed[TABLE]);
	vmap_for_each_block(claim, &census.claimed[VMALLOC]);
}

static bool sums_equal(const struct sum *a, const struct sum *b)
{
	return a->blocks == b->blocks && a->pages == b->pages && a->print == b->print;
}

/*
 * Computes both sides for blocks that begin in [lo, hi). Returns false if they differ, and the place in
 * *place.
 */
static bool sides_agree(pfn_t lo, pfn_t hi, unsigned *place)
{
	census = (struct census){.lo = lo, .hi = hi};
	walk_zones(false);
	claim_all();
	for (*place = 0; *place < NR_CLAIMED; ++*place)
		if (!sums_equal(&census.seen[*place], &census.claimed[*place]))
			return false;
	return true;
}

/* C4: halves the range of frames that differs until one frame is left, and names it. */
static bool name_the_frame(void)
{
	static const char *const names[NR_CLAIMED] = {
		"buddy: the free lists", "pcp: the per-CPU lists", "slab: the slab lists",
		"page table: the tables from the root", "vmalloc: the areas"};
	pfn_t lo = 0, hi = section_count() * SECTION_PAGES;
	unsigned place;

	while (hi - lo > 1) {
		pfn_t mid = lo + (hi - lo) / 2;

		if (sides_agree(lo, mid, &place))
			lo = mid;
		else
			hi = mid;
	}
	if (sides_agree(lo, hi, &place))
		return WRONG("census.C4: page array and users disagree");
	return WRONG("census.C4: pfn 0x%lx: %s have it %lu times (%lu pages), the page array %lu times (%lu)",
		     lo, names[place], census.claimed[place].blocks, census.claimed[place].pages,
		     census.seen[place].blocks, census.seen[place].pages);
}

/* C7 */
static bool counters_sound(void)
{
	const unsigned long reclaimable = slab_reclaimable_pages();
	const struct {
		const char *name;
		unsigned long counted, is;
	} counters[] = {
		{"reclaimable slab", mm_counter_read(MM_SLAB_RECLAIMABLE), reclaimable},
		{"unreclaimable slab", mm_counter_read(MM_SLAB_UNRECLAIMABLE),
		 census.seen[SLAB].pages - reclaimable + census.kmalloc_pages},
		{"vmalloc", mm_counter_read(MM_VMALLOC), census.seen[VMALLOC].pages},
		{"kernel stack", mm_counter_read(MM_KERNEL_STACK), 0},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(counters); i++)
		if (counters[i].counted != counters[i].is)
			return WRONG("census.C7: %s pages: counted as %lu, there are %lu", counters[i].name,
				     counters[i].counted, counters[i].is);
	return true;
}

static const char *census_check(void)
{
	census = (struct census){.hi = ~0UL};
	if (!walk_zones(true) || !holes_blank())
		return wrong;
	claim_all();
	for (unsigned place = 0; place < NR_CLAIMED; place++)
		if (!sums_equal(&census.seen[place], &census.claimed[place])) {
			name_the_frame();
			return wrong;
		}
	return counters_sound() ? NULL : wrong;
}
MM_CHECK("census", census_check);
