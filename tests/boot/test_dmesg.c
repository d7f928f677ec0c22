/*
 * test_dmesg.c - properties of boot/host/dmesg.c: boot logs of all kernels.
 *
 * Idea.       Kinds of lines have a row each, and so have mistakes and logs that are not whole. Whole logs of real machines are
 *             booted by tests/host/test_logs.py.
 * Layout.     text -> parse_log() -> f->info, message
 * Invariants. None of its own.
 * Locking.    None.
 * Failure.    EXPECT lines name the input.
 * Next:       test_dmesg_text.c.
 */

#include "map_fixture.h"
#include <kernel/errno.h>
#include <kernel/printk.h>

static char message[256];

static int parse_bytes(struct boot_fixture *f, const void *text, size_t len)
{
	memset(&f->info, 0, sizeof(f->info));
	return dmesg_parse("f", text, len, &f->info, message, sizeof(message));
}

static int parse_log(struct boot_fixture *f, const char *text)
{
	return parse_bytes(f, text, strlen(text));
}

KTEST(dmesg, forms_of_all_kernels_say_the_same)
{
	static const char *const logs[] = {
		"[    0.000000] Linux version 6.1.0 (x)\n"
		"[    0.000000] BIOS-e820: [mem 0x0000000000000000-0x000000000009fbff] usable\n"
		"[    0.000000] BIOS-e820: [mem 0x0000000000100000-0x0000000000ffffff] usable\r\n"
		"[    0.000000] e820: update [mem 0x00000000-0x00000fff] usable ==> reserved\n"
		"[    0.000000] e820: remove [mem 0x000a0000-0x000fffff] usable\n"
		"[    0.012345] ACPI: SRAT: Node 0 PXM 0 [mem 0x00000000-0x007fffff]\n"
		"[    0.012345] ACPI: SRAT: Node 1 PXM 5 [mem 0x00800000-0x00ffffff] hotplug\n",
		"<6>Linux version 2.6.37-x (x)\n"
		"<6> BIOS-e820: 0000000000000000 - 000000000009fc00 (usable)\n"
		"<6> BIOS-e820: 0000000000100000 - 0000000001000000 (usable)\n"
		"<7>e820 update range: 0000000000000000 - 0000000000001000 (usable) ==> (reserved)\n"
		"<7>e820 remove range: 00000000000a0000 - 0000000000100000 (usable)\n"
		"SRAT: Node 0 PXM 0 0-800000\n"
		"SRAT: Node 1 PXM 5 800000-1000000\n",
		"Jan  1 00:00:00 h kernel: Linux version 5.4\n"
		"Jan  1 00:00:00 h kernel: [    0.000000]  Xen: [mem 0x0-0x9fbff] usable\n"
		"Jan  1 00:00:00 h kernel: [    0.000000][    T0]  Xen: [mem 0x100000-0xffffff] usable\n"
		"Jan  1 00:00:00 h kernel: [    0.000000] reserve setup_data: [mem 0x0-0xffffffff] usable\n"
		"Jan  1 00:00:00 h kernel: SRAT: Node 0 PXM 0 [mem 0x0-0x7fffff]\n"
		"Jan  1 00:00:00 h kernel: SRAT: Node 1 PXM 1 [mem 0x800000-0xffffff] non-volatile\n",
	};
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	for (unsigned i = 0; i < ARRAY_SIZE(logs); i++) {
		EXPECT_EQ(parse_log(f, logs[i]), 0);
		EXPECT_STREQ(message, "");
		EXPECT_USABLE(f, {0x1000, 0x9f000}, {0x100000, 0x1000000});
		EXPECT_EQ(f->info.nr_node_ranges, 2);
		EXPECT_EQ(f->info.node_range[1].start, 0x800000);
		EXPECT_EQ(f->info.node_range[1].size, 0x800000);
		expect_zones(t, &f->info, MIB(16), GIB(4), ~0UL);
	}
	fixture_free(f);
}

/* Of the old form, which ends one past the range. */
KTEST(dmesg, ranges_without_a_byte_change_nothing)
{
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	EXPECT_EQ(
		parse_log(f,
			  "Linux version 2.6.20\nBIOS-e820: 0000000000000000 - 0000000000000000 (reserved)\n"
			  "BIOS-e820: 0000000000000000 - 0000000001000000 (usable)\n"
			  "e820 update range: 0000000000000000 - 0000000000000000 (usable) ==> (reserved)\n"),
		0);
	EXPECT_USABLE(f, {0x0, 0x1000000});
	EXPECT_EQ(parse_log(f, "BIOS-e820: 0000000000001000 - 0000000000000000 (usable)\n"), -EINVAL);
	fixture_free(f);
}

