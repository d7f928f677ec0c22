/*
 * pcp.c - per-CPU page lists, orders 0 to 3, one stack per order and migratetype.
 *
 * Idea.       Most requests are for few pages, and most pages are freed on the CPU that allocated them.
 *             A short LIFO per CPU and zone serves both without zone->lock and returns pages that are
 *             still in the cache.
 * Layout.     pcp_zone[zone id], per CPU -> { batch, high, spare, row[type][order] -> stack }; the top
 *             of a stack is the most recently freed block. pcp_alloc_stack[placement bits of
 *             gfp][order] leads from a request to its stack in one load. high (pages) is divided among
 *             the stacks: each has a limit in blocks, the rest is spare. A full stack takes up to a
 *             batch from spare, then unused limit from other stacks. Zone DMA32 of a 512 MiB machine,
 *             batch 31, high 435:
 *
 *              start                           all limits 0                                spare 435
 *              first free of order 0           limit[0] = 31                               spare 404
 *              after 435 frees of order 0      limit[0] = 435, avail 435                   spare 0
 *              35 allocated, one free of       limit[0] = 411, limit[3] = 3 blocks =       spare 0
 *              order 3 (a batch is 3 blocks)   24 pages taken from the 35 unused
 *
 *             A flush frees the batch just below the newest entries. avail 435, batch 31:
 *
 *              bottom | 0 .. 372: stay | 373 .. 403: to the buddy | 404 .. 434: newest, move down to 373 | top
 *
 * Invariants. P1  a block on a stack has the stack's order, state PCP, refcount 0; the buddy counts it
 *                 as allocated
 *             P2  sum(limit << order) + spare == high and avail <= limit, so all stacks together hold
 *                 at most high pages
 *             P3  a CPU's lists of a zone are its own; a row leads to the stack of its type and order,
 *                 all others to pcp_nostack, which is empty and full
 *             P4  placement bits lead to the zone that they prefer and to its stacks, to none while the
 *                 lists are off
 * Locking.    No lock: only the owner CPU touches its stacks. Pop and push are restartable
 *             (arch/pcpu.h), so an interrupt may use the same stack. Refill, flush and drain run with
 *             IRQs off and take zone->lock once a batch.
 * Failure.    A refill may get less than a batch. If it gets nothing, it returns NULL and no page has
 *             moved. While fail_page_alloc is armed, high and all limits are 0: every call then takes
 *             the slow path, and the slow path consults fault injection. The fast paths need no test.
 *             With page debugging the lists are never made.
 * Source.     Linux mm/page_alloc.c (rmqueue_bulk, free_pcppages_bulk, nr_pcp_free), where high bounds
 *             one count over all lists; here each stack has a limit, so a push compares avail with
 *             limit and needs no sum.
 * Next:       page_alloc.c, which chooses the zone.
 */
#include <kernel/bug.h>
#include <kernel/smp.h>
#include <kernel/string.h>
#include <mm/check.h>
#include <mm/check_walk.h>
#include <mm/internal.h>
#include <mm/memmap.h>

struct pcpu_stack pcp_nostack;
DEFINE_PER_CPU(struct pcpu_stack *, pcp_alloc_stack[GFP_PLACE_MASK + 1][PCP_ORDERS]);
DEFINE_PER_CPU(struct zone *, pcp_alloc_zone[GFP_PLACE_MASK + 1]);
DEFINE_PER_CPU(struct pcp *, pcp_zone[MAX_NODES << ZONES_PER_NODE_SHIFT]);

/*
 * Placeholder of every zone and CPU until pcp_init(), and permanently of zones without memory: all its
 * rows are pcp_nostack, which is always empty and full.
 */
static struct pcp boot_pcp;

static unsigned long stack_pages(const struct pcpu_stack *s, unsigned order)
{
	return (unsigned long)s->avail << order;
}

/* ---- dividing `high` among the stacks ---- */

