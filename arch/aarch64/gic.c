/*
 * gic.c - the interrupt controller: initialises it, sends and handles interrupts; common to GICv2 and GICv3.
 *
 * Idea.       The kernel uses three kinds of interrupts: those between CPUs, each CPU's timer, and the UART. All are in
 *             group 1 and arrive as IRQs, which the kernel can mask. The stop of a panic is in group 0 if the kernel owns
 *             that group. It then arrives as an FIQ, which the kernel never masks, with the highest priority, so that it
 *             interrupts any handler.
 * Layout.     INTIDs: 0 to 15 sent by CPUs (enum a64_sgi), 16 to 31 private to a CPU, from 32 on shared, 1020 to 1023 none.
 *             struct a64_gic holds what differs between the versions. The registers lie in the device window after the
 *             UART's page, one mapping after the other.
 * Invariants. I1  an acknowledged interrupt is ended after its handler; the next one of its kind comes after that
 *             The boot CPU maps all registers in a64_gic_init().
 * Locking.    None: after a64_gic_init() each CPU writes only its own registers and the register for sending.
 * Failure.    No known controller, or no memory for its mapping: panic. If firmware owns group 0, the stop is an IRQ, and
 *             CPUs with interrupts off are not stopped.
 * Source.     Arm IHI 0048 (GICv2), IHI 0069 (GICv3).
 * Next:       gic_v2.c, gic_v3.c.
 */
#include "gic.h"

#include <arch/irq.h>
#include <arch/stop.h>
#include <arch/layout.h>
#include <arch/time.h>
#include <arch/uart.h>
#include <kernel/bug.h>
#include <kernel/percpu.h>
#include <kernel/printk.h>
#include <kernel/smp.h>

enum {
	TYPER_LINES_MASK = 0x1f, /* (number of lines) / 32 - 1 */
	DEFAULT_TIMER_IRQ = 27,	 /* the virtual timer, as SBSA recommends */
	PRIORITY_STOP = 0x00,
	PRIORITY = 0xa0,
	SPINS_MAX = 1 << 20,
};

vaddr_t a64_gicd;
DEFINE_PER_CPU(struct a64_irq_count, a64_irq_count);

static const struct a64_gic *gic;
static DEFINE_PER_CPU(bool, a64_stop_is_fiq);

static int (*map_page)(vaddr_t va, paddr_t pa);

/* ---- used by both versions ---- */

vaddr_t a64_gic_map(paddr_t pa, size_t size)
{
	static vaddr_t next;
	vaddr_t va;

	if (!next)
		next = A64_UART_VA + PAGE_SIZE;
	va = next;
	for (paddr_t page = pa & PAGE_MASK; page < pa + size; page += PAGE_SIZE, next += PAGE_SIZE)
		if (next >= DEVICE_BASE + DEVICE_SIZE || map_page(next, page))
			panic("gic: no memory, or no addresses, to map 0x%lx", page);
	return va + (pa & ~PAGE_MASK);
}

void a64_gic_wait_clear(vaddr_t base, unsigned reg, u32 bits)
{
	for (unsigned n = SPINS_MAX; gic_read(base, reg) & bits; n--) {
		if (!n) {
			pr_warn("gic: register 0x%x is 0x%x, waited for 0x%x to clear\n", reg,
				gic_read(base, reg), bits);
			return;
		}
		arch_cpu_relax();
	}
}

void a64_gic_reset_shared(void)
{
	unsigned words = (gic_read(a64_gicd, GICD_TYPER) & TYPER_LINES_MASK) + 1;

	for (unsigned n = 1; n < words; n++) {
		gic_write(a64_gicd, GIC_ICENABLER + 4 * n, ~0u);
		gic_write(a64_gicd, GIC_ICACTIVER + 4 * n, ~0u);
		gic_write(a64_gicd, GIC_IGROUPR + 4 * n, ~0u);
	}
}

static u32 timer_irq(void)
{
	return a64_dev.timer_irq ? a64_dev.timer_irq : DEFAULT_TIMER_IRQ;
}

bool a64_gic_reset_own(vaddr_t regs, bool group0)
{
	u32 groups = group0 ? ~(u32)BIT(A64_SGI_STOP) : ~0u;

	gic_write(regs, GIC_ICENABLER, ~0u);
	gic_write(regs, GIC_ICACTIVER, ~0u);
	gic_write(regs, GIC_IGROUPR, groups);
	for (unsigned sgi = 0; sgi < A64_NR_SGI; sgi++)
		gic_write_byte(regs, GIC_IPRIORITYR + sgi, sgi == A64_SGI_STOP ? PRIORITY_STOP : PRIORITY);
	gic_write_byte(regs, GIC_IPRIORITYR + timer_irq(), PRIORITY);
	gic_write(regs, GIC_ISENABLER, (u32)(BIT(A64_NR_SGI) - 1) | (u32)BIT(timer_irq()));
	return group0 && gic_read(regs, GIC_IGROUPR) == groups;
}

