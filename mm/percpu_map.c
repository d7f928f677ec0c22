/*
 * percpu_map.c - the map of one chunk of per-CPU memory.
 *
 * Idea.       One bit for each unit says whether it is in use. A binary tree stands above the words of
 *             bits. Each node holds three numbers: the free units at its start (head), those at its end
 *             (tail), and its longest free run. A search for the lowest run of n units climbs from the
 *             word where it begins and descends into the first node that has one. After a change, the
 *             nodes above the written words are computed again. Both take one or two steps for each
 *             level. A new chunk is filled from its start and needs no tree (`dense`). The first free
 *             in it, or the first gap in front of an aligned allocation, builds the tree.
 * Layout.     in_use, first: bits. node[] is stored like a heap. A chunk of four words, all free but
 *             units 0 to 2 of w0, 10 of w1, and all of w3:
 *
 *                      [1]  4 words                    head 0, tail 0, longest 117
 *               [2]  2 words      [3]  2 words         [2]: longest 71 = tail 61 of w0 + head 10 of w1
 *            [4] w0   [5] w1   [6] w2   [7] w3         [4]: head 0, tail 61, longest 61
 *
 *              [1] = join([2], [3]): longest = max(71, 64, tail 53 of [2] + head 64 of [3]) = 117
 *
 * Invariants. The invariants are C1 and C5 of percpu.c.
 * Locking.    The caller holds percpu_lock, or the chunk is not published yet.
 * Failure.    A search that finds nothing changes nothing.
 * Source.     Linux mm/percpu.c keeps hints for each block of a page (contig_hint, left_free,
 *             right_free) and scans the blocks. The tree over the same three values needs no scan.
 * Next:       page.c, the array of struct page.
 */
#include "percpu_map.h"

#include <kernel/bug.h>
#include <kernel/types.h>

unsigned long percpu_steps;

/* ---- words ---- */

static unsigned long low_bits(unsigned n)
{
	return n < 64 ? BIT(n) - 1 : ~0UL;
}

/* Returns the free units of a word as bits. Units behind the chunk's end are not free. */
static unsigned long free_bits(const struct chunk *c, unsigned word)
{
	unsigned behind = c->units > word * 64 ? c->units - word * 64 : 0;

	return ~c->in_use[word] & low_bits(behind);
}

/*
 * Returns the bits at which a run of n set bits begins; n is 1 to 64. A run of `have` bits is extended
 * by ANDing it with itself, shifted: for n = 5 the lengths are 1, 2, 4, 5.
 */
static unsigned long run_starts(unsigned long bits, unsigned n)
{
	for (unsigned have = 1; have < n;) {
		unsigned more = min(have, n - have);

		bits &= bits >> more;
		have += more;
	}
	return bits;
}

/*
 * Returns the length of the longest run of set bits; at least one bit is zero. Builds the length from its binary digits, 32
 * first: n grows by 2^k if some run of length n continues for another 2^k bits.
 */
static unsigned longest_run(unsigned long bits)
{
	unsigned long starts[6]; /* starts[k]: bits at which a run of 2^k begins */
	unsigned n = 0;

	for (unsigned k = 0; k < 6; k++) {
		starts[k] = bits;
		bits &= bits >> (1u << k);
	}
	bits = ~0UL;
	for (unsigned k = 6; k-- > 0;) {
		unsigned long longer = bits & starts[k] >> n;

		if (longer) {
			bits = longer;
			n += 1u << k;
		}
	}
	return n;
}

static struct chunk_run word_run(unsigned long bits)
{
	unsigned head, tail;

	if (!bits)
		return (struct chunk_run){0};
	if (!~bits)
		return (struct chunk_run){64, 64, 64};
	head = (unsigned)__builtin_ctzl(~bits);
	tail = (unsigned)__builtin_clzl(~bits);
	return (struct chunk_run){
		.head = (u16)head,
		.tail = (u16)tail,
		/* Often the run at the end is the only one; then no search is needed. */
		.longest = (u16)(bits << tail ? longest_run(bits) : tail),
	};
}

static void set_range(unsigned long *map, unsigned unit, unsigned units, bool set)
{
	while (units) {
		unsigned n = min(units, 64 - unit % 64);
		unsigned long bits = low_bits(n) << unit % 64;

		if (set)
			map[unit / 64] |= bits;
		else
			map[unit / 64] &= ~bits;
		percpu_steps++;
		unit += n;
		units -= n;
	}
}

/* ---- the tree ---- */

/* Joins two adjacent nodes of `width` units each into their parent. */
static struct chunk_run join(const struct chunk_run *l, const struct chunk_run *r, unsigned width)
{
	unsigned longest = max(l->longest, r->longest);

	return (struct chunk_run){
		.head = (u16)(l->head == width ? width + r->head : l->head),
		.tail = (u16)(r->tail == width ? width + l->tail : r->tail),
		.longest = (u16)max(longest, (unsigned)l->tail + r->head),
	};
}

