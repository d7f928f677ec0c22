/*
 * nodes.c - the NUMA nodes of a machine that --mem and --nodes describe.
 *
 * Idea.       `--nodes 2` cuts the memory into equal parts. `--nodes "256M:0-1:10/15/40 0:2 512M"` has a word for each
 * Idea.       `--nodes 2` cuts the memory into equal parts. `--nodes "256M:0-1:10/15/40 0:2 512M"` has a word for each
 *             node: the size of its memory, its CPUs, its distance to each node. A node may lack memory, or CPUs.
 * Layout.     The memory of the words is consecutive. A node ends at the sum of the sizes up to and including its own. A
 *             hole of the memory map belongs to the node around it, as in firmware's tables.
 * Invariants. A block of the largest order never spans two nodes.
 * Locking.    None: one thread.
 * Failure.    A malformed word ends the process with status 1. The message names the expected form.
 * Next:       phys.c.
 */
#include "host_internal.h"

#include <arch/cpu.h>
#include <kernel/bits.h>
#include <kernel/string.h>

#define NODE_ALIGN HOST_BLOCK

static bool take(const char **s, char c)
{
	bool there = **s == c;

	*s += there;
	return there;
}

static bool ends_field(const char *s)
{
	return *s == ':' || *s == ' ' || *s == '\0';
}

static u64 take_number(const char **s, const char *words, const char *expected)
{
	u64 n;

	if (parse_size_prefix(*s, s, &n))
		host_die("strata: --nodes %s: expected %s at \"%s\"\n", words, expected, *s);
	return n;
}

static void take_cpus(const char **s, const char *words, struct host_node *node)
{
	while (!ends_field(*s)) {
		u64 first = take_number(s, words, "the number of a CPU"),
		    last = take(s, '-') ? take_number(s, words, "the number of a CPU") : first;

		if (first > last || last >= HOST_MAX_CPUS)
			host_die("strata: --nodes %s: expected CPUs from 0 to %d in ascending order\n", words,
				 HOST_MAX_CPUS - 1);
		for (; first <= last; first++)
			node->cpus |= 1UL << first;
		take(s, ',');
	}
}

static void take_distances(const char **s, const char *words, struct host_node *node)
{
	while (!ends_field(*s)) {
		u64 distance = take_number(s, words, "a distance");

		if (distance < 10 || distance > 255 || node->nr_distances == HOST_MAX_NODES)
			host_die("strata: --nodes %s: expected a distance from 10 to 255 to each node\n",
				 words);
		node->distance[node->nr_distances++] = (u8)distance;
		take(s, '/');
	}
}

static void take_node(const char **s, const char *words, struct host_node *node)
{
	node->bytes = take_number(s, words, "SIZE, SIZE:CPUS or SIZE:CPUS:DISTANCES, as in 256M:0-1:10/20");
	if (node->bytes % NODE_ALIGN)
		host_die("strata: --nodes %s: expected sizes that are multiples of %luM\n", words,
			 NODE_ALIGN >> 20);
	if (take(s, ':'))
		take_cpus(s, words, node);
	if (take(s, ':'))
		take_distances(s, words, node);
	if (**s != ' ' && **s != '\0')
		host_die("strata: --nodes %s: expected a blank or the end at \"%s\"\n", words, *s);
}

void host_parse_nodes(const char *words, struct host_nodes *nodes)
{
	const char *s = words;
	u64 all_cpus = 0;

	while (*s) {
		if (take(&s, ' '))
			continue;
		if (nodes->nr == HOST_MAX_NODES)
			host_die("strata: --nodes %s: expected at most %d nodes\n", words, HOST_MAX_NODES);
		take_node(&s, words, &nodes->node[nodes->nr++]);
	}
	for (unsigned nid = 0; nid < nodes->nr; nid++) {
		const struct host_node *node = &nodes->node[nid];

		if (node->nr_distances && node->nr_distances != nodes->nr)
			host_die("strata: --nodes %s: expected %u distances of node %u, there are %u\n",
				 words, nodes->nr, nid, node->nr_distances);
		if (node->cpus & all_cpus)
			host_die("strata: --nodes %s: expected each CPU on one node\n", words);
		all_cpus |= node->cpus;
		nodes->bytes = node->bytes > ~0UL - nodes->bytes ? ~0UL : nodes->bytes + node->bytes;
	}
}

static void add_range(struct boot_info *bi, u64 start, u64 end, unsigned nid)
{
	bi->node_range[bi->nr_node_ranges++] = (struct boot_node_range){start, end - start, nid};
}

/* Physical address after the first `bytes` bytes of memory. */
static u64 address_after(u64 bytes)
{
	return bytes <= HOST_LOW_END ? bytes : GIB(4) + (bytes - HOST_LOW_END);
}

void host_make_nodes(struct boot_info *bi, const struct host_nodes *nodes)
{
	u64 bytes = 0, from = 0;

	for (unsigned nid = 0; nid < nodes->nr; nid++) {
		const struct host_node *node = &nodes->node[nid];

		bytes += node->bytes;
		if (node->bytes)
			add_range(bi, from, bytes == nodes->bytes ? ~0UL : address_after(bytes), nid);
		from = address_after(bytes);
		for (unsigned cpu = 0; cpu < bi->nr_cpus; cpu++)
			if (node->cpus >> cpu & 1)
				bi->cpu[cpu].node = nid;
		for (unsigned other = 0; other < node->nr_distances; other++) {
			bi->distance[nid][other] = node->distance[other];
			if (!nodes->node[other].nr_distances) /* default: the same both ways */
				bi->distance[other][nid] = node->distance[other];
		}
	}
}

/* Cuts the usable memory into nr equal parts. The node ranges are adjacent. */
void host_make_equal_nodes(struct boot_info *bi, unsigned nr)
{
	u64 total = 0, seen = 0, from = 0;
	unsigned nid = 0;

	for (unsigned i = 0; i < bi->nr_ranges; i++)
		total += bi->range[i].type == MEM_USABLE ? bi->range[i].size : 0;
	for (unsigned i = 0; i < bi->nr_ranges; i++) {
		const struct boot_range *r = &bi->range[i];

		if (r->type != MEM_USABLE)
			continue;
		for (; nid + 1 < nr && seen + r->size > (nid + 1) * (total / nr); nid++) {
			u64 border = ALIGN_DOWN(r->start + (nid + 1) * (total / nr) - seen, NODE_ALIGN);

			add_range(bi, from, border, nid);
			from = border;
		}
		seen += r->size;
	}
	add_range(bi, from, ~0UL, nid);
}
