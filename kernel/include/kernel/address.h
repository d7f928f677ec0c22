#ifndef KERNEL_ADDRESS_H
#define KERNEL_ADDRESS_H

#include <mm/types.h>

/*
 * Describes an address for the report of a fault: "null pointer", "guard page of the boot stack", or text of its region.
 * Context: any; waits for no lock.
 */
void address_describe(vaddr_t addr, char *buf, size_t size);

/* A part of the address space: its name in `whatis`, and its heading in `ptdump` or NULL. */
struct address_region {
	const char *name, *heading;
	vaddr_t start, last;
};
enum { ADDRESS_REGIONS_MAX = 16 };
/* Stores all regions in ascending order; addresses between two regions belong to none. Returns their number. */
unsigned address_regions(struct address_region region[ADDRESS_REGIONS_MAX]);

#endif
