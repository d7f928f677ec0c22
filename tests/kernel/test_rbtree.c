/*
 * test_rbtree.c - red-black trees under random operations.
 *
 * Idea.       200 items that are in the tree or not: their array, sorted by nature, says what the tree must
 *             contain, and the largest weight among them what the root's derived value must be.
 * Layout.     items[], tree; expect_content() compares both directions, expect_sound() asks rb_check().
 * Invariants. I1  to I4 of rbtree.c, after every operation.
 * Locking.    None.
 * Failure.    A case ends at the first unsound tree.
 * Next:       test_cmdline.c.
 */
#include <kernel/rbtree.h>
#include <kernel/test.h>

enum { ITEMS = 200 };

struct item {
	struct rb_node node;
	unsigned key;
	unsigned weight;  /* its own */
	unsigned largest; /* derived: the largest weight of its subtree */
	bool in;
};

static struct item items[ITEMS];
static struct rb_root tree;

static struct item *item_of(struct rb_node *n)
{
	return rb_entry(n, struct item, node);
}

static bool item_update(struct rb_node *n)
{
	struct item *it = item_of(n);
	unsigned largest = it->weight;

	if (n->left)
		largest = max(largest, item_of(n->left)->largest);
	if (n->right)
		largest = max(largest, item_of(n->right)->largest);
	if (it->largest == largest)
		return false;
	it->largest = largest;
	return true;
}

static void tree_reset(bool (*update)(struct rb_node *))
{
	tree = (struct rb_root){.update = update};
	for (unsigned i = 0; i < ITEMS; i++)
		items[i] = (struct item){.key = i, .weight = test_rand_below(1000)};
}

static void item_insert(struct item *it)
{
	struct rb_node **link = &tree.node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = it->key < item_of(parent)->key ? &parent->left : &parent->right;
	}
	it->largest = test_rand(); /* rb_insert has to compute it */
	rb_insert(&tree, &it->node, parent, link);
	it->in = true;
}

static void item_erase(struct item *it)
{
	rb_erase(&tree, &it->node);
	it->in = false;
}

/* Order and content equal the array's, in both directions. */
static void expect_content(struct ktest *t)
{
	struct rb_node *n = rb_first(&tree);
	struct rb_node *before = NULL;

	for (unsigned i = 0; i < ITEMS; i++) {
		if (!items[i].in)
			continue;
		if (!EXPECT_TRUE(n == &items[i].node))
			return;
		EXPECT_TRUE(rb_prev(n) == before);
		before = n;
		n = rb_next(n);
	}
	EXPECT_NULL(n);
	EXPECT_TRUE(rb_last(&tree) == before);
}

static void expect_sound(struct ktest *t)
{
	const char *wrong = rb_check(&tree);

	EXPECT_MSG(!wrong, "%s", wrong);
}

KTEST(rbtree, an_empty_tree_has_no_ends)
{
	tree_reset(NULL);
	EXPECT_NULL(rb_first(&tree));
	EXPECT_NULL(rb_last(&tree));
	expect_sound(t);
}

KTEST(rbtree, random_inserts_and_erases_keep_order_and_balance)
{
	tree_reset(NULL);
	for (int round = 0; round < 4000; round++) {
		struct item *it = &items[test_rand_below(ITEMS)];

		if (it->in)
			item_erase(it);
		else
			item_insert(it);
		expect_sound(t);
		if (round % 64 == 0)
			expect_content(t);
		if (t->failures)
			return;
	}
}

KTEST(rbtree, ascending_and_descending_inserts_stay_balanced)
{
	for (int down = 0; down < 2; down++) {
		tree_reset(NULL);
		for (unsigned i = 0; i < ITEMS; i++) {
			item_insert(&items[down ? ITEMS - 1 - i : i]);
			expect_sound(t);
		}
		expect_content(t);
		for (unsigned i = 0; i < ITEMS; i++) {
			item_erase(&items[i]);
			expect_sound(t);
		}
		EXPECT_NULL(tree.node);
	}
}

KTEST(rbtree, derived_values_are_exact_after_every_operation)
{
	tree_reset(item_update);
	for (int round = 0; round < 4000; round++) {
		struct item *it = &items[test_rand_below(ITEMS)];
		unsigned largest = 0;

		if (!it->in) {
			item_insert(it);
		} else if (test_rand_below(2)) {
			item_erase(it);
		} else {
			it->weight = test_rand_below(1000);
			rb_propagate(&tree, &it->node);
		}
		for (unsigned i = 0; i < ITEMS; i++)
			if (items[i].in)
				largest = max(largest, items[i].weight);
		EXPECT_EQ(tree.node ? item_of(tree.node)->largest : 0, largest);
		expect_sound(t);
		if (t->failures)
			return;
	}
}

