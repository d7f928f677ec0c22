/*
 * pte_text.c - the flags of a page-table entry as words.
 *
 * Idea.       The port names its bits, column by column (arch_pte_describe()). This file prints them, so lists and tables
 *             of entries look the same on every port.
 * Layout.     A column is as wide as its word for a set flag.
 * Failure.    An entry that is not present has no words.
 * Next:       kernel/shell/cmd_vm.c.
 */
#include <arch/pt.h>

#include <kernel/printk.h>
#include <kernel/string.h>

static const char *word_of(const struct pte_column *c)
{
	return c->set ? c->yes : c->no;
}

const char *arch_pte_flag(pte_t e, unsigned level, unsigned n)
{
	struct pte_column c[ARCH_PTE_COLUMNS_MAX];
	unsigned nr = arch_pte_describe(e, level, c);

	for (unsigned i = 0; arch_pte_present(e) && i < nr; i++)
		if (word_of(&c[i]) && n-- == 0)
			return word_of(&c[i]);
	return NULL;
}

void arch_pte_columns(pte_t e, unsigned level, char *buf, size_t size)
{
	struct pte_column c[ARCH_PTE_COLUMNS_MAX];
	unsigned nr = arch_pte_describe(e, level, c);
	size_t at = 0;

	for (unsigned i = 0; i < nr; i++)
		at += (size_t)scnprintf(buf + at, size - at, "%-*s ", (int)strlen(c[i].yes),
					word_of(&c[i]) && arch_pte_present(e) ? word_of(&c[i]) : "");
}
