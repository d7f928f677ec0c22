#ifndef KERNEL_RBTREE_H
#define KERNEL_RBTREE_H

/*
 * Red-black trees with the node inside the element, and an optional augmentation: a value that a node derives from itself
 * and its two children. rb_insert() and rb_erase() keep it exact through rotations by calling `update`. The caller
 * searches the place of a new node; the tree knows no keys. Locks: the owner's.
 */

#include <kernel/types.h>

struct rb_node {
	struct rb_node *parent, *left, *right;
	bool red;
};

struct rb_root {
	struct rb_node *node;
	/* Recomputes n's derived value from n and its children. Returns whether it changed. NULL: a plain tree. */
	bool (*update)(struct rb_node *n);
};

#define rb_entry(ptr, type, member) container_of(ptr, type, member)

/* Inserts n at *link below parent, both found by the caller, and rebalances. */
void rb_insert(struct rb_root *root, struct rb_node *n, struct rb_node *parent, struct rb_node **link);
void rb_erase(struct rb_root *root, struct rb_node *n);
/* Updates the ancestors after n's own part of the derived value changed. Stops at the first that stays the same. */
void rb_propagate(struct rb_root *root, struct rb_node *n);

struct rb_node *rb_first(const struct rb_root *root);
struct rb_node *rb_last(const struct rb_root *root);
struct rb_node *rb_next(const struct rb_node *n);
struct rb_node *rb_prev(const struct rb_node *n);

/* Checks colours, heights, parent links and derived values of the whole tree. Returns NULL, or what is wrong. */
const char *rb_check(const struct rb_root *root);

#endif
