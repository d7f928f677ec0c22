/*
 * main.c - the machine's front panel: options, memory, then the CPU.
 *
 * Idea.       What a boot loader does on a machine: the memory map and the command line go into a struct boot_info, the
 *             image into memory, and a CPU starts at kmain().
 * Layout.     --mem gives the map of a small PC: 640 KiB, what is above 1 MiB up to 3 GiB, the rest from 4 GiB on.
 * Invariants. Nothing of the kernel runs before its image has moved (phys.c).
 * Locking.    None: one thread, until it only waits for the other.
 * Failure.    A wrong option: what was expected, on standard error, and status 1.
 * Next:       kernel/main.c.
 */
#include <pthread.h>
#include <unistd.h>

#include "host_internal.h"
#include <arch/pt.h>
#include <arch_impl/stack.h>
#include <boot.h>
#include <kernel/bits.h>
#include <kernel/main.h>
#include <kernel/printk.h>
#include <kernel/string.h>

struct host_layout host_layout;

static struct boot_info boot_info;

static const char usage[] =
	"usage: strata [OPTION...] [-- CMDLINE...]\n"
	"  --mem SIZE         physical memory, 16M to 4T (default 1G)\n"
	"  --cpus N           CPUs: 1\n"
	"  --nodes N          NUMA nodes: 1\n"
	"  --levels N         4 or 5 levels of page tables (default 5)\n"
	"  -c \"COMMANDS\"      run these shell commands and end; their output is the only standard output\n"
	"  -- CMDLINE...      the kernel's command line, as in: strata -- test\n"
	"status: 0 all well, 1 a command, a test or the input failed, 2 panic\n";

struct options {
	u64 mem, levels;
	const char *commands;
	char **cmdline;
};

static void write_out(const char *s)
{
	if (write(STDOUT_FILENO, s, strlen(s)) < 0)
		_exit(1);
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

static struct options parse_options(char **argv)
{
	struct options o = {.mem = GIB(1), .levels = 5};

	while (*++argv) {
		const char *word = *argv;

		if (strcmp(word, "--") == 0) {
			o.cmdline = argv + 1;
			break;
		}
		if (strcmp(word, "--help") == 0) {
			write_out(usage);
			_exit(0);
		}
		if (strcmp(word, "--mem") == 0)
			o.mem = number(&argv, MIB(16), TIB(4) - GIB(2), "a size from 16M to 4094G");
		else if (strcmp(word, "--cpus") == 0)
			number(&argv, 1, 1, "1: this build runs one CPU");
		else if (strcmp(word, "--nodes") == 0)
			number(&argv, 1, 1, "1: this build has one node");
		else if (strcmp(word, "--levels") == 0)
			o.levels = number(&argv, 4, 5, "4 or 5");
		else if (strcmp(word, "-c") == 0)
			o.commands = argument(&argv, "shell commands");
		else
			host_die("strata: %s: no such option\n%s", word, usage);
	}
	if (o.commands && strchr(o.commands, '"'))
		host_die("strata: -c %s: expected commands without a double quote\n", o.commands);
	return o;
}

/* ---- what the loader says ---- */

static void append(struct boot_info *bi, const char *text)
{
	size_t len = strlen(bi->cmdline);

	if (strlen(text) >= sizeof(bi->cmdline) - len)
		host_die("strata: the command line is too long, expected at most %zu bytes\n",
			 sizeof(bi->cmdline) - 1);
	strlcpy(bi->cmdline + len, text, sizeof(bi->cmdline) - len);
}

static void make_cmdline(struct boot_info *bi, const struct options *o)
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
	const u64 low_end = GIB(3);

	boot_add_range(bi, 0, KIB(640), MEM_USABLE, 0);
	boot_add_range(bi, KIB(640), KIB(384), MEM_RESERVED, 0);
	boot_add_range(bi, MIB(1), min(mem, low_end) - MIB(1), MEM_USABLE, 0);
	if (mem > low_end)
		boot_add_range(bi, GIB(4), mem - low_end, MEM_USABLE, 0);
	bi->hole_start = KIB(640);
	bi->hole_end = MIB(1);
}

/* There are no firmware tables: no address has anything to read. */
static const void *no_tables(const struct boot_mem *mem, u64 pa, u64 len)
{
	(void)mem;
	(void)pa;
	(void)len;
	return NULL;
}

const struct boot_mem boot_early_mem = {.at = no_tables};

static void *cpu(void *bi)
{
	kmain(bi);
	return NULL;
}

int main(int argc, char **argv)
{
	struct options o = parse_options(argv);
	pthread_attr_t attr;
	pthread_t thread;

	(void)argc;
	host_argv = argv;
	host_layout.levels = (unsigned)o.levels;
	boot_info.protocol = "host";
	make_map(&boot_info, o.mem);
	make_cmdline(&boot_info, &o);
	host_console_setup(o.commands ? HOST_LOG_TO_STDERR : HOST_ONE_STREAM);
	host_phys_init(&boot_info);
	console_eol = "\n";
	if (pthread_attr_init(&attr) ||
	    pthread_attr_setstack(&attr, host_stacks.boot, sizeof(host_stacks.boot)) ||
	    pthread_create(&thread, &attr, cpu, &boot_info))
		host_die("strata: cannot start the CPU's thread\n");
	pthread_join(thread, NULL);
	return 0;
}
