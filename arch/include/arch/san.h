#ifndef ARCH_SAN_H
#define ARCH_SAN_H

/*
 * Marks for tools that check memory accesses: AddressSanitizer, Valgrind. In kernels the marks are empty functions, and
 * arguments without side effects cost nothing.
 *
 * A mark belongs to the address, not to the frame: a mark through the direct map does not cover an alias of the frame.
 * Marks have a granularity of 8 bytes. A range starts at a multiple of 8 and may end anywhere; the rest of its last 8
 * bytes must belong to the same owner. Memory without a mark is accessible. Memory of an unopened section must not be
 * marked.
 *
 *	void san_alloc(const void *p, unsigned long n);		accessible, contents undefined
 *	void san_reveal(const void *p, unsigned long n);	accessible, contents defined
 *	void san_free(const void *p, unsigned long n);		not accessible
 *	void san_touch(const void *p);				reads a byte, so the tool reports a second free
 *
 * Context: any; the caller owns the range. n may be 0.
 */
#include <arch_impl/san.h>
#endif
