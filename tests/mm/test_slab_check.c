/*
 * test_slab_check.c - what is wrong with caches, slabs, arrays and objects is found, and named.
 *
 * Idea.       One thing at a time is broken, must be named under its invariant, and is put right again.
 * Layout.     caches; slabs; objects; arrays; sizes.
 * Invariants. Between two EXPECT_BROKEN lines everything is as it was: the checks say so at the end of each case.
 * Locking.    None: main loop, nothing else allocates meanwhile.
 * Failure.    A case that needs what this machine has not is skipped.
 * Next:       ../../mm/slab_check.c.
 */
#include "../../mm/slab_internal.h"
#include "expect_broken.h"

#include <kernel/percpu.h>
#include <mm/kmalloc.h>

#define SLAB_BROKEN(variable, value, part) EXPECT_BROKEN_BY("slab", variable, value, part)

static struct kmem_cache *cache_of(unsigned size, unsigned flags)
{
	return kmem_cache_create("test-check", size, 0, flags | SLAB_NO_USER_FLAGS, NULL);
}

/* The node whose slab p lies in. */
static struct kmem_cache_node *node_of_object(const void *p)
{
	return virt_to_page(p)->slab_node;
}

/* The byte of the object's slot, open to sanitizers: a check closes what is around objects. */
static u8 *opened(const struct kmem_cache *s, u8 *p, int at)
{
	san_reveal(p - s->obj_offset, s->size);
	return p + at;
}

/* ---- caches ---- */

