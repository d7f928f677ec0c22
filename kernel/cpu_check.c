/*
 * cpu_check.c - the checks of kernel/base: CPUs, calls, callbacks, deferred work.
 *
 * Idea.       A check reads structures that may be damaged with the functions of <mm/check_walk.h>. kernel/base may not use
 *             mm/, so its checks are here. They test the invariants in the heads of its files.
 * Layout.     One check for each file: cpus.c, smp.c, rcu.c, work.c.
 * Locking.    None: all other CPUs are stopped. If they run, the parts that need a stop are left out.
 * Failure.    A check returns a text that names the invariant and the CPU.
 * Next:       shell/shell.c.
 */
#include "base/rcu_internal.h"
#include "base/smp_internal.h"
#include "base/work_internal.h"

#include <arch/cpu.h>
#include <arch/layout.h>
#include <kernel/cpus.h>
#include <kernel/percpu.h>
#include <kernel/printk.h>
#include <kernel/sections.h>
#include <mm/check.h>
#include <mm/check_walk.h>

static char wrong[96];

static const char *complain(const char *what, unsigned cpu)
{
	snprintf(wrong, sizeof(wrong), "%s: CPU %u", what, cpu);
	return wrong;
}

/* ---- CPUs: cpus.c ---- */

static const char *cpus_check(void)
{
	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++) {
		bool possible = cpu == 0 || (cpu < nr_cpu_info && cpu_info[cpu].enabled);
		vaddr_t window = PERCPU_BASE + cpu * PERCPU_STRIDE;

		if (cpumask_test(&cpu_possible_mask, cpu) != possible)
			return complain("cpus.P1: possible differs from firmware's list", cpu);
		if (cpumask_test(&cpu_online_mask, cpu) && !possible)
			return complain("cpus.P1: online and not possible", cpu);
		if (percpu_offset[cpu] != (possible ? window - (vaddr_t)__percpu_start : 0))
			return complain("cpus.P2: its variables are not in its window", cpu);
	}
	return NULL;
}
MM_CHECK_RANKED("cpus", cpus_check, CHECK_RANK_MEMORY);

/* ---- calls, rests, tasks: smp.c ---- */

/* I6. The probe reads the task because a task on a stack is not kernel memory on every port. */
static bool task_is_sound(struct smp_task *task)
{
	struct smp_task copy;

	if (!task)
		return true;
	return (unsigned long)task % __alignof__(*task) == 0 &&
	       arch_probe_read(&copy, (unsigned long)task, sizeof(copy)) == sizeof(copy) &&
	       check_function(copy.fn) && !copy.done;
}

/* I1, I5: for a CPU that is stopped. */
static bool call_is_over(unsigned cpu)
{
	if (atomic_load(&smp_request[cpu].owed))
		return false;
	for (unsigned word = 0; word < ARRAY_SIZE(smp_mailbox[cpu].from); word++)
		if (atomic_load(&smp_mailbox[cpu].from[word]))
			return false;
	return true;
}

/* I3. The holder itself is running. */
static bool rest_is_sound(unsigned cpu)
{
	unsigned rest = atomic_load(&cpu_state[cpu].rest);

	if (cpu == arch_cpu_id() || !cpumask_test(&cpu_online_mask, cpu))
		return rest == REST_NOT;
	return rest == REST_PARKED || rest == REST_IDLE;
}

static const char *smp_check(void)
{
	const bool held = atomic_load(&smp_holder) == (int)arch_cpu_id();

	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++) {
		unsigned start = atomic_load(&cpu_state[cpu].start);

		if ((start == START_DONE) != cpumask_test(&cpu_online_mask, cpu) || start > START_GIVEN_UP)
			return complain("smp.I4: its start state and the online mask disagree", cpu);
		if (!task_is_sound(atomic_load(&cpu_state[cpu].task)))
			return complain("smp.I6: its task is done or damaged", cpu);
		if (held && !call_is_over(cpu))
			return complain("smp.I5: a call is under way", cpu);
		if (held && !rest_is_sound(cpu))
			return complain("smp.I3: held, and not at rest", cpu);
	}
	return NULL;
}
MM_CHECK("smp", smp_check);

/* ---- callbacks: rcu.c ---- */

/* Adds the number of callbacks on the list to *nr and fails if it exceeds `most`. */
static bool callbacks_are_sound(const struct rcu_list *list, u64 most, u64 *nr)
{
	struct rcu_head *const *link = &list->first;

	for (; *link; link = &(*link)->next)
		if (++*nr > most || !check_object(*link, sizeof(**link), sizeof(long)) ||
		    !check_function((*link)->func))
			return false;
	return !list->first || list->last == link;
}

static const char *rcu_check(void)
{
	const u64 seq = atomic_load(&rcu_seq);

	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++) {
		const struct rcu_cpu *c = &rcu_cpu[cpu];
		u64 seen = atomic_load(&c->seen), done = atomic_load(&c->done);
		u64 pending = atomic_load(&c->queued) - done, nr = 0;

		if ((seen > seq && seen != RCU_IDLE) || (c->waiting.first && c->wait_seq > seq))
			return complain("rcu.I1: it has seen, or waits for, a period that has not begun",
					cpu);
		if (!callbacks_are_sound(&c->ready, pending, &nr) ||
		    !callbacks_are_sound(&c->waiting, pending, &nr) ||
		    !callbacks_are_sound(&c->fresh, pending, &nr) || nr != pending)
			return complain("rcu.I4: its lists are not those of its pending callbacks", cpu);
	}
	return NULL;
}
MM_CHECK("rcu", rcu_check);

/* ---- deferred work: work.c ---- */

static bool queue_is_sound(const struct work_queue *q, unsigned cpu)
{
	const struct work *w = q->first;
	unsigned nr = 0;

	for (; w && nr < q->nr; w = w->next, nr++)
		if (!check_object(w, sizeof(*w), sizeof(long)) || w->cpu != cpu || !check_function(w->step) ||
		    w->step != w->registered)
			return false;
	return !w && nr == q->nr;
}

/* `running` is false on this CPU and on sleeping CPUs. Another CPU may have been stopped while one of its steps waits. */
static bool running_is_sound(const struct work_queue *q, unsigned cpu)
{
	bool may_run = cpu != arch_cpu_id() && atomic_load(&cpu_state[cpu].rest) != REST_IDLE;

	return *(const u8 *)&q->running <= may_run;
}

static const char *work_check(void)
{
	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++) {
		const struct work_queue *q = &work_queue[cpu];

		if (queue_is_sound(q, cpu) && running_is_sound(q, cpu))
			continue;
		snprintf(wrong, sizeof(wrong), "work.I4: a queue of %u works is none: CPU %u", q->nr, cpu);
		return wrong;
	}
	return NULL;
}
MM_CHECK("work", work_check);
