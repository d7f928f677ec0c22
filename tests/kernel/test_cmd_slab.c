/* slabinfo, slab, kmalloc, kfree, cache: formats, geometry, and who owns what. */
#include "cmd_check.h"

#include <kernel/errno.h>
#include <kernel/sections.h>
#include <kernel/string.h>

#include <mm/internal.h>
#include <mm/kmalloc.h>
#include <mm/slab_info.h>

/* The next number or word of a line; *s moves behind it. */
static u64 line_number(const char **s)
{
	u64 v = ANSWER_NONE;

	while (**s == ' ')
		++*s;
	if (parse_size_prefix(*s, s, &v))
		return ANSWER_NONE;
	return v;
}

static bool line_word(const char **s, const char *word)
{
	while (**s == ' ')
		++*s;
	if (strncmp(*s, word, strlen(word)) != 0)
		return false;
	*s += strlen(word);
	return true;
}

KTEST(cmd_slab, slabinfo_is_version_2_1)
{
	char line[256];
	const char *s;
	unsigned caches = 0;

	ASSERT_EQ(ask("slabinfo"), 0);
	s = next_line(answer, line, sizeof(line));
	EXPECT_STREQ(line, "slabinfo - version: 2.1");
	s = next_line(s, line, sizeof(line));
	EXPECT_STREQ(line, "# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab>"
			   " : tunables <limit> <batchcount> <sharedfactor>"
			   " : slabdata <active_slabs> <num_slabs> <sharedavail>");
	for (; (s = next_line(s, line, sizeof(line))); caches++) {
		const char *at = strchr(line, ' ');
		u64 v[11];

		ASSERT_NOT_NULL(at);
		for (unsigned i = 0; i < 5; i++)
			v[i] = line_number(&at);
		EXPECT_TRUE(line_word(&at, ": tunables"));
		for (unsigned i = 5; i < 8; i++)
			v[i] = line_number(&at);
		EXPECT_TRUE(line_word(&at, ": slabdata"));
		for (unsigned i = 8; i < 11; i++)
			v[i] = line_number(&at);
		EXPECT_EQ(*at, '\0');
		EXPECT_LE(v[0], v[1]);			    /* active_objs, num_objs */
		EXPECT_EQ(v[1], v[9] * v[3]);		    /* num_slabs * objperslab */
		EXPECT_LE(v[8], v[9]);			    /* active_slabs, num_slabs */
		EXPECT_LE(v[3] * v[2], v[4] << PAGE_SHIFT); /* the objects fit into the pages */
	}
	EXPECT_GE(caches, 30);
}

KTEST(cmd_slab, slabinfo_shows_one_cache_in_both_forms)
{
	struct slab_cache_info c;

	ASSERT_TRUE(slab_cache_info("kmalloc-192", &c));
	ASSERT_EQ(ask("slabinfo kmalloc-192 -j"), 0);
	EXPECT_TRUE(answer_is_object());
	EXPECT_EQ(answer_value("objsize"), c.size);
	EXPECT_EQ(answer_value("size"), 192);
	EXPECT_EQ(answer_value("objperslab"), c.objs_per_slab);
	EXPECT_EQ(answer_value("colours"), c.colours);
	EXPECT_EQ(answer_value("limit"), c.limit);
	EXPECT_NOT_NULL(key_from(answer, "flags"));
	EXPECT_NULL(key_from(key_from(answer, "name"), "name"));
	EXPECT_REFUSED(ENOENT, "there is no cache", "slabinfo kmalloc-191");
	EXPECT_REFUSED(ENOENT, "there is no cache", "slab kmalloc-191");
}

KTEST(cmd_slab, kmalloc_gives_at_least_what_was_asked)
{
	static const unsigned sizes[] = {1,   8,    9,	  64,	65,   96,     97,     192,
					 193, 1024, 4097, 8192, 8193, 100000, 4194304};

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		u64 p;

		ASSERT_EQ(ask("kmalloc %u -j", sizes[i]), 0);
		p = answer_value("ptr");
		EXPECT_EQ(answer_value("size"), sizes[i]);
		EXPECT_GE(answer_value("usable"), sizes[i]);
		EXPECT_EQ(answer_value("usable"), ksize((void *)p));
		EXPECT_EQ(answer_says("\"cache\":null"), sizes[i] > KMALLOC_MAX_CACHE_SIZE);
		EXPECT_EQ(ask("kfree 0x%lx", p), 0);
	}
}

