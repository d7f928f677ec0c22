/*
 * main.c - the order in which the kernel comes up.
 *
 * Idea.       One line a layer, each calling only what the lines above have made usable. The first panic,
 *             fault or print may come any time after the console is there.
 * Layout.     kmain() runs on the boot stack, on CPU 0, with interrupts off until the interrupt controller is
 *             ready; it ends in the main loop.
 * Invariants. Per-CPU variables work from the first instruction: until percpu_init() the templates serve CPU
 *             0.
 * Locking.    None needed before other CPUs run; locks are taken all the same.
 * Failure.    A layer that cannot come up panics.
 * Next:       mm/memblock.c for the way from the firmware's map to pages, or shell.c for what runs
 *             afterwards.
 */

#include <arch/console.h>
#include <arch/cpu.h>
#include <arch/irq.h>
#include <arch/time.h>
#include <kernel/bench.h>
#include <kernel/cmdline.h>
#include <kernel/cpus.h>
#include <kernel/fault.h>
#include <kernel/main.h>
#include <kernel/percpu.h>
#include <kernel/printk.h>
#include <kernel/random.h>
#include <kernel/shell.h>
#include <kernel/smp.h>
#include <kernel/string.h>
#include <mm/internal.h>
#include <mm/pgtable.h>
#include <mm/vmalloc.h>
#include <mm/slab.h>

/* What the boot code found odd, before there was a console. Later notes come from those who write them. */
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
	boot_mark("start");
	arch_console_init();
	arch_trap_init(); /* from here every fault has a report; the early map reaches tables and map */
	arch_time_init(); /* the log has time stamps */
	pr_info("Strata, %s%s%s, %s\n", bi->protocol, bi->loader[0] ? " by " : "", bi->loader,
		arch_cpu_name());
	cmdline_init(bi);
	random_init(); /* one seed for every random choice of this boot */
	boot_mark("log");
	memblock_init(bi); /* what RAM there is, what is taken; first allocations */
	cpus_init(bi);	   /* which CPUs firmware names */
	smp_prepare();	   /* where they begin */
	numa_init(bi);	   /* nodes, distances, fallback order */
	print_notes(bi);
	boot_mark("map");
	pgtable_init(
		bi); /* final direct map and W^X image; table pages only from what the early map covers */
	memblock_prove_added(); /* what memmap= says there is */
	boot_mark("tables");
	percpu_init(); /* areas of all possible CPUs, each on its node */
	page_init(bi); /* the page array's address range; what opening its sections will need */
	zone_init();   /* memblock hands over; the buddy owns every free page from here */
	pcp_init();    /* per-CPU lists on top */
	boot_mark("pages");
	slab_init(); /* the cache of caches bootstraps itself, then kmalloc sizes */
	boot_mark("slab");
	vmalloc_init(); /* the window's ranges */
	boot_mark("vmalloc");
	arch_irq_init(map_device);
	boot_mark("irq");
	smp_init(); /* the other CPUs enter their main loops */
	boot_mark("smp");
	fault_start(); /* failslab= and the like spare what the kernel needs to come up */
	boot_done = true;
	shell_main(); /* CPU 0's main loop: cmd=, tests, the shell */
}
