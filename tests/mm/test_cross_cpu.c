/*
 * test_cross_cpu.c - memory that is taken on one CPU and given back on another, and structures of all CPUs.
 *
 * Idea.       Each layer keeps something per CPU: page lists, object arrays, sections. What one CPU keeps must be
 *             found by those who ask for all of it, and must not be used by two.
 * Layout.     A second CPU runs one half of a case as a task.
 * Invariants. After each case the runner counts pages and objects and checks every layer.
 * Locking.    As the layers have it: the halves run at the same time where the name says so.
 * Failure.    None expected.
 * Next:       test_cross_vm.c.
 */
#include "scratch.h"

#include "../kernel/other_cpu.h"
#include "zone_fixture.h"

#include <arch/time.h>
#include <kernel/errno.h>
#include <mm/check.h>
#include <mm/internal.h>
#include <mm/kmalloc.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>
#include <mm/slab_internal.h>
#include <mm/percpu.h>

enum { NR = 300, ROUNDS = 400 };

static _Atomic unsigned step;

/* ---- pages ---- */

static struct page *pages[NR];

static void take_pages(void *ctx)
{
	(void)ctx;
	for (unsigned i = 0; i < NR; i++)
		pages[i] = alloc_page(GFP_KERNEL);
}

static void give_pages(void *ctx)
{
	(void)ctx;
	for (unsigned i = 0; i < NR; i++)
		if (pages[i])
			__free_page(pages[i]);
}

KTEST(cross_cpu, pages_freed_elsewhere_wait_on_that_cpus_lists_until_all_are_drained)
{
	unsigned long waiting = 0;
	struct zone *zone;
	NEEDS_OTHER_CPU(cpu);

	drain_all_pages();
	take_pages(NULL);
	for (unsigned i = 0; i < NR; i++)
		EXPECT_NOT_NULL(pages[i]);
	run_on(cpu, give_pages, NULL);
	for_each_populated_zone (zone)
		waiting += pcp_count(zone, cpu);
	if (!page_debug_enabled())
		EXPECT_NE(waiting, 0);
	drain_all_pages();
	for_each_populated_zone (zone) {
		unsigned at;

		for_each_online_cpu (at)
			EXPECT_EQ(pcp_count(zone, at), 0);
	}
}

KTEST(cross_cpu, an_allocation_that_may_wait_gets_what_other_cpus_keep)
{
	unsigned long waiting = 0, got = 0;
	struct page *page, *tmp;
	LIST_HEAD(all);
	struct zone *zone;
	NEEDS_OTHER_CPU(cpu);

	if (too_much_memory())
		SKIP("takes all memory: too much here");
	if (page_debug_enabled())
		SKIP("page debugging keeps the per-CPU lists off");
	take_pages(NULL);
	take_all_memory(&all);
	quiet_drain(); /* the main loop has been woken to reclaim: that comes first */
	run_on(cpu, give_pages, NULL);
	for_each_populated_zone (zone)
		waiting += pcp_count(zone, cpu);
	EXPECT_NE(waiting, 0);
	/* Below its mark a request that must not wait gets none of them; one that may has them drained. */
	for (; got < waiting; got++) {
		page = alloc_page(GFP_KERNEL | __GFP_MEMALLOC | __GFP_NOWARN);
		if (!page)
			break;
		list_add(&page->lru, &all);
	}
	EXPECT_EQ(got, waiting);
	list_for_each_entry_safe (page, tmp, &all, lru)
		__free_page(page);
}

/* ---- objects ---- */

static struct kmem_cache *cache;
static void *objs[NR];

static void take_objects(void *ctx)
{
	(void)ctx;
	for (unsigned i = 0; i < NR; i++)
		objs[i] = kmem_cache_alloc(cache, GFP_KERNEL);
}

static void give_objects(void *ctx)
{
	(void)ctx;
	for (unsigned i = 0; i < NR; i++)
		kmem_cache_free(cache, objs[i]);
}

