/*
 * test_check.c - the checks find what is wrong, and say which invariant it is.
 *
 * Idea.       Every case of every suite ends with mm_check_all(), and every soak run stands on `verify`. A check that
 *             never fails would prove nothing, so here one thing at a time is broken, must be named under its
 *             invariant's number, and is put right again.
 * Layout.     boot ranges; zones and nodes; the buddy; the page array; page tables; areas; objects; all of them.
 * Invariants. Between two EXPECT_BROKEN lines everything is as it was: the checks say so at the end of each case.
 * Locking.    None: main loop, nothing else allocates meanwhile. What is broken is memory or addresses of the case.
 * Failure.    A case that needs a block of order 10 is skipped without one.
 * Next:       mm/check.c.
 */
#include "../../mm/pt_internal.h"
#include "../../mm/percpu_map.h"
#include "../../mm/slab_internal.h"
#include "expect_broken.h"
#include "scratch.h"
#include "zone_fixture.h"

#include <arch/irq.h>
#include <arch/stack.h>
#include <mm/percpu.h>
#include <kernel/sections.h>
#include <kernel/string.h>
#include <kernel/work.h>
#include <mm/check_walk.h>
#include <mm/memblock.h>

/* ---- boot ranges ---- */

KTEST(check, memblock_names_a_wrong_region)
{
	static struct memblock_region memory[4], reserved[4];
	struct memblock mb = {
		.memory = {.region = memory, .max = ARRAY_SIZE(memory), .what = "memory"},
		.reserved = {.region = reserved, .max = ARRAY_SIZE(reserved), .what = "reserved"}};

	EXPECT_EQ(memblock_add(&mb, MIB(1), MIB(2), 0), 0);
	EXPECT_EQ(memblock_add(&mb, MIB(4), MIB(6), 0), 0);
	EXPECT_EQ(memblock_reserve(&mb, MIB(1), MIB(2), "one"), 0);
	EXPECT_EQ(memblock_reserve(&mb, MIB(3), MIB(4), "two"), 0);
	EXPECT_NULL(memblock_check(&mb));
	memory[1].end = MIB(4);
	EXPECT_BROKEN(memblock_check(&mb), "memblock.B1: empty region");
	memory[1] = (struct memblock_region){KIB(1536), MIB(6), 0, NULL};
	EXPECT_BROKEN(memblock_check(&mb), "memblock.B1: regions overlap");
	memory[1] = (struct memblock_region){MIB(2), MIB(6), 0, NULL};
	EXPECT_BROKEN(memblock_check(&mb), "memblock.B2: neighbours not merged");
	memory[1].nid = 1;
	EXPECT_NULL(memblock_check(&mb));
	reserved[1].start = MIB(2);
	EXPECT_NULL(memblock_check(&mb)); /* touching, but of two names */
	reserved[1].name = reserved[0].name;
	EXPECT_BROKEN(memblock_check(&mb), "memblock.B2: neighbours not merged");
}

/* ---- zones and nodes ---- */

static struct zone *some_zone(void)
{
	struct zone *zone;

	for_each_populated_zone (zone)
		return zone;
	return NULL;
}

static void note_quick(const char *name, const char *what, void *ctx)
{
	*(int *)ctx = mm_checks_quick;
}

KTEST(check, a_run_counts_its_checks_and_is_quick_or_not)
{
	const unsigned nr = (unsigned)(__stop_mm_checks - __start_mm_checks);
	struct zone *zone = some_zone();
	int quick = -1;
	unsigned checks = 77;

	EXPECT_EQ(mm_check_all(&checks, note_quick, &quick), 0);
	EXPECT_EQ(checks, nr);
	EXPECT_EQ(mm_check_quick(&checks, note_quick, &quick), 0);
	EXPECT_EQ(checks, nr);
	zone->wmark[WMARK_LOW]++;
	EXPECT_EQ(mm_check_all(&checks, note_quick, &quick), 1);
	EXPECT_EQ(quick, false);
	EXPECT_EQ(mm_check_quick(&checks, note_quick, &quick), 1);
	EXPECT_EQ(quick, true);
	EXPECT_FALSE(mm_checks_quick);
	zone->wmark[WMARK_LOW]--;
}

