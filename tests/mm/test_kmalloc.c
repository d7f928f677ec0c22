/*
 * test_kmalloc.c - properties of kmalloc and its relatives (mm/kmalloc.c).
 */
#include "../../mm/slab_internal.h"

#include <kernel/errno.h>
#include <kernel/fault.h>
#include <kernel/random.h>
#include <kernel/test.h>
#include <mm/check.h>
#include <mm/kmalloc.h>
#include <mm/memblock.h>
#include <mm/page_alloc.h>
#include <mm/internal.h>
#include <mm/vmalloc.h>

static unsigned live_bytes_differ(const u8 *p, size_t n, u8 c)
{
	unsigned nr = 0;

	for (size_t i = 0; i < n; i++)
		nr += p[i] != c;
	return nr;
}

/* ---- classes ---- */

/* Shows kmalloc.K1. */
KTEST(kmalloc, the_smallest_class_that_holds_the_size_serves_it)
{
	static const unsigned linux_classes[] = {16,   32,   64,   96,	 128,	192,   256,   512,
						 1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072};

	for (unsigned size = 1; size <= 2 * PAGE_SIZE; size++) {
		struct kmem_cache *s = kmalloc_cache_for(size);
		unsigned i = 0;

		ASSERT_NOT_NULL(s);
		EXPECT_GE(kmem_cache_size(s), size);
		while (linux_classes[i] < size)
			i++;
		EXPECT_LE(kmem_cache_size(s), linux_classes[i]); /* never worse than Linux's class */
		if (size > 16)
			EXPECT_TRUE(kmalloc_cache_for(size - 1) == s ||
				    kmem_cache_size(kmalloc_cache_for(size - 1)) == size - 1);
	}
	EXPECT_NULL(kmalloc_cache_for(0));
	EXPECT_NULL(kmalloc_cache_for(2 * PAGE_SIZE + 1));
}

KTEST(kmalloc, classes_have_linux_s_names)
{
	EXPECT_STREQ(kmem_cache_name(kmalloc_cache_for(8)), "kmalloc-16");
	EXPECT_STREQ(kmem_cache_name(kmalloc_cache_for(96)), "kmalloc-96");
	EXPECT_STREQ(kmem_cache_name(kmalloc_cache_for(192)), "kmalloc-192");
	EXPECT_STREQ(kmem_cache_name(kmalloc_cache_for(512)), "kmalloc-512");
	EXPECT_STREQ(kmem_cache_name(kmalloc_cache_for(1024)), "kmalloc-1k");
	EXPECT_STREQ(kmem_cache_name(kmalloc_cache_for(8192)), "kmalloc-8k");
	EXPECT_NOT_NULL(slab_find_cache("dma-kmalloc-64"));
	EXPECT_NOT_NULL(slab_find_cache("kmalloc-rcl-2k"));
}

/* A class whose objects are as far apart as the next one's saves nothing, and costs a cache and its arrays. */
KTEST(kmalloc, no_two_classes_have_objects_of_one_distance)
{
	const struct kmem_cache *before = NULL;

	for (unsigned size = 1; size <= 2 * PAGE_SIZE; size++) {
		const struct kmem_cache *s = kmalloc_cache_for(size);

		if (s == before)
			continue;
		if (before && !(s->flags & SLAB_DEBUG_FLAGS) && !(before->flags & SLAB_DEBUG_FLAGS))
			EXPECT_GT(s->size, before->size);
		before = s;
	}
	EXPECT_NULL(slab_find_cache("kmalloc-8"));
}

#define EXPECT_CONST_CLASS(bytes)                                                        \
	do {                                                                             \
		void *p_ = kmalloc(bytes, GFP_KERNEL);                                   \
		volatile size_t size_ = (bytes);                                         \
		void *q_ = kmalloc(size_, GFP_KERNEL);                                   \
		EXPECT_EQ(virt_to_page(p_)->slab_node, virt_to_page(q_)->slab_node);     \
		EXPECT_EQ(virt_to_page(p_)->slab_node->cache, kmalloc_cache_for(bytes)); \
		kfree(p_);                                                               \
		kfree(q_);                                                               \
	} while (0)

