/*
 * bench_smp.c - what several CPUs do together, against what one does alone.
 *
 * Idea.       The same loop runs on this CPU alone and then on every online CPU at once, a fixed number of times on
 *             each. Where nothing is shared, n CPUs do n times as much in the same time. Time on a busy machine says
 *             little, so what CPUs had to wait for is counted as well: that is exact.
 * Layout.     smp.LOAD         operations in a time by all CPUs, over those by one: the median of ROUNDS turns
 *             smp.LOAD.one     nanoseconds that one CPU alone takes for an operation
 *             smp.LOAD.waits   times that a lock was found taken, in a million operations of all CPUs
 * Invariants. Loads are those of the peer table (peers.tsv). A pair is one operation, and so is each object of a batch.
 * Locking.    None. CPUs start together at a word, and pass quiet points between chunks.
 * Failure.    One CPU, or too little memory: the row is skipped.
 * Next:       bench_tlb.c.
 */
#include <kernel/bench.h>
#include <kernel/percpu.h>
#include <kernel/smp.h>
#include <kernel/spinlock.h>
#include <kernel/work.h>
#include <mm/check.h>
#include <mm/kmalloc.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>
#include <mm/vmalloc.h>

#include <arch/cpu.h>
#include <arch/time.h>

enum { ROUNDS = 5, CHUNK = 1024, BATCH = 64, SETTLED = 4 };
#define ONE_NS 20000000UL /* one CPU's part lasts at least as long */

/* ---- loads: CHUNK operations, false when memory is short ---- */

static struct kmem_cache *bench_cache;

static bool kmem_pairs(void)
{
	for (unsigned i = 0; i < CHUNK; i++) {
		void *obj = kmem_cache_alloc(bench_cache, GFP_KERNEL);

		if (unlikely(!obj))
			return false;
		kmem_cache_free(bench_cache, obj);
	}
	return true;
}

static bool kmalloc_pairs(void)
{
	size_t size = 64;

	__asm__ volatile("" : "+r"(size)); /* known at run time only */
	for (unsigned i = 0; i < CHUNK; i++) {
		void *obj = kmalloc(size, GFP_KERNEL);

		if (unlikely(!obj))
			return false;
		kfree(obj);
	}
	return true;
}

static bool page_pairs(void)
{
	for (unsigned i = 0; i < CHUNK; i++) {
		struct page *page = alloc_page(GFP_KERNEL);

		if (unlikely(!page))
			return false;
		__free_page(page);
	}
	return true;
}

static bool vmalloc_pairs(void)
{
	for (unsigned i = 0; i < CHUNK; i++) {
		void *p = vmalloc(KIB(16));

		if (unlikely(!p))
			return false;
		vfree(p);
	}
	return true;
}

/* Always inlined, so that the calls are direct ones. */
static __always_inline bool batches(void *(*alloc)(void), void (*give)(void *p))
{
	void *p[BATCH];

	for (unsigned i = 0; i < CHUNK / BATCH; i++) {
		unsigned got = 0;

		while (got < BATCH && (p[got] = alloc()) != NULL)
			got++;
		for (unsigned n = 0; n < got; n++)
			give(p[n]);
		if (unlikely(got < BATCH))
			return false;
	}
	return true;
}

static inline void *kmem_get(void)
{
	return kmem_cache_alloc(bench_cache, GFP_KERNEL);
}

static inline void kmem_put(void *p)
{
	kmem_cache_free(bench_cache, p);
}

static bool kmem_batches(void)
{
	return batches(kmem_get, kmem_put);
}

static inline void *page_get(void)
{
	return alloc_page(GFP_KERNEL);
}

static inline void page_put(void *p)
{
	__free_page((struct page *)p);
}

static bool page_batches(void)
{
	return batches(page_get, page_put);
}

static inline void *area_get(void)
{
	return vmalloc(KIB(16));
}

static inline void area_put(void *p)
{
	vfree(p);
}

static bool vmalloc_batches(void)
{
	return batches(area_get, area_put);
}

