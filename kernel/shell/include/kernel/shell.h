#ifndef KERNEL_SHELL_H
#define KERNEL_SHELL_H

/*
 * The debug shell: a command is a record collected in section `shell_cmds` (pointers). The shell splits the
 * line, strips a final -j, and calls run() with the words; run() writes its answer through the writer and
 * returns 0 or a negative errno. Errors are said with out_error(), once, as "what is wrong and what was
 * expected"; the shell brings them into the form that the request wants ("error: ..." or {"error":"..."}).
 */

#include <kernel/types.h>

enum { SHELL_MAX_ARGS = 64, SHELL_LINE_SIZE = 1024 };

struct out; /* where an answer goes: console now; buffers its line, counts nothing */

struct shell_cmd {
	const char *name;
	const char *args; /* as `help` shows them: "ORDER [zone=Z] [node=N] [zero]" */
	const char *help; /* one line; NULL: for tests, in no list */
	/* argv[0] is the name. Returns 0 or -errno after out_error(). json: the answer is one JSON object. */
	int (*run)(struct out *o, int argc, char **argv, bool json);
	/* Candidate n of argument position pos (1 = first), or NULL when there are no more. May be NULL. */
	const char *(*complete)(int pos, unsigned n);
};

#define SHELL_CMD(cmd_name, cmd_args, cmd_help, cmd_run, cmd_complete)                              \
	static const struct shell_cmd shell_cmd_##cmd_run = {cmd_name, cmd_args, cmd_help, cmd_run, \
							     cmd_complete};                         \
	static const struct shell_cmd *const shell_ptr_##cmd_run                                    \
		__attribute__((section("shell_cmds"), used)) = &shell_cmd_##cmd_run

extern const struct shell_cmd *const __start_shell_cmds[], *const __stop_shell_cmds[];

/* Plain text. */
void out_printf(struct out *o, const char *fmt, ...) __printf(2, 3);
/* The reason of a failure, without "error: " and without a final newline; returns err for `return
 * out_error(...)`. */
int out_error(struct out *o, int err, const char *fmt, ...) __printf(3, 4);

/*
 * JSON. Commas are the writer's business. key is NULL inside arrays. Strings are escaped; hex prints as
 * "0x...". A command that fails after it began to write still answers with the error object alone: output is
 * held back until run() returns or 64 KiB have gathered, so check arguments before writing.
 */
void json_obj(struct out *o, const char *key);
void json_end_obj(struct out *o);
void json_arr(struct out *o, const char *key);
void json_end_arr(struct out *o);
void json_num(struct out *o, const char *key, u64 v);
void json_int(struct out *o, const char *key, s64 v);
void json_hex(struct out *o, const char *key, u64 v);
void json_milli(struct out *o, const char *key, u64 thousandths); /* a number with three decimals */
void json_str(struct out *o, const char *key, const char *s);	  /* NULL prints null */
void json_bool(struct out *o, const char *key, bool v);
void json_null(struct out *o, const char *key);

/* CPU 0's main loop: cmd=, test= and bench= first, then the shell on the console. Never returns. */
void shell_main(void) __noreturn;
/* Runs one line (with ';') as if typed; answers go to the console. Returns 0 or the first failure as -errno.
 */
int shell_run_line(const char *line);
/* The same into buf (NUL-terminated, cut at size): for tests of commands and formats. */
int shell_run_capture(const char *line, char *buf, size_t size);

/* The nth command in alphabetical order, or NULL; the command of that name, or NULL. */
const struct shell_cmd *shell_cmd_nth(unsigned n);
const struct shell_cmd *shell_cmd_find(const char *name);

/*
 * Argument helpers: parse or say what was expected. name is the argument's name in `help`.
 * Return 0 or -EINVAL/-ERANGE after out_error().
 */
int arg_u64(struct out *o, const char *name, const char *text, u64 *v);
int arg_size(struct out *o, const char *name, const char *text, u64 *v);
/* A virtual address. */
int arg_addr(struct out *o, const char *name, const char *text, unsigned long *va);
/* 0 if there are min to max words behind the command's name, else -EINVAL after saying how it is used. */
int arg_count(struct out *o, int argc, char **argv, int min_words, int max_words);
/* "key=value" among argv[from..]: its value, or NULL. */
const char *arg_opt(int argc, char **argv, int from, const char *key);

#endif
