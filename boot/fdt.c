/*
 * fdt.c - the machine that a flattened device tree describes.
 *
 * Idea.       One pass over the nodes reads what each node says by itself. Some data needs two nodes: the console that
 *             /chosen names, and interrupts of a GIC whose node may come later. The pass records these nodes, and they are
 *             resolved after it. If a memory map exists already, it came from UEFI and is more precise; memory nodes then
 *             only assign NUMA nodes.
 * Layout.     /memory, /reserved-memory and the reservation block: bi->range, bi->reserved; /cpus: bi->cpu; /chosen:
 *             command line and initrd; PSCI, GIC, timer, PL011: bi->dev. (Devicetree specification 0.4, chapter 3; Linux
 *             Documentation/devicetree/bindings.)
 * Invariants. I1  ids of CPUs are affinity fields of MPIDR_EL1, and each occurs once
 *             This file reads the tree through fdt_node.h only.
 * Locking.    None: a pure function.
 * Failure.    A node that cannot be used is noted and ignored. -EINVAL only if there is no tree.
 * Source.     Linux drivers/of/fdt.c, of_reserved_mem.c; arch/arm64/kernel/smp.c; drivers/irqchip/irq-gic-v3.c.
 * Next:       mm/memmap.c.
 */
#include "fdt_node.h"

#include <kernel/bits.h>
#include <kernel/errno.h>
#include <kernel/string.h>

#define PSCI_CPU_ON 0xc4000003U /* fixed from version 0.2 on; before, firmware chose the number */

enum {
	RESERVATION_SIZE = 16,
	GICR_STRIDE = 0x20000, /* two frames of 64 KiB */
	REGISTER_ALIGN = 4,
	TIMER_VIRTUAL = 2, /* index among the timer's interrupts if they have no names */
	TIMER_IRQS_MAX = 5,
};

/* Nodes that are resolved after the pass, by the offsets of their tokens; 0: none. */
struct machine {
	struct fdt f;
	bool map_known; /* a memory map existed before the tree was read */
	bool nodes_said, nodes_bad;
	u32 chosen, aliases, distances, gic, timer, uart;
	unsigned cpus_stuck, cpus_left_out;
};

/* ---- memory ---- */

/* Records memory that exists but is in use. */
static void reserve(struct boot_info *bi, u64 start, u64 size)
{
	if (!size)
		return;
	if (bi->nr_reserved == BOOT_MAX_RESERVED || start + size < start) {
		/* There is no room to keep it as reserved memory, so it is removed from the map. */
		boot_note(bi, "device tree: [0x%lx, +0x%lx) is reserved as if it were no memory", start,
			  size);
		boot_add_range(bi, start, size, MEM_RESERVED, 0);
		return;
	}
	bi->reserved[bi->nr_reserved++] = (struct boot_reserved){start, start + size};
}

static void read_reservations(const struct fdt *f)
{
	u32 at = f->reservations;

	for (; at <= f->total && f->total - at >= RESERVATION_SIZE; at += RESERVATION_SIZE) {
		u64 start = fdt_u64(f->base + at), size = fdt_u64(f->base + at + 8);

		if (!size)
			return;
		if (size - 1 > ~0UL - start)
			boot_note(f->bi, "device tree: reservation [0x%lx, +0x%lx) wraps, ignored", start,
				  size);
		else
			reserve(f->bi, start, size);
	}
	boot_note(f->bi, "device tree: reservation block at +0x%x has no end", f->reservations);
}

/* Reads numa-node-id of n into *node. Returns false if it is absent or bad; if bad, all nodes of the tree are discarded. */
static bool numa_node(struct machine *m, const struct fdt_node *n, u32 *node)
{
	struct fdt_prop p;

	if (!fdt_get_prop(&m->f, n, "numa-node-id", &p))
		return false;
	m->nodes_said = true;
	if (fdt_get_u32(&m->f, n, "numa-node-id", node) && *node < BOOT_MAX_DISTANCES)
		return true;
	boot_note(m->f.bi, "device tree: %s: expected a numa-node-id below %u, nodes are not used",
		  fdt_name(&m->f, n).text, BOOT_MAX_DISTANCES);
	m->nodes_bad = true;
	return false;
}

