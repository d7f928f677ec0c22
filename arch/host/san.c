/*
 * san.c - functions that the sanitizers' runtimes call in the program.
 *
 * Idea.       A sanitizer's report ends the process like a panic: status 2, after the terminal has been restored. Its text
 *             names the faulting instruction by file and line, so a report of the kernel is not needed.
 * Layout.     The runtimes find these functions by name. Without a runtime they are not called.
 * Next:       arch_impl/san.h, the marks.
 */
#include "host_internal.h"

/* Declared here because the runtimes' headers are available in sanitizer builds only. */
const char *__asan_default_options(void) __attribute__((weak)); /* the fuzzers have their own */
const char *__ubsan_default_options(void);
const char *__tsan_default_options(void);
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

/* No leak detection: all of the memory belongs to the machine. */
const char *__asan_default_options(void)
{
	return "exitcode=2:detect_leaks=0";
}

const char *__ubsan_default_options(void)
{
	return "exitcode=2:print_stacktrace=1";
}

const char *__tsan_default_options(void)
{
	return "exitcode=2:halt_on_error=1";
}

void host_san_init(void)
{
	if (__sanitizer_set_death_callback)
		__sanitizer_set_death_callback(host_console_close);
}
