/*
 * test_all_cpus.c - every CPU uses the allocators at once, and what one has made another one uses and frees.
 *
 * Idea.       What could go wrong between CPUs is tried by all that there are, without any order between them but the one
 *             that the case is about. Each piece of memory carries words that only its maker could know.
 * Layout.     The case runs its part on each online CPU as a task, on its own as well. On one CPU the cases are run all the
 *             same: that CPU is its own neighbour.
 * Invariants. After each case the runner counts pages and objects and checks every layer.
 * Locking.    What goes from CPU to CPU goes through atomic words.
 * Failure.    None expected. A wrong word is counted by who sees it, and looked at by the case at the end.
 * Next:       ../kernel/test_work.c.
 */
#include "scratch.h"

#include "../kernel/other_cpu.h"
#include <kernel/random.h>
#include <kernel/string.h>
#include <mm/kmalloc.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>
#include <mm/slab_internal.h>
#include <mm/vmalloc.h>

enum { MAX_CPUS = 32 }; /* more would only take longer */

static struct smp_task tasks[NR_CPUS];

/* fn(ctx) on MAX_CPUS online CPUs at most, this one among them. Returns when all are done: on how many it was. */
static unsigned run_on_all(void (*fn)(void *ctx), void *ctx)
{
	unsigned cpu, started = 1;

	for_each_online_cpu (cpu) {
		if (cpu == arch_cpu_id() || started == MAX_CPUS)
			continue;
		tasks[cpu] = (struct smp_task){.fn = fn, .ctx = ctx};
		BUG_ON(smp_start(cpu, &tasks[cpu]), "CPU %u takes no task", cpu);
		started++;
	}
	fn(ctx);
	for_each_online_cpu (cpu)
		if (tasks[cpu].fn)
			smp_wait(&tasks[cpu]);
	memset(tasks, 0, sizeof(tasks));
	return started;
}

/* ---- memory goes round ---- */

enum { ROUNDS = 150, WAITING = 8, KINDS = 4 };

struct piece {
	u64 *mem;
	size_t size;
	u64 tag;
	unsigned kind;
};

/* One CPU's letter box; a place is free while its `full` is false. */
struct inbox {
	struct place {
		_Atomic bool full;
		struct piece piece;
	} place[WAITING];
	_Atomic bool closed; /* the neighbour sends no more */
};

static struct round {
	struct inbox inbox[MAX_CPUS];
	struct kmem_cache *cache;
	_Atomic unsigned joined, bad, refused;
	unsigned nr;
	u64 seed;
} round;

static bool make_piece(struct piece *p, u64 *random)
{
	p->kind = xorshift64(random) % KINDS;
	p->tag = xorshift64(random);
	switch (p->kind) {
	case 0:
		p->size = PAGE_SIZE << p->tag % 3;
		p->mem = (u64 *)__get_free_pages(GFP_KERNEL | __GFP_NOWARN, (unsigned)(p->tag % 3));
		break;
	case 1:
		p->size = 200;
		p->mem = kmem_cache_alloc(round.cache, GFP_KERNEL | __GFP_NOWARN);
		break;
	case 2:
		p->size = ALIGN_DOWN(64 + p->tag % 20000, sizeof(u64));
		p->mem = kmalloc(p->size, GFP_KERNEL | __GFP_NOWARN);
		break;
	default:
		p->size = PAGE_SIZE * (1 + p->tag % 9);
		p->mem = vmalloc_gfp(p->size, GFP_KERNEL | __GFP_NOWARN, NUMA_NO_NODE, 0,
				     (unsigned long)make_piece);
	}
	if (!p->mem)
		return false;
	for (size_t i = 0; i < p->size / sizeof(u64); i += 8)
		p->mem[i] = p->tag + i;
	return true;
}

static void end_piece(const struct piece *p)
{
	for (size_t i = 0; i < p->size / sizeof(u64); i += 8)
		if (p->mem[i] != p->tag + i)
			atomic_fetch_add(&round.bad, 1);
	switch (p->kind) {
	case 0:
		free_pages((unsigned long)p->mem, (unsigned)(p->tag % 3));
		break;
	case 1:
		kmem_cache_free(round.cache, p->mem);
		break;
	case 2:
		kfree(p->mem);
		break;
	default:
		vfree(p->mem);
	}
}

