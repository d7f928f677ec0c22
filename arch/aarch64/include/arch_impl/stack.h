#ifndef ARCH_IMPL_STACK_H
#define ARCH_IMPL_STACK_H

#include <arch_impl/layout.h>

/*
 * The kernel runs on SP_EL0, exceptions on SP_EL1. If the kernel's stack overflows, the report therefore has a stack of its
 * own. Sizes are whole pages of every granule.
 */
#define A64_GUARD_SIZE (1 << PAGE_SHIFT)
#if CONFIG_PAGE_SHIFT == 16
#define A64_STACK_SIZE 0x10000
#define A64_EXC_STACK_SIZE 0x10000
#else
#define A64_STACK_SIZE 0x8000
#define A64_EXC_STACK_SIZE 0x8000
#endif
/* Shared by all CPUs: used if the exception stack has overflowed, for the report only. */
#define A64_OVERFLOW_STACK_SIZE 0x2000

/* Offsets of the stack tops in a64_stacks, for entry.S and trap.S. */
#define A64_BOOT_STACK_TOP (A64_GUARD_SIZE + A64_STACK_SIZE)
#define A64_BOOT_EXC_STACK_TOP (A64_BOOT_STACK_TOP + A64_GUARD_SIZE + A64_EXC_STACK_SIZE)

#ifndef __ASSEMBLY__
#include <arch/stack.h>

struct a64_stacks {
	char boot_guard[A64_GUARD_SIZE];
	char boot[A64_STACK_SIZE];
	char exc_guard[A64_GUARD_SIZE];
	char exc[A64_EXC_STACK_SIZE];
};
extern struct a64_stacks a64_stacks;
#endif

#endif
