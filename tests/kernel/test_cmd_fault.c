/* fault: what it shows, what it sets, what it refuses; and that what it sets happens. */
#include "cmd_check.h"

#include <kernel/errno.h>
#include <kernel/fault.h>
#include <kernel/string.h>

#include <mm/check.h>
#include <mm/kmalloc.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>
#include <mm/vmalloc.h>

/* The attributes as they were before a case, armed or not. */
struct saved {
	struct fault_attr slab, pages, areas;
};

static struct saved save(void)
{
	return (struct saved){failslab, fail_page_alloc, fail_vmalloc};
}

static void restore(const struct saved *s)
{
	failslab = s->slab;
	fail_page_alloc = s->pages;
	fail_vmalloc = s->areas;
	mm_update_bypass();
}

KTEST(cmd_fault, every_attribute_is_shown_with_its_values_and_counts)
{
	static const char *const names[] = {"failslab", "fail_page_alloc", "fail_vmalloc"};
	struct saved saved = save();

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		EXPECT_EQ(ask("fault %s 97,50,4K,3 -j", names[i]), 0);
		EXPECT_TRUE(answer_is_object() && answer_says(names[i]));
		EXPECT_EQ(answer_value("interval"), 97);
		EXPECT_EQ(answer_value("probability"), 50);
		EXPECT_EQ(answer_value("space"), 4096);
		EXPECT_EQ(answer_value("times"), 3);
		EXPECT_EQ(answer_value("calls"), 0);
		EXPECT_EQ(answer_value("failed"), 0);
		EXPECT_EQ(ask("fault %s 0 -j", names[i]), 0);
		EXPECT_EQ(answer_value("interval"), 0);
	}
	EXPECT_EQ(ask("fault -j"), 0);
	EXPECT_TRUE(answer_is_object());
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		EXPECT_TRUE(answer_says(names[i]));
	EXPECT_EQ(ask("fault fail_vmalloc"), 0);
	EXPECT_TRUE(answer_says("fail_vmalloc") && !answer_says("failslab"));
	restore(&saved);
}

/* Shows fault.I2. */
KTEST(cmd_fault, what_is_set_happens_and_is_counted)
{
	struct saved saved = save();
	void *p;

	EXPECT_EQ(ask("fault fail_page_alloc 0; fault failslab 2"), 0);
	for (unsigned i = 1; i <= 6; i++) {
		p = kmalloc(64, GFP_KERNEL);
		EXPECT_EQ(p == NULL, i % 2 == 0);
		kfree(p);
	}
	EXPECT_EQ(ask("fault failslab -j"), 0);
	EXPECT_EQ(answer_value("calls"), 6);
	EXPECT_EQ(answer_value("failed"), 3);
	restore(&saved);
}

KTEST(cmd_fault, mistakes_are_named_and_change_nothing)
{
	struct saved saved = save();

	EXPECT_EQ(ask("fault failslab 7,0"), 0);
	EXPECT_REFUSED(EINVAL, "expected INTERVAL", "fault failslab 7,");
	EXPECT_REFUSED(EINVAL, "expected INTERVAL", "fault failslab 1,101");
	EXPECT_REFUSED(ENOENT, "expected one that `fault` lists", "fault slab 7");
	EXPECT_REFUSED(EINVAL, "too many arguments", "fault failslab 7 8");
	EXPECT_EQ(failslab.interval, 7);
	EXPECT_EQ(failslab.probability, 0);
	restore(&saved);
}
