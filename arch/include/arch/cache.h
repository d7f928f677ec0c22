#ifndef ARCH_CACHE_H
#define ARCH_CACHE_H

/* L1 data cache of the running machine: bytes of a line, bytes of a way. Slab colouring uses the line size. */
unsigned arch_cache_line_bytes(void);
unsigned arch_l1d_way_bytes(void);

#endif
