/*
 * test_efi_stub.c - properties of boot/efi_stub.c with a firmware that does as it is told.
 *
 * Idea.       A firmware of seven functions counts what is asked of it. It refuses what the case wants it to refuse, changes
 *             its memory map, and notices calls that come when they may not come any more.
 * Layout.     fw.f->bytes: the image at IMAGE_AT, and from NEW_AT on what is allocated for it; both behind a border.
 * Invariants. Until the first try to end boot services, what is allocated is handed over or given back.
 * Locking.    None.
 * Failure.    EXPECT lines.
 * Next:       test_multiboot2.c.
 */

#include "../../boot/efi_stub.h"
#include "boot_fixture.h"

enum {
	DESC = 48,
	DESCS = 10,
	MAP_MAX = 64 * DESC,
	TRIES = 16,
	HANDLE = 0x1234,
	BORDER = 0x8000, /* what the image wants */
	IMAGE_AT = BORDER + EFI_PAGE_BYTES,
	NEW_AT = 3 * BORDER + EFI_PAGE_BYTES,
	FILE_BYTES = 9001,
	IMAGE_BYTES = 20001,
};

static struct firmware {
	struct boot_fixture *f;
	struct efi_text_output out;
	struct efi_boot_services bs;
	struct efi_config_table config[3];
	struct efi_system_table st;
	struct efi_loaded_image loaded;
	struct efi_image image;
	u64 base; /* the first border in f->bytes */
	u64 key, pages;
	unsigned pools, maps, exits; /* pools there are; how often maps and exits were asked for */
	unsigned stale, growth;	     /* so many exits come too late, and the map grows by that each time */
	efi_status_t fail_options, fail_pages, fail_size, fail_pool, fail_map, fail_exit;
	bool late; /* something was called that may not be called after the first exit */
	char text[512];
	size_t text_len;
	u8 pool[MAP_MAX];
} fw;

static efi_status_t fw_output(struct efi_text_output *self, const u16 *text)
{
	(void)self;
	while (*text && fw.text_len < sizeof(fw.text) - 1)
		fw.text[fw.text_len++] = (char)*text++;
	fw.text[fw.text_len] = '\0';
	return EFI_SUCCESS;
}

static efi_status_t fw_allocate_pages(u32 how, u32 memory_type, u64 pages, u64 *address)
{
	fw.late |= fw.exits != 0;
	if (fw.fail_pages)
		return fw.fail_pages;
	if (how != EFI_ALLOCATE_ANY_PAGES || memory_type != EFI_LOADER_CODE)
		return EFI_INVALID_PARAMETER;
	fw.pages += pages;
	*address = fw.base + NEW_AT;
	return EFI_SUCCESS;
}

static efi_status_t fw_free_pages(u64 address, u64 pages)
{
	fw.late |= fw.exits != 0;
	fw.pages -= address == fw.base + NEW_AT ? pages : 0;
	return EFI_SUCCESS;
}

static efi_status_t fw_get_memory_map(u64 *size, void *map, u64 *key, u64 *desc_size, u32 *desc_version)
{
	u64 bytes = (DESCS + fw.growth * fw.exits) * (u64)DESC, room = *size;

	*desc_size = DESC;
	*desc_version = 1;
	*size = bytes;
	if (!map && fw.fail_size)
		return fw.fail_size;
	if (!map || room < bytes)
		return EFI_BUFFER_TOO_SMALL;
	fw.maps++;
	if (fw.fail_map)
		return fw.fail_map;
	memset(map, (int)fw.maps, bytes);
	*key = fw.key;
	return EFI_SUCCESS;
}

static efi_status_t fw_allocate_pool(u32 memory_type, u64 size, void **buffer)
{
	fw.late |= fw.exits != 0;
	if (fw.fail_pool)
		return fw.fail_pool;
	if (memory_type != EFI_LOADER_DATA || size > sizeof(fw.pool))
		return EFI_OUT_OF_RESOURCES;
	fw.pools++;
	*buffer = fw.pool;
	return EFI_SUCCESS;
}

static efi_status_t fw_handle_protocol(void *handle, const struct efi_guid *protocol, void **interface)
{
	fw.late |= fw.exits != 0;
	if (handle != (void *)HANDLE || protocol->a != 0x5b1b31a1)
		return EFI_ERROR(14);
	*interface = &fw.loaded;
	return fw.fail_options;
}

static efi_status_t fw_exit_boot_services(void *handle, u64 key)
{
	fw.exits++;
	if (fw.fail_exit)
		return fw.fail_exit;
	if (fw.stale) {
		fw.stale--;
		fw.key++;
	}
	return handle == (void *)HANDLE && key == fw.key ? EFI_SUCCESS : EFI_INVALID_PARAMETER;
}

