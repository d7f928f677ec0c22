/*
 * cpus.c - the list of CPUs, and the masks of possible and online CPUs.
 *
 * Idea.       The boot CPU is 0. The others follow in the order in which firmware or the port lists them. One mask holds
 *             the CPUs that may ever run, another those that run now.
 * Layout.     Two masks; cpu_info[id].
 * Invariants. P1  possible is CPU 0 and the enabled CPUs of cpu_info[]; online is a subset of possible
 *             P2  percpu_offset[] is the distance from the template to each possible CPU's window, and 0 for other CPUs
 * Locking.    None: written during boot.
 * Failure.    Without a list there is one CPU. CPUs beyond NR_CPUS or maxcpus= are left out. A CPU listed twice counts
 *             once.
 * Next:       mm/percpu.c, which allocates each possible CPU's areas.
 */

#include <arch/cpu.h>
#include <arch/layout.h>
#include <boot.h>
#include <kernel/cmdline.h>
#include <kernel/cpus.h>
#include <kernel/errno.h>
#include <kernel/percpu.h>
#include <kernel/printk.h>
#include <kernel/sections.h>
#include <kernel/string.h>
#include <mm/check.h>

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
	max_cpus = (unsigned)clamp(n, 1UL, (u64)NR_CPUS); /* 0 means nosmp, as in Linux */
	return 0;
}
CMDLINE_OPT("maxcpus", "a number of CPUs", cpus_set_maxcpus);

static bool is_known(u64 hw_id)
{
	for (unsigned cpu = 0; cpu < nr_cpu_info; cpu++)
		if (cpu_info[cpu].hw_id == hw_id)
			return true;
	return false;
}

/* The running CPU is CPU 0, even if firmware does not list it. */
static void add_cpus(const struct boot_cpu *cpu, unsigned nr)
{
	unsigned may_run = 1;

	cpu_info[0] = (struct cpu_info){.hw_id = arch_cpu_hw_id(), .node = BOOT_NO_NODE, .enabled = true};
	for (unsigned i = 0; i < nr; i++) {
		struct cpu_info c = {.hw_id = cpu[i].hw_id, .node = cpu[i].node, .enabled = cpu[i].enabled};

		if (c.hw_id == cpu_info[0].hw_id) {
			cpu_info[0].node = c.node;
		} else if (is_known(c.hw_id)) {
			pr_warn("cpus: firmware names the CPU with id %lu twice\n", c.hw_id);
		} else if (nr_cpu_info < NR_CPUS && (!c.enabled || may_run < max_cpus)) {
			if (c.enabled)
				cpumask_set(&cpu_possible_mask, nr_cpu_info);
			may_run += c.enabled;
			cpu_info[nr_cpu_info++] = c;
		}
	}
}

/* Reads the MADT's CPUs. acpi_numa() reads their nodes and those of memory from the SRAT and SLIT. */
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

void cpus_init(struct boot_info *bi)
{
	static struct boot_cpu cpu[NR_CPUS];

	if (bi->nr_cpus)
		add_cpus(bi->cpu, min(bi->nr_cpus, (unsigned)BOOT_MAX_CPUS));
	else
		add_cpus(cpu, cpus_from_madt(bi, cpu));
}

/* ---- check ---- */

static char wrong[80];

static const char *complain(const char *what, unsigned cpu)
{
	snprintf(wrong, sizeof(wrong), "%s: CPU %u", what, cpu);
	return wrong;
}

static const char *cpus_check(void)
{
	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++) {
		bool possible = cpu == 0 || (cpu < nr_cpu_info && cpu_info[cpu].enabled);
		vaddr_t window = PERCPU_BASE + cpu * PERCPU_STRIDE;

		if (cpumask_test(&cpu_possible_mask, cpu) != possible)
			return complain("cpus.P1: possible, or not, against firmware's word", cpu);
		if (cpumask_test(&cpu_online_mask, cpu) && !possible)
			return complain("cpus.P1: online and not possible", cpu);
		if (percpu_offset[cpu] != (possible ? window - (vaddr_t)__percpu_start : 0))
			return complain("cpus.P2: its variables are not in its window", cpu);
	}
	return NULL;
}
MM_CHECK_RANKED("cpus", cpus_check, CHECK_RANK_MEMORY);
