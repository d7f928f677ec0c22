/*
 * vmap.c - who has which part of the vmalloc window.
 *
 * Idea.       A request gets the lowest free range that fits, so the same requests give the same addresses.
 *             Free ranges lie in a tree by address in which each node knows the longest range below it: the
 *             search never enters a subtree without room. An area that is given up first becomes lazy: its
 *             addresses stay taken until a flush of all TLBs has made sure that nobody can use an old
 *             translation.
 * Layout.     window:   | busy | guard | busy        | guard | lazy |  free  | busy | guard |     free ...
 *             busy, free_tree (augmented): red-black trees by start, each with a list in the same order,
 *             whose neighbours make merging O(1). lazy: a list in the order of vfree. An area includes its
 *             guard page.
 * Invariants. V1  free + busy + lazy + what a purge has in hand tile the window
 *             V2  each list is its tree's order; no two free ranges touch
 *             V3  subtree_max is exact (rb_check)
 *             V4  an area's pages are mapped at its addresses; its guard page, lazy and free ranges are not
 *                 mapped
 *             V5  lazy_pages, free_ranges and MM_VMALLOC are the sums they claim to be
 * Locking.    vmap_lock for all of it, held for one search or one insertion. A lazy area's entries are
 *             cleared outside of it: `cleared` says that a purge may take it.
 * Failure.    No room, or no descriptor: NULL, nothing has changed.
 * Source.     Linux mm/vmalloc.c 6.1. There the search may miss a fit when the alignment is above a page;
 *             here it prunes by plain size and is exact for every alignment.
 * Next:       vmalloc.c.
 */
#include "vmap.h"

#include <mm/check.h>
#include <mm/page_alloc.h>
#include <mm/pgtable.h>
#include <mm/slab.h>

#include <kernel/bug.h>
#include <kernel/printk.h>
#include <kernel/spinlock.h>

struct range_tree {
	struct rb_root root;
	struct list_head list;
};

static bool subtree_max_update(struct rb_node *n);

vaddr_t vmap_start, vmap_end;
static struct kmem_cache *area_cache;

static struct spinlock vmap_lock = SPINLOCK_INIT("vmap_lock", LOCK_VMAP);
/* vmap_lock: */
static struct range_tree busy = {.list = LIST_HEAD_INIT(busy.list)};
static struct range_tree free_tree = {.root.update = subtree_max_update,
				      .list = LIST_HEAD_INIT(free_tree.list)};
static LIST_HEAD(lazy);
static unsigned long lazy_pages, free_ranges;
static _Atomic size_t purging_bytes; /* stolen and not yet released; read without the lock as well */
static u64 purges;

static struct vmap_area *area_of(const struct rb_node *n)
{
	return n ? rb_entry(n, struct vmap_area, rb) : NULL;
}

static size_t area_size(const struct vmap_area *a)
{
	return a->end - a->start;
}

/* ---- the trees ---- */

static size_t max_of(const struct rb_node *n)
{
	return n ? area_of(n)->subtree_max : 0;
}

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

/* Where a range belongs: its parent and link in the tree. It overlaps nothing. */
static struct rb_node **range_link(struct range_tree *t, const struct vmap_area *a, struct rb_node **parent)
{
	struct rb_node **link = &t->root.node;

	*parent = NULL;
	if (!list_empty(&t->list)) { /* often it comes last, and the last node has nothing on its right */
		struct vmap_area *last = list_last_entry(&t->list, struct vmap_area, list);

		if (a->start >= last->end) {
			*parent = &last->rb;
			return &last->rb.right;
		}
	}
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

static struct vmap_area *range_find(const struct range_tree *t, vaddr_t addr)
{
	struct rb_node *n = t->root.node;

	while (n) {
		struct vmap_area *a = area_of(n);

		if (addr < a->start)
			n = n->left;
		else if (addr >= a->end)
			n = n->right;
		else
			return a;
	}
	return NULL;
}

/* ---- free ranges ---- */

static bool range_fits(const struct vmap_area *a, size_t size, size_t align, vaddr_t *start)
{
	*start = ALIGN_UP(a->start, align);
	return *start >= a->start && *start < a->end && a->end - *start >= size;
}

/*
 * The lowest free range with room. In order of address, skipping subtrees whose longest range is too short.
 * With alignments up to a page the first range of sufficient length fits, so this is one descent.
 */
static struct vmap_area *free_lowest(size_t size, size_t align, vaddr_t *start)
{
	struct rb_node *n = free_tree.root.node;

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
static struct vmap_area *free_cut(struct vmap_area *a, vaddr_t start, vaddr_t end, struct vmap_area **spare)
{
	struct vmap_area *above = *spare;

