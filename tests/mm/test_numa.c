/*
 * test_numa.c - zonelists and distances of this machine's nodes, and whether memory is on the node where it should be.
 *
 * Idea.       The lists are few and short: each property is looked at for every node.
 * Layout.     nodes[], nodes[].fallback, nodes[].thisnode
 *             Then what lies where: page array, per-CPU areas, stacks, pages, objects, areas; and what is counted.
 * Invariants. N1 to N4 of mm/numa.c, and the order within a list.
 * Locking.    None: the lists are fixed at boot. Counts are exact while the other CPUs rest.
 * Failure.    As every test's.
 * Next:       test_numa_firmware.c.
 */
#include <mm/numa.h>

#include "../../mm/slab_internal.h"
#include "../kernel/other_cpu.h"
#include "zone_fixture.h"

#include <kernel/cmdline.h>
#include <kernel/fault.h>
#include <kernel/percpu.h>
#include <kernel/string.h>
#include <mm/check.h>
#include <mm/pgtable.h>
#include <mm/vmalloc.h>

KTEST(numa, every_populated_zone_is_on_every_list_once)
{
	struct zone *zone;
	struct node *n;

	for_each_node (n) {
		for_each_populated_zone (zone) {
			unsigned times = 0;

			for (unsigned i = 0; n->fallback.zone[i]; i++)
				times += n->fallback.zone[i] == zone;
			EXPECT_EQ(times, 1);
			times = 0;
			for (unsigned i = 0; n->thisnode.zone[i]; i++)
				times += n->thisnode.zone[i] == zone;
			EXPECT_EQ(times, zone->nid == n->nid);
		}
		for (unsigned i = 0; n->fallback.zone[i]; i++)
			EXPECT_NE(n->fallback.zone[i]->present, 0);
	}
}

KTEST(numa, a_list_goes_from_near_to_far_and_from_high_to_low)
{
	struct node *n;

	for_each_node (n) {
		if (n->has_memory)
			EXPECT_EQ(n->fallback.zone[0]->nid, n->nid);
		for (unsigned i = 1; n->fallback.zone[i]; i++) {
			const struct zone *a = n->fallback.zone[i - 1], *b = n->fallback.zone[i];

			if (a->nid == b->nid)
				EXPECT_GT(a->type, b->type);
			else
				EXPECT_LE(node_distance(n->nid, a->nid), node_distance(n->nid, b->nid));
		}
	}
}

KTEST(numa, off_is_one_node)
{
	if (!strstr(cmdline_text(), "numa=off"))
		SKIP("needs numa=off");
	EXPECT_EQ(nr_nodes, 1);
}

KTEST(numa, fake_nodes_are_as_many_as_asked_for_and_of_equal_size)
{
	const char *fake = strstr(cmdline_text(), "numa=fake="), *end;
	unsigned long total = 0;
	struct node *n;
	u64 nr = 0;

	if (!fake || parse_size_prefix(fake + strlen("numa=fake="), &end, &nr) || end[-1] > '9')
		SKIP("needs numa=fake=N");
	EXPECT_EQ(nr_nodes, nr);
	for_each_node (n)
		total += n->present;
	for_each_node (n) /* borders are moved up to blocks of the largest order */
		EXPECT_MSG(n->present * nr > total - total / 4 && n->present * nr < total + total / 4,
			   "node %d has %lu pages of %lu", n->nid, n->present, total);
}

KTEST(numa, fake_nodes_have_the_size_asked_for_but_for_the_last)
{
	const char *fake = strstr(cmdline_text(), "numa=fake="), *end;
	const unsigned long slack = 1UL << MAX_ORDER;
	u64 size = 0, pages;
	struct node *n;

	if (!fake || parse_size_prefix(fake + strlen("numa=fake="), &end, &size) || end[-1] <= '9')
		SKIP("needs numa=fake=SIZE");
	if (nr_nodes == MAX_NODES)
		SKIP("there are as many nodes as there can be");
	pages = size >> PAGE_SHIFT;
	for_each_node (n) {
		EXPECT_MSG(n->present <= pages + slack, "node %d has %lu pages", n->nid, n->present);
		if (n->nid + 1 < (int)nr_nodes)
			EXPECT_MSG(n->present + slack >= pages, "node %d has %lu pages", n->nid, n->present);
	}
}

