/*
 * acpi.c - finds and checks static ACPI tables; reads the processors of a PC from the MADT.
 *
 * Idea.       The RSDP points to the RSDT or XSDT, which point to all other tables. No AML is read. A table is used only if
 *             its length is plausible and the sum of its bytes is zero.
 * Layout.     RSDP: 20 bytes, 36 from revision 2 on. Each table: a header of 36 bytes (signature 4, length 4 ...). RSDT:
 *             u32 pointers. XSDT: u64 pointers, aligned to 4 bytes only. (ACPI 6.5, 5.2.)
 * Invariants. I1  every read goes through the accessor or lies inside a table's checked length
 *             I2  an entry of length below 2 ends its table, so each walk ends
 * Locking.    None: pure functions.
 * Failure.    NULL or 0, and a note that says what was wrong.
 * Next:       acpi_arm.c, or srat.c.
 */

#include "boot.h"
#include <kernel/bits.h>
#include <kernel/string.h>

enum {
	RSDP_V1_SIZE = 20,
	RSDP_V2_SIZE = 36,
	HEADER_SIZE = 36,
	TABLE_SIZE_MAX = 16 << 20,
	MADT_ENTRIES = 44,
	MADT_LOCAL_APIC = 0,
	MADT_LOCAL_X2APIC = 9,
	MADT_NO_APIC = 0xff, /* id of an unused entry of type MADT_LOCAL_APIC */
	MADT_ENABLED = 1,
	HPET_LEN = 56,
	HPET_ADDRESS = 40,
	FADT_LEN_1 = 116, /* in revision 1 */
	FADT_PM_TMR = 76,
	FADT_PM_TMR_LEN = 91,
	FADT_X_PM_TMR = 208,
	SPACE_MEMORY = 0,
	SPACE_IO = 1,
	BIOS_AREA = 0xe0000,
	BIOS_AREA_END = 0x100000,
	EBDA_SEGMENT = 0x40e, /* the BIOS stores the paragraph of its extended data area here */
};

static bool sum_is_zero(const u8 *p, size_t n)
{
	u8 sum = 0;

	while (n--)
		sum = (u8)(sum + *p++);
	return sum == 0;
}

static bool rsdp_ok(const u8 *p)
{
	return memcmp(p, "RSD PTR ", 8) == 0 && sum_is_zero(p, RSDP_V1_SIZE);
}

u64 acpi_scan_rsdp(const struct boot_mem *mem)
{
	const u8 *word = mem->at(mem, EBDA_SEGMENT, 2), *p;
	u64 ebda = word ? (u64)(word[0] | word[1] << 8) << 4 : 0;

	for (u64 pa = ebda; ebda && pa < ebda + KIB(1); pa += 16)
		if ((p = mem->at(mem, pa, RSDP_V1_SIZE)) != NULL && rsdp_ok(p))
			return pa;
	for (u64 pa = BIOS_AREA; pa < BIOS_AREA_END; pa += 16)
		if ((p = mem->at(mem, pa, RSDP_V1_SIZE)) != NULL && rsdp_ok(p))
			return pa;
	return 0;
}

/* Returns the table at pa if its signature is sig and its length and checksum are right. Else notes what is wrong. */
static const u8 *table_at(const struct boot_mem *mem, struct boot_info *bi, u64 pa, const char sig[4],
			  u32 *len)
{
	const u8 *p = mem->at(mem, pa, HEADER_SIZE);

	if (!p || memcmp(p, sig, 4) != 0)
		return NULL;
	*len = get_u32(p + 4);
	if (*len < HEADER_SIZE || *len > TABLE_SIZE_MAX || !(p = mem->at(mem, pa, *len)))
		boot_note(bi, "ACPI: %.4s at 0x%lx has length 0x%x", sig, pa, *len);
	else if (!sum_is_zero(p, *len))
		boot_note(bi, "ACPI: %.4s at 0x%lx has a wrong checksum", sig, pa);
	else
		return p;
	return NULL;
}

/* Returns the RSDP, the loader's copy or the bytes in memory, and its length. */
static const u8 *rsdp_bytes(const struct boot_mem *mem, const struct boot_info *bi, u32 *len)
{
	const u8 *p;

	if (bi->rsdp_copy_len >= RSDP_V1_SIZE) {
		*len = bi->rsdp_copy_len;
		return bi->rsdp_copy;
	}
	if (!bi->rsdp || !(p = mem->at(mem, bi->rsdp, RSDP_V1_SIZE)))
		return NULL;
	*len = RSDP_V1_SIZE;
	if (p[15] >= 2 && mem->at(mem, bi->rsdp, RSDP_V2_SIZE)) {
		*len = RSDP_V2_SIZE;
		return mem->at(mem, bi->rsdp, RSDP_V2_SIZE);
	}
	return p;
}

