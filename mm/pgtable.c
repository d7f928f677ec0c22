/*
 * pgtable.c - the kernel's page tables: one walker for three to five levels.
 *
 * Idea.       A walk is one loop from the root down. The machine's encoding of an entry stays behind
 *             <arch/pt.h>. A range is handled table by table: one walk finds a table, then its entries
 *             are written in a tight loop. So a long range costs a few instructions for each leaf.
 * Layout.     Level 0 holds the page-sized leaves; the root has level arch_pt_levels() - 1. Each level
 *             takes PT_INDEX_BITS bits of the address as index. Address 0xffffc90000212345 with 4
 *             levels and 4 KiB pages:
 *
 *              bit    47      39 38      30 29      21 20      12 11         0
 *                    | level 3  | level 2  | level 1  | level 0  | offset      |
 *                    |   402    |    0     |    1     |    18    | 0x345       |
 *                         |          |          |          |
 *              root ----[402] ---> [0] -----> [1] -----> [18] = leaf: frame << 12 | protection
 *
 *             An entry of level 1 is a table of 512 entries or a 2 MiB leaf; with 4 KiB pages level 2
 *             may hold 1 GiB leaves. An absent entry is 0. Tables come from memblock until the
 *             hand-over and are never freed; later tables come from the page allocator and have
 *             PG_table. Each CPU caches the last level-0 table in which it mapped or unmapped something
 *             (pt_hint).
 * Invariants. P1  a present entry is a leaf of a size that the machine has, aligned to it, or a table
 *                 in RAM
 *             P2  no leaf is writable and executable; nothing is mapped below the lowest of the
 *                 kernel's windows
 *             P3  MM_PAGETABLE is the number of tables reachable from the root; each is a reserved
 *                 frame of boot or has PG_table. The only other frames with PG_table wait for a grace
 *                 period
 *             P4  an entry has only the bits that its address, protection and memory type give it; an
 *                 absent one is 0
 *             P5  each leaf lies in a window of the kernel, and the owner of the window has requested
 *                 it
 *             P6  a CPU's pt_hint names the table that translates its addresses; the CPU walks from
 *                 this root
 * Locking.    pt_lock serialises installing and removing tables; a new table is allocated before the
 *             lock is taken. A leaf belongs to the owner of its address range and needs no lock. A walk
 *             needs no lock: a removed table stays readable for a grace period. Only the owner of all
 *             addresses below a table may remove it, so no CPU writes to a table that is being removed.
 * Failure.    If pt_map() cannot allocate a table, it clears the leaves that it wrote and returns
 *             -ENOMEM. The owner must flush before it uses the addresses again, as after pt_unmap().
 *             Tables that the call made stay.
 * Next:       direct_map.c, which builds the first mappings with it; pt_check.c, which checks all of
 *             them.
 */
#include <mm/pgtable.h>

#include "pt_internal.h"

#include <mm/check_walk.h>
#include <mm/memblock.h>
#include <mm/page_alloc.h>
#include <mm/tlb.h>

#include <kernel/errno.h>
#include <kernel/percpu.h>
#include <kernel/printk.h>
#include <kernel/sections.h>
#include <kernel/spinlock.h>
#include <kernel/work.h>

static struct spinlock pt_lock = SPINLOCK_INIT("pt_lock", LOCK_PT);
static pte_t *kernel_root;
/* Tables allocated from memblock. MM_PAGETABLE counts them from pt_count_boot_tables() on. */
static unsigned long boot_tables;

/* ---- tables ---- */

static pte_t *pt_alloc_table(gfp_t gfp)
{
	struct page *page;

	if (!memblock.handed_over) {
		boot_tables++;
		return memblock_alloc_or_panic(PAGE_SIZE, PAGE_SIZE, NUMA_NO_NODE, "page tables");
	}
	page = alloc_page((gfp & GFP_RECLAIM_MASK) | __GFP_ZERO);
	if (!page)
		return NULL;
	UPDATE_ONCE(page->flags, |=, PG_table);
	mm_counter_add(MM_PAGETABLE, 1);
	return page_address(page);
}

static void pt_free_table(struct page *page)
{
	UPDATE_ONCE(page->flags, &=, ~PG_table);
	__free_page(page);
}

void pt_count_boot_tables(void)
{
	mm_counter_add(MM_PAGETABLE, (long)boot_tables);
}

static pte_t *pte_table(pte_t e, unsigned level)
{
	return phys_to_virt(arch_pte_paddr(e, level));
}

