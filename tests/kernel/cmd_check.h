#ifndef KERNEL_CMD_CHECK_H
#define KERNEL_CMD_CHECK_H

/* Asks the shell and looks into its answer; shared by the tests of the commands. */

#include <kernel/test.h>
#include <kernel/types.h>

enum { ANSWER_SIZE = 64 << 10 };
extern char answer[ANSWER_SIZE];

/* Runs the line; its answer is in answer[]. Returns the status, 0 or -errno. */
int ask(const char *fmt, ...) __printf(1, 2);
/* The answer is one JSON object on one line. */
bool answer_is_object(void);
bool answer_says(const char *text);

/*
 * The value of the first "key" at or behind `from`, a number or a "0x..." string; ANSWER_NONE: there is no such key, or
 * its value is neither. answer_value starts at the beginning.
 */
#define ANSWER_NONE 0xdeadbeefdeadbeefUL
u64 value_from(const char *from, const char *key);
u64 answer_value(const char *key);
/* Behind "key": in from, or NULL. */
const char *key_from(const char *from, const char *key);
/* Sum of the numbers of the array that begins at s ("[1,2,3]"), each times factor(i) = 1 << (shifted ? i : 0). */
u64 array_sum(const char *s, bool shifted, unsigned *nr);

/* The line that begins at s is cut off into line[size]; returns the next line, or NULL at the end. */
const char *next_line(const char *s, char *line, size_t size);

/* The command fails with this errno, in plain and in JSON form, and the reason contains `why`. */
#define EXPECT_REFUSED(err, why, ...)                                                                  \
	do {                                                                                           \
		char refused_line[160];                                                                \
		snprintf(refused_line, sizeof(refused_line), __VA_ARGS__);                             \
		EXPECT_EQ(ask("%s", refused_line), -(err));                                            \
		EXPECT_MSG(!strncmp(answer, "error: ", 7) && answer_says(why), "%s: %s", refused_line, \
			   answer);                                                                    \
		EXPECT_EQ(ask("%s -j", refused_line), -(err));                                         \
		EXPECT_MSG(answer_is_object() && !strncmp(answer, "{\"error\":", 9), "%s -j: %s",      \
			   refused_line, answer);                                                      \
	} while (0)

#endif
