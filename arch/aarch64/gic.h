#ifndef AARCH64_GIC_H
#define AARCH64_GIC_H

/* Interface between gic.c and the two versions of the controller. */

#include "a64_internal.h"
#include <kernel/bits.h>

enum {
	GICD_CTLR = 0x000,
	GICD_TYPER = 0x004,
	/* Interrupts 0 to 31 are private to a CPU: banked in version 2, in the redistributor in version 3. */
	GIC_IGROUPR = 0x080,   /* a bit for each interrupt */
	GIC_ISENABLER = 0x100, /* a bit for each; writing 1 acts. So do the next two */
	GIC_ICENABLER = 0x180,
	GIC_ICACTIVER = 0x380,
	GIC_IPRIORITYR = 0x400, /* a byte for each; 0 is the most urgent */
	GIC_ICFGR = 0xc00,	/* two bits for each; the upper one: edge-triggered */

	GIC_FIRST_SPI = 32,
	GIC_SPURIOUS = 1020, /* to 1023: no interrupt */
	GIC_PRIORITY_MASK = 0xf0,
};

struct a64_gic {
	const char *name;
	u32 id_mask;		/* the INTID in the result of ack() */
	void (*init)(void);	/* the common part; maps the registers of each possible CPU */
	bool (*init_cpu)(void); /* this CPU's part; true: the stop arrives as an FIQ */
	bool (*reaches)(unsigned cpu);
	void (*route)(u32 spi); /* routes a shared interrupt to this CPU */
	void (*send)(unsigned cpu, enum a64_sgi sgi, bool fiq);
	u32 (*ack)(bool fiq); /* makes the most urgent pending interrupt active and returns it */
	void (*end)(u32 acked, bool fiq);
};
extern const struct a64_gic a64_gic_v2, a64_gic_v3;

/* Address of the distributor's registers, once they are mapped. */
extern vaddr_t a64_gicd;

static inline u32 gic_read(vaddr_t base, unsigned reg)
{
	return *(volatile u32 *)(base + reg);
}

static inline void gic_write(vaddr_t base, unsigned reg, u32 v)
{
	*(volatile u32 *)(base + reg) = v;
}

static inline void gic_write_byte(vaddr_t base, unsigned reg, u8 v)
{
	*(volatile u8 *)(base + reg) = v;
}

/* Waits until these bits are clear. If the device does not clear them, a warning names the register. */
void a64_gic_wait_clear(vaddr_t base, unsigned reg, u32 bits);
/* Maps registers at pa into the device window. Panics if memory or addresses are short. Context: arch_irq_init(). */
vaddr_t a64_gic_map(paddr_t pa, size_t size);
/* Disables all shared interrupts and puts them into group 1. */
void a64_gic_reset_shared(void);
/* Enables those of a CPU's own interrupts that the kernel uses. With group0 the stop goes into group 0; true: it did. */
bool a64_gic_reset_own(vaddr_t regs, bool group0);

#endif