/*
 * Allocates a table and installs it in slot if the slot is still absent. If another CPU installed one
 * first, frees the new table and uses that one. Returns 0 or -ENOMEM.
 */
static int pt_install_table(pte_t *slot, gfp_t gfp)
{
	pte_t *table = pt_alloc_table(gfp);

	if (!table)
		return -ENOMEM;
	spin_lock(&pt_lock);
	if (!arch_pte_present(arch_pte_read(slot))) {
		arch_pte_write(slot, arch_pte_table(virt_to_phys(table)));
		arch_pt_sync();
		table = NULL;
	}
	spin_unlock(&pt_lock);
	if (table) {
		mm_counter_add(MM_PAGETABLE, -1);
		pt_free_table(virt_to_page(table));
	}
	return 0;
}

void pt_set_root(void)
{
	kernel_root = pt_alloc_table(0);
}

paddr_t pt_root(void)
{
	return virt_to_phys(kernel_root);
}

/* ---- walks ---- */

/* Before pgtable_init() has installed the final tables, lookups walk the loader's tables. */
static pte_t *pt_current_root(void)
{
	return kernel_root ? kernel_root : phys_to_virt(arch_pt_root());
}

/*
 * Returns the slot of the leaf that translates va and sets *level. If the walk ends at an absent entry
 * or a large leaf, returns that entry's slot. Locks: none, because tables are freed after a grace
 * period.
 */
static inline pte_t *pt_walk(pte_t *table, vaddr_t va, unsigned *level)
{
	unsigned l = arch_pt_levels() - 1, shift = PT_LEVEL_SHIFT(l);

	for (;; l--, shift -= PT_INDEX_BITS) {
		pte_t *slot = &table[va >> shift & (PT_ENTRIES - 1)];
		pte_t e;

		*level = l;
		if (l == 0)
			return slot;
		e = arch_pte_read(slot);
		if (!arch_pte_is_table(e, l))
			return slot;
		table = pte_table(e, l);
	}
}

/*
 * The level-0 table in which this CPU mapped or unmapped last. The next call is often for the same or a
 * neighbouring range and then needs no walk. The table is always linked: pt_unlink_table() clears the
 * hints of all CPUs. No CPU can set the hint again meanwhile, because all addresses of the table belong
 * to the caller that unlinks it. Only mapping and unmapping use the hint; neither happens in an
 * interrupt.
 */
DEFINE_PER_CPU(struct pt_hint, pt_hint);

static inline pte_t *pt_hint_slot(vaddr_t va)
{
	if (this_cpu(pt_hint.span) != va >> PT_LEVEL_SHIFT(1))
		return NULL;
	return &this_cpu(pt_hint.table)[PT_INDEX(va, 0)];
}

static inline void pt_hint_set(vaddr_t va, pte_t *slot)
{
	this_cpu(pt_hint.span) = va >> PT_LEVEL_SHIFT(1);
	this_cpu(pt_hint.table) = slot - PT_INDEX(va, 0);
}

static void pt_hint_forget(vaddr_t va)
{
	unsigned cpu;

	for_each_possible_cpu (cpu)
		if (per_cpu(pt_hint.span, cpu) == va >> PT_LEVEL_SHIFT(1))
			per_cpu(pt_hint.span, cpu) = 0;
}

/*
 * Sets *out to the slot of va at `level` and allocates missing tables above it. Returns 0; -ENOMEM;
 * -EEXIST if a larger leaf maps va.
 */
static int pt_make_slot(vaddr_t va, unsigned level, gfp_t gfp, pte_t **out)
{
	unsigned l = arch_pt_levels() - 1, shift = PT_LEVEL_SHIFT(l);
	pte_t *table = kernel_root;

	for (;;) {
		pte_t *slot = &table[va >> shift & (PT_ENTRIES - 1)];
		pte_t e;

		if (l == level) {
			if (level == 0)
				pt_hint_set(va, slot);
			*out = slot;
			return 0;
		}
		e = arch_pte_read(slot);
		if (unlikely(!arch_pte_is_table(e, l))) {
			if (arch_pte_present(e))
				return -EEXIST;
			if (pt_install_table(slot, gfp))
				return -ENOMEM;
			continue;
		}
		table = pte_table(e, l);
		l--;
		shift -= PT_INDEX_BITS;
	}
}

