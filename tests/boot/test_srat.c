/*
 * test_srat.c - properties of boot/srat.c over good, odd and hostile tables.
 *
 * Idea.       A machine of two nodes and four CPUs is described in a buffer; then single things are made wrong. What is
 *             wrong must leave nothing behind, whatever came before it.
 * Layout.     RSDP at 0x10, XSDT at 0x100, SLIT at 0x200, SRAT at 0x2000, its entries in the order in which they are added.
 *             Memory: [64 KiB, 640 KiB), [1 MiB, 3 GiB), [4 GiB, 9 GiB).
 * Invariants. numa_is_sound().
 * Locking.    None.
 * Failure.    EXPECT lines name the input.
 * Next:       tests/kernel/test_trap.c.
 */

#include "boot_fixture.h"

enum {
	AT_RSDP = 0x10,
	AT_XSDT = 0x100,
	AT_SLIT = 0x200,
	AT_SRAT = 0x2000,
	SRAT_HEADER = 48,
	SLIT_HEADER = 44,
	NR_CPUS_HERE = 4,
	ENABLED = 1,
	HOT_PLUGGABLE = 2,
};

struct machine {
	struct boot_fixture *f;
	struct boot_cpu cpu[NR_CPUS_HERE]; /* APICs 0, 1, 4 and 0x100 */
	u32 srat_len;
};

static u8 *entry_add(struct machine *m, u8 type, u8 len)
{
	u8 *e = m->f->bytes + AT_SRAT + m->srat_len;

	memset(e, 0, len);
	e[0] = type;
	e[1] = len;
	m->srat_len += len;
	return e;
}

static void memory_add(struct machine *m, u32 domain, u64 start, u64 size, u32 flags)
{
	u8 *e = entry_add(m, 1, 40);

	memcpy(e + 2, &domain, 4);
	memcpy(e + 8, &start, 8);
	memcpy(e + 16, &size, 8);
	memcpy(e + 28, &flags, 4);
}

static void apic_add(struct machine *m, u32 domain, u8 apic_id, u32 flags)
{
	u8 *e = entry_add(m, 0, 16);

	e[2] = (u8)domain;
	e[3] = apic_id;
	memcpy(e + 4, &flags, 4);
	for (unsigned i = 1; i < 4; i++)
		e[8 + i] = (u8)(domain >> 8 * i);
}

static void x2apic_add(struct machine *m, u32 domain, u32 apic_id, u32 flags)
{
	u8 *e = entry_add(m, 2, 24);

	memcpy(e + 4, &domain, 4);
	memcpy(e + 8, &apic_id, 4);
	memcpy(e + 12, &flags, 4);
}

/* All distances 10 and 20 + row; lines and columns are domains. */
static void slit_set(struct machine *m, u64 n)
{
	fixture_put64(m->f, AT_SLIT + 36, n);
	for (u64 i = 0; i < n * n; i++)
		m->f->bytes[AT_SLIT + SLIT_HEADER + i] = i % (n + 1) ? (u8)(20 + i / n) : 10;
	fixture_table(m->f, AT_SLIT, "SLIT", (u32)(SLIT_HEADER + n * n));
}

/* No table but the roots, and memory. */
static bool machine_new(struct machine *m)
{
	static const u32 apic[NR_CPUS_HERE] = {0, 1, 4, 0x100};
	struct boot_fixture *f = fixture_new();

	if (!f)
		return false;
	*m = (struct machine){.f = f, .srat_len = SRAT_HEADER};
	for (unsigned i = 0; i < NR_CPUS_HERE; i++)
		m->cpu[i] = (struct boot_cpu){.hw_id = apic[i], .enabled = true};
	boot_add_range(&f->info, KIB(64), KIB(576), MEM_USABLE, 0);
	boot_add_range(&f->info, MIB(1), GIB(3) - MIB(1), MEM_USABLE, 0);
	boot_add_range(&f->info, GIB(4), GIB(5), MEM_USABLE, 0);
	f->info.rsdp = FIXTURE_PA + AT_RSDP;
	memcpy(f->bytes + AT_RSDP, "RSD PTR ", 8);
	f->bytes[AT_RSDP + 15] = 2;
	fixture_put64(f, AT_RSDP + 24, FIXTURE_PA + AT_XSDT);
	fixture_sum(f, AT_RSDP, 20, 8);
	fixture_put64(f, AT_XSDT + 36, FIXTURE_PA + AT_SLIT);
	fixture_put64(f, AT_XSDT + 44, FIXTURE_PA + AT_SRAT);
	fixture_table(f, AT_XSDT, "XSDT", 52);
	f->bytes[AT_SRAT + 8] = 3; /* revision */
	return true;
}

