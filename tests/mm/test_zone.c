/*
 * test_zone.c - watermarks against worked values, and the zones of this machine against its memory map.
 *
 * Idea.       The formulas are functions of the managed pages alone, so tables of zones that no machine needs to have give
 *             the reference's values. What the machine has is checked as sums: every frame of RAM in one zone.
 * Layout.     table[]: one node of zones; zone_table: the machine's
 * Invariants. Z1 to Z4 of mm/zone.c.
 * Locking.    None.
 * Failure.    As every test's.
 * Next:       test_watermark.c.
 */
#include "zone_fixture.h"

#include <kernel/string.h>

static struct zone table[1 << ZONES_PER_NODE_SHIFT];

#define PAGES(kib) ((kib) << 10 >> PAGE_SHIFT)

static void compute(unsigned long dma, unsigned long dma32, unsigned long normal)
{
	const unsigned long managed[NR_ZONES] = {dma, dma32, normal, 0, 0};

	memset(table, 0, sizeof(table));
	for (unsigned i = 0; i < NR_ZONES; i++) {
		table[i].type = (enum zone_type)i;
		table[i].managed = managed[i];
		table[i].present =
			managed[i] + managed[i] / 8; /* some of it is reserved, and counts nowhere */
	}
	zone_compute_watermarks(table, ARRAY_SIZE(table));
	for (unsigned i = 0; i < NR_ZONES; i++)
		zone_compute_pcp(&table[i], 4);
}

static void expect_zone(struct ktest *t, enum zone_type type, unsigned long least, unsigned long low,
			unsigned long high, unsigned batch, unsigned pcp_high, unsigned long for_dma32,
			unsigned long for_normal)
{
	const struct zone *zone = &table[type];

	EXPECT_EQ(zone->wmark[WMARK_MIN], least);
	EXPECT_EQ(zone->wmark[WMARK_LOW], low);
	EXPECT_EQ(zone->wmark[WMARK_HIGH], high);
	EXPECT_EQ(zone->batch, batch);
	EXPECT_EQ(zone->high, pcp_high);
	EXPECT_EQ(zone->lowmem_reserve[ZONE_DMA], 0);
	EXPECT_EQ(zone->lowmem_reserve[ZONE_DMA32], for_dma32);
	EXPECT_EQ(zone->lowmem_reserve[ZONE_NORMAL], for_normal);
	EXPECT_EQ(zone->lowmem_reserve[ZONE_HIGHMEM], for_normal);
	EXPECT_EQ(zone->lowmem_reserve[ZONE_MOVABLE], for_normal);
}

/* Linux's values for machines with 4 CPUs and so many KiB in DMA, DMA32 and Normal, by the size of a page. */
static const struct {
	unsigned page_shift;
	unsigned long kib[3];
	struct {
		unsigned long least, low, high;
		unsigned batch, pcp_high;
		unsigned long for_dma32, for_normal;
	} zone[3];
} machines[] = {
	{12, {15360, 504000, 0}, {{21, 26, 31, 1, 6, 492, 492}, {698, 872, 1046, 31, 218, 0, 0}}},
	{12, {15360, 1032000, 0}, {{15, 18, 21, 1, 4, 1007, 1007}, {1007, 1265, 1523, 63, 316, 0, 0}}},
	{12,
	 {15360, 2064000, 2097152},
	 {{7, 10, 13, 1, 4, 2015, 4063},
	  {1009, 1525, 2041, 63, 381, 0, 2048},
	  {1025, 1549, 2073, 63, 387, 0, 0}}},
	{14, {15360, 504000, 0}, {{5, 6, 7, 1, 4, 123, 123}, {174, 217, 260, 7, 54, 0, 0}}},
	{14, {15360, 1032000, 0}, {{3, 3, 3, 1, 4, 251, 251}, {251, 315, 379, 15, 78, 0, 0}}},
	{14,
	 {15360, 2064000, 2097152},
	 {{1, 1, 1, 1, 4, 503, 1015}, {252, 381, 510, 15, 95, 0, 512}, {256, 387, 518, 15, 96, 0, 0}}},
	{16, {15360, 504000, 0}, {{1, 1, 1, 1, 4, 30, 30}, {43, 53, 63, 1, 13, 0, 0}}},
	{16, {15360, 1032000, 0}, {{0, 0, 0, 1, 4, 62, 62}, {62, 78, 94, 3, 19, 0, 0}}},
	{16,
	 {15360, 2064000, 2097152},
	 {{0, 0, 0, 1, 4, 125, 253}, {62, 94, 126, 3, 23, 0, 128}, {63, 95, 127, 3, 23, 0, 0}}},
};

