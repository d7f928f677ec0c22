/*
 * zone.c - zones made from memblock's memory, their counts and watermarks.
 *
 * Idea.       A zone is the part of a node's memory that satisfies one kind of request. The limits come
 *             from the machine (struct boot_zones): a PC has DMA below 16 MiB, DMA32 below 4 GiB,
 *             Normal above. HighMem begins where the direct map ends. Movable exists with movablecore=.
 *             A limit need not be a block border: blocks never cross it.
 * Layout.     zone_table[node * 8 + type]; a zone that a node lacks has present == 0
 * Watermarks. Pages that must stay free: below low the main loop reclaims up to high; below min only
 *             privileged requests succeed. 512 MiB in one zone, 131072 managed pages of 4 KiB:
 *
 *              min_free_kbytes = sqrt(524288 KiB * 16) = 2896 KiB      min  = 724 pages
 *              gap = max(724 / 4, 0.1 % of 131072) = 181               low  = 724 + 181 = 905
 *                                                                      high = 905 + 181 = 1086
 *              per-CPU lists: 131072 / 1024 / 4 = 32, times 1.5, rounded down to a power of two, - 1: batch = 31
 *              905 / 2 CPUs: high = 452
 *
 *             A request that could use zone j must leave lowmem_reserve[j] more pages in each lower zone: 1/256
 *             of the pages of the zones above that one, up to j.
 * Invariants. Z1  spanned >= present >= managed, and the present pages of all zones are memblock.memory
 *             Z2  min <= low <= high, low - min = high - low
 *             Z3  free + isolated <= managed; census.c counts the other managed pages
 *             Z4  lowmem_reserve grows with the request's zone
 *             Z5  a zone has a boost only while `wake` is set, because reclaim removes it; it is at
 *                 most the larger one of 1.5 times the high mark and a pageblock
 *             Z6  id, node, type, name, span, present pages, marks, reserves and the lists' sizes stay
 *                 as zone_init() made them; the lock is free between operations
 * Locking.    Zones are built at boot, on one CPU. Watermarks are plain words, read without a lock.
 * Source.     Linux mm/page_alloc.c (calculate_node_totalpages, setup_per_zone_wmarks,
 *             setup_per_zone_lowmem_reserve, calculate_min_free_kbytes, zone_batchsize, zone_highsize)
 *             6.1; __zone_watermark_ok with the rights of 6.4.
 * Next:       buddy.c.
 */
#include <arch/layout.h>
#include <kernel/bits.h>
#include <kernel/bug.h>
#include <kernel/cmdline.h>
#include <kernel/errno.h>
#include <kernel/string.h>
#include <mm/check.h>
#include <mm/check_walk.h>
#include <mm/internal.h>

struct zone *zone_table;
unsigned nr_zone_ids;
const char *const zone_names[NR_ZONES] = {"DMA", "DMA32", "Normal", "HighMem", "Movable"};

static_assert(NR_ZONES <= 1 << ZONES_PER_NODE_SHIFT, "a zone id holds every zone of a node");

enum {
	WATERMARK_SCALE_FACTOR = 10, /* of 10000: the gap between two marks is at least 0.1 % of the zone */
	MIN_FREE_KBYTES_MIN = 128,
	MIN_FREE_KBYTES_MAX = 262144,
};
/*
 * A zone reserves 1/ratio of the pages of higher zones against requests that may use those; 0: it
 * reserves none.
 */
static const unsigned lowmem_ratio[NR_ZONES] = {256, 256, 32, 0, 0};

/* Half-open limits by type, the same on every node; Movable is in movable_start[]. */
static struct {
	pfn_t start, end;
} limits[NR_ZONES];
static u64 movablecore;
static pfn_t movable_start[MAX_NODES]; /* first frame of zone Movable, 0 if the node has none */

static int set_movablecore(const char *value)
{
	return value ? parse_size(value, &movablecore) : -EINVAL;
}
CMDLINE_OPT("movablecore", "a size such as 64M", set_movablecore);

static u64 zone_dma_size;

static int zone_dma_set(const char *value)
{
	return value ? parse_size(value, &zone_dma_size) : -EINVAL;
}
CMDLINE_OPT("zone_dma", "a size such as 16M", zone_dma_set);

