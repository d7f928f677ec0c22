/*
 * tlb.c - flushes of kernel translations on every CPU that may hold them.
 *
 * Idea.       A CPU may use a translation long after its entry has changed. So memory is unmapped in
 *             one order: entry cleared, TLBs flushed everywhere, frame freed, address reused. This file
 *             does the second step. Ranges are collected in a batch, and a batch is one shootdown: one
 *             call runs the flush on the other CPUs, all flush at the same time, and the caller waits
 *             for the last one. Up to TLB_FLUSH_CEILING pages are flushed one by one. Above that, one
 *             full flush costs less than that many single flushes plus the later misses. A sleeping CPU
 *             is not woken: the caller marks it, and it flushes everything before it does anything
 *             else.
 * Layout.     Per CPU: struct tlb_stats, counted by the CPU that flushes its own TLB, and one state
 *             word:
 *
 *              ACTIVE --- tlb_lazy_enter() ---> LAZY (asleep) --- a shootdown ---> STALE (asleep, flush due)
 *                 ^                               |                                              |
 *                 +------- tlb_lazy_exit() -------+---------- tlb_lazy_exit(), full flush -------+
 *
 * Invariants. T1  when a flush returns, no CPU uses a translation of its ranges that was stale when it
 *                 was called
 *             T2  a CPU itself changes its state to LAZY and to ACTIVE; other CPUs only change LAZY to
 *                 STALE. Between ACTIVE and the flush that is due, with interrupts off, the CPU uses no
 *                 translation that can change
 * Locking.    No lock. The state word decides by compare-and-exchange whether a CPU is marked or
 *             called. If the mark succeeds, it comes before the exchange to ACTIVE, and the woken CPU
 *             sees it and flushes. If it fails, the CPU is active and gets a call. A full barrier
 *             orders the caller's entry writes before its reads of the states. Only the owner writes
 *             its counters; those that interrupts also write are written with interrupts off.
 * Deadlock.   A CPU that waits for answers has interrupts on (else BUG) and answers calls meanwhile. So
 *             callers that wait for each other all proceed. A CPU with interrupts off does not answer.
 *             It can only wait for a lock that is taken with interrupts off (rank LOCK_CACHE_NODE and
 *             above), or for an opener of a section (page.c), which waits for no CPU. Holders of those
 *             locks have interrupts off, so they do not wait for answers. The holder of the lock of
 *             highest rank therefore releases it, then the next one, and then interrupts are enabled. A
 *             lock of lower rank may be held across a flush: a CPU that waits for it has interrupts on.
 *             Debug builds check both halves: at every lock that is waited for, and at every flush and
 *             call. An NMI or a machine check does not end a sleep in this sense: the machine stops,
 *             and its report may read through an old translation. tests/model/tlb.pml has the protocol
 *             for a model checker.
 * Failure.    A flush cannot fail. If a CPU never answers, the caller panics with its number (smp.c).
 * Source.     Linux arch/x86/mm/tlb.c (flush_tlb_kernel_range, tlb_single_page_flush_ceiling, lazy TLB
 *             mode), kernel/smp.c.
 * Next:       vmap.c, which delays flushes and does many at once.
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

/* ---- sleeping CPUs ---- */

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
	/*
	 * The state changes first. If the flush came first, a mark set between the two would be lost.
	 */
	if (atomic_exchange(&tlb_state[arch_cpu_id()].state, TLB_ACTIVE) == TLB_STALE) {
		arch_tlb_flush_all_local();
		COUNT(full, 1);
	}
	arch_tlb_lazy(false);
}
SMP_SLEEP_HOOK(tlb, tlb_lazy_enter, tlb_lazy_exit);

/* Marks the CPU as stale if it sleeps. Returns false if it is active and needs a call. */
static bool mark_stale(unsigned cpu)
{
	unsigned state = TLB_LAZY;

	return atomic_compare_exchange_strong(&tlb_state[cpu].state, &state, TLB_STALE) || state == TLB_STALE;
}

/* ---- one shootdown ---- */

/* Flushes the batch on this CPU. */
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

/* Flushes by broadcast instructions, which reach the other CPUs whether they sleep or not. */
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

/* Handler of the call on another CPU. */
static void flush_asked(void *ctx)
{
	flush_here(ctx);
	COUNT(ipi_received, 1);
}

/*
 * Marks the sleeping CPUs and adds the others to *to_ask. If tables change, it adds sleeping CPUs, too.
 * Returns the number added.
 */
static unsigned look_at_others(const struct tlb_batch *b, struct cpumask *to_ask)
{
	unsigned me = arch_cpu_id(), cpu, nr = 0;

	/* Orders the entry writes before the reads of the states. */
	full_barrier();
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
