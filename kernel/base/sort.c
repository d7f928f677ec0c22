/*
 * sort.c - sorting in place.
 *
 * Idea.       Heap sort uses no recursion and no extra memory, and it needs n log n steps for any input. The bound matters:
 *             firmware supplies the data that is sorted.
 * Layout.     base[0 .. n) of elements of `size` bytes, at most SORT_ELEMENT_MAX
 * Locking.    None: a pure function.
 * Failure.    Elements of more than SORT_ELEMENT_MAX bytes are a BUG. The order of equal elements is not defined.
 * Source.     Linux lib/sort.c (sort_r), without its swap function.
 * Next:       string.c.
 */
#include <kernel/bug.h>
#include <kernel/sort.h>
#include <kernel/string.h>

enum { SORT_ELEMENT_MAX = 64 };

static void swap_elements(char *a, char *b, size_t size)
{
	char t[SORT_ELEMENT_MAX];

	memcpy(t, a, size);
	memcpy(a, b, size);
	memcpy(b, t, size);
}

static void sift(char *base, size_t root, size_t n, size_t size, sort_cmp cmp, const void *priv)
{
	for (size_t child; (child = 2 * root + 1) < n; root = child) {
		if (child + 1 < n && cmp(base + child * size, base + (child + 1) * size, priv) < 0)
			child++;
		if (cmp(base + root * size, base + child * size, priv) >= 0)
			return;
		swap_elements(base + root * size, base + child * size, size);
	}
}

void sort_r(void *base, size_t n, size_t size, sort_cmp cmp, const void *priv)
{
	BUG_ON(size > SORT_ELEMENT_MAX, "sort_r: elements of %zu bytes, at most %u", size, SORT_ELEMENT_MAX);
	for (size_t i = n / 2; i-- > 0;)
		sift(base, i, n, size, cmp, priv);
	while (n > 1) {
		n--;
		swap_elements(base, (char *)base + n * size, size);
		sift(base, 0, n, size, cmp, priv);
	}
}
