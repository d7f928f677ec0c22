/*
 * address.c - describes what an address belongs to.
 *
 * Idea.       A report of a fault is easier to understand if it says what the address is. The regions of the address space
 *             are tried in turn, from the most specific to the most general.
 * Layout.     null page, user half, hole between the halves; guard pages, image; vmalloc, page array, direct map.
 * Invariants. It changes nothing and trusts no structure.
 * Locking.    Waits for no lock, because it runs in a panic.
 * Failure.    An address outside of all regions is described as such.
 * Next:       mm/vmalloc.c for its areas, base/panic.c for the use.
 */

#include <arch/layout.h>
#include <arch/pt.h>
#include <arch/stack.h>
#include <kernel/address.h>
#include <kernel/bits.h>
#include <kernel/cpumask.h>
#include <kernel/printk.h>
#include <kernel/sections.h>
#include <mm/vmalloc.h>

static bool describe_stack(vaddr_t addr, char *buf, size_t size)
{
	struct arch_stack_info s;

	for (unsigned n = 0; arch_stack_info(n, &s); n++) {
		if (addr < s.guard || addr >= s.end)
			continue;
		if (addr < s.start)
			snprintf(buf, size, "guard page of the %s stack: the stack has run over", s.name);
		else
			snprintf(buf, size, "%s stack", s.name);
		return true;
	}
	return false;
}

static void describe_image(vaddr_t addr, char *buf, size_t size)
{
	const char *part = addr < (vaddr_t)__text_end	  ? "text"
			   : addr < (vaddr_t)__rodata_end ? "read-only data"
			   : addr < (vaddr_t)__data_end	  ? "data"
							  : "bss";

	snprintf(buf, size, "image %s, %pS", part, (void *)addr);
}

static bool within(vaddr_t addr, vaddr_t start, size_t size)
{
	return addr - start < size;
}

void address_describe(vaddr_t addr, char *buf, size_t size)
{
	const vaddr_t half = 1UL << (arch_va_bits() - 1);

	if (addr < PAGE_SIZE)
		snprintf(buf, size, "null pointer");
	else if (addr < min(arch_kernel_start(), half))
		snprintf(buf, size, "user range");
	else if (addr >= half && addr < -half)
		snprintf(buf, size, "not canonical");
	else if (describe_stack(addr, buf, size))
		return;
	else if (addr >= (vaddr_t)__image_start && addr < (vaddr_t)__image_end)
		describe_image(addr, buf, size);
	else if (addr >= VMALLOC_START && addr < VMALLOC_END)
		vmalloc_describe(addr, buf, size);
	else if (within(addr, VMEMMAP_BASE, VMEMMAP_SIZE))
		snprintf(buf, size, "page array, pfn 0x%lx", page_to_pfn((const struct page *)addr));
	else if (within(addr, DIRECT_MAP_BASE, DIRECT_MAP_SIZE))
		snprintf(buf, size, "direct map, physical 0x%lx", addr - DIRECT_MAP_BASE);
	else if (within(addr, DEVICE_BASE, DEVICE_SIZE))
		snprintf(buf, size, "device registers");
	else if (within(addr, PERCPU_BASE, PERCPU_STRIDE * NR_CPUS))
		snprintf(buf, size, "per-CPU areas, CPU %lu", (addr - PERCPU_BASE) / PERCPU_STRIDE);
	else
		snprintf(buf, size, "in no region");
}

unsigned address_regions(struct address_region region[ADDRESS_REGIONS_MAX])
{
	const vaddr_t half = 1UL << (arch_va_bits() - 1);
	const struct address_region all[] = {
		{"user", NULL, 0, min(arch_kernel_start(), half) - 1},
		{"non-canonical", NULL, half, -half - 1},
		{"direct map", "Low Kernel Mapping", DIRECT_MAP_BASE, DIRECT_MAP_BASE + DIRECT_MAP_SIZE - 1},
		{"vmalloc", "vmalloc() Area", VMALLOC_START, VMALLOC_END - 1},
		{"vmemmap", "Vmemmap", VMEMMAP_BASE, VMEMMAP_BASE + VMEMMAP_SIZE - 1},
		{"device registers", "Device Registers", DEVICE_BASE, DEVICE_BASE + DEVICE_SIZE - 1},
		{"per-CPU", "Per-CPU Areas", PERCPU_BASE, PERCPU_BASE + PERCPU_STRIDE * NR_CPUS - 1},
		{"kernel text", "High Kernel Mapping", (vaddr_t)__text_start, (vaddr_t)__text_end - 1},
		{"kernel rodata", NULL, (vaddr_t)__rodata_start, (vaddr_t)__rodata_end - 1},
		{"kernel data", NULL, (vaddr_t)__data_start, (vaddr_t)__data_end - 1},
		{"kernel bss", NULL, (vaddr_t)__bss_start, (vaddr_t)__bss_end - 1},
	};
	unsigned nr = 0;

	static_assert(ARRAY_SIZE(all) <= ADDRESS_REGIONS_MAX, "room for all regions");
	for (unsigned i = 0; i < ARRAY_SIZE(all); i++) {
		unsigned at = nr;

		if (all[i].last + 1 == all[i].start) /* empty */
			continue;
		for (; at && all[i].start < region[at - 1].start; at--)
			region[at] = region[at - 1];
		region[at] = all[i];
		nr++;
	}
	return nr;
}
