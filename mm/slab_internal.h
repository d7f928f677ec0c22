#ifndef MM_SLAB_INTERNAL_H
#define MM_SLAB_INTERNAL_H

/* Shared by mm/slab*.c, mm/kmalloc.c and the tests that mirror them: the inside of a cache. */

#include <arch/san.h>
#include <kernel/fault.h>
#include <kernel/spinlock.h>
#include <kernel/string.h>
#include <mm/numa.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>

/* Where the array of free indices is; besides the public SLAB_* bits. */
#define SLAB_INDEX_IN_OBJECT 0x40000000u /* in a free object of the slab (Linux: OBJFREELIST) */
#define SLAB_INDEX_OFF_SLAB 0x80000000u	 /* in a kmalloc buffer of its own */
#define SLAB_DEBUG_FLAGS (SLAB_CONSISTENCY_CHECKS | SLAB_RED_ZONE | SLAB_POISON | SLAB_STORE_USER)

enum {
	SLAB_NAME_LEN = 32,
	SLAB_MIN_STRIDE = 16,
	/* A base page never holds more: the index takes room as well. */
	SLAB_MAX_OBJS = PAGE_SIZE / SLAB_MIN_STRIDE - 1,
	SLAB_REMOTE_LIMIT = 12, /* foreign objects that a CPU gathers before it gives them back */
	SLAB_RECIPROCAL_BITS = 52,
	SLAB_GROW_OBJS = 8, /* a refill that finds nothing makes slabs for so many, one at least */
};

/* The number of an object in its slab: a byte where a base page holds no more of them. Linux: freelist_idx_t. */
typedef __typeof__(__builtin_choose_expr(SLAB_MAX_OBJS <= 255, (u8)0, (u16)0)) slab_index_t;
static_assert(SLAB_MAX_OBJS <= (slab_index_t)~0u, "every object of a slab has a number");

static inline unsigned slab_index_bytes(unsigned num)
{
	return num * (unsigned)sizeof(slab_index_t);
}

/*
 * One CPU's stack of free objects of one cache. The per-CPU cell points at the stack, not at the head: the
 * fast path then needs no address arithmetic.
 */
struct array_cache {
	struct kmem_cache_node *node; /* whose objects these are; NULL in the shared empty one */
	u32 batchcount;		      /* how many one refill or flush moves */
	u32 touched;		      /* allocated from since the reaper looked */
	struct pcpu_stack stack;
};
static_assert(offsetof(struct array_cache, stack) == 16, "what the fast path reads is one cache line");

/* What one CPU has gathered of objects of other nodes, of any cache. */
struct remote_stack {
	unsigned avail,
		again; /* the same number twice: without a mark of their own these objects look live */
	void *entry[SLAB_REMOTE_LIMIT];
};
DECLARE_PER_CPU(struct remote_stack, slab_remote);

static inline struct array_cache *array_of(struct pcpu_stack *stack)
{
	return container_of(stack, struct array_cache, stack);
}

/* The part of a cache that lives on one node. */
struct kmem_cache_node {
	/* ---- fixed ---- */
	struct kmem_cache *cache;
	struct pcpu_stack **cpu; /* = cache->cpu: kfree comes here first */
	int nid;
	unsigned long free_limit; /* ceiling of free_objects before empty slabs go back */

	/* ---- of its own ---- */
	_Atomic unsigned colour_next; /* slabs made so far: the colour is this modulo the number of colours */

	/*
	 * ---- list_lock ----
	 * An allocation first looks without it whether free_objects are worth it, and the reaper whether it is due: a
	 * look that comes too early or late costs a detour.
	 */
	struct spinlock list_lock __aligned(CACHE_LINE);
	struct list_head slabs_partial, slabs_full, slabs_free;
	unsigned long total_slabs;  /* on the three lists */
	unsigned long free_slabs;   /* on slabs_free */
	unsigned long free_objects; /* inside the slabs of the lists; what CPUs hold counts as allocated */
	struct array_cache *shared; /* only where the node has several CPUs */
	u32 shared_avail;	    /* its avail again: without a mark of their own these objects look live */
	bool free_touched;	    /* slabs_free was used since the reaper looked */
	u64 next_reap_ns;
	unsigned long grown, reaped; /* slabs, ever */
	u64 seal;		     /* of what is fixed, and of shared; slab_node_seal() */
};

