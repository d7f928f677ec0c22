/*
 * fdt_node.c - a flattened device tree as nodes and properties.
 *
 * Idea.       The structure block is a sequence of tokens. token_at() reads one and returns the offset of the next; only
 *             this function decides how long a token is, and all others are loops over it. The first pass looks for a
 *             violation of the nesting rules and cuts the block there, so later passes need no check.
 * Layout.     Header of 40 bytes: magic, total size, offsets of structure, strings and reservation block, version, last
 *             compatible version, boot CPU, sizes of strings and structure. All numbers are big-endian.
 *             Tokens at multiples of 4: BEGIN_NODE name, END_NODE, PROP length name-offset data, NOP, END.
 *             (Devicetree specification 0.4, chapters 2.3 and 5.)
 * Invariants. I1  for any bytes, every read lies inside the block that it is made in
 *             I2  no path is longer than FDT_DEPTH_MAX
 *             I3  the strings block ends with a NUL, the structure block at a multiple of 4
 *             The time of a walk is linear in the size of the block: a parent's properties are read once for all children.
 * Locking.    None: pure functions.
 * Failure.    Each error is noted with the expected value. The tree ends at the first violation.
 * Next:       fdt.c, which interprets the nodes.
 */
#include "fdt_node.h"

#include <kernel/bits.h>
#include <kernel/string.h>

enum {
	FDT_MAGIC = 0xd00dfeed,
	HEADER_SIZE = 40,
	VERSION_LEAST = 16, /* the first version with names as the specification defines them */
	VERSION_SIZED = 17, /* from this version on the header has the size of the structure block */
	COMPATIBLE_MOST = 17,
	CELL = 4,
};

enum token { TOKEN_BAD = 0, BEGIN_NODE = 1, END_NODE = 2, PROP = 3, NOP = 4, END = 9 };

/* GIC: the first cell of an interrupt is its type; an INTID is base plus second cell, which is below the maximum. */
enum { GIC_SPI = 0, GIC_PPI = 1, SPI_BASE = 32, SPI_MAX = 988, PPI_BASE = 16, PPI_MAX = 16 };

/* ---- header ---- */

size_t fdt_total_size(const void *header8)
{
	const u8 *p = header8;
	u32 total = fdt_u32(p + 4);

	return fdt_u32(p) == FDT_MAGIC && total >= HEADER_SIZE ? total : 0;
}

/* Whether [start, start + size) lies in the blob after its header. */
static bool inside(const struct fdt *f, u32 start, u32 size, const char *what)
{
	if (start >= HEADER_SIZE && start <= f->total && size <= f->total - start)
		return true;
	boot_note(f->bi, "device tree: %s block at +0x%x of 0x%x bytes, expected inside of 0x%x bytes", what,
		  start, size, f->total);
	return false;
}

static bool open_header(struct fdt *f, const u8 *p, size_t len)
{
	u32 st = fdt_u32(p + 8), str = fdt_u32(p + 12), version = fdt_u32(p + 20), last = fdt_u32(p + 24);

	f->base = p;
	f->total = fdt_u32(p + 4);
	f->reservations = fdt_u32(p + 16);
	if (f->total > len) {
		boot_note(f->bi, "device tree: 0x%x bytes, only 0x%lx can be read", f->total, len);
		f->total = (u32)len;
	}
	if (version < VERSION_LEAST || last > COMPATIBLE_MOST) {
		boot_note(f->bi,
			  "device tree: version %u, compatible with %u; expected %u or later, and with %u",
			  version, last, VERSION_LEAST, COMPATIBLE_MOST);
		return false;
	}
	f->str_len = fdt_u32(p + 32);
	f->st_len = version >= VERSION_SIZED ? fdt_u32(p + 36) : f->total - min(st, f->total);
	if (!inside(f, st, f->st_len, "structure") || !inside(f, str, f->str_len, "strings"))
		return false;
	if (st % CELL)
		boot_note(f->bi, "device tree: structure block at +0x%x, expected a multiple of 4", st);
	f->st = p + st;
	f->st_len = ALIGN_DOWN(f->st_len, (u32)CELL);
	f->str = (const char *)p + str;
	return true;
}

