#ifndef ARCH_PT_H
#define ARCH_PT_H

/*
 * Page-table entries. Level 0 holds the page-sized leaves, level arch_pt_levels() - 1 is the root; the
 * vendor's numbering stays inside arch/. Kernel leaves are made with Accessed and Dirty set, so hardware
 * never writes an entry.
 */

#include <arch/layout.h>
#include <mm/types.h>

typedef struct {
	u64 bits;
} pte_t;

#define PT_LEVEL_SHIFT(level) (PAGE_SHIFT + (level)*PT_INDEX_BITS)
#define PT_LEVEL_SIZE(level) (1UL << PT_LEVEL_SHIFT(level))
#define PT_ENTRIES (1UL << PT_INDEX_BITS)
#define PT_INDEX(va, level) (((va) >> PT_LEVEL_SHIFT(level)) & (PT_ENTRIES - 1))

static inline unsigned arch_pt_levels(void);   /* 3 to 5, fixed before kmain() */
static inline unsigned arch_va_bits(void);     /* an address's bits above are equal to the highest of these */
static inline vaddr_t arch_kernel_start(void); /* the kernel has every canonical address from here on */
static inline bool
arch_pt_covers(vaddr_t va); /* the kernel's tables speak of it; false: the CPU does not look there */
static inline pte_t arch_pte_read(const pte_t *slot);
static inline void arch_pte_write(pte_t *slot, pte_t e); /* release: the table it names is visible first */
static inline pte_t arch_pte_clear(pte_t *slot);	 /* atomic exchange; the old entry */
static inline void arch_pt_sync(void);			 /* after a batch of writes */
static inline bool arch_pte_present(pte_t e);
static inline bool arch_pte_is_leaf(pte_t e, unsigned level);
static inline bool arch_pt_leaf_ok(unsigned level); /* this machine has leaves at this level */
static inline paddr_t arch_pte_paddr(pte_t e, unsigned level);
static inline pt_prot_t arch_pte_prot(pte_t e, unsigned level);
static inline u64 arch_pte_attributes(pte_t e, unsigned level); /* all of a leaf but its address */
static inline pte_t arch_pte_leaf(paddr_t pa, pt_prot_t prot, unsigned level);
static inline pte_t arch_pte_with(pte_t leaf, paddr_t pa); /* leaf, made for frame 0, for pa instead */
static inline pte_t arch_pte_table(paddr_t pa);
/* Groups of so many leaves that lie together, aligned, may take one TLB entry if each says so; 1: no such thing. */
static inline unsigned arch_pt_contig_entries(unsigned level);
static inline pte_t arch_pte_contig(pte_t leaf);
static inline bool arch_pte_is_table(pte_t e, unsigned level); /* present and not a leaf; level > 0 */

/* A flag of an entry in the vendor's words: what is said when it is set, and when not (NULL: nothing). */
struct pte_column {
	bool set;
	const char *yes, *no;
};
enum { ARCH_PTE_COLUMNS_MAX = 12 };
/* Fills c[] in the order in which they are shown, always with the same columns. Returns how many. */
unsigned arch_pte_describe(pte_t e, unsigned level, struct pte_column c[ARCH_PTE_COLUMNS_MAX]);
/* The names of those that an entry has ("RW", "NX", "GLB" ...), nth, or NULL. For `pt` and `ptdump`. */
const char *arch_pte_flag(pte_t e, unsigned level, unsigned n);
/* The same in columns of fixed width, blank where a flag is not set or the entry not present. */
void arch_pte_columns(pte_t e, unsigned level, char *buf, size_t size);

/* Make root the kernel's tables on this CPU and flush all that could be stale. */
void arch_pt_install(paddr_t root);
paddr_t arch_pt_root(void);

#include <arch_impl/pt.h>
#endif
