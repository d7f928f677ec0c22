/*
 * memmap.c - the firmware's memory map, sanitised.
 *
 * Idea.       Firmware lists ranges unsorted, overlapping and of any length. A sweep over the borders
 *             of all ranges in ascending order gives each byte one type: the largest type number of the
 *             ranges that cover it. In e820's numbering a larger number is more restrictive.
 * Layout.     memmap[0 .. memmap_nr): sorted, disjoint, half-open; touching entries of one type are
 *             merged. Example:
 *
 *              input    usable   [0, 640K)  reserved [600K, 1M)  usable [1M, 512M)  ACPI data [500M, 501M)
 *              output   usable   [0, 600K)  reserved [600K, 1M)  usable [1M, 500M)  ACPI data [500M, 501M)
 *                       usable   [501M, 512M)
 *
 * Invariants. M1  entries are sorted and disjoint, and none is empty
 *             M2  no two entries of one mergeable type touch
 *             M3  a byte's type is the maximum over the inputs that cover it (before mem= and memmap=
 *                 change it)
 * Locking.    The map is written once, before other CPUs run, and is read-only afterwards.
 * Bounds.     MEMMAP_MAX entries hold every border that the map and all edits can have.
 * Source.     Linux arch/x86/kernel/e820.c (e820__update_table, e820__range_update, parse_memmap_one).
 * Next:       memblock.c, which takes the usable ranges.
 */
#include <arch/cpu.h>
#include <arch/layout.h>
#include <kernel/bits.h>
#include <kernel/cmdline.h>
#include <kernel/errno.h>
#include <kernel/printk.h>
#include <kernel/sections.h>
#include <kernel/sort.h>
#include <kernel/string.h>
#include <mm/memmap.h>
#include <mm/page.h>

struct memmap_entry memmap[MEMMAP_MAX];
unsigned memmap_nr;
struct memmap_entry memmap_unproven[MEMMAP_MAX_UNPROVEN];
unsigned memmap_nr_unproven;
static u64 firmware_usable; /* bytes, before mem= and memmap= */
const struct boot_range *memmap_raw;
unsigned memmap_raw_nr;

/* ---- sanitising ---- */

struct border {
	u64 addr;
	u32 entry;
	bool is_end;
};

static struct border borders[2 * BOOT_MAX_RANGES];

/* Sorts by address. At one address starts come before ends, so touching ranges of one type merge. */
static int border_cmp(const void *a, const void *b, const void *priv)
{
	const struct border *x = a, *y = b;

	(void)priv;
	return x->addr != y->addr ? (x->addr > y->addr) - (x->addr < y->addr) : x->is_end - y->is_end;
}

/* ---- ranges that cover the sweep's position: a heap of entries, the largest type on top ---- */

static struct {
	u16 entry[BOOT_MAX_RANGES];
	unsigned nr;
	bool ended[BOOT_MAX_RANGES]; /* an ended entry stays in the heap until it is on top */
} cover;

static void cover_swap(unsigned a, unsigned b)
{
	u16 t = cover.entry[a];

	cover.entry[a] = cover.entry[b];
	cover.entry[b] = t;
}

static void cover_begin(const struct boot_range *in, u32 entry)
{
	unsigned at = cover.nr++;

	cover.entry[at] = (u16)entry;
	cover.ended[entry] = false;
	for (unsigned up; at && in[cover.entry[up = (at - 1) / 2]].type < in[entry].type; at = up)
		cover_swap(at, up);
}

static void cover_pop(const struct boot_range *in)
{
	cover.entry[0] = cover.entry[--cover.nr];
	for (unsigned at = 0, child; (child = 2 * at + 1) < cover.nr; at = child) {
		if (child + 1 < cover.nr && in[cover.entry[child]].type < in[cover.entry[child + 1]].type)
			child++;
		if (in[cover.entry[at]].type >= in[cover.entry[child]].type)
			return;
		cover_swap(at, child);
	}
}

/* Returns the largest type that covers the sweep's position, MEM_NONE if no range does. */
static u32 cover_type(const struct boot_range *in)
{
	while (cover.nr && cover.ended[cover.entry[0]])
		cover_pop(in);
	return cover.nr ? in[cover.entry[0]].type : MEM_NONE;
}

/* MEM_PRAM and MEM_SOFT_RESERVED entries keep the borders that firmware gave them. */
static bool type_merges(u32 type)
{
	return type != MEM_PRAM && type != MEM_SOFT_RESERVED;
}

