/*
 * gic_v3.c - GICv3 and v4: a distributor, one redistributor per CPU, a CPU interface in system registers.
 *
 * Idea.       CPUs are addressed by their affinity, which is also firmware's id of a CPU. The boot CPU walks the
 *             redistributors. Each contains the affinity of its CPU; those of possible CPUs are mapped.
 * Layout.     A redistributor is 128 KiB; with virtual LPIs (GICv4), 256 KiB. It has a control frame, and a frame with the
 *             registers that GICv2 banks in the distributor. The first page of each is used.
 * Failure.    A CPU without a redistributor, or with an affinity that the CPU interface cannot address, is not started.
 * Source.     Arm IHI 0069; Linux drivers/irqchip/irq-gic-v3.c (gic_has_group0).
 * Next:       smp.c.
 */
#include "gic.h"

#include <arch/layout.h>
#include <arch_impl/sysreg.h>
#include <kernel/bug.h>
#include <kernel/cpus.h>

enum {
	GICD_IROUTER = 0x6000, /* eight bytes for each interrupt: an affinity */
	GICD_USED = 0x1000,    /* the part in use below GICD_IROUTER */
	GICD_GROUP0 = 1 << 0,
	GICD_GROUP1 = 1 << 1,
	GICD_AFFINITY = 1 << 4, /* affinity routing, new in version 3 */
	GICD_ONE_SECURITY = 1 << 6,
	GICD_RANGES = 1 << 26, /* in TYPER: SGIs can be sent to Aff0 above 15 */
	GICD_BUSY = 1u << 31,

	GICR_CTLR = 0x00,
	GICR_TYPER = 0x08, /* 64 bits; the upper half is the affinity */
	GICR_WAKER = 0x14,
	GICR_BUSY = 1 << 3,
	GICR_VLPIS = 1 << 1,
	GICR_LAST = 1 << 4,
	WAKER_SLEEP = 1 << 1,
	WAKER_ASLEEP = 1 << 2,
	FRAME_SIZE = 0x10000,
	FRAME_USED = 0x1000,
	OWN = FRAME_SIZE, /* offset of the second frame: the CPU's own interrupts */

	ICC_SRE_ON = 1 << 0,
	ICC_CTLR_OFF = 1 << 0 | 1 << 1, /* cleared: a common BPR for both groups, EOI without deactivation */
	ICC_CTLR_PRIORITY_BITS_SHIFT = 8,
	ICC_CTLR_RANGES = 1 << 18,

	ID_MASK = 0xffffff,
	SGI_AFF0_MAX = 15, /* largest Aff0 that an SGI reaches without range selection */
};

static struct redistributor {
	vaddr_t frame, own; /* 0: not found */
} gicr[NR_CPUS];

/* ---- redistributors ---- */

static unsigned find_cpu(u32 affinity)
{
	u64 id = (u64)(affinity >> 24) << 32 | (affinity & 0xffffff);
	unsigned cpu;

	for_each_possible_cpu (cpu)
		if (cpu_info[cpu].hw_id == id)
			return cpu;
	return NR_CPUS;
}

/* Walks one region: adjacent redistributors up to the one marked last. Returns how many CPUs still lack theirs. */
static unsigned find_redistributors(const struct boot_gicr *region, unsigned missing)
{
	unsigned cpu;
	paddr_t pa = region->start;
	vaddr_t frame;
	u32 typer;

	do {
		frame = a64_gic_map(pa, FRAME_USED);
		typer = gic_read(frame, GICR_TYPER);
		cpu = find_cpu(gic_read(frame, GICR_TYPER + 4));
		if (cpu < NR_CPUS && !gicr[cpu].frame) {
			gicr[cpu] = (struct redistributor){frame, a64_gic_map(pa + OWN, FRAME_USED)};
			missing--;
		}
		pa += typer & GICR_VLPIS ? 4 * FRAME_SIZE : 2 * FRAME_SIZE;
	} while (missing && !(typer & GICR_LAST) && pa < region->start + region->size);
	return missing;
}

static void v3_init(void)
{
	unsigned missing = cpumask_weight(&cpu_possible_mask);

	a64_gicd = a64_gic_map(a64_dev.gicd, GICD_USED);
	for (unsigned n = 0; n < a64_dev.nr_gicr && missing; n++)
		missing = find_redistributors(&a64_dev.gicr[n], missing);
	if (!gicr[arch_cpu_id()].frame)
		panic("gic: no redistributor of the boot CPU, id 0x%lx", arch_cpu_hw_id());
	gic_write(a64_gicd, GICD_CTLR, 0);
	a64_gic_wait_clear(a64_gicd, GICD_CTLR, GICD_BUSY);
	a64_gic_reset_shared();
	/* Affinity routing may change only while both groups are disabled. */
	gic_write(a64_gicd, GICD_CTLR, GICD_AFFINITY);
	a64_gic_wait_clear(a64_gicd, GICD_CTLR, GICD_BUSY);
	gic_write(a64_gicd, GICD_CTLR, GICD_AFFINITY | GICD_GROUP1 | GICD_GROUP0);
	a64_gic_wait_clear(a64_gicd, GICD_CTLR, GICD_BUSY);
}

