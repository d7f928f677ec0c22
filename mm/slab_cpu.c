/*
 * slab_cpu.c - per-CPU arrays of free objects: the fast paths, refill and flush.
 *
 * Idea.       Most objects are freed where they were allocated, and the one freed last is the warmest. A
 *             stack per CPU and cache answers both calls with a push or a pop; only every batchcount-th call
 *             goes to the slabs, and takes their lock once for the whole batch.
 * Layout.     cache->cpu (per-CPU cell) -> array_cache.stack, entry[avail - 1] on top, [0] the oldest
 *             slab_remote (per-CPU): up to 12 objects of other nodes, of any cache
 *             node->shared: between the CPUs of a node, where there are several; list_lock
 *
 *             A cell points at slab_no_array (avail = limit = 0) until the CPU first uses the cache, and
 *             again after a drain. A cache under debug flags, and every cache under fault injection or
 *             init_on_alloc/free, never gets a body: each call misses and is served from the slabs directly.
 *             The fast path has no test for it.
 * Invariants. A1  avail <= limit; every entry is an object of the array's node, and its slab counts it as
 *                 taken
 *             A2  no object is twice in the arrays of a cache, and none is in an array and in its slab
 *             A3  slab_no_array.avail == slab_no_array.limit == 0
 *             A4  debugged and bypassed caches have no array bodies
 *             A5  a CPU's array is of the node that serves the CPU, a shared one of its own; limit and batchcount are
 *                 those of the cache
 *             A6  a stack of foreign objects holds no more than it has room for
 * Locking.    Only the owner CPU touches its arrays. Push and pop are restartable (arch/pcpu.h); what changes
 *             more runs with IRQs off. An interrupt may install a body, and take one away (a drain that another CPU
 *             asks for): then the body is closed at once and freed after a grace period.
 * Lines.      Refills take neighbours, and a batch of the small kmalloc sizes fills whole cache lines: two CPUs that take
 *             objects of a new slab have no line in common. An object that another CPU frees stays on that CPU, beside its
 *             neighbours on the first one; if both are written all the time, the line moves between the CPUs (smp.scratch.16).
 *             Only a question at each free could keep them apart: from which CPU is this slab? That is a load and a compare in
 *             the fast path. Objects that CPUs write at the same time belong into a cache with SLAB_HWCACHE_ALIGN or an
 *             alignment of a line (smp.scratch.line).
 * Failure.    No body: the call works on the slabs. No objects and no pages: NULL.
 * Next:       slab_cache.c, who makes and ends caches; kmalloc.c, the caches by size; slab_check.c, what is checked.
 *
 * Not Linux:  a refill that finds nothing makes slabs for a few objects, not one slab. Foreign objects go to
 *             one small stack per CPU instead of an array per pair of nodes and cache; it is flushed grouped by
 *             owner, one list_lock each.
 */
#include "slab_internal.h"

#include <arch/irq.h>
#include <kernel/cmdline.h>
#include <kernel/smp.h>
#include <kernel/work.h>
#include <mm/kmalloc.h>

#include "internal.h"

enum {
	IDLE_REFILL = 16, /* objects that an array gets that was idle for a reaper's period */
	REAP_FRACTION = 5,
};

struct array_cache slab_no_array;
bool slab_bypass_all;
FAULT_ATTR(failslab);

DEFINE_PER_CPU(struct remote_stack, slab_remote);

static int set_failslab(const char *value)
{
	return fault_attr_parse(value, &failslab);
}
CMDLINE_OPT("failslab", FAULT_ATTR_EXPECTED, set_failslab);

/* ---- straight from the slabs, one object ---- */

static void *node_pull(struct kmem_cache_node *n)
{
	unsigned long flags;
	void *obj = NULL;

	if (!n || !READ_ONCE(n->free_objects))
		return NULL;
	flags = spin_lock_irqsave(&n->list_lock);
	node_take(n, &obj, 1);
	spin_unlock_irqrestore(&n->list_lock, flags);
	return obj;
}

static void *node_grow(struct kmem_cache *s, gfp_t gfp, int nid)
{
	struct kmem_cache_node *n;
	struct page *page;
	unsigned long flags;
	void *obj = NULL;

	if (!slab_create(s, gfp, nid, &page, 1))
		return NULL;
	n = page->slab_node;
	flags = spin_lock_irqsave(&n->list_lock);
	node_add_slabs(n, &page, 1, &obj, 1);
	spin_unlock_irqrestore(&n->list_lock, flags);
	return obj;
}

