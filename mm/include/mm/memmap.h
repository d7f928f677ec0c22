#ifndef MM_MEMMAP_H
#define MM_MEMMAP_H

/* The firmware's map, as it came and sanitised (Linux arch/x86/kernel/e820.c). */

#include <kernel/bootinfo.h>
#include <mm/types.h>

struct memmap_entry {
	u64 start, end; /* half-open; an end of 0 cannot occur (clipped to 2^64 - 1) */
	u32 type;
};

enum {
	MEMMAP_MAX_EDITS = 32,
	/* Two borders a range and an edit, the image, and the end of what the CPU addresses. */
	MEMMAP_MAX = 2 * (BOOT_MAX_RANGES + BOOT_MAX_EDITS + MEMMAP_MAX_EDITS + 2),
};

/*
 * Sort, resolve overlaps (the numerically larger type wins: RAM loses against everything), merge. Entries
 * that wrap are clipped, empty ones vanish. Pure. Returns the number of entries written, at most out_max (the
 * rest is dropped).
 */
unsigned memmap_sanitise(const struct boot_range *in, unsigned nr_in, struct memmap_entry *out,
			 unsigned out_max);
/*
 * Changes what lies in [start, end) from type `from` (MEM_NONE: any) to `to` (MEM_NONE: removed) in a sanitised map,
 * which stays one. Returns the new number of entries; when they do not fit, the highest are dropped.
 */
unsigned memmap_retype(struct memmap_entry *map, unsigned nr, unsigned max, u64 start, u64 end, u32 from,
		       u32 to);

/* What mem= and memmap= ask for, to be done in the order given. */
enum memmap_op {
	MEMMAP_ADD,
	MEMMAP_CAP,
	MEMMAP_FORGET
}; /* a range; no RAM from start on; what firmware said */
struct memmap_edit {
	enum memmap_op op;
	u64 start, size;
	u32 type;
};
struct memmap_edits {
	struct memmap_edit edit[MEMMAP_MAX_EDITS];
	unsigned nr;
};
/*
 * Appends one memmap= value: items exactmap, SIZE@START, SIZE#START, SIZE$START, SIZE!START, or SIZE as in mem=,
 * separated by commas. Returns 0, or -errno with nothing appended.
 */
int memmap_parse(struct memmap_edits *edits, const char *value);
/* On a sanitised map, which stays one. Returns the new number of entries. */
unsigned memmap_apply(const struct memmap_edits *edits, struct memmap_entry *map, unsigned nr, unsigned max);

/*
 * Ranges that the command line calls RAM and firmware does not. Nothing may be written there before
 * memblock_prove_added() has looked. The last one may hold more than that, if there are many.
 */
enum { MEMMAP_MAX_UNPROVEN = 2 * MEMMAP_MAX_EDITS };
extern struct memmap_entry memmap_unproven[];
extern unsigned memmap_nr_unproven;
/* What the edits add as RAM, less what the map has as usable: `max_nr` entries at most. Returns how many. */
unsigned memmap_find_unproven(const struct memmap_edits *edits, const struct memmap_entry *map, unsigned nr,
			      struct memmap_entry *out, unsigned max_nr);
/* How much memory there is, and what mem= and memmap= made of it: the end of a message that says that it is too little. */
const char *memmap_blame(void);

/* Linux's word: "usable", "reserved", "ACPI data", "ACPI NVS", "unusable", "persistent", "soft reserved",
 * "type N". */
const char *memmap_type_name(u32 type, char buf[16]);

/* Applies mem= and memmap= to the kernel's sanitised map, prints it in Linux's form. */
void memmap_init(const struct boot_info *bi);
extern struct memmap_entry memmap[];
extern unsigned memmap_nr;
/* The map as it came, unsorted and unmerged. */
extern const struct boot_range *memmap_raw;
extern unsigned memmap_raw_nr;

#endif
