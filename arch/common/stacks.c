/*
 * stacks.c - the stacks of each CPU, their high-water marks, and the frames on them.
 *
 * Idea.       A stack overflow must fault instead of writing into the neighbouring memory, so the page below each stack is
 *             not mapped. In the image these guard pages are left out of the mapping. The stacks of other CPUs are areas of
 *             the vmalloc window, which end in a guard page.
 * Layout.     arch_stack_kind[n]: the port's table. other_end[cpu][n]: end of the n-th stack of another CPU.
 * Invariants. Stacks start zeroed: the lowest nonzero word is the high-water mark. A backtrace follows frames upwards only
 *             within one stack, and at most FRAMES_MAX of them.
 * Locking.    The ends are written before the CPU runs. The marks are read while the stacks are in use.
 * Failure.    A backtrace ends at the first frame that is unreadable or out of order.
 * Next:       the port's stack.c.
 */
#include <arch/stacks.h>

#include <arch/cpu.h>
#include <arch/layout.h>
#include <arch/smp.h>
#include <arch/stack.h>
#include <kernel/cpumask.h>

enum { FRAMES_MAX = 4096 }; /* more than fit on a stack */

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

/* Numbers the stacks by CPU: all kinds of the first CPU that has stacks, then those of the next. */
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
		/*
		 * Within one stack each caller's frame lies above. From an exception's stack the chain leads to another
		 * stack, so a frame may also lie one stack size or more below.
		 */
		if (frame[0] <= fp && fp - frame[0] < arch_stack_kind[0].size)
			return;
		fp = frame[0];
	}
}