KTEST(cmd_slab, kmalloc_dma_comes_from_the_dma_caches)
{
	u64 p;

	ASSERT_EQ(ask("kmalloc 64 dma -j"), 0);
	p = answer_value("ptr");
	EXPECT_TRUE(answer_says("\"cache\":\"dma-kmalloc-64\""));
	EXPECT_EQ(page_zone(virt_to_page((void *)p))->type, ZONE_DMA);
	EXPECT_EQ(ask("kfree 0x%lx", p), 0);
}

KTEST(cmd_slab, kmalloc_refuses_absurd_sizes)
{
	char expected[40];

	snprintf(expected, sizeof(expected), "expected 1 to %lu", PAGE_SIZE << MAX_ORDER);
	EXPECT_REFUSED(ERANGE, "SIZE is 0", "kmalloc 0");
	EXPECT_REFUSED(ERANGE, expected, "kmalloc %lu", (PAGE_SIZE << MAX_ORDER) + 1);
	EXPECT_REFUSED(ERANGE, "SIZE", "kmalloc 0xffffffffffffffff");
	EXPECT_REFUSED(ERANGE, "SIZE", "kmalloc 99999999999999999999");
	EXPECT_REFUSED(EINVAL, "SIZE", "kmalloc -5");
	EXPECT_REFUSED(EINVAL, "unknown option", "kmalloc 8 dmaa");
	EXPECT_REFUSED(ERANGE, "node", "kmalloc 8 node=77");
}

KTEST(cmd_slab, kfree_names_each_mistake)
{
	unsigned long foreign = (unsigned long)phys_to_virt(image_to_phys(__text_start));
	u64 p;

	ASSERT_EQ(ask("kmalloc 64 -j"), 0);
	p = answer_value("ptr");
	EXPECT_REFUSED(EINVAL, "inside the memory", "kfree 0x%lx", p + 8);
	EXPECT_REFUSED(EINVAL, "free it with `kfree`", "vfree 0x%lx", p);
	EXPECT_REFUSED(EINVAL, "free it with `kfree`", "cache free 0x%lx", p);
	EXPECT_REFUSED(EPERM, "not an allocation", "kfree 0x%lx", foreign);
	EXPECT_REFUSED(EPERM, "not an allocation", "kfree 0");
	EXPECT_EQ(ask("kfree 0x%lx", p), 0);
	EXPECT_REFUSED(EINVAL, "double free", "kfree 0x%lx", p);
}

/* The n-th string of the list at "ptrs". */
static u64 nth_ptr(unsigned n)
{
	const char *s = key_from(answer, "ptrs"), *end;
	u64 v;

	for (; s && n; n--)
		s = strchr(s + 1, ',');
	return s && !parse_size_prefix(s + 2, &end, &v) ? v : ANSWER_NONE;
}

KTEST(cmd_slab, a_cache_lives_from_create_to_destroy)
{
	u64 a, b;

	ASSERT_EQ(ask("cache create t-life 100 hwcache -j"), 0);
	EXPECT_TRUE(answer_says("\"name\":\"t-life\""));
	EXPECT_GE(answer_value("objsize"), 128);
	EXPECT_EQ(answer_value("size"), 100);
	ASSERT_EQ(ask("cache alloc t-life 2 -j"), 0);
	a = nth_ptr(0);
	b = nth_ptr(1);
	EXPECT_NE(a, b);
	EXPECT_EQ(a % 64, 0);
	EXPECT_EQ(ask("cache destroy t-life"), -EBUSY);
	EXPECT_TRUE(answer_says("2 live objects"));
	EXPECT_EQ(ask("cache free 0x%lx; cache free 0x%lx", a, b), 0);
	EXPECT_REFUSED(EINVAL, "double free", "cache free 0x%lx", a);
	ASSERT_EQ(ask("cache shrink t-life -j"), 0);
	EXPECT_EQ(answer_value("num_slabs"), 0);
	EXPECT_EQ(ask("cache destroy t-life"), 0);
	EXPECT_REFUSED(ENOENT, "there is no cache", "cache alloc t-life");
}

