/*
 * cpu.c - properties of the CPU, read from its ID registers, and the functions that need them.
 *
 * Idea.       The ID registers describe the CPU completely; no table of CPU models is needed.
 * Layout.     known_cpu[]: names for the implementer and part fields of MIDR_EL1; other CPUs are named by number
 * Invariants. All CPUs of the machine are alike in every property that this file reads.
 * Locking.    None: written by the boot CPU.
 * Failure.    Without cache information: lines of 64 bytes and ways of 4 KiB.
 * Source.     Arm ARM D17.2 (MIDR_EL1, CLIDR_EL1, CCSIDR_EL1, CTR_EL0, ID_AA64MMFR0_EL1).
 * Next:       pt.c.
 */

#include "a64_internal.h"
#include <arch/cache.h>
#include <arch/irq.h>
#include <arch_impl/sysreg.h>
#include <kernel/percpu.h>
#include <kernel/printk.h>

DEFINE_PER_CPU(unsigned, a64_cpu_id);

static unsigned cache_line = 64, l1d_way = 4096;
static char cpu_name[64];

static const struct {
	u16 implementer, part;
	const char *name;
} known_cpu[] = {
	{0x41, 0xd03, "Arm Cortex-A53"},  {0x41, 0xd05, "Arm Cortex-A55"},  {0x41, 0xd07, "Arm Cortex-A57"},
	{0x41, 0xd08, "Arm Cortex-A72"},  {0x41, 0xd0b, "Arm Cortex-A76"},  {0x41, 0xd0c, "Arm Neoverse N1"},
	{0x41, 0xd40, "Arm Neoverse V1"}, {0x41, 0xd49, "Arm Neoverse N2"}, {0x46, 0x001, "Fujitsu A64FX"},
	{0x00, 0x051, "QEMU max"},
};

/* Reads the geometry of the L1 data or unified cache. With FEAT_CCIDX the fields of CCSIDR_EL1 are wider. */
static void cache_detect(void)
{
	u64 type = a64_read(clidr_el1) & 7, geometry, sets;

	if (type < 2)
		return;
	a64_write(csselr_el1, 0);
	a64_isb();
	geometry = a64_read(ccsidr_el1);
	if (a64_id_field(id_aa64mmfr2_el1, 20)) {
		sets = (geometry >> 32 & 0xffffff) + 1;
	} else {
		sets = (geometry >> 13 & 0x7fff) + 1;
	}
	cache_line = 16U << (geometry & 7);
	l1d_way = cache_line * (unsigned)sets;
}

static void name_detect(void)
{
	u64 midr = a64_read(midr_el1);
	unsigned implementer = midr >> 24 & 0xff, part = midr >> 4 & 0xfff, variant = midr >> 20 & 15,
		 revision = midr & 15;

	for (unsigned i = 0; i < ARRAY_SIZE(known_cpu); i++) {
		if (known_cpu[i].implementer == implementer && known_cpu[i].part == part) {
			snprintf(cpu_name, sizeof(cpu_name), "%s r%up%u", known_cpu[i].name, variant,
				 revision);
			return;
		}
	}
	snprintf(cpu_name, sizeof(cpu_name), "CPU of implementer 0x%02x, part 0x%03x r%up%u", implementer,
		 part, variant, revision);
}

void a64_cpu_init(void)
{
	cache_detect();
	name_detect();
}

/* The offset lives in x18. TPIDR_EL1 holds a copy for debuggers. */
void arch_percpu_set(unsigned long offset)
{
	a64_percpu = offset;
	a64_write(tpidr_el1, offset);
}

u64 arch_cpu_hw_id(void)
{
	return a64_read(mpidr_el1) & BOOT_MPIDR_AFFINITY;
}

unsigned arch_cache_line_bytes(void)
{
	return cache_line;
}

unsigned arch_l1d_way_bytes(void)
{
	return l1d_way;
}

const char *arch_cpu_name(void)
{
	return cpu_name;
}

/* TCR.IPS, which entry.S has set, limits the physical address that an entry can hold. */
paddr_t arch_phys_limit(void)
{
	static const u8 bits[8] = {32, 36, 40, 42, 44, 48, 52, 52};

	return 1UL << bits[a64_read(tcr_el1) >> A64_TCR_IPS_SHIFT & 7];
}

/* WFI also wakes up for a masked interrupt, so an interrupt between the caller's test and WFI is not lost. */
void arch_idle(void)
{
	__asm__ volatile("dsb sy; wfi; msr daifclr, #2" ::: "memory");
}

void a64_clean_to_poc(const void *p, size_t size)
{
	unsigned long line = 4UL << (a64_read(ctr_el0) >> 16 & 15), va = (unsigned long)p & ~(line - 1);

	for (; va < (unsigned long)p + size; va += line)
		__asm__ volatile("dc cvac, %0" ::"r"(va) : "memory");
	__asm__ volatile("dsb sy" ::: "memory");
}