KTEST(numa, distances_begin_with_the_local_one)
{
	for (unsigned a = 0; a < nr_nodes; a++)
		for (unsigned b = 0; b < nr_nodes; b++) {
			if (a == b)
				EXPECT_EQ(node_distance((int)a, (int)b), LOCAL_DISTANCE);
			else
				EXPECT_GT(node_distance((int)a, (int)b), LOCAL_DISTANCE);
		}
}

KTEST(numa, every_ram_frame_has_a_node_that_spans_it)
{
	for (unsigned i = 0; i < memblock.memory.cnt; i++) {
		const struct memblock_region *r = &memblock.memory.region[i];

		if (!EXPECT_LT((unsigned)r->nid, nr_nodes))
			continue;
		EXPECT_LE(nodes[r->nid].start_pfn, r->start >> PAGE_SHIFT);
		EXPECT_GE(nodes[r->nid].end_pfn, r->end >> PAGE_SHIFT);
	}
	EXPECT_LT((unsigned)numa_node_id(), nr_nodes);
}

KTEST(numa, nodes_are_the_sums_of_their_zones)
{
	struct zone *zone;
	struct node *n;

	for_each_node (n) {
		unsigned long present = 0, managed = 0;

		for_each_populated_zone (zone) {
			if (zone->nid != n->nid)
				continue;
			present += zone->present;
			managed += zone->managed;
		}
		EXPECT_EQ(present, n->present);
		EXPECT_EQ(managed, n->managed);
		EXPECT_EQ(n->has_memory, present != 0);
	}
}

/* ---- nodes that this machine need not have ---- */

enum { FAKE_NODES = 5 };
static struct node fake_nodes[FAKE_NODES + 1]; /* one more, which is none of them */
static struct zone fake_zones[FAKE_NODES << ZONES_PER_NODE_SHIFT];
static struct zone *fake_lists[2][FAKE_NODES][FAKE_NODES * NR_ZONES + 1];

/*
 * Builds the lists of five nodes, all at distance 20 but for 1 and 3 at 15, with CPUs on node 0 only. Node 0 has three
 * zones, the others Normal; `empty` has no memory (-1: all have).
 */
static void build_fake_lists(int empty)
{
	memset(fake_zones, 0, sizeof(fake_zones));
	for (int nid = 0; nid < FAKE_NODES; nid++) {
		struct node *node = &fake_nodes[nid];

		*node = (struct node){.nid = nid,
				      .has_memory = nid != empty,
				      .has_cpus = nid == 0,
				      .fallback = {fake_lists[0][nid]},
				      .thisnode = {fake_lists[1][nid]}};
		for (int other = 0; other < FAKE_NODES; other++)
			node->distance[other] = nid == other	   ? LOCAL_DISTANCE
						: nid * other == 3 ? 15
								   : REMOTE_DISTANCE;
		for (unsigned type = nid ? ZONE_NORMAL : ZONE_DMA; type <= ZONE_NORMAL; type++) {
			struct zone *zone = &fake_zones[(unsigned)nid << ZONES_PER_NODE_SHIFT | type];

			zone->nid = nid;
			zone->type = (enum zone_type)type;
			zone->present = nid != empty;
		}
	}
	fake_nodes[FAKE_NODES] = (struct node){.nid = FAKE_NODES, .has_memory = true};
	numa_build_zonelists(fake_nodes, FAKE_NODES, fake_zones);
}

static void expect_nodes(struct ktest *t, struct zone *const *list, const char *want)
{
	for (; *want; want++) {
		int nid = *want - '0';

		for (int type = ZONE_NORMAL; type >= (nid ? ZONE_NORMAL : ZONE_DMA); type--, list++)
			if (EXPECT_NOT_NULL(*list))
				EXPECT_TRUE((*list)->nid == nid && (*list)->type == (enum zone_type)type);
	}
	EXPECT_NULL(*list);
}

/* Worked by hand from find_next_best_node: distance, then no CPUs, then upwards, then who was chosen less often. */
KTEST(numa, fallback_of_five_nodes_is_near_first_and_spread)
{
	static const char *const want[FAKE_NODES] = {"01234", "13240", "24310", "31420", "42310"};

	build_fake_lists(-1);
	for (unsigned nid = 0; nid < FAKE_NODES; nid++) {
		const char own[2] = {(char)('0' + nid), 0};

		expect_nodes(t, fake_lists[0][nid], want[nid]);
		expect_nodes(t, fake_lists[1][nid], own);
	}
}

