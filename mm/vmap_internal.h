#ifndef MM_VMAP_INTERNAL_H
#define MM_VMAP_INTERNAL_H

/* The inside of vmap.c, for vmap_info.c, which looks at it. Context of all: the shard's lock held. */

#include "vmap.h"

#include <kernel/spinlock.h>

struct range_tree {
	struct rb_root root;
	struct list_head list;
};

struct vmap_shard {
	/* ---- fixed ---- */
	unsigned index; /* in vmap_shards[] */
	size_t keep;	/* free bytes; above it the highest ranges go to `vmap_common` */
	bool *told;	/* its CPU's vmap_many_lazy */

	/* ---- lock ---- */
	struct spinlock lock;
	struct range_tree free, busy;
	unsigned long free_ranges;
	size_t free_bytes; /* looked at without the lock */
	bool open;	   /* what is purged comes back here, not to `vmap_common` */
	struct list_head lazy;
	unsigned long lazy_pages; /* not flushed; looked at without the lock */
	size_t flushed_bytes;	  /* of those areas, which are at the front; looked at without the lock */
	unsigned long lazy_look;  /* above it all shards' are added up; others set it to 0 without the lock */
	u64 steals;
} __aligned(CACHE_LINE);

enum {
	STRIPES = 256, /* after so many the owners come again in the same order */
	STRIPE_SHIFT = PAGE_SHIFT + PT_INDEX_BITS,
};
#define STRIPE_SIZE (1UL << STRIPE_SHIFT)

extern struct vmap_shard vmap_common;
extern struct vmap_shard *vmap_shards[1 + NR_CPUS]; /* vmap_common, then those of CPUs */
extern unsigned vmap_nr_shards;
extern struct vmap_shard *vmap_stripe_shard[STRIPES];

/* What boot fixes in a shard is as it left it. */
bool vmap_shard_is_fixed(const struct vmap_shard *s, unsigned index);

#define for_each_shard(s)                                  \
	for (struct vmap_shard **shard_ = vmap_shards, *s; \
	     shard_ < vmap_shards + vmap_nr_shards && (s = *shard_, true); shard_++)

/* Whose stripe an address lies in: the only shard that can have it, but for `vmap_common`. */
static inline struct vmap_shard *shard_of(vaddr_t addr)
{
	return vmap_stripe_shard[addr >> STRIPE_SHIFT & (STRIPES - 1)];
}

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
