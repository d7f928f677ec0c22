/*
 * test_a64_dev.c - interrupts, timers, cycle counters and firmware calls of each CPU.
 *
 * Idea.       The stop of a panic is sent outside of one: it is counted then, and the CPU goes on.
 * Layout.     Interrupts; timers and counters; PSCI.
 * Invariants. Every case leaves interrupts on and no request behind.
 * Locking.    None: main loop.
 * Failure.    EXPECT lines.
 * Next:       tests/host/test_virt.py, which looks at whole machines.
 */

#include <arch/irq.h>
#include <arch/time.h>
#include <kernel/bits.h>
#include <kernel/percpu.h>
#include "arch/aarch64/a64_internal.h"
#include "arch/aarch64/include/arch_impl/sysreg.h"
#include "tests/kernel/other_cpu.h"

#define LIMIT_NS 1000000000UL

/* ---- interrupts ---- */

static void on_each_cpu(void (*fn)(void *ctx), void *ctx)
{
	unsigned cpu;

	for_each_online_cpu (cpu) {
		if (cpu == arch_cpu_id())
			fn(ctx);
		else
			run_on(cpu, fn, ctx);
	}
}

/* Waits until *count is n; false: not within a second. */
static bool comes_to(const volatile unsigned long *count, unsigned long n)
{
	u64 limit = arch_time_ns() + LIMIT_NS;

	while (*count != n && arch_time_ns() < limit)
		arch_cpu_relax();
	return *count == n;
}

static void stop_with_irqs_off(void *ctx)
{
	const volatile unsigned long *stops = &this_cpu_ptr(&a64_irq_count)->stops;
	unsigned long before = *stops, flags = arch_irq_save();

	a64_gic_send(arch_cpu_id(), A64_SGI_STOP);
	*(unsigned *)ctx += comes_to(stops, before + 1) && arch_irq_disabled();
	arch_irq_restore(flags);
}

KTEST(a64_dev, the_stop_is_taken_with_interrupts_off)
{
	unsigned taken = 0;

	if (!a64_gic_stop_is_fiq())
		SKIP("group 0 is firmware's");
	on_each_cpu(stop_with_irqs_off, &taken);
	EXPECT_EQ(taken, cpumask_weight(&cpu_online_mask));
}

static void stop_in_interrupt(void *ctx)
{
	stop_with_irqs_off(ctx);
}

static void raise_stop(void *ctx)
{
	arch_irq_test_raise(stop_in_interrupt, ctx);
}

KTEST(a64_dev, the_stop_is_taken_inside_an_interrupt)
{
	unsigned taken = 0;

	if (!a64_gic_stop_is_fiq())
		SKIP("group 0 is firmware's");
	on_each_cpu(raise_stop, &taken);
	EXPECT_EQ(taken, cpumask_weight(&cpu_online_mask));
}

static void count_up(void *ctx)
{
	++*(volatile unsigned long *)ctx;
}

static void raised_while_off(void *ctx)
{
	unsigned long seen = 0, flags = arch_irq_save();

	arch_irq_test_raise(count_up, &seen);
	for (unsigned n = 0; n < 1000; n++)
		arch_cpu_relax();
	if (seen)
		++*(unsigned *)ctx;
	arch_irq_restore(flags);
	if (!comes_to(&seen, 1))
		++*(unsigned *)ctx;
}

KTEST(a64_dev, an_interrupt_waits_until_the_cpu_has_them_on)
{
	unsigned wrong = 0;

	on_each_cpu(raised_while_off, &wrong);
	EXPECT_EQ(wrong, 0);
}

KTEST(a64_dev, a_look_that_finds_no_interrupt_is_counted)
{
	const unsigned long *spurious = &this_cpu_ptr(&a64_irq_count)->spurious;
	unsigned long before = *spurious, flags = arch_irq_save();

	/* What is pending by chance comes first. */
	for (unsigned n = 0; n < 8 && *spurious == before; n++)
		a64_gic_irq(NULL);
	arch_irq_restore(flags);
	EXPECT_EQ(*spurious, before + 1);
}

enum { CALLS = 100 };

static void count_call(void *ctx)
{
	atomic_fetch_add((_Atomic unsigned long *)ctx, 1);
}

static void call_back(void *ctx)
{
	for (unsigned n = 0; n < CALLS; n++)
		smp_call_all(count_call, ctx);
}

/*
 * Interrupts of one kind that come from several CPUs at once merge; each call is answered once by each CPU.
 * Shows aarch64/gic.I1.
 */