/* Computes nodes lo to hi, both included, from their children of `width` units. */
static __always_inline void join_level(struct chunk *c, unsigned lo, unsigned hi, unsigned width)
{
	for (unsigned i = lo; i <= hi; i++)
		c->node[i] = join(&c->node[2 * i], &c->node[2 * i + 1], width);
}

/*
 * Updates the tree after a change of words lo to hi, both included: first the nodes of each level above
 * them, then, when one node is left, its ancestors.
 */
static void tree_update(struct chunk *c, unsigned lo, unsigned hi)
{
	unsigned steps = hi - lo + 1, width = 64;

	for (unsigned w = lo; w <= hi; w++)
		c->node[CHUNK_WORDS + w] = word_run(free_bits(c, w));
	lo += CHUNK_WORDS;
	hi += CHUNK_WORDS;
	for (; lo != hi; width *= 2) {
		lo /= 2;
		hi /= 2;
		join_level(c, lo, hi, width);
		steps += hi - lo + 1;
	}
	for (; lo > 1; width *= 2, steps++) {
		lo /= 2;
		join_level(c, lo, lo, width);
	}
	percpu_steps += steps;
}

/* First unit of a node on the level of nodes with `width` units. */
static unsigned node_start(unsigned node, unsigned width)
{
	return node * width - CHUNK_UNITS;
}

/*
 * Returns the first unit of the lowest run of n free units in a node that has one. At each level the
 * run lies in the left child, or across the border of the children, or in the right child; it is looked
 * for in this order.
 */
static unsigned find_below(const struct chunk *c, unsigned node, unsigned width, unsigned n)
{
	unsigned steps = 1;

	for (; node < CHUNK_WORDS; steps++) {
		const struct chunk_run *l = &c->node[2 * node], *r = l + 1;

		width /= 2;
		node *= 2;
		if (l->longest >= n)
			continue;
		if ((unsigned)l->tail + r->head >= n) {
			percpu_steps += steps + 1;
			return node_start(node, width) + width - l->tail;
		}
		node++;
	}
	percpu_steps += steps;
	return node_start(node, 64) +
	       (unsigned)__builtin_ctzl(run_starts(free_bits(c, node - CHUNK_WORDS), n));
}

/*
 * Finds the lowest run of n free units that begins at or above `from`. Returns false if there is none.
 * Goes from the word of `from` to the next subtree on the right, as best_next() does in percpu.c.
 * `open` counts the free units that end where the next subtree begins.
 */
static bool find_from(const struct chunk *c, unsigned from, unsigned n, unsigned *found)
{
	unsigned node = CHUNK_WORDS + from / 64, width = 64, open;
	unsigned long bits, starts;

	if (from == 0) {
		if (c->node[1].longest < n)
			return false;
		*found = find_below(c, 1, CHUNK_UNITS, n);
		return true;
	}
	if (from >= c->units)
		return false;
	bits = free_bits(c, from / 64) & ~0UL << from % 64;
	starts = n <= 64 ? run_starts(bits, n) : 0;
	percpu_steps++;
	if (starts) {
		*found = ALIGN_DOWN(from, 64u) + (unsigned)__builtin_ctzl(starts);
		return true;
	}
	/* free units at the end of the word */
	open = ~bits ? (unsigned)__builtin_clzl(~bits) : 64;
	for (;;) {
		const struct chunk_run *run;

		for (; node & 1; width *= 2) {
			if (node == 1)
				return false;
			node /= 2;
			percpu_steps++;
		}
		run = &c->node[++node];
		percpu_steps++;
		if (open + run->head >= n) {
			*found = node_start(node, width) - open;
			return true;
		}
		if (run->longest >= n) {
			*found = find_below(c, node, width, n);
			return true;
		}
		open = run->longest == width ? open + width : run->tail;
	}
}

/* Returns the first unit at or above `unit` whose offset in the window is a multiple of align. */
static unsigned align_unit(const struct chunk *c, unsigned unit, size_t align)
{
	return (unsigned)((ALIGN_UP(c->start + ((unsigned long)unit << UNIT_SHIFT), align) - c->start) >>
			  UNIT_SHIFT);
}

/*
 * Finds the lowest aligned place: tries `tries` runs of `units`, then a run that is long enough for any
 * alignment. Returns false if there is none.
 */
static bool chunk_find(const struct chunk *c, unsigned units, size_t align, unsigned tries, unsigned *found)
{
	unsigned from = align_unit(c, 0, align);

	for (; tries; tries--) {
		unsigned at;

		if (!find_from(c, from, units, &at))
			return false;
		from = align_unit(c, at, align);
		if (from == at) {
			*found = at;
			return true;
		}
	}
	if (!find_from(c, from, chunk_units_for(units, align), found))
		return false;
	*found = align_unit(c, *found, align);
	return true;
}

/*
 * Finds the place behind the units in use of a dense chunk. Returns false if the chunk's end is too
 * near.
 */