const void *acpi_find_table(const struct boot_mem *mem, struct boot_info *bi, const char sig[4], u32 *len)
{
	u32 rsdp_len, root_len, entry_size = 8;
	const u8 *rsdp = rsdp_bytes(mem, bi, &rsdp_len), *root = NULL, *table;

	if (!rsdp)
		return NULL;
	if (!rsdp_ok(rsdp)) {
		boot_note(bi, "ACPI: the RSDP has a wrong signature or checksum");
		return NULL;
	}
	if (rsdp[15] >= 2 && rsdp_len >= RSDP_V2_SIZE && get_u64(rsdp + 24))
		root = table_at(mem, bi, get_u64(rsdp + 24), "XSDT", &root_len);
	if (!root) {
		entry_size = 4;
		root = table_at(mem, bi, get_u32(rsdp + 16), "RSDT", &root_len);
	}
	if (!root) {
		boot_note(bi, "ACPI: neither XSDT nor RSDT");
		return NULL;
	}
	for (u32 pos = HEADER_SIZE; root_len - pos >= entry_size; pos += entry_size) {
		u64 pa = entry_size == 8 ? get_u64(root + pos) : get_u32(root + pos);

		if ((table = table_at(mem, bi, pa, sig, len)) != NULL)
			return table;
	}
	return NULL;
}

const u8 *acpi_madt_next(const void *madt, u32 len, u32 *pos, struct boot_info *bi)
{
	u32 at = max(*pos, (u32)MADT_ENTRIES);
	const u8 *e = (const u8 *)madt + at;

	if (at >= len || len - at < 2)
		return NULL;
	if (e[1] < 2 || e[1] > len - at) {
		boot_note(bi, "ACPI: MADT entry of type %u at +0x%x has length %u", e[0], at, e[1]);
		return NULL;
	}
	*pos = at + e[1];
	return e;
}

unsigned acpi_madt_cpus(const void *madt, u32 len, struct acpi_cpu *cpu, unsigned max, struct boot_info *bi)
{
	unsigned nr = 0;
	const u8 *e;
	u32 pos = 0;

	while ((e = acpi_madt_next(madt, len, &pos, bi)) != NULL) {
		struct acpi_cpu c;

		if (e[0] == MADT_LOCAL_APIC && e[1] >= 8 && e[3] != MADT_NO_APIC)
			c = (struct acpi_cpu){.apic_id = e[3], .enabled = get_u32(e + 4) & MADT_ENABLED};
		else if (e[0] == MADT_LOCAL_X2APIC && e[1] >= 16)
			c = (struct acpi_cpu){.apic_id = get_u32(e + 4),
					      .enabled = get_u32(e + 8) & MADT_ENABLED};
		else
			continue;
		if (nr < max)
			cpu[nr] = c;
		nr++;
	}
	return nr;
}

/* The address of a generic address structure (ACPI 6.5, 5.2.3.2) if it is in this space, else 0. */
static u64 address_in(const u8 *gas, u8 space)
{
	return gas[0] == space ? get_u64(gas + 4) : 0;
}

struct acpi_clocks acpi_clocks(const struct boot_mem *mem, struct boot_info *bi)
{
	const unsigned notes_len = bi->notes_len, notes_lost = bi->notes_lost;
	struct acpi_clocks clocks = {};
	const u8 *t;
	u32 len;
	u64 port;

	t = acpi_find_table(mem, bi, "HPET", &len);
	if (t && len >= HPET_LEN)
		clocks.hpet = address_in(t + HPET_ADDRESS, SPACE_MEMORY);
	t = acpi_find_table(mem, bi, "FACP", &len);
	if (t && len >= FADT_LEN_1 && t[FADT_PM_TMR_LEN] == 4) {
		port = len >= FADT_X_PM_TMR + 12 ? address_in(t + FADT_X_PM_TMR, SPACE_IO) : 0;
		port = port ? port : get_u32(t + FADT_PM_TMR);
		clocks.pm_timer = port < 0x10000 ? (u16)port : 0;
	}
	bi->notes_len = notes_len; /* drop the notes: a later reader of the tables adds them again */
	bi->notes_lost = notes_lost;
	bi->notes[notes_len] = '\0';
	return clocks;
}
