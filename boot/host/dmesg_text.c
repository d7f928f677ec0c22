/*
 * dmesg_text.c - converts a saved boot log to lines of plain text.
 *
 * Idea.       A log is saved from a serial port, a terminal, a web page, a mail, or a shell that writes UTF-16. Each of
 *             them adds or escapes characters. append_line() copies a line into a buffer, and undo_escapes() removes these
 *             characters in place. dmesg.c then searches for messages in ASCII only. Time stamps stay, because dmesg.c
 *             finds a message at any word.
 * Layout.     what the log contains                  what replaces it
 *             UTF-16 of ASCII, both byte orders      each second byte is zero and is dropped
 *             zero bytes elsewhere                   one blank, so that a damaged number is not read as another one
 *             ESC [ ... letter, and as text          nothing: ^[[0m  #033[0m  \x1b[0m  \033[0m  \e[0m  \u001b[0m  [0m
 *             &gt; &#62; &#x3e; &amp;gt; \u003e =3E  >
 *             = at the end of a line                 the line continues in the next one (quoted-printable mail)
 *             <span class=x>, </pre>                 a blank
 *             <br />, \n as two characters           the end of a line
 *             UTF-8: marks, blanks, dashes, arrows   nothing, ' ', '-', "->"
 * Invariants. T1  no byte outside of [text, text + len) is read, and at most DMESG_LINE_MAX bytes of a line are kept
 *             T2  no replacement is longer than its escape, so the buffer can be changed in place
 * Locking.    None: pure functions.
 * Failure.    A line that does not fit is cut. Skipped bytes and lines are counted.
 * Next:       dmesg.c.
 */
#include "dmesg_text.h"

#include <kernel/bits.h>
#include <kernel/string.h>

enum {
	LOOK_AT = 64 << 10, /* bytes examined to tell text from binary data */
	ODD_FEW = 16,	    /* control characters that a noisy serial line may insert */
	ODD_SHARE = 20,	    /* text has fewer than one in this many bytes */
	WIDE_SHARE = 5,	    /* UTF-16: at least two of this many bytes are zero */
};

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

void dmesg_text_start(struct dmesg_text *t, const char *text, size_t len)
{
	t->rest = text;
	t->len = len;
	t->line = t->nr = 0;
	t->inside = false;
	t->zeros = t->first_zero = t->wide = t->cut = t->first_cut = 0;
}

bool dmesg_text_is_binary(const char *text, size_t len, unsigned *line)
{
	size_t look = min(len, (size_t)LOOK_AT), odd = 0;
	unsigned at = 1;

	for (size_t i = 0; i < look; i++) {
		unsigned char c = (unsigned char)text[i];

		at += c == '\n';
		if ((c && c < '\a') || (c > '\r' && c < 0x1b) || (c > 0x1b && c < ' ') || c == 0x7f)
			if (!odd++)
				*line = at;
	}
	return odd > ODD_FEW && odd > look / ODD_SHARE;
}

/* ---- bytes ---- */

/* Whether the line is UTF-16: at least two fifths of its bytes are zero bytes that stand alone. */
static bool is_wide(const char *s, size_t n)
{
	size_t alone = 0;

	for (size_t i = 0; i < n; i++)
		alone += !s[i] && (!i || s[i - 1]);
	return n > 3 && alone * WIDE_SHARE >= n * 2;
}

static void put(struct dmesg_text *t, char c)
{
	if (t->nr < DMESG_LINE_MAX) {
		t->buf[t->nr++] = c;
		return;
	}
	if (t->first_cut == t->line)
		return;
	t->first_cut = t->cut ? t->first_cut : t->line;
	t->cut++;
}

static void copy_line(struct dmesg_text *t, const char *s, size_t n)
{
	bool wide = is_wide(s, n);

	t->wide += wide;
	for (size_t i = 0; i < n; i++) {
		if (s[i]) {
			put(t, (unsigned char)s[i] < ' ' && s[i] != 0x1b ? ' ' : s[i]);
			continue;
		}
		if (wide)
			continue;
		t->first_zero = t->zeros ? t->first_zero : t->line;
		t->zeros++;
		if (!i || s[i - 1])
			put(t, ' ');
	}
}

