/*
 * test_cmd_linux.c - the shell's `linux`: each row has its parts, patterns select, other names are errors.
 *
 * Idea.       tools/mklinux looks up the definitions while the kernel is built (tests/host/test_linux_names.py). These cases
 *             read the table in the image and the answers of the command.
 * Locking.    None.
 * Next:       test_cmd_look.c.
 */
#include <kernel/shell.h>
#include <kernel/string.h>
#include <kernel/test.h>

static char answer[16384];

static unsigned lines_of(const char *s)
{
	unsigned lines = 0;

	for (; *s; s++)
		lines += *s == '\n';
	return lines;
}

KTEST(cmd_linux, a_name_is_answered_with_ours_and_its_line)
{
	ASSERT_EQ(shell_run_capture("linux find_vmap_lowest_match", answer, sizeof(answer)), 0);
	EXPECT_EQ(strncmp(answer, "find_vmap_lowest_match: free_lowest, mm/vmap.c:", 47), 0);
	EXPECT_EQ(lines_of(answer), 2);
}

KTEST(cmd_linux, a_pattern_selects_and_nothing_else)
{
	const char *at = answer;

	ASSERT_EQ(shell_run_capture("linux cache_*", answer, sizeof(answer)), 0);
	EXPECT_GE(lines_of(answer), 8);
	for (; *at; at = strchr(strchr(at, '\n') + 1, '\n') + 1)
		EXPECT_EQ(strncmp(at, "cache_", 6), 0);
}

KTEST(cmd_linux, every_row_names_a_file_of_mm_and_what_differs)
{
	unsigned rows = 0;

	ASSERT_EQ(shell_run_capture("linux", answer, sizeof(answer)), 0);
	for (char *at = answer; *at; rows++) {
		char *end = strchr(at, '\n'), *next = strchr(end + 1, '\n');

		*end = '\0';
		EXPECT_MSG(strstr(at, ", mm/") && strchr(strstr(at, ", mm/") + 5, ':'), "%s", at);
		EXPECT_TRUE(end[1] == ' ' && end[2] == ' ' && next > end + 3);
		at = next + 1;
	}
	EXPECT_GE(rows, 70);
}

KTEST(cmd_linux, another_name_is_an_error)
{
	EXPECT_NE(shell_run_capture("linux no_such_function", answer, sizeof(answer)), 0);
	EXPECT_NE(shell_run_capture("linux expand expand", answer, sizeof(answer)), 0);
}
