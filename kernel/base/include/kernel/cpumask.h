#ifndef KERNEL_CPUMASK_H
#define KERNEL_CPUMASK_H

/* Sets of CPU ids. Ids may be sparse, so always iterate with for_each_cpu. */

#include <kernel/bits.h>

enum { NR_CPUS = 256 };

struct cpumask {
	unsigned long bits[NR_CPUS / 64];
};

extern struct cpumask cpu_possible_mask; /* CPUs that may ever run: listed by firmware, allowed by maxcpus= */
extern struct cpumask cpu_online_mask;	 /* CPUs that run now */

static inline bool cpumask_test(const struct cpumask *m, unsigned cpu)
{
	return __atomic_load_n(&m->bits[cpu / 64], __ATOMIC_ACQUIRE) >> cpu % 64 & 1;
}

static inline void cpumask_set(struct cpumask *m, unsigned cpu)
{
	bitmap_set(m->bits, cpu);
}

/* For masks that other CPUs access concurrently. */
static inline void cpumask_set_atomic(struct cpumask *m, unsigned cpu)
{
	__atomic_fetch_or(&m->bits[cpu / 64], 1UL << cpu % 64, __ATOMIC_RELEASE);
}

/* First CPU of the set at or above `cpu`; NR_CPUS if there is none. */
static inline unsigned cpumask_next(const struct cpumask *m, unsigned cpu)
{
	while (cpu < NR_CPUS) {
		unsigned long word = __atomic_load_n(&m->bits[cpu / 64], __ATOMIC_ACQUIRE) >> (cpu % 64);

		if (word)
			return cpu + (unsigned)__builtin_ctzl(word);
		cpu = (cpu | 63) + 1;
	}
	return NR_CPUS;
}

static inline unsigned cpumask_weight(const struct cpumask *m)
{
	unsigned n = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(m->bits); i++)
		n += hweight64(m->bits[i]);
	return n;
}

#define for_each_cpu(cpu, mask) \
	for (cpu = cpumask_next(mask, 0); cpu < NR_CPUS; cpu = cpumask_next(mask, cpu + 1))
#define for_each_possible_cpu(cpu) for_each_cpu (cpu, &cpu_possible_mask)
#define for_each_online_cpu(cpu) for_each_cpu (cpu, &cpu_online_mask)

#endif
