/*
 * slab_cache.c - caches: creation, shrinking, destruction, the reaper, and the first two caches, from
 * which all others come.
 *
 * Idea.       A cache is a descriptor, a struct for each node with memory, and a cell for each CPU that
 *             points to its array. The reaper frees the memory of idle caches in small steps.
 * Layout.     cache_list: all caches. cpus_on_node[nid]: number of CPUs that get their objects from
 *             that node.
 * Invariants. C1  a cache on the list is complete: the members that creation fixes are unchanged, and
 *                 it has a part on each node with memory
 *             C2  the part of a node names its cache and node; its limits follow from the cache's and
 *                 from the CPUs there
 * Locking.    cache_list_lock protects the list of caches. The reaper only tries locks.
 * Failure.    No memory: NULL, nothing has changed. A cache with allocated objects is not destroyed:
 *             -EBUSY with a list of them.
 * Source.     Linux mm/slab.c (cache_reap, setup_kmem_cache_node, kmem_cache_init), mm/slab_common.c.
 * Next:       kmalloc.c.
 *
 * Not Linux: caches are never merged, so each keeps its own statistics. The two bootstrap caches keep
 * their static descriptors: a struct that holds list heads or locks is never copied.
 */
#include "slab_internal.h"

#include <arch/time.h>
#include <kernel/failure.h>
#include <kernel/errno.h>
#include <kernel/random.h>
#include <kernel/work.h>
#include <mm/kmalloc.h>
#include <mm/memmap.h>
#include <mm/percpu.h>

#include "internal.h"

#define SLAB_CREATE_FLAGS                                                                                   \
	(SLAB_DEBUG_FLAGS | SLAB_HWCACHE_ALIGN | SLAB_CACHE_DMA | SLAB_CACHE_DMA32 | SLAB_RECLAIM_ACCOUNT | \
	 SLAB_PANIC | SLAB_TYPESAFE_BY_RCU | SLAB_NOLEAKTRACE | SLAB_NO_USER_FLAGS)
#define REAP_PERIOD_NS 2000000000UL
/* Period of the pass over a node's shared array and empty slabs. */
#define REAP_NODE_NS 4000000000UL

struct spinlock cache_list_lock = SPINLOCK_INIT("cache_list", LOCK_CACHE_LIST);
LIST_HEAD(cache_list);

static struct kmem_cache *cache_cache, *node_cache;

/* ---- caches ---- */

int slab_nid(int nid)
{
	for (struct zone *const *z = nodes[nid].fallback.zone; *z; z++)
		if ((*z)->type <= ZONE_NORMAL && (*z)->managed)
			return (*z)->nid;
	return nid;
}

int slab_local_nid(void)
{
	return slab_nid(numa_node_id());
}

/* CPUs that get their objects from the node, including CPUs of nodes without memory. */
static u16 cpus_on_node[MAX_NODES];

static void count_cpus(void)
{
	unsigned cpu;

	for_each_possible_cpu (cpu)
		cpus_on_node[slab_nid(cpu_to_node_map[cpu])]++;
}

unsigned long slab_free_limit(const struct kmem_cache *s, int nid)
{
	return (1UL + cpus_on_node[nid]) * s->batchcount + s->num;
}

u64 slab_cache_seal(const struct kmem_cache *s)
{
	u64 words[offsetof(struct kmem_cache, seal) / sizeof(u64)], sum = 0;

	static_assert(offsetof(struct kmem_cache, seal) % sizeof(u64) == 0, "words");
	memcpy(words, s, sizeof(words));
	for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
		sum = mix64(sum ^ words[i]);
	return sum;
}

u64 slab_node_seal(const struct kmem_cache_node *n)
{
	const u64 words[] = {(u64)n->cache, (u64)n->cpu, (u64)n->nid, n->free_limit, (u64)n->shared};
	u64 sum = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
		sum = mix64(sum ^ words[i]);
	return sum;
}

static void node_setup(struct kmem_cache_node *n, struct kmem_cache *s, int nid)
{
	*n = (struct kmem_cache_node){.cache = s, .cpu = s->cpu, .nid = nid};
	spin_init(&n->list_lock, "slab_node", LOCK_CACHE_NODE, (unsigned)nid);
	list_init(&n->slabs_partial);
	list_init(&n->slabs_full);
	list_init(&n->slabs_free);
	n->free_limit = slab_free_limit(s, nid);
	/* Spread over the period, so the caches are not all due at once. */
	n->next_reap_ns = arch_time_ns() + REAP_NODE_NS + (unsigned long)s % REAP_NODE_NS;
	n->seal = slab_node_seal(n);
	s->node[nid] = n;
}

