/*
 * test_fdt.c - properties of boot/fdt.c: what becomes of memory, reservations, CPUs and nodes.
 *
 * Idea.       Most trees are a root with what the case is about and nothing else.
 * Layout.     fdt_tree.h
 * Invariants. expect_sound() holds after every parse.
 * Locking.    None.
 * Failure.    EXPECT lines name the input.
 * Next:       test_fdt_devices.c.
 */

#include "fdt_tree.h"

KTEST(fdt, typical_machine_is_read)
{
	struct boot_fixture *f = fixture_new();
	const struct boot_info *bi;

	ASSERT_NOT_NULL(f);
	bi = &f->info;
	typical(f);
	EXPECT_EQ(parse(f), 0);
	expect_sound(t, bi);
	EXPECT_STREQ(bi->notes, "");
	EXPECT_STREQ(bi->protocol, "device tree");
	EXPECT_STREQ(bi->cmdline, "test seed=7");
	EXPECT_EQ(bi->fdt_start, FIXTURE_PA);
	EXPECT_EQ(bi->fdt_end, FIXTURE_PA + f->len);
	EXPECT_EQ(bi->nr_ranges, 3);
	expect_range(t, bi, 0, 0x40000000, 0x20000000, MEM_USABLE);
	expect_range(t, bi, 1, 0x100000000, 0x40000000, MEM_USABLE);
	expect_range(t, bi, 2, 0x50000000, 0x100000, MEM_RESERVED);
	EXPECT_EQ(bi->nr_reserved, 1);
	EXPECT_EQ(bi->reserved[0].start, 0x40100000);
	EXPECT_EQ(bi->reserved[0].end, 0x40102000);
	EXPECT_EQ(bi->nr_modules, 1);
	EXPECT_EQ(bi->module[0].start, 0x48000000);
	EXPECT_EQ(bi->module[0].end, 0x48123456);
	EXPECT_STREQ(bi->module[0].name, "initrd");
	EXPECT_EQ(bi->nr_cpus, 2);
	EXPECT_EQ(bi->cpu[1].hw_id, 0x100);
	EXPECT_EQ(bi->cpu[1].node, 1);
	EXPECT_TRUE(bi->cpu[1].enabled);
	EXPECT_EQ(bi->nr_node_ranges, 2);
	EXPECT_EQ(bi->node_range[1].start, 0x100000000);
	EXPECT_EQ(bi->node_range[1].node, 1);
	EXPECT_EQ(bi->distance[0][1], 21);
	EXPECT_EQ(bi->distance[1][0], 21);
	EXPECT_EQ(bi->dev.psci, BOOT_PSCI_HVC);
	EXPECT_EQ(bi->dev.uart, 0x9010000);
	EXPECT_EQ(bi->dev.uart_irq, 34);
	EXPECT_EQ(bi->dev.timer_irq, 27);
	EXPECT_EQ(bi->dev.gic_version, 3);
	EXPECT_EQ(bi->dev.gicd, 0x8000000);
	EXPECT_EQ(bi->dev.nr_gicr, 1);
	EXPECT_EQ(bi->dev.gicr[0].start, 0x80a0000);
	EXPECT_EQ(bi->dev.gicr[0].size, 0xf60000);
	fixture_free(f);
}

/* ---- memory ---- */

KTEST(fdt, cells_of_the_root_say_how_memory_is_read)
{
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	for (u32 ac = 1; ac <= 2; ac++) {
		for (u32 sc = 0; sc <= 2; sc++) {
			struct tree tree = tree_start(f, ac, sc);
			u32 v[8];
			unsigned n = 0;

			for (unsigned i = 1; i <= 2; i++) {
				if (ac == 2)
					v[n++] = i;
				v[n++] = i << 28;
				if (sc == 2)
					v[n++] = 3;
				if (sc)
					v[n++] = 0x1000 * i;
			}
			begin(&tree, "memory@0");
			text(&tree, "device_type", "memory");
			cells(&tree, "reg", v, n);
			end(&tree);
			read_tree(t, &tree);
			EXPECT_EQ(f->info.nr_ranges, sc ? 2 : 0);
			for (u64 i = 0; i < f->info.nr_ranges; i++)
				expect_range(t, &f->info, (unsigned)i,
					     (ac == 2 ? (i + 1) << 32 : 0) | (i + 1) << 28,
					     (sc == 2 ? 3UL << 32 : 0) | 0x1000 * (i + 1), MEM_USABLE);
		}
	}
	fixture_free(f);
}

