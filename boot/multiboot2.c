/*
 * multiboot2.c - the information block of a Multiboot2 loader.
 *
 * Idea.       One pass over the tags copies the small ones and records the positions of the maps. Then the best map is
 *             converted. The EFI map (tag 17) has the most detail and is preferred. The plain map (tag 6), which GRUB
 *             derives from it, is compared with it. Without a map, tag 4 gives two sizes.
 * Layout.     u32 total size, u32 0, then tags at multiples of 8: u32 type, u32 size (header included),
 *             payload; the end is type 0, size 8. (Multiboot2 specification 2.0, section 3.6.)
 * Invariants. I1  for any bytes, every read lies inside [buf, buf + len)
 *             I2  the work is bounded: at most len / 8 tags, MAP_ENTRIES_MAX entries of one map
 *             I3  fields are read bytewise (memcpy), so the block need not be aligned
 * Locking.    None: a pure function.
 * Failure.    A tag that is too short for its type is noted and skipped. A tag that reaches past the block ends the pass.
 *             -EINVAL only if there is no block.
 * Next:       efi.c, for the EFI map; mm/memmap.c sanitises the ranges; acpi.c finds tables from the RSDP.
 */

#include "boot.h"
#include <kernel/bits.h>
#include <kernel/errno.h>
#include <kernel/string.h>

enum mb2_tag {
	TAG_END = 0,
	TAG_CMDLINE = 1,
	TAG_LOADER = 2,
	TAG_MODULE = 3,
	TAG_BASIC_MEMORY = 4,
	TAG_MAP = 6,
	TAG_EFI32 = 11,
	TAG_EFI64 = 12,
	TAG_RSDP_OLD = 14,
	TAG_RSDP_NEW = 15,
	TAG_EFI_MAP = 17,
	TAG_EFI_BOOT_SERVICES = 18,
};

enum {
	TAG_HEADER = 8,
	MAP_HEADER = 16,    /* tag header, entry size, version */
	MAP_ENTRY_MIN = 24, /* u64 base, u64 length, u32 type, u32 reserved */
	MAP_ENTRIES_MAX = EFI_DESCRIPTORS_MAX,
	BASIC_LOWER_MAX_KIB = 640,
	COMPARES_MAX = 1 << 20, /* product of the numbers of entries; above it the maps are not compared */
	DISAGREEMENTS_SHOWN = 4,
};

/* The payload of a map: nr complete entries of `stride` bytes. */
struct map_tag {
	const u8 *entries;
	u32 stride, version, nr;
};

struct map_tags {
	struct map_tag plain, efi;
	const u8 *basic;
	bool boot_services;
};

/* ---- maps ---- */

static void map_tag_open(struct map_tag *map, const u8 *tag, u32 size, u32 stride_min, const char *what,
			 struct boot_info *bi)
{
	u32 stride = get_u32(tag + TAG_HEADER), nr;

	if (map->entries) {
		boot_note(bi, "Multiboot2: a second %s map, ignored", what);
		return;
	}
	if (stride < stride_min) {
		boot_note(bi, "Multiboot2: %s map has entries of %u bytes, at least %u expected", what,
			  stride, stride_min);
		return;
	}
	if (stride % 8)
		boot_note(bi, "Multiboot2: %s map has entries of %u bytes, no multiple of 8", what, stride);
	nr = (size - MAP_HEADER) / stride;
	if (nr > MAP_ENTRIES_MAX) {
		boot_note(bi, "Multiboot2: %s map has %u entries, the first %u are used", what, nr,
			  MAP_ENTRIES_MAX);
		nr = MAP_ENTRIES_MAX;
	}
	*map = (struct map_tag){.entries = tag + MAP_HEADER,
				.stride = stride,
				.version = get_u32(tag + TAG_HEADER + 4),
				.nr = nr};
}

static struct boot_range plain_entry(const struct map_tag *map, u32 i)
{
	const u8 *e = map->entries + (size_t)i * map->stride;
	u32 type = get_u32(e + 16);

	return (struct boot_range){get_u64(e), get_u64(e + 8), type == MEM_NONE ? MEM_RESERVED : type, 0};
}