KTEST(kmalloc, the_compiler_and_the_table_choose_the_same_class)
{
	EXPECT_CONST_CLASS(1);
	EXPECT_CONST_CLASS(8);
	EXPECT_CONST_CLASS(9);
	EXPECT_CONST_CLASS(65);
	EXPECT_CONST_CLASS(96);
	EXPECT_CONST_CLASS(97);
	EXPECT_CONST_CLASS(200);
	EXPECT_CONST_CLASS(513);
	EXPECT_CONST_CLASS(1000);
	EXPECT_CONST_CLASS(2049);
	EXPECT_CONST_CLASS(2721);
	EXPECT_CONST_CLASS(8192);
	EXPECT_CONST_CLASS(2 * PAGE_SIZE);
}

KTEST(kmalloc, flags_choose_the_kind)
{
	volatile size_t size = 100;
	const paddr_t dma_end = zone_border(0, ZONE_DMA32) << PAGE_SHIFT;
	void *dma = kmalloc(size, GFP_KERNEL | GFP_DMA), *rcl = kmalloc(100, GFP_KERNEL | __GFP_RECLAIMABLE);
	void *both = kmalloc(100, GFP_KERNEL | GFP_DMA | __GFP_RECLAIMABLE);

	ASSERT_NOT_NULL(dma);
	EXPECT_LT(virt_to_phys(dma), dma_end);
	EXPECT_STREQ(kmem_cache_name(virt_to_page(dma)->slab_node->cache), "dma-kmalloc-128");
	EXPECT_STREQ(kmem_cache_name(virt_to_page(both)->slab_node->cache), "dma-kmalloc-128");
	EXPECT_STREQ(kmem_cache_name(virt_to_page(rcl)->slab_node->cache), "kmalloc-rcl-128");
	EXPECT_EQ(page_type(slab_head(virt_to_page(rcl)->slab_node->cache, rcl)), MT_RECLAIMABLE);
	kfree(dma);
	kfree(rcl);
	kfree(both);
}

KTEST(kmalloc, a_large_size_comes_from_the_node_that_is_named)
{
	const gfp_t gfp = GFP_KERNEL | __GFP_THISNODE | __GFP_NOWARN;
	unsigned served = 0;

	for (unsigned nid = 0; nid < nr_nodes; nid++) {
		void *p = nodes[nid].has_memory ? kmalloc_node(KIB(256), gfp, (int)nid) : NULL;

		if (!p)
			continue;
		EXPECT_EQ(page_zone(virt_to_page(p))->nid, nid);
		kfree(p);
		served++;
	}
	EXPECT_NE(served, 0);
}

/* On the node of this CPU: objects of other nodes go to another array. */
KTEST(kmalloc, freed_object_of_another_kind_is_reused_first)
{
	static const gfp_t kinds[] = {GFP_DMA, __GFP_RECLAIMABLE};
	volatile size_t size = 100;

	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
		void *p = kmalloc(size, GFP_KERNEL | kinds[i]), *again;
		const struct kmem_cache_node *n;
		bool kept;

		ASSERT_NOT_NULL(p);
		n = virt_to_page(p)->slab_node;
		kept = !slab_bypassed(n->cache) && n->nid == cpu_to_node_map[arch_cpu_id()];
		kfree(p);
		again = kmalloc(size, GFP_KERNEL | kinds[i]);
		ASSERT_NOT_NULL(again);
		if (kept)
			EXPECT_EQ(again, p);
		kfree(again);
	}
}

/* ---- what comes back ---- */

/* Shows kmalloc.K2. */
KTEST(kmalloc, powers_of_two_are_aligned_to_themselves)
{
	for (size_t size = 8; size <= KIB(512); size *= 2) {
		void *p[3];

		if (size <= KMALLOC_MAX_CACHE_SIZE) /* not by luck: debug flags and colours keep it */
			EXPECT_GE(kmalloc_cache_for(size)->align, size);
		for (unsigned i = 0; i < ARRAY_SIZE(p); i++) {
			p[i] = kmalloc(size, GFP_KERNEL);
			EXPECT_NOT_NULL(p[i]);
			EXPECT_EQ((unsigned long)p[i] % size, 0);
		}
		for (unsigned i = 0; i < ARRAY_SIZE(p); i++)
			kfree(p[i]);
	}
}