KTEST(fdt, cells_that_no_address_has_are_noted)
{
	static const u32 wrong[][2] = {{0, 2}, {3, 2}, {2, 3}, {256, 1}, {1, 256}, {~0U, ~0U}};
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct tree tree = tree_start(f, wrong[i][0], wrong[i][1]);

		memory(&tree, 0x1000, 0x1000, BOOT_NO_NODE);
		read_tree(t, &tree);
		EXPECT_EQ(f->info.nr_ranges, 0);
		EXPECT_NOTE(&f->info, "expected 1 or 2 and at most 2");
	}
	fixture_free(f);
}

/* The specification's values where the root says nothing: 2 and 1. */
KTEST(fdt, cells_that_are_not_said_have_defaults)
{
	struct boot_fixture *f = fixture_new();
	struct tree tree;

	ASSERT_NOT_NULL(f);
	tree = tree_start(f, 2, 2);
	tree.at = AT_STRUCTURE;
	begin(&tree, "");
	begin(&tree, "memory");
	text(&tree, "device_type", "memory");
	CELLS(&tree, "reg", 1, 0x1000, 0x2000);
	end(&tree);
	read_tree(t, &tree);
	expect_range(t, &f->info, 0, 0x100001000, 0x2000, MEM_USABLE);
	fixture_free(f);
}

KTEST(fdt, memory_that_is_none_is_skipped)
{
	struct boot_fixture *f = fixture_new();
	struct tree tree;

	ASSERT_NOT_NULL(f);
	tree = tree_start(f, 2, 2);
	begin(&tree, "memory@1");
	text(&tree, "device_type", "memory");
	text(&tree, "status", "disabled");
	CELLS(&tree, "reg", WIDE(0), WIDE(0x1000));
	end(&tree);
	memory(&tree, 0x5000, 0, BOOT_NO_NODE);
	memory(&tree, ~0UL - 0xffe, 0x1000, BOOT_NO_NODE); /* one byte too many */
	memory(&tree, ~0UL - 0xfff, 0x1000, BOOT_NO_NODE);
	begin(&tree, "memory@2");
	text(&tree, "device_type", "memory");
	text(&tree, "status", "okay");
	CELLS(&tree, "reg", WIDE(0x1000), WIDE(0x1000), WIDE(0), WIDE(0), WIDE(0x8000), WIDE(0x1000), 5);
	end(&tree);
	begin(&tree, "memory@3");
	text(&tree, "device_type", "memory");
	prop(&tree, "reg", NULL, 0);
	end(&tree);
	begin(&tree, "bus");
	memory(&tree, 0x7000, 0x1000, BOOT_NO_NODE); /* not the root's */
	end(&tree);
	read_tree(t, &tree);
	EXPECT_EQ(f->info.nr_ranges, 3);
	expect_range(t, &f->info, 0, ~0UL - 0xfff, 0x1000, MEM_USABLE);
	expect_range(t, &f->info, 1, 0x1000, 0x1000, MEM_USABLE);
	expect_range(t, &f->info, 2, 0x8000, 0x1000, MEM_USABLE);
	EXPECT_NOTE(&f->info, "wraps");
	EXPECT_NOTE(&f->info, "reg of 52 bytes, expected a multiple of 16");
	EXPECT_NOTE(&f->info, "reg of 0 bytes");
	fixture_free(f);
}

