/*
 * probe.c - touching memory that may not be there, and walking a stack that may be broken.
 *
 * Idea.       Each access is one instruction with an entry in the exception table: the fault goes to its
 *             fixup and not to a panic. Whoever must look at doubtful memory (a probe of a guard page, a
 *             backtrace, a dump in a panic) comes here.
 * Layout.     A frame: saved RBP at 0, return address at 8; traps build one too (trap.S).
 * Invariants. The chain of frames is followed upwards only within a stack, and at most FRAMES_MAX deep.
 * Locking.    None.
 * Failure.    -EFAULT, or fewer bytes than asked for.
 * Next:       kernel/panic.c.
 */

#include "x86_internal.h"
#include <arch_impl/extable.h>
#include <arch_impl/stack.h>
#include <kernel/errno.h>

enum { FRAMES_MAX = 4096 }; /* more than a stack holds */

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

	/* A fault inside REP leaves in RCX what is still to be copied. */
	__asm__ volatile("1:	rep movsb\n"
			 "2:\n\t" EX_TABLE("1b", "2b")
			 : "+c"(left), "+S"(src), "+D"(dst)::"memory");
	return n - left;
}

void arch_backtrace(unsigned long fp, bool (*fn)(unsigned long pc, void *ctx), void *ctx)
{
	unsigned long frame[2] = {};

	if (!fp)
		fp = (unsigned long)__builtin_frame_address(0);
	for (unsigned n = 0; n < FRAMES_MAX; n++) {
		if (fp % 8 || arch_probe_read(frame, fp, sizeof(frame)) != sizeof(frame) || !frame[1])
			return;
		if (!fn(frame[1], ctx) || !frame[0])
			return;
		/* Inside one stack frames lie ever higher; from an IST stack the chain leads to another stack. */
		if (frame[0] <= fp && fp - frame[0] < X86_BOOT_STACK_SIZE)
			return;
		fp = frame[0];
	}
}
