/*
 * test_acpi.c - properties of boot/acpi.c over good, odd and hostile tables.
 *
 * Idea.       A small set of tables is built in a buffer, with right checksums; then single things are made
 *             wrong.
 * Layout.     RSDP at 0x10, RSDT at 0x100, XSDT at 0x204 (tables need no alignment), MADT at 0x400.
 * Invariants. A table that is found lies in the buffer and sums up to zero.
 * Locking.    None.
 * Failure.    EXPECT lines name the input.
 * Next:       test_acpi_arm.c.
 */

#include "boot_fixture.h"

enum {
	AT_RSDP = 0x10,
	AT_RSDT = 0x100,
	AT_XSDT = 0x204,
	AT_MADT = 0x400,
	AT_OTHER = 0x601,
	MADT_LEN = 44 + 8 * 3 + 16 + 12
};

static void rsdp_sum(struct boot_fixture *f)
{
	fixture_sum(f, AT_RSDP, 20, 8);
	fixture_sum(f, AT_RSDP, 36, 32);
}

/* CPUs 0 and 3 enabled, 5 not, x2APIC 0x100 enabled, one I/O APIC between them. */
static void tables_typical(struct boot_fixture *f)
{
	static const u8 madt[] = {0, 8,	 0, 0, 1,    0,	   0, 0, 0, 8, 1, 3, 1, 0, 0, 0, 1, 12,
				  0, 0,	 0, 0, 0xc0, 0xfe, 0, 0, 0, 0, 0, 8, 2, 5, 0, 0, 0, 0,
				  9, 16, 0, 0, 0,    1,	   0, 0, 1, 0, 0, 0, 0, 0, 0, 0};

	static_assert(sizeof(madt) + 44 == MADT_LEN, "entries as counted");
	memset(f->bytes, 0, 0x1000);
	f->len = 0x1000;
	memset(&f->info, 0, sizeof(f->info));
	f->info.rsdp = FIXTURE_PA + AT_RSDP;
	memcpy(f->bytes + AT_RSDP, "RSD PTR ", 8);
	f->bytes[AT_RSDP + 15] = 2;
	fixture_put32(f, AT_RSDP + 16, FIXTURE_PA + AT_RSDT);
	fixture_put32(f, AT_RSDP + 20, 36);
	fixture_put64(f, AT_RSDP + 24, FIXTURE_PA + AT_XSDT);
	rsdp_sum(f);
	memcpy(f->bytes + AT_MADT + 44, madt, sizeof(madt));
	fixture_table(f, AT_MADT, "APIC", MADT_LEN);
	fixture_table(f, AT_OTHER, "FACP", 116);
	fixture_put64(f, AT_XSDT + 36, FIXTURE_PA + AT_OTHER);
	fixture_put64(f, AT_XSDT + 44, FIXTURE_PA + AT_MADT);
	fixture_table(f, AT_XSDT, "XSDT", 36 + 16);
	fixture_put32(f, AT_RSDT + 36, FIXTURE_PA + AT_OTHER);
	fixture_put32(f, AT_RSDT + 40, FIXTURE_PA + AT_MADT);
	fixture_table(f, AT_RSDT, "RSDT", 36 + 8);
}

static const u8 *find(struct boot_fixture *f, const char *sig, u32 *len)
{
	return acpi_find_table(&f->mem, &f->info, sig, len);
}

KTEST(acpi, tables_are_found_through_either_root)
{
	struct boot_fixture *f = fixture_new();
	u32 len;

	ASSERT_NOT_NULL(f);
	tables_typical(f);
	EXPECT_EQ(find(f, "APIC", &len), f->bytes + AT_MADT);
	EXPECT_EQ(len, MADT_LEN);
	EXPECT_EQ(find(f, "FACP", &len), f->bytes + AT_OTHER);
	EXPECT_NULL(find(f, "SRAT", &len));

	f->bytes[AT_RSDP + 15] = 0; /* revision 1: only the RSDT counts */
	rsdp_sum(f);
	memset(f->bytes + AT_XSDT, 0, 0x100);
	EXPECT_EQ(find(f, "APIC", &len), f->bytes + AT_MADT);

	tables_typical(f);
	f->bytes[AT_XSDT + 9]++; /* a broken XSDT: the RSDT is tried */
	EXPECT_EQ(find(f, "APIC", &len), f->bytes + AT_MADT);
	EXPECT_NOTE(&f->info, "XSDT at");
	fixture_free(f);
}

