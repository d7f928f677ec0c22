/*
 * vmap.c - address ranges of the vmalloc window: free, busy and lazy.
 *
 * Idea.       The window is tiled by ranges. Free ranges form a red-black tree by address. Each node
 *             also holds subtree_max, the longest free range below it, so the search for the lowest fit
 *             skips subtrees that are too short. A freed area first becomes lazy: its addresses stay
 *             reserved until one TLB flush covers many lazy areas (a purge). With several CPUs the
 *             window is cut into stripes, each as long as one last-level page table maps. Stripes
 *             belong to CPUs in turn. A CPU allocates from free ranges of its own stripes, under its
 *             own lock.
 * Layout.     Two CPUs, 4 KiB pages, stripes of 2 MiB; the owner is vmap_stripe_shard[address >> 21 &
 *             255]:
 *
 *               window + 0 MiB   2        4        6        8
 *                      |  CPU 0 |  CPU 1 |  CPU 0 |  CPU 1 |  CPU 0 | ...
 *
 *             vmap_common holds all free ranges at first. A CPU whose shard has no fit moves the free
 *             part of one own stripe from vmap_common to its shard. Areas above STRIPE_SIZE / 4 (512
 *             KiB) or aligned above a page come from vmap_common. struct vmap_shard: free tree, busy
 *             tree, lazy list. Both trees also keep their ranges in an address-ordered list. Life of an
 *             area (its last page, the guard page, is never mapped):
 *
 *               FREE -> BUSY -> LAZY -> LAZY, cleared -> DETACHED -> flush -> FREE
 *                                (entries cleared)      (by a purge)      \-> LAZY, flushed -> FREE
 *                                                                       (area of another CPU's shard)
 *
 * Invariants. V1  free, busy and lazy ranges of all shards and the ranges held by a purge tile the
 *                 window
 *             V2  each list has the order of its tree; no two free ranges of one shard touch
 *             V3  subtree_max is exact
 *             V4  a busy area's pages are mapped at its addresses; guard pages, lazy and free ranges
 *                 are not mapped
 *             V5  lazy_pages, flushed_bytes, free_ranges, free_bytes and MM_VMALLOC equal the sums over
 *                 the structures; flushed areas precede unflushed ones on a lazy list
 *             V6  a range in a CPU's shard lies in stripes of that CPU; so an address is in its
 *                 stripe's shard or in vmap_common
 *             V7  the members of a shard that boot fixes do not change: its index, its bounds, its CPU,
 *                 the update function of its tree
 *             V8  a busy or lazy area's vm has its addresses, one kind, and no pages or as many as
 *                 addresses
 * Purge.      One CPU detaches the lazy lists of all shards and flushes once. It frees the areas of its
 *             own shard and of vmap_common. It returns the other areas, marked flushed, to their shards
 *             and sets vmap_many_lazy of their CPUs. An owner frees its flushed areas at its next
 *             vfree; if it never frees again, the next purge does it. vm_unmap_aliases() detaches,
 *             flushes and frees everything itself.
 * Quota.      The sum of all lazy_pages must stay near the limit without a shared counter. Each shard
 *             has a quota (lazy_look). A freeing CPU computes the sum only when the shard's lazy_pages
 *             exceed it. The new quota is the shard's own pages plus an equal share of the headroom.
 *             Limit 1200, three shards (common, CPU 0, CPU 1), pages:
 *
 *               CPU 0 frees 30      reserved 30                     quota 0 = 30 + (1200 - 30)/3    = 420
 *               CPU 1 frees 30      reserved 30 + 420 = 450         quota 1 = 30 + (1200 - 450)/3   = 280
 *               CPU 0 reaches 450   reserved 450 + 280 = 730        quota 0 = 450 + (1200 - 730)/3  = 606
 *               ...
 *               CPU 0 reaches 930   reserved 930 + 280 >= 1200: all quotas become 0, the real sum is 930 + 30 = 960
 *                                                                   quota 0 = 930 + (1200 - 960)/3  = 1010
 *
 *             A real sum above the limit sets vmap_many_lazy of the freeing CPU.
 * Order.      On one CPU there is only vmap_common, and each area is the lowest fit of the window. With
 *             several CPUs an area is the lowest fit of its shard. The same requests on the same CPU
 *             give the same addresses. vm_unmap_aliases() moves all cached free ranges back to
 *             vmap_common.
 * Bounds.     A CPU caches at most CACHE_STRIPES stripes of free addresses plus the one it took last;
 *             the highest ranges go back first. It takes none unless vmap_common has a range of
 *             PLENTY_ROUNDS stripes for each CPU, so in a small window only vmap_common is used. A
 *             request that finds no fit drains all CPUs' ranges before it fails. Unflushed lazy pages
 *             stay near the limit, and as many may be flushed but not yet freed.
 * Locking.    shard->lock protects the shard's trees and lists; it is held for one search or one
 *             insertion. Two locks are held only to move a range between a CPU's shard and vmap_common,
 *             whose lock comes second. Allocation and vfree take the lock of the area's shard.
 *             Page-table entries are cleared without the lock; `cleared` tells a purge that it may take
 *             the area.
 * Failure.    NULL if there is no room or no descriptor. Nothing has changed.
 * Source.     Linux mm/vmalloc.c 6.1; shards resemble the "vmap nodes" of 6.9, which shard busy areas
 *             by address and pool lazy ones by size but keep one lock for free ranges. Linux's search
 *             may miss a fit if the alignment exceeds a page; this one prunes by plain size and is
 *             exact for each alignment.
 * Next:       vmap_info.c, which lists and checks the ranges; vmalloc.c.
 */
