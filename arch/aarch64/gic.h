#ifndef AARCH64_GIC_H
#define AARCH64_GIC_H

/* Between gic.c and the two kinds of controllers. */

#include "a64_internal.h"
#include <kernel/bits.h>

enum {
	GICD_CTLR = 0x000,
	GICD_TYPER = 0x004,
	/* Of interrupts 0 to 31 these belong to each CPU: banked in version 2, in the redistributor in version 3. */
	GIC_IGROUPR = 0x080,   /* a bit each */
	GIC_ISENABLER = 0x100, /* a bit each, written as ones; so the next two */
	GIC_ICENABLER = 0x180,
	GIC_ICACTIVER = 0x380,
	GIC_IPRIORITYR = 0x400, /* a byte each, 0 is the most urgent */
	GIC_ICFGR = 0xc00,	/* two bits each, the upper one: edge */

	GIC_FIRST_SPI = 32,
	GIC_SPURIOUS = 1020, /* to 1023: no interrupt */
	GIC_PRIORITY_MASK = 0xf0,
};

struct a64_gic {
	const char *name;
	u32 id_mask;		/* of what ack() returns */
	void (*init)(void);	/* the part of all CPUs; maps the part of each possible one */
	bool (*init_cpu)(void); /* this CPU's; true: its stop is an FIQ */
	bool (*reaches)(unsigned cpu);
	void (*route)(u32 spi); /* to this CPU */
	void (*send)(unsigned cpu, enum a64_sgi sgi, bool fiq);
	u32 (*ack)(bool fiq); /* the most urgent pending one is active now */
	void (*end)(u32 acked, bool fiq);
};
extern const struct a64_gic a64_gic_v2, a64_gic_v3;

/* The distributor's registers, once mapped. */
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

/* Until these bits are clear; a device that does not do it is named. */
void a64_gic_wait_clear(vaddr_t base, unsigned reg, u32 bits);
/* Registers at pa in the device window. Panics if there is no memory for it. Context: arch_irq_init(). */
vaddr_t a64_gic_map(paddr_t pa, size_t size);
/* All interrupts that are not a CPU's own: off, in group 1. */
void a64_gic_reset_shared(void);
/* A CPU's own: those off that nobody uses. With group0 the stop is in group 0; true: it is indeed. */
bool a64_gic_reset_own(vaddr_t regs, bool group0);

#endif
