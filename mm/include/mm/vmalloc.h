#ifndef MM_VMALLOC_H
#define MM_VMALLOC_H

/*
 * Virtually contiguous memory: single pages (or 2 MiB runs) mapped into the vmalloc window, with an unmapped
 * guard page after every area. Follows Linux's mm/vmalloc.c; departs from it in that vfree keeps the frames
 * until the flush.
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

/* Page-aligned memory of at least size bytes, or NULL. Context: main loop or boot, interrupts on. */
void *vmalloc(size_t size);
void *vzalloc(size_t size);
void *vmalloc_node(size_t size, int nid);
void *vmalloc_interleave(size_t size);	    /* frames from all nodes in turn: tables that every CPU uses */
void *vmalloc_32(size_t size);		    /* frames below 4 GiB */
void *vmalloc_huge(size_t size, gfp_t gfp); /* 2 MiB leaves where size, memory and granule allow */
/* At a multiple of align, a power of two; NULL as well if that is more than the window. caller: as vmallocinfo names it. */
void *__vmalloc_node(size_t size, size_t align, gfp_t gfp, int nid, const void *caller);
void *vmalloc_gfp(size_t size, gfp_t gfp, int nid, unsigned vm_flags, unsigned long caller);
/* NULL is fine. An address that no area starts at is a BUG that names the area around it. From an interrupt:
 * queued. */
void vfree(const void *addr);

/*
 * Maps the caller's pages, NX; vunmap takes the mapping away and leaves the pages. The flush comes later: who frees the
 * pages calls vm_unmap_aliases() first.
 */
void *vmap(struct page **pages, unsigned nr, unsigned flags, pt_prot_t prot);
void vunmap(const void *addr);

static inline bool is_vmalloc_addr(const void *p)
{
	return (vaddr_t)p >= VMALLOC_START && (vaddr_t)p < VMALLOC_END;
}
struct page *vmalloc_to_page(const void *addr); /* NULL: nothing mapped there */
/* The area that covers addr, guard page included, or NULL. Stays valid while its owner keeps it. */
struct vm_struct *find_vm_area(const void *addr);

/* One flush for everything that was freed, then frames and addresses go back. Returns pages given back. */
unsigned long vm_unmap_aliases(void);
unsigned long vmalloc_lazy_pages(void);
u64 vmalloc_lazy_purges(void);

/* Text for a fault report: which area addr misses, and by how much. Context: any (try-locks). */
void vmalloc_describe(vaddr_t addr, char *buf, size_t size);

/* Snapshot for the shell: fn for each busy area in address order, then for each lazily freed one. */
struct vmalloc_info {
	vaddr_t start, end; /* guard included */
	unsigned long pages;
	unsigned flags;
	unsigned long caller;
	bool lazy;
	unsigned page_level;
};
void vmalloc_for_each(bool (*fn)(const struct vmalloc_info *info, void *ctx), void *ctx);
void vmalloc_totals(unsigned long *total_bytes, unsigned long *used_bytes, unsigned long *largest_free,
		    unsigned long *free_ranges);

void vmalloc_init(void);
/* Trees, lists, augmentation, tiling, mapped frames; NULL if sound. */
const char *vmap_check(void);

/* The attribute of fault injection that fails allocations of ranges of addresses (<kernel/fault.h>). */
extern struct fault_attr fail_vmalloc;

#endif
