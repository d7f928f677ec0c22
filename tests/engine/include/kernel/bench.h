#ifndef KERNEL_BENCH_H
#define KERNEL_BENCH_H

/*
 * Benchmarks. `BENCH(group, name) { ... }` measures and reports rows named GROUP.ROW. Section `benches` collects pointers
 * to the records. The unit is the tick of arch_cycles(): one instruction under -icount shift=0, a nanosecond in the
 * hosted build.
 *
 * Measurement of a row: one warm-up, then BENCH_CHUNKS timed chunks with interrupts on and a quiescent point between
 * chunks. Where time is measured, chunks repeat until the row has lasted ARCH_BENCH_CYCLES. A pair (one allocation and
 * its free) reports its fastest chunk, and as ROW.mean the whole time, quiescent points and a final quiet_drain()
 * included, so that deferred work counts. A batch reports means only. The loop around the operations, 2 to 4
 * instructions, is not subtracted.
 */

#include <kernel/random.h>
#include <kernel/types.h>

enum { BENCH_CHUNKS = 10, BENCH_ROW_SIZE = 64 };

struct bench_run; /* one run: the selection and the destination of the rows */

struct bench {
	const char *group;
	void (*run)(struct bench_run *b);
};

#define BENCH(group_, name_)                                                                          \
	static void bench_##group_##_##name_(struct bench_run *b);                                    \
	static const struct bench bench_rec_##group_##_##name_ = {#group_, bench_##group_##_##name_}; \
	static const struct bench *const bench_ptr_##group_##_##name_                                 \
		__attribute__((section("benches"), used)) = &bench_rec_##group_##_##name_;            \
	static void bench_##group_##_##name_(__unused struct bench_run *b)

extern const struct bench *const __start_benches[], *const __stop_benches[];

/* A row; the value is in thousandths of the unit. */
struct bench_value {
	const char *name, *unit;
	u64 milli;
};
typedef void (*bench_emit_fn)(const struct bench_value *v, void *ctx);

/*
 * Runs the benchmarks that may have rows whose names match glob, `mixed` first, and emits those rows. Between benchmarks
 * cached memory is freed. Returns 0, -ENOENT if no row matches, -EIO if a benchmark's own check failed, -EBUSY inside a
 * benchmark. Context: main loop.
 */
int bench_run_all(const char *glob, bench_emit_fn emit, void *ctx);

/* ---- for benchmarks ---- */

/* Sets the name of the row that the next calls report: GROUP.<fmt>. */
void bench_row(struct bench_run *b, const char *fmt, ...) __printf(2, 3);
/* Whether the row with this suffix (".mean"; "" for none) is selected. */
bool bench_wants(struct bench_run *b, const char *suffix);
/* Reports row + suffix as ticks / ops. */
void bench_ticks(struct bench_run *b, const char *suffix, u64 ticks, u64 ops);
void bench_value(struct bench_run *b, const char *suffix, const char *unit, u64 milli);
/* Logs that the row cannot be measured here (no memory). The run continues. */
void bench_skip(struct bench_run *b, const char *why);
/* The same because `what` ("an allocation") failed; the log names the cause. */
void bench_skip_failed(struct bench_run *b, const char *what);
/* Logs that the benchmark did not do what it is defined to do. The run fails. */
void bench_fail(struct bench_run *b, const char *fmt, ...) __printf(2, 3);

/* Executes the operation `rounds` times. False if memory is short, with nothing left allocated. */
typedef bool (*bench_chunk_fn)(const void *arg, unsigned rounds);
/* Reports ROW and ROW.mean. */
void bench_pair(struct bench_run *b, bench_chunk_fn chunk, const void *arg, unsigned rounds);
/* Reports ROW only, as a mean, for operations that include their deferred work. */
void bench_mean(struct bench_run *b, bench_chunk_fn chunk, const void *arg, unsigned rounds);

enum bench_order { BENCH_LIFO, BENCH_FIFO, BENCH_RANDOM };
extern const char *const bench_order_name[];
/* Fills index with 0 .. nr - 1 in the order in which a batch is freed, the same in every run. */
static inline void bench_fill_index(u32 *index, unsigned nr, enum bench_order order)
{
	u64 state = 0x2545f4914f6cdd1dUL;

	for (unsigned i = 0; i < nr; i++)
		index[i] = order == BENCH_LIFO ? nr - 1 - i : i;
	for (unsigned left = nr; order == BENCH_RANDOM && left > 1; left--) { /* Fisher-Yates */
		u32 j = xorshift64(&state) % left, t = index[left - 1];

		index[left - 1] = index[j];
		index[j] = t;
	}
}
/* nr allocations, then all are freed in the order index[0], index[1], ... */
struct bench_batch {
	unsigned nr;
	unsigned (*alloc)(const void *arg, void **obj, unsigned nr); /* returns the number obtained */
	void (*free)(const void *arg, void **obj, const u32 *index, unsigned nr);
	const void *arg;
};
/* Reports ROW.alloc and ROW.free, per object. */
void bench_batch(struct bench_run *b, const struct bench_batch *batch, enum bench_order order);

/*
 * Boot: records the ticks that kmain() took since the last mark, as row boot.step.<step>. Usable before anything is
 * initialised. step must be a string constant.
 */
void boot_mark(const char *step);
struct boot_step {
	const char *step;
	u64 cycles; /* at its end */
};
/* Returns the nth mark, or NULL. */
const struct boot_step *boot_step(unsigned n);

#endif
