/*
 * efi.c - entry of the image as a UEFI application.
 *
 * Idea.       efi_leave() ends boot services. Its results are stored in the image, which may have been copied. Then the
 *             image is entered as by any other loader: MMU off, x0 = device tree.
 * Layout.     a64_efi is in .data, because entry.S clears .bss.
 * Invariants. All code here runs at the address that UEFI chose, not at the linked one.
 * Failure.    A message on firmware's console; the status is returned to firmware.
 * Next:       boot/efi_stub.c, efi_enter.S, then entry.S.
 */

#include "efi.h"
#include <arch_impl/sysreg.h>
#include <kernel/bits.h>
#include <kernel/sections.h>

struct efi_handover a64_efi __attribute__((section(".data")));

/* entry.S checks the granule, too, but has no way to report an error here. */
static bool has_granule(void)
{
	unsigned field = a64_id_field(id_aa64mmfr0_el1, A64_MMFR0_TGRAN_SHIFT);

	return CONFIG_PAGE_SHIFT == 14 ? field != 0 : field != 15;
}

efi_status_t a64_efi_main(void *handle, const struct efi_system_table *st);
efi_status_t a64_efi_main(void *handle, const struct efi_system_table *st)
{
	const u64 here = (u64)boot_entry;
	struct efi_image image = {.start = here,
				  .file_bytes = (u64)__data_end - here,
				  .bytes = (u64)__image_end - here,
				  .align = MIB(2)};
	struct efi_handover handover;
	efi_status_t status;
	u64 moved;

	if (!has_granule())
		return efi_fail(st, "this CPU lacks the pages that the kernel was built for",
				EFI_UNSUPPORTED);
	status = efi_leave(handle, st, &image, &handover);
	if (status)
		return status;
	moved = image.start - here;
	*(struct efi_handover *)((u64)&a64_efi + moved) = handover;
	a64_efi_enter(image.start, image.start + image.bytes, (u64)a64_primary_entry + moved, handover.fdt);
}
