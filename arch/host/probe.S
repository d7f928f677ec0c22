/*
 * probe.S - the call of arch_probe().
 *
 * int host_probe_exec(vaddr_t va): calls va, where a return instruction must be. If the fetch faults, the PC is va and
 * the top of the stack is host_probe_exec_ret; trap.c recognises the probe by that.
 */
	.text
	.globl host_probe_exec, host_probe_exec_ret, host_probe_exec_fault
	.type host_probe_exec, @function
host_probe_exec:
	call	*%rdi
host_probe_exec_ret:
	xorl	%eax, %eax
	ret
host_probe_exec_fault:				/* trap.c has popped the return address */
	movl	$-14, %eax			/* -EFAULT */
	ret
	.size host_probe_exec, . - host_probe_exec

	/* A call of a non-canonical address faults at the call itself. */
	.section ex_table, "a"
	.balign	8
	.quad	host_probe_exec, host_probe_exec_fault

	.section .note.GNU-stack, "", @progbits