KTEST(numa, a_node_without_memory_uses_the_others)
{
	static const char *const want[FAKE_NODES] = {"0134", "1340", "3410", "3140", "4130"};

	build_fake_lists(2);
	for (unsigned nid = 0; nid < FAKE_NODES; nid++)
		expect_nodes(t, fake_lists[0][nid], want[nid]);
	EXPECT_NULL(fake_lists[1][2][0]);
}

/* ---- nodes without memory, nodes without CPUs ---- */

static bool nearest_with_memory(int nid, int chosen)
{
	struct node *n;

	for_each_node (n)
		if (n->has_memory && node_distance(nid, n->nid) < node_distance(nid, chosen))
			return false;
	return nodes[chosen].has_memory;
}

KTEST(numa, who_has_no_memory_gets_the_nearest)
{
	struct node *n;

	for_each_online_node (n) {
		int nid = numa_memory_node(n->nid);

		if (n->has_memory)
			EXPECT_EQ(nid, n->nid);
		EXPECT_TRUE(nearest_with_memory(n->nid, nid));
		EXPECT_TRUE(nearest_with_memory(n->nid, n->fallback.zone[0]->nid));
	}
}

struct whereabouts {
	vaddr_t stack, percpu;
};

static DEFINE_PER_CPU(u8, some_byte);

static void look_around(void *ctx)
{
	struct whereabouts *w = ctx;

	w->stack = (vaddr_t)__builtin_frame_address(0);
	w->percpu = (vaddr_t)this_cpu_ptr(&some_byte);
}

/* The image has the boot CPU's stack; that of a thread of the hosted build is the process's. */
KTEST(numa, what_a_cpu_has_of_its_own_is_near_it)
{
	unsigned cpu;

	for_each_online_cpu (cpu) {
		struct whereabouts w;
		int nid = cpu_to_node_map[cpu];

		if (!node_has_low_memory(numa_memory_node(nid)))
			continue;
		if (cpu == arch_cpu_id())
			look_around(&w);
		else
			run_on(cpu, look_around, &w);
		EXPECT_TRUE(nearest_with_memory(nid, memblock_nid(&memblock, pt_lookup(w.percpu).pa)));
		if (is_vmalloc_addr((void *)w.stack))
			EXPECT_TRUE(nearest_with_memory(nid, page_to_nid(vmalloc_to_page((void *)w.stack))));
	}
}

/* The per-CPU page lists of each zone lie on the CPU's own node, or on the nearest one with memory. */
KTEST(numa, page_lists_of_a_cpu_are_near_it)
{
	struct zone *zone;
	unsigned cpu, seen = 0;

	if (page_debug_enabled())
		SKIP("page debugging does without per-CPU lists");
	for_each_online_cpu (cpu) {
		int nid = cpu_to_node_map[cpu];

		if (!node_has_low_memory(numa_memory_node(nid)))
			continue;
		for_each_populated_zone (zone) {
			struct pcp *pcp = per_cpu(pcp_zone[zone->id], cpu);

			EXPECT_TRUE(nearest_with_memory(nid, page_to_nid(virt_to_page(pcp))));
			seen++;
		}
	}
	EXPECT_GT(seen, 0);
}

/* Of each range: the first and the last frames whose part of the array is not shared with another range's. */
KTEST(numa, a_nodes_part_of_the_page_array_is_on_the_node)
{
	const pfn_t step = PAGE_SIZE / sizeof(struct page);

	for (unsigned i = 0; i < memblock.memory.cnt; i++) {
		const struct memblock_region *r = &memblock.memory.region[i];
		const pfn_t first = ALIGN_UP(r->start >> PAGE_SHIFT, step),
			    last = ALIGN_DOWN(r->end >> PAGE_SHIFT, step) - step;
		pfn_t at[] = {first, ALIGN_DOWN((first + last) / 2, step), last};

		if (r->end - r->start < MIB(16) || first > last) /* no room for it, or no page of it alone */
			continue;
		for (unsigned k = 0; k < ARRAY_SIZE(at); k++) {
			struct pt_query q;

			if (!EXPECT_TRUE(section_open_pfn(at[k])))
				continue;
			q = pt_lookup((vaddr_t)pfn_to_page(at[k]));
			EXPECT_TRUE(q.mapped);
			EXPECT_MSG(memblock_nid(&memblock, q.pa) == r->nid,
				   "struct page of pfn 0x%lx, node %d, is at 0x%lx, node %d", at[k], r->nid,
				   q.pa, memblock_nid(&memblock, q.pa));
		}
	}
}

