/*
 * stack.c - each CPU's stacks and their guard pages.
 *
 * Idea.       A stack that runs over must fault, not write into its neighbour. Below each stack lies a page that is
 *             not mapped; the double fault that follows an overflow runs on a stack of its own.
 * Layout.     Boot CPU, in the image: guard | boot stack 32 KiB | guard | NMI 8 KiB | guard | double fault 8 KiB | guard |
 *             machine check 8 KiB. Another CPU: four areas of the vmalloc window, where each area ends with a
 *             guard page.
 * Invariants. Stacks start as zeros: the lowest word that is not zero is the high-water mark, and the whole stack below
 *             the mark is the canary.
 * Locking.    Written before the CPU runs; the marks are read while the stacks are in use.
 * Failure.    None.
 * Next:       desc.c, which hands the stacks to the CPU.
 */

#include "x86_internal.h"
#include <arch/smp.h>
#include <arch_impl/stack.h>
#include <kernel/bits.h>
#include <kernel/cpumask.h>

enum { NR_STACKS = 1 + X86_NR_IST };
static_assert((int)NR_STACKS <= (int)ARCH_CPU_STACKS_MAX, "the kernel gives them all");

struct x86_stacks x86_stacks __aligned(4096);

static_assert(offsetof(struct x86_stacks, ist) == X86_BOOT_STACK_TOP,
	      "entry.S starts at the boot stack's top");

static vaddr_t other_end[NR_CPUS][NR_STACKS];

static size_t stack_size(unsigned n)
{
	return n == 0 ? X86_BOOT_STACK_SIZE : X86_IST_STACK_SIZE;
}

vaddr_t x86_stack_end(unsigned cpu, unsigned n)
{
	if (cpu != 0)
		return other_end[cpu][n];
	return n == 0 ? (vaddr_t)&x86_stacks.boot_guard + X86_BOOT_STACK_TOP : (vaddr_t)&x86_stacks.ist[n];
}

void x86_stacks_set(unsigned cpu, const vaddr_t *end)
{
	for (unsigned n = 0; n < NR_STACKS; n++)
		other_end[cpu][n] = end ? end[n] : 0;
}

size_t arch_cpu_stack_bytes(unsigned n)
{
	return n < NR_STACKS ? stack_size(n) : 0;
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
		if (x86_stack_end(cpu, 0) && nr-- == 0)
			break;
	if (cpu == NR_CPUS)
		return false;
	info->name = name[cpu != 0][n];
	info->end = x86_stack_end(cpu, n);
	info->start = info->end - stack_size(n);
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
		out[n] = x86_stack_end(0, n) - stack_size(n) - X86_GUARD_SIZE;
	return NR_STACKS;
}
