/*
 * string.c - memory blocks and strings.
 *
 * Idea.       The compiler generates calls of memcpy, memmove, memset and memcmp. It must not turn the loops in these
 *             functions into calls of themselves, so this file is built with -fno-tree-loop-distribute-patterns.
 * Layout.     Blocks are copied as 8-byte words and a tail of bytes. From BLOCK_MIN bytes on, the port's block instruction
 *             copies the words. Words may be unaligned; every port allows that on normal memory.
 * Locking.    None; any context, also before anything is initialised.
 * Next:       printf.c.
 */
#include <kernel/string.h>

#include <arch/string.h>

enum {
	WORD = sizeof(u64),
	BLOCK_MIN = 128, /* below this the start-up of a block instruction costs more than the loop */
};

/* An unaligned word. may_alias: the bytes belong to objects of other types. */
typedef u64 __attribute__((may_alias, aligned(1))) word_t;

void *memcpy(void *dst, const void *src, size_t n)
{
	char *d = dst;
	const char *s = src;

	if (n >= BLOCK_MIN) {
		size_t bytes = n & ~(size_t)(WORD - 1);

		arch_copy_words(d, s, n / WORD);
		d += bytes;
		s += bytes;
		n -= bytes;
	}
	for (; n >= WORD; n -= WORD, d += WORD, s += WORD)
		*(word_t *)d = *(const word_t *)s;
	while (n--)
		*d++ = *s++;
	return dst;
}

/* Copies in descending order, for a destination that begins inside the source. */
static void memmove_down(char *dst, const char *src, size_t n)
{
	for (; n >= WORD; n -= WORD)
		*(word_t *)(dst + n - WORD) = *(const word_t *)(src + n - WORD);
	while (n--)
		dst[n] = src[n];
}

void *memmove(void *dst, const void *src, size_t n)
{
	/* Ascending order is wrong only if src < dst < src + n. If dst < src, the difference wraps to a large number. */
	if ((uintptr_t)dst - (uintptr_t)src >= n)
		return memcpy(dst, src, n);
	memmove_down(dst, src, n);
	return dst;
}

void *memset(void *dst, int c, size_t n)
{
	u64 word = (u8)c * 0x0101010101010101UL;
	char *d = dst;

	if (n >= BLOCK_MIN) {
		size_t bytes = n & ~(size_t)(WORD - 1);

		arch_fill_words(d, word, n / WORD);
		d += bytes;
		n -= bytes;
	}
	for (; n >= WORD; n -= WORD, d += WORD)
		*(word_t *)d = word;
	while (n--)
		*d++ = (char)c;
	return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const u8 *x = a, *y = b;

	while (n >= WORD && *(const word_t *)x == *(const word_t *)y) {
		x += WORD;
		y += WORD;
		n -= WORD;
	}
	for (; n; n--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

void *memchr(const void *s, int c, size_t n)
{
	for (const u8 *p = s; n--; p++)
		if (*p == (u8)c)
			return (void *)p;
	return NULL;
}

size_t strlen(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

size_t strnlen(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && s[n])
		n++;
	return n;
}

int strcmp(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return (u8)*a - (u8)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (; n && *a && *a == *b; n--) {
		a++;
		b++;
	}
	return n ? (u8)*a - (u8)*b : 0;
}

static int ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : (u8)c;
}

int strcasecmp(const char *a, const char *b)
{
	while (*a && ascii_lower(*a) == ascii_lower(*b)) {
		a++;
		b++;
	}
	return ascii_lower(*a) - ascii_lower(*b);
}

char *strchr(const char *s, int c)
{
	for (;; s++) {
		if (*s == (char)c)
			return (char *)s;
		if (!*s)
			return NULL;
	}
}

char *strrchr(const char *s, int c)
{
	char *found = NULL;

	for (;; s++) {
		if (*s == (char)c)
			found = (char *)s;
		if (!*s)
			return found;
	}
}

char *strstr(const char *s, const char *what)
{
	size_t n = strlen(what);

	for (; n; s++) {
		s = strchr(s, *what);
		if (!s || strncmp(s, what, n) == 0)
			break;
	}
	return (char *)s;
}