pfn_t zone_border(int nid, enum zone_type type)
{
	return type == ZONE_MOVABLE ? movable_start[nid] : limits[type].start;
}

/*
 * Returns the first frame of zone Movable: the top movablecore= bytes of the node's memory in the
 * direct map. It is rounded up to an order-10 block, so no merge crosses it. Returns 0 if the node has
 * less memory than that.
 */
static pfn_t movable_border(int nid)
{
	unsigned long left = movablecore >> PAGE_SHIFT;

	for (unsigned i = memblock.memory.cnt; i-- > 0 && left;) {
		const struct memblock_region *r = &memblock.memory.region[i];
		pfn_t start = r->start >> PAGE_SHIFT, end = min(r->end >> PAGE_SHIFT, direct_map_end_pfn);

		if (r->nid != nid || start >= end)
			continue;
		if (end - start >= left)
			return ALIGN_UP(end - left, 1UL << MAX_ORDER);
		left -= end - start;
	}
	return 0;
}

/* First frame of the order-10 block that contains the lowest memory. */
static pfn_t first_block_pfn(void)
{
	return memblock.memory.cnt
		       ? ALIGN_DOWN(memblock.memory.region[0].start >> PAGE_SHIFT, 1UL << MAX_ORDER)
		       : 0;
}

void zone_limits_init(const struct boot_info *bi)
{
	pfn_t dma = bi->zones.dma_end >> PAGE_SHIFT, dma32 = bi->zones.dma32_end >> PAGE_SHIFT;
	pfn_t high = direct_map_end_pfn;

	/* zone_dma=: DMA memory of the machine above that size belongs to DMA32. */
	if (zone_dma_size)
		dma = min(dma32, first_block_pfn() + (zone_dma_size >> PAGE_SHIFT));

	nr_zone_ids = nr_nodes << ZONES_PER_NODE_SHIFT;
	zone_table =
		memblock_alloc_or_panic(nr_zone_ids * sizeof(struct zone), CACHE_LINE, NUMA_NO_NODE, "zones");
	limits[ZONE_DMA].end = min(dma, high);
	limits[ZONE_DMA32].start = limits[ZONE_DMA].end;
	limits[ZONE_DMA32].end = max(limits[ZONE_DMA].end, min(dma32, high));
	limits[ZONE_NORMAL].start = limits[ZONE_DMA32].end;
	limits[ZONE_NORMAL].end = max(limits[ZONE_NORMAL].start, high);
	limits[ZONE_HIGHMEM].start = limits[ZONE_NORMAL].end;
	limits[ZONE_HIGHMEM].end = max(memblock_end(&memblock) >> PAGE_SHIFT, limits[ZONE_HIGHMEM].start);
	for (unsigned nid = 0; nid < nr_nodes && movablecore; nid++)
		movable_start[nid] = movable_border((int)nid);
}

static void zone_limits(const struct node *n, enum zone_type type, pfn_t *start, pfn_t *end)
{
	pfn_t movable = movable_start[n->nid];

	*start = limits[type].start;
	*end = limits[type].end;
	if (type == ZONE_MOVABLE) {
		*start = movable ? movable : 0;
		*end = movable ? limits[ZONE_HIGHMEM].start : 0;
	} else if (movable && type != ZONE_HIGHMEM) {
		*end = min(*end, movable);
	}
}

/*
 * Sets the span: the part of the node's span that lies within the zone's limits. Counts the memory in it.
 */
static void zone_init_one(struct node *n, enum zone_type type)
{
	struct zone *zone = node_zone(n->nid, type);
	pfn_t start, end;

	zone->id = (unsigned)(zone - zone_table);
	zone->nid = n->nid;
	zone->type = type;
	zone->name = zone_names[type];
	spin_init(&zone->lock, "zone.lock", LOCK_ZONE, (unsigned)n->nid);
	buddy_zone_init(zone);

	zone_limits(n, type, &start, &end);
	zone->start_pfn = max(start, n->start_pfn);
	zone->end_pfn = max(min(end, n->end_pfn), zone->start_pfn);
	if (zone->start_pfn == zone->end_pfn)
		return;
	zone->open_cursor = zone->start_pfn / SECTION_PAGES;
	section_account(zone);
	if (!zone->present)
		zone->end_pfn = zone->start_pfn;
	zone->free_pages = zone->managed;
	n->present += zone->present;
	n->managed += zone->managed;
}

