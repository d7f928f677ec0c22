/*
 * test_slab_debug.c - the patterns of debugged caches, and that each misuse is called by its name
 * (mm/slab_debug.c).
 */
#include "../../mm/slab_internal.h"
#include "zone_fixture.h"

#include <kernel/cmdline.h>
#include <kernel/errno.h>
#include <kernel/test.h>
#include <mm/kmalloc.h>

static struct kmem_cache *test_cache(unsigned size, unsigned align, unsigned flags, void (*ctor)(void *))
{
	return kmem_cache_create("ktest", size, align, flags | SLAB_NO_USER_FLAGS, ctor);
}

/* The object, free or not, and what stands around it may be looked at until the next call of the slab layer. */
static void reveal(const struct kmem_cache *s, const void *obj)
{
	san_reveal((const char *)obj - s->obj_offset, s->size);
}

/* Bytes of [p, p + n) that are not c. */
static unsigned differ(const void *p, unsigned n, u8 c)
{
	unsigned nr = 0;

	for (unsigned i = 0; i < n; i++)
		nr += ((const u8 *)p)[i] != c;
	return nr;
}

/* ---- patterns ---- */

KTEST(slab_debug, poison_tells_fresh_from_free)
{
	struct kmem_cache *s = test_cache(100, 0, SLAB_POISON, NULL);
	u8 *p;

	ASSERT_NOT_NULL(s);
	p = kmem_cache_alloc(s, GFP_KERNEL);
	EXPECT_EQ(differ(p, 99, 0x5a), 0);
	EXPECT_EQ(p[99], 0xa5);
	memset(p, 1, 100);
	kmem_cache_free(s, p);
	reveal(s, p);
	EXPECT_EQ(differ(p, 99, 0x6b), 0);
	EXPECT_EQ(p[99], 0xa5);
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

KTEST(slab_debug, red_zones_stand_on_both_sides)
{
	struct kmem_cache *s = test_cache(104, 0, SLAB_RED_ZONE, NULL);
	u64 *p;

	ASSERT_NOT_NULL(s);
	p = kmem_cache_alloc(s, GFP_KERNEL);
	reveal(s, p);
	EXPECT_EQ(p[-1], 0xD84156C5635688C0UL);
	EXPECT_EQ(p[13], 0xD84156C5635688C0UL);
	memset(p, 0, 104); /* all of the object is the owner's */
	kmem_cache_free(s, p);
	reveal(s, p);
	EXPECT_EQ(p[-1], 0x09F911029D74E35BUL);
	EXPECT_EQ(p[13], 0x09F911029D74E35BUL);
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

KTEST(slab_debug, alignment_does_not_give_way_to_red_zones)
{
	for (unsigned align = 8; align <= 4096; align *= 2) {
		struct kmem_cache *s = test_cache(200, align, SLAB_DEBUG_FLAGS, NULL);
		void *p[6];

		ASSERT_NOT_NULL(s);
		EXPECT_EQ(s->flags & SLAB_DEBUG_FLAGS, SLAB_DEBUG_FLAGS);
		for (unsigned i = 0; i < ARRAY_SIZE(p); i++) {
			p[i] = kmem_cache_alloc(s, GFP_KERNEL);
			EXPECT_EQ((unsigned long)p[i] % align, 0);
			memset(p[i], 0xff, 200);
		}
		for (unsigned i = 0; i < ARRAY_SIZE(p); i++)
			kmem_cache_free(s, p[i]);
		EXPECT_EQ(kmem_cache_destroy(s), 0);
	}
}

static __noinline void *alloc_here(struct kmem_cache *s)
{
	void *p = kmem_cache_alloc(s, GFP_KERNEL);

	__asm__ volatile("" ::: "memory"); /* not a tail call */
	return p;
}

static __noinline void free_here(struct kmem_cache *s, void *p)
{
	kmem_cache_free(s, p);
	__asm__ volatile("" ::: "memory");
}

static bool within(unsigned long pc, const void *fn)
{
	return pc > (unsigned long)fn && pc < (unsigned long)fn + 128;
}

KTEST(slab_debug, owners_are_remembered)
{
	struct kmem_cache *s = test_cache(100, 0, SLAB_STORE_USER, NULL);
	void *p;

	ASSERT_NOT_NULL(s);
	p = alloc_here(s);
	EXPECT_TRUE(within(slab_alloc_caller(s, p), (void *)alloc_here));
	EXPECT_EQ(slab_free_caller(s, p), 0);
	free_here(s, p);
	EXPECT_TRUE(within(slab_free_caller(s, p), (void *)free_here));
	EXPECT_TRUE(within(slab_alloc_caller(s, p), (void *)alloc_here));
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

static unsigned ctor_calls;

static void counting_ctor(void *obj)
{
	ctor_calls++;
	memset(obj, 0x41, 4);
}

KTEST(slab_debug, a_poisoned_cache_constructs_at_each_allocation)
{
	struct kmem_cache *s = test_cache(100, 0, SLAB_POISON, counting_ctor);

	ASSERT_NOT_NULL(s);
	ctor_calls = 0;
	for (unsigned i = 0; i < 10; i++) {
		u8 *p = kmem_cache_alloc(s, GFP_KERNEL);

		EXPECT_EQ(ctor_calls, i + 1);
		EXPECT_EQ(differ(p, 4, 0x41), 0);
		EXPECT_EQ(differ(p + 4, 95, 0x5a), 0);
		kmem_cache_free(s, p);
	}
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

KTEST(slab_debug, rcu_caches_are_never_poisoned)
{
	struct kmem_cache *s = test_cache(100, 0, SLAB_POISON | SLAB_TYPESAFE_BY_RCU, NULL);
	u8 *p;

	ASSERT_NOT_NULL(s);
	EXPECT_EQ(s->flags & SLAB_POISON, 0);
	p = kmem_cache_alloc(s, GFP_KERNEL);
	memset(p, 0x33, 100);
	kmem_cache_free(s, p);
	EXPECT_EQ(differ(p, 100, 0x33), 0);
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

KTEST(slab_debug, debugged_caches_have_no_arrays)
{
	static const unsigned flags[] = {SLAB_CONSISTENCY_CHECKS, SLAB_RED_ZONE, SLAB_POISON,
					 SLAB_STORE_USER};

	for (unsigned i = 0; i < ARRAY_SIZE(flags); i++) {
		struct kmem_cache *s = test_cache(100, 0, flags[i], NULL);

		ASSERT_NOT_NULL(s);
		kmem_cache_free(s, kmem_cache_alloc(s, GFP_KERNEL));
		EXPECT_EQ(this_cpu_deref(s->cpu), &slab_no_array.stack);
		EXPECT_EQ(s->flags & SLAB_INDEX_IN_OBJECT, 0);
		EXPECT_EQ(kmem_cache_destroy(s), 0);
	}
}

/* ---- the command line ---- */

KTEST(slab_debug, the_option_names_flags_and_caches)
{
	if (slab_debug_flags("ktest") || slab_debug_flags("kmalloc-64"))
		SKIP("slab_debug= is in use");
	EXPECT_EQ(cmdline_set("slab_debug", "ZP,kmalloc-*,ktest"), 0);
	EXPECT_EQ(slab_debug_flags("kmalloc-64"), SLAB_RED_ZONE | SLAB_POISON);
	EXPECT_EQ(slab_debug_flags("ktest"), SLAB_RED_ZONE | SLAB_POISON);
	EXPECT_EQ(slab_debug_flags("kmalloc"), 0);
	EXPECT_EQ(cmdline_set("slab_debug", "fu"), 0);
	EXPECT_EQ(slab_debug_flags("anything"), SLAB_CONSISTENCY_CHECKS | SLAB_STORE_USER);
	EXPECT_EQ(cmdline_set("slab_debug", "Q"), -EINVAL);
	EXPECT_EQ(slab_debug_flags("anything"), SLAB_CONSISTENCY_CHECKS | SLAB_STORE_USER);
	EXPECT_EQ(cmdline_set("slab_debug", NULL), 0);
	EXPECT_EQ(slab_debug_flags("anything"), SLAB_DEBUG_FLAGS);
	EXPECT_EQ(cmdline_set("slab_debug", ",one"), 0);
	EXPECT_EQ(slab_debug_flags("one"), SLAB_DEBUG_FLAGS);
	EXPECT_EQ(slab_debug_flags("two"), 0);
	EXPECT_EQ(cmdline_set("slab_debug", "-"), 0);
	EXPECT_EQ(slab_debug_flags("anything"), 0);
}

KTEST(slab_debug, the_option_reaches_new_caches)
{
	struct kmem_cache *a, *b;

	if (slab_debug_flags("ktest"))
		SKIP("slab_debug= is in use");
	EXPECT_EQ(cmdline_set("slab_debug", "P,ktest"), 0);
	a = kmem_cache_create("ktest", 100, 0, 0, NULL);
	b = kmem_cache_create("ktest", 100, 0, SLAB_NO_USER_FLAGS, NULL);
	EXPECT_EQ(cmdline_set("slab_debug", "-"), 0);
	ASSERT_NOT_NULL(a);
	ASSERT_NOT_NULL(b);
	EXPECT_EQ(a->flags & SLAB_DEBUG_FLAGS, SLAB_POISON);
	EXPECT_EQ(b->flags & SLAB_DEBUG_FLAGS, 0);
	EXPECT_EQ(kmem_cache_destroy(a), 0);
	EXPECT_EQ(kmem_cache_destroy(b), 0);
}

/* What the command line asks for may be impossible: the cache is made all the same. */
KTEST(slab_debug, the_option_never_prevents_a_cache)
{
	struct kmem_cache *s;

	if (slab_debug_flags("ktest"))
		SKIP("slab_debug= is in use");
	EXPECT_EQ(cmdline_set("slab_debug", "FZPU,ktest"), 0);
	s = kmem_cache_create("ktest", KMALLOC_MAX_SIZE, 0, 0, NULL);
	EXPECT_EQ(cmdline_set("slab_debug", "-"), 0);
	ASSERT_NOT_NULL(s);
	EXPECT_EQ(s->flags & SLAB_DEBUG_FLAGS, 0);
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

/* ---- the check ---- */

KTEST(slab_debug, check_finds_damage_around_and_in_free_objects)
{
	struct kmem_cache *s = test_cache(100, 0, SLAB_RED_ZONE | SLAB_POISON, NULL);
	static const int offsets[] = {-1, -8, 0, 50, 99, 100, 103, 111};
	u8 *p;

	ASSERT_NOT_NULL(s);
	p = kmem_cache_alloc(s, GFP_KERNEL);
	kmem_cache_free(s, p);
	EXPECT_NULL(slab_check());
	for (unsigned i = 0; i < ARRAY_SIZE(offsets); i++) {
		reveal(s, p);
		p[offsets[i]] ^= 0x10;
		EXPECT_MSG(slab_check() != NULL, "a write at offset %d of a free object is not found",
			   offsets[i]);
		reveal(s, p);
		p[offsets[i]] ^= 0x10;
	}
	EXPECT_NULL(slab_check());
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

/* Which bytes of [from, to) around p the check does not find when they are damaged; 0 if it finds each. */
static unsigned missed_bytes(struct kmem_cache *s, u8 *p, int from, int to)
{
	unsigned missed = 0;

	for (int at = from; at < to; at++) {
		reveal(s, p);
		p[at] ^= 0x10;
		missed += slab_check() == NULL;
		reveal(s, p);
		p[at] ^= 0x10;
		missed += slab_check() != NULL;
	}
	return missed;
}

/* 18 bytes: what lies between the end of the object and the next word is guarded too. */
KTEST(slab_debug, check_finds_each_byte_around_a_live_object)
{
	static const unsigned sizes[] = {18, 64, 100};

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct kmem_cache *s = test_cache(sizes[i], 0, SLAB_RED_ZONE | SLAB_POISON, NULL);
		int size = (int)sizes[i];
		u8 *p;

		ASSERT_NOT_NULL(s);
		p = kmem_cache_alloc(s, GFP_KERNEL);
		EXPECT_EQ(missed_bytes(s, p, -8, 0), 0);
		EXPECT_EQ(missed_bytes(s, p, size, (int)ALIGN_UP(sizes[i], 8) + 8), 0);
		memset(p, 0x77, sizes[i]); /* the object itself is the owner's */
		EXPECT_NULL(slab_check());
		kmem_cache_free(s, p);
		EXPECT_EQ(missed_bytes(s, p, -8, (int)ALIGN_UP(sizes[i], 8) + 8), 0);
		EXPECT_EQ(kmem_cache_destroy(s), 0);
	}
}

KTEST(slab_debug, an_object_is_repaired_by_nothing_but_its_owner)
{
	struct kmem_cache *s = test_cache(64, 0, SLAB_RED_ZONE | SLAB_POISON, NULL);
	u8 *p;

	ASSERT_NOT_NULL(s);
	p = kmem_cache_alloc(s, GFP_KERNEL);
	reveal(s, p);
	p[64] ^= 1;
	for (unsigned look = 0; look < 3; look++) /* to look changes nothing */
		EXPECT_NOT_NULL(slab_check());
	reveal(s, p);
	p[64] ^= 1;
	EXPECT_NULL(slab_check());
	kmem_cache_free(s, p);
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

KTEST(slab_debug, check_finds_a_doubled_entry_in_an_array)
{
	struct kmem_cache *s = test_cache(100, 0, 0, NULL);
	struct array_cache *ac;
	void *saved;

	if (slab_bypass_all)
		SKIP("caches have no arrays");
	ASSERT_NOT_NULL(s);
	kmem_cache_free(s, kmem_cache_alloc(s, GFP_KERNEL));
	ac = array_of(this_cpu_deref(s->cpu));
	saved = ac->stack.entry[1];
	ac->stack.entry[1] = ac->stack.entry[0];
	EXPECT_NOT_NULL(slab_check());
	ac->stack.entry[1] = (char *)saved + 8;
	EXPECT_NOT_NULL(slab_check());
	ac->stack.entry[1] = saved;
	EXPECT_NULL(slab_check());
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

/* ---- each misuse has its name ---- */

/* Sizes that are no multiple of a word: the records neither lie in the object nor reach into the next. */
KTEST(slab_debug, who_allocated_is_kept_apart_from_the_objects)
{
	for (unsigned i = 0; i < 16; i++) {
		unsigned size = 17 + i / 2;
		struct kmem_cache *s =
			test_cache(size, 0, SLAB_STORE_USER | (i % 2 ? SLAB_RED_ZONE : 0), NULL);
		u8 *obj[8];

		ASSERT_NOT_NULL(s);
		for (unsigned k = 0; k < ARRAY_SIZE(obj); k++) {
			ASSERT_NOT_NULL(obj[k] = alloc_here(s)); /* one place, unrolled or not */
			memset(obj[k], 0x81 + (int)k, size);
		}
		for (unsigned k = 0; k < ARRAY_SIZE(obj); k++)
			EXPECT_EQ(slab_alloc_caller(s, obj[k]), slab_alloc_caller(s, obj[0]));
		for (unsigned k = 0; k < ARRAY_SIZE(obj); k += 2)
			kmem_cache_free(s, obj[k]);
		for (unsigned k = 1; k < ARRAY_SIZE(obj); k += 2) {
			for (unsigned at = 0; at < size; at++)
				EXPECT_EQ(obj[k][at], 0x81 + k);
			kmem_cache_free(s, obj[k]);
		}
		EXPECT_EQ(kmem_cache_destroy(s), 0);
	}
}

KTEST(slab_debug, a_cache_that_is_not_empty_shows_some_of_its_objects)
{
	struct kmem_cache *s = test_cache(700, 0, 0, NULL);
	enum { NR = 40 };
	static void *obj[NR];
	u64 pos = log_position();
	unsigned shown;
	char want[64];

	ASSERT_NOT_NULL(s);
	for (unsigned i = 0; i < NR; i++)
		ASSERT_NOT_NULL(obj[i] = kmem_cache_alloc(s, GFP_KERNEL));
	EXPECT_EQ(kmem_cache_destroy(s), -EBUSY);
	shown = log_lines_with(pos, "slab:   object");
	EXPECT_TRUE(shown > 0 && shown < NR);
	snprintf(want, sizeof(want), "%u live objects, %u shown", NR, shown);
	EXPECT_EQ(log_lines_with(pos, want), 1);
	for (unsigned i = 0; i < NR; i++)
		kmem_cache_free(s, obj[i]);
	EXPECT_EQ(kmem_cache_destroy(s), 0);
}

KTEST_PANIC(slab_debug, double_free_is_named, "double free: object")
{
	struct kmem_cache *s = test_cache(100, 0, SLAB_CONSISTENCY_CHECKS, NULL);
	void *p = kmem_cache_alloc(s, GFP_KERNEL), *q = kmem_cache_alloc(s, GFP_KERNEL);

	kmem_cache_free(s, p);
	kmem_cache_free(s, q);
	kmem_cache_free(s, p);
}

KTEST_PANIC(slab_debug, wrong_cache_is_named, "wrong cache: object")
{
	struct kmem_cache *a = test_cache(100, 0, SLAB_RED_ZONE, NULL);
	struct kmem_cache *b = test_cache(100, 0, SLAB_RED_ZONE, NULL);

	kmem_cache_free(b, kmem_cache_alloc(a, GFP_KERNEL));
}

KTEST_PANIC(slab_debug, interior_pointer_is_named, "free of an interior pointer: object")
{
	struct kmem_cache *s = test_cache(100, 0, SLAB_STORE_USER, NULL);
	char *p = kmem_cache_alloc(s, GFP_KERNEL);

	kmem_cache_free(s, p + 16);
}

KTEST_PANIC(slab_debug, overrun_is_named, "overrun: object")
{
	struct kmem_cache *s = test_cache(100, 0, SLAB_RED_ZONE | SLAB_STORE_USER, NULL);
	u8 *p = kmem_cache_alloc(s, GFP_KERNEL);

	p[100] = 0; /* in the padding to 8: one byte too far is enough */
	kmem_cache_free(s, p);
}

KTEST_PANIC(slab_debug, underrun_is_named, "underrun: object")
{
	struct kmem_cache *s = test_cache(100, 64, SLAB_RED_ZONE | SLAB_STORE_USER, NULL);
	u8 *p = kmem_cache_alloc(s, GFP_KERNEL);

	p[-1] = 0;
	kmem_cache_free(s, p);
}

KTEST_PANIC(slab_debug, write_after_free_is_named_at_the_next_alloc, "write after free: object")
{
	struct kmem_cache *s = test_cache(100, 0, SLAB_POISON | SLAB_STORE_USER, NULL);
	u8 *p = kmem_cache_alloc(s, GFP_KERNEL);

	kmem_cache_free(s, p);
	p[50] = 0x6a;
	kmem_cache_alloc(s, GFP_KERNEL);
}

KTEST_PANIC(slab_debug, write_after_free_is_named_when_the_slab_goes, "write after free: object")
{
	struct kmem_cache *s = test_cache(100, 0, SLAB_POISON, NULL);
	u8 *p = kmem_cache_alloc(s, GFP_KERNEL);

	kmem_cache_free(s, p);
	p[0] = 0;
	kmem_cache_shrink(s);
}

KTEST_PANIC(slab_debug, write_into_a_free_red_zone_is_named, "write after free: object")
{
	struct kmem_cache *s = test_cache(100, 0, SLAB_RED_ZONE, NULL);
	u8 *p = kmem_cache_alloc(s, GFP_KERNEL);

	kmem_cache_free(s, p);
	p[104] = 0;
	kmem_cache_alloc(s, GFP_KERNEL);
}

/* The report names who allocated and who freed; the test runner looks for this text. */
KTEST_PANIC(slab_debug, the_report_names_the_owner, "last allocated by alloc_here")
{
	struct kmem_cache *s = test_cache(100, 0, SLAB_DEBUG_FLAGS, NULL);
	void *p = alloc_here(s);

	free_here(s, p);
	free_here(s, p);
}

KTEST_PANIC(slab_debug, a_pointer_behind_the_last_object_is_named, "lies outside of its objects")
{
	struct kmem_cache *s = test_cache(500, 0, SLAB_CONSISTENCY_CHECKS, NULL);
	char *p = kmem_cache_alloc(s, GFP_KERNEL);

	kmem_cache_free(s, (char *)virt_to_page(p)->s_mem + (size_t)s->num * s->size);
}
