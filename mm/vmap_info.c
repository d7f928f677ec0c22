/*
 * vmap_info.c - contents of the vmalloc window, for reports and the shell, and the check of its
 * invariants.
 *
 * Idea.       The shards are read one after the other, a batch of areas at a time. The lock is dropped
 *             before the batch is printed, so no CPU waits for the printing one.
 * Layout.     The structures are those of vmap.c.
 * Invariants. vmap_check() tests V1 to V8 of vmap.c and names the range that breaks one.
 * Locking.    A shard's lock for each batch. vmalloc_describe() only tries the lock, because a fault
 *             may come from code that holds it.
 * Failure.    If a shard's lock is taken, vmalloc_describe() says that it is busy.
 * Next:       vmalloc.c.
 */
#include "vmap_internal.h"

#include <mm/check.h>
#include <mm/check_walk.h>
#include <mm/page_alloc.h>
#include <mm/pgtable.h>

#include <kernel/printk.h>

/* ---- lists and reports ---- */

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

/*
 * Inserts a into the INFO_BATCH lowest areas, in ascending order. If the batch is full, the highest is
 * dropped. Returns the number of entries.
 */
static unsigned info_insert(struct vmalloc_info info[INFO_BATCH], unsigned nr, const struct vmap_area *a)
{
	unsigned at = nr < INFO_BATCH ? nr++ : INFO_BATCH - 1;

	for (; at && info[at - 1].start > a->start; at--)
		info[at] = info[at - 1];
	info_of(a, false, &info[at]);
	return nr;
}

/* Returns the lowest range of a tree that ends above `at`, NULL if there is none. */
static struct vmap_area *range_from(const struct range_tree *t, vaddr_t at)
{
	struct vmap_area *a = NULL;

	for (struct rb_node *n = t->root.node; n;) {
		if (area_of(n)->end > at) {
			a = area_of(n);
			n = n->left;
		} else {
			n = n->right;
		}
	}
	return a;
}

/*
 * Fills info with the lowest busy areas of all shards that end above `at`, in ascending order. Returns
 * their number.
 */
static unsigned busy_batch(vaddr_t at, struct vmalloc_info info[INFO_BATCH])
{
	unsigned nr = 0;

	for_each_shard (s) {
		struct vmap_area *a;

		spin_lock(&s->lock);
		a = range_from(&s->busy, at);
		for (; a && &a->list != &s->busy.list && (nr < INFO_BATCH || a->start < info[nr - 1].start);
		     a = list_entry(a->list.next, struct vmap_area, list))
			nr = info_insert(info, nr, a);
		spin_unlock(&s->lock);
	}
	return nr;
}

struct lazy_cursor {
	struct vmap_area *last; /* last area copied; NULL at first */
	u64 steals;
};

/*
 * Copies the next lazy areas of a shard behind the cursor. New areas are added at the tail, and a purge
 * detaches the whole list. So `last` stays valid until `steals` changes; then the walk ends.
 */
static unsigned lazy_batch(struct vmap_shard *s, struct lazy_cursor *c, struct vmalloc_info info[INFO_BATCH])
{
	unsigned nr = 0;

	spin_lock(&s->lock);
	if (!c->last)
		c->steals = s->steals;
	if (c->steals == s->steals) {
		struct list_head *e = c->last ? c->last->list.next : s->lazy.next;

		for (; e != &s->lazy && nr < INFO_BATCH; e = e->next) {
			c->last = list_entry(e, struct vmap_area, list);
			info_of(c->last, true, &info[nr++]);
		}
	}
	spin_unlock(&s->lock);
	return nr;
}

void vmalloc_for_each(bool (*fn)(const struct vmalloc_info *info, void *ctx), void *ctx)
{
	struct vmalloc_info info[INFO_BATCH];
	vaddr_t at = 0;
	unsigned nr;

	while ((nr = busy_batch(at, info)) != 0) {
		for (unsigned i = 0; i < nr; i++)
			if (!fn(&info[i], ctx))
				return;
		at = info[nr - 1].end;
	}
	for_each_shard (s) {
		struct lazy_cursor c = {NULL, 0};

		while ((nr = lazy_batch(s, &c, info)) != 0)
			for (unsigned i = 0; i < nr; i++)
				if (!fn(&info[i], ctx))
					return;
	}
}

