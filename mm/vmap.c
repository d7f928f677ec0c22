/*
 * vmap.c - who has which part of the vmalloc window.
 *
 * Idea.       A request gets the lowest free range that fits. Free ranges lie in a tree by address in which each node
 *             knows the longest range below it: the search never enters a subtree without room. An area that is given
 *             up first becomes lazy: its addresses stay taken until a flush of all TLBs has made sure that nobody can
 *             use an old translation.
 *             With several CPUs the window is cut into stripes, each as long as what one last-level table maps, and
 *             stripes belong to CPUs in turn. A CPU takes the free parts of its own stripes from the common tree, one
 *             stripe at a time, and serves itself from them: its addresses, its tables of pages and its lock are in
 *             nobody else's way. What is long or aligned, and what finds no stripe, is served from the common tree.
 * Layout.     window:   | busy | guard | busy        | guard | lazy |  free  | busy | guard |     free ...
 *             stripes:  |  CPU 0  |  CPU 1  |  CPU 2  |  CPU 0  |  CPU 1  | ...           vmap_stripe_shard[address]
 *             shard = { free, busy, lazy }: `vmap_common`, and one for each CPU, with several. free (augmented), busy:
 *             red-black trees by start, each with a list in the same order, whose neighbours make merging O(1).
 *             lazy: a list in the order of vfree, flushed ones in front. An area includes its guard page.
 * Invariants. V1  free + busy + lazy of all shards + what a purge has in hand tile the window
 *             V2  each list is its tree's order; no two free ranges of a shard touch
 *             V3  subtree_max is exact (rb_check)
 *             V4  an area's pages are mapped at its addresses; its guard page, lazy and free ranges are not
 *                 mapped
 *             V5  lazy_pages, flushed_bytes, free_ranges, free_bytes and MM_VMALLOC are the sums they claim to be;
 *                 flushed areas are in front of those that are not
 *             V6  what a CPU's shard has lies in stripes of its own: an address is in the shard that its stripe names,
 *                 or in `vmap_common`
 *             V7  what boot has fixed in a shard stays: its number, its bounds, its CPU, the function that derives
 *             V8  a busy or lazy area's vm has its addresses, one kind, and no pages or as many as addresses
 * Purge.      One CPU takes all shards' lazy areas and flushes once. Those of another CPU's shard it leaves there, flushed:
 *             that CPU gives back its own, from its own cache, when it frees next; if it never does, the next purge does.
 * Order.      On one CPU there is only `vmap_common`, and every area is the lowest fit of the window. With several, an area is
 *             the lowest fit in what its CPU has taken; the same requests on the same CPU give the same addresses.
 *             vm_unmap_aliases() gives all that CPUs have taken back to `vmap_common`, as if they had taken nothing.
 * Bounds.     A CPU keeps at most CACHE_STRIPES stripes of free addresses and the one that it has opened last: of those
 *             above, the highest go back. It takes none while the common tree has no range of PLENTY_ROUNDS stripes for
 *             each CPU, so a small window has no shards but `vmap_common`. A request that finds nothing drains all CPUs'
 *             ranges before it fails. A range costs its descriptor, wherever it lies. Frames of lazy areas are at most the
 *             limit, and as many may be in flushed ones; vm_unmap_aliases() takes both, for every CPU.
 * Locking.    A shard's lock for its trees and lists, held for one search or one insertion; two at once only to move a
 *             range between a CPU's shard and `vmap_common`, which comes last. Allocation and vfree take one lock, that of the
 *             area's shard: another CPU wants it for a drain, a purge, or to free what this CPU has allocated. A lazy
 *             area's entries are cleared outside of it: `cleared` says that a purge may take it.
 *             lazy_pages of all shards are added up only when a shard's own pass lazy_look, its part of what was left
 *             below the limit when it looked last. All parts together stay below the limit, so the sum does, but for
 *             what is freed while somebody looks; and no count is shared.
 * Failure.    No room, or no descriptor: NULL, nothing has changed.
 * Source.     Linux mm/vmalloc.c 6.1; shards after the "vmap nodes" of 6.9, where busy areas are filed by address and
 *             lazy ones pooled by size, but one lock for all free ranges remains. In Linux the search may miss a fit when
 *             the alignment is above a page; here it prunes by plain size and is exact for every alignment.
 * Next:       vmap_info.c, which looks at all of it; vmalloc.c.
 */
#include "vmap_internal.h"

#include <mm/slab.h>
#include <mm/memmap.h>

#include <kernel/failure.h>
#include <kernel/bug.h>
#include <kernel/printk.h>

enum {
	CACHE_STRIPES = 8,
	PLENTY_ROUNDS = 4, /* two would do for a whole stripe of each CPU to be in it */
	SEARCH_MAX = 64,   /* ranges that are looked at for a part of a CPU's own */
	DRAINED = 2,	   /* more tries than a CPU's own shard has */
};

vaddr_t vmap_start, vmap_end;
static struct kmem_cache *area_cache;

