#ifndef KERNEL_BOOTINFO_H
#define KERNEL_BOOTINFO_H

/*
 * The boot loader's and firmware's data, in one format for all protocols. boot/ fills it, the kernel reads it. The data
 * is not validated: ranges may be unsorted, overlapping and of any length.
 */

#include <kernel/types.h>

enum {
	BOOT_MAX_RANGES = 4096,
	BOOT_MAX_MODULES = 32,
	BOOT_MAX_EDITS = 256,
	BOOT_MAX_RESERVED = 256,
	BOOT_MAX_CPUS = 256,
	BOOT_MAX_NODE_RANGES = 256,
	BOOT_MAX_DISTANCES = 64,
	BOOT_CMDLINE_SIZE = 2048,
	BOOT_NOTES_SIZE = 4096,
};

/* Numbers of e820 (ACPI 6.5, table 15.7). Any other number is kept; its memory is not usable. */
enum mem_type {
	MEM_NONE = 0,
	MEM_USABLE = 1,
	MEM_RESERVED = 2,
	MEM_ACPI = 3,
	MEM_NVS = 4,
	MEM_UNUSABLE = 5,
	MEM_PERSISTENT = 7,
	MEM_PRAM = 12, /* persistent memory; an older number */
	MEM_SOFT_RESERVED = 0xefffffff,
};

struct boot_range {
	u64 start, size; /* bytes; start + size may wrap */
	u32 type;	 /* enum mem_type, or another number of firmware */
	u32 attr;	 /* EFI attribute bits 31:0; 0 for other protocols */
};

/*
 * A change of the sanitised map, like Linux's "e820: update" and "e820: remove" lines. The parts of [start, end) that have
 * type `from` (MEM_NONE: any) get type `to` (MEM_NONE: no memory).
 */
struct boot_edit {
	u64 start, end;
	u32 from, to;
};

/* Memory that exists but must not be used. */
struct boot_reserved {
	u64 start, end; /* bytes, half-open */
};

struct boot_module {
	u64 start, end; /* bytes, half-open */
	char name[64];
};

/* Memory of a node. The range may contain holes, or no memory at all. */
struct boot_node_range {
	u64 start, size; /* bytes; start + size may wrap */
	u32 node;	 /* firmware's id: any number */
};

#define BOOT_MPIDR_AFFINITY 0xff00ffffffUL /* fields of MPIDR_EL1 that identify a CPU of an Arm machine */
#define BOOT_NO_NODE (~0u)		   /* the node of a CPU is unknown */

struct boot_cpu {
	u64 hw_id; /* the value of arch_cpu_hw_id() on that CPU */
	u32 node;  /* firmware's id, or BOOT_NO_NODE */
	bool enabled;
};

/*
 * Devices that a port drives and that only firmware can describe, by device tree or ACPI. Addresses are physical, 0: not
 * described. Interrupts are INTIDs of the GIC (SPI n is 32 + n, PPI n is 16 + n), 0: not described.
 */
enum boot_psci { BOOT_PSCI_NONE, BOOT_PSCI_HVC, BOOT_PSCI_SMC };
struct boot_gicr {
	u64 start, size; /* bytes: a region of redistributors, or with ACPI's GICC a single one */
};
enum { BOOT_MAX_GICR = 256 };
struct boot_devices {
	enum boot_psci psci;
	u64 uart; /* a PL011 */
	u32 uart_irq;
	u32 timer_irq;	 /* of the virtual timer */
	u32 gic_version; /* 2 or 3; 0: no supported GIC */
	u64 gicd;
	u64 gicc; /* version 2: the CPU interface */
	struct boot_gicr gicr[BOOT_MAX_GICR];
	unsigned nr_gicr;
};

/*
 * The zones: DMA from 0 to dma_end, DMA32 from there to dma32_end, Normal to normal_end, HighMem above. The ends are bytes,
 * whole pages, in ascending order. A zone does not exist if its end equals that of the zone before it.
 */
