/*
 * live.c - where the metadata of a running machine is.
 *
 * Idea.       Each function follows the allocators' own structures and reports each instance of one view.
 * Layout.     page frames; zones and lists; boot ranges; tables; areas; objects; nodes and CPUs.
 * Invariants. The order of instances follows from the state alone, so that a draw's number leads to the same one again.
 * Locking.    None: every other CPU is asleep, and everything is sound.
 * Failure.    A view without instances has none: the campaign says so.
 * Next:       load.c, which sees to it that there are some.
 */
#include "corrupt.h"

#include "../../kernel/base/rcu_internal.h"
#include "../../kernel/base/smp_internal.h"
#include "../../kernel/base/work_internal.h"
#include "../../mm/percpu_map.h"
#include "../../mm/pt_internal.h"
#include "../../mm/slab_internal.h"
#include "../../mm/vmap_internal.h"

#include <kernel/percpu.h>
#include <mm/internal.h>
#include <mm/kmalloc.h>
#include <mm/memblock.h>
#include <mm/numa.h>
#include <mm/page_alloc.h>

/* ---- page frames ---- */

static void each_page(struct corrupt_gather *g, bool (*wanted)(const struct page *page))
{
	for (pfn_t pfn = 0; pfn < section_count() * SECTION_PAGES; pfn++)
		if (pfn_valid(pfn) && wanted(pfn_to_page(pfn)))
			corrupt_add(g, pfn_to_page(pfn), 0);
}

static bool is_head(const struct page *page, enum page_state state)
{
	return page_head(page) == page && page_state(page) == state && !(page->flags & PG_reserved);
}

static bool is_buddy(const struct page *page)
{
	return is_head(page, PAGE_BUDDY);
}

void live_page_buddy(struct corrupt_gather *g)
{
	each_page(g, is_buddy);
}

static bool is_pcp(const struct page *page)
{
	return is_head(page, PAGE_PCP);
}

void live_page_pcp(struct corrupt_gather *g)
{
	each_page(g, is_pcp);
}

static bool is_slab(const struct page *page)
{
	return is_head(page, PAGE_ALLOCATED) && page->flags & PG_slab;
}

void live_page_slab(struct corrupt_gather *g)
{
	each_page(g, is_slab);
}

static bool is_slab_tail(const struct page *page)
{
	return page->flags & PG_slab && page_head(page) != page;
}

void live_page_slab_tail(struct corrupt_gather *g)
{
	each_page(g, is_slab_tail);
}

static bool is_vmalloc(const struct page *page)
{
	return is_head(page, PAGE_ALLOCATED) && page->flags & PG_vmalloc;
}

void live_page_vmalloc(struct corrupt_gather *g)
{
	each_page(g, is_vmalloc);
}

static bool is_table(const struct page *page)
{
	return is_head(page, PAGE_ALLOCATED) && page->flags & PG_table;
}

void live_page_table(struct corrupt_gather *g)
{
	each_page(g, is_table);
}

static bool is_kmalloc(const struct page *page)
{
	return is_head(page, PAGE_ALLOCATED) && page->flags & PG_kmalloc;
}

void live_page_kmalloc(struct corrupt_gather *g)
{
	each_page(g, is_kmalloc);
}

static bool is_allocated(const struct page *page)
{
	return is_head(page, PAGE_ALLOCATED) &&
	       !(page->flags & (PG_slab | PG_vmalloc | PG_table | PG_kmalloc));
}

void live_page_allocated(struct corrupt_gather *g)
{
	each_page(g, is_allocated);
}

static bool is_reserved(const struct page *page)
{
	return !page_head(page) && memblock_is_memory(&memblock, page_to_phys(page));
}

void live_page_reserved(struct corrupt_gather *g)
{
	each_page(g, is_reserved);
}

/* No head, and of no slab. */
static bool is_interior(const struct page *page)
{
	const struct page *head = page_head(page);

	return head && head != page && !(page->flags & PG_slab);
}

void live_page_interior(struct corrupt_gather *g)
{
	each_page(g, is_interior);
}

static bool starts_pageblock(const struct page *page)
{
	return pageblock_page(page) == page && page_head(page);
}

void live_pageblock(struct corrupt_gather *g)
{
	each_page(g, starts_pageblock);
}

/* ---- zones and lists ---- */

