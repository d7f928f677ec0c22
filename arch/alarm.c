/*
 * alarm.c - what a CPU's one timer is set to.
 *
 * Idea.       Nothing ticks unless a test asks for it: an interrupt comes only when somebody asked to be woken. Two may
 *             ask, the idle CPU and a tick; the timer is set to whoever is next.
 * Layout.     alarm, of each CPU
 * Invariants. The timer is set while wake_ns or a tick is.
 * Locking.    Interrupts off around the alarm.
 * Failure.    None.
 * Next:       arch_timer_set() in the port's time.c; the caller of arch_time_wake_at() is kernel/smp.c.
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

/* To the next moment that anybody wants; interrupts are off. */
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
		a->tick_at =
			arch_time_ns() + a->tick_ns; /* from the end: the CPU gets on whatever a tick takes */
	}
	if (a->wake_ns && a->wake_ns <= arch_time_ns())
		a->wake_ns = 0; /* it has woken us by coming */
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
