/*
 * test_map.c - properties of boot/host/map.c over good, odd and hostile text.
 *
 * Idea.       Small files, given as strings, and what must follow from them by the rules of tests/memmaps/README.md. The
 *             real ones are booted by tests/host/test_maps.py; here are the forms that they do not have, and mistakes.
 * Layout.     text -> parse() -> f->info, message
 * Invariants. What boot_next_usable() says is what mm/memmap.c makes of the same boot_info.
 * Locking.    None.
 * Failure.    EXPECT lines name the input.
 * Next:       test_dmesg.c.
 */

#include "map_fixture.h"
#include <kernel/errno.h>
#include <kernel/random.h>
#include <mm/memmap.h>

static char message[128];

static int parse(struct boot_fixture *f, const char *text)
{
	memset(&f->info, 0, sizeof(f->info));
	return map_parse("f", text, strlen(text), &f->info, message, sizeof(message));
}

/* ---- rules ---- */

KTEST(map, other_types_win_and_pages_are_whole)
{
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	EXPECT_EQ(parse(f, "e820 0x800 0x9fbff usable\n"
			   "e820 0x3000 0x3001 type 20\n"
			   "e820 0x9fc00 0x9ffff usable\n"
			   "e820 0x100000 0x1fffff usable"),
		  0);
	EXPECT_USABLE(f, {0x1000, 0x3000}, {0x4000, 0xa0000}, {0x100000, 0x200000});
	fixture_free(f);
}

KTEST(map, a_users_map_replaces_firmwares)
{
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	EXPECT_EQ(parse(f, "user 0x100000 0x2fffff usable\ne820 0x0 0xfffffff usable\n"), 0);
	EXPECT_EQ(f->info.nr_ranges, 1);
	EXPECT_EQ(f->info.range[0].attr, 0);
	EXPECT_USABLE(f, {0x100000, 0x300000});
	fixture_free(f);
}

KTEST(map, newer_kernels_take_the_first_page_and_the_rom_window_away)
{
	static const struct {
		const char *version;
		bool taken;
	} kernels[] = {{"2.6.35.14", false},	 {"2.6.36", true},     {"2.4.37", false}, {"3.0", true},
		       {"6.1.0-13-amd64", true}, {"not given", false}, {"2", false}};
	struct boot_fixture *f = fixture_new();
	char text[128];

	ASSERT_NOT_NULL(f);
	for (unsigned i = 0; i < ARRAY_SIZE(kernels); i++) {
		snprintf(text, sizeof(text), "# kernel: %s\ne820 0x0 0xffffff usable", kernels[i].version);
		EXPECT_EQ(parse(f, text), 0);
		if (kernels[i].taken)
			EXPECT_USABLE(f, {0x1000, 0xa0000}, {0x100000, 0x1000000});
		else
			EXPECT_USABLE(f, {0x0, 0x1000000});
	}
	fixture_free(f);
}

KTEST(map, linux_lines_apply_in_order_and_instead)
{
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	EXPECT_EQ(parse(f, "# kernel: 6.1\n"
			   "e820 0x0 0xffffff usable\n"
			   "linux update 0x2000 0x4fff usable => ACPI NVS\n"
			   "linux update 0x3000 0x3fff ACPI NVS => usable\n"
			   "linux remove 0x800000 0xffffffffffffffff usable\n"
			   "linux remove 0x0 0xfff reserved"),
		  0);
	EXPECT_USABLE(f, {0x0, 0x2000}, {0x3000, 0x4000}, {0x5000, 0x800000});
	fixture_free(f);
}

KTEST(map, zones_come_from_the_expectations)
{
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	EXPECT_EQ(parse(f, "e820 0x0 0xffffff usable"), 0);
	expect_zones(t, &f->info, MIB(16), GIB(4), ~0UL);
	EXPECT_EQ(parse(f, "e820 0x0 0xffffff usable\nexpect zone Normal 0x1000 0xffffff"), 0);
	expect_zones(t, &f->info, 0, 0, ~0UL);
	EXPECT_EQ(parse(f, "expect zone DMA32 empty\nexpect zone Normal empty\ne820 0x0 0xffffff usable"), 0);
	expect_zones(t, &f->info, 0, GIB(4), ~0UL);
	EXPECT_EQ(parse(f, "arch i386\ne820 0x0 0xffffff usable"), 0);
	expect_zones(t, &f->info, MIB(16), MIB(16), MIB(896));
	EXPECT_EQ(parse(f, "arch i386\ne820 0x0 0xffffff usable\nexpect zone DMA 0x0 0xffffff\n"
			   "expect zone HighMem 0x379fe000 0x7fffffff"),
		  0);
	expect_zones(t, &f->info, MIB(16), MIB(16), 0x379fe000);
	EXPECT_EQ(parse(f, "arch arm64\ndt memory 0x0 0x1000000"), 0);
	expect_zones(t, &f->info, 0, 0, ~0UL);
	EXPECT_EQ(parse(f, "arch riscv64\ndt memory 0x0 0x1000000\nexpect zone DMA32 0x0 0x7fffff\n"
			   "expect zone Normal 0x800000 0xffffff"),
		  0);
	expect_zones(t, &f->info, 0, 0x800000, ~0UL);
	fixture_free(f);
}

