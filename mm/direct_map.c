/*
 * direct_map.c - the first mappings of the final tables: all RAM, and the image with W^X.
 *
 * Idea.       The direct map gives every frame of RAM one fixed address, DIRECT_MAP_BASE + physical
 *             address. It is built once, with the largest leaves that fit, and no leaf is ever split:
 *             ranges of different protection (the image's read-only part) have borders of their own
 *             from the start. Holes and device ranges are not mapped.
 * Layout.     The two windows, from low to high addresses:
 *
 *              DIRECT_MAP_BASE +  | RAM | text, rodata  | RAM       | hole | RAM ...   up to direct_map_end_pfn
 *                                 | RW  | R             | RW        | -    | RW        all NX
 *              KERNEL_VMA +             | text | rodata | data, bss |
 *                                       | RX   | R      | RW, a hole below each stack
 *
 * Invariants. D1  each RAM page below direct_map_end_pfn translates to itself; no leaf crosses a
 *                 range's end
 *             D2  nothing else between DIRECT_MAP_BASE and its end is mapped
 *             D3  text and rodata are read-only under both addresses; only text under its own is
 *                 executable
 *             D4  a stack's guard page is not mapped in the image
 * Locking.    The mappings are built at boot, on one CPU, and do not change afterwards.
 * Failure.    If there is no memory for a table, memblock panics: no kernel runs without these tables.
 * Next:       percpu.c, the first memory that is mapped outside of the direct map.
 */
#include "pt_internal.h"

#include <mm/memblock.h>

#include <kernel/bug.h>
#include <kernel/cmdline.h>
#include <kernel/errno.h>
#include <kernel/printk.h>
#include <kernel/sections.h>
#include <kernel/string.h>

#include <arch/console.h>
#include <arch/stack.h>

pfn_t direct_map_end_pfn;
unsigned long direct_map_pages[ARCH_PT_MAX_LEVELS];

enum { MAX_GUARD_PAGES = 16, IMAGE_MAX_LEVEL = 1 };

static u64 opt_directmap = ~0UL;
static bool opt_debug_pagealloc;

static int directmap_set(const char *value)
{
	return value ? parse_size(value, &opt_directmap) : -EINVAL;
}
CMDLINE_OPT("directmap", "a size such as 256M", directmap_set);

static int debug_pagealloc_set(const char *value)
{
	return cmdline_bool(value, &opt_debug_pagealloc);
}
CMDLINE_OPT("debug_pagealloc", "on or off", debug_pagealloc_set);

/*
 * Returns the end of the direct map: directmap=, rounded down to whole order-10 blocks, or the end of
 * zone Normal. It always includes the image and the 16 MiB behind it, from which boot allocates.
 */
static paddr_t direct_map_cap(const struct boot_info *bi)
{
	paddr_t floor = ALIGN_UP(image_to_phys(__image_end), PAGE_SIZE << MAX_ORDER) + MIB(16);
	paddr_t cap = min(ALIGN_DOWN(opt_directmap, PAGE_SIZE << MAX_ORDER), DIRECT_MAP_SIZE);

	cap = min(cap, bi->zones.normal_end & PAGE_MASK);

	if (cap < floor)
		pr_warn("directmap: %lu KiB is too small, using %lu KiB\n", cap >> 10, floor >> 10);
	return min(max(cap, floor), memblock_end(&memblock));
}

/* The read-only part of the image: [0] is its start, [1] its end. Data follows. */
static const char *const readonly_part[] = {__text_start, __rodata_end};

static pt_prot_t direct_map_prot(paddr_t pa)
{
	return pa >= image_to_phys(readonly_part[0]) && pa < image_to_phys(readonly_part[1]) ? PT_READ
											     : PT_RW;
}

/* Maps [start, end), which is RAM. Cuts it at the borders of the read-only part. */
static void direct_map_range(paddr_t start, paddr_t end, unsigned max_level)
{
	while (start < end) {
		paddr_t stop = end;

		for (unsigned i = 0; i < ARRAY_SIZE(readonly_part); i++)
			if (image_to_phys(readonly_part[i]) > start)
				stop = min(stop, image_to_phys(readonly_part[i]));
		if (pt_map_counted((vaddr_t)phys_to_virt(start), start, stop - start,
				   direct_map_prot(start) | PT_PERMANENT, max_level, 0, direct_map_pages))
			BUG("direct map: [0x%lx, 0x%lx) is mapped already", start, stop);
		start = stop;
	}
}

/* Maps one section of the image, without the guard pages in it. */
static void image_map(const char *from, const char *to, pt_prot_t prot)
{
	vaddr_t guard[MAX_GUARD_PAGES], va = (vaddr_t)from;
	unsigned nr = arch_guard_pages(guard, MAX_GUARD_PAGES);

	BUG_ON(nr > MAX_GUARD_PAGES, "%u guard pages, room for %u", nr, MAX_GUARD_PAGES);
	while (va < (vaddr_t)to) {
		vaddr_t stop = (vaddr_t)to;

		for (unsigned i = 0; i < nr; i++)
			if (guard[i] >= va)
				stop = min(stop, guard[i]);
		if (pt_map(va, image_to_phys((void *)va), stop - va, prot | PT_PERMANENT, IMAGE_MAX_LEVEL, 0))
			BUG("image: [0x%016lx, 0x%016lx) is mapped already", va, stop);
		va = stop + PAGE_SIZE;
	}
}

