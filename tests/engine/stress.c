/*
 * stress.c - random operations on all allocators at once, with all contents and invariants checked.
 *
 * Idea.       Bugs between layers show when pages, objects, kmalloc and vmalloc compete for the same frames. A table of
 *             slots is filled and emptied at random. Every piece of memory carries words that depend on its slot's tag;
 *             they are checked before it is freed. The invariants of every allocator are checked in between. A tick on
 *             each CPU does the same in interrupt context, with slots of its own.
 * Layout.     Per CPU: item[SLOTS], one piece of memory each. Operation, slot and size come from one generator, so with one
 *             CPU a seed repeats a run except for the times of the ticks. basket[]: pieces that change their CPU. irq: the
 *             tick's slots. The main loop passes areas to the tick, which frees them: vfree() in an interrupt defers.
 * Invariants. At the end every slot is empty, the caches are destroyed, and no page is missing.
 * Locking.    None: a part belongs to its CPU until its task is done, and the basket is atomic. A quiescent point between
 *             operations runs deferred work.
 * Failure.    A refused allocation is counted. The first wrong word or broken invariant ends the run with status EIO; all
 *             memory is freed first.
 * Next:       ktest.c.
 */
#include "../../kernel/shell/cmd.h"

#include <arch/cpu.h>
#include <arch/time.h>

#include <kernel/errno.h>
#include <kernel/failure.h>
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
	TIDY_EVERY = 512,   /* operations between two calls of tidy() */
	MAX_STRESS_ORDER = 6,
	MAX_AREA_PAGES = 64,
	CREATE_TRIES = 16,
	BASKET = 64,
	MAX_PARTS = 64, /* most CPUs that take part */
	IRQ_SLOTS = 32,
	IRQ_OPS = 4, /* operations of one tick */
};
#define MAX_KMALLOC (64UL << 10)
#define TICK_NS 200000UL
#define MAY_WAIT (GFP_KERNEL | __GFP_NOWARN)
#define MAY_NOT (GFP_ATOMIC | __GFP_NOWARN)

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

/* Shared by the CPUs of one run. */
static struct {
	struct kmem_cache *cache[ARRAY_SIZE(cache_kinds)];
	_Atomic(struct item *) basket[BASKET]; /* pieces that another CPU may take */
	_Atomic bool stop;
	_Atomic unsigned checking; /* CPUs that run all checks, or wait to: ticks do nothing meanwhile */
} common;

/* State of one context of a CPU: the main loop, or the tick. */
struct actor {
	gfp_t gfp;
	u64 random, next_tag;
	unsigned long bytes, max_bytes; /* allocated now, and the limit */
	u64 ops, allocs[NR_KINDS], refused;
	char failed[192]; /* first failure; empty: none */
};

/* One CPU's part. */
struct stress {
	struct smp_task task;
	struct actor loop, irq;
	struct item item[SLOTS], irq_item[IRQ_SLOTS];
	_Atomic(struct item *) area; /* the tick frees it and sets NULL */
	struct item area_item;
	u64 end_ns;
	u64 max_ops;
	bool exchanges; /* pieces with other CPUs */
	u64 checks, exchanged;
};

static u32 stress_below(struct actor *who, u32 n)
{
	return (u32)((u64)xorshift64(&who->random) * n >> 32);
}

/* ---- contents ---- */

/* Small pieces carry a tag in every word, large ones one in each cache line. The last byte always carries one. */
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

static void tag_check(struct actor *who, const struct item *it)
{
	size_t at = 0;

	while (at + sizeof(u64) < it->size && *(u64 *)(it->mem + at) == mix64(it->tag + at))
		at += tag_step(it->size);
	if (at + sizeof(u64) < it->size || it->mem[it->size - 1] != (char)it->tag)
		snprintf(who->failed, sizeof(who->failed),
			 "%s: %zu bytes at 0x%016lx were overwritten at offset %zu", kind_names[it->kind],
			 it->size, (unsigned long)it->mem, min(at, it->size - 1));
}

/* ---- one piece of memory ---- */

static char *take_pages(struct actor *who, struct item *it)
{
	struct page *page;

	/* Small orders are more frequent. */
	it->variant = stress_below(who, stress_below(who, MAX_STRESS_ORDER + 1) + 1);
	it->size = PAGE_SIZE << it->variant;
	page = alloc_pages(who->gfp, it->variant);
	return page ? page_address(page) : NULL;
}

static char *take(struct actor *who, struct item *it)
{
	switch (it->kind) {
	case PAGES:
		return take_pages(who, it);
	case OBJECT:
		it->variant = stress_below(who, ARRAY_SIZE(cache_kinds));
		it->size = cache_kinds[it->variant].size;
		return kmem_cache_alloc(common.cache[it->variant], who->gfp);
	case KMALLOC:
		it->size = 1 + stress_below(who, 1u << stress_below(who, ilog2(MAX_KMALLOC) + 1));
		return kmalloc(it->size, who->gfp);
	default:
		it->size = 1 + stress_below(who, MAX_AREA_PAGES * PAGE_SIZE);
		return vmalloc_gfp(it->size, who->gfp, NUMA_NO_NODE, 0, (unsigned long)take);
	}
}

