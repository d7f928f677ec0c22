/*
 * test_x86.c - what only this port has: IST stacks, control registers.
 *
 * Idea.       What the CPU has loaded is what the port meant.
 * Layout.     Registers; panics.
 * Invariants. None.
 * Locking.    None: main loop.
 * Failure.    EXPECT lines.
 * Next:       tests/kernel/test_trap.c.
 */

#include <arch/irq.h>
#include <arch/pt.h>
#include <arch/stacks.h>
#include <arch/time.h>
#include <kernel/cpumask.h>
#include <kernel/smp.h>
#include <kernel/string.h>
#include <kernel/test.h>
#include <mm/internal.h>
#include "arch/x86_64/include/arch_impl/stack.h"
#include "arch/x86_64/x86_internal.h"

/* What each CPU has loaded: its task state's stacks must be its own. */
struct loaded {
	u64 gdt, ist[X86_NR_IST];
};

static void look_at_loaded(void *ctx)
{
	struct loaded *l = (struct loaded *)ctx + arch_cpu_id();
	struct {
		u16 limit;
		u64 base;
	} __packed gdtr;
	const u64 *entry;
	const char *tss;
	u16 tr;

	__asm__ volatile("sgdt %0; str %1" : "=m"(gdtr), "=r"(tr));
	entry = (const u64 *)(gdtr.base + tr);
	tss = (const char *)((entry[0] >> 16 & 0xffffff) | (entry[0] >> 56) << 24 | entry[1] << 32);
	l->gdt = gdtr.base;
	memcpy(l->ist, tss + 36, sizeof(l->ist)); /* Intel SDM vol. 3, figure 7-11 */
}

KTEST(x86, each_cpu_has_segments_and_stacks_of_its_own)
{
	static struct loaded loaded[NR_CPUS];
	unsigned cpu, other;

	smp_call_all(look_at_loaded, loaded);
	for_each_online_cpu (cpu) {
		for (unsigned n = 0; n < X86_NR_IST; n++)
			EXPECT_EQ(loaded[cpu].ist[n], arch_stack_end(cpu, n + 1));
		for_each_online_cpu (other)
			EXPECT_EQ(loaded[cpu].gdt == loaded[other].gdt, cpu == other);
	}
}

KTEST(x86, protections_that_the_cpu_has_are_on)
{
	unsigned long cr0 = x86_read_cr0(), cr4 = x86_read_cr4();
	struct cpuid l1 = x86_cpuid(1, 0), l7 = {};

	if (x86_cpuid(0, 0).eax >= 7)
		l7 = x86_cpuid(7, 0);
	EXPECT_TRUE(cr0 & X86_CR0_WP);
	EXPECT_EQ(!!(cr4 & X86_CR4_PGE), l1.edx >> 13 & 1);
	EXPECT_EQ(!!(cr4 & X86_CR4_SMEP), l7.ebx >> 7 & 1);
	EXPECT_EQ(!!(cr4 & X86_CR4_SMAP), l7.ebx >> 20 & 1);
	EXPECT_EQ(!!(cr4 & X86_CR4_UMIP), l7.ecx >> 2 & 1);
	EXPECT_EQ(!!(cr4 & X86_CR4_LA57), arch_pt_levels() == 5);
	EXPECT_EQ(!!(x86_rdmsr(X86_MSR_EFER) & X86_EFER_NXE), x86_pte_nx != 0);
}

/* But for what directmap= cuts off. */
KTEST(x86, zones_are_those_of_a_pc)
{
	EXPECT_EQ(zone_border(0, ZONE_DMA32), min(MIB(16) >> PAGE_SHIFT, direct_map_end_pfn));
	EXPECT_EQ(zone_border(0, ZONE_NORMAL), min(GIB(4) >> PAGE_SHIFT, direct_map_end_pfn));
}

KTEST(x86, columns_of_an_entry_are_those_of_linux)
{
	char columns[64];

	arch_pte_columns(arch_pte_leaf(0x1000, PT_RW, 0), 0, columns, sizeof(columns));
	EXPECT_STREQ(columns, "    RW                 GLB NX ");
	arch_pte_columns((pte_t){0}, 0, columns, sizeof(columns));
	EXPECT_STREQ(columns, "                              ");
}

KTEST_PANIC(x86, panic_nmi, "NMI, handled on the NMI stack")
{
	__asm__ volatile("int $2");
}

KTEST_PANIC(x86, panic_machine_check, "machine check, handled on the machine check stack")
{
	__asm__ volatile("int $18");
}

KTEST_PANIC(x86, panic_invalid_opcode, "invalid opcode, handled on the boot stack")
{
	__asm__ volatile("ud2");
}

/* ---- clocks ---- */

KTEST(x86, the_hypervisors_two_numbers_are_a_rate)
{
	EXPECT_EQ(x86_pvclock_hz(0x80000000, 0), 2000000000);
	EXPECT_EQ(x86_pvclock_hz(0x80000000, 1), 1000000000);
	EXPECT_EQ(x86_pvclock_hz(0x80000000, -1), 4000000000);
	EXPECT_EQ(x86_pvclock_hz(0, 0), 0);
	/* What KVM gives for 2.3 GHz. */
	EXPECT_TRUE(x86_pvclock_hz(3734706379u, -1) / 1000000 == 2299 ||
		    x86_pvclock_hz(3734706379u, -1) / 1000000 == 2300);
}

struct apic_sample {
	u64 tsc, width;
	u32 left;
};

static struct apic_sample apic_sample(void)
{
	struct apic_sample best = {.width = ~0UL};

	for (unsigned i = 0; i < 16; i++) {
		u64 before = arch_cycles();
		u32 left = x86_apic_timer_left();
		u64 width = arch_cycles() - before;

		if (width < best.width)
			best = (struct apic_sample){before + width / 2, width, left};
	}
	return best;
}

/* Its rate was measured in a tenth of a millisecond; here it counts for twenty. */
KTEST(x86, the_apic_timers_rate_is_right_to_one_percent)
{
	struct apic_sample start, end;
	u64 hz = x86_apic_timer_hz(), counted, flags;

	if (!hz)
		SKIP("no APIC");
	flags = arch_irq_save();
	x86_apic_timer_arm(1000000000);
	start = apic_sample();
	do
		end = apic_sample();
	while (end.tsc - start.tsc < arch_cycles_hz() / 50 && end.left);
	x86_apic_timer_stop();
	arch_irq_restore(flags);
	ASSERT_TRUE(end.left != 0);
	counted = (start.left - end.left) * arch_cycles_hz() / (end.tsc - start.tsc);
	EXPECT_MSG(counted > hz - hz / 100 && counted < hz + hz / 100, "measured %lu Hz, counts %lu a second",
		   hz, counted);
}
