/*
 * test_host.c - what only the hosted build can see: a translation that outlives its frame.
 *
 * Idea.       A mapping is used, its entry cleared, and the frame freed without the flush, or with the flush of one CPU
 *             only: the port must say so when the frame reaches the buddy.
 * Layout.     One frame, one scratch page.
 * Invariants. T1, T2 of arch/host/tlb.c, seen from outside.
 * Locking.    None.
 * Failure.    The panics are what is tested.
 * Next:       ../../mm/test_tlb.c.
 */
#include "../../kernel/other_cpu.h"
#include "../../mm/scratch.h"

#include <arch/tlb.h>
#include <mm/page_alloc.h>

enum { ORDER = 4 }; /* not kept on a per-CPU list */

struct mapped {
	struct scratch s;
	struct page *page;
};

/* A page of the block that was just read through its mapping; the entry is gone again. */
static bool used_and_cleared(struct mapped *m, pt_prot_t prot)
{
	m->page = alloc_pages(GFP_KERNEL, ORDER);
	if (!m->page || !scratch_get(&m->s, PAGE_SIZE, PAGE_SIZE) ||
	    pt_populate(m->s.va, PAGE_SIZE, 0, GFP_KERNEL))
		return false;
	arch_pte_write(pt_slot(m->s.va, 0), arch_pte_leaf(page_to_phys(m->page), prot, 0));
	arch_pt_sync();
	peek(m->s.va);
	arch_pte_clear(pt_slot(m->s.va, 0));
	return true;
}

KTEST(host, a_frame_is_freed_after_the_flush)
{
	struct mapped m;

	ASSERT_TRUE(used_and_cleared(&m, PT_RW));
	tlb_flush_page(m.s.va);
	__free_pages(m.page, ORDER);
	scratch_put(&m.s);
}

KTEST(host, a_local_mapping_needs_the_flush_of_its_cpu_only)
{
	struct mapped m;

	ASSERT_TRUE(used_and_cleared(&m, PT_RW | PT_LOCAL));
	tlb_flush_page_local(m.s.va);
	__free_pages(m.page, ORDER);
	scratch_put(&m.s);
}

/*
 * More pages than the buffer holds: each access is right, and what was pushed out is flushed all the same.
 * Shows host/tlb.T1.
 */
KTEST(host, more_pages_than_entries_are_used_and_freed)
{
	enum { NR = 5000 };
	u8 *p;

	if (nr_free_pages() < 4 * NR)
		SKIP("needs %u free pages", 4 * NR);
	p = vmalloc(NR * PAGE_SIZE);
	ASSERT_NOT_NULL(p);
	for (unsigned i = 0; i < NR; i++)
		p[i * PAGE_SIZE] = (u8)i;
	for (unsigned i = 0; i < NR; i++)
		if (p[i * PAGE_SIZE] != (u8)i)
			EXPECT_EQ(p[i * PAGE_SIZE], (u8)i);
	vfree(p);
	vm_unmap_aliases();
}

KTEST_PANIC(host, a_frame_freed_before_the_flush, "stale translation")
{
	struct mapped m;

	ASSERT_TRUE(used_and_cleared(&m, PT_RW));
	__free_pages(m.page, ORDER);
}

static _Atomic unsigned awake;

static void never_sleep(void *ctx)
{
	(void)ctx;
	for (atomic_store(&awake, 1);;)
		arch_cpu_relax();
}

/* A sleeping CPU uses no translation: the other one is awake, and has not flushed. */
KTEST_PANIC(host, a_frame_freed_after_the_flush_of_one_cpu, "stale translation")
{
	struct smp_task task = {.fn = never_sleep};
	struct mapped m;

	ASSERT_EQ(smp_start(other_cpu(), &task), 0);
	wait_until(&awake, 1);
	ASSERT_TRUE(used_and_cleared(&m, PT_RW));
	tlb_flush_page_local(m.s.va);
	__free_pages(m.page, ORDER);
}
