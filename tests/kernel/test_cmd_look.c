/* whatis, read, fill: every address has an answer, none ends the kernel. */
#include "cmd_check.h"
#include "other_cpu.h"

#include <arch/pt.h>
#include <arch/stack.h>

#include <kernel/errno.h>
#include <kernel/sections.h>
#include <kernel/string.h>

#include <mm/kmalloc.h>
#include <mm/page_alloc.h>
#include <mm/memblock.h>
#include <mm/pgtable.h>
#include <mm/tlb.h>
#include <mm/vmalloc.h>

#include "../../mm/slab_internal.h"

static const char text_to_read[] = "strata reads this";
static char in_bss[8];
static char in_data[8] = "data";

KTEST(cmd_look, whatis_names_every_region)
{
	const struct {
		unsigned long addr;
		const char *region;
	} places[] = {
		{0x1000, "\"region\":\"user\""},
		{1UL << (arch_va_bits() - 1), "\"region\":\"non-canonical\""},
		{DIRECT_MAP_BASE + 0x100000, "\"region\":\"direct map\""},
		{VMALLOC_START, "\"region\":\"vmalloc\""},
		{VMEMMAP_BASE, "\"region\":\"vmemmap\""},
		{PERCPU_BASE, "\"region\":\"per-CPU\""},
		{(unsigned long)__text_start, "\"region\":\"kernel text\""},
		{(unsigned long)text_to_read, "\"region\":\"kernel rodata\""},
		{(unsigned long)in_data, "\"region\":\"kernel data\""},
		{(unsigned long)in_bss, "\"region\":\"kernel bss\""},
		{-1UL, "\"region\":\"unused\""},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
		ASSERT_EQ(ask("whatis 0x%lx -j", places[i].addr), 0);
		EXPECT_TRUE(answer_is_object());
		EXPECT_MSG(answer_says(places[i].region), "0x%lx: %s", places[i].addr, answer);
		EXPECT_LE(answer_value("start"), places[i].addr);
		EXPECT_GT(answer_value("end") - 1, places[i].addr - 1);
	}
}

KTEST(cmd_look, whatis_follows_an_object_through_its_life)
{
	struct kmem_cache *s = kmem_cache_create("t-whatis", 96, 0, 0, NULL);
	void *p = kmem_cache_alloc(s, GFP_KERNEL);

	ASSERT_NOT_NULL(p);
	ASSERT_EQ(ask("whatis 0x%lx -j", (unsigned long)p + 7), 0);
	EXPECT_TRUE(answer_says("\"cache\":\"t-whatis\""));
	EXPECT_TRUE(answer_says("\"state\":\"live\""));
	EXPECT_EQ(answer_value("object"), (unsigned long)p);
	EXPECT_EQ(answer_value("pfn"), page_to_pfn(virt_to_page(p)));
	kmem_cache_free(s, p);
	ASSERT_EQ(ask("whatis 0x%lx -j", (unsigned long)p), 0);
	EXPECT_TRUE(answer_says("\"state\":\"cpu\"") || answer_says("\"state\":\"free\""));
	EXPECT_EQ(kmem_cache_destroy(s), 0);
	ASSERT_EQ(ask("whatis 0x%lx -j", (unsigned long)p), 0);
	EXPECT_MSG(!answer_says("t-whatis"), "%s", answer); /* another cache may have the page by now */
}

struct freed {
	struct kmem_cache *cache;
	void *object;
	struct page *page;
};

static void free_both(void *ctx)
{
	struct freed *f = ctx;

	f->object = kmem_cache_alloc(f->cache, GFP_KERNEL);
	f->page = alloc_page(GFP_KERNEL);
	kmem_cache_free(f->cache, f->object);
	__free_page(f->page);
}

/* `whatis` names the CPU if a list of it holds the address; on_list says which state that is. */
static void expect_cpu(struct ktest *t, const void *p, bool on_list, unsigned cpu)
{
	char text[48];

	ASSERT_EQ(ask("whatis 0x%lx -j", (unsigned long)p), 0);
	EXPECT_TRUE(answer_is_object());
	if (!on_list) {
		EXPECT_TRUE(answer_says("\"cpu\":null"));
		return;
	}
	EXPECT_EQ(answer_value("cpu"), cpu);
	snprintf(text, sizeof(text), "free, on CPU %u's list", cpu);
	ASSERT_EQ(ask("whatis 0x%lx", (unsigned long)p), 0);
	EXPECT_MSG(answer_says(text), "%s", answer);
}

