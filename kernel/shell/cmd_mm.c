/*
 * cmd_mm.c - shell commands that show memory as a whole: map, zones, free lists, CPUs, nodes.
 *
 * Idea.       Plain output has exactly the format of Linux's /proc file of the same name, so that people and programs that
 *             know Linux can read it. -j prints the same snapshot as one JSON object.
 * Layout.     One function for each command: it takes the snapshot (mm/stat.c), then prints it in one of two formats.
 * Invariants. MemFree == sum of zoneinfo's free == sum of buddyinfo's blocks.
 * Locking.    No lock is held while printing.
 * Failure.    Only wrong arguments.
 * Source.     Linux mm/vmstat.c, fs/proc/meminfo.c, drivers/base/node.c (6.1).
 * Next:       cmd_page.c.
 */
#include "cmd.h"

#include <kernel/bits.h>
#include <kernel/cpus.h>
#include <kernel/printk.h>
#include <kernel/spinlock.h>

#include <mm/internal.h>
#include <mm/memblock.h>
#include <mm/memmap.h>
#include <mm/stat.h>
#include <mm/tlb.h>
#include <mm/vmalloc.h>

/* ---- meminfo ---- */

struct meminfo_line {
	const char *name;
	unsigned long kb;
};

/* Writes "DirectMap2M" and the like. */
static void direct_map_name(unsigned level, char buf[24])
{
	unsigned long size = PT_LEVEL_SIZE(level);

	if (size < MIB(1))
		snprintf(buf, 24, "DirectMap%luk", size >> 10);
	else if (size < GIB(1))
		snprintf(buf, 24, "DirectMap%luM", size >> 20);
	else
		snprintf(buf, 24, "DirectMap%luG", size >> 30);
}

static void meminfo_line(struct out *o, bool json, const char *name, unsigned long kb)
{
	char label[32];

	if (json) {
		json_num(o, name, kb);
		return;
	}
	snprintf(label, sizeof(label), "%s:", name);
	out_printf(o, "%-16s%8lu kB\n", label, kb);
}

static int cmd_meminfo(struct out *o, int argc, char **argv, bool json)
{
	int err = arg_count(o, argc, argv, 0, 0);
	struct mem_stat m;

	if (err)
		return err;
	mem_stat(&m);

	const unsigned page_kb = PAGE_SIZE >> 10;
	/* There are no processes and no files, so the counters of their pages are 0. */
	const struct meminfo_line lines[] = {
		{"MemTotal", m.total * page_kb},
		{"MemFree", m.free * page_kb},
		{"MemAvailable", m.available * page_kb},
		{"Buffers", 0},
		{"Cached", 0},
		{"SwapCached", 0},
		{"Active", 0},
		{"Inactive", 0},
		{"SwapTotal", 0},
		{"SwapFree", 0},
		{"Dirty", 0},
		{"Writeback", 0},
		{"AnonPages", 0},
		{"Mapped", 0},
		{"Shmem", 0},
		{"KReclaimable", m.slab_reclaimable * page_kb},
		{"Slab", (m.slab_reclaimable + m.slab_unreclaimable) * page_kb},
		{"SReclaimable", m.slab_reclaimable * page_kb},
		{"SUnreclaim", m.slab_unreclaimable * page_kb},
		{"KernelStack", m.kernel_stack_bytes >> 10},
		{"PageTables", m.page_tables * page_kb},
		{"VmallocTotal", m.vmalloc_total_bytes >> 10},
		{"VmallocUsed", m.vmalloc_used * page_kb},
		{"VmallocChunk", 0},
		{"Percpu", m.percpu * page_kb},
	};

	if (json)
		json_obj(o, NULL);
	for (unsigned i = 0; i < ARRAY_SIZE(lines); i++)
		meminfo_line(o, json, lines[i].name, lines[i].kb);
	for (unsigned level = 0; level < ARCH_PT_MAX_LEVELS; level++) {
		char name[24];

		if (!arch_pt_leaf_ok(level))
			continue;
		direct_map_name(level, name);
		meminfo_line(o, json, name, m.direct_map[level] * page_kb);
	}
	if (json)
		json_end_obj(o);
	return 0;
}
SHELL_CMD("meminfo", "", "totals, as in /proc/meminfo", cmd_meminfo, NULL);

/* ---- memmap ---- */

