/*
 * slab_info.c - copies of the slab layer's state, for printing.
 *
 * Idea.       No row is printed under a lock: it is copied, the locks are dropped, and the callback
 *             gets the copy. A walk that is longer than one lock section continues by position, so a
 *             row that changes meanwhile may be missed or seen twice. No pointer is kept across
 *             sections, except to the cache; caches are only destroyed in the main loop.
 * Layout.     Cache rows: one lock section for each node of a cache. Slab rows: SLAB_ROWS for each
 *             section.
 * Invariants. I1  a cache row is consistent: num_objs == num_slabs * objs_per_slab, active_objs <=
 *                 num_objs
 * Locking.    cache_list_lock to find a cache, list_lock to read a node.
 * Failure.    False if the cache or object does not exist.
 * Next:       ../tests/mm/test_slab.c
 */
#include <mm/slab_info.h>

#include <mm/check_walk.h>

#include <kernel/smp.h>

#include "slab_internal.h"

enum { SLAB_ROWS = 64 };
static_assert((int)SLAB_NAME_LEN == (int)SLAB_INFO_NAME_LEN, "names are copied whole");

/* ---- caches ---- */

static void count_one(void *obj, int cpu, void *ctx)
{
	(void)obj;
	++*(unsigned long *)ctx;
}

static void cache_row(struct kmem_cache *s, struct slab_cache_info *info)
{
	struct kmem_cache_node *n;
	unsigned long free_objects = 0;

	*info = (struct slab_cache_info){.size = s->size,
					 .objs_per_slab = s->num,
					 .pages_per_slab = 1u << s->order,
					 .limit = s->limit,
					 .batchcount = s->batchcount,
					 .shared = s->shared,
					 .object_size = s->object_size,
					 .align = s->align,
					 .colours = s->colour,
					 .colour_off = s->colour_off,
					 .flags = s->flags,
					 .cache = s};
	memcpy(info->name, s->name, sizeof(info->name));
	for_each_cache_node (s, n) {
		unsigned long flags = spin_lock_irqsave(&n->list_lock);

		info->num_slabs += n->total_slabs;
		info->active_slabs += n->total_slabs - n->free_slabs;
		info->shared_avail += n->shared ? n->shared->stack.avail : 0;
		info->grown += n->grown;
		info->reaped += n->reaped;
		free_objects += n->free_objects;
		spin_unlock_irqrestore(&n->list_lock, flags);
	}
	info->num_objs = info->num_slabs * s->num;
	info->active_objs = info->num_objs - free_objects;
	slab_for_each_cached(s, count_one, &info->cached_objs);
}

/* Returns the n-th cache, newest first; NULL if there are fewer. */
static struct kmem_cache *cache_nth(unsigned n)
{
	struct kmem_cache *s, *found = NULL;

	spin_lock(&cache_list_lock);
	list_for_each_entry (s, &cache_list, list) {
		if (!n--) {
			found = s;
			break;
		}
	}
	spin_unlock(&cache_list_lock);
	return found;
}

void slab_for_each_cache(bool (*fn)(const struct slab_cache_info *info, void *ctx), void *ctx)
{
	struct slab_cache_info info;
	struct kmem_cache *s;

	/* While the other CPUs are held, their arrays and the list of caches do not change. */
	smp_hold();
	for (unsigned i = 0; (s = cache_nth(i)) != NULL; i++) {
		cache_row(s, &info);
		if (!fn(&info, ctx))
			break;
	}
	smp_release();
}

bool slab_cache_info(const char *name, struct slab_cache_info *info)
{
	struct kmem_cache *s;

	smp_hold();
	s = slab_find_cache(name);
	if (s)
		cache_row(s, info);
	smp_release();
	return s != NULL;
}

