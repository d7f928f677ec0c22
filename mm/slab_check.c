/*
 * slab_check.c - checks the invariants of caches, slabs and arrays.
 *
 * Idea.       Fixed data comes first: caches and their parts on nodes, against which all else is
 *             compared. Then each slab on each list, then the objects in CPUs' arrays. An object is
 *             free in its slab, in one array, or allocated.
 * Layout.     check_fixed() -> check_slabs() -> check_array_heads(), check_array_entries(), each over
 *             all caches.
 * Invariants. The file tests those of slab.c, slab_cache.c, slab_cpu.c, slab_debug.c and kmalloc.c,
 *             under their names. It tests each pointer before it follows it and each index before it
 *             uses it. Every loop has a bound that is not read from the checked structures.
 * Locking.    cache_list_lock, and list_lock of one node at a time. A lock that is not free is reported
 *             and not taken.
 * Failure.    The first broken invariant, in a static buffer.
 * Next:       ../tests/mm/test_slab_debug.c
 */
#include "slab_internal.h"

#include <kernel/printk.h>
#include <kernel/smp.h>
#include <kernel/string.h>
#include <mm/check.h>
#include <mm/check_walk.h>
#include <mm/kmalloc.h>

#include "internal.h"

enum { SEEN_BITS = 1 << 17 }; /* one bit for each hash of a pointer */

static char wrong[192];

#define CHECK(cond, ...)                                             \
	do {                                                         \
		if (!(cond)) {                                       \
			snprintf(wrong, sizeof(wrong), __VA_ARGS__); \
			return false;                                \
		}                                                    \
	} while (0)

/* Bound for the length of every list of slabs. */
static unsigned long most_slabs(void)
{
	return section_count() * SECTION_PAGES;
}

/* ---- caches and their parts ---- */

static bool index_bytes_fit(const struct kmem_cache *s)
{
	unsigned long bytes = slab_index_bytes(s->num);

	if (s->flags & SLAB_INDEX_IN_OBJECT)
		return !(s->flags & SLAB_INDEX_OFF_SLAB) && bytes <= s->object_size;
	return (s->flags & SLAB_INDEX_OFF_SLAB) || s->span + bytes <= PAGE_SIZE << s->order;
}

static bool check_geometry(const struct kmem_cache *s)
{
	CHECK(s->size >= SLAB_MIN_STRIDE && s->order <= MAX_ORDER && s->num && s->num <= SLAB_MAX_OBJS,
	      "slab.G1: %s: %u objects of %u bytes in a block of order %u", s->name, s->num, s->size,
	      s->order);
	CHECK(s->span == (unsigned long)s->num * s->size && s->span <= PAGE_SIZE << s->order &&
		      s->reciprocal == BIT(SLAB_RECIPROCAL_BITS) / s->size + 1,
	      "slab.G1: %s: %lu bytes are not those of %u objects of %u bytes", s->name, s->span, s->num,
	      s->size);
	CHECK(is_pow2(s->align) && s->size % s->align == 0 &&
		      s->obj_offset == (s->flags & SLAB_RED_ZONE ? s->align : 0) && s->object_size &&
		      s->object_size <= s->size - s->obj_offset,
	      "slab.G1: %s: an object of %u bytes, aligned to %u, at offset %u of %u bytes", s->name,
	      s->object_size, s->align, s->obj_offset, s->size);
	CHECK(index_bytes_fit(s), "slab.G1: %s: no room for the index", s->name);
	CHECK(s->colour_off && s->colour <= s->left_over / s->colour_off,
	      "slab.G1: %s: %u colours of %u bytes in a left-over of %u bytes", s->name, s->colour,
	      s->colour_off, s->left_over);
	CHECK(s->limit && s->batchcount && s->batchcount <= s->limit,
	      "slab.G1: %s: an array of %u objects, %u at once", s->name, s->limit, s->batchcount);
	return true;
}

