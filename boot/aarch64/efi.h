#ifndef AARCH64_EFI_H
#define AARCH64_EFI_H

#include "efi_stub.h"

/* Data from UEFI. map_size 0: the image was not started by UEFI. */
extern struct efi_handover a64_efi;

/* header.S, entry.S, efi_enter.S */
extern const char boot_entry[], a64_primary_entry[];
void a64_efi_enter(u64 start, u64 end, u64 entry, u64 fdt) __noreturn;

#endif