/* As it should be, with an image that has to be moved. */
static bool firmware_new(void)
{
	struct boot_fixture *f = fixture_new();

	if (!f)
		return false;
	memset(&fw, 0, sizeof(fw));
	fw.f = f;
	fw.base = ALIGN_UP((u64)f->bytes, (u64)BORDER);
	fw.out.output_string = fw_output;
	fw.bs.allocate_pages = fw_allocate_pages;
	fw.bs.free_pages = fw_free_pages;
	fw.bs.get_memory_map = fw_get_memory_map;
	fw.bs.allocate_pool = fw_allocate_pool;
	fw.bs.handle_protocol = fw_handle_protocol;
	fw.bs.exit_boot_services = fw_exit_boot_services;
	fw.config[0] = (struct efi_config_table){{1, 2, 3, {4}}, (void *)0x1000};
	fw.config[1] = (struct efi_config_table){
		{0x8868e871, 0xe4f1, 0x11d3, {0xbc, 0x22, 0x00, 0x80, 0xc7, 0x3c, 0x88, 0x81}},
		(void *)0x2000};
	fw.config[2] = (struct efi_config_table){
		{0xb1b621d5, 0xf19c, 0x41a5, {0x83, 0x0b, 0xd9, 0x15, 0x2c, 0x69, 0xaa, 0xe0}},
		(void *)0x3000};
	fw.loaded.options = (void *)0x4000;
	fw.loaded.options_size = 10;
	fw.st.out = &fw.out;
	fw.st.boot_services = &fw.bs;
	fw.st.nr_config_tables = ARRAY_SIZE(fw.config);
	fw.st.config_table = fw.config;
	fw.image = (struct efi_image){fw.base + IMAGE_AT, FILE_BYTES, IMAGE_BYTES, BORDER};
	memset((void *)fw.image.start, 0x5a, FILE_BYTES);
	return true;
}

static void firmware_free(void)
{
	fixture_free(fw.f);
}

static efi_status_t leave(struct efi_handover *out)
{
	memset(out, 0xee, sizeof(*out));
	return efi_leave((void *)HANDLE, &fw.st, &fw.image, out);
}

/* Shows efi_stub.I1. */
KTEST(efi_stub, everything_is_handed_over)
{
	struct efi_handover h;

	ASSERT_TRUE(firmware_new());
	EXPECT_EQ(leave(&h), EFI_SUCCESS);
	EXPECT_EQ(h.map, (u64)fw.pool);
	EXPECT_EQ(h.map_size, DESCS * DESC);
	EXPECT_EQ(h.desc_size, DESC);
	EXPECT_EQ(h.desc_version, 1);
	EXPECT_EQ(h.options, 0x4000);
	EXPECT_EQ(h.options_size, 10);
	EXPECT_EQ(h.rsdp, 0x2000);
	EXPECT_EQ(h.fdt, 0x3000);
	EXPECT_EQ(fw.exits, 1);
	EXPECT_FALSE(fw.late);
	EXPECT_STREQ(fw.text, "");
	firmware_free();
}

KTEST(efi_stub, what_firmware_does_not_have_is_0)
{
	struct efi_handover h;

	for (unsigned without = 1; without <= 3; without++) {
		ASSERT_TRUE(firmware_new());
		fw.loaded.options = NULL; /* with a length all the same */
		for (unsigned i = 1; i <= 2; i++)
			fw.config[i].guid.a ^= (without >> (i - 1) & 1);
		EXPECT_EQ(leave(&h), without == 3 ? EFI_UNSUPPORTED : EFI_SUCCESS);
		EXPECT_EQ(h.rsdp, without & 1 ? 0 : 0x2000);
		EXPECT_EQ(h.fdt, without & 2 ? 0 : 0x3000);
		EXPECT_EQ(h.options_size, 0);
		EXPECT_STREQ(fw.text,
			     without == 3 ? "Strata: neither a device tree nor ACPI: unsupported\r\n" : "");
		EXPECT_EQ(fw.exits, without != 3);
		firmware_free();
	}
}

