#ifndef MM_PGTABLE_H
#define MM_PGTABLE_H

/*
 * The kernel's page tables: one walker for three to five levels. Leaf entries belong to the owner of
 * the address range and need no lock. Installing and removing tables takes pt_lock. No function here
 * flushes a TLB, except pt_reclaim(). Before the owner of a range uses its frames or addresses again,
 * it flushes (mm/tlb.h).
 *
 * Addresses and sizes are bytes, multiples of PAGE_SIZE. Context of functions that change tables: main
 * loop or boot, interrupts on; no lock
 * of rank LOCK_PT or above held.
 */

#include <arch/pt.h>
#include <kernel/bootinfo.h>
#include <mm/gfp.h>
#include <mm/page.h>

/*
 * Maps [pa, pa + size) at va with the largest leaves that alignment, size and max_level allow. Returns
 * 0; -ENOMEM; -EEXIST if a part is mapped already. On an error the leaves that it wrote are cleared;
 * the owner flushes before it uses the range again.
 */
int pt_map(vaddr_t va, paddr_t pa, size_t size, pt_prot_t prot, unsigned max_level, gfp_t gfp);
/*
 * Maps nr pages at va with leaves of `level`. With level > 0, each leaf maps an aligned contiguous run
 * that pages[i] begins. Errors as pt_map().
 */
int pt_map_pages(vaddr_t va, struct page **pages, unsigned long nr, pt_prot_t prot, unsigned level,
		 gfp_t gfp);
/*
 * Clears every leaf in the range; absent ones are skipped. A leaf that the range covers partly is a
 * BUG. Does not flush.
 */
void pt_unmap(vaddr_t va, size_t size);
/*
 * Sets the protection of the leaves in the range, in place; memory types stay. Returns 0, or -EINVAL
 * with nothing changed if a leaf crosses a border of the range. Does not flush.
 */
int pt_protect(vaddr_t va, size_t size, pt_prot_t prot);
/* Returns how many bytes of the range are mapped. */
size_t pt_mapped_bytes(vaddr_t va, size_t size);

struct pt_query {
	bool mapped;
	unsigned level; /* level of the leaf, or of the absent entry */
	paddr_t pa;	/* physical address of va, offset included; 0 if not mapped */
	size_t size;	/* bytes that the leaf or the absent entry covers */
	pt_prot_t prot;
	pte_t entry;
};
/* Looks va up. Context: any. */
struct pt_query pt_lookup(vaddr_t va);
/*
 * Writes the entries of the walk, from the root down to the leaf or the absent entry, to step[].
 * Returns their number. For the command `pt`.
 */
struct pt_step {
	unsigned level, index;
	paddr_t table;
	pte_t entry;
};
unsigned pt_trace(vaddr_t va, struct pt_step step[ARCH_PT_MAX_LEVELS]);

/*
 * Calls fn for each maximal run of leaves in [start, last] with equal attributes and level, in
 * ascending order, until fn returns false. For the command `ptdump` and W^X checks.
 */
void pt_for_each_range(vaddr_t start, vaddr_t last,
		       bool (*fn)(vaddr_t start, vaddr_t last, pte_t e, unsigned level, void *ctx),
		       void *ctx);

/*
 * Allocates the tables for every entry of the range down to `level`, so later writes there cannot fail.
 * Returns 0, -ENOMEM, or -EEXIST if a larger leaf is in the way. Tables made before an error stay.
 */
int pt_populate(vaddr_t va, size_t size, unsigned level, gfp_t gfp);
/*
 * Returns the slot of va at `level`, NULL if a table above it is missing. For owners of a populated
 * range.
 */
pte_t *pt_slot(vaddr_t va, unsigned level);

/*
 * Unlinks the empty tables that lie entirely in the range, flushes the TLBs, and frees the tables after
 * a grace period. Returns their number. Waits for other CPUs.
 */
unsigned long pt_reclaim(vaddr_t va, size_t size);

/*
 * Boot: builds the direct map over memblock.memory and the image with W^X, then installs the new root.
 * Panics without memory.
 */
void pgtable_init(const struct boot_info *bi);
/*
 * Adds the tables allocated from memblock to MM_PAGETABLE. Called once, when per-CPU counters are
 * final.
 */
void pt_count_boot_tables(void);
/* Base pages of the direct map by level of their leaf, for meminfo's DirectMap lines. */
extern unsigned long direct_map_pages[ARCH_PT_MAX_LEVELS];

/*
 * Checks P1 to P6 and the direct map. Returns NULL, or the invariant that is broken. Context: the other
 * CPUs are held.
 */
const char *pt_check(void);

#endif
