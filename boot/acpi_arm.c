/*
 * acpi_arm.c - an ARM machine as ACPI describes it: processors, GIC, PSCI, timer interrupt, console.
 *
 * Idea.       A PC has its devices at known addresses; an ARM machine describes them. The MADT holds the processors and the
 *             parts of the GIC, the FADT the way to call firmware, the GTDT the timer, the SPCR (or else the DBG2) the
 *             console. These static tables contain what a device tree would contain; no AML is read.
 * Layout.     GICC: UID +8, flags +12, CPU interface +32, redistributor +60, MPIDR +68. GICD: base +8, version +20. GICR:
 *             base +4, length +12. FADT: ARM flags +129. GTDT: virtual timer +64. SPCR: kind +36, address +40, interrupt
 *             +52. DBG2: offset of its devices +36, their number +40. (ACPI 6.5, 5.2.9, 5.2.12, 5.2.25; Microsoft's
 *             specifications of SPCR and DBG2.)
 * Invariants. I1  a GIC is complete or absent: version 2 with a CPU interface, version 3 with redistributors
 *             I2  regions of redistributors are not empty and do not wrap
 *             I3  the timer's interrupt is a PPI, the console's an SPI, or they are 0
 * Locking.    None: a pure function.
 * Failure.    Unusable data is noted and its field stays 0: no PSCI, no GIC, no console.
 * Source.     Linux arch/arm64/kernel/{acpi,smp}.c, drivers/irqchip/irq-gic.c, irq-gic-v3.c, drivers/acpi/spcr.c.
 * Next:       srat.c.
 */

#include "boot.h"
#include <kernel/bits.h>
#include <kernel/string.h>

enum {
	MADT_GICC = 0xb,
	GICC_SIZE = 76, /* up to the MPIDR, as in ACPI 5.1; later fields are not read */
	GICC_ENABLED = 1,
	MADT_GICD = 0xc,
	GICD_SIZE = 24,
	MADT_GICR = 0xe,
	GICR_SIZE = 16,
	/* Redistributor of one processor: two frames of 64 KiB, with version 4 four. */
	GICR_V3_BYTES = 128 << 10,
	GICR_V4_BYTES = 256 << 10,

	FADT_ARM_FLAGS = 129,
	FADT_PSCI = 1,
	FADT_PSCI_BY_HVC = 2,

	GTDT_VIRTUAL_TIMER = 64,

	SPCR_UART = 36,
	SPCR_ADDRESS = 40,
	SPCR_IRQ_KIND = 52,
	SPCR_IRQ_BY_GIC = 8, /* bit in the kind of interrupt */
	SPCR_IRQ = 54,
	SPCR_SIZE = 58,

	DBG2_DEVICES = 36,
	DBG2_SIZE = 44,
	DBG2_DEVICE_SIZE = 22,
	DBG2_SERIAL = 0x8000,

	GAS_SIZE = 12, /* generic address: u8 space (0 is memory), 3 bytes, u64 address */
	UART_PL011 = 3,
	UART_SBSA_32 = 0xd,
	UART_SBSA = 0xe,

	FIRST_PPI = 16,
	FIRST_SPI = 32,
	END_SPI = 1020,
};

static u32 get_u16(const u8 *p)
{
	return p[0] | (u32)p[1] << 8;
}

/* ---- MADT: processors and the GIC ---- */

/* Values that boot_info does not hold: the address of the GICD, and the CPU interface that all processors share. */
struct gic {
	u64 gicd, gicc;
	u8 version; /* 0: the GICD does not state it */
};

static void add_cpu(const u8 *e, u32 *uid, struct boot_info *bi)
{
	if (bi->nr_cpus == BOOT_MAX_CPUS) {
		boot_note(bi, "ACPI: more than %u processors, 0x%lx is not used", BOOT_MAX_CPUS,
			  get_u64(e + 68) & BOOT_MPIDR_AFFINITY);
		return;
	}
	uid[bi->nr_cpus] = get_u32(e + 8);
	bi->cpu[bi->nr_cpus++] = (struct boot_cpu){.hw_id = get_u64(e + 68) & BOOT_MPIDR_AFFINITY,
						   .node = BOOT_NO_NODE,
						   .enabled = get_u32(e + 12) & GICC_ENABLED};
}