#include "vmap_internal.h"

#include <mm/slab.h>
#include <mm/memmap.h>

#include <kernel/failure.h>
#include <kernel/bug.h>
#include <kernel/printk.h>

enum {
	CACHE_STRIPES = 8,
	/*
	 * Stripes per CPU in the range that open_stripe() requires; 2 rounds already contain a whole
	 * stripe of each CPU.
	 */
	PLENTY_ROUNDS = 4,
	/* Common ranges examined before a range of `plenty` bytes is used. */
	SEARCH_MAX = 64,
	/* If `tries` exceeds this, the CPUs' ranges have been drained. An own shard counts to 2 at most. */
	DRAINED = 2,
};

vaddr_t vmap_start, vmap_end;
static struct kmem_cache *area_cache;

struct vmap_shard vmap_common;
static DEFINE_PER_CPU(struct vmap_shard, cpu_shard);
/* Shard of this CPU: where its requests start and its areas are freed. */
static DEFINE_PER_CPU(struct vmap_shard *, own_shard);
struct vmap_shard *vmap_shards[1 + NR_CPUS];
unsigned vmap_nr_shards;
struct vmap_shard *vmap_stripe_shard[STRIPES];
/* Bytes. If the longest common range is shorter, no stripe is taken. */
static size_t plenty;
/*
 * Largest area, in bytes with its guard page, that is taken from a CPU's shard. Longer ones would waste
 * the rest of a stripe.
 */
static size_t cached_size = STRIPE_SIZE / 4;
static unsigned long lazy_limit;
DEFINE_PER_CPU(bool, vmap_many_lazy);
static _Atomic u64 purges;

/* ---- the trees ---- */

static bool subtree_max_update(struct rb_node *n)
{
	struct vmap_area *a = area_of(n);
	size_t longest = area_size(a), left = max_of(n->left), right = max_of(n->right);

	longest = max(longest, left);
	longest = max(longest, right);
	if (longest == a->subtree_max)
		return false;
	a->subtree_max = longest;
	return true;
}

/* Descends to the place of a. BUG if a overlaps a range of the tree. */
static inline struct rb_node **range_descend(struct range_tree *t, const struct vmap_area *a,
					     struct rb_node **parent)
{
	struct rb_node **link = &t->root.node;

	while (*link) {
		struct vmap_area *at = area_of(*link);

		*parent = *link;
		if (a->end <= at->start)
			link = &at->rb.left;
		else if (a->start >= at->end)
			link = &at->rb.right;
		else
			BUG("0x%016lx-0x%016lx overlaps 0x%016lx-0x%016lx", a->start, a->end, at->start,
			    at->end);
	}
	return link;
}

/* Finds parent and link for inserting a, which overlaps no range of the tree. */
static inline struct rb_node **range_link(struct range_tree *t, const struct vmap_area *a,
					  struct rb_node **parent)
{
	struct vmap_area *last = list_last_entry(&t->list, struct vmap_area, list);

