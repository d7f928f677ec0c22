/*
 * test_reclaim.c - who is asked for memory, when, in which context, and that it ends.
 *
 * Idea.       A shrinker of the test's own holds pages of the small zone and notes how it was called; requests that have
 *             exhausted the zone must get its pages, or must not call it at all.
 * Layout.     hoard: the pages that the shrinker gives back
 * Invariants. R1 and R2 of mm/reclaim.c.
 * Locking.    None: main loop.
 * Failure.    As every test's; without a DMA zone of 4 MiB the exhaustion cases are skipped.
 * Next:       test_page_debug.c.
 */
#include "zone_fixture.h"

#include <arch/cpu.h>
#include <arch/irq.h>
#include <arch/time.h>
#include <kernel/cpumask.h>
#include <kernel/fault.h>
#include <kernel/work.h>
#include <mm/check.h>
#include <mm/kmalloc.h>
#include <mm/slab.h>
#include <mm/vmalloc.h>

static LIST_HEAD(held);
static LIST_HEAD(hoard);
static unsigned long hoarded, calls, lie;
static bool called_badly;

static unsigned long hoard_count(void)
{
	return hoarded + lie;
}

static unsigned long hoard_scan(unsigned long nr)
{
	unsigned long freed = 0;

	calls++;
	called_badly |= this_cpu(lock_depth) || arch_in_interrupt() || arch_irq_disabled() ||
			reclaim_allowed(GFP_KERNEL);
	while (freed < nr && !list_empty(&hoard)) {
		struct page *page = list_first_entry(&hoard, struct page, lru);

		list_del(&page->lru);
		__free_page(page);
		freed++;
		hoarded--;
	}
	return freed + lie;
}

static struct shrinker hoarder = {.name = "test", .count = hoard_count, .scan = hoard_scan};

/* So many pages of the small zone are in the hoard, and no other is free for an ordinary request. */
static void starve(unsigned long nr)
{
	unsigned long n;

	mm_settle();
	hoarded = hold_blocks(&hoard, SMALL_GFP | GFP_KERNEL, 0, nr);
	do {
		n = hold_blocks(&held, SMALL_GFP | GFP_KERNEL, 0, ~0UL);
		quiet_drain();
	} while (n);
	calls = lie = 0;
	called_badly = false;
	register_shrinker(&hoarder);
}

static void feed(struct ktest *t)
{
	unregister_shrinker(&hoarder);
	EXPECT_FALSE(called_badly);
	release_blocks(&hoard, 0);
	release_blocks(&held, 0);
	hoarded = lie = 0;
}

#define NEEDS_SMALL_ZONE()                                    \
	do {                                                  \
		if (!small_zone())                            \
			SKIP("no DMA zone of 4 MiB or more"); \
	} while (0)

KTEST(reclaim, a_starving_request_gets_what_a_shrinker_gives)
{
	struct snapshot before;

	NEEDS_SMALL_ZONE();
	snapshot_take(&before);
	starve(50);
	EXPECT_EQ(hold_blocks(&held, SMALL_GFP | GFP_KERNEL, 0, ~0UL), 50);
	EXPECT_EQ(hoarded, 0);
	feed(t);
	expect_snapshot(t, &before);
}

KTEST(reclaim, a_request_that_cannot_wait_asks_nobody)
{
	NEEDS_SMALL_ZONE();
	starve(20);
	EXPECT_NULL(alloc_page(SMALL_GFP | GFP_NOWAIT));
	hold_blocks(&held, SMALL_GFP | GFP_ATOMIC, 0, ~0UL);
	EXPECT_NULL(alloc_page(SMALL_GFP | GFP_ATOMIC));
	EXPECT_EQ(calls, 0);
	EXPECT_EQ(hoarded, 20);
	feed(t);
}

static void alloc_in_interrupt(void *ctx)
{
	struct page **page = ctx;

	*page = alloc_page(SMALL_GFP | GFP_KERNEL); /* a mistake, answered like GFP_NOWAIT */
}

