/*
 * test_meminit.c - what new memory holds: the kinds of Linux's lib/test_meminit.c.
 *
 * Idea.       Memory is filled, freed and allocated again. With __GFP_ZERO, or with an option that clears, every byte of it is
 *             zero; a constructor's object and one that is read under RCU keep what they must keep.
 * Layout.     pages by order; kmalloc, vmalloc by size; caches by size, constructor, RCU and options; bulk
 * Invariants. The runner compares free pages and objects after each case.
 * Locking.    None. Options change for all CPUs, so the others are idle.
 * Failure.    As every test's.
 * Next:       test_page_debug.c.
 */
#include "../../mm/slab_internal.h"

#include <arch/san.h>
#include <kernel/string.h>
#include <kernel/test.h>
#include <kernel/work.h>
#include <mm/internal.h>
#include <mm/kmalloc.h>
#include <mm/vmalloc.h>

enum { FILL = 0xc7, BYTES_MOST = 4 << 20, CTOR_BYTES = 8 };

static const u8 ctor_mark[CTOR_BYTES] = "ctor mk";

static size_t bytes_other_than(const u8 *p, size_t n, u8 value)
{
	size_t nr = 0;

	while (n--)
		nr += *p++ != value;
	return nr;
}

/* ---- pages ---- */

KTEST(meminit, pages_of_every_order_are_zero_when_asked)
{
	for (unsigned order = 0; order <= MAX_ORDER && PAGE_SIZE << order <= BYTES_MOST; order++)
		for (unsigned round = 0; round < 3; round++) {
			struct page *page = alloc_pages(GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN, order);
			u8 *p;

			if (!page)
				break; /* memory is in pieces */
			p = page_address(page);
			EXPECT_EQ(bytes_other_than(p, PAGE_SIZE << order, 0), 0);
			memset(p, FILL, PAGE_SIZE << order);
			__free_pages(page, order);
		}
}

KTEST(meminit, exact_pages_are_zero_when_asked)
{
	for (size_t size = 1; size < 20 * PAGE_SIZE; size += 3777)
		for (unsigned round = 0; round < 2; round++) {
			u8 *p = alloc_pages_exact(size, GFP_KERNEL | __GFP_ZERO);

			ASSERT_NOT_NULL(p);
			EXPECT_EQ(bytes_other_than(p, PAGE_ALIGN_UP(size), 0), 0);
			memset(p, FILL, PAGE_ALIGN_UP(size));
			free_pages_exact(p, size);
		}
}

/* ---- kmalloc and vmalloc ---- */

static size_t next_size(size_t size)
{
	return size < 64 ? size + 1 : size + size / 5 + test_rand_below(7);
}

KTEST(meminit, kmalloc_of_every_size_is_zero_when_asked)
{
	for (size_t size = 1; size <= MIB(1); size = next_size(size))
		for (unsigned round = 0; round < 2; round++) {
			u8 *p = kzalloc(size, GFP_KERNEL);

			ASSERT_NOT_NULL(p);
			EXPECT_EQ(bytes_other_than(p, size, 0), 0);
			memset(p, FILL, size);
			kfree(p);
		}
}

KTEST(meminit, vmalloc_of_every_size_is_zero_when_asked)
{
	for (size_t size = 1; size <= MIB(1); size = next_size(size) * 3)
		for (unsigned round = 0; round < 2; round++) {
			u8 *p = vzalloc(size);

			ASSERT_NOT_NULL(p);
			EXPECT_EQ(bytes_other_than(p, size, 0), 0);
			memset(p, FILL, size);
			vfree(p);
			p = kvzalloc(size, GFP_KERNEL);
			ASSERT_NOT_NULL(p);
			EXPECT_EQ(bytes_other_than(p, size, 0), 0);
			memset(p, FILL, size);
			kvfree(p);
		}
}

/* ---- caches ---- */

static bool was_alloc, was_free;

