#ifndef ARCH_UART_H
#define ARCH_UART_H

/* For ports with a UART that has a receive FIFO. arch/common/uart.c buffers the input and implements arch_getc(). */

#include <kernel/types.h>

enum { ARCH_UART_RING = 8192 }; /* bytes of buffered input */

/* Moves received bytes into the ring; the receive interrupt calls it. Context: interrupts off. */
void arch_uart_receive(void);

/* Implemented by the port. Returns the next byte of the FIFO, -1 without one or without a UART. Context: interrupts off. */
int arch_uart_read(void);
/* on: masks the receive interrupt and, with flow control, stops the sender. off: enables both. Context: interrupts off. */
void arch_uart_throttle(bool on);
/* For tests: loops the output back to the input; nothing is sent. False: this UART has no loopback. Context: any. */
bool arch_uart_loopback(bool on);

#endif
