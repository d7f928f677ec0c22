/*
 * test_acpi_arm.c - properties of boot/acpi_arm.c over good, odd and hostile tables.
 *
 * Idea.       The tables of a server of two nodes and four processors are built in a buffer; then single things are made
 *             wrong. Whatever they say, what is named can be used: expect_usable().
 * Layout.     RSDP at 0x10, XSDT at 0x100, one table in each slot of 4 KiB from 0x1000 on, in the order of the enum.
 *             Memory: [1 GiB, 5 GiB).
 * Invariants. Those of acpi_arm.c.
 * Locking.    None.
 * Failure.    EXPECT lines name the input.
 * Next:       test_srat.c.
 */

#include "boot_fixture.h"

enum table { MADT, FADT, GTDT, SPCR, DBG2, SRAT, SLIT, NR_TABLES };

enum {
	AT_RSDP = 0x10,
	AT_XSDT = 0x100,
	XSDT_LEN = 36 + 8 * NR_TABLES,
	SLOT = 0x1000, /* of a table; the MADT is the first and may use those behind when it is alone */
	MADT_HEADER = 44,
	GICC_LEN = 80,
	NR_CPUS_HERE = 4,
	ENABLED = 1,
	NO_SUCH_IRQ = 1023,
};

#define GICD_BASE 0x8000000UL
#define GICC_BASE 0x8010000UL
#define GICR_BASE 0x80a0000UL
#define UART_BASE 0x9000000UL
#define OWN_GICR(cpu) (0x20000000UL + (cpu)*MIB(1))

static const char signature[NR_TABLES][5] = {"APIC", "FACP", "GTDT", "SPCR", "DBG2", "SRAT", "SLIT"};

struct machine {
	struct boot_fixture *f;
	u32 len[NR_TABLES]; /* 0: the table is not there */
};

static size_t slot(enum table table)
{
	return SLOT * (1 + (size_t)table);
}

static void put(struct machine *m, enum table table, size_t at, u64 value, size_t bytes)
{
	memcpy(m->f->bytes + slot(table) + at, &value, bytes);
}

static u8 *entry_add(struct machine *m, enum table table, u8 type, u8 len)
{
	u8 *e = m->f->bytes + slot(table) + m->len[table];

	memset(e, 0, len);
	e[0] = type;
	e[1] = len;
	m->len[table] += len;
	return e;
}

/* ---- one entry each ---- */

static u8 *gicc_add(struct machine *m, u32 uid, u64 mpidr, u32 flags)
{
	u8 *e = entry_add(m, MADT, 0xb, GICC_LEN);

	memcpy(e + 8, &uid, 4);
	memcpy(e + 12, &flags, 4);
	memcpy(e + 68, &mpidr, 8);
	return e;
}

static void gicd_add(struct machine *m, u64 base, u8 version)
{
	u8 *e = entry_add(m, MADT, 0xc, 24);

	memcpy(e + 8, &base, 8);
	e[20] = version;
}

static void gicr_add(struct machine *m, u64 base, u32 size)
{
	u8 *e = entry_add(m, MADT, 0xe, 16);

	memcpy(e + 4, &base, 8);
	memcpy(e + 12, &size, 4);
}

static void srat_cpu_add(struct machine *m, u32 domain, u32 uid, u32 flags)
{
	u8 *e = entry_add(m, SRAT, 3, 18);

	memcpy(e + 2, &domain, 4);
	memcpy(e + 6, &uid, 4);
	memcpy(e + 10, &flags, 4);
}

static void srat_memory_add(struct machine *m, u32 domain, u64 start, u64 size)
{
	u8 *e = entry_add(m, SRAT, 1, 40);

	memcpy(e + 2, &domain, 4);
	memcpy(e + 8, &start, 8);
	memcpy(e + 16, &size, 8);
	e[28] = ENABLED;
}

/* ---- tables ---- */

static void spcr_set(struct machine *m, u8 kind, u64 address, u32 irq)
{
	m->len[SPCR] = 80;
	put(m, SPCR, 36, kind, 1);
	put(m, SPCR, 40, 0, 1);
	put(m, SPCR, 44, address, 8);
	put(m, SPCR, 52, 8, 1);
	put(m, SPCR, 54, irq, 4);
}