static bool check_part(const struct kmem_cache *s, int nid)
{
	const struct kmem_cache_node *n = s->node[nid];

	CHECK(!n == !nodes[nid].has_memory, "slab_cache.C1: %s: %s part on node %d", s->name,
	      n ? "a needless" : "no", nid);
	if (!n)
		return true;
	CHECK(check_object(n, sizeof(*n), CACHE_LINE) && n->cache == s && n->cpu == s->cpu && n->nid == nid,
	      "slab_cache.C2: %s: its part on node %d, 0x%lx, is another cache's or node's", s->name, nid,
	      (unsigned long)n);
	CHECK(n->free_limit == slab_free_limit(s, nid), "slab_cache.C2: %s: node %d keeps %lu free objects",
	      s->name, nid, n->free_limit);
	CHECK(n->seal == slab_node_seal(n),
	      "slab_cache.C2: %s: on node %d a fixed member, or the shared array, has changed", s->name, nid);
	CHECK(spin_is_free(&n->list_lock, LOCK_CACHE_NODE, (unsigned)nid),
	      "slab_cache.C2: %s: list_lock of node %d is not a free lock of its rank", s->name, nid);
	return true;
}

static bool check_fixed(const struct kmem_cache *s)
{
	CHECK(check_object(s, sizeof(*s) + nr_nodes * sizeof(struct kmem_cache_node *), sizeof(long)) &&
		      check_text(s->name, SLAB_NAME_LEN),
	      "slab_cache.C1: there is no cache at 0x%lx", (unsigned long)s);
	if (!check_geometry(s))
		return false;
	CHECK(s->seal == slab_cache_seal(s), "slab_cache.C1: %s: a member that creation fixed has changed",
	      s->name);
	for (unsigned nid = 0; nid < nr_nodes; nid++)
		if (!check_part(s, (int)nid))
			return false;
	return true;
}

/* ---- slabs ---- */

/* slab_debug.D1 and slab_debug.D2 of one object. */
static bool check_object_bytes(const struct kmem_cache *s, const void *obj, bool live)
{
	CHECK(!(s->flags & SLAB_RED_ZONE) || slab_debug_zones_hold(s, obj, live),
	      "slab_debug.D1: %s: red zone of %s object 0x%lx", s->name, live ? "live" : "free",
	      (unsigned long)obj);
	CHECK(live || !(s->flags & SLAB_POISON) || slab_debug_poison_holds(s, obj),
	      "slab_debug.D2: %s: free object 0x%lx was written to", s->name, (unsigned long)obj);
	return true;
}

/* S5: the place of an index that is not in an object. */
static bool check_index_place(const struct kmem_cache *s, const struct page *page)
{
	const char *block = page_address(page), *idx = page->freelist;
	const struct page *host =
		idx && check_readable(idx, slab_index_bytes(s->num)) ? virt_to_page(idx) : NULL;
	unsigned long pfn = page_to_pfn(page);

	if (s->flags & SLAB_INDEX_IN_OBJECT)
		return true;
	if (s->flags & SLAB_INDEX_OFF_SLAB)
		CHECK(slab_has_page(idx) && host && (host->flags & PG_slab) && (vaddr_t)idx % 8 == 0 &&
			      check_object(host->slab_node, sizeof(*host->slab_node), CACHE_LINE) &&
			      host->slab_node->cache == kmalloc_cache_for(slab_index_bytes(s->num)),
		      "slab.S5: %s: the index of slab 0x%lx is no object for it: 0x%lx", s->name, pfn,
		      (unsigned long)idx);
	else
		CHECK(idx == block + (PAGE_SIZE << s->order) - ALIGN_UP(slab_index_bytes(s->num), 8u),
		      "slab.S5: %s: the index of slab 0x%lx is not at its end: 0x%lx", s->name, pfn,
		      (unsigned long)idx);
	return true;
}

