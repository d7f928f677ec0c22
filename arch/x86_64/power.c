/*
 * power.c - ways to end: exit with a status, reset, halt.
 *
 * Idea.       Each way is tried in turn. A way that this machine lacks has no effect.
 * Layout.     Power-off: isa-debug-exit at 0xf4 (QEMU ends with (value << 1) | 1), then the ACPI power-off register of
 *             QEMU's q35 and pc, Bochs and VirtualBox. Reset: 0xcf9, keyboard controller, triple fault.
 * Invariants. arch_halt(), arch_poweroff() and arch_reboot() do not return.
 * Locking.    None; interrupts are off.
 * Failure.    If no way works, the CPU halts with interrupts off.
 * Next:       kernel/base/panic.c, the most frequent caller.
 */

#include <arch/cpu.h>
#include <arch/irq.h>
#include <arch_impl/x86.h>

enum {
	DEBUG_EXIT_PORT = 0xf4,
	DEBUG_EXIT_BASE = 0x10, /* added so that no status equals one of QEMU's own */
	ACPI_SLEEP = 1 << 13,	/* SLP_EN with SLP_TYP 0, the S5 state of these machines */
};

static const u16 acpi_pm1_control[] = {0x604, 0xb004, 0x4004};

void arch_halt(void)
{
	for (;;)
		__asm__ volatile("cli; hlt" ::: "memory");
}

void arch_poweroff(unsigned status)
{
	arch_irq_disable();
	x86_outl(DEBUG_EXIT_PORT, status + DEBUG_EXIT_BASE);
	for (unsigned i = 0; i < ARRAY_SIZE(acpi_pm1_control); i++)
		x86_outw(acpi_pm1_control[i], ACPI_SLEEP);
	arch_halt();
}

/* Without an interrupt table the first exception becomes a triple fault, which resets the machine. */
void arch_crash_reset(void)
{
	static const struct {
		u16 limit;
		u64 base;
	} __packed no_idt;

	__asm__ volatile("lidt %0; int3" ::"m"(no_idt));
}

void arch_crash_double_fault(void)
{
	__asm__ volatile("xorl %%esp, %%esp; pushq $0" ::: "memory");
}

void arch_reboot(void)
{
	arch_irq_disable();
	x86_outb(0xcf9, 0x02);
	x86_outb(0xcf9, 0x06);
	x86_outb(0x64, 0xfe);
	for (unsigned n = 1000; n; n--)
		x86_inb(0x80); /* about a microsecond each */
	arch_crash_reset();
	arch_halt();
}
