/*
 * header.S - headers for loaders: the Multiboot2 header and the PVH note.
 *
 * Multiboot2 (specification 2.0, section 3.1): within the first 32 KiB of the file, 8-byte aligned. It requests only data
 * that every GRUB provides. No tag requests a framebuffer, EFI boot services or relocation, so GRUB loads the ELF
 * segments at their p_paddr and enters in 32-bit protected mode, on BIOS and on UEFI.
 *
 * PVH (Xen's x86/HVM direct boot ABI): an ELF note of type 18, XEN_ELFNOTE_PHYS32_ENTRY, with the physical address of a
 * 32-bit entry. QEMU's -kernel reads it.
 */

	.section .boot.header, "a"
	.balign 8
header:
	.long 0xe85250d6			/* magic */
	.long 0					/* i386 protected mode */
	.long header_end - header
	.long -(0xe85250d6 + (header_end - header))

	.balign 8
	.short 1, 0				/* information request; a loader without it must refuse */
	.long 16 + 8
	.long 1, 6, 4, 3			/* command line, memory map, basic memory, modules */
	.balign 8
	.short 1, 1				/* optional request */
	.long 12 + 8
	.long 17, 14, 15			/* EFI memory map, ACPI RSDP old and new */
	.balign 8
	.short 4, 1				/* console: EGA text may stay, other flags are not used */
	.long 12
	.long 2
	.balign 8
	.short 6, 0				/* modules page aligned */
	.long 8
	.balign 8
	.short 0, 0				/* end */
	.long 8
header_end:

	.section .note.pvh, "a"
	.balign 4
	.long 2f - 1f				/* name size */
	.long 4f - 3f				/* description size */
	.long 18
1:	.asciz "Xen"
2:	.balign 4
3:	.long pvh_entry
4:	.balign 4

	.section .note.GNU-stack, "", @progbits
