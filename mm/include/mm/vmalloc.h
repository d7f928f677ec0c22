#ifndef MM_VMALLOC_H
#define MM_VMALLOC_H

/*
 * Virtually contiguous memory: single pages, or 2 MiB blocks, mapped into the vmalloc window, with an
 * unmapped guard page after every area. Follows Linux's mm/vmalloc.c. Differs in that vfree() keeps the
 * pages until the TLB flush.
 *
 * Sizes are bytes. Context, unless stated otherwise: main loop or boot, interrupts on, no lock held;
 * may wait for other CPUs.
 */

#include <arch/layout.h>
#include <mm/gfp.h>
#include <mm/page.h>

#define VM_ALLOC 0x02u /* vmalloc */
#define VM_MAP 0x04u   /* vmap */
#define VM_NO_GUARD 0x40u
#define VM_HUGE 0x400u /* may have 2 MiB leaves */
#define VM_PERCPU 0x10000u
#define VM_STACK 0x20000u

struct vm_struct {
	void *addr;
	unsigned long size; /* bytes, guard page included */
	unsigned flags;
	unsigned nr_pages;
	unsigned page_level; /* level of its leaves */
	struct page **pages;
	unsigned long caller;
};

/*
 * Allocate page-aligned memory of at least size bytes. Return NULL if size is 0 or exceeds RAM, or if
 * pages or addresses are short. vzalloc() zeroes the memory. vmalloc_node() takes pages of node nid;
 * vmalloc_interleave() pages of all nodes in turn, for tables that every CPU uses; vmalloc_32() pages
 * below 4 GiB; vmalloc_huge() uses 2 MiB leaves if size, memory and page size permit.
 */
void *vmalloc(size_t size);
void *vzalloc(size_t size);
void *vmalloc_node(size_t size, int nid);
void *vmalloc_interleave(size_t size);
void *vmalloc_32(size_t size);
void *vmalloc_huge(size_t size, gfp_t gfp);
/*
 * __vmalloc_node() returns an address that is a multiple of align, a power of two; NULL also if align
 * exceeds the window. vmalloc_gfp() passes vm_flags (VM_HUGE, VM_STACK) to the area. caller is the
 * address that vmallocinfo prints.
 */
void *__vmalloc_node(size_t size, size_t align, gfp_t gfp, int nid, const void *caller);
void *vmalloc_gfp(size_t size, gfp_t gfp, int nid, unsigned vm_flags, unsigned long caller);
/*
 * Frees an area; NULL is accepted. An address that is not the start of an area is a BUG that names the
 * area around it. Context: any; in an interrupt the area is queued and freed in the main loop.
 */
void vfree(const void *addr);

/*
 * vmap() maps nr pages of the caller, not executable. Returns NULL if nr is 0 or exceeds RAM, or if
 * memory or addresses are short. vunmap() removes the mapping; the pages stay the caller's. The flush
 * comes later, so the caller calls vm_unmap_aliases() before it frees the pages.
 */
void *vmap(struct page **pages, unsigned nr, unsigned flags, pt_prot_t prot);
void vunmap(const void *addr);

static inline bool is_vmalloc_addr(const void *p)
{
	return (vaddr_t)p >= VMALLOC_START && (vaddr_t)p < VMALLOC_END;
}
/* Returns the page mapped at addr, NULL if none is. Context: any. */
struct page *vmalloc_to_page(const void *addr);
/*
 * Returns the area that contains addr, guard page included; NULL if there is none. It is valid until
 * its owner frees it.
 */
struct vm_struct *find_vm_area(const void *addr);

/*
 * vm_unmap_aliases() flushes all TLBs for the lazy areas and frees their pages and addresses; returns
 * the pages freed. vmalloc_lazy_pages() returns the pages of unflushed lazy areas,
 * vmalloc_lazy_purges() the number of purges so far.
 */
unsigned long vm_unmap_aliases(void);
unsigned long vmalloc_lazy_pages(void);
u64 vmalloc_lazy_purges(void);

/*
 * Writes to buf which area contains addr, or the distance to the nearest one. For fault reports.
 * Context: any (tries locks only).
 */
void vmalloc_describe(vaddr_t addr, char *buf, size_t size);

/*
 * Calls fn for each busy area in address order, then for each lazy area, until fn returns false. No
 * lock is held during the call.
 */
struct vmalloc_info {
	vaddr_t start, end; /* guard page included */
	unsigned long pages;
	unsigned flags;
	unsigned long caller;
	bool lazy;
	unsigned page_level;
};
void vmalloc_for_each(bool (*fn)(const struct vmalloc_info *info, void *ctx), void *ctx);
/*
 * Sizes of the window, of the pages in areas and of the longest free range in bytes, and the number of
 * free ranges.
 */
void vmalloc_totals(unsigned long *total_bytes, unsigned long *used_bytes, unsigned long *largest_free,
		    unsigned long *free_ranges);

/* Chooses the window and initialises vmap.c. Context: boot, after slab_init(). */
void vmalloc_init(void);
/*
 * Checks V1 to V8 of vmap.c. Returns NULL, or the invariant that is broken. Context: the other CPUs are
 * held.
 */
const char *vmap_check(void);

/* The attribute of fault injection that fails allocations of ranges of addresses (<kernel/fault.h>). */
extern struct fault_attr fail_vmalloc;

/*
 * Allocates by kmalloc(); if that fails for more than a page and gfp may block, by vmalloc(), in whose
 * context it must be called.
 */
void *kvmalloc(size_t size, gfp_t gfp);
void *kvmalloc_node(size_t size, gfp_t gfp, int nid);
#define kvzalloc(size, gfp) kvmalloc(size, (gfp) | __GFP_ZERO)
/* Frees a pointer of kvmalloc() or kmalloc(). */
void kvfree(const void *p);

#endif
