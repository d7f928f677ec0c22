/*
 * san.c - what the sanitizers' runtimes ask of the program they watch.
 *
 * Idea.       A report of theirs is a panic to whoever started the process: status 2, after the terminal has been given
 *             back. Its text names the faulting instruction by file and line, so ours would add nothing.
 * Layout.     The functions that a runtime looks for by name; without that runtime nobody calls them.
 * Invariants. None.
 * Locking.    None: the runtime's.
 * Failure.    None.
 * Next:       arch_impl/san.h, the marks.
 */
#include "host_internal.h"

/* Declared here: the runtimes' headers are there in their own builds only. */
const char *__asan_default_options(void) __attribute__((weak)); /* the fuzzers have their own */
const char *__ubsan_default_options(void);
const char *__tsan_default_options(void);
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

/* All of its memory is the machine's: there is nothing that could leak. */
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
