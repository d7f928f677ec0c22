/*
 * cmd_state.c - mark and diff: changes in all allocators between two moments.
 *
 * Idea.       A leak is memory that stays allocated. `mark` records what is in use; `diff` prints what has been allocated
 *             or freed since. Both first run deferred work, empty the per-CPU lists and purge lazy areas (mm_settle()),
 *             so that a difference is allocated memory and not a cache inside an allocator.
 * Layout.     one block of pages: { marked caches, by list order } { starts of marked areas, ascending }
 * Invariants. The block is allocated before it is filled and kept until the next mark, so both states contain it.
 * Locking.    None: the layers return copies.
 * Failure.    Without memory for the block nothing is marked.
 * Next:       cmd_fault.c.
 */
#include <kernel/shell.h>

#include <kernel/errno.h>
#include <kernel/failure.h>
#include <kernel/string.h>

#include <mm/check.h>
#include <mm/numa.h>
#include <mm/page_alloc.h>
#include <mm/slab_info.h>
#include <mm/stat.h>
#include <mm/vmalloc.h>

struct marked_cache {
	char name[SLAB_INFO_NAME_LEN];
	const struct kmem_cache *cache;
	unsigned long objs, slabs;
};

static struct mark {
	size_t size; /* of the block; 0: nothing is marked */
	struct marked_cache *caches;
	vaddr_t *areas;
	unsigned long nr_caches, nr_areas, max_caches, max_areas;
	unsigned long zone_free[MAX_NODES * NR_ZONES];
	unsigned long page_tables;
} marked;

/* ---- mark ---- */

static bool count_cache(const struct slab_cache_info *info, void *ctx)
{
	++*(unsigned long *)ctx;
	return true;
}

static bool count_area(const struct vmalloc_info *info, void *ctx)
{
	++*(unsigned long *)ctx;
	return true;
}

static unsigned long live_objs(const struct slab_cache_info *info)
{
	return info->active_objs - info->cached_objs;
}

static bool mark_cache(const struct slab_cache_info *info, void *ctx)
{
	struct marked_cache *c = &marked.caches[marked.nr_caches];

	if (marked.nr_caches == marked.max_caches)
		return false;
	strlcpy(c->name, info->name, sizeof(c->name));
	c->cache = info->cache;
	c->objs = live_objs(info);
	c->slabs = info->num_slabs;
	marked.nr_caches++;
	return true;
}

static bool mark_area(const struct vmalloc_info *info, void *ctx)
{
	if (info->lazy || marked.nr_areas == marked.max_areas)
		return false;
	marked.areas[marked.nr_areas++] = info->start;
	return true;
}

static void forget_mark(void)
{
	if (marked.size)
		free_pages_exact(marked.caches, marked.size);
	marked = (struct mark){0};
}

static int cmd_mark(struct out *o, int argc, char **argv, bool json)
{
	int err = arg_count(o, argc, argv, 0, 0);
	unsigned long failures;
	struct zone_stat z;
	void *block;

	if (err)
		return err;
	forget_mark();
	slab_for_each_cache(count_cache, &marked.max_caches);
	vmalloc_for_each(count_area, &marked.max_areas);
	marked.size =
		marked.max_caches * sizeof(marked.caches[0]) + marked.max_areas * sizeof(marked.areas[0]);
	failures = failure_mark();
	block = alloc_pages_exact(marked.size, GFP_KERNEL | __GFP_NOWARN);
	if (!block) {
		marked.size = 0;
		return out_error(o, -ENOMEM, "allocation for %lu caches and %lu areas failed: %s",
				 marked.max_caches, marked.max_areas, failure_since(failures));
	}
	marked.caches = block;
	marked.areas = (vaddr_t *)(marked.caches + marked.max_caches);

	mm_settle();
	slab_for_each_cache(mark_cache, NULL);
	vmalloc_for_each(mark_area, NULL);
	for (unsigned n = 0; zone_stat(n, &z); n++)
		marked.zone_free[n] = z.free;
	marked.page_tables = mm_counter_read(MM_PAGETABLE);
	if (!json) {
		out_printf(o, "marked %lu caches and %lu areas\n", marked.nr_caches, marked.nr_areas);
		return 0;
	}
	json_obj(o, NULL);
	json_num(o, "caches", marked.nr_caches);
	json_num(o, "areas", marked.nr_areas);
	json_end_obj(o);
	return 0;
}
SHELL_CMD("mark", "", "remember the state of all allocators", cmd_mark, NULL);

/* ---- diff ---- */

struct diff {
	struct out *o;
	bool json;
	unsigned long at; /* areas: the next marked one */
	unsigned changes;
};

