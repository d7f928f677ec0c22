/*
 * stop.c - a panic stops the other CPUs and records their positions.
 *
 * Idea.       The panicking CPU sends each other CPU an interrupt that cannot be masked. Its handler records the position
 *             and halts.
 * Layout.     record[cpu]: position of a stopped CPU
 * Invariants. A CPU writes its own record, once, before it sets `stopped`. Readers test `stopped` first.
 * Locking.    None: only one CPU panics.
 * Failure.    After STOP_LIMIT_NS (one second) arch_cpus_stop() returns without the CPUs that have not answered.
 * Next:       kernel/base/panic.c.
 */
#include <arch/stop.h>

#include <arch/cpu.h>
#include <arch/smp.h>
#include <arch/time.h>
#include <kernel/cpus.h>
#include <stdatomic.h>

#define STOP_LIMIT_NS 1000000000UL

static struct {
	struct arch_stopped where;
	_Atomic bool stopped;
} record[NR_CPUS];
static _Atomic bool stopping;

void arch_stop_here(unsigned long pc, unsigned long fp, bool irqs_off)
{
	unsigned cpu = arch_cpu_id();

	if (!atomic_load(&stopping))
		return;
	record[cpu].where = (struct arch_stopped){pc, fp, irqs_off ? "interrupts off" : NULL};
	atomic_store(&record[cpu].stopped, true);
	arch_halt();
}

void arch_cpus_stop(void)
{
	u64 limit = arch_time_ns() + STOP_LIMIT_NS;
	unsigned cpu;

	atomic_store(&stopping, true);
	for_each_online_cpu (cpu)
		if (cpu != arch_cpu_id())
			arch_stop_send(cpu);
	for_each_online_cpu (cpu)
		while (cpu != arch_cpu_id() && !atomic_load(&record[cpu].stopped) && arch_time_ns() < limit)
			arch_cpu_relax();
}

bool arch_cpu_stopped(unsigned cpu, struct arch_stopped *where)
{
	if (cpu >= NR_CPUS || !atomic_load(&record[cpu].stopped))
		return false;
	*where = record[cpu].where;
	return true;
}
