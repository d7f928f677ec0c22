#ifndef HOST_DMESG_TEXT_H
#define HOST_DMESG_TEXT_H

/* A saved log as lines of plain text (dmesg_text.c). */

#include "map_lines.h"

enum { DMESG_LINE_MAX = 2048 };

struct dmesg_text {
	const char *rest; /* text not read yet */
	size_t len;
	unsigned line; /* number of the last line read, from 1 */
	bool inside;   /* the next line has the same number, because the text has no newline there */

	char buf[DMESG_LINE_MAX]; /* not terminated */
	unsigned nr;		  /* bytes in it */

	unsigned zeros, first_zero; /* skipped zero bytes, and the line of the first */
	unsigned wide;		    /* lines in UTF-16 */
	unsigned cut, first_cut;    /* lines that were cut, and the first of them */
};

void dmesg_text_start(struct dmesg_text *t, const char *text, size_t len);
/* Appends the next line to the first `keep` bytes of buf. False: there is none. */
bool dmesg_text_next(struct dmesg_text *t, unsigned keep);
/* Whether the first 64 KiB contain too many control characters for a log. *line is the line of the first. */
bool dmesg_text_is_binary(const char *text, size_t len, unsigned *line);

#endif
