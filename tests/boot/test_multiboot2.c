/*
 * test_multiboot2.c - properties of boot/multiboot2.c over good, odd and hostile information blocks.
 *
 * Idea.       Blocks are built tag by tag. Overreads show by a parse of the same bytes with other bytes
 *             behind them: the result must not change.
 * Layout.     struct block: the bytes so far.
 * Invariants. expect_sound() holds after every parse.
 * Locking.    None.
 * Failure.    EXPECT lines name the input.
 * Next:       test_pvh.c.
 */

#include "boot_fixture.h"
#include <kernel/errno.h>

enum {
	TAG_CMDLINE = 1,
	TAG_LOADER = 2,
	TAG_MODULE = 3,
	TAG_BASIC = 4,
	TAG_MAP = 6,
	TAG_RSDP_OLD = 14,
	TAG_RSDP_NEW = 15,
	TAG_EFI_MAP = 17,
	TAG_BOOT_SERVICES = 18
};

static void block_start(struct boot_fixture *f)
{
	memset(f->bytes, 0, 64);
	f->len = 8;
}

/* Appends a tag whose payload is n bytes at p (or zeros); the size field counts what is really there. */
static u8 *block_tag(struct boot_fixture *f, u32 type, const void *p, size_t n)
{
	u8 *payload = f->bytes + f->len + 8;

	fixture_put32(f, f->len, type);
	fixture_put32(f, f->len + 4, (u32)(8 + n));
	if (p)
		memcpy(payload, p, n);
	else
		memset(payload, 0, n);
	f->len = ALIGN_UP(f->len + 8 + n, 8UL);
	return payload;
}

static void block_end(struct boot_fixture *f)
{
	block_tag(f, 0, NULL, 0);
	fixture_put32(f, 0, (u32)f->len);
}

/* A map tag with nr entries of `stride` bytes; returns the first entry. */
static u8 *block_map(struct boot_fixture *f, u32 type, u32 stride, u32 nr)
{
	u8 *p = block_tag(f, type, NULL, 8 + (size_t)stride * nr);

	memcpy(p, &stride, 4);
	p[4] = type == TAG_EFI_MAP; /* the version of its descriptors; 0 of the plain map */
	return p + 8;
}

static void plain_entry(u8 *e, u64 base, u64 length, u32 type)
{
	memcpy(e, &base, 8);
	memcpy(e + 8, &length, 8);
	memcpy(e + 16, &type, 4);
}

static void efi_entry(u8 *e, u32 type, u64 start, u64 pages, u64 attr)
{
	memcpy(e, &type, 4);
	memcpy(e + 8, &start, 8);
	memcpy(e + 24, &pages, 8);
	memcpy(e + 32, &attr, 8);
}

/* Both results were zeroed before, padding included. */
static bool same_bytes(const void *a, const void *b, size_t n)
{
	return memcmp(a, b, n) == 0;
}

static int parse(struct boot_fixture *f)
{
	memset(&f->info, 0, sizeof(f->info));
	return multiboot2_parse(f->bytes, f->len, FIXTURE_PA, &f->info);
}

static void expect_range(struct ktest *t, const struct boot_info *bi, unsigned n, u64 start, u64 size,
			 u32 type)
{
	EXPECT_EQ(bi->range[n].start, start);
	EXPECT_EQ(bi->range[n].size, size);
	EXPECT_EQ(bi->range[n].type, type);
}

/* A block with one of each tag, as a base for damage. */
static void block_typical(struct boot_fixture *f)
{
	static const u32 module[2] = {0x300000, 0x301000}, basic[2] = {639, 0x10000};
	u8 *e;

	block_start(f);
	block_tag(f, TAG_CMDLINE, "test seed=7", 12);
	block_tag(f, TAG_LOADER, "loader", 7);
	memcpy(block_tag(f, TAG_MODULE, NULL, 8 + 6), module, 8);
	block_tag(f, TAG_BASIC, basic, 8);
	e = block_map(f, TAG_MAP, 24, 3);
	plain_entry(e, 0, 0x9f000, MEM_USABLE);
	plain_entry(e + 24, 0xf0000, 0x10000, MEM_RESERVED);
	plain_entry(e + 48, 0x100000, 0x7f00000, MEM_USABLE);
	block_tag(f, TAG_RSDP_NEW, NULL, 36);
	e = block_map(f, TAG_EFI_MAP, 48, 2);
	efi_entry(e, 7, 0, 0x9f, 0xf);
	efi_entry(e + 48, 7, 0x100000, 0x7f00, 0xf);
	block_end(f);
}

