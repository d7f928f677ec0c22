/*
 * shell.c - the debug shell: from lines to commands to answers.
 *
 * Idea.       Commands are records collected in a section. The shell splits a line, finds the command, and formats its
 *             answer as requested. Lines from a terminal, tagged requests of a program, cmd= and the tests all run through
 *             run_line().
 * Layout.     console bytes -> lineedit -> run_tagged, run_line -> next_command (words) -> run_command -> out
 *             read_byte() is the main loop of CPU 0: it takes input, else runs deferred work, else sleeps.
 * Invariants. I1  a line runs only if all its quotes are closed; then all its commands run, and the status is that of
 *                 the first failure
 *             I2  between `@TAG begin` and `@TAG end` only the answer is on the console
 *             Between two commands there is a quiescent point.
 * Locking.    None: main loop only. The answer's buffer has one user; a command that runs inside another uses a small one.
 * Failure.    Every mistake gets an answer. No input ends the kernel, except the command `crash`.
 * Next:       shell_cmds.c.
 */
#include <kernel/shell.h>

#include <kernel/bug.h>
#include <kernel/cmdline.h>
#include <kernel/errno.h>
#include <kernel/printk.h>
#include <kernel/smp.h>
#include <kernel/string.h>
#include <kernel/work.h>

#include <arch/console.h>
#include <arch/cpu.h>
#include <arch/irq.h>
#include <arch/time.h>

#include "lineedit.h"
#include "out.h"

enum {
	COMMANDS_MAX = 128,
	ANSWER_SIZE = 64 * 1024, /* bytes of an answer that are buffered */
	NESTED_SIZE = 256,	 /* the same for a command that runs inside another */
	TAG_MAX = 32,
};

/* A command of a line: its words, cut in place. */
struct command {
	int argc;
	char *argv[SHELL_MAX_ARGS + 1];
	bool json;
};

/* Destination of the answers to one line. */
struct answer {
	void (*sink)(const char *s, size_t len);
	char *buf;
	size_t size;
	size_t len; /* captured so far; 0 with a sink */
};

static const struct shell_cmd *sorted[COMMANDS_MAX];
static unsigned nr_sorted;
static char answer_buf[ANSWER_SIZE];
static bool answer_buf_taken;
static struct lineedit editor;

static void commands_sort(void)
{
	const struct shell_cmd *const *c;

	if (nr_sorted)
		return;
	BUG_ON(__stop_shell_cmds - __start_shell_cmds > COMMANDS_MAX, "more than %d commands", COMMANDS_MAX);
	for (c = __start_shell_cmds; c < __stop_shell_cmds; c++) {
		unsigned i;

		if (!(*c)->help)
			continue;
		for (i = nr_sorted++; i && strcmp((*c)->name, sorted[i - 1]->name) < 0; i--)
			sorted[i] = sorted[i - 1];
		sorted[i] = *c;
	}
}

const struct shell_cmd *shell_cmd_nth(unsigned n)
{
	commands_sort();
	return n < nr_sorted ? sorted[n] : NULL;
}

