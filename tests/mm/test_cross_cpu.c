/*
 * test_cross_cpu.c - memory that is taken on one CPU and given back on another, and structures of all CPUs.
 *
 * Idea.       Each layer keeps something per CPU: page lists, object arrays, translations. What one CPU keeps must be
 *             found by those who ask for all of it, and must not be used by two.
 * Layout.     A second CPU runs one half of a case as a task.
 * Invariants. After each case the runner counts pages and objects and checks every layer.
 * Locking.    As the layers have it: the halves run at the same time where the name says so.
 * Failure.    None expected.
 * Next:       test_all_cpus.c.
 */
#include "scratch.h"

#include "../kernel/other_cpu.h"
#include <kernel/errno.h>
#include <kernel/random.h>
#include <kernel/string.h>
#include <mm/check.h>
#include <mm/internal.h>
#include <mm/kmalloc.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>
#include <mm/slab_internal.h>
#include <mm/tlb.h>

enum { NR = 300, OLD = 0x01d, NEW = 0x2e3, ROUNDS = 400, SLEEP_ROUNDS = 100000 };

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

/* ---- translations ---- */

static void look(void *ctx)
{
	u64 *at = ctx;

	at[1] = peek(at[0]);
}

static void map_frame(vaddr_t va, const struct page *frame)
{
	arch_pte_write(pt_slot(va, 0), arch_pte_leaf(page_to_phys(frame), PT_RW, 0));
	arch_pt_sync();
}

/* Looks twice, and does not sleep in between. */
static void look_again(void *ctx)
{
	u64 *at = ctx;

	at[1] = peek(at[0]);
	atomic_store(&step, 1);
	while (atomic_load(&step) == 1)
		arch_cpu_relax();
	at[2] = peek(at[0]);
}

static void expect_new_frame_elsewhere(struct ktest *t, unsigned cpu, unsigned way)
{
	struct page *old = alloc_page(GFP_KERNEL), *fresh = alloc_page(GFP_KERNEL);
	u64 at[3];
	struct smp_task task = {.fn = look_again, .ctx = at};
	struct scratch s;

	ASSERT_TRUE(old && fresh && scratch_get(&s, 64 * PAGE_SIZE, PAGE_SIZE) &&
		    !pt_populate(s.va, PAGE_SIZE, 0, GFP_KERNEL));
	poke((vaddr_t)page_address(old), OLD);
	poke((vaddr_t)page_address(fresh), NEW);
	map_frame(s.va, old);
	at[0] = s.va;
	atomic_store(&step, 0);
	ASSERT_EQ(smp_start(cpu, &task), 0);
	wait_until(&step, 1);
	map_frame(s.va, fresh);
	if (way == 0)
		tlb_flush_page(s.va);
	else if (way == 1)
		tlb_flush_range(s.va, s.va + 2 * PAGE_SIZE);
	else
		tlb_flush_all();
	atomic_store(&step, 2);
	smp_wait(&task);
	EXPECT_EQ(at[1], OLD);
	EXPECT_EQ(at[2], NEW);
	scratch_put(&s);
	__free_page(old);
	__free_page(fresh);
}

KTEST(cross_cpu, a_flush_of_each_kind_reaches_the_other_cpu)
{
	NEEDS_OTHER_CPU(cpu);

	for (unsigned way = 0; way < 3; way++)
		expect_new_frame_elsewhere(t, cpu, way);
}

/* One shootdown of va. True: it found all other CPUs asleep. */
static bool flush_in_their_sleep(vaddr_t va)
{
	struct tlb_stats a, b;

	smp_settle();
	tlb_stats(arch_cpu_id(), &a);
	tlb_flush_page(va);
	tlb_stats(arch_cpu_id(), &b);
	return b.deferred - a.deferred == cpumask_weight(&cpu_online_mask) - 1;
}

/* The other CPU looks: in a task, which its main loop begins, or in the interrupt that wakes it. */
static u64 look_there(unsigned cpu, vaddr_t va, bool in_interrupt)
{
	u64 at[2] = {va};
	struct cpumask one = {};

	cpumask_set(&one, cpu);
	if (in_interrupt)
		smp_call(&one, look, at);
	else
		run_on(cpu, look, at);
	return at[1];
}

