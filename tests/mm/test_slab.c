/*
 * test_slab.c - properties of caches, slabs, node lists and the reaper (mm/slab.c).
 *
 * Expected geometries are Linux's, written down as numbers; where a rule is tested, it is tested as a
 * property of the result and not computed the way the code does.
 */
#include "../../mm/slab_internal.h"

#include <kernel/cmdline.h>
#include <kernel/errno.h>
#include <kernel/random.h>
#include <kernel/test.h>
#include <kernel/work.h>
#include <mm/kmalloc.h>
#include <mm/page_alloc.h>
#include <mm/slab_info.h>

enum { MAX_OBJS = 600 };

static void *objs[MAX_OBJS];

static struct kmem_cache *test_cache(unsigned size, unsigned align, unsigned flags, void (*ctor)(void *))
{
	return kmem_cache_create("ktest", size, align, flags | SLAB_NO_USER_FLAGS, ctor);
}

static void nop_ctor(void *obj)
{
	(void)obj;
}

static struct kmem_cache_node *node_of(struct kmem_cache *s)
{
	return s->node[slab_local_nid()];
}

/* ---- geometry ---- */

enum place { IN, ON, OFF };
struct vector {
	unsigned size, align, flags;
	bool ctor;
	unsigned max_order;
	/* expected */
	unsigned stride, order, num, left, colours;
	enum place place;
	unsigned limit;
};

static const struct vector vectors_4k[] = {
	{32, 32, 0, 0, 1, 32, 0, 124, 4, 0, ON, 120},
	{64, 64, 0, 0, 1, 64, 0, 64, 0, 0, IN, 120},
	{96, 0, SLAB_HWCACHE_ALIGN, 0, 1, 128, 0, 32, 0, 0, IN, 120},
	{128, 128, 0, 0, 1, 128, 0, 32, 0, 0, IN, 120},
	{192, 0, SLAB_HWCACHE_ALIGN, 0, 1, 192, 0, 21, 64, 1, IN, 120},
	{256, 256, 0, 0, 1, 256, 0, 16, 0, 0, IN, 120},
	{512, 512, 0, 0, 1, 512, 0, 8, 0, 0, IN, 54},
	{1024, 1024, 0, 0, 1, 1024, 0, 4, 0, 0, IN, 54},
	{2048, 2048, 0, 0, 1, 2048, 0, 2, 0, 0, IN, 24},
	{4096, 4096, 0, 0, 1, 4096, 0, 1, 0, 0, IN, 24},
	{8192, 8192, 0, 0, 1, 8192, 1, 1, 0, 0, IN, 8},
	{8, 0, 0, 0, 1, 16, 0, 240, 16, 0, ON, 120},
	{24, 0, 0, 0, 1, 24, 0, 163, 21, 0, ON, 120},
	{40, 0, 0, 0, 1, 40, 0, 99, 37, 0, ON, 120},
	{56, 0, 0, 0, 1, 56, 0, 71, 49, 0, ON, 120},
	{72, 0, 0, 0, 1, 72, 0, 56, 64, 1, IN, 120},
	{100, 0, 0, 0, 1, 104, 0, 39, 40, 0, IN, 120},
	{100, 0, 0, 1, 1, 104, 0, 39, 1, 0, ON, 120},
	{192, 0, SLAB_HWCACHE_ALIGN, 1, 1, 192, 0, 21, 43, 0, ON, 120},
	{200, 0, 0, 0, 1, 200, 0, 20, 96, 1, IN, 120},
	{200, 0, SLAB_HWCACHE_ALIGN, 0, 1, 256, 0, 16, 0, 0, IN, 120},
	{232, 0, 0, 0, 1, 232, 0, 17, 152, 2, IN, 120},
	{320, 0, 0, 0, 1, 320, 0, 12, 256, 4, IN, 54},
	{400, 0, 0, 0, 1, 400, 0, 10, 96, 1, IN, 54},
	{600, 0, 0, 0, 1, 600, 0, 6, 496, 7, IN, 54},
	{700, 0, 0, 0, 1, 704, 1, 11, 448, 7, IN, 54},
	{700, 0, 0, 0, 0, 704, 0, 5, 576, 9, IN, 54},
	{1000, 0, 0, 1, 1, 1000, 0, 4, 92, 1, ON, 54},
	{1100, 0, 0, 0, 1, 1104, 1, 7, 464, 7, IN, 24},
	{1500, 0, 0, 0, 1, 1504, 1, 5, 672, 10, IN, 24},
	{2200, 0, 0, 0, 1, 2200, 1, 3, 1592, 24, IN, 24},
	{3000, 0, 0, 0, 1, 3000, 1, 2, 2192, 34, IN, 24},
	{4096, 0, 0, 1, 1, 4096, 0, 1, 0, 0, OFF, 24},
	{5000, 0, 0, 0, 1, 5000, 1, 1, 3192, 49, IN, 8},
	{6848, 0, 0, 0, 1, 6848, 1, 1, 1344, 21, IN, 8},
	{9000, 0, 0, 0, 1, 9000, 2, 1, 7384, 115, IN, 8},
	/* not in Linux's table, by the same rules: an index that must stay on the slab; */
	{4096, 0, SLAB_NOLEAKTRACE, 1, 1, 4096, 1, 1, 4095, 63, ON, 24},
	/* and the smallest arrays, above 128 KiB */
	{140000, 0, 0, 0, 1, 140000, 6, 1, 122144, 1908, IN, 1},
};

/* The same rules with indices of two bytes (freelist_idx_t) and, as on 4 KiB pages, objects of 16 bytes at least. */
static const struct vector vectors_16k[] = {
	{32, 32, 0, 0, 1, 32, 0, 481, 30, 0, ON, 120},
	{64, 64, 0, 0, 1, 64, 0, 248, 16, 0, ON, 120},
	{192, 0, SLAB_HWCACHE_ALIGN, 0, 1, 192, 0, 85, 64, 1, IN, 120},
	{256, 256, 0, 0, 1, 256, 0, 64, 0, 0, IN, 120},
	{512, 512, 0, 0, 1, 512, 0, 32, 0, 0, IN, 54},
	{1024, 1024, 0, 0, 1, 1024, 0, 16, 0, 0, IN, 54},
	{4096, 4096, 0, 0, 1, 4096, 0, 4, 0, 0, IN, 24},
	{8, 0, 0, 0, 1, 16, 0, 910, 4, 0, ON, 120},
	{72, 0, 0, 0, 1, 72, 0, 221, 30, 0, ON, 120},
	{100, 0, 0, 0, 1, 104, 0, 154, 60, 0, ON, 120},
	{100, 0, 0, 1, 1, 104, 0, 154, 60, 0, ON, 120},
	{192, 0, SLAB_HWCACHE_ALIGN, 1, 1, 192, 0, 84, 88, 1, ON, 120},
	{320, 0, 0, 0, 1, 320, 0, 51, 64, 1, IN, 54},
	{700, 0, 0, 0, 1, 704, 0, 23, 192, 3, IN, 54},
	{700, 0, 0, 0, 0, 704, 0, 23, 192, 3, IN, 54},
	{1000, 0, 0, 1, 1, 1000, 0, 16, 352, 5, ON, 54},
	{4096, 0, 0, 1, 1, 4096, 0, 4, 0, 0, OFF, 24},
	{9000, 0, 0, 0, 1, 9000, 1, 3, 5768, 90, IN, 24},
	{16384, 16384, 0, 0, 1, 16384, 0, 1, 0, 0, IN, 24},
	{32768, 32768, 0, 0, 1, 32768, 1, 1, 0, 0, IN, 8},
	{16384, 0, 0, 1, 1, 16384, 0, 1, 0, 0, OFF, 24},
	{2800, 0, 0, 0, 1, 2800, 1, 11, 1968, 30, IN, 24},
	{2800, 0, 0, 0, 0, 2800, 0, 5, 2384, 37, IN, 24},
	{6000, 0, 0, 0, 1, 6000, 1, 5, 2768, 43, IN, 24},
	{12000, 0, 0, 0, 1, 12000, 1, 2, 8768, 137, IN, 24},
	{20000, 0, 0, 0, 1, 20000, 1, 1, 12768, 199, IN, 8},
	{36000, 0, 0, 0, 1, 36000, 2, 1, 29536, 461, IN, 8},
	{140000, 0, 0, 0, 1, 140000, 4, 1, 122144, 1908, IN, 1},
};

