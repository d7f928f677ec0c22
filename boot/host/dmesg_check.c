/*
 * dmesg_check.c - checks whether a boot log is complete, and reports what is missing.
 *
 * Idea.       Linux prints the same facts more than once: the ranges of its nodes, then the start, end and page count of
 *             each node, then the total memory. A log that lost its first lines, or lines in between, therefore contradicts
 *             itself. A log with one damaged line whose counts agree is as good as complete.
 * Layout.     doubt: the first figure that contradicts the ranges. mistake: the first message that could not be read.
 *             agreed: some figure confirms the ranges.
 * Invariants. C1  a log that is known to lack memory is refused or gets a note; no loss is silent
 *             C2  an unreadable message is an error, unless node ranges without a doubt make it unnecessary
 * Locking.    None: pure functions.
 * Failure.    -EINVAL and a message with the line, or a note.
 * Next:       mm/memmap.c.
 */
#include "dmesg.h"

#include <kernel/bits.h>
#include <kernel/errno.h>
#include <kernel/printk.h>
#include <kernel/string.h>

void dmesg_boot_begins(struct dmesg *d)
{
	struct map *m = &d->m;
	const struct map keep = *m;

	map_start(m, keep.name, keep.bi, keep.err, keep.err_size);
	m->line = keep.line;
	m->arch = MAP_OTHER; /* until a line that only a PC prints */
	memcpy(m->kernel, d->new_boot ? d->next_kernel : keep.kernel, sizeof(m->kernel));
	m->bi->nr_ranges = m->bi->nr_node_ranges = m->bi->nr_edits = m->bi->nr_reserved = 0;
	d->version_seen = d->new_boot;
	d->new_boot = d->map_header = d->node_header = d->counted = d->in_pages = d->agreed = false;
	d->counted_edits = -1;
	d->map_lines = d->nodes_seen = d->zone_lines = d->node_lines = 0;
	d->memory_kb = 0;
	d->doubt_line = d->mistake_line = 0;
}

void dmesg_boot_goes_on(struct dmesg *d)
{
	if (d->new_boot)
		dmesg_boot_begins(d);
}

void dmesg_mistake(struct dmesg *d, unsigned line, const char *why)
{
	if (d->mistake_line)
		return;
	d->mistake_line = line;
	d->mistake_in_zone = d->bad_zone;
	d->mistake_in_node = d->bad_node;
	strlcpy(d->mistake, why, sizeof(d->mistake));
}

static __printf(2, 3) void doubt(struct dmesg *d, const char *fmt, ...)
{
	va_list ap;

	if (d->doubt_line)
		return;
	d->doubt_line = d->text.line;
	va_start(ap, fmt);
	vsnprintf(d->doubt, sizeof(d->doubt), fmt, ap);
	va_end(ap);
}

/* ---- ranges of nodes ---- */

static bool is_of(const struct boot_node_range *r, u64 node)
{
	return r->node == ((u32)node | MAP_LOG_NODE);
}

bool dmesg_node_is_known(const struct dmesg *d, u64 node, u64 first, u64 last)
{
	const struct boot_info *bi = d->m.bi;

	for (unsigned i = 0; i < bi->nr_node_ranges; i++) {
		const struct boot_node_range *r = &bi->node_range[i];

		if (is_of(r, node) && r->start == first && r->start + r->size - 1 == last)
			return true;
	}
	return false;
}

void dmesg_forget_nodes(struct dmesg *d)
{
	struct boot_info *bi = d->m.bi;
	unsigned kept = 0;

	for (unsigned i = 0; i < bi->nr_node_ranges; i++)
		if (!(bi->node_range[i].node & MAP_LOG_NODE))
			bi->node_range[kept++] = bi->node_range[i];
	bi->nr_node_ranges = kept;
	kept = 0;
	for (unsigned i = 0; i < bi->nr_ranges; i++)
		if (bi->range[i].attr != MAP_EARLY_NODES)
			bi->range[kept++] = bi->range[i];
	bi->nr_ranges = kept;
	d->nodes_seen = 0;
	d->agreed = d->in_pages = false;
}