	*parent = NULL;
	if (!t->root.node)
		return &t->root.node;
	/* Fast case: a lies above all ranges. The last node has no right child. */
	if (a->start < last->end)
		return range_descend(t, a, parent);
	*parent = &last->rb;
	return &last->rb.right;
}

/* Returns the list entry that a precedes; the list head if a comes last. */
static struct list_head *range_next(struct range_tree *t, struct rb_node *parent, struct rb_node **link)
{
	if (!parent)
		return &t->list;
	return link == &parent->left ? &area_of(parent)->list : area_of(parent)->list.next;
}

static void range_insert_at(struct range_tree *t, struct vmap_area *a, struct rb_node *parent,
			    struct rb_node **link)
{
	list_add_tail(&a->list, range_next(t, parent, link));
	/*
	 * 0 differs from every valid value, so the update callback reports a change and the insertion
	 * propagates it.
	 */
	a->subtree_max = 0;
	rb_insert(&t->root, &a->rb, parent, link);
}

static void range_erase(struct range_tree *t, struct vmap_area *a)
{
	list_del(&a->list);
	rb_erase(&t->root, &a->rb);
}

/* ---- free ranges ---- */

static bool range_fits(const struct vmap_area *a, size_t size, size_t align, vaddr_t *start)
{
	size_t room = area_size(a);

	*start = ALIGN_UP(a->start, align);
	return room >= size && *start - a->start <= room - size;
}

/*
 * Finds the lowest free range in which size bytes fit at a multiple of align: an in-order traversal
 * that enters a subtree only if its subtree_max >= size. Example, in pages: size 32, align 64; "max" is
 * subtree_max.
 *
 *                        D 300..310 (max 48)
 *                       /                   \
 *            B 100..140 (max 48)      F 500..548 (max 48)
 *             /           \
 *      A 10..14 (max 4)   C 200..248 (max 48)
 *
 * 1. Descend left while the left subtree has max >= 32: D, B. A is skipped.
 * 2. B has 40 pages, but from 128, the first multiple of 64, only 12: no fit. Right child C: 256 is
 *    past its end.
 * 3. C has no right child: climb while the node is a right child (C to B), then once more, to D, the
 *    next in order.
 * 4. D is too short. Right child F: 512 + 32 <= 548, so the result is F, start 512.
 * Without alignment above a page the first range entered that is long enough fits: one descent, no
 * climb.
 */
static __always_inline struct vmap_area *free_lowest(const struct range_tree *t, size_t size, size_t align,
						     vaddr_t *start)
{
	struct rb_node *n = t->root.node;

	if (max_of(n) < size)
		return NULL;
	for (;;) {
		while (max_of(n->left) >= size)
			n = n->left;
		for (;;) {
			if (range_fits(area_of(n), size, align, start))
				return area_of(n);
			if (max_of(n->right) >= size) {
				n = n->right;
				break;
			}
			while (n->parent && n == n->parent->right)
				n = n->parent;
			n = n->parent;
			if (!n)
				return NULL;
		}
	}
}

/*
 * Removes [start, end) from free range a. If free space remains below and above, *spare becomes the
 * descriptor of the upper part. Returns a if nothing remains of it, else NULL.
 */
static __always_inline struct vmap_area *free_cut(struct vmap_shard *s, struct vmap_area *a, vaddr_t start,
						  vaddr_t end, struct vmap_area **spare)
{
	struct vmap_area *above = *spare;

	UPDATE_ONCE(s->free_bytes, -=, end - start);
	if (start == a->start && end == a->end) {
		range_erase(&s->free, a);
		s->free_ranges--;
		return a;
	}
	if (start == a->start) {
		a->start = end;
		rb_propagate(&s->free.root, &a->rb);
		return NULL;
	}
	if (end != a->end) {
		struct rb_node *parent, **link;

		above->start = end;
		above->end = a->end;
		*spare = NULL;
		a->end = start;
		rb_propagate(&s->free.root, &a->rb);
		link = range_link(&s->free, above, &parent);
		range_insert_at(&s->free, above, parent, link);
		s->free_ranges++;
		return NULL;
	}
	a->end = start;
	rb_propagate(&s->free.root, &a->rb);
	return NULL;
}

/*
 * Inserts a into the free tree, merged with adjacent ranges. Descriptors no longer needed go to surplus
 * (linked by `list`). A neighbour leaves the tree before the other one grows, so subtree_max is exact
 * at each step.
 */
