/* The commands that show memory as a whole: formats parsed back, both forms agreeing, counts that add up. */
#include "cmd_check.h"

#include <kernel/errno.h>
#include <kernel/string.h>

#include <mm/internal.h>
#include <mm/memmap.h>
#include <mm/stat.h>
#include <mm/vmalloc.h>

static const char *const commands[] = {
	"meminfo", "memmap", "zoneinfo", "buddyinfo", "pagetypeinfo", "slabinfo", "vmallocinfo", "tlb",
	"cpus",	   "numa",   "numastat", "ptdump",    "mark",	      "diff",	  "verify",	 "locks"};

KTEST(cmd_mm, every_json_answer_is_one_object)
{
	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++) {
		EXPECT_EQ(ask("%s -j", commands[i]), 0);
		EXPECT_MSG(answer_is_object(), "%s -j: %s", commands[i], answer);
	}
}

KTEST(cmd_mm, superfluous_words_are_refused)
{
	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++)
		EXPECT_REFUSED(EINVAL, "expected", "%s a b c", commands[i]);
}

KTEST(cmd_mm, meminfo_lines_have_linux_columns)
{
	char line[64];
	unsigned lines = 0;

	ASSERT_EQ(ask("meminfo"), 0);
	for (const char *s = answer; (s = next_line(s, line, sizeof(line))); lines++) {
		char again[64], label[32];
		const char *colon = strchr(line, ':'), *end;
		u64 kb;

		ASSERT_NOT_NULL(colon);
		strlcpy(label, line, (size_t)(colon - line) + 2);
		for (colon++; *colon == ' '; colon++)
			;
		ASSERT_EQ(parse_size_prefix(colon, &end, &kb), 0);
		snprintf(again, sizeof(again), "%-16s%8lu kB", label, kb);
		EXPECT_STREQ(line, again);
	}
	EXPECT_GE(lines, 17);
}

KTEST(cmd_mm, meminfo_has_the_promised_keys)
{
	static const char *const keys[] = {
		"MemTotal",    "MemFree",    "MemAvailable", "Buffers",	    "Cached",	    "SwapTotal",
		"SwapFree",    "Shmem",	     "KReclaimable", "Slab",	    "SReclaimable", "SUnreclaim",
		"KernelStack", "PageTables", "VmallocTotal", "VmallocUsed", "VmallocChunk", "Percpu"};

	ASSERT_EQ(ask("meminfo -j"), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(keys); i++)
		EXPECT_MSG(answer_value(keys[i]) != ANSWER_NONE, "no %s", keys[i]);
	EXPECT_EQ(answer_value("MemTotal"), totalram_pages() << (PAGE_SHIFT - 10));
	EXPECT_EQ(answer_value("Slab"), answer_value("SReclaimable") + answer_value("SUnreclaim"));
	EXPECT_LE(answer_value("MemAvailable"), answer_value("MemTotal"));
}

/* Sum over the answer of what stands at each "key", a number or an array of blocks by order. */
static u64 sum_of(const char *key, bool blocks)
{
	u64 sum = 0;
	unsigned nr;

	for (const char *s = answer; (s = key_from(s, key));)
		sum += blocks ? array_sum(s, true, &nr) : value_from(s - strlen(key) - 3, key);
	return sum;
}

KTEST(cmd_mm, free_memory_is_the_same_everywhere)
{
	u64 blocks, zones;

	ASSERT_EQ(ask("buddyinfo -j"), 0);
	blocks = sum_of("free", true);
	ASSERT_EQ(ask("zoneinfo -j"), 0);
	zones = sum_of("free", false);
	EXPECT_EQ(blocks, zones);
	ASSERT_EQ(ask("meminfo -j"), 0);
	EXPECT_EQ(answer_value("MemFree"), blocks << (PAGE_SHIFT - 10));
	ASSERT_EQ(ask("pagetypeinfo -j"), 0);
	EXPECT_EQ(sum_of("free", true), blocks);
}

KTEST(cmd_mm, buddyinfo_lines_have_linux_columns)
{
	struct zone_stat z;
	char line[160];
	const char *s = answer;

	ASSERT_EQ(ask("buddyinfo"), 0);
	for (unsigned n = 0; zone_stat(n, &z); n++) {
		char again[160];
		size_t at;

		if (!z.present)
			continue;
		s = next_line(s, line, sizeof(line));
		ASSERT_NOT_NULL(s);
		at = (size_t)scnprintf(again, sizeof(again), "Node %d, zone %8s ", z.nid, z.name);
		for (unsigned o = 0; o < NR_ORDERS; o++)
			at += (size_t)scnprintf(again + at, sizeof(again) - at, "%6lu ", z.blocks[o]);
		EXPECT_STREQ(line, again);
	}
	EXPECT_EQ(*s, '\0');
}

/* Ids are the firmware's: there need not be a node 0. */
static int first_node(void)
{
	struct node *n;

	for_each_node (n)
		if (n->online)
			break;
	return n->nid;
}

KTEST(cmd_mm, zoneinfo_shows_every_zone_kind_in_order)
{
	const char *s = answer;

	ASSERT_EQ(ask("zoneinfo"), 0);
	for (unsigned type = 0; type < NR_ZONES; type++) {
		char heading[32];

		snprintf(heading, sizeof(heading), "Node %d, zone %8s\n", first_node(), zone_names[type]);
		s = strstr(s, heading);
		ASSERT_NOT_NULL(s);
	}
	EXPECT_TRUE(answer_says("\n  pages free     "));
	EXPECT_TRUE(answer_says("\n        boost    "));
	EXPECT_TRUE(answer_says("\n        managed  "));
	EXPECT_TRUE(answer_says("\n        protection: ("));
	EXPECT_TRUE(answer_says("\n  pagesets\n    cpu: 0\n              count: "));
	EXPECT_TRUE(answer_says("\n  start_pfn:           "));
}