/* One more device; its address lies behind its name. */
static u8 *dbg2_add(struct machine *m, u32 subtype, u64 address)
{
	u32 len = 22 + 12 + 4 + 4, at = m->len[DBG2] ? m->len[DBG2] : 44;
	u8 *d = m->f->bytes + slot(DBG2) + at;

	put(m, DBG2, 36, 44, 4);
	memset(d, 0, len);
	d[1] = (u8)len;
	d[3] = 1;
	d[12] = 0;
	d[13] = 0x80;
	d[14] = (u8)subtype;
	d[18] = 26;
	memcpy(d + 26 + 4, &address, 8);
	m->len[DBG2] = at + len;
	return d;
}

/* No entry of a processor or of the GIC yet. */
static bool machine_new(struct machine *m)
{
	struct boot_fixture *f = fixture_new();

	if (!f)
		return false;
	*m = (struct machine){.f = f, .len = {[MADT] = MADT_HEADER, [FADT] = 268, [GTDT] = 96, [SRAT] = 48}};
	boot_add_range(&f->info, GIB(1), GIB(4), MEM_USABLE, 0);
	f->info.rsdp = FIXTURE_PA + AT_RSDP;
	memcpy(f->bytes + AT_RSDP, "RSD PTR ", 8);
	f->bytes[AT_RSDP + 15] = 2;
	fixture_put64(f, AT_RSDP + 24, FIXTURE_PA + AT_XSDT);
	fixture_sum(f, AT_RSDP, 20, 8);
	put(m, FADT, 129, 3, 2); /* PSCI by HVC */
	put(m, GTDT, 64, 27, 4);
	spcr_set(m, 3, UART_BASE, 33);
	f->bytes[slot(SRAT) + 8] = 3; /* revision */
	return true;
}

/* Four processors on two nodes; UIDs differ from ids and from the order. The GIC is not there yet. */
static bool machine_cpus(struct machine *m)
{
	static const u64 mpidr[NR_CPUS_HERE] = {0x80000000, 0x80000001, 0x80000100, 0x180000101};

	if (!machine_new(m))
		return false;
	for (u32 i = 0; i < NR_CPUS_HERE; i++) {
		u8 *e = gicc_add(m, 7 - i, mpidr[i], ENABLED);
		u64 base = GICC_BASE;

		memcpy(e + 32, &base, 8);
		srat_cpu_add(m, i / 2, 7 - i, ENABLED);
	}
	srat_memory_add(m, 0, GIB(1), GIB(2));
	srat_memory_add(m, 1, GIB(3), GIB(2));
	return true;
}

static bool machine_typical(struct machine *m)
{
	if (!machine_cpus(m))
		return false;
	gicd_add(m, GICD_BASE, 3);
	gicr_add(m, GICR_BASE, 0xf60000);
	return true;
}

static void finish(struct machine *m)
{
	unsigned nr = 0;

	for (unsigned i = 0; i < NR_TABLES; i++) {
		if (!m->len[i])
			continue;
		fixture_table(m->f, slot(i), signature[i], m->len[i]);
		fixture_put64(m->f, AT_XSDT + 36 + 8UL * nr++, FIXTURE_PA + slot(i));
	}
	fixture_table(m->f, AT_XSDT, "XSDT", 36 + 8 * nr);
}

static const struct boot_info *parse(struct machine *m)
{
	finish(m);
	acpi_arm(&m->f->mem, &m->f->info);
	return &m->f->info;
}

/* ---- machines as they should be ---- */

KTEST(acpi_arm, a_server_is_read)
{
	static const u64 id[NR_CPUS_HERE] = {0, 1, 0x100, 0x101};
	struct machine m = {.f = NULL};
	const struct boot_info *bi;

	ASSERT_TRUE(machine_typical(&m));
	bi = parse(&m);
	ASSERT_EQ(bi->nr_cpus, NR_CPUS_HERE);
	for (unsigned i = 0; i < NR_CPUS_HERE; i++) {
		EXPECT_EQ(bi->cpu[i].hw_id, id[i] | (i == 3 ? 0x100000000 : 0));
		EXPECT_EQ(bi->cpu[i].node, i / 2);
		EXPECT_TRUE(bi->cpu[i].enabled);
	}
	EXPECT_EQ(bi->nr_node_ranges, 2);
	EXPECT_EQ(bi->dev.psci, BOOT_PSCI_HVC);
	EXPECT_EQ(bi->dev.gic_version, 3);
	EXPECT_EQ(bi->dev.gicd, GICD_BASE);
	EXPECT_EQ(bi->dev.gicc, 0);
	ASSERT_EQ(bi->dev.nr_gicr, 1);
	EXPECT_EQ(bi->dev.gicr[0].start, GICR_BASE);
	EXPECT_EQ(bi->dev.gicr[0].size, 0xf60000);
	EXPECT_EQ(bi->dev.timer_irq, 27);
	EXPECT_EQ(bi->dev.uart, UART_BASE);
	EXPECT_EQ(bi->dev.uart_irq, 33);
	EXPECT_STREQ(bi->notes, "");
	fixture_free(m.f);
}