KTEST(slab_check, names_a_geometry_that_does_not_fit)
{
	struct kmem_cache *s = cache_of(72, 0);

	ASSERT_NOT_NULL(s);
	SLAB_BROKEN(s->num, (u16)(s->num + 1), "slab.G1: ");
	SLAB_BROKEN(s->num, 0, "slab.G1: ");
	SLAB_BROKEN(s->order, 77, "slab.G1: ");
	SLAB_BROKEN(s->size, 0, "slab.G1: ");
	SLAB_BROKEN(s->size, s->size + 8, "slab.G1: ");
	SLAB_BROKEN(s->reciprocal, s->reciprocal + 1, "slab.G1: ");
	SLAB_BROKEN(s->obj_offset, 8, "slab.G1: ");
	SLAB_BROKEN(s->align, 3, "slab.G1: ");
	SLAB_BROKEN(s->object_size, s->size + 1, "slab.G1: ");
	SLAB_BROKEN(s->flags, s->flags | SLAB_INDEX_OFF_SLAB | SLAB_INDEX_IN_OBJECT, "slab.G1: ");
	SLAB_BROKEN(s->colour_off, 0, "slab.G1: ");
	SLAB_BROKEN(s->colour, s->left_over / s->colour_off + 1, "slab.G1: ");
	SLAB_BROKEN(s->batchcount, s->limit + 1, "slab.G1: ");
	EXPECT_NULL(check_says("slab"));
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

static void nothing(void *obj)
{
	(void)obj;
}

KTEST(slab_check, names_a_cache_that_is_not_as_it_was_made)
{
	struct kmem_cache *s = cache_of(72, 0);
	int nid = slab_local_nid();

	ASSERT_NOT_NULL(s);
	SLAB_BROKEN(s->ctor, nothing, "slab_cache.C1: ");
	SLAB_BROKEN(s->object_size, s->object_size - 1, "slab_cache.C1: ");
	SLAB_BROKEN(s->allocflags, s->allocflags | __GFP_DMA, "slab_cache.C1: ");
	SLAB_BROKEN(s->cpu, s->cpu + 1, "slab_cache.C1: ");
	SLAB_BROKEN(s->name[0], 'T', "slab_cache.C1: ");
	SLAB_BROKEN(s->name[0], '\1', "slab_cache.C1: ");
	SLAB_BROKEN(s->list.prev, &s->list, "slab_cache.C1: ");
	SLAB_BROKEN(s->node[nid], NULL, "slab_cache.C1: ");
	SLAB_BROKEN(cache_list_lock.next, cache_list_lock.next + 1, "slab_cache.C1: ");
	EXPECT_NULL(check_says("slab"));
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

KTEST(slab_check, names_a_nodes_part_of_another_cache_or_limit)
{
	struct kmem_cache *s = cache_of(72, 0), *other = kmalloc_cache_for(72);
	struct kmem_cache_node *n;

	ASSERT_NOT_NULL(s);
	n = s->node[slab_local_nid()];
	SLAB_BROKEN(s->node[n->nid], other->node[n->nid], "slab_cache.C2: ");
	SLAB_BROKEN(s->node[n->nid], (void *)((unsigned long)n ^ 1), "slab_cache.C2: ");
	SLAB_BROKEN(n->cache, other, "slab_cache.C2: ");
	SLAB_BROKEN(n->cpu, other->cpu, "slab_cache.C2: ");
	SLAB_BROKEN(n->nid, n->nid + 1, "slab_cache.C2: ");
	SLAB_BROKEN(n->free_limit, n->free_limit + 1, "slab_cache.C2: ");
	SLAB_BROKEN(n->shared, (void *)((unsigned long)n->shared ^ 8), "slab_cache.C2: ");
	SLAB_BROKEN(n->list_lock.rank, LOCK_ZONE, "slab_cache.C2: ");
	SLAB_BROKEN(n->list_lock.owner, n->list_lock.owner - 1, "slab_cache.C2: ");
	EXPECT_NULL(check_says("slab"));
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

/* ---- slabs ---- */

static void expect_slab_named(struct ktest *t, struct kmem_cache *s, struct page *page,
			      struct kmem_cache_node *n)
{
	SLAB_BROKEN(page->inuse, 0, "slab.S1: ");
	SLAB_BROKEN(page->num, (u16)(s->num + 1), "slab.S1: ");
	SLAB_BROKEN(page->s_mem, (char *)page->s_mem + 8, "slab.S2: ");
	SLAB_BROKEN(page->freelist, NULL, "slab.S3: ");
	SLAB_BROKEN(page->flags, page->flags ^ PG_slab, "slab.S4: ");
	SLAB_BROKEN(page->flags, page->flags ^ 1UL << PG_ORDER_SHIFT, "slab.S4: ");
	SLAB_BROKEN(page->flags, page->flags ^ 1UL << PG_NODE_SHIFT, "slab.S4: ");
	SLAB_BROKEN(page->refcount, 2, "slab.S4: ");
	SLAB_BROKEN(page->slab_node, NULL, "slab.S4: ");
	SLAB_BROKEN(page->lru.next, (void *)8, "slab.N1: ");
	SLAB_BROKEN(page->lru.prev, &page->lru, "slab.N1: ");
	SLAB_BROKEN(n->total_slabs, n->total_slabs + 1, "slab.N1: ");
	SLAB_BROKEN(n->free_slabs, n->free_slabs + 1, "slab.N1: ");
	SLAB_BROKEN(n->free_objects, n->free_objects - 1, "slab.N1: ");
	SLAB_BROKEN(n->grown, n->grown + 1, "slab.N3: ");
	EXPECT_NULL(check_says("slab"));
}

KTEST(slab_check, names_a_slab_that_is_not_what_its_list_says)
{
	static const unsigned sizes[] = {200, 700, 3000}; /* an index in an object, in a buffer, at the end */
	static const unsigned flags[] = {0, SLAB_TYPESAFE_BY_RCU, SLAB_TYPESAFE_BY_RCU | SLAB_NOLEAKTRACE};

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct kmem_cache *s = cache_of(sizes[i], flags[i]);
		void *p;

		ASSERT_NOT_NULL(s);
		p = kmem_cache_alloc(s, GFP_KERNEL);
		ASSERT_NOT_NULL(p);
		kmem_cache_shrink(s); /* what an array holds is no part of it */
		expect_slab_named(t, s, slab_head(s, p), node_of_object(p));
		kmem_cache_free(s, p);
		EXPECT_EQ(kmem_cache_destroy(s), 0);
	}
}

KTEST(slab_check, names_an_index_that_is_wrong_or_elsewhere)
{
	struct kmem_cache *s = cache_of(200, SLAB_TYPESAFE_BY_RCU | SLAB_NOLEAKTRACE);
	slab_index_t *idx;
	struct page *page;
	void *p;

	ASSERT_NOT_NULL(s);
	p = kmem_cache_alloc(s, GFP_KERNEL);
	ASSERT_NOT_NULL(p);
	kmem_cache_shrink(s);
	page = slab_head(s, p);
	idx = page->freelist;
	SLAB_BROKEN(idx[s->num - 1], (slab_index_t)s->num, "slab.S3: ");
	SLAB_BROKEN(idx[s->num - 1], idx[s->num - 2], "slab.S3: ");
	SLAB_BROKEN(page->freelist, (char *)page->freelist + 8, "slab.S5: ");
	EXPECT_NULL(check_says("slab"));
	kmem_cache_free(s, p);
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

/* ---- objects ---- */

KTEST(slab_check, names_a_write_around_a_live_object)
{
	struct kmem_cache *s = cache_of(61, SLAB_RED_ZONE | SLAB_POISON);
	u8 *p;

	ASSERT_NOT_NULL(s);
	p = kmem_cache_alloc(s, GFP_KERNEL);
	ASSERT_NOT_NULL(p);
	for (int i = 1; i <= (int)s->obj_offset; i++)
		SLAB_BROKEN(*opened(s, p, -i), (u8)~broken, "slab_debug.D1: ");
	for (int i = 61; i < 72; i++)
		SLAB_BROKEN(*opened(s, p, i), (u8)~broken, "slab_debug.D1: ");
	memset(p, 0, 61); /* its own bytes are the owner's */
	EXPECT_NULL(check_says("slab"));
	kmem_cache_free(s, p);
	SLAB_BROKEN(*opened(s, p, 30), 0, "slab_debug.D2: ");
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

/* ---- arrays ---- */

KTEST(slab_check, names_an_array_with_wrong_objects)
{
	struct kmem_cache *s = cache_of(72, 0), *other = cache_of(80, 0);
	void *p = s ? kmem_cache_alloc(s, GFP_KERNEL) : NULL,
	     *q = other ? kmem_cache_alloc(other, GFP_KERNEL) : NULL;
	struct pcpu_stack *stack;
	struct array_cache *ac;

	ASSERT_NOT_NULL(p);
	ASSERT_NOT_NULL(q);
	stack = this_cpu_deref(s->cpu);
	ac = array_of(stack);
	if (stack == &slab_no_array.stack || stack->avail < 2)
		SKIP("this machine has no arrays");
	SLAB_BROKEN(stack->avail, stack->limit + 1, "slab_cpu.A1: ");
	SLAB_BROKEN(stack->entry[0], q, "slab_cpu.A1: ");
	SLAB_BROKEN(stack->entry[0], (char *)stack->entry[0] + 8, "slab_cpu.A1: ");
	SLAB_BROKEN(stack->entry[0], NULL, "slab_cpu.A1: ");
	SLAB_BROKEN(stack->entry[0], stack->entry[1], "slab_cpu.A2: ");
	SLAB_BROKEN(ac->node, other->node[slab_local_nid()], "slab_cpu.A5: ");
	SLAB_BROKEN(ac->batchcount, 1, "slab_cpu.A5: ");
	SLAB_BROKEN(stack->limit, stack->limit + 1, "slab_cpu.A5: ");
	SLAB_BROKEN(*per_cpu_ptr(s->cpu, arch_cpu_id()), (void *)16, "slab_cpu.A5: ");
	SLAB_BROKEN(slab_bypass_all, true, "slab_cpu.A4: ");
	SLAB_BROKEN(slab_no_array.stack.avail, 1, "slab_cpu.A3: ");
	EXPECT_NULL(check_says("slab"));
	kmem_cache_free(s, p);
	kmem_cache_free(other, q);
	EXPECT_EQ(kmem_cache_destroy(s), 0);
	EXPECT_EQ(kmem_cache_destroy(other), 0);
}

KTEST(slab_check, names_an_object_in_an_array_and_in_its_slab)
{
	struct kmem_cache *s = cache_of(72, 0);
	void *p = s ? kmem_cache_alloc(s, GFP_KERNEL) : NULL;
	struct pcpu_stack *stack;
	void *in_slab = NULL;
	struct page *page;

	ASSERT_NOT_NULL(p);
	stack = this_cpu_deref(s->cpu);
	page = slab_head(s, p);
	for (unsigned i = 0; i < s->num && !in_slab; i++)
		in_slab =
			page->inuse < s->num && slab_index_is_free(page, i) ? slab_object(s, page, i) : NULL;
	if (stack == &slab_no_array.stack || !stack->avail || !in_slab)
		SKIP("this machine has no arrays");
	SLAB_BROKEN(stack->entry[0], in_slab, "slab_cpu.A2: ");
	EXPECT_NULL(check_says("slab"));
	kmem_cache_free(s, p);
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

KTEST(slab_check, names_foreign_objects_that_are_none)
{
	struct kmem_cache *s = cache_of(72, 0);
	void *p = s ? kmem_cache_alloc(s, GFP_KERNEL) : NULL;
	struct remote_stack *r;
	struct page *page;

	ASSERT_NOT_NULL(p);
	slab_free_remote(p);
	r = this_cpu_ptr(&slab_remote);
	ASSERT_TRUE(r->avail && r->entry[r->avail - 1] == p);
	SLAB_BROKEN(r->avail, r->avail - 1, "slab_cpu.A6: ");
	SLAB_BROKEN(r->again, r->again + 1, "slab_cpu.A6: ");
	SLAB_BROKEN(r->entry[r->avail - 1], t, "slab_cpu.A6: ");
	SLAB_BROKEN(r->entry[r->avail - 1], (char *)p + 8, "slab_cpu.A1: ");
	page = alloc_page(GFP_KERNEL);
	ASSERT_NOT_NULL(page);
	SLAB_BROKEN(r->entry[r->avail - 1], page_address(page), "slab_cpu.A6: ");
	__free_page(page);
	EXPECT_NULL(check_says("slab"));
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

/* ---- sizes ---- */

KTEST(slab_check, names_a_cache_of_another_size_in_kmallocs_table)
{
	SLAB_BROKEN(kmalloc_caches[KMALLOC_NORMAL][2], kmalloc_caches[KMALLOC_NORMAL][3], "kmalloc.K1: ");
	SLAB_BROKEN(kmalloc_caches[KMALLOC_NORMAL][2], NULL, "kmalloc.K1: ");
	SLAB_BROKEN(kmalloc_caches[KMALLOC_DMA][2], kmalloc_caches[KMALLOC_RECLAIM][2], "kmalloc.K1: ");
	EXPECT_NULL(check_says("slab"));
}
