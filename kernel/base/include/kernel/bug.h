#ifndef KERNEL_BUG_H
#define KERNEL_BUG_H

/*
 * Assertions. BUG prints file, line, function and values, the registers and a symbolised backtrace, then ends the machine
 * with status 2. BUG_ON is compiled in every build, so its condition must be O(1) and without side effects. MM_ASSERT
 * exists in debug builds (VARIANT=debug) only.
 */

#include <kernel/types.h>

/* Context: any, also NMI. Never returns. A panic inside a panic prints one line and ends the machine. */
void bug_at(const char *file, int line, const char *func, const char *fmt, ...)
	__printf(4, 5) __noreturn __cold;
void panic(const char *fmt, ...) __printf(1, 2) __noreturn __cold;
/*
 * The kernel cannot boot with its input: too little memory, or options that take it away. On a machine this is a panic. In
 * the hosted build the input is the process's arguments: a message and status 1.
 */
void boot_refused(const char *fmt, ...) __printf(1, 2) __noreturn __cold;
extern bool boot_done; /* the main loop is running */

#define BUG(...) bug_at(__FILE__, __LINE__, __func__, __VA_ARGS__)
#define BUG_ON(cond, ...)                 \
	do {                              \
		if (unlikely(cond))       \
			BUG(__VA_ARGS__); \
	} while (0)

#ifdef CONFIG_DEBUG
#define MM_ASSERT(cond) BUG_ON(!(cond), "assertion failed: %s", #cond)
#else
#define MM_ASSERT(cond) ((void)sizeof(!(cond)))
#endif

/*
 * Registers a function that panic() calls after the message and the registers. It prints state that explains the report
 * (held locks, the page or slab in question). One function for each layer; it must not lock or allocate.
 */
void panic_register_dump(void (*dump)(void));

#endif
