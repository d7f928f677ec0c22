/*
 * vmalloc.c - virtually contiguous memory built from single pages.
 *
 * Idea.       vmalloc() takes addresses from vmap.c, pages from the page allocator, and maps them with
 *             pgtable.c. vfree() is lazy: it clears the entries and queues the area together with its
 *             pages. A purge flushes the TLBs once for all queued areas; only then are pages and
 *             addresses free. One flush serves thousands of areas, and no page is reused while a TLB
 *             may still translate to it.
 * Layout.     area -> vm_struct -> pages[] -> page frames. pages[] lies
 *
 *               up to 4 pages (VMAP_FEW_PAGES)    in the area's descriptor
 *               up to 512 pages (4 KiB pages)     in kmalloc memory, at most one page of pointers
 *               above                             in a vmalloc area of its own
 *
 *             vfree() in an interrupt pushes the area on deferred_frees; the link is the first word of
 *             its memory.
 * Invariants. M1  order of freeing: entries cleared, TLBs flushed, pages freed, addresses reused
 *             An area that a caller holds is completely mapped, except for its guard page: vmap.V4.
 *             MM_VMALLOC counts the pages of busy and lazy areas: vmap.V5.
 * Locking.    This file has no lock. Single pages come from per-CPU lists, counters are per CPU,
 *             address ranges have the locks of vmap.c. An area belongs to its caller until vfree(),
 *             then to the purge.
 * Failure.    NULL; the pages and addresses of the failed request are free again at once. Freeing an
 *             address that is not the start of an area, or with the wrong call, is a BUG that describes
 *             the address.
 * Next:       kmap.c.
 */
#include <mm/vmalloc.h>

#include "vmap.h"

#include <mm/kmalloc.h>
#include <mm/page_alloc.h>
#include <mm/pgtable.h>
#include <mm/tlb.h>

#include <kernel/failure.h>
#include <kernel/bug.h>
#include <kernel/cmdline.h>
#include <kernel/cpumask.h>
#include <kernel/errno.h>
#include <kernel/fault.h>
#include <kernel/printk.h>
#include <kernel/random.h>
#include <kernel/string.h>
#include <kernel/work.h>

#include <arch/cpu.h>
#include <arch/irq.h>
#include <arch/san.h>

/*
 * Rounds of a full purge. A freed area's pages[] may be an area, which has a pages[], and so on; each
 * round frees one level.
 */
enum { ALL_ROUNDS = ARCH_PT_MAX_LEVELS };

static u64 opt_window;
static bool opt_nokaslr;
static unsigned long ram_pages;

FAULT_ATTR(fail_vmalloc);

static int window_set(const char *value)
{
	u64 size;
	int err = value ? parse_size(value, &size) : -EINVAL;

	if (err || size < KIB(64))
		return -EINVAL;
	opt_window = size & PAGE_MASK;
	return 0;
}
CMDLINE_OPT("vmalloc", "a size of 64K or more", window_set);

static int nokaslr_set(const char *value)
{
	opt_nokaslr = true;
	return value ? -EINVAL : 0;
}
CMDLINE_OPT("nokaslr", "no value", nokaslr_set);

static int fail_vmalloc_set(const char *value)
{
	return fault_attr_parse(value, &fail_vmalloc);
}
CMDLINE_OPT("fail_vmalloc", FAULT_ATTR_EXPECTED, fail_vmalloc_set);

/* ---- the frames of an area ---- */

/* Bytes of the area without its guard page. */
static size_t area_bytes(const struct vmap_area *a)
{
	return a->vm.size - PAGE_SIZE;
}

/* Bytes of the pages that the area owns. 0 for vmap(): its pages belong to the caller. */
static size_t frame_bytes(const struct vmap_area *a)
{
	return (size_t)a->vm.nr_pages << PAGE_SHIFT;
}

