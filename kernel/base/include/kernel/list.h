#ifndef KERNEL_LIST_H
#define KERNEL_LIST_H

/*
 * Circular doubly linked lists with the link inside the element, as in Linux's <linux/list.h>. The links of a removed
 * element are poisoned with non-canonical addresses, so a second removal faults.
 */

#include <kernel/types.h>

struct list_head {
	struct list_head *next, *prev;
};

#define LIST_POISON_NEXT ((struct list_head *)0xdead000000000100UL)
#define LIST_POISON_PREV ((struct list_head *)0xdead000000000122UL)

#define LIST_HEAD_INIT(name)     \
	{                        \
		&(name), &(name) \
	}
#define LIST_HEAD(name) struct list_head name = LIST_HEAD_INIT(name)

static inline void list_init(struct list_head *head)
{
	WRITE_ONCE(head->next, head);
	head->prev = head;
}

static inline bool list_empty(const struct list_head *head)
{
	return head->next == head;
}

/* list_empty() without the list's lock. Every change of the list stores `next` in one access. */
static inline bool list_looks_empty(const struct list_head *head)
{
	return READ_ONCE(head->next) == head;
}

static inline void list_link(struct list_head *prev, struct list_head *e, struct list_head *next)
{
	e->prev = prev;
	e->next = next;
	WRITE_ONCE(prev->next, e);
	next->prev = e;
}

static inline void list_add(struct list_head *e, struct list_head *head)
{
	list_link(head, e, head->next);
}

static inline void list_add_tail(struct list_head *e, struct list_head *head)
{
	list_link(head->prev, e, head);
}

static inline void list_del(struct list_head *e)
{
	WRITE_ONCE(e->prev->next, e->next);
	e->next->prev = e->prev;
	e->next = LIST_POISON_NEXT;
	e->prev = LIST_POISON_PREV;
}

/* list_del() without poison, for elements whose own state shows that they are on no list. */
static inline void list_unlink(struct list_head *e)
{
	struct list_head *next = e->next, *prev = e->prev;

	WRITE_ONCE(prev->next, next);
	next->prev = prev;
}

static inline void list_move(struct list_head *e, struct list_head *head)
{
	WRITE_ONCE(e->prev->next, e->next);
	e->next->prev = e->prev;
	list_add(e, head);
}

static inline void list_move_tail(struct list_head *e, struct list_head *head)
{
	WRITE_ONCE(e->prev->next, e->next);
	e->next->prev = e->prev;
	list_add_tail(e, head);
}

/* Moves all elements of list, in order, to the front of head. list is empty afterwards. */
static inline void list_splice_init(struct list_head *list, struct list_head *head)
{
	if (list_empty(list))
		return;
	list->prev->next = head->next;
	head->next->prev = list->prev;
	WRITE_ONCE(head->next, list->next);
	list->next->prev = head;
	list_init(list);
}

/* Moves first and all elements after it in list, in order, to the end of head. */
static inline void list_cut_tail(struct list_head *list, struct list_head *first, struct list_head *head)
{
	struct list_head *last = list->prev;

	list->prev = first->prev;
	WRITE_ONCE(first->prev->next, list);
	first->prev = head->prev;
	WRITE_ONCE(head->prev->next, first);
	last->next = head;
	head->prev = last;
}

#define list_entry(ptr, type, member) container_of(ptr, type, member)
#define list_first_entry(head, type, member) list_entry((head)->next, type, member)
#define list_last_entry(head, type, member) list_entry((head)->prev, type, member)
#define list_for_each_entry(pos, head, member)                                                 \
	for (pos = list_entry((head)->next, __typeof__(*pos), member); &pos->member != (head); \
	     pos = list_entry(pos->member.next, __typeof__(*pos), member))
/* The body may remove pos. */
#define list_for_each_entry_safe(pos, tmp, head, member)                  \
	for (pos = list_entry((head)->next, __typeof__(*pos), member),    \
	    tmp = list_entry(pos->member.next, __typeof__(*pos), member); \
	     &pos->member != (head);                                      \
	     pos = tmp, tmp = list_entry(tmp->member.next, __typeof__(*tmp), member))

#endif
