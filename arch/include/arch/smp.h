#ifndef ARCH_SMP_H
#define ARCH_SMP_H

/* Other CPUs as a machine has them. Ids are the kernel's. */

#include <kernel/cpumask.h>
#include <mm/types.h>

/* What starting CPUs needs is set aside, while there is only memblock; and given back, once all have started. */
void arch_smp_prepare(void);
void arch_smp_finish(void);
/*
 * Starts a possible CPU that does not run: it calls entry(arg) with interrupts off, on a stack of its own, with
 * arch_cpu_id() right and its per-CPU areas not yet set. Returns 0, or -errno: there is no such CPU, or no memory.
 */
int arch_cpu_start(unsigned cpu, void (*entry)(void *arg), void *arg);
/* Each of these CPUs calls smp_ipi() soon. Requests may merge. Context: any. */
void arch_ipi_send(const struct cpumask *cpus);

/*
 * For a panic: every other CPU stops where it is, interrupts off or not, for ever. Returns after a bounded time, whether
 * or not all have. Context: any.
 */
void arch_cpus_stop(void);
/* Where a stopped CPU was: its PC and frame pointer. False: it did not stop. */
bool arch_cpu_stopped(unsigned cpu, unsigned long *pc, unsigned long *fp);

#endif
