#ifndef TESTS_MM_SCRATCH_H
#define TESTS_MM_SCRATCH_H

/* Addresses of the vmalloc window that belong to a test: it maps there what it likes and leaves nothing mapped. */

#include "../../mm/vmap.h"
#include <mm/pgtable.h>
#include <mm/tlb.h>

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

static inline void scratch_put(struct scratch *s)
{
	pt_unmap(s->va, s->size);
	vunmap((void *)s->va);
	vm_unmap_aliases();
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
