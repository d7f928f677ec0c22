/*
 * numa.c - nodes, their distances, and the order in which an allocation falls back from one node to the
 * next.
 *
 * Idea.       Memory ranges, CPUs and distances that firmware describes become nodes. Ids stay the
 *             firmware's, so they can be compared with the firmware's tables or with Linux on the same
 *             machine. An id that no memory and no CPU uses is an offline node with lists of its own.
 *             Each node's zonelists are computed once, at boot; an allocation only walks the list. The
 *             fallback list holds the node's own zones first, then those of the other nodes by
 *             distance. Within a node the highest zone comes first. If several nodes are equally far,
 *             the lists of different nodes begin with different ones.
 * Layout.     nodes[nid] -> { span, distance[], fallback, thisnode }; a list ends with NULL. Two nodes
 *             of a PC:
 *
 *              nodes[0].fallback   0:Normal 0:DMA32 0:DMA 1:Normal NULL      thisnode   0:Normal 0:DMA32 0:DMA NULL
 *              nodes[1].fallback   1:Normal 0:Normal 0:DMA32 0:DMA NULL      thisnode   1:Normal NULL
 *
 * Invariants. N1  every populated zone is on every fallback list exactly once
 *             N2  the fallback list of a node with memory starts with a zone of this node
 *             N3  thisnode holds the node's own populated zones only
 *             N4  a node is online exactly if it has memory or CPUs
 *             N5  the nodes of CPUs, the distances and the lists do not change after boot
 *             N6  a node's span is that of its memory; present and managed are the sums of its zones
 * Locking.    The nodes are built at boot, on one CPU, and are read-only afterwards.
 * Failure.    Bad input is repaired, with a warning. If two nodes claim the same memory, the first one
 *             keeps it. Memory and CPUs of an id above 63 go to node 0. A CPU without a node goes to
 *             the lowest node with memory. A distance table with an invalid entry is discarded. If
 *             firmware describes no node, node 0 has all memory and CPUs.
 * Source.     Linux mm/page_alloc.c (find_next_best_node, build_zonelists), mm/numa_emulation.c
 *             (numa=fake=).
 * Next:       pgtable.c.
 */
#include <kernel/bug.h>
#include <kernel/bits.h>
#include <kernel/cmdline.h>
#include <kernel/cpus.h>
#include <kernel/errno.h>
#include <kernel/percpu.h>
#include <kernel/printk.h>
#include <kernel/random.h>
#include <kernel/string.h>
#include <mm/check.h>
#include <mm/check_walk.h>
#include <mm/internal.h>
#include <mm/memblock.h>
#include <mm/numa.h>

#define FAKE_NODE_MIN (PAGE_SIZE << MAX_ORDER)

static_assert((unsigned)MAX_NODES <= (unsigned)BOOT_MAX_DISTANCES,
	      "what firmware says of distances has room");

static bool numa_off;
/*
 * numa=fake=N and numa=fake=SIZE. At most one of the two is set. If both are 0, the nodes are those of
 * the firmware.
 */
static u64 fake_nodes, fake_size;

static bool nodes_are_fake(void)
{
	return fake_nodes || fake_size;
}

/*
 * Parses the value of numa=fake=: a plain number is a number of nodes, a number with a unit is the size
 * of a node.
 */
static int set_fake(const char *value)
{
	u64 n;

	fake_nodes = fake_size = 0;
	if (parse_u64(value, &n) == 0 && n && n <= MAX_NODES)
		fake_nodes = n;
	else if (parse_u64(value, &n) == -EINVAL && parse_size(value, &n) == 0)
		fake_size = ALIGN_DOWN(n, FAKE_NODE_MIN);
	return nodes_are_fake() ? 0 : -EINVAL;
}

static int set_numa(const char *value)
{
	if (value && strcmp(value, "off") == 0) {
		numa_off = true;
		return 0;
	}
	return value && strncmp(value, "fake=", 5) == 0 ? set_fake(value + 5) : -EINVAL;
}
CMDLINE_OPT("numa", "off, fake=N with 1 to 64 nodes, or fake=SIZE of 4M or more", set_numa);

struct node nodes[MAX_NODES];
unsigned nr_nodes;
int cpu_to_node_map[NR_CPUS];

