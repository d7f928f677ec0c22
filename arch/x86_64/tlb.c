/*
 * tlb.c - the full flush of this CPU.
 *
 * Idea.       A write of CR3 keeps global entries; a change of CR4.PGE drops everything, paging-structure
 *             caches included (Intel SDM vol. 3, 4.10.4.1).
 * Layout.     None.
 * Invariants. CR4.PGE has its former value afterwards.
 * Locking.    Interrupts off between the two writes: a handler would find PGE clear.
 * Failure.    A CPU without PGE has no global entries: CR3 does it.
 * Next:       mm/tlb.c.
 */

#include <arch/irq.h>
#include <arch/tlb.h>
#include <arch_impl/x86.h>

void arch_tlb_flush_all_local(void)
{
	unsigned long flags = arch_irq_save(), cr4 = x86_read_cr4();

	if (cr4 & X86_CR4_PGE) {
		x86_write_cr4(cr4 & ~(unsigned long)X86_CR4_PGE);
		x86_write_cr4(cr4);
	} else {
		x86_write_cr3(x86_read_cr3());
	}
	arch_irq_restore(flags);
}
