/*
 * test_patterns.c - the ways in which other allocators are tested, as properties of these.
 *
 * Idea.       Kernels and malloc libraries try the same things in their own ways: many blocks of each order at once, a
 *             thousand objects of each size, random frees, chains of reallocation, sizes that cannot be, memory that one
 *             thread allocates and another frees. Each piece carries a pattern that follows from its number, so that an
 *             overlap or a lost byte shows.
 * Layout.     stamp() and is_stamped(); one case per way
 * Invariants. After each case the runner counts pages and objects and checks every layer.
 * Locking.    None but what the allocators have.
 * Failure.    If memory is short a case goes on with what it got.
 * Source.     HelenOS kernel/test/mm (falloc1, slab1), lk lib/heap tests, jemalloc test/integration, rpmalloc test/main.c:
 *             the properties, in our words.
 * Next:       test_all_cpus.c.
 */
#include "../kernel/other_cpu.h"

#include <kernel/random.h>
#include <kernel/test.h>

#include <mm/kmalloc.h>
#include <mm/numa.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>
#include <mm/vmalloc.h>
#include <mm/percpu.h>

#define QUIET (GFP_KERNEL | __GFP_NOWARN)

static u8 stamp_byte(unsigned number, size_t at)
{
	return (u8)((number * 2654435761u >> 13) + at * 31);
}

static void stamp(void *mem, size_t size, unsigned number)
{
	for (size_t at = 0; at < size; at++)
		((u8 *)mem)[at] = stamp_byte(number, at);
}

static bool is_stamped(const void *mem, size_t size, unsigned number)
{
	for (size_t at = 0; at < size; at++)
		if (((const u8 *)mem)[at] != stamp_byte(number, at))
			return false;
	return true;
}

static bool is_zero(const void *mem, size_t size)
{
	for (size_t at = 0; at < size; at++)
		if (((const u8 *)mem)[at])
			return false;
	return true;
}

/* ---- HelenOS falloc1: as many blocks of one order as there are, then all back ---- */

enum { BLOCKS_MAX = 512, PAGES_MAX = 2048 };

KTEST(patterns, many_blocks_of_each_order_are_aligned_and_apart)
{
	static struct page *block[BLOCKS_MAX];

	for (unsigned order = 0; order <= MAX_ORDER; order++) {
		for (unsigned run = 0; run < 3; run++) {
			unsigned most = min((unsigned)BLOCKS_MAX, max((unsigned)PAGES_MAX >> order, 1u)),
				 nr = 0;

			while (nr < most && (block[nr] = alloc_pages(QUIET | __GFP_NORETRY, order)) != NULL) {
				EXPECT_EQ(page_to_pfn(block[nr]) & ((1UL << order) - 1), 0);
				stamp(page_address(block[nr]), 64, nr);
				stamp((char *)page_address(block[nr]) + (PAGE_SIZE << order) - 64, 64,
				      nr + 1);
				nr++;
			}
			EXPECT_TRUE(nr > 0 || order > 5);
			for (unsigned i = 0; i < nr; i++) {
				char *p = page_address(block[i]);

				EXPECT_TRUE(is_stamped(p, 64, i));
				EXPECT_TRUE(is_stamped(p + (PAGE_SIZE << order) - 64, 64, i + 1));
			}
			for (unsigned i = 0; i < nr; i++) /* in order, in reverse, from both ends */
				__free_pages(block[run == 0   ? i
						   : run == 1 ? nr - 1 - i
						   : i & 1    ? nr - 1 - i / 2
							      : i / 2],
					     order);
		}
	}
}

/* ---- HelenOS slab1: a thousand objects of each size; half back, half again, all back ---- */

enum { OBJECTS = 1024 };

static void *object[OBJECTS];

static void fill_cache(struct ktest *t, struct kmem_cache *s, size_t size)
{
	unsigned nr = 0;

	while (nr < OBJECTS && (object[nr] = kmem_cache_alloc(s, QUIET)) != NULL) {
		stamp(object[nr], size, nr);
		nr++;
	}
	for (unsigned i = 0; i < nr; i += 2)
		kmem_cache_free(s, object[i]);
	kmem_cache_shrink(s);
	for (unsigned i = 0; i < nr; i += 2) {
		object[i] = kmem_cache_alloc(s, QUIET);
		if (object[i])
			stamp(object[i], size, i);
	}
	for (unsigned i = 0; i < nr; i++) {
		if (!object[i])
			continue;
		EXPECT_MSG(is_stamped(object[i], size, i), "object %u of %zu bytes is not as it was", i,
			   size);
		kmem_cache_free(s, object[i]);
	}
}

