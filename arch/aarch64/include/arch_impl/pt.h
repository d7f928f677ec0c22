#ifndef ARCH_IMPL_PT_H
#define ARCH_IMPL_PT_H

/*
 * Descriptors of VMSAv8-64, stage 1 (Arm ARM D8.3). Level 0 here is level 3 of the architecture. With 52-bit output
 * addresses the upper address bits lie in low bits of the descriptor: with LPA2, [51:50] in 9:8 (TCR.DS; shareability then
 * comes from TCR); with pages of 64 KiB, [51:48] in 15:12.
 */
#define A64_PTE_VALID (1UL << 0)
#define A64_PTE_TABLE (1UL << 1) /* at level 0 it marks a page and is always set */
#define A64_PTE_ATTR_SHIFT 2
#define A64_PTE_ATTR (7UL << A64_PTE_ATTR_SHIFT)
#define A64_PTE_USER (1UL << 6)
#define A64_PTE_RDONLY (1UL << 7)
#define A64_PTE_INNER (3UL << 8)
#define A64_PTE_AF (1UL << 10)
#define A64_PTE_NG (1UL << 11)
#define A64_PTE_DBM (1UL << 51)
#define A64_PTE_CONT (1UL << 52)
#define A64_PTE_PXN (1UL << 53)
#define A64_PTE_UXN (1UL << 54)
#define A64_TABLE_PXN (1UL << 59)
#define A64_TABLE_UXN (1UL << 60)

/* Attribute indices, as in Linux: byte numbers of MAIR_EL1. */
enum { A64_ATTR_NORMAL = 0, A64_ATTR_NC = 2, A64_ATTR_DEVICE = 3 };

#if CONFIG_PAGE_SHIFT == 16
#define A64_PTE_ADDR 0x0000ffffffff0000UL
#define A64_OA_HIGH_SHIFT 36
#define A64_OA_HIGH 0xf000UL
#else
#define A64_PTE_ADDR (0x0003ffffffffffffUL & ~((1UL << PAGE_SHIFT) - 1))
#define A64_OA_HIGH_SHIFT 42
#define A64_OA_HIGH 0x300UL
#endif

extern unsigned long a64_pte_oa_high; /* A64_OA_HIGH with 52-bit output addresses, else 0 */
extern unsigned long a64_pte_leaf;    /* bits of every leaf: valid, AF, UXN, and SH unless TCR holds it */
extern unsigned long a64_pte_dbm;     /* A64_PTE_DBM if the CPU manages dirty state, else 0 */

static inline unsigned arch_pt_levels(void)
{
	return a64_layout.levels;
}

/* One more than the input address size: bit va_bits selects one of two halves of 2^va_bits bytes. */
static inline unsigned arch_va_bits(void)
{
	return a64_layout.va_bits + 1;
}

static inline vaddr_t arch_kernel_start(void)
{
	return -1UL << a64_layout.va_bits;
}

/*
 * Addresses of the upper half, which TTBR1 translates. The root is indexed by bits that a lower address may share with a
 * kernel address, so lower addresses are excluded here.
 */
static inline bool arch_pt_covers(vaddr_t va)
{
	return va >= arch_kernel_start();
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

/*
 * DSB: the walkers of all CPUs see the stores. ISB: this CPU discards a fault that it detected speculatively, before the
 * stores (Arm ARM D8.2.6; Linux set_pte()).
 */
static inline void arch_pt_sync(void)
{
	__asm__ volatile("dsb ishst; isb" ::: "memory");
}

static inline bool arch_pte_present(pte_t e)
{
	return e.bits & A64_PTE_VALID;
}

static inline bool arch_pte_is_leaf(pte_t e, unsigned level)
{
	return level == 0 || !(e.bits & A64_PTE_TABLE);
}

/* With LPA2 or LPA, leaves of 512 GiB, 64 GiB and 4 TiB exist as well; they are larger than any memory here. */
static inline bool arch_pt_leaf_ok(unsigned level)
{
	return level <= (PAGE_SHIFT == 12 ? 2 : 1);
}

static inline paddr_t arch_pte_paddr(pte_t e, unsigned level)
{
	(void)level;
	return (e.bits & A64_PTE_ADDR) | (e.bits & a64_pte_oa_high) << A64_OA_HIGH_SHIFT;
}

/* Reports PT_WRITE if a store succeeds in the end: with DBM the CPU clears RDONLY at the first store. */
static inline pt_prot_t arch_pte_prot(pte_t e, unsigned level)
{
	unsigned attr = (unsigned)((e.bits & A64_PTE_ATTR) >> A64_PTE_ATTR_SHIFT);
	pt_prot_t prot = PT_READ;

	(void)level;
	if (!(e.bits & A64_PTE_RDONLY) || (e.bits & A64_PTE_DBM))
		prot |= PT_WRITE;
	if (!(e.bits & A64_PTE_PXN))
		prot |= PT_EXEC;
	if (attr == A64_ATTR_DEVICE)
		prot |= PT_DEVICE;
	else if (attr == A64_ATTR_NC)
		prot |= PT_UNCACHED;
	return prot;
}

static inline u64 a64_pte_addr(paddr_t pa)
{
	return (pa & A64_PTE_ADDR) | (pa >> A64_OA_HIGH_SHIFT & A64_OA_HIGH);
}

static inline u64 arch_pte_attributes(pte_t e, unsigned level)
{
	(void)level;
	return e.bits & ~(A64_PTE_ADDR | a64_pte_oa_high);
}

static inline pte_t arch_pte_with(pte_t leaf, paddr_t pa)
{
	return (pte_t){leaf.bits | a64_pte_addr(pa)};
}

static inline pte_t arch_pte_leaf(paddr_t pa, pt_prot_t prot, unsigned level)
{
	u64 bits = a64_pte_leaf;

	if (level == 0)
		bits |= A64_PTE_TABLE;
	bits |= prot & PT_WRITE ? a64_pte_dbm : A64_PTE_RDONLY;
	if (!(prot & PT_EXEC))
		bits |= A64_PTE_PXN;
	if (prot & PT_DEVICE)
		bits |= (u64)A64_ATTR_DEVICE << A64_PTE_ATTR_SHIFT;
	else if (prot & PT_UNCACHED)
		bits |= (u64)A64_ATTR_NC << A64_PTE_ATTR_SHIFT;
	return arch_pte_with((pte_t){bits}, pa);
}

/* UXN in the table entry: EL0 may execute nothing below it. */
static inline pte_t arch_pte_table(paddr_t pa)
{
	return (pte_t){a64_pte_addr(pa) | A64_PTE_VALID | A64_PTE_TABLE | A64_TABLE_UXN};
}

static inline bool arch_pte_is_table(pte_t e, unsigned level)
{
	return level > 0 && (e.bits & (A64_PTE_VALID | A64_PTE_TABLE)) == (A64_PTE_VALID | A64_PTE_TABLE);
}

/* 4 KiB pages: 16 entries. 16 KiB: 128 pages or 32 blocks. 64 KiB: 32 entries. */
static inline unsigned arch_pt_contig_entries(unsigned level)
{
	if (PAGE_SHIFT == 14)
		return level == 0 ? 128 : level == 1 ? 32 : 1;
	return level <= 1 || (PAGE_SHIFT == 12 && level == 2) ? (PAGE_SHIFT == 12 ? 16 : 32) : 1;
}

static inline pte_t arch_pte_contig(pte_t leaf)
{
	return (pte_t){leaf.bits | A64_PTE_CONT};
}

#endif
