/*
 * bootinfo.c - functions that fill and read a struct boot_info.
 *
 * Idea.       A parser meets malformed input long before there is a console, so it stores its messages in the structure,
 *             and the kernel prints them later. If a table is full, usable ranges are dropped before reserved ones: lost
 *             memory is harmless, overwritten memory is not.
 * Layout.     struct boot_info, kernel/bootinfo.h.
 * Invariants. I1  notes is NUL-terminated and notes_len < BOOT_NOTES_SIZE
 *             I2  a range that is not usable is dropped only if no usable range is left to make room
 * Locking.    None: boot, one CPU.
 * Failure.    The last note that fits is cut; further notes are only counted.
 * Next:       multiboot2.c, pvh.c.
 */

#include "boot.h"
#include <kernel/bits.h>
#include <kernel/printk.h>
#include <kernel/sort.h>
#include <kernel/string.h>

static_assert(BOOT_MAX_RANGES <= 1 << 16, "an index of a range fits into u16");

enum { NOTE_MIN = 32 }; /* a note is not stored in less room than this */

void boot_note(struct boot_info *bi, const char *fmt, ...)
{
	size_t room = sizeof(bi->notes) - bi->notes_len;
	va_list ap;
	int n;

	if (room < NOTE_MIN) {
		bi->notes_lost++;
		return;
	}
	va_start(ap, fmt);
	n = vsnprintf(bi->notes + bi->notes_len, room - 1, fmt, ap);
	va_end(ap);
	bi->notes_len += min((unsigned)n, (unsigned)room - 2);
	bi->notes[bi->notes_len++] = '\n';
	bi->notes[bi->notes_len] = '\0';
}

void boot_add_range(struct boot_info *bi, u64 start, u64 size, u32 type, u32 attr)
{
	unsigned i = bi->nr_ranges;

	if (i < BOOT_MAX_RANGES) {
		bi->nr_ranges++;
	} else {
		if (type != MEM_USABLE)
			while (i > 0 && bi->range[i - 1].type != MEM_USABLE)
				i--;
		if (type == MEM_USABLE || i == 0) {
			boot_note(bi, "memory map: no room for [0x%lx, +0x%lx) type %u: more than %u ranges",
				  start, size, type, BOOT_MAX_RANGES);
			return;
		}
		i--;
		boot_note(bi, "memory map: no room, usable [0x%lx, +0x%lx) dropped: more than %u ranges",
			  bi->range[i].start, bi->range[i].size, BOOT_MAX_RANGES);
	}
	bi->range[i] = (struct boot_range){.start = start, .size = size, .type = type, .attr = attr};
}

void boot_add_pc_edits(struct boot_info *bi)
{
	static const struct boot_edit edits[] = {
		{0, 0x1000, MEM_USABLE, MEM_RESERVED},
		{0xa0000, MIB(1), MEM_USABLE, MEM_NONE},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(edits) && bi->nr_edits < BOOT_MAX_EDITS; i++)
		bi->edit[bi->nr_edits++] = edits[i];
}

static u64 end_of(u64 start, u64 size)
{
	return start + size < start ? ~0UL : start + size;
}

static void nearer(u64 border, u64 at, u64 *next)
{
	if (border > at)
		*next = min(*next, border);
}

static u64 range_end(const struct boot_info *bi, unsigned i)
{
	return end_of(bi->range[i].start, bi->range[i].size);
}

static int by_start(const void *a, const void *b, const void *priv)
{
	const struct boot_range *range = priv, *x = &range[*(const u16 *)a], *y = &range[*(const u16 *)b];

	return (x->start > y->start) - (x->start < y->start);
}

static void sort_ranges(struct boot_info *bi)
{
	for (unsigned i = 0; i < bi->nr_ranges; i++)
		bi->by_start[i] = (u16)i;
	sort_r(bi->by_start, bi->nr_ranges, sizeof(bi->by_start[0]), by_start, bi->range);
	bi->nr_sorted = bi->nr_ranges;
	bi->nr_swept = bi->nr_cover = 0;
}

static u32 cover_type(const struct boot_info *bi, unsigned at)
{
	return bi->range[bi->cover[at]].type;
}

static void cover_swap(struct boot_info *bi, unsigned a, unsigned b)
{
	u16 t = bi->cover[a];

	bi->cover[a] = bi->cover[b];
	bi->cover[b] = t;
}

static void cover_push(struct boot_info *bi, u16 range)
{
	unsigned at = bi->nr_cover++;

	bi->cover[at] = range;
	for (unsigned up; at && cover_type(bi, up = (at - 1) / 2) < cover_type(bi, at); at = up)
		cover_swap(bi, at, up);
}

static void cover_pop(struct boot_info *bi)
{
	bi->cover[0] = bi->cover[--bi->nr_cover];
	for (unsigned at = 0, child; (child = 2 * at + 1) < bi->nr_cover; at = child) {
		if (child + 1 < bi->nr_cover && cover_type(bi, child) < cover_type(bi, child + 1))
			child++;
		if (cover_type(bi, at) >= cover_type(bi, child))
			return;
		cover_swap(bi, at, child);
	}
}

/*
 * Type of memory at `at`. *next is the next address where it may change: the end of the range with the largest type, or the
 * start of another range. Calls must be in ascending order; a lower address restarts the sweep at the first range.
 */
static u32 type_at(struct boot_info *bi, u64 at, u64 *next)
{
	u32 type = MEM_NONE;

	if (at < bi->swept_to)
		bi->nr_swept = bi->nr_cover = 0;
	bi->swept_to = at;
	while (bi->nr_swept < bi->nr_ranges && bi->range[bi->by_start[bi->nr_swept]].start <= at)
		cover_push(bi, bi->by_start[bi->nr_swept++]);
	while (bi->nr_cover && range_end(bi, bi->cover[0]) <= at)
		cover_pop(bi);
	*next = bi->nr_swept < bi->nr_ranges ? bi->range[bi->by_start[bi->nr_swept]].start : ~0UL;
	if (bi->nr_cover) {
		type = cover_type(bi, 0);
		nearer(range_end(bi, bi->cover[0]), at, next);
	}
	for (unsigned i = 0; i < bi->nr_edits; i++) {
		const struct boot_edit *e = &bi->edit[i];

		nearer(e->start, at, next);
		nearer(e->end, at, next);
		if (type != MEM_NONE && at >= e->start && at < e->end &&
		    (e->from == MEM_NONE || e->from == type))
			type = e->to;
	}
	return type;
}

bool boot_next_usable(struct boot_info *bi, u64 *cursor, u64 *start, u64 *end)
{
	const u64 page = 0x1000;
	u64 at = *cursor, next;

	if (!at || bi->nr_sorted != bi->nr_ranges)
		sort_ranges(bi);
	while (at != ~0UL) {
		for (; at != ~0UL && type_at(bi, at, &next) != MEM_USABLE; at = next)
			;
		*start = at;
		for (; at != ~0UL && type_at(bi, at, &next) == MEM_USABLE; at = next)
			;
		*end = ALIGN_DOWN(at, page);
		*cursor = at;
		if (*start <= ~0UL - page && ALIGN_UP(*start, page) < *end) {
			*start = ALIGN_UP(*start, page);
			return true;
		}
	}
	return false;
}

bool boot_copy_text(char *dst, size_t size, const char *src, size_t n)
{
	size_t len = strnlen(src, n), copied = min(len, size - 1);

	memcpy(dst, src, copied);
	dst[copied] = '\0';
	return copied == len;
}
