/*
 * bench_page.c - the page allocator: pairs, batches, zeroing.
 *
 * Idea.       Orders 0 to 3 show the per-CPU lists, 4 to 10 the buddy; a batch of 10 000 shows refill and
 *             flush.
 * Layout.     page.pair.O  page.zero.O  page.batch.ORDER.alloc/free
 * Invariants. Names and definitions are the peer table's (peers.tsv).
 * Locking.    None.
 * Failure.    Too little memory: the row is skipped.
 * Next:       bench_slab.c.
 */
#include <kernel/bench.h>
#include <mm/page_alloc.h>

struct page_request {
	gfp_t gfp;
	unsigned order;
};

static bool page_pairs(const void *arg, unsigned rounds)
{
	const struct page_request *rq = arg;
	const unsigned order = rq->order;
	const gfp_t gfp = rq->gfp;

	while (rounds--) {
		struct page *page = alloc_pages(gfp, order);

		if (unlikely(!page))
			return false;
		__free_pages(page, order);
	}
	return true;
}

BENCH(page, pair)
{
	static const unsigned orders[] = {0, 1, 2, 3, 4, 6, 9, 10};

	for (unsigned i = 0; i < ARRAY_SIZE(orders); i++) {
		struct page_request rq = {GFP_KERNEL, orders[i]};

		bench_row(b, "pair.%u", orders[i]);
		bench_pair(b, page_pairs, &rq, 1000);
	}
}

BENCH(page, zero)
{
	static const unsigned orders[] = {0, 9};

	for (unsigned i = 0; i < ARRAY_SIZE(orders); i++) {
		struct page_request rq = {GFP_KERNEL | __GFP_ZERO, orders[i]};

		bench_row(b, "zero.%u", orders[i]);
		bench_pair(b, page_pairs, &rq, 1000 >> orders[i] ? 1000 >> orders[i] : 1);
	}
}

static unsigned page_batch_alloc(const void *arg, void **obj, unsigned nr)
{
	unsigned got = 0;

	while (got < nr && (obj[got] = alloc_page(GFP_KERNEL)) != NULL)
		got++;
	return got;
}

static void page_batch_free(const void *arg, void **obj, const u32 *index, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++)
		__free_page((struct page *)obj[index[i]]);
}

BENCH(page, batch)
{
	const struct bench_batch batch = {.nr = 10000, .alloc = page_batch_alloc, .free = page_batch_free};

	for (unsigned order = BENCH_LIFO; order <= BENCH_RANDOM; order++) {
		bench_row(b, "batch.%s", bench_order_name[order]);
		bench_batch(b, &batch, order);
	}
}
