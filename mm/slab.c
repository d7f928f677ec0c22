/*
 * slab.c - slabs of equal objects: geometry, colours, and the three lists of each node.
 *
 * Idea.       A slab is a block of pages cut once into equal objects. A freed object keeps its place
 *             and its constructed state, so the next allocation is a pop. Empty slabs return to the
 *             page allocator. The bytes left over in a slab shift its first object (colour), so objects
 *             with the same index in different slabs use different cache sets.
 * Layout.     kmem_cache -> node[nid] -> slabs_partial, slabs_full, slabs_free -> struct page (lru)
 *
 *             | colour |  slot 0  |  slot 1  | ... | slot num-1 | [index array] | rest |
 *             ^ block  ^ page->s_mem                                            ^ on-slab index: at the end
 *
 *             page->freelist is the index array, a stack of num entries. Entries [inuse, num) are the
 *             indices of the free objects, the top is entry inuse. A slab of 4:
 *
 *               new               inuse 0   0 1 2 3      index in object 3, which is allocated last
 *               3 allocated       inuse 3   - - - 3      objects 0, 1, 2
 *               4 allocated       inuse 4   - - - -      full: freelist NULL
 *               1 freed, then 2   inuse 2   - - 2 1      index in object 1, freed first; 2 is allocated next
 *
 *             The index lies in a free object if nothing forbids writing there, else in a kmalloc
 *             buffer, else at the end of the slab (rules of Linux). All pages of a slab have PG_slab
 *             and slab_node; everything else is in the first struct page.
 * Colours.    colour = left_over / colour_off start offsets are used in turn, per node, from 1 on as in
 *             Linux. Objects of 232 bytes, 17 in 4096: 152 bytes left, lines of 64: colour 2, offsets
 *             64, 0, 64, 0. With C colours slabs k and k + C start at the same offset.
 * Invariants. S1  inuse 0: on slabs_free; inuse == num: on slabs_full; else on slabs_partial
 *             S2  s_mem - block is a multiple of colour_off below max(1, colour) * colour_off
 *             S3  entries [inuse, num) are distinct and < num. An index in an object is NULL if the
 *                 slab is full, else it lies in the object that entry num - 1 names
 *             S4  every page of the slab has PG_slab and its node; its memory is of that node; the
 *                 block has the cache's order and one reference
 *             S5  the index lies where the cache's flags say
 *             N1  total_slabs and free_slabs equal the list lengths; free_objects equals the sum of num
 *                 - inuse
 *             N2  after node_put(): free_objects <= free_limit, or no slab is empty
 *             N3  total_slabs == grown - reaped
 *             G1  the results of slab_geometry() fit together: the objects and an on-slab index fill
 *                 the slab's pages, except for left_over; the colours follow from it
 * Locking.    list_lock protects a node's lists and the slabs on them; IRQs off. Pages are allocated
 *             and freed without it: a new slab is private until node_add_slabs(), a surplus slab after
 *             it is unlinked.
 * Failure.    No pages: NULL, nothing has changed.
 * Next:       slab_cpu.c, the per-CPU arrays in front of the lists.
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
/*
 * Below this, most objects are the first or last of their slab to be freed, and slab_put_scattered()
 * would not help.
 */
#define SLAB_SCATTER_NUM 9

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

/* Linux: orders above 0 only on machines with more than 32 MiB. */
void slab_default_order(void)
{
	if (!slab_max_order_set)
		slab_max_order = totalram_pages() > MIB(32) >> PAGE_SHIFT;
}

/* ---- geometry ---- */

enum index_place { INDEX_IN_OBJECT, INDEX_OFF_SLAB, INDEX_ON_SLAB };

/*
 * An off-slab index is used if its kmalloc cache exists, has no off-slab index itself (no recursion),
 * and its objects are at most half the size of ours.
 */
static bool off_slab_pays(const struct kmem_cache *s, unsigned num)
{
	const struct kmem_cache *k = kmalloc_cache_for(slab_index_bytes(num));

	return k && !(k->flags & SLAB_INDEX_OFF_SLAB) && k->size <= s->size / 2;
}

