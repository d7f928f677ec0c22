/*
 * restart.c - trap entry's half of the restartable primitives.
 *
 * Idea.       See restart.S: a PC that lies in a primitive, its commit store included, goes back to the
 *             start.
 * Layout.     The primitives are the whole of section .text.restart; start and commit labels name each.
 * Invariants. R3  a PC behind the commit is left alone: the work is done, repeating it would do it twice
 * Locking.    None: looks at nothing but the saved PC.
 * Failure.    None.
 * Next:       trap entry, which asks before it looks at anything else.
 */
#include <arch/pcpu.h>

#include <kernel/sections.h>

static bool restart_range(unsigned long *pc, const void *start, const void *commit)
{
	if (*pc < (unsigned long)start || *pc > (unsigned long)commit)
		return false;
	*pc = (unsigned long)start;
	return true;
}

bool arch_restart_fix(unsigned long *pc)
{
	if (likely(*pc - (unsigned long)__restart_start >= (unsigned long)(__restart_end - __restart_start)))
		return false;
	return restart_range(pc, (const void *)x86_stack_pop, x86_stack_pop_commit) ||
	       restart_range(pc, (const void *)x86_stack_push, x86_stack_push_commit);
}
