/*
 * memblock.c - memory before there are pages.
 *
 * Idea.       Two sorted arrays of ranges, what exists and what is taken; free memory is the difference. Few
 *             ranges, few operations: plain arrays and linear merging are enough, and both stay readable for ever.
 * Layout.     memory.region[]    {start, end, nid}    from the sanitised map, page aligned inwards
 *             reserved.region[]  {start, end, name}   page aligned outwards when frames are counted
 * Invariants. B1  sorted, disjoint, no empty region
 *             B2  no two touching regions that agree in nid and name
 *             B3  an allocation lies in memory and touches no earlier reservation
 *             B4  address 0 is never returned
 * Locking.    None: boot only. After the hand-over nothing changes but by memblock_forget().
 * Failure.    A full array: -ENOSPC, nothing changed. No room: 0, or a panic in the _or_panic form.
 * Source.     Linux mm/memblock.c. Boot allocations grow upwards from 16 MiB instead of downwards from the top, so
 *             that all of them share the first section and every other section stays one piece.
 * Next:       numa.c, then pgtable.c.
 */
#include <arch/layout.h>
#include <kernel/bits.h>
#include <kernel/bug.h>
#include <kernel/cmdline.h>
#include <kernel/errno.h>
#include <kernel/printk.h>
#include <kernel/sections.h>
#include <kernel/string.h>
#include <mm/check.h>
#include <mm/memblock.h>
#include <mm/memmap.h>
#include <mm/page.h>

enum { MEMBLOCK_MAX_REGIONS = 2048 };
/* Firmware scribbles there (Linux arch/x86/kernel/setup.c), and frame 0 is never handed out: 0 means none. */
#define LOW_MEMORY_END KIB(64)

static struct memblock_region memory_regions[MEMBLOCK_MAX_REGIONS];
static struct memblock_region reserved_regions[MEMBLOCK_MAX_REGIONS];

struct memblock memblock = {
	.memory = {memory_regions, 0, MEMBLOCK_MAX_REGIONS, "memory"},
	.reserved = {reserved_regions, 0, MEMBLOCK_MAX_REGIONS, "reserved"},
};
paddr_t memblock_limit;

/* ---- arrays of ranges ---- */

static bool regions_agree(const struct memblock_region *a, const struct memblock_region *b)
{
	return a->nid == b->nid && a->name == b->name;
}

static void type_insert(struct memblock_type *t, unsigned at, paddr_t start, paddr_t end, int nid,
			const char *name)
{
	memmove(&t->region[at + 1], &t->region[at], (t->cnt - at) * sizeof(t->region[0]));
	t->region[at] = (struct memblock_region){start, end, nid, name};
	t->cnt++;
}

static void type_delete(struct memblock_type *t, unsigned at)
{
	t->cnt--;
	memmove(&t->region[at], &t->region[at + 1], (t->cnt - at) * sizeof(t->region[0]));
}

/* Merges neighbours in [from - 1, to + 1]: only there can a change have made them touch. */
static void type_merge(struct memblock_type *t, unsigned from, unsigned to)
{
	unsigned i = from ? from - 1 : 0;

	while (i + 1 < t->cnt && i <= to) {
		struct memblock_region *a = &t->region[i], *b = a + 1;

		if (a->end == b->start && regions_agree(a, b)) {
			a->end = b->end;
			type_delete(t, i + 1);
			if (to)
				to--;
		} else {
			i++;
		}
	}
}

