/*
 * test_efi.c - properties of boot/efi.c over good, odd and hostile memory maps and load options.
 *
 * Idea.       Maps are built descriptor by descriptor, with any stride; what lies between and behind descriptors is filled, as
 *             it must not matter.
 * Layout.     f->bytes: the map.
 * Invariants. expect_sound() holds after every parse.
 * Locking.    None.
 * Failure.    EXPECT lines name the input.
 * Next:       test_efi_stub.c.
 */

#include "boot_fixture.h"
#include <kernel/errno.h>
#include <mm/vmalloc.h>

enum { VERSION = 1, WB = 8, CACHES = 0xf, CONVENTIONAL = 7 };

static void map_start(struct boot_fixture *f)
{
	memset(&f->info, 0, sizeof(f->info));
	memset(f->bytes, 0xee, sizeof(f->bytes));
	f->len = 0;
}

static void map_add(struct boot_fixture *f, size_t stride, u32 type, u64 start, u64 pages, u64 attr)
{
	u8 *d = f->bytes + f->len;

	memcpy(d, &type, 4);
	memcpy(d + 8, &start, 8);
	memcpy(d + 24, &pages, 8);
	memcpy(d + 32, &attr, 8);
	f->len += stride;
}

static int parse(struct boot_fixture *f, size_t stride)
{
	return efi_memmap_parse(f->bytes, f->len, stride, VERSION, &f->info);
}

KTEST(efi, types_say_what_is_free_after_boot_services)
{
	static const struct {
		u32 type, want;
		u64 attr;
	} row[] = {
		{0, MEM_RESERVED, CACHES},
		{1, MEM_USABLE, CACHES},
		{2, MEM_USABLE, CACHES},
		{3, MEM_USABLE, CACHES},
		{4, MEM_USABLE, CACHES},
		{5, MEM_RESERVED, 1UL << 63 | CACHES}, /* runtime services */
		{6, MEM_RESERVED, 1UL << 63 | CACHES},
		{7, MEM_USABLE, CACHES},
		{7, MEM_USABLE, WB},
		{7, MEM_RESERVED, CACHES & ~WB},
		{4, MEM_RESERVED, 1},
		{8, MEM_UNUSABLE, CACHES},
		{9, MEM_ACPI, CACHES},
		{10, MEM_NVS, CACHES},
		{11, MEM_RESERVED, 1},
		{12, MEM_RESERVED, 1},
		{13, MEM_RESERVED, 1},
		{14, MEM_PERSISTENT, WB},
		{15, MEM_RESERVED, WB},
		{7, MEM_SOFT_RESERVED, 0x40000 | CACHES},
		{4, MEM_USABLE, 0x40000 | CACHES},
		{0x70000000, MEM_RESERVED, CACHES},
		{0xffffffff, MEM_RESERVED, CACHES},
	};
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	map_start(f);
	for (unsigned i = 0; i < ARRAY_SIZE(row); i++)
		map_add(f, 48, row[i].type, i * 0x10000UL, 16, row[i].attr);
	EXPECT_EQ(parse(f, 48), 0);
	ASSERT_EQ(f->info.nr_ranges, ARRAY_SIZE(row));
	for (unsigned i = 0; i < ARRAY_SIZE(row); i++) {
		EXPECT_EQ(f->info.range[i].start, i * 0x10000UL);
		EXPECT_EQ(f->info.range[i].size, 0x10000);
		EXPECT_EQ(f->info.range[i].type, row[i].want);
		EXPECT_EQ(f->info.range[i].attr, (u32)row[i].attr);
	}
	EXPECT_STREQ(f->info.notes, "");
	fixture_free(f);
}

KTEST(efi, any_stride_is_followed)
{
	static const size_t stride[] = {40, 41, 48, 64, 1000};
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	for (unsigned i = 0; i < ARRAY_SIZE(stride); i++) {
		map_start(f);
		for (u64 n = 0; n < 10; n++)
			map_add(f, stride[i], CONVENTIONAL, n << 32, n + 1, WB);
		EXPECT_EQ(parse(f, stride[i]), 0);
		ASSERT_EQ(f->info.nr_ranges, 10);
		EXPECT_EQ(f->info.range[9].start, 9UL << 32);
		EXPECT_EQ(f->info.range[9].size, 0xa000); /* pages of 4 KiB, whatever ours are */
		EXPECT_STREQ(f->info.notes, "");
	}
	fixture_free(f);
}

KTEST(efi, a_stride_below_a_descriptor_is_refused)
{
	static const size_t stride[] = {0, 1, 8, 39};
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	for (unsigned i = 0; i < ARRAY_SIZE(stride); i++) {
		map_start(f);
		map_add(f, 40, CONVENTIONAL, MIB(1), 1, WB);
		EXPECT_EQ(parse(f, stride[i]), -EINVAL);
		EXPECT_EQ(f->info.nr_ranges, 0);
		EXPECT_NOTE(&f->info, "at least 40 expected");
	}
	fixture_free(f);
}

