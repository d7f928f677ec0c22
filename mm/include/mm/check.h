#ifndef MM_CHECK_H
#define MM_CHECK_H

#include <kernel/types.h>

/*
 * Checks of the invariants of all allocators. Each layer registers a check. It returns NULL, or a text
 * that names the broken invariant (static, or in the check's own buffer). Context: main loop, the other
 * CPUs held.
 *
 * A check relies on the results of checks of lower ranks and follows pointers that they accepted
 * without a test. So after a failure no check of a higher rank runs. How a check reads data that may be
 * damaged: <mm/check_walk.h>.
 */
typedef const char *(*mm_check_fn)(void);
enum mm_check_rank {
	CHECK_RANK_MEMORY,   /* memblock: the addresses that are RAM */
	CHECK_RANK_LAYOUT,   /* nodes, zones: fixed after boot, except for counts */
	CHECK_RANK_SECTIONS, /* the frames that have a struct page */
	CHECK_RANK_TABLES,   /* page tables: the addresses that can be accessed */
	CHECK_RANK_LISTS,    /* lists, stacks, trees of frames and areas; the census follows them */
	CHECK_RANK_REST,
	NR_CHECK_RANKS
};
struct mm_check {
	const char *name;
	mm_check_fn fn;
	enum mm_check_rank rank;
};
#define MM_CHECK_RANKED(check_name, check_fn, check_rank)                                      \
	static const struct mm_check mm_check_##check_fn = {check_name, check_fn, check_rank}; \
	static const struct mm_check *const mm_check_ptr_##check_fn                            \
		__attribute__((section("mm_checks"), used)) = &mm_check_##check_fn
#define MM_CHECK(check_name, check_fn) MM_CHECK_RANKED(check_name, check_fn, CHECK_RANK_REST)

extern const struct mm_check *const __start_mm_checks[], *const __stop_mm_checks[];

/*
 * Runs deferred work, empties per-CPU lists and arrays, and frees empty slabs and lazy areas. Memory
 * that is allocated afterwards is in use. Waits for other CPUs. Context: main loop.
 */
void mm_settle(void);
/*
 * Disables per-CPU lists and arrays while failures are injected, so every call takes the slow path, and
 * enables them again. Called after each change of an attribute or sweep of <kernel/fault.h>. Context:
 * main loop.
 */
void mm_update_bypass(void);
/*
 * Pages that are free or hold page tables. Kernel page tables stay once they are built, so a further
 * table is no lost page. After mm_settle() only allocations that still exist can have reduced the
 * number.
 */
unsigned long mm_idle_pages(void);
/*
 * Allocated objects of all caches. After mm_settle() only allocations that still exist can have
 * increased the number.
 */
unsigned long mm_live_objects(void);

/* Pages and objects in use after mm_settle(), which mm_settled_usage() calls. Context: main loop. */
struct mm_usage {
	unsigned long idle_pages, slab_pages, live_objects;
};
struct mm_usage mm_settled_usage(void);
/*
 * Pages that were idle at `before` and are not at `after`. The same number of objects may lie in more
 * slabs than before (a free range of addresses may have got another descriptor). So if there are not
 * more objects, the slabs' pages count as idle.
 */
unsigned long mm_lost_pages(const struct mm_usage *before, const struct mm_usage *after);

/*
 * Runs all checks and calls report(name, text, ctx) for each failure. Returns the number of failures;
 * *checks is the number of checks that ran.
 */
unsigned mm_check_all(unsigned *checks, void (*report)(const char *name, const char *what, void *ctx),
		      void *ctx);
/*
 * As mm_check_all(), but the census visits only the first frame of each block and of each reserved range. It
 * leaves out tail pages and the frames of holes. The test runner calls it after each case. `verify`, the end
 * of a suite and stress call mm_check_all().
 */
unsigned mm_check_quick(unsigned *checks, void (*report)(const char *name, const char *what, void *ctx),
			void *ctx);
/* True while mm_check_quick() runs. */
extern bool mm_checks_quick;

#endif
