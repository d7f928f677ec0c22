#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

/*
 * A fuzz target is a function of bytes; whatever they are, it must come back. What must hold besides is said with
 * FUZZ_CHECK. A pointer to each target's record goes into section `fuzz_targets`; fuzz.c finds it by name.
 */

#include <kernel/bug.h>
#include <kernel/types.h>

struct fuzz_target {
	const char *name;
	void (*run)(const u8 *data, size_t len);
};

#define FUZZ_TARGET(target_name, target_run)                                           \
	static const struct fuzz_target fuzz_##target_run = {target_name, target_run}; \
	static const struct fuzz_target *const fuzz_ptr_##target_run                   \
		__attribute__((section("fuzz_targets"), used)) = &fuzz_##target_run

extern const struct fuzz_target *const __start_fuzz_targets[], *const __stop_fuzz_targets[];

#define FUZZ_CHECK(cond, ...) BUG_ON(!(cond), __VA_ARGS__)

/* libFuzzer's own, of which no header tells; it calls run for every input and ends the process. */
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*run)(const u8 *data, size_t len));
/* The sanitizer's: options that hold unless ASAN_OPTIONS says otherwise. */
const char *__asan_default_options(void);

#endif
