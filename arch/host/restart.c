/*
 * restart.c - restartable primitives: how handlers find and restart an interrupted one.
 *
 * Idea.       A primitive is inlined at each use (arch_impl/pcpu.h): a call and return would take a third of the time of a
 *             pair of kmem_cache calls. Each use records the addresses of its first instruction and of its last, the
 *             commit store, in section restart_table. A PC inside this range is set back to the first.
 * Layout.     restart_table: { start, commit } of each use, in link order
 * Invariants. R1  the instructions from start to commit do not write their inputs, so start can run again at any time
 *             R2  the store to avail is the commit; an entry that is written before it lies above avail and is unused
 *             R3  a PC after the commit is not changed: the work is done, and a restart would do it twice
 * Locking.    None: reads only the saved PC and constants.
 * Next:       trap.c, which calls arch_restart_fix() before an interrupt handler.
 */
#include <arch/pcpu.h>

#include "host_internal.h"
#include <arch_impl/restart.h>

const struct restart_range *host_restart_range(unsigned long pc)
{
	for (const struct restart_range *r = __start_restart_table; r < __stop_restart_table; r++)
		if (pc - r->start <= r->commit - r->start)
			return r;
	return NULL;
}

bool arch_restart_fix(unsigned long *pc)
{
	const struct restart_range *r = host_restart_range(*pc);

	if (likely(!r))
		return false;
	*pc = r->start;
	return true;
}