struct vmap_shard vmap_common;
static DEFINE_PER_CPU(struct vmap_shard, cpu_shard);
static DEFINE_PER_CPU(struct vmap_shard *, own_shard); /* whom this CPU asks first */
struct vmap_shard *vmap_shards[1 + NR_CPUS];
unsigned vmap_nr_shards;
struct vmap_shard *vmap_stripe_shard[STRIPES];
static size_t plenty; /* bytes */
static size_t cached_size =
	STRIPE_SIZE / 4; /* longer areas would leave much of a stripe: from `vmap_common` */
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

/* Where a range belongs: its parent and link in the tree. It overlaps nothing. */
static inline struct rb_node **range_link(struct range_tree *t, const struct vmap_area *a,
					  struct rb_node **parent)
{
	struct vmap_area *last = list_last_entry(&t->list, struct vmap_area, list);

	*parent = NULL;
	if (!t->root.node)
		return &t->root.node;
	if (a->start < last->end)
		return range_descend(t, a, parent);
	*parent = &last->rb; /* often it comes last, and the last node has nothing on its right */
	return &last->rb.right;
}

/* The list element before which the range belongs (the head: at the end). */
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
	a->subtree_max = 0; /* derived anew: what it was in another place does not count */
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
 * The lowest free range with room. In order of address, skipping subtrees whose longest range is too short.
 * With alignments up to a page the first range of sufficient length fits, so this is one descent.
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
 * Cuts [start, end) out of a free range. A cut from the middle takes *spare for what remains above. Returns
 * the range's descriptor if nothing remains of it.
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
 * Joins the range with free neighbours. Returns the descriptors that are left over, linked by `list`. A node
 * leaves the tree before its neighbour grows: at every step the derived values describe the tree as it is.
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

/* ---- between a CPU's shard and `vmap_common` ---- */

static void free_surplus(struct list_head *surplus)
{
	struct vmap_area *a, *tmp;

	list_for_each_entry_safe (a, tmp, surplus, list)
		kmem_cache_free(area_cache, a);
}

/* Where it is not done all the time. */
static __noinline void free_insert(struct vmap_shard *s, struct vmap_area *a, struct list_head *surplus)
{
	free_join(s, a, surplus);
}

/* The highest ranges of a CPU's shard go back, until it has at most `keep` bytes. s->lock held. */
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

/* The first part of a range that lies in one of the shard's stripes and is long enough. */
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
 * The lowest common range that has such a part, among so many that the search is short; else one that is sure to
 * have it. NULL: addresses are scarce. vmap_common.lock held.
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

/* A free part of one of the shard's stripes becomes its own. False: no memory for a descriptor. */
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

/* A shard's lowest range that fits becomes busy, with *spare for a cut inside a range. */
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

/* Whom to ask next when a shard has no range that fits; NULL: nobody. */
static __cold struct vmap_shard *next_shard(struct vmap_shard *s, size_t size, gfp_t gfp, unsigned *tries)
{
	if (s != &vmap_common) /* itself, once more, after it has taken a stripe */
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
	if (align > PAGE_SIZE) { /* only then the cut can be inside a range */
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

/* Below the limit, what other shards have, and what they may add before they look themselves. */
static unsigned long lazy_reserved(const struct vmap_shard *own)
{
	unsigned long sum = 0;

	for_each_shard (s)
		if (s != own)
			sum += max(READ_ONCE(s->lazy_pages), READ_ONCE(s->lazy_look));
	return sum;
}

/*
 * Are all shards' lazy pages above the limit? Else this one may add its part of what is left. If nothing is left because
 * others have not used theirs, they lose it: they look before they add more.
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

/* Takes a shard's lazy list as a whole, in a few steps however long it is. */
static void steal_list(struct vmap_shard *s, struct vmap_stolen *stolen)
{
	/* Acquire and release: a CPU that sees the list empty sees the turn of the purge that took it (vmalloc.c). */
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

/* Its owner is not done with it: another time. */
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

/* Flushed areas of one shard go to the front of its list. */
static void leave_to(struct vmap_shard *s, struct list_head *areas, size_t bytes)
{
	spin_lock(&s->lock);
	list_splice_init(areas, &s->lazy);
	UPDATE_ONCE(s->flushed_bytes, +=, bytes);
	s->steals++;
	spin_unlock(&s->lock);
	__atomic_store_n(s->told, true, __ATOMIC_RELEASE); /* behind flushed_bytes */
}

void vmap_hand_over(struct vmap_stolen *stolen)
{
	const struct vmap_shard *own = this_cpu(own_shard);
	struct vmap_area *a, *tmp;
	size_t bytes = 0;
	LIST_HEAD(theirs);

	if (vmap_nr_shards == 1)
		return;
	list_for_each_entry_safe (a, tmp, &stolen->areas, list) { /* each shard's are in a row */
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

/* One range of addresses goes back, under one descriptor. */
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
	 * Areas that were freed one after the other are often neighbours: join those before the tree is
	 * asked.
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

/* On one CPU there is nobody to be apart from. */
static void make_cpu_shards(void)
{
	unsigned cpu, nr = cpumask_weight(&cpu_possible_mask);

	shard_init(&vmap_common, "vmap_common", 1); /* sub: after a CPU's, of which two are never held */
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