void pgtable_init(const struct boot_info *bi)
{
	const struct memblock_type *ram = &memblock.memory;
	paddr_t cap = direct_map_cap(bi);
	unsigned max_level = opt_debug_pagealloc ? 0 : ARCH_PT_MAX_LEVELS;
	vaddr_t va;
	paddr_t pa;

	direct_map_end_pfn = cap >> PAGE_SHIFT;
	memblock_limit = min(memblock_limit, cap);
	pt_set_root();
	for (unsigned i = 0; i < ram->cnt && ram->region[i].start < cap; i++)
		direct_map_range(ram->region[i].start, min(ram->region[i].end, cap), max_level);
	image_map(__text_start, __text_end, PT_RX);
	image_map(__rodata_start, __rodata_end, PT_READ);
	image_map(__data_start, __image_end, PT_RW);
	if (arch_console_registers(&va, &pa) && pt_map(va, pa, PAGE_SIZE, PT_RW | PT_DEVICE, 0, 0))
		BUG("console: 0x%016lx is mapped already", va);
	arch_pt_install(pt_root());
	memblock_limit = cap;
	pr_info("pgtable: %u levels, direct map 0x%016lx-0x%016lx\n", arch_pt_levels(), DIRECT_MAP_BASE,
		DIRECT_MAP_BASE + cap - 1);
}

/* ---- check ---- */

static char wrong[128];

/* Returns whether nothing is mapped in [va, end). */
static bool check_hole(vaddr_t va, vaddr_t end)
{
	size_t mapped = pt_mapped_bytes(va, end - va);

	if (mapped)
		snprintf(wrong, sizeof(wrong),
			 "direct_map.D2: 0x%lx bytes of 0x%016lx-0x%016lx are mapped and are not RAM", mapped,
			 va, end);
	return mapped == 0;
}

/*
 * Returns whether each leaf of [start, end) lies inside, translates to itself, and has one protection
 * throughout.
 */
static bool check_ram(paddr_t start, paddr_t end)
{
	for (paddr_t pa = start; pa < end;) {
		struct pt_query q = pt_lookup((vaddr_t)phys_to_virt(pa));

		if (!q.mapped || q.pa != pa || (pa & (q.size - 1)) || end - pa < q.size) {
			snprintf(wrong, sizeof(wrong), "direct_map.D1: 0x%lx translates to 0x%lx, leaf 0x%lx",
				 pa, q.pa, q.size);
			return false;
		}
		if (q.prot != direct_map_prot(pa) || q.prot != direct_map_prot(pa + q.size - 1)) {
			snprintf(wrong, sizeof(wrong), "direct_map.D3: 0x%lx has protection %u", pa, q.prot);
			return false;
		}
		pa += q.size;
	}
	return true;
}

static bool check_image(const char *from, const char *to, pt_prot_t prot)
{
	vaddr_t guard[MAX_GUARD_PAGES];
	unsigned nr = arch_guard_pages(guard, MAX_GUARD_PAGES);

	for (vaddr_t va = (vaddr_t)from; va < (vaddr_t)to; va += PAGE_SIZE) {
		struct pt_query q = pt_lookup(va);
		bool is_guard = false;

		for (unsigned i = 0; i < nr; i++)
			is_guard |= guard[i] == va;
		if (is_guard ? q.mapped : q.prot != prot || q.pa != image_to_phys((void *)va)) {
			snprintf(wrong, sizeof(wrong), "%s 0x%016lx has protection %u",
				 is_guard ? "direct_map.D4: guard page" : "direct_map.D3: image page", va,
				 q.prot);
			return false;
		}
	}
	return true;
}

const char *direct_map_check(void)
{
	const struct memblock_type *ram = &memblock.memory;
	paddr_t cap = direct_map_end_pfn << PAGE_SHIFT, at = 0;

	for (unsigned i = 0; i < ram->cnt && ram->region[i].start < cap; i++) {
		paddr_t end = min(ram->region[i].end, cap);

		if (!check_hole(DIRECT_MAP_BASE + at, DIRECT_MAP_BASE + ram->region[i].start) ||
		    !check_ram(ram->region[i].start, end))
			return wrong;
		at = end;
	}
	if (!check_hole(DIRECT_MAP_BASE + at, DIRECT_MAP_BASE + DIRECT_MAP_SIZE) ||
	    !check_image(__text_start, __text_end, PT_RX) ||
	    !check_image(__rodata_start, __rodata_end, PT_READ) ||
	    !check_image(__data_start, __image_end, PT_RW))
		return wrong;
	return NULL;
}
