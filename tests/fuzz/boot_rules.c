/*
 * boot_rules.c - what must hold of everything that the parsers of boot/ make of any bytes.
 *
 * Idea.       The rules are those that the kernel relies on afterwards, stated as naively as possible: the sanitised map
 *             is compared with the ranges that it was made from point by point, at every border.
 * Layout.     One struct boot_info and one map, used again for each input.
 * Invariants. None of its own.
 * Locking.    None.
 * Failure.    A BUG with the values.
 * Next:       fuzz_multiboot2.c.
 */
#include "boot_rules.h"

#include <kernel/bits.h>
#include <kernel/string.h>

#include <mm/memmap.h>

enum { POINTS_MAX = 64 }; /* of few ranges every border is looked at: the naive way is quadratic */

struct boot_info *fuzz_info_new(void)
{
	static struct boot_info bi;

	memset(&bi, 0, sizeof(bi));
	return &bi;
}

static void check_text(const char *text, size_t size)
{
	FUZZ_CHECK(strnlen(text, size) < size, "a text of %zu bytes has no end", size);
}

void fuzz_check_info(const struct boot_info *bi)
{
	FUZZ_CHECK(bi->nr_ranges <= BOOT_MAX_RANGES, "%u ranges", bi->nr_ranges);
	FUZZ_CHECK(bi->nr_edits <= BOOT_MAX_EDITS && bi->nr_reserved <= BOOT_MAX_RESERVED &&
			   bi->nr_node_ranges <= BOOT_MAX_NODE_RANGES,
		   "%u edits, %u reserved, %u ranges of nodes", bi->nr_edits, bi->nr_reserved,
		   bi->nr_node_ranges);
	FUZZ_CHECK(bi->nr_modules <= BOOT_MAX_MODULES, "%u modules", bi->nr_modules);
	FUZZ_CHECK(bi->notes_len < BOOT_NOTES_SIZE, "%u bytes of notes", bi->notes_len);
	FUZZ_CHECK(bi->notes[bi->notes_len] == '\0' &&
			   (!bi->notes_len || bi->notes[bi->notes_len - 1] == '\n'),
		   "the last of %u bytes of notes is no line", bi->notes_len);
	FUZZ_CHECK(bi->rsdp_copy_len <= sizeof(bi->rsdp_copy), "an RSDP of %u bytes", bi->rsdp_copy_len);
	FUZZ_CHECK(bi->info_start <= bi->info_end, "a block from 0x%lx to 0x%lx", bi->info_start,
		   bi->info_end);
	check_text(bi->cmdline, sizeof(bi->cmdline));
	check_text(bi->loader, sizeof(bi->loader));
	for (unsigned i = 0; i < bi->nr_modules; i++) {
		FUZZ_CHECK(bi->module[i].start <= bi->module[i].end, "module %u from 0x%lx to 0x%lx", i,
			   bi->module[i].start, bi->module[i].end);
		check_text(bi->module[i].name, sizeof(bi->module[i].name));
	}
}

/* The type at an address: the largest number of all ranges that cover it. */
static u32 type_in_ranges(const struct boot_info *bi, u64 addr)
{
	u32 type = MEM_NONE;

	for (unsigned i = 0; i < bi->nr_ranges; i++) {
		const struct boot_range *r = &bi->range[i];
		u64 end = r->start + r->size < r->start ? ~0UL : r->start + r->size;

		if (addr >= r->start && addr < end)
			type = max(type, r->type);
	}
	return type;
}

static u32 type_in_map(const struct memmap_entry *map, unsigned nr, u64 addr)
{
	for (unsigned i = 0; i < nr; i++)
		if (addr >= map[i].start && addr < map[i].end)
			return map[i].type;
	return MEM_NONE;
}

static void check_point(const struct boot_info *bi, const struct memmap_entry *map, unsigned nr, u64 addr)
{
	u32 want = type_in_ranges(bi, addr), is = type_in_map(map, nr, addr);

	FUZZ_CHECK(is == want, "0x%lx is of type %u in the map, of type %u in the ranges", addr, is, want);
}

