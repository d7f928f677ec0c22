/*
 * memblock.c - physical memory before struct pages exist.
 *
 * Idea.       Two sorted arrays of ranges list existing memory and reserved memory; free memory is the
 *             difference. Each operation finds its first region by binary search and then touches only
 *             the regions of its own range, so boot time is proportional to the number of ranges. A
 *             full array is copied at twice its length into free memory (Linux's
 *             memblock_double_array).
 * Layout.     memory.region[] {start, end, nid} from the sanitised map, page aligned inwards
 *             reserved.region[] {start, end, name}, not page aligned: a frame is reserved if a byte of it is
 *
 *              memory    [1M ............................. 512M)
 *              reserved        [16M kernel 20M)   [30M .. 31M)
 *              free      [1M .. 16M)      [20M .. 30M)    [31M .. 512M)
 *
 * Invariants. B1  each array is sorted and disjoint and has no empty region
 *             B2  no two touching regions agree in nid and name
 *             B3  an allocation lies in memory and touches no earlier reservation
 *             B4  address 0 is never returned
 *             B5  after memblock_hand_over() only memblock_forget() changes an array
 * Locking.    No lock is needed: the arrays change at boot, on one CPU. adopt_reserved_page(), which calls
 *             memblock_forget(), has the same restriction.
 * Failure.    If an array is full and cannot grow: -ENOSPC, nothing has changed. If no range fits: 0,
 *             or a panic in memblock_alloc_or_panic().
 * Source.     Linux mm/memblock.c. Boot allocations grow upwards from 16 MiB instead of downwards from
 *             the top. So they share the first section, and the other sections stay regular (page.c).
 * Next:       memblock_boot.c.
 */
#include <arch/cpu.h>
#include <arch/layout.h>
#include <kernel/bits.h>
#include <kernel/bug.h>
#include <kernel/cmdline.h>
#include <kernel/errno.h>
#include <kernel/printk.h>
#include <kernel/sections.h>
#include <kernel/string.h>
#include <mm/check.h>
#include <mm/check_walk.h>
#include <mm/memblock.h>
#include <mm/memmap.h>
#include <mm/page.h>

enum {
	/* Capacity before an array grows. The loader's reservations, which come first, always fit. */
	FIRST_REGIONS = 512,
	ROOM_AT_HAND_OVER = 8,
};
static_assert(BOOT_MAX_RESERVED + BOOT_MAX_MODULES < FIRST_REGIONS - 16,
	      "no memory is needed to reserve memory");
/* Lower limits for boot memory, tried in order: above the reach of old devices first. */
static const paddr_t lowest[] = {MIB(16), MIB(1), PAGE_SIZE};

static struct memblock_region memory_regions[FIRST_REGIONS];
static struct memblock_region reserved_regions[FIRST_REGIONS];

struct memblock memblock = {
	.memory = {.region = memory_regions, .max = FIRST_REGIONS, .what = "memblock memory"},
	.reserved = {.region = reserved_regions, .max = FIRST_REGIONS, .what = "memblock reserved"},
	.may_grow = true,
};
paddr_t memblock_limit;

/* Where the kernel's arrays lie, for memblock_check_own(). */
static struct {
	const struct memblock_region *memory, *reserved;
	unsigned memory_max, reserved_max;
	u64 print; /* checksum of the arrays at the hand-over (B5) */
} own = {memory_regions, reserved_regions, FIRST_REGIONS, FIRST_REGIONS, 0};

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

/* Removes regions [from, to). */
static void type_delete(struct memblock_type *t, unsigned from, unsigned to)
{
	memmove(&t->region[from], &t->region[to], (t->cnt - to) * sizeof(t->region[0]));
	t->cnt -= to - from;
}

static bool regions_join(const struct memblock_region *a, const struct memblock_region *b)
{
	return a->end == b->start && regions_agree(a, b);
}

