#ifndef MM_MEMBLOCK_H
#define MM_MEMBLOCK_H

/*
 * Memory management at boot, before struct pages exist. `memory` lists RAM (sanitised, page aligned);
 * `reserved` lists ranges in use, each with its user's name. Free memory is memory minus reserved. Both
 * are sorted arrays of disjoint half-open ranges. Touching ranges with the same node and name are
 * merged. After memblock_hand_over() the arrays stay readable and change by memblock_forget() only.
 *
 * Addresses and sizes are bytes. Context of every function that changes a memblock: boot, one CPU, no
 * lock.
 */

#include <kernel/bootinfo.h>
#include <mm/numa.h>
#include <mm/types.h>

struct memblock_region {
	paddr_t start, end;
	/* memory: node, NUMA_NO_NODE until numa_init(); reserved: NUMA_NO_NODE */
	int nid;
	/* reserved: the user of the range; NULL in memory */
	const char *name;
};

struct memblock_type {
	struct memblock_region *region;
	/* Regions in use, and capacity of the array. */
	unsigned cnt, max;
	const char *what;
	paddr_t grown_at; /* address of the array after it grew; 0 if it is the static one */
};

/*
 * Result of earlier searches on a node: no aligned free range of `size` bytes begins in [lo, at). If
 * size is 0, nothing is known.
 */
struct memblock_rover {
	size_t size, align;
	paddr_t lo, at;
};

struct memblock {
	struct memblock_type memory, reserved;
	/*
	 * If an array is full, it may be copied into free memory below memblock_limit at twice its
	 * length.
	 */
	bool may_grow;
	bool handed_over;
	/* one for each node; the last one serves searches on any node */
	struct memblock_rover rover[MAX_NODES + 1];
};

extern struct memblock memblock; /* the kernel's instance; tests make their own */

/*
 * Adds [start, end) to memory or removes it. Parts that are in memory already keep their node. An empty
 * or reversed range changes nothing. Returns 0, or -ENOSPC with nothing changed if the array is full
 * and cannot grow.
 */
int memblock_add(struct memblock *mb, paddr_t start, paddr_t end, int nid);
int memblock_remove(struct memblock *mb, paddr_t start, paddr_t end);
/*
 * Adds [start, end) to reserved, or removes it. A part that is reserved already keeps its name. Returns
 * 0, or -ENOSPC as above.
 */
int memblock_reserve(struct memblock *mb, paddr_t start, paddr_t end, const char *name);
int memblock_free(struct memblock *mb, paddr_t start, paddr_t end);
/* Freezes the kernel's memblock: from now on the zones own free memory. */
void memblock_hand_over(void);
/*
 * Removes [start, end) from reserved after the hand-over. For adopt_reserved_page() only, which frees
 * the frames as pages.
 */
int memblock_forget(struct memblock *mb, paddr_t start, paddr_t end);
/* Sets the node of all memory in [start, end). Returns 0 or -ENOSPC. */
int memblock_set_node(struct memblock *mb, paddr_t start, paddr_t end, int nid);

/* Writes how much of all memory is free below the limit: "20 KiB of 64 KiB are free below 0x8000". */
void memblock_describe_free(const struct memblock *mb, paddr_t limit, char *text, size_t size);
/*
 * Shrinks each region of memory to multiples of align, a power of two. A region that becomes empty is
 * removed.
 */
void memblock_trim_memory(struct memblock *mb, size_t align);
/* Returns whether [start, end) overlaps a region of the array. */
bool memblock_overlaps_region(const struct memblock_type *t, paddr_t start, paddr_t end);
/* Index of the first region of memory that ends above pa; memory.cnt if there is none. */
unsigned memblock_first_memory(const struct memblock *mb, paddr_t pa);
/*
 * Reserves capacity for 8 more reservations, so memblock_forget() can split regions. Returns false if
 * the array is full and cannot grow.
 */
bool memblock_keep_room(struct memblock *mb);

/*
 * Reserves size bytes, aligned to align (a power of two), in [min, max), at the highest address that
 * fits. Prefers node nid; NUMA_NO_NODE means any node. Returns the physical address, or 0 if nothing
 * fits. The memory is not zeroed.
 */
paddr_t memblock_alloc_range(struct memblock *mb, size_t size, size_t align, paddr_t min, paddr_t max,
			     int nid, const char *name);
/*
 * As memblock_alloc_range(). MEMBLOCK_BOTTOM_UP: at the lowest address. MEMBLOCK_EXACT_NID: never on
 * another node.
 */
enum { MEMBLOCK_BOTTOM_UP = 1, MEMBLOCK_EXACT_NID = 2 };
paddr_t memblock_alloc_flags(struct memblock *mb, size_t size, size_t align, paddr_t min, paddr_t max,
			     int nid, const char *name, unsigned flags);
/*
 * Reserves size bytes of the kernel's memblock below memblock_limit, on node nid if possible. Returns a
 * direct-map pointer to zeroed memory. Panics if nothing fits.
 */
void *memblock_alloc_or_panic(size_t size, size_t align, int nid, const char *name);

/*
 * Sets [*start, *end) to the first free range at or above *cursor, and *cursor to its end; sets *nid to
 * its node unless nid is NULL. Returns false if there is none. The first call passes *cursor = 0.
 */
bool memblock_next_free(const struct memblock *mb, paddr_t *cursor, paddr_t *start, paddr_t *end, int *nid);

/*
 * As memblock_next_free(), but only for ranges that begin below max. The last range may end above max.
 */
bool memblock_next_free_below(const struct memblock *mb, paddr_t max, paddr_t *cursor, paddr_t *start,
			      paddr_t *end, int *nid);

/* Returns the end of the highest region of memory, 0 if there is none. */
paddr_t memblock_end(const struct memblock *mb);
/* Returns whether memory contains the byte at pa. */
bool memblock_is_memory(const struct memblock *mb, paddr_t pa);
/* Returns the node of the memory at pa; NUMA_NO_NODE if there is no memory or its node is not set. */
int memblock_nid(const struct memblock *mb, paddr_t pa);
/*
 * Returns whether all memory in [start, end) is of node nid. With nid NUMA_NO_NODE, after numa_init():
 * whether it has no memory.
 */
bool memblock_all_of_node(const struct memblock *mb, paddr_t start, paddr_t end, int nid);
/* Returns the name of the reservation that contains pa, NULL if pa is not reserved. */
const char *memblock_reserved_name(const struct memblock *mb, paddr_t pa);
/* Returns the first reservation that ends above pa; reserved.region + reserved.cnt if there is none. */
const struct memblock_region *memblock_reserved_from(const struct memblock *mb, paddr_t pa);

/* Checks B1 and B2. Returns NULL, or the invariant that is broken. */
const char *memblock_check(const struct memblock *mb);

/*
 * Builds the kernel's memblock from the boot information. Refuses the boot if no whole page of RAM is
 * usable.
 */
void memblock_init(const struct boot_info *bi);
/*
 * Tests the memory that only memmap= names, by a write and a read back every 64 MiB, and frees it.
 * memblock_init() reserves it until the final page tables map it. Refuses the boot if no memory
 * answers.
 */
void memblock_prove_added(void);
/*
 * Reserves the ranges that the loader reports: its boot information, device tree, modules and firmware
 * reservations.
 */
void memblock_reserve_boot(struct memblock *mb, const struct boot_info *bi);
/* Limit of memblock_alloc_or_panic(): end of the memory that the current page tables map. */
extern paddr_t memblock_limit;

#endif
