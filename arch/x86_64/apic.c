/*
 * apic.c - the local APIC: input from the 8259 pair, interrupts to other CPUs, a timer.
 *
 * Idea.       The boot CPU receives the two device interrupts from the 8259 pair (pic.c) through LINT0. Firmware may have
 *             left LINT0 masked (UEFI does), so it is set to pass them on ("virtual wire mode", Intel MP specification
 *             3.6.2.1). A CPU interrupts another by a write to the interrupt command register. The 8254 interrupts only
 *             the boot CPU, so the other CPUs use the APIC's timer as alarm.
 * Layout.     Registers are 16 bytes apart in a page of device memory; with x2APIC they are MSRs from 0x800 on.
 * Invariants. A CPU writes only its own registers.
 * Locking.    The command register of xAPIC is two words; interrupts are off between the two writes.
 * Failure.    Without an enabled APIC only the boot CPU runs; the 8259 pair interrupts it directly.
 * Source.     Intel SDM vol. 3, chapter 11.
 * Next:       smp.c.
 */

#include "x86_internal.h"
#include <arch/irq.h>
#include <arch/layout.h>
#include <arch/time.h>
#include <kernel/bits.h>
#include <kernel/printk.h>

enum {
	CPUID_EDX_APIC = 1 << 9,
	CPUID_ECX_X2APIC = 1 << 21,
	MSR_APIC_BASE = 0x1b,
	APIC_BASE_ENABLE = 1 << 11,
	APIC_BASE_X2 = 1 << 10,
	MSR_X2APIC = 0x800, /* + register / 16 */

	APIC_TPR = 0x80,
	APIC_EOI = 0xb0,
	APIC_SVR = 0xf0,
	APIC_ICR = 0x300, /* x2APIC: all 64 bits */
	APIC_ICR_HIGH = 0x310,
	APIC_LVT_TIMER = 0x320,
	APIC_LVT_LINT0 = 0x350,
	APIC_LVT_LINT1 = 0x360,
	APIC_TIMER_INITIAL = 0x380,
	APIC_TIMER_CURRENT = 0x390,
	APIC_TIMER_DIVIDE = 0x3e0,

	SVR_ENABLE = 1 << 8,
	LVT_MASKED = 1 << 16,
	LVT_EXTINT = 7 << 8,
	LVT_NMI = 4 << 8,
	TIMER_DIVIDE_BY_1 = 0xb,
	ICR_NMI = 4 << 8,
	ICR_INIT = 5 << 8,
	ICR_STARTUP = 6 << 8,
	ICR_PENDING = 1 << 12,
	ICR_ASSERT = 1 << 14,
	XAPIC_MAX_ID = 254, /* 255 is the broadcast id */

	ICR_SPINS_MAX = 1 << 20,
	CALIBRATE_ROUNDS = 5,
	CALIBRATE_PER_S = 10000, /* a tenth of a millisecond each */
	SAMPLE_TRIES = 4,
};

#define X2APIC_ALL 0xffffffffU

static u64 apic_base; /* of the boot CPU; 0: no APIC */
static vaddr_t apic_regs;
static u64 timer_hz; /* 0: not measured yet */

static u32 apic_read(unsigned reg)
{
	if (apic_base & APIC_BASE_X2)
		return (u32)x86_rdmsr(MSR_X2APIC + reg / 16);
	return *(volatile u32 *)(apic_regs + reg);
}

static void apic_write(unsigned reg, u32 v)
{
	if (apic_base & APIC_BASE_X2)
		x86_wrmsr(MSR_X2APIC + reg / 16, v);
	else
		*(volatile u32 *)(apic_regs + reg) = v;
}

void x86_apic_init(void)
{
	if (!(x86_cpuid(1, 0).edx & CPUID_EDX_APIC))
		return;
	apic_base = x86_rdmsr(MSR_APIC_BASE);
	if (!(apic_base & APIC_BASE_ENABLE) || apic_base >> 32) {
		apic_base = 0;
		return;
	}
	/* x2APIC needs no mapping and allows ids above 254. */
	if (x86_cpuid(1, 0).ecx & CPUID_ECX_X2APIC) {
		apic_base |= APIC_BASE_X2;
		x86_wrmsr(MSR_APIC_BASE, apic_base);
	}
	apic_regs = DIRECT_MAP_BASE + (apic_base & PAGE_MASK); /* the early tables map it */
	apic_write(APIC_TPR, 0);
	apic_write(APIC_SVR, SVR_ENABLE | X86_VEC_SPURIOUS);
	apic_write(APIC_TIMER_DIVIDE, TIMER_DIVIDE_BY_1);
	apic_write(APIC_LVT_TIMER, X86_VEC_APIC_TIMER); /* one shot; not armed on CPU 0 if there is an 8254 */
	apic_write(APIC_LVT_LINT0, LVT_EXTINT);
	apic_write(APIC_LVT_LINT1, LVT_NMI);
}

void x86_apic_map(int (*map_device)(vaddr_t va, paddr_t pa))
{
	if (!apic_base || apic_base & APIC_BASE_X2)
		return;
	if (map_device(DEVICE_BASE, apic_base & PAGE_MASK)) {
		pr_err("apic: no memory for its mapping, other CPUs cannot be started\n");
		apic_base = 0;
	}
	apic_regs = DEVICE_BASE;
}

