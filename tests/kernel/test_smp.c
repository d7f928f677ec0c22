/*
 * test_smp.c - calls, tasks and holds between CPUs.
 *
 * Idea.       Every function that runs elsewhere notes where and in which context it ran; order is made with words that
 *             one CPU writes and another one waits for, never with time.
 * Layout.     Cases that need a second CPU ask for it and are skipped on a machine of one.
 * Invariants. smp.c's, seen from outside.
 * Locking.    None: the words are atomic.
 * Failure.    A CPU that does not answer ends in the time limit of whoever runs the tests.
 * Next:       ../mm/test_cross_cpu.c.
 */
#include "other_cpu.h"

#include <kernel/cpus.h>
#include <kernel/errno.h>
#include <kernel/spinlock.h>
#include <kernel/work.h>

#include <arch/irq.h>
#include <arch/time.h>

static _Atomic unsigned step, count;

KTEST(smp, every_possible_cpu_is_online)
{
	unsigned cpu, online = 0;

	for_each_online_cpu (cpu) {
		EXPECT_TRUE(cpumask_test(&cpu_possible_mask, cpu));
		online++;
	}
	EXPECT_EQ(online, cpumask_weight(&cpu_possible_mask));
	EXPECT_TRUE(cpumask_test(&cpu_online_mask, arch_cpu_id()));
}

/* ---- calls ---- */

struct visits {
	_Atomic unsigned at[NR_CPUS], wrong;
};

static void visit(void *ctx)
{
	struct visits *v = ctx;
	unsigned cpu = arch_cpu_id();

	atomic_fetch_add(&v->at[cpu], 1);
	if (!arch_irq_disabled() ||
	    (unsigned long)this_cpu_ptr(&lock_depth) != (unsigned long)per_cpu_ptr(&lock_depth, cpu))
		atomic_fetch_add(&v->wrong, 1);
}

KTEST(smp, a_call_runs_once_on_each_cpu_of_the_set_with_interrupts_off)
{
	static struct visits v;
	struct cpumask odd = {};
	unsigned cpu;

	v = (struct visits){};
	smp_call_all(visit, &v);
	for_each_possible_cpu (cpu)
		EXPECT_EQ(atomic_load(&v.at[cpu]), 1);
	for_each_online_cpu (cpu)
		if (cpu % 2)
			cpumask_set(&odd, cpu);
	for (unsigned i = 0; i < 100; i++)
		smp_call(&odd, visit, &v);
	for (cpu = 0; cpu < NR_CPUS; cpu++)
		EXPECT_EQ(atomic_load(&v.at[cpu]), !cpumask_test(&cpu_online_mask, cpu) ? 0u
						   : cpu % 2				? 101u
											: 1u);
	EXPECT_EQ(atomic_load(&v.wrong), 0);
	EXPECT_FALSE(arch_irq_disabled());
}

static void bump(void *ctx)
{
	atomic_fetch_add((_Atomic unsigned *)ctx, 1);
}

static void call_many(void *ctx)
{
	(void)ctx;
	for (unsigned i = 0; i < 200; i++)
		smp_call_all(bump, &count);
}

/* Two callers at once: each answers the other while it waits. */
KTEST(smp, cpus_that_call_each_other_do_not_block)
{
	struct smp_task task = {.fn = call_many};
	NEEDS_OTHER_CPU(cpu);

	atomic_store(&count, 0);
	ASSERT_EQ(smp_start(cpu, &task), 0);
	call_many(NULL);
	smp_wait(&task);
	EXPECT_EQ(atomic_load(&count), 400 * cpumask_weight(&cpu_online_mask));
}

static void with_interrupts_off(void *ctx)
{
	unsigned long flags = arch_irq_save();

	(void)ctx;
	atomic_store(&step, 1);
	while (atomic_load(&step) == 1)
		arch_cpu_relax();
	atomic_fetch_add(&count, 10);
	arch_irq_restore(flags);
}

/* That CPU answers nobody until `step` is not 1. */
static bool deafen(unsigned cpu, struct smp_task *task)
{
	*task = (struct smp_task){.fn = with_interrupts_off};
	atomic_store(&step, 0);
	atomic_store(&count, 0);
	if (smp_start(cpu, task))
		return false;
	wait_until(&step, 1);
	return true;
}

static void end_of_irqs_off(void *ctx)
{
	(void)ctx;
	atomic_store(&step, 2);
	atomic_fetch_add(&count, 1);
}