/* Shows kmalloc.K2. */
KTEST(kmalloc, every_size_is_usable_and_aligned_to_eight)
{
	for (size_t size = 1; size < 40000; size += 1 + size / 11) {
		u8 *p = kmalloc(size, GFP_KERNEL), *q = kmalloc(size, GFP_KERNEL);

		ASSERT_NOT_NULL(p);
		ASSERT_NOT_NULL(q);
		EXPECT_EQ((unsigned long)p % 8, 0);
		EXPECT_GE(ksize(p), size);
		memset(p, 0x11, ksize(p)); /* all of ksize is the caller's */
		memset(q, 0x22, ksize(q));
		EXPECT_EQ(live_bytes_differ(p, ksize(p), 0x11), 0);
		kfree(p);
		EXPECT_EQ(live_bytes_differ(q, ksize(q), 0x22), 0);
		kfree(q);
	}
}

KTEST(kmalloc, zero_bytes_are_a_pointer_that_is_no_memory)
{
	volatile size_t zero = 0;
	void *p = kmalloc(zero, GFP_KERNEL);

	EXPECT_EQ(p, ZERO_SIZE_PTR);
	EXPECT_EQ(kmalloc(0, GFP_KERNEL), ZERO_SIZE_PTR);
	EXPECT_EQ(kcalloc(0, 10, GFP_KERNEL), ZERO_SIZE_PTR);
	EXPECT_EQ(kmalloc_node(0, GFP_KERNEL, 0), ZERO_SIZE_PTR);
	EXPECT_EQ(ksize(p), 0);
	EXPECT_EQ(ksize(NULL), 0);
	kfree(p);
	kfree(NULL);
}

KTEST(kmalloc, zeroed_memory_is_zero)
{
	static const size_t sizes[] = {1, 24, 96, 100, 1000, 8192, 8193, 20000, 5 * PAGE_SIZE};

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (unsigned round = 0; round < 4; round++) {
			u8 *p = round & 1 ? kcalloc(sizes[i], 1, GFP_KERNEL) : kzalloc(sizes[i], GFP_KERNEL);

			ASSERT_NOT_NULL(p);
			EXPECT_EQ(live_bytes_differ(p, sizes[i], 0), 0);
			memset(p, 0xee, ksize(p));
			kfree(p);
		}
	}
}

KTEST(kmalloc, products_are_checked_for_overflow)
{
	EXPECT_NULL(kcalloc(~0UL / 8 + 2, 8, GFP_KERNEL));
	EXPECT_NULL(kmalloc_array(1UL << 33, 1UL << 33, GFP_KERNEL));
	EXPECT_NULL(kmalloc_array(~0UL, ~0UL, GFP_KERNEL));
	kfree(kmalloc_array(10, 10, GFP_KERNEL));
}

KTEST(kmalloc, too_much_is_null)
{
	EXPECT_NULL(kmalloc(KMALLOC_MAX_SIZE + 1, GFP_KERNEL | __GFP_NOWARN));
	EXPECT_NULL(kmalloc(~0UL, GFP_KERNEL | __GFP_NOWARN));
	EXPECT_NULL(kmalloc(~0UL - PAGE_SIZE + 1, GFP_KERNEL | __GFP_NOWARN));
	EXPECT_NULL(krealloc(NULL, ~0UL, GFP_KERNEL | __GFP_NOWARN));
}

/* ---- large ---- */

KTEST(kmalloc, large_sizes_take_whole_pages_only)
{
	for (size_t pages = 3; pages < 40; pages++) {
		unsigned long before = mm_counter_read(MM_SLAB_UNRECLAIMABLE);
		u8 *p = kmalloc(pages * PAGE_SIZE - 7, GFP_KERNEL);

		ASSERT_NOT_NULL(p);
		EXPECT_EQ((unsigned long)p % PAGE_SIZE, 0);
		EXPECT_EQ(ksize(p), pages * PAGE_SIZE);
		EXPECT_EQ(mm_counter_read(MM_SLAB_UNRECLAIMABLE) - before, pages);
		EXPECT_TRUE(virt_to_page(p)->flags & PG_kmalloc);
		memset(p, 0x77, ksize(p));
		EXPECT_EQ(live_bytes_differ(p, ksize(p), 0x77), 0);
		kfree(p);
		EXPECT_FALSE(virt_to_page(p)->flags & PG_kmalloc);
		EXPECT_EQ(mm_counter_read(MM_SLAB_UNRECLAIMABLE), before);
	}
}

