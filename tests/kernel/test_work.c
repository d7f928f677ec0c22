/*
 * test_work.c - deferred work and grace periods: nothing runs early, nothing is lost, nothing runs twice.
 *
 * Idea.       Steps and callbacks count; requests come from the main loop, from steps and from interrupts,
 *             and the counters say what each quiet point did.
 * Layout.     Two works that stay registered, one periodic while its case runs; an array of numbered RCU
 *             heads.
 * Invariants. work.c's and rcu.c's, seen from outside.
 * Locking.    None.
 * Failure.    A quiet point with a lock held ends in a BUG: a case of its own.
 * Next:       test_spinlock.c.
 */
#include <kernel/random.h>
#include <kernel/spinlock.h>
#include <kernel/test.h>
#include <kernel/work.h>

#include <arch/irq.h>
#include <arch/time.h>

static unsigned steps, steps_wanted;
static bool step_asks_again;

static bool count_step(void);
static struct work counting = {.name = "work-test", .step = count_step};

static bool count_step(void)
{
	steps++;
	if (step_asks_again) {
		step_asks_again = false;
		work_request(&counting);
	}
	return steps < steps_wanted;
}

static unsigned ticks;

static bool tick_step(void)
{
	ticks++;
	return false;
}
static struct work ticking = {.name = "work-test-period", .step = tick_step};

/* Works stay registered for good, so this happens once. */
static void work_ready(void)
{
	static bool registered;

	if (!registered) {
		work_register(&counting);
		work_register(&ticking);
	}
	registered = true;
	quiet_drain();
	steps = 0;
	steps_wanted = 0;
	ticks = 0;
}

/* Shows work.I2. */
KTEST(work, many_requests_are_one_step_at_the_next_quiet_point)
{
	work_ready();
	quiet_point();
	EXPECT_EQ(steps, 0);
	work_request(&counting);
	work_request(&counting);
	EXPECT_EQ(steps, 0);
	quiet_point();
	EXPECT_EQ(steps, 1);
	quiet_point();
	EXPECT_EQ(steps, 1);
}

KTEST(work, a_step_that_has_more_to_do_comes_again_until_done)
{
	u64 wake_ns;

	work_ready();
	steps_wanted = 3;
	work_request(&counting);
	quiet_point();
	EXPECT_EQ(steps, 1);
	EXPECT_FALSE(quiet_idle(&wake_ns));
	quiet_drain();
	EXPECT_EQ(steps, 3);
	EXPECT_TRUE(quiet_idle(&wake_ns));
}

KTEST(work, a_request_made_inside_the_step_is_not_lost)
{
	work_ready();
	step_asks_again = true;
	work_request(&counting);
	quiet_drain();
	EXPECT_EQ(steps, 2);
}

static void request_in_irq(void *ctx)
{
	work_request(&counting);
	*(bool *)ctx = true;
}

KTEST(work, an_interrupt_may_request)
{
	volatile bool raised = false;

	work_ready();
	arch_irq_test_raise(request_in_irq, (void *)&raised);
	for (int i = 0; i < 1000000 && !raised; i++)
		arch_cpu_relax();
	EXPECT_TRUE(raised);
	EXPECT_EQ(steps, 0);
	quiet_point();
	EXPECT_EQ(steps, 1);
}

KTEST(work, periodic_work_waits_for_its_period)
{
	const u64 period_ns = 2000000;
	u64 start, wake_ns;

	work_ready();
	ticking.period_ns = period_ns;
	start = arch_time_ns();
	while (!ticks && arch_time_ns() - start < 1000000000UL)
		quiet_point();
	EXPECT_EQ(ticks, 1);
	/* Just run: now it is not due, and the CPU would be woken for it within a period. */
	if (quiet_idle(&wake_ns)) {
		EXPECT_NE(wake_ns, 0);
		EXPECT_LE(wake_ns, arch_time_ns() + period_ns);
	}
	/* Two more: at least one whole period lies between them, however long this CPU is kept waiting. */
	start = arch_time_ns();
	while (ticks < 3 && arch_time_ns() - start < 1000000000UL)
		quiet_point();
	EXPECT_EQ(ticks, 3);
	EXPECT_GE(arch_time_ns() - start, period_ns);
	ticking.period_ns = 0; /* it stays registered: let the idle CPU sleep */
}

