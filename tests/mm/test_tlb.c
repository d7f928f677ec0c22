/*
 * test_tlb.c - after a flush the CPU sees the new entry, and only the flush makes it.
 *
 * Idea.       Touch an address, change its entry, flush, touch again: the new entry must be in force. Without
 *             the flush a CPU may answer either way, so a stale answer is never asked for; but an emulator
 *             (and nearly every CPU) keeps an entry that was used a moment ago, so these cases fail when a
 *             flush is taken out.
 * Layout.     two frames with different contents, a scratch range whose entries are switched between them.
 * Invariants. The entry is changed in place by its owner, the case.
 * Locking.    None.
 * Failure.    None expected.
 * Next:       test_vmalloc.c.
 */
#include "scratch.h"

#include <arch/cpu.h>
#include <arch/irq.h>
#include <kernel/errno.h>
#include <kernel/percpu.h>
#include <kernel/smp.h>
#include <kernel/string.h>
#include <kernel/test.h>
#include <mm/page_alloc.h>

enum { MAX_PAGES = TLB_FLUSH_CEILING + 1, OLD = 0x01d, NEW = 0x2e3 };

struct pair {
	struct page *old, *new;
	struct scratch s;
};

static void switch_to(const struct pair *p, unsigned page, const struct page *frame)
{
	arch_pte_write(pt_slot(p->s.va + page * PAGE_SIZE, 0), arch_pte_leaf(page_to_phys(frame), PT_RW, 0));
	arch_pt_sync();
}

/* nr pages that all show the old frame and were just read. */
static bool pair_get(struct pair *p, unsigned nr)
{
	p->old = alloc_page(GFP_KERNEL);
	p->new = alloc_page(GFP_KERNEL);
	if (!p->old || !p->new || !scratch_get(&p->s, nr * PAGE_SIZE, PAGE_SIZE) ||
	    pt_populate(p->s.va, nr * PAGE_SIZE, 0, GFP_KERNEL))
		return false;
	poke((vaddr_t)page_address(p->old), OLD);
	poke((vaddr_t)page_address(p->new), NEW);
	for (unsigned i = 0; i < nr; i++)
		switch_to(p, i, p->old);
	for (unsigned i = 0; i < nr; i++)
		peek(p->s.va + i * PAGE_SIZE);
	return true;
}

static void pair_put(struct pair *p)
{
	scratch_put(&p->s);
	__free_page(p->old);
	__free_page(p->new);
}

static void expect_new(struct ktest *t, const struct pair *p, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++)
		EXPECT_EQ(peek(p->s.va + i * PAGE_SIZE), NEW);
}

KTEST(tlb, page_flush_shows_the_new_frame)
{
	struct pair p;

	ASSERT_TRUE(pair_get(&p, 1));
	switch_to(&p, 0, p.new);
	tlb_flush_page(p.s.va);
	expect_new(t, &p, 1);
	pair_put(&p);
}

KTEST(tlb, local_page_flush_shows_the_new_frame)
{
	struct pair p;

	ASSERT_TRUE(pair_get(&p, 1));
	arch_pte_write(pt_slot(p.s.va, 0), arch_pte_leaf(page_to_phys(p.old), PT_RW | PT_LOCAL, 0));
	tlb_flush_page(p.s.va); /* from here on it is this CPU's own */
	EXPECT_EQ(peek(p.s.va), OLD);
	switch_to(&p, 0, p.new);
	tlb_flush_page_local(p.s.va);
	expect_new(t, &p, 1);
	pair_put(&p);
}

KTEST(tlb, full_flush_shows_the_new_frames)
{
	struct pair p;

	ASSERT_TRUE(pair_get(&p, MAX_PAGES));
	for (unsigned i = 0; i < MAX_PAGES; i++)
		switch_to(&p, i, p.new);
	tlb_flush_all();
	expect_new(t, &p, MAX_PAGES);
	pair_put(&p);
}