/* Merges neighbours in [from - 1, to]. Regions elsewhere did not change. */
static void type_merge(struct memblock_type *t, unsigned from, unsigned to)
{
	unsigned kept = from ? from - 1 : 0, i = kept + 1;

	for (; i < t->cnt && i <= to; i++) {
		if (regions_join(&t->region[kept], &t->region[i]))
			t->region[kept].end = t->region[i].end;
		else
			t->region[++kept] = t->region[i];
	}
	if (kept + 1 < i)
		type_delete(t, kept + 1, i);
}

/* Index of the first region that ends above pa; cnt if there is none. */
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

/* Index of the first region that begins at or above pa; cnt if there is none. */
static unsigned type_find_start(const struct memblock_type *t, paddr_t pa)
{
	unsigned i = type_find(t, pa);

	return i + (i < t->cnt && t->region[i].start < pa);
}

/* A part of a new range that no region covers. Region `at` is the next one above it. */
struct gap {
	unsigned at;
	paddr_t start, end;
};

/* Finds the first gap of [pos, end), from region `at` on. Returns false if regions cover all of it. */
static bool type_gap(const struct memblock_type *t, unsigned at, paddr_t pos, paddr_t end, struct gap *g)
{
	while (at < t->cnt && t->region[at].start <= pos && pos < end)
		pos = max(pos, t->region[at++].end);
	if (pos >= end)
		return false;
	*g = (struct gap){at, pos, at < t->cnt ? min(t->region[at].start, end) : end};
	return true;
}

/*
 * Sets *front and *back: whether the filled gap merges with the region below and with the region above
 * it.
 */
static void gap_joins(const struct memblock_type *t, const struct memblock_region *filled, unsigned at,
		      bool *front, bool *back)
{
	*front = at > 0 && regions_join(&t->region[at - 1], filled);
	*back = at < t->cnt && regions_join(filled, &t->region[at]);
}

/*
 * Largest number of additional regions while type_add() runs. A gap that merges with a neighbour adds
 * none.
 */
static unsigned type_add_needs(const struct memblock_type *t, paddr_t start, paddr_t end, int nid,
			       const char *name)
{
	int more = 0, most = 0;
	struct gap g;

	for (unsigned at = type_find(t, start); type_gap(t, at, start, end, &g); at = g.at, start = g.end) {
		struct memblock_region filled = {g.start, g.end, nid, name};
		bool front, back;

		gap_joins(t, &filled, g.at, &front, &back);
		more += 1 - front - back;
		most = max(most, more);
	}
	return (unsigned)most;
}

/*
 * Adds the parts of [start, end) that no region covers. Covered parts keep their node and name. The
 * caller has made room.
 */
static void type_add(struct memblock_type *t, paddr_t start, paddr_t end, int nid, const char *name)
{
	struct gap g;

	for (unsigned at = type_find(t, start); type_gap(t, at, start, end, &g); at = g.at, start = g.end) {
		struct memblock_region filled = {g.start, g.end, nid, name};
		bool front, back;

		gap_joins(t, &filled, g.at, &front, &back);
		if (front && back) {
			t->region[g.at - 1].end = t->region[g.at].end;
			type_delete(t, g.at, g.at + 1);
			g.at--;
		} else if (front) {
			t->region[g.at - 1].end = g.end;
		} else if (back) {
			t->region[g.at].start = g.start;
		} else {
			type_insert(t, g.at, g.start, g.end, nid, name);
		}
	}
}

/* Returns whether a cut at pa splits a region. */
static bool inside_region(const struct memblock_type *t, paddr_t pa)
{
	unsigned i = type_find(t, pa);

	return i < t->cnt && t->region[i].start < pa;
}

/* Number of regions that type_isolate() adds: 0 to 2. */
static unsigned type_isolate_needs(const struct memblock_type *t, paddr_t start, paddr_t end)
{
	return start < end ? (unsigned)inside_region(t, start) + inside_region(t, end) : 0;
}

