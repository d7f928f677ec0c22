#ifndef ARCH_IMPL_STRING_H
#define ARCH_IMPL_STRING_H

/* The direction flag is always clear in the kernel; trap entry clears it. */

static inline void arch_copy_words(void *dst, const void *src, size_t nr_words)
{
	__asm__ volatile("rep movsq" : "+D"(dst), "+S"(src), "+c"(nr_words)::"memory");
}

static inline void arch_fill_words(void *dst, u64 word, size_t nr_words)
{
	__asm__ volatile("rep stosq" : "+D"(dst), "+c"(nr_words) : "a"(word) : "memory");
}

#endif