static void memmap_json_range(struct out *o, u64 start, u64 end, const char *key, const char *text)
{
	json_obj(o, NULL);
	json_hex(o, "start", start);
	json_hex(o, "end", end);
	if (key)
		json_str(o, key, text);
	json_end_obj(o);
}

/* End of a range; a range of firmware may wrap, and is then cut at the last address. */
static u64 raw_end(const struct boot_range *r)
{
	return r->start + r->size < r->start ? ~0UL : r->start + r->size;
}

static void memmap_json(struct out *o)
{
	char buf[16];

	json_obj(o, NULL);
	json_arr(o, "firmware");
	for (unsigned i = 0; i < memmap_raw_nr; i++)
		memmap_json_range(o, memmap_raw[i].start, raw_end(&memmap_raw[i]), "type",
				  memmap_type_name(memmap_raw[i].type, buf));
	json_end_arr(o);
	json_arr(o, "usable");
	for (unsigned i = 0; i < memblock.memory.cnt; i++)
		memmap_json_range(o, memblock.memory.region[i].start, memblock.memory.region[i].end, NULL,
				  NULL);
	json_end_arr(o);
	json_arr(o, "reserved");
	for (unsigned i = 0; i < memblock.reserved.cnt; i++)
		memmap_json_range(o, memblock.reserved.region[i].start, memblock.reserved.region[i].end,
				  "name", memblock.reserved.region[i].name);
	json_end_arr(o);
	json_end_obj(o);
}

/* Prints a range with an inclusive end, as Linux does. */
static void memmap_line(struct out *o, u64 start, u64 end, const char *text)
{
	if (start == end)
		out_printf(o, "  [mem 0x%016lx, empty] %s\n", start, text);
	else
		out_printf(o, "  [mem 0x%016lx-0x%016lx] %s\n", start, end == ~0UL ? end : end - 1, text);
}

static int cmd_memmap(struct out *o, int argc, char **argv, bool json)
{
	int err = arg_count(o, argc, argv, 0, 0);
	char buf[16];

	if (err)
		return err;
	if (json) {
		memmap_json(o);
		return 0;
	}
	out_printf(o, "firmware:\n");
	for (unsigned i = 0; i < memmap_raw_nr; i++)
		memmap_line(o, memmap_raw[i].start, raw_end(&memmap_raw[i]),
			    memmap_type_name(memmap_raw[i].type, buf));
	out_printf(o, "sanitised:\n");
	for (unsigned i = 0; i < memmap_nr; i++)
		memmap_line(o, memmap[i].start, memmap[i].end, memmap_type_name(memmap[i].type, buf));
	out_printf(o, "reserved:\n");
	for (unsigned i = 0; i < memblock.reserved.cnt; i++)
		memmap_line(o, memblock.reserved.region[i].start, memblock.reserved.region[i].end,
			    memblock.reserved.region[i].name);
	return 0;
}
SHELL_CMD("memmap", "", "the firmware's map, the sanitised map, what is reserved and why", cmd_memmap, NULL);

/* ---- zoneinfo ---- */

static void zone_pcp_json(struct out *o, const struct zone_stat *z)
{
	unsigned cpu;

	json_arr(o, "pcp");
	for_each_online_cpu (cpu) {
		struct pcp_stat p;

		if (!z->present)
			break;
		pcp_stat(z, cpu, &p);
		json_obj(o, NULL);
		json_num(o, "cpu", cpu);
		json_num(o, "count", p.count);
		json_num(o, "high", p.high);
		json_num(o, "batch", p.batch);
		json_end_obj(o);
	}
	json_end_arr(o);
}

static void zone_json(struct out *o, const struct zone_stat *z)
{
	json_obj(o, NULL);
	json_str(o, "name", z->name);
	json_num(o, "start_pfn", z->start_pfn);
	json_num(o, "spanned", z->spanned);
	json_num(o, "present", z->present);
	json_num(o, "managed", z->managed);
	json_num(o, "free", z->free);
	json_num(o, "boost", z->boost);
	json_num(o, "min", z->min);
	json_num(o, "low", z->low);
	json_num(o, "high", z->high);
	json_arr(o, "protection");
	for (unsigned i = 0; i < NR_ZONES; i++)
		json_num(o, NULL, z->protection[i]);
	json_end_arr(o);
	zone_pcp_json(o, z);
	json_end_obj(o);
}

