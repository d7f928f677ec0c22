/*
 * tlb.c - the full TLB flush of this CPU.
 *
 * Idea.       A write of CR3 keeps global entries. A change of CR4.PGE flushes everything, paging-structure caches included
 *             (Intel SDM vol. 3, 4.10.4.1).
 * Invariants. CR4 has its former value afterwards.
 * Locking.    Interrupts are off between the two writes, so no handler runs with PGE clear.
 * Failure.    A CPU without PGE has no global entries; a write of CR3 flushes all.
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
