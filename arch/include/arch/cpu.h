#ifndef ARCH_CPU_H
#define ARCH_CPU_H

#include <mm/types.h>

/* Dense or sparse id of the running CPU, below NR_CPUS. */
static inline unsigned arch_cpu_id(void);
/* The running CPU's id in the terms of firmware (x86: APIC id; AArch64: affinity fields of MPIDR). */
u64 arch_cpu_hw_id(void);
/* In a spin loop: let the other hardware thread (or the emulator) run. */
static inline void arch_cpu_relax(void);

/* Descriptor tables, protection features, handlers for every vector: from here each fault has a report. */
void arch_trap_init(void);

/* Sleep until an interrupt; called with interrupts off, returns with them on, and loses no wake-up in
 * between. */
void arch_idle(void);
/* Stop this CPU for ever, interrupts off. */
void arch_halt(void) __noreturn;
/* End the machine with this status (interface.md, section 5); halts if there is no way to. */
void arch_poweroff(unsigned status) __noreturn;
void arch_reboot(void) __noreturn;

/* Calls fn for each return address from the innermost frame outwards, until fn returns false. fp 0: the
 * caller's. */
void arch_backtrace(unsigned long fp, bool (*fn)(unsigned long pc, void *ctx), void *ctx);
/* Prints the registers of the trap that this CPU is in, or else those that are known here. For panics. */
void arch_print_trap_regs(void);

enum arch_access { ARCH_READ, ARCH_WRITE, ARCH_EXEC };
/*
 * Touch one byte at va with the fault caught: how a test proves a guard page or W^X. A write stores back what
 * is there. ARCH_EXEC jumps there: a return instruction, the bytes ARCH_RETURN_INSN. Returns 0, or -EFAULT.
 */
int arch_probe(vaddr_t va, enum arch_access access);
/* Reads n bytes, stopping at the first fault. Returns the number read. */
size_t arch_probe_read(void *dst, vaddr_t src, size_t n);

/* Physical addresses at or above this cannot be addressed. */
paddr_t arch_phys_limit(void);
/* For kernel/crash.c: an exception where none can be handled any more, and a reset that nobody asked for. */
void arch_crash_double_fault(void);
void arch_crash_reset(void);

/*
 * The port's name is ARCH_NAME. ARCH_BOOT_REFUSED_STATUS is how a boot ends that cannot be done with what the loader or
 * the command line gave: 2, as a panic, on a machine. One-line description for `version` and the boot log: */
const char *arch_cpu_name(void);

#include <arch_impl/cpu.h>
#endif
