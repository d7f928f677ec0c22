#ifndef ARCH_CONSOLE_H
#define ARCH_CONSOLE_H

#include <arch/types.h>

/* Polled serial console. It works before mm is initialised, with interrupts off, and in a panic. */

/* Finds the console and sets it up. Context: boot, once. If there is none, output is discarded. */
void arch_console_init(void);
/* Writes a byte. Waits for a bounded time until the device accepts it. Locks: console_lock is held, except in a panic. */
void arch_putc(char c);
/*
 * Returns the next received byte. ARCH_GETC_NONE: no byte has arrived. ARCH_GETC_END: the input has ended. Bytes that the
 * receive interrupt has queued come first.
 */
enum { ARCH_GETC_NONE = -1, ARCH_GETC_END = -2 };
int arch_getc(void);

/*
 * Names the register page of the console: it must be mapped at *va to *pa. The kernel maps it before arch_pt_install()
 * activates the final tables. Returns false if the console needs no mapping.
 */
static inline bool arch_console_registers(vaddr_t *va, paddr_t *pa);

/*
 * void arch_console_stream(enum console_stream): the following output is of this kind. A port with separate outputs (the
 * hosted build: standard output and standard error) switches between them; the other ports ignore it.
 */
enum console_stream { CONSOLE_ANSWER, CONSOLE_LOG };
#include <arch_impl/console.h>

#endif
