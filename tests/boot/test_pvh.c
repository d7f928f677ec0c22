/*
 * test_pvh.c - properties of boot/pvh.c over good, odd and hostile start information.
 *
 * Idea.       The structure and all that it points to lie in one buffer; the accessor answers for that buffer
 *             only, so a pointer to anywhere else is a pointer to nothing.
 * Layout.     start information at 0, command line, modules and map at the offsets below.
 * Invariants. expect_sound() holds after every parse.
 * Locking.    None.
 * Failure.    EXPECT lines name the input.
 * Next:       test_acpi.c.
 */

#include "boot_fixture.h"
#include <kernel/errno.h>

enum { AT_CMDLINE = 0x100, AT_MODULES = 0x200, AT_NAME = 0x600, AT_MAP = 0x1000, PVH_MAGIC = 0x336ec578 };

static void info_typical(struct boot_fixture *f)
{
	memset(f->bytes, 0, 0x2000);
	f->len = 0x2000;
	fixture_put32(f, 0, PVH_MAGIC);
	fixture_put32(f, 4, 1);
	fixture_put32(f, 12, 1);
	fixture_put64(f, 16, FIXTURE_PA + AT_MODULES);
	fixture_put64(f, 24, FIXTURE_PA + AT_CMDLINE);
	fixture_put64(f, 32, 0xf5a10);
	fixture_put64(f, 40, FIXTURE_PA + AT_MAP);
	fixture_put32(f, 48, 2);
	memcpy(f->bytes + AT_CMDLINE, "quiet test", 11);
	fixture_put64(f, AT_MODULES, 0x800000);
	fixture_put64(f, AT_MODULES + 8, 0x4000);
	fixture_put64(f, AT_MODULES + 16, FIXTURE_PA + AT_NAME);
	memcpy(f->bytes + AT_NAME, "trace", 6);
	fixture_put64(f, AT_MAP + 8, 0x9f000);
	fixture_put32(f, AT_MAP + 16, MEM_USABLE);
	fixture_put64(f, AT_MAP + 24, 0x100000);
	fixture_put64(f, AT_MAP + 32, 0x7f00000);
	fixture_put32(f, AT_MAP + 40, MEM_USABLE);
}

static int parse(struct boot_fixture *f)
{
	memset(&f->info, 0, sizeof(f->info));
	return pvh_parse(&f->mem, FIXTURE_PA, &f->info);
}

KTEST(pvh, everything_is_read)
{
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	info_typical(f);
	EXPECT_EQ(parse(f), 0);
	expect_sound(t, &f->info);
	EXPECT_STREQ(f->info.cmdline, "quiet test");
	EXPECT_EQ(f->info.rsdp, 0xf5a10);
	EXPECT_EQ(f->info.nr_ranges, 2);
	EXPECT_EQ(f->info.range[1].start, 0x100000);
	EXPECT_EQ(f->info.range[1].size, 0x7f00000);
	EXPECT_EQ(f->info.nr_modules, 1);
	EXPECT_EQ(f->info.module[0].end, 0x804000);
	EXPECT_STREQ(f->info.module[0].name, "trace");
	EXPECT_STREQ(f->info.notes, "");
	fixture_free(f);
}

KTEST(pvh, wrong_magic_or_no_memory_is_refused)
{
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	info_typical(f);
	fixture_put32(f, 0, PVH_MAGIC + 1);
	EXPECT_EQ(parse(f), -EINVAL);
	info_typical(f);
	f->len = 39; /* not even version 0 */
	EXPECT_EQ(parse(f), -EINVAL);
	fixture_free(f);
}

KTEST(pvh, version_0_has_no_map)
{
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	info_typical(f);
	fixture_put32(f, 4, 0);
	EXPECT_EQ(parse(f), 0);
	EXPECT_EQ(f->info.nr_ranges, 0);
	EXPECT_NOTE(&f->info, "no memory map");
	EXPECT_STREQ(f->info.cmdline, "quiet test");
	fixture_free(f);
}