KTEST(acpi, copied_rsdp_is_used)
{
	struct boot_fixture *f = fixture_new();
	u32 len;

	ASSERT_NOT_NULL(f);
	tables_typical(f);
	f->info.rsdp = 0;
	EXPECT_NULL(find(f, "APIC", &len));
	for (u32 copy = 19; copy <= 36; copy++) {
		memcpy(f->info.rsdp_copy, f->bytes + AT_RSDP, copy);
		f->info.rsdp_copy_len = copy;
		EXPECT_EQ(find(f, "APIC", &len) != NULL, copy >= 20);
	}
	fixture_free(f);
}

KTEST(acpi, wrong_checksums_are_refused)
{
	static const size_t at[] = {AT_RSDP, AT_MADT};
	struct boot_fixture *f = fixture_new();
	u32 len;

	ASSERT_NOT_NULL(f);
	for (unsigned i = 0; i < ARRAY_SIZE(at); i++) {
		tables_typical(f);
		f->bytes[at[i] + 12]++;
		EXPECT_NULL(find(f, "APIC", &len));
		EXPECT_NOTE(&f->info, "checksum");
	}
	fixture_free(f);
}

KTEST(acpi, lengths_that_lie_are_refused)
{
	static const u32 lie[] = {0, 1, 35, 0x1000, 0x7fffffff, 0xffffffff};
	static const size_t at[] = {AT_MADT, AT_XSDT};
	struct boot_fixture *f = fixture_new();
	u32 len;

	ASSERT_NOT_NULL(f);
	for (unsigned i = 0; i < ARRAY_SIZE(lie); i++) {
		for (unsigned a = 0; a < ARRAY_SIZE(at); a++) {
			tables_typical(f);
			fixture_put32(f, at[a] + 4, lie[i]);
			/* A broken XSDT leaves the RSDT; a broken MADT leaves nothing. */
			EXPECT_EQ(find(f, "APIC", &len) != NULL, at[a] == AT_XSDT);
			EXPECT_NOTE(&f->info, "has length");
		}
	}
	fixture_free(f);
}

KTEST(acpi, madt_cpus_are_counted_in_order)
{
	struct boot_fixture *f = fixture_new();
	struct acpi_cpu cpu[4] = {};
	const u8 *madt;
	u32 len;

	ASSERT_NOT_NULL(f);
	tables_typical(f);
	madt = find(f, "APIC", &len);
	ASSERT_NOT_NULL(madt);
	EXPECT_EQ(acpi_madt_cpus(madt, len, cpu, 4, &f->info), 4);
	EXPECT_EQ(cpu[0].apic_id, 0);
	EXPECT_EQ(cpu[1].apic_id, 3);
	EXPECT_EQ(cpu[2].apic_id, 5);
	EXPECT_EQ(cpu[3].apic_id, 0x100);
	EXPECT_TRUE(cpu[0].enabled && cpu[1].enabled && cpu[3].enabled);
	EXPECT_FALSE(cpu[2].enabled);
	cpu[2].apic_id = 77;
	EXPECT_EQ(acpi_madt_cpus(madt, len, cpu, 2, &f->info), 4); /* counted, not written */
	EXPECT_EQ(cpu[2].apic_id, 77);
	EXPECT_EQ(acpi_madt_cpus(madt, 44, cpu, 4, &f->info), 0);
	EXPECT_EQ(acpi_madt_cpus(madt, 36, cpu, 4, &f->info), 0);
	fixture_free(f);
}

