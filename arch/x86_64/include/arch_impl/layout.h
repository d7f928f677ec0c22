#ifndef ARCH_IMPL_LAYOUT_H
#define ARCH_IMPL_LAYOUT_H

/* Linux's layout (Documentation/x86/x86_64/mm.rst). The bases depend on the number of levels, known at run time. */

#define PAGE_SHIFT 12
#define PT_INDEX_BITS 9
#define ARCH_PT_MAX_LEVELS 5
#define CACHE_LINE 64
#ifdef __ASSEMBLY__ /* and the linker script, which allows no suffixes */
#define KERNEL_VMA 0xffffffff80000000
#define KERNEL_LOAD 0x200000
#define KERNEL_BOOT_VMA 0 /* the first section runs with paging off */
#else
#define KERNEL_VMA 0xffffffff80000000UL
#define KERNEL_LOAD 0x200000UL /* the physical address that the image is linked for */
#endif

#ifndef __ASSEMBLY__
#define EARLY_MAP_END 0x100000000UL

struct x86_layout {
	unsigned long direct_map, direct_map_size;
	unsigned long vmalloc_start, vmalloc_end;
	unsigned long vmemmap, vmemmap_size;
	unsigned long percpu;
	unsigned levels;
};
extern struct x86_layout x86_layout; /* set by entry.S and boot.c before kmain() */

#define DIRECT_MAP_BASE (x86_layout.direct_map)
#define DIRECT_MAP_SIZE (x86_layout.direct_map_size)
#define VMALLOC_START (x86_layout.vmalloc_start)
#define VMALLOC_END (x86_layout.vmalloc_end)
#define VMEMMAP_BASE (x86_layout.vmemmap)
#define VMEMMAP_SIZE (x86_layout.vmemmap_size)
#define PERCPU_BASE (x86_layout.percpu)
#define PERCPU_STRIDE 0x2000000UL			 /* 32 MiB of addresses for each CPU */
#define DEVICE_BASE (x86_layout.percpu + 0x4000000000UL) /* 256 GiB above: the local APIC's registers */
#define DEVICE_SIZE 0x1000UL
#endif

#endif
