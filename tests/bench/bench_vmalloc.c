/*
 * bench_vmalloc.c - virtual ranges: pairs, batches, vmap, TLB flushes.
 *
 * Idea.       What counts is the mean, the purge of lazily freed areas included: it is the price of every
 *             vfree.
 * Layout.     vmalloc.pair.SIZE  vmalloc.batch.ORDER.alloc/free  vmap.pair.16
 * Invariants. Names and definitions of vmalloc and vmap are the peer table's (peers.tsv).
 * Locking.    None.
 * Failure.    Too little memory: the row is skipped.
 * Next:       bench_smp.c.
 */
#include <kernel/bench.h>
#include <mm/page_alloc.h>
#include <mm/vmalloc.h>

static bool vmalloc_pairs(const void *arg, unsigned rounds)
{
	const size_t size = *(const size_t *)arg;

	while (rounds--) {
		void *p = vmalloc(size);

		if (!p)
			return false;
		vfree(p);
	}
	return true;
}

BENCH(vmalloc, pair)
{
	static const struct {
		size_t size;
		const char *name;
		unsigned rounds;
	} sizes[] = {{KIB(4), "4k", 8000}, {KIB(16), "16k", 8000}, {KIB(64), "64k", 4000},
		     {MIB(1), "1m", 400},  {MIB(16), "16m", 40},   {MIB(64), "64m", 10}};

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		bench_row(b, "pair.%s", sizes[i].name);
		bench_mean(b, vmalloc_pairs, &sizes[i].size, sizes[i].rounds);
	}
}

static unsigned vmalloc_batch_alloc(const void *arg, void **obj, unsigned nr)
{
	unsigned got = 0;

	while (got < nr && (obj[got] = vmalloc(KIB(16))) != NULL)
		got++;
	return got;
}

static void vmalloc_batch_free(const void *arg, void **obj, const u32 *index, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++)
		vfree(obj[index[i]]);
}

BENCH(vmalloc, batch)
{
	static const enum bench_order orders[] = {BENCH_LIFO, BENCH_RANDOM};
	const struct bench_batch batch = {
		.nr = 1000, .alloc = vmalloc_batch_alloc, .free = vmalloc_batch_free};

	for (unsigned i = 0; i < ARRAY_SIZE(orders); i++) {
		bench_row(b, "batch.%s", bench_order_name[orders[i]]);
		bench_batch(b, &batch, orders[i]);
	}
}

enum { VMAP_PAGES = 16 };

static bool vmap_pairs(const void *arg, unsigned rounds)
{
	struct page **pages = (struct page **)arg;

	while (rounds--) {
		void *p = vmap(pages, VMAP_PAGES, VM_MAP, PT_RW);

		if (!p)
			return false;
		vunmap(p);
	}
	return true;
}

BENCH(vmap, pair)
{
	struct page *pages[VMAP_PAGES];
	unsigned long got = alloc_pages_bulk(NUMA_NO_NODE, GFP_KERNEL, VMAP_PAGES, pages);

	bench_row(b, "pair.%u", VMAP_PAGES);
	if (got == VMAP_PAGES)
		bench_mean(b, vmap_pairs, pages, 1000);
	else
		bench_skip_failed(b, "an allocation");
	free_pages_bulk(pages, got);
}
