/*
 * bench.c - runs the benchmarks and reports rows.
 *
 * Idea.       A benchmark is a function that names rows and passes the operation to one of three measurements: pair, mean,
 *             batch. The rows are defined as the rows of the peer (peers.tsv beside the benchmarks), so the figures can be
 *             compared.
 * Layout.     section benches -> in link order, group `mixed` first -> rows -> emit(): text or JSON
 * Invariants. B1  a benchmark leaves nothing allocated; deferred work is done before the next one starts
 *             Timed chunks run with interrupts on and hold no lock.
 * Locking.    None: main loop of CPU 0, one run at a time.
 * Failure.    A row that lacks memory is reported as skipped. If a benchmark's own check fails, the run fails.
 * Next:       tests/bench/bench_page.c.
 */
#include <kernel/bench.h>

#include <mm/check.h>
#include <mm/page_alloc.h>

#include <kernel/errno.h>
#include <kernel/failure.h>
#include <kernel/printk.h>
#include <kernel/shell.h>
#include <kernel/string.h>
#include <kernel/work.h>

#include <arch/time.h>

struct bench_run {
	const char *glob;
	bench_emit_fn emit;
	void *ctx;
	const struct bench *bench;
	char row[BENCH_ROW_SIZE];
	unsigned emitted, failed;
	unsigned long mark; /* failure_mark() when the benchmark began */
};

static bool bench_running;

/* ---- rows ---- */

void bench_row(struct bench_run *b, const char *fmt, ...)
{
	size_t at = (size_t)scnprintf(b->row, sizeof(b->row), "%s.", b->bench->group);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(b->row + at, sizeof(b->row) - at, fmt, ap);
	va_end(ap);
}

bool bench_wants(struct bench_run *b, const char *suffix)
{
	char name[BENCH_ROW_SIZE];

	snprintf(name, sizeof(name), "%s%s", b->row, suffix);
	return glob_match(b->glob, name);
}

void bench_value(struct bench_run *b, const char *suffix, const char *unit, u64 milli)
{
	char name[BENCH_ROW_SIZE];
	struct bench_value v = {.name = name, .unit = unit, .milli = milli};

	if (!bench_wants(b, suffix))
		return;
	snprintf(name, sizeof(name), "%s%s", b->row, suffix);
	b->emit(&v, b->ctx);
	b->emitted++;
}

void bench_ticks(struct bench_run *b, const char *suffix, u64 ticks, u64 ops)
{
	bench_value(b, suffix, ARCH_CYCLES_UNIT, ticks * 1000 / ops);
}

void bench_skip(struct bench_run *b, const char *why)
{
	pr_warn("bench: %s is skipped: %s\n", b->row, why);
	b->emitted++;
}

void bench_skip_failed(struct bench_run *b, const char *what)
{
	pr_warn("bench: %s is skipped: %s failed: %s\n", b->row, what, failure_since(b->mark));
	b->emitted++;
}

void bench_fail(struct bench_run *b, const char *fmt, ...)
{
	char text[128];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	pr_err("bench: %s: %s\n", b->row, text);
	b->failed++;
}

/* ---- ways of measuring ---- */

struct chunks {
	u64 best, total; /* ticks of the fastest one; of all, deferred work included */
	unsigned nr;
};

/* Whether a row needs another chunk after this many. */
static bool bench_more(unsigned chunks, u64 begin)
{
	return chunks < BENCH_CHUNKS || arch_cycles() < begin + ARCH_BENCH_CYCLES;
}

/* Runs the warm-up and the timed chunks. False: memory is short. */
static bool measure_chunks(bench_chunk_fn chunk, const void *arg, unsigned rounds, struct chunks *c)
{
	u64 begin;

	*c = (struct chunks){.best = ~0UL};
	if (!chunk(arg, rounds))
		return false;
	quiet_drain();
	begin = arch_cycles();
	for (; bench_more(c->nr, begin); c->nr++) {
		u64 start = arch_cycles();

		if (!chunk(arg, rounds))
			return false;
		c->best = min(c->best, arch_cycles() - start);
		quiet_point();
	}
	quiet_drain();
	c->total = arch_cycles() - begin;
	return true;
}

void bench_pair(struct bench_run *b, bench_chunk_fn chunk, const void *arg, unsigned rounds)
{
	struct chunks c;

	if (!bench_wants(b, "") && !bench_wants(b, ".mean"))
		return;
	if (!measure_chunks(chunk, arg, rounds, &c)) {
		bench_skip_failed(b, "an allocation");
		return;
	}
	bench_ticks(b, "", c.best, rounds);
	bench_ticks(b, ".mean", c.total, (u64)c.nr * rounds);
}

void bench_mean(struct bench_run *b, bench_chunk_fn chunk, const void *arg, unsigned rounds)
{
	struct chunks c;

	if (!bench_wants(b, ""))
		return;
	if (measure_chunks(chunk, arg, rounds, &c))
		bench_ticks(b, "", c.total, (u64)c.nr * rounds);
	else
		bench_skip_failed(b, "an allocation");
}

const char *const bench_order_name[] = {"lifo", "fifo", "random"};

/* Runs one round. alloc_ticks NULL: not timed. */
static bool batch_round(const struct bench_batch *batch, void **obj, const u32 *index, u64 *alloc_ticks,
			u64 *free_ticks)
{
	u64 start = arch_cycles(), middle;
	unsigned got = batch->alloc(batch->arg, obj, batch->nr);

	if (got < batch->nr) {
		for (u32 i = 0; i < got; i++)
			batch->free(batch->arg, obj, &i, 1);
		return false;
	}
	middle = arch_cycles();
	batch->free(batch->arg, obj, index, batch->nr);
	quiet_drain();
	if (alloc_ticks) {
		*alloc_ticks += middle - start;
		*free_ticks += arch_cycles() - middle;
	}
	return true;
}