static void expect_new_frame_after_sleep(struct ktest *t, unsigned cpu, bool in_interrupt)
{
	struct page *old = alloc_page(GFP_KERNEL), *fresh = alloc_page(GFP_KERNEL);
	struct scratch s;
	bool slept = false;

	ASSERT_TRUE(old && fresh && scratch_get(&s, PAGE_SIZE, PAGE_SIZE) &&
		    !pt_populate(s.va, PAGE_SIZE, 0, GFP_KERNEL));
	poke((vaddr_t)page_address(old), OLD);
	poke((vaddr_t)page_address(fresh), NEW);
	for (unsigned round = 0; !slept && round < SLEEP_ROUNDS; round++) {
		map_frame(s.va, old);
		tlb_flush_page(s.va);
		/* The first look may wake it to a full flush; the second one leaves it the translation. */
		for (unsigned i = 0; i < 2; i++)
			EXPECT_EQ(look_there(cpu, s.va, in_interrupt), OLD);
		map_frame(s.va, fresh);
		slept = flush_in_their_sleep(s.va); /* one that was awake has flushed, and proves nothing */
	}
	EXPECT_TRUE(slept);
	EXPECT_EQ(look_there(cpu, s.va, in_interrupt), NEW);
	scratch_put(&s);
	__free_page(old);
	__free_page(fresh);
}

KTEST(cross_cpu, a_sleeping_cpu_is_not_asked_and_sees_the_new_frame_when_it_wakes)
{
	NEEDS_OTHER_CPU(cpu);

	for (unsigned i = 0; i < 4; i++)
		expect_new_frame_after_sleep(t, cpu, i % 2);
}

/* They may walk ahead in their sleep: tables that go are another matter. */
KTEST(cross_cpu, a_sleeping_cpu_is_asked_when_tables_go)
{
	unsigned others = cpumask_weight(&cpu_online_mask) - 1;
	struct tlb_stats a, b;
	struct scratch s;

	if (!others)
		SKIP("needs a second CPU");
	if (!scratch_get(&s, PT_LEVEL_SIZE(1), PT_LEVEL_SIZE(1)))
		SKIP("the window has nothing free at a multiple of %lu MiB", PT_LEVEL_SIZE(1) >> 20);
	for (unsigned i = 0; i < 3; i++) {
		EXPECT_EQ(pt_populate(s.va, PAGE_SIZE, 0, GFP_KERNEL), 0);
		smp_settle();
		tlb_stats(arch_cpu_id(), &a);
		EXPECT_EQ(pt_reclaim(s.va, s.size), 1);
		tlb_stats(arch_cpu_id(), &b);
		EXPECT_EQ(b.ipi_sent - a.ipi_sent, others);
		EXPECT_EQ(b.deferred, a.deferred);
	}
	scratch_put(&s);
}

/* No TLB may hold the large leaf beside small ones that come in its place. */
KTEST(cross_cpu, a_sleeping_cpu_is_asked_when_a_large_leaf_goes)
{
	unsigned others = cpumask_weight(&cpu_online_mask) - 1;
	struct tlb_stats a, b;
	void *p;

	if (!others)
		SKIP("needs a second CPU");
	p = vmalloc_huge(PT_LEVEL_SIZE(1), GFP_KERNEL | __GFP_NOWARN);
	if (!p || find_vm_area(p)->page_level == 0) {
		vfree(p);
		SKIP("no large leaf");
	}
	vm_unmap_aliases();
	smp_settle();
	tlb_stats(arch_cpu_id(), &a);
	vfree(p); /* with little memory it is above the limit of lazy pages at once */
	vm_unmap_aliases();
	tlb_stats(arch_cpu_id(), &b);
	EXPECT_EQ(b.ipi_sent - a.ipi_sent, others);
	EXPECT_EQ(b.deferred, a.deferred);
}

static void *area;

static void take_area(void *ctx)
{
	(void)ctx;
	area = vmalloc(8 * PAGE_SIZE);
	if (area)
		memset(area, 0x5a, 8 * PAGE_SIZE);
}

static void use_and_free_area(void *ctx)
{
	bool *same = ctx;

	*same = true;
	for (unsigned i = 0; i < 8 * PAGE_SIZE; i++)
		*same &= ((u8 *)area)[i] == 0x5a;
	vfree(area);
}

KTEST(cross_cpu, areas_are_used_and_freed_by_another_cpu)
{
	bool same = false;
	NEEDS_OTHER_CPU(cpu);

	for (unsigned i = 0; i < 20; i++) {
		take_area(NULL);
		ASSERT_NOT_NULL(area);
		run_on(cpu, use_and_free_area, &same);
		EXPECT_TRUE(same);
		run_on(cpu, take_area, NULL);
		ASSERT_NOT_NULL(area);
		use_and_free_area(&same);
		EXPECT_TRUE(same);
		if (i % 4 == 0)
			vm_unmap_aliases();
	}
}

