/*
 * dmesg_words.c - parts of a message in a boot log: numbers, ranges, types.
 *
 * Idea.       A function reads one part at the start of a text and advances past it, or fails and leaves the text
 *             unchanged. Different kernels print ranges and types in different forms; all of them are read here.
 * Layout.     [mem 0xA-0xB]    END inclusive, since 3.5
 *             A - B            END exclusive, before 3.5
 *             SIZE @ START     2.2, and MIPS
 *             usable, (usable), persistent (type 12), 639 KB System RAM
 * Invariants. W1  a part lies inside the text; on failure the text has lost at most leading blanks
 * Locking.    None: pure functions.
 * Failure.    false, or DMESG_BAD with the expected form in dmesg.why.
 * Next:       dmesg_check.c.
 */
#include "dmesg.h"

#include <kernel/bits.h>
#include <kernel/printk.h>
#include <kernel/string.h>

static void skip(struct map_word *t, unsigned n)
{
	t->s += n;
	t->len -= n;
}

bool dmesg_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

bool dmesg_is_word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

void dmesg_skip_blanks(struct map_word *t)
{
	while (t->len && dmesg_is_blank(*t->s))
		skip(t, 1);
}

/* Advances past `text` if it comes next. */
bool dmesg_take(struct map_word *t, const char *text)
{
	if (!map_word_starts(*t, text))
		return false;
	skip(t, (unsigned)strlen(text));
	return true;
}

/* The same, if a word ends after it. */
bool dmesg_take_word(struct map_word *t, const char *text)
{
	struct map_word at = *t;

	if (!dmesg_take(&at, text) || (at.len && dmesg_is_word(*at.s)))
		return false;
	*t = at;
	return true;
}

/* Advances past everything up to and including `text`. */
bool dmesg_take_through(struct map_word *t, const char *text)
{
	struct map_word at = *t;

	for (; at.len; skip(&at, 1))
		if (dmesg_take(&at, text)) {
			*t = at;
			return true;
		}
	return false;
}

/* Reads a number. With base 16 a leading 0x is allowed. */
bool dmesg_take_number(struct map_word *t, unsigned base, u64 *v)
{
	struct map_word at = *t, w;
	unsigned n = 0;

	if (base == 16)
		dmesg_take(&at, "0x");
	while (n < at.len &&
	       ((at.s[n] >= '0' && at.s[n] <= '9') ||
		(base == 16 && ((at.s[n] >= 'a' && at.s[n] <= 'f') || (at.s[n] >= 'A' && at.s[n] <= 'F')))))
		n++;
	w = (struct map_word){at.s, n};
	if (!map_digits(w, base, v))
		return false;
	skip(&at, n);
	*t = at;
	return true;
}

/* Stores the form that was expected of the current message. */
enum dmesg_got dmesg_why(struct dmesg *d, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(d->why, sizeof(d->why), fmt, ap);
	va_end(ap);
	return DMESG_BAD;
}

bool dmesg_starts_number(struct map_word t)
{
	return t.len && ((*t.s >= '0' && *t.s <= '9') || (*t.s >= 'a' && *t.s <= 'f'));
}

/*
 * Reads "[mem 0xA-0xB]", "A - B", "A-B" or "SIZE @ START", in hexadecimal. Only in the first form is B inclusive. *last is
 * always inclusive; *last + 1 == *first is an empty range.
 */
enum dmesg_got dmesg_take_range(struct dmesg *d, struct map_word *t, u64 *first, u64 *last)
{
	struct map_word at;
	bool brackets, size = false, good;

	dmesg_skip_blanks(t);
	at = *t;
	brackets = dmesg_take(&at, "[mem");
	dmesg_skip_blanks(&at);
	good = dmesg_take_number(&at, 16, first);
	dmesg_skip_blanks(&at);
	if (good && !brackets)
		size = dmesg_take(&at, "@");
	good = good && (size || dmesg_take(&at, "-"));
	dmesg_skip_blanks(&at);
	good = good && dmesg_take_number(&at, 16, last);
	if (brackets)
		dmesg_skip_blanks(&at);
	if (!good || (brackets && !dmesg_take(&at, "]")))
		return dmesg_why(d, "\"%.*s\": expected a range, [mem 0xSTART-0xLAST] or START - END",
				 SHOWN(*t));
	if (size) {
		u64 bytes = *first;

		*first = *last;
		*last = bytes > ~0UL - *first ? ~0UL : *first + bytes;
	}
	if (!brackets && !*first && !*last)
		*first = 1; /* an empty range at 0 has no inclusive form; [1, 0] is empty */
	else if (!brackets && *last)
		--*last;
	if (*last < *first && (*last + 1 != *first || (!brackets && !*last && *first > 1)))
		return dmesg_why(d, "0x%lx to 0x%lx: expected an end that is not before the start",
				 (unsigned long)*first, (unsigned long)*last);
	dmesg_skip_blanks(&at);
	*t = at;
	return DMESG_TAKEN;
}

/* Skips an amount such as "639 KB" or "1.9 GB", which precedes a type since 7.0. */
static void skip_amount(struct map_word *t)
{
	struct map_word at = *t;
	u64 n;

	if (!dmesg_take_number(&at, 10, &n))
		return;
	if (dmesg_take(&at, ".") && !dmesg_take_number(&at, 10, &n))
		return;
	dmesg_skip_blanks(&at);
	if (dmesg_take_word(&at, "B") || dmesg_take_word(&at, "KB") || dmesg_take_word(&at, "MB") ||
	    dmesg_take_word(&at, "GB") || dmesg_take_word(&at, "TB")) {
		dmesg_skip_blanks(&at);
		*t = at;
	}
}

/* Reads "usable", "(usable)", "persistent (type 12)". Text after it is ignored. */
enum dmesg_got dmesg_take_type(struct dmesg *d, struct map_word *t, u32 *type)
{
	struct map_word at;

	dmesg_skip_blanks(t);
	at = *t;
	skip_amount(&at);
	dmesg_take(&at, "(");
	if (!map_take_type(&at, type))
		return dmesg_why(d, "\"%.*s\": expected a type of memory such as usable or reserved",
				 SHOWN(*t));
	dmesg_skip_blanks(&at);
	if (dmesg_take(&at, "(type "))
		dmesg_take_through(&at, ")");
	dmesg_take(&at, ")");
	*t = at;
	return DMESG_TAKEN;
}
