/*
 * test_memmap.c - the sanitised map against a byte-by-byte oracle, hostile input, and the command line's edits.
 *
 * Idea.       In a universe of a few hundred bytes the right answer is known for each byte: the largest type that
 *             covers it. Random inputs there meet every kind of overlap.
 * Layout.     oracle[byte] = type; a map is right if painting it gives the oracle again and its entries are in order.
 * Invariants. M1, M2, M3 of mm/memmap.c.
 * Locking.    None.
 * Failure.    As every test's.
 * Next:       test_memblock.c.
 */
#include "zone_fixture.h"

#include <mm/memmap.h>
#include <mm/vmalloc.h>

#include <arch/cpu.h>
#include <arch/layout.h>
#include <kernel/bits.h>
#include <kernel/cmdline.h>
#include <kernel/errno.h>
#include <kernel/printk.h>
#include <kernel/sections.h>
#include <kernel/string.h>
#include <kernel/test.h>

enum { UNIVERSE = 384 };

static struct boot_range in[BOOT_MAX_RANGES];
static struct memmap_entry out[MEMMAP_MAX], again[256]; /* the second is for maps of few ranges */
static u32 oracle[UNIVERSE], painted[UNIVERSE];

static const u32 types[] = {MEM_USABLE,	    MEM_RESERVED, MEM_ACPI,	     MEM_NVS,
			    MEM_PERSISTENT, MEM_PRAM,	  MEM_SOFT_RESERVED, 20};

static bool type_stays_cut(u32 type)
{
	return type == MEM_PRAM || type == MEM_SOFT_RESERVED;
}

/* M1 and M2. */
static void expect_in_order(struct ktest *t, const struct memmap_entry *map, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++) {
		EXPECT_LT(map[i].start, map[i].end);
		EXPECT_NE(map[i].type, MEM_NONE);
		if (!i)
			continue;
		EXPECT_LE(map[i - 1].end, map[i].start);
		if (map[i - 1].end == map[i].start && map[i - 1].type == map[i].type)
			EXPECT_TRUE(type_stays_cut(map[i].type));
	}
}

static void expect_same_map(struct ktest *t, const struct memmap_entry *a, unsigned nr_a,
			    const struct memmap_entry *b, unsigned nr_b)
{
	EXPECT_EQ(nr_a, nr_b);
	for (unsigned i = 0; i < nr_a && i < nr_b; i++) {
		EXPECT_EQ(a[i].start, b[i].start);
		EXPECT_EQ(a[i].end, b[i].end);
		EXPECT_EQ(a[i].type, b[i].type);
	}
}

static unsigned random_ranges(unsigned nr)
{
	for (unsigned i = 0; i < nr; i++) {
		in[i].start = test_rand_below(UNIVERSE);
		in[i].size = test_rand_below(min(UNIVERSE - (u32)in[i].start, 60u) + 1);
		in[i].type = types[test_rand_below(ARRAY_SIZE(types))];
		for (u64 b = in[i].start; b < in[i].start + in[i].size; b++)
			oracle[b] = max(oracle[b], in[i].type);
	}
	return nr;
}

static void expect_oracle(struct ktest *t, const struct memmap_entry *map, unsigned nr)
{
	memset(painted, 0, sizeof(painted));
	for (unsigned i = 0; i < nr; i++)
		for (u64 b = map[i].start; b < map[i].end && b < UNIVERSE; b++)
			painted[b] = map[i].type;
	EXPECT_EQ(memcmp(painted, oracle, sizeof(oracle)), 0);
	expect_in_order(t, map, nr);
}

static unsigned as_ranges(const struct memmap_entry *map, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++)
		in[i] = (struct boot_range){map[i].start, map[i].end - map[i].start, map[i].type, 0};
	return nr;
}