static void read_memory(struct machine *m, const struct fdt_node *n)
{
	const struct fdt *f = &m->f;
	const char *name = "linux,usable-memory"; /* set for a kernel that runs beside a crashed one */
	struct fdt_prop p;
	u64 start, size;
	bool placed;
	u32 node;

	if (!fdt_is_okay(f, n))
		return;
	placed = numa_node(m, n, &node);
	if (!fdt_get_prop(f, n, name, &p))
		name = "reg";
	for (unsigned i = 0; fdt_reg(f, n, name, i, &start, &size); i++) {
		if (!size)
			continue;
		if (!m->map_known)
			boot_add_range(f->bi, start, size, MEM_USABLE, 0);
		if (placed && !m->nodes_bad)
			m->nodes_bad = !boot_add_node_range(f->bi, start, size, node, "device tree");
	}
}

/*
 * Reads a region of /reserved-memory. no-map: the region must not be mapped, so it is removed from the map. reusable: the
 * kernel may use it until a driver claims it, and there is no such driver. Without reg, a driver would allocate it
 * anywhere, so nothing is kept free.
 */
static void read_reserved(const struct fdt *f, const struct fdt_node *n)
{
	struct fdt_prop p;
	u64 start, size;

	if (!fdt_is_okay(f, n) || fdt_get_prop(f, n, "reusable", &p))
		return;
	if (!fdt_get_prop(f, n, "reg", &p))
		boot_note(f->bi, "device tree: %s has no place yet and gets none, no driver uses it",
			  fdt_name(f, n).text);
	for (unsigned i = 0; fdt_cpu_reg(f, n, "reg", i, &start, &size); i++) {
		if (fdt_get_prop(f, n, "no-map", &p))
			boot_add_range(f->bi, start, size, MEM_RESERVED, 0);
		else
			reserve(f->bi, start, size);
	}
}

/* ---- CPUs ---- */

static bool cpu_known(const struct boot_info *bi, u64 hw_id)
{
	for (unsigned i = 0; i < bi->nr_cpus; i++)
		if (bi->cpu[i].hw_id == hw_id)
			return true;
	return false;
}

/* A disabled CPU waits for its enable-method; a CPU with status fail does not (specification, 3.8.1). */
static bool cpu_can_start(struct machine *m, const struct fdt_node *n)
{
	const struct fdt *f = &m->f;
	struct fdt_prop p;

	if (fdt_get_prop(f, n, "status", &p) && !fdt_prop_is(&p, "disabled") && !fdt_is_okay(f, n))
		return false;
	if (!fdt_get_prop(f, n, "enable-method", &p))
		return false;
	if (fdt_list_index(&p, "psci") >= 0)
		return true;
	m->cpus_stuck++;
	return false;
}

static void read_cpu(struct machine *m, const struct fdt_node *n)
{
	const unsigned cells = n->level[n->depth - 1].address_cells;
	const struct fdt *f = &m->f;
	struct boot_info *bi = f->bi;
	u32 node = BOOT_NO_NODE;
	struct fdt_prop p;
	u64 id;

	if (!fdt_get_prop(f, n, "device_type", &p) || !fdt_prop_is(&p, "cpu"))
		return;
	if (!cells || cells > FDT_CELLS_MAX || !fdt_get_prop(f, n, "reg", &p) || p.len < 4 * cells) {
		boot_note(bi, "device tree: %s: expected a reg of 1 or 2 cells, ignored",
			  fdt_name(f, n).text);
		return;
	}
	id = fdt_cells(p.data, cells);
	if (id & ~BOOT_MPIDR_AFFINITY) {
		boot_note(bi, "device tree: %s: reg 0x%lx has bits outside of 0x%lx, ignored",
			  fdt_name(f, n).text, id, BOOT_MPIDR_AFFINITY);
		return;
	}
	if (cpu_known(bi, id)) {
		boot_note(bi, "device tree: %s: a second CPU 0x%lx, ignored", fdt_name(f, n).text, id);
		return;
	}
	if (bi->nr_cpus == BOOT_MAX_CPUS) {
		m->cpus_left_out++;
		return;
	}
	if (!numa_node(m, n, &node))
		node = BOOT_NO_NODE;
	bi->cpu[bi->nr_cpus++] = (struct boot_cpu){.hw_id = id, .node = node, .enabled = cpu_can_start(m, n)};
}

