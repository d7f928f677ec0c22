/*
 * slab.c - slabs of equal objects: geometry, colours, and the three lists of each node.
 *
 * Idea.       A slab is a run of pages cut into equal objects once; an object that comes back keeps its place
 *             and its constructed state, so the next request costs a pop. Empty slabs return to the page
 *             allocator. The left-over of a slab is not wasted: consecutive slabs start at different cache
 *             lines (colours), so that objects of one index do not all fall on one set of the cache.
 * Layout.     kmem_cache -> node[nid] -> slabs_partial, slabs_full, slabs_free -> struct page (lru)
 *
 *             | colour |  slot 0  |  slot 1  | ... | slot num-1 | [index array] | rest |
 *             ^ block  ^ page->s_mem                                            ^ on the slab: at the end
 *
 *             page->freelist: num entries used as a stack. [inuse, num) are the indices of the objects in the
 *             slab, [0, inuse) are dead. It lies in a free object (the one named by its last entry, so it
 *             goes out last), else in a kmalloc buffer, else at the end of the slab: the first that Linux's
 *             rules allow. Every page of a slab has PG_slab and slab_node; all else is in the first page's
 *             struct page.
 * Invariants. S1  inuse 0: on slabs_free; inuse == num: on slabs_full; else on slabs_partial
 *             S2  s_mem - block is a multiple of colour_off below max(1, colour) * colour_off
 *             S3  entries [inuse, num) are distinct and < num; an index in an object is NULL iff the slab is
 *                 full, else it is the object named by its entry num-1
 *             S4  every page of the slab has PG_slab and this node; its memory is of this node; the block has the
 *                 cache's order and one reference
 *             S5  the index lies where the cache's flags say
 *             N1  total_slabs, free_slabs == lengths of the lists; free_objects == sum of num - inuse
 *             N2  after a put: free_objects <= free_limit or no slab is empty
 *             N3  total_slabs == grown - reaped
 *             G1  what slab_geometry() derives fits together: the objects and an index on the slab fill its pages, the
 *                 left-over and the colours are what remains
 * Locking.    list_lock guards the lists and everything in the slabs on them; IRQs off. Pages are asked for and given
 *             back with list_lock dropped: a new slab is private until node_add_slabs(), a surplus one after it was
 *             unlinked.
 * Failure.    No pages: NULL, nothing changed.
 * Next:       slab_cpu.c, the arrays in front of this.
 */
#include "slab_internal.h"

#include <arch/cache.h>
#include <arch/time.h>
#include <kernel/cmdline.h>
#include <kernel/errno.h>
#include <kernel/work.h>
#include <mm/check_walk.h>
#include <mm/kmalloc.h>

#include "internal.h"

#define SLAB_BAD_GFP (__GFP_DMA32 | __GFP_HIGHMEM | __GFP_MOVABLE)
#define SLAB_SCATTER_NUM 9 /* with fewer objects a slab most puts are the first or the last of theirs */

unsigned slab_max_order;
static bool slab_max_order_set;
bool slab_colouring = true;

static int set_max_order(const char *value)
{
	u64 order;

	if (!value || parse_u64(value, &order) || order > MAX_ORDER)
		return -EINVAL;
	slab_max_order = (unsigned)order;
	slab_max_order_set = true;
	return 0;
}
CMDLINE_OPT("slab_max_order", "0 to 10", set_max_order);

static int set_colouring(const char *value)
{
	return cmdline_bool(value, &slab_colouring);
}
CMDLINE_OPT("slab_colour", "on or off", set_colouring);

/* Linux: higher orders only where memory is plenty. */
void slab_default_order(void)
{
	if (!slab_max_order_set)
		slab_max_order = totalram_pages() > MIB(32) >> PAGE_SHIFT;
}

/* ---- geometry ---- */

enum index_place { INDEX_IN_OBJECT, INDEX_OFF_SLAB, INDEX_ON_SLAB };

