/*
 * tlb.c - the emulated TLB: mappings of the process in the window.
 *
 * Idea.       An access to an unmapped page of the window faults. The handler walks the tables and maps the whole leaf: a
 *             TLB fill. The mapping stays until it is flushed; a change of the entry alone has no effect, as on a
 *             machine. One mapping serves all threads, so its record names every online CPU as a holder (for a PT_LOCAL
 *             leaf, only the filling CPU). A flush removes the flushing CPU from the holders. Example with two CPUs:
 *
 *               CPU 0 accesses page A           mapped, holders 0 and 1
 *               CPU 0 clears A's entry, flushes mapped, holder 1: an access still succeeds
 *               CPU 1 flushes                   unmapped, the record is free
 *
 *             If a flush forgets CPU 1, the record remains, and the return of the frame to the buddy is a BUG here; on a
 *             machine it would be a rare crash. If all holders sleep, the mapping goes and the record stays until they
 *             flush. A sleeping CPU must not fill, because it has declared that it uses no translation. Capacity is
 *             bounded, and a random victim is unmapped at times. A machine might still hold a victim, so its record stays.
 * Layout.     record[]: leaf, holders, whether it is mapped, PC of the fill; chained by a hash of the address, one table
 *             for all levels. mapped[]: the records that are mapped. near[]: records by a hash of the 2 MiB of memory in
 *             which the leaf begins, one chain each.
 * Invariants. T1  the process maps a leaf in the window exactly if its record is in mapped[]
 *             Every record is in one bucket[] chain and in one near[] chain, and at least one CPU holds it.
 * Locking.    tlb_lock, interrupts off, because signal handlers use this file. "Read the entry, map the leaf" is one step
 *             for every flush. Only the test for an empty near[] chain needs no lock.
 * Failure.    If no record is free, one that is not mapped is forgotten. If mmap() fails, the process prints a message and
 *             ends.
 * Next:       mm/tlb.c, whose order (clear, flush, free) this file enforces.
 */
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host_internal.h"
#include <arch/cpu.h>
#include <arch/irq.h>
#include <arch/layout.h>
#include <arch/pt.h>
#include <arch/tlb.h>
#include <kernel/bits.h>
#include <kernel/bug.h>
#include <kernel/cpumask.h>
#include <kernel/random.h>

enum {
	TLB_ENTRIES = 4096,
	TLB_RECORDS = 16384,
	TLB_BUCKETS = 4096,
	NEAR_BUCKETS = 1 << 16,
	BLOCK_SHIFT = 21, /* a leaf is at most this large, or of the highest level with leaves */
	LEAF_LEVELS = 1 + (HOST_MAX_LEAF_SHIFT - PAGE_SHIFT) / PT_INDEX_BITS,
	RANDOM_DROP = 64, /* one in so many fills evicts an entry, as other work on a machine would */
	/* Above it one system call for the whole window is cheaper, except in Valgrind, which tracks the whole window. */
	FLUSH_ONE_BY_ONE = HOST_IN_VALGRIND ? TLB_ENTRIES : 64,
};

struct record {
	struct host_leaf leaf;
	unsigned long filled_by;
	unsigned long holders; /* CPUs that have not flushed it */
	u16 next;	       /* in its bucket or on the free list; 0: end */
	u16 next_near;	       /* in the chain of its memory */
	u16 mapped;	       /* index in mapped[] plus 1; 0: not mapped */
};

static struct record record[TLB_RECORDS]; /* [0] is unused */
static u16 bucket[TLB_BUCKETS], free_record, nr_records;
static u16 mapped[TLB_ENTRIES];
static unsigned nr_mapped;
static u16 near[NEAR_BUCKETS];

static u64 victim_state;

static _Atomic bool tlb_lock;

static unsigned long tlb_lock_irqsave(void)
{
	unsigned long flags = arch_irq_save();

	host_lock(&tlb_lock);
	return flags;
}

