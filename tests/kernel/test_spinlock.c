/*
 * test_spinlock.c - locks: holder, depth, tickets across the wrap, interrupts, waits.
 *
 * Idea.       On one CPU a lock that is taken when it should not be never comes back, so what may be taken is
 *             shown by taking it and what may not by trylock, or by the panic of a debug build.
 * Layout.     Ordinary cases; panic cases in debug builds only.
 * Invariants. I1  to I3 of spinlock.c.
 * Locking.    Locks of its own.
 * Failure.    The panic cases end the kernel with the report that their pattern names.
 * Next:       test_printk.c.
 */
#include "other_cpu.h"

#include <kernel/spinlock.h>
#include <kernel/smp.h>
#include <kernel/test.h>

/* Shows spinlock.I2. */
KTEST(spinlock, lock_and_unlock_keep_holder_and_depth)
{
	struct spinlock a, b;
	unsigned depth = this_cpu(lock_depth);

	spin_init(&a, "test-a", LOCK_VMAP, 0);
	spin_init(&b, "test-b", LOCK_PT, 0);
	EXPECT_FALSE(spin_is_held(&a));
	spin_lock(&a);
	EXPECT_TRUE(spin_is_held(&a));
	spin_lock(&b);
	EXPECT_EQ(this_cpu(lock_depth), depth + 2);
	spin_unlock(&a); /* not in the order of taking */
	EXPECT_FALSE(spin_is_held(&a));
	EXPECT_TRUE(spin_is_held(&b));
	spin_unlock(&b);
	EXPECT_EQ(this_cpu(lock_depth), depth);
	EXPECT_EQ(a.waits + b.waits, 0);
}

KTEST(spinlock, trylock_takes_a_free_lock_only)
{
	struct spinlock a;
	unsigned depth = this_cpu(lock_depth);

	spin_init(&a, "test-a", LOCK_VMAP, 0);
	EXPECT_TRUE(spin_trylock(&a));
	EXPECT_FALSE(spin_trylock(&a));
	EXPECT_EQ(this_cpu(lock_depth), depth + 1);
	spin_unlock(&a);
	EXPECT_TRUE(spin_trylock(&a));
	spin_unlock(&a);
	EXPECT_EQ(this_cpu(lock_depth), depth);
}

KTEST(spinlock, trylock_may_go_against_the_order)
{
	struct spinlock low, high;

	spin_init(&low, "test-low", LOCK_CACHE_LIST, 0);
	spin_init(&high, "test-high", LOCK_PT, 0);
	spin_lock(&high);
	EXPECT_TRUE(spin_trylock(&low));
	spin_unlock(&high);
	spin_unlock(&low);
}

KTEST(spinlock, one_rank_is_taken_by_ascending_sub)
{
	struct spinlock node0, node1;

	spin_init(&node0, "test-node0", LOCK_PT, 0);
	spin_init(&node1, "test-node1", LOCK_PT, 1);
	spin_lock(&node0);
	spin_lock(&node1);
	EXPECT_TRUE(spin_is_held(&node1));
	spin_unlock(&node1);
	spin_unlock(&node0);
}

/* Shows spinlock.I1. */
KTEST(spinlock, tickets_wrap_around)
{
	struct spinlock a;

	spin_init(&a, "test-a", LOCK_VMAP, 0);
	a.next = a.owner = ~0U - 1;
	for (int i = 0; i < 4; i++) {
		spin_lock(&a);
		EXPECT_FALSE(spin_trylock(&a));
		spin_unlock(&a);
	}
	EXPECT_EQ(a.next, 2);
	EXPECT_EQ(a.owner, 2);
}

static void lock_and_unlock(void *lock)
{
	spin_lock(lock);
	spin_unlock(lock);
}

KTEST(spinlock, a_wait_is_counted_by_its_lock_and_its_rank)
{
	struct spinlock a;
	struct smp_task task = {.fn = lock_and_unlock, .ctx = &a};
	u64 before[NR_LOCK_RANKS];
	NEEDS_OTHER_CPU(cpu);

	spin_init(&a, "test-a", LOCK_PERCPU, 0);
	for (unsigned rank = 1; rank < NR_LOCK_RANKS; rank++) {
		EXPECT_NOT_NULL(lock_rank_name[rank]);
		before[rank] = lock_waits((enum lock_rank)rank);
	}
	ASSERT_EQ(smp_start(cpu, &task), 0);
	spin_lock(&a);
	while (!atomic_load(&a.waits) && !atomic_load(&task.done)) /* it may have come first */
		arch_cpu_relax();
	spin_unlock(&a);
	smp_wait(&task);
	EXPECT_LE(atomic_load(&a.waits), 1);
	EXPECT_EQ(lock_waits(LOCK_PERCPU) - before[LOCK_PERCPU], atomic_load(&a.waits));
	EXPECT_EQ(lock_waits(LOCK_PT), before[LOCK_PT]);
}

KTEST(spinlock, irqsave_restores_what_was)
{
	struct spinlock a;
	unsigned long flags, outer;

	spin_init(&a, "test-a", LOCK_ZONE, 0);
	EXPECT_FALSE(arch_irq_disabled());
	flags = spin_lock_irqsave(&a);
	EXPECT_TRUE(arch_irq_disabled());
	spin_unlock_irqrestore(&a, flags);
	EXPECT_FALSE(arch_irq_disabled());

	outer = arch_irq_save();
	flags = spin_lock_irqsave(&a);
	spin_unlock_irqrestore(&a, flags);
	EXPECT_TRUE(arch_irq_disabled());
	arch_irq_restore(outer);
	EXPECT_FALSE(arch_irq_disabled());
}

#ifdef CONFIG_DEBUG

static struct spinlock low = SPINLOCK_INIT("test-low", LOCK_CACHE_LIST);
static struct spinlock high = SPINLOCK_INIT("test-high", LOCK_PT);
static struct spinlock irq_lock = SPINLOCK_INIT("test-irq", LOCK_ZONE);

/* Shows spinlock.I3. */
KTEST_PANIC(spinlock, a_step_down_is_a_panic, "lock order: test-low (rank 1.0) taken while holding test-high")
{
	spin_lock(&high);
	spin_lock(&low);
}

KTEST_PANIC(spinlock, taking_twice_is_a_panic, "lock order: test-low taken again by its holder")
{
	spin_lock(&low);
	spin_lock(&low);
}

KTEST_PANIC(spinlock, release_by_a_stranger_is_a_panic,
	    "lock test-low released by CPU 0, which does not hold it")
{
	spin_unlock(&low);
}

static void lock_nothing(void *ctx)
{
	(void)ctx;
}

/* With one CPU it is none: nobody can be waited for. */
KTEST_PANIC(spinlock, waiting_for_an_irqs_on_lock_with_irqs_off_is_a_bug, "test-low is an IRQs-on lock")
{
	cpumask_set(&cpu_online_mask, arch_cpu_id() + 1); /* never asked: the kernel ends here */
	arch_irq_disable();
	spin_lock(&low);
}

KTEST_PANIC(spinlock, a_call_with_an_irqs_off_lock_held_is_a_bug,
	    "waiting for other CPUs while holding test-irq")
{
	arch_irq_disable();
	spin_lock(&irq_lock);
	arch_irq_enable();
	smp_call_all(lock_nothing, NULL);
}

KTEST_PANIC(spinlock, an_irqs_off_lock_with_irqs_on_is_a_bug, "test-irq is an IRQs-off lock")
{
	spin_lock(&irq_lock);
}

#endif