static void give_back(struct actor *who, struct item *it)
{
	tag_check(who, it);
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
	who->bytes -= it->size;
	it->kind = EMPTY;
}

static void fill_slot(struct actor *who, struct item *it)
{
	/* vmalloc may wait, so a context that must not wait allocates no areas. */
	it->kind = (enum kind)(PAGES + stress_below(who, (who->gfp == MAY_WAIT ? NR_KINDS : AREA) - PAGES));
	it->tag = mix64(who->next_tag++);
	it->mem = take(who, it);
	if (!it->mem) {
		who->refused++;
		it->kind = EMPTY;
		return;
	}
	who->allocs[it->kind]++;
	who->bytes += it->size;
	tag_write(it);
}

/* Changes the size. If the piece grows, the old contents must be in the new place. */
static void resize(struct actor *who, struct item *it)
{
	struct item moved = *it;
	size_t size = 1 + stress_below(who, MAX_KMALLOC);

	tag_check(who, it);
	moved.mem = krealloc(it->mem, size, who->gfp);
	if (!moved.mem) {
		who->refused++;
		return;
	}
	if (size >= it->size)
		tag_check(who, &moved);
	who->bytes += size - it->size;
	moved.size = size;
	*it = moved;
	tag_write(it);
}

/* ---- the run ---- */

static void note_broken(const char *name, const char *what, void *ctx)
{
	struct actor *who = ctx;

	if (!who->failed[0])
		snprintf(who->failed, sizeof(who->failed), "check %s: %s", name, what);
}

static void nothing(void *ctx)
{
	(void)ctx;
}

static void check_everything(struct stress *s)
{
	unsigned checks;

	atomic_fetch_add(&common.checking, 1);
	/* A CPU answers between its ticks, so ticks that began before have ended afterwards. */
	smp_call_all(nothing, NULL);
	mm_check_all(&checks, note_broken, &s->loop);
	atomic_fetch_sub(&common.checking, 1);
	s->checks += checks;
}