static void cache_delta(struct diff *d, const char *name, long objs, long slabs)
{
	if (!objs && !slabs)
		return;
	d->changes++;
	if (!d->json) {
		out_printf(d->o, "cache %-31s %+6ld objects %+6ld slabs\n", name, objs, slabs);
		return;
	}
	json_obj(d->o, NULL);
	json_str(d->o, "name", name);
	json_int(d->o, "objs", objs);
	json_int(d->o, "slabs", slabs);
	json_end_obj(d->o);
}

static bool is_marked(const struct marked_cache *m, const struct slab_cache_info *info)
{
	return m->cache == info->cache && !strcmp(m->name, info->name);
}

static bool diff_cache(const struct slab_cache_info *info, void *ctx)
{
	unsigned long objs = 0, slabs = 0;

	for (unsigned long i = 0; i < marked.nr_caches; i++) {
		if (!is_marked(&marked.caches[i], info))
			continue;
		objs = marked.caches[i].objs;
		slabs = marked.caches[i].slabs;
	}
	cache_delta(ctx, info->name, (long)(live_objs(info) - objs), (long)(info->num_slabs - slabs));
	return true;
}

/* Prints marked caches that no longer exist. */
static void diff_lost_caches(struct diff *d)
{
	for (unsigned long i = 0; i < marked.nr_caches; i++) {
		const struct marked_cache *m = &marked.caches[i];
		struct slab_cache_info info;

		if (!slab_cache_info(m->name, &info) || !is_marked(m, &info))
			cache_delta(d, m->name, -(long)m->objs, -(long)m->slabs);
	}
}

static void zone_delta(struct diff *d, const struct zone_stat *z, long pages)
{
	if (!pages)
		return;
	d->changes++;
	if (!d->json) {
		out_printf(d->o, "node %d zone %-8s %+ld pages free\n", z->nid, z->name, pages);
		return;
	}
	json_obj(d->o, NULL);
	json_num(d->o, "node", (u64)z->nid);
	json_str(d->o, "zone", z->name);
	json_int(d->o, "free", pages);
	json_end_obj(d->o);
}

static void area_delta(struct diff *d, vaddr_t start, bool added)
{
	d->changes++;
	if (!d->json) {
		out_printf(d->o, "area 0x%016lx %s\n", start, added ? "added" : "gone");
		return;
	}
	json_obj(d->o, NULL);
	json_hex(d->o, "start", start);
	json_num(d->o, "added", added);
	json_end_obj(d->o);
}

/* Prints marked areas below `end` that were not met: they are gone. Both lists are in ascending order. */
static void areas_gone_below(struct diff *d, vaddr_t end)
{
	while (d->at < marked.nr_areas && marked.areas[d->at] < end)
		area_delta(d, marked.areas[d->at++], false);
}

static bool diff_area(const struct vmalloc_info *info, void *ctx)
{
	struct diff *d = ctx;

	if (info->lazy)
		return false;
	areas_gone_below(d, info->start);
	if (d->at < marked.nr_areas && marked.areas[d->at] == info->start)
		d->at++;
	else
		area_delta(d, info->start, true);
	return true;
}

static int cmd_diff(struct out *o, int argc, char **argv, bool json)
{
	int err = arg_count(o, argc, argv, 0, 0);
	struct diff d = {.o = o, .json = json};
	struct zone_stat z;
	long tables;

	if (err)
		return err;
	if (!marked.size)
		return out_error(o, -ENOENT, "nothing is marked, expected `mark` first");
	mm_settle();
	tables = (long)(mm_counter_read(MM_PAGETABLE) - marked.page_tables);
	if (json) {
		json_obj(o, NULL);
		json_obj(o, "delta");
		json_arr(o, "caches");
	}
	slab_for_each_cache(diff_cache, &d);
	diff_lost_caches(&d);
	if (json) {
		json_end_arr(o);
		json_arr(o, "zones");
	}
	for (unsigned n = 0; zone_stat(n, &z); n++)
		zone_delta(&d, &z, (long)(z.free - marked.zone_free[n]));
	if (json) {
		json_end_arr(o);
		json_arr(o, "areas");
	}
	vmalloc_for_each(diff_area, &d);
	areas_gone_below(&d, ~0UL);
	if (json) {
		json_end_arr(o);
		json_int(o, "page_tables", tables);
		json_end_obj(o);
		json_end_obj(o);
		return 0;
	}
	if (tables)
		out_printf(o, "page tables %+ld pages: kernel tables stay once they are built\n", tables);
	else if (!d.changes)
		out_printf(o, "nothing has changed\n");
	return 0;
}
SHELL_CMD("diff", "", "what has changed since `mark`", cmd_diff, NULL);