KTEST(rbtree, check_names_what_is_wrong)
{
	struct rb_node *n, *parent;

	tree_reset(item_update);
	for (unsigned i = 0; i < ITEMS; i++)
		item_insert(&items[i]);

	for (n = rb_first(&tree); !n->red || n->left || n->right; n = rb_next(n))
		;
	n->red = false; /* the path to this leaf has a black node more than the others */
	EXPECT_STREQ(rb_check(&tree), "rbtree.I2: two paths differ in black nodes");
	n->red = true;

	parent = n->parent;
	n->parent = n;
	EXPECT_STREQ(rb_check(&tree), "rbtree.I3: a child's parent link names another node");
	n->parent = parent;

	tree.node->red = true;
	EXPECT_STREQ(rb_check(&tree), "rbtree.I1: the root is red");
	tree.node->red = false;

	item_of(rb_first(&tree))->largest = 5000;
	EXPECT_STREQ(rb_check(&tree), "rbtree.I4: a derived value was stale");
}

/* Linux's cached trees keep the leftmost node aside; here rb_first() must find it, and rb_last() the other end. */
KTEST(rbtree, ends_are_exact_while_random_items_come_and_go)
{
	tree_reset(NULL);
	for (int round = 0; round < 4000; round++) {
		struct item *it = &items[test_rand_below(ITEMS)];
		unsigned lowest = 0, highest = ITEMS;

		if (it->in)
			item_erase(it);
		else
			item_insert(it);
		while (lowest < ITEMS && !items[lowest].in)
			lowest++;
		while (highest > 0 && !items[highest - 1].in)
			highest--;
		EXPECT_TRUE(rb_first(&tree) == (lowest < ITEMS ? &items[lowest].node : NULL));
		EXPECT_TRUE(rb_last(&tree) == (highest ? &items[highest - 1].node : NULL));
	}
}

/* Inserts the first nr items in the order of digits of `order` in the factorial number system. */
static void insert_in_order(unsigned nr, unsigned order)
{
	unsigned left[8];

	for (unsigned i = 0; i < nr; i++)
		left[i] = i;
	for (unsigned n = nr; n; n--) {
		unsigned pick = order % n;

		order /= n;
		item_insert(&items[left[pick]]);
		for (unsigned i = pick; i + 1 < n; i++)
			left[i] = left[i + 1];
	}
}

KTEST(rbtree, small_trees_are_sound_in_every_order)
{
	static const unsigned orders[] = {1, 1, 2, 6, 24, 120, 720};

	for (unsigned nr = 1; nr <= 6; nr++) {
		for (unsigned order = 0; order < orders[nr] && !t->failures; order++) {
			tree_reset(item_update);
			insert_in_order(nr, order);
			expect_sound(t);
			for (unsigned i = 0; i < nr; i++) { /* from the front, the back or the root */
				struct rb_node *n = order % 3 == 0   ? rb_first(&tree)
						    : order % 3 == 1 ? rb_last(&tree)
								     : tree.node;

				item_erase(item_of(n));
				expect_sound(t);
			}
			EXPECT_NULL(tree.node);
		}
	}
}

/* Each single erase from each tree of up to 6 items. */
KTEST(rbtree, any_item_of_a_small_tree_can_be_erased)
{
	for (unsigned nr = 1; nr <= 6; nr++) {
		for (unsigned order = 0; order < 720 && !t->failures; order++) {
			tree_reset(item_update);
			insert_in_order(nr, order);
			item_erase(&items[order % nr]);
			expect_sound(t);
			expect_content(t);
		}
	}
}

static unsigned height(const struct rb_node *n)
{
	return n ? 1 + max(height(n->left), height(n->right)) : 0;
}

/* A red-black tree of n nodes is at most 2 * log2(n + 1) high. */
KTEST(rbtree, height_stays_within_its_bound)
{
	unsigned nr = 0, bound = 0;

	tree_reset(NULL);
	for (unsigned i = 0; i < ITEMS; i++) {
		item_insert(&items[i]);
		nr++;
		while ((1u << (bound / 2)) < nr + 1)
			bound++;
		EXPECT_LE(height(tree.node), bound + 1);
	}
}
