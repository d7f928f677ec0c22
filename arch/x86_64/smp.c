/*
 * smp.c - this port runs the boot CPU only.
 *
 * Idea.       kernel/cpus.c leaves the CPUs that the MADT names where firmware parked them, so none is possible but the
 *             one that runs, and none of this is reached with another.
 * Layout.     None.
 * Invariants. cpu_possible_mask is CPU 0.
 * Locking.    None.
 * Failure.    -ENODEV for every other CPU.
 * Next:       kernel/smp.c.
 */
#include <arch/smp.h>
#include <kernel/errno.h>

int arch_cpu_start(unsigned cpu, void (*entry)(void *arg), void *arg)
{
	(void)cpu;
	(void)entry;
	(void)arg;
	return -ENODEV;
}

void arch_ipi_send(const struct cpumask *cpus)
{
	(void)cpus;
}

void arch_cpus_stop(void)
{
}

bool arch_cpu_stopped(unsigned cpu, unsigned long *pc, unsigned long *fp)
{
	(void)cpu;
	(void)pc;
	(void)fp;
	return false;
}