/*
 * Hoard's cache-scratch: this CPU allocates an object for each CPU, side by side in one cache line. Each frees its own, which
 * goes to its own array, and takes it again and again: CPUs that write such objects write one line for ever. A cache with
 * SLAB_HWCACHE_ALIGN has one line for each object.
 */
enum { SCRATCH_WRITES = 32 };

static DEFINE_PER_CPU(void *, scratch_given);
static struct kmem_cache *line_cache;

static void scratch_give(struct kmem_cache *s)
{
	unsigned cpu;

	for_each_online_cpu (cpu) {
		void **given = per_cpu_ptr(&scratch_given, cpu);

		if (!*given)
			*given = s ? kmem_cache_alloc(s, GFP_KERNEL) : kmalloc(16, GFP_KERNEL);
	}
}

static void scratch_give_small(void)
{
	scratch_give(NULL);
}

static void scratch_give_lines(void)
{
	scratch_give(line_cache);
}

/* Objects of CPUs that had no turn. */
static void scratch_take_back(void)
{
	unsigned cpu;

	for_each_online_cpu (cpu) {
		kfree(per_cpu(scratch_given, cpu));
		per_cpu(scratch_given, cpu) = NULL;
	}
}

static __always_inline bool scratch(void *(*alloc)(void))
{
	kfree(this_cpu(scratch_given));
	this_cpu(scratch_given) = NULL;
	for (unsigned i = 0; i < CHUNK; i++) {
		volatile u64 *obj = alloc();

		if (unlikely(!obj))
			return false;
		for (unsigned n = 0; n < SCRATCH_WRITES; n++)
			*obj = n;
		kfree((void *)obj);
	}
	return true;
}

static inline void *small_get(void)
{
	return kmalloc(16, GFP_KERNEL);
}

static inline void *line_get(void)
{
	return kmem_cache_alloc(line_cache, GFP_KERNEL);
}

static bool scratch_small(void)
{
	return scratch(small_get);
}

static bool scratch_lines(void)
{
	return scratch(line_get);
}

static const struct load {
	const char *name;
	bool (*chunk)(void);
	void (*prepare)(void); /* before each turn */
} loads[] = {
	{"kmem.pair.256", .chunk = kmem_pairs},
	{"kmem.batch.256", .chunk = kmem_batches},
	{"kmalloc.pair.64", .chunk = kmalloc_pairs},
	{"page.pair.0", .chunk = page_pairs},
	{"page.batch", .chunk = page_batches},
	{"vmalloc.pair.16k", .chunk = vmalloc_pairs},
	{"vmalloc.batch.16k", .chunk = vmalloc_batches},
	{"scratch.16", .chunk = scratch_small, .prepare = scratch_give_small},
	{"scratch.line", .chunk = scratch_lines, .prepare = scratch_give_lines},
};

/* ---- one turn ---- */

struct part {
	struct smp_task task;
	u64 start_ns, end_ns;
	bool enough;
} __aligned(CACHE_LINE);

static struct part part[NR_CPUS];

static struct {
	const struct load *load;
	unsigned chunks; /* of each CPU */
	_Atomic unsigned ready;
	_Atomic bool go;
} turn;

static void run_part(void *ctx)
{
	struct part *p = ctx;

	p->enough = turn.load->chunk(); /* not timed: what a first time needs is there afterwards */
	atomic_fetch_add(&turn.ready, 1);
	while (!atomic_load_explicit(&turn.go, memory_order_acquire)) {
		quiet_point();
		arch_cpu_relax();
	}
	p->start_ns = arch_time_ns();
	for (unsigned n = 0; n < turn.chunks && p->enough; n++) {
		p->enough = turn.load->chunk();
		quiet_point();
	}
	p->end_ns = arch_time_ns();
}

