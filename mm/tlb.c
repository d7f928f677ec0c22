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
 *             T2  a CPU changes its state to LAZY and ACTIVE itself; others only change LAZY to STALE. Between ACTIVE
 *                 and the flush that is due, with interrupts off, it uses no translation that can change
 * Locking.    None. One word per CPU decides between "marked" and "asked", by compare and exchange: a mark that succeeds
 *             comes before the exchange to ACTIVE, which finds it and flushes; one that fails finds the CPU active, and
 *             asks it. The caller's entries are written before it looks (full barrier). Only the owner
 *             writes its counters; those that interrupts write too, with interrupts off.
 *
 *             No deadlock. Who waits for answers has interrupts on (else it is a BUG, whoever is awake) and answers
 *             meanwhile, so callers that wait for each other all go on. A CPU with interrupts off does not answer; but it
 *             waits only for locks that are taken with interrupts off (rank LOCK_CACHE_NODE and above), or for one that
 *             opens a section (page.c), which waits for nobody. Holders of those locks have interrupts off, so they are
 *             not waiting for answers: the lock of highest rank among them is given back whatever others do, then the
 *             next one, then interrupts come on. Locks of lower rank may be held across a flush: who wants them waits with
 *             interrupts on. Debug builds check each half: at every lock that is waited for, and at every flush and call.
 *             An NMI or a machine check does not end a sleep in this sense: it is the end, and its report may read
 *             through an old translation.
 *             tests/model/tlb.pml has the protocol for a model checker.
 * Failure.    A flush cannot fail. A CPU that never answers is a panic with its number (smp.c).
 * Source.     Linux arch/x86/mm/tlb.c (flush_tlb_kernel_range, tlb_single_page_flush_ceiling, lazy TLB mode),
 *             kernel/base/smp.c.
 * Next:       vmap.c, which puts flushes off and does many at once.
 */
#include <mm/tlb.h>

#include <arch/cpu.h>
#include <arch/irq.h>
#include <arch/layout.h>
#include <arch/tlb.h>
#include <kernel/bug.h>
#include <kernel/percpu.h>
#include <kernel/smp.h>
#include <kernel/spinlock.h>
#include <mm/check.h>

static DEFINE_PER_CPU(struct tlb_stats, tlb_counts);
#define COUNT(what, n) UPDATE_ONCE(this_cpu(tlb_counts).what, +=, n)

enum { TLB_ACTIVE, TLB_LAZY, TLB_STALE };

static struct {
	_Atomic unsigned state;
} __aligned(CACHE_LINE) tlb_state[NR_CPUS];

/* ---- CPUs that sleep ---- */

void tlb_lazy_enter(void)
{
	if (ARCH_TLB_BROADCAST)
		return;
	arch_tlb_lazy(true);
	atomic_store(&tlb_state[arch_cpu_id()].state, TLB_LAZY);
}

void tlb_lazy_exit(void)
{
	if (ARCH_TLB_BROADCAST)
		return;
	/* Active first, then the flush: a mark that comes between would be lost the other way round. */
	if (atomic_exchange(&tlb_state[arch_cpu_id()].state, TLB_ACTIVE) == TLB_STALE) {
		arch_tlb_flush_all_local();
		COUNT(full, 1);
	}
	arch_tlb_lazy(false);
}
SMP_SLEEP_HOOK(tlb, tlb_lazy_enter, tlb_lazy_exit);

/* False: the CPU is active, it has to be asked. */
static bool mark_stale(unsigned cpu)
{
	unsigned state = TLB_LAZY;

	return atomic_compare_exchange_strong(&tlb_state[cpu].state, &state, TLB_STALE) || state == TLB_STALE;
}

/* ---- one shootdown ---- */

static void flush_here(const struct tlb_batch *b)
{
	if (tlb_batch_full(b)) {
		arch_tlb_flush_all_local();
		return;
	}
	for (unsigned i = 0; i < b->nr; i++)
		for (vaddr_t va = b->range[i].start; va < b->range[i].end; va += PAGE_SIZE)
			arch_tlb_flush_page_local(va);
}