static __always_inline void free_join(struct vmap_shard *s, struct vmap_area *a, struct list_head *surplus)
{
	struct rb_node *parent, **link = range_link(&s->free, a, &parent);
	struct list_head *at = range_next(&s->free, parent, link);
	struct vmap_area *next = at == &s->free.list ? NULL : list_entry(at, struct vmap_area, list);
	struct vmap_area *prev =
		at->prev == &s->free.list ? NULL : list_entry(at->prev, struct vmap_area, list);
	bool with_prev = prev && prev->end == a->start, with_next = next && next->start == a->end;

	UPDATE_ONCE(s->free_bytes, +=, area_size(a));
	if (!with_prev && !with_next) {
		range_insert_at(&s->free, a, parent, link);
		s->free_ranges++;
		return;
	}
	list_add(&a->list, surplus);
	if (with_prev && with_next) {
		range_erase(&s->free, prev);
		s->free_ranges--;
		next->start = prev->start;
		list_add(&prev->list, surplus);
	} else if (with_next) {
		next->start = a->start;
	} else {
		prev->end = a->end;
	}
	rb_propagate(&s->free.root, with_next ? &next->rb : &prev->rb);
}

/* ---- moving ranges between a CPU's shard and vmap_common ---- */

static void free_surplus(struct list_head *surplus)
{
	struct vmap_area *a, *tmp;

	list_for_each_entry_safe (a, tmp, surplus, list)
		kmem_cache_free(area_cache, a);
}

/* Out-of-line copy of free_join() for the callers that are not hot. */
static __noinline void free_insert(struct vmap_shard *s, struct vmap_area *a, struct list_head *surplus)
{
	free_join(s, a, surplus);
}

/*
 * Moves the highest ranges of a CPU's shard to vmap_common until free_bytes <= keep. Context: s->lock
 * held.
 */
static void shrink(struct vmap_shard *s, size_t keep, struct list_head *surplus)
{
	while (s->free_bytes > keep) {
		struct vmap_area *last = list_last_entry(&s->free.list, struct vmap_area, list);

		range_erase(&s->free, last);
		s->free_ranges--;
		UPDATE_ONCE(s->free_bytes, -=, area_size(last));
		spin_lock(&vmap_common.lock);
		free_insert(&vmap_common, last, surplus);
		spin_unlock(&vmap_common.lock);
	}
}

void vmap_drain(void)
{
	LIST_HEAD(surplus);

	for_each_shard (s) {
		if (s == &vmap_common)
			continue;
		spin_lock(&s->lock);
		shrink(s, 0, &surplus);
		s->open = false;
		spin_unlock(&s->lock);
	}
	free_surplus(&surplus);
}

size_t vmap_kept_bytes(unsigned cpu)
{
	const struct vmap_shard *s = per_cpu(own_shard, cpu);

	return s == &vmap_common ? 0 : READ_ONCE(s->free_bytes);
}

/* Finds the lowest part of r that lies in one stripe of s and has at least size bytes. */
static bool own_part(const struct vmap_shard *s, const struct vmap_area *r, size_t size, vaddr_t *start,
		     vaddr_t *end)
{
	vaddr_t next;

	for (vaddr_t at = r->start; at < r->end; at = next) {
		next = min(ALIGN_DOWN(at, STRIPE_SIZE) + STRIPE_SIZE, r->end);
		if (shard_of(at) == s && next - at >= size) {
			*start = at;
			*end = next;
			return true;
		}
	}
	return false;
}

/*
 * Finds a common free range with such a part: the lowest of SEARCH_MAX candidates, else the lowest
 * range of `plenty` bytes, which has a stripe of each CPU. Returns NULL if no range has `plenty` bytes.
 * Context: vmap_common.lock held.
 */
static struct vmap_area *find_part(const struct vmap_shard *s, size_t size, vaddr_t *start, vaddr_t *end)
{
	struct vmap_area *r;

	if (max_of(vmap_common.free.root.node) < plenty)
		return NULL;
	r = free_lowest(&vmap_common.free, size, PAGE_SIZE, start);
	for (unsigned n = 0; n < SEARCH_MAX && &r->list != &vmap_common.free.list; n++) {
		if (own_part(s, r, size, start, end))
			return r;
		r = list_entry(r->list.next, struct vmap_area, list);
	}
	r = free_lowest(&vmap_common.free, plenty, PAGE_SIZE, start);
	return own_part(s, r, size, start, end) ? r : NULL;
}

