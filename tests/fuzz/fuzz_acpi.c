/*
 * fuzz_acpi.c - any bytes as ACPI's tables.
 *
 * Idea.       The input is memory with an RSDP: as PVH tells of it, as it is found where BIOS puts it, and as the copy
 *             that Multiboot2 passes. Checksums would stop nearly every input at the first table, so those of whatever looks like a
 *             table are made right first, in a copy of exactly the input's size.
 * Layout.     input = [FUZZ_PA, FUZZ_PA + len): RSDP, then tables, found by their signatures.
 * Invariants. A table that is found lies in memory, has its signature, and sums up to zero. Nodes are as fuzz_check_nodes()
 *             wants them, an ARM machine's devices as read_as_arm() does.
 * Locking.    None.
 * Failure.    A BUG with the values.
 * Next:       fuzz_cmdline.c.
 */
#include "boot_rules.h"

#include <stdlib.h>

#include <kernel/bits.h>
#include <kernel/string.h>

enum {
	RSDP_SIZE = 20,
	RSDP_SUM = 8,
	RSDP_ALIGN = 16,
	HEADER_SIZE = 36,
	HEADER_LENGTH = 4,
	HEADER_SUM = 9,
	CPUS_MAX = 64
};

static void sum_up(u8 *p, size_t len, size_t at)
{
	u8 sum = 0;

	for (size_t i = 0; i < len; i++)
		sum = (u8)(sum + (i == at ? 0 : p[i]));
	p[at] = (u8)-sum;
}

/* The last tables first: an earlier one may contain them. */
static void make_sums_right(u8 *bytes, size_t len)
{
	static const char signatures[][4] = {"RSDT", "XSDT", "APIC", "SRAT", "SLIT",
					     "FACP", "GTDT", "SPCR", "DBG2"};

	for (size_t at = len; at-- > 0;) {
		u32 word, wanted, length;

		if (len - at < RSDP_SIZE)
			continue;
		if (at % RSDP_ALIGN == 0 && memcmp(bytes + at, "RSD PTR ", 8) == 0)
			sum_up(bytes + at, RSDP_SIZE, RSDP_SUM);
		memcpy(&word, bytes + at, sizeof(word));
		memcpy(&length, bytes + at + HEADER_LENGTH, sizeof(length));
		for (unsigned i = 0; i < ARRAY_SIZE(signatures); i++) {
			memcpy(&wanted, signatures[i], sizeof(wanted));
			if (word == wanted && length >= HEADER_SIZE && length <= len - at)
				sum_up(bytes + at, length, HEADER_SUM);
		}
	}
}

/* The memory of a small machine. */
static void set_memory(struct boot_info *bi)
{
	bi->nr_ranges = bi->nr_node_ranges = 0;
	memset(bi->distance, 0, sizeof(bi->distance));
	boot_add_range(bi, KIB(64), KIB(576), MEM_USABLE, 0);
	boot_add_range(bi, MIB(1), GIB(3) - MIB(1), MEM_USABLE, 0);
	boot_add_range(bi, GIB(4), GIB(5), MEM_USABLE, 0);
}

