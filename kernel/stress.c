/*
 * stress.c - random operations over all allocators at once, with everything checked.
 *
 * Idea.       Bugs between layers show when pages, objects, kmalloc and vmalloc compete for the same frames. A table of
 *             slots is filled and emptied at random; every piece of memory carries words that only its slot can know, and
 *             they are looked at before it is given back. Every invariant of every allocator is checked in between.
 * Layout.     Per CPU: item[SLOTS], one piece of memory each; the operation, the slot and the size are drawn from one
 *             generator, so that a seed repeats a run of one CPU. basket[]: pieces that change their CPU.
 * Invariants. At the end every slot is empty, the caches are destroyed, and no page is missing.
 * Locking.    None: a part belongs to its CPU until its task is done, the basket is atomic. A quiet point between
 *             operations lets deferred work in.
 * Failure.    A refused allocation is counted. The first wrong word or broken invariant ends the run, with status EIO;
 *             everything is given back all the same.
 * Next:       ktest.c.
 */
#include "cmd.h"

#include <arch/cpu.h>
#include <arch/time.h>

#include <kernel/errno.h>
#include <kernel/printk.h>
#include <kernel/random.h>
#include <kernel/string.h>
#include <kernel/smp.h>
#include <kernel/work.h>

#include <mm/check.h>
#include <mm/kmalloc.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>
#include <mm/vmalloc.h>

enum {
	SLOTS = 512,
	DEFAULT_SECONDS = 5,
	MAX_SECONDS = 24 * 3600,
	CHECK_EVERY = 4096, /* operations between two rounds of mm_check_all() */
	TIDY_EVERY = 512,   /* operations between two that give back what is cached */
	MAX_STRESS_ORDER = 6,
	MAX_AREA_PAGES = 64,
	CREATE_TRIES = 16,
	BASKET = 64,
	MAX_PARTS = 64, /* CPUs that take part at most */
};
#define MAX_KMALLOC (64UL << 10)

enum kind { EMPTY, PAGES, OBJECT, KMALLOC, AREA, NR_KINDS };
static const char *const kind_names[NR_KINDS] = {
	[PAGES] = "alloc_pages", [OBJECT] = "kmem_cache_alloc", [KMALLOC] = "kmalloc", [AREA] = "vmalloc"};

struct item {
	enum kind kind;
	unsigned variant; /* PAGES: order; OBJECT: which cache */
	char *mem;
	size_t size;
	u64 tag;
};

static const struct {
	const char *name;
	unsigned size, align, flags;
} cache_kinds[] = {
	{"stress-40", 40, 0, 0},
	{"stress-200", 200, 0, SLAB_HWCACHE_ALIGN},
	{"stress-700", 700, 64, 0},
	{"stress-debug", 300, 0, SLAB_POISON | SLAB_RED_ZONE | SLAB_CONSISTENCY_CHECKS},
	{"stress-rcu", 64, 0, SLAB_TYPESAFE_BY_RCU},
};

/* What the CPUs of one run share. */
static struct {
	struct kmem_cache *cache[ARRAY_SIZE(cache_kinds)];
	_Atomic(struct item *) basket[BASKET]; /* pieces on their way to whichever CPU comes by */
	_Atomic bool stop;
} common;

/* One CPU's part. */
struct stress {
	struct smp_task task;
	u64 random, next_tag, end_ns;
	struct item item[SLOTS];
	unsigned long bytes, max_bytes; /* out now, and at most */
	bool exchanges;			/* with other CPUs */
	u64 ops, allocs[NR_KINDS], refused, checks, exchanged;
	char failed[192]; /* empty: all is well */
};

static u32 stress_below(struct stress *s, u32 n)
{
	return (u32)((u64)xorshift64(&s->random) * n >> 32);
}

/* ---- contents ---- */

/* Every word of small pieces, one a cache line of large ones; the last byte belongs to it in any case. */
static size_t tag_step(size_t size)
{
	return size <= PAGE_SIZE ? sizeof(u64) : CACHE_LINE;
}

static void tag_write(const struct item *it)
{
	it->mem[it->size - 1] = (char)it->tag;
	for (size_t at = 0; at + sizeof(u64) < it->size; at += tag_step(it->size))
		*(u64 *)(it->mem + at) = mix64(it->tag + at);
}

