/*
 * load.c - a machine in the middle of its work: something of everything is there.
 *
 * Idea.       What is damaged must be there first. So each CPU in turn takes objects, blocks and areas of every kind and
 *             gives a part back, some of it on another node than it came from; then the other CPUs go to sleep for good.
 * Layout.     cache_kind[]: a cache of each kind. held[]: what stays live.
 * Invariants. One CPU works at a time, from one generator: a seed leads to the same state again.
 * Locking.    None: see above.
 * Failure.    An allocation that fails makes corrupt_load() answer false: the machine is too small.
 * Next:       campaign.c.
 */
#include "corrupt.h"

#include <sys/mman.h>

#include "../../kernel/base/work_internal.h"
#include "../../mm/slab_internal.h"
#include "../../mm/vmap.h"

#include <arch/time.h>
#include <mm/percpu.h>
#include <kernel/random.h>
#include <kernel/smp.h>
#include <kernel/work.h>
#include <mm/internal.h>
#include <mm/kmalloc.h>
#include <mm/page_alloc.h>
#include <mm/vmalloc.h>

enum {
	OBJECTS = 220, /* of each cache and CPU: more than an array's limit, and some slabs' worth */
	SIZES = 60,
	BLOCKS = 60,
	AREAS = 16,
	PERCPU = 40,
	CALLBACKS = 100, /* a quiet point runs 64 */
	MAX_CPUS = 8,
};
#define FOR_GOOD_NS (24UL * 3600 * 1000000000)

static void construct(void *obj)
{
	*(unsigned long *)obj = 0x5f5f5f5f5f5f5f5fUL;
}

static const struct {
	const char *name;
	unsigned size, align, flags;
	void (*ctor)(void *);
} cache_kind[] = {
	{"corrupt-small", 24, 0, 0, NULL},
	{"corrupt-ctor", 88, 0, 0, construct},
	{"corrupt-line", 100, 0, SLAB_HWCACHE_ALIGN, NULL},
	{"corrupt-off", 700, 0, SLAB_TYPESAFE_BY_RCU, NULL},
	{"corrupt-order", 2600, 0, SLAB_RECLAIM_ACCOUNT, NULL},
	{"corrupt-dma", 200, 64, SLAB_CACHE_DMA, NULL},
	{"corrupt-zones", 64, 0, SLAB_RED_ZONE, NULL},
	{"corrupt-debug", 104, 0, SLAB_RED_ZONE | SLAB_POISON | SLAB_STORE_USER | SLAB_CONSISTENCY_CHECKS,
	 NULL},
	{"corrupt-poison", 333, 32, SLAB_POISON | SLAB_RED_ZONE, construct},
};

static struct kmem_cache *cache[ARRAY_SIZE(cache_kind)];
/* By the CPU that took them. */
static struct held {
	void *object[ARRAY_SIZE(cache_kind)][OBJECTS];
	void *sized[SIZES];
	struct page *block[BLOCKS];
	unsigned order[BLOCKS];
} * held; /* no part of the image: it would be memory that small machines miss */
static void *percpu[PERCPU];
static u64 rng;
static bool short_of_memory;

static void *got(void *p)
{
	short_of_memory |= !p;
	return p;
}

/* ---- on each CPU ---- */

static void take_objects(struct held *h)
{
	for (unsigned k = 0; k < ARRAY_SIZE(cache_kind); k++)
		for (unsigned i = 0; i < OBJECTS; i++)
			h->object[k][i] = got(kmem_cache_alloc(cache[k], GFP_KERNEL));
	for (unsigned i = 0; i < SIZES; i++)
		h->sized[i] = got(kmalloc(1 + xorshift64(&rng) % (i % 8 ? 1500 : 40000), GFP_KERNEL));
	for (unsigned i = 0; i < BLOCKS; i++) {
		h->order[i] = i < BLOCKS / 2 ? i % 3 : xorshift64(&rng) % 6;
		h->block[i] = got(alloc_pages(GFP_KERNEL | (i % 3 == 1 ? __GFP_MOVABLE : 0), h->order[i]));
	}
}

/* Half of what a CPU has, here: its own, or objects of another node. */
static void give_objects(struct held *h)
{
	for (unsigned k = 0; k < ARRAY_SIZE(cache_kind); k++)
		for (unsigned i = 0; i < OBJECTS; i++)
			if (h->object[k][i] && xorshift64(&rng) % 5 < 2) {
				kmem_cache_free(cache[k], h->object[k][i]);
				h->object[k][i] = NULL;
			}
	for (unsigned i = 1; i < SIZES; i += 2) {
		kfree(h->sized[i]);
		h->sized[i] = NULL;
	}
	for (unsigned i = 0; i < BLOCKS; i++)
		if (h->block[i] && xorshift64(&rng) % 2) {
			__free_pages(h->block[i], h->order[i]);
			h->block[i] = NULL;
		}
}

