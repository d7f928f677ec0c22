/*
 * console.c - standard input and output as the console.
 *
 * Idea.       Output is buffered by line and flushed before the process waits. Input is read when arch_getc() needs it.
 *             On a terminal the line editor needs each key at once, so the terminal is set to raw input and restored at
 *             the end.
 * Layout.     With HOST_LOG_TO_STDERR log lines and the report of a panic go to standard error, the rest to standard
 *             output. Otherwise all output goes to standard output, in order.
 * Invariants. Bytes of one stream leave in order: a change of the stream flushes the buffer first. System calls get
 *             addresses of the image only; an unfilled address of the window would make them fail with EFAULT.
 * Locking.    The caller holds the console's lock. out_lock protects the buffer, which an idle CPU also flushes. Only CPU 0
 *             reads input.
 * Failure.    If the reader of a pipe has gone, SIGPIPE ends the process, as with any program.
 * Next:       kernel/base/printk.c.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "host_internal.h"
#include <arch/console.h>
#include <arch/cpu.h>
#include <arch/irq.h>
#include <kernel/types.h>

static enum host_streams streams;
static _Atomic bool out_lock; /* protects out, out_len, to_log */
static char out[4096];
static size_t out_len;
static bool to_log;

static unsigned char in[4096];
static size_t in_at, in_len;
static bool in_closed;

static struct termios cooked;
static bool is_raw;

/*
 * Some functions also run when ThreadSanitizer ends the process, inside its report. At that time it no longer tracks
 * locks. A second report from here would wait for the first one for ever, so these functions are not instrumented.
 */
#define NOT_WATCHED __attribute__((no_sanitize("thread")))

/* Context: out_lock held. */
static NOT_WATCHED void flush_out(void)
{
	int fd = to_log && streams == HOST_LOG_TO_STDERR ? STDERR_FILENO : STDOUT_FILENO;

	for (size_t done = 0; done < out_len;) {
		ssize_t n = write(fd, out + done, out_len - done);

		if (n < 0 && errno == EAGAIN) {
			struct pollfd p = {.fd = fd, .events = POLLOUT};

			poll(&p, 1, -1);
		} else if (n < 0 && errno != EINTR) {
			break;
		} else if (n > 0) {
			done += (size_t)n;
		}
	}
	out_len = 0;
}

void arch_putc(char c)
{
	unsigned long flags = arch_irq_save();

	host_lock(&out_lock);
	if (out_len == sizeof(out)) /* a panic stopped the CPU that should have flushed */
		flush_out();
	out[out_len++] = c;
	if (c == '\n' || out_len == sizeof(out))
		flush_out();
	host_unlock(&out_lock);
	arch_irq_restore(flags);
}

static NOT_WATCHED void flush_now(void)
{
	unsigned long flags = arch_irq_save();

	host_lock(&out_lock);
	flush_out();
	host_unlock(&out_lock);
	arch_irq_restore(flags);
}

void arch_console_stream(enum console_stream stream)
{
	unsigned long flags = arch_irq_save();

	host_lock(&out_lock);
	if (to_log != (stream == CONSOLE_LOG)) {
		flush_out();
		to_log = stream == CONSOLE_LOG;
	}
	host_unlock(&out_lock);
	arch_irq_restore(flags);
}

static bool input_ready(void)
{
	struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};

	return poll(&p, 1, 0) > 0;
}

int arch_getc(void)
{
	if (in_at == in_len && !in_closed) {
		ssize_t n;

		flush_now();
		if (!input_ready())
			return ARCH_GETC_NONE;
		n = read(STDIN_FILENO, in, sizeof(in));
		in_at = 0;
		in_len = n > 0 ? (size_t)n : 0;
		in_closed = n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN);
	}
	if (in_at < in_len)
		return in[in_at++];
	return in_closed ? ARCH_GETC_END : ARCH_GETC_NONE;
}

bool host_console_wait(u64 timeout_ns, const void *sigmask)
{
	bool reads = arch_cpu_id() == 0 && !in_closed; /* other CPUs do not read the console */
	struct pollfd p = {.fd = reads ? STDIN_FILENO : -1, .events = POLLIN};
	struct timespec limit = {(time_t)(timeout_ns / 1000000000), (long)(timeout_ns % 1000000000)};

	flush_now();
	return ppoll(&p, 1, timeout_ns == ~0UL ? NULL : &limit, sigmask) > 0;
}

NOT_WATCHED void host_console_close(void)
{
	flush_now();
	if (is_raw)
		tcsetattr(STDIN_FILENO, TCSANOW, &cooked);
	is_raw = false;
}

static void on_end(int sig)
{
	if (is_raw)
		tcsetattr(STDIN_FILENO, TCSANOW, &cooked);
	signal(sig, SIG_DFL);
	raise(sig);
}

void host_console_setup(enum host_streams s)
{
	streams = s;
}

void arch_console_init(void)
{
	struct termios raw;

	if (streams == HOST_LOG_TO_STDERR || !isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &cooked))
		return;
	raw = cooked;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	is_raw = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
	signal(SIGINT, on_end);
	signal(SIGTERM, on_end);
}
