/*
 * gic_v2.c - GICv2: a distributor and a CPU interface, both memory; at most eight CPUs.
 *
 * Idea.       Registers for a CPU's own interrupts and its CPU interface have the same addresses on every CPU; each CPU
 *             sees its own copy. The kernel owns group 0 if there are no security extensions. It then sets AckCtl, so one
 *             register acknowledges both groups. AckCtl is deprecated, but QEMU lacks the alias registers that replace it.
 * Layout.     target[cpu]: the CPU's bit in the distributor's registers, read from the distributor by that CPU
 * Invariants. target[cpu] is set before the CPU is online.
 * Failure.    See gic.c.
 * Source.     Arm IHI 0048, chapter 4.
 * Next:       gic_v3.c.
 */
#include "gic.h"

#include <kernel/cpumask.h>

enum {
	GICD_ITARGETSR = 0x800, /* a byte for each interrupt: a bit for each CPU */
	GICD_SGIR = 0xf00,
	GICD_SIZE = 0x1000,
	CTLR_GROUP0 = 1 << 0, /* GICD_CTLR and GICC_CTLR; enables group 1 if group 0 is not accessible */
	CTLR_GROUP1 = 1 << 1,
	TYPER_CPUS_SHIFT = 5,
	TYPER_SECURITY = 1 << 10,

	GICC_CTLR = 0x00,
	GICC_PMR = 0x04,
	GICC_BPR = 0x08,
	GICC_APR = 0xd0, /* four words: priorities of active interrupts */
	GICC_IAR = 0x0c,
	GICC_EOIR = 0x10,
	GICC_HPPIR = 0x18,
	GICC_SIZE = 0x100, /* the part in use */
	GICC_ACK_BOTH = 1 << 2,
	GICC_GROUP0_FIQ = 1 << 3,

	ID_MASK = 0x3ff,
	SGIR_TARGET_SHIFT = 16,
};

static vaddr_t gicc;
static u8 target[NR_CPUS];

static bool have_group0(void)
{
	return !(gic_read(a64_gicd, GICD_TYPER) & TYPER_SECURITY);
}

static void v2_init(void)
{
	a64_gicd = a64_gic_map(a64_dev.gicd, GICD_SIZE);
	gicc = a64_gic_map(a64_dev.gicc, GICC_SIZE);
	gic_write(a64_gicd, GICD_CTLR, 0);
	a64_gic_reset_shared();
	gic_write(a64_gicd, GICD_CTLR, have_group0() ? CTLR_GROUP0 | CTLR_GROUP1 : CTLR_GROUP0);
}

static bool v2_init_cpu(void)
{
	u32 both = CTLR_GROUP0 | CTLR_GROUP1 | GICC_ACK_BOTH | GICC_GROUP0_FIQ;
	bool fiq = a64_gic_reset_own(a64_gicd, have_group0());

	/* ITARGETSR reads as 0 on a machine with one CPU. */
	target[arch_cpu_id()] = (u8)max(gic_read(a64_gicd, GICD_ITARGETSR) & 0xff, 1u);
	/* A priority that firmware left active would block the kernel's interrupts. */
	for (unsigned n = 0; n < 4; n++)
		gic_write(gicc, GICC_APR + 4 * n, 0);
	gic_write(gicc, GICC_PMR, GIC_PRIORITY_MASK);
	gic_write(gicc, GICC_BPR, 0); /* all priority bits take part in preemption */
	gic_write(gicc, GICC_CTLR, have_group0() ? both : CTLR_GROUP0);
	return fiq && (gic_read(gicc, GICC_CTLR) & both) == both;
}

static bool v2_reaches(unsigned cpu)
{
	return cpu <= (gic_read(a64_gicd, GICD_TYPER) >> TYPER_CPUS_SHIFT & 7);
}

static void v2_route(u32 spi)
{
	gic_write_byte(a64_gicd, GICD_ITARGETSR + spi, target[arch_cpu_id()]);
}

static void v2_send(unsigned cpu, enum a64_sgi sgi, bool fiq)
{
	(void)fiq; /* the target's group setting decides */
	gic_write(a64_gicd, GICD_SGIR, (u32)target[cpu] << SGIR_TARGET_SHIFT | sgi);
}

/* In an FIQ only the stop is taken. An IRQ that has become more urgent meanwhile stays pending until IRQs are unmasked. */
static u32 v2_ack(bool fiq)
{
	if (fiq && (gic_read(gicc, GICC_HPPIR) & ID_MASK) != A64_SGI_STOP)
		return GIC_SPURIOUS;
	return gic_read(gicc, GICC_IAR);
}

static void v2_end(u32 acked, bool fiq)
{
	(void)fiq;
	/* `acked` has the sender's number of an SGI, which EOIR needs as well. */
	gic_write(gicc, GICC_EOIR, acked);
}

const struct a64_gic a64_gic_v2 = {
	.name = "GICv2",
	.id_mask = ID_MASK,
	.init = v2_init,
	.init_cpu = v2_init_cpu,
	.reaches = v2_reaches,
	.route = v2_route,
	.send = v2_send,
	.ack = v2_ack,
	.end = v2_end,
};
