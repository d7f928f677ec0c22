/*
 * smp.c - the port's part of other CPUs: start, interrupt, stop.
 *
 * Idea.       After firmware every CPU but the boot CPU waits for a startup IPI. The boot CPU starts them one at a time,
 *             at a page below 1 MiB that contains ap_trampoline.S. The boot's tables lead the CPU to the image. There it
 *             switches to the final tables, its stack and its per-CPU areas.
 * Layout.     x86_ap: the values that the starting CPU needs
 * Invariants. S1  x86_ap belongs to one CPU: the next CPU is started after that one has read all of it, or INIT has sent it
 *                 back to waiting
 *             Only a panic sends an NMI.
 * Locking.    None: the boot CPU starts one CPU at a time and does nothing else with it before.
 * Failure.    -ENODEV: no APIC, an id that it cannot address, or no page below 1 MiB. -EIO: the CPU does not come.
 * Source.     Intel SDM vol. 3, 8.4; Linux arch/x86/kernel/smpboot.c. Linux omits the wait of 10 ms after INIT on Intel
 *             family 6 and AMD families from 15 on. This file omits it always; other CPUs get the second startup IPI.
 * Next:       kernel/base/smp.c.
 */
#include "x86_internal.h"
#include <arch/layout.h>
#include <arch/smp.h>
#include <arch/stacks.h>
#include <arch/stop.h>
#include <arch/time.h>
#include <arch_impl/ap.h>
#include <arch_impl/stack.h>
#include <kernel/bits.h>
#include <kernel/cpus.h>
#include <kernel/errno.h>
#include <kernel/percpu.h>
#include <kernel/string.h>
#include <stdatomic.h>

enum {
	SECOND_STARTUP_US = 200, /* the first startup IPI may be lost */
	START_LIMIT_US = 10000000,
};

struct x86_ap {
	u64 root, stack, percpu; /* read by ap_entry_high in entry.S */
	void (*entry)(void *arg);
	void *arg;
	_Atomic unsigned state; /* one compare-and-exchange decides: the CPU came, or the boot CPU gave up */
};
struct x86_ap x86_ap;
static_assert(offsetof(struct x86_ap, root) == X86_AP_ROOT &&
		      offsetof(struct x86_ap, stack) == X86_AP_STACK &&
		      offsetof(struct x86_ap, percpu) == X86_AP_PERCPU,
	      "entry.S knows these offsets");

enum ap_state { AP_WAITING, AP_TAKEN, AP_GIVEN_UP };

/* ---- start ---- */

paddr_t arch_start_page_limit(void)
{
	return MIB(1);
}

void x86_ap_main(void) __noreturn;
void x86_ap_main(void)
{
	void (*entry)(void *arg) = x86_ap.entry;
	void *arg = x86_ap.arg;
	unsigned waiting = AP_WAITING;

	if (!atomic_compare_exchange_strong(&x86_ap.state, &waiting, AP_TAKEN))
		arch_halt(); /* too late: the boot CPU sends INIT */
	x86_desc_init_cpu();
	x86_cpu_enable_features();
	x86_apic_init_cpu();
	entry(arg);
	arch_halt();
}

static bool wait_taken(u64 us)
{
	u64 limit = arch_time_ns() + us * 1000;

	while (atomic_load(&x86_ap.state) != AP_TAKEN) {
		if (arch_time_ns() > limit)
			return false;
		arch_cpu_relax();
	}
	return true;
}

int arch_cpu_start(unsigned cpu, const struct arch_cpu_memory *mem, void (*entry)(void *arg), void *arg)
{
	u32 id = (u32)cpu_info[cpu].hw_id;
	unsigned waiting = AP_WAITING;

	if (!mem->start_page || !x86_apic_reaches(id))
		return -ENODEV;
	*per_cpu_ptr(&x86_cpu_id, cpu) = cpu;
	arch_stacks_set(cpu, mem->stack_end);
	x86_ap = (struct x86_ap){
		.root = x86_read_cr3(),
		.stack = mem->stack_end[0],
		.percpu = percpu_offset[cpu],
		.entry = entry,
		.arg = arg,
	};
	memcpy((void *)(DIRECT_MAP_BASE + mem->start_page), x86_ap_trampoline,
	       (size_t)(x86_ap_trampoline_end - x86_ap_trampoline));
	x86_apic_send_init(id);
	x86_apic_send_startup(id, mem->start_page);
	if (!wait_taken(SECOND_STARTUP_US))
		x86_apic_send_startup(id, mem->start_page);
	if (wait_taken(START_LIMIT_US) ||
	    !atomic_compare_exchange_strong(&x86_ap.state, &waiting, AP_GIVEN_UP))
		return 0;
	x86_apic_send_init(id);
	wait_taken(SECOND_STARTUP_US); /* let INIT arrive before x86_ap is used for another CPU */
	arch_stacks_set(cpu, NULL);
	return -EIO;
}

/* ---- interrupts ---- */

void arch_ipi_send(const struct cpumask *cpus)
{
	unsigned cpu;

	for_each_cpu (cpu, cpus)
		x86_apic_send((u32)cpu_info[cpu].hw_id, X86_VEC_IPI);
}

void arch_stop_send(unsigned cpu)
{
	x86_apic_send_nmi((u32)cpu_info[cpu].hw_id);
}