KTEST(kmalloc, the_largest_is_a_block_of_the_largest_order)
{
	char *p = kmalloc(KMALLOC_MAX_SIZE, GFP_KERNEL | __GFP_NOWARN | __GFP_NORETRY);

	if (!p)
		SKIP("no free block of the largest order");
	EXPECT_EQ((unsigned long)p % KMALLOC_MAX_SIZE, 0);
	p[0] = p[KMALLOC_MAX_SIZE - 1] = 1;
	EXPECT_EQ(ksize(p), KMALLOC_MAX_SIZE);
	kfree(p);
}

/* ---- krealloc ---- */

KTEST(kmalloc, krealloc_keeps_the_contents)
{
	u8 *p = NULL;
	size_t old = 0;

	for (size_t size = 5; size < 60000; size = size * 3 / 2 + 1) {
		u8 *q = krealloc(p, size, GFP_KERNEL);

		ASSERT_NOT_NULL(q);
		for (size_t i = 0; i < old; i++)
			if (q[i] != (u8)(i * 7))
				EXPECT_EQ(q[i], (u8)(i * 7));
		for (size_t i = 0; i < size; i++)
			q[i] = (u8)(i * 7);
		p = q;
		old = size;
	}
	kfree(p);
}

KTEST(kmalloc, krealloc_stays_in_place_while_it_fits)
{
	u8 *p = kmalloc(100, GFP_KERNEL);

	ASSERT_NOT_NULL(p);
	EXPECT_EQ(krealloc(p, 128, GFP_KERNEL), p);
	EXPECT_EQ(krealloc(p, 1, GFP_KERNEL), p);
	EXPECT_EQ(ksize(p), 128);
	p[127] = 1;
	EXPECT_EQ(krealloc(p, 0, GFP_KERNEL), ZERO_SIZE_PTR);
	p = krealloc(ZERO_SIZE_PTR, 10, GFP_KERNEL);
	EXPECT_GE(ksize(p), 10);
	kfree(p);
}

/* A random walk over sizes; each byte that a call adds is zero, and the bytes that it keeps are as they were written. */
static unsigned walk_zeroed(const size_t *size, unsigned nr)
{
	unsigned bad = 0;
	size_t old = 0;
	u8 *p = NULL;

	for (unsigned i = 0; i < nr; i++) {
		u8 *q = krealloc(p, size[i], GFP_KERNEL | __GFP_ZERO);

		if (!q) {
			bad++;
			break;
		}
		bad += live_bytes_differ(q, min(old, size[i]), 0xa5);
		bad += size[i] > old ? live_bytes_differ(q + old, size[i] - old, 0) : 0;
		memset(q, 0xa5, size[i]);
		p = q;
		old = size[i];
	}
	kfree(p);
	return bad;
}

KTEST(kmalloc, krealloc_zeroes_what_it_adds)
{
	static const size_t in_one_class[] = {40, 20, 60}, to_another[] = {40, 64, 1000, 100, 128, 5000},
			    large[] = {PAGE_SIZE * 3, PAGE_SIZE * 2 + 1, PAGE_SIZE * 3, 10, PAGE_SIZE * 5};
	size_t sizes[40];

	EXPECT_EQ(walk_zeroed(in_one_class, ARRAY_SIZE(in_one_class)), 0);
	EXPECT_EQ(walk_zeroed(to_another, ARRAY_SIZE(to_another)), 0);
	EXPECT_EQ(walk_zeroed(large, ARRAY_SIZE(large)), 0);
	for (unsigned n = 0; n < 50; n++) {
		for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++)
			sizes[i] = 1 + test_rand_below(1u << (2 + test_rand_below(13)));
		EXPECT_EQ(walk_zeroed(sizes, ARRAY_SIZE(sizes)), 0);
	}
}

