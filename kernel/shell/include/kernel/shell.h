#ifndef KERNEL_SHELL_H
#define KERNEL_SHELL_H

/*
 * The debug shell. A command is a record; section `shell_cmds` collects pointers to them. The shell splits the line,
 * removes a final -j, and calls run() with the words. run() writes its answer through the writer and returns 0 or a
 * negative errno. It reports an error once, with out_error(): the fault and the expected value. The shell prints it in
 * the requested format, "error: ..." or {"error":"..."}.
 */

#include <kernel/types.h>

enum { SHELL_MAX_ARGS = 64, SHELL_LINE_SIZE = 1024 };

struct out; /* the writer of a command's answer */

struct shell_cmd {
	const char *name;
	const char *args; /* as `help` prints them: "ORDER [zone=Z] [node=N] [zero]" */
	const char *help; /* one line; NULL: for tests, not listed */
	/* argv[0] is the name. Returns 0, or -errno after out_error(). json: the answer is one JSON object. */
	int (*run)(struct out *o, int argc, char **argv, bool json);
	/* Returns candidate n for argument pos (1 is the first), or NULL if there are no more. May be NULL. */
	const char *(*complete)(int pos, unsigned n);
};

#define SHELL_CMD(cmd_name, cmd_args, cmd_help, cmd_run, cmd_complete)                              \
	static const struct shell_cmd shell_cmd_##cmd_run = {cmd_name, cmd_args, cmd_help, cmd_run, \
							     cmd_complete};                         \
	static const struct shell_cmd *const shell_ptr_##cmd_run                                    \
		__attribute__((section("shell_cmds"), used)) = &shell_cmd_##cmd_run

extern const struct shell_cmd *const __start_shell_cmds[], *const __stop_shell_cmds[];

/* Writes plain text. */
void out_printf(struct out *o, const char *fmt, ...) __printf(2, 3);
/* Sets the reason of a failure, without "error: " and newline. Returns err, for `return out_error(...)`. */
int out_error(struct out *o, int err, const char *fmt, ...) __printf(3, 4);

/*
 * JSON output. The writer adds commas. key is NULL inside arrays. Strings are escaped; hex values print as "0x...". If a
 * command fails after it began to write, the answer is the error object alone, unless more than 64 KiB were written. So
 * check arguments before writing.
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

/* CPU 0's main loop: runs cmd=, bench= and test= first, then the shell on the console. Never returns. */
void shell_main(void) __noreturn;
/* Runs one line (with ';') as if typed; answers go to the console. Returns 0 or the first failure as -errno. */
int shell_run_line(const char *line);
/* The same with the answers in buf (NUL-terminated, cut at size), for tests of commands and formats. */
int shell_run_capture(const char *line, char *buf, size_t size);

/* Return the nth command in alphabetical order, or NULL; the command of that name, or NULL. */
const struct shell_cmd *shell_cmd_nth(unsigned n);
const struct shell_cmd *shell_cmd_find(const char *name);

/*
 * Parse an argument. name is the argument's name in `help`. Return 0, or -EINVAL or -ERANGE after out_error(), which names
 * the expected values.
 */
int arg_u64(struct out *o, const char *name, const char *text, u64 *v);
int arg_size(struct out *o, const char *name, const char *text, u64 *v);
/* Parses a virtual address. */
int arg_addr(struct out *o, const char *name, const char *text, unsigned long *va);
/* Returns 0 if min to max words follow the command's name, else -EINVAL after a message with the usage. */
int arg_count(struct out *o, int argc, char **argv, int min_words, int max_words);
/* Returns the value of "key=value" in argv[from..], or NULL. */
const char *arg_opt(int argc, char **argv, int from, const char *key);

#endif
