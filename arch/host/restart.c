/*
 * restart.c - the handlers' half of the restartable primitives.
 *
 * Idea.       A primitive is inlined where it is used (arch_impl/pcpu.h), because a call and a return are a third of
 *             what a pair of kmem_cache calls takes. Each use leaves the addresses of its first and of its last
 *             instruction, the commit store, in section restart_table; a PC in between goes back to the first.
 * Layout.     restart_table: { start, commit } for each use, in the order of the link
 * Invariants. R1  the instructions from start to commit do not write their inputs, so start can run again at any time
 *             R2  the store to avail is the commit; what was written before it lies above avail and is dead
 *             R3  a PC behind the commit is left alone: the work is done, repeating it would do it twice
 * Locking.    None: looks at nothing but the saved PC and constants.
 * Failure.    None.
 * Next:       trap.c, which asks before it runs an interrupt.
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
