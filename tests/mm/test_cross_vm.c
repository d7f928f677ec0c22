/*
 * test_cross_vm.c - translations that change on one CPU and are used on another, and areas of all CPUs.
 *
 * Idea.       A CPU that has used a translation keeps it until it flushes, awake or asleep: it looks, the frame is changed, it
 *             looks again. Areas are made by one CPU and freed by another, and the window is checked range by range.
 * Layout.     A second CPU runs one half of a case as a task.
 * Invariants. After each case the runner counts pages and objects and checks every layer.
 * Locking.    As the layers have it: the halves run at the same time where the name says so.
 * Failure.    None expected.
 * Next:       test_all_cpus.c.
 */
#include "scratch.h"

#include "../kernel/other_cpu.h"
#include <arch/time.h>
#include <kernel/percpu.h>
#include <kernel/random.h>
#include <kernel/string.h>
#include <mm/internal.h>
#include <mm/page_alloc.h>
#include <mm/tlb.h>

enum { OLD = 0x01d, NEW = 0x2e3, SLEEP_ROUNDS = 100000 };

static _Atomic unsigned step;

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

/* Shows tlb.T1. */
KTEST(cross_vm, a_flush_of_each_kind_reaches_the_other_cpu)
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
	return b.deferred - a.deferred == cpus_to_reach();
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

/* Shows tlb.T2. */
KTEST(cross_vm, a_sleeping_cpu_is_not_asked_and_sees_the_new_frame_when_it_wakes)
{
	NEEDS_OTHER_CPU(cpu);

	for (unsigned i = 0; i < 4; i++)
		expect_new_frame_after_sleep(t, cpu, i % 2);
}

/* They may walk ahead in their sleep: tables that go are another matter. */
KTEST(cross_vm, a_sleeping_cpu_is_asked_when_tables_go)
{
	unsigned others = cpumask_weight(&cpu_online_mask) - 1;
	struct tlb_stats a, b;
	struct scratch s;

	if (!others)
		SKIP("needs a second CPU");
	NEED_SCRATCH(&s, PT_LEVEL_SIZE(1), PT_LEVEL_SIZE(1));
	for (unsigned i = 0; i < 3; i++) {
		EXPECT_EQ(pt_populate(s.va, PAGE_SIZE, 0, GFP_KERNEL), 0);
		smp_settle();
		tlb_stats(arch_cpu_id(), &a);
		EXPECT_EQ(pt_reclaim(s.va, s.size), 1);
		tlb_stats(arch_cpu_id(), &b);
		EXPECT_EQ(b.ipi_sent - a.ipi_sent, cpus_to_reach());
		EXPECT_EQ(b.deferred, a.deferred);
	}
	scratch_put(&s);
}

/* No TLB may hold the large leaf beside small ones that come in its place. */
KTEST(cross_vm, a_sleeping_cpu_is_asked_when_a_large_leaf_goes)
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
	EXPECT_EQ(b.ipi_sent - a.ipi_sent, cpus_to_reach());
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

KTEST(cross_vm, areas_are_used_and_freed_by_another_cpu)
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

KTEST(cross_vm, two_cpus_map_and_purge_at_once)
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
	unsigned long_mask; /* pages of a long area, less 1 */
	unsigned wrong, failed, strange;
	u64 *live[LIVE];
	unsigned pages[LIVE];
};
static DEFINE_PER_CPU(struct area_churn, churn_part);
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
				   (c->random >> 50 & 31 ? 7 : c->long_mask)); /* now and then a long one */
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
	const unsigned long areas = cpumask_weight(&cpu_online_mask) * LIVE,
			    share = (vmap_end - vmap_start) / PAGE_SIZE / areas; /* pages of the window */
	unsigned cpu, strange = 0;

	if (share < 16)
		SKIP("the window has %lu pages for each of %lu areas", share, areas);
	for_each_online_cpu (cpu) {
		struct area_churn *c = &per_cpu(churn_part, cpu);

		*c = (struct area_churn){.task = {.fn = churn_on_all, .ctx = c},
					 .random = test_rand() | 1,
					 .long_mask = share < 64 ? 7 : 255};
		if (cpu != arch_cpu_id())
			ASSERT_EQ(smp_start(cpu, &c->task), 0);
	}
	churn_on_all(this_cpu_ptr(&churn_part));
	for_each_online_cpu (cpu) {
		if (cpu != arch_cpu_id())
			smp_wait(&per_cpu(churn_part, cpu).task);
		EXPECT_EQ(per_cpu(churn_part, cpu).wrong, 0);
		EXPECT_EQ(per_cpu(churn_part, cpu).failed, 0);
		strange += per_cpu(churn_part, cpu).strange;
	}
	for (unsigned i = 0; i < HANDS; i++)
		give_area(this_cpu_ptr(&churn_part), atomic_exchange(&hand[i], NULL));
	EXPECT_NE(strange, 0);
	EXPECT_NULL(vmap_check());
}