KTEST(multiboot2, no_block_is_refused)
{
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	for (size_t len = 0; len < 8; len++) {
		f->len = len;
		fixture_put32(f, 0, 0x1000);
		EXPECT_EQ(parse(f), -EINVAL);
	}
	for (u32 total = 0; total < 8; total++) {
		f->len = 4096;
		fixture_put32(f, 0, total);
		EXPECT_EQ(parse(f), -EINVAL);
		expect_sound(t, &f->info);
	}
	fixture_free(f);
}

KTEST(multiboot2, tags_are_read)
{
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	block_typical(f);
	EXPECT_EQ(parse(f), 0);
	expect_sound(t, &f->info);
	EXPECT_STREQ(f->info.cmdline, "test seed=7");
	EXPECT_STREQ(f->info.loader, "loader");
	EXPECT_EQ(f->info.nr_modules, 1);
	EXPECT_EQ(f->info.module[0].start, 0x300000);
	EXPECT_EQ(f->info.module[0].end, 0x301000);
	EXPECT_EQ(f->info.nr_ranges, 2); /* the EFI map */
	EXPECT_TRUE(f->info.efi);
	EXPECT_EQ(f->info.rsdp_copy_len, 36);
	EXPECT_EQ(f->info.info_start, FIXTURE_PA);
	EXPECT_EQ(f->info.info_end, FIXTURE_PA + f->len);
	EXPECT_STREQ(f->info.notes, "");
	fixture_free(f);
}

KTEST(multiboot2, plain_map_keeps_order_types_and_stride)
{
	static const u32 stride[] = {24, 32, 40, 25, 31, 104};
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	for (unsigned i = 0; i < ARRAY_SIZE(stride); i++) {
		u8 *e;

		block_start(f);
		e = block_map(f, TAG_MAP, stride[i], 4);
		memset(e, 0xee, 4UL * stride[i]);
		plain_entry(e, 0x100001, 0xfff, 1);
		plain_entry(e + stride[i], 0, 0x9f000, 20);
		plain_entry(e + 2UL * stride[i], ~0xfffUL, 0x2000, 3);
		plain_entry(e + 3UL * stride[i], 0x500, 0, 0);
		block_end(f);
		EXPECT_EQ(parse(f), 0);
		EXPECT_EQ(f->info.nr_ranges, 4);
		expect_range(t, &f->info, 0, 0x100001, 0xfff, 1);
		expect_range(t, &f->info, 1, 0, 0x9f000, 20);
		expect_range(t, &f->info, 2, ~0xfffUL, 0x2000, 3);
		expect_range(t, &f->info, 3, 0x500, 0, MEM_RESERVED); /* type 0 is no type */
		if (stride[i] % 8)
			EXPECT_NOTE(&f->info, "no multiple of 8");
	}
	fixture_free(f);
}

KTEST(multiboot2, unusable_maps_fall_back_to_basic_memory)
{
	static const u32 stride[] = {0, 1, 8, 23, 0x80000000, 0xffffffff};
	static const u32 basic[2] = {5000, 1024};
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	for (unsigned i = 0; i <= ARRAY_SIZE(stride); i++) {
		u8 *e;

		block_start(f);
		block_tag(f, TAG_BASIC, basic, 8);
		e = block_map(f, TAG_MAP, 24, i < ARRAY_SIZE(stride) ? 2 : 0);
		if (i < ARRAY_SIZE(stride))
			memcpy(e - 8, &stride[i], 4);
		block_end(f);
		EXPECT_EQ(parse(f), 0);
		EXPECT_EQ(f->info.nr_ranges, 2);
		expect_range(t, &f->info, 0, 0, KIB(640), MEM_USABLE); /* more than 640 KiB there is not */
		expect_range(t, &f->info, 1, MIB(1), MIB(1), MEM_USABLE);
		EXPECT_NOTE(&f->info, "no memory map");
	}
	fixture_free(f);
}

KTEST(multiboot2, no_map_at_all_is_noted)
{
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	block_start(f);
	block_end(f);
	EXPECT_EQ(parse(f), 0);
	EXPECT_EQ(f->info.nr_ranges, 0);
	EXPECT_NOTE(&f->info, "no memory map");
	fixture_free(f);
}