KTEST(check, zone_names_wrong_counts)
{
	struct zone *zone = some_zone();
	unsigned long saved;

	saved = zone->managed;
	zone->managed = zone->present + 1;
	EXPECT_BROKEN(check_says("zone"), "zone.Z1: not spanned >= present >= managed");
	zone->managed = saved;
	zone->present++;
	EXPECT_BROKEN(check_says("zone"), "zone.Z1:");
	zone->present--;
	zone->end_pfn++;
	zone->present++;
	EXPECT_BROKEN(check_says("zone"), "zone.Z1: present pages are not the memory map's");
	zone->present--;
	zone->end_pfn--;

	saved = zone->wmark[WMARK_LOW];
	zone->wmark[WMARK_LOW] = saved + 1;
	EXPECT_BROKEN(check_says("zone"), "zone.Z2:");
	zone->wmark[WMARK_LOW] = saved;
	saved = zone->wmark[WMARK_MIN];
	zone->wmark[WMARK_MIN] = zone->wmark[WMARK_HIGH] + 1;
	EXPECT_BROKEN(check_says("zone"), "zone.Z2:");
	zone->wmark[WMARK_MIN] = saved;

	saved = zone->lowmem_reserve[0];
	zone->lowmem_reserve[0] = zone->lowmem_reserve[1] + 1;
	EXPECT_BROKEN(check_says("zone"), "zone.Z4:");
	zone->lowmem_reserve[0] = saved;
	zone->isolated_pages += zone->managed + 1;
	EXPECT_BROKEN(check_says("zone"), "zone.Z3:");
	zone->isolated_pages -= zone->managed + 1;

	mm_settle();
	zone->boost = 1;
	zone->wake = false;
	EXPECT_BROKEN(check_says("zone"), "zone.Z5:");
	zone->wake = true;
	EXPECT_NULL(check_says("zone"));
	zone->boost = buddy_boost_most(zone) + 1;
	EXPECT_BROKEN(check_says("zone"), "zone.Z5:");
	zone->boost = 0;
	EXPECT_NULL(check_says("zone"));
}

/* With one zone of a list replaced. */
static void expect_list_broken(struct ktest *t, struct zone **entry, struct zone *by, const char *part)
{
	struct zone *saved = *entry;

	*entry = by;
	EXPECT_BROKEN(check_says("numa"), part);
	*entry = saved;
}

/* Two zones of a list, on one node or two, have changed places. */
static void expect_swap_broken(struct ktest *t, struct zone **a, struct zone **b)
{
	struct zone *first = *a, *last = *b;

	*a = last;
	*b = first;
	EXPECT_BROKEN(check_says("numa"), last->nid == first->nid ? "numa.N5: " : "numa.N2: ");
	*a = first;
	*b = last;
}

KTEST(check, numa_names_a_wrong_zonelist)
{
	struct node *n = &nodes[some_zone()->nid];
	static struct zone foreign;
	unsigned last = 0;

	foreign.nid = n->nid + 1;
	while (n->fallback.zone[last + 1])
		last++;
	expect_list_broken(t, &n->fallback.zone[last], NULL, "numa.N1: a zonelist misses a zone");
	if (last)
		expect_list_broken(t, &n->fallback.zone[last], n->fallback.zone[0],
				   "numa.N1: a zone is listed twice");
	expect_list_broken(t, &n->fallback.zone[0], &foreign, "numa.N1: ");
	expect_list_broken(t, &n->thisnode.zone[0], &foreign, "numa.N3: ");
	if (last)
		expect_swap_broken(t, &n->fallback.zone[0], &n->fallback.zone[last]);
	EXPECT_NULL(check_says("numa"));
}

KTEST(check, numa_names_a_node_that_is_not_its_memory_and_cpus)
{
	static struct zone *endless[MAX_NODES * NR_ZONES + 2];
	struct node *n = &nodes[some_zone()->nid];

	EXPECT_BROKEN_BY("numa", n->nid, broken + 1, "numa.N4: ");
	EXPECT_BROKEN_BY("numa", n->has_memory, false, "numa.N4: ");
	EXPECT_BROKEN_BY("numa", n->has_cpus, !broken, "numa.N4: ");
	EXPECT_BROKEN_BY("numa", n->online, false, "numa.N4: ");
	EXPECT_BROKEN_BY("numa", nr_nodes, MAX_NODES + 1, "numa.N4: ");
	EXPECT_BROKEN_BY("numa", n->present, broken + 1, "numa.N6: ");
	EXPECT_BROKEN_BY("numa", n->managed, broken + 1, "numa.N6: ");
	EXPECT_BROKEN_BY("numa", n->start_pfn, broken + 1, "numa.N6: ");
	EXPECT_BROKEN_BY("numa", n->end_pfn, broken + 1, "numa.N6: ");
	EXPECT_BROKEN_BY("numa", n->distance[0], broken + 1, "numa.N5: ");
	EXPECT_BROKEN_BY("numa", cpu_to_node_map[0], (int)nr_nodes, "numa.N5: ");
	EXPECT_BROKEN_BY("numa", n->fallback.zone, NULL, "numa.N1: ");
	for (unsigned i = 0; i < ARRAY_SIZE(endless); i++)
		endless[i] = some_zone();
	EXPECT_BROKEN_BY("numa", n->fallback.zone, endless, "numa.N1: a zonelist misses a zone");
	EXPECT_NULL(check_says("numa"));
}

static unsigned long no_scan(unsigned long nr)
{
	return 0 * nr;
}

