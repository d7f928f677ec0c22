/*
 * entry.S - from a loader's 32-bit protected mode to 64-bit C at its linked address.
 *
 * Idea.       Both protocols enter with paging off, flat segments and interrupts off. The number of paging levels must be
 *             chosen now, because CR4.LA57 cannot change while paging is on. So this 32-bit code searches the command line
 *             for the word no5lvl. One set of early tables serves both choices. Other CPUs come through ap_trampoline.S to
 *             ap_entry. They use the early tables for a moment, because the final tables have no identity map.
 * Layout.     pd[4]      2 MiB leaves for physical 0 .. 4 GiB, shared by all three views
 *             pdpt_low   [0..3] -> pd[0..3]
 *             pdpt_high  [510] -> pd[0]                          KERNEL_VMA = -2 GiB
 *             pml4       [0] identity, [273] direct map -> pdpt_low;  [511] image -> pdpt_high
 *             pml5       [0] identity, [273] direct map, [511] image -> pml4, whose slots 0 and 511 fit again
 *             The direct map begins at slot 273 of the root in Linux's layout with four levels and with five.
 * Invariants. This code writes only to .bss, which the loader has cleared. All of the early map is writable and executable;
 *             pgtable_init() replaces it.
 * Failure.    A CPU without long mode, or too little memory for the image: one line on COM1, status 2, halt.
 * Next:       boot.c, which parses the loader's data.
 */

#include <arch_impl/ap.h>
#include <arch_impl/layout.h>
#include <arch_impl/stack.h>
#include <arch_impl/x86.h>

#define PHYS(sym) ((sym) - KERNEL_VMA)
#define MULTIBOOT2_MAGIC 0x36d76289
#define PVH_MAGIC 0x336ec578
#define TABLE_FLAGS 0x3				/* present, writable */
#define LEAF_2M_FLAGS 0xe3			/* present, writable, accessed, dirty, large */
#define DIRECT_MAP_SLOT 273

	.section .boot.text, "ax"
	.code32

	.globl pvh_entry
pvh_entry:					/* EBX: struct hvm_start_info */
	movl	$PVH_MAGIC, %eax

	.globl boot_entry
boot_entry:					/* EAX: magic; EBX: information block */
	cli
	cld
	jmp	check_memory			/* before anything is written */
memory_is_there:
	movl	$PHYS(x86_stacks) + X86_BOOT_STACK_TOP, %esp
	movl	%eax, PHYS(boot_magic)
	movl	%ebx, PHYS(boot_info_pa)
	lgdt	boot_gdt_ptr			/* GDTR may be invalid: own GDT before touching a segment */
	ljmp	$0x08, $1f
1:	movl	$0x10, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss

	/* CPUID exists if EFLAGS.ID can be changed. */
	pushfl
	popl	%eax
	movl	%eax, %ecx
	xorl	$0x200000, %eax
	pushl	%eax
	popfl
	pushfl
	popl	%eax
	xorl	%ecx, %eax
	jz	no_long_mode
	movl	$0x80000000, %eax
	cpuid
	cmpl	$0x80000001, %eax
	jb	no_long_mode
	movl	$0x80000001, %eax
	cpuid
	btl	$29, %edx
	jnc	no_long_mode
	movl	%edx, %ebp			/* bit 20 (NX) is used below */

	call	want_5_levels			/* EDI: 5 or 4 */
	movl	%edi, PHYS(boot_levels)

	/* The leaves, then the tables above them. */
	movl	$PHYS(pd), %edi
	movl	$LEAF_2M_FLAGS, %eax
	movl	$4 * 512, %ecx
1:	movl	%eax, (%edi)
	addl	$0x200000, %eax
	addl	$8, %edi
	decl	%ecx
	jnz	1b

	movl	$PHYS(pd) + TABLE_FLAGS, %eax
	movl	%eax, PHYS(pdpt_high) + 510 * 8
	movl	%eax, PHYS(pdpt_low)
	addl	$0x1000, %eax
	movl	%eax, PHYS(pdpt_low) + 1 * 8
	addl	$0x1000, %eax
	movl	%eax, PHYS(pdpt_low) + 2 * 8
	addl	$0x1000, %eax
	movl	%eax, PHYS(pdpt_low) + 3 * 8
	movl	$PHYS(pdpt_low) + TABLE_FLAGS, %eax
	movl	%eax, PHYS(pml4)
	movl	%eax, PHYS(pml4) + DIRECT_MAP_SLOT * 8
	movl	$PHYS(pdpt_high) + TABLE_FLAGS, %eax
	movl	%eax, PHYS(pml4) + 511 * 8
	movl	$PHYS(pml4) + TABLE_FLAGS, %eax
	movl	%eax, PHYS(pml5)
	movl	%eax, PHYS(pml5) + DIRECT_MAP_SLOT * 8
	movl	%eax, PHYS(pml5) + 511 * 8

	xorl	%ebx, %ebx			/* the boot CPU */
	jmp	enter_long_mode

	.globl ap_entry