/*
 * Moves nr blocks of a stack to the buddy: those just below the newest min(nr, avail - nr), which then
 * move down. Deeper entries stay, so few entries are copied. Context: zone->lock held.
 */
static void flush_cold(struct zone *zone, struct pcpu_stack *s, unsigned order, unsigned nr)
{
	unsigned warm = min(s->avail - nr, nr);
	void **cold = &s->entry[s->avail - warm - nr];

	buddy_free_many(zone, (struct page **)cold, nr, order, PAGE_PCP);
	for (unsigned i = 0; i < warm; i++)
		cold[i] = cold[nr + i];
	s->avail -= nr;
}

/*
 * Raises the limit of stack s by up to `blocks`: first from spare, then from unused limit of other
 * stacks. Returns the increase.
 */
static unsigned grant(struct pcp *pcp, struct pcpu_stack *s, unsigned order, unsigned blocks)
{
	unsigned got = min(pcp->spare >> order, blocks);

	pcp->spare -= got << order;
	s->limit += got;
	for (unsigned o = 0; o < PCP_ORDERS && got < blocks; o++) {
		for (unsigned t = 0; t < MT_PCPTYPES && got < blocks; t++) {
			struct pcpu_stack *other = pcp->row[t][o];
			unsigned idle = other->limit - other->avail, more;

			if (other == s || !idle)
				continue;
			idle = min(idle, DIV_ROUND_UP((blocks - got) << order, 1u << o));
			other->limit -= idle;
			pcp->spare += idle << o;
			more = min(pcp->spare >> order, blocks - got);
			pcp->spare -= more << order;
			s->limit += more;
			got += more;
		}
	}
	return got;
}

/* Blocks that one refill or flush of this order moves: at most 31 pages, at least one block. */
static unsigned batch_blocks(const struct pcp *pcp, unsigned order)
{
	return max(min(pcp->batch, (u32)PCP_REFILL_MAX) >> order, 1u);
}

/* ---- slow paths of allocation and free ---- */

struct page *pcp_refill(struct zone *zone, unsigned order, enum migratetype type, unsigned flags)
{
	struct pcp *pcp = this_cpu(pcp_zone[zone->id]);
	struct pcpu_stack *s = pcp->row[type][order];
	struct page *page[PCP_REFILL_MAX + 1];
	unsigned want = batch_blocks(pcp, order), got = 0;
	/*
	 * The batch is taken without access to reserves; only the one block of this request may come
	 * from them.
	 */
	unsigned ordinary = flags & BUDDY_NOFRAGMENT;

	/* An interrupt refilled the stack meanwhile. */
	if (s->avail)
		return s->entry[--s->avail];
	if (s != &pcp_nostack) {
		if (s->limit < want - 1)
			grant(pcp, s, order, want - 1 - s->limit);
		pcp->refills++;
	}
	want = min(want, s->limit + 1);

	spin_lock(&zone->lock);
	got = buddy_alloc_many(zone, order, type, want, page, ordinary, PAGE_PCP);
	if (!got && flags != ordinary && (page[0] = buddy_alloc(zone, order, type, flags)) != NULL) {
		UPDATE_ONCE(page[0]->flags, ^=, PAGE_ALLOCATED ^ PAGE_PCP);
		got = 1;
	}
	spin_unlock(&zone->lock);
	if (!got)
		return NULL;
	/* pcp_nostack is shared by all CPUs: do not store into it. */
	if (got == 1)
		return page[0];
	/*
	 * The first block goes to the caller. The rest is stored in reverse, so pops return ascending
	 * frames.
	 */
	for (unsigned i = 1; i < got; i++)
		s->entry[i - 1] = page[got - i];
	s->avail = got - 1;
	return page[0];
}