KTEST(dmesg, zones_and_machines_without_a_pcs_map_are_read)
{
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	EXPECT_EQ(parse_log(f, "Linux version 6.6\nZone ranges:\n  DMA      [mem 0x40000000-0x7fffffff]\n"
			       "  DMA32    empty\n  Normal   [mem 0x80000000-0xffffffff]\n"
			       "Movable zone start for each node\nEarly memory node ranges\n"
			       "  node   0: [mem 0x0000000040000000-0x000000004fffffff]\n"
			       "  node   1: [mem 0x0000000050000000-0x000000005fffffff]\n"),
		  0);
	EXPECT_USABLE(f, {0x40000000, 0x60000000});
	expect_zones(t, &f->info, 0x80000000, 0x80000000, ~0UL);
	EXPECT_EQ(f->info.nr_node_ranges, 2);
	EXPECT_EQ(parse_log(f, " BIOS-88: 0000000000000000 - 000000000009f000 (usable)\n"
			       " user: 0000000000000000 - 0000000000800000 (usable)\n8MB LOWMEM available.\n"
			       "Zone PFN ranges:\n  DMA      0x00000000 -> 0x00001000\n  Normal          "
			       "4096 ->     8192\n"
			       "  HighMem  0x000377fe -> 0x00040000\nuser: not a range\n"),
		  0);
	EXPECT_USABLE(f, {0x0, 0x800000});
	expect_zones(t, &f->info, MIB(16), MIB(16), 0x377fe000);
	/* Only i386 has a zone HighMem, also where the line about LOWMEM is lost. */
	EXPECT_EQ(
		parse_log(f,
			  "Linux version 3.2\nBIOS-e820: [mem 0x100000-0x7fffffff] usable\nZone PFN ranges:\n"
			  "  DMA      0x00000010 -> 0x00001000\n  Normal   0x00001000 -> 0x000377fe\n"
			  "  HighMem  0x000377fe -> 0x0007f680\n"),
		0);
	expect_zones(t, &f->info, MIB(16), MIB(16), 0x377fe000);
	fixture_free(f);
}

/* ---- several lines ---- */

/* Mails are cut at 72 columns, and quotes of them, too. Shows host/dmesg.D2 and host/dmesg_words.W1. */
KTEST(dmesg, a_message_that_was_cut_in_two_is_one)
{
	static const char *const logs[] = {
		"Linux version 6.1.0\nBIOS-e820: [mem 0x0000000000000000-0x000000000009fbff]\nusable\n"
		"BIOS-e820: [mem 0x0000000000100000-\n0x0000000000ffffff] usable\n",
		"> Linux version 6.1.0\n> BIOS-e820: [mem\n> 0x0000000000000000-0x000000000009fbff] usable\n"
		"> BIOS-e820: [mem 0x0000000000100000-0x0000000000ffffff]\n> usable\n",
		"> > Linux version 6.1.0\n> > Early memory node ranges\n> >   node   0:\n> > [mem "
		"0x1000-0x9efff]\n"
		"> >   node   0: [mem\n> > 0x0000000000100000-0x0000000000ffffff]\n",
		"Linux version 6.1.0\nBIOS-e820:\n[mem 0x0-0x9fbff] usable  BIOS-e820: [mem "
		"0x100000-0xffffff]\nusable\n",
		"Linux version 6.1.0\nBIOS-e820: [mem 0x0-0xffffff] usable\ne820: update [mem 0x0-0xfff] "
		"usable\n"
		" ==> reserved\ne820: update [mem 0x9f000-0xfffff] usable ==>\nreserved\n",
	};
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	for (unsigned i = 0; i < ARRAY_SIZE(logs); i++) {
		EXPECT_EQ(parse_log(f, logs[i]), 0);
		EXPECT_STREQ(message, "");
		EXPECT_USABLE(f, {0x1000, 0x9f000}, {0x100000, 0x1000000});
	}
	fixture_free(f);
}

/* ---- kinds of lines ---- */