pte_t *pt_slot(vaddr_t va, unsigned level)
{
	pte_t *table = kernel_root;

	for (unsigned l = arch_pt_levels() - 1; l > level; l--) {
		pte_t e = arch_pte_read(&table[PT_INDEX(va, l)]);

		if (!arch_pte_is_table(e, l))
			return NULL;
		table = pte_table(e, l);
	}
	return &table[PT_INDEX(va, level)];
}

struct pt_query pt_lookup(vaddr_t va)
{
	struct pt_query q = {.level = arch_pt_levels() - 1};
	pte_t e = {0};

	if (arch_pt_covers(va))
		e = arch_pte_read(pt_walk(pt_current_root(), va, &q.level));
	q.mapped = arch_pte_present(e);
	q.size = PT_LEVEL_SIZE(q.level);
	q.entry = e;
	q.pa = q.mapped ? arch_pte_paddr(e, q.level) + (va & (q.size - 1)) : 0;
	q.prot = q.mapped ? arch_pte_prot(e, q.level) : 0;
	return q;
}

unsigned pt_trace(vaddr_t va, struct pt_step step[ARCH_PT_MAX_LEVELS])
{
	pte_t *table = pt_current_root();
	unsigned n = 0;

	if (!arch_pt_covers(va)) { /* no table covers va: show the root's slot */
		unsigned root = arch_pt_levels() - 1;

		step[0] = (struct pt_step){root, (unsigned)PT_INDEX(va, root), 0, {0}};
		return 1;
	}
	for (unsigned l = arch_pt_levels() - 1;; l--) {
		unsigned index = (unsigned)PT_INDEX(va, l);
		pte_t e = arch_pte_read(&table[index]);

		step[n++] = (struct pt_step){l, index, virt_to_phys(table), e};
		if (l == 0 || !arch_pte_is_table(e, l))
			return n;
		table = pte_table(e, l);
	}
}

/*
 * If va lies between the lower and the upper canonical half, returns the start of the upper half.
 * Addresses in between have index bits that select valid slots, but the CPU does not translate them.
 */
static vaddr_t pt_skip_hole(vaddr_t va)
{
	vaddr_t half = 1UL << (arch_va_bits() - 1);

	if (!arch_pt_covers(va))
		return arch_kernel_start();
	return va >= half && va < -half ? -half : va;
}

void pt_for_each_range(vaddr_t start, vaddr_t last,
		       bool (*fn)(vaddr_t start, vaddr_t last, pte_t e, unsigned level, void *ctx), void *ctx)
{
	vaddr_t va = pt_skip_hole(start), run_start = 0, run_last = 0;
	unsigned run_level = 0;
	pte_t run = {0};
	bool open = false;

	while (va <= last) {
		unsigned level;
		pte_t e = arch_pte_read(pt_walk(pt_current_root(), va, &level));
		vaddr_t slot_last = va | (PT_LEVEL_SIZE(level) - 1);

		if (open && (!arch_pte_present(e) || level != run_level ||
			     arch_pte_attributes(e, level) != arch_pte_attributes(run, run_level))) {
			if (!fn(run_start, run_last, run, run_level, ctx))
				return;
			open = false;
		}
		if (arch_pte_present(e)) {
			if (!open) {
				run_start = va;
				run_level = level;
				run = e;
				open = true;
			}
			run_last = min(slot_last, last);
		}
		if (slot_last >= last)
			break;
		va = pt_skip_hole(slot_last + 1);
	}
	if (open)
		fn(run_start, run_last, run, run_level, ctx);
}

/* ---- ranges ---- */

static inline void pt_check_request(vaddr_t va, paddr_t pa, size_t size, pt_prot_t prot)
{
	BUG_ON((va | pa | size) & ~PAGE_MASK, "unaligned range: va 0x%016lx pa 0x%lx size 0x%lx", va, pa,
	       size);
	BUG_ON(!arch_pt_covers(va), "va 0x%016lx is not in the kernel's half", va);
	BUG_ON((prot & PT_WRITE) && (prot & PT_EXEC), "va 0x%016lx: writable and executable", va);
}

/* Highest leaf level that va, pa and size allow, at most max_level. */
static unsigned pt_fit_level(vaddr_t va, paddr_t pa, size_t size, unsigned max_level)
{
	unsigned level = min(max_level, arch_pt_levels() - 1);

	while (level > 0 && (!arch_pt_leaf_ok(level) || ((va | pa) & (PT_LEVEL_SIZE(level) - 1)) ||
			     size < PT_LEVEL_SIZE(level)))
		level--;
	return level;
}