/* Pages of this very node, if they can be had without effort. */
static gfp_t gfp_here(gfp_t gfp)
{
	return (gfp & ~(__GFP_RECLAIM | __GFP_NOFAIL)) | __GFP_THISNODE | __GFP_NOWARN;
}

/* nid's slabs, a new slab there, other nodes' slabs by distance, then whatever the caller's flags can get. */
static void *slab_alloc_one(struct kmem_cache *s, gfp_t gfp, int nid)
{
	void *obj = node_pull(s->node[nid]);

	if (!obj)
		obj = node_grow(s, gfp_here(gfp), nid);
	if (!obj && !(gfp & __GFP_THISNODE))
		for (struct zone **z = nodes[nid].fallback.zone; *z && !obj; z++)
			obj = node_pull(s->node[(*z)->nid]);
	return obj ? obj : node_grow(s, gfp, nid);
}

static void slab_free_one(struct kmem_cache_node *n, void *obj)
{
	LIST_HEAD(surplus);
	unsigned long flags = spin_lock_irqsave(&n->list_lock);

	node_put(n, &obj, 1, &surplus);
	spin_unlock_irqrestore(&n->list_lock, flags);
	slab_release_list(&surplus);
}

void *slab_alloc_direct(struct kmem_cache *s, gfp_t gfp, int nid, unsigned long caller)
{
	void *obj;

	if (fault_hits(&failslab, !(gfp & __GFP_NOFAIL), s->object_size))
		return NULL;
	obj = slab_alloc_one(s, gfp, nid);
	if (obj && (s->flags & SLAB_DEBUG_FLAGS))
		slab_debug_alloc(s, obj, caller);
	if (obj)
		slab_mark_live(s, obj);
	return obj;
}

/* Objects with a state that must survive are never cleared. */
static bool slab_clearable(const struct kmem_cache *s)
{
	return !s->ctor && !(s->flags & (SLAB_TYPESAFE_BY_RCU | SLAB_POISON));
}

void slab_free_direct(struct kmem_cache_node *n, void *obj, unsigned long caller)
{
	struct kmem_cache *s = n->cache;

	if (s->flags & SLAB_DEBUG_FLAGS)
		slab_debug_free(s, obj, caller);
	if (opt_init_on_free && slab_clearable(s)) {
		slab_mark_live(s, obj);
		memset(obj, 0, s->object_size);
	}
	slab_mark_free(s, obj);
	slab_free_one(n, obj);
}

/* ---- one CPU's array ---- */

/* This CPU's array; its body is made at the first use. NULL: there is none now. IRQs off. */
static struct array_cache *array_get(struct kmem_cache *s)
{
	struct array_cache *ac = array_of(this_cpu_deref(s->cpu));
	struct kmem_cache *k;

	if (likely(ac != &slab_no_array))
		return ac;
	if (unlikely(slab_bypassed(s)))
		return NULL; /* since the caller looked */
	/* Two entries at least: when it is dropped they become its rcu_head. */
	k = kmalloc_cache_for(sizeof(*ac) + max(s->limit, 2U) * sizeof(void *));
	if (!k || !s->node[slab_local_nid()])
		return NULL;
	/* Not kmalloc(): that might want an array of this very cache. */
	ac = slab_alloc_direct(k, GFP_NOWAIT | __GFP_NOWARN, slab_local_nid(), CALLER);
	if (!ac)
		return NULL;
	*ac = (struct array_cache){.node = s->node[slab_local_nid()], .batchcount = s->batchcount};
	ac->stack.avail = 0;
	ac->stack.limit = s->limit;
	this_cpu_deref(s->cpu) = &ac->stack;
	return ac;
}

/* From the top of the shared array. list_lock held. */
static unsigned shared_take(struct kmem_cache_node *n, void **objs, unsigned nr)
{
	struct array_cache *shared = n->shared;

	if (!shared)
		return 0;
	nr = min(nr, shared->stack.avail);
	UPDATE_ONCE(shared->stack.avail, -=, nr);
	n->shared_avail -= nr;
	memcpy(objs, shared->stack.entry + shared->stack.avail, nr * sizeof(void *));
	if (nr)
		WRITE_ONCE(shared->touched, 1); /* the reaper looks without the lock */
	return nr;
}