static const struct vector vectors_64k[] = {
	{32, 32, 0, 0, 1, 32, 0, 1927, 18, 0, ON, 120},
	{64, 64, 0, 0, 1, 64, 0, 992, 64, 1, ON, 120},
	{192, 0, SLAB_HWCACHE_ALIGN, 0, 1, 192, 0, 337, 158, 2, ON, 120},
	{256, 256, 0, 0, 1, 256, 0, 254, 4, 0, ON, 120},
	{512, 512, 0, 0, 1, 512, 0, 128, 0, 0, IN, 54},
	{1024, 1024, 0, 0, 1, 1024, 0, 64, 0, 0, IN, 54},
	{4096, 4096, 0, 0, 1, 4096, 0, 16, 0, 0, IN, 24},
	{8, 0, 0, 0, 1, 16, 0, 3640, 16, 0, ON, 120},
	{72, 0, 0, 0, 1, 72, 0, 885, 46, 0, ON, 120},
	{100, 0, 0, 0, 1, 104, 0, 618, 28, 0, ON, 120},
	{100, 0, 0, 1, 1, 104, 0, 618, 28, 0, ON, 120},
	{192, 0, SLAB_HWCACHE_ALIGN, 1, 1, 192, 0, 337, 158, 2, ON, 120},
	{320, 0, 0, 0, 1, 320, 0, 203, 170, 2, ON, 54},
	{700, 0, 0, 0, 1, 704, 0, 93, 64, 1, IN, 54},
	{700, 0, 0, 0, 0, 704, 0, 93, 64, 1, IN, 54},
	{1000, 0, 0, 1, 1, 1000, 0, 65, 406, 6, ON, 54},
	{4096, 0, 0, 1, 1, 4096, 0, 16, 0, 0, OFF, 24},
	{9000, 0, 0, 0, 1, 9000, 0, 7, 2536, 39, IN, 24},
	{16384, 16384, 0, 0, 1, 16384, 0, 4, 0, 0, IN, 24},
	{65536, 65536, 0, 0, 1, 65536, 0, 1, 0, 0, IN, 24},
	{131072, 131072, 0, 0, 1, 131072, 1, 1, 0, 0, IN, 8},
	{65536, 0, 0, 1, 1, 65536, 0, 1, 0, 0, OFF, 24},
	{11200, 0, 0, 0, 1, 11200, 1, 11, 7872, 123, IN, 24},
	{11200, 0, 0, 0, 0, 11200, 0, 5, 9536, 149, IN, 24},
	{24000, 0, 0, 0, 1, 24000, 1, 5, 11072, 173, IN, 24},
	{48000, 0, 0, 0, 1, 48000, 1, 2, 35072, 548, IN, 24},
	{80000, 0, 0, 0, 1, 80000, 1, 1, 51072, 798, IN, 8},
	{140000, 0, 0, 0, 1, 140000, 2, 1, 122144, 1908, IN, 1},
};

static const struct {
	const struct vector *row;
	unsigned nr;
} vectors[] = {[12] = {vectors_4k, ARRAY_SIZE(vectors_4k)},
	       [14] = {vectors_16k, ARRAY_SIZE(vectors_16k)},
	       [16] = {vectors_64k, ARRAY_SIZE(vectors_64k)}};

static enum place place_of(const struct kmem_cache *s)
{
	return s->flags & SLAB_INDEX_IN_OBJECT ? IN : s->flags & SLAB_INDEX_OFF_SLAB ? OFF : ON;
}

KTEST(slab, geometry_is_linux_s_table)
{
	unsigned saved = slab_max_order, shared_small = cpumask_weight(&cpu_possible_mask) > 1 ? 8 : 0;
	bool coloured = slab_colouring;

	if (opt_init_on_free)
		SKIP("init_on_free keeps the index out of objects");
	slab_colouring = true;
	for (unsigned i = 0; i < vectors[PAGE_SHIFT].nr; i++) {
		const struct vector *v = &vectors[PAGE_SHIFT].row[i];
		struct kmem_cache s = {.ctor = v->ctor ? nop_ctor : NULL};

		slab_max_order = v->max_order;
		EXPECT_TRUE(slab_geometry(&s, v->size, v->align, v->flags));
		EXPECT_MSG(s.size == v->stride && s.order == v->order && s.num == v->num &&
				   s.left_over == v->left && s.colour == v->colours &&
				   place_of(&s) == v->place,
			   "row %u, size %u: stride %u order %u num %u left %u colours %u place %d", i,
			   v->size, s.size, s.order, s.num, s.left_over, s.colour, (int)place_of(&s));
		EXPECT_MSG(s.limit == v->limit && s.batchcount == (v->limit + 1) / 2 &&
				   s.shared == (v->stride <= PAGE_SIZE ? shared_small : 0),
			   "row %u, size %u: limit %u batch %u shared %u", i, v->size, s.limit, s.batchcount,
			   s.shared);
		EXPECT_EQ(s.object_size, v->size);
	}
	slab_max_order = saved;
	slab_colouring = coloured;
}

/*
 * Whatever the size: it fits, nothing is counted twice, and the order is the first that wastes an eighth at
 * most.
 */
KTEST(slab, geometry_fits_and_wastes_little)
{
	for (unsigned size = 1; size <= 5 * PAGE_SIZE; size += 1 + size / 64) {
		for (unsigned variant = 0; variant < 4; variant++) {
			struct kmem_cache s = {.ctor = variant & 1 ? nop_ctor : NULL};
			unsigned block, used;

			ASSERT_TRUE(slab_geometry(&s, size, variant & 2 ? 64 : 0, 0));
			block = PAGE_SIZE << s.order;
			used = s.num * (s.size + (place_of(&s) == ON ? sizeof(slab_index_t) : 0));
			EXPECT_MSG(s.num >= 1 && s.num <= SLAB_MAX_OBJS && used + s.left_over == block,
				   "size %u: %u objects of %u, left %u of %u", size, s.num, s.size,
				   s.left_over, block);
			EXPECT_TRUE(s.size >= size && s.size >= 16 && s.size % s.align == 0);
			EXPECT_TRUE(s.left_over * 8 <= block || s.order >= slab_max_order);
			EXPECT_TRUE(s.order <= slab_max_order || s.size > PAGE_SIZE / 2 << s.order);
			if (place_of(&s) == IN)
				EXPECT_LE(s.num * sizeof(slab_index_t), size);
			if (place_of(&s) == OFF)
				EXPECT_LT(s.left_over, s.num * sizeof(slab_index_t));
			EXPECT_EQ(s.colour, slab_colouring ? s.left_over / s.colour_off : 0);
		}
	}
}

