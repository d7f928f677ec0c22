#ifndef MM_SLAB_H
#define MM_SLAB_H

/*
 * Caches of equal objects: Linux's SLAB (mm/slab.c, 6.1) with per-CPU array_cache, full, partial and
 * free lists for each node, and colouring. See the heads of slab.c and slab_cpu.c.
 */

#include <mm/gfp.h>
#include <mm/page.h>

#define SLAB_CONSISTENCY_CHECKS 0x100u
#define SLAB_RED_ZONE 0x400u
#define SLAB_POISON 0x800u
#define SLAB_HWCACHE_ALIGN 0x2000u
#define SLAB_CACHE_DMA 0x4000u
#define SLAB_CACHE_DMA32 0x8000u
#define SLAB_STORE_USER 0x10000u
#define SLAB_RECLAIM_ACCOUNT 0x20000u
#define SLAB_PANIC 0x40000u
#define SLAB_TYPESAFE_BY_RCU 0x80000u
#define SLAB_NOLEAKTRACE 0x800000u
#define SLAB_NO_USER_FLAGS 0x10000000u /* slab_debug= does not apply */

struct kmem_cache;

/*
 * Creates a cache of objects of `size` bytes, 1 to KMALLOC_MAX_SIZE. name is copied: 1 to 31 characters
 * without blanks. align is 0 or a power of two up to KMALLOC_MAX_SIZE. ctor runs once for each object
 * when its slab is created (in a poisoned cache on each allocation) and may not allocate from this
 * cache. Returns NULL with a warning if an argument is bad or memory is short; with SLAB_PANIC it
 * panics. Context: main loop or boot.
 */
struct kmem_cache *kmem_cache_create(const char *name, unsigned size, unsigned align, unsigned flags,
				     void (*ctor)(void *));
/*
 * Destroys a cache. Returns 0; s may be NULL. If objects are allocated, returns -EBUSY, reports cache,
 * caller and objects, and the cache stays usable. Context: main loop; no other CPU uses the cache.
 */
int kmem_cache_destroy(struct kmem_cache *s);
/* Frees every empty slab. Returns 0 if no slab is left, else 1. Context: main loop. */
int kmem_cache_shrink(struct kmem_cache *s);

/*
 * Allocates one object; NULL if memory is short. Context: any. A request without __GFP_DIRECT_RECLAIM
 * never waits.
 */
void *kmem_cache_alloc(struct kmem_cache *s, gfp_t gfp);
/* The same from node nid; from another node if that has no memory, unless gfp has __GFP_THISNODE. */
void *kmem_cache_alloc_node(struct kmem_cache *s, gfp_t gfp, int nid);
#define kmem_cache_zalloc(s, gfp) kmem_cache_alloc(s, (gfp) | __GFP_ZERO)
/*
 * Frees obj; NULL is accepted. A pointer that is not an allocated object of s is a BUG. Debug flags
 * find cases that the page alone does not show. Context: any.
 */
void kmem_cache_free(struct kmem_cache *s, void *obj);

/* Allocates nr objects into objs. Returns nr, or 0 with nothing allocated. */
int kmem_cache_alloc_bulk(struct kmem_cache *s, gfp_t gfp, size_t nr, void **objs);
/* Frees nr objects of s. If s is NULL, each may be of another cache, or a large kmalloc. */
void kmem_cache_free_bulk(struct kmem_cache *s, size_t nr, void **objs);

unsigned kmem_cache_size(const struct kmem_cache *s); /* bytes that the creator requested */
const char *kmem_cache_name(const struct kmem_cache *s);

/* Creates the first caches and those of kmalloc. Context: boot, after page_alloc_init(). */
void slab_init(void);
/* Registers this CPU's reaper. Called once on each CPU, before it allocates. */
void slab_cpu_init(void);
/*
 * One pass of the reaper: idle arrays of this CPU, remote objects, empty slabs (Linux's cache_reap). If
 * `all` is true, empties all arrays and frees all empty slabs. Returns pages freed, 0 if another CPU
 * holds cache_list_lock. Context: main loop.
 */
unsigned long slab_reap(bool all);

/* The attribute of fault injection that fails allocations of objects (<kernel/fault.h>). */
extern struct fault_attr failslab;

#endif
