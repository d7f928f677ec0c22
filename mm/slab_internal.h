#ifndef MM_SLAB_INTERNAL_H
#define MM_SLAB_INTERNAL_H

/* Internal declarations of caches, for mm/slab*.c, mm/kmalloc.c and the tests that mirror them. */

#include <arch/san.h>
#include <kernel/fault.h>
#include <kernel/spinlock.h>
#include <kernel/string.h>
#include <mm/numa.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>

/*
 * Place of the index array; bits beside the public SLAB_* ones. Neither: on the slab, behind the
 * objects.
 */
#define SLAB_INDEX_IN_OBJECT 0x40000000u /* in a free object of the slab (Linux: OBJFREELIST) */
#define SLAB_INDEX_OFF_SLAB 0x80000000u	 /* in a kmalloc buffer */
#define SLAB_DEBUG_FLAGS (SLAB_CONSISTENCY_CHECKS | SLAB_RED_ZONE | SLAB_POISON | SLAB_STORE_USER)

enum {
	SLAB_NAME_LEN = 32,
	SLAB_MIN_STRIDE = 16,
	/*
	 * Most objects of a slab. In a base page the index array takes room as well, so it holds no
	 * more.
	 */
	SLAB_MAX_OBJS = PAGE_SIZE / SLAB_MIN_STRIDE - 1,
	/* Remote objects that a CPU gathers before it frees them. */
	SLAB_REMOTE_LIMIT = 12,
	SLAB_RECIPROCAL_BITS = 52,
	/* A refill that finds no free object creates slabs for this many objects, at least one slab. */
	SLAB_GROW_OBJS = 8,
};

/*
 * Number of an object in its slab: one byte if a slab never has more than 255 objects. Linux:
 * freelist_idx_t.
 */
typedef __typeof__(__builtin_choose_expr(SLAB_MAX_OBJS <= 255, (u8)0, (u16)0)) slab_index_t;
static_assert(SLAB_MAX_OBJS <= (slab_index_t)~0u, "every object of a slab has a number");

static inline unsigned slab_index_bytes(unsigned num)
{
	return num * (unsigned)sizeof(slab_index_t);
}

/*
 * One CPU's stack of free objects of one cache. The per-CPU cell points to the stack, not to the start
 * of the struct, so the fast path needs no address arithmetic.
 */
struct array_cache {
	struct kmem_cache_node *node; /* node of the objects; NULL in slab_no_array */
	u32 batchcount;		      /* objects that one refill or flush moves */
	/* Allocated from since the last pass of the reaper. */
	u32 touched;
	struct pcpu_stack stack;
};
static_assert(offsetof(struct array_cache, stack) == 16, "what the fast path reads is one cache line");

/*
 * Objects of other nodes, of any cache, that this CPU freed. `again` repeats avail. Nothing else marks these
 * objects as free, so checks detect a damaged avail by it.
 */
struct remote_stack {
	unsigned avail, again;
	void *entry[SLAB_REMOTE_LIMIT];
};
DECLARE_PER_CPU(struct remote_stack, slab_remote);

/* Returns the array that contains the stack. */
static inline struct array_cache *array_of(struct pcpu_stack *stack)
{
	return container_of(stack, struct array_cache, stack);
}

/* The part of a cache on one node. */
struct kmem_cache_node {
	/* ---- fixed ---- */
	struct kmem_cache *cache;
	/* Equals cache->cpu; kfree() reads it here. */
	struct pcpu_stack **cpu;
	int nid;
	/* If free_objects exceeds this, empty slabs are freed. */
	unsigned long free_limit;

	/* ---- atomic ---- */
	/*
	 * Slabs created so far. The colour of the next one is this + 1, modulo the number of colours.
	 */
	_Atomic unsigned colour_next;

	/*
	 * ---- protected by list_lock ----
	 * Allocation reads free_objects and the reaper reads next_reap_ns without the lock. A stale
	 * value costs one needless or one missed pass.
	 */
	struct spinlock list_lock __aligned(CACHE_LINE);
	struct list_head slabs_partial, slabs_full, slabs_free;
	unsigned long total_slabs; /* on the three lists */
	unsigned long free_slabs;  /* on slabs_free */
	/* Free objects in slabs on the lists. Objects in CPUs' arrays count as allocated. */
	unsigned long free_objects;
	struct array_cache *shared; /* NULL if the node has one CPU */
	/* Repeats its avail, as `again` of struct remote_stack does. */
	u32 shared_avail;
	/* A slab of slabs_free was used since the last pass of the reaper. */
	bool free_touched;
	u64 next_reap_ns;
	unsigned long grown, reaped; /* slabs created and freed so far */
	u64 seal;		     /* checksum of the fixed members and of shared: slab_node_seal() */
};