/* Shows pvh.I1. */
KTEST(pvh, what_cannot_be_read_is_left_out)
{
	static const size_t pointer[] = {16, 24, 40};
	static const u64 nowhere[] = {1, FIXTURE_PA - 1, FIXTURE_PA + 0x2000, ~0UL, ~0UL - 10, 1UL << 63};
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	for (unsigned p = 0; p < ARRAY_SIZE(pointer); p++) {
		for (unsigned n = 0; n < ARRAY_SIZE(nowhere); n++) {
			info_typical(f);
			fixture_put64(f, pointer[p], nowhere[n]);
			EXPECT_EQ(parse(f), 0);
			expect_sound(t, &f->info);
			EXPECT_EQ(f->info.nr_modules, pointer[p] == 16 ? 0 : 1);
			EXPECT_EQ(f->info.nr_ranges, pointer[p] == 40 ? 0 : 2);
			EXPECT_EQ(strlen(f->info.cmdline), pointer[p] == 24 ? 0 : 10);
			EXPECT_NE(f->info.notes_len, 0);
		}
	}
	fixture_free(f);
}

KTEST(pvh, map_longer_than_memory_is_used_as_far_as_it_goes)
{
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	info_typical(f);
	fixture_put32(f, 48, 0xffffffff);
	EXPECT_EQ(parse(f), 0);
	expect_sound(t, &f->info);
	EXPECT_EQ(f->info.nr_ranges, (0x2000 - AT_MAP) / 24);
	EXPECT_NOTE(&f->info, "only");
	fixture_free(f);
}

KTEST(pvh, command_line_without_end_stops_at_memory_or_size)
{
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	info_typical(f);
	memset(f->bytes + AT_MAP, 'a', 0x1000);
	fixture_put32(f, 48, 0);
	fixture_put64(f, 24, FIXTURE_PA + 0x2000 - 100);
	EXPECT_EQ(parse(f), 0);
	EXPECT_EQ(strlen(f->info.cmdline), 100);
	fixture_put64(f, 24, FIXTURE_PA + AT_MAP);
	EXPECT_EQ(parse(f), 0);
	EXPECT_EQ(strlen(f->info.cmdline), BOOT_CMDLINE_SIZE - 1);
	EXPECT_NOTE(&f->info, "is cut");
	fixture_free(f);
}

KTEST(pvh, modules_that_wrap_or_are_too_many_are_noted)
{
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	info_typical(f);
	fixture_put64(f, AT_MODULES + 8, ~0UL);
	EXPECT_EQ(parse(f), 0);
	EXPECT_EQ(f->info.nr_modules, 0);
	EXPECT_NOTE(&f->info, "wraps");
	info_typical(f);
	fixture_put32(f, 12, 1000);
	EXPECT_EQ(parse(f), 0);
	expect_sound(t, &f->info);
	EXPECT_EQ(f->info.nr_modules, BOOT_MAX_MODULES);
	fixture_free(f);
}

KTEST(pvh, random_damage_is_survived)
{
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	for (unsigned round = 0; round < 500; round++) {
		info_typical(f);
		for (u32 n = 1 + test_rand_below(6); n; n--)
			f->bytes[test_rand_below(test_rand_below(2) ? 56 : 0x2000)] = (u8)test_rand();
		if (!test_rand_below(4))
			f->len = test_rand_below(0x2001);
		parse(f);
		expect_sound(t, &f->info);
	}
	fixture_free(f);
}

static unsigned reads;

static const void *counting_at(const struct boot_mem *mem, u64 pa, u64 len)
{
	reads++;
	return fixture_at(mem, pa, len);
}

/* Modules that are skipped must not make the list longer. Shows pvh.I2. */
KTEST(pvh, the_work_on_a_hostile_module_list_is_bounded)
{
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	info_typical(f);
	f->len = FIXTURE_BYTES;
	f->mem.at = counting_at;
	fixture_put32(f, 12, UINT32_MAX);
	fixture_put64(f, 16, FIXTURE_PA + 0x2000);
	memset(f->bytes + 0x2000, 0xff, FIXTURE_BYTES - 0x2000); /* each wraps */
	reads = 0;
	EXPECT_EQ(parse(f), 0);
	expect_sound(t, &f->info);
	EXPECT_LE(reads, BOOT_MAX_MODULES + 64);
	fixture_free(f);
}
