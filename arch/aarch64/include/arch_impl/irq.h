#ifndef ARCH_IMPL_IRQ_H
#define ARCH_IMPL_IRQ_H

/*
 * Masking sets PSTATE.I only. FIQs stay unmasked, so a panic reaches CPUs with interrupts off. The saved flags are the
 * value of DAIF.
 */
#define A64_DAIF_I 0x80UL

static inline unsigned long arch_irq_flags(void)
{
	unsigned long flags;

	__asm__ volatile("mrs %0, daif" : "=r"(flags)::"memory");
	return flags;
}

static inline void arch_irq_disable(void)
{
	__asm__ volatile("msr daifset, #2" ::: "memory");
}

static inline void arch_irq_enable(void)
{
	__asm__ volatile("msr daifclr, #2" ::: "memory");
}

static inline unsigned long arch_irq_save(void)
{
	unsigned long flags = arch_irq_flags();

	arch_irq_disable();
	return flags;
}

static inline void arch_irq_restore(unsigned long flags)
{
	__asm__ volatile("msr daif, %0" ::"r"(flags) : "memory");
}

static inline bool arch_irq_disabled(void)
{
	return arch_irq_flags() & A64_DAIF_I;
}

static inline bool arch_has_single_step(void)
{
	return true;
}

#endif
