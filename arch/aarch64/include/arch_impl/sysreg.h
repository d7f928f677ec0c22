#ifndef ARCH_IMPL_SYSREG_H
#define ARCH_IMPL_SYSREG_H

/* System registers and their fields (Arm ARM D17), private to this port. */

#include <arch_impl/layout.h>

#define A64_SCTLR_M (1 << 0)
#define A64_SCTLR_C (1 << 2)
#define A64_SCTLR_SA (1 << 3)
#define A64_SCTLR_I (1 << 12)
#define A64_SCTLR_WXN (1 << 19)
#define A64_SCTLR_EL1_OFF 0x30d00800 /* the bits that were RES1 in ARMv8.0; MMU and caches off */
#define A64_SCTLR_EL2_OFF 0x30c50830
#define A64_SCTLR_ON (A64_SCTLR_EL1_OFF | A64_SCTLR_M | A64_SCTLR_C | A64_SCTLR_SA | A64_SCTLR_I)

#define A64_MAIR 0x000000040044ffff /* as in Linux: normal, (tagged), non-cacheable, nGnRnE, nGnRE */

#define A64_TCR_T0SZ(bits) (64 - (bits))
#define A64_TCR_T1SZ(bits) ((64 - (bits)) << 16)
#define A64_TCR_T1SZ_MASK (0x3f << 16)
#define A64_TCR_EPD0 (1 << 7)
#define A64_TCR_WB 0x05000500	 /* walks: write-back, allocate, in both halves */
#define A64_TCR_INNER 0x30003000 /* walks: Inner Shareable */
#define A64_TCR_IPS_SHIFT 32
#define A64_TCR_HA 0x8000000000
#define A64_TCR_HD 0x10000000000
#define A64_TCR_DS 0x800000000000000
#if CONFIG_PAGE_SHIFT == 12
#define A64_TCR_TG 0x80000000 /* TG1 and TG0 encode the granule differently */
#define A64_GRANULE_CODE 1    /* in the Image header and in TLBI by range */
#define A64_MMFR0_TGRAN_SHIFT 28
#elif CONFIG_PAGE_SHIFT == 14
#define A64_TCR_TG 0x40008000
#define A64_GRANULE_CODE 2
#define A64_MMFR0_TGRAN_SHIFT 20
#else
#define A64_TCR_TG 0xc0004000
#define A64_GRANULE_CODE 3
#define A64_MMFR0_TGRAN_SHIFT 24
#endif

#define A64_PAR_FAULT 1
#define A64_PAR_PA 0x000ffffffffff000
#define A64_PAR_ATTR_SHIFT 56 /* a byte in the format of MAIR */

#define A64_SPSR_EL1H 0x3c5 /* EL1, SP_EL1, all masked */

#ifndef __ASSEMBLY__
#define a64_read(reg)                                                   \
	({                                                              \
		unsigned long v_;                                       \
		__asm__ volatile("mrs %0, " #reg : "=r"(v_)::"memory"); \
		v_;                                                     \
	})
#define a64_write(reg, v) __asm__ volatile("msr " #reg ", %x0" ::"rZ"((unsigned long)(v)) : "memory")
#define a64_isb() __asm__ volatile("isb" ::: "memory")

/* A four-bit field of an ID register. */
#define a64_id_field(reg, shift) ((unsigned)(a64_read(reg) >> (shift)) & 15)
#endif

#endif
