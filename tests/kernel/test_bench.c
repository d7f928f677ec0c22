/*
 * test_bench.c - which rows a run of the benchmarks gives.
 *
 * Idea.       Rows are collected from runs that are cheap, and judged by their names and units; what they measure is
 *             not for a test to say.
 * Layout.     collect() keeps the names of the rows in one text, blank separated
 * Invariants. A run gives the rows that the glob matches, each once, and nothing else.
 * Locking.    None.
 * Failure.    A row more or less is a failure with the whole list in the report.
 * Next:       tests/engine/bench.c.
 */
#include <kernel/bench.h>
#include <kernel/errno.h>
#include <kernel/test.h>

#include <arch/time.h>

struct rows {
	char names[256]; /* each with a blank in front */
	unsigned nr;
	bool odd; /* a row without a value or with another unit than arch_cycles() has */
};

static void collect(const struct bench_value *v, void *ctx)
{
	struct rows *r = ctx;
	size_t len = strlen(r->names);

	snprintf(r->names + len, sizeof(r->names) - len, " %s", v->name);
	r->nr++;
	r->odd |= !v->milli || strcmp(v->unit, ARCH_CYCLES_UNIT) != 0;
}

/* Shows bench.B1. */
KTEST(bench, a_glob_gives_its_rows_once_and_no_others)
{
	struct rows r = {.nr = 0};

	EXPECT_EQ(bench_run_all("kmem.pair.[36]?", collect, &r), -ENOENT);
	EXPECT_EQ(r.nr, 0);
	EXPECT_EQ(bench_run_all("kmem.pair.??", collect, &r), 0);
	EXPECT_STREQ(r.names, " kmem.pair.32 kmem.pair.64");
	EXPECT_FALSE(r.odd);
}

KTEST(bench, a_pair_has_a_mean)
{
	struct rows r = {.nr = 0};

	EXPECT_EQ(bench_run_all("kmem.pair.64*", collect, &r), 0);
	EXPECT_STREQ(r.names, " kmem.pair.64 kmem.pair.64.mean");
	EXPECT_FALSE(r.odd);
}

KTEST(bench, one_row_can_be_asked_for_by_name)
{
	struct rows r = {.nr = 0};

	EXPECT_EQ(bench_run_all("vmap.pair.16", collect, &r), 0);
	EXPECT_STREQ(r.names, " vmap.pair.16");
}

KTEST(bench, a_name_that_no_row_has_is_an_error)
{
	struct rows r = {.nr = 0};

	EXPECT_EQ(bench_run_all("page.pairs", collect, &r), -ENOENT);
	EXPECT_EQ(bench_run_all("pag", collect, &r), -ENOENT);
	EXPECT_EQ(bench_run_all("", collect, &r), -ENOENT);
	EXPECT_EQ(r.nr, 0);
}

static void run_again(const struct bench_value *v, void *ctx)
{
	int *err = ctx;

	*err = bench_run_all("page.pair.0", collect, NULL);
}

KTEST(bench, runs_do_not_nest)
{
	int err = 0;

	EXPECT_EQ(bench_run_all("page.pair.0", run_again, &err), 0);
	EXPECT_EQ(err, -EBUSY);
}

KTEST(bench, boot_marks_ascend)
{
	const struct boot_step *s, *before = boot_step(0);

	ASSERT_NOT_NULL(before);
	for (unsigned n = 1; (s = boot_step(n)) != NULL; before = s, n++)
		EXPECT_GT(s->cycles, before->cycles);
}
