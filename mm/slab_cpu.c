/*
 * slab_cpu.c - per-CPU arrays of free objects: the fast paths, refill and flush.
 *
 * Idea.       Most objects are freed on the CPU that allocated them, and the object freed last is most
 *             likely in the cache. A stack for each CPU and cache serves both calls with a push or a
 *             pop. Only every batchcount-th call goes to the slabs and takes their lock once for the
 *             whole batch.
 * Layout.     cache->cpu (per-CPU cell) -> array_cache.stack; entry[avail - 1] is the top, entry[0] the
 *             oldest. slab_remote (per CPU) holds up to 12 objects of other nodes, of any cache.
 *             node->shared, under list_lock, passes objects between the CPUs of a node, if it has
 *             several. limit 120, batchcount 60:
 *
 *              alloc, array empty   refill: 60 from the shared array, partial or free slabs   59 stay in the array
 *              free, array full     flush: the oldest 60 to the shared array or the slabs     60 stay, then the new one
 *
 *             A cell points to slab_no_array (avail = limit = 0) until the CPU first uses the cache,
 *             and again after a drain. A cache with debug flags never gets a body (its own
 *             array_cache); while failslab is armed, or under init_on_alloc/free, no cache does. Then each call
 *             misses the fast path and is served from the slabs directly. The fast path needs no test
 *             for it.
 * Invariants. A1  avail <= limit; every entry is an object of the array's node, and its slab counts it
 *                 as allocated
 *             A2  no object is twice in the arrays of a cache, and none is in an array and in its slab
 *             A3  slab_no_array.avail == slab_no_array.limit == 0
 *             A4  debugged and bypassed caches have no array bodies
 *             A5  a CPU's array belongs to the node that serves the CPU, a shared array to its node; limit and
 *                 batchcount are those of the cache
 *             A6  a remote stack holds no more objects than it has room for
 * Locking.    Only the owner CPU touches its arrays. Push and pop are restartable (arch/pcpu.h); larger
 *             changes run with IRQs off. An interrupt may install a body. It may also remove one (a
 *             drain that another CPU requests): the body is then closed at once (limit 0) and freed
 *             after a grace period.
 * Lines.      Refills take adjacent objects, and a batch of the small kmalloc sizes fills whole cache
 *             lines. So two CPUs that allocate from a new slab share no line. An object that another
 *             CPU frees stays on that CPU, while its neighbours are on the first one. If both CPUs
 *             write them all the time, the line moves between the CPUs (bench smp.scratch.16). To
 *             prevent this, each free would have to test the slab's CPU, a load and a compare in the
 *             fast path. Objects that CPUs write at the same time belong in a cache with
 *             SLAB_HWCACHE_ALIGN or an alignment of a line (smp.scratch.line).
 * Failure.    If there is no memory for a body, the call works on the slabs. No objects and no pages:
 *             NULL.
 * Next:       slab_cache.c, which creates and destroys caches; kmalloc.c, the caches by size;
 *             slab_check.c, the checks.
 *
 * Not Linux: a refill that finds no free object creates slabs for a few objects, not always one slab.
 * Remote objects go to one small stack for each CPU instead of an array for each pair of nodes and
 * cache. A flush groups them by owner and takes each list_lock once.
 */
#include "slab_internal.h"

#include <arch/irq.h>
#include <kernel/cmdline.h>
#include <kernel/smp.h>
#include <kernel/work.h>
#include <mm/kmalloc.h>

#include "internal.h"

enum {
	IDLE_REFILL = 16, /* objects that an array gets if it was idle for a period of the reaper */
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

/* Takes one free object out of the node's slabs; NULL if there is none. */
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

/* Creates a slab on node nid and takes one object out of it. */
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

/* Restricts gfp to pages of this node that are available without reclaim. */
static gfp_t gfp_here(gfp_t gfp)
{
	return (gfp & ~(__GFP_RECLAIM | __GFP_NOFAIL)) | __GFP_THISNODE | __GFP_NOWARN;
}

/*
 * Tries the slabs of nid, a new slab there, other nodes' slabs by distance, then pages with all that
 * the caller's flags permit.
 */
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

/* Returns whether a free object of the cache may be zeroed: it has no state that must survive. */
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

/*
 * Returns this CPU's array, with a body made at the first use. NULL if it has none now. Context: IRQs
 * off.
 */
static struct array_cache *array_get(struct kmem_cache *s)
{
	struct array_cache *ac = array_of(this_cpu_deref(s->cpu));
	struct kmem_cache *k;