static void use_areas(void)
{
	for (unsigned i = 0; i < AREAS; i++) {
		void *area = got(vmalloc(PAGE_SIZE * (1 + xorshift64(&rng) % 9)));

		if (i % 3 == 0)
			vfree(area);
	}
}

static void work_here(void *ctx)
{
	take_objects(&held[*(unsigned *)ctx]);
	use_areas();
}

static void give_here(void *ctx)
{
	give_objects(&held[*(unsigned *)ctx]);
}

static void run_on(unsigned cpu, void (*fn)(void *ctx), unsigned *ctx)
{
	struct smp_task task = {.fn = fn, .ctx = ctx};

	if (cpu == arch_cpu_id()) {
		fn(ctx);
		return;
	}
	while (smp_start(cpu, &task))
		quiet_point();
	smp_wait(&task);
}

static void on_each_cpu(void (*fn)(void *ctx), unsigned shift)
{
	unsigned cpu, nr = cpumask_weight(&cpu_online_mask);

	for_each_online_cpu (cpu) {
		unsigned of = (cpu + shift) % nr;

		if (cpu < MAX_CPUS && of < MAX_CPUS)
			run_on(cpu, fn, &of);
	}
}

/* ---- of the machine ---- */

static bool make_caches(void)
{
	for (unsigned k = 0; k < ARRAY_SIZE(cache_kind); k++) {
		cache[k] = kmem_cache_create(cache_kind[k].name, cache_kind[k].size, cache_kind[k].align,
					     cache_kind[k].flags, cache_kind[k].ctor);
		if (!cache[k])
			return false;
	}
	return true;
}

/* One pageblock of each zone that has so many free ones is isolated, one is kept for requests of high order. */
static void set_pageblocks_apart(void)
{
	struct zone *zone;

	for_each_populated_zone (zone) {
		struct page *page = alloc_pages_node(zone->nid, GFP_KERNEL | __GFP_THISNODE, PAGEBLOCK_ORDER);
		unsigned long flags;

		if (!page)
			continue;
		__free_pages(page, PAGEBLOCK_ORDER);
		zone = page_zone(page);
		flags = spin_lock_irqsave(&zone->lock);
		if (!zone->nr_isolated_blocks)
			buddy_isolate(zone, page);
		spin_unlock_irqrestore(&zone->lock, flags);
		page = alloc_pages_node(zone->nid, GFP_ATOMIC | __GFP_THISNODE, 4);
		if (!page)
			continue;
		zone = page_zone(page);
		flags = spin_lock_irqsave(&zone->lock);
		buddy_reserve_highatomic(zone, page);
		spin_unlock_irqrestore(&zone->lock, flags);
	}
}

static void use_percpu(void)
{
	for (unsigned i = 0; i < PERCPU; i++)
		percpu[i] = got(alloc_percpu_size(16UL << i % 10, 8UL << i % 4));
	for (unsigned i = 0; i < PERCPU; i += 3) {
		free_percpu(percpu[i]);
		percpu[i] = NULL;
	}
}

bool corrupt_load(u64 seed)
{
	rng = mix64(seed);
	held = mmap(NULL, MAX_CPUS * sizeof(*held), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0);
	if (held == MAP_FAILED || !make_caches())
		return false;
	on_each_cpu(work_here, 0);
	on_each_cpu(give_here, 0);
	on_each_cpu(give_here, 1); /* the next CPU's, which may be of the other node */
	on_each_cpu(work_here, 0); /* what is still there is lost: it stays live */
	set_pageblocks_apart();
	use_percpu();
	on_each_cpu(give_here, 1);
	vfree(got(vmalloc_huge(MIB(4), GFP_KERNEL)));
	got(vmalloc_huge(MIB(2), GFP_KERNEL));
	return !short_of_memory;
}

/* ---- and then nothing any more ---- */

static void nothing(struct rcu_head *head)
{
	(void)head;
}

/* Work that comes due by itself: not before the end. On the CPU itself. */
static void put_off(void *ctx)
{
	(void)ctx;
	for (struct work *w = work_queue[arch_cpu_id()].first; w; w = w->next)
		if (w->period_ns) {
			w->period_ns = FOR_GOOD_NS;
			w->due_ns = arch_time_ns() + FOR_GOOD_NS;
		}
}

void corrupt_freeze(void)
{
	static struct rcu_head head[2 * CALLBACKS];

	on_each_cpu(put_off, 0);
	smp_settle(); /* each looks when it has to wake up: not before the end */
	smp_hold();
	for (unsigned i = 0; i < CALLBACKS; i++)
		call_rcu(&head[i], nothing);
	rcu_quiet();
	rcu_quiet();
	for (unsigned i = 0; i < 8; i++)
		call_rcu(&head[CALLBACKS + i], nothing);
}
