/*
 * cmd_slab.c - shell commands on objects: slabinfo, slab, kmalloc, kfree, cache.
 *
 * Idea.       `slabinfo` and `slab` show every cache. The user can create caches and allocate objects of his own. The
 *             kernel's caches can only be looked at: alloc, shrink and destroy work on caches of `cache create`.
 * Layout.     own[]: the caches of `cache create`. Objects are in shell_mem.c's table with the index of their cache.
 * Invariants. A cache leaves own[] only when it is destroyed; then none of its objects is in the table.
 * Locking.    No lock is held while printing: mm/slab_info.h returns copies.
 * Failure.    A wrong argument is named in the message and changes nothing. `cache alloc` gives all objects or none.
 * Source.     Linux mm/slab_common.c (slabinfo version 2.1).
 * Next:       cmd_vm.c.
 */
#include "cmd.h"
#include "shell_mem.h"

#include <kernel/errno.h>
#include <kernel/failure.h>
#include <kernel/string.h>

#include <mm/kmalloc.h>
#include <mm/slab_info.h>

/* ---- slabinfo ---- */

struct print_ctx {
	struct out *o;
	bool json;
};

static void flags_json(struct out *o, unsigned flags)
{
	const char *name;

	json_arr(o, "flags");
	for (unsigned n = 0; (name = slab_flag_name(flags, n)); n++)
		json_str(o, NULL, name);
	json_end_arr(o);
}

static void cache_json(struct out *o, const struct slab_cache_info *c)
{
	json_obj(o, NULL);
	json_str(o, "name", c->name);
	json_num(o, "active_objs", c->active_objs);
	json_num(o, "num_objs", c->num_objs);
	json_num(o, "objsize", c->size);
	json_num(o, "size", c->object_size);
	json_num(o, "align", c->align);
	json_num(o, "objperslab", c->objs_per_slab);
	json_num(o, "pagesperslab", c->pages_per_slab);
	json_num(o, "limit", c->limit);
	json_num(o, "batchcount", c->batchcount);
	json_num(o, "shared", c->shared);
	json_num(o, "active_slabs", c->active_slabs);
	json_num(o, "num_slabs", c->num_slabs);
	json_num(o, "shared_avail", c->shared_avail);
	json_num(o, "cached_objs", c->cached_objs);
	json_num(o, "colours", c->colours);
	json_num(o, "colour_off", c->colour_off);
	flags_json(o, c->flags);
	json_end_obj(o);
}

static bool cache_print(const struct slab_cache_info *c, void *ctx)
{
	struct print_ctx *p = ctx;

	if (p->json)
		cache_json(p->o, c);
	else
		out_printf(p->o,
			   "%-17s %6lu %6lu %6u %4u %4u : tunables %4u %4u %4u : slabdata %6lu %6lu %6lu\n",
			   c->name, c->active_objs, c->num_objs, c->size, c->objs_per_slab, c->pages_per_slab,
			   c->limit, c->batchcount, c->shared, c->active_slabs, c->num_slabs,
			   c->shared_avail);
	return true;
}

static int no_such_cache(struct out *o, const char *name)
{
	return out_error(o, -ENOENT, "there is no cache \"%s\", expected one that `slabinfo` shows", name);
}

static int cmd_slabinfo(struct out *o, int argc, char **argv, bool json)
{
	struct print_ctx p = {o, json};
	struct slab_cache_info one;
	int err = arg_count(o, argc, argv, 0, 1);

	if (err)
		return err;
	if (argc == 2 && !slab_cache_info(argv[1], &one))
		return no_such_cache(o, argv[1]);
	if (json) {
		json_obj(o, NULL);
		json_arr(o, "caches");
	} else {
		out_printf(o,
			   "slabinfo - version: 2.1\n"
			   "# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab>"
			   " : tunables <limit> <batchcount> <sharedfactor>"
			   " : slabdata <active_slabs> <num_slabs> <sharedavail>\n");
	}
	if (argc == 2)
		cache_print(&one, &p);
	else
		slab_for_each_cache(cache_print, &p);
	if (json) {
		json_end_arr(o);
		json_end_obj(o);
	}
	return 0;
}

