/*
 * test_fault.c - each allocation inside each public operation fails once, and nothing stays behind.
 *
 * Idea.       An operation that allocates is a step with several allocations in it, and each of them may be the one that is
 *             refused. So the first is made to fail, then the second, and so on, until the operation comes through without
 *             reaching the one that was to fail. Each time the answer has to be an error, or what the operation promises
 *             to do without; and after an error everything has to be as before.
 * Layout.     struct op, an operation and how to undo it -> sweep() -> four patterns: only the n-th fails, or every one
 *             from the n-th on; per-CPU lists and arrays off, so that every allocation counts, or on and empty, so that
 *             refills fail.
 * Invariants. F1  an allocation that failed is an error of the operation, unless it says that it can do without
 *             F2  after an error the figures of all allocators are as before, and every check holds: mm_check_quick()
 *                 after each error, mm_check_all() at the end of a sweep; only the latter visits tail pages, the
 *                 reserved frames behind the first of a range, and holes
 *             F3  an operation that no failure reached succeeds
 *             Page tables stay once they are built; mm_idle_pages() counts them as idle.
 * Locking.    None: the sweep counts this CPU's allocations only.
 * Failure.    As every test's. A machine too small for an operation is said, and that operation is not swept.
 * Next:       test_kmap.c.
 */
#include "../../mm/slab_internal.h"
#include "scratch.h"

#include "../kernel/cmd_check.h"

#include <arch/irq.h>
#include <kernel/errno.h>
#include <kernel/fault.h>
#include <mm/percpu.h>
#include <kernel/shell.h>
#include <kernel/test.h>
#include <kernel/work.h>
#include <mm/check.h>
#include <mm/internal.h>
#include <mm/kmalloc.h>
#include <mm/vmalloc.h>
#include <mm/numa.h>
#include <mm/slab_info.h>

/* ---- the figures of all allocators ---- */

enum figure {
	IDLE,
	LIVE,
	CACHES,
	SLAB_PAGES,
	AREA_BYTES,
	LARGEST,
	RANGES,
	LAZY,
	CPU_PAGES,
	CPU_BYTES,
	NR_FIGURES
};
static const char *const figure_names[NR_FIGURES] = {
	"idle pages",	 "live objects", "caches",     "pages in slabs", "bytes in areas",
	"largest range", "free ranges",	 "lazy pages", "per-CPU pages",	 "per-CPU bytes"};

struct state {
	unsigned long v[NR_FIGURES];
};

static bool count_cache(const struct slab_cache_info *info, void *ctx)
{
	++*(unsigned long *)ctx;
	return true;
}

static struct state state_now(void)
{
	struct state s = {{0}};
	unsigned long total;

	mm_settle();
	s.v[IDLE] = mm_idle_pages();
	s.v[LIVE] = mm_live_objects();
	slab_for_each_cache(count_cache, &s.v[CACHES]);
	s.v[SLAB_PAGES] = mm_counter_read(MM_SLAB_RECLAIMABLE) + mm_counter_read(MM_SLAB_UNRECLAIMABLE);
	vmalloc_totals(&total, &s.v[AREA_BYTES], &s.v[LARGEST], &s.v[RANGES]);
	s.v[LAZY] = vmalloc_lazy_pages();
	s.v[CPU_PAGES] = percpu_pages();
	s.v[CPU_BYTES] = percpu_used_bytes();
	return s;
}

/* ---- the sweep ---- */

enum {
	MAKES_DO = 1, /* one failure may be made up for: there is another way */
	HAS_OPTIONAL =
		2, /* parts of it are worth having, not needed: it may succeed with every further one failing */
	USES_OBJECTS = 4,  /* with the lists on, such a part is the body of an array */
	NEVER_FAILS = 8,   /* what it asks for must not fail */
	FRESH_TABLES = 16, /* the vmalloc window's empty tables go first, so that it needs new ones */
	DENSE = 16, /* of very many allocations each of the first and last are tried, and samples between them */
	SAMPLES = 12,
	TOO_MANY = 100000,
};

struct op {
	const char *name;
	bool (*take)(struct op *op); /* whether it succeeded; after a failure nothing is to be given back */
	void (*give)(struct op *op);
	unsigned flags;
	unsigned least; /* allocations that it consists of, at least, with the lists off */
	gfp_t gfp;
	unsigned order, cache_flags;
	size_t size;
	void (*ctor)(void *obj);
	const char *line; /* shell */
	/* What it got, and what it works on. */
	void *p;
	struct kmem_cache *cache;
	struct scratch *scratch;
};

struct pattern {
	bool lists_on, rest_too;
};

static const char *pattern_name(struct pattern p)
{
	if (p.rest_too)
		return p.lists_on ? "lists on, all from" : "lists off, all from";
	return p.lists_on ? "lists on, only" : "lists off, only";
}

struct where {
	struct ktest *t;
	const struct op *op;
	struct pattern pattern;
	unsigned long n;
};

static void report_broken(const char *name, const char *what, void *ctx)
{
	const struct where *w = ctx;

	ktest_fail(w->t, w->op->name, 0, "%s allocation %lu failing: check %s: %s", pattern_name(w->pattern),
		   w->n, name, what);
}

typedef unsigned (*check_fn)(unsigned *checks, void (*report)(const char *name, const char *what, void *ctx),
			     void *ctx);

static void expect_consistent(struct where *w, check_fn check)
{
	unsigned checks;

	check(&checks, report_broken, w);
	w->t->checks += checks;
}

/* F2 */
static void expect_unchanged(struct where *w, const struct state *before)
{
	struct state now = state_now();
	struct ktest *t = w->t;

	for (unsigned i = 0; i < NR_FIGURES; i++)
		EXPECT_MSG(now.v[i] == before->v[i], "%s: %s allocation %lu failing: %s were %lu, are %lu",
			   w->op->name, pattern_name(w->pattern), w->n, figure_names[i], before->v[i],
			   now.v[i]);
	expect_consistent(w, mm_check_quick);
}

static void prepare(const struct op *op)
{
	if (!(op->flags & FRESH_TABLES))
		return;
	pt_reclaim(vmap_start, vmap_end - vmap_start);
	quiet_drain();
}

static unsigned long next_n(unsigned long n, unsigned long total)
{
	if (total < 4 * DENSE || n < DENSE || n + DENSE >= total)
		return n + 1;
	return min(n + total / SAMPLES, total - DENSE);
}

