/*
 * efi_stub.c - a UEFI application that takes control of the machine.
 *
 * Idea.       All steps that may fail or need memory come first. Then the stub fetches the memory map and calls
 *             ExitBootServices with the map's key. Any allocation in between, even by an interrupt, changes the map and
 *             makes the key stale; the stub then tries again. After the first try it may call nothing else (UEFI 2.10,
 *             7.4.6), so the map's buffer has spare room.
 * Layout.     The image runs at the address that firmware chose, with firmware's identity map. This file therefore contains
 *             no absolute address and calls only such code (tests/host/test_uefi_arm.py checks).
 * Invariants. I1  the data handed over lies in memory that is not allocated before the kernel has read it
 *             I2  a failure before the first try to end boot services frees what was allocated
 * Locking.    None: one CPU; firmware's timer may interrupt.
 * Failure.    A line on firmware's console: the failed step and UEFI's status in words.
 * Source.     Linux drivers/firmware/efi/libstub/{arm64-stub,efi-stub-helper}.c.
 * Next:       efi.c parses the data.
 */

#include "efi_stub.h"
#include <kernel/bits.h>
#include <kernel/string.h>

enum {
	EXIT_TRIES = 16,
	SPARE_DESCRIPTORS = 32, /* the map's own buffer splits some, interrupts may split more */
	LINE = 128,
};

/* ---- firmware's console ---- */

static void say(const struct efi_system_table *st, const char *text)
{
	u16 wide[LINE];
	size_t n = 0;

	while (*text && n < LINE - 1)
		wide[n++] = (u8)*text++;
	wide[n] = 0;
	if (st->out)
		st->out->output_string(st->out, wide);
}

/* An array of arrays instead of pointers, so that it contains no address. */
static const char status_text[][20] = {
	"no error",	    "load error",  "invalid parameter", "unsupported",	   "bad buffer size",
	"buffer too small", "not ready",   "device error",	"write protected", "out of resources",
	"volume corrupted", "volume full", "no media",		"media changed",   "not found",
	"access denied",    "no response", "no mapping",	"timeout",	   "not started",
	"already started",  "aborted",
};

efi_status_t efi_fail(const struct efi_system_table *st, const char *what, efi_status_t status)
{
	u64 n = status & ~EFI_ERROR(0);
	char number[] = "status 0x00";

	for (unsigned i = 0; i < 2; i++)
		number[sizeof(number) - 2 - i] = "0123456789abcdef"[n >> 4 * i & 15];
	say(st, "Strata: ");
	say(st, what);
	say(st, ": ");
	say(st, n < ARRAY_SIZE(status_text) ? status_text[n] : number);
	say(st, "\r\n");
	return status;
}

/* ---- data from firmware ---- */

static u64 find_table(const struct efi_system_table *st, const struct efi_guid *guid)
{
	for (u64 i = 0; i < st->nr_config_tables; i++)
		if (memcmp(&st->config_table[i].guid, guid, sizeof(*guid)) == 0)
			return (u64)st->config_table[i].table;
	return 0;
}

static void find_tables(const struct efi_system_table *st, struct efi_handover *out)
{
	static const struct efi_guid device_tree = {
		0xb1b621d5, 0xf19c, 0x41a5, {0x83, 0x0b, 0xd9, 0x15, 0x2c, 0x69, 0xaa, 0xe0}};
	static const struct efi_guid acpi_2 = {
		0x8868e871, 0xe4f1, 0x11d3, {0xbc, 0x22, 0x00, 0x80, 0xc7, 0x3c, 0x88, 0x81}};

	out->fdt = find_table(st, &device_tree);
	out->rsdp = find_table(st, &acpi_2);
}