KTEST(check, reclaim_and_tlb_name_a_state_that_is_none)
{
	static struct shrinker shrinker;
	unsigned long flags;

	EXPECT_BROKEN_BY("reclaim", *per_cpu_ptr(&reclaiming, arch_cpu_id()), true, "reclaim.R1: ");
	register_shrinker(&shrinker);
	EXPECT_BROKEN(check_says("reclaim"), "reclaim.R4: ");
	shrinker.scan = no_scan;
	EXPECT_NULL(check_says("reclaim")); /* a shrinker needs no count */
	EXPECT_BROKEN_BY("reclaim", shrinker.count, (unsigned long (*)(void))8, "reclaim.R4: ");
	unregister_shrinker(&shrinker);
	EXPECT_NULL(check_says("reclaim"));
	if (ARCH_TLB_BROADCAST)
		SKIP("no CPU is asked here: flushes are broadcast");
	flags = arch_irq_save();
	tlb_lazy_enter();
	EXPECT_BROKEN(check_says("tlb"), "tlb.T2: ");
	tlb_lazy_exit();
	arch_irq_restore(flags);
	EXPECT_NULL(check_says("tlb"));
}

/* ---- the buddy ---- */

KTEST(check, buddy_names_a_wrong_block)
{
	struct private_zone pz;
	struct page *page;

	if (!private_zone_open(&pz))
		SKIP("no free block of order 10");
	page = private_alloc(&pz.zone, 0, MT_MOVABLE, 0); /* leaves a free block of each order behind it */
	EXPECT_EQ((unsigned long)page, (unsigned long)pz.page);
	EXPECT_NULL(private_check(&pz));

	page[512].refcount = 1;
	EXPECT_BROKEN(private_check(&pz), "buddy.F1: a listed block's first page");
	page[512].refcount = 0;
	page[512].flags ^= PG_slab;
	EXPECT_BROKEN(private_check(&pz), "buddy.F1: a listed block's first page");
	page[512].flags ^= PG_slab;
	pz.zone.end_pfn--;
	EXPECT_BROKEN(private_check(&pz), "buddy.F1: a listed block is not aligned or leaves the zone");
	pz.zone.end_pfn++;
	pz.zone.start_pfn += 513;
	EXPECT_BROKEN(private_check(&pz), "buddy.F1: a listed block is not aligned or leaves the zone");
	pz.zone.start_pfn -= 513;
	page[512 + 128].flags = PAGE_ALLOCATED;
	EXPECT_BROKEN(private_check(&pz), "buddy.F2: a page inside a free block");
	page[512 + 128].flags = 0;
	page->flags |= (unsigned long)MAX_ORDER
		       << PG_ORDER_SHIFT; /* an allocated block over all the others */
	EXPECT_BROKEN(private_check(&pz), "buddy.F2: a free block's last page");
	page->flags &= ~PG_ORDER_MASK;

	private_free(&pz.zone, page, 0);
	expect_whole(t, &pz);
	private_zone_close(&pz);
}

KTEST(check, buddy_names_blocks_that_should_be_one_and_lists_of_another_type)
{
	struct private_zone pz;
	struct page *low, *high;

	if (!private_zone_open(&pz))
		SKIP("no free block of order 10");
	low = private_alloc(&pz.zone, PAGEBLOCK_ORDER, MT_MOVABLE, 0);
	high = private_alloc(&pz.zone, PAGEBLOCK_ORDER, MT_MOVABLE, 0);
	pageblock_set_type(&pz.zone, high, MT_HIGHATOMIC);
	private_free(&pz.zone, high, PAGEBLOCK_ORDER);
	EXPECT_NULL(private_check(&pz));
	buddy_move_block(&pz.zone, high, MT_MOVABLE);
	EXPECT_BROKEN(private_check(&pz), "buddy.F6:");
	/* It finds a movable buddy, but not the buddy's pageblock: they merge. */
	private_free(&pz.zone, low, PAGEBLOCK_ORDER);
	pageblock_set_type(&pz.zone, high, MT_MOVABLE);
	expect_whole(t, &pz);

	low = private_alloc(&pz.zone, PAGEBLOCK_ORDER, MT_MOVABLE, 0);
	pageblock_set_type(&pz.zone, high, MT_HIGHATOMIC);
	buddy_move_block(&pz.zone, high, MT_HIGHATOMIC);
	private_free(&pz.zone, low, PAGEBLOCK_ORDER); /* stays apart */
	EXPECT_NULL(private_check(&pz));
	pageblock_set_type(&pz.zone, high, MT_MOVABLE);
	buddy_move_block(&pz.zone, high, MT_MOVABLE);
	EXPECT_BROKEN(private_check(&pz), "buddy.F3:");
	private_zone_close(&pz);
}