struct zone *zone_of_pfn(pfn_t pfn)
{
	int nid = memblock_nid(&memblock, pfn << PAGE_SHIFT);

	if (nid == NUMA_NO_NODE)
		return NULL;
	for (unsigned type = 0; type < NR_ZONES; type++) {
		struct zone *zone = node_zone(nid, (enum zone_type)type);

		if (zone->present && pfn >= zone->start_pfn && pfn < zone->end_pfn)
			return zone;
	}
	return NULL;
}

bool zone_has_all(const struct zone *zone, pfn_t start, pfn_t end)
{
	const paddr_t zone_start = zone->start_pfn << PAGE_SHIFT, zone_end = zone->end_pfn << PAGE_SHIFT;
	const paddr_t from = start << PAGE_SHIFT, to = end << PAGE_SHIFT;

	return memblock_all_of_node(&memblock, from, to, zone->nid) &&
	       memblock_all_of_node(&memblock, from, min(to, zone_start), NUMA_NO_NODE) &&
	       memblock_all_of_node(&memblock, max(from, zone_end), to, NUMA_NO_NODE);
}

/* ---- watermarks ---- */

static unsigned long int_sqrt(unsigned long x)
{
	unsigned long root = 0;

	for (unsigned long bit = 1UL << 31; bit; bit >>= 1)
		if ((root + bit) * (root + bit) <= x)
			root += bit;
	return root;
}

unsigned long zone_min_free_kbytes(unsigned long lowmem_kb)
{
	return clamp(int_sqrt(lowmem_kb * 16), (unsigned long)MIN_FREE_KBYTES_MIN,
		     (unsigned long)MIN_FREE_KBYTES_MAX);
}

/* Computes the pages that the zone reserves against requests that could use a higher zone. */
static void compute_lowmem_reserve(struct zone *zone)
{
	const struct zone *node_zones = zone - zone->type;
	unsigned ratio = lowmem_ratio[zone->type];
	unsigned long above = 0;

	for (unsigned j = 0; j < NR_ZONES; j++) {
		if (j > (unsigned)zone->type)
			above += node_zones[j].managed;
		zone->lowmem_reserve[j] = ratio && zone->managed ? above / ratio : 0;
	}
}

/*
 * Computes min, low and high. pages_min is divided among the lowmem zones in proportion to their pages.
 */
static void compute_marks(struct zone *zone, unsigned long pages_min, unsigned long lowmem_pages)
{
	unsigned long share = lowmem_pages ? pages_min * zone->managed / lowmem_pages : 0, gap;

	if (zone->type == ZONE_HIGHMEM || zone->type == ZONE_MOVABLE)
		zone->wmark[WMARK_MIN] = clamp(zone->managed / 1024, 32UL, 128UL);
	else
		zone->wmark[WMARK_MIN] = share;
	gap = max(share / 4, zone->managed * WATERMARK_SCALE_FACTOR / 10000);
	zone->wmark[WMARK_LOW] = zone->wmark[WMARK_MIN] + gap;
	zone->wmark[WMARK_HIGH] = zone->wmark[WMARK_LOW] + gap;
	zone->boost = 0;
}

static unsigned node_cpus(int nid)
{
	unsigned cpu, n = 0;

	/* All possible CPUs: they come online after the lists are made. */
	for_each_possible_cpu (cpu)
		n += cpu_to_node_map[cpu] == nid;
	return n ? n : cpumask_weight(&cpu_possible_mask);
}

void zone_compute_pcp(struct zone *zone, unsigned cpus)
{
	unsigned long batch = min(zone->managed / 1024, MIB(1) / PAGE_SIZE) / 4;

	batch = max(batch, 1UL);
	batch = max((1UL << ilog2(batch + batch / 2)) - 1, 1UL);
	zone->batch = (unsigned)batch;
	zone->high =
		(unsigned)min(max(zone->wmark[WMARK_LOW] / cpus, 4 * batch), (unsigned long)PCP_HIGH_MAX);
}

