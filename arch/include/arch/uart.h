#ifndef ARCH_UART_H
#define ARCH_UART_H

/* For ports whose console is a UART with a receive FIFO: arch/uart.c keeps what has come and makes arch_getc() of it. */

#include <kernel/types.h>

enum { ARCH_UART_RING = 8192 }; /* bytes of input that are kept */

/* The receive interrupt calls it. Context: interrupts off. */
void arch_uart_receive(void);

/* The port's. Context: interrupts off. */
int arch_uart_read(void); /* the next byte of the FIFO; -1: it is empty, or there is no UART */
/* Stops the receive interrupt, and the sender where it listens; or lets them go on. */
void arch_uart_throttle(bool on);
/* For tests: what is sent comes back and goes nowhere else. False: this UART cannot. Context: any. */
bool arch_uart_loopback(bool on);

#endif
