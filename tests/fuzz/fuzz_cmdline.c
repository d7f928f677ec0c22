/*
 * fuzz_cmdline.c - any text as the kernel's command line.
 *
 * Idea.       Every option's handler runs, as at boot: it only records. What memmap= says is also done to a map, which has
 *             to stay a map.
 * Layout.     input = the line, up to its first NUL.
 * Invariants. The text has one place for good: handlers keep pointers into it. It lies at the end of that place, so that
 *             a byte read too far is a sanitizer's report.
 * Locking.    None.
 * Failure.    A BUG with the values.
 * Next:       fuzz_shell.c.
 */
#include "fuzz.h"

#include <kernel/bits.h>
#include <kernel/cmdline.h>
#include <kernel/printk.h>
#include <kernel/string.h>

#include <mm/memmap.h>

enum { MAP_ENTRIES = 24 };

static void check_map(const struct memmap_entry *map, unsigned nr)
{
	FUZZ_CHECK(nr <= MAP_ENTRIES, "%u entries of %d", nr, MAP_ENTRIES);
	for (unsigned i = 0; i < nr; i++)
		FUZZ_CHECK(map[i].start < map[i].end && (!i || map[i - 1].end <= map[i].start),
			   "entry %u: 0x%lx to 0x%lx", i, map[i].start, map[i].end);
}

static void apply_memmap(const char *value)
{
	static const struct boot_range ranges[] = {
		{0, KIB(640), MEM_USABLE, 0},	     {KIB(640), KIB(384), MEM_RESERVED, 0},
		{MIB(1), MIB(63), MEM_USABLE, 0},    {MIB(64), MIB(1), MEM_ACPI, 0},
		{GIB(4), GIB(4), MEM_USABLE, 0},     {GIB(8), MIB(2), MEM_PRAM, 0},
		{~0UL - MIB(1), MIB(1), MEM_NVS, 0},
	};
	struct memmap_entry map[MAP_ENTRIES];
	struct memmap_edits edits = {};
	unsigned nr = memmap_sanitise(ranges, ARRAY_SIZE(ranges), map, MAP_ENTRIES);

	check_map(map, nr);
	if (memmap_parse(&edits, value)) {
		FUZZ_CHECK(!edits.nr, "%u edits of a value that is refused", edits.nr);
		return;
	}
	FUZZ_CHECK(edits.nr && edits.nr <= ARRAY_SIZE(edits.edit), "%u edits", edits.nr);
	check_map(map, memmap_apply(&edits, map, nr, MAP_ENTRIES));
}

static void run_cmdline(const u8 *data, size_t len)
{
	static char place[BOOT_CMDLINE_SIZE];
	char *text;

	len = strnlen((const char *)data, min(len, sizeof(place) - 1));
	text = place + sizeof(place) - 1 - len;
	memcpy(text, data, len);
	text[len] = '\0';
	if (strncmp(text, "memmap=", 7) == 0)
		apply_memmap(text + 7);
	console_loglevel = LOG_EMERG; /* the last line's loglevel= */
	cmdline_parse(text);
}
FUZZ_TARGET("cmdline", run_cmdline);