void zone_compute_watermarks(struct zone *table, unsigned nr)
{
	unsigned long lowmem_pages = 0, usable = 0, pages_min;

	for (struct zone *zone = table; zone < table + nr; zone++) {
		if (!zone->present || zone->type == ZONE_HIGHMEM || zone->type == ZONE_MOVABLE)
			continue;
		lowmem_pages += zone->managed;
		usable +=
			zone->managed > zone->wmark[WMARK_HIGH] ? zone->managed - zone->wmark[WMARK_HIGH] : 0;
	}
	pages_min = zone_min_free_kbytes(usable << PAGE_SHIFT >> 10) << 10 >> PAGE_SHIFT;
	for (struct zone *zone = table; zone < table + nr; zone++) {
		if (!zone->present)
			continue;
		compute_marks(zone, pages_min, lowmem_pages);
		compute_lowmem_reserve(zone);
	}
}

/* ---- the watermark rule ---- */

/*
 * Returns whether the zone has a block of at least this order that the request may use, on a list or
 * unopened.
 */
static bool has_block(const struct zone *zone, unsigned order, unsigned alloc_flags)
{
	for (unsigned o = order; o < NR_ORDERS; o++) {
		const struct free_area *area = &zone->free_area[o];

		if (READ_ONCE(zone->unopened[o]))
			return true;
		if (!READ_ONCE(area->nr_free))
			continue;
		for (unsigned t = 0; t < MT_PCPTYPES; t++)
			if (!list_looks_empty(&area->list[t]))
				return true;
		if ((alloc_flags & (ALLOC_HIGHATOMIC | ALLOC_OOM)) &&
		    !list_looks_empty(&area->list[MT_HIGHATOMIC]))
			return true;
	}
	return false;
}

bool zone_watermark_ok(const struct zone *zone, unsigned order, unsigned long mark, enum zone_type highest,
		       unsigned alloc_flags, unsigned long free)
{
	const unsigned rights = ALLOC_MIN_RESERVE | ALLOC_NON_BLOCK | ALLOC_HIGHATOMIC | ALLOC_OOM;
	long least = (long)mark, usable = (long)free - (long)((1UL << order) - 1);

	if (!(alloc_flags & rights))
		usable -= (long)READ_ONCE(zone->highatomic_pages);
	if (alloc_flags & ALLOC_MIN_RESERVE) {
		least -= least / 2;
		if (alloc_flags & ALLOC_NON_BLOCK)
			least -= least / 4;
	}
	if (alloc_flags & ALLOC_OOM)
		least -= least / 2;
	if (usable <= least + (long)zone->lowmem_reserve[highest])
		return false;
	return order == 0 || has_block(zone, order, alloc_flags);
}

/* ---- boot ---- */

/* Sets each node's span, from its first to its last memory. The regions are in ascending order. */
static void node_spans(void)
{
	for (unsigned i = 0; i < memblock.memory.cnt; i++) {
		const struct memblock_region *r = &memblock.memory.region[i];
		struct node *n = &nodes[r->nid];

		if (!n->end_pfn)
			n->start_pfn = r->start >> PAGE_SHIFT;
		n->end_pfn = r->end >> PAGE_SHIFT;
		n->has_memory = true;
	}
}

static void print_range(const char *name, pfn_t start, pfn_t end)
{
	if (start < end)
		pr_info("  %-8s [mem 0x%016lx-0x%016lx]\n", name, start << PAGE_SHIFT,
			(end << PAGE_SHIFT) - 1);
	else
		pr_info("  %-8s empty\n", name);
}

/* Prints Linux's boot lines (free_area_init). */
static void print_zones(void)
{
	struct node *n;

	pr_info("Zone ranges:\n");
	for (unsigned type = 0; type < NR_ZONES; type++) {
		pfn_t start = ~0UL, end = 0;

		if (type == ZONE_MOVABLE)
			continue;
		for_each_node (n) {
			const struct zone *zone = node_zone(n->nid, (enum zone_type)type);

			if (zone->start_pfn < zone->end_pfn) {
				start = min(start, zone->start_pfn);
				end = max(end, zone->end_pfn);
			}
		}
		print_range(zone_names[type], start, end);
	}
	pr_info("Movable zone start for each node\n");
	for_each_node (n)
		if (movable_start[n->nid])
			pr_info("  Node %d: 0x%016lx\n", n->nid, movable_start[n->nid] << PAGE_SHIFT);
	pr_info("Early memory node ranges\n");
	for (unsigned i = 0; i < memblock.memory.cnt; i++)
		pr_info("  node %3d: [mem 0x%016lx-0x%016lx]\n", memblock.memory.region[i].nid,
			memblock.memory.region[i].start, memblock.memory.region[i].end - 1);
	for_each_online_node (n) {
		if (n->has_memory)
			pr_info("Initmem setup node %d [mem 0x%016lx-0x%016lx]\n", n->nid,
				n->start_pfn << PAGE_SHIFT, (n->end_pfn << PAGE_SHIFT) - 1);
		else
			pr_info("Initmem setup node %d as memoryless\n", n->nid);
	}
}

