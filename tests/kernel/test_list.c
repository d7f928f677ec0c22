/*
 * test_list.c - linked lists: each operation against an array that says what the list must contain.
 *
 * Idea.       Elements have numbers. After each operation the list is walked in both directions and compared with the
 *             array. Every position of lists of 0 to 6 elements is tried; then operations are drawn at random.
 * Layout.     struct item { link, number }, two lists a and b, a model of each
 * Invariants. Only the elements that an operation names change their neighbours.
 * Locking.    None.
 * Failure.    The first difference ends a case.
 * Next:       test_rbtree.c.
 */
#include <kernel/list.h>
#include <kernel/test.h>

enum { ITEMS = 12 };

struct item {
	unsigned long before; /* what stands around the link must stay */
	struct list_head link;
	unsigned number;
};

struct model {
	unsigned number[ITEMS], nr;
};

static struct item items[ITEMS];
static struct list_head a, b;
static struct model in_a, in_b;

static void model_insert(struct model *m, unsigned at, unsigned number)
{
	for (unsigned i = m->nr++; i > at; i--)
		m->number[i] = m->number[i - 1];
	m->number[at] = number;
}

static unsigned model_remove(struct model *m, unsigned at)
{
	unsigned number = m->number[at];

	m->nr--;
	for (unsigned i = at; i < m->nr; i++)
		m->number[i] = m->number[i + 1];
	return number;
}

/* a holds items 0 to nr - 1 in order, b is empty. */
static void begin(unsigned nr)
{
	list_init(&a);
	list_init(&b);
	in_a.nr = in_b.nr = 0;
	for (unsigned i = 0; i < ITEMS; i++)
		items[i] = (struct item){.before = 0x5a5a + i, .number = i};
	for (unsigned i = 0; i < nr; i++) {
		list_add_tail(&items[i].link, &a);
		model_insert(&in_a, i, i);
	}
}

static bool is_as_modelled(struct list_head *list, const struct model *m)
{
	const struct list_head *at = list->next, *before = list;
	struct item *it;
	unsigned n = 0;

	for (; at != list; before = at, at = at->next)
		if (n == m->nr || at->prev != before || at != &items[m->number[n++]].link)
			return false;
	if (n != m->nr || list->prev != before)
		return false;
	n = 0;
	list_for_each_entry (it, list, link)
		if (it->number != m->number[n++] || it->before != 0x5a5a + it->number)
			return false;
	if (list_empty(list) != !m->nr || list_looks_empty(list) != !m->nr)
		return false;
	return !m->nr || (list_first_entry(list, struct item, link)->number == m->number[0] &&
			  list_last_entry(list, struct item, link)->number == m->number[m->nr - 1]);
}

static void expect_both(struct ktest *t, const char *what, unsigned nr, unsigned at)
{
	EXPECT_MSG(is_as_modelled(&a, &in_a), "%s, %u elements, at %u: the list is wrong", what, nr, at);
	EXPECT_MSG(is_as_modelled(&b, &in_b), "%s, %u elements, at %u: the second list is wrong", what, nr,
		   at);
}

KTEST(list, every_way_to_begin_gives_an_empty_list)
{
	struct list_head by_value = LIST_HEAD_INIT(by_value), by_call;
	LIST_HEAD(by_name);

	memset(&by_call, 0xff, sizeof(by_call));
	list_init(&by_call);
	EXPECT_TRUE(list_empty(&by_value) && list_empty(&by_call) && list_empty(&by_name));
	EXPECT_TRUE(by_value.prev == &by_value && by_call.prev == &by_call && by_name.prev == &by_name);
}

KTEST(list, add_puts_in_front_and_add_tail_behind)
{
	for (unsigned nr = 0; nr <= 6; nr++) {
		begin(nr);
		list_add(&items[nr].link, &a);
		model_insert(&in_a, 0, nr);
		expect_both(t, "list_add", nr, 0);
		list_add_tail(&items[nr + 1].link, &a);
		model_insert(&in_a, nr + 1, nr + 1);
		expect_both(t, "list_add_tail", nr, nr + 1);
	}
}

KTEST(list, an_element_can_be_added_behind_any_other)
{
	for (unsigned nr = 1; nr <= 6; nr++)
		for (unsigned at = 0; at < nr; at++) {
			begin(nr);
			list_add(&items[nr].link, &items[at].link);
			model_insert(&in_a, at + 1, nr);
			expect_both(t, "list_add behind an element", nr, at);
		}
}

