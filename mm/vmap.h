#ifndef MM_VMAP_H
#define MM_VMAP_H

/* Ranges of the vmalloc window. Shared by vmap.c, vmalloc.c and the tests that mirror them. */

#include <arch/pt.h>
#include <kernel/list.h>
#include <kernel/percpu.h>
#include <kernel/rbtree.h>
#include <mm/vmalloc.h>
#include <stdatomic.h>

enum { VMAP_FEW_PAGES = 4, HUGE_LEVEL = 1, HUGE_ORDER = PT_INDEX_BITS };

/* A block must fill a large leaf: with pages of 16 and 64 KiB none of MAX_ORDER does, and areas are of small pages. */
static inline bool vmalloc_has_huge(void)
{
	return PT_INDEX_BITS <= MAX_ORDER && arch_pt_leaf_ok(HUGE_LEVEL);
}

/* A range is free, busy or lazy; one descriptor serves all three, since a range changes between them. */
struct vmap_area {
	vaddr_t start, end;    /* guard page included */
	struct rb_node rb;     /* free or busy tree */
	struct list_head list; /* free, busy: neighbours in address order; lazy: order of vfree */
	size_t subtree_max;    /* free: longest range in the subtree */
	struct vm_struct vm;   /* busy, lazy */
	/* Lazy: the entries are cleared, so a flush from now on covers the area. Release by vfree, acquire by
	 * purge. */
	_Atomic bool cleared;
	bool flushed; /* lazy: what is left is the owner's to give back */
	u16 shard;    /* busy, lazy: where it is filed */
	struct page
		*few[VMAP_FEW_PAGES]; /* vm.pages of a short area: most are, and need no array of their own */
};

void vmap_init(vaddr_t start, vaddr_t end);
extern vaddr_t vmap_start, vmap_end; /* the window */

/*
 * The lowest free range of size bytes at a multiple of align becomes busy, with vm's flags and caller: on one CPU the
 * lowest of all, with several the lowest of this CPU's (vmap.c, Order). NULL: no room, or no memory for a descriptor.
 * May wait.
 */
#define VMAP_NO_ADDRESSES "no free addresses in the vmalloc window" /* vmap_alloc()'s cause of failure */
struct vmap_area *vmap_alloc(size_t size, size_t align, unsigned flags, unsigned long caller, gfp_t gfp);
/*
 * The busy area that starts at addr and has one of the flags becomes lazy; NULL: there is none. The caller
 * clears its entries, sets `cleared` and then must not touch it; then it purges if there are too many.
 */
struct vmap_area *vmap_retire(vaddr_t addr, unsigned flags);
/* vmap_retire() on this CPU has found more lazy pages than the limit, or another CPU has left it flushed areas. */
DECLARE_PER_CPU(bool, vmap_many_lazy);
bool vmap_lazy_above_limit(void);
/* vmalloc.c: odd while the CPU purges. */
DECLARE_PER_CPU(unsigned long, purge_turn);
/* Busy area that covers addr, or NULL. */
struct vmap_area *vmap_find(vaddr_t addr);

/* What a purge has in hand. */
struct vmap_stolen {
	struct list_head areas;
};
/*
 * Takes all lazy areas that are cleared; false if there are none. They belong to the caller until
 * vmap_release().
 */
bool vmap_steal_lazy(struct vmap_stolen *stolen);
/* After the flush: of these areas, those of other CPUs' shards are left to those CPUs, which are told. */
void vmap_hand_over(struct vmap_stolen *stolen);
/* What other CPUs have flushed and left to this one; false if there is nothing. */
bool vmap_take_flushed(struct vmap_stolen *stolen);
/* The ranges are free, the descriptors gone. Every TLB has been flushed for them. */
void vmap_release(struct vmap_stolen *stolen);

/* All free ranges that CPUs keep for themselves go to the common tree. */
void vmap_drain(void);
/* Free bytes that this CPU keeps for itself; on one CPU none. */
size_t vmap_kept_bytes(unsigned cpu);
/* Areas of at most so many bytes come from what the CPU keeps. Returns what it was. For tests: 0 for none. */
size_t vmap_set_cached_size(size_t size);

/*
 * Calls fn for each block of frames that busy and lazy areas have, as far as the lists are sound. Context: the other CPUs
 * are held. For checks.
 */
void vmap_for_each_block(frame_fn fn, void *ctx);

unsigned long vmap_lazy_pages(void);
/* Lazy pages above which vfree() purges. Returns what it was. For tests. */
unsigned long vmalloc_set_lazy_limit(unsigned long pages);
u64 vmap_nr_purges(void);

#endif
