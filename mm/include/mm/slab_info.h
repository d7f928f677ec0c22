#ifndef MM_SLAB_INFO_H
#define MM_SLAB_INFO_H

/*
 * Copies of the slab layer's state for the commands slabinfo, slab, whatis, mark and diff. Rows are
 * copied under the locks and passed on without them, so a callback may print and allocate. Context:
 * main loop.
 */

#include <mm/slab.h>

enum { SLAB_INFO_NAME_LEN = 32 };

/* One cache. The members up to shared_avail are a line of /proc/slabinfo 2.1. */
struct slab_cache_info {
	char name[SLAB_INFO_NAME_LEN];
	/*
	 * Objects that are not free in their slabs: allocated ones and free ones in CPUs' arrays
	 * (Linux's meaning).
	 */
	unsigned long active_objs;
	unsigned long num_objs;
	unsigned size;		/* stride, <objsize> of slabinfo */
	unsigned objs_per_slab; /* <objperslab> */
	unsigned pages_per_slab;
	unsigned limit, batchcount, shared;
	unsigned long active_slabs, num_slabs, shared_avail;

	unsigned object_size; /* bytes that the creator requested */
	unsigned align;
	unsigned colours, colour_off;
	unsigned flags; /* SLAB_*; names by slab_flag_name() */
	/* Free objects in arrays. active_objs - cached_objs are allocated. */
	unsigned long cached_objs;
	unsigned long grown, reaped;
	const struct kmem_cache *cache; /* identifies the cache for mark and diff */
};
/* Calls fn for each cache, newest first, until it returns false. */
void slab_for_each_cache(bool (*fn)(const struct slab_cache_info *info, void *ctx), void *ctx);
/* Fills *info for the newest cache of this name. Returns false if there is none. */
bool slab_cache_info(const char *name, struct slab_cache_info *info);
/*
 * Returns the name of the n-th set bit of flags ("HWCACHE_ALIGN", "RED_ZONE", "INDEX_IN_OBJECT", ...),
 * NULL if fewer are set.
 */
const char *slab_flag_name(unsigned flags, unsigned n);

/* One slab. */
struct slab_slab_info {
	pfn_t pfn;
	int nid;
	const char *list; /* "full", "partial", "free" */
	unsigned colour_offset;
	unsigned inuse, objects;
	const void *s_mem;
};
/*
 * Calls fn for each slab of the cache, by node and list, until it returns false. Returns false if there
 * is no such cache.
 */
bool slab_for_each_slab(const char *name, bool (*fn)(const struct slab_slab_info *info, void *ctx),
			void *ctx);

/* One CPU's array. If the CPU has not used the cache since its last drain, limit is 0. */
struct slab_array_info {
	unsigned cpu, avail, limit, batchcount;
	bool touched;
};
/*
 * Calls fn for each online CPU's array of the cache, until it returns false. Returns false if there is
 * no such cache.
 */
bool slab_for_each_array(const char *name, bool (*fn)(const struct slab_array_info *info, void *ctx),
			 void *ctx);

enum slab_object_state { SLAB_OBJ_LIVE, SLAB_OBJ_FREE, SLAB_OBJ_CPU };

/* The object at an address. */
struct slab_object_info {
	char cache[SLAB_INFO_NAME_LEN];
	pfn_t slab;	    /* first page of the slab */
	const void *object; /* start of the object; NULL if the address lies between or behind the objects */
	unsigned index, size; /* object_size */
	enum slab_object_state state;
	/* In state SLAB_OBJ_CPU: the CPU whose list holds the object; -1: a shared array. */
	int cpu;
	unsigned long alloc_caller, free_caller; /* 0 if not stored */
};
/* Fills *info for any address. Returns false if it is not in a slab. */
bool slab_object_info(const void *addr, struct slab_object_info *info);
/* Returns "live", "free" or "cpu". */
const char *slab_object_state_name(enum slab_object_state state);

#endif
