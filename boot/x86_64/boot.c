/*
 * boot.c - the first C: layout of the address space, then the loader's information, then kmain().
 *
 * Idea.       entry.S has chosen the number of paging levels; the bases of all regions follow from it
 *             (Linux's Documentation/x86/x86_64/mm.rst). What the loader left is copied into one static
 *             struct boot_info, so that nothing later depends on the protocol or on memory that somebody may
 *             reuse.
 * Layout.                       4 levels                     5 levels
 *             direct map    ffff888000000000  64 TiB     ff11000000000000  32 PiB
 *             vmalloc       ffffc90000000000  32 TiB     ffa0000000000000  12.5 PiB
 *             vmemmap       ffffea0000000000   1 TiB     ffd4000000000000  0.5 PiB
 *             per-CPU       fffffe0000000000  0.5 TiB    the same (Linux has its CPU entry area there)
 *             image         ffffffff80000000   2 GiB     the same
 * Invariants. Only physical memory below 4 GiB is read: that is what the early map covers.
 * Locking.    None: one CPU, interrupts off.
 * Failure.    An unknown loader is noted; the kernel will then report that it has no memory and stop.
 * Next:       multiboot2.c or pvh.c, then kernel/main.c.
 */

#include "boot.h"
#include <arch/layout.h>
#include <kernel/bits.h>
#include <kernel/main.h>

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

void x86_boot(u32 magic, u32 info_pa, u32 levels);
void x86_boot(u32 magic, u32 info_pa, u32 levels)
{
	x86_layout = levels == 5 ? layout_5 : layout_4;
	boot_info.protocol = magic == PVH_MAGIC		 ? "PVH"
			     : magic == MULTIBOOT2_MAGIC ? "Multiboot2"
							 : "unknown";
	boot_info.info_start = info_pa;
	kmain(&boot_info);
}
