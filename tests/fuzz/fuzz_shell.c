/*
 * fuzz_shell.c - any text as a line at the shell.
 *
 * Idea.       The shell's user may be wrong in every way, and no mistake may reach an allocator. So every command runs
 *             but those that end the machine, break it on purpose or take long. The answer is caught: with -j it is JSON.
 * Layout.     input = lines, of which the first LINES are run.
 * Invariants. Afterwards everything that the lines took is given back, and as much is free as before; every so many
 *             inputs all checks run.
 * Locking.    None.
 * Failure.    A BUG with the line or the values.
 * Next:       fuzz_ops.c.
 */
#include "fuzz.h"

#include "../../kernel/shell/shell_mem.h"
#include "../kernel/json_check.h"

#include <arch/layout.h>

#include <kernel/bits.h>
#include <kernel/printk.h>
#include <kernel/string.h>

#include <mm/check.h>
#include <mm/page_alloc.h>

enum { LINES = 8, ANSWER_BYTES = 256 << 10, CHECK_EVERY = 64, NAME_MAX = 64 };

static char answer[ANSWER_BYTES];

/* Names of commands that do not come back, panic on purpose, or run for seconds: not in this line, however quoted. */
static bool allowed(const char *line)
{
	static const char *const kept_out[] = {"crash", "poweroff", "reboot", "halt",
					       "test",	"bench",    "stress", "fuzz"};
	char bare[SHELL_LINE_SIZE + 1];
	size_t n = 0;

	for (const char *p = line; *p; p++)
		if (*p != '"' && *p != '\'')
			bare[n++] = *p;
	bare[n] = '\0';
	for (unsigned i = 0; i < ARRAY_SIZE(kept_out); i++)
		if (strstr(bare, kept_out[i]))
			return false;
	return true;
}

static int ask(const char *line)
{
	return shell_run_capture(line, answer, sizeof(answer));
}

/* A line without a quote, a semicolon or a comment is one command. */
static bool is_one_command(const char *line)
{
	while (*line && !strchr("\"';#", *line))
		line++;
	return !*line;
}

static void run_one(const char *line)
{
	size_t len = strlen(line);
	bool json = len > 3 && strcmp(line + len - 3, " -j") == 0;

	if (!allowed(line))
		return;
	ask(line);
	FUZZ_CHECK(strnlen(answer, sizeof(answer)) < sizeof(answer), "the answer to \"%s\" has no end", line);
	if (json && is_one_command(line) && line[0] != ' ' && line[0] != '-')
		FUZZ_CHECK(json_answer_ok(answer) || strlen(answer) > ANSWER_BYTES - 2,
			   "the answer to \"%s\" is not JSON: %.200s", line, answer);
}

/* ---- afterwards ---- */

static void give_back(const struct shell_mem *m)
{
	static const char *const commands[] = {
		[SHELL_KMALLOC] = "kfree", [SHELL_OBJECT] = "cache free", [SHELL_AREA] = "vfree"};
	char line[64];

	if (m->kind == SHELL_PAGES)
		snprintf(line, sizeof(line), "free 0x%lx %u", m->start >> PAGE_SHIFT, m->order);
	else
		snprintf(line, sizeof(line), "%s 0x%lx", commands[m->kind], m->start);
	FUZZ_CHECK(ask(line) == 0, "%s: %.100s", line, answer);
}

/* Any name as one word: each letter in the quotes that it is not. */
static void destroy_cache(const char *name)
{
	char line[sizeof("cache destroy ") + 3 * NAME_MAX] = "cache destroy ";
	size_t n = strlen(line);

	for (; *name; name++) {
		char quote = *name == '"' ? '\'' : '"';

		line[n++] = quote;
		line[n++] = *name;
		line[n++] = quote;
	}
	line[n] = '\0';
	FUZZ_CHECK(ask(line) == 0, "%s: %.100s", line, answer);
}

static void give_everything_back(void)
{
	const struct shell_cmd *cache = shell_cmd_find("cache");
	const struct shell_mem *m;
	const char *name;

	while ((m = shell_mem_nth(0)))
		give_back(m);
	while ((name = cache->complete(2, 0))) /* the caches that `cache create` has made */
		destroy_cache(name);
}

static void note_broken(const char *name, const char *what, void *ctx)
{
	(void)ctx;
	FUZZ_CHECK(false, "check %s: %s", name, what);
}

/* What is built at its first use stays, so only more with every input is a leak. */
static void check_nothing_is_lost(void)
{
	static unsigned long idle_pages, live_objects, worse;
	unsigned long pages, objects;

	mm_settle();
	pages = mm_idle_pages();
	objects = mm_live_objects();
	worse = pages < idle_pages || objects > live_objects ? worse + 1 : 0;
	FUZZ_CHECK(worse < 16, "%lu pages are idle, %lu objects live: more with every input", pages, objects);
	idle_pages = pages;
	live_objects = objects;
}

static void run_shell(const u8 *data, size_t len)
{
	static unsigned inputs;
	char line[SHELL_LINE_SIZE + 1]; /* one more than the shell takes */
	const u8 *end = data + len;

	for (unsigned i = 0; i < LINES && data < end; i++) {
		const u8 *newline = memchr(data, '\n', (size_t)(end - data)), *next = newline ? newline : end;
		size_t n = min((size_t)(next - data), sizeof(line) - 1);

		memcpy(line, data, n);
		line[n] = '\0';
		run_one(line);
		data = next + 1;
	}
	give_everything_back();
	if (++inputs % CHECK_EVERY == 0) {
		unsigned checks;

		check_nothing_is_lost();
		mm_check_all(&checks, note_broken, NULL);
	}
}
FUZZ_TARGET("shell", run_shell);