void live_zone(struct corrupt_gather *g)
{
	struct zone *zone;

	for_each_populated_zone (zone)
		corrupt_add(g, zone, 0);
}

/* Of lists that are not empty: the others' heads would be drawn most of the time. */
void live_zone_lists(struct corrupt_gather *g)
{
	struct zone *zone;

	for_each_populated_zone (zone)
		for (unsigned o = 0; o < NR_ORDERS; o++)
			for (unsigned t = 0; t < NR_MIGRATETYPES; t++)
				if (!list_empty(&zone->free_area[o].list[t]))
					corrupt_add(g, &zone->free_area[o].list[t], sizeof(struct list_head));
}

static void each_pcp(struct corrupt_gather *g, void (*fn)(struct corrupt_gather *g, struct pcp *pcp))
{
	struct zone *zone;
	unsigned cpu;

	for_each_online_cpu (cpu)
		for_each_populated_zone (zone)
			fn(g, per_cpu(pcp_zone[zone->id], cpu));
}

static void add_pcp(struct corrupt_gather *g, struct pcp *pcp)
{
	corrupt_add(g, pcp, 0);
}

void live_pcp(struct corrupt_gather *g)
{
	each_pcp(g, add_pcp);
}

static void add_stacks(struct corrupt_gather *g, struct pcp *pcp)
{
	for (unsigned o = 0; o < PCP_ORDERS; o++)
		for (unsigned t = 0; t < MT_PCPTYPES; t++)
			corrupt_add(g, pcp->row[t][o], 0);
}

void live_pcp_stack(struct corrupt_gather *g)
{
	each_pcp(g, add_stacks);
}

static void add_entries(struct corrupt_gather *g, struct pcp *pcp)
{
	for (unsigned o = 0; o < PCP_ORDERS; o++)
		for (unsigned t = 0; t < MT_PCPTYPES; t++)
			if (pcp->row[t][o]->avail)
				corrupt_add(g, pcp->row[t][o]->entry, pcp->row[t][o]->avail * sizeof(void *));
}

void live_pcp_entries(struct corrupt_gather *g)
{
	each_pcp(g, add_entries);
}

void live_pcp_pointers(struct corrupt_gather *g)
{
	unsigned cpu;

	for_each_online_cpu (cpu) {
		corrupt_add(g, per_cpu_ptr(&pcp_zone[0], cpu), nr_zone_ids * sizeof(struct pcp *));
		corrupt_add(g, per_cpu_ptr(&pcp_alloc_stack[0][0], cpu), sizeof(pcp_alloc_stack));
		corrupt_add(g, per_cpu_ptr(&pcp_alloc_zone[0], cpu), sizeof(pcp_alloc_zone));
	}
}

/* ---- boot ranges ---- */

void live_memblock_memory(struct corrupt_gather *g)
{
	for (unsigned i = 0; i < memblock.memory.cnt; i++)
		corrupt_add(g, &memblock.memory.region[i], 0);
}

void live_memblock_reserved(struct corrupt_gather *g)
{
	for (unsigned i = 0; i < memblock.reserved.cnt; i++)
		corrupt_add(g, &memblock.reserved.region[i], 0);
}

void live_memblock(struct corrupt_gather *g)
{
	corrupt_add(g, &memblock, 0);
}

/* ---- page tables ---- */

static void each_entry(struct corrupt_gather *g, const pte_t *table, unsigned level, bool present)
{
	for (unsigned i = 0; i < PT_ENTRIES; i++) {
		pte_t e = arch_pte_read(&table[i]);

		if (arch_pte_present(e) == present)
			corrupt_add(g, &table[i], sizeof(e));
		if (level && arch_pte_is_table(e, level))
			each_entry(g, phys_to_virt(arch_pte_paddr(e, level)), level - 1, present);
	}
}

void live_pte(struct corrupt_gather *g)
{
	each_entry(g, phys_to_virt(pt_root()), arch_pt_levels() - 1, true);
}

void live_pte_hole(struct corrupt_gather *g)
{
	each_entry(g, phys_to_virt(pt_root()), arch_pt_levels() - 1, false);
}

/* ---- per-CPU memory ---- */

void live_percpu_chunk(struct corrupt_gather *g)
{
	for (unsigned i = 0; i < MAX_CHUNKS; i++)
		if (percpu_chunks[i])
			corrupt_add(g, percpu_chunks[i], 0);
}