/* Splits the region that contains pa in its interior, if there is one. */
static void type_cut(struct memblock_type *t, paddr_t pa)
{
	unsigned i = type_find(t, pa);
	struct memblock_region *r = &t->region[i];

	if (i == t->cnt || r->start >= pa)
		return;
	type_insert(t, i, r->start, pa, r->nid, r->name);
	r[1].start = pa;
}

/* Splits regions at start and end. [*first, *past) are the regions inside. The caller has made room. */
static void type_isolate(struct memblock_type *t, paddr_t start, paddr_t end, unsigned *first, unsigned *past)
{
	if (start < end) {
		type_cut(t, start);
		type_cut(t, end);
	}
	*first = type_find(t, start);
	*past = start < end ? type_find_start(t, end) : *first;
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

/* ---- arrays that grow ---- */

static paddr_t find_free(struct memblock *mb, size_t size, size_t align, paddr_t lo, paddr_t hi, int nid,
			 bool top_down);

/* Finds free memory for a longer array, outside of [start, end). Returns 0 if there is none. */
static paddr_t find_outside(struct memblock *mb, size_t bytes, paddr_t start, paddr_t end)
{
	for (unsigned i = 0; i < ARRAY_SIZE(lowest); i++) {
		paddr_t at = find_free(mb, bytes, PAGE_SIZE, lowest[i], min(start, memblock_limit),
				       NUMA_NO_NODE, false);

		if (!at)
			at = find_free(mb, bytes, PAGE_SIZE, max(lowest[i], end), memblock_limit,
				       NUMA_NO_NODE, false);
		if (at)
			return at;
	}
	return 0;
}

static void rovers_forget(struct memblock *mb)
{
	memset(mb->rover, 0, sizeof(mb->rover));
}

static void own_arrays_noted(const struct memblock *mb)
{
	if (mb != &memblock)
		return;
	own.memory = mb->memory.region;
	own.memory_max = mb->memory.max;
	own.reserved = mb->reserved.region;
	own.reserved_max = mb->reserved.max;
}

/*
 * Doubles the capacity of array t. The new array lies in free memory outside of [start, end), because
 * the caller is about to add or remove that range. The memory of an earlier growth is freed.
 */
static bool type_grow(struct memblock *mb, struct memblock_type *t, paddr_t start, paddr_t end)
{
	const struct memblock_type old = *t;
	size_t bytes = PAGE_ALIGN_UP(2UL * t->max * sizeof(t->region[0]));
	paddr_t at;

	if (!mb->may_grow || mb->handed_over)
		return false;
	at = find_outside(mb, bytes, start, end);
	if (!at)
		return false;
	t->region = memcpy(phys_to_virt(at), old.region, old.cnt * sizeof(old.region[0]));
	t->max = (unsigned)(bytes / sizeof(old.region[0]));
	t->grown_at = at;
	if (memblock_reserve(mb, at, at + bytes, t->what)) {
		*t = old;
		return false;
	}
	own_arrays_noted(mb);
	if (old.grown_at)
		memblock_free(mb, old.grown_at, old.grown_at + old.max * sizeof(old.region[0]));
	return true;
}

static int add_range(struct memblock *mb, struct memblock_type *t, paddr_t start, paddr_t end, int nid,
		     const char *name)
{
	if (start >= end)
		return 0;
	while (type_add_needs(t, start, end, nid, name) > t->max - t->cnt)
		if (!type_grow(mb, t, start, end))
			return -ENOSPC;
	type_add(t, start, end, nid, name);
	return 0;
}

/* Makes room, then splits regions at both borders. [*first, *past) are the regions inside. */
static int isolate(struct memblock *mb, struct memblock_type *t, paddr_t start, paddr_t end, unsigned *first,
		   unsigned *past)
{
	while (type_isolate_needs(t, start, end) > t->max - t->cnt)
		if (!type_grow(mb, t, start, end))
			return -ENOSPC;
	type_isolate(t, start, end, first, past);
	return 0;
}

static int remove_range(struct memblock *mb, struct memblock_type *t, paddr_t start, paddr_t end)
{
	unsigned first, past;
	int err = isolate(mb, t, start, end, &first, &past);

	if (!err)
		type_delete(t, first, past);
	rovers_forget(mb);
	return err;
}

/* ---- the interface ---- */

int memblock_add(struct memblock *mb, paddr_t start, paddr_t end, int nid)
{
	BUG_ON(mb->handed_over, "memblock_add after the hand-over");
	rovers_forget(mb);
	return add_range(mb, &mb->memory, start, end, nid, NULL);
}

int memblock_remove(struct memblock *mb, paddr_t start, paddr_t end)
{
	BUG_ON(mb->handed_over, "memblock_remove after the hand-over");
	return remove_range(mb, &mb->memory, start, end);
}

int memblock_reserve(struct memblock *mb, paddr_t start, paddr_t end, const char *name)
{
	BUG_ON(mb->handed_over, "memblock_reserve after the hand-over: %s", name);
	return add_range(mb, &mb->reserved, start, end, NUMA_NO_NODE, name);
}

int memblock_free(struct memblock *mb, paddr_t start, paddr_t end)
{
	BUG_ON(mb->handed_over, "memblock_free after the hand-over");
	return remove_range(mb, &mb->reserved, start, end);
}

static u64 own_print(void)
{
	u64 print = check_print(&memblock, offsetof(struct memblock, rover), 0);

	print = check_print(memblock.memory.region, memblock.memory.cnt * sizeof(memblock.memory.region[0]),
			    print);
	return check_print(memblock.reserved.region,
			   memblock.reserved.cnt * sizeof(memblock.reserved.region[0]), print);
}

int memblock_forget(struct memblock *mb, paddr_t start, paddr_t end)
{
	int err = remove_range(mb, &mb->reserved, start, end);

	if (mb == &memblock && mb->handed_over)
		own.print = own_print();
	return err;
}

bool memblock_keep_room(struct memblock *mb)
{
	struct memblock_type *t = &mb->reserved;

	return t->max - t->cnt >= ROOM_AT_HAND_OVER || type_grow(mb, t, 0, 0);
}

int memblock_set_node(struct memblock *mb, paddr_t start, paddr_t end, int nid)
{
	unsigned first, past;
	int err = isolate(mb, &mb->memory, start, end, &first, &past);

	if (err)
		return err;
	for (unsigned i = first; i < past; i++)
		mb->memory.region[i].nid = nid;
	type_merge(&mb->memory, first, past);
	rovers_forget(mb);
	return 0;
}

void memblock_trim_memory(struct memblock *mb, size_t align)
{
	struct memblock_type *t = &mb->memory;
	unsigned kept = 0;

	BUG_ON(!is_pow2(align), "memblock: alignment %zu is not a power of two (trim)", align);
	for (unsigned i = 0; i < t->cnt; i++) {
		struct memblock_region r = t->region[i];
		paddr_t start = ALIGN_UP(r.start, align), end = ALIGN_DOWN(r.end, align);

		/*
		 * ALIGN_UP wraps to 0 if the region begins in the last `align` bytes of the address
		 * space.
		 */
		if (start < r.start || start >= end)
			continue;
		r.start = start;
		r.end = end;
		t->region[kept++] = r;
	}
	t->cnt = kept;
	rovers_forget(mb);
}

bool memblock_overlaps_region(const struct memblock_type *t, paddr_t start, paddr_t end)
{
	unsigned i = type_find(t, start);

	return start < end && i < t->cnt && t->region[i].start < end;
}

unsigned memblock_first_memory(const struct memblock *mb, paddr_t pa)
{
	return type_find(&mb->memory, pa);
}

bool memblock_next_free_below(const struct memblock *mb, paddr_t max, paddr_t *cursor, paddr_t *start,
			      paddr_t *end, int *nid)
{
	for (unsigned m = type_find(&mb->memory, *cursor);
	     m < mb->memory.cnt && mb->memory.region[m].start < max; m++) {
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
				return pos < max;
			}
			pos = taken ? mb->reserved.region[r].end : mem->end;
		}
	}
	return false;
}

