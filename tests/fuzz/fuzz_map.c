/*
 * fuzz_map.c - any text as a .map file.
 *
 * Idea.       The parser either makes a sound struct boot_info of it or says what it expected instead, in one line.
 * Layout.     input = the file. It need not end in a newline or a NUL.
 * Invariants. As in boot_rules.c.
 * Locking.    None.
 * Failure.    A BUG with the values.
 * Next:       fuzz_dmesg.c, the same for a boot log.
 */
#include "boot_rules.h"

static void run_map(const u8 *data, size_t len)
{
	fuzz_check_text_parser(map_parse, data, len);
}
FUZZ_TARGET("map", run_map);
