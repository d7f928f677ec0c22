/*
 * test_string_table.c - memory blocks and strings at each alignment, length and border.
 *
 * Idea.       test_string.c draws at random. Here tables go through all starts and lengths around a word, through the
 *             lengths where the code changes its method, and through strings whose last byte is the last byte of a mapped
 *             page: a function that reads behind a terminator or behind n faults on the guard page.
 * Layout.     block[] with 0xee around what an operation may touch; edge: a page before a guard page
 * Invariants. None.
 * Locking.    None.
 * Failure.    The first difference ends a case.
 * Next:       test_parse.c.
 */
#include <kernel/string.h>
#include <kernel/test.h>

#include <mm/vmalloc.h>

enum { MARGIN = 24, MAX_LEN = 300, BLOCK = MAX_LEN + 2 * MARGIN };

static u8 block[BLOCK], other[BLOCK], before[BLOCK];

/* Lengths around a word and around the threshold of the port's block instructions. */
static const size_t lengths[] = {0,  1,	 2,  3,	 7,   8,   9,	15,  16,  17,  31,  32,	 33,
				 63, 64, 65, 95, 127, 128, 129, 135, 136, 137, 255, 256, MAX_LEN};

static void number_bytes(u8 *p, u8 first)
{
	for (size_t i = 0; i < BLOCK; i++)
		p[i] = (u8)(first + i * 7);
}

/* Bytes [at, at + len) of block are as expected() says, all others as before. */
static bool only_changed(size_t at, size_t len, const u8 *from)
{
	for (size_t i = 0; i < BLOCK; i++)
		if (block[i] != (i >= at && i < at + len ? from[i - at] : before[i]))
			return false;
	return true;
}

KTEST(string_table, memcpy_at_each_alignment_and_length)
{
	for (unsigned l = 0; l < ARRAY_SIZE(lengths); l++)
		for (size_t to = MARGIN; to < MARGIN + 9; to++)
			for (size_t from = MARGIN; from < MARGIN + 9; from++) {
				number_bytes(block, 1);
				number_bytes(before, 1);
				number_bytes(other, 100);
				EXPECT_TRUE(memcpy(block + to, other + from, lengths[l]) == block + to);
				EXPECT_MSG(only_changed(to, lengths[l], other + from),
					   "%zu bytes, %zu to %zu", lengths[l], from, to);
			}
}

KTEST(string_table, memmove_at_each_distance_and_length)
{
	for (unsigned l = 0; l < ARRAY_SIZE(lengths); l++)
		for (size_t from = MARGIN - 9; from < MARGIN + 10; from++)
			for (size_t to = MARGIN - 9; to < MARGIN + 10; to++) {
				number_bytes(block, 1);
				number_bytes(before, 1);
				EXPECT_TRUE(memmove(block + to, block + from, lengths[l]) == block + to);
				EXPECT_MSG(only_changed(to, lengths[l], before + from),
					   "%zu bytes, %zu to %zu", lengths[l], from, to);
			}
}

KTEST(string_table, memset_at_each_alignment_length_and_value)
{
	static const int values[] = {0, 1, 0x80, 0xff, 0x1ff, -1};

	for (unsigned l = 0; l < ARRAY_SIZE(lengths); l++)
		for (size_t at = MARGIN; at < MARGIN + 9; at++)
			for (unsigned v = 0; v < ARRAY_SIZE(values); v++) {
				number_bytes(block, 1);
				number_bytes(before, 1);
				for (size_t i = 0; i < BLOCK; i++)
					other[i] = (u8)values[v];
				EXPECT_TRUE(memset(block + at, values[v], lengths[l]) == block + at);
				EXPECT_MSG(only_changed(at, lengths[l], other), "%zu bytes of 0x%x at %zu",
					   lengths[l], values[v], at);
			}
}