struct nth_name {
	unsigned left;
	char name[SLAB_INFO_NAME_LEN];
	bool found;
};

static bool take_name(const struct slab_cache_info *c, void *ctx)
{
	struct nth_name *n = ctx;

	if (n->left-- > 0)
		return true;
	strlcpy(n->name, c->name, sizeof(n->name));
	n->found = true;
	return false;
}

static const char *nth_cache_name(unsigned n)
{
	static struct nth_name found; /* valid until the next call */

	found = (struct nth_name){.left = n};
	slab_for_each_cache(take_name, &found);
	return found.found ? found.name : NULL;
}

static const char *complete_cache_name(int pos, unsigned n)
{
	return pos == 1 ? nth_cache_name(n) : NULL;
}
SHELL_CMD("slabinfo", "[CACHE]", "caches, as in /proc/slabinfo", cmd_slabinfo, complete_cache_name);

/* ---- slab ---- */

static bool slab_print(const struct slab_slab_info *s, void *ctx)
{
	struct print_ctx *p = ctx;

	if (!p->json) {
		out_printf(p->o, "%#10lx %4d %-7s %6u %5u/%-5u 0x%016lx\n", s->pfn, s->nid, s->list,
			   s->colour_offset, s->inuse, s->objects, (unsigned long)s->s_mem);
		return true;
	}
	json_obj(p->o, NULL);
	json_num(p->o, "page", s->pfn);
	json_num(p->o, "node", (u64)s->nid);
	json_str(p->o, "list", s->list);
	json_num(p->o, "colour_offset", s->colour_offset);
	json_num(p->o, "inuse", s->inuse);
	json_num(p->o, "objects", s->objects);
	json_hex(p->o, "s_mem", (unsigned long)s->s_mem);
	json_end_obj(p->o);
	return true;
}

static bool array_print(const struct slab_array_info *a, void *ctx)
{
	struct print_ctx *p = ctx;

	if (!p->json) {
		out_printf(p->o, "%3u %6u %6u %10u %s\n", a->cpu, a->avail, a->limit, a->batchcount,
			   a->touched ? "yes" : "no");
		return true;
	}
	json_obj(p->o, NULL);
	json_num(p->o, "cpu", a->cpu);
	json_num(p->o, "avail", a->avail);
	json_num(p->o, "limit", a->limit);
	json_num(p->o, "batchcount", a->batchcount);
	json_num(p->o, "touched", a->touched);
	json_end_obj(p->o);
	return true;
}

static int cmd_slab(struct out *o, int argc, char **argv, bool json)
{
	struct print_ctx p = {o, json};
	struct slab_cache_info c;
	int err = arg_count(o, argc, argv, 1, 1);

	if (err)
		return err;
	if (!slab_cache_info(argv[1], &c))
		return no_such_cache(o, argv[1]);
	if (!json) {
		out_printf(o, "%s: %lu slabs of %u pages, %u objects each, %u colours of %u bytes\n", c.name,
			   c.num_slabs, c.pages_per_slab, c.objs_per_slab, c.colours, c.colour_off);
		out_printf(o, "      page node list    colour   inuse     s_mem\n");
		slab_for_each_slab(argv[1], slab_print, &p);
		out_printf(o, "cpu  avail  limit batchcount touched\n");
		slab_for_each_array(argv[1], array_print, &p);
		return 0;
	}
	json_obj(o, NULL);
	json_str(o, "name", c.name);
	json_arr(o, "slabs");
	slab_for_each_slab(argv[1], slab_print, &p);
	json_end_arr(o);
	json_arr(o, "cpu");
	slab_for_each_array(argv[1], array_print, &p);
	json_end_arr(o);
	json_end_obj(o);
	return 0;
}
SHELL_CMD("slab", "CACHE", "each slab of a cache: node, list, colour, use; each CPU's array", cmd_slab,
	  complete_cache_name);

/* ---- kmalloc, kfree ---- */

/* Name of an object's cache. NULL: the object has pages of its own. */
static const char *cache_of(const void *p)
{
	static struct slab_object_info found;

	return slab_object_info(p, &found) ? found.cache : NULL;
}