unsigned node_distance(int a, int b)
{
	return nodes[a].distance[b];
}

static unsigned list_node_zones(struct zone *zones, int nid, struct zonelist *list, unsigned at)
{
	for (unsigned type = NR_ZONES; type-- > 0;) {
		struct zone *zone = &zones[(unsigned)nid << ZONES_PER_NODE_SHIFT | type];

		if (zone->present)
			list->zone[at++] = zone;
	}
	list->zone[at] = NULL;
	return at;
}

/*
 * Returns the unused node with memory of the lowest cost for `local`; local itself if it is unused. The
 * cost is the distance, plus 1 if the node has CPUs, plus 1 if its id is below local's. At equal cost
 * the node wins that fewer lists use as first of its distance (`load`).
 */
static struct node *next_best_node(struct node *table, unsigned nr, const struct node *local,
				   const bool *used, const unsigned *load)
{
	unsigned long best_cost = ~0UL;
	struct node *best = NULL;

	for (struct node *n = table; n < table + nr; n++) {
		unsigned long cost;

		if (!n->has_memory || used[n->nid])
			continue;
		if (n == local)
			return n;
		cost = local->distance[n->nid] + (n->nid < local->nid) + n->has_cpus;
		cost = cost * MAX_NODES + load[n->nid];
		if (cost < best_cost) {
			best_cost = cost;
			best = n;
		}
	}
	return best;
}

int numa_memory_node(int nid)
{
	static const bool used[MAX_NODES];
	static const unsigned load[MAX_NODES];
	const struct node *n = next_best_node(nodes, nr_nodes, &nodes[nid], used, load);

	return n ? n->nid : nid;
}

/*
 * Last node of this CPU. An interrupt between read and write may return the same node twice, which is
 * harmless.
 */
static DEFINE_PER_CPU(int, interleave_last);

int numa_interleave_node(void)
{
	unsigned turn = (unsigned)this_cpu(interleave_last), nid = (unsigned)numa_node_id();

	for (unsigned i = 1; i <= nr_nodes; i++) {
		nid = (turn + i) % nr_nodes;
		if (nodes[nid].has_memory)
			break;
	}
	this_cpu(interleave_last) = (int)nid;
	return (int)nid;
}

void numa_build_zonelists(struct node *table, unsigned nr, struct zone *zones)
{
	unsigned load[MAX_NODES] = {0};

	for (struct node *local = table; local < table + nr; local++) {
		bool used[MAX_NODES] = {false};
		unsigned at = 0, last_distance = 0;
		struct node *n;

		list_node_zones(zones, local->nid, &local->thisnode, 0);
		local->fallback.zone[0] = NULL;
		while ((n = next_best_node(table, nr, local, used, load)) != NULL) {
			if (n != local && local->distance[n->nid] != last_distance)
				load[n->nid]++;
			last_distance = local->distance[n->nid];
			used[n->nid] = true;
			at = list_node_zones(zones, n->nid, &local->fallback, at);
		}
	}
}

static struct zone **alloc_zonelist(unsigned zones)
{
	return memblock_alloc_or_panic((zones + 1) * sizeof(struct zone *), sizeof(struct zone *),
				       NUMA_NO_NODE, "zonelists");
}

/* ---- memory and CPUs of a node ---- */

static bool set_node(paddr_t start, paddr_t end, int nid)
{
	if (memblock_set_node(&memblock, start, end, nid)) {
		pr_warn("numa: too many ranges, [0x%lx, 0x%lx) is not assigned to node %d\n", start, end,
			nid);
		return false;
	}
	return true;
}

static paddr_t range_end(const struct boot_node_range *r)
{
	return r->start + r->size < r->start ? ~0UL : r->start + r->size;
}

bool numa_range_usable(const struct boot_node_range *ranges, unsigned i)
{
	const struct boot_node_range *r = &ranges[i];

	if (r->node >= MAX_NODES) {
		pr_warn("numa: [0x%lx, 0x%lx) is of node %u, expected less than %u: used as node 0's\n",
			(unsigned long)r->start, range_end(r), r->node, MAX_NODES);
		return false;
	}
	for (unsigned k = 0; k < i; k++)
		if (ranges[k].node != r->node && ranges[k].start < range_end(r) &&
		    r->start < range_end(&ranges[k]))
			pr_warn("numa: [0x%lx, 0x%lx) of node %u overlaps memory of node %u, which keeps "
				"it\n",
				(unsigned long)r->start, range_end(r), r->node, ranges[k].node);
	return true;
}

