/*
 * malloc_bench.c - the rows of the allocators' benchmarks, done with malloc and free.
 *
 * Idea.       A Linux program of its own, which no kernel code is linked with: run as it is it measures libc's malloc,
 *             under LD_PRELOAD any other. Loops, orders, chunks and the time that a row lasts are those of the kernel's
 *             rows, from the same headers, so that the figures of one machine can stand side by side.
 * Layout.     malloc.pair.SIZE  malloc.batch.SIZE.ORDER.alloc/free  malloc.mixed.gross/net/drain, and the same as
 *             malloc.mixed.warm, in nanoseconds; the first line names the library that malloc() comes from
 * Invariants. The compiler takes malloc() for any function (-ffreestanding): no pair is left out.
 * Locking.    None: one thread.
 * Failure.    No memory, another sequence of `mixed` than the known one, an unknown group: a message and status 1.
 * Next:       tools/bench-host, which runs it.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <arch/time.h>
#include <kernel/bench.h>
#include <kernel/bits.h>

#include "mixed.h"

enum { PAIR_ROUNDS = 1000, BATCH = 10000 };

static void die(const char *why)
{
	fprintf(stderr, "malloc-bench: %s\n", why);
	exit(1);
}

u64 host_clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (u64)now.tv_sec * 1000000000 + (u64)now.tv_nsec;
}

/* The chunk counts and the time of a row are tests/engine/bench.c's. */
static bool more(unsigned chunks, u64 begin)
{
	return chunks < BENCH_CHUNKS || arch_cycles() < begin + ARCH_BENCH_CYCLES;
}

static void *get(size_t size)
{
	void *p = malloc(size);

	if (unlikely(!p))
		die("no memory");
	return p;
}

/* ---- pairs: the cheapest chunk ---- */

static __noinline void pairs(size_t size, unsigned rounds)
{
	void *first = malloc(size);

	free(first);
	while (rounds--)
		free(malloc(size));
}

static void measure_pairs(void)
{
	static const size_t sizes[] = {8,    16,   32,	 64,	  100,	  256,	 1000,
				       1024, 4096, 8192, KIB(64), MIB(1), MIB(4)};

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		u64 best = ~0UL, begin, start;

		pairs(sizes[i], PAIR_ROUNDS);
		begin = arch_cycles();
		for (unsigned chunks = 0; more(chunks, begin); chunks++) {
			start = arch_cycles();
			pairs(sizes[i], PAIR_ROUNDS);
			best = min(best, arch_cycles() - start);
		}
		printf("malloc.pair.%zu %.3f ns\n", sizes[i], (double)best / PAIR_ROUNDS);
	}
}

/* ---- batches: the mean ---- */

static __noinline void batch_alloc(size_t size, void **obj, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++)
		obj[i] = get(size);
}

static __noinline void batch_free(void **obj, const u32 *index, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++)
		free(obj[index[i]]);
}

static void measure_batch(size_t size, enum bench_order order)
{
	static const char *const name[] = {"lifo", "fifo", "random"};
	static void *obj[BATCH];
	static u32 index[BATCH];
	u64 allocs = 0, frees = 0, begin;
	unsigned rounds = 0;

	bench_fill_index(index, BATCH, order);
	batch_alloc(size, obj, BATCH);
	batch_free(obj, index, BATCH);
	begin = arch_cycles();
	for (; more(rounds, begin); rounds++) {
		u64 start = arch_cycles(), middle;

		batch_alloc(size, obj, BATCH);
		middle = arch_cycles();
		batch_free(obj, index, BATCH);
		allocs += middle - start;
		frees += arch_cycles() - middle;
	}
	printf("malloc.batch.%zu.%s.alloc %.3f ns\n", size, name[order], (double)allocs / rounds / BATCH);
	printf("malloc.batch.%zu.%s.free %.3f ns\n", size, name[order], (double)frees / rounds / BATCH);
}

static void measure_batches(void)
{
	for (unsigned order = BENCH_LIFO; order <= BENCH_RANDOM; order++) {
		measure_batch(64, order);
		measure_batch(256, order);
	}
}

/* ---- mixed ---- */

static struct {
	void *object[MIXED_SLOTS];
	u32 size[MIXED_SLOTS]; /* 0: empty */
} slots;

/* The sequence from empty slots, with or without the calls. Returns its ticks. */
static __always_inline u64 mixed_pass(bool work)
{
	u64 state = MIXED_SEED, start = arch_cycles();

	memset(&slots, 0, sizeof(slots));
	for (unsigned step = 0; step < MIXED_STEPS; step++) {
		u32 slot = mixed_slot(&state);

		if (slots.object[slot]) {
			if (work)
				free(slots.object[slot]);
			slots.object[slot] = NULL;
		} else {
			u32 size = mixed_size(&state);

			slots.object[slot] = work ? get(size) : &slots;
			slots.size[slot] = size;
		}
	}
	if (state != MIXED_LAST_STATE)
		die("mixed: not the known sequence");
	return arch_cycles() - start;
}

static __noinline u64 generator_pass(void)
{
	return mixed_pass(false);
}

static __noinline u64 work_pass(void)
{
	return mixed_pass(true);
}

/* The first time finds memory that nobody has touched, the second what the library has kept. */
static void measure_mixed(void)
{
	static const char *const warm[] = {"", "warm."};
	u64 generator = ~0UL;

	for (unsigned i = 0; i < MIXED_GENERATOR_PASSES; i++)
		generator = min(generator, generator_pass());
	for (unsigned i = 0; i < ARRAY_SIZE(warm); i++) {
		u64 gross = work_pass(), start;

		printf("malloc.mixed.%sgross %.3f ns\n", warm[i], (double)gross / MIXED_STEPS);
		printf("malloc.mixed.%snet %.3f ns\n", warm[i],
		       (double)(gross - min(gross, generator)) / MIXED_STEPS);
		start = arch_cycles();
		for (unsigned slot = 0; slot < MIXED_SLOTS; slot++)
			free(slots.object[slot]);
		printf("malloc.mixed.%sdrain %.3f ns\n", warm[i],
		       (double)(arch_cycles() - start) / (MIXED_ALLOCS - MIXED_FREES));
	}
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*measure)(void);
	} groups[] = {{"pair", measure_pairs}, {"batch", measure_batches}, {"mixed", measure_mixed}};
	Dl_info library;

	if (!dladdr(dlsym(RTLD_DEFAULT, "malloc"), &library))
		die("malloc() comes from nowhere");
	printf("library %s\n", library.dli_fname);
	for (unsigned i = 0; i < ARRAY_SIZE(groups); i++) {
		if (argc == 2 && strcmp(argv[1], groups[i].name) == 0) {
			groups[i].measure();
			return 0;
		}
	}
	fprintf(stderr, "malloc-bench: expected one word: pair, batch or mixed\n");
	return 1;
}
