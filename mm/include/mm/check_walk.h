#ifndef MM_CHECK_WALK_H
#define MM_CHECK_WALK_H

/*
 * How a check looks at structures that may be damaged, without a fault and without a loop that never ends.
 *
 * Rules for every check:
 *  1  A pointer is followed only after check_readable(), check_page() or a walk of this file has accepted it.
 *  2  Every loop has a bound that the structure cannot change: the size of an array, or a count of what exists.
 *  3  A number that is read from memory is compared with the size of its array before it becomes an index, and with 64
 *     before it becomes the distance of a shift.
 *  4  A check changes nothing. What it relies on belongs to a lower rank (mm/check.h), which has been found sound.
 *  5  The text names the invariant and one place: "buddy.F4: ...: pfn 0x1234".
 */

#include <kernel/list.h>
#include <kernel/rbtree.h>
#include <mm/page.h>

/*
 * All of [p, p + size) can be read: RAM of the direct map, the image, or mapped in another window of the kernel.
 * Relies on the check of memblock. Context: any.
 */
bool check_readable(const void *p, size_t size);
/* The same, and p is a multiple of align. */
bool check_object(const void *p, size_t size, size_t align);
/* p is the struct page of a frame whose section is opened. */
bool check_page(const struct page *p);
/* p is the address of an instruction of the image. */
bool check_code(const void *p);
/* p is where a function of the image begins. */
bool check_function(const void *p);
/* A text of fewer than `max` printable characters. */
bool check_text(const char *s, size_t max);

/*
 * A number that any change of the memory changes. For what nothing can recompute since it is fixed once boot is over: the
 * owner keeps the number, its check compares. so_far: 0, or the number of what is to count as well.
 */
u64 check_print(const void *p, size_t size, u64 so_far);

/* ---- lists ---- */

/*
 * A walk over a list of elements of one type. It ends at the head, or at the first link that is not sound; `wrong` then
 * says why. A list that ends at its head has visited each of its elements once.
 */
struct check_walk {
	const struct list_head *head, *at;
	size_t offset, size; /* of the link in its element; of the element */
	unsigned long left;  /* elements that may still come */
	const char *wrong;   /* NULL: the list is sound so far */
};

void check_walk_begin(struct check_walk *w, const struct list_head *head, unsigned long most, size_t offset,
		      size_t size);
/* The next element, all of it readable; NULL: the end, or *wrong is set. */
void *check_walk_next(struct check_walk *w);

/* At most `most` elements of the list. After the loop the caller looks at walk->wrong. */
#define check_for_each_entry(pos, walk, list, most, member)                                                  \
	for (check_walk_begin((walk), (list), (most), offsetof(__typeof__(*(pos)), member), sizeof(*(pos))); \
	     ((pos) = check_walk_next(walk)) != NULL;)

/* ---- trees ---- */

/*
 * NULL if the links of a red-black tree are sound, so that rb_check(), rb_first() and rb_next() end and touch nothing but
 * its nodes. The node lies at `offset` in an element of `size` bytes, all of which are readable.
 */
const char *check_tree_links(const struct rb_root *root, size_t offset, size_t size);

#endif