static void zoneinfo_json(struct out *o)
{
	struct zone_stat z;

	json_obj(o, NULL);
	json_arr(o, "nodes");
	for (unsigned n = 0; zone_stat(n, &z); n++) {
		if (!nodes[z.nid].online)
			continue;
		if (z.type == 0) {
			json_obj(o, NULL);
			json_num(o, "node", (u64)z.nid);
			json_arr(o, "zones");
		}
		zone_json(o, &z);
		if (z.type == NR_ZONES - 1) {
			json_end_arr(o);
			json_end_obj(o);
		}
	}
	json_end_arr(o);
	json_end_obj(o);
}

static const char *const numa_stat_names[NR_NUMA_STATS] = {"numa_hit",	     "numa_miss",  "numa_foreign",
							   "interleave_hit", "local_node", "other_node"};
/* zoneinfo and vmstat print the same counters under other names. */
static const char *const numa_vmstat_names[NR_NUMA_STATS] = {"numa_hit",	"numa_miss",  "numa_foreign",
							     "numa_interleave", "numa_local", "numa_other"};

static void node_stats_print(struct out *o, int nid)
{
	out_printf(o, "\n  per-node stats");
	for (unsigned s = 0; s < NR_NUMA_STATS; s++)
		out_printf(o, "\n      %-12s %lu", numa_vmstat_names[s],
			   numa_stat_read(nid, (enum numa_stat)s));
}

static void zone_print(struct out *o, const struct zone_stat *z, bool first_of_node)
{
	/* Counters of features that do not exist here are 0, as in Linux without processes. */
	static const char *const zero[] = {"nr_zone_inactive_anon",
					   "nr_zone_active_anon",
					   "nr_zone_inactive_file",
					   "nr_zone_active_file",
					   "nr_zone_unevictable",
					   "nr_zone_write_pending",
					   "nr_mlock",
					   "nr_bounce",
					   "nr_free_cma"};
	unsigned cpu;

	out_printf(o, "Node %d, zone %8s", z->nid, z->name);
	if (first_of_node)
		node_stats_print(o, z->nid);
	out_printf(o,
		   "\n  pages free     %lu\n        boost    %lu\n        min      %lu\n        low      %lu"
		   "\n        high     %lu\n        spanned  %lu\n        present  %lu\n        managed  %lu"
		   "\n        cma      0",
		   z->free, z->boost, z->min, z->low, z->high, z->spanned, z->present, z->managed);
	out_printf(o, "\n        protection: (%lu", z->protection[0]);
	for (unsigned i = 1; i < NR_ZONES; i++)
		out_printf(o, ", %lu", z->protection[i]);
	out_printf(o, ")");
	if (!z->present) {
		out_printf(o, "\n");
		return;
	}
	out_printf(o, "\n      %-12s %lu", "nr_free_pages", z->free);
	for (unsigned i = 0; i < ARRAY_SIZE(zero); i++)
		out_printf(o, "\n      %-12s 0", zero[i]);
	out_printf(o, "\n  pagesets");
	for_each_online_cpu (cpu) {
		struct pcp_stat p;

		pcp_stat(z, cpu, &p);
		out_printf(o,
			   "\n    cpu: %u\n              count: %lu\n              high:  %lu"
			   "\n              batch: %lu\n  vm stats threshold: 0",
			   cpu, p.count, p.high, p.batch);
	}
	out_printf(o, "\n  node_unreclaimable:  0\n  start_pfn:           %lu\n", z->start_pfn);
}

static int cmd_zoneinfo(struct out *o, int argc, char **argv, bool json)
{
	int err = arg_count(o, argc, argv, 0, 0), node_seen = NUMA_NO_NODE;
	struct zone_stat z;

	if (err)
		return err;
	if (json) {
		zoneinfo_json(o);
		return 0;
	}
	for (unsigned n = 0; zone_stat(n, &z); n++) {
		if (!nodes[z.nid].online)
			continue;
		zone_print(o, &z, z.present && node_seen != z.nid);
		if (z.present)
			node_seen = z.nid;
	}
	return 0;
}
SHELL_CMD("zoneinfo", "", "zones with their watermarks and per-CPU lists, as in /proc/zoneinfo", cmd_zoneinfo,
	  NULL);

