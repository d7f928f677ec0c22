#ifndef ARCH_IMPL_START_H
#define ARCH_IMPL_START_H

/* What a CPU that is being started finds at the address in x0: offsets of struct a64_start, for entry.S. */
#define A64_START_MAIR 0
#define A64_START_TCR 8
#define A64_START_TTBR1 16
#define A64_START_SCTLR 24
#define A64_START_STACK 32     /* SP_EL0: what it runs on */
#define A64_START_EXC_STACK 40 /* SP_EL1: exceptions */
#define A64_START_PERCPU 48
#define A64_START_MAIN 56 /* called there */

#ifndef __ASSEMBLY__
#include <kernel/types.h>

struct a64_start {
	u64 mair, tcr, ttbr1, sctlr;
	u64 stack, exc_stack, percpu;
	void (*main)(void);
};
#endif

#endif
