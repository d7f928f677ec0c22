/*
 * test_uart.c - the UART that is the console, and its ring.
 *
 * Idea.       It is asked in loopback mode, so that its own output is its input.
 * Layout.     By interrupt; more than the ring holds; polled.
 * Invariants. Loopback is off, and the ring empty, after each case.
 * Locking.    None: main loop.
 * Failure.    EXPECT lines.
 * Next:       tests/host/test_shell.py, which sends from outside.
 */

#include <arch/console.h>
#include <arch/cpu.h>
#include <arch/irq.h>
#include <arch/time.h>
#include <arch/uart.h>
#include <kernel/test.h>

#define BYTE_NS 1000000UL /* more than a byte takes at 115200 */

static u8 pattern(unsigned n)
{
	return (u8)(n * 7 + (n >> 8));
}

/* The next byte, or -1 after a while. */
static int getc_wait(void)
{
	u64 until = arch_time_ns() + 20 * BYTE_NS;
	int c;

	while ((c = arch_getc()) < 0 && arch_time_ns() < until)
		arch_cpu_relax();
	return c;
}

static void drain_input(void)
{
	while (arch_getc() >= 0)
		;
}

/* What a terminal sent before is thrown away: nobody types while tests run. */
static bool loopback_start(void)
{
	if (!arch_uart_loopback(true))
		return false;
	drain_input();
	return true;
}

static void loopback_stop(void)
{
	drain_input();
	arch_uart_loopback(false);
}

KTEST(uart, bytes_come_in_order_by_interrupt)
{
	unsigned wrong = 0;

	if (!loopback_start())
		SKIP("this UART has no loopback");
	for (unsigned n = 0; n < 256; n++) {
		arch_putc((char)n);
		wrong += getc_wait() != (int)n;
	}
	loopback_stop();
	EXPECT_EQ(wrong, 0);
}

/* Shows uart.I1. */
KTEST(uart, ring_keeps_four_kib_while_nobody_reads)
{
	unsigned wrong = 0, n;

	if (!loopback_start())
		SKIP("this UART has no loopback");
	for (n = 0; n < 4096; n++)
		arch_putc((char)pattern(n));
	for (n = 0; n < 4096; n++)
		wrong += getc_wait() != pattern(n);
	loopback_stop();
	EXPECT_EQ(wrong, 0);
}

/* Shows uart.I2. */
KTEST(uart, full_ring_stops_the_sender_and_goes_on)
{
	unsigned wrong = 0, n;

	if (!loopback_start())
		SKIP("this UART has no loopback");
	/* Eight more than fit wait in the FIFO of 16. */
	for (n = 0; n < ARCH_UART_RING + 8; n++)
		arch_putc((char)pattern(n));
	for (n = 0; n < ARCH_UART_RING + 8; n++)
		wrong += getc_wait() != pattern(n);
	EXPECT_EQ(wrong, 0);
	for (n = 0; n < 100; n++) {
		arch_putc((char)n);
		wrong += getc_wait() != (int)n;
	}
	loopback_stop();
	EXPECT_EQ(wrong, 0);
}

KTEST(uart, input_is_polled_while_interrupts_are_off)
{
	unsigned long flags;
	int c;

	if (!loopback_start())
		SKIP("this UART has no loopback");
	flags = arch_irq_save();
	arch_putc('x');
	c = getc_wait();
	arch_irq_restore(flags);
	loopback_stop();
	EXPECT_EQ(c, 'x');
}
