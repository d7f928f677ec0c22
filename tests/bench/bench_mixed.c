/*
 * bench_mixed.c - the mixed workload: objects of 1 byte to 64 KiB that live for a random time.
 *
 * Idea.       20 000 slots; each step picks one at random and frees what it holds, or fills it. About 10 000
 *             objects live at a time. Half of the sizes are small, a few are large, as in real kernels.
 * Layout.     passes over the same sequence: generator alone (its least cost is subtracted), the work, the work
 *             again, the work with a time stamp around each operation. Rows: gross, net, drain (per object freed at
 *             the end), of the first time and as warm.gross ... of the second; memory at the end of the work,
 *             percentiles of one operation's ticks.
 * Invariants. The sequence is fixed: counts, bytes and the generator's last state must be the known ones.
 * Locking.    None.
 * Failure.    Too little memory: skipped. Another sequence than the known one: the run fails.
 * Next:       bench_system.c.
 */
#include <arch/time.h>
#include <kernel/bench.h>
#include <kernel/string.h>
#include <kernel/work.h>
#include <mm/internal.h>
#include <mm/kmalloc.h>

#include "mixed.h"

enum {
	STEPS_PER_QUIET_POINT = 256,
	LATENCY_MAX = 16384, /* ticks; longer ones count as this long, the maximum is kept exactly */
};

enum pass { GENERATOR, WORK, LATENCY };

struct latency {
	u32 count[LATENCY_MAX];
	u64 max;
};

struct mixed {
	void *object[MIXED_SLOTS];
	u32 size[MIXED_SLOTS]; /* 0: empty */
	u64 state;
	unsigned long allocs, frees, live_bytes, all_bytes;
	struct latency alloc, free;
};

static void latency_note(struct latency *l, u64 ticks)
{
	l->count[min(ticks, (u64)LATENCY_MAX - 1)]++;
	l->max = max(l->max, ticks);
}

static __always_inline void *mixed_alloc(struct mixed *m, u32 size, enum pass pass)
{
	u64 start;
	void *p;

	if (pass == GENERATOR)
		return m;
	if (pass == WORK)
		return kmalloc(size, GFP_KERNEL);
	start = arch_cycles();
	p = kmalloc(size, GFP_KERNEL);
	latency_note(&m->alloc, arch_cycles() - start);
	return p;
}

static __always_inline void mixed_free(struct mixed *m, void *p, enum pass pass)
{
	u64 start;

	if (pass == WORK) {
		kfree(p);
	} else if (pass == LATENCY) {
		start = arch_cycles();
		kfree(p);
		latency_note(&m->free, arch_cycles() - start);
	}
}

/* The whole sequence from empty slots; false when memory runs out. */
static __always_inline bool mixed_pass(struct mixed *m, enum pass pass)
{
	m->state = MIXED_SEED;
	m->allocs = m->frees = m->live_bytes = m->all_bytes = 0;
	memset(m->object, 0, sizeof(m->object));
	memset(m->size, 0, sizeof(m->size));
	for (unsigned step = 0; step < MIXED_STEPS; step++) {
		u32 slot = mixed_slot(&m->state);

		if (m->object[slot]) {
			mixed_free(m, m->object[slot], pass);
			m->object[slot] = NULL;
			m->frees++;
			m->live_bytes -= m->size[slot];
		} else {
			u32 size = mixed_size(&m->state);

			m->object[slot] = mixed_alloc(m, size, pass);
			if (unlikely(!m->object[slot]))
				return false;
			m->size[slot] = size;
			m->allocs++;
			m->live_bytes += size;
			m->all_bytes += size;
		}
		if (step % STEPS_PER_QUIET_POINT == 0 && pass != GENERATOR)
			quiet_point();
	}
	return true;
}

static __noinline bool generator_pass(struct mixed *m)
{
	return mixed_pass(m, GENERATOR);
}

static __noinline bool work_pass(struct mixed *m)
{
	return mixed_pass(m, WORK);
}

static __noinline bool latency_pass(struct mixed *m)
{
	return mixed_pass(m, LATENCY);
}

static void free_all(struct mixed *m)
{
	for (unsigned slot = 0; slot < MIXED_SLOTS; slot++)
		kfree(m->object[slot]);
}

struct pages_used {
	unsigned long allocated, on_cpu_lists;
};

static struct pages_used pages_used(void)
{
	struct pages_used used = {0, 0};
	struct zone *zone;
	unsigned cpu;

	for_each_populated_zone (zone) {
		used.allocated += zone_allocated_pages(zone);
		for_each_online_cpu (cpu)
			used.on_cpu_lists += pcp_count(zone, cpu);
	}
	return used;
}