KTEST(memmap, sanitise_gives_the_worked_example)
{
	static const struct boot_range firmware[] = {
		{0, 0xa0000, 1, 0},	      {0x9fc00, 0x400, 2, 0},	       {0xf0000, 0x10000, 2, 0},
		{0x100000, 0x3ff00000, 1, 0}, {0x3ffe0800, 0x1f800, 3, 0},     {0x3ffe8000, 0x1000, 4, 0},
		{0x200000, 0, 2, 0},	      {0x20000000, 0x1000, 1, 0},      {0x3ffff000, 0x2000, 2, 0},
		{0xfffc0000, 0x40000, 2, 0},  {0x100000000, 0x40000000, 1, 0},
	};
	static const struct memmap_entry want[] = {
		{0, 0x9fc00, 1},
		{0x9fc00, 0xa0000, 2},
		{0xf0000, 0x100000, 2},
		{0x100000, 0x3ffe0800, 1},
		{0x3ffe0800, 0x3ffe8000, 3},
		{0x3ffe8000, 0x3ffe9000, 4},
		{0x3ffe9000, 0x40000000, 3},
		{0x40000000, 0x40001000, 2},
		{0xfffc0000, 0x100000000, 2},
		{0x100000000, 0x140000000, 1},
	};
	unsigned nr = memmap_sanitise(firmware, ARRAY_SIZE(firmware), out, MEMMAP_MAX);

	expect_same_map(t, out, nr, want, ARRAY_SIZE(want));
}

/* Shows memmap.M3. */
KTEST(memmap, each_byte_has_the_largest_type_that_covers_it)
{
	for (unsigned round = 0; round < 60; round++) {
		unsigned nr;

		memset(oracle, 0, sizeof(oracle));
		nr = random_ranges(1 + test_rand_below(40));
		expect_oracle(t, out, memmap_sanitise(in, nr, out, MEMMAP_MAX));
	}
}

KTEST(memmap, sanitise_is_idempotent)
{
	for (unsigned round = 0; round < 40; round++) {
		unsigned nr, nr_again;

		nr = memmap_sanitise(in, random_ranges(1 + test_rand_below(40)), out, MEMMAP_MAX);
		nr_again = memmap_sanitise(in, as_ranges(out, nr), again, ARRAY_SIZE(again));
		expect_same_map(t, again, nr_again, out, nr);
	}
}

KTEST(memmap, sanitise_does_not_depend_on_the_order)
{
	for (unsigned round = 0; round < 40; round++) {
		unsigned nr_in = random_ranges(2 + test_rand_below(30));
		unsigned nr = memmap_sanitise(in, nr_in, out, MEMMAP_MAX);

		for (unsigned i = nr_in; i > 1; i--) {
			unsigned k = test_rand_below(i);
			struct boot_range r = in[k];

			in[k] = in[i - 1];
			in[i - 1] = r;
		}
		expect_same_map(t, again, memmap_sanitise(in, nr_in, again, ARRAY_SIZE(again)), out, nr);
	}
}

KTEST(memmap, no_range_one_range_and_empty_ranges)
{
	EXPECT_EQ(memmap_sanitise(in, 0, out, MEMMAP_MAX), 0);
	in[0] = (struct boot_range){0x1000, 0, MEM_USABLE, 0};
	EXPECT_EQ(memmap_sanitise(in, 1, out, MEMMAP_MAX), 0);
	in[1] = (struct boot_range){0x1234, 1, MEM_USABLE, 0};
	ASSERT_EQ(memmap_sanitise(in, 2, out, MEMMAP_MAX), 1);
	EXPECT_EQ(out[0].start, 0x1234);
	EXPECT_EQ(out[0].end, 0x1235);
}

KTEST(memmap, a_range_that_wraps_is_clipped_not_lost)
{
	in[0] = (struct boot_range){~0UL - 0xfff, 0x1000, MEM_RESERVED, 0}; /* ends at 2^64 exactly */
	in[1] = (struct boot_range){1UL << 63, ~0UL, MEM_ACPI, 0};
	ASSERT_EQ(memmap_sanitise(in, 1, out, MEMMAP_MAX), 1);
	EXPECT_EQ(out[0].start, ~0UL - 0xfff);
	EXPECT_EQ(out[0].end, ~0UL);
	ASSERT_EQ(memmap_sanitise(in, 2, out, MEMMAP_MAX), 1);
	EXPECT_EQ(out[0].start, 1UL << 63);
	EXPECT_EQ(out[0].end, ~0UL);
	EXPECT_EQ(out[0].type, MEM_ACPI);
}

