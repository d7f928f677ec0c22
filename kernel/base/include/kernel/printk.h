#ifndef KERNEL_PRINTK_H
#define KERNEL_PRINTK_H

/*
 * The log: lines with a level and a time stamp. A ring keeps them for `dmesg`. The console shows those whose level is at or
 * below its threshold. Formats are C99's (%d %u %x %lx %lu %zu %s %c %p with flags, width, precision) and %pS (an address
 * of the image as symbol+offset). One event is one line in one call; the text ends in '\n'.
 */

#include <stdarg.h>
#include <kernel/types.h>

enum log_level { LOG_EMERG, LOG_ALERT, LOG_CRIT, LOG_ERR, LOG_WARN, LOG_NOTICE, LOG_INFO, LOG_DEBUG };

/* Context: any. Waits for no lock. While a tagged answer is open, the console shows the line after its end. */
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

/* Writes to the console without level and time stamp, and not into the ring: shell answers, KTAP. */
void console_write(const char *s, size_t len);
void console_printf(const char *fmt, ...) __printf(1, 2);

/* Replacement of '\n' on the console: CR LF on a UART. A port whose console is a plain file sets "\n". */
extern const char *console_eol;
/* True if the next character goes to column 0. */
bool console_at_line_start(void);
/* Number of log lines shown on the console. A changed value tells a line editor to redraw its line. */
u64 console_log_lines(void);

/* Between hold and release the console shows no log lines; they follow at the release. Calls nest. */
void console_hold(void);
void console_release(void);
bool console_is_held(void);

/* Called by panic(). From then on one CPU prints and ignores every lock and hold. Prints the lines that were held back. */
void printk_panic(void);

/*
 * Describes an address for the report of a fault: "null pointer", "guard page of the boot stack". kmain() sets the
 * function, because the regions belong to higher layers. Context: any; waits for no lock.
 */
void panic_describe(unsigned long addr, char *buf, size_t size);
void panic_set_describe(void (*describe)(unsigned long addr, char *buf, size_t size));

enum { LOG_LINE_SIZE = 512 };
/*
 * Copies the next line of the log at or after *pos (0: the oldest line) into buf[LOG_LINE_SIZE], in dmesg's format, with
 * its '\n' and a NUL. Advances *pos. Returns false at the end.
 */
bool log_next_line(u64 *pos, char *buf);

/* printf.c. snprintf returns the length of the whole text, as in C99; scnprintf the length that was stored. */
int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap);
int snprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);
int scnprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);

/* Looks up the image's symbol table. Returns NULL for an address outside of the image. */
const char *ksym_lookup(unsigned long addr, unsigned long *offset, unsigned long *size);

#endif
