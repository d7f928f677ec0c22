/*
 * memblock_boot.c - fills the kernel's memblock from the sanitised map.
 *
 * Idea.       Reservations come first, so that an array that grows takes no reserved memory. Then the largest range of
 *             memory is added, then all others. RAM that only memmap= names stays reserved until the final page tables
 *             map it: then memblock_prove_added() writes and reads words of it.
 * Layout.     firmware low memory, image, boot information, modules, firmware's reservations -> memblock.reserved
 *             memmap[] -> memblock.memory
 * Locking.    No lock is needed: boot, on one CPU.
 * Failure.    A full array of reservations ends the boot, as does a map without a whole page of RAM, or a word that does
 *             not keep its value. Ranges for which the array of memory has no room are not used, with a warning.
 * Next:       numa.c, then pgtable.c.
 */
#include <arch/cpu.h>
#include <arch/layout.h>
#include <kernel/bits.h>
#include <kernel/bug.h>
#include <kernel/errno.h>
#include <kernel/printk.h>
#include <kernel/sections.h>
#include <mm/memblock.h>
#include <mm/memmap.h>
#include <mm/page.h>

/*
 * Firmware may write to low memory (Linux arch/x86/kernel/setup.c). Frame 0 is never allocated: 0 means
 * failure.
 */
#define LOW_MEMORY_END KIB(64)

/* Name of reservations that memblock_prove_added() tests. */
static const char UNPROVEN[] = "not looked at";

static void reserve_or_panic(struct memblock *mb, paddr_t start, paddr_t end, const char *name)
{
	if (memblock_reserve(mb, start, end, name))
		panic("memblock: its array \"%s\" is full with %u regions, no place for 0x%lx-0x%lx (%s)\n",
		      mb->reserved.what, mb->reserved.max, start, end, name);
}

static void reserve_image(void)
{
	const struct {
		const char *start, *end, *name;
	} parts[] = {
		{__text_start, __text_end, "kernel text"},
		{__rodata_start, __rodata_end, "kernel rodata"},
		{__data_start, __data_end, "kernel data"},
		{__bss_start, __bss_end, "kernel bss"},
	};

	reserve_or_panic(&memblock, KERNEL_LOAD, image_to_phys(__text_start), "kernel boot code");
	for (unsigned i = 0; i < ARRAY_SIZE(parts); i++)
		reserve_or_panic(&memblock, image_to_phys(parts[i].start), image_to_phys(parts[i].end),
				 parts[i].name);
}

void memblock_reserve_boot(struct memblock *mb, const struct boot_info *bi)
{
	if (bi->info_start < bi->info_end)
		reserve_or_panic(mb, bi->info_start, bi->info_end, "boot information");
	if (bi->fdt_start < bi->fdt_end)
		reserve_or_panic(mb, bi->fdt_start, bi->fdt_end, "device tree");
	for (unsigned i = 0; i < bi->nr_modules; i++)
		reserve_or_panic(mb, bi->module[i].start, bi->module[i].end, "boot module");
	for (unsigned i = 0; i < min(bi->nr_reserved, (unsigned)BOOT_MAX_RESERVED); i++)
		reserve_or_panic(mb, bi->reserved[i].start, bi->reserved[i].end, "firmware");
}

/* Sets [*start, *end) to the whole pages of a usable entry of the map. Returns false if it has none. */
static bool usable_pages(const struct memmap_entry *e, paddr_t *start, paddr_t *end)
{
	*start = PAGE_ALIGN_UP(e->start);
	*end = e->end & PAGE_MASK;
	return e->type == MEM_USABLE && *start < *end && *start >= e->start;
}

/*
 * Adds the largest mapped range first: from then on there is memory into which a full array can grow.
 */
static void add_largest(void)
{
	paddr_t best_start = 0, best_end = 0, start, end;

	for (unsigned i = 0; i < memmap_nr; i++) {
		if (!usable_pages(&memmap[i], &start, &end) || start >= memblock_limit)
			continue;
		end = min(end, memblock_limit);
		if (end - start > best_end - best_start) {
			best_start = start;
			best_end = end;
		}
	}
	memblock_add(&memblock, best_start, best_end, NUMA_NO_NODE);
}

