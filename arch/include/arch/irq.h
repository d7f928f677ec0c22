#ifndef ARCH_IRQ_H
#define ARCH_IRQ_H

#include <kernel/types.h>
#include <mm/types.h>

/* Interrupts of this CPU off; the former state for arch_irq_restore(). They nest by these values. */
static inline unsigned long arch_irq_save(void);
static inline void arch_irq_restore(unsigned long flags);
static inline bool arch_irq_disabled(void);
static inline void arch_irq_enable(void);
static inline void arch_irq_disable(void);

/* True inside an interrupt handler of this CPU. */
bool arch_in_interrupt(void);

/*
 * Interrupt controller and handlers up; interrupts on when it returns. map_device(va, pa) maps a page of registers, 0 or
 * -errno; va is the port's, outside of the regions of <arch/layout.h>.
 */
void arch_irq_init(int (*map_device)(vaddr_t va, paddr_t pa));

/*
 * Runs fn(ctx) once in interrupt context on this CPU, soon, or NULL to take the request back. For tests:
 * allocations from interrupts. A software-raised vector, so it comes at the next instruction when interrupts
 * are on.
 */
void arch_irq_test_raise(void (*fn)(void *ctx), void *ctx);
/*
 * Single-steps fn(ctx): calls step(pc, step_ctx) in interrupt context before each of its instructions that
 * belongs to a restartable primitive. Returns the number of such steps. For the test of the primitives.
 */
unsigned arch_single_step(void (*fn)(void *ctx), void *ctx, void (*step)(unsigned long pc, void *ctx),
			  void *step_ctx);
/* bool arch_has_single_step(void): false where the machine runs inside something that has no such thing. */

#include <arch_impl/irq.h>
#endif
