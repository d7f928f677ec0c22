/*
 * dmesg.c - a machine's memory map from a saved Linux boot log.
 *
 * Idea.       Linux prints the map that firmware gave, what it changed in it, the SRAT's ranges, its nodes and its zones;
 *             that is all that a .map file holds. Of a log only those lines are looked at; everything else, and what
 *             stands in front of a message, is passed over.
 * Layout.     [Jan  1 00:00:00 host kernel: ][<6>][[    0.000000] ]message
 *
 *             Linux version 6.1.0 ...                                    a new boot begins: what came before is forgotten
 *             BIOS-e820: [mem 0x0-0x9ffff] usable                        since 3.5; END inclusive
 *             BIOS-e820: 0000000000000000 - 00000000000a0000 (usable)    before; END exclusive
 *             user: ..., Xen: ..., reserve setup_data: ...               the same after mem=, from Xen, with setup_data cut out
 *             e820: update [mem 0x0-0xfff] usable ==> reserved           and e820: remove, as above
 *             e820 update range: 0000000000000000 - 0000000000001000 (usable) ==> (reserved)
 *             SRAT: Node 0 PXM 0 [mem 0x0-0x9ffff] [hotplug]             or, before 3.5, 0-a0000
 *             Zone ranges:                                               then, line by line
 *               DMA      [mem 0x1000-0xffffff]                           or empty, or pages: 0x00000001 -> 0x00001000
 *               node   0: [mem 0x1000-0x9ffff]                           early memory node ranges
 *             Initmem setup node 0 ...
 * Invariants. L1, L2 of map.c
 * Locking.    None: a pure function of the text.
 * Failure.    A line of one of these kinds that goes on otherwise: -EINVAL and a message with its number. A log without
 *             any map: a message without a number.
 * Source.     Linux arch/x86/kernel/e820.c, drivers/acpi/numa/srat.c, mm/mm_init.c, 2.6.16 to 6.8.
 * Next:       mm/memmap.c.
 */
#include "map_lines.h"

#include <kernel/bits.h>
#include <kernel/errno.h>
#include <kernel/string.h>

struct dmesg {
	struct map m;
	bool in_zones; /* between "Zone ranges:" and the first line that is none */
};

/* ---- pieces of a line ---- */

static void skip(struct map_word *t, unsigned n)
{
	t->s += n;
	t->len -= n;
}

static void skip_blanks(struct map_word *t)
{
	while (t->len && (*t->s == ' ' || *t->s == '\t'))
		skip(t, 1);
}

/* Passes over `text` if it comes next. */
static bool take(struct map_word *t, const char *text)
{
	if (!map_word_starts(*t, text))
		return false;
	skip(t, (unsigned)strlen(text));
	return true;
}

/* Passes over all up to and including `text`. */
static bool take_through(struct map_word *t, const char *text)
{
	struct map_word at = *t;

	for (; at.len; skip(&at, 1))
		if (take(&at, text)) {
			*t = at;
			return true;
		}
	return false;
}

/* A number and what follows it; 0x in front is allowed where the base is 16. */
static bool take_number(struct map_word *t, unsigned base, u64 *v)
{
	struct map_word w;
	unsigned n = 0;

	if (base == 16)
		take(t, "0x");
	while (n < t->len &&
	       ((t->s[n] >= '0' && t->s[n] <= '9') ||
		(base == 16 && ((t->s[n] >= 'a' && t->s[n] <= 'f') || (t->s[n] >= 'A' && t->s[n] <= 'F')))))
		n++;
	w = (struct map_word){t->s, n};
	if (!map_digits(w, base, v))
		return false;
	skip(t, n);
	return true;
}

/* "<6>", "[    0.000000]" and the like, "[T0]": in front of the message, in any number. */
static bool skip_stamp(struct map_word *t)
{
	struct map_word at = *t;
	char close = take(&at, "<") ? '>' : take(&at, "[") ? ']' : '\0';

	if (!close)
		return false;
	while (at.len && *at.s != close) {
		if (*at.s != ' ' && *at.s != '.' && *at.s != 'T' && !(*at.s >= '0' && *at.s <= '9'))
			return false;
		skip(&at, 1);
	}
	if (!at.len)
		return false;
	skip(&at, 1);
	*t = at;
	return true;
}

static struct map_word message(struct map_word line)
{
	struct map_word t = line;

	while (t.len && (t.s[t.len - 1] == '\r' || t.s[t.len - 1] == ' ' || t.s[t.len - 1] == '\t'))
		t.len--;
	take_through(&t, "kernel: ");
	skip_blanks(&t);
	while (skip_stamp(&t))
		skip_blanks(&t);
	return t;
}