static void check_sequence(struct bench_run *b, const struct mixed *m)
{
	if (m->allocs != MIXED_ALLOCS || m->frees != MIXED_FREES || m->live_bytes != MIXED_LIVE_BYTES ||
	    m->all_bytes != MIXED_ALL_BYTES || m->state != MIXED_LAST_STATE)
		bench_fail(b, "wrong sequence: %lu allocs, %lu frees, %lu live bytes of %lu, state 0x%lx",
			   m->allocs, m->frees, m->live_bytes, m->all_bytes, m->state);
}

/* Smallest latency that `share` of 10000 operations do not exceed. */
static u64 percentile(const struct latency *l, unsigned long ops, unsigned share)
{
	unsigned long sum = 0;
	u64 ticks = 0;

	while (ticks < LATENCY_MAX - 1 && (sum += l->count[ticks]) * 10000 < ops * share)
		ticks++;
	return ticks;
}

static void report_latency(struct bench_run *b, const char *name, const struct latency *l, unsigned long ops)
{
	bench_row(b, "%s", name);
	bench_ticks(b, ".p50", percentile(l, ops, 5000), 1);
	bench_ticks(b, ".p99", percentile(l, ops, 9900), 1);
	bench_ticks(b, ".p99.9", percentile(l, ops, 9990), 1);
	bench_ticks(b, ".max", l->max, 1);
}

static void report_memory(struct bench_run *b, struct pages_used before, struct pages_used after)
{
	unsigned long taken = after.allocated - before.allocated;
	unsigned long held = taken + after.on_cpu_lists - before.on_cpu_lists;

	bench_value(b, ".taken", "pages", taken * 1000);
	bench_value(b, ".held", "pages", held * 1000); /* with those that wait on per-CPU lists */
	bench_row(b, "efficiency");
	bench_value(b, "", "ratio", MIXED_LIVE_BYTES * 1000UL / (max(taken, 1UL) * PAGE_SIZE));
	bench_value(b, ".held", "ratio", MIXED_LIVE_BYTES * 1000UL / (max(held, 1UL) * PAGE_SIZE));
}

/*
 * The work and its end, timed; used: the pages in between. False when memory runs out. `warm` names the rows of a second
 * time, when what the allocators took the first time has been touched and may be at hand.
 */
static bool mixed_work(struct bench_run *b, struct mixed *m, u64 generator, const char *warm,
		       struct pages_used *used)
{
	u64 start, gross, drain, drain_mean;
	bool enough;

	start = arch_cycles();
	enough = work_pass(m);
	gross = arch_cycles() - start;
	if (enough) {
		check_sequence(b, m);
		*used = pages_used();
	}
	start = arch_cycles();
	free_all(m);
	drain = arch_cycles() - start;
	quiet_drain();
	drain_mean = arch_cycles() - start;
	if (!enough)
		return false;
	bench_row(b, "%sgross", warm);
	bench_ticks(b, "", gross, MIXED_STEPS);
	bench_row(b, "%snet", warm);
	bench_ticks(b, "", gross - min(gross, generator), MIXED_STEPS);
	bench_row(b, "%sdrain", warm);
	bench_ticks(b, "", drain, MIXED_ALLOCS - MIXED_FREES);
	bench_ticks(b, ".mean", drain_mean, MIXED_ALLOCS - MIXED_FREES);
	return true;
}

BENCH(mixed, work)
{
	struct mixed *m = alloc_pages_exact(sizeof(*m), GFP_KERNEL | __GFP_NOWARN | __GFP_ZERO);
	struct pages_used before, used;
	u64 start, generator = ~0UL;
	bool enough;

	bench_row(b, "net");
	if (!m) {
		bench_skip_failed(b, "an allocation");
		return;
	}
	for (unsigned i = 0; i < MIXED_GENERATOR_PASSES; i++) {
		start = arch_cycles();
		generator_pass(m);
		generator = min(generator, arch_cycles() - start);
	}
	before = pages_used();
	enough = mixed_work(b, m, generator, "", &used);
	if (enough) {
		bench_row(b, "pages");
		report_memory(b, before, used);
		enough = mixed_work(b, m, generator, "warm.", &used);
	}
	if (enough) {
		enough = latency_pass(m);
		free_all(m);
	}
	if (enough) {
		report_latency(b, "alloc", &m->alloc, MIXED_ALLOCS);
		report_latency(b, "free", &m->free, MIXED_FREES);
	} else {
		bench_skip_failed(b, "an allocation");
	}
	free_pages_exact(m, sizeof(*m));
}
