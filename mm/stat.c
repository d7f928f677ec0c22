/*
 * stat.c - snapshots of the page layers, for the shell and for tests.
 *
 * Idea.       Numbers that are printed together must be consistent: free pages and their blocks, a
 *             frame's state and the block around it. So the data of one zone, or of one frame, is
 *             copied under the zone's lock and printed without it.
 * Layout.     mem_stat: sums of the whole system. zone_stat, pcp_stat: one zone, one CPU's lists of it.
 *             type_stat: one zone's lists by type. frame_stat: one frame, opened or not.
 * Invariants. I1  zone_stat.free == sum of blocks[order] << order, whichever sections are open (nothing
 *                 isolated)
 *             I2  the functions change nothing that they read, and open no section
 * Locking.    zone->lock of one zone at a time. type_stat() drops it between two lists, so interrupts
 *             are off for one list at most.
 * Failure.    A frame that is in no memory map is reported as such.
 * Next:       check.c, then kernel/shell/cmd_mm.c, which prints.
 */
#include <mm/stat.h>

#include <mm/memmap.h>
#include <mm/pgtable.h>
#include <mm/vmalloc.h>
#include <mm/percpu.h>

#include <kernel/string.h>

#include <arch/stack.h>

#include "internal.h"
#include "slab_internal.h"

/* ---- the whole system ---- */

/*
 * Pages that no allocation may use without going below a mark or into a reserve (Linux
 * calculate_totalreserve_pages).
 */
static unsigned long total_reserve(void)
{
	unsigned long sum = 0;
	struct zone *zone;

	for_each_populated_zone (zone) {
		unsigned long most = 0;

		for (unsigned j = zone->type; j < NR_ZONES; j++)
			most = max(most, zone->lowmem_reserve[j]);
		sum += min(most + zone->wmark[WMARK_HIGH] + zone->boost, zone->managed);
	}
	return sum;
}

/* Estimates available memory as Linux's si_mem_available(), without a page cache. */
static unsigned long available_pages(const struct mem_stat *m)
{
	unsigned long low = 0, have = m->free + m->slab_reclaimable, keep = total_reserve();
	struct zone *zone;

	for_each_populated_zone (zone)
		low += zone->wmark[WMARK_LOW];
	keep += min(m->slab_reclaimable / 2, low);
	return have > keep ? have - keep : 0;
}

static unsigned long stack_bytes(void)
{
	unsigned long sum = mm_counter_read(MM_KERNEL_STACK) << PAGE_SHIFT;
	struct arch_stack_info s;

	for (unsigned n = 0; arch_stack_info(n, &s); n++)
		sum += s.end - s.start;
	return sum;
}

void mem_stat(struct mem_stat *m)
{
	unsigned long used_bytes, largest, ranges;

	*m = (struct mem_stat){
		.total = totalram_pages(),
		.free = nr_free_pages(),
		.slab_reclaimable = mm_counter_read(MM_SLAB_RECLAIMABLE),
		.slab_unreclaimable = mm_counter_read(MM_SLAB_UNRECLAIMABLE),
		.page_tables = mm_counter_read(MM_PAGETABLE),
		.percpu = percpu_pages(),
		.kernel_stack_bytes = stack_bytes(),
		.vmalloc_used = mm_counter_read(MM_VMALLOC),
	};
	m->available = available_pages(m);
	vmalloc_totals(&m->vmalloc_total_bytes, &used_bytes, &largest, &ranges);
	memcpy(m->direct_map, direct_map_pages, sizeof(m->direct_map));
}

/* ---- zones ---- */

static struct zone *zone_of_stat(const struct zone_stat *z)
{
	return node_zone(z->nid, z->type);
}

bool zone_stat(unsigned n, struct zone_stat *z)
{
	struct zone *zone;
	unsigned long irq;

	if (n / NR_ZONES >= nr_nodes)
		return false;
	zone = node_zone((int)(n / NR_ZONES), (enum zone_type)(n % NR_ZONES));
	irq = spin_lock_irqsave(&zone->lock);
	*z = (struct zone_stat){
		.nid = zone->nid,
		.type = zone->type,
		.name = zone->name,
		.start_pfn = zone->start_pfn,
		.spanned = zone->end_pfn - zone->start_pfn,
		.present = zone->present,
		.managed = zone->managed,
		.free = zone->free_pages,
		.boost = zone->boost,
		.min = zone->wmark[WMARK_MIN] + zone->boost,
		.low = zone->wmark[WMARK_LOW] + zone->boost,
		.high = zone->wmark[WMARK_HIGH] + zone->boost,
	};
	memcpy(z->protection, zone->lowmem_reserve, sizeof(z->protection));
	for (unsigned o = 0; o < NR_ORDERS; o++)
		z->blocks[o] = zone->free_area[o].nr_free + zone->unopened[o];
	spin_unlock_irqrestore(&zone->lock, irq);
	return true;
}