/* Where the machine itself asks the others, asleep or not. */
static void flush_everywhere(const struct tlb_batch *b)
{
	arch_tlb_bcast_begin();
	if (tlb_batch_full(b))
		arch_tlb_bcast_all();
	else
		for (unsigned i = 0; i < b->nr; i++)
			arch_tlb_bcast_range(b->range[i].start, b->range[i].end, !b->tables);
	arch_tlb_bcast_end();
}

static void flush_asked(void *ctx)
{
	flush_here(ctx);
	COUNT(ipi_received, 1);
}

/* The other CPUs that have to be asked; those that sleep are marked. */
static unsigned look_at_others(const struct tlb_batch *b, struct cpumask *to_ask)
{
	unsigned me = arch_cpu_id(), cpu, nr = 0;

	full_barrier(); /* the entries are written before anybody's state is looked at */
	for_each_online_cpu (cpu) {
		if (cpu == me)
			continue;
		if (!b->tables && mark_stale(cpu)) {
			COUNT(deferred, 1);
			continue;
		}
		cpumask_set(to_ask, cpu);
		nr++;
	}
	return nr;
}

void tlb_batch_flush(struct tlb_batch *b)
{
	struct cpumask to_ask = {};
	unsigned nr;
	unsigned long flags;

	if (!b->pages)
		return;
	BUG_ON(arch_irq_disabled(), "TLB flush with interrupts off");
	lock_debug_wait();
	nr = ARCH_TLB_BROADCAST ? 0 : look_at_others(b, &to_ask);
	if (nr)
		nr = smp_call_start(&to_ask, flush_asked, b);
	flags = arch_irq_save();
	if (ARCH_TLB_BROADCAST)
		flush_everywhere(b);
	else
		flush_here(b);
	if (tlb_batch_full(b))
		COUNT(full, 1);
	else if (b->pages == 1)
		COUNT(page, 1);
	else
		COUNT(range, 1);
	arch_irq_restore(flags);
	if (nr) {
		COUNT(ipi_sent, nr);
		smp_call_wait();
	}
	tlb_batch_init(b);
}

void tlb_batch_add(struct tlb_batch *b, vaddr_t start, vaddr_t end)
{
	size_t pages = (end - start) >> PAGE_SHIFT;

	BUG_ON(start > end || ((start | end) & ~PAGE_MASK), "TLB flush of [0x%016lx, 0x%016lx)", start, end);
	if (start == end || tlb_batch_full(b))
		return;
	b->pages = pages > TLB_FLUSH_CEILING ? TLB_FLUSH_CEILING + 1 : b->pages + (unsigned)pages;
	if (b->nr && b->range[b->nr - 1].end == start)
		b->range[b->nr - 1].end = end;
	else if (b->nr == TLB_BATCH_RANGES)
		tlb_batch_add_all(b);
	else if (!tlb_batch_full(b))
		b->range[b->nr++] = (struct tlb_range){start, end};
}

void tlb_batch_add_all(struct tlb_batch *b)
{
	b->pages = TLB_FLUSH_CEILING + 1;
}

void tlb_flush_page_local(vaddr_t va)
{
	unsigned long flags = arch_irq_save();

	arch_tlb_flush_page_local(va);
	COUNT(page, 1);
	arch_irq_restore(flags);
}

void tlb_flush_page(vaddr_t va)
{
	va &= PAGE_MASK;
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

/* ---- check ---- */

/* T2, as far as one word shows it. */
static const char *tlb_check(void)
{
	unsigned cpu, me = arch_cpu_id();

	for_each_possible_cpu (cpu)
		if (atomic_load(&tlb_state[cpu].state) > (cpu == me ? TLB_ACTIVE : TLB_STALE))
			return "tlb.T2: a CPU is neither active, asleep, nor asleep with a flush due";
	return NULL;
}
MM_CHECK("tlb", tlb_check);
