/*
 * cpus.c - the list of CPUs, from the port or from ACPI.
 *
 * Idea.       A port that reads the CPUs from a device tree or from ACPI stores them in bi->cpu. On a PC bi->cpu is empty.
 *             The CPUs then come from the MADT, and their nodes and those of memory from the SRAT.
 * Locking.    None: boot, while the early page tables are in use.
 * Failure.    No MADT: a warning, and the boot CPU alone.
 * Next:       kernel/base/cpus.c, which stores the list.
 */
#include "boot.h"

#include <kernel/bits.h>
#include <kernel/cpus.h>
#include <kernel/printk.h>

static unsigned cpus_from_madt(struct boot_info *bi, struct boot_cpu *cpu)
{
	static struct acpi_cpu found[NR_CPUS];
	unsigned nr = 0;
	const void *madt;
	u32 len;

	madt = acpi_find_table(&boot_early_mem, bi, "APIC", &len);
	if (madt)
		nr = min(acpi_madt_cpus(madt, len, found, NR_CPUS, bi), (unsigned)NR_CPUS);
	else
		pr_warn("cpus: firmware has no MADT, which names the CPUs: only this one runs\n");
	for (unsigned i = 0; i < nr; i++)
		cpu[i] = (struct boot_cpu){.hw_id = found[i].apic_id, .enabled = found[i].enabled};
	acpi_numa(&boot_early_mem, bi, cpu, NULL, nr);
	return nr;
}

void boot_cpus_init(struct boot_info *bi)
{
	static struct boot_cpu cpu[NR_CPUS];

	if (bi->nr_cpus)
		cpus_add(bi->cpu, min(bi->nr_cpus, (unsigned)BOOT_MAX_CPUS));
	else
		cpus_add(cpu, cpus_from_madt(bi, cpu));
}