/*
 * Returns how many of the next n leaves can be written alike. A group of arch_pt_contig_entries()
 * leaves that is aligned in both address spaces gets the contiguous mark. Leaves before the next
 * group's start, and a tail shorter than a group, do not. Example with groups of 16: va and pa at entry
 * 12, n = 40: 4 leaves unmarked, then 32 marked, then 4 unmarked.
 */
static unsigned long pt_contiguous(vaddr_t va, paddr_t pa, unsigned level, unsigned long n, pte_t *leaf)
{
	unsigned long group = arch_pt_contig_entries(level), size = group << PT_LEVEL_SHIFT(level);
	unsigned long before = (-va & (size - 1)) >> PT_LEVEL_SHIFT(level);

	if (group == 1 || ((va ^ pa) & (size - 1)))
		return n;
	if (before)
		return min(n, before);
	if (n < group)
		return n;
	*leaf = arch_pte_contig(*leaf);
	return n - n % group;
}

int pt_map_counted(vaddr_t va, paddr_t pa, size_t size, pt_prot_t prot, unsigned max_level, gfp_t gfp,
		   unsigned long *pages_of_level)
{
	size_t done = 0;

	pt_check_request(va, pa, size, prot);
	while (done < size) {
		unsigned level = pt_fit_level(va + done, pa + done, size - done, max_level);
		unsigned shift = PT_LEVEL_SHIFT(level);
		unsigned long n = min(PT_ENTRIES - PT_INDEX(va + done, level), (size - done) >> shift);
		pte_t leaf = arch_pte_leaf(0, prot, level);
		pte_t *slot;
		int err = pt_make_slot(va + done, level, gfp, &slot);

		if (prot & PT_PERMANENT)
			n = pt_contiguous(va + done, pa + done, level, n, &leaf);
		for (pte_t *end = slot + n; !err && slot < end; slot++) {
			if (unlikely(arch_pte_present(arch_pte_read(slot)))) {
				err = -EEXIST;
				break;
			}
			arch_pte_write(slot, arch_pte_with(leaf, pa + done));
			done += 1UL << shift;
		}
		if (unlikely(err)) {
			pt_unmap(va, done);
			return err;
		}
		if (pages_of_level)
			pages_of_level[level] += n << (shift - PAGE_SHIFT);
	}
	arch_pt_sync();
	return 0;
}

int pt_map(vaddr_t va, paddr_t pa, size_t size, pt_prot_t prot, unsigned max_level, gfp_t gfp)
{
	return pt_map_counted(va, pa, size, prot, max_level, gfp, NULL);
}

/*
 * Writes n leaves, for pages[0], pages[step], .... Stops at a slot that is present. Returns the number
 * written.
 */
static inline unsigned long pt_fill(pte_t *slot, unsigned long n, struct page **pages, unsigned long step,
				    pte_t leaf)
{
	for (unsigned long i = 0; i < n; i++) {
		if (unlikely(arch_pte_present(arch_pte_read(&slot[i]))))
			return i;
		arch_pte_write(&slot[i], arch_pte_with(leaf, page_to_phys(pages[i * step])));
	}
	return n;
}

/* Always inlined: with a constant level the compiler folds sizes and index shifts. */
static __always_inline int pt_map_run(vaddr_t va, struct page **pages, unsigned long nr, pt_prot_t prot,
				      unsigned level, gfp_t gfp)
{
	unsigned shift = PT_LEVEL_SHIFT(level);
	unsigned long step = 1UL << (shift - PAGE_SHIFT), done = 0;
	const pte_t leaf = arch_pte_leaf(0, prot, level);

	pt_check_request(va, 0, 0, prot);
	BUG_ON((va & (PT_LEVEL_SIZE(level) - 1)) || (nr & (step - 1)),
	       "%lu pages at 0x%016lx do not make leaves of %lu", nr, va, step);
	while (done < nr) {
		vaddr_t at = va + (done << PAGE_SHIFT);
		unsigned long n = min(PT_ENTRIES - PT_INDEX(at, level), (nr - done) >> (shift - PAGE_SHIFT)),
			      wrote;
		pte_t *slot = level == 0 ? pt_hint_slot(at) : NULL;
		int err = slot ? 0 : pt_make_slot(at, level, gfp, &slot);

		if (unlikely(err))
			goto undo;
		wrote = pt_fill(slot, n, pages + done, step, leaf);
		done += wrote << (shift - PAGE_SHIFT);
		err = -EEXIST;
		if (likely(wrote == n))
			continue;
	undo:
		pt_unmap(va, done << PAGE_SHIFT);
		return err;
	}
	arch_pt_sync();
	return 0;
}

