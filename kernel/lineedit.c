/*
 * lineedit.c - a line of input, edited.
 *
 * Idea.       A pure state machine: bytes in, bytes for the terminal out, no device, no waiting. So a test
 *             can type at it and read its screen, and a fuzzer can feed it anything.
 * Layout.     byte -> end of line? -> raw line ('@': only collected) -> escape sequence -> edit_key()
 *             text[len], cursor in [0, len]; a line wider than the screen shows text[left ...) behind a '<'
 * Invariants. I1  cursor <= len < SHELL_LINE_SIZE, text[len] is NUL
 *             I2  left is 0 or at most cursor - 1, and cursor - left <= window_columns()
 *             I3  the screen shows prompt and window, the terminal's cursor stands at the cursor; a raw line
 *                 emits nothing
 * Locking.    None: one owner.
 * Failure.    A line that is too long keeps its beginning and ends as LINE_TOO_LONG. Bytes that mean nothing
 *             are dropped.
 * Next:       shell.c, which runs the lines.
 */
#include "lineedit.h"

#include <kernel/printk.h>
#include <kernel/string.h>

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

	SCREEN_COLUMNS = 80, /* the narrowest terminal in use; a wider one is not asked for its width */
	WINDOW_STEP = 32,    /* columns that the window moves at a time */
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

/* Columns between the prompt and the last one, which stays free so that nothing wraps. */
static unsigned window_columns(const struct lineedit *le)
{
	return SCREEN_COLUMNS - 1 - (unsigned)strlen(le->prompt);
}

/* Moves the window until the cursor is inside. Returns whether it moved. */
static bool window_follow(struct lineedit *le)
{
	unsigned old = le->left, width = window_columns(le);

	while (le->cursor < le->left + (le->left != 0)) /* column 0 of a moved window is the mark '<' */
		le->left -= WINDOW_STEP;
	while (le->cursor > le->left + width)
		le->left += WINDOW_STEP;
	return le->left != old;
}

void lineedit_redraw(struct lineedit *le)
{
	unsigned shown, skip, column;
	char move[16];

	if (le->raw)
		return;
	window_follow(le);
	skip = le->left != 0;
	shown = min(le->len - le->left, window_columns(le));
	column = (unsigned)strlen(le->prompt) + le->cursor - le->left;
	emit(le, "\r");
	emit(le, le->prompt);
	if (skip)
		emit(le, "<");
	le->ops->emit(le->ctx, le->text + le->left + skip, shown - skip);
	snprintf(move, sizeof(move), "\033[K\r\033[%uC", column);
	emit(le, move);
}

static void set_text(struct lineedit *le, const char *text)
{
	le->len = (unsigned)strlcpy(le->text, text, sizeof(le->text));
	le->cursor = le->len;
	lineedit_redraw(le);
}

static bool insert(struct lineedit *le, char c)
{
	if (le->len == SHELL_LINE_SIZE - 1) {
		le->too_long = true;
		return false;
	}
	memmove(le->text + le->cursor + 1, le->text + le->cursor, le->len - le->cursor);
	le->text[le->cursor++] = c;
	le->text[++le->len] = '\0';
	return true;
}

/* Takes [from, to) out; the cursor goes there. */
static void cut(struct lineedit *le, unsigned from, unsigned to)
{
	memmove(le->text + from, le->text + to, le->len - to);
	le->len -= to - from;
	le->text[le->len] = '\0';
	le->cursor = from;
}

static void type_char(struct lineedit *le, char c)
{
	if (!insert(le, c))
		return;
	if (le->cursor == le->len && !window_follow(le))
		le->ops->emit(le->ctx, &c, 1);
	else
		lineedit_redraw(le);
}

static void erase_before(struct lineedit *le)
{
	bool at_end = le->cursor == le->len;

	if (!le->cursor)
		return;
	cut(le, le->cursor - 1, le->cursor);
	if (at_end && !window_follow(le))
		emit(le, "\b \b");
	else
		lineedit_redraw(le);
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
	if (to > le->len) /* also left of 0, which wraps */
		return;
	le->cursor = to;
	lineedit_redraw(le);
}

static void history_add(struct lineedit *le)
{
	char *last = le->history[(le->history_count - 1) % LINEEDIT_HISTORY];

	le->history_back = 0;
	if (!le->len || (le->history_count && strcmp(last, le->text) == 0))
		return;
	strlcpy(le->history[le->history_count++ % LINEEDIT_HISTORY], le->text, SHELL_LINE_SIZE);
}

/* step 1: one line older, -1: one line newer. */
static void history_go(struct lineedit *le, int step)
{
	unsigned kept = min(le->history_count, (unsigned)LINEEDIT_HISTORY);
	unsigned back = le->history_back + (unsigned)step;

	if (back > kept) /* also newer than the line being typed, which wraps */
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

/* The nth candidate that begins with what stands at word_start; *n moves behind it. */
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

/* Adds what all candidates have in common; if that is nothing, shows them. */
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
	for (unsigned i = typed; i < common; i++)
		insert(le, first[i]);
	if (matches == 1 && le->text[le->cursor - 1] != '=')
		insert(le, ' ');
	lineedit_redraw(le);
}

/* The last byte of an escape sequence. */
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
		move_cursor(le, le->cursor + 1);
	else if (c == 'D')
		move_cursor(le, le->cursor - 1);
	else if (c == 'H' || (tilde && (param == 1 || param == 7)))
		move_cursor(le, 0);
	else if (c == 'F' || (tilde && (param == 4 || param == 8)))
		move_cursor(le, le->len);
	else if (tilde && param == 3 && le->cursor < le->len) {
		cut(le, le->cursor, le->cursor + 1);
		lineedit_redraw(le);
	}
}

/* ESC [ parameters final, or ESC O final; what is unknown is swallowed to its end. */
static void escape_feed(struct lineedit *le, char c)
{
	if (le->esc == ESC_START) {
		le->esc = c == '[' ? ESC_CSI : c == 'O' ? ESC_SS3 : ESC_NONE;
		le->esc_param = 0;
	} else if (le->esc == ESC_CSI && c >= '0' && c <= '9') {
		le->esc_param = min(le->esc_param * 10 + (unsigned)(c - '0'), (unsigned)PARAM_MAX);
	} else if (le->esc == ESC_CSI && c == ';') {
		le->esc_param = PARAM_MAX; /* a modifier follows: no key of ours */
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
		move_cursor(le, le->cursor - 1);
		break;
	case CTRL_F:
		move_cursor(le, le->cursor + 1);
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
		if (le->cursor < le->len) {
			cut(le, le->cursor, le->cursor + 1);
			lineedit_redraw(le);
		}
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
	default: /* other control codes and bytes outside ASCII have no place on the line */
		if (c >= ' ' && c <= '~')
			type_char(le, c);
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
	le->esc = ESC_NONE;
	le->history_back = 0;
	emit(le, le->prompt);
}

static enum lineedit_event line_end(struct lineedit *le)
{
	if (!le->raw) {
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
		insert(le, c);
		return LINE_NONE;
	}
	if (c == CTRL_C) {
		emit(le, "^C\n");
		return LINE_CANCEL;
	}
	if (le->esc != ESC_NONE) {
		escape_feed(le, c);
	} else if (c == '@' && !le->len) {
		le->raw = true;
		insert(le, c);
	} else {
		edit_key(le, c);
	}
	return LINE_NONE;
}
