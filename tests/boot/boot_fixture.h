#ifndef BOOT_BOOT_FIXTURE_H
#define BOOT_BOOT_FIXTURE_H

/* A piece of "physical memory" for the parsers of boot/, and two results to compare. */

#include <boot.h>
#include <kernel/bits.h>
#include <kernel/string.h>
#include <kernel/test.h>
#include <mm/page_alloc.h>

enum { FIXTURE_BYTES = 256 * 1024, FIXTURE_PA = 0x100000 };

struct boot_fixture {
	struct boot_mem mem; /* serves [FIXTURE_PA, FIXTURE_PA + len) */
	size_t len;
	struct boot_info info, other;
	u8 bytes[FIXTURE_BYTES] __aligned(8);
};

static inline const void *fixture_at(const struct boot_mem *mem, u64 pa, u64 len)
{
	const struct boot_fixture *f = mem->ctx;

	if (pa < FIXTURE_PA || pa - FIXTURE_PA > f->len || len > f->len - (pa - FIXTURE_PA))
		return NULL;
	return f->bytes + (pa - FIXTURE_PA);
}

static inline struct boot_fixture *fixture_new(void)
{
	struct boot_fixture *f = alloc_pages_exact(sizeof(*f), GFP_KERNEL | __GFP_ZERO);

	if (f) {
		f->mem = (struct boot_mem){.at = fixture_at, .ctx = f};
		f->len = FIXTURE_BYTES;
	}
	return f;
}

static inline void fixture_free(struct boot_fixture *f)
{
	free_pages_exact(f, sizeof(*f));
}

static inline void fixture_put32(struct boot_fixture *f, size_t at, u32 v)
{
	memcpy(f->bytes + at, &v, sizeof(v));
}

static inline void fixture_put64(struct boot_fixture *f, size_t at, u64 v)
{
	memcpy(f->bytes + at, &v, sizeof(v));
}

/* The bytes [at, at + len) sum up to zero with the one at at + where. */
static inline void fixture_sum(struct boot_fixture *f, size_t at, size_t len, size_t where)
{
	u8 sum = 0;

	f->bytes[at + where] = 0;
	for (size_t i = 0; i < len; i++)
		sum = (u8)(sum + f->bytes[at + i]);
	f->bytes[at + where] = (u8)-sum;
}

/* The header of an ACPI table of len bytes, which are there already. */
static inline void fixture_table(struct boot_fixture *f, size_t at, const char *sig, u32 len)
{
	memcpy(f->bytes + at, sig, 4);
	fixture_put32(f, at + 4, len);
	fixture_sum(f, at, len, 9);
}

/* What holds for every result, whatever the input was. */
static inline void expect_sound(struct ktest *t, const struct boot_info *bi)
{
	EXPECT_LE(bi->nr_ranges, BOOT_MAX_RANGES);
	EXPECT_LE(bi->nr_modules, BOOT_MAX_MODULES);
	EXPECT_LT(strnlen(bi->cmdline, sizeof(bi->cmdline)), sizeof(bi->cmdline));
	EXPECT_LT(strnlen(bi->loader, sizeof(bi->loader)), sizeof(bi->loader));
	EXPECT_LT(bi->notes_len, BOOT_NOTES_SIZE);
	EXPECT_EQ(bi->notes[bi->notes_len], 0);
	EXPECT_LE(bi->rsdp_copy_len, sizeof(bi->rsdp_copy));
	for (unsigned i = 0; i < bi->nr_modules; i++) {
		EXPECT_LE(bi->module[i].start, bi->module[i].end);
		EXPECT_LT(strnlen(bi->module[i].name, sizeof(bi->module[i].name)),
			  sizeof(bi->module[i].name));
	}
}

#define EXPECT_NOTE(bi, text) \
	EXPECT_MSG(strstr((bi)->notes, text) != NULL, "no note \"%s\" in: %s", text, (bi)->notes)

#endif
