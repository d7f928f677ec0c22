/*
 * ktest.c - runs the self-tests and reports in KTAP.
 *
 * Idea.       A case is a function that checks properties. After each case the runner checks two more: no page and no
 *             object stays allocated, and the invariants of every allocator hold.
 * Layout.     section ktests, sorted in place by suite and name -> one KTAP subtest block for each suite:
 *             KTAP version 1, 1..suites, then for each: an indented block (KTAP version 1, # Subtest: suite,
 *             1..cases, results) and the suite's own result
 * Invariants. I1  the values that a case gets from test_rand() depend only on seed= and on the case's name
 *             KTAP lines start in column 0, or after their indent of two, without a time stamp. Each is one console write.
 * Locking.    None: main loop of CPU 0, one run at a time.
 * Failure.    A failing case prints file, line and values as '#' lines before its result. The run continues.
 * Next:       kernel/shell/shell.c.
 */
#include <kernel/test.h>

#include <mm/check.h>

#include <kernel/bug.h>
#include <kernel/errno.h>
#include <kernel/random.h>
#include <kernel/string.h>
#include <kernel/work.h>

enum {
	NAME_MAX = 96,
	LEAK_RUNS = 5,
	REPORTS_MAX = 10, /* printed failures of one case, because a loop may produce thousands */
};

struct totals {
	unsigned passed, failed, skipped;
};

static struct ktest **const sorted = __start_ktests;
static unsigned nr_sorted; /* 0: not sorted yet */
static struct ktest *running;
static u64 rand_state;

static int ktest_order(const struct ktest *a, const struct ktest *b)
{
	int by_suite = strcmp(a->suite, b->suite);

	return by_suite ? by_suite : strcmp(a->name, b->name);
}

/* Sorts each of the `gap` sequences of every gap-th entry, by insertion. */
static void ktest_sort_gap(unsigned n, unsigned gap)
{
	for (unsigned i = gap; i < n; i++) {
		struct ktest *t = sorted[i];
		unsigned to = i;

		for (; to >= gap && ktest_order(t, sorted[to - gap]) < 0; to -= gap)
			sorted[to] = sorted[to - gap];
		sorted[to] = t;
	}
}

/* Shell sort, done once. It needs no memory, so the number of cases has no limit. */
static void ktest_sort(void)
{
	unsigned n = (unsigned)(__stop_ktests - __start_ktests), gap = 1;

	if (nr_sorted)
		return;
	while (gap < n / 3)
		gap = 3 * gap + 1;
	for (; gap; gap /= 3)
		ktest_sort_gap(n, gap);
	nr_sorted = n;
}

const struct ktest *ktest_nth(unsigned n)
{
	ktest_sort();
	return n < nr_sorted ? sorted[n] : NULL;
}

bool ktest_selected(const struct ktest *t, const char *glob)
{
	char name[NAME_MAX];

	snprintf(name, sizeof(name), "%s.%s", t->suite, t->name);
	return t->panic_pattern ? strcmp(glob, name) == 0 : glob_match(glob, name);
}