static u64 range_end(const struct boot_range *r)
{
	return r->start + r->size < r->start ? ~0UL : r->start + r->size;
}

unsigned memmap_sanitise(const struct boot_range *in, unsigned nr_in, struct memmap_entry *out,
			 unsigned out_max)
{
	unsigned nr_borders = 0, nr = 0;
	u32 type = MEM_NONE;

	nr_in = min(nr_in, (unsigned)BOOT_MAX_RANGES);
	for (unsigned i = 0; i < nr_in; i++) {
		if (!in[i].size)
			continue;
		borders[nr_borders++] = (struct border){in[i].start, i, false};
		borders[nr_borders++] = (struct border){range_end(&in[i]), i, true};
	}
	sort_r(borders, nr_borders, sizeof(borders[0]), border_cmp, NULL);

	cover.nr = 0;
	for (unsigned i = 0; i < nr_borders; i++) {
		const struct border *b = &borders[i];
		u32 now;

		if (b->is_end)
			cover.ended[b->entry] = true;
		else
			cover_begin(in, b->entry);
		now = cover_type(in);
		if (now == type && (now == MEM_NONE || type_merges(now)))
			continue;
		/* Close the open entry. An empty one is removed. */
		if (type != MEM_NONE) {
			out[nr - 1].end = b->addr;
			if (out[nr - 1].start == b->addr)
				nr--;
		}
		type = now;
		if (now == MEM_NONE)
			continue;
		if (nr == out_max)
			return nr;
		out[nr++] = (struct memmap_entry){b->addr, b->addr, now};
	}
	return nr;
}