static void wake_zone(void *ctx)
{
	struct zone *list[] = {ctx, NULL};

	reclaim_wake(list);
}

/* From every CPU, for every node: some main loop does the work. */
KTEST(numa, a_short_zone_reaches_a_main_loop)
{
	struct zone *zone;
	unsigned cpu;

	for_each_populated_zone (zone) {
		for_each_online_cpu (cpu) {
			if (cpu == arch_cpu_id())
				wake_zone(zone);
			else
				run_on(cpu, wake_zone, zone);
			for (unsigned i = 0; i < 1000000 && READ_ONCE(zone->wake); i++)
				quiet_point();
			EXPECT_FALSE(zone->wake);
		}
	}
}

/* ---- counters ---- */

struct counts {
	u64 of[MAX_NODES][NR_NUMA_STATS];
};

static void counts_take(struct counts *c)
{
	for (unsigned nid = 0; nid < nr_nodes; nid++)
		for (unsigned s = 0; s < NR_NUMA_STATS; s++)
			c->of[nid][s] = numa_stat_read((int)nid, (enum numa_stat)s);
}

static u64 more(const struct counts *before, int nid, enum numa_stat s)
{
	return numa_stat_read(nid, s) - before->of[nid][s];
}

/* Everybody counts: only what other CPUs do not do meanwhile is exact. */
KTEST(numa, each_allocation_is_counted_at_its_node)
{
	static struct counts before;
	const int here = numa_node_id();
	struct node *n;

	for_each_node (n) {
		bool local = n->nid == here;
		LIST_HEAD(held);
		unsigned got = 0;

		if (!node_has_low_memory(n->nid) ||
		    n->managed < 1000 + 10 * node_zone(n->nid, ZONE_DMA)->wmark[WMARK_HIGH])
			continue;
		smp_settle();
		counts_take(&before);
		for (; got < 300; got++) {
			struct page *page =
				alloc_pages_node(n->nid, GFP_KERNEL | __GFP_THISNODE | __GFP_NOWARN, got % 3);

			if (!page)
				break;
			list_add(&page->lru, &held);
		}
		EXPECT_EQ(more(&before, n->nid, NUMA_HIT), got);
		EXPECT_EQ(more(&before, n->nid, local ? NUMA_LOCAL : NUMA_OTHER), got);
		EXPECT_EQ(more(&before, n->nid, local ? NUMA_OTHER : NUMA_LOCAL), 0);
		EXPECT_EQ(more(&before, n->nid, NUMA_MISS) + more(&before, n->nid, NUMA_FOREIGN), 0);
		EXPECT_EQ(more(&before, n->nid, NUMA_INTERLEAVE_HIT), 0);
		while (!list_empty(&held)) {
			struct page *page = list_first_entry(&held, struct page, lru);

			list_del(&page->lru);
			__free_pages(page, page_order(page));
		}
	}
}

KTEST(numa, pages_by_the_bulk_are_counted_one_by_one)
{
	static struct page *pages[200];
	static struct counts before;
	struct node *n;

	for_each_node (n) {
		unsigned long got;

		if (n->managed < 4096 || !node_has_low_memory(n->nid))
			continue;
		smp_settle();
		counts_take(&before);
		got = alloc_pages_bulk(n->nid, GFP_KERNEL | __GFP_THISNODE | __GFP_NOWARN, 200, pages);
		EXPECT_EQ(more(&before, n->nid, NUMA_HIT), got);
		EXPECT_EQ(more(&before, n->nid, n->nid == numa_node_id() ? NUMA_LOCAL : NUMA_OTHER), got);
		free_pages_bulk(pages, got);
	}
}

/* A CPU whose node has no memory: pages of that node alone, and of any node. */
struct memoryless {
	struct page *own, *any;
};

static void alloc_without_memory(void *ctx)
{
	struct memoryless *got = ctx;

	got->own = alloc_pages(GFP_KERNEL | __GFP_THISNODE | __GFP_NOWARN, 0);
	got->any = alloc_pages(GFP_KERNEL, 0);
}

