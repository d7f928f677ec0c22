/*
 * rbtree.c - red-black trees with an optional derived value per node.
 *
 * Idea.       A binary search tree whose nodes are red or black. The two colour rules keep the longest path below twice the
 *             shortest, so every operation is O(log n). A derived value (for example the longest gap in the subtree) is
 *             kept exact: each change recomputes the nodes whose subtree changed, bottom up, and each rotation recomputes
 *             its two nodes.
 * Layout.     root -> node { parent, left, right, red }, embedded in the owner's element.
 * Invariants. I1  the root is black; a red node has no red child
 *             I2  every path from a node down to a missing child has the same number of black nodes
 *             I3  child->parent names its parent; the root's is NULL
 *             I4  every derived value is exact: update(n) changes nothing
 *             rb_check() tests all four.
 * Locking.    None: the owner of the tree has a lock.
 * Next:       kernel/base/spinlock.c.
 *
 * The derived value must depend on the set of nodes in the subtree and not on its shape. A rotation then keeps the value at
 * the top of the rotated pair, so ancestors need no update.
 */
#include <kernel/rbtree.h>

static void rb_update(const struct rb_root *root, struct rb_node *n)
{
	if (root->update && n)
		root->update(n);
}

void rb_propagate(struct rb_root *root, struct rb_node *n)
{
	if (!root->update)
		return;
	while (n && root->update(n))
		n = n->parent;
}

static bool is_red(const struct rb_node *n)
{
	return n && n->red;
}

/* Returns the link that points to n. */
static struct rb_node **rb_link(struct rb_root *root, struct rb_node *n)
{
	if (!n->parent)
		return &root->node;
	return n->parent->left == n ? &n->parent->left : &n->parent->right;
}

/*
 *      n              c
 *     / \            / \
 *    a   c    ->    n   e        and its mirror image
 *       / \        / \
 *      d   e      a   d
 */
static void rotate_left(struct rb_root *root, struct rb_node *n)
{
	struct rb_node *c = n->right;

	*rb_link(root, n) = c;
	c->parent = n->parent;
	n->right = c->left;
	if (n->right)
		n->right->parent = n;
	c->left = n;
	n->parent = c;
	rb_update(root, n);
	rb_update(root, c);
}

static void rotate_right(struct rb_root *root, struct rb_node *n)
{
	struct rb_node *c = n->left;

	*rb_link(root, n) = c;
	c->parent = n->parent;
	n->left = c->right;
	if (n->left)
		n->left->parent = n;
	c->right = n;
	n->parent = c;
	rb_update(root, n);
	rb_update(root, c);
}

void rb_insert(struct rb_root *root, struct rb_node *n, struct rb_node *parent, struct rb_node **link)
{
	n->parent = parent;
	n->left = NULL;
	n->right = NULL;
	n->red = true;
	*link = n;
	rb_update(root, n);
	rb_propagate(root, parent);

	/* Only I1 can be violated, and only between n and its parent. */
	while (is_red(n->parent)) {
		struct rb_node *p = n->parent, *g = p->parent; /* a red node is not the root */
		bool p_left = g->left == p;
		struct rb_node *uncle = p_left ? g->right : g->left;

		if (is_red(uncle)) {
			p->red = false;
			uncle->red = false;
			g->red = true;
			n = g;
			continue;
		}
		if (p_left) {
			if (p->right == n) {
				rotate_left(root, p);
				p = n;
			}
			rotate_right(root, g);
		} else {
			if (p->left == n) {
				rotate_right(root, p);
				p = n;
			}
			rotate_left(root, g);
		}
		p->red = false;
		g->red = true;
		break;
	}
	root->node->red = false;
}

/*
 * Restores I2 if the paths through n (possibly NULL, below parent) have one black node too few. Ends when a red node can
 * become black instead, or at the root, where all paths are one too short.
 */