struct kmem_cache {
	/* ---- fast paths ---- */
	struct pcpu_stack **cpu; /* per-CPU cell: &array_cache.stack */

	/* ---- fixed by creation ---- */
	unsigned size;	      /* stride */
	unsigned object_size; /* bytes that the creator requested */
	unsigned obj_offset;  /* debug: from the start of the slot to the object */
	unsigned align;
	/* 2^52 / size, rounded down, plus 1: index = offset * reciprocal >> 52 */
	u64 reciprocal;
	unsigned flags;
	unsigned long span;  /* num * size */
	u16 num;	     /* objects a slab */
	u16 order;	     /* pages a slab, log2 */
	unsigned colour;     /* number of colours */
	unsigned colour_off; /* bytes from one colour to the next */
	unsigned left_over;  /* bytes of a slab that are neither object nor index */
	gfp_t allocflags;
	void (*ctor)(void *);
	u32 limit, batchcount, shared;
	char name[SLAB_NAME_LEN];
	u64 seal; /* checksum of all members above: slab_cache_seal() */

	/* ---- cache_list_lock ---- */
	struct list_head list;

	struct kmem_cache_node *node[]; /* by node id; NULL for a node without memory */
};

/* ---- command line and set-up ---- */
extern unsigned slab_max_order; /* Order from which on slab_choose_order() accepts any left-over. */
void slab_default_order(void);	/* Sets it if no option did. Context: boot. */
extern bool slab_colouring;	/* caches created from now on have colours */
extern struct spinlock cache_list_lock;
extern struct list_head cache_list; /* newest first */
#define MAX_CACHES (1 << 14)	    /* Checks treat a longer list of caches as damaged. */

/* ---- slab.c: geometry, slabs, node lists ---- */

/*
 * Computes size, align, num, order, colour and the other fixed members of s. size and align are bytes.
 * Depends on the arguments and, for an off-slab index, on the kmalloc caches. Returns false if no slab
 * order holds an object.
 */
bool slab_geometry(struct kmem_cache *s, unsigned size, unsigned align, unsigned flags);

/* Returns the first page of the slab that covers p; p must lie in a slab of cache s. */
static inline struct page *slab_head(const struct kmem_cache *s, const void *p)
{
	return virt_to_page((void *)((unsigned long)p & (~0UL << PAGE_SHIFT << s->order)));
}

/*
 * Index of the slot at this byte offset from s_mem. Exact below num * size; other offsets give a
 * meaningless number.
 */
static inline unsigned slab_index(const struct kmem_cache *s, unsigned long offset)
{
	return (unsigned)(offset * s->reciprocal >> SLAB_RECIPROCAL_BITS);
}

/*
 * Returns the slot (red zone, object, owner words) with this index; slab_object() returns the object in
 * it.
 */
static inline void *slab_slot(const struct kmem_cache *s, const struct page *page, unsigned index)
{
	return (char *)page->s_mem + (unsigned long)index * s->size;
}

static inline void *slab_object(const struct kmem_cache *s, const struct page *page, unsigned index)
{
	return (char *)slab_slot(s, page, index) + s->obj_offset;
}

/*
 * Sanitizer marks (arch/san.h). In a slab only allocated objects are accessible. This layer opens an
 * index, and the slot of a debugged object, while it reads or writes them. Readers under RCU may read a
 * free object, so slabs of such caches stay open. A new object is marked as initialised if it was constructed, poisoned or zeroed, else as
 * uninitialised.
 */
static __always_inline bool slab_marks(const struct kmem_cache *s)
{
	return !(s->flags & SLAB_TYPESAFE_BY_RCU);
}

static __always_inline void slab_mark_live(const struct kmem_cache *s, const void *obj)
{
	if (!slab_marks(s))
		return;
	if (s->ctor || (s->flags & SLAB_POISON) || opt_init_on_free)
		san_reveal(obj, s->object_size);
	else
		san_alloc(obj, s->object_size);
}

static __always_inline void slab_mark_free(const struct kmem_cache *s, const void *obj)
{
	if (slab_marks(s))
		san_free(obj, s->object_size);
}

/* Opens the slab's index for accesses. Context: list_lock held, or the slab is the caller's. */
static __always_inline void slab_open_index(const struct page *page)
{
	if (page->freelist)
		san_reveal(page->freelist, slab_index_bytes(page->num));
}

/* Closes it again if it lies in a free object. */
static __always_inline void slab_close_index(const struct kmem_cache *s, const struct page *page)
{
	if (page->freelist && (s->flags & SLAB_INDEX_IN_OBJECT))
		san_free(page->freelist, slab_index_bytes(page->num));
}

/*
 * Drains all arrays and frees all empty slabs, as slab_reap(true) does, but waits for cache_list_lock.
 * So it also frees what a reaper on another CPU was working on. Context: main loop.
 */
void slab_settle(void);