KTEST(memmap, touching_ranges_merge_unless_their_type_forbids)
{
	for (unsigned k = 0; k < ARRAY_SIZE(types); k++) {
		for (unsigned i = 0; i < 4; i++)
			in[i] = (struct boot_range){0x1000 * (3 - i), 0x1000, types[k], 0};
		EXPECT_EQ(memmap_sanitise(in, 4, out, MEMMAP_MAX), type_stays_cut(types[k]) ? 4 : 1);
	}
}

/* Each range shares one byte with the next: every border is a change, and the arrays are full. */
KTEST(memmap, a_full_table_of_one_byte_overlaps)
{
	unsigned nr;

	for (unsigned i = 0; i < BOOT_MAX_RANGES; i++)
		in[i] = (struct boot_range){1 + 8UL * i, 9, i % 2 ? MEM_RESERVED : MEM_USABLE, 0};
	nr = memmap_sanitise(in, BOOT_MAX_RANGES, out, MEMMAP_MAX);
	expect_in_order(t, out, nr);
	EXPECT_EQ(nr, BOOT_MAX_RANGES);
	EXPECT_EQ(out[0].start, 1);
	EXPECT_EQ(out[nr - 1].end, 1 + 8UL * BOOT_MAX_RANGES + 1);
	for (unsigned i = 0; i < nr; i++) /* the reserved neighbour takes the shared byte on both sides */
		EXPECT_EQ(out[i].end - out[i].start, out[i].type == MEM_RESERVED ? 9 : i ? 7 : 8);
}

/* The most entries that so many ranges can make: each small one cuts a hole into the large one. */
KTEST(memmap, a_table_of_holes_makes_twice_as_many_entries)
{
	struct memmap_entry *copy;
	unsigned nr;

	in[0] = (struct boot_range){0, GIB(64), MEM_USABLE, 0};
	for (unsigned i = 1; i < BOOT_MAX_RANGES; i++)
		in[i] = (struct boot_range){MIB(4) * i, PAGE_SIZE, MEM_UNUSABLE, 0};
	nr = memmap_sanitise(in, BOOT_MAX_RANGES, out, MEMMAP_MAX);
	expect_in_order(t, out, nr);
	EXPECT_EQ(nr, 2 * BOOT_MAX_RANGES - 1);

	/* Retyping such a map must not lose a byte of it: the cap that every boot applies changes nothing here. */
	copy = vmalloc(MEMMAP_MAX * sizeof(*copy));
	ASSERT_NOT_NULL(copy);
	memcpy(copy, out, nr * sizeof(*out));
	EXPECT_EQ(memmap_retype(copy, nr, MEMMAP_MAX, GIB(64), ~0UL, MEM_USABLE, MEM_NONE), nr);
	expect_same_map(t, copy, nr, out, nr);
	vfree(copy);
	nr = memmap_retype(out, nr, MEMMAP_MAX, 0, PAGE_SIZE, MEM_USABLE, MEM_RESERVED);
	expect_in_order(t, out, nr);
	EXPECT_EQ(nr, 2 * BOOT_MAX_RANGES);
	EXPECT_EQ(out[nr - 1].end, GIB(64));
}

/* Shows memmap.M1, memmap.M2. */
KTEST(memmap, random_64_bit_ranges_leave_a_sound_map)
{
	for (unsigned round = 0; round < 8; round++) {
		unsigned nr_in = 1 + test_rand_below(300), nr;

		for (unsigned i = 0; i < nr_in; i++)
			in[i] = (struct boot_range){(u64)test_rand() << test_rand_below(33),
						    (u64)test_rand() << test_rand_below(33),
						    1 + test_rand_below(25), test_rand()};
		nr = memmap_sanitise(in, nr_in, out, MEMMAP_MAX);
		expect_in_order(t, out, nr);
		for (unsigned i = 0; i < nr_in; i++) { /* every first byte has at least its own type */
			unsigned k = 0;

			while (in[i].size && k < nr && out[k].end <= in[i].start)
				k++;
			if (in[i].size)
				EXPECT_TRUE(k < nr && out[k].start <= in[i].start &&
					    out[k].type >= in[i].type);
		}
	}
}