/* As much of the batch as the shared array has room for. list_lock held. */
static unsigned shared_put(struct kmem_cache_node *n, void **objs, unsigned nr)
{
	struct array_cache *shared = n->shared;

	if (!shared)
		return 0;
	nr = min(nr, shared->stack.limit - shared->stack.avail);
	memcpy(shared->stack.entry + shared->stack.avail, objs, nr * sizeof(void *));
	UPDATE_ONCE(shared->stack.avail, +=, nr);
	n->shared_avail += nr;
	return nr;
}

/*
 * New slabs of the array's node: one, or enough for a few objects where a slab holds less than that. (Linux
 * makes one; where a slab is a single object, every call would then be a miss.) Returns objects put into the
 * array. IRQs off.
 */
static __noinline unsigned array_grow(struct kmem_cache *s, struct array_cache *ac, gfp_t gfp, unsigned want)
{
	unsigned nr = ac->touched ? DIV_ROUND_UP(min(want, (unsigned)SLAB_GROW_OBJS), (unsigned)s->num) : 1,
		 got;
	struct kmem_cache_node *n = ac->node;
	struct page *slabs[SLAB_GROW_OBJS];

	nr = slab_create(s, gfp_here(gfp), n->nid, slabs, nr);
	if (!nr)
		return 0;
	spin_lock(&n->list_lock);
	got = node_add_slabs(n, slabs, nr, ac->stack.entry, want);
	spin_unlock(&n->list_lock);
	return got;
}

/*
 * Fills the empty array: shared array, partial slabs, free slabs, new slabs of this node. Returns one object
 * on top of what is then in the array, or NULL. IRQs off.
 */
static void *array_refill(struct kmem_cache *s, struct array_cache *ac, gfp_t gfp)
{
	struct kmem_cache_node *n = ac->node;
	unsigned want = ac->touched ? ac->batchcount : min(ac->batchcount, (u32)IDLE_REFILL), got = 0;
	void **entry = ac->stack.entry;

	if (READ_ONCE(n->free_objects) || (n->shared && READ_ONCE(n->shared->stack.avail))) {
		spin_lock(&n->list_lock);
		got = shared_take(n, entry, want);
		if (!got)
			got = node_take(n, entry, want);
		spin_unlock(&n->list_lock);
	}
	if (!got)
		got = array_grow(s, ac, gfp, want);
	if (!got)
		return NULL;
	ac->touched = 1;
	ac->stack.avail = got - 1;
	return entry[got - 1];
}

/* The oldest nr objects leave the array, into the shared one if that has room. IRQs off. */
static void array_flush(struct array_cache *ac, unsigned nr)
{
	struct kmem_cache_node *n = ac->node;
	void **entry = ac->stack.entry;
	LIST_HEAD(surplus);
	unsigned moved;

	spin_lock(&n->list_lock);
	moved = shared_put(n, entry, nr);
	if (!moved) {
		node_put(n, entry, nr, &surplus);
		moved = nr;
	}
	spin_unlock(&n->list_lock);
	ac->stack.avail -= moved;
	memmove(entry, entry + moved, ac->stack.avail * sizeof(void *));
	/* Only now: giving slabs back may come here again for other caches. */
	slab_release_list(&surplus);
}

/* ---- objects of other nodes ---- */

/* IRQs off. */
static void remote_flush(struct remote_stack *r)
{
	LIST_HEAD(surplus);

	while (r->avail) {
		struct kmem_cache_node *n = virt_to_page(r->entry[0])->slab_node;
		void *batch[SLAB_REMOTE_LIMIT];
		unsigned nr = 0, kept = 0, moved;

		for (unsigned i = 0; i < r->avail; i++) {
			if (virt_to_page(r->entry[i])->slab_node == n)
				batch[nr++] = r->entry[i];
			else
				r->entry[kept++] = r->entry[i];
		}
		r->avail = r->again = kept;
		spin_lock(&n->list_lock);
		moved = shared_put(n, batch, nr);
		node_put(n, batch + moved, nr - moved, &surplus);
		spin_unlock(&n->list_lock);
	}
	slab_release_list(&surplus);
}

void slab_free_remote(void *obj)
{
	unsigned long flags = arch_irq_save();
	struct remote_stack *r = this_cpu_ptr(&slab_remote);

	if (r->avail == SLAB_REMOTE_LIMIT)
		remote_flush(r);
	r->entry[r->avail++] = obj;
	r->again++;
	arch_irq_restore(flags);
}

/* ---- alloc ---- */