/*
 * Creates up to nr slabs on node nid, all objects free, on no list. Returns their number, fewer if
 * pages are short. Context: any, no list_lock held.
 */
unsigned slab_create(struct kmem_cache *s, gfp_t gfp, int nid, struct page **slabs, unsigned nr);
/*
 * Frees the slabs of the list; all their objects are free. Returns pages freed. Context: any, no
 * list_lock held.
 */
unsigned long slab_release_list(struct list_head *slabs);

/* ---- one node's lists; list_lock held ---- */

/* Allocates up to nr objects from partial slabs, then from free slabs. Returns their number. */
unsigned node_take(struct kmem_cache_node *n, void **objs, unsigned nr);
/*
 * Links slabs of slab_create() after it has allocated up to nr objects from them. Returns the number of
 * objects.
 */
unsigned node_add_slabs(struct kmem_cache_node *n, struct page **slabs, unsigned nr_slabs, void **objs,
			unsigned nr);
/*
 * Returns objects of this node to their slabs. Moves empty slabs beyond free_limit to surplus; the
 * caller passes them to slab_release_list() after it has dropped the lock.
 */
void node_put(struct kmem_cache_node *n, void **objs, unsigned nr, struct list_head *surplus);
/* Moves up to nr empty slabs to surplus, the longest empty first. */
void node_trim(struct kmem_cache_node *n, unsigned long nr, struct list_head *surplus);

#define for_each_cache_node(s, n)                        \
	for (unsigned nid_ = 0; nid_ < nr_nodes; nid_++) \
		if (((n) = (s)->node[nid_]))

/* Returns the newest cache with this name, NULL if there is none. Context: main loop. */
struct kmem_cache *slab_find_cache(const char *name);
/*
 * slab_nid() returns the node whose memory a CPU of node nid gets first; slab_local_nid() that of this
 * CPU.
 */
int slab_nid(int nid);
int slab_local_nid(void);

/* ---- slab_cpu.c: per-CPU arrays ---- */

/* Every cell points here until its CPU first uses the cache. avail and limit are always 0. */
extern struct array_cache slab_no_array;

/* If true, all caches bypass their arrays: fault injection, init_on_alloc, init_on_free. */
extern bool slab_bypass_all;
/*
 * Computes slab_bypass_all from the armed options, and drains all arrays if it is true. Context: main
 * loop.
 */
void slab_update_bypass(void);

static inline bool slab_bypassed(const struct kmem_cache *s)
{
	return (s->flags & SLAB_DEBUG_FLAGS) || READ_ONCE(slab_bypass_all);
}

/*
 * Allocates an object after the fast path missed: from a refill, or directly if the cache is bypassed.
 * Context: any.
 */
void *slab_alloc_miss(struct kmem_cache *s, gfp_t gfp, unsigned long caller);
/* Frees an object of a slab of node n after the fast path missed. Context: any. */
void slab_free_miss(struct kmem_cache_node *n, void *obj, unsigned long caller);
/*
 * Allocates from and frees to the slabs, with the debug checks, never through an array. Context: any.
 */
void *slab_alloc_direct(struct kmem_cache *s, gfp_t gfp, int nid, unsigned long caller);
void slab_free_direct(struct kmem_cache_node *n, void *obj, unsigned long caller);
/*
 * Queues an object of another node on this CPU's remote stack. Tests call it with objects of any node.
 */
void slab_free_remote(void *obj);

/*
 * Empties every CPU's array and remote stack, and the nodes' shared arrays, into the slabs. Frees the
 * array bodies; those of other CPUs after a grace period. Context: main loop, interrupts on.
 */
void slab_drain(struct kmem_cache *s);
/* The same for all caches. Context: cache_list_lock held. */
void slab_drain_all(void);
/*
 * The reaper's pass over this CPU's array and, if shared_too, the node's shared one (Linux:
 * drain_array).
 */
void slab_reap_arrays(struct kmem_cache *s, struct kmem_cache_node *n, bool shared_too);
/*
 * Calls fn for each free object in a CPU's array, a remote stack or a shared array of the cache. cpu is
 * the list's CPU, -1 for a shared array.
 */
void slab_for_each_cached(struct kmem_cache *s, void (*fn)(void *obj, int cpu, void *ctx), void *ctx);

/*
 * The two fast paths. An interrupt may come at any instruction: pop and push restart. The only changes
 * that an interrupt makes to the cell are from slab_no_array to a body and back. Code that still uses
 * the old stack then finds it empty and full, and takes the slow path.
 */
static __always_inline void *slab_popped(struct kmem_cache *s, struct pcpu_stack *stack, gfp_t gfp, void *obj)
{
	slab_mark_live(s, obj);
	array_of(stack)->touched = 1;
	if (unlikely(gfp & __GFP_ZERO))
		return memset(obj, 0, s->object_size);
	return obj;
}

