#ifndef TESTS_OTHER_CPU_H
#define TESTS_OTHER_CPU_H

/* A second CPU to test with. */

#include <arch/cpu.h>
#include <kernel/bug.h>
#include <kernel/smp.h>
#include <kernel/test.h>
#include <kernel/work.h>

/* An online CPU that is not this one, NR_CPUS if there is none. */
static inline unsigned other_cpu(void)
{
	unsigned cpu;

	for_each_online_cpu (cpu)
		if (cpu != arch_cpu_id())
			return cpu;
	return NR_CPUS;
}

/* Likewise one that is not `cpu` either. */
static inline unsigned third_cpu(unsigned other)
{
	unsigned cpu;

	for_each_online_cpu (cpu)
		if (cpu != arch_cpu_id() && cpu != other)
			return cpu;
	return NR_CPUS;
}

#define NEEDS_OTHER_CPU(cpu)        \
	unsigned cpu = other_cpu(); \
	if (cpu == NR_CPUS)         \
	SKIP("needs a second CPU")

/* Runs fn(ctx) in the other CPU's main loop, to its end. */
static inline void run_on(unsigned cpu, void (*fn)(void *ctx), void *ctx)
{
	struct smp_task task = {.fn = fn, .ctx = ctx};

	BUG_ON(smp_start(cpu, &task), "CPU %u takes no task", cpu);
	smp_wait(&task);
}

/* One CPU waits for a word that another one writes; quiet points meanwhile, so that everything else goes on. */
static inline void wait_until(_Atomic unsigned *word, unsigned value)
{
	while (atomic_load(word) != value) {
		quiet_point();
		arch_cpu_relax();
	}
}

#endif
