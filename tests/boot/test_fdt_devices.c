/*
 * test_fdt_devices.c - properties of boot/fdt.c: what becomes of devices and /chosen.
 *
 * Idea.       Most trees are a root with the case's nodes alone.
 * Layout.     fdt_tree.h
 * Invariants. expect_sound() holds after every parse.
 * Failure.    EXPECT lines name the input.
 * Next:       test_fdt_node.c.
 */

#include "fdt_tree.h"

/* ---- devices ---- */

KTEST(fdt, psci_by_its_version_and_method)
{
	static const struct {
		const char *compatible, *method;
		u32 cpu_on;
		enum boot_psci want;
	} row[] = {
		{"arm,psci-0.2", "smc", 0, BOOT_PSCI_SMC},
		{"arm,psci-1.0", "hvc", 0, BOOT_PSCI_HVC},
		{"arm,psci-1.0", "svc", 0, BOOT_PSCI_NONE},
		{"arm,psci-1.0", NULL, 0, BOOT_PSCI_NONE},
		{"arm,psci", "smc", 0xc4000003, BOOT_PSCI_SMC},
		{"arm,psci", "smc", 0x84000003, BOOT_PSCI_NONE},
		{"arm,psci", "smc", 0x95c1ba60, BOOT_PSCI_NONE},
		{"arm,psci", "smc", 0, BOOT_PSCI_NONE},
	};
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	for (unsigned i = 0; i < ARRAY_SIZE(row); i++) {
		struct tree tree = tree_start(f, 2, 2);

		begin(&tree, "firmware");
		begin(&tree, "psci");
		text(&tree, "compatible", row[i].compatible);
		if (row[i].method)
			text(&tree, "method", row[i].method);
		if (row[i].cpu_on)
			CELLS(&tree, "cpu_on", row[i].cpu_on);
		end(&tree);
		end(&tree);
		read_tree(t, &tree);
		EXPECT_MSG(f->info.dev.psci == row[i].want, "row %u: %u", i, f->info.dev.psci);
		EXPECT_EQ(strstr(f->info.notes, "psci: ") == NULL, row[i].want != BOOT_PSCI_NONE);
	}
	fixture_free(f);
}

static void psci_node(struct tree *tree, const char *name, const char *method, const char *status)
{
	begin(tree, name);
	text(tree, "compatible", "arm,psci-1.0");
	text(tree, "method", method);
	text(tree, "status", status);
	end(tree);
}

KTEST(fdt, first_psci_that_is_not_disabled_is_the_one)
{
	struct boot_fixture *f = fixture_new();
	struct tree tree;

	ASSERT_NOT_NULL(f);
	tree = tree_start(f, 2, 2);
	psci_node(&tree, "psci@0", "smc", "disabled");
	psci_node(&tree, "psci@1", "hvc", "okay");
	psci_node(&tree, "psci@2", "smc", "okay");
	read_tree(t, &tree);
	EXPECT_EQ(f->info.dev.psci, BOOT_PSCI_HVC);
	fixture_free(f);
}

KTEST(fdt, gic_of_version_2)
{
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	for (unsigned good = 0; good < 2; good++) {
		struct tree tree = tree_start(f, 2, 2);

		begin(&tree, "intc@8000000");
		prop(&tree, "compatible", "arm,cortex-a15-gic\0arm,cortex-a9-gic", 37);
		CELLS(&tree, "reg", WIDE(0x8000000), WIDE(0x1000), WIDE(0x8010000 + !good), WIDE(0x2000));
		end(&tree);
		read_tree(t, &tree);
		EXPECT_EQ(f->info.dev.gic_version, good ? 2 : 0);
		EXPECT_EQ(f->info.dev.gicd, good ? 0x8000000 : 0);
		EXPECT_EQ(f->info.dev.gicc, good ? 0x8010000 : 0);
		if (!good)
			EXPECT_NOTE(&f->info, "registers at 0x8010001");
	}
	fixture_free(f);
}