/* An index buffer pays if its cache exists, cannot lead back here, and it is small against the objects. */
static bool off_slab_pays(const struct kmem_cache *s, unsigned num)
{
	const struct kmem_cache *k = kmalloc_cache_for(slab_index_bytes(num));

	return k && !(k->flags & SLAB_INDEX_OFF_SLAB) && k->size <= s->size / 2;
}

/*
 * The smallest order that wastes no more than an eighth, or the best up to slab_max_order (Linux's rule). Objects of 16
 * bytes fill a base page 256 times, one more than SLAB_MAX_OBJS, only where the index lies elsewhere: slab_place() refuses
 * these, because no such object holds its slab's index, and no index is small against it.
 */
static bool slab_choose_order(struct kmem_cache *s, enum index_place place)
{
	unsigned per_object = s->size + (place == INDEX_ON_SLAB ? slab_index_bytes(1) : 0);

	s->num = 0;
	for (unsigned order = 0; order <= MAX_ORDER; order++) {
		unsigned block = PAGE_SIZE << order;
		unsigned num = block / per_object, left = block % per_object;

		if (!num)
			continue;
		if (place == INDEX_OFF_SLAB && !off_slab_pays(s, num))
			continue;
		s->num = (u16)num;
		s->order = (u16)order;
		s->left_over = left;
		if ((s->flags & SLAB_RECLAIM_ACCOUNT) || order >= slab_max_order || left * 8 <= block)
			break;
	}
	return s->num != 0;
}

static bool slab_place(struct kmem_cache *s, unsigned object_size)
{
	/*
	 * Nothing may write into a free object that is constructed, readable under RCU, zeroed or poisoned.
	 */
	bool untouchable =
		s->ctor || (s->flags & (SLAB_TYPESAFE_BY_RCU | SLAB_DEBUG_FLAGS)) || opt_init_on_free;

	s->flags &= ~(SLAB_INDEX_IN_OBJECT | SLAB_INDEX_OFF_SLAB);
	if (!untouchable && slab_choose_order(s, INDEX_IN_OBJECT) &&
	    slab_index_bytes(s->num) <= object_size) {
		s->flags |= SLAB_INDEX_IN_OBJECT;
		return true;
	}
	/* With a left-over that holds the index, a buffer would be a waste. */
	if (!(s->flags & SLAB_NOLEAKTRACE) && slab_choose_order(s, INDEX_OFF_SLAB) &&
	    s->left_over < slab_index_bytes(s->num)) {
		s->flags |= SLAB_INDEX_OFF_SLAB;
		return true;
	}
	return slab_choose_order(s, INDEX_ON_SLAB);
}

static unsigned slab_align(unsigned size, unsigned align, unsigned flags)
{
	if (flags & SLAB_HWCACHE_ALIGN) {
		unsigned line = arch_cache_line_bytes();

		while (size <= line / 2)
			line /= 2;
		align = max(align, line);
	}
	return ALIGN_UP(max(align, (unsigned)sizeof(void *)), (unsigned)sizeof(void *));
}

static unsigned slab_limit(const struct kmem_cache *s)
{
	return s->size > 131072	     ? 1
	       : s->size > PAGE_SIZE ? 8
	       : s->size > 1024	     ? 24
	       : s->size > 256	     ? 54
				     : 120;
}

