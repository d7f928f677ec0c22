/*
 * stack.c - the stacks of this port's CPUs.
 *
 * Idea.       The kernel runs on one stack, exceptions on another (SP_EL0 and SP_EL1): a stack that runs over faults into
 *             its guard page, and the report runs on the other one. If that runs over, trap.S sees it before it stores
 *             anything, and takes a last one that all CPUs share.
 * Layout.     Boot CPU, in the image: guard | boot stack | guard | exception stack. Another CPU: two areas of the vmalloc
 *             window.
 * Invariants. None.
 * Locking.    Written before the CPU runs.
 * Failure.    None.
 * Next:       arch/stacks.c, then trap.S.
 */

#include "a64_internal.h"
#include <arch/smp.h>
#include <arch/stacks.h>
#include <arch_impl/stack.h>
#include <kernel/percpu.h>

struct a64_stacks a64_stacks __aligned(A64_GUARD_SIZE);
static_assert(offsetof(struct a64_stacks, exc_guard) == A64_BOOT_STACK_TOP &&
		      sizeof(struct a64_stacks) == A64_BOOT_EXC_STACK_TOP,
	      "entry.S starts at the stacks' tops");

char a64_overflow_stack[A64_OVERFLOW_STACK_SIZE] __aligned(16);

/* trap.S compares SP with it: the exception stack's first byte. */
DEFINE_PER_CPU(vaddr_t, a64_exc_stack_start) = (vaddr_t)a64_stacks.exc;

const struct arch_stack_kind arch_stack_kind[] = {
	{"boot", "main loop", A64_STACK_SIZE, a64_stacks.boot + A64_STACK_SIZE},
	{"exception", "exception", A64_EXC_STACK_SIZE, a64_stacks.exc + A64_EXC_STACK_SIZE},
};
const unsigned arch_nr_stack_kinds = ARRAY_SIZE(arch_stack_kind);
static_assert(ARRAY_SIZE(arch_stack_kind) <= (int)ARCH_CPU_STACKS_MAX, "the kernel gives them all");

void a64_stacks_set(unsigned cpu, const vaddr_t *end)
{
	arch_stacks_set(cpu, end);
	if (end)
		*per_cpu_ptr(&a64_exc_stack_start, cpu) = end[1] - A64_EXC_STACK_SIZE;
}