void pcp_free_slow(struct zone *zone, struct page *page, unsigned order)
{
	struct pcp *pcp = this_cpu(pcp_zone[zone->id]);
	struct pcpu_stack *s = pcp_row(pcp, page->flags);
	unsigned batch = batch_blocks(pcp, order);

	if (s == &pcp_nostack || !grant(pcp, s, order, batch)) {
		spin_lock(&zone->lock);
		if (s->limit) {
			pcp->flushes++;
			flush_cold(zone, s, order, min(batch, s->avail));
		} else {
			buddy_free(zone, page, order, pageblock_type(page), false);
		}
		spin_unlock(&zone->lock);
		if (!s->limit)
			return;
	}
	s->entry[s->avail++] = page;
}

static unsigned long drain_zone(struct zone *zone)
{
	struct pcp *pcp = this_cpu(pcp_zone[zone->id]);
	unsigned long moved = 0;

	for (unsigned o = 0; o < PCP_ORDERS; o++) {
		for (unsigned t = 0; t < MT_PCPTYPES; t++) {
			struct pcpu_stack *s = pcp->row[t][o];

			/* IRQs are off for one batch at a time. */
			while (s->avail) {
				unsigned long flags = arch_irq_save();
				unsigned nr = min(s->avail, batch_blocks(pcp, o));

				spin_lock(&zone->lock);
				flush_cold(zone, s, o, nr);
				spin_unlock(&zone->lock);
				moved += (unsigned long)nr << o;
				arch_irq_restore(flags);
			}
		}
	}
	return moved;
}

unsigned long pcp_drain_local(struct zone *zone)
{
	unsigned long moved = 0;

	if (zone)
		return drain_zone(zone);
	for_each_populated_zone (zone)
		moved += drain_zone(zone);
	return moved;
}

unsigned long pcp_count(const struct zone *zone, unsigned cpu)
{
	const struct pcp *pcp = per_cpu(pcp_zone[zone->id], cpu);
	unsigned long pages = 0;

	for (unsigned o = 0; pcp && o < PCP_ORDERS; o++)
		for (unsigned t = 0; t < MT_PCPTYPES; t++)
			pages += stack_pages(pcp->row[t][o], o);
	return pages;
}

/* ---- set-up ---- */

static void clear_rows(struct pcp *pcp)
{
	for (unsigned t = 0; t < ARRAY_SIZE(pcp->row); t++)
		for (unsigned o = 0; o < ARRAY_SIZE(pcp->row[0]); o++)
			pcp->row[t][o] = &pcp_nostack;
}

/*
 * Pages of HIGHATOMIC and CMA pageblocks use the movable stack. MT_ISOLATE has none: its pages go
 * straight to the buddy.
 */
static void alias_rows(struct pcp *pcp, unsigned order)
{
	pcp->row[MT_HIGHATOMIC][order] = pcp->row[MT_MOVABLE][order];
	pcp->row[MT_CMA][order] = pcp->row[MT_MOVABLE][order];
}

void pcp_early_init(void)
{
	unsigned cpu;

	clear_rows(&boot_pcp);
	boot_pcp.batch = 1;
	for_each_possible_cpu (cpu) {
		for (unsigned id = 0; id < MAX_NODES << ZONES_PER_NODE_SHIFT; id++)
			per_cpu(pcp_zone[id], cpu) = &boot_pcp;
		for (unsigned place = 0; place <= GFP_PLACE_MASK; place++)
			for (unsigned o = 0; o < PCP_ORDERS; o++)
				per_cpu(pcp_alloc_stack[place][o], cpu) = &pcp_nostack;
	}
}

/* Returns whether the bits name at most one zone and are not both movable and reclaimable. */
static bool place_valid(unsigned place)
{
	unsigned zones = place & (__GFP_DMA | __GFP_HIGHMEM | __GFP_DMA32);

	return !(zones & (zones - 1)) &&
	       (place & (__GFP_MOVABLE | __GFP_RECLAIMABLE)) != (__GFP_MOVABLE | __GFP_RECLAIMABLE);
}

static struct zone *preferred_zone(int nid, enum zone_type highest)
{
	/* The fast path does not test __GFP_THISNODE, so its stacks hold local pages only. */
	const struct zonelist *list = &nodes[nid].thisnode;