static void free_page_array(struct vmap_area *a)
{
	if (a->vm.pages == a->few)
		return;
	if (is_vmalloc_addr(a->vm.pages))
		vfree(a->vm.pages);
	else
		kfree(a->vm.pages);
}

static struct page **alloc_page_array(struct vmap_area *a, unsigned nr, gfp_t gfp, int nid)
{
	size_t bytes = nr * sizeof(struct page *);

	if (nr <= VMAP_FEW_PAGES)
		return a->few;
	if (bytes > PAGE_SIZE)
		return vmalloc_gfp(bytes, gfp, nid, 0, a->vm.caller);
	return kmalloc_node(bytes, gfp, nid == NUMA_INTERLEAVE ? NUMA_NO_NODE : nid);
}

/* Collects pages of many areas, so adjacent ones merge before they enter the buddy's lists. */
struct gather {
	unsigned nr;
	struct page *page[128];
};

static void gather_flush(struct gather *g)
{
	free_pages_bulk(g->page, g->nr);
	g->nr = 0;
}

static void gather_frames(struct gather *g, struct page **pages, unsigned nr)
{
	/* A long area is freed as a batch of its own. */
	struct page **to = pages;

	if (nr <= ARRAY_SIZE(g->page) / 2) {
		if (nr > ARRAY_SIZE(g->page) - g->nr)
			gather_flush(g);
		to = g->page + g->nr;
		g->nr += nr;
	}
	for (unsigned i = 0; i < nr; i++) {
		struct page *page = pages[i];

		UPDATE_ONCE(page->flags, &=, ~PG_vmalloc);
		to[i] = page;
	}
	if (to == pages)
		free_pages_bulk(pages, nr);
}

static void free_huge_frames(struct page **pages, unsigned nr)
{
	for (unsigned i = 0; i < nr; i += 1u << HUGE_ORDER) {
		UPDATE_ONCE(pages[i]->flags, &=, ~PG_vmalloc);
		__free_pages(pages[i], HUGE_ORDER);
	}
}

static void free_frames(struct vmap_area *a, struct gather *g)
{
	if (!a->vm.pages)
		return;
	if (a->vm.page_level == 0)
		gather_frames(g, a->vm.pages, a->vm.nr_pages);
	else
		free_huge_frames(a->vm.pages, a->vm.nr_pages);
	free_page_array(a);
}

/* Allocates blocks of HUGE_ORDER, one for each large leaf. pages[] names every page of each block. */
static unsigned alloc_huge_frames(struct page **pages, unsigned nr, gfp_t gfp, int nid)
{
	for (unsigned got = 0; got < nr; got += 1u << HUGE_ORDER) {
		struct page *block = alloc_pages_node(nid, gfp, HUGE_ORDER);

		if (!block)
			return got;
		for (unsigned i = 0; i < 1u << HUGE_ORDER; i++)
			pages[got + i] = block + i;
	}
	return nr;
}

/* Up to VMAP_FEW_PAGES pages come from per-CPU lists. More are cut from buddy blocks under one lock. */
static __always_inline unsigned alloc_small_frames(struct page **pages, unsigned nr, gfp_t gfp, int nid)
{
	unsigned got = 0;

	if (nr > VMAP_FEW_PAGES)
		return (unsigned)alloc_pages_bulk(nid, gfp, nr, pages);
	while (got < nr && (pages[got] = alloc_pages_node(nid, gfp, 0)) != NULL)
		got++;
	return got;
}

/*
 * Allocates nr pages into vm.pages. vm.nr_pages is the number obtained, also if it is less than nr
 * (returns false).
 */