/* Frees memory in caches and lists, so that pages change their use. */
static void tidy(struct stress *s)
{
	switch (stress_below(&s->loop, 4)) {
	case 0:
		kmem_cache_shrink(common.cache[stress_below(&s->loop, ARRAY_SIZE(cache_kinds))]);
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

/* Puts the piece into the basket and takes the one that another CPU has put there. This CPU checks and frees it. */
static void exchange(struct stress *s, struct item *it)
{
	_Atomic(struct item *) *place = &common.basket[stress_below(&s->loop, BASKET)];
	struct item *mine = kmalloc(sizeof(*mine), MAY_WAIT), *other;

	if (!mine) {
		s->loop.refused++;
		return;
	}
	*mine = *it;
	s->loop.bytes -= it->size;
	it->kind = EMPTY;
	other = atomic_exchange(place, mine);
	if (!other)
		return;
	*it = *other;
	s->loop.bytes += it->size;
	s->exchanged++;
	kfree(other);
}

/* ---- the tick ---- */

/* Frees the area that the main loop has left. vfree() in an interrupt queues it for the main loop. */
static void free_area(struct stress *s)
{
	struct item *it = atomic_load_explicit(&s->area, memory_order_relaxed);

	if (!it)
		return;
	s->irq.bytes += it->size;
	give_back(&s->irq, it);
	s->irq.ops++;
	atomic_store_explicit(&s->area, NULL, memory_order_release);
}

static void tick(void *ctx)
{
	struct stress *s = ctx;
	struct actor *who = &s->irq;

	if (atomic_load(&common.checking))
		return;
	for (unsigned i = 0; i < IRQ_OPS && !who->failed[0]; i++) {
		struct item *it = &s->irq_item[stress_below(who, IRQ_SLOTS)];

		who->ops++;
		if (it->kind != EMPTY)
			give_back(who, it);
		else if (who->bytes < who->max_bytes)
			fill_slot(who, it);
	}
	free_area(s);
}

/* Only interrupts of this CPU read it, so the order of the stores suffices. */
static void leave_area(struct stress *s, struct item *it)
{
	s->area_item = *it;
	s->loop.bytes -= it->size;
	it->kind = EMPTY;
	atomic_store_explicit(&s->area, &s->area_item, memory_order_release);
}

static void stop_ticking(struct stress *s)
{
	arch_time_tick(0, NULL, NULL);
	for (unsigned i = 0; i < IRQ_SLOTS; i++)
		if (s->irq_item[i].kind != EMPTY)
			give_back(&s->irq, &s->irq_item[i]);
	free_area(s);
}

/* ---- the loop ---- */

static void one_operation(struct stress *s)
{
	struct item *it = &s->item[stress_below(&s->loop, SLOTS)];

	s->loop.ops++;
	if (it->kind != EMPTY && s->exchanges && stress_below(&s->loop, 4) == 0)
		exchange(s, it);
	else if (it->kind == AREA && !atomic_load_explicit(&s->area, memory_order_acquire))
		leave_area(s, it);
	else if (it->kind == EMPTY && s->loop.bytes < s->loop.max_bytes)
		fill_slot(&s->loop, it);
	else if (it->kind == KMALLOC && stress_below(&s->loop, 4) == 0)
		resize(&s->loop, it);
	else if (it->kind != EMPTY)
		give_back(&s->loop, it);
	if (s->loop.ops % TIDY_EVERY == 0)
		tidy(s);
	if (s->loop.ops % CHECK_EVERY == 0)
		check_everything(s);
	quiet_point();
}

/* Tries several times, because fault injection may be on. */
static bool make_caches(struct stress *s)
{
	for (unsigned i = 0; i < ARRAY_SIZE(cache_kinds); i++) {
		struct kmem_cache **cache = &common.cache[i];

		for (unsigned tries = 0; !*cache && tries < CREATE_TRIES; tries++)
			*cache = kmem_cache_create(cache_kinds[i].name, cache_kinds[i].size,
						   cache_kinds[i].align, cache_kinds[i].flags, NULL);
		if (*cache)
			continue;
		snprintf(s->loop.failed, sizeof(s->loop.failed), "cache %s cannot be made",
			 cache_kinds[i].name);
		return false;
	}
	return true;
}

static void drop_caches(struct stress *s)
{
	for (unsigned i = 0; i < ARRAY_SIZE(cache_kinds); i++) {
		if (kmem_cache_destroy(common.cache[i]) && !s->loop.failed[0])
			snprintf(s->loop.failed, sizeof(s->loop.failed), "cache %s still has objects",
				 cache_kinds[i].name);
		common.cache[i] = NULL;
	}
}

/*
 * One CPU's operations, until max_ops are done, the time is over, a failure is found, or another CPU has stopped. Then all
 * CPUs stop.
 */
static void operate(void *ctx)
{
	struct stress *s = ctx;

	arch_time_tick(TICK_NS, tick, s);
	while (!s->loop.failed[0] && !s->irq.failed[0] && !atomic_load(&common.stop) &&
	       s->loop.ops < s->max_ops && arch_time_ns() < s->end_ns)
		one_operation(s);
	atomic_store(&common.stop, true);
	stop_ticking(s);
	for (unsigned i = 0; i < SLOTS; i++)
		if (s->item[i].kind != EMPTY)
			give_back(&s->loop, &s->item[i]);
}

static void empty_basket(struct stress *s)
{
	for (unsigned i = 0; i < BASKET; i++) {
		struct item *it = atomic_exchange(&common.basket[i], NULL);

		if (!it)
			continue;
		s->loop.bytes += it->size;
		give_back(&s->loop, it);
		kfree(it);
	}
}

/* Runs the first part on this CPU and the others on as many other CPUs. */
static void run_parts(struct stress *part, unsigned nr)
{
	unsigned cpu, started = 1;

	atomic_store(&common.stop, false);
	for_each_online_cpu (cpu) {
		struct stress *s = &part[started];

		if (cpu == arch_cpu_id() || started == nr)
			continue;
		s->task = (struct smp_task){.fn = operate, .ctx = s};
		if (smp_start(cpu, &s->task))
			snprintf(part->loop.failed, sizeof(part->loop.failed), "CPU %u takes no task", cpu);
		else
			started++;
	}
	operate(part);
	while (started > 1)
		smp_wait(&part[--started].task);
	empty_basket(part);
}

static void add_actor(struct actor *sum, const struct actor *who)
{
	sum->refused += who->refused;
	for (unsigned kind = 0; kind < NR_KINDS; kind++)
		sum->allocs[kind] += who->allocs[kind];
	if (!sum->failed[0])
		strlcpy(sum->failed, who->failed, sizeof(sum->failed));
}

/* Adds the figures of all parts to the first part's, with the first failure. */
static void sum_up(struct stress *part, unsigned nr)
{
	for (struct stress *s = part; s < part + nr; s++) {
		add_actor(&part->loop, &s->irq);
		if (s == part)
			continue;
		add_actor(&part->loop, &s->loop);
		part->loop.ops += s->loop.ops;
		part->irq.ops += s->irq.ops;
		part->checks += s->checks;
		part->exchanged += s->exchanged;
	}
}

struct stress_request {
	u64 seconds, seed, cpus, ops;
};

static void stress_run(struct stress *part, const struct stress_request *rq)
{
	struct mm_usage before = mm_settled_usage(), after;
	unsigned nr = (unsigned)rq->cpus;
	size_t max_bytes = min((nr_free_pages() / 4 << PAGE_SHIFT) / nr, MIB(64));

	for (unsigned i = 0; i < nr; i++)
		part[i] = (struct stress){.loop = {.gfp = MAY_WAIT,
						   .random = mix64(rq->seed + i) | 1,
						   .next_tag = (u64)i << 48,
						   .max_bytes = max_bytes},
					  .irq = {.gfp = MAY_NOT,
						  .random = mix64(~rq->seed - i) | 1,
						  .next_tag = (u64)i << 48 | 1UL << 47,
						  .max_bytes = max_bytes / 16},
					  .end_ns = arch_time_ns() + rq->seconds * 1000000000UL,
					  .max_ops = rq->ops,
					  .exchanges = nr > 1};
	if (make_caches(part))
		run_parts(part, nr);
	drop_caches(part);
	sum_up(part, nr);
	after = mm_settled_usage();
	if (mm_lost_pages(&before, &after) && !part->loop.failed[0])
		snprintf(part->loop.failed, sizeof(part->loop.failed), "%lu pages are not given back",
			 mm_lost_pages(&before, &after));
	check_everything(part);
}

/* ---- the command ---- */

static int stress_arguments(struct out *o, int argc, char **argv, struct stress_request *rq)
{
	int err = 0;

	*rq = (struct stress_request){
		.seconds = DEFAULT_SECONDS, .seed = boot_seed(), .cpus = 1, .ops = ~0UL};
	for (int i = 1; i < argc && !err; i++) {
		const char *value;

		if ((value = cmd_value(argv[i], "seed")))
			err = arg_u64(o, "seed", value, &rq->seed);
		else if ((value = cmd_value(argv[i], "cpus")))
			err = cmd_number(o, "cpus", value, 1,
					 min(cpumask_weight(&cpu_online_mask), (unsigned)MAX_PARTS),
					 &rq->cpus);
		else if ((value = cmd_value(argv[i], "ops")))
			err = cmd_number(o, "ops", value, 1, ~0UL, &rq->ops);
		else if (i == 1)
			err = cmd_number(o, "SECONDS", argv[i], 1, MAX_SECONDS, &rq->seconds);
		else
			err = cmd_unknown_option(o, argv[i], "seed=N, cpus=N or ops=N");
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
	unsigned long mark = failure_mark();
	struct stress *s = NULL;
	char limit[48] = "";
	int err = arg_count(o, argc, argv, 0, 4);

	if (err || (err = stress_arguments(o, argc, argv, &rq)))
		return err;
	for (unsigned tries = 0; !s && tries < CREATE_TRIES; tries++) /* fault injection may be on */
		s = vmalloc(rq.cpus * sizeof(*s));
	if (!s)
		return out_error(o, -ENOMEM, "allocation of the tables of %lu CPUs failed: %s", rq.cpus,
				 failure_since(mark));
	if (rq.ops != ~0UL)
		snprintf(limit, sizeof(limit), " or %lu operations", rq.ops);
	if (!json)
		out_printf(o, "stress: %lu seconds%s on %lu CPU%s, repeat with seed=%lu%s\n", rq.seconds,
			   limit, rq.cpus, rq.cpus == 1 ? "" : "s", rq.seed,
			   rq.cpus == 1 ? " (interrupt timing differs)"
					: " (interrupt timing and the order between CPUs differ)");
	stress_run(s, &rq);

	if (json) {
		json_obj(o, NULL);
		json_num(o, "seed", rq.seed);
		json_arr(o, "rows");
	}
	stress_row(o, json, "operations", s->loop.ops);
	stress_row(o, json, "in_interrupts", s->irq.ops);
	for (unsigned kind = PAGES; kind < NR_KINDS; kind++)
		stress_row(o, json, kind_names[kind], s->loop.allocs[kind]);
	stress_row(o, json, "exchanged", s->exchanged);
	stress_row(o, json, "refused", s->loop.refused);
	stress_row(o, json, "checks", s->checks);
	if (json) {
		json_end_arr(o);
		json_arr(o, "failed");
		if (s->loop.failed[0])
			json_str(o, NULL, s->loop.failed);
		json_end_arr(o);
		json_end_obj(o);
	} else if (s->loop.failed[0]) {
		out_printf(o, "failed: %s\n", s->loop.failed);
	}
	err = s->loop.failed[0] ? -EIO : 0;
	vfree(s);
	return err;
}
SHELL_CMD("stress", "[SECONDS] [seed=N] [cpus=N] [ops=N]",
	  "random operations on all allocators, everything checked", cmd_stress, NULL);
