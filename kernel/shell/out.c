/*
 * out.c - the output of a command.
 *
 * Idea.       A command writes its answer, and the reason if it fails, in the same way for people and programs. The
 *             answer is buffered until the command has finished, so an error can still replace it.
 * Layout.     out_printf, json_* -> buf -> sink (the console), or buf alone (a test captures the answer)
 * Invariants. I1  len <= size; with a sink the buffer is never left full
 *             I2  a JSON answer is one line and one object: the command's output, {} if that is empty, or {"error": ...}
 * Locking.    None: one command at a time.
 * Failure.    The start of an answer that exceeds the buffer is printed before its end is known; an error then follows on a
 *             line of its own. A captured answer is cut.
 * Next:       json.c.
 */
#include "out.h"

#include <kernel/bug.h>
#include <kernel/printk.h>
#include <kernel/string.h>
#include <kernel/utf8.h>

static void out_flush(struct out *o)
{
	if (!o->sink || !o->len)
		return;
	o->sink(o->buf, o->len);
	o->len = 0;
	o->gone = true;
}

void out_write(struct out *o, const char *s, size_t len)
{
	while (len) {
		size_t n = min(len, o->size - o->len);

		memcpy(o->buf + o->len, s, n);
		o->len += n;
		s += n;
		len -= n;
		if (o->len < o->size)
			continue;
		if (!o->sink) {
			o->cut = true;
			return;
		}
		out_flush(o);
	}
}

void out_printf(struct out *o, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	out_write(o, text, min((size_t)len, sizeof(text) - 1));
	if (!o->json && text[0] && strchr(text, '\n'))
		out_flush(o);
}

/* Replaces characters that control a terminal, because an error quotes the user's input. Other UTF-8 characters stay. */
static void defuse(char *text)
{
	while (*text) {
		u32 code;
		unsigned n = utf8_decode(text, strnlen(text, UTF8_MAX), &code);

		if (!n || utf8_is_control(code)) {
			memset(text, '?', n ?: 1);
			text += n ?: 1;
		} else {
			text += n;
		}
	}
}

int out_error(struct out *o, int err, const char *fmt, ...)
{
	va_list ap;

	if (o->failed) /* the first reason is the most specific one */
		return err;
	o->failed = true;
	va_start(ap, fmt);
	vsnprintf(o->error, sizeof(o->error), fmt, ap);
	va_end(ap);
	defuse(o->error);
	return err;
}

static void out_finish_plain(struct out *o)
{
	if (!o->failed)
		return;
	if (o->len && o->buf[o->len - 1] != '\n')
		out_printf(o, "\n");
	out_printf(o, "error: %s\n", o->error);
}

static void out_finish_json(struct out *o)
{
	if (o->failed) {
		if (o->gone)
			out_write(o, "\n", 1);
		else
			o->len = 0;
		out_printf(o, "{\"error\":");
		json_quote(o, o->error);
		out_printf(o, "}");
	} else {
		BUG_ON(o->depth, "JSON: %u objects or arrays are left open", o->depth);
		if (!o->len && !o->gone)
			out_printf(o, "{}");
	}
	out_write(o, "\n", 1);
}

void out_finish(struct out *o)
{
	if (o->json)
		out_finish_json(o);
	else
		out_finish_plain(o);
	out_flush(o);
}
