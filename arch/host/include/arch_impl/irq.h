#ifndef ARCH_IMPL_IRQ_H
#define ARCH_IMPL_IRQ_H

/*
 * An interrupt is a signal. While interrupts are off its handler only notes that it came; switching them on runs what
 * was noted. The flag goes first: a signal between the two lines runs at once and leaves nothing to do.
 */
struct host_irq {
	bool on, pending;
};
extern __thread volatile struct host_irq host_irq;
void host_irq_deliver(void); /* runs what is pending */

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

/* Valgrind translates code, and its translation has no trap flag; ThreadSanitizer's runtime does not survive one. */
static inline bool arch_has_single_step(void)
{
#if defined(HOST_VALGRIND) || defined(__SANITIZE_THREAD__)
	return false;
#else
	return true;
#endif
}

#endif
