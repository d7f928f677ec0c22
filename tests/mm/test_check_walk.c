/*
 * test_check_walk.c - the steps of a check end and do not fault, whatever the links that they follow.
 *
 * Idea.       A list and a tree of the case's own memory are damaged in every link, by null, by a bit, by addresses of no
 *             memory, by neighbours that make loops. A walk that faulted or ran on would end the run.
 * Layout.     memory; lists; trees.
 * Invariants. Sound structures are walked whole.
 * Locking.    None.
 * Failure.    None.
 * Next:       mm/check_walk.c.
 */
#include <kernel/test.h>

#include "../../mm/internal.h"

#include <kernel/percpu.h>
#include <kernel/string.h>
#include <mm/check_walk.h>
#include <mm/vmalloc.h>

/* ---- memory ---- */

KTEST(check_walk, memory_that_is_there_can_be_read)
{
	static int in_image;
	struct page *page = alloc_page(GFP_KERNEL);
	char *area = vmalloc(2 * PAGE_SIZE);

	ASSERT_TRUE(page && area);
	EXPECT_TRUE(check_readable(&in_image, sizeof(in_image)));
	EXPECT_TRUE(check_readable(page_address(page), PAGE_SIZE));
	EXPECT_TRUE(check_readable(page, sizeof(*page)));
	EXPECT_TRUE(check_readable(area, 2 * PAGE_SIZE));
	EXPECT_TRUE(check_readable(this_cpu_ptr(&mm_counters[0]), sizeof(long)));
	EXPECT_TRUE(check_page(page));
	EXPECT_TRUE(check_code((const void *)check_page));
	EXPECT_TRUE(check_text("text", 8));
	vfree(area);
	__free_page(page);
}

/* Shows check_walk.W1. */
KTEST(check_walk, memory_that_is_not_there_cannot_be_read)
{
	const struct page *beyond = pfn_to_page(section_count() * SECTION_PAGES);
	struct page *page = alloc_page(GFP_KERNEL);
	char *area = vmalloc(PAGE_SIZE);

	ASSERT_TRUE(page && area);
	EXPECT_FALSE(check_readable(NULL, 1));
	EXPECT_FALSE(check_readable(LIST_POISON_NEXT, 8));
	EXPECT_FALSE(check_readable((void *)~0UL, 8));
	EXPECT_FALSE(check_readable(phys_to_virt(memblock_end(&memblock)), 1));
	EXPECT_FALSE(check_readable(phys_to_virt(memblock_end(&memblock) - 1), 2));
	EXPECT_FALSE(check_readable(area, PAGE_SIZE + 1));
	EXPECT_FALSE(check_page(beyond));
	EXPECT_FALSE(check_page(NULL));
	EXPECT_FALSE(check_page((struct page *)((char *)page + 8)));
	EXPECT_FALSE(check_object((char *)page_address(page) + 4, 8, 8));
	EXPECT_FALSE(check_code(page));
	EXPECT_FALSE(check_text("too long", 8));
	EXPECT_FALSE(check_text("\a", 8));
	memset(area, 'a', PAGE_SIZE);
	EXPECT_FALSE(check_text(area, 2 * PAGE_SIZE)); /* the guard page follows */
	vfree(area);
	__free_page(page);
}

/* ---- lists ---- */

struct item {
	unsigned long before;
	struct list_head link;
	unsigned long after;
};
enum { ITEMS = 5 };

static unsigned walk_items(const struct list_head *head, unsigned long most, const char **wrong)
{
	struct check_walk w;
	struct item *i;
	unsigned n = 0;

	check_for_each_entry (i, &w, head, most, link)
		n++;
	*wrong = w.wrong;
	return n;
}

KTEST(check_walk, a_sound_list_is_walked_whole)
{
	struct item item[ITEMS];
	const char *wrong;
	LIST_HEAD(head);

	EXPECT_EQ(walk_items(&head, 0, &wrong), 0);
	EXPECT_NULL(wrong);
	for (unsigned i = 0; i < ITEMS; i++)
		list_add(&item[i].link, &head);
	EXPECT_EQ(walk_items(&head, ITEMS, &wrong), ITEMS);
	EXPECT_NULL(wrong);
	EXPECT_EQ(walk_items(&head, ITEMS - 1, &wrong), ITEMS - 1);
	EXPECT_NOT_NULL(wrong);
}