static void add_gicr(u64 start, u64 size, struct boot_info *bi)
{
	if (!size || start + (size - 1) < start)
		boot_note(bi, "ACPI: redistributors at 0x%lx of 0x%lx bytes, not used", start, size);
	else if (bi->dev.nr_gicr == BOOT_MAX_GICR)
		boot_note(bi, "ACPI: more than %u runs of redistributors", BOOT_MAX_GICR);
	else
		bi->dev.gicr[bi->dev.nr_gicr++] = (struct boot_gicr){.start = start, .size = size};
}

static void add_gicd(const u8 *e, struct gic *gic, struct boot_info *bi)
{
	if (gic->gicd) {
		boot_note(bi, "ACPI: a second GIC distributor at 0x%lx, not used", get_u64(e + 8));
		return;
	}
	gic->gicd = get_u64(e + 8);
	gic->version = e[20];
}

/* A disabled processor is left out, because its registers may be disabled, too. */
static bool is_gicc_in_use(const u8 *e)
{
	return e[0] == MADT_GICC && e[1] >= GICC_SIZE && (get_u32(e + 12) & GICC_ENABLED);
}

/* If the MADT has no GICR entries, each processor's GICC may name its own redistributor. */
static void add_own_redistributors(const u8 *madt, u32 len, u64 size, struct boot_info *bi)
{
	const u8 *e;
	u32 pos = 0;

	while ((e = acpi_madt_next(madt, len, &pos, bi)) != NULL)
		if (is_gicc_in_use(e) && get_u64(e + 60))
			add_gicr(get_u64(e + 60), size, bi);
}

/* Sets dev's GIC if it is complete (I1). GICv4 is used as version 3: its additions are not needed. */
static void name_gic(const struct gic *gic, struct boot_info *bi)
{
	struct boot_devices *dev = &bi->dev;
	u32 version = gic->version ? min(gic->version, (u8)4) : dev->nr_gicr ? 3 : 2;

	if (gic->gicd && version == 2 && gic->gicc)
		dev->gic_version = 2;
	else if (gic->gicd && version >= 3 && gic->version <= 4 && dev->nr_gicr)
		dev->gic_version = 3;
	if (!dev->gic_version)
		boot_note(bi,
			  "ACPI: no GIC that is known: version %u, distributor 0x%lx, CPU interface 0x%lx, "
			  "%u runs of redistributors",
			  gic->version, gic->gicd, gic->gicc, dev->nr_gicr);
	dev->gicd = dev->gic_version ? gic->gicd : 0;
	dev->gicc = dev->gic_version == 2 ? gic->gicc : 0;
	dev->nr_gicr = dev->gic_version == 3 ? dev->nr_gicr : 0;
}

/* uid[] receives the UIDs, by which the SRAT names the processors of bi->cpu[]. */
static void read_madt(const u8 *madt, u32 len, u32 *uid, struct boot_info *bi)
{
	struct gic gic = {.gicd = 0};
	const u8 *e;
	u32 pos = 0;

	while ((e = acpi_madt_next(madt, len, &pos, bi)) != NULL) {
		if (e[0] == MADT_GICC && e[1] >= GICC_SIZE)
			add_cpu(e, uid, bi);
		else if (e[0] == MADT_GICD && e[1] >= GICD_SIZE)
			add_gicd(e, &gic, bi);
		else if (e[0] == MADT_GICR && e[1] >= GICR_SIZE)
			add_gicr(get_u64(e + 4), get_u32(e + 12), bi);
		if (is_gicc_in_use(e) && !gic.gicc)
			gic.gicc = get_u64(e + 32);
	}
	if (!bi->dev.nr_gicr)
		add_own_redistributors(madt, len, gic.version == 4 ? GICR_V4_BYTES : GICR_V3_BYTES, bi);
	name_gic(&gic, bi);
}

/* ---- the other tables ---- */