KTEST(kmalloc, krealloc_leaves_the_old_object_when_it_fails)
{
	u8 *p = kmalloc(100, GFP_KERNEL);

	ASSERT_NOT_NULL(p);
	memset(p, 0x3c, 100);
	EXPECT_NULL(krealloc(p, KMALLOC_MAX_SIZE + 1, GFP_KERNEL | __GFP_NOWARN));
	EXPECT_EQ(live_bytes_differ(p, 100, 0x3c), 0);
	kfree(p);
}

/* ---- kvmalloc ---- */

/* What kvmalloc() returns if its first allocation, the one of kmalloc(), fails. */
static void *kvmalloc_after_failure(size_t size)
{
	void *p;

	fault_sweep_arm(1, 1);
	mm_update_bypass();
	p = kvmalloc(size, GFP_KERNEL | __GFP_NOWARN);
	fault_sweep_stop();
	mm_update_bypass();
	return p;
}

KTEST(kmalloc, kvmalloc_of_up_to_a_page_never_turns_to_vmalloc)
{
	void *page = kvmalloc_after_failure(PAGE_SIZE), *more = kvmalloc_after_failure(PAGE_SIZE + 1);

	EXPECT_NULL(page);
	EXPECT_TRUE(more && is_vmalloc_addr(more));
	kvfree(page);
	kvfree(more);
}

KTEST(kmalloc, kvmalloc_turns_to_vmalloc_beyond_what_kmalloc_can)
{
	u8 *small, *big;

	if (nr_free_pages() < 3UL << (MAX_ORDER - 1))
		SKIP("needs one and a half blocks of the largest order");
	small = kvmalloc(100, GFP_KERNEL);
	big = kvzalloc(KMALLOC_MAX_SIZE + 1, GFP_KERNEL);
	ASSERT_NOT_NULL(small);
	EXPECT_FALSE(is_vmalloc_addr(small));
	ASSERT_NOT_NULL(big);
	EXPECT_TRUE(is_vmalloc_addr(big));
	EXPECT_EQ(big[0] | big[KMALLOC_MAX_SIZE], 0);
	big[KMALLOC_MAX_SIZE] = 1;
	EXPECT_NULL(kvmalloc(KMALLOC_MAX_SIZE + 1, GFP_NOWAIT | __GFP_NOWARN));
	kvfree(small);
	kvfree(big);
	kvfree(NULL);
}

/* ---- many at once ---- */

struct slot {
	u8 *p;
	u32 size;
};

/* Shows kmalloc.K3. */
KTEST(kmalloc, random_sizes_never_overlap)
{
	static struct slot slots[400];

	memset(slots, 0, sizeof(slots));
	for (unsigned op = 0; op < 6000; op++) {
		struct slot *s = &slots[test_rand_below(ARRAY_SIZE(slots))];
		u8 tag = (u8)(s - slots);

		if (s->p) {
			EXPECT_TRUE(s->p[0] == tag && s->p[s->size / 2] == tag && s->p[s->size - 1] == tag);
			if (test_rand_below(8) == 0) {
				u32 size = 1 + test_rand_below(test_rand_below(2) ? 300 : 12000);
				u8 *q = krealloc(s->p, size, GFP_KERNEL);

				if (q) {
					s->p = q;
					s->size = size;
					memset(q, tag, size);
				}
				continue;
			}
			kfree(s->p);
			s->p = NULL;
		} else {
			s->size = 1 + test_rand_below(1u << test_rand_below(15));
			s->p = kmalloc(s->size, test_rand_below(3) ? GFP_KERNEL : GFP_ATOMIC);
			if (!EXPECT_NOT_NULL(s->p))
				break;
			memset(s->p, tag, s->size);
		}
		if (op % 500 == 0)
			EXPECT_NULL(slab_check());
	}
	for (unsigned i = 0; i < ARRAY_SIZE(slots); i++)
		kfree(slots[i].p);
	EXPECT_NULL(slab_check());
}