KTEST(fdt, usable_memory_replaces_reg)
{
	struct boot_fixture *f = fixture_new();
	struct tree tree;

	ASSERT_NOT_NULL(f);
	tree = tree_start(f, 2, 2);
	begin(&tree, "memory");
	text(&tree, "device_type", "memory");
	CELLS(&tree, "reg", WIDE(0), WIDE(0x100000));
	CELLS(&tree, "linux,usable-memory", WIDE(0x4000), WIDE(0x1000));
	end(&tree);
	read_tree(t, &tree);
	EXPECT_EQ(f->info.nr_ranges, 1);
	expect_range(t, &f->info, 0, 0x4000, 0x1000, MEM_USABLE);
	fixture_free(f);
}

/* Beside a crashed kernel: everything else is there, but not ours. */
KTEST(fdt, usable_range_limits_the_map)
{
	struct boot_fixture *f = fixture_new();
	u64 cursor = 0, start, end_;
	struct tree tree;

	ASSERT_NOT_NULL(f);
	tree = tree_start(f, 2, 2);
	memory(&tree, 0x40000000, 0x40000000, BOOT_NO_NODE);
	begin(&tree, "chosen");
	CELLS(&tree, "linux,usable-memory-range", WIDE(0x50000000), WIDE(0x1000000), WIDE(0x60000000),
	      WIDE(0x1000));
	end(&tree);
	read_tree(t, &tree);
	EXPECT_TRUE(boot_next_usable(&f->info, &cursor, &start, &end_));
	EXPECT_EQ(start, 0x50000000);
	EXPECT_EQ(end_, 0x51000000);
	EXPECT_FALSE(boot_next_usable(&f->info, &cursor, &start, &end_));
	EXPECT_NOTE(&f->info, "more than one range");

	for (unsigned room = 0; room < 4; room++) {
		memset(&f->info, 0, sizeof(f->info));
		f->info.nr_edits = BOOT_MAX_EDITS - room;
		EXPECT_EQ(parse_more(f), 0);
		EXPECT_EQ(f->info.nr_edits, BOOT_MAX_EDITS - (room < 2 ? room : room - 2));
		EXPECT_EQ(strstr(f->info.notes, "no room for") == NULL, room >= 2);
	}
	fixture_free(f);
}

KTEST(fdt, a_map_of_uefi_counts_more)
{
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	typical(f);
	memset(&f->info, 0, sizeof(f->info));
	f->info.protocol = "UEFI";
	strlcpy(f->info.cmdline, "other", sizeof(f->info.cmdline));
	boot_add_range(&f->info, 0x40000000, 0x10000000, MEM_USABLE, 8);
	EXPECT_EQ(parse_more(f), 0);
	EXPECT_STREQ(f->info.protocol, "UEFI");
	EXPECT_STREQ(f->info.cmdline, "other");
	EXPECT_EQ(f->info.nr_ranges, 2);
	expect_range(t, &f->info, 1, 0x50000000, 0x100000, MEM_RESERVED);
	EXPECT_EQ(f->info.nr_node_ranges, 2);
	EXPECT_STREQ(f->info.notes, "");
	fixture_free(f);
}

/* ---- reservations ---- */