static bool post(struct inbox *box, const struct piece *p)
{
	for (struct place *at = box->place; at < box->place + WAITING; at++) {
		if (atomic_load_explicit(&at->full, memory_order_acquire))
			continue;
		at->piece = *p;
		atomic_store_explicit(&at->full, true, memory_order_release);
		return true;
	}
	return false;
}

static unsigned take_all(struct inbox *box)
{
	unsigned taken = 0;

	for (struct place *at = box->place; at < box->place + WAITING; at++) {
		if (!atomic_load_explicit(&at->full, memory_order_acquire))
			continue;
		end_piece(&at->piece);
		atomic_store_explicit(&at->full, false, memory_order_release);
		taken++;
	}
	return taken;
}

/* Sends ROUNDS pieces to the next CPU, takes what the one before has sent. */
static void go_round(void *ctx)
{
	unsigned me = atomic_fetch_add(&round.joined, 1), sent = 0;
	struct inbox *in = &round.inbox[me], *out = &round.inbox[(me + 1) % round.nr];
	u64 random = mix64(round.seed + me) | 1;
	struct piece p;
	bool have = false;

	(void)ctx;
	while (sent < ROUNDS) {
		if (!have && !(have = make_piece(&p, &random))) {
			atomic_fetch_add(&round.refused, 1);
			sent++;
		}
		if (have && post(out, &p)) {
			have = false;
			sent++;
		}
		take_all(in);
		quiet_point();
	}
	atomic_store(&out->closed, true);
	for (bool last = false; !last; quiet_point()) {
		last = atomic_load(&in->closed); /* looked at before the places: nothing comes after it */
		take_all(in);
	}
}

KTEST(all_cpus, memory_that_goes_round_arrives_as_it_was)
{
	round = (struct round){.seed = test_rand(),
			       .nr = min(cpumask_weight(&cpu_online_mask), (unsigned)MAX_CPUS)};
	round.cache = kmem_cache_create("t-round", 200, 0, 0, NULL);
	ASSERT_NOT_NULL(round.cache);
	EXPECT_EQ(run_on_all(go_round, NULL), round.nr);
	EXPECT_EQ(atomic_load(&round.bad), 0);
	EXPECT_LT(atomic_load(&round.refused), round.nr * ROUNDS / 2);
	EXPECT_EQ(kmem_cache_destroy(round.cache), 0);
}

/* ---- caches under load ---- */

enum { HAND = 40, LOADS = 30 };

static struct {
	struct kmem_cache *cache;
	_Atomic unsigned bad, working;
} load;

/* Takes and gives a handful of objects of the one cache again and again, and makes and ends a cache of its own. */
static void work_on_cache(void *ctx)
{
	u64 *obj[HAND];
	u64 tag = mix64(arch_cpu_id() + 1);
	char name[16];

	(void)ctx;
	snprintf(name, sizeof(name), "t-own-%u", arch_cpu_id());
	for (unsigned n = 0; n < LOADS; n++) {
		struct kmem_cache *own =
			kmem_cache_create(name, 64 + 8 * n, 0, n % 2 ? SLAB_TYPESAFE_BY_RCU : 0, NULL);
		void *mine = own ? kmem_cache_alloc(own, GFP_KERNEL) : NULL;

		for (unsigned i = 0; i < HAND; i++) {
			obj[i] = kmem_cache_alloc(load.cache, GFP_KERNEL);
			if (obj[i])
				obj[i][0] = obj[i][15] = tag + i;
		}
		quiet_point();
		for (unsigned i = 0; i < HAND; i++) {
			if (obj[i] && (obj[i][0] != tag + i || obj[i][15] != tag + i))
				atomic_fetch_add(&load.bad, 1);
			kmem_cache_free(load.cache, obj[i]);
		}
		if (own) {
			kmem_cache_free(own, mine);
			if (kmem_cache_destroy(own))
				atomic_fetch_add(&load.bad, 1);
		}
		quiet_point();
	}
	atomic_fetch_sub(&load.working, 1);
}

/* The first CPU shrinks and reaps all the time, instead of working. */
static void work_or_shrink(void *ctx)
{
	unsigned n = 0;

	if (arch_cpu_id() != *(const unsigned *)ctx) {
		work_on_cache(ctx);
		return;
	}
	while (atomic_load(&load.working)) {
		switch (n++ % 3) {
		case 0:
			kmem_cache_shrink(load.cache);
			break;
		case 1:
			slab_reap(true);
			break;
		default:
			drain_all_pages();
		}
		quiet_point();
	}
}