/* Cuts the strings block after its last NUL (I3). */
static void close_strings(struct fdt *f)
{
	u32 len = f->str_len;

	while (len && f->str[len - 1])
		len--;
	if (len != f->str_len)
		boot_note(f->bi, "device tree: strings block does not end with a NUL, %u bytes are not used",
			  f->str_len - len);
	f->str_len = len;
}

/* ---- tokens ---- */

/* Reads the token at pos, a multiple of 4 and at most st_len. *next is the offset of the token after it. */
static enum token token_at(const struct fdt *f, u32 pos, u32 *next)
{
	const u8 *p = f->st + pos;
	u32 room = f->st_len - pos, token, size = CELL;

	if (room < CELL)
		return TOKEN_BAD;
	token = fdt_u32(p);
	room -= CELL;
	switch (token) {
	case BEGIN_NODE:
		size = (u32)strnlen((const char *)p + CELL, room) + 1;
		if (size > room)
			return TOKEN_BAD;
		break;
	case PROP:
		if (room < 2 * CELL || fdt_u32(p + CELL) > room - 2 * CELL)
			return TOKEN_BAD;
		size = 2 * CELL + fdt_u32(p + CELL);
		break;
	case END_NODE:
	case NOP:
	case END:
		size = 0;
		break;
	default:
		return TOKEN_BAD;
	}
	*next = pos + CELL + ALIGN_UP(size, (u32)CELL);
	return (enum token)token;
}

/* Returns the length of the valid part: up to the first violation, or to END. Notes unusable properties, too. */
static u32 good_length(const struct fdt *f)
{
	u32 depth = 0, nodes = 0, pos = 0, next = 0, nameless = 0, late = 0;
	bool after_child = false;
	const char *why = NULL;

	for (;; pos = next) {
		enum token token = token_at(f, pos, &next);

		if (token == BEGIN_NODE) {
			why = depth == FDT_DEPTH_MAX ? "a node too deep"
			      : depth == 0 && nodes  ? "a second root"
						     : NULL;
			depth++;
			nodes++;
			after_child = false;
		} else if (token == END_NODE) {
			why = depth == 0 ? "the end of no node" : NULL;
			depth--;
			after_child = true;
		} else if (token == PROP) {
			why = depth == 0 ? "a property of no node" : NULL;
			nameless += fdt_u32(f->st + pos + 2 * CELL) >= f->str_len;
			late += after_child;
		} else if (token == END) {
			why = depth ? "the end inside of a node" : !nodes ? "the end before the root" : NULL;
		} else if (token == TOKEN_BAD) {
			why = pos == f->st_len ? "nothing, expected the end" : "no whole token";
		}
		if (why || token == END)
			break;
	}
	if (nameless)
		boot_note(f->bi,
			  "device tree: %u properties have names outside of the strings block, ignored",
			  nameless);
	if (late)
		boot_note(f->bi, "device tree: %u properties come behind children of their node, ignored",
			  late);
	if (why)
		boot_note(f->bi, "device tree: %s at +0x%x of the structure block; what follows is not used",
			  why, pos);
	return why ? pos : next;
}

bool fdt_open(struct fdt *f, const void *blob, size_t len, struct boot_info *bi)
{
	*f = (struct fdt){.bi = bi};
	if (len < HEADER_SIZE || !fdt_total_size(blob)) {
		boot_note(bi, "device tree: no header of %u bytes with magic 0x%x", HEADER_SIZE, FDT_MAGIC);
		return false;
	}
	if (!open_header(f, blob, len))
		return false;
	close_strings(f);
	f->st_len = good_length(f);
	return true;
}

/* ---- nodes ---- */

static bool level_prop(const struct fdt *f, const struct fdt_level *level, const char *name,
		       struct fdt_prop *out)
{
	const u32 size = (u32)strlen(name) + 1;

	for (u32 pos = level->properties, next;; pos = next) {
		enum token token = token_at(f, pos, &next);
		const u8 *p = f->st + pos;
		u32 at;

		if (token != PROP && token != NOP)
			return false;
		if (token == NOP)
			continue;
		at = fdt_u32(p + 2 * CELL);
		if (at > f->str_len || size > f->str_len - at || memcmp(f->str + at, name, size) != 0)
			continue;
		*out = (struct fdt_prop){p + 3 * CELL, fdt_u32(p + CELL)};
		return true;
	}
}

