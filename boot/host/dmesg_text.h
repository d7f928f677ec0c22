#ifndef HOST_DMESG_TEXT_H
#define HOST_DMESG_TEXT_H

/* The lines of a saved log as plain text (dmesg_text.c), for dmesg.c. */

#include "map_lines.h"

enum { DMESG_LINE_MAX = 2048 };

struct dmesg_text {
	const char *rest; /* the text that was not read yet */
	size_t len;
	unsigned line; /* number of the last line that was read, from 1 */
	bool inside;   /* the next line has the same number: the text has no newline there */

	char buf[DMESG_LINE_MAX]; /* not terminated */
	unsigned nr;		  /* bytes in it */

	unsigned zeros, first_zero; /* zero bytes that were skipped, and the line of the first */
	unsigned wide;		    /* lines in UTF-16 */
	unsigned cut, first_cut;    /* lines that did not fit, and the first of them */
};

void dmesg_text_start(struct dmesg_text *t, const char *text, size_t len);
/* Appends the next line to the first `keep` bytes of buf. False: there is none. */
bool dmesg_text_next(struct dmesg_text *t, unsigned keep);
/* Control characters that no log has, in the first 64 KiB: the text is something else, and `line` has the first. */
bool dmesg_text_is_binary(const char *text, size_t len, unsigned *line);

#endif