static __always_inline bool alloc_frames(struct vmap_area *a, unsigned nr, unsigned level, gfp_t gfp, int nid)
{
	struct page **pages = alloc_page_array(a, nr, gfp & GFP_RECLAIM_MASK, nid);
	unsigned got, step = 1u << (level * PT_INDEX_BITS);

	if (!pages)
		return false;
	if (!(gfp & (__GFP_DMA | __GFP_DMA32)))
		gfp |= __GFP_HIGHMEM;
	got = level == 0 ? alloc_small_frames(pages, nr, gfp, nid) : alloc_huge_frames(pages, nr, gfp, nid);
	for (unsigned i = 0; i < got; i += step)
		UPDATE_ONCE(pages[i]->flags, |=, PG_vmalloc);
	a->vm.pages = pages;
	a->vm.nr_pages = got;
	mm_counter_add(MM_VMALLOC, got);
	return got == nr;
}

/* ---- freeing ---- */

/*
 * Clears the area's entries and publishes that fact in a->cleared. From then on a purge may free the
 * area: do not touch it.
 */
static void retire(vaddr_t start, size_t bytes, struct vmap_area *a)
{
	pt_unmap(start, bytes);
	atomic_store_explicit(&a->cleared, true, memory_order_release);
}

/*
 * Odd while this CPU purges. Areas that it frees meanwhile are only queued. Other CPUs wait for a
 * change of the number, so they notice the end of a purge even if the next one has begun.
 */
DEFINE_PER_CPU(unsigned long, purge_turn);

static bool in_purge(void)
{
	return this_cpu(purge_turn) & 1;
}

static void purge_turn_next(void)
{
	unsigned long *turn = this_cpu_ptr(&purge_turn);

	__atomic_store_n(turn, *turn + 1, __ATOMIC_RELEASE);
}

/*
 * One shootdown for all areas that are not flushed yet. Guard pages are left out: they were never
 * mapped.
 */
static void flush_areas(const struct list_head *areas)
{
	struct tlb_batch batch;
	const struct vmap_area *a;

	tlb_batch_init(&batch);
	list_for_each_entry (a, areas, list) {
		if (a->flushed)
			continue;
		/*
		 * Small leaves may come next at these addresses, and no TLB may hold leaves of two
		 * sizes (mm/tlb.h).
		 */
		if (unlikely(a->vm.page_level))
			batch.tables = true;
		if (!tlb_batch_full(&batch))
			tlb_batch_add(&batch, a->start, a->start + area_bytes(a));
	}
	tlb_batch_flush(&batch);
}

/* Frees pages and addresses of flushed areas. Returns the number of pages. */
static unsigned long give_back(struct vmap_stolen *stolen)
{
	unsigned long pages = 0;
	struct vmap_area *a;
	struct gather g;

	g.nr = 0;
	list_for_each_entry (a, &stolen->areas, list) {
		pages += a->vm.nr_pages;
		/*
		 * The range is unmapped and flushed, so an access faults by itself: drop the sanitizer
		 * marks.
		 */
		san_reveal(a->vm.addr, frame_bytes(a));
		free_frames(a, &g);
	}
	gather_flush(&g);
	mm_counter_add(MM_VMALLOC, -(long)pages);
	vmap_release(stolen);
	return pages;
}

/*
 * Purges until no cleared area is left or ALL_ROUNDS are done. The bound is needed because other CPUs
 * may free without end. Returns pages freed.
 */
static unsigned long purge_all(void)
{
	struct vmap_stolen stolen;
	unsigned long total = 0;

	if (in_purge())
		return 0;
	purge_turn_next();
	for (unsigned round = 0; round < ALL_ROUNDS && vmap_steal_lazy(&stolen); round++) {
		flush_areas(&stolen.areas);
		total += give_back(&stolen);
	}
	purge_turn_next();
	return total;
}

/*
 * Purges if the lazy pages exceed the limit. Several CPUs may notice at once: at_it admits one, the
 * others leave their areas to that purge or the next. Each CPU frees the areas of its own shard, with
 * descriptors and pages from its own caches. Owners of other shards are notified and do so at their
 * next vfree().
 */
