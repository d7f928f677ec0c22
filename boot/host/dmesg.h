#ifndef HOST_DMESG_H
#define HOST_DMESG_H

/* State of the log reader. dmesg.c fills it from messages; dmesg_check.c compares the figures in it. */

#include "dmesg_text.h"

enum { DMESG_WHY = 192 };

struct dmesg {
	struct map m;
	struct dmesg_text text;
	u64 starts[2];	     /* a bit for each character that begins a message */
	char why[DMESG_WHY]; /* the form that the current message should have had */
	bool bad_zone, bad_node;

	/* An incomplete message: its length at the start of text.buf, its line, the form that was expected. */
	unsigned carried, carried_line;
	char carried_why[DMESG_WHY];

	/* "Linux version" was read, and no map after it: the next map belongs to a new boot. */
	bool new_boot;
	unsigned next_kernel[3];

	/* Facts of the current boot. */
	bool version_seen, map_header, node_header;
	bool counted;			 /* its zones are known: later edits of the map have no effect */
	int counted_edits;		 /* edits before Linux took memory over from the map; -1: unknown */
	unsigned map_lines, nodes_seen;	 /* lines of a PC's map, and of nodes */
	u64 map_start;			 /* start of the first line's range */
	bool in_pages;			 /* node ranges were given in pages of unknown size */
	unsigned zone_lines, node_lines; /* lines that may still follow in that list */
	bool agreed;			 /* one of Linux's counts equals that of the ranges */
	u64 memory_kb;			 /* as Linux printed it; 0: not printed */

	/* The first doubt and the first mistake, with their lines; line 0: none. */
	char doubt[DMESG_WHY], mistake[DMESG_WHY];
	unsigned doubt_line, mistake_line;
	bool mistake_in_zone, mistake_in_node;
};

/* The result of reading a message. */
enum dmesg_got {
	DMESG_NONE,  /* other text: continue at the next word */
	DMESG_TAKEN, /* read: continue after it */
	DMESG_BAD, /* a message of this kind with a wrong continuation; dmesg_why() has stored the expected form */
};

#define SHOWN(t) (int)min((t).len, 60u), (t).s /* for "%.*s" */

/* Parts of a message (dmesg_words.c). On success each function advances *t past the text that it has read. */
bool dmesg_is_blank(char c);
bool dmesg_is_word(char c);
bool dmesg_starts_number(struct map_word t);
void dmesg_skip_blanks(struct map_word *t);
/* `text` at the current position; `text` as a whole word; all text up to and including `text`. */
bool dmesg_take(struct map_word *t, const char *text);
bool dmesg_take_word(struct map_word *t, const char *text);
bool dmesg_take_through(struct map_word *t, const char *text);
/* With base 16 a leading 0x is allowed. */
bool dmesg_take_number(struct map_word *t, unsigned base, u64 *v);
/* *last is inclusive; *last + 1 == *first is an empty range. */
enum dmesg_got dmesg_take_range(struct dmesg *d, struct map_word *t, u64 *first, u64 *last);
enum dmesg_got dmesg_take_type(struct dmesg *d, struct map_word *t, u32 *type);
/* Stores the form that was expected. Returns DMESG_BAD. */
enum dmesg_got dmesg_why(struct dmesg *d, const char *fmt, ...) __printf(2, 3);

/* Clears the facts of the previous boot. */
void dmesg_boot_begins(struct dmesg *d);
/* Called for a map, zones or nodes: if "Linux version" preceded them, they start a new boot. */
void dmesg_boot_goes_on(struct dmesg *d);

void dmesg_mistake(struct dmesg *d, unsigned line, const char *why);

bool dmesg_node_is_known(const struct dmesg *d, u64 node, u64 first, u64 last);
void dmesg_forget_nodes(struct dmesg *d);

/* Compare one of Linux's own figures with the node ranges read so far. */
void dmesg_check_span(struct dmesg *d, u64 node, u64 first, u64 last);
void dmesg_check_pages(struct dmesg *d, u64 node, u64 pages);
void dmesg_check_memory(struct dmesg *d, u64 kb);

/* Decides whether the log is usable. Returns 0, or -EINVAL with a message. */
int dmesg_finish(struct dmesg *d);

#endif