/*
 * Goes from the last range to the first. If two ranges overlap, the earlier one is set later, so it
 * wins.
 */
static void nodes_from_firmware(const struct boot_info *bi)
{
	for (unsigned i = min(bi->nr_node_ranges, (unsigned)BOOT_MAX_NODE_RANGES); i-- > 0;) {
		const struct boot_node_range *r = &bi->node_range[i];

		if (numa_range_usable(bi->node_range, i))
			set_node(r->start & PAGE_MASK, range_end(r) & PAGE_MASK, (int)r->node);
	}
}

/*
 * Returns the bytes of each fake node and sets *nr to their number. The last node also gets the
 * remainder.
 */
static u64 fake_share(u64 total, u64 *nr)
{
	u64 least = ALIGN_UP(DIV_ROUND_UP(total, (u64)MAX_NODES), FAKE_NODE_MIN);

	if (fake_nodes) {
		*nr = clamp(total / FAKE_NODE_MIN, 1UL, fake_nodes);
		return total / *nr;
	}
	if (fake_size < least)
		pr_warn("numa: nodes of 0x%lx bytes would be more than %u: each gets 0x%lx\n", fake_size,
			MAX_NODES, least);
	least = max(least, fake_size);
	/* A remainder below FAKE_NODE_MIN gets no node of its own. */
	*nr = max((total + least - FAKE_NODE_MIN) / least, 1UL);
	return least;
}

/*
 * Divides all memory, in ascending order, into fake nodes. Borders are multiples of an order-10 block.
 * No region has a node yet.
 */
static bool fake_all(void)
{
	u64 total = 0, seen = 0, nr, share;

	for (unsigned i = 0; i < memblock.memory.cnt; i++)
		total += memblock.memory.region[i].end - memblock.memory.region[i].start;
	share = fake_share(total, &nr);
	for (unsigned i = 0; i < memblock.memory.cnt; i++) {
		const struct memblock_region r = memblock.memory.region[i];
		u64 nid = min(seen / share, nr - 1);
		paddr_t border = ALIGN_UP(r.start + (nid + 1) * share - seen, FAKE_NODE_MIN);

		/*
		 * If the region reaches into the next node, set_node() splits it. The upper part is the
		 * next region of this loop.
		 */
		if (nid + 1 == nr || border > r.end)
			border = r.end;
		if (!set_node(r.start, border, (int)nid))
			return false;
		seen += border - r.start;
	}
	return true;
}

static void node_add(int nid)
{
	nodes[nid].online = true;
	nr_nodes = max(nr_nodes, (unsigned)nid + 1);
}

u32 numa_lowest_node(const struct boot_info *bi)
{
	u32 lowest = MAX_NODES;

	for (unsigned i = 0; i < min(bi->nr_node_ranges, (unsigned)BOOT_MAX_NODE_RANGES); i++)
		lowest = min(lowest, bi->node_range[i].node);
	return lowest == MAX_NODES ? 0 : lowest;
}

u32 numa_node_of_cpu(const struct boot_info *bi, unsigned cpu, u32 said)
{
	if (said == BOOT_NO_NODE)
		return numa_lowest_node(bi);
	if (said < MAX_NODES)
		return said;
	pr_warn("numa: CPU %u is of node %u, expected less than %u: used as node 0's\n", cpu, said,
		MAX_NODES);
	return 0;
}

static void place_cpus(const struct boot_info *bi)
{
	unsigned unsaid = 0;

	for (unsigned cpu = 0; cpu < nr_cpu_info; cpu++) {
		const struct cpu_info *info = &cpu_info[cpu];

		if (numa_off || nodes_are_fake()) {
			cpu_to_node_map[cpu] = numa_off ? 0 : (int)(cpu % nr_nodes);
			continue;
		}
		unsaid += info->enabled && info->node == BOOT_NO_NODE;
		cpu_to_node_map[cpu] = (int)numa_node_of_cpu(bi, cpu, info->node);
	}
	if (unsaid && bi->nr_node_ranges)
		pr_warn("numa: firmware gives no node for %u CPUs: assigned to node %u\n", unsaid,
			numa_lowest_node(bi));
}