KTEST(fdt, gic_of_version_3_has_regions)
{
	static const struct {
		u32 regions, stride, want; /* 0: not said */
	} row[] = {{0, 0, 1}, {1, 0, 1}, {2, 0, 2}, {3, 0, 2}, {2, 0x20000, 2}, {2, 0x40000, 0}, {~0U, 0, 2}};
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	for (unsigned i = 0; i < ARRAY_SIZE(row); i++) {
		struct tree tree = tree_start(f, 2, 2);

		gic3_begin(&tree, 3);
		CELLS(&tree, "reg", WIDE(0x8000000), WIDE(0x10000), WIDE(0x80a0000), WIDE(0xf60000),
		      WIDE(0x4000000000), WIDE(0x4000000));
		if (row[i].regions)
			CELLS(&tree, "#redistributor-regions", row[i].regions);
		if (row[i].stride)
			CELLS(&tree, "redistributor-stride", 0, row[i].stride);
		end(&tree);
		read_tree(t, &tree);
		EXPECT_EQ(f->info.dev.nr_gicr, row[i].want);
		EXPECT_EQ(f->info.dev.gic_version, row[i].want ? 3 : 0);
		EXPECT_EQ(f->info.dev.gicd, row[i].want ? 0x8000000 : 0);
		if (row[i].want == 2)
			EXPECT_EQ(f->info.dev.gicr[1].start, 0x4000000000);
		if (!row[i].want)
			EXPECT_NOTE(&f->info, "redistributor-stride 0x40000");
	}
	for (unsigned cells_of_stride = 0; cells_of_stride < 4; cells_of_stride++) {
		static const u32 none[4];
		struct tree tree = tree_start(f, 2, 2);

		gic3_begin(&tree, 3);
		CELLS(&tree, "reg", WIDE(0x8000000), WIDE(0x10000), WIDE(0x80a0000), WIDE(0xf60000));
		cells(&tree, "redistributor-stride", none, cells_of_stride);
		end(&tree);
		read_tree(t, &tree);
		EXPECT_EQ(f->info.dev.gic_version, cells_of_stride % 3 ? 3 : 0);
	}
	fixture_free(f);
}

KTEST(fdt, redistributor_regions_without_room_are_noted)
{
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	for (u32 regions = BOOT_MAX_GICR; regions <= BOOT_MAX_GICR + 1; regions++) {
		static u32 reg[(BOOT_MAX_GICR + 2) * 4] = {0, 0x8000000, 0, 0x10000};
		struct tree tree = tree_start(f, 2, 2);

		for (u32 i = 0; i < regions; i++) {
			reg[4 + i * 4 + 1] = 0x9000000 + i * 0x100000;
			reg[4 + i * 4 + 3] = 0x20000;
		}
		gic3_begin(&tree, 3);
		cells(&tree, "reg", reg, (regions + 1) * 4);
		CELLS(&tree, "#redistributor-regions", regions);
		end(&tree);
		read_tree(t, &tree);
		EXPECT_EQ(f->info.dev.gic_version, 3);
		EXPECT_EQ(f->info.dev.nr_gicr, BOOT_MAX_GICR);
		EXPECT_EQ(strstr(f->info.notes, "regions of redistributors") != NULL,
			  regions > BOOT_MAX_GICR);
	}
	fixture_free(f);
}

KTEST(fdt, first_gic_is_the_one)
{
	struct boot_fixture *f = fixture_new();
	struct tree tree;

	ASSERT_NOT_NULL(f);
	tree = tree_start(f, 2, 2);
	begin(&tree, "off");
	text(&tree, "compatible", "arm,gic-v3");
	text(&tree, "status", "disabled");
	end(&tree);
	begin(&tree, "short");
	text(&tree, "compatible", "arm,gic-v3");
	CELLS(&tree, "reg", WIDE(0x5000000), WIDE(0x10000));
	end(&tree);
	gic3(&tree);
	begin(&tree, "second");
	text(&tree, "compatible", "arm,gic-400");
	CELLS(&tree, "reg", WIDE(0x6000000), WIDE(0x1000), WIDE(0x6010000), WIDE(0x1000));
	end(&tree);
	read_tree(t, &tree);
	EXPECT_EQ(f->info.dev.gic_version, 3);
	EXPECT_EQ(f->info.dev.gicd, 0x8000000);
	EXPECT_EQ(f->info.dev.nr_gicr, 1);
	EXPECT_NOTE(&f->info, "short: not used, expected registers of a GIC version 3");
	EXPECT_NOTE(&f->info, "second: a second GIC");
	fixture_free(f);
}

/* ---- chosen ---- */