/*
 * "[mem 0xA-0xB]", "A - B" or "A-B" in hexadecimal; the latter two end before B. *last is inclusive; *last + 1 == *first
 * is an empty range.
 */
static bool take_range(struct map *m, struct map_word *t, u64 *first, u64 *last)
{
	struct map_word at = *t;
	bool brackets, good;

	skip_blanks(&at);
	brackets = take(&at, "[mem ");
	good = take_number(&at, 16, first);
	skip_blanks(&at);
	good = good && take(&at, "-");
	skip_blanks(&at);
	good = good && take_number(&at, 16, last) && (!brackets || take(&at, "]"));
	skip_blanks(&at);
	if (!good)
		return map_bad(m, "\"%.*s\": expected a range, [mem 0xSTART-0xLAST] or START - END",
			       (int)t->len, t->s);
	if (!brackets && !*first && !*last)
		*first = 1; /* nothing: at 0 that cannot be said inclusively */
	else if (!brackets && *last)
		--*last;
	if (*last < *first && (*last + 1 != *first || (!brackets && !*last && *first > 1)))
		return map_bad(m, "0x%lx to 0x%lx: expected an end that is not before the start",
			       (unsigned long)*first, (unsigned long)*last);
	*t = at;
	return true;
}

/* "usable", "(usable)", "persistent (type 12)": up to the end, or up to `end`. */
static bool take_type(struct map *m, struct map_word *t, const char *end, u32 *type)
{
	struct map_word rest = *t, text = *t;

	if (end && take_through(&rest, end))
		text.len = (unsigned)(rest.s - t->s) - (unsigned)strlen(end);
	else
		skip(&rest, rest.len);
	while (text.len && text.s[text.len - 1] == ' ')
		text.len--;
	if (text.len > 1 && *text.s == '(' && text.s[text.len - 1] == ')')
		text = (struct map_word){text.s + 1, text.len - 2};
	if (map_word_starts(text, "persistent"))
		text.len = (unsigned)strlen("persistent");
	if (!map_type(text, type))
		return map_bad(m, "\"%.*s\": expected a type of memory such as usable or reserved",
			       (int)text.len, text.s);
	*t = rest;
	skip_blanks(t);
	return true;
}

/* ---- kinds of lines ---- */

static void range_line(struct map *m, enum map_source source, struct map_word t)
{
	u64 first, last;
	u32 type;

	if (!take_range(m, &t, &first, &last) || !take_type(m, &t, NULL, &type))
		return;
	m->items++;
	map_add_range(m, source, first, last, type);
}

static void edit_line(struct map *m, bool update, struct map_word t)
{
	u64 first, last;
	u32 from = MEM_NONE, to = MEM_NONE;

	if (!take_range(m, &t, &first, &last))
		return;
	if (update ? !take_type(m, &t, "==>", &from) || !take_type(m, &t, NULL, &to)
		   : t.len && !take_type(m, &t, NULL, &from))
		return;
	map_add_edit(m, first, last, from, to);
}

/* "Node 0 PXM 0 [mem 0x0-0x9ffff] hotplug", or 0-a0000. */
static void srat_line(struct map *m, struct map_word t)
{
	u64 node, pxm, first, last;

	if (!take_number(&t, 10, &node) || !take(&t, " PXM ") || !take_number(&t, 10, &pxm)) {
		map_bad(m, "expected `SRAT: Node N PXM N` and a range");
		return;
	}
	if (take_range(m, &t, &first, &last))
		map_add_node(m, node, first, last, false);
}

/* "DMA [mem 0x0-0xffffff]", "DMA empty", "DMA 0x00000010 -> 0x00001000" or "DMA 0 -> 4096": the latter in pages. */
static bool zone_line(struct map *m, struct map_word t)
{
	static const char *const names[] = {"DMA32", "DMA", "Normal", "HighMem"};
	struct map_word name = {0}, at;
	u64 start, end;

	for (unsigned i = 0; !name.len && i < ARRAY_SIZE(names); i++)
		if (take(&t, names[i]))
			name = (struct map_word){names[i], (unsigned)strlen(names[i])};
	take(&t, ":");
	if (!name.len || (t.len && *t.s != ' ' && *t.s != '\t'))
		return false;
	skip_blanks(&t);
	at = t;
	if (map_word_is(t, "empty")) {
		map_set_zone(m, name, true, 0, 0);
	} else if (map_word_starts(t, "[mem ")) {
		if (take_range(m, &t, &start, &end))
			map_set_zone(m, name, false, start, end == ~0UL ? end : end + 1);
	} else {
		unsigned base = map_word_starts(t, "0x") ? 16 : 10;
		bool good = take_number(&at, base, &start);

		skip_blanks(&at);
		good = good && take(&at, "->");
		skip_blanks(&at);
		if (!good || !take_number(&at, base, &end) || start > ~0UL >> 12 || end > ~0UL >> 12)
			map_bad(m,
				"\"%.*s\": expected a zone's range, [mem 0xSTART-0xLAST], empty or PAGE -> "
				"PAGE",
				(int)t.len, t.s);
		else
			map_set_zone(m, name, start >= end, start << 12, end << 12);
	}
	return true;
}