/* Enables a level-triggered device interrupt, routed to this CPU. */
static void enable_spi(u32 irq)
{
	unsigned cfg = GIC_ICFGR + irq / 16 * 4;

	gic->route(irq);
	gic_write_byte(a64_gicd, GIC_IPRIORITYR + irq, PRIORITY);
	gic_write(a64_gicd, cfg, gic_read(a64_gicd, cfg) & ~(2u << irq % 16 * 2));
	gic_write(a64_gicd, GIC_ISENABLER + irq / 32 * 4, (u32)BIT(irq % 32));
}

/* ---- initialisation ---- */

void a64_gic_init_cpu(void)
{
	this_cpu(a64_stop_is_fiq) = gic->init_cpu();
}

void a64_gic_init(int (*map_device)(vaddr_t va, paddr_t pa))
{
	if (a64_dev.gic_version != 2 && a64_dev.gic_version != 3)
		panic("gic: firmware names no interrupt controller that this kernel knows");
	gic = a64_dev.gic_version == 2 ? &a64_gic_v2 : &a64_gic_v3;
	map_page = map_device;
	gic->init();
	a64_gic_init_cpu();
	pr_info("gic: %s, a panic stops CPUs %s\n", gic->name,
		this_cpu(a64_stop_is_fiq) ? "with interrupts off as well" : "with interrupts on only");
}

void arch_irq_init(int (*map_device)(vaddr_t va, paddr_t pa))
{
	a64_gic_init(map_device);
	if (a64_dev.uart_irq >= GIC_FIRST_SPI && a64_dev.uart_irq < GIC_SPURIOUS) {
		enable_spi(a64_dev.uart_irq);
		a64_uart_irq_enable();
	} else if (a64_dev.uart) {
		pr_warn("gic: the UART has no interrupt, input is seen only while the kernel is awake\n");
	}
	arch_irq_enable();
}

/* ---- sending ---- */

bool a64_gic_stop_is_fiq(void)
{
	return this_cpu(a64_stop_is_fiq);
}

bool a64_gic_reaches(unsigned cpu)
{
	return gic->reaches(cpu);
}

void a64_gic_send(unsigned cpu, enum a64_sgi sgi)
{
	/* The send may be a register write, which is not ordered after stores. Make the data for the handler visible first. */
	__asm__ volatile("dsb ishst" ::: "memory");
	gic->send(cpu, sgi, sgi == A64_SGI_STOP && per_cpu(a64_stop_is_fiq, cpu));
}

/* ---- the interrupt raised by tests ---- */

struct test_irq {
	void (*fn)(void *ctx);
	void *ctx;
};
static DEFINE_PER_CPU(struct test_irq, a64_test);

static void test_irq(void)
{
	struct test_irq t = this_cpu(a64_test);

	if (!t.fn)
		return;
	this_cpu(a64_test).fn = NULL;
	t.fn(t.ctx);
}

void arch_irq_test_raise(void (*fn)(void *ctx), void *ctx)
{
	unsigned long flags = arch_irq_save();

	this_cpu(a64_test).fn = fn;
	this_cpu(a64_test).ctx = ctx;
	if (fn)
		a64_gic_send(arch_cpu_id(), A64_SGI_TEST);
	arch_irq_restore(flags);
	/* The interrupt takes some time to pass through the controller. */
	while (!(flags & A64_DAIF_I) && READ_ONCE(this_cpu(a64_test).fn))
		arch_cpu_relax();
}

/* ---- taking interrupts ---- */

static void stop(const struct a64_regs *regs)
{
	arch_stop_here(regs->pc, regs->x[29], regs->pstate & A64_DAIF_I);
	this_cpu(a64_irq_count).stops++;
}

static void handle(u32 irq, const struct a64_regs *regs)
{
	if (irq == A64_SGI_CALL)
		smp_ipi();
	else if (irq == A64_SGI_TEST)
		test_irq();
	else if (irq == A64_SGI_STOP)
		stop(regs);
	else if (irq == timer_irq())
		a64_timer_irq();
	else if (irq == a64_dev.uart_irq)
		arch_uart_receive();
	else
		pr_warn_once("gic: unexpected interrupt %u\n", irq);
}

static bool spurious(u32 irq)
{
	if (irq < GIC_SPURIOUS || irq > GIC_SPURIOUS + 3)
		return false;
	this_cpu(a64_irq_count).spurious++;
	return true;
}

void a64_gic_irq(const struct a64_regs *regs)
{
	u32 acked = gic->ack(false), irq = acked & gic->id_mask;

	if (spurious(irq))
		return;
	/*
	 * The acknowledgement must complete before the handler reads its data. A CPU that stores data after that read
	 * sends the interrupt again, and the new interrupt must not merge with this one.
	 */
	__asm__ volatile("dsb sy" ::: "memory");
	handle(irq, regs);
	gic->end(acked, false);
}

/* Runs at any place, even with interrupts off, so it must not touch data that other code uses. */
bool a64_gic_fiq(const struct a64_regs *regs)
{
	u32 acked, irq;

	/* Before arch_irq_init() only firmware's interrupts can arrive. */
	if (!gic)
		return false;
	acked = gic->ack(true);
	irq = acked & gic->id_mask;
	if (spurious(irq))
		return true;
	if (irq != A64_SGI_STOP)
		return false;
	stop(regs);
	gic->end(acked, true);
	return true;
}
