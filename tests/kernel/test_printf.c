/*
 * test_printf.c - formatted output has C99's meanings.
 *
 * Idea.       Each kind of conversion is compared with the text that C99 asks for; random ones must give the
 *             same length and a prefix of the same text in any buffer, and numbers must read back as they
 *             were.
 * Layout.     EXPECT_FORMAT(text, format, arguments): text and returned length.
 * Invariants. I1  and I2 of printf.c.
 * Locking.    None.
 * Failure.    A case prints both texts.
 * Next:       test_string.c.
 */
#include <kernel/printk.h>
#include <kernel/sections.h>
#include <kernel/string.h>
#include <kernel/test.h>

static char text[512];

#define EXPECT_FORMAT(expected, ...)                                        \
	do {                                                                \
		int format_len = snprintf(text, sizeof(text), __VA_ARGS__); \
		EXPECT_STREQ(text, expected);                               \
		EXPECT_EQ(format_len, strlen(expected));                    \
	} while (0)

KTEST(printf, integers_follow_c99)
{
	const char *volatile narrow =
		"%hhu %hhd %hu"; /* the compiler would refuse arguments that are too large */

	EXPECT_FORMAT("0 -1 2147483647 -2147483648", "%d %i %d %d", 0, -1, 0x7fffffff, -0x7fffffff - 1);
	EXPECT_FORMAT("18446744073709551615 -9223372036854775808", "%lu %ld", ~0UL, (long)(1UL << 63));
	EXPECT_FORMAT("ff FF 0xff 0XFF 0", "%x %X %#x %#X %#x", 255, 255, 255, 255, 0);
	EXPECT_FORMAT("17 017 0", "%o %#o %#o", 15, 15, 0);
	EXPECT_FORMAT("44 -1 4464", narrow, 300, 255, 70000);
	EXPECT_FORMAT("1 2 3 4", "%zu %jd %td %llu", (size_t)1, (intmax_t)2, (ptrdiff_t)3, 4ULL);
}

KTEST(printf, flags_width_and_precision_follow_c99)
{
	EXPECT_FORMAT("[   42][42   ][00042][  +42][ 42]", "[%5d][%-5d][%05d][%+5d][% d]", 42, 42, 42, 42,
		      42);
	EXPECT_FORMAT("[-0042][  -42][ 0042][0042 ]", "[%05d][%5d][%5.4d][%-5.4d]", -42, -42, 42, 42);
	EXPECT_FORMAT("[0x0000002a][0x2a    ]", "[%#010x][%-#8x]", 42, 42);
	EXPECT_FORMAT("[][   ][0]", "[%.0d][%3.0d][%d]", 0, 0, 0);
	EXPECT_FORMAT("[    7][7    ][007]", "[%*d][%*d][%.*d]", 5, 7, -5, 7, 3, 7);
}

KTEST(printf, strings_characters_and_pointers)
{
	EXPECT_FORMAT("[abc][  abc][abc  ][ab]", "[%s][%5s][%-5s][%.2s]", "abc", "abc", "abc", "abc");
	EXPECT_FORMAT("[x][  x][100%]", "[%c][%3c][100%%]", 'x', 'x');
	EXPECT_FORMAT("0x0000000000000000 0x00000000deadbeef", "%p %p", NULL, (void *)0xdeadbeefUL);
	text[0] = 'a';
	text[1] = 'b'; /* no NUL within the precision: not one byte more is read */
	EXPECT_FORMAT("ab", "%.*s", 2, "abX");
}

KTEST(printf, null_string_and_unknown_conversion_are_shown)
{
	const char *volatile none = NULL;
	const char *volatile odd = "<%q> <%5y>";

	EXPECT_FORMAT("(null)", "%s", none);
	snprintf(text, sizeof(text), odd, 0);
	EXPECT_STREQ(text, "<%q> <%5y>");
}

KTEST(printf, symbol_names_the_function)
{
	snprintf(text, sizeof(text), "%pS", (void *)&vsnprintf);
	EXPECT_MSG(strncmp(text, "vsnprintf+0x0/0x", 16) == 0, "%s", text);
	snprintf(text, sizeof(text), "%pS", (void *)0x10UL);
	EXPECT_STREQ(text, "0x0000000000000010");
}

/* Shows printf.I1, printf.I2. */
KTEST(printf, cut_text_is_a_terminated_prefix_and_length_is_the_whole)
{
	static char full[128], cut[128];

	for (int round = 0; round < 300; round++) {
		u32 a = test_rand(), w = test_rand_below(30);
		size_t size = test_rand_below(80);
		int whole = snprintf(full, sizeof(full), "%*x|%-*d|%s", w, a, w, (int)a, "tail");
		int len, stored;

		memset(cut, 0x5a, sizeof(cut));
		len = snprintf(cut, size, "%*x|%-*d|%s", w, a, w, (int)a, "tail");
		EXPECT_EQ(len, whole);
		EXPECT_EQ(cut[size], 0x5a);
		if (!size)
			continue;
		EXPECT_EQ(strlen(cut), min((size_t)whole, size - 1));
		EXPECT_EQ(strncmp(cut, full, strlen(cut)), 0);
		stored = scnprintf(cut, size, "%*x|%-*d|%s", w, a, w, (int)a, "tail");
		EXPECT_EQ(stored, strlen(cut));
	}
}

KTEST(printf, numbers_read_back_as_they_were)
{
	for (int round = 0; round < 500; round++) {
		u64 v = ((u64)test_rand() << 32 | test_rand()) >> test_rand_below(64), back = 0;

		snprintf(text, sizeof(text), "%lu", v);
		EXPECT_EQ(parse_u64(text, &back), 0);
		EXPECT_EQ(back, v);
		snprintf(text, sizeof(text), "0x%0*lx", (int)test_rand_below(17), v);
		EXPECT_EQ(parse_u64(text, &back), 0);
		EXPECT_EQ(back, v);
	}
}
