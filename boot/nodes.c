/*
 * nodes.c - checks of NUMA nodes, common to all firmware formats.
 *
 * Idea.       Node data that contradicts itself or the memory map is worse than none, because distant memory would count as
 *             local. A parser collects ranges and then checks them against the map. If the check fails, the parser discards
 *             all of them.
 * Layout.     struct boot_info: node_range, distance.
 * Invariants. I1  after boot_nodes_cover() each byte of usable memory lies in ranges of exactly one node
 * Locking.    None: pure functions.
 * Failure.    False, and a note that says what is wrong.
 * Source.     Linux arch/x86/mm/numa.c (numa_meminfo_cover_memory), drivers/base/arch_numa.c.
 * Next:       kernel/base/cpus.c.
 */

#include "boot.h"
#include <kernel/bits.h>

enum {
	LOCAL_DISTANCE = 10,
	SLACK = 1 << 20, /* firmware often omits a few pages */
};

bool boot_add_node_range(struct boot_info *bi, u64 start, u64 size, u32 node, const char *who)
{
	if (start + (size - 1) < start) {
		boot_note(bi, "%s has memory at 0x%lx of 0x%lx bytes, not used", who, start, size);
		return false;
	}
	if (bi->nr_node_ranges == BOOT_MAX_NODE_RANGES) {
		boot_note(bi, "%s has more than %u ranges of memory, not used", who, BOOT_MAX_NODE_RANGES);
		return false;
	}
	bi->node_range[bi->nr_node_ranges++] =
		(struct boot_node_range){.start = start, .size = size, .node = node};
	return true;
}

/*
 * Returns the first range that contains `at`, or NULL. *other: the first range of another node that contains it. Both
 * answers hold up to *next.
 */
static const struct boot_node_range *range_at(const struct boot_info *bi, u64 at, u64 *next,
					      const struct boot_node_range **other)
{
	const struct boot_node_range *first = NULL;

	*other = NULL;
	for (unsigned i = 0; i < bi->nr_node_ranges; i++) {
		const struct boot_node_range *r = &bi->node_range[i];
		u64 last = r->start + (r->size - 1);

		if (at < r->start) {
			*next = min(*next, r->start);
			continue;
		}
		if (at > last)
			continue;
		*next = last < *next ? last + 1 : *next;
		if (!first)
			first = r;
		else if (r->node != first->node && !*other)
			*other = r;
	}
	return first;
}

/* Ranges may cover holes. Up to SLACK bytes without a range are assigned to the node of the memory before them. */
bool boot_nodes_cover(struct boot_info *bi, const char *who)
{
	u64 cursor = 0, start, end, lost = 0;
	u32 node = bi->nr_node_ranges ? bi->node_range[0].node : 0;

	while (boot_next_usable(bi, &cursor, &start, &end)) {
		for (u64 at = start, next = end; at < end; at = next, next = end) {
			const struct boot_node_range *other, *r = range_at(bi, at, &next, &other);

			if (other) {
				boot_note(bi, "%s has [0x%lx, 0x%lx) on nodes %u and %u, not used", who, at,
					  next, r->node, other->node);
				return false;
			}
			if (r) {
				node = r->node;
				continue;
			}
			lost += next - at;
			if (lost < SLACK && !boot_add_node_range(bi, at, next - at, node, who))
				return false;
		}
	}
	if (lost >= SLACK)
		boot_note(bi, "%s does not say where %lu KiB of memory are, not used", who, lost >> 10);
	return lost < SLACK;
}

bool boot_distance_is_sane(u64 from, u64 to, u32 distance)
{
	return from == to ? distance == LOCAL_DISTANCE : distance > LOCAL_DISTANCE;
}
