/*
 * model.c - operations on all allocators, decoded from bytes, beside a model of what they must answer.
 *
 * Idea.       The model is a table of what is live: address, size, how it is given back, and a tag from which every word
 *             of the contents follows. That is enough to say of each answer whether it can be right: it overlaps nothing
 *             that is live, is aligned and cleared as asked, nobody else has written into it when it goes back, and a
 *             refusal has a reason, an injected failure or a memory that is really short.
 * Layout.     bytes: an operation each, followed by its arguments, one or two bytes each; what is missing at the end
 *             is 0. item[]: what is live. cache[]: the caches of this run.
 * Invariants. M1  the ranges of two live items never overlap
 *             M2  the words of a live item are those of its tag, until it is given back
 *             M3  after a run the pages and objects in use are those from before it
 * Locking.    None: main loop.
 * Failure.    The first thing that is wrong is kept as text and ends the sequence; what is live is given back all the
 *             same, so that the next run has the memory it needs.
 * Next:       test_model.c, and tests/fuzz/fuzz_ops.c.
 */
#include "model.h"

#include <arch/cache.h>
#include <arch/cpu.h>
#include <arch/irq.h>

#include <kernel/bits.h>
#include <kernel/errno.h>
#include <kernel/fault.h>
#include <kernel/printk.h>
#include <kernel/random.h>
#include <kernel/string.h>
#include <kernel/work.h>

#include <mm/check.h>
#include <mm/kmalloc.h>
#include <mm/page_alloc.h>
#include <mm/pgtable.h>
#include <mm/slab.h>
#include <mm/slab_info.h>
#include <mm/vmalloc.h>

enum {
	ITEMS = 256,
	CACHES = 8,
	MAP_PAGES = 8,	   /* pages of one vmap */
	BULK = 16,	   /* objects of one bulk call */
	CHEAP_ORDER = 3,   /* blocks up to it can always be had while half of the memory is free */
	DENSE = 4096,	   /* every word of the first so many bytes is written and looked at ... */
	SPARSE_STEP = 512, /* ... and one in so many bytes behind them */
	CHECK_EVERY = 512, /* operations between two rounds of every check */
	PASSES = 2,	   /* what is built at its first use and stays is no leak */
};

enum kind { NONE, PAGES, SPLIT, EXACT, KMALLOC, KVMALLOC, OBJECT, AREA, MAPPING };

struct item {
	enum kind kind;
	char *mem;
	size_t size; /* bytes, as asked for */
	u64 tag;
	unsigned order;	   /* PAGES, SPLIT */
	unsigned cache;	   /* OBJECT */
	unsigned nr_pages; /* MAPPING */
	struct page *page[MAP_PAGES];
};

struct cache {
	struct kmem_cache *s;
	unsigned size, align, flags, live, slab_pages;
	bool constructed;
};

static struct {
	const u8 *at, *end;
	struct item item[ITEMS];
	struct cache cache[CACHES];
	unsigned long free_pages;  /* when the run began */
	unsigned long taken_pages; /* at most so many are behind what is live */
	u64 next_tag;
	struct model_counts counts;
	char failed[MODEL_FAILURE_SIZE]; /* empty: all is well */
} model;

/* ---- the bytes ---- */

static unsigned next_byte(void)
{
	return model.at < model.end ? *model.at++ : 0;
}

static unsigned next_below(unsigned n)
{
	return next_byte() % n;
}

/* A size of any magnitude up to 2^max_shift: one byte says how many bits, another gives the upper ones. */
static size_t next_size(unsigned max_shift)
{
	unsigned shift = next_below(max_shift + 1);
	size_t size = 1UL << shift;

	return size + (size * next_byte() >> 8) - next_below(2);
}

static void __printf(1, 2) wrong(const char *fmt, ...)
{
	va_list ap;

	if (model.failed[0])
		return;
	va_start(ap, fmt);
	vsnprintf(model.failed, sizeof(model.failed), fmt, ap);
	va_end(ap);
}

/* ---- contents ---- */