KTEST(check, buddy_names_a_wrong_count)
{
	struct private_zone pz;
	struct zone *zone = some_zone();

	if (!private_zone_open(&pz))
		SKIP("no free block of order 10");
	pz.zone.free_area[MAX_ORDER].nr_free = 0;
	EXPECT_BROKEN(private_check(&pz), "buddy.F4: a list is longer than nr_free");
	pz.zone.free_area[MAX_ORDER].nr_free = 2;
	EXPECT_BROKEN(private_check(&pz), "buddy.F4: nr_free is not the length");
	pz.zone.free_area[MAX_ORDER].nr_free = 1;
	pz.zone.listed_pages++;
	EXPECT_BROKEN(private_check(&pz), "buddy.F5: listed or isolated pages");
	pz.zone.listed_pages--;
	pz.zone.isolated_pages++;
	EXPECT_BROKEN(private_check(&pz), "buddy.F5: listed or isolated pages");
	pz.zone.isolated_pages--;
	pz.zone.free_pages++;
	EXPECT_BROKEN(private_check(&pz), "buddy.F5: free_pages");
	pz.zone.free_pages--;
	expect_whole(t, &pz);
	private_zone_close(&pz);

	zone->free_pages++; /* and of a zone that is in use */
	EXPECT_BROKEN(check_says("buddy"), "buddy.F5: free_pages");
	zone->free_pages--;
	EXPECT_NULL(check_says("buddy"));
}

KTEST(check, pcp_names_a_wrong_block_or_sum)
{
	struct page *page = alloc_page(GFP_KERNEL);
	struct zone *zone;
	struct pcpu_stack *stack;
	struct pcp *pcp;
	u32 limit;

	ASSERT_NOT_NULL(page);
	__free_page(page);
	if (page_state(page) != PAGE_PCP)
		SKIP("page debugging goes round the lists");
	zone = page_zone(page);
	pcp = this_cpu(pcp_zone[zone->id]);
	stack = pcp->row[page_type(page)][0];
	EXPECT_EQ((unsigned long)stack->entry[stack->avail - 1], (unsigned long)page);

	page->refcount = 1;
	EXPECT_BROKEN(check_says("pcp"), "pcp.P1: a listed block has");
	page->refcount = 0;
	page->flags ^= 1UL << PG_ORDER_SHIFT;
	EXPECT_BROKEN(check_says("pcp"), "pcp.P1: a listed block has");
	page->flags ^= 1UL << PG_ORDER_SHIFT;
	page->flags ^= 1UL << PG_ZONE_SHIFT;
	EXPECT_BROKEN(check_says("pcp"), "pcp.P1: a block of another zone");
	page->flags ^= 1UL << PG_ZONE_SHIFT;
	limit = stack->limit;
	stack->limit = stack->avail - 1;
	EXPECT_BROKEN(check_says("pcp"), "pcp.P2: a stack holds more");
	stack->limit = limit;
	pcp->spare++;
	EXPECT_BROKEN(check_says("pcp"), "pcp.P2: limits and spare");
	pcp->spare--;
	EXPECT_BROKEN_BY("pcp", stack->entry[0], NULL, "pcp.P1: ");
	EXPECT_BROKEN_BY("pcp", stack->entry[0], (char *)broken + 8, "pcp.P1: ");
	EXPECT_BROKEN_BY("pcp", pcp->batch, broken + 1, "pcp.P2: ");
	EXPECT_BROKEN_BY("pcp", pcp->owner, broken + 1, "pcp.P3: ");
	EXPECT_BROKEN_BY("pcp", pcp->row[0][0], &pcp_nostack, "pcp.P3: ");
	EXPECT_BROKEN_BY("pcp", pcp->row[7][15], NULL, "pcp.P3: ");
	EXPECT_BROKEN_BY("pcp", pcp_nostack.limit, 1, "pcp.P3: ");
	EXPECT_BROKEN_BY("pcp", *per_cpu_ptr(&pcp_zone[zone->id], arch_cpu_id()), NULL, "pcp.P3: ");
	EXPECT_BROKEN_BY("pcp", *per_cpu_ptr(&pcp_alloc_zone[0], arch_cpu_id()), zone_table + nr_zone_ids,
			 "pcp.P4: ");
	EXPECT_BROKEN_BY("pcp", *per_cpu_ptr(&pcp_alloc_stack[0][0], arch_cpu_id()), NULL, "pcp.P4: ");
	EXPECT_NULL(check_says("pcp"));
}

/* ---- the page array ---- */

KTEST(check, page_names_unopened_blocks_that_are_none)
{
	struct zone *zone = some_zone();

	zone->unopened[3]++;
	EXPECT_BROKEN(check_says("page"), "page.S2:");
	zone->unopened[3]--;
	EXPECT_NULL(check_says("page"));
}

/* ---- page tables ---- */

