/*
 * test_fdt_node.c - properties of boot/fdt_node.c: the blob, its tokens, addresses and interrupts.
 *
 * Idea.       Most trees are a root with what the case is about and nothing else; what was read shows in what fdt.c makes of it.
 *             Overreads show by a parse of the same bytes with other bytes behind them: the result must not change.
 * Layout.     fdt_tree.h
 * Invariants. expect_sound() holds after every parse.
 * Locking.    None.
 * Failure.    EXPECT lines name the input.
 * Next:       test_multiboot2.c.
 */

#include "../../boot/fdt_node.h"
#include "fdt_tree.h"
#include <kernel/errno.h>
#include <kernel/printk.h>

/* ---- the blob ---- */

KTEST(fdt_node, no_tree_is_refused)
{
	static const struct {
		u32 at, value;
	} wrong[] = {{0, 0xedfe0dd0}, {0, 0}, {4, 0}, {4, 39}, {VERSION, 15}, {VERSION, 0}, {COMPATIBLE, 18}};
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
		typical(f);
		put(f, wrong[i].at, wrong[i].value);
		EXPECT_EQ(parse(f), -EINVAL);
		EXPECT_NOTE(&f->info, "device tree: ");
		expect_nothing(t, &f->info);
	}
	typical(f);
	for (f->len = 0; f->len < 40; f->len++) {
		EXPECT_EQ(parse(f), -EINVAL);
		expect_nothing(t, &f->info);
	}
	fixture_free(f);
}

KTEST(fdt_node, size_is_known_from_eight_bytes)
{
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	typical(f);
	EXPECT_EQ(fdt_total_size(f->bytes), f->len);
	put(f, 4, 40);
	EXPECT_EQ(fdt_total_size(f->bytes), 40);
	put(f, 4, 39);
	EXPECT_EQ(fdt_total_size(f->bytes), 0);
	put(f, 4, ~0U);
	EXPECT_EQ(fdt_total_size(f->bytes), ~0U);
	put(f, 0, 0xd00dfeee);
	EXPECT_EQ(fdt_total_size(f->bytes), 0);
	fixture_free(f);
}

/* Both results were zeroed before, padding included. */
static bool same_bytes(const void *a, const void *b, size_t n)
{
	return memcmp(a, b, n) == 0;
}

/* A tree of len bytes is read with zeros, then with ones behind it. */
static void expect_no_overread(struct ktest *t, struct boot_fixture *f, size_t len)
{
	int a, b;

	f->len = len;
	memset(f->bytes + len, 0, 64);
	a = parse(f);
	memcpy(&f->other, &f->info, sizeof(f->info));
	memset(f->bytes + len, 0xff, 64);
	b = parse(f);
	EXPECT_EQ(a, b);
	EXPECT_MSG(same_bytes(&f->info, &f->other, sizeof(f->info)), "%lu bytes: results differ", len);
	expect_sound(t, &f->info);
}

