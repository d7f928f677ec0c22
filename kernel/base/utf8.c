/*
 * utf8.c - UTF-8: characters of one to four bytes, and their width on a terminal.
 *
 * Idea.       The shell stores lines as bytes. Only the line editor and the JSON writer need the length of a character and
 *             its width.
 * Layout.     first byte 00-7f: 1 byte, c2-df: 2, e0-ef: 3, f0-f4: 4; each further byte is 80-bf
 *             span[]: the characters that do not take one column, sorted
 * Locking.    None: pure functions.
 * Failure.    utf8_decode() returns 0 and reads no byte after the invalid one.
 * Source.     RFC 3629. Unicode's East Asian Width (W, F) and general categories Mn, Me, Cf, by blocks.
 */
#include <kernel/utf8.h>

unsigned utf8_length(u8 first)
{
	if (first < 0x80)
		return 1;
	if (first < 0xc2 || first > 0xf4)
		return 0;
	return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

unsigned utf8_decode(const char *s, size_t n, u32 *code)
{
	static const u32 lowest[UTF8_MAX + 1] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned len = n ? utf8_length((u8)s[0]) : 0;
	u32 c;

	if (!len || len > n)
		return 0;
	c = len == 1 ? (u8)s[0] : (u8)s[0] & (0x7fu >> len);
	for (unsigned i = 1; i < len; i++) {
		if (((u8)s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | ((u8)s[i] & 0x3f);
	}
	if (c < lowest[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*code = c;
	return len;
}

bool utf8_is_control(u32 code)
{
	return code < ' ' || (code >= 0x7f && code <= 0x9f) || (code >= 0x202a && code <= 0x202e) ||
	       (code >= 0x2066 && code <= 0x2069);
}

static const struct {
	u32 first, last;
	unsigned width;
} span[] = {
	{0x0300, 0x036f, 0},   {0x0483, 0x0489, 0},   {0x0591, 0x05bd, 0},   {0x0610, 0x061a, 0},
	{0x064b, 0x065f, 0},   {0x1100, 0x115f, 2},   {0x1ab0, 0x1aff, 0},   {0x1dc0, 0x1dff, 0},
	{0x200b, 0x200f, 0},   {0x202a, 0x202e, 0},   {0x2060, 0x206f, 0},   {0x20d0, 0x20ff, 0},
	{0x2e80, 0x303e, 2},   {0x3041, 0x33ff, 2},   {0x3400, 0x4dbf, 2},   {0x4e00, 0xa4cf, 2},
	{0xac00, 0xd7a3, 2},   {0xf900, 0xfaff, 2},   {0xfe00, 0xfe0f, 0},   {0xfe20, 0xfe2f, 0},
	{0xfe30, 0xfe6f, 2},   {0xfeff, 0xfeff, 0},   {0xff01, 0xff60, 2},   {0xffe0, 0xffe6, 2},
	{0x1f300, 0x1f64f, 2}, {0x1f680, 0x1f6ff, 2}, {0x1f900, 0x1f9ff, 2}, {0x20000, 0x3fffd, 2},
	{0xe0000, 0xe01ef, 0},
};

unsigned utf8_width(u32 code)
{
	for (unsigned i = 0; i < ARRAY_SIZE(span) && code >= span[i].first; i++)
		if (code <= span[i].last)
			return span[i].width;
	return 1;
}