static void rb_erase_fixup(struct rb_root *root, struct rb_node *n, struct rb_node *parent)
{
	while (parent && !is_red(n)) {
		bool n_left = parent->left == n;
		/* The sibling is not NULL, because its paths are longer. */
		struct rb_node *s = n_left ? parent->right : parent->left;
		struct rb_node *outer;

		if (s->red) {
			s->red = false;
			parent->red = true;
			if (n_left)
				rotate_left(root, parent);
			else
				rotate_right(root, parent);
			s = n_left ? parent->right : parent->left;
		}
		if (!is_red(s->left) && !is_red(s->right)) {
			s->red = true;
			n = parent;
			parent = n->parent;
			continue;
		}
		outer = n_left ? s->right : s->left;
		if (!is_red(outer)) { /* the inner child is red: rotate it outwards */
			s->red = true;
			if (n_left)
				rotate_right(root, s);
			else
				rotate_left(root, s);
			outer = s;
			s = s->parent;
		}
		s->red = parent->red;
		parent->red = false;
		outer->red = false;
		if (n_left)
			rotate_left(root, parent);
		else
			rotate_right(root, parent);
		return;
	}
	if (n)
		n->red = false;
}

/* Replaces n, which has at most one child, by that child. Returns the child, possibly NULL. */
static struct rb_node *rb_splice(struct rb_root *root, struct rb_node *n)
{
	struct rb_node *child = n->left ? n->left : n->right;

	*rb_link(root, n) = child;
	if (child)
		child->parent = n->parent;
	return child;
}

void rb_erase(struct rb_root *root, struct rb_node *n)
{
	struct rb_node *child, *parent;
	bool was_red;

	if (n->left && n->right) {
		/* The successor has no left child. It leaves its own place and takes n's place, links and colour. */
		struct rb_node *next = rb_next(n);

		was_red = next->red;
		child = rb_splice(root, next);
		parent = next->parent == n ? next : next->parent;
		*rb_link(root, n) = next;
		next->parent = n->parent;
		next->left = n->left;
		next->right = n->right;
		next->red = n->red;
		next->left->parent = next;
		if (next->right)
			next->right->parent = next;
		rb_propagate(root, parent);
		rb_update(root, next);
		rb_propagate(root, next->parent);
	} else {
		was_red = n->red;
		parent = n->parent;
		child = rb_splice(root, n);
		rb_propagate(root, parent);
	}
	if (!was_red)
		rb_erase_fixup(root, child, parent);
}

struct rb_node *rb_first(const struct rb_root *root)
{
	struct rb_node *n = root->node;

	while (n && n->left)
		n = n->left;
	return n;
}

struct rb_node *rb_last(const struct rb_root *root)
{
	struct rb_node *n = root->node;

	while (n && n->right)
		n = n->right;
	return n;
}

struct rb_node *rb_next(const struct rb_node *n)
{
	const struct rb_node *child = n->right;

	if (child) {
		while (child->left)
			child = child->left;
		return (struct rb_node *)child;
	}
	while (n->parent && n->parent->right == n)
		n = n->parent;
	return n->parent;
}

struct rb_node *rb_prev(const struct rb_node *n)
{
	const struct rb_node *child = n->left;

	if (child) {
		while (child->right)
			child = child->right;
		return (struct rb_node *)child;
	}
	while (n->parent && n->parent->left == n)
		n = n->parent;
	return n->parent;
}

enum { RB_MAX_DEPTH = 64 }; /* of any valid tree with fewer than 2^31 nodes; bounds the recursion */

/* Returns the black height of n's subtree. Sets *wrong at the first violation and returns. */
static unsigned rb_check_subtree(const struct rb_root *root, struct rb_node *n, unsigned depth,
				 const char **wrong)
{
	unsigned left, right;

	if (!n || *wrong)
		return 0;
	if (depth > RB_MAX_DEPTH)
		*wrong = "rbtree.I2: deeper than a sound tree can be";
	else if ((n->left && n->left->parent != n) || (n->right && n->right->parent != n))
		*wrong = "rbtree.I3: a child's parent link names another node";
	else if (n->red && (is_red(n->left) || is_red(n->right)))
		*wrong = "rbtree.I1: a red node has a red child";
	if (*wrong)
		return 0;
	left = rb_check_subtree(root, n->left, depth + 1, wrong);
	right = rb_check_subtree(root, n->right, depth + 1, wrong);
	if (*wrong)
		return 0;
	if (left != right)
		*wrong = "rbtree.I2: two paths differ in black nodes";
	else if (root->update && root->update(n))
		*wrong = "rbtree.I4: a derived value was stale";
	return left + !n->red;
}

const char *rb_check(const struct rb_root *root)
{
	const char *wrong = NULL;

	if (root->node && root->node->parent)
		return "rbtree.I3: the root has a parent";
	if (is_red(root->node))
		return "rbtree.I1: the root is red";
	rb_check_subtree(root, root->node, 1, &wrong);
	return wrong;
}
