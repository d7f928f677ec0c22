#ifndef FUZZ_BOOT_RULES_H
#define FUZZ_BOOT_RULES_H

/* What the targets of boot/ share: a place for the result, and what must hold of every result. */

#include "fuzz.h"

#include <boot.h>

/* Empty; the one of before is gone. */
struct boot_info *fuzz_info_new(void);
/* What holds of every struct boot_info, whatever the input was. */
void fuzz_check_info(const struct boot_info *bi);
/* The ranges as a sanitised map: sorted, without overlaps, and usable only where nothing else claims it. */
void fuzz_check_map(const struct boot_info *bi);
/* All or nothing: usable memory is of one node each, and CPUs and distances are of nodes only where there are any. */
void fuzz_check_nodes(struct boot_info *bi, const struct boot_cpu *cpu, unsigned nr_cpus);

/* A parser of text: the input is made into something sound, or refused with a message. */
void fuzz_check_text_parser(int (*parse)(const char *name, const char *text, size_t len, struct boot_info *bi,
					 char *err, size_t err_size),
			    const u8 *data, size_t len);

/* Physical memory that is the input: [FUZZ_PA, FUZZ_PA + len), where a BIOS leaves its tables. */
enum { FUZZ_PA = 0xe0000 };
struct fuzz_mem {
	struct boot_mem mem;
	const u8 *bytes;
	size_t len;
};
struct fuzz_mem fuzz_mem_of(const u8 *data, size_t len);

#endif
