#ifndef ARCH_PT_H
#define ARCH_PT_H

/*
 * Page-table entries. Level 0 holds the page-sized leaves; level arch_pt_levels() - 1 is the root. The vendor's numbering
 * of levels stays inside arch/. Kernel leaves are created with Accessed and Dirty set, so hardware never writes an entry.
 */

#include <arch/layout.h>
#include <arch/types.h>

typedef struct {
	u64 bits;
} pte_t;

#define PT_LEVEL_SHIFT(level) (PAGE_SHIFT + (level)*PT_INDEX_BITS)
#define PT_LEVEL_SIZE(level) (1UL << PT_LEVEL_SHIFT(level))
#define PT_ENTRIES (1UL << PT_INDEX_BITS)
#define PT_INDEX(va, level) (((va) >> PT_LEVEL_SHIFT(level)) & (PT_ENTRIES - 1))

/* 3 to 5, fixed before kmain(). */
static inline unsigned arch_pt_levels(void);
/* Width of a virtual address. All bits above are copies of the highest of these. */
static inline unsigned arch_va_bits(void);
/* Lowest kernel address: all canonical addresses from here on belong to the kernel. */
static inline vaddr_t arch_kernel_start(void);
/* Whether the kernel's tables translate va. If false, the CPU does not consult them for va. */
static inline bool arch_pt_covers(vaddr_t va);
/* One access, which returns a whole entry even if another CPU writes it. */
static inline pte_t arch_pte_read(const pte_t *slot);
/* A release store: the contents of a new table are visible before the entry that points to it. */
static inline void arch_pte_write(pte_t *slot, pte_t e);
/* Clears the entry with an atomic exchange and returns the old one. */
static inline pte_t arch_pte_clear(pte_t *slot);
/* Makes a batch of writes visible to the table walkers. */
static inline void arch_pt_sync(void);
static inline bool arch_pte_present(pte_t e);
/* e is present. True: e maps memory; false: e points to a table of level - 1. */
static inline bool arch_pte_is_leaf(pte_t e, unsigned level);
/* Whether this machine supports leaves at this level. */
static inline bool arch_pt_leaf_ok(unsigned level);
/* Physical address of the memory that a present e maps, or of the table that it points to. */
static inline paddr_t arch_pte_paddr(pte_t e, unsigned level);
/* Protection and memory type of a leaf. */
static inline pt_prot_t arch_pte_prot(pte_t e, unsigned level);
/* All bits of a leaf except its address. */
static inline u64 arch_pte_attributes(pte_t e, unsigned level);
/* A kernel leaf for pa, which is a multiple of PT_LEVEL_SIZE(level). */
static inline pte_t arch_pte_leaf(paddr_t pa, pt_prot_t prot, unsigned level);
/* Adds address pa to a leaf that was built for physical address 0. */
static inline pte_t arch_pte_with(pte_t leaf, paddr_t pa);
/* An entry that points to the table at pa. */
static inline pte_t arch_pte_table(paddr_t pa);
/*
 * Number of adjacent, aligned leaves that may share one TLB entry if each carries the contiguous hint. 1: this level has no
 * such hint. arch_pte_contig() sets the hint.
 */
static inline unsigned arch_pt_contig_entries(unsigned level);
static inline pte_t arch_pte_contig(pte_t leaf);
/* Present and not a leaf. level > 0. */
static inline bool arch_pte_is_table(pte_t e, unsigned level);

/* One flag of an entry, in the vendor's words: `yes` is printed if it is set, else `no` (NULL: nothing). */
struct pte_column {
	bool set;
	const char *yes, *no;
};
enum { ARCH_PTE_COLUMNS_MAX = 12 };
/* Fills c[] in display order; the columns are the same for every entry. Returns their number. */
unsigned arch_pte_describe(pte_t e, unsigned level, struct pte_column c[ARCH_PTE_COLUMNS_MAX]);
/* Returns the n-th flag name of the entry ("RW", "NX", "GLB" ...), or NULL. For `pt` and `ptdump`. */
const char *arch_pte_flag(pte_t e, unsigned level, unsigned n);
/* Prints the flags in columns of fixed width. A column is blank if its flag has no word or the entry is not present. */
void arch_pte_columns(pte_t e, unsigned level, char *buf, size_t size);

/* Installs root as the kernel's page table on this CPU and flushes all translations that may be stale. */
void arch_pt_install(paddr_t root);
/* Physical address of the root table that this CPU uses for kernel addresses. */
paddr_t arch_pt_root(void);

#include <arch_impl/pt.h>
#endif
