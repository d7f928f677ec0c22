#ifndef BOOT_MAP_FIXTURE_H
#define BOOT_MAP_FIXTURE_H

/* Checks of a memory map that was given as text: for test_map.c and test_dmesg.c. */

#include "boot_fixture.h"

static inline void expect_usable(struct ktest *t, struct boot_info *bi, const u64 (*want)[2], unsigned nr)
{
	u64 cursor = 0, start, end;
	unsigned got = 0;

	while (boot_next_usable(bi, &cursor, &start, &end)) {
		if (got < nr) {
			EXPECT_EQ(start, want[got][0]);
			EXPECT_EQ(end, want[got][1]);
		}
		got++;
	}
	EXPECT_EQ(got, nr);
}

#define EXPECT_USABLE(f, ...)                                                   \
	do {                                                                    \
		static const u64 want[][2] = {__VA_ARGS__};                     \
		expect_usable(t, &(f)->info, want, (unsigned)ARRAY_SIZE(want)); \
	} while (0)

static inline void expect_zones(struct ktest *t, const struct boot_info *bi, u64 dma, u64 dma32, u64 normal)
{
	EXPECT_EQ(bi->zones.dma_end, dma);
	EXPECT_EQ(bi->zones.dma32_end, dma32);
	EXPECT_EQ(bi->zones.normal_end, normal);
}

#endif