KTEST(cross_cpu, objects_of_all_cpus_arrays_come_back_when_a_cache_shrinks)
{
	NEEDS_OTHER_CPU(cpu);

	cache = kmem_cache_create("cross", 120, 0, 0, NULL);
	ASSERT_NOT_NULL(cache);
	take_objects(NULL);
	run_on(cpu, give_objects, NULL);
	run_on(cpu, take_objects, NULL);
	give_objects(NULL);
	EXPECT_EQ(kmem_cache_shrink(cache), 0);
	for (unsigned at = 0; at < NR_CPUS; at++)
		if (cpumask_test(&cpu_possible_mask, at))
			EXPECT_EQ((*per_cpu_ptr(cache->cpu, at))->avail, 0);
	run_on(cpu, take_objects, NULL); /* it still works */
	give_objects(NULL);
	EXPECT_EQ(kmem_cache_destroy(cache), 0);
}

/* Makes `cache` and has another CPU do the task beside this one, until end_beside() tells it by `step`. */
static bool begin_beside(struct ktest *t, unsigned cpu, struct smp_task *task)
{
	cache = kmem_cache_create("cross", 120, 0, 0, NULL);
	atomic_store(&step, 0);
	if (!EXPECT_NOT_NULL(cache) || !EXPECT_EQ(smp_start(cpu, task), 0))
		return false;
	wait_until(&step, 1);
	return true;
}

static void end_beside(struct ktest *t, struct smp_task *task)
{
	atomic_store(&step, 2);
	smp_wait(task);
	EXPECT_EQ(kmem_cache_destroy(cache), 0);
}

static void alloc_free_until_told(void *ctx)
{
	(void)ctx;
	atomic_store(&step, 1);
	while (atomic_load(&step) == 1) {
		void *a = kmem_cache_alloc(cache, GFP_KERNEL), *b = kmem_cache_alloc(cache, GFP_KERNEL);

		kmem_cache_free(cache, a);
		kmem_cache_free(cache, b);
		quiet_point();
	}
}

/* A drain may come at any instruction of the fast paths, and takes the array away. */
KTEST(cross_cpu, a_cpu_that_allocates_loses_nothing_while_its_array_is_drained)
{
	struct smp_task task = {.fn = alloc_free_until_told};
	NEEDS_OTHER_CPU(cpu);

	if (!begin_beside(t, cpu, &task))
		return;
	for (unsigned i = 0; i < ROUNDS; i++) {
		slab_drain(cache);
		if (i % 16 == 0)
			kmem_cache_shrink(cache);
		quiet_point();
	}
	end_beside(t, &task);
}

/* While an allocation may fail on purpose there are no arrays: also on a CPU that was on its way to make one. */
KTEST(cross_cpu, no_array_is_made_while_failures_are_asked_for)
{
	struct smp_task task = {.fn = alloc_free_until_told};
	const struct fault_attr was = failslab;
	NEEDS_OTHER_CPU(cpu);

	if (!begin_beside(t, cpu, &task))
		return;
	for (unsigned i = 0; i < 50; i++) {
		EXPECT_EQ(fault_attr_parse("1000000", &failslab), 0);
		mm_update_bypass();
		EXPECT_TRUE(slab_bypassed(cache));
		smp_hold();
		EXPECT_NULL(slab_check());
		smp_release();
		fault_attr_set(&failslab, &was);
		mm_update_bypass();
		quiet_point();
	}
	end_beside(t, &task);
}

static void reap_until_told(void *ctx)
{
	(void)ctx;
	atomic_store(&step, 1);
	while (atomic_load(&step) == 1) {
		slab_reap(false);
		quiet_point();
	}
}

static unsigned long slabs_of(const struct kmem_cache *s)
{
	unsigned long nr = 0;
	struct kmem_cache_node *n;

	for_each_cache_node (s, n)
		nr += READ_ONCE(n->total_slabs);
	return nr;
}

/* What is counted after mm_settle() is in use, also when another CPU's reaper was at work just then. */
KTEST(cross_cpu, no_empty_slab_is_left_by_settling_beside_a_reaper)
{
	struct smp_task task = {.fn = reap_until_told};
	unsigned long left = 0;
	NEEDS_OTHER_CPU(cpu);

	if (!begin_beside(t, cpu, &task))
		return;
	for (unsigned i = 0; i < 20; i++) {
		take_objects(NULL);
		give_objects(NULL);
		mm_settle();
		left += slabs_of(cache);
	}
	end_beside(t, &task);
	EXPECT_EQ(left, 0);
}

struct ring {
	_Atomic unsigned head, tail;
	void *entry[64];
};
static struct ring ring;