static __noinline void purge_above_limit(void)
{
	static _Atomic bool at_it;
	struct vmap_stolen stolen;

	WRITE_ONCE(*this_cpu_ptr(&vmap_many_lazy), false);
	/*
	 * Pairs with leave_to(), which adds flushed_bytes before it sets the flag. If that store was
	 * overwritten by the false above, the read of flushed_bytes below sees the bytes. If it comes
	 * later, the flag stays set and the next vfree() returns here.
	 */
	full_barrier();
	if (in_purge())
		return;
	purge_turn_next();
	if (vmap_take_flushed(&stolen))
		give_back(&stolen);
	if (vmap_lazy_above_limit() && !atomic_exchange_explicit(&at_it, true, memory_order_acquire)) {
		if (vmap_lazy_above_limit() && vmap_steal_lazy(&stolen)) {
			flush_areas(&stolen.areas);
			vmap_hand_over(&stolen);
			give_back(&stolen);
		}
		atomic_store_explicit(&at_it, false, memory_order_release);
	}
	purge_turn_next();
}

/*
 * Waits for the purge that each other CPU is in, because its areas are not free yet. Purges that begin
 * later hold areas that became lazy later. Returns whether there was one.
 */
static bool wait_for_purges(void)
{
	bool waited = false;
	unsigned cpu;

	for_each_online_cpu (cpu) {
		const unsigned long *turn = per_cpu_ptr(&purge_turn, cpu);
		unsigned long was = __atomic_load_n(turn, __ATOMIC_ACQUIRE);

		if (!(was & 1))
			continue;
		waited = true;
		while (__atomic_load_n(turn, __ATOMIC_ACQUIRE) == was)
			arch_cpu_relax();
	}
	return waited;
}

unsigned long vm_unmap_aliases(void)
{
	unsigned long total = purge_all();

	/* Those purges returned flushed areas to the shards of other CPUs. */
	if (!in_purge() && wait_for_purges())
		total += purge_all();
	vmap_drain();
	return total;
}

unsigned long vmalloc_lazy_pages(void)
{
	return vmap_lazy_pages();
}

u64 vmalloc_lazy_purges(void)
{
	return vmap_nr_purges();
}

static __cold __noreturn void bad_free(const char *call, vaddr_t addr, unsigned flags, unsigned long caller)
{
	struct vmap_area *a = vmap_find(addr);
	char where[160];

	vmalloc_describe(addr, where, sizeof(where));
	if (a && a->start == addr)
		BUG("%s(0x%016lx): area was made by %s, not for this call; by %pS", call, addr,
		    flags == VM_MAP ? "vmalloc" : "vmap", (void *)caller);
	BUG("%s(0x%016lx): not the start of an area: %s; by %pS", call, addr, where, (void *)caller);
}

static void free_area(const char *call, vaddr_t addr, unsigned flags, unsigned long caller)
{
	struct vmap_area *a = vmap_retire(addr, flags);

	if (unlikely(!a))
		bad_free(call, addr, flags, caller);
	/*
	 * Mark the range unusable now: until the purge an access could still succeed through a TLB
	 * entry.
	 */
	san_free(a->vm.addr, frame_bytes(a));
	retire(a->start, area_bytes(a), a);
	if (unlikely(READ_ONCE(*this_cpu_ptr(&vmap_many_lazy))))
		purge_above_limit();
}

/*
 * Areas freed in interrupts: a lock-free stack linked through their first word. Interrupts push,
 * deferred_work takes all.
 */
static _Atomic(const void *) deferred_frees;

static bool free_deferred(void)
{
	const void *addr = atomic_exchange_explicit(&deferred_frees, NULL, memory_order_acquire);

	while (addr) {
		const void *next;

		if (!vmap_find((vaddr_t)addr))
			bad_free("vfree from an interrupt", (vaddr_t)addr, VM_ALLOC, 0);
		next = *(const void *const *)addr;
		free_area("vfree from an interrupt", (vaddr_t)addr, VM_ALLOC, 0);
		addr = next;
	}
	return false;
}