/* Without PSCI firmware uses the parking protocol, which the kernel does not support. */
static void read_fadt(const u8 *fadt, u32 len, struct boot_info *bi)
{
	u32 flags = len >= FADT_ARM_FLAGS + 2 ? get_u16(fadt + FADT_ARM_FLAGS) : 0;

	if (flags & FADT_PSCI)
		bi->dev.psci = flags & FADT_PSCI_BY_HVC ? BOOT_PSCI_HVC : BOOT_PSCI_SMC;
	else
		boot_note(bi, "ACPI: no PSCI");
}

static void read_gtdt(const u8 *gtdt, u32 len, struct boot_info *bi)
{
	u32 irq = len >= GTDT_VIRTUAL_TIMER + 4 ? get_u32(gtdt + GTDT_VIRTUAL_TIMER) : 0;

	if (irq >= FIRST_PPI && irq < FIRST_SPI)
		bi->dev.timer_irq = irq;
	else
		boot_note(bi, "ACPI: the virtual timer has interrupt %u, not used", irq);
}

/* Address of a UART whose transmitter works like a PL011's; 0: another kind. */
static u64 pl011_at(u32 kind, const u8 *address)
{
	bool is_known = kind == UART_PL011 || kind == UART_SBSA_32 || kind == UART_SBSA;

	return is_known && !address[0] ? get_u64(address + 4) : 0;
}

static void read_spcr(const u8 *spcr, u32 len, struct boot_info *bi)
{
	u32 irq;

	if (len < SPCR_SIZE)
		return;
	bi->dev.uart = pl011_at(spcr[SPCR_UART], spcr + SPCR_ADDRESS);
	irq = spcr[SPCR_IRQ_KIND] & SPCR_IRQ_BY_GIC ? get_u32(spcr + SPCR_IRQ) : 0;
	if (bi->dev.uart && irq >= FIRST_SPI && irq < END_SPI)
		bi->dev.uart_irq = irq;
}

/* Uses the first PL011. The table contains no interrupts. */
static void read_dbg2(const u8 *dbg2, u32 len, struct boot_info *bi)
{
	u32 pos = len >= DBG2_SIZE ? get_u32(dbg2 + DBG2_DEVICES) : len, size;

	for (; !bi->dev.uart && pos < len && len - pos >= DBG2_DEVICE_SIZE; pos += size) {
		const u8 *d = dbg2 + pos;
		u32 address = get_u16(d + 18);

		size = get_u16(d + 1);
		if (size < DBG2_DEVICE_SIZE || size > len - pos) {
			boot_note(bi, "ACPI: DBG2 device at +0x%x has length %u", pos, size);
			return;
		}
		if (d[3] && get_u16(d + 12) == DBG2_SERIAL && address + GAS_SIZE <= size)
			bi->dev.uart = pl011_at(get_u16(d + 14), d + address);
	}
}

/* Finds a table that every ARM machine with ACPI must have; notes its absence. */
static const u8 *find_wanted(const struct boot_mem *mem, struct boot_info *bi, const char sig[4], u32 *len)
{
	const u8 *table = acpi_find_table(mem, bi, sig, len);

	if (!table)
		boot_note(bi, "ACPI: no %.4s", sig);
	return table;
}

void acpi_arm(const struct boot_mem *mem, struct boot_info *bi)
{
	u32 uid[BOOT_MAX_CPUS], len;
	const u8 *table;

	if ((table = find_wanted(mem, bi, "APIC", &len)) != NULL)
		read_madt(table, len, uid, bi);
	acpi_numa(mem, bi, bi->cpu, uid, bi->nr_cpus);
	if ((table = find_wanted(mem, bi, "FACP", &len)) != NULL)
		read_fadt(table, len, bi);
	if ((table = find_wanted(mem, bi, "GTDT", &len)) != NULL)
		read_gtdt(table, len, bi);
	if ((table = acpi_find_table(mem, bi, "SPCR", &len)) != NULL)
		read_spcr(table, len, bi);
	if (!bi->dev.uart && (table = acpi_find_table(mem, bi, "DBG2", &len)) != NULL)
		read_dbg2(table, len, bi);
}
