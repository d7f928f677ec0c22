/*
 * cpu.c - detects and enables the features of this CPU; its name and cache geometry.
 *
 * Idea.       Protection features (NX, write protection, SMEP, SMAP, UMIP) are enabled if present and not required
 *             otherwise. Bits of page-table entries that depend on a feature are variables.
 * Layout.     Control registers: entry.S sets CR0.WP; this file sets CR4.PGE/SMEP/SMAP/UMIP and the PAT as in Linux.
 * Invariants. Index 0 of the PAT is write-back, so an entry without memory-type bits is ordinary memory.
 * Locking.    None: the boot CPU writes the variables. The other CPUs are alike and would compute the same values.
 * Failure.    Without cache information: lines of 64 bytes and ways of 4 KiB.
 * Next:       desc.c.
 */

#include "x86_internal.h"
#include <arch/cache.h>
#include <arch/irq.h>
#include <arch/pt.h>
#include <kernel/percpu.h>
#include <kernel/string.h>

unsigned long x86_pte_nx;
unsigned long x86_pte_global;
bool x86_has_1g;

DEFINE_PER_CPU(unsigned, x86_cpu_id);
DEFINE_PER_CPU(unsigned long, x86_percpu_base);

static u32 max_leaf, max_ext_leaf;
static unsigned cache_line = 64, l1d_way = 4096;
static char cpu_name[49];

enum {
	L1_EDX_PGE = 1 << 13,
	L1_EDX_PAT = 1 << 16,
	L7_EBX_SMEP = 1 << 7,
	L7_EBX_SMAP = 1 << 20,
	L7_ECX_UMIP = 1 << 2,
	EXT1_EDX_NX = 1 << 20,
	EXT1_EDX_1G = 1 << 26,
};

/* Indices 0 to 7: WB, WC, UC-, UC, WB, WP, UC-, WT, as in Linux. PT_UNCACHED (PCD) and PT_DEVICE (PCD|PWT) rely on it. */
#define PAT_LINUX 0x0407050600070106UL

void arch_percpu_set(unsigned long offset)
{
	x86_wrmsr(X86_MSR_GS_BASE, offset);
	this_cpu(x86_percpu_base) = offset;
}

void x86_cpu_enable_features(void)
{
	struct cpuid l1 = x86_cpuid(1, 0), ext = {}, l7 = {};
	unsigned long cr4 = x86_read_cr4();

	if (max_leaf >= 7)
		l7 = x86_cpuid(7, 0);
	if (max_ext_leaf >= 0x80000001)
		ext = x86_cpuid(0x80000001, 0);

	if (ext.edx & EXT1_EDX_NX)
		x86_pte_nx = X86_PTE_NX;
	x86_has_1g = ext.edx & EXT1_EDX_1G;
	if (l1.edx & L1_EDX_PGE) {
		x86_pte_global = X86_PTE_G;
		cr4 |= X86_CR4_PGE;
	}
	if (l7.ebx & L7_EBX_SMEP)
		cr4 |= X86_CR4_SMEP;
	if (l7.ebx & L7_EBX_SMAP)
		cr4 |= X86_CR4_SMAP;
	if (l7.ecx & L7_ECX_UMIP)
		cr4 |= X86_CR4_UMIP;
	if (l1.edx & L1_EDX_PAT)
		x86_wrmsr(X86_MSR_PAT, PAT_LINUX);
	x86_write_cr4(cr4);
}

/* Uses the deterministic cache parameters (leaf 4, Intel SDM vol. 2), else AMD's L1 leaf (APM vol. 3, E.4.4). */
static void cache_detect(void)
{
	for (u32 sub = 0; max_leaf >= 4 && sub < 16; sub++) {
		struct cpuid c = x86_cpuid(4, sub);
		unsigned type = c.eax & 31, level = c.eax >> 5 & 7;

		if (type == 0)
			break;
		if (level == 1 && (type == 1 || type == 3)) {
			cache_line = (c.ebx & 0xfff) + 1;
			l1d_way = cache_line * ((c.ebx >> 12 & 0x3ff) + 1) * (c.ecx + 1);
			return;
		}
	}
	if (max_ext_leaf >= 0x80000005) {
		u32 l1d = x86_cpuid(0x80000005, 0).ecx;
		unsigned line = l1d & 0xff, ways = l1d >> 16 & 0xff, kib = l1d >> 24;

		if (line && ways && kib) {
			cache_line = line;
			l1d_way = ways == 0xff ? line : kib * 1024 / ways; /* 0xff: fully associative */
		}
	}
}

static void name_detect(void)
{
	struct cpuid part;
	char *p = cpu_name, *end;

	if (max_ext_leaf < 0x80000004) {
		part = x86_cpuid(0, 0);
		memcpy(cpu_name, &part.ebx, 4);
		memcpy(cpu_name + 4, &part.edx, 4);
		memcpy(cpu_name + 8, &part.ecx, 4);
		return;
	}
	for (u32 i = 0; i < 3; i++) {
		part = x86_cpuid(0x80000002 + i, 0);
		memcpy(cpu_name + i * sizeof(part), &part, sizeof(part));
	}
	while (*p == ' ')
		p++;
	memmove(cpu_name, p, strlen(p) + 1);
	for (end = cpu_name + strlen(cpu_name); end > cpu_name && end[-1] == ' ';)
		*--end = '\0';
}

void x86_cpu_init(void)
{
	max_leaf = x86_cpuid(0, 0).eax;
	max_ext_leaf = x86_cpuid(0x80000000, 0).eax;
	x86_cpu_enable_features();
	cache_detect();
	name_detect();
}

u64 arch_cpu_hw_id(void)
{
	return max_leaf >= 0xb && x86_cpuid(0xb, 0).ebx ? x86_cpuid(0xb, 0).edx : x86_cpuid(1, 0).ebx >> 24;
}

unsigned arch_cache_line_bytes(void)
{
	return cache_line;
}

unsigned arch_l1d_way_bytes(void)
{
	return l1d_way;
}

const char *arch_cpu_name(void)
{
	return cpu_name;
}

paddr_t arch_phys_limit(void)
{
	unsigned bits = max_ext_leaf >= 0x80000008 ? x86_cpuid(0x80000008, 0).eax & 0xff : 36;

	return 1UL << clamp(bits, 32U, 52U);
}

/* STI takes effect after the next instruction, so no interrupt is taken between it and HLT. */
void arch_idle(void)
{
	__asm__ volatile("sti; hlt" ::: "memory");
}