/* Each in a log with 16 MiB of memory in all. Memory below `end` and from `from` on is usable. */
KTEST(dmesg, words_of_all_kernels_are_known)
{
	static const struct {
		const char *line;
		u64 end, from;
	} rows[] = {
		{"BIOS-e820: [mem 0x400000-0x7fffff] reserved", 0x400000, 0x800000},
		{"BIOS-e820: [mem 0x400000-0x7fffff] ACPI data", 0x400000, 0x800000},
		{"BIOS-e820: [mem 0x400000-0x7fffff] ACPI NVS", 0x400000, 0x800000},
		{"BIOS-e820: [mem 0x400000-0x7fffff] unusable", 0x400000, 0x800000},
		{"BIOS-e820: [mem 0x400000-0x7fffff] soft reserved", 0x400000, 0x800000},
		{"BIOS-e820: [mem 0x400000-0x7fffff] persistent (type 12)", 0x400000, 0x800000},
		{"BIOS-e820: [mem 0x400000-0x7fffff] persistent RAM (type 7)", 0x400000, 0x800000},
		{"BIOS-e820: [mem 0x400000-0x7fffff] type 20", 0x400000, 0x800000},
		{"BIOS-e820: [mem 0x400000-0x7fffff]  device reserved", 0x400000, 0x800000},
		{"BIOS-e820: [mem 0x400000-0x7fffff]    4   MB device reserved", 0x400000, 0x800000},
		{"BIOS-e820: [mem 0x400000-0x7fffff]  4.0 MB device reserved", 0x400000, 0x800000},
		{"BIOS-e820: [mem 0x400000-0x7fffff]    4   MB reserved", 0x400000, 0x800000},
		{"BIOS-e820: [mem 0x400000-0x7fffff]    4   MB kernel usable RAM", 0, 0},
		{"extended: [mem 0x400000-0x7fffff] reserved", 0, 0},
		{"BIOS-e820: [gap 0x400000-0x7fffff]", 0, 0},
		{"Initmem setup node none", 0, 0},
		{"BIOS-e820: [gap 0x400000-0x7fffff]  4 MB ...", 0, 0},
		{"BIOS-e820: [mem 0x1000000-0xffffff] reserved", 0, 0},
		{"BIOS-e820: 0000000000400000 - 0000000000800000 (reserved)", 0x400000, 0x800000},
		{"BIOS-e820: 0000000000400000 - 0000000000800000 (ACPI NVS)", 0x400000, 0x800000},
		{"BIOS-e820: 0000000000400000 - 0000000000800000 type 9", 0x400000, 0x800000},
		{"BIOS-e820: 00400000 @ 00400000 (reserved)", 0x400000, 0x800000},
		{"BIOS-e801: 0000000000400000 - 0000000000800000 (reserved)", 0x400000, 0x800000},
		{"Xen: 0000000000400000 - 0000000000800000 (reserved)", 0x400000, 0x800000},
		{"Xen: [mem 0x400000-0x7fffff] unusable", 0x400000, 0x800000},
		{"e820: update [mem 0x400000-0x7fffff] usable ==> reserved", 0x400000, 0x800000},
		{"e820: update [mem 0x400000-0x7fffff] System RAM ==> device reserved", 0x400000, 0x800000},
		{"e820: update [mem 0x400000-0x7fffff] usable ==> ACPI data", 0x400000, 0x800000},
		{"e820: update [mem 0x400000-0x7fffff] usable ==> usable", 0, 0},
		{"e820: update [mem 0x400000-0x7fffff] reserved ==> unusable", 0, 0},
		{"e820: remove [mem 0x400000-0x7fffff] usable", 0x400000, 0x800000},
		{"e820: remove [mem 0x400000-0x7fffff] System RAM", 0x400000, 0x800000},
		{"e820: remove [mem 0x400000-0x7fffff]", 0x400000, 0x800000},
		{"e820: remove [mem 0x400000-0x7fffff] reserved", 0, 0},
		{"e820 update range: 0000000000400000 - 0000000000800000 (usable) ==> (reserved)", 0x400000,
		 0x800000},
		{"e820 remove range: 0000000000400000 - 0000000000800000 (usable)", 0x400000, 0x800000},
		{"user-defined physical RAM map:\nuser: [mem 0x400-0x3fffff] usable\n"
		 "user: [mem 0x800000-0xffffff] usable",
		 0x400000, 0x800000},
		{"user: 0000000000001000 - 0000000000400000 (usable)\n"
		 "user: 0000000000800000 - 0000000001000000 (usable)",
		 0x400000, 0x800000},
		{"modified physical RAM map:\nmodified: 0000000000000000 - 0000000001000000 (usable)\n"
		 "modified physical RAM map:\nmodified: 0000000000001000 - 0000000000400000 (usable)\n"
		 "modified: 0000000000800000 - 0000000001000000 (usable)",
		 0x400000, 0x800000},
		{"modified: [mem 0x1000-0x3fffff] usable\nmodified: [mem 0x800000-0xffffff] usable", 0x400000,
		 0x800000},
		{"reserve setup_data: [mem 0x400000-0x7fffff] reserved", 0, 0},
		/* text about messages, and messages that begin alike */
		{"e820: [mem 0x400000-0x7fffff] available for PCI devices", 0, 0},
		{"[gap 0x400000-0x7fffff] available for PCI devices", 0, 0},
		{"Command line: root=/dev/sda e820: update nothing", 0, 0},
		{"$ dmesg | grep \"BIOS-e820: [mem\"", 0, 0},
		{"all lines of BIOS-e820: 4 of them", 0, 0},
		{"user: 0 of 4", 0, 0},
		{"user: [email protected]", 0, 0},
		{"memory: 4096 kB", 0, 0},
		{"node 0: 4096 MB", 0, 0},
		{"NUMA: Node 0 [mem 0x0-0x9ffff] + [mem 0x100000-0xffffff] -> [mem 0x0-0xffffff]", 0, 0},
		{"Faking node 0 at [mem 0x0000000000000000-0x0000000000ffffff] (16MB)", 0, 0},
		{"    1: 0x400 -> 0x800", 0, 0},
		{"On node 0 totalpages: 1", 0, 0},
		{"efi: mem00: [Boot Code |   |  |  |  |  |  |  |   |WB|WT|WC|UC] range=[0x0-0xfff] (0MB)", 0,
		 0},
	};
	struct boot_fixture *f = fixture_new();
	char log[1024];

	ASSERT_NOT_NULL(f);
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		snprintf(log, sizeof(log),
			 "Linux version 2.6.20\n"
			 "BIOS-e820: [mem 0x0-0xfff] reserved\nBIOS-e820: [mem 0x1000-0xffffff] usable\n%s\n",
			 rows[i].line);
		EXPECT_EQ(parse_log(f, log), 0);
		EXPECT_STREQ(message, "");
		if (rows[i].end) {
			u64 want[][2] = {{0x1000, rows[i].end}, {rows[i].from, 0x1000000}};

			expect_usable(t, &f->info, want, 2);
		} else {
			EXPECT_USABLE(f, {0x1000, 0x1000000});
		}
	}
	fixture_free(f);
}

