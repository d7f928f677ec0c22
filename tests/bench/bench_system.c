/*
 * bench_system.c - what happens once, or should not happen: boot steps, opening a section, checks, faults.
 *
 * Idea.       No peer has these rows; they are watched from change to change.
 * Layout.     boot.step.STEP  boot.total  section.open  verify.all  verify.quick  fault.caught
 * Invariants. boot.total is the sum of the steps, from the first instruction of kmain() to the main loop.
 * Locking.    None.
 * Failure.    Nothing left to open: the row is skipped.
 * Next:       mm/README.md.
 */
#include <arch/cpu.h>
#include <arch/time.h>
#include <kernel/bench.h>
#include <mm/check.h>
#include <mm/internal.h>
#include <mm/vmalloc.h>

BENCH(boot, steps)
{
	const struct boot_step *first = boot_step(0), *last = first, *s;

	if (!first)
		return;
	for (unsigned n = 1; (s = boot_step(n)) != NULL; last = s, n++) {
		bench_row(b, "step.%s", s->step);
		bench_ticks(b, "", s->cycles - last->cycles, 1);
	}
	bench_row(b, "total");
	bench_ticks(b, "", last->cycles - first->cycles, 1);
}

static void note_failure(const char *name, const char *what, void *ctx)
{
	bench_fail(ctx, "check %s: %s", name, what);
}

BENCH(verify, all)
{
	u64 start = arch_cycles();
	unsigned checks;

	bench_row(b, "all");
	mm_check_all(&checks, note_failure, b);
	bench_ticks(b, "", arch_cycles() - start, 1);
}

BENCH(verify, quick)
{
	u64 start = arch_cycles();
	unsigned checks;

	bench_row(b, "quick");
	mm_check_quick(&checks, note_failure, b);
	bench_ticks(b, "", arch_cycles() - start, 1);
}

static bool caught_faults(const void *arg, unsigned rounds)
{
	while (rounds--)
		if (!arch_probe((vaddr_t)arg, ARCH_READ))
			return false;
	return true;
}

/* An expected fault: trap, look-up in the exception table, return. Behind an area is its guard page. */
BENCH(fault, caught)
{
	char *p = vmalloc(PAGE_SIZE);

	bench_row(b, "caught");
	if (p)
		bench_pair(b, caught_faults, p + PAGE_SIZE, 100);
	else
		bench_skip_failed(b, "an allocation");
	vfree(p);
}

/* The clearing of its part of the page array is most of it: rep stosq counts one a word. */
BENCH(section, open)
{
	struct zone *zone;
	u64 start;

	bench_row(b, "open");
	if (!bench_wants(b, ""))
		return;
	for_each_populated_zone (zone) {
		start = arch_cycles();
		if (section_open_for(zone)) {
			bench_ticks(b, "", arch_cycles() - start, 1);
			return;
		}
	}
	bench_skip(b, "every section is open");
}