void pcp_stat(const struct zone_stat *z, unsigned cpu, struct pcp_stat *p)
{
	const struct zone *zone = zone_of_stat(z);
	const struct pcp *pcp = per_cpu(pcp_zone[zone->id], cpu);

	*p = (struct pcp_stat){.count = pcp_count(zone, cpu), .high = pcp->high, .batch = pcp->batch};
}

/* ---- by migratetype ---- */

const char *migratetype_name(enum migratetype type)
{
	static const char *const names[NR_MIGRATETYPES] = {"Unmovable",	 "Movable", "Reclaimable",
							   "HighAtomic", "CMA",	    "Isolate"};

	return names[type];
}

/* Entries counted of one list: interrupts are off meanwhile (Linux pagetypeinfo_showfree_print). */
enum { LIST_MAX = 100000 };

/* Counts the blocks of one list. If it is longer than LIST_MAX, sets the order's bit in cut[]. */
static void count_list(struct type_stat *t, struct zone *zone, unsigned type, unsigned order)
{
	unsigned long irq = spin_lock_irqsave(&zone->lock), n = 0;
	const struct list_head *list = &zone->free_area[order].list[type], *l = list->next;

	for (; l != list && n < LIST_MAX; l = l->next)
		n++;
	spin_unlock_irqrestore(&zone->lock, irq);
	t->free[type][order] = n;
	if (l != list)
		t->cut[type] |= 1u << order;
}

/*
 * Counts the pageblocks at or above *from that have RAM in [start, end), and sets *from behind the last
 * one. Unopened pageblocks are movable.
 */
static void count_pageblocks(struct type_stat *t, pfn_t start, pfn_t end, pfn_t *from)
{
	pfn_t pfn = max(ALIGN_DOWN(start, PAGEBLOCK_PAGES), *from);

	while (pfn < end) {
		if (section_is_open(pfn / SECTION_PAGES)) {
			t->pageblocks[pageblock_type(pfn_to_page(pfn))]++;
			pfn += PAGEBLOCK_PAGES;
		} else {
			pfn_t next = min(ALIGN_DOWN(pfn, SECTION_PAGES) + SECTION_PAGES,
					 ALIGN_UP(end, PAGEBLOCK_PAGES));

			t->pageblocks[MT_MOVABLE] += (next - pfn) / PAGEBLOCK_PAGES;
			pfn = next;
		}
	}
	*from = max(pfn, *from);
}

void type_stat(const struct zone_stat *z, struct type_stat *t)
{
	struct zone *zone = zone_of_stat(z);
	pfn_t from = ALIGN_DOWN(zone->start_pfn, PAGEBLOCK_PAGES);

	*t = (struct type_stat){0};
	for (unsigned type = 0; type < NR_MIGRATETYPES; type++)
		for (unsigned o = 0; o < NR_ORDERS; o++)
			count_list(t, zone, type, o);
	for (unsigned o = 0; o < NR_ORDERS; o++)
		t->free[MT_MOVABLE][o] += zone->unopened[o];
	for (unsigned i = 0; i < memblock.memory.cnt; i++) {
		const struct memblock_region *r = &memblock.memory.region[i];
		pfn_t start = max(r->start >> PAGE_SHIFT, zone->start_pfn);
		pfn_t end = min(r->end >> PAGE_SHIFT, zone->end_pfn);

		if (r->nid == zone->nid && start < end)
			count_pageblocks(t, start, end, &from);
	}
}

/* ---- one frame ---- */

static void frame_flag(struct frame_stat *f, const char *name)
{
	if (f->nr_flags < FRAME_MAX_FLAGS)
		f->flag[f->nr_flags++] = name;
}

static void frame_owner(struct frame_stat *f, const char *name)
{
	strlcpy(f->owner, name, sizeof(f->owner));
}

static void frame_caller(struct frame_stat *f, unsigned long caller)
{
	size_t at = strlen(f->owner);

	snprintf(f->owner + at, sizeof(f->owner) - at, "%s%pS", at ? " by " : "", (void *)caller);
}