/* Shows reclaim.R1. */
KTEST(reclaim, no_context_that_must_not_wait_waits)
{
	struct page *page = NULL;
	unsigned long irq;

	NEEDS_SMALL_ZONE();
	starve(20);
	arch_irq_test_raise(alloc_in_interrupt, &page);
	EXPECT_NULL(page);
	irq = arch_irq_save();
	EXPECT_NULL(alloc_page(SMALL_GFP | GFP_KERNEL));
	EXPECT_FALSE(reclaim_allowed(GFP_KERNEL));
	arch_irq_restore(irq);
	EXPECT_EQ(calls, 0);
	EXPECT_TRUE(reclaim_allowed(GFP_KERNEL));
	EXPECT_FALSE(reclaim_allowed(GFP_ATOMIC));
	EXPECT_FALSE(reclaim_allowed(GFP_NOWAIT));
	feed(t);
}

KTEST(reclaim, noretry_asks_once)
{
	NEEDS_SMALL_ZONE();
	starve(0);
	for (unsigned i = 1; i <= 3; i++) {
		lie = 1; /* something to ask for, of which nothing comes */
		EXPECT_NULL(alloc_page(SMALL_GFP | GFP_KERNEL | __GFP_NORETRY));
		EXPECT_EQ(calls, i);
	}
	feed(t);
}

/*
 * The hoard is one page: the shrinker's first call is progress, and a request that retries calls it a second time. What
 * kvmalloc() asks of the page allocator does not retry, since vmalloc() comes next; here vmalloc() fails by injection.
 */
KTEST(reclaim, kvmalloc_tries_contiguous_pages_once)
{
	struct fault_attr saved = fail_vmalloc;

	NEEDS_SMALL_ZONE();
	EXPECT_EQ(fault_attr_parse("1", &fail_vmalloc), 0);
	starve(1);
	lie = 1;
	EXPECT_NULL(kvmalloc(4 * PAGE_SIZE, SMALL_GFP | GFP_KERNEL));
	EXPECT_EQ(calls, 1);
	EXPECT_EQ(fail_vmalloc.failed, 1);
	feed(t);
	starve(1);
	lie = 1;
	EXPECT_NULL(kmalloc(4 * PAGE_SIZE, SMALL_GFP | GFP_KERNEL));
	EXPECT_EQ(calls, 2);
	feed(t);
	fail_vmalloc = saved;
}

KTEST(reclaim, a_slab_of_the_own_node_is_sought_without_asking_anybody)
{
	struct kmem_cache *cache;

	NEEDS_SMALL_ZONE();
	cache = kmem_cache_create("test", 2000, 0, SLAB_CACHE_DMA, NULL);
	ASSERT_NOT_NULL(cache);
	starve(0);
	lie = 1;
	EXPECT_NULL(kmem_cache_alloc(cache, GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN));
	EXPECT_EQ(calls, 1); /* the last attempt of several */
	feed(t);
	EXPECT_EQ(kmem_cache_destroy(cache), 0);
}

/*
 * Progress is pages, not promises: whoever claims to have freed cannot keep a request waiting for ever.
 * Shows reclaim.R2.
 */
KTEST(reclaim, promises_are_no_progress)
{
	NEEDS_SMALL_ZONE();
	starve(0);
	lie = 1000;
	EXPECT_NULL(alloc_page(SMALL_GFP | GFP_KERNEL));
	EXPECT_NULL(alloc_pages(SMALL_GFP | GFP_KERNEL, 3));
	EXPECT_GE(calls, 2);
	EXPECT_LE(calls, 6);
	feed(t);
}

enum { CRUMBS_MOST = 500 };

static unsigned long crumbs_count(void)
{
	return calls < CRUMBS_MOST;
}

/* As another CPU does that frees memory page by page: each round is progress, and no two free pages make a block. */
static unsigned long crumbs_scan(unsigned long nr)
{
	struct page *page;

	(void)nr;
	calls++;
	list_for_each_entry (page, &held, lru)
		if (page_to_pfn(page) & 1) {
			list_del(&page->lru);
			__free_page(page);
			return 1;
		}
	return 0;
}

static struct shrinker crumbs = {.name = "crumbs", .count = crumbs_count, .scan = crumbs_scan};