KTEST(acpi_arm, without_a_root_nothing_is_named)
{
	struct machine m = {.f = NULL};
	const struct boot_info *bi;

	ASSERT_TRUE(machine_typical(&m));
	m.f->info.rsdp = 0;
	bi = parse(&m);
	EXPECT_EQ(bi->nr_cpus + bi->nr_node_ranges + bi->dev.gic_version + bi->dev.timer_irq, 0);
	EXPECT_EQ(bi->dev.uart, 0);
	EXPECT_EQ(bi->dev.psci, BOOT_PSCI_NONE);
	EXPECT_NOTE(bi, "no APIC");
	EXPECT_NOTE(bi, "no FACP");
	EXPECT_NOTE(bi, "no GTDT");
	fixture_free(m.f);
}

/* ---- MADT ---- */

KTEST(acpi_arm, all_fields_of_an_affinity_are_the_id)
{
	struct machine m = {.f = NULL};

	ASSERT_TRUE(machine_new(&m));
	gicc_add(&m, 0, ~0UL, ENABLED);
	gicc_add(&m, 1, 0x0300020100, ENABLED);
	EXPECT_EQ(parse(&m)->cpu[0].hw_id, 0xff00ffffff);
	EXPECT_EQ(m.f->info.cpu[1].hw_id, 0x0300020100);
	fixture_free(m.f);
}

/* Bit 3: it may be switched on one day. It is there, but does not run. */
KTEST(acpi_arm, a_processor_that_is_off_is_no_more_than_named)
{
	static const u32 flags[] = {0, 8, 2 | 4};
	struct machine m = {.f = NULL};
	const struct boot_info *bi;

	for (unsigned i = 0; i < ARRAY_SIZE(flags); i++) {
		ASSERT_TRUE(machine_new(&m));
		gicd_add(&m, GICD_BASE, 2);
		gicc_add(&m, 0, 0, flags[i]);
		fixture_put64(m.f, slot(MADT) + m.len[MADT] - GICC_LEN + 32, 0x666000);
		gicc_add(&m, 1, 1, ENABLED);
		fixture_put64(m.f, slot(MADT) + m.len[MADT] - GICC_LEN + 32, GICC_BASE);
		bi = parse(&m);
		EXPECT_EQ(bi->nr_cpus, 2);
		EXPECT_FALSE(bi->cpu[0].enabled);
		EXPECT_TRUE(bi->cpu[1].enabled);
		EXPECT_EQ(bi->dev.gicc, GICC_BASE);
		fixture_free(m.f);
	}
}

KTEST(acpi_arm, what_is_shorter_than_its_kind_does_not_count)
{
	struct machine m = {.f = NULL};
	const struct boot_info *bi;

	ASSERT_TRUE(machine_new(&m));
	entry_add(&m, MADT, 0xb, 75);
	entry_add(&m, MADT, 0xc, 23);
	entry_add(&m, MADT, 0xe, 15);
	entry_add(&m, MADT, 0xd, 24); /* a frame for messages */
	entry_add(&m, MADT, 0xf, 20); /* a translation service */
	bi = parse(&m);
	EXPECT_EQ(bi->nr_cpus, 0);
	EXPECT_EQ(bi->dev.gic_version, 0);
	EXPECT_EQ(bi->dev.nr_gicr, 0);
	fixture_free(m.f);
	ASSERT_TRUE(machine_new(&m)); /* as ACPI 5.1 has it */
	entry_add(&m, MADT, 0xb, 76)[12] = ENABLED;
	EXPECT_EQ(parse(&m)->nr_cpus, 1);
	fixture_free(m.f);
}