KTEST(zone, watermarks_of_usual_machines_are_linuxs)
{
	unsigned tried = 0;

	for (unsigned m = 0; m < ARRAY_SIZE(machines); m++) {
		const unsigned long *kib = machines[m].kib;

		if (machines[m].page_shift != PAGE_SHIFT)
			continue;
		compute(PAGES(kib[0]), PAGES(kib[1]), PAGES(kib[2]));
		for (unsigned i = 0; i < ARRAY_SIZE(machines[m].zone) && kib[i]; i++)
			expect_zone(t, (enum zone_type)i, machines[m].zone[i].least, machines[m].zone[i].low,
				    machines[m].zone[i].high, machines[m].zone[i].batch,
				    machines[m].zone[i].pcp_high, machines[m].zone[i].for_dma32,
				    machines[m].zone[i].for_normal);
		tried++;
	}
	EXPECT_EQ(tried, 3);
}

KTEST(zone, watermarks_do_not_overflow_on_the_largest_machine)
{
	const unsigned long normal = 1UL << 40; /* pages: 52 bits of physical address */

	compute(3840, 1000000, normal);
	EXPECT_EQ(table[ZONE_NORMAL].wmark[WMARK_MIN],
		  (unsigned long)((unsigned __int128)(MIB(256) >> PAGE_SHIFT) * normal / (normal + 1003840)));
	EXPECT_EQ(table[ZONE_NORMAL].wmark[WMARK_LOW] - table[ZONE_NORMAL].wmark[WMARK_MIN], normal / 1000);
	EXPECT_EQ(table[ZONE_NORMAL].high, PCP_HIGH_MAX);
	EXPECT_EQ(table[ZONE_DMA].wmark[WMARK_MIN], 0);
	EXPECT_EQ(table[ZONE_DMA].wmark[WMARK_HIGH], 6);
}

KTEST(zone, min_free_kbytes_is_a_square_root_between_bounds)
{
	static const unsigned long mib[] = {16, 64, 256, 512, 1024, 4096, 16384};
	static const unsigned long kib[] = {512, 1024, 2048, 2896, 4096, 8192, 16384};

	for (unsigned i = 0; i < ARRAY_SIZE(mib); i++)
		EXPECT_EQ(zone_min_free_kbytes(mib[i] << 10), kib[i]);
	EXPECT_EQ(zone_min_free_kbytes(0), 128);
	EXPECT_EQ(zone_min_free_kbytes(1024), 128);
	EXPECT_EQ(zone_min_free_kbytes(1041), 129);
	EXPECT_EQ(zone_min_free_kbytes(~0UL >> 14), 262144);
	for (unsigned i = 0; i < 200; i++) {
		unsigned long lowmem = (1UL << 32) - 1 - test_rand(), root = zone_min_free_kbytes(lowmem);

		if (root > 128 && root < 262144)
			EXPECT_TRUE(root * root <= 16 * lowmem && (root + 1) * (root + 1) > 16 * lowmem);
	}
}

/* At most a quarter of a MiB: 63 pages of 4 KiB, 15 of 16, 3 of 64. */
KTEST(zone, batch_is_one_less_than_a_power_of_two)
{
	static const unsigned long mib_for_most[] = {[12] = 688, [14] = 704, [16] = 768};
	const unsigned most = (KIB(256) >> PAGE_SHIFT) - 1;

	for (unsigned i = 0; i < 300; i++) {
		struct zone zone = {.managed = (unsigned long)test_rand() >> test_rand_below(20),
				    .wmark = {10, 20, 30}};

		zone_compute_pcp(&zone, 1 + test_rand_below(64));
		EXPECT_TRUE(is_pow2(zone.batch + 1ul) && zone.batch <= most);
		EXPECT_EQ(zone.high, 4 * zone.batch < 20 ? zone.high : 4 * zone.batch);
		EXPECT_GE(zone.high, 4 * zone.batch);
		if (zone.managed >= MIB(mib_for_most[PAGE_SHIFT]) >> PAGE_SHIFT)
			EXPECT_EQ(zone.batch, most);
	}
}

KTEST(zone, a_second_computation_counts_what_is_above_high)
{
	unsigned long first;

	compute(PAGES(15360UL), PAGES(504000UL), 0);
	first = table[ZONE_DMA32].wmark[WMARK_MIN];
	zone_compute_watermarks(table, ARRAY_SIZE(table));
	EXPECT_LT(table[ZONE_DMA32].wmark[WMARK_MIN], first);
	EXPECT_GT(table[ZONE_DMA32].wmark[WMARK_MIN], first - first / 50 - 2);
	table[ZONE_DMA32].boost = 7;
	zone_compute_watermarks(table, ARRAY_SIZE(table));
	EXPECT_EQ(table[ZONE_DMA32].boost, 0); /* it belonged to the old marks */
}

