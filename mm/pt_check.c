/*
 * pt_check.c - checks that every entry of the kernel's page tables has an owner.
 *
 * Idea.       One walk visits all tables, from the root down. A table must be a frame that memblock
 *             reserved for tables, or one whose struct page has PG_table. A leaf must lie in one of the
 *             kernel's windows, and the layer that owns the window must have requested this mapping:
 *             that frame, at that address, with these rights. Missing mappings are found by the layers
 *             (direct_map_check(), vmap_check(), percpu_check()), or by a sum (page array, P5).
 * Layout.     windows[]: direct map, image, page array, vmalloc, per-CPU areas, device registers. The
 *             page array is checked first; then the struct pages of the other tables can be read.
 * Invariants. The invariants are P1 to P6 of pgtable.c.
 * Locking.    The other CPUs are held, so no lock is needed.
 * Failure.    A message with the address and the entry. A frame that is no table is not followed, and
 *             at most MM_PAGETABLE tables are visited. So a damaged entry neither faults nor leads into
 *             a loop.
 * Next:       direct_map.c.
 */
#include "pt_internal.h"

#include "internal.h"
#include "vmap.h"

#include <mm/check.h>
#include <mm/check_walk.h>

#include <kernel/percpu.h>
#include <kernel/sections.h>
#include <kernel/string.h>

struct pt_audit {
	/* Only entries that translate addresses of this range are checked. */
	vaddr_t first, last;
	/* The page array was found sound, so struct pages can be read. */
	bool array_seen;
	/* start of the kernel's lowest window */
	vaddr_t lowest;
	unsigned long tables, most;
	size_t array_bytes;
	/* If not NULL, it gets the tables, and leaves are skipped. */
	frame_fn fn;
	void *ctx;
};

static char wrong[160];

static bool complain(const char *what, vaddr_t va, pte_t e)
{
	snprintf(wrong, sizeof(wrong), "%s: va 0x%016lx entry 0x%016lx", what, va, (unsigned long)e.bits);
	return false;
}

/* ---- leaves ---- */

/* direct_map_check() checks what is mapped there, and how. */
static bool own_fixed(vaddr_t va, paddr_t pa, unsigned level, pt_prot_t prot)
{
	return true;
}

static bool own_vmalloc(vaddr_t va, paddr_t pa, unsigned level, pt_prot_t prot)
{
	return va >= vmap_start && va + PT_LEVEL_SIZE(level) <= vmap_end &&
	       memblock_is_memory(&memblock, pa) && !(prot & PT_EXEC);
}

static bool own_array(vaddr_t va, paddr_t pa, unsigned level, pt_prot_t prot)
{
	return prot == PT_RW && section_array_owns(va, pa, PT_LEVEL_SIZE(level));
}

static bool own_percpu(vaddr_t va, paddr_t pa, unsigned level, pt_prot_t prot)
{
	unsigned cpu = (unsigned)((va - PERCPU_BASE) / PERCPU_STRIDE);

	return level == 0 && (prot & ~(pt_prot_t)PT_LOCAL) == PT_RW &&
	       cpumask_test(&cpu_possible_mask, cpu) && memblock_is_memory(&memblock, pa);
}

static bool own_device(vaddr_t va, paddr_t pa, unsigned level, pt_prot_t prot)
{
	return level == 0 && prot == (PT_RW | PT_DEVICE) && !memblock_is_memory(&memblock, pa);
}

struct window {
	const char *name;
	vaddr_t start;
	size_t size;
	bool (*owns)(vaddr_t va, paddr_t pa, unsigned level, pt_prot_t prot);
};

static struct window windows[6];

static void find_windows(void)
{
	const size_t image = (size_t)(__image_end - __image_start);

	windows[0] = (struct window){"direct map", DIRECT_MAP_BASE, DIRECT_MAP_SIZE, own_fixed};
	windows[1] = (struct window){"image", (vaddr_t)__image_start, image, own_fixed};
	windows[2] = (struct window){"page array", VMEMMAP_BASE, VMEMMAP_SIZE, own_array};
	windows[3] = (struct window){"vmalloc", VMALLOC_START, VMALLOC_END - VMALLOC_START, own_vmalloc};
	windows[4] = (struct window){"per-CPU", PERCPU_BASE, NR_CPUS * PERCPU_STRIDE, own_percpu};
	windows[5] = (struct window){"registers", DEVICE_BASE, DEVICE_SIZE, own_device};
}

