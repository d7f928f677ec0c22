/*
 * printk.c - the log and the console.
 *
 * Idea.       printk() appends a record to a buffer of its CPU (the stage), in any context. The CPU that takes console_lock
 *             moves all stages into the log and prints the records that are due. A CPU that finds the lock taken returns at
 *             once, so only the holder waits for a slow console.
 * Layout.     printk -> stage of this CPU -> log ring -> console
 *                       4 KiB, IRQs off      128 KiB, console_lock
 *             A record is { ns, len, level } and the text. Positions count bytes and only grow; the index is the position
 *             modulo the size.
 * Invariants. I1  tail <= shown <= head, head - tail <= LOG_SIZE; tail and shown are at the start of a record
 *             I2  while console_holds is not 0 no log line is shown, except in a panic
 *             A log line begins in column 0: it ends an open console line first.
 * Locking.    console_lock (IRQs off) protects the ring and the console's state. A stage is written by its CPU with IRQs
 *             off and read under console_lock; its head and tail are published with release. printk() only tries the
 *             lock. The holder tests the stages again after it has released the lock, so no record stays behind.
 * Failure.    A full stage drops the new line. A full log drops its oldest lines. Both are reported in the log.
 * Next:       cmdline.c.
 */
#include <kernel/printk.h>

#include <kernel/cmdline.h>
#include <kernel/errno.h>
#include <kernel/spinlock.h>
#include <kernel/string.h>

#include <arch/console.h>
#include <arch/time.h>

enum {
	LOG_SIZE = 128 * 1024,
	STAGE_SIZE = 4096,
	LOG_TEXT_MAX = LOG_LINE_SIZE - 32, /* the time stamp has at most 24 characters */
	CONSOLE_CHUNK = 256,		   /* characters that are written with interrupts off at a time */
};

struct log_record {
	u64 ns;
	u32 len;
	u32 level;
};

struct log_stage {
	_Atomic u32 head, tail;
	_Atomic u32 lost; /* lines dropped since the last report */
	char bytes[STAGE_SIZE];
};

int console_loglevel = LOG_INFO;
const char *console_eol = "\r\n";

static struct spinlock console_lock = SPINLOCK_INIT("console", LOCK_CONSOLE);
static char log_bytes[LOG_SIZE];
static u64 log_head, log_tail, log_shown;
static unsigned console_holds;
static bool line_start = true;
static u64 lines_shown;
static bool panicking;

static DEFINE_PER_CPU(struct log_stage, log_stage);

static void ring_put(char *ring, size_t size, u64 pos, const void *data, size_t n)
{
	size_t at = pos % size, first = min(n, size - at);

	memcpy(ring + at, data, first);
	memcpy(ring, (const char *)data + first, n - first);
}

static void ring_get(const char *ring, size_t size, u64 pos, void *data, size_t n)
{
	size_t at = pos % size, first = min(n, size - at);

	memcpy(data, ring + at, first);
	memcpy((char *)data + first, ring, n - first);
}

static void console_emit(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '\n')
			for (const char *e = console_eol; *e; e++)
				arch_putc(*e);
		else
			arch_putc(s[i]);
	}
	if (len)
		line_start = s[len - 1] == '\n';
}

/* Formats a record as a line. Returns its length. */
static size_t log_format(char *buf, const struct log_record *rec, u64 text_pos)
{
	u64 us = rec->ns / 1000;
	size_t n = (size_t)scnprintf(buf, LOG_LINE_SIZE, "[%5lu.%06lu] ", us / 1000000, us % 1000000);

	ring_get(log_bytes, LOG_SIZE, text_pos, buf + n, rec->len);
	return n + rec->len;
}