/* Index of the first entry that ends above `at`; nr if there is none. */
static unsigned memmap_find(const struct memmap_entry *map, unsigned nr, u64 at)
{
	unsigned lo = 0, hi = nr;

	while (lo < hi) {
		unsigned mid = (lo + hi) / 2;

		if (map[mid].end <= at)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/*
 * Splits the entry that contains `at` in its interior. If the map is full, its last entry is dropped.
 */
static unsigned memmap_cut(struct memmap_entry *map, unsigned nr, unsigned max_nr, u64 at)
{
	unsigned i = memmap_find(map, nr, at);

	if (i == nr || at <= map[i].start)
		return nr;
	nr = min(nr, max_nr - 1);
	memmove(&map[i + 1], &map[i], (nr - i) * sizeof(*map));
	map[i].end = at;
	if (i < nr)
		map[i + 1].start = at;
	return nr + 1;
}

/*
 * Appends e to the map that is rebuilt in place from the left. e is a copy because its slot may be
 * overwritten.
 */
static void memmap_append(struct memmap_entry *map, unsigned *nr, struct memmap_entry e)
{
	struct memmap_entry *last = *nr ? &map[*nr - 1] : NULL;

	if (e.type == MEM_NONE)
		return;
	if (last && last->end == e.start && last->type == e.type && type_merges(e.type))
		last->end = e.end;
	else
		map[(*nr)++] = e;
}

unsigned memmap_retype(struct memmap_entry *map, unsigned nr, unsigned max_nr, u64 start, u64 end, u32 from,
		       u32 to)
{
	unsigned kept = 0;

	if (start >= end)
		return nr;
	nr = memmap_cut(map, nr, max_nr, start);
	nr = memmap_cut(map, nr, max_nr, end);
	for (unsigned i = 0; i < nr; i++) {
		struct memmap_entry e = map[i];

		if (e.start >= start && e.end <= end && (from == MEM_NONE || from == e.type))
			e.type = to;
		memmap_append(map, &kept, e);
	}
	return kept;
}

/*
 * Adds a range to a sanitised map. The entries from its start on move to the end of the array. The loop
 * copies them back one by one and fills the holes between them with the new range. Where the range
 * overlaps an entry, the larger type remains.
 */
static unsigned memmap_add(struct memmap_entry *map, unsigned nr, unsigned max_nr, u64 start, u64 end,
			   u32 type)
{
	unsigned kept, from;

	if (start >= end)
		return nr;
	nr = memmap_cut(map, nr, max_nr, start);
	nr = memmap_cut(map, nr, max_nr, end);
	kept = memmap_find(map, nr, start);
	from = max_nr - (nr - kept);
	memmove(&map[from], &map[kept], (nr - kept) * sizeof(*map));
	while (start < end || from < max_nr) {
		u64 next = from < max_nr ? min(map[from].start, max(start, end)) : end;
		struct memmap_entry e = {start, next, type};

		if (start >= end || next <= start) { /* no hole at start: the next entry covers it */
			e = map[from++];
			if (e.start < end)
				e.type = max(e.type, type);
			start = max(start, e.end);
		} else if (kept == max_nr) {
			break;
		} else if (kept == from) { /* no free slot: the last entry is dropped */
			memmove(&map[from + 1], &map[from], (max_nr - 1 - from) * sizeof(*map));
			from++;
			start = next;
		} else {
			start = next;
		}
		memmap_append(map, &kept, e);
	}
	return kept;
}

const char *memmap_type_name(u32 type, char buf[16])
{
	switch (type) {
	case MEM_USABLE:
		return "usable";
	case MEM_RESERVED:
		return "reserved";
	case MEM_ACPI:
		return "ACPI data";
	case MEM_NVS:
		return "ACPI NVS";
	case MEM_UNUSABLE:
		return "unusable";
	case MEM_PERSISTENT:
	case MEM_PRAM:
		return "persistent";
	case MEM_SOFT_RESERVED:
		return "soft reserved";
	}
	snprintf(buf, 16, "type %u", type);
	return buf;
}

/* ---- mem= and memmap= ---- */

static struct memmap_edits user_edits;

static int edit_add(struct memmap_edits *edits, enum memmap_op op, u64 start, u64 size, u32 type)
{
	if (edits->nr == ARRAY_SIZE(edits->edit))
		return -ENOSPC;
	edits->edit[edits->nr++] = (struct memmap_edit){op, start, size, type};
	return 0;
}

static int parse_item(struct memmap_edits *edits, const char *item, const char **end)
{
	static const struct {
		char sign;
		u32 type;
	} kinds[] = {{'@', MEM_USABLE}, {'#', MEM_ACPI}, {'$', MEM_RESERVED}, {'!', MEM_PRAM}};
	u64 size, start;

	if (!strncmp(item, "exactmap", 8)) {
		*end = item + 8;
		return edit_add(edits, MEMMAP_FORGET, 0, 0, MEM_NONE);
	}
	if (parse_size_prefix(item, end, &size) || !size)
		return -EINVAL;
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (**end != kinds[i].sign)
			continue;
		if (parse_size_prefix(*end + 1, end, &start))
			return -EINVAL;
		return edit_add(edits, MEMMAP_ADD, start, size, kinds[i].type);
	}
	return edit_add(edits, MEMMAP_CAP, size, 0, MEM_NONE);
}

int memmap_parse(struct memmap_edits *edits, const char *value)
{
	unsigned before = edits->nr;

	for (;; value++) {
		int err = parse_item(edits, value, &value);

		if (!err && *value && *value != ',')
			err = -EINVAL;
		if (err)
			edits->nr = before;
		if (err || !*value)
			return err;
	}
}

static int set_mem(const char *value)
{
	u64 size;

	if (!value || parse_size(value, &size))
		return -EINVAL;
	return memmap_parse(&user_edits, value);
}
CMDLINE_OPT("mem", "a size such as 512M", set_mem);

static int set_memmap(const char *value)
{
	return value ? memmap_parse(&user_edits, value) : -EINVAL;
}
CMDLINE_OPT("memmap", "exactmap, SIZE@START, SIZE#START, SIZE$START or SIZE!START, separated by commas",
	    set_memmap);

static u64 edit_end(const struct memmap_edit *e)
{
	return e->start + e->size < e->start ? ~0UL : e->start + e->size;
}

unsigned memmap_apply(const struct memmap_edits *edits, struct memmap_entry *map, unsigned nr,
		      unsigned max_nr)
{
	for (unsigned i = 0; i < edits->nr; i++) {
		const struct memmap_edit *e = &edits->edit[i];

		if (e->op == MEMMAP_FORGET)
			nr = 0;
		else if (e->op == MEMMAP_CAP)
			nr = memmap_retype(map, nr, max_nr, e->start, ~0UL, MEM_USABLE, MEM_NONE);
		else
			nr = memmap_add(map, nr, max_nr, e->start, edit_end(e), e->type);
	}
	return nr;
}

static u64 usable_bytes(void)
{
	u64 bytes = 0;

	for (unsigned i = 0; i < memmap_nr; i++)
		bytes += memmap[i].type == MEM_USABLE ? memmap[i].end - memmap[i].start : 0;
	return bytes;
}

const char *memmap_blame(void)
{
	static char text[128];

	snprintf(text, sizeof(text), "; firmware has %lu KiB", firmware_usable >> 10);
	if (user_edits.nr)
		snprintf(text, sizeof(text), "; firmware has %lu KiB, mem= and memmap= make that %lu KiB",
			 firmware_usable >> 10, usable_bytes() >> 10);
	return text;
}

static unsigned unproven_add(struct memmap_entry *out, unsigned nr, unsigned max_nr, u64 start, u64 end)
{
	if (nr < max_nr) {
		out[nr] = (struct memmap_entry){start, end, MEM_USABLE};
		return nr + 1;
	}
	out[nr - 1].start = min(out[nr - 1].start, start);
	out[nr - 1].end = max(out[nr - 1].end, end);
	return nr;
}

unsigned memmap_find_unproven(const struct memmap_edits *edits, const struct memmap_entry *map, unsigned nr,
			      struct memmap_entry *out, unsigned max_nr)
{
	unsigned found = 0;

	for (unsigned i = 0; i < edits->nr; i++) {
		const struct memmap_edit *e = &edits->edit[i];
		u64 pos = e->start, end = edit_end(e);

		if (e->op != MEMMAP_ADD || e->type != MEM_USABLE)
			continue;
		for (unsigned k = memmap_find(map, nr, pos); k < nr && map[k].start < end; k++) {
			if (map[k].type != MEM_USABLE)
				continue;
			if (pos < map[k].start)
				found = unproven_add(out, found, max_nr, pos, map[k].start);
			pos = max(pos, map[k].end);
		}
		if (pos < end)
			found = unproven_add(out, found, max_nr, pos, end);
	}
	return found;
}

/*
 * If options removed a part of the kernel's image from the map, makes it usable again, as Linux's
 * e820_add_kernel_range() does: the kernel runs there, so it is memory.
 */
static void keep_image(void)
{
	const u64 start = ALIGN_DOWN(KERNEL_LOAD, PAGE_SIZE), end = PAGE_ALIGN_UP(image_to_phys(__image_end));
	unsigned i = memmap_find(memmap, memmap_nr, start);

	if (i < memmap_nr && memmap[i].type == MEM_USABLE && memmap[i].start <= start && memmap[i].end >= end)
		return;
	pr_warn("memmap: mem= and memmap= remove the kernel's image [0x%lx, 0x%lx): it is kept\n", start,
		end);
	memmap_nr = memmap_retype(memmap, memmap_nr, MEMMAP_MAX, start, end, MEM_NONE, MEM_NONE);
	memmap_nr = memmap_add(memmap, memmap_nr, MEMMAP_MAX, start, end, MEM_USABLE);
}

static void memmap_print(const char *who)
{
	char buf[16];

	for (unsigned i = 0; i < memmap_nr; i++)
		pr_info("%s: [mem 0x%016lx-0x%016lx] %s\n", who, (unsigned long)memmap[i].start,
			(unsigned long)memmap[i].end - 1, memmap_type_name(memmap[i].type, buf));
}

void memmap_init(const struct boot_info *bi)
{
	paddr_t limit = arch_phys_limit();

	memmap_raw = bi->range;
	memmap_raw_nr = bi->nr_ranges;
	memmap_nr = memmap_sanitise(bi->range, bi->nr_ranges, memmap, MEMMAP_MAX);
	pr_info("%s-provided physical RAM map:\n", bi->protocol);
	memmap_print("firmware");

	firmware_usable = usable_bytes();
	memmap_nr_unproven =
		memmap_find_unproven(&user_edits, memmap, memmap_nr, memmap_unproven, MEMMAP_MAX_UNPROVEN);
	memmap_nr = memmap_apply(&user_edits, memmap, memmap_nr, MEMMAP_MAX);
	if (user_edits.nr) {
		keep_image();
		pr_info("user-defined physical RAM map:\n");
		memmap_print("user");
	}
	for (unsigned i = 0; i < min(bi->nr_edits, (unsigned)BOOT_MAX_EDITS); i++)
		memmap_nr = memmap_retype(memmap, memmap_nr, MEMMAP_MAX, bi->edit[i].start, bi->edit[i].end,
					  bi->edit[i].from, bi->edit[i].to);
	for (unsigned i = 0; i < memmap_nr; i++)
		if (memmap[i].type == MEM_USABLE && memmap[i].end > limit)
			pr_warn("memmap: usable memory [0x%lx, 0x%lx) is above the CPU's address limit "
				"0x%lx: not used\n",
				max(memmap[i].start, (u64)limit), memmap[i].end, limit);
	memmap_nr = memmap_retype(memmap, memmap_nr, MEMMAP_MAX, limit, ~0UL, MEM_USABLE, MEM_NONE);
}
