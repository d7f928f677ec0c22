#ifndef MM_NUMA_H
#define MM_NUMA_H

#include <arch/cpu.h>
#include <kernel/bootinfo.h>
#include <mm/page.h>

enum { MAX_NODES = 64, LOCAL_DISTANCE = 10, REMOTE_DISTANCE = 20 };

struct zone;
struct zonelist {
	/* Populated zones, own node first, each node from its highest zone down; NULL ends it. */
	struct zone **zone;
};

struct node {
	int nid;
	bool online; /* has memory or CPUs */
	bool has_memory;
	bool has_cpus;		  /* that may run */
	pfn_t start_pfn, end_pfn; /* span */
	unsigned long present, managed;
	struct zonelist fallback; /* all nodes by distance */
	struct zonelist thisnode; /* own zones only, for __GFP_THISNODE */
	u8 distance[MAX_NODES];
};

extern struct node nodes[MAX_NODES];
extern unsigned nr_nodes; /* ids are below; those that nothing uses are not online */
extern int cpu_to_node_map[];

void numa_init(const struct boot_info *bi);
/*
 * Whether firmware's range i can be placed: its node's id is below MAX_NODES. Both that and an overlap with an earlier
 * range of another node are reported.
 */
bool numa_range_usable(const struct boot_node_range *ranges, unsigned i);
/* The lowest node that has a range of memory, or 0. */
u32 numa_lowest_node(const struct boot_info *bi);
/* The node of a CPU for which firmware says `said`: the lowest node for BOOT_NO_NODE, node 0 for an id that is too large. */
u32 numa_node_of_cpu(const struct boot_info *bi, unsigned cpu, u32 said);
/* Whether the distances between the first nr nodes are 10 to a node itself and more to others, where they are given. */
bool numa_distances_usable(const struct boot_info *bi, unsigned nr);
/* The lists of nr nodes whose zones are in the table zones[], 8 a node. */
void numa_build_zonelists(struct node *table, unsigned nr, struct zone *zones);
/* The kernel's nodes, their lists and the nodes of CPUs do not change any more. */
void numa_fixed(void);
/* Of this CPU. */
static inline int numa_node_id(void)
{
	return cpu_to_node_map[arch_cpu_id()];
}
unsigned node_distance(int a, int b);
/* The node itself if it has memory, else the one whose memory it gets first. From numa_init() on. */
int numa_memory_node(int nid);
/* This CPU's next node of those that have memory, one after the other. */
int numa_interleave_node(void);

#define for_each_node(n) for (n = nodes; n < nodes + nr_nodes; n++)
#define for_each_online_node(n) \
	for_each_node (n)       \
		if (n->online)

#endif
