/*
 * test_shell.c - from lines to answers: words, statuses, errors, JSON; hostile lines end in an answer.
 *
 * Idea.       Lines run as if typed, with the answer captured. A command of its own says which words reached
 *             it, fails as told, or takes numbers.
 * Layout.     run(line) -> status and answer[]; EXPECT_ANSWER compares both.
 * Invariants. I1  of shell.c; every failure has a reason, every -j answer is one JSON object on one line.
 * Locking.    None.
 * Failure.    Both texts are printed.
 * Next:       test_ktest.c.
 */
#include <kernel/errno.h>
#include <kernel/printk.h>
#include <kernel/shell.h>
#include <kernel/string.h>
#include <kernel/test.h>

#include <mm/vmalloc.h>

#include "json_check.h"

static char answer[32 * 1024];

/* Test commands: they say what reached them, fail as told, or write more than fits. */
static int cmd_shelltest(struct out *o, int argc, char **argv, bool json)
{
	u64 v;

	if (argc > 2 && strcmp(argv[1], "fail") == 0) {
		if (arg_u64(o, "ERRNO", argv[2], &v))
			return -EINVAL;
		out_printf(o, "before ");
		return out_error(o, -(int)v, "told to fail with %lu", v);
	}
	if (argc > 2 && strcmp(argv[1], "size") == 0) {
		int err = arg_size(o, "SIZE", argv[2], &v);

		if (!err)
			out_printf(o, "%lu\n", v);
		return err;
	}
	if (argc == 2 && strcmp(argv[1], "silent") == 0)
		return -EBUSY;
	if (json) {
		json_obj(o, NULL);
		json_arr(o, "words");
		for (int i = 1; i < argc; i++)
			json_str(o, NULL, argv[i]);
		json_end_arr(o);
		json_end_obj(o);
		return 0;
	}
	for (int i = 1; i < argc; i++)
		out_printf(o, "[%s]", argv[i]);
	out_printf(o, "\n");
	return argv[argc] ? -EIO : 0;
}
SHELL_CMD("shelltest", "[WORD...]", NULL, cmd_shelltest, NULL);

static int run(const char *line)
{
	return shell_run_capture(line, answer, sizeof(answer));
}

#define EXPECT_ANSWER(line, status, text)     \
	do {                                  \
		EXPECT_EQ(run(line), status); \
		EXPECT_STREQ(answer, text);   \
	} while (0)

KTEST(shell, words_are_cut_at_blanks_and_joined_by_quotes)
{
	EXPECT_ANSWER("shelltest a  b\tc ", 0, "[a][b][c]\n");
	EXPECT_ANSWER("shelltest \"a b\" 'c d' e'f 'g", 0, "[a b][c d][ef g]\n");
	EXPECT_ANSWER("shelltest \"\" ''", 0, "[][]\n");
	EXPECT_ANSWER("shelltest \"it's\" 'say \"x\"'", 0, "[it's][say \"x\"]\n");
	EXPECT_ANSWER("  \t shelltest", 0, "\n");
}

KTEST(shell, empty_lines_and_comments_do_nothing)
{
	EXPECT_ANSWER("", 0, "");
	EXPECT_ANSWER(" ; ;; ", 0, "");
	EXPECT_ANSWER("# shelltest a; don't", 0, "");
	EXPECT_ANSWER("shelltest a #b 'c", 0, "[a]\n");
	EXPECT_ANSWER("shelltest a#b \"#c\"", 0, "[a#b][#c]\n");
	EXPECT_ANSWER("shelltest a;# b", 0, "[a]\n");
}

/* Shows shell.I1. */
KTEST(shell, all_commands_run_and_the_first_failure_counts)
{
	EXPECT_ANSWER("shelltest a;shelltest b ; shelltest 'c;d'", 0, "[a]\n[b]\n[c;d]\n");
	EXPECT_ANSWER("shelltest fail 5; shelltest a; shelltest fail 7", -5,
		      "before \nerror: told to fail with 5\n[a]\nbefore \nerror: told to fail with 7\n");
}

/* Shows shell.I1. */
KTEST(shell, an_open_quote_runs_nothing)
{
	EXPECT_ANSWER("shelltest a; shelltest \"b", -EINVAL,
		      "error: a quote is not closed, expected a second one\n");
	EXPECT_EQ(run("shelltest 'a -j"), -EINVAL);
	EXPECT_TRUE(json_answer_ok(answer));
}

