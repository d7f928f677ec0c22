/*
 * json_check.c - a strict reader of JSON, for tests of what the shell answers.
 *
 * Idea.       A recursive descent over RFC 8259's grammar without white space: the writer emits none.
 * Layout.     `at` stands behind what has been read; `wrong` keeps the first complaint.
 * Invariants. Nothing behind the terminating NUL is read; the depth is bounded.
 * Locking.    None: one test at a time.
 * Failure.    The complaint, for the failing case to print.
 * Next:       test_json.c.
 */
#include "json_check.h"

#include <kernel/string.h>

enum { DEPTH_MAX = 40 };

static const char *at, *wrong;

static bool fail(const char *what)
{
	if (!wrong)
		wrong = what;
	return false;
}

static bool read_value(int depth);

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool read_string(void)
{
	if (*at++ != '"')
		return fail("a string does not begin with a quote");
	for (; *at != '"'; at++) {
		if ((u8)*at < ' ' || (u8)*at > '~')
			return fail("a string holds a raw control character or byte above 0x7e");
		if (*at != '\\')
			continue;
		at++;
		if (*at == 'u') {
			for (int i = 1; i <= 4; i++)
				if (!is_hex(at[i]))
					return fail("\\u without four hex digits");
			at += 4;
		} else if (!*at || !strchr("\"\\/bfnrt", *at)) {
			return fail("an unknown escape");
		}
	}
	at++;
	return true;
}

static bool read_number(void)
{
	if (*at == '-')
		at++;
	if (*at == '0') {
		at++;
		return *at < '0' || *at > '9' || fail("a number with a leading zero");
	}
	if (*at < '1' || *at > '9')
		return fail("a value that is none");
	while (*at >= '0' && *at <= '9')
		at++;
	return true;
}

static bool read_word(const char *word)
{
	if (strncmp(at, word, strlen(word)) != 0)
		return fail("an unknown word");
	at += strlen(word);
	return true;
}

/* Members of an object or an array up to its end. */
static bool read_members(char close, int depth)
{
	at++;
	if (*at == close) {
		at++;
		return true;
	}
	for (;;) {
		if (close == '}') {
			if (!read_string())
				return false;
			if (*at++ != ':')
				return fail("no ':' behind a key");
		}
		if (!read_value(depth + 1))
			return false;
		if (*at == close) {
			at++;
			return true;
		}
		if (*at++ != ',')
			return fail("no ',' between two members");
	}
}

static bool read_value(int depth)
{
	if (depth > DEPTH_MAX)
		return fail("too deep");
	switch (*at) {
	case '{':
		return read_members('}', depth);
	case '[':
		return read_members(']', depth);
	case '"':
		return read_string();
	case 't':
		return read_word("true");
	case 'f':
		return read_word("false");
	case 'n':
		return read_word("null");
	default:
		return read_number();
	}
}

const char *json_wrong(const char *s)
{
	at = s;
	wrong = NULL;
	if (*s != '{')
		return "not an object";
	if (read_value(0) && *at)
		fail("text behind the object");
	return wrong;
}

bool json_answer_ok(const char *s)
{
	at = s;
	wrong = NULL;
	return *s == '{' && read_value(0) && strcmp(at, "\n") == 0;
}