int pt_map_pages(vaddr_t va, struct page **pages, unsigned long nr, pt_prot_t prot, unsigned level, gfp_t gfp)
{
	return level == 0 ? pt_map_run(va, pages, nr, prot, 0, gfp)
			  : pt_map_run(va, pages, nr, prot, level, gfp);
}

/*
 * Calls op for every leaf of the range, one level-0 table at a time. If `clearing` is true, the owner
 * empties the range: op is also called for absent level-0 entries, because a store is cheaper than a
 * test, and pt_hint is set. If the range covers a large leaf partly, `part` is less than its size.
 * Always inlined, so op becomes part of the loop.
 */
static __always_inline void
pt_each_leaf(vaddr_t va, size_t size, bool clearing,
	     void (*op)(pte_t *slot, pte_t e, unsigned level, size_t part, void *ctx), void *ctx)
{
	while (size) {
		unsigned level = 0;
		pte_t *slot = pt_hint_slot(va);
		size_t part;

		if (!slot) {
			slot = pt_walk(kernel_root, va, &level);
			if (clearing && level == 0)
				pt_hint_set(va, slot);
		}
		if (level == 0) {
			unsigned long n = min(PT_ENTRIES - PT_INDEX(va, 0), size >> PAGE_SHIFT);

			for (pte_t *end = slot + n; slot < end; slot++) {
				pte_t e = arch_pte_read(slot);

				if (clearing || likely(arch_pte_present(e)))
					op(slot, e, 0, PAGE_SIZE, ctx);
			}
			part = n << PAGE_SHIFT;
		} else {
			pte_t e = arch_pte_read(slot);

			part = min(PT_LEVEL_SIZE(level) - (va & (PT_LEVEL_SIZE(level) - 1)), size);
			if (arch_pte_present(e))
				op(slot, e, level, part, ctx);
		}
		va += part;
		size -= part;
	}
	arch_pt_sync();
}

/*
 * Leaves have Accessed and Dirty set from the start, so hardware never writes an entry and a plain
 * store loses no update.
 */
static inline void pt_clear_leaf(pte_t *slot, pte_t e, unsigned level, size_t part, void *ctx)
{
	BUG_ON(part != PT_LEVEL_SIZE(level), "unmapping 0x%lx of a leaf of 0x%lx bytes at physical 0x%lx",
	       part, PT_LEVEL_SIZE(level), arch_pte_paddr(e, level));
	arch_pte_write(slot, (pte_t){0});
}

void pt_unmap(vaddr_t va, size_t size)
{
	pt_check_request(va, 0, size, 0);
	pt_each_leaf(va, size, true, pt_clear_leaf, NULL);
}

static inline void pt_protect_leaf(pte_t *slot, pte_t e, unsigned level, size_t part, void *ctx)
{
	pt_prot_t type = arch_pte_prot(e, level) & PT_MEMTYPE_MASK;

	arch_pte_write(slot, arch_pte_leaf(arch_pte_paddr(e, level), *(pt_prot_t *)ctx | type, level));
}

/* Returns whether a leaf translates both va and the address before it. */
static bool pt_leaf_across(vaddr_t va)
{
	struct pt_query q = pt_lookup(va);

	return q.mapped && (va & (q.size - 1));
}

int pt_protect(vaddr_t va, size_t size, pt_prot_t prot)
{
	pt_check_request(va, 0, size, prot);
	BUG_ON(prot & PT_MEMTYPE_MASK, "va 0x%016lx: a memory type cannot change in place", va);
	if (size && (pt_leaf_across(va) || pt_leaf_across(va + size)))
		return -EINVAL;
	pt_each_leaf(va, size, false, pt_protect_leaf, &prot);
	return 0;
}

static inline void pt_add_leaf(pte_t *slot, pte_t e, unsigned level, size_t part, void *ctx)
{
	*(size_t *)ctx += part;
}

size_t pt_mapped_bytes(vaddr_t va, size_t size)
{
	size_t bytes = 0;

	pt_each_leaf(va, size, false, pt_add_leaf, &bytes);
	return bytes;
}

/* ---- tables of a range ---- */

