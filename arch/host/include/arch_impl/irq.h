#ifndef ARCH_IMPL_IRQ_H
#define ARCH_IMPL_IRQ_H

/*
 * An interrupt is a signal. While interrupts are off, the handler only sets `pending`; enabling interrupts runs what is
 * pending. arch_irq_enable() sets `on` before it tests `pending`: a signal between the two runs at once.
 */
struct host_irq {
	bool on, pending;
};
extern __thread volatile struct host_irq host_irq;
void host_irq_deliver(void); /* runs pending interrupts */

static inline void arch_irq_disable(void)
{
	host_irq.on = false;
	__asm__ volatile("" ::: "memory");
}

static inline void arch_irq_enable(void)
{
	__asm__ volatile("" ::: "memory");
	host_irq.on = true;
	if (unlikely(host_irq.pending))
		host_irq_deliver();
}

static inline unsigned long arch_irq_save(void)
{
	unsigned long flags = host_irq.on;

	arch_irq_disable();
	return flags;
}

static inline void arch_irq_restore(unsigned long flags)
{
	if (flags)
		arch_irq_enable();
}

static inline bool arch_irq_disabled(void)
{
	return !host_irq.on;
}

/* Valgrind translates code, and the translation ignores the trap flag. ThreadSanitizer's runtime crashes when stepped. */
static inline bool arch_has_single_step(void)
{
#if defined(HOST_VALGRIND) || defined(__SANITIZE_THREAD__)
	return false;
#else
	return true;
#endif
}

#endif