bool slab_geometry(struct kmem_cache *s, unsigned size, unsigned align, unsigned flags)
{
	unsigned stride = ALIGN_UP(size, (unsigned)sizeof(void *));

	if (flags & SLAB_TYPESAFE_BY_RCU)
		flags &= ~SLAB_POISON; /* readers may still look at a freed object */
	s->object_size = size;
	s->flags = flags;
	s->align = slab_align(size, align, flags);
	s->obj_offset = 0;
	if (flags &
	    SLAB_RED_ZONE) { /* the left zone is as wide as the alignment, so that it keeps the object's */
		s->obj_offset = s->align;
		stride += s->align + (unsigned)sizeof(u64);
	}
	if (flags & SLAB_STORE_USER)
		stride += 2 * (unsigned)sizeof(unsigned long);
	s->size = max(ALIGN_UP(stride, s->align), (unsigned)SLAB_MIN_STRIDE);
	s->colour_off = max(arch_cache_line_bytes(), s->align);
	if (!slab_place(s, size))
		return false;
	s->colour = slab_colouring ? s->left_over / s->colour_off : 0;
	/*
	 * The reciprocal is too large by at most 1, and offset < num * size <= 2^26: so offset * size < 2^52, and the
	 * quotient is exact. The product has 64 bits as num < 2^12.
	 */
	static_assert(KMALLOC_MAX_SIZE <= BIT(SLAB_RECIPROCAL_BITS / 2), "the largest slab");
	static_assert(SLAB_MAX_OBJS < BIT(64 - SLAB_RECIPROCAL_BITS), "the most objects");
	s->reciprocal = BIT(SLAB_RECIPROCAL_BITS) / s->size + 1;
	s->span = (unsigned long)s->num * s->size;
	s->limit = slab_limit(s);
	s->batchcount = (s->limit + 1) / 2;
	s->shared = s->size <= PAGE_SIZE && cpumask_weight(&cpu_possible_mask) > 1 ? 8 : 0;
	s->allocflags = (flags & SLAB_CACHE_DMA ? __GFP_DMA : 0) |
			(flags & SLAB_CACHE_DMA32 ? __GFP_DMA32 : 0) |
			(flags & SLAB_RECLAIM_ACCOUNT ? __GFP_RECLAIMABLE : 0);
	return true;
}

/* ---- slabs ---- */

/*
 * Tails are all-zero "interior" to the page allocator; the few of a slab carry the owner while it lives.
 * Their block_type is not ours.
 */
static __always_inline void slab_mark_pages(struct page *head, unsigned order, struct kmem_cache_node *n)
{
	UPDATE_ONCE(head->flags, |=, PG_slab);
	head->slab_node = n;
	for (struct page *tail = head + 1; unlikely(order) && tail < head + (1UL << order); tail++) {
		WRITE_ONCE(tail->flags, PG_slab);
		tail->slab_node = n;
	}
}

static __always_inline void slab_unmark_pages(struct page *head, unsigned order)
{
	UPDATE_ONCE(head->flags, &=, ~PG_slab);
	head->slab_node = NULL;
	for (struct page *tail = head + 1; unlikely(order) && tail < head + (1UL << order); tail++) {
		WRITE_ONCE(tail->flags, 0);
		tail->slab_node = NULL;
	}
}

static __always_inline void slab_count(const struct kmem_cache *s, long slabs)
{
	mm_counter_add(s->flags & SLAB_RECLAIM_ACCOUNT ? MM_SLAB_RECLAIMABLE : MM_SLAB_UNRECLAIMABLE,
		       slabs * (1L << s->order));
}

/* idx[i] = i, a word at a time: wherever an index is, it has room to a multiple of eight bytes. */
static __always_inline void slab_fill_identity(slab_index_t *idx, unsigned num)
{
	enum { AT_ONCE = sizeof(u64) / sizeof(slab_index_t) };
	const u64 ones = ~0UL / (slab_index_t)~0u; /* 1 in each entry */
	const slab_index_t *end = idx + num;
	u64 word = sizeof(slab_index_t) == 1 ? 0x0706050403020100UL : 0x0003000200010000UL;

	do {
		__builtin_memcpy(idx, &word, sizeof(word)); /* one store */
		word += AT_ONCE * ones;
		idx += AT_ONCE;
	} while (idx < end);
}

