/*
 * fuzz_dmesg.c - any text as a saved Linux boot log.
 *
 * Idea.       As with .map files; what the parser does not know it has to pass over.
 * Layout.     input = the log.
 * Invariants. As in boot_rules.c.
 * Locking.    None.
 * Failure.    A BUG with the values.
 * Next:       fuzz_efi.c.
 */
#include "boot_rules.h"

static void run_dmesg(const u8 *data, size_t len)
{
	fuzz_check_text_parser(dmesg_parse, data, len);
}
FUZZ_TARGET("dmesg", run_dmesg);
