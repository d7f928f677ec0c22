/* vmallocinfo, vmalloc, vfree, pt, ptdump: areas come and go, walks agree with what the tables translate. */
#include "cmd_check.h"

#include <arch/pt.h>

#include <kernel/errno.h>
#include <kernel/sections.h>
#include <kernel/string.h>

#include <mm/page_alloc.h>
#include <mm/pgtable.h>
#include <mm/numa.h>
#include <mm/vmalloc.h>

KTEST(cmd_vm, an_area_comes_and_goes)
{
	char start[32];
	u64 p;

	ASSERT_EQ(ask("vmalloc %lu -j", 2 * PAGE_SIZE + 1808), 0);
	p = answer_value("ptr");
	EXPECT_EQ(answer_value("size"), 2 * PAGE_SIZE + 1808);
	EXPECT_EQ(answer_value("pages"), 3);
	snprintf(start, sizeof(start), "\"start\":\"0x%lx\"", p);
	ASSERT_EQ(ask("vmallocinfo -j"), 0);
	EXPECT_TRUE(answer_says(start));
	ASSERT_EQ(ask("vfree 0x%lx", p), 0);
	ASSERT_EQ(ask("vmallocinfo -j"), 0);
	*(char *)strstr(answer, "\"lazy\"") = '\0';
	EXPECT_FALSE(answer_says(start));
}

KTEST(cmd_vm, vmallocinfo_lines_have_linux_form)
{
	char line[64];
	u64 p;

	vm_unmap_aliases();
	ASSERT_EQ(ask("vmalloc %lu -j", 4 * PAGE_SIZE), 0);
	p = answer_value("ptr");
	ASSERT_EQ(ask("vmallocinfo"), 0);
	snprintf(line, sizeof(line), "0x%016lx-0x%016lx %7lu ", p, p + 5 * PAGE_SIZE, 5 * PAGE_SIZE);
	EXPECT_TRUE(answer_says(line));
	snprintf(line, sizeof(line), " pages=4 vmalloc N%d=4\n", numa_memory_node(numa_node_id()));
	EXPECT_TRUE(answer_says(line));
	ASSERT_EQ(ask("vfree 0x%lx; vmallocinfo", p), 0);
	EXPECT_TRUE(answer_says(" unpurged vm_area\n"));
}

KTEST(cmd_vm, vmallocinfo_totals_follow_the_areas)
{
	u64 used, p;

	vm_unmap_aliases();
	ASSERT_EQ(ask("vmallocinfo -j"), 0);
	used = answer_value("used");
	EXPECT_EQ(answer_value("lazy_pages"), 0);
	ASSERT_EQ(ask("vmalloc %lu -j", 2 * PAGE_SIZE), 0);
	p = answer_value("ptr");
	ASSERT_EQ(ask("vmallocinfo -j"), 0);
	EXPECT_EQ(answer_value("used"), used + 2 * PAGE_SIZE);
	EXPECT_GT(answer_value("total"), answer_value("used"));
	ASSERT_EQ(ask("vfree 0x%lx", p), 0);
	ASSERT_EQ(ask("vmallocinfo -j"), 0);
	EXPECT_EQ(answer_value("lazy_pages"), 3); /* the guard page too */
}

KTEST(cmd_vm, vfree_names_each_mistake)
{
	u64 p;

	ASSERT_EQ(ask("vmalloc 3 -j"), 0);
	p = answer_value("ptr");
	EXPECT_REFUSED(EINVAL, "inside the area", "vfree 0x%lx", p + 1);
	EXPECT_REFUSED(EPERM, "not an allocation", "vfree 0x%lx", VMALLOC_END - PAGE_SIZE);
	EXPECT_REFUSED(EINVAL, "free it with `vfree`", "kfree 0x%lx", p);
	EXPECT_EQ(ask("vfree 0x%lx", p), 0);
	EXPECT_REFUSED(EINVAL, "double free", "vfree 0x%lx", p);
	EXPECT_REFUSED(EINVAL, "ADDR", "vfree here");
}