static struct work deferred_work = {.name = "vfree", .step = free_deferred};

static void vfree_deferred(const void *addr)
{
	const void *first = atomic_load_explicit(&deferred_frees, memory_order_relaxed);

	BUG_ON(!is_vmalloc_addr(addr) || ((vaddr_t)addr & ~PAGE_MASK), "vfree(%p) from an interrupt", addr);
	/* The requested size may be less than one pointer: open the first word for the link. */
	san_reveal(addr, sizeof(addr));
	do
		*(const void **)addr = first;
	while (!atomic_compare_exchange_weak_explicit(&deferred_frees, &first, addr, memory_order_release,
						      memory_order_relaxed));
	work_request(&deferred_work);
}

void vfree(const void *addr)
{
	if (unlikely(!addr))
		return;
	if (unlikely(arch_in_interrupt()))
		vfree_deferred(addr);
	else
		free_area("vfree", (vaddr_t)addr, VM_ALLOC, CALLER);
}

void vunmap(const void *addr)
{
	if (addr)
		free_area("vunmap", (vaddr_t)addr, VM_MAP, CALLER);
}

/* ---- allocation ---- */

/* Second try: purge, since lazy areas may occupy the window. */
static __noinline struct vmap_area *get_area_slow(size_t size, size_t align, unsigned flags,
						  unsigned long caller, gfp_t gfp)
{
	unsigned long mark = failure_mark();
	struct vmap_area *a;

	vm_unmap_aliases();
	a = vmap_alloc(size, align, flags, caller, gfp);
	/*
	 * Without a descriptor the slab layer has reported the failure, and a larger window would not
	 * help.
	 */
	if (!a && !(gfp & __GFP_NOWARN) && !strcmp(failure_since(mark), VMAP_NO_ADDRESSES))
		pr_warn_once("vmap allocation for size %zu failed: " VMAP_NO_ADDRESSES
			     ", use vmalloc=<size> to increase its size\n",
			     size);
	return a;
}

static inline struct vmap_area *get_area(size_t bytes, size_t align, unsigned flags, unsigned long caller,
					 gfp_t gfp)
{
	struct vmap_area *a = vmap_alloc(bytes + PAGE_SIZE, align, flags, caller, gfp);

	return likely(a) ? a : get_area_slow(bytes + PAGE_SIZE, align, flags, caller, gfp);
}

/*
 * Undoes a request that failed after the area was inserted; the purge at once returns its pages and
 * addresses.
 */
static void undo_area(struct vmap_area *a)
{
	vmap_retire(a->start, ~0u);
	retire(a->start, area_bytes(a), a);
	vm_unmap_aliases();
}

/*
 * Sanitizer marks for the area's own addresses. Those of the pages' direct map do not cover them
 * (arch/san.h).
 */
static __always_inline void mark_area(char *p, size_t size, size_t bytes, gfp_t gfp)
{
	if (gfp & __GFP_ZERO)
		san_reveal(p, size);
	else
		san_alloc(p, size);
	san_free(p + size, bytes - size);
}

/*
 * Always inlined: each caller passes a constant level, so sizes fold to constants. align is a multiple
 * of the leaf size.
 */
static __always_inline void *vmalloc_level(size_t size, size_t align, unsigned level, gfp_t gfp, int nid,
					   unsigned flags, unsigned long caller)
{
	size_t bytes = ALIGN_UP(size, PT_LEVEL_SIZE(level));
	struct vmap_area *a = get_area(bytes, align, VM_ALLOC | flags, caller, gfp);

	if (unlikely(!a))
		return NULL;
	a->vm.page_level = level;
	if (unlikely(!alloc_frames(a, (unsigned)(bytes >> PAGE_SHIFT), level, gfp, nid)))
		goto err;
	/* Empty tables may occupy the slots of the large leaves: free them first. */
	if (level)
		pt_reclaim(a->start, bytes);
	if (unlikely(pt_map_pages(a->start, a->vm.pages, a->vm.nr_pages, PT_RW, level, gfp)))
		goto err;
	mark_area(a->vm.addr, size, bytes, gfp);
	return a->vm.addr;
err:
	undo_area(a);
	return NULL;
}