/* Creates the shared arrays, in which a node's CPUs pass objects to each other in whole batches. */
static void cache_enable_shared(struct kmem_cache *s)
{
	u32 limit = s->shared * s->batchcount;
	struct kmem_cache *k = kmalloc_cache_for(sizeof(struct array_cache) + limit * sizeof(void *));
	struct kmem_cache_node *n;

	/*
	 * During bootstrap the kmalloc cache may not exist yet; slab_init() calls again for this cache.
	 */
	if (!k)
		return;

	for_each_cache_node (s, n) {
		struct array_cache *ac;

		if (!limit || n->shared || cpus_on_node[n->nid] < 2 || (s->flags & SLAB_DEBUG_FLAGS))
			continue;
		ac = kmem_cache_alloc_node(k, GFP_KERNEL, n->nid);
		/* Without a shared array the cache works, but more slowly. */
		if (!ac)
			continue;
		*ac = (struct array_cache){.node = n, .batchcount = s->batchcount};
		ac->stack.avail = 0;
		ac->stack.limit = limit;
		n->shared = ac;
		n->seal = slab_node_seal(n);
	}
}

/* Allocates the per-CPU cells; all point to slab_no_array. */
static bool cache_alloc_cell(struct kmem_cache *s)
{
	unsigned cpu;

	s->cpu = alloc_percpu(struct pcpu_stack *);
	if (!s->cpu)
		return false;
	for_each_possible_cpu (cpu)
		*per_cpu_ptr(s->cpu, cpu) = &slab_no_array.stack;
	return true;
}

/* Allocates the missing parts on nodes with memory. Returns false if memory is short. */
static bool cache_alloc_nodes(struct kmem_cache *s)
{
	for (unsigned nid = 0; nid < nr_nodes; nid++) {
		struct kmem_cache_node *n;

		if (s->node[nid] || !nodes[nid].has_memory)
			continue;
		n = kmem_cache_alloc_node(node_cache, GFP_KERNEL, (int)nid);
		if (!n)
			return false;
		node_setup(n, s, (int)nid);
	}
	return true;
}

static void cache_free_parts(struct kmem_cache *s)
{
	struct kmem_cache_node *n;

	for_each_cache_node (s, n) {
		kfree(n->shared);
		kmem_cache_free(node_cache, n);
	}
	if (s->cpu)
		free_percpu(s->cpu);
	kmem_cache_free(cache_cache, s);
}

static void cache_link(struct kmem_cache *s)
{
	s->seal = slab_cache_seal(s);
	spin_lock(&cache_list_lock);
	list_add(&s->list, &cache_list);
	spin_unlock(&cache_list_lock);
}

static const char *cache_bad_argument(const char *name, unsigned size, unsigned align, unsigned flags)
{
	if (!name || !*name || strlen(name) >= SLAB_NAME_LEN || strchr(name, ' '))
		return "name: 1 to 31 characters without blanks";
	if (!size || size > KMALLOC_MAX_SIZE)
		return "size: 1 byte to the largest block of pages";
	if (align && (!is_pow2(align) || align > KMALLOC_MAX_SIZE))
		return "align: 0 or a power of two up to the largest block of pages";
	if (flags & ~SLAB_CREATE_FLAGS)
		return "unknown flags";
	return NULL;
}

static struct kmem_cache *cache_create(const char *name, unsigned size, unsigned align, unsigned flags,
				       void (*ctor)(void *))
{
	struct kmem_cache *s = kmem_cache_zalloc(cache_cache, GFP_KERNEL);
	unsigned user_flags = flags & SLAB_NO_USER_FLAGS ? 0 : slab_debug_flags(name);

	if (!s)
		return NULL;
	strlcpy(s->name, name, sizeof(s->name));
	s->ctor = ctor;
	/* Debug flags of the command line are dropped if the cache would be impossible with them. */
	if (!(user_flags && slab_geometry(s, size, align, flags | user_flags)) &&
	    !slab_geometry(s, size, align, flags)) {
		failure_note("no slab order holds an object");
		goto err_cache;
	}
	if (!cache_alloc_cell(s) || !cache_alloc_nodes(s))
		goto err_cache;
	cache_enable_shared(s);
	cache_link(s);
	return s;
err_cache:
	cache_free_parts(s);
	return NULL;
}