/* Calls for each word of [mem, mem + size) that the model looks at; the bytes behind the last whole word are not. */
#define for_each_word(word, mem, size)                                               \
	for (u64 *word = (u64 *)(mem); (char *)(word + 1) <= (char *)(mem) + (size); \
	     word += (char *)word - (char *)(mem) < DENSE ? 1 : SPARSE_STEP / sizeof(u64))

static u64 word_of(const struct item *it, const u64 *word)
{
	return mix64(it->tag + (u64)((const char *)word - it->mem));
}

static void fill(const struct item *it)
{
	for_each_word(word, it->mem, it->size) *word = word_of(it, word);
	it->mem[it->size - 1] = (char)it->tag;
}

/* The last byte of an item may lie in its last word. */
static void check_prefix(const struct item *it, size_t size)
{
	for_each_word(word, it->mem, size)
	{
		u64 want = word_of(it, word);

		if ((char *)(word + 1) == it->mem + it->size)
			((char *)&want)[sizeof(want) - 1] = (char)it->tag;
		if (*word != want) {
			wrong("%zu bytes at 0x%016lx of kind %d were changed by somebody at offset %zu: "
			      "0x%016lx, "
			      "expected 0x%016lx",
			      it->size, (unsigned long)it->mem, it->kind, (size_t)((char *)word - it->mem),
			      *word, want);
			return;
		}
	}
}

static void check_contents(const struct item *it)
{
	if (it->mem[it->size - 1] != (char)it->tag)
		wrong("%zu bytes at 0x%016lx of kind %d: the last byte was changed by somebody", it->size,
		      (unsigned long)it->mem, it->kind);
	check_prefix(it, it->size);
}

static void check_zero(const struct item *it)
{
	for_each_word(word, it->mem, it->size) if (*word)
	{
		wrong("%zu bytes at 0x%016lx of kind %d are not zero at offset %zu", it->size,
		      (unsigned long)it->mem, it->kind, (size_t)((char *)word - it->mem));
		return;
	}
	if (it->mem[it->size - 1])
		wrong("%zu bytes at 0x%016lx of kind %d: the last byte is not zero", it->size,
		      (unsigned long)it->mem, it->kind);
}

/* ---- what is live ---- */

static struct item *free_item(void)
{
	for (unsigned i = 0; i < ITEMS; i++)
		if (model.item[i].kind == NONE)
			return &model.item[i];
	return NULL;
}

/* The item that an argument chooses among those of that kind (NONE: of any), or NULL. */
static struct item *next_item(enum kind kind)
{
	unsigned at = next_byte();

	for (unsigned i = 0; i < ITEMS; i++, at++) {
		struct item *it = &model.item[at % ITEMS];

		if (it->kind != NONE && (kind == NONE || it->kind == kind))
			return it;
	}
	return NULL;
}

/* Pages that may be behind an item, at most: the one object that is left can hold its whole slab. */
static unsigned long pages_behind(const struct item *it)
{
	unsigned long pages = PAGE_ALIGN_UP(it->size) >> PAGE_SHIFT;

	if (it->kind == OBJECT)
		return model.cache[it->cache].slab_pages;
	if (it->kind == KMALLOC || it->kind == KVMALLOC || it->kind == EXACT)
		return max(8UL, 1UL << order_base_2(pages));
	return pages + 1;
}

static void check_place(const struct item *it, size_t align)
{
	unsigned long start = (unsigned long)it->mem, end = start + it->size;

	if (start % align)
		wrong("%zu bytes at 0x%016lx of kind %d are not aligned to %zu", it->size, start, it->kind,
		      align);
	for (unsigned i = 0; i < ITEMS; i++) {
		const struct item *other = &model.item[i];
		unsigned long from = (unsigned long)other->mem;

		if (other != it && other->kind != NONE && start < from + other->size && from < end)
			wrong("0x%016lx, %zu bytes of kind %d, overlaps 0x%016lx, %zu bytes of kind %d",
			      start, it->size, it->kind, from, other->size, other->kind);
	}
}

/* The answer *it, its kind already set: into the table if memory came. Returns whether it did. */
static bool keep(struct item *it, void *mem, size_t align, gfp_t gfp)
{
	model.counts.allocs++;
	if (!mem) {
		it->kind = NONE;
		return false;
	}
	it->mem = mem;
	it->tag = mix64(++model.next_tag);
	check_place(it, align);
	if (!model.failed[0] && (gfp & __GFP_ZERO))
		check_zero(it);
	model.taken_pages += pages_behind(it);
	if (!model.failed[0])
		fill(it);
	return true;
}