/* Returns whether the request is valid and not chosen by fault injection. Notes the reason if not. */
static __always_inline bool vmalloc_begins(size_t size, gfp_t gfp, unsigned long caller)
{
	if (unlikely(!size || size >> PAGE_SHIFT >= ram_pages)) {
		if (!(gfp & __GFP_NOWARN))
			pr_warn_once("vmalloc: size %zu of request by %pS is 0 or exceeds RAM\n", size,
				     (void *)caller);
		failure_note("the size is 0 or exceeds RAM");
		return false;
	}
	return !fault_hits(&fail_vmalloc, !(gfp & __GFP_NOFAIL), size);
}

void *vmalloc_gfp(size_t size, gfp_t gfp, int nid, unsigned vm_flags, unsigned long caller)
{
	void *p = NULL;

	if (unlikely(!vmalloc_begins(size, gfp, caller)))
		return NULL;
	if ((vm_flags & VM_HUGE) && size >= PT_LEVEL_SIZE(HUGE_LEVEL) && vmalloc_has_huge())
		p = vmalloc_level(size, PT_LEVEL_SIZE(HUGE_LEVEL), HUGE_LEVEL,
				  (gfp & ~__GFP_NOFAIL) | __GFP_NOWARN | __GFP_NORETRY, nid, vm_flags,
				  caller);
	if (!p)
		p = vmalloc_level(size, PAGE_SIZE, 0, gfp, nid, vm_flags, caller);
	return p;
}

void *__vmalloc_node(size_t size, size_t align, gfp_t gfp, int nid, const void *caller)
{
	align = max(align, PAGE_SIZE);
	BUG_ON(!is_pow2(align), "__vmalloc_node: alignment 0x%zx", align);
	if (align > vmap_end - vmap_start) {
		failure_note("the alignment exceeds the vmalloc window");
		return NULL;
	}
	if (!vmalloc_begins(size, gfp, (unsigned long)caller))
		return NULL;
	return vmalloc_level(size, align, 0, gfp, nid, 0, (unsigned long)caller);
}

void *vmalloc(size_t size)
{
	return vmalloc_gfp(size, GFP_KERNEL, NUMA_NO_NODE, 0, CALLER);
}

void *vzalloc(size_t size)
{
	return vmalloc_gfp(size, GFP_KERNEL | __GFP_ZERO, NUMA_NO_NODE, 0, CALLER);
}

void *vmalloc_node(size_t size, int nid)
{
	return vmalloc_gfp(size, GFP_KERNEL, nid, 0, CALLER);
}

void *vmalloc_interleave(size_t size)
{
	return vmalloc_gfp(size, GFP_KERNEL, NUMA_INTERLEAVE, 0, CALLER);
}

void *vmalloc_32(size_t size)
{
	return vmalloc_gfp(size, GFP_KERNEL | __GFP_DMA32, NUMA_NO_NODE, 0, CALLER);
}

void *vmalloc_huge(size_t size, gfp_t gfp)
{
	return vmalloc_gfp(size, gfp, NUMA_NO_NODE, VM_HUGE, CALLER);
}

void *vmap(struct page **pages, unsigned nr, unsigned flags, pt_prot_t prot)
{
	struct vmap_area *a;

	if (flags & VM_NO_GUARD)
		pr_warn_once("vmap: every area has a guard page; asked for none by %pS\n", (void *)CALLER);
	if (!nr || nr > ram_pages)
		failure_note("the number of pages is 0 or exceeds RAM");
	if (!nr || nr > ram_pages || fault_hits(&fail_vmalloc, true, (size_t)nr << PAGE_SHIFT))
		return NULL;
	a = get_area((size_t)nr << PAGE_SHIFT, PAGE_SIZE, VM_MAP, CALLER, GFP_KERNEL);
	if (!a)
		return NULL;
	if (pt_map_pages(a->start, pages, nr, prot & ~(pt_prot_t)PT_EXEC, 0, GFP_KERNEL)) {
		undo_area(a);
		return NULL;
	}
	return a->vm.addr;
}