KTEST(reclaim, a_request_reclaims_a_bounded_number_of_times)
{
	struct snapshot before;

	NEEDS_SMALL_ZONE();
	snapshot_take(&before);
	starve(0);
	unregister_shrinker(&hoarder);
	hold_blocks(&held, SMALL_GFP | GFP_ATOMIC | __GFP_MEMALLOC, 0, ~0UL); /* no block is left at all */
	register_shrinker(&crumbs);
	EXPECT_NULL(alloc_pages(SMALL_GFP | GFP_KERNEL, 3));
	unregister_shrinker(&crumbs);
	EXPECT_GE(calls, 2); /* it was progress */
	EXPECT_LE(calls, 20);
	register_shrinker(&hoarder);
	feed(t);
	expect_snapshot(t, &before);
}

enum { LATE_CALL = 6 };

/* Each look at the shrinkers takes longer than a request that must not fail waits; the page comes with a late one. */
static unsigned long late_count(void)
{
	struct page *page = list_first_entry(&held, struct page, lru);
	u64 end = arch_time_ns() + 2 * nofail_wait_ns;

	if (++calls == LATE_CALL) {
		list_del(&page->lru);
		__free_page(page);
	}
	while (arch_time_ns() < end)
		arch_cpu_relax();
	return 0;
}

static struct shrinker latecomer = {.name = "late", .count = late_count, .scan = crumbs_scan};

/* As on a machine that stands still for a second: time has passed, and no other CPU has had any. */
KTEST(reclaim, a_request_that_must_not_fail_tries_often_not_only_long)
{
	const u64 wait = nofail_wait_ns;
	struct page *page;

	NEEDS_SMALL_ZONE();
	if (cpumask_weight(&cpu_online_mask) < 2)
		SKIP("no other CPU to wait for");
	starve(0);
	unregister_shrinker(&hoarder);
	hold_blocks(&held, SMALL_GFP | GFP_ATOMIC | __GFP_MEMALLOC, 0, ~0UL);
	nofail_wait_ns = 1000000;
	register_shrinker(&latecomer);
	page = alloc_page(SMALL_GFP | GFP_KERNEL | __GFP_NOFAIL);
	unregister_shrinker(&latecomer);
	nofail_wait_ns = wait;
	EXPECT_EQ(calls, LATE_CALL);
	if (EXPECT_NOT_NULL(page))
		__free_page(page);
	register_shrinker(&hoarder);
	feed(t);
}

/*
 * A boost stands for memory that is free: a request that may reclaim gets it, of any order, and at the first attempt.
 * Shows reclaim.R3.
 */
KTEST(reclaim, a_boost_is_gone_when_a_request_has_reclaimed)
{
	static const gfp_t kinds[] = {GFP_KERNEL, GFP_KERNEL | __GFP_NORETRY};
	struct zone *small = small_zone();

	NEEDS_SMALL_ZONE();
	for (unsigned order = 0; order <= 4; order++)
		for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
			struct page *page;

			mm_settle();
			small->boost = small->free_pages; /* as if many fallbacks had left it */
			small->wake = true;
			EXPECT_NULL(alloc_pages(SMALL_GFP | GFP_NOWAIT, order));
			EXPECT_NE(small->boost, 0);
			page = alloc_pages(SMALL_GFP | kinds[i], order);
			EXPECT_EQ(small->boost, 0);
			if (EXPECT_NOT_NULL(page))
				__free_pages(page, order);
		}
	mm_settle();
}

KTEST(reclaim, the_main_loop_reclaims_when_a_zone_is_low)
{
	NEEDS_SMALL_ZONE();
	starve(30);
	EXPECT_NULL(alloc_page(SMALL_GFP | GFP_NOWAIT));
	EXPECT_EQ(calls, 0);
	quiet_drain();
	EXPECT_EQ(calls, 1);
	EXPECT_EQ(hoarded, 0);
	EXPECT_EQ(hold_blocks(&held, SMALL_GFP | GFP_NOWAIT, 0, ~0UL), 30);
	feed(t);
}

