#ifndef ARCH_SAN_H
#define ARCH_SAN_H

/* Marks for address sanitizers: no-ops in kernels. p..p+n becomes usable, or must not be touched. */
#include <arch_impl/san.h>
#endif
