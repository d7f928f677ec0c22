/*
 * pic.c - the two 8259 interrupt controllers, and the local APIC as a plain wire to them.
 *
 * Idea.       One CPU needs two lines: the timer's and the UART's. The 8259 pair does that on every PC
 *             without a table of ACPI. Firmware may have left the local APIC on with its LINT0 input closed
 *             (UEFI does); it is set to pass the 8259's interrupt through ("virtual wire mode", Intel MP
 *             specification 3.6.2.1).
 * Layout.     Lines 0 to 15 are vectors 32 to 47.
 * Invariants. All lines but those in use are masked.
 * Locking.    None: set up once, then only the interrupt handler.
 * Failure.    A spurious interrupt (line 7 or 15 without its in-service bit) is dropped.
 * Next:       trap.c.
 */

#include "x86_internal.h"
#include <arch/layout.h>

enum {
	PIC1 = 0x20,
	PIC2 = 0xa0, /* + 0: command, + 1: data */
	ICW1_INIT_ICW4 = 0x11,
	ICW4_8086 = 0x01,
	OCW2_EOI = 0x20,
	OCW3_READ_ISR = 0x0b,

	MSR_APIC_BASE = 0x1b,
	APIC_BASE_ENABLE = 1 << 11,
	APIC_BASE_X2 = 1 << 10,
	MSR_X2APIC = 0x800, /* + register / 16 */
	APIC_TPR = 0x80,
	APIC_SVR = 0xf0,
	APIC_LVT_TIMER = 0x320,
	APIC_LVT_LINT0 = 0x350,
	APIC_LVT_LINT1 = 0x360,
	SVR_ENABLE = 1 << 8,
	LVT_MASKED = 1 << 16,
	LVT_EXTINT = 7 << 8,
	LVT_NMI = 4 << 8,
};

static const u16 used_lines = 1 << X86_IRQ_TIMER | 1 << X86_IRQ_CASCADE | 1 << X86_IRQ_COM1;

static void apic_write(u64 base, unsigned reg, u32 v)
{
	if (base & APIC_BASE_X2)
		x86_wrmsr(MSR_X2APIC + reg / 16, v);
	else
		*(volatile u32 *)(DIRECT_MAP_BASE + (base & 0xfffff000) + reg) = v;
}

/* Runs on the early page tables, whose direct map reaches the registers. */
void x86_lapic_virtual_wire(void)
{
	u64 base;

	if (!(x86_cpuid(1, 0).edx & 1 << 9))
		return;
	base = x86_rdmsr(MSR_APIC_BASE);
	if (!(base & APIC_BASE_ENABLE) || base >> 32)
		return; /* off: the 8259's wire goes to the CPU directly */
	apic_write(base, APIC_TPR, 0);
	apic_write(base, APIC_SVR, SVR_ENABLE | X86_VEC_SPURIOUS);
	apic_write(base, APIC_LVT_TIMER, LVT_MASKED);
	apic_write(base, APIC_LVT_LINT0, LVT_EXTINT);
	apic_write(base, APIC_LVT_LINT1, LVT_NMI);
}

void x86_pic_init(void)
{
	x86_outb(PIC1, ICW1_INIT_ICW4);
	x86_outb(PIC2, ICW1_INIT_ICW4);
	x86_outb(PIC1 + 1, X86_VEC_IRQ);
	x86_outb(PIC2 + 1, X86_VEC_IRQ + 8);
	x86_outb(PIC1 + 1, 1 << X86_IRQ_CASCADE);
	x86_outb(PIC2 + 1, X86_IRQ_CASCADE);
	x86_outb(PIC1 + 1, ICW4_8086);
	x86_outb(PIC2 + 1, ICW4_8086);
	x86_outb(PIC1 + 1, (u8)~used_lines);
	x86_outb(PIC2 + 1, (u8) ~(used_lines >> 8));
}

bool x86_pic_spurious(unsigned line)
{
	u16 pic = line < 8 ? PIC1 : PIC2;

	if (line % 8 != 7)
		return false;
	x86_outb(pic, OCW3_READ_ISR);
	if (x86_inb(pic) & 0x80)
		return false;
	if (pic == PIC2)
		x86_outb(PIC1, OCW2_EOI); /* the first one did see its cascade line */
	return true;
}

void x86_pic_eoi(unsigned line)
{
	if (line >= 8)
		x86_outb(PIC2, OCW2_EOI);
	x86_outb(PIC1, OCW2_EOI);
}
