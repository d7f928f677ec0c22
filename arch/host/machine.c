/*
 * machine.c - the machine that the options describe, told as a boot loader tells it.
 *
 * Idea.       Everything that firmware and a loader would say goes into one struct boot_info: the memory map, the CPUs
 *             and the command line. There are no firmware tables besides.
 * Layout.     --mem gives the map of a small PC: 640 KiB, what is above 1 MiB up to 3 GiB, the rest from 4 GiB on.
 * Invariants. The CPUs are numbered from 0; 0 is the one that boots.
 * Locking.    None: one thread.
 * Failure.    A command line that is too long: a message and status 1.
 * Next:       phys.c.
 */
#include "host_internal.h"
#include <boot.h>
#include <kernel/bits.h>
#include <kernel/string.h>

/* No block of the largest order lies on two nodes of a machine that nobody has built. */
#define NODE_ALIGN MIB(4)

static void append(struct boot_info *bi, const char *text)
{
	size_t len = strlen(bi->cmdline);

	if (strlen(text) >= sizeof(bi->cmdline) - len)
		host_die("strata: the command line is too long, expected at most %zu bytes\n",
			 sizeof(bi->cmdline) - 1);
	strlcpy(bi->cmdline + len, text, sizeof(bi->cmdline) - len);
}

static void make_cmdline(struct boot_info *bi, const struct host_options *o)
{
	for (char **word = o->cmdline; word && *word; word++) {
		append(bi, *bi->cmdline ? " " : "");
		append(bi, *word);
	}
	if (o->commands) {
		append(bi, *bi->cmdline ? " cmd=\"" : "cmd=\"");
		append(bi, o->commands);
		append(bi, "\" poweroff");
	}
}

static void make_map(struct boot_info *bi, u64 mem)
{
	const u64 low_end = GIB(3);

	boot_add_range(bi, 0, KIB(640), MEM_USABLE, 0);
	boot_add_range(bi, KIB(640), KIB(384), MEM_RESERVED, 0);
	boot_add_range(bi, MIB(1), min(mem, low_end) - MIB(1), MEM_USABLE, 0);
	if (mem > low_end)
		boot_add_range(bi, GIB(4), mem - low_end, MEM_USABLE, 0);
	boot_add_pc_edits(bi);
	bi->zones = (struct boot_zones){MIB(16), GIB(4), ~0UL};
}

/* Equal parts of the usable memory. The ranges touch: holes belong to nodes, too, as in firmware's tables. */
static void make_nodes(struct boot_info *bi, unsigned nodes)
{
	u64 total = 0, seen = 0, from = 0;
	unsigned nid = 0;

	for (unsigned i = 0; i < bi->nr_ranges; i++)
		total += bi->range[i].type == MEM_USABLE ? bi->range[i].size : 0;
	for (unsigned i = 0; i < bi->nr_ranges; i++) {
		const struct boot_range *r = &bi->range[i];

		if (r->type != MEM_USABLE)
			continue;
		for (; nid + 1 < nodes && seen + r->size > (nid + 1) * (total / nodes); nid++) {
			u64 border = ALIGN_DOWN(r->start + (nid + 1) * (total / nodes) - seen, NODE_ALIGN);

			bi->node_range[nid] = (struct boot_node_range){from, border - from, nid};
			from = border;
		}
		seen += r->size;
	}
	bi->node_range[nid] = (struct boot_node_range){from, ~0UL - from, nid};
	bi->nr_node_ranges = nid + 1;
}

/* Spread over the nodes that have memory. */
static void make_cpus(struct boot_info *bi, unsigned cpus)
{
	unsigned nr = max(bi->nr_node_ranges, 1u);

	for (unsigned id = 0; id < cpus; id++)
		bi->cpu[id] =
			(struct boot_cpu){.hw_id = id, .node = bi->node_range[id % nr].node, .enabled = true};
	bi->nr_cpus = cpus;
}

/* There are no firmware tables: no address has anything to read. */
static const void *no_tables(const struct boot_mem *mem, u64 pa, u64 len)
{
	(void)mem;
	(void)pa;
	(void)len;
	return NULL;
}

const struct boot_mem boot_early_mem = {.at = no_tables};

void host_machine(struct boot_info *bi, const struct host_options *o)
{
	bi->protocol = "host";
	make_map(bi, o->mem);
	if (o->nodes > 1)
		make_nodes(bi, (unsigned)o->nodes);
	make_cpus(bi, (unsigned)o->cpus);
	make_cmdline(bi, o);
}