/* ---- refusals ---- */

static unsigned long failures_injected(void)
{
	return failslab.failed + fail_page_alloc.failed + fail_vmalloc.failed;
}

static unsigned long failures_before;

static void attempt(void)
{
	failures_before = failures_injected();
}

/* Whether a request for so many pages in blocks of that order has to be met, whatever else is live. */
static bool must_succeed(unsigned long pages, unsigned order, gfp_t gfp)
{
	return order <= CHEAP_ORDER && !(gfp & (__GFP_DMA | __GFP_DMA32 | __GFP_THISNODE)) &&
	       model.taken_pages + pages <= model.free_pages / 2;
}

static void refused(const char *what, unsigned long pages, unsigned order, gfp_t gfp)
{
	bool injected = failures_injected() != failures_before;

	model.counts.refused++;
	model.counts.injected += injected;
	if (gfp & __GFP_NOFAIL)
		wrong("%s: %lu pages, gfp 0x%x, were refused", what, pages, gfp);
	else if (!injected && must_succeed(pages, order, gfp))
		wrong("%s: %lu pages of order %u, gfp 0x%x, were refused with no reason: %lu are free, at "
		      "most "
		      "%lu in use",
		      what, pages, order, gfp, nr_free_pages(), model.taken_pages);
}

/* What the caller permits. Requests that may not fail are those that need not. */
static gfp_t next_gfp(unsigned long pages, unsigned order)
{
	static const gfp_t gfps[] = {
		GFP_KERNEL,
		GFP_KERNEL | __GFP_ZERO,
		GFP_ATOMIC,
		GFP_NOWAIT,
		GFP_KERNEL | __GFP_RECLAIMABLE,
		GFP_KERNEL | __GFP_MOVABLE,
		GFP_KERNEL | __GFP_NORETRY,
		GFP_KERNEL | __GFP_COMP,
		GFP_KERNEL | __GFP_NOFAIL,
		GFP_KERNEL | GFP_DMA32,
		GFP_KERNEL | GFP_DMA,
		GFP_KERNEL | __GFP_THISNODE,
		GFP_ATOMIC | __GFP_ZERO,
	};
	gfp_t gfp = gfps[next_below(ARRAY_SIZE(gfps))];

	if (!must_succeed(pages, order, 0))
		gfp &= ~__GFP_NOFAIL;
	return gfp | __GFP_NOWARN;
}

/* Some requests come with interrupts off: only those that do not wait. */
static unsigned long irqs_for(gfp_t gfp)
{
	return gfp_may_block(gfp) ? !arch_irq_disabled() : arch_irq_save();
}

/* ---- pages ---- */

static void op_pages(struct item *it)
{
	unsigned order = next_below(4) ? next_below(CHEAP_ORDER + 1) : next_below(MAX_ORDER + 2);
	gfp_t gfp = next_gfp(1UL << order, order);
	unsigned long flags;
	struct page *page;

	attempt();
	flags = irqs_for(gfp);
	page = alloc_pages(gfp, order);
	arch_irq_restore(flags);
	*it = (struct item){.kind = PAGES, .order = order, .size = PAGE_SIZE << order};
	if (page && order > MAX_ORDER)
		wrong("a block of order %u was given", order);
	else if (!keep(it, page ? page_address(page) : NULL, it->size, gfp))
		refused("alloc_pages", 1UL << order, order, gfp);
}

static void op_split(void)
{
	struct item *it = next_item(PAGES);

	if (!it)
		return;
	split_page(virt_to_page(it->mem), it->order);
	it->kind = SPLIT;
}

static void op_exact(struct item *it)
{
	size_t size = next_size(18);
	unsigned order;
	gfp_t gfp;

	size += !size;
	order = get_order(size);
	gfp = next_gfp(1UL << order, order) & ~__GFP_COMP;
	attempt();
	*it = (struct item){.kind = EXACT, .size = size};
	if (!keep(it, alloc_pages_exact(size, gfp), PAGE_SIZE, gfp))
		refused("alloc_pages_exact", 1UL << order, order, gfp);
}

