#ifndef ARCH_IMPL_SAN_H
#define ARCH_IMPL_SAN_H

#include <arch/san_none.h>

#endif
