/*
 * stack.c - each CPU's stacks and their guard pages.
 *
 * Idea.       A stack that runs over must fault, not write into its neighbour. Below each stack lies a page that is
 *             not mapped; the double fault that follows an overflow runs on a stack of its own.
 * Layout.     Boot CPU, in the image: guard | boot stack 32 KiB | guard | NMI 8 KiB | guard | double fault 8 KiB | guard |
 *             machine check 8 KiB. Another CPU: four areas of the vmalloc window, whose neighbours end with guard pages.
 * Invariants. Stacks start as zeros: the lowest word that is not zero is the high-water mark, and the whole stack below
 *             the mark is the canary.
 * Locking.    Written before the CPU runs; the marks are read while the stacks are in use.
 * Failure.    No memory for another CPU's stacks: it is not started.
 * Next:       desc.c, which hands the stacks to the CPU.
 */

#include "x86_internal.h"
#include <arch_impl/stack.h>
#include <kernel/bits.h>
#include <kernel/cpumask.h>
#include <mm/vmalloc.h>

enum { NR_STACKS = 1 + X86_NR_IST };

struct x86_stacks x86_stacks __aligned(4096);

static_assert(offsetof(struct x86_stacks, ist) == X86_BOOT_STACK_TOP,
	      "entry.S starts at the boot stack's top");

static char *other_stacks[NR_CPUS][NR_STACKS];

static size_t stack_size(unsigned n)
{
	return n == 0 ? X86_BOOT_STACK_SIZE : X86_IST_STACK_SIZE;
}

static vaddr_t stack_start(unsigned cpu, unsigned n)
{
	if (cpu != 0)
		return (vaddr_t)other_stacks[cpu][n];
	return n == 0 ? (vaddr_t)x86_stacks.boot : (vaddr_t)x86_stacks.ist[n - 1].stack;
}

vaddr_t x86_stack_end(unsigned cpu, unsigned n)
{
	return stack_start(cpu, n) + stack_size(n);
}

bool x86_stacks_new(unsigned cpu, int nid)
{
	char **stack = other_stacks[cpu];

	for (unsigned n = 0; n < NR_STACKS; n++)
		if (!stack[n])
			stack[n] = vmalloc_gfp(stack_size(n), GFP_KERNEL | __GFP_ZERO, nid, VM_STACK,
					       (unsigned long)x86_stacks_new);
	return stack[NR_STACKS - 1] != NULL;
}

/* NR_STACKS of each CPU that has them. */
bool arch_stack_info(unsigned n, struct arch_stack_info *info)
{
	static const char *const name[2][NR_STACKS] = {{"boot", "NMI", "double fault", "machine check"},
						       {"main loop", "NMI", "double fault", "machine check"}};
	unsigned cpu, nr = n / NR_STACKS;
	const unsigned long *p;

	n %= NR_STACKS;
	for (cpu = 0; cpu < NR_CPUS; cpu++)
		if ((cpu == 0 || other_stacks[cpu][NR_STACKS - 1]) && nr-- == 0)
			break;
	if (cpu == NR_CPUS)
		return false;
	info->name = name[cpu != 0][n];
	info->start = stack_start(cpu, n);
	info->end = x86_stack_end(cpu, n);
	info->guard = info->start - X86_GUARD_SIZE;
	p = (const unsigned long *)info->start;
	while ((vaddr_t)p < info->end && *p == 0)
		p++;
	info->used = info->end - (vaddr_t)p;
	return true;
}

unsigned arch_guard_pages(vaddr_t *out, unsigned max)
{
	for (unsigned n = 0; n < NR_STACKS && n < max; n++)
		out[n] = stack_start(0, n) - X86_GUARD_SIZE;
	return NR_STACKS;
}