static void tag_check(struct stress *s, const struct item *it)
{
	size_t at = 0;

	while (at + sizeof(u64) < it->size && *(u64 *)(it->mem + at) == mix64(it->tag + at))
		at += tag_step(it->size);
	if (at + sizeof(u64) < it->size || it->mem[it->size - 1] != (char)it->tag)
		snprintf(s->failed, sizeof(s->failed),
			 "%s: %zu bytes at 0x%016lx were changed by somebody at offset %zu",
			 kind_names[it->kind], it->size, (unsigned long)it->mem, min(at, it->size - 1));
}

/* ---- one piece of memory ---- */

static char *take_pages(struct stress *s, struct item *it)
{
	struct page *page;

	it->variant = stress_below(s, stress_below(s, MAX_STRESS_ORDER + 1) + 1); /* small ones more often */
	it->size = PAGE_SIZE << it->variant;
	page = alloc_pages(GFP_KERNEL | __GFP_NOWARN, it->variant);
	return page ? page_address(page) : NULL;
}

static char *take(struct stress *s, struct item *it)
{
	const gfp_t gfp = GFP_KERNEL | __GFP_NOWARN;

	switch (it->kind) {
	case PAGES:
		return take_pages(s, it);
	case OBJECT:
		it->variant = stress_below(s, ARRAY_SIZE(cache_kinds));
		it->size = cache_kinds[it->variant].size;
		return kmem_cache_alloc(common.cache[it->variant], gfp);
	case KMALLOC:
		it->size = 1 + stress_below(s, 1u << stress_below(s, ilog2(MAX_KMALLOC) + 1));
		return kmalloc(it->size, gfp);
	default:
		it->size = 1 + stress_below(s, MAX_AREA_PAGES * PAGE_SIZE);
		return vmalloc_gfp(it->size, gfp, NUMA_NO_NODE, 0, (unsigned long)take);
	}
}

static void give_back(struct stress *s, struct item *it)
{
	tag_check(s, it);
	switch (it->kind) {
	case PAGES:
		free_pages((unsigned long)it->mem, it->variant);
		break;
	case OBJECT:
		kmem_cache_free(common.cache[it->variant], it->mem);
		break;
	case KMALLOC:
		kfree(it->mem);
		break;
	default:
		vfree(it->mem);
	}
	s->bytes -= it->size;
	it->kind = EMPTY;
}

static void fill_slot(struct stress *s, struct item *it)
{
	it->kind = (enum kind)(PAGES + stress_below(s, NR_KINDS - PAGES));
	it->tag = mix64(s->next_tag++);
	it->mem = take(s, it);
	if (!it->mem) {
		s->refused++;
		it->kind = EMPTY;
		return;
	}
	s->allocs[it->kind]++;
	s->bytes += it->size;
	tag_write(it);
}

/* To another size. Where it grows, what was there must have moved along. */
static void resize(struct stress *s, struct item *it)
{
	struct item moved = *it;
	size_t size = 1 + stress_below(s, MAX_KMALLOC);

	tag_check(s, it);
	moved.mem = krealloc(it->mem, size, GFP_KERNEL | __GFP_NOWARN);
	if (!moved.mem) {
		s->refused++;
		return;
	}
	if (size >= it->size)
		tag_check(s, &moved);
	s->bytes += size - it->size;
	moved.size = size;
	*it = moved;
	tag_write(it);
}

/* ---- the run ---- */

static void note_broken(const char *name, const char *what, void *ctx)
{
	struct stress *s = ctx;

	if (!s->failed[0])
		snprintf(s->failed, sizeof(s->failed), "check %s: %s", name, what);
}

static void check_everything(struct stress *s)
{
	unsigned checks;

	mm_check_all(&checks, note_broken, s);
	s->checks += checks;
}

/* What caches and lists keep is given back, so that pages change their use. */
static void tidy(struct stress *s)
{
	switch (stress_below(s, 4)) {
	case 0:
		kmem_cache_shrink(common.cache[stress_below(s, ARRAY_SIZE(cache_kinds))]);
		break;
	case 1:
		slab_reap(true);
		break;
	case 2:
		drain_all_pages();
		break;
	default:
		vm_unmap_aliases();
	}
}

