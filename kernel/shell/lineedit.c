/*
 * lineedit.c - the line editor.
 *
 * Idea.       A pure state machine: input bytes go in, bytes for the terminal come out. It uses no device and never
 *             waits, so a test can type and read the screen, and a fuzzer can feed arbitrary bytes.
 * Layout.     byte -> end of line? -> raw line ('@': only collected) -> escape sequence -> edit_key()
 *             text[len], cursor in [0, len]; a line wider than the screen shows text[left ...) after a '<'
 *             The unit of editing is a cluster: one UTF-8 character and the characters of width 0 (accents) after it. Keys
 *             move over clusters and delete clusters. The window is counted in columns.
 * Invariants. I1  cursor <= len < SHELL_LINE_SIZE, text[len] is NUL
 *             I2  left is 0 or below cursor, and the cursor is at most window_columns() columns after left
 *             I3  the screen shows prompt and window, and the terminal's cursor is at the cursor; a raw line emits nothing
 *             I4  an edited line is valid UTF-8; cursor and left are at the start of a cluster
 * Locking.    None: one owner.
 * Failure.    A line that is too long keeps its beginning and ends as LINE_TOO_LONG. Control codes without a meaning are
 *             dropped. Bytes that are not UTF-8 become U+FFFD.
 * Next:       shell.c, which runs the lines.
 */
#include "lineedit.h"

#include <kernel/printk.h>
#include <kernel/string.h>
#include <kernel/utf8.h>

enum {
	CTRL_A = 0x01,
	CTRL_B = 0x02,
	CTRL_C = 0x03,
	CTRL_D = 0x04,
	CTRL_E = 0x05,
	CTRL_F = 0x06,
	CTRL_K = 0x0b,
	CTRL_L = 0x0c,
	CTRL_N = 0x0e,
	CTRL_P = 0x10,
	CTRL_U = 0x15,
	CTRL_W = 0x17,
	BACKSPACE = 0x08,
	ESCAPE = 0x1b,
	DELETE = 0x7f,

	SCREEN_COLUMNS = 80, /* the narrowest terminal in use; a wider one is used like it */
	WINDOW_STEP = 32,    /* columns by which the window moves */
	PARAM_MAX = 1000,
};

void lineedit_init(struct lineedit *le, const struct lineedit_ops *ops, void *ctx, const char *prompt)
{
	memset(le, 0, sizeof(*le));
	le->ops = ops;
	le->ctx = ctx;
	le->prompt = prompt;
}

static void emit(struct lineedit *le, const char *s)
{
	le->ops->emit(le->ctx, s, strlen(s));
}

/* Number of columns after the prompt. The last column of the screen stays free, so that no line wraps. */
static unsigned window_columns(const struct lineedit *le)
{
	return SCREEN_COLUMNS - 1 - (unsigned)strlen(le->prompt);
}

/* Width and end of the character at byte `at`. The width is 1 for a byte that is not UTF-8, which raw lines may contain. */
static unsigned char_width(const struct lineedit *le, unsigned at, unsigned *end)
{
	u32 code = 0;
	unsigned n = utf8_decode(le->text + at, le->len - at, &code);

	*end = at + (n ?: 1);
	return n ? utf8_width(code) : 1;
}

/* Returns the end of the cluster at byte `at`, at most len. *width is its width in columns. */
static unsigned cluster_end(const struct lineedit *le, unsigned at, unsigned *width)
{
	unsigned end;

	*width = 0;
	if (at >= le->len)
		return le->len;
	*width = char_width(le, at, &at);
	while (at < le->len && char_width(le, at, &end) == 0)
		at = end;
	return at;
}

/* Returns the start of the cluster before byte `at`; 0 at the start of the line. */
static unsigned cluster_before(const struct lineedit *le, unsigned at)
{
	unsigned end;

	while (at) {
		do
			at--;
		while (at && ((u8)le->text[at] & 0xc0) == 0x80);
		if (char_width(le, at, &end))
			break;
	}
	return at;
}

/* Width of text[from, to) in columns. */
static unsigned columns_between(const struct lineedit *le, unsigned from, unsigned to)
{
	unsigned columns = 0, width;

	while (from < to) {
		from = cluster_end(le, from, &width);
		columns += width;
	}
	return columns;
}

/* First byte that the window shows. In a moved window the mark '<' replaces one cluster. */
static unsigned window_start(const struct lineedit *le)
{
	unsigned width;

	return le->left ? cluster_end(le, le->left, &width) : 0;
}