static void consume(void *ctx)
{
	unsigned bad = 0;

	for (unsigned n = 0; n < 20 * NR; n++) {
		u64 *obj;

		while (atomic_load(&ring.head) == n) {
			quiet_point();
			arch_cpu_relax();
		}
		obj = ring.entry[n % ARRAY_SIZE(ring.entry)];
		bad += obj[0] != n || obj[7] != ~(u64)n;
		atomic_store(&ring.tail, n + 1);
		kfree(obj);
	}
	*(unsigned *)ctx = bad;
}

/* One CPU allocates and writes, the other one reads and frees: nothing is handed out twice. */
KTEST(cross_cpu, producer_and_consumer_share_kmalloc_objects)
{
	unsigned bad = ~0U;
	struct smp_task task = {.fn = consume, .ctx = &bad};
	NEEDS_OTHER_CPU(cpu);

	ring = (struct ring){};
	ASSERT_EQ(smp_start(cpu, &task), 0);
	for (unsigned n = 0; n < 20 * NR; n++) {
		u64 *obj = kmalloc(64, GFP_KERNEL | __GFP_NOFAIL);

		obj[0] = n;
		obj[7] = ~(u64)n;
		while (n - atomic_load(&ring.tail) == ARRAY_SIZE(ring.entry)) {
			quiet_point();
			arch_cpu_relax();
		}
		ring.entry[n % ARRAY_SIZE(ring.entry)] = obj;
		atomic_store(&ring.head, n + 1);
	}
	smp_wait(&task);
	EXPECT_EQ(bad, 0);
}

static void churn_caches(void *ctx)
{
	for (unsigned i = 0; i < 60; i++) {
		struct kmem_cache *s =
			kmem_cache_create(ctx, 40 + 8 * i, 0, i % 3 ? 0 : SLAB_TYPESAFE_BY_RCU, NULL);
		void *obj = s ? kmem_cache_alloc(s, GFP_KERNEL) : NULL;

		kmem_cache_free(s, obj);
		if (i % 4 == 0)
			slab_reap(true);
		kmem_cache_destroy(s);
		quiet_point();
	}
}

KTEST(cross_cpu, caches_come_and_go_on_two_cpus_at_once)
{
	struct smp_task task = {.fn = churn_caches, .ctx = "cross-b"};
	NEEDS_OTHER_CPU(cpu);

	ASSERT_EQ(smp_start(cpu, &task), 0);
	churn_caches("cross-a");
	smp_wait(&task);
	EXPECT_NULL(slab_find_cache("cross-a"));
	EXPECT_NULL(slab_find_cache("cross-b"));
}

/* ---- cache lines ---- */

struct line_user {
	struct kmem_cache *cache;
	void *obj[NR];
	unsigned nr;
};

static void take_some(void *ctx)
{
	struct line_user *u = ctx;

	for (unsigned i = 0; i < 25 && u->nr < NR; i++)
		u->obj[u->nr++] = kmem_cache_alloc(u->cache, GFP_KERNEL);
}

static unsigned lines_of_both(const struct line_user *a, const struct line_user *b)
{
	unsigned both = 0;

	for (unsigned i = 0; i < a->nr; i++)
		for (unsigned k = 0; k < b->nr; k++)
			both += (vaddr_t)a->obj[i] / CACHE_LINE == (vaddr_t)b->obj[k] / CACHE_LINE;
	return both;
}

/*
 * A refill takes objects that lie side by side, and what it moves is a whole number of cache lines for the small kmalloc
 * sizes. What one CPU hands to another to free is another matter: it stays with the CPU that frees it.
 */
KTEST(cross_cpu, new_small_objects_of_two_cpus_share_no_cache_line)
{
	static const unsigned sizes[] = {16, 32, 64, 96};
	static struct line_user here, there;
	NEEDS_OTHER_CPU(cpu);

	if (fault_armed(&failslab) || opt_init_on_alloc || opt_init_on_free)
		SKIP("caches have no arrays");
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct kmem_cache *s = kmem_cache_create("lines", sizes[i], 0, 0, NULL);

		ASSERT_NOT_NULL(s);
		here = there = (struct line_user){.cache = s};
		for (unsigned round = 0; round < NR / 25; round++) {
			take_some(&here);
			run_on(cpu, take_some, &there);
		}
		if (!(s->flags & SLAB_DEBUG_FLAGS))
			EXPECT_MSG(lines_of_both(&here, &there) == 0, "%u bytes: %u pairs in one line",
				   sizes[i], lines_of_both(&here, &there));
		kmem_cache_free_bulk(s, here.nr, here.obj);
		kmem_cache_free_bulk(s, there.nr, there.obj);
		EXPECT_EQ(kmem_cache_destroy(s), 0);
	}
}

