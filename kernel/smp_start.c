/*
 * smp_start.c - starts the other CPUs.
 *
 * Idea.       The boot CPU allocates each CPU's stacks, tells the port to start it, and waits until it is online. The new
 *             CPU sets its per-CPU base and its slab arrays, marks itself online and enters its main loop.
 * Layout.     cpu_state[cpu].start (smp_internal.h): waiting, done or given up. The new CPU and the boot CPU change
 *             `waiting` with one compare-and-exchange each. Only one succeeds, so a CPU that comes up late does not run.
 * Locking.    None: one CPU starts at a time.
 * Failure.    A CPU that does not start is reported and left out.
 * Next:       kernel/base/smp.c, the services between CPUs.
 */
#include "base/smp_internal.h"

#include <arch/cpu.h>
#include <arch/irq.h>
#include <arch/smp.h>
#include <arch/tlb.h>
#include <kernel/cmdline.h>
#include <kernel/cpus.h>
#include <kernel/errno.h>
#include <kernel/failure.h>
#include <kernel/percpu.h>
#include <kernel/printk.h>
#include <kernel/string.h>
#include <kernel/work.h>
#include <mm/memblock.h>
#include <mm/numa.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>
#include <mm/vmalloc.h>

enum { START_TIMEOUT_S = 10 };

/* fail_cpu=N: CPU N halts instead of coming up. For tests. */
#define FAIL_NONE (~0UL)
static u64 fail_cpu = FAIL_NONE;

static int fail_cpu_set(const char *value)
{
	return value ? parse_u64(value, &fail_cpu) : -EINVAL;
}
CMDLINE_OPT("fail_cpu", "the number of a CPU", fail_cpu_set);

/* First C code of the kernel on the new CPU. Context: interrupts off. */
static void secondary(void *arg)
{
	unsigned cpu = arch_cpu_id(), starting = START_WAITING;

	(void)arg;
	if (cpu == fail_cpu)
		arch_halt();
	arch_percpu_set(percpu_offset[cpu]);
	if (!atomic_compare_exchange_strong(&cpu_state[cpu].start, &starting, START_DONE))
		arch_halt(); /* the boot CPU has stopped waiting: do not come online */
	slab_cpu_init();
	rcu_idle_exit();
	cpumask_set_atomic(&cpu_online_mask, cpu);
	/* Until now this CPU was not in cpu_online_mask, so no shootdown reached it: flush everything. */
	arch_tlb_flush_all_local();
	arch_irq_enable();
	smp_main_loop();
}

static paddr_t start_page; /* page below arch_start_page_limit(); 0: the port needs none */

void smp_prepare(void)
{
	if (cpumask_weight(&cpu_possible_mask) > 1 && arch_start_page_limit())
		start_page =
			memblock_alloc_range(&memblock, PAGE_SIZE, PAGE_SIZE, PAGE_SIZE,
					     arch_start_page_limit(), NUMA_NO_NODE, "first code of CPUs");
}

static bool give_stacks(unsigned cpu, struct arch_cpu_memory *mem)
{
	size_t bytes;

	for (unsigned n = 0; n < ARCH_CPU_STACKS_MAX && (bytes = arch_cpu_stack_bytes(n)) != 0; n++) {
		char *stack = vmalloc_gfp(bytes, GFP_KERNEL | __GFP_ZERO, cpu_to_node_map[cpu], VM_STACK,
					  (unsigned long)give_stacks);

		if (!stack)
			return false;
		mem->stack_end[n] = (vaddr_t)stack + bytes;
	}
	return true;
}

static void take_stacks(const struct arch_cpu_memory *mem)
{
	for (unsigned n = 0; n < ARCH_CPU_STACKS_MAX; n++)
		if (mem->stack_end[n])
			vfree((char *)mem->stack_end[n] - arch_cpu_stack_bytes(n));
}

static bool start_cpu(unsigned cpu)
{
	struct arch_cpu_memory mem = {.start_page = start_page};
	struct patience patience = {};
	unsigned long mark = failure_mark();
	bool stacks = give_stacks(cpu, &mem);
	int err = stacks ? arch_cpu_start(cpu, &mem, secondary, NULL) : -ENOMEM;

	if (err) {
		take_stacks(&mem);
		if (!stacks)
			pr_err("smp: CPU %u cannot be started: vmalloc of its stacks failed: %s\n", cpu,
			       failure_since(mark));
		else
			pr_err("smp: CPU %u cannot be started: the machine refused with error %d\n", cpu,
			       -err);
		return false;
	}
	while (!cpumask_test(&cpu_online_mask, cpu)) {
		unsigned waiting = START_WAITING;

		if (smp_patience_ends(&patience, START_TIMEOUT_S) &&
		    atomic_compare_exchange_strong(&cpu_state[cpu].start, &waiting, START_GIVEN_UP)) {
			pr_err("smp: CPU %u did not come up in %d seconds, it is left out\n", cpu,
			       START_TIMEOUT_S);
			return false;
		}
		arch_cpu_relax();
	}
	return true;
}

void smp_init(void)
{
	struct page *page = start_page ? adopt_reserved_page(start_page) : NULL;
	unsigned cpu, nr = 1;

	atomic_store(&cpu_state[arch_cpu_id()].start, START_DONE);
	for_each_possible_cpu (cpu)
		if (cpu != arch_cpu_id())
			nr += start_cpu(cpu);
	if (page)
		__free_page(page);
	if (nr > 1)
		pr_info("smp: %u CPUs\n", nr);
	if (fail_cpu != FAIL_NONE && (fail_cpu >= NR_CPUS || fail_cpu == arch_cpu_id() ||
				      !cpumask_test(&cpu_possible_mask, (unsigned)fail_cpu)))
		pr_warn("smp: fail_cpu=%lu: expected a CPU that is started, none failed\n", fail_cpu);
}
