/*
 * main.c - the order in which the kernel comes up.
 *
 * Idea.       One line for each layer. A layer uses only what the lines above it have initialised. After
 *             arch_console_init() and arch_trap_init() a panic, a fault or a message may come at any time.
 * Layout.     kmain() runs on the boot stack, on CPU 0, with interrupts off until the interrupt controller is
 *             ready; it ends in the main loop.
 * Invariants. Per-CPU variables work from the first instruction: until percpu_init() CPU 0 uses the templates.
 * Locking.    Locks are taken although no other CPU runs yet.
 * Failure.    A layer that cannot be initialised panics.
 * Next:       mm/memblock.c for the way from the firmware's map to pages, or shell/shell.c for the main loop.
 */

#include <arch/console.h>
#include <arch/cpu.h>
#include <arch/irq.h>
#include <arch/time.h>
#include <kernel/address.h>
#include <kernel/bench.h>
#include <kernel/bug.h>
#include <kernel/cmdline.h>
#include <kernel/cpus.h>
#include <kernel/fault.h>
#include <kernel/bootinfo.h>
#include <mm/percpu.h>
#include <kernel/printk.h>
#include <kernel/random.h>
#include <kernel/shell.h>
#include <kernel/smp.h>
#include <kernel/string.h>
#include <mm/init.h>
#include <mm/memblock.h>
#include <mm/numa.h>
#include <mm/pgtable.h>
#include <mm/vmalloc.h>
#include <mm/slab.h>

/* Logs the boot code's notes, which were written before there was a console. Later notes are logged by their writers. */
static void print_notes(struct boot_info *bi)
{
	char *line = bi->notes, *end;

	while ((end = strchr(line, '\n')) != NULL) {
		*end = '\0';
		pr_warn("boot: %s\n", line);
		line = end + 1;
	}
	if (bi->notes_lost)
		pr_warn("boot: %u more of these had no room\n", bi->notes_lost);
	bi->notes_lost = 0;
	bi->notes_len = 0;
	bi->notes[0] = '\0';
}

static int map_device(vaddr_t va, paddr_t pa)
{
	return pt_map(va, pa, PAGE_SIZE, PT_RW | PT_DEVICE, 0, GFP_KERNEL);
}

void kmain(struct boot_info *bi)
{
	panic_set_describe(address_describe);
	boot_mark("start");
	arch_console_init();
	arch_trap_init(); /* from here on each fault is reported */
	arch_time_init(); /* from here on log lines have time stamps */
	pr_info("Strata, %s%s%s, %s\n", bi->protocol, bi->loader[0] ? " by " : "", bi->loader,
		arch_cpu_name());
	cmdline_init(bi);
	random_init(); /* one seed for all random choices of this boot */
	boot_mark("log");
	memblock_init(bi);  /* finds RAM and reserved memory; first allocations */
	boot_cpus_init(bi); /* reads firmware's list of CPUs */
	smp_prepare();	    /* allocates the page that other CPUs start at */
	numa_init(bi);	    /* nodes, distances, fallback order */
	print_notes(bi);
	boot_mark("map");
	pgtable_init(bi);	/* final direct map and W^X image; table pages must lie in the early map */
	memblock_prove_added(); /* tests that memory from memmap= exists */
	boot_mark("tables");
	percpu_init(); /* areas of all possible CPUs, each on its node */
	page_init(bi); /* the page array's address range; what opening its sections will need */
	zone_init();   /* from here on the buddy owns every free page */
	pcp_init();    /* per-CPU page lists */
	boot_mark("pages");
	slab_init(); /* the cache of caches, then the kmalloc sizes */
	boot_mark("slab");
	vmalloc_init(); /* the ranges of the window */
	boot_mark("vmalloc");
	arch_irq_init(map_device);
	boot_mark("irq");
	smp_init(); /* the other CPUs enter their main loops */
	boot_mark("smp");
	fault_start(); /* fault injection starts after the kernel has its memory */
	boot_done = true;
	shell_main(); /* CPU 0's main loop: cmd=, tests, the shell */
}
