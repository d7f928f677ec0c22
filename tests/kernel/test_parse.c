/*
 * test_parse.c - numbers and sizes out of text: limits, bases, signs, blanks, suffixes.
 *
 * Idea.       Tables of texts with the value or error that they must give. The limits of 64 bits are approached from both
 *             sides, in each base and with each suffix. Random values are printed in each form and read back.
 * Layout.     good[], malformed[], too_large[]
 * Invariants. parse.c: the result is untouched on error.
 * Locking.    None.
 * Failure.    The report quotes the text.
 * Next:       test_cmdline.c.
 */
#include <kernel/errno.h>
#include <kernel/printk.h>
#include <kernel/string.h>
#include <kernel/test.h>

static const struct {
	const char *text;
	u64 value;
} good[] = {
	{"0", 0},
	{"1", 1},
	{"00000000000000000000000000001", 1},
	{"010", 10}, /* no octal: a leading zero is a zero */
	{"08", 8},
	{"09", 9},
	{"127", 127},
	{"128", 128},
	{"255", 255},
	{"256", 256},
	{"32767", 32767},
	{"32768", 32768},
	{"65535", 65535},
	{"65536", 65536},
	{"2147483647", 2147483647},
	{"2147483648", 2147483648},
	{"4294967295", 4294967295},
	{"4294967296", 4294967296},
	{"9223372036854775807", 9223372036854775807},
	{"9223372036854775808", 9223372036854775808UL},
	{"18446744073709551614", ~0UL - 1},
	{"18446744073709551615", ~0UL},
	{"0x0", 0},
	{"0X0", 0},
	{"0x7f", 0x7f},
	{"0x80", 0x80},
	{"0xff", 0xff},
	{"0xFfFf", 0xffff},
	{"0x7fffffffffffffff", 0x7fffffffffffffff},
	{"0x8000000000000000", 0x8000000000000000},
	{"0xffffffffffffffff", ~0UL},
	{"0x00000000000000000ffffffffffffffff", ~0UL},
	{"0xdeadBEEF", 0xdeadbeef},
};

static const char *const malformed[] = {
	"",	" ",	"\t", "\n",    " 1",	"1 ",	 "1\n",	  "\t1", "+1",	 "-1",
	"- 1",	"+",	"-",  "--1",   "0x",	"0X",	 "0x ",	  "0xg", "0x-1", "x1",
	"0y1",	"00x1", "1x", "0b101", "0o17",	"1_000", "1,000", "1.0", "1e3",	 "ff",
	"0x1h", "1a",	"a1", "\xb2",  "1\x80", "0x1p4", "one",	  "1;",	 "#1",	 "0x0x1",
};

static const char *const too_large[] = {
	"18446744073709551616", "18446744073709551617",
	"18446744073709551620", "28446744073709551615",
	"99999999999999999999", "100000000000000000000",
	"0x10000000000000000",	"0x1ffffffffffffffff",
	"0xfffffffffffffffff",	"340282366920938463463374607431768211456", /* 2^128: wraps to 0 */
	"36893488147419103232", /* 2^65 */ "0x100000000000000000000000000000000",
};

KTEST(parse, good_numbers_have_their_value)
{
	for (unsigned i = 0; i < ARRAY_SIZE(good); i++) {
		u64 v = ~good[i].value, size = ~good[i].value;

		EXPECT_MSG(parse_u64(good[i].text, &v) == 0 && v == good[i].value, "%s: %lu", good[i].text,
			   v);
		EXPECT_MSG(parse_size(good[i].text, &size) == 0 && size == good[i].value, "%s: %lu",
			   good[i].text, size);
	}
}

KTEST(parse, malformed_numbers_are_einval_and_change_nothing)
{
	for (unsigned i = 0; i < ARRAY_SIZE(malformed); i++) {
		u64 v = 42;

		EXPECT_MSG(parse_u64(malformed[i], &v) == -EINVAL && v == 42, "\"%s\"", malformed[i]);
		EXPECT_MSG(parse_size(malformed[i], &v) == -EINVAL && v == 42, "\"%s\"", malformed[i]);
	}
}

