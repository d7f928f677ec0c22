/*
 * panic.c - the report of a fatal error.
 *
 * Idea.       A panic prints what is wrong, where, and with which values. It adds registers, the state of the layers and a
 *             backtrace, and ends with status 2. It relies on as little as possible: it waits for no lock, and a fault in
 *             one part of the report does not hide the parts before it.
 * Layout.     BUG file:line function: text / registers / dumps of the layers / backtrace.
 * Invariants. Only the first panic prints a report, after it has stopped the other CPUs. A panic inside a panic prints one
 *             line and ends the machine. A panic on another CPU waits to be stopped.
 * Locking.    None; interrupts are off from the first instruction to the end.
 * Failure.    If a dump faults, the rest of the report is missing; the message has been printed.
 * Next:       ksyms.c, which turns addresses into names.
 */

#include <arch/cpu.h>
#include <arch/irq.h>
#include <arch/smp.h>
#include <kernel/bug.h>
#include <kernel/printk.h>
#include <kernel/spinlock.h>
#include <stdatomic.h>

enum { PANIC_STATUS = 2, MAX_DUMPS = 16, MESSAGE_SIZE = 512, TRACE_LINES_MAX = 64 };

bool boot_done;

static _Atomic unsigned panic_depth;
static _Atomic int panic_cpu = -1;
static void (*dumps[MAX_DUMPS])(void);
static unsigned nr_dumps;

void panic_register_dump(void (*dump)(void))
{
	BUG_ON(nr_dumps == MAX_DUMPS, "more than %d dumps", MAX_DUMPS);
	dumps[nr_dumps++] = dump;
}

static void (*describe_address)(unsigned long addr, char *buf, size_t size);

void panic_set_describe(void (*describe)(unsigned long addr, char *buf, size_t size))
{
	describe_address = describe;
}

void panic_describe(unsigned long addr, char *buf, size_t size)
{
	if (describe_address)
		describe_address(addr, buf, size);
	else
		snprintf(buf, size, "%pS", (void *)addr);
}

struct trace {
	unsigned long last;
	unsigned repeats, lines;
};

static void print_repeats(struct trace *trace)
{
	if (trace->repeats)
		console_printf("  ... the same, %u more times\n", trace->repeats);
	trace->repeats = 0;
}

/* Prints deep recursion as one line and a count, so that its caller is shown, too. */
static bool print_frame(unsigned long pc, void *ctx)
{
	struct trace *trace = ctx;

	if (pc == trace->last) {
		trace->repeats++;
		return true;
	}
	print_repeats(trace);
	trace->last = pc;
	/* pc - 1 lies in the call: the return address may be in the next function if the call was the last instruction. */
	console_printf("  [%016lx] %pS\n", pc, (void *)(pc - 1));
	return ++trace->lines < TRACE_LINES_MAX;
}

/* Prints the positions and backtraces of the stopped CPUs. */
static void print_stopped(void)
{
	unsigned cpu;

	for_each_online_cpu (cpu) {
		struct trace trace = {.lines = 1};
		struct arch_stopped at;

		if (cpu == arch_cpu_id() || !arch_cpu_stopped(cpu, &at))
			continue;
		console_printf("CPU %u was at%s%s:\n", cpu, at.masked ? ", with " : "", at.masked ?: "");
		console_printf("  [%016lx] %pS\n", at.pc, (void *)at.pc);
		if (at.fp)
			arch_backtrace(at.fp, print_frame, &trace);
		print_repeats(&trace);
		lock_print_held(cpu);
	}
}

/* The first CPU to arrive reports. Any other waits here to be stopped, before it overwrites the message in print. */
static void claim_report(void)
{
	int nobody = -1, me = (int)arch_cpu_id();

	arch_irq_disable();
	if (!atomic_compare_exchange_strong(&panic_cpu, &nobody, me) && nobody != me)
		for (;;)
			arch_cpu_relax();
}

static void report(const char *prefix, const char *message) __noreturn;
static void report(const char *prefix, const char *message)
{
	struct trace trace = {};
	unsigned depth;

	depth = atomic_fetch_add(&panic_depth, 1);
	if (depth == 1)
		console_printf("\npanic inside a panic: %s%s\n", prefix, message);
	if (depth)
		arch_poweroff(PANIC_STATUS);
	arch_cpus_stop();
	printk_panic();
	console_printf("%s%s\n", prefix, message);
	arch_print_trap_regs();
	lock_print_held(arch_cpu_id());
	for (unsigned i = 0; i < nr_dumps; i++)
		dumps[i]();
	console_printf("backtrace:\n");
	arch_backtrace(0, print_frame, &trace);
	print_repeats(&trace);
	print_stopped();
	console_printf("end of the report\n");
	arch_poweroff(PANIC_STATUS);
}

/* Claims the report and formats its message. A panic inside a panic overwrites the text; the outer one has printed it. */
static const char *claim_message(const char *fmt, va_list ap)
{
	static char message[MESSAGE_SIZE];

	claim_report();
	vsnprintf(message, sizeof(message), fmt, ap);
	return message;
}

void panic(const char *fmt, ...)
{
	const char *message;
	va_list ap;

	va_start(ap, fmt);
	message = claim_message(fmt, ap);
	va_end(ap);
	report("panic: ", message);
}

void boot_refused(const char *fmt, ...)
{
	const char *message;
	va_list ap;

	va_start(ap, fmt);
	message = claim_message(fmt, ap);
	va_end(ap);
	if (ARCH_BOOT_REFUSED_STATUS == PANIC_STATUS)
		report("panic: ", message);
	printk_panic();
	console_printf("strata: %s\n", message);
	arch_poweroff(ARCH_BOOT_REFUSED_STATUS);
}

void bug_at(const char *file, int line, const char *func, const char *fmt, ...)
{
	const char *message;
	char prefix[128];
	va_list ap;

	snprintf(prefix, sizeof(prefix), "BUG %s:%d %s: ", file, line, func);
	va_start(ap, fmt);
	message = claim_message(fmt, ap);
	va_end(ap);
	report(prefix, message);
}