	for (unsigned i = 0; list->zone[i]; i++)
		if (list->zone[i]->type <= highest)
			return list->zone[i];
	return NULL;
}

/*
 * Local zone that a request with these placement bits tries first; NULL if the bits contradict or the
 * node has no such zone.
 */
static struct zone *place_zone(unsigned place, unsigned cpu)
{
	return place_valid(place) ? preferred_zone(cpu_to_node_map[cpu], gfp_zone(place)) : NULL;
}

/* Fills the CPU's tables from placement bits to zone and stack. */
static void fill_alloc_stacks(unsigned cpu)
{
	for (unsigned place = 0; place <= GFP_PLACE_MASK; place++) {
		struct zone *zone = place_zone(place, cpu);

		per_cpu(pcp_alloc_zone[place], cpu) = zone;
		for (unsigned o = 0; o < PCP_ORDERS; o++)
			per_cpu(pcp_alloc_stack[place][o], cpu) =
				zone ? per_cpu(pcp_zone[zone->id], cpu)->row[gfp_migratetype(place)][o]
				     : &pcp_nostack;
	}
}

/* Address of a stack in the memory of one CPU's lists: ordered by order, then by type. */
static struct pcpu_stack *stack_of(const struct pcp *pcp, const struct zone *zone, unsigned type,
				   unsigned order)
{
	size_t at = sizeof(*pcp);

	for (unsigned o = 0; o <= order; o++) {
		size_t bytes = sizeof(struct pcpu_stack) + ((size_t)zone->high >> o) * sizeof(void *);

		at += (o == order ? type : (unsigned)MT_PCPTYPES) * bytes;
	}
	return (struct pcpu_stack *)((char *)pcp + at);
}

static size_t pcp_bytes(const struct zone *zone)
{
	size_t bytes = sizeof(struct pcp);

	for (unsigned o = 0; o < PCP_ORDERS; o++)
		bytes += MT_PCPTYPES *
			 (sizeof(struct pcpu_stack) + ((size_t)zone->high >> o) * sizeof(void *));
	return bytes;
}

static u32 pcp_owner(const struct zone *zone, unsigned cpu)
{
	return zone->id * NR_CPUS + cpu;
}

/*
 * Allocates one CPU's stacks for a zone. Each has capacity for all of high; the limits decide how much
 * is used.
 */
static void make_pcp(struct zone *zone, unsigned cpu)
{
	size_t bytes = pcp_bytes(zone);
	struct page *page;
	struct pcp *pcp;

	page = alloc_pages_trimmed(cpu_to_node_map[cpu], GFP_KERNEL, DIV_ROUND_UP(bytes, PAGE_SIZE));
	if (!page)
		boot_refused("out of memory at boot: no %zu bytes for the page lists of zone %s%s", bytes,
			     zone->name, memmap_blame());
	pcp = page_address(page);
	*pcp = (struct pcp){
		.batch = zone->batch, .high = zone->high, .spare = zone->high, .owner = pcp_owner(zone, cpu)};
	clear_rows(pcp);
	for (unsigned o = 0; o < PCP_ORDERS; o++) {
		for (unsigned t = 0; t < MT_PCPTYPES; t++) {
			struct pcpu_stack *s = stack_of(pcp, zone, t, o);

			s->avail = 0;
			s->limit = 0;
			pcp->row[t][o] = s;
		}
		alias_rows(pcp, o);
	}
	per_cpu(pcp_zone[zone->id], cpu) = pcp;
}

/* Empties one CPU's lists of a zone and sets high to zone->high (on) or 0 (off). Context: IRQs off. */
static void switch_lists(struct zone *zone, struct pcp *pcp, bool on)
{
	spin_lock(&zone->lock);
	for (unsigned o = 0; o < PCP_ORDERS; o++) {
		for (unsigned t = 0; t < MT_PCPTYPES; t++) {
			struct pcpu_stack *s = pcp->row[t][o];

			flush_cold(zone, s, o, s->avail);
			s->limit = 0;
		}
	}
	spin_unlock(&zone->lock);
	pcp->high = pcp->spare = on ? zone->high : 0;
}