static __always_inline void *slab_alloc_done(struct kmem_cache *s, gfp_t gfp, void *obj)
{
	bool zero = gfp & __GFP_ZERO;

	if (likely(!zero && !opt_init_on_alloc) || !obj)
		return obj;
	if (zero && s->ctor)
		pr_warn_once("slab: %s: __GFP_ZERO undoes its constructor\n", s->name);
	return zero || slab_clearable(s) ? memset(obj, 0, s->object_size) : obj;
}

void *slab_alloc_miss(struct kmem_cache *s, gfp_t gfp, unsigned long caller)
{
	struct array_cache *ac;
	unsigned long flags;
	void *obj = NULL;

	if (unlikely(slab_bypassed(s))) /* as every cache is while failures are injected */
		return slab_alloc_done(s, gfp, slab_alloc_direct(s, gfp, slab_local_nid(), caller));
	flags = arch_irq_save();
	ac = array_get(s);
	if (likely(ac))
		obj = ac->stack.avail ? ac->stack.entry[--ac->stack.avail] : array_refill(s, ac, gfp);
	arch_irq_restore(flags);
	if (unlikely(!obj))
		obj = slab_alloc_one(s, gfp, slab_local_nid());
	if (likely(obj))
		slab_mark_live(s, obj);
	return slab_alloc_done(s, gfp, obj);
}

void *kmem_cache_alloc(struct kmem_cache *s, gfp_t gfp)
{
	return slab_alloc(s, gfp);
}

void *kmem_cache_alloc_node(struct kmem_cache *s, gfp_t gfp, int nid)
{
	if (nid == NUMA_NO_NODE || nid == slab_local_nid())
		return slab_alloc(s, gfp);
	BUG_ON((unsigned)nid >= nr_nodes, "%s: node %d does not exist", s->name, nid);
	return slab_alloc_done(s, gfp, slab_alloc_direct(s, gfp, nid, CALLER));
}

int kmem_cache_alloc_bulk(struct kmem_cache *s, gfp_t gfp, size_t nr, void **objs)
{
	for (size_t i = 0; i < nr; i++) {
		objs[i] = slab_alloc(s, gfp);
		if (unlikely(!objs[i])) {
			kmem_cache_free_bulk(s, i, objs);
			return 0;
		}
	}
	return (int)nr;
}

/* ---- free ---- */

void slab_free_miss(struct kmem_cache_node *n, void *obj, unsigned long caller)
{
	struct array_cache *ac;
	unsigned long flags;

	if (unlikely(slab_bypassed(n->cache))) {
		slab_free_direct(n, obj, caller);
		return;
	}
	slab_mark_free(n->cache, obj);
	flags = arch_irq_save();
	ac = array_get(n->cache);
	if (likely(ac && ac->node == n)) {
		if (ac->stack.avail == ac->stack.limit)
			array_flush(ac, ac->batchcount);
		ac->stack.entry[ac->stack.avail++] = obj;
	} else if (n->nid != slab_local_nid()) {
		slab_free_remote(obj);
	} else {
		slab_free_one(n, obj);
	}
	arch_irq_restore(flags);
}

static __noinline void kmem_cache_free_miss(struct kmem_cache *s, void *obj, unsigned long caller)
{
	struct kmem_cache_node *n;

	if (!obj)
		return;
	n = slab_page_or_bug(s, obj, caller)->slab_node;
	slab_free_miss(n, obj, caller);
}

void kmem_cache_free(struct kmem_cache *s, void *obj)
{
	if (!slab_has_page(obj) || !slab_free_hit(this_cpu_deref(s->cpu), virt_to_page(obj)->slab_node, obj))
		kmem_cache_free_miss(s, obj, CALLER);
}

void kmem_cache_free_bulk(struct kmem_cache *s, size_t nr, void **objs)
{
	for (size_t i = 0; i < nr; i++) {
		if (s)
			kmem_cache_free(s, objs[i]);
		else
			kfree(objs[i]);
	}
}

/* ---- drain and reap ---- */

static void body_free(struct array_cache *ac)
{
	slab_free_direct(virt_to_page(ac)->slab_node, ac, CALLER);
}

static void body_free_rcu(struct rcu_head *head)
{
	body_free(container_of((void **)head, struct array_cache, stack.entry[0]));
}

/*
 * This CPU's array into the slabs; its body goes. In an interrupt the code that was hit may be about to use the body: it
 * finds it without objects and without room, and the body goes after that code's next quiet point. IRQs off.
 */
