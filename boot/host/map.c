/*
 * map.c - a machine's memory map as text: the .map files of tests/memmaps.
 *
 * Idea.       Each line is checked, and its fact is stored. map_rules.c then decides what all facts together mean. The
 *             ranges are sanitised by mm/memmap.c like those of any firmware.
 * Layout.     struct map (map_lines.h): the state; struct boot_info: the result
 * Invariants. L1  only the first mistake is reported, with the number of its line
 *             L2  no byte outside of [text, text + len) is read
 * Locking.    None: a pure function of the text.
 * Failure.    -EINVAL and a message with file, line and the expected text.
 * Next:       map_rules.c.
 */
#include "map_lines.h"

#include <kernel/bits.h>
#include <kernel/errno.h>
#include <kernel/printk.h>
#include <kernel/string.h>

/* ---- text ---- */

void map_start(struct map *m, const char *name, struct boot_info *bi, char *err, size_t err_size)
{
	memset(m, 0, sizeof(*m));
	m->bi = bi;
	m->name = name;
	m->err = err;
	m->err_size = err_size;
	*err = '\0';
}

bool map_bad(struct map *m, const char *fmt, ...)
{
	size_t at = 0;
	va_list ap;

	if (m->bad)
		return false;
	m->bad = true;
	if (m->line)
		at = (size_t)scnprintf(m->err, m->err_size, "%s:%u: ", m->name, m->line);
	else
		at = (size_t)scnprintf(m->err, m->err_size, "%s: ", m->name);
	va_start(ap, fmt);
	vsnprintf(m->err + at, m->err_size - at, fmt, ap);
	va_end(ap);
	return false;
}