KTEST(fdt, reservation_block_is_read_to_its_end)
{
	struct boot_fixture *f = fixture_new();
	struct tree tree;

	ASSERT_NOT_NULL(f);
	tree = tree_start(f, 2, 2);
	memory(&tree, 0, 0x10000, BOOT_NO_NODE);
	reserve(&tree, 0x1000, 0x234);
	reserve(&tree, ~0UL - 0xff, 0x200);
	reserve(&tree, ~0UL - 0xff, 0x100);
	reserve(&tree, 0x123456789000, 0x1000);
	reserve(&tree, 0, 0);
	reserve(&tree, 0x7000, 0x1000);
	read_tree(t, &tree);
	EXPECT_EQ(f->info.nr_reserved, 2);
	EXPECT_EQ(f->info.reserved[0].start, 0x1000);
	EXPECT_EQ(f->info.reserved[0].end, 0x1234);
	EXPECT_EQ(f->info.reserved[1].start, 0x123456789000);
	expect_range(t, &f->info, 0, ~0UL - 0xff, 0x100, MEM_RESERVED); /* has no end that can be said */
	EXPECT_NOTE(&f->info, "wraps");
	put(f, OFF_RESERVATIONS, (u32)f->len - 8);
	EXPECT_EQ(parse(f), 0);
	EXPECT_NOTE(&f->info, "has no end");
	put(f, OFF_RESERVATIONS, ~0U);
	EXPECT_EQ(parse(f), 0);
	EXPECT_NOTE(&f->info, "has no end");
	fixture_free(f);
}

KTEST(fdt, reservations_without_room_are_no_memory)
{
	struct boot_fixture *f = fixture_new();
	struct tree tree;

	ASSERT_NOT_NULL(f);
	tree = tree_start(f, 2, 2);
	for (unsigned i = 0; i < 254; i++)
		reserve(&tree, i * 0x10000, 0x1000);
	begin(&tree, "reserved-memory");
	CELLS(&tree, "#address-cells", 2);
	CELLS(&tree, "#size-cells", 2);
	prop(&tree, "ranges", NULL, 0);
	for (unsigned i = 0; i < 4; i++) {
		begin(&tree, "r");
		CELLS(&tree, "reg", WIDE(0x10000000 + i * 0x10000), WIDE(0x1000));
		end(&tree);
	}
	end(&tree);
	read_tree(t, &tree);
	EXPECT_EQ(f->info.nr_reserved, BOOT_MAX_RESERVED);
	EXPECT_EQ(f->info.nr_ranges, 2);
	expect_range(t, &f->info, 0, 0x10020000, 0x1000, MEM_RESERVED);
	expect_range(t, &f->info, 1, 0x10030000, 0x1000, MEM_RESERVED);
	fixture_free(f);
}

KTEST(fdt, reserved_memory_by_its_kind)
{
	struct boot_fixture *f = fixture_new();
	struct tree tree;

	ASSERT_NOT_NULL(f);
	tree = tree_start(f, 2, 2);
	begin(&tree, "reserved-memory");
	CELLS(&tree, "#address-cells", 1);
	CELLS(&tree, "#size-cells", 1);
	prop(&tree, "ranges", NULL, 0);
	begin(&tree, "plain@1000");
	CELLS(&tree, "reg", 0x1000, 0x1000, 0x4000, 0x2000);
	end(&tree);
	begin(&tree, "secret@10000");
	CELLS(&tree, "reg", 0x10000, 0x1000, 0x20000, 0x1000);
	prop(&tree, "no-map", NULL, 0);
	end(&tree);
	begin(&tree, "cma@30000");
	CELLS(&tree, "reg", 0x30000, 0x1000);
	prop(&tree, "reusable", NULL, 0);
	end(&tree);
	begin(&tree, "off@40000");
	CELLS(&tree, "reg", 0x40000, 0x1000);
	text(&tree, "status", "disabled");
	end(&tree);
	begin(&tree, "anywhere");
	CELLS(&tree, "size", 0x1000);
	end(&tree);
	end(&tree);
	read_tree(t, &tree);
	EXPECT_EQ(f->info.nr_reserved, 2);
	EXPECT_EQ(f->info.reserved[1].start, 0x4000);
	EXPECT_EQ(f->info.reserved[1].end, 0x6000);
	EXPECT_EQ(f->info.nr_ranges, 2);
	expect_range(t, &f->info, 0, 0x10000, 0x1000, MEM_RESERVED);
	expect_range(t, &f->info, 1, 0x20000, 0x1000, MEM_RESERVED);
	EXPECT_NOTE(&f->info, "anywhere has no place");
	fixture_free(f);
}

