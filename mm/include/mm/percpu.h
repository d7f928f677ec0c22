#ifndef MM_PERCPU_H
#define MM_PERCPU_H

/* Per-CPU memory that is allocated at run time. Variables and access: <kernel/percpu.h>. */

#include <kernel/percpu.h>

/*
 * Allocates size zeroed bytes, at most 64 KiB, for every possible CPU. align is a power of two up to PAGE_SIZE.
 * Returns a per-CPU pointer, which must not be dereferenced directly; NULL if the size is 0 or too large, or if
 * memory or addresses are short. Context: main loop or boot; may map pages.
 */
void *alloc_percpu_size(size_t size, size_t align);
/* Frees a pointer of alloc_percpu_size(); NULL is accepted. Any other pointer is a BUG. Context: main loop. */
void free_percpu(void *ptr);
#define alloc_percpu(type) ((__typeof__(type) *)alloc_percpu_size(sizeof(type), __alignof__(type)))

/* Maps every CPU's window with its copy of the static variables. Context: boot. Panics without memory. */
void percpu_init(void);
/* Returns the pages of all CPUs' windows, for meminfo's Percpu. */
unsigned long percpu_pages(void);
/* Returns the bytes that are allocated in each window. */
unsigned long percpu_used_bytes(void);

#endif