static bool several_nodes_have_memory(void)
{
	unsigned with_memory = 0;
	struct node *n;

	for_each_node (n)
		with_memory += n->has_memory;
	return with_memory > 1;
}

/* Where a cache has objects on other nodes, no page for a slab of its own means one of those. */
static bool may_succeed(const struct where *w, const struct op *op)
{
	const struct pattern p = w->pattern;
	bool objects = p.lists_on || (w->n > 1 && several_nodes_have_memory());

	return op->flags &
	       (NEVER_FAILS | HAS_OPTIONAL | (p.rest_too ? 0 : MAKES_DO) | (objects ? USES_OBJECTS : 0));
}

/* One try. Returns whether the failure was reached. */
static bool sweep_step(struct where *w, struct op *op, const struct state *before, unsigned *failed)
{
	struct ktest *t = w->t;
	struct fault_sweep s;
	bool ok;

	prepare(op);
	fault_sweep_arm(w->n, w->pattern.rest_too ? ~0UL : w->n);
	ok = op->take(op);
	s = fault_sweep_disarm();
	*failed += !ok;
	EXPECT_MSG(!ok || !s.struck || may_succeed(w, op), "%s: %s allocation %lu failed, and it succeeded",
		   op->name, pattern_name(w->pattern), w->n); /* F1 */
	EXPECT_MSG(ok || (s.struck && !(op->flags & NEVER_FAILS)),
		   "%s: %s allocation %lu failing (%lu failed), and it failed", op->name,
		   pattern_name(w->pattern), w->n, s.struck); /* F3 */
	if (ok)
		op->give(op);
	else
		EXPECT_MSG(!vmalloc_lazy_pages(),
			   "%s: %s allocation %lu failed, and %lu pages wait for a purge", op->name,
			   pattern_name(w->pattern), w->n, vmalloc_lazy_pages());
	expect_unchanged(w, before);
	return s.struck != 0;
}

/* Where areas live on in the window (stacks of CPUs), the table that they share with the operation's stays. */
static unsigned least_allocations(const struct op *op)
{
	unsigned long total, used, largest, ranges;

	vmalloc_totals(&total, &used, &largest, &ranges);
	return op->least - (op->flags & FRESH_TABLES && op->least && used ? 1 : 0);
}

/* Returns the n that was not reached, 0: there is no memory for the operation. */
static unsigned long sweep_pattern(struct ktest *t, struct op *op, struct pattern pattern)
{
	struct where w = {t, op, pattern, 1};
	unsigned failed = 0, failures = t->failures;
	struct state before;
	unsigned long total;

	fault_sweep_arm(0, 0);
	if (!pattern.lists_on)
		mm_update_bypass();
	prepare(op);
	if (op->take(op)) { /* what stays once it is built is there now */
		total = fault_sweep_disarm().asked;
		op->give(op);
		before = state_now();
		while (sweep_step(&w, op, &before, &failed) && w.n < TOO_MANY && t->failures < failures + 5)
			w.n = next_n(w.n, total);
		EXPECT_LT(w.n, TOO_MANY);
		if (!pattern.lists_on) {
			EXPECT_MSG(w.n > least_allocations(op), "%s: %lu allocations, expected %u", op->name,
				   w.n - 1, least_allocations(op));
			EXPECT_MSG(!pattern.rest_too || failed || (op->flags & NEVER_FAILS),
				   "%s never failed", op->name);
		}
	} else {
		w.n = 0;
	}
	fault_sweep_stop();
	mm_update_bypass();
	return w.n;
}

static void sweep(struct ktest *t, struct op *op)
{
	static const struct pattern patterns[] = {{false, false}, {false, true}, {true, false}, {true, true}};
	int saved = console_loglevel;
	unsigned long n[ARRAY_SIZE(patterns)];

	console_loglevel = LOG_ERR; /* warnings about no memory are what is asked for */
	for (unsigned i = 0; i < ARRAY_SIZE(patterns); i++)
		n[i] = sweep_pattern(t, op, patterns[i]);
	expect_consistent(&(struct where){t, op, patterns[ARRAY_SIZE(patterns) - 1], n[ARRAY_SIZE(n) - 1]},
			  mm_check_all);
	console_loglevel = saved;
	if (n[0])
		console_printf("  # %s: %lu allocations, %lu behind the lists\n", op->name, n[0] - 1,
			       n[2] - 1);
	else
		console_printf("  # %s: not swept, there is no memory for it\n", op->name);
}

#define SWEEP(t, what, take_, give_, ...) \
	sweep(t, &(struct op){.name = what, .take = take_, .give = give_, __VA_ARGS__})

/* ---- the counter itself ---- */

/* Shows fault.I3. */
KTEST(fault, exactly_the_allocations_of_a_sweep_fail)
{
	struct fault_sweep s;

	fault_sweep_arm(3, 4);
	mm_update_bypass();
	for (unsigned i = 1; i <= 6; i++) {
		void *p = kmalloc(16 * PAGE_SIZE, GFP_KERNEL); /* one block of pages, nothing else */

		EXPECT_EQ(p == NULL, i == 3 || i == 4);
		kfree(p);
	}
	s = fault_sweep_disarm();
	EXPECT_EQ(s.asked, 6);
	EXPECT_EQ(s.struck, 2);
	kfree(kmalloc(16 * PAGE_SIZE, GFP_KERNEL));
	EXPECT_EQ(fault_sweep_disarm().asked, 6);
	fault_sweep_stop();
	mm_update_bypass();
}

static void alloc_in_interrupt(void *ctx)
{
	struct page **page = ctx;

	page[0] = alloc_pages(GFP_ATOMIC, PCP_MAX_ORDER + 1);
	page[1] = (struct page *)1;
}

KTEST(fault, a_sweep_does_not_count_what_interrupts_ask_for)
{
	struct page *page[2] = {NULL, NULL};

	fault_sweep_arm(1, ~0UL);
	arch_irq_test_raise(alloc_in_interrupt, page);
	while (!READ_ONCE(page[1]))
		arch_cpu_relax();
	EXPECT_EQ(fault_sweep_disarm().asked, 0);
	fault_sweep_stop();
	ASSERT_NOT_NULL(page[0]);
	__free_pages(page[0], PCP_MAX_ORDER + 1);
}

/*
 * Pages and objects that lists would answer ask as well: the lists are off while something is armed.
 * Shows fault.I1.
 */
