/*
 * power.c - ways to end: exit with a status, reset, halt.
 *
 * Idea.       Each way is tried in turn. A way that this machine lacks has no effect.
 * Layout.     First the semihosting exit with a status, for a debugger or an emulator; then PSCI, which takes no status.
 * Invariants. No function of this file returns, except semihosting_exit() if nothing answers.
 * Locking.    None; interrupts are off.
 * Failure.    If no way works, the CPU halts with all interrupts off.
 * Source.     Arm "Semihosting for AArch32 and AArch64", SYS_EXIT_EXTENDED.
 * Next:       kernel/base/panic.c, the most frequent caller.
 */

#include "a64_internal.h"
#include <arch/irq.h>
#include <arch_impl/extable.h>

enum {
	SYS_EXIT_EXTENDED = 0x20,
	APPLICATION_EXIT = 0x20026, /* the reason code: a status follows */
	EXIT_BASE = 0x10,	    /* added, as on a PC, so that no status equals one of QEMU's own */
};

void arch_halt(void)
{
	for (;;)
		__asm__ volatile("msr daifset, #15; wfi" ::: "memory");
}

/* Without a debugger or emulator the instruction is undefined; the exception table then continues after it. */
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

/* Sets SP_EL1 to 0. trap.S detects that the exception stack is unusable and switches to the overflow stack. */
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
