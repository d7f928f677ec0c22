/*
 * map_rules.c - turns the facts of a memory map given as text into struct boot_info.
 *
 * Idea.       The same memory may be described several times: by firmware, by the user's options, by Linux after its
 *             changes, and by the node ranges that Linux counted. Only one source is used. The rules are those of
 *             tests/memmaps/README.md. In a boot log the counted ranges have precedence over the map they were made from.
 * Layout.     struct map (map_lines.h) -> struct boot_info: range, edit, node_range, zones
 * Invariants. R1  if a log has node ranges, exactly these ranges are usable
 *             R2  no MAP_LOG_NODE and no enum map_source remains in boot_info
 * Locking.    None: pure functions.
 * Failure.    -EINVAL if there is no map. If the map and the node ranges give different memory, a note says so.
 * Next:       dmesg.c, which reads a boot log.
 */
#include "map_lines.h"

#include <kernel/bits.h>
#include <kernel/errno.h>

/* ---- sources ---- */

static void keep_ranges(struct boot_info *bi, u32 source)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < bi->nr_ranges; i++) {
		if (bi->range[i].attr != source)
			continue;
		bi->range[kept] = bi->range[i];
		bi->range[kept++].attr = 0;
	}
	bi->nr_ranges = kept;
}

/* Keeps the ranges of the best source. Returns true if there are node ranges, which Linux counted. */
static bool keep_best_source(struct map *m)
{
	struct boot_info *bi = m->bi;
	u32 best = MAP_EARLY_NODES;
	bool counted = false;

	for (unsigned i = 0; i < bi->nr_ranges; i++) {
		counted |= bi->range[i].attr == MAP_EARLY_NODES;
		best = max(best, bi->range[i].attr);
	}
	if (m->arch == MAP_OTHER)
		best = counted ? MAP_EARLY_NODES : MAP_DT;
	else
		bi->nr_reserved = 0; /* reservations come from a device tree, which a PC has not */
	keep_ranges(bi, best);
	return counted;
}

/* ---- a PC whose log has node ranges ---- */

static u64 overlap(u64 start, u64 end, const struct boot_node_range *r)
{
	u64 low = max(start, r->start), high = min(end, r->start + r->size);

	return low < high ? high - low : 0;
}

static bool is_counted(const struct boot_info *bi, u64 start, u64 end)
{
	for (unsigned i = 0; i < bi->nr_node_ranges; i++)
		if ((bi->node_range[i].node & MAP_LOG_NODE) && overlap(start, end, &bi->node_range[i]))
			return true;
	return false;
}

/* An edit that removes memory which Linux counted was made after the count, so it is dropped. */
static void drop_late_edits(struct boot_info *bi)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < bi->nr_edits; i++)
		if (bi->edit[i].to == MEM_USABLE || !is_counted(bi, bi->edit[i].start, bi->edit[i].end))
			bi->edit[kept++] = bi->edit[i];
	bi->nr_edits = kept;
}

/* Whether map and node ranges give the same memory: the same number of bytes, all of them in common. */
static bool map_agrees(struct boot_info *bi, u64 *by_map, u64 *by_nodes)
{
	u64 cursor = 0, start, end, common = 0;

	*by_map = *by_nodes = 0;
	for (unsigned i = 0; i < bi->nr_node_ranges; i++)
		if (bi->node_range[i].node & MAP_LOG_NODE)
			*by_nodes += bi->node_range[i].size;
	while (boot_next_usable(bi, &cursor, &start, &end)) {
		*by_map += end - start;
		for (unsigned i = 0; i < bi->nr_node_ranges; i++)
			if (bi->node_range[i].node & MAP_LOG_NODE)
				common += overlap(start, end, &bi->node_range[i]);
	}
	return *by_map == *by_nodes && common == *by_nodes;
}

/* Makes the node ranges the usable memory. Of the map it keeps unusable ranges that the nodes do not contain. */
static void take_counted(struct boot_info *bi)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < bi->nr_ranges; i++) {
		const struct boot_range *r = &bi->range[i];

		if (r->type != MEM_USABLE && !is_counted(bi, r->start, r->start + r->size))
			bi->range[kept++] = *r;
	}
	bi->nr_ranges = kept;
	bi->nr_edits = 0;
	for (unsigned i = 0; i < bi->nr_node_ranges; i++)
		if (bi->node_range[i].node & MAP_LOG_NODE)
			boot_add_range(bi, bi->node_range[i].start, bi->node_range[i].size, MEM_USABLE, 0);
}