/* Two nodes: half of the memory each, CPUs 0 and 1 on the first, 2 and 3 on the second. */
static bool machine_typical(struct machine *m, u32 first, u32 second)
{
	if (!machine_new(m))
		return false;
	apic_add(m, first, 0, ENABLED);
	apic_add(m, first, 1, ENABLED);
	apic_add(m, second, 4, ENABLED);
	memory_add(m, first, 0, KIB(640), ENABLED);
	memory_add(m, first, MIB(1), GIB(3) - MIB(1), ENABLED);
	memory_add(m, first, GIB(4), GIB(1), ENABLED);
	memory_add(m, second, GIB(5), GIB(4), ENABLED);
	x2apic_add(m, second, 0x100, ENABLED);
	return true;
}

static void parse(struct machine *m)
{
	fixture_table(m->f, AT_SRAT, "SRAT", m->srat_len);
	acpi_numa(&m->f->mem, &m->f->info, m->cpu, NULL, NR_CPUS_HERE);
}

static void expect_cpu_nodes(struct ktest *t, const struct machine *m, u32 a, u32 b, u32 c, u32 d)
{
	const u32 want[NR_CPUS_HERE] = {a, b, c, d};

	for (unsigned i = 0; i < NR_CPUS_HERE; i++)
		EXPECT_EQ(m->cpu[i].node, want[i]);
}

/* Refused with these words, and as if there were no table. */
static void expect_refused(struct ktest *t, struct machine *m, const char *why)
{
	EXPECT_EQ(m->f->info.nr_node_ranges, 0);
	expect_cpu_nodes(t, m, BOOT_NO_NODE, BOOT_NO_NODE, BOOT_NO_NODE, BOOT_NO_NODE);
	for (unsigned i = 0; i < BOOT_MAX_DISTANCES; i++)
		for (unsigned k = 0; k < BOOT_MAX_DISTANCES; k++)
			EXPECT_EQ(m->f->info.distance[i][k], 0);
	EXPECT_NOTE(&m->f->info, why);
	EXPECT_NOTE(&m->f->info, "not used");
	fixture_free(m->f);
}

/* ---- tables as they should be ---- */

KTEST(srat, two_nodes_are_found)
{
	struct machine m = {.f = NULL};
	const struct boot_info *bi;

	ASSERT_TRUE(machine_typical(&m, 0, 1));
	slit_set(&m, 2);
	parse(&m);
	bi = &m.f->info;
	ASSERT_EQ(bi->nr_node_ranges, 4);
	EXPECT_EQ(bi->node_range[1].start, MIB(1));
	EXPECT_EQ(bi->node_range[1].size, GIB(3) - MIB(1));
	EXPECT_EQ(bi->node_range[2].node, 0);
	EXPECT_EQ(bi->node_range[3].node, 1);
	expect_cpu_nodes(t, &m, 0, 0, 1, 1);
	EXPECT_EQ(bi->distance[0][0], 10);
	EXPECT_EQ(bi->distance[0][1], 20);
	EXPECT_EQ(bi->distance[1][0], 21);
	EXPECT_EQ(bi->distance[1][2], 0);
	EXPECT_EQ(bi->notes_len, 0);
	fixture_free(m.f);
}

KTEST(srat, without_tables_nothing_is_said)
{
	struct machine m = {.f = NULL};

	ASSERT_TRUE(machine_new(&m));
	acpi_numa(&m.f->mem, &m.f->info, m.cpu, NULL, NR_CPUS_HERE);
	EXPECT_EQ(m.f->info.nr_node_ranges, 0);
	expect_cpu_nodes(t, &m, BOOT_NO_NODE, BOOT_NO_NODE, BOOT_NO_NODE, BOOT_NO_NODE);
	EXPECT_EQ(m.f->info.notes_len, 0);
	fixture_free(m.f);
}

