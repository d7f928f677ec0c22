/*
 * test_dmesg_text.c - properties of boot/host/dmesg_text.c: boot logs in all the forms that people save them in.
 *
 * Idea.       With any text in front of a message, and however its characters are written, the same machine must come out.
 *             Logs of three machines are made of a few lines each, in each of those forms.
 * Layout.     lines, form -> write_log() -> f->bytes -> parse_bytes() -> f->info, message
 * Invariants. None of its own.
 * Locking.    None.
 * Failure.    EXPECT lines name the form.
 * Next:       test_acpi.c.
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

/* One machine: by firmware's map; by the ranges of its node; and in pages, as before 3.5. */
static const char *const by_map[] = {
	"Linux version 6.1.0 (x)",
	"BIOS-provided physical RAM map:",
	"BIOS-e820: [mem 0x0000000000000000-0x000000000009fbff] usable",
	"BIOS-e820: [mem 0x000000000009fc00-0x00000000000fffff] reserved",
	"BIOS-e820: [mem 0x0000000000100000-0x0000000000ffffff] usable",
	"e820: update [mem 0x00000000-0x00000fff] usable ==> reserved",
	"e820: remove [mem 0x000a0000-0x000fffff] usable",
	"Zone ranges:",
	"  DMA      [mem 0x0000000000001000-0x0000000000ffffff]",
	"  DMA32    empty",
	"  Normal   empty",
};
static const char *const by_node[] = {
	"Linux version 6.1.0 (x)",
	"BIOS-provided physical RAM map:",
	"BIOS-e820: [mem 0x0000000000000000-0x00000000000fffff] reserved",
	"Zone ranges:",
	"  DMA      [mem 0x0000000000001000-0x0000000000ffffff]",
	"  DMA32    empty",
	"Movable zone start for each node",
	"Early memory node ranges",
	"  node   0: [mem 0x0000000000001000-0x000000000009efff]",
	"  node   0: [mem 0x0000000000100000-0x0000000000ffffff]",
	"Initmem setup node 0 [mem 0x0000000000001000-0x0000000000ffffff]",
};
static const char *const by_pages[] = {
	"Linux version 2.6.32 (x)",
	"BIOS-provided physical RAM map:",
	" BIOS-e820: 0000000000000000 - 0000000000100000 (reserved)",
	"Zone PFN ranges:",
	"  DMA      0x00000001 -> 0x00001000",
	"  DMA32    0x00001000 -> 0x00001000",
	"Movable zone start PFN for each node",
	"early_node_map[2] active PFN ranges",
	"    0: 0x00000001 -> 0x0000009f",
	"    0: 0x00000100 -> 0x00001000",
	"On node 0 totalpages: 3998",
};
static const struct {
	const char *const *line;
	unsigned nr;
} machines[] = {
	{by_map, ARRAY_SIZE(by_map)}, {by_node, ARRAY_SIZE(by_node)}, {by_pages, ARRAY_SIZE(by_pages)}};

/* Each line as `form` writes it: %s is the line. */
static size_t write_log(char *to, size_t size, unsigned machine, const char *form)
{
	size_t at = 0;

	for (unsigned i = 0; i < machines[machine].nr; i++)
		at += (size_t)scnprintf(to + at, size - at, form, machines[machine].line[i]);
	return at;
}

static bool is_the_machine(struct boot_info *bi)
{
	static const u64 want[][2] = {{0x1000, 0x9f000}, {0x100000, 0x1000000}};
	u64 cursor = 0, start, end;
	unsigned nr = 0;

	for (; boot_next_usable(bi, &cursor, &start, &end); nr++)
		if (nr >= ARRAY_SIZE(want) || start != want[nr][0] || end != want[nr][1])
			return false;
	return nr == ARRAY_SIZE(want) && bi->zones.dma_end == MIB(16) && bi->zones.dma32_end == GIB(4) &&
	       bi->nr_node_ranges == 0;
}

