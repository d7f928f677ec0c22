#ifndef ARCH_CPU_H
#define ARCH_CPU_H

#include <arch/types.h>

/* Id of the running CPU, below NR_CPUS. Ids need not be dense. */
static inline unsigned arch_cpu_id(void);
/* Firmware's id of the running CPU (x86: APIC id; AArch64: affinity fields of MPIDR). */
u64 arch_cpu_hw_id(void);
/* Hint in a spin loop: lets the other hardware thread (or the emulator) run. */
static inline void arch_cpu_relax(void);

/* Installs descriptor tables, protection features and a handler for each vector. From here on each fault is reported. */
void arch_trap_init(void);

/* Sleeps until an interrupt. The caller has interrupts off; they are on at return. No wake-up in between is lost. */
void arch_idle(void);
/* Stops this CPU for ever, interrupts off. */
void arch_halt(void) __noreturn;
/* Ends the machine with this exit status (kernel/README.md, section 5). Halts if the machine offers no way to end. */
void arch_poweroff(unsigned status) __noreturn;
/* Restarts the machine, or the process of the hosted build. Halts if the machine offers no way to restart. */
void arch_reboot(void) __noreturn;

/*
 * Calls fn for each return address, innermost frame first, until fn returns false. fp is the frame to start at; 0 starts at
 * the caller's.
 */
void arch_backtrace(unsigned long fp, bool (*fn)(unsigned long pc, void *ctx), void *ctx);
/* For panics: prints the registers of the innermost trap of this CPU, or the current ones outside of traps. */
void arch_print_trap_regs(void);

enum arch_access { ARCH_READ, ARCH_WRITE, ARCH_EXEC };
/*
 * Touches one byte at va and catches the fault. Tests prove guard pages and W^X with it. ARCH_WRITE stores the byte that is
 * there. ARCH_EXEC calls va, where a return instruction (the bytes ARCH_RETURN_INSN) must be. Returns 0 or -EFAULT.
 */
int arch_probe(vaddr_t va, enum arch_access access);
/* Copies n bytes from src and stops at the first fault. Returns the number of bytes copied. */
size_t arch_probe_read(void *dst, vaddr_t src, size_t n);

/* First physical address that the CPU cannot address. */
paddr_t arch_phys_limit(void);
/* For the command `crash`: raises an exception that cannot be handled on its own stack; resets the machine. */
void arch_crash_double_fault(void);
void arch_crash_reset(void);

/*
 * One-line description of the CPU, for `version` and the boot log. The port also defines ARCH_NAME, its name, and
 * ARCH_BOOT_REFUSED_STATUS, the exit status if boot input (loader, command line) is unusable: 2, as for a panic, on a
 * machine.
 */
const char *arch_cpu_name(void);

#include <arch_impl/cpu.h>
#endif