KTEST(slab, line_alignment_shrinks_with_the_object)
{
	static const unsigned expected[][2] = {{100, 64}, {64, 64}, {33, 64}, {32, 32},
					       {24, 32},  {16, 16}, {8, 8},   {1, 8}};

	for (unsigned i = 0; i < ARRAY_SIZE(expected); i++) {
		struct kmem_cache s = {.ctor = NULL};

		EXPECT_TRUE(slab_geometry(&s, expected[i][0], 0, SLAB_HWCACHE_ALIGN));
		EXPECT_EQ(s.align, expected[i][1]);
	}
}

KTEST(slab, reclaimable_caches_keep_the_lowest_order)
{
	for (unsigned size = 600; size < 2 * PAGE_SIZE + 800; size += PAGE_SIZE / 40) {
		struct kmem_cache s = {.ctor = NULL};

		EXPECT_TRUE(slab_geometry(&s, size, 0, SLAB_RECLAIM_ACCOUNT));
		EXPECT_TRUE(s.order == 0 || s.size > PAGE_SIZE / 2 << s.order);
		EXPECT_EQ(s.allocflags, __GFP_RECLAIMABLE);
	}
}

KTEST(slab, a_cache_takes_the_pages_that_its_flags_name)
{
	static const struct {
		unsigned flags;
		gfp_t pages;
	} kinds[] = {{0, 0},
		     {SLAB_CACHE_DMA, __GFP_DMA},
		     {SLAB_CACHE_DMA32, __GFP_DMA32},
		     {SLAB_RECLAIM_ACCOUNT, __GFP_RECLAIMABLE},
		     {SLAB_CACHE_DMA | SLAB_RECLAIM_ACCOUNT, __GFP_DMA | __GFP_RECLAIMABLE}};

	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct kmem_cache s = {.ctor = NULL};

		EXPECT_TRUE(slab_geometry(&s, 100, 0, kinds[i].flags));
		EXPECT_EQ(s.allocflags, kinds[i].pages);
	}
}

KTEST(slab, the_order_for_better_packing_is_an_option)
{
	unsigned order = slab_max_order;

	EXPECT_EQ(cmdline_set("slab_max_order", "10"), 0);
	EXPECT_EQ(slab_max_order, MAX_ORDER);
	EXPECT_EQ(cmdline_set("slab_max_order", "0"), 0);
	EXPECT_EQ(slab_max_order, 0);
	EXPECT_EQ(cmdline_set("slab_max_order", "11"), -EINVAL);
	EXPECT_EQ(cmdline_set("slab_max_order", "two"), -EINVAL);
	EXPECT_EQ(cmdline_set("slab_max_order", NULL), -EINVAL);
	EXPECT_EQ(slab_max_order, 0);
	slab_max_order = order;
}

KTEST(slab, index_division_is_exact)
{
	unsigned saved = slab_max_order;

	for (unsigned size = 8; size <= KMALLOC_MAX_SIZE; size += 8 * (1 + test_rand_below(1 + size / 256))) {
		struct kmem_cache s = {.ctor = NULL};

		slab_max_order = test_rand_below(2) ? MAX_ORDER : saved;
		EXPECT_TRUE(slab_geometry(&s, size, 0, 0));
		for (unsigned k = 0; k < s.num; k++) {
			unsigned long start = (unsigned long)k * s.size;

			EXPECT_TRUE(slab_index(&s, start) == k && slab_index(&s, start + s.size - 1) == k);
		}
	}
	slab_max_order = saved;
}

KTEST(slab, impossible_sizes_are_refused)
{
	struct kmem_cache s = {.ctor = NULL};

	EXPECT_TRUE(slab_geometry(&s, KMALLOC_MAX_SIZE, 0, 0));
	EXPECT_EQ(s.order, MAX_ORDER);
	EXPECT_FALSE(slab_geometry(&s, KMALLOC_MAX_SIZE, 0, SLAB_RED_ZONE));
	EXPECT_FALSE(slab_geometry(&s, KMALLOC_MAX_SIZE + 1, 0, 0));
}

/* ---- create and destroy ---- */

KTEST(slab, create_refuses_bad_arguments)
{
	EXPECT_NULL(kmem_cache_create(NULL, 64, 0, 0, NULL));
	EXPECT_NULL(kmem_cache_create("", 64, 0, 0, NULL));
	EXPECT_NULL(kmem_cache_create("two words", 64, 0, 0, NULL));
	EXPECT_NULL(kmem_cache_create("a-name-that-is-longer-than-31-char", 64, 0, 0, NULL));
	EXPECT_NULL(kmem_cache_create("ktest", 0, 0, 0, NULL));
	EXPECT_NULL(kmem_cache_create("ktest", KMALLOC_MAX_SIZE + 1, 0, 0, NULL));
	EXPECT_NULL(kmem_cache_create("ktest", 64, 24, 0, NULL));
	EXPECT_NULL(kmem_cache_create("ktest", 64, 0, 0x2, NULL));
	EXPECT_NULL(slab_find_cache("ktest"));
}

KTEST_PANIC(slab, create_with_panic_flag_panics, "kmem_cache_create(ktest")
{
	kmem_cache_create("ktest", 0, 0, SLAB_PANIC, NULL);
}

KTEST(slab, create_copies_the_name_and_lists_the_newest_first)
{
	char name[] = "ktest-name";
	struct kmem_cache *a = kmem_cache_create(name, 100, 0, SLAB_NO_USER_FLAGS, NULL), *b;

	ASSERT_NOT_NULL(a);
	name[0] = 'x';
	EXPECT_STREQ(kmem_cache_name(a), "ktest-name");
	EXPECT_EQ(kmem_cache_size(a), 100);
	EXPECT_EQ(slab_find_cache("ktest-name"), a);
	b = kmem_cache_create("ktest-name", 200, 0, 0, NULL);
	EXPECT_EQ(slab_find_cache("ktest-name"), b);
	EXPECT_EQ(cache_list.next, &b->list);
	EXPECT_EQ(kmem_cache_destroy(b), 0);
	EXPECT_EQ(kmem_cache_destroy(a), 0);
	EXPECT_NULL(slab_find_cache("ktest-name"));
	EXPECT_EQ(kmem_cache_destroy(NULL), 0);
}

KTEST(slab, destroy_is_refused_while_an_object_lives)
{
	struct kmem_cache *s = test_cache(100, 0, 0, NULL);
	void *p, *q;

	ASSERT_NOT_NULL(s);
	p = kmem_cache_alloc(s, GFP_KERNEL);
	EXPECT_EQ(kmem_cache_destroy(s), -EBUSY);
	EXPECT_EQ(slab_find_cache("ktest"), s);
	q = kmem_cache_alloc(s, GFP_KERNEL); /* stays usable */
	EXPECT_NOT_NULL(q);
	EXPECT_NE(p, q);
	kmem_cache_free(s, q);
	kmem_cache_free(s, p);
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

KTEST(slab, many_caches_come_and_go)
{
	static struct kmem_cache *caches[64];
	char name[SLAB_NAME_LEN];

	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < ARRAY_SIZE(caches); i++) {
			snprintf(name, sizeof(name), "ktest-%u", i);
			caches[i] = kmem_cache_create(name, 8 + 40 * i, 0, 0, NULL);
			ASSERT_NOT_NULL(caches[i]);
			objs[i] = kmem_cache_zalloc(caches[i], GFP_KERNEL);
			ASSERT_NOT_NULL(objs[i]);
		}
		EXPECT_NULL(slab_check());
		for (unsigned i = 0; i < ARRAY_SIZE(caches); i++) {
			kmem_cache_free(caches[i], objs[i]);
			EXPECT_EQ(kmem_cache_destroy(caches[i]), 0);
		}
	}
}