/* Below, at and above the border between single flushes and a full one. */
KTEST(tlb, range_flush_covers_its_whole_range)
{
	const unsigned sizes[] = {1, 2, TLB_FLUSH_CEILING - 1, TLB_FLUSH_CEILING, TLB_FLUSH_CEILING + 1};

	for (unsigned n = 0; n < ARRAY_SIZE(sizes); n++) {
		struct pair p;

		ASSERT_TRUE(pair_get(&p, sizes[n]));
		for (unsigned i = 0; i < sizes[n]; i++)
			switch_to(&p, i, p.new);
		tlb_flush_range(p.s.va, p.s.va + sizes[n] * PAGE_SIZE);
		expect_new(t, &p, sizes[n]);
		pair_put(&p);
	}
}

KTEST(tlb, flush_after_protect_makes_the_page_read_only)
{
	struct pair p;

	ASSERT_TRUE(pair_get(&p, 1));
	EXPECT_EQ(arch_probe(p.s.va, ARCH_WRITE), 0);
	EXPECT_EQ(pt_protect(p.s.va, PAGE_SIZE, PT_READ), 0);
	tlb_flush_page(p.s.va);
	EXPECT_EQ(arch_probe(p.s.va, ARCH_WRITE), -EFAULT);
	EXPECT_EQ(arch_probe(p.s.va, ARCH_READ), 0);
	pair_put(&p);
}

/* Shows tlb.T1. */
KTEST(tlb, flush_after_unmap_makes_the_page_fault)
{
	struct pair p;

	ASSERT_TRUE(pair_get(&p, 2));
	pt_unmap(p.s.va, 2 * PAGE_SIZE);
	tlb_flush_range(p.s.va, p.s.va + 2 * PAGE_SIZE);
	EXPECT_EQ(arch_probe(p.s.va, ARCH_READ), -EFAULT);
	EXPECT_EQ(arch_probe(p.s.va + PAGE_SIZE, ARCH_READ), -EFAULT);
	pair_put(&p);
}

KTEST(tlb, one_flush_drops_a_large_leaf)
{
	const size_t size = PT_LEVEL_SIZE(1), probe = 300 * PAGE_SIZE;
	struct page *old, *new;
	struct scratch s;

	NEED_SCRATCH(&s, size, size);
	old = alloc_pages(GFP_KERNEL, PT_INDEX_BITS);
	if (!old) {
		scratch_put(&s);
		SKIP("no block of order %u", PT_INDEX_BITS);
	}
	new = alloc_pages(GFP_KERNEL, PT_INDEX_BITS);
	if (!new) {
		scratch_put(&s);
		__free_pages(old, PT_INDEX_BITS);
		SKIP("no second block of order %u", PT_INDEX_BITS);
	}
	poke((vaddr_t)page_address(old) + probe, OLD);
	poke((vaddr_t)page_address(new) + probe, NEW);
	EXPECT_EQ(pt_map(s.va, page_to_phys(old), size, PT_RW, 1, GFP_KERNEL), 0);
	EXPECT_EQ(peek(s.va + probe), OLD);
	/* Break before make: the range is nobody else's. */
	arch_pte_clear(pt_slot(s.va, 1));
	tlb_flush_page(s.va + probe);
	EXPECT_EQ(arch_probe(s.va + probe, ARCH_READ), -EFAULT);
	EXPECT_EQ(pt_map(s.va, page_to_phys(new), size, PT_RW, 1, GFP_KERNEL), 0);
	EXPECT_EQ(peek(s.va + probe), NEW);
	scratch_put(&s);
	__free_pages(old, PT_INDEX_BITS);
	__free_pages(new, PT_INDEX_BITS);
}

KTEST(tlb, new_mapping_needs_no_flush)
{
	struct pair p;

	ASSERT_TRUE(pair_get(&p, 1));
	pt_unmap(p.s.va, PAGE_SIZE);
	tlb_flush_page(p.s.va);
	EXPECT_EQ(arch_probe(p.s.va, ARCH_READ), -EFAULT);
	switch_to(&p, 0, p.new);
	expect_new(t, &p, 1);
	pair_put(&p);
}