KTEST(map, nodes_are_firmwares_unless_linux_saw_one)
{
	static const char two[] =
		"e820 0x0 0xffffff usable\nsrat 0 0x0 0x7fffff\nsrat 1 0x800000 0xffffff hotplug\n";
	struct boot_fixture *f = fixture_new();
	char text[256];

	ASSERT_NOT_NULL(f);
	EXPECT_EQ(parse(f, two), 0);
	EXPECT_EQ(f->info.nr_node_ranges, 2);
	EXPECT_EQ(f->info.node_range[1].start, 0x800000);
	EXPECT_EQ(f->info.node_range[1].size, 0x800000);
	EXPECT_EQ(f->info.node_range[1].node, 1);
	snprintf(text, sizeof(text), "%sexpect node 0 totalpages 4096", two);
	EXPECT_EQ(parse(f, text), 0);
	EXPECT_EQ(f->info.nr_node_ranges, 0);
	snprintf(text, sizeof(text), "%sexpect node 0 totalpages 2048\nexpect node 1 range 0x800000 0xffffff",
		 two);
	EXPECT_EQ(parse(f, text), 0);
	EXPECT_EQ(f->info.nr_node_ranges, 2);
	EXPECT_EQ(parse(f, "arch ppc64le\ndt memory 0x0 0x1000000\nexpect node 0 range 0x0 0x7fffff\n"
			   "expect node 8 range 0x800000 0xffffff"),
		  0);
	EXPECT_EQ(f->info.nr_node_ranges, 2);
	EXPECT_EQ(f->info.node_range[1].node, 8);
	fixture_free(f);
}

KTEST(map, a_node_may_have_all_addresses)
{
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	EXPECT_EQ(parse(f, "# kernel: 2.6.20\ne820 0x0 0xffffff usable\nsrat 0 0x0 0xffffffffffffffff\n"
			   "srat 1 0x800000 0xffffff\nexpect node 0 range 0x0 0x7fffff\n"
			   "expect node 1 range 0x800000 0xffffff\n"),
		  0);
	EXPECT_EQ(f->info.nr_node_ranges, 2);
	EXPECT_GE(f->info.node_range[0].size, 0x1000000);
	fixture_free(f);
}

/* As with numa=fake=2, or on a machine whose northbridge says which memory is whose. */
KTEST(map, nodes_without_an_srat_are_those_that_linux_had)
{
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	EXPECT_EQ(parse(f, "# kernel: 2.6.20\ne820 0x0 0xffffff usable\nexpect node 0 range 0x0 0x7fffff\n"
			   "expect node 1 range 0x800000 0xffffff\n"),
		  0);
	EXPECT_EQ(f->info.nr_node_ranges, 2);
	EXPECT_EQ(f->info.node_range[1].start, 0x800000);
	EXPECT_EQ(parse(f, "# kernel: 2.6.20\ne820 0x0 0xffffff usable\nexpect node 0 range 0x0 0x7fffff\n"),
		  0);
	EXPECT_EQ(f->info.nr_node_ranges, 0);
	EXPECT_USABLE(f, {0x0, 0x1000000});
	fixture_free(f);
}

KTEST(map, reserved_memory_of_a_device_tree_is_there_and_kept)
{
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	EXPECT_EQ(parse(f, "arch arm64\ndt memory 0x0 0x1000000\ndt reserved 0x10000 0x1000 nomap\n"
			   "dt reserved 0x20000 0x1000 map reusable cma\ne820 0x0 0xfff reserved"),
		  0);
	EXPECT_USABLE(f, {0x0, 0x1000000});
	EXPECT_EQ(f->info.nr_reserved, 1);
	EXPECT_EQ(f->info.reserved[0].end, 0x11000);
	fixture_free(f);
}

/* Shows host/map.L1. */
KTEST(map, mistakes_name_file_and_line)
{
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	EXPECT_EQ(parse(f, ""), -EINVAL);
	EXPECT_TRUE(strstr(message, "f: no memory map, expected") == message);
	EXPECT_EQ(parse(f, "# c\n\narch x86_64\ne820 0x0 0xfff\nnonsense"), -EINVAL);
	EXPECT_STREQ(message, "f:4: expected `e820 START END TYPE`");
	EXPECT_EQ(parse(f, "e820 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17"), -EINVAL);
	EXPECT_STREQ(message, "f:1: expected at most 16 words");
	EXPECT_EQ(parse(f, "srat 4294967295 0x0 0xfff"), -EINVAL);
	EXPECT_STREQ(message, "f:1: node 4294967295: expected a number below 2147483648");
	fixture_free(f);
}

