#ifndef BOOT_EFI_STUB_H
#define BOOT_EFI_STUB_H

/* The part of UEFI's interface (UEFI 2.10, chapters 4, 7, 9, 12) that the stub calls, and the data it hands over. */

#include <kernel/types.h>

typedef u64 efi_status_t;
#define EFI_ERROR(n) (1UL << 63 | (n))
#define EFI_SUCCESS 0UL
#define EFI_INVALID_PARAMETER EFI_ERROR(2)
#define EFI_UNSUPPORTED EFI_ERROR(3)
#define EFI_BUFFER_TOO_SMALL EFI_ERROR(5)
#define EFI_OUT_OF_RESOURCES EFI_ERROR(9)

enum { EFI_PAGE_BYTES = 4096, EFI_ALLOCATE_ANY_PAGES = 0, EFI_LOADER_CODE = 1, EFI_LOADER_DATA = 2 };

struct efi_guid {
	u32 a;
	u16 b, c;
	u8 d[8];
};

struct efi_text_output {
	void *reset;
	efi_status_t (*output_string)(struct efi_text_output *self, const u16 *text);
};

struct efi_boot_services {
	u8 header[24];
	void *raise_tpl, *restore_tpl;
	efi_status_t (*allocate_pages)(u32 how, u32 memory_type, u64 pages, u64 *address);
	efi_status_t (*free_pages)(u64 address, u64 pages);
	efi_status_t (*get_memory_map)(u64 *size, void *map, u64 *key, u64 *desc_size, u32 *desc_version);
	efi_status_t (*allocate_pool)(u32 memory_type, u64 size, void **buffer);
	efi_status_t (*free_pool)(void *buffer);
	void *events[6], *install_protocol[3];
	efi_status_t (*handle_protocol)(void *handle, const struct efi_guid *protocol, void **interface);
	void *others[9];
	efi_status_t (*exit_boot_services)(void *handle, u64 key);
};
static_assert(offsetof(struct efi_boot_services, handle_protocol) == 152, "UEFI 2.10, 4.4");
static_assert(offsetof(struct efi_boot_services, exit_boot_services) == 232, "UEFI 2.10, 4.4");

struct efi_config_table {
	struct efi_guid guid;
	void *table;
};

struct efi_system_table {
	u8 header[24];
	const u16 *vendor;
	u32 revision;
	void *in_handle, *in, *out_handle;
	struct efi_text_output *out;
	void *error_handle, *error, *runtime_services;
	struct efi_boot_services *boot_services;
	u64 nr_config_tables;
	const struct efi_config_table *config_table;
};
static_assert(offsetof(struct efi_system_table, config_table) == 112, "UEFI 2.10, 4.3");

struct efi_loaded_image {
	u32 revision;
	void *parent, *system_table, *device, *path, *reserved;
	u32 options_size;
	const void *options;
};
static_assert(offsetof(struct efi_loaded_image, options) == 56, "UEFI 2.10, 9.1");

/* The image in memory: `bytes` in all, of which the part after its file is cleared at start. It must start aligned. */
struct efi_image {
	u64 start, file_bytes, bytes, align;
};

/* Data for the kernel, by physical address; 0: not present. */
struct efi_handover {
	u64 map, map_size, desc_size;
	u64 desc_version;
	u64 options, options_size; /* the command line, in UCS-2 */
	u64 fdt, rsdp;
};

/*
 * Moves the image to an aligned address if necessary and ends boot services. image->start is then its address. On any
 * status except EFI_SUCCESS a message has been printed on firmware's console, and firmware still controls the machine.
 */
efi_status_t efi_leave(void *handle, const struct efi_system_table *st, struct efi_image *image,
		       struct efi_handover *out);
/* Prints "Strata: WHAT: STATUS" on firmware's console. Returns status. */
efi_status_t efi_fail(const struct efi_system_table *st, const char *what, efi_status_t status);

#endif