KTEST(patterns, a_thousand_objects_of_each_size_keep_their_bytes)
{
	static const unsigned sizes[] = {1,   7,   8,	 17,   31,   63,   65,	 200,
					 333, 512, 1000, 1023, 1024, 1025, 2000, 4096};

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		unsigned flags = i % 3 == 0   ? SLAB_RED_ZONE | SLAB_POISON
				 : i % 3 == 1 ? SLAB_HWCACHE_ALIGN
					      : 0;
		struct kmem_cache *s = kmem_cache_create("t-patterns", sizes[i], 0, flags, NULL);

		ASSERT_NOT_NULL(s);
		fill_cache(t, s, sizes[i]);
		EXPECT_EQ(kmem_cache_destroy(s), 0);
	}
}

KTEST(patterns, objects_have_each_alignment_that_is_asked_for)
{
	for (unsigned align = 8; align <= PAGE_SIZE; align *= 2) {
		unsigned size = 1 + test_rand_below(2 * align);
		struct kmem_cache *s = kmem_cache_create("t-patterns", size, align, 0, NULL);
		unsigned nr = 0;

		ASSERT_NOT_NULL(s);
		while (nr < 32 && (object[nr] = kmem_cache_alloc(s, QUIET)) != NULL) {
			EXPECT_EQ((unsigned long)object[nr] % align, 0);
			stamp(object[nr], size, nr);
			nr++;
		}
		while (nr--) {
			EXPECT_TRUE(is_stamped(object[nr], size, nr));
			kmem_cache_free(s, object[nr]);
		}
		EXPECT_EQ(kmem_cache_destroy(s), 0);
	}
}

/* ---- lk: slots that are filled and emptied at random ---- */

enum { SLOTS = 128 };

struct slot {
	void *mem;
	size_t size;
	unsigned number, kind;
};

static void slot_fill(struct slot *slot, unsigned number)
{
	slot->number = number;
	slot->kind = test_rand_below(4);
	slot->size = 1 + test_rand_below(1u << test_rand_below(slot->kind == 3 ? 17 : 15));
	if (slot->kind == 1) /* a power of two is aligned to itself */
		slot->size = 1ul << test_rand_below(14);
	slot->mem = slot->kind == 2   ? alloc_pages_exact(slot->size, QUIET)
		    : slot->kind == 3 ? kvmalloc(slot->size, QUIET)
				      : kmalloc(slot->size, QUIET);
	if (slot->mem)
		stamp(slot->mem, slot->size, number);
}

static void slot_empty(struct ktest *t, struct slot *slot)
{
	if (!slot->mem)
		return;
	EXPECT_MSG(is_stamped(slot->mem, slot->size, slot->number),
		   "%zu bytes of kind %u are not as they were", slot->size, slot->kind);
	EXPECT_TRUE(slot->kind != 1 || (unsigned long)slot->mem % min(slot->size, PAGE_SIZE) == 0 ||
		    slot->size < 8);
	if (slot->kind == 2)
		free_pages_exact(slot->mem, slot->size);
	else
		kvfree(slot->mem);
	slot->mem = NULL;
}

KTEST(patterns, slots_refilled_at_random_keep_their_bytes)
{
	static struct slot slot[SLOTS];

	for (unsigned round = 0; round < 3000; round++) {
		unsigned at = test_rand_below(SLOTS);

		slot_empty(t, &slot[at]);
		slot_fill(&slot[at], round);
	}
	for (unsigned i = 0; i < SLOTS; i++)
		slot_empty(t, &slot[i]);
}

/* ---- jemalloc: usable sizes ---- */

KTEST(patterns, a_usable_size_is_its_own_usable_size)
{
	for (size_t size = 1; size <= 9 * PAGE_SIZE; size += 1 + size / 13) {
		u8 *a = kmalloc(size, QUIET), *b = kmalloc(size, QUIET), *c = NULL;
		size_t usable = ksize(a);

		if (a && b) {
			EXPECT_GE(usable, size);
			EXPECT_EQ(ksize(b), usable);
			c = kmalloc(usable, QUIET);
			EXPECT_TRUE(!c || ksize(c) == usable);
			stamp(a, usable, 1);
			stamp(b, usable, 2);
			if (c)
				stamp(c, usable, 3);
			EXPECT_TRUE(is_stamped(a, usable, 1) && is_stamped(b, usable, 2));
		}
		kfree(a);
		kfree(b);
		kfree(c);
	}
}

/* ---- jemalloc, rpmalloc: chains of reallocation ---- */

