#ifndef MM_NUMA_H
#define MM_NUMA_H

#include <arch/cpu.h>
#include <kernel/bootinfo.h>
#include <mm/page.h>

enum { MAX_NODES = 64, LOCAL_DISTANCE = 10, REMOTE_DISTANCE = 20 };

struct zone;
struct zonelist {
	/*
	 * Populated zones, the node's own first, the highest zone of each node first; NULL ends the
	 * list.
	 */
	struct zone **zone;
};

struct node {
	int nid;
	bool online; /* has memory or CPUs */
	bool has_memory;
	/* a possible CPU belongs to the node */
	bool has_cpus;
	/* span of its memory; both 0 without memory */
	pfn_t start_pfn, end_pfn;
	unsigned long present, managed;
	struct zonelist fallback; /* zones of all nodes, by distance */
	struct zonelist thisnode; /* own zones only, for __GFP_THISNODE */
	u8 distance[MAX_NODES];
};

extern struct node nodes[MAX_NODES];
/* Ids are below nr_nodes. An id without memory and CPUs is a node that is not online. */
extern unsigned nr_nodes;
/* Node of each CPU, by CPU number. */
extern int cpu_to_node_map[];

/*
 * Builds nodes[] from the firmware's ranges and the command line. Context: boot, after memblock_init().
 */
void numa_init(const struct boot_info *bi);
/*
 * Returns whether firmware's range i can be used: the id of its node must be below MAX_NODES. Warns about a
 * range that cannot, and about an overlap with an earlier range of another node.
 */
bool numa_range_usable(const struct boot_node_range *ranges, unsigned i);
/* Returns the lowest node that has memory ranges, 0 if firmware gives none. */
u32 numa_lowest_node(const struct boot_info *bi);
/*
 * Returns the node of a CPU whose firmware node is `said`: numa_lowest_node() for BOOT_NO_NODE; node 0, with
 * a warning, for an id that is too large.
 */
u32 numa_node_of_cpu(const struct boot_info *bi, unsigned cpu, u32 said);
/* Returns whether the given distances between the first nr nodes are 10 locally and above 10 otherwise. */
bool numa_distances_usable(const struct boot_info *bi, unsigned nr);
/*
 * Fills the fallback and thisnode lists of nr nodes. zones is the zone table: 8 entries for each node,
 * in the order of enum zone_type.
 */
void numa_build_zonelists(struct node *table, unsigned nr, struct zone *zones);
/* Records the checksum of nodes of CPUs, distances and lists. They must not change any more. */
void numa_fixed(void);
/* Returns the node of this CPU. */
static inline int numa_node_id(void)
{
	return cpu_to_node_map[arch_cpu_id()];
}
/* Returns the distance from node a to node b; LOCAL_DISTANCE if a == b. Both are below nr_nodes. */
unsigned node_distance(int a, int b);
/*
 * Returns nid if the node has memory, else the node whose memory it tries first. Valid from numa_init()
 * on.
 */
int numa_memory_node(int nid);
/* Returns the next node with memory in this CPU's round-robin order. Context: any. */
int numa_interleave_node(void);

#define for_each_node(n) for (n = nodes; n < nodes + nr_nodes; n++)
#define for_each_online_node(n) \
	for_each_node (n)       \
		if (n->online)

#endif