/* The first slab of a node has colour 1, as in Linux. */
static __always_inline unsigned long slab_next_colour(const struct kmem_cache *s, struct kmem_cache_node *n)
{
	if (s->colour < 2)
		return 0;
	return (atomic_fetch_add_explicit(&n->colour_next, 1, memory_order_relaxed) + 1) % s->colour *
	       (unsigned long)s->colour_off;
}

/*
 * NULL: no memory. The left-over after whole objects holds an index on the slab, rounded to eight, at its
 * end.
 */
static __always_inline void *slab_place_index(const struct kmem_cache *s, const struct page *page,
					      char *block, gfp_t gfp)
{
	if (likely(s->flags & SLAB_INDEX_IN_OBJECT))
		return (char *)page->s_mem + s->span - s->size; /* in the last object */
	if (s->flags &
	    SLAB_INDEX_OFF_SLAB) /* not kmalloc(): its array may want a body from this very cache */
		return slab_alloc_direct(kmalloc_cache_for(slab_index_bytes(s->num)), gfp & ~__GFP_THISNODE,
					 page_to_nid(page), CALLER);
	return block + (PAGE_SIZE << s->order) - ALIGN_UP(slab_index_bytes(s->num), 8u);
}

/* What only some caches want done with a new slab. */
static __noinline void slab_init_objects(struct kmem_cache *s, struct page *page)
{
	if (s->flags & SLAB_DEBUG_FLAGS)
		slab_debug_init_slab(s, page);
	if (s->ctor && !(s->flags & SLAB_POISON))
		for (unsigned i = 0; i < s->num; i++)
			s->ctor(slab_object(s, page, i));
}

/* A block of pages becomes a slab. False: no memory for its index; the block is as before. */
static __always_inline bool slab_setup(struct kmem_cache *s, struct page *page, gfp_t gfp)
{
	char *block = page_address(page);
	int nid = page_to_nid(page);
	struct kmem_cache_node *n = s->node[nid];

	BUG_ON(!n, "%s: pages from node %d, which had no memory at boot", s->name, nid);
	page->s_mem = block + slab_next_colour(s, n);
	page->freelist = slab_place_index(s, page, block, gfp);
	if (unlikely(!page->freelist))
		return false;
	page->inuse = 0;
	page->num = s->num;
	slab_mark_pages(page, s->order, n);
	slab_fill_identity(page->freelist, s->num);
	if (unlikely(s->ctor || (s->flags & SLAB_DEBUG_FLAGS)))
		slab_init_objects(s, page);
	if (slab_marks(s)) {
		page_mark_free(page, s->order);
		slab_open_index(page); /* stays open unless it is in an object */
		slab_close_index(s, page);
	}
	return true;
}

/*
 * Single pages come one by one as well: from this CPU's list each is a pop; in bulk the buddy would cut
 * blocks for them.
 */
unsigned slab_create(struct kmem_cache *s, gfp_t gfp, int nid, struct page **slabs, unsigned nr)
{
	const bool here = nid == numa_node_id();
	const unsigned order = s->order;
	unsigned got;

	if (unlikely(gfp & SLAB_BAD_GFP))
		pr_warn_once("slab: %s: GFP flags 0x%x ignored, a slab comes from its cache's zone\n",
			     s->name, gfp & SLAB_BAD_GFP);
	gfp = (gfp & (GFP_RECLAIM_MASK | __GFP_THISNODE)) | s->allocflags;
	for (got = 0; got < nr; got++) {
		struct page *page = here ? alloc_pages(gfp, order) : alloc_pages_node(nid, gfp, order);

		if (unlikely(!page))
			break;
		if (unlikely(!slab_setup(s, page, gfp))) {
			__free_pages(page, order);
			break;
		}
		slabs[got] = page;
	}
	slab_count(s, (long)got);
	return got;
}

