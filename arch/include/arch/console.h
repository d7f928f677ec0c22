#ifndef ARCH_CONSOLE_H
#define ARCH_CONSOLE_H

/* Polled serial console: usable before mm, with interrupts off, and in a panic. */

void arch_console_init(void);
void arch_putc(char c);
/* Next received byte, or -1. Bytes that the receive interrupt has queued come first. */
int arch_getc(void);

#endif
