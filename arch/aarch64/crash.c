/*
 * crash.c - ways to fall, on request: each ends in a report, a reset or silence, which the tests of the runner expect.
 *
 * Idea.       A report that has never been seen is not known to work.
 * Layout.     A table of kinds and what each does.
 * Invariants. None survive.
 * Locking.    None.
 * Failure.    That is the purpose. An unknown kind does nothing.
 * Next:       trap.c, where all but two of them arrive.
 */

#include "a64_internal.h"
#include <arch/irq.h>
#include <kernel/sections.h>
#include <kernel/string.h>

static void crash_null(void)
{
	volatile int *p = NULL;

	__asm__("" : "+r"(p)); /* or the compiler puts a trap here */
	*p = 0;
}

static void crash_write_text(void)
{
	*(volatile char *)__text_start = 0;
}

static void crash_exec_data(void)
{
	static volatile u32 ret = 0xd65f03c0; /* a return instruction, in .data */
	void (*fn)(void);

	*(void **)&fn = (void *)&ret;
	fn();
}

/* Recursion that the compiler cannot turn into a loop, and whose end (after 2^64 calls) it has to believe in. */
static __noinline unsigned long crash_recurse(volatile unsigned long *outer)
{
	volatile unsigned long frame[32];

	frame[0] = *outer + 1;
	if (frame[0] == 0)
		return 0;
	return crash_recurse(frame) + frame[0];
}

static void crash_guard(void)
{
	volatile unsigned long depth = 0;

	crash_recurse(&depth);
}

/* A fault inside of an exception whose stack is gone. */
static void crash_double_fault(void)
{
	__asm__ volatile("msr daifset, #15; msr spsel, #1; mov sp, %0; brk #0" ::"r"(0L) : "memory");
}

static void crash_reset(void)
{
	arch_reboot();
}

static void crash_hang(void)
{
	arch_irq_disable();
	for (;;)
		arch_cpu_relax();
}

void arch_crash(const char *kind)
{
	static const struct {
		const char *kind;
		void (*fall)(void);
	} way[] = {
		{"null", crash_null},	{"write-text", crash_write_text},    {"exec-data", crash_exec_data},
		{"guard", crash_guard}, {"doublefault", crash_double_fault}, {"reset", crash_reset},
		{"hang", crash_hang},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(way); i++)
		if (strcmp(way[i].kind, kind) == 0)
			way[i].fall();
}