/* ---- distances ---- */

bool numa_distances_usable(const struct boot_info *bi, unsigned nr)
{
	for (unsigned a = 0; a < nr; a++)
		for (unsigned b = 0; b < nr; b++) {
			u8 said = bi->distance[a][b];

			if (said && (a == b ? said != LOCAL_DISTANCE : said <= LOCAL_DISTANCE))
				return false;
		}
	return true;
}

static void set_distances(const struct boot_info *bi)
{
	bool from_firmware = !numa_off && !nodes_are_fake(), usable = numa_distances_usable(bi, nr_nodes);

	if (from_firmware && !usable)
		pr_warn("numa: distance table discarded: local must be 10, remote above 10\n");
	for (unsigned a = 0; a < nr_nodes; a++)
		for (unsigned b = 0; b < nr_nodes; b++) {
			u8 said = from_firmware && usable ? bi->distance[a][b] : 0;

			nodes[a].distance[b] = said ? said : a == b ? LOCAL_DISTANCE : REMOTE_DISTANCE;
		}
}

static void say_nodes(const struct boot_info *bi)
{
	unsigned nr = 0;
	struct node *n;

	for_each_online_node (n)
		nr++;
	if (nr > 1 || bi->nr_node_ranges || numa_off || nodes_are_fake())
		pr_info("numa: %u node%s, %s\n", nr, nr == 1 ? "" : "s",
			numa_off	   ? "numa=off"
			: nodes_are_fake() ? "numa=fake="
					   : "as firmware says");
}

void numa_init(const struct boot_info *bi)
{
	struct node *n;
	unsigned cpu;

	memset(nodes, 0, sizeof(nodes));
	nr_nodes = 0;
	if (numa_off || !nodes_are_fake() || !fake_all())
		memblock_set_node(&memblock, 0, ~0UL, 0);
	if (!numa_off && !nodes_are_fake())
		nodes_from_firmware(bi);
	for (unsigned i = 0; i < memblock.memory.cnt; i++) {
		node_add(memblock.memory.region[i].nid);
		nodes[memblock.memory.region[i].nid].has_memory = true;
	}
	place_cpus(bi);
	for_each_possible_cpu (cpu) {
		node_add(cpu_to_node_map[cpu]);
		nodes[cpu_to_node_map[cpu]].has_cpus = true;
	}
	set_distances(bi);
	say_nodes(bi);
	for_each_node (n) {
		n->nid = (int)(n - nodes);
		n->fallback.zone = alloc_zonelist(nr_nodes * NR_ZONES);
		n->thisnode.zone = alloc_zonelist(NR_ZONES);
	}
}

/* ---- check ---- */

/* Checksum of the data that N5 fixes: nodes of CPUs, distances, zonelists. */
static u64 numa_seal;

static u64 seal_list(u64 sum, const struct zonelist *list, unsigned most)
{
	sum = mix64(sum ^ (u64)list->zone);
	for (unsigned i = 0; i < most && list->zone[i]; i++)
		sum = mix64(sum ^ (u64)list->zone[i]);
	return sum;
}

static u64 numa_seal_now(void)
{
	u64 sum = nr_nodes;
	struct node *n;
	unsigned cpu;

	for_each_possible_cpu (cpu)
		sum = mix64(sum ^ (u64)cpu_to_node_map[cpu]);
	for_each_node (n) {
		for (unsigned i = 0; i < nr_nodes; i++)
			sum = mix64(sum ^ n->distance[i]);
		sum = seal_list(sum, &n->fallback, nr_nodes * NR_ZONES);
		sum = seal_list(sum, &n->thisnode, NR_ZONES);
	}
	return sum;
}

void numa_fixed(void)
{
	numa_seal = numa_seal_now();
}

static char wrong[96];

static const char *complain(const char *what, int nid)
{
	snprintf(wrong, sizeof(wrong), "%s: node %d", what, nid);
	return wrong;
}

/*
 * Returns the number of entries of a list; -1 if its array is not readable, an entry is no populated
 * zone, or it has no end.
 */