static bool dense_find(const struct chunk *c, unsigned units, size_t align, unsigned *found)
{
	*found = align_unit(c, c->used, align);
	return *found < c->units && units <= c->units - *found;
}

static void leave_dense(struct chunk *c)
{
	c->dense = false;
	tree_update(c, 0, CHUNK_WORDS - 1);
}

/* ---- the chunk ---- */

void chunk_init(struct chunk *c, unsigned long start, size_t size)
{
	c->start = start;
	c->units = (unsigned)(size >> UNIT_SHIFT);
	c->dense = true;
	BUG_ON(c->units > CHUNK_UNITS, "a chunk of %u units", c->units);
}

bool chunk_alloc(struct chunk *c, unsigned units, size_t align, unsigned tries, unsigned long *offset)
{
	unsigned unit;

	if (!(c->dense ? dense_find(c, units, align, &unit) : chunk_find(c, units, align, tries, &unit)))
		return false;
	set_range(c->in_use, unit, units, true);
	bitmap_set(c->first, unit);
	if (!c->dense)
		tree_update(c, unit / 64, (unit + units - 1) / 64);
	else if (unit != c->used)
		leave_dense(c);
	c->used += units;
	c->nr++;
	*offset = c->start + ((unsigned long)unit << UNIT_SHIFT);
	return true;
}

/*
 * Returns the end of the allocation that begins at `unit`: the next free unit, the next start, or the
 * chunk's end.
 */
static unsigned alloc_end(const struct chunk *c, unsigned unit)
{
	for (unsigned at = unit + 1; at < c->units; at = (at | 63) + 1) {
		unsigned long ends = (c->first[at / 64] | ~c->in_use[at / 64]) & ~0UL << at % 64;

		percpu_steps++;
		if (ends)
			return min(ALIGN_DOWN(at, 64u) + (unsigned)__builtin_ctzl(ends), c->units);
	}
	return c->units;
}

unsigned chunk_free(struct chunk *c, unsigned long offset)
{
	unsigned long unit = (offset - c->start) >> UNIT_SHIFT;
	unsigned end;

	BUG_ON(!IS_ALIGNED(offset, 1UL << UNIT_SHIFT) || unit >= c->units || !bitmap_test(c->first, unit),
	       "per-CPU offset 0x%lx: not an allocation", offset);
	end = alloc_end(c, (unsigned)unit);
	bitmap_clear(c->first, unit);
	set_range(c->in_use, (unsigned)unit, end - (unsigned)unit, false);
	if (c->dense)
		leave_dense(c);
	else
		tree_update(c, (unsigned)unit / 64, (end - 1) / 64);
	c->used -= end - (unsigned)unit;
	c->nr--;
	return end - (unsigned)unit;
}

/* ---- check ---- */

static bool runs_equal(const struct chunk_run *a, const struct chunk_run *b)
{
	return a->head == b->head && a->tail == b->tail && a->longest == b->longest;
}

static const char *tree_check(const struct chunk *c)
{
	unsigned width = CHUNK_UNITS;

	for (unsigned w = 0; w < CHUNK_WORDS; w++) {
		struct chunk_run run = word_run(free_bits(c, w));

		if (!runs_equal(&run, &c->node[CHUNK_WORDS + w]))
			return "percpu.C5: a node differs from the free runs of its word";
	}
	for (unsigned i = 1; i < CHUNK_WORDS; i++) {
		struct chunk_run run;

		if (is_pow2(i))
			width /= 2;
		run = join(&c->node[2 * i], &c->node[2 * i + 1], width);
		if (!runs_equal(&run, &c->node[i]))
			return "percpu.C5: a node differs from the free runs of its children";
	}
	return NULL;
}

const char *chunk_check(const struct chunk *c)
{
	unsigned long before = 0; /* bit 0: the last unit of the previous word is in use */
	unsigned used = 0, low = 0, nr = 0;

	if (c->units > CHUNK_UNITS)
		return "percpu.C1: a chunk has more units than its map";
	for (unsigned w = 0; w < CHUNK_WORDS; w++) {
		const unsigned long in_use = c->in_use[w];

		if (c->first[w] & ~in_use)
			return "percpu.C1: an allocation starts at a free unit";
		if (in_use & ~(in_use << 1 | before) & ~c->first[w])
			return "percpu.C1: units in use do not begin with an allocation";
		if (in_use & ~low_bits(c->units > w * 64 ? c->units - w * 64 : 0))
			return "percpu.C1: a unit behind the chunk's end is in use";
		before = in_use >> 63;
		if (low == w * 64) /* no free unit so far */
			low += ~in_use ? (unsigned)__builtin_ctzl(~in_use) : 64;
		used += hweight64(in_use);
		nr += hweight64(c->first[w]);
	}
	if (used != c->used || nr != c->nr || *(const u8 *)&c->dense > 1)
		return "percpu.C1: units in use, or allocations, are miscounted";
	if (c->dense)
		return low == used ? NULL : "percpu.C5: a dense chunk has free units between those in use";
	return tree_check(c);
}