/* ---- kmalloc ---- */

static unsigned kmalloc_order(size_t size)
{
	return size > KMALLOC_MAX_CACHE_SIZE ? get_order(size) : 1;
}

static void op_kmalloc(struct item *it)
{
	size_t size = next_size(16);
	unsigned order = kmalloc_order(size);
	gfp_t gfp = next_gfp(1UL << order, order) & ~(__GFP_COMP | __GFP_MOVABLE | __GFP_DMA32);
	unsigned long flags;
	void *mem;

	attempt();
	flags = irqs_for(gfp);
	mem = kmalloc(size, gfp);
	arch_irq_restore(flags);
	if (!size) {
		if (mem != ZERO_SIZE_PTR)
			wrong("kmalloc(0) is 0x%016lx", (unsigned long)mem);
		kfree(mem);
		return;
	}
	*it = (struct item){.kind = KMALLOC, .size = size};
	if (!keep(it, mem, is_pow2(size) ? min(max(size, 8UL), PAGE_SIZE) : 8, gfp))
		refused("kmalloc", 1UL << order, order, gfp);
	else if (ksize(mem) < size)
		wrong("kmalloc: %zu bytes of %zu are usable", ksize(mem), size);
}

/* To another size. What was there must have moved along; a refusal leaves it alone. */
static void op_krealloc(void)
{
	struct item *it = next_item(KMALLOC), moved;
	size_t size = next_size(16);
	unsigned order = kmalloc_order(size);

	if (!it)
		return;
	size += !size;
	attempt();
	check_contents(it);
	moved = *it;
	moved.mem = krealloc(it->mem, size, GFP_KERNEL | __GFP_NOWARN);
	if (!moved.mem) {
		refused("krealloc", 1UL << order, order, GFP_KERNEL);
		check_contents(it);
		return;
	}
	check_prefix(&moved, min(size, it->size));
	model.taken_pages -= pages_behind(it);
	it->kind = NONE;
	*it = (struct item){.kind = KMALLOC, .size = size};
	keep(it, moved.mem, 8, 0);
}

static void op_kvmalloc(struct item *it)
{
	size_t size = next_size(18);
	gfp_t gfp = GFP_KERNEL | __GFP_NOWARN | (next_below(2) ? __GFP_ZERO : 0);

	size += !size;
	attempt();
	*it = (struct item){.kind = KVMALLOC, .size = size};
	if (!keep(it, kvmalloc(size, gfp), 8, gfp))
		refused("kvmalloc", 2 * (size >> PAGE_SHIFT) + 16, 0, gfp);
}

/* ---- caches ---- */

static const char constructed[] = "constructed!";

static void construct(void *object)
{
	memcpy(object, constructed, sizeof(constructed));
}

static void op_cache_create(void)
{
	static const unsigned flags[] = {
		SLAB_HWCACHE_ALIGN,	 SLAB_POISON,	       SLAB_RED_ZONE,	    SLAB_STORE_USER,
		SLAB_CONSISTENCY_CHECKS, SLAB_RECLAIM_ACCOUNT, SLAB_TYPESAFE_BY_RCU};
	unsigned at = next_below(CACHES), size = (unsigned)next_size(13), bits = next_byte();
	unsigned align = next_below(4) ? 0 : 1U << next_below(PAGE_SHIFT + 1), order;
	struct cache *c = &model.cache[at];
	struct slab_cache_info info;
	char name[16];

	if (c->s)
		return;
	*c = (struct cache){.size = size, .align = align};
	for (unsigned i = 0; i < ARRAY_SIZE(flags); i++)
		c->flags |= bits & 1U << i ? flags[i] : 0;
	c->constructed = (bits & 0x80) && size >= sizeof(constructed);
	snprintf(name, sizeof(name), "model-%u", at);
	attempt();
	c->s = kmem_cache_create(name, size, align, c->flags, c->constructed ? construct : NULL);
	if (c->s && !size) {
		wrong("a cache of objects of 0 bytes was made");
	} else if (c->s) {
		slab_cache_info(name, &info);
		c->slab_pages = info.pages_per_slab;
		order = ilog2(info.pages_per_slab);
		if (info.object_size != size || (unsigned)(1U << order) != info.pages_per_slab)
			wrong("cache of objects of %u bytes: %u bytes in slabs of %u pages", size,
			      info.object_size, info.pages_per_slab);
	} else if (size) {
		refused("kmem_cache_create", 4, 0, GFP_KERNEL);
	}
}

