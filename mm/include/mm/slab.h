#ifndef MM_SLAB_H
#define MM_SLAB_H

/*
 * Caches of equal objects: Linux's SLAB (mm/slab.c, 6.1) - array_cache per CPU, full/partial/free lists per
 * node, colouring. See the heads of slab.c and slab_cpu.c.
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
 * name is copied; size 1 .. 4 MiB; align 0 or a power of two up to 4 MiB. ctor runs once per object when its
 * slab is made (on each allocation of a poisoned cache) and may not allocate from this cache. Context: main
 * loop or boot. Returns NULL with a warning if an argument is bad or memory is short (SLAB_PANIC: panics).
 */
struct kmem_cache *kmem_cache_create(const char *name, unsigned size, unsigned align, unsigned flags,
				     void (*ctor)(void *));
/*
 * NULL is fine. Returns 0, or -EBUSY with a report naming cache, caller and live objects while any are: the
 * cache then stays usable. Context: main loop, nobody else uses the cache.
 */
int kmem_cache_destroy(struct kmem_cache *s);
/* Give back every empty slab. Returns 0 if no slab is left, else 1. Context: main loop. */
int kmem_cache_shrink(struct kmem_cache *s);

/* One object, or NULL. Context: any; without __GFP_DIRECT_RECLAIM never waits. */
void *kmem_cache_alloc(struct kmem_cache *s, gfp_t gfp);
void *kmem_cache_alloc_node(struct kmem_cache *s, gfp_t gfp, int nid);
#define kmem_cache_zalloc(s, gfp) kmem_cache_alloc(s, (gfp) | __GFP_ZERO)
/* NULL is fine. A pointer that is not a live object of s is a BUG (debug flags find what the page alone does
 * not show). */
void kmem_cache_free(struct kmem_cache *s, void *obj);

/* All or nothing: nr, or 0 with everything given back. */
int kmem_cache_alloc_bulk(struct kmem_cache *s, gfp_t gfp, size_t nr, void **objs);
/* s NULL: each object's own cache, large kmalloc included. */
void kmem_cache_free_bulk(struct kmem_cache *s, size_t nr, void **objs);

unsigned kmem_cache_size(const struct kmem_cache *s); /* what the creator asked for */
const char *kmem_cache_name(const struct kmem_cache *s);

void slab_init(void);
/* On each CPU, before it allocates: from here on it reaps its own arrays. */
void slab_cpu_init(void);
/* Trim idle arrays and empty slabs of all caches once (Linux's cache_reap); returns pages given back. */
unsigned long slab_reap(bool all);

/* The attribute of fault injection that fails allocations of objects (<kernel/fault.h>). */
extern struct fault_attr failslab;

#endif
