/*
 * check_walk.c - steps through structures that may be damaged.
 *
 * Idea.       If a check followed a damaged pointer, it would end in a fault instead of a message. So
 *             each step first tests whether the memory is readable, then whether the element there
 *             points back.
 * Layout.     An address is readable if its window says so:
 *
 *              direct map   memblock has RAM there      page array      the section is opened
 *              image        inside its sections         other windows   the page tables map it, each table in RAM
 *
 * Invariants. W1  no function of this file faults, for any pointer
 *             W2  no walk takes more steps than its caller permits
 * Locking.    No lock. The caller prevents changes of the structure.
 * Failure.    False, or a text that describes the damage.
 * Next:       check.c.
 */
#include <mm/check_walk.h>

#include "pt_internal.h"

#include <mm/memblock.h>

#include <kernel/printk.h>
#include <kernel/random.h>
#include <kernel/sections.h>

/* ---- memory ---- */

static bool in_direct_map(paddr_t pa)
{
	return pa >> PAGE_SHIFT < direct_map_end_pfn && memblock_is_memory(&memblock, pa);
}

/*
 * Returns whether the upper bits of va are all equal. Page tables translate only such addresses;
 * another address would alias one of them.
 */
static bool canonical(vaddr_t va)
{
	long above = (long)va >> (arch_va_bits() - 1);

	return arch_pt_covers(va) && (above == 0 || above == -1);
}

/* Walks the page tables as pgtable.c does, but tests each table's address before it is read. */
static bool mapped_for_reading(vaddr_t va)
{
	paddr_t table = pt_root();

	if (!canonical(va))
		return false;
	for (unsigned l = arch_pt_levels() - 1;; l--) {
		const pte_t *slot = (const pte_t *)phys_to_virt(table) + PT_INDEX(va, l);
		pte_t e = arch_pte_read(slot);

		if (!arch_pte_present(e))
			return false;
		table = arch_pte_paddr(e, l);
		if (l == 0 || !arch_pte_is_table(e, l))
			return arch_pte_is_leaf(e, l) && arch_pt_leaf_ok(l) &&
			       (arch_pte_prot(e, l) & PT_READ) && !(table & (PT_LEVEL_SIZE(l) - 1)) &&
			       memblock_is_memory(&memblock, table + (va & (PT_LEVEL_SIZE(l) - 1)));
		if (!in_direct_map(table))
			return false;
	}
}

static bool page_readable(vaddr_t va)
{
	if (va - DIRECT_MAP_BASE < DIRECT_MAP_SIZE)
		return in_direct_map(va - DIRECT_MAP_BASE);
	if (va - VMEMMAP_BASE < VMEMMAP_SIZE)
		return pfn_valid((va - VMEMMAP_BASE) / sizeof(struct page));
	return mapped_for_reading(va);
}

bool check_readable(const void *p, size_t size)
{
	vaddr_t va = (vaddr_t)p, last = va + size - 1;

	if (!size || last < va)
		return false;
	for (va &= PAGE_MASK; va <= last; va += PAGE_SIZE)
		if (!page_readable(va))
			return false;
	return true;
}

bool check_object(const void *p, size_t size, size_t align)
{
	return !((vaddr_t)p & (align - 1)) && check_readable(p, size);
}

bool check_page(const struct page *p)
{
	vaddr_t off = (vaddr_t)p - VMEMMAP_BASE;

	return off < VMEMMAP_SIZE && off % sizeof(struct page) == 0 && pfn_valid(off / sizeof(struct page));
}

bool check_code(const void *p)
{
	return (const char *)p >= __text_start && (const char *)p < __text_end;
}

bool check_function(const void *p)
{
	unsigned long offset, size;

	return check_code(p) && ksym_lookup((unsigned long)p, &offset, &size) && !offset;
}

bool check_text(const char *s, size_t max)
{
	for (size_t i = 0; i < max; i++) {
		if ((i == 0 || !((vaddr_t)(s + i) & ~PAGE_MASK)) && !check_readable(s + i, 1))
			return false;
		if (!s[i])
			return true;
		if (s[i] < ' ' || s[i] > '~')
			return false;
	}
	return false;
}

u64 check_print(const void *p, size_t size, u64 so_far)
{
	const char *at = p;

	for (size_t done = 0; done < size; done += sizeof(u64)) {
		u64 word = 0;

		__builtin_memcpy(&word, at + done, min(size - done, sizeof(word)));
		so_far = mix64(so_far ^ word ^ (size + done) << 48);
	}
	return so_far;
}

/* ---- lists ---- */

void check_walk_begin(struct check_walk *w, const struct list_head *head, unsigned long most, size_t offset,
		      size_t size)
{
	*w = (struct check_walk){.head = head, .at = head, .left = most, .offset = offset, .size = size};
}

/*
 * A damaged link may lead into memory that sanitizers have closed. The walk reads it and reports the
 * damage, so it is not instrumented.
 */
#define NOT_WATCHED __attribute__((no_sanitize("address", "undefined")))

NOT_WATCHED void *check_walk_next(struct check_walk *w)
{
	const struct list_head *e = w->at->next;
	const char *element = (const char *)e - w->offset;

	if (e == w->head) {
		if (e->prev != w->at)
			w->wrong = "the list's head does not lead back to its last element";
		return NULL;
	}
	if (!check_object(element, w->size, sizeof(long)))
		w->wrong = "a list's link leads to no element";
	else if (e->prev != w->at)
		w->wrong = "a list's element does not lead back to the one before";
	else if (!w->left)
		w->wrong = "a list has more elements than there are";
	if (w->wrong)
		return NULL;
	w->left--;
	w->at = e;
	return (void *)element;
}

/* ---- trees ---- */

enum { TREE_MAX_DEPTH = 64 }; /* depth of any sound tree with fewer than 2^31 nodes */

struct tree_walk {
	size_t offset, size;
	const char *wrong;
};

/*
 * Checks the links of a subtree. Each node is visited once: it has one parent, and is one child of that
 * parent.
 */
static NOT_WATCHED void walk_subtree(struct tree_walk *w, const struct rb_node *n,
				     const struct rb_node *parent, unsigned depth)
{
	if (!n || w->wrong)
		return;
	if (depth > TREE_MAX_DEPTH)
		w->wrong = "a tree is deeper than a sound one can be";
	else if (!check_object((const char *)n - w->offset, w->size, sizeof(long)))
		w->wrong = "a tree's link leads to no node";
	else if (n->parent != parent)
		w->wrong = "a node's parent link names another node";
	else if (n->left && n->left == n->right)
		w->wrong = "a node is both children of its parent";
	if (w->wrong)
		return;
	walk_subtree(w, n->left, n, depth + 1);
	walk_subtree(w, n->right, n, depth + 1);
}

const char *check_tree_links(const struct rb_root *root, size_t offset, size_t size)
{
	struct tree_walk w = {.offset = offset, .size = size};

	walk_subtree(&w, root->node, NULL, 1);
	return w.wrong;
}
