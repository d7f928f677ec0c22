/*
 * srat.c - NUMA nodes of memory and processors, and their distances: ACPI's SRAT and SLIT.
 *
 * Idea.       The SRAT assigns ranges of memory and processors to proximity domains. The SLIT is a matrix of distances
 *             between domains. A table that contradicts itself or the memory map is worse than none, because distant memory
 *             would count as local, so one error discards the whole table. Without the SRAT there is one node. Without the
 *             SLIT all other nodes are equally far. If all numbers of domains are below BOOT_MAX_DISTANCES, they are the
 *             node ids; else ids follow the order of the numbers.
 * Layout.     SRAT: header, 12 bytes, entries (type 1, length 1 ...). SLIT: header, u64 N, N rows of N bytes. (ACPI 6.5,
 *             5.2.16 and 5.2.17.)
 * Invariants. I1  no read lies outside of a table's length, and an entry of length below 2 ends the walk
 *             I2  node ids are below BOOT_MAX_DISTANCES, one for each domain
 *             I3  a refused table leaves no range, no distance and no node of a processor in boot_info
 * Locking.    None: a pure function.
 * Failure.    A note says what is wrong and that the table is not used.
 * Source.     Linux drivers/acpi/numa/srat.c, arch/x86/mm/srat.c.
 * Next:       nodes.c.
 */

#include "boot.h"
#include <kernel/bits.h>
#include <kernel/string.h>

enum {
	TABLE_REVISION = 8,
	SRAT_ENTRIES = 48,
	SRAT_WIDE_DOMAINS = 2, /* from this revision on a domain has 32 bits instead of 8 */
	SRAT_CPU = 0,
	SRAT_CPU_SIZE = 16,
	SRAT_MEMORY = 1,
	SRAT_MEMORY_SIZE = 40,
	SRAT_X2APIC = 2,
	SRAT_X2APIC_SIZE = 24,
	SRAT_GICC = 3,
	SRAT_GICC_SIZE = 18,
	SRAT_ENABLED = 1,
	SLIT_MATRIX = 44,
};

/* Domain numbers in ascending order, without duplicates. */
struct domains {
	u32 number[BOOT_MAX_DISTANCES];
	unsigned nr;
};

/* An enabled entry of a known type. */
struct entry {
	u8 type;
	u32 domain;
	u32 cpu;	 /* SRAT_CPU, SRAT_X2APIC: the APIC's id; SRAT_GICC: the processor's UID */
	u64 start, size; /* SRAT_MEMORY */
};

struct walk {
	const u8 *srat;
	u32 len, pos;
	bool bad;
};

static bool too_short(const u8 *e)
{
	return (e[0] == SRAT_CPU && e[1] < SRAT_CPU_SIZE) ||
	       (e[0] == SRAT_MEMORY && e[1] < SRAT_MEMORY_SIZE) ||
	       (e[0] == SRAT_X2APIC && e[1] < SRAT_X2APIC_SIZE) ||
	       (e[0] == SRAT_GICC && e[1] < SRAT_GICC_SIZE);
}

/* Decodes an entry. False: it is of another type, disabled, or empty. */
static bool read_entry(const u8 *e, bool wide, struct entry *out)
{
	switch (e[0]) {
	case SRAT_CPU:
		*out = (struct entry){.domain = e[2], .cpu = e[3]};
		if (wide)
			out->domain |= (u32)e[9] << 8 | (u32)e[10] << 16 | (u32)e[11] << 24;
		return get_u32(e + 4) & SRAT_ENABLED;
	case SRAT_MEMORY:
		*out = (struct entry){.type = SRAT_MEMORY,
				      .domain = wide ? get_u32(e + 2) : e[2],
				      .start = get_u64(e + 8),
				      .size = get_u64(e + 16)};
		return (get_u32(e + 28) & SRAT_ENABLED) && out->size;
	case SRAT_X2APIC:
		*out = (struct entry){.type = SRAT_X2APIC, .domain = get_u32(e + 4), .cpu = get_u32(e + 8)};
		return get_u32(e + 12) & SRAT_ENABLED;
	case SRAT_GICC:
		*out = (struct entry){.type = SRAT_GICC, .domain = get_u32(e + 2), .cpu = get_u32(e + 6)};
		return get_u32(e + 10) & SRAT_ENABLED;
	default:
		return false;
	}
}

