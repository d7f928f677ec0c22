#ifndef ARCH_STACK_H
#define ARCH_STACK_H

/* The image's own stacks. Below each lies a guard page: part of the image, but to be left unmapped. */

#include <mm/types.h>

/* Addresses of the guard pages. Returns how many there are; at most max are written. */
unsigned arch_guard_pages(vaddr_t *out, unsigned max);

/* What the stacks are and how much of each was ever used, in bytes. n counts from 0; false: no such stack. */
struct arch_stack_info {
	const char *name;
	vaddr_t guard, start, end; /* the guard page is [guard, start), the stack [start, end) */
	size_t used;
};
bool arch_stack_info(unsigned n, struct arch_stack_info *info);

#endif
