/*
 * fuzz_fdt.c - any bytes as a flattened device tree.
 *
 * Idea.       Each input is read twice: as it is, and in a copy of exactly its size whose header's first fields are right,
 *             as most inputs would end there. The second time UEFI has given a memory map before.
 * Layout.     input = the blob
 * Invariants. As in boot_rules.c. CPUs are affinities and each is there once, ids of interrupts are the GIC's, what is
 *             reserved is a range, devices are complete or not there.
 * Locking.    None.
 * Failure.    A BUG with the values.
 * Next:       fuzz_acpi.c.
 */
#include "boot_rules.h"

#include <stdlib.h>

#include <kernel/bits.h>
#include <kernel/string.h>

enum { HEADER_SIZE = 40, IRQ_END = 1020 };

static void put(u8 *p, u32 v)
{
	v = __builtin_bswap32(v);
	memcpy(p, &v, sizeof(v));
}

static void make_header_right(u8 *bytes, size_t len)
{
	if (len < HEADER_SIZE)
		return;
	put(bytes, 0xd00dfeed);
	put(bytes + 4, (u32)len);
	put(bytes + 20, 17);
	put(bytes + 24, 16);
}

static void check_cpus(const struct boot_info *bi)
{
	FUZZ_CHECK(bi->nr_cpus <= BOOT_MAX_CPUS, "%u CPUs", bi->nr_cpus);
	for (unsigned i = 0; i < bi->nr_cpus; i++) {
		FUZZ_CHECK(!(bi->cpu[i].hw_id & ~0xff00ffffffUL), "CPU 0x%lx", bi->cpu[i].hw_id);
		FUZZ_CHECK(!bi->cpu[i].enabled || bi->dev.psci, "CPU 0x%lx without PSCI", bi->cpu[i].hw_id);
		for (unsigned k = 0; k < i; k++)
			FUZZ_CHECK(bi->cpu[i].hw_id != bi->cpu[k].hw_id, "CPU 0x%lx twice", bi->cpu[i].hw_id);
	}
}

static void check_irq(u32 irq)
{
	FUZZ_CHECK(!irq || (irq >= 16 && irq < IRQ_END), "interrupt %u", irq);
}

static void check_devices(const struct boot_devices *dev)
{
	check_irq(dev->uart_irq);
	check_irq(dev->timer_irq);
	FUZZ_CHECK(dev->gic_version || (!dev->uart_irq && !dev->timer_irq), "interrupts without a GIC");
	FUZZ_CHECK(dev->uart || !dev->uart_irq, "interrupt %u of no UART", dev->uart_irq);
	FUZZ_CHECK(dev->uart % 4 == 0 && dev->gicd % 4 == 0 && dev->gicc % 4 == 0, "0x%lx, 0x%lx, 0x%lx",
		   dev->uart, dev->gicd, dev->gicc);
	FUZZ_CHECK(!!dev->gicd == !!dev->gic_version && !!dev->gicc == (dev->gic_version == 2) &&
			   !!dev->nr_gicr == (dev->gic_version == 3) && dev->nr_gicr <= BOOT_MAX_GICR,
		   "GIC version %u at 0x%lx, 0x%lx, %u regions", dev->gic_version, dev->gicd, dev->gicc,
		   dev->nr_gicr);
	for (unsigned i = 0; i < dev->nr_gicr; i++)
		FUZZ_CHECK(dev->gicr[i].start &&
				   dev->gicr[i].start + (dev->gicr[i].size - !!dev->gicr[i].size) >=
					   dev->gicr[i].start,
			   "redistributors at 0x%lx, 0x%lx bytes", dev->gicr[i].start, dev->gicr[i].size);
}

static void read_tree(const u8 *bytes, size_t len, bool uefi)
{
	struct boot_info *bi = fuzz_info_new();
	int err;

	if (uefi)
		boot_add_range(bi, MIB(1), GIB(1), MEM_USABLE, 8);
	err = fdt_parse(bytes, len, FUZZ_PA, bi);
	fuzz_check_info(bi);
	FUZZ_CHECK(!err || bi->nr_ranges == uefi, "no tree, but %u ranges", bi->nr_ranges);
	FUZZ_CHECK(err || (bi->fdt_start == FUZZ_PA && bi->fdt_end <= FUZZ_PA + len && bi->fdt_end > FUZZ_PA),
		   "a tree from 0x%lx to 0x%lx", bi->fdt_start, bi->fdt_end);
	for (unsigned i = 0; i < bi->nr_reserved; i++)
		FUZZ_CHECK(bi->reserved[i].start < bi->reserved[i].end, "reserved from 0x%lx to 0x%lx",
			   bi->reserved[i].start, bi->reserved[i].end);
	fuzz_check_map(bi);
	fuzz_check_nodes(bi, bi->cpu, bi->nr_cpus);
	check_cpus(bi);
	check_devices(&bi->dev);
}

static void run_fdt(const u8 *data, size_t len)
{
	u8 *bytes = malloc(len);

	read_tree(data, len, false);
	memcpy(bytes, data, len);
	make_header_right(bytes, len);
	read_tree(bytes, len, true);
	read_tree(bytes, len, false);
	free(bytes);
}
FUZZ_TARGET("fdt", run_fdt);
