/*
 * memmap.c - the firmware's memory map, sanitised.
 *
 * Idea.       Firmware lists ranges unsorted, overlapping and of any length. A sweep over their borders gives
 * every byte the most restrictive type that covers it, which in e820's numbering is the largest number.
 * Layout.     memmap[0 .. memmap_nr): sorted, disjoint, half-open, neighbours of one type merged
 * Invariants. M1  sorted and disjoint, no empty entry          M2  no two touching entries of one mergeable
 * type M3  a byte's type is the maximum over the inputs that cover it (before mem= and memmap= change it)
 * Locking.    None: written once, before other CPUs run.
 * Failure.    More pieces than MEMMAP_MAX: the rest is dropped with a warning; dropped ranges are no memory.
 * Source.     Linux arch/x86/kernel/e820.c (e820__update_table, e820__range_update, parse_memmap_one).
 * Next:       memblock.c, which takes the usable ranges.
 */
#include <arch/cpu.h>
#include <arch/layout.h>
#include <kernel/bits.h>
#include <kernel/cmdline.h>
#include <kernel/errno.h>
#include <kernel/printk.h>
#include <kernel/string.h>
#include <mm/memmap.h>

struct memmap_entry memmap[MEMMAP_MAX];
unsigned memmap_nr;

/* ---- sanitising ---- */

struct border {
	u64 addr;
	u32 entry;
	bool is_end;
};

static struct border borders[2 * BOOT_MAX_RANGES];
static u32 covering[BOOT_MAX_RANGES]; /* entries that cover the sweep's position */

/* At one address starts come before ends, so that touching ranges of one type merge. */
static bool border_before(const struct border *a, const struct border *b)
{
	return a->addr != b->addr ? a->addr < b->addr : a->is_end < b->is_end;
}

/* Heap sort: no recursion, no extra memory, n log n for any firmware. */
static void border_sift(struct border *b, unsigned root, unsigned n)
{
	for (unsigned child; (child = 2 * root + 1) < n; root = child) {
		struct border t;

		if (child + 1 < n && border_before(&b[child], &b[child + 1]))
			child++;
		if (!border_before(&b[root], &b[child]))
			return;
		t = b[root];
		b[root] = b[child];
		b[child] = t;
	}
}

static void border_sort(struct border *b, unsigned n)
{
	for (unsigned i = n / 2; i-- > 0;)
		border_sift(b, i, n);
	while (n > 1) {
		struct border t = b[0];

		b[0] = b[--n];
		b[n] = t;
		border_sift(b, 0, n);
	}
}

/* Persistent memory of the legacy kind and soft-reserved ranges stay as the firmware cut them. */
static bool type_merges(u32 type)
{
	return type != 12 && type != MEM_SOFT_RESERVED;
}

static u64 range_end(const struct boot_range *r)
{
	return r->start + r->size < r->start ? ~0UL : r->start + r->size;
}