/* Reads the record at *pos and advances *pos. False at the end of the log. */
static bool log_get(u64 *pos, struct log_record *rec, char *line, size_t *len)
{
	if (*pos < log_tail)
		*pos = log_tail;
	if (*pos == log_head)
		return false;
	ring_get(log_bytes, LOG_SIZE, *pos, rec, sizeof(*rec));
	*len = log_format(line, rec, *pos + sizeof(*rec));
	*pos += sizeof(*rec) + rec->len;
	return true;
}

static void log_put(const struct log_record *rec, const char *text)
{
	size_t need = sizeof(*rec) + rec->len;

	while (log_head + need - log_tail > LOG_SIZE) {
		struct log_record old;

		ring_get(log_bytes, LOG_SIZE, log_tail, &old, sizeof(old));
		log_tail += sizeof(old) + old.len;
	}
	ring_put(log_bytes, LOG_SIZE, log_head, rec, sizeof(*rec));
	ring_put(log_bytes, LOG_SIZE, log_head + sizeof(*rec), text, rec->len);
	log_head += need;
}

static void log_put_lost(u32 lines)
{
	struct log_record rec = {.ns = arch_time_ns(), .level = LOG_WARN};
	char text[64];

	rec.len = (u32)scnprintf(text, sizeof(text), "printk: %u lines lost, the stage was full\n", lines);
	log_put(&rec, text);
}

/* Moves one CPU's stage into the log. */
static void stage_drain(struct log_stage *st)
{
	u32 head = atomic_load_explicit(&st->head, memory_order_acquire);
	u32 tail = atomic_load_explicit(&st->tail, memory_order_relaxed);
	u32 lost = atomic_exchange_explicit(&st->lost, 0, memory_order_relaxed);
	char text[LOG_TEXT_MAX];

	while (tail != head) {
		struct log_record rec;

		ring_get(st->bytes, STAGE_SIZE, tail, &rec, sizeof(rec));
		ring_get(st->bytes, STAGE_SIZE, tail + sizeof(rec), text, rec.len);
		log_put(&rec, text);
		tail += (u32)sizeof(rec) + rec.len;
	}
	atomic_store_explicit(&st->tail, tail, memory_order_release);
	if (lost)
		log_put_lost(lost);
}

/* Prints the records that the console has not shown yet. */
static void log_show(void)
{
	struct log_record rec;
	char line[LOG_LINE_SIZE];
	size_t len;

	if (console_holds && !panicking)
		return;
	arch_console_stream(CONSOLE_LOG);
	if (log_shown < log_tail) {
		len = (size_t)scnprintf(line, sizeof(line), "[log: %lu bytes not shown, the log was full]\n",
					log_tail - log_shown);
		console_emit(line, len);
	}
	while (log_get(&log_shown, &rec, line, &len)) {
		if ((int)rec.level > console_loglevel)
			continue;
		if (!line_start)
			console_emit("\n", 1);
		console_emit(line, len);
		lines_shown++;
	}
	if (!panicking) /* all output of a panic is log */
		arch_console_stream(CONSOLE_ANSWER);
}

static bool stage_empty(const struct log_stage *st)
{
	return atomic_load_explicit(&st->head, memory_order_acquire) ==
	       atomic_load_explicit(&st->tail, memory_order_relaxed);
}

/* Drains this CPU's stage separately: before boot_cpus_init() the mask of possible CPUs may not contain it. */
static void stages_drain(void)
{
	unsigned cpu;

	stage_drain(this_cpu_ptr(&log_stage));
	for_each_possible_cpu (cpu)
		if (!stage_empty(per_cpu_ptr(&log_stage, cpu)))
			stage_drain(per_cpu_ptr(&log_stage, cpu));
}

static bool stages_empty(void)
{
	unsigned cpu;

	for_each_possible_cpu (cpu)
		if (!stage_empty(per_cpu_ptr(&log_stage, cpu)))
			return false;
	return stage_empty(this_cpu_ptr(&log_stage));
}

/* Context: interrupts off. */
static void log_flush(void)
{
	do {
		if (!spin_trylock(&console_lock))
			return;
		stages_drain();
		log_show();
		spin_unlock(&console_lock);
	} while (!stages_empty());
}