/* Whoever is first in the call lets the deaf CPU go on; only then can that one answer. */
KTEST(smp, a_call_waits_for_a_cpu_with_interrupts_off)
{
	struct smp_task task;
	NEEDS_OTHER_CPU(cpu);

	ASSERT_TRUE(deafen(cpu, &task));
	smp_call_all(end_of_irqs_off, NULL);
	EXPECT_EQ(atomic_load(&count), 10 + cpumask_weight(&cpu_online_mask));
	smp_wait(&task);
}

static void note_end_of_call(void *ctx)
{
	(void)ctx;
	atomic_fetch_add(&count, 1);
	atomic_store(&step, 3);
}

/* The caller itself lets the other one answer: waiting inside of the call would never end. */
KTEST(smp, a_call_can_be_started_and_waited_for_later)
{
	struct smp_task task;
	struct cpumask one = {};
	NEEDS_OTHER_CPU(cpu);

	cpumask_set(&one, cpu);
	ASSERT_TRUE(deafen(cpu, &task));
	EXPECT_EQ(smp_call_start(&one, note_end_of_call, NULL), 1);
	EXPECT_EQ(atomic_load(&count), 0);
	atomic_store(&step, 2);
	smp_call_wait();
	EXPECT_EQ(atomic_load(&count), 11);
	smp_wait(&task);
}

KTEST(smp, a_second_call_waits_for_the_first_to_be_answered)
{
	struct cpumask others = cpu_online_mask;
	unsigned nr = cpumask_weight(&others) - 1;

	if (!nr)
		SKIP("needs a second CPU");
	atomic_store(&count, 0);
	for (unsigned i = 1; i <= 100; i++) {
		EXPECT_EQ(smp_call_start(&others, bump, &count), nr);
		EXPECT_GE(atomic_load(&count), (i - 1) * nr);
	}
	smp_call_wait();
	EXPECT_EQ(atomic_load(&count), 100 * nr);
}

static void call_two(void *ctx)
{
	struct cpumask one = {};

	cpumask_set(&one, *(const unsigned *)ctx);
	for (unsigned i = 0; i < 10; i++)
		smp_call(&one, bump, &count);
	atomic_store(&step, 2);
}

/* A CPU that keeps one caller waiting keeps no other caller from a CPU that answers. */
KTEST(smp, callers_do_not_wait_for_each_other)
{
	struct smp_task deaf;
	struct cpumask first = {};
	unsigned me = arch_cpu_id(), third;
	struct smp_task caller = {.fn = call_two, .ctx = &me};
	NEEDS_OTHER_CPU(cpu);

	third = third_cpu(cpu);
	if (third >= NR_CPUS)
		SKIP("needs a third CPU");
	cpumask_set(&first, cpu);
	ASSERT_TRUE(deafen(cpu, &deaf));
	EXPECT_EQ(smp_call_start(&first, bump, &count), 1);
	ASSERT_EQ(smp_start(third, &caller), 0);
	smp_call_wait(); /* over when the third one's calls have let the deaf one go on */
	smp_wait(&caller);
	smp_wait(&deaf);
	EXPECT_EQ(atomic_load(&count), 10 + 10 + 1);
}

static void call_deaf(void *ctx)
{
	struct cpumask one = {};

	cpumask_set(&one, *(const unsigned *)ctx);
	smp_call_start(&one, bump, &count);
	atomic_store(&step, 2); /* both are in the mailbox: now it may look */
	smp_call_wait();
}

/* Only the first of them sends an interrupt: it serves both. Shows smp.I1. */
KTEST(smp, calls_that_meet_in_a_mailbox_are_all_answered)
{
	struct smp_task deaf, caller = {.fn = call_deaf};
	struct cpumask one = {};
	unsigned third;
	NEEDS_OTHER_CPU(cpu);

	third = third_cpu(cpu);
	if (third >= NR_CPUS)
		SKIP("needs a third CPU");
	cpumask_set(&one, cpu);
	caller.ctx = &cpu;
	for (unsigned i = 0; i < 20; i++) {
		ASSERT_TRUE(deafen(cpu, &deaf));
		EXPECT_EQ(smp_call_start(&one, bump, &count), 1);
		ASSERT_EQ(smp_start(third, &caller), 0);
		smp_call_wait();
		smp_wait(&caller);
		smp_wait(&deaf);
		EXPECT_EQ(atomic_load(&count), 12);
	}
}