KTEST(cmd_vm, vmalloc_refuses_absurd_sizes)
{
	EXPECT_REFUSED(ERANGE, "SIZE is 0", "vmalloc 0");
	EXPECT_REFUSED(ERANGE, "SIZE", "vmalloc 0x%lx", (totalram_pages() << PAGE_SHIFT) + 1);
	EXPECT_REFUSED(ERANGE, "SIZE", "vmalloc 0xffffffffffffffff");
	EXPECT_REFUSED(EINVAL, "unknown option", "vmalloc 4096 hugee");
	EXPECT_REFUSED(EINVAL, "expected one of", "vmalloc 4096 interleave interleave");
	EXPECT_REFUSED(EINVAL, "expected one of", "vmalloc 4096 node=%d interleave", numa_memory_node(0));
}

static void check_pt(struct ktest *t, vaddr_t va)
{
	struct pt_query q = pt_lookup(va);
	unsigned steps = 0;

	ASSERT_EQ(ask("pt 0x%lx -j", va), 0);
	EXPECT_EQ(answer_value("va"), va);
	EXPECT_TRUE(answer_says(q.mapped ? "\"mapped\":true" : "\"mapped\":false"));
	if (q.mapped) {
		EXPECT_EQ(answer_value("pa"), q.pa);
		EXPECT_EQ(answer_value("size"), q.size);
	}
	for (const char *s = answer; (s = key_from(s, "level")); steps++) {
		u64 level = value_from(s - 8, "level");

		EXPECT_EQ(level, arch_pt_levels() - 1 - steps);
		EXPECT_EQ(value_from(s, "index"), PT_INDEX(va, level));
	}
	EXPECT_EQ(steps, arch_pt_levels() - q.level);
}

KTEST(cmd_vm, pt_shows_the_hole_of_an_unmapped_address)
{
	ASSERT_EQ(ask("pt 0x1234 -j"), 0);
	EXPECT_TRUE(answer_is_object());
	EXPECT_TRUE(answer_says("\"mapped\":false,\"pa\":null,\"size\":0,\"flags\":[]"));
	EXPECT_EQ(answer_value("levels"), arch_pt_levels());
	EXPECT_TRUE(answer_says("\"entry\":\"0x0\"}],\"mapped\":false"));
	ASSERT_EQ(ask("pt 0x1234"), 0);
	EXPECT_TRUE(answer_says("PGD table 0x"));
	EXPECT_TRUE(answer_says("not mapped"));
	check_pt(t, 0x1234);
}

KTEST(cmd_vm, pt_agrees_with_the_walker_in_every_region)
{
	void *area = vmalloc(20 * PAGE_SIZE);
	const vaddr_t base[] = {DIRECT_MAP_BASE, (vaddr_t)area, VMEMMAP_BASE, PERCPU_BASE,
				(vaddr_t)__text_start};
	const size_t size[] = {(direct_map_end_pfn << PAGE_SHIFT) + MIB(1), 21 * PAGE_SIZE, MIB(4),
			       PAGE_SIZE * 16, (vaddr_t)__image_end - (vaddr_t)__text_start};

	ASSERT_NOT_NULL(area);
	for (unsigned i = 0; i < ARRAY_SIZE(base); i++)
		for (unsigned n = 0; n < 50; n++)
			check_pt(t, base[i] + (((u64)test_rand() << 32 | test_rand()) % size[i]));
	vfree(area);
}

KTEST(cmd_vm, pt_refuses_what_is_no_address)
{
	EXPECT_REFUSED(EINVAL, "not canonical", "pt 0x8000000000000000");
	EXPECT_REFUSED(EINVAL, "not canonical", "pt 0x%lx", 1UL << (arch_va_bits() - 1));
	EXPECT_REFUSED(EINVAL, "ADDR", "pt text");
	EXPECT_REFUSED(EINVAL, "missing", "pt");
}