/* Id 255 of a local APIC addresses all of them: such an entry is no processor. As an x2APIC's it is one. */
KTEST(acpi, the_id_that_addresses_all_is_no_processor)
{
	static const u8 madt[] = {0, 8,	 0, 255, 1,   0, 0, 0, 0, 8, 1, 254, 1, 0, 0, 0,
				  9, 16, 0, 0,	 255, 0, 0, 0, 1, 0, 0, 0,   0, 0, 0, 0};
	struct boot_fixture *f = fixture_new();
	struct acpi_cpu cpu[4];

	ASSERT_NOT_NULL(f);
	tables_typical(f);
	memcpy(f->bytes + AT_MADT + 44, madt, sizeof(madt));
	EXPECT_EQ(acpi_madt_cpus(f->bytes + AT_MADT, 44 + sizeof(madt), cpu, 4, &f->info), 2);
	EXPECT_EQ(cpu[0].apic_id, 254);
	EXPECT_EQ(cpu[1].apic_id, 255);
	fixture_free(f);
}

/* Shows acpi.I2. */
KTEST(acpi, madt_entry_lengths_that_lie_end_the_walk)
{
	static const u8 lie[] = {0, 1, 0xff};
	struct boot_fixture *f = fixture_new();
	struct acpi_cpu cpu[4];

	ASSERT_NOT_NULL(f);
	for (unsigned i = 0; i < ARRAY_SIZE(lie); i++) {
		tables_typical(f);
		f->bytes[AT_MADT + 44 + 8 + 1] = lie[i]; /* the second entry */
		EXPECT_EQ(acpi_madt_cpus(f->bytes + AT_MADT, MADT_LEN, cpu, 4, &f->info), 1);
		EXPECT_NOTE(&f->info, "MADT entry");
	}
	fixture_free(f);
}

/* Shows acpi.I1. */
KTEST(acpi, random_damage_is_survived)
{
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	for (unsigned round = 0; round < 500; round++) {
		struct acpi_cpu cpu[4];
		const u8 *madt;
		u32 len = 0;

		tables_typical(f);
		for (u32 n = 1 + test_rand_below(4); n; n--)
			f->bytes[test_rand_below(0x700)] = (u8)test_rand();
		/*
		 * Half of the rounds with right sums again, so that the damage reaches what lies behind the
		 * check.
		 */
		if (test_rand_below(2)) {
			rsdp_sum(f);
			fixture_sum(f, AT_XSDT, 52, 9);
			fixture_sum(f, AT_MADT, MADT_LEN, 9);
		}
		madt = find(f, "APIC", &len);
		if (madt) {
			EXPECT_TRUE(madt >= f->bytes && len <= f->len && madt <= f->bytes + f->len - len);
			EXPECT_LE(acpi_madt_cpus(madt, len, cpu, 4, &f->info), len / 8);
		}
		expect_sound(t, &f->info);
	}
	fixture_free(f);
}

/* The first MiB as a PC's firmware leaves it: the BIOS's data, its extended data, its read-only memory; nothing else. */
static const void *low_memory_at(const struct boot_mem *mem, u64 pa, u64 len)
{
	static const struct {
		u64 start, size;
		size_t at;
	} part[] = {{0x400, 0x100, 0}, {0x9fc00, 0x400, 0x1000}, {0xe0000, 0x20000, 0x10000}};
	struct boot_fixture *f = mem->ctx;

	for (unsigned i = 0; i < ARRAY_SIZE(part); i++)
		if (pa >= part[i].start && pa - part[i].start < part[i].size &&
		    len <= part[i].size - (pa - part[i].start))
			return f->bytes + part[i].at + (pa - part[i].start);
	return NULL;
}

static void rsdp_at(struct boot_fixture *f, size_t at)
{
	memcpy(f->bytes + at, "RSD PTR ", 8);
	fixture_sum(f, at, 20, 8);
}

