/*
 * efi.c - UEFI's memory map as of ExitBootServices, and the load options.
 *
 * Idea.       A descriptor gives a run of 4 KiB pages (independent of the kernel's page size), their use, and how they
 *             may be cached. Memory that only the loader or the boot services used is free now. Memory that firmware
 *             keeps using is not, nor is memory of unknown type, which a later version of UEFI may define. The command
 *             line is text in 16-bit characters. UEFI's Shell puts the program's name first, boot managers do not, and
 *             some pass binary data.
 * Layout.     Descriptors at a stride that firmware gives: u32 type, u32, u64 physical, u64 virtual, u64 pages, u64
 *             attributes. (UEFI 2.10, 7.2.3.)
 * Invariants. I1  for any bytes, every read lies inside [map, map + size)
 *             I2  the work is bounded: EFI_DESCRIPTORS_MAX
 * Locking.    None: pure functions.
 * Failure.    Descriptors that are empty or wrap are counted in a note. -EINVAL only if the stride is too small. Load
 *             options that are not text are noted and ignored.
 * Source.     Linux drivers/firmware/efi/efi-init.c, drivers/firmware/efi/libstub/x86-stub.c.
 * Next:       mm/memmap.c sanitises the ranges.
 */

#include "boot.h"
#include <kernel/bits.h>
#include <kernel/errno.h>

enum {
	PAGE_SHIFT_EFI = 12,
	DESC_VERSION = 1,
	LOADER_CODE = 1,
	LOADER_DATA = 2,
	BOOT_SERVICES_CODE = 3,
	BOOT_SERVICES_DATA = 4,
	CONVENTIONAL = 7,
	UNUSABLE = 8,
	ACPI_RECLAIM = 9,
	ACPI_NVS = 10,
	PERSISTENT = 14,
};

#define EFI_MEMORY_WB 0x8UL
#define EFI_MEMORY_SP 0x40000UL

/* ---- the memory map ---- */

static u32 range_type(u32 type, u64 attr)
{
	switch (type) {
	case LOADER_CODE:
	case LOADER_DATA:
	case BOOT_SERVICES_CODE:
	case BOOT_SERVICES_DATA:
	case CONVENTIONAL:
		if (type == CONVENTIONAL && (attr & EFI_MEMORY_SP))
			return MEM_SOFT_RESERVED;
		return attr & EFI_MEMORY_WB ? MEM_USABLE : MEM_RESERVED;
	case UNUSABLE:
		return MEM_UNUSABLE;
	case ACPI_RECLAIM:
		return MEM_ACPI;
	case ACPI_NVS:
		return MEM_NVS;
	case PERSISTENT:
		return MEM_PERSISTENT;
	default: /* runtime services, devices, unaccepted memory, unknown types */
		return MEM_RESERVED;
	}
}

struct boot_range efi_range(const void *desc)
{
	const u8 *d = desc;
	u64 start = get_u64(d + 8), pages = get_u64(d + 24), attr = get_u64(d + 32);
	struct boot_range r = {.start = start, .type = range_type(get_u32(d), attr), .attr = (u32)attr};

	if (pages <= (~0UL - start) >> PAGE_SHIFT_EFI)
		r.size = pages << PAGE_SHIFT_EFI;
	return r;
}

int efi_memmap_parse(const void *map, size_t size, size_t desc_size, u32 desc_version, struct boot_info *bi)
{
	size_t nr;
	unsigned bad = 0;

	if (desc_size < EFI_DESC_MIN) {
		boot_note(bi, "EFI map: descriptors of %lu bytes, at least %u expected", desc_size,
			  EFI_DESC_MIN);
		return -EINVAL;
	}
	if (desc_version != DESC_VERSION)
		boot_note(bi, "EFI map: descriptors of version %u, %u expected", desc_version, DESC_VERSION);
	nr = size / desc_size;
	if (size % desc_size)
		boot_note(bi, "EFI map: %lu bytes behind the last of %lu descriptors", size % desc_size, nr);
	if (nr > EFI_DESCRIPTORS_MAX) {
		boot_note(bi, "EFI map: %lu descriptors, the first %u are used", nr, EFI_DESCRIPTORS_MAX);
		nr = EFI_DESCRIPTORS_MAX;
	}
	for (size_t i = 0; i < nr; i++) {
		struct boot_range r = efi_range((const u8 *)map + i * desc_size);

		if (r.size)
			boot_add_range(bi, r.start, r.size, r.type, r.attr);
		else
			bad++;
	}
	if (bad)
		boot_note(bi, "EFI map: %u descriptors are empty or wrap, ignored", bad);
	return 0;
}

/* ---- the command line ---- */

static u32 character(const u8 *text, size_t i)
{
	return text[2 * i] | (u32)text[2 * i + 1] << 8;
}

static bool is_blank(u32 c)
{
	return c == ' ' || c == '\t';
}

/* Counts the characters before the NUL or the end. Returns false if one of them is a control character, so no text. */
static bool measure(const u8 *text, size_t size, size_t *n)
{
	for (*n = 0; *n < size / 2 && character(text, *n); ++*n)
		if (character(text, *n) < ' ' && !is_blank(character(text, *n)))
			return false;
	return true;
}

/* Whether the word that ends at `end` is a program's name. */
static bool ends_in_efi(const u8 *text, size_t end)
{
	static const char suffix[] = ".efi";
	const size_t len = sizeof(suffix) - 1;

	for (size_t i = 0; end >= len && i < len; i++)
		if ((character(text, end - len + i) | (suffix[i] == '.' ? 0 : 0x20)) != (u32)suffix[i])
			return false;
	return end >= len;
}

void efi_cmdline(const void *options, size_t size, struct boot_info *bi)
{
	const u8 *text = options;
	size_t n, at = 0, out = 0;

	if (!measure(text, size, &n)) {
		boot_note(bi, "EFI: %lu bytes of load options are no text, ignored", size);
		return;
	}
	while (at < n && !is_blank(character(text, at)))
		at++;
	if (!ends_in_efi(text, at))
		at = 0;
	while (at < n && is_blank(character(text, at)))
		at++;
	if (at == n)
		return;
	for (; at < n && out < sizeof(bi->cmdline) - 1; at++, out++)
		bi->cmdline[out] = (char)(character(text, at) < 0x7f ? character(text, at) : '?');
	bi->cmdline[out] = '\0';
	if (at < n)
		boot_note(bi, "EFI: the command line is cut after %d bytes", BOOT_CMDLINE_SIZE - 1);
}
