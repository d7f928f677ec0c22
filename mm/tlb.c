/*
 * tlb.c - flushes of kernel translations on every CPU that may hold them.
 *
 * Idea.       A CPU may use a translation long after its entry has changed. So whoever takes a mapping away
 *             obeys one order - entry cleared, TLBs flushed everywhere, frame freed, address reused - and the
 *             middle step is here. Ranges are gathered in a batch, and a batch is one shootdown: the other CPUs are
 *             asked by one call, all flush at the same time, the caller waits until they have. Few pages are flushed
 *             one by one; above TLB_FLUSH_CEILING dropping everything is cheaper than as many single flushes and the
 *             misses that follow.
 *             A sleeping CPU is not woken: it is marked, and drops everything before it does anything else.
 * Layout.     per-CPU: struct tlb_stats, counted by the CPU that flushes its own TLB
 *             tlb_state[cpu]: ACTIVE -> LAZY (asleep) -> STALE (asleep, and a flush is due) ; back to ACTIVE
 * Invariants. T1  when a flush returns, no CPU uses a translation of its ranges that was stale when it was called
 *             T2  a CPU changes its state to LAZY and ACTIVE itself, and to ACTIVE only after the flush that is due;
 *                 others only change LAZY to STALE
 * Locking.    None. One word per CPU decides between "marked" and "asked", by compare and exchange: a mark that succeeds
 *             comes before the exchange to ACTIVE, which then fails and flushes; one that fails finds the CPU
 *             active, and asks it. The caller's entries are written before it looks (full barrier). Only the owner
 *             writes its counters; those that interrupts write too, with interrupts off.
 *
 *             No deadlock. Who waits for answers has interrupts on and answers meanwhile, so callers that wait for each
 *             other all go on. A CPU with interrupts off does not answer; but it waits only for locks that are taken
 *             with interrupts off (rank LOCK_CACHE_NODE and above), and their holders have interrupts off, so they cannot
 *             be waiting for answers (smp_call() is a BUG there): the lock of highest rank among them is given back
 *             whatever others do, then the next one, then interrupts come on. Locks of lower rank may be held across a
 *             flush: who wants them waits with interrupts on. Debug builds check both halves at every lock.
 *             tests/model/tlb.pml has the protocol for a model checker.
 * Failure.    A flush cannot fail. A CPU that never answers is a panic with its number (smp.c).
 * Source.     Linux arch/x86/mm/tlb.c (flush_tlb_kernel_range, tlb_single_page_flush_ceiling, lazy TLB mode),
 *             kernel/smp.c.
 * Next:       vmap.c, which puts flushes off and does many at once.
 */
#include <mm/tlb.h>

#include <arch/cpu.h>
#include <arch/irq.h>
#include <arch/layout.h>
#include <arch/tlb.h>
#include <kernel/percpu.h>
#include <kernel/smp.h>

static DEFINE_PER_CPU(struct tlb_stats, tlb_counts);
#define count(what, n) UPDATE_ONCE(this_cpu(tlb_counts).what, +=, n)

enum { TLB_ACTIVE, TLB_LAZY, TLB_STALE };

static struct {
	_Atomic unsigned state;
} __aligned(CACHE_LINE) tlb_state[NR_CPUS];

/* ---- CPUs that sleep ---- */

void tlb_lazy_enter(void)
{
	arch_tlb_lazy(true);
	atomic_store(&tlb_state[arch_cpu_id()].state, TLB_LAZY);
}

void tlb_lazy_exit(void)
{
	_Atomic unsigned *state = &tlb_state[arch_cpu_id()].state;
	unsigned lazy = TLB_LAZY;

	while (!atomic_compare_exchange_strong(state, &lazy, TLB_ACTIVE)) {
		/* Stale. The state goes first: a mark that comes now asks for another flush. */
		atomic_store(state, TLB_LAZY);
		arch_tlb_flush_all_local();
		count(full, 1);
		lazy = TLB_LAZY;
	}
	arch_tlb_lazy(false);
}

/* False: the CPU is active, it has to be asked. */
static bool mark_stale(unsigned cpu)
{
	unsigned state = TLB_LAZY;

	return atomic_compare_exchange_strong(&tlb_state[cpu].state, &state, TLB_STALE) || state == TLB_STALE;
}

