/*
 * dmesg.c - a machine's memory map from a saved Linux boot log.
 *
 * Idea.       Linux prints the map that firmware gave, its own changes of it, the SRAT's ranges, its zones, and at the end
 *             the ranges of each node. scan() tries to read a message at each word of a line. Text before a message does
 *             not matter: time stamps of any form, host names, quote marks. All other text is skipped.
 * Layout.     Linux version 6.1.0 ...                                    a boot starts; the last one with a map is used
 *             BIOS-provided physical RAM map:                            also: user-defined, modified
 *             BIOS-e820: [mem 0x0-0x9ffff] usable                        since 3.5; END inclusive
 *             BIOS-e820: [mem 0x0-0x9ffff]  639 KB System RAM            since 7.0; [gap ...] lines are skipped
 *             BIOS-e820: 0000000000000000 - 00000000000a0000 (usable)    before 3.5; END exclusive
 *             BIOS-e820: 0009fc00 @ 00000000 (usable)                    2.2: SIZE @ START; MIPS: memory: SIZE @ START
 *             user: ..., modified: ..., Xen: ..., reserve setup_data: ..., extended: ...    maps that replace firmware's
 *             e820: update [mem 0x0-0xfff] usable ==> reserved           and e820: remove, as above
 *             e820 update range: 0000000000000000 - 0000000000001000 (usable) ==> (reserved)
 *             SRAT: Node 0 PXM 0 [mem 0x0-0x9ffff] [hotplug]             or, before 3.5, 0-a0000
 *             OF: reserved mem: 0x0..0xfff (4 KiB) nomap non-reusable name
 *             Reserved memory: reserved region for node 'name': base 0x0, size 1 MiB
 *             Zone ranges:                                               then, line by line
 *               DMA      [mem 0x1000-0xffffff]                           or empty, or pages: 0x00000001 -> 0x00001000
 *             Early memory node ranges                                   then, line by line
 *               node   0: [mem 0x1000-0x9ffff]                           before 3.5 in pages: 0: 0x00000001 -> 0x000000a0
 *             Initmem setup node 0 [mem 0x1000-0x9ffff]                  figures that dmesg_check.c compares; before
 *             Bootmem setup node 0 0000000000000000-0000000000100000     2.6.18, without node ranges, they are the nodes
 *             On node 0 totalpages: 159
 *             Memory: 500K/636K available
 * Invariants. D1  node ranges are the memory that Linux counted; the map then only describes memory that is not usable
 *             D2  a line that a mail program or a narrow terminal cut in two is read as one
 * Locking.    None: a pure function of the text.
 * Failure.    A known message whose rest cannot be parsed is -EINVAL with its line number. If the node ranges are complete
 *             and agree with Linux's own counts, it is only noted. A log without a map is -EINVAL without a line number.
 * Source.     Linux arch/x86/kernel/e820.c, drivers/acpi/numa/srat.c, drivers/of/of_reserved_mem.c, mm/mm_init.c and
 *             mm/page_alloc.c, 2.2 to 7.1.
 * Next:       dmesg_words.c.
 */
#include "dmesg.h"

#include <kernel/bits.h>
#include <kernel/errno.h>
#include <kernel/printk.h>
#include <kernel/string.h>

enum { OTHER_LINES = 8 }; /* foreign lines allowed between those of a list, because several CPUs print */

/* ---- lines of a PC's map ---- */

static void pc(struct dmesg *d)
{
	if (d->m.arch == MAP_OTHER)
		d->m.arch = MAP_X86_64;
}

static void drop_source(struct map *m, enum map_source source)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < m->bi->nr_ranges; i++)
		if (m->bi->range[i].attr != source)
			m->bi->range[kept++] = m->bi->range[i];
	m->bi->nr_ranges = kept;
}

static enum dmesg_got range_line(struct dmesg *d, struct map_word *t, unsigned source)
{
	struct map_word at = *t;
	u64 first, last;
	enum dmesg_got got;
	u32 type;

