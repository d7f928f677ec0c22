/*
 * machine.c - turns the options into the boot_info that a boot loader would pass.
 *
 * Idea.       The memory map, the CPUs and the command line go into one struct boot_info. There are no firmware tables.
 * Layout.     --mem creates the map of a small PC: 640 KiB, memory from 1 MiB up to 3 GiB, the rest from 4 GiB on.
 *             --map and --dmesg read that of a real machine (boot/host/map.c, boot/host/dmesg.c). --fdt also reads CPUs
 *             (boot/fdt.c).
 * Invariants. CPUs are numbered from 0; CPU 0 boots.
 * Locking.    None: one thread.
 * Failure.    A command line that is too long, a file that cannot be read or parsed, or a map with too little memory ends
 *             the process with a message and status 1.
 * Next:       nodes.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host_internal.h"
#include <arch/cpu.h>
#include <arch/layout.h>
#include <boot.h>
#include <kernel/bits.h>
#include <kernel/string.h>

#define USABLE_MIN MIB(4)

static void append(struct boot_info *bi, const char *text)
{
	size_t len = strlen(bi->cmdline);

	if (strlen(text) >= sizeof(bi->cmdline) - len)
		host_die("strata: the command line is too long, expected at most %zu bytes\n",
			 sizeof(bi->cmdline) - 1);
	strlcpy(bi->cmdline + len, text, sizeof(bi->cmdline) - len);
}

static void make_cmdline(struct boot_info *bi, const struct host_options *o)
{
	for (char **word = o->cmdline; word && *word; word++) {
		append(bi, *bi->cmdline ? " " : "");
		append(bi, *word);
	}
	if (o->commands) {
		append(bi, *bi->cmdline ? " cmd=\"" : "cmd=\"");
		append(bi, o->commands);
		append(bi, "\" poweroff");
	}
}

static void make_map(struct boot_info *bi, u64 mem)
{
	boot_add_range(bi, 0, KIB(640), MEM_USABLE, 0);
	boot_add_range(bi, KIB(640), KIB(384), MEM_RESERVED, 0);
	boot_add_range(bi, MIB(1), min(mem, HOST_LOW_END) - MIB(1), MEM_USABLE, 0);
	if (mem > HOST_LOW_END)
		boot_add_range(bi, GIB(4), mem - HOST_LOW_END, MEM_USABLE, 0);
	boot_add_pc_edits(bi);
	bi->zones = (struct boot_zones){MIB(16), GIB(4), ~0UL};
}

enum { FILE_MAX = 64 << 20 };

/* Reads the whole file. The caller frees the result. */
static char *read_file(const char *name, size_t *len)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *text = NULL;

	if (fd < 0 || fstat(fd, &st))
		host_die("strata: %s: cannot be read: %s\n", name, strerror(errno));
	if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX)
		host_die("strata: %s: expected a regular file of at most 64M\n", name);
	text = malloc((size_t)st.st_size + 1);
	*len = 0;
	while (text && *len < (size_t)st.st_size) {
		ssize_t n = read(fd, text + *len, (size_t)st.st_size - *len);

		if (n < 0)
			host_die("strata: %s: cannot be read: %s\n", name, strerror(errno));
		if (n == 0)
			break;
		*len += (size_t)n;
	}
	if (!text)
		host_die("strata: %s: no memory for %lu bytes\n", name, (unsigned long)st.st_size);
	close(fd);
	return text;
}

static void check_usable(struct boot_info *bi, const char *name)
{
	u64 cursor = 0, start, end, usable = 0, above = 0;

	while (boot_next_usable(bi, &cursor, &start, &end)) {
		u64 low = min(end, DIRECT_MAP_SIZE);

		usable += low > start ? low - start : 0;
		above += end > DIRECT_MAP_SIZE ? end - max(start, DIRECT_MAP_SIZE) : 0;
	}
	if (usable >= USABLE_MIN)
		return;
	if (above)
		host_die("strata: %s: %lu KiB of usable memory below 0x%lx, %lu KiB above, expected at least "
			 "%lu "
			 "below\n",
			 name, (unsigned long)usable >> 10, DIRECT_MAP_SIZE, (unsigned long)above >> 10,
			 USABLE_MIN >> 10);
	host_die("strata: %s: %lu KiB of usable memory, expected at least %lu\n", name,
		 (unsigned long)usable >> 10, USABLE_MIN >> 10);
}

