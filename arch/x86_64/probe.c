/*
 * probe.c - accesses to memory that may not be mapped.
 *
 * Idea.       Each access is one instruction with an entry in the exception table. A fault continues at the entry's fixup
 *             instead of a panic. Probes of guard pages, backtraces and the dumps of a panic use these functions.
 * Invariants. A write stores the byte that is there.
 * Failure.    -EFAULT, or fewer bytes than requested.
 * Next:       arch/common/stacks.c, which walks stacks that may be damaged.
 */

#include "x86_internal.h"
#include <arch_impl/extable.h>
#include <kernel/errno.h>

static int probe_read_byte(vaddr_t va)
{
	int err = -EFAULT;
	u8 byte;

	__asm__ volatile("1:	movb (%2), %1\n\t"
			 "xorl %0, %0\n"
			 "2:\n\t" EX_TABLE("1b", "2b")
			 : "+r"(err), "=&q"(byte)
			 : "r"(va)
			 : "memory", "cc");
	return err;
}

static int probe_write_byte(vaddr_t va)
{
	int err = -EFAULT;

	__asm__ volatile("1:	lock orb $0, (%1)\n\t"
			 "xorl %0, %0\n"
			 "2:\n\t" EX_TABLE("1b", "2b")
			 : "+r"(err)
			 : "r"(va)
			 : "memory", "cc");
	return err;
}

int arch_probe(vaddr_t va, enum arch_access access)
{
	switch (access) {
	case ARCH_READ:
		return probe_read_byte(va);
	case ARCH_WRITE:
		return probe_write_byte(va);
	case ARCH_EXEC:
		return x86_probe_exec(va);
	}
	return -EINVAL;
}

size_t arch_probe_read(void *dst, vaddr_t src, size_t n)
{
	size_t left = n;

	/* If a fault interrupts REP, RCX holds the number of bytes not copied. */
	__asm__ volatile("1:	rep movsb\n"
			 "2:\n\t" EX_TABLE("1b", "2b")
			 : "+c"(left), "+S"(src), "+D"(dst)::"memory");
	return n - left;
}
