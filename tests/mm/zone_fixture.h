#ifndef TESTS_ZONE_FIXTURE_H
#define TESTS_ZONE_FIXTURE_H

/* What the tests of the page layers share: pictures of the zones, zones of their own, lists of pages held. */

#include <kernel/test.h>
#include <mm/internal.h>

/* ---- pictures ---- */

enum { SNAPSHOT_ZONES = 64 };

/* buddyinfo, unopened sections included. */
struct zone_snapshot {
	unsigned long free;
	unsigned long blocks[NR_ORDERS];
};
struct snapshot {
	struct zone_snapshot zone[SNAPSHOT_ZONES];
};

struct zone_snapshot zone_snapshot(const struct zone *zone);
/* After mm_settle(): every zone. */
void snapshot_take(struct snapshot *s);
/* After mm_settle(): every zone is as it was, block by block. */
void expect_snapshot(struct ktest *t, const struct snapshot *s);

/* ---- the log ---- */

/* Position behind the last line. */
u64 log_position(void);
/* How many lines from there on contain the text. */
unsigned log_lines_with(u64 pos, const char *text);

/* ---- pages held ---- */

/* Puts the first n pages in random order. */
void shuffle_pages(struct page **pages, unsigned n);

/* Allocates blocks until it gets NULL, at most `most` of them, linked by page->lru. Returns how many. */
unsigned long hold_blocks(struct list_head *held, gfp_t gfp, unsigned order, unsigned long most);
void release_blocks(struct list_head *held, unsigned order);
/* The small zone that exhaustion tests use: DMA when it has its pages, else NULL. */
enum { SMALL_ZONE_MOST = 4096 }; /* pages */
struct zone *small_zone(void);
/* Whether GFP_KERNEL can be served there: not every node has more than HighMem or Movable, or anything at all. */
bool node_has_low_memory(int nid);
/* Requests for that zone alone, without a report. */
#define SMALL_GFP (__GFP_DMA | __GFP_THISNODE | __GFP_NOWARN)

/* ---- a zone of the test's own ---- */

/*
 * 1024 frames of the real allocator, all of them free in a zone with an id that no real zone has. Nothing else sees
 * them, so lists and counts are exactly what the test makes of them.
 */
struct private_zone {
	struct zone zone;
	struct page *page; /* first of the order-10 block */
	unsigned long flags;
	u8 block_type[2];
};
enum { PRIVATE_FRAMES = 1 << MAX_ORDER };

/* False: there is no order-10 block to be had. */
bool private_zone_open(struct private_zone *pz);
void private_zone_close(struct private_zone *pz);
/* A second zone that takes the block's frames from `from` on; both are empty afterwards. */
void private_zone_divide(struct private_zone *pz, struct zone *upper, unsigned from);

struct page *private_alloc(struct zone *zone, unsigned order, enum migratetype type, unsigned flags);
void private_free(struct zone *zone, struct page *page, unsigned order);
/* buddy_check_zone(), and F7. */
const char *private_check(struct private_zone *pz);
/* All of it is free and merged as far as pageblock types allow: one block of order 10. */
void expect_whole(struct ktest *t, struct private_zone *pz);

#endif