/* Shows check_walk.W1, check_walk.W2. */
KTEST(check_walk, every_damaged_link_of_a_list_is_found)
{
	static struct item item[ITEMS];
	static LIST_HEAD(head);
	struct list_head *node[ITEMS + 1] = {&head};
	const char *wrong;

	list_init(&head);
	for (unsigned i = 0; i < ITEMS; i++) {
		list_add_tail(&item[i].link, &head);
		node[i + 1] = &item[i].link;
	}
	for (unsigned n = 0; n < 2 * ARRAY_SIZE(node); n++) {
		struct list_head **link = n & 1 ? &node[n / 2]->prev : &node[n / 2]->next, *saved = *link;

		for (unsigned bit = 0; bit < 65 + ARRAY_SIZE(node); bit++) {
			*link = bit < 64    ? (struct list_head *)((unsigned long)saved ^ 1UL << bit)
				: bit == 64 ? NULL
					    : node[bit - 65];
			if (*link == saved)
				continue;
			EXPECT_TRUE(walk_items(&head, ITEMS, &wrong) <= ITEMS);
			EXPECT_NOT_NULL(wrong);
			*link = saved;
		}
		*link = saved;
	}
	EXPECT_EQ(walk_items(&head, ITEMS, &wrong), ITEMS);
	EXPECT_NULL(wrong);
}

/* ---- trees ---- */

struct leaf {
	unsigned long key;
	struct rb_node rb;
};
enum { LEAVES = 7 };

static const char *walk_leaves(const struct rb_root *root)
{
	return check_tree_links(root, offsetof(struct leaf, rb), sizeof(struct leaf));
}

static void insert_last(struct rb_root *root, struct leaf *leaf)
{
	struct rb_node *parent = rb_last(root);

	rb_insert(root, &leaf->rb, parent, parent ? &parent->right : &root->node);
}

KTEST(check_walk, every_damaged_link_of_a_tree_is_found)
{
	static struct leaf leaf[LEAVES];
	static struct rb_root root;
	unsigned found = 0;

	root = (struct rb_root){NULL, NULL};
	EXPECT_NULL(walk_leaves(&root));
	for (unsigned i = 0; i < LEAVES; i++)
		insert_last(&root, &leaf[i]);
	EXPECT_NULL(walk_leaves(&root));
	for (unsigned n = 0; n < 3 * LEAVES; n++) {
		struct rb_node *at = &leaf[n / 3].rb;
		struct rb_node **link = n % 3 == 0   ? &at->parent
					: n % 3 == 1 ? &at->left
						     : &at->right,
			       *saved = *link;

		for (unsigned bit = 0; bit < 64 + LEAVES; bit++) {
			*link = bit < 64 ? (struct rb_node *)((unsigned long)saved ^ 1UL << bit)
					 : &leaf[bit - 64].rb;
			if (*link == saved)
				continue;
			EXPECT_MSG(walk_leaves(&root) != NULL, "link %u of node %u: %p for %p", n % 3, n / 3,
				   (void *)*link, (void *)saved);
			found++;
			*link = saved;
		}
	}
	EXPECT_TRUE(found > 3 * LEAVES * 64);
	EXPECT_NULL(walk_leaves(&root));
}

/* Each node is the right child of the node before. A red-black tree of 65 levels has more than 2^31 nodes. */
KTEST(check_walk, a_tree_deeper_than_any_sound_one_is_refused)
{
	enum { MOST = 64 };
	static struct leaf leaf[MOST + 1];
	static struct rb_root root;

	root = (struct rb_root){.node = &leaf[0].rb};
	for (unsigned i = 0; i <= MOST; i++) {
		leaf[i].rb.left = NULL;
		leaf[i].rb.parent = i ? &leaf[i - 1].rb : NULL;
		leaf[i].rb.right = i < MOST ? &leaf[i + 1].rb : NULL;
	}
	EXPECT_STREQ(walk_leaves(&root), "a tree is deeper than a sound one can be");
	leaf[MOST - 1].rb.right = NULL;
	EXPECT_NULL(walk_leaves(&root));
}