KTEST(shell, unknown_commands_and_bad_arguments_are_explained)
{
	EXPECT_ANSWER("nosuch 1 2", -ENOENT,
		      "error: unknown command \"nosuch\", expected one that `help` lists\n");
	EXPECT_ANSWER("nosuch -j", -ENOENT,
		      "{\"error\":\"unknown command \\\"nosuch\\\", expected one that `help` lists\"}\n");
	EXPECT_ANSWER("shelltest fail many", -EINVAL,
		      "error: ERRNO: \"many\" is not a number, expected decimal or 0x hex\n");
	EXPECT_ANSWER(
		"shelltest size 4Q", -EINVAL,
		"error: SIZE: \"4Q\" is not a number, expected a size such as 4096, 0x1000, 64K or 2M\n");
	EXPECT_ANSWER("shelltest size 99999999999G", -ERANGE,
		      "error: SIZE: 99999999999G is too large, expected less than 2^64\n");
	EXPECT_ANSWER("shelltest size 0x10K", 0, "16384\n");
	EXPECT_EQ(run("shelltest silent"), -EBUSY);
	EXPECT_EQ(strncmp(answer, "error: ", 7), 0);
	EXPECT_EQ(run("version now"), -EINVAL);
	EXPECT_EQ(run("help a b"), -EINVAL);
	EXPECT_EQ(run("poweroff 101"), -ERANGE);
	EXPECT_EQ(run("poweroff soon"), -EINVAL);
	EXPECT_EQ(run("reboot now"), -EINVAL);
	EXPECT_EQ(run("crash"), -EINVAL);
	EXPECT_EQ(run("crash nicely"), -EINVAL);
}

KTEST(shell, json_is_asked_for_by_the_last_word_only)
{
	EXPECT_ANSWER("shelltest a -j", 0, "{\"words\":[\"a\"]}\n");
	EXPECT_ANSWER("shelltest -j a", 0, "[-j][a]\n");
	EXPECT_ANSWER("shelltest -j", 0, "{\"words\":[]}\n");
	EXPECT_ANSWER("shelltest a -j; shelltest b", 0, "{\"words\":[\"a\"]}\n[b]\n");
	EXPECT_ANSWER("shelltest fail 9 -j", -9, "{\"error\":\"told to fail with 9\"}\n");
	EXPECT_ANSWER("shelltest \"\\x\" -j", 0, "{\"words\":[\"\\\\x\"]}\n");
	EXPECT_EQ(run("-j"), -ENOENT);
}

KTEST(shell, too_many_words_are_refused)
{
	char line[256] = "shelltest";

	for (int i = 1; i < SHELL_MAX_ARGS; i++)
		strlcpy(line + strlen(line), " w", 3);
	EXPECT_EQ(run(line), 0);
	strlcpy(line + strlen(line), " w", 3);
	EXPECT_EQ(run(line), -E2BIG);
	strlcpy(line + strlen(line), "; shelltest z", 20);
	EXPECT_EQ(run(line), -E2BIG);
	EXPECT_NOT_NULL(strstr(answer, "[z]"));
}

KTEST(shell, a_line_above_the_limit_is_refused)
{
	static char line[SHELL_LINE_SIZE + 8];

	memset(line, 'x', sizeof(line) - 1);
	memcpy(line, "shelltest ", 10);
	EXPECT_EQ(run(line), -E2BIG);
	line[SHELL_LINE_SIZE - 1] = '\0';
	EXPECT_EQ(run(line), 0);
}

KTEST(shell, help_names_every_command_once_and_sorted)
{
	const struct shell_cmd *cmd, *before = NULL;
	char line[64];
	unsigned n;

	for (n = 0; (cmd = shell_cmd_nth(n)); n++) {
		if (before)
			EXPECT_MSG(strcmp(before->name, cmd->name) < 0, "%s, %s", before->name, cmd->name);
		before = cmd;
		EXPECT_TRUE(shell_cmd_find(cmd->name) == cmd);
		snprintf(line, sizeof(line), "help %s", cmd->name);
		EXPECT_EQ(run(line), 0);
		EXPECT_EQ(strncmp(answer, cmd->name, strlen(cmd->name)), 0);
		EXPECT_TRUE(strchr(answer, '\n') == answer + strlen(answer) - 1);
	}
	EXPECT_GT(n, 8);
	EXPECT_EQ(run("help"), 0);
	for (const char *s = answer; (s = strchr(s, '\n')); s++)
		n--;
	EXPECT_EQ(n, 0);
}