/* ---- CPUs ---- */

/* Shows fdt.I1. */
KTEST(fdt, ids_of_cpus_are_affinities)
{
	struct boot_fixture *f = fixture_new();
	struct tree tree;

	ASSERT_NOT_NULL(f);
	tree = tree_start(f, 2, 2);
	cpus_begin(&tree, 2);
	begin(&tree, "cpu-map");
	end(&tree);
	for (unsigned i = 0; i < 4; i++) {
		static const u64 id[] = {0x80000000, 0x0100000203, 0x1000000, 0xff00ffffff};

		begin(&tree, "cpu");
		text(&tree, "device_type", "cpu");
		CELLS(&tree, "reg", WIDE(id[i]));
		text(&tree, "enable-method", "psci");
		end(&tree);
	}
	cpu(&tree, 0, "psci", BOOT_NO_NODE); /* one cell of two */
	end(&tree);
	read_tree(t, &tree);
	EXPECT_EQ(f->info.nr_cpus, 2);
	EXPECT_EQ(f->info.cpu[0].hw_id, 0x100000203);
	EXPECT_EQ(f->info.cpu[0].node, BOOT_NO_NODE);
	EXPECT_EQ(f->info.cpu[1].hw_id, 0xff00ffffff);
	EXPECT_NOTE(&f->info, "reg 0x80000000 has bits");
	EXPECT_NOTE(&f->info, "reg 0x1000000 has bits");
	EXPECT_NOTE(&f->info, "expected a reg of 1 or 2 cells");
	fixture_free(f);
}

KTEST(fdt, cpus_that_cannot_be_started_are_said_so)
{
	static const struct {
		const char *method, *status, *note;
		bool enabled;
	} row[] = {
		{"psci", NULL, NULL, true},
		{"psci", "okay", NULL, true},
		{"psci", "disabled", NULL, true}, /* it waits */
		{"psci", "fail", NULL, false},
		{"psci", "fail-hot", NULL, false},
		{"spin-table", NULL, "1 CPUs cannot be started, expected enable-method psci", false},
		{NULL, NULL, NULL, false},
		{NULL, "okay", NULL, false},
	};
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	for (unsigned i = 0; i < ARRAY_SIZE(row); i++) {
		struct tree tree = tree_start(f, 2, 2);

		memory(&tree, 0x1000, 0x1000, BOOT_NO_NODE);
		psci(&tree);
		cpus_begin(&tree, 1);
		begin(&tree, "cpu@0");
		text(&tree, "device_type", "cpu");
		CELLS(&tree, "reg", 7);
		if (row[i].method)
			text(&tree, "enable-method", row[i].method);
		if (row[i].status)
			text(&tree, "status", row[i].status);
		end(&tree);
		end(&tree);
		read_tree(t, &tree);
		EXPECT_EQ(f->info.nr_cpus, 1);
		EXPECT_EQ(f->info.cpu[0].hw_id, 7);
		EXPECT_MSG(f->info.cpu[0].enabled == row[i].enabled, "row %u", i);
		if (row[i].note)
			EXPECT_NOTE(&f->info, row[i].note);
		else
			EXPECT_STREQ(f->info.notes, "");
	}
	fixture_free(f);
}

KTEST(fdt, without_psci_nobody_can_be_started)
{
	struct boot_fixture *f = fixture_new();
	struct tree tree;

	ASSERT_NOT_NULL(f);
	tree = tree_start(f, 2, 2);
	cpus_begin(&tree, 1);
	cpu(&tree, 0, "psci", BOOT_NO_NODE);
	cpu(&tree, 1, "psci", BOOT_NO_NODE);
	cpu(&tree, 2, NULL, BOOT_NO_NODE);
	end(&tree);
	read_tree(t, &tree);
	EXPECT_EQ(f->info.nr_cpus, 3);
	for (unsigned i = 0; i < 3; i++)
		EXPECT_FALSE(f->info.cpu[i].enabled);
	EXPECT_NOTE(&f->info, "2 CPUs are to be started by PSCI, and there is none");
	fixture_free(f);
}

