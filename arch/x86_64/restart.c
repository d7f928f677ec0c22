/*
 * restart.c - restartable primitives: how trap entry finds and restarts an interrupted one.
 *
 * Idea.       See restart.S. A PC inside a primitive, up to and including its commit store, is set back to the start.
 * Layout.     Section .text.restart holds the primitives and nothing else. Labels mark the start and commit of each.
 * Invariants. R3  a PC after the commit is not changed: the work is done, and a restart would do it twice
 * Locking.    None: reads only the saved PC.
 * Next:       trap entry, which calls arch_restart_fix() before anything else.
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
