#ifndef HOST_DMESG_H
#define HOST_DMESG_H

/* The reader's state: dmesg.c reads messages into it, dmesg_check.c holds their figures against each other. */

#include "dmesg_text.h"

enum { DMESG_WHY = 192 };

struct dmesg {
	struct map m;
	struct dmesg_text text;
	u64 starts[2];	     /* bit per character that a message begins with */
	char why[DMESG_WHY]; /* the form that was expected of the message that is read */
	bool bad_zone, bad_node;

	/* A message that ended too early: the first bytes of text.buf, its line, the form that was expected. */
	unsigned carried, carried_line;
	char carried_why[DMESG_WHY];

	/* "Linux version" was read, and no map since: the next one is of a new boot. */
	bool new_boot;
	unsigned next_kernel[3];

	/* Of this boot. */
	bool version_seen, map_header, node_header;
	bool counted;			/* its zones are known, changes of the map come too late */
	int counted_edits;		/* changes before Linux took memory over from the map; -1: not said */
	unsigned map_lines, nodes_seen; /* lines of a PC's map, and of nodes */
	u64 map_start;			/* of the first line's range */
	bool in_pages;			/* ranges of nodes came as pages of unknown size */
	unsigned zone_lines, node_lines; /* so many more lines may belong to that list */
	bool agreed;			 /* a count of Linux's is that of the ranges */
	u64 memory_kb;			 /* as Linux printed it; 0: not printed */

	/* The first of each, and its line; 0: none. */
	char doubt[DMESG_WHY], mistake[DMESG_WHY];
	unsigned doubt_line, mistake_line;
	bool mistake_in_zone, mistake_in_node;
};

/* The result of reading a message. */
enum dmesg_got {
	DMESG_NONE,  /* other text: look on at the next word */
	DMESG_TAKEN, /* read; the text behind it is next */
	DMESG_BAD,   /* of this kind, but it goes on otherwise: dmesg_why() has said how */
};

#define SHOWN(t) (int)min((t).len, 60u), (t).s /* for "%.*s" */

/* Pieces of a message (dmesg_words.c): each passes over the text that it has read. */
bool dmesg_is_blank(char c);
bool dmesg_is_word(char c);
bool dmesg_starts_number(struct map_word t);
void dmesg_skip_blanks(struct map_word *t);
/* `text`, if it comes next; and the word ends there; wherever it is, with all in front of it. */
bool dmesg_take(struct map_word *t, const char *text);
bool dmesg_take_word(struct map_word *t, const char *text);
bool dmesg_take_through(struct map_word *t, const char *text);
/* 0x in front is allowed where the base is 16. */
bool dmesg_take_number(struct map_word *t, unsigned base, u64 *v);
/* *last is inclusive; *last + 1 == *first is an empty range. */
enum dmesg_got dmesg_take_range(struct dmesg *d, struct map_word *t, u64 *first, u64 *last);
enum dmesg_got dmesg_take_type(struct dmesg *d, struct map_word *t, u32 *type);
/* Keeps the form that was expected instead. Returns DMESG_BAD. */
enum dmesg_got dmesg_why(struct dmesg *d, const char *fmt, ...) __printf(2, 3);

/* Forgets the facts of a former boot. */
void dmesg_boot_begins(struct dmesg *d);
/* A map, zones or nodes come: if "Linux version" stood before them, they are of a new boot. */
void dmesg_boot_goes_on(struct dmesg *d);

void dmesg_mistake(struct dmesg *d, unsigned line, const char *why);

bool dmesg_node_is_known(const struct dmesg *d, u64 node, u64 first, u64 last);
void dmesg_forget_nodes(struct dmesg *d);

/* Linux's own figures; each is held against the ranges of nodes that stand before it. */
void dmesg_check_span(struct dmesg *d, u64 node, u64 first, u64 last);
void dmesg_check_pages(struct dmesg *d, u64 node, u64 pages);
void dmesg_check_memory(struct dmesg *d, u64 kb);

/* The last word: 0, or -EINVAL and a message. */
int dmesg_finish(struct dmesg *d);

#endif