/* Sum of the sizes of a node's ranges, and the span that they cover. */
struct extent {
	u64 bytes, first, last;
};

static struct extent extent_of(const struct dmesg *d, u64 node)
{
	const struct boot_info *bi = d->m.bi;
	struct extent e = {.first = ~0UL};

	for (unsigned i = 0; i < bi->nr_node_ranges; i++) {
		const struct boot_node_range *r = &bi->node_range[i];

		if (!is_of(r, node))
			continue;
		e.bytes += r->size;
		e.first = min(e.first, r->start);
		e.last = max(e.last, r->start + r->size - 1);
	}
	return e;
}

static u64 bytes_of_all(const struct dmesg *d)
{
	const struct boot_info *bi = d->m.bi;
	u64 bytes = 0;

	for (unsigned i = 0; i < bi->nr_ranges; i++)
		bytes += bi->range[i].attr == MAP_EARLY_NODES ? bi->range[i].size : 0;
	return bytes;
}

/* ---- figures ---- */

void dmesg_check_span(struct dmesg *d, u64 node, u64 first, u64 last)
{
	struct extent e = extent_of(d, node);

	if (e.bytes && !d->in_pages && (e.first != first || e.last != last))
		doubt(d, "node %lu is [mem 0x%lx-0x%lx], its ranges are [mem 0x%lx-0x%lx]",
		      (unsigned long)node, (unsigned long)first, (unsigned long)last, (unsigned long)e.first,
		      (unsigned long)e.last);
}

/* The page size is 4 KiB or another one that the machine supports. */
void dmesg_check_pages(struct dmesg *d, u64 node, u64 pages)
{
	static const unsigned shifts[] = {12, 13, 14, 16};
	struct extent e = extent_of(d, node);

	if (!d->nodes_seen)
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(shifts); i++)
		if (pages == e.bytes >> shifts[i] && (!i || !d->in_pages)) {
			d->agreed = true;
			return;
		}
	doubt(d, "node %lu has %lu pages, its ranges have %lu KiB", (unsigned long)node, (unsigned long)pages,
	      (unsigned long)(e.bytes >> 10));
}

static bool is_from(const unsigned kernel[3], unsigned major, unsigned minor)
{
	return kernel[0] > major || (kernel[0] == major && kernel[1] >= minor);
}

/* Ranges given in pages were read as pages of 4 KiB. The true pages are `factor` times as large. */
static void scale_pages(struct dmesg *d, unsigned factor)
{
	struct boot_info *bi = d->m.bi;

	for (unsigned i = 0; i < bi->nr_ranges; i++)
		if (bi->range[i].attr == MAP_EARLY_NODES) {
			bi->range[i].start *= factor;
			bi->range[i].size *= factor;
		}
	for (unsigned i = 0; i < bi->nr_node_ranges; i++)
		if (bi->node_range[i].node & MAP_LOG_NODE) {
			bi->node_range[i].start *= factor;
			bi->node_range[i].size *= factor;
		}
	for (unsigned i = 0; i < MAP_ZONES; i++) {
		d->m.zone[i].start *= factor;
		d->m.zone[i].end *= factor;
	}
	d->in_pages = false;
}

void dmesg_check_memory(struct dmesg *d, u64 kb)
{
	u64 bytes = bytes_of_all(d);

	d->memory_kb = kb;
	if (!d->nodes_seen)
		return;
	if (kb == bytes >> 10) {
		d->agreed = true;
	} else if (d->in_pages &&
		   (kb == bytes >> 10 << 1 || kb == bytes >> 10 << 2 || kb == bytes >> 10 << 4)) {
		scale_pages(d, (unsigned)(kb / (bytes >> 10)));
		d->agreed = true;
	} else if (is_from(d->m.kernel, 3, 11)) { /* older versions also count holes */
		doubt(d, "Linux has %lu KiB of memory, the ranges of its nodes %lu", (unsigned long)kb,
		      (unsigned long)bytes >> 10);
	}
}

/* ---- the end ---- */

