/*
 * test_lineedit.c - the line editor, typed at.
 *
 * Idea.       A small terminal reads what the editor emits: its row and cursor must show the line after every
 *             key. A model of a line, in the simplest code, says what text and cursor should be.
 * Layout.     keys -> lineedit_feed -> terminal() -> row[], column
 * Invariants. I1  to I4 of lineedit.c, after every byte.
 * Locking.    None.
 * Failure.    A random sequence stops at the first difference.
 * Next:       test_shell.c.
 */
#include "kernel/shell/lineedit.h"

#include <kernel/printk.h>
#include <kernel/string.h>
#include <kernel/test.h>
#include <kernel/utf8.h>

enum { COLUMNS = 80, SECOND_HALF = 0xffffffff, ACCENT_FACTOR = 0x110001 };

/*
 * The row of the terminal where the cursor is: a code point for each column. A wide character fills a second column. An
 * accent is mixed into the column before it.
 */
static u32 row[COLUMNS];
static char partial[UTF8_MAX]; /* a character whose bytes are not all there */
static unsigned nr_partial;
static unsigned column;
static unsigned emitted, wrapped, unknown;
static int esc_state, esc_number;

static struct lineedit le;

static void row_clear_from(unsigned from)
{
	while (from < COLUMNS)
		row[from++] = ' ';
}

/* Writes a character of any width into a row. Returns the column behind it. */
static unsigned put(u32 *to, unsigned at, u32 code)
{
	unsigned width = utf8_width(code);

	if (width == 0 && at) {
		to[at - 1] = to[at - 1] * ACCENT_FACTOR + code;
		return at;
	}
	to[at] = code;
	if (width == 2 && at + 1 < COLUMNS)
		to[at + 1] = SECOND_HALF;
	return at + width;
}

static void terminal_character(u32 code)
{
	column = put(row, column, code);
	if (column >= COLUMNS) {
		wrapped++;
		column = 0;
	}
}

static void terminal_multibyte(char c)
{
	u32 code;

	partial[nr_partial++] = c;
	if (nr_partial < utf8_length((u8)partial[0]))
		return;
	if (utf8_decode(partial, nr_partial, &code) == nr_partial && code >= 0xa0)
		terminal_character(code);
	else
		unknown++;
	nr_partial = 0;
}

/* What follows ESC [ */
static void terminal_escape(char c)
{
	if (c >= '0' && c <= '9') {
		esc_number = esc_number * 10 + c - '0';
		return;
	}
	esc_state = 0;
	if (c == 'C')
		column = min(column + (unsigned)max(esc_number, 1), (unsigned)COLUMNS - 1);
	else if (c == 'K')
		row_clear_from(column);
	else if (c == 'J' || c == 'H')
		row_clear_from(column = 0);
	else
		unknown++;
}

static void terminal_byte(char c)
{
	if (nr_partial || (u8)c >= 0x80) {
		terminal_multibyte(c);
	} else if (esc_state == 1) {
		esc_state = c == '[' ? 2 : 0;
		esc_number = 0;
		unknown += c != '[';
	} else if (esc_state == 2) {
		terminal_escape(c);
	} else if (c == '\033') {
		esc_state = 1;
	} else if (c == '\r') {
		column = 0;
	} else if (c == '\n') { /* the console makes CR LF of it */
		column = 0;
		row_clear_from(0);
	} else if (c == '\b') {
		column -= column != 0;
	} else if (c >= ' ' && c <= '~') {
		terminal_character((u8)c);
	} else {
		unknown++;
	}
}

static void terminal(void *ctx, const char *s, size_t len)
{
	emitted += (unsigned)len;
	while (len--)
		terminal_byte(*s++);
}

static const char *const words[] = {"alpha", "alpine", "beta", "betray", "gamma", "key="};

static const char *candidate(void *ctx, const char *text, unsigned word_start, unsigned n)
{
	return n < ARRAY_SIZE(words) ? words[n] : NULL;
}

static const struct lineedit_ops ops = {terminal, candidate};

static void begin(void)
{
	row_clear_from(0);
	column = emitted = wrapped = unknown = nr_partial = 0;
	esc_state = 0;
	lineedit_init(&le, &ops, NULL, "> ");
	lineedit_start(&le);
}

