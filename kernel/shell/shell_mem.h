#ifndef SHELL_MEM_H
#define SHELL_MEM_H

/*
 * What the shell's user was given. Memory from alloc, kmalloc, cache alloc and vmalloc is the user's until given back:
 * only what is in this table may be freed or written, so that no typing mistake reaches an allocator.
 */

#include <kernel/shell.h>
#include <mm/types.h>

struct kmem_cache;

enum shell_mem_kind { SHELL_PAGES, SHELL_KMALLOC, SHELL_OBJECT, SHELL_AREA };

struct shell_mem {
	unsigned long start;	/* virtual address; SHELL_PAGES: physical, since a frame may have no other */
	unsigned long nr_bytes; /* usable */
	u8 kind;
	u8 order;	 /* SHELL_PAGES */
	u16 cache_index; /* SHELL_OBJECT: of shell_cache[] */
};

/* Room for nr more, or -ENOSPC after out_error(). */
int shell_mem_room(struct out *o, unsigned nr);
/* There is room. */
void shell_mem_add(struct shell_mem m);
/* Exactly what starts there, or NULL after out_error() with a reason: freed already, inside another, not ours. */
const struct shell_mem *shell_mem_find(struct out *o, enum shell_mem_kind kind, unsigned long start,
				       int *err);
/* What covers the address, or NULL. */
const struct shell_mem *shell_mem_at(vaddr_t va);
const struct shell_mem *shell_mem_at_pa(paddr_t pa);
/* The nth thing that is out, in no order, or NULL. */
const struct shell_mem *shell_mem_nth(unsigned n);
/* The command that gave it. */
const char *shell_mem_name(const struct shell_mem *m);
/* The entry leaves the table; that it was there is remembered for a while. */
void shell_mem_remove(const struct shell_mem *m);
/* Objects of that cache in the table. */
unsigned shell_mem_objects(unsigned cache_index);

#endif
