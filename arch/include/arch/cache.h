#ifndef ARCH_CACHE_H
#define ARCH_CACHE_H

/* Run-time values; slab colouring asks here. */
unsigned arch_cache_line_bytes(void);
unsigned arch_l1d_way_bytes(void);

#endif
