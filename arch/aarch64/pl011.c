/*
 * pl011.c - the console: a PL011 at the baud rate that firmware configured, 8N1.
 *
 * Idea.       Output is polled, so it works before everything else and in a panic. The driver waits until the transmit FIFO
 *             is empty, then writes up to 16 bytes without polling. Input arrives by interrupt, when the FIFO has filled
 *             to a level or the line has been idle for a while.
 * Layout.     32-bit registers in one page of device memory. Some UARTs (SBSA's) support no other access size.
 * Invariants. Receive interrupts are off only while arch/common/uart.c throttles the input. The UART controls RTS by
 *             itself, from the fill level of its FIFO.
 * Locking.    Interrupts are off while the receiver's registers are accessed.
 * Failure.    No UART: output is discarded and input is empty. A dead UART costs a bounded wait for each FIFO of output.
 * Source.     Arm DDI 0183 (PL011), DEN0029 appendix B (SBSA generic UART, which has only half of the registers).
 * Next:       arch/common/uart.c.
 */

#include "a64_internal.h"
#include <arch/console.h>
#include <arch/irq.h>
#include <arch/uart.h>

enum {
	UART_DR = 0x00,
	UART_FR = 0x18,
	UART_LCRH = 0x2c,
	UART_CR = 0x30,
	UART_IMSC = 0x38,

	FR_CTS = 1 << 0,
	FR_BUSY = 1 << 3,
	FR_RX_EMPTY = 1 << 4,
	FR_TX_EMPTY = 1 << 7,
	LCRH_FIFO = 1 << 4,
	LCRH_8N1_FIFO = 0x70,
	CR_ON = 1 << 0,
	CR_LOOP = 1 << 7,
	CR_TX = 1 << 8,
	CR_RX = 1 << 9,
	CR_RTS = 1 << 11,
	CR_AUTO_RTS = 1 << 14,
	CR_NORMAL = CR_ON | CR_TX | CR_RX | CR_AUTO_RTS,
	INT_RX = 1 << 4,
	INT_RX_TIMEOUT = 1 << 6,

	TX_FIFO = 16,	    /* later revisions have 32 */
	TX_SPINS = 1 << 20, /* far above 1.4 ms, the time of 16 bytes at 115200 baud */
	CTS_SPINS = 1000,
};

static vaddr_t uart; /* 0: none */
static bool uart_rx_irq;
static unsigned uart_tx_size = 1, uart_tx_room;

static u32 uart_in(unsigned reg)
{
	return *(volatile u32 *)(uart + reg);
}

static void uart_out(unsigned reg, u32 v)
{
	*(volatile u32 *)(uart + reg) = v;
}

void a64_uart_map(vaddr_t va)
{
	uart = va;
}

static void wait_while(u32 mask, u32 flags)
{
	for (unsigned n = TX_SPINS; n && (uart_in(UART_FR) & mask) == flags; n--)
		arch_cpu_relax();
}

void arch_putc(char c)
{
	if (!uart)
		return;
	if (uart_tx_room == 0) {
		wait_while(FR_TX_EMPTY, 0);
		uart_tx_room = uart_tx_size;
	}
	uart_tx_room--;
	uart_out(UART_DR, (u8)c);
}

void arch_console_init(void)
{
	u32 lcrh;

	if (!uart)
		return;
	uart_out(UART_IMSC, 0);
	lcrh = uart_in(UART_LCRH);
	/*
	 * Enabling the FIFOs discards received bytes. A sender that has already sent (a pipe) sends its next byte as soon
	 * as one is read, so no moment is safe. If a byte is waiting, the FIFOs therefore stay off, and each output byte
	 * waits for the one before it.
	 */
	if (lcrh != LCRH_8N1_FIFO && (lcrh & LCRH_FIFO || uart_in(UART_FR) & FR_RX_EMPTY)) {
		/* Wait for the loader's output: BUSY is set until its FIFO is empty. */
		wait_while(FR_BUSY, FR_BUSY);
		uart_out(UART_CR, 0);
		uart_out(UART_LCRH, LCRH_8N1_FIFO);
	}
	uart_out(UART_CR, CR_NORMAL);
	if (uart_in(UART_LCRH) & LCRH_FIFO)
		uart_tx_size = TX_FIFO;
}

void arch_uart_throttle(bool on)
{
	uart_out(UART_IMSC, on || !uart_rx_irq ? 0 : INT_RX | INT_RX_TIMEOUT);
}

/* Reading the FIFO clears the receive interrupts. An explicit clear could lose the interrupt of a byte just arriving. */
int arch_uart_read(void)
{
	return uart && !(uart_in(UART_FR) & FR_RX_EMPTY) ? (u8)uart_in(UART_DR) : -1;
}

void a64_uart_irq_enable(void)
{
	if (!uart)
		return;
	uart_rx_irq = true;
	arch_uart_throttle(false);
}

/* In loopback RTS is fed back to CTS. If CTS stays 0, the emulator only stores the bit; no byte has been sent. */
bool arch_uart_loopback(bool on)
{
	if (!uart)
		return false;
	uart_out(UART_CR, on ? CR_ON | CR_TX | CR_RX | CR_LOOP | CR_RTS : CR_NORMAL);
	if (!on)
		return true;
	for (unsigned n = CTS_SPINS; n; n--)
		if (uart_in(UART_FR) & FR_CTS)
			return true;
	uart_out(UART_CR, CR_NORMAL);
	return false;
}