/* A node without memory is served by another one: as preferred as can be, but not local. */
KTEST(numa, cpu_of_a_memoryless_node_counts_hits_elsewhere)
{
	static struct counts before;
	struct memoryless got;
	unsigned cpu;
	int nid;

	for_each_online_cpu (cpu)
		if (!nodes[cpu_to_node_map[cpu]].has_memory)
			break;
	if (cpu >= NR_CPUS)
		SKIP("every CPU's node has memory");
	nid = cpu_to_node_map[cpu];
	smp_settle();
	counts_take(&before);
	if (cpu == arch_cpu_id())
		alloc_without_memory(&got);
	else
		run_on(cpu, alloc_without_memory, &got);
	EXPECT_NULL(got.own);
	ASSERT_NOT_NULL(got.any);
	EXPECT_TRUE(nearest_with_memory(nid, page_to_nid(got.any)));
	EXPECT_GE(more(&before, page_to_nid(got.any), NUMA_HIT), 1);
	EXPECT_GE(more(&before, page_to_nid(got.any), NUMA_OTHER), 1);
	EXPECT_EQ(more(&before, nid, NUMA_LOCAL), 0);
	EXPECT_NE(numa_memory_node(nid), nid);
	EXPECT_NULL(alloc_pages_node(nid, GFP_KERNEL | __GFP_THISNODE | __GFP_NOWARN, PCP_MAX_ORDER + 1));
	__free_pages(got.any, 0);
}

/* ---- interleaving ---- */

/* Nodes on which every request can be met. */
static unsigned nodes_with_room(void)
{
	unsigned nr = 0;
	struct node *n;

	for_each_node (n) {
		if (!n->has_memory)
			continue;
		if (n->managed < 4096 || !node_has_low_memory(n->nid))
			return 0;
		nr++;
	}
	return nr;
}

static void expect_even(struct ktest *t, const unsigned *on_node, unsigned each)
{
	struct node *n;

	for_each_node (n)
		EXPECT_MSG(!n->has_memory ? !on_node[n->nid]
					  : on_node[n->nid] >= each && on_node[n->nid] <= each + 1,
			   "%u of node %d, expected %u or one more", on_node[n->nid], n->nid, each);
}

KTEST(numa, interleaved_pages_come_from_the_nodes_in_turn)
{
	unsigned on_node[MAX_NODES] = {0}, nr = nodes_with_room(), each = 7;
	static struct counts before;
	struct page *page, *tmp;
	int last = NUMA_NO_NODE;
	LIST_HEAD(held);
	struct node *n;

	if (!nr)
		SKIP("a node is too small");
	smp_settle();
	counts_take(&before);
	for (unsigned i = 0; i < each * nr + 1; i++) {
		page = alloc_pages_node(NUMA_INTERLEAVE, GFP_KERNEL, 0);
		ASSERT_NOT_NULL(page);
		if (nr > 1)
			EXPECT_NE(page_to_nid(page), last);
		last = page_to_nid(page);
		on_node[last]++;
		list_add(&page->lru, &held);
	}
	expect_even(t, on_node, each);
	for_each_node (n)
		EXPECT_EQ(more(&before, n->nid, NUMA_INTERLEAVE_HIT), on_node[n->nid]);
	list_for_each_entry_safe (page, tmp, &held, lru)
		__free_page(page);
}

/* While node `nid` is full, in the eyes of its marks, another node serves its turn. That is no hit of interleaving. */
static void expect_no_hit(struct ktest *t, int nid)
{
	static struct counts before;
	unsigned long saved[NR_ZONES][NR_WMARKS];

	for (unsigned z = 0; z < NR_ZONES; z++) {
		struct zone *zone = node_zone(nid, (enum zone_type)z);

		memcpy(saved[z], zone->wmark, sizeof(saved[z]));
		for (unsigned m = 0; m < NR_WMARKS; m++)
			zone->wmark[m] = ~0UL >> 2;
	}
	smp_settle();
	counts_take(&before);
	for (unsigned i = 0; i < nr_nodes; i++) {
		struct page *page =
			alloc_pages_node(NUMA_INTERLEAVE, GFP_NOWAIT | __GFP_NOWARN, PCP_MAX_ORDER + 1);

		ASSERT_NOT_NULL(page);
		EXPECT_NE(page_to_nid(page), nid);
		__free_pages(page, PCP_MAX_ORDER + 1);
	}
	EXPECT_EQ(more(&before, nid, NUMA_INTERLEAVE_HIT), 0);
	for (unsigned z = 0; z < NR_ZONES; z++)
		memcpy(node_zone(nid, (enum zone_type)z)->wmark, saved[z], sizeof(saved[z]));
}