ap_entry:					/* 32-bit protected mode, boot_gdt */
	movl	$0x10, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movl	$0x80000001, %eax
	cpuid
	movl	%edx, %ebp
	movl	$1, %ebx			/* another CPU */

	/* EBX: 0 is the boot CPU. EBP: bit 20 is set if the CPU has NX. */
enter_long_mode:
	movl	$X86_CR4_PAE, %eax
	movl	$PHYS(pml4), %edx
	cmpl	$5, PHYS(boot_levels)
	jne	1f
	orl	$X86_CR4_LA57, %eax
	movl	$PHYS(pml5), %edx
1:	movl	%eax, %cr4
	movl	%edx, %cr3

	movl	$X86_MSR_EFER, %ecx
	rdmsr
	orl	$X86_EFER_LME, %eax
	btl	$20, %ebp
	jnc	1f
	orl	$X86_EFER_NXE, %eax
1:	wrmsr
	movl	$(X86_CR0_PG | X86_CR0_WP | X86_CR0_NE | X86_CR0_ET | X86_CR0_PE), %eax
	movl	%eax, %cr0			/* caches on; the FPU is not used */
	ljmp	$0x18, $entry_64

/*
 * EDI = 5 if the CPU has LA57 and the command line has no word "no5lvl", else 4. Quotes have no meaning here, as in Linux's
 * early parser. Clobbers all registers except EBP.
 */
want_5_levels:
	xorl	%eax, %eax
	cpuid
	cmpl	$7, %eax
	jb	use_4
	movl	$7, %eax
	xorl	%ecx, %ecx
	cpuid
	btl	$16, %ecx
	jnc	use_4

	movl	PHYS(boot_info_pa), %ebx
	cmpl	$MULTIBOOT2_MAGIC, PHYS(boot_magic)
	je	find_tag
	cmpl	$PVH_MAGIC, (%ebx)
	jne	use_5
	cmpl	$0, 28(%ebx)			/* upper half of cmdline_paddr */
	jne	use_5
	movl	24(%ebx), %esi
	testl	%esi, %esi
	jz	use_5
	movl	$2048, %ecx
	jmp	search

	/* Multiboot2: find the tag of type 1 in [EBX + 8, EBX + total size). EAX: bytes left from EBX on. */
find_tag:
	movl	(%ebx), %eax
	subl	$8, %eax
	jb	use_5
	addl	$8, %ebx
1:	cmpl	$8, %eax
	jb	use_5
	cmpl	$0, (%ebx)
	je	use_5
	movl	4(%ebx), %ecx			/* size of this tag, header included */
	cmpl	$8, %ecx
	jb	use_5
	cmpl	%eax, %ecx
	ja	use_5
	cmpl	$1, (%ebx)
	je	2f
	addl	$7, %ecx
	andl	$~7, %ecx
	addl	%ecx, %ebx
	subl	%ecx, %eax
	ja	1b
	jmp	use_5
2:	leal	8(%ebx), %esi
	subl	$8, %ecx

	/* ESI: text. ECX: bytes left. EDX: number of letters of the current word that match so far, or -1. */
search:
	xorl	%edx, %edx
1:	testl	%ecx, %ecx
	jz	4f
	decl	%ecx
	lodsb
	cmpb	$0x20, %al			/* blank, control or NUL ends a word */
	jbe	3f
	testl	%edx, %edx
	js	1b
	cmpb	no5lvl(%edx), %al		/* the NUL after the sixth letter never equals AL */
	jne	2f
	incl	%edx
	jmp	1b
2:	orl	$-1, %edx
	jmp	1b
3:	cmpl	$6, %edx
	je	use_4
	xorl	%edx, %edx
	testb	%al, %al
	jnz	1b
	jmp	use_5
4:	cmpl	$6, %edx
	je	use_4
use_5:	movl	$5, %edi
	ret
use_4:	movl	$4, %edi
	ret

/*
 * Checks that memory reaches to the image's end: its last word keeps a written value, and an entry of PVH's memory map, if
 * given, contains the whole image. GRUB checks this before it loads. Preserves EAX and EBX; uses no stack.
 */
check_memory:
	movl	$PHYS(__image_end) - 4, %edi
	movl	$0x5aa5c33c, (%edi)
	cmpl	$0x5aa5c33c, (%edi)
	movl	$0, (%edi)
	jne	no_memory
	cmpl	$PVH_MAGIC, %eax
	jne	memory_is_there
	cmpl	$0, 4(%ebx)			/* version 0 has no map */
	je	memory_is_there
	cmpl	$0, 44(%ebx)			/* upper half of memmap_paddr */
	jne	memory_is_there
	movl	40(%ebx), %esi
	movl	48(%ebx), %ecx			/* entries of 24 bytes: address, size, type */
	testl	%ecx, %ecx
	jz	memory_is_there
