#ifndef ARCH_IMPL_CPU_H
#define ARCH_IMPL_CPU_H

#define ARCH_NAME "host"

/* One CPU, the thread that runs kmain(). */
static inline unsigned arch_cpu_id(void)
{
	return 0;
}

static inline void arch_cpu_relax(void)
{
	__asm__ volatile("pause" ::: "memory");
}

#endif
