#ifndef ARCH_IMPL_PT_H
#define ARCH_IMPL_PT_H

/*
 * The format differs from every real machine's:
 * 63 .. 16 frame number | 15 .. 8 zero | 7 6 memory type | 5 local | 4 X  3 W  2 R | 1 0 kind
 */
enum {
	HOST_PTE_KIND = 3,
	HOST_PTE_TABLE = 1,
	HOST_PTE_LEAF = 2,
	HOST_PTE_PROT_SHIFT = 2, /* PT_READ, PT_WRITE, PT_EXEC, shifted */
	HOST_PTE_PROT = 7 << HOST_PTE_PROT_SHIFT,
	HOST_PTE_LOCAL = 1 << 5,
	HOST_PTE_UNCACHED = 1 << 6,
	HOST_PTE_DEVICE = 1 << 7,
	HOST_PTE_PFN_SHIFT = 16,
	HOST_MAX_LEAF_SHIFT = 30, /* 1 GiB, as on machines, or the largest leaf below it */
};

static inline unsigned arch_pt_levels(void)
{
	return host_layout.levels;
}

static inline unsigned arch_va_bits(void)
{
	return PAGE_SHIFT + arch_pt_levels() * PT_INDEX_BITS;
}

/* A process has only the lower half of the address space: the image, then the windows. */
static inline vaddr_t arch_kernel_start(void)
{
	return HOST_IMAGE_BASE;
}

static inline bool arch_pt_covers(vaddr_t va)
{
	(void)va;
	return true;
}

static inline pte_t arch_pte_read(const pte_t *slot)
{
	/* The next table's address depends on this load, so relaxed order would do; ThreadSanitizer needs an acquire. */
	return (pte_t){__atomic_load_n(&slot->bits, __ATOMIC_ACQUIRE)};
}

static inline void arch_pte_write(pte_t *slot, pte_t e)
{
	__atomic_store_n(&slot->bits, e.bits, __ATOMIC_RELEASE);
}

static inline pte_t arch_pte_clear(pte_t *slot)
{
	return (pte_t){__atomic_exchange_n(&slot->bits, 0, __ATOMIC_ACQ_REL)};
}

static inline void arch_pt_sync(void)
{
	__asm__ volatile("" ::: "memory");
}

static inline bool arch_pte_present(pte_t e)
{
	return e.bits & HOST_PTE_KIND;
}

static inline bool arch_pte_is_leaf(pte_t e, unsigned level)
{
	return level == 0 || (e.bits & HOST_PTE_KIND) == HOST_PTE_LEAF;
}

static inline bool arch_pt_leaf_ok(unsigned level)
{
	return PT_LEVEL_SHIFT(level) <= HOST_MAX_LEAF_SHIFT;
}

static inline paddr_t arch_pte_paddr(pte_t e, unsigned level)
{
	(void)level;
	return e.bits >> HOST_PTE_PFN_SHIFT << PAGE_SHIFT;
}

static inline pt_prot_t arch_pte_prot(pte_t e, unsigned level)
{
	pt_prot_t prot = (e.bits & HOST_PTE_PROT) >> HOST_PTE_PROT_SHIFT;

	(void)level;
	if (e.bits & HOST_PTE_UNCACHED)
		prot |= PT_UNCACHED;
	if (e.bits & HOST_PTE_DEVICE)
		prot |= PT_DEVICE;
	if (e.bits & HOST_PTE_LOCAL)
		prot |= PT_LOCAL;
	return prot;
}

static inline u64 arch_pte_attributes(pte_t e, unsigned level)
{
	(void)level;
	return e.bits & ((1UL << HOST_PTE_PFN_SHIFT) - 1);
}

static inline pte_t arch_pte_with(pte_t leaf, paddr_t pa)
{
	return (pte_t){leaf.bits | pa >> PAGE_SHIFT << HOST_PTE_PFN_SHIFT};
}

static inline pte_t arch_pte_leaf(paddr_t pa, pt_prot_t prot, unsigned level)
{
	u64 bits = HOST_PTE_LEAF | (u64)(prot & (PT_RW | PT_EXEC)) << HOST_PTE_PROT_SHIFT;

	(void)level;
	if (prot & PT_DEVICE)
		bits |= HOST_PTE_DEVICE;
	else if (prot & PT_UNCACHED)
		bits |= HOST_PTE_UNCACHED;
	if (prot & PT_LOCAL)
		bits |= HOST_PTE_LOCAL;
	return arch_pte_with((pte_t){bits}, pa);
}

static inline pte_t arch_pte_table(paddr_t pa)
{
	return arch_pte_with((pte_t){HOST_PTE_TABLE}, pa);
}

static inline bool arch_pte_is_table(pte_t e, unsigned level)
{
	(void)level;
	return (e.bits & HOST_PTE_KIND) == HOST_PTE_TABLE;
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