KTEST(efi_stub, the_image_is_moved_to_a_border)
{
	struct efi_handover h;
	const u8 *moved;

	ASSERT_TRUE(firmware_new());
	EXPECT_EQ(leave(&h), EFI_SUCCESS);
	EXPECT_EQ(fw.image.start, fw.base + 4 * BORDER);
	EXPECT_LE(fw.image.start + IMAGE_BYTES, fw.base + NEW_AT + fw.pages * EFI_PAGE_BYTES);
	EXPECT_GT(fw.image.start + IMAGE_BYTES + EFI_PAGE_BYTES,
		  fw.base + NEW_AT + fw.pages * EFI_PAGE_BYTES); /* and no more than that */
	moved = (const u8 *)fw.image.start;
	for (unsigned i = 0; i <= FILE_BYTES; i++)
		EXPECT_EQ(moved[i], i < FILE_BYTES ? 0x5a : 0);
	firmware_free();
}

KTEST(efi_stub, an_image_at_a_border_stays)
{
	struct efi_handover h;

	ASSERT_TRUE(firmware_new());
	fw.image.start = fw.base;
	EXPECT_EQ(leave(&h), EFI_SUCCESS);
	EXPECT_EQ(fw.image.start, fw.base);
	EXPECT_EQ(fw.pages, 0);
	firmware_free();
}

/* The map that is handed over is the one whose key was good. */
KTEST(efi_stub, a_stale_key_is_tried_again)
{
	struct efi_handover h;

	for (unsigned stale = 1; stale < TRIES; stale++) {
		ASSERT_TRUE(firmware_new());
		fw.stale = stale;
		fw.growth = 2;
		EXPECT_EQ(leave(&h), EFI_SUCCESS);
		EXPECT_EQ(fw.exits, stale + 1);
		EXPECT_EQ(fw.maps, stale + 1);
		EXPECT_EQ(h.map_size, (DESCS + 2 * stale) * DESC);
		EXPECT_EQ(fw.pool[0], stale + 1);
		EXPECT_FALSE(fw.late);
		EXPECT_STREQ(fw.text, "");
		firmware_free();
	}
}

KTEST(efi_stub, a_key_that_is_always_stale_is_given_up)
{
	struct efi_handover h;

	ASSERT_TRUE(firmware_new());
	fw.stale = 1000;
	EXPECT_EQ(leave(&h), EFI_INVALID_PARAMETER);
	EXPECT_EQ(fw.exits, TRIES);
	EXPECT_FALSE(fw.late);
	EXPECT_STREQ(fw.text, "Strata: ExitBootServices: invalid parameter\r\n");
	firmware_free();
}

KTEST(efi_stub, a_map_that_outgrows_its_buffer_is_given_up)
{
	struct efi_handover h;

	ASSERT_TRUE(firmware_new());
	fw.stale = 1000;
	fw.growth = 5;
	EXPECT_EQ(leave(&h), EFI_BUFFER_TOO_SMALL);
	EXPECT_LT(fw.exits, TRIES);
	EXPECT_FALSE(fw.late);
	EXPECT_STREQ(fw.text, "Strata: ExitBootServices: buffer too small\r\n");
	firmware_free();
}

/* Shows efi_stub.I2. */
KTEST(efi_stub, what_fails_is_said_and_given_back)
{
	static const struct {
		efi_status_t *fail, status;
		const char *text;
	} row[] = {
		{&fw.fail_options, EFI_ERROR(3), "the loaded image's options: unsupported\r\n"},
		{&fw.fail_pages, EFI_ERROR(9), "memory for the image: out of resources\r\n"},
		{&fw.fail_size, EFI_ERROR(7), "the memory map: device error\r\n"},
		{&fw.fail_pool, EFI_ERROR(9), "the memory map: out of resources\r\n"},
		{&fw.fail_map, EFI_ERROR(22), "ExitBootServices: status 0x16\r\n"},
		{&fw.fail_exit, EFI_ERROR(21), "ExitBootServices: aborted\r\n"},
	};
	struct efi_handover h;

	for (unsigned i = 0; i < ARRAY_SIZE(row); i++) {
		ASSERT_TRUE(firmware_new());
		*row[i].fail = row[i].status;
		EXPECT_EQ(leave(&h), row[i].status);
		EXPECT_EQ(strncmp(fw.text, "Strata: ", 8), 0);
		EXPECT_STREQ(fw.text + 8, row[i].text);
		EXPECT_TRUE(i >= 4 || (!fw.pages && !fw.pools));
		EXPECT_FALSE(fw.late);
		firmware_free();
	}
}

KTEST(efi_stub, without_a_console_nothing_is_said)
{
	struct efi_handover h;

	ASSERT_TRUE(firmware_new());
	fw.st.out = NULL;
	fw.fail_pool = EFI_OUT_OF_RESOURCES;
	EXPECT_EQ(leave(&h), EFI_OUT_OF_RESOURCES);
	firmware_free();
}