KTEST(memmap, a_small_output_holds_the_lowest_entries)
{
	unsigned nr = memmap_sanitise(in, random_ranges(30), out, MEMMAP_MAX);

	for (unsigned most = 0; most <= nr + 1; most++) {
		unsigned got = memmap_sanitise(in, 30, again, most);

		expect_same_map(t, again, got, out, min(most, nr));
	}
}

KTEST(memmap, retype_changes_what_is_inside_and_nothing_else)
{
	for (unsigned round = 0; round < 60; round++) {
		u64 start = test_rand_below(UNIVERSE), end = test_rand_below(UNIVERSE);
		u32 from = test_rand_below(3) ? types[test_rand_below(ARRAY_SIZE(types))] : MEM_NONE;
		u32 to = test_rand_below(3) ? types[test_rand_below(ARRAY_SIZE(types))] : MEM_NONE;
		unsigned nr;

		memset(oracle, 0, sizeof(oracle));
		nr = random_ranges(1 + test_rand_below(30));
		nr = memmap_sanitise(in, nr, out, MEMMAP_MAX);
		for (u64 b = start; b < end; b++)
			if (oracle[b] != MEM_NONE && (from == MEM_NONE || from == oracle[b]))
				oracle[b] = to;
		expect_oracle(t, out, memmap_retype(out, nr, MEMMAP_MAX, start, end, from, to));
	}
}

KTEST(memmap, an_empty_or_reversed_range_cuts_nothing)
{
	struct memmap_entry map[4] = {{0, 100, MEM_PRAM}, {100, 200, MEM_USABLE}};

	EXPECT_EQ(memmap_retype(map, 2, 4, 50, 50, MEM_NONE, MEM_ACPI), 2);
	EXPECT_EQ(memmap_retype(map, 2, 4, 60, 40, MEM_NONE, MEM_ACPI), 2);
	EXPECT_EQ(memmap_retype(map, 2, 4, 150, 50, MEM_NONE, MEM_NONE), 2);
	EXPECT_TRUE(map[0].end == 100 && map[0].type == MEM_PRAM && map[1].end == 200);
}

KTEST(memmap, retype_in_a_full_map_drops_the_highest)
{
	struct memmap_entry map[3] = {{0, 100, MEM_USABLE}, {200, 300, MEM_USABLE}, {400, 500, MEM_USABLE}};
	const struct memmap_entry want[3] = {{0, 40, MEM_USABLE}, {40, 60, MEM_ACPI}, {60, 100, MEM_USABLE}};
	unsigned nr = memmap_retype(map, 3, 3, 40, 60, MEM_USABLE, MEM_ACPI);

	expect_same_map(t, map, nr, want, 3);
}

KTEST(memmap, options_are_parsed_item_by_item)
{
	static const struct memmap_edit want[] = {
		{MEMMAP_FORGET, 0, 0, MEM_NONE},
		{MEMMAP_ADD, 0, KIB(640), MEM_USABLE},
		{MEMMAP_ADD, MIB(1), GIB(1), MEM_USABLE},
		{MEMMAP_ADD, 0xe0000000, MIB(2), MEM_ACPI},
		{MEMMAP_ADD, GIB(4), MIB(64), MEM_RESERVED},
		{MEMMAP_ADD, GIB(8), GIB(2), MEM_PRAM},
		{MEMMAP_CAP, GIB(16), 0, MEM_NONE},
	};
	struct memmap_edits edits = {.nr = 0};

	EXPECT_EQ(memmap_parse(&edits, "exactmap,640K@0,1G@1M"), 0);
	EXPECT_EQ(memmap_parse(&edits, "2M#0xe0000000,64M$4G,2G!8G"), 0);
	EXPECT_EQ(memmap_parse(&edits, "16G"), 0);
	ASSERT_EQ(edits.nr, ARRAY_SIZE(want));
	for (unsigned i = 0; i < edits.nr; i++) {
		EXPECT_EQ(edits.edit[i].op, want[i].op);
		EXPECT_EQ(edits.edit[i].start, want[i].start);
		EXPECT_EQ(edits.edit[i].size, want[i].size);
		EXPECT_EQ(edits.edit[i].type, want[i].type);
	}
}

