#ifndef KERNEL_STRING_H
#define KERNEL_STRING_H

#include <kernel/types.h>

void *memcpy(void *dst, const void *src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int c, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
char *strstr(const char *s, const char *what);
/* Copies at most size - 1 bytes and always terminates. Returns strlen(src). */
size_t strlcpy(char *dst, const char *src, size_t size);
int strcasecmp(const char *a, const char *b);

/* Matches a shell pattern: '*', '?'; all other characters match themselves. */
bool glob_match(const char *pattern, const char *s);

/*
 * Parse all of s as a decimal or 0x hex number. parse_size also accepts one of the suffixes K M G T P E (powers of 1024,
 * either case). Return 0; -EINVAL if s is no number or has trailing text; -ERANGE if it does not fit. *out is untouched
 * on error.
 */
int parse_u64(const char *s, u64 *out);
int parse_size(const char *s, u64 *out);
/* Parses a prefix of s like parse_size(). *end is the first character after the number and its suffix. */
int parse_size_prefix(const char *s, const char **end, u64 *out);

#endif