KTEST(fault, armed_attributes_are_asked_by_every_call)
{
	struct fault_attr pages = fail_page_alloc, slab = failslab, areas = fail_vmalloc;
	struct page *page = NULL;

	EXPECT_EQ(fault_attr_parse("2", &fail_page_alloc), 0);
	EXPECT_EQ(fault_attr_parse("0", &failslab), 0);
	mm_update_bypass();
	for (unsigned i = 1; i <= 10; i++) {
		page = alloc_page(GFP_KERNEL);
		EXPECT_EQ(page == NULL, i % 2 == 0);
		if (page)
			__free_page(page);
	}
	EXPECT_EQ(fail_page_alloc.calls, 10);
	EXPECT_EQ(fail_page_alloc.failed, 5);
	EXPECT_EQ(fault_attr_parse("0", &fail_page_alloc), 0);
	EXPECT_EQ(fault_attr_parse("3", &failslab), 0);
	mm_update_bypass();
	for (unsigned i = 1; i <= 9; i++) {
		void *p = kmalloc(64, GFP_KERNEL);

		EXPECT_EQ(p == NULL, i % 3 == 0);
		kfree(p);
	}
	EXPECT_EQ(failslab.calls, 9);
	EXPECT_EQ(failslab.failed, 3);
	EXPECT_EQ(fault_attr_parse("0", &failslab), 0);
	EXPECT_EQ(fault_attr_parse("1", &fail_vmalloc), 0);
	mm_update_bypass();
	EXPECT_NULL(vmalloc(PAGE_SIZE));
	EXPECT_NULL(vmap(&page, 1, VM_MAP, PT_RW));
	EXPECT_EQ(fail_vmalloc.failed, 2);
	fail_page_alloc = pages;
	failslab = slab;
	fail_vmalloc = areas;
	mm_update_bypass();
}

KTEST(fault, lists_are_as_before_when_nothing_is_armed_any_more)
{
	struct zone *zone = this_cpu(pcp_alloc_zone[0]);
	struct pcp *pcp = zone ? this_cpu(pcp_zone[zone->id]) : NULL;
	unsigned cpu;
	u32 high;

	if (!zone)
		SKIP("page debugging or fault injection is on, or the node has no memory: there are no "
		     "lists");
	high = pcp->high;
	fault_sweep_arm(0, 0);
	mm_update_bypass();
	for_each_online_cpu (cpu) {
		EXPECT_EQ(per_cpu(pcp_zone[zone->id], cpu)->high, 0);
		EXPECT_EQ(pcp_count(zone, cpu), 0);
	}
	EXPECT_NULL(this_cpu(pcp_alloc_zone[0]));
	__free_page(alloc_page(GFP_KERNEL));
	EXPECT_EQ(pcp_count(zone, arch_cpu_id()), 0);
	EXPECT_NULL(pcp_check());
	fault_sweep_stop();
	mm_update_bypass();
	for_each_online_cpu (cpu)
		EXPECT_EQ(per_cpu(pcp_zone[zone->id], cpu)->high, high);
	EXPECT_EQ(this_cpu(pcp_alloc_zone[0]), zone);
	__free_page(alloc_page(GFP_KERNEL));
	EXPECT_NE(pcp_count(zone, arch_cpu_id()), 0);
}