static efi_status_t find_options(void *handle, const struct efi_system_table *st, struct efi_handover *out)
{
	static const struct efi_guid protocol = {
		0x5b1b31a1, 0x9562, 0x11d2, {0x8e, 0x3f, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b}};
	void *interface;
	efi_status_t status = st->boot_services->handle_protocol(handle, &protocol, &interface);
	const struct efi_loaded_image *loaded = interface;

	if (status)
		return status;
	out->options = (u64)loaded->options;
	out->options_size = loaded->options ? loaded->options_size : 0;
	return EFI_SUCCESS;
}

/* ---- moving the image ---- */

struct place {
	u64 address, pages; /* 0 pages: the image was not moved */
};

static u64 pages_of(u64 bytes)
{
	return (bytes + EFI_PAGE_BYTES - 1) / EFI_PAGE_BYTES;
}

/* UEFI aligns allocations to pages only, so the allocation is large enough to align the image in it. */
static efi_status_t move_image(const struct efi_system_table *st, struct efi_image *image,
			       struct place *place)
{
	u64 to;
	efi_status_t status;

	if (image->start % image->align == 0)
		return EFI_SUCCESS;
	place->pages = pages_of(image->bytes + image->align - EFI_PAGE_BYTES);
	status = st->boot_services->allocate_pages(EFI_ALLOCATE_ANY_PAGES, EFI_LOADER_CODE, place->pages,
						   &place->address);
	if (status) {
		place->pages = 0;
		return status;
	}
	to = ALIGN_UP(place->address, image->align);
	memcpy((void *)to, (const void *)image->start, image->file_bytes);
	image->start = to;
	return EFI_SUCCESS;
}

/* ---- the memory map, and the end of boot services ---- */

/* Allocates a buffer for the map; *room is its size. */
static efi_status_t map_buffer(const struct efi_boot_services *bs, void **map, u64 *room)
{
	u64 key, desc_size = 0;
	u32 version;
	efi_status_t status;

	*room = 0;
	status = bs->get_memory_map(room, NULL, &key, &desc_size, &version);
	if (status != EFI_BUFFER_TOO_SMALL)
		return status ? status : EFI_UNSUPPORTED;
	*room += SPARE_DESCRIPTORS * desc_size;
	return bs->allocate_pool(EFI_LOADER_DATA, *room, map);
}

static efi_status_t exit_boot_services(void *handle, const struct efi_boot_services *bs, void *map, u64 room,
				       struct efi_handover *out)
{
	efi_status_t status = EFI_INVALID_PARAMETER;

	out->map = (u64)map;
	for (unsigned i = 0; i < EXIT_TRIES && status == EFI_INVALID_PARAMETER; i++) {
		u64 key;
		u32 version;

		out->map_size = room;
		status = bs->get_memory_map(&out->map_size, map, &key, &out->desc_size, &version);
		if (status)
			return status;
		out->desc_version = version;
		status = bs->exit_boot_services(handle, key);
	}
	return status;
}

efi_status_t efi_leave(void *handle, const struct efi_system_table *st, struct efi_image *image,
		       struct efi_handover *out)
{
	const struct efi_boot_services *bs = st->boot_services;
	struct place place = {.pages = 0};
	efi_status_t status;
	void *map;
	u64 room;

	memset(out, 0, sizeof(*out));
	find_tables(st, out);
	if (!out->fdt && !out->rsdp)
		return efi_fail(st, "neither a device tree nor ACPI", EFI_UNSUPPORTED);
	status = find_options(handle, st, out);
	if (status)
		return efi_fail(st, "the loaded image's options", status);
	status = move_image(st, image, &place);
	if (status)
		return efi_fail(st, "memory for the image", status);
	status = map_buffer(bs, &map, &room);
	if (status) {
		if (place.pages)
			bs->free_pages(place.address, place.pages);
		return efi_fail(st, "the memory map", status);
	}
	/* If this fails, no service may be called to free the memory. */
	status = exit_boot_services(handle, bs, map, room, out);
	return status ? efi_fail(st, "ExitBootServices", status) : EFI_SUCCESS;
}
