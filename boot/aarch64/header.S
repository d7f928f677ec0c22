/*
 * header.S - headers for loaders: the arm64 Image header (Linux Documentation/arm64/booting.rst), and the PE/COFF header of
 * an EFI application (Microsoft's PE format; UEFI 2.10, 2.1.1).
 *
 * The image may lie at any multiple of 2 MiB in RAM. It starts with a harmless instruction, which spells "MZ", and a
 * branch, so a loader that ignores headers can jump to its first byte. UEFI may put it at any page. Code that runs under
 * UEFI contains no absolute address, so there are no relocations. Offsets in memory and in the file are the same.
 */

#include <arch_impl/sysreg.h>

#define PE_MACHINE_ARM64 0xaa64
#define PE_CHARACTERISTICS 0x0206	/* executable, no line numbers, no debug information */
#define PE32_PLUS 0x20b
#define PE_EFI_APPLICATION 10
#define PE_NX_COMPATIBLE 0x100		/* no section is both writable and executable */
#define PE_CODE 0x60000020		/* readable and executable */
#define PE_DATA 0xc0000040		/* readable and writable */
#define PE_PAGE 4096			/* UEFI's page size, independent of the granule */
#define PE_FILE_ALIGN 512

	.section .boot.header, "ax"
	.globl	boot_entry
boot_entry:
	ccmp	x18, #0, #0xd, pl		/* 4d 5a 40 fa */
	b	a64_primary_entry
	.quad	0				/* text_offset from a multiple of 2 MiB */
	.quad	__image_bytes			/* memory size, .bss included */
	.quad	A64_GRANULE_CODE << 1 | 1 << 3	/* little endian, granule, any address */
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	pe_header - boot_entry

pe_header:
	.ascii	"PE\0\0"
	.short	PE_MACHINE_ARM64
	.short	2				/* sections */
	.long	0				/* time stamp */
	.long	0, 0				/* symbols: offset, number */
	.short	pe_sections - pe_optional
	.short	PE_CHARACTERISTICS
pe_optional:
	.short	PE32_PLUS
	.byte	0, 0				/* linker version */
	.long	__data_start - first_page	/* size of code */
	.long	__data_bytes			/* size of data in the file, and of other data */
	.long	0
	.long	a64_efi_main - boot_entry	/* entry point */
	.long	first_page - boot_entry		/* start of code */
	.quad	0				/* preferred address */
	.long	PE_PAGE, PE_FILE_ALIGN
	.short	0, 0, 0, 0, 0, 0		/* versions: of the system, the image, the subsystem */
	.long	0
	.long	__image_bytes
	.long	first_page - boot_entry		/* size of headers */
	.long	0				/* checksum */
	.short	PE_EFI_APPLICATION
	.short	PE_NX_COMPATIBLE
	.quad	0, 0, 0, 0			/* stack and heap sizes, not used by UEFI */
	.long	0
	.long	(pe_sections - pe_directories) / 8
pe_directories:
	.quad	0, 0, 0, 0, 0, 0		/* the sixth is for relocations */
pe_sections:
	.ascii	".text\0\0\0"
	.long	__data_start - first_page	/* in memory: size, offset; in the file: size, offset */
	.long	first_page - boot_entry
	.long	__data_start - first_page
	.long	first_page - boot_entry
	.long	0, 0
	.short	0, 0
	.long	PE_CODE
	.ascii	".data\0\0\0"
	.long	__data_memory_bytes		/* with .bss */
	.long	__data_start - boot_entry
	.long	__data_bytes
	.long	__data_start - boot_entry
	.long	0, 0
	.short	0, 0
	.long	PE_DATA
	.balign	PE_PAGE
first_page:

	.section .note.GNU-stack, "", @progbits