KTEST(memmap, a_bad_option_changes_nothing)
{
	static const char *const bad[] = {"",
					  ",",
					  "0",
					  "0@1M",
					  "64M@",
					  "64M@x",
					  "64M?1M",
					  "1M@2M,",
					  "1M@2M;",
					  "exactmapp",
					  "exactmap,nonsense",
					  "64M@1M 4M",
					  "-1M@2M",
					  "99999999999999999999"};
	struct memmap_edits edits = {.nr = 0};

	memmap_parse(&edits, "1M@1M");
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_MSG(memmap_parse(&edits, bad[i]) != 0, "\"%s\" is accepted", bad[i]);
		EXPECT_EQ(edits.nr, 1);
	}
	for (unsigned i = 1; i < ARRAY_SIZE(edits.edit); i++)
		EXPECT_EQ(memmap_parse(&edits, "1M@1M"), 0);
	EXPECT_EQ(memmap_parse(&edits, "1M@1M"), -ENOSPC);
	EXPECT_EQ(edits.nr, ARRAY_SIZE(edits.edit));
}

/* What the options make of RAM [0, 1G) with a reserved range at 512 MiB. */
static unsigned apply(const char *first, const char *second)
{
	struct memmap_edits edits = {.nr = 0};

	in[0] = (struct boot_range){0, GIB(1), MEM_USABLE, 0};
	in[1] = (struct boot_range){MIB(512), MIB(1), MEM_RESERVED, 0};
	memmap_parse(&edits, first);
	if (second)
		memmap_parse(&edits, second);
	return memmap_apply(&edits, out, memmap_sanitise(in, 2, out, MEMMAP_MAX), MEMMAP_MAX);
}

KTEST(memmap, mem_takes_ram_and_leaves_the_rest)
{
	static const struct memmap_entry want[] = {{0, MIB(256), MEM_USABLE},
						   {MIB(512), MIB(513), MEM_RESERVED}};

	expect_same_map(t, out, apply("256M", NULL), want, 2);
}

KTEST(memmap, exactmap_forgets_the_firmware)
{
	static const struct memmap_entry want[] = {{MIB(1), MIB(65), MEM_USABLE}};

	expect_same_map(t, out, apply("exactmap", "64M@1M"), want, 1);
}

KTEST(memmap, added_ram_never_covers_reserved_ranges)
{
	static const struct memmap_entry want[] = {{0, MIB(512), MEM_USABLE},
						   {MIB(512), MIB(513), MEM_RESERVED},
						   {MIB(513), GIB(2), MEM_USABLE}};

	expect_same_map(t, out, apply("2G@0", NULL), want, 3);
}

/* A range that is added later is as good as one that firmware has named. */
KTEST(memmap, an_added_range_is_as_one_of_the_firmwares)
{
	for (unsigned round = 0; round < 60; round++) {
		struct memmap_edits edits = {.nr = 1};
		unsigned nr_in = 1 + test_rand_below(30), nr;

		memset(oracle, 0, sizeof(oracle));
		random_ranges(nr_in);
		nr = memmap_sanitise(in, nr_in - 1, out, MEMMAP_MAX);
		edits.edit[0] = (struct memmap_edit){MEMMAP_ADD, in[nr_in - 1].start, in[nr_in - 1].size,
						     in[nr_in - 1].type};
		expect_oracle(t, out, memmap_apply(&edits, out, nr, MEMMAP_MAX));
	}
}