/* Shows host/dmesg.D1, host/map_rules.R1 and host/dmesg_check.C2. */
KTEST(dmesg, the_ranges_of_the_nodes_are_the_truth)
{
	static const char *const heads[] = {
		/* reserved when Linux had counted already: 5.5 and later */
		"BIOS-e820: [mem 0x0-0x9fbff] usable\nBIOS-e820: [mem 0x100000-0xffffff] usable\n"
		"e820: update [mem 0x0-0xfff] usable ==> reserved\ne820: remove [mem 0xa0000-0xfffff] "
		"usable\n"
		"e820: update [mem 0x400000-0x401fff] usable ==> reserved\n",
		/* the map has more, less, and is lost */
		"BIOS-e820: [mem 0x0-0xffffffff] usable\n",
		"BIOS-e820: [mem 0x0-0x9fbff] usable\nBIOS-e820: [mem 0x100000-0x7fffff] usable\n",
		"BIOS-e820: [mem 0x0-0x9fbff] usable\nBIOS-e820: [mem 0x100000-0xffffff] reserved\n",
		"",
		/* changes of the map may be many and odd */
		"BIOS-e820: [mem 0x0-0xffffff] usable\ne820: remove [mem 0x0-0xffffff] usable\n",
		/* the first line is cut: it is not needed */
		"BIOS-e820: [mem 0x0-\nBIOS-e820: [mem 0x100000-0xffffff] usable\n",
	};
	struct boot_fixture *f = fixture_new();
	char log[1024];

	ASSERT_NOT_NULL(f);
	for (unsigned i = 0; i < ARRAY_SIZE(heads); i++) {
		snprintf(log, sizeof(log),
			 "Linux version 6.8.0\n%sEarly memory node ranges\n"
			 "  node   0: [mem 0x0000000000001000-0x000000000009efff]\n"
			 "  node   0: [mem 0x0000000000100000-0x0000000000ffffff]\n"
			 "  node   0: [mem 0x0000000000100000-0x0000000000ffffff]\n"
			 "Initmem setup node 0 [mem 0x0000000000001000-0x0000000000ffffff]\n"
			 "e820: update [mem 0x500000-0x5fffff] usable ==> reserved\n"
			 "Memory: 12000K/15992K available\n",
			 heads[i]);
		EXPECT_EQ(parse_log(f, log), 0);
		EXPECT_STREQ(message, "");
		EXPECT_USABLE(f, {0x1000, 0x9f000}, {0x100000, 0x1000000});
		EXPECT_NULL(strstr(f->info.notes, "missing"));
	}
	fixture_free(f);
}

/* Without the ranges of nodes: Linux has taken memory over when it says where memory ends for the last time. */
KTEST(dmesg, changes_after_linux_has_counted_do_not_count)
{
	static const struct {
		const char *version, *between;
		bool counts;
	} rows[] = {{"6.8.0", "last_pfn = 0x800 max_arch_pfn = 0x400000000\n", false},
		    {"5.5.0", "last_pfn = 0x800 max_arch_pfn = 0x400000000\n", false},
		    {"5.4.0", "last_pfn = 0x800 max_arch_pfn = 0x400000000\n", true},
		    {"5.4.0", "Zone ranges:\n", false},
		    {"3.2.0", "Zone PFN ranges:\n", false},
		    {"3.2.0", "", true}};
	struct boot_fixture *f = fixture_new();
	char log[1024];

	ASSERT_NOT_NULL(f);
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		snprintf(log, sizeof(log),
			 "Linux version %s\nBIOS-e820: [mem 0x0-0xffffff] usable\n"
			 "e820: update [mem 0x0-0xfff] usable ==> reserved\n"
			 "last_pfn = 0x1000 max_arch_pfn = 0x400000000\n"
			 "e820: remove [mem 0x800000-0xffffff] usable\n%s"
			 "e820: update [mem 0x400000-0x7fffff] usable ==> reserved\n",
			 rows[i].version, rows[i].between);
		EXPECT_EQ(parse_log(f, log), 0);
		if (rows[i].counts)
			EXPECT_USABLE(f, {0x1000, 0x400000});
		else
			EXPECT_USABLE(f, {0x1000, 0x800000});
	}
	fixture_free(f);
}