/*
 * Moves the free part of one stripe of s from vmap_common to s. Returns false only if a descriptor
 * cannot be allocated; true does not mean that a stripe was found.
 */
static bool open_stripe(struct vmap_shard *s, size_t size, gfp_t gfp)
{
	struct vmap_area *part, *above, *from, *used_up;
	LIST_HEAD(surplus);
	vaddr_t start, end;

	if (READ_ONCE(vmap_common.free_bytes) < plenty)
		return true;
	part = kmem_cache_alloc(area_cache, gfp & GFP_RECLAIM_MASK);
	above = kmem_cache_alloc(area_cache, gfp & GFP_RECLAIM_MASK);
	if (part && above) {
		spin_lock(&s->lock);
		shrink(s, s->keep, &surplus);
		spin_lock(&vmap_common.lock);
		from = find_part(s, size, &start, &end);
		s->open = from != NULL;
		if (from) {
			used_up = free_cut(&vmap_common, from, start, end, &above);
			from = used_up ? used_up : part;
			part = used_up ? part : NULL;
			from->start = start;
			from->end = end;
			free_insert(s, from, &surplus);
		}
		spin_unlock(&vmap_common.lock);
		spin_unlock(&s->lock);
		free_surplus(&surplus);
		kmem_cache_free(area_cache, part);
		kmem_cache_free(area_cache, above);
		return true;
	}
	kmem_cache_free(area_cache, part);
	kmem_cache_free(area_cache, above);
	return false;
}

/* ---- areas ---- */

static void busy_insert(struct vmap_shard *s, struct vmap_area *a)
{
	struct rb_node *parent, **link = range_link(&s->busy, a, &parent);

	a->shard = (u16)s->index;
	range_insert_at(&s->busy, a, parent, link);
}

/*
 * Allocates the lowest fit of shard s and inserts a as busy. Uses *spare if the cut leaves two pieces.
 */
static __always_inline bool take(struct vmap_shard *s, struct vmap_area *a, size_t size, size_t align,
				 struct vmap_area **spare, struct vmap_area **used_up)
{
	struct vmap_area *from;

	spin_lock(&s->lock);
	from = free_lowest(&s->free, size, align, &a->start);
	if (likely(from)) {
		a->end = a->start + size;
		a->vm.addr = (void *)a->start;
		*used_up = free_cut(s, from, a->start, a->end, spare);
		busy_insert(s, a);
	}
	spin_unlock(&s->lock);
	return from;
}

/*
 * Shard to try after s had no fit: first s again, after it took a stripe; then vmap_common; then
 * vmap_common after a drain. NULL: fail.
 */
static __cold struct vmap_shard *next_shard(struct vmap_shard *s, size_t size, gfp_t gfp, unsigned *tries)
{
	if (s != &vmap_common)
		return (*tries)++ ? &vmap_common : open_stripe(s, size, gfp) ? s : NULL;
	if (*tries > DRAINED)
		return NULL;
	*tries = DRAINED + 1;
	vmap_drain();
	return &vmap_common;
}

struct vmap_area *vmap_alloc(size_t size, size_t align, unsigned flags, unsigned long caller, gfp_t gfp)
{
	struct vmap_area *a = kmem_cache_alloc(area_cache, gfp & GFP_RECLAIM_MASK), *used_up = NULL,
			 *spare = NULL;
	struct vmap_shard *s = this_cpu(own_shard);
	unsigned tries = 0;