	dmesg_skip_blanks(&at);
	if (dmesg_take(&at, "[gap 0x")) {
		d->map_lines++; /* the first line of a map may be a gap */
		return DMESG_NONE;
	}
	if (at.len && !dmesg_take(&at, "[mem") && !dmesg_starts_number(at))
		return DMESG_NONE;
	got = dmesg_take_range(d, t, &first, &last);
	if (got == DMESG_TAKEN)
		got = dmesg_take_type(d, t, &type);
	if (got != DMESG_TAKEN)
		return got;
	dmesg_boot_goes_on(d);
	pc(d);
	d->m.items++;
	d->map_start = d->map_lines++ ? d->map_start : first;
	map_add_range(&d->m, (enum map_source)source, first, last, type);
	return DMESG_TAKEN;
}

/* "user:" and similar words also begin other messages. If no range follows, the line is such a message. */
static enum dmesg_got weak_range_line(struct dmesg *d, struct map_word *t, unsigned source)
{
	struct map_word at = *t;
	enum dmesg_got got = range_line(d, &at, source);

	dmesg_skip_blanks(t);
	if (got == DMESG_BAD && !map_word_starts(*t, "[mem"))
		return DMESG_NONE;
	*t = at;
	return got;
}

/* "memory: 04000000 @ 00000000 (usable)": a line of MIPS. */
static enum dmesg_got mips_line(struct dmesg *d, struct map_word *t, unsigned unused)
{
	struct map_word at = *t;
	u64 first, last;
	u32 type;

	(void)unused;
	dmesg_skip_blanks(&at);
	if (!dmesg_starts_number(at) || dmesg_take_range(d, &at, &first, &last) != DMESG_TAKEN ||
	    dmesg_take_type(d, &at, &type) != DMESG_TAKEN)
		return DMESG_NONE;
	dmesg_boot_goes_on(d);
	d->m.items++;
	map_add_range(&d->m, MAP_DT, first, last, type);
	*t = at;
	return DMESG_TAKEN;
}

/* The header of a PC's map. Without "Linux version" lines a second header means the next boot. */
static enum dmesg_got map_header(struct dmesg *d, struct map_word *t, unsigned unused)
{
	(void)t;
	(void)unused;
	if (d->map_lines)
		dmesg_boot_begins(d);
	dmesg_boot_goes_on(d);
	d->map_header = true;
	return DMESG_TAKEN;
}

/* The header of a complete map after changes. It replaces the map that was printed under the same name. */
static enum dmesg_got new_map_header(struct dmesg *d, struct map_word *t, unsigned source)
{
	(void)t;
	drop_source(&d->m, (enum map_source)source);
	if (source == MAP_USER)
		drop_source(&d->m, MAP_DT); /* MIPS prints both maps under one name */
	return DMESG_TAKEN;
}

static enum dmesg_got edit_line(struct dmesg *d, struct map_word *t, unsigned update)
{
	u64 first, last;
	u32 from = MEM_NONE, to = MEM_NONE;
	struct map_word at = *t;
	enum dmesg_got got;

	dmesg_skip_blanks(&at);
	if (!map_word_starts(at, "[mem") && !dmesg_starts_number(at))
		return DMESG_NONE;
	got = dmesg_take_range(d, t, &first, &last);
	if (got == DMESG_TAKEN && (update || (t->len && (dmesg_is_word(*t->s) || *t->s == '('))))
		got = dmesg_take_type(d, t, &from);
	if (got == DMESG_TAKEN && update) {
		dmesg_skip_blanks(t);
		/* Quoted-printable removes a `=` at the end of a line. */
		got = dmesg_take(t, "==>") || dmesg_take(t, "=>")
			      ? dmesg_take_type(d, t, &to)
			      : dmesg_why(d, "\"%.*s\": expected a type of memory behind ==>", SHOWN(*t));
	}
	/* An edit after the count did not change the counted memory. */
	if (got != DMESG_TAKEN || d->new_boot || d->counted)
		return got;
	map_add_edit(&d->m, first, last, from, to);
	return DMESG_TAKEN;
}