bool map_next_line(struct map *m, const char **text, size_t *len, struct map_word *line)
{
	unsigned n = 0;

	if (m->bad || !*len)
		return false;
	while (n < *len && (*text)[n] != '\n')
		n++;
	*line = (struct map_word){*text, n};
	n += n < *len;
	*text += n;
	*len -= n;
	m->line++;
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

unsigned map_split(struct map_word line, struct map_word word[MAP_MAX_WORDS])
{
	unsigned nr = 0;

	for (unsigned i = 0; i < line.len;) {
		unsigned start = i;

		if (is_blank(line.s[i])) {
			i++;
			continue;
		}
		while (i < line.len && !is_blank(line.s[i]))
			i++;
		if (nr == MAP_MAX_WORDS)
			return nr + 1;
		word[nr++] = (struct map_word){line.s + start, i - start};
	}
	return nr;
}

bool map_word_is(struct map_word w, const char *text)
{
	return strlen(text) == w.len && memcmp(w.s, text, w.len) == 0;
}

bool map_word_starts(struct map_word w, const char *text)
{
	return strlen(text) <= w.len && memcmp(w.s, text, strlen(text)) == 0;
}

bool map_digits(struct map_word w, unsigned base, u64 *v)
{
	u64 n = 0;

	for (unsigned i = 0; i < w.len; i++) {
		char c = w.s[i];
		unsigned digit = c >= '0' && c <= '9'	? (unsigned)(c - '0')
				 : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
				 : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10
							: base;

		if (digit >= base || n > (~0UL - digit) / base)
			return false;
		n = n * base + digit;
	}
	*v = n;
	return w.len != 0;
}

void map_kernel_version(struct map_word w, unsigned version[3])
{
	unsigned v[3] = {0}, n = 0, at = 0;

	while (n < 3 && at < w.len) {
		unsigned start = at;
		u64 number;

		while (at < w.len && w.s[at] >= '0' && w.s[at] <= '9')
			at++;
		if (!map_digits((struct map_word){w.s + start, at - start}, 10, &number) || number > 1000000)
			break;
		v[n++] = (unsigned)number;
		if (at == w.len || w.s[at] != '.')
			break;
		at++;
	}
	if (n >= 2)
		memcpy(version, v, sizeof(v));
}

/* ---- facts ---- */

static const struct {
	const char *name;
	u32 type;
	bool log; /* printed by some kernels, not part of the .map format */
} types[] = {
	{"usable", MEM_USABLE, false},
	{"reserved", MEM_RESERVED, false},
	{"ACPI data", MEM_ACPI, false},
	{"ACPI NVS", MEM_NVS, false},
	{"unusable", MEM_UNUSABLE, false},
	{"persistent", MEM_PERSISTENT, false},
	{"soft reserved", MEM_SOFT_RESERVED, false},
	{"System RAM", MEM_USABLE, true}, /* 7.0 */
	{"kernel usable RAM", MEM_USABLE, true},
	{"device reserved", MEM_RESERVED, true},
	{"persistent RAM", MEM_PERSISTENT, true},
	{"ROM data", MEM_RESERVED, true}, /* MIPS */
};

/* A type number without a name is memory that Linux does not use. */
static bool number_type(u64 n, u32 *type)
{
	if (n > ~0U)
		return false;
	*type = n == MEM_NONE || n == MEM_USABLE ? MEM_RESERVED : (u32)n;
	return true;
}

bool map_type(struct map_word text, u32 *type)
{
	u64 n;

	for (unsigned i = 0; i < ARRAY_SIZE(types); i++) {
		if (types[i].log || !map_word_is(text, types[i].name))
			continue;
		*type = types[i].type;
		return true;
	}
	return map_word_starts(text, "type ") &&
	       map_digits((struct map_word){text.s + 5, text.len - 5}, 10, &n) && number_type(n, type);
}

static bool ends_word(struct map_word text, unsigned at)
{
	char c = at < text.len ? text.s[at] : ' ';

	return !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_');
}

bool map_take_type(struct map_word *text, u32 *type)
{
	unsigned best = 0, n = 5;
	u64 number;

	for (unsigned i = 0; i < ARRAY_SIZE(types); i++) {
		unsigned len = (unsigned)strlen(types[i].name);

		if (len <= best || !map_word_starts(*text, types[i].name) || !ends_word(*text, len))
			continue;
		best = len;
		*type = types[i].type;
	}
	if (!best && map_word_starts(*text, "type ")) {
		while (n < text->len && !ends_word(*text, n))
			n++;
		if (map_digits((struct map_word){text->s + 5, n - 5}, 10, &number) &&
		    number_type(number, type))
			best = n;
	}
	text->s += best;
	text->len -= best;
	return best != 0;
}

void map_add_range(struct map *m, enum map_source source, u64 first, u64 last, u32 type)
{
	if (m->bi->nr_ranges == BOOT_MAX_RANGES) {
		map_bad(m, "expected at most %u ranges", BOOT_MAX_RANGES);
		return;
	}
	/* The size of the whole address space does not fit in 64 bits, so its last byte is left out. */
	if (first == 0 && last == ~0UL)
		last--;
	if (last + 1 != first)
		boot_add_range(m->bi, first, last - first + 1, type, source);
}

void map_add_edit(struct map *m, u64 first, u64 last, u32 from, u32 to)
{
	struct boot_info *bi = m->bi;

	if (bi->nr_edits == BOOT_MAX_EDITS)
		map_bad(m, "expected at most %u changes of the map", BOOT_MAX_EDITS);
	else
		bi->edit[bi->nr_edits++] =
			(struct boot_edit){first, last == ~0UL ? last : last + 1, from, to};
}

void map_add_node(struct map *m, u64 node, u64 first, u64 last, bool from_log)
{
	struct boot_info *bi = m->bi;
	/* The size of the whole address space does not fit: one byte less. */
	u64 size = first == 0 && last == ~0UL ? last : last - first + 1;

	if (node >= MAP_LOG_NODE) {
		map_bad(m, "node %lu: expected a number below %u", (unsigned long)node, MAP_LOG_NODE);
		return;
	}
	if (bi->nr_node_ranges == BOOT_MAX_NODE_RANGES) {
		map_bad(m, "expected at most %u ranges of nodes", BOOT_MAX_NODE_RANGES);
		return;
	}
	bi->node_range[bi->nr_node_ranges++] =
		(struct boot_node_range){first, size, (u32)node | (from_log ? MAP_LOG_NODE : 0)};
}

void map_show_node(struct map *m, u64 node)
{
	if (node < 64)
		m->nodes_shown |= 1UL << node;
	m->node_shown = true;
	m->many_shown |= node >= 64 || hweight64(m->nodes_shown) > 1;
}

void map_set_zone(struct map *m, struct map_word name, bool empty, u64 start, u64 end)
{
	static const char *const names[MAP_ZONES] = {"DMA", "DMA32", "Normal", "HighMem"};

	for (unsigned k = 0; k < MAP_ZONES; k++)
		if (map_word_is(name, names[k]))
			m->zone[k] = (struct map_zone){true, empty, start, end};
}

/* ---- the lines of a .map file ---- */

#define EXPECTED_HEX "expected a hexadecimal number with 0x"
#define EXPECTED_DEC "expected a decimal number"

static bool hex(struct map *m, struct map_word w, u64 *v)
{
	if (map_word_starts(w, "0x") && map_digits((struct map_word){w.s + 2, w.len - 2}, 16, v))
		return true;
	return map_bad(m, "\"%.*s\": " EXPECTED_HEX " of at most 64 bits", (int)w.len, w.s);
}

static bool dec(struct map *m, struct map_word w, u64 *v)
{
	return map_digits(w, 10, v) || map_bad(m, "\"%.*s\": " EXPECTED_DEC, (int)w.len, w.s);
}

/* Reads START END; END is inclusive. */
static bool span(struct map *m, const struct map_word *w, u64 *first, u64 *last)
{
	if (!hex(m, w[0], first) || !hex(m, w[1], last))
		return false;
	if (*last >= *first || *last + 1 == *first)
		return true;
	return map_bad(m, "0x%lx to 0x%lx: expected an END (inclusive) that is not before START",
		       (unsigned long)*first, (unsigned long)*last);
}

/* Checks the number of words. Else the message is "expected" and the form of the line. */
static bool words(struct map *m, unsigned nr, unsigned least, unsigned most, const char *form)
{
	return (nr >= least && nr <= most) || map_bad(m, "expected `%s`", form);
}

/* The text from word a to word b. */
static struct map_word join(const struct map_word *a, const struct map_word *b)
{
	return (struct map_word){a->s, (unsigned)(b->s + b->len - a->s)};
}

static bool type(struct map *m, struct map_word text, u32 *t)
{
	return map_type(text, t) ||
	       map_bad(m,
		       "\"%.*s\": expected usable, reserved, ACPI data, ACPI NVS, unusable, persistent, "
		       "soft reserved or type N",
		       (int)text.len, text.s);
}

static bool line_arch(struct map *m, const struct map_word *w, unsigned nr)
{
	static const char *const names[] = {"x86_64", "i386", "arm64", "arm", "riscv64", "ppc64le", "sh"};

	if (!words(m, nr, 2, 2, "arch NAME"))
		return false;
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		if (!map_word_is(w[1], names[i]))
			continue;
		m->arch = i == 0 ? MAP_X86_64 : i == 1 ? MAP_I386 : MAP_OTHER;
		return true;
	}
	return map_bad(m, "\"%.*s\": expected x86_64, i386, arm64, arm, riscv64, ppc64le or sh",
		       (int)w[1].len, w[1].s);
}

