#ifndef X86_INTERNAL_H
#define X86_INTERNAL_H

/* What the files of this port tell each other and nobody else. */

#include <arch/cpu.h>
#include <kernel/types.h>

/* uart16550.c */
void x86_uart_irq(void);	/* the interrupt of COM1 */
void x86_uart_irq_enable(void); /* from now on input comes by interrupt */

#endif