bool memblock_next_free(const struct memblock *mb, paddr_t *cursor, paddr_t *start, paddr_t *end, int *nid)
{
	return memblock_next_free_below(mb, ~0UL, cursor, start, end, nid);
}

/*
 * Lowest or highest aligned address at which size bytes fit in the free range [start, end); 0 if they
 * do not.
 */
static paddr_t fit(paddr_t start, paddr_t end, size_t size, size_t align, bool top_down)
{
	paddr_t at;

	if (start >= end || end - start < size)
		return 0;
	at = top_down ? ALIGN_DOWN(end - size, align) : ALIGN_UP(start, align);
	return at >= start && at < end && end - at >= size ? at : 0;
}

/*
 * Highest address at which size bytes fit in a free part of [start, end), which lies in one region of
 * memory; 0 if none.
 */
static paddr_t fit_down(const struct memblock_type *reserved, paddr_t start, paddr_t end, size_t size,
			size_t align)
{
	for (unsigned r = type_find_start(reserved, end);; r--) {
		paddr_t free_from = r ? max(start, reserved->region[r - 1].end) : start;
		paddr_t at = fit(free_from, end, size, align, true);

		if (at || free_from == start)
			return at;
		end = reserved->region[r - 1].start;
		if (end <= start)
			return 0;
	}
}

