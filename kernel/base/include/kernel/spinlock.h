#ifndef KERNEL_SPINLOCK_H
#define KERNEL_SPINLOCK_H

/*
 * Fair spinlocks (tickets) with a rank. Locks are taken in ascending rank; two of one rank in ascending order of `sub` (the
 * node id). Debug builds keep the held locks per CPU. They panic on a violation of the order, on a release by another
 * CPU, and if an "IRQs off" lock is taken with interrupts on. Every build counts the locks that a CPU holds, for direct
 * reclaim.
 */

#include <arch/cpu.h>
#include <arch/irq.h>
#include <kernel/bug.h>
#include <kernel/percpu.h>
#include <kernel/types.h>
#include <stdatomic.h>

enum lock_rank {
	LOCK_CACHE_LIST = 1, /* list of caches; create, destroy, reap          IRQs on */
	LOCK_VMAP,	     /* ranges of virtual addresses                    IRQs on */
	LOCK_PERCPU,	     /* maps of the per-CPU chunks                     IRQs on */
	LOCK_PT,	     /* installing and removing page tables            IRQs on */
	LOCK_CACHE_NODE,     /* one cache's slab lists on one node         IRQs off */
	LOCK_ZONE,	     /* free_area[] and counters of a zone             IRQs off */
	LOCK_CONSOLE,	     /* output                                         IRQs off */
	NR_LOCK_RANKS
};

struct spinlock {
	_Atomic u32 next, owner; /* tickets: next to be taken, currently served */
	u8 rank;
	u8 sub;
	s16 cpu; /* holder, for reports; -1: free */
	const char *name;
	_Atomic u64 waits; /* number of times that the lock was found taken */
};

#define SPINLOCK_INIT(lock_name, lock_rank)                         \
	{                                                           \
		.rank = (lock_rank), .cpu = -1, .name = (lock_name) \
	}

DECLARE_PER_CPU(unsigned, lock_depth); /* locks that this CPU holds */

void spin_init(struct spinlock *lock, const char *name, enum lock_rank rank, unsigned sub);
void spin_wait(struct spinlock *lock, u32 ticket) __cold; /* panics after 2^31 rounds */
/* Number of times that a lock of this rank was found taken, on all CPUs since boot. */
u64 lock_waits(enum lock_rank rank);
/* Names of the ranks' locks. */
extern const char *const lock_rank_name[NR_LOCK_RANKS];
#ifdef CONFIG_DEBUG
void lock_debug_acquire(struct spinlock *lock, bool tried);
void lock_debug_release(struct spinlock *lock);
/* Asserts that this CPU may wait for other CPUs: it holds no lock that others wait for with interrupts off. */
void lock_debug_wait(void);
#else
static inline void lock_debug_acquire(struct spinlock *lock, bool tried)
{
	(void)lock;
	(void)tried;
}
static inline void lock_debug_release(struct spinlock *lock)
{
	(void)lock;
}
static inline void lock_debug_wait(void)
{
}
#endif
/*
 * For checks: whether the lock is free and has this rank. While all other CPUs are stopped every lock must be free. A check
 * tests this before it takes a lock, because a wait for a damaged lock would never end.
 */
bool spin_is_free(const struct spinlock *lock, enum lock_rank rank, unsigned sub);
/* For panics: prints the locks that this CPU or a stopped CPU holds. */
void lock_print_held(unsigned cpu);

static inline void spin_lock(struct spinlock *lock)
{
	u32 ticket;

	lock_debug_acquire(lock, false);
	ticket = atomic_fetch_add_explicit(&lock->next, 1, memory_order_relaxed);
	if (unlikely(atomic_load_explicit(&lock->owner, memory_order_acquire) != ticket))
		spin_wait(lock, ticket);
	lock->cpu = (s16)arch_cpu_id();
	this_cpu(lock_depth)++;
}

static inline bool spin_trylock(struct spinlock *lock)
{
	/* This acquire pairs with the release in spin_unlock(). */
	u32 owner = atomic_load_explicit(&lock->owner, memory_order_acquire);

	if (!atomic_compare_exchange_strong_explicit(&lock->next, &owner, owner + 1, memory_order_acquire,
						     memory_order_relaxed))
		return false;
	lock_debug_acquire(lock, true);
	lock->cpu = (s16)arch_cpu_id();
	this_cpu(lock_depth)++;
	return true;
}

static inline void spin_unlock(struct spinlock *lock)
{
	lock_debug_release(lock);
	this_cpu(lock_depth)--;
	lock->cpu = -1;
	atomic_store_explicit(&lock->owner, atomic_load_explicit(&lock->owner, memory_order_relaxed) + 1,
			      memory_order_release);
}

static inline bool spin_is_held(struct spinlock *lock)
{
	return lock->cpu == (s16)arch_cpu_id();
}

static inline unsigned long spin_lock_irqsave(struct spinlock *lock)
{
	unsigned long flags = arch_irq_save();

	spin_lock(lock);
	return flags;
}

static inline void spin_unlock_irqrestore(struct spinlock *lock, unsigned long flags)
{
	spin_unlock(lock);
	arch_irq_restore(flags);
}

#define lock_assert_held(lock) MM_ASSERT(spin_is_held(lock))

#endif