unsigned memmap_sanitise(const struct boot_range *in, unsigned nr_in, struct memmap_entry *out,
			 unsigned out_max)
{
	unsigned nr_borders = 0, nr_cover = 0, nr = 0;
	u32 type = MEM_NONE;

	nr_in = min(nr_in, (unsigned)BOOT_MAX_RANGES);
	for (unsigned i = 0; i < nr_in; i++) {
		if (!in[i].size)
			continue;
		borders[nr_borders++] = (struct border){in[i].start, i, false};
		borders[nr_borders++] = (struct border){range_end(&in[i]), i, true};
	}
	border_sort(borders, nr_borders);

	for (unsigned i = 0; i < nr_borders; i++) {
		const struct border *b = &borders[i];
		u32 now = MEM_NONE;

		if (!b->is_end) {
			covering[nr_cover++] = b->entry;
		} else {
			for (unsigned c = 0; c < nr_cover; c++)
				if (covering[c] == b->entry)
					covering[c] = covering[--nr_cover];
		}
		for (unsigned c = 0; c < nr_cover; c++)
			now = max(now, in[covering[c]].type);
		if (now == type && (now == MEM_NONE || type_merges(now)))
			continue;
		if (type != MEM_NONE) { /* close the open entry, unless it is empty */
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

unsigned memmap_retype(struct memmap_entry *map, unsigned nr, unsigned max_nr, u64 start, u64 end, u32 from,
		       u32 to)
{
	static struct boot_range pieces[BOOT_MAX_RANGES];
	unsigned n = 0;

	/* Cut every entry at the two borders, then merge again by sanitising the pieces. */
	for (unsigned i = 0; i < nr; i++) {
		u64 cut[4] = {map[i].start, clamp(start, map[i].start, map[i].end),
			      clamp(end, map[i].start, map[i].end), map[i].end};

		for (unsigned k = 0; k < 3 && n < ARRAY_SIZE(pieces); k++) {
			u32 type = map[i].type;

			if (k == 1 && (from == MEM_NONE || from == type))
				type = to;
			if (cut[k] < cut[k + 1] && type != MEM_NONE)
				pieces[n++] = (struct boot_range){cut[k], cut[k + 1] - cut[k], type, 0};
		}
	}
	return memmap_sanitise(pieces, n, map, max_nr);
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
	case 12:
		return "persistent";
	case MEM_SOFT_RESERVED:
		return "soft reserved";
	}
	snprintf(buf, 16, "type %u", type);
	return buf;
}

/* ---- mem= and memmap= ---- */

struct user_range {
	u64 start, size;
	u32 type; /* MEM_USABLE .. : add; MEM_NONE with size ~0: forget the firmware's map; cap: see below */
	bool cap; /* remove usable memory from start on */
};

static struct user_range user_ranges[32];
static unsigned nr_user_ranges;

static int user_add(u64 start, u64 size, u32 type, bool cap)
{
	if (nr_user_ranges == ARRAY_SIZE(user_ranges))
		return -ENOSPC;
	user_ranges[nr_user_ranges++] = (struct user_range){start, size, type, cap};
	return 0;
}

static int set_mem(const char *value)
{
	u64 size;

	if (!value || parse_size(value, &size) || !size)
		return -EINVAL;
	return user_add(size, 0, MEM_NONE, true);
}
CMDLINE_OPT("mem", "a size such as 512M", set_mem);

/* One item of memmap=: exactmap, SIZE@START, SIZE#START, SIZE$START, SIZE!START, or a plain SIZE like mem=.
 */
static int memmap_item(const char *item, const char **end)
{
	static const struct {
		char sign;
		u32 type;
	} kinds[] = {{'@', MEM_USABLE}, {'#', MEM_ACPI}, {'$', MEM_RESERVED}, {'!', 12}};
	u64 size, start;

	if (!strncmp(item, "exactmap", 8)) {
		*end = item + 8;
		return user_add(0, ~0UL, MEM_NONE, false);
	}
	if (parse_size_prefix(item, end, &size) || !size)
		return -EINVAL;
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (**end != kinds[i].sign)
			continue;
		if (parse_size_prefix(*end + 1, end, &start))
			return -EINVAL;
		return user_add(start, size, kinds[i].type, false);
	}
	return user_add(size, 0, MEM_NONE, true);
}

static int set_memmap(const char *value)
{
	unsigned before = nr_user_ranges;

	if (!value || !*value)
		return -EINVAL;
	for (;;) {
		if (memmap_item(value, &value) || (*value && *value != ',')) {
			nr_user_ranges = before;
			return -EINVAL;
		}
		if (!*value)
			return 0;
		value++;
	}
}
CMDLINE_OPT("memmap", "exactmap, SIZE@START, SIZE#START, SIZE$START or SIZE!START, separated by commas",
	    set_memmap);

static void user_apply(const struct user_range *u)
{
	static struct boot_range all[BOOT_MAX_RANGES];
	unsigned n = 0;

	if (u->cap) {
		memmap_nr =
			memmap_retype(memmap, memmap_nr, MEMMAP_MAX, u->start, ~0UL, MEM_USABLE, MEM_NONE);
		return;
	}
	if (u->type == MEM_NONE) {
		memmap_nr = 0;
		return;
	}
	for (; n < memmap_nr && n < ARRAY_SIZE(all) - 1; n++)
		all[n] = (struct boot_range){memmap[n].start, memmap[n].end - memmap[n].start, memmap[n].type,
					     0};
	all[n++] = (struct boot_range){u->start, u->size, u->type, 0};
	memmap_nr = memmap_sanitise(all, n, memmap, MEMMAP_MAX);
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

	memmap_nr = memmap_sanitise(bi->range, bi->nr_ranges, memmap, MEMMAP_MAX);
	if (memmap_nr == MEMMAP_MAX)
		pr_warn("memmap: more than %u ranges, the rest is not used\n", MEMMAP_MAX);
	pr_info("%s-provided physical RAM map:\n", bi->protocol);
	memmap_print("firmware");

	for (unsigned i = 0; i < nr_user_ranges; i++)
		user_apply(&user_ranges[i]);
	if (nr_user_ranges) {
		pr_info("user-defined physical RAM map:\n");
		memmap_print("user");
	}
	memmap_nr = memmap_retype(memmap, memmap_nr, MEMMAP_MAX, bi->hole_start, bi->hole_end, MEM_USABLE, MEM_NONE);
	/* What the CPU cannot address does not exist; frame 0 must not be handed out: 0 means "none". */
	memmap_nr = memmap_retype(memmap, memmap_nr, MEMMAP_MAX, limit, ~0UL, MEM_USABLE, MEM_NONE);
	memmap_nr = memmap_retype(memmap, memmap_nr, MEMMAP_MAX, 0, PAGE_SIZE, MEM_USABLE, MEM_RESERVED);
}
