#ifndef MM_INIT_H
#define MM_INIT_H

/* The steps of boot that only kmain() calls (kernel/main.c), in its order. The other layers' steps are in their headers. */

#include <kernel/bootinfo.h>

/*
 * Builds the section maps and reserves all metadata. Context: boot, before zone_init(). Panics if
 * memory is short.
 */
void page_init(const struct boot_info *bi);

/*
 * Takes all memory from memblock: spans, counts, zonelists, watermarks. From now on the buddy owns
 * every free page.
 */
void zone_init(void);

/* Allocates the real per-CPU page lists. With page debugging the early ones stay. */
void pcp_init(void);

#endif
