#ifndef ARCH_STOP_H
#define ARCH_STOP_H

#include <kernel/types.h>

/* For ports with an unmaskable interrupt. arch/common/stop.c builds arch_cpus_stop() and arch_cpu_stopped() on it. */

/* Implemented by the port: sends that interrupt to another CPU. */
void arch_stop_send(unsigned cpu);
/* Called by the handler, with the interrupted position. If a panic is stopping the CPUs, it does not return. */
void arch_stop_here(unsigned long pc, unsigned long fp, bool irqs_off);

#endif