static __always_inline void *slab_alloc(struct kmem_cache *s, gfp_t gfp)
{
	struct pcpu_stack *stack = this_cpu_deref(s->cpu);
	void *obj = arch_stack_pop(stack);

	return likely(obj) ? slab_popped(s, stack, gfp, obj) : slab_alloc_miss(s, gfp, CALLER);
}

/* Returns false for a wrong cache, a remote object, a full array or slab_no_array. */
static __always_inline bool slab_free_hit(struct pcpu_stack *stack, const struct kmem_cache_node *n,
					  void *obj)
{
	/* The simplest double free: the same object twice in a row. */
	MM_ASSERT(!stack->avail || stack->entry[stack->avail - 1] != obj);
	san_touch(obj);
	if (unlikely(array_of(stack)->node != n))
		return false;
	slab_mark_free(n->cache, obj);
	return arch_stack_push(stack, obj);
}

/*
 * Returns whether obj lies in the direct map, so it may have a struct page. One compare excludes NULL and
 * every other address.
 */
static __always_inline bool slab_has_page(const void *obj)
{
	return likely(virt_to_phys(obj) >> PAGE_SHIFT < direct_map_end_pfn);
}

/* ---- slab_debug.c ---- */

/* Returns the SLAB_DEBUG_FLAGS that slab_debug= sets for this cache. */
unsigned slab_debug_flags(const char *name);
/* Fills a new slab of a debugged cache with the patterns. The constructor has not run yet. */
void slab_debug_init_slab(struct kmem_cache *s, struct page *page);
/* Checks the patterns of a free object and marks it as allocated. BUG if they are damaged. */
void slab_debug_alloc(struct kmem_cache *s, void *obj, unsigned long caller);
/* Checks that obj is allocated and its surroundings are intact, and marks it as free. */
void slab_debug_free(struct kmem_cache *s, void *obj, unsigned long caller);
/* Checks every free object's patterns before the slab's pages are freed. Finds writes after free. */
void slab_debug_sweep(struct kmem_cache *s, struct page *page);
/* Callers stored behind the object with SLAB_STORE_USER; 0 if not stored. */
unsigned long slab_alloc_caller(const struct kmem_cache *s, const void *obj);
unsigned long slab_free_caller(const struct kmem_cache *s, const void *obj);

/*
 * Returns the first page of the slab that obj lies in. BUG, with a description of obj, unless that is a
 * slab of s (NULL: of any cache).
 */
struct page *slab_page_or_bug(const struct kmem_cache *s, const void *obj, unsigned long caller);
/* Reports that obj, which lies in a slab of s, is not an object that can be freed, and panics. */
void slab_bug(const struct kmem_cache *s, const void *obj, unsigned long caller,
	      const char *problem) __noreturn __cold;
/* Prints the allocated objects of a cache, up to a limit. */
void slab_report_live(const struct kmem_cache *s);

/*
 * Returns whether the object with this index is free in the slab's index array. Objects in a CPU's
 * array are not.
 */
bool slab_index_is_free(const struct page *page, unsigned index);
/*
 * slab_debug_zones_hold(): both red zones hold the word of the given state. slab_debug_poison_holds():
 * the free object holds the pattern.
 */
bool slab_debug_zones_hold(const struct kmem_cache *s, const void *obj, bool live);
bool slab_debug_poison_holds(const struct kmem_cache *s, const void *obj);

/* ---- slab_check.c ---- */

/*
 * Checks the invariants of all caches. Returns NULL, or the invariant that is broken. Context: main
 * loop.
 */
const char *slab_check(void);
/*
 * Calls fn for each slab that waits for a grace period: on no list, its pages not free yet. Context:
 * the other CPUs are held.
 */
void slab_for_each_dying(frame_fn fn, void *ctx);
/*
 * Calls fn for every slab: on the lists of all nodes, as far as the links are sound, and dying.
 * Context: the other CPUs are held.
 */
void slab_for_each_block(frame_fn fn, void *ctx);
/* Pages of slabs in caches with SLAB_RECLAIM_ACCOUNT. Context: the other CPUs are held. */
unsigned long slab_reclaimable_pages(void);

/* Checksums of the members that creation fixes: of a cache, and of its part on one node. */
u64 slab_cache_seal(const struct kmem_cache *s);
u64 slab_node_seal(const struct kmem_cache_node *n);
/* In slab_cache.c. Returns the number of free objects above which empty slabs of the node are freed. */
unsigned long slab_free_limit(const struct kmem_cache *s, int nid);

/* ---- kmalloc.c ---- */

/* Returns the kmalloc cache of kind KMALLOC_NORMAL for size, NULL while it does not exist. */
struct kmem_cache *kmalloc_cache_for(size_t size);

#endif