KTEST(dmesg, reserved_memory_of_a_device_tree_is_read)
{
	static const struct {
		const char *line;
		u64 start, end;
	} rows[] = {
		{"OF: reserved mem: 0x0000000043000000..0x000000004304ffff (320 KiB) nomap non-reusable "
		 "secmon@43000000",
		 0x43000000, 0x43050000},
		{"OF: reserved mem: 0x0000000042ff0000..0x0000000042ffffff (64 KiB) map non-reusable "
		 "ramoops@42ff0000",
		 0x42ff0000, 0x43000000},
		{"OF: reserved mem: 0x0000000050000000..0x000000005fffffff (262144 KiB) map reusable "
		 "linux,cma",
		 0, 0},
		{"OF: reserved mem: 0x0000000043000000..0x000000004304ffff ( 320 KB ) secmon", 0x43000000,
		 0x43050000},
		{"OF: reserved mem: 0x0000000043000000..0x000000004304ffff (320 KiB", 0x43000000, 0x43050000},
		{"OF: reserved mem: initialized node linux,cma, compatible id shared-dma-pool", 0, 0},
		{"OF: reserved mem: OVERLAP DETECTED!", 0, 0},
		{"OF: fdt: Reserved memory: reserved region for node 'secmon': base 0x0000000043000000, size "
		 "2 MiB",
		 0x43000000, 0x43200000},
		{"Reserved memory: reserved region for node 'secmon': base 0x43000000, size 2 MiB",
		 0x43000000, 0x43200000},
		{"OF: fdt:Reserved memory: failed to reserve memory for node 'a': base 0x43000000, size 2 "
		 "MiB",
		 0, 0},
		{"Reserved memory: created DMA memory pool at 0x0000000043000000, size 64 KiB", 0x43000000,
		 0x43010000},
		{"Reserved memory: created CMA memory pool at 0x0000000043000000, size 64 MiB", 0, 0},
		{"Reserved memory: created DMA memory pool at 0x0000000043000000, size 0 KiB", 0, 0},
		{"Reserved memory: created DMA memory pool at 0x0000000043000000, size 64 pages", 0, 0},
		{"Reserved memory: created DMA memory pool at 0x0000000043000000", 0, 0},
		{"Reserved memory: created DMA memory pool, size 64 KiB", 0, 0},
	};
	struct boot_fixture *f = fixture_new();
	char log[512];

	ASSERT_NOT_NULL(f);
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		snprintf(log, sizeof(log),
			 "Linux version 6.9\n%s\nEarly memory node ranges\n"
			 "  node   0: [mem 0x40000000-0x7fffffff]\n",
			 rows[i].line);
		EXPECT_EQ(parse_log(f, log), 0);
		EXPECT_STREQ(message, "");
		EXPECT_USABLE(f, {0x40000000, 0x80000000});
		EXPECT_EQ(f->info.nr_reserved, rows[i].end != 0);
		if (f->info.nr_reserved) {
			EXPECT_EQ(f->info.reserved[0].start, rows[i].start);
			EXPECT_EQ(f->info.reserved[0].end, rows[i].end);
		}
	}
	fixture_free(f);
}