/* ---- buddyinfo, pagetypeinfo ---- */

static int cmd_buddyinfo(struct out *o, int argc, char **argv, bool json)
{
	int err = arg_count(o, argc, argv, 0, 0);
	struct zone_stat z;

	if (err)
		return err;
	if (json) {
		json_obj(o, NULL);
		json_arr(o, "zones");
	}
	for (unsigned n = 0; zone_stat(n, &z); n++) {
		if (!z.present)
			continue;
		if (!json) {
			out_printf(o, "Node %d, zone %8s ", z.nid, z.name);
			for (unsigned order = 0; order < NR_ORDERS; order++)
				out_printf(o, "%6lu ", z.blocks[order]);
			out_printf(o, "\n");
			continue;
		}
		json_obj(o, NULL);
		json_num(o, "node", (u64)z.nid);
		json_str(o, "zone", z.name);
		json_arr(o, "free");
		for (unsigned order = 0; order < NR_ORDERS; order++)
			json_num(o, NULL, z.blocks[order]);
		json_end_arr(o);
		json_end_obj(o);
	}
	if (json) {
		json_end_arr(o);
		json_end_obj(o);
	}
	return 0;
}
SHELL_CMD("buddyinfo", "", "free blocks by order, as in /proc/buddyinfo", cmd_buddyinfo, NULL);

static void pagetypeinfo_json(struct out *o)
{
	struct zone_stat z;
	struct type_stat t;

	json_obj(o, NULL);
	json_arr(o, "zones");
	for (unsigned n = 0; zone_stat(n, &z); n++) {
		if (!z.present)
			continue;
		type_stat(&z, &t);
		for (unsigned type = 0; type < NR_MIGRATETYPES; type++) {
			json_obj(o, NULL);
			json_num(o, "node", (u64)z.nid);
			json_str(o, "zone", z.name);
			json_str(o, "type", migratetype_name((enum migratetype)type));
			json_arr(o, "free");
			for (unsigned order = 0; order < NR_ORDERS; order++)
				json_num(o, NULL, t.free[type][order]);
			json_end_arr(o);
			json_num(o, "pageblocks", t.pageblocks[type]);
			json_end_obj(o);
		}
	}
	json_end_arr(o);
	json_end_obj(o);
}

static void pagetypeinfo_free(struct out *o, const struct zone_stat *z)
{
	struct type_stat t;

	type_stat(z, &t);
	for (unsigned type = 0; type < NR_MIGRATETYPES; type++) {
		out_printf(o, "Node %4d, zone %8s, type %12s ", z->nid, z->name,
			   migratetype_name((enum migratetype)type));
		for (unsigned order = 0; order < NR_ORDERS; order++)
			out_printf(o, "%s%6lu ", t.cut[type] >> order & 1 ? ">" : "", t.free[type][order]);
		out_printf(o, "\n");
	}
}

static void pagetypeinfo_blocks(struct out *o, const struct zone_stat *z)
{
	struct type_stat t;

	type_stat(z, &t);
	out_printf(o, "Node %d, zone %8s ", z->nid, z->name);
	for (unsigned type = 0; type < NR_MIGRATETYPES; type++)
		out_printf(o, "%12lu ", t.pageblocks[type]);
	out_printf(o, "\n");
}

static void pagetypeinfo_node(struct out *o, unsigned first_zone)
{
	struct zone_stat z;

	out_printf(o, "Page block order: %d\nPages per block:  %lu\n\n", PAGEBLOCK_ORDER, PAGEBLOCK_PAGES);
	out_printf(o, "%-43s ", "Free pages count per migrate type at order");
	for (unsigned order = 0; order < NR_ORDERS; order++)
		out_printf(o, "%6u ", order);
	out_printf(o, "\n");
	for (unsigned n = first_zone; n < first_zone + NR_ZONES; n++)
		if (zone_stat(n, &z) && z.present)
			pagetypeinfo_free(o, &z);
	out_printf(o, "\n%-23s", "Number of blocks type ");
	for (unsigned type = 0; type < NR_MIGRATETYPES; type++)
		out_printf(o, "%12s ", migratetype_name((enum migratetype)type));
	out_printf(o, "\n");
	for (unsigned n = first_zone; n < first_zone + NR_ZONES; n++)
		if (zone_stat(n, &z) && z.present)
			pagetypeinfo_blocks(o, &z);
}

