#ifndef SHELL_MEM_H
#define SHELL_MEM_H

/*
 * Memory that the shell has allocated for its user with alloc, kmalloc, cache alloc and vmalloc. Only memory in this
 * table may be freed or written by commands, so a mistyped address never reaches an allocator.
 */

#include <kernel/shell.h>
#include <mm/types.h>

struct kmem_cache;

enum shell_mem_kind { SHELL_PAGES, SHELL_KMALLOC, SHELL_OBJECT, SHELL_AREA };

struct shell_mem {
	/* Virtual address. SHELL_PAGES: physical, because a frame may have no virtual one. */
	unsigned long start;
	unsigned long nr_bytes; /* usable size */
	u8 kind;
	u8 order;	 /* SHELL_PAGES */
	u16 cache_index; /* SHELL_OBJECT: index of the cache in own[] of cmd_slab.c */
};

/* Checks that there is room for nr more entries. -ENOSPC after out_error() if not. */
int shell_mem_room(struct out *o, unsigned nr);
/* Adds an entry. There must be room. */
void shell_mem_add(struct shell_mem m);
/* Returns the entry that starts there. NULL after out_error(): already free, inside another entry, or unknown. */
const struct shell_mem *shell_mem_find(struct out *o, enum shell_mem_kind kind, unsigned long start,
				       int *err);
/* Returns the entry that contains the address, or NULL. */
const struct shell_mem *shell_mem_at(vaddr_t va);
const struct shell_mem *shell_mem_at_pa(paddr_t pa);
/* Returns the nth entry, in no particular order, or NULL. */
const struct shell_mem *shell_mem_nth(unsigned n);
/* Name of the command that allocated it. */
const char *shell_mem_name(const struct shell_mem *m);
/* Removes the entry and remembers it as freed. */
void shell_mem_remove(const struct shell_mem *m);
/* Number of objects of that cache in the table. */
unsigned shell_mem_objects(unsigned cache_index);

#endif