KTEST(cmd_slab, cache_create_checks_every_argument)
{
	ASSERT_EQ(ask("cache create t-args 32"), 0);
	EXPECT_REFUSED(EEXIST, "already", "cache create t-args 32");
	EXPECT_REFUSED(EEXIST, "already", "cache create kmalloc-64 64");
	EXPECT_REFUSED(ERANGE, "SIZE", "cache create t-bad 0");
	EXPECT_REFUSED(ERANGE, "SIZE", "cache create t-bad %lu", (PAGE_SIZE << MAX_ORDER) + 1);
	EXPECT_REFUSED(EINVAL, "power of two", "cache create t-bad 32 align=24");
	EXPECT_REFUSED(ERANGE, "align", "cache create t-bad 32 align=%lu", 2 * PAGE_SIZE);
	EXPECT_REFUSED(EINVAL, "unknown option", "cache create t-bad 32 fast");
	EXPECT_REFUSED(EINVAL, "letters", "cache create a-name-that-is-longer-than-names-may-be 32");
	EXPECT_REFUSED(EINVAL, "blank", "cache create \"t bad\" 32");
	EXPECT_REFUSED(EINVAL, "missing", "cache create t-bad");
	EXPECT_REFUSED(EINVAL, "unknown word", "cache make t-bad 32");
	EXPECT_REFUSED(ERANGE, "COUNT", "cache alloc t-args 0");
	EXPECT_REFUSED(ERANGE, "COUNT", "cache alloc t-args 1000000");
	EXPECT_EQ(ask("cache destroy t-args"), 0);
}

KTEST(cmd_slab, the_kernels_caches_are_not_the_users)
{
	EXPECT_REFUSED(EPERM, "the kernel's", "cache destroy kmalloc-64");
	EXPECT_REFUSED(EPERM, "the kernel's", "cache shrink kmem_cache");
	EXPECT_REFUSED(EPERM, "the kernel's", "cache alloc kmalloc-64");
}

KTEST(cmd_slab, slab_shows_each_slab_and_its_colour)
{
	u64 ptr[60], inuse = 0, colours, step, slabs = 0;

	ASSERT_EQ(ask("cache create t-colour %lu -j", PAGE_SIZE / 10 - 9), 0); /* ten a page */
	colours = answer_value("colours");
	ASSERT_EQ(ask("cache alloc t-colour %zu -j", ARRAY_SIZE(ptr)), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(ptr); i++)
		ptr[i] = nth_ptr(i);
	ASSERT_EQ(ask("slabinfo t-colour -j"), 0);
	step = answer_value("colour_off");
	ASSERT_EQ(ask("slab t-colour -j"), 0);
	EXPECT_TRUE(answer_is_object());
	for (const char *s = answer; (s = key_from(s, "page")); slabs++) {
		u64 offset = value_from(s, "colour_offset");

		inuse += value_from(s, "inuse");
		EXPECT_EQ(offset % step, 0);
		EXPECT_LT(offset, max(colours, 1UL) * step);
		EXPECT_EQ(value_from(s, "s_mem") & (PAGE_SIZE - 1), offset);
		EXPECT_LE(value_from(s, "inuse"), value_from(s, "objects"));
	}
	EXPECT_EQ(inuse, ARRAY_SIZE(ptr) + answer_value("avail"));
	EXPECT_GE(slabs, 6);
	for (unsigned i = 0; i < ARRAY_SIZE(ptr); i++)
		EXPECT_EQ(ask("cache free 0x%lx", ptr[i]), 0);
	EXPECT_EQ(ask("cache destroy t-colour"), 0);
}