KTEST(efi, what_is_no_whole_descriptor_is_not_read)
{
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	for (size_t cut = 1; cut < 48; cut++) {
		map_start(f);
		map_add(f, 48, CONVENTIONAL, MIB(1), 1, WB);
		map_add(f, 48, CONVENTIONAL, MIB(2), 1, WB);
		f->len -= cut;
		EXPECT_EQ(parse(f, 48), 0);
		EXPECT_EQ(f->info.nr_ranges, 1);
		EXPECT_NOTE(&f->info, "behind the last of 1 descriptors");
	}
	map_start(f);
	EXPECT_EQ(parse(f, ~0UL), 0); /* no byte, of a stride beyond all */
	EXPECT_EQ(f->info.nr_ranges, 0);
	fixture_free(f);
}

KTEST(efi, descriptors_without_pages_or_that_wrap_are_ignored)
{
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	map_start(f);
	map_add(f, 40, CONVENTIONAL, 0x1000, 0, WB);
	map_add(f, 40, CONVENTIONAL, 0x1000, 1UL << 52, WB);
	map_add(f, 40, CONVENTIONAL, ~0xfffUL, 1, WB); /* its end is not a number */
	map_add(f, 40, CONVENTIONAL, 0, ~0UL, WB);
	map_add(f, 40, CONVENTIONAL, ~0x1fffUL, 1, WB);
	EXPECT_EQ(parse(f, 40), 0);
	ASSERT_EQ(f->info.nr_ranges, 1);
	EXPECT_EQ(f->info.range[0].start, ~0x1fffUL);
	EXPECT_NOTE(&f->info, "4 descriptors are empty or wrap");
	fixture_free(f);
}

KTEST(efi, another_version_is_noted_and_read)
{
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	map_start(f);
	map_add(f, 48, CONVENTIONAL, MIB(1), 1, WB);
	EXPECT_EQ(efi_memmap_parse(f->bytes, f->len, 48, 2, &f->info), 0);
	EXPECT_EQ(f->info.nr_ranges, 1);
	EXPECT_NOTE(&f->info, "version 2, 1 expected");
	fixture_free(f);
}

/* Shows efi.I2. */
KTEST(efi, thousands_of_descriptors_lose_usable_memory_only)
{
	enum { USABLE = 4500, RESERVED = 100 };
	struct boot_fixture *f = fixture_new();
	unsigned reserved = 0;

	ASSERT_NOT_NULL(f);
	map_start(f);
	for (unsigned i = 0; i < USABLE + RESERVED; i++)
		map_add(f, 48, i < USABLE ? CONVENTIONAL : 5, i * 0x10000UL, 16, WB);
	EXPECT_EQ(parse(f, 48), 0);
	EXPECT_EQ(f->info.nr_ranges, BOOT_MAX_RANGES);
	for (unsigned i = 0; i < f->info.nr_ranges; i++)
		reserved += f->info.range[i].type == MEM_RESERVED;
	EXPECT_EQ(reserved, RESERVED);
	expect_sound(t, &f->info);
	fixture_free(f);
}

/* Shows efi.I2. The descriptor behind the last one that is read would be the only usable one. */
KTEST(efi, descriptors_above_the_limit_are_noted_and_ignored)
{
	enum { BYTES = (EFI_DESCRIPTORS_MAX + 1) * EFI_DESC_MIN };
	struct boot_fixture *f = fixture_new();
	u8 *map = vzalloc(BYTES);

	ASSERT_TRUE(f && map);
	map_start(f);
	map_add(f, EFI_DESC_MIN, CONVENTIONAL, MIB(1), 1, WB);
	memcpy(map + BYTES - EFI_DESC_MIN, f->bytes, EFI_DESC_MIN);
	EXPECT_EQ(efi_memmap_parse(map, BYTES, EFI_DESC_MIN, VERSION, &f->info), 0);
	EXPECT_EQ(f->info.nr_ranges, 0);
	EXPECT_NOTE(&f->info, "65537 descriptors, the first 65536 are used");
	memcpy(map + BYTES - 2 * EFI_DESC_MIN, f->bytes, EFI_DESC_MIN);
	EXPECT_EQ(efi_memmap_parse(map, BYTES, EFI_DESC_MIN, VERSION, &f->info), 0);
	EXPECT_EQ(f->info.nr_ranges, 1);
	vfree(map);
	fixture_free(f);
}

