#ifndef ARCH_IMPL_RUN_H
#define ARCH_IMPL_RUN_H

/* The machine as a part of another program: a fuzzer. */

#include <stdbool.h>

/* What main() does: the options, memory, a CPU. Returns when the machine has ended without ending the process. */
int host_main(char **argv);
/* A panic ends in abort() instead of exit status 2: the fuzzer keeps the input that led to it. */
extern bool host_abort_on_panic;

#endif