/* ---- this machine ---- */

KTEST(zone, every_frame_of_ram_is_in_exactly_one_zone)
{
	unsigned long present = 0, memory = 0;
	struct zone *a, *b;

	for_each_populated_zone (a) {
		present += a->present;
		EXPECT_LE(a->managed, a->present);
		EXPECT_LE(a->present, a->end_pfn - a->start_pfn);
		for_each_populated_zone (b)
			if (a < b && a->nid == b->nid)
				EXPECT_TRUE(a->end_pfn <= b->start_pfn || b->end_pfn <= a->start_pfn);
	}
	for (unsigned i = 0; i < memblock.memory.cnt; i++) {
		const struct memblock_region *r = &memblock.memory.region[i];
		pfn_t first = r->start >> PAGE_SHIFT, last = (r->end >> PAGE_SHIFT) - 1;

		memory += last + 1 - first;
		for (unsigned k = 0; k < 20; k++) {
			pfn_t pfn = first + (pfn_t)((u64)test_rand() * (last + 1 - first) >> 32);
			const struct zone *zone = zone_of_pfn(k == 0 ? first : k == 1 ? last : pfn);

			if (EXPECT_NOT_NULL(zone))
				EXPECT_EQ(zone->nid, r->nid);
		}
	}
	EXPECT_EQ(present, memory);
	EXPECT_EQ(zone_of_pfn(0) != NULL, memblock_is_memory(&memblock, 0));
	EXPECT_NULL(zone_of_pfn(memblock_end(&memblock) >> PAGE_SHIFT));
}

KTEST(zone, zones_keep_to_their_limits)
{
	struct zone *zone;

	for_each_populated_zone (zone) {
		EXPECT_EQ(zone, zone_by_id(zone->id));
		EXPECT_EQ(zone, node_zone(zone->nid, zone->type));
		EXPECT_STREQ(zone->name, zone_names[zone->type]);
		if (zone->type == ZONE_MOVABLE) {
			EXPECT_TRUE(IS_ALIGNED(zone->start_pfn, 1UL << MAX_ORDER));
			continue;
		}
		EXPECT_GE(zone->start_pfn, zone_border(zone->nid, zone->type));
		if (zone->type == ZONE_HIGHMEM)
			EXPECT_GE(zone->start_pfn, direct_map_end_pfn);
		else
			EXPECT_LE(zone->end_pfn, zone_border(zone->nid, zone->type + 1));
		if (zone->type == ZONE_NORMAL)
			EXPECT_LE(zone->end_pfn, direct_map_end_pfn);
	}
}

KTEST(zone, what_is_managed_is_what_memblock_had_free)
{
	unsigned long managed = 0, free = 0;
	paddr_t cursor = 0, start, end;
	struct zone *zone;
	int nid;

	while (memblock_next_free(&memblock, &cursor, &start, &end, &nid))
		if (PAGE_ALIGN_UP(start) < (end & PAGE_MASK))
			free += ((end & PAGE_MASK) - PAGE_ALIGN_UP(start)) >> PAGE_SHIFT;
	for_each_populated_zone (zone)
		managed += zone->managed;
	EXPECT_EQ(managed, totalram_pages());
	/* Whole sections keep their own metadata back, without a reservation in memblock. */
	EXPECT_LE(managed, free);
	EXPECT_GE(managed, free - free / 32);
}

KTEST(zone, marks_and_reserves_of_this_machine_are_ordered)
{
	struct zone *zone;

	for_each_populated_zone (zone) {
		const unsigned long *w = zone->wmark;

		EXPECT_LE(w[WMARK_MIN], w[WMARK_LOW]);
		EXPECT_EQ(w[WMARK_LOW] - w[WMARK_MIN], w[WMARK_HIGH] - w[WMARK_LOW]);
		for (unsigned j = 0; j < NR_ZONES; j++) {
			if (j <= (unsigned)zone->type)
				EXPECT_EQ(zone->lowmem_reserve[j], 0);
			else
				EXPECT_GE(zone->lowmem_reserve[j], zone->lowmem_reserve[j - 1]);
		}
		EXPECT_GE(zone->high, 4 * zone->batch);
		EXPECT_EQ(zone->managed, zone->free_pages + zone->isolated_pages +
						 pcp_count(zone, arch_cpu_id()) + zone_allocated_pages(zone));
	}
}