/* Notes the devices of the device tree in the boot log. The process has none of them. */
static void say_devices(struct boot_info *bi)
{
	static const char *const psci[] = {"none", "hvc", "smc"};
	const struct boot_devices *dev = &bi->dev;

	boot_note(bi, "devices, none of them here: PSCI %s, PL011 0x%lx irq %u, timer irq %u",
		  psci[dev->psci], dev->uart, dev->uart_irq, dev->timer_irq);
	boot_note(bi, "devices, none of them here: GIC version %u, GICD 0x%lx, GICC 0x%lx", dev->gic_version,
		  dev->gicd, dev->gicc);
	for (unsigned i = 0; i < dev->nr_gicr; i++)
		boot_note(bi, "devices, none of them here: GICR 0x%lx, +0x%lx", dev->gicr[i].start,
			  dev->gicr[i].size);
}

/* The first CPU boots; of the others the enabled ones run. They are renumbered from 0. */
static void take_cpus(struct boot_info *bi)
{
	unsigned nr = 0;

	for (unsigned i = 0; i < bi->nr_cpus && nr < HOST_MAX_CPUS; i++) {
		if (i && !bi->cpu[i].enabled)
			continue;
		bi->cpu[nr] = (struct boot_cpu){.hw_id = nr, .node = bi->cpu[i].node, .enabled = true};
		nr++;
	}
	bi->nr_cpus = nr;
}

static void take_fdt(const char *name, const char *blob, size_t len, struct boot_info *bi)
{
	if (fdt_parse(blob, len, 0, bi))
		host_die("strata: %s: %s", name, bi->notes);
	bi->fdt_start = bi->fdt_end = 0; /* the blob is not in this machine's memory */
	bi->zones = (struct boot_zones){GIB(4), GIB(4), ~0UL};
	take_cpus(bi);
	say_devices(bi);
}

static void read_map(struct boot_info *bi, const struct host_options *o)
{
	const char *name = o->map ? o->map : o->dmesg ? o->dmesg : o->fdt;
	char err[256];
	size_t len;
	char *text = read_file(name, &len);
	const char *zero = memchr(text, 0, len);

	if (zero && o->map)
		host_die("strata: %s: expected text, byte %lu is zero\n", name, (unsigned long)(zero - text));
	if (o->fdt)
		take_fdt(name, text, len, bi);
	else if ((o->map ? map_parse : dmesg_parse)(name, text, len, bi, err, sizeof(err)))
		host_die("strata: %s\n", err);
	free(text);
	strlcpy(bi->loader, strrchr(name, '/') ? strrchr(name, '/') + 1 : name, sizeof(bi->loader));
	check_usable(bi, name);
}

static bool has_memory(struct boot_info *bi, const struct boot_node_range *r)
{
	u64 cursor = r->start, start, end;

	return boot_next_usable(bi, &cursor, &start, &end) && start - r->start < r->size;
}

/* Distributes the CPUs over the nodes that have memory, in turn. */
static void make_cpus(struct boot_info *bi, unsigned cpus)
{
	static u32 nodes[BOOT_MAX_NODE_RANGES + 1];
	unsigned nr = 0;

	for (unsigned i = 0; i < bi->nr_node_ranges; i++) {
		bool seen = !has_memory(bi, &bi->node_range[i]);

		for (unsigned k = 0; k < nr; k++)
			seen |= nodes[k] == bi->node_range[i].node;
		if (!seen)
			nodes[nr++] = bi->node_range[i].node;
	}
	nr = max(nr, 1u);
	for (unsigned id = 0; id < cpus; id++)
		bi->cpu[id] = (struct boot_cpu){.hw_id = id, .node = nodes[id % nr], .enabled = true};
	bi->nr_cpus = cpus;
}

/* There are no firmware tables, so no address can be read. */
static const void *no_tables(const struct boot_mem *mem, u64 pa, u64 len)
{
	(void)mem;
	(void)pa;
	(void)len;
	return NULL;
}

const struct boot_mem boot_early_mem = {.at = no_tables};

void host_machine(struct boot_info *bi, const struct host_options *o)
{
	bi->protocol = "host";
	if (o->map || o->dmesg || o->fdt)
		read_map(bi, o);
	else
		make_map(bi, o->mem);
	if (o->equal_nodes > 1)
		host_make_equal_nodes(bi, (unsigned)o->equal_nodes);
	if (!bi->nr_cpus)
		make_cpus(bi, (unsigned)o->cpus);
	host_make_nodes(bi, &o->nodes);
	make_cmdline(bi, o);
}
