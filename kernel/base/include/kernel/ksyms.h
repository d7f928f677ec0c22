#ifndef KERNEL_KSYMS_H
#define KERNEL_KSYMS_H

/* The table that tools/mksyms generates. Use ksym_lookup() in printk.h to read it. */

#include <kernel/types.h>

extern const u32 ksyms_count;
extern const s32 ksyms_addr[];
extern const u32 ksyms_name[];
extern const char ksyms_text[];

#endif
