#ifndef MM_PT_INTERNAL_H
#define MM_PT_INTERNAL_H

/* Between pgtable.c (the walker), direct_map.c (the first mappings) and pt_check.c (which looks at all of them). */

#include <kernel/percpu.h>
#include <mm/pgtable.h>

/* The table of level 0 that a CPU worked on last. */
struct pt_hint {
	vaddr_t span; /* addresses of the table, shifted down; 0: none */
	pte_t *table;
};
DECLARE_PER_CPU(struct pt_hint, pt_hint);

/* An empty root that the walker works on from now on; not installed. */
void pt_set_root(void);
paddr_t pt_root(void);
/* pt_map(), adding the base pages that went to each level. */
int pt_map_counted(vaddr_t va, paddr_t pa, size_t size, pt_prot_t prot, unsigned max_level, gfp_t gfp,
		   unsigned long *pages_of_level);
/*
 * For pt_check.c. Context: the other CPUs are held.
 * Tables that are unlinked and wait for a grace period; each CPU's hint leads where a walk does; tables of memblock.
 */
void pt_for_each_dying(frame_fn fn, void *ctx);
bool pt_hints_sound(void);
unsigned long pt_boot_tables(void);
/* Calls fn for each table that is reachable and for each dying one, but for those of boot. */
void pt_for_each_table(frame_fn fn, void *ctx);
/* The direct map is exact and the image W^X, guard pages absent; NULL if sound. */
const char *direct_map_check(void);

#endif
