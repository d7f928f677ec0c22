/*
 * test_cpu_check.c - what is wrong with sets of CPUs, calls, callbacks and works is found, and named.
 *
 * Idea.       As in tests/mm/test_check.c. The other CPUs are held, so that none uses what is broken.
 * Layout.     sets; calls and tasks; callbacks; works.
 * Invariants. Between two EXPECT_BROKEN lines everything is as it was.
 * Locking.    smp_hold().
 * Failure.    What needs another CPU is left out on a machine with one.
 * Next:       ../../kernel/cpu_check.c.
 */
#include "../../kernel/base/rcu_internal.h"
#include "../../kernel/base/smp_internal.h"
#include "../../kernel/base/work_internal.h"
#include "../mm/expect_broken.h"

#include <arch/cpu.h>
#include <kernel/percpu.h>

/* A CPU that may not run: there is room for more than any machine of the tests has. */
static unsigned no_cpu(void)
{
	for (unsigned cpu = NR_CPUS; cpu-- > 0;)
		if (!cpumask_test(&cpu_possible_mask, cpu))
			return cpu;
	return 0;
}

/* Another CPU that runs, else this one. */
static unsigned another(void)
{
	unsigned cpu;

	for_each_online_cpu (cpu)
		if (cpu != arch_cpu_id())
			return cpu;
	return arch_cpu_id();
}

KTEST(cpu_check, names_a_cpu_of_the_wrong_set)
{
	unsigned long bit = 1UL << no_cpu() % 64;

	smp_hold();
	EXPECT_BROKEN_BY("cpus", cpu_possible_mask.bits[no_cpu() / 64], broken | bit, "cpus.P1: possible");
	EXPECT_BROKEN_BY("cpus", cpu_possible_mask.bits[0], 0, "cpus.P1: possible");
	EXPECT_BROKEN_BY("cpus", cpu_online_mask.bits[no_cpu() / 64], broken | bit, "cpus.P1: online");
	EXPECT_BROKEN_BY("cpus", percpu_offset[another()], broken + 8, "cpus.P2: ");
	EXPECT_BROKEN_BY("cpus", percpu_offset[no_cpu()], 8, "cpus.P2: ");
	EXPECT_NULL(check_says("cpus"));
	smp_release();
}

KTEST(cpu_check, names_a_cpu_that_is_online_and_has_not_started)
{
	unsigned cpu = another();

	smp_hold();
	EXPECT_BROKEN_BY("smp", cpu_state[cpu].start, START_GIVEN_UP, "smp.I4: ");
	EXPECT_BROKEN_BY("smp", cpu_state[no_cpu()].start, START_DONE, "smp.I4: ");
	EXPECT_BROKEN_BY("smp", cpu_state[no_cpu()].start, 77, "smp.I4: ");
	EXPECT_NULL(check_says("smp"));
	smp_release();
}

static void nothing(void *ctx)
{
	(void)ctx;
}

KTEST(cpu_check, names_a_call_or_task_that_is_none)
{
	static struct smp_task task = {.fn = nothing};
	unsigned cpu = no_cpu();

	smp_hold();
	EXPECT_BROKEN_BY("smp", smp_request[cpu].owed, 1, "smp.I5: ");
	EXPECT_BROKEN_BY("smp", smp_mailbox[cpu].from[1], 8, "smp.I5: ");
	EXPECT_BROKEN_BY("smp", cpu_state[cpu].rest, REST_IDLE, "smp.I3: ");
	EXPECT_BROKEN_BY("smp", cpu_state[arch_cpu_id()].rest, REST_IDLE, "smp.I3: ");
	if (another() != arch_cpu_id())
		EXPECT_BROKEN_BY("smp", cpu_state[another()].rest, REST_NOT, "smp.I3: ");
	EXPECT_BROKEN_BY("smp", cpu_state[cpu].task, (struct smp_task *)1, "smp.I6: ");
	EXPECT_BROKEN_BY("smp", cpu_state[cpu].task, (struct smp_task *)16, "smp.I6: ");
	cpu_state[cpu].task = &task;
	EXPECT_NULL(check_says("smp"));
	EXPECT_BROKEN_BY("smp", task.done, true, "smp.I6: ");
	EXPECT_BROKEN_BY("smp", task.fn, (void (*)(void *)) & task, "smp.I6: ");
	cpu_state[cpu].task = NULL;
	EXPECT_NULL(check_says("smp"));
	smp_release();
}

static void called_back(struct rcu_head *head)
{
	(void)head;
}

KTEST(cpu_check, names_callbacks_that_are_none)
{
	static struct rcu_head head[3];
	struct rcu_cpu *c = &rcu_cpu[arch_cpu_id()];

	rcu_barrier();
	smp_hold();
	for (unsigned i = 0; i < ARRAY_SIZE(head); i++)
		call_rcu(&head[i], called_back);
	EXPECT_NULL(check_says("rcu"));
	EXPECT_BROKEN_BY("rcu", c->fresh.first, NULL, "rcu.I4: ");
	EXPECT_BROKEN_BY("rcu", c->fresh.first, (struct rcu_head *)8, "rcu.I4: ");
	EXPECT_BROKEN_BY("rcu", c->fresh.last, &head[0].next, "rcu.I4: ");
	EXPECT_BROKEN_BY("rcu", c->ready.first, &head[1], "rcu.I4: ");
	EXPECT_BROKEN_BY("rcu", head[1].next, &head[0], "rcu.I4: ");
	EXPECT_BROKEN_BY("rcu", head[1].next, NULL, "rcu.I4: ");
	EXPECT_BROKEN_BY("rcu", head[1].func, NULL, "rcu.I4: ");
	EXPECT_BROKEN_BY("rcu", c->queued, broken + 1, "rcu.I4: ");
	EXPECT_BROKEN_BY("rcu", c->done, broken + 1, "rcu.I4: ");
	EXPECT_BROKEN_BY("rcu", c->seen, rcu_seq + 1, "rcu.I1: ");
	EXPECT_NULL(check_says("rcu"));
	smp_release();
	rcu_barrier();
}

static bool other_step(void)
{
	return false;
}

KTEST(cpu_check, names_works_that_are_on_no_queue_of_theirs)
{
	struct work_queue *q = &work_queue[arch_cpu_id()];

	ASSERT_NOT_NULL(q->first);
	smp_hold();
	EXPECT_BROKEN_BY("work", q->first, NULL, "work.I4: ");
	EXPECT_BROKEN_BY("work", q->first, (struct work *)8, "work.I4: ");
	EXPECT_BROKEN_BY("work", q->nr, broken + 1, "work.I4: ");
	EXPECT_BROKEN_BY("work", q->first->next, q->first, "work.I4: ");
	EXPECT_BROKEN_BY("work", q->first->cpu, broken + 1, "work.I4: ");
	EXPECT_BROKEN_BY("work", q->first->step, (bool (*)(void))((char *)other_step + 1), "work.I4: ");
	EXPECT_BROKEN_BY("work", q->first->step, other_step, "work.I4: ");
	EXPECT_BROKEN_BY("work", q->running, true, "work.I4: ");
	EXPECT_NULL(check_says("work"));
	smp_release();
}