static DEFINE_PER_CPU(unsigned, work_test_dummy);
static struct spinlock quiet_lock = SPINLOCK_INIT("quiet-test", LOCK_VMAP);

/* Shows work.I3. */
KTEST_PANIC(work, a_quiet_point_with_a_lock_held_is_a_bug, "quiet point with 1 locks held")
{
	this_cpu(work_test_dummy)++;
	spin_lock(&quiet_lock);
	quiet_point();
}

enum { HEADS = 300 };

struct rcu_item {
	struct rcu_head rcu;
	unsigned number;
};
static struct rcu_item rcu_items[HEADS];
static unsigned rcu_run, rcu_disorder;

static void rcu_count(struct rcu_head *head)
{
	struct rcu_item *it = container_of(head, struct rcu_item, rcu);

	if (it->number != rcu_run)
		rcu_disorder++;
	rcu_run++;
}

static void rcu_reset(void)
{
	rcu_barrier();
	rcu_run = 0;
	rcu_disorder = 0;
	for (unsigned i = 0; i < HEADS; i++)
		rcu_items[i].number = i;
}

KTEST(rcu, a_callback_waits_for_a_quiet_point)
{
	rcu_reset();
	call_rcu(&rcu_items[0].rcu, rcu_count);
	EXPECT_EQ(rcu_run, 0);
	EXPECT_EQ(rcu_pending(), 1);
	quiet_drain();
	EXPECT_EQ(rcu_run, 1);
	EXPECT_EQ(rcu_pending(), 0);
}

/* Shows rcu.I2. */
KTEST(rcu, callbacks_run_in_order_and_in_bounded_batches)
{
	unsigned points = 0;

	rcu_reset();
	for (unsigned i = 0; i < HEADS; i++)
		call_rcu(&rcu_items[i].rcu, rcu_count);
	while (rcu_run < HEADS && points < HEADS) {
		unsigned before = rcu_run;

		quiet_point();
		points++;
		EXPECT_LE(rcu_run - before, 64);
	}
	EXPECT_EQ(rcu_run, HEADS);
	EXPECT_EQ(rcu_disorder, 0);
	EXPECT_GE(points, 5);
}

KTEST(rcu, barrier_returns_after_every_earlier_callback)
{
	rcu_reset();
	for (unsigned i = 0; i < HEADS; i++) {
		call_rcu(&rcu_items[i].rcu, rcu_count);
		if (test_rand_below(20) == 0)
			quiet_point();
	}
	rcu_barrier();
	EXPECT_EQ(rcu_run, HEADS);
	EXPECT_EQ(rcu_disorder, 0);
}

static void rcu_requeue(struct rcu_head *head)
{
	if (++rcu_run < 5)
		call_rcu(head, rcu_requeue);
}

KTEST(rcu, a_callback_may_queue_its_own_object_again)
{
	rcu_reset();
	call_rcu(&rcu_items[0].rcu, rcu_requeue);
	quiet_drain();
	EXPECT_EQ(rcu_run, 5);
	EXPECT_EQ(rcu_pending(), 0);
}

static void call_rcu_in_irq(void *ctx)
{
	call_rcu(&rcu_items[0].rcu, rcu_count);
	*(bool *)ctx = true;
}

KTEST(rcu, an_interrupt_may_queue_a_callback)
{
	volatile bool raised = false;

	rcu_reset();
	arch_irq_test_raise(call_rcu_in_irq, (void *)&raised);
	for (int i = 0; i < 1000000 && !raised; i++)
		arch_cpu_relax();
	EXPECT_TRUE(raised);
	rcu_barrier();
	EXPECT_EQ(rcu_run, 1);
}

KTEST(rcu, synchronize_returns_and_leaves_callbacks_their_order)
{
	rcu_reset();
	call_rcu(&rcu_items[0].rcu, rcu_count);
	synchronize_rcu();
	call_rcu(&rcu_items[1].rcu, rcu_count);
	synchronize_rcu();
	rcu_barrier();
	EXPECT_EQ(rcu_run, 2);
	EXPECT_EQ(rcu_disorder, 0);
}
