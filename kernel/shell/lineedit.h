#ifndef SHELL_LINEEDIT_H
#define SHELL_LINEEDIT_H

/*
 * Line input as a state machine. Bytes from a terminal or a pipe go in one by one. Output for the terminal comes out
 * through emit(), and the return value reports a complete line. It accesses no device.
 */

#include <kernel/shell.h>
#include <kernel/utf8.h>

enum { LINEEDIT_HISTORY = 32 };

enum lineedit_event {
	LINE_NONE,     /* the line is not complete */
	LINE_DONE,     /* text[] holds the line, without its end, NUL-terminated */
	LINE_TOO_LONG, /* the line had more than SHELL_LINE_SIZE - 1 bytes; text[] holds its beginning */
	LINE_CANCEL,   /* Ctrl-C: the line was discarded */
};

struct lineedit_ops {
	void (*emit)(void *ctx, const char *s, size_t len);
	/*
	 * Returns the nth word that may follow text[0, word_start), or NULL. The result is valid until the next
	 * call.
	 */
	const char *(*candidate)(void *ctx, const char *text, unsigned word_start, unsigned n);
};

struct lineedit {
	const struct lineedit_ops *ops;
	void *ctx;
	const char *prompt;

	char text[SHELL_LINE_SIZE];
	unsigned len, cursor;
	/* First byte that is shown: a window moves over a line that is wider than the screen. */
	unsigned left;
	char pending[UTF8_MAX]; /* bytes of an incomplete UTF-8 character */
	unsigned nr_pending;
	bool raw; /* the line began with '@': no echo, no editing, no history */
	bool too_long;
	bool after_cr; /* the last byte was CR: an LF now belongs to it */
	enum { ESC_NONE, ESC_START, ESC_CSI, ESC_SS3 } esc;
	unsigned esc_param;

	char history[LINEEDIT_HISTORY][SHELL_LINE_SIZE];
	unsigned history_count;	     /* number of lines added so far */
	unsigned history_back;	     /* 0: the line being typed is shown; n: the nth last one */
	char typed[SHELL_LINE_SIZE]; /* the line being typed, while an older one is shown */
};

void lineedit_init(struct lineedit *le, const struct lineedit_ops *ops, void *ctx, const char *prompt);
/* Starts a new, empty line with its prompt. Call it first, and after every event except LINE_NONE. */
void lineedit_start(struct lineedit *le);
/* Processes one byte of input. */
enum lineedit_event lineedit_feed(struct lineedit *le, char c);
/* Redraws prompt and line, from column 0 of the current row. */
void lineedit_redraw(struct lineedit *le);

#endif