KTEST(srat, what_is_disabled_or_of_another_kind_does_not_count)
{
	struct machine m = {.f = NULL};

	ASSERT_TRUE(machine_typical(&m, 0, 1));
	memory_add(&m, 7, GIB(5), GIB(4), 0);
	memory_add(&m, 7, GIB(5), 0, ENABLED);
	apic_add(&m, 7, 0, 0);
	x2apic_add(&m, 7, 4, 0);
	entry_add(&m, 3, 18);
	entry_add(&m, 200, 2);
	parse(&m);
	EXPECT_EQ(m.f->info.nr_node_ranges, 4);
	expect_cpu_nodes(t, &m, 0, 0, 1, 1);
	EXPECT_EQ(m.f->info.notes_len, 0);
	fixture_free(m.f);
}

KTEST(srat, holes_may_be_claimed_by_several_nodes)
{
	struct machine m = {.f = NULL};

	ASSERT_TRUE(machine_typical(&m, 0, 1));
	memory_add(&m, 0, GIB(9), TIB(1), ENABLED | HOT_PLUGGABLE);
	memory_add(&m, 1, GIB(9), TIB(1), ENABLED | HOT_PLUGGABLE);
	memory_add(&m, 1, GIB(3), GIB(1), ENABLED);
	memory_add(&m, 0, GIB(3), GIB(1), ENABLED);
	memory_add(&m, 1, GIB(6), GIB(1), ENABLED); /* and what is its own may be named twice */
	parse(&m);
	EXPECT_EQ(m.f->info.nr_node_ranges, 9);
	EXPECT_EQ(m.f->info.notes_len, 0);
	fixture_free(m.f);
}

KTEST(srat, the_last_byte_of_all_may_be_named)
{
	struct machine m = {.f = NULL};

	ASSERT_TRUE(machine_new(&m));
	memory_add(&m, 5, 0, GIB(8), ENABLED);
	memory_add(&m, 6, GIB(8), -GIB(8), ENABLED);
	parse(&m);
	EXPECT_EQ(m.f->info.nr_node_ranges, 2);
	expect_cpu_nodes(t, &m, BOOT_NO_NODE, BOOT_NO_NODE, BOOT_NO_NODE, BOOT_NO_NODE);
	EXPECT_EQ(m.f->info.notes_len, 0);
	fixture_free(m.f);
}

/* Shows nodes.I1. */
KTEST(srat, a_little_forgotten_memory_goes_with_what_lies_before_it)
{
	struct machine m = {.f = NULL};

	ASSERT_TRUE(machine_new(&m));
	memory_add(&m, 3, MIB(1), GIB(4), ENABLED);
	memory_add(&m, 2, GIB(4) + MIB(1), GIB(5) - MIB(1) - KIB(300), ENABLED);
	parse(&m);
	/* 576 KiB at 64 KiB, which nothing lies before, and 300 KiB at the end. */
	ASSERT_EQ(m.f->info.nr_node_ranges, 4);
	EXPECT_EQ(m.f->info.node_range[2].start, KIB(64));
	EXPECT_EQ(m.f->info.node_range[2].size, KIB(576));
	EXPECT_EQ(m.f->info.node_range[2].node, 3);
	EXPECT_EQ(m.f->info.node_range[3].start, GIB(9) - KIB(300));
	EXPECT_EQ(m.f->info.node_range[3].size, KIB(300));
	EXPECT_EQ(m.f->info.node_range[3].node, 2);
	EXPECT_EQ(m.f->info.notes_len, 0);
	fixture_free(m.f);
}

/* ---- domains ---- */