KTEST(numa, interleaving_counts_a_hit_at_the_intended_node_only)
{
	struct node *n;

	if (nodes_with_room() < 2)
		SKIP("needs two nodes with room");
	for_each_node (n)
		if (n->has_memory)
			expect_no_hit(t, n->nid);
}

KTEST(numa, an_interleaved_area_is_spread_over_the_nodes)
{
	unsigned nr = nodes_with_room(),
		 sizes[] = {3 * nr, 40 * nr + 1}; /* few frames; an array of its own */

	if (!nr)
		SKIP("a node is too small");
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		unsigned on_node[MAX_NODES] = {0};
		char *p = vmalloc_interleave(sizes[i] * PAGE_SIZE);

		ASSERT_NOT_NULL(p);
		for (unsigned k = 0; k < sizes[i]; k++)
			on_node[page_to_nid(vmalloc_to_page(p + k * PAGE_SIZE))]++;
		expect_even(t, on_node, sizes[i] / nr);
		vfree(p);
	}
}

/* ---- objects and pages that another node frees ---- */

enum { NR_OBJS = 600, ROUNDS = 60 };
static struct kmem_cache *cache;
static void *objs[NR_OBJS];

/* An online CPU whose objects come from another node, or NR_CPUS. */
static unsigned cpu_elsewhere(void)
{
	unsigned cpu;

	for_each_online_cpu (cpu)
		if (slab_nid(cpu_to_node_map[cpu]) != slab_local_nid())
			return cpu;
	return NR_CPUS;
}

static void free_objects(void *ctx)
{
	(void)ctx;
	for (unsigned i = 0; i < NR_OBJS; i++)
		kmem_cache_free(cache, objs[i]);
}

static unsigned long at_home(const struct kmem_cache_node *n)
{
	return n->free_objects + (n->shared ? n->shared->stack.avail : 0);
}

static unsigned long held_by_slabs(const struct kmem_cache_node *n)
{
	return n->total_slabs * n->cache->num;
}

/*
 * One CPU takes, one of another node gives back, many times: nothing of it stays at the second node, and at home no more
 * than what an ordinary cache may keep.
 */
KTEST(numa, objects_freed_on_another_node_go_home)
{
	unsigned cpu = cpu_elsewhere();
	struct kmem_cache_node *home, *away;
	unsigned long most;

	if (cpu == NR_CPUS)
		SKIP("needs a CPU of another node with memory");
	cache = kmem_cache_create("ktest-numa", 200, 0, 0, NULL);
	ASSERT_NOT_NULL(cache);
	home = cache->node[slab_local_nid()];
	away = cache->node[slab_nid(cpu_to_node_map[cpu])];
	most = NR_OBJS + home->free_limit + cache->limit + 2 * cache->num +
	       cache->shared * cache->batchcount + SLAB_REMOTE_LIMIT;
	for (unsigned round = 0; round < ROUNDS; round++) {
		unsigned long slabs;

		for (unsigned i = 0; i < NR_OBJS; i++) {
			objs[i] = kmem_cache_alloc(cache, GFP_KERNEL | __GFP_NOFAIL);
			EXPECT_EQ(page_to_nid(virt_to_page(objs[i])), home->nid);
		}
		slabs = held_by_slabs(home);
		run_on(cpu, free_objects, NULL);
		/* What the other CPU gathers, and what this one has in its array, is all that is not back. */
		EXPECT_LE(slabs, most);
		EXPECT_GE(at_home(home) + cache->limit + SLAB_REMOTE_LIMIT, held_by_slabs(home));
		EXPECT_EQ(away->total_slabs, 0);
	}
	EXPECT_EQ(away->grown, 0);
	slab_drain(cache);
	EXPECT_EQ(home->free_objects, held_by_slabs(home));
	EXPECT_EQ(kmem_cache_destroy(cache), 0);
}

static struct page *pages[NR_OBJS];

static void free_pages_here(void *ctx)
{
	(void)ctx;
	for (unsigned i = 0; i < NR_OBJS; i++)
		__free_page(pages[i]);
}

static void alloc_pages_here(void *ctx)
{
	(void)ctx;
	for (unsigned i = 0; i < NR_OBJS; i++)
		pages[i] = alloc_page(GFP_KERNEL | __GFP_NOFAIL);
}