KTEST(acpi_arm, a_length_that_lies_ends_the_walk)
{
	static const u8 lie[] = {0, 1, 255};
	struct machine m = {.f = NULL};

	for (unsigned i = 0; i < ARRAY_SIZE(lie); i++) {
		ASSERT_TRUE(machine_typical(&m));
		put(&m, MADT, MADT_HEADER + GICC_LEN + 1, lie[i], 1);
		m.len[MADT] = MADT_HEADER + 3 * GICC_LEN;
		EXPECT_EQ(parse(&m)->nr_cpus, 1);
		EXPECT_NOTE(&m.f->info, "MADT entry of type 11 at +0x7c");
		fixture_free(m.f);
	}
}

KTEST(acpi_arm, more_processors_than_room_are_left_out)
{
	struct machine m = {.f = NULL};

	ASSERT_TRUE(machine_new(&m));
	memset(m.len, 0, sizeof(m.len)); /* a table of 20 KiB */
	m.len[MADT] = MADT_HEADER;
	for (u32 i = 0; i < BOOT_MAX_CPUS + 2; i++)
		gicc_add(&m, i, i, ENABLED);
	EXPECT_EQ(parse(&m)->nr_cpus, BOOT_MAX_CPUS);
	EXPECT_EQ(m.f->info.cpu[BOOT_MAX_CPUS - 1].hw_id, BOOT_MAX_CPUS - 1);
	EXPECT_NOTE(&m.f->info, "more than 256 processors, 0x101 is not used");
	fixture_free(m.f);
}

/* ---- the GIC ---- */

KTEST(acpi_arm, version_2_needs_a_cpu_interface)
{
	struct machine m = {.f = NULL};

	for (unsigned said = 0; said <= 2; said += 2) { /* 0: what is there says it */
		ASSERT_TRUE(machine_cpus(&m));
		gicd_add(&m, GICD_BASE, (u8)said);
		EXPECT_EQ(parse(&m)->dev.gic_version, 2);
		EXPECT_EQ(m.f->info.dev.gicd, GICD_BASE);
		EXPECT_EQ(m.f->info.dev.gicc, GICC_BASE);
		EXPECT_STREQ(m.f->info.notes, "");
		fixture_free(m.f);

		ASSERT_TRUE(machine_new(&m));
		gicc_add(&m, 0, 0, ENABLED);
		gicd_add(&m, GICD_BASE, (u8)said);
		EXPECT_EQ(parse(&m)->dev.gic_version, 0);
		EXPECT_EQ(m.f->info.dev.gicd, 0);
		EXPECT_NOTE(&m.f->info, "no GIC that is known");
		fixture_free(m.f);
	}
}

/* The size follows from the version; a processor that is off has none that may be touched. */
KTEST(acpi_arm, processors_may_name_redistributors_of_their_own)
{
	static const struct {
		u8 version;
		u64 size;
	} row[] = {{0, KIB(128)}, {3, KIB(128)}, {4, KIB(256)}};
	struct machine m = {.f = NULL};
	const struct boot_devices *dev;

	for (unsigned i = 0; i < ARRAY_SIZE(row); i++) {
		ASSERT_TRUE(machine_new(&m));
		for (u32 cpu = 0; cpu < 3; cpu++) {
			u64 base = OWN_GICR(cpu);

			memcpy(gicc_add(&m, cpu, cpu, cpu != 1) + 60, &base, 8);
		}
		gicd_add(&m, GICD_BASE, row[i].version);
		dev = &parse(&m)->dev;
		EXPECT_EQ(dev->gic_version, 3);
		ASSERT_EQ(dev->nr_gicr, 2);
		EXPECT_EQ(dev->gicr[0].start, OWN_GICR(0));
		EXPECT_EQ(dev->gicr[1].start, OWN_GICR(2));
		EXPECT_EQ(dev->gicr[1].size, row[i].size);

		fixture_free(m.f);
	}
}