/* ---- one shootdown ---- */

static bool is_full(const struct tlb_batch *b)
{
	return b->pages > TLB_FLUSH_CEILING;
}

static void flush_here(const struct tlb_batch *b)
{
	if (is_full(b)) {
		arch_tlb_flush_all_local();
		return;
	}
	for (unsigned i = 0; i < b->nr; i++)
		for (vaddr_t va = b->range[i].start; va < b->range[i].end; va += PAGE_SIZE)
			arch_tlb_flush_page_local(va);
}

static void flush_asked(void *ctx)
{
	flush_here(ctx);
	count(ipi_received, 1);
}

enum who { WHO_MAY_USE_IT, WHO_MAY_WALK };

/* The other CPUs that have to be asked; those that sleep are marked. */
static unsigned look_at_others(enum who who, struct cpumask *to_ask)
{
	unsigned me = arch_cpu_id(), cpu, nr = 0;

	full_barrier(); /* the entries are written before anybody's state is looked at */
	for_each_online_cpu (cpu) {
		if (cpu == me)
			continue;
		if (who == WHO_MAY_USE_IT && mark_stale(cpu)) {
			count(deferred, 1);
			continue;
		}
		cpumask_set(to_ask, cpu);
		nr++;
	}
	return nr;
}

static void shootdown(struct tlb_batch *b, enum who who)
{
	struct cpumask to_ask = {};
	unsigned nr = look_at_others(who, &to_ask);
	unsigned long flags;

	if (nr)
		nr = smp_call_start(&to_ask, flush_asked, b);
	flags = arch_irq_save();
	flush_here(b);
	if (is_full(b))
		count(full, 1);
	else if (b->pages == 1)
		count(page, 1);
	else
		count(range, 1);
	arch_irq_restore(flags);
	if (nr) {
		count(ipi_sent, nr);
		smp_call_wait();
	}
	tlb_batch_init(b);
}

bool tlb_batch_add(struct tlb_batch *b, vaddr_t start, vaddr_t end)
{
	size_t pages = (end - start) >> PAGE_SHIFT;

	if (is_full(b))
		return false;
	if (start >= end)
		return true;
	b->pages = pages > TLB_FLUSH_CEILING ? TLB_FLUSH_CEILING + 1 : b->pages + (unsigned)pages;
	if (b->nr && b->range[b->nr - 1].end == start)
		b->range[b->nr - 1].end = end;
	else if (!is_full(b)) /* a page each at least: there is room */
		b->range[b->nr++] = (struct tlb_range){start, end};
	return !is_full(b);
}

void tlb_batch_add_all(struct tlb_batch *b)
{
	b->pages = TLB_FLUSH_CEILING + 1;
}

void tlb_batch_flush(struct tlb_batch *b)
{
	if (b->pages)
		shootdown(b, WHO_MAY_USE_IT);
}

void tlb_flush_page_local(vaddr_t va)
{
	arch_tlb_flush_page_local(va);
	count(page, 1);
}

void tlb_flush_page(vaddr_t va)
{
	tlb_flush_range(va, va + PAGE_SIZE);
}

void tlb_flush_range(vaddr_t start, vaddr_t end)
{
	struct tlb_batch b;

	tlb_batch_init(&b);
	tlb_batch_add(&b, start, end);
	tlb_batch_flush(&b);
}

void tlb_flush_all(void)
{
	struct tlb_batch b;

	tlb_batch_init(&b);
	tlb_batch_add_all(&b);
	tlb_batch_flush(&b);
}

void tlb_flush_tables(vaddr_t va)
{
	struct tlb_batch b;

	tlb_batch_init(&b);
	tlb_batch_add(&b, va, va + PAGE_SIZE);
	shootdown(&b, WHO_MAY_WALK);
}

void tlb_stats(unsigned cpu, struct tlb_stats *out)
{
	const struct tlb_stats *c = per_cpu_ptr(&tlb_counts, cpu);

	*out = (struct tlb_stats){.page = READ_ONCE(c->page),
				  .range = READ_ONCE(c->range),
				  .full = READ_ONCE(c->full),
				  .ipi_sent = READ_ONCE(c->ipi_sent),
				  .deferred = READ_ONCE(c->deferred),
				  .ipi_received = READ_ONCE(c->ipi_received)};
}