/* Linux prints last_pfn when it takes memory over from the map: later edits do not change the count. */
static enum dmesg_got last_pfn_line(struct dmesg *d, struct map_word *t, unsigned unused)
{
	(void)t;
	(void)unused;
	d->counted_edits = (int)d->m.bi->nr_edits;
	return DMESG_TAKEN;
}

static enum dmesg_got i386_line(struct dmesg *d, struct map_word *t, unsigned unused)
{
	(void)t;
	(void)unused;
	dmesg_boot_goes_on(d);
	d->m.arch = MAP_I386;
	return DMESG_TAKEN;
}

/* Before 2.6.16 the END of a node was printed inclusive, but is read as exclusive, so it is one too small. */
static u64 whole_page(u64 last)
{
	return (last & 0xfff) == 0xffe ? last + 1 : last;
}

/* "Node 0 PXM 0 [mem 0x0-0x9ffff] hotplug", or 0-a0000. */
static enum dmesg_got srat_line(struct dmesg *d, struct map_word *t, unsigned unused)
{
	u64 node, pxm, first, last;
	enum dmesg_got got;

	(void)unused;
	if (!dmesg_take_number(t, 10, &node) || !dmesg_take(t, " PXM ") || !dmesg_take_number(t, 10, &pxm))
		return dmesg_why(d, "expected `SRAT: Node N PXM N` and a range");
	got = dmesg_take_range(d, t, &first, &last);
	if (got != DMESG_TAKEN)
		return got;
	dmesg_boot_goes_on(d);
	map_add_node(&d->m, node, first, whole_page(last), false);
	return DMESG_TAKEN;
}

/* ---- reserved memory of a device tree ---- */

static void reserve(struct dmesg *d, u64 start, u64 size)
{
	struct boot_info *bi = d->m.bi;

	dmesg_boot_goes_on(d);
	if (!size || size > ~0UL - start)
		return;
	if (bi->nr_reserved < BOOT_MAX_RESERVED)
		bi->reserved[bi->nr_reserved++] = (struct boot_reserved){start, start + size};
	else
		boot_note(bi, "log:%u: more than %u reserved ranges, 0x%lx is not one", d->text.line,
			  BOOT_MAX_RESERVED, (unsigned long)start);
}

/* "0xA..0xB (N KiB) nomap non-reusable name". Linux uses reusable memory itself, so it is not reserved. */
static enum dmesg_got of_range_line(struct dmesg *d, struct map_word *t, unsigned unused)
{
	u64 first, last;

	(void)unused;
	if (!map_word_starts(*t, "0x"))
		return DMESG_NONE; /* "initialized node ..." */
	if (!dmesg_take_number(t, 16, &first) || !dmesg_take(t, "..") || !dmesg_take_number(t, 16, &last) ||
	    last < first)
		return dmesg_why(d, "expected `OF: reserved mem: 0xSTART..0xLAST`");
	dmesg_skip_blanks(t);
	if (dmesg_take(t, "("))
		dmesg_take_through(t, ")");
	dmesg_skip_blanks(t);
	if (dmesg_take_word(t, "nomap") || dmesg_take_word(t, "map"))
		dmesg_skip_blanks(t);
	if (dmesg_take_word(t, "reusable"))
		dmesg_boot_goes_on(d);
	else
		reserve(d, first, last - first + 1);
	return DMESG_TAKEN;
}

/* "... 0xA, size N MiB" */
static enum dmesg_got of_size_line(struct dmesg *d, struct map_word *t, unsigned unused)
{
	static const struct {
		const char *unit;
		unsigned shift;
	} units[] = {{"KiB", 10}, {"MiB", 20}, {"GiB", 30}};
	u64 start, size;

	(void)unused;
	if (!dmesg_take_through(t, "0x") || !dmesg_take_number(t, 16, &start) || !dmesg_take(t, ", size ") ||
	    !dmesg_take_number(t, 10, &size))
		return DMESG_NONE;
	dmesg_skip_blanks(t);
	for (unsigned i = 0; i < ARRAY_SIZE(units); i++) {
		if (!dmesg_take_word(t, units[i].unit) || size > ~0UL >> units[i].shift)
			continue;
		reserve(d, start, size << units[i].shift);
		return DMESG_TAKEN;
	}
	return DMESG_NONE;
}