/*
 * A vmalloc address that is handed out again must not show what the last owner saw there.
 * Shows vmalloc.M1.
 */
KTEST(tlb, reused_vmalloc_address_shows_the_new_frames)
{
	u64 *p = vmalloc(PAGE_SIZE), *q;
	struct page *frame, *hold;

	ASSERT_NOT_NULL(p);
	frame = vmalloc_to_page(p);
	WRITE_ONCE(*p, OLD);
	EXPECT_EQ(READ_ONCE(*p), OLD);
	vfree(p);
	vm_unmap_aliases();
	EXPECT_EQ(arch_probe((vaddr_t)p, ARCH_READ), -EFAULT);
	hold = alloc_page(GFP_KERNEL); /* most likely the frame that was just given back */
	q = vzalloc(PAGE_SIZE);
	ASSERT_NOT_NULL(q);
	EXPECT_EQ((vaddr_t)q, (vaddr_t)p);
	if (vmalloc_to_page(q) != frame)
		EXPECT_EQ(READ_ONCE(*q), 0);
	vfree(q);
	__free_page(hold);
}

KTEST(tlb, a_purge_is_one_flush_and_a_full_one_only_when_pages_are_many)
{
	enum { MANY = TLB_BATCH_RANGES + 1 };
	unsigned long limit = vmalloc_set_lazy_limit(~0UL); /* of a small machine it could come first */
	char *far_apart[2 * MANY];
	struct tlb_stats a, b;

	for (unsigned nr = TLB_BATCH_RANGES; nr <= MANY; nr++) {
		for (unsigned i = 0; i < 2 * nr; i++)
			EXPECT_NOT_NULL(far_apart[i] = vmalloc(PAGE_SIZE));
		vm_unmap_aliases();
		for (unsigned i = 0; i < nr; i++)
			vfree(far_apart[2 * i]);
		tlb_stats(arch_cpu_id(), &a);
		vm_unmap_aliases();
		tlb_stats(arch_cpu_id(), &b);
		EXPECT_EQ(b.range - a.range, nr < MANY);
		EXPECT_EQ(b.full - a.full, nr == MANY);
		EXPECT_EQ(b.page, a.page);
		for (unsigned i = 0; i < nr; i++)
			vfree(far_apart[2 * i + 1]);
	}
	vmalloc_set_lazy_limit(limit);
}

/* Every second page, so that no two ranges touch. */
static struct tlb_stats flush_every_second(struct ktest *t, unsigned nr)
{
	struct pair p;
	struct tlb_batch batch = {};
	struct tlb_stats a, b = {};
	unsigned cpu = arch_cpu_id();

	EXPECT_TRUE(pair_get(&p, 2 * nr));
	for (unsigned i = 0; i < nr; i++) {
		peek(p.s.va + 2 * i * PAGE_SIZE);
		switch_to(&p, 2 * i, p.new);
	}
	for (unsigned i = nr; i-- > 0;) /* in no order */
		tlb_batch_add(&batch, p.s.va + 2 * i * PAGE_SIZE, p.s.va + (2 * i + 1) * PAGE_SIZE);
	tlb_stats(cpu, &a);
	tlb_batch_flush(&batch);
	tlb_stats(cpu, &b);
	for (unsigned i = 0; i < nr; i++)
		EXPECT_EQ(peek(p.s.va + 2 * i * PAGE_SIZE), NEW);
	EXPECT_EQ(batch.pages, 0);
	pair_put(&p);
	b.page -= a.page;
	b.range -= a.range;
	b.full -= a.full;
	b.ipi_sent += b.deferred - a.ipi_sent - a.deferred;
	return b;
}

KTEST(tlb, a_batch_is_one_flush_of_separate_ranges)
{
	struct tlb_stats s = flush_every_second(t, TLB_BATCH_RANGES);

	EXPECT_EQ(s.page, 0);
	EXPECT_EQ(s.range, 1);
	EXPECT_EQ(s.full, 0);
	EXPECT_EQ(s.ipi_sent, cpus_to_reach());
}