/* The lowest level at which this machine has no leaves. */
static unsigned no_leaf_level(void)
{
	unsigned level = 0;

	while (arch_pt_leaf_ok(level))
		level++;
	return level;
}

/* An address that shares only the root with what the kernel maps; below the kernel, if its tables have such addresses. */
static vaddr_t far_away(void)
{
	return arch_pt_covers(1UL << 44) ? 1UL << 44
					 : DIRECT_MAP_BASE + DIRECT_MAP_SIZE - PT_LEVEL_SIZE(no_leaf_level());
}

static void drop_far_tables(void)
{
	pt_unmap(far_away(), PAGE_SIZE);
	tlb_flush_page(far_away());
	pt_reclaim(far_away(), PT_LEVEL_SIZE(no_leaf_level()));
	quiet_drain();
}

KTEST(check, pgtable_names_a_wrong_entry)
{
	pte_t *slot, saved, odd;

	ASSERT_EQ(pt_map(far_away(), 0, PAGE_SIZE, PT_READ, 0, GFP_KERNEL), 0);
	slot = pt_slot(far_away(), 0);
	saved = arch_pte_read(slot);
	arch_pte_write(slot, arch_pte_leaf(0, PT_RW | PT_EXEC, 0));
	EXPECT_BROKEN(check_says("pgtable"), "pgtable.P2: writable and executable");
	arch_pte_write(slot, saved);

	slot = pt_slot(far_away(), no_leaf_level());
	saved = arch_pte_read(slot);
	arch_pte_write(slot, arch_pte_leaf(0, PT_READ, no_leaf_level()));
	EXPECT_BROKEN(check_says("pgtable"), "pgtable.P1: leaf of a wrong size");
	arch_pte_write(slot, saved);

	slot = pt_slot(far_away(), 1);
	saved = arch_pte_read(slot);
	arch_pte_write(slot, arch_pte_table(PAGE_ALIGN_UP(memblock_end(&memblock))));
	EXPECT_BROKEN(check_says("pgtable"), "pgtable.P1: table outside of RAM");
	EXPECT_FALSE(check_readable((const void *)far_away(), 1));
	/* No port gives bit 9 of a table's entry a meaning to the CPU. */
	odd = (pte_t){saved.bits ^ 1UL << 9};
	if (arch_pte_is_table(odd, 1) && arch_pte_paddr(odd, 1) == arch_pte_paddr(saved, 1)) {
		arch_pte_write(slot, odd);
		EXPECT_BROKEN(check_says("pgtable"), "pgtable.P4: a table's entry");
	}
	arch_pte_write(slot, saved);
	drop_far_tables();
	EXPECT_NULL(check_says("pgtable"));

	if (arch_pt_covers(PAGE_SIZE)) {
		ASSERT_EQ(pt_map(PAGE_SIZE, 0, PAGE_SIZE, PT_READ, 0, GFP_KERNEL), 0);
		EXPECT_BROKEN(check_says("pgtable"), "pgtable.P2: mapped below the kernel");
		pt_unmap(PAGE_SIZE, PAGE_SIZE);
		tlb_flush_page(PAGE_SIZE);
	}
	mm_counter_add(MM_PAGETABLE, 1);
	EXPECT_BROKEN(check_says("pgtable"), "pgtable.P3: ");
	mm_counter_add(MM_PAGETABLE, -2);
	EXPECT_BROKEN(check_says("pgtable"), "pgtable.P3: more tables reachable than");
	mm_counter_add(MM_PAGETABLE, 1);
	EXPECT_NULL(check_says("pgtable"));
}

/* The address behind the windows of all CPUs. */
KTEST(check, pgtable_names_a_leaf_in_no_window)
{
	const vaddr_t va = PERCPU_BASE + NR_CPUS * PERCPU_STRIDE;

	if (!arch_pt_covers(va) || pt_map(va, 0, PAGE_SIZE, PT_READ, 0, GFP_KERNEL))
		SKIP("the address behind the per-CPU windows is in use");
	EXPECT_BROKEN(check_says("pgtable"), "pgtable.P5: ");
	pt_unmap(va, PAGE_SIZE);
	tlb_flush_page(va);
	pt_reclaim(va & -PT_LEVEL_SIZE(no_leaf_level()), PT_LEVEL_SIZE(no_leaf_level()));
	quiet_drain();
	EXPECT_NULL(check_says("pgtable"));
}

/* One bit that makes an entry neither zero nor present. */
static pte_t absent_but_not_zero(void)
{
	pte_t e = {.bits = 1};

	while (arch_pte_present(e))
		e.bits <<= 1;
	return e;
}