static paddr_t find_down(const struct memblock *mb, size_t size, size_t align, paddr_t lo, paddr_t hi,
			 int nid)
{
	for (unsigned m = type_find_start(&mb->memory, hi); m-- > 0;) {
		const struct memblock_region *mem = &mb->memory.region[m];
		paddr_t start = max(mem->start, lo), end = min(mem->end, hi), at;

		if (mem->end <= lo)
			break;
		if (start >= end || (nid != NUMA_NO_NODE && mem->nid != nid))
			continue;
		at = fit_down(&mb->reserved, start, end, size, align);
		if (at)
			return at;
	}
	return 0;
}

/*
 * Returns whether the rover's result holds for this request: it needs at least the rover's size and
 * alignment, from lo or above.
 */
static bool rover_serves(const struct memblock_rover *r, size_t size, size_t align, paddr_t lo)
{
	return r->size && size >= r->size && align >= r->align && lo >= r->lo;
}

/*
 * Finds the lowest address. Boot allocates pages repeatedly from the same lower limit. The node's rover
 * stores the address up to which nothing fits, so the next search does not walk over all reservations
 * again.
 */
static paddr_t find_up(struct memblock *mb, size_t size, size_t align, paddr_t lo, paddr_t hi, int nid)
{
	struct memblock_rover *r = &mb->rover[nid == NUMA_NO_NODE ? MAX_NODES : nid];
	bool served = rover_serves(r, size, align, lo);
	paddr_t cursor = served ? max(lo, r->at) : lo, start, end, at = 0;
	int range_nid;

	while (!at && memblock_next_free_below(mb, hi, &cursor, &start, &end, &range_nid))
		if (nid == NUMA_NO_NODE || range_nid == nid)
			at = fit(max(start, lo), min(end, hi), size, align, false);
	if (!served || (size == r->size && align == r->align && lo == r->lo))
		*r = (struct memblock_rover){size, align, lo, at ? at : max(lo, hi - min(hi, size))};
	return at;
}

static paddr_t find_free(struct memblock *mb, size_t size, size_t align, paddr_t lo, paddr_t hi, int nid,
			 bool top_down)
{
	if (lo >= hi || (nid != NUMA_NO_NODE && (nid < 0 || nid >= MAX_NODES)))
		return 0;
	return top_down ? find_down(mb, size, align, lo, hi, nid) : find_up(mb, size, align, lo, hi, nid);
}