static bool line_page_size(struct map *m, const struct map_word *w, unsigned nr)
{
	u64 size;

	if (!words(m, nr, 2, 2, "page-size BYTES") || !dec(m, w[1], &size))
		return false;
	return (is_pow2(size) && size >= 4096) ||
	       map_bad(m, "page-size %lu: expected a power of two from 4096 on", (unsigned long)size);
}

static bool line_e820(struct map *m, const struct map_word *w, unsigned nr)
{
	bool user = map_word_is(w[0], "user");
	u64 first, last;
	u32 t;

	if (!words(m, nr, 4, 5, user ? "user START END TYPE" : "e820 START END TYPE") ||
	    !span(m, w + 1, &first, &last) || !type(m, join(&w[3], &w[nr - 1]), &t))
		return false;
	map_add_range(m, user ? MAP_USER : MAP_E820, first, last, t);
	return true;
}

static bool line_linux(struct map *m, const struct map_word *w, unsigned nr)
{
	bool update = nr > 1 && map_word_is(w[1], "update");
	const char *form = update ? "linux update START END TYPE => TYPE" : "linux remove START END TYPE";
	unsigned arrow = nr;
	u64 first, last;
	u32 from = MEM_NONE, to = MEM_NONE;

	if (nr < 2 || (!update && !map_word_is(w[1], "remove")))
		return map_bad(m, "expected `linux update` or `linux remove`");
	if (!words(m, nr, update ? 7 : 4, update ? 9 : 6, form) || !span(m, w + 2, &first, &last))
		return false;
	if (update)
		for (arrow = 5; arrow < nr && !map_word_is(w[arrow], "=>");)
			arrow++;
	if (update && arrow + 1 >= nr)
		return map_bad(m, "expected `%s`", form);
	if ((arrow > 4 && !type(m, join(&w[4], &w[arrow - 1]), &from)) ||
	    (update && !type(m, join(&w[arrow + 1], &w[nr - 1]), &to)))
		return false;
	map_add_edit(m, first, last, from, to);
	return true;
}