/* Describes a frame that is no RAM: its type in the memory map, or a hole. */
static void frame_of_no_ram(struct frame_stat *f)
{
	paddr_t pa = f->pfn << PAGE_SHIFT;
	char buf[16];

	frame_flag(f, "nopage");
	for (unsigned i = 0; i < memmap_nr; i++)
		if (pa < memmap[i].end && memmap[i].start < pa + PAGE_SIZE)
			snprintf(f->owner, sizeof(f->owner), "firmware: %s",
				 memmap_type_name(memmap[i].type, buf));
}

/*
 * Describes a frame reserved at boot: the reservation's name, or the page array at the start of a whole
 * section.
 */
static void frame_reserved(struct frame_stat *f)
{
	const char *name = memblock_reserved_name(&memblock, f->pfn << PAGE_SHIFT);

	frame_flag(f, "reserved");
	frame_owner(f, name ? name : "page array");
	f->refcount = 1;
}

/* If the free block contains the frame, stores head and order. */
static void frame_in_block(pfn_t pfn, unsigned order, void *ctx)
{
	struct frame_stat *f = ctx;

	if (f->pfn - pfn >= 1UL << order)
		return;
	f->free = true;
	f->in_block = true;
	f->head = pfn;
	f->order = order;
}

static void frame_unopened(struct frame_stat *f, const struct zone *zone)
{
	section_for_each_block(f->pfn / SECTION_PAGES, zone, frame_in_block, f);
	if (f->free)
		frame_flag(f, "buddy");
	else
		frame_reserved(f);
	frame_flag(f, "unopened");
}

static void frame_allocated(struct frame_stat *f, const struct page *head)
{
	static const struct {
		unsigned long bit;
		const char *flag, *owner;
	} uses[] = {
		{PG_table, "table", "page tables"}, {PG_vmalloc, "vmalloc", "vmalloc"},
		{PG_kmalloc, "kmalloc", "kmalloc"}, {PG_user_shell, "shell", "shell"},
		{PG_comp, "compound", ""},	    {PG_hwpoison, "hwpoison", "bad frame"},
	};
	unsigned long caller = page_owner_caller(head);

	frame_flag(f, "allocated");
	f->refcount = head->refcount;
	for (unsigned i = 0; i < ARRAY_SIZE(uses); i++) {
		if (!(head->flags & uses[i].bit))
			continue;
		frame_flag(f, uses[i].flag);
		frame_owner(f, uses[i].owner);
	}
	if (head->flags & PG_slab) {
		frame_flag(f, "slab");
		snprintf(f->owner, sizeof(f->owner), "slab %s", head->slab_node->cache->name);
	}
	if (caller)
		frame_caller(f, caller);
}

/*
 * Describes a frame of an open section. Returns whether a per-CPU list holds it. Context: zone->lock
 * held, so the block does not change.
 */
static bool frame_opened(struct frame_stat *f)
{
	const struct page *head = page_head(pfn_to_page(f->pfn));

	f->type = pageblock_type(pfn_to_page(f->pfn));
	if (!head || (head->flags & PG_reserved)) {
		frame_reserved(f);
		return false;
	}
	f->in_block = true;
	f->head = page_to_pfn(head);
	f->order = page_order(head);
	f->type = page_type(head);
	if (f->head == f->pfn && f->order)
		frame_flag(f, "head");
	switch (page_state(head)) {
	case PAGE_BUDDY:
		f->free = true;
		frame_flag(f, "buddy");
		break;
	case PAGE_PCP:
		f->free = true;
		frame_flag(f, "pcp");
		return true;
	default:
		frame_allocated(f, head);
	}
	return false;
}

void frame_stat(pfn_t pfn, struct frame_stat *f)
{
	struct zone *zone = zone_of_pfn(pfn);
	bool on_list = false;
	unsigned long irq;

	*f = (struct frame_stat){.pfn = pfn, .head = pfn, .nid = NUMA_NO_NODE, .cpu = -1, .type = MT_MOVABLE};
	if (!zone) {
		frame_of_no_ram(f);
		return;
	}
	f->nid = zone->nid;
	f->zone = zone->name;
	irq = spin_lock_irqsave(&zone->lock);
	if (pfn_valid(pfn))
		on_list = frame_opened(f);
	else
		frame_unopened(f, zone);
	spin_unlock_irqrestore(&zone->lock, irq);
	if (on_list)
		f->cpu = pcp_holder(zone, pfn_to_page(f->head));
}