struct boot_zones {
	u64 dma_end, dma32_end, normal_end;
};

struct boot_info {
	const char *protocol; /* "Multiboot2", "PVH", ... */
	char loader[64];
	char cmdline[BOOT_CMDLINE_SIZE];
	struct boot_range range[BOOT_MAX_RANGES];
	unsigned nr_ranges;
	/* State of boot_next_usable(): the first nr_swept of nr_sorted ranges start at or below swept_to. */
	u16 by_start[BOOT_MAX_RANGES];
	u16 cover[BOOT_MAX_RANGES]; /* those that may contain swept_to: a heap with the largest type on top */
	unsigned nr_sorted, nr_swept, nr_cover;
	u64 swept_to;
	struct boot_module module[BOOT_MAX_MODULES];
	unsigned nr_modules;
	u64 info_start, info_end; /* the loader's data, reserved until it has been read */
	u64 fdt_start, fdt_end;	  /* the device tree, reserved likewise; 0: none */
	u64 rsdp;		  /* physical address of the ACPI RSDP, 0: not given */
	u8 rsdp_copy[36];	  /* Multiboot2 passes a copy instead; rsdp_copy_len bytes are valid */
	unsigned rsdp_copy_len;
	/* Corrections of this machine's map, applied in order after memmap=. */
	struct boot_edit edit[BOOT_MAX_EDITS];
	unsigned nr_edits;
	struct boot_reserved reserved[BOOT_MAX_RESERVED];
	unsigned nr_reserved;
	struct boot_zones zones;
	/* Memory outside of all node ranges is on node 0. */
	struct boot_node_range node_range[BOOT_MAX_NODE_RANGES];
	unsigned nr_node_ranges;
	u8 distance[BOOT_MAX_DISTANCES][BOOT_MAX_DISTANCES]; /* by firmware's node ids; 0: unknown */
	/* CPUs that the port lists, the boot CPU included. If nr_cpus is 0, the MADT lists them. */
	struct boot_cpu cpu[BOOT_MAX_CPUS];
	unsigned nr_cpus;
	struct boot_devices dev;
	bool efi; /* started by UEFI firmware */
	/* Messages of the parsers, lines that end in '\n'. Printed when there is a console. */
	char notes[BOOT_NOTES_SIZE];
	unsigned notes_len;
	unsigned notes_lost; /* messages that did not fit */
};

/* Appends a line to bi->notes. A line that does not fit is only counted. Usable before any kernel service. */
void boot_note(struct boot_info *bi, const char *fmt, ...) __printf(2, 3);
/*
 * Appends a range. If the array is full, a usable range is dropped with a note; any other range replaces a usable one.
 * Memory is lost then, but memory in use is never handed out.
 */
void boot_add_range(struct boot_info *bi, u64 start, u64 size, u32 type, u32 attr);
/*
 * Returns the next range of usable memory at or above *cursor, joined and in whole pages of 4 KiB. The result is that of
 * mm/memmap.c without options: the most restrictive type wins, then the edits apply. False: there is no further range. For
 * boot code that needs the map before the kernel runs. A walk that starts at 0 sorts the ranges.
 */
bool boot_next_usable(struct boot_info *bi, u64 *cursor, u64 *start, u64 *end);
/*
 * Adds two edits that every PC needs: the first page belongs to the BIOS, and the window of video memory and ROMs is no RAM
 * (Linux arch/x86/kernel/setup.c, trim_bios_range).
 */
void boot_add_pc_edits(struct boot_info *bi);

/*
 * Stores the CPUs of *bi in the kernel's list (kernel/base/cpus.c). If *bi has none, it stores those of ACPI's MADT, and
 * the nodes of memory in *bi. Context: boot, while the early page tables are in use.
 */
void boot_cpus_init(struct boot_info *bi);

/*
 * Entry from the boot code, on the boot CPU with interrupts off (kernel/main.c). arch/ and boot/ call no other function
 * of a higher layer.
 */
void kmain(struct boot_info *bi) __noreturn;

#endif
