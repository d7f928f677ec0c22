/*
 * power.c - the ways to end: with a status, by a reset, or by standing still.
 *
 * Idea.       Each way is tried in turn; one that does not exist on this machine does nothing.
 * Layout.     Semihosting's exit with a code, as a debugger or an emulator takes it; then PSCI, which knows no status.
 * Invariants. Nothing here returns.
 * Locking.    None; interrupts are off.
 * Failure.    No way works: the CPU halts with all interrupts off.
 * Source.     Arm "Semihosting for AArch32 and AArch64", SYS_EXIT_EXTENDED.
 * Next:       kernel/panic.c, the most frequent caller.
 */

#include "a64_internal.h"
#include <arch/irq.h>
#include <arch_impl/extable.h>

enum {
	SYS_EXIT_EXTENDED = 0x20,
	APPLICATION_EXIT = 0x20026, /* the reason: what follows is a status */
	EXIT_BASE = 0x10,	    /* so that no status of ours looks like one of QEMU's own; as on a PC */
};

void arch_halt(void)
{
	for (;;)
		__asm__ volatile("msr daifset, #15; wfi" ::: "memory");
}

/* Where nobody listens the instruction is undefined, and we go on. */
static void semihosting_exit(u64 code)
{
	u64 block[2] = {APPLICATION_EXIT, code};
	register u64 x0 __asm__("x0") = SYS_EXIT_EXTENDED;
	register const u64 *x1 __asm__("x1") = block;

	__asm__ volatile("1:	hlt #0xf000\n"
			 "2:\n\t" EX_TABLE("1b", "2b")
			 : "+r"(x0)
			 : "r"(x1)
			 : "memory");
}

void arch_poweroff(unsigned status)
{
	arch_irq_disable();
	semihosting_exit((status + EXIT_BASE) << 1 | 1);
	a64_psci(A64_PSCI_SYSTEM_OFF, 0, 0, 0);
	arch_halt();
}

void arch_crash_reset(void)
{
	arch_reboot();
}

/* The exception stack is gone: trap.S sees it and takes the last one. */
void arch_crash_double_fault(void)
{
	__asm__ volatile("msr daifset, #15; msr spsel, #1; mov sp, %0; brk #0" ::"r"(0L) : "memory");
}

void arch_reboot(void)
{
	arch_irq_disable();
	a64_psci(A64_PSCI_SYSTEM_RESET, 0, 0, 0);
	arch_halt();
}