void bench_batch(struct bench_run *b, const struct bench_batch *batch, enum bench_order order)
{
	size_t obj_bytes = batch->nr * sizeof(void *), bytes = obj_bytes + batch->nr * sizeof(u32);
	u64 alloc_ticks = 0, free_ticks = 0, begin;
	unsigned rounds = 0;
	void **obj;
	u32 *index;
	bool enough;

	if (!bench_wants(b, ".alloc") && !bench_wants(b, ".free"))
		return;
	obj = alloc_pages_exact(bytes, GFP_KERNEL | __GFP_NOWARN);
	if (!obj) {
		bench_skip_failed(b, "an allocation");
		return;
	}
	index = (u32 *)((char *)obj + obj_bytes);
	bench_fill_index(index, batch->nr, order);
	enough = batch_round(batch, obj, index, NULL, NULL);
	begin = arch_cycles();
	for (; enough && bench_more(rounds, begin); rounds++)
		enough = batch_round(batch, obj, index, &alloc_ticks, &free_ticks);
	if (enough) {
		bench_ticks(b, ".alloc", alloc_ticks, (u64)rounds * batch->nr);
		bench_ticks(b, ".free", free_ticks, (u64)rounds * batch->nr);
	} else {
		bench_skip_failed(b, "an allocation");
	}
	free_pages_exact(obj, bytes);
}

/* ---- a run ---- */

/* Whether rows of the group can match: the glob up to its first wildcard must agree with "GROUP.". */
static bool bench_selected(const char *glob, const char *group)
{
	while (*group && *group == *glob)
		group++, glob++;
	return *glob == '*' || *glob == '?' || (!*group && *glob == '.');
}

int bench_run_all(const char *glob, bench_emit_fn emit, void *ctx)
{
	struct bench_run run = {.glob = glob, .emit = emit, .ctx = ctx};

	if (bench_running)
		return -EBUSY;
	bench_running = true;
	/* `mixed` runs first, because it needs allocators that no other benchmark has used. */
	for (unsigned pass = 0; pass < 2; pass++) {
		for (const struct bench *const *r = __start_benches; r < __stop_benches; r++) {
			bool mixed = strcmp((*r)->group, "mixed") == 0;

			if (mixed != (pass == 0) || !bench_selected(glob, (*r)->group))
				continue;
			run.bench = *r;
			run.mark = failure_mark();
			(*r)->run(&run);
			mm_settle();
		}
	}
	bench_running = false;
	if (run.failed)
		return -EIO;
	return run.emitted ? 0 : -ENOENT;
}

/* ---- boot ---- */

enum { BOOT_STEPS_MAX = 32 };

static struct boot_step steps[BOOT_STEPS_MAX];
static unsigned nr_steps;

void boot_mark(const char *step)
{
	if (nr_steps < BOOT_STEPS_MAX)
		steps[nr_steps++] = (struct boot_step){step, arch_cycles()};
}

const struct boot_step *boot_step(unsigned n)
{
	return n < nr_steps ? &steps[n] : NULL;
}

/* ---- the command ---- */

static void emit_text(const struct bench_value *v, void *ctx)
{
	u64 milli = v->milli;
	struct out *o = ctx;

	/* Ticks have one decimal, ratios three. */
	if (strcmp(v->unit, ARCH_CYCLES_UNIT) != 0)
		out_printf(o, "%-32s %10lu.%03lu %s\n", v->name, milli / 1000, milli % 1000, v->unit);
	else
		out_printf(o, "%-32s %12lu.%lu %s\n", v->name, milli / 1000, milli % 1000 / 100, v->unit);
}

static void emit_json(const struct bench_value *v, void *ctx)
{
	struct out *o = ctx;

	json_obj(o, NULL);
	json_str(o, "name", v->name);
	json_str(o, "unit", v->unit);
	json_milli(o, "value", v->milli);
	json_end_obj(o);
}

static int cmd_bench(struct out *o, int argc, char **argv, bool json)
{
	const char *glob = argc > 1 ? argv[1] : "*";
	int err;

	if (argc > 2)
		return out_error(o, -EINVAL, "too many words, expected bench [GLOB]");
	if (json) {
		json_obj(o, NULL);
		json_arr(o, "rows");
	}
	err = bench_run_all(glob, json ? emit_json : emit_text, o);
	if (json) {
		json_end_arr(o);
		json_end_obj(o);
	}
	if (err == -ENOENT)
		return out_error(o, err, "no row matches %s, expected a pattern such as kmem.*", glob);
	if (err == -EBUSY)
		return out_error(o, err, "a benchmark is running");
	if (err)
		return out_error(o, err, "a benchmark check failed: see `dmesg`");
	return 0;
}

/* Whether an earlier entry of the table has the same group. */
static bool group_was_named(const struct bench *const *b)
{
	for (const struct bench *const *earlier = __start_benches; earlier < b; earlier++)
		if (!strcmp((*earlier)->group, (*b)->group))
			return true;
	return false;
}

static const char *complete_bench(int pos, unsigned n)
{
	static char pattern[BENCH_ROW_SIZE];

	if (pos != 1)
		return NULL;
	for (const struct bench *const *b = __start_benches; b < __stop_benches; b++) {
		if (group_was_named(b) || n--)
			continue;
		snprintf(pattern, sizeof(pattern), "%s.*", (*b)->group);
		return pattern;
	}
	return NULL;
}
SHELL_CMD("bench", "[GLOB]", "run the benchmarks whose row names match", cmd_bench, complete_bench);