/*
 * Takes the first order that leaves at most 1/8 over or is at least slab_max_order (for
 * SLAB_RECLAIM_ACCOUNT the first that holds an object). Objects of 16 bytes fit 256 times in a base page
 * of 4 KiB, one more than SLAB_MAX_OBJS, but only if the index lies in an object or off the slab. slab_place() rejects both: such an
 * object cannot hold the index, and off_slab_pays() finds no cache of at most half its size.
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

/* Chooses the place of the index and the order of a slab. Returns false if no order holds an object. */
static bool slab_place(struct kmem_cache *s, unsigned object_size)
{
	/*
	 * Free objects may not be written if they are constructed, readable under RCU, zeroed on free,
	 * or poisoned.
	 */
	bool untouchable =
		s->ctor || (s->flags & (SLAB_TYPESAFE_BY_RCU | SLAB_DEBUG_FLAGS)) || opt_init_on_free;

	s->flags &= ~(SLAB_INDEX_IN_OBJECT | SLAB_INDEX_OFF_SLAB);
	if (!untouchable && slab_choose_order(s, INDEX_IN_OBJECT) &&
	    slab_index_bytes(s->num) <= object_size) {
		s->flags |= SLAB_INDEX_IN_OBJECT;
		return true;
	}
	/* If the left-over can hold the index, an extra buffer would waste memory. */
	if (!(s->flags & SLAB_NOLEAKTRACE) && slab_choose_order(s, INDEX_OFF_SLAB) &&
	    s->left_over < slab_index_bytes(s->num)) {
		s->flags |= SLAB_INDEX_OFF_SLAB;
		return true;
	}
	return slab_choose_order(s, INDEX_ON_SLAB);
}

/* SLAB_HWCACHE_ALIGN: a cache line, halved while two objects fit in it. */
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

	/* Readers under RCU may still read a freed object. */
	if (flags & SLAB_TYPESAFE_BY_RCU)
		flags &= ~SLAB_POISON;
	s->object_size = size;
	s->flags = flags;
	s->align = slab_align(size, align, flags);
	s->obj_offset = 0;
	/* The left red zone is as wide as the alignment, so the object keeps its alignment. */
	if (flags & SLAB_RED_ZONE) {
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
	 * index = offset * reciprocal >> 52. The reciprocal is too large by at most 1, and offset < num
	 * * size <= 2^26. So the error, offset * size / 2^52, is below 1 / size, and the quotient is
	 * exact. The product fits in 64 bits because num < 2^12.
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
 * Tail pages are all-zero (interior) for the page allocator. While a slab lives its tails carry PG_slab
 * and the node. block_type belongs to the buddy and is not touched.
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

/* Writes idx[i] = i, eight bytes at a time. Every place of an index is a multiple of 8 bytes long. */
static __always_inline void slab_fill_identity(slab_index_t *idx, unsigned num)
{
	enum { AT_ONCE = sizeof(u64) / sizeof(slab_index_t) };
	const u64 ones = ~0UL / (slab_index_t)~0u; /* 1 in each entry */
	const slab_index_t *end = idx + num;
	u64 word = sizeof(slab_index_t) == 1 ? 0x0706050403020100UL : 0x0003000200010000UL;

	do {
		/* The compiler makes one store of it. */
		__builtin_memcpy(idx, &word, sizeof(word));
		word += AT_ONCE * ones;
		idx += AT_ONCE;
	} while (idx < end);
}

/*
 * Offset of the next slab's first object on this node. The first slab of a node has colour 1, as in
 * Linux; fewer than 2 colours: 0.
 */
static __always_inline unsigned long slab_next_colour(const struct kmem_cache *s, struct kmem_cache_node *n)
{
	if (s->colour < 2)
		return 0;
	return (atomic_fetch_add_explicit(&n->colour_next, 1, memory_order_relaxed) + 1) % s->colour *
	       (unsigned long)s->colour_off;
}

/*
 * Returns the place of the index, NULL if its buffer cannot be allocated. An on-slab index lies at the
 * end of the block, its size rounded up to 8 bytes.
 */
static __always_inline void *slab_place_index(const struct kmem_cache *s, const struct page *page,
					      char *block, gfp_t gfp)
{
	/* It lies in the last object. */
	if (likely(s->flags & SLAB_INDEX_IN_OBJECT))
		return (char *)page->s_mem + s->span - s->size;
	/* kmalloc() would not do: its per-CPU array may need a body from this very cache. */
	if (s->flags & SLAB_INDEX_OFF_SLAB)
		return slab_alloc_direct(kmalloc_cache_for(slab_index_bytes(s->num)), gfp & ~__GFP_THISNODE,
					 page_to_nid(page), CALLER);
	return block + (PAGE_SIZE << s->order) - ALIGN_UP(slab_index_bytes(s->num), 8u);
}

/* Debug patterns and constructors of a new slab. Out of line: most caches have neither. */
static __noinline void slab_init_objects(struct kmem_cache *s, struct page *page)
{
	if (s->flags & SLAB_DEBUG_FLAGS)
		slab_debug_init_slab(s, page);
	if (s->ctor && !(s->flags & SLAB_POISON))
		for (unsigned i = 0; i < s->num; i++)
			s->ctor(slab_object(s, page, i));
}

/*
 * Turns a block of pages into a slab. Returns false, with the block unchanged, if there is no memory
 * for the index.
 */
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
		/*
		 * An index outside the objects stays accessible to the sanitizer; one inside an object
		 * is closed again.
		 */
		slab_open_index(page);
		slab_close_index(s, page);
	}
	return true;
}