/* Number of cells of the children's addresses or sizes. A property that is not one cell counts as absent. */
static u8 cells_of(const struct fdt *f, const struct fdt_level *level, const char *name, u8 absent)
{
	struct fdt_prop p;

	if (!level_prop(f, level, name, &p) || p.len != CELL)
		return absent;
	return (u8)min(fdt_u32(p.data), 255U);
}

/* Makes the node whose token is at w->pos the walk's current node. Its properties begin at `properties`. */
static void enter_node(const struct fdt *f, struct fdt_walk *w, u32 properties)
{
	struct fdt_level *level = &w->node.level[w->open];

	*level = (struct fdt_level){.at = w->pos, .properties = properties};
	level->address_cells = cells_of(f, level, "#address-cells", 2);
	level->size_cells = cells_of(f, level, "#size-cells", 1);
	w->node.depth = w->open++;
	w->pos = properties;
}

bool fdt_next(const struct fdt *f, struct fdt_walk *w)
{
	for (u32 next;; w->pos = next) {
		switch (token_at(f, w->pos, &next)) {
		case BEGIN_NODE:
			enter_node(f, w, next);
			return true;
		case END_NODE:
			w->open--;
			break;
		case PROP:
		case NOP:
			break;
		default:
			return false;
		}
	}
}

static const char *node_name(const struct fdt *f, const struct fdt_level *level)
{
	return (const char *)f->st + level->at + CELL;
}

/* Whether the n bytes at text are the node's name, with or without its unit address. */
static bool name_matches(const struct fdt *f, const struct fdt_level *level, const char *text, size_t n)
{
	const char *name = node_name(f, level);

	return strncmp(name, text, n) == 0 && strnlen(text, n) == n &&
	       (name[n] == '\0' || (name[n] == '@' && !memchr(text, '@', n)));
}

bool fdt_is_named(const struct fdt *f, const struct fdt_level *level, const char *name)
{
	return name_matches(f, level, name, strlen(name));
}

struct fdt_name fdt_name(const struct fdt *f, const struct fdt_node *n)
{
	const char *name = node_name(f, &n->level[n->depth]);
	struct fdt_name out;
	size_t i = 0;

	for (; i < sizeof(out.text) - 1 && name[i]; i++)
		out.text[i] = name[i] > ' ' && name[i] <= '~' ? name[i] : '?';
	out.text[i] = '\0';
	return out;
}

static bool path_matches(const struct fdt *f, const struct fdt_node *n, const char *path, const char *end)
{
	for (unsigned d = 1; d <= n->depth; d++) {
		const char *part = path + 1, *slash;

		if (path == end || *path != '/')
			return false;
		slash = memchr(part, '/', (size_t)(end - part));
		path = slash ? slash : end;
		if (!name_matches(f, &n->level[d], part, (size_t)(path - part)))
			return false;
	}
	return path == end;
}

bool fdt_find_path(const struct fdt *f, const char *path, size_t n, struct fdt_node *out)
{
	struct fdt_walk w = {};

	while (fdt_next(f, &w)) {
		if (!path_matches(f, &w.node, path, path + n))
			continue;
		*out = w.node;
		return true;
	}
	return false;
}

bool fdt_node_at(const struct fdt *f, u32 at, struct fdt_node *out)
{
	struct fdt_walk w = {};

	while (fdt_next(f, &w)) {
		if (fdt_at(&w.node) != at)
			continue;
		*out = w.node;
		return true;
	}
	return false;
}

/* ---- properties ---- */

bool fdt_get_prop(const struct fdt *f, const struct fdt_node *n, const char *name, struct fdt_prop *out)
{
	return level_prop(f, &n->level[n->depth], name, out);
}