/* ---- zones ---- */

static enum dmesg_got zone_header(struct dmesg *d, struct map_word *t, unsigned unused)
{
	(void)t;
	(void)unused;
	dmesg_boot_goes_on(d);
	memset(d->m.zone, 0, sizeof(d->m.zone));
	d->counted = true;
	d->zone_lines = OTHER_LINES;
	return DMESG_TAKEN;
}

/* Pages "0x00000010 -> 0x00001000" or "0 -> 4096". */
static bool take_pages(struct map_word *t, u64 *start, u64 *end)
{
	struct map_word at = *t;
	unsigned base = map_word_starts(at, "0x") ? 16 : 10;

	if (!dmesg_take_number(&at, base, start))
		return false;
	dmesg_skip_blanks(&at);
	if (!dmesg_take(&at, "->"))
		return false;
	dmesg_skip_blanks(&at);
	if (!dmesg_take_number(&at, base, end) || *start > ~0UL >> 12 || *end > ~0UL >> 12)
		return false;
	*t = at;
	return true;
}

/* "DMA      [mem 0x0-0xffffff]", "DMA empty", or in pages "DMA 0x00000010 -> 0x00001000". */
static enum dmesg_got zone_line(struct dmesg *d, struct map_word *t, unsigned kind)
{
	static const char *const names[] = {"DMA", "DMA32", "Normal", "HighMem", "Movable", "Device"};
	const struct map_word name = {names[kind], (unsigned)strlen(names[kind])};
	struct map_word at = *t;
	u64 start, end;
	enum dmesg_got got;

	dmesg_take(&at, ":");
	if (!d->zone_lines || !at.len || !dmesg_is_blank(*at.s))
		return DMESG_NONE;
	dmesg_skip_blanks(&at);
	if (dmesg_take_word(&at, "empty")) {
		map_set_zone(&d->m, name, true, 0, 0);
	} else if (map_word_starts(at, "[mem")) {
		got = dmesg_take_range(d, &at, &start, &end);
		if (got != DMESG_TAKEN)
			return got;
		map_set_zone(&d->m, name, false, start, end == ~0UL ? end : end + 1);
	} else if (take_pages(&at, &start, &end)) {
		map_set_zone(&d->m, name, start >= end, start << 12, end << 12);
	} else if (dmesg_starts_number(at) && *at.s <= '9') {
		return dmesg_why(
			d, "\"%.*s\": expected a zone's range, [mem 0xSTART-0xLAST], empty or PAGE -> PAGE",
			SHOWN(at));
	} else {
		return DMESG_NONE;
	}
	d->zone_lines = OTHER_LINES;
	*t = at;
	return DMESG_TAKEN;
}

/* ---- nodes ---- */

static enum dmesg_got node_header(struct dmesg *d, struct map_word *t, unsigned unused)
{
	(void)t;
	(void)unused;
	dmesg_boot_goes_on(d);
	dmesg_forget_nodes(d);
	d->node_header = d->counted = true;
	d->zone_lines = 0;
	d->node_lines = OTHER_LINES;
	return DMESG_TAKEN;
}

static void add_node(struct dmesg *d, u64 node, u64 first, u64 last)
{
	dmesg_boot_goes_on(d);
	d->zone_lines = 0;
	if (!d->nodes_seen)
		dmesg_forget_nodes(d); /* those of setup_line() */
	d->nodes_seen++;
	d->m.items++;
	if (dmesg_node_is_known(d, node, first, last))
		return; /* a log of two consoles has each line twice */
	map_show_node(&d->m, node);
	map_add_range(&d->m, MAP_EARLY_NODES, first, last, MEM_USABLE);
	map_add_node(&d->m, node, first, last, true);
}

/* "0: 0x00000001 -> 0x0000009f", "0: 1 -> 159". Only read below their header, because other messages look the same. */
static enum dmesg_got node_pages(struct dmesg *d, struct map_word *t)
{
	struct map_word at = *t;
	u64 node, start, end;