static struct cache *next_cache(void)
{
	unsigned at = next_below(CACHES);

	for (unsigned i = 0; i < CACHES; i++, at++)
		if (model.cache[at % CACHES].s)
			return &model.cache[at % CACHES];
	return NULL;
}

static size_t object_align(const struct cache *c)
{
	size_t line = arch_cache_line_bytes();

	while (c->size <= line / 2)
		line /= 2;
	return max(max((size_t)c->align, sizeof(void *)), c->flags & SLAB_HWCACHE_ALIGN ? line : 0);
}

/* The constructor's work must be there. */
static bool keep_object(struct item *it, struct cache *c, void *object, gfp_t gfp)
{
	if (object && c->constructed && memcmp(object, constructed, sizeof(constructed)) != 0)
		wrong("an object of %u bytes at 0x%016lx is not constructed", c->size, (unsigned long)object);
	*it = (struct item){.kind = OBJECT, .size = c->size, .cache = (unsigned)(c - model.cache)};
	if (!keep(it, object, object_align(c), gfp))
		return false;
	c->live++;
	return true;
}

static void op_object(struct item *it)
{
	struct cache *c = next_cache();
	unsigned long flags;
	unsigned order;
	void *object;
	gfp_t gfp;

	if (!c)
		return;
	order = ilog2(c->slab_pages);
	gfp = next_gfp(c->slab_pages, order) & (GFP_RECLAIM_MASK | __GFP_ZERO | __GFP_THISNODE);
	if (c->constructed)
		gfp &= ~__GFP_ZERO;
	attempt();
	flags = irqs_for(gfp);
	object = kmem_cache_alloc(c->s, gfp);
	arch_irq_restore(flags);
	if (!keep_object(it, c, object, gfp))
		refused("kmem_cache_alloc", c->slab_pages + 1, order, gfp);
}

static void op_object_bulk(void)
{
	struct cache *c = next_cache();
	unsigned nr = 1 + next_below(BULK), room = 0;
	void *object[BULK];

	for (unsigned i = 0; i < ITEMS; i++)
		room += model.item[i].kind == NONE;
	if (!c || room < nr)
		return;
	attempt();
	if (!kmem_cache_alloc_bulk(c->s, GFP_KERNEL | __GFP_NOWARN, nr, object)) {
		refused("kmem_cache_alloc_bulk", (unsigned long)nr * c->slab_pages + 1, ilog2(c->slab_pages),
			0);
		return;
	}
	for (unsigned i = 0; i < nr; i++)
		keep_object(free_item(), c, object[i], 0);
}

static void op_shrink(void)
{
	struct cache *c = next_cache();

	if (c && kmem_cache_shrink(c->s) == 0 && c->live)
		wrong("a cache with %u live objects has no slab", c->live);
}

/* A cache with live objects refuses and stays. */
static void op_destroy(void)
{
	struct cache *c = next_cache();
	int err;

	if (!c)
		return;
	err = kmem_cache_destroy(c->s);
	if (err != (c->live ? -EBUSY : 0))
		wrong("kmem_cache_destroy with %u live objects: %d", c->live, err);
	if (!err)
		c->s = NULL;
}

/* ---- areas ---- */

static void check_area(const struct item *it)
{
	const struct vm_struct *area = find_vm_area(it->mem);
	size_t mapped = PAGE_ALIGN_UP(it->size);

	if (!is_vmalloc_addr(it->mem) || !area || area->addr != it->mem)
		wrong("0x%016lx, %zu bytes of kind %d, is no area", (unsigned long)it->mem, it->size,
		      it->kind);
	else if (arch_probe((vaddr_t)it->mem + area->size - PAGE_SIZE, ARCH_READ) != -EFAULT ||
		 area->size < mapped + PAGE_SIZE)
		wrong("the area at 0x%016lx, %zu bytes, has no guard page", (unsigned long)it->mem, it->size);
}

