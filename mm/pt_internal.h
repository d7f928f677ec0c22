#ifndef MM_PT_INTERNAL_H
#define MM_PT_INTERNAL_H

/* Between pgtable.c (the walker) and direct_map.c (the first mappings). */

#include <mm/pgtable.h>

/* An empty root that the walker works on from now on; not installed. */
void pt_set_root(void);
paddr_t pt_root(void);
/* pt_map(), adding the base pages that went to each level. */
int pt_map_counted(vaddr_t va, paddr_t pa, size_t size, pt_prot_t prot, unsigned max_level, gfp_t gfp,
		   unsigned long *pages_of_level);
/* The direct map is exact and the image W^X, guard pages absent; NULL if sound. */
const char *direct_map_check(void);

#endif
