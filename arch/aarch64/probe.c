/*
 * probe.c - accesses to memory that may not be mapped.
 *
 * Idea.       Each access is one instruction with an entry in the exception table. A fault continues at the entry's fixup
 *             instead of a panic. Probes of guard pages, backtraces and the dumps of a panic use these functions.
 * Invariants. A write stores the byte that is there.
 * Failure.    -EFAULT, or fewer bytes than requested.
 * Next:       arch/common/stacks.c, which walks stacks that may be damaged.
 */

#include "a64_internal.h"
#include <arch_impl/extable.h>
#include <kernel/errno.h>

static int probe_read_byte(vaddr_t va)
{
	int err = -EFAULT;
	u32 byte;

	__asm__ volatile("1:	ldrb %w1, [%2]\n\t"
			 "mov %w0, #0\n"
			 "2:\n\t" EX_TABLE("1b", "2b")
			 : "+r"(err), "=&r"(byte)
			 : "r"(va)
			 : "memory");
	return err;
}

static int probe_write_byte(vaddr_t va)
{
	int err = -EFAULT;
	u32 byte, busy;

	/* The load-exclusive needs read permission only; the store-exclusive probes for write permission. */
	__asm__ volatile("1:	ldxrb %w1, [%3]\n"
			 "2:	stxrb %w2, %w1, [%3]\n\t"
			 "cbnz %w2, 1b\n\t"
			 "mov %w0, #0\n"
			 "3:\n\t" EX_TABLE("1b", "3b") EX_TABLE("2b", "3b")
			 : "+r"(err), "=&r"(byte), "=&r"(busy)
			 : "r"(va)
			 : "memory");
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
		return a64_probe_exec(va);
	}
	return -EINVAL;
}

size_t arch_probe_read(void *dst, vaddr_t src, size_t n)
{
	size_t done = 0;
	u32 byte;

	__asm__ volatile("1:	cmp %0, %4\n\t"
			 "b.hs 3f\n"
			 "2:	ldrb %w1, [%3, %0]\n\t"
			 "strb %w1, [%2, %0]\n\t"
			 "add %0, %0, #1\n\t"
			 "b 1b\n"
			 "3:\n\t" EX_TABLE("2b", "3b")
			 : "+&r"(done), "=&r"(byte)
			 : "r"(dst), "r"(src), "r"(n)
			 : "memory", "cc");
	return done;
}
