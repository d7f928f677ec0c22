/*
 * test_failure.c - a message about a failed operation names its cause.
 *
 * Idea.       Each attribute of fault injection strikes at each operation of the shell and of the kernel that writes a
 *             message. The message and every log line that came with it must name the attribute, and nothing else that
 *             could be missing. Then what is missing is really missing, and the message must say that.
 * Layout.     commands[] x attributes[]: asked at the shell          makers[] x attributes[]: called
 * Invariants. An operation that no attribute touches succeeds.
 * Locking.    None.
 * Failure.    The report quotes the operation and its message.
 * Next:       test_cmd_fault.c.
 */
#include "cmd_check.h"

#include <kernel/bug.h>
#include <kernel/errno.h>
#include <kernel/failure.h>
#include <kernel/fault.h>
#include <kernel/printk.h>
#include <kernel/string.h>

#include <mm/check.h>
#include <mm/kmalloc.h>
#include <mm/numa.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>
#include <mm/vmalloc.h>
#include <mm/percpu.h>

#include <arch/pt.h>

#include "../../mm/vmap.h"

static const struct {
	const char *name;
	struct fault_attr *attr;
} attributes[] = {
	{"failslab", &failslab}, {"fail_page_alloc", &fail_page_alloc}, {"fail_vmalloc", &fail_vmalloc}};

enum { NR_ATTRIBUTES = 3 };

static struct fault_attr saved[NR_ATTRIBUTES];

static void save(void)
{
	for (unsigned i = 0; i < NR_ATTRIBUTES; i++)
		saved[i] = *attributes[i].attr;
}

/* Arms one attribute so that every call fails; NR_ATTRIBUTES: none. */
static void arm(unsigned which)
{
	for (unsigned i = 0; i < NR_ATTRIBUTES; i++)
		BUG_ON(fault_attr_parse(i == which ? "1" : "0", attributes[i].attr),
		       "a good value was refused");
	mm_update_bypass();
}

static void restore(void)
{
	for (unsigned i = 0; i < NR_ATTRIBUTES; i++)
		fault_attr_set(attributes[i].attr, &saved[i]);
	mm_update_bypass();
}

/* Words of a cause that was not injected. */
static bool blames_something_else(const char *text, unsigned which)
{
	static const char *const others[] = {"vmalloc=",
					     "no free",
					     "no memory",
					     "cause unknown",
					     "no slab order",
					     "exceeds",
					     "window",
					     "is full",
					     "not enough memory",
					     "out of memory",
					     "page allocation failure"};

	for (unsigned i = 0; i < ARRAY_SIZE(others); i++)
		if (strstr(text, others[i]))
			return true;
	for (unsigned i = 0; i < NR_ATTRIBUTES; i++)
		if (i != which && strstr(text, attributes[i].name))
			return true;
	return false;
}

/* Each line of the log from *pos on that speaks of a failure names the attribute. */
static void expect_log_names(struct ktest *t, u64 *pos, unsigned which, const char *operation)
{
	char line[LOG_LINE_SIZE];

	while (log_next_line(pos, line)) {
		EXPECT_MSG(!blames_something_else(line, which), "%s, %s: %s", operation,
			   attributes[which].name, line);
		if (strstr(line, "fail"))
			EXPECT_MSG(strstr(line, attributes[which].name) != NULL, "%s, %s: %s", operation,
				   attributes[which].name, line);
	}
}

static u64 log_end(void)
{
	char line[LOG_LINE_SIZE];
	u64 pos = 0;

	while (log_next_line(&pos, line))
		;
	return pos;
}

/* ---- commands ---- */

