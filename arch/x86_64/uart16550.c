/*
 * uart16550.c - the console: COM1, 115200 8N1.
 *
 * Idea.       Output is polled, so it works before everything else and in a panic. The driver waits until the transmitter
 *             is empty. It then writes one byte, or 16 bytes if the FIFO is on. Input arrives by interrupt.
 * Layout.     Eight ports from 0x3f8 on.
 * Invariants. Receive interrupts and RTS are off only while arch/common/uart.c throttles the input.
 * Locking.    Interrupts are off while the receiver's registers are accessed.
 * Failure.    No UART at the port: output is discarded and input is empty.
 * Next:       trap.c, which calls arch_uart_receive().
 */

#include "x86_internal.h"
#include <arch/console.h>
#include <arch/irq.h>
#include <arch/uart.h>
#include <arch_impl/x86.h>

enum {
	COM1 = 0x3f8,
	UART_DATA = COM1 + 0, /* divisor low while DLAB is set */
	UART_IER = COM1 + 1,  /* divisor high while DLAB is set */
	UART_FCR = COM1 + 2,
	UART_IIR = COM1 + 2, /* the same port, when read */
	UART_LCR = COM1 + 3,
	UART_MCR = COM1 + 4,
	UART_LSR = COM1 + 5,
	UART_SCRATCH = COM1 + 7,

	IER_RX = 0x01,
	FCR_ON = 0x01, /* FIFOs on; interrupt at the first byte */
	IIR_FIFO_ON = 0xc0,
	LCR_8N1 = 0x03,
	LCR_DLAB = 0x80,
	MCR_DTR = 0x01,
	MCR_RTS = 0x02,
	MCR_OUT2 = 0x08, /* gates the interrupt line on a PC */
	MCR_LOOP = 0x10,
	LSR_RX_READY = 0x01,
	LSR_TX_EMPTY = 0x20,

	TX_FIFO = 16,
	TX_SPINS = 1 << 20, /* far above the 1.4 ms that 16 bytes take; limit for a dead line */
};

static bool uart_present;
static bool uart_rx_irq; /* the receive interrupt is in use */
static u8 uart_rts = MCR_RTS;
static u8 uart_loop; /* MCR_LOOP while a test uses loopback */
static unsigned uart_tx_size = 1, uart_tx_room;

void arch_putc(char c)
{
	if (!uart_present)
		return;
	if (uart_tx_room == 0) {
		for (unsigned n = TX_SPINS; n && !(x86_inb(UART_LSR) & LSR_TX_EMPTY); n--)
			arch_cpu_relax();
		uart_tx_room = uart_tx_size;
	}
	uart_tx_room--;
	x86_outb(UART_DATA, (u8)c);
}

static void modem_control(void)
{
	x86_outb(UART_MCR, uart_loop | uart_rts | MCR_DTR | MCR_OUT2);
}

void arch_uart_throttle(bool on)
{
	x86_outb(UART_IER, on || !uart_rx_irq ? 0 : IER_RX);
	uart_rts = on ? 0 : MCR_RTS;
	modem_control();
}

int arch_uart_read(void)
{
	return uart_present && x86_inb(UART_LSR) & LSR_RX_READY ? x86_inb(UART_DATA) : -1;
}

void arch_console_init(void)
{
	x86_outb(UART_SCRATCH, 0x5a);
	uart_present = x86_inb(UART_SCRATCH) == 0x5a;
	if (!uart_present)
		return;
	x86_outb(UART_IER, 0);
	x86_outb(UART_LCR, LCR_DLAB);
	x86_outb(UART_DATA, 1); /* 115200 */
	x86_outb(UART_IER, 0);
	x86_outb(UART_LCR, LCR_8N1);
	/*
	 * Enabling the FIFOs discards received bytes. A sender that has already sent (a pipe) sends its next byte as soon
	 * as one is read, so no moment is safe. If a byte is waiting, the FIFOs therefore stay off, and each output byte
	 * waits for the one before it.
	 */
	if ((x86_inb(UART_IIR) & IIR_FIFO_ON) == IIR_FIFO_ON || !(x86_inb(UART_LSR) & LSR_RX_READY)) {
		x86_outb(UART_FCR, FCR_ON);
		uart_tx_size = TX_FIFO;
	}
	modem_control();
}

void x86_uart_irq_enable(void)
{
	if (!uart_present)
		return;
	uart_rx_irq = true;
	x86_outb(UART_IER, IER_RX);
}

bool arch_uart_loopback(bool on)
{
	unsigned long flags = arch_irq_save();

	uart_loop = on ? MCR_LOOP : 0;
	modem_control();
	arch_irq_restore(flags);
	return uart_present;
}