bool fdt_get_u32(const struct fdt *f, const struct fdt_node *n, const char *name, u32 *out)
{
	struct fdt_prop p;

	if (!fdt_get_prop(f, n, name, &p))
		return false;
	if (p.len != CELL) {
		boot_note(f->bi, "device tree: %s: %s of %u bytes, expected 4", fdt_name(f, n).text, name,
			  p.len);
		return false;
	}
	*out = fdt_u32(p.data);
	return true;
}

bool fdt_prop_is(const struct fdt_prop *p, const char *text)
{
	return p->len == strlen(text) + 1 && memcmp(p->data, text, p->len) == 0;
}

int fdt_list_index(const struct fdt_prop *list, const char *text)
{
	const u32 size = (u32)strlen(text) + 1;
	int index = 0;

	for (u32 at = 0; at < list->len; index++) {
		const char *item = (const char *)list->data + at;
		u32 room = list->len - at, len = (u32)strnlen(item, room);

		if (size <= room && memcmp(item, text, size) == 0)
			return index;
		at += len + (len < room);
	}
	return -1;
}

bool fdt_is_compatible(const struct fdt *f, const struct fdt_node *n, const char *what)
{
	struct fdt_prop p;

	return fdt_get_prop(f, n, "compatible", &p) && fdt_list_index(&p, what) >= 0;
}

bool fdt_is_okay(const struct fdt *f, const struct fdt_node *n)
{
	struct fdt_prop p;

	return !fdt_get_prop(f, n, "status", &p) || fdt_prop_is(&p, "okay") || fdt_prop_is(&p, "ok");
}

/* ---- addresses ---- */

u64 fdt_cells(const u8 *p, unsigned cells)
{
	return cells == 0 ? 0 : cells == 1 ? fdt_u32(p) : fdt_u64(p);
}

/* Whether start + size is at most 2^64. */
static bool fits(u64 start, u64 size)
{
	return !size || size - 1 <= ~0UL - start;
}

bool fdt_reg(const struct fdt *f, const struct fdt_node *n, const char *name, unsigned i, u64 *start,
	     u64 *size)
{
	const struct fdt_level *bus = &n->level[n->depth ? n->depth - 1 : 0];
	const unsigned ac = bus->address_cells, sc = bus->size_cells, stride = CELL * (ac + sc);
	struct fdt_prop p;

	if (!fdt_get_prop(f, n, name, &p))
		return false;
	if (!ac || ac > FDT_CELLS_MAX || sc > FDT_CELLS_MAX) {
		boot_note(f->bi,
			  "device tree: %s: addresses of %u and sizes of %u cells, expected 1 or 2 and at "
			  "most 2",
			  fdt_name(f, n).text, ac, sc);
		return false;
	}
	if (i == 0 && (!p.len || p.len % stride))
		boot_note(f->bi, "device tree: %s: %s of %u bytes, expected a multiple of %u",
			  fdt_name(f, n).text, name, p.len, stride);
	if (i >= p.len / stride)
		return false;
	*start = fdt_cells(p.data + i * stride, ac);
	*size = fdt_cells(p.data + i * stride + CELL * ac, sc);
	if (fits(*start, *size))
		return true;
	boot_note(f->bi, "device tree: %s: %s [0x%lx, +0x%lx) wraps, ignored", fdt_name(f, n).text, name,
		  *start, *size);
	return false;
}

/* Translates [*start, +size) from a bus to the bus above, if one entry of `ranges` contains all of it. */
static bool translate(const struct fdt_prop *ranges, const struct fdt_level *bus,
		      const struct fdt_level *above, u64 *start, u64 size)
{
	const unsigned child = bus->address_cells, parent = above->address_cells, len = bus->size_cells;
	const u32 stride = CELL * (child + parent + len);

	if (!child || !parent || child > FDT_CELLS_MAX || parent > FDT_CELLS_MAX || len > FDT_CELLS_MAX)
		return false;
	for (u32 at = 0; ranges->len - at >= stride; at += stride) {
		const u8 *p = ranges->data + at;
		u64 from = fdt_cells(p, child), to = fdt_cells(p + CELL * child, parent);
		u64 room = fdt_cells(p + CELL * (child + parent), len), offset = *start - from;

		if (*start < from || offset >= room || size > room - offset || !fits(to, room))
			continue;
		*start = to + offset;
		return true;
	}
	return false;
}