KTEST(fdt, cpus_are_there_once_and_not_too_many)
{
	struct boot_fixture *f = fixture_new();
	struct tree tree;

	ASSERT_NOT_NULL(f);
	tree = tree_start(f, 2, 2);
	cpus_begin(&tree, 1);
	cpu(&tree, 3, "psci", BOOT_NO_NODE);
	cpu(&tree, 3, "psci", BOOT_NO_NODE);
	for (u32 i = 4; i < 3 + BOOT_MAX_CPUS + 2; i++)
		cpu(&tree, i, "psci", BOOT_NO_NODE);
	end(&tree);
	read_tree(t, &tree);
	EXPECT_EQ(f->info.nr_cpus, BOOT_MAX_CPUS);
	EXPECT_EQ(f->info.cpu[BOOT_MAX_CPUS - 1].hw_id, 3 + BOOT_MAX_CPUS - 1);
	EXPECT_NOTE(&f->info, "a second CPU 0x3");
	EXPECT_NOTE(&f->info, "2 CPUs more than 256, ignored");
	fixture_free(f);
}

/* ---- nodes ---- */

/* Two nodes of memory with two CPUs, and what distances there are. */
static struct tree nodes_start(struct boot_fixture *f, u32 first, u32 second)
{
	struct tree tree = tree_start(f, 2, 2);

	memory(&tree, 0x40000000, 0x40000000, first);
	memory(&tree, 0x80000000, 0x40000000, second);
	psci(&tree);
	cpus_begin(&tree, 1);
	cpu(&tree, 0, "psci", 0);
	cpu(&tree, 1, "psci", 1);
	end(&tree);
	return tree;
}

static void distances(struct tree *t, const u32 *v, unsigned nr)
{
	begin(t, "distance-map");
	text(t, "compatible", "numa-distance-map-v1");
	cells(t, "distance-matrix", v, nr);
	end(t);
}

static void expect_no_nodes(struct ktest *t, const struct boot_info *bi)
{
	EXPECT_EQ(bi->nr_node_ranges, 0);
	for (unsigned i = 0; i < bi->nr_cpus; i++)
		EXPECT_EQ(bi->cpu[i].node, BOOT_NO_NODE);
	for (unsigned a = 0; a < BOOT_MAX_DISTANCES; a++)
		for (unsigned b = 0; b < BOOT_MAX_DISTANCES; b++)
			EXPECT_EQ(bi->distance[a][b], 0);
}

KTEST(fdt, nodes_are_believed_whole_or_not_at_all)
{
	static const struct {
		u32 first, second;
		const char *note; /* NULL: they are good */
	} row[] = {
		{0, 1, NULL},
		{1, 0, NULL},
		{63, 0, NULL},
		{64, 0, "expected a numa-node-id below 64"},
		{~0U - 1, 0, "expected a numa-node-id below 64"},
		{0, BOOT_NO_NODE, "does not say where 1048576 KiB"},
		{BOOT_NO_NODE, BOOT_NO_NODE, "does not say where 2097152 KiB"},
	};
	static const u32 matrix[] = {0, 1, 20};
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	for (unsigned i = 0; i < ARRAY_SIZE(row); i++) {
		struct tree tree = nodes_start(f, row[i].first, row[i].second);

		distances(&tree, matrix, 3);
		read_tree(t, &tree);
		EXPECT_EQ(f->info.nr_ranges, 2);
		EXPECT_EQ(f->info.nr_cpus, 2);
		if (row[i].note) {
			EXPECT_NOTE(&f->info, row[i].note);
			expect_no_nodes(t, &f->info);
			continue;
		}
		EXPECT_STREQ(f->info.notes, "");
		EXPECT_EQ(f->info.nr_node_ranges, 2);
		EXPECT_EQ(f->info.node_range[0].node, row[i].first);
		EXPECT_EQ(f->info.cpu[1].node, 1);
		EXPECT_EQ(f->info.distance[1][0], 20);
	}
	fixture_free(f);
}

