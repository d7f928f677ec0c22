#ifndef ARCH_IMPL_PT_H
#define ARCH_IMPL_PT_H

/* Entry bits: Intel SDM vol. 3, 4.5 (4-level and 5-level paging); PAT: 4.9.2. */

enum {
	X86_PTE_P = 1 << 0,
	X86_PTE_RW = 1 << 1,
	X86_PTE_US = 1 << 2,
	X86_PTE_PWT = 1 << 3,
	X86_PTE_PCD = 1 << 4,
	X86_PTE_A = 1 << 5,
	X86_PTE_D = 1 << 6,
	X86_PTE_PS = 1 << 7,
	X86_PTE_G = 1 << 8,
};
#define X86_PTE_NX (1UL << 63)
#define X86_PTE_ADDR 0x000ffffffffff000UL

extern unsigned long x86_pte_nx;     /* X86_PTE_NX, or 0 on a CPU without it */
extern unsigned long x86_pte_global; /* X86_PTE_G, or 0 */
extern bool x86_has_1g;

static inline unsigned arch_pt_levels(void)
{
	return x86_layout.levels;
}

static inline unsigned arch_va_bits(void)
{
	return PAGE_SHIFT + arch_pt_levels() * PT_INDEX_BITS;
}

static inline vaddr_t arch_kernel_start(void)
{
	return -1UL << (arch_va_bits() - 1);
}

static inline bool arch_pt_covers(vaddr_t va)
{
	(void)va;
	return true;
}

static inline pte_t arch_pte_read(const pte_t *slot)
{
	return (pte_t){__atomic_load_n(&slot->bits, __ATOMIC_RELAXED)};
}

static inline void arch_pte_write(pte_t *slot, pte_t e)
{
	__atomic_store_n(&slot->bits, e.bits, __ATOMIC_RELEASE);
}

static inline pte_t arch_pte_clear(pte_t *slot)
{
	return (pte_t){__atomic_exchange_n(&slot->bits, 0, __ATOMIC_ACQ_REL)};
}

/* Table walks are coherent with stores. An entry that becomes present needs no flush (SDM vol. 3, 4.10.2.3). */
static inline void arch_pt_sync(void)
{
	__asm__ volatile("" ::: "memory");
}

static inline bool arch_pte_present(pte_t e)
{
	return e.bits & X86_PTE_P;
}

static inline bool arch_pte_is_leaf(pte_t e, unsigned level)
{
	return level == 0 || (e.bits & X86_PTE_PS);
}

static inline bool arch_pt_leaf_ok(unsigned level)
{
	return level <= 1 || (level == 2 && x86_has_1g);
}

/* Bit 12 of a large leaf is PAT and not part of the address. */
static inline paddr_t arch_pte_paddr(pte_t e, unsigned level)
{
	unsigned long mask = X86_PTE_ADDR;

	if (level > 0 && (e.bits & X86_PTE_PS))
		mask &= ~(PT_LEVEL_SIZE(level) - 1);
	return e.bits & mask;
}

static inline pt_prot_t arch_pte_prot(pte_t e, unsigned level)
{
	pt_prot_t prot = PT_READ;

	(void)level;
	if (e.bits & X86_PTE_RW)
		prot |= PT_WRITE;
	if (!(e.bits & X86_PTE_NX))
		prot |= PT_EXEC;
	if (e.bits & X86_PTE_PCD)
		prot |= e.bits & X86_PTE_PWT ? PT_DEVICE : PT_UNCACHED;
	return prot;
}

static inline u64 arch_pte_attributes(pte_t e, unsigned level)
{
	return e.bits & ~arch_pte_paddr(e, level);
}

static inline pte_t arch_pte_leaf(paddr_t pa, pt_prot_t prot, unsigned level)
{
	u64 bits = pa | X86_PTE_P | X86_PTE_A | X86_PTE_D | x86_pte_global;

	if (level > 0)
		bits |= X86_PTE_PS;
	if (prot & PT_WRITE)
		bits |= X86_PTE_RW;
	if (!(prot & PT_EXEC))
		bits |= x86_pte_nx;
	if (prot & PT_DEVICE)
		bits |= X86_PTE_PCD | X86_PTE_PWT;
	else if (prot & PT_UNCACHED)
		bits |= X86_PTE_PCD;
	return (pte_t){bits};
}

static inline pte_t arch_pte_with(pte_t leaf, paddr_t pa)
{
	return (pte_t){leaf.bits | pa};
}

static inline pte_t arch_pte_table(paddr_t pa)
{
	return (pte_t){pa | X86_PTE_P | X86_PTE_RW | X86_PTE_A | X86_PTE_D};
}

static inline bool arch_pte_is_table(pte_t e, unsigned level)
{
	(void)level;
	return (e.bits & (X86_PTE_P | X86_PTE_PS)) == X86_PTE_P;
}

static inline unsigned arch_pt_contig_entries(unsigned level)
{
	(void)level;
	return 1;
}

static inline pte_t arch_pte_contig(pte_t leaf)
{
	return leaf;
}

#endif
