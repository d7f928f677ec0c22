/*
 * test_slab_cpu.c - properties of the per-CPU arrays: order, limits, conservation, interrupts
 * (mm/slab_cpu.c).
 */
#include "../../mm/slab_internal.h"
#include "zone_fixture.h"

#include <arch/irq.h>
#include <kernel/errno.h>
#include <kernel/test.h>
#include <kernel/work.h>
#include <mm/check.h>
#include <mm/kmalloc.h>
#include <mm/page_alloc.h>
#include <mm/slab_info.h>
#include <mm/vmalloc.h>

enum { MAX_OBJS = 600 };

static void *objs[MAX_OBJS];

static struct kmem_cache *test_cache(unsigned size, unsigned flags)
{
	return kmem_cache_create("ktest", size, 0, flags | SLAB_NO_USER_FLAGS, NULL);
}

static struct array_cache *array(struct kmem_cache *s)
{
	return array_of(this_cpu_deref(s->cpu));
}

static void alloc_many(struct ktest *t, struct kmem_cache *s, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++) {
		objs[i] = kmem_cache_alloc(s, GFP_KERNEL);
		EXPECT_NOT_NULL(objs[i]);
	}
}

static void free_many(struct kmem_cache *s, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++)
		kmem_cache_free(s, objs[i]);
}

#define NEEDS_ARRAYS()                                                                          \
	do {                                                                                    \
		if (slab_bypass_all)                                                            \
			SKIP("init_on_alloc, init_on_free or failslab: caches have no arrays"); \
	} while (0)

