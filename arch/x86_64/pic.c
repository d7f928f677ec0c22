/*
 * pic.c - the two 8259 interrupt controllers.
 *
 * Idea.       The kernel uses two device interrupts, the timer's and the UART's, and the boot CPU takes both. The 8259 pair
 *             delivers them on every PC, without ACPI tables.
 * Layout.     Lines 0 to 15 are vectors 32 to 47.
 * Invariants. All unused lines are masked.
 * Locking.    None: set up once, then used by the interrupt handler only.
 * Failure.    A spurious interrupt (line 7 or 15 with its in-service bit clear) is ignored.
 * Next:       apic.c.
 */

#include "x86_internal.h"

enum {
	PIC1 = 0x20,
	PIC2 = 0xa0, /* port + 0: command; port + 1: data */
	ICW1_INIT_ICW4 = 0x11,
	ICW4_8086 = 0x01,
	OCW2_EOI = 0x20,
	OCW3_READ_ISR = 0x0b,
};

static const u16 used_lines = 1 << X86_IRQ_TIMER | 1 << X86_IRQ_CASCADE | 1 << X86_IRQ_COM1;

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
		x86_outb(PIC1, OCW2_EOI); /* the cascade line of the first controller was a real interrupt */
	return true;
}

void x86_pic_eoi(unsigned line)
{
	if (line >= 8)
		x86_outb(PIC2, OCW2_EOI);
	x86_outb(PIC1, OCW2_EOI);
}
