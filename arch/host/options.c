/*
 * options.c - parses and checks the arguments of the process.
 *
 * Idea.       A loop over the words; each option checks its own value. Parsing has no other effect.
 * Layout.     struct host_options, host_internal.h
 * Invariants. Each value in the structure lies within the limits of the usage text.
 * Locking.    None: one thread.
 * Failure.    A wrong option ends the process with status 1. The message on standard error names the expected values.
 * Next:       machine.c.
 */
#include <unistd.h>

#include "host_internal.h"
#include <arch/cpu.h>
#include <arch/layout.h>
#include <kernel/bits.h>
#include <kernel/string.h>

#define MEM_MIN MIB(16)
#if HOST_DIRECT_MAP_GIB > 4096
#define MEM_MAX (TIB(64) - GIB(2))
#define MEM_MAX_TEXT "65534G"
#else /* a sanitizer's build */
#define MEM_MAX (TIB(4) - GIB(2))
#define MEM_MAX_TEXT "4094G"
#endif
#define MEM_EXPECTED "from 16M to " MEM_MAX_TEXT
#define NODES_EXPECTED "a number from 1 to 8, or a word SIZE:CPUS for each node"
#define LEVELS_EXPECTED "4 or 5, with pages of 16 KiB 4, with pages of 64 KiB 3"

static const char usage[] =
	"usage: strata [OPTION...] [-- CMDLINE...]\n"
	"  --mem SIZE         physical memory, 16M to " MEM_MAX_TEXT " (default 1G)\n"
	"  --map FILE         the memory map of a real machine, a .map file (tests/memmaps/README.md)\n"
	"  --dmesg FILE       the same from a saved Linux boot log\n"
	"  --fdt FILE         memory, nodes and CPUs of a flattened device tree (.dtb)\n"
	"  --cpus N           CPUs, 1 to 64 (default 2)\n"
	"  --nodes N          NUMA nodes, 1 to 8, with equal parts of the memory (default 1)\n"
	"  --nodes \"WORD...\"  a word for each node: SIZE, SIZE:CPUS or SIZE:CPUS:DISTANCES, as in\n"
	"                     \"256M:0-1:10/20 0:2:20/10\"; SIZE may be 0\n"
	"  --levels N         levels of page tables: " LEVELS_EXPECTED " (default the most)\n"
	"  -c \"COMMANDS\"      run these shell commands and end; their output is the only standard output\n"
	"  -- CMDLINE...      the kernel's command line, as in: strata -- test\n"
	"status: 0 all well, 1 a command, a test or the input failed, 2 panic\n";

static void write_out(const char *s)
{
	if (write(STDOUT_FILENO, s, strlen(s)) < 0)
		host_exit(1);
}

static const char *argument(char ***argv, const char *expected)
{
	const char *option = **argv, *value = *++*argv;

	if (!value)
		host_die("strata: %s: expected %s behind it\n", option, expected);
	return value;
}

static u64 number(char ***argv, u64 least, u64 most, const char *expected)
{
	const char *option = **argv, *text = argument(argv, expected);
	u64 n;

	if (parse_size(text, &n) || n < least || n > most)
		host_die("strata: %s %s: expected %s\n", option, text, expected);
	return n;
}

/* Accepts a number of equal nodes, or a word for each node. A bare number is always a number of nodes. */
static void take_nodes(char ***argv, struct host_options *o)
{
	const char *text = argument(argv, NODES_EXPECTED);
	u64 nr;

	if (parse_u64(text, &nr) == 0) {
		if (nr < 1 || nr > HOST_MAX_NODES)
			host_die("strata: --nodes %s: expected %s\n", text, NODES_EXPECTED);
		o->equal_nodes = nr;
		return;
	}
	host_parse_nodes(text, &o->nodes);
	if (!o->nodes.nr)
		host_die("strata: --nodes: expected %s\n", NODES_EXPECTED);
}

/* The memory must be described once only. A file also describes its nodes; a device tree also its CPUs. */
static void check_memory(struct host_options *o)
{
	const char *file = o->map ? "--map" : o->dmesg ? "--dmesg" : o->fdt ? "--fdt" : NULL;

	if (!!o->map + !!o->dmesg + !!o->fdt > 1)
		host_die("strata: --map, --dmesg and --fdt: expected one of them\n");
	if (o->mem && o->nodes.nr)
		host_die("strata: --mem with a size for each node: expected one of them\n");
	if (o->nodes.nr)
		o->mem = o->nodes.bytes;
	if (o->nodes.nr && (o->mem < MEM_MIN || o->mem > MEM_MAX))
		host_die("strata: --nodes: expected sizes that add up to " MEM_EXPECTED "\n");
	if (file && (o->mem || o->equal_nodes || o->nodes.nr))
		host_die("strata: %s with %s: expected one of them, the file says what memory there is\n",
			 file, o->mem ? "--mem" : "--nodes");
	if (o->fdt && o->cpus)
		host_die("strata: --fdt with --cpus: expected one of them, the file says which CPUs there "
			 "are\n");
	o->mem = o->mem ? o->mem : GIB(1);
	o->equal_nodes = o->equal_nodes ? o->equal_nodes : 1;
	o->cpus = o->cpus ? o->cpus : 2;
}

struct host_options host_parse_options(char **argv)
{
	struct host_options o = {.levels = ARCH_PT_MAX_LEVELS};

	while (*++argv) {
		const char *word = *argv;

		if (strcmp(word, "--") == 0) {
			o.cmdline = argv + 1;
			break;
		}
		if (strcmp(word, "--help") == 0) {
			write_out(usage);
			host_exit(0);
		}
		if (strcmp(word, "--map") == 0)
			o.map = argument(&argv, "the name of a .map file");
		else if (strcmp(word, "--dmesg") == 0)
			o.dmesg = argument(&argv, "the name of a Linux boot log");
		else if (strcmp(word, "--fdt") == 0)
			o.fdt = argument(&argv, "the name of a .dtb file");
		else if (strcmp(word, "--mem") == 0)
			o.mem = number(&argv, MEM_MIN, MEM_MAX, "a size " MEM_EXPECTED);
		else if (strcmp(word, "--cpus") == 0)
			o.cpus = number(&argv, 1, HOST_MAX_CPUS, "a number from 1 to 64");
		else if (strcmp(word, "--nodes") == 0)
			take_nodes(&argv, &o);
		else if (strcmp(word, "--levels") == 0)
			o.levels = number(&argv, HOST_PT_MIN_LEVELS, ARCH_PT_MAX_LEVELS, LEVELS_EXPECTED);
		else if (strcmp(word, "-c") == 0)
			o.commands = argument(&argv, "shell commands");
		else
			host_die("strata: %s: no such option\n%s", word, usage);
	}
	check_memory(&o);
	if (o.equal_nodes > 1 && o.equal_nodes > o.mem / (4 * HOST_BLOCK))
		host_die("strata: --nodes %lu: expected at most one node for each %luM of memory\n",
			 o.equal_nodes, 4 * HOST_BLOCK >> 20);
	if (o.commands && strchr(o.commands, '"'))
		host_die("strata: -c %s: expected commands without a double quote\n", o.commands);
	return o;
}