KTEST(fault, bad_values_leave_an_attribute_as_it_was)
{
	static const char *const bad[] = {"",	       "x",  "1,", "1,101", "1,100,0,-1,0",
					  "1,100,0,x", ",1", "-1", "1 ",    "1,100,-1"};
	struct fault_attr attr = FAULT_ATTR_OFF;

	EXPECT_EQ(fault_attr_parse("7,50,4K,3", &attr), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_MSG(fault_attr_parse(bad[i], &attr) == -EINVAL, "\"%s\" was taken", bad[i]);
	EXPECT_EQ(fault_attr_parse(NULL, &attr), -EINVAL);
	EXPECT_EQ(attr.interval, 7);
	EXPECT_EQ(attr.probability, 50);
	EXPECT_EQ(attr.space, 4096);
	EXPECT_EQ(attr.times, 3);
}

/* ---- pages ---- */

static bool take_pages(struct op *op)
{
	op->p = alloc_pages(op->gfp, op->order);
	return op->p;
}

static bool take_pages_node(struct op *op)
{
	op->p = alloc_pages_node(numa_node_id(), op->gfp, op->order);
	return op->p;
}

static void give_pages(struct op *op)
{
	__free_pages(op->p, op->order);
}

KTEST(fault, alloc_pages_of_each_order_fails_whole)
{
	for (unsigned order = 0; order <= MAX_ORDER; order++) {
		char name[32];

		snprintf(name, sizeof(name), "alloc_pages order %u", order);
		SWEEP(t, name, take_pages, give_pages, .least = 1, .gfp = GFP_KERNEL, .order = order);
	}
}

KTEST(fault, alloc_pages_with_each_kind_of_flags_fails_whole)
{
	static const struct {
		const char *name;
		gfp_t gfp;
	} kinds[] = {
		{"alloc_pages ATOMIC", GFP_ATOMIC},
		{"alloc_pages NOWAIT", GFP_NOWAIT},
		{"alloc_pages ZERO COMP", GFP_KERNEL | __GFP_ZERO | __GFP_COMP},
		{"alloc_pages DMA", GFP_KERNEL | GFP_DMA},
		{"alloc_pages DMA32", GFP_KERNEL | GFP_DMA32},
		{"alloc_pages HIGHMEM MOVABLE", GFP_HIGHUSER_MOVABLE},
		{"alloc_pages RECLAIMABLE", GFP_KERNEL | __GFP_RECLAIMABLE},
		{"alloc_pages NORETRY MEMALLOC", GFP_KERNEL | __GFP_NORETRY | __GFP_MEMALLOC},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
		SWEEP(t, kinds[i].name, take_pages, give_pages, .least = 1, .gfp = kinds[i].gfp, .order = 1);
		SWEEP(t, kinds[i].name, take_pages_node, give_pages, .least = 1,
		      .gfp = kinds[i].gfp | __GFP_THISNODE, .order = 4);
	}
}

static bool take_free_pages(struct op *op)
{
	op->p = (void *)__get_free_pages(op->gfp, op->order);
	return op->p;
}

static bool take_zeroed_page(struct op *op)
{
	op->p = (void *)get_zeroed_page(op->gfp);
	return op->p;
}

static void give_free_pages(struct op *op)
{
	free_pages((unsigned long)op->p, op->order);
}

KTEST(fault, pages_by_address_fail_whole)
{
	SWEEP(t, "__get_free_pages", take_free_pages, give_free_pages, .least = 1, .gfp = GFP_KERNEL,
	      .order = 2);
	SWEEP(t, "get_zeroed_page", take_zeroed_page, give_free_pages, .least = 1, .gfp = GFP_KERNEL);
}

static bool take_exact(struct op *op)
{
	op->p = alloc_pages_exact(op->size, op->gfp);
	return op->p;
}

static void give_exact(struct op *op)
{
	free_pages_exact(op->p, op->size);
}

static bool take_trimmed(struct op *op)
{
	op->p = alloc_pages_trimmed(NUMA_NO_NODE, op->gfp, op->size >> PAGE_SHIFT);
	return op->p;
}

static void give_trimmed(struct op *op)
{
	free_pages_trimmed(op->p, op->size >> PAGE_SHIFT);
}

KTEST(fault, runs_of_pages_fail_whole)
{
	SWEEP(t, "alloc_pages_exact 1", take_exact, give_exact, .least = 1, .gfp = GFP_KERNEL,
	      .size = PAGE_SIZE);
	SWEEP(t, "alloc_pages_exact 5", take_exact, give_exact, .least = 1, .gfp = GFP_KERNEL,
	      .size = 5 * PAGE_SIZE);
	SWEEP(t, "alloc_pages_exact 100 ZERO", take_exact, give_exact, .least = 1,
	      .gfp = GFP_KERNEL | __GFP_ZERO, .size = 100 * PAGE_SIZE);
	SWEEP(t, "alloc_pages_trimmed 7", take_trimmed, give_trimmed, .least = 1, .gfp = GFP_KERNEL,
	      .size = 7 * PAGE_SIZE);
}

enum { BULK = 40 };

/* Fewer than were asked for is an answer, and who cannot use it gives it back. */
static bool take_bulk_pages(struct op *op)
{
	static struct page *pages[BULK];
	unsigned long got = alloc_pages_bulk(NUMA_NO_NODE, op->gfp, BULK, pages);

	op->p = pages;
	if (got < BULK)
		free_pages_bulk(pages, got);
	return got == BULK;
}

static void give_bulk_pages(struct op *op)
{
	free_pages_bulk(op->p, BULK);
}

KTEST(fault, bulk_pages_come_fewer_and_are_counted)
{
	SWEEP(t, "alloc_pages_bulk", take_bulk_pages, give_bulk_pages, .least = BULK, .gfp = GFP_KERNEL);
}

/* ---- caches ---- */

static void construct(void *obj)
{
	*(u64 *)obj = 0x636f6e7374727563;
}

static const struct cache_kind {
	const char *name;
	unsigned size, flags;
	void (*ctor)(void *obj);
} cache_kinds[] = {
	{"index in an object", 100, 0, NULL},
	{"cache lines", 100, SLAB_HWCACHE_ALIGN, NULL},
	{"index off the slab", PAGE_SIZE / 8, 0, construct},
	{"constructed", 100, 0, construct},
	{"consistency checks", 200, SLAB_CONSISTENCY_CHECKS | SLAB_RED_ZONE | SLAB_POISON | SLAB_STORE_USER,
	 NULL},
	{"red zones", 40, SLAB_RED_ZONE, NULL},
	{"reclaimable", 700, SLAB_RECLAIM_ACCOUNT, NULL},
	{"DMA", 50, SLAB_CACHE_DMA, NULL},
	{"slabs of many pages", 5 * PAGE_SIZE, 0, NULL},
	{"read under RCU", 3000, SLAB_TYPESAFE_BY_RCU, NULL},
};

static bool take_cache(struct op *op)
{
	op->p = kmem_cache_create("ktest-fault", (unsigned)op->size, 0, op->cache_flags, op->ctor);
	return op->p;
}

static void give_cache(struct op *op)
{
	BUG_ON(kmem_cache_destroy(op->p), "an empty cache could not be destroyed");
}

/* Descriptor, per-CPU cells, a structure a node; each object of a cache of its own and its slab. */
KTEST(fault, kmem_cache_create_of_each_kind_fails_whole)
{
	for (unsigned i = 0; i < ARRAY_SIZE(cache_kinds); i++) {
		const struct cache_kind *k = &cache_kinds[i];
		char name[64];

		snprintf(name, sizeof(name), "kmem_cache_create %s", k->name);
		SWEEP(t, name, take_cache, give_cache, .flags = MAKES_DO | HAS_OPTIONAL, .least = 3,
		      .size = k->size, .cache_flags = k->flags, .ctor = k->ctor);
	}
}

static bool take_object(struct op *op)
{
	op->p = kmem_cache_alloc(op->cache, op->gfp);
	return op->p;
}

static bool take_object_node(struct op *op)
{
	op->p = kmem_cache_alloc_node(op->cache, op->gfp, (int)op->order);
	return op->p;
}

static void give_object(struct op *op)
{
	kmem_cache_free(op->cache, op->p);
}

static const struct {
	const char *name;
	gfp_t gfp;
} object_flags[] = {
	{"", GFP_KERNEL},
	{" NOWAIT", GFP_NOWAIT},
	{" ATOMIC", GFP_ATOMIC},
};

KTEST(fault, kmem_cache_alloc_of_each_kind_fails_whole)
{
	for (unsigned i = 0; i < ARRAY_SIZE(cache_kinds); i++) {
		const struct cache_kind *k = &cache_kinds[i];
		struct kmem_cache *s = kmem_cache_create("ktest-fault", k->size, 0, k->flags, k->ctor);

		ASSERT_NOT_NULL(s);
		for (unsigned j = 0; j < ARRAY_SIZE(object_flags); j++) {
			char name[64];

			snprintf(name, sizeof(name), "kmem_cache_alloc %s%s", k->name, object_flags[j].name);
			/* A slab on this node without effort, or else one from anywhere; without an array it is slower. */
			SWEEP(t, name, take_object, give_object, .flags = MAKES_DO | USES_OBJECTS,
			      .least = s->flags & SLAB_INDEX_OFF_SLAB ? 3 : 2, .gfp = object_flags[j].gfp,
			      .cache = s);
		}
		EXPECT_EQ(kmem_cache_destroy(s), 0);
	}
}

KTEST(fault, kmem_cache_alloc_node_fails_whole_on_each_node)
{
	struct kmem_cache *s = kmem_cache_create("ktest-fault", 100, 0, 0, NULL);

	ASSERT_NOT_NULL(s);
	for (unsigned nid = 0; nid < nr_nodes; nid++) {
		if (!nodes[nid].has_memory)
			continue;
		SWEEP(t, "kmem_cache_alloc_node", take_object_node, give_object,
		      .flags = MAKES_DO | USES_OBJECTS, .least = 2, .gfp = GFP_KERNEL, .order = nid,
		      .cache = s);
		SWEEP(t, "kmem_cache_alloc_node THISNODE", take_object_node, give_object,
		      .flags = MAKES_DO | USES_OBJECTS, .least = 2, .gfp = GFP_KERNEL | __GFP_THISNODE,
		      .order = nid, .cache = s);
	}
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

static void *objects[BULK];

static bool take_bulk(struct op *op)
{
	return kmem_cache_alloc_bulk(op->cache, op->gfp, BULK, objects) == BULK;
}

static void give_bulk(struct op *op)
{
	kmem_cache_free_bulk(op->cache, BULK, objects);
}

KTEST(fault, kmem_cache_alloc_bulk_is_all_or_nothing)
{
	for (unsigned i = 0; i < 2; i++) {
		struct kmem_cache *s = kmem_cache_create("ktest-fault", i ? 3000 : 100, 0, 0, NULL);

		ASSERT_NOT_NULL(s);
		SWEEP(t, i ? "kmem_cache_alloc_bulk 3000" : "kmem_cache_alloc_bulk 100", take_bulk, give_bulk,
		      .flags = MAKES_DO | USES_OBJECTS, .least = BULK + 1, .gfp = GFP_KERNEL, .cache = s);
		EXPECT_EQ(kmem_cache_destroy(s), 0);
	}
}

/* ---- kmalloc ---- */

static bool take_kmalloc(struct op *op)
{
	op->p = kmalloc(op->size, op->gfp);
	return op->p;
}

static bool take_kmalloc_node(struct op *op)
{
	op->p = kmalloc_node(op->size, op->gfp, numa_node_id());
	return op->p;
}

static bool take_array(struct op *op)
{
	op->p = kmalloc_array(op->size, 3, op->gfp);
	return op->p;
}

static bool take_calloc(struct op *op)
{
	op->p = kcalloc(op->size, 5, op->gfp);
	return op->p;
}

static void give_kmalloc(struct op *op)
{
	kfree(op->p);
}

KTEST(fault, kmalloc_of_each_class_fails_whole)
{
	static const size_t sizes[] = {
#define KMALLOC_CLASS(bytes) bytes,
		KMALLOC_CLASSES(KMALLOC_CLASS)
#undef KMALLOC_CLASS
	};

	for (unsigned i = 0; i < NR_KMALLOC_CLASSES; i++) {
		char name[32];

		snprintf(name, sizeof(name), "kmalloc %zu", sizes[i]);
		SWEEP(t, name, take_kmalloc, give_kmalloc, .flags = MAKES_DO | USES_OBJECTS, .least = 1,
		      .gfp = GFP_KERNEL, .size = sizes[i]);
	}
}

KTEST(fault, kmalloc_of_whole_pages_fails_whole)
{
	static const size_t sizes[] = {KMALLOC_MAX_CACHE_SIZE + 1,
				       4 * PAGE_SIZE,
				       5 * PAGE_SIZE,
				       25 * PAGE_SIZE,
				       256 * PAGE_SIZE,
				       768 * PAGE_SIZE,
				       1024 * PAGE_SIZE};

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		char name[32];

		snprintf(name, sizeof(name), "kmalloc %zu", sizes[i]);
		SWEEP(t, name, take_kmalloc, give_kmalloc, .least = 1, .gfp = GFP_KERNEL, .size = sizes[i]);
	}
}

KTEST(fault, kmalloc_in_its_other_forms_fails_whole)
{
	SWEEP(t, "kmalloc DMA", take_kmalloc, give_kmalloc, .flags = MAKES_DO | USES_OBJECTS, .least = 1,
	      .gfp = GFP_KERNEL | GFP_DMA, .size = 100);
	SWEEP(t, "kmalloc RECLAIMABLE", take_kmalloc, give_kmalloc, .flags = MAKES_DO | USES_OBJECTS,
	      .least = 1, .gfp = GFP_KERNEL | __GFP_RECLAIMABLE, .size = 100);
	SWEEP(t, "kzalloc", take_kmalloc, give_kmalloc, .flags = MAKES_DO | USES_OBJECTS, .least = 1,
	      .gfp = GFP_KERNEL | __GFP_ZERO, .size = 100);
	SWEEP(t, "kmalloc_node", take_kmalloc_node, give_kmalloc, .flags = MAKES_DO | USES_OBJECTS,
	      .least = 1, .gfp = GFP_KERNEL, .size = 100);
	SWEEP(t, "kmalloc_node of pages", take_kmalloc_node, give_kmalloc, .least = 1, .gfp = GFP_KERNEL,
	      .size = 5 * PAGE_SIZE);
	SWEEP(t, "kmalloc_array", take_array, give_kmalloc, .flags = MAKES_DO | USES_OBJECTS, .least = 1,
	      .gfp = GFP_KERNEL, .size = 33);
	SWEEP(t, "kmalloc_array of pages", take_array, give_kmalloc, .least = 1, .gfp = GFP_KERNEL,
	      .size = 5 * PAGE_SIZE / 4);
	SWEEP(t, "kcalloc", take_calloc, give_kmalloc, .flags = MAKES_DO | USES_OBJECTS, .least = 1,
	      .gfp = GFP_KERNEL, .size = 100);
}

enum { PATTERN = 0x5a };

static bool is_filled(const u8 *p, size_t size)
{
	while (size && *p == PATTERN)
		p++, size--;
	return !size;
}

/* op->p is the old object, op->order its size; after a success the new one. */
static bool take_krealloc(struct op *op)
{
	void *p = krealloc(op->p, op->size, op->gfp);

	BUG_ON(!is_filled(p ?: op->p, op->order), "krealloc changed what was there");
	if (p)
		op->p = p;
	return p;
}

static void give_krealloc(struct op *op)
{
	kfree(op->p);
	op->p = kmalloc(op->order, GFP_KERNEL);
	BUG_ON(!op->p, "no memory for an object of %u bytes", op->order);
	memset(op->p, PATTERN, op->order);
}

KTEST(fault, krealloc_that_fails_leaves_the_old_object_alone)
{
	static const struct {
		const char *name;
		unsigned from;
		size_t to;
		unsigned flags;
	} steps[] = {
		{"krealloc 16 to 600", 16, 600, MAKES_DO | USES_OBJECTS},
		{"krealloc 100 to 16 pages", 100, 16 * PAGE_SIZE, USES_OBJECTS},
		{"krealloc 5 pages to 18", 5 * PAGE_SIZE, 18 * PAGE_SIZE, 0},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(steps); i++) {
		struct op op = {.name = steps[i].name,
				.take = take_krealloc,
				.give = give_krealloc,
				.flags = steps[i].flags,
				.least = 1,
				.gfp = GFP_KERNEL,
				.order = steps[i].from,
				.size = steps[i].to};

		op.p = kmalloc(op.order, GFP_KERNEL);
		ASSERT_NOT_NULL(op.p);
		memset(op.p, PATTERN, op.order);
		sweep(t, &op);
		kfree(op.p);
	}
}

static bool take_kvmalloc(struct op *op)
{
	op->p = kvmalloc(op->size, op->gfp);
	return op->p;
}

static bool take_kvmalloc_node(struct op *op)
{
	op->p = kvmalloc_node(op->size, op->gfp, numa_node_id());
	return op->p;
}

static void give_kvmalloc(struct op *op)
{
	kvfree(op->p);
}

KTEST(fault, kvmalloc_finds_another_way_or_fails_whole)
{
	SWEEP(t, "kvmalloc 100", take_kvmalloc, give_kvmalloc, .flags = MAKES_DO | USES_OBJECTS, .least = 1,
	      .gfp = GFP_KERNEL, .size = 100);
	SWEEP(t, "kvmalloc 40K", take_kvmalloc, give_kvmalloc,
	      .flags = MAKES_DO | USES_OBJECTS | FRESH_TABLES, .least = 1, .gfp = GFP_KERNEL,
	      .size = 10 * PAGE_SIZE);
	SWEEP(t, "kvmalloc 40K ATOMIC", take_kvmalloc, give_kvmalloc, .least = 1, .gfp = GFP_ATOMIC,
	      .size = 10 * PAGE_SIZE);
	SWEEP(t, "kvzalloc_node 40K", take_kvmalloc_node, give_kvmalloc, .flags = MAKES_DO | USES_OBJECTS,
	      .least = 1, .gfp = GFP_KERNEL | __GFP_ZERO, .size = 10 * PAGE_SIZE);
	SWEEP(t, "kvmalloc 5M", take_kvmalloc, give_kvmalloc, .flags = MAKES_DO | USES_OBJECTS | FRESH_TABLES,
	      .least = 1, .gfp = GFP_KERNEL, .size = MIB(5));
}

/* ---- areas ---- */

static bool take_vmalloc(struct op *op)
{
	op->p = vmalloc(op->size);
	return op->p;
}

static bool take_vzalloc(struct op *op)
{
	op->p = vzalloc(op->size);
	return op->p;
}

static bool take_vmalloc_node(struct op *op)
{
	op->p = vmalloc_node(op->size, numa_node_id());
	return op->p;
}

static bool take_vmalloc_32(struct op *op)
{
	op->p = vmalloc_32(op->size);
	return op->p;
}

static bool take_vmalloc_huge(struct op *op)
{
	op->p = vmalloc_huge(op->size, op->gfp);
	return op->p;
}

static void give_vmalloc(struct op *op)
{
	vfree(op->p);
}

/* A descriptor that is refused is asked for once more, after a purge. */
KTEST(fault, vmalloc_of_each_length_fails_whole)
{
	static const struct {
		const char *name;
		unsigned pages, least;
	} lengths[] = {
		{"vmalloc 1 page", 1, 4},     {"vmalloc 4 pages", 4, 7},       {"vmalloc 5 pages", 5, 9},
		{"vmalloc 60 pages", 60, 64}, {"vmalloc 700 pages", 700, 704},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(lengths); i++)
		SWEEP(t, lengths[i].name, take_vmalloc, give_vmalloc,
		      .flags = MAKES_DO | USES_OBJECTS | FRESH_TABLES, .least = lengths[i].least,
		      .size = lengths[i].pages * PAGE_SIZE);
}

KTEST(fault, vmalloc_in_its_other_forms_fails_whole)
{
	SWEEP(t, "vzalloc", take_vzalloc, give_vmalloc, .flags = MAKES_DO | USES_OBJECTS | FRESH_TABLES,
	      .least = 9, .size = 5 * PAGE_SIZE);
	SWEEP(t, "vmalloc_node", take_vmalloc_node, give_vmalloc,
	      .flags = MAKES_DO | USES_OBJECTS | FRESH_TABLES, .least = 9, .size = 5 * PAGE_SIZE);
	SWEEP(t, "vmalloc_32", take_vmalloc_32, give_vmalloc, .flags = MAKES_DO | USES_OBJECTS | FRESH_TABLES,
	      .least = 9, .size = 5 * PAGE_SIZE);
}

/* A large leaf, or where none is used as many pages as one holds with 4 KiB pages. */
#define HUGE_BYTES min(PT_LEVEL_SIZE(1), PAGE_SIZE << PAGEBLOCK_ORDER)

KTEST(fault, vmalloc_huge_falls_back_to_pages_or_fails_whole)
{
	SWEEP(t, "vmalloc_huge of a leaf", take_vmalloc_huge, give_vmalloc,
	      .flags = MAKES_DO | USES_OBJECTS | FRESH_TABLES, .least = 4, .gfp = GFP_KERNEL,
	      .size = HUGE_BYTES);
	SWEEP(t, "vmalloc_huge of two and a half", take_vmalloc_huge, give_vmalloc,
	      .flags = MAKES_DO | USES_OBJECTS | FRESH_TABLES, .least = 4, .gfp = GFP_KERNEL,
	      .size = HUGE_BYTES * 5 / 2);
}

enum { MAPPED = 6 };

static bool take_vmap(struct op *op)
{
	op->p = vmap((struct page **)objects, MAPPED, VM_MAP, PT_RW);
	return op->p;
}

static void give_vmap(struct op *op)
{
	vunmap(op->p);
}

KTEST(fault, vmap_fails_whole_and_keeps_no_page)
{
	for (unsigned i = 0; i < MAPPED; i++) {
		objects[i] = alloc_page(GFP_KERNEL);
		ASSERT_NOT_NULL(objects[i]);
	}
	SWEEP(t, "vmap", take_vmap, give_vmap, .flags = MAKES_DO | USES_OBJECTS | FRESH_TABLES, .least = 3);
	for (unsigned i = 0; i < MAPPED; i++) {
		struct page *page = objects[i];

		EXPECT_EQ(page->refcount, 1);
		__free_page(page);
	}
}

/* ---- per-CPU memory ---- */

static bool take_percpu(struct op *op)
{
	op->p = alloc_percpu_size(op->size, 8);
	return op->p;
}

static void give_percpu(struct op *op)
{
	free_percpu(op->p);
}

KTEST(fault, alloc_percpu_fails_whole_on_all_cpus)
{
	SWEEP(t, "alloc_percpu", take_percpu, give_percpu, .least = 1, .size = 24);
	/* More than is left of the first chunk: a map and 64 KiB of pages for each CPU. */
	SWEEP(t, "alloc_percpu of a new chunk", take_percpu, give_percpu, .flags = 0,
	      .least = 2 + (KIB(64) >> PAGE_SHIFT) * cpumask_weight(&cpu_possible_mask), .size = 60000);
}

/* ---- page tables ---- */

/* Sixteen pages on both sides of a border between tables. */
enum { TABLE_PAGES = 16 };

static vaddr_t table_va(const struct op *op)
{
	return op->scratch->va + PT_LEVEL_SIZE(1) - TABLE_PAGES / 2 * PAGE_SIZE;
}

static bool pt_result(const struct op *op, int err)
{
	BUG_ON(err && err != -ENOMEM, "expected ENOMEM, got %d", err);
	BUG_ON(err && pt_mapped_bytes(table_va(op), TABLE_PAGES * PAGE_SIZE), "a part stayed mapped");
	return !err;
}

static bool take_pt_map(struct op *op)
{
	return pt_result(op, pt_map(table_va(op), page_to_phys((struct page *)objects[0]),
				    TABLE_PAGES * PAGE_SIZE, PT_RW, 0, GFP_KERNEL));
}

static bool take_pt_map_pages(struct op *op)
{
	return pt_result(
		op, pt_map_pages(table_va(op), (struct page **)objects, TABLE_PAGES, PT_RW, 0, GFP_KERNEL));
}

static bool take_pt_populate(struct op *op)
{
	return pt_result(op, pt_populate(table_va(op), TABLE_PAGES * PAGE_SIZE, 0, GFP_KERNEL));
}

static void give_pt(struct op *op)
{
	pt_unmap(table_va(op), TABLE_PAGES * PAGE_SIZE);
	tlb_flush_range(table_va(op), table_va(op) + TABLE_PAGES * PAGE_SIZE);
}

/* Tables that were made stay: they are found by the next who maps there. */
KTEST(fault, mapping_without_tables_maps_nothing)
{
	struct scratch scratch;
	struct page *block;

	NEED_SCRATCH(&scratch, 2 * PT_LEVEL_SIZE(1), PT_LEVEL_SIZE(1));
	block = alloc_pages(GFP_KERNEL, ilog2(TABLE_PAGES));
	ASSERT_NOT_NULL(block);
	for (unsigned i = 0; i < TABLE_PAGES; i++)
		objects[i] = block + i;
	SWEEP(t, "pt_map", take_pt_map, give_pt, .flags = FRESH_TABLES, .least = 2, .scratch = &scratch);
	SWEEP(t, "pt_map_pages", take_pt_map_pages, give_pt, .flags = FRESH_TABLES, .least = 2,
	      .scratch = &scratch);
	SWEEP(t, "pt_populate", take_pt_populate, give_pt, .flags = FRESH_TABLES, .least = 2,
	      .scratch = &scratch);
	scratch_put(&scratch);
	__free_pages(block, ilog2(TABLE_PAGES));
}

/* ---- what must not fail ---- */

KTEST(fault, nofail_requests_survive_every_injection)
{
	const gfp_t gfp = GFP_KERNEL | __GFP_NOFAIL;
	struct kmem_cache *s = kmem_cache_create("ktest-fault", PAGE_SIZE / 8, 0, 0, construct);

	ASSERT_NOT_NULL(s);
	SWEEP(t, "alloc_pages NOFAIL", take_pages, give_pages, .flags = NEVER_FAILS, .gfp = gfp);
	SWEEP(t, "alloc_pages_bulk NOFAIL", take_bulk_pages, give_bulk_pages, .flags = NEVER_FAILS,
	      .gfp = gfp);
	SWEEP(t, "kmem_cache_alloc NOFAIL", take_object, give_object, .flags = NEVER_FAILS, .gfp = gfp,
	      .cache = s);
	SWEEP(t, "kmem_cache_alloc_bulk NOFAIL", take_bulk, give_bulk, .flags = NEVER_FAILS, .gfp = gfp,
	      .cache = s);
	SWEEP(t, "kmalloc 20K NOFAIL", take_kmalloc, give_kmalloc, .flags = NEVER_FAILS, .gfp = gfp,
	      .size = 5 * PAGE_SIZE);
	SWEEP(t, "kvmalloc 40K NOFAIL", take_kvmalloc, give_kvmalloc, .flags = NEVER_FAILS | FRESH_TABLES,
	      .gfp = gfp, .size = 10 * PAGE_SIZE);
	SWEEP(t, "vmalloc_huge NOFAIL", take_vmalloc_huge, give_vmalloc, .flags = NEVER_FAILS | FRESH_TABLES,
	      .gfp = gfp, .size = HUGE_BYTES);
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

/* Each of what follows is done with every allocation failing. What it asks for it can do without. */
static void give_everything_back(struct ktest *t, bool lists_on)
{
	struct state before = state_now(), after;
	struct kmem_cache *s = kmem_cache_create("ktest-fault", 64, 0, SLAB_TYPESAFE_BY_RCU, NULL);
	struct page *page = alloc_pages(GFP_KERNEL, 4), *mapped = alloc_page(GFP_KERNEL);
	void *small = kmalloc(100, GFP_KERNEL), *large = kmalloc(5 * PAGE_SIZE, GFP_KERNEL);
	void *area = vmalloc(9 * PAGE_SIZE), *exact = alloc_pages_exact(3 * PAGE_SIZE, GFP_KERNEL);
	void *percpu = alloc_percpu_size(40000, 8), *alias = vmap(&mapped, 1, VM_MAP, PT_RW);
	bool bulk = s && kmem_cache_alloc_bulk(s, GFP_KERNEL, BULK, objects) == BULK;

	ASSERT_TRUE(page && mapped && small && large && area && exact && percpu && alias && bulk);
	mm_settle(); /* no array has a body now */
	fault_sweep_arm(1, ~0UL);
	if (!lists_on)
		mm_update_bypass();
	split_page(page, 4);
	for (unsigned i = 0; i < 16; i++)
		__free_page(page + i);
	kfree(small);
	kfree(large);
	vfree(area);
	vunmap(alias);
	EXPECT_GE(vm_unmap_aliases(), 9);
	__free_page(mapped);
	free_pages_exact(exact, 3 * PAGE_SIZE);
	free_percpu(percpu);
	kmem_cache_free_bulk(s, BULK, objects);
	EXPECT_EQ(kmem_cache_shrink(s), 0);
	EXPECT_EQ(kmem_cache_destroy(s), 0);
	drain_all_pages();
	slab_reap(true);
	fault_sweep_disarm();
	fault_sweep_stop();
	mm_update_bypass();
	after = state_now();
	for (unsigned i = 0; i < NR_FIGURES; i++)
		EXPECT_MSG(after.v[i] == before.v[i], "%s were %lu, are %lu", figure_names[i], before.v[i],
			   after.v[i]);
}

KTEST(fault, giving_back_never_fails)
{
	give_everything_back(t, false);
	give_everything_back(t, true);
}

KTEST(fault, short_mappings_and_questions_allocate_nothing)
{
	struct page *page = alloc_page(GFP_KERNEL);
	char where[160];
	void *p;

	ASSERT_NOT_NULL(page);
	fault_sweep_arm(1, ~0UL);
	mm_update_bypass();
	p = kmap_local_page(page);
	EXPECT_NOT_NULL(p);
	kunmap_local(p);
	EXPECT_EQ(pt_protect(vmap_end - PAGE_SIZE, PAGE_SIZE, PT_READ), 0);
	EXPECT_NULL(vmalloc_to_page((void *)(vmap_end - PAGE_SIZE)));
	vmalloc_describe(vmap_start, where, sizeof(where));
	mm_settle();
	EXPECT_EQ(fault_sweep_disarm().asked, 0);
	fault_sweep_stop();
	mm_update_bypass();
	__free_page(page);
}

/* ---- the shell ---- */

/* Fails with ENOMEM and says so as JSON. */
static bool take_command(struct op *op)
{
	int err = ask("%s -j", op->line);

	BUG_ON(err && (err != -ENOMEM || strncmp(answer, "{\"error\":", 9) != 0), "`%s`: %d, %s", op->line,
	       err, answer);
	return !err;
}

static void undo(const char *fmt, u64 value)
{
	char line[64];

	snprintf(line, sizeof(line), fmt, value);
	BUG_ON(ask("%s", line), "`%s`: %s", line, answer);
}

static void give_pfn(struct op *op)
{
	char fmt[32];

	snprintf(fmt, sizeof(fmt), "free %%lu %u", op->order);
	undo(fmt, answer_value("pfn"));
}

static void give_ptr(struct op *op)
{
	undo(op->order ? "vfree 0x%lx" : "kfree 0x%lx", answer_value("ptr"));
}

static void give_command_cache(struct op *op)
{
	undo("cache destroy swept", 0);
}

static void give_command_objects(struct op *op)
{
	static char ptrs[ANSWER_SIZE];
	const char *at;

	strlcpy(ptrs, key_from(answer, "ptrs"), sizeof(ptrs));
	for (at = strstr(ptrs, "0x"); at; at = strstr(at + 2, "0x")) {
		u64 ptr;

		BUG_ON(parse_size_prefix(at, &at, &ptr), "no address in %s", at);
		undo("cache free 0x%lx", ptr);
	}
}

KTEST(fault, shell_commands_say_that_there_is_no_memory)
{
	char kmalloc_5_pages[32], vmalloc_5_pages[32];

	snprintf(kmalloc_5_pages, sizeof(kmalloc_5_pages), "kmalloc %lu", 5 * PAGE_SIZE);
	snprintf(vmalloc_5_pages, sizeof(vmalloc_5_pages), "vmalloc %lu", 5 * PAGE_SIZE);
	SWEEP(t, "shell alloc 0", take_command, give_pfn, .least = 1, .line = "alloc 0");
	SWEEP(t, "shell alloc 5", take_command, give_pfn, .least = 1, .line = "alloc 5", .order = 5);
	SWEEP(t, "shell kmalloc 100", take_command, give_ptr, .flags = MAKES_DO | USES_OBJECTS, .least = 1,
	      .line = "kmalloc 100");
	SWEEP(t, "shell kmalloc of pages", take_command, give_ptr, .least = 1, .line = kmalloc_5_pages);
	SWEEP(t, "shell vmalloc", take_command, give_ptr, .flags = MAKES_DO | USES_OBJECTS, .least = 5,
	      .line = vmalloc_5_pages, .order = 1);
	SWEEP(t, "shell cache create", take_command, give_command_cache, .flags = MAKES_DO | HAS_OPTIONAL,
	      .least = 3, .line = "cache create swept 100");
	ASSERT_EQ(ask("cache create swept 100"), 0);
	SWEEP(t, "shell cache alloc", take_command, give_command_objects, .flags = MAKES_DO | USES_OBJECTS,
	      .least = 20, .line = "cache alloc swept 20");
	EXPECT_EQ(ask("cache destroy swept"), 0);
}

KTEST(fault, a_mark_without_memory_marks_nothing)
{
	EXPECT_EQ(ask("mark"), 0);
	fault_sweep_arm(1, ~0UL);
	mm_update_bypass();
	EXPECT_EQ(ask("mark"), -ENOMEM);
	fault_sweep_disarm();
	fault_sweep_stop();
	mm_update_bypass();
	EXPECT_EQ(ask("diff"), -ENOENT);
}
