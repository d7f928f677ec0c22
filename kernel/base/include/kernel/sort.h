#ifndef KERNEL_SORT_H
#define KERNEL_SORT_H

#include <kernel/types.h>

/* Below 0, 0 or above: a comes first, either may, b comes first. */
typedef int (*sort_cmp)(const void *a, const void *b, const void *priv);

/* Sorts n elements of size bytes, 64 at most, in ascending order. n log n steps for any input. */
void sort_r(void *base, size_t n, size_t size, sort_cmp cmp, const void *priv);

#endif