KTEST(multiboot2, efi_descriptors_without_pages_or_that_wrap_are_ignored)
{
	struct boot_fixture *f = fixture_new();
	u8 *e;

	ASSERT_NOT_NULL(f);
	block_start(f);
	e = block_map(f, TAG_EFI_MAP, 40, 4);
	efi_entry(e, 7, 0x1000, 0, 8);
	efi_entry(e + 40, 7, 0x1000, 1UL << 52, 8);
	efi_entry(e + 80, 7, ~0xfffUL, 2, 8);
	efi_entry(e + 120, 7, 0x5000, 1, 8);
	block_end(f);
	EXPECT_EQ(parse(f), 0);
	EXPECT_EQ(f->info.nr_ranges, 1);
	expect_range(t, &f->info, 0, 0x5000, 0x1000, MEM_USABLE);
	EXPECT_NOTE(&f->info, "3 descriptors are empty or wrap");
	fixture_free(f);
}

KTEST(multiboot2, efi_map_is_believed_and_its_difference_noted)
{
	struct boot_fixture *f = fixture_new();
	u8 *e;

	ASSERT_NOT_NULL(f);
	block_start(f);
	e = block_map(f, TAG_MAP, 24, 2);
	plain_entry(e, 0x100000, 0x100000, MEM_USABLE);
	plain_entry(e + 24, 0x200000, 0x100000, MEM_USABLE);
	e = block_map(f, TAG_EFI_MAP, 40, 2);
	efi_entry(e, 7, 0x100000, 0x200, 8); /* covered by two plain entries */
	efi_entry(e + 40, 7, 0x400000, 1, 8);
	block_end(f);
	EXPECT_EQ(parse(f), 0);
	EXPECT_EQ(f->info.nr_ranges, 2);
	EXPECT_NOTE(&f->info, "[0x400000, +0x1000) is usable in the EFI map");
	EXPECT_NULL(strstr(f->info.notes, "[0x100000"));
	fixture_free(f);
}

KTEST(multiboot2, efi_map_is_not_final_while_boot_services_run)
{
	struct boot_fixture *f = fixture_new();
	u8 *e;

	ASSERT_NOT_NULL(f);
	block_start(f);
	e = block_map(f, TAG_EFI_MAP, 40, 1);
	efi_entry(e, 7, 0x100000, 0x100, 8);
	e = block_map(f, TAG_MAP, 24, 1);
	plain_entry(e, 0x200000, 0x1000, MEM_USABLE);
	block_tag(f, TAG_BOOT_SERVICES, NULL, 0);
	block_end(f);
	EXPECT_EQ(parse(f), 0);
	EXPECT_EQ(f->info.nr_ranges, 1);
	expect_range(t, &f->info, 0, 0x200000, 0x1000, MEM_USABLE);
	fixture_free(f);
}

KTEST(multiboot2, bytes_behind_the_length_do_not_matter)
{
	struct boot_fixture *f = fixture_new();
	size_t whole;

	ASSERT_NOT_NULL(f);
	block_typical(f);
	whole = f->len;
	for (size_t len = 8; len <= whole; len++) {
		int a, b;

		block_typical(f);
		f->len = len;
		memset(f->bytes + len, 0, whole + 64 - len);
		a = parse(f);
		memcpy(&f->other, &f->info, sizeof(f->info));
		memset(f->bytes + len, 0xff, whole + 64 - len);
		b = parse(f);
		EXPECT_EQ(a, b);
		EXPECT_MSG(same_bytes(&f->info, &f->other, sizeof(f->info)),
			   "cut at %lu of %lu: results differ", len, whole);
		expect_sound(t, &f->info);
		if (len < whole)
			EXPECT_NOTE(&f->info, "can be read");
	}
	fixture_free(f);
}

KTEST(multiboot2, tag_sizes_that_lie_end_the_pass)
{
	static const u32 size[] = {0, 1, 4, 7, 0x7fffffff, 0xfffffff8, 0xffffffff};
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	for (unsigned i = 0; i < ARRAY_SIZE(size); i++) {
		size_t at;

		block_start(f);
		block_tag(f, TAG_CMDLINE, "here", 5);
		at = f->len;
		block_tag(f, TAG_LOADER, "there", 6);
		block_end(f);
		fixture_put32(f, at + 4, size[i]);
		EXPECT_EQ(parse(f), 0);
		expect_sound(t, &f->info);
		EXPECT_STREQ(f->info.cmdline, "here");
		EXPECT_STREQ(f->info.loader, "");
		EXPECT_NOTE(&f->info, "the end tag is missing");
	}
	fixture_free(f);
}

KTEST(multiboot2, total_size_that_lies_is_cut_to_what_is_there)
{
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	block_typical(f);
	fixture_put32(f, 0, 0xffffffff);
	EXPECT_EQ(parse(f), 0);
	EXPECT_EQ(f->info.info_end, FIXTURE_PA + f->len);
	EXPECT_EQ(f->info.nr_ranges, 2);
	fixture_free(f);
}

