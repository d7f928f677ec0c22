/*
 * test_printk.c - every log line is kept with its stamp, whatever the console shows, from any context.
 *
 * Idea.       The log can be read back line by line, and the console counts the log lines that it has shown.
 * Layout.     log_end() is the place where the next line will be.
 * Invariants. I1  and I3 of printk.c.
 * Locking.    None.
 * Failure.    Cases about the console are skipped inside a tagged request, which holds log lines back itself.
 * Next:       test_json.c.
 */
#include <kernel/printk.h>
#include <kernel/string.h>
#include <kernel/test.h>

#include <arch/irq.h>

static char line[LOG_LINE_SIZE];

static u64 log_end(void)
{
	u64 pos = 0;

	while (log_next_line(&pos, line))
		;
	return pos;
}

/* "[seconds.micros] text" with six digits behind the point. */
static bool stamp_ok(const char *s)
{
	const char *point = strchr(s, '.'), *close = strchr(s, ']');

	return s[0] == '[' && point && close == point + 7 && close[1] == ' ';
}

KTEST(printk, a_line_is_kept_with_its_stamp)
{
	u64 pos = log_end();

	printk(LOG_DEBUG, "printk test: %d and %s\n", 42, "text");
	EXPECT_TRUE(log_next_line(&pos, line));
	EXPECT_TRUE(stamp_ok(line));
	EXPECT_STREQ(strchr(line, ']') + 2, "printk test: 42 and text\n");
	EXPECT_FALSE(log_next_line(&pos, line));
}

/* Shows printk.I1. */
KTEST(printk, every_line_of_the_log_is_whole)
{
	u64 pos = 0;
	unsigned lines = 0;

	while (log_next_line(&pos, line)) {
		lines++;
		EXPECT_MSG(stamp_ok(line), "%s", line);
		EXPECT_EQ(line[strlen(line) - 1], '\n');
	}
	EXPECT_GT(lines, 5);
}

KTEST(printk, a_long_line_is_cut_and_still_ends)
{
	static char text[2 * LOG_LINE_SIZE];
	u64 pos = log_end();

	memset(text, 'x', sizeof(text) - 1);
	printk(LOG_DEBUG, "%s", text);
	printk(LOG_DEBUG, "no end of its own");
	EXPECT_TRUE(log_next_line(&pos, line));
	EXPECT_LT(strlen(line), LOG_LINE_SIZE);
	EXPECT_GT(strlen(line), LOG_LINE_SIZE - 64);
	EXPECT_EQ(line[strlen(line) - 1], '\n');
	EXPECT_TRUE(log_next_line(&pos, line));
	EXPECT_STREQ(strchr(line, ']') + 2, "no end of its own\n");
}

KTEST(printk, the_console_shows_what_its_level_lets_through)
{
	u64 shown = console_log_lines(), pos = log_end();
	int level = console_loglevel;

	if (console_is_held())
		SKIP("log lines wait until the tagged request ends");
	console_loglevel = LOG_WARN;
	pr_info("printk test: not on the console\n");
	EXPECT_EQ(console_log_lines(), shown);
	pr_warn("printk test: a line that is meant to be here\n");
	EXPECT_EQ(console_log_lines(), shown + 1);
	console_loglevel = level;
	EXPECT_TRUE(log_next_line(&pos, line));
	EXPECT_TRUE(log_next_line(&pos, line));
}

/* Shows printk.I2. */
KTEST(printk, held_lines_wait_and_then_come_in_order)
{
	u64 shown = console_log_lines();

	if (console_is_held())
		SKIP("log lines wait until the tagged request ends");
	console_hold();
	console_hold();
	pr_err("printk test: first line that waited\n");
	pr_err("printk test: second line that waited\n");
	EXPECT_EQ(console_log_lines(), shown);
	console_release();
	EXPECT_EQ(console_log_lines(), shown);
	console_release();
	EXPECT_EQ(console_log_lines(), shown + 2);
	EXPECT_TRUE(console_at_line_start());
}

static void print_in_irq(void *ctx)
{
	printk(LOG_DEBUG, "printk test: from an interrupt\n");
	*(bool *)ctx = true;
}

KTEST(printk, an_interrupt_may_print)
{
	volatile bool raised = false;
	u64 pos = log_end();

	arch_irq_test_raise(print_in_irq, (void *)&raised);
	for (int i = 0; i < 1000000 && !raised; i++)
		;
	EXPECT_TRUE(raised);
	EXPECT_TRUE(log_next_line(&pos, line));
	EXPECT_STREQ(strchr(line, ']') + 2, "printk test: from an interrupt\n");
}
