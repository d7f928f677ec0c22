#ifndef BOOT_FDT_TREE_H
#define BOOT_FDT_TREE_H

/* Device trees for tests, built token by token: header, reservation block, structure block, strings block. */

#include "boot_fixture.h"

enum {
	AT_RESERVATIONS = 40,
	AT_STRUCTURE = 0x1040,
	AT_STRINGS = 0x30000,
	BEGIN_NODE = 1,
	END_NODE = 2,
	PROP = 3,
	NOP = 4,
	END = 9,
	OFF_STRUCTURE = 8,
	OFF_STRINGS = 12,
	OFF_RESERVATIONS = 16,
	VERSION = 20,
	COMPATIBLE = 24,
	SIZE_STRINGS = 32,
	SIZE_STRUCTURE = 36,
	GIC = 1, /* phandles */
	OTHER = 2,
	DEPTH_MAX = 32,
};

struct tree {
	struct boot_fixture *f;
	size_t at, strings, reservations;
};

static inline void put(struct boot_fixture *f, size_t at, u32 v)
{
	fixture_put32(f, at, __builtin_bswap32(v));
}

static inline u32 get(const struct boot_fixture *f, size_t at)
{
	return __builtin_bswap32(get_u32(f->bytes + at));
}

static inline void token(struct tree *t, u32 v)
{
	put(t->f, t->at, v);
	t->at += 4;
}

static inline void begin(struct tree *t, const char *name)
{
	size_t n = strlen(name) + 1;

	token(t, BEGIN_NODE);
	fixture_put32(t->f, t->at + (n - 1) / 4 * 4, 0);
	memcpy(t->f->bytes + t->at, name, n);
	t->at = ALIGN_UP(t->at + n, 4UL);
}

static inline void end(struct tree *t)
{
	token(t, END_NODE);
}

static inline void prop(struct tree *t, const char *name, const void *data, size_t n)
{
	token(t, PROP);
	token(t, (u32)n);
	token(t, (u32)(t->strings - AT_STRINGS));
	if (n) {
		fixture_put32(t->f, t->at + (n - 1) / 4 * 4, 0);
		memcpy(t->f->bytes + t->at, data, n);
	}
	t->at = ALIGN_UP(t->at + n, 4UL);
	n = strlen(name) + 1;
	memcpy(t->f->bytes + t->strings, name, n);
	t->strings += n;
}

static inline void text(struct tree *t, const char *name, const char *value)
{
	prop(t, name, value, strlen(value) + 1);
}

static inline void cells(struct tree *t, const char *name, const u32 *v, unsigned nr)
{
	const size_t at = t->at + 12; /* behind the token, the length and the name */

	prop(t, name, v, nr * sizeof(v[0]));
	for (unsigned i = 0; i < nr; i++)
		put(t->f, at + i * sizeof(v[0]), v[i]);
}
#define CELLS(t, name, ...) \
	cells(t, name, (const u32[]){__VA_ARGS__}, sizeof((const u32[]){__VA_ARGS__}) / sizeof(u32))
#define WIDE(v) (u32)((u64)(v) >> 32), (u32)(v)

static inline void reserve(struct tree *t, u64 start, u64 size)
{
	fixture_put64(t->f, t->reservations, __builtin_bswap64(start));
	fixture_put64(t->f, t->reservations + 8, __builtin_bswap64(size));
	t->reservations += 16;
}

/* A root whose children have addresses and sizes of so many cells. */
static inline struct tree tree_start(struct boot_fixture *f, u32 address_cells, u32 size_cells)
{
	struct tree t = {f, AT_STRUCTURE, AT_STRINGS, AT_RESERVATIONS};

	memset(f->bytes, 0, AT_STRUCTURE);
	begin(&t, "");
	CELLS(&t, "#address-cells", address_cells);
	CELLS(&t, "#size-cells", size_cells);
	CELLS(&t, "interrupt-parent", GIC);
	return t;
}

/* Blocks in the order of the specification; the root must have ended. */
static inline void tree_close(struct tree *t)
{
	struct boot_fixture *f = t->f;
	size_t strings = t->strings - AT_STRINGS;

	token(t, END);
	memmove(f->bytes + t->at, f->bytes + AT_STRINGS, strings);
	f->len = t->at + strings;
	put(f, 0, 0xd00dfeed);
	put(f, 4, (u32)f->len);
	put(f, OFF_STRUCTURE, AT_STRUCTURE);
	put(f, OFF_STRINGS, (u32)t->at);
	put(f, OFF_RESERVATIONS, AT_RESERVATIONS);
	put(f, VERSION, 17);
	put(f, COMPATIBLE, 16);
	put(f, SIZE_STRINGS, (u32)strings);
	put(f, SIZE_STRUCTURE, (u32)(t->at - AT_STRUCTURE));
}

static inline void tree_end(struct tree *t)
{
	end(t);
	tree_close(t);
}

static inline void memory(struct tree *t, u64 start, u64 size, u32 node)
{
	begin(t, "memory@1000");
	text(t, "device_type", "memory");
	CELLS(t, "reg", WIDE(start), WIDE(size));
	if (node != BOOT_NO_NODE)
		CELLS(t, "numa-node-id", node);
	end(t);
}

