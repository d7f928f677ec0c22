/*
 * spinlock.c - the slow path of spinlocks, and the rank check of debug builds.
 *
 * Idea.       A ticket lock serves waiters in the order of their arrival. The rank check finds a possible deadlock even if
 *             the run does not deadlock: every lock has a (rank, sub), and a CPU may take locks in ascending order only.
 * Layout.     struct spinlock { next, owner } and a per-CPU lock_depth. Debug builds add the held locks, in the order of
 *             taking. A CPU that has to wait counts the wait, in the lock and by rank.
 * Invariants. I1  next - owner == waiters + holder, modulo 2^32
 *             I2  lock_depth of a CPU == number of locks whose `cpu` is that CPU
 *             I3  (debug) a lock that is waited for is above all held ones in (rank, sub); trylock does not wait and is
 *                 exempt
 * Failure.    A wait of 2^31 rounds, a violation of the order, or a release by a CPU that does not hold the lock is a panic
 *             that names the locks.
 * Next:       printk.c.
 */
#include <kernel/spinlock.h>

#include <kernel/cpumask.h>
#include <kernel/printk.h>

enum { HELD_MAX = 16 };
#define SPIN_ROUNDS_MAX (1UL << 31)

DEFINE_PER_CPU(unsigned, lock_depth);
static DEFINE_PER_CPU(long, rank_waits[NR_LOCK_RANKS]);

const char *const lock_rank_name[NR_LOCK_RANKS] = {
	[LOCK_CACHE_LIST] = "cache_list", [LOCK_VMAP] = "vmap", [LOCK_PERCPU] = "percpu",   [LOCK_PT] = "pt",
	[LOCK_CACHE_NODE] = "cache_node", [LOCK_ZONE] = "zone", [LOCK_CONSOLE] = "console",
};

void spin_init(struct spinlock *lock, const char *name, enum lock_rank rank, unsigned sub)
{
	*lock = (struct spinlock)SPINLOCK_INIT(name, rank);
	lock->sub = (u8)sub;
}

void spin_wait(struct spinlock *lock, u32 ticket)
{
	atomic_fetch_add_explicit(&lock->waits, 1, memory_order_relaxed);
	this_cpu_add(rank_waits[lock->rank], 1);
	for (u64 round = 0; round < SPIN_ROUNDS_MAX; round++) {
		if (atomic_load_explicit(&lock->owner, memory_order_acquire) == ticket)
			return;
		arch_cpu_relax();
	}
	panic("lock %s: CPU %u waited 2^31 rounds for its turn, holder is CPU %d", lock->name, arch_cpu_id(),
	      READ_ONCE(lock->cpu));
}

bool spin_is_free(const struct spinlock *lock, enum lock_rank rank, unsigned sub)
{
	return atomic_load_explicit(&lock->next, memory_order_relaxed) ==
		       atomic_load_explicit(&lock->owner, memory_order_relaxed) &&
	       lock->cpu == -1 && lock->rank == rank && lock->sub == (u8)sub;
}

u64 lock_waits(enum lock_rank rank)
{
	u64 sum = 0;
	unsigned cpu;

	for_each_possible_cpu (cpu)
		sum += (u64)READ_ONCE(per_cpu(rank_waits[rank], cpu));
	return sum;
}

#ifdef CONFIG_DEBUG

struct held_locks {
	unsigned nr;
	struct spinlock *lock[HELD_MAX];
};
static DEFINE_PER_CPU(struct held_locks, held_locks);

static void lock_check_order(const struct held_locks *held, const struct spinlock *lock)
{
	for (unsigned i = 0; i < held->nr; i++) {
		const struct spinlock *h = held->lock[i];

		if (h == lock)
			panic("lock order: %s taken again by its holder, CPU %u", lock->name, arch_cpu_id());
		if (h->rank > lock->rank || (h->rank == lock->rank && h->sub >= lock->sub))
			panic("lock order: %s (rank %u.%u) taken while holding %s (rank %u.%u)", lock->name,
			      lock->rank, lock->sub, h->name, h->rank, h->sub);
	}
}

/* Interrupts are off while the array changes, because a handler pushes and pops its own locks. */
void lock_debug_acquire(struct spinlock *lock, bool tried)
{
	struct held_locks *held = this_cpu_ptr(&held_locks);
	unsigned long flags;

	BUG_ON(lock->rank >= LOCK_CACHE_NODE && !arch_irq_disabled(),
	       "lock %s is an IRQs-off lock, taken with interrupts on", lock->name);
	BUG_ON(lock->rank < LOCK_CACHE_NODE && !tried && arch_irq_disabled() &&
		       cpumask_weight(&cpu_online_mask) > 1,
	       "lock %s is an IRQs-on lock, waited for with interrupts off: its holder may wait for this CPU",
	       lock->name);
	flags = arch_irq_save();
	if (!tried)
		lock_check_order(held, lock);
	BUG_ON(held->nr == HELD_MAX, "lock %s: more than %d locks held", lock->name, HELD_MAX);
	held->lock[held->nr++] = lock;
	arch_irq_restore(flags);
}

void lock_debug_release(struct spinlock *lock)
{
	unsigned long flags = arch_irq_save();
	struct held_locks *held = this_cpu_ptr(&held_locks);
	unsigned i = held->nr;

	while (i && held->lock[i - 1] != lock)
		i--;
	if (!i)
		panic("lock %s released by CPU %u, which does not hold it (holder: CPU %d)", lock->name,
		      arch_cpu_id(), lock->cpu);
	for (held->nr--; i <= held->nr; i++)
		held->lock[i - 1] = held->lock[i];
	arch_irq_restore(flags);
}

void lock_debug_wait(void)
{
	const struct held_locks *held = this_cpu_ptr(&held_locks);

	for (unsigned i = 0; i < held->nr; i++)
		BUG_ON(held->lock[i]->rank >= LOCK_CACHE_NODE,
		       "waiting for other CPUs while holding %s, an IRQs-off lock", held->lock[i]->name);
}

void lock_print_held(unsigned cpu)
{
	const struct held_locks *held = per_cpu_ptr(&held_locks, cpu);

	for (unsigned i = 0; i < held->nr && i < HELD_MAX; i++)
		printk(LOG_EMERG, "held lock %u: %s (rank %u.%u)\n", i, held->lock[i]->name,
		       held->lock[i]->rank, held->lock[i]->sub);
}

#else

void lock_print_held(unsigned cpu)
{
	unsigned depth = per_cpu(lock_depth, cpu);

	if (depth)
		printk(LOG_EMERG, "held locks: %u (VARIANT=debug names them)\n", depth);
}

#endif