static void slab_rcu_free(struct rcu_head *head)
{
	/* An unlinked slab's lru is its RCU head. */
	struct page *page = container_of((struct list_head *)head, struct page, lru);
	struct kmem_cache *s = page->slab_node->cache;

	slab_unmark_pages(page, s->order);
	slab_count(s, -1);
	__free_pages(page, s->order);
}
static_assert(sizeof(struct rcu_head) <= sizeof(struct list_head), "an RCU head fits into lru");

struct dying {
	frame_fn fn;
	void *ctx;
};

static void find_dying(struct rcu_head *head, void *ctx)
{
	const struct page *page = container_of((struct list_head *)head, struct page, lru);
	const struct dying *d = ctx;

	if (head->func == slab_rcu_free && check_page(page))
		d->fn(page_to_pfn(page), page_order(page), d->ctx);
}

void slab_for_each_dying(frame_fn fn, void *ctx)
{
	struct dying d = {fn, ctx};

	rcu_for_each(find_dying, &d);
}

/*
 * What only some caches want done with a slab that goes. False: its pages stay until the grace period is
 * over.
 */
static __noinline bool slab_release_objects(struct kmem_cache *s, struct page *page)
{
	void *index = s->flags & SLAB_INDEX_OFF_SLAB ? page->freelist : NULL;

	if (s->flags & SLAB_DEBUG_FLAGS)
		slab_debug_sweep(s, page);
	if (index)
		slab_free_direct(virt_to_page(index)->slab_node, index, CALLER);
	if (!(s->flags & SLAB_TYPESAFE_BY_RCU))
		return true;
	call_rcu((struct rcu_head *)&page->lru, slab_rcu_free);
	return false;
}

unsigned long slab_release_list(struct list_head *slabs)
{
	const unsigned special = SLAB_DEBUG_FLAGS | SLAB_INDEX_OFF_SLAB | SLAB_TYPESAFE_BY_RCU;
	unsigned long nr_pages = 0;
	struct page *page, *next;

	list_for_each_entry_safe (page, next, slabs, lru) {
		struct kmem_cache *s = page->slab_node->cache;
		const unsigned order = s->order;

		if (unlikely(s->flags & special) && !slab_release_objects(s, page))
			continue;
		slab_count(s, -1);
		slab_unmark_pages(page, order);
		__free_pages(page, order);
		nr_pages += 1UL << order;
	}
	list_init(slabs);
	return nr_pages;
}

/* ---- one node's lists ---- */

static __always_inline unsigned slab_take(const struct kmem_cache *s, struct page *page, void **objs,
					  unsigned nr)
{
	const slab_index_t *idx = (const slab_index_t *)page->freelist + page->inuse;
	unsigned got = min(nr, (unsigned)(page->num - page->inuse));
	char *base = (char *)page->s_mem + s->obj_offset;
	const unsigned long size = s->size;

	slab_open_index(page);
	for (unsigned i = 0; i < got; i++)
		objs[i] = base + idx[i] * size;
	slab_close_index(s, page);
	page->inuse = (u16)(page->inuse + got);
	if (page->inuse == page->num && (s->flags & SLAB_INDEX_IN_OBJECT))
		page->freelist = NULL; /* its host was the last to go */
	return got;
}

unsigned node_take(struct kmem_cache_node *n, void **objs, unsigned nr)
{
	unsigned got = 0;

	lock_assert_held(&n->list_lock);
	while (got < nr) {
		struct page *page;

		if (!list_empty(&n->slabs_partial)) {
			page = list_first_entry(&n->slabs_partial, struct page, lru);
		} else if (!list_empty(&n->slabs_free)) {
			page = list_first_entry(&n->slabs_free, struct page, lru);
			n->free_touched = true;
			n->free_slabs--;
		} else {
			break;
		}
		got += slab_take(n->cache, page, objs + got, nr - got);
		list_unlink(&page->lru);
		list_add(&page->lru, page->inuse == page->num ? &n->slabs_full : &n->slabs_partial);
	}
	UPDATE_ONCE(n->free_objects, -=, got);
	return got;
}