/* Node 0 is none. */
void live_percpu_node(struct corrupt_gather *g)
{
	for (unsigned i = 0; i < MAX_CHUNKS; i++)
		if (percpu_chunks[i] && !percpu_chunks[i]->dense)
			corrupt_add(g, &percpu_chunks[i]->node[1],
				    sizeof(percpu_chunks[i]->node) - sizeof(percpu_chunks[i]->node[0]));
}

void live_percpu_best(struct corrupt_gather *g)
{
	corrupt_add(g, &percpu_best[1], sizeof(percpu_best) - sizeof(percpu_best[0]));
}

void live_percpu_slot(struct corrupt_gather *g)
{
	corrupt_add(g, percpu_chunks, sizeof(percpu_chunks));
	corrupt_add(g, percpu_claimed, sizeof(percpu_claimed));
}

/* ---- areas ---- */

void live_shard(struct corrupt_gather *g)
{
	for_each_shard (s)
		corrupt_add(g, s, 0);
}

void live_area_free(struct corrupt_gather *g)
{
	const struct vmap_area *a;

	for_each_shard (s)
		list_for_each_entry (a, &s->free.list, list)
			corrupt_add(g, a, 0);
}

void live_area_busy(struct corrupt_gather *g)
{
	const struct vmap_area *a;

	for_each_shard (s)
		list_for_each_entry (a, &s->busy.list, list)
			corrupt_add(g, a, 0);
}

void live_area_lazy(struct corrupt_gather *g)
{
	const struct vmap_area *a;

	for_each_shard (s)
		list_for_each_entry (a, &s->lazy, list)
			corrupt_add(g, a, 0);
}

void live_area_pages(struct corrupt_gather *g)
{
	const struct vmap_area *a;

	for_each_shard (s)
		list_for_each_entry (a, &s->busy.list, list)
			if (a->vm.nr_pages && a->vm.pages)
				corrupt_add(g, a->vm.pages, a->vm.nr_pages * sizeof(struct page *));
}

/* ---- objects ---- */

static void each_cache(struct corrupt_gather *g, void (*fn)(struct corrupt_gather *g, struct kmem_cache *s))
{
	struct kmem_cache *s;

	list_for_each_entry (s, &cache_list, list)
		fn(g, s);
}

static void add_cache(struct corrupt_gather *g, struct kmem_cache *s)
{
	corrupt_add(g, s, 0);
}

void live_cache(struct corrupt_gather *g)
{
	each_cache(g, add_cache);
}

static void add_nodes(struct corrupt_gather *g, struct kmem_cache *s)
{
	corrupt_add(g, s->node, nr_nodes * sizeof(s->node[0]));
}

void live_cache_nodes(struct corrupt_gather *g)
{
	each_cache(g, add_nodes);
}

static void add_node(struct corrupt_gather *g, struct kmem_cache *s)
{
	struct kmem_cache_node *n;

	for_each_cache_node (s, n)
		corrupt_add(g, n, 0);
}

void live_cache_node(struct corrupt_gather *g)
{
	each_cache(g, add_node);
}

static void add_cell(struct corrupt_gather *g, struct kmem_cache *s)
{
	unsigned cpu;

	for_each_possible_cpu (cpu)
		corrupt_add(g, per_cpu_ptr(s->cpu, cpu), sizeof(void *));
}

void live_cell(struct corrupt_gather *g)
{
	each_cache(g, add_cell);
}

static void add_array(struct corrupt_gather *g, struct kmem_cache *s)
{
	unsigned cpu;

	for_each_possible_cpu (cpu)
		if (*per_cpu_ptr(s->cpu, cpu) != &slab_no_array.stack)
			corrupt_add(g, array_of(*per_cpu_ptr(s->cpu, cpu)), 0);
}

void live_array(struct corrupt_gather *g)
{
	each_cache(g, add_array);
}

static void add_array_entries(struct corrupt_gather *g, struct kmem_cache *s)
{
	unsigned cpu;

	for_each_possible_cpu (cpu) {
		const struct pcpu_stack *stack = *per_cpu_ptr(s->cpu, cpu);

		if (stack->avail)
			corrupt_add(g, stack->entry, stack->avail * sizeof(void *));
	}
}

void live_array_entries(struct corrupt_gather *g)
{
	each_cache(g, add_array_entries);
}

