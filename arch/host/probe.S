/*
 * probe.S - the jump of arch_probe().
 *
 * int host_probe_exec(vaddr_t va): calls va, where a return instruction must be. A fault that the fetch raises has the
 * PC va, with host_probe_exec_ret on top of the stack: by that trap.c knows it.
 */
	.text
	.globl host_probe_exec, host_probe_exec_ret, host_probe_exec_fault
	.type host_probe_exec, @function
host_probe_exec:
	call	*%rdi
host_probe_exec_ret:
	xorl	%eax, %eax
	ret
host_probe_exec_fault:				/* the stack pointer is as before the call */
	movl	$-14, %eax			/* -EFAULT */
	ret
	.size host_probe_exec, . - host_probe_exec

	/* A call of what is no address at all faults before it begins. */
	.section ex_table, "a"
	.balign	8
	.quad	host_probe_exec, host_probe_exec_fault

	.section .note.GNU-stack, "", @progbits