	if (likely(ac != &slab_no_array))
		return ac;
	if (unlikely(slab_bypassed(s)))
		return NULL; /* the bypass began after the caller tested it */
	/* At least two entries: array_drop() uses them as rcu_head. */
	k = kmalloc_cache_for(sizeof(*ac) + max(s->limit, 2U) * sizeof(void *));
	if (!k || !s->node[slab_local_nid()])
		return NULL;
	/* kmalloc() would not do: it may need an array of this very cache. */
	ac = slab_alloc_direct(k, GFP_NOWAIT | __GFP_NOWARN, slab_local_nid(), CALLER);
	if (!ac)
		return NULL;
	*ac = (struct array_cache){.node = s->node[slab_local_nid()], .batchcount = s->batchcount};
	ac->stack.avail = 0;
	ac->stack.limit = s->limit;
	this_cpu_deref(s->cpu) = &ac->stack;
	return ac;
}

/* Takes up to nr objects from the top of the shared array. Context: list_lock held. */
static unsigned shared_take(struct kmem_cache_node *n, void **objs, unsigned nr)
{
	struct array_cache *shared = n->shared;

	if (!shared)
		return 0;
	nr = min(nr, shared->stack.avail);
	UPDATE_ONCE(shared->stack.avail, -=, nr);
	n->shared_avail -= nr;
	memcpy(objs, shared->stack.entry + shared->stack.avail, nr * sizeof(void *));
	/* The reaper reads it without the lock. */
	if (nr)
		WRITE_ONCE(shared->touched, 1);
	return nr;
}

/*
 * Moves as many of nr objects to the shared array as it has room for. Returns their number. Context:
 * list_lock held.
 */
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
 * Creates slabs on the array's node: one, or as many as hold SLAB_GROW_OBJS objects. (Linux creates
 * one; if a slab holds a single object, every call would then miss.) Returns the number of objects put
 * into the array. Context: IRQs off.
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
 * Fills the empty array from the shared array, partial slabs, free slabs, or new slabs of this node.
 * Returns one object that is not in the array, NULL if there is none. Context: IRQs off.
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

/*
 * Moves the oldest nr objects to the shared array, as many as it has room for; if it has none, to the
 * slabs. Context: IRQs off.
 */
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
	/* Freeing slabs may call this function for other caches, so it is done last. */
	slab_release_list(&surplus);
}

/* ---- objects of other nodes ---- */

/*
 * Empties the remote stack: takes all objects of the first entry's node, then repeats for the rest.
 * Context: IRQs off.
 */
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

/* Zeroes the new object if gfp or init_on_alloc requires it. */
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

	/* While failures are injected every cache is bypassed. */
	if (unlikely(slab_bypassed(s)))
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

/* Frees the memory of an array. */
static void body_free(struct array_cache *ac)
{
	slab_free_direct(virt_to_page(ac)->slab_node, ac, CALLER);
}

static void body_free_rcu(struct rcu_head *head)
{
	body_free(container_of((void **)head, struct array_cache, stack.entry[0]));
}

/*
 * Empties this CPU's array into the slabs and frees its body. In an interrupt, the interrupted code may
 * be about to use the body. It then finds it empty and without room; the body is freed after that
 * code's next quiescent point. Context: IRQs off.
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

/* Moves the oldest nr objects of a shared array to the slabs. */
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
 * Number of objects that the reaper takes from an array that was idle for a period: a fifth of its
 * limit, rounded up; if it holds fewer, half of them.
 */
static unsigned reap_share(const struct array_cache *ac)
{
	unsigned nr = DIV_ROUND_UP(ac->stack.limit, (u32)REAP_FRACTION);
	/* A shared array is read without the lock. */
	u32 avail = READ_ONCE(ac->stack.avail);

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
