/*
 * kmalloc.c - objects by size: a table of caches, whole pages above it.
 *
 * Idea.       A request is rounded up to one of a few sizes, each of which has a cache. A byte table
 *             turns the size into its class. Above two pages a cache would save nothing: such a request
 *             gets whole pages, and the rest of the power of two is freed at once.
 * Layout.     kmalloc_caches[kind][class]; kmalloc_class[(size - 1) / 8]. The first page of a large
 *             object has PG_kmalloc, its `private` is the number of pages. Example: kmalloc(100) reads
 *             kmalloc_class[12], the class of 128; kmalloc(20 KiB) takes a block of 8 pages and frees
 *             3.
 * Classes.    Powers of two from 16 to two pages, 96 and 192 are Linux's. There is no kmalloc-8: a
 *             slab's index has one byte for each object, so the smallest stride is 16 (SLAB_MIN_STRIDE,
 *             Linux's SLAB_OBJ_MIN_SIZE). Linux's SLAB begins at 32 for the same reason; only SLUB,
 *             which needs no index, has 8. 672, 816 and 2720 put 6 and 5 objects into 4 KiB and 3 into
 *             8 KiB, where 4 and 2 of the next power would fit. In the mixed workload (sizes 1 to 64
 *             KiB) these three raise the ratio of live bytes to allocated pages from 0.863 to 0.872.
 *             Further classes (384, 1360, 1632, 3264 ...) cost as much in half-used slabs and arrays as
 *             they save by rounding. Above 4 KiB an object takes two pages in any class.
 * Invariants. K1  class c serves sizes (size of c - 1, size of c]
 *             K2  a power-of-two size is aligned to itself, any other to 8; a large one to a page
 *             K3  kfree() needs no size: the page tells the cache or the number of pages
 * Locking.    This file has no lock; the caches and the page allocator have theirs.
 * Failure.    NULL if the size is above KMALLOC_MAX_SIZE, n * size overflows, or memory is short;
 *             krealloc() then leaves the old object unchanged. An address that kmalloc() did not return
 *             is a BUG that describes it.
 * Next:       slab_debug.c
 */
#include <mm/kmalloc.h>

#include <kernel/failure.h>
#include <kernel/printk.h>
#include <mm/page_alloc.h>

#include "slab_internal.h"

enum { CLASS_SHIFT = 3 };

struct kmem_cache *kmalloc_caches[NR_KMALLOC_KINDS][NR_KMALLOC_CLASSES];

static const u32 class_size[] = {
#define KMALLOC_CLASS(bytes) bytes,
	KMALLOC_CLASSES(KMALLOC_CLASS)
#undef KMALLOC_CLASS
};
static u8 kmalloc_class[KMALLOC_MAX_CACHE_SIZE >> CLASS_SHIFT];

/* Returns whether a cache serves the size: neither 0 nor large, in one compare. */
static __always_inline bool has_class(size_t size)
{
	return likely(size - 1 < KMALLOC_MAX_CACHE_SIZE);
}

static __always_inline unsigned class_of(size_t size)
{
	return kmalloc_class[(size - 1) >> CLASS_SHIFT];
}

struct kmem_cache *kmalloc_cache_for(size_t size)
{
	return has_class(size) ? kmalloc_caches[KMALLOC_NORMAL][class_of(size)] : NULL;
}

static __always_inline void *mark_object(void *p, size_t size)
{
	return kmalloc_mark(p, size, class_size[class_of(size)]);
}

/* ---- large ---- */

static __always_inline void *kmalloc_large(size_t size, gfp_t gfp, int nid, unsigned long caller)
{
	unsigned long nr_pages = (size + PAGE_SIZE - 1) >> PAGE_SHIFT;
	struct page *page;

	if (!size)
		return ZERO_SIZE_PTR;
	if (size > KMALLOC_MAX_SIZE) {
		if (!(gfp & __GFP_NOWARN))
			pr_warn_once("kmalloc: request of %zu bytes by %pS exceeds the maximum of %lu\n",
				     size, (void *)caller, KMALLOC_MAX_SIZE);
		failure_note("the request exceeds the largest kmalloc");
		return NULL;
	}
	gfp &= ~(__GFP_HIGHMEM | __GFP_DMA32 | __GFP_MOVABLE);
	if (!is_pow2(nr_pages))
		page = alloc_pages_trimmed(nid, gfp, nr_pages);
	else if (nid == NUMA_NO_NODE)
		page = alloc_pages(gfp, ilog2(nr_pages));
	else
		page = alloc_pages_node(nid, gfp, ilog2(nr_pages));
	if (!page)
		return NULL;
	UPDATE_ONCE(page->flags, |=, PG_kmalloc);
	page->private = nr_pages;
	mm_counter_add(MM_SLAB_UNRECLAIMABLE, (long)nr_pages);
	return kmalloc_mark(phys_to_virt(page_to_phys(page)), size, nr_pages << PAGE_SHIFT);
}

static __always_inline void kfree_large(struct page *page, const void *p, unsigned long caller)
{
	unsigned long nr_pages = page->private;

	/* Only the first page has PG_kmalloc, so page is the first one. */
	BUG_ON(!IS_ALIGNED((unsigned long)p, PAGE_SIZE),
	       "free of an interior pointer: 0x%016lx, %lu bytes into a kmalloc of %lu pages, "
	       "in a call from %pS",
	       (unsigned long)p, (unsigned long)p % PAGE_SIZE, nr_pages, (void *)caller);
	UPDATE_ONCE(page->flags, &=, ~PG_kmalloc);
	page->private = 0;
	mm_counter_add(MM_SLAB_UNRECLAIMABLE, -(long)nr_pages);
	if (is_pow2(nr_pages))
		__free_pages(page, ilog2(nr_pages));
	else
		free_pages_trimmed(page, nr_pages);
}