/* Shows acpi_arm.I2. */
KTEST(acpi_arm, runs_of_redistributors_are_all_there_is)
{
	struct machine m = {.f = NULL};
	u64 base = OWN_GICR(0);

	ASSERT_TRUE(machine_typical(&m));
	put(&m, MADT, MADT_HEADER + 60, base, 8);
	gicr_add(&m, GIB(256), 0x100000);
	EXPECT_EQ(parse(&m)->dev.nr_gicr, 2);
	EXPECT_EQ(m.f->info.dev.gicr[0].start, GICR_BASE);
	EXPECT_EQ(m.f->info.dev.gicr[1].start, GIB(256));
	fixture_free(m.f);
}

/* Shows acpi_arm.I1. */
KTEST(acpi_arm, a_gic_is_named_whole_or_not_at_all)
{
	static const struct {
		u64 gicd;
		u8 version;
		u64 gicr;
		u32 gicr_size;
	} row[] = {{0, 3, GICR_BASE, 0x20000},	       {GICD_BASE, 3, GICR_BASE, 0},
		   {GICD_BASE, 3, -GIB(1), GIB(2)},    {GICD_BASE, 1, 0, 0},
		   {GICD_BASE, 5, GICR_BASE, 0x20000}, {GICD_BASE, 255, 0, 0}};
	struct machine m = {.f = NULL};
	const struct boot_devices *dev;

	for (unsigned i = 0; i < ARRAY_SIZE(row); i++) {
		ASSERT_TRUE(machine_cpus(&m));
		gicd_add(&m, row[i].gicd, row[i].version);
		if (row[i].gicr)
			gicr_add(&m, row[i].gicr, row[i].gicr_size);
		dev = &parse(&m)->dev;
		EXPECT_MSG(!dev->gic_version && !dev->gicd && !dev->gicc && !dev->nr_gicr,
			   "row %u: version %u", i, dev->gic_version);
		EXPECT_NOTE(&m.f->info, "no GIC that is known");
		fixture_free(m.f);
	}
}

KTEST(acpi_arm, a_second_distributor_is_refused)
{
	struct machine m = {.f = NULL};

	ASSERT_TRUE(machine_typical(&m));
	gicd_add(&m, 0x123000, 2);
	EXPECT_EQ(parse(&m)->dev.gic_version, 3);
	EXPECT_EQ(m.f->info.dev.gicd, GICD_BASE);
	EXPECT_NOTE(&m.f->info, "a second GIC distributor at 0x123000");
	fixture_free(m.f);
}

KTEST(acpi_arm, more_redistributors_than_room_are_left_out)
{
	struct machine m = {.f = NULL};

	ASSERT_TRUE(machine_new(&m));
	memset(m.len, 0, sizeof(m.len));
	m.len[MADT] = MADT_HEADER;
	gicd_add(&m, GICD_BASE, 3);
	for (u32 i = 0; i < BOOT_MAX_GICR + 2; i++)
		gicr_add(&m, OWN_GICR(i), 0x20000);
	EXPECT_EQ(parse(&m)->dev.nr_gicr, BOOT_MAX_GICR);
	EXPECT_NOTE(&m.f->info, "more than 256 runs");
	fixture_free(m.f);
}

/* ---- SRAT ---- */

KTEST(acpi_arm, the_srat_calls_processors_by_their_uid)
{
	struct machine m = {.f = NULL};

	ASSERT_TRUE(machine_typical(&m)); /* an APIC with the id of a processor here is none of ours */
	entry_add(&m, SRAT, 0, 16)[4] = ENABLED;
	m.f->bytes[slot(SRAT) + m.len[SRAT] - 16 + 2] = 1;
	srat_cpu_add(&m, 1, 7, 0);	  /* disabled */
	srat_cpu_add(&m, 1, 99, ENABLED); /* nobody's */
	parse(&m);
	for (unsigned i = 0; i < NR_CPUS_HERE; i++)
		EXPECT_EQ(m.f->info.cpu[i].node, i / 2);
	EXPECT_STREQ(m.f->info.notes, "");
	fixture_free(m.f);
}

KTEST(acpi_arm, an_srat_that_contradicts_itself_is_refused)
{
	struct machine m = {.f = NULL};

	ASSERT_TRUE(machine_typical(&m));
	srat_cpu_add(&m, 1, 7, ENABLED);
	parse(&m);
	EXPECT_EQ(m.f->info.nr_node_ranges, 0);
	EXPECT_EQ(m.f->info.cpu[0].node, BOOT_NO_NODE);
	EXPECT_NOTE(&m.f->info, "SRAT has processor 0x7 on nodes 0 and 1, not used");
	fixture_free(m.f);
	ASSERT_TRUE(machine_typical(&m));
	m.f->bytes[slot(SRAT) + 48 + 1] = 17;
	parse(&m);
	EXPECT_EQ(m.f->info.cpu[3].node, BOOT_NO_NODE);
	EXPECT_NOTE(&m.f->info, "wrong length");
	fixture_free(m.f);
}