/* Shows out.I2. */
KTEST(shell, answers_in_json_are_one_valid_line)
{
	static const char *const lines[] = {"help -j",	  "help help -j",	"version -j",
					    "verify -j",  "nosuch -j",		"help nosuch -j",
					    "crash x -j", "test nosuch.case -j"};

	for (unsigned i = 0; i < ARRAY_SIZE(lines); i++) {
		run(lines[i]);
		EXPECT_MSG(json_answer_ok(answer), "%s: %s: %s", lines[i], json_wrong(answer), answer);
		EXPECT_TRUE(strchr(answer, '\n') == answer + strlen(answer) - 1);
	}
}

KTEST(shell, a_capture_is_cut_and_terminated_at_its_size)
{
	char small[16];

	for (size_t size = 1; size < sizeof(small); size++) {
		memset(small, 0x5a, sizeof(small));
		shell_run_capture("shelltest abcdefghijklmnopqrstuvwxyz; shelltest again", small, size);
		EXPECT_LT(strnlen(small, size), size);
		EXPECT_EQ(small[size], 0x5a);
		EXPECT_EQ(strncmp(small, "[abcdefghijklmnop", size - 1), 0);
	}
}

KTEST(shell, options_are_found_by_their_key)
{
	char *argv[] = {"alloc", "3", "zone=DMA", "node=", "zonex=1", NULL};

	EXPECT_STREQ(arg_opt(5, argv, 1, "zone"), "DMA");
	EXPECT_STREQ(arg_opt(5, argv, 1, "node"), "");
	EXPECT_NULL(arg_opt(5, argv, 3, "zone"));
	EXPECT_NULL(arg_opt(5, argv, 1, "zon"));
}

KTEST(shell, a_test_inside_a_test_is_refused)
{
	EXPECT_EQ(run("test shell.words*"), -EBUSY);
	EXPECT_EQ(ktest_run("*"), -EBUSY);
}

static u32 hash_of(const char *s)
{
	u32 h = 2166136261u;

	while (*s)
		h = (h ^ (u8)*s++) * 16777619;
	return h;
}

KTEST(shell, an_error_quotes_characters_but_no_controls)
{
	EXPECT_EQ(run("caf\xc3\xa9-\xe4\xb8\xad"), -ENOENT);
	EXPECT_NOT_NULL(strstr(answer, "\"caf\xc3\xa9-\xe4\xb8\xad\""));
	/* ESC, Latin-1, CSI, right-to-left override. */
	EXPECT_EQ(run("a\033[2J\xe9\xc2\x9b\xe2\x80\xae"), -ENOENT);
	EXPECT_NOT_NULL(strstr(answer, "\"a?[2J??????\""));
}

KTEST(shell, tab_offers_each_word_once)
{
	enum { WORDS_MAX = 16384 };
	u32 *seen = vmalloc(WORDS_MAX * sizeof(*seen));
	const struct shell_cmd *cmd;

	ASSERT_NOT_NULL(seen);
	for (unsigned c = 0; (cmd = shell_cmd_nth(c)) != NULL; c++) {
		for (int pos = 1; cmd->complete && pos < 4; pos++) {
			const char *word;

			for (unsigned n = 0; (word = cmd->complete(pos, n)) != NULL && n < WORDS_MAX; n++) {
				seen[n] = hash_of(word);
				for (unsigned i = 0; i < n; i++)
					EXPECT_MSG(seen[i] != seen[n], "%s: \"%s\" twice", cmd->name, word);
			}
		}
	}
	vfree(seen);
}

KTEST(shell, hostile_lines_are_answered)
{
	static const char *const pieces[] = {"shelltest", "help",    "-j", "\"",    "'",
					     ";",	  "#",	     " ",  "\\",    "\x80\xff",
					     "\x1b[A",	  "@t1",     "=",  "0x",    "9999999999999999999999",
					     "%s%n",	  "version", "\t", "verify"};
	char line[400];

	for (int round = 0; round < 400; round++) {
		unsigned n = test_rand_below(20);
		int status;

		line[0] = '\0';
		while (n--) {
			strlcpy(line + strlen(line), pieces[test_rand_below(ARRAY_SIZE(pieces))],
				sizeof(line) - strlen(line));
			if (test_rand_below(2))
				strlcpy(line + strlen(line), " ", sizeof(line) - strlen(line));
		}
		status = run(line);
		EXPECT_TRUE(status <= 0);
		if (status)
			EXPECT_NOT_NULL(strstr(answer, "error"));
	}
}

KTEST(shell, random_bytes_are_answered)
{
	char line[200];

	for (int round = 0; round < 2000; round++) {
		unsigned len = test_rand_below(sizeof(line));

		for (unsigned i = 0; i < len; i++)
			line[i] = (char)(1 + test_rand_below(255));
		line[len] = '\0';
		EXPECT_TRUE(run(line) <= 0);
	}
}
