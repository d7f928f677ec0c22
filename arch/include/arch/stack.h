#ifndef ARCH_STACK_H
#define ARCH_STACK_H

/* Stacks of the image. The page below each is a guard page: it belongs to the image and must stay unmapped. */

#include <arch/types.h>

/* Writes the addresses of at most max guard pages. Returns the number of guard pages. */
unsigned arch_guard_pages(vaddr_t *out, unsigned max);

/* Describes the n-th stack, n from 0. `used` is the largest depth in bytes that was ever reached. False: no such stack. */
struct arch_stack_info {
	const char *name;
	vaddr_t guard, start, end; /* the guard page is [guard, start), the stack [start, end) */
	size_t used;
};
bool arch_stack_info(unsigned n, struct arch_stack_info *info);

#endif
