/*
 * entry.S - from a loader, or from PSCI, to C at the linked address.
 *
 * Idea.       A CPU starts with its MMU off, at EL2 or EL1, anywhere in RAM. It drops to EL1, builds two chains of tables,
 *             enables the MMU in the identity map and jumps to the image's linked address. Until then all code is
 *             position-independent. Addresses have 48 bits at first; boot.c, which can read the command line, chooses the
 *             final size.
 * Layout.     id chain       TTBR0: the leaf that contains this section, at its physical address
 *             image chain    TTBR1: from A64_LINK_BASE on, leaves of 2 MiB (4 KiB pages) or pages; the rest of the last
 *                            table is boot.c's window on firmware's data
 *             Each table has a page. A root is always a whole page, indexed by all address bits above the next level. TTBR
 *             points at the last part of it, which the VA size uses.
 * Invariants. This code writes only to .bss, which it clears: first the tables, the rest with the MMU on. The early maps
 *             are writable and executable. pgtable_init() replaces the image's. The id chain stays for the other CPUs.
 * Failure.    A CPU without this granule prints a message and exits with status 2 by semihosting, if a debugger listens.
 *             Then it stops.
 * Source.     Linux arch/arm64/kernel/head.S, arch/arm64/include/asm/el2_setup.h.
 * Next:       boot.c.
 */

#include <arch_impl/stack.h>
#include <arch_impl/start.h>
#include <arch_impl/sysreg.h>

#define TABLE 0x3
#if CONFIG_PAGE_SHIFT == 12
#define TGRAN_52 1				/* value of the granule's field that means LPA2 */
#define LEAF_LEVEL 1				/* blocks of 2 MiB: the image is aligned to them */
#define LEAF 0x401				/* valid block, AF */
#define LEVELS 4
#else
#define LEAF_LEVEL 0
#define LEAF 0x403				/* valid page, AF */
#define TGRAN_52 2
#if CONFIG_PAGE_SHIFT == 14
#define LEVELS 4
#else
#define LEVELS 3
#endif
#endif
#define LEAF_SHIFT (PAGE_SHIFT + LEAF_LEVEL * PT_INDEX_BITS)
#define ROOT_SHIFT (PAGE_SHIFT + (LEVELS - 1) * PT_INDEX_BITS)
#define TABLE_BYTES (1 << PAGE_SHIFT)
#define CHAIN (LEVELS - LEAF_LEVEL)		/* number of tables of a chain; the root comes first */
/* With 48 bits the root uses 1 << (48 - ROOT_SHIFT) entries, the last ones of its page. */
#define ROOT_OFFSET (TABLE_BYTES - (8 << (48 - ROOT_SHIFT)))
/* With LPA2 TTBR's low bits hold address bits, so a root has at least 64 bytes: with 16 KiB pages 8 entries, not 2. */
#define LPA2_BITS 50

	.macro	addr_of, reg, sym
	adrp	\reg, \sym
	add	\reg, \reg, :lo12:\sym
	.endm

	.section .boot.text, "ax"

	.globl	a64_primary_entry
a64_primary_entry:				/* x0: device tree, or 0 */
	mov	x20, x0
	bl	drop_to_el1
	bl	check_granule
	addr_of	x19, boot_entry			/* physical address of the image */

	/* Dirty cache lines of the loader must not be written back over the tables, which are written with caches off. */
	bl	forget_tables

	/* Clear the tables. No loader clears .bss; the rest of it is cleared faster with the MMU on. */
	addr_of	x0, a64_id_tables
	addr_of	x1, a64_tables_end