static void churn_areas(void *ctx)
{
	unsigned *wrong = ctx;

	for (unsigned i = 0; i < 200; i++) {
		unsigned nr = 1 + i % 7;
		u64 *a = vmalloc(nr * PAGE_SIZE), *b = vmalloc(PAGE_SIZE);

		if (a && b) {
			a[0] = (unsigned long)a;
			a[nr * PAGE_SIZE / 8 - 1] = ~(unsigned long)a;
			b[0] = (unsigned long)b;
			*wrong += a[0] != (unsigned long)a ||
				  a[nr * PAGE_SIZE / 8 - 1] != ~(unsigned long)a || b[0] != (unsigned long)b;
		}
		vfree(a);
		if (i % 16 == 0)
			vm_unmap_aliases();
		vfree(b);
		quiet_point();
	}
}

KTEST(cross_cpu, two_cpus_map_and_purge_at_once)
{
	unsigned here = 0, there = 0;
	struct smp_task task = {.fn = churn_areas, .ctx = &there};
	NEEDS_OTHER_CPU(cpu);

	ASSERT_EQ(smp_start(cpu, &task), 0);
	churn_areas(&here);
	smp_wait(&task);
	EXPECT_EQ(here, 0);
	EXPECT_EQ(there, 0);
}

/* ---- all CPUs at once ---- */

enum { LIVE = 48, TURNS = 600, HANDS = 16 };

/* One CPU's part: areas of its own, and hands through which all CPUs pass each other areas to free. */
struct area_churn {
	struct smp_task task;
	u64 random;
	unsigned wrong, failed, strange;
	u64 *live[LIVE];
	unsigned pages[LIVE];
};
static struct area_churn churn_part[NR_CPUS];
static _Atomic(u64 *) hand[HANDS];

static u64 area_word(const u64 *p)
{
	return (unsigned long)p ^ 0x5757575757575757UL;
}

static void give_area(struct area_churn *c, u64 *p)
{
	if (!p)
		return;
	c->wrong += p[0] != area_word(p) || p[PAGE_SIZE / 8 - 1] != area_word(p);
	vfree(p);
}

static void churn_on_all(void *ctx)
{
	struct area_churn *c = ctx;

	for (unsigned n = 0; n < TURNS; n++) {
		unsigned i = (unsigned)(xorshift64(&c->random) % LIVE);
		u64 *p = c->live[i];

		if (p && c->random >> 60 < 6) { /* another CPU frees it, and this one what that has left */
			p = atomic_exchange(&hand[c->random >> 32 & (HANDS - 1)], p);
			c->strange += p != NULL;
		}
		give_area(c, p);
		c->pages[i] = 1 + (c->random >> 40 &
				   (c->random >> 50 & 31 ? 7 : 255)); /* now and then a long one */
		p = c->live[i] =
			vmalloc_gfp(c->pages[i] * PAGE_SIZE, GFP_KERNEL | __GFP_NOWARN, NUMA_NO_NODE, 0, 0);
		c->failed += !p;
		if (p)
			p[0] = p[PAGE_SIZE / 8 - 1] = area_word(p);
		if (n % 128 == 0)
			vm_unmap_aliases(); /* and drains what the others keep */
		if (n % 200 == 0)
			c->wrong += find_vm_area(p) != find_vm_area((char *)p + PAGE_SIZE / 2);
		quiet_point();
	}
	for (unsigned i = 0; i < LIVE; i++)
		give_area(c, c->live[i]);
}

static void churn_areas_everywhere(struct ktest *t)
{
	unsigned cpu, strange = 0;

	for_each_online_cpu (cpu) {
		struct area_churn *c = &churn_part[cpu];

		*c = (struct area_churn){.task = {.fn = churn_on_all, .ctx = c}, .random = test_rand() | 1};
		if (cpu != arch_cpu_id())
			ASSERT_EQ(smp_start(cpu, &c->task), 0);
	}
	churn_on_all(&churn_part[arch_cpu_id()]);
	for_each_online_cpu (cpu) {
		if (cpu != arch_cpu_id())
			smp_wait(&churn_part[cpu].task);
		EXPECT_EQ(churn_part[cpu].wrong, 0);
		EXPECT_EQ(churn_part[cpu].failed, 0);
		strange += churn_part[cpu].strange;
	}
	for (unsigned i = 0; i < HANDS; i++)
		give_area(&churn_part[arch_cpu_id()], atomic_exchange(&hand[i], NULL));
	EXPECT_NE(strange, 0);
	EXPECT_NULL(vmap_check());
}

