/*
 * fields.c - what nodes, sets of CPUs and the queues between CPUs consist of.
 *
 * Idea.       As fields_page.c.
 * Layout.     corrupt_other_views[].
 * Invariants. Each byte of a structure is in its table, or padding (tools/corrupt asks the compiler).
 * Locking.    None: constants.
 * Failure.    None.
 * Next:       live.c.
 */
#include "corrupt.h"

#include "../../kernel/base/rcu_internal.h"
#include "../../kernel/base/smp_internal.h"
#include "../../kernel/base/work_internal.h"

#include <kernel/spinlock.h>
#include <mm/numa.h>

#define REPORTED "text or address for reports"

static const struct corrupt_field node[] = {
	FIELD(struct node, nid),
	FIELD(struct node, online),
	FIELD(struct node, has_memory),
	FIELD(struct node, has_cpus),
	FIELD(struct node, start_pfn),
	FIELD(struct node, end_pfn),
	FIELD(struct node, present),
	FIELD(struct node, managed),
	FIELD(struct node, fallback.zone),
	FIELD(struct node, thisnode.zone),
	NOTHING(struct node, distance, "what firmware says: the part below nr_nodes is node.distance"),
};

static const struct corrupt_field words[] = {WORDS(u64)};
static const struct corrupt_field ints[] = {WORDS(int)};
static const struct corrupt_field bytes[] = {WORDS(u8)};

static const struct corrupt_field rcu[] = {
	NOTHING(struct rcu_cpu, seen, "see rcu.seen: a parked CPU writes its own all the time"),
	FIELD(struct rcu_cpu, fresh.first),
	NOTHING(struct rcu_cpu, fresh.last, "see rcu_cpu.last: of an empty list it says nothing"),
	FIELD(struct rcu_cpu, waiting.first),
	NOTHING(struct rcu_cpu, waiting.last, "see rcu_cpu.last: of an empty list it says nothing"),
	FIELD(struct rcu_cpu, ready.first),
	NOTHING(struct rcu_cpu, ready.last, "see rcu_cpu.last: of an empty list it says nothing"),
	NOTHING(struct rcu_cpu, wait_seq, "says nothing while `waiting` is empty, as here"),
	FIELD(struct rcu_cpu, queued),
	FIELD(struct rcu_cpu, done),
};

static const struct corrupt_field rcu_head[] = {
	FIELD(struct rcu_head, next),
	FIELD(struct rcu_head, func),
};

static const struct corrupt_field state[] = {
	FIELD(struct cpu_state, task),
	FIELD(struct cpu_state, rest),
	FIELD(struct cpu_state, start),
};

static const struct corrupt_field request[] = {
	NOTHING(struct smp_request, fn, "says nothing while no call is under way"),
	NOTHING(struct smp_request, ctx, "says nothing while no call is under way"),
	FIELD(struct smp_request, owed),
};

static const struct corrupt_field mailbox[] = {ARRAY(struct smp_mailbox, from, unsigned long)};

static const struct corrupt_field queue[] = {
	FIELD(struct work_queue, first),
	FIELD(struct work_queue, nr),
	FIELD(struct work_queue, running),
};

static const struct corrupt_field work[] = {
	NOTHING(struct work, name, REPORTED),
	FIELD(struct work, step),
	NOTHING(struct work, period_ns, "any period is one"),
	NOTHING(struct work, pending, "a request: nothing else knows whether there was one"),
	NOTHING(struct work, due_ns, "a hint: when it runs by itself"),
	FIELD(struct work, next),
	FIELD(struct work, cpu),
	FIELD(struct work, registered),
};

static const struct corrupt_field lock[] = {
	FIELD(struct spinlock, next),
	FIELD(struct spinlock, owner),
	FIELD(struct spinlock, rank),
	FIELD(struct spinlock, sub),
	FIELD(struct spinlock, cpu),
	NOTHING(struct spinlock, name, REPORTED),
	NOTHING(struct spinlock, waits, "a statistic"),
};

const struct corrupt_view corrupt_other_views[] = {
	VIEW("node", "numa zone memblock", node, node, live_node),
	MEMORY("node.zonelist", "numa", words, live_zonelist),
	MEMORY("cpumask", "cpus smp", words, live_cpumask),
	MEMORY("cpu_to_node_map", "numa cpus", ints, live_cpu_to_node),
	MEMORY("percpu_offset", "cpus", words, live_percpu_offset),
	MEMORY("node.distance", "numa", bytes, live_distance),
	VIEW("rcu_cpu", "rcu", rcu_cpu, rcu, live_rcu_cpu),
	MEMORY("rcu_cpu.last", "rcu", words, live_rcu_last),
	VIEW("rcu_head", "rcu", rcu_head, rcu_head, live_rcu_head),
	VIEW("cpu_state", "smp", cpu_state, state, live_cpu_state),
	VIEW("smp_request", "smp", smp_request, request, live_request),
	VIEW("smp_mailbox", "smp", smp_mailbox, mailbox, live_mailbox),
	VIEW("work_queue", "work", work_queue, queue, live_work_queue),
	VIEW("work", "work", work, work, live_work),
	VIEW("lock", "lock slab percpu pgtable", spinlock, lock, live_lock),
	{},
};