/* The end of the strings, and of a structure block that lies behind them. */
KTEST(fdt_node, bytes_behind_the_length_do_not_matter)
{
	struct boot_fixture *f = fixture_new();
	size_t whole, structure;

	ASSERT_NOT_NULL(f);
	typical(f);
	whole = f->len;
	structure = get(f, SIZE_STRUCTURE);
	for (size_t cut = 0; cut < 40; cut++) {
		typical(f);
		put(f, SIZE_STRINGS, get(f, SIZE_STRINGS) - (u32)cut);
		put(f, 4, (u32)(whole - cut));
		expect_no_overread(t, f, whole - cut);
	}
	for (size_t cut = 0; cut<structure; cut += structure - cut> 256 ? 12 : 1) {
		size_t strings;

		typical(f);
		strings = get(f, SIZE_STRINGS);
		memmove(f->bytes + AT_STRINGS, f->bytes + get(f, OFF_STRINGS), strings);
		memmove(f->bytes + AT_STRINGS / 2, f->bytes + AT_STRUCTURE, structure);
		memcpy(f->bytes + AT_STRUCTURE, f->bytes + AT_STRINGS, strings);
		strings = ALIGN_UP(strings, 4UL);
		memcpy(f->bytes + AT_STRUCTURE + strings, f->bytes + AT_STRINGS / 2, structure);
		put(f, OFF_STRINGS, AT_STRUCTURE);
		put(f, OFF_STRUCTURE, (u32)(AT_STRUCTURE + strings));
		put(f, SIZE_STRUCTURE, (u32)(structure - cut));
		put(f, 4, (u32)(AT_STRUCTURE + strings + structure - cut));
		expect_no_overread(t, f, AT_STRUCTURE + strings + structure - cut);
		EXPECT_EQ(cut == 0, f->info.notes_len == 0);
	}
	/* The reservation block is the last one, and has no end. */
	typical(f);
	for (unsigned i = 0; i < 32; i++) {
		memset(f->bytes + f->len, 1, 64);
		put(f, OFF_RESERVATIONS, (u32)(whole - i));
		expect_no_overread(t, f, whole);
	}
	fixture_free(f);
}

KTEST(fdt_node, total_size_that_lies_is_cut_to_what_is_there)
{
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	typical(f);
	put(f, 4, ~0U);
	EXPECT_EQ(parse(f), 0);
	EXPECT_EQ(f->info.fdt_end, FIXTURE_PA + f->len);
	EXPECT_EQ(f->info.nr_cpus, 2);
	EXPECT_NOTE(&f->info, "can be read");
	fixture_free(f);
}

KTEST(fdt_node, blocks_outside_of_the_tree_are_refused)
{
	static const u32 offset[] = {OFF_STRUCTURE, OFF_STRINGS, SIZE_STRUCTURE, SIZE_STRINGS};
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	for (unsigned i = 0; i < ARRAY_SIZE(offset); i++) {
		u32 value[4];

		typical(f);
		value[0] = (u32)f->len + 1;
		value[1] = ~0U;
		value[2] = (u32)f->len - 8;
		value[3] = ~0U - get(f, i < 2 ? SIZE_STRINGS : OFF_STRINGS);
		for (unsigned k = 0; k < ARRAY_SIZE(value); k++) {
			typical(f);
			put(f, offset[i], value[k]);
			EXPECT_EQ(parse(f), -EINVAL);
			EXPECT_NOTE(&f->info, "block at");
			expect_nothing(t, &f->info);
		}
	}
	typical(f);
	put(f, OFF_STRUCTURE, 36); /* the header's last word is no structure */
	EXPECT_EQ(parse(f), -EINVAL);
	fixture_free(f);
}

KTEST(fdt_node, structure_at_an_odd_offset_is_noted_and_read)
{
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	typical(f);
	memmove(f->bytes + AT_STRUCTURE + 2, f->bytes + AT_STRUCTURE, get(f, SIZE_STRUCTURE));
	put(f, OFF_STRUCTURE, AT_STRUCTURE + 2);
	EXPECT_EQ(parse(f), 0);
	EXPECT_EQ(f->info.nr_cpus, 2);
	EXPECT_NOTE(&f->info, "expected a multiple of 4");
	fixture_free(f);
}

KTEST(fdt_node, offset_between_nodes_finds_none)
{
	struct boot_fixture *f = fixture_new();
	struct fdt_node n;
	struct fdt tree = {};

	ASSERT_NOT_NULL(f);
	typical(f);
	ASSERT_TRUE(fdt_open(&tree, f->bytes, f->len, &f->info));
	EXPECT_TRUE(fdt_node_at(&tree, 0, &n));
	EXPECT_FALSE(fdt_node_at(&tree, 4, &n));
	EXPECT_FALSE(fdt_node_at(&tree, ~0U, &n));
	fixture_free(f);
}

