/*
 * efi_enter.S - leaves UEFI's environment and enters the image.
 *
 * Idea.       Firmware runs with its identity map, caches and MMU on; entry.S runs with them off. So this code first cleans
 *             to memory what entry.S will read and write: the image including .bss, whose dirty lines could otherwise be
 *             written back over later data. It also cleans itself, because it runs on while the MMU goes off.
 * Invariants. Interrupts are masked from here on: the memory of firmware's vectors is free for use.
 * Source.     Linux arch/arm64/kernel/efi-entry.S, Documentation/arm64/booting.rst.
 * Next:       entry.S.
 */

#include <arch_impl/sysreg.h>

	.section .boot.text, "ax"

/* void a64_efi_enter(u64 start, u64 end, u64 entry, u64 fdt): image [start, end), its entry point, and the entry's x0. */
	.globl	a64_efi_enter
a64_efi_enter:
	msr	daifset, #15
	mrs	x4, ctr_el0
	ubfx	x4, x4, #16, #4			/* DminLine: log2 of words */
	mov	x5, #4
	lsl	x4, x5, x4
	bl	clean				/* x30 is not needed later */
	adr	x0, mmu_off
	adr	x1, mmu_off_end
	bl	clean
	b	mmu_off

/* Cleans [x0, x1) to the point of coherency, in lines of x4 bytes. Uses x5. */
clean:
	sub	x5, x4, #1
	bic	x0, x0, x5
1:	dc	civac, x0
	add	x0, x0, x4
	cmp	x0, x1
	b.lo	1b
	dsb	sy
	ret

mmu_off:
	ldr	w4, =(A64_SCTLR_M | A64_SCTLR_C | A64_SCTLR_I)
	mrs	x5, CurrentEL
	cmp	x5, #(2 << 2)
	b.eq	1f
	mrs	x5, sctlr_el1
	bic	x5, x5, x4
	msr	sctlr_el1, x5
	b	2f
1:	mrs	x5, sctlr_el2
	bic	x5, x5, x4
	msr	sctlr_el2, x5
2:	isb
	ic	iallu				/* instructions cached before the image was copied */
	dsb	nsh
	isb
	mov	x0, x3
	mov	x1, xzr
	mov	x3, xzr
	br	x2
	.ltorg
mmu_off_end:

	.section .note.GNU-stack, "", @progbits