/* First region that ends above pa. */
static unsigned type_find(const struct memblock_type *t, paddr_t pa)
{
	unsigned lo = 0, hi = t->cnt;

	while (lo < hi) {
		unsigned mid = (lo + hi) / 2;

		if (t->region[mid].end <= pa)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Inserts the parts of [start, end) that are not covered yet; what is covered keeps its node and name. */
static int type_add(struct memblock_type *t, paddr_t start, paddr_t end, int nid, const char *name)
{
	unsigned first = type_find(t, start), pieces = 0, i;
	paddr_t pos = start;

	if (start >= end)
		return 0;
	for (i = first; pos < end; i++) { /* count, so that a full array changes nothing */
		paddr_t next = i < t->cnt && t->region[i].start < end ? t->region[i].start : end;

		pieces += pos < next;
		pos = i < t->cnt && next < end ? t->region[i].end : end;
	}
	if (pieces > t->max - t->cnt)
		return -ENOSPC;
	for (i = first, pos = start; pos < end; i++) {
		paddr_t next = i < t->cnt && t->region[i].start < end ? t->region[i].start : end;

		if (pos < next)
			type_insert(t, i++, pos, next, nid, name);
		pos = i < t->cnt && next < end ? t->region[i].end : end;
	}
	type_merge(t, first, i);
	return 0;
}

/* Whether a cut at pa makes two regions of one. */
static bool inside_region(const struct memblock_type *t, paddr_t pa)
{
	unsigned i = type_find(t, pa);

	return i < t->cnt && t->region[i].start < pa;
}

/* Splits regions at both borders, so that [*first, *past) is exactly what lies inside. At most two more regions. */
static int type_isolate(struct memblock_type *t, paddr_t start, paddr_t end, unsigned *first, unsigned *past)
{
	unsigned i = type_find(t, start);

	*first = *past = i;
	if (start >= end)
		return 0;
	if (t->max - t->cnt < (unsigned)inside_region(t, start) + inside_region(t, end))
		return -ENOSPC;
	if (i < t->cnt && t->region[i].start < start) {
		type_insert(t, i, t->region[i].start, start, t->region[i].nid, t->region[i].name);
		t->region[++i].start = start;
	}
	*first = i;
	for (; i < t->cnt && t->region[i].start < end; i++) {
		if (t->region[i].end > end) {
			type_insert(t, i, t->region[i].start, end, t->region[i].nid, t->region[i].name);
			t->region[i + 1].start = end;
		}
	}
	*past = i;
	return 0;
}

static int type_remove(struct memblock_type *t, paddr_t start, paddr_t end)
{
	unsigned first, past;
	int err = type_isolate(t, start, end, &first, &past);

	if (err)
		return err;
	while (past > first)
		type_delete(t, --past);
	return 0;
}

static const char *type_check(const struct memblock_type *t)
{
	for (unsigned i = 0; i < t->cnt; i++) {
		const struct memblock_region *r = &t->region[i];

		if (r->start >= r->end)
			return "memblock.B1: empty region";
		if (i && r[-1].end > r->start)
			return "memblock.B1: regions overlap or are out of order";
		if (i && r[-1].end == r->start && regions_agree(&r[-1], r))
			return "memblock.B2: neighbours not merged";
	}
	return NULL;
}

/* ---- the interface ---- */

int memblock_add(struct memblock *mb, paddr_t start, paddr_t end, int nid)
{
	BUG_ON(mb->handed_over, "memblock_add after the hand-over");
	return type_add(&mb->memory, start, end, nid, NULL);
}

int memblock_remove(struct memblock *mb, paddr_t start, paddr_t end)
{
	BUG_ON(mb->handed_over, "memblock_remove after the hand-over");
	return type_remove(&mb->memory, start, end);
}

int memblock_reserve(struct memblock *mb, paddr_t start, paddr_t end, const char *name)
{
	BUG_ON(mb->handed_over, "memblock_reserve after the hand-over: %s", name);
	return type_add(&mb->reserved, start, end, NUMA_NO_NODE, name);
}

int memblock_free(struct memblock *mb, paddr_t start, paddr_t end)
{
	BUG_ON(mb->handed_over, "memblock_free after the hand-over");
	return type_remove(&mb->reserved, start, end);
}

int memblock_forget(struct memblock *mb, paddr_t start, paddr_t end)
{
	return type_remove(&mb->reserved, start, end);
}

int memblock_set_node(struct memblock *mb, paddr_t start, paddr_t end, int nid)
{
	unsigned first, past;
	int err = type_isolate(&mb->memory, start, end, &first, &past);

	if (err)
		return err;
	for (unsigned i = first; i < past; i++)
		mb->memory.region[i].nid = nid;
	type_merge(&mb->memory, first, past);
	return 0;
}

bool memblock_next_free(const struct memblock *mb, paddr_t *cursor, paddr_t *start, paddr_t *end, int *nid)
{
	for (unsigned m = type_find(&mb->memory, *cursor); m < mb->memory.cnt; m++) {
		const struct memblock_region *mem = &mb->memory.region[m];
		paddr_t pos = max(*cursor, mem->start);

		for (unsigned r = type_find(&mb->reserved, pos); pos < mem->end; r++) {
			bool taken = r < mb->reserved.cnt && mb->reserved.region[r].start < mem->end;
			paddr_t next = taken ? mb->reserved.region[r].start : mem->end;

			if (pos < next) {
				*start = pos;
				*end = *cursor = next;
				if (nid)
					*nid = mem->nid;
				return true;
			}
			pos = taken ? mb->reserved.region[r].end : mem->end;
		}
	}
	return false;
}

/* The place for size bytes in the free range [start, end), or 0. */
static paddr_t fit(paddr_t start, paddr_t end, size_t size, size_t align, bool top_down)
{
	paddr_t at;

	if (start >= end || end - start < size)
		return 0;
	at = top_down ? ALIGN_DOWN(end - size, align) : ALIGN_UP(start, align);
	return at >= start && at < end && end - at >= size ? at : 0;
}

static paddr_t find_free(const struct memblock *mb, size_t size, size_t align, paddr_t lo, paddr_t hi,
			 int nid, bool top_down)
{
	paddr_t cursor = 0, start, end, found = 0;
	int range_nid;

	while (memblock_next_free(mb, &cursor, &start, &end, &range_nid)) {
		paddr_t at;

		if (nid != NUMA_NO_NODE && range_nid != nid)
			continue;
		at = fit(max(start, lo), min(end, hi), size, align, top_down);
		if (!at)
			continue;
		found = at;
		if (!top_down)
			break;
	}
	return found;
}

static paddr_t alloc_range(struct memblock *mb, size_t size, size_t align, paddr_t lo, paddr_t hi, int nid,
			   const char *name, bool top_down)
{
	paddr_t at;

	BUG_ON(mb->handed_over, "memblock allocation after the hand-over: %s", name);
	BUG_ON(!is_pow2(align), "memblock: alignment %zu is not a power of two (%s)", align, name);
	if (!size)
		return 0;
	lo = max(lo, PAGE_SIZE);
	at = find_free(mb, size, align, lo, hi, nid, top_down);
	if (!at && nid != NUMA_NO_NODE)
		at = find_free(mb, size, align, lo, hi, NUMA_NO_NODE, top_down);
	return at && !memblock_reserve(mb, at, at + size, name) ? at : 0;
}

paddr_t memblock_alloc_range(struct memblock *mb, size_t size, size_t align, paddr_t lo, paddr_t hi, int nid,
			     const char *name)
{
	return alloc_range(mb, size, align, lo, hi, nid, name, true);
}

void *memblock_alloc_or_panic(size_t size, size_t align, int nid, const char *name)
{
	paddr_t at = alloc_range(&memblock, size, align, MIB(16), memblock_limit, nid, name, false);

	if (!at)
		at = alloc_range(&memblock, size, align, MIB(1), memblock_limit, nid, name, false);
	if (!at)
		panic("memblock: no %zu bytes (aligned to %zu) for %s below 0x%lx\n", size, align, name,
		      memblock_limit);
	return memset(phys_to_virt(at), 0, size);
}

paddr_t memblock_end(const struct memblock *mb)
{
	return mb->memory.cnt ? mb->memory.region[mb->memory.cnt - 1].end : 0;
}

static const struct memblock_region *type_region_of(const struct memblock_type *t, paddr_t pa)
{
	unsigned i = type_find(t, pa);

	return i < t->cnt && t->region[i].start <= pa ? &t->region[i] : NULL;
}

bool memblock_is_memory(const struct memblock *mb, paddr_t pa)
{
	return type_region_of(&mb->memory, pa) != NULL;
}

int memblock_nid(const struct memblock *mb, paddr_t pa)
{
	const struct memblock_region *r = type_region_of(&mb->memory, pa);

	return r ? r->nid : NUMA_NO_NODE;
}

bool memblock_all_of_node(const struct memblock *mb, paddr_t start, paddr_t end, int nid)
{
	for (unsigned i = type_find(&mb->memory, start);
	     i < mb->memory.cnt && mb->memory.region[i].start < end && start < end; i++)
		if (mb->memory.region[i].nid != nid)
			return false;
	return true;
}

const char *memblock_reserved_name(const struct memblock *mb, paddr_t pa)
{
	const struct memblock_region *r = type_region_of(&mb->reserved, pa);

	return r ? r->name : NULL;
}

const char *memblock_check(const struct memblock *mb)
{
	const char *what = type_check(&mb->memory);

	return what ? what : type_check(&mb->reserved);
}

/* What the kernel's own arrays are besides: in their place, and no longer than they can be. */
static const char *memblock_check_own(void)
{
	const struct memblock_type *m = &memblock.memory, *r = &memblock.reserved;

	if (m->region != memory_regions || r->region != reserved_regions || m->max != MEMBLOCK_MAX_REGIONS ||
	    r->max != MEMBLOCK_MAX_REGIONS || m->cnt > m->max || r->cnt > r->max)
		return "memblock.B1: an array is not in its place, or has more regions than room";
	return memblock_check(&memblock);
}
MM_CHECK_RANKED("memblock", memblock_check_own, CHECK_RANK_MEMORY);

/* ---- boot ---- */

static void reserve_or_panic(struct memblock *mb, paddr_t start, paddr_t end, const char *name)
{
	if (memblock_reserve(mb, start, end, name))
		panic("memblock: no room to reserve 0x%lx-0x%lx (%s)\n", start, end, name);
}

static void reserve_image(void)
{
	const struct {
		const char *start, *end, *name;
	} parts[] = {
		{__text_start, __text_end, "kernel text"},
		{__rodata_start, __rodata_end, "kernel rodata"},
		{__data_start, __data_end, "kernel data"},
		{__bss_start, __bss_end, "kernel bss"},
	};

	reserve_or_panic(&memblock, KERNEL_LOAD, image_to_phys(__text_start), "kernel boot code");
	for (unsigned i = 0; i < ARRAY_SIZE(parts); i++)
		reserve_or_panic(&memblock, image_to_phys(parts[i].start), image_to_phys(parts[i].end),
				 parts[i].name);
}

void memblock_reserve_boot(struct memblock *mb, const struct boot_info *bi)
{
	if (bi->info_start < bi->info_end)
		reserve_or_panic(mb, bi->info_start, bi->info_end, "boot information");
	if (bi->fdt_start < bi->fdt_end)
		reserve_or_panic(mb, bi->fdt_start, bi->fdt_end, "device tree");
	for (unsigned i = 0; i < bi->nr_modules; i++)
		reserve_or_panic(mb, bi->module[i].start, bi->module[i].end, "boot module");
	for (unsigned i = 0; i < min(bi->nr_reserved, (unsigned)BOOT_MAX_RESERVED); i++)
		reserve_or_panic(mb, bi->reserved[i].start, bi->reserved[i].end, "firmware");
}

void memblock_init(const struct boot_info *bi)
{
	u64 usable = 0;

	memblock_limit = EARLY_MAP_END;
	memmap_init(bi);
	/* Reservations first: no boot allocation can then land on them. */
	reserve_or_panic(&memblock, 0, LOW_MEMORY_END, "firmware low memory");
	reserve_image();
	memblock_reserve_boot(&memblock, bi);

	for (unsigned i = 0; i < memmap_nr; i++) {
		paddr_t start = PAGE_ALIGN_UP(memmap[i].start), end = memmap[i].end & PAGE_MASK;

		if (memmap[i].type != MEM_USABLE || start >= end || start < memmap[i].start)
			continue;
		if (memblock_add(&memblock, start, end, NUMA_NO_NODE)) {
			pr_warn("memblock: too many ranges, memory above 0x%lx is not used\n", start);
			break;
		}
		usable += end - start;
	}
	if (!usable)
		panic("no usable memory: the loader's map has %u ranges, none of them a whole page of RAM\n",
		      bi->nr_ranges);
}