static void add_shared(struct corrupt_gather *g, struct kmem_cache *s)
{
	struct kmem_cache_node *n;

	for_each_cache_node (s, n)
		if (n->shared)
			corrupt_add(g, n->shared, 0);
}

void live_shared(struct corrupt_gather *g)
{
	each_cache(g, add_shared);
}

static void add_shared_entries(struct corrupt_gather *g, struct kmem_cache *s)
{
	struct kmem_cache_node *n;

	for_each_cache_node (s, n)
		if (n->shared && n->shared->stack.avail)
			corrupt_add(g, n->shared->stack.entry, n->shared->stack.avail * sizeof(void *));
}

void live_shared_entries(struct corrupt_gather *g)
{
	each_cache(g, add_shared_entries);
}

void live_remote(struct corrupt_gather *g)
{
	unsigned cpu;

	for_each_possible_cpu (cpu)
		corrupt_add(g, per_cpu_ptr(&slab_remote, cpu), 0);
}

void live_remote_entries(struct corrupt_gather *g)
{
	unsigned cpu;

	for_each_possible_cpu (cpu) {
		const struct remote_stack *r = per_cpu_ptr(&slab_remote, cpu);

		if (r->avail)
			corrupt_add(g, r->entry, r->avail * sizeof(void *));
	}
}

static void each_slab(struct corrupt_gather *g, struct kmem_cache *s,
		      void (*fn)(struct corrupt_gather *g, struct kmem_cache *s, struct page *page))
{
	struct kmem_cache_node *n;
	struct page *page;

	for_each_cache_node (s, n) {
		list_for_each_entry (page, &n->slabs_partial, lru)
			fn(g, s, page);
		list_for_each_entry (page, &n->slabs_full, lru)
			fn(g, s, page);
		list_for_each_entry (page, &n->slabs_free, lru)
			fn(g, s, page);
	}
}

static void add_index(struct corrupt_gather *g, struct kmem_cache *s, struct page *page)
{
	(void)s;
	if (page->inuse < page->num)
		corrupt_add(g, (slab_index_t *)page->freelist + page->inuse,
			    slab_index_bytes(page->num - page->inuse));
}

static void add_cache_indices(struct corrupt_gather *g, struct kmem_cache *s)
{
	each_slab(g, s, add_index);
}

void live_slab_index(struct corrupt_gather *g)
{
	each_cache(g, add_cache_indices);
}

/* Debugged caches have no arrays: an object that is not in its slab is live. */
static void add_zones(struct corrupt_gather *g, const struct kmem_cache *s, const struct page *page,
		      bool live)
{
	for (unsigned i = 0; i < s->num; i++) {
		const char *obj = slab_object(s, page, i);

		if (slab_index_is_free(page, i) == live)
			continue;
		corrupt_add(g, obj - s->obj_offset, s->obj_offset);
		corrupt_add(g, obj + s->object_size,
			    ALIGN_UP(s->object_size, 8u) + sizeof(u64) - s->object_size);
	}
}

static void add_live_zones(struct corrupt_gather *g, struct kmem_cache *s, struct page *page)
{
	add_zones(g, s, page, true);
}

static void add_free_zones(struct corrupt_gather *g, struct kmem_cache *s, struct page *page)
{
	add_zones(g, s, page, false);
}

static void add_cache_live_zones(struct corrupt_gather *g, struct kmem_cache *s)
{
	if (s->flags & SLAB_RED_ZONE)
		each_slab(g, s, add_live_zones);
}

void live_red_zone(struct corrupt_gather *g)
{
	each_cache(g, add_cache_live_zones);
}

static void add_cache_free_zones(struct corrupt_gather *g, struct kmem_cache *s)
{
	if (s->flags & SLAB_RED_ZONE)
		each_slab(g, s, add_free_zones);
}

void live_free_red_zone(struct corrupt_gather *g)
{
	each_cache(g, add_cache_free_zones);
}

static void add_poison(struct corrupt_gather *g, struct kmem_cache *s, struct page *page)
{
	for (unsigned i = 0; i < s->num; i++)
		if (slab_index_is_free(page, i))
			corrupt_add(g, slab_object(s, page, i), s->object_size);
}

static void add_cache_poison(struct corrupt_gather *g, struct kmem_cache *s)
{
	if (s->flags & SLAB_POISON)
		each_slab(g, s, add_poison);
}

