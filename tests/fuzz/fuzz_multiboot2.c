/*
 * fuzz_multiboot2.c - any bytes as a Multiboot2 information block, and the map that comes of it.
 *
 * Idea.       The parser is a pure function of the bytes, which lie in a buffer of exactly their size: a byte read too far
 *             is a sanitizer's report. What it made is checked, and goes on into the next pure function, as at boot.
 * Layout.     input = the block.
 * Invariants. Those of every struct boot_info and of every sanitised map (check_info(), check_map()).
 * Locking.    None.
 * Failure.    A BUG with the values.
 * Next:       fuzz_pvh.c.
 */
#include "boot_rules.h"

static void run_multiboot2(const u8 *data, size_t len)
{
	struct boot_info *bi = fuzz_info_new();
	int err = multiboot2_parse(data, len, 0x10000, bi);

	fuzz_check_info(bi);
	FUZZ_CHECK(!err || !bi->nr_ranges, "no block, but %u ranges", bi->nr_ranges);
	FUZZ_CHECK(bi->info_end - bi->info_start <= len, "the block has 0x%lx bytes of 0x%lx",
		   bi->info_end - bi->info_start, len);
	fuzz_check_map(bi);
}
FUZZ_TARGET("multiboot2", run_multiboot2);