static size_t chain(struct ktest *t, void **mem, size_t old, size_t size)
{
	void *q = krealloc(*mem, size, QUIET);

	if (!q)
		return old;
	*mem = q;
	EXPECT_MSG(is_stamped(q, min(old, size), 7), "%zu to %zu bytes: bytes were lost", old, size);
	stamp(q, size, 7);
	return size;
}

KTEST(patterns, a_chain_of_reallocations_loses_no_byte)
{
	size_t size = 0, most = 3 * PAGE_SIZE;
	void *mem = NULL;

	for (size_t to = 1; to < 600; to++) /* byte by byte, over every class's end */
		size = chain(t, &mem, size, to);
	for (; size < most; size = chain(t, &mem, size, size + 1 + size / 7))
		if (size + 1 + size / 7 >= most)
			break;
	for (size_t to = size; to > 0; to = to * 5 / 6)
		size = chain(t, &mem, size, to);
	for (unsigned i = 0; i < 500; i++)
		size = chain(t, &mem, size, 1 + test_rand_below(1u << (1 + test_rand_below(14))));
	kfree(mem);
}

/* ---- bulk ---- */

KTEST(patterns, bulks_are_whole_distinct_and_freed_in_any_parts)
{
	struct kmem_cache *s = kmem_cache_create("t-patterns", 48, 0, 0, NULL);

	ASSERT_NOT_NULL(s);
	for (unsigned round = 0; round < 60; round++) {
		unsigned nr = 1 + test_rand_below(500), at = 0;

		if (kmem_cache_alloc_bulk(s, QUIET, nr, object) != (int)nr)
			continue;
		for (unsigned i = 0; i < nr; i++)
			stamp(object[i], 48, i);
		for (unsigned i = 0; i < nr; i++)
			EXPECT_TRUE(is_stamped(object[i], 48, i));
		while (at < nr) {
			unsigned part = min(nr - at, 1 + test_rand_below(40));

			if (part == 1)
				kmem_cache_free(s, object[at]);
			else
				kmem_cache_free_bulk(s, part, object + at);
			at += part;
		}
	}
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

/* ---- zeroed memory, after each allocator has had dirty memory back ---- */

static void *zalloc_kind(unsigned kind, size_t size)
{
	switch (kind) {
	case 0:
		return kzalloc(size, QUIET);
	case 1:
		return kcalloc(size, 1, QUIET);
	case 2:
		return kvzalloc(size, QUIET);
	case 3:
		return vmalloc_gfp(size, QUIET | __GFP_ZERO, NUMA_NO_NODE, 0, 0);
	default:
		return alloc_pages_exact(size, QUIET | __GFP_ZERO);
	}
}

KTEST(patterns, zeroed_memory_is_zero_after_dirty_memory)
{
	for (unsigned kind = 0; kind < 5; kind++) {
		for (size_t size = 1; size < 5 * PAGE_SIZE; size = size * 2 + 3) {
			for (unsigned round = 0; round < 6; round++) {
				u8 *p = zalloc_kind(kind, size);

				if (!p)
					continue;
				EXPECT_MSG(is_zero(p, size), "kind %u, %zu bytes", kind, size);
				memset(p, 0xdb, size);
				if (kind == 4)
					free_pages_exact(p, size);
				else
					kvfree(p);
			}
		}
	}
}

/* ---- sizes that cannot be ---- */

KTEST(patterns, extreme_sizes_are_refused_by_every_allocator)
{
	static const size_t sizes[] = {
		~0UL,	      ~0UL - 1,	    ~0UL - PAGE_SIZE, ~0UL - PAGE_SIZE + 1, ~0UL / 2,
		~0UL / 2 + 1, ~0UL / 2 + 2, 1UL << 62,	      (1UL << 56) + 1,	    1UL << 48};

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		EXPECT_NULL(kmalloc(sizes[i], QUIET));
		EXPECT_NULL(kmalloc_node(sizes[i], QUIET, numa_memory_node(0)));
		EXPECT_NULL(kvmalloc(sizes[i], QUIET));
		EXPECT_NULL(vmalloc_gfp(sizes[i], QUIET, NUMA_NO_NODE, 0, 0));
		EXPECT_NULL(vmalloc_gfp(sizes[i], QUIET, NUMA_NO_NODE, VM_HUGE, 0));
		EXPECT_NULL(alloc_pages_exact(sizes[i], QUIET));
	}
}