/*
 * Pages are allocated one at a time: each is a pop from this CPU's list. A bulk request would split
 * buddy blocks.
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
	/* The lru of an unlinked slab holds its RCU head. */
	struct page *page = container_of((struct list_head *)head, struct page, lru);
	struct kmem_cache *s = page->slab_node->cache;

	slab_unmark_pages(page, s->order);
	slab_count(s, -1);
	__free_pages(page, s->order);
}
static_assert(sizeof(struct rcu_head) <= sizeof(struct list_head), "an RCU head fits into lru");

/* Arguments of slab_for_each_dying() for its callback. */
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
 * Debug sweep, off-slab index and RCU of a slab that is freed. Returns false if its pages are freed
 * after a grace period.
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

/* Allocates up to nr objects of one slab, from the top of its index. */
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
	/* The index lay in the last object, which is now allocated. */
	if (page->inuse == page->num && (s->flags & SLAB_INDEX_IN_OBJECT))
		page->freelist = NULL;
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

		/* The index still holds 0, 1, 2, ...: take objects in order without reading it. */
		for (; inuse < num && at < end; inuse++, obj += size)
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

static __noinline __cold void slab_put_bug(const struct kmem_cache *s, const void *obj, bool starts_slot)
{
	slab_bug(s, obj, 0, starts_slot ? "double free" : "free of an interior pointer");
}

/* Returns the index of obj in its slab. BUG if obj is not the start of a slot. */
static __always_inline unsigned slab_index_or_bug(const struct kmem_cache *s, const struct page *page,
						  const void *obj)
{
	unsigned long offset = (unsigned long)((const char *)obj - (const char *)page->s_mem) - s->obj_offset;
	unsigned index = slab_index(s, offset);

	if (unlikely(offset >= s->span || (unsigned long)index * s->size != offset))
		slab_put_bug(s, obj, false);
	return index;
}

/*
 * Returns one object to its slab. If inuse is 0, every object is already free: this is a double free.
 */
static __always_inline void slab_put(const struct kmem_cache *s, struct page *page, void *obj)
{
	unsigned index = slab_index_or_bug(s, page, obj), inuse = page->inuse;
	slab_index_t *idx = page->freelist;

	if (unlikely(!inuse))
		slab_put_bug(s, obj, true);
	/* The first object that is freed into a full slab holds the index. */
	if (unlikely(!idx))
		page->freelist = idx = obj;
	slab_open_index(page);
	idx[--inuse] = (slab_index_t)index;
	slab_close_index(s, page);
	page->inuse = (u16)inuse;
}

/*
 * Returns objs[0], objs[1], ... to this slab until one belongs to another slab or inuse is 0; returns
 * their number. Objects allocated in sequence are often freed in sequence, ascending or descending. So
 * if the next pointer is exactly one slot above or below the previous one, its index is the previous
 * one + 1 or - 1, without slab_index().
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
			slab_put_bug(s, objs[i], index * (unsigned long)size == offset);
		obj = objs[i++];
		idx[--inuse] = (slab_index_t)index;
	}
	slab_close_index(s, page);
	page->inuse = (u16)inuse;
	return i;
}

/*
 * Fast loop for consecutive objects of different slabs that stay partial (2 <= inuse < num). Stops at
 * an object whose slab was full or becomes empty, at one followed by an object of the same slab, and at
 * the last object. Returns that object; node_put() handles it.
 */
static __noinline void **slab_put_scattered(const struct kmem_cache *s, void **objs, void **last)
{
	const unsigned long block_mask = ~0UL << PAGE_SHIFT << s->order;
	/* inuse - 2 is below this exactly if 2 <= inuse < num. */
	const unsigned between = s->num - 2u;
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

/* Moves a slab that was full or is now empty to its new list. */
static __always_inline void node_relist(struct kmem_cache_node *n, struct page *page)
{
	list_unlink(&page->lru);
	/* Tail: it is allocated from last, so its other objects have time to be freed. */
	if (page->inuse) {
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
		/*
		 * A slab that was and stays partial keeps its place in the list, so its neighbours'
		 * cache lines are not written.
		 */
		if (was_full || !page->inuse)
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