const char *slab_flag_name(unsigned flags, unsigned n)
{
	static const struct {
		unsigned bit;
		const char *name;
	} names[] = {
		{SLAB_CONSISTENCY_CHECKS, "CONSISTENCY_CHECKS"},
		{SLAB_RED_ZONE, "RED_ZONE"},
		{SLAB_POISON, "POISON"},
		{SLAB_STORE_USER, "STORE_USER"},
		{SLAB_HWCACHE_ALIGN, "HWCACHE_ALIGN"},
		{SLAB_CACHE_DMA, "CACHE_DMA"},
		{SLAB_CACHE_DMA32, "CACHE_DMA32"},
		{SLAB_RECLAIM_ACCOUNT, "RECLAIM_ACCOUNT"},
		{SLAB_PANIC, "PANIC"},
		{SLAB_TYPESAFE_BY_RCU, "TYPESAFE_BY_RCU"},
		{SLAB_NOLEAKTRACE, "NOLEAKTRACE"},
		{SLAB_NO_USER_FLAGS, "NO_USER_FLAGS"},
		{SLAB_INDEX_IN_OBJECT, "INDEX_IN_OBJECT"},
		{SLAB_INDEX_OFF_SLAB, "INDEX_OFF_SLAB"},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		if ((flags & names[i].bit) && !n--)
			return names[i].name;
	return NULL;
}

/* ---- slabs ---- */

/* Copies up to SLAB_ROWS slabs of the node, after the first `skip`. Returns their number. */
static unsigned slab_rows(struct kmem_cache_node *n, unsigned long skip, struct slab_slab_info *rows)
{
	const struct {
		struct list_head *head;
		const char *name;
	} lists[] = {{&n->slabs_full, "full"}, {&n->slabs_partial, "partial"}, {&n->slabs_free, "free"}};
	unsigned long flags = spin_lock_irqsave(&n->list_lock);
	struct page *page;
	unsigned nr = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(lists); i++) {
		list_for_each_entry (page, lists[i].head, lru) {
			if (skip) {
				skip--;
				continue;
			}
			if (nr == SLAB_ROWS)
				break;
			rows[nr++] = (struct slab_slab_info){
				.pfn = page_to_pfn(page),
				.nid = n->nid,
				.list = lists[i].name,
				.colour_offset = (unsigned)((char *)page->s_mem - (char *)page_address(page)),
				.inuse = page->inuse,
				.objects = page->num,
				.s_mem = page->s_mem};
		}
	}
	spin_unlock_irqrestore(&n->list_lock, flags);
	return nr;
}

bool slab_for_each_slab(const char *name, bool (*fn)(const struct slab_slab_info *info, void *ctx), void *ctx)
{
	static struct slab_slab_info rows[SLAB_ROWS];
	struct kmem_cache *s = slab_find_cache(name);
	struct kmem_cache_node *n;

	if (!s)
		return false;
	for_each_cache_node (s, n) {
		unsigned nr;

		for (unsigned long at = 0; (nr = slab_rows(n, at, rows)) != 0; at += nr)
			for (unsigned i = 0; i < nr; i++)
				if (!fn(&rows[i], ctx))
					return true;
	}
	return true;
}

bool slab_for_each_array(const char *name, bool (*fn)(const struct slab_array_info *info, void *ctx),
			 void *ctx)
{
	struct kmem_cache *s;
	unsigned cpu;

	smp_hold();
	s = slab_find_cache(name);
	for_each_online_cpu (cpu) {
		if (!s)
			break;
		const struct array_cache *ac = array_of(*per_cpu_ptr(s->cpu, cpu));
		struct slab_array_info info = {.cpu = cpu,
					       .avail = ac->stack.avail,
					       .limit = ac->stack.limit,
					       .batchcount = ac->batchcount,
					       .touched = ac->touched};

		if (!fn(&info, ctx))
			break;
	}
	smp_release();
	return s != NULL;
}

/* ---- objects ---- */

struct find_obj {
	const void *obj;
	bool found;
	int cpu; /* CPU whose list holds the object; -1: a shared array */
};

static void find_one(void *obj, int cpu, void *ctx)
{
	struct find_obj *f = ctx;

	if (obj != f->obj)
		return;
	f->found = true;
	f->cpu = cpu;
}

