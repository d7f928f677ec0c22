#ifndef KERNEL_CMDLINE_H
#define KERNEL_CMDLINE_H

/*
 * The kernel command line: words separated by blanks, name or name=value; values may be quoted ("a b"). Options are
 * declared where they are used. Section `cmdline_opts` collects pointers to them, so `help` and the check for unknown
 * names need no second list. cmdline_init() parses the line once, before memblock exists, so a handler may only record
 * its value. Handlers run in the order of the words; a repeated option calls its handler again.
 */

#include <kernel/bootinfo.h>
#include <kernel/types.h>

struct cmdline_opt {
	const char *name;
	const char *expected; /* completes "expected ..." in a report, e.g. "on or off" */
	/* value is NULL for a bare word. Returns 0, or -EINVAL: then a report is printed and the default applies. */
	int (*set)(const char *value);
};

#define CMDLINE_OPT(opt_name, opt_expected, opt_set)                                               \
	static const struct cmdline_opt cmdline_opt_##opt_set = {opt_name, opt_expected, opt_set}; \
	static const struct cmdline_opt *const cmdline_ptr_##opt_set                               \
		__attribute__((section("cmdline_opts"), used)) = &cmdline_opt_##opt_set

extern const struct cmdline_opt *const __start_cmdline_opts[], *const __stop_cmdline_opts[];

/* Parses the loader's line. Unknown options and bad values are reported by name and ignored. */
void cmdline_init(const struct boot_info *bi);
/* Cuts text into words and applies them. Values point into text, so it must remain valid. */
void cmdline_parse(char *text);
/* Sets one option; value is NULL for a bare word. Returns 0, -ENOENT for an unknown name or -EINVAL for a bad value. */
int cmdline_set(const char *name, const char *value);
/* The complete line as the loader gave it. */
const char *cmdline_text(void);

/* For handlers: "on", "1" and the bare word set *out to true, "off" and "0" to false. Returns 0 or -EINVAL. */
int cmdline_bool(const char *value, bool *out);

#endif
