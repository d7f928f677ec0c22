#ifndef MM_PT_INTERNAL_H
#define MM_PT_INTERNAL_H

/* Shared by pgtable.c (the walker), direct_map.c (the first mappings) and pt_check.c (the checks). */

#include <kernel/percpu.h>
#include <mm/pgtable.h>

/* The level-0 table in which a CPU mapped or unmapped last. */
struct pt_hint {
	/* va >> PT_LEVEL_SHIFT(1) of the table's addresses; 0: no table */
	vaddr_t span;
	pte_t *table;
};
DECLARE_PER_CPU(struct pt_hint, pt_hint);

/*
 * Allocates an empty root. From now on the walker works on it; arch_pt_install() makes the CPU use it.
 */
void pt_set_root(void);
/* Physical address of the final root. */
paddr_t pt_root(void);
/* As pt_map(). Adds the base pages mapped at each level to pages_of_level[level], unless it is NULL. */
int pt_map_counted(vaddr_t va, paddr_t pa, size_t size, pt_prot_t prot, unsigned max_level, gfp_t gfp,
		   unsigned long *pages_of_level);
/* For pt_check.c. Context: the other CPUs are held (smp_hold()). */
/* Calls fn(pfn, 0, ctx) for each unlinked table that waits for a grace period. */
void pt_for_each_dying(frame_fn fn, void *ctx);
/* Returns whether each CPU's hint names the table that a walk finds. */
bool pt_hints_sound(void);
/* Calls fn for each table of the page allocator: those reachable from the root and the dying ones. */
void pt_for_each_table(frame_fn fn, void *ctx);
/* Checks D1 to D4. Returns NULL, or the invariant that is broken. */
const char *direct_map_check(void);

#endif