KTEST(multiboot2, short_tags_are_skipped)
{
	static const u32 type[] = {TAG_MODULE, TAG_BASIC, TAG_MAP, TAG_EFI_MAP, TAG_RSDP_OLD, TAG_RSDP_NEW};
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	for (unsigned i = 0; i < ARRAY_SIZE(type); i++) {
		block_start(f);
		block_tag(f, type[i], NULL, 4);
		block_tag(f, TAG_CMDLINE, "after", 6);
		block_end(f);
		EXPECT_EQ(parse(f), 0);
		EXPECT_STREQ(f->info.cmdline, "after");
		EXPECT_NOTE(&f->info, "too short");
		EXPECT_EQ(f->info.nr_modules + f->info.nr_ranges + f->info.rsdp_copy_len, 0);
	}
	fixture_free(f);
}

KTEST(multiboot2, long_command_line_is_cut_and_noted)
{
	struct boot_fixture *f = fixture_new();
	u8 *p;

	ASSERT_NOT_NULL(f);
	block_start(f);
	p = block_tag(f, TAG_CMDLINE, NULL, 5000);
	memset(p, 'x', 5000); /* no NUL inside the tag either */
	block_end(f);
	EXPECT_EQ(parse(f), 0);
	EXPECT_EQ(strlen(f->info.cmdline), BOOT_CMDLINE_SIZE - 1);
	EXPECT_NOTE(&f->info, "is cut");
	fixture_free(f);
}

KTEST(multiboot2, surplus_modules_stay_reserved)
{
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	block_start(f);
	for (u32 i = 0; i < BOOT_MAX_MODULES + 3; i++) {
		u32 at[2] = {(u32)MIB(16) + i * 0x1000, (u32)MIB(16) + i * 0x1000 + 0x800};

		memcpy(block_tag(f, TAG_MODULE, NULL, 10), at, 8);
	}
	block_tag(f, TAG_MODULE, (const u32[]){0x2000, 0x1000}, 8); /* ends before it starts */
	block_end(f);
	EXPECT_EQ(parse(f), 0);
	EXPECT_EQ(f->info.nr_modules, BOOT_MAX_MODULES);
	EXPECT_EQ(f->info.nr_ranges, 3);
	expect_range(t, &f->info, 0, MIB(16) + BOOT_MAX_MODULES * 0x1000UL, 0x800, MEM_RESERVED);
	EXPECT_NOTE(&f->info, "before its start");
	fixture_free(f);
}

KTEST(multiboot2, newer_rsdp_copy_wins_in_any_order)
{
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	for (unsigned order = 0; order < 2; order++) {
		block_start(f);
		block_tag(f, order ? TAG_RSDP_NEW : TAG_RSDP_OLD, NULL, order ? 36 : 20);
		block_tag(f, order ? TAG_RSDP_OLD : TAG_RSDP_NEW, NULL, order ? 20 : 36);
		block_end(f);
		EXPECT_EQ(parse(f), 0);
		EXPECT_EQ(f->info.rsdp_copy_len, 36);
	}
	fixture_free(f);
}

/* Shows bootinfo.I2, multiboot2.I2. */
KTEST(multiboot2, thousands_of_entries_lose_usable_memory_only)
{
	enum { USABLE = 5000, RESERVED = 100 };
	struct boot_fixture *f = fixture_new();
	unsigned reserved = 0;
	u8 *e;

	ASSERT_NOT_NULL(f);
	block_start(f);
	e = block_map(f, TAG_MAP, 24, USABLE + RESERVED);
	for (unsigned i = 0; i < USABLE + RESERVED; i++)
		plain_entry(e + 24UL * i, i * 0x10000UL, 0x10000, i < USABLE ? MEM_USABLE : MEM_RESERVED);
	block_end(f);
	EXPECT_EQ(parse(f), 0);
	expect_sound(t, &f->info);
	EXPECT_EQ(f->info.nr_ranges, BOOT_MAX_RANGES);
	for (unsigned i = 0; i < f->info.nr_ranges; i++)
		reserved += f->info.range[i].type == MEM_RESERVED;
	EXPECT_EQ(reserved, RESERVED);
	fixture_free(f);
}

KTEST(multiboot2, a_second_map_of_a_kind_is_ignored)
{
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	block_start(f);
	plain_entry(block_map(f, TAG_MAP, 24, 1), 0x100000, 0x100000, MEM_USABLE);
	plain_entry(block_map(f, TAG_MAP, 24, 1), 0x800000, 0x100000, MEM_USABLE);
	block_end(f);
	EXPECT_EQ(parse(f), 0);
	EXPECT_EQ(f->info.nr_ranges, 1);
	expect_range(t, &f->info, 0, 0x100000, 0x100000, MEM_USABLE);
	EXPECT_NOTE(&f->info, "a second");
	fixture_free(f);
}

