/*
 * restart.c - trap entry's half of the restartable primitives.
 *
 * Idea.       A primitive is inlined where it is used (arch_impl/pcpu.h). Each use leaves the addresses of its first and of
 *             its last instruction, the commit store, in section restart_table; a PC in between goes back to the first.
 * Layout.     restart_table: { start, commit } for each use, sorted by address at boot
 * Invariants. R1  the instructions from start to commit do not write their inputs, so start can run again at any time
 *             R2  the last store is the commit; what was written before it is dead until then
 *             R3  a PC behind the commit is left alone: the work is done, repeating it would do it twice
 *             Ranges do not overlap: a64_restart_sort() panics if they do.
 * Locking.    None: looks at nothing but the saved PC and what is constant after boot.
 * Failure.    None.
 * Next:       trap.c, which asks before it runs an interrupt.
 */
#include <arch/pcpu.h>

#include <arch_impl/restart.h>
#include <kernel/bug.h>

/* The linker has put them together file by file, so they are nearly in order: insertion is cheap. */
void a64_restart_sort(void)
{
	for (struct restart_range *r = __start_restart_table + 1; r < __stop_restart_table; r++) {
		struct restart_range moving = *r, *at = r;

		for (; at > __start_restart_table && at[-1].start > moving.start; at--)
			*at = at[-1];
		*at = moving;
		BUG_ON(at > __start_restart_table && at[-1].commit >= at->start,
		       "two restartable primitives overlap at %pS", (void *)at->start);
	}
}

const struct restart_range *a64_restart_range(unsigned long pc)
{
	const struct restart_range *table = __start_restart_table;
	size_t low = 0, high = (size_t)(__stop_restart_table - __start_restart_table);

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (table[mid].commit < pc)
			low = mid + 1;
		else
			high = mid;
	}
	return table + low < __stop_restart_table && table[low].start <= pc ? &table[low] : NULL;
}

bool arch_restart_fix(unsigned long *pc)
{
	const struct restart_range *r = a64_restart_range(*pc);

	if (likely(!r))
		return false;
	*pc = r->start;
	return true;
}