KTEST(fdt, memory_of_two_nodes_is_of_none)
{
	struct boot_fixture *f = fixture_new();
	struct tree tree;

	ASSERT_NOT_NULL(f);
	tree = nodes_start(f, 0, 1);
	memory(&tree, 0x7fff0000, 0x20000, 1);
	read_tree(t, &tree);
	EXPECT_NOTE(&f->info, "on nodes 0 and 1, not used");
	expect_no_nodes(t, &f->info);

	tree = nodes_start(f, 0, 1);
	for (unsigned i = 0; i < BOOT_MAX_NODE_RANGES; i++)
		memory(&tree, 0xc0000000 + i * 0x1000, 0x1000, 1);
	read_tree(t, &tree);
	EXPECT_NOTE(&f->info, "device tree has more than 256 ranges of memory, not used");
	expect_no_nodes(t, &f->info);
	fixture_free(f);
}

KTEST(fdt, without_memory_there_are_no_nodes)
{
	static const u32 matrix[] = {0, 1, 20};
	struct boot_fixture *f = fixture_new();
	struct tree tree;

	ASSERT_NOT_NULL(f);
	tree = tree_start(f, 2, 2);
	cpus_begin(&tree, 1);
	cpu(&tree, 0, "psci", 1);
	end(&tree);
	distances(&tree, matrix, 3);
	read_tree(t, &tree);
	EXPECT_EQ(f->info.nr_cpus, 1);
	expect_no_nodes(t, &f->info);
	fixture_free(f);
}

KTEST(fdt, one_direction_says_the_distance_of_both)
{
	static const u32 matrix[] = {0, 0, 10, 0, 1, 20, 1, 0, 30, 2, 0, 40, 1, 2, 255};
	struct boot_fixture *f = fixture_new();
	struct tree tree;

	ASSERT_NOT_NULL(f);
	tree = nodes_start(f, 0, 1);
	distances(&tree, matrix, ARRAY_SIZE(matrix));
	read_tree(t, &tree);
	EXPECT_EQ(f->info.distance[0][0], 10);
	EXPECT_EQ(f->info.distance[0][1], 20);
	EXPECT_EQ(f->info.distance[1][0], 30); /* both were said */
	EXPECT_EQ(f->info.distance[2][0], 40);
	EXPECT_EQ(f->info.distance[0][2], 40);
	EXPECT_EQ(f->info.distance[2][1], 255);
	EXPECT_EQ(f->info.distance[1][1], 0);
	fixture_free(f);
}

KTEST(fdt, distances_are_believed_whole_or_not_at_all)
{
	static const struct {
		u32 v[6];
		unsigned nr;
	} row[] = {
		{{0, 1, 20, 1, 1, 11}, 6}, /* a node and itself */
		{{0, 1, 20, 1, 0, 10}, 6},  {{0, 1, 20, 1, 0, 256}, 6},
		{{0, 1, 20, 1, 0, 0}, 6},   {{0, 1, 20, 0, 1, 21}, 6}, /* once so, once so */
		{{0, 1, 20, 64, 0, 20}, 6}, {{0, 1, 20, 0, ~0U, 20}, 6},
		{{0, 1, 20, 1}, 4},	    {{0}, 0},
	};
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	for (unsigned i = 0; i < ARRAY_SIZE(row); i++) {
		struct tree tree = nodes_start(f, 0, 1);

		distances(&tree, row[i].v, row[i].nr);
		read_tree(t, &tree);
		EXPECT_NOTE(&f->info, "distance");
		EXPECT_EQ(f->info.nr_node_ranges, 2);
		EXPECT_EQ(f->info.distance[0][1], 0);
		EXPECT_EQ(f->info.distance[1][0], 0);
	}
	fixture_free(f);
}
