#ifndef TESTS_BUDDY_FIXTURE_H
#define TESTS_BUDDY_FIXTURE_H

/* What the two files of the suite buddy share: a private zone of 1024 frames, and its blocks in pages[]. */

#include "zone_fixture.h"

static struct private_zone pz;
static struct zone *const zone = &pz.zone;
static struct page *pages[PRIVATE_FRAMES + 1]; /* and the NULL that ends take_all() */
static u8 order_of[PRIVATE_FRAMES];

#define PZ_OPEN()                                  \
	do {                                       \
		if (!private_zone_open(&pz))       \
			SKIP("no order-10 block"); \
	} while (0)
/* Everything has been given back. */
#define PZ_CLOSE()                       \
	do {                             \
		expect_whole(t, &pz);    \
		private_zone_close(&pz); \
	} while (0)

static inline unsigned frame(const struct page *page)
{
	return (unsigned)(page - pz.page);
}

static inline unsigned long nr_free(unsigned order)
{
	return zone->free_area[order].nr_free;
}

/* Cuts the whole zone into blocks of one order, in pages[] by ascending frame. */
static inline unsigned take_all(unsigned order, enum migratetype type)
{
	unsigned n = 0;

	while ((pages[n] = private_alloc(zone, order, type, 0)) != NULL)
		n++;
	for (unsigned i = 1; i < n; i++) /* insertion sort of what is nearly sorted */
		for (unsigned k = i; k && pages[k] < pages[k - 1]; k--) {
			struct page *p = pages[k];

			pages[k] = pages[k - 1];
			pages[k - 1] = p;
		}
	return n;
}

static inline void free_all(unsigned n, unsigned order)
{
	for (unsigned i = 0; i < n; i++)
		private_free(zone, pages[i], order);
}

static inline void lock_and(void (*fn)(struct zone *, struct page *, enum migratetype), struct page *page,
			    enum migratetype type)
{
	unsigned long irq = spin_lock_irqsave(&zone->lock);

	fn(zone, page, type);
	spin_unlock_irqrestore(&zone->lock, irq);
}

static inline void set_type(struct zone *z, struct page *page, enum migratetype type)
{
	pageblock_set_type(z, page, type);
	buddy_move_block(z, page, type);
}

#endif