KTEST(check, pgtable_names_entries_that_nobody_asked_for)
{
	char *p = vmalloc(PAGE_SIZE);
	struct pt_hint saved = per_cpu(pt_hint, arch_cpu_id());
	pte_t *guard;

	ASSERT_NOT_NULL(p);
	guard = pt_slot((vaddr_t)p + PAGE_SIZE, 0);
	if (guard) {
		arch_pte_write(guard, absent_but_not_zero());
		EXPECT_BROKEN(check_says("pgtable"), "pgtable.P4: an absent entry that is not zero");
		arch_pte_write(guard, arch_pte_leaf(0, PT_READ, 0));
		EXPECT_BROKEN(check_says("pgtable"), "pgtable.P5: ");
		arch_pte_write(guard, (pte_t){0});
		tlb_flush_page((vaddr_t)p + PAGE_SIZE);
	}
	per_cpu(pt_hint, arch_cpu_id()) =
		(struct pt_hint){.span = (vaddr_t)p >> PT_LEVEL_SHIFT(1), .table = (pte_t *)p};
	EXPECT_BROKEN(check_says("pgtable"), "pgtable.P6: a CPU remembers a table");
	per_cpu(pt_hint, arch_cpu_id()) = saved;
	EXPECT_NULL(check_says("pgtable"));

	vfree(p);
}

/* The entry of the leaf that maps a block, changed under the check's eyes only. */
static void break_direct_map(struct ktest *t, struct page *block)
{
	vaddr_t va = (vaddr_t)page_address(block);
	struct pt_query q = pt_lookup(va);
	pte_t *slot = pt_slot(va, q.level);

	/* A group of leaves that lacks one is named first (pgtable.P1). */
	if (q.entry.bits != arch_pte_leaf(q.pa, PT_RW, q.level).bits)
		return;
	arch_pte_clear(slot);
	EXPECT_BROKEN(check_says("pgtable"), "direct_map.D1: ");
	arch_pte_write(slot, arch_pte_leaf(q.pa ^ q.size, PT_RW, q.level));
	EXPECT_BROKEN(check_says("pgtable"), "direct_map.D1: ");
	arch_pte_write(slot, arch_pte_leaf(q.pa, PT_READ, q.level));
	EXPECT_BROKEN(check_says("pgtable"), "direct_map.D3: ");
	arch_pte_write(slot, q.entry);
	arch_pt_sync();
	tlb_flush_page(va);
}

KTEST(check, pgtable_names_a_direct_map_that_is_not_exact)
{
	struct page *block = alloc_pages(GFP_KERNEL | __GFP_NOWARN, PT_INDEX_BITS);
	vaddr_t beyond = DIRECT_MAP_BASE + DIRECT_MAP_SIZE - PAGE_SIZE;

	if (!block)
		SKIP("no free block of order %u", PT_INDEX_BITS);
	if (pt_lookup((vaddr_t)page_address(block)).size <= PAGE_SIZE << PT_INDEX_BITS)
		break_direct_map(t, block);
	__free_pages(block, PT_INDEX_BITS);

	ASSERT_EQ(pt_map(beyond, 0, PAGE_SIZE, PT_READ, 0, GFP_KERNEL), 0);
	EXPECT_BROKEN(check_says("pgtable"), "direct_map.D2: ");
	pt_unmap(beyond, PAGE_SIZE);
	tlb_flush_page(beyond);
	EXPECT_NULL(check_says("pgtable"));
}

KTEST(check, pgtable_names_a_guard_page_that_is_mapped)
{
	struct page *page = alloc_page(GFP_KERNEL);
	vaddr_t guard;

	ASSERT_NOT_NULL(page);
	ASSERT_TRUE(arch_guard_pages(&guard, 1) > 0);
	ASSERT_EQ(pt_map(guard, page_to_phys(page), PAGE_SIZE, PT_READ, 0, GFP_KERNEL), 0);
	EXPECT_BROKEN(check_says("pgtable"), "direct_map.D4: ");
	pt_unmap(guard, PAGE_SIZE);
	tlb_flush_page(guard);
	EXPECT_NULL(check_says("pgtable"));
	__free_page(page);
}

/* ---- areas ---- */

KTEST(check, vmap_names_a_wrong_order_or_extent)
{
	void *one = vmalloc(PAGE_SIZE), *two = vmalloc(PAGE_SIZE);
	struct vmap_area *low = vmap_find((vaddr_t)min(one, two)), *high = vmap_find((vaddr_t)max(one, two));
	struct list_head *before;

	ASSERT_TRUE(one && two);
	before = low->list.prev;
	list_move(&low->list, &high->list);
	EXPECT_BROKEN(check_says("vmap"), "vmap.V2: the list is not the tree's order");
	list_move(&low->list, before);
	high->end -= 2 * PAGE_SIZE;
	EXPECT_BROKEN(check_says("vmap"), "vmap.V2: overlaps or touches");
	high->end += 2 * PAGE_SIZE;
	high->start = low->end - PAGE_SIZE;
	EXPECT_BROKEN(check_says("vmap"), "vmap.V2: overlaps or touches");
	high->start = (vaddr_t)max(one, two);
	high->end -= 2 * PAGE_SIZE;
	high->end += PAGE_SIZE;
	EXPECT_BROKEN(check_says("vmap"), "vmap.V1: the ranges do not tile the window");
	high->end += 2 * PAGE_SIZE;
	EXPECT_BROKEN(check_says("vmap"), "vmap.V");
	high->end -= PAGE_SIZE;
	mm_counter_add(MM_VMALLOC, 1);
	EXPECT_BROKEN(check_says("vmap"), "vmap.V5: ");
	mm_counter_add(MM_VMALLOC, -1);
	EXPECT_NULL(check_says("vmap"));
	vfree(one);
	vfree(two);
}

