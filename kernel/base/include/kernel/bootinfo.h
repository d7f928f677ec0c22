#ifndef KERNEL_BOOTINFO_H
#define KERNEL_BOOTINFO_H

/*
 * What a boot loader said, in one form for all protocols. boot/ fills it, the kernel reads it; nothing here
 * has been believed yet: ranges come as they came, unsorted, overlapping, of any length.
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

/* e820's numbers (ACPI 6.5, table 15.7); any other number is kept as it came and is not usable. */
enum mem_type {
	MEM_NONE = 0,
	MEM_USABLE = 1,
	MEM_RESERVED = 2,
	MEM_ACPI = 3,
	MEM_NVS = 4,
	MEM_UNUSABLE = 5,
	MEM_PERSISTENT = 7,
	MEM_PRAM = 12, /* persistent memory, the legacy number */
	MEM_SOFT_RESERVED = 0xefffffff,
};

struct boot_range {
	u64 start, size; /* bytes; start + size may wrap */
	u32 type;	 /* enum mem_type, or the firmware's number */
	u32 attr;	 /* EFI attribute bits 31:0, 0 elsewhere */
};

/*
 * A change of the sanitised map, as Linux's "e820: update" and "e820: remove" lines: the parts of [start, end)
 * that have type `from` (MEM_NONE: any) become `to` (MEM_NONE: nothing is there).
 */
struct boot_edit {
	u64 start, end;
	u32 from, to;
};

/* Memory that is there, but not for us. */
struct boot_reserved {
	u64 start, end; /* bytes, half-open */
};

struct boot_module {
	u64 start, end; /* bytes, half-open */
	char name[64];
};

/* Memory that belongs to a node. The range may hold holes, or no memory at all. */
struct boot_node_range {
	u64 start, size; /* bytes; start + size may wrap */
	u32 node;	 /* firmware's id: any number */
};

#define BOOT_MPIDR_AFFINITY 0xff00ffffffUL /* of MPIDR_EL1: what identifies a CPU of an Arm machine */
#define BOOT_NO_NODE (~0u)		   /* of a CPU: nobody said */

struct boot_cpu {
	u64 hw_id; /* as arch_cpu_hw_id() says on that CPU */
	u32 node;  /* firmware's id, or BOOT_NO_NODE */
	bool enabled;
};

/*
 * Devices that a port drives and cannot know from elsewhere, as the device tree or ACPI names them. Physical addresses,
 * 0: not named. Interrupts are the GIC's INTIDs (SPI n is 32 + n, PPI n is 16 + n), 0: not named.
 */
enum boot_psci { BOOT_PSCI_NONE, BOOT_PSCI_HVC, BOOT_PSCI_SMC };
struct boot_gicr {
	u64 start, size; /* bytes: a run of redistributors, or with ACPI's GICC one of them */
};
enum { BOOT_MAX_GICR = 256 };
struct boot_devices {
	enum boot_psci psci;
	u64 uart; /* a PL011 */
	u32 uart_irq;
	u32 timer_irq;	 /* the virtual timer's */
	u32 gic_version; /* 2 or 3; 0: no GIC that is known */
	u64 gicd;
	u64 gicc; /* version 2: the CPU interface */
	struct boot_gicr gicr[BOOT_MAX_GICR];
	unsigned nr_gicr;
};

/*
 * Which zones there are: DMA from 0 to dma_end, DMA32 from there to dma32_end, Normal to normal_end, HighMem
 * above. Bytes, whole pages, in ascending order; a zone whose end is that of the one before it does not exist.
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
	/* Where boot_next_usable() is: the first nr_swept of nr_sorted ranges start at swept_to or below. */
	u16 by_start[BOOT_MAX_RANGES];
	u16 cover[BOOT_MAX_RANGES]; /* those of them that may cover it: a heap, the largest type on top */
	unsigned nr_sorted, nr_swept, nr_cover;
	u64 swept_to;
	struct boot_module module[BOOT_MAX_MODULES];
	unsigned nr_modules;
	u64 info_start, info_end; /* the loader's own block, to be reserved while it is read */
	u64 fdt_start, fdt_end;	  /* a device tree, reserved likewise; 0: none */
	u64 rsdp;		  /* physical address of the ACPI RSDP, 0: not given */
	u8 rsdp_copy[36];	  /* Multiboot2 passes a copy instead; rsdp_copy_len bytes are valid */
	unsigned rsdp_copy_len;
	struct boot_edit
		edit[BOOT_MAX_EDITS]; /* what this machine's map is wrong about; in order, after memmap= */
	unsigned nr_edits;
	struct boot_reserved reserved[BOOT_MAX_RESERVED];
	unsigned nr_reserved;
	struct boot_zones zones;
	struct boot_node_range node_range[BOOT_MAX_NODE_RANGES]; /* memory in none of them is node 0's */
	unsigned nr_node_ranges;
	u8 distance[BOOT_MAX_DISTANCES][BOOT_MAX_DISTANCES]; /* by firmware's node ids; 0: not said */
	/* CPUs that the port names itself, the boot CPU among them. None: the MADT says which there are. */
	struct boot_cpu cpu[BOOT_MAX_CPUS];
	unsigned nr_cpus;
	struct boot_devices dev;
	bool efi; /* started by UEFI firmware */
	/* What the parser found odd, one '\n'-terminated line each; printed when there is a console. */
	char notes[BOOT_NOTES_SIZE];
	unsigned notes_len;
	unsigned notes_lost; /* those that had no room */
};

/* Appends a line to bi->notes; one that does not fit is counted only. Usable before any kernel service. */
void boot_note(struct boot_info *bi, const char *fmt, ...) __printf(2, 3);
/*
 * Appends a range. When the array is full a usable range is dropped with a note, and any other range takes
 * the place of a usable one: memory is lost then, but none that is in use is handed out.
 */
void boot_add_range(struct boot_info *bi, u64 start, u64 size, u32 type, u32 attr);
/*
 * The next range of usable memory at or above *cursor, joined and in whole pages of 4 KiB, as mm/memmap.c will make
 * it without options: the most restrictive type wins, then the edits apply. False: there is none. For those who need
 * to know before the kernel runs. A walk from 0 sorts the ranges.
 */
bool boot_next_usable(struct boot_info *bi, u64 *cursor, u64 *start, u64 *end);
/*
 * What every PC's map may claim and no PC has: the first page is the BIOS's, and the window of video memory and
 * ROMs is no RAM (Linux arch/x86/kernel/setup.c, trim_bios_range).
 */
void boot_add_pc_edits(struct boot_info *bi);

#endif
