/*
 * ksyms.c - the image's own symbol table.
 *
 * Idea.       The image is linked twice: tools/mksyms turns the first link's symbols into a table that the
 *             second link takes in. The table names sections, not addresses, so it stays right although it
 *             moves what lies behind it.
 * Layout.     ksyms_addr[n]: each address less that of the table itself, ascending;
 *             ksyms_name[n]: where its name begins in ksyms_text.
 * Invariants. A symbol reaches to the next one; the last one to the end of the image.
 * Locking.    None: constant.
 * Failure.    NULL for an address outside of the image or before its first symbol.
 * Next:       tools/mksyms.
 */

#include <kernel/bits.h>
#include <kernel/ksyms.h>
#include <kernel/printk.h>
#include <kernel/sections.h>

static unsigned long ksym_address(u32 n)
{
	return n < ksyms_count ? (unsigned long)ksyms_addr + (unsigned long)(long)ksyms_addr[n]
			       : (unsigned long)__image_end;
}

const char *ksym_lookup(unsigned long addr, unsigned long *offset, unsigned long *size)
{
	u32 low = 0,
	    high = ksyms_count; /* symbols below low begin at or before addr, from high on behind it */

	if (addr < (unsigned long)__image_start || addr >= (unsigned long)__image_end)
		return NULL;
	while (low < high) {
		u32 mid = low + (high - low) / 2;

		if (ksym_address(mid) <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == 0)
		return NULL;
	*offset = addr - ksym_address(low - 1);
	*size = ksym_address(low) - ksym_address(low - 1);
	return ksyms_text + ksyms_name[low - 1];
}
