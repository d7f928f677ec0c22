/*
 * trap.S - entry to and return from a64_trap(), and the probe of execution.
 *
 * There are sixteen vectors of 128 bytes (Arm ARM D1.3.1): four from SP_EL0, on which the kernel runs; four from SP_EL1, on
 * which exceptions run; eight from EL0, which is not used. Each saves all registers as struct a64_regs (a64_internal.h) and
 * passes its number to C. The last two words of the frame are a frame record. Its return address is the interrupted
 * instruction, so a backtrace by frame pointers continues through the exception. x18 always holds the per-CPU offset.
 *
 * From SP_EL0 the frame starts at the top of the exception stack and does not use the interrupted SP. From SP_EL1 the stack may
 * have overflowed, or SP may hold any value. The entry therefore checks SP first. It has no memory to save registers in, so
 * it keeps two of them in tpidr_el0 and tpidrro_el0, which the kernel does not use otherwise.
 */

#include <arch_impl/stack.h>

#define REGS_FP 288
#define REGS_SIZE 304

	.macro	from_sp_el0, vector
	.balign	128
	sub	sp, sp, #REGS_SIZE
	stp	x0, x1, [sp, #0]
	mrs	x0, sp_el0
	mov	x1, #\vector
	b	trap_common
	.endm

	.macro	from_sp_el1, vector
	.balign	128
	msr	tpidr_el0, x0
	msr	tpidrro_el0, x1
	adrp	x0, a64_exc_stack_start
	add	x0, x0, :lo12:a64_exc_stack_start
	ldr	x0, [x0, x18]
	add	x0, x0, #REGS_SIZE
	mov	x1, sp
	sub	x0, x1, x0			/* bytes left: overflow if negative or 128 KiB or more */
	lsr	x0, x0, #17
	cbnz	x0, overflow_\vector
	mrs	x0, tpidr_el0
	mrs	x1, tpidrro_el0
	sub	sp, sp, #REGS_SIZE
	stp	x0, x1, [sp, #0]
	add	x0, sp, #REGS_SIZE
	mov	x1, #\vector
	b	trap_common
	.endm

	.macro	overflow, vector
overflow_\vector:
	adrp	x0, a64_overflow_stack + A64_OVERFLOW_STACK_SIZE
	add	x0, x0, :lo12:a64_overflow_stack + A64_OVERFLOW_STACK_SIZE
	mov	sp, x0				/* x1: the old SP */
	sub	sp, sp, #REGS_SIZE
	mrs	x0, tpidr_el0
	str	x0, [sp, #0]
	mov	x0, x1
	mrs	x1, tpidrro_el0
	str	x1, [sp, #8]
	mov	x1, #(\vector + 16)
	b	trap_common
	.endm

	.section .text
	.balign	2048
	.globl	a64_vectors
a64_vectors:
	from_sp_el0 0
	from_sp_el0 1
	from_sp_el0 2
	from_sp_el0 3
	from_sp_el1 4
	from_sp_el1 5
	from_sp_el1 6
	from_sp_el1 7
	from_sp_el0 8
	from_sp_el0 9
	from_sp_el0 10
	from_sp_el0 11
	from_sp_el0 12
	from_sp_el0 13
	from_sp_el0 14
	from_sp_el0 15
	.balign	128

	overflow 4
	overflow 5
	overflow 6
	overflow 7

	/* x0: the interrupted SP; x1: the vector. The interrupted x0 and x1 are saved already. */
trap_common:
	stp	x2, x3, [sp, #16]
	stp	x4, x5, [sp, #32]
	stp	x6, x7, [sp, #48]
	stp	x8, x9, [sp, #64]
	stp	x10, x11, [sp, #80]
	stp	x12, x13, [sp, #96]
	stp	x14, x15, [sp, #112]
	stp	x16, x17, [sp, #128]
	stp	x18, x19, [sp, #144]
	stp	x20, x21, [sp, #160]
	stp	x22, x23, [sp, #176]
	stp	x24, x25, [sp, #192]
	stp	x26, x27, [sp, #208]
	stp	x28, x29, [sp, #224]
	mrs	x2, elr_el1
	mrs	x3, spsr_el1
	stp	x30, x0, [sp, #240]		/* x[30], sp */
	stp	x2, x3, [sp, #256]		/* pc, pstate */
	mrs	x4, esr_el1
	mrs	x5, far_el1
	stp	x4, x5, [sp, #272]		/* esr, far */
	add	x2, x2, #4			/* a return address lies after its call */
	stp	x29, x2, [sp, #REGS_FP]
	add	x29, sp, #REGS_FP
	mov	x0, sp
	bl	a64_trap
	ldp	x2, x3, [sp, #256]
	msr	elr_el1, x2
	msr	spsr_el1, x3
	ldp	x0, x1, [sp, #0]
	ldp	x2, x3, [sp, #16]
	ldp	x4, x5, [sp, #32]
	ldp	x6, x7, [sp, #48]
	ldp	x8, x9, [sp, #64]
	ldp	x10, x11, [sp, #80]
	ldp	x12, x13, [sp, #96]
	ldp	x14, x15, [sp, #112]
	ldp	x16, x17, [sp, #128]
	ldr	x19, [sp, #152]
	ldp	x20, x21, [sp, #160]
	ldp	x22, x23, [sp, #176]
	ldp	x24, x25, [sp, #192]
	ldp	x26, x27, [sp, #208]
	ldp	x28, x29, [sp, #224]
	ldr	x30, [sp, #240]
	add	sp, sp, #REGS_SIZE
	eret

/*
 * int a64_probe_exec(vaddr_t va): calls va, where a return instruction must be. If the fetch faults, PC is va and x30 is
 * a64_probe_exec_ret; a64_trap() recognises the probe by x30.
 */
	.globl	a64_probe_exec, a64_probe_exec_ret, a64_probe_exec_fault
	.type	a64_probe_exec, @function
a64_probe_exec:
	stp	x29, x30, [sp, #-16]!
	mov	x29, sp
	blr	x0
a64_probe_exec_ret:
	mov	w0, #0
	ldp	x29, x30, [sp], #16
	ret
a64_probe_exec_fault:
	mov	w0, #-14			/* -EFAULT */
	ldp	x29, x30, [sp], #16
	ret
	.size	a64_probe_exec, . - a64_probe_exec

	.section .note.GNU-stack, "", @progbits
