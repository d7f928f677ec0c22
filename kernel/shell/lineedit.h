#ifndef SHELL_LINEEDIT_H
#define SHELL_LINEEDIT_H

/*
 * Line input as a state machine: bytes of a terminal (or a pipe) go in one by one, what the terminal should
 * show comes out through emit(), and now and then a line is complete. It reads no device and prints nowhere.
 */

#include <kernel/shell.h>
#include <kernel/utf8.h>

enum { LINEEDIT_HISTORY = 32 };

enum lineedit_event {
	LINE_NONE,     /* nothing to do yet */
	LINE_DONE,     /* text[] holds a line, without its end, NUL-terminated */
	LINE_TOO_LONG, /* it had more than SHELL_LINE_SIZE - 1 bytes; text[] holds its beginning */
	LINE_CANCEL,   /* Ctrl-C: the line was thrown away */
};

struct lineedit_ops {
	void (*emit)(void *ctx, const char *s, size_t len);
	/*
	 * The nth word that may stand at text[word_start], given what stands before it, or NULL. Valid until the
	 * next call.
	 */
	const char *(*candidate)(void *ctx, const char *text, unsigned word_start, unsigned n);
};

struct lineedit {
	const struct lineedit_ops *ops;
	void *ctx;
	const char *prompt;

	char text[SHELL_LINE_SIZE];
	unsigned len, cursor;
	unsigned
		left; /* first character that is shown: a line wider than the screen is seen through a window */
	char pending[UTF8_MAX]; /* bytes of a UTF-8 character that is not complete */
	unsigned nr_pending;
	bool raw; /* a line that began with '@': no echo, no editing, no history */
	bool too_long;
	bool after_cr; /* an LF now belongs to the CR before it */
	enum { ESC_NONE, ESC_START, ESC_CSI, ESC_SS3 } esc;
	unsigned esc_param;

	char history[LINEEDIT_HISTORY][SHELL_LINE_SIZE];
	unsigned history_count;	     /* lines ever added */
	unsigned history_back;	     /* 0: the line being typed; n: the nth last one is shown */
	char typed[SHELL_LINE_SIZE]; /* the line being typed, while an old one is shown */
};

void lineedit_init(struct lineedit *le, const struct lineedit_ops *ops, void *ctx, const char *prompt);
/* A new, empty line with its prompt: first of all, and after every event but LINE_NONE. */
void lineedit_start(struct lineedit *le);
/* One byte of input. */
enum lineedit_event lineedit_feed(struct lineedit *le, char c);
/* Shows prompt and line again, from column 0 of the row where the cursor is. */
void lineedit_redraw(struct lineedit *le);

#endif