/* Context: IRQs off. After boot a CPU may only switch its own lists. */
static void switch_cpu(unsigned cpu, bool on)
{
	struct zone *zone;

	for_each_populated_zone (zone) {
		struct pcp *pcp = per_cpu(pcp_zone[zone->id], cpu);
		bool is_on = pcp->high != 0;

		if (is_on != on)
			switch_lists(zone, pcp, on);
	}
	for (unsigned place = 0; place <= GFP_PLACE_MASK; place++)
		per_cpu(pcp_alloc_zone[place], cpu) = on ? place_zone(place, cpu) : NULL;
}

/* False with page debugging, which uses no lists. */
static bool lists_made;

static void switch_this_cpu(void *on)
{
	switch_cpu(arch_cpu_id(), *(bool *)on);
}

void pcp_update_bypass(void)
{
	bool on = !fault_armed(&fail_page_alloc);

	if (lists_made)
		smp_call_all(switch_this_cpu, &on);
}

void pcp_init(void)
{
	struct zone *zone;
	unsigned cpu;

	/* Every call must take the slow path, where the debugging hooks are. */
	if (page_debug_enabled())
		return;
	lists_made = true;
	for_each_possible_cpu (cpu) {
		for_each_populated_zone (zone)
			make_pcp(zone, cpu);
		fill_alloc_stacks(cpu);
		switch_cpu(cpu, !fault_armed(&fail_page_alloc));
	}
}

/* ---- search ---- */

int pcp_holder(const struct zone *zone, const struct page *head)
{
	int holder = -1;
	unsigned cpu;

	smp_hold();
	for_each_online_cpu (cpu) {
		const struct pcpu_stack *s = pcp_row(per_cpu(pcp_zone[zone->id], cpu), head->flags);

		for (unsigned i = 0; i < s->avail; i++)
			if (s->entry[i] == head)
				holder = (int)cpu;
	}
	smp_release();
	return holder;
}

/* ---- check ---- */

void pcp_for_each_listed(const struct zone *zone, frame_fn fn, void *ctx)
{
	unsigned cpu;

	for_each_possible_cpu (cpu) {
		const struct pcp *pcp = per_cpu(pcp_zone[zone->id], cpu);

		if (pcp == &boot_pcp || !check_object(pcp, sizeof(*pcp), sizeof(long)))
			continue;
		for (unsigned o = 0; o < PCP_ORDERS; o++)
			for (unsigned t = 0; t < MT_PCPTYPES; t++) {
				const struct pcpu_stack *s = pcp->row[t][o];

				for (unsigned i = 0;
				     s == stack_of(pcp, zone, t, o) && i < min(s->avail, zone->high >> o);
				     i++)
					if (check_page(s->entry[i]))
						fn(page_to_pfn(s->entry[i]), o, ctx);
			}
	}
}

static char wrong[96];

static const char *complain(const char *what, const struct zone *zone, unsigned cpu)
{
	snprintf(wrong, sizeof(wrong), "%s: zone %u, CPU %u", what, zone->id, cpu);
	return wrong;
}

/* P1 and P2 of one stack whose address was checked. */
static const char *check_stack(const struct zone *zone, const struct pcpu_stack *s, unsigned order)
{
	if (s->avail > s->limit || s->limit > zone->high >> order)
		return "pcp.P2: a stack holds more than its limit";
	for (unsigned i = 0; i < s->avail; i++) {
		const struct page *page = s->entry[i];

		if (!check_page(page))
			return "pcp.P1: an entry is no struct page";
		if ((page->flags & (PG_STATE_MASK | PG_ORDER_MASK)) !=
			    (PAGE_PCP | (unsigned long)order << PG_ORDER_SHIFT) ||
		    page->refcount)
			return "pcp.P1: a listed block has another state or order, or a reference";
		if (page_zone_id(page) != zone->id)
			return "pcp.P1: a block of another zone";
	}
	return NULL;
}