/* S4: state, owner and node of the slab's pages. */
static bool check_slab_pages(const struct kmem_cache *s, const struct kmem_cache_node *n,
			     const struct page *page)
{
	const unsigned long placed = ~0UL << PG_TYPE_SHIFT & (BIT(PG_FLAGS_SHIFT) - 1);
	unsigned long pfn = page_to_pfn(page);

	CHECK((page->flags & ~placed) ==
			      (PAGE_ALLOCATED | (unsigned long)s->order << PG_ORDER_SHIFT | PG_slab) &&
		      pfn % (1UL << s->order) == 0 && page->refcount == 1,
	      "slab.S4: %s: slab 0x%lx is no block of order %u with one reference", s->name, pfn, s->order);
	CHECK(page_to_nid(page) == n->nid, "slab.S4: %s: slab 0x%lx of node %d is on node %d's list", s->name,
	      pfn, page_to_nid(page), n->nid);
	for (unsigned i = 0; i < 1u << s->order; i++)
		CHECK((i == 0 || page[i].flags == PG_slab) && page[i].slab_node == n,
		      "slab.S4: %s: page %u of slab 0x%lx does not name its node", s->name, i, pfn);
	return true;
}

/* S1 to S5 of one slab on a list whose slabs have inuse in [lo, hi]. */
static bool check_slab_head(const struct kmem_cache *s, const struct kmem_cache_node *n,
			    const struct page *page, unsigned lo, unsigned hi)
{
	unsigned long pfn = page_to_pfn(page), start;

	if (!check_slab_pages(s, n, page))
		return false;
	start = (unsigned long)page->s_mem - (unsigned long)page_address(page);
	CHECK(page->num == s->num && page->inuse >= lo && page->inuse <= hi,
	      "slab.S1: %s: slab 0x%lx has %u of %u objects in use and is on the wrong list", s->name, pfn,
	      page->inuse, page->num);
	CHECK(start % s->colour_off == 0 && start < max(1UL, (unsigned long)s->colour) * s->colour_off,
	      "slab.S2: %s: slab 0x%lx starts at offset 0x%lx", s->name, pfn, start);
	if (page->inuse == page->num && (s->flags & SLAB_INDEX_IN_OBJECT))
		CHECK(!page->freelist, "slab.S3: %s: full slab 0x%lx has an index", s->name, pfn);
	else
		CHECK(page->freelist, "slab.S3: %s: slab 0x%lx has no index", s->name, pfn);
	return check_index_place(s, page);
}

/* S3, and the patterns around and in each object. Context: the index is open. */
static bool check_slab_objects(const struct kmem_cache *s, const struct page *page)
{
	unsigned long seen[DIV_ROUND_UP(SLAB_MAX_OBJS + 1, 64)] = {0}, pfn = page_to_pfn(page);
	const slab_index_t *idx = page->freelist;

	if (idx && (s->flags & SLAB_INDEX_IN_OBJECT)) {
		unsigned long at = (unsigned long)idx - (unsigned long)page->s_mem;

		CHECK(at < s->span && at % s->size == 0 && idx[s->num - 1u] == at / s->size,
		      "slab.S3: %s: slab 0x%lx: the index is not in the object that it names last", s->name,
		      pfn);
	}
	for (unsigned i = page->inuse; i < page->num; i++) {
		CHECK(idx[i] < s->num && !bitmap_test(seen, idx[i]),
		      "slab.S3: %s: slab 0x%lx: entry %u is bad or double", s->name, pfn, i);
		bitmap_set(seen, idx[i]);
	}
	if (s->flags & SLAB_DEBUG_FLAGS)
		for (unsigned i = 0; i < s->num; i++)
			if (!check_object_bytes(s, slab_object(s, page, i), !bitmap_test(seen, i)))
				return false;
	return true;
}

static bool check_slab(const struct kmem_cache *s, const struct kmem_cache_node *n, const struct page *page,
		       unsigned lo, unsigned hi)
{
	bool ok;

	CHECK(check_page(page) && page_address(page), "slab.N1: %s: a list's link leads to 0x%lx, no page",
	      s->name, (unsigned long)page);
	if (!check_slab_head(s, n, page, lo, hi))
		return false;
	if (page->freelist && (s->flags & SLAB_INDEX_IN_OBJECT))
		CHECK((unsigned long)page->freelist - (unsigned long)page->s_mem < s->span,
		      "slab.S3: %s: slab 0x%lx: the index is in none of its objects", s->name,
		      page_to_pfn(page));
	slab_open_index(page);
	ok = check_slab_objects(s, page);
	slab_close_index(s, page);
	return ok;
}

struct node_sums {
	unsigned long slabs, empty, objects;
};