bool fdt_cpu_reg(const struct fdt *f, const struct fdt_node *n, const char *name, unsigned i, u64 *start,
		 u64 *size)
{
	if (!fdt_reg(f, n, name, i, start, size))
		return false;
	for (unsigned d = n->depth ? n->depth - 1 : 0; d > 0; d--) {
		struct fdt_prop ranges;

		if (!level_prop(f, &n->level[d], "ranges", &ranges)) {
			boot_note(f->bi, "device tree: %s: the bus above it has no ranges, ignored",
				  fdt_name(f, n).text);
			return false;
		}
		if (ranges.len && !translate(&ranges, &n->level[d], &n->level[d - 1], start, *size)) {
			boot_note(f->bi,
				  "device tree: %s: no ranges of the bus above hold [0x%lx, +0x%lx), ignored",
				  fdt_name(f, n).text, *start, *size);
			return false;
		}
	}
	return true;
}

/* ---- interrupts ---- */

static bool find_phandle(const struct fdt *f, u32 phandle, struct fdt_node *out)
{
	struct fdt_walk w = {};
	struct fdt_prop p;

	while (fdt_next(f, &w)) {
		if ((!fdt_get_prop(f, &w.node, "phandle", &p) &&
		     !fdt_get_prop(f, &w.node, "linux,phandle", &p)) ||
		    p.len != CELL || fdt_u32(p.data) != phandle)
			continue;
		*out = w.node;
		return true;
	}
	return false;
}

/* Number of cells of an interrupt at the controller with this phandle. 0: it is not the GIC at token gic. */
static u32 gic_cells(const struct fdt *f, u32 phandle, u32 gic)
{
	struct fdt_node controller;
	u32 cells;

	if (!gic || !find_phandle(f, phandle, &controller) || fdt_at(&controller) != gic ||
	    !fdt_get_u32(f, &controller, "#interrupt-cells", &cells) || cells < 3 || cells > 255)
		return 0;
	return cells;
}

/* Returns the cells of interrupt i; NULL if it does not exist or belongs to another controller. */
static const u8 *interrupt_cells(const struct fdt *f, const struct fdt_node *n, unsigned i, u32 gic)
{
	struct fdt_prop p, parent = {};
	u32 cells;

	/* Each entry of interrupts-extended begins with the phandle of its controller. */
	if (fdt_get_prop(f, n, "interrupts-extended", &p)) {
		for (u32 at = 0; p.len - at >= CELL; at += CELL * (1 + cells)) {
			cells = gic_cells(f, fdt_u32(p.data + at), gic);
			if (!cells || p.len - at < CELL * (1 + cells))
				return NULL;
			if (i-- == 0)
				return p.data + at + CELL;
		}
		return NULL;
	}
	if (!fdt_get_prop(f, n, "interrupts", &p))
		return NULL;
	for (unsigned d = n->depth + 1; d-- > 0;)
		if (level_prop(f, &n->level[d], "interrupt-parent", &parent))
			break;
	cells = parent.len == CELL ? gic_cells(f, fdt_u32(parent.data), gic) : 0;
	if (!cells || i >= p.len / (CELL * cells))
		return NULL;
	return p.data + (size_t)i * CELL * cells;
}

u32 fdt_gic_irq(const struct fdt *f, const struct fdt_node *n, unsigned i, u32 gic)
{
	const u8 *p = interrupt_cells(f, n, i, gic);
	u32 kind, number;

	if (!p) {
		boot_note(f->bi, "device tree: %s: no interrupt %u of the GIC", fdt_name(f, n).text, i);
		return 0;
	}
	kind = fdt_u32(p);
	number = fdt_u32(p + CELL);
	if (kind == GIC_SPI && number < SPI_MAX)
		return SPI_BASE + number;
	if (kind == GIC_PPI && number < PPI_MAX)
		return PPI_BASE + number;
	boot_note(f->bi,
		  "device tree: %s: interrupt %u of type %u, expected an SPI below %u or a PPI below %u",
		  fdt_name(f, n).text, number, kind, SPI_MAX, PPI_MAX);
	return 0;
}