/* Version 16 has no size of the structure block, and nobody needs it. */
KTEST(fdt_node, version_16_is_read)
{
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	typical(f);
	put(f, VERSION, 16);
	put(f, SIZE_STRUCTURE, 0xdeadbeef);
	EXPECT_EQ(parse(f), 0);
	EXPECT_STREQ(f->info.notes, "");
	EXPECT_EQ(f->info.nr_cpus, 2);
	typical(f);
	put(f, VERSION, 18);
	put(f, COMPATIBLE, 17);
	EXPECT_EQ(parse(f), 0);
	EXPECT_EQ(f->info.nr_cpus, 2);
	fixture_free(f);
}

/* ---- nesting ---- */

/* Shows fdt_node.I2. */
KTEST(fdt_node, nodes_may_be_deep_but_not_endless)
{
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	for (unsigned depth = DEPTH_MAX - 1; depth <= DEPTH_MAX + 200; depth += depth < DEPTH_MAX ? 1 : 100) {
		struct tree tree = tree_start(f, 2, 2);
		bool good = depth < DEPTH_MAX; /* the root is one */
		char note[64] = "";

		for (unsigned i = 0; i < depth; i++) {
			if (i == DEPTH_MAX - 1)
				snprintf(note, sizeof(note), "a node too deep at +0x%lx of",
					 tree.at - AT_STRUCTURE);
			begin(&tree, "n");
		}
		text(&tree, "compatible", "arm,pl011");
		for (unsigned i = 0; i < depth; i++)
			end(&tree);
		memory(&tree, 0x1000, 0x1000, BOOT_NO_NODE);
		read_tree(t, &tree);
		EXPECT_EQ(f->info.nr_ranges, good);
		EXPECT_EQ(strstr(f->info.notes, "a node too deep") == NULL, good);
		EXPECT_NOTE(&f->info, note);
	}
	fixture_free(f);
}

KTEST(fdt_node, tree_ends_where_it_breaks)
{
	static const struct {
		const char *note;
		u32 token[3];
		unsigned nr, bad; /* how many, and which of them breaks the tree */
	} row[] = {
		{"the end of no node", {END_NODE, END_NODE}, 2, 1},
		{"the end inside of a node", {END}, 1, 0},
		{"a second root", {END_NODE, BEGIN_NODE, 0}, 3, 1},
		{"a property of no node", {END_NODE, PROP, 0}, 2, 1},
		{"no whole token", {0}, 1, 0},
		{"no whole token", {5}, 1, 0},
		{"no whole token", {PROP, ~0U, 0}, 3, 0},
		{"no whole token", {PROP, 0x7ffffff0, 0}, 3, 0},
		{"no whole token", {0x01000000}, 1, 0},
	};
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	for (unsigned i = 0; i < ARRAY_SIZE(row); i++) {
		struct tree tree = tree_start(f, 2, 2);
		char note[64];

		memory(&tree, 0x1000, 0x1000, BOOT_NO_NODE);
		snprintf(note, sizeof(note), "%s at +0x%lx of", row[i].note,
			 tree.at + 4UL * row[i].bad - AT_STRUCTURE);
		for (unsigned k = 0; k < row[i].nr; k++)
			token(&tree, row[i].token[k]);
		memory(&tree, 0x3000, 0x1000, BOOT_NO_NODE);
		read_tree(t, &tree);
		EXPECT_EQ(f->info.nr_ranges, 1);
		EXPECT_NOTE(&f->info, note);
	}
	fixture_free(f);
}

