#ifndef MM_TYPES_H
#define MM_TYPES_H

/* Types and numbers that all headers of mm/ share. */

#include <arch/types.h>

typedef u32 gfp_t; /* mm/gfp.h */

#define NUMA_NO_NODE (-1)
#define NUMA_INTERLEAVE (-2) /* for an allocation: nodes with memory in round-robin order */

#endif