KTEST(srat, domains_have_32_bits_from_revision_2_on)
{
	struct machine m = {.f = NULL};

	ASSERT_TRUE(machine_typical(&m, 0x12345601, 0x12345602));
	m.f->bytes[AT_SRAT + 8] = 2;
	parse(&m);
	expect_cpu_nodes(t, &m, 0, 0, 1, 1);
	EXPECT_EQ(m.f->info.node_range[3].node, 1);
	EXPECT_NOTE(&m.f->info, "domain 0x12345602 is node 1");
	fixture_free(m.f);

	/* The upper three bytes of a domain are reserved in an old SRAT. */
	ASSERT_TRUE(machine_typical(&m, 0x12345601, 0x12345602));
	m.srat_len -= 24; /* the x2APIC is younger */
	m.f->bytes[AT_SRAT + 8] = 1;
	parse(&m);
	expect_cpu_nodes(t, &m, 1, 1, 2, BOOT_NO_NODE);
	EXPECT_EQ(m.f->info.node_range[0].node, 1);
	EXPECT_EQ(m.f->info.node_range[3].node, 2);
	EXPECT_EQ(m.f->info.notes_len, 0);
	fixture_free(m.f);
}

/* Shows srat.I2. */
KTEST(srat, small_domains_are_ids_and_large_ones_are_counted)
{
	static const u32 numbers[][4] = {{0, 63, 0, 63}, {63, 0, 63, 0}, {0, 64, 0, 1}, {~0u, 7, 1, 0}};
	struct machine m = {.f = NULL};

	for (unsigned i = 0; i < ARRAY_SIZE(numbers); i++) {
		ASSERT_TRUE(machine_typical(&m, numbers[i][0], numbers[i][1]));
		parse(&m);
		expect_cpu_nodes(t, &m, numbers[i][2], numbers[i][2], numbers[i][3], numbers[i][3]);
		EXPECT_EQ(m.f->info.node_range[0].node, numbers[i][2]);
		EXPECT_EQ(m.f->info.node_range[3].node, numbers[i][3]);
		fixture_free(m.f);
	}
}

/* As QEMU has it for a node without memory and CPUs: only the SLIT counts it. */
KTEST(srat, distances_are_found_by_domain)
{
	struct machine m = {.f = NULL};

	ASSERT_TRUE(machine_typical(&m, 0, 2));
	slit_set(&m, 3);
	parse(&m);
	EXPECT_EQ(m.f->info.distance[0][2], 20);
	EXPECT_EQ(m.f->info.distance[2][0], 22);
	EXPECT_EQ(m.f->info.distance[0][1], 0);
	fixture_free(m.f);

	ASSERT_TRUE(machine_typical(&m, 1, 80)); /* nodes 0 and 1 */
	slit_set(&m, 81);
	parse(&m);
	EXPECT_EQ(m.f->info.distance[0][1], 21);
	EXPECT_EQ(m.f->info.distance[1][0], 100);
	fixture_free(m.f);

	ASSERT_TRUE(machine_typical(&m, 1, 80));
	slit_set(&m, 80); /* one too few: nothing is known of the second */
	parse(&m);
	EXPECT_EQ(m.f->info.distance[0][0], 10);
	EXPECT_EQ(m.f->info.distance[0][1], 0);
	EXPECT_EQ(m.f->info.distance[1][1], 0);
	fixture_free(m.f);
}

/* ---- an SRAT that cannot be believed ---- */

KTEST(srat, a_wrong_checksum_or_length_is_refused)
{
	static const u32 lie[] = {0, 35, 0x7fffffff};
	struct machine m = {.f = NULL};

	ASSERT_TRUE(machine_typical(&m, 0, 1));
	fixture_table(m.f, AT_SRAT, "SRAT", m.srat_len);
	m.f->bytes[AT_SRAT + 9]++;
	acpi_numa(&m.f->mem, &m.f->info, m.cpu, NULL, NR_CPUS_HERE);
	EXPECT_EQ(m.f->info.nr_node_ranges, 0);
	expect_cpu_nodes(t, &m, BOOT_NO_NODE, BOOT_NO_NODE, BOOT_NO_NODE, BOOT_NO_NODE);
	EXPECT_NOTE(&m.f->info, "SRAT at 0x102000 has a wrong checksum");
	for (unsigned i = 0; i < ARRAY_SIZE(lie); i++) {
		fixture_put32(m.f, AT_SRAT + 4, lie[i]);
		acpi_numa(&m.f->mem, &m.f->info, m.cpu, NULL, NR_CPUS_HERE);
		EXPECT_EQ(m.f->info.nr_node_ranges, 0);
	}
	EXPECT_NOTE(&m.f->info, "SRAT at 0x102000 has length 0x7fffffff");
	fixture_free(m.f);

	ASSERT_TRUE(machine_new(&m));
	m.srat_len = SRAT_HEADER - 1;
	parse(&m);
	expect_refused(t, &m, "SRAT has length 0x2f");
}