KTEST(fdt_node, no_root_and_no_end_are_noted)
{
	struct boot_fixture *f = fixture_new();
	struct tree tree;

	ASSERT_NOT_NULL(f);
	tree = tree_start(f, 2, 2);
	tree.at = AT_STRUCTURE;
	tree_close(&tree);
	EXPECT_EQ(parse(f), 0);
	EXPECT_NOTE(&f->info, "the end before the root");
	EXPECT_NOTE(&f->info, "no memory");

	tree = tree_start(f, 2, 2);
	memory(&tree, 0x1000, 0x1000, BOOT_NO_NODE);
	tree_end(&tree);
	put(f, SIZE_STRUCTURE, get(f, SIZE_STRUCTURE) - 4);
	EXPECT_EQ(parse(f), 0);
	EXPECT_EQ(f->info.nr_ranges, 1);
	EXPECT_NOTE(&f->info, "expected the end");

	/* The last property may end with the block, but not behind it. */
	tree = tree_start(f, 2, 2);
	begin(&tree, "memory");
	text(&tree, "device_type", "memory");
	CELLS(&tree, "reg", WIDE(0x1000), WIDE(0x1000));
	tree_end(&tree);
	put(f, SIZE_STRUCTURE, get(f, SIZE_STRUCTURE) - 8);
	for (unsigned i = 0; i < 2; i++) {
		EXPECT_EQ(parse(f), 0);
		EXPECT_EQ(f->info.nr_ranges, 1 - i);
		EXPECT_NOTE(&f->info, i ? "no whole token" : "expected the end");
		put(f, SIZE_STRUCTURE, get(f, SIZE_STRUCTURE) - 4);
	}
	fixture_free(f);
}

KTEST(fdt_node, nops_are_nothing_wherever_they_are)
{
	struct boot_fixture *f = fixture_new();
	struct tree tree;

	ASSERT_NOT_NULL(f);
	tree = tree_start(f, 2, 2);
	tree.at = AT_STRUCTURE;
	token(&tree, NOP);
	begin(&tree, "");
	token(&tree, NOP);
	CELLS(&tree, "#address-cells", 1);
	token(&tree, NOP);
	CELLS(&tree, "#size-cells", 1);
	token(&tree, NOP);
	token(&tree, NOP);
	begin(&tree, "memory");
	token(&tree, NOP);
	text(&tree, "device_type", "memory");
	token(&tree, NOP);
	CELLS(&tree, "reg", 0x1000, 0x2000);
	token(&tree, NOP);
	end(&tree);
	token(&tree, NOP);
	end(&tree);
	token(&tree, NOP);
	tree_close(&tree);
	EXPECT_EQ(parse(f), 0);
	EXPECT_STREQ(f->info.notes, "");
	expect_range(t, &f->info, 0, 0x1000, 0x2000, MEM_USABLE);
	fixture_free(f);
}

KTEST(fdt_node, properties_behind_children_are_ignored)
{
	struct boot_fixture *f = fixture_new();
	struct tree tree;

	ASSERT_NOT_NULL(f);
	tree = tree_start(f, 2, 2);
	begin(&tree, "chosen");
	begin(&tree, "child");
	end(&tree);
	text(&tree, "bootargs", "late");
	end(&tree);
	read_tree(t, &tree);
	EXPECT_STREQ(f->info.cmdline, "");
	EXPECT_NOTE(&f->info, "1 properties come behind children");
	fixture_free(f);
}

/* Shows fdt_node.I3. */
KTEST(fdt_node, names_outside_of_the_strings_are_no_names)
{
	struct boot_fixture *f = fixture_new();
	struct tree tree;
	size_t at;

	ASSERT_NOT_NULL(f);
	tree = tree_start(f, 2, 2);
	memory(&tree, 0x1000, 0x1000, BOOT_NO_NODE);
	begin(&tree, "chosen");
	at = tree.at + 8;
	text(&tree, "bootargs", "here");
	end(&tree);
	tree_end(&tree);
	EXPECT_EQ(parse(f), 0);
	EXPECT_STREQ(f->info.cmdline, "here");

	put(f, at, get(f, SIZE_STRINGS));
	EXPECT_EQ(parse(f), 0);
	EXPECT_STREQ(f->info.cmdline, "");
	EXPECT_NOTE(&f->info, "1 properties have names outside");

	/* The last name has no NUL: it cannot be told how it goes on. */
	put(f, at, get(f, SIZE_STRINGS) - 9);
	put(f, SIZE_STRINGS, get(f, SIZE_STRINGS) - 1);
	EXPECT_EQ(parse(f), 0);
	EXPECT_STREQ(f->info.cmdline, "");
	EXPECT_NOTE(&f->info, "does not end with a NUL, 8 bytes");
	fixture_free(f);
}

