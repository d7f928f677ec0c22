/*
 * test_numa_firmware.c - what the kernel makes of firmware's words about nodes, and of numa=fake=.
 *
 * Idea.       The machine at hand has a sound table or none. The cases bring wrong ones to the functions that examine them.
 * Layout.     ranges of memory; CPUs; distances; the option
 * Invariants. None of its own: mm/numa.c repairs and reports.
 * Locking.    None.
 * Failure.    As every test's.
 * Next:       test_page.c.
 */
#include <mm/numa.h>

#include "zone_fixture.h"

#include <kernel/cmdline.h>
#include <kernel/errno.h>
#include <kernel/printk.h>
#include <kernel/string.h>

KTEST(numa, a_range_of_a_node_id_that_is_too_large_is_not_used)
{
	const struct boot_node_range ranges[] = {
		{MIB(1), MIB(1), MAX_NODES - 1}, {MIB(2), MIB(1), MAX_NODES}, {MIB(3), MIB(1), ~0u}};
	u64 pos = log_position();

	EXPECT_TRUE(numa_range_usable(ranges, 0));
	EXPECT_FALSE(numa_range_usable(ranges, 1));
	EXPECT_FALSE(numa_range_usable(ranges, 2));
	EXPECT_EQ(log_lines_with(pos, "expected less than 64"), 2);
}

KTEST(numa, an_overlap_with_another_nodes_range_is_reported)
{
	static const struct {
		u64 start, size;
		u32 node;
		unsigned overlaps;
	} cases[] = {
		{MIB(4), MIB(4), 1, 0},				/* the first one */
		{MIB(4), MIB(4), 1, 0},				/* the same node */
		{MIB(8), MIB(1), 2, 0}, {MIB(3), MIB(1), 2, 0}, /* both touch it */
		{MIB(7), MIB(2), 3, 3}, {MIB(1), MIB(8), 3, 4}, {MIB(5), MIB(1), 4, 3},
		{GIB(1), 1, 5, 0},	{MIB(64), ~0UL, 6, 1}, /* up to the last address: it wraps */
	};
	struct boot_node_range ranges[ARRAY_SIZE(cases)];

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		u64 pos = log_position();

		ranges[i] = (struct boot_node_range){cases[i].start, cases[i].size, cases[i].node};
		EXPECT_TRUE(numa_range_usable(ranges, i));
		EXPECT_MSG(log_lines_with(pos, " overlaps memory of node ") == cases[i].overlaps,
			   "range %u: %u overlaps are reported, expected %u", i,
			   log_lines_with(pos, " overlaps memory of node "), cases[i].overlaps);
	}
}

KTEST(numa, a_cpu_without_a_node_is_of_the_lowest_that_has_memory)
{
	struct boot_info *bi = alloc_pages_exact(sizeof(*bi), GFP_KERNEL | __GFP_ZERO);

	ASSERT_NOT_NULL(bi);
	EXPECT_EQ(numa_node_of_cpu(bi, 1, BOOT_NO_NODE), 0);
	bi->node_range[0] = (struct boot_node_range){MIB(1), MIB(1), 5};
	bi->node_range[1] = (struct boot_node_range){MIB(2), MIB(1), 3};
	bi->node_range[2] = (struct boot_node_range){MIB(3), MIB(1), 4};
	bi->nr_node_ranges = 3;
	EXPECT_EQ(numa_lowest_node(bi), 3);
	EXPECT_EQ(numa_node_of_cpu(bi, 1, BOOT_NO_NODE), 3);
	EXPECT_EQ(numa_node_of_cpu(bi, 1, 2), 2);
	EXPECT_EQ(numa_node_of_cpu(bi, 1, MAX_NODES - 1), MAX_NODES - 1);
	EXPECT_EQ(numa_node_of_cpu(bi, 1, MAX_NODES), 0);
	bi->node_range[1].node = MAX_NODES; /* an id that is too large counts for nothing */
	EXPECT_EQ(numa_lowest_node(bi), 4);
	bi->node_range[0].node = bi->node_range[2].node = MAX_NODES;
	EXPECT_EQ(numa_lowest_node(bi), 0);
	free_pages_exact(bi, sizeof(*bi));
}

KTEST(numa, distances_are_used_only_if_local_is_10_and_remote_more)
{
	struct boot_info *bi = alloc_pages_exact(sizeof(*bi), GFP_KERNEL | __GFP_ZERO);

	ASSERT_NOT_NULL(bi);
	EXPECT_TRUE(numa_distances_usable(bi, 3)); /* none is given */
	for (unsigned a = 0; a < 3; a++)
		for (unsigned b = 0; b < 3; b++)
			bi->distance[a][b] = a == b ? 10 : 11;
	EXPECT_TRUE(numa_distances_usable(bi, 3));
	for (unsigned at = 0; at < 9; at++) {
		u8 *d = &bi->distance[at / 3][at % 3], good = *d;

		for (unsigned value = 1; value < 256; value++) {
			*d = (u8)value;
			EXPECT_EQ(numa_distances_usable(bi, 3), at % 4 ? value > 10 : value == 10);
		}
		*d = good;
	}
	bi->distance[3][3] = bi->distance[2][3] = 1; /* of a node that does not exist */
	EXPECT_TRUE(numa_distances_usable(bi, 3));
	free_pages_exact(bi, sizeof(*bi));
}

/* Boot alone uses the values; the machine's own are set again at the end. */
KTEST(numa, fake_nodes_are_a_number_up_to_64_or_a_size)
{
	static const char *const good[] = {"fake=1", "fake=64", "fake=1G"},
				 *const bad[] = {"fake=",	    "fake=0",	"fake=65", "fake=4294967296",
						 "fake=1073741824", "fake=1Gx", "fake=1K", "fakes=2"};
	const unsigned long least = (PAGE_SIZE << MAX_ORDER) >> 10; /* KiB */
	const char *fake = strstr(cmdline_text(), "numa=fake=");
	char value[64];

	for (unsigned i = 0; i < ARRAY_SIZE(good); i++)
		EXPECT_MSG(cmdline_set("numa", good[i]) == 0, "numa=%s is refused", good[i]);
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_MSG(cmdline_set("numa", bad[i]) == -EINVAL, "numa=%s is accepted", bad[i]);
	snprintf(value, sizeof(value), "fake=%luK", least);
	EXPECT_EQ(cmdline_set("numa", value), 0);
	snprintf(value, sizeof(value), "fake=%luK", least - 1);
	EXPECT_EQ(cmdline_set("numa", value), -EINVAL);
	if (fake) {
		snprintf(value, sizeof(value), "%s ", fake + strlen("numa="));
		*strchr(value, ' ') = '\0';
		cmdline_set("numa", value);
	}
}