static inline void cpus_begin(struct tree *t, u32 address_cells)
{
	begin(t, "cpus");
	CELLS(t, "#address-cells", address_cells);
	CELLS(t, "#size-cells", 0);
}

static inline void cpu(struct tree *t, u32 id, const char *method, u32 node)
{
	begin(t, "cpu@0");
	text(t, "device_type", "cpu");
	CELLS(t, "reg", id);
	if (method)
		text(t, "enable-method", method);
	if (node != BOOT_NO_NODE)
		CELLS(t, "numa-node-id", node);
	end(t);
}

static inline void psci(struct tree *t)
{
	begin(t, "psci");
	prop(t, "compatible", "arm,psci-1.0\0arm,psci-0.2\0arm,psci", 35);
	text(t, "method", "hvc");
	end(t);
}

static inline void gic3_begin(struct tree *t, u32 interrupt_cells)
{
	begin(t, "intc@8000000");
	text(t, "compatible", "arm,gic-v3");
	CELLS(t, "#interrupt-cells", interrupt_cells);
	CELLS(t, "phandle", GIC);
}

static inline void gic3(struct tree *t)
{
	gic3_begin(t, 3);
	CELLS(t, "reg", WIDE(0x8000000), WIDE(0x10000), WIDE(0x80a0000), WIDE(0xf60000));
	end(t);
}

static inline void uart_begin(struct tree *t, const char *name, u64 start)
{
	begin(t, name);
	prop(t, "compatible", "arm,pl011\0arm,primecell", 24);
	CELLS(t, "reg", WIDE(start), WIDE(0x1000));
}

static inline void uart(struct tree *t, const char *name, u64 start, u32 spi)
{
	uart_begin(t, name, start);
	CELLS(t, "interrupts", 0, spi, 4);
	end(t);
}

/* Something of everything. */
static inline void typical(struct boot_fixture *f)
{
	struct tree t = tree_start(f, 2, 2);

	reserve(&t, 0x40100000, 0x2000);
	psci(&t);
	memory(&t, 0x40000000, 0x20000000, 0);
	memory(&t, 0x100000000, 0x40000000, 1);
	begin(&t, "reserved-memory");
	CELLS(&t, "#address-cells", 2);
	CELLS(&t, "#size-cells", 2);
	prop(&t, "ranges", NULL, 0);
	begin(&t, "firmware@50000000");
	CELLS(&t, "reg", WIDE(0x50000000), WIDE(0x100000));
	prop(&t, "no-map", NULL, 0);
	end(&t);
	end(&t);
	cpus_begin(&t, 1);
	cpu(&t, 0, "psci", 0);
	cpu(&t, 0x100, "psci", 1);
	end(&t);
	begin(&t, "distance-map");
	text(&t, "compatible", "numa-distance-map-v1");
	CELLS(&t, "distance-matrix", 0, 0, 10, 0, 1, 21, 1, 1, 10);
	end(&t);
	begin(&t, "timer");
	prop(&t, "compatible", "arm,armv8-timer\0arm,armv7-timer", 32);
	CELLS(&t, "interrupts", 1, 13, 4, 1, 14, 4, 1, 11, 4, 1, 10, 4);
	end(&t);
	begin(&t, "soc");
	text(&t, "compatible", "simple-bus");
	CELLS(&t, "#address-cells", 2);
	CELLS(&t, "#size-cells", 2);
	CELLS(&t, "ranges", WIDE(0), WIDE(0x8000000), WIDE(0x2000000));
	uart(&t, "serial@1000000", 0x1000000, 1);
	uart(&t, "serial@1010000", 0x1010000, 2);
	end(&t);
	gic3(&t);
	begin(&t, "aliases");
	text(&t, "serial1", "/soc/serial@1010000");
	end(&t);
	begin(&t, "chosen");
	text(&t, "bootargs", "test seed=7");
	text(&t, "stdout-path", "serial1:115200n8");
	CELLS(&t, "linux,initrd-start", 0x48000000);
	CELLS(&t, "linux,initrd-end", WIDE(0x48123456));
	end(&t);
	tree_end(&t);
}

static inline int parse_more(struct boot_fixture *f)
{
	return fdt_parse(f->bytes, f->len, FIXTURE_PA, &f->info);
}

static inline int parse(struct boot_fixture *f)
{
	memset(&f->info, 0, sizeof(f->info));
	return parse_more(f);
}

/* Ends the tree, and reads it. */
static inline struct boot_info *read_tree(struct ktest *t, struct tree *tree)
{
	tree_end(tree);
	EXPECT_EQ(parse(tree->f), 0);
	expect_sound(t, &tree->f->info);
	return &tree->f->info;
}

static inline void expect_range(struct ktest *t, const struct boot_info *bi, unsigned n, u64 start, u64 size,
				u32 type)
{
	EXPECT_LT(n, bi->nr_ranges);
	EXPECT_EQ(bi->range[n].start, start);
	EXPECT_EQ(bi->range[n].size, size);
	EXPECT_EQ(bi->range[n].type, type);
}

static inline void expect_nothing(struct ktest *t, const struct boot_info *bi)
{
	EXPECT_EQ(bi->nr_ranges, 0);
	EXPECT_EQ(bi->nr_cpus, 0);
	EXPECT_EQ(bi->nr_reserved, 0);
	EXPECT_EQ(bi->fdt_end, 0);
}

#endif