/* An enable-method of psci needs a PSCI node. */
static void check_cpus(const struct machine *m)
{
	struct boot_info *bi = m->f.bi;
	unsigned lost = 0;

	for (unsigned i = 0; i < bi->nr_cpus && bi->dev.psci == BOOT_PSCI_NONE; i++) {
		lost += bi->cpu[i].enabled;
		bi->cpu[i].enabled = false;
	}
	if (lost)
		boot_note(bi, "device tree: %u CPUs are to be started by PSCI, and there is none", lost);
	if (m->cpus_stuck)
		boot_note(bi, "device tree: %u CPUs cannot be started, expected enable-method psci",
			  m->cpus_stuck);
	if (m->cpus_left_out)
		boot_note(bi, "device tree: %u CPUs more than %u, ignored", m->cpus_left_out, BOOT_MAX_CPUS);
}

/* ---- nodes ---- */

/* Reads one triple: from, to, distance. */
static bool read_distance(struct boot_info *bi, const u8 *triple)
{
	u32 from = fdt_u32(triple), to = fdt_u32(triple + 4), distance = fdt_u32(triple + 8);

	if (from >= BOOT_MAX_DISTANCES || to >= BOOT_MAX_DISTANCES || distance > 255 ||
	    !boot_distance_is_sane(from, to, distance)) {
		boot_note(bi, "device tree: distance %u from node %u to %u, distances are not used", distance,
			  from, to);
		return false;
	}
	if (bi->distance[from][to] && bi->distance[from][to] != distance) {
		boot_note(bi, "device tree: distances %u and %u from node %u to %u, distances are not used",
			  bi->distance[from][to], distance, from, to);
		return false;
	}
	bi->distance[from][to] = (u8)distance;
	return true;
}

/* A distance that is given for one direction holds for the other, too (Linux drivers/of/of_numa.c). */
static void read_distances(const struct machine *m)
{
	const unsigned triple = 3 * 4;
	struct boot_info *bi = m->f.bi;
	struct fdt_prop p = {};
	struct fdt_node n;
	bool good;

	if (!m->distances || !fdt_node_at(&m->f, m->distances, &n))
		return;
	good = fdt_get_prop(&m->f, &n, "distance-matrix", &p) && p.len && p.len % triple == 0;
	if (!good)
		boot_note(bi, "device tree: distance-matrix of %u bytes, expected a multiple of %u", p.len,
			  triple);
	for (u32 at = 0; good && at < p.len; at += triple)
		good = read_distance(bi, p.data + at);
	if (!good)
		memset(bi->distance, 0, sizeof(bi->distance));
	for (unsigned a = 0; a < BOOT_MAX_DISTANCES; a++)
		for (unsigned b = 0; b < BOOT_MAX_DISTANCES; b++)
			if (!bi->distance[a][b])
				bi->distance[a][b] = bi->distance[b][a];
}

/* As with ACPI's tables (srat.c), one error discards all nodes. */
static void read_nodes(const struct machine *m)
{
	struct boot_info *bi = m->f.bi;

	if (!m->nodes_said)
		return;
	if (!m->nodes_bad && boot_nodes_cover(bi, "device tree") && bi->nr_node_ranges) {
		read_distances(m);
		return;
	}
	bi->nr_node_ranges = 0;
	for (unsigned i = 0; i < bi->nr_cpus; i++)
		bi->cpu[i].node = BOOT_NO_NODE;
}

/* ---- devices ---- */

static bool address_aligned(const struct fdt *f, const struct fdt_node *n, u64 at)
{
	if (at && at % REGISTER_ALIGN == 0)
		return true;
	boot_note(f->bi, "device tree: %s: registers at 0x%lx, expected a multiple of %u, ignored",
		  fdt_name(f, n).text, at, REGISTER_ALIGN);
	return false;
}

