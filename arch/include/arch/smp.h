#ifndef ARCH_SMP_H
#define ARCH_SMP_H

/* Other CPUs as a machine has them. Ids are the kernel's. */

#include <kernel/cpumask.h>
#include <mm/types.h>

/* What the kernel gives a CPU that is to be started: pages that are mapped and zero, a guard page below each stack. */
enum { ARCH_CPU_STACKS_MAX = 4 };
struct arch_cpu_memory {
	paddr_t start_page; /* of arch_start_page_limit(), for all CPUs in turn */
	vaddr_t stack_end[ARCH_CPU_STACKS_MAX];
};
/* Bytes of the n-th stack, whole pages; 0: no more than n, or none because the port has them. */
size_t arch_cpu_stack_bytes(unsigned n);
/* The page of a CPU's first instructions lies below this address; 0: it needs no such page. */
paddr_t arch_start_page_limit(void);
/*
 * Starts a possible CPU that does not run: it calls entry(arg) with interrupts off, on a stack of its own, with
 * arch_cpu_id() right and its per-CPU areas not yet set. Returns 0, or -errno: there is no such CPU, it does not come, or
 * no memory. The stacks stay the CPU's; the page is free for the next one. Context: boot, one at a time.
 */
int arch_cpu_start(unsigned cpu, const struct arch_cpu_memory *mem, void (*entry)(void *arg), void *arg);
/* Each of these CPUs calls smp_ipi() soon. Requests merge with those that are not answered; none is lost. Context: any. */
void arch_ipi_send(const struct cpumask *cpus);

/*
 * For a panic: every other CPU stops where it is, interrupts off or not, for ever. Returns after a bounded time, whether
 * or not all have. Context: any.
 */
void arch_cpus_stop(void);
/* Where a stopped CPU was. */
struct arch_stopped {
	unsigned long pc, fp;
	const char *masked; /* what kept interrupts from it; NULL: nothing */
};
/* False: it did not stop. */
bool arch_cpu_stopped(unsigned cpu, struct arch_stopped *where);

#endif