/* An entry where none should be. Nothing touches the address. */
static void expect_mapped_named(struct ktest *t, vaddr_t va, const char *part)
{
	pte_t *slot;

	ASSERT_EQ(pt_populate(va, PAGE_SIZE, 0, GFP_KERNEL), 0);
	slot = pt_slot(va, 0);
	arch_pte_write(slot, arch_pte_leaf(0, PT_READ, 0));
	EXPECT_BROKEN(check_says("vmap"), part);
	arch_pte_clear(slot);
	tlb_flush_page(va);
}

KTEST(check, vmap_names_a_page_that_is_not_where_it_belongs)
{
	char *p = vmalloc(2 * PAGE_SIZE), *q = vmalloc(PAGE_SIZE);
	struct vmap_area *a = vmap_find((vaddr_t)p);
	struct page *first;
	vaddr_t start;

	ASSERT_TRUE(p && q);
	first = a->vm.pages[0];
	a->vm.pages[0] = a->vm.pages[1];
	EXPECT_BROKEN(check_says("vmap"), "vmap.V4: a page is not where it belongs");
	a->vm.pages[0] = first;
	expect_mapped_named(t, a->end - PAGE_SIZE, "vmap.V4: the guard page is mapped");

	vm_unmap_aliases();
	vfree(p); /* now it waits among the lazy ones */
	expect_mapped_named(t, (vaddr_t)p, "vmap.V4: a lazy area is mapped");
	start = a->start;
	a->start = (vaddr_t)q;
	EXPECT_BROKEN(check_says("vmap"), "vmap.V1: lazy, and free or busy as well");
	a->start = start;
	vm_unmap_aliases();
	expect_mapped_named(t, (vaddr_t)p, "vmap.V4: a free range is mapped");
	EXPECT_NULL(check_says("vmap"));
	vfree(q);
}

/* ---- per-CPU memory ---- */

KTEST(check, percpu_names_a_page_that_is_not_mapped)
{
	void *p = alloc_percpu_size(PAGE_SIZE, PAGE_SIZE); /* a page without anything else */
	pte_t *slot, saved;
	vaddr_t va;

	ASSERT_NOT_NULL(p);
	va = (vaddr_t)per_cpu_ptr(p, 0);
	slot = pt_slot(va, 0);
	saved = arch_pte_clear(slot);
	EXPECT_BROKEN(check_says("percpu"), "percpu.C2:");
	arch_pte_write(slot, saved);
	arch_pt_sync();
	EXPECT_NULL(check_says("percpu"));
	free_percpu(p);
}

KTEST(check, percpu_names_a_chunk_that_is_empty_and_a_slot_without_one)
{
	const struct chunk *first = percpu_chunks[0];
	struct chunk *empty = (struct chunk *)get_zeroed_page(GFP_KERNEL);
	unsigned slot = 1;

	ASSERT_NOT_NULL(empty);
	while (bitmap_test(percpu_claimed, slot))
		slot++;
	bitmap_set(percpu_claimed, slot);
	EXPECT_BROKEN(check_says("percpu"), "percpu.C4: ");
	chunk_init(empty, first->start + ((size_t)first->units << UNIT_SHIFT) + (slot - 1) * CHUNK_SIZE,
		   CHUNK_SIZE);
	percpu_chunks[slot] = empty;
	EXPECT_BROKEN(check_says("percpu"), "percpu.C3: ");
	bitmap_clear(percpu_claimed, slot);
	percpu_chunks[slot] = NULL;
	EXPECT_NULL(check_says("percpu"));
	free_page((unsigned long)empty);
}

KTEST(check, percpu_names_a_chunk_that_best_does_not_know)
{
	for (unsigned i = 1; i < 2 * MAX_CHUNKS; i += 1 + i / 7) {
		percpu_best[i] ^= 1;
		EXPECT_BROKEN(check_says("percpu"), "percpu.C6:");
		percpu_best[i] ^= 1;
	}
	EXPECT_NULL(check_says("percpu"));
}