/* While nobody looks the ranges of all CPUs are cut, purged, drained and joined; afterwards they tile the window. */
KTEST(cross_cpu, areas_of_all_cpus_tile_the_window_whoever_frees_them)
{
	unsigned long need = 4 * LIVE * 16 * cpumask_weight(&cpu_online_mask);
	unsigned long total, used, used2, largest, largest2, ranges, ranges2, limit;
	NEEDS_OTHER_CPU(cpu);

	(void)cpu;
	if (nr_free_pages() < need)
		SKIP("needs %lu free pages", need);
	vm_unmap_aliases();
	vmalloc_totals(&total, &used, &largest, &ranges);
	churn_areas_everywhere(t);
	limit = vmalloc_set_lazy_limit(64); /* so that purges run against each other */
	churn_areas_everywhere(t);
	vmalloc_set_lazy_limit(limit);
	vm_unmap_aliases();
	vmalloc_totals(&total, &used2, &largest2, &ranges2);
	EXPECT_EQ(used2, used);
	EXPECT_EQ(largest2, largest);
	EXPECT_EQ(ranges2, ranges);
}

struct range_owner {
	vaddr_t start[32];
};

static void take_ranges(void *ctx)
{
	struct range_owner *o = ctx;

	for (unsigned i = 0; i < ARRAY_SIZE(o->start); i++) {
		struct vmap_area *a = vmap_alloc(2 * PAGE_SIZE, PAGE_SIZE, VM_MAP, 0, GFP_KERNEL);

		o->start[i] = a ? a->start : 0;
	}
}

static void free_ranges_of(const struct range_owner *o)
{
	for (unsigned i = 0; i < ARRAY_SIZE(o->start); i++)
		if (o->start[i])
			vunmap((void *)o->start[i]);
}

static void give_ranges(void *ctx)
{
	free_ranges_of(ctx);
}

/* Addresses of two CPUs share no page table, so neither waits for the other's lock nor takes its cache lines. */
KTEST(cross_cpu, each_cpu_has_addresses_of_its_own_and_the_same_ones_again)
{
	const unsigned shift = PAGE_SHIFT + PT_INDEX_BITS;
	struct range_owner here, there, again;
	NEEDS_OTHER_CPU(cpu);

	if (vmap_end - vmap_start < GIB(4))
		SKIP("the window is small");
	vm_unmap_aliases();
	take_ranges(&here);
	run_on(cpu, take_ranges, &there);
	EXPECT_GT(vmap_kept_bytes(cpu), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(here.start); i++)
		for (unsigned j = 0; j < ARRAY_SIZE(there.start); j++)
			EXPECT_NE(here.start[i] >> shift, there.start[j] >> shift);
	free_ranges_of(&there);
	vm_unmap_aliases();
	EXPECT_EQ(vmap_kept_bytes(cpu), 0);
	run_on(cpu, take_ranges, &again);
	for (unsigned i = 0; i < ARRAY_SIZE(there.start); i++)
		EXPECT_EQ(again.start[i], there.start[i]);
	free_ranges_of(&here);
	free_ranges_of(&again);
}

/* The last page of the window may be with a CPU that does not need it. */
KTEST(cross_cpu, a_request_finds_what_another_cpu_keeps)
{
	unsigned long total, used, largest, less, ranges, limit;
	struct range_owner there;
	struct vmap_area *a;
	NEEDS_OTHER_CPU(cpu);

	if (vmap_end - vmap_start < GIB(4))
		SKIP("the window is small");
	vm_unmap_aliases();
	vmalloc_totals(&total, &used, &largest, &ranges);
	run_on(cpu, take_ranges, &there);
	limit = vmalloc_set_lazy_limit(0);
	run_on(cpu, give_ranges, &there); /* and purge, which gives that CPU its ranges back */
	vmalloc_set_lazy_limit(limit);
	EXPECT_GT(vmap_kept_bytes(cpu), 0);
	vmalloc_totals(&total, &used, &less, &ranges);
	EXPECT_LT(less, largest);
	a = vmap_alloc(largest, PAGE_SIZE, VM_MAP, 0, GFP_KERNEL);
	if (EXPECT_NOT_NULL(a))
		vunmap((void *)a->start);
	EXPECT_EQ(vmap_kept_bytes(cpu), 0);
}

static unsigned lazy_areas;

