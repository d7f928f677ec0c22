#ifndef ARCH_IMPL_LAYOUT_H
#define ARCH_IMPL_LAYOUT_H

/*
 * Address layout of the process. Sanitizers and Valgrind leave the bases free. The image lies below 2 GiB, because its
 * code is not position-independent, and above all frame numbers that a user types at the shell.
 */

#define PAGE_SHIFT CONFIG_PAGE_SHIFT /* 12, 14 or 16: GRANULE= of the Makefile */
#define PT_INDEX_BITS (PAGE_SHIFT - 3)
#define HOST_PT_MIN_LEVELS ((48 - PAGE_SHIFT + PT_INDEX_BITS - 1) / PT_INDEX_BITS) /* up to 2^48 */
#define ARCH_PT_MAX_LEVELS ((63 - PAGE_SHIFT) / PT_INDEX_BITS)
#define CACHE_LINE 64
#define HOST_IMAGE_BASE 0x40000000

#ifndef __ASSEMBLY__
struct host_layout {
	unsigned long image_load; /* physical address of HOST_IMAGE_BASE */
	unsigned levels;
};
extern struct host_layout host_layout; /* set by main() before kmain() */

#define KERNEL_LOAD (host_layout.image_load)
#define KERNEL_VMA (HOST_IMAGE_BASE - host_layout.image_load)
#if HOST_DIRECT_MAP_GIB > 4096
#define DIRECT_MAP_BASE 0x2d0000000000UL /* above the libraries of a process without a stack limit */
#define VMALLOC_START 0x760000000000UL
#else
#define DIRECT_MAP_BASE 0x550000000000UL
#define VMALLOC_START 0x7e8000000000UL
#endif
#define DIRECT_MAP_SIZE (HOST_DIRECT_MAP_GIB << 30) /* arch.mk */
#define EARLY_MAP_END DIRECT_MAP_SIZE		    /* phys.c maps all memory at start-up */
#define VMALLOC_END (VMALLOC_START + 0x2000000000UL)
#define VMEMMAP_BASE VMALLOC_END
#define VMEMMAP_SIZE (DIRECT_MAP_SIZE >> (12 - 6)) /* 64 bytes for each frame of the direct map */
#define PERCPU_BASE (VMEMMAP_BASE + VMEMMAP_SIZE)
#define DEVICE_BASE HOST_WINDOW_END
#define DEVICE_SIZE 0UL
#define PERCPU_STRIDE 0x2000000UL
#define HOST_WINDOW_START VMALLOC_START /* addresses that the emulated TLB serves */
#define HOST_WINDOW_END (PERCPU_BASE + 0x1000000000UL)
#endif

#endif