/* Two nodes of 8 MiB each. Shows host/map_rules.R2. */
KTEST(dmesg, nodes_are_those_that_linux_lists)
{
	static const char *const logs[] = {
		/* without an SRAT, against one, in pages, of a board, faked */
		"BIOS-e820: [mem 0x0-0xffffff] usable\nScanning NUMA topology in Northbridge 24\n"
		"Early memory node ranges\n  node   0: [mem 0x0-0x7fffff]\n  node   1: [mem "
		"0x800000-0xffffff]\n",
		"BIOS-e820: [mem 0x0-0xffffff] usable\nACPI: SRAT: Node 0 PXM 0 [mem 0x0-0x3fffff]\n"
		"ACPI: SRAT: Node 1 PXM 1 [mem 0x400000-0xffffff]\n"
		"Early memory node ranges\n  node   0: [mem 0x0-0x7fffff]\n  node   1: [mem "
		"0x800000-0xffffff]\n",
		"BIOS-e820: 0000000000000000 - 0000000001000000 (usable)\nearly_node_map[2] active PFN "
		"ranges\n"
		"    0: 0x00000000 -> 0x00000800\n    1: 0x00000800 -> 0x00001000\n",
		"BIOS-e820: 0000000000000000 - 0000000001000000 (usable)\nearly_node_map[2] active PFN "
		"ranges\n"
		"    0:        0 ->     2048\n    1:     2048 ->     4096\n",
		"Early memory PFN ranges\n  node 0: 0x0 -> 0x800\n  node 1: 0x800 -> 0x1000\n",
		"Early memory node ranges\n  node   0: [mem 0x0-0x7fffff]\n  node   1: [mem "
		"0x800000-0xffffff]\n"
		"Initmem setup node 0 [mem 0x0-0x7fffff]\nInitmem setup node 1 [mem 0x800000-0xffffff]\n"
		"Initmem setup node 2 as memoryless\n",
		/* before 2.6.18 there are no ranges of nodes; before 2.6.16 the end is inclusive */
		"BIOS-e820: 0000000000000000 - 0000000001000000 (usable)\n"
		"Bootmem setup node 0 0000000000000000-0000000000800000\n"
		"Bootmem setup node 1 0000000000800000-0000000001000000\n",
		"BIOS-e820: 0000000000000000 - 0000000001000000 (usable)\n"
		"Bootmem setup node 0 0000000000000000-00000000007fffff\n"
		"Bootmem setup node 1 0000000000800000-0000000000ffffff\n",
		"BIOS-e820: 0000000000000000 - 0000000001000000 (usable)\nSRAT: Node 0 PXM 0 0-7fffff\n"
		"SRAT: Node 1 PXM 1 800000-ffffff\nBootmem setup node 0 0-800000\nBootmem setup node 1 "
		"800000-1000000\n",
		/* other nodes before, as since 3.5 */
		"BIOS-e820: [mem 0x0-0xffffff] usable\nInitmem setup node 0 [mem 0x0-0x3fffff]\n"
		"Initmem setup node 1 [mem 0x400000-0xffffff]\n"
		"  node   0: [mem 0x0-0x7fffff]\n  node   1: [mem 0x800000-0xffffff]\n",
	};
	struct boot_fixture *f = fixture_new();
	char log[1024];

	ASSERT_NOT_NULL(f);
	for (unsigned i = 0; i < ARRAY_SIZE(logs); i++) {
		snprintf(log, sizeof(log), "Linux version 2.6.20\n%s", logs[i]);
		EXPECT_EQ(parse_log(f, log), 0);
		EXPECT_STREQ(message, "");
		EXPECT_USABLE(f, {0x0, 0x1000000});
		EXPECT_EQ(f->info.nr_node_ranges, 2);
		for (unsigned k = 0; k < 2; k++) {
			EXPECT_EQ(f->info.node_range[k].node, k);
			EXPECT_EQ(f->info.node_range[k].start, k * 0x800000UL);
			EXPECT_EQ(f->info.node_range[k].size, 0x800000);
		}
	}
	/* One node is all of memory, also where firmware has two. */
	EXPECT_EQ(parse_log(f, "Linux version 3.10\nACPI: SRAT: Node 0 PXM 0 [mem 0x0-0x3fffff]\n"
			       "ACPI: SRAT: Node 1 PXM 1 [mem 0x400000-0xffffff]\nEarly memory node ranges\n"
			       "  node   0: [mem 0x0-0xffffff]\n"),
		  0);
	EXPECT_EQ(f->info.nr_node_ranges, 0);
	fixture_free(f);
}

/* Of 64 KiB each, as PowerPC and ia64 have them: the sum of memory says so. */
KTEST(dmesg, pages_have_the_size_that_the_sum_says)
{
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	EXPECT_EQ(parse_log(f, "Linux version 3.0\nZone PFN ranges:\n  DMA      0x00000000 -> 0x00000100\n"
			       "  Normal   0x00000100 -> 0x00000200\nEarly memory PFN ranges\n"
			       "    0: 0x00000000 -> 0x00000080\n    0: 0x00000100 -> 0x00000200\n"
			       "On node 0 totalpages: 384\nMemory: 20000k/24576k available\n"),
		  0);
	EXPECT_USABLE(f, {0x0, 0x800000}, {0x1000000, 0x2000000});
	expect_zones(t, &f->info, 0x1000000, 0x1000000, ~0UL);
	EXPECT_EQ(parse_log(f, "Linux version 4.2\nDetermined physical RAM map:\n memory: 04000000 @ "
			       "00000000 (usable)\n"
			       "User-defined physical RAM map:\n memory: 02000000 @ 00000000 (usable)\n"),
		  0);
	EXPECT_USABLE(f, {0x0, 0x2000000});
	fixture_free(f);
}

/* ---- logs that are not whole ---- */