void vmalloc_totals(unsigned long *total_bytes, unsigned long *used_bytes, unsigned long *largest_free,
		    unsigned long *nr_free_ranges)
{
	*total_bytes = vmap_end - vmap_start;
	*used_bytes = mm_counter_read(MM_VMALLOC) << PAGE_SHIFT;
	*largest_free = *nr_free_ranges = 0;
	for_each_shard (s) {
		spin_lock(&s->lock);
		*largest_free = max(*largest_free, max_of(s->free.root.node));
		*nr_free_ranges += s->free_ranges;
		spin_unlock(&s->lock);
	}
}

static int describe_area(const struct vmap_area *a, vaddr_t addr, char *buf, size_t size)
{
	vaddr_t end = a->end - PAGE_SIZE; /* end of the accessible addresses */

	if (addr >= end)
		return snprintf(buf, size,
				"guard page of area 0x%016lx-0x%016lx of %pS, %lu bytes past its end",
				a->start, a->end, (void *)a->vm.caller, addr - end);
	return snprintf(buf, size, "in area 0x%016lx-0x%016lx of %pS, at offset %lu", a->start, a->end,
			(void *)a->vm.caller, addr - a->start);
}

/* Describes a busy or lazy area of the shard that contains addr. Returns false if none does. */
static bool describe_in(struct vmap_shard *s, vaddr_t addr, char *buf, size_t size)
{
	struct vmap_area *busy = range_find(&s->busy.root, addr), *a;

	if (busy) {
		describe_area(busy, addr, buf, size);
		return true;
	}
	list_for_each_entry (a, &s->lazy, list) {
		if (addr >= a->start && addr < a->end) {
			snprintf(buf, size, "in freed area 0x%016lx-0x%016lx of %pS, at offset %lu", a->start,
				 a->end, (void *)a->vm.caller, addr - a->start);
			return true;
		}
	}
	return false;
}

/*
 * Describes the distance from addr, which lies in no area, to the nearest busy one. Skips shards whose
 * lock is taken.
 */
static void describe_free(vaddr_t addr, char *buf, size_t size)
{
	struct vmalloc_info below = {.end = 0}, above = {.start = ~0UL};

	for_each_shard (s) {
		if (!spin_trylock(&s->lock))
			continue;
		for (struct rb_node *n = s->busy.root.node; n;) {
			const struct vmap_area *a = area_of(n);

			if (a->start > addr) {
				if (a->start < above.start)
					info_of(a, false, &above);
				n = n->left;
			} else {
				if (a->end > below.end)
					info_of(a, false, &below);
				n = n->right;
			}
		}
		spin_unlock(&s->lock);
	}
	if (below.end && addr - below.end <= above.start - addr)
		snprintf(buf, size, "in no area, %lu bytes above 0x%016lx-0x%016lx of %pS", addr - below.end,
			 below.start, below.end, (void *)below.caller);
	else if (above.start != ~0UL)
		snprintf(buf, size, "in no area, %lu bytes below 0x%016lx-0x%016lx of %pS",
			 above.start - addr, above.start, above.end, (void *)above.caller);
	else
		snprintf(buf, size, "in no area, there are none");
}

void vmalloc_describe(vaddr_t addr, char *buf, size_t size)
{
	struct vmap_shard *const asked[] = {shard_of(addr), &vmap_common};

	if (addr < vmap_start || addr >= vmap_end) {
		snprintf(buf, size, "outside of the vmalloc window");
		return;
	}
	for (unsigned i = asked[0] == asked[1]; i < ARRAY_SIZE(asked); i++) {
		bool found;

		if (!spin_trylock(&asked[i]->lock)) {
			snprintf(buf, size, "in the vmalloc window (busy)");
			return;
		}
		found = describe_in(asked[i], addr, buf, size);
		spin_unlock(&asked[i]->lock);
		if (found)
			return;
	}
	describe_free(addr, buf, size);
}

/* ---- frames of areas ---- */

static void each_of_area(const struct vmap_area *a, frame_fn fn, void *ctx)
{
	const unsigned order = a->vm.page_level ? HUGE_ORDER : 0;

	if (!a->vm.nr_pages ||
	    !check_object(a->vm.pages, a->vm.nr_pages * sizeof(struct page *), sizeof(long)))
		return;
	for (unsigned long i = 0; i < a->vm.nr_pages; i += 1UL << order)
		if (check_page(a->vm.pages[i]))
			fn(page_to_pfn(a->vm.pages[i]), order, ctx);
}

