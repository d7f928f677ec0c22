#ifndef KERNEL_CPUS_H
#define KERNEL_CPUS_H

#include <kernel/bootinfo.h>
#include <kernel/cpumask.h>

/* A CPU of firmware's list. The index in the array is the kernel's CPU id. */
struct cpu_info {
	u64 hw_id;    /* firmware's id (x86: APIC id; AArch64: affinity fields of MPIDR) */
	u32 node;     /* firmware's id of its node, or BOOT_NO_NODE */
	bool enabled; /* false: not present, but could be added later */
};
extern struct cpu_info cpu_info[NR_CPUS];
extern unsigned nr_cpu_info; /* entries in use, at least 1 */

/* Enters the CPUs of a list, the port's or firmware's. Context: boot, once. */
void cpus_add(const struct boot_cpu *cpu, unsigned nr);

#endif