static struct walk walk_of(const u8 *srat, u32 len)
{
	return (struct walk){.srat = srat, .len = len, .pos = SRAT_ENTRIES};
}

/* Advances to the next usable entry. False: the table ends, or an entry is malformed (then w->bad is set). */
static bool next_entry(struct walk *w, struct entry *out)
{
	while (w->pos < w->len && !w->bad) {
		const u8 *e = w->srat + w->pos;
		u32 room = w->len - w->pos;

		w->bad = room < 2 || e[1] < 2 || e[1] > room || too_short(e);
		if (w->bad)
			return false;
		w->pos += e[1];
		if (read_entry(e, w->srat[TABLE_REVISION] >= SRAT_WIDE_DOMAINS, out))
			return true;
	}
	return false;
}

/* ---- domains and their nodes ---- */

/* Index of the first domain whose number is at least `number`: its place if present, else where to insert it. */
static unsigned domain_index(const struct domains *d, u32 number)
{
	unsigned i = 0;

	while (i < d->nr && d->number[i] < number)
		i++;
	return i;
}

static bool domain_add(struct domains *d, u32 number)
{
	unsigned i = domain_index(d, number);

	if (i < d->nr && d->number[i] == number)
		return true;
	if (d->nr == BOOT_MAX_DISTANCES)
		return false;
	memmove(&d->number[i + 1], &d->number[i], (d->nr - i) * sizeof(d->number[0]));
	d->number[i] = number;
	d->nr++;
	return true;
}

/* Whether all numbers are small enough to be node ids. */
static bool domains_are_nodes(const struct domains *d)
{
	return !d->nr || d->number[d->nr - 1] < BOOT_MAX_DISTANCES;
}

static u32 node_of(const struct domains *d, u32 number)
{
	return domains_are_nodes(d) ? number : domain_index(d, number);
}

static bool find_domains(const u8 *srat, u32 len, struct domains *d, struct boot_info *bi)
{
	struct walk w = walk_of(srat, len);
	struct entry e;

	if (len < SRAT_ENTRIES) {
		boot_note(bi, "ACPI: SRAT has length 0x%x, not used", len);
		return false;
	}
	while (next_entry(&w, &e)) {
		if (!domain_add(d, e.domain)) {
			boot_note(bi, "ACPI: SRAT has more than %u domains, not used", BOOT_MAX_DISTANCES);
			return false;
		}
	}
	if (w.bad)
		boot_note(bi, "ACPI: SRAT entry at +0x%x has a wrong length, not used", w.pos);
	return !w.bad;
}

static void say_domains(const struct domains *d, struct boot_info *bi)
{
	if (!domains_are_nodes(d))
		for (unsigned i = 0; i < d->nr; i++)
			boot_note(bi, "ACPI: SRAT domain 0x%x is node %u", d->number[i], i);
}

/* ---- memory and processors ---- */

/* The SRAT identifies a PC's processors by hw_id, an ARM machine's by uid[]. */
struct cpus {
	struct boot_cpu *cpu;
	const u32 *uid; /* NULL: a PC */
	unsigned nr;
};

static bool is_cpu(const struct entry *e, const struct cpus *cpus, unsigned i)
{
	if ((e->type == SRAT_GICC) != (cpus->uid != NULL))
		return false;
	return e->cpu == (cpus->uid ? cpus->uid[i] : cpus->cpu[i].hw_id);
}