1:	cmpl	$1, 16(%esi)			/* RAM */
	jne	2f
	cmpl	$0, 4(%esi)
	jne	2f
	movl	(%esi), %edx
	cmpl	$__boot_start, %edx		/* the image is loaded at its linked address */
	ja	2f
	addl	8(%esi), %edx
	jc	memory_is_there			/* the entry ends at or above 4 GiB */
	cmpl	$0, 12(%esi)
	jne	memory_is_there
	subl	$PHYS(__image_end), %edx
	jae	3f
2:	addl	$24, %esi
	decl	%ecx
	jnz	1b
	jmp	no_memory

	/* SeaBIOS uses the top 256 KiB of memory after QEMU has cleared .bss, so clear it again. */
3:	cmpl	$0x100000, %edx
	jae	memory_is_there
	movl	%eax, %ebp
	xorl	%eax, %eax
	movl	$PHYS(__bss_start), %edi
	movl	$PHYS(__bss_end), %ecx
	subl	%edi, %ecx
	shrl	$2, %ecx
	rep stosl
	movl	%ebp, %eax
	jmp	memory_is_there

no_memory:
	movl	$no_memory_text, %esi
	movl	$1f, %ebp
	jmp	print
1:	movl	$PHYS(__image_end), %edi	/* print it as eight digits */
	movl	$8, %ecx
2:	roll	$4, %edi
	movl	%edi, %eax
	andb	$15, %al
	cmpb	$10, %al
	sbbb	$0x69, %al			/* to '0' to '9', 'A' to 'F', with DAS */
	das
	movw	$0x3f8, %dx
	outb	%al, %dx
	decl	%ecx
	jnz	2b
	movl	$no_memory_end, %esi
	movl	$give_up, %ebp
	jmp	print

no_long_mode:
	movl	$no_long_mode_text, %esi
	movl	$give_up, %ebp

	/* ESI: text for COM1. EBP: address to continue at. */
print:	movw	$0x3f8 + 5, %dx
1:	inb	%dx, %al
	testb	$0x20, %al
	jz	1b
	lodsb
	testb	%al, %al
	jz	2f
	movw	$0x3f8, %dx
	outb	%al, %dx
	jmp	print
2:	jmp	*%ebp

give_up:
	movl	$0x12, %eax			/* isa-debug-exit: status 2, if the device exists */
	outl	%eax, $0xf4
1:	hlt
	jmp	1b

	.code64
entry_64:
	xorl	%eax, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movl	%eax, %fs
	movl	%eax, %gs
	testl	%ebx, %ebx
	jnz	ap_entry_64
	movl	$X86_MSR_GS_BASE, %ecx		/* per-CPU offset 0: CPU 0 uses the templates for now */
	xorl	%edx, %edx
	wrmsr
	movq	$entry_high, %rax
	jmp	*%rax
ap_entry_64:
	movq	$ap_entry_high, %rax
	jmp	*%rax

	.text
entry_high:
	movq	$x86_stacks + X86_BOOT_STACK_TOP, %rsp
	movl	boot_magic, %edi
	movl	boot_info_pa, %esi
	movl	boot_levels, %edx
	xorl	%ebp, %ebp			/* ends every backtrace */
	pushq	$0
	pushq	$0
	call	x86_boot
	ud2

	/* Switches to the final tables, a stack in the vmalloc window, and this CPU's per-CPU areas (smp.c). */
ap_entry_high:
	movq	x86_ap + X86_AP_ROOT, %rax
	movq	%rax, %cr3
	movq	x86_ap + X86_AP_STACK, %rsp
	movl	x86_ap + X86_AP_PERCPU, %eax
	movl	x86_ap + X86_AP_PERCPU + 4, %edx
	movl	$X86_MSR_GS_BASE, %ecx
	wrmsr
	xorl	%ebp, %ebp
	pushq	$0
	pushq	$0
	call	x86_ap_main
	ud2

	.section .boot.rodata, "a"
	.balign 8
	.globl boot_gdt
boot_gdt:
	.quad	0
	.quad	0x00cf9b000000ffff		/* 0x08: 32-bit code, flat */
	.quad	0x00cf93000000ffff		/* 0x10: data, flat */
	.quad	0x00af9b000000ffff		/* 0x18: 64-bit code */
boot_gdt_ptr:
	.short	. - boot_gdt - 1
	.long	boot_gdt
no5lvl:	.asciz	"no5lvl"
no_long_mode_text:
	.asciz	"\r\nStrata needs an x86 CPU with long mode (64 bit); this one has none.\r\n"
no_memory_text:
	.asciz	"\r\nStrata: too little memory: the kernel needs usable memory up to 0x"
no_memory_end:
	.asciz	", and this machine has less.\r\n"

	.bss
	.balign 4096
pml5:	.skip 4096
pml4:	.skip 4096
pdpt_low: .skip 4096
pdpt_high: .skip 4096
pd:	.skip 4 * 4096
boot_magic: .skip 4
boot_info_pa: .skip 4
boot_levels: .skip 4

	.section .note.GNU-stack, "", @progbits