static void read_psci(const struct fdt *f, const struct fdt_node *n)
{
	enum boot_psci conduit = BOOT_PSCI_NONE;
	struct fdt_prop p;
	u32 cpu_on = 0;

	if (f->bi->dev.psci != BOOT_PSCI_NONE || !fdt_is_okay(f, n))
		return;
	if (fdt_get_prop(f, n, "method", &p))
		conduit = fdt_prop_is(&p, "hvc")   ? BOOT_PSCI_HVC
			  : fdt_prop_is(&p, "smc") ? BOOT_PSCI_SMC
						   : BOOT_PSCI_NONE;
	if (conduit == BOOT_PSCI_NONE) {
		boot_note(f->bi, "device tree: %s: expected method hvc or smc, not used",
			  fdt_name(f, n).text);
		return;
	}
	if (!fdt_is_compatible(f, n, "arm,psci-0.2") && !fdt_is_compatible(f, n, "arm,psci-1.0") &&
	    (!fdt_get_u32(f, n, "cpu_on", &cpu_on) || cpu_on != PSCI_CPU_ON)) {
		boot_note(f->bi, "device tree: %s: PSCI 0.1 with cpu_on 0x%x, expected 0x%x, not used",
			  fdt_name(f, n).text, cpu_on, PSCI_CPU_ON);
		return;
	}
	f->bi->dev.psci = conduit;
}

/* Needs the registers of distributor and CPU interface; without one of them the GIC is not used. */
static bool read_gic2(const struct fdt *f, const struct fdt_node *n, struct boot_devices *dev)
{
	u64 dist, cpu, size;

	if (!fdt_cpu_reg(f, n, "reg", 0, &dist, &size) || !fdt_cpu_reg(f, n, "reg", 1, &cpu, &size) ||
	    !address_aligned(f, n, dist) || !address_aligned(f, n, cpu))
		return false;
	dev->gic_version = 2;
	dev->gicd = dist;
	dev->gicc = cpu;
	return true;
}

static bool read_gic3(const struct fdt *f, const struct fdt_node *n, struct boot_devices *dev)
{
	u64 dist, start, size, stride = 0;
	struct fdt_prop p;
	u32 regions = 1;

	if (fdt_get_prop(f, n, "redistributor-stride", &p))
		stride = p.len == 4 || p.len == 8 ? fdt_cells(p.data, p.len / 4) : ~0UL;
	if (stride && stride != GICR_STRIDE) {
		boot_note(f->bi, "device tree: %s: redistributor-stride 0x%lx, expected 0x%x",
			  fdt_name(f, n).text, stride, GICR_STRIDE);
		return false;
	}
	if (!fdt_cpu_reg(f, n, "reg", 0, &dist, &size) || !address_aligned(f, n, dist))
		return false;
	fdt_get_u32(f, n, "#redistributor-regions", &regions);
	for (u32 i = 0; i < regions && fdt_cpu_reg(f, n, "reg", 1 + i, &start, &size); i++) {
		if (dev->nr_gicr == BOOT_MAX_GICR) {
			boot_note(f->bi, "device tree: %s: more than %u regions of redistributors, ignored",
				  fdt_name(f, n).text, BOOT_MAX_GICR);
			break;
		}
		if (address_aligned(f, n, start))
			dev->gicr[dev->nr_gicr++] = (struct boot_gicr){start, size};
	}
	if (!dev->nr_gicr)
		return false;
	dev->gic_version = 3;
	dev->gicd = dist;
	return true;
}

static void read_gic(struct machine *m, const struct fdt_node *n, unsigned version)
{
	const struct fdt *f = &m->f;

	if (!fdt_is_okay(f, n))
		return;
	if (m->gic)
		boot_note(f->bi, "device tree: %s: a second GIC, not used", fdt_name(f, n).text);
	else if (version == 2 ? read_gic2(f, n, &f->bi->dev) : read_gic3(f, n, &f->bi->dev))
		m->gic = fdt_at(n);
	else
		boot_note(f->bi, "device tree: %s: not used, expected registers of a GIC version %u",
			  fdt_name(f, n).text, version);
}

static void read_timer(const struct machine *m)
{
	const struct fdt *f = &m->f;
	struct fdt_prop names;
	int i = TIMER_VIRTUAL;
	struct fdt_node n;

	if (!m->timer || !fdt_node_at(f, m->timer, &n))
		return;
	if (fdt_get_prop(f, &n, "interrupt-names", &names))
		i = fdt_list_index(&names, "virt");
	if (i < 0 || i >= TIMER_IRQS_MAX)
		boot_note(f->bi, "device tree: %s: no interrupt named virt", fdt_name(f, &n).text);
	else
		f->bi->dev.timer_irq = fdt_gic_irq(f, &n, (unsigned)i, m->gic);
}

