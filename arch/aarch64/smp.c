/*
 * smp.c - the port's part of other CPUs: start, interrupt, stop.
 *
 * Idea.       PSCI starts a CPU at an address and passes it one word: the physical address of its struct a64_start. With
 *             the boot CPU's register values in it the CPU enters the kernel's address space, on its own stacks.
 * Layout.     a64_start, per CPU: all that the CPU needs before its first C function. a64_entry, per CPU: that function.
 * Invariants. S1  a64_start and a64_entry of a CPU are not changed by the start of another CPU, so a CPU that comes late
 *                 finds its own values
 *             Only a panic sends the stop, and a test that counts it.
 * Locking.    None: the boot CPU starts one CPU at a time and does nothing else with it before.
 * Failure.    PSCI's error is logged in words. If a started CPU does not come, kernel/smp_start.c gives up; the CPU keeps
 *             its stacks.
 * Source.     Arm DEN0022 (PSCI) 5.6.
 * Next:       kernel/base/smp.c.
 */
#include "a64_internal.h"

#include <arch/layout.h>
#include <arch/smp.h>
#include <arch/stop.h>
#include <arch_impl/start.h>
#include <arch_impl/sysreg.h>
#include <kernel/bits.h>
#include <kernel/cpus.h>
#include <kernel/errno.h>
#include <kernel/percpu.h>
#include <kernel/printk.h>

struct entry {
	void (*fn)(void *arg);
	void *arg;
};
static DEFINE_PER_CPU(struct entry, a64_entry);
static DEFINE_PER_CPU(struct a64_start, a64_start) __aligned(64); /* in one page, in cache lines of its own */
static_assert(offsetof(struct a64_start, mair) == A64_START_MAIR &&
		      offsetof(struct a64_start, tcr) == A64_START_TCR &&
		      offsetof(struct a64_start, ttbr1) == A64_START_TTBR1 &&
		      offsetof(struct a64_start, sctlr) == A64_START_SCTLR &&
		      offsetof(struct a64_start, stack) == A64_START_STACK &&
		      offsetof(struct a64_start, exc_stack) == A64_START_EXC_STACK &&
		      offsetof(struct a64_start, percpu) == A64_START_PERCPU &&
		      offsetof(struct a64_start, main) == A64_START_MAIN,
	      "entry.S knows these offsets");
static_assert(sizeof(struct a64_start) == 64, "it does not cross a page");

/* ---- start ---- */

/* PSCI starts a CPU at any address, so no low page is needed. */
paddr_t arch_start_page_limit(void)
{
	return 0;
}

static void cpu_main(void)
{
	struct entry *e = this_cpu_ptr(&a64_entry);

	a64_trap_init_cpu();
	a64_time_init_cpu();
	a64_gic_init_cpu();
	e->fn(e->arg);
}

/* Physical address of p, translated by the CPU. 0: not mapped. */
static paddr_t translate(const void *p)
{
	u64 par = a64_ask_mmu((vaddr_t)p, false);

	return par & A64_PAR_FAULT ? 0 : (par & A64_PAR_PA) | ((vaddr_t)p & 0xfff);
}

static const char *psci_error(long err)
{
	static const char *const words[] = {
		[1] = "there is no PSCI to do it",
		[2] = "firmware knows no such CPU",
		[3] = "firmware denies it",
		[4] = "it is on already",
		[5] = "it is being switched on",
		[6] = "an internal failure of firmware",
		[9] = "firmware takes no such entry address",
	};

	return -err < (long)ARRAY_SIZE(words) && words[-err] ? words[-err] : "an unknown error of firmware";
}

int arch_cpu_start(unsigned cpu, const struct arch_cpu_memory *mem, void (*entry)(void *arg), void *arg)
{
	struct a64_start *start = per_cpu_ptr(&a64_start, cpu);
	paddr_t start_pa = translate(start), entry_pa = (vaddr_t)a64_secondary_entry - KERNEL_VMA;
	long err;

	if (!a64_gic_reaches(cpu)) {
		pr_err("smp: CPU %u: the interrupt controller does not reach it\n", cpu);
		return -ENODEV;
	}
	*per_cpu_ptr(&a64_cpu_id, cpu) = cpu;
	*per_cpu_ptr(&a64_entry, cpu) = (struct entry){entry, arg};
	a64_stacks_set(cpu, mem->stack_end);
	*start = (struct a64_start){
		.mair = a64_read(mair_el1),
		.tcr = a64_read(tcr_el1),
		.ttbr1 = a64_read(ttbr1_el1),
		.sctlr = a64_read(sctlr_el1),
		.stack = mem->stack_end[0],
		.exc_stack = mem->stack_end[1],
		.percpu = percpu_offset[cpu],
		.main = cpu_main,
	};
	a64_clean_to_poc(start, sizeof(*start)); /* the new CPU reads it with MMU and caches off */
	err = a64_psci(A64_PSCI_CPU_ON, cpu_info[cpu].hw_id, entry_pa, start_pa);
	if (!err)
		return 0;
	pr_err("smp: CPU %u (id 0x%lx): %s (%ld)\n", cpu, cpu_info[cpu].hw_id, psci_error(err), err);
	a64_stacks_set(cpu, NULL);
	return err == -1 || err == -2 ? -ENODEV : -EIO;
}

/* ---- interrupts ---- */

void arch_ipi_send(const struct cpumask *cpus)
{
	unsigned cpu;

	for_each_cpu (cpu, cpus)
		a64_gic_send(cpu, A64_SGI_CALL);
}

void arch_stop_send(unsigned cpu)
{
	a64_gic_send(cpu, A64_SGI_STOP);
}