void fuzz_check_map(const struct boot_info *bi)
{
	static struct memmap_entry map[MEMMAP_MAX];
	unsigned nr = memmap_sanitise(bi->range, bi->nr_ranges, map, MEMMAP_MAX);

	FUZZ_CHECK(nr <= MEMMAP_MAX, "%u entries", nr);
	for (unsigned i = 0; i < nr; i++) {
		FUZZ_CHECK(map[i].start < map[i].end && map[i].type != MEM_NONE,
			   "entry %u: 0x%lx to 0x%lx, type %u", i, map[i].start, map[i].end, map[i].type);
		FUZZ_CHECK(!i || map[i - 1].end <= map[i].start,
			   "entry %u begins at 0x%lx, the one before ends at 0x%lx", i, map[i].start,
			   map[i - 1].end);
	}
	for (unsigned i = 0; i < min(bi->nr_ranges, (unsigned)POINTS_MAX); i++) {
		const struct boot_range *r = &bi->range[i];

		check_point(bi, map, nr, r->start);
		check_point(bi, map, nr, r->start - 1);
		check_point(bi, map, nr, r->start + r->size);
		check_point(bi, map, nr, r->start + r->size - 1);
	}
}

/* Ranges that hold addr; all of them have one node. */
static unsigned ranges_at(const struct boot_info *bi, u64 addr)
{
	unsigned node = 0, seen = 0;

	for (unsigned i = 0; i < bi->nr_node_ranges; i++) {
		const struct boot_node_range *r = &bi->node_range[i];

		if (addr < r->start || addr - r->start >= r->size)
			continue;
		FUZZ_CHECK(!seen || r->node == node, "0x%lx is of node %u and of node %u", addr, node,
			   r->node);
		node = r->node;
		seen++;
	}
	return seen;
}

/* In whole pages, and behind all edits. */
static bool is_usable(struct boot_info *bi, u64 addr)
{
	u64 cursor = 0, start, end;

	while (boot_next_usable(bi, &cursor, &start, &end))
		if (addr >= start && addr < end)
			return true;
	return false;
}

static void check_placed(struct boot_info *bi, u64 addr)
{
	FUZZ_CHECK(!is_usable(bi, addr) || ranges_at(bi, addr), "0x%lx is of no node", addr);
}

void fuzz_check_nodes(struct boot_info *bi, const struct boot_cpu *cpu, unsigned nr_cpus)
{
	for (unsigned i = 0; i < nr_cpus; i++)
		FUZZ_CHECK(cpu[i].node == BOOT_NO_NODE ||
				   (cpu[i].node < BOOT_MAX_DISTANCES && bi->nr_node_ranges),
			   "CPU %u is of node %u", i, cpu[i].node);
	for (unsigned i = 0; i < bi->nr_node_ranges; i++) {
		const struct boot_node_range *r = &bi->node_range[i];

		FUZZ_CHECK(r->node < BOOT_MAX_DISTANCES, "memory of node %u", r->node);
		check_placed(bi, r->start);
		check_placed(bi, r->start - 1);
		check_placed(bi, r->start + r->size);
		check_placed(bi, r->start + r->size - 1);
	}
	for (unsigned i = 0; i < bi->nr_ranges && bi->nr_node_ranges; i++) {
		check_placed(bi, bi->range[i].start);
		check_placed(bi, bi->range[i].start + bi->range[i].size - 1);
	}
	for (unsigned a = 0; a < BOOT_MAX_DISTANCES; a++)
		for (unsigned b = 0; b < BOOT_MAX_DISTANCES; b++)
			FUZZ_CHECK(!bi->distance[a][b] ||
					   (bi->nr_node_ranges && (a == b) == (bi->distance[a][b] == 10) &&
					    bi->distance[a][b] >= 10),
				   "distance %u from %u to %u", bi->distance[a][b], a, b);
}

void fuzz_check_text_parser(int (*parse)(const char *name, const char *text, size_t len, struct boot_info *bi,
					 char *err, size_t err_size),
			    const u8 *data, size_t len)
{
	struct boot_info *bi = fuzz_info_new();
	char message[128];
	int err;

	memset(message, 'x', sizeof(message));
	err = parse("input", (const char *)data, len, bi, message, sizeof(message));
	check_text(message, sizeof(message));
	FUZZ_CHECK(err ? strncmp(message, "input", 5) == 0 : !*message,
		   "status %d, and the message is \"%s\"", err, message);
	fuzz_check_info(bi);
	if (!err)
		fuzz_check_map(bi);
}

static const void *input_at(const struct boot_mem *mem, u64 pa, u64 len)
{
	const struct fuzz_mem *m = mem->ctx;

	if (pa < FUZZ_PA || pa - FUZZ_PA > m->len || len > m->len - (pa - FUZZ_PA))
		return NULL;
	return m->bytes + (pa - FUZZ_PA);
}

struct fuzz_mem fuzz_mem_of(const u8 *data, size_t len)
{
	return (struct fuzz_mem){.mem = {.at = input_at}, .bytes = data, .len = len};
}