KTEST(parse, numbers_above_64_bits_are_erange_and_change_nothing)
{
	for (unsigned i = 0; i < ARRAY_SIZE(too_large); i++) {
		char text[64];
		u64 v = 42;

		EXPECT_MSG(parse_u64(too_large[i], &v) == -ERANGE && v == 42, "%s", too_large[i]);
		EXPECT_MSG(parse_size(too_large[i], &v) == -ERANGE && v == 42, "%s", too_large[i]);
		snprintf(text, sizeof(text), "%sK", too_large[i]);
		EXPECT_MSG(parse_size(text, &v) == -ERANGE && v == 42, "%s", text);
		/* A bad form is reported before a bad size. */
		snprintf(text, sizeof(text), "%s?", too_large[i]);
		EXPECT_MSG(parse_u64(text, &v) == -EINVAL && v == 42, "%s", text);
	}
}

/* The largest number that fits with each suffix, and the one above it, in both bases and cases. */
KTEST(parse, each_suffix_has_its_exact_limit)
{
	static const char suffixes[] = "KMGTPEkmgtpe";

	for (unsigned i = 0; i < 12; i++) {
		unsigned shift = 10 * (i % 6 + 1);
		u64 most = ~0UL >> shift, v = 42;
		char text[40];

		for (unsigned hex = 0; hex < 2; hex++) {
			const char *format = hex ? "0x%lx%c" : "%lu%c";

			if (hex && i % 6 == 5) /* there E is a digit */
				continue;
			snprintf(text, sizeof(text), format, most, suffixes[i]);
			EXPECT_MSG(parse_size(text, &v) == 0 && v == most << shift, "%s", text);
			v = 42;
			snprintf(text, sizeof(text), format, most + 1, suffixes[i]);
			EXPECT_MSG(parse_size(text, &v) == -ERANGE && v == 42, "%s", text);
			snprintf(text, sizeof(text), format, 1UL, suffixes[i]);
			EXPECT_MSG(parse_u64(text, &v) == -EINVAL && v == 42, "%s", text);
		}
	}
}

static const struct {
	const char *text;
	int err;
	u64 value;
	const char *rest;
} prefixes[] = {
	{"4", 0, 4, ""},
	{"4,5", 0, 4, ",5"},
	{"4K,5", 0, 4096, ",5"},
	{"4Kx", 0, 4096, "x"},
	{"4KK", 0, 4096, "K"},
	{"4KiB", 0, 4096, "iB"},
	{"4B", 0, 4, "B"},
	{"1E", 0, 1UL << 60, ""},
	{"0xE", 0, 14, ""}, /* a digit, not a suffix */
	{"0x1E", 0, 30, ""},
	{"0x1EE", 0, 0x1ee, ""},
	{"0x1Z", 0, 1, "Z"},
	{"0x", 0, 0, "x"}, /* 0 and a rest that is no digit */
	{"0xz", 0, 0, "xz"},
	{"16M@0x100000", 0, 16UL << 20, "@0x100000"},
	{"16M$1G", 0, 16UL << 20, "$1G"},
	{"99999999999999999999M@1", -ERANGE, 42, "@1"},
	{"32E#", -ERANGE, 42, "#"},
	{"-4", -EINVAL, 42, NULL},
	{" 4", -EINVAL, 42, NULL},
	{",4", -EINVAL, 42, NULL},
	{"K", -EINVAL, 42, NULL},
	{"", -EINVAL, 42, NULL},
};

KTEST(parse, a_prefix_ends_where_its_table_says)
{
	for (unsigned i = 0; i < ARRAY_SIZE(prefixes); i++) {
		const char *end = NULL;
		u64 v = 42;

		EXPECT_MSG(parse_size_prefix(prefixes[i].text, &end, &v) == prefixes[i].err, "\"%s\"",
			   prefixes[i].text);
		EXPECT_MSG(v == prefixes[i].value, "\"%s\": %lu", prefixes[i].text, v);
		if (prefixes[i].rest)
			EXPECT_MSG(end && !strcmp(end, prefixes[i].rest), "\"%s\": \"%s\" is left",
				   prefixes[i].text, end ? end : "?");
	}
}

KTEST(parse, random_values_are_read_back)
{
	static const char *const formats[] = {"%lu", "0x%lx", "0X%lX", "0x%016lx", "%020lu", "0x%lX"};

	for (int round = 0; round < 4000; round++) {
		u64 value = ((u64)test_rand() << 32 | test_rand()) >> test_rand_below(64), v = ~value;
		char text[40];

		snprintf(text, sizeof(text), formats[test_rand_below(ARRAY_SIZE(formats))], value);
		EXPECT_MSG(parse_u64(text, &v) == 0 && v == value, "%s: %lu", text, v);
	}
}
