#ifndef ARCH_IMPL_STACK_H
#define ARCH_IMPL_STACK_H

#include <arch_impl/layout.h>

/* Interrupts run on the interrupted stack. The IST stacks serve the three vectors that may find it unusable. */
#define X86_BOOT_STACK_SIZE 0x8000
#define X86_IST_STACK_SIZE 0x2000
#define X86_NR_IST 3
#define X86_GUARD_SIZE 0x1000

/* Offset of the boot stack's top in x86_stacks, for entry.S. */
#define X86_BOOT_STACK_TOP (X86_GUARD_SIZE + X86_BOOT_STACK_SIZE)

#ifndef __ASSEMBLY__
#include <arch/stack.h>

enum x86_ist { X86_IST_NONE, X86_IST_NMI, X86_IST_DF, X86_IST_MC }; /* numbers of the TSS slots */

struct x86_stacks {
	char boot_guard[X86_GUARD_SIZE];
	char boot[X86_BOOT_STACK_SIZE];
	struct {
		char guard[X86_GUARD_SIZE];
		char stack[X86_IST_STACK_SIZE];
	} ist[X86_NR_IST];
};
extern struct x86_stacks x86_stacks;
#endif

#endif