/* Returns the window that contains the address, NULL if none does. */
static const struct window *window_of(vaddr_t va)
{
	for (unsigned i = 0; i < ARRAY_SIZE(windows); i++)
		if (va - windows[i].start < windows[i].size)
			return &windows[i];
	return NULL;
}

/* P4: the entry has the bits that the port gives such a leaf. */
static bool leaf_exact(pte_t e, paddr_t pa, unsigned level, pt_prot_t prot)
{
	pte_t plain = arch_pte_leaf(pa, prot, level);

	return e.bits == plain.bits || e.bits == arch_pte_contig(plain).bits;
}

/* P1: a leaf with the contiguous mark belongs to a complete group. prev is the entry before it. */
static bool group_sound(pte_t e, pte_t prev, paddr_t pa, unsigned level, pt_prot_t prot, unsigned long index)
{
	pte_t plain = arch_pte_leaf(pa, prot, level);
	unsigned group = arch_pt_contig_entries(level);

	if (group == 1 || e.bits == plain.bits)
		return true;
	if (index % group == 0)
		return pa % ((unsigned long)group << PT_LEVEL_SHIFT(level)) == 0;
	return prev.bits == arch_pte_contig(arch_pte_leaf(pa - PT_LEVEL_SIZE(level), prot, level)).bits;
}

static bool check_leaf(struct pt_audit *a, vaddr_t va, pte_t e, pte_t prev, unsigned level)
{
	paddr_t pa = arch_pte_paddr(e, level);
	pt_prot_t prot = arch_pte_prot(e, level);
	const struct window *w = window_of(va);

	if (!arch_pt_leaf_ok(level) || pa & (PT_LEVEL_SIZE(level) - 1))
		return complain("pgtable.P1: leaf of a wrong size", va, e);
	if ((prot & PT_WRITE) && (prot & PT_EXEC))
		return complain("pgtable.P2: writable and executable", va, e);
	if (va < a->lowest)
		return complain("pgtable.P2: mapped below the kernel", va, e);
	if (!w || PT_LEVEL_SIZE(level) > w->size - (va - w->start))
		return complain("pgtable.P5: a leaf in no window of the kernel", va, e);
	if (!leaf_exact(e, pa, level, prot))
		return complain("pgtable.P4: a leaf with bits that nothing gives it", va, e);
	if (!group_sound(e, prev, pa, level, prot, PT_INDEX(va, level)))
		return complain("pgtable.P1: one of a group of leaves without the others", va, e);
	if (!w->owns(va, pa, level, prot)) {
		snprintf(wrong, sizeof(wrong),
			 "pgtable.P5: %s: va 0x%016lx entry 0x%016lx: not what its owner mapped", w->name, va,
			 (unsigned long)e.bits);
		return false;
	}
	if (w->owns == own_array)
		a->array_bytes += PT_LEVEL_SIZE(level);
	return true;
}

/* ---- tables ---- */

static bool boot_table(paddr_t pa)
{
	const struct memblock_region *r = memblock_reserved_from(&memblock, pa);

	return r < memblock.reserved.region + memblock.reserved.cnt && r->start <= pa &&
	       strcmp(r->name, "page tables") == 0;
}

/* Returns NULL if the frame is a page table, else the broken invariant. */
static const char *table_problem(const struct pt_audit *a, paddr_t pa)
{
	const struct page *page;

	if (pa & ~PAGE_MASK || pa >> PAGE_SHIFT >= direct_map_end_pfn || !memblock_is_memory(&memblock, pa))
		return "pgtable.P1: table outside of RAM";
	if (boot_table(pa))
		return NULL;
	page = phys_to_page(pa);
	if (!a->array_seen || !pfn_valid(page_to_pfn(page)) ||
	    (page->flags & (PG_STATE_MASK | PG_ORDER_MASK | PG_FLAG_MASK)) != (PAGE_ALLOCATED | PG_table))
		return "pgtable.P3: a table in a frame that is no page table";
	return page->refcount == 1 ? NULL : "pgtable.P3: a table's frame with no or several references";
}