	if (!d->node_lines || !dmesg_take_number(&at, 10, &node) || !dmesg_take(&at, ":"))
		return DMESG_NONE;
	dmesg_skip_blanks(&at);
	if (!take_pages(&at, &start, &end))
		return DMESG_NONE;
	d->node_lines = OTHER_LINES;
	d->in_pages = true;
	if (start < end)
		add_node(d, node, start << 12, (end << 12) - 1);
	*t = at;
	return DMESG_TAKEN;
}

/* "   0: [mem 0x1000-0x9ffff]" after "node", or pages. */
static enum dmesg_got node_line(struct dmesg *d, struct map_word *t, unsigned unused)
{
	struct map_word at = *t;
	u64 node, first, last;
	enum dmesg_got got;

	(void)unused;
	if (!at.len || !dmesg_is_blank(*at.s))
		return DMESG_NONE;
	dmesg_skip_blanks(&at);
	*t = at;
	if (!dmesg_take_number(&at, 10, &node) || !dmesg_take(&at, ":"))
		return DMESG_NONE;
	dmesg_skip_blanks(&at);
	if (!map_word_starts(at, "[mem") && (at.len || !d->node_lines))
		return node_pages(d, t);
	got = dmesg_take_range(d, &at, &first, &last);
	if (got != DMESG_TAKEN)
		return got;
	*t = at;
	d->node_lines = d->node_lines ? OTHER_LINES : 0;
	if (last + 1 != first)
		add_node(d, node, first, last);
	return DMESG_TAKEN;
}

/*
 * "Initmem setup node 0 [mem 0x1000-0x9ffff]", "... 0000000000001000-00000000000a0000", "... as memoryless". If the node's
 * ranges are known, the line is a check: it gives the start of the first and the end of the last. Else it defines the node.
 */
static enum dmesg_got setup_line(struct dmesg *d, struct map_word *t, unsigned unused)
{
	struct map_word at;
	u64 node, first, last;

	(void)unused;
	if (d->new_boot || !dmesg_take_number(t, 10, &node))
		return DMESG_NONE;
	map_show_node(&d->m, node);
	dmesg_skip_blanks(t);
	at = *t;
	if ((map_word_starts(at, "[mem") || dmesg_starts_number(at)) &&
	    dmesg_take_range(d, &at, &first, &last) == DMESG_TAKEN) {
		*t = at;
		if (d->nodes_seen)
			dmesg_check_span(d, node, first, last);
		else if (last && last + 1 != first && !dmesg_node_is_known(d, node, first, whole_page(last)))
			map_add_node(&d->m, node, first, whole_page(last), true);
	}
	return DMESG_TAKEN;
}

static enum dmesg_got totalpages_line(struct dmesg *d, struct map_word *t, unsigned unused)
{
	u64 node, pages;

	(void)unused;
	if (d->new_boot || !dmesg_take_number(t, 10, &node) || !dmesg_take(t, " totalpages: ") ||
	    !dmesg_take_number(t, 10, &pages))
		return DMESG_NONE;
	d->zone_lines = d->node_lines = 0;
	dmesg_check_pages(d, node, pages);
	return DMESG_TAKEN;
}

/* "Memory: 500K/636K available" */
static enum dmesg_got memory_line(struct dmesg *d, struct map_word *t, unsigned unused)
{
	u64 free, all;

	(void)unused;
	if (d->new_boot || !dmesg_take_number(t, 10, &free) ||
	    (!dmesg_take(t, "K/") && !dmesg_take(t, "k/")) || !dmesg_take_number(t, 10, &all) ||
	    (!dmesg_take(t, "K available") && !dmesg_take(t, "k available")))
		return DMESG_NONE;
	dmesg_check_memory(d, all);
	return DMESG_TAKEN;
}

