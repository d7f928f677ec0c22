#ifndef HOST_MAP_LINES_H
#define HOST_MAP_LINES_H

/* What the two readers of a machine's memory map share: map.c (the .map format) and dmesg.c (a Linux boot log). */

#include "boot.h"

enum { MAP_MAX_WORDS = 16 };

/* A piece of the text; not terminated. */
struct map_word {
	const char *s;
	unsigned len;
};

enum map_arch { MAP_X86_64, MAP_I386, MAP_OTHER };

/* Where a range was said; kept in boot_range.attr until map_finish() keeps those of the best source. */
enum map_source { MAP_EARLY_NODES, MAP_DT, MAP_SETUP_DATA, MAP_E820, MAP_USER, MAP_MODIFIED };

#define MAP_LOG_NODE 0x80000000U /* in boot_node_range.node: said by Linux, not by firmware */

/* Kinds in ascending order; `Movable` and `Device` are not of the firmware's making. */
enum map_zone_kind { MAP_DMA, MAP_DMA32, MAP_NORMAL, MAP_HIGHMEM, MAP_ZONES };

struct map_zone {
	bool named, empty;
	u64 start, end; /* half-open */
};

/* The reader's state. */
struct map {
	struct boot_info *bi;
	const char *name; /* of the file */
	unsigned line;	  /* the current one, from 1; 0: none */
	char *err;	  /* the first mistake */
	size_t err_size;
	bool bad;

	unsigned items; /* lines that say something */
	enum map_arch arch;
	unsigned kernel[3]; /* version; 0.0.0: not said */
	u64 nodes_shown;    /* bit per node below 64 that Linux listed */
	bool many_shown;    /* more than one, or one above */
	bool node_shown;
	struct map_zone zone[MAP_ZONES];
};

void map_start(struct map *m, const char *name, struct boot_info *bi, char *err, size_t err_size);
/* The next line without its end; false: there is none, or a mistake was found. */
bool map_next_line(struct map *m, const char **text, size_t *len, struct map_word *line);
/* Splits at blanks. Returns how many; more than MAP_MAX_WORDS: MAP_MAX_WORDS + 1. */
unsigned map_split(struct map_word line, struct map_word word[MAP_MAX_WORDS]);
/* "NAME:LINE: ...": the first mistake is kept. Returns false. */
bool map_bad(struct map *m, const char *fmt, ...) __printf(2, 3);

bool map_word_is(struct map_word w, const char *text);
bool map_word_starts(struct map_word w, const char *text);
/* All of the word; false: another character, nothing at all, or more than 64 bits. */
bool map_digits(struct map_word w, unsigned base, u64 *v);

/* "2.6.32.12-x" and the like: the first three numbers; what is missing is 0. Nothing changes without two of them. */
void map_kernel_version(struct map_word w, unsigned version[3]);

/* usable, reserved, ACPI data ...; false: no such type. */
bool map_type(struct map_word text, u32 *type);
/* The same at the beginning of *text, which moves on, in the words of any kernel. */
bool map_take_type(struct map_word *text, u32 *type);
/* first and last are inclusive; last == first - 1 is an empty range. */
void map_add_range(struct map *m, enum map_source source, u64 first, u64 last, u32 type);
void map_add_edit(struct map *m, u64 first, u64 last, u32 from, u32 to);
void map_add_node(struct map *m, u64 node, u64 first, u64 last, bool from_log);
void map_show_node(struct map *m, u64 node);
void map_set_zone(struct map *m, struct map_word name, bool empty, u64 start, u64 end);
/* Chooses the sources, sets zones, nodes and edits by the rules; 0, or -EINVAL with a message. */
int map_finish(struct map *m);

#endif
