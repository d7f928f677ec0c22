/*
 * trap.S - entry to and return from x86_trap(), and the probe of execution.
 *
 * Each vector has a stub of 16 bytes. It makes the stack the same for all vectors: an error code, then the vector. The
 * common part saves the registers as struct x86_regs (x86_internal.h) and builds one more stack frame. The return address
 * of that frame is the interrupted instruction, so a backtrace by frame pointers continues through the trap. Kernel code
 * never leaves ring 0, so GS.base is always valid and SWAPGS is not used.
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
	pushq	17 * 8(%rsp)			/* a frame: its return address is RIP, plus one as after a call */
	incq	(%rsp)
	pushq	%rbp				/* its saved RBP; 24 words in all, so RSP is 16-byte aligned */
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
 * int x86_probe_exec(vaddr_t va): calls va, where a return instruction must be. If the fetch faults, RIP is va and the top
 * of the stack is x86_probe_exec_ret; x86_trap() recognises the probe by that.
 */
	.globl x86_probe_exec, x86_probe_exec_ret, x86_probe_exec_fault
	.type x86_probe_exec, @function
x86_probe_exec:
	call	*%rdi
x86_probe_exec_ret:
	xorl	%eax, %eax
	ret
x86_probe_exec_fault:				/* x86_trap() has popped the return address */
	movl	$-14, %eax			/* -EFAULT */
	ret
	.size x86_probe_exec, . - x86_probe_exec

	.section .note.GNU-stack, "", @progbits
