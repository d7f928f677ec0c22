/*
 * stack.c - the stacks of this port's CPUs.
 *
 * Idea.       The kernel runs on one stack (SP_EL0), exceptions on another (SP_EL1). If the first overflows, the access
 *             faults in its guard page, and the report runs on the second. If the second overflows, trap.S detects it
 *             before it stores anything and switches to the overflow stack, which all CPUs share.
 * Layout.     Boot CPU, in the image: guard | boot stack | guard | exception stack. Another CPU: two areas of the vmalloc
 *             window.
 * Locking.    Written before the CPU runs.
 * Next:       arch/common/stacks.c, then trap.S.
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

/* Lowest address of the exception stack. trap.S compares SP with it. */
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