/* ---- lookup ---- */

struct page *vmalloc_to_page(const void *addr)
{
	struct pt_query q = pt_lookup((vaddr_t)addr);

	return q.mapped && pfn_valid(q.pa >> PAGE_SHIFT) ? phys_to_page(q.pa) : NULL;
}

struct vm_struct *find_vm_area(const void *addr)
{
	struct vmap_area *a = vmap_find((vaddr_t)addr);

	return a ? &a->vm : NULL;
}

/* ---- kmalloc or vmalloc ---- */

static void *kvmalloc_from(size_t size, gfp_t gfp, int nid, unsigned long caller)
{
	gfp_t try = gfp;
	void *p;

	/* Large contiguous memory is not worth reclaim, because vmalloc() can serve the request. */
	if (size > PAGE_SIZE && gfp_may_block(gfp))
		try = (gfp | __GFP_NOWARN | __GFP_NORETRY) & ~__GFP_NOFAIL;
	p = size <= KMALLOC_MAX_SIZE ? kmalloc_node(size, try, nid) : NULL;
	if (p || size <= PAGE_SIZE || !gfp_may_block(gfp))
		return p;
	return vmalloc_gfp(size, gfp, nid, VM_ALLOC, caller);
}

void *kvmalloc_node(size_t size, gfp_t gfp, int nid)
{
	return kvmalloc_from(size, gfp, nid, CALLER);
}

void *kvmalloc(size_t size, gfp_t gfp)
{
	return kvmalloc_from(size, gfp, NUMA_NO_NODE, CALLER);
}

void kvfree(const void *p)
{
	if (is_vmalloc_addr(p))
		vfree(p);
	else
		kfree(p);
}

/* ---- boot ---- */

/*
 * Chooses base and size of the window. Default size: half of the region, so the base can move. The seed
 * picks one of the places at 1 GiB steps.
 */
static vaddr_t choose_window(size_t *size)
{
	size_t room = VMALLOC_END - VMALLOC_START, places;

	*size = opt_window ? min(opt_window, room) : room / 2;
	places = (room - *size) / GIB(1) + 1;
	return VMALLOC_START + (opt_nokaslr ? 0 : mix64(boot_seed() ^ VMALLOC_START) % places) * GIB(1);
}

/* No count: a purge without lazy areas still drains the shards' spare ranges. */
static unsigned long lazy_scan(unsigned long nr)
{
	(void)nr;
	return vm_unmap_aliases();
}

static struct shrinker lazy_shrinker = {.name = "vmalloc", .rank = SHRINKER_LAZY_AREAS, .scan = lazy_scan};

void vmalloc_init(void)
{
	/* All possible CPUs will be online soon. */
	unsigned cpus = cpumask_weight(&cpu_possible_mask);
	size_t size;
	vaddr_t start = choose_window(&size);
	unsigned long lazy_limit;

	pt_count_boot_tables();
	/* An area counts its pages in 32 bits. */
	ram_pages = min(totalram_pages(), BIT(31));
	/* Linux: lazy_max_pages(). */
	lazy_limit = min(fls64(cpus) * (MIB(32) >> PAGE_SHIFT), ram_pages / 64);
	vmap_init(start, start + size);
	vmalloc_set_lazy_limit(lazy_limit);
	work_register(&deferred_work);
	register_shrinker(&lazy_shrinker);
	pr_info("vmalloc: 0x%016lx-0x%016lx, lazy limit %lu pages\n", start, start + size - 1, lazy_limit);
}