static int cmd_pagetypeinfo(struct out *o, int argc, char **argv, bool json)
{
	int err = arg_count(o, argc, argv, 0, 0);
	struct node *node;

	if (err)
		return err;
	if (json) {
		pagetypeinfo_json(o);
		return 0;
	}
	for_each_node (node)
		if (node->has_memory)
			pagetypeinfo_node(o, (unsigned)node->nid * NR_ZONES);
	return 0;
}
SHELL_CMD("pagetypeinfo", "", "free blocks by migratetype and order, as in /proc/pagetypeinfo",
	  cmd_pagetypeinfo, NULL);

/* ---- CPUs and nodes ---- */

static int cmd_tlb(struct out *o, int argc, char **argv, bool json)
{
	int err = arg_count(o, argc, argv, 0, 0);
	struct tlb_stats s;
	unsigned cpu;

	if (err)
		return err;
	if (json) {
		json_obj(o, NULL);
		json_arr(o, "cpus");
	} else {
		out_printf(o, "cpu       page      range       full   ipi_sent ipi_received   deferred\n");
	}
	for_each_online_cpu (cpu) {
		tlb_stats(cpu, &s);
		if (!json) {
			out_printf(o, "%3u %10lu %10lu %10lu %10lu %12lu %10lu\n", cpu, s.page, s.range,
				   s.full, s.ipi_sent, s.ipi_received, s.deferred);
			continue;
		}
		json_obj(o, NULL);
		json_num(o, "cpu", cpu);
		json_num(o, "page", s.page);
		json_num(o, "range", s.range);
		json_num(o, "full", s.full);
		json_num(o, "ipi_sent", s.ipi_sent);
		json_num(o, "ipi_received", s.ipi_received);
		json_num(o, "deferred", s.deferred);
		json_end_obj(o);
	}
	if (json) {
		json_end_arr(o);
		json_num(o, "lazy_purges", vmalloc_lazy_purges());
		json_end_obj(o);
	} else {
		out_printf(o, "lazy purges: %lu\n", vmalloc_lazy_purges());
	}
	return 0;
}
SHELL_CMD("tlb", "",
	  "TLB flushes that each CPU began (of a page, a range, all), CPUs it asked, was asked by, or left "
	  "asleep",
	  cmd_tlb, NULL);

/* Prints waits by rank, because a machine has very many locks and those of a rank behave alike. */
static int cmd_locks(struct out *o, int argc, char **argv, bool json)
{
	int err = arg_count(o, argc, argv, 0, 0);

	if (err)
		return err;
	if (json) {
		json_obj(o, NULL);
		json_arr(o, "locks");
	} else {
		out_printf(o, "rank lock              waits\n");
	}
	for (unsigned rank = 1; rank < NR_LOCK_RANKS; rank++) {
		u64 waits = lock_waits((enum lock_rank)rank);

		if (!json) {
			out_printf(o, "%4u %-12s %10lu\n", rank, lock_rank_name[rank], waits);
			continue;
		}
		json_obj(o, NULL);
		json_num(o, "rank", rank);
		json_str(o, "name", lock_rank_name[rank]);
		json_num(o, "waits", waits);
		json_end_obj(o);
	}
	if (json) {
		json_end_arr(o);
		json_end_obj(o);
	}
	return 0;
}
SHELL_CMD("locks", "", "how often a CPU found a lock taken, by kind of lock", cmd_locks, NULL);

static int cmd_cpus(struct out *o, int argc, char **argv, bool json)
{
	int err = arg_count(o, argc, argv, 0, 0);

	if (err)
		return err;
	if (json) {
		json_obj(o, NULL);
		json_arr(o, "cpus");
	} else {
		out_printf(o, "cpu node       id state\n");
	}
	for (unsigned cpu = 0; cpu < nr_cpu_info; cpu++) {
		bool online = cpumask_test(&cpu_online_mask, cpu);

		if (!cpu_info[cpu].enabled)
			continue;
		if (!json) {
			out_printf(o, "%3u %4d %8lu %s\n", cpu, cpu_to_node_map[cpu], cpu_info[cpu].hw_id,
				   online ? "online" : "parked");
			continue;
		}
		json_obj(o, NULL);
		json_num(o, "cpu", cpu);
		json_int(o, "node", cpu_to_node_map[cpu]);
		json_num(o, "id", cpu_info[cpu].hw_id);
		json_bool(o, "online", online);
		json_end_obj(o);
	}
	if (json) {
		json_end_arr(o);
		json_end_obj(o);
	}
	return 0;
}
SHELL_CMD("cpus", "", "CPUs, their nodes and the firmware's ids", cmd_cpus, NULL);

