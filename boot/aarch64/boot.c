/*
 * boot.c - the first C code: reads firmware's data, chooses the VA size, builds the early direct map, calls kmain().
 *
 * Idea.       entry.S has mapped the image and nothing else. Firmware's data is read through a window: the entries of the
 *             image's last early table that the image does not use are pointed at the requested memory. The command line
 *             then decides the VA size. With the memory map known, the lowest memory gets a direct map for the first
 *             allocations.
 * Layout.     Linux's (Documentation/arm64/memory.rst); V is the VA size, 48 or 52, S the shift of struct page's size:
 *             direct map  -2^V               to ffff800000000000
 *             image       ffff800008000000   128 MiB below vmalloc
 *             vmalloc     ffff800010000000   (64 KiB: ffff800020000000) to the registers
 *             registers   256 MiB below vmemmap
 *             vmemmap     -2^(V - PAGE_SHIFT + S)   one struct page for each frame of the direct map
 *             per-CPU     after vmemmap
 * Invariants. Early tables come from early_pool. They map RAM and the window only. pgtable_init() replaces all of them,
 *             which closes the window.
 * Locking.    None: one CPU, interrupts off.
 * Failure.    If the window is full, the memory cannot be read, and its parser notes that. Without a memory map the kernel
 *             reports that it has no memory, and stops.
 * Next:       fdt.c, then kernel/main.c.
 */

#include "arch/aarch64/a64_internal.h"
#include "boot.h"
#include "efi.h"
#include <arch/layout.h>
#include <arch/pt.h>
#include <arch/tlb.h>
#include <arch_impl/sysreg.h>
#include <kernel/bits.h>
#include <kernel/bootinfo.h>
#include <kernel/sections.h>
#include <kernel/string.h>

enum {
	EARLY_LEVEL = PAGE_SHIFT == 16 ? 0 : 1, /* leaves of the early direct map: 2 MiB, 32 MiB, 64 KiB */
	WINDOW_LEVEL = PAGE_SHIFT == 12 ? 1 : 0,
	EARLY_TABLES = 24,
	EARLY_MAP_SIZE = 512 << 20, /* upper limit of the memory that it covers */
	MAX_OPENINGS = 128,
	FDT_HEAD = 8,
	FDT_MAX = 2 << 20, /* limit of Linux Documentation/arm64/booting.rst */
	PAGE_STRUCT_SHIFT = 6,
};

struct a64_layout a64_layout;
struct boot_devices a64_dev;
static struct boot_info boot_info;

static pte_t early_pool[EARLY_TABLES][PT_ENTRIES] __aligned(PAGE_SIZE);
static unsigned early_used;
static pte_t *early_root = a64_image_tables; /* with a fifth level, a table of the pool above it */

/* ---- early tables ---- */

static pte_t *early_table(pte_t e, unsigned level)
{
	return (pte_t *)(arch_pte_paddr(e, level) + KERNEL_VMA);
}

/* Maps one leaf. False: no table is left. An address that a larger leaf maps already is not changed. */
static bool early_map(vaddr_t va, paddr_t pa, pt_prot_t prot, unsigned leaf_level)
{
	pte_t *table = early_root;

	for (unsigned level = arch_pt_levels() - 1; level > leaf_level; level--) {
		pte_t *slot = &table[PT_INDEX(va, level)];

		if (!arch_pte_present(*slot)) {
			if (early_used == EARLY_TABLES)
				return false;
			arch_pte_write(slot, arch_pte_table((paddr_t)early_pool[early_used++] - KERNEL_VMA));
		} else if (arch_pte_is_leaf(*slot, level)) {
			return true;
		}
		table = early_table(*slot, level);
	}
	arch_pte_write(&table[PT_INDEX(va, leaf_level)], arch_pte_leaf(pa, prot, leaf_level));
	return true;
}

/* ---- the window ---- */

static struct opening {
	paddr_t start, end;
	vaddr_t va;
	pt_prot_t prot;
} opening[MAX_OPENINGS];
static unsigned nr_openings;
static vaddr_t window_at, window_end;

static void window_init(void)
{
	window_at = ALIGN_UP((vaddr_t)__image_end, PT_LEVEL_SIZE(WINDOW_LEVEL));
	window_end = ALIGN_UP(window_at, PT_LEVEL_SIZE(WINDOW_LEVEL + 1));
}