static void tlb_unlock_irqrestore(unsigned long flags)
{
	host_unlock(&tlb_lock);
	arch_irq_restore(flags);
}

static u32 victim_random(void)
{
	if (!victim_state)
		victim_state = mix64(boot_seed());
	return xorshift64(&victim_state);
}

static u16 *bucket_of(vaddr_t va, unsigned level)
{
	return &bucket[mix64(va >> PT_LEVEL_SHIFT(level) << 2 | level) % TLB_BUCKETS];
}

static u16 *near_of(paddr_t pa)
{
	return &near[(pa >> BLOCK_SHIFT) % NEAR_BUCKETS];
}

/* A plain system call: ThreadSanitizer treats libc's mmap() as a write to the whole range. */
static void map_window(vaddr_t va, size_t size, int prot, int flags, int fd, paddr_t pa)
{
	if (syscall(SYS_mmap, va, size, prot, flags | MAP_FIXED | MAP_NORESERVE, fd, pa) < 0)
		host_die("strata: mmap of 0x%lx bytes at 0x%lx failed\n", size, va);
}

static void unmap_window(vaddr_t va, size_t size)
{
	map_window(va, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	/* Valgrind must not report accesses: they fault, then fill the TLB or panic. */
	host_tell(MAKE_MEM_DEFINED, va, size);
}

/* Unmaps the leaf (if `call`) and takes the record out of mapped[]; the last entry moves to its place. */
static void record_unmap(struct record *r, bool call)
{
	if (call)
		unmap_window(r->leaf.va, PT_LEVEL_SIZE(r->leaf.level));
	nr_mapped--;
	mapped[r->mapped - 1] = mapped[nr_mapped];
	record[mapped[nr_mapped]].mapped = r->mapped;
	r->mapped = 0;
}

static void record_forget(u16 *link, bool call)
{
	u16 n = *link;
	struct record *r = &record[n];

	if (r->mapped)
		record_unmap(r, call);
	*link = r->next;
	for (link = near_of(r->leaf.pa); *link != n;)
		link = &record[*link].next_near;
	WRITE_ONCE(*link, r->next_near);
	*r = (struct record){.next = free_record};
	free_record = n;
}

static struct record *find_mapped(vaddr_t va)
{
	for (unsigned level = 0; level < LEAF_LEVELS; level++)
		for (u16 n = *bucket_of(va, level); n; n = record[n].next)
			if (record[n].mapped && record[n].leaf.level == level &&
			    record[n].leaf.va == (va & ~(PT_LEVEL_SIZE(level) - 1)))
				return &record[n];
	return NULL;
}

/* Returns the record of an identical leaf that was evicted and not flushed; 0: none. */
static u16 find_same(const struct host_leaf *leaf)
{
	for (u16 n = *bucket_of(leaf->va, leaf->level); n; n = record[n].next) {
		const struct host_leaf *l = &record[n].leaf;

		if (l->va == leaf->va && l->level == leaf->level && l->pa == leaf->pa &&
		    l->prot == leaf->prot)
			return n;
	}
	return 0;
}

/* Returns a free record. If none is free, forgets one that is not mapped: there are more records than mapped ones. */
static u16 record_take(void)
{
	u16 n = free_record;

	if (!n && nr_records < TLB_RECORDS - 1)
		return ++nr_records;
	if (!n) {
		u16 *link;

		do
			n = (u16)(1 + victim_random() % (TLB_RECORDS - 1));
		while (record[n].mapped);
		link = bucket_of(record[n].leaf.va, record[n].leaf.level);
		while (*link != n)
			link = &record[*link].next;
		record_forget(link, true);
	}
	free_record = record[n].next;
	return n;
}

/* Sleeping CPUs. They cannot use the translations that they hold. Their records stay until they flush. */
static _Atomic unsigned long lazy_cpus;

void host_tlb_lazy(bool lazy)
{
	unsigned long bit = 1UL << arch_cpu_id();

	if (lazy)
		atomic_fetch_or(&lazy_cpus, bit);
	else
		atomic_fetch_and(&lazy_cpus, ~bit);
}

/* Whether an access with permission `need` at va succeeds when it is repeated. */
enum fill { FILL_DONE, FILL_DENIED };

static enum fill fill(vaddr_t va, pt_prot_t need, unsigned long pc)
{
	struct record *r = find_mapped(va);
	struct host_leaf leaf;
	u16 n, *link;
	int prot = 0;

	/* Per-CPU variables are mapped permanently, so an idle CPU may access them. */
	BUG_ON(atomic_load(&lazy_cpus) >> arch_cpu_id() & 1 &&
		       va - PERCPU_BASE >= HOST_MAX_CPUS * PERCPU_STRIDE,
	       "idle CPU %u accessed 0x%016lx: its TLB entry may be stale; at %pS", arch_cpu_id(), va,
	       (void *)pc);
	/* Another thread has filled it meanwhile; or the leaf forbids the access, as it was at its fill. */
	if (r)
		return (r->leaf.prot & need) == need ? FILL_DONE : FILL_DENIED;
	if (!host_pt_walk(va, &leaf) || (leaf.prot & need) != need)
		return FILL_DENIED;
	if (leaf.pa >= host_ram_end || host_ram_end - leaf.pa < PT_LEVEL_SIZE(leaf.level))
		return FILL_DENIED; /* no memory answers there */
	if (nr_mapped == TLB_ENTRIES || (nr_mapped && victim_random() % RANDOM_DROP == 0))
		record_unmap(&record[mapped[victim_random() % nr_mapped]], true);
	prot |= leaf.prot & PT_READ ? PROT_READ : 0;
	prot |= leaf.prot & PT_WRITE ? PROT_WRITE : 0;
	prot |= leaf.prot & PT_EXEC ? PROT_EXEC : 0;
	map_window(leaf.va, PT_LEVEL_SIZE(leaf.level), prot, MAP_SHARED, host_memfd, leaf.pa);
	/* Valgrind: a write through this mapping defines the same bytes of the direct map. */
	if (prot & PROT_WRITE)
		host_tell(MAKE_MEM_DEFINED_IF_ADDRESSABLE, DIRECT_MAP_BASE + leaf.pa,
			  PT_LEVEL_SIZE(leaf.level));
	n = find_same(&leaf);
	if (!n) {
		n = record_take();
		link = bucket_of(leaf.va, leaf.level);
		record[n] = (struct record){.leaf = leaf, .next = *link, .next_near = *near_of(leaf.pa)};
		*link = n;
		WRITE_ONCE(*near_of(leaf.pa), n);
	}
	r = &record[n];
	r->filled_by = pc;
	r->holders |= 1UL << arch_cpu_id();
	if (!(leaf.prot & PT_LOCAL)) /* a CPU that is coming online flushes everything */
		r->holders |= __atomic_load_n(&cpu_online_mask.bits[0], __ATOMIC_ACQUIRE);
	mapped[nr_mapped++] = n;
	r->mapped = (u16)nr_mapped;
	return FILL_DONE;
}

bool host_tlb_fill(vaddr_t va, pt_prot_t need, unsigned long pc)
{
	unsigned long flags = tlb_lock_irqsave();
	enum fill result = fill(va, need, pc);

	tlb_unlock_irqrestore(flags);
	return result == FILL_DONE;
}

static bool in_use(const struct record *r)
{
	return r->holders & ~atomic_load(&lazy_cpus);
}

/* Removes this CPU from the holders. True: no holder is left. If all remaining holders sleep, the leaf is unmapped. */
static bool record_flushed(struct record *r, bool call)
{
	r->holders &= ~(1UL << arch_cpu_id());
	if (r->holders && r->mapped && !in_use(r))
		record_unmap(r, call);
	return !r->holders;
}

void host_tlb_flush_page(vaddr_t va)
{
	unsigned long flags = tlb_lock_irqsave();

	for (unsigned level = 0; level < LEAF_LEVELS; level++) {
		u16 *link = bucket_of(va, level);

		while (*link) {
			struct record *r = &record[*link];

			if (r->leaf.level == level && r->leaf.va == (va & ~(PT_LEVEL_SIZE(level) - 1)) &&
			    record_flushed(r, true))
				record_forget(link, true);
			else
				link = &r->next;
		}
	}
	tlb_unlock_irqrestore(flags);
}

void arch_tlb_flush_all_local(void)
{
	unsigned long flags = tlb_lock_irqsave();
	bool one_by_one = nr_mapped <= FLUSH_ONE_BY_ONE;

	for (unsigned b = 0; b < TLB_BUCKETS; b++) {
		u16 *link = &bucket[b];

		while (*link) {
			if (record_flushed(&record[*link], one_by_one))
				record_forget(link, one_by_one);
			else
				link = &record[*link].next;
		}
	}
	if (!one_by_one) { /* the records of other holders stay, without mapping, as if evicted */
		while (nr_mapped)
			record_unmap(&record[mapped[nr_mapped - 1]], false);
		unmap_window(HOST_WINDOW_START, HOST_WINDOW_END - HOST_WINDOW_START);
	}
	tlb_unlock_irqrestore(flags);
}

static u16 find_in_chain(u16 n, paddr_t start, paddr_t end)
{
	for (; n; n = record[n].next_near) {
		const struct host_leaf *leaf = &record[n].leaf;

		if (leaf->pa < end && leaf->pa + PT_LEVEL_SIZE(leaf->level) > start && in_use(&record[n]))
			return n;
	}
	return 0;
}

/* Returns a record in use whose leaf overlaps [start, end), or 0. A leaf is in the chain of its first 2 MiB. */
static u16 find_near(paddr_t start, paddr_t end)
{
	u16 n = find_in_chain(*near_of(ALIGN_DOWN(start, PT_LEVEL_SIZE(LEAF_LEVELS - 1))), start, end);

	for (paddr_t pa = ALIGN_DOWN(start, 1UL << BLOCK_SHIFT); !n && pa < end; pa += 1UL << BLOCK_SHIFT)
		n = find_in_chain(*near_of(pa), start, end);
	return n;
}

/*
 * Returns true if the chains that find_near() searches are empty, so no record overlaps [start, end). No lock is needed: a
 * fill that was complete before this free is visible, and a fill in progress could be missed with the lock, too.
 */
static bool none_near(paddr_t start, paddr_t end)
{
	if (READ_ONCE(*near_of(ALIGN_DOWN(start, PT_LEVEL_SIZE(LEAF_LEVELS - 1)))))
		return false;
	for (paddr_t pa = ALIGN_DOWN(start, 1UL << BLOCK_SHIFT); pa < end; pa += 1UL << BLOCK_SHIFT)
		if (READ_ONCE(*near_of(pa)))
			return false;
	return true;
}

void host_tlb_check_freed(pfn_t pfn, unsigned order)
{
	paddr_t start = pfn << PAGE_SHIFT, end = start + (PAGE_SIZE << order);
	unsigned long flags;
	struct record r;

	if (likely(none_near(start, end)))
		return;
	flags = tlb_lock_irqsave();
	r = record[find_near(start, end)];
	tlb_unlock_irqrestore(flags);
	BUG_ON(r.holders,
	       "stale translation: pfn 0x%lx to 0x%lx go back to the buddy, and CPUs 0x%lx may still "
	       "translate "
	       "0x%016lx to 0x%lx, since %pS",
	       pfn, (end >> PAGE_SHIFT) - 1, r.holders, r.leaf.va, r.leaf.pa, (void *)r.filled_by);
}
