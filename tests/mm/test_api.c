/*
 * test_api.c - the interface at its edges: what other kernels' bug reports are about.
 *
 * Idea.       Sizes that overflow when they are rounded, orders that no type holds, every alignment with every size, caches
 *             that are destroyed too early or have a name that is taken. The answer is NULL, an error, or what was asked for.
 * Layout.     overflows; krealloc; alignment; caches
 * Invariants. The runner compares free pages and objects after each case.
 * Locking.    None.
 * Failure.    None expected.
 * Next:       test_exhaust.c.
 */
#include "../../mm/slab_internal.h"

#include <kernel/errno.h>
#include <kernel/string.h>
#include <kernel/test.h>
#include <mm/kmalloc.h>
#include <mm/page_alloc.h>
#include <mm/vmalloc.h>

#define QUIET (GFP_KERNEL | __GFP_NOWARN)

/* ---- overflows ---- */

/* Sums and products that wrap to something small. */
static const size_t wrapping[] = {~0UL,	    ~0UL - 7, ~0UL - 100, ~0UL - PAGE_SIZE + 1, ~0UL - PAGE_SIZE,
				  1UL << 63};

KTEST(api, sizes_that_wrap_when_rounded_are_refused)
{
	for (unsigned i = 0; i < ARRAY_SIZE(wrapping); i++) {
		size_t size = wrapping[i];

		EXPECT_NULL(kmalloc(size, QUIET));
		EXPECT_NULL(kmalloc_node(size, QUIET, numa_node_id()));
		EXPECT_NULL(krealloc(NULL, size, QUIET));
		EXPECT_NULL(kvmalloc(size, QUIET));
		EXPECT_NULL(kvmalloc_node(size, QUIET, numa_node_id()));
		EXPECT_NULL(vmalloc_gfp(size, QUIET, NUMA_NO_NODE, 0, 0));
		EXPECT_NULL(vmalloc_huge(size, QUIET));
		EXPECT_NULL(vmalloc_32(size));
		EXPECT_NULL(__vmalloc_node(size, MIB(2), QUIET, NUMA_NO_NODE, NULL));
		EXPECT_NULL(alloc_pages_exact(size, QUIET));
	}
	EXPECT_NULL(kmalloc(KMALLOC_MAX_SIZE + 1, QUIET));
	EXPECT_NULL(vmalloc(0));
	EXPECT_NULL(alloc_pages_exact(0, QUIET));
}

KTEST(api, products_that_wrap_are_refused)
{
	static const struct {
		size_t n, size;
	} pair[] = {{1UL << 33, 1UL << 32}, {~0UL, 2},	    {2, ~0UL},
		    {~0UL / 8 + 2, 8},	    {1UL << 63, 2}, {~0UL, ~0UL}};
	void *p;

	for (unsigned i = 0; i < ARRAY_SIZE(pair); i++) {
		EXPECT_NULL(kmalloc_array(pair[i].n, pair[i].size, QUIET));
		EXPECT_NULL(kcalloc(pair[i].n, pair[i].size, QUIET));
	}
	p = kcalloc(0, ~0UL, GFP_KERNEL);
	EXPECT_EQ(p, ZERO_SIZE_PTR);
	kfree(p);
}

KTEST(api, orders_that_no_block_has_are_refused)
{
	static const unsigned orders[] = {MAX_ORDER + 1, 31, 32, 52, 63, 64, 1u << 31, ~0u};

	for (unsigned i = 0; i < ARRAY_SIZE(orders); i++) {
		EXPECT_NULL(alloc_pages(QUIET, orders[i]));
		EXPECT_NULL(alloc_pages_node(numa_node_id(), QUIET, orders[i]));
		EXPECT_EQ(__get_free_pages(QUIET, orders[i]), 0);
	}
}

/* ---- krealloc ---- */

KTEST(api, krealloc_goes_from_nothing_to_nothing)
{
	void *p = krealloc(NULL, 0, GFP_KERNEL), *q;

	EXPECT_EQ(p, ZERO_SIZE_PTR);
	p = krealloc(p, 10, GFP_KERNEL);
	ASSERT_NOT_NULL(p);
	memset(p, 0x5a, 10);
	EXPECT_NULL(krealloc(p, ~0UL, QUIET));
	EXPECT_NULL(krealloc(p, KMALLOC_MAX_SIZE + 1, QUIET));
	EXPECT_EQ(((u8 *)p)[9], 0x5a);
	q = krealloc(p, 0, GFP_KERNEL);
	EXPECT_EQ(q, ZERO_SIZE_PTR);
	kfree(q);
	kfree(NULL);
	EXPECT_EQ(ksize(NULL), 0);
	EXPECT_EQ(ksize(ZERO_SIZE_PTR), 0);
}