/* Most areas that can exist: a descriptor takes more than 16 bytes of RAM. */
static unsigned long areas_most(void)
{
	return totalram_pages() * (PAGE_SIZE / 16);
}

void vmap_for_each_block(frame_fn fn, void *ctx)
{
	const struct vmap_area *a;
	struct check_walk w;

	for_each_shard (s) {
		check_for_each_entry (a, &w, &s->busy.list, areas_most(), list)
			each_of_area(a, fn, ctx);
		check_for_each_entry (a, &w, &s->lazy, areas_most(), list)
			each_of_area(a, fn, ctx);
	}
}

/* ---- check ---- */

static char wrong[160];

static const char *complain(const char *what, const struct vmap_area *a)
{
	snprintf(wrong, sizeof(wrong), "%s: 0x%016lx-0x%016lx of %pS", what, a->start, a->end,
		 (void *)a->vm.caller);
	return wrong;
}

/* The same for a range that may be free and has no caller. */
static const char *complain_range(const char *what, const struct vmap_area *a)
{
	snprintf(wrong, sizeof(wrong), "%s: 0x%016lx-0x%016lx", what, a->start, a->end);
	return wrong;
}

/* V6: the range lies in stripes of its shard. */
static bool in_own_stripes(const struct vmap_shard *s, const struct vmap_area *a)
{
	for (vaddr_t at = a->start; s != &vmap_common && at < a->end;
	     at = ALIGN_DOWN(at, STRIPE_SIZE) + STRIPE_SIZE)
		if (shard_of(at) != s)
			return false;
	return true;
}

/* V7, and the lock, which the next steps take. */
static const char *check_shard(const struct vmap_shard *s, unsigned index)
{
	if (!vmap_shard_is_fixed(s, index))
		return "vmap.V7: a member that boot fixed in a shard has changed";
	if (!spin_is_free(&s->lock, LOCK_VMAP, s == &vmap_common))
		return "vmap.V7: a shard's lock is not a free lock of its rank";
	return NULL;
}

/* V3 of one node. */
static bool subtree_max_holds(const struct vmap_area *a)
{
	return a->subtree_max == max(area_size(a), max(max_of(a->rb.left), max_of(a->rb.right)));
}

/* V2, V3 and V6: the list has the tree's order, ascending, inside the window. */
static const char *check_order(const struct vmap_shard *s, const struct range_tree *t, bool may_touch)
{
	const char *links =
		check_tree_links(&t->root, offsetof(struct vmap_area, rb), sizeof(struct vmap_area));
	const struct vmap_area *a;
	vaddr_t at = vmap_start;
	struct check_walk w;
	struct rb_node *n;

	if (links) {
		snprintf(wrong, sizeof(wrong), "vmap.V2: %s", links);
		return wrong;
	}
	n = rb_first(&t->root);
	check_for_each_entry (a, &w, &t->list, areas_most(), list) {
		if (area_of(n) != a)
			return complain_range("vmap.V2: the list is not the tree's order", a);
		if (a->start >= a->end || a->start < at || (a->start == at && at != vmap_start && !may_touch))
			return complain_range("vmap.V2: overlaps or touches the range before", a);
		if (a->end > vmap_end || (a->start | a->end) & ~PAGE_MASK)
			return complain_range("vmap.V2: leaves the window, or holds half a page", a);
		if (!may_touch && !subtree_max_holds(a))
			return complain_range("vmap.V3: subtree_max is not the longest below", a);
		if (!in_own_stripes(s, a))
			return complain_range("vmap.V6: not in its shard's stripes", a);
		at = a->end;
		n = rb_next(n);
	}
	if (w.wrong) {
		snprintf(wrong, sizeof(wrong), "vmap.V2: %s", w.wrong);
		return wrong;
	}
	return n ? "vmap.V2: the tree holds more than the list" : rb_check(&t->root);
}

enum { AREA_FLAGS = VM_ALLOC | VM_MAP | VM_HUGE | VM_STACK };

