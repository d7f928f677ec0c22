#ifndef SHELL_OUT_H
#define SHELL_OUT_H

/* Private to the writer that commands print through. shell.c creates one for each command. */

#include <kernel/shell.h>

enum { OUT_ERROR_SIZE = 256, JSON_MAX_DEPTH = 32 };

struct out {
	void (*sink)(const char *s, size_t len); /* NULL: output beyond buf is cut */
	char *buf;
	size_t size, len;
	bool json;
	bool failed;		    /* out_error() was called */
	bool gone;		    /* a part has been printed and cannot be replaced */
	bool cut;		    /* buf was too small */
	bool comma;		    /* JSON: the next value needs a comma before it */
	unsigned depth;		    /* JSON: open objects and arrays */
	char close[JSON_MAX_DEPTH]; /* their closing brackets */
	char error[OUT_ERROR_SIZE];
};

void out_write(struct out *o, const char *s, size_t len);
/* Ends the answer: an error replaces JSON or follows text. Ends the line and flushes the buffer. */
void out_finish(struct out *o);
/* Writes a string in quotes, escaped, as a JSON value without comma and key. */
void json_quote(struct out *o, const char *s);

#endif
