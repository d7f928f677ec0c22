#ifndef ARCH_STRING_H
#define ARCH_STRING_H

#include <kernel/types.h>

/*
 * Block copy and fill by whole 8-byte words, ascending. No alignment is needed, blocks must not overlap
 * except with dst below src. Worth it from about a cache line upwards.
 */
static inline void arch_copy_words(void *dst, const void *src, size_t nr_words);
static inline void arch_fill_words(void *dst, u64 word, size_t nr_words);

#include <arch_impl/string.h>
#endif
