#ifndef ARCH_CONSOLE_H
#define ARCH_CONSOLE_H

#include <mm/types.h>

/* Polled serial console: usable before mm, with interrupts off, and in a panic. */

void arch_console_init(void);
void arch_putc(char c);
/*
 * Next received byte; ARCH_GETC_NONE: there is none now; ARCH_GETC_END: there will never be one again. Bytes that the
 * receive interrupt has queued come first.
 */
enum { ARCH_GETC_NONE = -1, ARCH_GETC_END = -2 };
int arch_getc(void);

/*
 * A page of registers that the console needs at va: it is in the kernel's tables before arch_pt_install() makes them the
 * CPU's. False: none.
 */
static inline bool arch_console_registers(vaddr_t *va, paddr_t *pa);

/* What follows is of this kind: void arch_console_stream(enum console_stream). For ports with a place for each. */
enum console_stream { CONSOLE_ANSWER, CONSOLE_LOG };
#include <arch_impl/console.h>

#endif