/* Of a name only all of it counts. */
KTEST(fdt_node, names_that_only_begin_alike_are_others)
{
	struct boot_fixture *f = fixture_new();
	struct tree tree;

	ASSERT_NOT_NULL(f);
	tree = tree_start(f, 2, 2);
	begin(&tree, "chosen2");
	text(&tree, "bootargs", "wrong");
	end(&tree);
	begin(&tree, "chose");
	text(&tree, "bootargs", "wrong");
	end(&tree);
	begin(&tree, "chosen");
	text(&tree, "bootargs2", "wrong");
	text(&tree, "bootarg", "wrong");
	end(&tree);
	begin(&tree, "m");
	text(&tree, "device_type", "memory2");
	CELLS(&tree, "reg", 0, 0, 0, 0x1000);
	end(&tree);
	begin(&tree, "n");
	prop(&tree, "device_type", "memory", 6);
	CELLS(&tree, "reg", 0, 0, 0, 0x1000);
	end(&tree);
	read_tree(t, &tree);
	EXPECT_STREQ(f->info.cmdline, "");
	EXPECT_EQ(f->info.nr_ranges, 0);
	fixture_free(f);
}

KTEST(fdt_node, names_in_notes_are_printable_and_short)
{
	struct boot_fixture *f = fixture_new();
	struct tree tree;

	ASSERT_NOT_NULL(f);
	tree = tree_start(f, 2, 2);
	memory(&tree, 0x1000, 0x1000, BOOT_NO_NODE);
	begin(&tree, "a\nb c\x7f\xc3~!");
	text(&tree, "compatible", "arm,psci-1.0");
	end(&tree);
	begin(&tree, "abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvwxyz");
	text(&tree, "compatible", "arm,psci-1.0");
	end(&tree);
	read_tree(t, &tree);
	EXPECT_STREQ(f->info.notes, "device tree: a?b?c??~!: expected method hvc or smc, not used\n"
				    "device tree: abcdefghijklmnopqrstuvwxyz-abcdefghijkl: expected method "
				    "hvc or smc, not used\n");
	fixture_free(f);
}

/* Whatever a word of a good tree is replaced with. Shows fdt_node.I1. */
KTEST(fdt_node, damaged_trees_leave_something_sound)
{
	static const u32 value[] = {0, 1, 2, 3, 4, 9, 255, 0x7fffffff, 0x80000000, ~0U};
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	for (unsigned i = 0; i < 2000; i++) {
		unsigned words;

		typical(f);
		words = (unsigned)(f->len - AT_STRUCTURE) / 4;
		for (unsigned n = 1 + test_rand_below(3); n > 0; n--) {
			unsigned w = test_rand_below(words + 10); /* the header's ones are first */

			put(f, w < 10 ? w * 4UL : AT_STRUCTURE + (w - 10) * 4UL,
			    value[test_rand_below(ARRAY_SIZE(value))]);
		}
		parse(f);
		expect_sound(t, &f->info);
		EXPECT_LE(f->info.nr_reserved, BOOT_MAX_RESERVED);
		EXPECT_LE(f->info.nr_cpus, BOOT_MAX_CPUS);
		EXPECT_LE(f->info.dev.nr_gicr, BOOT_MAX_GICR);
	}
	fixture_free(f);
}

/* ---- addresses ---- */

