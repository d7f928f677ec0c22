/*
 * cpu.c - properties of a CPU, and the end of the process.
 *
 * Idea.       A CPU is a thread (smp.c). libc reports the machine's cache geometry. Power-off exits with the status; reboot
 *             executes the same program again.
 * Invariants. The terminal is restored before the process ends.
 * Failure.    If libc does not know the cache sizes: lines of 64 bytes and ways of 4 KiB.
 * Next:       trap.c.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "host_internal.h"
#include <arch/cache.h>
#include <arch/cpu.h>
#include <arch/irq.h>
#include <arch/layout.h>
#include <arch/pcpu.h>
#include <arch_impl/run.h>
#include <kernel/bits.h>
#include <kernel/cpumask.h>
#include <kernel/printk.h>

__thread unsigned long host_percpu_base;
char **host_argv;

bool host_abort_on_panic;

enum { STATUS_BAD_INPUT = 1, STATUS_PANIC = 2, STATUS_RESET = 3 };

static void save_coverage(void)
{
	if (__llvm_profile_write_file)
		__llvm_profile_write_file();
}

/* Not exit(): it would wait for libc's locks, which an interrupted thread may hold. */
void host_exit(int status)
{
	save_coverage();
	_exit(status);
}

void host_die(const char *fmt, ...)
{
	char text[512];
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (write(STDERR_FILENO, text, min((size_t)len, sizeof(text) - 1)) < 0)
		host_exit(STATUS_BAD_INPUT);
	host_exit(STATUS_BAD_INPUT);
}

void arch_percpu_set(unsigned long offset)
{
	host_percpu_base = offset;
}

u64 arch_cpu_hw_id(void)
{
	return arch_cpu_id();
}

unsigned arch_cache_line_bytes(void)
{
	long line = sysconf(_SC_LEVEL1_DCACHE_LINESIZE);

	return line >= 16 && is_pow2((unsigned long)line) ? (unsigned)line : CACHE_LINE;
}

unsigned arch_l1d_way_bytes(void)
{
	long size = sysconf(_SC_LEVEL1_DCACHE_SIZE), ways = sysconf(_SC_LEVEL1_DCACHE_ASSOC);
	unsigned line = arch_cache_line_bytes();

	if (size <= 0 || ways <= 0 || size / ways < (long)line || (size / ways) % line)
		return 4096;
	return (unsigned)(size / ways);
}

const char *arch_cpu_name(void)
{
	return "a thread of a Linux process";
}

paddr_t arch_phys_limit(void)
{
	return DIRECT_MAP_SIZE;
}

void arch_halt(void)
{
	arch_irq_disable();
	/* A CPU that failed to come online leaves the console alone. */
	if (cpumask_test(&cpu_online_mask, arch_cpu_id()))
		host_console_close();
	for (;;)
		pause();
}

void arch_poweroff(unsigned status)
{
	host_console_close();
	if (status == STATUS_PANIC && host_abort_on_panic)
		abort();
	host_exit((int)status);
}

void arch_crash_reset(void)
{
	host_console_close();
	host_exit(STATUS_RESET);
}

void arch_crash_double_fault(void)
{
	__asm__ volatile("xorl %%esp, %%esp; pushq $0" ::: "memory");
}

void arch_reboot(void)
{
	host_console_close();
	save_coverage();
	execv("/proc/self/exe", host_argv);
	_exit(STATUS_RESET);
}
