#ifndef ARCH_IMPL_PCPU_H
#define ARCH_IMPL_PCPU_H

/* GS.base is the offset of this CPU's areas, so a per-CPU variable is one %gs-relative operand. */

#define arch_this_cpu(ptr) (*(__typeof__(*(ptr)) __seg_gs *)(unsigned long)(ptr))

extern unsigned long x86_percpu_base; /* per-CPU: its own GS.base, readable in one load */

static inline unsigned long arch_percpu_base(void)
{
	return arch_this_cpu(&x86_percpu_base);
}

#endif