/* Number of columns between the end of the prompt and the cursor. */
static unsigned cursor_column(const struct lineedit *le)
{
	return (le->left != 0) + columns_between(le, window_start(le), le->cursor);
}

static void window_step(struct lineedit *le, bool forward)
{
	unsigned moved = 0, width;

	while (moved < WINDOW_STEP && (forward ? le->left < le->len : le->left != 0)) {
		if (!forward)
			le->left = cluster_before(le, le->left);
		cluster_end(le, le->left, &width);
		if (forward)
			le->left = cluster_end(le, le->left, &width);
		moved += width;
	}
}

/* Moves the window until it contains the cursor. Returns whether it moved. */
static bool window_follow(struct lineedit *le)
{
	unsigned old = le->left, width = window_columns(le);

	while (le->left && le->cursor <= le->left) /* column 0 of a moved window holds the mark '<' */
		window_step(le, false);
	while (cursor_column(le) > width)
		window_step(le, true);
	return le->left != old;
}

/* End of the text that the window shows. No cluster is cut. */
static unsigned window_end(const struct lineedit *le)
{
	unsigned left = window_columns(le) - (le->left != 0), at = window_start(le), width;

	while (at < le->len) {
		unsigned end = cluster_end(le, at, &width);

		if (width > left)
			break;
		left -= width;
		at = end;
	}
	return at;
}

void lineedit_redraw(struct lineedit *le)
{
	unsigned start, column;
	char move[16];

	if (le->raw)
		return;
	window_follow(le);
	start = window_start(le);
	column = (unsigned)strlen(le->prompt) + cursor_column(le);
	emit(le, "\r");
	emit(le, le->prompt);
	if (le->left)
		emit(le, "<");
	le->ops->emit(le->ctx, le->text + start, window_end(le) - start);
	snprintf(move, sizeof(move), "\033[K\r\033[%uC", column);
	emit(le, move);
}

static void set_text(struct lineedit *le, const char *text)
{
	le->len = (unsigned)strlcpy(le->text, text, sizeof(le->text));
	le->cursor = le->len;
	le->left = 0; /* the old value may lie inside a character of the new text */
	lineedit_redraw(le);
}

static bool insert(struct lineedit *le, const char *bytes, unsigned n)
{
	if (le->len + n > SHELL_LINE_SIZE - 1) {
		le->too_long = true;
		return false;
	}
	memmove(le->text + le->cursor + n, le->text + le->cursor, le->len - le->cursor);
	memcpy(le->text + le->cursor, bytes, n);
	le->cursor += n;
	le->len += n;
	le->text[le->len] = '\0';
	return true;
}

/* Removes [from, to) and puts the cursor there. */
static void cut(struct lineedit *le, unsigned from, unsigned to)
{
	memmove(le->text + from, le->text + to, le->len - to);
	le->len -= to - from;
	le->text[le->len] = '\0';
	le->cursor = from;
	if (from <= le->left)
		le->left = 0;
}

static void type_char(struct lineedit *le, const char *bytes, unsigned n)
{
	if (!insert(le, bytes, n))
		return;
	if (le->cursor == le->len && !window_follow(le))
		le->ops->emit(le->ctx, bytes, n);
	else
		lineedit_redraw(le);
}

static void erase_before(struct lineedit *le)
{
	bool at_end = le->cursor == le->len;
	unsigned start = cluster_before(le, le->cursor);
	bool one_column = columns_between(le, start, le->cursor) == 1;

	if (!le->cursor)
		return;
	cut(le, start, le->cursor);
	if (at_end && one_column && !window_follow(le))
		emit(le, "\b \b");
	else
		lineedit_redraw(le);
}

static void erase_after(struct lineedit *le)
{
	unsigned width;

	if (le->cursor == le->len)
		return;
	cut(le, le->cursor, cluster_end(le, le->cursor, &width));
	lineedit_redraw(le);
}

/* ---- multi-byte characters ---- */

/* Inserts the collected bytes if they are a character, else U+FFFD. */
static void multibyte_end(struct lineedit *le)
{
	u32 code;
	unsigned n = le->nr_pending;

	le->nr_pending = 0;
	if (utf8_decode(le->pending, n, &code) != n)
		type_char(le, UTF8_BAD, strlen(UTF8_BAD));
	else if (!utf8_is_control(code) && (le->cursor || utf8_width(code)))
		type_char(le, le->pending, n);
}

