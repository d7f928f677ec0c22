/*
 * stack.c - the boot CPU's stacks and their guard pages.
 *
 * Idea.       A stack that runs over must fault, not write into its neighbour. Each stack has a page below it
 *             that the final page tables leave unmapped; the double fault that follows an overflow runs on a
 *             stack of its own.
 * Layout.     guard | boot stack 32 KiB | guard | NMI 8 KiB | guard | double fault 8 KiB | guard | machine
 *             check 8 KiB
 * Invariants. Stacks are in .bss, so they start as zeros: the lowest word that is not zero is the high-water
 *             mark, and the whole stack below the mark is the canary.
 * Locking.    None; the marks are read while the stacks are in use.
 * Failure.    None.
 * Next:       desc.c, which hands the stacks to the CPU.
 */

#include <arch_impl/stack.h>
#include <kernel/bits.h>

struct x86_stacks x86_stacks __aligned(4096);

static_assert(offsetof(struct x86_stacks, ist) == X86_BOOT_STACK_TOP,
	      "entry.S starts at the boot stack's top");

bool arch_stack_info(unsigned n, struct arch_stack_info *info)
{
	static const char *const name[] = {"boot", "NMI", "double fault", "machine check"};

	if (n > X86_NR_IST)
		return false;
	info->name = name[n];
	if (n == 0) {
		info->guard = (vaddr_t)x86_stacks.boot_guard;
		info->end = info->guard + X86_BOOT_STACK_TOP;
	} else {
		info->guard = (vaddr_t)&x86_stacks.ist[n - 1];
		info->end = info->guard + sizeof(x86_stacks.ist[n - 1]);
	}
	info->start = info->guard + X86_GUARD_SIZE;

	const unsigned long *p = (const unsigned long *)info->start;

	while ((vaddr_t)p < info->end && *p == 0)
		p++;
	info->used = info->end - (vaddr_t)p;
	return true;
}

unsigned arch_guard_pages(vaddr_t *out, unsigned max)
{
	for (unsigned n = 0; n <= X86_NR_IST && n < max; n++)
		out[n] = n == 0 ? (vaddr_t)x86_stacks.boot_guard : (vaddr_t)&x86_stacks.ist[n - 1];
	return X86_NR_IST + 1;
}
