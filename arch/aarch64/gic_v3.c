/*
 * gic_v3.c - GICv3 and v4: a distributor, a redistributor a CPU, the CPU's interface as system registers.
 *
 * Idea.       CPUs are named by their affinity, which is firmware's id of them. The boot CPU walks the redistributors, whose
 *             frames say whose they are, and maps those of possible CPUs.
 * Layout.     A redistributor is 128 KiB, with virtual LPIs (GICv4) 256: a frame of its own and one with what GICv2 has banked
 *             in the distributor; of each the first page is used.
 * Invariants. None.
 * Locking.    None.
 * Failure.    A CPU without a redistributor, or beyond what the interface can address, is not started.
 * Source.     Arm IHI 0069; Linux drivers/irqchip/irq-gic-v3.c (gic_has_group0).
 * Next:       smp.c.
 */
#include "gic.h"

#include <arch/layout.h>
#include <arch_impl/sysreg.h>
#include <kernel/bug.h>
#include <kernel/cpus.h>

enum {
	GICD_IROUTER = 0x6000, /* eight bytes each: an affinity */
	GICD_USED = 0x1000,    /* of what lies in front of them */
	GICD_GROUP0 = 1 << 0,
	GICD_GROUP1 = 1 << 1,
	GICD_AFFINITY = 1 << 4, /* routing by affinity: version 3's way */
	GICD_ONE_SECURITY = 1 << 6,
	GICD_RANGES = 1 << 26, /* in TYPER: SGIs to Aff0 above 15 */
	GICD_BUSY = 1u << 31,

	GICR_CTLR = 0x00,
	GICR_TYPER = 0x08, /* 64 bits, the upper half: the affinity */
	GICR_WAKER = 0x14,
	GICR_BUSY = 1 << 3,
	GICR_VLPIS = 1 << 1,
	GICR_LAST = 1 << 4,
	WAKER_SLEEP = 1 << 1,
	WAKER_ASLEEP = 1 << 2,
	FRAME_SIZE = 0x10000,
	FRAME_USED = 0x1000,
	OWN = FRAME_SIZE, /* the second frame */

	ICC_SRE_ON = 1 << 0,
	ICC_CTLR_OFF = 1 << 0 | 1 << 1, /* one BPR for both groups; an EOI that does not deactivate */
	ICC_CTLR_PRIORITY_BITS_SHIFT = 8,
	ICC_CTLR_RANGES = 1 << 18,

	ID_MASK = 0xffffff,
	SGI_AFF0_MAX = 15, /* of a range */
};

static struct redistributor {
	vaddr_t frame, own; /* 0: there is none */
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

/* One region: redistributors side by side until one says that it is the last. Returns how many CPUs still miss theirs. */
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
	gic_write(a64_gicd, GICD_CTLR, GICD_AFFINITY); /* which may only change while the groups are off */
	a64_gic_wait_clear(a64_gicd, GICD_CTLR, GICD_BUSY);
	gic_write(a64_gicd, GICD_CTLR, GICD_AFFINITY | GICD_GROUP1 | GICD_GROUP0);
	a64_gic_wait_clear(a64_gicd, GICD_CTLR, GICD_BUSY);
}

/* ---- the CPU's interface ---- */

/*
 * Group 0 is ours if there is one security state, and FIQs do not go to EL3. The latter shows in the mask: then it is a
 * view of the upper half of the priorities, one bit shorter, in which the least bit that is not 0 is lost.
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
	a64_isb(); /* the other registers exist from here on */
	if (!(a64_read(icc_sre_el1) & ICC_SRE_ON))
		panic("gic: firmware keeps the interrupt controller's system registers from us");
	fiq = a64_gic_reset_own(r->own, have_group0());
	a64_gic_wait_clear(r->frame, GICR_CTLR, GICR_BUSY);
	a64_write(
		icc_ap1r0_el1,
		0); /* firmware's, taken and not ended, would keep ours away; 32 priorities, as Linux uses */
	if (fiq)
		a64_write(icc_ap0r0_el1, 0);
	a64_write(icc_pmr_el1, GIC_PRIORITY_MASK);
	a64_write(icc_ctlr_el1, a64_read(icc_ctlr_el1) & ~(unsigned long)ICC_CTLR_OFF);
	a64_write(icc_bpr1_el1, 0); /* as many bits of a priority count as may */
	if (fiq) {
		a64_write(icc_bpr0_el1, 0);
		a64_write(icc_igrpen0_el1, 1);
	}
	a64_write(icc_igrpen1_el1, 1);
	a64_isb(); /* all of this before interrupts are on */
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
	a64_isb(); /* sent now, not when the CPU comes to it: we may be about to wait for the answer */
}

static u32 v3_ack(bool fiq)
{
	return (u32)(fiq ? a64_read(icc_iar0_el1) : a64_read(icc_iar1_el1));
}

/* Seen at the latest at the exception's return, which is a synchronisation event. */
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
