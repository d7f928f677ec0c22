#ifndef ARCH_IMPL_STRING_H
#define ARCH_IMPL_STRING_H

/* A word that need not be aligned. */
typedef u64 __attribute__((may_alias, aligned(1))) host_word_t;

static inline void arch_copy_words(void *dst, const void *src, size_t nr_words)
{
	for (size_t i = 0; i < nr_words; i++)
		((host_word_t *)dst)[i] = ((const host_word_t *)src)[i];
}

static inline void arch_fill_words(void *dst, u64 word, size_t nr_words)
{
	for (size_t i = 0; i < nr_words; i++)
		((host_word_t *)dst)[i] = word;
}

#endif