static const struct {
	const char *line, *undo;
	unsigned touched; /* bit i: attributes[i] must make it fail */
	unsigned tried;	  /* these only: a benchmark that nothing stops takes its time */
} commands[] = {
	{"alloc 0", NULL, 2, 7},
	{"alloc 3", NULL, 2, 7},
	{"alloc 10", NULL, 2, 7},
	{"alloc 0 node=0", NULL, 2, 7},
	{"alloc 0 zero", NULL, 2, 7},
	{"kmalloc 8", NULL, 1, 7},
	{"kmalloc 1000", NULL, 1, 7},
	{"kmalloc 1M", NULL, 2, 7},
	{"kmalloc 100 node=0", NULL, 1, 7},
	{"cache create t-failure 100", "cache destroy t-failure", 1, 7},
	{"cache create t-failure 100 poison redzone", "cache destroy t-failure", 1, 7},
	{"cache alloc t-failing 1", NULL, 1, 7},
	{"cache alloc t-failing 100", NULL, 1, 7},
	{"vmalloc 1", NULL, 7, 7},
	{"vmalloc 64K", NULL, 7, 7},
	{"vmalloc 4M", NULL, 7, 7},
	{"vmalloc 4M huge", NULL, 7, 7},
	{"vmalloc 64K interleave", NULL, 7, 7},
	{"vmalloc 64K node=0", NULL, 7, 7},
	{"mark", NULL, 2, 7},
	{"stress 1 ops=1", NULL, 4, 4},
	{"bench page.pair.0", NULL, 0, 2},
	{"bench kmem.pair.64", NULL, 0, 1},
	{"bench vmap.pair.16", NULL, 0, 4},
};

/* What `alloc`, `kmalloc`, `cache alloc` and `vmalloc` gave is freed again by its kind. */
static void give_back(const char *line)
{
	unsigned long addr;

	if (!strncmp(line, "cache alloc", 11)) {
		char *ptrs = vmalloc(ANSWER_SIZE);

		if (ptrs)
			strlcpy(ptrs, answer, ANSWER_SIZE);
		for (char *p = ptrs; p && (p = strstr(p, "0x")) != NULL; p += 2)
			ask("cache free %.*s", (int)(strchr(p, '"') - p), p);
		vfree(ptrs);
		return;
	}
	if (!strncmp(line, "alloc", 5)) {
		ask("free %lu %lu", answer_value("pfn"), answer_value("order"));
		return;
	}
	addr = answer_value("ptr");
	if (!strncmp(line, "kmalloc", 7))
		ask("kfree 0x%lx", addr);
	else if (!strncmp(line, "vmalloc", 7))
		ask("vfree 0x%lx", addr);
}

static void expect_command_names(struct ktest *t, unsigned n, unsigned which)
{
	u64 pos = log_end();
	const char *line = commands[n].line;
	int status;

	arm(which);
	status = ask("%s -j", line);
	arm(NR_ATTRIBUTES);
	if (status) {
		EXPECT_MSG(strstr(answer, attributes[which].name) != NULL || !strncmp(line, "bench", 5),
			   "%s, %s: %s", line, attributes[which].name, answer);
		EXPECT_MSG(!blames_something_else(answer, which), "%s, %s: %s", line, attributes[which].name,
			   answer);
	} else {
		EXPECT_MSG(!(commands[n].touched & 1u << which), "%s, %s: not refused", line,
			   attributes[which].name);
		give_back(line);
		if (commands[n].undo)
			EXPECT_EQ(ask("%s", commands[n].undo), 0);
	}
	expect_log_names(t, &pos, which, line);
}

/* Whether the machine has what the command wants: a small one may have no block of order 10, or no memory on node 0. */
static bool is_possible(unsigned n)
{
	if (commands[n].tried != 7)
		return true;
	if (ask("%s -j", commands[n].line))
		return false;
	give_back(commands[n].line);
	if (commands[n].undo)
		ask("%s", commands[n].undo);
	return true;
}

KTEST(failure, a_refused_command_names_the_attribute_that_struck)
{
	save();
	arm(NR_ATTRIBUTES);
	ASSERT_EQ(ask("cache create t-failing 3000"), 0);
	for (unsigned n = 0; n < ARRAY_SIZE(commands); n++) {
		unsigned tried = is_possible(n) ? commands[n].tried : 0;

		for (unsigned which = 0; which < NR_ATTRIBUTES; which++)
			if (tried & 1u << which)
				expect_command_names(t, n, which);
	}
	EXPECT_EQ(ask("cache destroy t-failing"), 0);
	restore();
}

/* ---- the kernel's own warnings ---- */

static void *make_cache(void)
{
	return kmem_cache_create("t-failure", 100, 0, 0, NULL);
}

static void end_cache(void *p)
{
	kmem_cache_destroy(p);
}

static void *make_area(void)
{
	return vmalloc(64 << 10);
}

static void *make_large(void)
{
	return kmalloc(256 << 10, GFP_KERNEL);
}

static void *make_small(void)
{
	return kmalloc(200, GFP_KERNEL);
}

static void *make_either(void)
{
	return kvmalloc(64 << 10, GFP_KERNEL);
}

