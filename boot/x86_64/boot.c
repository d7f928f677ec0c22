/*
 * boot.c - the first C code: sets the address layout, parses the loader's information, calls kmain().
 *
 * Idea.       entry.S has chosen the number of paging levels; the bases of all regions follow from it (Linux's
 *             Documentation/x86/x86_64/mm.rst). The loader's data is copied into one static struct boot_info, so later code
 *             depends neither on the protocol nor on memory that may be reused.
 * Layout.                       4 levels                     5 levels
 *             direct map    ffff888000000000  64 TiB     ff11000000000000  32 PiB
 *             vmalloc       ffffc90000000000  32 TiB     ffa0000000000000  12.5 PiB
 *             vmemmap       ffffea0000000000   1 TiB     ffd4000000000000  0.5 PiB
 *             per-CPU       fffffe0000000000  0.5 TiB    the same (Linux has its CPU entry area there)
 *             image         ffffffff80000000   2 GiB     the same
 * Invariants. Only physical memory below 4 GiB is read, because the early tables map no more.
 * Locking.    None: one CPU, interrupts off.
 * Failure.    An unknown loader is noted; the kernel then reports that it has no memory, and stops.
 * Next:       multiboot2.c or pvh.c, then kernel/main.c.
 */

#include "boot.h"
#include <arch/layout.h>
#include <kernel/bits.h>
#include <kernel/bootinfo.h>

#include "../../arch/x86_64/x86_internal.h"

enum { MULTIBOOT2_MAGIC = 0x36d76289, PVH_MAGIC = 0x336ec578 };

struct x86_layout x86_layout;

static struct boot_info boot_info;

static const struct x86_layout layout_4 = {
	.levels = 4,
	.direct_map = 0xffff888000000000UL,
	.direct_map_size = TIB(64),
	.vmalloc_start = 0xffffc90000000000UL,
	.vmalloc_end = 0xffffe90000000000UL,
	.vmemmap = 0xffffea0000000000UL,
	.vmemmap_size = TIB(1),
	.percpu = 0xfffffe0000000000UL,
};

static const struct x86_layout layout_5 = {
	.levels = 5,
	.direct_map = 0xff11000000000000UL,
	.direct_map_size = TIB(32) << 10,
	.vmalloc_start = 0xffa0000000000000UL,
	.vmalloc_end = 0xffd2000000000000UL,
	.vmemmap = 0xffd4000000000000UL,
	.vmemmap_size = TIB(512),
	.percpu = 0xfffffe0000000000UL,
};

/* Reads physical memory through the early tables. */
static const void *early_map_at(const struct boot_mem *mem, u64 pa, u64 len)
{
	(void)mem;
	if (pa == 0 || pa > GIB(4) || len > GIB(4) - pa)
		return NULL;
	return (const void *)(DIRECT_MAP_BASE + pa);
}

const struct boot_mem boot_early_mem = {.at = early_map_at};

void x86_boot(u32 magic, u32 info_pa, u32 levels);
void x86_boot(u32 magic, u32 info_pa, u32 levels)
{
	const struct boot_mem *mem = &boot_early_mem;
	struct acpi_clocks clocks;
	const u32 *total;

	x86_layout = levels == 5 ? layout_5 : layout_4;

	if (magic == PVH_MAGIC)
		pvh_parse(mem, info_pa, &boot_info);
	else if (magic == MULTIBOOT2_MAGIC && (total = mem->at(mem, info_pa, sizeof(*total))) != NULL)
		multiboot2_parse(total, min((u64)*total, GIB(4) - info_pa), info_pa, &boot_info);
	else
		boot_note(&boot_info, "unknown boot protocol: magic 0x%x, information at 0x%x", magic,
			  info_pa);
	if (!boot_info.rsdp && !boot_info.rsdp_copy_len)
		boot_info.rsdp = acpi_scan_rsdp(mem);
	clocks = acpi_clocks(mem, &boot_info);
	x86_clocks = (struct x86_clocks){clocks.hpet, clocks.pm_timer};
	boot_add_pc_edits(&boot_info);
	boot_info.zones = (struct boot_zones){MIB(16), GIB(4), ~0UL};
	kmain(&boot_info);
}