const struct shell_cmd *shell_cmd_find(const char *name)
{
	for (const struct shell_cmd *const *c = __start_shell_cmds; c < __stop_shell_cmds; c++)
		if (strcmp((*c)->name, name) == 0)
			return *c;
	return NULL;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_quote(char c)
{
	return c == '"' || c == '\'';
}

/* Whether every quote outside of a comment is closed. */
static bool quotes_closed(const char *s)
{
	char quote = '\0', before = ' ';

	for (; *s; before = *s++) {
		if (quote)
			quote = *s == quote ? '\0' : quote;
		else if (is_quote(*s))
			quote = *s;
		else if (*s == '#' && (is_blank(before) || before == ';'))
			break;
	}
	return !quote;
}

/* Cuts the word at *text, removes its quotes, and advances *text past it. Returns the character that ended it. */
static char cut_word(char **text)
{
	char *in = *text, *out = *text, quote = '\0', end;

	for (; *in && (quote || !(is_blank(*in) || *in == ';')); in++) {
		if (quote ? *in == quote : is_quote(*in))
			quote = quote ? '\0' : *in;
		else
			*out++ = *in;
	}
	end = *in;
	*text = end ? in + 1 : in;
	*out = '\0';
	return end;
}

/* Splits off the next command. False at the end of the line. argc == SHELL_MAX_ARGS + 1: it has too many words. */
static bool next_command(char **text, struct command *c)
{
	char end = ' ';

	c->argc = 0;
	c->json = false;
	while (end && end != ';') {
		while (is_blank(**text))
			++*text;
		if (**text == '#')
			*text += strlen(*text);
		if (!**text)
			break;
		if (**text == ';') {
			++*text;
			if (c->argc)
				break;
			continue;
		}
		if (c->argc <= SHELL_MAX_ARGS)
			c->argv[c->argc++] = *text;
		end = cut_word(text);
	}
	if (!c->argc)
		return false;
	if (c->argc > 1 && c->argc <= SHELL_MAX_ARGS && strcmp(c->argv[c->argc - 1], "-j") == 0) {
		c->json = true;
		c->argc--;
	}
	c->argv[min(c->argc, (int)SHELL_MAX_ARGS)] = NULL;
	return true;
}

static struct out answer_begin(const struct answer *a, bool json)
{
	return (struct out){.sink = a->sink, .buf = a->buf + a->len, .size = a->size - a->len, .json = json};
}

static void answer_end(struct answer *a, struct out *o)
{
	out_finish(o);
	a->len += o->len;
}

static int run_command(struct command *c, struct answer *a)
{
	struct out o = answer_begin(a, c->json);
	const struct shell_cmd *cmd;
	int err;

	cmd = shell_cmd_find(c->argv[0]);
	if (c->argc > SHELL_MAX_ARGS) {
		err = out_error(&o, -E2BIG, "too many words, expected at most %d", SHELL_MAX_ARGS);
	} else if (!cmd) {
		err = out_error(&o, -ENOENT, "unknown command \"%s\", expected one that `help` lists",
				c->argv[0]);
	} else {
		err = cmd->run(&o, c->argc, c->argv, c->json);
		if (err && !o.failed && !o.len && !o.gone)
			out_error(&o, err, "%s failed, error number %d", cmd->name, err < 0 ? -err : err);
	}
	answer_end(a, &o);
	return err < 0 ? err : -err;
}

/* Runs all commands of a line. Returns 0 or the error of the first failure. */
static int run_line(const char *line, struct answer *a)
{
	char words[SHELL_LINE_SIZE], *text = words;
	struct command c;
	int first = 0;

	if (strlcpy(words, line, sizeof(words)) >= sizeof(words) || !quotes_closed(words)) {
		size_t len = strnlen(line, SHELL_LINE_SIZE);
		struct out o = answer_begin(a, len > 3 && strcmp(line + len - 3, " -j") == 0);

		if (len == SHELL_LINE_SIZE)
			first = out_error(&o, -E2BIG, "the line is too long, expected at most %d bytes",
					  SHELL_LINE_SIZE - 1);
		else
			first = out_error(&o, -EINVAL, "a quote is not closed, expected a second one");
		answer_end(a, &o);
		return first;
	}
	while (next_command(&text, &c)) {
		int err = run_command(&c, a);

		if (!first)
			first = err;
		quiet_point();
	}
	return first;
}

int shell_run_line(const char *line)
{
	char small[NESTED_SIZE];
	struct answer a = {.sink = console_write, .buf = small, .size = sizeof(small)};
	bool outer = !answer_buf_taken;
	int err;

	if (outer) {
		answer_buf_taken = true;
		a.buf = answer_buf;
		a.size = sizeof(answer_buf);
	}
	err = run_line(line, &a);
	if (outer)
		answer_buf_taken = false;
	return err;
}

int shell_run_capture(const char *line, char *buf, size_t size)
{
	struct answer a = {.buf = buf, .size = size - 1};
	int err = run_line(line, &a);

	buf[a.len] = '\0';
	return err;
}

static int arg_number(struct out *o, const char *name, const char *text, const char *expected,
		      int (*parse)(const char *, u64 *), u64 *v)
{
	int err = parse(text, v);

	if (err == -ERANGE)
		out_error(o, err, "%s: %s is too large, expected less than 2^64", name, text);
	else if (err)
		out_error(o, err, "%s: \"%s\" is not a number, expected %s", name, text, expected);
	return err;
}

int arg_u64(struct out *o, const char *name, const char *text, u64 *v)
{
	return arg_number(o, name, text, "decimal or 0x hex", parse_u64, v);
}

int arg_size(struct out *o, const char *name, const char *text, u64 *v)
{
	return arg_number(o, name, text, "a size such as 4096, 0x1000, 64K or 2M", parse_size, v);
}

int arg_addr(struct out *o, const char *name, const char *text, unsigned long *va)
{
	return arg_number(o, name, text, "a virtual address such as 0xffff888000001000", parse_u64, va);
}

int arg_count(struct out *o, int argc, char **argv, int min_words, int max_words)
{
	const struct shell_cmd *cmd = shell_cmd_find(argv[0]);
	const char *args = cmd && cmd->args ? cmd->args : "";

	if (argc - 1 >= min_words && argc - 1 <= max_words)
		return 0;
	return out_error(o, -EINVAL, "%s: %s arguments, expected %s%s%s", argv[0],
			 argc - 1 < min_words ? "missing" : "too many", argv[0], *args ? " " : "", args);
}

const char *arg_opt(int argc, char **argv, int from, const char *key)
{
	size_t n = strlen(key);

	for (int i = from; i < argc; i++)
		if (strncmp(argv[i], key, n) == 0 && argv[i][n] == '=')
			return argv[i] + n + 1;
	return NULL;
}

/* Copies the tag of "@TAG command" to tag[TAG_MAX + 1]. Returns the command, or NULL if the format is wrong. */
static const char *parse_tag(const char *text, char *tag)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
	unsigned n = 0;

	for (text++; *text && strchr(allowed, *text) && n < TAG_MAX; text++)
		tag[n++] = *text;
	tag[n] = '\0';
	return n && (!*text || is_blank(*text)) ? text : NULL;
}