struct kmem_cache {
	/* ---- fast paths ---- */
	struct pcpu_stack **cpu; /* per-CPU cell: &array_cache.stack */

	/* ---- fixed by creation ---- */
	unsigned size;	      /* stride */
	unsigned object_size; /* what the creator asked for */
	unsigned obj_offset;  /* debug: from the start of the slot to the object */
	unsigned align;
	u64 reciprocal; /* ceil-like 2^52 / size: index = offset * reciprocal >> 52 */
	unsigned flags;
	unsigned long span;  /* num * size */
	u16 num;	     /* objects a slab */
	u16 order;	     /* pages a slab, log2 */
	unsigned colour;     /* number of colours */
	unsigned colour_off; /* bytes from one to the next */
	unsigned left_over;  /* bytes of a slab that are neither object nor index */
	gfp_t allocflags;
	void (*ctor)(void *);
	u32 limit, batchcount, shared;
	char name[SLAB_NAME_LEN];
	u64 seal; /* of all above; slab_cache_seal() */

	/* ---- cache_list_lock ---- */
	struct list_head list;

	struct kmem_cache_node *node[]; /* by node id; NULL: a node without memory */
};

/* Command line and set-up. */
extern unsigned slab_max_order; /* a higher order is not tried for better packing */
void slab_default_order(void);	/* its value where no option gives one. Context: boot */
extern bool slab_colouring;	/* caches made from now on have colours */
extern struct spinlock cache_list_lock;
extern struct list_head cache_list; /* newest first */
#define MAX_CACHES (1 << 14)	    /* for checks: a longer list of caches is damaged */

/* ---- slab.c: geometry, slabs, node lists ---- */

/*
 * Fills size, align, num, order, colour ... of s from object_size, align and flags, which are set. Pure but
 * for the kmalloc caches that an off-slab index would need. Returns false if no slab order holds an object.
 */
bool slab_geometry(struct kmem_cache *s, unsigned size, unsigned align, unsigned flags);

/* Block address of the slab that covers p; p belongs to cache s. */
static inline struct page *slab_head(const struct kmem_cache *s, const void *p)
{
	return virt_to_page((void *)((unsigned long)p & (~0UL << PAGE_SHIFT << s->order)));
}

/*
 * Index of the slot at this byte offset from s_mem. Exact up to num * size; anything else gives some number.
 */
static inline unsigned slab_index(const struct kmem_cache *s, unsigned long offset)
{
	return (unsigned)(offset * s->reciprocal >> SLAB_RECIPROCAL_BITS);
}

/* The slot (red zone, object, owner words) with this index, and the object in it. */
static inline void *slab_slot(const struct kmem_cache *s, const struct page *page, unsigned index)
{
	return (char *)page->s_mem + (unsigned long)index * s->size;
}

static inline void *slab_object(const struct kmem_cache *s, const struct page *page, unsigned index)
{
	return (char *)slab_slot(s, page, index) + s->obj_offset;
}

/*
 * Marks (arch/san.h): a slab is not to be touched but for the objects that somebody holds; its index, and the slot of
 * a debugged object, are opened while this layer looks at them. Readers under RCU may look at a free object, so such
 * slabs stay open. An object whose contents are known is handed out with them.
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

/* list_lock held, or the slab is the caller's. */
static __always_inline void slab_open_index(const struct page *page)
{
	if (page->freelist)
		san_reveal(page->freelist, slab_index_bytes(page->num));
}

static __always_inline void slab_close_index(const struct kmem_cache *s, const struct page *page)
{
	if (page->freelist && (s->flags & SLAB_INDEX_IN_OBJECT))
		san_free(page->freelist, slab_index_bytes(page->num));
}