static void expect_cpu_of_free_object_and_page(struct ktest *t, unsigned cpu)
{
	struct freed f = {.cache = kmem_cache_create("t-whatis", 96, 0, 0, NULL)};
	bool on_list;

	ASSERT_NOT_NULL(f.cache);
	if (cpu == arch_cpu_id())
		free_both(&f);
	else
		run_on(cpu, free_both, &f);
	ASSERT_NOT_NULL(f.page);
	ASSERT_EQ(ask("whatis 0x%lx -j", (unsigned long)f.object), 0);
	on_list = answer_says("\"state\":\"cpu\"");
	EXPECT_EQ(on_list, !slab_bypassed(f.cache));
	expect_cpu(t, f.object, on_list, cpu);
	on_list = page_state(f.page) == PAGE_PCP;
	expect_cpu(t, page_address(f.page), on_list, cpu);
	ASSERT_EQ(ask("page %lu -j", page_to_pfn(f.page)), 0);
	EXPECT_EQ(answer_value("cpu"), on_list ? cpu : ANSWER_NONE);
	EXPECT_EQ(kmem_cache_destroy(f.cache), 0);
}

KTEST(cmd_look, whatis_names_the_cpu_that_holds_a_free_object)
{
	expect_cpu_of_free_object_and_page(t, arch_cpu_id());
}

KTEST(cmd_look, whatis_names_another_cpu_that_holds_an_object)
{
	NEEDS_OTHER_CPU(cpu);
	expect_cpu_of_free_object_and_page(t, cpu);
}

KTEST(cmd_look, whatis_names_no_cpu_for_live_memory)
{
	void *p = kmalloc(100, GFP_KERNEL);
	struct page *page = alloc_pages(GFP_KERNEL, 1);

	ASSERT_NOT_NULL(p);
	ASSERT_NOT_NULL(page);
	expect_cpu(t, p, false, 0);
	expect_cpu(t, page_address(page), false, 0);
	ASSERT_EQ(ask("whatis 0x%lx", (unsigned long)page_address(page) + PAGE_SIZE), 0);
	EXPECT_MSG(answer_says(", allocated, block of order 1"), "%s", answer);
	__free_pages(page, 1);
	kfree(p);
}

KTEST(cmd_look, whatis_names_area_and_symbol)
{
	void *p = vmalloc(3 * PAGE_SIZE);

	ASSERT_NOT_NULL(p);
	ASSERT_EQ(ask("whatis 0x%lx -j", (unsigned long)p + PAGE_SIZE + 1), 0);
	EXPECT_EQ(answer_value("area"), (unsigned long)p);
	EXPECT_EQ(answer_value("pfn"), page_to_pfn(vmalloc_to_page((char *)p + PAGE_SIZE)));
	ASSERT_EQ(ask("whatis 0x%lx", (unsigned long)p + 3 * PAGE_SIZE), 0);
	EXPECT_TRUE(answer_says("not mapped")); /* the guard page */
	vfree(p);
	ASSERT_EQ(ask("whatis 0x%lx -j", (unsigned long)ask), 0);
	EXPECT_TRUE(answer_says("\"symbol\":\"ask+0x0/"));
}

KTEST(cmd_look, whatis_knows_what_the_shell_handed_out)
{
	u64 p;

	ASSERT_EQ(ask("kmalloc 50 -j"), 0);
	p = answer_value("ptr");
	ASSERT_EQ(ask("whatis 0x%lx -j", p + 49), 0);
	EXPECT_TRUE(answer_says("\"shell\":\"kmalloc\""));
	ASSERT_EQ(ask("kfree 0x%lx; whatis 0x%lx -j", p, p), 0);
	EXPECT_TRUE(answer_says("\"shell\":null"));
}

KTEST(cmd_look, whatis_survives_any_address)
{
	for (unsigned n = 0; n < 300; n++) {
		u64 addr = ((u64)test_rand() << 32 | test_rand()) >> test_rand_below(64);

		EXPECT_EQ(ask("whatis 0x%lx -j", n & 1 ? addr : -addr), 0);
		EXPECT_TRUE(answer_is_object());
	}
}

KTEST(cmd_look, read_shows_the_bytes)
{
	ASSERT_EQ(ask("read 0x%lx %zu -j", (unsigned long)text_to_read, sizeof(text_to_read)), 0);
	EXPECT_TRUE(answer_says("\"hex\":\"737472617461207265616473207468697300\""));
	ASSERT_EQ(ask("read 0x%lx 6", (unsigned long)text_to_read), 0);
	EXPECT_TRUE(answer_says(": 73 74 72 61 74 61 "));
	EXPECT_TRUE(answer_says("|strata|"));
}