static bool count_lazy(const struct vmalloc_info *info, void *ctx)
{
	(void)ctx;
	lazy_areas += info->lazy;
	return true;
}

static unsigned nr_lazy_areas(void)
{
	lazy_areas = 0;
	vmalloc_for_each(count_lazy, NULL);
	return lazy_areas;
}

static void free_one_more(void *ctx)
{
	(void)ctx;
	vfree(vmalloc(PAGE_SIZE));
}

/* A purge flushes for all CPUs, and leaves to each what is its own: the other one gives it back when it frees next. */
KTEST(cross_cpu, a_purge_leaves_flushed_areas_to_the_cpu_that_they_came_from)
{
	struct tlb_stats before, after;
	unsigned long limit;
	struct page *frame;
	NEEDS_OTHER_CPU(cpu);

	if (vmap_end - vmap_start < GIB(4))
		SKIP("the window is small");
	for (unsigned way = 0; way < 2; way++) {
		vm_unmap_aliases();
		run_on(cpu, take_area, NULL);
		ASSERT_NOT_NULL(area);
		frame = vmalloc_to_page(area);
		limit = vmalloc_set_lazy_limit(0);
		vfree(area);
		EXPECT_EQ(vmalloc_lazy_pages(), 0);
		EXPECT_EQ(page_state(frame), PAGE_ALLOCATED);
		EXPECT_EQ(nr_lazy_areas(), 1);
		EXPECT_NULL(vmap_check());
		tlb_stats(cpu, &before);
		vmalloc_set_lazy_limit(limit);
		if (way == 0) {
			run_on(cpu, free_one_more, NULL);
			tlb_stats(cpu, &after);
			/* Not for these areas: at most for what was not asked of it in its sleep. */
			EXPECT_LE(after.page + after.range + after.full - before.page - before.range -
					  before.full,
				  1);
		} else {
			EXPECT_EQ(vm_unmap_aliases(), 8);
		}
		EXPECT_NE(page_state(frame), PAGE_ALLOCATED);
		EXPECT_EQ(nr_lazy_areas(), way == 0); /* the one more */
		EXPECT_NULL(vmap_check());
	}
}

/* Lazy pages of all CPUs together stay below the limit, though nobody counts them in one place. */
KTEST(cross_cpu, lazy_pages_of_all_cpus_stay_below_the_limit)
{
	unsigned long limit, most = 0;
	struct range_owner o;
	u64 purges;
	NEEDS_OTHER_CPU(cpu);

	vm_unmap_aliases();
	limit = vmalloc_set_lazy_limit(300);
	purges = vmalloc_lazy_purges();
	for (unsigned i = 0; i < 20; i++) {
		if (i % 2)
			run_on(cpu, take_ranges, &o);
		else
			take_ranges(&o);
		for (unsigned n = 0; n < ARRAY_SIZE(o.start); n++) {
			vunmap((void *)o.start[n]);
			most = max(most, vmalloc_lazy_pages());
		}
	}
	vmalloc_set_lazy_limit(limit);
	EXPECT_GT(most, 300 - 300 / 4);
	EXPECT_LE(most, 300);
	EXPECT_LE(vmalloc_lazy_purges() - purges, 20 * 64 / 250 + 2);
	EXPECT_GE(vmalloc_lazy_purges() - purges, 20 * 64 / 300);
}

enum { LARGE_PAGES = 600 }; /* its array of pages is an area as well */

static void churn_large_areas(void *ctx)
{
	(void)ctx;
	for (unsigned i = 0; i < 6; i++) {
		void *p = vmalloc_gfp(LARGE_PAGES * PAGE_SIZE, GFP_KERNEL | __GFP_NOWARN, NUMA_NO_NODE, 0, 0);

		vfree(p);
		quiet_point();
	}
}

/* A purge frees areas of its own, and with this limit each vfree() purges: nobody waits for itself. */
KTEST(cross_cpu, purges_inside_purges_on_two_cpus_end)
{
	struct smp_task task = {.fn = churn_large_areas};
	unsigned long limit;
	NEEDS_OTHER_CPU(cpu);

	if (nr_free_pages() < 8 * LARGE_PAGES)
		SKIP("needs %u free pages", 8 * LARGE_PAGES);
	limit = vmalloc_set_lazy_limit(0);
	if (EXPECT_EQ(smp_start(cpu, &task), 0)) {
		churn_large_areas(NULL);
		smp_wait(&task);
	}
	vmalloc_set_lazy_limit(limit);
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