KTEST(srat, entries_with_wrong_lengths_are_refused)
{
	static const struct {
		unsigned at; /* of machine_typical() */
		u8 len;
	} lie[] = {{0, 0}, {0, 1}, {0, 15}, {48, 39}, {48, 255}, {208, 23}, {208, 25}};
	struct machine m = {.f = NULL};

	for (unsigned i = 0; i < ARRAY_SIZE(lie); i++) {
		ASSERT_TRUE(machine_typical(&m, 0, 1));
		m.f->bytes[AT_SRAT + SRAT_HEADER + lie[i].at + 1] = lie[i].len;
		parse(&m);
		expect_refused(t, &m, "wrong length");
	}
	ASSERT_TRUE(machine_typical(&m, 0, 1));
	m.srat_len++; /* one byte that is no entry */
	parse(&m);
	expect_refused(t, &m, "SRAT entry at +0x118 has a wrong length");
}

/* Shows srat.I3. */
KTEST(srat, memory_of_two_nodes_is_refused)
{
	static const u64 size[] = {1, KIB(4), GIB(5), -GIB(3)};
	struct machine m = {.f = NULL};

	for (unsigned i = 0; i < ARRAY_SIZE(size); i++) {
		ASSERT_TRUE(machine_typical(&m, 0, 1));
		memory_add(&m, 1, GIB(3) - KIB(4), size[i], ENABLED);
		parse(&m);
		expect_refused(t, &m, "SRAT has [0xbffff000, ");
	}
}

KTEST(srat, memory_of_no_node_is_refused)
{
	struct machine m = {.f = NULL};

	for (unsigned missing = 0; missing < 2; missing++) { /* exactly 1 MiB of it, and a page less */
		ASSERT_TRUE(machine_typical(&m, 0, 1));
		fixture_put64(m.f, AT_SRAT + SRAT_HEADER + 48 + 120 + 16, GIB(4) - MIB(1) + missing * KIB(4));
		parse(&m);
		if (missing) {
			EXPECT_EQ(m.f->info.nr_node_ranges, 5);
			fixture_free(m.f);
		} else {
			expect_refused(t, &m, "does not say where 1024 KiB of memory are");
		}
	}
	ASSERT_TRUE(machine_new(&m));
	apic_add(&m, 0, 0, ENABLED);
	parse(&m);
	expect_refused(t, &m, "does not say where");
}

KTEST(srat, a_processor_on_two_nodes_is_refused)
{
	struct machine m = {.f = NULL};

	ASSERT_TRUE(machine_typical(&m, 0, 1));
	apic_add(&m, 1, 4, ENABLED);   /* said already */
	apic_add(&m, 0, 200, ENABLED); /* nobody knows it */
	parse(&m);
	expect_cpu_nodes(t, &m, 0, 0, 1, 1);
	fixture_free(m.f);
	ASSERT_TRUE(machine_typical(&m, 0, 1));
	x2apic_add(&m, 0, 4, ENABLED);
	parse(&m);
	expect_refused(t, &m, "APIC 0x4 on nodes 1 and 0");
}

KTEST(srat, a_range_behind_the_end_of_all_is_refused)
{
	struct machine m = {.f = NULL};

	ASSERT_TRUE(machine_typical(&m, 0, 1));
	memory_add(&m, 1, -GIB(1), GIB(1) + 1, ENABLED);
	parse(&m);
	expect_refused(t, &m, "memory at 0xffffffffc0000000");
}