static void expect_the_machine(struct ktest *t, struct boot_fixture *f, const void *log, size_t len,
			       const char *form)
{
	int err = parse_bytes(f, log, len);

	EXPECT_MSG(!err && !*message && is_the_machine(&f->info), "form `%s`: %d, \"%s\", \"%s\"", form, err,
		   message, f->info.notes);
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
KTEST(dmesg_text, a_message_is_read_wherever_it_starts)
{
	static const char *const forms[] = {
		"%s\n",
		"%s\r\n",
		"%s\r\r\n",
		"[    0.000000] %s\n",
		"[    0.000000]%s\n",
		"[12345.678901] %s\n",
		"<6>[    0.000000] %s\n",
		"<6>%s\n",
		"<30>Jan  1 00:00:00 kernel: %s\n",
		"[    0.000000] [    T0] %s\n",
		"[    0.000000][    T0] %s\n",
		"[    0.000000] [0:      swapper:    0] %s\n",
		"[    0.000000@0] %s\n",
		"[    0.000000@0]- %s\n",
		"[0.000000]<0>(0)[0:swapper]%s\n",
		"<6>[    0.000000]  (0)[0:swapper]%s\n",
		"[    0.000000] c0      0 %s\n",
		"[    0.000000] -(0)[0:swapper/0]%s\n",
		"[Tue Jan 20 10:17:44 2026] %s\n",
		"[Di Jan 20 10:17:44 2026] %s\n",
		"[Jan20 10:17] %s\n",
		"[  +0.000003] %s\n",
		"[    0.000000 <    0.000003>] %s\n",
		"[<    0.000003>] %s\n",
		"kern  :info  : [    0.000000] %s\n",
		"kern  :info  : [Tue Jan 20 10:17:44 2026] %s\n",
		"kern  :debug : %s\n",
		"2026-01-20T10:17:44,123456+01:00 %s\n",
		"2026-01-20T10:17:44.123456+01:00 host kernel: [    0.000000] %s\n",
		"6,123,456,-;%s\n",
		"6,123,456,-,caller=T0;%s\n",
		"Jan 20 10:17:44 host kernel: %s\n",
		"Jan 20 10:17:44 host kernel: [    0.000000] %s\n",
		"Jan 20 10:17:44 host kernel[0]: %s\n",
		"Jan 20 10:17:44 host klogd: %s\n",
		"Tue 2026-01-20 10:17:44 CET host kernel: %s\n",
		"2026-01-20 10:17:44 host kern.info kernel: [    0.000000] %s\n",
		"Jan 20 10:17:44 host user.notice kernel: %s\n",
		"01-20 10:17:44.123     0     0 I         : %s\n",
		"01-20 10:17:44.123 I/kernel  (    0): %s\n",
		"> %s\n",
		">>> [    0.000000] %s\n",
		"> > | [    0.000000] %s\n",
		"     [    0.000000] %s\n",
		"\t[    0.000000] %s\n",
		"* [    0.000000] %s\n",
		"+[    0.000000] %s\n",
		"  12  [    0.000000] %s\n",
		"host.log:12:[    0.000000] %s\n",
		"name_1  | [    0.000000] %s\n",
		"[10:17:44] <nick> [    0.000000] %s\n",
		"(XEN) [    0.000000] %s\n",
		"[    0.000000] %s   \n",
		"[    0.000000] %s\\n\n",
		"`[    0.000000] %s`\n",
		"[    0.000000] %s<br />\n",
		"<span class=\"x\">[    0.000000]</span> <b>%s</b>\n",
		"{\"log\":\"[    0.000000] %s\\n\",\"stream\":\"stdout\"}\n",
		"{\"MESSAGE\" : \"%s\", \"PRIORITY\" : \"6\"}\n",
		"\x1b[32m[    0.000000] \x1b[0m%s\n",
		"\x1b[32m[    0.000000]\x1b[0;1m %s\x1b[m\n",
		"\x1b[1;33m\x1b(B%s\x1b[K\n",
		"[32m[    0.000000] [0m%s\n",
		"^[[32m[    0.000000] ^[[0m%s^M\n",
		"#033[32m[    0.000000] #033[0m%s\n",
		"\\x1b[32m[    0.000000] \\x1b[0m%s\n",
		"\xc2\xa0\xc2\xa0[\xc2\xa0   0.000000]\xc2\xa0%s\n",
		"\xe2\x80\x8b[    0.000000] %s\n",
		"[    0.000000] &nbsp;%s\n",
		"garbage \xf0\xff\x80 \x01 [    0.000000] %s\n",
		"%s\n[    0.000000] audit: something else\n",
	};
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	for (unsigned i = 0; i < ARRAY_SIZE(forms); i++)
		for (unsigned k = 0; k < ARRAY_SIZE(machines); k++) {
			size_t len = write_log((char *)f->bytes, FIXTURE_BYTES, k, forms[i]);

			expect_the_machine(t, f, f->bytes, len, forms[i]);
		}
	fixture_free(f);
}
#pragma GCC diagnostic pop

/* Replaces `what` by `with` in a text of len bytes; returns its new length. */
static size_t replace(char *text, size_t len, const char *what, const char *with)
{
	size_t n = strlen(what), m = strlen(with);

	for (size_t i = 0; i + n <= len;) {
		if (memcmp(text + i, what, n) != 0) {
			i++;
			continue;
		}
		memmove(text + i + m, text + i + n, len - i - n);
		memcpy(text + i, with, m);
		len += m - n;
		i += m;
	}
	return len;
}

/* Shows host/dmesg_text.T2. */
KTEST(dmesg_text, escaped_characters_are_what_they_stand_for)
{
	static const struct {
		const char *what, *with;
	} escapes[] = {
		{">", "&gt;"},
		{">", "&#62;"},
		{">", "&#x3e;"},
		{">", "&amp;gt;"},
		{">", "\\u003e"},
		{">", "=3E"},
		{"0x0", "0x=\n0"},
		{"usable", "=\r\nusable"},
		{" ", "\xa0"},
		{"\n", "\\n"},
		{"\n", "\\r\\n"},
		{"\n", "\r"},
		{"\n", "<br>"},
		{"\n", "<BR clear=\"all\" />"},
		{"[", "&#91;"},
		{"]", "&#93;"},
		{"[", "&lsqb;"},
		{" ", "&nbsp;"},
		{" ", "\xc2\xa0"},
		{"-0x", "\xe2\x80\x93"
			"0x"},
		{"->", "\xe2\x86\x92"},
		{" - ", " \xe2\x80\x94 "},
		{":", "&#58;"},
		{" text", " <b text"}, /* no tag: it does not end */
	};
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	for (unsigned i = 0; i < ARRAY_SIZE(escapes); i++)
		for (unsigned k = 0; k < ARRAY_SIZE(machines); k++) {
			size_t len = write_log((char *)f->bytes, FIXTURE_BYTES, k,
					       "[    0.000000] %s\n[    0.000000] usb: other text, "
					       "so that the log is longer than a line may be, which has no "
					       "more than two thousand characters: "
					       "there are eleven messages, and each of them is followed by "
					       "so much that is of no interest\n");

			len = replace((char *)f->bytes, len, escapes[i].what, escapes[i].with);
			expect_the_machine(t, f, f->bytes, len, escapes[i].with);
		}
	fixture_free(f);
}

/* Of any width: numbers and words are cut, too. */
KTEST(dmesg_text, a_narrow_terminal_cuts_lines_anywhere)
{
	struct boot_fixture *f = fixture_new();
	char form[32], log[2048];

	ASSERT_NOT_NULL(f);
	for (unsigned width = 48; width < 100; width++)
		for (unsigned k = 0; k < 2; k++) {
			size_t len = write_log(log, sizeof(log), k, "[    0.000000] %s\n"), at = 0;
			unsigned column = 0;

			for (size_t i = 0; i < len; i++) {
				column = log[i] == '\n' ? 0 : column + 1;
				if (column > width) {
					f->bytes[at++] = '\n';
					column = 1;
				}
				f->bytes[at++] = (u8)log[i];
			}
			snprintf(form, sizeof(form), "%u columns", width);
			expect_the_machine(t, f, f->bytes, at, form);
		}
	fixture_free(f);
}

/* Bytes of each character: the text in 8 bits, then in 16, with a mark or without. */
static size_t widen(u8 *to, const char *text, size_t len, bool big, bool mark)
{
	size_t at = 0;

	if (mark) {
		to[at++] = big ? 0xfe : 0xff;
		to[at++] = big ? 0xff : 0xfe;
	}
	for (size_t i = 0; i < len; i++) {
		to[at + big] = (u8)text[i];
		to[at + !big] = 0;
		at += 2;
	}
	return at;
}

KTEST(dmesg_text, utf_16_is_read_and_said)
{
	struct boot_fixture *f = fixture_new();
	char log[2048];

	ASSERT_NOT_NULL(f);
	for (unsigned k = 0; k < ARRAY_SIZE(machines) * 8; k++) {
		size_t len = write_log(log, sizeof(log), k / 8, k & 4 ? "[    0.000000] %s\r\n" : "%s\n");

		len = widen(f->bytes, log, len, k & 1, k & 2);
		expect_the_machine(t, f, f->bytes, len, "UTF-16");
		EXPECT_NOTE(&f->info, "lines are UTF-16, their zero bytes were skipped");
	}
	fixture_free(f);
}

KTEST(dmesg_text, zero_bytes_are_skipped_and_said)
{
	static const char before[] = "\0DDR V1.13\r\n\0\0\0\0[    0.000000] Linux version 6.1.0\n"
				     "BIOS-e820:\0 [mem 0x0-0x9fbff] usable\0\n"
				     "BIOS-e820: [mem 0x100000-0xffffff] usable\n";
	static const char inside[] = "Linux version 6.1.0\nBIOS-e820: [mem 0x0-0x9fbff] usable\n"
				     "BIOS-e820: [mem 0x10\0000-0xffffff] usable\n";
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	EXPECT_EQ(parse_bytes(f, before, sizeof(before) - 1), 0);
	EXPECT_USABLE(f, {0x1000, 0x9f000}, {0x100000, 0x1000000});
	EXPECT_NOTE(&f->info, "log: 7 zero bytes were skipped, the first in line 1");
	/* A digit was lost: the number is not a shorter one. */
	EXPECT_EQ(parse_bytes(f, inside, sizeof(inside) - 1), -EINVAL);
	EXPECT_TRUE(strstr(message, "f:3: ") == message);
	fixture_free(f);
}

KTEST(dmesg_text, what_is_no_text_is_refused)
{
	struct boot_fixture *f = fixture_new();

	ASSERT_NOT_NULL(f);
	for (unsigned i = 0; i < 4096; i++)
		f->bytes[i] = (u8)test_rand();
	memcpy(f->bytes, "\n\nELF\x02\x01\x01", 8);
	memcpy(f->bytes + 2048, "\nBIOS-e820: [mem 0x0-0xffffff] usable\n", 38);
	EXPECT_EQ(parse_bytes(f, f->bytes, 4096), -EINVAL);
	EXPECT_STREQ(message, "f:3: expected text, this line has control characters");
	fixture_free(f);
}
