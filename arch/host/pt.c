/*
 * pt.c - page-table entries beyond the inline functions of arch_impl/pt.h, and the table walk of the emulated hardware.
 *
 * Idea.       A real machine has its own table walker, and so has this one. It uses only the root register and the direct
 *             map.
 * Layout.     arch_impl/pt.h
 * Invariants. Before arch_pt_install() the root is frame 0, which is zero: an empty table.
 * Locking.    None: the walk reads each entry once.
 * Failure.    An entry that is absent or of no valid kind translates nothing.
 * Next:       tlb.c.
 */
#include "host_internal.h"
#include <arch/pt.h>
#include <arch/tlb.h>
#include <kernel/cmdline.h>
#include <kernel/errno.h>
#include <kernel/printk.h>
#include <kernel/string.h>

static paddr_t root_register;

/* Here --levels sets the number of levels. The option is accepted so that one command line fits every port. */
static int pt_set_no5lvl(const char *value)
{
	return value ? -EINVAL : 0;
}
CMDLINE_OPT("no5lvl", "no value", pt_set_no5lvl);

unsigned arch_pte_describe(pte_t e, unsigned level, struct pte_column c[ARCH_PTE_COLUMNS_MAX])
{
	pt_prot_t prot = arch_pte_prot(e, level);
	bool leaf = arch_pte_is_leaf(e, level);

	c[0] = (struct pte_column){prot & PT_WRITE || !leaf, "RW", "ro"};
	c[1] = (struct pte_column){prot & PT_MEMTYPE_MASK, prot & PT_DEVICE ? "DEV" : "UNC", NULL};
	c[2] = (struct pte_column){leaf && level > 0, "BIG", NULL};
	c[3] = (struct pte_column){!(prot & PT_EXEC), "NX", "x"};
	return 4;
}

paddr_t arch_pt_root(void)
{
	return root_register;
}

void arch_pt_install(paddr_t root)
{
	root_register = root;
	arch_tlb_flush_all_local();
	host_phys_apply_tables();
}

bool host_pt_walk(vaddr_t va, struct host_leaf *leaf)
{
	const pte_t *table = (const pte_t *)(DIRECT_MAP_BASE + root_register);

	for (unsigned level = arch_pt_levels() - 1;; level--) {
		pte_t e = arch_pte_read(&table[PT_INDEX(va, level)]);

		leaf->level = level;
		if (!arch_pte_present(e))
			return false;
		if (arch_pte_is_leaf(e, level)) {
			*leaf = (struct host_leaf){va & ~(PT_LEVEL_SIZE(level) - 1), arch_pte_paddr(e, level),
						   level, arch_pte_prot(e, level)};
			return true;
		}
		if (!arch_pte_is_table(e, level))
			return false;
		table = (const pte_t *)(DIRECT_MAP_BASE + arch_pte_paddr(e, level));
	}
}
