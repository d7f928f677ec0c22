#ifndef KERNEL_PRINTK_H
#define KERNEL_PRINTK_H

/*
 * The log: lines with a level and a time stamp, kept in a ring for `dmesg` and shown on the console when the
 * level is at or below the console threshold. Formats are C99's (%d %u %x %lx %lu %zu %s %c %p with flags,
 * width, precision) and %pS (image symbol+offset of an address). One event, one line, one call; the text
 * carries its own '\n'.
 */

#include <stdarg.h>
#include <kernel/types.h>

enum log_level { LOG_EMERG, LOG_ALERT, LOG_CRIT, LOG_ERR, LOG_WARN, LOG_NOTICE, LOG_INFO, LOG_DEBUG };

/* Context: any. Locks: none waited for. While a tagged answer is open the lines wait until it has ended. */
void printk(enum log_level level, const char *fmt, ...) __printf(2, 3);

#define pr_err(...) printk(LOG_ERR, __VA_ARGS__)
#define pr_warn(...) printk(LOG_WARN, __VA_ARGS__)
#define pr_info(...) printk(LOG_INFO, __VA_ARGS__)
#define pr_debug(...) printk(LOG_DEBUG, __VA_ARGS__)

#define pr_warn_once(...)                     \
	do {                                  \
		static bool warned;           \
		if (!warned) {                \
			warned = true;        \
			pr_warn(__VA_ARGS__); \
		}                             \
	} while (0)

/* Console threshold, 0 to 7 (`loglevel=`). */
extern int console_loglevel;

/* Straight to the console, no level, no time stamp, not in the ring: shell answers, KTAP. */
void console_write(const char *s, size_t len);
void console_printf(const char *fmt, ...) __printf(1, 2);

/* What '\n' becomes on the console: CR LF on a UART. A port whose console is a plain file sets "\n". */
extern const char *console_eol;
/* True when the next character goes to column 0. */
bool console_at_line_start(void);
/* Log lines that the console has shown so far: a changed value tells a line editor to draw its line again. */
u64 console_log_lines(void);

/* Between the two the console shows no log lines; what came meanwhile follows at the release. They nest. */
void console_hold(void);
void console_release(void);
bool console_is_held(void);

/*
 * From here on one CPU runs and prints past every lock and hold, first what was held back. Called by panic().
 */
void printk_panic(void);

enum { LOG_LINE_SIZE = 512 };
/*
 * The next line of the log at or after *pos (0: the oldest kept), as dmesg shows it, NUL-terminated with its
 * '\n', into buf[LOG_LINE_SIZE]; *pos moves behind it. Returns false at the end.
 */
bool log_next_line(u64 *pos, char *buf);

/* printf.c. snprintf returns the length the whole text has, as in C99; scnprintf what was stored. */
int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap);
int snprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);
int scnprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);

/* ksyms: the image's own symbol table. Returns NULL outside the image's text and data. */
const char *ksym_lookup(unsigned long addr, unsigned long *offset, unsigned long *size);

#endif
