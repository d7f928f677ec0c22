#ifndef MM_VMAP_INTERNAL_H
#define MM_VMAP_INTERNAL_H

/*
 * Internal declarations of vmap.c, for vmap_info.c, which lists and checks the ranges. Context of all:
 * the shard's lock held.
 */

#include "vmap.h"

#include <kernel/spinlock.h>

/* Ranges in a red-black tree by address, and in a list in the same order. */
struct range_tree {
	struct rb_root root;
	struct list_head list;
};

struct vmap_shard {
	/* ---- fixed ---- */
	unsigned index; /* index in vmap_shards[] */
	/* If free_bytes exceed this, the highest ranges move to vmap_common. */
	size_t keep;
	bool *told; /* vmap_many_lazy of its CPU */

	/* ---- protected by lock ---- */
	struct spinlock lock;
	struct range_tree free, busy;
	unsigned long free_ranges;
	size_t free_bytes; /* other CPUs read it without the lock */
	/* Freed ranges stay in this shard; if false, they go to vmap_common. */
	bool open;
	struct list_head lazy;
	unsigned long lazy_pages; /* not flushed; read without the lock */
	/* Bytes of the flushed areas at the front of `lazy`; read without the lock. */
	size_t flushed_bytes;
	/*
	 * Quota: if lazy_pages exceed it, look_at_sum() adds up all shards. Other CPUs set it to 0
	 * without the lock.
	 */
	unsigned long lazy_look;
	/* Counts detachments and returns of areas. A walk of the list (vmap_info.c) ends when it changes. */
	u64 steals;
} __aligned(CACHE_LINE);

enum {
	/* The owners repeat after this many stripes. */
	STRIPES = 256,
	STRIPE_SHIFT = PAGE_SHIFT + PT_INDEX_BITS,
};
#define STRIPE_SIZE (1UL << STRIPE_SHIFT)

extern struct vmap_shard vmap_common;
extern struct vmap_shard *vmap_shards[1 + NR_CPUS]; /* vmap_common, then those of the CPUs */
extern unsigned vmap_nr_shards;
extern struct vmap_shard *vmap_stripe_shard[STRIPES];

/* Returns whether the members of the shard that boot fixes are unchanged (V7). */
bool vmap_shard_is_fixed(const struct vmap_shard *s, unsigned index);

#define for_each_shard(s)                                  \
	for (struct vmap_shard **shard_ = vmap_shards, *s; \
	     shard_ < vmap_shards + vmap_nr_shards && (s = *shard_, true); shard_++)

/*
 * Returns the shard of the stripe that contains addr: besides vmap_common the only one that can have
 * it.
 */
static inline struct vmap_shard *shard_of(vaddr_t addr)
{
	return vmap_stripe_shard[addr >> STRIPE_SHIFT & (STRIPES - 1)];
}

/* The entry of a tree node; NULL for NULL. */
static inline struct vmap_area *area_of(const struct rb_node *n)
{
	return n ? rb_entry(n, struct vmap_area, rb) : NULL;
}

static inline size_t area_size(const struct vmap_area *a)
{
	return a->end - a->start;
}

static inline size_t max_of(const struct rb_node *n)
{
	return n ? area_of(n)->subtree_max : 0;
}

/* Returns the range that contains addr, NULL if there is none. */
static inline struct vmap_area *range_find(const struct rb_root *root, vaddr_t addr)
{
	struct rb_node *n = root->node;

	while (n) {
		struct vmap_area *a = area_of(n);

		if (addr < a->start)
			n = n->left;
		else if (addr >= a->end)
			n = n->right;
		else
			return a;
	}
	return NULL;
}

#endif