static int cmd_kmalloc(struct out *o, int argc, char **argv, bool json)
{
	gfp_t gfp = GFP_KERNEL | __GFP_NOWARN;
	int nid = NUMA_NO_NODE, err = arg_count(o, argc, argv, 1, 3);
	const char *cache;
	unsigned long mark;
	u64 size;
	void *p;

	if (err || (err = cmd_size(o, "SIZE", argv[1], 1, KMALLOC_MAX_SIZE, &size)))
		return err;
	for (int i = 2; i < argc && !err; i++) {
		const char *value = cmd_value(argv[i], "node");

		if (value)
			err = cmd_memory_node(o, value, &nid);
		else if (!strcmp(argv[i], "dma"))
			gfp |= GFP_DMA;
		else
			err = cmd_unknown_option(o, argv[i], "dma or node=N");
	}
	if (err || (err = shell_mem_room(o, 1)))
		return err;
	mark = failure_mark();
	p = nid == NUMA_NO_NODE ? kmalloc(size, gfp) : kmalloc_node(size, gfp | __GFP_THISNODE, nid);
	if (!p)
		return out_error(o, -ENOMEM, "kmalloc of %lu bytes%s%s failed: %s", size,
				 gfp & __GFP_DMA ? " in zone DMA" : "",
				 nid == NUMA_NO_NODE ? "" : " on that node", failure_since(mark));
	shell_mem_add(
		(struct shell_mem){.start = (unsigned long)p, .nr_bytes = ksize(p), .kind = SHELL_KMALLOC});
	cache = cache_of(p);
	if (!json) {
		out_printf(o, "0x%016lx %lu bytes usable, %s\n", (unsigned long)p, ksize(p),
			   cache ?: "pages");
		return 0;
	}
	json_obj(o, NULL);
	json_hex(o, "ptr", (unsigned long)p);
	json_num(o, "size", size);
	json_num(o, "usable", ksize(p));
	json_str(o, "cache", cache);
	json_end_obj(o);
	return 0;
}

static const char *complete_kmalloc(int pos, unsigned n)
{
	static const char *const options[] = {"dma", "node="};

	return pos > 1 && n < ARRAY_SIZE(options) ? options[n] : NULL;
}
SHELL_CMD("kmalloc", "SIZE [dma] [node=N]", "allocate an object by size", cmd_kmalloc, complete_kmalloc);

static void freed_answer(struct out *o, bool json, unsigned long ptr)
{
	if (!json) {
		out_printf(o, "freed 0x%016lx\n", ptr);
		return;
	}
	json_obj(o, NULL);
	json_hex(o, "ptr", ptr);
	json_end_obj(o);
}

static int cmd_kfree(struct out *o, int argc, char **argv, bool json)
{
	int err = arg_count(o, argc, argv, 1, 1);
	const struct shell_mem *m;
	u64 addr;

	if (err || (err = arg_u64(o, "ADDR", argv[1], &addr)))
		return err;
	m = shell_mem_find(o, SHELL_KMALLOC, addr, &err);
	if (!m)
		return err;
	shell_mem_remove(m);
	kfree((void *)addr);
	freed_answer(o, json, addr);
	return 0;
}
SHELL_CMD("kfree", "ADDR", "give an object from `kmalloc` back", cmd_kfree, NULL);

/* ---- cache ---- */

enum { OWN_MAX = 64, CACHE_ALLOC_MAX = 8192 };
static struct kmem_cache *own[OWN_MAX]; /* NULL: the slot is free */

static int own_find(struct out *o, const char *name, unsigned *index)
{
	struct slab_cache_info c;

	for (unsigned i = 0; i < OWN_MAX; i++) {
		if (!own[i] || strcmp(kmem_cache_name(own[i]), name) != 0)
			continue;
		*index = i;
		return 0;
	}
	if (slab_cache_info(name, &c))
		return out_error(o, -EPERM, "cache \"%s\" is the kernel's, expected one from `cache create`",
				 name);
	return no_such_cache(o, name);
}

struct cache_request {
	u64 size, align;
	unsigned flags;
};