static struct boot_range efi_entry(const struct map_tag *map, u32 i)
{
	return efi_range(map->entries + (size_t)i * map->stride);
}

static void plain_map_add(const struct map_tag *map, struct boot_info *bi)
{
	for (u32 i = 0; i < map->nr; i++) {
		struct boot_range r = plain_entry(map, i);

		boot_add_range(bi, r.start, r.size, r.type, 0);
	}
}

/* Number of bytes in [start, start + size) that the plain map calls usable. Assumes that its entries do not overlap. */
static u64 plain_usable(const struct map_tag *map, u64 start, u64 size)
{
	u64 sum = 0;

	for (u32 i = 0; i < map->nr; i++) {
		struct boot_range r = plain_entry(map, i);
		u64 from = max(start, r.start), to = min(start + size, r.start + r.size);

		if (r.type == MEM_USABLE && r.start + r.size >= r.start && from < to)
			sum += to - from;
	}
	return sum;
}

/* Memory that is usable in the EFI map should be usable in the plain map. The EFI map is used; differences are noted. */
static void maps_compare(const struct map_tags *maps, struct boot_info *bi)
{
	unsigned differ = 0;

	if ((u64)maps->efi.nr * maps->plain.nr > COMPARES_MAX)
		return;
	for (u32 i = 0; i < maps->efi.nr; i++) {
		struct boot_range r = efi_entry(&maps->efi, i);

		if (r.type != MEM_USABLE || plain_usable(&maps->plain, r.start, r.size) == r.size)
			continue;
		if (differ++ < DISAGREEMENTS_SHOWN)
			boot_note(
				bi,
				"Multiboot2: [0x%lx, +0x%lx) is usable in the EFI map, not in the plain one",
				r.start, r.size);
	}
	if (differ > DISAGREEMENTS_SHOWN)
		boot_note(bi, "Multiboot2: the maps disagree about %u ranges", differ);
}

static void basic_memory_add(const u8 *tag, struct boot_info *bi)
{
	u32 lower = min(get_u32(tag + TAG_HEADER), (u32)BASIC_LOWER_MAX_KIB), upper = get_u32(tag + 12);

	boot_note(bi, "Multiboot2: no memory map, only %u KiB below and %u KiB above 1 MiB", lower, upper);
	boot_add_range(bi, 0, KIB(lower), MEM_USABLE, 0);
	boot_add_range(bi, MIB(1), KIB(upper), MEM_USABLE, 0);
}

static void best_map_add(const struct map_tags *maps, struct boot_info *bi)
{
	bool efi = maps->efi.nr && !maps->boot_services;

	if (maps->efi.nr && maps->boot_services)
		boot_note(bi, "Multiboot2: EFI boot services still run, their map is not final and not used");
	if (efi) {
		if (maps->plain.nr)
			maps_compare(maps, bi);
		efi_memmap_parse(maps->efi.entries, (size_t)maps->efi.nr * maps->efi.stride, maps->efi.stride,
				 maps->efi.version, bi);
	}
	if (!bi->nr_ranges && maps->plain.nr)
		plain_map_add(&maps->plain, bi);
	if (!bi->nr_ranges && maps->basic)
		basic_memory_add(maps->basic, bi);
	if (!bi->nr_ranges)
		boot_note(bi, "Multiboot2: no memory map");
}

/* ---- tags ---- */

static void add_module(const u8 *tag, u32 size, struct boot_info *bi)
{
	struct boot_module *m = &bi->module[bi->nr_modules];
	u32 start = get_u32(tag + TAG_HEADER), end = get_u32(tag + 12);

	if (end < start) {
		boot_note(bi, "Multiboot2: module ends at 0x%x before its start 0x%x, ignored", end, start);
		return;
	}
	if (bi->nr_modules == BOOT_MAX_MODULES) {
		/* There is no room to keep it as a module, but its memory is not free. */
		boot_note(bi, "Multiboot2: more than %d modules", BOOT_MAX_MODULES);
		boot_add_range(bi, start, end - start, MEM_RESERVED, 0);
		return;
	}
	m->start = start;
	m->end = end;
	boot_copy_text(m->name, sizeof(m->name), (const char *)tag + 16, size - 16);
	bi->nr_modules++;
}

