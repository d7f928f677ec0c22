/*
 * test_cmdline.c - words, quotes, and mistakes that are named and do no harm.
 *
 * Idea.       Two options of its own note what they are called with; what the parser complains about is
 *             looked up in the log.
 * Layout.     parse(text) -> seen: "name=value|" for each call, in order.
 * Invariants. A word that no option declares never reaches a handler.
 * Locking.    None.
 * Failure.    The notes and the log lines are compared as text.
 * Next:       test_work.c.
 */
#include <kernel/cmdline.h>
#include <kernel/errno.h>
#include <kernel/printk.h>
#include <kernel/string.h>
#include <kernel/test.h>

static char seen[256]; /* what the handlers were called with, in order */

static void note(const char *name, const char *value)
{
	size_t len = strlen(seen);

	snprintf(seen + len, sizeof(seen) - len, "%s=%s|", name, value ? value : "(bare)");
}

static int cmdline_test_text(const char *value)
{
	note("text", value);
	return 0;
}
CMDLINE_OPT("cmdline_test.text", "anything", cmdline_test_text);

static int cmdline_test_number(const char *value)
{
	u64 v;

	if (!value || parse_u64(value, &v))
		return -EINVAL;
	note("number", value);
	return 0;
}
CMDLINE_OPT("cmdline_test.number", "a test number", cmdline_test_number);

static void parse(const char *text)
{
	static char words[256];

	seen[0] = '\0';
	strlcpy(words, text, sizeof(words));
	cmdline_parse(words);
}

/* Position in the log behind its last line. */
static u64 log_end(void)
{
	char line[LOG_LINE_SIZE];
	u64 pos = 0;

	while (log_next_line(&pos, line))
		;
	return pos;
}

static bool log_has(u64 pos, const char *what)
{
	char line[LOG_LINE_SIZE];

	while (log_next_line(&pos, line))
		if (strstr(line, what))
			return true;
	return false;
}

KTEST(cmdline, words_are_applied_in_order)
{
	parse("cmdline_test.number=1 cmdline_test.text  cmdline_test.text=\tcmdline_test.number=0x20  ");
	EXPECT_STREQ(seen, "number=1|text=(bare)|text=|number=0x20|");
	parse("");
	EXPECT_STREQ(seen, "");
	parse(" \t ");
	EXPECT_STREQ(seen, "");
}

KTEST(cmdline, quotes_protect_blanks_anywhere_in_a_word)
{
	parse("cmdline_test.text=\"a; b c\" \"cmdline_test.text=x y\" cmdline_test.text=p\" \"q "
	      "cmdline_test.text=a=b");
	EXPECT_STREQ(seen, "text=a; b c|text=x y|text=p q|text=a=b|");
}

KTEST(cmdline, unknown_words_are_named_and_ignored)
{
	u64 pos = log_end();

	parse("cmdline_test.nosuch=5 cmdline_test.number=7 cmdline_test");
	EXPECT_STREQ(seen, "number=7|");
	EXPECT_TRUE(log_has(pos, "unknown option \"cmdline_test.nosuch\""));
	EXPECT_TRUE(log_has(pos, "unknown option \"cmdline_test\""));
}

KTEST(cmdline, bad_values_say_what_was_expected)
{
	u64 pos = log_end();

	parse("cmdline_test.number=many cmdline_test.number=7 cmdline_test.number");
	EXPECT_STREQ(seen, "number=7|");
	EXPECT_TRUE(log_has(pos, "cmdline_test.number=many: expected a test number"));
	EXPECT_TRUE(log_has(pos, "cmdline_test.number: expected a test number"));
}

/* Returns the answer of the option's function to a word. */
static int set_by(const char *word)
{
	char name[64], *value;

	strlcpy(name, word, sizeof(name));
	value = strchr(name, '=');
	if (value)
		*value++ = '\0';
	return cmdline_set(name, value);
}

KTEST(cmdline, no_option_of_the_allocators_takes_a_bad_value)
{
	static const char *const bad[] = {
		"slab_max_order",
		"slab_max_order=x",
		"slab_max_order=11",
		"slab_max_order=-1",
		"slab_colour=2",
		"mem",
		"mem=x",
		"mem=1G,x",
		"memmap",
		"memmap=x",
		"memmap=1M*2M",
		"numa",
		"numa=on",
		"numa=",
		"vmalloc",
		"vmalloc=65535",
		"vmalloc=x",
		"movablecore",
		"movablecore=x",
		"directmap",
		"directmap=x",
		"page_owner=maybe",
		"page_poison=2",
		"init_on_alloc=yes",
		"init_on_free=no",
		"slab_debug=FX",
		"failslab=x",
		"failslab",
		"fail_page_alloc=1,101",
		"fail_page_alloc",
		"fail_vmalloc=1,2,3,4,5",
		"fail_vmalloc",
		"debug_pagealloc=x",
	};

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		u64 pos = log_end();
		char want[64];

		parse(bad[i]);
		snprintf(want, sizeof(want), "%s: expected ", bad[i]);
		EXPECT_MSG(log_has(pos, want), "%s: not refused", bad[i]);
		EXPECT_EQ(set_by(bad[i]), -EINVAL);
	}
}

KTEST(cmdline, a_good_value_is_taken_without_a_word)
{
	u64 pos = log_end();

	parse("numa=off failslab=0 fail_page_alloc=0 fail_vmalloc=0");
	EXPECT_FALSE(log_has(pos, "expected"));
}

KTEST(cmdline, an_open_quote_is_said_and_ends_with_the_line)
{
	u64 pos = log_end();

	parse("cmdline_test.text=\"a b");
	EXPECT_STREQ(seen, "text=a b|");
	EXPECT_TRUE(log_has(pos, "does not end"));
}

KTEST(cmdline, on_and_off_have_their_forms)
{
	bool v = false;

	EXPECT_EQ(cmdline_bool(NULL, &v), 0);
	EXPECT_TRUE(v);
	EXPECT_EQ(cmdline_bool("off", &v), 0);
	EXPECT_FALSE(v);
	EXPECT_EQ(cmdline_bool("1", &v), 0);
	EXPECT_TRUE(v);
	EXPECT_EQ(cmdline_bool("0", &v), 0);
	EXPECT_FALSE(v);
	EXPECT_EQ(cmdline_bool("yes", &v), -EINVAL);
	EXPECT_EQ(cmdline_bool("", &v), -EINVAL);
	EXPECT_FALSE(v);
}

KTEST(cmdline, random_text_never_reaches_a_handler_by_chance)
{
	int level = console_loglevel;

	console_loglevel = LOG_ERR; /* its complaints are many */
	for (int round = 0; round < 100; round++) {
		char text[64];
		unsigned len = test_rand_below(sizeof(text));

		for (unsigned i = 0; i < len; i++)
			text[i] = "ab=\" .\t\x80"[test_rand_below(8)];
		text[len] = '\0';
		parse(text);
		EXPECT_STREQ(seen, "");
	}
	console_loglevel = level;
}