/* Returns the address of [pa, pa + len) in the window. Reuses an earlier opening that contains it. NULL: no room. */
static void *window_open(paddr_t pa, u64 len, pt_prot_t prot)
{
	const u64 leaf = PT_LEVEL_SIZE(WINDOW_LEVEL);
	struct opening *o;

	if (!len || len > window_end - A64_LINK_BASE || pa + len < pa || (pa + len) >> 52)
		return NULL;
	for (o = opening; o < opening + nr_openings; o++)
		if (o->start <= pa && pa + len <= o->end && o->prot == prot)
			return (void *)(o->va + (pa - o->start));
	*o = (struct opening){ALIGN_DOWN(pa, leaf), ALIGN_UP(pa + len, leaf), window_at, prot};
	if (nr_openings == MAX_OPENINGS - 1 || o->end - o->start > window_end - window_at)
		return NULL;
	for (paddr_t at = o->start; at < o->end; at += leaf, window_at += leaf)
		early_map(window_at, at, prot, WINDOW_LEVEL); /* uses the image's table, so it cannot fail */
	arch_pt_sync();
	nr_openings++;
	return (void *)(o->va + (pa - o->start));
}

static const void *window_read(const struct boot_mem *mem, u64 pa, u64 len)
{
	(void)mem;
	return window_open(pa, len, PT_READ);
}

const struct boot_mem boot_early_mem = {.at = window_read};

/* ---- the VA size ---- */

static u64 ttbr(const pte_t *root)
{
	return a64_ttbr((paddr_t)root - KERNEL_VMA, a64_layout.va_bits);
}

static bool has_52_bits(void)
{
	return PAGE_SHIFT == 16 ? a64_id_field(id_aa64mmfr2_el1, 16) >= 1 : a64_has_lpa2;
}

/* Searches for the word; quotes have no meaning here, as in Linux's early parser. */
static bool cmdline_has(const char *word)
{
	size_t n = strlen(word);

	for (const char *p = boot_info.cmdline; (p = strstr(p, word)) != NULL; p++)
		if ((p == boot_info.cmdline || p[-1] <= ' ') && (u8)p[n] <= ' ')
			return true;
	return false;
}

static void use_52_bits(void)
{
	u64 tcr = (a64_read(tcr_el1) & ~(u64)A64_TCR_T1SZ_MASK) | A64_TCR_T1SZ(52);

	a64_layout.va_bits = 52;
	if (PAGE_SHIFT == 12) { /* with other granules the root table only uses more entries */
		pte_t *root = early_pool[early_used++];

		a64_layout.levels = 5;
		arch_pte_write(&root[PT_INDEX(A64_LINK_BASE, a64_layout.levels - 1)],
			       arch_pte_table((paddr_t)early_root - KERNEL_VMA));
		early_root = root;
	}
	arch_pt_sync();
	a64_switch(ttbr(early_root), tcr);
}

static void set_layout(void)
{
	struct a64_layout *l = &a64_layout;
	const unsigned struct_shift = PAGE_SHIFT - PAGE_STRUCT_SHIFT;

	l->direct_map = -1UL << l->va_bits;
	l->direct_map_size = 0xffff800000000000UL - l->direct_map;
	l->vmemmap = -1UL << (l->va_bits - struct_shift);
	l->vmemmap_size = l->direct_map_size >> struct_shift;
	l->percpu = l->vmemmap + l->vmemmap_size;
	/* The image and vmalloc share no last-level table. */
	l->vmalloc_start = ALIGN_UP(A64_LINK_BASE + MIB(128), PT_LEVEL_SIZE(1));
	l->vmalloc_end = DEVICE_BASE;
}

/* ---- the early direct map ---- */

/* Maps [start, end), with small leaves at unaligned ends. Returns the address where tables ran out, else end. */
static paddr_t map_direct(paddr_t start, paddr_t end, unsigned most_level)
{
	const u64 leaf = PT_LEVEL_SIZE(most_level);

	for (paddr_t pa = start; pa < end;) {
		unsigned level = pa & (leaf - 1) || end - pa < leaf ? 0 : most_level;

		if (!early_map(DIRECT_MAP_BASE + pa, pa, PT_RW, level))
			return pa;
		pa += PT_LEVEL_SIZE(level);
	}
	return end;
}

