#ifndef ARCH_IMPL_LAYOUT_H
#define ARCH_IMPL_LAYOUT_H

/*
 * Linux's layout (Documentation/arm64/memory.rst) for each granule. The bases depend on the VA size, which is known at run
 * time. The image is linked at one address and loaded at any, so KERNEL_VMA is a variable.
 */

#define PAGE_SHIFT CONFIG_PAGE_SHIFT
#define PT_INDEX_BITS (PAGE_SHIFT - 3)
#if CONFIG_PAGE_SHIFT == 12
#define ARCH_PT_MAX_LEVELS 5
#elif CONFIG_PAGE_SHIFT == 14
#define ARCH_PT_MAX_LEVELS 4
#else
#define ARCH_PT_MAX_LEVELS 3
#endif
#define CACHE_LINE 64

#ifdef __ASSEMBLY__ /* and the linker script, which allows no suffixes */
#define A64_LINK_BASE 0xffff800008000000
#define KERNEL_VMA A64_LINK_BASE
#define KERNEL_LOAD 0
#define KERNEL_BOOT_VMA A64_LINK_BASE /* the first section, too: its code is position-independent */
#else
#define A64_LINK_BASE 0xffff800008000000UL

struct a64_layout {
	/* image: virtual address of physical 0 in the image's mapping. load: physical address of the image. */
	unsigned long image, load;
	unsigned long early_map_end;
	unsigned long direct_map, direct_map_size;
	unsigned long vmalloc_start, vmalloc_end;
	unsigned long vmemmap, vmemmap_size;
	unsigned long percpu;
	unsigned levels, va_bits;
};
extern struct a64_layout a64_layout; /* set by boot.c before kmain() */

#define KERNEL_VMA (a64_layout.image)
#define KERNEL_LOAD (a64_layout.load)
#define EARLY_MAP_END (a64_layout.early_map_end)
#define DIRECT_MAP_BASE (a64_layout.direct_map)
#define DIRECT_MAP_SIZE (a64_layout.direct_map_size)
#define VMALLOC_START (a64_layout.vmalloc_start)
#define VMALLOC_END (a64_layout.vmalloc_end)
#define VMEMMAP_BASE (a64_layout.vmemmap)
#define VMEMMAP_SIZE (a64_layout.vmemmap_size)
#define PERCPU_BASE (a64_layout.percpu)
#define PERCPU_STRIDE 0x2000000UL /* 32 MiB of addresses a CPU */
#define DEVICE_SIZE 0x10000000UL
#define DEVICE_BASE (a64_layout.vmemmap - DEVICE_SIZE) /* registers; Linux's fixmap is there */
#define A64_UART_VA DEVICE_BASE			       /* the first page */
#endif

#endif