	BUG_ON(!size || (size & ~PAGE_MASK), "vmap_alloc: size 0x%zx", size);
	if (!a)
		return NULL;
	if (size > READ_ONCE(cached_size))
		s = &vmap_common;
	/*
	 * An aligned start may leave a free piece below and above the area, so the cut may need a
	 * second descriptor.
	 */
	if (align > PAGE_SIZE) {
		BUG_ON(!is_pow2(align), "vmap_alloc: align 0x%zx", align);
		s = &vmap_common;
		spare = kmem_cache_alloc(area_cache, gfp & GFP_RECLAIM_MASK);
		if (!spare)
			goto err_area;
	}
	a->vm.size = size;
	a->vm.flags = flags;
	a->vm.nr_pages = 0;
	a->vm.page_level = 0;
	a->vm.pages = NULL;
	a->vm.caller = caller;
	while (!take(s, a, size, align, &spare, &used_up)) {
		s = next_shard(s, size, gfp, &tries);
		if (!s)
			break;
	}
	if (unlikely(used_up))
		kmem_cache_free(area_cache, used_up);
	if (unlikely(spare))
		kmem_cache_free(area_cache, spare);
	if (likely(s))
		return a;
	failure_note(VMAP_NO_ADDRESSES);
err_area:
	kmem_cache_free(area_cache, a);
	return NULL;
}

size_t vmap_set_cached_size(size_t size)
{
	size_t was = cached_size;

	WRITE_ONCE(cached_size, size);
	return was;
}

static struct vmap_area *find_in(struct vmap_shard *s, vaddr_t addr)
{
	struct vmap_area *a;

	spin_lock(&s->lock);
	a = range_find(&s->busy.root, addr);
	spin_unlock(&s->lock);
	return a;
}

struct vmap_area *vmap_find(vaddr_t addr)
{
	struct vmap_area *a = find_in(shard_of(addr), addr);

	return a ? a : find_in(&vmap_common, addr);
}

/* ---- lazy areas ---- */

unsigned long vmap_lazy_pages(void)
{
	unsigned long sum = 0;

	for_each_shard (s)
		sum += READ_ONCE(s->lazy_pages);
	return sum;
}

bool vmap_lazy_above_limit(void)
{
	return vmap_lazy_pages() > READ_ONCE(lazy_limit);
}

/*
 * Sum over the other shards of the larger of lazy_pages and quota: pages that may exist without a
 * check.
 */
static unsigned long lazy_reserved(const struct vmap_shard *own)
{
	unsigned long sum = 0;

	for_each_shard (s)
		if (s != own)
			sum += max(READ_ONCE(s->lazy_pages), READ_ONCE(s->lazy_look));
	return sum;
}

/*
 * Called when lazy_pages exceed the shard's quota. If the pages in use and the other quotas reach the
 * limit, revokes all quotas and sums the real pages. Above the limit: requests a purge by this CPU.
 * Else: sets a new quota. Context: own->lock held.
 */
static __cold void look_at_sum(struct vmap_shard *own)
{
	unsigned long limit = READ_ONCE(lazy_limit), pages = own->lazy_pages,
		      taken = pages + lazy_reserved(own);

	if (taken >= limit) {
		for_each_shard (s)
			WRITE_ONCE(s->lazy_look, 0);
		taken = vmap_lazy_pages();
	}
	if (taken > limit)
		WRITE_ONCE(*this_cpu_ptr(&vmap_many_lazy), true);
	else
		WRITE_ONCE(own->lazy_look, pages + (limit - taken) / vmap_nr_shards);
}

/*
 * Moves the busy area at addr to the lazy list of s, if s has it and it has one of the flags; else
 * returns NULL.
 */
static __always_inline struct vmap_area *retire_in(struct vmap_shard *s, vaddr_t addr, unsigned flags)
{
	struct vmap_area *a;

	spin_lock(&s->lock);
	a = range_find(&s->busy.root, addr);
	if (likely(a && a->start == addr && (a->vm.flags & flags))) {
		rb_erase(&s->busy.root, &a->rb);
		list_move_tail(&a->list, &s->lazy);
		atomic_store_explicit(&a->cleared, false, memory_order_relaxed);
		a->flushed = false;
		UPDATE_ONCE(s->lazy_pages, +=, area_size(a) >> PAGE_SHIFT);
		if (unlikely(s->lazy_pages > READ_ONCE(s->lazy_look)))
			look_at_sum(s);
	} else {
		a = NULL;
	}
	spin_unlock(&s->lock);
	return a;
}

struct vmap_area *vmap_retire(vaddr_t addr, unsigned flags)
{
	struct vmap_area *a = retire_in(shard_of(addr), addr, flags);

	return likely(a) ? a : retire_in(&vmap_common, addr, flags);
}

unsigned long vmalloc_set_lazy_limit(unsigned long pages)
{
	unsigned long was = lazy_limit;

	WRITE_ONCE(lazy_limit, pages);
	for_each_shard (s)
		WRITE_ONCE(s->lazy_look, 0);
	return was;
}

