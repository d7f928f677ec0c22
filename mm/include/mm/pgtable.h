#ifndef MM_PGTABLE_H
#define MM_PGTABLE_H

/*
 * The kernel's page tables: one walker for three to five levels. Leaf entries belong to whoever owns the
 * range of addresses and need no lock; installing and removing tables takes pt_lock. Nothing here flushes a
 * TLB: a range that was mapped before must be flushed by its owner (mm/tlb.h) before frame or address is used
 * again.
 */

#include <arch/pt.h>
#include <kernel/bootinfo.h>
#include <mm/gfp.h>
#include <mm/page.h>

/* A contiguous physical range; leaves as large as alignment, length and max_level allow. -EEXIST: something
 * is mapped. */
int pt_map(vaddr_t va, paddr_t pa, size_t size, pt_prot_t prot, unsigned max_level, gfp_t gfp);
/* Single pages, or runs of them as level-`level` leaves (pages[i] then starts an aligned contiguous run). */
int pt_map_pages(vaddr_t va, struct page **pages, unsigned long nr, pt_prot_t prot, unsigned level,
		 gfp_t gfp);
/* Clears every leaf in the range (absent ones are skipped). A leaf that the range covers partly is a BUG. No
 * flush. */
void pt_unmap(vaddr_t va, size_t size);
/* Changes the protection of what is mapped in the range, in place. No flush. -EINVAL: a leaf sticks out. */
int pt_protect(vaddr_t va, size_t size, pt_prot_t prot);
/* How much of the range is mapped. */
size_t pt_mapped_bytes(vaddr_t va, size_t size);

struct pt_query {
	bool mapped;
	unsigned level; /* of the leaf, or of the hole */
	paddr_t pa;	/* translation of the address itself, offset included */
	size_t size;	/* bytes that the leaf (or the hole's slot) covers */
	pt_prot_t prot;
	pte_t entry;
};
struct pt_query pt_lookup(vaddr_t va);
/* The entries from the root down to the leaf or the hole; returns how many. For `pt`. */
struct pt_step {
	unsigned level, index;
	paddr_t table;
	pte_t entry;
};
unsigned pt_trace(vaddr_t va, struct pt_step step[ARCH_PT_MAX_LEVELS]);

/* Calls fn for each maximal run of leaves with equal attributes and level; false stops. For `ptdump`, W^X
 * checks. */
void pt_for_each_range(vaddr_t start, vaddr_t last,
		       bool (*fn)(vaddr_t start, vaddr_t last, pte_t e, unsigned level, void *ctx),
		       void *ctx);

/* Tables for every entry down to `level` in the range exist afterwards (so that later writes there cannot
 * fail). */
int pt_populate(vaddr_t va, size_t size, unsigned level, gfp_t gfp);
/* The slot of va at that level, or NULL while a table above is missing. For owners of a populated range. */
pte_t *pt_slot(vaddr_t va, unsigned level);

/* Unlinks tables of the range that map nothing, flushes, gives them back after a grace period. Returns how
 * many. */
unsigned long pt_reclaim(vaddr_t va, size_t size);

/* Boot: the direct map over memblock.memory, the image W^X, its alias split; leaves the early tables. */
void pgtable_init(const struct boot_info *bi);
/* From now on MM_PAGETABLE holds the tables that memblock gave, too. Once, when per-CPU counters are final. */
void pt_count_boot_tables(void);
/* Base pages of the direct map by leaf level, for meminfo's DirectMap lines. */
extern unsigned long direct_map_pages[ARCH_PT_MAX_LEVELS];

/* Structure of all tables, no W+X leaf, the direct map exact; NULL if sound. */
const char *pt_check(void);

#endif