unsigned node_add_slabs(struct kmem_cache_node *n, struct page **slabs, unsigned nr_slabs, void **objs,
			unsigned nr)
{
	const struct kmem_cache *s = n->cache;
	const unsigned num = s->num, size = s->size;
	const bool in_object = s->flags & SLAB_INDEX_IN_OBJECT;
	void **at = objs, **end = objs + nr;

	lock_assert_held(&n->list_lock);
	for (unsigned i = 0; i < nr_slabs; i++) {
		struct page *page = slabs[i];
		char *obj = (char *)page->s_mem + s->obj_offset;
		unsigned inuse = 0;

		for (; inuse < num && at < end; inuse++, obj += size) /* the index is still 0, 1, 2 ... */
			*at++ = obj;
		page->inuse = (u16)inuse;
		if (inuse == num) {
			if (in_object)
				page->freelist = NULL;
			list_add(&page->lru, &n->slabs_full);
		} else if (inuse) {
			list_add(&page->lru, &n->slabs_partial);
		} else {
			list_add_tail(&page->lru, &n->slabs_free);
			n->free_slabs++;
		}
	}
	n->total_slabs += nr_slabs;
	n->grown += nr_slabs;
	UPDATE_ONCE(n->free_objects, +=, (unsigned long)nr_slabs * num - (unsigned long)(at - objs));
	return (unsigned)(at - objs);
}

static __noinline __cold void slab_put_bug(const struct kmem_cache *s, const struct page *page,
					   const void *obj)
{
	unsigned long offset = (unsigned long)((const char *)obj - (const char *)page->s_mem) - s->obj_offset;
	bool start = offset < s->span && offset % s->size == 0;

	slab_bug(s, obj, 0, start ? "double free" : "free of an interior pointer");
}

/* Which object of the slab obj is, or a BUG: it must start a slot. */
static __always_inline unsigned slab_index_or_bug(const struct kmem_cache *s, const struct page *page,
						  const void *obj)
{
	unsigned long offset = (unsigned long)((const char *)obj - (const char *)page->s_mem) - s->obj_offset;
	unsigned index = slab_index(s, offset);

	if (unlikely(offset >= s->span || (unsigned long)index * s->size != offset))
		slab_put_bug(s, page, obj);
	return index;
}

/* Into a slab that misses something: a full one would get what it has already. */
static __always_inline void slab_put(const struct kmem_cache *s, struct page *page, void *obj)
{
	unsigned index = slab_index_or_bug(s, page, obj), inuse = page->inuse;
	slab_index_t *idx = page->freelist;

	if (unlikely(!inuse))
		slab_put_bug(s, page, obj);
	if (unlikely(!idx))
		page->freelist = idx = obj; /* the first to come back holds the index */
	slab_open_index(page);
	idx[--inuse] = (slab_index_t)index;
	slab_close_index(s, page);
	page->inuse = (u16)inuse;
}

/*
 * Puts objects until one lies in another slab; returns how many. The slab has an index, and what came back last is on
 * its top. Neighbours that were taken out in a row often come back in a row, up or down: they are counted, not looked at.
 */
static __noinline unsigned slab_put_run(const struct kmem_cache *s, struct page *page, void **objs,
					unsigned nr)
{
	const long size = s->size;
	char *base = (char *)page->s_mem + s->obj_offset;
	slab_index_t *idx = page->freelist;
	unsigned inuse = page->inuse, most = min(nr, inuse), index, i = 0;
	unsigned long offset;
	char *obj;

	slab_open_index(page);
	index = idx[inuse];
	obj = base + index * size;
	while (i < most) {
		long step = (char *)objs[i] - obj;

		if (step == size || step == -size) {
			const unsigned turn = step < 0 ? ~0u : 1;
			const unsigned stop = min(most, i + (step < 0 ? index : s->num - 1u - index));
			const unsigned start = i;

			for (; i < stop && (char *)objs[i] == obj + step; i++) {
				obj += step;
				idx[--inuse] = (slab_index_t)(index += turn);
			}
			if (i != start)
				continue;
		}
		offset = (unsigned long)((char *)objs[i] - base);
		if (offset >= s->span)
			break;
		index = slab_index(s, offset);
		if (unlikely(index * (unsigned long)size != offset || step == 0))
			slab_put_bug(s, page, objs[i]);
		obj = objs[i++];
		idx[--inuse] = (slab_index_t)index;
	}
	slab_close_index(s, page);
	page->inuse = (u16)inuse;
	return i;
}

