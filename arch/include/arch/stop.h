#ifndef ARCH_STOP_H
#define ARCH_STOP_H

#include <kernel/types.h>

/* For ports with an interrupt that is never masked: arch/stop.c makes arch_cpus_stop() and arch_cpu_stopped() of it. */

/* The port's: that interrupt, for another CPU. */
void arch_stop_send(unsigned cpu);
/* From its handler: where it came, and whether interrupts were off. Does not return if this CPU is being stopped. */
void arch_stop_here(unsigned long pc, unsigned long fp, bool irqs_off);

#endif