/* The version becomes that of the next boot when a map follows. Bug reports quote /proc/version without a map. */
static enum dmesg_got version_line(struct dmesg *d, struct map_word *t, unsigned unused)
{
	(void)unused;
	if (!t->len || *t->s < '0' || *t->s > '9')
		return DMESG_NONE;
	memset(d->next_kernel, 0, sizeof(d->next_kernel));
	map_kernel_version(*t, d->next_kernel);
	d->new_boot = true;
	return DMESG_TAKEN;
}

/* ---- all messages ---- */

static const struct kind {
	const char *start;
	enum dmesg_got (*fn)(struct dmesg *d, struct map_word *t, unsigned arg);
	unsigned arg;
} kinds[] = {
	{"Linux version ", version_line, 0},
	{"BIOS-provided physical RAM map", map_header, 0},
	{"BIOS-e820:", range_line, MAP_E820},
	{"BIOS-e801:", range_line, MAP_E820},
	{"BIOS-88:", range_line, MAP_E820},
	{"Xen:", weak_range_line, MAP_E820},
	{"user-defined physical RAM map", new_map_header, MAP_USER},
	{"User-defined physical RAM map", new_map_header, MAP_USER},
	{"user:", weak_range_line, MAP_USER},
	{"modified physical RAM map", new_map_header, MAP_MODIFIED},
	{"modified:", weak_range_line, MAP_MODIFIED},
	{"reserve setup_data:", weak_range_line, MAP_SETUP_DATA},
	{"extended:", weak_range_line, MAP_SETUP_DATA},
	{"memory:", mips_line, 0},
	{"e820: update ", edit_line, true},
	{"e820 update range:", edit_line, true},
	{"e820: remove ", edit_line, false},
	{"e820 remove range:", edit_line, false},
	{"last_pfn = 0x", last_pfn_line, 0},
	{"HIGHMEM available", i386_line, 0},
	{"LOWMEM available", i386_line, 0},
	{"SRAT: Node ", srat_line, 0},
	{"OF: reserved mem: ", of_range_line, 0},
	{"reserved region for node ", of_size_line, 0},
	{"created DMA memory pool at ", of_size_line, 0},
	{"Zone ranges:", zone_header, 0},
	{"Zone PFN ranges:", zone_header, 0},
	{"DMA", zone_line, MAP_DMA},
	{"DMA32", zone_line, MAP_DMA32},
	{"Normal", zone_line, MAP_NORMAL},
	{"HighMem", zone_line, MAP_HIGHMEM},
	{"Movable", zone_line, MAP_HIGHMEM + 1},
	{"Device", zone_line, MAP_HIGHMEM + 2},
	{"Early memory node ranges", node_header, 0},
	{"Early memory PFN ranges", node_header, 0},
	{"early_node_map[", node_header, 0},
	{"node", node_line, 0},
	{"Initmem setup node ", setup_line, 0},
	{"Bootmem setup node ", setup_line, 0},
	{"On node ", totalpages_line, 0},
	{"Memory: ", memory_line, 0},
};

static void note_starts(struct dmesg *d)
{
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++)
		d->starts[*kinds[i].start / 64] |= 1UL << *kinds[i].start % 64;
	for (unsigned c = '0'; c <= '9'; c++) /* for node_pages(), which has no keyword */
		d->starts[c / 64] |= 1UL << c % 64;
}

static bool may_start(const struct dmesg *d, char c)
{
	unsigned char at = (unsigned char)c;

	return at < 128 && d->starts[at / 64] >> at % 64 & 1;
}

/* Reads the message at *t, if there is one. */
static enum dmesg_got message(struct dmesg *d, struct map_word *t)
{
	if (!may_start(d, *t->s))
		return DMESG_NONE;
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct map_word at = *t;
		enum dmesg_got got;

		if (*kinds[i].start != *t->s || !dmesg_take(&at, kinds[i].start))
			continue;
		got = kinds[i].fn(d, &at, kinds[i].arg);
		if (got == DMESG_NONE)
			continue;
		d->bad_zone = got == DMESG_BAD && kinds[i].fn == zone_line;
		d->bad_node = got == DMESG_BAD && kinds[i].fn == node_line;
		*t = at;
		return got;
	}
	return node_pages(d, t);
}

