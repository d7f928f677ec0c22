/*
 * header.S - what loaders look for: the arm64 Image header (Linux Documentation/arm64/booting.rst).
 *
 * The image may lie anywhere in RAM at a 2 MiB border. Its first bytes are a harmless instruction and a branch, so that a
 * loader which knows nothing of headers can jump to its beginning.
 */

#include <arch_impl/sysreg.h>

	.section .boot.header, "ax"
	.globl	boot_entry
boot_entry:
	nop
	b	a64_primary_entry
	.quad	0				/* text_offset from a 2 MiB border */
	.quad	__image_bytes			/* memory that it needs, .bss included */
	.quad	A64_IMAGE_PAGES << 1 | 1 << 3	/* little endian, the granule, anywhere */
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0				/* of the PE header */

	.section .note.GNU-stack, "", @progbits
