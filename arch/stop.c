/*
 * stop.c - a panic holds the other CPUs still, and says where they were.
 *
 * Idea.       Each is sent what nothing masks; its handler notes where it came and halts.
 * Layout.     stopped[cpu]: PC and frame pointer
 * Invariants. A record is written by its CPU, once, and read after `stopped` says so.
 * Locking.    None: there is one panic.
 * Failure.    A CPU that does not answer within a second is not waited for.
 * Next:       kernel/panic.c.
 */
#include <arch/stop.h>

#include <arch/cpu.h>
#include <arch/smp.h>
#include <arch/time.h>
#include <kernel/cpus.h>
#include <stdatomic.h>

#define STOP_LIMIT_NS 1000000000UL

static struct {
	unsigned long pc, fp;
	_Atomic bool stopped;
} record[NR_CPUS];
static _Atomic bool stopping;

void arch_stop_here(unsigned long pc, unsigned long fp)
{
	unsigned cpu = arch_cpu_id();

	if (!atomic_load(&stopping))
		return;
	record[cpu].pc = pc;
	record[cpu].fp = fp;
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

bool arch_cpu_stopped(unsigned cpu, unsigned long *pc, unsigned long *fp)
{
	if (cpu >= NR_CPUS || !atomic_load(&record[cpu].stopped))
		return false;
	*pc = record[cpu].pc;
	*fp = record[cpu].fp;
	return true;
}
