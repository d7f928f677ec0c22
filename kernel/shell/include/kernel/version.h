#ifndef KERNEL_VERSION_H
#define KERNEL_VERSION_H

#define STRATA_VERSION "0.1"

#ifdef CONFIG_DEBUG
#define STRATA_VARIANT "debug"
#else
#define STRATA_VARIANT "release"
#endif

#ifdef __clang__
#define STRATA_COMPILER __VERSION__
#else
#define STRATA_COMPILER "gcc " __VERSION__
#endif

#endif
