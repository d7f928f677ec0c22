/*
 * bench_slab.c - caches of equal objects: pairs and batches.
 *
 * Idea.       A pair shows the per-CPU array, a batch of 10 000 shows refill, flush, and slabs coming and
 *             going.
 * Layout.     kmem.pair.SIZE  kmem.batch.SIZE.ORDER.alloc/free
 * Invariants. Names and definitions are the peer table's (peers.tsv), which ends at 4096.
 * Locking.    None.
 * Failure.    Too little memory: the row is skipped.
 * Next:       bench_kmalloc.c.
 */
#include <kernel/bench.h>
#include <mm/slab.h>

static bool kmem_pairs(const void *arg, unsigned rounds)
{
	struct kmem_cache *s = (struct kmem_cache *)arg;
	void *first = kmem_cache_alloc(s, GFP_KERNEL);

	kmem_cache_free(s, first);
	while (rounds--)
		kmem_cache_free(s, kmem_cache_alloc(s, GFP_KERNEL));
	return first;
}

BENCH(kmem, pair)
{
	static const unsigned sizes[] = {32, 64, 256, 1024, 4096, 8192, 65536};

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct kmem_cache *s = kmem_cache_create("bench", sizes[i], 0, 0, NULL);

		bench_row(b, "pair.%u", sizes[i]);
		if (s)
			bench_pair(b, kmem_pairs, s, 1000);
		else
			bench_skip_failed(b, "kmem_cache_create");
		kmem_cache_destroy(s);
	}
}

static unsigned kmem_batch_alloc(const void *arg, void **obj, unsigned nr)
{
	struct kmem_cache *s = (struct kmem_cache *)arg;
	unsigned got = 0;

	while (got < nr && (obj[got] = kmem_cache_alloc(s, GFP_KERNEL)) != NULL)
		got++;
	return got;
}

static void kmem_batch_free(const void *arg, void **obj, const u32 *index, unsigned nr)
{
	struct kmem_cache *s = (struct kmem_cache *)arg;

	for (unsigned i = 0; i < nr; i++)
		kmem_cache_free(s, obj[index[i]]);
}

BENCH(kmem, batch)
{
	static const unsigned sizes[] = {64, 256};

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct kmem_cache *s = kmem_cache_create("bench", sizes[i], 0, 0, NULL);
		const struct bench_batch batch = {10000, kmem_batch_alloc, kmem_batch_free, s};

		for (unsigned order = BENCH_LIFO; order <= BENCH_RANDOM; order++) {
			bench_row(b, "batch.%u.%s", sizes[i], bench_order_name[order]);
			if (s)
				bench_batch(b, &batch, order);
			else
				bench_skip_failed(b, "kmem_cache_create");
		}
		kmem_cache_destroy(s);
	}
}