static void op_area(struct item *it)
{
	size_t size = next_size(next_below(16) ? 16 : 22);
	gfp_t gfp = GFP_KERNEL | __GFP_NOWARN | (next_below(2) ? __GFP_ZERO : 0);
	unsigned vm_flags = next_below(4) ? 0 : VM_HUGE;

	size += !size;
	attempt();
	*it = (struct item){.kind = AREA, .size = size};
	if (!keep(it, vmalloc_gfp(size, gfp, NUMA_NO_NODE, vm_flags, (unsigned long)op_area), PAGE_SIZE, gfp))
		refused("vmalloc", (size >> PAGE_SHIFT) + 16, 0, gfp);
	else
		check_area(it);
}

/* Single pages, mapped in a row: what is written there is found at their own addresses. */
static void op_map(struct item *it)
{
	unsigned nr = 1 + next_below(MAP_PAGES);
	void *mem = NULL;

	*it = (struct item){.kind = MAPPING, .size = nr * PAGE_SIZE};
	attempt();
	it->nr_pages = (unsigned)alloc_pages_bulk(NUMA_NO_NODE, GFP_KERNEL | __GFP_NOWARN, nr, it->page);
	if (it->nr_pages == nr)
		mem = vmap(it->page, nr, VM_MAP, PT_READ | PT_WRITE);
	if (keep(it, mem, PAGE_SIZE, 0)) {
		check_area(it);
		if (!model.failed[0])
			for (unsigned i = 0; i < nr; i++)
				if (memcmp(page_address(it->page[i]), it->mem + i * PAGE_SIZE, PAGE_SIZE) !=
				    0)
					wrong("page %u of the mapping at 0x%016lx is another one", i,
					      (unsigned long)mem);
		return;
	}
	refused("vmap", nr + 16, 0, GFP_KERNEL);
	free_pages_bulk(it->page, it->nr_pages);
}

static void unmap(struct item *it)
{
	vunmap(it->mem);
	vm_unmap_aliases();
	it->mem = page_address(it->page[0]);
	check_prefix(it, PAGE_SIZE); /* what was written through the mapping */
	free_pages_bulk(it->page, it->nr_pages);
}

/* ---- giving back ---- */

static void free_object(struct item *it)
{
	struct cache *c = &model.cache[it->cache];

	if (c->constructed)
		construct(it->mem);
	kmem_cache_free(c->s, it->mem);
	c->live--;
}

static void give_back(struct item *it)
{
	check_contents(it);
	model.taken_pages -= pages_behind(it);
	switch (it->kind) {
	case PAGES:
		free_pages((unsigned long)it->mem, it->order);
		break;
	case SPLIT:
		for (unsigned i = 0; i < 1U << it->order; i++)
			free_page((unsigned long)it->mem + i * PAGE_SIZE);
		break;
	case EXACT:
		free_pages_exact(it->mem, it->size);
		break;
	case KMALLOC:
		kfree(it->mem);
		break;
	case KVMALLOC:
		kvfree(it->mem);
		break;
	case OBJECT:
		free_object(it);
		break;
	case AREA:
		vfree(it->mem);
		break;
	case MAPPING:
		unmap(it);
		break;
	case NONE:
		break;
	}
	it->kind = NONE;
}

static void op_free(void)
{
	struct item *it = next_item(NONE);

	if (it)
		give_back(it);
}

/* Several in a row from one place on: slabs empty out, blocks merge. */
static void op_free_many(void)
{
	unsigned nr = 1 + next_below(32), at = next_byte();

	for (unsigned i = 0; i < nr; i++)
		if (model.item[(at + i) % ITEMS].kind != NONE)
			give_back(&model.item[(at + i) % ITEMS]);
}

/* ---- the rest ---- */

static struct fault_attr *const attributes[] = {&failslab, &fail_page_alloc, &fail_vmalloc};