static void believe_nodes(struct boot_info *bi)
{
	u64 by_map, by_nodes;

	drop_late_edits(bi);
	if (map_agrees(bi, &by_map, &by_nodes))
		return;
	boot_note(bi, "log: its map leads to %lu KiB, its nodes have %lu KiB: the nodes are believed",
		  (unsigned long)by_map >> 10, (unsigned long)by_nodes >> 10);
	take_counted(bi);
}

/* ---- edits, nodes, zones ---- */

/* Since 2.6.36 Linux removes the first page and the ROM window. Older logs, or logs with edits, contain these edits. */
static void set_edits(struct map *m)
{
	const unsigned *k = m->kernel;

	if (m->arch == MAP_OTHER)
		m->bi->nr_edits = 0;
	else if (!m->bi->nr_edits && (k[0] > 2 || (k[0] == 2 && (k[1] > 6 || (k[1] == 6 && k[2] >= 36)))))
		boot_add_pc_edits(m->bi);
}

/*
 * Keeps one source of nodes: the log's, if Linux counted by them or firmware gives none; else firmware's. If Linux used
 * only node 0, no range is kept, because a single node needs none.
 */
static void keep_nodes(struct map *m, bool counted)
{
	struct boot_info *bi = m->bi;
	bool from_log = true, flat;
	unsigned kept = 0;

	for (unsigned i = 0; i < bi->nr_node_ranges; i++)
		from_log &= !!(bi->node_range[i].node & MAP_LOG_NODE);
	from_log |= counted;
	flat = m->node_shown && !m->many_shown && m->nodes_shown == 1;
	for (unsigned i = 0; i < bi->nr_node_ranges && !flat; i++) {
		struct boot_node_range r = bi->node_range[i];

		if (!!(r.node & MAP_LOG_NODE) != from_log)
			continue;
		r.node &= ~MAP_LOG_NODE;
		bi->node_range[kept++] = r;
	}
	bi->nr_node_ranges = kept;
}

static void set_zones(struct map *m)
{
	const struct map_zone *z = m->zone;
	struct boot_zones *out = &m->bi->zones;
	const u64 highmem = z[MAP_HIGHMEM].named && !z[MAP_HIGHMEM].empty ? z[MAP_HIGHMEM].start : 0;
	bool none = true;

	for (unsigned k = 0; k < MAP_ZONES; k++)
		none &= !z[k].named;
	out->normal_end = ~0UL;
	if (m->arch == MAP_OTHER) { /* the limits in the zone lines themselves */
		out->dma_end = z[MAP_DMA].named && !z[MAP_DMA].empty ? z[MAP_DMA].end : 0;
		out->dma32_end = z[MAP_DMA32].named && !z[MAP_DMA32].empty ? z[MAP_DMA32].end : 0;
		out->normal_end = highmem ? highmem : ~0UL;
	} else {
		out->dma_end = none || z[MAP_DMA].named ? MIB(16) : 0;
		if (m->arch == MAP_I386 || z[MAP_HIGHMEM].named) /* x86_64 has no zone HighMem */
			out->normal_end = highmem ? highmem : MIB(896);
		else if (none || z[MAP_DMA32].named)
			out->dma32_end = GIB(4);
	}
	out->dma32_end = max(out->dma32_end, out->dma_end);
	out->normal_end = max(out->normal_end, out->dma32_end);
}

int map_finish(struct map *m)
{
	bool counted;

	m->line = 0;
	if (!m->bad && !m->items)
		map_bad(m, "no memory map, expected lines such as `e820 0x0 0x9ffff usable`");
	if (m->bad)
		return -EINVAL;
	counted = keep_best_source(m);
	set_edits(m);
	if (counted && m->arch != MAP_OTHER)
		believe_nodes(m->bi);
	keep_nodes(m, counted);
	set_zones(m);
	return 0;
}
