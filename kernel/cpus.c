/*
 * cpus.c - which CPUs there are.
 *
 * Idea.       The boot CPU is 0; the others follow in the order in which firmware names them. A mask says
 *             which may ever run, another which run now. So far only CPU 0 is started: others are counted,
 *             said, and left where firmware parked them.
 * Layout.     Two masks; cpu_info[id].
 * Invariants. online is a subset of possible; CPU 0 is in both from the beginning.
 * Locking.    None: written during boot.
 * Failure.    No list from firmware: one CPU. More than NR_CPUS: the rest is counted only.
 * Next:       mm/percpu.c, which gives each possible CPU its areas.
 */

#include <arch/cpu.h>
#include <boot.h>
#include <kernel/cmdline.h>
#include <kernel/cpus.h>
#include <kernel/errno.h>
#include <kernel/printk.h>
#include <kernel/string.h>

struct cpumask cpu_possible_mask = {.bits = {1}};
struct cpumask cpu_online_mask = {.bits = {1}};

struct cpu_info cpu_info[NR_CPUS];
unsigned nr_cpu_info = 1;

/* CPUs that may run, the boot CPU included; at least 1. */
static unsigned max_cpus = NR_CPUS;

static int cpus_set_nosmp(const char *value)
{
	if (value)
		return -EINVAL;
	max_cpus = 1;
	return 0;
}
CMDLINE_OPT("nosmp", "no value", cpus_set_nosmp);

static int cpus_set_maxcpus(const char *value)
{
	u64 n;

	if (!value || parse_u64(value, &n))
		return -EINVAL;
	max_cpus = (unsigned)clamp(n, 1UL, (u64)NR_CPUS); /* 0 is Linux's other word for nosmp */
	return 0;
}
CMDLINE_OPT("maxcpus", "a number of CPUs", cpus_set_maxcpus);

void cpus_init(struct boot_info *bi)
{
	static struct acpi_cpu found[NR_CPUS];
	unsigned nr, parked = 0;
	const void *madt;
	u32 len;

	cpu_info[0] = (struct cpu_info){.hw_id = arch_cpu_hw_id(), .enabled = true};
	madt = acpi_find_table(&boot_early_mem, bi, "APIC", &len);
	if (!madt)
		return;
	nr = acpi_madt_cpus(madt, len, found, NR_CPUS, bi);
	for (unsigned i = 0; i < min(nr, (unsigned)NR_CPUS) && nr_cpu_info < max_cpus; i++) {
		if (found[i].apic_id == cpu_info[0].hw_id)
			continue;
		cpu_info[nr_cpu_info++] =
			(struct cpu_info){.hw_id = found[i].apic_id, .enabled = found[i].enabled};
		parked += found[i].enabled;
	}
	if (parked)
		pr_info("cpus: %u other CPU%s left parked\n", parked, parked == 1 ? "" : "s");
}
