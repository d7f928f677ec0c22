#ifndef MM_SLAB_INFO_H
#define MM_SLAB_INFO_H

/*
 * What the slab layer looks like now, copied out for slabinfo, slab, whatis, mark and diff. Rows are copied
 * under the locks and handed out without them, so the receiver may print and allocate. Context: main loop.
 */

#include <mm/slab.h>

enum { SLAB_INFO_NAME_LEN = 32 };

/* One cache. The first part is a line of /proc/slabinfo 2.1. */
struct slab_cache_info {
	char name[SLAB_INFO_NAME_LEN];
	unsigned long
		active_objs; /* not in their slabs: live ones and those that CPUs hold (Linux's meaning) */
	unsigned long num_objs;
	unsigned size;		/* stride: slabinfo's <objsize> */
	unsigned objs_per_slab; /* <objperslab> */
	unsigned pages_per_slab;
	unsigned limit, batchcount, shared;
	unsigned long active_slabs, num_slabs, shared_avail;

	unsigned object_size; /* what the creator asked for */
	unsigned align;
	unsigned colours, colour_off;
	unsigned flags;		   /* SLAB_*; slab_flag_name() */
	unsigned long cached_objs; /* in arrays; active_objs - cached_objs are live */
	unsigned long grown, reaped;
	const struct kmem_cache *cache; /* identity, for mark and diff */
};
/* For each cache, newest first, until fn returns false. */
void slab_for_each_cache(bool (*fn)(const struct slab_cache_info *info, void *ctx), void *ctx);
/* False: there is none of this name. */
bool slab_cache_info(const char *name, struct slab_cache_info *info);
/* The n-th flag that is set in flags ("HWCACHE_ALIGN", "RED_ZONE", "INDEX_IN_OBJECT" ...), or NULL. */
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
/* For each slab of the cache by node and list. False: no cache of this name. */
bool slab_for_each_slab(const char *name, bool (*fn)(const struct slab_slab_info *info, void *ctx),
			void *ctx);

/* One CPU's array. A CPU that has not used the cache since its last drain has limit 0. */
struct slab_array_info {
	unsigned cpu, avail, limit, batchcount;
	bool touched;
};
bool slab_for_each_array(const char *name, bool (*fn)(const struct slab_array_info *info, void *ctx),
			 void *ctx);

enum slab_object_state { SLAB_OBJ_LIVE, SLAB_OBJ_FREE, SLAB_OBJ_CPU };

/* The object that an address lies in. */
struct slab_object_info {
	char cache[SLAB_INFO_NAME_LEN];
	pfn_t slab;	      /* first page */
	const void *object;   /* start; NULL: the address is between or behind the objects */
	unsigned index, size; /* object_size */
	enum slab_object_state state;
	int cpu; /* state SLAB_OBJ_CPU: whose list holds it; -1: the array that the CPUs of its node share */
	unsigned long alloc_caller, free_caller; /* 0: not stored */
};
/* False: addr is not in a slab. Any address may be asked for. */
bool slab_object_info(const void *addr, struct slab_object_info *info);
/* "live", "free", "cpu" */
const char *slab_object_state_name(enum slab_object_state state);

#endif