KTEST(a64_dev, calls_between_all_pairs_of_cpus_are_answered)
{
	struct smp_task task[NR_CPUS] = {};
	static _Atomic unsigned long calls[NR_CPUS];
	unsigned cpu;

	for_each_online_cpu (cpu) {
		atomic_store(&calls[cpu], 0);
		task[cpu] = (struct smp_task){.fn = call_back, .ctx = (void *)&calls[cpu]};
		if (cpu != arch_cpu_id())
			EXPECT_EQ(smp_start(cpu, &task[cpu]), 0);
	}
	call_back((void *)&calls[arch_cpu_id()]);
	for_each_online_cpu (cpu) {
		if (cpu != arch_cpu_id())
			smp_wait(&task[cpu]);
		EXPECT_EQ(atomic_load(&calls[cpu]), CALLS * cpumask_weight(&cpu_online_mask));
	}
}

/* ---- timers and counters ---- */

static void tick_thrice(void *ctx)
{
	volatile unsigned long ticks = 0;
	u64 limit = arch_time_ns() + LIMIT_NS;

	arch_time_tick(100000, count_up, (void *)&ticks);
	while (ticks < 3 && arch_time_ns() < limit)
		arch_cpu_relax();
	arch_time_tick(0, NULL, NULL);
	*(unsigned *)ctx += ticks >= 3;
}

KTEST(a64_dev, each_cpu_has_a_timer)
{
	unsigned ticking = 0;

	on_each_cpu(tick_thrice, &ticking);
	EXPECT_EQ(ticking, cpumask_weight(&cpu_online_mask));
}

static void count_cycles(void *ctx)
{
	u64 start = arch_cycles(), limit = arch_time_ns() + LIMIT_NS;

	while (arch_cycles() == start && arch_time_ns() < limit)
		arch_cpu_relax();
	*(unsigned *)ctx += arch_cycles() > start;
}

KTEST(a64_dev, each_cpu_counts_cycles)
{
	unsigned counting = 0, pmu = a64_id_field(id_aa64dfr0_el1, 8);

	EXPECT_EQ(a64_has_cycles, pmu != 0 && pmu != 15);
	on_each_cpu(count_cycles, &counting);
	EXPECT_EQ(counting, cpumask_weight(&cpu_online_mask));
}

/* Each sees the one before it in the past. */
static void later_than(void *ctx)
{
	u64 now = arch_time_ns(), *last = ctx;

	if (now < *last)
		*last = ~0UL;
	else if (*last != ~0UL)
		*last = now;
}

KTEST(a64_dev, the_clock_is_the_same_on_all_cpus)
{
	u64 last = 0;

	for (unsigned n = 0; n < 10; n++)
		on_each_cpu(later_than, &last);
	EXPECT_NE(last, ~0UL);
}

/* ---- PSCI ---- */

KTEST(a64_dev, firmware_answers_what_it_cannot_do)
{
	enum { ALREADY_ON = -4, MIGRATE = 0xc4000005 }; /* of a Trusted OS: there is none */

	if (a64_dev.psci == BOOT_PSCI_NONE)
		SKIP("there is no PSCI");
	EXPECT_EQ(a64_psci(A64_PSCI_CPU_ON, arch_cpu_hw_id(), 0, 0), ALREADY_ON);
	EXPECT_EQ(a64_psci(MIGRATE, arch_cpu_hw_id(), 0, 0), A64_PSCI_NOT_SUPPORTED);
}

KTEST(a64_dev, without_firmware_nothing_is_called)
{
	struct boot_devices saved = a64_dev;
	long nobody, nowhere = A64_PSCI_NOT_SUPPORTED;

	a64_dev.psci = BOOT_PSCI_NONE;
	nobody = a64_psci(A64_PSCI_CPU_ON, arch_cpu_hw_id(), 0, 0);
	/* Without EL3 there is no monitor to be called: the instruction is undefined. */
	if (saved.psci == BOOT_PSCI_HVC && !a64_id_field(id_aa64pfr0_el1, 12)) {
		a64_dev.psci = BOOT_PSCI_SMC;
		nowhere = a64_psci(A64_PSCI_CPU_ON, arch_cpu_hw_id(), 0, 0);
	}
	a64_dev = saved;
	EXPECT_EQ(nobody, A64_PSCI_NOT_SUPPORTED);
	EXPECT_EQ(nowhere, A64_PSCI_NOT_SUPPORTED);
}
