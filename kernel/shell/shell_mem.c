/*
 * shell_mem.c - the table of memory that the shell has allocated for its user.
 *
 * Idea.       An allocator treats a wrong free as a bug of the kernel and panics. A user of the shell may mistype an
 *             address, so the shell looks up each address here before it calls an allocator.
 * Layout.     live[0 .. nr_live)   in no order; removal moves the last entry into the gap
 *             gone[]               ring of the last GONE_MAX freed entries: tells a double free from an unknown address
 *             The table is static and outside of every allocator, so `diff` shows the user's memory only.
 * Invariants. M1  no two entries overlap
 *             M2  no entry of gone[] has the start and kind of one in live[]
 *             Memory of an entry in live[] is allocated, and only the shell frees it.
 * Locking.    None: main loop.
 * Failure.    A full table is reported before anything is allocated.
 * Next:       cmd_slab.c.
 */
#include "shell_mem.h"

#include <arch/layout.h>

#include <kernel/errno.h>
#include <kernel/printk.h>

#include <mm/check.h>
#include <mm/page.h>

enum { LIVE_MAX = 8192, GONE_MAX = 256, START_NAME_SIZE = 24 };

static struct shell_mem live[LIVE_MAX];
static unsigned nr_live;
static struct {
	unsigned long start;
	u8 kind;
} gone[GONE_MAX]; /* start 0: unused */
static unsigned gone_next;

static const struct {
	const char *what, *made, *unmade;
} kinds[] = {
	[SHELL_PAGES] = {"pages", "alloc", "free"},
	[SHELL_KMALLOC] = {"memory", "kmalloc", "kfree"},
	[SHELL_OBJECT] = {"object", "cache alloc", "cache free"},
	[SHELL_AREA] = {"area", "vmalloc", "vfree"},
};

int shell_mem_room(struct out *o, unsigned nr)
{
	if (nr <= LIVE_MAX - nr_live)
		return 0;
	return out_error(o, -ENOSPC, "the shell can hold %d allocations and holds %u: free some first",
			 LIVE_MAX, nr_live);
}

static void forget_gone(unsigned long start, u8 kind)
{
	for (unsigned i = 0; i < GONE_MAX; i++)
		if (gone[i].start == start && gone[i].kind == kind)
			gone[i].start = 0;
}

void shell_mem_add(struct shell_mem m)
{
	forget_gone(m.start, m.kind);
	live[nr_live++] = m;
}

void shell_mem_remove(const struct shell_mem *m)
{
	gone[gone_next].start = m->start;
	gone[gone_next].kind = m->kind;
	gone_next = (gone_next + 1) % GONE_MAX;
	live[m - live] = live[--nr_live];
}

/* Returns the entry that contains start, a physical address for pages and a virtual one for all other kinds. */
static const struct shell_mem *find_around(bool physical, unsigned long start)
{
	for (unsigned i = 0; i < nr_live; i++)
		if ((live[i].kind == SHELL_PAGES) == physical && start - live[i].start < live[i].nr_bytes)
			return &live[i];
	return NULL;
}

static bool was_given_back(enum shell_mem_kind kind, unsigned long start)
{
	for (unsigned i = 0; i < GONE_MAX; i++)
		if (start && gone[i].start == start && gone[i].kind == kind)
			return true;
	return false;
}

/* Formats a start as the user writes it: pages by frame number, other kinds by address. */
static const char *start_name(enum shell_mem_kind kind, unsigned long start, char buf[START_NAME_SIZE])
{
	if (kind == SHELL_PAGES)
		snprintf(buf, START_NAME_SIZE, "pfn 0x%lx", start >> PAGE_SHIFT);
	else
		snprintf(buf, START_NAME_SIZE, "0x%lx", start);
	return buf;
}

const struct shell_mem *shell_mem_find(struct out *o, enum shell_mem_kind kind, unsigned long start, int *err)
{
	const struct shell_mem *m = find_around(kind == SHELL_PAGES, start);
	char asked[START_NAME_SIZE], there[START_NAME_SIZE];

	if (m && m->start == start && m->kind == kind)
		return m;
	start_name(kind, start, asked);
	if (m && m->kind != kind)
		*err = out_error(o, -EINVAL, "%s was allocated by `%s`: free it with `%s`", asked,
				 kinds[m->kind].made, kinds[m->kind].unmade);
	else if (m)
		*err = out_error(o, -EINVAL, "%s is inside the %s at %s, expected its start", asked,
				 kinds[kind].what, start_name(kind, m->start, there));
	else if (was_given_back(kind, start))
		*err = out_error(o, -EINVAL, "%s is already free: double free", asked);
	else
		*err = out_error(o, -EPERM, "%s is not an allocation of this shell, expected %s from `%s`",
				 asked, kind == SHELL_PAGES ? "pages" : "an address", kinds[kind].made);
	return NULL;
}

const struct shell_mem *shell_mem_at_pa(paddr_t pa)
{
	return find_around(true, pa);
}

const struct shell_mem *shell_mem_at(vaddr_t va)
{
	const struct shell_mem *m = find_around(false, va);

	if (!m && va - DIRECT_MAP_BASE < direct_map_end_pfn << PAGE_SHIFT)
		m = find_around(true, virt_to_phys((void *)va));
	return m;
}

const struct shell_mem *shell_mem_nth(unsigned n)
{
	return n < nr_live ? &live[n] : NULL;
}

const char *shell_mem_name(const struct shell_mem *m)
{
	return kinds[m->kind].made;
}

unsigned shell_mem_objects(unsigned cache_index)
{
	unsigned n = 0;

	for (unsigned i = 0; i < nr_live; i++)
		n += live[i].kind == SHELL_OBJECT && live[i].cache_index == cache_index;
	return n;
}

static bool overlap(const struct shell_mem *a, const struct shell_mem *b)
{
	return (a->kind == SHELL_PAGES) == (b->kind == SHELL_PAGES) && a->start < b->start + b->nr_bytes &&
	       b->start < a->start + a->nr_bytes;
}

static const char *shell_mem_check(void)
{
	for (unsigned i = 0; i < nr_live; i++) {
		for (unsigned j = 0; j < i; j++)
			if (overlap(&live[i], &live[j]))
				return "shell_mem.M1: two allocations of the shell overlap";
		if (was_given_back(live[i].kind, live[i].start))
			return "shell_mem.M2: an allocation of the shell is also remembered as freed";
	}
	return NULL;
}
MM_CHECK("shell_mem", shell_mem_check);
