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
void cpus_add(const struct boot_cpu *cpu, unsigned nr)
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