/* Shows efi.I1. */
KTEST(efi, random_damage_is_survived)
{
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	for (unsigned round = 0; round < 300; round++) {
		map_start(f);
		for (u64 n = 0; n < 8; n++)
			map_add(f, 48, test_rand_below(16), n << 20, 256, CACHES);
		for (u32 n = test_rand_below(6); n; n--)
			f->bytes[test_rand_below((u32)f->len)] = test_rand_below(4) ? (u8)test_rand() : 0xff;
		parse(f, 40 + test_rand_below(60));
		for (unsigned i = 0; i < f->info.nr_ranges; i++)
			EXPECT_TRUE(f->info.range[i].size &&
				    f->info.range[i].start + f->info.range[i].size > f->info.range[i].start);
		expect_sound(t, &f->info);
	}
	fixture_free(f);
}

/* ---- load options ---- */

/* Text of 16-bit characters, at an odd address, with its NUL or without. */
static void options_set(struct boot_fixture *f, const char *text, bool nul)
{
	memset(&f->info, 0, sizeof(f->info));
	strlcpy(f->info.cmdline, "from the tree", sizeof(f->info.cmdline));
	memset(f->bytes, 0xee, sizeof(f->bytes));
	f->len = 2 * (strlen(text) + nul);
	for (size_t i = 0; i < f->len / 2; i++) {
		f->bytes[1 + 2 * i] = (u8)text[i];
		f->bytes[2 + 2 * i] = 0;
	}
}

static const char *cmdline_of(struct boot_fixture *f, const char *text, bool nul)
{
	options_set(f, text, nul);
	efi_cmdline(f->bytes + 1, f->len, &f->info);
	return f->info.cmdline;
}

KTEST(efi, load_options_are_the_command_line)
{
	static const struct {
		const char *options, *want;
	} row[] = {
		{"test=slab.* seed=7", "test=slab.* seed=7"},
		{"fs0:\\EFI\\BOOT\\BOOTAA64.EFI cmd=\"test; poweroff\"", "cmd=\"test; poweroff\""},
		{"strata.efi\t a  b ", "a  b "},
		{"  nokaslr", "nokaslr"},
		{"x.eFi nokaslr", "nokaslr"},
		{".efi a", "a"},
		{"nokaslr strata.efi", "nokaslr strata.efi"},
		{"strata.efil nokaslr", "strata.efil nokaslr"},
		{"x\x0e"
		 "efi a",
		 "from the tree"},	/* no text */
		{"xNefi a", "xNefi a"}, /* N is '.' with another bit */
		{"efi a", "efi a"},
		{"strata.efi", "from the tree"},
		{"strata.efi  ", "from the tree"},
		{"   ", "from the tree"},
		{"", "from the tree"},
	};
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	for (unsigned i = 0; i < ARRAY_SIZE(row); i++) {
		EXPECT_STREQ(cmdline_of(f, row[i].options, false), row[i].want);
		EXPECT_STREQ(cmdline_of(f, row[i].options, true), row[i].want);
	}
	fixture_free(f);
}

KTEST(efi, what_is_not_ascii_is_a_question_mark)
{
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	options_set(f, "a=bcd", true);
	f->bytes[1 + 2 * 2 + 1] = 1;
	f->bytes[1 + 2 * 3] = 0x7f;
	f->bytes[1 + 2 * 4] = 0xff;
	efi_cmdline(f->bytes + 1, f->len, &f->info);
	EXPECT_STREQ(f->info.cmdline, "a=???");
	fixture_free(f);
}

KTEST(efi, load_options_that_are_no_text_are_ignored)
{
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	EXPECT_STREQ(cmdline_of(f, "a\x01", true), "from the tree");
	EXPECT_NOTE(&f->info, "6 bytes of load options are no text");
	options_set(f, "a", true); /* bytes behind the NUL are not looked at, nor half a character */
	f->bytes[1 + 2 * 2] = 1;
	efi_cmdline(f->bytes + 1, f->len + 1, &f->info);
	EXPECT_STREQ(f->info.cmdline, "a");
	EXPECT_STREQ(f->info.notes, "");
	fixture_free(f);
}

KTEST(efi, long_load_options_are_cut_and_noted)
{
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	for (size_t len = BOOT_CMDLINE_SIZE - 1; len <= BOOT_CMDLINE_SIZE; len++) {
		memset(&f->info, 0, sizeof(f->info));
		for (size_t i = 0; i < len; i++)
			memcpy(f->bytes + 2 * i, "x", 2);
		efi_cmdline(f->bytes, 2 * len, &f->info);
		EXPECT_EQ(strlen(f->info.cmdline), BOOT_CMDLINE_SIZE - 1);
		EXPECT_EQ(strstr(f->info.notes, "is cut after 2047 bytes") != NULL, len == BOOT_CMDLINE_SIZE);
		expect_sound(t, &f->info);
	}
	fixture_free(f);
}
