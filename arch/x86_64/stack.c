/*
 * stack.c - the stacks of a PC's CPUs.
 *
 * Idea.       Most traps run on the interrupted stack. NMI, double fault and machine check may arrive when that stack is
 *             unusable, so each has a stack of its own (IST).
 * Layout.     Boot CPU, in the image: guard | boot stack 32 KiB | guard | NMI 8 KiB | guard | double fault 8 KiB | guard |
 *             machine check 8 KiB. Another CPU: four areas of the vmalloc window.
 * Invariants. The indices of the table are the values of enum x86_ist.
 * Next:       arch/common/stacks.c, then desc.c, which writes the stacks into the TSS.
 */

#include "x86_internal.h"
#include <arch/smp.h>
#include <arch/stacks.h>
#include <arch_impl/stack.h>

struct x86_stacks x86_stacks __aligned(4096);

static_assert(offsetof(struct x86_stacks, ist) == X86_BOOT_STACK_TOP,
	      "entry.S starts at the boot stack's top");

#define IST_END(n) ((const char *)&x86_stacks.ist[n])
const struct arch_stack_kind arch_stack_kind[] = {
	{"boot", "main loop", X86_BOOT_STACK_SIZE, (const char *)x86_stacks.boot + X86_BOOT_STACK_SIZE},
	[X86_IST_NMI] = {"NMI", "NMI", X86_IST_STACK_SIZE, IST_END(X86_IST_NMI)},
	[X86_IST_DF] = {"double fault", "double fault", X86_IST_STACK_SIZE, IST_END(X86_IST_DF)},
	[X86_IST_MC] = {"machine check", "machine check", X86_IST_STACK_SIZE, IST_END(X86_IST_MC)},
};
const unsigned arch_nr_stack_kinds = ARRAY_SIZE(arch_stack_kind);
static_assert(ARRAY_SIZE(arch_stack_kind) <= (int)ARCH_CPU_STACKS_MAX, "the kernel gives them all");
