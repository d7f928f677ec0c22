#ifndef MM_PERCPU_H
#define MM_PERCPU_H

/* Per-CPU memory that is allocated at run time. Variables and access: <kernel/percpu.h>. */

#include <kernel/percpu.h>

/*
 * Allocates size zeroed bytes on every possible CPU; align is a power of two up to a page.
 * Context: main loop or boot; may map pages. Returns a per-CPU pointer, which must not be dereferenced directly, or NULL.
 */
void *alloc_percpu_size(size_t size, size_t align);
void free_percpu(void *ptr);
#define alloc_percpu(type) ((__typeof__(type) *)alloc_percpu_size(sizeof(type), __alignof__(type)))

void percpu_init(void);
/* Number of pages of all areas, for meminfo's Percpu. */
unsigned long percpu_pages(void);
/* Bytes that alloc_percpu() has allocated on each CPU. */
unsigned long percpu_used_bytes(void);

#endif
