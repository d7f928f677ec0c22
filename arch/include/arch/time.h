#ifndef ARCH_TIME_H
#define ARCH_TIME_H

#include <kernel/types.h>

void arch_time_init(void);
/* Monotonic since boot. 0 before arch_time_init(). */
u64 arch_time_ns(void);
/*
 * The raw counter that benchmarks read; under -icount shift=0 on x86_64 one tick is one instruction.
 * ARCH_CYCLES_UNIT: what it counts, in the word of `bench`: "ticks" or "ns".
 * ARCH_BENCH_CYCLES: a benchmark row is repeated until it has lasted this long; 0 where a count repeats.
 */
static inline u64 arch_cycles(void);
u64 arch_cycles_hz(void);
/* An interrupt wakes arch_idle() at or shortly after this time; 0 cancels. */
void arch_time_wake_at(u64 ns);
/*
 * From now on fn(ctx) runs in interrupt context on this CPU about every `ns` nanoseconds, until this is called with fn
 * NULL, by fn or outside. Nothing else ticks. For tests: interrupts at any place. Context: interrupts on.
 */
void arch_time_tick(u64 ns, void (*fn)(void *ctx), void *ctx);

#include <arch_impl/time.h>
#endif