static bool refuse(struct dmesg *d, unsigned line, const char *text, const char *more)
{
	d->m.line = line;
	return map_bad(&d->m, "%s%s", text, more);
}

static bool is_readable(struct dmesg *d)
{
	bool excused =
		d->nodes_seen && !d->doubt_line && !d->mistake_in_zone && (d->agreed || !d->mistake_in_node);

	if (!d->mistake_line)
		return true;
	if (!excused)
		return refuse(d, d->mistake_line, d->mistake, "");
	boot_note(d->m.bi, "log:%u: %s: not used, the ranges of the nodes say what memory there is",
		  d->mistake_line, d->mistake);
	return true;
}

/* The ring buffer of a running kernel overwrites its first lines, and bug reports quote parts. */
static bool begins_at_the_beginning(struct dmesg *d)
{
	static const char lost[] =
		"there is no line `Linux version` in front of the map: the log's beginning is lost";
	bool pcs_map = d->map_lines && !d->nodes_seen;

	if (d->version_seen)
		return true;
	if (d->nodes_seen && !d->node_header && d->doubt_line)
		return refuse(d, d->doubt_line, d->doubt,
			      ": the log's beginning is lost, lines of its map too");
	if (pcs_map && !d->map_header && d->map_start)
		return refuse(d, 0, "the first range of the map is not at 0",
			      ": the log's beginning is lost, lines of its map too");
	boot_note(d->m.bi, "log: %s%s", lost,
		  d->nodes_seen && !d->node_header ? ", and maybe ranges of nodes" : "");
	return true;
}

static void say_what_was_skipped(struct dmesg *d)
{
	struct boot_info *bi = d->m.bi;
	const struct dmesg_text *t = &d->text;

	if (t->wide)
		boot_note(bi, "log: %u lines are UTF-16, their zero bytes were skipped", t->wide);
	else if (t->zeros)
		boot_note(bi, "log: %u zero bytes were skipped, the first in line %u", t->zeros,
			  t->first_zero);
	if (t->cut)
		boot_note(bi,
			  "log: %u lines are longer than %u bytes, the first is line %u: the rest of each "
			  "was skipped",
			  t->cut, DMESG_LINE_MAX, t->first_cut);
}

/* Notes doubts. Without node ranges, compares the memory of the map with the total that Linux printed. */
static void compare_map(struct dmesg *d)
{
	u64 cursor = 0, start, end, bytes = 0;

	if (d->doubt_line)
		boot_note(d->m.bi, "log:%u: %s: lines are missing or wrong", d->doubt_line, d->doubt);
	if (d->nodes_seen || !d->memory_kb || !is_from(d->m.kernel, 3, 11))
		return;
	while (boot_next_usable(d->m.bi, &cursor, &start, &end))
		bytes += end - start;
	if (bytes >> 10 != d->memory_kb)
		boot_note(d->m.bi,
			  "log: Linux has %lu KiB of memory, the map leads to %lu: lines are missing",
			  (unsigned long)d->memory_kb, (unsigned long)bytes >> 10);
}

int dmesg_finish(struct dmesg *d)
{
	struct map *m = &d->m;
	int err;

	m->line = 0;
	if (!m->bad && !m->items && !d->mistake_line)
		refuse(d, 0,
		       "no memory map, expected lines of a Linux boot log such as `BIOS-e820: [mem "
		       "0x0-0x9ffff] "
		       "usable` or `node   0: [mem 0x0-0x9ffff]`",
		       d->version_seen || d->new_boot
			       ? ""
			       : "; nor is there `Linux version`: the log's beginning is lost");
	if (m->bad || !is_readable(d) || !begins_at_the_beginning(d))
		return -EINVAL;
	/* Since 5.5 Linux reserves UEFI's tables in the map after it has taken memory over from it. */
	if (d->counted_edits >= 0 && is_from(m->kernel, 5, 5))
		m->bi->nr_edits = min(m->bi->nr_edits, (unsigned)d->counted_edits);
	err = map_finish(m);
	if (err)
		return err;
	say_what_was_skipped(d);
	compare_map(d);
	return 0;
}