/* Where CPUs take turns on fewer processors a round takes milliseconds: then fewer do. */
enum { TICK_ROUNDS = 1500, TICK_ROUNDS_LEAST = 20, TICK_MSECS = 1000, TICK_CALLS = 4 };
enum { TICKS_END = 1 << 30 }; /* in place of the next round */

static void slow(void *ctx)
{
	atomic_fetch_add((_Atomic unsigned *)ctx, 1);
	for (unsigned i = 0; i < 50; i++)
		arch_cpu_relax();
}

static void one_tick(void *ctx)
{
	slow(ctx);
	arch_time_tick(0, NULL, NULL);
}

struct tick_round {
	unsigned cpu, callers, done;	  /* the CPU that ticks; rounds that there were */
	_Atomic unsigned round, answered; /* callers may begin; calls of all that are back */
};

/* One tick a round: what it has taken with it no later one brings back. */
static void tick_and_answer(void *ctx)
{
	struct tick_round *r = ctx;
	static _Atomic unsigned ticks;
	const u64 end = arch_time_ns() + TICK_MSECS * 1000000UL;

	for (unsigned round = 1; round <= TICK_ROUNDS; round++) {
		if (round > TICK_ROUNDS_LEAST && arch_time_ns() >= end)
			break;
		/* The tick comes at any moment of the calls. */
		arch_time_tick(2000 + round * 37 % 400 * 250, one_tick, &ticks);
		atomic_store(&r->round, round);
		while (atomic_load(&r->answered) < round * r->callers * TICK_CALLS)
			arch_cpu_relax();
		r->done = round;
	}
	arch_time_tick(0, NULL, NULL);
	atomic_store(&r->round, TICKS_END);
	quiet_point();
}

static void call_ticking(void *ctx)
{
	struct tick_round *r = ctx;
	struct cpumask one = {};

	cpumask_set(&one, r->cpu);
	for (unsigned round = 1; round <= TICK_ROUNDS; round++) {
		while (atomic_load(&r->round) < round) {
			quiet_point();
			arch_cpu_relax();
		}
		if (atomic_load(&r->round) == TICKS_END)
			return;
		for (unsigned i = 0; i < TICK_CALLS; i++) {
			smp_call(&one, slow, &count);
			atomic_fetch_add(&r->answered, 1);
		}
	}
}

/* A timer that is set anew, or taken away, must not take with it the interrupt of a CPU that has called meanwhile. */
KTEST(smp, no_call_is_lost_beside_ticks)
{
	struct tick_round r = {.callers = 1};
	struct smp_task ticking = {.fn = tick_and_answer, .ctx = &r},
			caller = {.fn = call_ticking, .ctx = &r};
	unsigned third;
	NEEDS_OTHER_CPU(cpu);

	r.cpu = cpu;
	third = third_cpu(cpu);
	r.callers += third < NR_CPUS;
	atomic_store(&count, 0);
	if (third < NR_CPUS)
		ASSERT_EQ(smp_start(third, &caller), 0);
	ASSERT_EQ(smp_start(cpu, &ticking), 0);
	call_ticking(&r);
	if (third < NR_CPUS)
		smp_wait(&caller);
	smp_wait(&ticking);
	EXPECT_GE(r.done, TICK_ROUNDS_LEAST);
	EXPECT_EQ(atomic_load(&count), r.callers * r.done * TICK_CALLS);
}

/* ---- tasks ---- */

static void where(void *ctx)
{
	*(unsigned *)ctx = arch_in_interrupt() || arch_irq_disabled() ? NR_CPUS : arch_cpu_id();
}

KTEST(smp, a_task_runs_in_the_main_loop_of_its_cpu)
{
	unsigned cpu;

	for_each_online_cpu (cpu) {
		unsigned at = NR_CPUS;

		if (cpu == arch_cpu_id())
			continue;
		run_on(cpu, where, &at);
		EXPECT_EQ(at, cpu);
	}
}

static void wait_for_two(void *ctx)
{
	(void)ctx;
	atomic_store(&step, 1);
	wait_until(&step, 2);
}