KTEST(memmap, an_added_range_fills_the_holes_of_a_full_map_from_below)
{
	static const struct memmap_edits edits = {
		.edit = {{MEMMAP_ADD, 10, 100, MEM_USABLE}},
		.nr = 1,
	};
	struct memmap_entry map[4] = {{20, 30, MEM_RESERVED},
				      {40, 50, MEM_RESERVED},
				      {200, 300, MEM_USABLE},
				      {400, 500, MEM_USABLE}};
	const struct memmap_entry want[4] = {
		{10, 20, MEM_USABLE}, {20, 30, MEM_RESERVED}, {30, 40, MEM_USABLE}, {40, 50, MEM_RESERVED}};

	expect_same_map(t, map, memmap_apply(&edits, map, 4, 4), want, 4);
}

KTEST(memmap, edits_are_done_in_the_order_given)
{
	static const struct memmap_entry cap_last[] = {{0, MIB(64), MEM_USABLE},
						       {MIB(512), MIB(513), MEM_RESERVED}};
	static const struct memmap_entry cap_first[] = {{0, MIB(64), MEM_USABLE},
							{MIB(128), MIB(192), MEM_USABLE},
							{MIB(512), MIB(513), MEM_RESERVED}};

	expect_same_map(t, out, apply("64M@128M", "64M"), cap_last, 2);
	expect_same_map(t, out, apply("64M", "64M@128M"), cap_first, 3);
}

/* ---- memory that only the command line names ---- */

static void expect_unproven(struct ktest *t, const struct memmap_edits *edits, unsigned nr_map)
{
	unsigned nr = memmap_find_unproven(edits, out, nr_map, again, ARRAY_SIZE(again));

	memset(painted, 0, sizeof(painted));
	for (unsigned i = 0; i < nr; i++) {
		EXPECT_LT(again[i].start, again[i].end);
		EXPECT_EQ(again[i].type, MEM_USABLE);
		for (u64 b = again[i].start; b < again[i].end && b < UNIVERSE; b++)
			painted[b] = MEM_USABLE;
	}
	EXPECT_EQ(memcmp(painted, oracle, sizeof(oracle)), 0);
}

/* The entries behind the last range and the last edit would each change the result. */
KTEST(memmap, added_ram_is_unproven_where_firmware_has_none)
{
	for (unsigned round = 0; round < 200; round++) {
		struct memmap_edits edits = {.nr = test_rand_below(6)};
		unsigned nr_in = test_rand_below(12), nr;

		memset(oracle, 0, sizeof(oracle));
		for (unsigned i = 0; i <= edits.nr; i++) {
			struct memmap_edit *e = &edits.edit[i];

			*e = (struct memmap_edit){MEMMAP_ADD, test_rand_below(UNIVERSE - 60),
						  1 + test_rand_below(60), MEM_USABLE};
			if (i < edits.nr && test_rand_below(4) == 0)
				e->type = MEM_RESERVED;
			else if (i < edits.nr && test_rand_below(6) == 0)
				e->op = MEMMAP_CAP;
			for (u64 b = e->start; i < edits.nr && b < e->start + e->size; b++)
				if (e->op == MEMMAP_ADD && e->type == MEM_USABLE)
					painted[b] = oracle[b] = MEM_USABLE;
		}
		memcpy(painted, oracle, sizeof(oracle));
		random_ranges(nr_in);
		nr = memmap_sanitise(in, nr_in, out, MEMMAP_MAX);
		memcpy(oracle, painted, sizeof(oracle));
		for (unsigned i = 0; i < nr; i++)
			for (u64 b = out[i].start; b < out[i].end && out[i].type == MEM_USABLE; b++)
				oracle[b] = MEM_NONE;
		out[nr] = (struct memmap_entry){nr ? out[nr - 1].end : 0, UNIVERSE, MEM_USABLE};
		expect_unproven(t, &edits, nr);
	}
}

