#ifndef ARCH_STACKS_H
#define ARCH_STACKS_H

/*
 * For ports whose CPUs have the same few stacks each, the boot CPU's in the image, the others' from the kernel: arch/stacks.c
 * makes arch_stack_info(), arch_guard_pages(), arch_cpu_stack_bytes() and arch_backtrace() of it.
 */

#include <mm/types.h>

/* The port's: number 0 is what the kernel runs on. A page below each of the boot CPU's is its guard. */
struct arch_stack_kind {
	const char *boot_name, *other_name;
	size_t size;
	const char *boot_end;
};
extern const struct arch_stack_kind arch_stack_kind[];
extern const unsigned arch_nr_stack_kinds;

/* 0: this CPU has none. */
vaddr_t arch_stack_end(unsigned cpu, unsigned n);
void arch_stacks_set(unsigned cpu, const vaddr_t *end); /* another CPU's; NULL: none any more */

#endif
