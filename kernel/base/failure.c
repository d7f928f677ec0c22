/*
 * failure.c - the cause of the last failure on each CPU.
 *
 * Idea.       NULL passes through many layers before a message is written. Each CPU counts its failures and keeps the cause
 *             of the last one, so a message of an upper layer can name the cause in a lower layer.
 * Layout.     last[0] for the main loop, last[1] for interrupts: { nr, cause }
 *
 *               mark = failure_mark()          nr = 7
 *               vmalloc()                      vmap_alloc() -> kmem_cache_alloc(): failslab injects a failure, nr = 8
 *               failure_since(mark)            nr differs from 7: "failslab injected a failure"
 *
 * Locking.    None: a CPU accesses only its own record, and no thread moves between CPUs.
 * Next:       fault.c, which notes the failures that it injects.
 */
#include <kernel/failure.h>

#include <arch/irq.h>
#include <kernel/percpu.h>

static DEFINE_PER_CPU(
	struct {
		unsigned long nr;
		const char *cause;
	},
	last[2]);

unsigned long failure_mark(void)
{
	return this_cpu_ptr(&last[arch_in_interrupt()])->nr;
}

void failure_note(const char *cause)
{
	this_cpu_ptr(&last[arch_in_interrupt()])->cause = cause;
	this_cpu_ptr(&last[arch_in_interrupt()])->nr++;
}

const char *failure_since(unsigned long mark)
{
	unsigned context = arch_in_interrupt();

	return this_cpu_ptr(&last[context])->nr == mark ? "cause unknown"
							: this_cpu_ptr(&last[context])->cause;
}