static void set_init(bool on_alloc, bool on_free)
{
	opt_init_on_alloc = on_alloc;
	opt_init_on_free = on_free;
	slab_update_bypass();
}

static void save_init(void)
{
	was_alloc = opt_init_on_alloc;
	was_free = opt_init_on_free;
}

static void construct(void *obj)
{
	memcpy(obj, ctor_mark, CTOR_BYTES);
}

struct kind {
	bool ctor, rcu, zero, on_alloc, on_free;
};

static void expect_kind(struct ktest *t, unsigned size, const struct kind *k)
{
	const gfp_t gfp = GFP_KERNEL | (k->zero ? __GFP_ZERO : 0);
	static u8 copy[4096];
	struct kmem_cache *s;
	bool clears;

	set_init(k->on_alloc, k->on_free);
	s = kmem_cache_create("meminit", size, 1, k->rcu ? SLAB_TYPESAFE_BY_RCU : 0,
			      k->ctor ? construct : NULL);
	ASSERT_NOT_NULL(s);
	clears = !k->rcu && !(s->flags & SLAB_POISON); /* Linux: slab_want_init_on_alloc() */
	for (unsigned round = 0; round < 10; round++) {
		u8 *p = kmem_cache_alloc(s, gfp);

		ASSERT_NOT_NULL(p);
		if (k->ctor)
			EXPECT_EQ(memcmp(p, ctor_mark, CTOR_BYTES), 0);
		else if (k->zero || (clears && (k->on_alloc || (k->on_free && round))))
			EXPECT_EQ(bytes_other_than(p, size, 0), 0);
		memset(p + (k->ctor ? CTOR_BYTES : 0), FILL, size - (k->ctor ? CTOR_BYTES : 0));
		memcpy(copy, p, size);
		kmem_cache_free(s, p);
		if (k->rcu) /* a reader may still look at it: such objects are never closed to sanitizers */
			EXPECT_EQ(memcmp(p, copy, size), 0);
	}
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

KTEST(meminit, objects_of_every_kind_hold_what_they_must)
{
	static const unsigned sizes[] = {8, 24, 64, 100, 200, 1000, 2048, 4096};

	save_init();
	for (unsigned bits = 0; bits < 32; bits++) {
		struct kind k = {bits & 1, bits & 2, bits & 4, bits & 8, bits & 16};

		if (k.ctor && k.zero) /* a contradiction, which the allocator reports */
			continue;
		for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++)
			expect_kind(t, sizes[i], &k);
	}
	set_init(was_alloc, was_free);
}

/* ---- bulk ---- */

KTEST(meminit, objects_in_bulk_are_zero_when_asked)
{
	static const unsigned sizes[] = {16, 100, 1000, 3000};
	static void *objs[100];

	save_init();
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++)
		for (unsigned way = 0; way < 2; way++) {
			struct kmem_cache *s;
			size_t bad = 0;

			set_init(way, false);
			s = kmem_cache_create("meminit", sizes[i], 0, 0, NULL);
			ASSERT_NOT_NULL(s);
			for (unsigned round = 0; round < 3; round++) {
				ASSERT_EQ(kmem_cache_alloc_bulk(s, GFP_KERNEL | (way ? 0 : __GFP_ZERO),
								ARRAY_SIZE(objs), objs),
					  ARRAY_SIZE(objs));
				for (unsigned n = 0; n < ARRAY_SIZE(objs); n++) {
					bad += bytes_other_than(objs[n], sizes[i], 0);
					memset(objs[n], FILL, sizes[i]);
				}
				kmem_cache_free_bulk(s, ARRAY_SIZE(objs), objs);
			}
			if (!way || !(s->flags & SLAB_POISON))
				EXPECT_EQ(bad, 0);
			EXPECT_EQ(kmem_cache_destroy(s), 0);
		}
	set_init(was_alloc, was_free);
}
