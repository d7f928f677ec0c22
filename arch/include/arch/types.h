#ifndef ARCH_TYPES_H
#define ARCH_TYPES_H

/* Types of addresses, frame numbers and protections. */

#include <kernel/types.h>

typedef unsigned long paddr_t; /* physical address, bytes */
typedef unsigned long vaddr_t; /* virtual address */
typedef unsigned long pfn_t;   /* physical frame number: paddr >> PAGE_SHIFT */

/* Protection is positive: 0 grants nothing. WRITE together with EXEC is a BUG. */
typedef u32 pt_prot_t;
enum {
	PT_READ = 1,
	PT_WRITE = 2,
	PT_EXEC = 4,
	/* memory type: at most one of the next two; neither: write-back */
	PT_DEVICE = 8, /* uncached, strongly ordered */
	PT_UNCACHED = 16,
	PT_LOCAL = 32,	   /* only one CPU uses and flushes it, so no other CPU holds a translation */
	PT_PERMANENT = 64, /* never changed or unmapped, so leaves may carry the contiguous hint */
};
#define PT_RW (PT_READ | PT_WRITE)
#define PT_RX (PT_READ | PT_EXEC)
#define PT_MEMTYPE_MASK (PT_DEVICE | PT_UNCACHED)

#endif