/* ---- escapes ---- */

static bool take(struct map_word *w, const char *text)
{
	if (!map_word_starts(*w, text))
		return false;
	w->s += strlen(text);
	w->len -= (unsigned)strlen(text);
	return true;
}

static void skip_while_parameter(struct map_word *w)
{
	while (w->len && (is_digit(*w->s) || *w->s == ';' || *w->s == '?'))
		w->s++, w->len--;
}

/* "ESC [ 1 ; 32 m", its forms as text, and "[0m" without its ESC. */
static bool take_colour(struct map_word *w)
{
	static const char *const starts[] = {"\x1b[",  "^[[",  "#033[",	   "\\x1b[",
					     "\\033[", "\\e[", "\\u001b[", "\\u001B["};
	struct map_word at = *w;

	for (unsigned i = 0; i < ARRAY_SIZE(starts); i++) {
		if (!take(&at, starts[i]))
			continue;
		skip_while_parameter(&at);
		if (at.len && is_letter(*at.s))
			at.s++, at.len--;
		*w = at;
		return true;
	}
	if (take(&at, "\x1b")) {
		(void)(take(&at, "(B") || take(&at, "=") || take(&at, ">"));
		*w = at;
		return true;
	}
	if (!take(&at, "[") || !at.len || !is_digit(*at.s))
		return false;
	skip_while_parameter(&at);
	if (!take(&at, "m"))
		return false;
	*w = at;
	return true;
}

/* A number up to `end`. 160 (no-break space) becomes a blank, other codes from 0x80 on a question mark. */
static bool take_code(struct map_word *w, unsigned base, unsigned digits, char end, char *c)
{
	unsigned n = 0;
	u64 code;

	while (n < w->len && n < digits && (is_digit(w->s[n]) || (base == 16 && is_letter(w->s[n]))))
		n++;
	if (!map_digits((struct map_word){w->s, n}, base, &code) || !code ||
	    (end && (n == w->len || w->s[n] != end)))
		return false;
	*c = code == 160 ? ' ' : code < 0x80 ? (char)code : '?';
	w->s += n + !!end;
	w->len -= n + !!end;
	return true;
}

/* "&gt;", "&#62;", "&#x3e;", also with "&amp;" for "&"; "\u003e", "=3E". */
static bool take_entity(struct map_word *w, char *c)
{
	static const struct {
		const char *name;
		char is;
	} names[] = {{"gt;", '>'},   {"lt;", '<'},   {"nbsp;", ' '},   {"quot;", '"'},	{"apos;", '\''},
		     {"lsqb;", '['}, {"rsqb;", ']'}, {"lbrack;", '['}, {"rbrack;", ']'}};
	struct map_word at = *w;

	if (take(&at, "\\u00") || take(&at, "=")) {
		if (!take_code(&at, 16, 2, '\0', c))
			return false;
		*w = at;
		return true;
	}
	if (!take(&at, "&"))
		return false;
	while (take(&at, "amp;"))
		*w = at;
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		if (!take(&at, names[i].name))
			continue;
		*c = names[i].is;
		*w = at;
		return true;
	}
	if (take(&at, "#x") || take(&at, "#X") ? take_code(&at, 16, 4, ';', c)
					       : take(&at, "#") && take_code(&at, 10, 4, ';', c)) {
		*w = at;
		return true;
	}
	if (at.s == w->s) { /* "&amp;" alone */
		*c = '&';
		return true;
	}
	return false;
}

/* "<br />", "</span>", but not "<6>". */
static bool take_tag(struct map_word *w)
{
	struct map_word at = *w;

	if (!take(&at, "<"))
		return false;
	take(&at, "/");
	if (!at.len || !is_letter(*at.s))
		return false;
	while (at.len && *at.s != '>' && *at.s != '<')
		at.s++, at.len--;
	if (!take(&at, ">"))
		return false;
	*w = at;
	return true;
}