KTEST(map, too_much_of_anything_is_said)
{
	static const struct {
		const char *line;
		unsigned most;
	} table[] = {{"e820 0x0 0xfff usable\n", BOOT_MAX_RANGES},
		     {"srat 0 0x0 0xfff\n", BOOT_MAX_NODE_RANGES},
		     {"linux remove 0x0 0xfff usable\n", BOOT_MAX_EDITS},
		     {"dt reserved 0x0 0x1000\n", BOOT_MAX_RESERVED}};
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
		size_t len = strlen(table[i].line), at = 0;

		for (unsigned n = 0; n < table[i].most; n++, at += len)
			memcpy(f->bytes + at, table[i].line, len + 1);
		EXPECT_EQ(parse(f, (char *)f->bytes), 0);
		memcpy(f->bytes + at, table[i].line, len + 1);
		EXPECT_EQ(parse(f, (char *)f->bytes), -EINVAL);
		EXPECT_NOT_NULL(strstr(message, "expected at most"));
	}
	fixture_free(f);
}

/* ---- any text, of both kinds ---- */

/* Shows host/map.L2 and host/dmesg_text.T1. */
KTEST(map, any_bytes_are_read_without_harm)
{
	static const char *const good[] = {
		"arch i386\n# kernel: 2.6.36\ne820 0x0 0x9ffff usable\nuser 0x0 0xfff ACPI data\nsrat 1 0x0 "
		"0xfff hotplug\n"
		"linux update 0x0 0xfff usable => reserved\ndt memory 0x0 0x1000\nexpect zone DMA 0x0 0xfff\n"
		"efi 7 0xf 0x0 empty\nexpect node 1 range 0x0 0xfff\nexpect available-kb 1 of 2\n",
		"[    0.0] Linux version 5.4\n BIOS-e820: [mem 0x0-0x9ffff] usable\n user: 0000 - 1000 "
		"(usable)\n"
		"e820: update [mem 0x0-0xfff] usable ==> reserved\nSRAT: Node 0 PXM 0 0-1000\nZone ranges:\n"
		"  DMA  [mem 0x0-0xfff]\n  node   0: [mem 0x0-0xfff]\n8MB LOWMEM available",
	};
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	for (unsigned round = 0; round < 400; round++) {
		const char *text = good[round % 2];
		size_t len = strlen(text);

		/* At the very end of the buffer: what is read behind the text is behind the buffer. */
		char *at = (char *)f->bytes + FIXTURE_BYTES - len;

		memcpy(at, text, len);
		for (unsigned n = test_rand_below(4); n; n--)
			at[test_rand_below((unsigned)len)] =
				(char)(test_rand_below(3) ? " \n0x-[]()=>"[test_rand_below(11)]
							  : (char)test_rand());
		len -= test_rand_below(2) * test_rand_below((unsigned)len);
		memset(&f->info, 0, sizeof(f->info));
		if ((round % 2 ? dmesg_parse : map_parse)("f", at, len, &f->info, message, sizeof(message)))
			EXPECT_TRUE(message[0] == 'f' && message[1] == ':');
		else
			EXPECT_STREQ(message, "");
	}
	fixture_free(f);
}

KTEST(map, what_is_usable_is_what_the_memory_map_makes_of_it)
{
	static struct memmap_entry map[256];
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	for (unsigned round = 0; round < 100; round++) {
		struct boot_info *bi = &f->info;
		u64 cursor = 0, start = 0, end = 0;
		unsigned nr;

		memset(bi, 0, sizeof(*bi));
		for (unsigned n = 1 + test_rand_below(12); n; n--)
			boot_add_range(bi, test_rand_below(100) * 0x800UL, test_rand_below(40) * 0x800UL,
				       test_rand_below(3) ? MEM_USABLE : MEM_RESERVED + test_rand_below(3),
				       0);
		for (unsigned n = test_rand_below(4); n; n--) {
			u64 from = test_rand_below(100) * 0x800UL;

			bi->edit[bi->nr_edits++] =
				(struct boot_edit){from, from + test_rand_below(40) * 0x800UL,
						   test_rand_below(3), test_rand_below(3)};
		}
		nr = memmap_sanitise(bi->range, bi->nr_ranges, map, ARRAY_SIZE(map));
		for (unsigned i = 0; i < bi->nr_edits; i++)
			nr = memmap_retype(map, nr, ARRAY_SIZE(map), bi->edit[i].start, bi->edit[i].end,
					   bi->edit[i].from, bi->edit[i].to);
		for (unsigned i = 0; i < nr; i++) {
			u64 from = ALIGN_UP(map[i].start, 0x1000UL), to = ALIGN_DOWN(map[i].end, 0x1000UL);

			if (map[i].type != MEM_USABLE || from >= to)
				continue;
			EXPECT_TRUE(boot_next_usable(bi, &cursor, &start, &end));
			EXPECT_EQ(start, from);
			EXPECT_EQ(end, to);
		}
		EXPECT_FALSE(boot_next_usable(bi, &cursor, &start, &end));
	}
	fixture_free(f);
}
