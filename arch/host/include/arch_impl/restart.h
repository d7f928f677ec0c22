#ifndef ARCH_IMPL_RESTART_H
#define ARCH_IMPL_RESTART_H

/* RESTART("1b", "2b") in an asm statement: label 1 is the first instruction of a primitive, label 2 its commit. */

#include <kernel/types.h>

struct restart_range {
	u64 start, commit;
};
extern const struct restart_range __start_restart_table[], __stop_restart_table[];

/* Returns the range that contains pc, or NULL. */
const struct restart_range *host_restart_range(unsigned long pc);

#define RESTART(start, commit)                               \
	".pushsection restart_table, \"a\"\n\t.balign 8\n\t" \
	".quad " start ", " commit "\n\t.popsection\n\t"

#endif
