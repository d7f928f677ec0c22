/*
 * efi.c - where UEFI enters the image, as an application of its own.
 *
 * Idea.       The portable part ends boot services. What it brought along goes into the image, which may be a copy by now, and
 *             the image is entered like any other loader does it: MMU off, x0 = device tree.
 * Layout.     a64_efi is in .data: entry.S clears .bss.
 * Invariants. Everything here runs at the address that UEFI chose, not at the linked one.
 * Locking.    None.
 * Failure.    A message on firmware's console, and its status.
 * Next:       ../efi_stub.c, efi_enter.S, then entry.S.
 */

#include "efi.h"
#include <arch_impl/sysreg.h>
#include <kernel/bits.h>
#include <kernel/sections.h>

struct efi_handover a64_efi __attribute__((section(".data")));

/* entry.S would find out as well, but cannot say it here. */
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
