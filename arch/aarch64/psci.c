/*
 * psci.c - calls of firmware (PSCI): start a CPU, power off, reset.
 *
 * Idea.       A call is one instruction, HVC to the hypervisor or SMC to the secure monitor. Firmware's tables say which.
 * Layout.     SMC calling convention: x0 function and result, x1 to x3 arguments. The callee may change x4 to x17.
 * Failure.    No conduit, or one that turns out not to exist: A64_PSCI_NOT_SUPPORTED.
 * Source.     Arm DEN0022 (PSCI), DEN0028 (SMCCC 1.0; later versions preserve x4 to x17).
 * Next:       smp.c.
 */

#include "a64_internal.h"
#include <arch_impl/extable.h>

/* If no higher exception level handles the call, the instruction is undefined, and the fixup sets the result. */
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
	/* 32-bit functions return no upper half. The results of the others fit in 32 bits. */
	return (s32)x0;
}
