#ifndef ARCH_IMPL_EXTABLE_H
#define ARCH_IMPL_EXTABLE_H

/*
 * Faults that the code expects. EX_TABLE("1b", "2f") inside an asm statement says: if the instruction at label 1 raises a
 * synchronous exception, go on at label 2.
 */

#include <kernel/types.h>

struct ex_entry {
	u64 insn, fixup;
};
extern const struct ex_entry __start_ex_table[], __stop_ex_table[];

#define EX_TABLE(insn, fixup)                           \
	".pushsection ex_table, \"a\"\n\t.balign 8\n\t" \
	".quad " insn ", " fixup "\n\t.popsection\n\t"

#endif