u64 vmap_nr_purges(void)
{
	return atomic_load_explicit(&purges, memory_order_relaxed);
}

/* Detaches the whole lazy list of a shard in constant time. */
static void steal_list(struct vmap_shard *s, struct vmap_stolen *stolen)
{
	/*
	 * purge_turn of this CPU is odd already, and the zeros below are stored with release. So if another CPU reads
	 * 0 here (acquire) because this CPU detached the list, it also sees the odd purge_turn. It can then wait for
	 * this purge (wait_for_purges() in vmalloc.c).
	 */
	if (!__atomic_load_n(&s->lazy_pages, __ATOMIC_ACQUIRE) &&
	    !__atomic_load_n(&s->flushed_bytes, __ATOMIC_ACQUIRE))
		return;
	spin_lock(&s->lock);
	list_splice_init(&s->lazy, &stolen->areas);
	__atomic_store_n(&s->lazy_pages, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&s->flushed_bytes, 0, __ATOMIC_RELEASE);
	WRITE_ONCE(s->lazy_look, 0);
	s->steals++;
	spin_unlock(&s->lock);
}

/* The area's entries are not cleared yet: puts it back for the next purge. */
static __cold void put_lazy_back(struct vmap_area *a)
{
	struct vmap_shard *s = vmap_shards[a->shard];

	spin_lock(&s->lock);
	list_move_tail(&a->list, &s->lazy);
	UPDATE_ONCE(s->lazy_pages, +=, area_size(a) >> PAGE_SHIFT);
	spin_unlock(&s->lock);
}

bool vmap_steal_lazy(struct vmap_stolen *stolen)
{
	struct vmap_area *a, *tmp;

	list_init(&stolen->areas);
	for_each_shard (s)
		steal_list(s, stolen);
	list_for_each_entry_safe (a, tmp, &stolen->areas, list) {
		if (likely(atomic_load_explicit(&a->cleared, memory_order_acquire)))
			continue;
		put_lazy_back(a);
	}
	if (list_empty(&stolen->areas))
		return false;
	atomic_fetch_add_explicit(&purges, 1, memory_order_relaxed);
	return true;
}

/* Puts flushed areas at the front of their shard's lazy list and sets the owner's flag. */
static void leave_to(struct vmap_shard *s, struct list_head *areas, size_t bytes)
{
	spin_lock(&s->lock);
	list_splice_init(areas, &s->lazy);
	UPDATE_ONCE(s->flushed_bytes, +=, bytes);
	s->steals++;
	spin_unlock(&s->lock);
	/* The flag is stored after flushed_bytes (release): see purge_above_limit(). */
	__atomic_store_n(s->told, true, __ATOMIC_RELEASE);
}

void vmap_hand_over(struct vmap_stolen *stolen)
{
	const struct vmap_shard *own = this_cpu(own_shard);
	struct vmap_area *a, *tmp;
	size_t bytes = 0;
	LIST_HEAD(theirs);

	if (vmap_nr_shards == 1)
		return;
	/* steal_list() spliced whole lists, so the areas of one shard are adjacent. */
	list_for_each_entry_safe (a, tmp, &stolen->areas, list) {
		struct vmap_shard *s = vmap_shards[a->shard];

		if (s == own || s == &vmap_common)
			continue;
		a->flushed = true;
		bytes += area_size(a);
		list_move_tail(&a->list, &theirs);
		if (&tmp->list != &stolen->areas && tmp->shard == a->shard)
			continue;
		leave_to(s, &theirs, bytes);
		bytes = 0;
	}
}

bool vmap_take_flushed(struct vmap_stolen *stolen)
{
	struct vmap_shard *s = this_cpu(own_shard);
	struct vmap_area *a, *tmp;

	list_init(&stolen->areas);
	if (!READ_ONCE(s->flushed_bytes))
		return false;
	spin_lock(&s->lock);
	__atomic_store_n(&s->flushed_bytes, 0, __ATOMIC_RELEASE);
	list_for_each_entry_safe (a, tmp, &s->lazy, list) {
		if (!a->flushed)
			break;
		list_move_tail(&a->list, &stolen->areas);
	}
	s->steals++;
	spin_unlock(&s->lock);
	return !list_empty(&stolen->areas);
}