KTEST(fdt_node, addresses_go_through_the_buses_above)
{
	struct boot_fixture *f = fixture_new();
	struct tree tree;

	ASSERT_NOT_NULL(f);
	tree = tree_start(f, 2, 1);
	gic3_begin(&tree, 3);
	CELLS(&tree, "reg", WIDE(0x8000000), 0x10000, WIDE(0x80a0000), 0x20000);
	end(&tree);
	begin(&tree, "outer");
	CELLS(&tree, "#address-cells", 1);
	CELLS(&tree, "#size-cells", 1);
	/* child, parent, size */
	CELLS(&tree, "ranges", 0, WIDE(0x100000000), 0x1000000, 0x2000000, WIDE(0x7000000000), 0x10000);
	begin(&tree, "inner");
	CELLS(&tree, "#address-cells", 2);
	CELLS(&tree, "#size-cells", 1);
	CELLS(&tree, "ranges", WIDE(0x500000000), 0x2001000, 0x8000);
	begin(&tree, "serial");
	text(&tree, "compatible", "arm,pl011");
	CELLS(&tree, "reg", WIDE(0x500000100), 0x1000);
	CELLS(&tree, "interrupts", 0, 3, 4);
	end(&tree);
	end(&tree);
	end(&tree);
	read_tree(t, &tree);
	EXPECT_STREQ(f->info.notes, "device tree: no memory\n");
	EXPECT_EQ(f->info.dev.uart, 0x7000001100);
	EXPECT_EQ(f->info.dev.uart_irq, 35);
	fixture_free(f);
}

KTEST(fdt_node, addresses_that_no_bus_passes_on_are_ignored)
{
	static const struct {
		u64 start, size, want; /* 0: it is not passed on */
	} row[] = {
		{0x10000, 0x1000, 0x9010000}, {0x1000, 0x1000, 0x9001000},
		{0xffc, 0x1000, 0},	      {0x10f00, 0x100, 0x9010f00},
		{0x10f04, 0x100, 0},	      {0x11000, 0, 0},
		{0x10ffc, 4, 0x9010ffc},      {0x0, 0x1000, 0},
		{0x1000, 0x10004, 0},
	};
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	for (unsigned i = 0; i < ARRAY_SIZE(row); i++) {
		struct tree tree = tree_start(f, 2, 2);

		begin(&tree, "bus");
		CELLS(&tree, "#address-cells", 2);
		CELLS(&tree, "#size-cells", 2);
		CELLS(&tree, "ranges", WIDE(0x1000), WIDE(0x9001000), WIDE(0x10000), 1);
		begin(&tree, "serial");
		text(&tree, "compatible", "arm,pl011");
		CELLS(&tree, "reg", WIDE(row[i].start), WIDE(row[i].size));
		end(&tree);
		end(&tree);
		read_tree(t, &tree);
		EXPECT_MSG(f->info.dev.uart == row[i].want, "row %u: 0x%lx", i, f->info.dev.uart);
		EXPECT_EQ(strstr(f->info.notes, "no ranges of the bus") == NULL, row[i].want != 0);
	}
	fixture_free(f);
}

KTEST(fdt_node, buses_without_ranges_pass_nothing_on)
{
	static const u32 wrong[][2] = {{3, 2}, {2, 3}, {0, 1}, {2, 255}};
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	for (unsigned i = 0; i < 2 + ARRAY_SIZE(wrong); i++) {
		struct tree tree = tree_start(f, 2, 2);

		begin(&tree, "outer");
		CELLS(&tree, "#address-cells", i < 2 ? 2 : wrong[i - 2][0]);
		CELLS(&tree, "#size-cells", i < 2 ? 2 : wrong[i - 2][1]);
		if (i == 1)
			prop(&tree, "ranges", NULL, 0);
		if (i > 1)
			CELLS(&tree, "ranges", 0, 0, 0, 0, 0, 0, 0x7fffffff, 0, 0, 0, 0, 0);
		begin(&tree, "inner");
		CELLS(&tree, "#address-cells", 2);
		CELLS(&tree, "#size-cells", 2);
		prop(&tree, "ranges", NULL, 0);
		uart(&tree, "serial", 0x9000000, 1);
		end(&tree);
		end(&tree);
		read_tree(t, &tree);
		EXPECT_EQ(f->info.dev.uart, i == 1 ? 0x9000000 : 0);
		if (i == 0)
			EXPECT_NOTE(&f->info, "serial: the bus above it has no ranges");
	}
	fixture_free(f);
}

