/*
 * bench_kmalloc.c - objects by size.
 *
 * Idea.       `pair` hides the size from the compiler, `const` lets it choose the cache; `seed` is the
 *             smallest use there is, a thousand pages' worth of objects, by kmalloc and by vmalloc.
 * Layout.     kmalloc.pair.SIZE  kmalloc.const.SIZE  kmalloc.batch.SIZE.ORDER.alloc/free
 *             seed.kmalloc4096.alloc/free  seed.vmalloc4096.alloc/free
 * Invariants. Names and definitions are the peer table's (peers.tsv), which lacks kmalloc.batch.
 * Locking.    None.
 * Failure.    Too little memory: the row is skipped.
 * Next:       bench_vmalloc.c.
 */
#include <kernel/bench.h>
#include <mm/kmalloc.h>
#include <mm/vmalloc.h>

static bool kmalloc_pairs(const void *arg, unsigned rounds)
{
	const size_t size = *(const size_t *)arg;
	void *first = kmalloc(size, GFP_KERNEL);

	kfree(first);
	while (rounds--)
		kfree(kmalloc(size, GFP_KERNEL));
	return first;
}

BENCH(kmalloc, pair)
{
	static const struct {
		size_t size;
		const char *name;
	} sizes[] = {{8, "8"},	     {16, "16"},     {64, "64"},       {100, "100"},   {1000, "1000"},
		     {4096, "4096"}, {8192, "8192"}, {KIB(64), "64k"}, {MIB(1), "1m"}, {MIB(4), "4m"}};

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		bench_row(b, "pair.%s", sizes[i].name);
		bench_pair(b, kmalloc_pairs, &sizes[i].size, 1000);
	}
}

#define KMALLOC_CONST(size)                                                \
	static bool kmalloc_const_##size(const void *arg, unsigned rounds) \
	{                                                                  \
		void *first = kmalloc(size, GFP_KERNEL);                   \
                                                                           \
		kfree(first);                                              \
		while (rounds--)                                           \
			kfree(kmalloc(size, GFP_KERNEL));                  \
		return first;                                              \
	}
KMALLOC_CONST(8)
KMALLOC_CONST(16)
KMALLOC_CONST(64)
KMALLOC_CONST(100)
KMALLOC_CONST(1000)
KMALLOC_CONST(4096)
KMALLOC_CONST(8192)

BENCH(kmalloc, const)
{
	static const struct {
		unsigned size;
		bench_chunk_fn chunk;
	} sizes[] = {{8, kmalloc_const_8},	{16, kmalloc_const_16},	    {64, kmalloc_const_64},
		     {100, kmalloc_const_100},	{1000, kmalloc_const_1000}, {4096, kmalloc_const_4096},
		     {8192, kmalloc_const_8192}};

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		bench_row(b, "const.%u", sizes[i].size);
		bench_pair(b, sizes[i].chunk, NULL, 1000);
	}
}

static unsigned kmalloc_batch_alloc(const void *arg, void **obj, unsigned nr)
{
	const size_t size = *(const size_t *)arg;
	unsigned got = 0;

	while (got < nr && (obj[got] = kmalloc(size, GFP_KERNEL)) != NULL)
		got++;
	return got;
}

static void kmalloc_batch_free(const void *arg, void **obj, const u32 *index, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++)
		kfree(obj[index[i]]);
}

BENCH(kmalloc, batch)
{
	static const size_t sizes[] = {64, 256};

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		const struct bench_batch batch = {10000, kmalloc_batch_alloc, kmalloc_batch_free, &sizes[i]};

		for (unsigned order = BENCH_LIFO; order <= BENCH_RANDOM; order++) {
			bench_row(b, "batch.%zu.%s", sizes[i], bench_order_name[order]);
			bench_batch(b, &batch, order);
		}
	}
}

BENCH(seed, kmalloc4096)
{
	const size_t size = 4096;
	const struct bench_batch batch = {1000, kmalloc_batch_alloc, kmalloc_batch_free, &size};

	bench_row(b, "kmalloc4096");
	bench_batch(b, &batch, BENCH_LIFO);
}

static unsigned vmalloc_batch_alloc(const void *arg, void **obj, unsigned nr)
{
	const size_t size = *(const size_t *)arg;
	unsigned got = 0;

	while (got < nr && (obj[got] = vmalloc(size)) != NULL)
		got++;
	return got;
}

static void vmalloc_batch_free(const void *arg, void **obj, const u32 *index, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++)
		vfree(obj[index[i]]);
}

BENCH(seed, vmalloc4096)
{
	const size_t size = 4096;
	const struct bench_batch batch = {1000, vmalloc_batch_alloc, vmalloc_batch_free, &size};

	bench_row(b, "vmalloc4096");
	bench_batch(b, &batch, BENCH_LIFO);
}
