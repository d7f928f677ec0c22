#ifndef HOST_MAP_LINES_H
#define HOST_MAP_LINES_H

/* Shared by the two readers of a machine's memory map: map.c (the .map format) and dmesg.c (a Linux boot log). */

#include "boot.h"

enum { MAP_MAX_WORDS = 16 };

/* A part of the text, not NUL-terminated. */
struct map_word {
	const char *s;
	unsigned len;
};

enum map_arch { MAP_X86_64, MAP_I386, MAP_OTHER };

/* The source of a range. boot_range.attr holds it until map_finish() keeps only the ranges of the best source. */
enum map_source { MAP_EARLY_NODES, MAP_DT, MAP_SETUP_DATA, MAP_E820, MAP_USER, MAP_MODIFIED };

#define MAP_LOG_NODE 0x80000000U /* in boot_node_range.node: a range of Linux, not of firmware */

/* Zones in ascending order. `Movable` and `Device` are left out: they do not depend on the machine. */
enum map_zone_kind { MAP_DMA, MAP_DMA32, MAP_NORMAL, MAP_HIGHMEM, MAP_ZONES };

struct map_zone {
	bool named, empty;
	u64 start, end; /* half-open */
};

/* State of a reader. */
struct map {
	struct boot_info *bi;
	const char *name; /* file name */
	unsigned line;	  /* current line, from 1; 0: none */
	char *err;	  /* message of the first mistake */
	size_t err_size;
	bool bad;

	unsigned items; /* lines with a fact */
	enum map_arch arch;
	unsigned kernel[3]; /* version; 0.0.0: unknown */
	u64 nodes_shown;    /* a bit for each node below 64 that Linux listed */
	bool many_shown;    /* Linux listed more than one node, or one of number 64 or above */
	bool node_shown;
	struct map_zone zone[MAP_ZONES];
};

void map_start(struct map *m, const char *name, struct boot_info *bi, char *err, size_t err_size);
/* Advances to the next line, without its line end. False: the text ends, or a mistake was found. */
bool map_next_line(struct map *m, const char **text, size_t *len, struct map_word *line);
/* Splits a line at blanks. Returns the number of words; MAP_MAX_WORDS + 1 if there are more than MAP_MAX_WORDS. */
unsigned map_split(struct map_word line, struct map_word word[MAP_MAX_WORDS]);
/* Stores the message "NAME:LINE: ..." if it is the first mistake. Returns false. */
bool map_bad(struct map *m, const char *fmt, ...) __printf(2, 3);

bool map_word_is(struct map_word w, const char *text);
bool map_word_starts(struct map_word w, const char *text);
/* Converts the whole word. False: it is empty, has another character, or needs more than 64 bits. */
bool map_digits(struct map_word w, unsigned base, u64 *v);

/* Reads up to three numbers of a version such as "2.6.32.12-x"; missing ones are 0. With fewer than two, no change. */
void map_kernel_version(struct map_word w, unsigned version[3]);

/* Type of memory by its name in .map files. False: no such type. */
bool map_type(struct map_word text, u32 *type);
/* The same for the start of *text, which is advanced; also knows the names of all kernel versions. */
bool map_take_type(struct map_word *text, u32 *type);
/* first and last are inclusive; last == first - 1 is an empty range. */
void map_add_range(struct map *m, enum map_source source, u64 first, u64 last, u32 type);
void map_add_edit(struct map *m, u64 first, u64 last, u32 from, u32 to);
void map_add_node(struct map *m, u64 node, u64 first, u64 last, bool from_log);
void map_show_node(struct map *m, u64 node);
void map_set_zone(struct map *m, struct map_word name, bool empty, u64 start, u64 end);
/* Chooses the sources and sets zones, nodes and edits by the rules. Returns 0, or -EINVAL with a message. */
int map_finish(struct map *m);

#endif