static enum lineedit_event feed(const char *keys)
{
	enum lineedit_event event = LINE_NONE;

	while (*keys && event == LINE_NONE)
		event = lineedit_feed(&le, *keys++);
	return event;
}

/* Types keys and an end of line; the text of the line. */
static const char *type(const char *keys)
{
	enum lineedit_event event;

	lineedit_start(&le);
	event = feed(keys);
	if (event == LINE_NONE)
		event = feed("\r");
	return event == LINE_DONE ? le.text : event == LINE_TOO_LONG ? "(too long)" : "(cancelled)";
}

#define LEFT "\033[D"
#define RIGHT "\033[C"
#define UP "\033[A"
#define DOWN "\033[B"

KTEST(lineedit, keys_do_what_they_are_known_for)
{
	begin();
	EXPECT_STREQ(type("abc"), "abc");
	EXPECT_STREQ(type("abd" LEFT "c"), "abcd");
	EXPECT_STREQ(type("bc\x01"
			  "a\x05"
			  "d"),
		     "abcd");
	EXPECT_STREQ(type("bc\033[Ha\033[Fd"), "abcd");
	EXPECT_STREQ(type("bc\033[1~a\033[4~d"), "abcd");
	EXPECT_STREQ(type("bc\033OHa\033OFd"), "abcd");
	EXPECT_STREQ(type("abxx\x7f\x08"
			  "cd"),
		     "abcd");
	EXPECT_STREQ(type("xabcd\x01\033[3~"), "abcd");
	EXPECT_STREQ(type("rubbish\x15"
			  "abcd"),
		     "abcd");
	EXPECT_STREQ(type("abcd rubbish \x17"
			  "e"),
		     "abcd e");
	EXPECT_STREQ(type("abcdxyz" LEFT LEFT LEFT "\x0b"), "abcd");
	EXPECT_STREQ(type("ab\x0c"
			  "cd"),
		     "abcd");
	EXPECT_STREQ(type("abcd\x03"
			  "x"),
		     "(cancelled)");
	EXPECT_EQ(unknown, 0);
}

KTEST(lineedit, keys_at_the_ends_do_nothing)
{
	begin();
	EXPECT_STREQ(type(LEFT LEFT "\x7f\x08\x17\x15\x0b\033[3~a" RIGHT RIGHT "\033[3~b"), "ab");
	EXPECT_STREQ(type(DOWN "c" DOWN), "c");
}

KTEST(lineedit, history_goes_back_and_returns_to_the_typed_line)
{
	begin();
	type("one");
	type("two");
	type("two"); /* not kept twice */
	type("");    /* not kept */
	EXPECT_STREQ(type(UP), "two");
	EXPECT_STREQ(type(UP UP), "one");
	EXPECT_STREQ(type("typed" UP UP DOWN DOWN), "typed");
	EXPECT_STREQ(type(UP UP UP UP UP UP UP UP "!"), "one!");
}

KTEST(lineedit, history_keeps_its_latest_lines)
{
	char line[16];

	begin();
	for (unsigned i = 0; i < 3 * LINEEDIT_HISTORY; i++) {
		snprintf(line, sizeof(line), "line %u", i);
		type(line);
	}
	for (unsigned back = 1; back <= LINEEDIT_HISTORY + 3; back++) {
		lineedit_start(&le);
		for (unsigned i = 0; i < back; i++)
			feed(UP);
		snprintf(line, sizeof(line), "line %u",
			 3 * LINEEDIT_HISTORY - min(back, (unsigned)LINEEDIT_HISTORY));
		EXPECT_STREQ(le.text, line);
		feed("\x03");
	}
}

KTEST(lineedit, tab_completes_what_is_certain)
{
	begin();
	EXPECT_STREQ(type("ga\t"), "gamma ");
	EXPECT_STREQ(type("x ga\ty"), "x gamma y");
	EXPECT_STREQ(type("al\t"), "alp");
	EXPECT_STREQ(type("al\t\th\t"), "alpha ");
	EXPECT_STREQ(type("zz\t"), "zz");
	EXPECT_STREQ(type("k\t"), "key=");
	EXPECT_STREQ(type("x;be\tr\t"), "x;betray ");
	EXPECT_STREQ(type("g rest\x01" RIGHT "\t"), "gamma  rest");
}