KTEST(all_cpus, a_cache_is_shrunk_and_others_come_and_go_under_load)
{
	unsigned me = arch_cpu_id(), cpus = min(cpumask_weight(&cpu_online_mask), (unsigned)MAX_CPUS);

	if (cpus == 1)
		SKIP("needs a second CPU");
	load.cache = kmem_cache_create("t-load", 128, 0, 0, NULL);
	ASSERT_NOT_NULL(load.cache);
	atomic_store(&load.bad, 0);
	atomic_store(&load.working, cpus - 1);
	run_on_all(work_or_shrink, &me);
	EXPECT_EQ(atomic_load(&load.bad), 0);
	EXPECT_EQ(kmem_cache_destroy(load.cache), 0);
}

/* ---- readers of objects that are freed and used again ---- */

enum { REPLACEMENTS = 150, STEPS = 3, JUNK_PAGES = 8 };
#define TYPE_MARK 0x5ca1ab1e0b5e55edUL

struct entry {
	u64 mark;			    /* of the type: the same in all of its objects, for ever */
	char fill[PAGE_SIZE - sizeof(u64)]; /* it has a slab of its own, which goes with it */
};

static struct {
	struct kmem_cache *cache;
	_Atomic(struct entry *) current;
	_Atomic unsigned bad, looks;
	_Atomic unsigned step; /* replacements done */
	_Atomic bool end;
} rcu;

/*
 * What is read may be freed meanwhile, and another object of the type; it is never anything else. Each reader keeps what it
 * has found for some replacements: long enough for its slab to be given back and its frame to be used again.
 */
static void read_entries(void)
{
	unsigned looks = 0;

	while (!atomic_load(&rcu.end)) {
		const struct entry *e = atomic_load_explicit(&rcu.current, memory_order_acquire);
		unsigned until = atomic_load(&rcu.step) + STEPS;

		while ((int)(until - atomic_load(&rcu.step)) > 0 && !atomic_load(&rcu.end)) {
			if (READ_ONCE(e->mark) != TYPE_MARK)
				atomic_fetch_add(&rcu.bad, 1);
			arch_cpu_relax();
		}
		looks++;
		quiet_point(); /* the reader ends here, and only here */
	}
	atomic_fetch_add(&rcu.looks, looks);
}

static struct entry *new_entry(void)
{
	struct entry *e = kmem_cache_alloc(rcu.cache, GFP_KERNEL | __GFP_NOFAIL);

	WRITE_ONCE(e->mark, TYPE_MARK);
	return e;
}

/* Free frames get other contents: whose slab went too early shows them. */
static void spoil_free_pages(void)
{
	struct page *page[JUNK_PAGES];

	for (unsigned i = 0; i < JUNK_PAGES; i++)
		if ((page[i] = alloc_page(GFP_KERNEL)) != NULL)
			memset(page_address(page[i]), 0x6b, PAGE_SIZE);
	for (unsigned i = 0; i < JUNK_PAGES; i++)
		if (page[i])
			__free_page(page[i]);
}

static void replace_entries(void)
{
	for (unsigned n = 0; n < REPLACEMENTS; n++) {
		kmem_cache_free(rcu.cache, atomic_exchange(&rcu.current, new_entry()));
		kmem_cache_shrink(rcu.cache);
		spoil_free_pages();
		quiet_point();
		atomic_fetch_add(&rcu.step, 1);
	}
	atomic_store(&rcu.end, true);
}

static void read_or_replace(void *ctx)
{
	if (arch_cpu_id() == *(const unsigned *)ctx)
		replace_entries();
	else
		read_entries();
}

KTEST(all_cpus, a_reader_finds_objects_of_the_type_whatever_is_freed)
{
	unsigned me = arch_cpu_id();
	NEEDS_OTHER_CPU(cpu);

	rcu.cache = kmem_cache_create("t-read", sizeof(struct entry), 0, SLAB_TYPESAFE_BY_RCU, NULL);
	ASSERT_NOT_NULL(rcu.cache);
	atomic_store(&rcu.current, new_entry());
	atomic_store(&rcu.bad, 0);
	atomic_store(&rcu.looks, 0);
	atomic_store(&rcu.end, false);
	run_on_all(read_or_replace, &me);
	EXPECT_EQ(atomic_load(&rcu.bad), 0);
	EXPECT_GT(atomic_load(&rcu.looks), 0);
	kmem_cache_free(rcu.cache, atomic_load(&rcu.current));
	EXPECT_EQ(kmem_cache_destroy(rcu.cache), 0);
}
