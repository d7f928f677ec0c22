#ifndef ARCH_IMPL_IRQ_H
#define ARCH_IMPL_IRQ_H

#define X86_EFLAGS_IF 0x200UL

static inline unsigned long arch_irq_flags(void)
{
	unsigned long flags;

	__asm__ volatile("pushfq; popq %0" : "=r"(flags)::"memory");
	return flags;
}

static inline void arch_irq_disable(void)
{
	__asm__ volatile("cli" ::: "memory");
}

static inline void arch_irq_enable(void)
{
	__asm__ volatile("sti" ::: "memory");
}

static inline unsigned long arch_irq_save(void)
{
	unsigned long flags = arch_irq_flags();

	arch_irq_disable();
	return flags;
}

static inline void arch_irq_restore(unsigned long flags)
{
	if (flags & X86_EFLAGS_IF)
		arch_irq_enable();
}

static inline bool arch_irq_disabled(void)
{
	return !(arch_irq_flags() & X86_EFLAGS_IF);
}

static inline bool arch_has_single_step(void)
{
	return true;
}

#endif
