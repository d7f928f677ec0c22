#ifndef TESTS_MM_SCRATCH_H
#define TESTS_MM_SCRATCH_H

/*
 * Addresses of the vmalloc window that belong to a test: it maps there what it likes and leaves nothing
 * mapped.
 */

#include "../../mm/vmap.h"
#include <arch/tlb.h>
#include <kernel/cpumask.h>
#include <mm/page_alloc.h>
#include <mm/pgtable.h>
#include <mm/tlb.h>

/* Other CPUs that a flush asks, or marks while they sleep; where one CPU's flush reaches all, none. */
static inline unsigned cpus_to_reach(void)
{
	return ARCH_TLB_BROADCAST ? 0 : cpumask_weight(&cpu_online_mask) - 1;
}

struct scratch {
	struct vmap_area *area;
	vaddr_t va;
	size_t size;
};

/* size bytes at a multiple of align, without tables that only this range needs. False: no room. */
static inline bool scratch_get(struct scratch *s, size_t size, size_t align)
{
	s->area = vmap_alloc(size + PAGE_SIZE, align, VM_MAP, (unsigned long)scratch_get, GFP_KERNEL);
	if (!s->area)
		return false;
	s->va = s->area->start;
	s->size = size;
	pt_reclaim(s->va, size);
	return true;
}

/*
 * scratch_get() in a case, before the case holds anything. The case is skipped where vmalloc= leaves a window that may
 * be too small; a window of four times the size has room.
 */
#define NEED_SCRATCH(s, size_, align_)                                                            \
	do {                                                                                      \
		const size_t need = (size_) + (align_);                                           \
		if (!scratch_get(s, size_, align_)) {                                             \
			EXPECT_LT(vmap_end - vmap_start, 4 * need);                               \
			SKIP("the window of %lu MiB has no room", (vmap_end - vmap_start) >> 20); \
		}                                                                                 \
	} while (0)

static inline void scratch_put(struct scratch *s)
{
	pt_unmap(s->va, s->size);
	vunmap((void *)s->va);
	vm_unmap_aliases();
}

/* Every free page, linked by lru. Only where that is not too much: see too_much_memory(). */
/* HighMem and Movable included, where vmalloc takes its frames; then what waits on the other lists. */
static inline void take_all_memory(struct list_head *pages)
{
	static const gfp_t place[] = {__GFP_HIGHMEM | __GFP_MOVABLE, __GFP_HIGHMEM, 0};
	struct page *page;

	list_init(pages);
	for (unsigned i = 0; i < ARRAY_SIZE(place); i++)
		while ((page = alloc_page(GFP_ATOMIC | __GFP_MEMALLOC | __GFP_NOWARN | place[i])) != NULL)
			list_add(&page->lru, pages);
}

static inline void give_memory_back(struct list_head *pages)
{
	struct page *page, *tmp;

	list_for_each_entry_safe (page, tmp, pages, lru)
		__free_page(page);
}

static inline bool too_much_memory(void)
{
	return nr_free_pages() > GIB(1) >> PAGE_SHIFT;
}

/* Entries are read once a call: the compiler must not remember what stood at an address. */
static inline u64 peek(vaddr_t va)
{
	return *(volatile u64 *)va;
}

static inline void poke(vaddr_t va, u64 v)
{
	*(volatile u64 *)va = v;
}

#endif