KTEST(slab_cpu, last_freed_is_first_allocated)
{
	struct kmem_cache *s;

	NEEDS_ARRAYS();
	s = test_cache(64, 0);
	ASSERT_NOT_NULL(s);
	alloc_many(t, s, 40);
	free_many(s, 40);
	for (unsigned i = 40; i-- > 0;)
		EXPECT_EQ(kmem_cache_alloc(s, GFP_KERNEL), objs[i]);
	free_many(s, 40);
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

KTEST(slab_cpu, a_cache_gets_its_array_at_first_use)
{
	struct kmem_cache *s;
	void *p;

	NEEDS_ARRAYS();
	s = test_cache(64, 0);
	ASSERT_NOT_NULL(s);
	EXPECT_EQ(array(s), &slab_no_array);
	p = kmem_cache_alloc(s, GFP_KERNEL);
	EXPECT_NE(array(s), &slab_no_array);
	EXPECT_EQ(array(s)->stack.limit, s->limit);
	EXPECT_EQ(array(s)->node, s->node[slab_local_nid()]);
	kmem_cache_free(s, p);
	slab_drain(s);
	EXPECT_EQ(array(s), &slab_no_array);
	kmem_cache_free(s, kmem_cache_alloc(s, GFP_KERNEL));
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

KTEST(slab_cpu, a_free_may_be_the_first_use)
{
	struct kmem_cache *s;

	NEEDS_ARRAYS();
	s = test_cache(64, 0);
	ASSERT_NOT_NULL(s);
	alloc_many(t, s, 5);
	slab_drain(s);
	kmem_cache_free(s, objs[4]);
	EXPECT_EQ(array(s)->stack.avail, 1);
	EXPECT_EQ(array(s)->stack.entry[0], objs[4]);
	free_many(s, 4);
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

KTEST(slab_cpu, a_refill_moves_a_batch_or_sixteen_when_idle)
{
	struct kmem_cache *s;
	unsigned i, rest;

	NEEDS_ARRAYS();
	s = test_cache(64, 0);
	ASSERT_NOT_NULL(s);
	objs[0] = kmem_cache_alloc(s, GFP_KERNEL);
	EXPECT_EQ(array(s)->stack.avail, 16 - 1);
	for (i = 1; i < 16; i++)
		objs[i] = kmem_cache_alloc(s, GFP_KERNEL);
	EXPECT_EQ(array(s)->stack.avail, 0);
	/* A batch, or the rest of the slab: with 4 KiB pages 64 - 16. */
	objs[i++] = kmem_cache_alloc(s, GFP_KERNEL);
	rest = min(s->batchcount, s->num - 16u);
	EXPECT_EQ(array(s)->stack.avail, rest - 1);
	for (; i < 16 + rest; i++)
		objs[i] = kmem_cache_alloc(s, GFP_KERNEL);
	EXPECT_EQ(array(s)->stack.avail, 0);
	objs[i++] = kmem_cache_alloc(s, GFP_KERNEL);
	EXPECT_EQ(array(s)->stack.avail, s->batchcount - 1);
	free_many(s, i);
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

KTEST(slab_cpu, a_full_array_flushes_its_oldest_batch)
{
	struct kmem_cache *s;
	struct array_cache *ac;

	NEEDS_ARRAYS();
	s = test_cache(64, 0);
	ASSERT_NOT_NULL(s);
	alloc_many(t, s, s->limit + 1);
	slab_drain(s);
	for (unsigned i = 0; i < s->limit; i++)
		kmem_cache_free(s, objs[i]);
	ac = array(s);
	EXPECT_EQ(ac->stack.avail, s->limit);
	kmem_cache_free(s, objs[s->limit]);
	EXPECT_EQ(ac->stack.avail, s->limit - s->batchcount + 1);
	for (unsigned i = 0; i < ac->stack.avail; i++)
		EXPECT_EQ(ac->stack.entry[i], objs[s->batchcount + i]);
	EXPECT_NULL(slab_check());
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

KTEST(slab_cpu, avail_never_passes_the_limit)
{
	static const unsigned sizes[] = {32, 300, 1500, 5000};

	NEEDS_ARRAYS();
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct kmem_cache *s = test_cache(sizes[i], 0);
		unsigned live = 0;

		ASSERT_NOT_NULL(s);
		for (unsigned op = 0; op < 1500; op++) {
			bool up = live == 0 || (live < 250 && test_rand_below(op / 200 % 2 ? 3 : 10) >= 2);

			if (up)
				objs[live++] = kmem_cache_alloc(s, GFP_KERNEL);
			else
				kmem_cache_free(s, objs[--live]);
			EXPECT_LE(array(s)->stack.avail, s->limit);
		}
		EXPECT_NULL(slab_check());
		free_many(s, live);
		EXPECT_EQ(kmem_cache_destroy(s), 0);
	}
}

KTEST(slab_cpu, an_allocation_marks_the_array_touched)
{
	struct kmem_cache *s;
	void *p;

	NEEDS_ARRAYS();
	s = test_cache(64, 0);
	ASSERT_NOT_NULL(s);
	kmem_cache_free(s, kmem_cache_alloc(s, GFP_KERNEL));
	array(s)->touched = 0;
	p = kmem_cache_alloc(s, GFP_KERNEL);
	EXPECT_EQ(array(s)->touched, 1);
	array(s)->touched = 0;
	kmem_cache_free(s, p);
	EXPECT_EQ(array(s)->touched, 0); /* a free is no sign of demand */
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

KTEST(slab_cpu, zeroing_clears_the_whole_object_and_no_more)
{
	struct kmem_cache *s = test_cache(100, SLAB_RED_ZONE), *plain = test_cache(100, 0);
	u8 *p;

	ASSERT_NOT_NULL(s);
	ASSERT_NOT_NULL(plain);
	for (unsigned round = 0; round < 3; round++) {
		struct kmem_cache *c = round ? plain : s;
		unsigned set = 0;

		p = kmem_cache_alloc(c, GFP_KERNEL);
		memset(p, 0xff, 100);
		kmem_cache_free(c, p);
		p = kmem_cache_zalloc(c, GFP_KERNEL);
		for (unsigned i = 0; i < 100; i++)
			set += p[i] != 0;
		EXPECT_EQ(set, 0);
		kmem_cache_free(c, p);
	}
	EXPECT_EQ(kmem_cache_destroy(s), 0);
	EXPECT_EQ(kmem_cache_destroy(plain), 0);
}

KTEST(slab_cpu, freeing_null_does_nothing)
{
	struct kmem_cache *s = test_cache(64, 0);

	ASSERT_NOT_NULL(s);
	kmem_cache_free(s, NULL);
	EXPECT_EQ(array(s)->stack.avail, 0);
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

KTEST(slab_cpu, no_object_is_lost_or_doubled)
{
	struct kmem_cache *s = test_cache(200, 0);
	struct slab_cache_info info;
	unsigned live = 0;

	ASSERT_NOT_NULL(s);
	for (unsigned op = 0; op < 3000; op++) {
		if (live < 10 || (live < MAX_OBJS && test_rand_below(2))) {
			objs[live] = kmem_cache_alloc(s, GFP_KERNEL);
			*(unsigned *)objs[live] = op;
			live++;
		} else {
			unsigned i = test_rand_below(live);

			kmem_cache_free(s, objs[i]);
			objs[i] = objs[--live];
		}
		if (op % 50)
			continue;
		slab_cache_info("ktest", &info);
		EXPECT_EQ(info.active_objs, info.cached_objs + live);
		EXPECT_NULL(slab_check());
	}
	for (unsigned i = 0; i < live; i++)
		for (unsigned j = 0; j < i; j++)
			if (objs[i] == objs[j])
				EXPECT_NE(objs[i], objs[j]);
	free_many(s, live);
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

/* ---- bulk ---- */

KTEST(slab_cpu, bulk_gives_all_that_was_asked)
{
	struct kmem_cache *s = test_cache(96, 0);

	ASSERT_NOT_NULL(s);
	for (unsigned nr = 0; nr < 500; nr += 71) {
		EXPECT_EQ(kmem_cache_alloc_bulk(s, GFP_KERNEL, nr, objs), nr);
		for (unsigned i = 0; i < nr; i++)
			memset(objs[i], (int)i, 96);
		for (unsigned i = 0; i < nr; i++)
			EXPECT_EQ(((u8 *)objs[i])[95], (u8)i);
		kmem_cache_free_bulk(s, nr, objs);
	}
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

KTEST(slab_cpu, bulk_free_without_a_cache_finds_each_one)
{
	struct kmem_cache *s = test_cache(96, 0);

	ASSERT_NOT_NULL(s);
	for (unsigned i = 0; i < 100; i++)
		objs[i] = i % 3 == 0   ? kmem_cache_alloc(s, GFP_KERNEL)
			  : i % 3 == 1 ? kmalloc(i * 7, GFP_KERNEL)
				       : kmalloc(2 * PAGE_SIZE + KIB(1) + i, GFP_KERNEL);
	kmem_cache_free_bulk(NULL, 100, objs);
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

/* ---- injected failures ---- */

static void arm_failslab(const char *value)
{
	failslab = (struct fault_attr)FAULT_ATTR_OFF;
	if (value)
		fault_attr_parse(value, &failslab);
	slab_update_bypass();
}

KTEST(slab_cpu, every_nth_allocation_fails_when_asked)
{
	struct kmem_cache *s = test_cache(96, 0);
	struct fault_attr saved = failslab;
	unsigned failed = 0;

	ASSERT_NOT_NULL(s);
	kmem_cache_free(s, kmem_cache_alloc(s, GFP_KERNEL));
	arm_failslab("3");
	EXPECT_EQ(array(s), &slab_no_array);
	for (unsigned i = 0; i < 30; i++) {
		objs[i] = kmem_cache_alloc(s, GFP_KERNEL);
		EXPECT_EQ(objs[i] == NULL, i % 3 == 2);
		failed += !objs[i];
	}
	EXPECT_EQ(failed, 10);
	for (unsigned i = 0; i < 9; i++) {
		void *p = kmem_cache_alloc(s, GFP_KERNEL | __GFP_NOFAIL);

		EXPECT_NOT_NULL(p);
		kmem_cache_free(s, p);
	}
	arm_failslab("1,100,0,2"); /* only twice */
	EXPECT_NULL(kmem_cache_alloc(s, GFP_KERNEL));
	EXPECT_NULL(kmalloc(100, GFP_KERNEL));
	EXPECT_NOT_NULL(objs[30] = kmem_cache_alloc(s, GFP_KERNEL));
	failslab = saved;
	slab_update_bypass();
	free_many(s, 31);
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

KTEST(slab_cpu, bulk_is_all_or_nothing)
{
	struct kmem_cache *s = test_cache(96, 0);
	struct fault_attr saved = failslab;
	struct slab_cache_info info;

	ASSERT_NOT_NULL(s);
	arm_failslab("50");
	EXPECT_EQ(kmem_cache_alloc_bulk(s, GFP_KERNEL, 44, objs), 44);
	kmem_cache_free_bulk(s, 44, objs);
	EXPECT_EQ(kmem_cache_alloc_bulk(s, GFP_KERNEL, 10, objs), 0); /* the sixth fails */
	slab_cache_info("ktest", &info);
	EXPECT_EQ(info.active_objs, 0);
	failslab = saved;
	slab_update_bypass();
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

/* p may be free. */
static unsigned bytes_set(const u8 *p, unsigned n)
{
	unsigned nr = 0;

	san_reveal(p, n);
	while (n--)
		nr += *p++ != 0;
	return nr;
}

KTEST(slab_cpu, init_options_clear_objects_but_no_constructed_ones)
{
	bool saved_alloc = opt_init_on_alloc, saved_free = opt_init_on_free;
	struct kmem_cache *s, *rcu;
	u8 *p, *q;

	opt_init_on_free = true;
	slab_update_bypass();
	s = test_cache(100, 0);
	rcu = test_cache(100, SLAB_TYPESAFE_BY_RCU);
	opt_init_on_free = false;
	ASSERT_NOT_NULL(s);
	ASSERT_NOT_NULL(rcu);
	for (unsigned on_free = 0; on_free < 2; on_free++) {
		opt_init_on_free = on_free;
		opt_init_on_alloc = !on_free;
		slab_update_bypass();
		p = kmem_cache_alloc(s, GFP_KERNEL);
		q = kmem_cache_alloc(rcu, GFP_KERNEL);
		memset(p, 0xff, 100);
		memset(q, 0xff, 100);
		kmem_cache_free(s, p);
		kmem_cache_free(rcu, q);
		EXPECT_EQ(bytes_set(p, 100), on_free ? 0 : 100);
		EXPECT_EQ(bytes_set(q, 100), 100);
		EXPECT_EQ(kmem_cache_alloc(s, GFP_KERNEL), p);
		EXPECT_EQ(kmem_cache_alloc(rcu, GFP_KERNEL), q);
		EXPECT_EQ(bytes_set(p, 100), 0);
		EXPECT_EQ(bytes_set(q, 100), 100);
		kmem_cache_free(s, p);
		kmem_cache_free(rcu, q);
	}
	opt_init_on_alloc = saved_alloc;
	opt_init_on_free = saved_free;
	slab_update_bypass();
	EXPECT_EQ(kmem_cache_destroy(s), 0);
	EXPECT_EQ(kmem_cache_destroy(rcu), 0);
}

/*
 * Whichever allocation inside it fails, creating a cache gives back what it took (the runner counts pages).
 */
KTEST(slab_cpu, create_survives_a_failure_at_every_step)
{
	struct fault_attr saved = failslab;
	bool created = false;

	for (unsigned n = 1; n < 20 && !created; n++) {
		struct kmem_cache *s;
		char value[32];

		snprintf(value, sizeof(value), "%u,100,0,1", n);
		arm_failslab(value);
		s = test_cache(100, 0);
		created = s && !failslab.failed;
		EXPECT_EQ(kmem_cache_destroy(s), 0);
		EXPECT_NULL(slab_check());
	}
	EXPECT_TRUE(created);
	failslab = saved;
	slab_update_bypass();
}

/* mark, diff and the runner's count of pages rely on it. */
KTEST(slab_cpu, settling_waits_for_slabs_that_are_read_under_rcu)
{
	struct kmem_cache *s = test_cache(500, SLAB_TYPESAFE_BY_RCU);
	unsigned long idle;

	ASSERT_NOT_NULL(s);
	mm_settle();
	idle = mm_idle_pages();
	kmem_cache_free(s, kmem_cache_alloc(s, GFP_KERNEL));
	mm_settle();
	EXPECT_EQ(mm_idle_pages(), idle);
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

/* ---- between the CPUs of a node ---- */

KTEST(slab_cpu, cpus_of_one_node_share_an_array)
{
	struct kmem_cache *small = test_cache(64, 0), *large = test_cache(2 * PAGE_SIZE, 0),
			  *debugged = test_cache(64, SLAB_POISON);
	unsigned cpu, here = 0;
	int nid = slab_local_nid();

	ASSERT_TRUE(small && large && debugged);
	for_each_possible_cpu (cpu)
		here += slab_nid(cpu_to_node_map[cpu]) == nid;
	EXPECT_EQ(small->node[nid]->shared != NULL, here > 1);
	if (small->node[nid]->shared)
		EXPECT_EQ(small->node[nid]->shared->stack.limit, 8 * small->batchcount);
	EXPECT_NULL(large->node[nid]->shared);
	EXPECT_NULL(debugged->node[nid]->shared);
	EXPECT_EQ(kmem_cache_destroy(small) | kmem_cache_destroy(large) | kmem_cache_destroy(debugged), 0);
}

/* A shared array that was used since the last look is left alone; the next look takes a fifth of its limit. */
KTEST(slab_cpu, reaping_spares_a_touched_shared_array)
{
	struct kmem_cache *s;
	struct kmem_cache_node *n;
	struct array_cache *shared;
	unsigned avail, share;

	NEEDS_ARRAYS();
	s = test_cache(64, 0);
	ASSERT_NOT_NULL(s);
	n = s->node[slab_local_nid()];
	shared = n->shared;
	if (shared) {
		alloc_many(t, s, MAX_OBJS);
		free_many(s, MAX_OBJS); /* what the CPU's array cannot keep goes to the shared one */
		avail = shared->stack.avail;
		share = (shared->stack.limit + 4) / 5;
		EXPECT_GT(avail, share);
		shared->touched = 1;
		slab_reap_arrays(s, n, true);
		EXPECT_EQ(shared->touched, 0);
		EXPECT_EQ(shared->stack.avail, avail);
		slab_reap_arrays(s, n, false);
		EXPECT_EQ(shared->stack.avail, avail);
		slab_reap_arrays(s, n, true);
		EXPECT_EQ(shared->stack.avail, avail - share);
	}
	EXPECT_EQ(kmem_cache_destroy(s), 0);
	if (!shared)
		SKIP("this CPU has the node for itself");
}

/* ---- objects of other nodes ---- */

/* Objects of the cache in its slabs or in the node's shared array. */
static unsigned long back_on_node(const struct kmem_cache *s)
{
	const struct kmem_cache_node *n = s->node[slab_local_nid()];

	return n->free_objects + (n->shared ? n->shared->stack.avail : 0);
}

KTEST(slab_cpu, foreign_objects_are_gathered_and_flushed_by_owner)
{
	struct kmem_cache *a, *b;
	struct slab_cache_info info;

	NEEDS_ARRAYS();
	a = test_cache(96, 0);
	b = test_cache(500, 0);
	ASSERT_NOT_NULL(a);
	ASSERT_NOT_NULL(b);
	for (unsigned i = 0; i < 26; i++)
		objs[i] = kmem_cache_alloc(i % 2 ? a : b, GFP_KERNEL);
	slab_drain(a);
	slab_drain(b);
	for (unsigned i = 0; i < SLAB_REMOTE_LIMIT; i++)
		slab_free_remote(objs[i]);
	slab_cache_info(a->name, &info); /* the newest of that name: b */
	EXPECT_EQ(info.cached_objs, 6);
	EXPECT_EQ(info.active_objs, 13);
	EXPECT_NULL(slab_check());
	slab_free_remote(objs[SLAB_REMOTE_LIMIT]); /* the thirteenth flushes the twelve */
	EXPECT_EQ(back_on_node(a) + 7, a->node[slab_local_nid()]->total_slabs * a->num);
	EXPECT_EQ(back_on_node(b) + 7, b->node[slab_local_nid()]->total_slabs * b->num);
	for (unsigned i = SLAB_REMOTE_LIMIT + 1; i < 26; i++)
		slab_free_remote(objs[i]);
	EXPECT_EQ(kmem_cache_destroy(a), 0);
	EXPECT_EQ(kmem_cache_destroy(b), 0);
}

KTEST(slab_cpu, a_node_can_be_named)
{
	struct kmem_cache *s = test_cache(500, 0);

	ASSERT_NOT_NULL(s);
	for (unsigned nid = 0; nid < nr_nodes; nid++) {
		void *p;

		if (!s->node[nid] || !node_has_low_memory((int)nid))
			continue;
		p = kmem_cache_alloc_node(s, GFP_KERNEL | __GFP_THISNODE, (int)nid);
		ASSERT_NOT_NULL(p);
		EXPECT_EQ(virt_to_page(p)->slab_node, s->node[nid]);
		kmem_cache_free(s, p);
		p = kmem_cache_alloc_node(s, GFP_KERNEL | __GFP_ZERO, NUMA_NO_NODE);
		EXPECT_NOT_NULL(p);
		kmem_cache_free(s, p);
	}
	EXPECT_NULL(slab_check());
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

/* ---- interrupts ---- */

struct irq_work {
	struct kmem_cache *s;
	void *held[8];
	unsigned nr, calls, failed;
};

/* Allocates or frees a few, as an interrupt handler would. */
static void irq_use(void *ctx)
{
	struct irq_work *w = ctx;

	w->calls++;
	for (unsigned i = 0; i < 3; i++) {
		if (w->nr < ARRAY_SIZE(w->held) && (w->calls + i) % 3) {
			void *p = kmem_cache_alloc(w->s, GFP_ATOMIC);

			if (p) {
				*(void **)p = w;
				w->held[w->nr++] = p;
			} else {
				w->failed++;
			}
		} else if (w->nr) {
			kmem_cache_free(w->s, w->held[--w->nr]);
		}
	}
}

KTEST(slab_cpu, interrupts_may_allocate_and_free)
{
	struct irq_work w = {.s = test_cache(96, 0)};
	unsigned live = 0;

	ASSERT_NOT_NULL(w.s);
	for (unsigned op = 0; op < 2000; op++) {
		arch_irq_test_raise(irq_use, &w);
		if (live < 3 || (live < 200 && test_rand_below(2))) {
			objs[live] = kmem_cache_alloc(w.s, GFP_KERNEL);
			*(void **)objs[live] = objs[live];
			live++;
		} else {
			live--;
			EXPECT_EQ(*(void **)objs[live], objs[live]);
			kmem_cache_free(w.s, objs[live]);
		}
	}
	EXPECT_GE(w.calls, 1000);
	EXPECT_EQ(w.failed, 0);
	EXPECT_NULL(slab_check());
	for (unsigned i = 0; i < w.nr; i++)
		EXPECT_EQ(*(void **)w.held[i], &w);
	while (w.nr)
		kmem_cache_free(w.s, w.held[--w.nr]);
	free_many(w.s, live);
	EXPECT_EQ(kmem_cache_destroy(w.s), 0);
}

static void pair(void *ctx)
{
	struct irq_work *w = ctx;
	void *p = kmem_cache_alloc(w->s, GFP_KERNEL);

	*(void **)p = NULL;
	kmem_cache_free(w->s, p);
}

static void step_use(unsigned long pc, void *ctx)
{
	(void)pc;
	irq_use(ctx);
}

/* An interrupt that uses the same array at every instruction of both primitives. */
KTEST(slab_cpu, the_primitives_restart_at_every_instruction)
{
	struct irq_work w = {.s = NULL};
	unsigned steps = 0;

	NEEDS_ARRAYS();
	if (!arch_has_single_step())
		SKIP("no single steps");
	w.s = test_cache(96, 0);
	ASSERT_NOT_NULL(w.s);
	for (unsigned round = 0; round < 100; round++) {
		steps += arch_single_step(pair, &w, step_use, &w);
		if (round % 10 == 0)
			EXPECT_NULL(slab_check());
	}
	EXPECT_GE(steps, 100 * 10);
	EXPECT_NULL(slab_check());
	while (w.nr)
		kmem_cache_free(w.s, w.held[--w.nr]);
	EXPECT_EQ(kmem_cache_destroy(w.s), 0);
}

/* ---- misuse that shows without debug flags ---- */

/* A cache of objects this large has arrays of one entry; array_drop() writes two words there. */
KTEST(slab_cpu, an_array_has_room_for_an_rcu_head)
{
	struct kmem_cache *s = kmem_cache_create("ktest-rcu-head", 200000, 0, 0, NULL);
	const struct array_cache *ac;
	void *p;

	ASSERT_NOT_NULL(s);
	EXPECT_EQ(s->limit, 1);
	p = kmem_cache_alloc(s, GFP_KERNEL | __GFP_NOWARN);
	if (p)
		kmem_cache_free(s, p);
	ac = array_of(this_cpu_deref(s->cpu));
	if (p && slab_has_page(ac) && (virt_to_page(ac)->flags & PG_slab))
		EXPECT_GE(virt_to_page(ac)->slab_node->cache->object_size,
			  sizeof(*ac) + sizeof(struct rcu_head));
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

KTEST_PANIC(slab_cpu, free_into_the_wrong_cache_is_named, "wrong cache: object")
{
	struct kmem_cache *a = test_cache(96, 0), *b = test_cache(96, 0);

	kmem_cache_free(b, kmem_cache_alloc(b, GFP_KERNEL));
	kmem_cache_free(b, kmem_cache_alloc(a, GFP_KERNEL));
}

KTEST_PANIC(slab_cpu, free_of_a_page_that_is_no_slab_is_named, "not in a slab")
{
	struct kmem_cache *s = test_cache(96, 0);

	kmem_cache_free(s, page_address(alloc_page(GFP_KERNEL)));
}

KTEST_PANIC(slab_cpu, free_into_a_free_page_is_named, "a free page")
{
	struct kmem_cache *s = test_cache(96, 0);
	void *p = kmem_cache_alloc(s, GFP_KERNEL);

	kmem_cache_free(s, p);
	kmem_cache_shrink(s);
	drain_all_pages();
	kmem_cache_free(s, p);
}

KTEST_PANIC(slab_cpu, free_of_the_image_is_named, "part of the image")
{
	kmem_cache_free(test_cache(96, 0), objs);
}

KTEST_PANIC(slab_cpu, free_of_a_vmalloc_address_is_named, "bad free (ktest)")
{
	kmem_cache_free(test_cache(96, 0), (void *)(VMALLOC_START + PAGE_SIZE));
}

KTEST_PANIC(slab_cpu, free_of_an_interior_pointer_is_found_at_the_flush, "free of an interior pointer")
{
	struct kmem_cache *s = test_cache(96, 0);
	char *p = kmem_cache_alloc(s, GFP_KERNEL);

	kmem_cache_free(s, p + 8);
	slab_drain(s);
}

KTEST_PANIC(slab_cpu, freeing_twice_in_a_row_is_found_at_the_flush, "double free")
{
	struct kmem_cache *s = test_cache(96, 0);
	void *p = kmem_cache_alloc(s, GFP_KERNEL), *q = kmem_cache_alloc(s, GFP_KERNEL);

	kmem_cache_free(s, p);
	kmem_cache_free(s, p);
	slab_drain(s);
	kmem_cache_free(s, q);
}

/* All objects of the slab are free, and the slab is kept: no object is out that the second free could return. */
KTEST_PANIC(slab_cpu, a_second_free_into_an_empty_slab_is_found_at_the_flush, "double free")
{
	struct kmem_cache *s = test_cache(96, 0);
	void *p = kmem_cache_alloc(s, GFP_KERNEL);

	kmem_cache_free(s, p);
	slab_drain(s);
	kmem_cache_free(s, p);
	slab_drain(s);
}

/* Objects of three slabs; with the first ones back, none of the slabs is full. */
static struct kmem_cache *three_partial_slabs(void)
{
	struct kmem_cache *s = test_cache(96, 0);

	for (unsigned i = 0; i < 3u * s->num; i++)
		objs[i] = kmem_cache_alloc(s, GFP_KERNEL);
	for (unsigned i = 0; i < 3; i++)
		kmem_cache_free(s, objs[i * s->num]);
	slab_drain(s);
	return s;
}

KTEST_PANIC(slab_cpu, freeing_twice_behind_neighbours_is_found_at_the_flush, "double free")
{
	struct kmem_cache *s = three_partial_slabs();

	kmem_cache_free(s, objs[3]);
	kmem_cache_free(s, objs[4]);
	kmem_cache_free(s, objs[4]);
	slab_drain(s);
}

KTEST_PANIC(slab_cpu, an_interior_pointer_behind_neighbours_is_found_at_the_flush,
	    "free of an interior pointer")
{
	struct kmem_cache *s = three_partial_slabs();

	kmem_cache_free(s, objs[3]);
	kmem_cache_free(s, objs[4]);
	kmem_cache_free(s, (char *)objs[5] + 8);
	slab_drain(s);
}

KTEST_PANIC(slab_cpu, an_interior_pointer_between_slabs_is_found_at_the_flush, "free of an interior pointer")
{
	struct kmem_cache *s = three_partial_slabs();

	kmem_cache_free(s, objs[3]);
	kmem_cache_free(s, (char *)objs[s->num + 3] + 8);
	kmem_cache_free(s, objs[2 * s->num + 3]);
	slab_drain(s);
}

KTEST_PANIC(slab_cpu, freeing_twice_between_slabs_is_found_at_the_flush, "double free")
{
	struct kmem_cache *s = three_partial_slabs();

	kmem_cache_free(s, objs[3]);
	kmem_cache_free(s, objs[s->num + 3]);
	kmem_cache_free(s, objs[s->num + 3]);
	kmem_cache_free(s, objs[2 * s->num + 3]);
	slab_drain(s);
}
