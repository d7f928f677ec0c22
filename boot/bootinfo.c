/*
 * bootinfo.c - filling a struct boot_info without losing what matters.
 *
 * Idea.       A parser meets odd input long before there is a console. What it has to say goes into the
 *             structure as text and is printed later; what does not fit is dropped in the order of
 *             harmlessness.
 * Layout.     struct boot_info, kernel/bootinfo.h.
 * Invariants. I1  notes is NUL-terminated and notes_len < BOOT_NOTES_SIZE
 *             I2  no range that is not usable is dropped while a usable one could make room for it
 * Locking.    None: boot, one CPU.
 * Failure.    Notes that do not fit are cut.
 * Next:       multiboot2.c, pvh.c.
 */

#include "boot.h"
#include <kernel/bits.h>
#include <kernel/printk.h>
#include <kernel/string.h>

void boot_note(struct boot_info *bi, const char *fmt, ...)
{
	size_t room = sizeof(bi->notes) - bi->notes_len;
	va_list ap;
	int n;

	if (room < 2)
		return;
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
			boot_note(bi, "memory map: no room for [0x%lx, +0x%lx) type %u", start, size, type);
			return;
		}
		i--;
		boot_note(bi, "memory map: no room, usable [0x%lx, +0x%lx) dropped", bi->range[i].start,
			  bi->range[i].size);
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

/* Where the type of memory may change next. */
static u64 next_border(const struct boot_info *bi, u64 at)
{
	u64 next = ~0UL;

	for (unsigned i = 0; i < bi->nr_ranges; i++) {
		nearer(bi->range[i].start, at, &next);
		nearer(end_of(bi->range[i].start, bi->range[i].size), at, &next);
	}
	for (unsigned i = 0; i < bi->nr_edits; i++) {
		nearer(bi->edit[i].start, at, &next);
		nearer(bi->edit[i].end, at, &next);
	}
	return next;
}

static u32 type_at(const struct boot_info *bi, u64 at)
{
	u32 type = MEM_NONE;

	for (unsigned i = 0; i < bi->nr_ranges; i++) {
		const struct boot_range *r = &bi->range[i];

		if (at >= r->start && at < end_of(r->start, r->size))
			type = max(type, r->type);
	}
	for (unsigned i = 0; i < bi->nr_edits && type != MEM_NONE; i++) {
		const struct boot_edit *e = &bi->edit[i];

		if (at >= e->start && at < e->end && (e->from == MEM_NONE || e->from == type))
			type = e->to;
	}
	return type;
}

bool boot_next_usable(const struct boot_info *bi, u64 *cursor, u64 *start, u64 *end)
{
	const u64 page = 0x1000;
	u64 at = *cursor;

	while (at != ~0UL) {
		while (at != ~0UL && type_at(bi, at) != MEM_USABLE)
			at = next_border(bi, at);
		*start = at;
		while (at != ~0UL && type_at(bi, at) == MEM_USABLE)
			at = next_border(bi, at);
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