static void run_tagged(const char *text, bool too_long)
{
	char tag[TAG_MAX + 1];
	const char *command = parse_tag(text, tag);
	int err;

	if (!command) {
		console_printf(
			"\nerror: bad tag, expected @TAG COMMAND, TAG being 1 to %d of A-Z a-z 0-9 _ -\n",
			TAG_MAX);
		return;
	}
	console_hold();
	console_printf("\n@%s begin\n", tag);
	if (too_long) {
		err = -E2BIG;
		console_printf("error: the line is too long, expected at most %d bytes\n",
			       SHELL_LINE_SIZE - 1);
	} else {
		err = shell_run_line(command);
	}
	console_printf("%s@%s end %d\n", console_at_line_start() ? "" : "\n", tag, -err);
	console_release();
}

static void editor_emit(void *ctx, const char *s, size_t len)
{
	console_write(s, len);
}

/* Completes a command name at the start of a command; elsewhere the command itself provides the candidates. */
static const char *editor_candidate(void *ctx, const char *text, unsigned word_start, unsigned n)
{
	const struct shell_cmd *cmd;
	char words[SHELL_LINE_SIZE], *rest = words;
	struct command c = {0};

	strlcpy(words, text, min((size_t)word_start + 1, sizeof(words)));
	while (*rest && next_command(&rest, &c))
		;
	if (word_start && text[word_start - 1] == ';')
		c.argc = 0;
	if (!c.argc) {
		cmd = shell_cmd_nth(n);
		return cmd ? cmd->name : NULL;
	}
	cmd = shell_cmd_find(c.argv[0]);
	return cmd && cmd->complete ? cmd->complete(c.argc, n) : NULL;
}

/* Number of log lines on the console when the prompt was last drawn. */
static u64 lines_seen;

static void prompt(void)
{
	lineedit_start(&editor);
	lines_seen = console_log_lines();
}

/* Returns the next byte of input. Meanwhile it runs deferred work, or sleeps if there is none. */
static char read_byte(void)
{
	for (;;) {
		u64 wake_ns;
		int c = arch_getc();

		if (c >= 0)
			return (char)c;
		if (c == ARCH_GETC_END)
			arch_poweroff(0);
		quiet_point();
		if (lines_seen != console_log_lines()) { /* log lines have been printed over the input line */
			lines_seen = console_log_lines();
			lineedit_redraw(&editor);
		}
		arch_irq_disable();
		c = arch_getc();
		if (c < 0 && quiet_idle(&wake_ns)) {
			smp_idle(wake_ns);
		} else {
			arch_irq_enable();
		}
		if (c >= 0)
			return (char)c;
	}
}

static void read_lines(void) __noreturn;
static void read_lines(void)
{
	static const struct lineedit_ops ops = {editor_emit, editor_candidate};

	lineedit_init(&editor, &ops, NULL, "strata> ");
	prompt();
	for (;;) {
		enum lineedit_event event = lineedit_feed(&editor, read_byte());

		if (event == LINE_NONE)
			continue;
		if (event != LINE_CANCEL && editor.raw)
			run_tagged(editor.text, event == LINE_TOO_LONG);
		else if (event == LINE_TOO_LONG)
			console_printf("error: the line is too long, expected at most %d bytes\n",
				       SHELL_LINE_SIZE - 1);
		else if (event == LINE_DONE)
			shell_run_line(editor.text);
		if (!console_at_line_start())
			console_write("\n", 1);
		prompt();
	}
}

static const char *opt_cmd, *opt_test, *opt_bench;
static bool opt_poweroff;

void shell_main(void)
{
	char line[SHELL_LINE_SIZE];
	int err = 0;

	if (opt_cmd)
		err = shell_run_line(opt_cmd);
	if (opt_bench) {
		snprintf(line, sizeof(line), "bench %s", opt_bench);
		err = shell_run_line(line) ?: err;
	}
	if (opt_test) {
		snprintf(line, sizeof(line), "test %s", opt_test);
		err = shell_run_line(line) ?: err;
	}
	if (opt_poweroff || opt_bench || opt_test)
		arch_poweroff(err ? 1 : 0);
	read_lines();
}

static int shell_set_cmd(const char *value)
{
	if (!value)
		return -EINVAL;
	opt_cmd = value;
	return 0;
}
CMDLINE_OPT("cmd", "shell commands, as in cmd=\"meminfo; verify\"", shell_set_cmd);

static int shell_set_test(const char *value)
{
	if (value && !*value)
		return -EINVAL;
	opt_test = value ? value : "*";
	return 0;
}
CMDLINE_OPT("test", "a pattern of suite.case", shell_set_test);

static int shell_set_bench(const char *value)
{
	if (value && !*value)
		return -EINVAL;
	opt_bench = value ? value : "*";
	return 0;
}
CMDLINE_OPT("bench", "a pattern of row names", shell_set_bench);

static int shell_set_poweroff(const char *value)
{
	return cmdline_bool(value, &opt_poweroff);
}
CMDLINE_OPT("poweroff", "nothing, on or off", shell_set_poweroff);