static bool check_list(const struct kmem_cache *s, const struct kmem_cache_node *n,
		       const struct list_head *list, unsigned lo, unsigned hi, struct node_sums *sum)
{
	const struct page *page;
	struct check_walk w;

	check_for_each_entry (page, &w, list, most_slabs(), lru) {
		if (!check_slab(s, n, page, lo, hi))
			return false;
		sum->slabs++;
		sum->empty += !page->inuse;
		sum->objects += page->num - page->inuse;
	}
	CHECK(!w.wrong, "slab.N1: %s: slabs of node %d: %s", s->name, n->nid, w.wrong);
	return true;
}

/* Checks the three lists and the counts of a node. Context: list_lock held. */
static bool check_lists(const struct kmem_cache *s, const struct kmem_cache_node *n, struct node_sums *sum)
{
	if (!check_list(s, n, &n->slabs_partial, 1, s->num - 1u, sum) ||
	    !check_list(s, n, &n->slabs_full, s->num, s->num, sum) ||
	    !check_list(s, n, &n->slabs_free, 0, 0, sum))
		return false;
	CHECK(sum->slabs == n->total_slabs && sum->empty == n->free_slabs && sum->objects == n->free_objects,
	      "slab.N1: %s: %lu slabs, %lu empty, %lu free objects on the lists, counted %lu, %lu, %lu",
	      s->name, sum->slabs, sum->empty, sum->objects, n->total_slabs, n->free_slabs, n->free_objects);
	CHECK(n->total_slabs == n->grown - n->reaped, "slab.N3: %s: %lu slabs, %lu created and %lu freed",
	      s->name, n->total_slabs, n->grown, n->reaped);
	return true;
}

static bool check_slabs(const struct kmem_cache *s)
{
	struct kmem_cache_node *n;

	for_each_cache_node (s, n) {
		struct node_sums sum = {0};
		unsigned long flags = spin_lock_irqsave(&n->list_lock);
		bool ok = check_lists(s, n, &sum);

		spin_unlock_irqrestore(&n->list_lock, flags);
		if (!ok)
			return false;
	}
	return true;
}

/* ---- objects in arrays ---- */

static unsigned long seen_hash[SEEN_BITS / 64];

static bool same_object(void *obj, const void *const *entry, unsigned nr, unsigned *times)
{
	for (unsigned i = 0; i < nr; i++)
		*times += entry[i] == obj;
	return *times > 1;
}

/*
 * Returns whether two arrays hold the object. Called only if two objects have one hash, so it may be
 * slow.
 */
static bool held_twice(const struct kmem_cache *s, void *obj)
{
	struct kmem_cache_node *n;
	unsigned cpu, times = 0;

	for_each_possible_cpu (cpu) {
		const struct pcpu_stack *stack = *per_cpu_ptr(s->cpu, cpu);
		const struct remote_stack *r = per_cpu_ptr(&slab_remote, cpu);

		if (same_object(obj, (const void *const *)stack->entry, stack->avail, &times) ||
		    same_object(obj, (const void *const *)r->entry, r->avail, &times))
			return true;
	}
	for_each_cache_node (s, n)
		if (n->shared && same_object(obj, (const void *const *)n->shared->stack.entry,
					     n->shared->stack.avail, &times))
			return true;
	return false;
}

/* Returns whether this object, or another one with the same hash, was seen before. */
static bool seen_before(const void *obj)
{
	unsigned long hash = (unsigned long)obj * 0x9e3779b97f4a7c15UL >> (64 - 17);
	bool seen = bitmap_test(seen_hash, hash);

	static_assert(SEEN_BITS == 1 << 17, "bits of the hash");
	bitmap_set(seen_hash, hash);
	return seen;
}

/*
 * A1 and A2 of one entry: an object of the node that its slab counts as allocated. The slabs have been
 * checked.
 */
