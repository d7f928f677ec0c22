#ifndef ARCH_SAN_H
#define ARCH_SAN_H

/*
 * Marks for what watches memory from outside (AddressSanitizer, Valgrind). All are empty in kernels, and arguments
 * without side effects cost nothing there.
 *
 * The mark is the address's, not the frame's: what is marked through the direct map is not through an alias of it.
 * Marks are kept for 8 bytes at a time. A range starts at a multiple of 8 and may end anywhere; the rest of its last 8
 * bytes belongs to the same owner. Memory that was never marked is usable; never mark what no section has opened.
 *
 *	void san_alloc(const void *p, unsigned long n);		usable, with contents that nobody has written
 *	void san_reveal(const void *p, unsigned long n);	usable, with the contents that it has
 *	void san_free(const void *p, unsigned long n);		not to be touched
 *	void san_touch(const void *p);				reads a byte, so that a second free is seen as one
 *
 * Context: any, by whoever owns the range. n may be 0.
 */
#include <arch_impl/san.h>
#endif
