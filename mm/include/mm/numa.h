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