/*
 * As slab_reap(true), but it waits for its turn: of what another CPU's reaper had in hand nothing is missing then.
 * Context: main loop.
 */
void slab_settle(void);

/*
 * Up to nr slabs whose objects are all in them, on no list. Returns how many; fewer when pages are short. Any
 * IRQ state, no list_lock.
 */
unsigned slab_create(struct kmem_cache *s, gfp_t gfp, int nid, struct page **slabs, unsigned nr);
/* Gives back the slabs of the list; all their objects are in them. No list_lock. Returns pages. */
unsigned long slab_release_list(struct list_head *slabs);

/* ---- one node's lists; list_lock held ---- */

/* Up to nr objects out of partial, then free slabs. */
unsigned node_take(struct kmem_cache_node *n, void **objs, unsigned nr);
/* Links slabs that slab_create() made, after taking up to nr objects out of them; returns how many. */
unsigned node_add_slabs(struct kmem_cache_node *n, struct page **slabs, unsigned nr_slabs, void **objs,
			unsigned nr);
/*
 * Puts objects of this node back into their slabs; slabs beyond free_limit move to surplus, which the caller
 * gives to slab_release_list() when it has dropped the lock.
 */
void node_put(struct kmem_cache_node *n, void **objs, unsigned nr, struct list_head *surplus);
/* Moves up to nr empty slabs to surplus, those that have been empty longest first. */
void node_trim(struct kmem_cache_node *n, unsigned long nr, struct list_head *surplus);

#define for_each_cache_node(s, n)                        \
	for (unsigned nid_ = 0; nid_ < nr_nodes; nid_++) \
		if (((n) = (s)->node[nid_]))

/* The cache with this name, newest first, or NULL. Context: main loop. */
struct kmem_cache *slab_find_cache(const char *name);
/* The node whose memory a CPU of node nid gets first; and this CPU. */
int slab_nid(int nid);
int slab_local_nid(void);

/* ---- slab_cpu.c: per-CPU arrays ---- */

extern struct array_cache slab_no_array; /* avail = limit = 0: where every cell points at first */

/* All caches bypass their arrays: fault injection, init_on_alloc, init_on_free. */
extern bool slab_bypass_all;
/* Sets it by what is armed now. Context: main loop. */
void slab_update_bypass(void);

static inline bool slab_bypassed(const struct kmem_cache *s)
{
	return (s->flags & SLAB_DEBUG_FLAGS) || READ_ONCE(slab_bypass_all);
}

void *slab_alloc_miss(struct kmem_cache *s, gfp_t gfp, unsigned long caller);
/* n owns obj, which lies in a slab of it. */
void slab_free_miss(struct kmem_cache_node *n, void *obj, unsigned long caller);
/* From and to the slabs with the debug checks, never through an array. */
void *slab_alloc_direct(struct kmem_cache *s, gfp_t gfp, int nid, unsigned long caller);
void slab_free_direct(struct kmem_cache_node *n, void *obj, unsigned long caller);
/* Gathers an object that is not of this CPU's node. Tests call it with any. */
void slab_free_remote(void *obj);

/*
 * Every CPU's array, the foreign objects and the nodes' shared arrays into the slabs; array bodies are given back, those
 * of other CPUs after a grace period. Context: main loop, interrupts on.
 */
void slab_drain(struct kmem_cache *s);
/* The same for all caches. cache_list_lock is held. */
void slab_drain_all(void);
/* The reaper's look at this CPU's array and, if asked, the node's shared one (Linux: drain_array). */
void slab_reap_arrays(struct kmem_cache *s, struct kmem_cache_node *n, bool shared_too);
/*
 * Calls fn for each object that a CPU's array, the remote stacks or a shared array of the cache holds. cpu is the CPU whose
 * list it is, -1 for a shared array.
 */
void slab_for_each_cached(struct kmem_cache *s, void (*fn)(void *obj, int cpu, void *ctx), void *ctx);