1:	stp	xzr, xzr, [x0]
	stp	xzr, xzr, [x0, #16]
	stp	xzr, xzr, [x0, #32]
	stp	xzr, xzr, [x0, #48]
	add	x0, x0, #64
	cmp	x0, x1
	b.lo	1b

	/* x21: bits of a leaf besides its address. With LPA2 (TCR.DS) bits 9:8 are address bits, else Inner Shareable. */
	bl	tcr_value			/* x22 */
	mov	x21, #LEAF
	tbnz	x22, #59, 1f
	orr	x21, x21, #0x300
1:
	/* The identity map: a chain of tables to the leaf of this section. */
	addr_of	x0, a64_id_tables
	mov	x1, x19
	bl	link_chain
	orr	x2, x19, x21
	orr	x2, x2, #0x80			/* read-only: WXN, on when other CPUs start, needs it for execution */
	str	x2, [x0]

	/* The image's chain, and one leaf for each block of the image. */
	addr_of	x0, a64_image_tables
	ldr	x1, =A64_LINK_BASE
	bl	link_chain
	addr_of	x3, __image_end
	orr	x2, x19, x21
2:	str	x2, [x0], #8
	add	x2, x2, #(1 << LEAF_SHIFT)
	bic	x4, x2, x21
	cmp	x4, x3
	b.lo	2b

	bl	forget_tables			/* clean lines fetched meanwhile would hide the tables */

	addr_of	x4, a64_image_tables + ROOT_OFFSET
#if CONFIG_PAGE_SHIFT == 14
	tbz	x22, #59, 1f
	addr_of	x4, a64_image_tables + TABLE_BYTES - (8 << (LPA2_BITS - ROOT_SHIFT))
1:
#endif
	ldr	x3, =A64_MAIR
	ldr	x5, =A64_SCTLR_ON
	bl	mmu_on				/* x22: TCR, x4: TTBR1 */

	ldr	x1, =entry_high
	br	x1

/* Entry of another CPU from PSCI. x0: physical address of its struct a64_start, which has been cleaned to memory. */
	.globl	a64_secondary_entry
a64_secondary_entry:
	mov	x20, x0
	bl	drop_to_el1
	ldr	x22, [x20, #A64_START_TCR]
	ldr	x4, [x20, #A64_START_TTBR1]
	ldr	x3, [x20, #A64_START_MAIR]
	ldr	x5, [x20, #A64_START_SCTLR]
	ldp	x6, x7, [x20, #A64_START_STACK]
	ldr	x18, [x20, #A64_START_PERCPU]
	ldr	x21, [x20, #A64_START_MAIN]
	mov	x23, x22
	bic	x22, x22, #A64_TCR_EPD0		/* the switch runs in the identity map */
	bl	mmu_on
	ldr	x1, =secondary_high
	br	x1

/* Enables the MMU. x22: TCR, x4: TTBR1, x3: MAIR, x5: SCTLR. Uses x0. Runs and returns in the identity map. */
mmu_on:
	tlbi	vmalle1
	dsb	nsh
	msr	mair_el1, x3
	msr	tcr_el1, x22
	addr_of	x0, a64_id_tables
	msr	ttbr0_el1, x0
	msr	ttbr1_el1, x4
	isb
	msr	sctlr_el1, x5
	isb
	ic	iallu
	dsb	nsh
	isb
	ret

/*
 * x0: tables of a chain, x1: an address. Links each table to the next one. Returns in x0 the slot of the address in the
 * last table. Uses x2 to x5.
 */
link_chain:
	mov	x2, #ROOT_SHIFT
	mov	x5, #(CHAIN - 1)
1:	lsr	x3, x1, x2
	and	x3, x3, #((1 << PT_INDEX_BITS) - 1)
	cbz	x5, 2f
	add	x4, x0, #TABLE_BYTES
	orr	x4, x4, #TABLE
	str	x4, [x0, x3, lsl #3]
	bic	x0, x4, #TABLE
	sub	x2, x2, #PT_INDEX_BITS
	sub	x5, x5, #1
	b	1b
2:	add	x0, x0, x3, lsl #3
	ret

/*
 * void a64_switch_tables(u64 ttbr1, u64 tcr): called at its physical address, interrupts masked. A TLB must never hold
 * entries of both sets of tables, so the MMU is off in between. No memory is accessed meanwhile.
 */
	.globl	a64_switch_tables
a64_switch_tables:
	mrs	x2, sctlr_el1
	bic	x3, x2, #A64_SCTLR_M
	msr	sctlr_el1, x3
	isb
	tlbi	vmalle1
	dsb	nsh
	msr	tcr_el1, x1
	msr	ttbr1_el1, x0
	isb
	msr	sctlr_el1, x2
	isb
	ret

/* Discards cached lines of the tables. Uses x0 to x3. */
forget_tables:
	addr_of	x0, a64_id_tables
	addr_of	x1, a64_tables_end
	mrs	x2, ctr_el0
	ubfx	x2, x2, #16, #4			/* DminLine: log2 of words */
	mov	x3, #4
	lsl	x2, x3, x2
	dsb	sy
1:	dc	ivac, x0
	add	x0, x0, x2
	cmp	x0, x1
	b.lo	1b
	dsb	sy
	ret

/* x22: TCR for 48 bits in both halves, with all features of this CPU. Uses x0 to x2. */
tcr_value:
	ldr	x22, =(A64_TCR_TG | A64_TCR_WB | A64_TCR_INNER | A64_TCR_T0SZ(48) | A64_TCR_T1SZ(48))
	mrs	x0, id_aa64mmfr0_el1
	and	x1, x0, #15			/* PARange; 6: 52 bits */
	mov	x2, #6
	cmp	x1, x2
	csel	x1, x1, x2, lo
#if CONFIG_PAGE_SHIFT != 16
	ubfx	x0, x0, #A64_MMFR0_TGRAN_SHIFT, #4
	cmp	x0, #TGRAN_52
	b.ne	1f
	orr	x22, x22, #A64_TCR_DS		/* LPA2 */
#if CONFIG_PAGE_SHIFT == 14
	sub	x22, x22, #A64_TCR_T1SZ(48) - A64_TCR_T1SZ(LPA2_BITS)
#endif
	b	2f
1:	mov	x2, #5				/* without LPA2 output addresses have at most 48 bits */
	cmp	x1, x2
	csel	x1, x1, x2, lo
2:
#endif
	orr	x22, x22, x1, lsl #A64_TCR_IPS_SHIFT
	mrs	x0, id_aa64mmfr1_el1
	and	x0, x0, #15			/* HAFDBS: 1 access flag, 2 also dirty state */
	cbz	x0, 3f
	orr	x22, x22, #A64_TCR_HA
	cmp	x0, #2
	b.lo	3f
	orr	x22, x22, #A64_TCR_HD
3:	ret

/* Returns at EL1 with SP_EL1 selected, all masked, MMU off. Uses x9 to x11. */
drop_to_el1:
	msr	daifset, #15
	msr	spsel, #1
	adr	x9, park_vectors		/* until trap.c sets its vectors */
	ldr	x10, =A64_SCTLR_EL1_OFF
	msr	vbar_el1, x9
	mrs	x9, CurrentEL
	cmp	x9, #(2 << 2)
	b.eq	1f
	msr	sctlr_el1, x10
	isb
	ret
1:	ldr	x9, =A64_SCTLR_EL2_OFF
	msr	sctlr_el2, x9
	mov	x9, #(1 << 31)			/* RW: EL1 is AArch64; nothing trapped, no stage 2 */
	msr	hcr_el2, x9
	isb
	msr	sctlr_el1, x10
	mov	x9, #3				/* EL1 may read the counter and use the timers */
	msr	cnthctl_el2, x9
	msr	cntvoff_el2, xzr
	mrs	x9, id_aa64dfr0_el1
	ubfx	x9, x9, #8, #4			/* PMUVer */
	sub	x10, x9, #1
	cmp	x10, #13			/* 0: none; 15: not the architecture's */
	mov	x10, #0
	b.hi	2f
	mrs	x10, pmcr_el0
	ubfx	x10, x10, #11, #5		/* N: all counters belong to EL1 */
2:	msr	mdcr_el2, x10
	msr	vttbr_el2, xzr
	msr	hstr_el2, xzr
	mrs	x9, midr_el1
	msr	vpidr_el2, x9
	mrs	x9, mpidr_el1
	msr	vmpidr_el2, x9
	mov	x9, #0x33ff			/* the RES1 bits; no traps */
	msr	cptr_el2, x9
	mrs	x9, id_aa64pfr0_el1
	ubfx	x9, x9, #24, #4			/* GIC's system registers */
	cbz	x9, 3f
	mrs	x9, s3_4_c12_c9_5		/* ICC_SRE_EL2: SRE, Enable */
	mov	x10, #9
	orr	x9, x9, x10
	msr	s3_4_c12_c9_5, x9
	isb
	mrs	x9, s3_4_c12_c9_5
	tbz	x9, #0, 3f			/* firmware does not allow access */
	msr	s3_4_c12_c11_0, xzr		/* ICH_HCR_EL2 */
3:	mrs	x9, id_aa64mmfr0_el1
	ubfx	x9, x9, #56, #4			/* FEAT_FGT: disable fine-grained traps */
	cbz	x9, 4f
	msr	s3_4_c1_c1_4, xzr		/* HFGRTR, HFGWTR, HFGITR, HDFGRTR, HDFGWTR */
	msr	s3_4_c1_c1_5, xzr
	msr	s3_4_c1_c1_6, xzr
	msr	s3_4_c3_c1_4, xzr
	msr	s3_4_c3_c1_5, xzr
4:	mrs	x9, id_aa64mmfr1_el1
	ubfx	x9, x9, #40, #4			/* HCRX_EL2: all features off */
	cbz	x9, 5f
	msr	s3_4_c1_c2_2, xzr
5:	mov	x9, #A64_SPSR_EL1H
	msr	spsr_el2, x9
	msr	elr_el2, x30
	eret

/* Fields of ID_AA64MMFR0_EL1: with 4 and 64 KiB, 15 means not supported; with 16 KiB, 0 does. */
check_granule:
	mrs	x9, id_aa64mmfr0_el1
	ubfx	x9, x9, #A64_MMFR0_TGRAN_SHIFT, #4
#if CONFIG_PAGE_SHIFT == 14
	cbz	x9, 1f
#else
	cmp	x9, #15
	b.eq	1f
#endif
	ret
1:	mov	w0, #4				/* SYS_WRITE0; without a debugger HLT traps to park_vectors */
	adr	x1, no_granule_text
	hlt	#0xf000
	mov	w0, #0x20			/* SYS_EXIT_EXTENDED */
	adr	x1, no_granule_exit
	hlt	#0xf000
	b	park

	.balign	2048
park_vectors:
	.rept	16
	.balign	128
	b	park
	.endr
park:	wfi
	b	park

	.ltorg
	.balign	8
no_granule_exit:
	.quad	0x20026, (2 + 0x10) << 1 | 1
no_granule_text:
#if CONFIG_PAGE_SHIFT == 12
	.asciz	"Strata: this CPU has no pages of 4 KiB; try GRANULE=64\n"
#elif CONFIG_PAGE_SHIFT == 14
	.asciz	"Strata: this CPU has no pages of 16 KiB; try GRANULE=4\n"
#else
	.asciz	"Strata: this CPU has no pages of 64 KiB; try GRANULE=4\n"
#endif

	.text
entry_high:
	addr_of	x0, __bss_start
	addr_of	x1, a64_id_tables
	bl	clear
	addr_of	x0, a64_tables_end
	addr_of	x1, __bss_end
	bl	clear
	addr_of	x0, a64_stacks + A64_BOOT_EXC_STACK_TOP
	mov	sp, x0				/* SP_EL1: exceptions */
	msr	spsel, #0
	addr_of	x0, a64_stacks + A64_BOOT_STACK_TOP
	mov	sp, x0
	mov	x18, #0				/* per-CPU offset 0: CPU 0 uses the templates for now */
	mov	x29, #0				/* ends every backtrace */
	mov	x30, #0
	mov	x0, x20
	mov	x1, x19
	bl	a64_boot
	brk	#0

/* Clears [x0, x1), which is whole pages. Uses x2, x3. */
clear:
	cmp	x0, x1
	b.hs	3f
	mrs	x2, dczid_el0
	mov	x3, #4
	lsl	x3, x3, x2			/* bytes that DC ZVA clears; if DZP (bit 4) is set it is forbidden */
	tbnz	x2, #4, 2f
1:	dc	zva, x0
	add	x0, x0, x3
	cmp	x0, x1
	b.lo	1b
	ret
2:	stp	xzr, xzr, [x0], #16
	cmp	x0, x1
	b.lo	2b
3:	ret

secondary_high:
	msr	tcr_el1, x23			/* disables the lower half */
	isb
	tlbi	vmalle1
	dsb	nsh
	isb
	mov	sp, x7
	msr	spsel, #0
	mov	sp, x6
	mov	x29, #0
	mov	x30, #0
	blr	x21
	brk	#0

	.bss
	.balign	TABLE_BYTES
	.globl	a64_id_tables, a64_image_tables
a64_id_tables: .skip CHAIN * TABLE_BYTES
a64_image_tables: .skip CHAIN * TABLE_BYTES
a64_tables_end:

	.section .note.GNU-stack, "", @progbits