	if (start == a->start && end == a->end) {
		range_erase(&free_tree, a);
		free_ranges--;
		return a;
	}
	if (start == a->start) {
		a->start = end;
		rb_propagate(&free_tree.root, &a->rb);
		return NULL;
	}
	if (end != a->end) {
		struct rb_node *parent, **link;

		above->start = end;
		above->end = a->end;
		*spare = NULL;
		a->end = start;
		rb_propagate(&free_tree.root, &a->rb);
		link = range_link(&free_tree, above, &parent);
		range_insert_at(&free_tree, above, parent, link);
		free_ranges++;
		return NULL;
	}
	a->end = start;
	rb_propagate(&free_tree.root, &a->rb);
	return NULL;
}

/*
 * Joins the range with free neighbours. Returns the descriptors that are left over, linked by `list`. A node
 * leaves the tree before its neighbour grows: at every step the derived values describe the tree as it is.
 */
static void free_join(struct vmap_area *a, struct list_head *surplus)
{
	struct rb_node *parent, **link = range_link(&free_tree, a, &parent);
	struct list_head *at = range_next(&free_tree, parent, link);
	struct vmap_area *next = at == &free_tree.list ? NULL : list_entry(at, struct vmap_area, list);
	struct vmap_area *prev =
		at->prev == &free_tree.list ? NULL : list_entry(at->prev, struct vmap_area, list);
	bool with_prev = prev && prev->end == a->start, with_next = next && next->start == a->end;

	if (!with_prev && !with_next) {
		range_insert_at(&free_tree, a, parent, link);
		free_ranges++;
		return;
	}
	list_add(&a->list, surplus);
	if (with_prev && with_next) {
		range_erase(&free_tree, prev);
		free_ranges--;
		next->start = prev->start;
		list_add(&prev->list, surplus);
	} else if (with_next) {
		next->start = a->start;
	} else {
		prev->end = a->end;
	}
	rb_propagate(&free_tree.root, with_next ? &next->rb : &prev->rb);
}

/* ---- areas ---- */

static void busy_insert(struct vmap_area *a)
{
	struct rb_node *parent, **link = range_link(&busy, a, &parent);

	range_insert_at(&busy, a, parent, link);
}

struct vmap_area *vmap_alloc(size_t size, size_t align, unsigned flags, unsigned long caller, gfp_t gfp)
{
	struct vmap_area *a = kmem_cache_alloc(area_cache, gfp & GFP_RECLAIM_MASK), *from, *used_up = NULL,
			 *spare = NULL;

	BUG_ON(!size || (size & ~PAGE_MASK) || !is_pow2(align), "vmap_alloc: size 0x%zx align 0x%zx", size,
	       align);
	if (!a)
		return NULL;
	if (align > PAGE_SIZE) { /* only then the cut can be inside a range */
		spare = kmem_cache_alloc(area_cache, gfp & GFP_RECLAIM_MASK);
		if (!spare)
			goto err_area;
	}
	spin_lock(&vmap_lock);
	from = free_lowest(size, align, &a->start);
	if (from) {
		a->end = a->start + size;
		a->vm.addr = (void *)a->start;
		a->vm.size = size;
		a->vm.flags = flags;
		a->vm.nr_pages = 0;
		a->vm.page_level = 0;
		a->vm.pages = NULL;
		a->vm.caller = caller;
		used_up = free_cut(from, a->start, a->end, &spare);
		busy_insert(a);
	}
	spin_unlock(&vmap_lock);
	if (unlikely(used_up))
		kmem_cache_free(area_cache, used_up);
	if (unlikely(spare))
		kmem_cache_free(area_cache, spare);
	if (from)
		return a;
err_area:
	kmem_cache_free(area_cache, a);
	return NULL;
}

struct vmap_area *vmap_find(vaddr_t addr)
{
	struct vmap_area *a;