static int create_arguments(struct out *o, int argc, char **argv, struct cache_request *rq)
{
	static const struct {
		const char *word;
		unsigned flag;
	} words[] = {
		{"hwcache", SLAB_HWCACHE_ALIGN},   {"poison", SLAB_POISON},
		{"redzone", SLAB_RED_ZONE},	   {"rcu", SLAB_TYPESAFE_BY_RCU},
		{"reclaim", SLAB_RECLAIM_ACCOUNT},
	};
	int err = cmd_size(o, "SIZE", argv[3], 1, KMALLOC_MAX_SIZE, &rq->size);

	for (int i = 4; i < argc && !err; i++) {
		const char *value = cmd_value(argv[i], "align");
		unsigned known = 0;

		if (value) {
			err = cmd_size(o, "align", value, 1, PAGE_SIZE, &rq->align);
			if (!err && !is_pow2(rq->align))
				err = out_error(o, -EINVAL, "align is %s, expected a power of two", value);
			continue;
		}
		for (unsigned w = 0; w < ARRAY_SIZE(words); w++)
			if (!strcmp(argv[i], words[w].word))
				known = words[w].flag;
		if (!known)
			err = cmd_unknown_option(o, argv[i],
						 "align=N, hwcache, poison, redzone, rcu or reclaim");
		rq->flags |= known;
	}
	return err;
}

static int cache_create(struct out *o, int argc, char **argv, bool json)
{
	struct cache_request rq = {0};
	struct slab_cache_info c;
	const char *name = argv[2];
	unsigned long mark;
	unsigned slot = 0;
	int err = create_arguments(o, argc, argv, &rq);

	if (err)
		return err;
	if (!*name || strlen(name) >= SLAB_INFO_NAME_LEN)
		return out_error(o, -EINVAL, "the name has %zu letters, expected 1 to %d", strlen(name),
				 SLAB_INFO_NAME_LEN - 1);
	if (strchr(name, ' '))
		return out_error(o, -EINVAL, "the name \"%s\" has a blank, expected none", name);
	if (slab_cache_info(name, &c))
		return out_error(o, -EEXIST, "there is a cache \"%s\" already, expected a new name", name);
	while (slot < OWN_MAX && own[slot])
		slot++;
	if (slot == OWN_MAX)
		return out_error(o, -ENOSPC, "the shell can hold %d caches: destroy one first", OWN_MAX);
	mark = failure_mark();
	own[slot] = kmem_cache_create(name, (unsigned)rq.size, (unsigned)rq.align, rq.flags, NULL);
	if (!own[slot])
		return out_error(o, -ENOMEM, "creation of a cache for %lu bytes failed: %s", rq.size,
				 failure_since(mark));
	slab_cache_info(name, &c);
	if (!json) {
		out_printf(o, "%s: objects of %u bytes every %u, %u a slab of %u pages, %u colours\n", c.name,
			   c.object_size, c.size, c.objs_per_slab, c.pages_per_slab, c.colours);
		return 0;
	}
	json_obj(o, NULL);
	json_str(o, "name", c.name);
	json_num(o, "objsize", c.size);
	json_num(o, "size", c.object_size);
	json_num(o, "colours", c.colours);
	json_end_obj(o);
	return 0;
}

static int cache_alloc(struct out *o, int argc, char **argv, bool json)
{
	static void *objs[CACHE_ALLOC_MAX];
	unsigned long mark;
	u64 count = 1;
	unsigned index;
	int err = own_find(o, argv[2], &index);

	if (!err && argc == 4)
		err = cmd_number(o, "COUNT", argv[3], 1, CACHE_ALLOC_MAX, &count);
	if (err || (err = shell_mem_room(o, (unsigned)count)))
		return err;
	mark = failure_mark();
	if (kmem_cache_alloc_bulk(own[index], GFP_KERNEL | __GFP_NOWARN, count, objs) != (int)count)
		return out_error(o, -ENOMEM, "allocation of %lu objects of \"%s\" failed: %s", count, argv[2],
				 failure_since(mark));
	if (json) {
		json_obj(o, NULL);
		json_arr(o, "ptrs");
	}
	for (u64 i = 0; i < count; i++) {
		shell_mem_add((struct shell_mem){.start = (unsigned long)objs[i],
						 .nr_bytes = kmem_cache_size(own[index]),
						 .kind = SHELL_OBJECT,
						 .cache_index = (u16)index});
		if (json)
			json_hex(o, NULL, (unsigned long)objs[i]);
		else
			out_printf(o, "0x%016lx\n", (unsigned long)objs[i]);
	}
	if (json) {
		json_end_arr(o);
		json_end_obj(o);
	}
	return 0;
}

