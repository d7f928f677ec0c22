#ifndef KERNEL_UTF8_H
#define KERNEL_UTF8_H

#include <kernel/types.h>

enum { UTF8_MAX = 4 };		/* bytes of the longest character */
#define UTF8_BAD "\xef\xbf\xbd" /* U+FFFD: replaces bytes that are no character */

/* Number of bytes of a character that begins with this byte; 0: no character begins with it. */
unsigned utf8_length(u8 first);
/*
 * Decodes the character at s, of at most n bytes. Returns its length and sets *code. Returns 0 if the bytes are no
 * character: an invalid or missing continuation, an overlong form, a surrogate, or a code above U+10FFFF.
 */
unsigned utf8_decode(const char *s, size_t n, u32 *code);
/* Number of columns that a terminal gives the character: 0, 1 or 2. */
unsigned utf8_width(u32 code);
/* Whether the character controls a terminal: a control code, or a change of the writing direction. */
bool utf8_is_control(u32 code);

#endif