/*
 * The two fast paths. An interrupt may come anywhere: the primitives restart, and the only change that it
 * makes to the cell is from slab_no_array to a body; working with the old one then fails and goes the slow
 * way.
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

/* False: wrong cache, foreign node, full array, no array yet. */
static __always_inline bool slab_free_hit(struct pcpu_stack *stack, const struct kmem_cache_node *n,
					  void *obj)
{
	MM_ASSERT(!stack->avail || stack->entry[stack->avail - 1] != obj); /* the plainest double free */
	san_touch(obj);
	if (unlikely(array_of(stack)->node != n))
		return false;
	slab_mark_free(n->cache, obj);
	return arch_stack_push(stack, obj);
}

/*
 * One compare finds NULL and all that does not lie in the direct map; only then is there a page to look at.
 */
static __always_inline bool slab_has_page(const void *obj)
{
	return likely(virt_to_phys(obj) >> PAGE_SHIFT < direct_map_end_pfn);
}

/* ---- slab_debug.c ---- */

/* The SLAB_DEBUG_FLAGS that slab_debug= asks for this cache. */
unsigned slab_debug_flags(const char *name);
/* A new slab of a debug cache: fill patterns. The constructor has not run yet. */
void slab_debug_init_slab(struct kmem_cache *s, struct page *page);
/* Patterns of a free object are intact; it becomes a live one. */
void slab_debug_alloc(struct kmem_cache *s, void *obj, unsigned long caller);
/* obj is a live object and nothing around it was overwritten; it becomes a free one. */
void slab_debug_free(struct kmem_cache *s, void *obj, unsigned long caller);
/* Every free object's patterns before the pages go back: finds late writes. */
void slab_debug_sweep(struct kmem_cache *s, struct page *page);
/* Words of a debug slot beyond the object. */
unsigned long slab_alloc_caller(const struct kmem_cache *s, const void *obj); /* 0: not stored */
unsigned long slab_free_caller(const struct kmem_cache *s, const void *obj);

/*
 * The page of obj, which the caller takes for an object of s (NULL: of any cache). A BUG that says what obj
 * is unless that page is a slab of s.
 */
struct page *slab_page_or_bug(const struct kmem_cache *s, const void *obj, unsigned long caller);
/* obj lies in a slab of s but is no free-able object of it: says why and ends. */
void slab_bug(const struct kmem_cache *s, const void *obj, unsigned long caller,
	      const char *problem) __noreturn __cold;
/* Lists the live objects of a cache, up to a few. */
void slab_report_live(const struct kmem_cache *s);

/* True if slot index of the slab is in the slab (free, and in no CPU's array). */
bool slab_index_is_free(const struct page *page, unsigned index);
/* Whether both zones of the object hold the word of its state; whether a free object holds the pattern. */
bool slab_debug_zones_hold(const struct kmem_cache *s, const void *obj, bool live);
bool slab_debug_poison_holds(const struct kmem_cache *s, const void *obj);

/* ---- slab_check.c ---- */

/* NULL, or the invariant that does not hold. Context: main loop. */
const char *slab_check(void);
/* Slabs that wait for a grace period: on no list, and their pages not free yet. Context: the other CPUs are held. */
void slab_for_each_dying(frame_fn fn, void *ctx);
/* Every slab: those on the lists of all nodes, as far as these are sound, and the dying ones. The same context. */
void slab_for_each_block(frame_fn fn, void *ctx);
/* Pages in the slabs of those caches whose memory counts as reclaimable. The same context. */
unsigned long slab_reclaimable_pages(void);

/* What creation left, in one number: of a cache, and of its part on one node. */
u64 slab_cache_seal(const struct kmem_cache *s);
u64 slab_node_seal(const struct kmem_cache_node *n);
/* slab_cache.c: the objects that may stay in the slabs of the node before empty ones go back; CPUs that it serves. */
unsigned long slab_free_limit(const struct kmem_cache *s, int nid);
unsigned slab_cpus_on_node(int nid);

/* ---- kmalloc.c ---- */

/* The Normal kmalloc cache that serves size, or NULL while it does not exist. */
struct kmem_cache *kmalloc_cache_for(size_t size);

#endif
