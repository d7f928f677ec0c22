/*
 * pvh.c - the start information of a PVH loader (QEMU's -kernel, Xen, Firecracker).
 *
 * Idea.       One structure contains physical addresses of everything else. Each address is read through the memory
 *             accessor, which returns NULL for unreadable memory, so the parser runs on arbitrary bytes on any host.
 * Layout.     struct hvm_start_info (Xen, xen/include/public/arch-x86/hvm/start_info.h):
 *             0 magic, 4 version, 8 flags, 12 modules, 16 module list, 24 command line, 32 RSDP,
 *             and from version 1 on 40 memory map, 48 its entries, 52 reserved.
 * Invariants. I1  every read goes through the accessor
 *             I2  the work is bounded by MAP_ENTRIES_MAX, BOOT_MAX_MODULES and the size of the command line
 * Locking.    None: a pure function.
 * Failure.    Unreadable data is noted and left out. -EINVAL only if there is no structure.
 * Next:       mm/memmap.c.
 */

#include "boot.h"
#include <kernel/errno.h>
#include <kernel/string.h>

enum { PVH_MAGIC = 0x336ec578, MAP_ENTRIES_MAX = 65536 };

struct hvm_start_info {
	u32 magic, version, flags, nr_modules;
	u64 modlist_pa, cmdline_pa, rsdp_pa;
	/* version 1 */
	u64 memmap_pa;
	u32 memmap_entries, reserved;
};
static_assert(sizeof(struct hvm_start_info) == 56, "structure as the loader writes it");

struct hvm_module {
	u64 pa, size, cmdline_pa, reserved;
};

struct hvm_memmap {
	u64 addr, size;
	u32 type, reserved;
};
static_assert(sizeof(struct hvm_memmap) == 24, "structure as the loader writes it");

/* Copies size bytes from pa. False: they are not readable. */
static bool read_at(const struct boot_mem *mem, u64 pa, void *dst, size_t size)
{
	const void *p = mem->at(mem, pa, size);

	if (p)
		memcpy(dst, p, size);
	return p != NULL;
}

/* Copies the text at pa. Reads byte by byte, because only the NUL shows its length. False: cut, or not readable. */
static bool text_at(const struct boot_mem *mem, u64 pa, char *dst, size_t size)
{
	for (size_t n = 0; n < size - 1; n++) {
		if (!read_at(mem, pa + n, &dst[n], 1)) {
			dst[n] = '\0';
			return false;
		}
		if (!dst[n])
			return true;
	}
	dst[size - 1] = '\0';
	return false;
}

static void read_map(const struct boot_mem *mem, const struct hvm_start_info *info, struct boot_info *bi)
{
	if (info->version < 1 || !info->memmap_pa || !info->memmap_entries) {
		boot_note(bi, "PVH: no memory map");
		return;
	}
	for (u32 i = 0; i < info->memmap_entries; i++) {
		struct hvm_memmap e;

		if (i == MAP_ENTRIES_MAX || !read_at(mem, info->memmap_pa + i * sizeof(e), &e, sizeof(e))) {
			boot_note(bi, "PVH: memory map of %u entries, only %u can be used",
				  info->memmap_entries, i);
			return;
		}
		boot_add_range(bi, e.addr, e.size, e.type == MEM_NONE ? MEM_RESERVED : e.type, 0);
	}
}

static void read_modules(const struct boot_mem *mem, const struct hvm_start_info *info, struct boot_info *bi)
{
	for (u32 i = 0; i < info->nr_modules; i++) {
		struct boot_module *m = &bi->module[bi->nr_modules];
		struct hvm_module e;

		if (i == BOOT_MAX_MODULES || !read_at(mem, info->modlist_pa + i * sizeof(e), &e, sizeof(e))) {
			boot_note(bi, "PVH: %u modules, only %u can be used", info->nr_modules, i);
			return;
		}
		if (e.size > ~0UL - e.pa) {
			boot_note(bi, "PVH: module at 0x%lx wraps, ignored", e.pa);
			continue;
		}
		m->start = e.pa;
		m->end = e.pa + e.size;
		m->name[0] = '\0';
		if (e.cmdline_pa)
			text_at(mem, e.cmdline_pa, m->name, sizeof(m->name));
		bi->nr_modules++;
	}
}

int pvh_parse(const struct boot_mem *mem, u64 pa, struct boot_info *bi)
{
	struct hvm_start_info info = {};

	bi->protocol = "PVH";
	/* Version 0 has no memory map and is shorter. */
	if (!read_at(mem, pa, &info, sizeof(info)) &&
	    !read_at(mem, pa, &info, offsetof(struct hvm_start_info, memmap_pa))) {
		boot_note(bi, "PVH: start information at 0x%lx cannot be read", pa);
		return -EINVAL;
	}
	if (info.magic != PVH_MAGIC) {
		boot_note(bi, "PVH: magic 0x%x at 0x%lx, 0x%x expected", info.magic, pa, PVH_MAGIC);
		return -EINVAL;
	}
	if (info.cmdline_pa && !text_at(mem, info.cmdline_pa, bi->cmdline, sizeof(bi->cmdline)))
		boot_note(bi, "PVH: the command line is cut after %lu bytes", strlen(bi->cmdline));
	bi->rsdp = info.rsdp_pa;
	read_map(mem, &info, bi);
	read_modules(mem, &info, bi);
	return 0;
}
