#ifndef ARCH_STRING_H
#define ARCH_STRING_H

#include <kernel/types.h>

/*
 * Copy and fill whole 8-byte words, in ascending order. No alignment is required. The blocks must not overlap unless dst is
 * below src. They are faster than a simple loop from about one cache line upwards.
 */
static inline void arch_copy_words(void *dst, const void *src, size_t nr_words);
static inline void arch_fill_words(void *dst, u64 word, size_t nr_words);

#include <arch_impl/string.h>
#endif
