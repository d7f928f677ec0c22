/*
 * stack.c - the CPU's stack and the one for faults, with their guard pages.
 *
 * Idea.       Both are part of the image, as in a kernel: the final tables leave the pages below them unmapped, so an
 *             overflow faults, and the fault is handled on the other one.
 * Layout.     guard | boot stack | guard | fault stack. libc puts the thread's variables at the top of the boot stack.
 * Invariants. Stacks start as zeros: the lowest word that is not zero is the high-water mark.
 * Locking.    None.
 * Failure.    None.
 * Next:       trap.c.
 */
#include <arch/stack.h>
#include <arch_impl/stack.h>
#include <kernel/bits.h>

struct host_stacks host_stacks __aligned(4096);

bool arch_stack_info(unsigned n, struct arch_stack_info *info)
{
	const struct arch_stack_info all[] = {
		{"boot", (vaddr_t)host_stacks.boot_guard, (vaddr_t)host_stacks.boot,
		 (vaddr_t)host_stacks.boot + HOST_BOOT_STACK_SIZE, 0},
		{"double fault", (vaddr_t)host_stacks.fault_guard, (vaddr_t)host_stacks.fault,
		 (vaddr_t)host_stacks.fault + HOST_FAULT_STACK_SIZE, 0},
	};
	const unsigned long *p;

	if (n >= ARRAY_SIZE(all))
		return false;
	*info = all[n];
	for (p = (const unsigned long *)info->start;
	     (vaddr_t)p < info->end && *(const volatile unsigned long *)p == 0;)
		p++;
	info->used = info->end - (vaddr_t)p;
	return true;
}

unsigned arch_guard_pages(vaddr_t *out, unsigned max)
{
	if (max > 0)
		out[0] = (vaddr_t)host_stacks.boot_guard;
	if (max > 1)
		out[1] = (vaddr_t)host_stacks.fault_guard;
	return 2;
}