/* V8 of a busy or lazy area. */
static const char *check_vm(const struct vmap_shard *s, const struct vmap_area *a)
{
	const struct vm_struct *vm = &a->vm;
	const bool alloc = vm->flags & VM_ALLOC;

	if (a->shard != s->index)
		return complain("vmap.V6: in a shard that is not its own", a);
	if ((vaddr_t)vm->addr != a->start || vm->size != area_size(a) || (vm->flags & ~AREA_FLAGS) ||
	    alloc == !!(vm->flags & VM_MAP))
		return complain("vmap.V8: its vm has another address, size or kind", a);
	if (vm->page_level && (vm->page_level != HUGE_LEVEL || !(vm->flags & VM_HUGE)))
		return complain("vmap.V8: leaves of a level that its flags do not permit", a);
	if (!vm->nr_pages)
		return vm->pages ? complain("vmap.V8: no pages, and a list of them", a) : NULL;
	if (!alloc || (vm->nr_pages + 1UL) << PAGE_SHIFT != vm->size)
		return complain("vmap.V8: more or fewer pages than addresses", a);
	if ((vm->pages == a->few) != (vm->nr_pages <= VMAP_FEW_PAGES) ||
	    !check_object(vm->pages, vm->nr_pages * sizeof(struct page *), sizeof(long)))
		return complain("vmap.V8: its list of pages is elsewhere", a);
	for (unsigned i = 0; i < vm->nr_pages; i++)
		if (!check_page(vm->pages[i]) ||
		    (!vm->page_level && (!(vm->pages[i]->flags & PG_vmalloc) || vm->pages[i]->refcount != 1)))
			return complain("vmap.V8: a page has no PG_vmalloc, or not one reference", a);
	return NULL;
}

static const char *check_pages(const struct vmap_area *a)
{
	if (a->vm.nr_pages && pt_lookup(a->start).level != a->vm.page_level)
		return complain("vmap.V4: its leaves are of another level", a);
	for (unsigned i = 0; i < a->vm.nr_pages; i++)
		if (vmalloc_to_page((char *)a->vm.addr + i * PAGE_SIZE) != a->vm.pages[i])
			return complain("vmap.V4: a page is not where it belongs", a);
	if (pt_lookup(a->end - PAGE_SIZE).mapped)
		return complain("vmap.V4: the guard page is mapped", a);
	return NULL;
}

/*
 * Adds a lazy area to the tree that this check builds, since lazy areas are in no tree. Returns false
 * if it overlaps another one.
 */
static bool index_lazy(struct rb_root *root, struct vmap_area *a)
{
	struct rb_node **link = &root->node, *parent = NULL;

	while (*link) {
		parent = *link;
		if (a->start < area_of(parent)->end && a->end > area_of(parent)->start)
			return false;
		link = a->start < area_of(parent)->start ? &parent->left : &parent->right;
	}
	rb_insert(root, &a->rb, parent, link);
	return true;
}

/* Returns whether the byte is 0 or 1. */
static bool is_flag(const void *flag)
{
	return *(const u8 *)flag <= 1;
}

static const char *check_lazy_area(const struct vmap_shard *s, struct rb_root *lazy, struct vmap_area *a)
{
	if (range_find(&s->busy.root, a->start) || range_find(&s->free.root, a->start))
		return complain("vmap.V1: lazy, and free or busy as well", a);
	if (a->start < vmap_start || a->start >= a->end || a->end > vmap_end ||
	    ((a->start | a->end) & ~PAGE_MASK))
		return complain("vmap.V1: lazy, and no range of the window", a);
	if (!index_lazy(lazy, a))
		return complain("vmap.V1: lazy twice", a);
	if (!in_own_stripes(s, a) || a->shard != s->index)
		return complain("vmap.V6: lazy in a shard that is not its own", a);
	if (pt_mapped_bytes(a->start, area_size(a)))
		return complain("vmap.V4: a lazy area is mapped", a);
	if (!is_flag(&a->cleared) || !is_flag(&a->flushed) || !atomic_load(&a->cleared))
		return complain("vmap.V4: lazy, and not said to be cleared", a);
	if (a->flushed && &a->list != s->lazy.next &&
	    !list_entry(a->list.prev, struct vmap_area, list)->flushed)
		return complain("vmap.V5: flushed, and not at the front", a);
	return check_vm(s, a);
}