/* Returns whether the byte belongs to a multi-byte character. A byte that does not ends the incomplete one before it. */
static bool multibyte_feed(struct lineedit *le, u8 c)
{
	bool continuation = (c & 0xc0) == 0x80;

	if (le->nr_pending && !continuation)
		multibyte_end(le);
	if (c < 0x80)
		return false;
	le->pending[le->nr_pending++] = (char)c;
	if (le->nr_pending >= utf8_length((u8)le->pending[0]))
		multibyte_end(le);
	return true;
}

static void erase_word(struct lineedit *le)
{
	unsigned start = le->cursor;

	while (start && le->text[start - 1] == ' ')
		start--;
	while (start && le->text[start - 1] != ' ')
		start--;
	cut(le, start, le->cursor);
	lineedit_redraw(le);
}

static void move_cursor(struct lineedit *le, unsigned to)
{
	le->cursor = to;
	lineedit_redraw(le);
}

static void move_left(struct lineedit *le)
{
	if (le->cursor)
		move_cursor(le, cluster_before(le, le->cursor));
}

static void move_right(struct lineedit *le)
{
	unsigned width;

	if (le->cursor < le->len)
		move_cursor(le, cluster_end(le, le->cursor, &width));
}

static void history_add(struct lineedit *le)
{
	char *last = le->history[(le->history_count - 1) % LINEEDIT_HISTORY];

	le->history_back = 0;
	if (!le->len || (le->history_count && strcmp(last, le->text) == 0))
		return;
	strlcpy(le->history[le->history_count++ % LINEEDIT_HISTORY], le->text, SHELL_LINE_SIZE);
}

/* Shows an older line (step 1) or a newer one (step -1). */
static void history_go(struct lineedit *le, int step)
{
	unsigned kept = min(le->history_count, (unsigned)LINEEDIT_HISTORY);
	unsigned back = le->history_back + (unsigned)step;

	if (back > kept) /* also if newer than the line being typed: `back` has wrapped */
		return;
	if (!le->history_back)
		strlcpy(le->typed, le->text, sizeof(le->typed));
	le->history_back = back;
	set_text(le, back ? le->history[(le->history_count - back) % LINEEDIT_HISTORY] : le->typed);
}

static unsigned common_prefix(const char *a, const char *b, unsigned max)
{
	unsigned n = 0;

	while (n < max && a[n] && a[n] == b[n])
		n++;
	return n;
}

/* Returns the next candidate from number *n on that begins with the text at word_start. Advances *n past it. */
static const char *next_match(struct lineedit *le, unsigned word_start, unsigned *n)
{
	unsigned typed = le->cursor - word_start;
	const char *word;

	while ((word = le->ops->candidate(le->ctx, le->text, word_start, (*n)++)))
		if (strncmp(word, le->text + word_start, typed) == 0)
			return word;
	return NULL;
}

static void list_matches(struct lineedit *le, unsigned word_start)
{
	unsigned n = 0, column = 0;
	const char *word;

	emit(le, "\n");
	while ((word = next_match(le, word_start, &n))) {
		unsigned width = (unsigned)strlen(word) + 2;

		if (column && column + width > SCREEN_COLUMNS) {
			emit(le, "\n");
			column = 0;
		}
		emit(le, word);
		emit(le, "  ");
		column += width;
	}
	emit(le, "\n");
	lineedit_redraw(le);
}

/* Inserts the common prefix of all candidates. If it adds nothing, lists them. */
static void complete(struct lineedit *le)
{
	unsigned start = le->cursor, typed, matches = 0, common = 0, n = 0;
	char first[128];
	const char *word;

	while (start && le->text[start - 1] != ' ' && le->text[start - 1] != ';')
		start--;
	typed = le->cursor - start;
	while ((word = next_match(le, start, &n))) {
		if (!matches++)
			common = (unsigned)min(strlcpy(first, word, sizeof(first)), sizeof(first) - 1);
		else
			common = common_prefix(first, word, common);
	}
	if (!matches || common < typed)
		return;
	if (common == typed && matches > 1) {
		list_matches(le, start);
		return;
	}
	if (le->len + common - typed + 1 >= SHELL_LINE_SIZE)
		return;
	insert(le, first + typed, common - typed);
	if (matches == 1 && le->text[le->cursor - 1] != '=')
		insert(le, " ", 1);
	lineedit_redraw(le);
}

