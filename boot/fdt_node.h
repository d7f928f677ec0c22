#ifndef BOOT_FDT_NODE_H
#define BOOT_FDT_NODE_H

/* A flattened device tree as nodes and properties, with all errors removed. The meaning of nodes is not known here. */

#include "boot.h"

enum {
	FDT_DEPTH_MAX = 32,
	FDT_CELLS_MAX = 2, /* cells of an address or a size; more do not fit in 64 bits */
};

/* The blob. fdt_open() has cut both blocks to their valid part. */
struct fdt {
	const u8 *st; /* the structure block */
	u32 st_len;
	const char *str; /* the strings block */
	u32 str_len;
	const u8 *base;
	u32 total;
	u32 reservations;     /* offset of the reservation block */
	struct boot_info *bi; /* for notes */
};

struct fdt_level {
	u32 at;			      /* offset of the node's BEGIN_NODE token */
	u32 properties;		      /* offset after its name */
	u8 address_cells, size_cells; /* for the children's reg; 255: 255 or more */
};

/* A node and the path to it: level[0] is the root, level[depth] the node itself. */
struct fdt_node {
	struct fdt_level level[FDT_DEPTH_MAX];
	unsigned depth;
};

/* A walk over all nodes in the order of the blob, parents first. */
struct fdt_walk {
	struct fdt_node node;
	u32 pos;
	unsigned open; /* nodes begun and not ended */
};

struct fdt_prop {
	const u8 *data;
	u32 len;
};

static inline u32 fdt_at(const struct fdt_node *n)
{
	return n->level[n->depth].at;
}

/* A node's name for notes: unprintable characters become question marks, and a long name is cut. */
struct fdt_name {
	char text[40];
};

static inline u32 fdt_u32(const u8 *p)
{
	return (u32)p[0] << 24 | (u32)p[1] << 16 | (u32)p[2] << 8 | p[3];
}

static inline u64 fdt_u64(const u8 *p)
{
	return (u64)fdt_u32(p) << 32 | fdt_u32(p + 4);
}

/* Opens a blob of len readable bytes. False: it is no device tree; a note says why. */
bool fdt_open(struct fdt *f, const void *blob, size_t len, struct boot_info *bi);

/* Advances to the next node; a walk that is all zero starts at the root. False: there is no further node. */
bool fdt_next(const struct fdt *f, struct fdt_walk *w);
/* Finds the node with this full path of n bytes. Unit addresses may be omitted. False: there is none. */
bool fdt_find_path(const struct fdt *f, const char *path, size_t n, struct fdt_node *out);

/* Finds the node that begins at token `at`, an offset that fdt_at() returned. */
bool fdt_node_at(const struct fdt *f, u32 at, struct fdt_node *out);

/* Whether the node's name is `name`, with any unit address. */
bool fdt_is_named(const struct fdt *f, const struct fdt_level *level, const char *name);
struct fdt_name fdt_name(const struct fdt *f, const struct fdt_node *n);

bool fdt_get_prop(const struct fdt *f, const struct fdt_node *n, const char *name, struct fdt_prop *out);
/* Reads a property of one cell. False: it is absent, or has another length, which is noted. */
bool fdt_get_u32(const struct fdt *f, const struct fdt_node *n, const char *name, u32 *out);
/* Whether the property is this text. */
bool fdt_prop_is(const struct fdt_prop *p, const char *text);
/* Index of a text in a list of texts; -1: not in it. */
int fdt_list_index(const struct fdt_prop *list, const char *text);
bool fdt_is_compatible(const struct fdt *f, const struct fdt_node *n, const char *what);
bool fdt_is_okay(const struct fdt *f, const struct fdt_node *n);

/*
 * Reads entry i of `reg`, or of a property with the same format, as an address on the parent's bus. False: there is no such
 * entry, or it is malformed, which is noted.
 */
bool fdt_reg(const struct fdt *f, const struct fdt_node *n, const char *name, unsigned i, u64 *start,
	     u64 *size);
/* The same as a CPU address: translated through all buses above. */
bool fdt_cpu_reg(const struct fdt *f, const struct fdt_node *n, const char *name, unsigned i, u64 *start,
		 u64 *size);
/* Value of the first 0, 1 or 2 cells of a property. */
u64 fdt_cells(const u8 *p, unsigned cells);

/* INTID of interrupt i of a node, if its controller is the GIC that begins at token `gic`; else 0, with a note. */
u32 fdt_gic_irq(const struct fdt *f, const struct fdt_node *n, unsigned i, u32 gic);

#endif