KTEST(memmap, the_last_unproven_entry_spans_what_exceeds_the_table)
{
	static const struct memmap_edits edits = {
		.edit = {{MEMMAP_ADD, 100, 10, MEM_USABLE},
			 {MEMMAP_ADD, 50, 10, MEM_USABLE},
			 {MEMMAP_ADD, 70, 5, MEM_USABLE},
			 {MEMMAP_ADD, 20, 10, MEM_USABLE}},
		.nr = 4,
	};
	static const struct memmap_entry want[] = {{100, 110, MEM_USABLE}, {20, 75, MEM_USABLE}};

	expect_same_map(t, again, memmap_find_unproven(&edits, NULL, 0, again, 2), want, 2);
}

/* ---- this machine ---- */

static bool log_holds_boot(void)
{
	return log_lines_with(0, "cmdline: ") > 0;
}

KTEST(memmap, the_boot_log_has_one_line_for_each_firmware_range)
{
	if (!log_holds_boot())
		SKIP("the log no longer holds the boot");
	EXPECT_EQ(log_lines_with(0, "firmware: [mem "),
		  memmap_sanitise(memmap_raw, memmap_raw_nr, out, MEMMAP_MAX));
}

/* The words mem= and memmap= of the command line. */
static void parse_edits(struct memmap_edits *edits)
{
	static char text[2048];
	char *word = text, *end;

	snprintf(text, sizeof(text), "%s ", cmdline_text());
	for (; (end = strchr(word, ' ')); word = end + 1) {
		*end = '\0';
		if (strncmp(word, "mem=", 4) == 0)
			memmap_parse(edits, word + 4);
		else if (strncmp(word, "memmap=", 7) == 0)
			memmap_parse(edits, word + 7);
	}
}

KTEST(memmap, the_image_is_restored_only_where_options_take_it_away)
{
	const u64 start = ALIGN_DOWN(KERNEL_LOAD, PAGE_SIZE), end = PAGE_ALIGN_UP(image_to_phys(__image_end));
	struct memmap_edits edits = {.nr = 0};
	bool kept = false;
	unsigned nr;

	if (!log_holds_boot())
		SKIP("the log no longer holds the boot");
	parse_edits(&edits);
	nr = memmap_sanitise(memmap_raw, memmap_raw_nr, out, MEMMAP_MAX);
	nr = memmap_apply(&edits, out, nr, MEMMAP_MAX);
	for (unsigned i = 0; i < nr; i++)
		kept |= out[i].type == MEM_USABLE && out[i].start <= start && out[i].end >= end;
	EXPECT_EQ(log_lines_with(0, "remove the kernel's image"), edits.nr && !kept);
}

KTEST(memmap, type_names_are_linuxs)
{
	char buf[16];

	EXPECT_STREQ(memmap_type_name(MEM_USABLE, buf), "usable");
	EXPECT_STREQ(memmap_type_name(MEM_RESERVED, buf), "reserved");
	EXPECT_STREQ(memmap_type_name(MEM_ACPI, buf), "ACPI data");
	EXPECT_STREQ(memmap_type_name(MEM_NVS, buf), "ACPI NVS");
	EXPECT_STREQ(memmap_type_name(MEM_UNUSABLE, buf), "unusable");
	EXPECT_STREQ(memmap_type_name(MEM_PERSISTENT, buf), "persistent");
	EXPECT_STREQ(memmap_type_name(MEM_SOFT_RESERVED, buf), "soft reserved");
	EXPECT_STREQ(memmap_type_name(20, buf), "type 20");
	EXPECT_STREQ(memmap_type_name(4294967294u, buf), "type 4294967294");
}

KTEST(memmap, this_machines_map_is_sound)
{
	expect_in_order(t, memmap, memmap_nr);
	for (unsigned i = 0; i < memmap_nr; i++) {
		if (memmap[i].type != MEM_USABLE)
			continue;
		EXPECT_GE(memmap[i].start, KIB(4)); /* firmware's page, whatever the kernel's are */
		EXPECT_LE(memmap[i].end, arch_phys_limit());
	}
}