/* While nobody looks the ranges of all CPUs are cut, purged, drained and joined; afterwards they tile the window. */
KTEST(cross_vm, areas_of_all_cpus_tile_the_window_whoever_frees_them)
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
KTEST(cross_vm, each_cpu_has_addresses_of_its_own_and_the_same_ones_again)
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
KTEST(cross_vm, a_request_finds_what_another_cpu_keeps)
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
	if (less == largest) {
		vm_unmap_aliases();
		SKIP("what that CPU keeps does not border on the largest free range");
	}
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
KTEST(cross_vm, a_purge_leaves_flushed_areas_to_the_cpu_that_they_came_from)
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
KTEST(cross_vm, lazy_pages_of_all_cpus_stay_below_the_limit)
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

static void set_turn(unsigned long turn)
{
	__atomic_store_n(this_cpu_ptr(&purge_turn), turn, __ATOMIC_RELEASE);
}

/* Poses as a CPU that ends a purge and is in the next one at once. */
static void purge_after_purge(void *ctx)
{
	unsigned long turn = *this_cpu_ptr(&purge_turn);

	(void)ctx;
	set_turn(turn + 1);
	atomic_store(&step, 1);
	for (unsigned long i = 3; atomic_load(&step) == 1; i += 2)
		set_turn(turn + i);
	set_turn(turn);
}

KTEST(cross_vm, unmapping_aliases_ends_while_another_cpu_goes_on_purging)
{
	struct smp_task task = {.fn = purge_after_purge};
	NEEDS_OTHER_CPU(cpu);

	atomic_store(&step, 0);
	ASSERT_EQ(smp_start(cpu, &task), 0);
	while (!atomic_load(&step)) /* no quiet point: the other CPU has none */
		arch_cpu_relax();
	for (unsigned i = 0; i < 20; i++)
		vm_unmap_aliases();
	atomic_store(&step, 2);
	smp_wait(&task);
}

struct long_purge {
	void *area;
	_Atomic bool left;
};

/* Poses as a CPU that is in one purge for 2 ms, and leaves an area behind as a purge does that has flushed it. */
static void one_long_purge(void *ctx)
{
	unsigned long turn = *this_cpu_ptr(&purge_turn);
	struct long_purge *purge = ctx;
	u64 end;

	set_turn(turn + 1);
	atomic_store(&step, 1);
	for (end = arch_time_ns() + 2000000; arch_time_ns() < end;)
		arch_cpu_relax();
	vfree(purge->area);
	atomic_store(&purge->left, true);
	set_turn(turn);
}

KTEST(cross_vm, unmapping_aliases_waits_for_a_purge_under_way)
{
	struct long_purge purge = {0};
	struct smp_task task = {.fn = one_long_purge, .ctx = &purge};
	NEEDS_OTHER_CPU(cpu);

	purge.area = vmalloc(PAGE_SIZE);
	ASSERT_NOT_NULL(purge.area);
	atomic_store(&step, 0);
	ASSERT_EQ(smp_start(cpu, &task), 0);
	while (!atomic_load(&step))
		arch_cpu_relax();
	vm_unmap_aliases();
	EXPECT_TRUE(atomic_load(&purge.left));
	EXPECT_EQ(vmalloc_lazy_pages(), 0); /* what the purge has left is taken as well */
	smp_wait(&task);
}

/* A purge frees areas of its own, and with this limit each vfree() purges: nobody waits for itself. */
KTEST(cross_vm, purges_inside_purges_on_two_cpus_end)
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