/*
 * Whether a message may start at `at`: a time stamp, a mark, nothing, or a message that ended at `from` precedes it.
 * After a word the text only talks about messages.
 */
static bool is_at_start(const struct dmesg *d, unsigned from, unsigned at)
{
	while (at > from && dmesg_is_blank(d->text.buf[at - 1]))
		at--;
	return at == from || strchr("]>;:)|,.0123456789", d->text.buf[at - 1]);
}

/* Keeps the tail from `at` on in the buffer. The next line will be appended to it. */
static void carry(struct dmesg *d, unsigned at)
{
	memmove(d->text.buf, d->text.buf + at, d->text.nr - at);
	d->carried = d->text.nr - at;
	d->carried_line = d->text.line;
	memcpy(d->carried_why, d->why, sizeof(d->why));
}

/*
 * The buffer starts with `carried` bytes of an incomplete message, then a blank and the next line. First the blank
 * counts: a mail program cut the line between words. If that gives no message, the blank is removed: a terminal was too
 * narrow. If that fails too, both lines stay as they are. Returns the offset at which scan() continues.
 */
static unsigned scan_carried(struct dmesg *d, unsigned carried)
{
	struct dmesg_text *text = &d->text;
	char *tail = text->buf + carried;
	unsigned len = text->nr - carried;
	struct map_word t = {text->buf, text->nr};

	if (message(d, &t) == DMESG_TAKEN)
		return (unsigned)(t.s - text->buf);
	memmove(tail - 1, tail, len);
	t = (struct map_word){text->buf, --text->nr};
	if (message(d, &t) == DMESG_TAKEN)
		return (unsigned)(t.s - text->buf);
	memmove(tail, tail - 1, len);
	tail[-1] = ' ';
	text->nr++;
	dmesg_mistake(d, d->carried_line, d->carried_why);
	return carried;
}

/* Reads all messages in the buffer. */
static void scan(struct dmesg *d)
{
	const char *buf = d->text.buf;
	unsigned at = d->carried ? scan_carried(d, d->carried) : 0, from = at;

	d->carried = 0;
	while (at < d->text.nr && !d->m.bad) {
		struct map_word t = {buf + at, d->text.nr - at};
		enum dmesg_got got = at && dmesg_is_word(buf[at - 1]) ? DMESG_NONE : message(d, &t);

		if (got == DMESG_TAKEN) {
			at = from = (unsigned)(t.s - buf);
		} else if (got == DMESG_BAD && is_at_start(d, from, at)) {
			carry(d, at);
			return;
		} else {
			at++;
		}
	}
}

/* Appends the next line to the carried bytes, without its quote marks. */
static bool next_line(struct dmesg *d)
{
	unsigned keep = d->carried;

	if (keep == DMESG_LINE_MAX)
		keep--;
	if (keep)
		d->text.buf[keep++] = ' ';
	d->carried = keep;
	d->text.nr = keep;
	if (!dmesg_text_next(&d->text, keep))
		return false;
	for (; keep && keep < d->text.nr && strchr("> |", d->text.buf[keep]); keep++)
		d->text.buf[keep] = ' ';
	return true;
}

int dmesg_parse(const char *name, const char *text, size_t len, struct boot_info *bi, char *err,
		size_t err_size)
{
	struct dmesg d;

	memset(&d, 0, sizeof(d));
	map_start(&d.m, name, bi, err, err_size);
	if (dmesg_text_is_binary(text, len, &d.m.line)) {
		map_bad(&d.m, "expected text, this line has control characters");
		return -EINVAL;
	}
	dmesg_text_start(&d.text, text, len);
	dmesg_boot_begins(&d);
	note_starts(&d);
	while (!d.m.bad && next_line(&d)) {
		d.m.line = d.text.line;
		d.zone_lines -= !!d.zone_lines;
		d.node_lines -= !!d.node_lines;
		scan(&d);
	}
	if (d.carried)
		dmesg_mistake(&d, d.carried_line, d.carried_why);
	return dmesg_finish(&d);
}