/* P3: the stack that a type and an order must lead to. */
static const struct pcpu_stack *row_of(const struct pcp *pcp, const struct zone *zone, unsigned type,
				       unsigned order)
{
	if (type == MT_HIGHATOMIC || type == MT_CMA)
		type = MT_MOVABLE;
	return type < MT_PCPTYPES && order < PCP_ORDERS ? stack_of(pcp, zone, type, order) : &pcp_nostack;
}

static const char *check_lists(const struct zone *zone, const struct pcp *pcp)
{
	unsigned long granted = 0;

	for (unsigned t = 0; t < ARRAY_SIZE(pcp->row); t++)
		for (unsigned o = 0; o < ARRAY_SIZE(pcp->row[0]); o++)
			if (pcp->row[t][o] != row_of(pcp, zone, t, o))
				return "pcp.P3: a row leads to another stack";
	for (unsigned o = 0; o < PCP_ORDERS; o++)
		for (unsigned t = 0; t < MT_PCPTYPES; t++) {
			const char *what = check_stack(zone, pcp->row[t][o], o);

			if (what)
				return what;
			granted += (unsigned long)pcp->row[t][o]->limit << o;
		}
	return granted + pcp->spare == pcp->high ? NULL : "pcp.P2: limits and spare do not add up to high";
}

static const char *check_pcp(const struct zone *zone, unsigned cpu)
{
	const struct pcp *pcp = per_cpu(pcp_zone[zone - zone_table], cpu);

	if (!lists_made || !zone->present)
		return pcp == &boot_pcp ? NULL : "pcp.P3: lists of a zone that has none";
	if (pcp == &boot_pcp || zone->high > PCP_HIGH_MAX || !check_object(pcp, pcp_bytes(zone), PAGE_SIZE))
		return "pcp.P3: no lists";
	if (pcp->owner != pcp_owner(zone, cpu))
		return "pcp.P3: lists of another zone or CPU";
	if (pcp->batch != zone->batch || (pcp->high && pcp->high != zone->high))
		return "pcp.P2: batch or high is not the zone's";
	return check_lists(zone, pcp);
}

/* P4. The lists of all zones are on, or all are off. */
static bool places_hold(unsigned cpu, bool on)
{
	for (unsigned place = 0; place <= GFP_PLACE_MASK; place++) {
		const struct zone *zone = lists_made ? place_zone(place, cpu) : NULL;

		if (per_cpu(pcp_alloc_zone[place], cpu) != (on ? zone : NULL))
			return false;
		for (unsigned o = 0; o < PCP_ORDERS; o++)
			if (per_cpu(pcp_alloc_stack[place][o], cpu) !=
			    (zone ? per_cpu(pcp_zone[zone->id], cpu)->row[gfp_migratetype(place)][o]
				  : &pcp_nostack))
				return false;
	}
	return true;
}

const char *pcp_check(void)
{
	struct zone *zone;
	unsigned cpu;

	if (pcp_nostack.avail || pcp_nostack.limit)
		return "pcp.P3: the stack that stands for none has been written to";
	for_each_possible_cpu (cpu) {
		unsigned on = 0, off = 0;

		for_each_zone (zone) {
			const char *what = check_pcp(zone, cpu);

			if (what)
				return complain(what, zone, cpu);
			on += lists_made && zone->present && per_cpu(pcp_zone[zone->id], cpu)->high;
			off += lists_made && zone->present && !per_cpu(pcp_zone[zone->id], cpu)->high;
		}
		if (!places_hold(cpu, on) || (on && off))
			return complain("pcp.P4: a request is led to another zone or stack", zone_table, cpu);
	}
	return NULL;
}
MM_CHECK_RANKED("pcp", pcp_check, CHECK_RANK_LISTS);