static void add_usable(void)
{
	unsigned lost_ranges = 0;
	u64 lost = 0;
	paddr_t start, end;

	for (unsigned i = 0; i < memmap_nr; i++) {
		if (!usable_pages(&memmap[i], &start, &end) ||
		    !memblock_add(&memblock, start, end, NUMA_NO_NODE))
			continue;
		lost += end - start;
		lost_ranges++;
	}
	if (lost)
		pr_warn("memblock: its array \"%s\" is full with %u regions: %u ranges with %lu KiB are not "
			"used\n",
			memblock.memory.what, memblock.memory.max, lost_ranges, lost >> 10);
}

void memblock_init(const struct boot_info *bi)
{
	memblock_limit = EARLY_MAP_END;
	memmap_init(bi);
	/* Reserve before memory is added, so no boot allocation can use these ranges. */
	reserve_or_panic(&memblock, 0, LOW_MEMORY_END, "firmware low memory");
	reserve_image();
	memblock_reserve_boot(&memblock, bi);

	for (unsigned i = 0; i < memmap_nr_unproven; i++)
		reserve_or_panic(&memblock, memmap_unproven[i].start, memmap_unproven[i].end, UNPROVEN);

	add_largest();
	add_usable();
	if (!memblock.memory.cnt)
		boot_refused(
			"no usable memory: of %u ranges in the loader's map none is a whole page of RAM%s",
			bi->nr_ranges, memmap_blame());
}

/* Frees the parts of [start, end) that are reserved under this name. Other reservations stay. */
static void forget_named(paddr_t start, paddr_t end, const char *name)
{
	const struct memblock_region *r = memblock_reserved_from(&memblock, start);

	while (r < memblock.reserved.region + memblock.reserved.cnt && r->start < end)
		if (r->name == name && memblock_free(&memblock, max(start, r->start), min(end, r->end)) == 0)
			r = memblock_reserved_from(&memblock, start);
		else
			r++;
}

/*
 * Returns whether the word at pa stores what is written. Restores the word. A device or an empty
 * address fails.
 */
static bool answers(paddr_t pa)
{
	volatile u64 *word = phys_to_virt(pa);
	u64 was, wrote;
	bool same;

	if (arch_probe((vaddr_t)word, ARCH_READ) || arch_probe((vaddr_t)word, ARCH_WRITE))
		return false;
	was = *word;
	wrote = ~was;
	*word = wrote;
	same = *word == wrote;
	*word = was;
	return same && *word == was;
}

/*
 * Tests the first word of [start, end), the first word of each 64 MiB (the smallest memory module), and
 * the last word. Refuses the boot if one fails.
 */
static void prove(paddr_t start, paddr_t end)
{
	const paddr_t step = MIB(64);

	for (paddr_t pa = start; pa < end; pa = ALIGN_DOWN(pa, step) + step)
		if (!answers(pa))
			boot_refused(
				"memmap=: no memory answers at 0x%lx, which the command line calls RAM and "
				"firmware does not",
				pa);
	if (!answers(end - sizeof(u64)))
		boot_refused(
			"memmap=: no memory answers at 0x%lx, which the command line calls RAM and firmware "
			"does not",
			end - sizeof(u64));
}

void memblock_prove_added(void)
{
	for (unsigned i = 0; i < memmap_nr_unproven; i++) {
		paddr_t start = memmap_unproven[i].start, end = memmap_unproven[i].end;

		for (unsigned m = memblock_first_memory(&memblock, start);
		     m < memblock.memory.cnt && memblock.memory.region[m].start < min(end, memblock_limit);
		     m++) {
			const struct memblock_region *r = &memblock.memory.region[m];

			prove(max(start, r->start), min(min(end, memblock_limit), r->end));
		}
		forget_named(start, end, UNPROVEN);
	}
}
