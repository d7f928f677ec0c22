#ifndef ARCH_IMPL_CONSOLE_H
#define ARCH_IMPL_CONSOLE_H

#include <arch/layout.h>
#include <kernel/bootinfo.h>

extern struct boot_devices a64_dev;

/* Answers and log share the UART. */
static inline void arch_console_stream(enum console_stream stream)
{
	(void)stream;
}

static inline bool arch_console_registers(vaddr_t *va, paddr_t *pa)
{
	*va = A64_UART_VA;
	*pa = a64_dev.uart & PAGE_MASK;
	return a64_dev.uart;
}

#endif