paddr_t memblock_alloc_flags(struct memblock *mb, size_t size, size_t align, paddr_t lo, paddr_t hi, int nid,
			     const char *name, unsigned flags)
{
	bool top_down = !(flags & MEMBLOCK_BOTTOM_UP);
	paddr_t at;

	BUG_ON(mb->handed_over, "memblock allocation after the hand-over: %s", name);
	BUG_ON(!is_pow2(align), "memblock: alignment %zu is not a power of two (%s)", align, name);
	if (!size)
		return 0;
	lo = max(lo, PAGE_SIZE);
	at = find_free(mb, size, align, lo, hi, nid, top_down);
	if (!at && nid != NUMA_NO_NODE && !(flags & MEMBLOCK_EXACT_NID))
		at = find_free(mb, size, align, lo, hi, NUMA_NO_NODE, top_down);
	return at && !memblock_reserve(mb, at, at + size, name) ? at : 0;
}

paddr_t memblock_alloc_range(struct memblock *mb, size_t size, size_t align, paddr_t lo, paddr_t hi, int nid,
			     const char *name)
{
	return memblock_alloc_flags(mb, size, align, lo, hi, nid, name, 0);
}

void memblock_describe_free(const struct memblock *mb, paddr_t limit, char *text, size_t size)
{
	paddr_t cursor = 0, start, end;
	u64 total = 0, left = 0;

	for (unsigned i = 0; i < mb->memory.cnt; i++)
		total += mb->memory.region[i].end - mb->memory.region[i].start;
	while (memblock_next_free_below(mb, limit, &cursor, &start, &end, NULL))
		left += min(end, limit) - start;
	snprintf(text, size, "%lu KiB of %lu KiB are free below 0x%lx", left >> 10, total >> 10, limit);
}

/*
 * Refuses the boot because boot memory ran out. The message says how much is free and which options reduced
 * it.
 */
static void refuse_for_memory(size_t size, size_t align, const char *name) __noreturn;
static void refuse_for_memory(size_t size, size_t align, const char *name)
{
	char text[128];

	memblock_describe_free(&memblock, memblock_limit, text, sizeof(text));
	boot_refused("out of memory at boot: no %zu bytes (aligned to %zu) for %s, %s%s%s", size, align, name,
		     text, memmap_nr_unproven ? ", not counting what memmap= adds" : "", memmap_blame());
}

void *memblock_alloc_or_panic(size_t size, size_t align, int nid, const char *name)
{
	paddr_t at = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(lowest) && !at; i++)
		at = memblock_alloc_flags(&memblock, size, align, lowest[i], memblock_limit, nid, name,
					  MEMBLOCK_BOTTOM_UP);
	if (!at)
		refuse_for_memory(size, align, name);
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

const struct memblock_region *memblock_reserved_from(const struct memblock *mb, paddr_t pa)
{
	return &mb->reserved.region[type_find(&mb->reserved, pa)];
}

const char *memblock_check(const struct memblock *mb)
{
	const char *what = type_check(&mb->memory);

	return what ? what : type_check(&mb->reserved);
}

void memblock_hand_over(void)
{
	memblock.handed_over = true;
	own.print = own_print();
}

/*
 * Checks that the kernel's arrays have their known address and capacity, and are unchanged since the
 * hand-over.
 */
static const char *memblock_check_own(void)
{
	const struct memblock_type *m = &memblock.memory, *r = &memblock.reserved;

	if (m->region != own.memory || r->region != own.reserved || m->max != own.memory_max ||
	    r->max != own.reserved_max || m->cnt > m->max || r->cnt > r->max)
		return "memblock.B1: an array is not in its place, or has more regions than room";
	if (memblock_check(&memblock))
		return memblock_check(&memblock);
	return own_print() == own.print ? NULL : "memblock.B5: the arrays have changed since the hand-over";
}
MM_CHECK_RANKED("memblock", memblock_check_own, CHECK_RANK_MEMORY);
