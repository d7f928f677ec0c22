/*
 * stack.c - each CPU's stacks and their guard pages.
 *
 * Idea.       The kernel runs on one stack, exceptions on another (SP_EL0 and SP_EL1): a stack that runs over faults into
 *             its guard page, and the report runs on the other one. If that runs over, trap.S sees it before it stores
 *             anything, and takes a last one that all CPUs share.
 * Layout.     Boot CPU, in the image: guard | boot stack | guard | exception stack. Another CPU: two areas of the vmalloc
 *             window, where each area ends with a guard page.
 * Invariants. Stacks start as zeros: the lowest word that is not zero is the high-water mark.
 * Locking.    Written before the CPU runs; the marks are read while the stacks are in use.
 * Failure.    None.
 * Next:       trap.S.
 */

#include "a64_internal.h"
#include <arch/smp.h>
#include <arch_impl/stack.h>
#include <kernel/cpumask.h>
#include <kernel/percpu.h>

enum { NR_STACKS = 2 };
static_assert((int)NR_STACKS <= (int)ARCH_CPU_STACKS_MAX, "the kernel gives them all");

struct a64_stacks a64_stacks __aligned(A64_GUARD_SIZE);
static_assert(offsetof(struct a64_stacks, exc_guard) == A64_BOOT_STACK_TOP &&
		      sizeof(struct a64_stacks) == A64_BOOT_EXC_STACK_TOP,
	      "entry.S starts at the stacks' tops");

char a64_overflow_stack[A64_OVERFLOW_STACK_SIZE] __aligned(16);

/* trap.S compares SP with it: the exception stack's first byte. */
DEFINE_PER_CPU(vaddr_t, a64_exc_stack_start) = (vaddr_t)a64_stacks.exc;

static vaddr_t other_end[NR_CPUS][NR_STACKS];

size_t arch_cpu_stack_bytes(unsigned n)
{
	return n == 0 ? A64_STACK_SIZE : n == 1 ? A64_EXC_STACK_SIZE : 0;
}

static vaddr_t stack_end(unsigned cpu, unsigned n)
{
	if (cpu != 0)
		return other_end[cpu][n];
	return (vaddr_t)&a64_stacks + (n == 0 ? A64_BOOT_STACK_TOP : A64_BOOT_EXC_STACK_TOP);
}

void a64_stacks_set(unsigned cpu, const vaddr_t *end)
{
	for (unsigned n = 0; n < NR_STACKS; n++)
		other_end[cpu][n] = end ? end[n] : 0;
	if (end)
		*per_cpu_ptr(&a64_exc_stack_start, cpu) = end[1] - A64_EXC_STACK_SIZE;
}

/* NR_STACKS of each CPU that has them. */
bool arch_stack_info(unsigned n, struct arch_stack_info *info)
{
	static const char *const name[2][NR_STACKS] = {{"boot", "exception"}, {"main loop", "exception"}};
	unsigned cpu, nr = n / NR_STACKS;
	const unsigned long *p;

	n %= NR_STACKS;
	for (cpu = 0; cpu < NR_CPUS; cpu++)
		if (stack_end(cpu, 0) && nr-- == 0)
			break;
	if (cpu == NR_CPUS)
		return false;
	info->name = name[cpu != 0][n];
	info->end = stack_end(cpu, n);
	info->start = info->end - arch_cpu_stack_bytes(n);
	info->guard = info->start - A64_GUARD_SIZE;
	p = (const unsigned long *)info->start;
	while ((vaddr_t)p < info->end && *p == 0)
		p++;
	info->used = info->end - (vaddr_t)p;
	return true;
}

unsigned arch_guard_pages(vaddr_t *out, unsigned max)
{
	if (max > 0)
		out[0] = (vaddr_t)a64_stacks.boot_guard;
	if (max > 1)
		out[1] = (vaddr_t)a64_stacks.exc_guard;
	return NR_STACKS;
}