/* nr entries of usable memory in each map, 16 MiB apart; the plain one has them `off` bytes higher. */
static void two_maps(struct boot_fixture *f, u32 nr, u64 off)
{
	u8 *e;

	block_start(f);
	e = block_map(f, TAG_MAP, 24, nr);
	for (u32 i = 0; i < nr; i++)
		plain_entry(e + (size_t)i * 24, MIB(16) * (i + 1) + off, MIB(1), MEM_USABLE);
	e = block_map(f, TAG_EFI_MAP, 48, nr);
	for (u32 i = 0; i < nr; i++)
		efi_entry(e + (size_t)i * 48, 7, MIB(16) * (i + 1), 256, 0xf);
	block_end(f);
}

KTEST(multiboot2, few_differences_of_the_maps_are_shown_and_all_are_counted)
{
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	two_maps(f, 6, MIB(2));
	EXPECT_EQ(parse(f), 0);
	EXPECT_EQ(f->info.nr_ranges, 6);
	expect_range(t, &f->info, 5, MIB(96), MIB(1), MEM_USABLE);
	EXPECT_NOTE(&f->info, "[0x4000000, +0x100000) is usable in the EFI map, not in the plain one");
	EXPECT_NULL(strstr(f->info.notes, "[0x5000000"));
	EXPECT_NOTE(&f->info, "disagree about 6 ranges");
	fixture_free(f);
}

KTEST(multiboot2, maps_too_long_to_compare_are_not)
{
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	two_maps(f, 1024, MIB(2));
	EXPECT_EQ(parse(f), 0);
	EXPECT_NOTE(&f->info, "disagree about 1024 ranges");
	two_maps(f, 1025, MIB(2)); /* more than 2^20 pairs */
	EXPECT_EQ(parse(f), 0);
	EXPECT_NULL(strstr(f->info.notes, "disagree"));
	expect_range(t, &f->info, 0, MIB(16), MIB(1), MEM_USABLE);
	fixture_free(f);
}

KTEST(multiboot2, a_map_of_more_entries_than_any_firmware_has_is_cut)
{
	enum { ENTRIES = 65540, MAP = 16 + 24 * ENTRIES, LEN = 8 + MAP + 8 };
	struct boot_fixture *f = fixture_new();
	u8 *block = alloc_pages_exact(LEN, GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN);
	const u32 head[] = {LEN, 0, TAG_MAP, MAP, 24, 0};

	ASSERT_NOT_NULL(f);
	if (block) {
		memcpy(block, head, sizeof(head));
		*(u32 *)(block + 8 + MAP + 4) = 8; /* the end tag */
		plain_entry(block + sizeof(head), MIB(1), MIB(1), MEM_USABLE);
		for (u32 i = 1; i < ENTRIES; i++) /* the last four lie behind the cut */
			plain_entry(block + sizeof(head) + (size_t)24 * i, i < 65536 ? MIB(2) : MIB(4),
				    MIB(1), MEM_USABLE);
		memset(&f->info, 0, sizeof(f->info));
		EXPECT_EQ(multiboot2_parse(block, LEN, FIXTURE_PA, &f->info), 0);
		for (unsigned i = 0; i < f->info.nr_ranges; i++)
			EXPECT_NE(f->info.range[i].start, MIB(4));
		expect_range(t, &f->info, 0, MIB(1), MIB(1), MEM_USABLE);
		EXPECT_NOTE(&f->info, "65540 entries, the first 65536 are used");
		free_pages_exact(block, LEN);
	}
	fixture_free(f);
}

/* Shows multiboot2.I1, multiboot2.I3. */
KTEST(multiboot2, random_damage_is_survived)
{
	struct boot_fixture *f = fixture_new();
	size_t whole;

	ASSERT_NOT_NULL(f);
	block_typical(f);
	whole = f->len;
	for (unsigned round = 0; round < 500; round++) {
		block_typical(f);
		for (u32 n = 1 + test_rand_below(8); n; n--)
			f->bytes[test_rand_below((u32)whole)] = test_rand_below(4) ? (u8)test_rand() : 0xff;
		f->len = test_rand_below(4) ? whole : test_rand_below((u32)whole + 1);
		parse(f);
		expect_sound(t, &f->info);
	}
	fixture_free(f);
}