static void array_drop(struct kmem_cache *s)
{
	struct array_cache *ac = array_of(this_cpu_deref(s->cpu));

	if (ac == &slab_no_array)
		return;
	while (ac->stack.avail)
		array_flush(ac, ac->stack.avail);
	this_cpu_deref(s->cpu) = &slab_no_array.stack;
	ac->stack.limit = 0;
	if (arch_in_interrupt())
		call_rcu((struct rcu_head *)ac->stack.entry, body_free_rcu);
	else
		body_free(ac);
}

/* The oldest nr objects of a shared array into the slabs. */
static void shared_flush(struct kmem_cache_node *n, unsigned nr)
{
	struct pcpu_stack *stack = &n->shared->stack;
	unsigned long flags = spin_lock_irqsave(&n->list_lock);
	LIST_HEAD(surplus);

	nr = min(nr, stack->avail);
	node_put(n, stack->entry, nr, &surplus);
	UPDATE_ONCE(stack->avail, -=, nr);
	n->shared_avail -= nr;
	memmove(stack->entry, stack->entry + nr, stack->avail * sizeof(void *));
	spin_unlock_irqrestore(&n->list_lock, flags);
	slab_release_list(&surplus);
}

static void drain_shared(struct kmem_cache *s)
{
	struct kmem_cache_node *n;

	for_each_cache_node (s, n)
		if (n->shared)
			shared_flush(n, n->shared->stack.limit);
}

static void drain_on_cpu(void *ctx)
{
	remote_flush(this_cpu_ptr(&slab_remote));
	array_drop(ctx);
}

void slab_drain(struct kmem_cache *s)
{
	smp_call_all(drain_on_cpu, s);
	drain_shared(s);
}

static void drain_all_on_cpu(void *ctx)
{
	struct kmem_cache *s;

	(void)ctx;
	remote_flush(this_cpu_ptr(&slab_remote));
	list_for_each_entry (s, &cache_list, list)
		array_drop(s);
}

void slab_drain_all(void)
{
	struct kmem_cache *s;

	smp_call_all(drain_all_on_cpu, NULL);
	list_for_each_entry (s, &cache_list, list)
		drain_shared(s);
}

/*
 * What an array that nobody touched since the last look gives up: a fifth of its limit, or half of what is
 * left.
 */
static unsigned reap_share(const struct array_cache *ac)
{
	unsigned nr = DIV_ROUND_UP(ac->stack.limit, (u32)REAP_FRACTION);
	u32 avail = READ_ONCE(ac->stack.avail); /* of a shared array, without the lock */

	return nr <= avail ? nr : (avail + 1) / 2;
}

void slab_reap_arrays(struct kmem_cache *s, struct kmem_cache_node *n, bool shared_too)
{
	unsigned long flags = arch_irq_save();
	struct array_cache *ac = array_of(this_cpu_deref(s->cpu));

	remote_flush(this_cpu_ptr(&slab_remote));
	if (ac->touched)
		ac->touched = 0;
	else if (ac->stack.avail)
		array_flush(ac, reap_share(ac));
	if (shared_too && n->shared) {
		if (READ_ONCE(n->shared->touched))
			WRITE_ONCE(n->shared->touched, 0);
		else
			shared_flush(n, reap_share(n->shared));
	}
	arch_irq_restore(flags);
}

void slab_for_each_cached(struct kmem_cache *s, void (*fn)(void *obj, int cpu, void *ctx), void *ctx)
{
	struct kmem_cache_node *n;
	unsigned cpu;

	for_each_possible_cpu (cpu) {
		const struct pcpu_stack *stack = *per_cpu_ptr(s->cpu, cpu);
		const struct remote_stack *r = per_cpu_ptr(&slab_remote, cpu);

		for (unsigned i = 0; i < READ_ONCE(stack->avail); i++)
			fn(stack->entry[i], (int)cpu, ctx);
		for (unsigned i = 0; i < READ_ONCE(r->avail); i++)
			if (virt_to_page(r->entry[i])->slab_node->cache == s)
				fn(r->entry[i], (int)cpu, ctx);
	}
	for_each_cache_node (s, n)
		for (unsigned i = 0; n->shared && i < READ_ONCE(n->shared->stack.avail); i++)
			fn(n->shared->stack.entry[i], -1, ctx);
}

void slab_update_bypass(void)
{
	bool bypass = fault_armed(&failslab) || opt_init_on_alloc || opt_init_on_free;

	WRITE_ONCE(slab_bypass_all, bypass);
	if (!bypass)
		return;
	spin_lock(&cache_list_lock);
	slab_drain_all();
	spin_unlock(&cache_list_lock);
}