/* Context: interrupts off. */
static void stage_put(const struct log_record *rec, const char *text)
{
	struct log_stage *st = this_cpu_ptr(&log_stage);
	u32 head = atomic_load_explicit(&st->head, memory_order_relaxed);
	u32 used = head - atomic_load_explicit(&st->tail, memory_order_acquire);
	u32 need = (u32)sizeof(*rec) + rec->len;

	if (used + need > STAGE_SIZE) {
		atomic_fetch_add_explicit(&st->lost, 1, memory_order_relaxed);
		return;
	}
	ring_put(st->bytes, STAGE_SIZE, head, rec, sizeof(*rec));
	ring_put(st->bytes, STAGE_SIZE, head + (u32)sizeof(*rec), text, rec->len);
	atomic_store_explicit(&st->head, head + need, memory_order_release);
}

void printk(enum log_level level, const char *fmt, ...)
{
	struct log_record rec = {.ns = arch_time_ns(), .level = level};
	char text[LOG_TEXT_MAX];
	unsigned long flags;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	rec.len = (u32)strlen(text);
	/* End the line with '\n', also if it was cut or has none. */
	if (!rec.len || text[rec.len - 1] != '\n') {
		rec.len = min(rec.len + 1, (u32)sizeof(text) - 1);
		text[rec.len - 1] = '\n';
	}

	flags = arch_irq_save();
	if (panicking) {
		log_put(&rec, text);
		log_show();
	} else {
		stage_put(&rec, text);
		log_flush();
	}
	arch_irq_restore(flags);
}

void printk_panic(void)
{
	if (panicking)
		return;
	panicking = true;
	/* A stopped CPU may hold the lock and have left a record incomplete. A panic accepts this risk. */
	stages_drain();
	log_show();
	if (!line_start)
		console_emit("\n", 1);
}

void console_hold(void)
{
	unsigned long flags;

	if (panicking)
		return;
	flags = spin_lock_irqsave(&console_lock);
	console_holds++;
	spin_unlock_irqrestore(&console_lock, flags);
}

void console_release(void)
{
	unsigned long flags;

	if (panicking)
		return;
	flags = spin_lock_irqsave(&console_lock);
	console_holds--;
	spin_unlock(&console_lock);
	log_flush();
	arch_irq_restore(flags);
}

void console_write(const char *s, size_t len)
{
	if (panicking) {
		console_emit(s, len);
		return;
	}
	/* No log line may get into the text, so the console is held. Interrupts are served between the chunks. */
	console_hold();
	while (len) {
		size_t n = min(len, (size_t)CONSOLE_CHUNK);
		unsigned long flags = spin_lock_irqsave(&console_lock);

		console_emit(s, n);
		spin_unlock_irqrestore(&console_lock, flags);
		s += n;
		len -= n;
	}
	console_release();
}

void console_printf(const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	console_write(text, min((size_t)len, sizeof(text) - 1));
}

bool console_is_held(void)
{
	return console_holds;
}

bool console_at_line_start(void)
{
	return line_start;
}

u64 console_log_lines(void)
{
	return lines_shown;
}

bool log_next_line(u64 *pos, char *buf)
{
	struct log_record rec;
	unsigned long flags;
	size_t len;
	bool found;

	flags = spin_lock_irqsave(&console_lock);
	found = log_get(pos, &rec, buf, &len);
	spin_unlock_irqrestore(&console_lock, flags);
	if (found)
		buf[len] = '\0';
	return found;
}

static int printk_set_loglevel(const char *value)
{
	u64 v;

	if (!value || parse_u64(value, &v) || v > LOG_DEBUG)
		return -EINVAL;
	console_loglevel = (int)v;
	return 0;
}
CMDLINE_OPT("loglevel", "a number from 0 to 7", printk_set_loglevel);