KTEST(lineedit, every_line_end_ends_one_line)
{
	static const char *const ends[] = {"\r", "\n", "\r\n"};
	unsigned done = 0;

	begin();
	for (int round = 0; round < 200; round++) {
		const char *end = ends[test_rand_below(3)];
		char text[8];

		snprintf(text, sizeof(text), "w%u", test_rand_below(100));
		for (const char *c = text; *c; c++) /* an LF behind a CR belongs to it, also across lines */
			EXPECT_EQ(lineedit_feed(&le, *c), LINE_NONE);
		EXPECT_EQ(lineedit_feed(&le, end[0]), LINE_DONE);
		EXPECT_STREQ(le.text, text);
		done++;
		lineedit_start(&le);
		if (end[1])
			EXPECT_EQ(lineedit_feed(&le, end[1]), LINE_NONE);
	}
	EXPECT_EQ(done, 200);
	EXPECT_EQ(lineedit_feed(&le, '\r'), LINE_DONE);
	lineedit_start(&le);
	EXPECT_EQ(lineedit_feed(&le, '\r'), LINE_DONE);
	lineedit_start(&le);
	EXPECT_EQ(lineedit_feed(&le, '\n'), LINE_NONE);
	EXPECT_EQ(lineedit_feed(&le, '\n'), LINE_DONE);
}

KTEST(lineedit, a_tagged_line_is_silent_and_raw)
{
	unsigned before;

	begin();
	type("old");
	lineedit_start(&le);
	before = emitted;
	EXPECT_EQ(feed("@t1 a\tb\x7f\x01\033[Ac\x03"), LINE_NONE);
	EXPECT_EQ(feed("\r"), LINE_DONE);
	EXPECT_EQ(emitted, before);
	EXPECT_TRUE(le.raw);
	EXPECT_STREQ(le.text, "@t1 a\tb\x7f\x01\033[Ac\x03");
	EXPECT_STREQ(type(UP), "old");
	EXPECT_STREQ(type("x@y"), "x@y");
	EXPECT_FALSE(le.raw);
}

KTEST(lineedit, lines_up_to_the_limit_pass_and_longer_ones_are_dropped)
{
	for (int raw = 0; raw < 2; raw++)
		for (unsigned len = SHELL_LINE_SIZE - 3; len < SHELL_LINE_SIZE + 3; len++) {
			enum lineedit_event event;

			begin();
			for (unsigned i = 0; i < len; i++)
				lineedit_feed(&le, raw && !i ? '@' : 'x');
			event = lineedit_feed(&le, '\n');
			EXPECT_EQ(event, len < SHELL_LINE_SIZE ? LINE_DONE : LINE_TOO_LONG);
			EXPECT_EQ(strlen(le.text), min(len, (unsigned)SHELL_LINE_SIZE - 1));
			EXPECT_STREQ(type("next"), "next");
			EXPECT_STREQ(type(UP), "next");
		}
}

/* What the terminal must show: prompt and the part of the line that is in the window. Shows lineedit.I3 and lineedit.I4. */
static void expect_screen(struct ktest *t)
{
	static u32 expected[COLUMNS];
	unsigned at = le.left, used = 2, stop = COLUMNS - 1, cursor = ~0u;
	bool hidden = le.left != 0, full = false;
	u32 code = 0;

	for (unsigned i = 0; i < COLUMNS; i++)
		expected[i] = i == 0 ? '>' : ' ';
	while (at < le.len) {
		unsigned n = utf8_decode(le.text + at, le.len - at, &code), width = utf8_width(code);

		ASSERT_TRUE(n > 0); /* I4 */
		if (width && hidden && at > le.left) {
			used = put(expected, 2, '<');
			hidden = false;
		}
		if (at == le.cursor)
			cursor = hidden ? 2 : used;
		full |= !hidden && used + width > stop; /* accents stay with the character before them */
		if (!hidden && !full)
			used = put(expected, used, code);
		at += n;
	}
	if (hidden)
		used = put(expected, 2, '<');
	if (le.cursor == le.len)
		cursor = used;
	for (unsigned i = 0; i < COLUMNS; i++)
		EXPECT_MSG(row[i] == expected[i], "column %u: U+%04x, expected U+%04x: %s", i, row[i],
			   expected[i], le.text);
	EXPECT_EQ(column, cursor);
	EXPECT_LE(le.cursor, le.len);
	EXPECT_EQ(strlen(le.text), le.len);
	EXPECT_EQ(wrapped, 0);
	EXPECT_EQ(unknown, 0);
}