/* ---- interrupts ---- */

KTEST(fdt_node, interrupts_become_ids_of_the_gic)
{
	static const struct {
		u32 kind, number, want;
	} row[] = {
		{0, 0, 32}, {0, 987, 1019}, {0, 988, 0}, {0, ~0U, 0},
		{1, 0, 16}, {1, 15, 31},    {1, 16, 0},	 {2, 1, 0},
	};
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	for (unsigned i = 0; i < ARRAY_SIZE(row); i++) {
		struct tree tree = tree_start(f, 2, 2);

		uart_begin(&tree, "serial", 0x9000000);
		CELLS(&tree, "interrupts", row[i].kind, row[i].number, 4);
		end(&tree);
		gic3(&tree);
		read_tree(t, &tree);
		EXPECT_EQ(f->info.dev.uart_irq, row[i].want);
		EXPECT_EQ(f->info.dev.uart, 0x9000000);
		if (!row[i].want)
			EXPECT_NOTE(&f->info, "expected an SPI");
	}
	fixture_free(f);
}

/* The controller is named by the node, by the next one above that does, or with each interrupt. */
KTEST(fdt_node, interrupts_count_at_the_controller_that_is_named)
{
	enum { OWN, INHERITED, EXTENDED, EXTENDED_OTHER, FOREIGN, NOBODY, FEW_CELLS, NR };
	static const u32 want[NR] = {34, 34, 34, 0, 0, 0, 0};
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	for (unsigned i = 0; i < NR; i++) {
		struct tree tree = tree_start(f, 2, 2);

		gic3_begin(&tree, i == FEW_CELLS ? 2 : 4);
		CELLS(&tree, "reg", WIDE(0x8000000), WIDE(0x10000), WIDE(0x80a0000), WIDE(0xf60000));
		end(&tree);
		begin(&tree, "other");
		CELLS(&tree, "#interrupt-cells", 4);
		CELLS(&tree, "linux,phandle", OTHER);
		end(&tree);
		begin(&tree, "bus");
		CELLS(&tree, "#address-cells", 2);
		CELLS(&tree, "#size-cells", 2);
		prop(&tree, "ranges", NULL, 0);
		if (i == OWN || i == FOREIGN)
			CELLS(&tree, "interrupt-parent", OTHER);
		uart_begin(&tree, "serial", 0x9000000);
		if (i == OWN)
			CELLS(&tree, "interrupt-parent", GIC);
		if (i == NOBODY)
			CELLS(&tree, "interrupt-parent", 77);
		if (i == EXTENDED || i == EXTENDED_OTHER)
			CELLS(&tree, "interrupts-extended", i == EXTENDED ? GIC : OTHER, 0, 2, 4, 0);
		CELLS(&tree, "interrupts", 0, i == EXTENDED ? 9 : 2, 4, 0);
		end(&tree);
		end(&tree);
		read_tree(t, &tree);
		EXPECT_EQ(f->info.dev.gic_version, 3);
		EXPECT_MSG(f->info.dev.uart_irq == want[i], "row %u: %u", i, f->info.dev.uart_irq);
		if (!want[i])
			EXPECT_NOTE(&f->info, "no interrupt 0 of the GIC");
	}
	fixture_free(f);
}

