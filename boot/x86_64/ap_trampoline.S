/*
 * ap_trampoline.S - the first instructions of every CPU except the boot CPU.
 *
 * Idea.       A startup IPI names a page below 1 MiB, and the CPU starts there in real mode (Intel SDM vol. 3, 8.4.4).
 *             arch/x86_64/smp.c copies this code to the page. It only leaves real mode; entry.S does the rest.
 * Layout.     CS = page / 16, so offsets from x86_ap_trampoline are offsets in CS and, once loaded, in DS.
 * Invariants. No address depends on the page: far targets lie in the image, below 4 GiB.
 * Next:       ap_entry in entry.S.
 */

	.section .rodata, "a"
	.code16
	.globl x86_ap_trampoline, x86_ap_trampoline_end
x86_ap_trampoline:
	cli
	cld
	movw	%cs, %ax
	movw	%ax, %ds
	lgdtl	gdt_ptr - x86_ap_trampoline
	movl	%cr0, %eax
	orl	$1, %eax			/* PE */
	movl	%eax, %cr0
	ljmpl	$0x08, $ap_entry
gdt_ptr:
	.short	4 * 8 - 1
	.long	boot_gdt
x86_ap_trampoline_end:

	.section .note.GNU-stack, "", @progbits
