/*
 * libc_compare.c - the kernel's printf and string functions against the C library's, with random arguments.
 *
 * Idea.       test_libc.py compiles kernel/base/printf.c and string.c with every function renamed to strata_*, so both
 *             implementations are in one process and get the same arguments. Only what C99 defines is drawn: no flag, length
 *             or precision that is undefined for its conversion.
 * Layout.     libc_compare SEED FORMATS STRINGS
 * Locking.    None.
 * Failure.    The first difference is printed with its format, arguments and round. Status 1.
 */
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int strata_vsnprintf(char *buf, size_t size, const char *fmt, va_list args);
void *strata_memcpy(void *dst, const void *src, size_t n);
void *strata_memmove(void *dst, const void *src, size_t n);
void *strata_memset(void *dst, int c, size_t n);
int strata_memcmp(const void *a, const void *b, size_t n);
void *strata_memchr(const void *s, int c, size_t n);
size_t strata_strlen(const char *s);
size_t strata_strnlen(const char *s, size_t max);
int strata_strcmp(const char *a, const char *b);
int strata_strncmp(const char *a, const char *b, size_t n);
int strata_strcasecmp(const char *a, const char *b);
char *strata_strchr(const char *s, int c);
char *strata_strrchr(const char *s, int c);
char *strata_strstr(const char *s, const char *what);
const char *ksym_lookup(unsigned long addr, unsigned long *offset, unsigned long *size);

/* For %pS, which no format here has. */
const char *ksym_lookup(unsigned long addr, unsigned long *offset, unsigned long *size)
{
	(void)addr, (void)offset, (void)size;
	return NULL;
}

static uint64_t state;

static uint64_t draw(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state * 0x2545f4914f6cdd1dULL;
}

static unsigned below(unsigned n)
{
	return (unsigned)(draw() >> 33) % n;
}

/* ---- printf ---- */

enum { CONVERSIONS = 3, ARGS = 3 * CONVERSIONS, TEXT = 2048 };

struct call {
	char fmt[256];
	unsigned long arg[ARGS]; /* one register or stack slot each, whatever the type */
	unsigned nr;
};

static void add(struct call *c, const char *text)
{
	strcat(c->fmt, text);
}

static void add_number(struct call *c, int v)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", v);
	add(c, text);
}

/* A width or precision: none, digits, or '*' with an argument that may be negative. */
static void add_count(struct call *c, const char *lead, bool star_may_be_negative)
{
	unsigned kind = below(4);
	int v = (int)below(below(8) ? 24 : 300);

	if (kind == 0)
		return;
	add(c, lead);
	if (kind == 1 && *lead) /* a point alone is a precision of 0 */
		return;
	if (kind <= 2) {
		if (v || *lead) /* a width of 0 would be a flag */
			add_number(c, v);
		return;
	}
	add(c, "*");
	c->arg[c->nr++] = (unsigned long)(long)(star_may_be_negative && below(2) ? -v : v);
}

static unsigned long interesting(void)
{
	static const unsigned long values[] = {
		0,	 1,	    7,	      8,	 9,	   10,	      15,	16,    99,
		100,	 127,	    128,      255,	 256,	   32767,     32768,	65535, 65536,
		INT_MAX, 1UL << 31, UINT_MAX, 1UL << 32, LONG_MAX, 1UL << 63, ULONG_MAX};

	switch (below(3)) {
	case 0:
		return values[below(sizeof(values) / sizeof(values[0]))];
	case 1:
		return -values[below(sizeof(values) / sizeof(values[0]))];
	default:
		return draw() >> below(64);
	}
}

static void add_integer(struct call *c)
{
	static const char *const lengths[] = {"", "", "hh", "h", "l", "ll", "z", "j", "t"};
	static const char conversions[] = "diuxXo";
	char conv[2] = {conversions[below(6)], '\0'};
	const char *flags = strchr("di", *conv) ? "-+ 0" : *conv == 'u' ? "-0" : "-#0";
	char flag[2] = "";

	while (below(3)) {
		flag[0] = flags[below((unsigned)strlen(flags))];
		add(c, flag);
	}
	add_count(c, "", true);
	add_count(c, ".", true);
	add(c, lengths[below(9)]);
	add(c, conv);
	c->arg[c->nr++] = interesting();
}

static void add_text(struct call *c)
{
	static const char *const texts[] = {"",		"a",	     "strata", "0123456789abcdef0123456789",
					    "per%cent", "\x80\xff\n"};
	bool letter = below(4) == 0;

	if (below(2))
		add(c, "-");
	add_count(c, "", true);
	if (!letter)
		add_count(c, ".", true);
	add(c, letter ? "c" : "s");
	c->arg[c->nr++] = letter ? 1 + below(255) : (unsigned long)texts[below(6)];
}

static void draw_call(struct call *c)
{
	unsigned nr = 1 + below(CONVERSIONS);

	memset(c, 0, sizeof(*c));
	while (nr--) {
		static const char *const between[] = {"", " ", "abc", "%%", "\n", "-"};

		add(c, between[below(6)]);
		add(c, "%");
		if (below(4))
			add_integer(c);
		else
			add_text(c);
	}
	add(c, below(2) ? "" : " end");
}

static int ours(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = strata_vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return len;
}

