#ifndef MM_VMAP_H
#define MM_VMAP_H

/* Ranges of the vmalloc window, for vmap.c, vmalloc.c and the tests that mirror them. */

#include <arch/pt.h>
#include <kernel/list.h>
#include <kernel/percpu.h>
#include <kernel/rbtree.h>
#include <mm/vmalloc.h>
#include <stdatomic.h>

enum { VMAP_FEW_PAGES = 4, HUGE_LEVEL = 1, HUGE_ORDER = PT_INDEX_BITS };

/*
 * Returns whether vmalloc can use large leaves: a block must fill one. With pages of 16 and 64 KiB no
 * block of MAX_ORDER does.
 */
static inline bool vmalloc_has_huge(void)
{
	return PT_INDEX_BITS <= MAX_ORDER && arch_pt_leaf_ok(HUGE_LEVEL);
}

/* A range of the window: free, busy or lazy. One descriptor serves all three states. */
struct vmap_area {
	vaddr_t start, end; /* guard page included */
	struct rb_node rb;  /* in the free or busy tree */
	/* Free, busy: address order. Lazy: order of vfree, flushed areas first. */
	struct list_head list;
	size_t subtree_max;  /* free: longest range in the subtree */
	struct vm_struct vm; /* busy, lazy */
	/*
	 * Lazy: the page-table entries are cleared, so a flush from now on covers the area. Set with
	 * release by vfree, read with acquire by a purge.
	 */
	_Atomic bool cleared;
	/* Lazy: the TLBs are flushed; the owner of the shard may free the area. */
	bool flushed;
	u16 shard; /* busy, lazy: index of its shard */
	/*
	 * vm.pages of an area of up to 4 pages. Most areas are that short and need no separate array.
	 */
	struct page *few[VMAP_FEW_PAGES];
};

/*
 * Creates the shards and makes [start, end) one free range of vmap_common. Context: boot, after
 * slab_init().
 */
void vmap_init(vaddr_t start, vaddr_t end);
extern vaddr_t vmap_start, vmap_end; /* the window */

/* Cause of a failure of vmap_alloc(), for failure_note(). */
#define VMAP_NO_ADDRESSES "no free addresses in the vmalloc window"
/*
 * Allocates the lowest free range of size bytes at a multiple of align as a busy area with vm's flags
 * and caller. With several CPUs it is the lowest of this CPU's ranges first (vmap.c, Order). size
 * includes the guard page. Returns NULL if there is no room, or no memory for a descriptor. Context:
 * main loop; may wait if gfp permits.
 */
struct vmap_area *vmap_alloc(size_t size, size_t align, unsigned flags, unsigned long caller, gfp_t gfp);
/*
 * Makes the busy area that starts at addr and has one of the flags lazy; NULL if there is none. The
 * caller clears its entries, then sets `cleared`, and must not touch it afterwards. If vmap_many_lazy
 * is set, it then purges.
 */
struct vmap_area *vmap_retire(vaddr_t addr, unsigned flags);
/*
 * Set if this CPU found more lazy pages than the limit, or if another CPU returned flushed areas to its
 * shard.
 */
DECLARE_PER_CPU(bool, vmap_many_lazy);
/* Returns whether the unflushed lazy pages of all shards exceed the limit. */
bool vmap_lazy_above_limit(void);
/* In vmalloc.c: odd while the CPU purges. */
DECLARE_PER_CPU(unsigned long, purge_turn);
/* Returns the busy area that covers addr, NULL if there is none. */
struct vmap_area *vmap_find(vaddr_t addr);

/* Areas that a purge has detached. */
struct vmap_stolen {
	struct list_head areas;
};
/*
 * Detaches all lazy areas whose entries are cleared. Returns false if there are none. They belong to
 * the caller until vmap_hand_over() or vmap_release().
 */
bool vmap_steal_lazy(struct vmap_stolen *stolen);
/*
 * After the flush: returns the areas of other CPUs' shards to these shards, marked flushed, and sets
 * the flags of these CPUs.
 */
void vmap_hand_over(struct vmap_stolen *stolen);
/*
 * Detaches the flushed areas that other CPUs returned to this CPU's shard. Returns false if there are
 * none.
 */
bool vmap_take_flushed(struct vmap_stolen *stolen);
/* Frees the address ranges and the descriptors. The caller has flushed the TLBs and freed the pages. */
void vmap_release(struct vmap_stolen *stolen);

/* Moves all free ranges of the CPUs' shards to vmap_common. */
void vmap_drain(void);
/* Returns the free bytes in the CPU's shard, 0 if vmap_common is the only shard. */
size_t vmap_kept_bytes(unsigned cpu);
/*
 * Sets the largest size, in bytes, of areas that come from a CPU's shard; 0: none. Returns the old
 * value. For tests.
 */
size_t vmap_set_cached_size(size_t size);

/*
 * Calls fn for each block of frames of busy and lazy areas, as far as the lists are sound. Context: the
 * other CPUs are held. For checks.
 */
void vmap_for_each_block(frame_fn fn, void *ctx);

/* Sum of the shards' unflushed lazy pages. Other CPUs may change it meanwhile. */
unsigned long vmap_lazy_pages(void);
/* Sets the number of lazy pages above which vfree() purges. Returns the old value. For tests. */
unsigned long vmalloc_set_lazy_limit(unsigned long pages);
/* Number of purges so far. */
u64 vmap_nr_purges(void);

#endif
