/*
 * pt.c - page-table entries beyond the inline functions of arch_impl/pt.h.
 *
 * Idea.       The walker in mm/ knows levels and indices. This file adds the names of the bits and the root register.
 * Layout.     Bit names and their order are those of Linux's arch/x86/mm/dump_pagetables.c.
 * Next:       tlb.c, then mm/pgtable.c.
 */

#include <arch/pt.h>
#include <arch/tlb.h>
#include <arch_impl/x86.h>
#include <kernel/cmdline.h>
#include <kernel/errno.h>
#include <kernel/printk.h>
#include <kernel/string.h>

#define X86_PTE_PAT_LARGE (1UL << 12)

/* entry.S applied the option before it enabled paging. This handler only makes the parser accept it. */
static int pt_set_no5lvl(const char *value)
{
	return value ? -EINVAL : 0;
}
CMDLINE_OPT("no5lvl", "no value", pt_set_no5lvl);

unsigned arch_pte_describe(pte_t e, unsigned level, struct pte_column c[ARCH_PTE_COLUMNS_MAX])
{
	bool large = level > 0 && (e.bits & X86_PTE_PS);
	bool pat = level == 0 ? e.bits & X86_PTE_PS : large && (e.bits & X86_PTE_PAT_LARGE);

	c[0] = (struct pte_column){e.bits & X86_PTE_US, "USR", NULL};
	c[1] = (struct pte_column){e.bits & X86_PTE_RW, "RW", "ro"};
	c[2] = (struct pte_column){e.bits & X86_PTE_PWT, "PWT", NULL};
	c[3] = (struct pte_column){e.bits & X86_PTE_PCD, "PCD", NULL};
	c[4] = (struct pte_column){large, "PSE", NULL};
	c[5] = (struct pte_column){pat, "PAT", NULL};
	c[6] = (struct pte_column){e.bits & X86_PTE_G, "GLB", NULL};
	c[7] = (struct pte_column){e.bits & X86_PTE_NX, "NX", "x"};
	return 8;
}

paddr_t arch_pt_root(void)
{
	return x86_read_cr3() & X86_PTE_ADDR;
}

void arch_pt_install(paddr_t root)
{
	x86_write_cr3(root);
	arch_tlb_flush_all_local(); /* the write of CR3 does not flush global entries */
}
