#ifndef KERNEL_ADDRESS_H
#define KERNEL_ADDRESS_H

#include <mm/types.h>

/*
 * What an address is, for the report of a fault: "null pointer", "guard page of the boot stack", or what its region
 * says about it. Context: any; waits for no lock.
 */
void address_describe(vaddr_t addr, char *buf, size_t size);

#endif