void live_poison(struct corrupt_gather *g)
{
	each_cache(g, add_cache_poison);
}

void live_kmalloc_table(struct corrupt_gather *g)
{
	corrupt_add(g, kmalloc_caches, sizeof(kmalloc_caches));
}

/* ---- nodes and CPUs ---- */

void live_node(struct corrupt_gather *g)
{
	const struct node *n;

	for_each_online_node (n)
		corrupt_add(g, n, 0);
}

static void add_zonelist(struct corrupt_gather *g, const struct zonelist *list)
{
	unsigned nr = 0;

	while (list->zone[nr])
		nr++;
	corrupt_add(g, list->zone, (nr + 1) * sizeof(list->zone[0]));
}

void live_zonelist(struct corrupt_gather *g)
{
	const struct node *n;

	for_each_online_node (n) {
		add_zonelist(g, &n->fallback);
		add_zonelist(g, &n->thisnode);
	}
}

void live_distance(struct corrupt_gather *g)
{
	const struct node *n;

	for_each_online_node (n)
		corrupt_add(g, n->distance, nr_nodes);
}

void live_cpumask(struct corrupt_gather *g)
{
	corrupt_add(g, &cpu_possible_mask, sizeof(cpu_possible_mask));
	corrupt_add(g, &cpu_online_mask, sizeof(cpu_online_mask));
}

void live_cpu_to_node(struct corrupt_gather *g)
{
	corrupt_add(g, cpu_to_node_map, cpumask_weight(&cpu_possible_mask) * sizeof(cpu_to_node_map[0]));
}

/* CPU 0's too: what damages it is gone before this CPU looks at a variable of its own by it. */
void live_percpu_offset(struct corrupt_gather *g)
{
	corrupt_add(g, percpu_offset, cpumask_weight(&cpu_possible_mask) * sizeof(percpu_offset[0]));
}

void live_rcu_cpu(struct corrupt_gather *g)
{
	unsigned cpu;

	for_each_online_cpu (cpu)
		corrupt_add(g, &rcu_cpu[cpu], 0);
}

void live_rcu_last(struct corrupt_gather *g)
{
	unsigned cpu;

	for_each_online_cpu (cpu) {
		const struct rcu_list *const lists[] = {&rcu_cpu[cpu].fresh, &rcu_cpu[cpu].waiting,
							&rcu_cpu[cpu].ready};

		for (unsigned i = 0; i < ARRAY_SIZE(lists); i++)
			if (lists[i]->first)
				corrupt_add(g, &lists[i]->last, sizeof(lists[i]->last));
	}
}

static void add_callbacks(struct corrupt_gather *g, const struct rcu_list *list)
{
	for (const struct rcu_head *head = list->first; head; head = head->next)
		corrupt_add(g, head, 0);
}

void live_rcu_head(struct corrupt_gather *g)
{
	unsigned cpu;

	for_each_online_cpu (cpu) {
		add_callbacks(g, &rcu_cpu[cpu].fresh);
		add_callbacks(g, &rcu_cpu[cpu].waiting);
		add_callbacks(g, &rcu_cpu[cpu].ready);
	}
}

void live_cpu_state(struct corrupt_gather *g)
{
	unsigned cpu;

	for_each_online_cpu (cpu)
		corrupt_add(g, &cpu_state[cpu], 0);
}

void live_mailbox(struct corrupt_gather *g)
{
	unsigned cpu;

	for_each_online_cpu (cpu)
		corrupt_add(g, &smp_mailbox[cpu], 0);
}

void live_request(struct corrupt_gather *g)
{
	unsigned cpu;

	for_each_online_cpu (cpu)
		corrupt_add(g, &smp_request[cpu], 0);
}

void live_work_queue(struct corrupt_gather *g)
{
	unsigned cpu;

	for_each_online_cpu (cpu)
		corrupt_add(g, &work_queue[cpu], 0);
}

void live_work(struct corrupt_gather *g)
{
	unsigned cpu;

	for_each_online_cpu (cpu)
		for (const struct work *w = work_queue[cpu].first; w; w = w->next)
			corrupt_add(g, w, 0);
}

/* Those that no view of a larger structure has. */
void live_lock(struct corrupt_gather *g)
{
	corrupt_add(g, &cache_list_lock, 0);
}