/* Leaves a piece in the basket, and takes what another CPU has left there: it will be checked and freed here. */
static void exchange(struct stress *s, struct item *it)
{
	_Atomic(struct item *) *place = &common.basket[stress_below(s, BASKET)];
	struct item *mine = kmalloc(sizeof(*mine), GFP_KERNEL | __GFP_NOWARN), *other;

	if (!mine) {
		s->refused++;
		return;
	}
	*mine = *it;
	s->bytes -= it->size;
	it->kind = EMPTY;
	other = atomic_exchange(place, mine);
	if (!other)
		return;
	*it = *other;
	s->bytes += it->size;
	s->exchanged++;
	kfree(other);
}

static void one_operation(struct stress *s)
{
	struct item *it = &s->item[stress_below(s, SLOTS)];

	s->ops++;
	if (it->kind != EMPTY && s->exchanges && stress_below(s, 4) == 0)
		exchange(s, it);
	else if (it->kind == EMPTY && s->bytes < s->max_bytes)
		fill_slot(s, it);
	else if (it->kind == KMALLOC && stress_below(s, 4) == 0)
		resize(s, it);
	else if (it->kind != EMPTY)
		give_back(s, it);
	if (s->ops % TIDY_EVERY == 0)
		tidy(s);
	if (s->ops % CHECK_EVERY == 0)
		check_everything(s);
	quiet_point();
}

/* In some tries: allocations may be made to fail on purpose. */
static bool make_caches(struct stress *s)
{
	for (unsigned i = 0; i < ARRAY_SIZE(cache_kinds); i++) {
		struct kmem_cache **cache = &common.cache[i];

		for (unsigned tries = 0; !*cache && tries < CREATE_TRIES; tries++)
			*cache = kmem_cache_create(cache_kinds[i].name, cache_kinds[i].size,
						   cache_kinds[i].align, cache_kinds[i].flags, NULL);
		if (*cache)
			continue;
		snprintf(s->failed, sizeof(s->failed), "cache %s cannot be made", cache_kinds[i].name);
		return false;
	}
	return true;
}

static void drop_caches(struct stress *s)
{
	for (unsigned i = 0; i < ARRAY_SIZE(cache_kinds); i++) {
		if (kmem_cache_destroy(common.cache[i]) && !s->failed[0])
			snprintf(s->failed, sizeof(s->failed), "cache %s still has objects",
				 cache_kinds[i].name);
		common.cache[i] = NULL;
	}
}

/* One CPU's operations, until the time is over or one of them finds something wrong. */
static void operate(void *ctx)
{
	struct stress *s = ctx;

	while (!s->failed[0] && !atomic_load(&common.stop) && arch_time_ns() < s->end_ns)
		one_operation(s);
	atomic_store(&common.stop, true);
	for (unsigned i = 0; i < SLOTS; i++)
		if (s->item[i].kind != EMPTY)
			give_back(s, &s->item[i]);
}

static void empty_basket(struct stress *s)
{
	for (unsigned i = 0; i < BASKET; i++) {
		struct item *it = atomic_exchange(&common.basket[i], NULL);

		if (!it)
			continue;
		s->bytes += it->size;
		give_back(s, it);
		kfree(it);
	}
}

/* The first part is this CPU's; the others go to as many other CPUs. */
static void run_parts(struct stress *part, unsigned nr)
{
	unsigned cpu, started = 1;

	atomic_store(&common.stop, false);
	for_each_online_cpu (cpu) {
		struct stress *s = &part[started];

		if (cpu == arch_cpu_id() || started == nr)
			continue;
		s->task = (struct smp_task){.fn = operate, .ctx = s};
		started += smp_start(cpu, &s->task) == 0;
	}
	operate(part);
	while (started > 1)
		smp_wait(&part[--started].task);
	empty_basket(part);
}

/* The figures of all parts end up in the first one, and the first failure. */
static void sum_up(struct stress *part, unsigned nr)
{
	for (struct stress *s = part + 1; s < part + nr; s++) {
		part->ops += s->ops;
		part->refused += s->refused;
		part->checks += s->checks;
		part->exchanged += s->exchanged;
		for (unsigned kind = 0; kind < NR_KINDS; kind++)
			part->allocs[kind] += s->allocs[kind];
		if (!part->failed[0])
			strlcpy(part->failed, s->failed, sizeof(part->failed));
	}
}

