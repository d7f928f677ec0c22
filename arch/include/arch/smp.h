#ifndef ARCH_SMP_H
#define ARCH_SMP_H

/* The machine's part of starting, interrupting and stopping other CPUs. CPU ids are the kernel's. */

#include <kernel/cpumask.h>
#include <arch/types.h>

/* Memory that the kernel passes to a CPU it starts. The pages are mapped and zero; a guard page lies below each stack. */
enum { ARCH_CPU_STACKS_MAX = 4 };
struct arch_cpu_memory {
	paddr_t start_page; /* below arch_start_page_limit(); the starts use it in turn */
	vaddr_t stack_end[ARCH_CPU_STACKS_MAX];
};
/* Size of the n-th stack in bytes, whole pages. 0: the port needs no n-th stack, or provides it itself. */
size_t arch_cpu_stack_bytes(unsigned n);
/* The page with a CPU's first instructions must lie below this address. 0: the port needs no such page. */
paddr_t arch_start_page_limit(void);
/*
 * Starts a possible CPU that is not running. The CPU calls entry(arg) on its own stack, interrupts off, with arch_cpu_id()
 * valid and its per-CPU areas not yet set. Returns 0, or -errno if the CPU does not exist, does not start, or memory is
 * missing. The CPU keeps the stacks; the start page is free for the next CPU. Context: boot, one CPU at a time.
 */
int arch_cpu_start(unsigned cpu, const struct arch_cpu_memory *mem, void (*entry)(void *arg), void *arg);
/* Makes each CPU of the set call smp_ipi(). Requests to a CPU merge until it handles them; none is lost. Context: any. */
void arch_ipi_send(const struct cpumask *cpus);

/*
 * For a panic: stops every other CPU where it is, for ever, even with interrupts off. Returns after a bounded time, also if
 * some CPUs did not stop. Context: any.
 */
void arch_cpus_stop(void);
/* Position of a stopped CPU. */
struct arch_stopped {
	unsigned long pc, fp;
	const char *masked; /* the state that masked its interrupts, in words; NULL: none */
};
/* Returns false if the CPU did not stop. */
bool arch_cpu_stopped(unsigned cpu, struct arch_stopped *where);

#endif
