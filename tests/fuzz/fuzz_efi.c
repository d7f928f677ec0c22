/*
 * fuzz_efi.c - any bytes as UEFI's memory map, and as load options.
 *
 * Idea.       The firmware says the stride and the version of descriptors beside the map; so does the input's head. What comes
 *             of it goes on into the next pure function, as at boot.
 * Layout.     input = u16 stride, u16 version, descriptors, which are copied into a buffer of exactly their size.
 * Invariants. Those of every struct boot_info and of every sanitised map; ranges are not empty and do not wrap.
 * Locking.    None.
 * Failure.    A BUG with the values.
 * Next:       fuzz_multiboot2.c.
 */
#include "boot_rules.h"

#include <stdlib.h>

enum { HEAD = 4 };

static void run_efi(const u8 *data, size_t len)
{
	struct boot_info *bi = fuzz_info_new();
	size_t stride, size;
	u8 *map;
	int err;

	if (len < HEAD)
		return;
	stride = data[0] | (size_t)data[1] << 8;
	size = len - HEAD;
	map = malloc(size);
	memcpy(map, data + HEAD, size);
	err = efi_memmap_parse(map, size, stride, data[2] | (u32)data[3] << 8, bi);
	FUZZ_CHECK(err ? stride < EFI_DESC_MIN && !bi->nr_ranges : bi->nr_ranges <= size / stride,
		   "status %d, %u ranges of %zu bytes with stride %zu", err, bi->nr_ranges, size, stride);
	for (unsigned i = 0; i < bi->nr_ranges; i++)
		FUZZ_CHECK(bi->range[i].size && bi->range[i].start + bi->range[i].size > bi->range[i].start,
			   "range %u: 0x%lx, 0x%lx bytes", i, bi->range[i].start, bi->range[i].size);
	efi_cmdline(map, size, bi);
	fuzz_check_info(bi);
	fuzz_check_map(bi);
	free(map);
}
FUZZ_TARGET("efi", run_efi);
