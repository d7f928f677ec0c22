#ifndef MM_MEMMAP_H
#define MM_MEMMAP_H

/* The firmware's memory map: raw, and sanitised (Linux arch/x86/kernel/e820.c). */

#include <kernel/bootinfo.h>
#include <mm/types.h>

struct memmap_entry {
	u64 start, end; /* bytes, half-open; a range that wraps ends at 2^64 - 1 */
	u32 type;
};

enum {
	MEMMAP_MAX_EDITS = 32,
	/*
	 * Each range and each edit has two borders; the image and the CPU's address limit add two each.
	 */
	MEMMAP_MAX = 2 * (BOOT_MAX_RANGES + BOOT_MAX_EDITS + MEMMAP_MAX_EDITS + 2),
};

/*
 * Sorts nr_in ranges, resolves overlaps and merges neighbours of one type. Where ranges overlap, the
 * numerically larger type wins, so RAM loses against every other type. A range that wraps is clipped;
 * an empty one is dropped. Returns the number of entries written to out, at most out_max; entries above
 * out_max are dropped. Context: boot, or a test on one CPU (uses static buffers).
 */
unsigned memmap_sanitise(const struct boot_range *in, unsigned nr_in, struct memmap_entry *out,
			 unsigned out_max);
/*
 * Changes the type of bytes in [start, end) from `from` (MEM_NONE: any type) to `to` (MEM_NONE: remove
 * them) in a sanitised map. The map stays sanitised. Returns the new number of entries. If they do not
 * fit in max, the highest are dropped.
 */
unsigned memmap_retype(struct memmap_entry *map, unsigned nr, unsigned max, u64 start, u64 end, u32 from,
		       u32 to);

/* Edits by mem= and memmap=, applied in the order given. */
enum memmap_op {
	/*
	 * MEMMAP_ADD adds a range, MEMMAP_CAP removes RAM from start on, MEMMAP_FORGET empties the map.
	 */
	MEMMAP_ADD,
	MEMMAP_CAP,
	MEMMAP_FORGET
};
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
 * Appends one memmap= value to edits: items exactmap, SIZE@START, SIZE#START, SIZE$START, SIZE!START,
 * or SIZE as in mem=, separated by commas. Returns 0, or -EINVAL or -ENOSPC with nothing appended.
 */
int memmap_parse(struct memmap_edits *edits, const char *value);
/*
 * Applies edits to a sanitised map of nr entries, which stays sanitised. Returns the new number of
 * entries, at most max.
 */
unsigned memmap_apply(const struct memmap_edits *edits, struct memmap_entry *map, unsigned nr, unsigned max);

/*
 * Ranges that the command line calls RAM and the firmware does not. No code may write there before
 * memblock_prove_added() has tested them. If there are more than MEMMAP_MAX_UNPROVEN, the last entry is
 * widened to cover the rest.
 */
enum { MEMMAP_MAX_UNPROVEN = 2 * MEMMAP_MAX_EDITS };
extern struct memmap_entry memmap_unproven[];
extern unsigned memmap_nr_unproven;
/*
 * Lists the parts that the edits add as RAM and that the map does not call usable. Writes at most max_nr
 * entries to out; the last one is widened to cover the rest. Returns their number.
 */
unsigned memmap_find_unproven(const struct memmap_edits *edits, const struct memmap_entry *map, unsigned nr,
			      struct memmap_entry *out, unsigned max_nr);
/*
 * Returns text for the end of an out-of-memory message: the firmware's RAM size, and the size after
 * mem= and memmap=. The buffer is static.
 */
const char *memmap_blame(void);

/*
 * Returns Linux's name of a type: "usable", "reserved", "ACPI data", "ACPI NVS", "unusable",
 * "persistent", "soft reserved". For any other type, writes "type N" to buf and returns buf.
 */
const char *memmap_type_name(u32 type, char buf[16]);

/*
 * Builds memmap[] from the firmware's ranges, applies mem= and memmap=, and prints it in Linux's form.
 * Context: boot.
 */
void memmap_init(const struct boot_info *bi);
extern struct memmap_entry memmap[];
extern unsigned memmap_nr;
/* The ranges as firmware gave them, unsorted and unmerged. */
extern const struct boot_range *memmap_raw;
extern unsigned memmap_raw_nr;

#endif
