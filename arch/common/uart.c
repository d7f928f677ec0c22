/*
 * uart.c - buffer for received bytes.
 *
 * Idea.       The receive interrupt moves input into a ring, so an idle CPU can sleep and no byte is lost while a command
 *             runs.
 * Layout.     ring[]; head: next free place (interrupt); tail: next byte to read. Both grow without bound; the index is the
 *             value modulo the size.
 * Invariants. I1  head - tail <= ARCH_UART_RING
 *             I2  the receive interrupt is off only while the ring is full or has not drained to half. Bytes then wait in
 *                 the FIFO, and the sender (or QEMU's pipe) stops; the kernel drops no byte
 * Locking.    Interrupts are off while the ring is accessed.
 * Failure.    Without a UART the input is empty.
 * Next:       the port's driver.
 */
#include <arch/uart.h>

#include <arch/console.h>
#include <arch/irq.h>

static_assert((ARCH_UART_RING & (ARCH_UART_RING - 1)) == 0, "ring indices wrap by mask");

static u8 ring[ARCH_UART_RING];
static u32 ring_head, ring_tail;
static bool throttled;

void arch_uart_receive(void)
{
	int c;

	while (ring_head - ring_tail < ARCH_UART_RING) {
		c = arch_uart_read();
		if (c < 0)
			return;
		ring[ring_head++ % ARCH_UART_RING] = (u8)c;
	}
	throttled = true;
	arch_uart_throttle(true);
}

int arch_getc(void)
{
	unsigned long flags = arch_irq_save();
	int c = -1;

	if (ring_head == ring_tail)
		arch_uart_receive(); /* polled: the interrupt does not work yet, or is masked */
	if (ring_head != ring_tail)
		c = ring[ring_tail++ % ARCH_UART_RING];
	if (throttled && ring_head - ring_tail <= ARCH_UART_RING / 2) {
		throttled = false;
		arch_uart_throttle(false);
	}
	arch_irq_restore(flags);
	return c;
}
