#ifndef ARCH_IMPL_CPU_H
#define ARCH_IMPL_CPU_H

#define ARCH_NAME "host"
#define ARCH_BOOT_REFUSED_STATUS 1
#define ARCH_RETURN_INSN \
	{                \
		0xc3     \
	}

enum { HOST_MAX_CPUS = 64 };

/* A CPU is a thread; this is its number. */
extern __thread unsigned host_cpu_id;
/* Yields to the other threads after some rounds: there may be fewer processors than CPUs. */
void host_cpu_relax(void);

static inline unsigned arch_cpu_id(void)
{
	return host_cpu_id;
}

static inline void arch_cpu_relax(void)
{
	host_cpu_relax();
}

#endif
