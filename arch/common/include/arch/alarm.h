#ifndef ARCH_ALARM_H
#define ARCH_ALARM_H

/*
 * For ports with one timer per CPU that raises an interrupt. arch/common/alarm.c builds arch_time_wake_at() and
 * arch_time_tick() on the declarations of this file. They concern the running CPU only. Context: interrupts off.
 */

#include <kernel/types.h>

/* Handles the timer's interrupt; the port calls it. */
void arch_alarm_irq(void);

/*
 * Implemented by the port: programs the timer to interrupt in about ns nanoseconds. 0: at once. ARCH_TIMER_NEVER: stops the
 * timer. An early interrupt is harmless, because arch_alarm_irq() compares with the clock.
 */
#define ARCH_TIMER_NEVER (~0UL)
void arch_timer_set(u64 ns);

#endif