/* ---- alignment ---- */

enum { OBJECTS = 20 };

static void expect_aligned(struct ktest *t, unsigned size, unsigned align)
{
	struct kmem_cache *s = kmem_cache_create("aligned", size, align, 0, NULL);
	u8 *obj[OBJECTS];
	unsigned bad = 0;

	ASSERT_NOT_NULL(s);
	for (unsigned i = 0; i < OBJECTS; i++) {
		obj[i] = kmem_cache_alloc(s, GFP_KERNEL);
		ASSERT_NOT_NULL(obj[i]);
		bad += !IS_ALIGNED((vaddr_t)obj[i], max(align, 8u));
		memset(obj[i], (int)i, size);
	}
	for (unsigned i = 0; i < OBJECTS; i++) {
		for (unsigned b = 0; b < size; b++)
			bad += obj[i][b] != i;
		kmem_cache_free(s, obj[i]);
	}
	EXPECT_MSG(bad == 0, "size %u, alignment %u: %u wrong", size, align, bad);
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

KTEST(api, each_size_keeps_each_alignment)
{
	static const unsigned sizes[] = {1, 3, 40, 100, 300, 700, 1500, 3000, 5000, 9000};

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		expect_aligned(t, sizes[i], 0);
		for (unsigned align = 8; align <= 4096; align *= 2)
			expect_aligned(t, sizes[i], align);
	}
}

/* ---- caches ---- */

KTEST(api, a_cache_that_could_not_be_destroyed_goes_on)
{
	struct kmem_cache *s = kmem_cache_create("goes-on", 100, 0, 0, NULL);
	void *obj, *more[50];

	ASSERT_NOT_NULL(s);
	obj = kmem_cache_alloc(s, GFP_KERNEL);
	ASSERT_NOT_NULL(obj);
	EXPECT_EQ(kmem_cache_destroy(s), -EBUSY);
	EXPECT_EQ(kmem_cache_destroy(s), -EBUSY);
	memset(obj, 1, 100);
	EXPECT_EQ(kmem_cache_alloc_bulk(s, GFP_KERNEL, ARRAY_SIZE(more), more), ARRAY_SIZE(more));
	kmem_cache_free_bulk(s, ARRAY_SIZE(more), more);
	kmem_cache_free(s, obj);
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

/* Slabs that wait for a grace period do not keep a cache from being destroyed, and are not lost with it. */
KTEST(api, an_rcu_cache_is_destroyed_right_after_its_frees)
{
	static void *obj[300];

	for (unsigned round = 0; round < 20; round++) {
		struct kmem_cache *s = kmem_cache_create("rcu", 200, 0, SLAB_TYPESAFE_BY_RCU, NULL);

		ASSERT_NOT_NULL(s);
		ASSERT_EQ(kmem_cache_alloc_bulk(s, GFP_KERNEL, ARRAY_SIZE(obj), obj), ARRAY_SIZE(obj));
		kmem_cache_free_bulk(s, ARRAY_SIZE(obj), obj);
		EXPECT_EQ(kmem_cache_destroy(s), 0);
	}
}

KTEST(api, two_caches_of_one_name_are_two_caches)
{
	struct kmem_cache *a = kmem_cache_create("twice", 64, 0, 0, NULL);
	struct kmem_cache *b = kmem_cache_create("twice", 64, 0, 0, NULL);
	void *p, *q;

	ASSERT_TRUE(a && b && a != b);
	p = kmem_cache_alloc(a, GFP_KERNEL);
	q = kmem_cache_alloc(b, GFP_KERNEL);
	EXPECT_NE(virt_to_page(p)->slab_node, virt_to_page(q)->slab_node);
	kmem_cache_free(b, q);
	EXPECT_EQ(kmem_cache_destroy(b), 0);
	kmem_cache_free(a, p);
	EXPECT_EQ(kmem_cache_destroy(a), 0);
}

KTEST_PANIC(api, a_second_free_with_another_between_is_a_bug, "double free")
{
	void *p = kmalloc(100, GFP_KERNEL), *q = kmalloc(100, GFP_KERNEL);

	kfree(p);
	kfree(q);
	kfree(p);
	kmem_cache_shrink(kmalloc_cache_for(100)); /* the array's objects go to their slabs */
}
