/*
 * trap.S - the way into x86_trap() and back, and the one probe that needs to be assembly.
 *
 * Each vector has a stub of 16 bytes that makes the stack look the same for all: an error code, then the
 * vector. The common part saves the registers as struct x86_regs (x86_internal.h) and builds one more frame,
 * whose return address is the interrupted instruction, so that a backtrace by frame pointers walks through a
 * trap. Kernel code never leaves ring 0: GS.base is always right, and SWAPGS has no place here.
 */

	.section .text
	.balign 16
	.globl x86_trap_stubs
x86_trap_stubs:
	vector = 0
	.rept 256
	.balign 16
	/* The CPU itself pushes an error code for these (SDM vol. 3, table 6-1; AMD APM vol. 2, 8.2). */
	with_error = (vector == 8) || ((vector >= 10) && (vector <= 14)) || (vector == 17) || (vector == 21)
	.if !(with_error || (vector == 29) || (vector == 30))
	pushq	$0
	.endif
	pushq	$vector
	jmp	trap_common
	vector = vector + 1
	.endr
	.balign 16

trap_common:
	pushq	%rax
	pushq	%rbx
	pushq	%rcx
	pushq	%rdx
	pushq	%rsi
	pushq	%rdi
	pushq	%rbp
	pushq	%r8
	pushq	%r9
	pushq	%r10
	pushq	%r11
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	cld
	movq	%rsp, %rdi
	pushq	17 * 8(%rsp)			/* RIP, plus one as behind a call, is the return address of ... */
	incq	(%rsp)
	pushq	%rbp				/* ... a frame; 24 words in all, so RSP is 16-byte aligned */
	movq	%rsp, %rbp
	call	x86_trap
	addq	$16, %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%r11
	popq	%r10
	popq	%r9
	popq	%r8
	popq	%rbp
	popq	%rdi
	popq	%rsi
	popq	%rdx
	popq	%rcx
	popq	%rbx
	popq	%rax
	addq	$16, %rsp			/* vector, error code */
	iretq

/*
 * int x86_probe_exec(vaddr_t va): calls va, where a return instruction must be. A fault that the fetch raises
 * has RIP = va, with x86_probe_exec_ret on top of the stack: by that x86_trap() knows it.
 */
	.globl x86_probe_exec, x86_probe_exec_ret, x86_probe_exec_fault
	.type x86_probe_exec, @function
x86_probe_exec:
	call	*%rdi
x86_probe_exec_ret:
	xorl	%eax, %eax
	ret
x86_probe_exec_fault:				/* RSP as before the call */
	movl	$-14, %eax			/* -EFAULT */
	ret
	.size x86_probe_exec, . - x86_probe_exec

	.section .note.GNU-stack, "", @progbits