KTEST(acpi, rsdp_is_found_where_a_bios_puts_it)
{
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	f->mem.at = low_memory_at;
	EXPECT_EQ(acpi_scan_rsdp(&f->mem), 0);
	rsdp_at(f, 0x10000 + 0x1fff0); /* the last place of all does not hold a whole one */
	EXPECT_EQ(acpi_scan_rsdp(&f->mem), 0);
	rsdp_at(f, 0x10000 + 0x1ffe0);
	EXPECT_EQ(acpi_scan_rsdp(&f->mem), 0xfffe0);
	rsdp_at(f, 0x10000 + 0x4f0);
	EXPECT_EQ(acpi_scan_rsdp(&f->mem), 0xe04f0);
	rsdp_at(f, 0x1000 + 0x20); /* nothing points there yet */
	EXPECT_EQ(acpi_scan_rsdp(&f->mem), 0xe04f0);
	f->bytes[0x0e] = 0xc0; /* the word at 0x40e: segment 0x9fc0 */
	f->bytes[0x0f] = 0x9f;
	EXPECT_EQ(acpi_scan_rsdp(&f->mem), 0x9fc20);
	f->bytes[0x1000 + 0x20 + 19]++;
	EXPECT_EQ(acpi_scan_rsdp(&f->mem), 0xe04f0);
	rsdp_at(f, 0x10000 + 0x108); /* not on a border of 16 bytes */
	EXPECT_EQ(acpi_scan_rsdp(&f->mem), 0xe04f0);
	fixture_free(f);
}

/* ---- clocks ---- */

enum { AT_HPET = 0x800, AT_FADT = 0xa00, FADT_LEN = 244 };

/* An HPET at 0xfed00000, a power management timer at port 0x608, and as an extended address at 0x1808. */
static void tables_clocks(struct boot_fixture *f)
{
	tables_typical(f);
	fixture_put64(f, AT_HPET + 44, 0xfed00000);
	fixture_table(f, AT_HPET, "HPET", 56);
	fixture_put32(f, AT_FADT + 76, 0x608);
	f->bytes[AT_FADT + 91] = 4;
	f->bytes[AT_FADT + 208] = 1; /* I/O */
	fixture_put64(f, AT_FADT + 212, 0x1808);
	fixture_table(f, AT_FADT, "FACP", FADT_LEN);
	fixture_put64(f, AT_XSDT + 36, FIXTURE_PA + AT_FADT);
	fixture_put64(f, AT_XSDT + 44, FIXTURE_PA + AT_HPET);
	fixture_table(f, AT_XSDT, "XSDT", 36 + 16);
}

static struct acpi_clocks clocks_of(struct boot_fixture *f)
{
	return acpi_clocks(&f->mem, &f->info);
}

KTEST(acpi, clocks_are_where_the_tables_say)
{
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	tables_clocks(f);
	EXPECT_EQ(clocks_of(f).hpet, 0xfed00000);
	EXPECT_EQ(clocks_of(f).pm_timer, 0x1808);
	fixture_put64(f, AT_FADT + 212, 0); /* the extended address is not used */
	fixture_table(f, AT_FADT, "FACP", FADT_LEN);
	EXPECT_EQ(clocks_of(f).pm_timer, 0x608);
	fixture_table(f, AT_FADT, "FACP", 116); /* revision 1 has none */
	EXPECT_EQ(clocks_of(f).pm_timer, 0x608);
	EXPECT_EQ(f->info.notes_len, 0);
	fixture_free(f);
}

KTEST(acpi, clocks_in_a_form_that_is_not_known_are_none)
{
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	tables_clocks(f);
	f->bytes[AT_HPET + 40] = 1; /* registers in I/O space */
	fixture_table(f, AT_HPET, "HPET", 56);
	EXPECT_EQ(clocks_of(f).hpet, 0);
	f->bytes[AT_FADT + 91] = 0; /* no timer */
	fixture_table(f, AT_FADT, "FACP", FADT_LEN);
	EXPECT_EQ(clocks_of(f).pm_timer, 0);
	tables_clocks(f);
	fixture_table(f, AT_HPET, "HPET", 55); /* too short */
	fixture_put64(f, AT_FADT + 212, 0x10000);
	fixture_table(f, AT_FADT, "FACP", FADT_LEN);
	EXPECT_EQ(clocks_of(f).hpet, 0);
	EXPECT_EQ(clocks_of(f).pm_timer, 0); /* no port has that number */
	tables_clocks(f);
	f->bytes[AT_HPET + 9]++; /* a wrong checksum, of which others speak */
	EXPECT_EQ(clocks_of(f).hpet, 0);
	EXPECT_EQ(f->info.notes_len, 0);
	f->info.rsdp = 0;
	EXPECT_EQ(clocks_of(f).hpet + clocks_of(f).pm_timer, 0);
	fixture_free(f);
}