/* As an ARM machine: what is named can be used. */
static void read_as_arm(const struct boot_mem *mem, struct boot_info *bi)
{
	const struct boot_devices *dev = &bi->dev;

	set_memory(bi);
	bi->nr_cpus = 0;
	memset(&bi->dev, 0, sizeof(bi->dev));
	acpi_arm(mem, bi);
	FUZZ_CHECK(bi->nr_cpus <= BOOT_MAX_CPUS && dev->nr_gicr <= BOOT_MAX_GICR,
		   "%u CPUs, %u redistributors", bi->nr_cpus, dev->nr_gicr);
	fuzz_check_nodes(bi, bi->cpu, bi->nr_cpus);
	for (unsigned i = 0; i < bi->nr_cpus; i++)
		FUZZ_CHECK(!(bi->cpu[i].hw_id & ~0xff00ffffffUL), "CPU 0x%lx", bi->cpu[i].hw_id);
	for (unsigned i = 0; i < dev->nr_gicr; i++)
		FUZZ_CHECK(dev->gicr[i].size &&
				   dev->gicr[i].start + (dev->gicr[i].size - 1) >= dev->gicr[i].start,
			   "redistributors at 0x%lx, 0x%lx bytes", dev->gicr[i].start, dev->gicr[i].size);
	FUZZ_CHECK(dev->gic_version == 0   ? !dev->gicd && !dev->gicc && !dev->nr_gicr
		   : dev->gic_version == 2 ? dev->gicd && dev->gicc && !dev->nr_gicr
					   : dev->gic_version == 3 && dev->gicd && !dev->gicc && dev->nr_gicr,
		   "GIC version %u: 0x%lx, 0x%lx, %u", dev->gic_version, dev->gicd, dev->gicc, dev->nr_gicr);
	FUZZ_CHECK(!dev->timer_irq || (dev->timer_irq >= 16 && dev->timer_irq < 32), "timer interrupt %u",
		   dev->timer_irq);
	FUZZ_CHECK(!dev->uart_irq || (dev->uart && dev->uart_irq >= 32 && dev->uart_irq < 1020),
		   "UART 0x%lx with interrupt %u", dev->uart, dev->uart_irq);
}

/* The MADT's processors as a PC has them, and memory, get their nodes. */
static void place(const struct boot_mem *mem, struct boot_info *bi, const u8 *madt, u32 len)
{
	static struct acpi_cpu found[CPUS_MAX];
	static struct boot_cpu cpu[CPUS_MAX];
	unsigned nr = min(acpi_madt_cpus(madt, len, found, CPUS_MAX, bi), (unsigned)CPUS_MAX);

	for (unsigned i = 0; i < nr; i++)
		cpu[i] = (struct boot_cpu){.hw_id = found[i].apic_id, .enabled = found[i].enabled};
	set_memory(bi);
	acpi_numa(mem, bi, cpu, NULL, nr);
	fuzz_check_nodes(bi, cpu, nr);
}

static void find_tables(const struct fuzz_mem *memory, struct boot_info *bi)
{
	static const char signatures[][5] = {"APIC", "SRAT", "SLIT", "FACP", "GTDT", "SPCR", "DBG2"};

	for (unsigned i = 0; i < ARRAY_SIZE(signatures); i++) {
		u32 len = 0;
		const u8 *table = acpi_find_table(&memory->mem, bi, signatures[i], &len);
		u8 sum = 0;

		if (!table)
			continue;
		FUZZ_CHECK(table >= memory->bytes && len <= (size_t)(memory->bytes + memory->len - table),
			   "a table of %u bytes is not in memory", len);
		for (u32 at = 0; at < len; at++)
			sum = (u8)(sum + table[at]);
		FUZZ_CHECK(sum == 0 && memcmp(table, signatures[i], 4) == 0, "%s: sum %u", signatures[i],
			   sum);
		if (i == 0)
			place(&memory->mem, bi, table, len);
	}
	read_as_arm(&memory->mem, bi);
}

static void run_acpi(const u8 *data, size_t len)
{
	struct boot_info *bi = fuzz_info_new();
	struct fuzz_mem memory;
	u8 *bytes = malloc(len);

	memcpy(bytes, data, len);
	make_sums_right(bytes, len);
	memory = fuzz_mem_of(bytes, len);
	memory.mem.ctx = &memory;

	/* As PVH tells of it, or as it has to be found. */
	bi->rsdp = len && bytes[0] == 'R' ? FUZZ_PA : acpi_scan_rsdp(&memory.mem);
	find_tables(&memory, bi);
	bi->rsdp = 0;
	bi->rsdp_copy_len = (unsigned)min(len, sizeof(bi->rsdp_copy));
	memcpy(bi->rsdp_copy, bytes, bi->rsdp_copy_len);
	find_tables(&memory, bi);
	/* A MADT whose checksum nobody looked at is not trusted either. */
	acpi_madt_cpus(bytes, (u32)len, NULL, 0, bi);
	fuzz_check_info(bi);
	free(bytes);
}
FUZZ_TARGET("acpi", run_acpi);