/* Maps the lowest memory, where boot allocations start, and the image, whose tables the kernel reads. */
static void early_direct_map(void)
{
	const paddr_t image_end = PAGE_ALIGN_UP((paddr_t)__image_end - KERNEL_VMA);
	u64 cursor = 0, left = EARLY_MAP_SIZE, start, end;

	while (left && boot_next_usable(&boot_info, &cursor, &start, &end)) {
		start = PAGE_ALIGN_UP(start);
		end = min(min(end & PAGE_MASK, DIRECT_MAP_SIZE), start + left);
		if (start >= end)
			continue;
		left -= end - start;
		a64_layout.early_map_end = map_direct(start, end, EARLY_LEVEL);
		if (a64_layout.early_map_end < end)
			break;
	}
	if (map_direct(KERNEL_LOAD, image_end, 0) < image_end)
		boot_note(&boot_info, "early tables: no room for the image");
	arch_pt_sync();
}

/* As in Linux arch/arm64/mm/init.c: DMA zones end at 4 GiB, unless all memory lies above. */
static void set_zones(void)
{
	u64 cursor = 0, start, end;
	u64 dma = boot_next_usable(&boot_info, &cursor, &start, &end) && start >= GIB(4) ? ~0UL : GIB(4);

	boot_info.zones = (struct boot_zones){dma, dma, ~0UL};
}

/* ---- firmware ---- */

static void read_device_tree(paddr_t pa)
{
	const void *head = window_open(pa, FDT_HEAD, PT_READ), *fdt = NULL;
	size_t size = head ? fdt_total_size(head) : 0;

	if (size && size <= FDT_MAX)
		fdt = window_open(pa, size, PT_READ);
	if (fdt)
		fdt_parse(fdt, size, pa, &boot_info);
	else
		boot_note(&boot_info, "no device tree of at most 2 MiB at 0x%lx", pa);
}

/* UEFI's memory map and load options have precedence over those of a device tree. */
static void read_efi(const struct efi_handover *efi)
{
	const void *map = window_open(efi->map, efi->map_size, PT_READ);
	const void *options = window_open(efi->options, efi->options_size, PT_READ);

	boot_info.protocol = "UEFI";
	boot_info.efi = true;
	boot_info.rsdp = efi->rsdp;
	if (map)
		efi_memmap_parse(map, efi->map_size, efi->desc_size, (u32)efi->desc_version, &boot_info);
	else
		boot_note(&boot_info, "EFI: the memory map at 0x%lx cannot be read", efi->map);
	if (options)
		efi_cmdline(options, efi->options_size, &boot_info);
}

/* ACPI is used only without a device tree, as in Linux. */
static void read_firmware(paddr_t fdt_pa)
{
	boot_info.protocol = "arm64 Image";
	if (a64_efi.map_size)
		read_efi(&a64_efi);
	if (fdt_pa || !boot_info.rsdp)
		read_device_tree(fdt_pa);
	else
		acpi_arm(&boot_early_mem, &boot_info);
}

void a64_boot(u64 fdt_pa, u64 load_pa) __noreturn;
void a64_boot(u64 fdt_pa, u64 load_pa)
{
	a64_layout.load = load_pa;
	a64_layout.image = A64_LINK_BASE - load_pa;
	a64_layout.levels = PAGE_SHIFT == 16 ? 3 : 4;
	a64_pt_init();
	/* entry.S has set T1SZ. */
	a64_layout.va_bits = 64 - (unsigned)((a64_read(tcr_el1) & A64_TCR_T1SZ_MASK) / A64_TCR_T1SZ(63));
	window_init();
	read_firmware(fdt_pa);
	a64_dev = boot_info.dev;
	if (has_52_bits() && !cmdline_has("no5lvl"))
		use_52_bits();
	set_layout();
	early_direct_map();
	set_zones();
	if (a64_dev.uart)
		a64_uart_map((vaddr_t)window_open(a64_dev.uart, 4096, PT_RW | PT_DEVICE));
	a64_time_init_cpu(); /* the durations of boot steps count from the start of kmain() */
	kmain(&boot_info);
	arch_halt();
}