static void print_memory_line(void)
{
	unsigned long present = 0, managed = 0;
	struct node *n;

	for_each_node (n) {
		present += n->present;
		managed += n->managed;
	}
	pr_info("Built %u zonelists, mobility grouping on.  Total pages: %lu\n", nr_nodes, managed);
	pr_info("Memory: %luK/%luK available (%luK reserved)\n", managed << PAGE_SHIFT >> 10,
		present << PAGE_SHIFT >> 10, (present - managed) << PAGE_SHIFT >> 10);
}

static u64 zones_print;

/* Checksum of the data that Z6 fixes. */
static u64 print_of_zones(void)
{
	const struct zone *zone;
	u64 print = 0;

	for_each_zone (zone) {
		print = check_print(&zone->id, offsetof(struct zone, managed) - offsetof(struct zone, id),
				    print);
		print = check_print(zone->wmark, sizeof(zone->wmark), print);
		print = check_print(zone->lowmem_reserve, sizeof(zone->lowmem_reserve), print);
		print = check_print(&zone->batch, sizeof(zone->batch), print);
		print = check_print(&zone->high, sizeof(zone->high), print);
	}
	return print;
}

void zone_init(void)
{
	struct zone *zone;
	struct node *n;

	memblock_hand_over();
	node_spans();
	for_each_node (n)
		for (unsigned type = 0; type < NR_ZONES; type++)
			zone_init_one(n, (enum zone_type)type);
	numa_build_zonelists(nodes, nr_nodes, zone_table);
	numa_fixed();
	zone_compute_watermarks(zone_table, nr_zone_ids);
	for_each_populated_zone (zone)
		zone_compute_pcp(zone, node_cpus(zone->nid));
	zones_print = print_of_zones();
	print_zones();
	print_memory_line();
	page_alloc_init();
}

/* ---- check ---- */

const char *zone_check(void)
{
	unsigned long present = 0, memory = 0;
	struct zone *zone;

	for_each_zone (zone) {
		const unsigned long *w = zone->wmark;

		present += zone->present;
		if (zone->end_pfn - zone->start_pfn < zone->present || zone->present < zone->managed)
			return "zone.Z1: not spanned >= present >= managed";
		if (w[WMARK_MIN] > w[WMARK_LOW] ||
		    w[WMARK_LOW] - w[WMARK_MIN] != w[WMARK_HIGH] - w[WMARK_LOW])
			return "zone.Z2: watermarks out of order or unevenly spaced";
		for (unsigned j = 1; j < NR_ZONES; j++)
			if (zone->lowmem_reserve[j] < zone->lowmem_reserve[j - 1])
				return "zone.Z4: lowmem_reserve falls";
		if (zone->boost && (!zone->wake || zone->boost > buddy_boost_most(zone)))
			return "zone.Z5: a boost that nothing takes away, or above its bound";
		if (zone->free_pages + zone->isolated_pages > zone->managed)
			return "zone.Z3: more free pages than managed ones";
		if (zone->present && !spin_is_free(&zone->lock, LOCK_ZONE, (unsigned)zone->nid))
			return "zone.Z6: a zone's lock is taken, or damaged";
	}
	for (unsigned i = 0; i < memblock.memory.cnt; i++)
		memory += (memblock.memory.region[i].end - memblock.memory.region[i].start) >> PAGE_SHIFT;
	if (present != memory)
		return "zone.Z1: present pages are not the memory map's";
	return print_of_zones() == zones_print ? NULL : "zone.Z6: data that is fixed after boot has changed";
}
MM_CHECK_RANKED("zone", zone_check, CHECK_RANK_LAYOUT);