void ktest_fail(struct ktest *t, const char *file, int line, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	if (t->failures++ >= REPORTS_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	console_printf("  # %s:%d: %s\n", file, line, text);
}

u32 test_rand(void)
{
	return xorshift64(&rand_state);
}

u32 test_rand_below(u32 n)
{
	return (u32)((u64)test_rand() * n >> 32);
}

void ktest_seed(const struct ktest *t)
{
	u64 hash = 0xcbf29ce484222325UL; /* FNV-1a */

	for (const char *s = t->name; *s; s++)
		hash = (hash ^ (u8)*s) * 0x100000001b3UL;
	rand_state = mix64(boot_seed() ^ hash);
	if (!rand_state) /* 0 is a fixed point of xorshift */
		rand_state = 1;
}

static void report_broken(const char *name, const char *what, void *ctx)
{
	struct ktest *t = ctx;

	ktest_fail(t, "mm/check.c", 0, "check %s: %s", name, what);
}

/*
 * Runs the case, then the quick checks; after the last case of a suite, all checks, which read every frame. Returns whether
 * more pages or objects are in use than before.
 */
static bool ktest_run_once(struct ktest *t, bool last, struct mm_usage *before, struct mm_usage *after)
{
	unsigned checks;

	ktest_seed(t);
	*before = mm_settled_usage();
	t->run(t);
	*after = mm_settled_usage();
	if (last)
		mm_check_all(&checks, report_broken, t);
	else
		mm_check_quick(&checks, report_broken, t);
	t->checks += checks;
	return after->idle_pages < before->idle_pages || after->live_objects > before->live_objects;
}

/*
 * Some memory is allocated at first use and stays (a cache's per-CPU array, a chunk of per-CPU memory), and live objects
 * may be spread over more slabs than before. So memory that is missing after one run is not yet a leak. A case has a leak
 * if each of LEAK_RUNS runs leaves more memory in use.
 */
static void ktest_run_case(struct ktest *t, bool last)
{
	struct mm_usage before, after;
	unsigned runs = 0;

	t->failures = 0;
	t->checks = 0;
	t->skip[0] = '\0';
	running = t;
	while (runs < LEAK_RUNS && ktest_run_once(t, last, &before, &after) && !t->failures && !t->skip[0])
		runs++;
	if (runs == LEAK_RUNS)
		ktest_fail(t, t->suite, 0,
			   "leak in every run: idle pages %lu, then %lu; live objects %lu, then %lu",
			   before.idle_pages, after.idle_pages, before.live_objects, after.live_objects);
	if (t->panic_pattern)
		ktest_fail(t, t->suite, 0, "came to its end; expected a panic with \"%s\"", t->panic_pattern);
	running = NULL;
}

static void ktest_print_result(const struct ktest *t, unsigned number, struct totals *totals)
{
	if (t->failures) {
		if (t->failures > REPORTS_MAX)
			console_printf("  # %u failures in all\n", t->failures);
		console_printf("  # repeat with: seed=%lu test=%s.%s\n", boot_seed(), t->suite, t->name);
		console_printf("  not ok %u %s\n", number, t->name);
		totals->failed++;
	} else if (t->skip[0]) {
		console_printf("  ok %u %s # SKIP %s\n", number, t->name, t->skip);
		totals->skipped++;
	} else {
		console_printf("  ok %u %s\n", number, t->name);
		totals->passed++;
	}
}

/* Index after the last case of the suite of sorted[i]. */
static unsigned suite_end(unsigned i)
{
	unsigned end = i + 1;

	while (end < nr_sorted && strcmp(sorted[end]->suite, sorted[i]->suite) == 0)
		end++;
	return end;
}

static unsigned nr_selected(unsigned start, unsigned end, const char *glob)
{
	unsigned n = 0;

	for (unsigned i = start; i < end; i++)
		n += ktest_selected(sorted[i], glob);
	return n;
}

/* Runs the selected cases of a suite. Returns whether all passed. */
static bool ktest_run_suite(unsigned start, unsigned end, const char *glob, struct totals *totals)
{
	unsigned number = 0, failed_before = totals->failed, nr = nr_selected(start, end, glob);

	console_printf("  KTAP version 1\n  # Subtest: %s\n  1..%u\n", sorted[start]->suite, nr);
	for (unsigned i = start; i < end; i++) {
		if (!ktest_selected(sorted[i], glob))
			continue;
		ktest_run_case(sorted[i], ++number == nr);
		ktest_print_result(sorted[i], number, totals);
		quiet_point();
	}
	return totals->failed == failed_before;
}

int ktest_run(const char *glob)
{
	struct totals totals = {0};
	unsigned nr_suites = 0, number = 0;

	if (running)
		return -EBUSY;
	ktest_sort();
	for (unsigned i = 0; i < nr_sorted; i = suite_end(i))
		nr_suites += nr_selected(i, suite_end(i), glob) != 0;
	if (!nr_suites)
		return -ENOENT;

	/* Parsers treat text before "KTAP" on its line as a prefix of every line, so start a new line. */
	console_printf("%sKTAP version 1\n1..%u\n", console_at_line_start() ? "" : "\n", nr_suites);
	for (unsigned i = 0; i < nr_sorted; i = suite_end(i)) {
		bool ok;

		if (!nr_selected(i, suite_end(i), glob))
			continue;
		ok = ktest_run_suite(i, suite_end(i), glob, &totals);
		console_printf("%s %u %s\n", ok ? "ok" : "not ok", ++number, sorted[i]->suite);
	}
	console_printf("# Totals: pass:%u fail:%u skip:%u total:%u\n", totals.passed, totals.failed,
		       totals.skipped, totals.passed + totals.failed + totals.skipped);
	return (int)totals.failed;
}
