#ifndef BOOT_H
#define BOOT_H

/*
 * Parsers of the data that loaders and firmware leave in memory. Each is a pure function from bytes to a struct boot_info:
 * it accesses no device and changes no state except *bi, so the same code runs on a host under sanitizers. The bytes may be
 * arbitrary. Errors are noted in bi->notes and the data is skipped. No length is followed beyond its container.
 */

#include <kernel/bootinfo.h>
#include <kernel/string.h>
#include <kernel/types.h>

/* Fields of tables need not be aligned. */
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

/* Physical memory for a parser: at() returns len readable bytes at pa, or NULL if not all of them are readable. */
struct boot_mem {
	const void *(*at)(const struct boot_mem *mem, u64 pa, u64 len);
	void *ctx;
};

/* Memory that the early page tables map, for the time before pgtable_init(). */
extern const struct boot_mem boot_early_mem;

/* Parses a Multiboot2 information block of len readable bytes, which lies at buf_pa. -EINVAL: there is no block. */
int multiboot2_parse(const void *buf, size_t len, u64 buf_pa, struct boot_info *bi);

/*
 * Parses a flattened device tree of len readable bytes, which lies at fdt_pa. -EINVAL: the tree cannot be read. If bi has a
 * memory map already, from UEFI, the tree's memory nodes only assign NUMA nodes.
 */
int fdt_parse(const void *fdt, size_t len, u64 fdt_pa, struct boot_info *bi);
/* Total size of a device tree, from its first 8 bytes; the caller then makes all of it readable. 0: no device tree. */
size_t fdt_total_size(const void *header8);

/*
 * Parses UEFI's memory map: descriptors of desc_size bytes in [map, map + size). -EINVAL: desc_size is below
 * EFI_DESC_MIN. At most EFI_DESCRIPTORS_MAX are read.
 */
enum { EFI_DESC_MIN = 40, EFI_DESCRIPTORS_MAX = 65536 };
int efi_memmap_parse(const void *map, size_t size, size_t desc_size, u32 desc_version, struct boot_info *bi);
/* Converts one descriptor of EFI_DESC_MIN bytes. Size 0 in the result: the descriptor is empty or wraps. */
struct boot_range efi_range(const void *desc);
/*
 * Converts the load options of an EFI application, UCS-2 text, to bi->cmdline. Leaves it unchanged if there are none. A
 * first word that ends in ".efi" is the program's name and is dropped. Characters outside of ASCII become '?'.
 */
void efi_cmdline(const void *options, size_t size, struct boot_info *bi);

/* Parses PVH's struct hvm_start_info at pa. -EINVAL: no such structure there. */
int pvh_parse(const struct boot_mem *mem, u64 pa, struct boot_info *bi);

/*
 * Parses a machine's memory map as text: a .map file (tests/memmaps/README.md), or a saved Linux boot log. `name` is the
 * file name for messages. On -EINVAL, err holds a message with file, line and the expected text.
 */
int map_parse(const char *name, const char *text, size_t len, struct boot_info *bi, char *err,
	      size_t err_size);
int dmesg_parse(const char *name, const char *text, size_t len, struct boot_info *bi, char *err,
		size_t err_size);

/* A processor of the MADT. */
struct acpi_cpu {
	u32 apic_id;
	bool enabled;
};

/*
 * Returns the table with this signature if length and checksum are right, else NULL and a note. *len is its length. The
 * RSDP is bi->rsdp_copy if present, else the one at bi->rsdp.
 */
const void *acpi_find_table(const struct boot_mem *mem, struct boot_info *bi, const char sig[4], u32 *len);
/*
 * Returns the next entry of the MADT, or NULL. The entry lies inside the table. The walk starts with *pos = 0. An
 * impossible length is noted and ends the walk.
 */
const u8 *acpi_madt_next(const void *madt, u32 len, u32 *pos, struct boot_info *bi);
/* Stores at most max processors of the MADT in cpu[]. Returns the number in the table. */
unsigned acpi_madt_cpus(const void *madt, u32 len, struct acpi_cpu *cpu, unsigned max, struct boot_info *bi);
/*
 * Reads NUMA nodes from the SRAT and SLIT into bi->node_range and bi->distance, which must be empty, and into the nodes of
 * cpu[], the processors of the MADT. A node is BOOT_NO_NODE if the tables do not give it or are refused. The SRAT
 * identifies processors by hw_id on a PC (uid is NULL), and by UID on an ARM machine (uid[]).
 */
void acpi_numa(const struct boot_mem *mem, struct boot_info *bi, struct boot_cpu *cpu, const u32 *uid,
	       unsigned nr_cpus);
/*
 * Reads an ARM machine's processors, nodes and devices from ACPI into bi->cpu, bi->node_range, bi->distance and bi->dev,
 * which must be empty. The memory map must be complete.
 */
void acpi_arm(const struct boot_mem *mem, struct boot_info *bi);
/*
 * Finds the clocks of a PC: physical address of the HPET's registers, port of the power management timer. 0: no table names
 * the clock in a known form. Adds no note.
 */
struct acpi_clocks {
	u64 hpet;
	u16 pm_timer;
};
struct acpi_clocks acpi_clocks(const struct boot_mem *mem, struct boot_info *bi);
/* Searches for the RSDP where a BIOS puts it, because PVH loaders may not pass it. Returns its address, or 0. */
u64 acpi_scan_rsdp(const struct boot_mem *mem);

/*
 * For all parsers of nodes; notes begin with `who`. boot_add_node_range() refuses a range that wraps, or if the table is
 * full. boot_nodes_cover() checks the ranges against the memory map: no usable memory may lie on two nodes, and less than
 * 1 MiB on none; that part is then added to a node.
 */
bool boot_add_node_range(struct boot_info *bi, u64 start, u64 size, u32 node, const char *who);
bool boot_nodes_cover(struct boot_info *bi, const char *who);
/* The distance of a node to itself must be 10, to others more. */
bool boot_distance_is_sane(u64 from, u64 to, u32 distance);

/* Copies text of at most n bytes, up to its NUL. The result is always terminated. False: it was cut at size. */
bool boot_copy_text(char *dst, size_t size, const char *src, size_t n);

#endif