/*
 * Objects of many slabs, in a loop that has all it needs in registers: puts them until one comes whose slab was full or
 * will be empty, or gets the next one too. Returns that one, the last at the latest: it needs all that node_put() does.
 */
static __noinline void **slab_put_scattered(const struct kmem_cache *s, void **objs, void **last)
{
	const unsigned long block_mask = ~0UL << PAGE_SHIFT << s->order;
	const unsigned between = s->num - 2u; /* so many values of inuse are neither the first nor the last */
	unsigned long block = (unsigned long)*objs & block_mask;

	while (objs < last) {
		struct page *page = virt_to_page((void *)block);
		unsigned long inuse = page->inuse, next;

		if (unlikely((unsigned)inuse - 2 >= between))
			break;
		next = (unsigned long)objs[1] & block_mask;
		if (next == block)
			break;
		slab_open_index(page);
		((slab_index_t *)page->freelist)[inuse - 1] =
			(slab_index_t)slab_index_or_bug(s, page, *objs++);
		slab_close_index(s, page);
		page->inuse = (u16)(inuse - 1);
		block = next;
	}
	return objs;
}

/* The first object came back to a full slab, or the last to any. */
static __always_inline void node_relist(struct kmem_cache_node *n, struct page *page)
{
	list_unlink(&page->lru);
	if (page->inuse) { /* to the end: its other objects get most time to come back */
		list_add_tail(&page->lru, &n->slabs_partial);
	} else {
		list_add(&page->lru, &n->slabs_free);
		n->free_slabs++;
	}
}

void node_put(struct kmem_cache_node *n, void **objs, unsigned nr, struct list_head *surplus)
{
	const struct kmem_cache *s = n->cache;
	const unsigned long block_mask = ~0UL << PAGE_SHIFT << s->order;
	void **end = objs + nr;

	lock_assert_held(&n->list_lock);
	UPDATE_ONCE(n->free_objects, +=, nr);
	while (objs < end) {
		unsigned long block = (unsigned long)*objs & block_mask;
		struct page *page = virt_to_page((void *)block);
		const bool was_full = page->inuse == s->num;

		slab_put(s, page, *objs++);
		if (objs < end && ((unsigned long)*objs & block_mask) == block)
			objs += slab_put_run(s, page, objs, (unsigned)(end - objs));
		if (was_full || !page->inuse) /* else it stays where it is: its neighbours are not touched */
			node_relist(n, page);
		if (s->num >= SLAB_SCATTER_NUM && objs < end)
			objs = slab_put_scattered(s, objs, end - 1);
	}
	if (n->free_objects > n->free_limit && n->free_slabs)
		node_trim(n, DIV_ROUND_UP(n->free_objects - n->free_limit, s->num), surplus);
}

void node_trim(struct kmem_cache_node *n, unsigned long nr, struct list_head *surplus)
{
	struct list_head *first = &n->slabs_free;

	lock_assert_held(&n->list_lock);
	nr = min(nr, n->free_slabs);
	if (!nr)
		return;
	for (unsigned long i = 0; i < nr; i++)
		first = first->prev;
	list_cut_tail(&n->slabs_free, first, surplus);
	n->free_slabs -= nr;
	n->total_slabs -= nr;
	UPDATE_ONCE(n->free_objects, -=, nr * n->cache->num);
	n->reaped += nr;
}