/* Starts the CPUs of the set but this one. Returns how many take part, this one included. */
static unsigned start_parts(const struct cpumask *cpus)
{
	unsigned cpu, nr = 1;

	atomic_store(&turn.ready, 0);
	atomic_store(&turn.go, false);
	for_each_cpu (cpu, cpus) {
		part[cpu].task = (struct smp_task){.fn = run_part, .ctx = &part[cpu]};
		if (cpu != arch_cpu_id() && smp_start(cpu, &part[cpu].task) == 0)
			nr++;
	}
	while (atomic_load(&turn.ready) < nr - 1) {
		quiet_point();
		arch_cpu_relax();
	}
	return nr;
}

/* All CPUs of the set do their chunks. From the start of the first to the end of the last; 0: memory is short. */
static u64 take_turn(const struct cpumask *cpus)
{
	unsigned cpu, me = arch_cpu_id();
	u64 start = ~0UL, end = 0;
	bool enough = true;

	if (turn.load->prepare)
		turn.load->prepare();
	start_parts(cpus);
	atomic_store_explicit(&turn.go, true, memory_order_release);
	run_part(&part[me]);
	for_each_cpu (cpu, cpus) {
		if (cpu != me)
			smp_wait(&part[cpu].task);
		start = min(start, part[cpu].start_ns);
		end = max(end, part[cpu].end_ns);
		enough &= part[cpu].enough;
	}
	return enough ? max(end - start, 1UL) : 0;
}

/* ---- rows ---- */

static u64 all_waits(void)
{
	u64 sum = 0;

	for (unsigned rank = 1; rank < NR_LOCK_RANKS; rank++)
		sum += lock_waits((enum lock_rank)rank);
	return sum;
}

static u64 median(u64 *v, unsigned nr)
{
	for (unsigned i = 1; i < nr; i++) {
		u64 x = v[i];
		unsigned at = i;

		for (; at && v[at - 1] > x; at--)
			v[at] = v[at - 1];
		v[at] = x;
	}
	return v[nr / 2];
}

static void measure(struct bench_run *b, const struct load *load)
{
	const unsigned nr = cpumask_weight(&cpu_online_mask);
	u64 ratio[ROUNDS], one_ns[ROUNDS], one, all, waits = 0, ops;
	struct cpumask alone = {};

	cpumask_set(&alone, arch_cpu_id());
	turn.load = load;
	turn.chunks = 1;
	for (unsigned long_enough = 0; long_enough < SETTLED;
	     long_enough++) { /* an emulator is slow at first */
		one = take_turn(&alone);
		if (one && one < ONE_NS) {
			turn.chunks *= 2;
			long_enough = 0;
		}
	}
	take_turn(&cpu_online_mask); /* the others' first time */
	ops = (u64)turn.chunks * CHUNK;
	for (unsigned i = 0; i < ROUNDS; i++) {
		u64 before;

		one = take_turn(&alone);
		before = all_waits();
		all = take_turn(&cpu_online_mask);
		waits += all_waits() - before;
		if (!one || !all) {
			bench_skip_failed(b, "an allocation");
			return;
		}
		ratio[i] = one * nr * 1000 / all;
		one_ns[i] = one * 1000 / ops;
	}
	bench_value(b, "", "ratio", median(ratio, ROUNDS));
	bench_value(b, ".one", "ns", median(one_ns, ROUNDS));
	bench_value(b, ".waits", "ppm", waits * 1000000000 / (ops * nr * ROUNDS));
}

BENCH(smp, all)
{
	bench_cache = kmem_cache_create("bench", 256, 0, 0, NULL);
	line_cache = kmem_cache_create("bench-line", 16, CACHE_LINE, 0, NULL);
	for (unsigned i = 0; i < ARRAY_SIZE(loads); i++) {
		bench_row(b, "%s", loads[i].name);
		if (!bench_wants(b, "") && !bench_wants(b, ".one") && !bench_wants(b, ".waits"))
			continue;
		if (cpumask_weight(&cpu_online_mask) < 2)
			bench_skip(b, "needs a second CPU");
		else if (!bench_cache || !line_cache)
			bench_skip_failed(b, "kmem_cache_create");
		else
			measure(b, &loads[i]);
		scratch_take_back();
		mm_settle();
	}
	kmem_cache_destroy(line_cache);
	kmem_cache_destroy(bench_cache);
}