KTEST(cmd_vm, ptdump_ranges_ascend_and_none_is_writable_and_executable)
{
	u64 end = 0, start, ranges = 0;

	ASSERT_EQ(ask("ptdump -j"), 0);
	ASSERT_TRUE(answer_is_object());
	for (const char *s = answer; (s = strstr(s, "{\"start\"")); s++, ranges++) {
		const char *flags = key_from(s, "flags"), *close = strchr(flags, ']');
		const char *rw = strstr(flags, "\"RW\""), *x = strstr(flags, "\"x\"");

		start = value_from(s, "start");
		EXPECT_GE(start, end);
		end = value_from(s, "end");
		EXPECT_EQ(end - start, value_from(s, "size"));
		EXPECT_EQ(start % PT_LEVEL_SIZE(value_from(s, "level")), 0);
		EXPECT_FALSE(rw && rw < close && x && x < close);
		EXPECT_TRUE(pt_lookup(start).mapped && pt_lookup(end - 1).mapped);
	}
	EXPECT_GE(ranges, 6);
}

KTEST(cmd_vm, ptdump_lines_have_linux_columns)
{
	void *area = vmalloc(4 * PAGE_SIZE);
	vaddr_t va = (vaddr_t)area;
	char line[128], columns[64];

	ASSERT_NOT_NULL(area);
	ASSERT_EQ(ask("ptdump 0x%lx 0x%lx", va, va + 5 * PAGE_SIZE), 0);
	arch_pte_columns(pt_lookup(va).entry, 0, columns, sizeof(columns));
	snprintf(line, sizeof(line), "0x%016lx-0x%016lx%12luK %spte\n", va, va + 4 * PAGE_SIZE,
		 4 * PAGE_SIZE >> 10, columns);
	EXPECT_TRUE(answer_says(line));
	arch_pte_columns((pte_t){0}, 0, columns, sizeof(columns));
	snprintf(line, sizeof(line), "0x%016lx-0x%016lx%12luK %spte\n", va + 4 * PAGE_SIZE,
		 va + 5 * PAGE_SIZE, PAGE_SIZE >> 10, columns);
	EXPECT_TRUE(answer_says(line));
	ASSERT_EQ(ask("ptdump"), 0);
	EXPECT_TRUE(answer_says("---[ User Space ]---\n0x0000000000000000-"));
	EXPECT_TRUE(answer_says("---[ Low Kernel Mapping ]---\n"));
	EXPECT_TRUE(answer_says("---[ vmalloc() Area ]---\n"));
	EXPECT_TRUE(answer_says("---[ Vmemmap ]---\n"));
	EXPECT_TRUE(answer_says("---[ High Kernel Mapping ]---\n"));
	vfree(area);
}

KTEST(cmd_vm, ptdump_plain_lines_tile_the_address_space)
{
	u64 end = 0;
	char line[128];

	ASSERT_EQ(ask("ptdump"), 0);
	for (const char *s = answer; (s = next_line(s, line, sizeof(line)));) {
		const char *at;
		u64 start;

		if (line[0] == '-')
			continue;
		ASSERT_EQ(parse_size_prefix(line, &at, &start), 0);
		if (start != end) { /* the only gap is between the halves */
			EXPECT_EQ(end, 1UL << (arch_va_bits() - 1));
			EXPECT_EQ(start, -end);
		}
		ASSERT_EQ(parse_size_prefix(at + 1, &at, &end), 0);
	}
	EXPECT_EQ(end, 0);
}

KTEST(cmd_vm, ptdump_checks_its_range)
{
	EXPECT_REFUSED(EINVAL, "END is missing", "ptdump 0x1000");
	EXPECT_REFUSED(EINVAL, "must be above", "ptdump 0x2000 0x1000");
	EXPECT_REFUSED(EINVAL, "START", "ptdump a b");
}
