#ifndef ARCH_IMPL_CPU_H
#define ARCH_IMPL_CPU_H

#include <arch/pcpu.h>

#define ARCH_NAME "x86_64"
#define ARCH_BOOT_REFUSED_STATUS 2
#define ARCH_RETURN_INSN \
	{                \
		0xc3     \
	}

extern unsigned x86_cpu_id; /* per-CPU */

static inline unsigned arch_cpu_id(void)
{
	return arch_this_cpu(&x86_cpu_id);
}

static inline void arch_cpu_relax(void)
{
	__asm__ volatile("pause" ::: "memory");
}

#endif