/* ---- the CPU interface ---- */

/*
 * The kernel owns group 0 if the distributor has one security state and FIQs are not routed to EL3. The priority mask shows
 * the routing: with FIQs at EL3 the kernel sees only the upper half of the priorities, shifted left by one bit, and the
 * lowest implemented bit reads as 0.
 */
static bool have_group0(void)
{
	u32 bits = (a64_read(icc_ctlr_el1) >> ICC_CTLR_PRIORITY_BITS_SHIFT & 7) + 1;

	if (!(gic_read(a64_gicd, GICD_CTLR) & GICD_ONE_SECURITY))
		return false;
	a64_write(icc_pmr_el1, BIT(8 - bits));
	a64_isb(); /* the read comes after the write */
	return a64_read(icc_pmr_el1) != 0;
}

static bool v3_init_cpu(void)
{
	const struct redistributor *r = &gicr[arch_cpu_id()];
	bool fiq;

	gic_write(r->frame, GICR_WAKER, gic_read(r->frame, GICR_WAKER) & ~(u32)WAKER_SLEEP);
	a64_gic_wait_clear(r->frame, GICR_WAKER, WAKER_ASLEEP);
	a64_write(icc_sre_el1, a64_read(icc_sre_el1) | ICC_SRE_ON);
	a64_isb(); /* from here on the other ICC registers are accessible */
	if (!(a64_read(icc_sre_el1) & ICC_SRE_ON))
		panic("gic: firmware keeps the interrupt controller's system registers from us");
	fiq = a64_gic_reset_own(r->own, have_group0());
	a64_gic_wait_clear(r->frame, GICR_CTLR, GICR_BUSY);
	/* Priorities left active by firmware would block ours. One register suffices for 32 priorities, as in Linux. */
	a64_write(icc_ap1r0_el1, 0);
	if (fiq)
		a64_write(icc_ap0r0_el1, 0);
	a64_write(icc_pmr_el1, GIC_PRIORITY_MASK);
	a64_write(icc_ctlr_el1, a64_read(icc_ctlr_el1) & ~(unsigned long)ICC_CTLR_OFF);
	a64_write(icc_bpr1_el1, 0); /* as many priority bits as possible take part in preemption */
	if (fiq) {
		a64_write(icc_bpr0_el1, 0);
		a64_write(icc_igrpen0_el1, 1);
	}
	a64_write(icc_igrpen1_el1, 1);
	a64_isb(); /* the writes take effect before interrupts are enabled */
	return fiq && a64_read(icc_igrpen0_el1) & 1;
}

static bool v3_reaches(unsigned cpu)
{
	if ((cpu_info[cpu].hw_id & 0xff) > SGI_AFF0_MAX &&
	    !(gic_read(a64_gicd, GICD_TYPER) & GICD_RANGES && a64_read(icc_ctlr_el1) & ICC_CTLR_RANGES))
		return false;
	return gicr[cpu].frame;
}

static void v3_route(u32 spi)
{
	*(volatile u64 *)a64_gic_map(a64_dev.gicd + GICD_IROUTER + 8 * spi, 8) = arch_cpu_hw_id();
}

static void v3_send(unsigned cpu, enum a64_sgi sgi, bool fiq)
{
	u64 id = cpu_info[cpu].hw_id, aff0 = id & 0xff;
	u64 v = (id >> 32 & 0xff) << 48 | (aff0 / 16) << 44 | (id >> 16 & 0xff) << 32 | (u64)sgi << 24 |
		(id >> 8 & 0xff) << 16 | BIT(aff0 % 16);

	if (fiq)
		a64_write(icc_sgi0r_el1, v);
	else
		a64_write(icc_sgi1r_el1, v);
	a64_isb(); /* send now: the caller may wait for the answer */
}

static u32 v3_ack(bool fiq)
{
	return (u32)(fiq ? a64_read(icc_iar0_el1) : a64_read(icc_iar1_el1));
}

/* The write takes effect at the exception return at the latest, which is a context synchronisation event. */
static void v3_end(u32 acked, bool fiq)
{
	if (fiq)
		a64_write(icc_eoir0_el1, acked);
	else
		a64_write(icc_eoir1_el1, acked);
}

const struct a64_gic a64_gic_v3 = {
	.name = "GICv3",
	.id_mask = ID_MASK,
	.init = v3_init,
	.init_cpu = v3_init_cpu,
	.reaches = v3_reaches,
	.route = v3_route,
	.send = v3_send,
	.ack = v3_ack,
	.end = v3_end,
};