KTEST(check, percpu_names_a_map_that_is_not_its_slots)
{
	void *p = alloc_percpu_size(24, 8);
	struct chunk *c = percpu_chunks[0];

	ASSERT_NOT_NULL(p);
	EXPECT_BROKEN_BY("percpu", percpu_chunks[0], NULL, "percpu.C4: ");
	EXPECT_BROKEN_BY("percpu", percpu_chunks[0], (struct chunk *)8,
			 "percpu.C4: a slot's chunk is no chunk");
	EXPECT_BROKEN_BY("percpu", percpu_chunks[MAX_CHUNKS - 1], c, "percpu.C4: ");
	EXPECT_BROKEN_BY("percpu", percpu_claimed[0], broken ^ 1, "percpu.C4: ");
	EXPECT_BROKEN_BY("percpu", c->start, broken + 8, "percpu.C4: ");
	EXPECT_BROKEN_BY("percpu", c->units, broken + 1, "percpu.C4: ");
	EXPECT_BROKEN_BY("percpu", c->nr, (u16)(broken + 1), "percpu.C1: ");
	EXPECT_BROKEN_BY("percpu", c->used, broken + 1, "percpu.C1: ");
	EXPECT_BROKEN_BY("percpu", c->first[0], broken ^ 1, "percpu.C1: ");
	if (c->units < CHUNK_UNITS) {
		c->first[CHUNK_WORDS - 1] ^= 1UL << 63;
		EXPECT_BROKEN_BY("percpu", c->in_use[CHUNK_WORDS - 1], broken ^ 1UL << 63,
				 "percpu.C1: a unit behind the chunk's end");
		c->first[CHUNK_WORDS - 1] ^= 1UL << 63;
	}
	EXPECT_NULL(check_says("percpu"));
	free_percpu(p);
}

/* ---- all of them ---- */

struct broken {
	unsigned calls;
	const char *name, *what;
};

static void note_broken(const char *name, const char *what, void *ctx)
{
	struct broken *b = ctx;

	b->calls++;
	b->name = name;
	b->what = what;
}

KTEST(check, what_one_check_finds_is_reported_once_and_the_others_still_run)
{
	struct broken b = {0};
	unsigned checks, again;

	EXPECT_EQ(mm_check_all(&checks, note_broken, &b), 0);
	EXPECT_EQ(b.calls, 0);
	EXPECT_EQ(checks, __stop_mm_checks - __start_mm_checks);
	slab_no_array.stack.avail = 1;
	EXPECT_EQ(mm_check_all(&again, note_broken, &b), 1);
	slab_no_array.stack.avail = 0;
	EXPECT_EQ(again, checks);
	EXPECT_EQ(b.calls, 1);
	EXPECT_STREQ(b.name, "slab");
	EXPECT_BROKEN(b.what, "slab_cpu.A3:");
}

KTEST(check, a_check_does_not_run_when_what_it_relies_on_is_broken)
{
	struct zone *zone = some_zone();
	struct broken b = {0};
	unsigned checks;

	zone->wmark[WMARK_LOW]++;
	mm_counter_add(MM_VMALLOC, 1);
	EXPECT_EQ(mm_check_all(&checks, note_broken, &b), 1);
	mm_counter_add(MM_VMALLOC, -1);
	zone->wmark[WMARK_LOW]--;
	EXPECT_TRUE(checks < (unsigned)(__stop_mm_checks - __start_mm_checks));
	EXPECT_STREQ(b.name, "zone");
	EXPECT_BROKEN(b.what, "zone.Z2:");
}

/* ---- what is not given back ---- */

KTEST(check, a_lost_page_is_neither_idle_nor_under_an_object_more)
{
	const struct mm_usage before = {.idle_pages = 100, .slab_pages = 10, .live_objects = 50};
	struct mm_usage after = before;

	EXPECT_EQ(mm_lost_pages(&before, &after), 0);
	after.idle_pages = 96; /* four went to a slab */
	after.slab_pages = 14;
	EXPECT_EQ(mm_lost_pages(&before, &after), 0);
	after.live_objects = 49;
	EXPECT_EQ(mm_lost_pages(&before, &after), 0);
	after.slab_pages = 13;
	EXPECT_EQ(mm_lost_pages(&before, &after), 1);
	after.live_objects = 51; /* for an object that stays */
	EXPECT_EQ(mm_lost_pages(&before, &after), 4);
	after.idle_pages = 101;
	EXPECT_EQ(mm_lost_pages(&before, &after), 0);
}

KTEST(check, an_allocation_shows_in_what_is_held)
{
	struct mm_usage before = mm_settled_usage(), after;
	struct page *page = alloc_pages(GFP_KERNEL, 2);

	ASSERT_NOT_NULL(page);
	after = mm_settled_usage();
	__free_pages(page, 2);
	EXPECT_EQ(mm_lost_pages(&before, &after), 4);
	EXPECT_EQ(after.live_objects, before.live_objects);
	after = mm_settled_usage();
	EXPECT_EQ(mm_lost_pages(&before, &after), 0);
}