/* UTF-8 characters, and bytes that UTF-8 does not have, such as UTF-16's byte order mark. */
static bool take_utf8(struct map_word *w, const char **as)
{
	static const struct {
		const char *bytes, *as;
	} table[] =
		{
			{"\xef\xbb\xbf", ""}, /* byte order mark */
			{"\xe2\x80\x8b", ""}, /* blanks of no width */
			{"\xe2\x80\x8c", ""},	{"\xe2\x80\x8d", ""},
			{"\xc2\xa0", " "}, /* blanks that do not break */
			{"\xa0", " "},	   /* in Latin-1, and in UTF-16 */
			{"\xe2\x80\xaf", " "},	{"\xe3\x80\x80", " "},
			{"\xe2\x80\x90", "-"}, /* dashes of word processors */
			{"\xe2\x80\x91", "-"},	{"\xe2\x80\x92", "-"},
			{"\xe2\x80\x93", "-"},	{"\xe2\x80\x94", "-"},
			{"\xe2\x88\x92", "-"},	{"\xe2\x86\x92", "->"}, /* arrows */
			{"\xe2\x87\x92", "=>"}, {"\xe2\x9f\xb9", "==>"},
			{"\xff\xfe", ""},	{"\xfe\xff", ""},
		};

	for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
		if (!take(w, table[i].bytes))
			continue;
		*as = table[i].as;
		return true;
	}
	return false;
}

/* Quick test: most characters begin no escape, and a log may have megabytes of them. */
static bool may_escape(char c)
{
	return (unsigned char)c >= 0x80 || c == 0x1b || c == '[' || c == '^' || c == '#' || c == '\\' ||
	       c == '&' || c == '<' || c == '=';
}

static void undo_escapes(struct dmesg_text *t, unsigned from)
{
	struct map_word w = {t->buf + from, t->nr - from};
	unsigned to = from;

	while (w.len) {
		const char *as;
		char c;

		if (!may_escape(*w.s)) {
			t->buf[to++] = *w.s;
			w.s++, w.len--;
			continue;
		}
		if (take_colour(&w))
			continue;
		if (take_entity(&w, &c)) {
			t->buf[to++] = c;
		} else if (take_tag(&w)) {
			t->buf[to++] = ' ';
		} else if (take_utf8(&w, &as)) {
			while (*as)
				t->buf[to++] = *as++;
		} else {
			t->buf[to++] = *w.s;
			w.s++, w.len--;
		}
	}
	t->nr = to;
}

/*
 * Length of the line end at s: a newline, a carriage return alone, "\n" as in a program's text, or <br>. 0: no line end is
 * here.
 */
static size_t line_end(const char *s, size_t len)
{
	size_t n = 3;

	if (*s == '\n' || (*s == '\r' && len > 1 && s[1] != '\r' && s[1] != '\n' && s[1]))
		return 1;
	if (*s == '\\' && len > 1 && s[1] == 'n')
		return 2;
	if (*s != '<' || len < 4 || (s[1] != 'b' && s[1] != 'B') || (s[2] != 'r' && s[2] != 'R') ||
	    is_letter(s[3]))
		return 0;
	while (n < len && s[n] != '>' && s[n] != '\n')
		n++;
	return n < len && s[n] == '>' ? n + 1 : 0;
}

/* Appends one line without its trailing blanks. */
static void append_line(struct dmesg_text *t)
{
	unsigned from = t->nr;
	size_t n = 0, end = 0;

	while (n < t->len && !(end = line_end(t->rest + n, t->len - n)))
		n++;
	t->line += !t->inside;
	t->inside = end && t->rest[n] != '\n';
	copy_line(t, t->rest, n);
	t->rest += n + end;
	t->len -= n + end;
	while (t->nr > from && t->buf[t->nr - 1] == ' ')
		t->nr--;
}

bool dmesg_text_next(struct dmesg_text *t, unsigned keep)
{
	if (!t->len)
		return false;
	t->nr = keep = min(keep, t->nr);
	append_line(t);
	while (t->nr > keep && t->buf[t->nr - 1] == '=' && t->len) {
		t->nr--;
		append_line(t);
	}
	undo_escapes(t, keep);
	return true;
}