/* ---- slabs ---- */

/* Fills objects edge to edge: an overlap, or an index under an object, would show. */
static void fill_and_verify(struct ktest *t, struct kmem_cache *s, unsigned nr)
{
	unsigned n = 0;

	for (; n < nr; n++) {
		objs[n] = kmem_cache_alloc(s, GFP_KERNEL);
		if (!EXPECT_NOT_NULL(objs[n]))
			break;
		EXPECT_EQ((unsigned long)objs[n] % s->align, 0);
		memset(objs[n], (int)(n * 37 + 11), s->object_size);
	}
	EXPECT_NULL(slab_check());
	for (unsigned i = 0; i < n; i++) {
		u8 expected = (u8)(i * 37 + 11), *p = objs[i];
		unsigned bad = 0;

		for (unsigned k = 0; k < s->object_size; k++)
			bad += p[k] != expected;
		EXPECT_EQ(bad, 0);
		kmem_cache_free(s, objs[i]);
	}
	EXPECT_NULL(slab_check());
}

KTEST(slab, objects_of_every_size_are_aligned_and_disjoint)
{
	for (unsigned size = 1; size <= 9000; size += 1 + size / 8) {
		struct kmem_cache *s = test_cache(size, 0, 0, NULL);

		ASSERT_NOT_NULL(s);
		fill_and_verify(t, s, min(2u * s->num + 1, (unsigned)MAX_OBJS));
		EXPECT_EQ(kmem_cache_destroy(s), 0);
	}
}

KTEST(slab, alignment_is_kept_with_colours)
{
	static const unsigned aligns[] = {8, 16, 64, 128, 512, 4096, 16384, 65536};

	for (unsigned i = 0; i < ARRAY_SIZE(aligns); i++) {
		struct kmem_cache *s = test_cache(600, aligns[i], 0, NULL);

		ASSERT_NOT_NULL(s);
		EXPECT_EQ(s->align, aligns[i]);
		fill_and_verify(t, s, 40);
		EXPECT_EQ(kmem_cache_destroy(s), 0);
	}
}

