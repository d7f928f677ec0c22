#ifndef MM_CHECK_WALK_H
#define MM_CHECK_WALK_H

/*
 * Functions with which a check reads structures that may be damaged, without a fault and without an
 * endless loop.
 *
 * Rules for every check:
 *  1  A pointer is followed only after check_readable(), check_page() or a walk of this file has accepted it.
 *  2  Every loop has a bound that the structure cannot change: the size of an array, or a count of existing elements.
 *  3  A number that is read from memory is compared with the size of its array before it becomes an index, and with 64
 *     before it becomes the distance of a shift.
 *  4  A check changes nothing. Data that it relies on belongs to a lower rank (mm/check.h), which was checked before.
 *  5  The text names the invariant and one place: "buddy.F4: ...: pfn 0x1234".
 *
 * Context of all functions: the structure does not change meanwhile.
 */

#include <kernel/list.h>
#include <kernel/rbtree.h>
#include <mm/page.h>

/*
 * Returns whether all of [p, p + size) is readable: RAM of the direct map, the image, or mapped in
 * another window of the kernel. Relies on the check of memblock. Context: any.
 */
bool check_readable(const void *p, size_t size);
/* Returns whether [p, p + size) is readable and p is a multiple of align. */
bool check_object(const void *p, size_t size, size_t align);
/* Returns whether p is the struct page of a frame in an opened section. */
bool check_page(const struct page *p);
/* Returns whether p is an address in the image's text. */
bool check_code(const void *p);
/* Returns whether p is the first address of a function of the image. */
bool check_function(const void *p);
/* Returns whether s is a string of fewer than `max` printable characters. */
bool check_text(const char *s, size_t max);

/*
 * Returns a checksum of [p, p + size), continued from so_far (0 at first). For data that is fixed once
 * boot is over and that no check can compute again: its owner stores the checksum, and its check
 * compares.
 */
u64 check_print(const void *p, size_t size, u64 so_far);

/* ---- lists ---- */

/*
 * A walk over a list of elements of one type. It ends at the head, or at the first damaged link;
 * `wrong` then describes the damage. A walk that ends at the head has visited each element once.
 */
struct check_walk {
	const struct list_head *head, *at;
	size_t offset, size; /* offset of the link in its element; size of the element */
	unsigned long left;  /* elements that may still follow */
	const char *wrong;   /* NULL if no damage was found so far */
};

/* Starts a walk over at most `most` elements. The link lies at `offset` in an element of `size` bytes. */
void check_walk_begin(struct check_walk *w, const struct list_head *head, unsigned long most, size_t offset,
		      size_t size);
/* Returns the next element, all of it readable. NULL: the end of the list, or w->wrong is set. */
void *check_walk_next(struct check_walk *w);

/* Visits at most `most` elements of the list. After the loop the caller tests walk->wrong. */
#define check_for_each_entry(pos, walk, list, most, member)                                                  \
	for (check_walk_begin((walk), (list), (most), offsetof(__typeof__(*(pos)), member), sizeof(*(pos))); \
	     ((pos) = check_walk_next(walk)) != NULL;)

/* ---- trees ---- */

/*
 * Returns NULL if the links of a red-black tree are sound, else a text. rb_check(), rb_first() and
 * rb_next() then end and access only its nodes. The node lies at `offset` in an element of `size`
 * bytes, all of which are readable.
 */
const char *check_tree_links(const struct rb_root *root, size_t offset, size_t size);

#endif