static void numa_json(struct out *o)
{
	struct node *node, *other;

	json_obj(o, NULL);
	json_arr(o, "nodes");
	for_each_online_node (node) {
		json_obj(o, NULL);
		json_num(o, "node", (u64)node->nid);
		json_arr(o, "ranges");
		for (unsigned i = 0; i < memblock.memory.cnt; i++)
			if (memblock.memory.region[i].nid == node->nid)
				memmap_json_range(o, memblock.memory.region[i].start,
						  memblock.memory.region[i].end, NULL, NULL);
		json_end_arr(o);
		json_arr(o, "distance");
		for_each_online_node (other)
			json_num(o, NULL, node_distance(node->nid, other->nid));
		json_end_arr(o);
		json_end_obj(o);
	}
	json_end_arr(o);
	json_end_obj(o);
}

static int cmd_numa(struct out *o, int argc, char **argv, bool json)
{
	int err = arg_count(o, argc, argv, 0, 0);
	struct node *node, *other;

	if (err)
		return err;
	if (json) {
		numa_json(o);
		return 0;
	}
	for_each_online_node (node) {
		out_printf(o, "node %d: present %lu, managed %lu pages\n", node->nid, node->present,
			   node->managed);
		for (unsigned i = 0; i < memblock.memory.cnt; i++)
			if (memblock.memory.region[i].nid == node->nid)
				memmap_line(o, memblock.memory.region[i].start, memblock.memory.region[i].end,
					    "");
		out_printf(o, "  distance:");
		for_each_online_node (other)
			out_printf(o, " %u", node_distance(node->nid, other->nid));
		out_printf(o, "\n");
	}
	return 0;
}
SHELL_CMD("numa", "", "nodes, their memory and distances", cmd_numa, NULL);

static void numastat_json(struct out *o, const struct node *node)
{
	json_obj(o, NULL);
	json_num(o, "node", (u64)node->nid);
	for (unsigned s = 0; s < NR_NUMA_STATS; s++)
		json_num(o, numa_stat_names[s], numa_stat_read(node->nid, (enum numa_stat)s));
	json_end_obj(o);
}

/* Prints a node's numastat file of sysfs. */
static void numastat_file(struct out *o, int nid)
{
	for (unsigned s = 0; s < NR_NUMA_STATS; s++)
		out_printf(o, "%s %lu\n", numa_stat_names[s], numa_stat_read(nid, (enum numa_stat)s));
}

/* Prints the table that the program numastat makes from the files of all nodes. */
static void numastat_table(struct out *o)
{
	struct node *node;

	out_printf(o, "%-20s", "");
	for_each_online_node (node) {
		out_printf(o, " %*s%d", node->nid < 10 ? 14 : 13, "node", node->nid);
	}
	out_printf(o, "\n");
	for (unsigned s = 0; s < NR_NUMA_STATS; s++) {
		out_printf(o, "%-20s", numa_stat_names[s]);
		for_each_online_node (node) {
			out_printf(o, " %15lu", numa_stat_read(node->nid, (enum numa_stat)s));
		}
		out_printf(o, "\n");
	}
}

static int cmd_numastat(struct out *o, int argc, char **argv, bool json)
{
	int err = arg_count(o, argc, argv, 0, 1), nid = NUMA_NO_NODE;
	struct node *node;

	if (err || (argc == 2 && (err = cmd_node(o, argv[1], &nid))))
		return err;
	if (!json) {
		if (argc == 2)
			numastat_file(o, nid);
		else
			numastat_table(o);
		return 0;
	}
	json_obj(o, NULL);
	json_arr(o, "nodes");
	for_each_online_node (node) {
		if (argc == 1 || node->nid == nid)
			numastat_json(o, node);
	}
	json_end_arr(o);
	json_end_obj(o);
	return 0;
}
SHELL_CMD("numastat", "[NODE]", "where allocations were served: a table, or one node's file", cmd_numastat,
	  NULL);