KTEST(cmd_mm, zoneinfo_numbers_are_ordered_and_conserved)
{
	unsigned nr;

	ASSERT_EQ(ask("zoneinfo -j"), 0);
	for (const char *s = answer; (s = key_from(s, "name"));) {
		u64 managed = value_from(s, "managed"), free = value_from(s, "free"),
		    pcp = value_from(s, "count");

		EXPECT_LE(managed, value_from(s, "present"));
		EXPECT_LE(value_from(s, "present"), value_from(s, "spanned"));
		EXPECT_LE(value_from(s, "min"), value_from(s, "low"));
		EXPECT_LE(value_from(s, "low"), value_from(s, "high"));
		array_sum(key_from(s, "protection"), false, &nr);
		EXPECT_EQ(nr, NR_ZONES);
		if (managed)
			EXPECT_LE(free + pcp, managed);
	}
}

KTEST(cmd_mm, pagetypeinfo_counts_every_pageblock_once)
{
	struct zone_stat z;
	struct type_stat types;

	ASSERT_EQ(ask("pagetypeinfo"), 0);
	EXPECT_TRUE(answer_says("Page block order: 9\nPages per block:  512\n\n"));
	EXPECT_TRUE(answer_says("\nNumber of blocks type     Unmovable      Movable  Reclaimable "));
	for (unsigned n = 0; zone_stat(n, &z); n++) {
		u64 sum = 0;

		if (!z.present)
			continue;
		type_stat(&z, &types);
		for (unsigned type = 0; type < NR_MIGRATETYPES; type++)
			sum += types.pageblocks[type];
		EXPECT_GE(sum * PAGEBLOCK_PAGES, z.present);
		EXPECT_LE(sum, z.spanned / PAGEBLOCK_PAGES + 2);
	}
}

KTEST(cmd_mm, memmap_names_every_reservation)
{
	u64 end = 0, pages = 0;
	const char *s;

	ASSERT_EQ(ask("memmap -j"), 0);
	for (s = key_from(answer, "usable"); strncmp(s, "],\"reserved\"", 12) != 0; s++)
		if (!strncmp(s, "{\"start\"", 8))
			pages += (value_from(s, "end") - value_from(s, "start")) >> PAGE_SHIFT;
	for (s = key_from(answer, "reserved"); (s = strstr(s, "{\"start\"")); s++) {
		EXPECT_GE(value_from(s, "start"), end);
		end = value_from(s, "end");
		EXPECT_GT(end, value_from(s, "start"));
		EXPECT_NOT_NULL(key_from(s, "name"));
	}
	EXPECT_TRUE(answer_says("\"name\":\"kernel text\""));
	ASSERT_EQ(ask("zoneinfo -j"), 0);
	EXPECT_EQ(pages, sum_of("present", false));
}

/* Firmware has entries of no length, and such as reach past the last address. */
KTEST(cmd_mm, memmap_shows_an_empty_range_as_empty)
{
	static const struct boot_range odd[] = {{0x5000, 0, MEM_RESERVED, 0},
						{0, 0, MEM_USABLE, 0},
						{0x7000, 0x1000, MEM_NVS, 0},
						{~0xfffUL, 0x2000, MEM_RESERVED, 0}};
	const struct boot_range *raw = memmap_raw;
	unsigned nr = memmap_raw_nr;

	memmap_raw = odd;
	memmap_raw_nr = ARRAY_SIZE(odd);
	EXPECT_EQ(ask("memmap"), 0);
	memmap_raw = raw;
	memmap_raw_nr = nr;
	EXPECT_TRUE(answer_says("  [mem 0x0000000000005000, empty] reserved"));
	EXPECT_TRUE(answer_says("  [mem 0x0000000000000000, empty] usable"));
	EXPECT_TRUE(answer_says("  [mem 0x0000000000007000-0x0000000000007fff] ACPI NVS"));
	EXPECT_TRUE(answer_says("  [mem 0xfffffffffffff000-0xffffffffffffffff] reserved"));
}

KTEST(cmd_mm, cpus_and_nodes_name_the_boot_cpu)
{
	ASSERT_EQ(ask("cpus -j"), 0);
	EXPECT_EQ(answer_value("cpu"), 0);
	EXPECT_TRUE(answer_says("\"online\":true"));
	ASSERT_EQ(ask("numa -j"), 0);
	EXPECT_EQ(answer_value("node"), (u64)first_node());
	EXPECT_TRUE(answer_says("\"distance\":[10"));
	ASSERT_EQ(ask("numastat -j"), 0);
	EXPECT_EQ(answer_value("numa_hit"), answer_value("local_node") + answer_value("other_node"));
}

KTEST(cmd_mm, tlb_counts_the_flush_of_a_purge)
{
	u64 purges, flushes;
	void *p;

	vm_unmap_aliases();
	ASSERT_EQ(ask("tlb -j"), 0);
	purges = answer_value("lazy_purges");
	flushes = answer_value("page") + answer_value("range") + answer_value("full");
	p = vmalloc(PAGE_SIZE);
	ASSERT_NOT_NULL(p);
	vfree(p);
	vm_unmap_aliases();
	ASSERT_EQ(ask("tlb -j"), 0);
	EXPECT_EQ(answer_value("lazy_purges"), purges + 1);
	EXPECT_GT(answer_value("page") + answer_value("range") + answer_value("full"), flushes);
}
