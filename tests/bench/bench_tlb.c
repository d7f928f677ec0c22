/*
 * bench_tlb.c - what a shootdown costs, by pages and by what the other CPUs do.
 *
 * Idea.       Asleep, another CPU is marked; awake, it is interrupted and answers. Under -icount the figure is the
 *             instructions of all CPUs together.
 * Layout.     tlb.range.PAGES: the others sleep. tlb.awake.PAGES: they do not; none of these rows on one CPU.
 * Invariants. The addresses are mapped nowhere: a flush does not ask.
 * Locking.    None.
 * Failure.    A CPU that takes no task fails the run.
 * Next:       bench_mixed.c.
 */
#include <arch/cpu.h>
#include <arch/layout.h>
#include <kernel/bench.h>
#include <kernel/cpumask.h>
#include <kernel/smp.h>
#include <kernel/work.h>
#include <mm/tlb.h>

static bool flush_ranges(const void *arg, unsigned rounds)
{
	const unsigned long pages = *(const unsigned long *)arg;

	while (rounds--)
		tlb_flush_range(VMALLOC_START, VMALLOC_START + pages * PAGE_SIZE);
	return true;
}

static void flush_sizes(struct bench_run *b, const char *others)
{
	static const unsigned long pages[] = {1, 8, TLB_FLUSH_CEILING, TLB_FLUSH_CEILING + 1};

	for (unsigned i = 0; i < ARRAY_SIZE(pages); i++) {
		bench_row(b, "%s.%lu", others, pages[i]);
		bench_mean(b, flush_ranges, &pages[i], 100);
	}
}

BENCH(tlb, range)
{
	smp_settle();
	flush_sizes(b, "range");
}

static struct smp_task awake_task[NR_CPUS];
static _Atomic unsigned nr_awake;
static _Atomic bool may_sleep;

static void stay_awake(void *ctx)
{
	(void)ctx;
	atomic_fetch_add(&nr_awake, 1);
	while (!atomic_load(&may_sleep)) {
		quiet_point();
		arch_cpu_relax();
	}
}

BENCH(tlb, awake)
{
	struct cpumask started = {};
	unsigned cpu;

	atomic_store(&may_sleep, false);
	atomic_store(&nr_awake, 0);
	for_each_online_cpu (cpu) {
		awake_task[cpu].fn = stay_awake;
		if (cpu == arch_cpu_id())
			continue;
		if (smp_start(cpu, &awake_task[cpu]))
			bench_fail(b, "CPU %u takes no task", cpu);
		else
			cpumask_set(&started, cpu);
	}
	while (atomic_load(&nr_awake) < cpumask_weight(&started))
		arch_cpu_relax();
	bench_row(b, "awake.1");
	if (atomic_load(&nr_awake))
		flush_sizes(b, "awake");
	else
		bench_skip(b, "needs a second CPU");
	atomic_store(&may_sleep, true);
	for_each_cpu (cpu, &started)
		smp_wait(&awake_task[cpu]);
}