/* Shows host/dmesg_check.C1. */
KTEST(dmesg, a_lost_beginning_is_said)
{
	static const struct {
		const char *log, *said;
		bool refused;
	} rows[] = {
		/* the first ranges are gone */
		{"  node   0: [mem 0xa001000-0xa1fffff]\n  node   0: [mem 0x100000000-0x1ffffffff]\n"
		 "Initmem setup node 0 [mem 0x1000-0x1ffffffff]\n",
		 "f:3: node 0 is [mem 0x1000-0x1ffffffff], its ranges are [mem 0xa001000-0x1ffffffff]: "
		 "the log's beginning is lost",
		 true},
		{"  node   0: [mem 0x100000000-0x1ffffffff]\nOn node 0 totalpages: 2000000\n",
		 "f:2: node 0 has 2000000 pages, its ranges have 4194304 KiB: the log's beginning is lost",
		 true},
		{"BIOS-e820: [mem 0x100000-0xffffff] usable\n",
		 "f: the first range of the map is not at 0: the log's beginning is lost", true},
		{"usb 1-1: new device\n", "f: no memory map, expected lines of a Linux boot log", true},
		{"[    5.123456] usb 1-1: new device\n", "the log's beginning is lost", true},
		/* the rest is enough, or may be */
		{"Early memory node ranges\n  node   0: [mem 0x1000-0xffffff]\n",
		 "log: there is no line `Linux version` in front of the map: the log's beginning is lost\n",
		 false},
		{"  node   0: [mem 0x1000-0xffffff]\nOn node 0 totalpages: 4095\n",
		 "and maybe ranges of nodes\n", false},
		{"BIOS-e820: [mem 0x0-0xffffff] usable\n", "the log's beginning is lost", false},
		{"BIOS-e820: [gap 0x0-0xfff]\nBIOS-e820: [mem 0x1000-0xffffff]  System RAM\n",
		 "the log's beginning is lost", false},
		{"BIOS-provided physical RAM map:\nBIOS-e820: [mem 0x100000-0xffffff] usable\n",
		 "the log's beginning is lost", false},
		/* lines in between */
		{"Linux version 6.1\nEarly memory node ranges\n  node   0: [mem 0x100000-0xffffff]\n"
		 "Initmem setup node 0 [mem 0x1000-0xffffff]\n",
		 "log:4: node 0 is [mem 0x1000-0xffffff], its ranges are [mem 0x100000-0xffffff]: lines are "
		 "missing",
		 false},
		{"Linux version 6.1\nBIOS-e820: [mem 0x100000-0xffffff] usable\nMemory: 10000K/20000K "
		 "available\n",
		 "log: Linux has 20000 KiB of memory, the map leads to 15360: lines are missing", false},
	};
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		EXPECT_EQ(parse_log(f, rows[i].log), rows[i].refused ? -EINVAL : 0);
		EXPECT_NOT_NULL(strstr(rows[i].refused ? message : f->info.notes, rows[i].said));
	}
	EXPECT_EQ(parse_log(f,
			    "Linux version 6.1\nEarly memory node ranges\n  node   0: [mem 0x1000-0xffffff]\n"
			    "Initmem setup node 0 [mem 0x1000-0xffffff]\nOn node 0 totalpages: 4095\n"
			    "Memory: 10000K/16380K available\n"),
		  0);
	EXPECT_STREQ(f->info.notes, "");
	fixture_free(f);
}

KTEST(dmesg, a_mistake_has_its_line_and_its_cause)
{
	static const struct {
		const char *line, *said;
	} rows[] = {
		{"BIOS-e820: [mem 0x0-0x9ffff] odd",
		 "\"odd\": expected a type of memory such as usable or reserved"},
		{"BIOS-e820: [mem 0x0-0x9ffff]",
		 "\"\": expected a type of memory such as usable or reserved"},
		{"[    0.000000] BIOS-e820: [mem 0x0-0x", "\"[mem 0x0-0x\": expected a range"},
		{"BIOS-e820: [mem 0x9ffff-0x0] usable",
		 "0x9ffff to 0x0: expected an end that is not before the start"},
		{"BIOS-e820: [mem 0x0-0x10000000000000000] usable", "expected a range"},
		{"e820: update [mem 0x0-0xfff] usable", "\"\": expected a type of memory behind ==>"},
		{"e820: remove [mem 0x0-0xfff", "\"[mem 0x0-0xfff\": expected a range"},
		{"ACPI: SRAT: Node 0 [mem 0x0-0xfff]", "expected `SRAT: Node N PXM N` and a range"},
		{"OF: reserved mem: 0x1000..", "expected `OF: reserved mem: 0xSTART..0xLAST`"},
		{"  node   0: [mem 0x1000-0x]", "\"[mem 0x1000-0x]\": expected a range"},
		{"Zone ranges:\n  DMA      [mem 0x1000", "\"[mem 0x1000\": expected a range"},
		{"Zone ranges:\n  DMA      1 => 4096", "expected a zone's range"},
		{"Zone ranges:\n  DMA      1 -> -", "expected a zone's range"},
		{"BIOS-e820: [mem 0x0-0x9ffff] type 4294967296",
		 "expected a type of memory such as usable or reserved"},
		{"BIOS-e820: [mem 0x0-0x9ffff] 4.x MB reserved",
		 "expected a type of memory such as usable or reserved"},
	};
	struct boot_fixture *f = fixture_new();
	char log[512], where[16];

	ASSERT_NOT_NULL(f);
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		bool zone = strchr(rows[i].line, '\n');

		snprintf(log, sizeof(log),
			 "Linux version 6.1\nBIOS-e820: [mem 0x0-0xffffff] usable\n%s\n"
			 "[    0.000001] usb: something else\n",
			 rows[i].line);
		snprintf(where, sizeof(where), "f:%u: ", zone ? 4 : 3);
		EXPECT_EQ(parse_log(f, log), -EINVAL);
		EXPECT_TRUE(strstr(message, where) == message);
		EXPECT_MSG(strstr(message, rows[i].said) != NULL, "%s: \"%s\"", rows[i].line, message);
		/* At the very end of a log it is the same. */
		log[strlen(log) - strlen("[    0.000001] usb: something else\n") - 1] = '\0';
		EXPECT_EQ(parse_log(f, log), -EINVAL);
		EXPECT_TRUE(strstr(message, where) == message);
	}
	fixture_free(f);
}