/* Checked for form only: the e820 lines contain the same facts. */
static bool line_efi(struct map *m, const struct map_word *w, unsigned nr)
{
	u64 kind, attr, first, last;

	if (!words(m, nr, 5, 5, "efi TYPE ATTR START END") || !dec(m, w[1], &kind) || !hex(m, w[2], &attr))
		return false;
	if (kind > 16)
		return map_bad(m, "efi type %lu: expected 0 to 16", (unsigned long)kind);
	return map_word_is(w[4], "empty") ? hex(m, w[3], &first) : span(m, w + 3, &first, &last);
}

static bool line_dt(struct map *m, const struct map_word *w, unsigned nr)
{
	bool memory = nr > 1 && map_word_is(w[1], "memory"), reusable = false;
	u64 start, size;

	if (nr < 2 || (!memory && !map_word_is(w[1], "reserved")))
		return map_bad(m, "expected `dt memory` or `dt reserved`");
	if (!words(m, nr, 4, MAP_MAX_WORDS,
		   memory ? "dt memory START SIZE" : "dt reserved START SIZE [flags]") ||
	    !hex(m, w[2], &start) || !hex(m, w[3], &size))
		return false;
	if (size > ~0UL - start)
		return map_bad(m, "size 0x%lx: expected a range below 2^64", (unsigned long)size);
	for (unsigned i = 4; i < nr; i++)
		reusable |= map_word_is(w[i], "reusable");
	if (memory && size)
		map_add_range(m, MAP_DT, start, start + size - 1, MEM_USABLE);
	if (memory || reusable || !size)
		return true;
	if (m->bi->nr_reserved == BOOT_MAX_RESERVED)
		return map_bad(m, "expected at most %u reserved ranges", BOOT_MAX_RESERVED);
	m->bi->reserved[m->bi->nr_reserved++] = (struct boot_reserved){start, start + size};
	return true;
}

static bool line_srat(struct map *m, const struct map_word *w, unsigned nr)
{
	static const char form[] = "srat NODE START END [hotplug] [non-volatile]";
	u64 node, first, last;
	unsigned at = 4;

	if (!words(m, nr, 4, 6, form) || !dec(m, w[1], &node) || !span(m, w + 2, &first, &last))
		return false;
	at += at < nr && map_word_is(w[at], "hotplug");
	at += at < nr && map_word_is(w[at], "non-volatile");
	if (at < nr)
		return map_bad(m, "\"%.*s\": expected `%s`", (int)w[at].len, w[at].s, form);
	map_add_node(m, node, first, last, false);
	return true;
}

/* Reads "zone NAME ...". */
static bool expect_zone(struct map *m, const struct map_word *w, unsigned nr)
{
	bool empty = nr == 3 && map_word_is(w[2], "empty");
	u64 first = 0, last = 0;

	if (!empty && (!words(m, nr, 4, 4, "expect zone NAME START END") || !span(m, w + 2, &first, &last)))
		return false;
	map_set_zone(m, w[1], empty, first, last == ~0UL ? last : last + 1);
	return true;
}

