#ifndef ARCH_IMPL_EXTABLE_H
#define ARCH_IMPL_EXTABLE_H

/* EX_TABLE("1b", "2f") in an asm statement: if the instruction at label 1 faults, execution continues at label 2. */

#include <kernel/types.h>

struct ex_entry {
	u64 insn, fixup;
};
extern const struct ex_entry __start_ex_table[], __stop_ex_table[];

#define EX_TABLE(insn, fixup)                           \
	".pushsection ex_table, \"a\"\n\t.balign 8\n\t" \
	".quad " insn ", " fixup "\n\t.popsection\n\t"

#endif