KTEST(lineedit, the_screen_shows_the_line_after_random_keys)
{
	static const char *const keys[] = {LEFT,   RIGHT,  UP,	      DOWN, "\x01", "\x05", "\x0b", "\x15",
					   "\x17", "\x7f", "\033[3~", "\t", "\x02", "\x06", "\x0c"};

	begin();
	for (int round = 0; round < 6000; round++) {
		if (test_rand_below(5) < 3) {
			lineedit_feed(&le, "abgk =;"[test_rand_below(7)]);
		} else if (test_rand_below(200) == 0) {
			lineedit_feed(&le, '\r');
			lineedit_start(&le);
		} else {
			feed(keys[test_rand_below(ARRAY_SIZE(keys))]);
		}
		expect_screen(t);
		if (t->failures)
			return;
	}
}

/* Text and cursor as the keys should leave them, in the simplest way. */
static char model[SHELL_LINE_SIZE];
static unsigned model_cursor;

static void model_key(char c)
{
	unsigned len = (unsigned)strlen(model);

	if (c == 1) {
		model_cursor = 0;
	} else if (c == 5) {
		model_cursor = len;
	} else if (c == 2) {
		model_cursor -= model_cursor != 0;
	} else if (c == 6) {
		model_cursor += model_cursor < len;
	} else if (c == 0x7f) {
		if (model_cursor) {
			model_cursor--;
			memmove(model + model_cursor, model + model_cursor + 1, len - model_cursor);
		}
	} else if (c == 4) {
		if (model_cursor < len)
			memmove(model + model_cursor, model + model_cursor + 1, len - model_cursor);
	} else if (c == 0x0b) {
		model[model_cursor] = '\0';
	} else {
		memmove(model + model_cursor + 1, model + model_cursor, len - model_cursor + 1);
		model[model_cursor++] = c;
	}
}

KTEST(lineedit, text_and_cursor_follow_the_model)
{
	static const char keys[] = "abc \x01\x05\x02\x06\x02\x06\x7f\x04\x0b";

	begin();
	model[0] = '\0';
	model_cursor = 0;
	for (int round = 0; round < 6000; round++) {
		char key = test_rand_below(2) ? 'x' : keys[test_rand_below(sizeof(keys) - 1)];

		if (strlen(model) > 300)
			key = 0x0b;
		lineedit_feed(&le, key);
		model_key(key);
		EXPECT_STREQ(le.text, model);
		EXPECT_EQ(le.cursor, model_cursor);
		if (t->failures)
			return;
	}
	expect_screen(t);
}

/* Shows lineedit.I1, lineedit.I2. */
#define E_ACUTE "\xc3\xa9"	/* U+00E9, one column */
#define HAN "\xe4\xb8\xad"	/* U+4E2D, two columns */
#define FACE "\xf0\x9f\x98\x80" /* U+1F600, two columns */
#define ACCENT "\xcc\x81"	/* U+0301, on the character before it */

KTEST(lineedit, characters_of_utf8_are_kept_and_echoed)
{
	begin();
	EXPECT_STREQ(type("cache create caf" E_ACUTE " 64"), "cache create caf" E_ACUTE " 64");
	EXPECT_STREQ(type(HAN FACE "e" ACCENT), HAN FACE "e" ACCENT);
	EXPECT_STREQ(type(UP), HAN FACE "e" ACCENT);
	lineedit_start(&le);
	feed("a" E_ACUTE HAN FACE "e" ACCENT);
	expect_screen(t);
	EXPECT_EQ(column, 2 + 1 + 1 + 2 + 2 + 1);
}

