/*
 * crash.c - crashes on request. Each ends in a report, a reset or a hang, which the tests of the runner expect.
 *
 * Idea.       Only a crash shows that the reports of a panic work.
 * Layout.     A table of kinds and their functions. The port implements those that need more than C.
 * Failure.    An unknown kind has no effect.
 * Next:       the port's trap.c, which handles all but two of them.
 */
#include <kernel/crash.h>

#include <arch/cpu.h>
#include <arch/irq.h>
#include <kernel/sections.h>
#include <kernel/string.h>

/* Not instrumented: the machine must notice the error, not a sanitizer. */
#define __crash __noinline __attribute__((no_sanitize("address", "undefined")))

static __crash void crash_null(void)
{
	volatile int *p = NULL;

	__asm__("" : "+r"(p)); /* hides NULL from the compiler, which would emit an undefined instruction */
	*p = 0;
}

static __crash void crash_write_text(void)
{
	*(volatile char *)__text_start = 0;
}

static __crash void crash_exec_data(void)
{
	static volatile u8 insn[] __aligned(8) = ARCH_RETURN_INSN; /* in .data */
	void (*fn)(void);

	*(void **)&fn = (void *)insn;
	fn();
}

/*
 * The addition after the call keeps the compiler from turning this recursion into a loop. The test for 0 is an end in
 * theory; a recursion without an end would be undefined.
 */
static __crash unsigned long crash_recurse(volatile unsigned long *outer)
{
	volatile unsigned long frame[32];

	frame[0] = *outer + 1;
	if (frame[0] == 0)
		return 0;
	return crash_recurse(frame) + frame[0];
}

static __crash void crash_guard(void)
{
	volatile unsigned long depth = 0;

	crash_recurse(&depth);
}

static void crash_hang(void)
{
	arch_irq_disable();
	for (;;)
		arch_cpu_relax();
}

void crash_machine(const char *kind)
{
	static const struct {
		const char *kind;
		void (*fall)(void);
	} way[] = {
		{"null", crash_null},	     {"write-text", crash_write_text},
		{"guard", crash_guard},	     {"exec-data", crash_exec_data},
		{"hang", crash_hang},	     {"doublefault", arch_crash_double_fault},
		{"reset", arch_crash_reset},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(way); i++)
		if (strcmp(way[i].kind, kind) == 0)
			way[i].fall();
}