KTEST(numa, pages_freed_on_another_node_are_not_taken_for_its_own)
{
	unsigned cpu = cpu_elsewhere();
	int here = slab_local_nid(), there;

	if (cpu == NR_CPUS || !nodes_with_room())
		SKIP("needs a CPU of another node with memory");
	there = slab_nid(cpu_to_node_map[cpu]);
	for (unsigned round = 0; round < 5; round++) {
		unsigned long waiting = 0;
		struct zone *zone;

		alloc_pages_here(NULL);
		for (unsigned i = 0; i < NR_OBJS; i++)
			EXPECT_EQ(page_to_nid(pages[i]), here);
		run_on(cpu, free_pages_here, NULL);
		for_each_populated_zone (zone) {
			if (zone->nid == here)
				waiting += pcp_count(zone, cpu);
			EXPECT_LE(pcp_count(zone, cpu), zone->high);
		}
		EXPECT_TRUE(waiting || page_debug_enabled());
		run_on(cpu, alloc_pages_here, NULL);
		for (unsigned i = 0; i < NR_OBJS; i++)
			EXPECT_EQ(page_to_nid(pages[i]), there);
		free_pages_here(NULL);
	}
}

/* Nobody's arrays are there, so nobody would look: its empty slabs would stay for ever. */
KTEST(numa, empty_slabs_of_a_node_without_cpus_are_given_back)
{
	const int here = slab_local_nid();
	unsigned seen = 0;
	struct node *n;

	cache = kmem_cache_create("ktest-numa", 2000, 0, 0, NULL);
	ASSERT_NOT_NULL(cache);
	for_each_node (n) {
		struct kmem_cache_node *home = cache->node[n->nid];
		unsigned cpu, users = 0;

		for_each_possible_cpu (cpu)
			users += slab_nid(cpu_to_node_map[cpu]) == n->nid;
		if (!home || users || n->nid == here || n->managed < 4096 || !node_has_low_memory(n->nid))
			continue;
		for (unsigned i = 0; i < 20; i++)
			objs[i] = kmem_cache_alloc_node(cache, GFP_KERNEL | __GFP_THISNODE, n->nid);
		for (unsigned i = 0; i < 20; i++)
			kmem_cache_free(cache, objs[i]);
		slab_drain(cache);
		EXPECT_GT(home->free_slabs, 0);
		for (unsigned look = 0; look < 40 && home->free_slabs; look++) {
			WRITE_ONCE(home->next_reap_ns, 0);
			slab_reap(false);
		}
		EXPECT_EQ(home->free_slabs, 0);
		seen++;
	}
	EXPECT_EQ(kmem_cache_destroy(cache), 0);
	if (!seen)
		SKIP("no node without CPUs");
}

/* The object requests of the case; every request for pages fails. */
static void *object_without_pages(gfp_t gfp, int nid)
{
	void *p;

	fault_sweep_arm(2, ~0UL); /* the first one is the object's own */
	mm_update_bypass();
	p = kmem_cache_alloc_node(cache, gfp | __GFP_NOWARN, nid);
	fault_sweep_stop();
	mm_update_bypass();
	return p;
}

KTEST(numa, without_pages_an_object_comes_from_another_nodes_slab)
{
	int from = -1, to = -1;
	void *p, *other;
	struct node *n;

	for_each_node (n)
		if (node_has_low_memory(n->nid)) {
			from = to;
			to = n->nid;
		}
	if (from < 0)
		SKIP("needs two nodes with memory for objects");
	cache = kmem_cache_create("ktest-numa", 1000, 0, SLAB_NO_USER_FLAGS, NULL);
	ASSERT_NOT_NULL(cache);
	p = kmem_cache_alloc_node(cache, GFP_KERNEL | __GFP_THISNODE, to);
	EXPECT_NOT_NULL(p);
	slab_drain(cache);
	EXPECT_NULL(object_without_pages(GFP_KERNEL | __GFP_THISNODE, from));
	other = object_without_pages(GFP_KERNEL, from);
	if (EXPECT_NOT_NULL(other))
		EXPECT_EQ(page_to_nid(virt_to_page(other)), to);
	if (other)
		kmem_cache_free(cache, other);
	if (p)
		kmem_cache_free(cache, p);
	EXPECT_EQ(kmem_cache_destroy(cache), 0);
}

KTEST_PANIC(numa, a_node_that_does_not_exist_is_a_bug, "there is no node")
{
	alloc_pages_node((int)nr_nodes, GFP_KERNEL, 0);
}
