#ifndef KERNEL_SORT_H
#define KERNEL_SORT_H

#include <kernel/types.h>

/* Returns a negative value, 0 or a positive value if a must precede b, if the order is free, or if b must precede a. */
typedef int (*sort_cmp)(const void *a, const void *b, const void *priv);

/* Sorts n elements of size bytes (at most 64) in ascending order, in n log n steps for any input. */
void sort_r(void *base, size_t n, size_t size, sort_cmp cmp, const void *priv);

#endif
