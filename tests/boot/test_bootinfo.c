/* boot_note() and boot_add_range(): what the tables of struct boot_info do when they are full. */
#include "../../boot/boot.h"

#include <kernel/string.h>
#include <kernel/test.h>
#include <mm/page_alloc.h>

/* Shows bootinfo.I1. */
KTEST(bootinfo, notes_end_with_a_nul_however_many_there_are)
{
	struct boot_info *bi = alloc_pages_exact(sizeof(*bi), GFP_KERNEL | __GFP_ZERO);
	unsigned lines = 0;

	ASSERT_NOT_NULL(bi);
	for (unsigned i = 0; i < BOOT_NOTES_SIZE; i++) {
		boot_note(bi, "note %u of %u bytes and more: %.*s", i, test_rand_below(80),
			  (int)test_rand_below(80),
			  ".................................................................................."
			  "............");
		ASSERT_TRUE(bi->notes_len < BOOT_NOTES_SIZE);
		ASSERT_TRUE(bi->notes[bi->notes_len] == '\0');
	}
	EXPECT_EQ(strlen(bi->notes), bi->notes_len);
	for (unsigned i = 0; i < bi->notes_len; i++)
		lines += bi->notes[i] == '\n';
	EXPECT_GT(lines, 5);
	EXPECT_EQ(bi->notes[bi->notes_len - 1], '\n');
	free_pages_exact(bi, sizeof(*bi));
}