KTEST(reclaim, a_boost_is_worked_off_at_the_next_quiet_point)
{
	struct zone *zone = node_zone(numa_node_id(), ZONE_DMA32);
	struct page *page;

	if (!zone->managed)
		SKIP("no DMA32 zone");
	page = alloc_page(GFP_KERNEL | __GFP_DMA32);
	ASSERT_NOT_NULL(page);
	if (page_zone(page) == zone) {
		LIST_HEAD(some);

		zone->boost = 512; /* as a fallback leaves it */
		zone->wake = true;
		EXPECT_GT(hold_blocks(&some, GFP_KERNEL | __GFP_DMA32, 0, 200), 0);
		quiet_point();
		EXPECT_EQ(zone->boost, 0);
		EXPECT_FALSE(zone->wake);
		release_blocks(&some, 0);
	}
	__free_page(page);
}

struct late_page {
	struct rcu_head head;
	struct page *page;
};

static void free_late(struct rcu_head *head)
{
	__free_page(container_of(head, struct late_page, head)->page);
}

KTEST(reclaim, pages_that_wait_for_a_grace_period_are_waited_for)
{
	static struct late_page late[8];
	unsigned n = 0;

	NEEDS_SMALL_ZONE();
	starve(0);
	for (; n < ARRAY_SIZE(late) && !list_empty(&held); n++) {
		late[n].page = list_first_entry(&held, struct page, lru);
		list_del(&late[n].page->lru);
		call_rcu(&late[n].head, free_late);
	}
	EXPECT_EQ(hold_blocks(&held, SMALL_GFP | GFP_KERNEL, 0, ~0UL), n);
	feed(t);
}

static const struct shrinker *scanned[4];
static unsigned nr_scanned;

static void note_scan(const struct shrinker *s)
{
	if (nr_scanned < ARRAY_SIZE(scanned))
		scanned[nr_scanned] = s;
	nr_scanned++;
}

#define ORDERED_SHRINKER(name_, rank_)                      \
	static struct shrinker name_;                       \
	static unsigned long name_##_scan(unsigned long nr) \
	{                                                   \
		(void)nr;                                   \
		note_scan(&name_);                          \
		return 0;                                   \
	}                                                   \
	static struct shrinker name_ = {.name = #name_, .rank = rank_, .scan = name_##_scan}

ORDERED_SHRINKER(first_of_rest, SHRINKER_REST);
ORDERED_SHRINKER(second_of_rest, SHRINKER_REST);
ORDERED_SHRINKER(of_slabs, SHRINKER_SLABS);
ORDERED_SHRINKER(of_areas, SHRINKER_LAZY_AREAS);

/* A freed area returns pages to slabs' users and slabs return pages: the ranks run from lazy areas to the rest. */
KTEST(reclaim, shrinkers_run_by_rank_then_in_the_order_of_registration)
{
	static struct shrinker *const registered[] = {&first_of_rest, &of_slabs, &second_of_rest, &of_areas};
	static const struct shrinker *const order[] = {&of_areas, &of_slabs, &first_of_rest, &second_of_rest};

	for (unsigned i = 0; i < ARRAY_SIZE(registered); i++)
		register_shrinker(registered[i]);
	nr_scanned = 0;
	reclaim_direct();
	for (unsigned i = 0; i < ARRAY_SIZE(registered); i++)
		unregister_shrinker(registered[i]);
	ASSERT_EQ(nr_scanned, ARRAY_SIZE(order));
	for (unsigned i = 0; i < ARRAY_SIZE(order); i++)
		EXPECT_MSG(scanned[i] == order[i], "call %u went to %s, expected %s", i, scanned[i]->name,
			   order[i]->name);
}

KTEST(reclaim, lazily_freed_areas_come_back)
{
	void *area = vmalloc(40 * PAGE_SIZE);

	ASSERT_NOT_NULL(area);
	vfree(area);
	if (vmalloc_lazy_pages()) {
		EXPECT_TRUE(reclaim_direct());
		EXPECT_EQ(vmalloc_lazy_pages(), 0);
	}
}

KTEST(reclaim, nothing_to_give_is_no_progress)
{
	mm_settle();
	EXPECT_FALSE(reclaim_direct());
	EXPECT_TRUE(reclaim_allowed(GFP_KERNEL));
}