/* Returns the state of the object. Sets *cpu if a CPU's or a shared array holds it. */
static enum slab_object_state object_state(struct kmem_cache *s, struct page *page, unsigned index, int *cpu)
{
	struct find_obj f = {.obj = slab_object(s, page, index)};
	unsigned long flags = spin_lock_irqsave(&page->slab_node->list_lock);
	bool is_free = slab_index_is_free(page, index);

	spin_unlock_irqrestore(&page->slab_node->list_lock, flags);
	if (is_free)
		return SLAB_OBJ_FREE;
	slab_for_each_cached(s, find_one, &f);
	if (!f.found)
		return SLAB_OBJ_LIVE;
	*cpu = f.cpu;
	return SLAB_OBJ_CPU;
}

bool slab_object_info(const void *addr, struct slab_object_info *info)
{
	struct kmem_cache *s;
	unsigned long offset;
	struct page *page;

	if (!virt_addr_valid(addr) || !(virt_to_page(addr)->flags & PG_slab))
		return false;
	s = virt_to_page(addr)->slab_node->cache;
	page = slab_head(s, addr);
	offset = (unsigned long)((const char *)addr - (const char *)page->s_mem);
	*info = (struct slab_object_info){.slab = page_to_pfn(page), .size = s->object_size, .cpu = -1};
	memcpy(info->cache, s->name, sizeof(info->cache));
	if ((const char *)addr < (const char *)page->s_mem || slab_index(s, offset) >= s->num)
		return true;
	info->index = slab_index(s, offset);
	info->object = slab_object(s, page, info->index);
	info->state = object_state(s, page, info->index, &info->cpu);
	info->alloc_caller = slab_alloc_caller(s, info->object);
	info->free_caller = slab_free_caller(s, info->object);
	return true;
}

/* ---- frames ---- */

/* Calls fn for each slab of the list. Every slab has a page, so no list is longer than RAM. */
static void each_on_list(const struct list_head *list, unsigned order, frame_fn fn, void *ctx)
{
	struct check_walk w;
	struct page *page;

	check_for_each_entry (page, &w, list, totalram_pages(), lru)
		if (check_page(page))
			fn(page_to_pfn(page), order, ctx);
}

static void each_of_cache(const struct kmem_cache *s, frame_fn fn, void *ctx)
{
	for (unsigned nid = 0; nid < nr_nodes; nid++) {
		const struct kmem_cache_node *n = s->node[nid];

		if (!n || !check_object(n, sizeof(*n), sizeof(long)))
			continue;
		each_on_list(&n->slabs_partial, s->order, fn, ctx);
		each_on_list(&n->slabs_full, s->order, fn, ctx);
		each_on_list(&n->slabs_free, s->order, fn, ctx);
	}
}

void slab_for_each_block(frame_fn fn, void *ctx)
{
	const struct kmem_cache *s;
	struct check_walk w;

	check_for_each_entry (s, &w, &cache_list, MAX_CACHES, list)
		each_of_cache(s, fn, ctx);
	slab_for_each_dying(fn, ctx);
}

static void add_block(pfn_t pfn, unsigned order, void *ctx)
{
	(void)pfn;
	*(unsigned long *)ctx += 1UL << order;
}

static void add_reclaimable(pfn_t pfn, unsigned order, void *ctx)
{
	const struct kmem_cache_node *n = pfn_to_page(pfn)->slab_node;

	if (check_object(n, sizeof(*n), sizeof(long)) &&
	    check_object(n->cache, sizeof(*n->cache), sizeof(long)) &&
	    (n->cache->flags & SLAB_RECLAIM_ACCOUNT))
		add_block(pfn, order, ctx);
}

unsigned long slab_reclaimable_pages(void)
{
	const struct kmem_cache *s;
	unsigned long pages = 0;
	struct check_walk w;

	check_for_each_entry (s, &w, &cache_list, MAX_CACHES, list)
		if (s->flags & SLAB_RECLAIM_ACCOUNT)
			each_of_cache(s, add_block, &pages);
	slab_for_each_dying(add_reclaimable, &pages);
	return pages;
}

const char *slab_object_state_name(enum slab_object_state state)
{
	static const char *const names[] = {"live", "free", "cpu"};

	return names[state];
}
