/*
 * fuzz_pvh.c - any bytes as the memory that a PVH loader has left.
 *
 * Idea.       The input is a piece of physical memory with the start information at its beginning; pointers lead to other
 *             places in it or to where nothing answers.
 * Layout.     input = [FUZZ_PA, FUZZ_PA + len)
 * Invariants. As in boot_rules.c.
 * Locking.    None.
 * Failure.    A BUG with the values.
 * Next:       fuzz_acpi.c.
 */
#include "boot_rules.h"

static void run_pvh(const u8 *data, size_t len)
{
	struct boot_info *bi = fuzz_info_new();
	struct fuzz_mem memory = fuzz_mem_of(data, len);
	int err;

	memory.mem.ctx = &memory;
	err = pvh_parse(&memory.mem, FUZZ_PA, bi);
	fuzz_check_info(bi);
	FUZZ_CHECK(!err || !bi->nr_ranges, "no start information, but %u ranges", bi->nr_ranges);
	fuzz_check_map(bi);
}
FUZZ_TARGET("pvh", run_pvh);
