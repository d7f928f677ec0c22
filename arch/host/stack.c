/*
 * stack.c - a CPU's stack and the one for faults, with their guard pages.
 *
 * Idea.       The boot CPU's stacks are part of the image, as in a kernel. The final tables leave the page below each
 *             unmapped, so an overflow faults, and the fault is handled on the other stack. smp.c allocates the stacks of
 *             other CPUs.
 * Layout.     guard | boot stack | guard | fault stack. libc puts the thread's variables at the top of the boot stack.
 * Invariants. Stacks start zeroed: the lowest nonzero word is the high-water mark.
 * Next:       trap.c.
 */
#include "host_internal.h"
#include <arch/cpu.h>
#include <arch/stack.h>
#include <arch_impl/stack.h>
#include <kernel/bits.h>

struct host_stacks host_stacks __aligned(PAGE_SIZE);

/* Reads below the frames in use, even of a running CPU, so the checks of sanitizers are disabled. */
static __noinline __attribute__((no_sanitize("address", "thread"))) size_t used_bytes(vaddr_t start,
										      vaddr_t end)
{
	const volatile unsigned long *p = (const volatile unsigned long *)start;

	HOST_UNWATCHED_BEGIN;
	while ((vaddr_t)p < end && *p == 0)
		p++;
	HOST_UNWATCHED_END;
	return end - (vaddr_t)p;
}

/* Each running CPU has two stacks: n / 2 selects the CPU. */
bool arch_stack_info(unsigned n, struct arch_stack_info *info)
{
	static const char *const names[2][2] = {{"boot", "double fault"}, {"main loop", "double fault"}};
	struct host_stacks *s = NULL;
	unsigned cpu, nr = 0;

	for (cpu = 0; cpu < HOST_MAX_CPUS; cpu++)
		if ((s = host_cpu_stacks(cpu)) != NULL && nr++ == n / 2)
			break;
	if (cpu == HOST_MAX_CPUS)
		return false;
	*info = n % 2 ? (struct arch_stack_info){names[cpu != 0][1], (vaddr_t)s->fault_guard,
						 (vaddr_t)s->fault, (vaddr_t)s->fault + HOST_FAULT_STACK_SIZE,
						 0}
		      : (struct arch_stack_info){names[cpu != 0][0], (vaddr_t)s->boot_guard, (vaddr_t)s->boot,
						 (vaddr_t)s->boot + HOST_BOOT_STACK_SIZE, 0};
	info->used = used_bytes(info->start, info->end);
	return true;
}

unsigned arch_guard_pages(vaddr_t *out, unsigned max)
{
	if (max > 0)
		out[0] = (vaddr_t)host_stacks.boot_guard;
	if (max > 1)
		out[1] = (vaddr_t)host_stacks.fault_guard;
	return 2;
}