int pt_populate(vaddr_t va, size_t size, unsigned level, gfp_t gfp)
{
	size_t span = PT_LEVEL_SIZE(level + 1);

	for (size_t off = 0; off < size; off += span - ((va + off) & (span - 1))) {
		pte_t *slot;
		int err = pt_make_slot(va + off, level, gfp, &slot);

		if (err)
			return err;
	}
	return 0;
}

static bool pt_table_empty(const pte_t *table)
{
	for (unsigned i = 0; i < PT_ENTRIES; i++)
		if (arch_pte_present(arch_pte_read(&table[i])))
			return false;
	return true;
}

static void pt_free_table_rcu(struct rcu_head *head)
{
	pt_free_table(container_of((struct list_head *)head, struct page, lru));
}
static_assert(sizeof(struct rcu_head) <= sizeof(struct list_head), "rcu_head overlays page->lru");

/* Arguments of pt_for_each_dying() for its callback. */
struct pt_dying {
	frame_fn fn;
	void *ctx;
};

/* Unlinked tables, and the flush that drops them from the CPUs' paging-structure caches. */
struct pt_reclaim {
	struct list_head tables;
	struct tlb_batch batch;
	unsigned long nr;
};

/*
 * Unlinks the table in slot if it is empty. The range's owner is the caller, so no CPU fills the table
 * meanwhile.
 */
static void pt_unlink_table(struct pt_reclaim *r, pte_t *slot, unsigned level, vaddr_t va)
{
	pte_t e = arch_pte_read(slot);
	struct page *page;

	if (!arch_pte_is_table(e, level) || !pt_table_empty(pte_table(e, level)))
		return;
	page = phys_to_page(arch_pte_paddr(e, level));
	/* Tables from memblock are never freed. */
	if (!pfn_valid(page_to_pfn(page)) || !(page->flags & PG_table))
		return;
	spin_lock(&pt_lock);
	arch_pte_clear(slot);
	arch_pt_sync();
	spin_unlock(&pt_lock);
	mm_counter_add(MM_PAGETABLE, -1);
	pt_hint_forget(va);
	list_add_tail(&page->lru, &r->tables);
	tlb_batch_add(&r->batch, va, va + PAGE_SIZE);
	r->nr++;
}

/*
 * After the flush only software walks can still read an unlinked table; the grace period waits for
 * them.
 */
static void pt_free_tables(struct pt_reclaim *r)
{
	struct page *page, *tmp;

	tlb_batch_flush(&r->batch);
	list_for_each_entry_safe (page, tmp, &r->tables, lru)
		call_rcu((struct rcu_head *)&page->lru, pt_free_table_rcu);
}

unsigned long pt_reclaim(vaddr_t va, size_t size)
{
	struct pt_reclaim r;

	list_init(&r.tables);
	tlb_batch_init(&r.batch);
	r.batch.tables = true;
	r.nr = 0;
	/* From the lowest level up: a table becomes empty when its last child is unlinked. */
	for (unsigned level = 1; level < arch_pt_levels(); level++) {
		size_t span = PT_LEVEL_SIZE(level), off = -va & (span - 1);

		while (off < size && size - off >= span) {
			unsigned at;

			pt_walk(kernel_root, va + off, &at);
			if (at > level) { /* a hole or a large leaf: no table below */
				off += PT_LEVEL_SIZE(at) - ((va + off) & (PT_LEVEL_SIZE(at) - 1));
				continue;
			}
			pt_unlink_table(&r, pt_slot(va + off, level), level, va + off);
			off += span;
		}
	}
	pt_free_tables(&r);
	return r.nr;
}

/* ---- for the check ---- */

static void pt_find_dying(struct rcu_head *head, void *ctx)
{
	const struct page *page = container_of((struct list_head *)head, struct page, lru);
	const struct pt_dying *d = ctx;

	if (head->func == pt_free_table_rcu && check_page(page))
		d->fn(page_to_pfn(page), 0, d->ctx);
}

void pt_for_each_dying(frame_fn fn, void *ctx)
{
	struct pt_dying d = {fn, ctx};

	rcu_for_each(pt_find_dying, &d);
}

bool pt_hints_sound(void)
{
	unsigned cpu;

	for_each_possible_cpu (cpu) {
		vaddr_t va = per_cpu(pt_hint.span, cpu) << PT_LEVEL_SHIFT(1);

		if (va && per_cpu(pt_hint.table, cpu) != pt_slot(va, 0))
			return false;
	}
	return true;
}