KTEST(fdt, console_is_the_one_that_is_chosen)
{
	static const struct {
		const char *path;
		u64 want;
		const char *note;
	} row[] = {
		{NULL, 0x9000000, NULL}, /* the first one that is not off */
		{"/serial@9010000", 0x9010000, NULL},
		{"/serial@9010000:115200n8", 0x9010000, NULL},
		{"serial1", 0x9010000, NULL},
		{"serial1:115200n8", 0x9010000, NULL},
		{"/serial", 0x8ff0000, NULL}, /* that is one without a unit, wherever it is */
		{"/serial@901000", 0x9000000, "names no node"},
		{"/serial@90100000", 0x9000000, "names no node"},
		{"/soc/serial@9010000", 0x9000000, "names no node"},
		{"serial2", 0x9000000, "names no node"},
		{"serial", 0x9000000, "names no node"},
		{"", 0x9000000, "names no node"},
		{"/", 0x9000000, "names no node"},
		{":", 0x9000000, "names no node"},
		{"an-alias-of-more-than-thirty-one-characters", 0x9000000, "names no node"},
		{"/off@8fe0000", 0x9000000, "names no node"},
		{"/uart@a000000", 0, "uart@a000000, which is no PL011"},
	};
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	for (unsigned i = 0; i < ARRAY_SIZE(row); i++) {
		bool unit = !row[i].path || strcmp(row[i].path, "/serial") != 0;
		struct tree tree = tree_start(f, 2, 2);

		gic3(&tree);
		memory(&tree, 0x1000, 0x1000, BOOT_NO_NODE);
		uart_begin(&tree, "off@8fe0000", 0x8fe0000);
		text(&tree, "status", "disabled");
		end(&tree);
		if (!unit)
			uart(&tree, "serial", 0x8ff0000, 0);
		uart(&tree, "serial@9000000", 0x9000000, 1);
		uart(&tree, "serial@9010000", 0x9010000, 2);
		begin(&tree, "uart@a000000");
		text(&tree, "compatible", "ns16550a");
		end(&tree);
		begin(&tree, "aliases");
		text(&tree, "serial1", "/serial@9010000");
		end(&tree);
		begin(&tree, "chosen");
		if (row[i].path)
			text(&tree, "stdout-path", row[i].path);
		end(&tree);
		read_tree(t, &tree);
		EXPECT_MSG(f->info.dev.uart == row[i].want, "row %u: 0x%lx", i, f->info.dev.uart);
		if (row[i].note)
			EXPECT_NOTE(&f->info, row[i].note);
		else
			EXPECT_STREQ(f->info.notes, "");
	}
	fixture_free(f);
}

KTEST(fdt, command_line_is_cut_at_its_room)
{
	struct boot_fixture *f = fixture_new();
	static char line[3000];
	struct tree tree;

	ASSERT_NOT_NULL(f);
	memset(line, 'x', sizeof(line));
	for (unsigned i = 0; i < 3; i++) {
		static const unsigned len[] = {BOOT_CMDLINE_SIZE - 1, BOOT_CMDLINE_SIZE, sizeof(line)};

		tree = tree_start(f, 2, 2);
		begin(&tree, "chosen");
		prop(&tree, "bootargs", line, len[i]); /* and no NUL */
		end(&tree);
		read_tree(t, &tree);
		EXPECT_EQ(strlen(f->info.cmdline), BOOT_CMDLINE_SIZE - 1);
		EXPECT_EQ(strstr(f->info.notes, "is cut after 2047 bytes") == NULL, i == 0);
	}
	tree = tree_start(f, 2, 2);
	begin(&tree, "chosen");
	prop(&tree, "bootargs", "one\0two", 7);
	end(&tree);
	read_tree(t, &tree);
	EXPECT_STREQ(f->info.cmdline, "one");
	fixture_free(f);
}

KTEST(fdt, initrd_has_a_start_and_an_end)
{
	static const struct {
		u32 start[3], end[3];
		unsigned start_cells, end_cells;
		u64 from, to; /* 0: none */
	} row[] = {
		{{0x1000}, {0x2001}, 1, 1, 0x1000, 0x2001},
		{{1, 0x1000}, {1, 0x1001}, 2, 2, 0x100001000, 0x100001001},
		{{0x1000}, {0x1000}, 1, 1, 0, 0},
		{{0x1000}, {0xfff}, 1, 1, 0, 0},
		{{0x1000}, {0, 0x2000, 0}, 1, 3, 0, 0},
		{{0}, {0x2000}, 0, 1, 0, 0},
		{{0x1000}, {0}, 1, 0, 0, 0},
	};
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	for (unsigned i = 0; i < ARRAY_SIZE(row); i++) {
		struct tree tree = tree_start(f, 2, 2);

		begin(&tree, "chosen");
		cells(&tree, "linux,initrd-start", row[i].start, row[i].start_cells);
		cells(&tree, "linux,initrd-end", row[i].end, row[i].end_cells);
		end(&tree);
		read_tree(t, &tree);
		EXPECT_EQ(f->info.nr_modules, row[i].to ? 1 : 0);
		EXPECT_EQ(f->info.module[0].start, row[i].from);
		EXPECT_EQ(f->info.module[0].end, row[i].to);
		EXPECT_EQ(strstr(f->info.notes, "initrd") == NULL, row[i].to != 0);
	}
	fixture_free(f);
}
