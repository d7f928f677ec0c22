/*
 * pcp.c - per-CPU page lists, orders 0 to 3, one stack per order and migratetype.
 *
 * Idea.       Most requests are for few pages and most frees come back on the same CPU. A short LIFO per CPU and
 *             zone answers both without the zone lock and returns pages that are still warm in the cache.
 * Layout.     pcp_zone[zone id], per CPU -> { batch, high, spare, row[type][order] -> stack }    top = most recently freed
 *             pcp_alloc_stack[gfp place bits][order] leads from a request to its stack in one load
 * Invariants. P1  a block on a stack: of its order, state PCP, refcount 0; the buddy counts it as taken
 *             P2  sum(limit << order) + spare == high, and avail <= limit: pages on all stacks never exceed high
 *             P3  a CPU's lists of a zone are its own; a row leads to the stack of its type and order, all others to
 *                 pcp_nostack, which is empty and full
 *             P4  placement bits lead to the zone that they prefer and to its stacks, to none while the lists are off
 * Locking.    None: only the owner CPU touches its stacks. Pop and push are restartable (arch/pcpu.h), so an
 *             interrupt may use the same stack; refill, flush and drain run with IRQs off and take zone->lock once
 *             per batch.
 * Failure.    Refill gives what it gets; nothing is NULL to the caller and changes nothing. While failures are
 *             injected, high is 0: every call misses, and what it misses to asks whether to fail. The fast paths carry
 *             no test for that.
 * Source.     Linux mm/page_alloc.c (rmqueue_bulk, free_pcppages_bulk, nr_pcp_free). There `high` is one count
 *             over all lists; here it is divided into limits that stacks lend each other, so that a push needs no
 *             sum.
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

/* Serves every zone and CPU until pcp_init(), and zones without memory for ever: all of its stacks are
 * pcp_nostack. */
static struct pcp boot_pcp;

static unsigned long stack_pages(const struct pcpu_stack *s, unsigned order)
{
	return (unsigned long)s->avail << order;
}

/* ---- sharing `high` between the stacks ---- */

/*
 * Moves nr blocks of a stack to the buddy, leaving up to nr warm ones above them. What lies deeper stays, so that
 * little has to be moved down: among cold blocks one is as good as another. zone->lock held.
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

/* Room for up to `blocks` more of this stack's order, from what nobody uses. Returns the blocks granted. */
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

/* Blocks that one refill or flush of this order moves. */
static unsigned batch_blocks(const struct pcp *pcp, unsigned order)
{
	return max(min(pcp->batch, (u32)PCP_REFILL_MAX) >> order, 1u);
}

/* ---- the slow halves of allocation and free ---- */

struct page *pcp_refill(struct zone *zone, unsigned order, enum migratetype type, unsigned flags)
{
	struct pcp *pcp = this_cpu(pcp_zone[zone->id]);
	struct pcpu_stack *s = pcp->row[type][order];
	struct page *page[PCP_REFILL_MAX + 1];
	unsigned want = batch_blocks(pcp, order), got = 0;
	unsigned ordinary = flags & BUDDY_NOFRAGMENT; /* the reserve is for this request, not for the list */

	if (s->avail) /* an interrupt has refilled it */
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
	if (got == 1) /* where there are no lists, all CPUs share an empty one: nothing is stored there */
		return page[0];
	/* The first goes to the caller, the rest so that later pops give ascending frames. */
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

			while (s->avail) { /* in steps: in the main loop interrupts are off for one batch at most */
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

/* Reserved for high-order atomics or CMA: such pages wait on the movable list; isolated ones never wait. */
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

static bool place_valid(unsigned place)
{
	unsigned zones = place & (__GFP_DMA | __GFP_HIGHMEM | __GFP_DMA32);

	return !(zones & (zones - 1)) &&
	       (place & (__GFP_MOVABLE | __GFP_RECLAIMABLE)) != (__GFP_MOVABLE | __GFP_RECLAIMABLE);
}

static struct zone *preferred_zone(int nid, enum zone_type highest)
{
	const struct zonelist *list =
		&nodes[nid].thisnode; /* a remote zone's pages would escape __GFP_THISNODE */

	for (unsigned i = 0; list->zone[i]; i++)
		if (list->zone[i]->type <= highest)
			return list->zone[i];
	return NULL;
}

/* The local zone that a request with these placement bits tries first, or NULL. */
static struct zone *place_zone(unsigned place, unsigned cpu)
{
	return place_valid(place) ? preferred_zone(cpu_to_node_map[cpu], gfp_zone(place)) : NULL;
}

/* From a request's placement bits to the stack that it pops from, per CPU. */
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

/* Where a zone's lists put their stacks: one behind the other, by order, then by type. */
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

/* Each stack can hold all of high: limits decide how much of it is used. */
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

/* Nothing may be on one CPU's lists of a zone, or up to high again. IRQs off. */
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

/* Only the CPU itself, at boot any. IRQs off. */
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

static bool lists_made; /* page debugging does without */

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

	if (page_debug_enabled()) /* every call takes the slow path, where the checks are */
		return;
	lists_made = true;
	for_each_possible_cpu (cpu) {
		for_each_populated_zone (zone)
			make_pcp(zone, cpu);
		fill_alloc_stacks(cpu);
		switch_cpu(cpu, !fault_armed(&fail_page_alloc));
	}
}

/* ---- look ---- */

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

/* P1, P2 of one stack, which lies where it should. */
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

/* P3: the stack that a type and an order lead to. */
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

/* P4. The lists are on or off together. */
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
