#ifndef BOOT_FDT_NODE_H
#define BOOT_FDT_NODE_H

/*
 * A flattened device tree as nodes and properties, as far as it can be believed. Nothing here knows what a node is for.
 */

#include "boot.h"

enum {
	FDT_DEPTH_MAX = 32,
	FDT_CELLS_MAX = 2, /* of an address or a size that this machine can have */
};

/* The blob. fdt_open() has cut both blocks to what is well-formed. */
struct fdt {
	const u8 *st; /* the structure block */
	u32 st_len;
	const char *str; /* the strings block */
	u32 str_len;
	const u8 *base;
	u32 total;
	u32 reservations;     /* where the reservation block begins */
	struct boot_info *bi; /* for notes */
};

struct fdt_level {
	u32 at;			      /* the token that begins the node */
	u32 properties;		      /* behind its name */
	u8 address_cells, size_cells; /* of its children's reg; 255: or more */
};

/* A node, with the way to it: level[0] is the root's, level[depth] its own. */
struct fdt_node {
	struct fdt_level level[FDT_DEPTH_MAX];
	unsigned depth;
};

/* All nodes in their order, parents first. */
struct fdt_walk {
	struct fdt_node node;
	u32 pos;
	unsigned open; /* nodes that have begun and not ended */
};

struct fdt_prop {
	const u8 *data;
	u32 len;
};

static inline u32 fdt_at(const struct fdt_node *n)
{
	return n->level[n->depth].at;
}

/* A name for notes: what is no printable character is a question mark, and a long one is cut. */
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

/* The blob of len readable bytes. False: there is none; a note says what is wrong. */
bool fdt_open(struct fdt *f, const void *blob, size_t len, struct boot_info *bi);

/* The next node, or the first one of a walk that is all zero. False: there is no more. */
bool fdt_next(const struct fdt *f, struct fdt_walk *w);
/* The node of this full path; n bytes, units may be left out. False: there is none. */
bool fdt_find_path(const struct fdt *f, const char *path, size_t n, struct fdt_node *out);

/* The node that begins at this token, which a walk has seen. */
bool fdt_node_at(const struct fdt *f, u32 at, struct fdt_node *out);

/* The name is this one, whatever unit follows behind an @. */
bool fdt_is_named(const struct fdt *f, const struct fdt_level *level, const char *name);
struct fdt_name fdt_name(const struct fdt *f, const struct fdt_node *n);

bool fdt_get_prop(const struct fdt *f, const struct fdt_node *n, const char *name, struct fdt_prop *out);
/* A property of exactly one cell. False: there is none; one of another length is noted. */
bool fdt_get_u32(const struct fdt *f, const struct fdt_node *n, const char *name, u32 *out);
/* The property is this text. */
bool fdt_prop_is(const struct fdt_prop *p, const char *text);
/* Where a list of texts has this one; -1: nowhere. */
int fdt_list_index(const struct fdt_prop *list, const char *text);
bool fdt_is_compatible(const struct fdt *f, const struct fdt_node *n, const char *what);
bool fdt_is_okay(const struct fdt *f, const struct fdt_node *n);

/*
 * Entry i of `reg`, or of a property of the same form, as the parent's bus counts. False: there is no such entry; a note says
 * why if what is there cannot be read.
 */
bool fdt_reg(const struct fdt *f, const struct fdt_node *n, const char *name, unsigned i, u64 *start,
	     u64 *size);
/* The same as the CPUs see it: translated through all buses above. */
bool fdt_cpu_reg(const struct fdt *f, const struct fdt_node *n, const char *name, unsigned i, u64 *start,
		 u64 *size);
/* The first bytes of a property of 1 or 2 cells. */
u64 fdt_cells(const u8 *p, unsigned cells);

/* Interrupt i of a node: the INTID, if its controller is the GIC that begins at token `gic`; else 0, with a note. */
u32 fdt_gic_irq(const struct fdt *f, const struct fdt_node *n, unsigned i, u32 gic);

#endif
