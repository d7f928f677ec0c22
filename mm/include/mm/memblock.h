#ifndef MM_MEMBLOCK_H
#define MM_MEMBLOCK_H

/*
 * Memory before there are pages. `memory` is what RAM there is (sanitised, page aligned), `reserved` what is
 * taken and by whom; free = memory minus reserved. Both are sorted arrays of disjoint half-open ranges;
 * neighbours that touch and agree in node, flags and name are merged. After memblock_hand_over() the arrays
 * stay readable and no longer change.
 */

#include <kernel/bootinfo.h>
#include <mm/numa.h>
#include <mm/types.h>

struct memblock_region {
	paddr_t start, end;
	int nid;	  /* memory: node, NUMA_NO_NODE until firmware said */
	const char *name; /* reserved: who; NULL in memory */
};

struct memblock_type {
	struct memblock_region *region;
	unsigned cnt, max;
	const char *what;
	paddr_t grown_at; /* where the array lies since it grew; 0: where it began */
};

/* No size bytes, aligned, begin in [lo, at) of a node's free memory. size 0: nothing is known. */
struct memblock_rover {
	size_t size, align;
	paddr_t lo, at;
};

struct memblock {
	struct memblock_type memory, reserved;
	bool may_grow; /* a full array is copied into free memory below memblock_limit, twice as long */
	bool handed_over;
	struct memblock_rover rover[MAX_NODES + 1]; /* by node; the last one of all memory */
};

extern struct memblock memblock; /* the kernel's; tests make their own */

/*
 * 0, or -ENOSPC when the array is full and cannot grow: nothing has changed then. What extends a region needs no
 * place. Empty and reversed ranges change nothing.
 */
int memblock_add(struct memblock *mb, paddr_t start, paddr_t end, int nid);
int memblock_remove(struct memblock *mb, paddr_t start, paddr_t end);
/* Overlaps with earlier reservations keep the earlier name. */
int memblock_reserve(struct memblock *mb, paddr_t start, paddr_t end, const char *name);
int memblock_free(struct memblock *mb, paddr_t start, paddr_t end);
/* The zones have it from here on. */
void memblock_hand_over(void);
/* The same after the hand-over, for adopt_reserved_page() only: the frames are pages now. */
int memblock_forget(struct memblock *mb, paddr_t start, paddr_t end);
/* The node of all memory in [start, end). */
int memblock_set_node(struct memblock *mb, paddr_t start, paddr_t end, int nid);

/* Writes how much of all memory is free below the limit: "20 KiB of 64 KiB are free below 0x8000". */
void memblock_describe_free(const struct memblock *mb, paddr_t limit, char *text, size_t size);
/* Shrinks each region of memory to multiples of align, a power of two; a region without any goes. */
void memblock_trim_memory(struct memblock *mb, size_t align);
/* Whether [start, end) and a region of that array have a byte in common. */
bool memblock_overlaps_region(const struct memblock_type *t, paddr_t start, paddr_t end);
/* Index of the first region of memory that ends above pa; memory.cnt: none. */
unsigned memblock_first_memory(const struct memblock *mb, paddr_t pa);
/* Makes sure that a few reservations can still be split after the hand-over. False: there is no memory for that. */
bool memblock_keep_room(struct memblock *mb);

/*
 * size bytes at an align-ed place inside [min, max), highest first, on node nid if it has any (NUMA_NO_NODE:
 * anywhere). Returns the physical address, never 0; 0: nothing fits. The memory is not cleared.
 */
paddr_t memblock_alloc_range(struct memblock *mb, size_t size, size_t align, paddr_t min, paddr_t max,
			     int nid, const char *name);
/* The same with MEMBLOCK_BOTTOM_UP: lowest first. MEMBLOCK_EXACT_NID: on no other node. */
enum { MEMBLOCK_BOTTOM_UP = 1, MEMBLOCK_EXACT_NID = 2 };
paddr_t memblock_alloc_flags(struct memblock *mb, size_t size, size_t align, paddr_t min, paddr_t max,
			     int nid, const char *name, unsigned flags);
/* From the kernel's memblock below what is mapped now, zeroed, as a direct-map pointer; panics when nothing
 * fits. */
void *memblock_alloc_or_panic(size_t size, size_t align, int nid, const char *name);

/* The next free range at or above *cursor: false at the end. Start with *cursor = 0. */
bool memblock_next_free(const struct memblock *mb, paddr_t *cursor, paddr_t *start, paddr_t *end, int *nid);

/* The same, of those that begin below max; the last one may end above. */
bool memblock_next_free_below(const struct memblock *mb, paddr_t max, paddr_t *cursor, paddr_t *start,
			      paddr_t *end, int *nid);

paddr_t memblock_end(const struct memblock *mb); /* end of the highest memory */
bool memblock_is_memory(const struct memblock *mb, paddr_t pa);
int memblock_nid(const struct memblock *mb, paddr_t pa); /* NUMA_NO_NODE: no memory, or not said */
/* Whether [start, end) has no memory but of that node; of NUMA_NO_NODE, once all memory has one: none at all. */
bool memblock_all_of_node(const struct memblock *mb, paddr_t start, paddr_t end, int nid);
const char *memblock_reserved_name(const struct memblock *mb, paddr_t pa); /* NULL: not reserved */
/* The first reservation that ends above pa; reserved.region + reserved.cnt: there is none. */
const struct memblock_region *memblock_reserved_from(const struct memblock *mb, paddr_t pa);

/* Sorted, disjoint, merged, inside limits; NULL if sound, else what is wrong. */
const char *memblock_check(const struct memblock *mb);

void memblock_init(const struct boot_info *bi);
/*
 * Memory that memmap= added and firmware does not know is reserved until the final tables map it. Here it is looked at,
 * and is free from then on. Where no memory answers the boot is refused.
 */
void memblock_prove_added(void);
/* Its part that follows from the loader alone: its information, modules, what firmware reserved. */
void memblock_reserve_boot(struct memblock *mb, const struct boot_info *bi);
extern paddr_t memblock_limit; /* memblock_alloc_or_panic stays below: what the current page tables map */

#endif
