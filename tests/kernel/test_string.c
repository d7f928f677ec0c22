/*
 * test_string.c - memory blocks and strings against byte-by-byte versions; numbers and patterns out of
 * text.
 *
 * Idea.       An arena of bytes and a model of it: random starts, lengths and overlaps must change exactly
 *             the bytes that the model changes. Patterns are compared with their recursive definition.
 * Layout.     arena, model, from: three blocks of 1 KiB.
 * Invariants. Bytes outside of a block's range never change.
 * Locking.    None.
 * Failure.    The first byte that differs ends a case.
 * Next:       test_rbtree.c.
 */
#include <kernel/errno.h>
#include <kernel/string.h>
#include <kernel/test.h>

enum { ARENA = 1024 };

static u8 arena[ARENA], model[ARENA], from[ARENA];

static void fill_random(u8 *p, size_t n)
{
	while (n--)
		*p++ = (u8)test_rand();
}

/* A start and a length inside the arena; short ones are as likely as long ones. */
static size_t random_range(size_t *start)
{
	size_t len = test_rand_below(test_rand_below(2) ? 40 : ARENA / 2);

	*start = test_rand_below((u32)(ARENA - len));
	return len;
}

KTEST(string, memcpy_moves_exactly_its_bytes)
{
	for (int round = 0; round < 2000; round++) {
		size_t dst, src, len = random_range(&dst);

		src = test_rand_below((u32)(ARENA - len));
		fill_random(from, 64);
		memset(arena, round, ARENA);
		for (size_t i = 0; i < ARENA; i++)
			model[i] = (u8)round;
		for (size_t i = 0; i < len; i++)
			model[dst + i] = from[src + i];
		EXPECT_TRUE(memcpy(arena + dst, from + src, len) == arena + dst);
		for (size_t i = 0; i < ARENA; i++)
			if (!EXPECT_EQ(arena[i], model[i]))
				return;
	}
}

KTEST(string, memmove_survives_every_overlap)
{
	for (int round = 0; round < 2000; round++) {
		size_t dst, src, len = random_range(&dst);

		src = clamp((long)dst + (long)test_rand_below(80) - 40, 0L, (long)(ARENA - len));
		fill_random(arena, ARENA);
		for (size_t i = 0; i < ARENA; i++)
			model[i] = i >= dst && i < dst + len ? arena[src + i - dst] : arena[i];
		EXPECT_TRUE(memmove(arena + dst, arena + src, len) == arena + dst);
		for (size_t i = 0; i < ARENA; i++)
			if (!EXPECT_EQ(arena[i], model[i]))
				return;
	}
}

KTEST(string, memset_fills_exactly_its_bytes)
{
	for (int round = 0; round < 2000; round++) {
		size_t start, len = random_range(&start);
		int c = (int)test_rand();

		for (size_t i = 0; i < ARENA; i++)
			arena[i] = 0x77;
		EXPECT_TRUE(memset(arena + start, c, len) == arena + start);
		for (size_t i = 0; i < ARENA; i++)
			if (!EXPECT_EQ(arena[i], i >= start && i < start + len ? (u8)c : 0x77))
				return;
	}
}

KTEST(string, memcmp_and_memchr_find_the_first_difference)
{
	for (int round = 0; round < 1000; round++) {
		size_t start, len = random_range(&start), at;
		u8 old;

		if (!len)
			continue;
		fill_random(arena, ARENA);
		memcpy(model, arena, ARENA);
		EXPECT_EQ(memcmp(arena + start, model + start, len), 0);
		at = test_rand_below((u32)len);
		old = arena[start + at];
		arena[start + at]++;
		EXPECT_EQ(memcmp(arena + start, model + start, at), 0);
		EXPECT_EQ(memcmp(arena + start, model + start, len) > 0, arena[start + at] > old);
		EXPECT_EQ(memcmp(model + start, arena + start, len) > 0, arena[start + at] < old);
		memset(arena + start, 1, len);
		arena[start + at] = 2;
		EXPECT_TRUE(memchr(arena + start, 2, len) == arena + start + at);
		EXPECT_NULL(memchr(arena + start, 2, at));
	}
}

KTEST(string, comparisons_order_like_unsigned_characters)
{
	EXPECT_EQ(strcmp("abc", "abc"), 0);
	EXPECT_TRUE(strcmp("abc", "abd") < 0);
	EXPECT_TRUE(strcmp("abc", "ab") > 0);
	EXPECT_TRUE(strcmp("\x80", "a") > 0);
	EXPECT_EQ(strncmp("abcX", "abcY", 3), 0);
	EXPECT_TRUE(strncmp("ab", "abc", 3) < 0);
	EXPECT_EQ(strncmp("a", "b", 0), 0);
	EXPECT_EQ(strcasecmp("Normal", "nORMAL"), 0);
	EXPECT_TRUE(strcasecmp("DMA", "dma32") < 0);
}