/* ---- chosen ---- */

/* Finds the node of "/path:options" or "alias:options". */
static bool find_console(const struct machine *m, struct fdt_prop text, struct fdt_node *out)
{
	const char *path = (const char *)text.data;
	size_t n = strnlen(path, text.len);
	const char *colon = memchr(path, ':', n);
	struct fdt_node aliases;
	char alias[32];

	if (colon)
		n = (size_t)(colon - path);
	if (n && *path != '/') {
		if (!m->aliases || n >= sizeof(alias) || !fdt_node_at(&m->f, m->aliases, &aliases))
			return false;
		memcpy(alias, path, n);
		alias[n] = '\0';
		if (!fdt_get_prop(&m->f, &aliases, alias, &text))
			return false;
		path = (const char *)text.data;
		n = strnlen(path, text.len);
	}
	return n && fdt_find_path(&m->f, path, n, out);
}

/* If /chosen names another console, a PL011 in the tree has another purpose and is not used. */
static void choose_uart(struct machine *m, const struct fdt_node *chosen)
{
	const struct fdt *f = &m->f;
	struct fdt_node n;
	struct fdt_prop text;

	if (!fdt_get_prop(f, chosen, "stdout-path", &text) &&
	    !fdt_get_prop(f, chosen, "linux,stdout-path", &text))
		return;
	if (!find_console(m, text, &n) || !fdt_is_okay(f, &n)) {
		boot_note(f->bi, "device tree: stdout-path names no node that is there");
		return;
	}
	m->uart = fdt_is_compatible(f, &n, "arm,pl011") ? fdt_at(&n) : 0;
	if (!m->uart)
		boot_note(f->bi, "device tree: stdout-path names %s, which is no PL011",
			  fdt_name(f, &n).text);
}

static void read_uart(const struct machine *m)
{
	struct boot_devices *dev = &m->f.bi->dev;
	struct fdt_node n;
	u64 start, size;

	if (!m->uart || !fdt_node_at(&m->f, m->uart, &n) ||
	    !fdt_cpu_reg(&m->f, &n, "reg", 0, &start, &size) || !address_aligned(&m->f, &n, start))
		return;
	dev->uart = start;
	dev->uart_irq = fdt_gic_irq(&m->f, &n, 0, m->gic);
}

static bool chosen_address(const struct fdt *f, const struct fdt_node *chosen, const char *name, u64 *out)
{
	struct fdt_prop p;

	if (!fdt_get_prop(f, chosen, name, &p))
		return false;
	if (p.len == 4 || p.len == 8) {
		*out = fdt_cells(p.data, p.len / 4);
		return true;
	}
	boot_note(f->bi, "device tree: %s of %u bytes, expected 4 or 8", name, p.len);
	return false;
}

static void read_initrd(const struct fdt *f, const struct fdt_node *chosen)
{
	struct boot_info *bi = f->bi;
	u64 start, end;

	if (!chosen_address(f, chosen, "linux,initrd-start", &start) ||
	    !chosen_address(f, chosen, "linux,initrd-end", &end))
		return;
	if (end <= start || bi->nr_modules == BOOT_MAX_MODULES) {
		boot_note(bi, "device tree: initrd from 0x%lx to 0x%lx, ignored", start, end);
		return;
	}
	bi->module[bi->nr_modules++] = (struct boot_module){.start = start, .end = end, .name = "initrd"};
}

/* A kernel that runs beside a crashed one may use this range only. */
static void limit_memory(const struct fdt *f, const struct fdt_node *chosen)
{
	static const char name[] = "linux,usable-memory-range";
	struct boot_info *bi = f->bi;
	u64 start, size, start2, size2;

	if (!fdt_reg(f, chosen, name, 0, &start, &size))
		return;
	if (fdt_reg(f, chosen, name, 1, &start2, &size2))
		boot_note(bi, "device tree: %s has more than one range, the first is used", name);
	if (bi->nr_edits > BOOT_MAX_EDITS - 2) {
		boot_note(bi, "device tree: no room for %s", name);
		return;
	}
	bi->edit[bi->nr_edits++] = (struct boot_edit){0, start, MEM_USABLE, MEM_RESERVED};
	bi->edit[bi->nr_edits++] = (struct boot_edit){start + size < start ? ~0UL : start + size, ~0UL,
						      MEM_USABLE, MEM_RESERVED};
}