static int theirs(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return len;
}

#define CALL(fn, buf, size, c)                                                                   \
	fn(buf, size, (c)->fmt, (c)->arg[0], (c)->arg[1], (c)->arg[2], (c)->arg[3], (c)->arg[4], \
	   (c)->arg[5], (c)->arg[6], (c)->arg[7], (c)->arg[8])

static bool format_differs(unsigned long round)
{
	static char a[TEXT], b[TEXT];
	size_t size = below(3) ? TEXT : below(40);
	struct call c;
	int la, lb;

	draw_call(&c);
	memset(a, 0x55, sizeof(a));
	memset(b, 0x55, sizeof(b));
	la = CALL(ours, a, size, &c);
	lb = CALL(theirs, b, size, &c);
	if (la == lb && memcmp(a, b, sizeof(a)) == 0) /* also what lies behind size */
		return false;
	printf("format %lu: \"%s\" size %zu", round, c.fmt, size);
	for (unsigned i = 0; i < c.nr; i++)
		printf(" 0x%lx", c.arg[i]);
	printf("\n  ours %d: \"%s\"\n  libc %d: \"%s\"\n", la, size ? a : "", lb, size ? b : "");
	return true;
}

/* ---- strings ---- */

static int sign(int v)
{
	return (v > 0) - (v < 0);
}

enum { ARENA = 512 };

static bool blocks_differ(unsigned long round)
{
	static unsigned char a[ARENA], b[ARENA], from[ARENA];
	size_t len = below(below(2) ? 40 : ARENA / 2), dst = below(ARENA - (unsigned)len),
	       src = below(ARENA - (unsigned)len);
	int c = (int)draw();
	const char *what;

	for (unsigned i = 0; i < ARENA; i++)
		a[i] = b[i] = (unsigned char)(below(3) ? below(4) : draw()),
		from[i] = below(50) ? a[i] : (unsigned char)draw();
	what = "memcmp";
	if (sign(strata_memcmp(a + dst, from + dst, len)) != sign(memcmp(b + dst, from + dst, len)))
		goto differs;
	what = "memchr";
	if ((unsigned char *)strata_memchr(a + dst, c, len) - a !=
		    (unsigned char *)memchr(b + dst, c, len) - b &&
	    (strata_memchr(a + dst, c, len) || memchr(b + dst, c, len)))
		goto differs;
	what = "memcpy";
	if (strata_memcpy(a + dst, from + src, len) != a + dst)
		goto differs;
	memcpy(b + dst, from + src, len);
	if (memcmp(a, b, ARENA) != 0)
		goto differs;
	what = "memmove";
	if (strata_memmove(a + dst, a + src, len) != a + dst)
		goto differs;
	memmove(b + dst, b + src, len);
	if (memcmp(a, b, ARENA) != 0)
		goto differs;
	what = "memset";
	if (strata_memset(a + dst, c, len) != a + dst)
		goto differs;
	memset(b + dst, c, len);
	if (memcmp(a, b, ARENA) == 0)
		return false;
differs:
	printf("block %lu: %s, %zu bytes, from %zu to %zu, byte 0x%x\n", round, what, len, src, dst,
	       c & 0xff);
	return true;
}

static void draw_string(char *s, unsigned most)
{
	unsigned len = below(most);
	bool few = below(2);

	for (unsigned i = 0; i < len; i++)
		s[i] = few ? "abAB"[below(4)] : (char)(1 + below(255));
	s[len] = '\0';
}

static bool strings_differ(unsigned long round)
{
	char s[64], what[8];
	size_t n = below(70);
	int c = below(2) ? 'a' : (int)below(256);
	const char *name;

	draw_string(s, sizeof(s));
	draw_string(what, below(2) ? 3 : sizeof(what));
	name = "strlen";
	if (strata_strlen(s) != strlen(s) || strata_strnlen(s, n) != strnlen(s, n))
		goto differs;
	name = "strchr";
	if (strata_strchr(s, c) != strchr(s, c) || strata_strrchr(s, c) != strrchr(s, c))
		goto differs;
	name = "strstr";
	if (strata_strstr(s, what) != strstr(s, what))
		goto differs;
	name = "strcmp";
	if (sign(strata_strcmp(s, what)) != sign(strcmp(s, what)) ||
	    sign(strata_strncmp(s, what, n)) != sign(strncmp(s, what, n)))
		goto differs;
	name = "strcasecmp";
	if (sign(strata_strcasecmp(s, what)) == sign(strcasecmp(s, what)))
		return false;
differs:
	printf("string %lu: %s of \"%s\", \"%s\", %zu, 0x%x\n", round, name, s, what, n, c);
	return true;
}

int main(int argc, char **argv)
{
	unsigned long formats, strings;

	if (argc != 4)
		return 2;
	state = strtoul(argv[1], NULL, 0) * 2 + 1;
	formats = strtoul(argv[2], NULL, 0);
	strings = strtoul(argv[3], NULL, 0);
	for (unsigned long i = 0; i < formats; i++)
		if (format_differs(i))
			return 1;
	for (unsigned long i = 0; i < strings; i++)
		if (blocks_differ(i) || strings_differ(i))
			return 1;
	printf("%lu formats, %lu strings and blocks agree\n", formats, strings);
	return 0;
}
