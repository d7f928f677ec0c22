/*
 * main.c - starts the machine inside a process.
 *
 * Idea.       As a boot loader does, it puts the memory map and the command line into a struct boot_info and the image into
 *             memory, and starts a CPU at kmain().
 * Layout.     options.c parses the arguments; machine.c turns them into a boot_info.
 * Invariants. No kernel code runs before the image has moved (phys.c).
 * Locking.    None: one thread, which waits once the CPU's thread runs.
 * Failure.    If no thread can be created: a message and status 1.
 * Next:       options.c, then kernel/main.c.
 */
#include "host_internal.h"
#include <arch/pt.h>
#include <arch_impl/run.h>
#include <arch_impl/stack.h>
#include <kernel/bootinfo.h>
#include <kernel/printk.h>

struct host_layout host_layout;

static struct boot_info boot_info;

static void cpu(void *bi)
{
	kmain(bi);
}

int host_main(char **argv)
{
	struct host_options o = host_parse_options(argv);

	host_argv = argv;
	host_layout.levels = (unsigned)o.levels;
	host_machine(&boot_info, &o);
	host_san_init();
	host_console_setup(o.commands ? HOST_LOG_TO_STDERR : HOST_ONE_STREAM);
	host_phys_init(&boot_info);
	console_eol = "\n";
	if (host_cpu_run(0, &host_stacks, cpu, &boot_info))
		host_die("strata: cannot start the CPU's thread\n");
	host_cpu_join(0);
	return 0;
}

/* Weak: the fuzzers' binary has its own main(), which calls host_main(), too. */
__attribute__((weak)) int main(int argc, char **argv)
{
	(void)argc;
	return host_main(argv);
}