KTEST(smp, a_cpu_takes_one_task_and_only_a_cpu_that_runs)
{
	struct smp_task task = {.fn = wait_for_two}, second = {.fn = wait_for_two};
	NEEDS_OTHER_CPU(cpu);

	EXPECT_EQ(smp_start(arch_cpu_id(), &task), -ENODEV);
	EXPECT_EQ(smp_start(NR_CPUS, &task), -ENODEV);
	EXPECT_EQ(smp_start(NR_CPUS - 1, &task), -ENODEV);
	atomic_store(&step, 0);
	ASSERT_EQ(smp_start(cpu, &task), 0);
	wait_until(&step, 1);
	EXPECT_EQ(smp_start(cpu, &second), -EBUSY);
	atomic_store(&step, 2);
	smp_wait(&task);
}

static unsigned work_ran_on;

static bool note_cpu(void)
{
	work_ran_on = arch_cpu_id();
	atomic_store(&step, 3);
	return false;
}
static struct work far_work = {.name = "smp-test", .step = note_cpu};

static void register_far_work(void *ctx)
{
	(void)ctx;
	if (!far_work.cpu)
		work_register(&far_work);
}

/* It sleeps when the request comes: the interrupt wakes it. Shows work.I1. */
KTEST(smp, a_request_wakes_the_cpu_whose_work_it_is)
{
	NEEDS_OTHER_CPU(cpu);

	run_on(cpu, register_far_work, NULL);
	for (unsigned i = 0; i < 50; i++) {
		smp_settle();
		atomic_store(&step, 0);
		work_request(&far_work);
		wait_until(&step, 3);
		EXPECT_EQ(work_ran_on, cpu);
	}
}

/* ---- holds ---- */

static void count_at_quiet_points(void *ctx)
{
	(void)ctx;
	while (atomic_load(&step) != 2) {
		atomic_fetch_add(&count, 1);
		quiet_point();
	}
}

/* Shows smp.I2. */
KTEST(smp, a_held_cpu_stays_at_its_quiet_point_and_answers)
{
	struct smp_task task = {.fn = count_at_quiet_points};
	struct cpumask one = {};
	NEEDS_OTHER_CPU(cpu);

	cpumask_set(&one, cpu);
	atomic_store(&step, 0);
	atomic_store(&count, 0);
	ASSERT_EQ(smp_start(cpu, &task), 0);
	for (unsigned i = 0; i < 20; i++) {
		static _Atomic unsigned answers;
		unsigned at, was = atomic_load(&answers);

		while (atomic_load(&count) == i)
			arch_cpu_relax();
		smp_hold();
		smp_hold(); /* they nest */
		at = atomic_load(&count);
		smp_call(&one, bump, &answers);
		smp_release();
		for (unsigned n = 0; n < 1000; n++)
			arch_cpu_relax();
		EXPECT_EQ(atomic_load(&count), at);
		EXPECT_EQ(atomic_load(&answers), was + 1);
		smp_release();
		while (atomic_load(&count) == at) /* it goes on */
			arch_cpu_relax();
	}
	atomic_store(&step, 2);
	smp_wait(&task);
}

static unsigned holders, holders_most;

static void hold_many(void *ctx)
{
	(void)ctx;
	for (unsigned i = 0; i < 100; i++) {
		smp_hold();
		holders++; /* plainly: nobody else is there */
		if (holders > holders_most)
			holders_most = holders;
		holders--;
		smp_release();
		quiet_point();
	}
}

/* Shows smp.I3. */
KTEST(smp, one_cpu_at_a_time_holds)
{
	struct smp_task task = {.fn = hold_many};
	NEEDS_OTHER_CPU(cpu);

	holders = holders_most = 0;
	ASSERT_EQ(smp_start(cpu, &task), 0);
	hold_many(NULL);
	smp_wait(&task);
	EXPECT_EQ(holders, 0);
	EXPECT_EQ(holders_most, 1);
}

/* ---- grace periods ---- */

static void no_quiet_point(void *ctx)
{
	(void)ctx;
	atomic_store(&step, 1);
	while (atomic_load(&step) == 1)
		arch_cpu_relax();
}

static void note_callback(struct rcu_head *head)
{
	(void)head;
	atomic_fetch_add(&count, 1);
}

/* Shows rcu.I3. */
KTEST(smp, a_callback_waits_for_the_quiet_point_of_every_cpu)
{
	struct smp_task task = {.fn = no_quiet_point};
	static struct rcu_head head;
	NEEDS_OTHER_CPU(cpu);

	atomic_store(&step, 0);
	atomic_store(&count, 0);
	ASSERT_EQ(smp_start(cpu, &task), 0);
	wait_until(&step, 1);
	call_rcu(&head, note_callback);
	for (unsigned i = 0; i < 1000; i++)
		quiet_point();
	EXPECT_EQ(atomic_load(&count), 0);
	atomic_store(&step, 2);
	synchronize_rcu();
	rcu_barrier();
	EXPECT_EQ(atomic_load(&count), 1);
	smp_wait(&task);
}

