#ifndef ARCH_PCPU_H
#define ARCH_PCPU_H

/*
 * Per-CPU addressing and the restartable per-CPU stack. The stack makes fast paths safe against interrupts of the same CPU
 * without disabling them. A primitive is a few instructions that end in one store, the commit. It lies in section
 * .text.restart, or is inlined and listed in a table. If an interrupt hits inside [start, commit], trap entry sets the
 * saved PC back to start: the primitive runs again from the beginning.
 */

#include <kernel/types.h>

/* Entries [0, avail) are in use; entry[avail - 1] is the top. Only the owner CPU accesses it. */
struct pcpu_stack {
	u32 avail, limit;
	void *entry[];
};

/*
 * arch_this_cpu(ptr): lvalue of this CPU's copy of *ptr; ptr is a per-CPU address.
 * arch_this_cpu_add(ptr, n): adds n to this CPU's copy of a long, atomically with respect to interrupts of this CPU.
 * arch_percpu_base(): the offset that turns a per-CPU address into the address of this CPU's copy.
 * arch_percpu_set(offset): sets that offset for this CPU.
 */
static inline void arch_this_cpu_add(long *ptr, long n);
static inline unsigned long arch_percpu_base(void);
void arch_percpu_set(unsigned long offset);

/* Pops the top entry. Returns NULL if the stack is empty; entries are never NULL. */
static inline void *arch_stack_pop(struct pcpu_stack *s);
/* Pushes p. Returns false, with the stack unchanged, if avail >= limit. */
static inline bool arch_stack_push(struct pcpu_stack *s, void *p);

/* For trap entry: if *pc lies inside a primitive, sets it to the primitive's start and returns true. */
bool arch_restart_fix(unsigned long *pc);

#include <arch_impl/pcpu.h>
#endif
