/* Asks the shell and looks into its answer. */
#include "cmd_check.h"

#include "json_check.h"

#include <kernel/printk.h>
#include <kernel/shell.h>
#include <kernel/string.h>

char answer[ANSWER_SIZE];

int ask(const char *fmt, ...)
{
	char line[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	return shell_run_capture(line, answer, sizeof(answer));
}

bool answer_is_object(void)
{
	return json_answer_ok(answer);
}

bool answer_says(const char *text)
{
	return strstr(answer, text) != NULL;
}

const char *key_from(const char *from, const char *key)
{
	char quoted[64];
	const char *at;

	snprintf(quoted, sizeof(quoted), "\"%s\":", key);
	at = strstr(from, quoted);
	return at ? at + strlen(quoted) : NULL;
}

static u64 number_at(const char *s, const char **end)
{
	u64 v;

	return s && !parse_size_prefix(s, end, &v) ? v : ANSWER_NONE;
}

u64 value_from(const char *from, const char *key)
{
	const char *s = key_from(from, key), *end;

	return number_at(s && *s == '"' ? s + 1 : s, &end);
}

u64 answer_value(const char *key)
{
	return value_from(answer, key);
}

u64 array_sum(const char *s, bool shifted, unsigned *nr)
{
	u64 sum = 0;

	for (*nr = 0; *s == '[' || *s == ','; ++*nr)
		sum += number_at(s + 1, &s) << (shifted ? *nr : 0);
	return *s == ']' ? sum : ANSWER_NONE;
}

const char *next_line(const char *s, char *line, size_t size)
{
	const char *end = strchr(s, '\n');

	if (!end)
		return NULL;
	strlcpy(line, s, min(size, (size_t)(end - s) + 1));
	return end + 1;
}