/* The next calls of one allocator: every n-th fails, so many times; none: the end of that. */
static void op_inject(void)
{
	struct fault_attr *a = attributes[next_below(ARRAY_SIZE(attributes))];

	*a = (struct fault_attr){.interval = 1 + next_below(16),
				 .probability = 100,
				 .times = (long)next_below(8),
				 .failed = a->failed};
	a->armed = a->times;
	mm_update_bypass();
}

static void op_tidy(void)
{
	switch (next_below(6)) {
	case 0:
		drain_all_pages();
		break;
	case 1:
		slab_reap(false);
		break;
	case 2:
		slab_reap(true);
		break;
	case 3:
		vm_unmap_aliases();
		break;
	case 4:
		quiet_point();
		break;
	default:
		mm_settle();
	}
}

static void note_broken(const char *name, const char *what, void *ctx)
{
	(void)ctx;
	wrong("check %s: %s", name, what);
}

static void check_everything(void)
{
	unsigned checks;

	mm_check_all(&checks, note_broken, NULL);
	model.counts.checks += checks;
}

static void op_check(void)
{
	struct item *it = next_item(NONE);

	if (it)
		check_contents(it);
}

static void one_operation(void)
{
	static void (*const alloc[])(struct item * it) = {op_pages,  op_pages,	  op_kmalloc, op_kmalloc,
							  op_object, op_object,	  op_area,    op_map,
							  op_exact,  op_kvmalloc, op_object};
	static void (*const other[])(void) = {
		op_free,	op_free,   op_free,    op_free_many, op_krealloc, op_split, op_cache_create,
		op_object_bulk, op_shrink, op_destroy, op_inject,    op_tidy,	  op_check};
	unsigned op = next_below(ARRAY_SIZE(alloc) + ARRAY_SIZE(other));
	struct item *it = free_item();

	model.counts.ops++;
	if (op >= ARRAY_SIZE(alloc))
		other[op - ARRAY_SIZE(alloc)]();
	else if (it)
		alloc[op](it);
	if (model.counts.ops % CHECK_EVERY == 0)
		check_everything();
	quiet_point();
}

static void run_once(const u8 *bytes, size_t len)
{
	struct fault_attr saved[ARRAY_SIZE(attributes)];

	model.at = bytes;
	model.end = bytes + len;
	model.free_pages = nr_free_pages();
	model.taken_pages = 0;
	for (unsigned i = 0; i < ARRAY_SIZE(attributes); i++)
		saved[i] = *attributes[i];
	while (model.at < model.end && !model.failed[0])
		one_operation();
	for (unsigned i = 0; i < ARRAY_SIZE(attributes); i++)
		*attributes[i] = saved[i];
	mm_update_bypass();
	for (unsigned i = 0; i < ITEMS; i++)
		if (model.item[i].kind != NONE)
			give_back(&model.item[i]);
	for (unsigned i = 0; i < CACHES; i++) {
		if (model.cache[i].s && kmem_cache_destroy(model.cache[i].s))
			wrong("a cache still has objects when all are given back");
		model.cache[i] = (struct cache){};
	}
}

const char *model_run(const u8 *bytes, size_t len, struct model_counts *counts)
{
	struct mm_usage before, after;
	int loglevel = console_loglevel;

	console_loglevel = LOG_ALERT; /* what is refused here is refused on purpose; `dmesg` has it */
	model.counts = (struct model_counts){};
	model.failed[0] = '\0';
	for (unsigned pass = 0; pass < PASSES; pass++) {
		before = mm_settled_usage();
		run_once(bytes, len);
		after = mm_settled_usage();
		if (model.failed[0] ||
		    (!mm_lost_pages(&before, &after) && after.live_objects <= before.live_objects))
			break;
		if (pass == PASSES - 1)
			wrong("%lu pages and %lu objects are not given back", mm_lost_pages(&before, &after),
			      after.live_objects - before.live_objects);
	}
	check_everything();
	console_loglevel = loglevel;
	if (counts) {
		counts->ops += model.counts.ops;
		counts->allocs += model.counts.allocs;
		counts->refused += model.counts.refused;
		counts->injected += model.counts.injected;
		counts->checks += model.counts.checks;
	}
	return model.failed[0] ? model.failed : NULL;
}