KTEST(srat, too_many_domains_or_ranges_are_refused)
{
	struct machine m = {.f = NULL};

	for (u32 nr = 64; nr <= 65; nr++) {
		ASSERT_TRUE(machine_new(&m));
		memory_add(&m, 1000, 0, GIB(9), ENABLED);
		for (u32 i = 1; i < nr; i++)
			memory_add(&m, 1000 - i, GIB(10) * i, GIB(1), ENABLED);
		parse(&m);
		if (nr == 64) {
			EXPECT_EQ(m.f->info.nr_node_ranges, 64);
			EXPECT_EQ(m.f->info.node_range[0].node, 63);
			fixture_free(m.f);
		} else {
			expect_refused(t, &m, "more than 64 domains");
		}
	}
	for (u32 nr = BOOT_MAX_NODE_RANGES; nr <= BOOT_MAX_NODE_RANGES + 1; nr++) {
		ASSERT_TRUE(machine_new(&m));
		for (u32 i = 0; i < nr; i++)
			memory_add(&m, 0, i * GIB(1), GIB(1), ENABLED);
		parse(&m);
		if (nr == BOOT_MAX_NODE_RANGES) {
			EXPECT_EQ(m.f->info.nr_node_ranges, nr);
			fixture_free(m.f);
		} else {
			expect_refused(t, &m, "more than 256 ranges");
		}
	}
}

KTEST(srat, forgotten_pages_need_room_for_a_range)
{
	struct machine m = {.f = NULL};

	ASSERT_TRUE(machine_new(&m));
	memory_add(&m, 0, 0, GIB(9) - KIB(4), ENABLED);
	for (u32 i = 1; i < BOOT_MAX_NODE_RANGES; i++)
		memory_add(&m, 0, GIB(8) + i * KIB(4), KIB(4), ENABLED);
	parse(&m);
	expect_refused(t, &m, "more than 256 ranges");
}

/* ---- a SLIT that cannot be believed: the nodes stay ---- */

static void expect_no_distances(struct ktest *t, struct machine *m, const char *why)
{
	parse(m);
	EXPECT_EQ(m->f->info.nr_node_ranges, 4);
	for (unsigned i = 0; i < 4; i++)
		EXPECT_EQ(m->f->info.distance[i / 2][i % 2], 0);
	EXPECT_NOTE(&m->f->info, why);
	fixture_free(m->f);
}

KTEST(srat, a_slit_of_a_wrong_size_is_refused)
{
	static const u64 n[] = {0, 3, 1UL << 32, (1UL << 32) + 2, ~0UL};
	struct machine m = {.f = NULL};

	for (unsigned i = 0; i < ARRAY_SIZE(n); i++) {
		ASSERT_TRUE(machine_typical(&m, 0, 1));
		slit_set(&m, 2);
		fixture_put64(m.f, AT_SLIT + 36, n[i]);
		fixture_table(m.f, AT_SLIT, "SLIT", SLIT_HEADER + 4);
		expect_no_distances(t, &m, "ACPI: SLIT of length 0x30 has");
	}
	ASSERT_TRUE(machine_typical(&m, 0, 1));
	slit_set(&m, 2);
	fixture_table(m.f, AT_SLIT, "SLIT", 40); /* not even the number is there */
	expect_no_distances(t, &m, "ACPI: SLIT of length 0x28 has 0 domains, not used");
	ASSERT_TRUE(machine_typical(&m, 0, 1));
	slit_set(&m, 2);
	m.f->bytes[AT_SLIT + SLIT_HEADER]++;
	expect_no_distances(t, &m, "SLIT at 0x100200 has a wrong checksum");
}

/* As ALASKA A M I has it: one domain, and 63 bytes behind its one distance. Linux does not look at them. */
KTEST(srat, bytes_behind_the_slits_matrix_are_ignored)
{
	static const u32 more[] = {1, 63, 4};
	struct machine m = {.f = NULL};

	for (unsigned i = 0; i < ARRAY_SIZE(more); i++) {
		unsigned n = 1 + i;

		ASSERT_TRUE(machine_typical(&m, 0, 1));
		slit_set(&m, n);
		m.f->bytes[AT_SLIT + SLIT_HEADER + n * n] = 9; /* no distance that would be believed */
		fixture_table(m.f, AT_SLIT, "SLIT", SLIT_HEADER + n * n + more[i]);
		parse(&m);
		EXPECT_EQ(m.f->info.distance[0][0], 10);
		EXPECT_EQ(m.f->info.distance[0][1], n > 1 ? 20 : 0);
		EXPECT_EQ(m.f->info.distance[1][0], n > 1 ? 21 : 0);
		EXPECT_NOTE(&m.f->info, "ignored");
		fixture_free(m.f);
	}
}