	spin_lock(&vmap_lock);
	a = range_find(&busy, addr);
	spin_unlock(&vmap_lock);
	return a;
}

struct vmap_area *vmap_retire(vaddr_t addr, unsigned flags)
{
	struct vmap_area *a;

	spin_lock(&vmap_lock);
	a = range_find(&busy, addr);
	if (likely(a && a->start == addr && (a->vm.flags & flags))) {
		range_erase(&busy, a);
		atomic_store_explicit(&a->cleared, false, memory_order_relaxed);
		list_add_tail(&a->list, &lazy);
		UPDATE_ONCE(lazy_pages, +=, area_size(a) >> PAGE_SHIFT);
	} else {
		a = NULL;
	}
	spin_unlock(&vmap_lock);
	return a;
}

/* ---- lazy areas ---- */

unsigned long vmap_lazy_pages(void)
{
	return READ_ONCE(lazy_pages);
}

u64 vmap_nr_purges(void)
{
	return READ_ONCE(purges);
}

bool vmap_purging(void)
{
	return atomic_load_explicit(&purging_bytes, memory_order_acquire);
}

bool vmap_steal_lazy(struct list_head *areas, vaddr_t *start, vaddr_t *end)
{
	struct vmap_area *a, *tmp;
	LIST_HEAD(uncleared);

	list_init(areas);
	*start = ~0UL;
	*end = 0;
	spin_lock(&vmap_lock);
	list_for_each_entry_safe (a, tmp, &lazy, list) {
		if (!atomic_load_explicit(&a->cleared, memory_order_acquire)) {
			list_move_tail(&a->list, &uncleared);
			continue;
		}
		*start = min(*start, a->start);
		*end = max(*end, a->end);
		purging_bytes += area_size(a);
		UPDATE_ONCE(lazy_pages, -=, area_size(a) >> PAGE_SHIFT);
	}
	list_splice_init(&lazy, areas);
	list_splice_init(&uncleared, &lazy);
	UPDATE_ONCE(purges, +=, !list_empty(areas));
	spin_unlock(&vmap_lock);
	return !list_empty(areas);
}

/* One range of addresses goes back, under one descriptor. */
static void release_run(struct vmap_area *run, size_t size, struct list_head *surplus)
{
	spin_lock(&vmap_lock);
	free_join(run, surplus);
	purging_bytes -= size;
	spin_unlock(&vmap_lock);
}

void vmap_release(struct list_head *areas)
{
	struct vmap_area *a, *tmp, *run = NULL;
	LIST_HEAD(surplus);

	/*
	 * Areas that were freed one after the other are often neighbours: join those before the tree is
	 * asked.
	 */
	list_for_each_entry_safe (a, tmp, areas, list) {
		if (run && run->end == a->start) {
			run->end = a->end;
			list_move(&a->list, &surplus);
		} else if (run && run->start == a->end) {
			run->start = a->start;
			list_move(&a->list, &surplus);
		} else {
			if (run)
				release_run(run, area_size(run), &surplus);
			list_del(&a->list);
			run = a;
		}
	}
	if (run)
		release_run(run, area_size(run), &surplus);
	list_init(areas);
	list_for_each_entry_safe (a, tmp, &surplus, list)
		kmem_cache_free(area_cache, a);
}

/* ---- looking inside ---- */

static void info_of(const struct vmap_area *a, bool is_lazy, struct vmalloc_info *info)
{
	*info = (struct vmalloc_info){.start = a->start,
				      .end = a->end,
				      .pages = a->vm.nr_pages,
				      .flags = a->vm.flags,
				      .caller = a->vm.caller,
				      .lazy = is_lazy,
				      .page_level = a->vm.page_level};
}

enum { INFO_BATCH = 16 };

/* Busy areas at or above `at`, in order. */
static unsigned busy_batch(vaddr_t at, struct vmalloc_info info[INFO_BATCH])
{
	struct rb_node *n;
	struct vmap_area *a = NULL;
	unsigned nr = 0;

	spin_lock(&vmap_lock);
	for (n = busy.root.node; n;) {
		if (area_of(n)->end > at) {
			a = area_of(n);
			n = n->left;
		} else {
			n = n->right;
		}
	}
	for (; a && &a->list != &busy.list && nr < INFO_BATCH;
	     a = list_entry(a->list.next, struct vmap_area, list))
		info_of(a, false, &info[nr++]);
	spin_unlock(&vmap_lock);
	return nr;
}

/*
 * Lazy areas behind *last (NULL: from the first). New ones come at the tail and all go at once, so *last is
 * good while the number of purges is the same; after a purge there is nothing left to show.
 */
static unsigned lazy_batch(struct vmap_area **last, u64 since, struct vmalloc_info info[INFO_BATCH])
{
	unsigned nr = 0;

	spin_lock(&vmap_lock);
	if (purges == since) {
		struct list_head *e = *last ? (*last)->list.next : lazy.next;

		for (; e != &lazy && nr < INFO_BATCH; e = e->next) {
			*last = list_entry(e, struct vmap_area, list);
			info_of(*last, true, &info[nr++]);
		}
	}
	spin_unlock(&vmap_lock);
	return nr;
}

void vmalloc_for_each(bool (*fn)(const struct vmalloc_info *info, void *ctx), void *ctx)
{
	struct vmalloc_info info[INFO_BATCH];
	struct vmap_area *last = NULL;
	u64 since = vmap_nr_purges();
	vaddr_t at = 0;
	unsigned nr;

	while ((nr = busy_batch(at, info)) != 0) {
		for (unsigned i = 0; i < nr; i++)
			if (!fn(&info[i], ctx))
				return;
		at = info[nr - 1].end;
	}
	while ((nr = lazy_batch(&last, since, info)) != 0)
		for (unsigned i = 0; i < nr; i++)
			if (!fn(&info[i], ctx))
				return;
}

void vmalloc_totals(unsigned long *total_bytes, unsigned long *used_bytes, unsigned long *largest_free,
		    unsigned long *nr_free_ranges)
{
	*total_bytes = vmap_end - vmap_start;
	*used_bytes = mm_counter_read(MM_VMALLOC) << PAGE_SHIFT;
	spin_lock(&vmap_lock);
	*largest_free = max_of(free_tree.root.node);
	*nr_free_ranges = free_ranges;
	spin_unlock(&vmap_lock);
}

static int describe_area(const struct vmap_area *a, vaddr_t addr, char *buf, size_t size)
{
	vaddr_t end = a->end - PAGE_SIZE; /* of what may be touched */

	if (addr >= end)
		return snprintf(buf, size,
				"guard page of area 0x%016lx-0x%016lx of %pS, %lu bytes past its end",
				a->start, a->end, (void *)a->vm.caller, addr - end);
	return snprintf(buf, size, "in area 0x%016lx-0x%016lx of %pS, at offset %lu", a->start, a->end,
			(void *)a->vm.caller, addr - a->start);
}

/* In no area: how far it is to the nearest one. */
static int describe_free(vaddr_t addr, char *buf, size_t size)
{
	struct vmap_area *below = NULL, *above = NULL;

	for (struct rb_node *n = busy.root.node; n;) {
		if (area_of(n)->start > addr) {
			above = area_of(n);
			n = n->left;
		} else {
			below = area_of(n);
			n = n->right;
		}
	}
	if (below && (!above || addr - below->end <= above->start - addr))
		return snprintf(buf, size, "in no area, %lu bytes above 0x%016lx-0x%016lx of %pS",
				addr - below->end, below->start, below->end, (void *)below->vm.caller);
	if (above)
		return snprintf(buf, size, "in no area, %lu bytes below 0x%016lx-0x%016lx of %pS",
				above->start - addr, above->start, above->end, (void *)above->vm.caller);
	return snprintf(buf, size, "in no area, there are none");
}

void vmalloc_describe(vaddr_t addr, char *buf, size_t size)
{
	struct vmap_area *a;

	if (addr < vmap_start || addr >= vmap_end) {
		snprintf(buf, size, "outside of the vmalloc window");
		return;
	}
	if (!spin_trylock(&vmap_lock)) {
		snprintf(buf, size, "in the vmalloc window (busy)");
		return;
	}
	a = range_find(&busy, addr);
	if (a) {
		describe_area(a, addr, buf, size);
		goto out;
	}
	list_for_each_entry (a, &lazy, list) {
		if (addr >= a->start && addr < a->end) {
			snprintf(buf, size, "in freed area 0x%016lx-0x%016lx of %pS, at offset %lu", a->start,
				 a->end, (void *)a->vm.caller, addr - a->start);
			goto out;
		}
	}
	describe_free(addr, buf, size);
out:
	spin_unlock(&vmap_lock);
}

/* ---- boot ---- */

void vmap_init(vaddr_t start, vaddr_t end)
{
	struct vmap_area *a;
	LIST_HEAD(surplus);

	area_cache = kmem_cache_create("vmap_area", sizeof(struct vmap_area), 0, SLAB_PANIC, NULL);
	a = kmem_cache_alloc(area_cache, GFP_KERNEL);
	if (!a)
		panic("vmap: no memory for the first range\n");
	vmap_start = a->start = start;
	vmap_end = a->end = end;
	free_join(a, &surplus);
}

/* ---- check ---- */

static char wrong[160];

static const char *complain(const char *what, const struct vmap_area *a)
{
	snprintf(wrong, sizeof(wrong), "%s: 0x%016lx-0x%016lx of %pS", what, a->start, a->end,
		 (void *)a->vm.caller);
	return wrong;
}

/* V2: the list in the tree's order, ascending, inside the window. Adds up the bytes. */
static const char *check_order(const struct range_tree *t, bool may_touch, size_t *bytes)
{
	struct rb_node *n = rb_first(&t->root);
	const struct vmap_area *a;
	vaddr_t at = vmap_start;

	list_for_each_entry (a, &t->list, list) {
		if (area_of(n) != a)
			return complain("V2 the list is not the tree's order", a);
		if (a->start >= a->end || a->start < at || (a->start == at && at != vmap_start && !may_touch))
			return complain("V2 overlaps or touches the range before", a);
		*bytes += area_size(a);
		at = a->end;
		n = rb_next(n);
	}
	return n || at > vmap_end ? "V2 the tree holds more than the list, or leaves the window"
				  : rb_check(&t->root);
}

static const char *check_pages(const struct vmap_area *a)
{
	for (unsigned i = 0; i < a->vm.nr_pages; i++)
		if (vmalloc_to_page((char *)a->vm.addr + i * PAGE_SIZE) != a->vm.pages[i])
			return complain("V4 a page is not where it belongs", a);
	if (pt_lookup(a->end - PAGE_SIZE).mapped)
		return complain("V4 the guard page is mapped", a);
	return NULL;
}

static const char *check_lazy(size_t *bytes, unsigned long *pages)
{
	const struct vmap_area *a;

	list_for_each_entry (a, &lazy, list) {
		if (range_find(&busy, a->start) || range_find(&free_tree, a->start))
			return complain("V1 lazy, and free or busy as well", a);
		if (pt_mapped_bytes(a->start, area_size(a)))
			return complain("V4 a lazy area is mapped", a);
		*bytes += area_size(a);
		*pages += a->vm.nr_pages;
	}
	return NULL;
}

static const char *check_all(void)
{
	size_t total = purging_bytes, lazy_bytes = 0;
	unsigned long pages = 0, ranges = 0;
	const struct vmap_area *a;
	const char *what = check_order(&busy, true, &total);

	what = what ? what : check_order(&free_tree, false, &total);
	what = what ? what : check_lazy(&lazy_bytes, &pages);
	if (what)
		return what;
	if (total + lazy_bytes != vmap_end - vmap_start)
		return "V1 the ranges do not tile the window";
	list_for_each_entry (a, &busy.list, list) {
		pages += a->vm.nr_pages;
		if ((what = check_pages(a)) != NULL)
			return what;
	}
	list_for_each_entry (a, &free_tree.list, list) {
		ranges++;
		if (pt_mapped_bytes(a->start, area_size(a)))
			return complain("V4 a free range is mapped", a);
	}
	if (lazy_bytes >> PAGE_SHIFT != lazy_pages || ranges != free_ranges ||
	    pages != mm_counter_read(MM_VMALLOC))
		return "V5 lazy pages, free ranges or pages in areas are miscounted";
	return NULL;
}

const char *vmap_check(void)
{
	const char *what;

	spin_lock(&vmap_lock);
	what = check_all();
	spin_unlock(&vmap_lock);
	return what;
}
MM_CHECK("vmap", vmap_check);