static void stress_run(struct stress *part, unsigned nr, u64 seed, u64 seconds)
{
	struct mm_usage before = mm_settled_usage(), after;
	size_t max_bytes = min((nr_free_pages() / 4 << PAGE_SHIFT) / nr, MIB(64));

	for (unsigned i = 0; i < nr; i++)
		part[i] = (struct stress){.random = mix64(seed + i) | 1,
					  .next_tag = (u64)i << 48,
					  .end_ns = arch_time_ns() + seconds * 1000000000UL,
					  .exchanges = nr > 1,
					  .max_bytes = max_bytes};
	if (make_caches(part))
		run_parts(part, nr);
	drop_caches(part);
	sum_up(part, nr);
	after = mm_settled_usage();
	if (mm_lost_pages(&before, &after) && !part->failed[0])
		snprintf(part->failed, sizeof(part->failed), "%lu pages are not given back",
			 mm_lost_pages(&before, &after));
	check_everything(part);
}

/* ---- the command ---- */

struct stress_request {
	u64 seconds, seed, cpus;
};

static int stress_arguments(struct out *o, int argc, char **argv, struct stress_request *rq)
{
	int err = 0;

	*rq = (struct stress_request){.seconds = DEFAULT_SECONDS, .seed = boot_seed(), .cpus = 1};
	for (int i = 1; i < argc && !err; i++) {
		const char *value;

		if ((value = cmd_value(argv[i], "seed")))
			err = arg_u64(o, "seed", value, &rq->seed);
		else if ((value = cmd_value(argv[i], "cpus")))
			err = cmd_number(o, "cpus", value, 1,
					 min(cpumask_weight(&cpu_online_mask), (unsigned)MAX_PARTS),
					 &rq->cpus);
		else if (i == 1)
			err = cmd_number(o, "SECONDS", argv[i], 1, MAX_SECONDS, &rq->seconds);
		else
			err = cmd_unknown_option(o, argv[i], "seed=N or cpus=N");
	}
	return err;
}

static void stress_row(struct out *o, bool json, const char *name, u64 value)
{
	if (!json) {
		out_printf(o, "%-24s %12lu\n", name, value);
		return;
	}
	json_obj(o, NULL);
	json_str(o, "name", name);
	json_str(o, "unit", "count");
	json_num(o, "value", value);
	json_end_obj(o);
}

static int cmd_stress(struct out *o, int argc, char **argv, bool json)
{
	struct stress_request rq;
	struct stress *s;
	int err = arg_count(o, argc, argv, 0, 3);

	if (err || (err = stress_arguments(o, argc, argv, &rq)))
		return err;
	s = vmalloc(rq.cpus * sizeof(*s));
	if (!s)
		return out_error(o, -ENOMEM, "no memory for the tables of %lu CPUs", rq.cpus);
	if (!json)
		out_printf(o, "stress: %lu seconds on %lu CPU%s, repeat with seed=%lu%s\n", rq.seconds,
			   rq.cpus, rq.cpus == 1 ? "" : "s", rq.seed,
			   rq.cpus == 1 ? "" : " (the order between CPUs is not repeated)");
	stress_run(s, (unsigned)rq.cpus, rq.seed, rq.seconds);

	if (json) {
		json_obj(o, NULL);
		json_num(o, "seed", rq.seed);
		json_arr(o, "rows");
	}
	stress_row(o, json, "operations", s->ops);
	for (unsigned kind = PAGES; kind < NR_KINDS; kind++)
		stress_row(o, json, kind_names[kind], s->allocs[kind]);
	stress_row(o, json, "exchanged", s->exchanged);
	stress_row(o, json, "refused", s->refused);
	stress_row(o, json, "checks", s->checks);
	if (json) {
		json_end_arr(o);
		json_arr(o, "failed");
		if (s->failed[0])
			json_str(o, NULL, s->failed);
		json_end_arr(o);
		json_end_obj(o);
	} else if (s->failed[0]) {
		out_printf(o, "failed: %s\n", s->failed);
	}
	err = s->failed[0] ? -EIO : 0;
	vfree(s);
	return err;
}
SHELL_CMD("stress", "[SECONDS] [seed=N] [cpus=N]", "random operations on all allocators, everything checked",
	  cmd_stress, NULL);
