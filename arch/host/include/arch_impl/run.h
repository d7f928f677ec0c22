#ifndef ARCH_IMPL_RUN_H
#define ARCH_IMPL_RUN_H

/* The machine as a part of another program: a fuzzer. */

#include <stdbool.h>

/* Parses the options, creates memory and a CPU. Returns if the machine has ended without ending the process. */
int host_main(char **argv);
/* If set, a panic calls abort() instead of exiting with status 2, so the fuzzer keeps the input. */
extern bool host_abort_on_panic;

#endif
