/*
 * numa.c - nodes, their distances, and the order in which an allocation falls back from one to the next.
 *
 * Idea.       A zonelist per node is computed once: own zones first, highest zone first within a node, then whole
 *             nodes by distance; nodes at equal distance are spread over their users. An allocation only walks the
 *             list.
 * Layout.     nodes[nid] -> { span, distance[], fallback, thisnode } a list ends with NULL
 * Invariants. N1  every populated zone is on every fallback list exactly once
 *             N2  a node with memory starts its own
 *             N3  thisnode holds the node's own populated zones only
 * Locking.    None: built at boot, read-only afterwards.
 * Failure.    Without usable firmware tables there is one node with everything.
 * Source.     Linux mm/page_alloc.c (find_next_best_node, build_zonelists).
 * Next:       pgtable.c.
 */
#include <kernel/bug.h>
#include <kernel/cmdline.h>
#include <kernel/errno.h>
#include <kernel/percpu.h>
#include <kernel/string.h>
#include <mm/check.h>
#include <mm/internal.h>
#include <mm/memblock.h>
#include <mm/numa.h>

/* One node is all there is so far, so "off" asks for nothing and other values for what cannot be had. */
static int set_numa(const char *value)
{
	return value && strcmp(value, "off") == 0 ? 0 : -EINVAL;
}
CMDLINE_OPT("numa", "off", set_numa);

struct node nodes[MAX_NODES];
unsigned nr_nodes;
int cpu_to_node_map[NR_CPUS];

unsigned node_distance(int a, int b)
{
	return nodes[a].distance[b];
}

static bool node_has_cpus(int nid)
{
	unsigned cpu;

	for_each_possible_cpu (cpu)
		if (cpu_to_node_map[cpu] == nid)
			return true;
	return false;
}

static unsigned list_node_zones(const struct node *n, struct zonelist *list, unsigned at)
{
	for (int type = NR_ZONES - 1; type >= 0; type--) {
		struct zone *zone = node_zone(n->nid, (enum zone_type)type);

		if (zone->present)
			list->zone[at++] = zone;
	}
	list->zone[at] = NULL;
	return at;
}

/* The unused node with memory that suits `local` best: near, with no CPUs of its own, not yet popular. */
static struct node *next_best_node(const struct node *local, const bool *used, const unsigned *load)
{
	unsigned long best_cost = ~0UL;
	struct node *best = NULL, *n;

	for_each_node (n) {
		unsigned long cost;

		if (!n->has_memory || used[n->nid])
			continue;
		if (n == local)
			return n;
		cost = local->distance[n->nid] + (n->nid < local->nid) + node_has_cpus(n->nid);
		cost = cost * MAX_NODES + load[n->nid];
		if (cost < best_cost) {
			best_cost = cost;
			best = n;
		}
	}
	return best;
}

void numa_build_zonelists(void)
{
	unsigned load[MAX_NODES] = {0};
	struct node *local;

	for_each_node (local) {
		bool used[MAX_NODES] = {false};
		unsigned at = 0, last_distance = 0;
		struct node *n;

		list_node_zones(local, &local->thisnode, 0);
		local->fallback.zone[0] = NULL;
		while ((n = next_best_node(local, used, load)) != NULL) {
			if (n != local && local->distance[n->nid] != last_distance)
				load[n->nid]++;
			last_distance = local->distance[n->nid];
			used[n->nid] = true;
			at = list_node_zones(n, &local->fallback, at);
		}
	}
}

static struct zone **alloc_zonelist(unsigned zones)
{
	return memblock_alloc_or_panic((zones + 1) * sizeof(struct zone *), sizeof(struct zone *),
				       NUMA_NO_NODE, "zonelists");
}

void numa_init(const struct boot_info *bi)
{
	struct node *n;

	nr_nodes = 1;
	nodes[0] = (struct node){.nid = 0, .online = true, .has_memory = true};
	nodes[0].distance[0] = LOCAL_DISTANCE;
	memblock_set_node(&memblock, 0, ~0UL, 0);
	for_each_node (n) {
		n->fallback.zone = alloc_zonelist(nr_nodes * NR_ZONES);
		n->thisnode.zone = alloc_zonelist(NR_ZONES);
	}
}

static const char *numa_check(void)
{
	struct node *n;
	struct zone *zone;

	for_each_node (n) {
		unsigned populated = 0, listed = 0;

		for_each_populated_zone (zone)
			populated++;
		while (n->fallback.zone[listed])
			listed++;
		if (listed != populated)
			return "numa N1: a zonelist misses a zone or has one twice";
		for (unsigned i = 0; i < listed; i++)
			for (unsigned k = 0; k < i; k++)
				if (n->fallback.zone[i] == n->fallback.zone[k])
					return "numa N1: a zone is listed twice";
		if (n->has_memory && n->fallback.zone[0]->nid != n->nid)
			return "numa N2: a node with memory does not come first on its own list";
		for (unsigned i = 0; n->thisnode.zone[i]; i++)
			if (n->thisnode.zone[i]->nid != n->nid)
				return "numa N3: a foreign zone on a node's own list";
	}
	return NULL;
}
MM_CHECK("numa", numa_check);
