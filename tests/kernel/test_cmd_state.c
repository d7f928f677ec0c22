/* mark and diff show the user's memory and nothing else; stress gives everything back. */
#include "cmd_check.h"

#include <kernel/cpumask.h>
#include <kernel/errno.h>
#include <kernel/string.h>

KTEST(cmd_state, without_a_change_there_is_no_difference)
{
	ASSERT_EQ(ask("mark; diff"), 0);
	EXPECT_TRUE(answer_says("nothing has changed\n"));
	ASSERT_EQ(ask("diff -j"), 0);
	EXPECT_STREQ(answer, "{\"delta\":{\"caches\":[],\"zones\":[],\"areas\":[],\"page_tables\":0}}\n");
}

KTEST(cmd_state, what_the_caches_keep_is_no_difference)
{
	u64 p;

	ASSERT_EQ(ask("mark; kmalloc 700 -j"), 0);
	p = key_from(answer, "ptr") ? answer_value("ptr") : 0;
	ASSERT_EQ(ask("kfree 0x%lx; diff", p), 0);
	EXPECT_TRUE(answer_says("nothing has changed\n"));
}

KTEST(cmd_state, an_object_is_a_difference_until_it_is_freed)
{
	const char *cache;
	u64 p;

	ASSERT_EQ(ask("mark; kmalloc 700 -j"), 0);
	p = answer_value("ptr");
	ASSERT_EQ(ask("diff -j"), 0);
	cache = strstr(answer, "\"name\":\"kmalloc-");
	ASSERT_NOT_NULL(cache);
	EXPECT_EQ(value_from(cache, "objs"), 1);
	ASSERT_EQ(ask("kfree 0x%lx; diff", p), 0);
	EXPECT_TRUE(answer_says("nothing has changed\n"));
}

KTEST(cmd_state, pages_are_a_difference_of_their_zone)
{
	u64 pfn;

	ASSERT_EQ(ask("mark; alloc 5 -j"), 0);
	pfn = answer_value("pfn");
	ASSERT_EQ(ask("diff -j"), 0);
	EXPECT_TRUE(answer_says("\"free\":-32}"));
	EXPECT_TRUE(answer_says("\"caches\":[]"));
	ASSERT_EQ(ask("free %lu 5; diff", pfn), 0);
	EXPECT_TRUE(answer_says("nothing has changed\n"));
}

KTEST(cmd_state, areas_and_caches_that_come_and_go_are_named)
{
	char added[64];
	u64 p;

	ASSERT_EQ(ask("mark; cache create t-diff 64; vmalloc 4096 -j"), 0);
	p = answer_value("ptr");
	ASSERT_EQ(ask("diff -j"), 0);
	snprintf(added, sizeof(added), "{\"start\":\"0x%lx\",\"added\":1}", p);
	EXPECT_TRUE(answer_says(added));
	ASSERT_EQ(ask("mark; vfree 0x%lx; cache destroy t-diff; diff -j", p), 0);
	snprintf(added, sizeof(added), "{\"start\":\"0x%lx\",\"added\":0}", p);
	EXPECT_TRUE(answer_says(added));
}

KTEST(stress, operations_break_nothing)
{
	ASSERT_EQ(ask("stress 60 ops=5000 seed=%u -j", test_rand()), 0);
	EXPECT_TRUE(answer_is_object());
	EXPECT_TRUE(answer_says("\"failed\":[]"));
	EXPECT_EQ(answer_value("value"), 5000);
	EXPECT_GT(value_from(strstr(answer, "\"in_interrupts\""), "value"), 0);
}

KTEST(stress, operations_on_all_cpus_break_nothing)
{
	unsigned cpus = min(cpumask_weight(&cpu_online_mask), 4u);

	if (cpus == 1)
		SKIP("needs a second CPU");
	ASSERT_EQ(ask("stress 60 ops=2000 seed=%u cpus=%u -j", test_rand(), cpus), 0);
	EXPECT_TRUE(answer_says("\"failed\":[]"));
	EXPECT_GE(answer_value("value"), 2000);
	EXPECT_LE(answer_value("value"), 2000 * cpus);
}

KTEST(stress, it_ends_after_so_many_operations)
{
	ASSERT_EQ(ask("stress 60 ops=7 -j"), 0);
	EXPECT_EQ(answer_value("value"), 7);
	ASSERT_EQ(ask("stress 60 ops=7"), 0);
	EXPECT_TRUE(answer_says("60 seconds or 7 operations on 1 CPU, "));
}

KTEST(stress, areas_that_are_there_do_not_look_like_a_leak)
{
	u64 area;

	ASSERT_EQ(ask("vmalloc 64K -j"), 0);
	area = answer_value("ptr");
	for (unsigned seed = 1; seed <= 2; seed++)
		EXPECT_EQ(ask("stress 60 ops=2000 seed=%u", seed), 0);
	EXPECT_EQ(ask("vfree 0x%lx", (unsigned long)area), 0);
}

KTEST(stress, arguments_are_checked)
{
	EXPECT_REFUSED(ERANGE, "SECONDS", "stress 0");
	EXPECT_REFUSED(EINVAL, "SECONDS", "stress long");
	EXPECT_REFUSED(EINVAL, "seed", "stress 1 seed=x");
	EXPECT_REFUSED(ERANGE, "cpus", "stress 1 cpus=0");
	EXPECT_REFUSED(ERANGE, "cpus", "stress 1 cpus=1000");
	EXPECT_REFUSED(ERANGE, "ops", "stress 1 ops=0");
	EXPECT_REFUSED(EINVAL, "unknown option", "stress 1 2");
}
