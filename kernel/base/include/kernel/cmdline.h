#ifndef KERNEL_CMDLINE_H
#define KERNEL_CMDLINE_H

/*
 * The kernel command line: words separated by blanks, name or name=value, values may be quoted ("a b").
 * Options are declared where they are used and collected in section `cmdline_opts` (pointers), so that `help`
 * and the check for unknown names need no second list. The line is parsed once, in cmdline_init(), before
 * memblock exists: a handler only records. Handlers run in the order of the words; a repeated option calls
 * its handler again.
 */

#include <kernel/bootinfo.h>
#include <kernel/types.h>

struct cmdline_opt {
	const char *name;
	const char *expected; /* completes "expected ..." in a report, e.g. "on or off" */
	/* value is NULL for a bare word. Returns 0, or -EINVAL: reported, the default stays. */
	int (*set)(const char *value);
};

#define CMDLINE_OPT(opt_name, opt_expected, opt_set)                                               \
	static const struct cmdline_opt cmdline_opt_##opt_set = {opt_name, opt_expected, opt_set}; \
	static const struct cmdline_opt *const cmdline_ptr_##opt_set                               \
		__attribute__((section("cmdline_opts"), used)) = &cmdline_opt_##opt_set

extern const struct cmdline_opt *const __start_cmdline_opts[], *const __stop_cmdline_opts[];

/* Reports unknown options and bad values by name; the run goes on. */
void cmdline_init(const struct boot_info *bi);
/* Cuts text into words and applies them; values point into it, so it has to stay. */
void cmdline_parse(char *text);
/* The whole line as the loader gave it. */
const char *cmdline_text(void);

/* For handlers: "on"/"off" (also 1/0, and the bare word as on) into *out. Returns 0 or -EINVAL. */
int cmdline_bool(const char *value, bool *out);

#endif
