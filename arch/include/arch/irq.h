#ifndef ARCH_IRQ_H
#define ARCH_IRQ_H

#include <kernel/types.h>
#include <arch/types.h>

/* arch_irq_save() disables interrupts of this CPU and returns the former state for arch_irq_restore(). Pairs nest. */
static inline unsigned long arch_irq_save(void);
static inline void arch_irq_restore(unsigned long flags);
static inline bool arch_irq_disabled(void);
static inline void arch_irq_enable(void);
static inline void arch_irq_disable(void);

/* True inside an interrupt handler of this CPU. */
bool arch_in_interrupt(void);

/*
 * Initialises the interrupt controller and enables interrupts. map_device(va, pa) maps one page of registers and returns 0
 * or -errno. The port chooses va, outside the regions of <arch/layout.h>.
 */
void arch_irq_init(int (*map_device)(vaddr_t va, paddr_t pa));

/*
 * Raises a software interrupt whose handler runs fn(ctx) once on this CPU. If interrupts are on, it comes at the next
 * instruction, else when they are on again. fn NULL withdraws the request. For tests of allocation in interrupts.
 */
void arch_irq_test_raise(void (*fn)(void *ctx), void *ctx);
/*
 * Single-steps fn(ctx). Before each instruction that belongs to a restartable primitive, step(pc, step_ctx) runs in
 * interrupt context. Returns the number of these calls. For the tests of the primitives.
 */
unsigned arch_single_step(void (*fn)(void *ctx), void *ctx, void (*step)(unsigned long pc, void *ctx),
			  void *step_ctx);
/* bool arch_has_single_step(void): false if the environment of the machine (such as Valgrind) offers no single steps. */

#include <arch_impl/irq.h>
#endif