static void stay_until_two(void *ctx)
{
	(void)ctx;
	atomic_store(&step, 1);
	while (atomic_load(&step) == 1)
		arch_cpu_relax();
}

/* A CPU that is held is quiet, again and again; but an interrupt that it answers meanwhile is a reader. */
KTEST(smp, a_held_cpu_keeps_no_grace_period_waiting_but_its_interrupts_do)
{
	struct smp_task task = {.fn = count_at_quiet_points};
	static struct rcu_head head;
	struct cpumask one = {};
	NEEDS_OTHER_CPU(cpu);

	cpumask_set(&one, cpu);
	atomic_store(&step, 0);
	atomic_store(&count, 0);
	ASSERT_EQ(smp_start(cpu, &task), 0);
	while (!atomic_load(&count))
		arch_cpu_relax();
	smp_hold();
	synchronize_rcu();
	atomic_store(&count, 0);
	EXPECT_EQ(smp_call_start(&one, stay_until_two, NULL), 1);
	while (atomic_load(&step) != 1)
		arch_cpu_relax();
	call_rcu(&head, note_callback);
	rcu_help(1000);
	EXPECT_EQ(atomic_load(&count), 0);
	atomic_store(&step, 0); /* the task itself goes on */
	smp_call_wait();
	while (rcu_pending())
		rcu_help(1000);
	EXPECT_EQ(atomic_load(&count), 1);
	smp_release();
	atomic_store(&step, 2);
	smp_wait(&task);
}

/* ---- locks ---- */

static struct spinlock lock = SPINLOCK_INIT("smp-test", LOCK_PERCPU);
static unsigned long shared_counter;

static void add_under_lock(void *ctx)
{
	(void)ctx;
	for (unsigned i = 0; i < 20000; i++) {
		spin_lock(&lock);
		shared_counter++;
		spin_unlock(&lock);
	}
}

KTEST(smp, a_lock_keeps_cpus_apart)
{
	struct smp_task task = {.fn = add_under_lock};
	NEEDS_OTHER_CPU(cpu);

	shared_counter = 0;
	ASSERT_EQ(smp_start(cpu, &task), 0);
	add_under_lock(NULL);
	smp_wait(&task);
	EXPECT_EQ(shared_counter, 40000);
}

/* ---- misuse ---- */

KTEST_PANIC(smp, hold_with_a_lock_held, "smp_hold: lock held or in an interrupt")
{
	(void)t;
	spin_lock(&lock);
	smp_hold();
}

KTEST_PANIC(smp, release_without_hold, "smp_release: CPU -1 holds")
{
	(void)t;
	smp_release();
}

/* ---- the end ---- */

static void deaf_for_ever(void *ctx)
{
	arch_irq_disable();
	atomic_store((_Atomic unsigned *)ctx, 1);
	for (;;)
		arch_cpu_relax();
}

/* tests/host/test_cpus.py looks at what the report says of the other CPU. */
KTEST_PANIC(smp, a_panic_stops_a_cpu_with_interrupts_off, "while another CPU hears nothing")
{
	static struct smp_task deaf = {.fn = deaf_for_ever, .ctx = (void *)&step};
	unsigned cpu = other_cpu();

	atomic_store(&step, 0);
	if (cpu < NR_CPUS && !smp_start(cpu, &deaf))
		wait_until(&step, 1);
	panic("the end, while another CPU hears nothing");
}

KTEST(smp, a_clock_that_stands_leaps_or_goes_back_is_no_waiting)
{
	const u64 second = 1000000000;

	EXPECT_EQ(smp_waited(5 * second, 5 * second), 0);
	EXPECT_EQ(smp_waited(5 * second, 5 * second + 7), 7);
	EXPECT_EQ(smp_waited(5 * second, 5 * second - 1), 0);
	EXPECT_EQ(smp_waited(5 * second, 0), 0);
	EXPECT_EQ(smp_waited(5 * second, 500 * second), second);
	EXPECT_EQ(smp_waited(1, ~0UL), second);
}