KTEST(slab, index_off_the_slab_works)
{
	struct kmem_cache *s = test_cache(PAGE_SIZE, 0, 0, nop_ctor);

	ASSERT_NOT_NULL(s);
	EXPECT_EQ(place_of(s), OFF);
	fill_and_verify(t, s, 40);
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

KTEST(slab, largest_object_is_a_block_of_the_largest_order)
{
	struct kmem_cache *s = test_cache(KMALLOC_MAX_SIZE, 0, 0, NULL);
	char *p;

	ASSERT_NOT_NULL(s);
	p = kmem_cache_alloc(s, GFP_KERNEL | __GFP_NOWARN);
	if (!p) {
		kmem_cache_destroy(s);
		SKIP("no free block of the largest order");
	}
	EXPECT_EQ(s->num, 1);
	EXPECT_EQ((unsigned long)p % KMALLOC_MAX_SIZE, 0);
	p[0] = p[KMALLOC_MAX_SIZE - 1] = 1;
	EXPECT_NULL(slab_check());
	kmem_cache_free(s, p);
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

/* One object of each new slab, in the order in which the slabs are made. */
static unsigned colour_of(const struct kmem_cache *s, void *obj)
{
	const struct page *page = slab_head(s, obj);

	return (unsigned)((char *)page->s_mem - (char *)page_address(page));
}

/* With colours whatever slab_colour= says, and without an array: one slab at a time. */
static struct kmem_cache *coloured_cache(unsigned size)
{
	bool saved = slab_colouring;
	struct kmem_cache *s;

	slab_colouring = true;
	s = test_cache(size, 0, SLAB_CONSISTENCY_CHECKS, NULL);
	slab_colouring = saved;
	return s;
}

static void expect_colours(struct ktest *t, unsigned size, unsigned colours, unsigned off)
{
	struct kmem_cache *s = coloured_cache(size);
	unsigned slabs = 2 * colours + 3, nr;

	ASSERT_NOT_NULL(s);
	EXPECT_EQ(s->colour, colours);
	EXPECT_EQ(s->colour_off, off);
	nr = min(slabs * s->num, (unsigned)MAX_OBJS);
	for (unsigned i = 0; i < nr; i++) {
		unsigned expected = colours > 1 ? (i / s->num + 1) % colours * off : 0;

		objs[i] = kmem_cache_alloc(s, GFP_KERNEL);
		ASSERT_NOT_NULL(objs[i]);
		EXPECT_MSG(colour_of(s, objs[i]) == expected, "size %u: slab %u starts at %u, expected %u",
			   size, i / s->num, colour_of(s, objs[i]), expected);
	}
	for (unsigned i = 0; i < nr; i++)
		kmem_cache_free(s, objs[i]);
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

/* Of which so many fill a block but for a little more than `rest` bytes. */
static unsigned size_with_rest(size_t block, unsigned num, unsigned rest)
{
	return (unsigned)ALIGN_DOWN((block - rest) / num - sizeof(slab_index_t), 8UL);
}

/* On the slab: debugged caches keep the index out of the objects. */
static void expect_colours_of_rest(struct ktest *t, size_t block, unsigned num, unsigned rest)
{
	unsigned size = size_with_rest(block, num, rest);

	expect_colours(t, size, (unsigned)(block - num * (size + sizeof(slab_index_t))) / 64, 64);
}

KTEST(slab, colours_cycle_from_one)
{
	unsigned saved = slab_max_order;

	slab_max_order = 1;
	expect_colours_of_rest(t, PAGE_SIZE, 12, 244);	  /* with 4 KiB pages 320: 4096 - 12 * 321 = 244 */
	expect_colours_of_rest(t, PAGE_SIZE, 6, 490);	  /* 600: 4096 - 6 * 601 = 490 */
	expect_colours_of_rest(t, 2 * PAGE_SIZE, 7, 457); /* 1104: 8192 - 7 * 1105 = 457 */
	if (PAGE_SIZE == 4096)
		expect_colours_of_rest(t, 2 * PAGE_SIZE, 2, 2190); /* 3000: 8192 - 2 * 3001 = 2190 */
	slab_max_order = saved;
}

/* What colours go through is the rest of a slab; without them it is unused. */
KTEST(slab, without_colouring_every_slab_starts_at_zero)
{
	const unsigned size = size_with_rest(PAGE_SIZE, 6, 490);
	struct kmem_cache with = {.num = 0}, without = {.num = 0}, *s;
	bool saved = slab_colouring;
	void *last = NULL;

	slab_colouring = true;
	EXPECT_TRUE(slab_geometry(&with, size, 0, SLAB_CONSISTENCY_CHECKS));
	slab_colouring = false;
	EXPECT_TRUE(slab_geometry(&without, size, 0, SLAB_CONSISTENCY_CHECKS));
	s = test_cache(size, 0, SLAB_CONSISTENCY_CHECKS, NULL);
	slab_colouring = saved;
	EXPECT_GE(with.colour, 490 / 64);
	EXPECT_EQ(without.colour, 0);
	EXPECT_TRUE(with.num == without.num && with.order == without.order &&
		    with.left_over == without.left_over);
	ASSERT_NOT_NULL(s);
	for (unsigned i = 0; i < 4 * s->num; i++) {
		void **obj = kmem_cache_alloc(s, GFP_KERNEL);

		ASSERT_NOT_NULL(obj);
		EXPECT_EQ(colour_of(s, obj), 0);
		*obj = last;
		last = obj;
	}
	while (last) {
		void *before = *(void **)last;

		kmem_cache_free(s, last);
		last = before;
	}
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

KTEST(slab, one_colour_or_none_starts_at_zero)
{
	expect_colours_of_rest(t, PAGE_SIZE, 10, 64); /* with 4 KiB pages 400: 4096 - 10 * 401 = 86 */
	expect_colours(t, PAGE_SIZE / 16, 0, 64);     /* the index is off the slab */
	expect_colours(t, PAGE_SIZE / KIB(4) * 40, 0, 64);
}

KTEST(slab, the_colour_goes_on_after_a_shrink)
{
	struct kmem_cache *s = coloured_cache(size_with_rest(PAGE_SIZE, 6, 490));
	unsigned last = 0;

	ASSERT_NOT_NULL(s);
	for (unsigned i = 0; i < 20; i++) {
		void *p = kmem_cache_alloc(s, GFP_KERNEL);
		unsigned colour = colour_of(s, p) / s->colour_off;

		EXPECT_EQ(colour, (last + 1) % s->colour);
		last = colour;
		kmem_cache_free(s, p);
		EXPECT_EQ(kmem_cache_shrink(s), 0);
	}
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

KTEST(slab, every_page_of_a_slab_is_marked_and_unmarked)
{
	struct kmem_cache *s = test_cache(3 * PAGE_SIZE, 0, 0, NULL); /* order 2 */
	struct page *head;
	void *p;

	ASSERT_NOT_NULL(s);
	p = kmem_cache_alloc(s, GFP_KERNEL);
	ASSERT_NOT_NULL(p);
	head = slab_head(s, p);
	for (unsigned i = 0; i < 1u << s->order; i++) {
		EXPECT_TRUE(head[i].flags & PG_slab);
		EXPECT_EQ(head[i].slab_node, node_of(s));
		EXPECT_EQ(slab_head(s, (char *)page_address(head) + PAGE_SIZE * i + 5), head);
	}
	for (unsigned i = 1; i < 1u << s->order; i++)
		EXPECT_EQ(page_state(&head[i]), PAGE_INTERIOR);
	kmem_cache_free(s, p);
	EXPECT_EQ(kmem_cache_destroy(s), 0);
	for (unsigned i = 0; i < 4; i++) {
		EXPECT_FALSE(head[i].flags & PG_slab);
		EXPECT_NULL(head[i].slab_node);
	}
}

struct list_count {
	unsigned full, partial, free;
};

static bool count_list(const struct slab_slab_info *info, void *ctx)
{
	struct list_count *c = ctx;

	c->full += strcmp(info->list, "full") == 0;
	c->partial += strcmp(info->list, "partial") == 0;
	c->free += strcmp(info->list, "free") == 0;
	return true;
}

static struct list_count lists_of(const struct kmem_cache *s)
{
	struct list_count c = {0, 0, 0};

	slab_for_each_slab(s->name, count_list, &c);
	return c;
}

KTEST(slab, a_slab_moves_from_free_over_partial_to_full_and_back)
{
	struct kmem_cache *s = test_cache(1000, 0, SLAB_CONSISTENCY_CHECKS, NULL);
	struct list_count c;

	ASSERT_NOT_NULL(s);
	for (unsigned i = 0; i < s->num; i++) {
		objs[i] = kmem_cache_alloc(s, GFP_KERNEL);
		c = lists_of(s);
		EXPECT_TRUE(c.free == 0 && c.full == (i + 1 == s->num) && c.partial == (i + 1 < s->num));
	}
	for (unsigned i = 0; i < s->num; i++) {
		kmem_cache_free(s, objs[i]);
		c = lists_of(s);
		EXPECT_TRUE(c.full == 0 && c.free == (i + 1 == s->num) && c.partial == (i + 1 < s->num));
	}
	EXPECT_EQ(kmem_cache_shrink(s), 0);
	c = lists_of(s);
	EXPECT_EQ(c.free, 0);
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

KTEST(slab, partial_slabs_are_used_before_empty_ones)
{
	struct kmem_cache *s = test_cache(1000, 0, SLAB_CONSISTENCY_CHECKS, NULL);
	void *p;

	ASSERT_NOT_NULL(s);
	for (unsigned i = 0; i < 2u * s->num; i++)
		objs[i] = kmem_cache_alloc(s, GFP_KERNEL);
	for (unsigned i = 0; i < s->num; i++) /* the first slab is empty, */
		kmem_cache_free(s, objs[i]);
	kmem_cache_free(s, objs[s->num]); /* the second partial */
	EXPECT_EQ(lists_of(s).free, 1);
	EXPECT_FALSE(node_of(s)->free_touched);
	p = kmem_cache_alloc(s, GFP_KERNEL);
	EXPECT_EQ(p, objs[s->num]);
	EXPECT_FALSE(node_of(s)->free_touched);
	objs[0] = kmem_cache_alloc(s, GFP_KERNEL);
	EXPECT_TRUE(node_of(s)->free_touched);
	EXPECT_EQ(lists_of(s).free, 0);
	kmem_cache_free(s, objs[0]);
	for (unsigned i = s->num; i < 2u * s->num; i++)
		kmem_cache_free(s, objs[i]);
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

/* Shows slab.N2. */
KTEST(slab, free_objects_stay_below_the_limit)
{
	struct kmem_cache *s = test_cache(500, 0, SLAB_CONSISTENCY_CHECKS, NULL);
	struct kmem_cache_node *n;
	unsigned cpu, cpus = 0;

	ASSERT_NOT_NULL(s);
	n = node_of(s);
	for_each_possible_cpu (cpu)
		cpus += slab_nid(cpu_to_node_map[cpu]) == n->nid;
	EXPECT_EQ(n->free_limit, (1u + cpus) * s->batchcount + s->num); /* Linux's set_up_node() */
	for (unsigned i = 0; i < MAX_OBJS; i++)
		objs[i] = kmem_cache_alloc(s, GFP_KERNEL);
	for (unsigned i = 0; i < MAX_OBJS; i++) {
		kmem_cache_free(s, objs[i]);
		EXPECT_TRUE(n->free_objects <= n->free_limit || !n->free_slabs);
	}
	EXPECT_TRUE(n->free_objects > n->free_limit - s->num); /* and no more goes back than must */
	EXPECT_GT(n->reaped, 0);
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

/* The order in which objects that were taken out one behind the other come back. */
static unsigned order_of(unsigned pattern, unsigned i, unsigned nr)
{
	switch (pattern) {
	case 0:
		return i;
	case 1:
		return nr - 1 - i;
	case 2: /* up and down by turns, in runs of 7 */
		return i / 7 % 2 && i / 7 * 7 + 7 <= nr ? i / 7 * 7 + 6 - i % 7 : i;
	case 3: /* every other one first */
		return i < (nr + 1) / 2 ? 2 * i : 2 * (i - (nr + 1) / 2) + 1;
	default: /* from slab to slab: 37 has no factor in common with nr */
		return i * 37 % nr;
	}
}

static bool is_in_slab(const struct kmem_cache *s, const void *obj)
{
	const struct page *page = slab_head(s, obj);
	unsigned long offset = (unsigned long)((const char *)obj - (const char *)page->s_mem);

	return slab_index_is_free(page, (unsigned)(offset / s->size));
}

KTEST(slab, objects_go_back_to_their_own_places_in_whatever_order)
{
	static const unsigned sizes[] = {16, 64, 256, 400, 1000, 4096};
	enum { NR = 500 };

	for (unsigned c = 0; c < ARRAY_SIZE(sizes) * 5; c++) {
		unsigned pattern = c % 5, half = NR / 2 + test_rand_below(NR / 4), wrong = 0;
		struct kmem_cache *s = test_cache(sizes[c / 5], 0, 0, NULL);
		struct kmem_cache_node *n;

		ASSERT_NOT_NULL(s);
		n = node_of(s);
		n->free_limit = ~0UL; /* slabs stay, to be looked at */
		for (unsigned i = 0; i < NR; i++)
			objs[i] = kmem_cache_alloc(s, GFP_KERNEL);
		for (unsigned i = 0; i < half; i++)
			kmem_cache_free(s, objs[order_of(pattern, i, NR)]);
		slab_drain(s);
		n->free_limit = slab_free_limit(s, n->nid);
		EXPECT_NULL(slab_check());
		n->free_limit = ~0UL;
		for (unsigned i = 0; i < NR; i++)
			wrong += is_in_slab(s, objs[order_of(pattern, i, NR)]) != (i < half);
		EXPECT_EQ(wrong, 0);
		EXPECT_EQ(n->total_slabs * s->num - n->free_objects, NR - half);
		for (unsigned i = half; i < NR; i++)
			kmem_cache_free(s, objs[order_of(pattern, i, NR)]);
		slab_drain(s);
		EXPECT_EQ(n->free_slabs, n->total_slabs);
		EXPECT_EQ(kmem_cache_destroy(s), 0);
	}
}

KTEST(slab, shrink_tells_whether_slabs_are_left)
{
	struct kmem_cache *s = test_cache(300, 0, 0, NULL);
	void *p;

	ASSERT_NOT_NULL(s);
	EXPECT_EQ(kmem_cache_shrink(s), 0);
	p = kmem_cache_alloc(s, GFP_KERNEL);
	EXPECT_EQ(kmem_cache_shrink(s), 1);
	EXPECT_EQ(node_of(s)->total_slabs, 1);
	kmem_cache_free(s, p);
	EXPECT_EQ(kmem_cache_shrink(s), 0);
	EXPECT_EQ(node_of(s)->total_slabs, 0);
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

KTEST(slab, a_full_cycle_gives_every_page_back)
{
	struct kmem_cache *s = test_cache(700, 0, 0, NULL);
	unsigned long slab_pages = mm_counter_read(MM_SLAB_UNRECLAIMABLE), during;

	ASSERT_NOT_NULL(s);
	for (unsigned i = 0; i < MAX_OBJS; i++)
		objs[i] = kmem_cache_alloc(s, GFP_KERNEL);
	during = mm_counter_read(MM_SLAB_UNRECLAIMABLE);
	EXPECT_GE(during - slab_pages, MAX_OBJS * 700 / PAGE_SIZE);
	for (unsigned i = 0; i < MAX_OBJS; i++)
		kmem_cache_free(s, objs[i]);
	EXPECT_EQ(kmem_cache_destroy(s), 0);
	slab_reap(true);
	EXPECT_LE(mm_counter_read(MM_SLAB_UNRECLAIMABLE), slab_pages);
}

static bool add_pages(const struct slab_cache_info *info, void *ctx)
{
	((unsigned long *)ctx)[!!(info->flags & SLAB_RECLAIM_ACCOUNT)] +=
		info->num_slabs * info->pages_per_slab;
	return true;
}

KTEST(slab, page_counters_agree_with_the_slabs)
{
	struct kmem_cache *s = test_cache(700, 0, SLAB_RECLAIM_ACCOUNT, NULL);
	unsigned long pages[2] = {0, 0}, large;
	void *p, *q = kmalloc(20 * PAGE_SIZE, GFP_KERNEL);

	ASSERT_NOT_NULL(s);
	p = kmem_cache_alloc(s, GFP_KERNEL);
	slab_for_each_cache(add_pages, pages);
	EXPECT_EQ(mm_counter_read(MM_SLAB_RECLAIMABLE), pages[1]);
	EXPECT_GE(mm_counter_read(MM_SLAB_UNRECLAIMABLE), pages[0] + 20);
	large = mm_counter_read(MM_SLAB_UNRECLAIMABLE) - pages[0];
	kfree(q);
	EXPECT_EQ(mm_counter_read(MM_SLAB_UNRECLAIMABLE) - pages[0], large - 20);
	kmem_cache_free(s, p);
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

/* ---- constructors ---- */

static unsigned ctor_calls;

static void counting_ctor(void *obj)
{
	ctor_calls++;
	*(unsigned *)obj = 0x41414141;
}

KTEST(slab, the_constructor_runs_once_per_object_of_a_new_slab)
{
	struct kmem_cache *s = test_cache(100, 0, 0, counting_ctor);

	ASSERT_NOT_NULL(s);
	ctor_calls = 0;
	for (unsigned round = 0; round < 5; round++) {
		for (unsigned i = 0; i < 100; i++) {
			objs[i] = kmem_cache_alloc(s, GFP_KERNEL);
			EXPECT_EQ(*(unsigned *)objs[i], 0x41414141);
			((unsigned *)objs[i])[1] = i;
		}
		for (unsigned i = 0; i < 100; i++)
			kmem_cache_free(s, objs[i]);
		EXPECT_EQ(ctor_calls, node_of(s)->grown * s->num);
	}
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

/* ---- RCU ---- */

KTEST(slab, rcu_slabs_stay_until_the_grace_period)
{
	struct kmem_cache *s = test_cache(300, 0, SLAB_TYPESAFE_BY_RCU, NULL);
	struct page *page;
	unsigned *p;

	ASSERT_NOT_NULL(s);
	EXPECT_EQ(s->flags & SLAB_INDEX_IN_OBJECT, 0);
	p = kmem_cache_alloc(s, GFP_KERNEL);
	ASSERT_NOT_NULL(p);
	page = virt_to_page(p);
	for (unsigned i = 0; i < 300 / sizeof(*p); i++)
		p[i] = i * 0x01010101;
	kmem_cache_free(s, p);
	EXPECT_EQ(kmem_cache_shrink(s), 0);
	EXPECT_EQ(node_of(s)->total_slabs, 0);
	EXPECT_TRUE(page->flags & PG_slab); /* a reader may still look at the object, */
	for (unsigned i = 0; i < 300 / sizeof(*p); i++)
		EXPECT_EQ(p[i], i * 0x01010101); /* and its contents survived */
	rcu_barrier();
	EXPECT_FALSE(page->flags & PG_slab);
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

KTEST(slab, rcu_objects_keep_their_contents_when_reused)
{
	struct kmem_cache *s = test_cache(64, 0, SLAB_TYPESAFE_BY_RCU, NULL);
	unsigned long *p, *q;

	ASSERT_NOT_NULL(s);
	p = kmem_cache_alloc(s, GFP_KERNEL);
	for (unsigned i = 0; i < 8; i++)
		p[i] = ~(unsigned long)i;
	kmem_cache_free(s, p);
	q = kmem_cache_alloc(s, GFP_KERNEL);
	EXPECT_EQ(p, q);
	for (unsigned i = 0; i < 8; i++)
		EXPECT_EQ(q[i], ~(unsigned long)i);
	kmem_cache_free(s, q);
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

/* ---- reaper ---- */

KTEST(slab, the_reaper_needs_two_idle_passes)
{
	struct kmem_cache *s = test_cache(1000, 0, 0, NULL);
	struct kmem_cache_node *n;
	struct array_cache *ac;
	unsigned avail;

	ASSERT_NOT_NULL(s);
	if (slab_bypassed(s)) {
		kmem_cache_destroy(s);
		SKIP("caches have no arrays");
	}
	n = node_of(s);
	for (unsigned i = 0; i < 50; i++)
		objs[i] = kmem_cache_alloc(s, GFP_KERNEL);
	for (unsigned i = 0; i < 50; i++)
		kmem_cache_free(s, objs[i]);
	ac = array_of(this_cpu_deref(s->cpu));
	avail = ac->stack.avail;
	EXPECT_EQ(ac->touched, 1);
	n->next_reap_ns = ~0UL; /* only the array */
	slab_reap(false);
	EXPECT_EQ(ac->touched, 0);
	EXPECT_EQ(ac->stack.avail, avail);
	for (unsigned pass = 0; pass < 30 && avail; pass++) {
		unsigned share = (s->limit + 4) / 5;

		avail -= share <= avail ? share : (avail + 1) / 2;
		slab_reap(false);
		EXPECT_EQ(ac->stack.avail, avail);
	}
	EXPECT_EQ(avail, 0);
	EXPECT_NULL(slab_check());
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

KTEST(slab, the_reaper_takes_idle_empty_slabs_in_shares)
{
	struct kmem_cache *s = test_cache(PAGE_SIZE / 4 - 24, 0, SLAB_CONSISTENCY_CHECKS, NULL);
	struct kmem_cache_node *n;
	unsigned long slabs, share;

	ASSERT_NOT_NULL(s);
	n = node_of(s);
	for (unsigned i = 0; i < 100; i++)
		objs[i] = kmem_cache_alloc(s, GFP_KERNEL);
	for (unsigned i = 0; i < 100; i++)
		kmem_cache_free(s, objs[i]);
	slabs = n->free_slabs;
	share = (n->free_limit + 5ul * s->num - 1) / (5ul * s->num);
	EXPECT_GT(slabs, share);
	n->free_touched = true;
	n->next_reap_ns = 0;
	slab_reap(false); /* used since the last look: only noted */
	EXPECT_EQ(n->free_slabs, slabs);
	EXPECT_FALSE(n->free_touched);
	EXPECT_GT(n->next_reap_ns, 0);
	slab_reap(false); /* not due */
	EXPECT_EQ(n->free_slabs, slabs);
	n->next_reap_ns = 0;
	slab_reap(false);
	EXPECT_EQ(n->free_slabs, slabs - share);
	EXPECT_NULL(slab_check());
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

KTEST(slab, reaping_all_leaves_nothing_idle)
{
	struct kmem_cache *s = test_cache(500, 0, 0, NULL);
	void *live;

	ASSERT_NOT_NULL(s);
	for (unsigned i = 0; i < 200; i++)
		objs[i] = kmem_cache_alloc(s, GFP_KERNEL);
	live = objs[77];
	for (unsigned i = 0; i < 200; i++)
		if (objs[i] != live)
			kmem_cache_free(s, objs[i]);
	EXPECT_GT(slab_reap(true), 0);
	EXPECT_EQ(this_cpu_deref(s->cpu), &slab_no_array.stack);
	EXPECT_EQ(node_of(s)->total_slabs, 1);
	EXPECT_EQ(slab_reap(true), 0);
	EXPECT_NULL(slab_check());
	kmem_cache_free(s, live);
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

KTEST(slab, the_reaper_gives_up_when_the_list_is_taken)
{
	spin_lock(&cache_list_lock);
	EXPECT_EQ(slab_reap(true), 0);
	EXPECT_EQ(slab_reap(false), 0);
	spin_unlock(&cache_list_lock);
}

/* ---- what others see ---- */

static bool check_row(const struct slab_cache_info *info, void *ctx)
{
	struct ktest *t = ctx;

	EXPECT_MSG(info->num_objs == info->num_slabs * info->objs_per_slab &&
			   info->active_objs <= info->num_objs && info->active_slabs <= info->num_slabs &&
			   info->cached_objs <= info->active_objs &&
			   info->objs_per_slab * info->size <= info->pages_per_slab * PAGE_SIZE,
		   "row of %s does not agree with itself", info->name);
	return true;
}

/* Shows slab_info.I1. */
KTEST(slab, info_rows_agree_with_themselves)
{
	struct kmem_cache *s = test_cache(500, 0, 0, NULL);
	struct slab_cache_info info;

	ASSERT_NOT_NULL(s);
	for (unsigned i = 0; i < 90; i++)
		objs[i] = kmem_cache_alloc(s, GFP_KERNEL);
	for (unsigned i = 0; i < 40; i++)
		kmem_cache_free(s, objs[i]);
	slab_for_each_cache(check_row, t);
	ASSERT_TRUE(slab_cache_info("ktest", &info));
	EXPECT_EQ(info.active_objs - info.cached_objs, 50);
	EXPECT_EQ(info.cache, s);
	EXPECT_FALSE(slab_cache_info("no such cache", &info));
	for (unsigned i = 40; i < 90; i++)
		kmem_cache_free(s, objs[i]);
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

static bool count_array(const struct slab_array_info *info, void *ctx)
{
	unsigned *calls = ctx;

	return ++*calls < 2; /* two are enough */
}

KTEST(slab, arrays_are_shown_of_caches_that_there_are)
{
	struct kmem_cache *s = test_cache(64, 0, 0, NULL);
	unsigned calls = 0;

	ASSERT_NOT_NULL(s);
	EXPECT_FALSE(slab_for_each_array("ktest-of-nobody", count_array, &calls));
	EXPECT_EQ(calls, 0);
	EXPECT_TRUE(slab_for_each_array("ktest", count_array, &calls));
	EXPECT_EQ(calls, min(2u, cpumask_weight(&cpu_online_mask)));
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

KTEST(slab, an_address_leads_to_its_object_and_state)
{
	struct kmem_cache *s = test_cache(600, 0, 0, NULL);
	struct slab_object_info info;
	struct page *page;
	char *p, *q;

	ASSERT_NOT_NULL(s);
	p = kmem_cache_alloc(s, GFP_KERNEL);
	q = kmem_cache_alloc(s, GFP_KERNEL);
	page = slab_head(s, p);
	ASSERT_TRUE(slab_object_info(p + 599, &info));
	EXPECT_STREQ(info.cache, "ktest");
	EXPECT_EQ(info.object, p);
	EXPECT_EQ(info.size, 600);
	EXPECT_EQ(info.slab, page_to_pfn(page));
	EXPECT_EQ(slab_object(s, page, info.index), p);
	EXPECT_EQ(info.state, SLAB_OBJ_LIVE);
	kmem_cache_free(s, q);
	ASSERT_TRUE(slab_object_info(q, &info));
	EXPECT_EQ(info.state, slab_bypassed(s) ? SLAB_OBJ_FREE : SLAB_OBJ_CPU);
	slab_drain(s);
	ASSERT_TRUE(slab_object_info(q, &info));
	EXPECT_EQ(info.state, SLAB_OBJ_FREE);
	ASSERT_TRUE(slab_object_info(page_address(page), &info)); /* before the first object: colour 1 */
	EXPECT_TRUE(!slab_colouring || !info.object);
	EXPECT_FALSE(slab_object_info(NULL, &info));
	EXPECT_FALSE(slab_object_info((void *)slab_init, &info));
	EXPECT_FALSE(slab_object_info((void *)~0UL, &info));
	kmem_cache_free(s, p);
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

KTEST(slab, flags_have_names)
{
	EXPECT_STREQ(slab_flag_name(SLAB_POISON | SLAB_RED_ZONE, 0), "RED_ZONE");
	EXPECT_STREQ(slab_flag_name(SLAB_POISON | SLAB_RED_ZONE, 1), "POISON");
	EXPECT_NULL(slab_flag_name(SLAB_POISON | SLAB_RED_ZONE, 2));
	EXPECT_NULL(slab_flag_name(0, 0));
}

KTEST(slab, zone_flags_of_a_request_do_not_move_an_object_and_zeroing_is_as_asked)
{
	struct kmem_cache *s = test_cache(200, 0, 0, nop_ctor);

	ASSERT_NOT_NULL(s);
	objs[0] = kmem_cache_alloc(s, GFP_KERNEL | __GFP_HIGHMEM | __GFP_MOVABLE);
	ASSERT_NOT_NULL(objs[0]);
	EXPECT_NOT_NULL(page_address(virt_to_page(objs[0])));
	EXPECT_NE(page_type(virt_to_page(objs[0])), MT_MOVABLE);
	memset(objs[0], 0xee, 200);
	kmem_cache_free(s, objs[0]);
	objs[0] = kmem_cache_alloc(s, GFP_KERNEL | __GFP_ZERO);
	ASSERT_NOT_NULL(objs[0]);
	for (unsigned i = 0; i < 200; i++)
		EXPECT_EQ(((u8 *)objs[0])[i], 0);
	kmem_cache_free(s, objs[0]);
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

static bool count_and_stop(void *ctx)
{
	++*(unsigned *)ctx;
	return false;
}

static bool stop_at_cache(const struct slab_cache_info *info, void *ctx)
{
	(void)info;
	return count_and_stop(ctx);
}

static bool stop_at_slab(const struct slab_slab_info *info, void *ctx)
{
	(void)info;
	return count_and_stop(ctx);
}

static bool stop_at_array(const struct slab_array_info *info, void *ctx)
{
	(void)info;
	return count_and_stop(ctx);
}

KTEST(slab, looking_at_rows_ends_when_told_to_and_says_whether_there_is_such_a_cache)
{
	unsigned caches = 0, slabs = 0, arrays = 0;

	slab_for_each_cache(stop_at_cache, &caches);
	EXPECT_EQ(caches, 1);
	EXPECT_TRUE(slab_for_each_slab("kmalloc-64", stop_at_slab, &slabs));
	EXPECT_LE(slabs, 1);
	EXPECT_TRUE(slab_for_each_slab("kmem_cache", stop_at_slab, &slabs));
	EXPECT_GE(slabs, 1);
	EXPECT_TRUE(slab_for_each_array("kmalloc-64", stop_at_array, &arrays));
	EXPECT_EQ(arrays, 1);
	EXPECT_FALSE(slab_for_each_slab("no such cache", stop_at_slab, &slabs));
	EXPECT_FALSE(slab_for_each_array("no such cache", stop_at_array, &arrays));
	EXPECT_EQ(arrays, 1);
}

/* ---- the check itself finds what is broken ---- */

KTEST(slab, check_finds_broken_structures)
{
	struct kmem_cache *s = test_cache(500, 0, 0, NULL);
	struct kmem_cache_node *n;
	struct page *page;
	slab_index_t *idx, saved;

	ASSERT_NOT_NULL(s);
	objs[0] = kmem_cache_alloc(s, GFP_KERNEL);
	slab_drain(s);
	n = node_of(s);
	page = virt_to_page(objs[0]);
	idx = page->freelist;
	EXPECT_NULL(slab_check());

	n->free_objects++;
	EXPECT_NOT_NULL(slab_check());
	n->free_objects--;
	n->total_slabs++;
	EXPECT_NOT_NULL(slab_check());
	n->total_slabs--;
	list_move(&page->lru, &n->slabs_full);
	EXPECT_NOT_NULL(slab_check());
	list_move(&page->lru, &n->slabs_partial);
	slab_open_index(page);
	saved = idx[2];
	idx[2] = idx[3];
	EXPECT_NOT_NULL(slab_check()); /* which closes it */
	slab_open_index(page);
	idx[2] = (slab_index_t)s->num;
	EXPECT_NOT_NULL(slab_check());
	slab_open_index(page);
	idx[2] = saved;
	page->s_mem = (char *)page->s_mem + 8;
	EXPECT_NOT_NULL(slab_check());
	page->s_mem = (char *)page->s_mem - 8;
	page->flags &= ~PG_slab;
	EXPECT_NOT_NULL(slab_check());
	page->flags |= PG_slab;
	EXPECT_NULL(slab_check());
	kmem_cache_free(s, objs[0]);
	slab_drain(s);
	EXPECT_EQ(page->inuse, 0);
	list_move(&page->lru, &n->slabs_partial); /* an empty slab among those in use */
	n->free_slabs--;
	EXPECT_NOT_NULL(slab_check());
	list_move(&page->lru, &n->slabs_free);
	n->free_slabs++;
	EXPECT_NULL(slab_check());
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

/* ---- random sequences against an oracle ---- */

/* The oracle knows which objects are live and what is in them; every object carries its own number. */
static void random_sequence(struct ktest *t, unsigned size, unsigned align, unsigned flags,
			    void (*ctor)(void *), unsigned ops)
{
	static u32 tag[256];
	struct kmem_cache *s = test_cache(size, align, flags, ctor);
	unsigned live = 0;

	ASSERT_NOT_NULL(s);
	memset(objs, 0, 256 * sizeof(objs[0]));
	for (unsigned op = 0; op < ops; op++) {
		unsigned i = test_rand_below(256);
		u32 *p = objs[i];

		if (p) {
			EXPECT_EQ(p[0], tag[i]);
			EXPECT_EQ(p[size / 4 - 1], tag[i]);
			kmem_cache_free(s, p);
			objs[i] = NULL;
			live--;
		} else {
			p = objs[i] = kmem_cache_alloc(s, test_rand_below(4) ? GFP_KERNEL : GFP_NOWAIT);
			if (!EXPECT_NOT_NULL(p))
				break;
			tag[i] = test_rand();
			p[0] = p[size / 4 - 1] = tag[i];
			live++;
		}
		if (op % 64 == 0) {
			struct slab_cache_info info;

			EXPECT_NULL(slab_check());
			slab_cache_info("ktest", &info);
			EXPECT_EQ(info.active_objs - info.cached_objs, live);
		}
		if (test_rand_below(200) == 0)
			kmem_cache_shrink(s);
		if (test_rand_below(100) == 0)
			slab_reap(false);
		if (test_rand_below(100) == 0)
			quiet_point();
	}
	for (unsigned i = 0; i < 256; i++)
		kmem_cache_free(s, objs[i]);
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

KTEST(slab, random_sequence_index_in_object)
{
	random_sequence(t, 128, 0, 0, NULL, 4000);
}

KTEST(slab, random_sequence_index_on_slab)
{
	random_sequence(t, 24, 0, 0, NULL, 4000);
}

KTEST(slab, random_sequence_index_off_slab)
{
	random_sequence(t, PAGE_SIZE, 0, 0, nop_ctor, 2000);
}

KTEST(slab, random_sequence_coloured_order_one)
{
	random_sequence(t, 1100, 0, 0, NULL, 2000);
}

KTEST(slab, random_sequence_rcu)
{
	random_sequence(t, 200, 0, SLAB_TYPESAFE_BY_RCU, NULL, 2000);
}

KTEST(slab, random_sequence_debugged)
{
	random_sequence(t, 100, 0, SLAB_DEBUG_FLAGS, NULL, 1500);
}

KTEST(slab, random_sequence_debugged_and_aligned)
{
	random_sequence(t, 200, 256, SLAB_DEBUG_FLAGS, NULL, 1500);
}