KTEST(srat, a_slit_with_absurd_distances_is_refused)
{
	static const struct {
		unsigned at;
		u8 distance;
		const char *why;
	} lie[] = {{0, 11, "distance 11 from domain 0 to 0"},
		   {3, 0, "distance 0 from domain 1 to 1"},
		   {1, 10, "distance 10 from domain 0 to 1"},
		   {2, 0, "distance 0 from domain 1 to 0"},
		   {2, 9, "distance 9 from domain 1 to 0"}};
	struct machine m = {.f = NULL};

	for (unsigned i = 0; i < ARRAY_SIZE(lie); i++) {
		ASSERT_TRUE(machine_typical(&m, 0, 1));
		slit_set(&m, 2);
		m.f->bytes[AT_SLIT + SLIT_HEADER + lie[i].at] = lie[i].distance;
		fixture_table(m.f, AT_SLIT, "SLIT", SLIT_HEADER + 4);
		expect_no_distances(t, &m, lie[i].why);
	}
}

/* ---- any damage ---- */

/* Every page of usable memory that a border is at is in ranges of exactly one node; or nothing is said at all. */
static bool page_is_sound(const struct boot_info *bi, u64 at)
{
	unsigned node = 0, seen = 0;

	for (unsigned i = 0; i < bi->nr_node_ranges; i++) {
		const struct boot_node_range *r = &bi->node_range[i];

		if (at < r->start || at - r->start >= r->size)
			continue;
		if (seen && r->node != node)
			return false;
		node = r->node;
		seen++;
	}
	return seen != 0;
}

static bool numa_is_sound(struct machine *m)
{
	struct boot_info *bi = &m->f->info;
	u64 cursor = 0, start, end;

	for (unsigned i = 0; i < bi->nr_node_ranges; i++)
		if (bi->node_range[i].node >= BOOT_MAX_DISTANCES)
			return false;
	for (unsigned i = 0; i < NR_CPUS_HERE; i++)
		if (m->cpu[i].node != BOOT_NO_NODE &&
		    (m->cpu[i].node >= BOOT_MAX_DISTANCES || !bi->nr_node_ranges))
			return false;
	while (bi->nr_node_ranges && boot_next_usable(bi, &cursor, &start, &end)) {
		if (!page_is_sound(bi, start) || !page_is_sound(bi, end - 1))
			return false;
		for (unsigned i = 0; i < bi->nr_node_ranges; i++) {
			u64 at = bi->node_range[i].start, past = at + bi->node_range[i].size;

			if ((at >= start && at < end && !page_is_sound(bi, at)) ||
			    (past >= start && past < end && !page_is_sound(bi, past)))
				return false;
		}
	}
	return true;
}

/* Shows srat.I1. */
KTEST(srat, random_damage_is_survived)
{
	unsigned believed = 0;

	for (unsigned round = 0; round < 500; round++) {
		struct machine m = {.f = NULL};

		ASSERT_TRUE(machine_typical(&m, test_rand_below(3), test_rand_below(3)));
		slit_set(&m, 2);
		for (u32 n = test_rand_below(4); n; n--)
			m.f->bytes[AT_SRAT + SRAT_HEADER + test_rand_below(m.srat_len - SRAT_HEADER)] =
				(u8)(test_rand_below(2) ? test_rand() : test_rand_below(4));
		m.f->bytes[AT_SLIT + 36 + test_rand_below(12)] = (u8)test_rand_below(22);
		fixture_table(m.f, AT_SLIT, "SLIT", SLIT_HEADER + 4);
		parse(&m);
		believed += m.f->info.nr_node_ranges != 0;
		EXPECT_MSG(numa_is_sound(&m), "round %u: %s", round, m.f->info.notes);
		expect_sound(t, &m.f->info);
		fixture_free(m.f);
	}
	EXPECT_GT(believed, 50);
	EXPECT_LT(believed, 450);
}