KTEST(cmd_look, read_refuses_what_is_not_mapped)
{
	void *p = vmalloc(PAGE_SIZE);
	vaddr_t guard;

	ASSERT_NOT_NULL(p);
	EXPECT_REFUSED(EFAULT, "nothing is mapped", "read 0x%lx 1", (unsigned long)p + PAGE_SIZE);
	EXPECT_REFUSED(EFAULT, "nothing is mapped", "read 0x%lx 2", (unsigned long)p + PAGE_SIZE - 1);
	EXPECT_EQ(ask("read 0x%lx 4096", (unsigned long)p), 0);
	vfree(p);
	EXPECT_REFUSED(EFAULT, "nothing is mapped", "read 0x%lx 8", (unsigned long)p);
	if (arch_guard_pages(&guard, 1))
		EXPECT_REFUSED(EFAULT, "nothing is mapped", "read 0x%lx 8", guard);
	EXPECT_REFUSED(EFAULT, "no kernel address", "read 0 1");
	EXPECT_REFUSED(EFAULT, "no kernel address", "read 0x%lx 1", 1UL << 63);
	EXPECT_REFUSED(EFAULT, "", "read 0xffffffffffffffff 2");
}

KTEST(cmd_look, read_of_a_device_is_refused)
{
	void *p = vmalloc(PAGE_SIZE);
	vaddr_t va = (vaddr_t)p + PAGE_SIZE; /* its guard page: an address that nobody else uses */

	ASSERT_NOT_NULL(p);
	ASSERT_EQ(pt_map(va, memblock_end(&memblock), PAGE_SIZE, PT_RW | PT_DEVICE, 0, GFP_KERNEL), 0);
	EXPECT_REFUSED(EFAULT, "device", "read 0x%lx 4", va);
	pt_unmap(va, PAGE_SIZE);
	tlb_flush_page(va);
	vfree(p);
}

KTEST(cmd_look, read_checks_its_length)
{
	EXPECT_REFUSED(ERANGE, "LEN is 0", "read 0x%lx 0", (unsigned long)text_to_read);
	EXPECT_REFUSED(ERANGE, "LEN", "read 0x%lx 1G", (unsigned long)text_to_read);
	EXPECT_REFUSED(EINVAL, "LEN", "read 0x%lx some", (unsigned long)text_to_read);
	EXPECT_REFUSED(EINVAL, "missing", "read 0x%lx", (unsigned long)text_to_read);
}

KTEST(cmd_look, fill_writes_into_the_users_memory)
{
	u64 p, area;

	ASSERT_EQ(ask("kmalloc 64 -j"), 0);
	p = answer_value("ptr");
	ASSERT_EQ(ask("fill 0x%lx 64 0xa5; fill 0x%lx 2 7", p, p + 10), 0);
	for (unsigned i = 0; i < 64; i++)
		EXPECT_EQ(((u8 *)p)[i], i == 10 || i == 11 ? 7 : 0xa5);
	ASSERT_EQ(ask("vmalloc 8192 -j"), 0);
	area = answer_value("ptr");
	EXPECT_EQ(ask("fill 0x%lx 8192 1", area), 0);
	EXPECT_EQ(((u8 *)area)[8191], 1);
	EXPECT_EQ(ask("kfree 0x%lx; vfree 0x%lx", p, area), 0);
}

KTEST(cmd_look, fill_writes_into_pages_through_the_direct_map)
{
	u64 pfn;
	u8 *p;

	ASSERT_EQ(ask("alloc 1 -j"), 0);
	pfn = answer_value("pfn");
	p = page_address(pfn_to_page(pfn));
	EXPECT_EQ(ask("fill 0x%lx %lu 0x33", (unsigned long)p, 2 * PAGE_SIZE), 0);
	EXPECT_EQ(p[2 * PAGE_SIZE - 1], 0x33);
	EXPECT_REFUSED(EPERM, "reach beyond", "fill 0x%lx %lu 0", (unsigned long)p, 2 * PAGE_SIZE + 1);
	EXPECT_EQ(ask("free %lu 1", pfn), 0);
	EXPECT_REFUSED(EPERM, "not in an allocation", "fill 0x%lx 1 0", (unsigned long)p);
}

KTEST(cmd_look, fill_leaves_foreign_memory_alone)
{
	u64 p;

	memset(in_bss, 0, sizeof(in_bss));
	EXPECT_REFUSED(EPERM, "not in an allocation", "fill 0x%lx 1 1", (unsigned long)in_bss);
	EXPECT_EQ(in_bss[0], 0);
	EXPECT_REFUSED(EPERM, "not in an allocation", "fill 0 1 1");
	ASSERT_EQ(ask("kmalloc 32 -j"), 0);
	p = answer_value("ptr");
	EXPECT_REFUSED(EPERM, "reach beyond", "fill 0x%lx 0xffffffffffffffff 1", p);
	EXPECT_REFUSED(EPERM, "reach beyond", "fill 0x%lx %zu 1", p + 1, ksize((void *)p));
	EXPECT_REFUSED(ERANGE, "BYTE", "fill 0x%lx 1 256", p);
	EXPECT_REFUSED(ERANGE, "LEN is 0", "fill 0x%lx 0 1", p);
	EXPECT_EQ(ask("kfree 0x%lx", p), 0);
}