KTEST(lineedit, backspace_removes_a_whole_character)
{
	static const char *const characters[] = {E_ACUTE,	    HAN,	   FACE, "e" ACCENT,
						 HAN ACCENT ACCENT, "\xef\xbf\xbd"};
	char keys[64];

	begin();
	for (unsigned i = 0; i < ARRAY_SIZE(characters); i++) {
		snprintf(keys, sizeof(keys), "a%s\x7f", characters[i]);
		feed(keys);
		EXPECT_STREQ(le.text, "a");
		expect_screen(t);
		snprintf(keys, sizeof(keys), "%sb" LEFT LEFT "\033[3~", characters[i]);
		feed(keys); /* one step left goes over the whole of it, Delete takes the whole */
		EXPECT_STREQ(le.text, "ab");
		EXPECT_EQ(le.cursor, 1);
		expect_screen(t);
		feed("\x15\x0b");
	}
}

KTEST(lineedit, bytes_that_are_no_utf8_show_as_ufffd)
{
	static const struct {
		const char *typed, *kept;
	} lines[] = {
		{"caf\xe9 x", "caf" UTF8_BAD " x"},	 /* Latin-1 */
		{"\x80z", UTF8_BAD "z"},		 /* a continuation of nothing */
		{"\xc3z", UTF8_BAD "z"},		 /* its second byte is missing */
		{"\xe4\xb8z", UTF8_BAD "z"},		 /* its third */
		{"\xc0\xafz", UTF8_BAD UTF8_BAD "z"},	 /* overlong: no character begins with c0 */
		{"\xe0\x80\xafz", UTF8_BAD "z"},	 /* overlong */
		{"\xed\xa0\x80z", UTF8_BAD "z"},	 /* a surrogate */
		{"\xf4\x90\x80\x80z", UTF8_BAD "z"},	 /* above U+10FFFF */
		{"\xf8\x88z", UTF8_BAD UTF8_BAD "z"},	 /* five bytes: not any more */
		{"\xc3\xc3\xa9z", UTF8_BAD E_ACUTE "z"}, /* the second one is whole */
		{"z\xe4", "z" UTF8_BAD},		 /* the line ends inside a character */
		{"z\xc2\x9bz", "zz"}, /* U+009B is a control code of terminals: no place on the line */
		{ACCENT "z", "z"},    /* nothing that it could stand on */
	};

	begin();
	for (unsigned i = 0; i < ARRAY_SIZE(lines); i++)
		EXPECT_STREQ(type(lines[i].typed), lines[i].kept);
	EXPECT_EQ(unknown, 0);
}

KTEST(lineedit, a_tagged_line_keeps_any_bytes)
{
	begin();
	EXPECT_STREQ(type("@t \xff\xc3" E_ACUTE), "@t \xff\xc3" E_ACUTE);
}

KTEST(lineedit, a_line_ends_before_a_character_that_does_not_fit)
{
	begin();
	for (unsigned i = 0; i < SHELL_LINE_SIZE - 2; i++)
		lineedit_feed(&le, 'x');
	feed(E_ACUTE);
	EXPECT_EQ(le.len, SHELL_LINE_SIZE - 2);
	EXPECT_EQ(lineedit_feed(&le, '\r'), LINE_TOO_LONG);
}

KTEST(lineedit, the_screen_shows_wide_characters_after_random_keys)
{
	static const char *const characters[] = {"a", E_ACUTE, HAN, FACE, ACCENT, HAN ACCENT, " "};
	static const char *const keys[] = {LEFT,   RIGHT,  UP,	   "\x01",   "\x05",
					   "\x0b", "\x17", "\x7f", "\033[3~"};

	begin();
	for (int round = 0; round < 6000; round++) {
		if (test_rand_below(5) < 3)
			feed(characters[test_rand_below(ARRAY_SIZE(characters))]);
		else
			feed(keys[test_rand_below(test_rand_below(8) ? 2 : ARRAY_SIZE(keys))]);
		expect_screen(t);
		if (t->failures)
			return;
	}
}

KTEST(lineedit, any_bytes_leave_it_sound)
{
	begin();
	for (int round = 0; round < 30000; round++) {
		enum lineedit_event event = lineedit_feed(&le, (char)test_rand());

		EXPECT_LT(le.len, SHELL_LINE_SIZE);
		EXPECT_LE(le.cursor, le.len);
		EXPECT_LE(le.left, le.cursor);
		EXPECT_EQ(strlen(le.text), le.len);
		EXPECT_EQ(unknown, 0);
		if (event != LINE_NONE)
			lineedit_start(&le);
		if (t->failures)
			return;
	}
}
