/*
 * test_numa.c - zonelists and distances of this machine's nodes.
 *
 * Idea.       The lists are few and short: each property is looked at for every node.
 * Layout.     nodes[], nodes[].fallback, nodes[].thisnode
 * Invariants. N1 to N3 of mm/numa.c, and the order within a list.
 * Locking.    None: the lists are fixed at boot.
 * Failure.    As every test's.
 * Next:       test_page.c.
 */
#include <mm/numa.h>

#include "zone_fixture.h"

#include <kernel/cmdline.h>
#include <kernel/string.h>

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

KTEST(numa, a_local_allocation_counts_as_a_hit)
{
	int nid = numa_node_id();
	u64 hit = numa_stat_read(nid, NUMA_HIT), local = numa_stat_read(nid, NUMA_LOCAL);
	u64 other = numa_stat_read(nid, NUMA_OTHER), miss = numa_stat_read(nid, NUMA_MISS);
	LIST_HEAD(held);

	EXPECT_EQ(hold_blocks(&held, GFP_KERNEL, 0, 200), 200);
	release_blocks(&held, 0);
	EXPECT_EQ(hold_blocks(&held, GFP_KERNEL, 4, 10), 10);
	release_blocks(&held, 4);
	EXPECT_GE(numa_stat_read(nid, NUMA_HIT), hit + 210);
	EXPECT_EQ(numa_stat_read(nid, NUMA_HIT) - hit, numa_stat_read(nid, NUMA_LOCAL) - local);
	EXPECT_EQ(numa_stat_read(nid, NUMA_OTHER), other);
	EXPECT_EQ(numa_stat_read(nid, NUMA_MISS), miss);
}

KTEST_PANIC(numa, a_node_that_does_not_exist_is_a_bug, "there is no node")
{
	alloc_pages_node((int)nr_nodes, GFP_KERNEL, 0);
}