/* peers.md's mixed workload: its check values, and how much of the memory taken is live at its end. */
KTEST(kmalloc, mixed_workload_wastes_little)
{
	static const unsigned least[] = {[12] = 85, [14] = 70, [16] = 55}; /* of 100 */
	enum { SLOTS = 20000, OPS = 400000 };
	u64 state = 0x9E3779B97F4A7C15UL;
	unsigned long live = 0, bytes = 0, allocs = 0, asked = 0, before, taken;
	struct slot *slots;

	if (totalram_pages() < MIB(100) >> PAGE_SHIFT)
		SKIP("needs 100 MiB");
	slots = kvzalloc(SLOTS * sizeof(*slots), GFP_KERNEL);
	ASSERT_NOT_NULL(slots);
	slab_reap(true);
	before = mm_counter_read(MM_SLAB_UNRECLAIMABLE);
	for (unsigned op = 0; op < OPS; op++) {
		struct slot *s = &slots[xorshift64(&state) % SLOTS];
		u32 c, r;

		if (s->p) {
			kfree(s->p);
			s->p = NULL;
			live--;
			bytes -= s->size;
			continue;
		}
		c = xorshift64(&state) % 100;
		r = xorshift64(&state);
		s->size = c < 50   ? 1 + r % 128
			  : c < 80 ? 129 + r % 896
			  : c < 95 ? 1025 + r % 7168
				   : 8193 + r % 57344;
		s->p = kmalloc(s->size, GFP_KERNEL);
		ASSERT_NOT_NULL(s->p);
		live++;
		allocs++;
		bytes += s->size;
		asked += s->size;
	}
	taken = (mm_counter_read(MM_SLAB_UNRECLAIMABLE) - before) << PAGE_SHIFT;
	EXPECT_EQ(allocs, 205018);
	EXPECT_EQ(live, 10036);
	EXPECT_EQ(bytes, 27532922);
	EXPECT_EQ(asked, 566009148);
	EXPECT_EQ(state, 0x0e59f2f2d0ebf371UL);
	if (!slab_debug_flags("kmalloc-64") && !slab_bypass_all)
		EXPECT_MSG(bytes * 100 >= taken * least[PAGE_SHIFT],
			   "%lu live bytes in %lu bytes of pages: %lu %%", bytes, taken, bytes * 100 / taken);
	EXPECT_NULL(slab_check());
	for (unsigned i = 0; i < SLOTS; i++)
		kfree(slots[i].p);
	kvfree(slots);
}

/* ---- misuse ---- */

KTEST(kmalloc, more_than_the_largest_block_is_refused)
{
	volatile size_t most = PAGE_SIZE << MAX_ORDER; /* no constant: the run-time path */
	void *p = kmalloc(most, GFP_KERNEL | __GFP_NOWARN);

	EXPECT_NULL(kmalloc(most + 1, GFP_KERNEL));
	EXPECT_NULL(kmalloc(-1UL, GFP_KERNEL));
	kfree(p);
}

KTEST_PANIC(kmalloc, kfree_of_a_stack_address_is_named, "bad free (kfree)")
{
	int on_stack = 0;

	kfree(&on_stack);
}

KTEST_PANIC(kmalloc, kfree_of_the_image_is_named, "part of the image")
{
	kfree(kmalloc_caches);
}

KTEST_PANIC(kmalloc, kfree_of_plain_pages_is_named, "in an allocated page")
{
	kfree(page_address(alloc_pages(GFP_KERNEL, 2)));
}

KTEST_PANIC(kmalloc, kfree_inside_a_large_block_is_named, "free of an interior pointer")
{
	char *p = kmalloc(5 * PAGE_SIZE, GFP_KERNEL);

	kfree(p + 16);
}

KTEST_PANIC(kmalloc, kfree_of_a_later_page_is_named, "bad free (kfree)")
{
	char *p = kmalloc(5 * PAGE_SIZE, GFP_KERNEL);

	kfree(p + PAGE_SIZE);
}

KTEST_PANIC(kmalloc, freeing_a_large_block_twice_is_named, "bad free (kfree)")
{
	void *p = kmalloc(16 * PAGE_SIZE, GFP_KERNEL);

	kfree(p);
	kfree(p);
}

KTEST_PANIC(kmalloc, ksize_of_something_else_is_named, "bad free (kfree)")
{
	ksize(page_address(alloc_page(GFP_KERNEL)));
}