/*
 * Inserts one free range into its shard; into vmap_common if the shard caches none (`open` is false).
 */
static void release_run(struct vmap_area *run, struct list_head *surplus)
{
	struct vmap_shard *s = vmap_shards[run->shard];

	spin_lock(&s->lock);
	if (unlikely(!s->open)) {
		spin_unlock(&s->lock);
		s = &vmap_common;
		spin_lock(&s->lock);
	}
	free_join(s, run, surplus);
	if (unlikely(s->free_bytes > s->keep))
		shrink(s, s->keep, surplus);
	spin_unlock(&s->lock);
}

void vmap_release(struct vmap_stolen *stolen)
{
	struct vmap_area *a, *tmp, *run = NULL;
	LIST_HEAD(surplus);

	/*
	 * Areas freed in sequence are often adjacent: merge them here, so the tree is searched once for
	 * each run.
	 */
	list_for_each_entry_safe (a, tmp, &stolen->areas, list) {
		if (run && run->end == a->start && run->shard == a->shard) {
			run->end = a->end;
			list_move(&a->list, &surplus);
		} else if (run && run->start == a->end && run->shard == a->shard) {
			run->start = a->start;
			list_move(&a->list, &surplus);
		} else {
			if (run)
				release_run(run, &surplus);
			list_del(&a->list);
			run = a;
		}
	}
	if (run)
		release_run(run, &surplus);
	free_surplus(&surplus);
}

/* ---- boot ---- */

static void shard_init(struct vmap_shard *s, const char *name, unsigned sub)
{
	*s = (struct vmap_shard){.free.root.update = subtree_max_update,
				 .open = s == &vmap_common,
				 .keep = s == &vmap_common ? ~0UL : CACHE_STRIPES * STRIPE_SIZE};
	spin_init(&s->lock, name, LOCK_VMAP, sub);
	list_init(&s->free.list);
	list_init(&s->busy.list);
	list_init(&s->lazy);
	s->index = vmap_nr_shards;
	vmap_shards[vmap_nr_shards++] = s;
}

bool vmap_shard_is_fixed(const struct vmap_shard *s, unsigned index)
{
	const bool common = s == &vmap_common;
	const bool *told = NULL;
	unsigned cpu;

	for_each_possible_cpu (cpu)
		if (s == per_cpu_ptr(&cpu_shard, cpu))
			told = per_cpu_ptr(&vmap_many_lazy, cpu);
	return common == !told && s->index == index && s->told == told &&
	       s->keep == (common ? ~0UL : CACHE_STRIPES * STRIPE_SIZE) &&
	       s->free.root.update == subtree_max_update && !s->busy.root.update;
}

/* Creates a shard for each possible CPU. With one possible CPU vmap_common is the only shard. */
static void make_cpu_shards(void)
{
	unsigned cpu, nr = cpumask_weight(&cpu_possible_mask);

	/* sub 1: taken after a CPU's lock (sub 0). Two CPUs' locks are never held at once. */
	shard_init(&vmap_common, "vmap_common", 1);
	for_each_possible_cpu (cpu) {
		struct vmap_shard *s = nr == 1 ? &vmap_common : per_cpu_ptr(&cpu_shard, cpu);

		per_cpu(own_shard, cpu) = s;
		if (s == &vmap_common)
			continue;
		shard_init(s, "vmap_cpu", 0);
		s->told = per_cpu_ptr(&vmap_many_lazy, cpu);
	}
	for (unsigned i = 0; i < STRIPES; i++)
		vmap_stripe_shard[i] = nr == 1 ? &vmap_common : vmap_shards[1 + i % nr];
	plenty = (size_t)nr * PLENTY_ROUNDS * STRIPE_SIZE;
}

void vmap_init(vaddr_t start, vaddr_t end)
{
	struct vmap_area *a;
	LIST_HEAD(surplus);

	make_cpu_shards();
	area_cache = kmem_cache_create("vmap_area", sizeof(struct vmap_area), 0, SLAB_PANIC, NULL);
	a = kmem_cache_alloc(area_cache, GFP_KERNEL);
	if (!a)
		boot_refused("out of memory at boot: no page for the first range of vmalloc%s",
			     memmap_blame());
	vmap_start = a->start = start;
	vmap_end = a->end = end;
	free_insert(&vmap_common, a, &surplus);
}