void x86_apic_init_cpu(void)
{
	x86_wrmsr(MSR_APIC_BASE, x86_rdmsr(MSR_APIC_BASE) | APIC_BASE_ENABLE);
	if (apic_base & APIC_BASE_X2) /* the APIC must be enabled before it can change to x2APIC */
		x86_wrmsr(MSR_APIC_BASE, x86_rdmsr(MSR_APIC_BASE) | APIC_BASE_X2);
	apic_write(APIC_TPR, 0);
	apic_write(APIC_SVR, SVR_ENABLE | X86_VEC_SPURIOUS);
	/* Only the boot CPU receives the 8259 pair's interrupts and the board's NMI. */
	apic_write(APIC_LVT_LINT0, LVT_MASKED);
	apic_write(APIC_LVT_LINT1, LVT_MASKED);
	apic_write(APIC_TIMER_DIVIDE, TIMER_DIVIDE_BY_1);
	apic_write(APIC_LVT_TIMER, X86_VEC_APIC_TIMER); /* one shot */
}

bool x86_apic_reaches(u32 id)
{
	return apic_base && (apic_base & APIC_BASE_X2 ? id != X2APIC_ALL : id <= XAPIC_MAX_ID);
}

void x86_apic_eoi(void)
{
	apic_write(APIC_EOI, 0);
}

/* ---- to other CPUs ---- */

static void command(u32 id, u32 what)
{
	unsigned long flags = arch_irq_save();

	if (apic_base & APIC_BASE_X2) {
		/* WRMSR to the ICR is not ordered after earlier stores (SDM vol. 3, 11.12.3). */
		__asm__ volatile("mfence; lfence" ::: "memory");
		x86_wrmsr(MSR_X2APIC + APIC_ICR / 16, (u64)id << 32 | what);
	} else {
		for (unsigned n = 0; apic_read(APIC_ICR) & ICR_PENDING && n < ICR_SPINS_MAX; n++)
			arch_cpu_relax();
		apic_write(APIC_ICR_HIGH, id << 24);
		apic_write(APIC_ICR, what);
	}
	arch_irq_restore(flags);
}

void x86_apic_send(u32 id, unsigned vector)
{
	command(id, ICR_ASSERT | vector);
}

void x86_apic_send_nmi(u32 id)
{
	command(id, ICR_ASSERT | ICR_NMI);
}

void x86_apic_send_init(u32 id)
{
	command(id, ICR_ASSERT | ICR_INIT);
}

void x86_apic_send_startup(u32 id, paddr_t page)
{
	command(id, ICR_ASSERT | ICR_STARTUP | (u32)(page >> PAGE_SHIFT));
}

/* ---- timer ---- */

struct timer_sample {
	u64 tsc, width;
	u32 left;
};

/* Timer and TSC of one moment. An emulator may be descheduled between the reads, so the quickest of some tries is used. */
static struct timer_sample timer_sample(void)
{
	struct timer_sample best = {.width = ~0UL};

	for (unsigned i = 0; i < SAMPLE_TRIES; i++) {
		u64 before = arch_cycles();
		u32 left = apic_read(APIC_TIMER_CURRENT);
		u64 width = arch_cycles() - before;

		if (width < best.width)
			best = (struct timer_sample){before + width / 2, width, left};
	}
	return best;
}

/*
 * Measures the timer's rate, which is that of the bus and which no register holds. Counts it against the TSC for a tenth of
 * a millisecond, CALIBRATE_ROUNDS times, and uses the round with the most precise readings. Done once for all CPUs.
 */
static void timer_measure(void)
{
	u64 best_width = ~0UL;

	apic_write(APIC_LVT_TIMER, LVT_MASKED);
	apic_write(APIC_TIMER_DIVIDE, TIMER_DIVIDE_BY_1);
	apic_write(APIC_TIMER_INITIAL, ~0U);
	for (unsigned round = 0; round < CALIBRATE_ROUNDS; round++) {
		struct timer_sample start = timer_sample(), end;

		do
			end = timer_sample();
		while ((s64)(end.tsc - start.tsc) < (s64)(arch_cycles_hz() / CALIBRATE_PER_S));
		if (start.width + end.width >= best_width || start.left <= end.left)
			continue;
		best_width = start.width + end.width;
		timer_hz = (start.left - end.left) * arch_cycles_hz() / (end.tsc - start.tsc);
	}
	apic_write(APIC_TIMER_INITIAL, 0);
	apic_write(APIC_LVT_TIMER, X86_VEC_APIC_TIMER);
	timer_hz = max(timer_hz, 1UL);
}

bool x86_apic_present(void)
{
	return apic_base != 0;
}

u64 x86_apic_timer_hz(void)
{
	if (apic_base && !timer_hz)
		timer_measure();
	return timer_hz;
}

u32 x86_apic_timer_left(void)
{
	return apic_read(APIC_TIMER_CURRENT);
}

void x86_apic_timer_arm(u64 ns)
{
	if (!x86_apic_timer_hz())
		return;
	ns = min(ns, 1000000000UL); /* a later alarm takes several interrupts */
	apic_write(APIC_TIMER_INITIAL, (u32)clamp(ns * timer_hz / 1000000000UL, 1UL, (u64)~0U));
}

void x86_apic_timer_stop(void)
{
	if (apic_base)
		apic_write(APIC_TIMER_INITIAL, 0);
}