static const char *check_lazy(const struct vmap_shard *s, struct rb_root *lazy, unsigned long *pages)
{
	size_t bytes = 0, flushed = 0;
	struct vmap_area *a;
	struct check_walk w;

	check_for_each_entry (a, &w, &s->lazy, areas_most(), list) {
		const char *what = check_lazy_area(s, lazy, a);

		if (what)
			return what;
		*(a->flushed ? &flushed : &bytes) += area_size(a);
		*pages += a->vm.nr_pages;
	}
	if (w.wrong)
		return "vmap.V5: the list of lazy areas is broken";
	return bytes >> PAGE_SHIFT == s->lazy_pages && flushed == s->flushed_bytes
		       ? NULL
		       : "vmap.V5: lazy pages are miscounted";
}

/*
 * Checks trees, lists and counts of one shard. Adds its lazy areas to the tree `lazy` and their pages
 * to *pages.
 */
static const char *check_ranges(const struct vmap_shard *s, struct rb_root *lazy, unsigned long *pages)
{
	const char *what = check_order(s, &s->busy, true);
	unsigned long ranges = 0;
	const struct vmap_area *a;
	size_t bytes = 0;

	what = what ? what : check_order(s, &s->free, false);
	what = what ? what : check_lazy(s, lazy, pages);
	if (what)
		return what;
	list_for_each_entry (a, &s->free.list, list) {
		ranges++;
		bytes += area_size(a);
	}
	return ranges == s->free_ranges && bytes == s->free_bytes ? NULL
								  : "vmap.V5: free ranges are miscounted";
}

/* V4: pages, guard pages and free ranges of one shard. */
static const char *check_mapped(const struct vmap_shard *s, unsigned long *pages)
{
	const struct vmap_area *a;
	const char *what;

	list_for_each_entry (a, &s->busy.list, list) {
		*pages += a->vm.nr_pages;
		what = check_vm(s, a);
		what = what ? what : check_pages(a);
		if (what)
			return what;
	}
	list_for_each_entry (a, &s->free.list, list)
		if (pt_mapped_bytes(a->start, area_size(a)))
			return complain("vmap.V4: a free range is mapped", a);
	return NULL;
}

/* V1: returns the end of the range that starts at `at`. Returns 0 if no range or more than one does. */
static vaddr_t tile_end(struct vmap_shard *s, const struct rb_root *lazy, vaddr_t at)
{
	const struct rb_root *const place[] = {&vmap_common.free.root, &vmap_common.busy.root, lazy,
					       &s->free.root, &s->busy.root};
	vaddr_t end = 0;

	for (unsigned i = 0; i < (s == &vmap_common ? 3 : ARRAY_SIZE(place)); i++) {
		const struct vmap_area *a = range_find(place[i], at);

		if (!a)
			continue;
		if (a->start != at || end)
			return 0;
		end = a->end;
	}
	return end;
}

static const char *check_tiling(const struct rb_root *lazy)
{
	for (vaddr_t at = vmap_start, end; at != vmap_end; at = end) {
		struct vmap_shard *s = shard_of(at);

		spin_lock(&s->lock);
		if (s != &vmap_common)
			spin_lock(&vmap_common.lock);
		end = tile_end(s, lazy, at);
		if (s != &vmap_common)
			spin_unlock(&vmap_common.lock);
		spin_unlock(&s->lock);
		if (!end) {
			snprintf(wrong, sizeof(wrong),
				 "vmap.V1: the ranges do not tile the window: at 0x%016lx", at);
			return wrong;
		}
	}
	return NULL;
}

const char *vmap_check(void)
{
	struct rb_root lazy = {NULL, NULL};
	const char *what = NULL;
	unsigned long pages = 0;

	for (unsigned i = 0; i < vmap_nr_shards && !what; i++)
		what = check_shard(vmap_shards[i], i);
	if (what)
		return what;
	for_each_shard (s) {
		spin_lock(&s->lock);
		what = what ? what : check_ranges(s, &lazy, &pages);
		spin_unlock(&s->lock);
	}
	what = what ? what : check_tiling(&lazy);
	for_each_shard (s) {
		spin_lock(&s->lock);
		what = what ? what : check_mapped(s, &pages);
		spin_unlock(&s->lock);
	}
	return what || pages == mm_counter_read(MM_VMALLOC) ? what : "vmap.V5: pages in areas are miscounted";
}
MM_CHECK_RANKED("vmap", vmap_check, CHECK_RANK_LISTS);