/* ---- FADT, GTDT ---- */

KTEST(acpi_arm, psci_is_called_as_the_fadt_says)
{
	static const struct {
		u32 flags, len;
		enum boot_psci want;
	} row[] = {{0, 268, BOOT_PSCI_NONE}, {1, 268, BOOT_PSCI_SMC},  {2, 268, BOOT_PSCI_NONE},
		   {3, 268, BOOT_PSCI_HVC},  {3, 130, BOOT_PSCI_NONE}, {3, 131, BOOT_PSCI_HVC}};
	struct machine m = {.f = NULL};

	for (unsigned i = 0; i < ARRAY_SIZE(row); i++) {
		ASSERT_TRUE(machine_typical(&m));
		put(&m, FADT, 129, row[i].flags, 2);
		m.len[FADT] = row[i].len;
		EXPECT_EQ(parse(&m)->dev.psci, row[i].want);
		EXPECT_EQ(strstr(m.f->info.notes, "no PSCI") != NULL, row[i].want == BOOT_PSCI_NONE);
		fixture_free(m.f);
	}
}

/* Shows acpi_arm.I3. */
KTEST(acpi_arm, the_timers_interrupt_is_a_ppi)
{
	static const struct {
		u32 irq, len, want;
	} row[] = {{16, 96, 16}, {31, 96, 31}, {15, 96, 0}, {32, 96, 0},
		   {0, 96, 0},	 {27, 68, 27}, {27, 67, 0}};
	struct machine m = {.f = NULL};

	for (unsigned i = 0; i < ARRAY_SIZE(row); i++) {
		ASSERT_TRUE(machine_typical(&m));
		put(&m, GTDT, 64, row[i].irq, 4);
		m.len[GTDT] = row[i].len;
		EXPECT_EQ(parse(&m)->dev.timer_irq, row[i].want);
		EXPECT_EQ(strstr(m.f->info.notes, "virtual timer") != NULL, !row[i].want);
		fixture_free(m.f);
	}
}

/* ---- SPCR, DBG2 ---- */

KTEST(acpi_arm, consoles_that_work_like_a_pl011_are_used)
{
	static const struct {
		u8 kind;
		bool want;
	} row[] = {{3, true}, {0xd, true}, {0xe, true}, {0, false}, {0xf, false}, {0x12, false}};
	struct machine m = {.f = NULL};

	for (unsigned i = 0; i < ARRAY_SIZE(row); i++) {
		ASSERT_TRUE(machine_typical(&m));
		spcr_set(&m, row[i].kind, UART_BASE, 33);
		EXPECT_EQ(parse(&m)->dev.uart, row[i].want ? UART_BASE : 0);
		EXPECT_EQ(m.f->info.dev.uart_irq, row[i].want ? 33 : 0);
		fixture_free(m.f);
	}
}

/* Shows acpi_arm.I3. */
KTEST(acpi_arm, the_consoles_interrupt_is_an_spi)
{
	static const struct {
		u32 irq, want;
		u8 kind;
	} row[] = {{32, 32, 8}, {1019, 1019, 9}, {31, 0, 8}, {1020, 0, 8}, {0, 0, 8}, {33, 0, 7}};
	struct machine m = {.f = NULL};

	for (unsigned i = 0; i < ARRAY_SIZE(row); i++) {
		ASSERT_TRUE(machine_typical(&m));
		spcr_set(&m, 3, UART_BASE, row[i].irq);
		put(&m, SPCR, 52, row[i].kind, 1);
		EXPECT_EQ(parse(&m)->dev.uart, UART_BASE);
		EXPECT_EQ(m.f->info.dev.uart_irq, row[i].want);
		fixture_free(m.f);
	}
}