/* Sets the node of the processor. An entry for a processor that is not in cpus[] has no effect. */
static bool place_cpu(const struct entry *e, u32 node, const struct cpus *cpus, struct boot_info *bi)
{
	for (unsigned i = 0; i < cpus->nr; i++) {
		struct boot_cpu *cpu = &cpus->cpu[i];

		if (!is_cpu(e, cpus, i))
			continue;
		if (cpu->node != BOOT_NO_NODE && cpu->node != node) {
			boot_note(bi, "ACPI: SRAT has %s 0x%x on nodes %u and %u, not used",
				  cpus->uid ? "processor" : "APIC", e->cpu, cpu->node, node);
			return false;
		}
		cpu->node = node;
	}
	return true;
}

static bool place_all(const u8 *srat, u32 len, const struct domains *d, struct boot_info *bi,
		      const struct cpus *cpus)
{
	struct walk w = walk_of(srat, len);
	struct entry e;

	while (next_entry(&w, &e)) {
		u32 node = node_of(d, e.domain);

		if (!(e.type == SRAT_MEMORY ? boot_add_node_range(bi, e.start, e.size, node, "ACPI: SRAT")
					    : place_cpu(&e, node, cpus, bi)))
			return false;
	}
	return true;
}

static void forget_cpu_nodes(const struct cpus *cpus)
{
	for (unsigned i = 0; i < cpus->nr; i++)
		cpus->cpu[i].node = BOOT_NO_NODE;
}

/* ---- distances ---- */

/* Number of rows and columns. 0: the table cannot be used. */
static u32 slit_size(const u8 *slit, u32 len, struct boot_info *bi)
{
	u64 n = len >= SLIT_MATRIX ? get_u64(slit + SLIT_MATRIX - 8) : 0;

	if (!n || n > len || n * n > len - SLIT_MATRIX) {
		boot_note(bi, "ACPI: SLIT of length 0x%x has %lu domains, not used", len, n);
		return 0;
	}
	if (n * n < len - SLIT_MATRIX) /* some firmware reserves room for its largest number of domains */
		boot_note(bi, "ACPI: SLIT has %lu bytes behind its %lu domains, ignored",
			  (unsigned long)(len - SLIT_MATRIX - n * n), n);
	for (u64 i = 0; i < n * n; i++) {
		u8 said = slit[SLIT_MATRIX + i];

		if (!boot_distance_is_sane(i / n, i % n, said)) {
			boot_note(bi, "ACPI: SLIT has distance %u from domain %lu to %lu, not used", said,
				  i / n, i % n);
			return 0;
		}
	}
	return (u32)n;
}

/* A domain that occurs in only one of the two tables gets no distance. */
static void read_slit(const u8 *slit, u32 len, const struct domains *d, struct boot_info *bi)
{
	u32 n = slit_size(slit, len, bi);

	for (unsigned i = 0; i < d->nr && d->number[i] < n; i++)
		for (unsigned k = 0; k < d->nr && d->number[k] < n; k++)
			bi->distance[node_of(d, d->number[i])][node_of(d, d->number[k])] =
				slit[SLIT_MATRIX + d->number[i] * n + d->number[k]];
}

void acpi_numa(const struct boot_mem *mem, struct boot_info *bi, struct boot_cpu *cpu, const u32 *uid,
	       unsigned nr_cpus)
{
	const struct cpus cpus = {.cpu = cpu, .uid = uid, .nr = nr_cpus};
	struct domains d = {.nr = 0};
	const u8 *srat, *slit;
	u32 len;

	forget_cpu_nodes(&cpus);
	srat = acpi_find_table(mem, bi, "SRAT", &len);
	if (!srat || !find_domains(srat, len, &d, bi))
		return;
	if (!place_all(srat, len, &d, bi, &cpus) || !boot_nodes_cover(bi, "ACPI: SRAT")) {
		bi->nr_node_ranges = 0;
		forget_cpu_nodes(&cpus);
		return;
	}
	say_domains(&d, bi);
	slit = acpi_find_table(mem, bi, "SLIT", &len);
	if (slit)
		read_slit(slit, len, &d, bi);
}
