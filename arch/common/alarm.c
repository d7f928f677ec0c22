/*
 * alarm.c - one timer per CPU shared by two users: the wake-up of an idle CPU and the tick of tests.
 *
 * Idea.       The kernel has no periodic tick. The timer interrupts only if arch_time_wake_at() or arch_time_tick() asked
 *             for it. It is programmed to the earlier of the two times.
 * Layout.     alarm, per CPU
 * Invariants. While wake_ns or a tick is set, the timer is programmed.
 * Locking.    Interrupts are off while the alarm is accessed.
 * Next:       arch_timer_set() in the port's time.c; kernel/base/smp.c calls arch_time_wake_at().
 */
#include <arch/alarm.h>

#include <kernel/percpu.h>

#include <arch/irq.h>
#include <arch/time.h>

struct alarm {
	u64 wake_ns; /* 0: none */
	u64 tick_ns, tick_at;
	void (*tick)(void *ctx); /* NULL: none */
	void *tick_ctx;
};
static DEFINE_PER_CPU(struct alarm, alarm);

/* Programs the timer to the earlier of the wake-up and the tick. Context: interrupts off. */
static void alarm_set(const struct alarm *a)
{
	u64 now, at = ~0UL;

	if (a->wake_ns)
		at = a->wake_ns;
	if (a->tick)
		at = min(at, a->tick_at);
	if (at == ~0UL) {
		arch_timer_set(ARCH_TIMER_NEVER);
		return;
	}
	now = arch_time_ns();
	arch_timer_set(at > now ? at - now : 0);
}

void arch_alarm_irq(void)
{
	struct alarm *a = this_cpu_ptr(&alarm);

	if (a->tick && a->tick_at <= arch_time_ns()) {
		a->tick(a->tick_ctx);
		/* Count from the end of the tick, so the CPU makes progress however long a tick takes. */
		a->tick_at = arch_time_ns() + a->tick_ns;
	}
	if (a->wake_ns && a->wake_ns <= arch_time_ns())
		a->wake_ns = 0; /* this interrupt was the wake-up */
	alarm_set(a);
}

void arch_time_wake_at(u64 ns)
{
	unsigned long flags = arch_irq_save();
	struct alarm *a = this_cpu_ptr(&alarm);

	a->wake_ns = ns;
	alarm_set(a);
	arch_irq_restore(flags);
}

void arch_time_tick(u64 ns, void (*fn)(void *ctx), void *ctx)
{
	unsigned long flags = arch_irq_save();
	struct alarm *a = this_cpu_ptr(&alarm);

	a->tick = fn;
	a->tick_ctx = ctx;
	a->tick_ns = ns;
	a->tick_at = arch_time_ns() + ns;
	alarm_set(a);
	arch_irq_restore(flags);
}
