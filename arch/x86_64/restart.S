/*
 * restart.S - the two restartable primitives on a per-CPU stack.
 *
 * Idea.       A per-CPU stack is shared only with interrupts of its own CPU. Each primitive reads, computes, and ends with
 *             one store. Trap entry sets an interrupted PC in [start, commit] back to start (arch_restart_fix()). An
 *             interrupt therefore sees the stack before or after the operation, and the primitive never uses values that
 *             it read before the interrupt. It needs no lock, no atomic instruction, and interrupts stay on.
 * Layout.     struct pcpu_stack: u32 avail at 0, u32 limit at 4, entries from 8.
 * Invariants. R1  the inputs (rdx, rsi) are not written, so start can run again at any time
 *             R2  the store to avail is the commit; an entry that is written before it lies above avail and is unused
 * Locking.    The owner CPU only. NMI and machine check handlers must not use it.
 * Failure.    The carry flag reports it; nothing has been written.
 * Next:       include/arch_impl/pcpu.h, which calls these with a private register convention.
 */
	.section .text.restart, "ax"

/* In: rdx = stack. Out: rax = top entry and CF = 0; or CF = 1 if the stack is empty. Clobbers rcx. */
	.globl	x86_stack_pop, x86_stack_pop_commit
	.type	x86_stack_pop, @function
	.balign	16
x86_stack_pop:
	movl	(%rdx), %ecx
	subl	$1, %ecx
	jb	1f
	movq	8(%rdx, %rcx, 8), %rax
x86_stack_pop_commit:
	movl	%ecx, (%rdx)
1:	ret
	.size	x86_stack_pop, . - x86_stack_pop

/* In: rdx = stack, rsi = new top. Out: CF = 1; or CF = 0 if avail >= limit. Clobbers rcx. */
	.globl	x86_stack_push, x86_stack_push_commit
	.type	x86_stack_push, @function
	.balign	16
x86_stack_push:
	movl	(%rdx), %ecx
	cmpl	4(%rdx), %ecx
	jae	1f
	movq	%rsi, 8(%rdx, %rcx, 8)
	incl	%ecx			/* does not change the carry flag */
x86_stack_push_commit:
	movl	%ecx, (%rdx)
1:	ret
	.size	x86_stack_push, . - x86_stack_push

	.section .note.GNU-stack, "", @progbits
