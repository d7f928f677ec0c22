/*
 * json.c - a streaming JSON writer.
 *
 * Idea.       The writer adds commas, quotes and brackets. A command only calls one function for each key and value, in
 *             order.
 * Layout.     json_lead() writes comma and key before each value. A stack holds the closing brackets of what is open.
 * Invariants. I1  `comma` is true if the innermost open object or array already contains a value
 *             I2  each close matches its open, and a finished answer has depth 0
 * Locking.    None: one command at a time.
 * Failure.    A command that nests wrongly is a BUG. Strings of any bytes give valid, pure ASCII JSON.
 * Next:       lineedit.c.
 */
#include "out.h"

#include <kernel/bug.h>
#include <kernel/printk.h>
#include <kernel/string.h>
#include <kernel/utf8.h>

/* Writes a character outside of printable ASCII as \uXXXX, above U+FFFF as a pair. Returns its length in bytes. */
static unsigned quote_code(struct out *o, const char *s)
{
	u32 code = (u8)*s; /* a byte that is not UTF-8 is written as Latin-1, so any input gives valid JSON */
	unsigned n = utf8_decode(s, strnlen(s, UTF8_MAX), &code);

	if (code > 0xffff) {
		out_printf(o, "\\u%04x", 0xd800 + ((code - 0x10000) >> 10));
		code = 0xdc00 + ((code - 0x10000) & 0x3ff);
	}
	out_printf(o, "\\u%04x", code);
	return n ?: 1;
}

void json_quote(struct out *o, const char *s)
{
	static const char short_escape[][2] = {
		{'"', '"'}, {'\\', '\\'}, {'\n', 'n'}, {'\r', 'r'}, {'\t', 't'}};

	out_write(o, "\"", 1);
	for (; *s; s++) {
		u8 c = (u8)*s;
		unsigned i = 0;

		while (i < ARRAY_SIZE(short_escape) && short_escape[i][0] != *s)
			i++;
		if (i < ARRAY_SIZE(short_escape))
			out_printf(o, "\\%c", short_escape[i][1]);
		else if (c < ' ' || c > '~')
			s += quote_code(o, s) - 1;
		else
			out_write(o, s, 1);
	}
	out_write(o, "\"", 1);
}

/* Writes the comma and the key before a value. */
static void json_lead(struct out *o, const char *key)
{
	BUG_ON(!o->json, "JSON from a command that was asked for text");
	if (o->comma)
		out_write(o, ",", 1);
	o->comma = true;
	if (!key)
		return;
	json_quote(o, key);
	out_write(o, ":", 1);
}

static void json_open(struct out *o, const char *key, char open, char close)
{
	json_lead(o, key);
	BUG_ON(o->depth == JSON_MAX_DEPTH, "JSON deeper than %d", JSON_MAX_DEPTH);
	o->close[o->depth++] = close;
	o->comma = false;
	out_write(o, &open, 1);
}

static void json_close(struct out *o, char close)
{
	BUG_ON(!o->depth || o->close[o->depth - 1] != close, "JSON: '%c' closes what is not open", close);
	o->depth--;
	o->comma = true;
	out_write(o, &close, 1);
}

void json_obj(struct out *o, const char *key)
{
	json_open(o, key, '{', '}');
}

void json_end_obj(struct out *o)
{
	json_close(o, '}');
}

void json_arr(struct out *o, const char *key)
{
	json_open(o, key, '[', ']');
}

void json_end_arr(struct out *o)
{
	json_close(o, ']');
}

void json_num(struct out *o, const char *key, u64 v)
{
	json_lead(o, key);
	out_printf(o, "%lu", v);
}

void json_int(struct out *o, const char *key, s64 v)
{
	json_lead(o, key);
	out_printf(o, "%ld", v);
}

void json_milli(struct out *o, const char *key, u64 thousandths)
{
	json_lead(o, key);
	out_printf(o, "%lu.%03lu", thousandths / 1000, thousandths % 1000);
}

void json_hex(struct out *o, const char *key, u64 v)
{
	json_lead(o, key);
	out_printf(o, "\"0x%lx\"", v);
}

void json_str(struct out *o, const char *key, const char *s)
{
	json_lead(o, key);
	if (s)
		json_quote(o, s);
	else
		out_printf(o, "null");
}

void json_bool(struct out *o, const char *key, bool v)
{
	json_lead(o, key);
	out_printf(o, "%s", v ? "true" : "false");
}

void json_null(struct out *o, const char *key)
{
	json_str(o, key, NULL);
}