KTEST(tlb, a_batch_of_too_many_ranges_is_one_full_flush)
{
	struct tlb_stats s = flush_every_second(t, TLB_BATCH_RANGES + 1);

	EXPECT_EQ(s.page, 0);
	EXPECT_EQ(s.range, 0);
	EXPECT_EQ(s.full, 1);
	EXPECT_EQ(s.ipi_sent, cpus_to_reach());
}

KTEST(tlb, ranges_that_touch_are_one)
{
	struct tlb_batch b = {};
	vaddr_t va = vmap_start;

	for (unsigned i = 0; i < 4; i++)
		tlb_batch_add(&b, va + i * PAGE_SIZE, va + (i + 1) * PAGE_SIZE);
	EXPECT_EQ(b.nr, 1);
	EXPECT_EQ(b.pages, 4);
	tlb_batch_add(&b, va + 5 * PAGE_SIZE, va + 5 * PAGE_SIZE);
	EXPECT_EQ(b.pages, 4);
	tlb_batch_add(&b, va + 5 * PAGE_SIZE, va + 6 * PAGE_SIZE);
	EXPECT_EQ(b.nr, 2);
	EXPECT_EQ(b.range[0].end, va + 4 * PAGE_SIZE);
	EXPECT_EQ(b.range[1].start, va + 5 * PAGE_SIZE);
	tlb_batch_add_all(&b);
	tlb_batch_add(&b, va, ~0UL & PAGE_MASK); /* no overflow of what is everything already */
	EXPECT_GT(b.pages, TLB_FLUSH_CEILING);
	EXPECT_EQ(b.nr, 2);
}

KTEST(tlb, an_empty_batch_asks_nobody)
{
	struct tlb_batch batch = {};
	struct tlb_stats a, b;

	tlb_stats(arch_cpu_id(), &a);
	tlb_batch_flush(&batch);
	tlb_stats(arch_cpu_id(), &b);
	EXPECT_EQ(b.page + b.range + b.full + b.ipi_sent + b.deferred,
		  a.page + a.range + a.full + a.ipi_sent + a.deferred);
}

KTEST(tlb, each_flush_is_counted_once_by_its_kind)
{
	struct tlb_stats a, b;
	unsigned cpu = arch_cpu_id();
	vaddr_t va = vmap_start;

	smp_hold(); /* nobody else flushes */
	tlb_stats(cpu, &a);
	tlb_flush_page(va);
	tlb_flush_page_local(va);
	tlb_flush_range(va, va);
	tlb_flush_range(va, va + PAGE_SIZE);
	tlb_flush_range(va, va + TLB_FLUSH_CEILING * PAGE_SIZE);
	tlb_flush_range(va, va + (TLB_FLUSH_CEILING + 1) * PAGE_SIZE);
	tlb_flush_all();
	tlb_stats(cpu, &b);
	smp_release();
	EXPECT_EQ(b.page - a.page, 3);
	EXPECT_EQ(b.range - a.range, 1);
	EXPECT_EQ(b.full - a.full, 2);
	/* All but the local one concern the others: each is asked, or marked while it sleeps. */
	EXPECT_EQ(b.ipi_sent - a.ipi_sent + b.deferred - a.deferred, 5 * cpus_to_reach());
	EXPECT_EQ(b.ipi_received, a.ipi_received);
}

KTEST_PANIC(tlb, a_flush_with_interrupts_off_is_a_bug, "TLB flush with interrupts off")
{
	arch_irq_disable();
	tlb_flush_page(vmap_start);
}

KTEST_PANIC(tlb, a_range_of_half_pages_is_a_bug, "TLB flush of [0x")
{
	tlb_flush_range(vmap_start, vmap_start + PAGE_SIZE / 2);
}

KTEST_PANIC(tlb, a_range_that_ends_before_it_begins_is_a_bug, "TLB flush of [0x")
{
	tlb_flush_range(vmap_start + PAGE_SIZE, vmap_start);
}