KTEST(acpi_arm, a_console_in_another_space_or_table_is_not_memory)
{
	struct machine m = {.f = NULL};

	ASSERT_TRUE(machine_typical(&m));
	put(&m, SPCR, 40, 1, 1); /* a port */
	EXPECT_EQ(parse(&m)->dev.uart, 0);
	fixture_free(m.f);
	ASSERT_TRUE(machine_typical(&m));
	m.len[SPCR] = 57;
	EXPECT_EQ(parse(&m)->dev.uart, 0);
	fixture_free(m.f);
}

KTEST(acpi_arm, without_an_spcr_the_dbg2_names_the_console)
{
	struct machine m = {.f = NULL};

	ASSERT_TRUE(machine_typical(&m));
	dbg2_add(&m, 3, 0x777000); /* the SPCR comes first */
	EXPECT_EQ(parse(&m)->dev.uart, UART_BASE);
	fixture_free(m.f);

	ASSERT_TRUE(machine_typical(&m));
	m.len[SPCR] = 0;
	dbg2_add(&m, 0, 0x111000);	      /* a 16550 */
	dbg2_add(&m, 3, 0x222000)[3] = 0;     /* no address */
	dbg2_add(&m, 3, 0x333000)[13] = 0x83; /* USB */
	dbg2_add(&m, 3, 0x444000)[18] = 31;   /* behind its end */
	dbg2_add(&m, 3, UART_BASE)[18] = 26;
	dbg2_add(&m, 3, 0x555000);
	EXPECT_EQ(parse(&m)->dev.uart, UART_BASE);
	EXPECT_EQ(m.f->info.dev.uart_irq, 0);
	EXPECT_STREQ(m.f->info.notes, "");
	fixture_free(m.f);
}

KTEST(acpi_arm, a_dbg2_that_lies_names_nothing)
{
	static const struct {
		unsigned at, bytes;
		u64 value;
	} lie[] = {{36, 4, 0xffffffff}, {36, 4, 86 - 21}, {45, 2, 0},
		   {45, 2, 21},		{45, 2, 43},	  {62, 2, 0xffff}};
	struct machine m = {.f = NULL};

	for (unsigned i = 0; i < ARRAY_SIZE(lie); i++) {
		ASSERT_TRUE(machine_typical(&m));
		m.len[SPCR] = 0;
		dbg2_add(&m, 3, UART_BASE);
		put(&m, DBG2, lie[i].at, lie[i].value, lie[i].bytes);
		EXPECT_EQ(parse(&m)->dev.uart, 0);
		fixture_free(m.f);
	}
}

/* ---- any damage ---- */

static void expect_usable(struct ktest *t, const struct boot_info *bi)
{
	const struct boot_devices *dev = &bi->dev;

	EXPECT_LE(bi->nr_cpus, BOOT_MAX_CPUS);
	EXPECT_LE(dev->nr_gicr, BOOT_MAX_GICR);
	EXPECT_TRUE(dev->gic_version == 0 || (dev->gic_version == 2 && dev->gicd && dev->gicc) ||
		    (dev->gic_version == 3 && dev->gicd && dev->nr_gicr));
	for (unsigned i = 0; i < dev->nr_gicr; i++)
		EXPECT_TRUE(dev->gicr[i].size &&
			    dev->gicr[i].start + (dev->gicr[i].size - 1) >= dev->gicr[i].start);
	EXPECT_TRUE(!dev->timer_irq || (dev->timer_irq >= 16 && dev->timer_irq < 32));
	EXPECT_TRUE(!dev->uart_irq || (dev->uart && dev->uart_irq >= 32 && dev->uart_irq < 1020));
	expect_sound(t, bi);
}

KTEST(acpi_arm, random_damage_is_survived)
{
	struct machine m = {.f = NULL};

	for (unsigned round = 0; round < 300; round++) {
		enum table table = test_rand_below(NR_TABLES - 1);

		ASSERT_TRUE(machine_typical(&m));
		dbg2_add(&m, 3, UART_BASE);
		if (test_rand_below(2))
			m.len[SPCR] = 0;
		for (u32 n = 1 + test_rand_below(6); n; n--)
			m.f->bytes[slot(table) + 36 +
				   test_rand_below(m.len[table] > 36 ? m.len[table] - 36 : 1)] =
				(u8)test_rand();
		if (test_rand_below(4) == 0 && m.len[table] > 36)
			m.len[table] = 36 + test_rand_below(m.len[table] - 36);
		expect_usable(t, parse(&m));
		fixture_free(m.f);
	}
}