/* ---- memory that another CPU holds ---- */

static LIST_HEAD(theirs);
static _Atomic unsigned reclaims;
enum { RECLAIMS_AWAITED = 4 };

static unsigned long count_reclaims(void)
{
	atomic_fetch_add(&reclaims, 1);
	return 0;
}

static unsigned long scan_nothing(unsigned long nr)
{
	(void)nr;
	return 0;
}

static struct shrinker reclaim_counter = {.name = "counter", .count = count_reclaims, .scan = scan_nothing};

/* Takes the small zone to its last page, and gives it back when the other CPU has reclaimed in vain for some time. */
static void hold_small_zone(void *ctx)
{
	u64 end = arch_time_ns() + 5000000000UL;

	(void)ctx;
	hold_blocks(&theirs, SMALL_GFP | GFP_ATOMIC | __GFP_MEMALLOC, 0, ~0UL);
	atomic_store(&reclaims, 0);
	atomic_store(&step, 1);
	while (atomic_load(&reclaims) < RECLAIMS_AWAITED && arch_time_ns() < end)
		arch_cpu_relax();
	release_blocks(&theirs, 0);
	pcp_drain_local(NULL);
}

KTEST(cross_cpu, a_request_that_must_not_fail_waits_for_other_cpus)
{
	struct smp_task task = {.fn = hold_small_zone};
	NEEDS_OTHER_CPU(cpu);
	struct page *page;

	if (!small_zone() || cpu_to_node_map[cpu] != numa_node_id())
		SKIP("no small DMA zone that both CPUs begin at");
	mm_settle();
	register_shrinker(&reclaim_counter);
	atomic_store(&step, 0);
	ASSERT_EQ(smp_start(cpu, &task), 0);
	while (!atomic_load(&step))
		arch_cpu_relax();
	page = alloc_pages(SMALL_GFP | GFP_KERNEL | __GFP_NOFAIL, 3);
	if (EXPECT_NOT_NULL(page))
		__free_pages(page, 3);
	smp_wait(&task);
	unregister_shrinker(&reclaim_counter);
	EXPECT_GE(atomic_load(&reclaims), RECLAIMS_AWAITED);
	mm_settle();
}

static void reap_and_reap(void *ctx)
{
	(void)ctx;
	while (!atomic_load(&step)) {
		slab_reap(true);
		quiet_point();
	}
}

KTEST(cross_cpu, slabs_can_be_checked_while_another_cpu_reaps)
{
	struct smp_task task = {.fn = reap_and_reap};
	NEEDS_OTHER_CPU(cpu);

	atomic_store(&step, 0);
	ASSERT_EQ(smp_start(cpu, &task), 0);
	for (unsigned i = 0; i < 200; i++)
		EXPECT_NULL(slab_check());
	atomic_store(&step, 1);
	smp_wait(&task);
}

/* ---- per-CPU memory ---- */

static void add_own(void *ctx)
{
	*this_cpu_ptr((unsigned long *)ctx) += 1 + arch_cpu_id();
}

KTEST(cross_cpu, each_cpu_has_its_own_copy)
{
	unsigned long *p = alloc_percpu(unsigned long);
	unsigned cpu;

	ASSERT_NOT_NULL(p);
	smp_call_all(add_own, p);
	smp_call_all(add_own, p);
	for_each_online_cpu (cpu)
		EXPECT_EQ(*per_cpu_ptr(p, cpu), 2 * (1 + cpu));
	free_percpu(p);
}

/* ---- sections ---- */

static void open_some(void *ctx)
{
	struct zone *zone;
	unsigned *opened = ctx;

	wait_until(&step, 1);
	for_each_populated_zone (zone)
		for (unsigned i = 0; i < (page_debug_enabled() ? 1 : 4); i++) /* filling them takes time */
			*opened += section_open_for(zone);
}

