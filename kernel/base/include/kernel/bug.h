#ifndef KERNEL_BUG_H
#define KERNEL_BUG_H

/*
 * What cannot be. A BUG prints file, line, function and values, the registers, a symbolised backtrace, then
 * ends the machine with status 2. BUG_ON is compiled in every build, so its condition must be O(1) and free
 * of side effects. MM_ASSERT is for debug builds (VARIANT=debug) only.
 */

#include <kernel/types.h>

/* Context: any, also NMI. Never returns: panics, and a panic inside a panic prints one line and ends. */
void bug_at(const char *file, int line, const char *func, const char *fmt, ...)
	__printf(4, 5) __noreturn __cold;
void panic(const char *fmt, ...) __printf(1, 2) __noreturn __cold;
/*
 * The kernel cannot boot with what it was given: too little memory, or options that take it away. On a machine that is
 * a panic. In the hosted build these are the process's arguments: a message and status 1.
 */
void boot_refused(const char *fmt, ...) __printf(1, 2) __noreturn __cold;
extern bool boot_done; /* the main loop runs */

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
 * Called by panic() after the message and before the registers are forgotten: prints state that explains the
 * report (held locks, the page or slab in question). One slot a layer; the hooks must not lock or allocate.
 */
void panic_register_dump(void (*dump)(void));

#endif
