/*
 * psci.c - calls of firmware: CPUs on, the machine off.
 *
 * Idea.       One instruction, to the hypervisor or to the secure monitor, as firmware's tables say.
 * Layout.     SMC calling convention: x0 function and result, x1 to x3 arguments; x4 to x17 may be lost.
 * Invariants. None.
 * Locking.    None.
 * Failure.    No conduit, or one that does not exist after all: PSCI_NOT_SUPPORTED.
 * Source.     Arm DEN0022 (PSCI), DEN0028 (SMCCC 1.0; later ones keep x4 to x17).
 * Next:       smp.c.
 */

#include "a64_internal.h"
#include <arch_impl/extable.h>

/* The instruction is undefined where there is nobody above us to take it. */
#define CALL(insn)                                                                                       \
	__asm__ volatile("1:	" insn " #0\n"                                                           \
			 "	b 3f\n"                                                                       \
			 "2:	mov x0, %4\n"                                                               \
			 "3:\n\t" EX_TABLE("1b", "2b")                                                   \
			 : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)                                        \
			 : "i"(A64_PSCI_NOT_SUPPORTED)                                                   \
			 : "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", \
			   "x16", "x17", "memory")

long a64_psci(u32 function, u64 a, u64 b, u64 c)
{
	register u64 x0 __asm__("x0") = function;
	register u64 x1 __asm__("x1") = a;
	register u64 x2 __asm__("x2") = b;
	register u64 x3 __asm__("x3") = c;

	switch (a64_dev.psci) {
	case BOOT_PSCI_HVC:
		CALL("hvc");
		break;
	case BOOT_PSCI_SMC:
		CALL("smc");
		break;
	default:
		return A64_PSCI_NOT_SUPPORTED;
	}
	return (s32)
		x0; /* the results of 32-bit functions have no upper half, those of the others need none */
}
