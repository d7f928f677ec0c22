#ifndef KERNEL_RBTREE_H
#define KERNEL_RBTREE_H

/*
 * Red-black trees with the node inside the element, and an optional augmentation: a value that a node derives
 * from itself and its two children. rb_insert and rb_erase keep it exact through rotations by calling
 * `update`. The caller descends and links; no key type is known here. No locks: the tree belongs to its
 * owner's lock.
 */

#include <kernel/types.h>

struct rb_node {
	struct rb_node *parent, *left, *right;
	bool red;
};

struct rb_root {
	struct rb_node *node;
	/* Recompute n's derived value from n and its children; returns whether it changed. NULL: plain tree.
	 */
	bool (*update)(struct rb_node *n);
};

#define rb_entry(ptr, type, member) container_of(ptr, type, member)

/* Hang n at *link below parent (both found by the caller's descent), then rebalance. */
void rb_insert(struct rb_root *root, struct rb_node *n, struct rb_node *parent, struct rb_node **link);
void rb_erase(struct rb_root *root, struct rb_node *n);
/* n's own part of the derived value changed: carry it up, stopping at the first ancestor that stays the same.
 */
void rb_propagate(struct rb_root *root, struct rb_node *n);

struct rb_node *rb_first(const struct rb_root *root);
struct rb_node *rb_last(const struct rb_root *root);
struct rb_node *rb_next(const struct rb_node *n);
struct rb_node *rb_prev(const struct rb_node *n);

/* Colours, heights, parent links and derived values of the whole tree; NULL if sound, else what is wrong. */
const char *rb_check(const struct rb_root *root);

#endif
