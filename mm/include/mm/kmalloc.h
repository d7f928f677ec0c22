#ifndef MM_KMALLOC_H
#define MM_KMALLOC_H

/*
 * Objects by size: a table of caches up to KMALLOC_MAX_CACHE_SIZE, whole pages above it. kmalloc(0)
 * returns ZERO_SIZE_PTR: it is not NULL, faults when it is accessed, and kfree(), krealloc() and
 * ksize() accept it. Context of all calls: any. A request without __GFP_DIRECT_RECLAIM never waits.
 */

#include <mm/slab.h>

#define ZERO_SIZE_PTR ((void *)16)
#define ZERO_OR_NULL_PTR(p) ((unsigned long)(p) <= (unsigned long)ZERO_SIZE_PTR)
#define KMALLOC_MAX_SIZE (PAGE_SIZE << MAX_ORDER)

/*
 * Allocates size bytes on node nid; NULL if memory is short or size exceeds KMALLOC_MAX_SIZE. GFP_DMA
 * and __GFP_RECLAIMABLE choose the kind of cache. A power-of-two size is aligned to itself, any other
 * to 8. kmalloc(), in kmalloc_inline.h, allocates from the local node.
 */
void *kmalloc_node(size_t size, gfp_t gfp, int nid);

#include <mm/kmalloc_inline.h>

#define kzalloc(size, gfp) kmalloc(size, (gfp) | __GFP_ZERO)
/* Allocates n * size bytes; NULL if the product overflows. kcalloc() returns them zeroed. */
void *kmalloc_array(size_t n, size_t size, gfp_t gfp);
static inline void *kcalloc(size_t n, size_t size, gfp_t gfp)
{
	return kmalloc_array(n, size, gfp | __GFP_ZERO);
}
/*
 * Changes the size of an object. Returns p while its usable size suffices, else a copy. Returns NULL
 * with p unchanged if memory is short. Size 0 frees p and returns ZERO_SIZE_PTR. If the first
 * allocation and each call since then had __GFP_ZERO, bytes that a call adds are zero.
 */
void *krealloc(const void *p, size_t size, gfp_t gfp);
/*
 * Frees a pointer of kmalloc(); NULL and ZERO_SIZE_PTR are accepted. Any other pointer is a BUG that
 * describes it.
 */
void kfree(const void *p);
/* Returns the usable bytes of the object. From then on the caller may use all of them. */
size_t ksize(const void *p);

/* Creates the caches of all classes. Context: boot. */
void kmalloc_init(void);

#endif