/* "   0: [mem 0x1000-0x9ffff]" behind "node". Older kernels have other words there, and no need for it. */
static void node_line(struct map *m, struct map_word t)
{
	u64 node, first, last;

	skip_blanks(&t);
	if (!take_number(&t, 10, &node) || !take(&t, ":"))
		return;
	skip_blanks(&t);
	if (!map_word_starts(t, "[mem ") || !take_range(m, &t, &first, &last))
		return;
	m->items++;
	map_show_node(m, node);
	map_add_range(m, MAP_EARLY_NODES, first, last, MEM_USABLE);
	map_add_node(m, node, first, last, true);
}

/* A log of several boots: the last one counts. */
static void boot_begins(struct dmesg *d, struct map_word t)
{
	struct map *m = &d->m;
	const struct map keep = *m;

	map_start(m, keep.name, keep.bi, keep.err, keep.err_size);
	m->line = keep.line;
	m->arch = MAP_OTHER; /* until a line that only a PC's kernel prints */
	d->in_zones = false;
	m->bi->nr_ranges = m->bi->nr_node_ranges = m->bi->nr_edits = m->bi->nr_reserved = 0;
	map_kernel_version(t, m->kernel);
}

static void pc(struct map *m)
{
	if (m->arch == MAP_OTHER)
		m->arch = MAP_X86_64;
}

static void dmesg_line(struct dmesg *d, struct map_word line)
{
	static const struct {
		const char *start;
		enum map_source source;
	} maps[] = {
		{"BIOS-e820: ", MAP_E820}, {"BIOS-e801: ", MAP_E820},
		{"BIOS-88: ", MAP_E820},   {"Xen: ", MAP_E820},
		{"user: ", MAP_USER},	   {"reserve setup_data: ", MAP_SETUP_DATA},
	};
	struct map *m = &d->m;
	struct map_word t = message(line);
	u64 node;

	if (d->in_zones && zone_line(m, t))
		return;
	d->in_zones &= !t.len;
	for (unsigned i = 0; i < ARRAY_SIZE(maps); i++) {
		struct map_word at = t;

		if (!take(&at, maps[i].start))
			continue;
		skip_blanks(&at);
		/* Some of these words stand in front of other messages, too. */
		if (strncmp(maps[i].start, "BIOS", 4) && !map_word_starts(at, "[mem ") &&
		    !map_word_starts(at, "0"))
			return;
		pc(m);
		range_line(m, maps[i].source, at);
		return;
	}
	if (take(&t, "Linux version "))
		boot_begins(d, t);
	else if (take(&t, "e820: update ") || take(&t, "e820 update range: "))
		edit_line(m, true, t);
	else if (take(&t, "e820: remove ") || take(&t, "e820 remove range: "))
		edit_line(m, false, t);
	else if (take(&t, "ACPI: SRAT: Node ") || take(&t, "SRAT: Node "))
		srat_line(m, t);
	else if (take(&t, "Zone ranges:") || take(&t, "Zone PFN ranges:"))
		d->in_zones = true;
	else if (take(&t, "node "))
		node_line(m, t);
	else if (take(&t, "Initmem setup node ") && take_number(&t, 10, &node))
		map_show_node(m, node);
	else if (take_through(&t, "MB HIGHMEM available") || take_through(&t, "MB LOWMEM available"))
		m->arch = MAP_I386;
}

int dmesg_parse(const char *name, const char *text, size_t len, struct boot_info *bi, char *err,
		size_t err_size)
{
	struct map_word line;
	struct dmesg d = {.in_zones = false};

	map_start(&d.m, name, bi, err, err_size);
	d.m.arch = MAP_OTHER;
	while (map_next_line(&d.m, &text, &len, &line))
		dmesg_line(&d, line);
	if (!d.m.items && !d.m.bad) {
		d.m.line = 0;
		map_bad(&d.m, "no memory map, expected lines of a Linux boot log such as `BIOS-e820: [mem "
			      "0x0-0x9ffff] usable`");
	}
	return map_finish(&d.m);
}
