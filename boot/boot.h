#ifndef BOOT_H
#define BOOT_H

/*
 * Parsers of what loaders and firmware leave in memory. Each is a pure function of bytes into a struct
 * boot_info: nothing here touches a device or any state but *bi, so the same code runs on a host under
 * sanitizers. The bytes may be anything: what is wrong is noted in bi->notes and skipped, and no length is
 * followed out of its container.
 */

#include <kernel/bootinfo.h>
#include <kernel/string.h>
#include <kernel/types.h>

/* Fields of tables lie on any border. */
static inline u32 get_u32(const u8 *p)
{
	u32 v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline u64 get_u64(const u8 *p)
{
	u64 v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* Physical memory as a parser may read it: len bytes at pa, or NULL if they are not all readable. */
struct boot_mem {
	const void *(*at)(const struct boot_mem *mem, u64 pa, u64 len);
	void *ctx;
};

/* What the early page tables map: for the time before pgtable_init(). */
extern const struct boot_mem boot_early_mem;

/* Multiboot2: the information block of len readable bytes, which lies at buf_pa. 0, or -EINVAL: no block at
 * all. */
int multiboot2_parse(const void *buf, size_t len, u64 buf_pa, struct boot_info *bi);

/*
 * A flattened device tree of len readable bytes, which lies at fdt_pa. 0, or -EINVAL: no tree that can be read. If bi
 * has a memory map already, from UEFI, that one counts and the tree's says only which node memory belongs to.
 */
int fdt_parse(const void *fdt, size_t len, u64 fdt_pa, struct boot_info *bi);
/* From the first 8 bytes of a device tree how many it has, to make all of them readable. 0: these are not of one. */
size_t fdt_total_size(const void *header8);

/*
 * UEFI's memory map: what lies in [map, map + size), descriptors of desc_size bytes each. 0, or -EINVAL: that is too short
 * for a descriptor. A descriptor has at least EFI_DESC_MIN bytes; no more than EFI_DESCRIPTORS_MAX are read.
 */
enum { EFI_DESC_MIN = 40, EFI_DESCRIPTORS_MAX = 65536 };
int efi_memmap_parse(const void *map, size_t size, size_t desc_size, u32 desc_version, struct boot_info *bi);
/* One descriptor of EFI_DESC_MIN bytes; size 0: it has no pages, or it wraps. */
struct boot_range efi_range(const void *desc);
/*
 * The load options of an EFI application, UCS-2 text, as bi->cmdline, which stays as it is if there is none. A first word
 * that ends in ".efi" is the program's name. What is not ASCII becomes '?'.
 */
void efi_cmdline(const void *options, size_t size, struct boot_info *bi);

/* PVH: struct hvm_start_info at pa. 0, or -EINVAL: no such structure there. */
int pvh_parse(const struct boot_mem *mem, u64 pa, struct boot_info *bi);

/*
 * A machine's memory map as text: a .map file (tests/memmaps/README.md), or a saved Linux boot log. `name` is the file's,
 * for messages. 0; or -EINVAL, and err says file, line and what was expected.
 */
int map_parse(const char *name, const char *text, size_t len, struct boot_info *bi, char *err,
	      size_t err_size);
int dmesg_parse(const char *name, const char *text, size_t len, struct boot_info *bi, char *err,
		size_t err_size);

/* One processor that the MADT names. */
struct acpi_cpu {
	u32 apic_id;
	bool enabled;
};

/*
 * The table with this signature, checked (length, checksum), or NULL. *len is its length. bi->rsdp_copy is
 * used if it is there, else bi->rsdp. What is wrong is noted in bi.
 */
const void *acpi_find_table(const struct boot_mem *mem, struct boot_info *bi, const char sig[4], u32 *len);
/*
 * The MADT's next entry, whose length lies in the table, or NULL. *pos is 0 at first. A length that makes no sense is noted
 * and ends the walk.
 */
const u8 *acpi_madt_next(const void *madt, u32 len, u32 *pos, struct boot_info *bi);
/* The processors in the MADT of len bytes, at most max of them into cpu[]. Returns how many the table has. */
unsigned acpi_madt_cpus(const void *madt, u32 len, struct acpi_cpu *cpu, unsigned max, struct boot_info *bi);
/*
 * Nodes, from the SRAT and the SLIT: fills bi->node_range and bi->distance, which are empty, and the nodes of cpu[], which
 * the MADT named. A node is BOOT_NO_NODE where nothing is said, or nothing that can be believed. The SRAT calls a PC's
 * processors by their hw_id, and those of an ARM machine by their UIDs: uid[], NULL on a PC.
 */
void acpi_numa(const struct boot_mem *mem, struct boot_info *bi, struct boot_cpu *cpu, const u32 *uid,
	       unsigned nr_cpus);
/*
 * An ARM machine: its processors, their nodes and those of memory, its devices, as far as ACPI names them. Fills bi->cpu,
 * bi->node_range, bi->distance and bi->dev, which are empty; the memory map is there already.
 */
void acpi_arm(const struct boot_mem *mem, struct boot_info *bi);
/*
 * Clocks of a PC: the physical address of the HPET's registers and the port of the power management timer, 0 where no
 * table names them in a form that is known. Adds no note.
 */
struct acpi_clocks {
	u64 hpet;
	u16 pm_timer;
};
struct acpi_clocks acpi_clocks(const struct boot_mem *mem, struct boot_info *bi);
/* PVH loaders and BIOS may give no RSDP: looks for it where BIOS puts it. Returns its address, or 0. */
u64 acpi_scan_rsdp(const struct boot_mem *mem);

/*
 * Nodes, whoever names them; notes begin with `who`. A range that wraps or has no room is refused. Ranges cover the memory map
 * when no usable memory is on two nodes, and hardly any on none: what was forgotten is added.
 */
bool boot_add_node_range(struct boot_info *bi, u64 start, u64 size, u32 node, const char *who);
bool boot_nodes_cover(struct boot_info *bi, const char *who);
/* 10 from a node to itself, more to others. */
bool boot_distance_is_sane(u64 from, u64 to, u32 distance);

/* Text of at most n bytes, up to its NUL; cut at size and always terminated. False if it was cut. */
bool boot_copy_text(char *dst, size_t size, const char *src, size_t n);

#endif