/* Reports quote /proc/version behind the log, and logs of several boots follow each other. */
KTEST(dmesg, the_last_boot_with_a_map_counts)
{
	static const char *const logs[] = {
		"Linux version 5.4\nBIOS-e820: [mem 0x0-0xfffffff] usable\n"
		"Linux version 6.1\nBIOS-e820: [mem 0x1000-0xffffff] usable\n",
		"Linux version 6.1\nBIOS-e820: [mem 0x1000-0xffffff] usable\n$ cat /proc/version\n"
		"Linux version 2.6.9 (x)\nMemory: 1K/1K available\ne820: remove [mem 0x0-0xffffff] usable\n",
		"BIOS-provided physical RAM map:\nBIOS-e820: [mem 0x0-0xfffffff] usable\n"
		"BIOS-provided physical RAM map:\nBIOS-e820: [mem 0x1000-0xffffff] usable\n",
		"Linux version 6.1\nEarly memory node ranges\n  node   0: [mem 0x0-0xfffffff]\n"
		"Linux version 6.1\nEarly memory node ranges\n  node   0: [mem 0x1000-0xffffff]\n",
		"Linux version 6.1\nEarly memory node ranges\n  node   0: [mem 0x0-0xfffffff]\n"
		"Early memory node ranges\n  node   0: [mem 0x1000-0xffffff]\n",
	};
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	for (unsigned i = 0; i < ARRAY_SIZE(logs); i++) {
		EXPECT_EQ(parse_log(f, logs[i]), 0);
		EXPECT_STREQ(message, "");
		if (i == 3 || i == 4)
			EXPECT_USABLE(f, {0x1000, 0x1000000});
		else
			EXPECT_GE(f->info.nr_ranges, 1);
		EXPECT_EQ(f->info.range[0].size, 0xfff000);
	}
	fixture_free(f);
}

KTEST(dmesg, lines_and_ranges_without_room_are_said)
{
	static const char head[] = "Linux version 6.9\nfish &amp; chips: ";
	static const char tail[] = "\nEarly memory node ranges\n  node   0: [mem 0x40000000-0x7fffffff]\n"
				   "Memory: 1000K/2000K available\nMemory: 1000K/3000K available\n";
	struct boot_fixture *f = fixture_new();
	size_t at = 0;

	ASSERT_NOT_NULL(f);
	memcpy(f->bytes, head, sizeof(head) - 1);
	memset(f->bytes + sizeof(head) - 1, 'x', 5000);
	memcpy(f->bytes + sizeof(head) - 1 + 5000, tail, sizeof(tail));
	EXPECT_EQ(parse_log(f, (char *)f->bytes), 0);
	EXPECT_USABLE(f, {0x40000000, 0x80000000});
	EXPECT_NOTE(&f->info, "log: 1 lines are longer than 2048 bytes, the first is line 2");
	EXPECT_NOTE(&f->info, "log:5: Linux has 2000 KiB of memory, the ranges of its nodes 1048576");
	/* A message as long as a line may be, and cut. */
	memcpy(f->bytes, "BIOS-e820: [mem 0x0-0x", 22);
	memset(f->bytes + 22, '0', 5000);
	memcpy(f->bytes + 5022, "\nBIOS-e820: [mem 0x0-0xffff] usable\n", 37);
	EXPECT_EQ(parse_log(f, (char *)f->bytes), -EINVAL);
	EXPECT_TRUE(strstr(message, "f:1: ") == message);
	for (unsigned i = 0; i < BOOT_MAX_RESERVED + 2; i++)
		at += (size_t)scnprintf((char *)f->bytes + at, FIXTURE_BYTES - at,
					"OF: reserved mem: 0x%x..0x%xfff (4 KiB) nomap\n",
					(0x50000 + i) << 12, 0x50000 + i);
	memcpy(f->bytes + at, tail, sizeof(tail));
	EXPECT_EQ(parse_log(f, (char *)f->bytes), 0);
	EXPECT_EQ(f->info.nr_reserved, BOOT_MAX_RESERVED);
	EXPECT_NOTE(&f->info, "log:257: more than 256 reserved ranges, 0x50100000 is not one");
	fixture_free(f);
}
