#ifndef ARCH_TYPES_H
#define ARCH_TYPES_H

/* Addresses, frame numbers and protections: the words of the contract. */

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
	/* memory type: one of these; write-back if none is given */
	PT_DEVICE = 8, /* uncached, strongly ordered */
	PT_UNCACHED = 16,
	PT_LOCAL = 32,	   /* one CPU alone uses it, and flushes it: no other CPU may hold a translation */
	PT_PERMANENT = 64, /* never changed or taken away: leaves may be marked as contiguous */
};
#define PT_RW (PT_READ | PT_WRITE)
#define PT_RX (PT_READ | PT_EXEC)
#define PT_MEMTYPE_MASK (PT_DEVICE | PT_UNCACHED)

#endif
