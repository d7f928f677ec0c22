/*
 * main.c - the order in which the kernel comes up.
 *
 * Idea.       One line a layer, each calling only what the lines above have made usable. The first panic, fault or
 *             print may come any time after the console is there.
 * Layout.     kmain() runs on the boot stack, on CPU 0, with interrupts off until the interrupt controller is
 *             ready; it ends in the main loop.
 * Invariants. Per-CPU variables work from the first instruction: until percpu_init() the templates serve CPU 0.
 * Locking.    None needed before other CPUs run; locks are taken all the same.
 * Failure.    A layer that cannot come up panics.
 * Next:       mm/memblock.c for the way from the firmware's map to pages, or shell.c for what runs afterwards.
 */

#include <arch/console.h>
#include <arch/cpu.h>
#include <kernel/main.h>

void kmain(struct boot_info *bi)
{
	(void)bi;
	arch_console_init();
	for (const char *s = "Strata\r\n"; *s; s++)
		arch_putc(*s);
	arch_poweroff(0);
}
