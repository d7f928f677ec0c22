#ifndef KERNEL_ADDRESS_H
#define KERNEL_ADDRESS_H

#include <mm/types.h>

/*
 * What an address is, for the report of a fault: "null pointer", "guard page of the boot stack", or what its
 * region says about it. Context: any; waits for no lock.
 */
void address_describe(vaddr_t addr, char *buf, size_t size);

/*
 * One part of the address space: what `whatis` calls it, and the heading that it begins with in `ptdump`, if
 * any.
 */
struct address_region {
	const char *name, *heading;
	vaddr_t start, last;
};
enum { ADDRESS_REGIONS_MAX = 16 };
/* All of them, ascending; what lies between two belongs to none. Returns how many. */
unsigned address_regions(struct address_region region[ADDRESS_REGIONS_MAX]);

#endif