/* Sign-extends va from the width that the page tables translate (arch_va_bits()) to 64 bits. */
static vaddr_t sign_extend(vaddr_t va)
{
	unsigned above = 64 - arch_va_bits();

	return (vaddr_t)((long)(va << above) >> above);
}

static bool check_table(struct pt_audit *a, paddr_t pa, unsigned level, vaddr_t base);

static bool check_entry(struct pt_audit *a, const pte_t *table, unsigned long i, unsigned level, vaddr_t va)
{
	pte_t e = arch_pte_read(&table[i]);
	const char *problem;

	if (!arch_pte_present(e))
		return !e.bits || a->fn || complain("pgtable.P4: an absent entry that is not zero", va, e);
	if (arch_pte_is_leaf(e, level))
		return a->fn || check_leaf(a, va, e, i ? arch_pte_read(&table[i - 1]) : (pte_t){0}, level);
	problem = table_problem(a, arch_pte_paddr(e, level));
	if (problem)
		return complain(problem, va, e);
	if (e.bits != arch_pte_table(arch_pte_paddr(e, level)).bits)
		return complain("pgtable.P4: a table's entry with bits that nothing gives it", va, e);
	return check_table(a, arch_pte_paddr(e, level), level - 1, va);
}

static bool check_table(struct pt_audit *a, paddr_t pa, unsigned level, vaddr_t base)
{
	const pte_t *table = phys_to_virt(pa);

	if (++a->tables > a->most) {
		snprintf(wrong, sizeof(wrong), "pgtable.P3: more tables reachable than the %lu counted",
			 a->most);
		return false;
	}
	if (a->fn && !boot_table(pa))
		a->fn(pa >> PAGE_SHIFT, 0, a->ctx);
	if (a->fn && level == 0)
		return true;
	for (unsigned long i = 0; i < PT_ENTRIES; i++) {
		vaddr_t va = sign_extend(base + (i << PT_LEVEL_SHIFT(level)));

		if (va > a->last || va + (PT_LEVEL_SIZE(level) - 1) < a->first)
			continue;
		if (!check_entry(a, table, i, level, va))
			return false;
	}
	return true;
}

static bool check_tables(struct pt_audit *a)
{
	a->tables = 0;
	a->most = min(mm_counter_read(MM_PAGETABLE), memblock_end(&memblock) >> PAGE_SHIFT);
	return check_table(a, pt_root(), arch_pt_levels() - 1,
			   arch_kernel_start() & -PT_LEVEL_SIZE(arch_pt_levels()));
}

void pt_for_each_table(frame_fn fn, void *ctx)
{
	struct pt_audit a = {.last = ~0UL, .array_seen = true, .fn = fn, .ctx = ctx};

	check_tables(&a);
	pt_for_each_dying(fn, ctx);
}

const char *pt_check(void)
{
	const vaddr_t window[] = {DIRECT_MAP_BASE, VMALLOC_START, VMEMMAP_BASE, PERCPU_BASE};
	struct pt_audit a = {.first = VMEMMAP_BASE, .last = VMEMMAP_BASE + VMEMMAP_SIZE - 1};

	if (pt_root() & ~PAGE_MASK || !boot_table(pt_root()) || arch_pt_root() != pt_root())
		return "pgtable.P6: the CPU does not walk from the kernel's root, or it is no table";
	find_windows();
	a.lowest = (vaddr_t)__image_start;
	for (unsigned i = 0; i < ARRAY_SIZE(window); i++)
		a.lowest = min(a.lowest, window[i]);
	if (!check_tables(&a))
		return wrong;
	if (a.array_bytes != section_array_bytes())
		return "pgtable.P5: a part of the page array is not mapped";
	a.array_seen = true;
	a.first = 0;
	a.last = ~0UL;
	if (!check_tables(&a))
		return wrong;
	if (a.tables != mm_counter_read(MM_PAGETABLE)) {
		snprintf(wrong, sizeof(wrong), "pgtable.P3: %lu tables reachable, %lu counted", a.tables,
			 mm_counter_read(MM_PAGETABLE));
		return wrong;
	}
	if (!pt_hints_sound())
		return "pgtable.P6: a CPU remembers a table that does not translate its addresses";
	return direct_map_check();
}
MM_CHECK_RANKED("pgtable", pt_check, CHECK_RANK_TABLES);