/* Each one has its controller's phandle before it, and as many cells as that one's interrupts have. */
KTEST(fdt_node, interrupts_behind_others_are_found)
{
	static const u32 list[] = {GIC, 1, 13, 4, GIC, 1, 14, 4, GIC, 1, 11, 4};
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	for (unsigned cut = 0; cut <= sizeof(list); cut++) {
		struct tree tree = tree_start(f, 2, 2);
		u32 big[ARRAY_SIZE(list)], want = cut ? 0 : 27;

		for (unsigned i = 0; i < ARRAY_SIZE(list); i++)
			big[i] = __builtin_bswap32(list[i]);
		gic3(&tree);
		begin(&tree, "timer");
		text(&tree, "compatible", "arm,armv8-timer");
		prop(&tree, "interrupts-extended", big, sizeof(list) - cut);
		end(&tree);
		read_tree(t, &tree);
		EXPECT_EQ(f->info.dev.timer_irq, want);
		EXPECT_EQ(strstr(f->info.notes, "no interrupt 2 of the GIC") == NULL, cut == 0);

		tree = tree_start(f, 2, 2);
		gic3(&tree);
		begin(&tree, "timer");
		text(&tree, "compatible", "arm,armv8-timer");
		for (unsigned i = 0; i < 9; i++)
			big[i] = __builtin_bswap32(list[i + i / 3 + 1]);
		prop(&tree, "interrupts", big, 36 - min(cut, 36U));
		end(&tree);
		read_tree(t, &tree);
		EXPECT_EQ(f->info.dev.timer_irq, want);
	}
	fixture_free(f);
}

KTEST(fdt_node, no_gic_no_interrupts)
{
	struct boot_fixture *f = fixture_new();
	struct tree tree;

	ASSERT_NOT_NULL(f);
	tree = tree_start(f, 2, 2);
	tree.at = AT_STRUCTURE; /* a root at token 0 that could pass as a controller */
	begin(&tree, "");
	CELLS(&tree, "phandle", GIC);
	CELLS(&tree, "interrupt-parent", GIC);
	CELLS(&tree, "#interrupt-cells", 3);
	CELLS(&tree, "#size-cells", 2);
	uart(&tree, "serial", 0x9000000, 2);
	read_tree(t, &tree);
	EXPECT_EQ(f->info.dev.uart, 0x9000000);
	EXPECT_EQ(f->info.dev.uart_irq, 0);

	tree = tree_start(f, 2, 2);
	tree.at = AT_STRUCTURE; /* and a GIC that nobody names */
	begin(&tree, "");
	CELLS(&tree, "#size-cells", 2);
	gic3(&tree);
	uart(&tree, "serial", 0x9000000, 2);
	read_tree(t, &tree);
	EXPECT_EQ(f->info.dev.gic_version, 3);
	EXPECT_EQ(f->info.dev.uart_irq, 0);
	EXPECT_NOTE(&f->info, "serial: no interrupt 0 of the GIC");
	fixture_free(f);
}

KTEST(fdt_node, virtual_timer_by_place_or_by_name)
{
	static const struct {
		const char *names;
		size_t len;
		u32 want;
	} row[] = {
		{NULL, 0, 27},
		{"phys\0virt\0hyp-phys", 19, 30},
		{"sec-phys\0phys\0virt", 19, 27},
		{"virtual\0hyp-virt\0vir", 21, 0},
		{"sec-phys\0phys\0virt", 18, 0}, /* the last one has no end */
		{"a\0b\0c\0d\0e\0virt", 15, 0},
	};
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	for (unsigned i = 0; i < ARRAY_SIZE(row); i++) {
		struct tree tree = tree_start(f, 2, 2);

		gic3(&tree);
		begin(&tree, "timer");
		text(&tree, "compatible", "arm,armv8-timer");
		CELLS(&tree, "interrupts", 1, 13, 4, 1, 14, 4, 1, 11, 4);
		if (row[i].names)
			prop(&tree, "interrupt-names", row[i].names, row[i].len);
		end(&tree);
		read_tree(t, &tree);
		EXPECT_MSG(f->info.dev.timer_irq == row[i].want, "row %u: %u", i, f->info.dev.timer_irq);
		EXPECT_EQ(strstr(f->info.notes, "no interrupt named virt") == NULL, row[i].want != 0);
	}
	fixture_free(f);
}
