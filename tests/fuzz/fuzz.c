/*
 * fuzz.c - libFuzzer as the machine's only user.
 *
 * Idea.       One binary holds the hosted kernel and every target; its name says which one runs: build/host-fuzz/fuzz-NAME
 *             takes libFuzzer's arguments, any other name is the hosted build as always. The machine boots once, and its
 *             first shell command, which no list shows, is the fuzzer: inputs come on the CPU's own stack, and a fault,
 *             a BUG or a sanitizer's report leaves the input behind.
 * Layout.     main() -> host_main() -> kmain() -> shell: `fuzz` -> libFuzzer -> one_input() for each input.
 * Invariants. The same input meets the same seed and the same memory.
 * Locking.    None.
 * Failure.    A panic is an abort(), which libFuzzer catches.
 * Next:       fuzz_multiboot2.c, and the other targets.
 */
#include "fuzz.h"

#include <arch_impl/run.h>

#include <kernel/printk.h>
#include <kernel/shell.h>
#include <kernel/string.h>

static const struct fuzz_target *target;
static int fuzzer_argc;
static char **fuzzer_argv;

/*
 * The address of the symbolizer's pipe is on a stack that a fork would share: tools/fuzz names the functions instead.
 * Leaks of the C library's heap are libFuzzer's own.
 */
const char *__asan_default_options(void)
{
	return "symbolize=0:detect_leaks=0";
}

static int one_input(const u8 *data, size_t len)
{
	target->run(data, len);
	return 0;
}

/* Once: an input of the shell's target may hold this command as well. */
static int cmd_fuzz(struct out *o, int argc, char **argv, bool json)
{
	static bool running;

	if (running || !target)
		return out_error(o, -1, "fuzz is a name of this program, not a command");
	running = true;
	console_loglevel = LOG_EMERG; /* inputs are meant to be complained about */
	return LLVMFuzzerRunDriver(&fuzzer_argc, &fuzzer_argv, one_input);
}
SHELL_CMD("fuzz", "", NULL, cmd_fuzz, NULL);

static const struct fuzz_target *find_target(const char *name)
{
	for (const struct fuzz_target *const *t = __start_fuzz_targets; t < __stop_fuzz_targets; t++)
		if (strcmp((*t)->name, name) == 0)
			return *t;
	return NULL;
}

int main(int argc, char **argv)
{
	static char *machine[] = {"strata", "--mem", "64M", "--cpus", "1",
				  "-c",	    "fuzz",  "--",  "seed=1", NULL};
	const char *slash = strrchr(argv[0], '/'), *name = slash ? slash + 1 : argv[0];

	if (strncmp(name, "fuzz-", 5) != 0)
		return host_main(argv);
	target = find_target(name + 5);
	if (!target) {
		console_printf("%s: no such target\n", name);
		return 1;
	}
	fuzzer_argc = argc;
	fuzzer_argv = argv;
	host_abort_on_panic = true;
	return host_main(machine);
}