KTEST(string, searches_find_first_last_and_inner)
{
	const char *s = "slab/slab.c";

	EXPECT_TRUE(strchr(s, 'a') == s + 2);
	EXPECT_TRUE(strchr(s, '\0') == s + 11);
	EXPECT_NULL(strchr(s, 'z'));
	EXPECT_TRUE(strrchr(s, 's') == s + 5);
	EXPECT_NULL(strrchr(s, 'z'));
	EXPECT_TRUE(strstr(s, "slab.") == s + 5);
	EXPECT_TRUE(strstr(s, "") == s);
	EXPECT_NULL(strstr(s, "slab.h"));
	EXPECT_EQ(strlen(""), 0);
	EXPECT_EQ(strnlen("abc", 2), 2);
	EXPECT_EQ(strnlen("abc", 9), 3);
}

KTEST(string, strlcpy_terminates_and_returns_the_whole_length)
{
	char buf[8];

	for (size_t size = 0; size <= sizeof(buf); size++) {
		memset(buf, 'x', sizeof(buf));
		EXPECT_EQ(strlcpy(buf, "abcde", size), 5);
		if (size)
			EXPECT_EQ(strlen(buf), min(size - 1, (size_t)5));
		if (size < sizeof(buf))
			EXPECT_EQ(buf[size], 'x');
	}
}

/* What glob_match() should be, without its one-star-back trick. */
static bool glob_model(const char *p, const char *s)
{
	if (*p == '*')
		return glob_model(p + 1, s) || (*s && glob_model(p, s + 1));
	if (!*s)
		return !*p;
	return *p && (*p == '?' || *p == *s) && glob_model(p + 1, s + 1);
}

KTEST(string, glob_match_agrees_with_its_definition)
{
	char p[8], s[10];
	unsigned matched = 0;

	for (int round = 0; round < 5000; round++) {
		unsigned np = test_rand_below(sizeof(p)), ns = test_rand_below(sizeof(s));

		for (unsigned i = 0; i < np; i++)
			p[i] = "ab*?"[test_rand_below(4)];
		for (unsigned i = 0; i < ns; i++)
			s[i] = "ab"[test_rand_below(2)];
		p[np] = '\0';
		s[ns] = '\0';
		EXPECT_MSG(glob_match(p, s) == glob_model(p, s), "\"%s\" on \"%s\"", p, s);
		matched += glob_model(p, s);
	}
	EXPECT_GT(matched, 100);
}

KTEST(string, parse_u64_takes_numbers_and_nothing_else)
{
	static const char *const bad[] = {"",	" 1", "1 ",  "-1", "+1",  "0x",
					  "x1", "1x", "0xg", "1K", "1.5", "0x1 "};
	u64 v = 42;

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_MSG(parse_u64(bad[i], &v) == -EINVAL, "\"%s\"", bad[i]);
	EXPECT_EQ(parse_u64("18446744073709551616", &v), -ERANGE);
	EXPECT_EQ(parse_u64("0x10000000000000000", &v), -ERANGE);
	EXPECT_EQ(v, 42);
	EXPECT_EQ(parse_u64("18446744073709551615", &v), 0);
	EXPECT_EQ(v, ~0UL);
	EXPECT_EQ(parse_u64("0XfF", &v), 0);
	EXPECT_EQ(v, 255);
	EXPECT_EQ(parse_u64("007", &v), 0);
	EXPECT_EQ(v, 7);
}

KTEST(string, parse_size_multiplies_or_refuses)
{
	static const char suffix[] = "KMGTPE";
	const char *end;
	char s[32];
	u64 v = 42;

	for (unsigned i = 0; i < 6; i++) {
		unsigned shift = 10 * (i + 1);

		snprintf(s, sizeof(s), "3%c", suffix[i] + (i & 1 ? 0x20 : 0));
		EXPECT_EQ(parse_size(s, &v), 0);
		EXPECT_EQ(v, 3UL << shift);
		/* The first number that does not fit with this suffix, and the last one that does. */
		snprintf(s, sizeof(s), "%lu%c", 1UL << (64 - shift), suffix[i]);
		EXPECT_EQ(parse_size(s, &v), -ERANGE);
		EXPECT_EQ(v, 3UL << shift);
		snprintf(s, sizeof(s), "%lu%c", (1UL << (64 - shift)) - 1, suffix[i]);
		EXPECT_EQ(parse_size(s, &v), 0);
	}
	EXPECT_EQ(parse_size("4KB", &v), -EINVAL);
	EXPECT_EQ(parse_size("K", &v), -EINVAL);
	EXPECT_EQ(parse_size_prefix("0x10M@0x4000", &end, &v), 0);
	EXPECT_EQ(v, 16UL << 20);
	EXPECT_STREQ(end, "@0x4000");
}