/* Each section is opened by one of them; the check counts what is listed. */
KTEST(cross_cpu, two_cpus_open_different_sections)
{
	unsigned here = 0, there = 0, before = sections_opened();
	struct smp_task task = {.fn = open_some, .ctx = &there};
	NEEDS_OTHER_CPU(cpu);

	atomic_store(&step, 0);
	ASSERT_EQ(smp_start(cpu, &task), 0);
	atomic_store(&step, 1);
	open_some(&here);
	smp_wait(&task);
	EXPECT_EQ(sections_opened() - before, here + there);
}

/* ---- a CPU waits for what another one is doing ---- */

static struct zone *short_zone;
static struct page *got_page;
static _Atomic unsigned waiter;

enum { WAITER_CALLS = 1, WAITER_RETURNED };

static void alloc_from_short_zone(void *ctx)
{
	(void)ctx;
	atomic_store(&waiter, WAITER_CALLS);
	got_page = alloc_pages_node(short_zone->nid, SMALL_GFP | GFP_NOWAIT | __GFP_MEMALLOC, 0);
	atomic_store(&waiter, WAITER_RETURNED);
}

/* This CPU opens a section, as far as others see; meanwhile a request that finds the lists empty does not fail. */
KTEST(cross_cpu, request_waits_for_a_section_that_is_being_opened)
{
	struct smp_task task = {.fn = alloc_from_short_zone};
	struct page *page;
	LIST_HEAD(held);
	NEEDS_OTHER_CPU(cpu);

	short_zone = small_zone();
	if (!short_zone)
		SKIP("no DMA zone of 4 MiB or more");
	mm_settle();
	hold_blocks(&held, SMALL_GFP | GFP_KERNEL | __GFP_MEMALLOC, 0, ~0UL);
	atomic_store(&waiter, 0);
	section_opening_begin();
	ASSERT_EQ(smp_start(cpu, &task), 0);
	while (!atomic_load(&waiter))
		arch_cpu_relax();
	for (u64 end = arch_time_ns() + 5000000; arch_time_ns() < end;)
		arch_cpu_relax();
	EXPECT_EQ(atomic_load(&waiter), WAITER_CALLS);
	page = list_first_entry(&held, struct page, lru); /* in place of what the section would list */
	list_del(&page->lru);
	__free_page(page);
	drain_all_pages();
	section_opening_end(true);
	smp_wait(&task);
	EXPECT_NOT_NULL(got_page);
	if (got_page)
		__free_page(got_page);
	release_blocks(&held, 0);
}

static _Atomic bool destroying, was_quiet;

static void stay_busy_beside_destroy(void *ctx)
{
	u64 end;

	atomic_store((_Atomic bool *)ctx, true);
	while (!atomic_load(&destroying))
		arch_cpu_relax();
	for (end = arch_time_ns() + 20000000; arch_time_ns() < end;)
		arch_cpu_relax();
	atomic_store(&was_quiet, true); /* the next thing that this CPU does is a quiet point */
}

/* Slabs that readers may still look at name their cache: kmem_cache_destroy() returns after every CPU was quiet. */
KTEST(cross_cpu, destroy_waits_for_readers_of_an_rcu_cache)
{
	static _Atomic bool busy;
	struct smp_task task = {.fn = stay_busy_beside_destroy, .ctx = (void *)&busy};
	struct kmem_cache *s;
	void *p;
	NEEDS_OTHER_CPU(cpu);

	s = kmem_cache_create("t-rcu", 256, 0, SLAB_TYPESAFE_BY_RCU, NULL);
	ASSERT_NOT_NULL(s);
	p = kmem_cache_alloc(s, GFP_KERNEL);
	EXPECT_NOT_NULL(p);
	kmem_cache_free(s, p);
	atomic_store(&busy, false);
	atomic_store(&destroying, false);
	atomic_store(&was_quiet, false);
	ASSERT_EQ(smp_start(cpu, &task), 0);
	while (!atomic_load(&busy))
		arch_cpu_relax();
	atomic_store(&destroying, true);
	EXPECT_EQ(kmem_cache_destroy(s), 0);
	EXPECT_TRUE(atomic_load(&was_quiet));
	smp_wait(&task);
}
