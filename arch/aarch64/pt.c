/*
 * pt.c - page-table entries beyond the inline functions of arch_impl/pt.h, the root, and TLBI.
 *
 * Idea.       The walker in mm/ knows levels and indices. This file holds the parts that depend on the CPU (LPA2, hardware
 *             dirty state), the names of the bits, and the switch from one root to another.
 * Layout.     Bit names are those of Linux's arch/arm64/mm/ptdump.c. A root table is a whole page, indexed by all address
 *             bits above the next level. TTBR1 points at the last part of it, which the VA size uses (Linux does the same
 *             for 48-bit CPUs under a 52-bit kernel).
 * Invariants. TCR.EPD0 disables the lower half of the address space, except while a root is switched.
 * Source.     Arm ARM D8.3, D8.13, D17 (TCR_EL1, TTBR1_EL1).
 * Next:       mm/pgtable.c.
 */

#include "a64_internal.h"
#include <arch/irq.h>
#include <arch/pt.h>
#include <arch/tlb.h>
#include <arch_impl/sysreg.h>
#include <kernel/cmdline.h>
#include <kernel/errno.h>
#include <kernel/printk.h>
#include <kernel/string.h>

unsigned long a64_pte_oa_high, a64_pte_leaf, a64_pte_dbm;
bool a64_has_lpa2, a64_has_tlb_range;

enum { MMFR_PARANGE_52 = 6 };

/* boot.c applied the option before the tables were built. This handler only makes the parser accept it. */
static int pt_set_no5lvl(const char *value)
{
	return value ? -EINVAL : 0;
}
CMDLINE_OPT("no5lvl", "no value", pt_set_no5lvl);

void a64_pt_init(void)
{
	u64 tcr = a64_read(tcr_el1);

	a64_has_lpa2 = tcr & A64_TCR_DS;
	a64_has_tlb_range = a64_id_field(id_aa64isar0_el1, 56) >= 2;
	if (PAGE_SHIFT == 16 ? (tcr >> A64_TCR_IPS_SHIFT & 7) == MMFR_PARANGE_52 : a64_has_lpa2)
		a64_pte_oa_high = A64_OA_HIGH;
	a64_pte_leaf = A64_PTE_VALID | A64_PTE_AF | A64_PTE_UXN | (a64_has_lpa2 ? 0 : A64_PTE_INNER);
	if (tcr & A64_TCR_HD)
		a64_pte_dbm = A64_PTE_DBM;
}

unsigned arch_pte_describe(pte_t e, unsigned level, struct pte_column c[ARCH_PTE_COLUMNS_MAX])
{
	unsigned attr = (unsigned)((e.bits & A64_PTE_ATTR) >> A64_PTE_ATTR_SHIFT);
	bool leaf = arch_pte_is_leaf(e, level);

	c[0] = (struct pte_column){leaf && (e.bits & A64_PTE_USER), "USR", NULL};
	c[1] = (struct pte_column){leaf && !(e.bits & A64_PTE_RDONLY), "RW", leaf ? "ro" : NULL};
	c[2] = (struct pte_column){e.bits & (leaf ? A64_PTE_PXN : A64_TABLE_PXN), "NX", leaf ? "x" : NULL};
	c[3] = (struct pte_column){e.bits & (leaf ? A64_PTE_UXN : A64_TABLE_UXN), "UXN", NULL};
	c[4] = (struct pte_column){leaf && (e.bits & A64_PTE_AF), "AF", NULL};
	c[5] = (struct pte_column){leaf && (e.bits & A64_PTE_DBM), "DBM", NULL};
	c[6] = (struct pte_column){leaf && (e.bits & A64_PTE_NG), "NG", NULL};
	c[7] = (struct pte_column){leaf && (e.bits & A64_PTE_CONT), "CON", NULL};
	c[8] = (struct pte_column){leaf && attr == A64_ATTR_DEVICE, "DEVICE",
				   !leaf		 ? NULL
				   : attr == A64_ATTR_NC ? "NC"
							 : "NORMAL"};
	return 9;
}

/* ---- the root ---- */