/* ---- alloc ---- */

/* The array is empty, or the kind is not KMALLOC_NORMAL, whose array kmalloc_lookup() has not tried. */
static __noinline void *kmalloc_miss(size_t size, gfp_t gfp, unsigned long caller)
{
	struct kmem_cache *s = kmalloc_caches[kmalloc_kind(gfp)][class_of(size)];
	void *obj = NULL;

	if (kmalloc_kind(gfp) != KMALLOC_NORMAL) {
		struct pcpu_stack *stack = this_cpu_deref(s->cpu);

		obj = arch_stack_pop(stack);
		if (obj)
			slab_popped(s, stack, gfp, obj);
	}
	return mark_object(obj ? obj : slab_alloc_miss(s, gfp, caller), size);
}

static __noinline void *kmalloc_slow(size_t size, gfp_t gfp, unsigned long caller)
{
	return has_class(size) ? kmalloc_miss(size, gfp, caller)
			       : kmalloc_large(size, gfp, NUMA_NO_NODE, caller);
}

/* The common case has one exit to out-of-line code, so the compiler needs no stack frame before it. */
void *kmalloc_lookup(size_t size, gfp_t gfp)
{
	if (likely(has_class(size)) && likely(kmalloc_kind(gfp) == KMALLOC_NORMAL)) {
		struct kmem_cache *s = kmalloc_caches[KMALLOC_NORMAL][class_of(size)];
		struct pcpu_stack *stack = this_cpu_deref(s->cpu);
		void *obj = arch_stack_pop(stack);

		if (likely(obj))
			return mark_object(slab_popped(s, stack, gfp, obj), size);
	}
	return kmalloc_slow(size, gfp, CALLER);
}

void *kmalloc_node(size_t size, gfp_t gfp, int nid)
{
	if (unlikely(!has_class(size)))
		return kmalloc_large(size, gfp, nid, CALLER);
	return mark_object(kmem_cache_alloc_node(kmalloc_caches[kmalloc_kind(gfp)][class_of(size)], gfp, nid),
			   size);
}

void *kmalloc_array(size_t n, size_t size, gfp_t gfp)
{
	size_t bytes;

	return __builtin_mul_overflow(n, size, &bytes) ? NULL : kmalloc_lookup(bytes, gfp);
}

/* ---- free ---- */

/* The array is full, the object is of another node, or p is no object. */
static __noinline void kfree_miss(void *p, unsigned long caller)
{
	slab_free_miss(slab_page_or_bug(NULL, p, caller)->slab_node, p, caller);
}

static __noinline void kfree_slow(void *p, unsigned long caller)
{
	if (ZERO_OR_NULL_PTR(p))
		return;
	if (slab_has_page(p) && (virt_to_page(p)->flags & PG_kmalloc))
		kfree_large(virt_to_page(p), p, caller);
	else
		kfree_miss(p, caller);
}

void kfree(const void *p)
{
	if (slab_has_page(p)) {
		const struct page *page = virt_to_page(p);

		if (likely(page->flags & PG_slab) &&
		    slab_free_hit(this_cpu_deref(page->slab_node->cpu), page->slab_node, (void *)p))
			return;
	}
	kfree_slow((void *)p, CALLER);
}

size_t ksize(const void *p)
{
	size_t usable;

	if (ZERO_OR_NULL_PTR(p))
		return 0;
	if (virt_addr_valid(p) && (virt_to_page(p)->flags & PG_kmalloc))
		usable = virt_to_page(p)->private << PAGE_SHIFT;
	else
		usable = slab_page_or_bug(NULL, p, CALLER)->slab_node->cache->object_size;
	san_touch(p);
	san_reveal(p, usable);
	return usable;
}

void *krealloc(const void *p, size_t size, gfp_t gfp)
{
	size_t old = ksize(p);
	void *copy;

	if (!size) {
		kfree(p);
		return ZERO_SIZE_PTR;
	}
	if (old >= size) {
		/* A later call that grows the object again finds zeros. */
		if (gfp & __GFP_ZERO || opt_init_on_alloc)
			memset((char *)p + size, 0, old - size);
		return kmalloc_mark((void *)p, size, old);
	}
	copy = kmalloc_lookup(size, gfp);
	if (copy && old) {
		memcpy(copy, p, old);
		kfree(p);
	}
	return copy;
}

/* ---- set-up ---- */

static void create_class(enum kmalloc_kind kind, unsigned class)
{
	static const char *const prefix[] = {"kmalloc", "dma-kmalloc", "kmalloc-rcl"};
	static const unsigned flags[] = {0, SLAB_CACHE_DMA, SLAB_RECLAIM_ACCOUNT};
	unsigned size = class_size[class], align = is_pow2(size) ? size : 0;
	bool kib = size >= KIB(1) && is_pow2(size);
	char name[SLAB_NAME_LEN];

	snprintf(name, sizeof(name), "%s-%u%s", prefix[kind], kib ? size >> 10 : size, kib ? "k" : "");
	kmalloc_caches[kind][class] = kmem_cache_create(name, size, align, flags[kind] | SLAB_PANIC, NULL);
}

void kmalloc_init(void)
{
	unsigned class = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(kmalloc_class); i++) {
		if ((i + 1) << CLASS_SHIFT > class_size[class])
			class ++;
		kmalloc_class[i] = (u8) class;
	}
	/* Ascending order: an off-slab index needs a cache of a smaller class. */
	for (unsigned kind = 0; kind < NR_KMALLOC_KINDS; kind++)
		for (class = 0; class < NR_KMALLOC_CLASSES; class ++)
			create_class((enum kmalloc_kind)kind, class);
}