KTEST(string_table, memcmp_finds_each_single_difference)
{
	for (unsigned l = 0; l < ARRAY_SIZE(lengths); l++)
		for (size_t at = 0; at < lengths[l]; at++)
			for (size_t skew = 0; skew < 9; skew++) {
				number_bytes(block, 3);
				memmove(other + skew, block, lengths[l]);
				EXPECT_EQ(memcmp(block, other + skew, lengths[l]), 0);
				other[skew + at] ^= 0x80; /* bytes compare without a sign */
				EXPECT_EQ(memcmp(block, other + skew, lengths[l]) < 0,
					  block[at] < other[skew + at]);
				EXPECT_NE(memcmp(block, other + skew, lengths[l]), 0);
				EXPECT_EQ(memcmp(block, other + skew, at), 0);
			}
}

/* ---- strings at the end of what is mapped ---- */

/* len letters whose terminator is the last byte of the page at edge. */
static char *at_the_edge(char *edge, size_t len, char letter)
{
	char *s = edge + PAGE_SIZE - 1 - len;

	memset(s, letter, len);
	s[len] = '\0';
	return s;
}

KTEST(string_table, no_function_reads_behind_a_terminator)
{
	char *edge = vmalloc(PAGE_SIZE), *edge2 = vmalloc(PAGE_SIZE), buf[64];

	ASSERT_NOT_NULL(edge);
	ASSERT_NOT_NULL(edge2);
	for (size_t len = 0; len < 40; len++) {
		char *s = at_the_edge(edge, len, 'a'), *same = at_the_edge(edge2, len, 'a');

		EXPECT_EQ(strlen(s), len);
		EXPECT_EQ(strnlen(s, ~0UL), len);
		EXPECT_EQ(strcmp(s, same), 0);
		EXPECT_EQ(strncmp(s, same, 1000), 0);
		EXPECT_EQ(strcasecmp(s, same), 0);
		EXPECT_NULL(strchr(s, 'b'));
		EXPECT_TRUE(strchr(s, '\0') == s + len);
		EXPECT_NULL(strrchr(s, 'b'));
		EXPECT_TRUE(strrchr(s, '\0') == s + len);
		EXPECT_NULL(strstr(s, "ab"));
		EXPECT_TRUE(strstr(s, same) == s);
		EXPECT_EQ(strlcpy(buf, s, sizeof(buf)), len);
		EXPECT_STREQ(buf, s);
		EXPECT_TRUE(glob_match("a*", s) == (len > 0));
		EXPECT_FALSE(glob_match("*b", s));
		EXPECT_EQ(snprintf(buf, sizeof(buf), "%s", s), len);
	}
	vfree(edge);
	vfree(edge2);
}

KTEST(string_table, no_function_reads_behind_a_length)
{
	char *edge = vmalloc(PAGE_SIZE), *edge2 = vmalloc(PAGE_SIZE), buf[64];

	ASSERT_NOT_NULL(edge);
	ASSERT_NOT_NULL(edge2);
	for (size_t len = 0; len < 40; len++) { /* the last byte of the page is a letter: no terminator */
		char *s = edge + PAGE_SIZE - len, *same = edge2 + PAGE_SIZE - len;

		memset(edge, 'a', PAGE_SIZE);
		memset(edge2, 'a', PAGE_SIZE);
		EXPECT_EQ(strnlen(s, len), len);
		EXPECT_EQ(strncmp(s, same, len), 0);
		EXPECT_EQ(memcmp(s, same, len), 0);
		EXPECT_NULL(memchr(s, 'b', len));
		EXPECT_TRUE(memmove(same, s, len) == same);
		EXPECT_TRUE(memcpy(same, s, len) == same);
		EXPECT_TRUE(memset(s, 'a', len) == s);
		EXPECT_EQ(snprintf(buf, sizeof(buf), "%.*s", (int)len, s), len);
	}
	vfree(edge);
	vfree(edge2);
}

/* ---- tables ---- */