/* TTBR value for a root: the address of the root's last part, which the VA size uses. Bits 51:48 go to bits 5:2. */
u64 a64_ttbr(paddr_t root, unsigned va_bits)
{
	unsigned shift = PT_LEVEL_SHIFT(arch_pt_levels() - 1);
	paddr_t pa = root + ((PT_ENTRIES - (1UL << (va_bits - shift))) << 3);

	return (pa & 0x0000ffffffffffffUL) | (pa >> 48 & 0xf) << 2;
}

void a64_switch(u64 ttbr1, u64 tcr)
{
	void (*at_physical)(u64 ttbr1, u64 tcr);
	unsigned long flags;

	*(paddr_t *)&at_physical = (paddr_t)a64_switch_tables - KERNEL_VMA;
	__asm__ volatile("mrs %0, daif; msr daifset, #15" : "=r"(flags)::"memory");
	/* The switch runs in the identity map, in the lower half. */
	a64_write(tcr_el1, a64_read(tcr_el1) & ~(u64)A64_TCR_EPD0);
	a64_isb();
	at_physical(ttbr1, tcr & ~(u64)A64_TCR_EPD0);
	a64_write(tcr_el1, tcr);
	a64_isb();
	arch_tlb_flush_all_local();
	__asm__ volatile("msr daif, %0" ::"r"(flags) : "memory");
}

paddr_t arch_pt_root(void)
{
	u64 ttbr = a64_read(ttbr1_el1);

	return (ttbr & 0x0000ffffffffffc0UL & PAGE_MASK) | (a64_pte_oa_high ? (ttbr >> 2 & 0xf) << 48 : 0);
}

void arch_pt_install(paddr_t root)
{
	a64_switch(a64_ttbr(root, a64_layout.va_bits), a64_read(tcr_el1) | A64_TCR_EPD0);
	/* W^X in hardware: WXN makes writable pages not executable. The early tables map the image writable. */
	a64_write(sctlr_el1, a64_read(sctlr_el1) | A64_SCTLR_WXN);
	a64_isb();
	arch_tlb_flush_all_local(); /* TLB entries may cache the old WXN */
	if (a64_dev.uart)
		a64_uart_map(A64_UART_VA + (a64_dev.uart & ~PAGE_MASK));
}

u64 a64_ask_mmu(vaddr_t va, bool write)
{
	unsigned long flags = arch_irq_save();
	u64 par;

	if (write)
		__asm__ volatile("at s1e1w, %0; isb" ::"r"(va) : "memory");
	else
		__asm__ volatile("at s1e1r, %0; isb" ::"r"(va) : "memory");
	par = a64_read(par_el1);
	arch_irq_restore(flags);
	return par;
}

/* ---- TLBI ---- */

void arch_tlb_flush_all_local(void)
{
	__asm__ volatile("dsb nshst; tlbi vmalle1; dsb nsh; isb" ::: "memory");
}

/*
 * FEAT_TLBIRANGE: one instruction flushes (NUM + 1) * 2^(5 * SCALE + 1) pages from a base address. With LPA2 the base
 * counts in units of 64 KiB. Pages below an aligned base, and a single last page, are flushed one by one.
 */
void a64_tlb_bcast_long_range(vaddr_t start, vaddr_t end, bool last_level)
{
	const u64 granule = (u64)A64_GRANULE_CODE << 46; /* TG: 1, 2, 3 as in the Image header */
	const unsigned base_shift = a64_has_lpa2 ? 16 : PAGE_SHIFT;
	const vaddr_t base_mask = (1UL << base_shift) - 1;
	int scale = 3;

	while (start < end) {
		u64 pages = (end - start) >> PAGE_SHIFT, num, operand;

		if (pages == 1 || (start & base_mask)) {
			arch_tlb_bcast_page(start, last_level);
			start += PAGE_SIZE;
			continue;
		}
		while (scale > 0 && !(pages >> (5 * scale + 1)))
			scale--;
		num = min(pages >> (5 * scale + 1), 32UL);
		operand = granule | (u64)scale << 44 | (num - 1) << 39 |
			  (start >> base_shift & ((1UL << 37) - 1));
		if (last_level)
			__asm__ volatile("sys #0, c8, c2, #7, %0" ::"r"(operand) : "memory"); /* RVAALE1IS */
		else
			__asm__ volatile("sys #0, c8, c2, #3, %0" ::"r"(operand) : "memory"); /* RVAAE1IS */
		start += num << (5 * scale + 1 + PAGE_SHIFT);
	}
}
