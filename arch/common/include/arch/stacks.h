#ifndef ARCH_STACKS_H
#define ARCH_STACKS_H

/*
 * For ports whose CPUs all have the same kinds of stacks. The boot CPU's stacks lie in the image; the kernel allocates
 * those of other CPUs. arch/common/stacks.c implements arch_stack_info(), arch_guard_pages(), arch_cpu_stack_bytes() and
 * arch_backtrace() from the port's table.
 */

#include <arch/types.h>

/* The port's table. Kind 0 is the stack of normal kernel code. The page below each stack of the boot CPU is its guard. */
struct arch_stack_kind {
	const char *boot_name, *other_name;
	size_t size;
	const char *boot_end;
};
extern const struct arch_stack_kind arch_stack_kind[];
extern const unsigned arch_nr_stack_kinds;

/* End (highest address) of the stack; 0 if this CPU has none. */
vaddr_t arch_stack_end(unsigned cpu, unsigned n);
/* Records the stack ends of another CPU. NULL: the CPU has no stacks any more. */
void arch_stacks_set(unsigned cpu, const vaddr_t *end);

#endif