static bool expect_node(struct map *m, u64 node, const struct map_word *w, unsigned nr)
{
	u64 first, last;

	map_show_node(m, node);
	if (nr && map_word_is(w[0], "totalpages"))
		return words(m, nr, 2, 2, "expect node N totalpages PAGES") && dec(m, w[1], &first);
	if (!words(m, nr, 3, 3, "expect node N range START END") || !span(m, w + 1, &first, &last))
		return false;
	map_add_node(m, node, first, last, true);
	return true;
}

/* Results of Linux. Zones and node ranges are used; counts are checked for form only. */
static bool line_expect(struct map *m, const struct map_word *w, unsigned nr)
{
	static const char *const counts[] = {"zone-pages", "zone-memmap", "zone-reserved", "zone-spanned",
					     "unavailable"};
	u64 node, v;

	w++, nr--;
	if (nr > 1 && map_word_is(w[0], "node")) {
		if (!dec(m, w[1], &node))
			return false;
		w += 2, nr -= 2;
		if (nr && (map_word_is(w[0], "range") || map_word_is(w[0], "totalpages")))
			return expect_node(m, node, w, nr);
	}
	if (nr && map_word_is(w[0], "zone"))
		return expect_zone(m, w, nr);
	for (unsigned i = 0; nr && i < ARRAY_SIZE(counts); i++)
		if (map_word_is(w[0], counts[i]))
			return words(m, nr, 3, 3, "expect [node N] WHAT ZONE PAGES") && dec(m, w[2], &v);
	if (nr && map_word_is(w[0], "available-kb"))
		return (nr == 2 && dec(m, w[1], &v)) ||
		       (nr == 4 && map_word_is(w[2], "of") && dec(m, w[1], &v) && dec(m, w[3], &v)) ||
		       map_bad(m, "expected `expect available-kb KB of KB`");
	return map_bad(m, "expected zone, node, zone-pages, zone-memmap, zone-reserved, zone-spanned, "
			  "unavailable or available-kb behind `expect`");
}

/* Reads the version in a comment "# kernel: 6.1.0-13-amd64". */
static void comment(struct map *m, struct map_word line)
{
	struct map_word w[MAP_MAX_WORDS];
	unsigned nr;

	line.s++, line.len--;
	nr = min(map_split(line, w), (unsigned)MAP_MAX_WORDS);
	if (nr > 1 && map_word_is(w[0], "kernel:"))
		map_kernel_version(w[1], m->kernel);
}

static bool map_line(struct map *m, struct map_word line)
{
	static const struct {
		const char *word;
		bool (*fn)(struct map *m, const struct map_word *w, unsigned nr);
	} kinds[] = {
		{"arch", line_arch}, {"page-size", line_page_size}, {"e820", line_e820},
		{"user", line_e820}, {"linux", line_linux},	    {"efi", line_efi},
		{"dt", line_dt},     {"srat", line_srat},	    {"expect", line_expect},
	};
	struct map_word w[MAP_MAX_WORDS];
	unsigned nr;

	if (line.len && *line.s == '#') {
		comment(m, line);
		return true;
	}
	nr = map_split(line, w);
	if (!nr)
		return true;
	if (nr > MAP_MAX_WORDS)
		return map_bad(m, "expected at most %u words", MAP_MAX_WORDS);
	m->items++;
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++)
		if (map_word_is(w[0], kinds[i].word))
			return kinds[i].fn(m, w, nr);
	return map_bad(m, "\"%.*s\": expected arch, page-size, e820, user, linux, efi, dt, srat or expect",
		       (int)w[0].len, w[0].s);
}

int map_parse(const char *name, const char *text, size_t len, struct boot_info *bi, char *err,
	      size_t err_size)
{
	struct map_word line;
	struct map m;

	map_start(&m, name, bi, err, err_size);
	while (map_next_line(&m, &text, &len, &line) && map_line(&m, line))
		;
	return map_finish(&m);
}
