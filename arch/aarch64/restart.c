/*
 * restart.c - restartable primitives: how trap entry finds and restarts an interrupted one.
 *
 * Idea.       A primitive is inlined at each use (arch_impl/pcpu.h). Each use records the addresses of its first
 *             instruction and of its last, the commit store, in section restart_table. A PC inside this range is set back
 *             to the first.
 * Layout.     restart_table: { start, commit } of each use, sorted by address at boot
 * Invariants. R1  the instructions from start to commit do not write their inputs, so start can run again at any time
 *             R2  the last store is the commit; memory that was written before it is unused until then
 *             R3  a PC after the commit is not changed: the work is done, and a restart would do it twice
 *             Ranges do not overlap: a64_restart_sort() panics if they do.
 * Locking.    None: reads only the saved PC and data that is constant after boot.
 * Next:       trap.c, which calls arch_restart_fix() before an interrupt handler.
 */
#include <arch/pcpu.h>

#include <arch_impl/restart.h>
#include <kernel/bug.h>

/* The linker collects the entries file by file, so they are almost sorted, and insertion sort is cheap. */
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