static void *make_percpu(void)
{
	return alloc_percpu_size(64, 8);
}

static void *make_mapping(void)
{
	static struct page *page;

	page = vmalloc_to_page(__start_ktests); /* any frame: vmap() does not own it */
	return page ? vmap(&page, 1, VM_MAP, PT_RW) : NULL;
}

static void end_kmalloc(void *p)
{
	kfree(p);
}

static void end_area(void *p)
{
	vfree(p);
}

static void end_either(void *p)
{
	kvfree(p);
}

static void end_mapping(void *p)
{
	vunmap(p);
}

static const struct {
	const char *name;
	void *(*make)(void);
	void (*end)(void *p);
	unsigned touched;
} makers[] = {
	{"kmem_cache_create", make_cache, end_cache, 1}, {"vmalloc", make_area, end_area, 7},
	{"kmalloc, large", make_large, end_kmalloc, 2},	 {"kmalloc, small", make_small, end_kmalloc, 1},
	{"kvmalloc", make_either, end_either, 0},	 {"alloc_percpu", make_percpu, free_percpu, 1},
	{"vmap", make_mapping, end_mapping, 4},
};

KTEST(failure, a_failed_call_notes_the_attribute_that_struck)
{
	save();
	for (unsigned n = 0; n < ARRAY_SIZE(makers); n++) {
		for (unsigned which = 0; which < NR_ATTRIBUTES; which++) {
			unsigned long mark = failure_mark();
			u64 pos = log_end();
			const char *cause;
			void *p;

			arm(which);
			p = makers[n].make();
			cause = failure_since(mark);
			arm(NR_ATTRIBUTES);
			if (p)
				makers[n].end(p);
			EXPECT_MSG(!p || !(makers[n].touched & 1u << which), "%s, %s: not refused",
				   makers[n].name, attributes[which].name);
			EXPECT_MSG(
				p || !strncmp(cause, attributes[which].name, strlen(attributes[which].name)),
				"%s, %s: %s", makers[n].name, attributes[which].name, cause);
			expect_log_names(t, &pos, which, makers[n].name);
		}
	}
	restore();
}

/* ---- what is really missing ---- */

KTEST(failure, a_refused_command_names_what_is_missing)
{
	save();
	arm(NR_ATTRIBUTES);
	EXPECT_REFUSED(ENOMEM, "no slab order holds an object", "cache create t-failure %lu redzone",
		       KMALLOC_MAX_SIZE);
	restore();
	EXPECT_STREQ(failure_since(failure_mark()), "cause unknown");
}

KTEST(failure, a_full_window_notes_missing_addresses)
{
	unsigned long mark = failure_mark();

	EXPECT_NULL(vmap_alloc(1UL << (arch_va_bits() - 1), PAGE_SIZE, VM_ALLOC, 0, GFP_KERNEL));
	EXPECT_STREQ(failure_since(mark), VMAP_NO_ADDRESSES);
}

KTEST(failure, a_request_above_the_limit_notes_the_limit)
{
	unsigned long mark = failure_mark();

	EXPECT_NULL(vmalloc_gfp(~0UL >> 1, GFP_KERNEL | __GFP_NOWARN, NUMA_NO_NODE, 0, 0));
	EXPECT_STREQ(failure_since(mark), "the size is 0 or exceeds RAM");
	mark = failure_mark();
	EXPECT_NULL(kmalloc(KMALLOC_MAX_SIZE + test_rand_below(2) + 1, GFP_KERNEL | __GFP_NOWARN));
	EXPECT_STREQ(failure_since(mark), "the request exceeds the largest kmalloc");
}

KTEST(failure, an_exhausted_node_notes_a_missing_block)
{
	int nid = numa_memory_node(numa_node_id());
	unsigned long mark = failure_mark();
	struct page *held = NULL, *page;

	if (nodes[nid].managed > GIB(1) / PAGE_SIZE)
		SKIP("it would touch all of more than 1 GiB");
	while ((page = alloc_pages_node(nid, GFP_NOWAIT | __GFP_NOWARN | __GFP_THISNODE, MAX_ORDER)) !=
	       NULL) {
		page->private = (unsigned long)held;
		held = page;
	}
	EXPECT_STREQ(failure_since(mark), "no free block of pages");
	for (; held; held = page) {
		page = (struct page *)held->private;
		__free_pages(held, MAX_ORDER);
	}
}