static bool check_held(const struct kmem_cache *s, const struct kmem_cache_node *n, void *obj)
{
	const struct page *page = virt_to_page(obj);
	unsigned long offset;
	unsigned index;

	CHECK(slab_has_page(obj) && check_page(page) && (page->flags & PG_slab) && page->slab_node == n,
	      "slab_cpu.A1: %s: an array holds 0x%lx, no object of its node", s->name, (unsigned long)obj);
	page = slab_head(s, obj);
	offset = (unsigned long)((const char *)obj - (const char *)page->s_mem) - s->obj_offset;
	index = slab_index(s, offset);
	CHECK(offset < s->span && index < s->num && (unsigned long)index * s->size == offset,
	      "slab_cpu.A1: %s: an array holds 0x%lx, not the start of an object", s->name,
	      (unsigned long)obj);
	CHECK(page->inuse == page->num || !slab_index_is_free(page, index),
	      "slab_cpu.A2: %s: 0x%lx is in an array and in its slab", s->name, (unsigned long)obj);
	CHECK(!seen_before(obj) || !held_twice(s, obj), "slab_cpu.A2: %s: 0x%lx is twice in the arrays",
	      s->name, (unsigned long)obj);
	return true;
}

static bool check_entries(const struct kmem_cache *s, const struct pcpu_stack *stack,
			  const struct kmem_cache_node *n)
{
	for (unsigned i = 0; i < stack->avail; i++)
		if (!check_held(s, n, stack->entry[i]))
			return false;
	return true;
}

/* A1 and A5: the members of an array's head. */
static bool check_array_head(const struct kmem_cache *s, const struct array_cache *ac,
			     const struct kmem_cache_node *n, unsigned limit)
{
	CHECK(check_object(ac, sizeof(*ac) + limit * sizeof(void *), sizeof(long)) && slab_has_page(ac) &&
		      (virt_to_page(ac)->flags & PG_slab),
	      "slab_cpu.A5: %s: an array at 0x%lx, where no object is", s->name, (unsigned long)ac);
	CHECK(ac->node == n, "slab_cpu.A5: %s: an array of node %d is another node's", s->name,
	      n ? n->nid : -1);
	CHECK(ac->batchcount == s->batchcount && ac->stack.limit == limit,
	      "slab_cpu.A5: %s: an array for %u objects, %u at once", s->name, ac->stack.limit,
	      ac->batchcount);
	CHECK(ac->stack.avail <= limit, "slab_cpu.A1: %s: %u objects in an array for %u", s->name,
	      ac->stack.avail, limit);
	return true;
}

static bool check_array_heads(const struct kmem_cache *s)
{
	struct kmem_cache_node *n;
	unsigned cpu;

	for_each_possible_cpu (cpu) {
		const struct pcpu_stack *stack = *per_cpu_ptr(s->cpu, cpu);

		if (stack == &slab_no_array.stack)
			continue;
		CHECK(!slab_bypassed(s), "slab_cpu.A4: %s: an array although it is bypassed", s->name);
		if (!check_array_head(s, array_of((struct pcpu_stack *)stack),
				      s->node[slab_nid(cpu_to_node_map[cpu])], s->limit))
			return false;
	}
	for_each_cache_node (s, n) {
		if (!n->shared)
			continue;
		if (!check_array_head(s, n->shared, n, s->shared * s->batchcount))
			return false;
		CHECK(n->shared_avail == n->shared->stack.avail,
		      "slab_cpu.A1: %s: %u objects in the shared array of node %d, counted %u", s->name,
		      n->shared->stack.avail, n->nid, n->shared_avail);
	}
	return true;
}

static bool check_array_entries(const struct kmem_cache *s)
{
	struct kmem_cache_node *n;
	unsigned cpu;

	for_each_possible_cpu (cpu) {
		const struct pcpu_stack *stack = *per_cpu_ptr(s->cpu, cpu);

		if (stack != &slab_no_array.stack &&
		    !check_entries(s, stack, array_of((struct pcpu_stack *)stack)->node))
			return false;
	}
	for_each_cache_node (s, n)
		if (n->shared && !check_entries(s, &n->shared->stack, n))
			return false;
	return true;
}

/* A6: the counts of a remote stack. */
static bool check_remote(unsigned cpu)
{
	const struct remote_stack *r = per_cpu_ptr(&slab_remote, cpu);

	CHECK(r->avail <= SLAB_REMOTE_LIMIT && r->avail == r->again,
	      "slab_cpu.A6: CPU %u has %u or %u remote objects, room for %u", cpu, r->avail, r->again,
	      SLAB_REMOTE_LIMIT);
	return true;
}

