#ifndef MM_KMALLOC_H
#define MM_KMALLOC_H

/*
 * Objects by size: a table of caches up to KMALLOC_MAX_CACHE_SIZE, whole pages above it.
 * kmalloc(0) is ZERO_SIZE_PTR: not NULL, faults when touched, accepted by kfree, krealloc and ksize.
 */

#include <mm/slab.h>

#define ZERO_SIZE_PTR ((void *)16)
#define ZERO_OR_NULL_PTR(p) ((unsigned long)(p) <= (unsigned long)ZERO_SIZE_PTR)
#define KMALLOC_MAX_SIZE (PAGE_SIZE << MAX_ORDER)

/* GFP_DMA and __GFP_RECLAIMABLE choose the kind. Power-of-two sizes are aligned to themselves, all others
 * to 8. */
void *kmalloc_node(size_t size, gfp_t gfp, int nid);

#include <mm/kmalloc_inline.h>

#define kzalloc(size, gfp) kmalloc(size, (gfp) | __GFP_ZERO)
void *kmalloc_array(size_t n, size_t size, gfp_t gfp); /* NULL if n * size overflows */
static inline void *kcalloc(size_t n, size_t size, gfp_t gfp)
{
	return kmalloc_array(n, size, gfp | __GFP_ZERO);
}
/*
 * Same pointer while the usable size suffices; on failure NULL and p untouched; size 0 frees. If the first allocation and
 * each call since then had __GFP_ZERO, bytes that a call adds are zero.
 */
void *krealloc(const void *p, size_t size, gfp_t gfp);
/* Any pointer that kmalloc gave, NULL and ZERO_SIZE_PTR. Anything else is a BUG that says what it is. */
void kfree(const void *p);
size_t ksize(const void *p); /* usable bytes; from then on all of them may be used */

/* kmalloc, or vmalloc where that fails or would cost more than a page order. */
void *kvmalloc(size_t size, gfp_t gfp);
void *kvmalloc_node(size_t size, gfp_t gfp, int nid);
#define kvzalloc(size, gfp) kvmalloc(size, (gfp) | __GFP_ZERO)
void kvfree(const void *p);

void kmalloc_init(void);

#endif