static int cache_free(struct out *o, int argc, char **argv, bool json)
{
	const struct shell_mem *m;
	unsigned index;
	u64 addr;
	int err = arg_u64(o, "ADDR", argv[2], &addr);

	if (err)
		return err;
	m = shell_mem_find(o, SHELL_OBJECT, addr, &err);
	if (!m)
		return err;
	index = m->cache_index;
	shell_mem_remove(m);
	kmem_cache_free(own[index], (void *)addr);
	freed_answer(o, json, addr);
	return 0;
}

static int cache_shrink(struct out *o, int argc, char **argv, bool json)
{
	struct slab_cache_info c;
	unsigned index;
	int err = own_find(o, argv[2], &index);

	if (err)
		return err;
	kmem_cache_shrink(own[index]);
	slab_cache_info(argv[2], &c);
	if (!json) {
		out_printf(o, "%s: %lu slabs left\n", c.name, c.num_slabs);
		return 0;
	}
	json_obj(o, NULL);
	json_str(o, "name", c.name);
	json_num(o, "num_slabs", c.num_slabs);
	json_end_obj(o);
	return 0;
}

static int cache_destroy(struct out *o, int argc, char **argv, bool json)
{
	unsigned index;
	int err = own_find(o, argv[2], &index);

	if (err)
		return err;
	/* The allocator refuses if objects are live, and its report in the log names them. */
	err = kmem_cache_destroy(own[index]);
	if (err)
		return out_error(o, err,
				 "cache \"%s\" has %u live objects, expected none: `cache free` them first",
				 argv[2], shell_mem_objects(index));
	own[index] = NULL;
	if (!json) {
		out_printf(o, "%s destroyed\n", argv[2]);
		return 0;
	}
	json_obj(o, NULL);
	json_str(o, "name", argv[2]);
	json_end_obj(o);
	return 0;
}

static const struct {
	const char *word, *form;
	int least, most; /* arguments, the word included */
	int (*run)(struct out *o, int argc, char **argv, bool json);
} cache_words[] = {
	{"create", "NAME SIZE [align=N] [hwcache] [poison] [redzone] [rcu] [reclaim]", 3, 9, cache_create},
	{"alloc", "NAME [COUNT]", 2, 3, cache_alloc},
	{"free", "ADDR", 2, 2, cache_free},
	{"shrink", "NAME", 2, 2, cache_shrink},
	{"destroy", "NAME", 2, 2, cache_destroy},
};

static int cmd_cache(struct out *o, int argc, char **argv, bool json)
{
	if (argc < 2)
		return arg_count(o, argc, argv, 1, SHELL_MAX_ARGS);
	for (unsigned i = 0; i < ARRAY_SIZE(cache_words); i++) {
		if (strcmp(argv[1], cache_words[i].word) != 0)
			continue;
		if (argc - 1 < cache_words[i].least || argc - 1 > cache_words[i].most)
			return out_error(o, -EINVAL, "%s, expected cache %s %s",
					 argc - 1 < cache_words[i].least ? "missing argument"
									 : "unexpected argument",
					 cache_words[i].word, cache_words[i].form);
		return cache_words[i].run(o, argc, argv, json);
	}
	return out_error(o, -EINVAL, "unknown word \"%s\", expected create, alloc, free, shrink or destroy",
			 argv[1]);
}

static const char *complete_cache(int pos, unsigned n)
{
	if (pos == 1)
		return n < ARRAY_SIZE(cache_words) ? cache_words[n].word : NULL;
	if (pos > 2)
		return NULL;
	for (unsigned i = 0; i < OWN_MAX; i++)
		if (own[i] && n-- == 0)
			return kmem_cache_name(own[i]);
	return NULL;
}
SHELL_CMD("cache",
	  "create NAME SIZE [align=N] [hwcache] [poison] [redzone] [rcu] [reclaim] | alloc NAME [COUNT] | "
	  "free ADDR | shrink NAME | destroy NAME",
	  "caches of your own", cmd_cache, complete_cache);
