#ifndef ARCH_IMPL_CPU_H
#define ARCH_IMPL_CPU_H

#include <arch/pcpu.h>

#define ARCH_NAME "aarch64"
#define ARCH_BOOT_REFUSED_STATUS 2
#define ARCH_RETURN_INSN               \
	{                              \
		0xc0, 0x03, 0x5f, 0xd6 \
	}

extern unsigned a64_cpu_id; /* per-CPU */

static inline unsigned arch_cpu_id(void)
{
	return arch_this_cpu(&a64_cpu_id);
}

static inline void arch_cpu_relax(void)
{
	__asm__ volatile("yield" ::: "memory");
}

#endif
