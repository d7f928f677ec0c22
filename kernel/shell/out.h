#ifndef SHELL_OUT_H
#define SHELL_OUT_H

/* The inside of the writer that commands print through; shell.c makes one for each command. */

#include <kernel/shell.h>

enum { OUT_ERROR_SIZE = 256, JSON_MAX_DEPTH = 32 };

struct out {
	void (*sink)(const char *s, size_t len); /* NULL: buf is all there is, the rest is cut off */
	char *buf;
	size_t size, len;
	bool json;
	bool failed;		    /* out_error() was called */
	bool gone;		    /* a part has left the buffer: it cannot be taken back */
	bool cut;		    /* buf was too small */
	bool comma;		    /* JSON: a value stands before the next one */
	unsigned depth;		    /* JSON: open objects and arrays */
	char close[JSON_MAX_DEPTH]; /* what ends each */
	char error[OUT_ERROR_SIZE];
};

void out_write(struct out *o, const char *s, size_t len);
/* Ends the answer in its form (an error replaces JSON, follows text), ends the line, empties the buffer. */
void out_finish(struct out *o);
/* A string with quotes, escaped, as one JSON value without comma or key. */
void json_quote(struct out *o, const char *s);

#endif
