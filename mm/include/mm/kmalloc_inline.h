#ifndef MM_KMALLOC_INLINE_H
#define MM_KMALLOC_INLINE_H

/*
 * kmalloc() with a constant size reads its cache directly, without a table. Included by mm/kmalloc.h
 * only.
 */

#include <arch/san.h>
#include <mm/slab.h>

#define KMALLOC_MAX_CACHE_SIZE (2 * PAGE_SIZE)

/*
 * The size classes in ascending order: those of Linux, and between them 672, 816 and 2720 (see the head
 * of kmalloc.c). Classes up to KMALLOC_MAX_CACHE_SIZE are in use.
 */
#define KMALLOC_CLASSES(X) \
	X(16)              \
	X(32)              \
	X(64)              \
	X(96)              \
	X(128)             \
	X(192)             \
	X(256)             \
	X(512) X(672) X(816) X(1024) X(2048) X(2720) X(4096) X(8192) X(16384) X(32768) X(65536) X(131072)

enum kmalloc_class {
#define KMALLOC_CLASS(bytes) KMALLOC_CLASS_##bytes,
	KMALLOC_CLASSES(KMALLOC_CLASS)
#undef KMALLOC_CLASS
};
enum {
#define KMALLOC_CLASS(bytes) +((bytes) <= KMALLOC_MAX_CACHE_SIZE)
	NR_KMALLOC_CLASSES = KMALLOC_CLASSES(KMALLOC_CLASS)
#undef KMALLOC_CLASS
};
#define KMALLOC_CLASS(bytes) +((bytes) == KMALLOC_MAX_CACHE_SIZE)
static_assert(KMALLOC_CLASSES(KMALLOC_CLASS) == 1, "the largest size is a class");
#undef KMALLOC_CLASS

enum kmalloc_kind { KMALLOC_NORMAL, KMALLOC_DMA, KMALLOC_RECLAIM, NR_KMALLOC_KINDS };

extern struct kmem_cache *kmalloc_caches[NR_KMALLOC_KINDS][NR_KMALLOC_CLASSES];

/* Allocates an object of any size: finds the class in a table. */
void *kmalloc_lookup(size_t size, gfp_t gfp);

static __always_inline enum kmalloc_kind kmalloc_kind(gfp_t gfp)
{
	if (likely(!(gfp & (__GFP_DMA | __GFP_RECLAIMABLE))))
		return KMALLOC_NORMAL;
	return gfp & __GFP_DMA ? KMALLOC_DMA : KMALLOC_RECLAIM;
}

/* Class of a size of 1 to KMALLOC_MAX_CACHE_SIZE; folds to a constant. */
static __always_inline enum kmalloc_class kmalloc_class_const(size_t size)
{
#define KMALLOC_CLASS(bytes) \
	if (size <= (bytes)) \
		return KMALLOC_CLASS_##bytes;
	KMALLOC_CLASSES(KMALLOC_CLASS)
#undef KMALLOC_CLASS
	return (enum kmalloc_class)NR_KMALLOC_CLASSES;
}

static __always_inline size_t kmalloc_class_bytes(enum kmalloc_class class)
{
#define KMALLOC_CLASS(bytes)                \
	if (class == KMALLOC_CLASS_##bytes) \
		return bytes;
	KMALLOC_CLASSES(KMALLOC_CLASS)
#undef KMALLOC_CLASS
	return 0;
}

/* Marks the bytes of p behind `size` as inaccessible for sanitizers (arch/san.h). NULL stays NULL. */
static __always_inline void *kmalloc_mark(void *p, size_t size, size_t usable)
{
	if (p)
		san_free((char *)p + size, usable - size);
	return p;
}

static __always_inline void *kmalloc(size_t size, gfp_t gfp)
{
	if (__builtin_constant_p(size) && size - 1 < KMALLOC_MAX_CACHE_SIZE) {
		enum kmalloc_class class = kmalloc_class_const(size);

		return kmalloc_mark(kmem_cache_alloc(kmalloc_caches[kmalloc_kind(gfp)][class], gfp), size,
				    kmalloc_class_bytes(class));
	}
	return kmalloc_lookup(size, gfp);
}

#endif
