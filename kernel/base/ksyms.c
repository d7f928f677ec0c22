/*
 * ksyms.c - the image's symbol table.
 *
 * Idea.       The image is linked twice. tools/mksyms turns the symbols of the first link into a table, which the second
 *             link includes. The table contains distances instead of addresses, so it stays correct although its own size
 *             moves the code after it.
 * Layout.     ksyms_addr[n]: distance from the table to symbol n, ascending; ksyms_name[n]: offset of its name in
 *             ksyms_text.
 * Invariants. A symbol extends to the next one; the last one to the end of the image.
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
	/* Symbols below low begin at or before addr; symbols from high on begin after it. */
	u32 low = 0, high = ksyms_count;

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
