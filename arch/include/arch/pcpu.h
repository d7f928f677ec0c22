#ifndef ARCH_PCPU_H
#define ARCH_PCPU_H

/*
 * Per-CPU addressing and the restartable per-CPU stack (design: fast paths that are safe against an interrupt
 * on the same CPU without disabling it). The primitives are a few instructions, in section .text.restart or
 * inlined and listed in a table, with one commit store as the last one that matters; trap entry sets a saved PC
 * inside [start, commit] back to start.
 */

#include <kernel/types.h>

/* avail entries are in use, entry[avail - 1] is the top. Only the owner CPU touches it. */
struct pcpu_stack {
	u32 avail, limit;
	void *entry[];
};

/*
 * arch_this_cpu(ptr): lvalue of this CPU's copy of *ptr, ptr being a per-CPU address.
 * arch_this_cpu_add(ptr, n): adds to this CPU's copy of a long in a step that no interrupt divides.
 * arch_percpu_base(): what to add to such an address.
 * arch_percpu_set(offset): from now on this CPU's areas lie at this offset.
 */
static inline void arch_this_cpu_add(long *ptr, long n);
static inline unsigned long arch_percpu_base(void);
void arch_percpu_set(unsigned long offset);

/* Top entry, or NULL if empty. Entries are never NULL. */
static inline void *arch_stack_pop(struct pcpu_stack *s);
/* False if avail >= limit; nothing has changed then. */
static inline bool arch_stack_push(struct pcpu_stack *s, void *p);

/* Trap entry calls it: a PC inside a primitive goes back to its start. Returns whether it did. */
bool arch_restart_fix(unsigned long *pc);

#include <arch_impl/pcpu.h>
#endif
