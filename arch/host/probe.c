/*
 * probe.c - accesses to memory that may not be mapped, and backtraces over stacks that may be damaged.
 *
 * Idea.       Each access is one instruction with an entry in the exception table. A fault continues at the entry's fixup,
 *             in the signal handler. The accesses are assembly, which sanitizers do not instrument. Valgrind does; its
 *             reports are disabled around them.
 * Layout.     A frame: saved RBP at 0, return address at 8. The return address of a signal's frame lies in libc. The PC of
 *             the trap replaces it, so the backtrace shows the interrupted function.
 * Invariants. A backtrace follows frames upwards only within one stack, and at most FRAMES_MAX of them.
 * Failure.    -EFAULT, or fewer bytes than requested.
 * Next:       kernel/base/panic.c.
 */
#include "host_internal.h"
#include <arch/cpu.h>
#include <arch/layout.h>
#include <arch_impl/extable.h>
#include <arch_impl/stack.h>
#include <kernel/errno.h>

enum { FRAMES_MAX = 8192 };

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

static int probe(vaddr_t va, enum arch_access access)
{
	switch (access) {
	case ARCH_READ:
		return probe_read_byte(va);
	case ARCH_WRITE:
		return probe_write_byte(va);
	case ARCH_EXEC:
		/* In Valgrind a call of an address in the first page returns as if there were code. */
		return HOST_IN_VALGRIND && va < PAGE_SIZE ? -EFAULT : host_probe_exec(va);
	}
	return -EINVAL;
}

int arch_probe(vaddr_t va, enum arch_access access)
{
	int err;

	HOST_UNWATCHED_BEGIN;
	err = probe(va, access);
	HOST_UNWATCHED_END;
	return err;
}

/* Copies byte by byte: after a fault inside REP the registers differ between machines and Valgrind. */
size_t arch_probe_read(void *dst, vaddr_t src, size_t n)
{
	size_t done = 0;

	HOST_UNWATCHED_BEGIN;
	__asm__ volatile("jmp 3f\n"
			 "1:	movb (%1, %0), %%al\n\t"
			 "movb %%al, (%2, %0)\n\t"
			 "incq %0\n"
			 "3:	cmpq %3, %0\n\t"
			 "jne 1b\n"
			 "2:\n\t" EX_TABLE("1b", "2b")
			 : "+&r"(done)
			 : "r"(src), "r"(dst), "r"(n)
			 : "rax", "memory", "cc");
	HOST_UNWATCHED_END;
	/* Valgrind takes the bytes read as defined, also where the source was not. */
	host_tell(MAKE_MEM_DEFINED, dst, done);
	return done;
}

/* Whether fp lies on the fault stack of any CPU: the backtrace may be that of a stopped CPU. */
static bool on_fault_stack(unsigned long fp)
{
	for (unsigned cpu = 0; cpu < HOST_MAX_CPUS; cpu++) {
		const struct host_stacks *s = host_cpu_stacks(cpu);

		if (s && fp - (unsigned long)s->fault < HOST_FAULT_STACK_SIZE)
			return true;
	}
	return false;
}

void arch_backtrace(unsigned long fp, bool (*fn)(unsigned long pc, void *ctx), void *ctx)
{
	bool look_for_trap = !fp; /* this CPU's trap is no part of a chain that starts elsewhere */
	unsigned long frame[2] = {};

	if (!fp)
		fp = (unsigned long)__builtin_frame_address(0);
	for (unsigned n = 0; n < FRAMES_MAX; n++) {
		unsigned long pc;

		if (fp % 8 || arch_probe_read(frame, fp, sizeof(frame)) != sizeof(frame) || !frame[1])
			return;
		pc = look_for_trap ? host_interrupted_pc(frame[1]) : frame[1];
		look_for_trap &= pc == frame[1];
		if (!fn(pc, ctx) || !frame[0])
			return;
		/* Within one stack each caller's frame lies above. The fault stack lies above the other stack. */
		if (frame[0] <= fp && on_fault_stack(fp) == on_fault_stack(frame[0]))
			return;
		fp = frame[0];
	}
}