/* Executes an escape sequence at its last byte. */
static void escape_end(struct lineedit *le, char c)
{
	bool tilde = c == '~';
	unsigned param = le->esc_param;

	le->esc = ESC_NONE;
	if (c == 'A')
		history_go(le, 1);
	else if (c == 'B')
		history_go(le, -1);
	else if (c == 'C')
		move_right(le);
	else if (c == 'D')
		move_left(le);
	else if (c == 'H' || (tilde && (param == 1 || param == 7)))
		move_cursor(le, 0);
	else if (c == 'F' || (tilde && (param == 4 || param == 8)))
		move_cursor(le, le->len);
	else if (tilde && param == 3)
		erase_after(le);
}

/* Collects ESC [ parameters final, or ESC O final. An unknown sequence is ignored up to its end. */
static void escape_feed(struct lineedit *le, char c)
{
	if (le->esc == ESC_START) {
		le->esc = c == '[' ? ESC_CSI : c == 'O' ? ESC_SS3 : ESC_NONE;
		le->esc_param = 0;
	} else if (le->esc == ESC_CSI && c >= '0' && c <= '9') {
		le->esc_param = min(le->esc_param * 10 + (unsigned)(c - '0'), (unsigned)PARAM_MAX);
	} else if (le->esc == ESC_CSI && c == ';') {
		le->esc_param = PARAM_MAX; /* a modifier follows; no supported key has one */
	} else if (c >= 0x40 && c <= 0x7e) {
		escape_end(le, c);
	} else {
		le->esc = ESC_NONE;
	}
}

static void edit_key(struct lineedit *le, char c)
{
	switch (c) {
	case CTRL_A:
		move_cursor(le, 0);
		break;
	case CTRL_E:
		move_cursor(le, le->len);
		break;
	case CTRL_B:
		move_left(le);
		break;
	case CTRL_F:
		move_right(le);
		break;
	case CTRL_P:
		history_go(le, 1);
		break;
	case CTRL_N:
		history_go(le, -1);
		break;
	case CTRL_U:
		cut(le, 0, le->cursor);
		le->too_long = false;
		lineedit_redraw(le);
		break;
	case CTRL_K:
		cut(le, le->cursor, le->len);
		lineedit_redraw(le);
		break;
	case CTRL_W:
		erase_word(le);
		break;
	case CTRL_D:
		erase_after(le);
		break;
	case CTRL_L:
		emit(le, "\033[H\033[2J");
		lineedit_redraw(le);
		break;
	case BACKSPACE:
	case DELETE:
		erase_before(le);
		break;
	case '\t':
		complete(le);
		break;
	case ESCAPE:
		le->esc = ESC_START;
		break;
	default: /* other control codes are ignored */
		if (c >= ' ' && c <= '~')
			type_char(le, &c, 1);
	}
}

void lineedit_start(struct lineedit *le)
{
	le->len = 0;
	le->cursor = 0;
	le->left = 0;
	le->text[0] = '\0';
	le->raw = false;
	le->too_long = false;
	le->nr_pending = 0;
	le->esc = ESC_NONE;
	le->history_back = 0;
	emit(le, le->prompt);
}

static enum lineedit_event line_end(struct lineedit *le)
{
	if (!le->raw) {
		if (le->nr_pending)
			multibyte_end(le);
		emit(le, "\n");
		if (!le->too_long)
			history_add(le);
	}
	return le->too_long ? LINE_TOO_LONG : LINE_DONE;
}

enum lineedit_event lineedit_feed(struct lineedit *le, char c)
{
	bool after_cr = le->after_cr;

	le->after_cr = c == '\r';
	if (c == '\n' && after_cr)
		return LINE_NONE;
	if (c == '\r' || c == '\n')
		return line_end(le);
	if (!c)
		return LINE_NONE;
	if (le->raw) {
		insert(le, &c, 1);
		return LINE_NONE;
	}
	if (c == CTRL_C) {
		emit(le, "^C\n");
		return LINE_CANCEL;
	}
	if (le->esc != ESC_NONE) {
		escape_feed(le, c);
	} else if (multibyte_feed(le, (u8)c)) {
		return LINE_NONE;
	} else if (c == '@' && !le->len) {
		le->raw = true;
		insert(le, &c, 1);
	} else {
		edit_key(le, c);
	}
	return LINE_NONE;
}
