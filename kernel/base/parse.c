/*
 * parse.c - reads numbers, sizes and glob patterns from text.
 *
 * Idea.       The command line and the shell read numbers the same way. A number that does not fit is an error of its own
 *             and never a wrapped value.
 * Layout.     parse_digits() reads the number; parse_size_prefix() adds the suffixes of Linux's memparse(); the others
 *             require that the text ends after it.
 * Invariants. Results are untouched on error. No function reads past the terminating NUL.
 * Locking.    None; any context.
 * Failure.    -EINVAL: not a number, or text after it. -ERANGE: a number above 2^64 - 1.
 * Next:       kernel/base/cmdline.c, the first user.
 */
#include <kernel/errno.h>
#include <kernel/string.h>

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 16;
}

/* Reads a decimal or 0x hex number. *end is the first character after it, also on -ERANGE. */
static int parse_digits(const char *s, const char **end, u64 *out)
{
	unsigned base = 10;
	u64 v = 0;
	int err = 0;

	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X') && digit_value(s[2]) < 16) {
		base = 16;
		s += 2;
	}
	if (digit_value(*s) >= (int)base)
		return -EINVAL;
	for (; digit_value(*s) < (int)base; s++)
		if (__builtin_mul_overflow(v, base, &v) || __builtin_add_overflow(v, digit_value(*s), &v))
			err = -ERANGE;
	*end = s;
	if (!err)
		*out = v;
	return err;
}

int parse_u64(const char *s, u64 *out)
{
	const char *end;
	u64 v;
	int err = parse_digits(s, &end, &v);

	if (err == -EINVAL || *end)
		return -EINVAL;
	if (!err)
		*out = v;
	return err;
}

int parse_size_prefix(const char *s, const char **end, u64 *out)
{
	static const char suffixes[] = "KMGTPE";
	u64 v;
	int err = parse_digits(s, &s, &v);
	const char *suffix;

	if (err == -EINVAL)
		return err;
	suffix = *s ? strchr(suffixes, *s & ~0x20) : NULL;
	if (suffix && *suffix) {
		unsigned shift = 10 * (unsigned)(suffix - suffixes + 1);

		s++;
		if (!err && v > ~0UL >> shift)
			err = -ERANGE;
		if (!err)
			v <<= shift;
	}
	*end = s;
	if (!err)
		*out = v;
	return err;
}

int parse_size(const char *s, u64 *out)
{
	const char *end;
	u64 v;
	int err = parse_size_prefix(s, &end, &v);

	if (err == -EINVAL || *end)
		return -EINVAL;
	if (!err)
		*out = v;
	return err;
}

/* On a mismatch the last '*' takes one more character and matching restarts after it. Earlier '*' need not change. */
bool glob_match(const char *pattern, const char *s)
{
	const char *star = NULL, *retry = NULL;

	while (*s) {
		if (*pattern == '*') {
			star = ++pattern;
			retry = s;
		} else if (*pattern && (*pattern == '?' || *pattern == *s)) {
			pattern++;
			s++;
		} else if (star) {
			pattern = star;
			s = ++retry;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

size_t strlcpy(char *dst, const char *src, size_t size)
{
	size_t len = strlen(src);

	if (size) {
		size_t n = len < size ? len : size - 1;

		memcpy(dst, src, n);
		dst[n] = '\0';
	}
	return len;
}
