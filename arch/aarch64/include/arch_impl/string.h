#ifndef ARCH_IMPL_STRING_H
#define ARCH_IMPL_STRING_H

/* Eight words at a time in pairs of registers, then single words. Normal memory allows unaligned words. */

static inline void arch_copy_words(void *dst, const void *src, size_t nr_words)
{
	size_t lines = nr_words / 8;
	u64 a, b, c, d, e, f, g, h;

	nr_words %= 8;
	/* Ascending, and each line is read before it is written: correct for a destination below the source. */
	__asm__ volatile("	cbz %2, 2f\n"
			 "1:	ldp %3, %4, [%1]\n"
			 "	ldp %5, %6, [%1, #16]\n"
			 "	ldp %7, %8, [%1, #32]\n"
			 "	ldp %9, %10, [%1, #48]\n"
			 "	add %1, %1, #64\n"
			 "	subs %2, %2, #1\n"
			 "	stp %3, %4, [%0]\n"
			 "	stp %5, %6, [%0, #16]\n"
			 "	stp %7, %8, [%0, #32]\n"
			 "	stp %9, %10, [%0, #48]\n"
			 "	add %0, %0, #64\n"
			 "	b.ne 1b\n"
			 "2:	cbz %11, 4f\n"
			 "3:	ldr %3, [%1], #8\n"
			 "	subs %11, %11, #1\n"
			 "	str %3, [%0], #8\n"
			 "	b.ne 3b\n"
			 "4:"
			 : "+&r"(dst), "+&r"(src), "+&r"(lines), "=&r"(a), "=&r"(b), "=&r"(c), "=&r"(d),
			   "=&r"(e), "=&r"(f), "=&r"(g), "=&r"(h), "+&r"(nr_words)
			 :
			 : "memory", "cc");
}

static inline void arch_fill_words(void *dst, u64 word, size_t nr_words)
{
	size_t lines = nr_words / 8;

	nr_words %= 8;
	__asm__ volatile("	cbz %1, 2f\n"
			 "1:	stp %3, %3, [%0]\n"
			 "	stp %3, %3, [%0, #16]\n"
			 "	stp %3, %3, [%0, #32]\n"
			 "	stp %3, %3, [%0, #48]\n"
			 "	add %0, %0, #64\n"
			 "	subs %1, %1, #1\n"
			 "	b.ne 1b\n"
			 "2:	cbz %2, 4f\n"
			 "3:	str %3, [%0], #8\n"
			 "	subs %2, %2, #1\n"
			 "	b.ne 3b\n"
			 "4:"
			 : "+&r"(dst), "+&r"(lines), "+&r"(nr_words)
			 : "r"(word)
			 : "memory", "cc");
}

#endif
