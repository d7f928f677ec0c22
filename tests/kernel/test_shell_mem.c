/* The shell's table of allocations: its check names each invariant that is broken. */
#include "../../kernel/shell/shell_mem.h"

#include <kernel/string.h>
#include <kernel/test.h>
#include <mm/check.h>

enum { START = 0x1000, NR_BYTES = 64 };

static char said[128];

static void note_shell_mem(const char *name, const char *what, void *ctx)
{
	if (strcmp(name, "shell_mem") == 0)
		strlcpy(said, what, sizeof(said));
}

/* What the check of the shell's table says now; "": all is well. */
static const char *check_says(void)
{
	unsigned checks;

	said[0] = '\0';
	mm_check_all(&checks, note_shell_mem, NULL);
	return said;
}

/* The entry that shell_mem_add() has put last. */
static struct shell_mem *add_entry(enum shell_mem_kind kind, unsigned long start)
{
	unsigned n = 0;

	shell_mem_add((struct shell_mem){.start = start, .nr_bytes = NR_BYTES, .kind = (u8)kind});
	while (shell_mem_nth(n + 1))
		n++;
	return (struct shell_mem *)shell_mem_nth(n);
}

KTEST(shell_mem, overlapping_entries_are_reported)
{
	struct shell_mem *first = add_entry(SHELL_KMALLOC, START);
	struct shell_mem *second = add_entry(SHELL_KMALLOC, START + NR_BYTES);

	EXPECT_STREQ(check_says(), "");
	second->start = START + NR_BYTES - 1;
	EXPECT_STREQ(check_says(), "shell_mem.M1: two allocations of the shell overlap");
	second->start = START - NR_BYTES + 1;
	EXPECT_STREQ(check_says(), "shell_mem.M1: two allocations of the shell overlap");
	second->kind = SHELL_PAGES; /* its start is a physical address */
	EXPECT_STREQ(check_says(), "");
	shell_mem_remove(second);
	shell_mem_remove(first);
}

KTEST(shell_mem, freed_entry_that_is_live_is_reported)
{
	struct shell_mem *entry = add_entry(SHELL_KMALLOC, START);

	shell_mem_remove(entry);
	entry = add_entry(SHELL_AREA, START);
	EXPECT_STREQ(check_says(), "");
	entry->kind = SHELL_KMALLOC;
	EXPECT_STREQ(check_says(), "shell_mem.M2: an allocation of the shell is also remembered as freed");
	entry->kind = SHELL_AREA;
	shell_mem_remove(entry);
}

KTEST(shell_mem, entry_allocated_again_is_no_longer_freed)
{
	struct shell_mem *entry = add_entry(SHELL_KMALLOC, START);

	shell_mem_remove(entry);
	entry = add_entry(SHELL_KMALLOC, START);
	EXPECT_STREQ(check_says(), "");
	shell_mem_remove(entry);
}
