/*
 * pgtable.c - the kernel's page tables: the only walker, for three to five levels.
 *
 * Idea.       A walk is one loop from the root down; the vendor's encoding of an entry stays behind
 *             <arch/pt.h>. Ranges are served table by table: one walk finds a table, then its entries are
 *             written in a tight loop, so a long range costs a few instructions per leaf.
 * Layout.     level      n-1 (root)        ...         1                 0
 *             entry is   a table           ...    2 MiB leaf or     4 KiB leaf     (with a 4 KiB granule)
 *                                                 table of 512
 *             Tables come from memblock until it hands over (those are never freed), then from the page
 *             allocator, with PG_table set. A zero entry is an absent one. Each CPU remembers the last table
 *             of level 0 that it mapped or unmapped something in (pt_hint).
 * Invariants. P1  a present entry is a leaf of a size that the machine has, aligned to it, or a table in RAM
 *             P2  no leaf is writable and executable; nothing is mapped below the lowest of the kernel's
 *                 windows
 *             P3  tables reachable from the root == MM_PAGETABLE; each is a reserved frame of boot or has PG_table, and
 *                 no other frame has it but those that wait for a grace period
 *             P4  an entry has no bit but those that its address, protection and memory type give it; an absent one is 0
 *             P5  each leaf lies in a window of the kernel, and the owner of the window has asked for it
 *             P6  a CPU's pt_hint names the table that translates its addresses; the CPU walks from this root
 * Locking.    pt_lock for installing and removing tables, with the new table reserved before it is taken.
 *             Leaves belong to the owner of the address range and need no lock. Walks take none either: a
 *             removed table stays readable for a grace period. A table may only be removed by the owner of
 *             all addresses below it, so nobody writes into a table that is being removed.
 * Failure.    A map call that cannot have a table clears what it wrote and returns -ENOMEM; like after
 *             pt_unmap the owner flushes before the addresses are used again. Tables that it made stay.
 * Next:       direct_map.c, which builds the first mappings with it; pt_check.c, which looks at all of them.
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
static unsigned long boot_tables; /* from memblock; not in MM_PAGETABLE before pt_count_boot_tables() */

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

/* Reserve, lock, commit. Another CPU may win the slot: its table is as good. */
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

/* Before pgtable_init() questions are answered from the loader's tables. */
static pte_t *pt_current_root(void)
{
	return kernel_root ? kernel_root : phys_to_virt(arch_pt_root());
}

/*
 * Slot that translates va, or the first one above it that is absent or a leaf. Locks: none (tables are freed
 * after a grace period).
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
 * The table of level 0 that this CPU worked on last: who maps one small range soon unmaps it or maps its
 * neighbour. It is linked: pt_unlink_table() makes every CPU forget it, and no CPU can take it up again
 * meanwhile, since all of its addresses belong to who unlinks it. Only for mapping and unmapping, which never
 * happen in an interrupt.
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
 * The slot of va at `level`, the tables above it made as needed. -ENOMEM; -EEXIST: a larger leaf is in the
 * way.
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

	if (!arch_pt_covers(va)) { /* no table at all */
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

/* Addresses between the two canonical halves translate to nothing, though their index bits hit some slot. */
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

/* The largest leaf that va, pa and size allow. */
static unsigned pt_fit_level(vaddr_t va, paddr_t pa, size_t size, unsigned max_level)
{
	unsigned level = min(max_level, arch_pt_levels() - 1);

	while (level > 0 && (!arch_pt_leaf_ok(level) || ((va | pa) & (PT_LEVEL_SIZE(level) - 1)) ||
			     size < PT_LEVEL_SIZE(level)))
		level--;
	return level;
}

/*
 * Of n leaves that come next, those that are alike: whole groups, which get marked, or what lies before the next group's
 * start. A group must be aligned in both address spaces.
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

/* Writes n leaves for every step-th page; stops at a slot that is taken. Returns how many it wrote. */
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

/* Always inlined: with a constant level the arithmetic of sizes and indices is done by the compiler. */
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
 * Calls op for every leaf of the range, a table of level 0 at a time. clearing: the owner empties the range,
 * so op gets absent small entries too, where that is cheaper than to look, and the last table is remembered.
 * Always inlined, so that op becomes part of the loop. A large leaf that the range covers partly comes with
 * `part` below its size.
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
 * Leaves have Accessed and Dirty set from the start: hardware never writes one, and a plain store loses
 * nothing.
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

/* A leaf around va that also translates the address before it. */
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

struct pt_dying {
	frame_fn fn;
	void *ctx;
};

/* Tables that are on their way out of the tree, and what makes paging-structure caches forget them. */
struct pt_reclaim {
	struct list_head tables;
	struct tlb_batch batch;
	unsigned long nr;
};

/* Takes the table out of slot if it maps nothing. The range's owner calls, so nobody fills it meanwhile. */
static void pt_unlink_table(struct pt_reclaim *r, pte_t *slot, unsigned level, vaddr_t va)
{
	pte_t e = arch_pte_read(slot);
	struct page *page;

	if (!arch_pte_is_table(e, level) || !pt_table_empty(pte_table(e, level)))
		return;
	page = phys_to_page(arch_pte_paddr(e, level));
	if (!pfn_valid(page_to_pfn(page)) || !(page->flags & PG_table))
		return; /* a table of boot */
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

/* After the flush only a walk in software can hold a table, until the grace period ends. */
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
	/* Bottom up, so that a table that held only empty tables goes as well. */
	for (unsigned level = 1; level < arch_pt_levels(); level++) {
		size_t span = PT_LEVEL_SIZE(level), off = -va & (span - 1);

		while (off < size && size - off >= span) {
			unsigned at;

			pt_walk(kernel_root, va + off, &at);
			if (at > level) { /* a hole, or a leaf: no tables below */
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

unsigned long pt_boot_tables(void)
{
	return boot_tables;
}