/* The copy of version 1 has 20 bytes; a later one contains its length. The newer version is kept. */
static void copy_rsdp(const u8 *tag, u32 size, u32 type, struct boot_info *bi)
{
	if (type == TAG_RSDP_OLD && bi->rsdp_copy_len > 20)
		return;
	bi->rsdp_copy_len = min(size - TAG_HEADER, (u32)sizeof(bi->rsdp_copy));
	memcpy(bi->rsdp_copy, tag + TAG_HEADER, bi->rsdp_copy_len);
}

static u32 tag_size_min(u32 type)
{
	switch (type) {
	case TAG_MODULE:
	case TAG_BASIC_MEMORY:
	case TAG_MAP:
	case TAG_EFI_MAP:
		return 16;
	case TAG_RSDP_OLD:
	case TAG_RSDP_NEW:
		return TAG_HEADER + 20;
	default:
		return TAG_HEADER;
	}
}

static void tag_read(const u8 *tag, u32 type, u32 size, struct map_tags *maps, struct boot_info *bi)
{
	switch (type) {
	case TAG_CMDLINE:
		if (!boot_copy_text(bi->cmdline, sizeof(bi->cmdline), (const char *)tag + TAG_HEADER,
				    size - TAG_HEADER))
			boot_note(bi, "Multiboot2: the command line is cut after %d bytes",
				  BOOT_CMDLINE_SIZE - 1);
		break;
	case TAG_LOADER:
		boot_copy_text(bi->loader, sizeof(bi->loader), (const char *)tag + TAG_HEADER,
			       size - TAG_HEADER);
		break;
	case TAG_MODULE:
		add_module(tag, size, bi);
		break;
	case TAG_BASIC_MEMORY:
		maps->basic = tag;
		break;
	case TAG_MAP:
		map_tag_open(&maps->plain, tag, size, MAP_ENTRY_MIN, "plain", bi);
		break;
	case TAG_EFI_MAP:
		map_tag_open(&maps->efi, tag, size, EFI_DESC_MIN, "EFI", bi);
		break;
	case TAG_RSDP_OLD:
	case TAG_RSDP_NEW:
		copy_rsdp(tag, size, type, bi);
		break;
	case TAG_EFI_BOOT_SERVICES:
		maps->boot_services = true;
		break;
	}
	if (type == TAG_EFI32 || type == TAG_EFI64 || type == TAG_EFI_MAP)
		bi->efi = true;
}

int multiboot2_parse(const void *buf, size_t len, u64 buf_pa, struct boot_info *bi)
{
	const u8 *base = buf;
	struct map_tags maps = {};
	u32 total, type = ~0U;
	size_t pos = 8;

	bi->protocol = "Multiboot2";
	if (len < 8 || (total = get_u32(base)) < 8) {
		boot_note(bi, "Multiboot2: no information block at 0x%lx", buf_pa);
		return -EINVAL;
	}
	if (total > len)
		boot_note(bi, "Multiboot2: block of %u bytes, only %lu can be read", total, len);
	len = min(len, (size_t)total);
	bi->info_start = buf_pa;
	bi->info_end = buf_pa + len;

	while (pos <= len && len - pos >= TAG_HEADER) {
		const u8 *tag = base + pos;
		u32 size = get_u32(tag + 4);

		type = get_u32(tag);
		if (type == TAG_END)
			break;
		if (size < TAG_HEADER || size > len - pos) {
			boot_note(bi, "Multiboot2: tag %u at +0x%lx has size 0x%x, the block ends at +0x%lx",
				  type, pos, size, len);
			break;
		}
		if (size < tag_size_min(type))
			boot_note(bi, "Multiboot2: tag %u at +0x%lx is too short, %u bytes", type, pos, size);
		else
			tag_read(tag, type, size, &maps, bi);
		pos += ALIGN_UP((size_t)size, (size_t)8);
	}
	if (type != TAG_END)
		boot_note(bi, "Multiboot2: the end tag is missing");
	best_map_add(&maps, bi);
	return 0;
}