/*
 * Returns the cache on the list that has the part n, which was read from an object's page; NULL if none
 * has.
 */
static const struct kmem_cache *cache_of_part(const struct kmem_cache_node *n)
{
	const struct kmem_cache *s;

	list_for_each_entry (s, &cache_list, list)
		for (unsigned nid = 0; nid < nr_nodes; nid++)
			if (n && s->node[nid] == n)
				return s;
	return NULL;
}

static bool check_remote_entries(unsigned cpu)
{
	const struct remote_stack *r = per_cpu_ptr(&slab_remote, cpu);

	for (unsigned i = 0; i < r->avail; i++) {
		void *obj = r->entry[i];
		const struct page *page = virt_to_page(obj);
		const struct kmem_cache *s =
			slab_has_page(obj) && check_page(page) ? cache_of_part(page->slab_node) : NULL;

		CHECK(s && (page->flags & PG_slab),
		      "slab_cpu.A6: CPU %u has 0x%lx on its remote stack, which is no object", cpu,
		      (unsigned long)obj);
		if (!check_held(s, page->slab_node, obj))
			return false;
	}
	return true;
}

/* ---- kmalloc.c ---- */

/* K1: each class has its cache. */
static bool check_sizes(void)
{
	for (unsigned kind = 0; kind < NR_KMALLOC_KINDS; kind++)
		for (unsigned class = 0; class < NR_KMALLOC_CLASSES; class ++) {
			const struct kmem_cache *s = kmalloc_caches[kind][class], *listed;
			bool found = false;

			list_for_each_entry (listed, &cache_list, list)
				found = found || listed == s;
			CHECK(found && s->object_size == kmalloc_class_bytes((enum kmalloc_class) class) &&
				      !(s->flags & SLAB_CACHE_DMA) == (kind != KMALLOC_DMA) &&
				      !(s->flags & SLAB_RECLAIM_ACCOUNT) == (kind != KMALLOC_RECLAIM),
			      "kmalloc.K1: the cache for %lu bytes, kind %u, is not that of its class",
			      kmalloc_class_bytes((enum kmalloc_class) class), kind);
		}
	return true;
}

/* ---- all caches ---- */

static bool check_cache_list(void)
{
	const struct kmem_cache *s;
	struct check_walk w;

	check_for_each_entry (s, &w, &cache_list, MAX_CACHES, list)
		if (!check_fixed(s))
			return false;
	CHECK(!w.wrong, "slab_cache.C1: the list of caches: %s", w.wrong);
	return true;
}

static bool check_each(bool (*check)(const struct kmem_cache *s))
{
	const struct kmem_cache *s;

	list_for_each_entry (s, &cache_list, list)
		if (!check(s))
			return false;
	return true;
}

static bool check_remotes(bool (*check)(unsigned cpu))
{
	unsigned cpu;

	for_each_possible_cpu (cpu)
		if (!check(cpu))
			return false;
	return true;
}

static bool check_all_caches(void)
{
	bool ok = check_cache_list() && check_sizes() && check_each(check_slabs) &&
		  check_each(check_array_heads) && check_remotes(check_remote);

	if (!ok)
		return false;
	memset(seen_hash, 0, sizeof(seen_hash));
	return check_each(check_array_entries) && check_remotes(check_remote_entries);
}

static const char *check_at_rest(void)
{
	bool ok;

	if (slab_no_array.stack.avail || slab_no_array.stack.limit)
		return "slab_cpu.A3: slab_no_array was written to";
	if (!spin_is_free(&cache_list_lock, LOCK_CACHE_LIST, 0))
		return "slab_cache.C1: cache_list_lock is not a free lock of its rank";
	spin_lock(&cache_list_lock);
	ok = check_all_caches();
	spin_unlock(&cache_list_lock);
	return ok ? NULL : wrong;
}

/* Holds the other CPUs, which could otherwise use and reap their arrays, at quiescent points. */
const char *slab_check(void)
{
	const char *what;

	smp_hold();
	what = check_at_rest();
	smp_release();
	return what;
}
MM_CHECK("slab", slab_check);
