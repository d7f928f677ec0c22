#ifndef ARCH_TIME_H
#define ARCH_TIME_H

#include <kernel/types.h>

/* Determines the rate of the clock and starts it at 0. Context: boot, once. */
void arch_time_init(void);
/* Nanoseconds since arch_time_init(), monotonic; 0 before. */
u64 arch_time_ns(void);
/*
 * The raw counter that benchmarks read. With QEMU's -icount shift=0 on x86_64 one tick is one instruction.
 * ARCH_CYCLES_UNIT: the unit of the counter as `bench` prints it, "ticks" or "ns".
 * ARCH_BENCH_CYCLES: shortest duration of a benchmark row, in this unit; 0 if counts repeat exactly.
 */
static inline u64 arch_cycles(void);
u64 arch_cycles_hz(void);
/* Wakes arch_idle() by an interrupt at or shortly after this time. 0 cancels. */
void arch_time_wake_at(u64 ns);
/*
 * Runs fn(ctx) in interrupt context on this CPU about every ns nanoseconds, until a call with fn NULL, which fn may make.
 * The kernel has no other periodic interrupt. For tests, which need interrupts at arbitrary places. Context: interrupts on.
 */
void arch_time_tick(u64 ns, void (*fn)(void *ctx), void *ctx);

#include <arch_impl/time.h>
#endif
