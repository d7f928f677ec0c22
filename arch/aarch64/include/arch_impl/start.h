#ifndef ARCH_IMPL_START_H
#define ARCH_IMPL_START_H

/* x0 of a CPU that is being started points to struct a64_start. These are its offsets, for entry.S. */
#define A64_START_MAIR 0
#define A64_START_TCR 8
#define A64_START_TTBR1 16
#define A64_START_SCTLR 24
#define A64_START_STACK 32     /* SP_EL0: kernel stack */
#define A64_START_EXC_STACK 40 /* SP_EL1: exception stack */
#define A64_START_PERCPU 48
#define A64_START_MAIN 56 /* the C function to call */

#ifndef __ASSEMBLY__
#include <kernel/types.h>

struct a64_start {
	u64 mair, tcr, ttbr1, sctlr;
	u64 stack, exc_stack, percpu;
	void (*main)(void);
};
#endif

#endif