struct kmem_cache *kmem_cache_create(const char *name, unsigned size, unsigned align, unsigned flags,
				     void (*ctor)(void *))
{
	const char *bad = cache_bad_argument(name, size, align, flags);
	unsigned long mark = failure_mark();
	struct kmem_cache *s = bad ? NULL : cache_create(name, size, align, flags, ctor);

	if (s)
		return s;
	if (bad)
		failure_note(bad);
	else if (!boot_done && flags & SLAB_PANIC)
		boot_refused("out of memory at boot: cache %s: %s%s", name, failure_since(mark),
			     memmap_blame());
	bad = failure_since(mark);
	if (flags & SLAB_PANIC)
		panic("kmem_cache_create(%s, size %u, align %u, flags 0x%x): %s", name ? name : "NULL", size,
		      align, flags, bad);
	pr_warn("slab: kmem_cache_create(%s, size %u, align %u, flags 0x%x) by %pS: %s\n",
		name ? name : "NULL", size, align, flags, (void *)CALLER, bad);
	return NULL;
}

struct kmem_cache *slab_find_cache(const char *name)
{
	struct kmem_cache *s, *found = NULL;

	spin_lock(&cache_list_lock);
	list_for_each_entry (s, &cache_list, list) {
		if (strcmp(s->name, name) == 0) {
			found = s;
			break;
		}
	}
	spin_unlock(&cache_list_lock);
	return found;
}

/*
 * Frees every empty slab of the cache and adds the pages to *nr_pages. Returns the number of slabs that
 * remain.
 */
static unsigned long cache_release_empty(struct kmem_cache *s, unsigned long *nr_pages)
{
	struct kmem_cache_node *n;
	unsigned long left = 0;

	for_each_cache_node (s, n) {
		LIST_HEAD(surplus);
		unsigned long flags = spin_lock_irqsave(&n->list_lock);

		node_trim(n, n->free_slabs, &surplus);
		left += n->total_slabs;
		spin_unlock_irqrestore(&n->list_lock, flags);
		*nr_pages += slab_release_list(&surplus);
	}
	return left;
}

int kmem_cache_shrink(struct kmem_cache *s)
{
	unsigned long nr_pages = 0;

	slab_drain(s);
	return cache_release_empty(s, &nr_pages) != 0;
}

int kmem_cache_destroy(struct kmem_cache *s)
{
	if (!s)
		return 0;
	spin_lock(&cache_list_lock);
	/* From now on the reaper does not find the cache. */
	list_del(&s->list);
	spin_unlock(&cache_list_lock);
	if (kmem_cache_shrink(s)) {
		cache_link(s);
		pr_err("slab: kmem_cache_destroy(%s) by %pS: refused, objects are live\n", s->name,
		       (void *)CALLER);
		slab_report_live(s);
		return -EBUSY;
	}
	/* Slabs that wait for a grace period still name the cache. */
	if (s->flags & SLAB_TYPESAFE_BY_RCU)
		rcu_barrier();
	cache_free_parts(s);
	return 0;
}

unsigned kmem_cache_size(const struct kmem_cache *s)
{
	return s->object_size;
}

const char *kmem_cache_name(const struct kmem_cache *s)
{
	return s->name;
}

/* ---- reaper ---- */

/*
 * Frees empty slabs of the node (a fifth of free_limit) unless one was used since the last pass. Skips
 * a node whose lock is taken.
 */
static unsigned long node_reap(struct kmem_cache_node *n, u64 now)
{
	const struct kmem_cache *s = n->cache;
	LIST_HEAD(surplus);
	unsigned long flags;

	flags = arch_irq_save();
	if (spin_trylock(&n->list_lock)) {
		WRITE_ONCE(n->next_reap_ns, now + REAP_NODE_NS);
		if (n->free_touched)
			n->free_touched = false;
		else
			node_trim(n, DIV_ROUND_UP(n->free_limit, 5UL * s->num), &surplus);
		spin_unlock(&n->list_lock);
	}
	arch_irq_restore(flags);
	return slab_release_list(&surplus);
}

/*
 * Linux's cache_reap() for one cache: this CPU's array and, each REAP_NODE_NS, the node's shared array
 * and empty slabs. A node without CPUs is reaped by the first CPU that finds it due.
 */