KTEST(patterns, products_that_overflow_are_refused)
{
	static const size_t n[] = {~0UL, ~0UL / 2 + 1, ~0UL / 3 + 1, 1UL << 63, 1UL << 33, 1UL << 32, 3, 2, 1,
				   0};

	for (unsigned a = 0; a < ARRAY_SIZE(n); a++) {
		for (unsigned b = 0; b < ARRAY_SIZE(n); b++) {
			size_t product;
			bool wraps = __builtin_mul_overflow(n[a], n[b], &product);
			void *p = kmalloc_array(n[a], n[b], QUIET), *z = kcalloc(n[a], n[b], QUIET);

			if (wraps || product > KMALLOC_MAX_SIZE)
				EXPECT_MSG(!p && !z, "0x%lx times 0x%lx", n[a], n[b]);
			else if (!product)
				EXPECT_TRUE(p == ZERO_SIZE_PTR && z == ZERO_SIZE_PTR);
			else
				EXPECT_TRUE(p && z);
			kfree(p);
			kfree(z);
		}
	}
}

KTEST(patterns, a_refused_reallocation_keeps_the_old_memory)
{
	static const size_t sizes[] = {~0UL, ~0UL / 2, KMALLOC_MAX_SIZE + 1};
	void *p = kmalloc(300, QUIET);

	ASSERT_NOT_NULL(p);
	stamp(p, 300, 9);
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		EXPECT_NULL(krealloc(p, sizes[i], QUIET));
		EXPECT_TRUE(is_stamped(p, 300, 9));
	}
	kfree(p);
}

KTEST(patterns, no_bytes_are_nothing_or_the_empty_pointer)
{
	EXPECT_TRUE(kmalloc(0, QUIET) == ZERO_SIZE_PTR);
	EXPECT_EQ(ksize(ZERO_SIZE_PTR), 0);
	EXPECT_EQ(ksize(NULL), 0);
	EXPECT_NULL(vmalloc_gfp(0, QUIET, NUMA_NO_NODE, 0, 0));
	EXPECT_TRUE(krealloc(NULL, 0, QUIET) == ZERO_SIZE_PTR);
	kfree(NULL);
	kfree(ZERO_SIZE_PTR);
	kvfree(NULL);
	vfree(NULL);
	vunmap(NULL);
	free_percpu(NULL);
	kmem_cache_free_bulk(NULL, 0, NULL);
}

/* ---- rpmalloc: memory of all CPUs at once, freed by another one ---- */

enum { CPUS_MAX = 8, PIECES = 160 };

static struct crew {
	void *mem[CPUS_MAX][PIECES];
	size_t size[CPUS_MAX][PIECES];
	_Atomic unsigned joined, filled, bad;
	unsigned nr;
} crew;

static void crew_work(void *ctx)
{
	unsigned me = atomic_fetch_add(&crew.joined, 1), from;
	u64 random = *(u64 *)ctx + me * 977 + 1;

	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < PIECES; i++) {
			size_t size = 1 + xorshift64(&random) % (1u << (3 + xorshift64(&random) % 11));

			crew.size[me][i] = size;
			crew.mem[me][i] = kmalloc(size, QUIET);
			if (crew.mem[me][i])
				stamp(crew.mem[me][i], size, me * PIECES + i);
		}
		atomic_fetch_add(&crew.filled, 1);
		while (atomic_load(&crew.filled) < (2 * round + 1) * crew.nr) /* all have allocated */
			quiet_point();
		from = (me + 1 + round) % crew.nr;
		for (unsigned i = 0; i < PIECES; i++) {
			if (crew.mem[from][i] &&
			    !is_stamped(crew.mem[from][i], crew.size[from][i], from * PIECES + i))
				atomic_fetch_add(&crew.bad, 1);
			kfree(crew.mem[from][i]);
		}
		atomic_fetch_add(&crew.filled, 1);
		while (atomic_load(&crew.filled) < (2 * round + 2) * crew.nr) /* all have freed */
			quiet_point();
	}
}

KTEST(patterns, what_each_cpu_allocates_another_one_frees)
{
	static struct smp_task task[CPUS_MAX];
	unsigned cpu, nr = 1;
	u64 seed = test_rand();

	memset(&crew, 0, sizeof(crew));
	crew.nr = min(cpumask_weight(&cpu_online_mask), (unsigned)CPUS_MAX);
	for_each_online_cpu (cpu) {
		if (cpu == arch_cpu_id() || nr == crew.nr)
			continue;
		task[nr] = (struct smp_task){.fn = crew_work, .ctx = &seed};
		BUG_ON(smp_start(cpu, &task[nr]), "CPU %u takes no task", cpu);
		nr++;
	}
	crew_work(&seed);
	for (unsigned i = 1; i < crew.nr; i++)
		smp_wait(&task[i]);
	EXPECT_EQ(atomic_load(&crew.bad), 0);
}
