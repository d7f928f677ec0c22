#ifndef ARCH_ALARM_H
#define ARCH_ALARM_H

/*
 * For ports with a timer a CPU that raises an interrupt: arch/alarm.c makes arch_time_wake_at() and arch_time_tick() of it.
 * All of this is for the CPU that runs. Context: interrupts off.
 */

#include <kernel/types.h>

/* The timer's interrupt calls it. */
void arch_alarm_irq(void);

/*
 * The port's: the next interrupt of the timer comes in about so many nanoseconds, 0: at once, ARCH_TIMER_NEVER: not at all.
 * One that comes early does no harm.
 */
#define ARCH_TIMER_NEVER (~0UL)
void arch_timer_set(u64 ns);

#endif