static unsigned long cache_reap(struct kmem_cache *s)
{
	const int here = slab_local_nid();
	u64 now = arch_time_ns();
	unsigned long nr_pages = 0;
	struct kmem_cache_node *n;

	for_each_cache_node (s, n) {
		bool due = now >= READ_ONCE(n->next_reap_ns);

		if (n->nid == here)
			slab_reap_arrays(s, n, due);
		if (due && (n->nid == here || !cpus_on_node[n->nid]))
			nr_pages += node_reap(n, now);
	}
	return nr_pages;
}

/*
 * Empties the arrays first, then frees the slabs that became empty: array bodies are objects, too.
 * Context: cache_list_lock held.
 */
static unsigned long reap_all(void)
{
	unsigned long nr_pages = 0;
	struct kmem_cache *s;

	slab_drain_all();
	list_for_each_entry (s, &cache_list, list)
		cache_release_empty(s, &nr_pages);
	return nr_pages;
}

void slab_settle(void)
{
	spin_lock(&cache_list_lock);
	reap_all();
	spin_unlock(&cache_list_lock);
}

/*
 * Slabs are freed under cache_list_lock, because they name a cache that must not be destroyed
 * meanwhile.
 */
unsigned long slab_reap(bool all)
{
	unsigned long nr_pages = 0;
	struct kmem_cache *s;

	if (!spin_trylock(&cache_list_lock))
		return 0;
	if (all) {
		nr_pages = reap_all();
	} else {
		list_for_each_entry (s, &cache_list, list)
			nr_pages += cache_reap(s);
	}
	spin_unlock(&cache_list_lock);
	return nr_pages;
}

static bool reap_step(void)
{
	slab_reap(false);
	return false;
}

/* Deferred work of each CPU, which reaps its own arrays. */
static DEFINE_PER_CPU(struct work,
		      reap_work) = {.name = "slab_reap", .step = reap_step, .period_ns = REAP_PERIOD_NS};

void slab_cpu_init(void)
{
	work_register(this_cpu_ptr(&reap_work));
}

/* No count: how many objects are free in arrays is not known before they are drained. */
static unsigned long slabs_scan(unsigned long nr)
{
	(void)nr;
	return slab_reap(true);
}

static struct shrinker slab_shrinker = {.name = "slab", .rank = SHRINKER_SLABS, .scan = slabs_scan};

/* ---- bootstrap ---- */

/*
 * Descriptors come from cache_cache and node structs from node_cache. These two have static
 * descriptors, and node structs in pages of their own. So the node structs exist before the first slab
 * of these caches is created.
 */
static struct kmem_cache *boot_cache(struct kmem_cache *s, const char *name, unsigned size,
				     struct kmem_cache_node *n)
{
	strlcpy(s->name, name, sizeof(s->name));
	if (!slab_geometry(s, size, 0, SLAB_HWCACHE_ALIGN) || !cache_alloc_cell(s))
		boot_refused("out of memory at boot: no page for the cache %s%s", name, memmap_blame());
	for (unsigned nid = 0; nid < nr_nodes; nid++)
		if (nodes[nid].has_memory)
			node_setup(&n[nid], s, (int)nid);
	cache_link(s);
	return s;
}

void slab_init(void)
{
	static u8 boot_caches[2][sizeof(struct kmem_cache) + MAX_NODES * sizeof(void *)] __aligned(
		CACHE_LINE);
	struct kmem_cache_node *boot_nodes =
		alloc_pages_exact(2 * nr_nodes * sizeof(*boot_nodes), GFP_KERNEL);
	struct kmem_cache *s;

	slab_default_order();
	if (!boot_nodes)
		boot_refused("out of memory at boot: no page for the first caches%s", memmap_blame());
	count_cpus();
	cache_cache =
		boot_cache((void *)boot_caches[0], "kmem_cache",
			   (unsigned)(sizeof(struct kmem_cache) + nr_nodes * sizeof(void *)), &boot_nodes[0]);
	node_cache = boot_cache((void *)boot_caches[1], "kmem_cache_node", sizeof(struct kmem_cache_node),
				&boot_nodes[nr_nodes]);
	kmalloc_init();
	list_for_each_entry (s, &cache_list, list)
		cache_enable_shared(s);
	slab_update_bypass();
	slab_cpu_init();
	register_shrinker(&slab_shrinker);
}