static void read_chosen(struct machine *m)
{
	const struct fdt *f = &m->f;
	struct fdt_node n;
	struct fdt_prop p;

	if (!m->chosen || !fdt_node_at(f, m->chosen, &n))
		return;
	/* A command line from UEFI's loader has precedence. */
	if (!*f->bi->cmdline && fdt_get_prop(f, &n, "bootargs", &p) &&
	    !boot_copy_text(f->bi->cmdline, sizeof(f->bi->cmdline), (const char *)p.data, p.len))
		boot_note(f->bi, "device tree: the command line is cut after %d bytes",
			  BOOT_CMDLINE_SIZE - 1);
	read_initrd(f, &n);
	limit_memory(f, &n);
	choose_uart(m, &n);
}

/* ---- the pass ---- */

/* Reads nodes that are identified by their place in the tree. */
static void see_place(struct machine *m, const struct fdt_node *n)
{
	const struct fdt *f = &m->f;
	const struct fdt_level *self = &n->level[n->depth], *parent = &n->level[n->depth - 1];
	struct fdt_prop p;

	if (n->depth == 1) {
		if (fdt_get_prop(f, n, "device_type", &p) && fdt_prop_is(&p, "memory"))
			read_memory(m, n);
		else if (fdt_is_named(f, self, "chosen"))
			m->chosen = fdt_at(n);
		else if (fdt_is_named(f, self, "aliases"))
			m->aliases = fdt_at(n);
	} else if (n->depth == 2) {
		if (fdt_is_named(f, parent, "cpus"))
			read_cpu(m, n);
		else if (fdt_is_named(f, parent, "reserved-memory"))
			read_reserved(f, n);
	}
}

static bool lists_any(const struct fdt_prop *list, const char *const name[], unsigned nr)
{
	for (unsigned i = 0; i < nr; i++)
		if (fdt_list_index(list, name[i]) >= 0)
			return true;
	return false;
}

/* Reads nodes that are identified by `compatible`. */
static void see_device(struct machine *m, const struct fdt_node *n)
{
	static const char *const psci[] = {"arm,psci", "arm,psci-0.2", "arm,psci-1.0"};
	static const char *const gic2[] = {"arm,gic-400", "arm,cortex-a15-gic", "arm,cortex-a9-gic",
					   "arm,cortex-a7-gic"};
	const struct fdt *f = &m->f;
	struct fdt_prop what;

	if (!fdt_get_prop(f, n, "compatible", &what))
		return;
	if (lists_any(&what, psci, ARRAY_SIZE(psci)))
		read_psci(f, n);
	if (fdt_list_index(&what, "arm,gic-v3") >= 0)
		read_gic(m, n, 3);
	else if (lists_any(&what, gic2, ARRAY_SIZE(gic2)))
		read_gic(m, n, 2);
	if (!m->timer && fdt_list_index(&what, "arm,armv8-timer") >= 0 && fdt_is_okay(f, n))
		m->timer = fdt_at(n);
	if (!m->uart && fdt_list_index(&what, "arm,pl011") >= 0 && fdt_is_okay(f, n))
		m->uart = fdt_at(n);
	if (!m->distances && fdt_list_index(&what, "numa-distance-map-v1") >= 0)
		m->distances = fdt_at(n);
}

int fdt_parse(const void *fdt, size_t len, u64 fdt_pa, struct boot_info *bi)
{
	struct machine m = {.map_known = bi->nr_ranges != 0};
	struct fdt_walk w = {};

	if (!bi->protocol)
		bi->protocol = "device tree";
	if (!fdt_open(&m.f, fdt, len, bi))
		return -EINVAL;
	bi->fdt_start = fdt_pa;
	bi->fdt_end = fdt_pa + m.f.total;
	read_reservations(&m.f);
	while (fdt_next(&m.f, &w)) {
		if (!w.node.depth)
			continue;
		see_place(&m, &w.node);
		see_device(&m, &w.node);
	}
	read_chosen(&m);
	check_cpus(&m);
	read_nodes(&m);
	read_timer(&m);
	read_uart(&m);
	if (!bi->nr_ranges)
		boot_note(bi, "device tree: no memory");
	return 0;
}
