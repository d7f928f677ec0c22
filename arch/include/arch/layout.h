#ifndef ARCH_LAYOUT_H
#define ARCH_LAYOUT_H

/*
 * Constants and bases of the address space.
 *
 *   PAGE_SHIFT           log2 of the base page (translation granule)
 *   PT_INDEX_BITS        index bits of a full table (PAGE_SHIFT - 3)
 *   ARCH_PT_MAX_LEVELS   largest number of levels on any machine of this port
 *   CACHE_LINE           bytes; alignment that keeps data of different CPUs in different lines
 *   KERNEL_VMA           virtual address of physical 0 in the image's mapping
 *   EARLY_MAP_END        the boot code's tables map physical memory below this address
 * Variables, fixed before kmain() (they depend on the number of levels):
 *   DIRECT_MAP_BASE      virtual address of physical 0 in the direct map
 *   DIRECT_MAP_SIZE      bytes reserved for it
 *   VMALLOC_START/END    half-open window of vmalloc, before seed and vmalloc= are applied
 *   VMEMMAP_BASE         virtual address of the struct page of pfn 0
 *   VMEMMAP_SIZE         bytes reserved
 *   DEVICE_BASE          where the port maps registers
 *   DEVICE_SIZE          bytes reserved, 0: none
 *   PERCPU_BASE          window of the per-CPU areas, PERCPU_STRIDE bytes for each CPU
 */

#include <kernel/types.h>
#include <arch_impl/layout.h>

#define PAGE_SIZE (1UL << PAGE_SHIFT)
#define PAGE_MASK (~(PAGE_SIZE - 1))
#define PAGE_ALIGN_UP(x) (((x) + PAGE_SIZE - 1) & PAGE_MASK)

#endif