static const struct {
	const char *a, *b;
	int order;	/* strcmp: -1, 0, 1 */
	int order_case; /* strcasecmp */
	int order_3;	/* strncmp of 3 */
} pairs[] = {
	{"", "", 0, 0, 0},	     {"", "a", -1, -1, -1},	 {"a", "", 1, 1, 1},
	{"abc", "abc", 0, 0, 0},     {"abc", "abcd", -1, -1, 0}, {"abcd", "abc", 1, 1, 0},
	{"abC", "abc", -1, 0, -1},   {"ABC", "abd", -1, -1, -1}, {"abc\x80", "abc\x7f", 1, 1, 0},
	{"\xff", "a", 1, 1, 1},	     {"[", "A", 1, -1, 1}, /* 0x5b lies between 'A' and 'a' */
	{"abcX", "abcY", -1, -1, 0},
};

static int sign(int v)
{
	return (v > 0) - (v < 0);
}

KTEST(string_table, comparisons_have_the_order_of_their_table)
{
	for (unsigned i = 0; i < ARRAY_SIZE(pairs); i++) {
		const char *a = pairs[i].a, *b = pairs[i].b;

		EXPECT_MSG(sign(strcmp(a, b)) == pairs[i].order, "\"%s\" \"%s\"", a, b);
		EXPECT_MSG(sign(strcmp(b, a)) == -pairs[i].order, "\"%s\" \"%s\"", b, a);
		EXPECT_MSG(sign(strcasecmp(a, b)) == pairs[i].order_case, "\"%s\" \"%s\"", a, b);
		EXPECT_MSG(sign(strncmp(a, b, 3)) == pairs[i].order_3, "\"%s\" \"%s\"", a, b);
		EXPECT_EQ(strncmp(a, b, 0), 0);
	}
}

static const struct {
	const char *s, *what;
	int at; /* -1: not there */
} searches[] = {
	{"", "", 0},	      {"", "a", -1},
	{"abc", "", 0},	      {"abc", "abc", 0},
	{"abc", "abcd", -1},  {"aab", "ab", 1},
	{"aaaab", "aab", 2},  {"ababac", "abac", 2},
	{"abcabd", "abd", 3}, {"mississippi", "issip", 4},
	{"xyz", "z", 2},      {"\x80\xff", "\xff", 1},
};

KTEST(string_table, strstr_finds_the_first_place)
{
	for (unsigned i = 0; i < ARRAY_SIZE(searches); i++) {
		const char *found = strstr(searches[i].s, searches[i].what);

		EXPECT_MSG(found == (searches[i].at < 0 ? NULL : searches[i].s + searches[i].at),
			   "\"%s\" in \"%s\"", searches[i].what, searches[i].s);
	}
}

KTEST(string_table, strchr_and_strrchr_find_each_byte)
{
	char s[256 + 256];

	for (unsigned i = 0; i < 255; i++)
		s[i] = s[255 + i] = (char)(i + 1);
	s[510] = '\0';
	for (int c = 1; c < 256; c++) {
		EXPECT_TRUE(strchr(s, c) == s + c - 1);
		EXPECT_TRUE(strrchr(s, c) == s + 255 + c - 1);
		EXPECT_TRUE(strchr(s, c - 256) == s + c - 1); /* only the low byte counts */
		EXPECT_TRUE(memchr(s, c, 510) == s + c - 1);
		EXPECT_TRUE(memchr(s + 255, c + 256, 255) == s + 255 + c - 1);
	}
	EXPECT_TRUE(memchr(s, 0, sizeof(s)) == s + 510);
	EXPECT_NULL(memchr(s, 'a', 0));
}

KTEST(string_table, strlcpy_cuts_at_each_size)
{
	static const char text[] = "0123456789";
	char buf[16];

	for (size_t len = 0; len <= 10; len++)
		for (size_t size = 0; size <= 12; size++) {
			size_t kept = size ? min(size - 1, len) : 0;

			memset(buf, 'x', sizeof(buf));
			EXPECT_EQ(strlcpy(buf, text + 10 - len, size), len);
			EXPECT_EQ(memcmp(buf, text + 10 - len, kept), 0);
			if (size)
				EXPECT_EQ(buf[kept], '\0');
			for (size_t i = size ? kept + 1 : 0; i < sizeof(buf); i++)
				EXPECT_EQ(buf[i], 'x');
		}
}