static int list_length(const struct zonelist *list, unsigned most)
{
	unsigned nr = 0;

	if (!check_object(list->zone, sizeof(struct zone *), sizeof(struct zone *)))
		return -1;
	for (; nr <= most && check_readable(&list->zone[nr], sizeof(struct zone *)); nr++) {
		unsigned long at = (unsigned long)list->zone[nr] - (unsigned long)zone_table;

		if (!list->zone[nr])
			return (int)nr;
		if (at % sizeof(struct zone) || at / sizeof(struct zone) >= nr_zone_ids ||
		    !list->zone[nr]->present)
			return -1;
	}
	return -1;
}

/* N1-N3 */
static const char *check_node_lists(const struct node *n, int populated)
{
	int listed = list_length(&n->fallback, nr_nodes * NR_ZONES);

	if (listed != populated)
		return complain("numa.N1: a zonelist misses a zone, or has an entry that is no zone", n->nid);
	for (int i = 0; i < listed; i++)
		for (int k = 0; k < i; k++)
			if (n->fallback.zone[i] == n->fallback.zone[k])
				return complain("numa.N1: a zone is listed twice", n->nid);
	if (n->has_memory && n->fallback.zone[0]->nid != n->nid)
		return complain("numa.N2: a node with memory does not come first on its own list", n->nid);
	listed = list_length(&n->thisnode, NR_ZONES);
	if (listed < 0)
		return complain("numa.N3: a node's own list has an entry that is no zone", n->nid);
	for (int i = 0; i < listed; i++)
		if (n->thisnode.zone[i]->nid != n->nid)
			return complain("numa.N3: a zone of another node is on a node's own list", n->nid);
	return NULL;
}

/* Compares the byte: a damaged bool may be neither 0 nor 1. */
static bool says(const bool *flag, bool value)
{
	return *(const u8 *)flag == value;
}

/* N4, N6 */
static const char *check_node(const struct node *n, int nid)
{
	unsigned long present = 0, managed = 0;
	pfn_t start = ~0UL, end = 0;
	bool has_cpus = false;
	unsigned cpu;

	for (unsigned i = 0; i < memblock.memory.cnt; i++) {
		const struct memblock_region *r = &memblock.memory.region[i];

		if (r->nid != nid)
			continue;
		start = min(start, r->start >> PAGE_SHIFT);
		end = max(end, r->end >> PAGE_SHIFT);
	}
	for_each_possible_cpu (cpu)
		has_cpus = has_cpus || cpu_to_node_map[cpu] == nid;
	for (unsigned type = 0; type < NR_ZONES; type++) {
		present += node_zone(nid, (enum zone_type)type)->present;
		managed += node_zone(nid, (enum zone_type)type)->managed;
	}
	if (n->nid != nid || !says(&n->has_memory, end != 0) || !says(&n->has_cpus, has_cpus) ||
	    !says(&n->online, end || has_cpus))
		return complain(
			"numa.N4: a node's number, or whether it has memory, CPUs or either, is wrong", nid);
	if (n->present != present || n->managed != managed ||
	    (end && (n->start_pfn != start || n->end_pfn != end)))
		return complain("numa.N6: a node's span or pages are not those of its memory and zones", nid);
	return NULL;
}

static const char *numa_check(void)
{
	int populated = 0;
	struct zone *zone;
	unsigned cpu;

	if (!nr_nodes || nr_nodes > MAX_NODES || nr_zone_ids != nr_nodes << ZONES_PER_NODE_SHIFT)
		return "numa.N4: the number of nodes is not that of the zone table";
	for_each_possible_cpu (cpu)
		if ((unsigned)cpu_to_node_map[cpu] >= nr_nodes)
			return complain("numa.N5: a CPU's node does not exist", cpu_to_node_map[cpu]);
	for_each_populated_zone (zone)
		populated++;
	for (unsigned nid = 0; nid < nr_nodes; nid++) {
		const char *what = check_node(&nodes[nid], (int)nid);

		what = what ? what : check_node_lists(&nodes[nid], populated);
		if (what)
			return what;
	}
	return numa_seal == numa_seal_now()
		       ? NULL
		       : "numa.N5: the nodes of CPUs, distances or zonelists are not as at boot";
}
MM_CHECK_RANKED("numa", numa_check, CHECK_RANK_LAYOUT);
