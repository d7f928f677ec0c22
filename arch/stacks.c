/*
 * stacks.c - which stacks each CPU has, how deep they were used, and the frames on them.
 *
 * Idea.       A stack that runs over must fault, not write into its neighbour: below each lies a page that is not mapped. In
 *             the image such pages are left out; another CPU's stacks are areas of the vmalloc window, each with a guard page
 *             at its end.
 * Layout.     arch_stack_kind[n]: the port's table; other_end[cpu][n]: where another CPU's lie
 * Invariants. Stacks start as zeros: the lowest word that is not zero is the high-water mark, and the whole stack below
 *             the mark is the canary. The chain of frames is followed upwards only within a stack, and at most FRAMES_MAX deep.
 * Locking.    Written before the CPU runs; the marks are read while the stacks are in use.
 * Failure.    A chain that leads nowhere ends.
 * Next:       the port's stack.c.
 */
#include <arch/stacks.h>

#include <arch/cpu.h>
#include <arch/layout.h>
#include <arch/smp.h>
#include <arch/stack.h>
#include <kernel/cpumask.h>

enum { FRAMES_MAX = 4096 }; /* more than a stack holds */

static vaddr_t other_end[NR_CPUS][ARCH_CPU_STACKS_MAX];

vaddr_t arch_stack_end(unsigned cpu, unsigned n)
{
	return cpu == 0 ? (vaddr_t)arch_stack_kind[n].boot_end : other_end[cpu][n];
}

void arch_stacks_set(unsigned cpu, const vaddr_t *end)
{
	for (unsigned n = 0; n < arch_nr_stack_kinds; n++)
		other_end[cpu][n] = end ? end[n] : 0;
}

size_t arch_cpu_stack_bytes(unsigned n)
{
	return n < arch_nr_stack_kinds ? arch_stack_kind[n].size : 0;
}

/* All kinds of each CPU that has them. */
bool arch_stack_info(unsigned n, struct arch_stack_info *info)
{
	unsigned cpu, nr = n / arch_nr_stack_kinds;
	const struct arch_stack_kind *kind = &arch_stack_kind[n % arch_nr_stack_kinds];
	const unsigned long *p;

	for (cpu = 0; cpu < NR_CPUS; cpu++)
		if (arch_stack_end(cpu, 0) && nr-- == 0)
			break;
	if (cpu == NR_CPUS)
		return false;
	info->name = cpu == 0 ? kind->boot_name : kind->other_name;
	info->end = arch_stack_end(cpu, n % arch_nr_stack_kinds);
	info->start = info->end - kind->size;
	info->guard = info->start - PAGE_SIZE;
	p = (const unsigned long *)info->start;
	while ((vaddr_t)p < info->end && *p == 0)
		p++;
	info->used = info->end - (vaddr_t)p;
	return true;
}

unsigned arch_guard_pages(vaddr_t *out, unsigned max)
{
	for (unsigned n = 0; n < arch_nr_stack_kinds && n < max; n++)
		out[n] = (vaddr_t)arch_stack_kind[n].boot_end - arch_stack_kind[n].size - PAGE_SIZE;
	return arch_nr_stack_kinds;
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
		/* Inside one stack frames lie ever higher; from an exception's stack the chain leads to another one. */
		if (frame[0] <= fp && fp - frame[0] < arch_stack_kind[0].size)
			return;
		fp = frame[0];
	}
}
