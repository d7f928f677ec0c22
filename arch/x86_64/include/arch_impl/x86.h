#ifndef ARCH_IMPL_X86_H
#define ARCH_IMPL_X86_H

/* Registers and instructions of the CPU (Intel SDM vol. 3, chapter 2), private to this port. */

#define X86_CR0_PE 0x1
#define X86_CR0_ET 0x10
#define X86_CR0_NE 0x20
#define X86_CR0_WP 0x10000
#define X86_CR0_PG 0x80000000

#define X86_CR4_PAE 0x20
#define X86_CR4_PGE 0x80
#define X86_CR4_UMIP 0x800
#define X86_CR4_LA57 0x1000
#define X86_CR4_SMEP 0x100000
#define X86_CR4_SMAP 0x200000

#define X86_MSR_EFER 0xc0000080
#define X86_MSR_GS_BASE 0xc0000101
#define X86_MSR_PAT 0x277
#define X86_EFER_LME 0x100
#define X86_EFER_NXE 0x800

#define X86_EFLAGS_TF 0x100

#ifndef __ASSEMBLY__
#include <kernel/types.h>

struct cpuid {
	u32 eax, ebx, ecx, edx;
};

static inline struct cpuid x86_cpuid(u32 leaf, u32 sub)
{
	struct cpuid r;

	__asm__ volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(sub));
	return r;
}

static inline u64 x86_rdmsr(u32 msr)
{
	u32 lo, hi;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return (u64)hi << 32 | lo;
}

static inline void x86_wrmsr(u32 msr, u64 v)
{
	__asm__ volatile("wrmsr" ::"c"(msr), "a"((u32)v), "d"((u32)(v >> 32)) : "memory");
}

static inline void x86_outb(u16 port, u8 v)
{
	__asm__ volatile("outb %0, %1" ::"a"(v), "Nd"(port));
}

static inline void x86_outw(u16 port, u16 v)
{
	__asm__ volatile("outw %0, %1" ::"a"(v), "Nd"(port));
}

static inline void x86_outl(u16 port, u32 v)
{
	__asm__ volatile("outl %0, %1" ::"a"(v), "Nd"(port));
}

static inline u32 x86_inl(u16 port)
{
	u32 v;

	__asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline u8 x86_inb(u16 port)
{
	u8 v;

	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

#define X86_CR_ACCESSORS(n)                                                 \
	static inline unsigned long x86_read_cr##n(void)                    \
	{                                                                   \
		unsigned long v;                                            \
		__asm__ volatile("mov %%cr" #n ", %0" : "=r"(v)::"memory"); \
		return v;                                                   \
	}                                                                   \
	static inline void x86_write_cr##n(unsigned long v)                 \
	{                                                                   \
		__asm__ volatile("mov %0, %%cr" #n ::"r"(v) : "memory");    \
	}
X86_CR_ACCESSORS(0)
X86_CR_ACCESSORS(2)
X86_CR_ACCESSORS(3)
X86_CR_ACCESSORS(4)
#endif

#endif