KTEST(list, a_deleted_element_is_poisoned_and_no_other_changes)
{
	for (unsigned nr = 1; nr <= 6; nr++)
		for (unsigned at = 0; at < nr; at++) {
			begin(nr);
			list_del(&items[at].link);
			model_remove(&in_a, at);
			expect_both(t, "list_del", nr, at);
			EXPECT_TRUE(items[at].link.next == LIST_POISON_NEXT);
			EXPECT_TRUE(items[at].link.prev == LIST_POISON_PREV);
			begin(nr);
			list_unlink(&items[at].link);
			model_remove(&in_a, at);
			expect_both(t, "list_unlink", nr, at);
		}
}

KTEST(list, any_element_moves_to_either_end_of_any_list)
{
	for (unsigned nr = 1; nr <= 6; nr++) {
		for (unsigned at = 0; at < nr; at++) {
			begin(nr);
			list_move(&items[at].link, &a);
			model_insert(&in_a, 0, model_remove(&in_a, at));
			expect_both(t, "list_move in one list", nr, at);
			begin(nr);
			list_move_tail(&items[at].link, &a);
			model_remove(&in_a, at);
			model_insert(&in_a, nr - 1, at);
			expect_both(t, "list_move_tail in one list", nr, at);
			begin(nr);
			list_move(&items[at].link, &b);
			model_insert(&in_b, 0, model_remove(&in_a, at));
			expect_both(t, "list_move", nr, at);
			list_move_tail(&items[at].link, &a);
			model_insert(&in_a, nr - 1, model_remove(&in_b, 0));
			expect_both(t, "list_move_tail", nr, at);
		}
	}
}

KTEST(list, a_splice_takes_all_in_order_and_leaves_none)
{
	for (unsigned nr = 0; nr <= 6; nr++)
		for (unsigned had = 0; had <= 3; had++) {
			begin(nr);
			for (unsigned i = 0; i < had; i++) {
				list_add_tail(&items[nr + i].link, &b);
				model_insert(&in_b, i, nr + i);
			}
			list_splice_init(&a, &b);
			for (unsigned i = 0; i < nr; i++)
				model_insert(&in_b, i, i);
			in_a.nr = 0;
			expect_both(t, "list_splice_init", nr, had);
		}
}

KTEST(list, a_cut_moves_an_element_and_all_behind_it)
{
	for (unsigned nr = 1; nr <= 6; nr++)
		for (unsigned at = 0; at < nr; at++)
			for (unsigned had = 0; had <= 2; had++) {
				begin(nr);
				for (unsigned i = 0; i < had; i++) {
					list_add_tail(&items[nr + i].link, &b);
					model_insert(&in_b, i, nr + i);
				}
				list_cut_tail(&a, &items[at].link, &b);
				while (in_a.nr > at)
					model_insert(&in_b, in_b.nr, model_remove(&in_a, at));
				expect_both(t, "list_cut_tail", nr, at);
			}
}

KTEST(list, a_safe_walk_may_delete_what_it_stands_on)
{
	for (unsigned mask = 0; mask < 64; mask++) {
		struct item *it, *next;
		unsigned seen = 0;

		begin(6);
		list_for_each_entry_safe (it, next, &a, link) {
			EXPECT_EQ(it->number, seen++);
			if (mask & 1u << it->number)
				list_del(&it->link);
		}
		EXPECT_EQ(seen, 6);
		in_a.nr = 0;
		for (unsigned i = 0; i < 6; i++)
			if (!(mask & 1u << i))
				model_insert(&in_a, in_a.nr, i);
		expect_both(t, "list_for_each_entry_safe", 6, mask);
	}
}

KTEST(list, random_operations_follow_the_model)
{
	begin(ITEMS);
	for (int round = 0; round < 5000; round++) {
		bool from_a = in_b.nr == 0 || (in_a.nr && test_rand_below(2)), to_a = test_rand_below(2);
		struct model *from = from_a ? &in_a : &in_b, *to = to_a ? &in_a : &in_b;
		struct list_head *head = to_a ? &a : &b;
		unsigned at = test_rand_below(from->nr), number = model_remove(from, at);
		struct list_head *link = &items[number].link;

		switch (test_rand_below(4)) {
		case 0:
			list_move(link, head);
			model_insert(to, 0, number);
			break;
		case 1:
			list_move_tail(link, head);
			model_insert(to, to->nr, number);
			break;
		case 2:
			list_del(link);
			list_add(link, head);
			model_insert(to, 0, number);
			break;
		default:
			list_unlink(link);
			list_add_tail(link, head);
			model_insert(to, to->nr, number);
		}
		expect_both(t, "random", from->nr, at);
		if (t->failures)
			return;
	}
}
